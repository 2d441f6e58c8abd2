"""LightGBM: objectives x classes x what is missing x categories x size x boosting x stopping x parameters.

The original is asked as a user would ask it: the saved text is loaded again, and `Booster.predict` gives leaves, raw scores and
probabilities. Two things are put in our terms: a margin is what goes into the sigmoid (raw score times `sigmoid`, divided by the
number of iterations under `boosting=rf`), and `multiclassova` is divided by its sum, as it does not add up to 1.
"""

import json

import numpy as np

from common import codes, numeric, reaching_rows, sample, target, texts, with_missing, write_case

import lightgbm as lgb  # after common, which sets the number of threads
import pandas as pd

BASE = {"num_threads": 1, "deterministic": True, "verbose": -1, "seed": 7, "min_data_in_leaf": 5, "num_leaves": 8}
# LightGBM's kZeroThreshold, an f32 held as f64.
ZERO = float(np.float32(1e-35))
NEAR_ZERO = [0.0, -0.0, 1e-36, -1e-36, 1e-35, -1e-35, ZERO, -ZERO, *(float(np.nextafter(s * ZERO, s)) for s in (1.0, -1.0)), 1e-34, -1e-34]
ODD_CODES = [-1.0, -0.5, -7.0, 0.5, 1.999, 2.5, 31.0, 32.0, 33.0, 1e5, 1e9, 2147483647.0]


# ---------------------------------------------------------------------------------------------------------------- models
def train(x, y, rounds=8, categorical="auto", weight=None, init_score=None, valid=None, dataset=None, **params):
    """The text of a model."""
    params = {**BASE, **params}
    data = lgb.Dataset(x, y, weight=weight, init_score=init_score, categorical_feature=categorical, params=dataset, free_raw_data=False)
    sets, callbacks = None, None
    if valid is not None:
        sets, callbacks = [lgb.Dataset(*valid, reference=data)], [lgb.early_stopping(3, verbose=False)]
    return lgb.train(params, data, rounds, valid_sets=sets, callbacks=callbacks)


def objective(name, classes):
    return {"objective": name, **({"num_class": classes} if name.startswith("multi") else {})}


# ------------------------------------------------------------------------------------------------------------------ rows
def plain(node, nodes):
    """A tree of `dump_model` as reaching_rows wants it; the index of its root."""
    at = len(nodes)
    nodes.append((-1, 0.0, 0, 0))
    if "split_feature" in node:
        threshold = node["threshold"]
        if node["decision_type"] == "==":
            threshold = [int(c) for c in threshold.split("||")] if threshold else []
        left, right = plain(node["left_child"], nodes), plain(node["right_child"], nodes)
        nodes[at] = (node["split_feature"], threshold, left, right)
    return at


def trees_of(booster):
    out = []
    for tree in booster.dump_model()["tree_info"]:
        nodes = []
        plain(tree["tree_structure"], nodes)
        out.append(nodes)
    return out


def rows_for(booster, x, coded=(), n=40, cap=120, seed=0):
    """Rows at random, at every node's threshold and beside it, of zeros and almost zeros, with values missing, of odd categories."""
    rng = np.random.default_rng(seed + 7000)
    numbers = [j for j in range(x.shape[1]) if j not in set(coded)]
    rows = [sample(x, n, seed, single=False, fixed=coded), reaching_rows(trees_of(booster), x[:200], "f64", cap, seed)]
    extra = []
    for value in [*NEAR_ZERO, np.nan]:
        row = x[rng.integers(len(x))].copy()
        row[numbers] = value
        extra.append(row)
    for value in [*ODD_CODES, np.nan] if len(coded) else []:
        row = x[rng.integers(len(x))].copy()
        row[list(coded)] = value
        extra.append(row)
    for _ in range(10):
        row = x[rng.integers(len(x))].copy()
        row[rng.random(x.shape[1]) < 0.5] = np.nan
        extra.append(row)
    return np.concatenate([*rows, np.array(extra), np.full((1, x.shape[1]), np.nan)])


