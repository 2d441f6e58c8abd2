// Figures as people read them. What is computed with is never rounded; only what is shown.

const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { maximumSignificantDigits: 4 });
const scientific = new Intl.NumberFormat("en", { notation: "scientific", maximumSignificantDigits: 4 });

/** A count: 12,345. */
export const count = (n) => whole.format(n);

/** "1 row", "2 rows". */
export const plural = (n, one, many = `${one}s`) => `${count(n)} ${n === 1 ? one : many}`;

/** A value to four significant digits. */
export function figure(x) {
  if (!Number.isFinite(x)) return "–";
  if (Number.isInteger(x) && Math.abs(x) < 1e9) return whole.format(x);
  const size = Math.abs(x);
  return size >= 1e9 || size < 1e-4 ? scientific.format(x) : short.format(x);
}

/** A probability as a percentage that does not claim certainty: 97.3%, <0.1%, >99.9%. */
export function percent(p) {
  if (p > 0 && p < 0.001) return "<0.1%";
  if (p < 1 && p > 0.999) return ">99.9%";
  return `${(p * 100).toFixed(1)}%`;
}

/** 1,536 B becomes 1.5 KB. */
export function bytes(n) {
  if (n < 1000) return `${n} B`;
  const units = ["KB", "MB", "GB"];
  let value = n / 1000;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) { value /= 1000; unit += 1; }
  return `${value < 10 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** Epoch milliseconds as `2026-01-02` or, with a time of day, `2026-01-02 03:04`. UTC. */
export function day(ms) {
  if (!Number.isFinite(ms)) return "–";
  const iso = new Date(ms).toISOString();
  return ms % 86_400_000 === 0 ? iso.slice(0, 10) : iso.slice(0, 16).replace("T", " ");
}

/** `minimum` and `maximum` of a slider over `low..high`, with a step of 1, 2 or 5 times a power of ten in about `parts` parts. */
export function ruler(low, high, integers, parts = 200) {
  const raw = (high - low) / parts;
  const power = 10 ** Math.floor(Math.log10(raw));
  let step = [1, 2, 5, 10].map((k) => k * power).find((s) => s >= raw * 0.999) ?? 10 * power;
  if (integers) step = Math.max(1, Math.round(step));
  // Ends on whole steps, so that the keys stop at readable values. The factor trims what the division leaves behind (0.30000000000000004).
  const trim = (v) => Number(v.toPrecision(12));
  return { min: trim(Math.floor(low / step) * step), max: trim(Math.ceil(high / step) * step), step: trim(step) };
}
