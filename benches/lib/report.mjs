// benches/RESULTS.md, and the bars as lines of text.
import { judged } from "./bars.mjs";
import { GROWTH, JS, MODELS, NATIVE, label } from "./plan.mjs";
import { access } from "./stats.mjs";

const KB = (bytes) => (bytes / 1000).toFixed(1);
const digits = (value) => (!Number.isFinite(value) ? "-" : value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2));
const rate = (us) => (us === undefined ? "-" : `${digits(1000 / us)}k`);
const table = (head, rows) => [`| ${head.join(" | ")} |`, `|${head.map((_, k) => (k === 0 ? "---" : "---:")).join("|")}|`, ...rows.map((row) => `| ${row.join(" | ")} |`)].join("\n");

export function report(raw) {
  const results = access(raw, label);
  const bars = judged(results);
  const sections = [head(raw), barsTable(bars), single(results), batch(results), start(results), growth(results), sizes(raw.sizes), workerd(raw.workerd), boundary(raw.boundary), answers(results), missing(raw)];
  return { text: `${sections.filter((section) => section !== null).join("\n\n")}\n`, bars: lines(bars) };
}

/** What is wrong with ours, however fast it is. */
export function failures({ measurements, fresh, workerd }) {
  const ours = ({ contender }) => contender.startsWith("hedgerow");
  const rows = measurements.filter(ours).filter(({ wrong }) => wrong > 0).map(({ model, measure, contender }) => `${contender}, ${model} (${measure}): answers are not the native binary's`);
  const begun = fresh.filter(ours).filter(({ error }) => error).map(({ mode, model, contender, error }) => `${contender}, ${model} (${mode}): ${error}`);
  const there = (workerd?.models ?? []).flatMap(({ model, figures }) => Object.entries(figures).filter(([, { wrong }]) => wrong > 0).map(([contender, { error }]) => `${contender}, ${model} (workerd): ${error}`));
  return [...new Set([...rows, ...begun, ...there])];
}

function head({ facts, quick, effort, only, seconds }) {
  const { peers, libraries } = facts;
  const names = ["xgboost-cpu", "lightgbm", "onnxruntime", "scikit-learn", "lleaves"].map((name) => `${name} ${libraries[name]}`);
  const made = ["skl2onnx", "onnxmltools", "m2cgen", "ydf"].map((name) => `${name} ${libraries[name]}`);
  return `# Results

Written by \`./build.sh bench${quick ? " --quick" : ""}\`; [README.md](README.md) says what each figure means and how it is taken. Ratios are of figures of this one run.
${quick ? "\n**A quick run, to see that all works: too short for figures to rely on.**\n" : ""}${only.length < MODELS.length ? `\n**A part of the models only: ${only.join(", ")}.**\n` : ""}
| | |
|---|---|
| Hedgerow | ${facts.hedgerow} (${facts.commit}), ${facts.rustc} |
| JavaScript | Node ${facts.node} (V8 ${facts.v8}); ${Object.entries(peers).map(([name, version]) => `${name} ${version}`).join(", ")} |
| native, one thread | Python ${facts.python.replace("Python ", "")}; ${names.join(", ")} |
| models made with | ${made.join(", ")} |
| machine | ${facts.cpu}, ${facts.cores} cores, ${facts.memory}, ${facts.system} |
| taken | ${facts.date}, ${effort.processes} process${effort.processes > 1 ? "es" : ""} of each contender, ${effort.rounds.single} rounds of ${effort.ms} ms in turn, ${Math.ceil(seconds / 60)} minutes in all |`;
}

function shown({ best, typical, unit, at }) {
  if (!Number.isFinite(best)) return ["-", "-"];
  const value = (number) => (number === undefined ? "-" : `${digits(number)}${unit && !unit.startsWith("of ") ? ` ${unit}` : at === "most" && !unit ? "" : unit ? "" : " x"}`);
  return [value(best), value(typical)];
}

/** Minima, in microseconds per row or milliseconds. */
function pairOf({ kind, pair }) {
  return `${pair.map(({ min }) => digits(min)).join(", ")} ${kind === "times" ? "us" : "ms"}`;
}

