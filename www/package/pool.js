// Columns answered by workers: `predictColumns(columns, { workers })`. Loaded when it is first asked for.
//
// Each worker has an engine of its own, made of the compiled module and the model's bytes that this one is made of. What goes
// there are slots, what comes back class indices and probabilities; a row that is not plain is answered here.

/** Most workers of one model. */
const MAX_WORKERS = 64;
/** Rows of one task: few enough that all workers are busy to the end, many enough that messages do not matter, and some 2 MiB of numbers at most. */
const LEAST = 4096;
const MOST = 16_384;
const BYTES = 2 << 20;

/** The results of `table`, or what kept them from coming. */
export async function pooled(session, table, results, call) {
  const wanted = call.workers === true ? (globalThis.navigator?.hardwareConcurrency ?? (await session.spawn?.processors?.()) ?? 4) : call.workers;
  if (!Number.isInteger(wanted) || wanted < 1) throw new RangeError(`the option workers is ${String(call.workers)}: it must be a whole number from 1 on, or true for one to each processor`);
  if (session.spawn === undefined) throw new Error("this host has no workers: leave the option workers away, and the call answers by itself");
  session.alive();
  // Meanwhile this file was loaded.
  call.signal?.throwIfAborted();
  const { rows } = table;
  const width = Math.max(session.plan.length, session.schema.classes.length);
  const most = Math.max(256, Math.min(MOST, Math.floor(BYTES / (8 * width) / 256) * 256));
  const least = Math.min(LEAST, most);
  const number = Math.min(wanted, MAX_WORKERS, Math.max(1, Math.ceil(rows / least)));
  const task = Math.min(most, Math.max(least, Math.ceil(rows / number / 4 / 256) * 256));
  session.pool ??= new Pool(session);
  const workers = session.pool.workers(number);

  let next = 0;
  let done = 0;
  let over = false;
  const work = async (worker) => {
    await worker.open;
    while (next < rows && !over) {
      const from = next;
      const count = Math.min(task, rows - from);
      next += count;
      const slots = new Float64Array(count * session.plan.length);
      table.read(from, count);
      table.write(slots, count, from, count);
      const { answers, indices, counts } = await worker.ask({ slots, rows: count, asOf: call.asOf, now: results.now }, [slots.buffer]);
      // They were answered, whatever becomes of the call.
      if (!session.enter((runtime) => runtime.add_counts(counts))) throw new Error("a worker's counts are of another model");
      if (over) return;
      for (const row of results.take(answers, indices, from, count)) results.judge(row, session.predict(table.record(row), call.asOf, results.now, call.raw));
      done += count;
      results.progress(done);
    }
  };
  let abort;
  const aborted = new Promise((_, reject) => {
    abort = () => reject(call.signal.reason);
    call.signal?.addEventListener("abort", abort, { once: true });
  });
  aborted.catch(() => {});
  try {
    // Two tasks for each, so that one is there when the other is done.
    await Promise.race([Promise.all([...workers, ...workers].map(work)), aborted]);
    return results.finish();
  } finally {
    over = true;
    call.signal?.removeEventListener("abort", abort);
  }
}

/** The workers of one model, kept from call to call. */
class Pool {
  #session;
  #members = new Set();

  constructor(session) {
    this.#session = session;
  }

  /** So many of them. */
  workers(number) {
    while (this.#members.size < number) {
      const member = new Member(this.#session, () => this.#members.delete(member));
      this.#members.add(member);
    }
    return [...this.#members].slice(0, number);
  }

  end(reason) {
    for (const member of this.#members) member.end(reason);
  }
}

/** One worker, and what it was asked. */
class Member {
  /** Fulfilled once it can answer. */
  open;
  #worker;
  #asked = new Map();
  #last = 0;
  #leave;
  #ended = null;

  constructor(session, leave) {
    this.#leave = leave;
    const started = Promise.resolve(session.spawn());
    this.#worker = started;
    this.open = started.then((worker) => {
      if (this.#ended !== null) {
        worker.end();
        throw this.#ended;
      }
      worker.listen((message) => this.#take(message), (error) => this.end(error));
      return this.ask({ parts: session.parts });
    });
    this.open.catch((error) => this.end(error));
  }

  /** What the worker says to this message. */
  async ask(message, transfer = []) {
    const worker = await this.#worker;
    if (this.#ended !== null) throw this.#ended;
    return new Promise((resolve, reject) => {
      const id = (this.#last += 1);
      this.#asked.set(id, { resolve, reject });
      worker.keep(true);
      worker.post({ id, ...message }, transfer);
    });
  }

  /** Ends it; who waits for it gets the error. */
  end(error) {
    if (this.#ended !== null) return;
    this.#ended = error;
    this.#leave();
    for (const { reject } of this.#asked.values()) reject(error);
    this.#asked.clear();
    this.#worker.then((worker) => worker.end()).catch(() => {});
  }

  async #take({ id, answer, error }) {
    const asked = this.#asked.get(id);
    this.#asked.delete(id);
    if (this.#asked.size === 0) (await this.#worker).keep(false);
    if (error === undefined) return asked?.resolve(answer);
    // An engine that stopped is in any state.
    const stopped = new Error(`a worker failed: ${error}`);
    asked?.reject(stopped);
    this.end(stopped);
  }
}
