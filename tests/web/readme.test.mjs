// The README's examples, run as they stand there: the shell's with the native binary, JavaScript's with the built package.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { before, test } from "node:test";
import { bin, consumer, finished, hedgerow, root } from "./lib/places.mjs";

const box = join(consumer, "readme");
const readme = readFileSync(join(root, "README.md"), "utf8");

/** The first block of `language` after the bold title. */
function block(title, language) {
  const text = readme.slice(readme.indexOf(`**${title}`));
  const found = new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, "m").exec(text);
  assert.ok(readme.includes(`**${title}`) && found, `the README has no ${language} under ${title}`);
  return found[1];
}

async function run(program, args) {
  const { status, stdout, stderr } = await finished(program, args, { cwd: box, env: { PATH: dirname(hedgerow) + delimiter + process.env.PATH } });
  assert.equal(status, 0, stdout + stderr);
  return stdout;
}

before(async () => {
  rmSync(box, { recursive: true, force: true });
  mkdirSync(box, { recursive: true });
  await run("sh", ["-e", "-c", block("Train and score", "sh")]);
});

test("the shell's examples train and score", async () => {
  const answers = readFileSync(join(box, "answers.csv"), "utf8").trimEnd().split("\n");
  assert.equal(answers[0], "outcome,prediction,probability_failure,probability_success");
  assert.equal(answers.length, 4001);
  assert.match(readFileSync(join(box, "projects.html"), "utf8"), /^<!doctype html>/);
});

test("Node's example answers", async () => {
  writeFileSync(join(box, "node.mjs"), block("Node, Deno, Bun", "js"));
  assert.match(await run(process.execPath, ["node.mjs"]), /status: 'ok'[\s\S]*model: 'projects'/);
});

test("the example of many rows answers, with workers too", async () => {
  writeFileSync(join(box, "many.mjs"), block("Many rows", "js"));
  assert.match(await run(process.execPath, ["many.mjs"]), /^Float64Array\(4\) \[[^\]]+\] 0 \{\s+rows: 2,[\s\S]*rejected: 0/);
});

test("the example of a binding answers", async () => {
  await run("sh", ["-e", "-c", block("Where no code is made", "sh")]);
  writeFileSync(join(box, "bound.mjs"), block("Where no code is made", "js"));
  writeFileSync(join(box, "package.json"), '{ "type": "module" }\n');
  assert.match(await run(process.execPath, ["bound.mjs"]), /status: 'ok'[\s\S]*model: 'projects'/);
});

test("the browser's example tells what is missing", async () => {
  // In Node, where the address is a path.
  writeFileSync(join(box, "browser.mjs"), block("Browser", "js"));
  assert.match(await run(process.execPath, ["browser.mjs"]), /field: 'development_time',\s+code: 'missing'/);
});

test("the Worker's example answers a request", async () => {
  // In Node, where a Data module is a file that is read.
  const worker = block("Cloudflare Worker", "js").replace(/^import file from "(.*)";$/m, 'import { readFileSync } from "node:fs";\nconst file = readFileSync("$1");');
  assert.ok(worker.includes("readFileSync("));
  writeFileSync(join(box, "worker.mjs"), worker);
  const ask = 'import worker from "./worker.mjs"; const request = new Request("http://localhost/", { method: "POST", body: "{}" }); console.log(await (await worker.fetch(request)).text());';
  const answer = JSON.parse(await run(process.execPath, ["--input-type=module", "-e", ask]));
  assert.equal(answer.status, "rejected");
});

test("the types of a model fit the package's", async () => {
  await run("sh", ["-e", "-c", block("TypeScript", "sh")]);
  const example = `${block("TypeScript", "ts")}
const category = "energy" as const;
const answer = model.predict({ category, novelty_score: 0.8, development_time: 18, cost: 120 });
if (answer.status === "ok") console.log(answer.probability.success, answer.class_index === 1);
// @ts-expect-error no such level
model.predict({ category: "enrgy", novelty_score: 0.8, development_time: 18, cost: 120 });
// @ts-expect-error a required field is missing
model.predict({ category });
`;
  writeFileSync(join(box, "types.ts"), example);
  await run(bin("tsc"), ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "--lib", "es2022,dom,esnext.disposable", "--types", "node", "--typeRoots", join(root, "node_modules/@types"), "types.ts"]);
});
