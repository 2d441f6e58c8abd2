// The record as a form: a row per field, built from the model's schema.
import { byId, el } from "./dom.js";
import { axis, control, hint, integers } from "./fields.js";

/** From so many fields on a search box is worth its place, and rows off the screen are not laid out. */
const MANY = 14;
const VERY_MANY = 200;

export class Form {
  #rows = new Map();
  #changed;
  #touched;

  /** `changed()`: some value is another one now. `touched(name)`: a person is at this field. */
  constructor({ changed, touched }) {
    this.#changed = changed;
    this.#touched = touched;
    byId("record").addEventListener("submit", (event) => event.preventDefault());
    byId("typical").addEventListener("click", () => { this.fill({}); changed(); });
    byId("shuffle").addEventListener("click", () => { this.shuffle(); changed(); });
    byId("filter").addEventListener("input", () => this.#filter());
    byId("as-of").addEventListener("input", changed);
  }

  /** Builds the form for `schema`; values of the fields that stay (same name and kind) are kept. */
  build(schema) {
    const before = this.#rows;
    const kept = {};
    for (const field of schema.fields) {
      const old = before.get(field.name);
      if (old && old.field.kind === field.kind) kept[field.name] = this.#value(old);
    }
    this.#rows = new Map(schema.fields.map((field, i) => [field.name, this.#row(field, `field-${i}`)]));
    byId("fields").replaceChildren(...[...this.#rows.values()].map((row) => row.node));
    byId("fields").classList.toggle("many", schema.fields.length >= VERY_MANY);
    byId("filter-box").hidden = schema.fields.length < MANY;
    byId("filter").value = "";
    this.#filter();
    byId("as-of-box").hidden = !schema.derived.some(({ expression }) => /\bnow\s*\(/i.test(expression));
    this.fill(kept);
  }

  #row(field, id) {
    const part = control(field, id, () => this.#changed());
    const error = el("p", { class: "error", id: `${id}-error`, hidden: true });
    const label = el("label", { for: id, class: "name" }, field.name);
    const row = { field, control: part, error, missing: false };
    if (!field.required) {
      row.toggle = el("button", { type: "button", class: "missing", "aria-pressed": "false", "aria-label": `${field.name} is missing` }, "Missing");
      row.toggle.addEventListener("click", () => {
        this.#mark(row, !row.missing);
        this.#changed();
      });
    }
    part.focus.setAttribute("aria-describedby", `${id}-hint ${id}-error`);
    row.node = el("div", { class: `field ${field.kind}`, onfocusin: () => this.#touched(field.name), onpointerdown: () => this.#touched(field.name) },
      el("div", { class: "field-head" }, label, el("span", { class: "hint", id: `${id}-hint` }, hint(field)), row.toggle),
      el("div", { class: "control" }, part.parts), error);
    return row;
  }

  #mark(row, missing) {
    row.missing = missing;
    row.toggle?.setAttribute("aria-pressed", String(missing));
    row.node.classList.toggle("is-missing", missing);
    for (const part of row.control.parts) {
      const inputs = part.matches("input, select") ? [part] : part.querySelectorAll("input, select");
      for (const input of inputs) input.disabled = missing;
    }
  }

  #value(row) {
    return row.missing ? null : row.control.get();
  }

  /** The record as it stands: a value per field, `null` where it is missing. */
  record() {
    const record = Object.create(null);
    for (const [name, row] of this.#rows) record[name] = this.#value(row);
    return record;
  }

  /** What `now()` means, as ISO text; undefined where that is the moment of asking. */
  asOf() {
    const box = byId("as-of");
    const ms = byId("as-of-box").hidden ? NaN : box.valueAsNumber;
    return Number.isFinite(ms) ? new Date(ms).toISOString() : undefined;
  }

  /** Sets every field: to its value in `record`, to its typical value where the record does not name it. */
  fill(record) {
    for (const [name, row] of this.#rows) this.#set(row, Object.hasOwn(record, name) ? record[name] : row.control.typical);
  }

  /** Sets one field. */
  set(name, value) {
    this.#set(this.#rows.get(name), value);
    this.#changed();
  }

  #set(row, value) {
    const missing = value === null || value === "";
    this.#mark(row, missing && !row.field.required);
    if (!missing) row.control.set(value);
    // A required field has no switch for it: its control shows that nothing is there.
    else if (row.field.required) row.control.set(null);
  }

  /** A made-up record: each field somewhere within what training saw. */
  shuffle() {
    const pick = (list) => list[Math.floor(Math.random() * list.length)];
    for (const row of this.#rows.values()) {
      const { field } = row;
      const along = axis(field);
      const rate = field.required ? 0 : (field.observed?.missing_rate ?? 0);
      const middle = along?.value((Math.random() + Math.random()) / 2);
      const value = {
        category: () => pick(field.levels),
        flag: () => Math.random() < 0.5,
        number: () => (along ? (integers(field) ? Math.round(middle) : Number(middle.toPrecision(4))) : row.control.typical),
        time: () => (along ? middle : row.control.typical),
      }[field.kind]();
      this.#set(row, Math.random() < rate ? null : value);
    }
  }

  /** Shows each violation beside its field. */
  mark(violations) {
    const messages = new Map();
    for (const { field, message } of violations) messages.set(field, [...(messages.get(field) ?? []), message]);
    for (const [name, row] of this.#rows) {
      const text = messages.get(name)?.join("; ") ?? "";
      if (row.error.textContent !== text) row.error.textContent = text;
      row.error.hidden = text === "";
      row.node.classList.toggle("is-wrong", text !== "");
      if (text) row.control.focus.setAttribute("aria-invalid", "true");
      else row.control.focus.removeAttribute("aria-invalid");
    }
  }

  /** Brings a field into view and the keyboard to it. */
  focus(name) {
    const row = this.#rows.get(name);
    if (!row) return;
    if (row.node.hidden) { byId("filter").value = ""; this.#filter(); }
    (row.missing ? row.toggle : row.control.focus).focus({ preventScroll: true });
    row.node.scrollIntoView({ block: "nearest" });
  }

  /** Marks the field that the page speaks about. */
  select(name) {
    for (const [key, row] of this.#rows) row.node.classList.toggle("is-chosen", key === name);
  }

  #filter() {
    const wanted = byId("filter").value.trim().toLowerCase();
    let shown = 0;
    for (const [name, row] of this.#rows) {
      row.node.hidden = !name.toLowerCase().includes(wanted);
      if (!row.node.hidden) shown += 1;
    }
    byId("filter-none").hidden = shown > 0;
  }
}
