// Who is measured on what.
import { open } from "./model.mjs";

/** In the order of the tables. */
export const MODELS = ["bc-lr", "bc-xgb100d6", "bc-mlp", "bc-svc", "b20-xgb50d6", "b20-xgb100d6", "b20-xgb250d6", "b20-xgb500d6", "b20-xgb1000d6", "b20-lgb100d6", "b20-lgb500d6", "b20-rf100d10", "b20-rf500d20", "m5-xgb100d6"];
/** Measured for the growth with the number of trees alone. */
export const GROWTH = [50, 100, 250, 500, 1000].map((trees) => ({ trees, model: `b20-xgb${trees}d6` }));
const GROWTH_ONLY = new Set(["b20-xgb50d6", "b20-xgb250d6", "b20-xgb1000d6"]);
/** Where answers from the cache are measured: 30 fields. */
export const CACHED = "bc-xgb100d6";

/** Also imported with reference data, so that the profile has 64 bins a field to count in. */
export const REFERENCED = ["bc-lr", "bc-xgb100d6", "b20-xgb100d6", "b20-rf100d10"];

export const JS = ["hedgerow", "hedgerow-bind", "hedgerow-data", "onnxruntime-web", "m2cgen", "m2cgen-literal", "ydf", "tfjs", "libsvm", "onnxruntime-node"];
export const NATIVE = ["xgboost", "lightgbm", "scikit-learn", "onnxruntime", "lleaves"];
export const label = (contender) => (NATIVE.includes(contender) ? `${contender} (native)` : contender);

/** `{ contender, native, measures }` of a model, and `missing`: who is not there, with the reason. */
export function contenders(name) {
  const model = open(name);
  const missing = {};
  const there = [];
  const js = (contender, file, why) => {
    if (GROWTH_ONLY.has(name) && !contender.startsWith("hedgerow") && contender !== "onnxruntime-web") return;
    if (file !== null && !model.has(file)) {
      if (why) missing[contender] = why;
      return;
    }
    const measures = ["single", "batch1000", "batch10000"];
    // How records are read, and what is counted of one, has no part in columns.
    if (["hedgerow-bind", "hedgerow-data", "m2cgen-literal"].includes(contender)) measures.length = 1;
    if (contender === "hedgerow" && name === CACHED) measures.push("cached");
    there.push({ contender, native: false, measures });
  };
  js("hedgerow", "model.hedge", "not imported");
  js("hedgerow-bind", "bind.mjs", "this version has no `hedgerow bind`");
  js("hedgerow-data", "data.hedge");
  js("onnxruntime-web", "model.onnx", "no ONNX form");
  js("m2cgen", "model.mjs", model.missing.m2cgen);
  js("m2cgen-literal", "model.mjs");
  js("ydf", "model.zip", model.missing.ydf);
  js("tfjs", "net.json");
  js("libsvm", "model.svm");
  js("onnxruntime-node", "model.onnx", "no ONNX form");
  const natives = GROWTH_ONLY.has(name) ? [] : [...Object.keys(model.native), "onnxruntime", ...(name === "b20-lgb100d6" ? ["lleaves"] : [])];
  for (const contender of natives) there.push({ contender, native: true, measures: ["batch1000", "batch10000"] });
  return { there, missing };
}
