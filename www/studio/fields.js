// One control per kind of field. A control knows how a value is shown and typed; whether it is allowed is the engine's to say, so
// text that is no number is handed on as it stands and comes back as a violation.
//
// Each control: { parts: nodes for its row, focus: node, get(): value for the record (null: none), set(value), typical }.
// `set` takes what `get` gives, and text as a CSV cell holds it. A value that the control cannot show (no level, no date) is held
// and given back until a person chooses another, so that the engine's violation is about what was there.
import { el } from "./dom.js";
import { day, figure, ruler } from "./format.js";

const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;
const DAY = 86_400_000;
/** The last millisecond that a Date can hold. */
const MAX_DATE = 8.64e15;

/** The span of a number or time field (epoch milliseconds) that is worth offering: what training saw, within what the schema allows; null if unknown. */
export function span(field) {
  const { min, max } = field.observed ?? {};
  const low = Math.max(instant(min) ?? -Infinity, field.min ?? -Infinity);
  const high = Math.min(instant(max) ?? Infinity, field.max ?? Infinity);
  return Number.isFinite(low) && Number.isFinite(high) && low < high ? { low, high } : null;
}

/** The schema writes times as ISO text; here they are epoch milliseconds. Numbers stay as they are. */
const instant = (value) => (typeof value === "string" ? Date.parse(value) : value);

/** Whether the values of a number field look like counts. */
export function integers(field) {
  const seen = field.observed;
  return Boolean(seen) && Number.isInteger(seen.min) && Number.isInteger(seen.max) && Number.isInteger(seen.typical ?? 0) && seen.max - seen.min >= 2;
}

/**
 * Where values lie along a field's slider and curve: `{ low, high, bent, at(value), value(at) }`, `at` in 0..=1; null if the span is unknown.
 * Numbers whose typical value sits in the lowest twentieth of the span (incomes, counts) get a bent axis, at = share^(1/3), or all
 * that happens in training would happen within one step of the slider.
 */
export function axis(field) {
  const range = span(field);
  if (!range) return null;
  const { low, high } = range;
  const bent = field.kind === "number" && typeof field.observed?.typical === "number" && field.observed.typical - low < (high - low) / 20;
  const share = (value) => Math.min(1, Math.max(0, (value - low) / (high - low)));
  return {
    low, high, bent,
    at: (value) => (bent ? Math.cbrt(share(value)) : share(value)),
    value: (at) => low + (high - low) * (bent ? at ** 3 : at),
  };
}

/** What stands beside the field's name. */
export function hint(field) {
  const range = span(field);
  switch (field.kind) {
    case "number": {
      const allowed = field.min !== undefined || field.max !== undefined;
      if (range) return `${figure(range.low)} to ${figure(range.high)}${allowed ? " allowed" : ""}`;
      return "number";
    }
    case "time": return range ? `${day(range.low).slice(0, 10)} to ${day(range.high).slice(0, 10)} UTC` : "UTC";
    case "category": return `${field.levels.length} levels${field.unknown === "admit" ? " and others" : ""}`;
    default: return "yes or no";
  }
}

/** The control for `field`. `id` labels its main element; `changed` is called after each change made by a person. */
export function control(field, id, changed) {
  const make = { number, category, flag, time }[field.kind];
  if (!make) throw new Error(`field ${field.name} is of the kind ${field.kind}, which this page does not know; expected number, category, flag or time`);
  return make(field, id, changed);
}

