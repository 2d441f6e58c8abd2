// What is in the file: fields, derived features, how it was trained, and how to call it from a program.
import { byId, el } from "./dom.js";
import { bytes as size, count, day, figure, percent } from "./format.js";

/** Fields listed at once; the others are folded away. */
const SHOWN = 40;

/** Features listed by their importance. */
const LISTED = 12;
/** A confusion matrix of more classes than this is not for reading. */
const MOST_CLASSES = 12;

/** A model's type as it is written in prose. */
const TYPES = {
  random_forest: "Random forest", gradient_boosting: "Gradient boosting", logistic_regression: "Logistic regression", svm: "Support vector machine",
  mlp: "Neural network", gaussian_nb: "Naive Bayes", stacking: "Stacking", calibrated: "Calibrated model",
};

/** "Gradient boosting"; the type as it stands where it is none of ours. */
export const kind = (header) => TYPES[header.model?.type] ?? header.model?.type ?? "Model";

/** "2 classes, 9 fields, 48 KB". */
export function facts(schema, bytes) {
  const derived = schema.derived.length;
  return [`${schema.classes.length} classes`, `${count(schema.fields.length)} ${schema.fields.length === 1 ? "field" : "fields"}`,
    derived ? `${derived} derived ${derived === 1 ? "feature" : "features"}` : null, size(bytes.length)].filter(Boolean).join(" · ");
}

export class About {
  #schema; #file; #snippet;

  build({ model, bytes, header, file }) {
    this.#schema = model.schema;
    this.#file = file;
    this.#snippet = el("code", {});
    const copy = el("button", { type: "button", class: "ghost", onclick: () => this.#copy(copy) }, "Copy");
    byId("about-body").replaceChildren(...[
      this.#identity(bytes, header),
      measures(header, model.schema.classes),
      importance(header),
      this.#derived(),
      this.#fields(),
      el("section", { class: "part" }, el("div", { class: "card-head" }, el("h3", {}, "Ask it from a program"), copy),
        el("pre", { tabindex: "0", class: "code", role: "region", "aria-label": "JavaScript that asks this model" }, this.#snippet)),
    ].filter(Boolean));
  }

  /** The example program asks what the form asks. */
  show(record, asOf) {
    const key = (name) => (name === "__proto__" ? '["__proto__"]' : /^[a-z_$][\w$]*$/i.test(name) ? name : JSON.stringify(name));
    const short = Object.entries(record).map(([name, value]) => `  ${key(name)}: ${JSON.stringify(value)},`).join("\n");
    this.#snippet.textContent = `import { load } from "hedgerow";\n\nconst model = await load(${JSON.stringify(this.#file)});\nconst answer = model.predict({\n${short}\n}${asOf ? `, { asOf: ${JSON.stringify(asOf)} }` : ""});\nif (answer.status === "ok") console.log(answer.prediction, answer.confidence);\nelse console.log(answer.violations);`;
  }

  async #copy(button) {
    try {
      await navigator.clipboard.writeText(this.#snippet.textContent);
      button.textContent = "Copied";
    } catch {
      // No permission for the clipboard: the text is selected instead, ready for the keyboard.
      getSelection().selectAllChildren(this.#snippet);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  }

  #identity(bytes, header) {
    const { name, version, id, classes } = this.#schema;
    const training = header.training ?? {};
    return list([
      ["Name", `${name} ${version}`], ["Type", kind(header)], ["Classes", classes.length > 12 ? `${classes.slice(0, 12).join(", ")} and ${classes.length - 12} more` : classes.join(", ")],
      ["File", `${this.#file}, ${size(bytes.length)}`], ["SHA-256", el("code", { class: "wrap" }, id)],
      Number.isFinite(training.rows) ? ["Trained on", `${count(training.rows)} rows`] : null,
      typeof training.data_sha256 === "string" ? ["Training data", el("code", { class: "wrap" }, training.data_sha256)] : null,
      typeof header.tool_version === "string" ? ["Written by", `hedgerow ${header.tool_version}`] : null,
    ]);
  }

  #derived() {
    const { derived } = this.#schema;
    if (derived.length === 0) return null;
    return el("section", { class: "part" }, el("h3", {}, "Derived features"), el("p", { class: "muted small" }, "Computed by the model from the fields, by the same code that computed them for training."),
      el("dl", { class: "derived" }, derived.map(({ name, expression }) => el("div", {}, el("dt", {}, name), el("dd", {}, el("code", { class: "wrap" }, expression))))));
  }

  #fields() {
    const rows = this.#schema.fields.map((field) => el("tr", {}, el("th", { scope: "row" }, field.name), el("td", {}, field.kind), el("td", {}, field.required ? "required" : "may be missing"), el("td", {}, values(field)),
      el("td", { class: "figures" }, field.observed ? percent(field.observed.missing_rate ?? 0) : "–")));
    const table = (some, label) => el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": label }, el("table", {},
      el("thead", {}, el("tr", {}, ["field", "kind", "", "in training"].map((text) => (text ? el("th", { scope: "col" }, text) : el("td"))), el("th", { scope: "col", class: "figures" }, "missing"))), el("tbody", {}, some)));
    const rest = rows.slice(SHOWN);
    return el("section", { class: "part" }, el("h3", {}, "Fields"), table(rows.slice(0, SHOWN), "Fields of the model"),
      rest.length ? el("details", {}, el("summary", {}, `${count(rest.length)} more fields`), table(rest, "More fields of the model")) : null);
  }
}

