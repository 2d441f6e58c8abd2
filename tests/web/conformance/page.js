// A page: the cases that sample.json names.
import { load } from "/node_modules/hedgerow/browser.js";
import { all } from "/compare.js";

const fetched = async (path) => {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path}: HTTP status ${response.status}`);
  return response;
};
const sample = await (await fetched("/sample.json")).json();
const results = await all(
  load,
  sample.map(({ name, file }) => [name, async () => new Uint8Array(await (await fetched(`/cases/${file}.hedge`)).arrayBuffer()), async () => (await fetched(`/cases/${file}.json`)).json()]),
);
const element = document.createElement("pre");
element.id = "results";
element.textContent = JSON.stringify({ results });
document.body.append(element);
