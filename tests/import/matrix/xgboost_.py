"""Import cases of XGBoost: objectives, classes, missing values, categories, depths, base scores, early stopping, dart, forests, layouts.

`make` trains by what a case says, saves, and asks the library itself for leaves, margins and probabilities of rows that stand at its
thresholds, one float32 beside them and between two float32s. `xgboost_old.py` uses the same with older versions.
"""

import functools
import json
import math

from common import numeric, codes, reaching_rows, sample, target, texts, with_missing, write_case

import numpy as np
import xgboost as xgb

VERSION = tuple(int(part) for part in xgb.__version__.split(".")[:2])
MULTI = ("multi:softprob", "multi:softmax")


# -------------------------------------------------------------------------------------------------------------- the cases
def cases(small=False):
    for name, about in (SMALL if small else {**SMALL, **dict(full())}).items():
        yield name, functools.partial(make, **{**about, **({"cap": about.get("cap", 60)} if small else {})})


# What is committed: few trees, few rows, one case for each meaning.
SMALL = {
    "binary-missing": {"missing": 0.2, "depth": 3, "rounds": 4, "n": 400, "cap": 80},
    "softprob-3-ubj": {"classes": 3, "missing": 0.1, "depth": 3, "rounds": 3, "ext": "ubj", "n": 400, "cap": 80},
    "categories-names": {"cat": "pandas", "depth": 3, "rounds": 4, "n": 500, "missing": 0.1, "cap": 80},
    "categories-codes": {"cat": "codes", "depth": 3, "rounds": 4, "n": 500, "missing": 0.1, "ext": "ubj", "cap": 80},
    "early-stopping": {"early": 2, "rounds": 40, "depth": 4, "n": 300, "eta": 0.7, "cap": 60},
    "dart-base-score": {"booster": "dart", "base_score": 0.2, "rounds": 5, "depth": 3, "n": 300, "cap": 60},
    "forest": {"classes": 3, "parallel": 3, "rounds": 2, "depth": 3, "n": 300, "cap": 60, "subsample": 0.7},
    "gblinear": {"booster": "gblinear", "classes": 3, "rounds": 5, "n": 300, "missing": 0.1, "cap": 40},
    "vector-leaves": {"classes": 3, "multi_strategy": "multi_output_tree", "rounds": 3, "depth": 3, "n": 300, "cap": 60, "ext": "ubj"},
}


