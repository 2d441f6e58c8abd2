// www/node/score.mjs writes the same bytes as `hedgerow predict`.
import assert from "node:assert/strict";
import { existsSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { consumer, finished, fixtures, hedgerow, root } from "./lib/places.mjs";

const score = join(root, "www", "node", "score.mjs");
const cell = (text) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

test("www/node/score.mjs", { timeout: 300_000 }, async (t) => {
  const { parity, demo } = fixtures();
  const names = demo.fields.map(([name]) => name);
  const { records } = parity.find(({ model, raw }) => model === "demo" && raw);
  const { records: typed } = parity.find(({ model, raw }) => model === "demo" && !raw);
  const lines = (rows, end = "\n") => [["id", ...names], ...rows.map((row, k) => [`row ${k}, "quoted"`, ...names.map((name) => row[name] ?? "")])].map((row) => row.map(cell).join(",")).join(end) + end;
  const both = async (args, input) => {
    const native = await finished(hedgerow, ["predict", ...args], { input });
    const node = await finished(process.execPath, [score, ...args], { input });
    return { native, node };
  };
  const same = ({ native, node }, status) => {
    assert.equal(native.status, status, native.stderr);
    assert.equal(node.status, status, node.stderr);
    assert.equal(node.stdout, native.stdout);
  };
  const asOf = ["--as-of", "2026-01-02T03:04:05.678Z"];

  await t.test("CSV with sound and refused records: the same bytes and exit code", async () => {
    writeFileSync(join(consumer, "mixed.csv"), lines(records));
    const result = await both(["demo.hedge", "mixed.csv", ...asOf]);
    same(result, 1);
    assert.equal(result.node.stdout.split("\n").length, records.length + 2);
    assert.equal(result.node.stderr, result.native.stderr);
  });
  await t.test("only sound records: exit code 0, columns kept", async () => {
    const answers = parity.find(({ model, raw }) => model === "demo" && raw).answers;
    const sound = records.filter((_, k) => answers[k].probability);
    assert.ok(sound.length > 20);
    writeFileSync(join(consumer, "sound.csv"), lines(sound));
    same(await both(["demo.hedge", "sound.csv", "--keep", "id,region", ...asOf]), 0);
  });
  await t.test("carriage returns, a byte order mark, empty lines and a last line without an end", async () => {
    writeFileSync(join(consumer, "windows.csv"), `\ufeff${lines(records.slice(0, 40), "\r\n")}\r\n`.replace(/\r\n\r\n$/, ""));
    same(await both(["demo.hedge", "windows.csv", "--keep", "id", ...asOf]), 1);
  });
  await t.test("line ends of every kind in one file, a record on either side of each", async () => {
    const rows = lines(records.slice(0, 40)).replace(/\n(?=row|"row)/g, "\0").split("\0");
    const ends = ["\n", "\r\n", "\r", "\r\n", "\n", "\r"];
    for (const first of [0, 1, 2]) {
      writeFileSync(join(consumer, "ends.csv"), rows.map((row, k) => row.trimEnd() + ends[(k + first) % ends.length]).join(""));
      const result = await both(["demo.hedge", "ends.csv", "--keep", "id", ...asOf]);
      same(result, 1);
      assert.equal(result.node.stdout.split("\n").length, 42);
    }
  });
  await t.test("from standard input", async () => same(await both(["demo.hedge", "-", ...asOf], lines(records.slice(0, 20))), 1));
  await t.test("JSON Lines: the same, but for the time it was asked", async () => {
    const text = typed.map((record) => JSON.stringify(record)).join("\n");
    writeFileSync(join(consumer, "typed.jsonl"), text);
    const { native, node } = await both(["demo.hedge", "typed.jsonl", ...asOf]);
    const timeless = (text) => text.replace(/"timestamp":"[^"]*"/g, "");
    assert.equal(timeless(node.stdout), timeless(native.stdout));
    assert.deepEqual([node.status, native.status], [1, 1]);
  });
  await t.test("JSON Lines end at a line feed alone, wherever the text has other separators", async () => {
    const [record] = typed;
    const text = ["\u2028", "\u2029", "\u0085", "ü😀"].map((end, k) => JSON.stringify({ ...record, channel: `a${end}b`, id: k })).join("\r\n") + "\r\n\n";
    writeFileSync(join(consumer, "separators.jsonl"), text);
    const { native, node } = await both(["demo.hedge", "separators.jsonl", "--keep", "id", ...asOf]);
    const timeless = (text) => text.replace(/"timestamp":"[^"]*"/g, "");
    assert.equal(timeless(node.stdout), timeless(native.stdout), node.stderr);
    assert.equal(node.stdout.trim().split("\n").length, 4);
    assert.equal(node.status, native.status);
  });
  await t.test("a time may be any integer of milliseconds, as natively", async () => {
    const [record] = typed;
    writeFileSync(join(consumer, "times.jsonl"), ["0", "+7", "-12", "1234", "1.5", ""].map((at) => JSON.stringify({ ...record, at })).join("\n"));
    const { native, node } = await both(["demo.hedge", "times.jsonl", "--as-of-column", "at"]);
    const timeless = (text) => text.replace(/"timestamp":"[^"]*"/g, "");
    assert.equal(timeless(node.stdout), timeless(native.stdout), node.stderr);
    same(await both(["demo.hedge", "sound.csv", "--as-of", "1234"]), 0);
  });
  await t.test("a line without an end is refused before it is all read", { skip: !existsSync("/dev/zero") }, async () => {
    rmSync(join(consumer, "endless.jsonl"), { force: true });
    symlinkSync("/dev/zero", join(consumer, "endless.jsonl"));
    const { status, stderr } = await finished(process.execPath, [score, "demo.hedge", "endless.jsonl"], { timeout: 30_000 });
    assert.equal(status, 2);
    assert.match(stderr, /^error: line 1: it is longer than 1 MiB/);
  });
  await t.test("a column that the model needs is not there: an error, exit code 2", async () => {
    const { native, node } = await both(["demo.hedge", "-"], "region\nEU\n");
    assert.deepEqual([native.status, node.status, node.stdout], [2, 2, ""]);
    assert.match(node.stderr, /no column `age`, which the model needs/);
  });
  await t.test("what cannot be read is an error that names it, exit code 2", async () => {
    for (const [args, pattern, input] of [
      [["absent.hedge", "-"], /absent\.hedge/],
      [["demo.hedge", "absent.csv"], /absent\.csv/],
      [["mixed.csv", "-"], /mixed\.csv: .*not a \.hedge file/],
      [["demo.hedge", "-"], /line 2 has 1 cells/, "age,region\n1\n"],
      [["demo.hedge", "-", "--keep", "nothing"], /no column `nothing`/, "age,region\n1,EU\n"],
      [["demo.hedge", "-", "--as-of", "soon"], /^error: --as-of is "soon": [^\n]+\n$/, "age,region\n1,EU\n"],
      [["demo.hedge", "-", "--as-of", "99999999999999999999"], /^error: --as-of is [^\n]+\n$/, "age,region\n1,EU\n"],
      [["demo.hedge", "-"], /the file is empty/, ""],
      [["demo.hedge", "bad.jsonl"], /line 2: it is no JSON object/],
      [[], /Usage/],
      [["demo.hedge", "-", "--kep", "x"], /--kep/],
    ]) {
      writeFileSync(join(consumer, "bad.jsonl"), '{"age": 1, "region": "EU"}\n{"age"\n');
      const { status, stdout, stderr } = await finished(process.execPath, [score, ...args], { input });
      assert.equal(status, 2, `${args}: ${stderr}`);
      if (args.includes("--as-of")) assert.equal(stdout, "");
      assert.match(stderr, pattern);
    }
  });
});
