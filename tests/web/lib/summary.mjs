// A reporter: a line per host, what failed in full, and the sum. No test at all is a failure.
export default async function* summary(source) {
  let open = { passed: 0, failed: 0 };
  let [passed, failed] = [0, 0];
  for await (const { type, data } of source) {
    if (type !== "test:pass" && type !== "test:fail") continue;
    const { error } = data.details;
    // A group counts by its members.
    const group = error ? error.failureType === "subtestsFailed" : data.nesting === 0 && open.passed + open.failed > 0;
    if (!group) open[error ? "failed" : "passed"] += 1;
    if (error && !group) yield `FAILED ${data.name}\n    ${String(error.cause?.stack ?? error.cause ?? error).replaceAll("\n", "\n    ")}\n`;
    if (data.nesting > 0) continue;
    yield `${data.name.padEnd(40)} ${String(open.passed).padStart(4)} passed${open.failed > 0 ? `, ${open.failed} FAILED` : ""}\n`;
    passed += open.passed;
    failed += open.failed;
    open = { passed: 0, failed: 0 };
  }
  yield `${"together".padEnd(40)} ${String(passed).padStart(4)} passed, ${failed} failed\n`;
  if (passed === 0) {
    yield "error: no test ran\n";
    process.exitCode = 1;
  }
}
