// What the figures are held to: bars, and beyond them what would be better still.
import { GROWTH } from "./plan.mjs";

const KB = 1000;
const times = (model, measure, ours, theirs, bar, beyond) => ({ kind: "times", model, measure, ours, theirs, bar, beyond });
const row = (model, theirs, bar, beyond, ours = "hedgerow") => times(model, "single", ours, theirs, bar, beyond);
const many = (model, theirs, bar, beyond) => times(model, "batch10000", "hedgerow", theirs, bar, beyond);

/** `bar` null: only what is beyond is named. `at: "most"`: less is better; otherwise more is. */
export const BARS = [
  { title: "one row, b20-xgb100d6", parts: [row("b20-xgb100d6", "onnxruntime-web", 14), row("b20-xgb100d6", "m2cgen", 10), row("b20-xgb100d6", "m2cgen-literal", 10), row("b20-xgb100d6", "ydf", 10), row("b20-xgb100d6", "onnxruntime-web", null, 20, "hedgerow-bind")] },
  { title: "one row, b20-xgb500d6", parts: [row("b20-xgb500d6", "onnxruntime-web", 9, 12)] },
  { title: "one row, b20-rf100d10", parts: [row("b20-rf100d10", "onnxruntime-web", 12, 16)] },
  { title: "one row, bc-lr, with bind", parts: [row("bc-lr", "m2cgen", 2.5, 5, "hedgerow-bind"), row("bc-lr", "m2cgen-literal", 2.5, 5, "hedgerow-bind"), row("bc-lr", "onnxruntime-web", 50, null, "hedgerow-bind")] },
  { title: "remembered answer, 30 fields", parts: [{ kind: "cached", bar: 0.5, at: "most", unit: "us" }] },
  { title: "batch 10k, b20-xgb100d6", parts: [{ kind: "rate", model: "b20-xgb100d6", bar: 2.4, unit: "M rows/s" }, many("b20-xgb100d6", "xgboost", 3.3, 4)] },
  { title: "batch 10k, b20-xgb500d6", parts: [many("b20-xgb500d6", "xgboost", 4, 5)] },
  { title: "batch 10k, b20-lgb100d6", parts: [many("b20-lgb100d6", "lightgbm", 14, 18)] },
  { title: "batch 10k, b20-rf100d10", parts: [many("b20-rf100d10", "onnxruntime", 5, 7)] },
  { title: "batch 10k, b20-rf500d20", parts: [many("b20-rf500d20", "onnxruntime", 3, 4)] },
  { title: "batch 10k, m5-xgb100d6", parts: [many("m5-xgb100d6", "xgboost", 3.5, 5)] },
  { title: "batch 10k, bc-mlp", parts: [many("bc-mlp", "onnxruntime-web", 1.5), many("bc-mlp", "scikit-learn", null, 1)] },
  { title: "batch 10k, bc-svc", parts: [many("bc-svc", "onnxruntime-web", 2), many("bc-svc", "onnxruntime", null, 1)] },
  { title: "batch 10k, bc-lr", parts: [many("bc-lr", "onnxruntime-web", 2), many("bc-lr", "onnxruntime", null, 1)] },
  { title: "cold start, bc-xgb100d6", parts: [{ kind: "cold", theirs: "onnxruntime-web", bar: 60 }, { kind: "cold", theirs: "m2cgen", bar: 1.8, beyond: 1, at: "most", share: true }] },
  { title: "load, b20-rf100d10", parts: [{ kind: "load", bar: 6, beyond: 3, at: "most", unit: "ms" }, { kind: "load", theirs: "onnxruntime-node", bar: 0.3, at: "most", share: true }, { kind: "load", again: true, bar: 6, beyond: 3, at: "most", unit: "ms" }, { kind: "load", again: true, theirs: "onnxruntime-node", bar: 0.3, at: "most", share: true }] },
  { title: "memory growth, b20-xgb100d6", parts: [{ kind: "memory", bar: 6, beyond: 3, at: "most", unit: "MB" }] },
  { title: "runtime, wasm and JavaScript", parts: [{ kind: "runtime", form: "gzip", bar: 72, at: "most", unit: "KB gzip" }, { kind: "runtime", form: "brotli", bar: null, beyond: 45, at: "most", unit: "KB brotli" }] },
  { title: "artifact, b20-rf100d10", parts: [{ kind: "artifact", model: "b20-rf100d10", bar: 300, beyond: 220, at: "most", unit: "KB gzip" }] },
  { title: "every artifact, gzip", parts: [{ kind: "onnx", bar: 1, at: "most", unit: "of ONNX's, the largest share" }] },
  { title: "growth, 50 to 1,000 trees", parts: [{ kind: "linear", bar: 20, at: "most" }, row("b20-xgb1000d6", "onnxruntime-web", 8)] },
];

