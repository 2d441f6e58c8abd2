// The answer to the record: label, confidence, a bar per class, and what a program would want to know of it.
import { byId, debounce, el } from "./dom.js";
import { percent } from "./format.js";

/** With more classes than this, the most probable come first and the rest are folded away. */
const FEW = 8;

/** Screen readers hear the answer once typing or dragging rests, not at each step. Milliseconds. */
const announce = debounce(700, (text) => { byId("answer-live").textContent = text; });

export class AnswerView {
  #classes = [];
  #bars = new Map();
  #toField;

  /** `toField(name)` brings the person to a field that is in violation. */
  constructor({ toField }) {
    this.#toField = toField;
  }

  /** Prepares the bars for a model. */
  build(schema) {
    this.#classes = schema.classes;
    this.label = el("p", { class: "prediction" });
    this.sure = el("p", { class: "confidence" });
    this.trouble = el("div", { class: "trouble", hidden: true });
    this.#bars = new Map(schema.classes.map((name) => [name, bar(name)]));
    this.list = el("ul", { class: "bars" });
    this.rest = el("ul", { class: "bars" });
    this.more = el("details", { class: "more", hidden: schema.classes.length <= FEW }, el("summary", {}, `${schema.classes.length - FEW} more classes`), this.rest);
    if (schema.classes.length <= FEW) this.list.append(...[...this.#bars.values()].map((b) => b.node));
    this.meta = el("dl", { class: "meta" });
    byId("answer-body").replaceChildren(el("div", { class: "verdict" }, this.label, this.sure), this.trouble, this.list, this.more, this.meta);
  }

  show(answer) {
    const sound = answer.status === "ok";
    byId("answer").classList.toggle("is-refused", !sound);
    this.trouble.hidden = sound;
    if (sound) this.#prediction(answer);
    else this.#refusal(answer.violations);
    this.#dock(answer);
    this.#meta(answer);
  }

  #prediction(answer) {
    this.label.textContent = answer.prediction;
    this.sure.textContent = `${percent(answer.confidence)} confident`;
    for (const [name, { node, fill, figure }] of this.#bars) {
      const p = answer.probability[name];
      fill.style.width = `${p * 100}%`;
      figure.textContent = percent(p);
      node.dataset.probability = String(p);
      node.classList.toggle("is-first", name === answer.prediction);
    }
    if (this.#classes.length > FEW) {
      const order = [...this.#classes].sort((a, b) => answer.probability[b] - answer.probability[a]);
      this.list.replaceChildren(...order.slice(0, FEW).map((name) => this.#bars.get(name).node));
      this.rest.replaceChildren(...order.slice(FEW).map((name) => this.#bars.get(name).node));
    }
    announce(`Prediction ${answer.prediction}, ${percent(answer.confidence)} confident.`);
  }

  #refusal(violations) {
    this.label.textContent = "No answer";
    this.sure.textContent = violations.length === 1 ? "one field needs another value" : `${violations.length} fields need another value`;
    this.trouble.replaceChildren(el("ul", {}, violations.map((v) => el("li", {},
      el("button", { type: "button", class: "link", onclick: () => this.#toField(v.field) }, v.field), ` ${v.message}`))));
    for (const { node, fill, figure } of this.#bars.values()) {
      fill.style.width = "0";
      figure.textContent = "–";
      delete node.dataset.probability;
      node.classList.remove("is-first");
    }
    announce(`No answer: ${violations.map((v) => `${v.field}: ${v.message}`).join(". ")}`);
  }

  #meta(answer) {
    const rows = [["Model", `${answer.model} ${answer.model_version}`], ["File id", answer.model_id.slice(0, 12), answer.model_id]];
    if (answer.status === "ok") {
      rows.push(["As of", `${answer.as_of.slice(0, 19).replace("T", " ")} UTC`, answer.as_of]);
      rows.push(["From the cache", answer.cached ? "yes" : "no"]);
    }
    this.meta.replaceChildren(...rows.map(([term, text, title]) => el("div", {}, el("dt", {}, term), el("dd", { title }, text))));
  }

  #dock(answer) {
    const [label, value] = byId("dock").children;
    label.textContent = answer.status === "ok" ? answer.prediction : "No answer";
    value.textContent = answer.status === "ok" ? percent(answer.confidence) : `${answer.violations.length} to correct`;
  }
}

/** A class's row: its name, its bar, its figure. The bar repeats the figure and is hidden from screen readers. */
function bar(name) {
  const fill = el("span", { class: "bar-fill" });
  const figure = el("span", { class: "bar-figure" });
  const node = el("li", { class: "bar-row" }, el("span", { class: "bar-name", title: name }, name), figure, el("span", { class: "bar-track", "aria-hidden": "true" }, fill));
  return { node, fill, figure };
}