const limit = (value, { at }) => (value === null || value === undefined ? "" : `${at === "most" ? "<=" : ">="} ${value}`);

function barsTable(bars) {
  const rows = bars.flatMap(({ title, parts }) =>
    parts.map((part, k) => {
      const [best, typical] = shown(part);
      return [k === 0 ? `**${title}**` : "", [part.what, part.unit && part.unit.startsWith("of ") ? part.unit : ""].filter(Boolean).join(" "), part.pair ? pairOf(part) : "", best, typical, limit(part.bar, part), mark(part.met), limit(part.beyond, part), mark(part.further)];
    }),
  );
  return `## The bars

\`minimum\`: from the least figures of all rounds and processes; \`median\`: from the medians. A bar is met where both meet it.

${table(["", "figure", "ours, theirs", "minimum", "median", "bar", "", "beyond", ""], rows)}`;
}

const mark = (text) => (text.startsWith("missed") || text.startsWith("wrong") ? `**${text}**` : text);

function lines(bars) {
  return bars
    .flatMap(({ title, parts }) =>
      parts.map((part) => {
        const [best, typical] = shown(part);
        const said = [part.met && `bar ${limit(part.bar, part)}: ${part.met}`, part.further && `beyond ${limit(part.beyond, part)}: ${part.further}`].filter(Boolean).join("; ");
        return `${title.padEnd(28)} ${part.what.padEnd(58)} ${best.padStart(14)} ${typical.padStart(14)}   ${said}`;
      }),
    )
    .join("\n");
}

/** `figure(model, contender)`: text, or null where there is none; columns without any are left out. */
function grid(results, models, contenders, figure) {
  const rows = models.map((model) => contenders.map((contender) => figure(model, contender)));
  const columns = contenders.map((_, k) => k).filter((k) => rows.some((row) => row[k] !== null));
  const some = models.filter((_, i) => rows[i].some((text) => text !== null));
  if (some.length === 0) return null;
  return table(["", ...columns.map((k) => results.label(contenders[k]))], some.map((model) => [model, ...columns.map((k) => rows[models.indexOf(model)][k] ?? "")]));
}

function single(results) {
  const figure = (of) => (model, contender) => {
    const cell = results.cell(model, "single", contender);
    return cell && of(cell);
  };
  const spent = grid(results, MODELS, JS, figure(({ min, median }) => `${digits(min)} / ${digits(median)}`));
  if (spent === null) return null;
  const wall = grid(results, MODELS, JS, figure(({ p50, p99 }) => `${digits(p50.min)} / ${digits(p50.median)} / ${digits(p99.median)}`));
  const cached = results.cached();
  return `## One row

An object in, an answer out; 2,048 distinct rows in turn. Ours validates, counts for the profile (hedgerow-data: in 64 bins a field), and remembers nothing. m2cgen gives a function of an array: its user reads the object in a loop over names, or (m2cgen-literal) writes them all out. Time as it passes, microseconds per call: p50 of the best round / p50 of the median round / p99 of the median round.

${wall}

CPU time, microseconds per call: minimum / median. It has compilers and garbage collectors in it, which have threads of their own.

${spent}${cached ? `\n\nAn answer that is remembered (30 fields, ${results.label("hedgerow")}): ${digits(cached.p50.min)} / ${digits(cached.p50.median)} us, of CPU time ${digits(cached.min)} / ${digits(cached.median)} us.` : ""}`;
}

function batch(results) {
  const part = (measure, title) => {
    const text = grid(results, MODELS, [...JS, ...NATIVE], (model, contender) => {
      const cell = results.cell(model, measure, contender);
      return cell && `${rate(cell.min)} / ${rate(cell.median)}`;
    });
    return text && `${title}\n\n${text}`;
  };
  const parts = [part("batch10000", "In batches of 10,000 rows:"), part("batch1000", "In batches of 1,000 rows:")].filter(Boolean);
  if (parts.length === 0) return null;
  return `## Many rows

Rows per second of CPU time, one thread: best round / median. Ours: \`predictColumns\`, a Float64Array per field, into arrays of the caller's. The others: what suits them best, made before the clock starts (a tensor of 32-bit floats; arrays).

${parts.join("\n\n")}`;
}

