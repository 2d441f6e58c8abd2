// The studio in a real browser, beside the same engine in Node and the native command line.   node --test tests/web/studio.test.mjs
// Needs the built package (build/package), the native binary (HEDGEROW, or what cargo built last), the demo models, and
// Chromium (CHROMIUM, or /usr/bin/chromium). Screenshots go to build/screenshots.
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { createServer, request } from "node:http";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { after, before, describe, test } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { chromium } from "playwright-core";
import { CsvRows, line, MAX_ROW } from "../../www/studio/csv.js";
import { figure, percent, ruler } from "../../www/studio/format.js";
import { serve } from "../../www/serve.mjs";
import { build } from "../../www/studio/build.mjs";

const require = createRequire(import.meta.url);
const Papa = require("papaparse");
const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const [box, shots] = ["build/studio-test", "build/screenshots"].map((name) => join(root, name));
const AS_OF = "2026-03-01T12:00:00.000Z";

/** A text that would become an element, and run, wherever it were taken for markup. */
const HOSTILE = `<img src=x onerror="window.taken=true">`;

let native, load, studio, browser, demos;

before(async () => {
  native = newestBinary();
  demos = readdirSync(join(root, "models")).filter((name) => name.endsWith(".hedge"));
  assert.ok(demos.length > 0, "there are no demo models: ./build.sh demo trains them");
  rmSync(box, { recursive: true, force: true });
  mkdirSync(join(box, "models"), { recursive: true });
  mkdirSync(shots, { recursive: true });
  for (const name of demos) cpSync(join(root, "models", name), join(box, "models", name));
  hostileModel();
  wideModel();
  build({ out: join(box, "site"), models: join(box, "models") });
  ({ load } = await import(pathToFileURL(join(root, "build/package/node.js")).href));
  studio = await serve({ folder: join(box, "site") });
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });
});

after(async () => {
  await browser?.close();
  await studio?.close();
});

/** The native binary: the one that HEDGEROW names, or the one that was built last. */
function newestBinary() {
  const built = ["release", "debug"].map((profile) => join(root, "target", profile, "hedgerow")).filter((path) => existsSync(path));
  const found = process.env.HEDGEROW ?? built.sort((a, b) => statSync(b).mtimeMs - statSync(a).mtimeMs)[0];
  assert.ok(found, "the native binary is missing: cargo build");
  return found;
}

/** A model whose labels, levels and a column's name are markup, with every kind of field, some of them optional. */
function hostileModel() {
  const levels = [HOSTILE, "</option><script>window.taken=true</script>", "__proto__", "a,\"b\"\nc"];
  const rows = Array.from({ length: 400 }, (_, i) => {
    const level = levels[i % 4];
    const amount = (i * 37) % 101;
    const label = (amount > 50) !== (i % 4 === 0) ? `yes ${HOSTILE}` : "no & <b>never</b>";
    return [i % 9 === 0 ? "" : amount / 4, level, i % 3 === 0 ? "true" : "false", `2025-0${1 + (i % 9)}-1${i % 8}`, i % 5 === 0 ? "" : (i * 13) % 7, label];
  });
  writeFileSync(join(box, "hostile.csv"), line([HOSTILE, "level", "constructor", "since", "wait", "label"]) + rows.map((row) => line(row.map(String))).join(""));
  execFileSync(native, ["train", join(box, "hostile.csv"), "--target", "label", "--model", "random_forest", "--seed", "7", "--out", join(box, "models/hostile.hedge")], { stdio: "pipe" });
}

/** A model of many fields and many classes. */
function wideModel() {
  const fields = Array.from({ length: 240 }, (_, j) => `field_${j}`);
  const rows = Array.from({ length: 360 }, (_, i) => [...fields.map((_, j) => String(((i * (j + 3)) % 499) + (j === i % 12 ? 200 : 0))), `class ${String.fromCharCode(97 + (i % 12))}`]);
  writeFileSync(join(box, "wide.csv"), line([...fields, "label"]) + rows.map(line).join(""));
  execFileSync(native, ["train", join(box, "wide.csv"), "--target", "label", "--model", "random_forest", "--out", join(box, "models/wide.hedge")], { stdio: "pipe" });
}

/** A page of the studio with `file` open. Whatever goes wrong on it fails the test that opened it. */
async function open(file, options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
  const page = await context.newPage();
  page.wrong = [];
  page.asked = [];
  page.on("console", (message) => { if (message.type() === "error") page.wrong.push(message.text()); });
  page.on("pageerror", (error) => page.wrong.push(error.stack));
  context.on("request", (sent) => page.asked.push(sent.url()));
  await page.goto(`${studio.url}#${encodeURIComponent(file)}`);
  await page.waitForSelector("main[data-state=ok]", { timeout: 15_000 })
    .catch(async () => assert.fail(`${file} did not answer: ${await page.locator("#notice-text").textContent()} ${page.wrong.join("\n")}`));
  assert.equal(await page.locator("#demo").inputValue(), file);
  return page;
}

