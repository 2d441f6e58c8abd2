// What moves the answer: the model itself is asked again, with one field changed and all others as they stand. Nothing is
// approximated; a second engine without a cache answers, so that the counters of the first see only what a person asked.
import { byId, el, svg } from "./dom.js";
import { axis, sweep } from "./fields.js";
import { day, figure, percent } from "./format.js";

/** Values tried per field: along a curve, and to find how far a field reaches. */
const CURVE = 64;
const REACH = 16;
/** Levels tried and shown of a category with very many. */
const LEVELS = 60;
const LEVELS_SHOWN = 12;
/** Fields tried for that list; of a wider model the first ones. */
const TRIED = 500;
/** Fields in the list of those that move the answer most. */
const LISTED = 8;
/** The parts of the page that show what is found. */
const PANELS = ["what-if", "reach"];
/** A slice of work between two looks at the keyboard, milliseconds. */
const SLICE = 6;

export class Explorer {
  #probe; #schema; #record; #asOf; #class; #field = null; #chosen = false; #predicted = 0; #run = 0; #timer;
  #watched = null; #select; #set;

  /** `select(name)`: this field is spoken of now. `set(name, value)`: a person wants this value. */
  constructor({ select, set }) {
    this.#select = select;
    this.#set = set;
    byId("watch").addEventListener("change", () => { this.#watched = byId("watch").value === "" ? null : Number(byId("watch").value); this.#restart(); });
  }

  build(schema, probe) {
    this.#run += 1;
    clearTimeout(this.#timer);
    this.#schema = schema;
    this.#probe = probe;
    this.#record = null;
    if (!schema.fields.some((f) => f.name === this.#field)) { this.#field = null; this.#chosen = false; }
    // Of two classes the second is the one that is asked about (the trainer puts the positive one there); of more, the predicted one.
    const binary = schema.classes.length === 2;
    this.#watched = binary ? 1 : null;
    byId("watch").replaceChildren(...(binary ? [] : [el("option", { value: "" }, "the predicted one")]), ...schema.classes.map((name, i) => el("option", { value: i }, name)));
    byId("watch").value = binary ? "1" : "";
    for (const id of PANELS) byId(id).hidden = true;
  }

  /** A person is at this field: its curve is shown from now on. */
  touch(name) {
    this.#chosen = true;
    if (this.#field === name) return;
    this.#field = name;
    this.#select(name);
    if (this.#record) this.#curve();
  }

  /** The record and its answer have changed. A refused record leaves the last picture, greyed. */
  show(record, answer) {
    const sound = answer.status === "ok";
    for (const id of PANELS) byId(id).classList.toggle("is-stale", !sound);
    byId("stale").hidden = sound;
    this.#run += 1;
    if (!sound) return;
    this.#record = record;
    this.#asOf = answer.as_of;
    this.#predicted = answer.class_index;
    this.#restart();
  }

  #restart() {
    this.#class = this.#schema.classes[this.#watched ?? this.#predicted];
    for (const id of PANELS) byId(id).hidden = false;
    if (this.#field) this.#curve();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#reach((this.#run += 1)), 120);
  }

  /** The watched class's probability for each value of `field`: `{ value, at, p }`; values that the schema refuses are left out. */
  #ask(field, parts) {
    const values = sweep(field, parts).slice(0, Math.max(CURVE + 1, LEVELS));
    const records = values.map(({ value }) => Object.assign(Object.create(null), this.#record, { [field.name]: value }));
    if (records.length === 0) return [];
    const answers = this.#probe.predictBatch(records, { asOf: this.#asOf });
    return values.flatMap((v, i) => (answers[i].status === "ok" ? [{ ...v, p: answers[i].probability[this.#class] }] : []));
  }

  #now() {
    return this.#probe.predict(this.#record, { asOf: this.#asOf }).probability[this.#class];
  }

  async #reach(run) {
    const found = [];
    let since = performance.now();
    for (const field of this.#schema.fields.slice(0, TRIED)) {
      const points = this.#ask(field, REACH);
      if (points.length > 1) {
        const all = points.map((point) => point.p);
        found.push({ field, low: Math.min(...all), high: Math.max(...all) });
      }
      if (performance.now() - since > SLICE) {
        await new Promise((go) => setTimeout(go));
        if (run !== this.#run) return;
        since = performance.now();
      }
    }
    const order = found.sort((a, b) => (b.high - b.low) - (a.high - a.low)).slice(0, LISTED);
    if (!this.#field && order.length > 0) {
      this.#field = order[0].field.name;
      this.#curve();
    }
    const now = this.#now();
    byId("reach-note").replaceChildren("The span that the probability of ", el("b", {}, this.#class), " covers when this field alone runs through the values seen in training", this.#schema.fields.length > TRIED ? ` (the first ${TRIED} fields were tried).` : ".");
    byId("reach-list").replaceChildren(...order.map((row) => this.#reachRow(row, now)));
  }

  #reachRow({ field, low, high }, now) {
    const area = el("span", { class: "reach-span" });
    area.style.left = `${low * 100}%`;
    area.style.width = `${Math.max(0.6, (high - low) * 100)}%`;
    const mark = el("span", { class: "reach-now" });
    mark.style.left = `${now * 100}%`;
    return el("li", {}, el("button", { type: "button", class: "reach-row", onclick: () => { this.touch(field.name); this.#select(field.name, true); } },
      el("span", { class: "reach-name" }, field.name), el("span", { class: "reach-figures" }, `${percent(low)} – ${percent(high)}`),
      el("span", { class: "reach-track", "aria-hidden": "true" }, area, mark)));
  }

  #curve() {
    const field = this.#schema.fields.find((f) => f.name === this.#field);
    if (!field) return;
    if (!this.#chosen) this.#select(field.name);
    const points = this.#ask(field, CURVE);
    const title = el("p", { class: "curve-title" }, "Probability of ", el("b", {}, this.#class), " over ", el("b", {}, field.name));
    if (points.length < 2) {
      byId("what-if-body").replaceChildren(title, el("p", { class: "muted" }, "The model’s file does not say which values this field takes, so there is nothing to run through."));
    } else if (field.kind === "category" || field.kind === "flag") {
      byId("what-if-body").replaceChildren(title, this.#levels(field, points));
    } else {
      byId("what-if-body").replaceChildren(title, this.#line(field, points));
    }
  }

  #levels(field, points) {
    const current = this.#record[field.name];
    const most = [...points].sort((a, b) => b.p - a.p);
    const shown = most.filter((point, i) => i < LEVELS_SHOWN || point.value === current);
    const rows = shown.map(({ value, p }) => {
      const fill = el("span", { class: "bar-fill" });
      fill.style.width = `${p * 100}%`;
      const text = field.kind === "flag" ? (value ? "Yes" : "No") : value;
      return el("li", {}, el("button", { type: "button", class: `bar-row level${value === current ? " is-first" : ""}`, "aria-pressed": String(value === current), onclick: () => this.#set(field.name, value) },
        el("span", { class: "bar-name" }, text), el("span", { class: "bar-figure" }, percent(p)), el("span", { class: "bar-track", "aria-hidden": "true" }, fill)));
    });
    const note = most.length > shown.length ? el("p", { class: "muted small" }, `The ${shown.length} most probable of ${field.levels.length} levels.`) : null;
    return el("div", {}, el("ul", { class: "bars" }, rows), note);
  }

  /** A curve in a box of 360 x 176 units; its axis is the field's, its height 0 to 100 %. */
  #line(field, points) {
    const along = axis(field);
    const box = { left: 36, right: 350, top: 10, bottom: 148 };
    const x = (at) => box.left + at * (box.right - box.left);
    const y = (p) => box.bottom - p * (box.bottom - box.top);
    const show = (at) => (field.kind === "time" ? day(Math.round(along.value(at))).slice(0, 10) : figure(at === 0 ? along.low : at === 1 ? along.high : Number(along.value(at).toPrecision(4))));
    const path = points.map(({ at, p }, i) => `${i ? "L" : "M"}${x(at).toFixed(1)} ${y(p).toFixed(1)}`).join("");
    const current = this.#record[field.name];
    const held = field.kind === "time" ? Date.parse(current) : current;
    const inside = current !== null && held >= along.low && held <= along.high;
    const place = along.at(held);
    const now = this.#now();
    const least = Math.min(...points.map((point) => point.p));
    const most = Math.max(...points.map((point) => point.p));
    const readout = el("p", { class: "readout muted small" });
    const rest = () => {
      readout.textContent = current === null ? `missing now: ${percent(now)}` : `${field.kind === "time" ? day(held) : figure(held)} now: ${percent(now)}${inside ? "" : ", outside what training saw"}`;
    };
    const cross = svg("line", { class: "cross", y1: box.top, y2: box.bottom, visibility: "hidden" });
    const nearest = (event) => {
      const frame = picture.getBoundingClientRect();
      const at = ((event.clientX - frame.left) / frame.width * 360 - box.left) / (box.right - box.left);
      return points.reduce((best, point) => (Math.abs(point.at - at) < Math.abs(best.at - at) ? point : best));
    };
    const picture = svg("svg", {
      viewBox: "0 0 360 176", class: "plot", role: "img",
      "aria-label": `Between ${percent(least)} and ${percent(most)} as ${field.name} goes from ${show(0)} to ${show(1)}; ${percent(now)} now.`,
      onpointermove: (event) => {
        const point = nearest(event);
        cross.setAttribute("x1", x(point.at));
        cross.setAttribute("x2", x(point.at));
        cross.setAttribute("visibility", "visible");
        readout.textContent = `${show(point.at)}: ${percent(point.p)}`;
      },
      onpointerleave: () => { cross.setAttribute("visibility", "hidden"); rest(); },
      onclick: (event) => {
        const { value } = nearest(event);
        this.#set(field.name, typeof value === "number" ? Number(value.toPrecision(5)) : value);
      },
    },
    [0, 0.5, 1].map((p) => [svg("line", { class: "grid", x1: box.left, x2: box.right, y1: y(p), y2: y(p) }), svg("text", { class: "tick", x: box.left - 6, y: y(p) + 4, "text-anchor": "end" }, `${p * 100}%`)]).flat(),
    svg("path", { class: "area", d: `${path}L${x(points.at(-1).at).toFixed(1)} ${box.bottom}L${x(points[0].at).toFixed(1)} ${box.bottom}Z` }),
    svg("path", { class: "line", d: path }), cross,
    inside ? [svg("line", { class: "now", x1: x(place), x2: x(place), y1: box.top, y2: box.bottom }), svg("circle", { class: "dot", cx: x(place), cy: y(now), r: 4.5 })] : null,
    svg("text", { class: "tick", x: box.left, y: box.bottom + 18 }, show(0)),
    // A bent axis shows that it is one.
    along.bent ? svg("text", { class: "tick", x: x(0.5), y: box.bottom + 18, "text-anchor": "middle" }, show(0.5)) : null,
    svg("text", { class: "tick", x: box.right, y: box.bottom + 18, "text-anchor": "end" }, show(1)));
    rest();
    return el("div", {}, picture, readout);
  }
}
