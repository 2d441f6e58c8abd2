// From a scikit-learn pipeline on raw Adult rows to answers in Node: the command line imports it and proves it, and the file answers records
// and CSV as `predict_proba` did. The same records go through every host by suite/imports.js. The exporter itself is run here on a model
// that needs no scikit-learn; with it, it runs in tests/import/matrix.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import { consumer, finished, fixtures, hedgerow, root } from "./lib/places.mjs";

const golden = join(root, "tests", "import", "golden", "sklearn", "adult-raw");
const file = join(consumer, "adult.hedge");
const { load } = await import(pathToFileURL(join(consumer, "node_modules", "hedgerow", "node.js")).href);

test("Adult: imported, proven and answered in Node", { timeout: 120_000 }, async (t) => {
  rmSync(file, { force: true });
  const { records, probability } = fixtures().imports.find(({ model }) => model === "import_adult-raw");

  await t.test("hedgerow import --check writes it", async () => {
    const args = ["import", join(golden, "model.hedge.json"), "--check", join(golden, "expected.csv"), "--out", file, "--name", "adult"];
    const { status, stdout, stderr } = await finished(hedgerow, args);
    assert.equal(status, 0, `${stdout}\n${stderr}`);
    assert.ok(existsSync(file));
  });
  await t.test("a false expectation is told, and nothing is written", async () => {
    const lines = readFileSync(join(golden, "expected.csv"), "utf8").split("\n");
    const at = lines[0].split(",").indexOf("probability_>50K");
    const cells = lines[5].split(",");
    cells[at] = String(Number(cells[at]) + 1e-9);
    lines[5] = cells.join(",");
    writeFileSync(join(consumer, "false.csv"), lines.join("\n"));
    const out = join(consumer, "false.hedge");
    const { status } = await finished(hedgerow, ["import", join(golden, "model.hedge.json"), "--check", join(consumer, "false.csv"), "--out", out]);
    assert.equal(status, 1);
    assert.ok(!existsSync(out));
  });
  await t.test("raw records: numbers, texts, missing and unknown ones", async () => {
    const model = await load(file);
    assert.deepEqual(model.schema.classes, ["<=50K", ">50K"]);
    assert.ok(records.some((r) => r.workclass === null) && records.some((r) => r.native_country === "Atlantis"));
    records.forEach((record, i) => {
      const answer = model.predict(record);
      assert.equal(answer.status, "ok", JSON.stringify(answer.violations));
      model.schema.classes.forEach((label, k) => assert.ok(Math.abs(answer.probability[label] - probability[i][k]) <= 1e-12, `record ${i}, ${label}`));
    });
    model.free();
  });
  await t.test("the CSV: www/node/score.mjs", async () => {
    const { status, stdout, stderr } = await finished(process.execPath, [join(root, "www", "node", "score.mjs"), file, join(golden, "expected.csv")]);
    assert.equal(status, 0, stderr);
    const [head, ...rows] = stdout.trimEnd().split("\n").map((line) => line.split(","));
    assert.equal(rows.length, probability.length);
    const at = head.lastIndexOf("probability_>50K");
    rows.forEach((row, i) => assert.ok(Math.abs(Number(row[at]) - probability[i][1]) <= 1e-12, `row ${i}: ${row[at]}`));
  });
});

// A fitted LogisticRegression, as far as its attributes go.
const MODEL = `
import sys
sys.path.insert(0, sys.argv[1])
from hedgerow_export import export

class LogisticRegression:
    __module__ = "sklearn.linear_model._logistic"
    classes_, coef_, intercept_ = ["no", "yes"], [[0.25, -1.5]], [0.125]
    n_features_in_, feature_names_in_, solver = 2, ["age", "size"], "lbfgs"
    def predict_proba(self, x): ...

class Pipeline:
    __module__ = "sklearn.pipeline"
    n_features_in_, feature_names_in_ = 2, ["age", "size"]
    def __init__(self, *steps): self.steps = [(type(s).__name__.lower(), s) for s in steps]

class StandardScaler:
    __module__ = "sklearn.preprocessing._data"
    mean_, scale_, with_mean, with_std = [40.0, 2.0], [10.0, 0.5], True, True

class PCA:
    __module__ = "sklearn.decomposition._pca"

export(Pipeline(StandardScaler(), LogisticRegression()), sys.argv[2], name="small", version="2.0.0", binary=sys.argv[3])
try:
    export(Pipeline(PCA(), LogisticRegression()), "never.hedge.json")
except TypeError as e:
    print(e)
`;

test("hedgerow_export.py", { timeout: 120_000 }, async (t) => {
  const python = ["python3", "python"].find((name) => spawnSync(name, ["-c", "import sys; assert sys.version_info >= (3, 10)"]).status === 0);
  if (python === undefined) return t.skip("there is no Python 3.10 or later");
  writeFileSync(join(consumer, "export.py"), MODEL);
  const out = join(consumer, "small.hedge");
  rmSync(out, { force: true });
  const { status, stdout, stderr } = await finished(python, ["export.py", join(root, "python"), out, hedgerow]);
  await t.test("writes an artifact in one call", async () => {
    assert.equal(status, 0, stderr);
    const model = await load(out);
    assert.deepEqual([model.schema.name, model.schema.version, model.schema.classes], ["small", "2.0.0", ["no", "yes"]]);
    const answer = model.predict({ age: 50, size: 2.5 });
    assert.ok(Math.abs(answer.probability.yes - 1 / (1 + Math.exp(-(0.125 + 0.25 - 1.5)))) <= 1e-15);
    assert.equal(model.predict({ age: 50 }).status, "rejected");
    model.free();
  });
  await t.test("names the step that it does not know", () => assert.match(stdout, /^pca: PCA: this transformer is not supported; supported are ColumnTransformer/));
});