function number(field, id, changed) {
  const along = axis(field);
  const whole = integers(field);
  const typical = field.observed?.typical ?? field.observed?.mean ?? (along ? (along.low + along.high) / 2 : 0);
  const box = el("input", { id, type: "text", inputmode: "decimal", class: "box", spellcheck: "false" });
  const slider = along && (along.bent ? bentSlider(field, along, whole) : plainSlider(field, along, whole));
  const follow = () => {
    const text = box.value.trim();
    if (DECIMAL.test(text)) slider?.set(Number(text));
  };
  box.addEventListener("input", () => { follow(); changed(); });
  slider?.node.addEventListener("input", () => { box.value = String(slider.get()); changed(); });
  return {
    parts: [slider?.node, box].filter(Boolean),
    focus: box,
    typical: whole ? Math.round(typical) : Number(typical.toPrecision(6)),
    get() {
      const text = box.value.trim();
      if (text === "") return null;
      return DECIMAL.test(text) ? Number(text) : text;
    },
    set(value) { box.value = value === null ? "" : String(value); follow(); },
  };
}

/** A slider over the values themselves, ending on whole steps. */
function plainSlider(field, { low, high }, whole) {
  const { min, max, step } = ruler(low, high, whole);
  const node = el("input", { type: "range", class: "slider", min, max, step, "aria-label": `${field.name}, slider` });
  const paint = () => node.style.setProperty("--at", String((node.value - min) / (max - min)));
  node.addEventListener("input", paint);
  return { node, get: () => Number(node.value), set(value) { node.value = String(value); paint(); } };
}

/** A slider over a bent axis in 200 steps. Screen readers are told the value, not the step. */
function bentSlider(field, along, whole) {
  const steps = 200;
  const node = el("input", { type: "range", class: "slider", min: 0, max: steps, step: 1, "aria-label": `${field.name}, slider` });
  const get = () => {
    const value = along.value(node.value / steps);
    return whole ? Math.round(value) : Number(value.toPrecision(3));
  };
  const paint = (value) => {
    node.style.setProperty("--at", String(node.value / steps));
    node.setAttribute("aria-valuetext", figure(value));
  };
  node.addEventListener("input", () => paint(get()));
  return { node, get, set(value) { node.value = String(Math.round(along.at(value) * steps)); paint(value); } };
}

function category(field, id, changed) {
  const levels = field.levels;
  const open = field.unknown === "admit";
  const select = el("select", { id, class: "select" }, levels.map((level, i) => el("option", { value: i }, level)));
  const other = open ? el("input", { type: "text", class: "box other", hidden: true, "aria-label": `${field.name}, another value` }) : null;
  if (open) select.append(el("option", { value: "other" }, "Another value…"));
  const show = () => { if (other) other.hidden = select.value !== "other"; };
  let held;
  select.addEventListener("change", () => {
    held = undefined;
    show();
    if (other && !other.hidden) other.focus();
    changed();
  });
  other?.addEventListener("input", changed);
  const typical = field.observed?.typical;
  return {
    parts: [select, other].filter(Boolean),
    focus: select,
    typical: levels.includes(typical) ? typical : levels[0],
    get() {
      if (held !== undefined) return held;
      if (select.value === "other") return other.value.trim() === "" ? null : other.value;
      return levels[Number(select.value)];
    },
    set(value) {
      const at = value === null ? -1 : levels.indexOf(String(value));
      held = undefined;
      if (at >= 0) select.value = String(at);
      else if (other && value !== null) { select.value = "other"; other.value = String(value); }
      else { select.selectedIndex = -1; held = value; }
      show();
    },
  };
}

function flag(field, id, changed) {
  const box = el("input", { id, type: "checkbox", role: "switch", class: "switch" });
  const word = el("span", { class: "switch-word", "aria-hidden": "true" });
  let held;
  const show = () => { word.textContent = held !== undefined ? "–" : box.checked ? "Yes" : "No"; };
  box.addEventListener("change", () => { held = undefined; show(); changed(); });
  show();
  return {
    parts: [el("span", { class: "switch-line" }, box, word)],
    focus: box,
    typical: field.observed?.typical ?? false,
    get: () => (held === undefined ? box.checked : held),
    set(value) {
      const text = String(value).toLowerCase();
      held = YES.includes(text) || NO.includes(text) ? undefined : value;
      box.checked = YES.includes(text);
      show();
    },
  };
}

