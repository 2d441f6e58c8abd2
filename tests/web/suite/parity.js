// The same bits as the native engine: for every model family, for the feature language, and for records that are refused.
import { bits, fails, ok, same } from "./check.js";

export function tests({ load, bytes, model, fixtures }) {
  const tests = fixtures.parity.map(({ model: name, what, raw, as_of, records, answers }) => [
    `as native, bit for bit: ${what} (${records.length} records of ${name})`,
    async () => {
      const loaded = await model(name);
      const { classes } = loaded.schema;
      ok(records.length > 0 && records.length === answers.length, "there are no records");
      for (const full of [false, true]) {
        loaded[Symbol.for("hedgerow.test.full")](full);
        const batch = loaded.predictBatch(records, { asOf: as_of, raw });
        batch.forEach((answer, i) => {
          const seen = answer.status === "ok" ? { class_index: answer.class_index, probability: classes.map((label) => bits(answer.probability[label])) } : { violations: answer.violations };
          same(seen, answers[i], `record ${i}, ${JSON.stringify(records[i])}`);
        });
      }
    },
  ]);
  for (const { model: name, expressions, rows } of fixtures.expressions) {
    tests.push([
      `as native, bit for bit: ${expressions} expressions on ${rows} rows (${name})`,
      async () => {
        const loaded = await load(bytes(name));
        same(loaded.schema.derived.length, expressions);
        await fails(() => load(bytes(`${name}_forged`)), new RegExp(`witness ${rows - 1}: column ${expressions - 1} of x`));
      },
    ]);
  }
  return tests;
}