function values(field) {
  const { observed, levels, kind: type } = field;
  if (type === "category") return levels.length > 8 ? `${levels.slice(0, 8).join(", ")} and ${levels.length - 8} more` : levels.join(", ");
  if (type === "flag") return "yes, no";
  if (!observed || observed.min === undefined) return "–";
  if (type === "time") return `${day(Date.parse(observed.min))} to ${day(Date.parse(observed.max))}`;
  return `${figure(observed.min)} to ${figure(observed.max)}${observed.mean === undefined ? "" : `, mean ${figure(observed.mean)}`}`;
}

/** What the trainer measured: a column per set of rows, and where the last of them was mistaken. */
function measures(header, classes) {
  const sets = Object.entries(header.metrics ?? {}).filter(([, set]) => set !== null && typeof set === "object" && !Array.isArray(set));
  const names = [...new Set(sets.flatMap(([, set]) => Object.keys(set).filter((name) => Number.isFinite(set[name]))))];
  if (names.length === 0) return null;
  const rows = names.map((name) => el("tr", {}, el("th", { scope: "row" }, name.replaceAll("_", " ")), sets.map(([, set]) => el("td", { class: "figures" }, figure(set[name])))));
  return el("section", { class: "part" }, el("h3", {}, "Measured when it was trained"), el("div", { class: "pair" },
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Metrics" }, el("table", {},
      el("thead", {}, el("tr", {}, el("td"), sets.map(([set]) => el("th", { scope: "col", class: "figures" }, set.replaceAll("_", " "))))), el("tbody", {}, rows))),
    confusion(sets.at(-1), classes)));
}

/** How many rows of each class were taken for which. */
function confusion([set, { confusion: counts }], classes) {
  const square = Array.isArray(counts) && counts.length === classes.length && counts.every((row) => Array.isArray(row) && row.length === classes.length && row.every(Number.isFinite));
  if (!square || classes.length > MOST_CLASSES) return null;
  return el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "Confusion matrix" }, el("table", {},
    el("caption", {}, `Rows of the ${set.replaceAll("_", " ")} set: true class, and what it was taken for`),
    el("thead", {}, el("tr", {}, el("td"), classes.map((name) => el("th", { scope: "col", class: "figures" }, name)))),
    el("tbody", {}, counts.map((row, i) => el("tr", {}, el("th", { scope: "row" }, classes[i]), row.map((n, j) => el("td", { class: `figures${i === j ? " right" : ""}` }, count(n))))))));
}

/** Which features the fitted model leans on, as its trainer counted it: each one's share of the whole. */
function importance(header) {
  const found = Object.entries(header.model?.importance ?? {}).filter(([, v]) => typeof v === "number" && v > 0).sort((a, b) => b[1] - a[1]);
  const whole = found.reduce((sum, [, v]) => sum + v, 0);
  if (found.length === 0 || !Number.isFinite(whole)) return null;
  const bars = found.slice(0, LISTED).map(([name, v]) => {
    const fill = el("span", { class: "bar-fill" });
    fill.style.width = `${(v / found[0][1]) * 100}%`;
    return el("li", { class: "bar-row" }, el("span", { class: "bar-name", title: name }, name), el("span", { class: "bar-figure" }, percent(v / whole)), el("span", { class: "bar-track", "aria-hidden": "true" }, fill));
  });
  return el("section", { class: "part" }, el("h3", {}, "What the model leans on"),
    el("p", { class: "muted small" }, `Each feature’s share of the importance counted in training${found.length > LISTED ? `; the first ${LISTED} of ${found.length}` : ""}.`), el("ul", { class: "bars columns" }, bars));
}

const list = (rows) => el("dl", { class: "identity" }, rows.filter(Boolean).map(([term, value]) => el("div", {}, el("dt", {}, term), el("dd", {}, value))));