# ----------------------------------------------------------------------------------------------------------------- cases
def case(folder, booster, rows, frame=None, **save):
    """Writes what the saved model answers. `frame`: from rows to the pandas frame that the original is given, and the rows that we are."""
    text = booster.model_to_string(**save)
    loaded = lgb.Booster(model_str=text)
    given, ours = (rows, rows) if frame is None else frame(rows)
    leaves, raw, probability = (
        np.asarray(loaded.predict(given, num_threads=1, **how)).reshape(len(given), -1)
        for how in ({"pred_leaf": True}, {"raw_score": True}, {})
    )
    head = dict(line.split("=", 1) for line in text.split("\nTree=")[0].splitlines() if "=" in line)
    sigmoid = next((float(w[8:]) for w in head["objective"].split() if w.startswith("sigmoid:")), 1.0)
    iterations = loaded.num_trees() // loaded.num_model_per_iteration() if "\naverage_output\n" in text else 1
    margin = raw * sigmoid / iterations
    if head["objective"].startswith("multiclassova"):
        probability = probability / probability.sum(axis=1, keepdims=True)
    if probability.shape[1] == 1:
        margin, probability = margin[:, 0], probability[:, 0]
    write_case(folder, text, "txt", loaded.feature_name(), ours, leaves, margin, probability)


def frame_of(columns, levels, ordered=()):
    """From rows of numbers, some of them codes, to a frame of pandas categories; and to what a record says. A code past the levels is a
    text that is none of them."""

    def frame(rows):
        given, ours = {}, {}
        for j, name in enumerate(columns):
            if name not in levels:
                given[name], ours[name] = rows[:, j], list(rows[:, j])
                continue
            known = levels[name]
            of = [None if np.isnan(c) or c < 0 else known[int(c)] if c < len(known) else "none of them" for c in rows[:, j]]
            given[name] = pd.Categorical([v if v in known else None for v in of], known, ordered=name in ordered)
            ours[name] = [None if v is None else v if isinstance(v, (str, bool)) else str(v) for v in of]
        return pd.DataFrame(given), [list(row) for row in zip(*ours.values())]

    return frame


SMALL = {
    "binary-missing-nan",
    "binary-missing-zero",
    "multiclass3-missing-none",
    "multiclassova3-missing-zero",
    "binary-rf-nan",
    "categories-large-multiclass3-nan",
    "pandas-texts-binary",
    "pandas-flags-and-numbers",
}


def cases(small=False):
    for name, make in all_cases():
        if not small or name in SMALL:
            yield name, make


def simple(x, y, coded=(), rows=None, save=None, frame=None, **params):
    def write(folder):
        booster = train(x, y, categorical=list(coded) or "auto", **params)
        given = rows_for(booster, x, coded) if rows is None else rows(booster)
        case(folder, booster, given, frame, **(save or {}))

    return write


def soft(y, classes, seed=3):
    """Labels in 0..1, for cross_entropy."""
    return np.clip(y / (classes - 1) * 0.8 + np.random.default_rng(seed).random(len(y)) * 0.2, 0, 1)


OBJECTIVES = [("binary", "binary", 2), ("multiclass3", "multiclass", 3), ("multiclassova3", "multiclassova", 3), ("cross_entropy", "cross_entropy", 2)]
# Name, share of missing values, what the data set is told.
MISSING = [
    ("none", 0.0, {}),
    ("nan", 0.2, {}),
    ("zero", 0.2, {"zero_as_missing": True}),
    ("ignored", 0.2, {"use_missing": False}),
]


def data(classes, share=0.0, n=500, k=5, seed=0, name="binary"):
    x = numeric(n, k, seed, single=False)
    y = target(x, classes, seed)
    if share:
        x = with_missing(x, share, seed)
    return x, soft(y, classes) if name == "cross_entropy" else y


