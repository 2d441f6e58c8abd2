// Timing within a contender's process. Answers are kept and compared after the clock has stopped: each row of a batch, and where single
// records are asked in turn the last answer to each of them.
import { SINGLE } from "./model.mjs";

/** Least time of a group of calls, so that reading the clock (some 40 ns) does not count. */
const GROUP_US = 20;
/** Before the first round of a process: compilers have done by then. */
const WARM_MS = 400;

const cpu = () => {
  const { user, system } = process.cpuUsage();
  return user + system;
};

/** Compares answers with those expected: `wrong` rows beyond the tolerance, and the largest difference. */
function compared(got, expected, from, to, width, tolerance, into) {
  for (let i = from; i < to; i++) {
    let worst = 0;
    for (let c = 0; c < width; c++) {
      const difference = Math.abs(got[i * width + c] - expected[i * width + c]);
      // A NaN is as wrong as can be.
      worst = difference >= 0 ? Math.max(worst, difference) : Infinity;
    }
    into.checked += 1;
    into.worst = Math.max(into.worst, worst);
    if (worst > tolerance) into.wrong += 1;
  }
}

/** The last answers of `count` to records in turn, from `first` on. */
function lastOf(out, expected, first, count, n, width, tolerance) {
  const told = { checked: 0, wrong: 0, worst: 0 };
  const end = first + Math.min(count, n);
  compared(out, expected, first, Math.min(end, n), width, tolerance, told);
  if (end > n) compared(out, expected, 0, end - n, width, tolerance, told);
  return told;
}

/** Times `one` over records that are cycled through, and gives a function of milliseconds that does a round. */
export function single({ one, asynchronous }, records, expected, width, tolerance) {
  const n = records.length;
  const out = new Float64Array(n * width).fill(NaN);
  let cursor = 0;
  let group = 1;
  let warm = false;

  const calls = asynchronous
    ? async (count) => {
        for (let k = 0; k < count; k++) {
          await one(records[cursor], out, cursor * width);
          if (++cursor === n) cursor = 0;
        }
      }
    : (count) => {
        for (let k = 0; k < count; k++) {
          one(records[cursor], out, cursor * width);
          if (++cursor === n) cursor = 0;
        }
      };

  return async (ms) => {
    // The others had the core: a part of the slice brings code and model back into its caches, and says how long a call takes. The first
    // time compilers are at work, whose threads count as CPU time, too.
    let until = performance.now() + (warm ? ms / 4 : WARM_MS);
    warm = true;
    let began = performance.now();
    let count = 0;
    while (performance.now() < until) {
      const done = calls(group);
      if (asynchronous) await done;
      count += group;
    }
    const estimate = ((performance.now() - began) * 1000) / count;
    group = Math.max(1, Math.min(512, Math.round(GROUP_US / estimate)));

    out.fill(NaN);
    const first = cursor;
    const groups = [];
    count = 0;
    const before = cpu();
    began = performance.now();
    until = began + ms;
    let last = began;
    do {
      const done = calls(group);
      if (asynchronous) await done;
      count += group;
      const now = performance.now();
      groups.push((now - last) / group);
      last = now;
    } while (last < until);
    const spent = cpu() - before;
    groups.sort((a, b) => a - b);
    const at = (q) => groups[Math.min(groups.length - 1, Math.floor(q * groups.length))] * 1000;
    return { calls: count, cpu: spent / count, wall: ((last - began) * 1000) / count, p50: at(0.5), p99: at(0.99), ...lastOf(out, expected, first, count, n, width, tolerance) };
  };
}

/** Times batches of `n` rows, block after block of all rows. */
export function batch({ batch }, rows, expected, features, width, n, tolerance) {
  const blocks = Array.from({ length: Math.max(1, Math.floor(rows.length / features / n)) }, (_, k) => ({ from: k * n, run: batch(rows, k * n, n) }));
  let cursor = 0;
  let warm = false;
  let least = Infinity;
  return async (ms) => {
    const told = { checked: 0, wrong: 0, worst: 0 };
    let spent = 0;
    let calls = 0;
    const turn = async (timed) => {
      const { from, run } = blocks[cursor];
      cursor = (cursor + 1) % blocks.length;
      const before = cpu();
      let got = run();
      if (got instanceof Promise) got = await got;
      const took = cpu() - before;
      if (!timed) return took;
      calls += 1;
      spent += took;
      compared(got, expected.subarray(from * width), 0, n, width, tolerance, told);
      return took;
    };
    // Compilers need a few calls, once; afterwards one call that is not timed brings the model back into the caches. A call of many slices
    // does that by itself.
    let idle = !warm ? 1000 * Math.min(WARM_MS, 3 * ms) : least > 4000 * ms ? 0 : 1;
    warm = true;
    while (idle > 0) {
      const took = await turn(false);
      idle -= Math.max(1, took);
      least = Math.min(least, took);
    }
    while (calls < 1 || spent < ms * 1000) await turn(true);
    return { calls, cpu: spent / calls / n, rows: n, ...told };
  };
}

/** Times answers that are remembered: every record is asked before the clock starts. One that does not say `cached` counts as wrong. */
export function cached(contender, records, expected, width, tolerance) {
  const n = records.length;
  const out = new Float64Array(n * width);
  for (const record of records) contender.remembered(record, out, 0);
  let cursor = 0;
  const round = (until) => {
    let calls = 0;
    let fresh = 0;
    do {
      for (let k = 0; k < 64; k++) {
        if (!contender.remembered(records[cursor], out, cursor * width)) fresh += 1;
        if (++cursor === n) cursor = 0;
      }
      calls += 64;
    } while (performance.now() < until);
    return { calls, fresh };
  };
  round(performance.now() + WARM_MS);
  return async (ms) => {
    round(performance.now() + ms / 4);
    out.fill(NaN);
    const first = cursor;
    const before = cpu();
    const began = performance.now();
    const { calls, fresh } = round(began + ms);
    const wall = ((performance.now() - began) * 1000) / calls;
    const spent = cpu() - before;
    const told = lastOf(out, expected, first, calls, n, width, tolerance);
    return { calls, cpu: spent / calls, wall, p50: wall, ...told, wrong: told.wrong + fresh };
  };
}

export const SIZES = { batch1000: 1000, batch10000: 10_000 };
export { SINGLE };
