// What a worker of a pool does (pool.js is its other side): rows of slots in, class indices and probabilities out.
import { Session } from "./session.js";

/** Takes messages; `post(message, transfer)` sends what there is to say. */
export function worker(post) {
  let session = null;
  const kinds = {
    parts({ parts }) {
      session = new Session(parts.module, parts.source);
      return [true, []];
    },
    slots({ slots, rows, asOf, now }) {
      const { plan, schema } = session;
      const classes = schema.classes.length;
      const results = { answers: new Float64Array(rows * classes), indices: new Int32Array(rows) };
      for (let from = 0; from < rows; ) {
        const piece = session.piece();
        const count = Math.min(piece.length, rows - from);
        plan.forEach((_, j) => piece.slots.set(slots.subarray(j * rows + from, j * rows + from + count), j * piece.length));
        const { answers, indices } = session.run(count, asOf, now, false);
        results.answers.set(answers.subarray(0, count * classes), from * classes);
        results.indices.set(indices.subarray(0, count), from);
        from += count;
      }
      results.counts = session.enter((runtime) => runtime.take_counts());
      return [results, [results.answers.buffer, results.indices.buffer, results.counts.buffer]];
    },
  };
  return (message) => {
    try {
      const kind = Object.keys(kinds).find((name) => message[name] !== undefined);
      const [answer, transfer] = kinds[kind](message);
      post({ id: message.id, answer }, transfer);
    } catch (error) {
      post({ id: message.id, error: String(error?.message ?? error) }, []);
    }
  };
}