async function close(page) {
  assert.equal(await page.evaluate(() => window.taken), undefined, "data was run as a script");
  assert.deepEqual(page.wrong, []);
  assert.deepEqual(page.asked.filter((url) => !url.startsWith(studio.url) && !url.startsWith("blob:")), [], "something went to another address");
  await page.context().close();
}

const settled = (page) => page.evaluate(() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go))));

/** The record as the page says a program would ask it. */
const shownRecord = async (page) => JSON.parse(JSON.stringify(Function(`return ({${/predict\(\{([\s\S]*?)\n\}/.exec(await page.locator(".code code").textContent())[1]}})`)()));

/** What the answer panel shows: exact probabilities by class, and the instant it was asked for. */
const shownAnswer = (page) => page.evaluate(() => ({
  prediction: document.querySelector(".prediction").textContent,
  probability: Object.fromEntries([...document.querySelectorAll("#answer-body .bar-row")].map((row) => [row.querySelector(".bar-name").textContent, Number(row.dataset.probability)])),
  asOf: [...document.querySelectorAll(".meta dd")].find((dd) => /^\d{4}-\d\d-\d\dT/.test(dd.title))?.title,
}));

const fieldRow = (page, name) => page.locator(".field", { has: page.locator(`label.name:text-is(${JSON.stringify(name)})`) });

