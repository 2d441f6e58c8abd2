// The model as a JavaScript program sees it.
import { predictBatch, predictColumns, predictMatrix } from "./columns.js";
import { Session, clock } from "./session.js";

export class Model {
  #session;

  constructor(module, source, bind, spawn) {
    this.#session = new Session(module, source, bind, spawn);
  }

  get schema() {
    this.#session.alive();
    return this.#session.schema;
  }

  predict(record, options) {
    const session = this.#session;
    const now = clock();
    if (options === undefined || options === null) return session.predict(record, now, now, false);
    const { asOf, raw } = session.callOf(options, now);
    return session.predict(record, asOf, now, raw);
  }

  predictBatch(records, options) {
    return predictBatch(this.#session, records, options);
  }

  predictColumns(columns, options) {
    return predictColumns(this.#session, columns, options);
  }

  predictMatrix(matrix, rows, options) {
    return predictMatrix(this.#session, matrix, rows, options);
  }

  health() {
    return this.#session.enter((runtime) => runtime.health());
  }

  report() {
    return { ...this.#session.enter((runtime) => runtime.report()), restarts: this.#session.restarts };
  }

  free() {
    this.#session.free();
  }

  /** For tests: the next call traps inside wasm. */
  [Symbol.for("hedgerow.test.trap")]() {
    this.#session.trap = true;
  }

  /** For tests: every field goes through the engine's own check. */
  [Symbol.for("hedgerow.test.full")](on) {
    this.#session.full = on;
  }
}

if (typeof Symbol.dispose === "symbol") {
  Object.defineProperty(Model.prototype, Symbol.dispose, { value: Model.prototype.free, configurable: true, writable: true });
}
