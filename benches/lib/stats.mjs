// From measurements to figures.
const sorted = (values) => values.filter((value) => Number.isFinite(value)).sort((a, b) => a - b);

export function spread(values) {
  const list = sorted(values);
  if (list.length === 0) return null;
  const middle = list.length >> 1;
  return { min: list[0], median: list.length % 2 ? list[middle] : (list[middle - 1] + list[middle]) / 2, max: list.at(-1), n: list.length };
}

/** The ways in which bars and tables ask for a figure. CPU times are microseconds per row, those of fresh processes milliseconds. */
export function access(results, label) {
  const groups = new Map();
  for (const told of results.measurements) {
    const key = `${told.model} ${told.measure} ${told.contender}`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(told);
  }
  const cell = (model, measure, contender) => {
    const told = groups.get(`${model} ${measure} ${contender}`);
    if (!told) return null;
    const sum = (name) => told.reduce((total, one) => total + one[name], 0);
    return {
      ...spread(told.map(({ cpu }) => cpu)),
      p50: spread(told.map(({ p50 }) => p50)),
      p99: spread(told.map(({ p99 }) => p99)),
      checked: sum("checked"),
      wrong: sum("wrong"),
      worst: Math.max(...told.map(({ worst }) => worst ?? Infinity)),
    };
  };
  const fresh = (mode, model, contender, of) => {
    const told = results.fresh.filter((one) => one.mode === mode && one.model === model && one.contender === contender && !one.error);
    return spread(told.map(typeof of === "function" ? of : (one) => one[of]));
  };
  return { ...results, label, cell, once: fresh, cached: () => cell("bc-xgb100d6", "cached", "hedgerow") };
}