describe("the form and the answer", () => {
  test("every demo model opens, with a control per field, and answers what the same engine answers in Node, to the last bit", async () => {
    for (const file of demos) {
      const page = await open(file);
      const model = await load(join(root, "models", file));
      assert.equal(await page.locator(".field").count(), model.schema.fields.length);
      assert.deepEqual(await page.locator(".field .name").allTextContents(), model.schema.fields.map((f) => f.name));
      const asked = new Set();
      for (let i = 0; i < 12; i++) {
        if (i > 0) await page.click("#shuffle");
        await settled(page);
        const record = await shownRecord(page);
        const shown = await shownAnswer(page);
        const answer = model.predict(record, { asOf: shown.asOf });
        assert.equal(answer.status, "ok");
        assert.equal(shown.prediction, answer.prediction);
        assert.deepEqual(shown.probability, { ...answer.probability });
        asked.add(JSON.stringify(record));
      }
      assert.ok(asked.size > 10, "shuffling gives other records");
      model.free();
      await close(page);
    }
  });

  test("what is typed is asked at once; what the schema refuses is said beside its field and brings no answer", async () => {
    const page = await open(innovation());
    await page.locator("#as-of").fill("2026-03-01T12:00:00");
    await settled(page);
    const row = fieldRow(page, "novelty_score");
    const before = await shownAnswer(page);
    assert.equal(before.asOf, AS_OF);
    await row.locator(".box").fill("0.93");
    await settled(page);
    const changed = await shownAnswer(page);
    assert.notDeepEqual(changed.probability, before.probability);
    assert.equal((await shownRecord(page)).novelty_score, 0.93);
    assert.equal(Number(await row.locator(".slider").inputValue()) > 0.9, true, "the slider follows the box");

    await row.locator(".box").fill("a lot");
    await settled(page);
    assert.equal(await row.locator(".box").getAttribute("aria-invalid"), "true");
    assert.match(await row.locator(".error").textContent(), /number/);
    assert.equal(await page.locator(".prediction").textContent(), "No answer");
    assert.equal(await page.locator("#answer-body .bar-row[data-probability]").count(), 0);
    await page.locator(".trouble .link").first().click();
    assert.equal(await page.evaluate(() => document.activeElement.id), await row.locator(".box").getAttribute("id"), "the violation leads to its field");

    await row.locator(".box").fill("0.93");
    await settled(page);
    assert.equal(await row.locator(".error").isHidden(), true);
    assert.deepEqual((await shownAnswer(page)).probability, changed.probability);
    assert.equal(await metaOf(page, "From the cache"), "yes", "the same record again is remembered");
    await close(page);
  });

  test("what now() means can be set, and decides the answer", async () => {
    const page = await open(innovation());
    const model = await load(join(root, "models", innovation()));
    for (const day of ["2020-01-01", "2026-03-01"]) {
      await page.locator("#as-of").fill(`${day}T00:00:00`);
      await settled(page);
      const shown = await shownAnswer(page);
      assert.equal(shown.asOf, `${day}T00:00:00.000Z`);
      assert.deepEqual(shown.probability, { ...model.predict(await shownRecord(page), { asOf: day }).probability });
    }
    model.free();
    await close(page);
  });

  test("the slider sets the box; arrow keys work it; the live region says the result once", async () => {
    const page = await open(innovation());
    const row = fieldRow(page, "novelty_score");
    const before = Number(await row.locator(".box").inputValue());
    await row.locator(".slider").focus();
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    await settled(page);
    const now = Number(await row.locator(".box").inputValue());
    assert.ok(now > before, `${now} > ${before}`);
    assert.equal((await shownRecord(page)).novelty_score, now);
    await page.waitForFunction(() => /^Prediction /.test(document.getElementById("answer-live").textContent));
    await close(page);
  });

  test("an optional field can be missing, and says so to the engine", async () => {
    const page = await open("hostile.hedge");
    const model = await load(join(box, "models/hostile.hedge"));
    const field = model.schema.fields.find((f) => f.name === "wait");
    assert.equal(field.required, false);
    const row = fieldRow(page, "wait");
    await row.locator(".missing").click();
    await settled(page);
    assert.equal(await row.locator(".missing").getAttribute("aria-pressed"), "true");
    assert.equal(await row.locator(".box").isDisabled(), true);
    const record = await shownRecord(page);
    assert.equal(record.wait, null);
    const shown = await shownAnswer(page);
    assert.deepEqual(shown.probability, { ...model.predict(record, { asOf: shown.asOf }).probability });
    await row.locator(".missing").click();
    await settled(page);
    assert.notEqual((await shownRecord(page)).wait, null);
    model.free();
    await close(page);
  });

  test("names, levels and labels that are markup stay text", async () => {
    const page = await open("hostile.hedge");
    assert.ok((await page.locator(".name").allTextContents()).includes(HOSTILE));
    assert.ok((await page.locator(".field select option").allTextContents()).includes(HOSTILE));
    assert.ok((await page.locator("#answer-body .bar-name").allTextContents()).includes(`yes ${HOSTILE}`));
    for (const level of await page.locator(".field select option").allTextContents()) {
      await fieldRow(page, "level").locator("select").selectOption({ label: level });
      await settled(page);
      assert.equal((await shownRecord(page)).level, level);
    }
    await fieldRow(page, "level").locator(".name").click();
    await settled(page);
    assert.ok((await page.locator("#what-if .bar-name").allTextContents()).includes(HOSTILE));
    assert.equal(await page.locator("img, #main script").count(), 0);
    await close(page);
  });

  test("many fields can be searched; of many classes the most probable come first", async () => {
    const page = await open("wide.hedge");
    assert.equal(await page.locator(".field").count(), 240);
    await page.locator("#filter").fill("_23");
    assert.deepEqual(await page.locator(".field:visible .name").allTextContents(), ["field_23", ...Array.from({ length: 10 }, (_, i) => `field_23${i}`)]);
    await page.locator("#filter").fill("none such");
    assert.equal(await page.locator("#filter-none").isVisible(), true);
    await page.locator("#filter").fill("");
    await fieldRow(page, "field_4").locator(".box").fill("290");
    await settled(page);
    const shown = Object.values((await shownAnswer(page)).probability);
    assert.equal(shown.length, 12);
    assert.deepEqual(shown, [...shown].sort((a, b) => b - a), "sorted by probability");
    assert.ok(Math.abs(shown.reduce((sum, p) => sum + p, 0) - 1) < 1e-12);
    assert.equal(await page.locator(".more summary").textContent(), "4 more classes");
    await page.waitForFunction(() => document.querySelectorAll("#reach-list li").length === 8);
    await page.selectOption("#watch", { label: "class e" });
    assert.match(await page.locator(".curve-title").textContent(), /class e/);
    await close(page);
  });

  test("the curve is the model's own answers, and a press on it sets the field", async () => {
    const page = await open(innovation());
    await fieldRow(page, "novelty_score").locator(".box").focus();
    await settled(page);
    const before = await page.locator(".plot .line").getAttribute("d");
    await fieldRow(page, "cost").locator(".box").fill("500");
    await fieldRow(page, "novelty_score").locator(".box").focus();
    await settled(page);
    assert.notEqual(await page.locator(".plot .line").getAttribute("d"), before, "another record has another curve");
    // The curve's point at the field's value is the answer itself.
    const shown = await shownAnswer(page);
    const watched = await page.locator("#watch option:checked").textContent();
    const readout = await page.locator(".readout").textContent();
    assert.ok(readout.includes(percent(shown.probability[watched])), `${readout} names ${percent(shown.probability[watched])}`);
    const frame = await page.locator(".plot").boundingBox();
    await page.mouse.click(frame.x + frame.width * 0.8, frame.y + frame.height * 0.5);
    await settled(page);
    const set = (await shownRecord(page)).novelty_score;
    assert.ok(set > 0.6 && set < 0.95, `a press at four fifths sets ${set}`);
    await page.waitForFunction(() => document.querySelectorAll("#reach-list li").length > 3);
    await close(page);
  });
});

const innovation = () => demos.filter((name) => name.startsWith("innovation")).sort().at(-1);
const metaOf = (page, term) => page.evaluate((text) => [...document.querySelectorAll(".meta dt")].find((dt) => dt.textContent === text)?.nextSibling.textContent, term);

