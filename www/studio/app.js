// The studio: opens a model, keeps form, answer and exploration in step. Every answer is the engine's; this page only shows.
import { About, facts, kind } from "./about.js";
import { AnswerView } from "./answer.js";
import { Batch } from "./batch.js";
import { byId, el } from "./dom.js";
import { Explorer } from "./explore.js";
import { Form } from "./form.js";
import { isHedge } from "./hedge.js";
import { catalog, fetchModel, fileModel } from "./models.js";
import { offline } from "./offline.js";
import { bytes as size } from "./format.js";

let current = null;
/** Counts openings, so that of two that overlap the later one wins. */
let opening = 0;
let asked = false;

const form = new Form({ changed: ask, touched: (name) => explorer.touch(name) });
const answerView = new AnswerView({ toField: (name) => form.focus(name) });
const explorer = new Explorer({
  select: (name, focus) => { form.select(name); if (focus) form.focus(name); },
  set: (name, value) => form.set(name, value),
});
const about = new About();
const batch = new Batch({ open: (record) => { form.fill(record); ask(); byId("record").scrollIntoView(); byId("record").focus({ preventScroll: true }); } });

/** Asks the engine once per frame, however many events there were. */
function ask() {
  if (asked || !current) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    try {
      const record = form.record();
      const asOf = form.asOf();
      const answer = current.model.predict(record, { asOf });
      answerView.show(answer);
      form.mark(answer.status === "ok" ? [] : answer.violations);
      explorer.show(record, answer);
      about.show(record, asOf);
      byId("main").dataset.state = answer.status;
    } catch (error) {
      notice(`The engine stopped and was started anew: ${error.message}`);
    }
  });
}

/** Opens what `source()` brings; when that fails, says why and leaves the model that is open. */
async function use(source, what) {
  const mine = (opening += 1);
  byId("main").setAttribute("aria-busy", "true");
  try {
    const next = await source();
    if (mine !== opening) { next.model.free(); next.probe.free(); return; }
    show(next);
    notice(null);
  } catch (error) {
    if (mine !== opening) return;
    const kept = current ? ` ${current.model.schema.name} ${current.model.schema.version} stays open.` : "";
    notice(`${error.message}${/[.!?]$/.test(error.message) ? "" : "."}${kept}`);
    if (!current) byId("model-name").textContent = `No model: ${what} could not be opened`;
    choose(current?.file);
  } finally {
    if (mine === opening) byId("main").removeAttribute("aria-busy");
  }
}

function show(next) {
  const { model, probe, bytes } = next;
  const { schema } = model;
  // The views are built first: a schema that this page cannot show leaves the old model in place.
  form.build(schema);
  const last = current;
  current = next;
  byId("model-kind").textContent = kind(next.header);
  byId("model-name").textContent = schema.name;
  byId("model-version").textContent = schema.version;
  byId("model-version").hidden = false;
  byId("model-facts").textContent = `${facts(schema, bytes)} · ${schema.id.slice(0, 12)}`;
  byId("model-facts").title = schema.id;
  document.title = `${schema.name} ${schema.version} – Hedgerow Studio`;
  answerView.build(schema);
  explorer.build(schema, probe);
  about.build(next);
  batch.build(model, bytes, form);
  choose(next.file);
  last?.model.free();
  last?.probe.free();
  ask();
}

function notice(text) {
  byId("notice").hidden = text === null;
  byId("notice-text").textContent = text ?? "";
}

/** Shows which model is open in the list; a file of one's own is in no list. */
function choose(file) {
  const select = byId("demo");
  const known = [...select.options].some((option) => option.value === file);
  const own = select.querySelector("option[data-own]");
  if (!known && file !== undefined) {
    const option = own ?? el("option", { "data-own": true });
    option.value = "";
    option.textContent = `${file} (yours)`;
    option.disabled = true;
    select.prepend(option);
    select.value = "";
  } else if (known) {
    own?.remove();
    select.value = file;
  }
}

/** Takes a dropped file for what it is: by its first bytes a model, by its name a table. */
async function take(file) {
  const start = new Uint8Array(await file.slice(0, 16).arrayBuffer().catch(() => new ArrayBuffer(0)));
  if (isHedge(start) || /\.hedge$/i.test(file.name)) return use(() => fileModel(file), file.name);
  if (/\.(csv|tsv|txt)$/i.test(file.name) || /^text\/(csv|plain)/.test(file.type)) {
    byId("batch").scrollIntoView();
    return batch.start(file);
  }
  return notice(`${file.name} is neither a .hedge model nor a .csv file.${current ? ` ${current.model.schema.name} ${current.model.schema.version} stays open.` : ""}`);
}

function dropping() {
  let inside = 0;
  const files = (event) => event.dataTransfer?.types.includes("Files");
  const veil = (shown) => { byId("veil").hidden = !shown; };
  addEventListener("dragenter", (event) => { if (files(event)) { event.preventDefault(); inside += 1; veil(true); } });
  addEventListener("dragover", (event) => { if (files(event)) event.preventDefault(); });
  addEventListener("dragleave", (event) => { if (files(event)) { inside -= 1; veil(inside > 0); } });
  addEventListener("drop", (event) => {
    if (!files(event)) return;
    event.preventDefault();
    inside = 0;
    veil(false);
    const [file] = event.dataTransfer.files;
    if (file) take(file);
  });
}

async function start() {
  dropping();
  byId("notice-close").addEventListener("click", () => notice(null));
  byId("open").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    target.value = "";
    if (file) use(() => fileModel(file), file.name);
  });
  // On a narrow screen the answer is below the form: a line at the foot of the screen says it meanwhile.
  new IntersectionObserver(([entry]) => { byId("dock").hidden = entry.isIntersecting || !current; }).observe(byId("answer"));
  let demos = [];
  try {
    demos = await catalog();
  } catch (error) {
    notice(`${error.message}; open a file of your own.`);
  }
  const select = byId("demo");
  select.append(...demos.map(({ file, name, version, size: n }) => el("option", { value: file }, `${name} ${version} (${size(n)})`)));
  select.disabled = demos.length === 0;
  select.addEventListener("change", () => {
    const file = select.value;
    history.replaceState(null, "", `#${encodeURIComponent(file)}`);
    use(() => fetchModel(file), file);
  });
  // The address may name one of the demo models, and only those.
  let wanted = "";
  try { wanted = decodeURIComponent(location.hash.slice(1)); } catch {}
  const first = demos.find(({ file }) => file === wanted) ?? demos[0];
  if (first) await use(() => fetchModel(first.file), first.file);
  else byId("model-name").textContent = "No model is open";
  offline();
}

start();
