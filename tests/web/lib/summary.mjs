// A reporter: what failed in full, a line per test file, and the sum. No test at all is a failure.
export default async function* summary(source) {
  const files = new Map();
  let open = { passed: 0, failed: 0 };
  for await (const { type, data } of source) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    const { error } = data.details;
    // A group counts by its members.
    const group = error ? error.failureType === "subtestsFailed" : data.details.type === "suite" || (data.nesting === 0 && open.passed + open.failed > 0);
    if (!group) open[error ? "failed" : "passed"] += 1;
    if (error && !group) yield `FAILED ${data.name}\n    ${String(error.cause?.stack ?? error.cause ?? error).replaceAll("\n", "\n    ")}\n`;
    if (data.nesting > 0) continue;
    const name = data.file?.replace(/^.*\//, "") ?? data.name;
    const counts = files.get(name) ?? { passed: 0, failed: 0 };
    files.set(name, { passed: counts.passed + open.passed, failed: counts.failed + open.failed });
    open = { passed: 0, failed: 0 };
  }
  let [passed, failed] = [0, 0];
  for (const [name, counts] of [...files].sort()) {
    yield `${name.padEnd(24)} ${String(counts.passed).padStart(4)} passed${counts.failed > 0 ? `, ${counts.failed} failed` : ""}\n`;
    passed += counts.passed;
    failed += counts.failed;
  }
  yield `${"together".padEnd(24)} ${String(passed).padStart(4)} passed, ${failed} failed\n`;
  if (passed === 0) {
    yield "error: no test ran\n";
    process.exitCode = 1;
  }
}