describe("opening files", () => {
  test("what is no sound model is refused with its reason, and the model that is open stays and answers", async () => {
    const page = await open(innovation());
    const before = await shownAnswer(page);
    const good = readFileSync(join(root, "models", innovation()));
    const flipped = Buffer.from(good);
    flipped[flipped.length >> 1] ^= 1;
    const bad = [["picture.hedge", Buffer.from("\x89PNG\r\n\x1a\n…")], ["empty.hedge", Buffer.alloc(0)], ["cut.hedge", good.subarray(0, good.length - 9)], ["flipped.hedge", flipped], ["long.hedge", Buffer.concat([good, Buffer.from("x")])]];
    for (const [name, buffer] of bad) {
      await page.setInputFiles("#open", { name, mimeType: "application/octet-stream", buffer });
      await page.waitForFunction((file) => document.getElementById("notice-text").textContent.includes(file), name);
      assert.match(await page.locator("#notice-text").textContent(), /stays open/);
      assert.equal(await page.locator("#notice").isVisible(), true);
      assert.equal(await page.locator("#demo").inputValue(), innovation());
    }
    await page.click("#typical");
    await settled(page);
    assert.deepEqual((await shownAnswer(page)).probability, before.probability);
    await page.setInputFiles("#open", { name: "mine.hedge", mimeType: "", buffer: good });
    await page.waitForFunction(() => document.getElementById("notice").hidden);
    assert.match(await page.locator("#demo option:checked").textContent(), /mine\.hedge/);
    await close(page);
  });

  test("a file dropped anywhere is taken for what it is", async () => {
    const page = await open(innovation());
    const drop = (name, bytes) => page.evaluate(([file, data]) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([Uint8Array.from(data)], file));
      for (const type of ["dragenter", "dragover", "drop"]) document.body.dispatchEvent(new DragEvent(type, { dataTransfer: transfer, bubbles: true, cancelable: true }));
    }, [name, [...bytes]]);
    await drop("hostile.hedge", readFileSync(join(box, "models/hostile.hedge")));
    await page.waitForFunction(() => document.getElementById("model-name").textContent === "hostile");
    await drop("hostile.csv", readFileSync(join(box, "hostile.csv")));
    await page.waitForSelector("#download");
    await drop("notes.pdf", Buffer.from("%PDF"));
    await page.waitForFunction(() => /neither/.test(document.getElementById("notice-text").textContent));
    assert.equal(await page.locator("#veil").isHidden(), true);
    await close(page);
  });

  test("another version of a model keeps what was typed", async () => {
    const page = await open(innovation());
    await fieldRow(page, "cost").locator(".box").fill("77.5");
    const other = demos.find((name) => name.startsWith("innovation") && name !== innovation());
    await page.selectOption("#demo", other);
    await page.waitForFunction((file) => location.hash.slice(1) === encodeURIComponent(file) && !document.getElementById("main").hasAttribute("aria-busy"), other);
    await settled(page);
    assert.equal((await shownRecord(page)).cost, 77.5);
    assert.notEqual(await page.locator("#model-version").textContent(), /(\d+\.\d+\.\d+)/.exec(innovation())?.[1]);
    await close(page);
  });
});

/** Scores `path` on the page and returns the bytes of its download. */
async function scored(page, path, keep) {
  await page.setChecked("#keep", keep);
  await page.setInputFiles("#csv", path);
  await page.waitForSelector("#download", { timeout: 120_000 });
  const [download] = await Promise.all([page.waitForEvent("download"), page.click("#download")]);
  return readFileSync(await download.path());
}