def full():
    """Names and arguments of `make`."""
    seed = 100

    def one(name, **about):
        nonlocal seed
        seed += 1
        about.setdefault("ext", "ubj" if seed % 2 else "json")
        return f"{name}-{about['ext']}", {"seed": seed, **about}

    # Objective x classes x missing x depth.
    for missing in (0.0, 0.2):
        tail = "-missing" if missing else ""
        for depth in (1, 3, 6, 12):
            yield one(f"logistic-depth{depth}{tail}", depth=depth, missing=missing)
            yield one(f"softprob-3-depth{depth}{tail}", classes=3, depth=depth, missing=missing, rounds=6)
        for depth in (3, 6):
            yield one(f"softprob-5-depth{depth}{tail}", classes=5, depth=depth, missing=missing, rounds=5)
        yield one(f"softprob-2{tail}", classes=2, objective="multi:softprob", missing=missing)
        yield one(f"softmax-3{tail}", classes=3, objective="multi:softmax", missing=missing, rounds=6)
        yield one(f"softmax-2{tail}", classes=2, objective="multi:softmax", missing=missing, rounds=6)
        yield one(f"logitraw{tail}", objective="binary:logitraw", missing=missing)
        yield one(f"reg-logistic{tail}", objective="reg:logistic", missing=missing)

    # Trees of one leaf, and pruned ones: nodes that nothing leads to.
    yield one("one-leaf", params={"min_child_weight": 1e9}, base_score=0.3)
    yield one("one-leaf-3", classes=3, params={"min_child_weight": 1e9})
    yield one("pruned", params={"tree_method": "exact", "gamma": 4.0}, depth=6)
    yield one("pruned-3-missing", classes=3, params={"tree_method": "exact", "gamma": 2.0}, depth=6, missing=0.2)
    yield one("pruned-refreshed", params={"tree_method": "exact", "gamma": 3.0}, depth=6, refresh=True)

    # Base scores, in their own space.
    for base in (0.5, 0.2, 0.999, 1e-5):
        yield one(f"base-{base}", base_score=base, depth=3)
    for base in (0.5, -1.5, 3.0):
        yield one(f"base-logitraw-{base}", objective="binary:logitraw", base_score=base, depth=3)
    yield one("base-softprob", classes=3, base_score=0.7, depth=3)
    yield one("base-per-class", classes=3, base_score=[0.1, -0.7, 1.5], depth=3)
    yield one("base-per-class-5", classes=5, base_score=[0.1, -0.7, 1.5, 0.0, -2.0], depth=2)
    yield one("base-one-class-of-labels", labels_all=1, depth=3)
    yield one("base-no-positive", labels_all=0, depth=3)
    yield one("base-zero-rounds-of-change", base_score=0.2, eta=1e-6, depth=2)

    # Early stopping: the best rounds by default; all or some where that is said.
    yield one("early", early=3, rounds=60, eta=0.6)
    yield one("early-missing", early=3, rounds=60, eta=0.6, missing=0.2)
    yield one("early-3", early=3, rounds=60, eta=0.6, classes=3)
    yield one("early-parallel", early=3, rounds=60, eta=0.6, parallel=3, subsample=0.6)
    yield one("early-3-parallel", early=3, rounds=40, eta=0.6, parallel=2, subsample=0.6, classes=3)
    yield one("early-dart", early=3, rounds=40, eta=0.6, booster="dart")
    yield one("early-all", early=3, rounds=60, eta=0.6, use="all")
    yield one("early-first-4", early=3, rounds=60, eta=0.6, use=4)
    yield one("early-save-best", early=3, rounds=60, eta=0.6, save_best=True)
    yield one("first-2-of-10", rounds=10, use=2, classes=3)

    # Dart: weights of trees.
    dart = {"booster": "dart", "rounds": 12}
    yield one("dart", **dart)
    yield one("dart-missing", missing=0.2, **dart)
    yield one("dart-3", classes=3, **dart)
    yield one("dart-forest-weighted", params={"normalize_type": "forest", "sample_type": "weighted", "rate_drop": 0.5}, **dart)
    yield one("dart-skip", params={"skip_drop": 0.9, "rate_drop": 0.9}, **dart)
    yield one("dart-parallel-3", classes=3, parallel=2, subsample=0.6, **dart)
    yield one("dart-base", base_score=0.9, **dart)
    yield one("dart-categories", cat="codes", missing=0.1, **dart)

    # Forests in a round.
    for classes in (2, 3):
        yield one(f"forest-{classes}", classes=classes, parallel=12, rounds=1, subsample=0.6, eta=1.0, depth=5)
        yield one(f"boosted-forest-{classes}", classes=classes, parallel=4, rounds=3, subsample=0.6, depth=4, missing=0.1)

    # Categories: one-hot and by partition; codes, texts, whole numbers; few and many.
    for hot in (1, 100):
        how = "onehot" if hot > 1 else "partition"
        for cat in ("codes", "pandas", "whole"):
            for classes in (2, 3):
                yield one(
                    f"categories-{cat}-{how}-{classes}", cat=cat, classes=classes, rounds=6, depth=4, missing=0.1 * (classes == 2), params={"max_cat_to_onehot": hot}
                )
    yield one("categories-many", cat="codes", cardinalities=(300, 1000), rounds=5, depth=6, n=3000, params={"max_cat_threshold": 64})
    yield one("categories-alone", cat="codes", k=0, cardinalities=(4, 9, 40), rounds=6)
    yield one("categories-not-ascii", cat="odd", rounds=5, missing=0.1)
    yield one("categories-approx", cat="pandas", rounds=5, params={"tree_method": "approx"})
    yield one("categories-parallel", cat="pandas", rounds=3, parallel=3, subsample=0.7)
    yield one("categories-early", cat="pandas", rounds=40, early=3, eta=0.6)
    yield one("categories-lossguide", cat="codes", rounds=5, missing=0.2, params={"grow_policy": "lossguide", "max_leaves": 30}, depth=0)
    yield one("categories-missing", cat="codes", rounds=8, missing=0.5, depth=6)

    # How trees are grown.
    for method in ("exact", "approx", "hist"):
        yield one(f"method-{method}", missing=0.1, params={"tree_method": method}, rounds=8)
    yield one("lossguide", params={"grow_policy": "lossguide", "max_leaves": 40}, depth=0, rounds=6)
    yield one("lossguide-missing-3", params={"grow_policy": "lossguide", "max_leaves": 25}, depth=0, rounds=5, classes=3, missing=0.2)
    yield one("unlimited-depth", params={"min_child_weight": 0.01}, depth=0, rounds=3)
    yield one("subsample", subsample=0.4, params={"colsample_bytree": 0.6, "colsample_bylevel": 0.7, "colsample_bynode": 0.8}, rounds=10)
    yield one("gradient-based", subsample=0.5, params={"sampling_method": "uniform", "seed_per_iteration": True}, rounds=6)
    yield one("scale-pos-weight", params={"scale_pos_weight": 7.5})
    yield one("scale-pos-weight-missing", params={"scale_pos_weight": 0.1, "max_delta_step": 1.0}, missing=0.3)
    yield one("monotone", params={"monotone_constraints": "(1,-1,0,1,0,0)"})
    yield one("interaction", params={"interaction_constraints": "[[0,1],[2,3,4]]"}, missing=0.1)
    yield one("regularised", params={"reg_alpha": 2.0, "reg_lambda": 10.0, "gamma": 0.5, "max_bin": 8})
    yield one("long", rounds=300, eta=0.02, depth=3, cap=400)
    yield one("long-5", rounds=60, classes=5, depth=4, cap=300)
    yield one("weighted-rows", weights=True, rounds=8, classes=3)

    # Values: large, small, denormal, beside whole numbers that float32 no longer tells apart.
    for values in ("large", "small", "denormal", "whole24", "zeros", "dense"):
        yield one(f"values-{values}", values=values, depth=5, rounds=8, params={"tree_method": "exact" if values != "dense" else "hist"})

    # Names and types of features.
    yield one("names", names=["age", "income, monthly", 'a "quoted" name', "größe", "x y", "f0"], types=["int", "q", "float", "q", "int", "float"])
    yield one("names-alone", names=["a", "b", "c", "d", "e", "f"])
    yield one("flags", flags=2, rounds=8, missing=0.1)
    yield one("wide", k=300, n=400, rounds=10, depth=2, cap=150)

    # Linear.
    linear = {"booster": "gblinear", "rounds": 15}
    yield one("gblinear", **linear)
    yield one("gblinear-missing", missing=0.2, **linear)
    yield one("gblinear-3", classes=3, **linear)
    yield one("gblinear-5-missing", classes=5, missing=0.2, **linear)
    yield one("gblinear-coordinate", params={"updater": "coord_descent", "feature_selector": "greedy", "top_k": 3}, **linear)
    yield one("gblinear-base", base_score=0.2, **linear)
    yield one("gblinear-logitraw", objective="binary:logitraw", base_score=0.2, **linear)
    yield one("gblinear-base-per-class", classes=3, base_score=[0.5, -0.5, 0.25], **linear)

    # Vectors in leaves.
    vectors = {"multi_strategy": "multi_output_tree"}
    yield one("vectors-3", classes=3, rounds=6, **vectors)
    yield one("vectors-3-missing", classes=3, rounds=6, missing=0.2, **vectors)
    yield one("vectors-5", classes=5, rounds=5, depth=6, **vectors)
    yield one("vectors-parallel", classes=3, rounds=3, parallel=3, subsample=0.6, **vectors)
    yield one("vectors-early", classes=3, rounds=40, early=3, eta=0.7, **vectors)

    # Boosters with a past.
    yield one("continued", continued=True, rounds=5)
    yield one("continued-3-missing", continued=True, rounds=4, classes=3, missing=0.2)
    yield one("sliced", slice=(2, 6), rounds=10)
    yield one("sliced-3-parallel", slice=(1, 3), rounds=5, classes=3, parallel=2, subsample=0.7)
    yield one("refreshed", refresh=True, rounds=5)
    yield one("snapshot", snapshot=True, rounds=5, ext="ubj")


