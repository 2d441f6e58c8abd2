// What is measured once per process: fresh.mjs MODE CONTENDER MODEL prints a line of JSON.
//
//   cold     the model's bytes in memory -> the first answer: the library is imported, started, given the model and asked
//   load     the library is up (it has loaded another model, and answered): this model's bytes -> ready, and -> the first answer
//   memory   what the process grows by from before the library to after 2,048 answers, garbage collected (wants --expose-gc)
import { SINGLE, open, records } from "./lib/model.mjs";

const [mode, name, modelName] = process.argv.slice(2);
const model = open(modelName);
const contender = await import(`./contenders/${name}.mjs`);
const expected = model.expected(contender.expected);
const asked = records(model, model.rows(), SINGLE);
const out = new Float64Array(model.width);
/** What the contender loads, read before the clock starts; m2cgen's is a module that it imports. */
const file = { hedgerow: "model.hedge", "hedgerow-bind": "model.hedge", "onnxruntime-web": "model.onnx", "onnxruntime-node": "model.onnx", ydf: "model.zip" }[name];
const given = file ? { bytes: model.bytes(file) } : {};

const now = () => {
  const { user, system } = process.cpuUsage();
  return { cpu: (user + system) / 1000, wall: performance.now() };
};
const since = (then) => {
  const { cpu, wall } = now();
  return { cpu: cpu - then.cpu, wall: wall - then.wall };
};

async function answer(loaded, record) {
  const done = loaded.one(record, out, 0);
  if (done instanceof Promise) await done;
}

function check(i) {
  let worst = 0;
  for (let c = 0; c < model.width; c++) worst = Math.max(worst, Math.abs(out[c] - expected[i * model.width + c]));
  // A peer's rare wrong rows are counted elsewhere; the first answer is one that all give.
  if (!(worst <= contender.tolerance)) throw new Error(`${name} answers ${worst} off`);
}

const modes = {
  async cold() {
    const began = now();
    const loaded = await contender.open(model, given);
    await answer(loaded, asked[0]);
    const took = since(began);
    check(0);
    return took;
  },

  async load() {
    const small = open("bc-xgb100d6");
    const first = await contender.open(small);
    const done = first.one(records(small, small.rows(), 1)[0], new Float64Array(small.width), 0);
    if (done instanceof Promise) await done;
    const began = now();
    const loaded = await contender.open(model, given);
    const load = since(began);
    await answer(loaded, asked[0]);
    const answered = since(began);
    check(0);
    let again = null;
    let last = loaded;
    for (let k = 0; k < 5; k++) {
      await last.close();
      const began = now();
      last = await contender.open(model, given);
      const { cpu, wall } = since(began);
      again = again === null ? { cpu, wall } : { cpu: Math.min(again.cpu, cpu), wall: Math.min(again.wall, wall) };
    }
    return { ...load, answered, again };
  },

  async memory() {
    const memories = watchMemories();
    // The young generation grows to its full size beforehand, or it would count as the library's.
    for (let k = 0; k < 400; k++) Array.from({ length: 20_000 }, (_, i) => ({ i }));
    globalThis.gc();
    globalThis.gc();
    const before = process.memoryUsage();
    const loaded = await contender.open(model, given);
    for (const record of asked) await answer(loaded, record);
    globalThis.gc();
    globalThis.gc();
    const after = process.memoryUsage();
    check(asked.length - 1);
    const wasm = [...memories].reduce((sum, memory) => sum + memory.buffer.byteLength, 0);
    return { rss: after.rss - before.rss, wasm, heap: after.heapUsed - before.heapUsed };
  },
};

/** Every WebAssembly memory made from here on. */
function watchMemories() {
  const seen = new Set();
  const note = (object) => {
    for (const value of Object.values(object ?? {})) if (value instanceof WebAssembly.Memory) seen.add(value);
  };
  const look = (instance, imports) => {
    note(instance.exports);
    for (const group of Object.values(imports ?? {})) if (typeof group === "object") note(group);
    return instance;
  };
  WebAssembly.Instance = new Proxy(WebAssembly.Instance, { construct: (target, [module, imports]) => look(new target(module, imports), imports) });
  const { instantiate } = WebAssembly;
  WebAssembly.instantiate = async (source, imports) => {
    const made = await instantiate.call(WebAssembly, source, imports);
    look(made.instance ?? made, imports);
    return made;
  };
  return seen;
}

process.stdout.write(`${JSON.stringify(await modes[mode]())}\n`);
process.exit(0);