describe("scoring a file", () => {
  test("the download is byte for byte what the command line writes", async () => {
    const page = await open("hostile.hedge");
    const path = join(box, "mixed.csv");
    const rows = readFileSync(join(box, "hostile.csv"), "utf8");
    writeFileSync(path, `\ufeff${rows.replaceAll("\n", "\r\n").replace(/,2025-01-10,/g, ",soon,").replace(/,false,/g, ",perhaps,")}`);
    const columns = [HOSTILE, "level", "constructor", "since", "wait", "label"];
    // The model reads no clock, so the two need not agree on the time.
    const ran = (...options) => spawnSync(native, ["predict", join(box, "models/hostile.hedge"), path, "--as-of", AS_OF, ...options], { maxBuffer: 1 << 28 });
    const bare = ran();
    assert.equal(bare.status, 1, `some rows must be refused: ${bare.stderr}`);
    assert.deepEqual(await scored(page, path, false), bare.stdout);
    const refused = Number(/(\d+) of \d+ records were rejected/.exec(String(bare.stderr))[1]);
    assert.equal(await page.locator(".tile.bad .tile-value").textContent(), refused.toLocaleString("en"));
    assert.deepEqual(await scored(page, path, true), ran("--keep", columns.filter((name) => !name.includes(",")).join(",")).stdout);
    assert.equal(await page.locator("#batch-result img, #batch-result script").count(), 0);
    await page.locator("details summary", { hasText: "refused row" }).click();
    const first = /line (\d+): (\w+):/.exec(String(bare.stderr));
    const listed = page.locator("[aria-label='Refused rows one by one'] tbody tr").first();
    assert.equal(await listed.locator("td").first().textContent(), first[1], "the same line is named");
    assert.match(await listed.textContent(), new RegExp(first[2]));
    await page.screenshot({ path: join(shots, "scored.png"), fullPage: true });
    await close(page);
  });

  test("files that cannot be scored say why, and rows that are no records are counted", async () => {
    const page = await open("hostile.hedge");
    const head = line([HOSTILE, "level", "constructor", "since", "wait"]);
    const cases = [
      ["empty.csv", "", /empty/], ["head.csv", head, /no rows/], ["other.csv", "a,b\n1,2\n", /lacks the columns/], ["twice.csv", `wait,${head}1,2,3,4,5,6\n`, /both named `wait`/],
      ["latin.csv", Buffer.concat([Buffer.from(head), Buffer.from([0x31, 0x2c, 0xe9, 0x0a])]), /UTF-8/], ["quote.csv", `${head}1,"${"x".repeat(MAX_ROW + 10)}`, /quote left open/],
      ["stray.csv", `${head}1,2,3,4,5\n"a"b,x,true,2025-02-11,3\n1,2,3,4,5\n"c",2,3,4,5\n`, /line 3: the quotes do not match/], ["open.csv", `${head}1,"2,3\n`, /line 2: the quotes do not match/],
    ];
    for (const [name, text, expected] of cases) {
      await page.setInputFiles("#csv", { name, mimeType: "text/csv", buffer: Buffer.from(text) });
      await page.waitForFunction((file) => document.querySelector("#batch-result .notice")?.textContent.includes(file), name);
      assert.match(await page.locator("#batch-result .notice").textContent(), expected, name);
    }
    const good = `1,__proto__,true,2025-02-11,3\n`;
    await page.setInputFiles("#csv", { name: "ragged.csv", mimeType: "text/csv", buffer: Buffer.from(`${head}${good}1,2\n${good}${"1,".repeat(9)}\n\n${good}`) });
    await page.waitForSelector("#download");
    assert.deepEqual(await page.locator("#batch-result .tile-value").first().textContent(), "3");
    assert.equal(await page.locator(".tile.bad .tile-value").textContent(), "2");
    await page.locator("#batch-result .link").first().click();
    await settled(page);
    assert.equal((await shownRecord(page)).level, "__proto__", "a row opens in the form");

    // A refused row opens as it is: what no control can show is still what the engine is asked about.
    await page.setInputFiles("#csv", { name: "wrong.csv", mimeType: "text/csv", buffer: Buffer.from(`${head}much,neither,perhaps,soon,3\n1,,,,3\n`) });
    await page.waitForFunction(() => document.getElementById("batch-result").textContent.includes("wrong.scored.csv"));
    const model = await load(join(box, "models/hostile.hedge"));
    for (const [at, cells] of [["much", "neither", "perhaps", "soon", "3"], ["1", "", "", "", "3"]].entries()) {
      await page.locator("#batch-result .link").nth(at).click();
      await settled(page);
      const refused = model.predict(Object.fromEntries(model.schema.fields.map((f) => [f.name, cells[[HOSTILE, "level", "constructor", "since", "wait"].indexOf(f.name)]])), { raw: true });
      assert.equal(refused.status, "rejected");
      const shown = await page.evaluate(() => [...document.querySelectorAll(".field")].filter((row) => !row.querySelector(".error").hidden).map((row) => row.querySelector(".name").textContent));
      assert.deepEqual(shown, refused.violations.map((v) => v.field));
    }
    model.free();
    await close(page);
  });

  test("a time finer than its control shows is kept to the millisecond; one that no calendar has is kept as it stands", async () => {
    const page = await open(innovation());
    const model = await load(join(root, "models", innovation()));
    const { name } = model.schema.fields.find((f) => f.kind === "time");
    model.free();
    const record = await shownRecord(page);
    const names = Object.keys(record);
    const times = { "2025-02-11T13:14:15.678Z": "2025-02-11T13:14:15.678Z", "2025-02-11 13:14:00+02:00": "2025-02-11T11:14:00.000Z", "1739279655678": "2025-02-11T13:14:15.678Z", "99999999999999999999": "99999999999999999999" };
    // Only refused rows can be opened: another field is wrong in each.
    const rows = Object.keys(times).map((at) => line(names.map((field) => (field === name ? at : field === "novelty_score" ? "a lot" : String(record[field] ?? "")))));
    await page.setInputFiles("#csv", { name: "times.csv", mimeType: "text/csv", buffer: Buffer.from(line(names) + rows.join("")) });
    await page.waitForFunction(() => document.getElementById("batch-result").textContent.includes("times.scored.csv"));
    for (const [at, text] of Object.entries(times)) {
      await page.locator("#batch-result .link").nth(rows.findIndex((row) => row.includes(at))).click();
      await settled(page);
      assert.equal((await shownRecord(page))[name], text);
    }
    // A person's own choice takes its place.
    const box = fieldRow(page, name).locator(".box.date");
    await box.fill((await box.getAttribute("type")) === "date" ? "2024-05-06" : "2024-05-06T07:08:09");
    await settled(page);
    assert.match((await shownRecord(page))[name], /^2024-05-06(T07:08:09.000Z)?$/);
    await close(page);
  });

  test("a hundred thousand rows leave the page alive and its memory as it was", async () => {
    const page = await open(innovation());
    const model = await load(join(root, "models", innovation()));
    const path = join(box, "large.csv");
    const values = (f, i) => (f.kind === "category" ? f.levels[i % f.levels.length] : f.kind === "flag" ? String(i % 2 === 0) : f.kind === "time" ? `2024-0${1 + (i % 9)}-11` : String(f.observed.min + ((f.observed.max - f.observed.min) * (i % 997)) / 997));
    const rows = Array.from({ length: 100_000 }, (_, i) => line(model.schema.fields.map((f) => values(f, i))));
    writeFileSync(path, line(model.schema.fields.map((f) => f.name)) + rows.join(""));
    const client = await page.context().newCDPSession(page);
    const heap = async () => { await client.send("HeapProfiler.collectGarbage"); return (await client.send("Runtime.getHeapUsage")).usedSize; };
    const start = await heap();
    await page.evaluate(() => {
      window.longest = 0;
      let last = performance.now();
      const tick = (now) => { window.longest = Math.max(window.longest, now - last); last = now; requestAnimationFrame(tick); };
      requestAnimationFrame(tick);
    });
    const began = Date.now();
    await page.setInputFiles("#csv", path);
    await page.waitForFunction(() => /rows/.test(document.getElementById("run-text").textContent));
    // The form answers while the worker works.
    await fieldRow(page, "cost").locator(".box").fill("42");
    await page.waitForSelector("#download", { timeout: 120_000 });
    const seconds = (Date.now() - began) / 1000;
    const longest = await page.evaluate(() => window.longest);
    const grown = (await heap()) - start;
    console.log(`    100,000 rows (${(statSync(path).size / 1e6).toFixed(1)} MB) in ${seconds.toFixed(1)} s; longest frame ${Math.round(longest)} ms; heap of the page ${(grown / 1e6).toFixed(1)} MB more`);
    assert.equal(await page.locator("#batch-result .tile-value").first().textContent(), "100,000");
    assert.ok(longest < 1000, `the page stood still for ${longest} ms`);
    assert.ok(grown < 8e6, `the page's heap grew by ${grown} bytes`);
    // A second run can be cancelled.
    await page.setInputFiles("#csv", path);
    await page.waitForSelector("#cancel:visible");
    await page.click("#cancel");
    assert.match(await page.locator("#batch-result").textContent(), /Cancelled/);
    model.free();
    await close(page);
  });

  test("the example file is scored as it stands", async () => {
    const page = await open(innovation());
    const [download] = await Promise.all([page.waitForEvent("download"), page.click("#template")]);
    const shown = await shownAnswer(page);
    const path = join(box, "example.csv");
    writeFileSync(path, readFileSync(await download.path()));
    const out = String(await scored(page, path, false)).trim().split("\n");
    assert.equal(out.length, 2);
    assert.equal(out[1].split(",")[0], shown.prediction);
    await close(page);
  });
});

