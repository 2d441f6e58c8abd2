// Imported models answer raw records as their originals do: the probabilities are scikit-learn's own, to 1e-12.
import { ok, same } from "./check.js";

const TOLERANCE = 1e-12;

export function tests({ model, fixtures }) {
  return fixtures.imports.map(({ model: name, records, probability }) => [
    `as scikit-learn, to ${TOLERANCE}: ${records.length} records of ${name}`,
    async () => {
      const loaded = await model(name);
      const { classes } = loaded.schema;
      ok(records.length > 0 && records.length === probability.length, "there are no records");
      loaded.predictBatch(records).forEach((answer, i) => {
        same(answer.status, "ok", `record ${i}, ${JSON.stringify(answer.violations)}`);
        classes.forEach((label, k) => {
          const apart = Math.abs(answer.probability[label] - probability[i][k]);
          if (!(apart <= TOLERANCE)) throw new Error(`record ${i}, ${label}: ${answer.probability[label]}, the original's is ${probability[i][k]}`);
        });
      });
      // Not one answer for all.
      ok(new Set(probability.map((row) => row[0])).size > 5, "the original's answers hardly differ");
    },
  ]);
}