/** The words for flags that the engine reads in a CSV cell. */
const YES = ["true", "1", "yes", "t"];
const NO = ["false", "0", "no", "f"];

function time(field, id, changed) {
  const range = span(field);
  const days = wholeDays(range);
  const type = days ? "date" : "datetime-local";
  const box = el("input", { id, type, class: "box date", step: days ? null : 1 });
  const slider = range && el("input", {
    type: "range", class: "slider", min: 0, max: Math.ceil((range.high - range.low) / DAY), step: 1, "aria-label": `${field.name}, slider in days`,
  });
  const follow = () => {
    if (!slider) return;
    const at = typed();
    if (at !== null) slider.value = String(Math.round((at - range.low) / DAY));
    slider.style.setProperty("--at", String(slider.value / slider.max));
  };
  // Both input types are read as UTC, which is what the engine means by a time without an offset.
  const typed = () => (Number.isFinite(box.valueAsNumber) ? box.valueAsNumber : null);
  const show = (ms) => { box.valueAsNumber = days ? Math.floor(ms / DAY) * DAY : Math.floor(ms / 1000) * 1000; };
  let held;
  box.addEventListener("input", () => { held = undefined; follow(); changed(); });
  slider?.addEventListener("input", () => {
    held = undefined;
    show(range.low + Number(slider.value) * DAY);
    slider.style.setProperty("--at", String(slider.value / slider.max));
    changed();
  });
  const typical = instant(field.observed?.typical) ?? (range ? (range.low + range.high) / 2 : Date.UTC(2025, 0, 1));
  return {
    parts: [slider, box].filter(Boolean),
    focus: box,
    typical: iso(typical, days),
    get() {
      if (held !== undefined) return held;
      const at = typed();
      return at === null ? null : iso(at, days);
    },
    set(value) {
      const ms = value === null ? NaN : moment(value);
      held = undefined;
      if (Math.abs(ms) <= MAX_DATE) {
        show(ms);
        // More than the control shows: a time of day in a date, part of a second.
        if (typeof value === "string" && box.valueAsNumber !== ms) held = new Date(ms).toISOString();
      } else { box.value = ""; held = value; }
      follow();
    },
  };
}

/** Whether a time field's values look like days. */
const wholeDays = (range) => Boolean(range) && range.low % DAY === 0 && range.high % DAY === 0;

/** Epoch milliseconds of a number of them or of ISO text, UTC where it names no offset; NaN of anything else. */
function moment(value) {
  if (typeof value === "number") return value;
  const text = value.trim();
  if (/^-?\d+$/.test(text)) return Number(text);
  if (!/^\d{4}-\d\d-\d\d/.test(text)) return NaN;
  return Date.parse(/[T ]\d/.test(text) && !/(z|[+-]\d\d:?\d\d)$/i.test(text) ? `${text}Z` : text);
}

/** The ISO text of an instant in epoch milliseconds; the day alone where times of day mean nothing. */
function iso(ms, days) {
  const text = new Date(ms).toISOString();
  return days ? text.slice(0, 10) : text;
}

/** A handful of values over the field's span to try one after the other: `{ value, at }`, `at` in 0..=1 along the axis. */
export function sweep(field, parts) {
  if (field.kind === "category") return field.levels.map((value, i) => ({ value, at: i }));
  if (field.kind === "flag") return [false, true].map((value, i) => ({ value, at: i }));
  const along = axis(field);
  if (!along) return [];
  const whole = field.kind === "number" && integers(field);
  const steps = whole ? Math.min(parts, along.high - along.low) : parts;
  const values = Array.from({ length: steps + 1 }, (_, i) => along.value(i / steps));
  // No finer than the field's control shows.
  const unit = wholeDays(along) ? DAY : 1000;
  return values.map((v) => {
    const value = whole ? Math.round(v) : field.kind === "time" ? Math.floor(v / unit) * unit : v;
    return { value: field.kind === "time" ? new Date(value).toISOString() : value, at: along.at(value) };
  });
}