describe("without a network, and to nobody else", () => {
  test("once opened, the page works with the server gone: reload, another demo model, a scored file", async () => {
    const here = await serve({ folder: join(box, "site") });
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(here.url);
    await page.waitForFunction(() => document.getElementById("offline").textContent === "Works offline");
    await here.close();
    await page.reload();
    await page.waitForSelector("main[data-state=ok]");
    await page.selectOption("#demo", "hostile.hedge");
    await page.waitForFunction(() => document.getElementById("model-name").textContent === "hostile");
    await settled(page);
    assert.equal((await shownAnswer(page)).prediction.length > 0, true);
    assert.ok((await scored(page, join(box, "hostile.csv"), false)).length > 1000);
    await context.close();
  });

  test("a host that sends /index.html on to / is one to work offline from, too", async () => {
    const front = createServer(async (asked, response) => {
      if (asked.url === "/index.html") return response.writeHead(308, { location: "/" }).end();
      const got = await fetch(new URL(asked.url, studio.url));
      response.writeHead(got.status, { "content-type": got.headers.get("content-type") }).end(Buffer.from(await got.arrayBuffer()));
    });
    await new Promise((done) => front.listen(0, "127.0.0.1", done));
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(`http://127.0.0.1:${front.address().port}/`);
    await page.waitForFunction(() => document.getElementById("offline").textContent === "Works offline");
    await new Promise((done) => { front.close(done); front.closeAllConnections(); });
    await page.reload();
    await page.waitForSelector("main[data-state=ok]");
    await context.close();
  });

  for (const visit of ["first", "second"]) test(`a newer build is offered and taken whole on the ${visit} visit; the old one's cache goes`, async () => {
    const folder = join(box, "renewed");
    build({ out: folder, models: join(box, "models") });
    const here = await serve({ folder });
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.goto(here.url);
    await page.waitForFunction(() => document.getElementById("offline").textContent === "Works offline");
    await page.waitForFunction(() => navigator.serviceWorker.controller !== null);
    const old = await page.evaluate(() => caches.keys());
    const fewer = join(box, "fewer");
    mkdirSync(fewer, { recursive: true });
    cpSync(join(root, "models", innovation()), join(fewer, innovation()));
    build({ out: folder, models: fewer });
    if (visit === "second") await page.reload();
    else await page.evaluate(async () => (await navigator.serviceWorker.ready).update());
    await page.waitForSelector("#update:visible");
    assert.equal(await page.locator("#demo option").count(), demos.length + 2, "until then the old version is whole");
    await Promise.all([page.waitForEvent("load"), page.click("#update-now")]);
    await page.waitForSelector("main[data-state=ok]");
    assert.equal(await page.locator("#demo option").count(), 1);
    const now = await page.evaluate(() => caches.keys());
    assert.equal(now.length, 1);
    assert.notDeepEqual(now, old);
    await context.close();
    await here.close();
  });

  test("the policy stops what would leave: another host, a script, markup from text", async () => {
    const page = await open(innovation());
    const stopped = await page.evaluate(async () => {
      const blocked = [];
      addEventListener("securitypolicyviolation", (event) => blocked.push(event.effectiveDirective));
      await fetch("https://example.com/").catch(() => {});
      new Image().src = "https://example.com/x.png";
      await new Promise((go) => setTimeout(go, 100));
      let markup = "taken";
      try { document.createElement("div").innerHTML = "<b>x</b>"; } catch (error) { markup = error.name; }
      let code = "run";
      try { (0, eval)("1"); } catch (error) { code = error.name; }
      return { blocked: [...new Set(blocked)].sort(), markup, code };
    });
    assert.deepEqual(stopped.blocked.filter((name) => /connect|img/.test(name)), ["connect-src", "img-src"]);
    assert.equal(stopped.markup, "TypeError");
    assert.equal(stopped.code, "EvalError");
    page.wrong = [];
    page.asked = page.asked.filter((url) => !url.startsWith("https://example.com/"));
    await close(page);
  });
});