const OF = { hedgerow: "", "hedgerow-bind": " (with bind)" };

/** Each part with its figure: `best` from the minima, `typical` from the medians, and what both say to the bar. Wrong answers meet none. */
export function judged(results) {
  return BARS.map(({ title, parts }) => ({ title, parts: parts.map((part) => verdict(part, figure(part, results))) }));
}

function verdict(part, { what, unit = part.unit, best, typical, pair, wrong = 0 }) {
  const met = (limit, value) => (part.at === "most" ? value <= limit : value >= limit);
  const said = (limit) => {
    if (limit === null || limit === undefined) return "";
    if (!Number.isFinite(best)) return "not measured";
    if (wrong > 0) return "wrong answers";
    const [a, b] = [met(limit, best), met(limit, typical ?? best)];
    return a && b ? "met" : a ? "met at the minimum, missed at the median" : b ? "missed at the minimum, met at the median" : "missed";
  };
  return { ...part, what, unit, best, typical, pair, met: said(part.bar), further: said(part.beyond) };
}

function figure(part, results) {
  const { cell, once, sizes } = results;
  switch (part.kind) {
    case "times": {
      // A single row is a matter of time as it passes: CPU time has compilers in it, which work on long after the first answers.
      const cells = [part.ours, part.theirs].map((name) => cell(part.model, part.measure, name));
      const [ours, theirs] = part.measure === "single" ? cells.map((one) => one?.p50) : cells;
      const what = `times ${results.label(part.theirs)}${OF[part.ours]}`;
      return ours && theirs ? { what, best: theirs.min / ours.min, typical: theirs.median / ours.median, pair: [ours, theirs], wrong: cells[0].wrong } : { what };
    }
    case "cached": {
      const ours = results.cached();
      return ours ? { what: "an answer", best: ours.p50.min, typical: ours.p50.median, wrong: ours.wrong } : { what: "an answer" };
    }
    case "rate": {
      const ours = cell(part.model, "batch10000", "hedgerow");
      return ours ? { what: "one thread", best: 1 / ours.min, typical: 1 / ours.median, wrong: ours.wrong } : { what: "one thread" };
    }
    case "cold":
    case "load": {
      const model = part.kind === "cold" ? "bc-xgb100d6" : "b20-rf100d10";
      const of = part.again ? (one) => one.again.cpu : "cpu";
      const ours = once(part.kind, model, "hedgerow", of);
      const when = part.kind === "cold" ? "" : part.again ? ", again in the same process" : ", first in its process";
      if (!part.theirs) return { what: `of CPU${when}`, best: ours?.min, typical: ours?.median };
      const theirs = once(part.kind, model, part.theirs, of);
      const what = part.share ? `of ${part.theirs}'s CPU time${when}` : `times ${part.theirs}`;
      if (!ours || !theirs) return { what };
      const pair = [ours, theirs];
      return part.share ? { what, best: ours.min / theirs.min, typical: ours.median / theirs.median, pair } : { what, best: theirs.min / ours.min, typical: theirs.median / ours.median, pair };
    }
    case "memory": {
      const ours = once("memory", "b20-xgb100d6", "hedgerow", "rss");
      return { what: "resident", best: ours?.min / 1e6, typical: ours?.median / 1e6 };
    }
    case "runtime":
      return { what: "", best: sizes.runtimes.hedgerow[part.form] / KB };
    case "artifact":
      return { what: "", best: sizes.artifacts[part.model]?.hedge && sizes.artifacts[part.model].hedge.gzip / KB };
    case "onnx": {
      const shares = Object.entries(sizes.artifacts).filter(([, forms]) => forms.hedge && forms.onnx).map(([model, { hedge, onnx }]) => [hedge.gzip / onnx.gzip, model]);
      const [best, model] = shares.sort(([a], [b]) => b - a)[0] ?? [];
      return { what: model ? `(${model})` : "", best };
    }
    case "linear": {
      const [first, last] = [GROWTH[0], GROWTH.at(-1)].map(({ model }) => cell(model, "single", "hedgerow"));
      const what = "times the time of 50 trees, for 20 times the trees";
      return first && last ? { what, best: last.p50.min / first.p50.min, typical: last.p50.median / first.p50.median, wrong: first.wrong + last.wrong } : { what };
    }
    default:
      throw new Error(`there is no figure ${part.kind}`);
  }
}
