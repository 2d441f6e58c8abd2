// What is asked of the package on every host: `run` loads nothing by itself, so a host without files or network can run it.
// `load` is the package's; `fixtures` is what tests/web/fixtures.rs wrote natively, `bindings` what `hedgerow bind` wrote
// of the models demo and other.
import * as answers from "./answers.js";
import * as binding from "./binding.js";
import * as columns from "./columns.js";
import * as imports from "./imports.js";
import * as loading from "./loading.js";
import * as parity from "./parity.js";
import * as records from "./records.js";
import * as recovery from "./recovery.js";
import * as workers from "./workers.js";

/** The tests: `[name, work]`. `alone`: the host has no workers, as Cloudflare's has none. */
export function tests(load, fixtures, bindings, alone = globalThis.navigator?.userAgent === "Cloudflare-Workers") {
  const context = {
    load,
    fixtures,
    bindings,
    alone,
    /** The bytes of a fixture model, a new copy each time. */
    bytes: (name) => decode(fixtures.models[name] ?? missing(name)),
    /** A fixture model; remembers no answers unless told to. */
    model: (name, options) => load(context.bytes(name), { cache: false, ...options }),
  };
  // The same of models with bindings.
  const bound = { ...context, model: (name, options) => context.model(name, { bind: bindings?.[name], ...options }) };
  return [
    ...[loading, answers, records, columns, binding, recovery, workers, parity, imports].flatMap((part) => part.tests(context)),
    ...[records, columns].flatMap((part) => part.tests(bound)).map(([name, work]) => [`bound: ${name}`, work]),
  ];
}

/** Runs all of them: `{ name, error }` each, the error null where it passed. */
export async function run(load, fixtures, bindings) {
  const results = [];
  for (const [name, work] of tests(load, fixtures, bindings)) {
    let error = null;
    try {
      await work();
    } catch (thrown) {
      error = String(thrown?.stack ?? thrown);
      if (thrown?.message && !error.includes(thrown.message)) error = `${thrown.message}\n${error}`;
    }
    results.push({ name, error });
  }
  return results;
}

function decode(base64) {
  const text = atob(base64);
  return Uint8Array.from(text, (c) => c.charCodeAt(0));
}

function missing(name) {
  throw new Error(`there is no fixture model ${name}`);
}