describe("for everyone", () => {
  test("axe finds nothing, in light and dark, at desk and in the hand, before and after scoring", async () => {
    const axe = readFileSync(require.resolve("axe-core/axe.min.js"), "utf8");
    for (const [name, options] of Object.entries({
      "desktop-light": { colorScheme: "light" }, "desktop-dark": { colorScheme: "dark" },
      "phone-light": { colorScheme: "light", viewport: { width: 390, height: 844 } }, "phone-dark": { colorScheme: "dark", viewport: { width: 360, height: 740 } },
    })) {
      const page = await open(innovation(), options);
      await page.waitForFunction(() => document.querySelectorAll("#reach-list li").length > 3);
      await page.screenshot({ path: join(shots, `${name}.png`) });
      await page.screenshot({ path: join(shots, `${name}-whole.png`), fullPage: true });
      const check = async (state) => {
        // The transitions of the bars are over after this; half-blended colours are no colours of the page.
        await page.waitForTimeout(250);
        const found = await page.evaluate(`${axe}; axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"] })`);
        assert.deepEqual(found.violations.map((v) => `${name}, ${state}: ${v.id}: ${v.nodes.map((n) => n.html.slice(0, 120)).join(" | ")}`), []);
      };
      await check("as opened");
      await fieldRow(page, "novelty_score").locator(".box").fill("a lot");
      await settled(page);
      await check("refused");
      await page.screenshot({ path: join(shots, `${name}-refused.png`) });
      await page.click("#typical");
      await page.setInputFiles("#csv", { name: "some.csv", mimeType: "text/csv", buffer: Buffer.from(await someRows(page)) });
      await page.waitForSelector("#download");
      await check("scored");
      await page.locator("#batch").screenshot({ path: join(shots, `${name}-scored.png`) });
      await close(page);
    }
  });

  test("nothing scrolls sideways at 360 and 320 points, whatever the model is called", async () => {
    for (const file of [...demos, "hostile.hedge", "wide.hedge"]) {
      for (const width of [360, 320]) {
        const page = await open(file, { viewport: { width, height: 700 } });
        await page.waitForSelector("#what-if:visible");
        assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), width, `${file} at ${width}`);
        await close(page);
      }
    }
  });

  test("the keyboard reaches everything in reading order, and the theme is kept", async () => {
    const page = await open(innovation());
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.className), "skip");
    await page.keyboard.press("Enter");
    assert.equal(await page.evaluate(() => document.activeElement.id), "record");
    const seen = new Set();
    for (let i = 0; i < 120; i++) {
      await page.keyboard.press("Tab");
      seen.add(await page.evaluate(() => document.activeElement.id || document.activeElement.className));
    }
    for (const id of ["typical", "shuffle", "field-0", "watch", "csv", "keep", "template"]) assert.ok(seen.has(id), `Tab reaches ${id}`);
    await page.click("#theme");
    await page.click("#theme");
    assert.equal(await page.evaluate(() => document.documentElement.dataset.theme), "dark");
    await page.reload();
    await page.waitForSelector("main[data-state=ok]");
    assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).colorScheme), "dark");
    await close(page);
  });
});