# ------------------------------------------------------------------------------------------------------------- one case
def make(
    folder,
    objective=None,
    classes=2,
    n=1200,
    k=6,
    seed=1,
    missing=0.0,
    depth=4,
    rounds=10,
    eta=0.4,
    ext="json",
    cap=500,
    booster="gbtree",
    base_score=None,
    parallel=1,
    subsample=None,
    early=None,
    save_best=False,
    use=None,
    cat=None,
    cardinalities=(5, 12),
    values=None,
    names=None,
    types=None,
    flags=0,
    weights=False,
    labels_all=None,
    continued=False,
    slice=None,
    refresh=False,
    snapshot=False,
    multi_strategy=None,
    params=None,
):
    """Trains, saves, and writes what the original answers.

    `use`: which rounds answer: None as XGBClassifier does, "all", or a number. `cat`: categories as "codes" (a matrix with feature
    types), "pandas" (texts), "whole" (whole numbers as categories), "odd" (texts that are not ASCII)."""
    if VERSION < (1, 6):
        ext = "json"  # UBJSON is younger, and categories are for GPUs alone
    if VERSION < (1, 6) and cat or VERSION < (2, 0) and multi_strategy:
        raise ValueError("not in this version")
    if VERSION < (1, 4) and (names or types or flags or early and parallel > 1 or snapshot):
        raise ValueError("not in this version's files")
    objective = objective or ("binary:logistic" if classes == 2 else "multi:softprob")
    x = numeric(n, k, seed) if k else np.zeros((n, 0))
    if values:
        x = odd_values(x, values, seed)
    if flags:
        x[:, :flags] = x[:, :flags] > 0
    code = codes(n, cardinalities, seed) if cat else np.zeros((n, 0))
    y = target(np.hstack([np.sign(x) if values else x, np.cos(code * 2.1)]), classes, seed)
    if labels_all is not None:
        y[:] = labels_all
    if missing:
        x, code = with_missing(x, missing, seed), with_missing(code, missing, seed + 1)
    width = x.shape[1]
    coded = list(range(width, width + code.shape[1]))
    table = np.hstack([x, code])
    if types:
        types = list(types)
    elif flags:
        types = ["i"] * flags + ["float"] * (width - flags)
    elif cat == "codes":
        types = ["q"] * width + ["c"] * len(coded)

    def frame(rows):
        """Rows as the original is given them, and as the case has them."""
        if cat in ("pandas", "whole", "odd"):
            import pandas as pd

            out, shown = {}, {}
            for j in range(width):
                out[f"x{j}"] = rows[:, j]
            for j, c in zip(coded, cardinalities):
                names = category_names(cat, c)
                col = rows[:, j]
                out[f"c{j}"] = pd.Categorical.from_codes(np.where(np.isnan(col), -1, col).astype(int), categories=names)
                # Before 3.1 names are not in the file, and before 3.4 those that are not ASCII are damaged: they are read as codes.
                kept = VERSION >= (3, 4) or (VERSION >= (3, 1) and cat != "odd")
                shown[f"c{j}"] = [None if math.isnan(v) else names[int(v)] if kept else int(v) for v in col]
            out = pd.DataFrame(out)
            listed = [[*row[:width], *(shown[f"c{j}"][i] for j in coded)] for i, row in enumerate(rows.tolist())]
            return out, listed
        as_code = lambda v, j: v if math.isnan(v) or j not in coded else int(v)  # noqa: E731
        as_flag = lambda v, j: v if j >= flags or math.isnan(v) else bool(v)  # noqa: E731
        return rows, [[as_flag(as_code(v, j), j) for j, v in enumerate(row)] for row in rows.tolist()]

    def matrix(rows, label=None, weight=None):
        more = {"feature_types": types} if types else {}
        if names:
            more["feature_names"] = names
        if cat and VERSION >= (1, 5):
            more["enable_categorical"] = True
        return xgb.DMatrix(frame(rows)[0], label=label, weight=weight, nthread=1, **more)

    settings = {"objective": objective, "booster": booster, "eta": eta, "nthread": 1, "seed": seed, "verbosity": 0}
    if booster != "gblinear":
        settings.update(max_depth=depth)
        if not (params or {}).get("tree_method"):
            settings["tree_method"] = "hist"
    else:
        settings.setdefault("updater", "coord_descent")
    if booster == "dart":
        settings.update(rate_drop=0.3)
    if objective in MULTI:
        settings["num_class"] = classes
    if parallel > 1:
        settings["num_parallel_tree"] = parallel
    if subsample:
        settings["subsample"] = subsample
    if base_score is not None:
        settings["base_score"] = base_score
    if multi_strategy:
        settings["multi_strategy"] = multi_strategy
    settings.update(params or {})

    weight = np.random.default_rng(seed).random(n) + 0.1 if weights else None
    more = {}
    fit = matrix(table, y, weight)
    if early:
        half = np.arange(n) % 2 == 0
        # Noise in the labels of a half: training there is soon overdone.
        noisy = np.where(np.random.default_rng(seed + 7).random(n) < 0.25, np.random.default_rng(seed + 8).integers(0, classes, n), y)
        fit, held = matrix(table[half], noisy[half]), matrix(table[~half], noisy[~half])
        more = {"evals": [(held, "held")], "verbose_eval": False}
        if save_best:
            more["callbacks"] = [xgb.callback.EarlyStopping(early, save_best=True)]
        else:
            more["early_stopping_rounds"] = early
    model = xgb.train(settings, fit, rounds, **more)
    of_round = parallel * (classes if objective in MULTI and not multi_strategy else 1)
    if continued:
        model = xgb.train({**settings, "eta": eta / 2, "max_depth": 2}, fit, rounds, xgb_model=model)
    if slice:
        model = model[slice[0] : slice[1]]
    if refresh:
        other, trained = matrix(table[: n // 2], y[: n // 2]), rounds_of(model, of_round)
        update = {**settings, "process_type": "update", "updater": "refresh", "refresh_leaf": True}
        model = xgb.train(update, other, trained, xgb_model=model)

    best = model.attr("best_iteration")
    stopped = early is not None and not save_best
    if stopped and (best is None or int(best) + 1 >= rounds_of(model, of_round)):
        raise ValueError("training did not stop early")
    if use is None:
        last = int(best) + 1 if stopped else 0
    else:
        last = 0 if use == "all" else use
    data = saved(model, "json")
    content = bytes(model.__getstate__()["handle"]) if snapshot else data if ext == "json" else saved(model, ext)
    about = json.loads(data)

    rows = asked(about, table, coded, cap, seed, last, flags, of_round, cat)
    shown = frame(rows)[1]
    ask = matrix(rows)
    ranged = {}
    if last != 0 and booster != "gblinear":
        ranged = {"iteration_range": (0, last)} if VERSION >= (1, 4) else {"ntree_limit": last * parallel}
    leaves = None
    if booster != "gblinear":
        leaves = np.asarray(model.predict(ask, pred_leaf=True, **ranged)).reshape(len(rows), -1)
        if multi_strategy:  # a tree with a vector in each leaf is imported as one for each class
            leaves = np.repeat(leaves, classes, axis=1)
    margin = model.predict(ask, output_margin=True, **ranged)
    if objective == "binary:logitraw":
        probability = 1 / (1 + np.exp(-margin.astype(np.float64)))
    elif objective == "multi:softmax":
        z = np.exp(margin.astype(np.float64) - margin.max(axis=1, keepdims=True))
        probability = z / z.sum(axis=1, keepdims=True)
        if not np.array_equal(np.argmax(margin, axis=1), model.predict(ask, **ranged).astype(int)):
            raise ValueError("the class is not that of the largest margin")
    else:
        probability = model.predict(ask, **ranged)
    columns = (names or model.feature_names) if VERSION >= (1, 4) else None
    arguments = [] if use is None else ["--rounds", str(use)]
    write_case(folder, content, ext, columns, shown, leaves=leaves, margin=margin, probability=probability, args=arguments)


def rounds_of(model, of_round):
    return model.num_boosted_rounds() if VERSION >= (1, 4) else len(model.get_dump()) // of_round


def saved(model, ext):
    if hasattr(model, "save_raw") and VERSION >= (1, 6):
        return bytes(model.save_raw(raw_format=ext))
    import pathlib
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / f"model.{ext}"
        model.save_model(str(path))
        return path.read_bytes()


def category_names(cat, n):
    if cat == "whole":
        return [(7 * c) % 31 - 5 + 100 * (c // 31) for c in range(n)]
    return texts(np.arange(n, dtype=float), odd=cat == "odd")


def odd_values(x, values, seed):
    """Other numbers in the columns, each a float32's."""
    rng = np.random.default_rng(seed + 11)
    n, k = x.shape
    match values:
        case "large":
            x = rng.normal(size=(n, k)) * 10.0 ** rng.integers(20, 37, k)
        case "small":
            x = rng.normal(size=(n, k)) * 10.0 ** rng.integers(-37, -25, k).astype(float)
        case "denormal":
            x = rng.integers(-60, 60, (n, k)) * 2.0**-149 * 10.0 ** rng.integers(0, 6, k)
        case "whole24":
            x = rng.integers(2**24 - 40, 2**24 + 40, (n, k)) * rng.choice([-1.0, 1.0], k)
        case "zeros":
            x = rng.choice([-1e-45, -0.0, 0.0, 1e-45, 1.0, -1.0], (n, k))
        case "dense":
            x = 1.0 + rng.integers(0, 50, (n, k)) * 2.0**-23
    return x.astype(np.float32).astype(np.float64)


def asked(about, table, coded, cap, seed, last, flags, of_round, cat):
    """Rows near the training data, and rows that get to every node and stand at its threshold."""
    base = sample(table, max(20, cap // 5), seed, fixed=[*coded, *range(flags)])
    # Categories that no one has seen, where the original has an answer for them.
    booster = about["learner"]["gradient_booster"]
    model = booster.get("gbtree", booster)["model"]
    if "trees" not in model:
        return np.vstack([base, table[: cap // 2]])
    trees = model["trees"]
    if last:
        ends = model.get("iteration_indptr")
        trees = trees[: ends[last] if ends else last * of_round]
    plain = [nodes_of(tree) for tree in trees]
    ways = reaching_rows(plain, base, ulp="both", cap=cap - len(base), seed=seed)
    if flags:
        ways = ways[np.all(np.isnan(ways[:, :flags]) | (ways[:, :flags] == 0) | (ways[:, :flags] == 1), axis=1)]
    named = cat in ("pandas", "whole", "odd")
    for j in coded:
        largest = np.nanmax(table[:, j])
        if named:
            ways = ways[~(ways[:, j] > largest)]
        else:
            more = base[:6].copy()
            more[:, j] = [largest + 1, largest + 31, 65535, 70000, 2.0**24 - 1, 2.0**24][: len(more)]
            ways = np.vstack([ways, more])
    # Infinity is no input.
    with np.errstate(over="ignore"):
        ways = ways[np.all(~np.isinf(ways.astype(np.float32)), axis=1)]
    return np.vstack([base, ways])


def nodes_of(tree):
    """(feature, threshold, left, right); of categories the chosen ones, which go right."""
    chosen = {}
    for node, begin, size in zip(*(tree.get(f"categories_{part}", []) for part in ("nodes", "segments", "sizes"))):
        chosen[node] = tree["categories"][begin : begin + size]
    out = []
    for i, (left, right) in enumerate(zip(tree["left_children"], tree["right_children"])):
        if left == -1:
            out.append((-1, 0.0, -1, -1))
        elif i in chosen:
            out.append((tree["split_indices"][i], chosen[i], right, left))
        else:
            out.append((tree["split_indices"][i], float(np.float32(tree["split_conditions"][i])), left, right))
    return out
