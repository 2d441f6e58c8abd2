// A contender in its own process: bench.mjs forks one per contender and model, and asks each in turn for a slice of time.
//
//   node contender.mjs CONTENDER MODEL
//
// Messages: { measure: "single" | "batch1000" | "batch10000" | "cached", ms } is answered with what lib/clock.mjs gives, or { error }.
import { SINGLE, SIZES, batch, cached, single } from "./lib/clock.mjs";
import { open, records } from "./lib/model.mjs";

const [name, modelName] = process.argv.slice(2);
const rounds = new Map();

async function start() {
  const model = open(modelName);
  const { open: start, expected: file, tolerance } = await import(`./contenders/${name}.mjs`);
  const rows = model.rows();
  const expected = model.expected(file);
  const contender = await start(model);
  const prepare = {
    single: () => single(contender, records(model, rows, SINGLE), expected, model.width, tolerance),
    cached: async () => cached(await start(model, { options: { cache: { entries: 2 * SINGLE, bytes: 1 << 26 } } }), records(model, rows, SINGLE), expected, model.width, tolerance),
  };
  for (const [measure, n] of Object.entries(SIZES)) prepare[measure] = () => (contender.batch ? batch(contender, rows, expected, model.features, model.width, n, tolerance) : null);
  return async ({ measure, ms }) => {
    if (!rounds.has(measure)) rounds.set(measure, await prepare[measure]());
    const round = rounds.get(measure);
    if (round === null) throw new Error("it has no such way in");
    return round(ms);
  };
}

try {
  const answer = await start();
  process.on("message", async (message) => {
    try {
      process.send(await answer(message));
    } catch (error) {
      process.send({ error: String(error?.message ?? error) });
    }
  });
  process.send({ ready: true });
} catch (error) {
  process.send({ error: String(error?.message ?? error) });
  process.disconnect();
}
