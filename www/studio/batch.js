// Scoring a file: starts the worker, shows how far it is, then what came of it.
import { line } from "./csv.js";
import { byId, el, save, scriptAddress } from "./dom.js";
import { bytes as size, count, percent, plural } from "./format.js";

/** Columns of the file shown beside the first answers. */
const COLUMNS = 40;
/** Characters shown of a cell. */
const SHOWN_TEXT = 200;
/** How often progress is redrawn at most, milliseconds. */
const REDRAW = 80;

export class Batch {
  #model = null; #bytes; #worker = null; #open; #form;

  /** `open(record)`: a person wants to see this row in the form. */
  constructor({ open }) {
    this.#open = open;
    byId("csv").addEventListener("change", ({ target }) => {
      const [file] = target.files;
      // Cleared, so that choosing the same file again is a change again.
      target.value = "";
      if (file) this.start(file);
    });
    byId("cancel").addEventListener("click", () => this.#stop("Cancelled: nothing was kept."));
    byId("template").addEventListener("click", () => this.#template());
  }

  /** The model that scores from now on. `form` says what `now()` means, and fills the example file. */
  build(model, bytes, form) {
    this.#stop(null);
    this.#model = model;
    this.#bytes = bytes;
    this.#form = form;
    byId("batch-result").replaceChildren();
  }

  start(file) {
    this.#stop(null);
    if (!this.#model) return;
    const worker = new Worker(scriptAddress("./scorer.js"), { type: "module", name: "scorer" });
    this.#worker = worker;
    byId("batch-result").replaceChildren();
    byId("batch-run").hidden = false;
    byId("batch-live").textContent = `Scoring ${file.name}`;
    const { name, version } = this.#model.schema;
    this.#progress(file, { rows: 0, rejected: 0, read: 0 }, performance.now());
    const started = performance.now();
    let drawn = 0;
    worker.addEventListener("message", ({ data }) => {
      if (worker !== this.#worker) return;
      if (data.type === "progress") {
        const now = performance.now();
        if (now - drawn < REDRAW) return;
        drawn = now;
        this.#progress(file, data, started);
        return;
      }
      this.#stop(null);
      if (data.type === "failed") this.#failed(file, data.message);
      else this.#done(file, data, `${name} ${version}`);
    });
    worker.addEventListener("error", () => {
      if (worker !== this.#worker) return;
      this.#stop(null);
      this.#failed(file, "the worker stopped; the browser may be out of memory");
    });
    worker.postMessage({ bytes: this.#bytes, file, asOf: this.#form.asOf() ?? Date.now(), keep: byId("keep").checked });
  }

  #stop(message) {
    this.#worker?.terminate();
    this.#worker = null;
    byId("batch-run").hidden = true;
    byId("batch-live").textContent = message ?? "";
    if (message) byId("batch-result").replaceChildren(el("p", { class: "muted" }, message));
  }

  #progress(file, { rows, rejected, read }, started) {
    const share = file.size ? read / file.size : 0;
    const pace = rows / Math.max(0.001, (performance.now() - started) / 1000);
    byId("run-progress").value = share;
    byId("run-text").textContent = `${file.name}: ${plural(rows, "row")}, ${Math.round(share * 100)} % read${rejected ? `, ${count(rejected)} refused` : ""}${rows > 5000 ? `, ${count(Math.round(pace / 100) * 100)} rows a second` : ""}`;
  }

  #failed(file, message) {
    byId("batch-result").replaceChildren(el("div", { class: "notice", role: "alert" }, el("p", {}, el("b", {}, `${file.name} was not scored: `), message)));
  }

  #done(file, run, model) {
    const scored = run.rows - run.rejected;
    const target = `${file.name.replace(/\.[^.]*$/, "")}.scored.csv`;
    byId("batch-live").textContent = `${plural(scored, "row")} scored, ${count(run.rejected)} refused.`;
    byId("batch-result").replaceChildren(...[
      el("div", { class: "run-head" },
        el("div", { class: "tiles" },
          tile(count(scored), scored === 1 ? "row scored" : "rows scored"),
          tile(count(run.rejected), run.rejected === 1 ? "row refused" : "rows refused", run.rejected > 0),
          tile(run.seconds < 1 ? `${Math.max(1, Math.round(run.seconds * 1000))} ms` : `${run.seconds.toFixed(run.seconds < 10 ? 1 : 0)} s`, `by ${model}`)),
        el("button", { type: "button", class: "button", id: "download", onclick: () => save(run.result, target) }, `Download ${target} (${size(run.result.size)})`)),
      classes(run, scored),
      run.absent.length ? el("p", { class: "muted" }, `Without a column, so missing in every row: ${run.absent.join(", ")}.`) : null,
      run.rejected ? refusals(run) : null,
      this.#preview(run),
    ].filter(Boolean));
    byId("batch-result").focus({ preventScroll: true });
  }

  #preview(run) {
    const fields = new Set(this.#model.schema.fields.map((f) => f.name));
    const rows = run.preview.map((row) => el("tr", {},
      el("td", {}, row.status === "ok" ? row.prediction : el("span", { class: "bad" }, "refused")),
      el("td", { class: "figures" }, row.status === "ok" ? percent(row.confidence) : "–"),
      el("td", {}, el("button", { type: "button", class: "link", "aria-label": `Open line ${row.line} in the form`, onclick: () => this.#open(record(run.columns, row.cells, fields)) }, "Open")),
      run.columns.slice(0, COLUMNS).map((_, i) => el("td", {}, (row.cells[i] ?? "").slice(0, SHOWN_TEXT)))));
    return el("section", { class: "part" }, el("h3", {}, "First rows"), table(["prediction", figures("confidence"), null, ...run.columns.slice(0, COLUMNS)], rows, "First rows of the result", " rows"));
  }

  #template() {
    const record = this.#form.record();
    const names = Object.keys(record);
    const text = line(names) + line(names.map((name) => String(record[name] ?? "")));
    save(new Blob([text], { type: "text/csv" }), `${this.#model.schema.name}.example.csv`);
  }
}

function record(columns, cells, fields) {
  const values = Object.create(null);
  columns.forEach((name, i) => { if (fields.has(name)) values[name] = (cells[i] ?? "").trim(); });
  return values;
}

const tile = (value, text, bad = false) => el("div", { class: `tile${bad ? " bad" : ""}` }, el("span", { class: "tile-value" }, value), el("span", { class: "tile-text" }, text));

/** How the scored rows fall on the classes. */
function classes(run, scored) {
  const shown = [...run.predicted].sort((a, b) => (run.predicted.length > 8 ? b[1] - a[1] : 0)).slice(0, 8);
  return el("section", { class: "part" }, el("h3", {}, "Predicted classes"), el("ul", { class: "bars wide" }, shown.map(([name, n]) => {
    const fill = el("span", { class: "bar-fill" });
    fill.style.width = `${scored ? (n / scored) * 100 : 0}%`;
    return el("li", { class: "bar-row" }, el("span", { class: "bar-name" }, name), el("span", { class: "bar-figure" }, `${count(n)} (${scored ? percent(n / scored) : "–"})`), el("span", { class: "bar-track", "aria-hidden": "true" }, fill));
  })));
}

/** What the refused rows broke: counted by field and rule, then one by one. */
function refusals(run) {
  const counted = run.codes.slice(0, 50).map(({ field, code, count: n }) => el("tr", {}, el("td", {}, field || "(the row)"), el("td", {}, el("code", {}, code)), el("td", { class: "figures" }, count(n))));
  const listed = run.examples.map(({ line: at, violations }) => el("tr", {}, el("td", { class: "figures" }, count(at)),
    el("td", {}, violations.slice(0, 20).map((v, i) => el("span", { class: "reason" }, i ? "; " : "", v.field ? el("b", {}, `${v.field} `) : "", v.message)))));
  const rest = run.rejected - run.examples.length;
  return el("section", { class: "part" }, el("h3", {}, "Refused rows"),
    table(["field", "rule", figures("rows")], counted, "Refused rows by field and rule"),
    el("details", {}, el("summary", {}, rest > 0 ? `The first ${run.examples.length} refused rows` : `All ${plural(run.examples.length, "refused row")}`),
      table([figures("line"), "why"], listed, "Refused rows one by one"), rest > 0 ? el("p", { class: "muted" }, `${count(rest)} more are not listed; their predictions are empty in the result.`) : null));
}

/** The head of a column of figures. */
const figures = (text) => el("th", { scope: "col", class: "figures" }, text);

/** A table that scrolls by itself, by keyboard too. `head`: texts, cells, or `null` over a column without a name. */
function table(head, rows, label, more = "") {
  return el("div", { class: `scroll${more}`, tabindex: "0", role: "region", "aria-label": label },
    el("table", {}, el("thead", {}, el("tr", {}, head.map((cell) => (cell === null ? el("td") : cell instanceof Node ? cell : el("th", { scope: "col" }, cell))))), el("tbody", {}, rows)));
}