/** Forty rows around the record in the form, two of them unsound. */
async function someRows(page) {
  const record = await shownRecord(page);
  const names = Object.keys(record);
  const rows = Array.from({ length: 40 }, (_, i) => line(names.map((name) => (name === "novelty_score" ? (i % 20 === 3 ? "a lot" : String(i / 40)) : String(record[name] ?? "")))));
  return line(names) + rows.join("");
}

describe("the parts that need no browser", () => {
  test("CSV read in pieces is CSV read at once, wherever it is cut", () => {
    const text = `a,b,c\r\n1,"x ""y"", z",3\r\n\r\n"line\nbreak",,\n4,5,"6"\r\nü,😀,"last"`;
    const whole = [["a", "b", "c"], ["1", "x \"y\", z", "3"], ["line\nbreak", "", ""], ["4", "5", "6"], ["ü", "😀", "last"]];
    for (let one = 0; one <= text.length; one++) {
      for (let two = one; two <= text.length; two += 3) {
        const rows = new CsvRows(Papa, ["a", "b"]);
        const got = [...rows.push(text.slice(0, one)), ...rows.push(text.slice(one, two)), ...rows.push(text.slice(two)), ...rows.end()];
        assert.deepEqual(got.map((row) => row.cells), whole, `cut at ${one} and ${two}`);
        assert.deepEqual(got.map((row) => row.line), [1, 2, 4, 6, 7]);
      }
    }
    const separated = (text) => { const rows = new CsvRows(Papa, ["a", "b"]); return [...rows.push(text), ...rows.end()].map((row) => row.cells); };
    assert.deepEqual(separated("a;b\n1,5;2\n"), [["a", "b"], ["1,5", "2"]]);
    assert.deepEqual(separated("a\tb\r1\t2\r"), [["a", "b"], ["1", "2"]]);
  });

  test("figures claim no more than they are", () => {
    assert.deepEqual([0, 0.0004, 0.5, 0.9996, 1].map(percent), ["0.0%", "<0.1%", "50.0%", ">99.9%", "100.0%"]);
    assert.deepEqual([1234567, 0.123456, 1e-7, NaN].map(figure), ["1,234,567", "0.1235", "1E-7", "–"]);
    assert.deepEqual(ruler(0, 1, false), { min: 0, max: 1, step: 0.005 });
    assert.deepEqual(ruler(3, 60, true), { min: 3, max: 60, step: 1 });
    const { min, max, step } = ruler(0.1118, 0.3454, false);
    assert.ok(min <= 0.1118 && max >= 0.3454 && Math.abs((max - min) / step - Math.round((max - min) / step)) < 1e-6);
  });

  test("the server serves its folder, and nothing else", async () => {
    const ask = (path, method = "GET") => new Promise((done, failed) => {
      const sent = request({ host: "127.0.0.1", port: studio.port, path, method }, (got) => {
        let body = "";
        got.on("data", (part) => { body += part; }).on("end", () => done({ status: got.statusCode, headers: got.headers, body }));
      });
      sent.on("error", failed).end();
    });
    writeFileSync(join(box, "secret.txt"), "secret");
    for (const path of ["/../secret.txt", "/..%2fsecret.txt", "/%2e%2e/secret.txt", "/models/../../secret.txt", "/..\\secret.txt", "/%00", "/%zz", "/models/", "//etc/passwd", "/nothing.js"]) {
      const { status, body } = await ask(path);
      assert.equal(status, 404, path);
      assert.ok(!body.includes("secret"));
    }
    assert.equal((await ask("/", "POST")).status, 405);
    const wasm = await ask("/package/hedgerow_bg.wasm", "HEAD");
    assert.deepEqual([wasm.status, wasm.headers["content-type"], wasm.body], [200, "application/wasm", ""]);
    const model = await ask(`/models/${innovation()}`);
    assert.equal(model.headers["content-type"], "application/octet-stream");
    const page = await ask("/");
    assert.match(page.headers["content-security-policy"], /connect-src 'self'/);
    assert.equal(page.headers["x-content-type-options"], "nosniff");
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page.body)[1];
    assert.equal(page.headers["content-security-policy"].replace(" frame-ancestors 'none';", ""), policy, "page and server say the same");
    assert.ok(readFileSync(join(box, "site/_headers"), "utf8").includes(page.headers["content-security-policy"]), "so does the file for other hosts");
    assert.ok(!readFileSync(join(box, "site/sw.js"), "utf8").includes("_headers"));
  });
});