def all_cases():
    for label, name, classes in OBJECTIVES:
        for missing, share, told in MISSING:
            x, y = data(classes, share, name=name)
            yield f"{label}-missing-{missing}", simple(x, y, dataset=told, **told, **objective(name, classes))

    for leaves, depth in [(2, -1), (4, 2), (15, 3), (63, -1), (255, 9)]:
        for label, name, classes in OBJECTIVES[:2]:
            x, y = data(classes, 0.1, n=1500, seed=leaves)
            yield f"{label}-leaves{leaves}-depth{depth}", simple(x, y, rounds=4, num_leaves=leaves, max_depth=depth, **objective(name, classes))

    boosting = {
        "rf": {"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7, "feature_fraction": 0.8},
        "dart": {"boosting": "dart", "drop_rate": 0.5, "skip_drop": 0.0},
        "goss": {"data_sample_strategy": "goss", "learning_rate": 0.4},
        "xdart": {"boosting": "dart", "drop_rate": 0.9, "xgboost_dart_mode": True, "uniform_drop": True},
    }
    for how, params in boosting.items():
        for label, name, classes in OBJECTIVES:
            for missing, share, told in MISSING[1:3]:
                x, y = data(classes, share, seed=11, name=name)
                yield f"{label}-{how}-{missing}", simple(x, y, rounds=10, dataset=told, **told, **params, **objective(name, classes))

    for size, counts in [("small", [3, 4]), ("large", [40, 150]), ("huge", [3000, 70])]:
        for label, name, classes in OBJECTIVES[:2]:
            for missing, share, told in MISSING[:3]:
                n = 6000 if size == "huge" else 800
                c = codes(n, counts, seed=5)
                x = np.column_stack([numeric(n, 2, 5, single=False), c])
                y = target(np.column_stack([x[:, :2], np.sin(c * 1.7)]), classes, 5)
                x = with_missing(x, share, 5) if share else x
                params = {"min_data_per_group": 5, "cat_smooth": 2, "max_cat_threshold": 64, "dataset": told, **told}
                yield f"categories-{size}-{label}-{missing}", simple(x, y, coded=(2, 3), **params, **objective(name, classes))
    c = codes(600, [6], seed=8)
    c[::9] = -1.0  # what scripts that factorize by hand write for missing ones
    x = np.column_stack([numeric(600, 1, 8, single=False), c])
    yield "categories-negative", simple(x, target(np.column_stack([x[:, 0], np.cos(c[:, 0])]), 2, 8), coded=(1,), min_data_per_group=5, **objective("binary", 2))
    c = codes(600, [6], seed=8) * 1000 + 7
    x = np.column_stack([numeric(600, 1, 8, single=False), c])
    yield "categories-far-apart", simple(x, target(np.column_stack([x[:, 0], np.cos(c[:, 0])]), 2, 8), coded=(1,), min_data_per_group=5, **objective("binary", 2))
    yield "categories-one-hot", simple(x, target(np.column_stack([x[:, 0], np.cos(c[:, 0])]), 2, 8), coded=(1,), min_data_per_group=5, max_cat_to_onehot=16, **objective("binary", 2))

    yield from pandas_cases()

    # Stopping, and parts of a model.
    for label, name, classes in OBJECTIVES[:2]:
        x, y = data(classes, 0.1, n=900, seed=21)
        valid = (x[600:], y[600:])
        stop = dict(rounds=200, valid=valid, learning_rate=0.5, num_leaves=31, **objective(name, classes))
        yield f"{label}-early-stopping", simple(x[:600], y[:600], **stop)
        yield f"{label}-early-stopping-all-trees", simple(x[:600], y[:600], save={"num_iteration": -1}, **stop)
        yield f"{label}-first-3", simple(x, y, rounds=9, save={"num_iteration": 3}, **objective(name, classes))
        yield f"{label}-from-2", simple(x, y, rounds=9, save={"start_iteration": 2}, **objective(name, classes))
    x, y = data(2, 0.1, seed=22)
    forest = {**boosting["rf"], **objective("binary", 2)}
    yield "binary-rf-first-4", simple(x, y, rounds=9, save={"num_iteration": 4}, **forest)

    # The parameter `sigmoid`.
    for sigmoid in (0.3, 2.5, 0.123456789):
        yield f"binary-sigmoid-{sigmoid}", simple(x, y, sigmoid=sigmoid, **objective("binary", 2))
    yield "binary-rf-sigmoid-0.7", simple(x, y, sigmoid=0.7, **forest)
    x3, y3 = data(3, 0.1, seed=23)
    for sigmoid in (0.5, 3.0):
        yield f"multiclassova3-sigmoid-{sigmoid}", simple(x3, y3, sigmoid=sigmoid, **objective("multiclassova", 3))

    # What changes training only.
    for label, params in {
        "scale-pos-weight": {"scale_pos_weight": 7.5},
        "is-unbalance": {"is_unbalance": True},
        "no-boost-from-average": {"boost_from_average": False},
        "weights": {"weight": np.random.default_rng(1).random(len(y)) + 0.1},
        "init-score": {"init_score": np.random.default_rng(2).normal(size=len(y))},
        "l1-l2-path-smooth": {"lambda_l1": 0.5, "lambda_l2": 3.0, "path_smooth": 2.0},
        "extra-trees": {"extra_trees": True, "feature_fraction_bynode": 0.6},
        "monotone": {"monotone_constraints": [1, -1, 0, 1, 0]},
        "monotone-advanced": {"monotone_constraints": [1, -1, 0, 1, 0], "monotone_constraints_method": "advanced", "monotone_penalty": 1.5},
        "interaction": {"interaction_constraints": [[0, 1], [2, 3, 4]]},
        "quantized": {"use_quantized_grad": True, "quant_train_renew_leaf": True},
        "huge-step": {"learning_rate": 50.0},
        "tiny-step": {"learning_rate": 1e-9},
        "many-rounds": {"rounds": 150, "num_leaves": 4},
    }.items():
        yield f"binary-{label}", simple(x, y, **params, **objective("binary", 2))
    for bins in (2, 7, 1023):
        yield f"binary-max-bin-{bins}", simple(x, y, max_bin=bins, min_data_in_bin=1, dataset={"max_bin": bins, "min_data_in_bin": 1}, **objective("binary", 2))
    for label, name, classes in [("multiclass2", "multiclass", 2), ("multiclass7", "multiclass", 7), ("multiclassova2", "multiclassova", 2), ("multiclassova6", "multiclassova", 6)]:
        xc, yc = data(classes, 0.1, n=900, seed=31)
        yield label, simple(xc, yc, **objective(name, classes))

    yield from odd_cases()


def pandas_cases():
    rng = np.random.default_rng(41)
    n = 700
    c = codes(n, [9, 3, 2], seed=41)
    x = np.column_stack([numeric(n, 2, 41, single=False), c])
    y = {k: target(np.column_stack([x[:, :2], np.sin(c * 2.1)]), k, 41) for k in (2, 3)}
    holes = x.copy()
    holes[rng.random(x.shape) < 0.1] = np.nan
    columns = ["a number", "other", "kind", "size", "flag"]
    names = ["a_number", "other", "kind", "size", "flag"]
    levels = {
        "kind": texts(np.arange(9.0)),
        "size": ["S", "M", "L"],
        "flag": ["no", "yes"],
    }

    def frame_case(values, target, levels, columns=columns, ordered=(), coded=(2, 3, 4), past=2, **params):
        def write(folder):
            frame = frame_of(columns, levels, ordered)
            booster = train(frame(values)[0], target, min_data_per_group=5, cat_smooth=2, **params)
            rows = rows_for(booster, values)
            for j in coded:  # a level that is none of them
                most = np.nanmax(values[:, j])
                rows[:, j] = np.where(np.isnan(rows[:, j]), np.nan, np.clip(np.trunc(rows[:, j]), 0, most + past))
            case(folder, booster, rows, frame)

        return write

    for label, name, k in OBJECTIVES[:2]:
        yield f"pandas-texts-{label}", frame_case(x, y[k], levels, columns=names, **objective(name, k))
        yield f"pandas-texts-missing-{label}", frame_case(holes, y[k], levels, columns=names, **objective(name, k))
        yield f"pandas-zero-as-missing-{label}", frame_case(holes, y[k], levels, columns=names, zero_as_missing=True, dataset={"zero_as_missing": True}, **objective(name, k))
    yield "pandas-name-with-space", frame_case(x, y[2], levels, **objective("binary", 2))
    mixed = {"kind": [10, 20, 5, -3, 7, 100, 2000, 1, 0], "size": [0.5, 1.5, 2.25], "flag": [False, True]}
    yield "pandas-flags-and-numbers", frame_case(holes, y[2], mixed, columns=names, past=0, **objective("binary", 2))
    # A category of which training saw one level, and one of which it saw none.
    lone = np.column_stack([x[:, :3], np.zeros(n), np.full(n, np.nan)])
    yield "pandas-lone-levels", frame_case(lone, y[2], levels, columns=names, coded=(2, 3), **objective("binary", 2))


def odd_cases():
    x, y = data(2, 0.1, seed=51)

    # Trees of one leaf: no split is good enough; a constant label; a class that is rare.
    yield "one-leaf", simple(x, y, rounds=3, min_data_in_leaf=10_000, rows=lambda b: x[:20], **objective("binary", 2))
    yield "constant-label", simple(x, np.ones(len(y)), rounds=3, rows=lambda b: x[:20], **objective("binary", 2))
    x3, y3 = data(4, 0.0, seed=52)
    rare = np.where(y3 == 3, 0, y3)
    rare[:2] = 3
    yield "multiclass4-rare", simple(x3, rare, rounds=4, min_data_in_leaf=20, **objective("multiclass", 4))
    absent = np.where(y3 == 3, 0, y3)
    yield "multiclass4-absent", simple(x3, absent, rounds=4, **objective("multiclass", 4))
    yield "multiclassova4-absent", simple(x3, absent, rounds=4, **objective("multiclassova", 4))

    # Features that never split, and a single one.
    wide = np.column_stack([np.full(len(x), 3.5), x, np.full(len(x), np.nan)])
    yield "constant-features", simple(wide, y, **objective("binary", 2))
    yield "one-feature", simple(x[:, :1], y, **objective("binary", 2))

    # Values at the ends of f64, and around zero, where thresholds are LightGBM's zero.
    for label, scale in [("1e140", 1e140), ("1e-300", 1e-300), ("1e-35", 1e-35), ("2e-38", 2e-38)]:
        scaled = x * scale / np.nanmax(np.abs(x), axis=0)
        yield f"scale-{label}", simple(scaled, y, **objective("binary", 2))
        if scale > 1e-40:
            told = {"zero_as_missing": True}
            yield f"scale-{label}-zero-missing", simple(scaled, y, dataset=told, **told, **objective("binary", 2))
    whole = np.column_stack([np.round(x[:, 0] * 3), 2.0**53 - np.round(np.abs(x[:, 0]) * 20), x[:, 1]])
    yield "whole-numbers", simple(whole, y, **objective("binary", 2))
    spikes = np.where(np.random.default_rng(5).random(x.shape) < 0.7, 0.0, x)
    for missing, _, told in MISSING:
        yield f"mostly-zero-{missing}", simple(spikes, y, dataset=told, **told, **objective("binary", 2))

    # Trained further, with other leaves; as scikit-learn's estimator; of a custom name for each feature.
    def further(folder):
        first = train(x, y, rounds=4, **objective("binary", 2))
        booster = lgb.train({**BASE, **objective("binary", 2), "num_leaves": 4}, lgb.Dataset(x, 1 - y), 4, init_model=first)
        case(folder, booster, rows_for(booster, x))

    def refitted(folder):
        booster = train(x, y, **objective("binary", 2)).refit(x, 1 - y, decay_rate=0.3)
        case(folder, booster, rows_for(booster, x))

    def classifier(folder):
        labels = np.array(["lo", "mid", "top"])[y3 % 3]
        model = lgb.LGBMClassifier(n_estimators=6, num_leaves=9, random_state=3, n_jobs=1, verbose=-1, class_weight="balanced").fit(x3, labels)
        case(folder, model.booster_, rows_for(model.booster_, x3))

    def leaf_set(folder):
        booster = train(x, y, **objective("binary", 2))
        for tree in range(booster.num_trees()):
            booster.set_leaf_output(tree, 0, 0.25 * tree - 1)
        case(folder, booster, rows_for(booster, x))

    def named(folder):
        columns = ["größe", "a=b", "x.y", "f0", "_"]
        booster = lgb.train({**BASE, **objective("binary", 2)}, lgb.Dataset(x, y, feature_name=columns), 5)
        case(folder, booster, rows_for(booster, x))

    def forced(folder):
        path = folder.parent / "forced.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"feature": 0, "threshold": 0.25, "left": {"feature": 1, "threshold": 500.0}}))
        try:
            booster = train(x, y, forcedsplits_filename=str(path), **objective("binary", 2))
        finally:
            path.unlink()
        text = booster.model_to_string().replace(str(path), "forced.json")
        case(folder, lgb.Booster(model_str=text), rows_for(booster, x))

    yield "trained-further", further
    yield "refitted", refitted
    yield "classifier-texts", classifier
    yield "leaf-output-set", leaf_set
    yield "odd-names", named
    yield "forced-splits", forced
