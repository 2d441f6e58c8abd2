"""What the generators of import cases share: writing a case, making data, and making rows that hit thresholds.

A generator is a file `LIBRARY_.py` beside this one with

    def cases(small):
        yield "binary-missing-depth3", lambda folder: write_case(folder, model, "json", columns, rows, ...)

that yields names and functions that write the case of that name into the folder they are given (or return the keyword arguments of
`write_case`, or a list of several such). `small`: only the few that are committed under tests/import/golden. Every case is
deterministic: data from the seeded makers below, one thread, a fixed `random_state`.

A case is a folder:

    model.json (.ubj .txt .onnx .hedge.json)   what `hedgerow import` is given
    expected.csv                               inputs by name, then what the original answers to them, by its own code:
                                               leaf_<t>, margin or margin_<label>, probability_<label>
    case.json                                  {"args": [...], "tolerance": 1e-6}: what else the import is told; may be absent
"""

import csv
import json
import math
import os
import pathlib

# One thread: results do not depend on the machine, and the libraries do not spin. It must be set before they are loaded.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

import numpy as np  # noqa: E402

EXTENSIONS = ("json", "ubj", "txt", "onnx", "hedge.json")


# --------------------------------------------------------------------------------------------------------------- writing
def write_case(
    folder,
    model,
    ext,
    columns,
    rows,
    leaves=None,
    margin=None,
    probability=None,
    labels=None,
    args=None,
    tolerance=None,
    files=None,
):
    """Writes a case.

    `model`: bytes or str. `columns`: names of the inputs; None: f0, f1, ... `rows`: one list per row (or a 2-d array, or a
    pandas.DataFrame); a value is a number, a bool, a str, or missing (None, NaN). `leaves`: (rows, trees) whole numbers, over all trees
    in the file's order. `margin`: (rows,) of two classes, or (rows, classes). `probability`: (rows, classes), or (rows,) of the
    second of two classes. `labels`: as the imported model shows them; None: 0, 1, ... `args`: more of the command line, which may
    name `files` {name: text}. `tolerance`: of a probability; None: the importer's own."""
    folder = pathlib.Path(folder)
    if ext not in EXTENSIONS:
        raise ValueError(f"{ext}: not one of {EXTENSIONS}")
    table = rows_of(rows)
    if not table:
        raise ValueError("a case without rows")
    columns = [f"f{i}" for i in range(len(table[0]))] if columns is None else [str(c) for c in columns]
    head, parts = list(columns), [table]

    if leaves is not None:
        leaves = np.asarray(leaves)
        leaves = leaves.reshape(len(table), -1)
        if not np.array_equal(leaves, leaves.astype(np.int64)):
            raise ValueError("a leaf number is not whole")
        head += [f"leaf_{t}" for t in range(leaves.shape[1])]
        parts.append(leaves.astype(np.int64).tolist())
    if probability is not None:
        probability = np.asarray(probability)
        if probability.ndim == 1:
            probability = np.stack([1 - probability, probability], axis=1)
    if labels is None:
        scores = next((np.asarray(s) for s in (probability, margin) if s is not None), None)
        if scores is not None:
            labels = range(scores.shape[1] if scores.ndim == 2 else 2)
    labels = [] if labels is None else [str(label) for label in labels]
    if margin is not None:
        margin = np.asarray(margin)
        if margin.ndim == 2 and margin.shape[1] == 1:
            margin = margin[:, 0]
        head += ["margin"] if margin.ndim == 1 else [f"margin_{label}" for label in labels]
        parts.append(margin.reshape(len(table), -1).tolist())
    if probability is not None:
        head += [f"probability_{label}" for label in labels]
        parts.append(probability.tolist())
        off = np.abs(probability.astype(np.float64).sum(axis=1) - 1).max()
        if not off < 1e-3:
            raise ValueError(f"the original's probabilities do not sum to 1: off by {off}")
    if len(parts) == 1:
        raise ValueError("a case that expects nothing")
    if len(set(head)) != len(head):
        raise ValueError(f"a column twice: {sorted(c for c in head if head.count(c) > 1)}")

    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.iterdir():
        old.unlink()
    data = model.encode() if isinstance(model, str) else bytes(model)
    (folder / f"model.{ext}").write_bytes(data)
    with open(folder / "expected.csv", "w", newline="", encoding="utf-8") as out:
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(head)
        for row in zip(*parts, strict=True):
            cells = [cell(v) for part in row for v in part]
            if len(cells) != len(head):
                raise ValueError(f"{len(cells)} cells in a row of {len(head)} columns")
            for value in cells[len(columns) :]:
                if value == "":
                    raise ValueError("the original answers NaN")
            writer.writerow(cells)
    for name, text in (files or {}).items():
        (folder / name).write_text(text, encoding="utf-8")
    about = {}
    if args:
        about["args"] = [str(a) for a in args]
    if tolerance is not None:
        about["tolerance"] = tolerance
    if about:
        (folder / "case.json").write_text(json.dumps(about) + "\n", encoding="utf-8")