function start(results) {
  if (results.fresh.length === 0) return null;
  const all = (mode, model) => results.fresh.filter((one) => one.mode === mode && one.model === model);
  const of = (mode, model) => [...new Set(all(mode, model).map(({ contender }) => contender))];
  /** Of whom some processes failed, how many did not. */
  const called = (mode, model, name) => {
    const told = all(mode, model).filter(({ contender }) => contender === name);
    const good = told.filter(({ error }) => !error).length;
    return good < told.length ? `${name} (${good} of ${told.length} processes)` : name;
  };
  const pair = (spread, unit = 1) => (spread ? `${digits(spread.min / unit)} / ${digits(spread.median / unit)}` : "-");
  const cold = ["bc-xgb100d6", "b20-rf100d10"].map((model) =>
    table(["", `${model}: CPU ms`, "ms as they pass"], of("cold", model).map((name) => [called("cold", model, name), pair(results.once("cold", model, name, "cpu")), pair(results.once("cold", model, name, "wall"))])),
  );
  const load = table(
    ["", "ready, CPU ms", "ready, ms as they pass", "first answer, CPU ms", "ready again, CPU ms"],
    of("load", "b20-rf100d10").map((name) => [called("load", "b20-rf100d10", name), ...["cpu", "wall", (one) => one.answered.cpu, (one) => one.again.cpu].map((figure) => pair(results.once("load", "b20-rf100d10", name, figure)))]),
  );
  const memory = table(
    ["", "resident, MB", "WebAssembly memory, MB", "JavaScript heap, MB"],
    of("memory", "b20-xgb100d6").map((name) => [called("memory", "b20-xgb100d6", name), ...["rss", "wasm", "heap"].map((figure) => pair(results.once("memory", "b20-xgb100d6", name, figure), 1e6))]),
  );
  return `## Start, load, memory

Cold start: in a fresh process, from the model's bytes in memory to the first answer; the library's import and compilation are part of it. Minimum / median of ${results.effort.fresh} processes of each, or as many as are named beside it.

${cold.join("\n\n")}

Load of b20-rf100d10 where the library is up: it has loaded and answered bc-xgb100d6. \`again\`: the best of five more times in the same process.

${load}

Growth of the process by the library, b20-xgb100d6 and 2,048 answers, after garbage collection.

${memory}`;
}

function growth(results) {
  const rows = GROWTH.map(({ trees, model }) => {
    const cells = (measure) => ["hedgerow", "onnxruntime-web"].map((name) => results.cell(model, measure, name));
    const [one, web] = cells("single");
    const [many, batch] = cells("batch10000");
    if (!one || !web) return null;
    return [trees, results.sizes?.artifacts[model]?.nodes ?? "", digits(one.p50.min), digits(web.p50.min), `${digits(web.p50.min / one.p50.min)} x`, many ? rate(many.min) : "-", batch ? rate(batch.min) : "-", many && batch ? `${digits(batch.min / many.min)} x` : "-"];
  }).filter(Boolean);
  if (rows.length === 0) return null;
  return `## Growth with the number of trees

XGBoost, depth 6, b20; minima (of a single row: of p50).

${table(["trees", "nodes", "one row, us", "onnxruntime-web", "", "rows/s", "onnxruntime-web", ""], rows)}`;
}

function sizes({ runtimes, artifacts }) {
  const told = (size) => (size ? [size.raw, size.gzip, size.brotli].filter((n) => n !== undefined).map(KB).join(" / ") : "");
  const smaller = ({ hedge, onnx }) => (hedge && onnx ? `${(hedge.gzip / onnx.gzip).toFixed(2)}` : "");
  return `## Sizes

KB of 1,000 bytes: as it is / gzip -9, and for runtimes / brotli. A runtime is what a page downloads besides the model.

${table(["runtime", "KB"], [...Object.entries(runtimes).map(([name, size]) => [name, told(size)]), ["m2cgen", "none: the model is the code"]])}

${table(
  ["model", "nodes", "`.hedge`", "ONNX", "`.hedge` of ONNX, gzip", "m2cgen", "YDF (its own trees: nodes)"],
  Object.entries(artifacts).map(([name, forms]) => [name, forms.nodes || "", told(forms.hedge), told(forms.onnx), smaller(forms), told(forms.m2cgen), forms.ydf ? `${told(forms.ydf)} (${forms.ydf_nodes})` : ""]),
)}`;
}

