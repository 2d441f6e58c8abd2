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
  for (const { model: name, cases } of fixtures.records) {
    for (const { name: what, record, json, raw, native, row, violations } of cases) {
      if (native) continue;
      tests.push([
        `${name}: ${what}`,
        async () => {
          for (const full of [false, true]) {
            const loaded = await model(name);
            loaded[Symbol.for("hedgerow.test.full")](full);
            const answer = loaded.predict(raw ?? record ?? JSON.parse(json), { raw: raw !== undefined });
            if (violations) {
              // The words are part of a case only where they matter.
              same((answer.violations ?? []).map(({ field, code, message }, k) => ({ field, code, ...(violations[k]?.message ? { message } : {}) })), violations);
            } else {
              same(answer.status, "ok", JSON.stringify(answer.violations));
              same(rowOf(loaded), row.map((slot) => (slot === null ? "missing" : slot)));
            }
          }
        },
      ]);
    }
  }
  return tests;
}

/** The row of the only record that a model has seen, from what it says of each field. */
function rowOf(loaded) {
  const { fields } = loaded.report();
  return loaded.schema.fields.map(({ name, kind, levels }) => {
    const { count, min, mean, typical } = fields[name];
    if (count === 0) return "missing";
    switch (kind) {
      case "time":
        return Date.parse(min) / 1000;
      case "flag":
        return mean;
      case "category":
        return typical === undefined ? levels.length : levels.indexOf(typical);
      default:
        return Object.is(min, -0) ? "minus zero" : min;
    }
  });
}