def cell(value):
    """A value as a CSV cell: numbers so that they read back as they are, missing as nothing."""
    if value is None:
        return ""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    if isinstance(value, (int, np.integer)):
        return str(int(value))
    if type(value).__name__ in ("NAType", "NaTType"):
        return ""
    value = float(value)
    if math.isnan(value):
        return ""
    if math.isinf(value):
        raise ValueError("infinity is no input: Hedgerow reads it as missing")
    return repr(value)


def rows_of(rows):
    """Rows as a list of lists, whatever holds them."""
    if hasattr(rows, "itertuples"):  # a pandas.DataFrame
        return [[None if is_missing(v) else v for v in row] for row in rows.itertuples(index=False, name=None)]
    return [list(row) for row in (rows.tolist() if isinstance(rows, np.ndarray) else rows)]


def is_missing(value):
    return value is None or (isinstance(value, float) and math.isnan(value)) or type(value).__name__ in ("NAType", "NaTType")


# ------------------------------------------------------------------------------------------------------------------ data
def numeric(n, k, seed=0, single=True):
    """x (n, k): columns of different scales and shapes; `single`: each value is a float32's."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, k))
    for j in range(k):
        match j % 5:
            case 1:
                x[:, j] = np.exp(x[:, j]) * 1000  # skewed, large
            case 2:
                x[:, j] = np.round(x[:, j] * 2) / 2  # ties
            case 3:
                x[:, j] = np.where(rng.random(n) < 0.5, 0.0, x[:, j] * 1e-3)  # half zeros, small
            case 4:
                x[:, j] = rng.integers(-3, 12, n)  # whole
    return x.astype(np.float32).astype(np.float64) if single else x


def codes(n, cardinalities, seed=0):
    """Columns of categories as whole numbers from 0: (n, len(cardinalities)), frequent ones first."""
    rng = np.random.default_rng(seed + 1000)
    columns = []
    for c in cardinalities:
        weight = 1 / np.arange(1, c + 1)
        columns.append(rng.choice(c, n, p=weight / weight.sum()))
    return np.stack(columns, axis=1).astype(np.float64)


def texts(code, prefix="level", odd=True):
    """A column of codes as texts (NaN: None); with `odd`, some need quotes or are no ASCII."""
    names = ['a "quoted", text', "Ünïcode 🌿", " padded ", "1"] if odd else []
    return [None if math.isnan(c) else names[int(c)] if c < len(names) else f"{prefix} {int(c)}" for c in code]


def target(x, classes=2, seed=0, noise=0.5):
    """y (n,), whole numbers 0..classes, each present: a function of x that trees and lines both find something in."""
    rng = np.random.default_rng(seed + 2000)
    z = np.nan_to_num(np.asarray(x, dtype=np.float64))
    spread = z.std(axis=0)
    z = (z - z.mean(axis=0)) / np.where(spread > 0, spread, 1)
    score = z @ rng.normal(size=z.shape[1]) + np.sin(2 * z[:, 0]) * z[:, -1] + rng.normal(size=len(z)) * noise
    y = np.searchsorted(np.quantile(score, np.arange(1, classes) / classes), score)
    y[:classes] = np.arange(classes)
    return y


def with_missing(x, rate=0.15, seed=0, columns=None):
    """x with values missing at random, in all columns or in some."""
    x = np.array(x, dtype=np.float64)
    gone = np.random.default_rng(seed + 3000).random(x.shape) < rate
    if columns is not None:
        gone[:, [j for j in range(x.shape[1]) if j not in set(columns)]] = False
    x[gone] = np.nan
    return x


def sample(x, n, seed=0, single=True, spread=0.3, fixed=()):
    """n rows of x, moved off the training points except in the columns `fixed` (codes of categories)."""
    rng = np.random.default_rng(seed + 4000)
    rows = np.array(x)[rng.choice(len(x), n)]
    scale = np.nan_to_num(np.nanstd(x, axis=0)) * spread
    scale[list(fixed)] = 0
    rows = rows + rng.normal(size=rows.shape) * scale
    return rows.astype(np.float32).astype(np.float64) if single else rows


# ------------------------------------------------------------------------------------------------------------ thresholds
def beside(t, ulp="f32"):
    """A threshold, and what is one unit in the last place below and above it. `ulp`: "f32", "f64", or "both", which adds the points
    at which float64 changes its rounding to float32."""
    t = float(t)
    out = []
    if ulp in ("f32", "both"):
        single = np.float32(t)
        if np.isfinite(single):
            below, above = (np.nextafter(single, np.float32(s)) for s in (-np.inf, np.inf))
            out += [float(v) for v in (below, single, above) if np.isfinite(v)]
            if ulp == "both" and np.isfinite(below) and np.isfinite(above):
                for other in (below, above):
                    half = (float(single) + float(other)) / 2
                    out += [float(np.nextafter(half, -np.inf)), half, float(np.nextafter(half, np.inf))]
    if ulp in ("f64", "both"):
        out += [float(np.nextafter(t, -np.inf)), t, float(np.nextafter(t, np.inf))]
    return [v for v in dict.fromkeys(out) if math.isfinite(v)]


def threshold_rows(thresholds_by_feature, base_rows, ulp="f32", cap=300, seed=0):
    """Rows of `base_rows` with values set at and one ulp beside thresholds: in even rows one feature, in odd rows all of them.

    `thresholds_by_feature`: {feature: thresholds}, or a list by feature. At most `cap` rows, drawn by `seed`. Where the trees
    are at hand, `reaching_rows` is better: it makes rows that get to each node."""
    items = thresholds_by_feature.items() if isinstance(thresholds_by_feature, dict) else enumerate(thresholds_by_feature)
    values = {f: [v for t in dict.fromkeys(map(float, ts)) if math.isfinite(t) for v in beside(t, ulp)] for f, ts in items}
    values = {f: v for f, v in values.items() if v}
    base = np.array(base_rows, dtype=np.float64)
    if not values:
        return base[:0]
    rng = np.random.default_rng(seed + 5000)
    single = [(f, v) for f in values for v in values[f]]
    order = rng.permutation(len(single))
    out = []
    for k in range(min(cap, 2 * len(single))):
        row = base[rng.integers(len(base))].copy()
        if k % 2 == 0:
            f, v = single[order[k // 2]]
            row[f] = v
        else:
            for f, v in values.items():
                row[f] = v[rng.integers(len(v))]
        out.append(row)
    return np.array(out)


def reaching_rows(trees, base_rows, ulp="f32", cap=3000, seed=0, missing=True):
    """Rows that get to every node and stand there at its threshold, one ulp beside it, and (`missing`) are missing.

    `trees`: per tree a list of nodes (feature, threshold, left, right), feature < 0: a leaf; the root is node 0. A threshold that is a
    list or set is of categories: those go left. Works for `<` and `<=` alike, as the values on the way keep off the thresholds.
    Over `cap` rows, a part is drawn by `seed`."""
    rng = np.random.default_rng(seed + 6000)
    base = np.array(base_rows, dtype=np.float64)
    step = (lambda v, to: float(np.nextafter(np.float32(v), np.float32(to)))) if ulp != "f64" else (lambda v, to: float(np.nextafter(v, to)))
    out = []
    for tree in trees:
        stack = [(0, {})]  # a node, and per feature on the way (low, high, value of a category)
        while stack:
            i, way = stack.pop()
            feature, threshold, left, right = tree[i]
            if feature is None or feature < 0:
                continue
            if isinstance(threshold, (list, tuple, set, frozenset, np.ndarray)):
                members = sorted(int(c) for c in threshold)
                others = [c for c in range(max(members, default=0) + 2) if c not in set(members)]
                values = [*members[:3], *others[-2:]]
                ways = [{**way, feature: (c, c)} for c in (members[0] if members else None, others[0] if others else None)]
            else:
                t = float(threshold)
                values = beside(t, ulp) if math.isfinite(t) else []
                low, high = way.get(feature, (-math.inf, math.inf))
                ways = [{**way, feature: (low, min(high, step(t, -math.inf)))}, {**way, feature: (max(low, step(t, math.inf)), high)}]
            row = base[rng.integers(len(base))].copy()
            for f, (low, high) in way.items():
                if low is None or low > high:
                    continue  # no row gets here
                if not low <= row[f] <= high:
                    row[f] = high if math.isinf(low) or (math.isfinite(high) and rng.random() < 0.5) else low
            for v in values + ([math.nan] if missing and feature not in way else []):
                there = row.copy()
                there[feature] = v
                out.append(there)
            stack += [(right, ways[1]), (left, ways[0])]
    if len(out) > cap:
        out = [out[k] for k in sorted(rng.choice(len(out), cap, replace=False))]
    return np.array(out) if out else base[:0]