function workerd(told) {
  if (told === null) return null;
  if (told.error) return `## In workerd\n\nNot measured: ${told.error}`;
  return `## In workerd

One row in Cloudflare's runtime (${told.version}), microseconds per call as time passes, from requests that ask for many rows: minimum / median. onnxruntime-web, ydf-inference, tfjs and libsvm-js do not run there as they are published: they compile WebAssembly at run time, which it forbids.

${table(["", ...told.contenders], told.models.map(({ model, figures }) => [model, ...told.contenders.map((name) => (figures[name] ? (figures[name].error ?? `${digits(figures[name].min)} / ${digits(figures[name].median)}`) : ""))]))}`;
}

function boundary(told) {
  if (told === null) return null;
  if (told.error) return `## The boundary between JavaScript and WebAssembly\n\nNot measured: ${told.error}`;
  const bound = ({ ratio, limit }) => (limit === undefined ? "" : `<= ${limit}${ratio > limit ? " **exceeded**" : ""}`);
  return `## The boundary between JavaScript and WebAssembly

\`node benches/boundary.mjs\`; nanoseconds per call, and times an empty call into WebAssembly, with the bound that is generous on purpose.

${table(["", "ns", "times the empty call", "bound"], told.rows.map((row) => [row.what, digits(row.ns), digits(row.ratio), bound(row)]))}`;
}

function answers(results) {
  const rows = [];
  for (const contender of [...JS, ...NATIVE]) {
    let [checked, wrong, worst] = [0, 0, 0];
    const models = [];
    for (const model of MODELS) {
      for (const measure of ["single", "batch1000", "batch10000", "cached"]) {
        const cell = results.cell(model, measure, contender);
        if (!cell) continue;
        checked += cell.checked;
        wrong += cell.wrong;
        worst = Math.max(worst, cell.worst);
        if (cell.wrong > 0) models.push(`${model} (${measure}): ${((100 * cell.wrong) / cell.checked).toFixed(2)} %, at most ${cell.worst.toExponential(1)} off`);
      }
    }
    if (checked > 0) rows.push([results.label(contender), checked.toLocaleString("en"), wrong.toLocaleString("en"), worst.toExponential(1), models.join("; ")]);
  }
  if (rows.length === 0) return null;
  return `## Answers

Compared are, of batches, all rows of each that was timed, and of single rows and remembered answers the last answer of a slice to each of the 2,048 rows: ours with the native binary's, bit for bit (which is within 1e-6 of XGBoost's own and 1e-12 of the other originals'); the other
JavaScript libraries and onnxruntime with the original library's, to 1e-5; YDF with YDF's own in Python; the native originals with themselves, to 1e-9.

${table(["", "answers", "wrong", "largest difference", "where"], rows)}`;
}

function missing({ missing, fresh, effort }) {
  const said = new Map();
  for (const [model, failed] of Object.entries(missing)) for (const [who, why] of Object.entries(failed)) said.set(`${who}: ${why}`, [...(said.get(`${who}: ${why}`) ?? []), model]);
  const list = [...said].map(([text, models]) => `* ${models.join(", ")}: ${text}`);
  const failed = new Map();
  for (const { mode, model, contender, error } of fresh) if (error) failed.set(`${model}: ${contender}, ${mode}: ${error}`, (failed.get(`${model}: ${contender}, ${mode}: ${error}`) ?? 0) + 1);
  for (const [text, times] of failed) list.push(`* ${text} (${times} of ${effort.fresh} processes)`);
  list.push("* tl2cgen (native): its compiler needs minutes for each of these models; not run.");
  return `## What is not here

${list.join("\n")}`;
}
