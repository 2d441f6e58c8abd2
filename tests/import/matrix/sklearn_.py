"""Import cases of scikit-learn, written by python/hedgerow_export.py: each is an exchange file, rows, and scikit-learn's own answers.

Probabilities are `predict_proba`, margins `decision_function`, leaves `apply`. Rows are random, stand at and beside thresholds (of float32
where the library rounds to it), miss values, and hold categories that were never seen. Cases on raw Adult rows are made where the data
folder beside the project is there; otherwise a line says that it is not.
"""

import itertools
import json
import pathlib
import sys

import common
import numpy as np
import pandas as pd
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer, make_column_selector, make_column_transformer
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.feature_selection import SelectFromModel, SelectKBest, VarianceThreshold
from sklearn.frozen import FrozenEstimator
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import (
    LogisticRegression,
    LogisticRegressionCV,
    Perceptron,
    RidgeClassifier,
    SGDClassifier,
)
from sklearn.model_selection import GridSearchCV
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline, make_union
from sklearn.preprocessing import (
    Binarizer,
    FunctionTransformer,
    MaxAbsScaler,
    MinMaxScaler,
    OneHotEncoder,
    OrdinalEncoder,
    RobustScaler,
    StandardScaler,
)
from sklearn.svm import SVC, LinearSVC, NuSVC
from sklearn.tree import DecisionTreeClassifier, ExtraTreeClassifier

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[2] / "python"))
from hedgerow_export import exchange  # noqa: E402

ADULT = HERE.parents[3] / "shared" / "data"
LABELS = ["blue", "green", "red", "teal", "zinc"]
SMALL = {
    "forest-random-missing",
    "boosting-multi",
    "hist-categories-texts",
    "linear-multi",
    "svm-rbf-multi",
    "mlp-tanh",
    "stacking-auto-passthrough",
    "calibrated-isotonic-LinearSVC",
    "pipeline-full",
    "onehot-infrequent-unknown",
    "adult-raw",
}


# ------------------------------------------------------------------------------------------------------------------- cases
def case(model, rows, *, margin=False, leaves=False, names=True, single=False):
    """The arguments of write_case. `rows`: an array or a DataFrame, as the model is given it."""
    file = exchange(model)
    columns = [i.get("name") for i in file["inputs"]]
    if isinstance(rows, pd.DataFrame):
        table = rows[columns].astype(object)
        for i in file["inputs"]:
            # A level that is a whole number is named as one.
            if isinstance(i["kind"], dict):
                table[i["name"]] = [int(v) if isinstance(v, float) and v == v and v == int(v) else v for v in table[i["name"]]]
    elif None in columns:
        table, columns = np.asarray(rows, dtype=np.float64), None
    else:
        # Some are not read: the others keep the names of their places.
        table = np.asarray(rows, dtype=np.float64)[:, [int(name[1:]) for name in columns]]
    refusals(model, rows, file["inputs"])
    answers = {"probability": model.predict_proba(rows), "labels": file["classes"]}
    if margin:
        answers["margin"] = model.decision_function(rows)
    if leaves:
        answers["leaves"] = np.asarray(model.apply(rows)).reshape(len(rows), -1)
    return {
        "model": json.dumps(file, allow_nan=False, ensure_ascii=False),
        "ext": "hedge.json",
        "columns": columns,
        "rows": table,
        **answers,
    }


def refusals(model, rows, inputs):
    """Holds what the file says of missing and unknown values to what scikit-learn does with them: an answer, or an error."""
    row = rows.iloc[:1] if isinstance(rows, pd.DataFrame) else np.asarray(rows, dtype=np.float64)[:1]

    def answered(place, value):
        changed = row.copy()
        if isinstance(row, pd.DataFrame):
            text = isinstance(value, str) or not pd.api.types.is_numeric_dtype(row[place])
            changed[place] = pd.Series([value], dtype=object if text else None, index=row.index)
        else:
            changed[0, place] = value
        try:
            return bool(np.isfinite(model.predict_proba(changed)).all())
        except ValueError:
            return False

    for k, about in enumerate(inputs):
        name = about.get("name", f"f{k}")
        place = name if isinstance(rows, pd.DataFrame) else int(name[1:])
        if answered(place, np.nan) == about["required"]:
            raise AssertionError(f"{name} missing: the file says required={about['required']}, and scikit-learn does otherwise")
        if isinstance(about["kind"], dict):
            kind = about["kind"]["category"]
            never = "no such level" if any(not level.isdigit() for level in kind["levels"]) else 987.0
            if answered(place, never) != kind["admit_unknown"]:
                raise AssertionError(f"{name} unknown: the file says admit_unknown={kind['admit_unknown']}, and scikit-learn does otherwise")


def data(classes=2, k=5, n=400, seed=0, missing=0.0, labels=True, single=False):
    """x, y (texts), rows off the training points."""
    x = common.numeric(n, k, seed=seed, single=single)
    y = common.target(x, classes, seed=seed)
    rows = common.sample(x, 60, seed=seed, single=single)
    if missing:
        x, rows = common.with_missing(x, missing, seed=seed), common.with_missing(rows, missing, seed=seed + 1)
    return x, np.array(LABELS)[y] if labels else y, rows


def scaled(classes=2, **options):
    x, y, rows = data(classes, **options)
    scaler = StandardScaler().fit(x)
    return scaler.transform(x), y, scaler.transform(rows)


def nodes(tree):
    """For common.reaching_rows."""
    t = tree.tree_
    return [(-1 if l < 0 else int(f), float(c), int(l), int(r)) for f, c, l, r in zip(t.feature, t.threshold, t.children_left, t.children_right)]


def hist_nodes(predictor):
    """Of a tree of HistGradientBoostingClassifier without categories."""
    n = predictor.nodes
    return [
        (-1 if end else int(f), min(float(c), 1e300), int(l), int(r))
        for end, f, c, l, r in zip(n["is_leaf"], n["feature_idx"], n["num_threshold"], n["left"], n["right"])
    ]


def finite_f32(rows):
    """scikit-learn refuses what float32 has no number for."""
    return rows[(np.abs(np.nan_to_num(rows)) < 3e38).all(axis=1)]


def forest_case(model, x, y, rows, missing=False, cap=500):
    model.fit(x, y)
    trees = [model] if hasattr(model, "tree_") else list(np.ravel(model.estimators_))
    at = common.reaching_rows([nodes(t) for t in trees], rows, ulp="both", cap=cap, missing=missing)
    return case(model, finite_f32(np.concatenate([rows, at])), leaves=True, margin=hasattr(model, "decision_function") and model.loss != "exponential")


def forests():
    one = {"random_state": 1, "n_jobs": 1}
    yield "random-binary", lambda: forest_case(RandomForestClassifier(12, max_depth=6, **one), *data())
    yield "random-multi", lambda: forest_case(RandomForestClassifier(6, max_depth=7, **one), *data(4))
    yield "random-missing", lambda: forest_case(RandomForestClassifier(4, max_depth=5, **one), *data(missing=0.2), missing=True, cap=150)
    yield "random-missing-multi", lambda: forest_case(RandomForestClassifier(5, **one), *data(3, missing=0.3, n=200), missing=True)
    yield "random-gaps-in-rows-only", lambda: forest_case(RandomForestClassifier(6, max_depth=6, **one), *data()[:2], data(missing=0.2)[2], missing=True)
    yield "random-balanced", lambda: forest_case(RandomForestClassifier(6, class_weight="balanced_subsample", max_leaf_nodes=20, **one), *data())
    yield "random-pure", lambda: forest_case(RandomForestClassifier(4, bootstrap=False, max_features=2, **one), *data(3, n=150))
    yield "random-monotonic", lambda: forest_case(RandomForestClassifier(5, max_depth=5, monotonic_cst=[1, 0, -1, 0, 0], **one), *data(), missing=True)
    yield "random-numbers-for-labels", lambda: forest_case(RandomForestClassifier(5, max_depth=4, **one), *data(3, labels=False))
    yield "extra-binary", lambda: forest_case(ExtraTreesClassifier(8, max_depth=7, **one), *data())
    yield "extra-multi", lambda: forest_case(ExtraTreesClassifier(5, max_depth=7, **one), *data(5))
    yield "extra-missing", lambda: forest_case(ExtraTreesClassifier(6, max_depth=6, **one), *data(missing=0.2), missing=True)
    yield "tree", lambda: forest_case(DecisionTreeClassifier(random_state=1), *data())
    yield "tree-entropy-missing", lambda: forest_case(DecisionTreeClassifier(criterion="entropy", max_depth=8, random_state=1), *data(3, missing=0.3), missing=True)
    yield "tree-extra", lambda: forest_case(ExtraTreeClassifier(max_depth=9, random_state=1), *data(3))
    yield "tree-stump", lambda: forest_case(DecisionTreeClassifier(max_depth=1, random_state=1), *data())

    def scales():
        # Thresholds from 1e-30 to 1e30, and below the smallest normal float32.
        x, y, rows = data(k=5)
        s = np.array([1e-30, 1e30, 1e-42, 1.0, 2.0**-149])
        return forest_case(RandomForestClassifier(5, max_depth=6, **one), x * s, y, rows * s)

    yield "random-extreme-scales", scales


def boosting():
    def gb(classes=2, **options):
        x, y, rows = data(classes, n=options.pop("n", 400))
        return forest_case(GradientBoostingClassifier(**{"n_estimators": 15, "learning_rate": 0.17, "random_state": 1, **options}), x, y, rows)

    yield "binary", gb
    yield "multi", lambda: gb(3, n_estimators=3, max_depth=2)
    yield "multi-deeper", lambda: gb(3, n_estimators=6)
    yield "zero-init", lambda: gb(init="zero")
    yield "zero-init-multi", lambda: gb(4, init="zero", n_estimators=5)
    yield "exponential", lambda: gb(loss="exponential")
    yield "early-stopping", lambda: gb(n_estimators=100, n_iter_no_change=3, learning_rate=0.5)
    yield "stumps-subsampled", lambda: gb(max_depth=1, subsample=0.5, n_estimators=40)
    yield "leaf-wise", lambda: gb(max_leaf_nodes=9, max_depth=None, n=800)


def hist():
    def plain(classes=2, missing=0.0, **options):
        x, y, rows = data(classes, missing=missing)
        model = HistGradientBoostingClassifier(**{"max_iter": 12, "max_leaf_nodes": 9, "random_state": 1, **options}).fit(x, y)
        trees = [hist_nodes(p) for stage in model._predictors for p in stage]
        at = common.reaching_rows(trees, rows, ulp="f64", cap=500, missing=missing > 0)
        return case(model, np.concatenate([rows, at]), margin=True)

    yield "binary", plain
    yield "multi", lambda: plain(4, max_iter=5)
    yield "missing", lambda: plain(missing=0.2)
    yield "missing-multi", lambda: plain(3, missing=0.3, max_iter=6)
    yield "few-bins-early-stopping", lambda: plain(max_bins=8, early_stopping=True, max_iter=60, learning_rate=0.4)
    yield "unbalanced-regularised", lambda: plain(class_weight="balanced", l2_regularization=2.0, interaction_cst="pairwise")

    def codes(classes=2, missing=0.0, shift=0):
        """Categories as numbers, by mask."""
        c = common.codes(500, [3, 12, 40], seed=3) + shift
        x = np.column_stack([c[:, 0], common.numeric(500, 2, seed=3), c[:, 1:]])
        y = np.array(LABELS)[common.target(x, classes, seed=3)]
        gone = common.with_missing(x, missing, seed=3) if missing else x
        model = HistGradientBoostingClassifier(max_iter=10, categorical_features=[0, 3, 4], random_state=1).fit(gone, y)
        rows = x[:80].copy()
        rows[40:50, 0], rows[50:60, 3], rows[60:70, 4] = 7 + shift, 30, 2.5  # never seen
        rows[70:, 1:3] = common.numeric(10, 2, seed=9)
        return case(model, common.with_missing(rows, 0.1, seed=4), margin=True)

    yield "categories-codes", codes
    yield "categories-codes-missing-multi", lambda: codes(3, 0.15)
    yield "categories-codes-not-from-zero", lambda: codes(shift=5)

    def texts(classes=2, missing=0.1):
        x, y, rows = frame(classes, missing=missing, unknown=True)
        x, rows = (pd.DataFrame(f) for f in (x, rows))
        for name in ("job", "city"):
            kind = pd.CategoricalDtype(sorted({v for v in x[name] if isinstance(v, str)}))
            x[name] = x[name].astype(kind)
        model = HistGradientBoostingClassifier(max_iter=10, max_leaf_nodes=8, categorical_features="from_dtype", random_state=1).fit(x, y)
        return case(model, rows, margin=True)

    yield "categories-texts", texts
    yield "categories-texts-multi", lambda: texts(3, 0.25)

    def by_name():
        x, y, rows = frame(unknown=True, missing=0.1)
        model = HistGradientBoostingClassifier(max_iter=10, categorical_features=["city", "job", "level"], random_state=1).fit(x, y)
        return case(model, rows, margin=True)

    yield "categories-by-name", by_name


def linear():
    def over(model, classes=2, **options):
        x, y, rows = scaled(classes, **options)
        return case(model.fit(x, y), np.concatenate([rows, rows * 8, rows * 0]), margin=True)

    yield "binary", lambda: over(LogisticRegression(C=2.5))
    yield "multi", lambda: over(LogisticRegression(), 4)
    yield "no-intercept", lambda: over(LogisticRegression(fit_intercept=False), 3)
    yield "liblinear", lambda: over(LogisticRegression(solver="liblinear", C=0.3))
    yield "lasso", lambda: over(LogisticRegression(solver="saga", l1_ratio=1.0, C=0.05, max_iter=3000, random_state=1), k=12)
    yield "cv", lambda: over(LogisticRegressionCV(Cs=3, cv=3, l1_ratios=(0,), use_legacy_attributes=False), 3)
    yield "one-against-rest", lambda: over(OneVsRestClassifier(LogisticRegression()), 4)
    yield "one-against-rest-binary", lambda: over(OneVsRestClassifier(LogisticRegression()))
    yield "sgd", lambda: over(SGDClassifier(loss="log_loss", random_state=1))
    yield "sgd-multi", lambda: over(SGDClassifier(loss="log_loss", random_state=1), 3)

    def unscaled():
        x, y, rows = data(k=4)
        return case(LogisticRegression(C=1e4, solver="newton-cg", max_iter=500).fit(x, y), rows, margin=True)

    yield "unscaled", unscaled


def svm():
    def over(model, classes=2):
        x, y, rows = scaled(classes, n=160)
        return case(model.set_params(probability=True, random_state=1).fit(x, y), rows, margin=True)

    yield "linear", lambda: over(SVC(kernel="linear"))
    yield "rbf", lambda: over(SVC(C=3.0))
    yield "rbf-multi", lambda: over(SVC(gamma=0.1), 4)
    yield "poly", lambda: over(SVC(kernel="poly", degree=3, coef0=0.7))
    yield "sigmoid", lambda: over(SVC(kernel="sigmoid", gamma=0.05, coef0=0.1))
    yield "sigmoid-multi", lambda: over(SVC(kernel="sigmoid", gamma=0.05), 3)
    yield "nu", lambda: over(NuSVC(nu=0.3), 3)
    yield "balanced", lambda: over(SVC(class_weight="balanced"))


def mlp():
    def over(classes=2, **options):
        x, y, rows = scaled(classes)
        return case(MLPClassifier(**{"hidden_layer_sizes": (9, 5), "random_state": 1, "max_iter": 60, **options}).fit(x, y), rows)

    for activation in ("relu", "tanh", "logistic", "identity"):
        yield activation, lambda activation=activation: over(activation=activation)
    yield "multi", lambda: over(4, hidden_layer_sizes=(12,))
    yield "deep", lambda: over(3, hidden_layer_sizes=(6, 5, 4, 3), solver="lbfgs")


def bayes():
    def over(model, classes):
        x, y, rows = data(classes)
        return case(model.fit(x, y), rows)

    yield "binary", lambda: over(GaussianNB(), 2)
    yield "multi-priors", lambda: over(GaussianNB(priors=[0.5, 0.2, 0.2, 0.1], var_smoothing=1e-3), 4)


# ----------------------------------------------------------------------------------------------------------------- members
def members():
    return [
        ("forest", RandomForestClassifier(5, max_depth=4, random_state=1)),
        ("linear", make_pipeline(StandardScaler(), LogisticRegression())),
        ("bayes", GaussianNB()),
        ("boosted", GradientBoostingClassifier(n_estimators=4, random_state=1)),
    ]


def stacking():
    def over(classes=2, final=None, inner=None, **options):
        x, y, rows = data(classes, n=250)
        model = StackingClassifier(inner or members(), LogisticRegression(max_iter=3000) if final is None else final, **{"cv": 3, **options}).fit(x, y)
        return case(model, rows, margin=hasattr(model, "decision_function"))

    machines = [("svm", make_pipeline(StandardScaler(), SVC())), ("ridge", make_pipeline(StandardScaler(), RidgeClassifier()))]
    for classes, kind in ((2, ""), (3, "-multi")):
        yield f"auto{kind}", lambda c=classes: over(c)
        yield f"proba{kind}", lambda c=classes: over(c, stack_method="predict_proba")
        yield f"predict{kind}", lambda c=classes: over(c, inner=members() + machines, stack_method="predict")
        yield f"decision{kind}", lambda c=classes: over(c, inner=machines + [("lr", LogisticRegression(max_iter=5000))], stack_method="decision_function")
        yield f"mixed{kind}", lambda c=classes: over(c, inner=members() + machines + [("svc", LinearSVC(max_iter=20000))])

    def passthrough(**options):
        x, y, rows = scaled(2, n=250)
        model = StackingClassifier(members()[1:], LogisticRegression(), cv=3, passthrough=True, **options).fit(x, y)
        return case(model, rows, margin=True)

    yield "auto-passthrough", passthrough
    yield "final-forest", lambda: over(final=RandomForestClassifier(4, max_depth=3, random_state=1))
    yield "final-boosting-multi", lambda: over(3, final=GradientBoostingClassifier(n_estimators=3, random_state=1))
    yield "final-hist", lambda: over(final=HistGradientBoostingClassifier(max_iter=4, random_state=1), passthrough=True)
    yield "final-svm", lambda: over(final=SVC(probability=True, random_state=1))
    yield "final-mlp-scaled", lambda: over(3, final=make_pipeline(StandardScaler(), MLPClassifier((4,), random_state=1, max_iter=80)))
    yield "final-scaled", lambda: over(final=make_pipeline(MinMaxScaler(), StandardScaler(), LogisticRegression()), passthrough=True)
    yield "final-bayes", lambda: over(3, final=GaussianNB())
    yield "dropped-member", lambda: over(inner=[*members()[:2], ("gone", "drop"), *members()[2:]])

    def nested():
        inner = StackingClassifier(members()[:2], LogisticRegression(), cv=3)
        voted = VotingClassifier(members()[1:3], voting="soft", weights=[2, 1])
        calibrated = CalibratedClassifierCV(GaussianNB(), cv=2)
        return over(inner=[("inner", inner), ("voted", voted), ("calibrated", calibrated)])

    yield "nested", nested

    def prefit():
        x, y, rows = data(3)
        inner = [(name, one.fit(x[:200], y[:200])) for name, one in members()]
        return case(StackingClassifier(inner, LogisticRegression(max_iter=3000), cv="prefit").fit(x[200:], y[200:]), rows, margin=True)

    yield "prefit", prefit

    def frames():
        x, y, rows = frame(missing=0.1, unknown=True)
        one_hot = make_column_transformer(
            (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "income"]),
            (make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")), ["job", "city"]),
        )
        ordinal = make_column_transformer(
            (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2), ["job", "city"]),
            remainder="passthrough",
        )
        inner = [
            ("linear", make_pipeline(one_hot, LogisticRegression(max_iter=2000))),
            ("forest", make_pipeline(ordinal, RandomForestClassifier(6, max_depth=6, random_state=1))),
            ("hist", HistGradientBoostingClassifier(max_iter=6, categorical_features=["job", "city"], random_state=1)),
        ]
        return case(StackingClassifier(inner, LogisticRegression(), cv=3).fit(x, y), rows, margin=True)

    yield "frames", frames


def voting():
    def over(classes=2, **options):
        x, y, rows = data(classes)
        return case(VotingClassifier(options.pop("inner", members()), voting="soft", **options).fit(x, y), rows)

    yield "binary", over
    yield "weights-multi", lambda: over(3, weights=[2, 1, 0.5, 3])
    yield "dropped-member", lambda: over(inner=[*members()[:2], ("gone", "drop"), *members()[2:]], weights=[2, 1, 7, 0.5, 3])
    yield "of-votes", lambda: over(inner=[("a", VotingClassifier(members()[:2], voting="soft")), ("b", GaussianNB())])


def calibrated():
    bases = {
        "LinearSVC": lambda: LinearSVC(random_state=1),
        "RidgeClassifier": RidgeClassifier,
        "Perceptron": lambda: Perceptron(random_state=1),
        "SGDClassifier": lambda: SGDClassifier(random_state=1),
        "SVC": lambda: SVC(C=0.8),
        "GaussianNB": lambda: GaussianNB(var_smoothing=1.0),
        "RandomForest": lambda: RandomForestClassifier(5, max_depth=4, random_state=1),
        "GradientBoosting": lambda: GradientBoostingClassifier(n_estimators=4, random_state=1),
        "HistGradientBoosting": lambda: HistGradientBoostingClassifier(max_iter=4, random_state=1),
        "LogisticRegression": LogisticRegression,
        "Stacking": lambda: StackingClassifier([("bayes", GaussianNB())], LogisticRegression(), cv=3),
    }

    def over(make, classes, **options):
        x, y, rows = scaled(classes, n=300)
        # Wrong labels, so that there is something to correct.
        wrong = np.random.default_rng(2).random(len(y)) < 0.15
        noisy = np.where(wrong, np.roll(y, 7), y)
        model = CalibratedClassifierCV(make(), cv=3, **options).fit(x, noisy)
        # Where a naive Bayes is sure to the last bit, that bit decides what an isotonic curve or a logarithm makes of it.
        return case(model, rows if isinstance(model.estimator, GaussianNB) else np.concatenate([rows, rows * 5]))

    ways = itertools.cycle([("sigmoid", True, 2), ("isotonic", True, 3), ("temperature", True, 2), ("sigmoid", False, 3), ("isotonic", False, 2), ("temperature", False, 3)])
    for name, make in bases.items():
        for method, ensemble, classes in itertools.islice(ways, 3):
            kind = f"{method}-{name}{'' if ensemble else '-one'}{'' if classes == 2 else '-multi'}"
            yield kind, lambda m=make, c=classes, o={"method": method, "ensemble": ensemble}: over(m, c, **o)
        next(ways)
    yield "isotonic-LinearSVC", lambda: over(bases["LinearSVC"], 2, method="isotonic", ensemble="auto")

    def frozen(method):
        x, y, rows = scaled(3)
        base = LogisticRegression().fit(x[:200], y[:200])
        return case(CalibratedClassifierCV(FrozenEstimator(base), method=method).fit(x[200:], y[200:]), rows)

    yield "sigmoid-frozen", lambda: frozen("sigmoid")
    yield "temperature-frozen", lambda: frozen("temperature")

    def in_pipeline():
        x, y, rows = frame(missing=0.1)
        before = make_column_transformer(
            (make_pipeline(SimpleImputer(), StandardScaler()), ["age", "income"]),
            (OneHotEncoder(handle_unknown="ignore"), ["city"]),
        )
        # Each fold has encoders of its own.
        return case(CalibratedClassifierCV(make_pipeline(before, LinearSVC(random_state=1)), cv=3).fit(x, y), rows)

    yield "sigmoid-of-pipelines", in_pipeline


# --------------------------------------------------------------------------------------------------------------- pipelines
def frame(classes=2, n=400, missing=0.0, unknown=False, seed=7, strict=False):
    """A table of numbers and texts: x, y, rows. `missing`: share of empty cells; `unknown`: rows hold texts that x does not."""
    x = common.numeric(n, 2, seed=seed, single=False)
    code = common.codes(n, [6, 9, 4], seed=seed)
    y = np.array(LABELS)[common.target(np.column_stack([x, code]), classes, seed=seed)]
    table = pd.DataFrame({
        "age": np.round(np.abs(x[:, 0]) * 20 + 18),
        "income": x[:, 1],
        "job": pd.Series(common.texts(code[:, 0], "job"), dtype=object),
        "city": pd.Series(common.texts(code[:, 1], "city", odd=False), dtype=object),
        "level": code[:, 2],
    })
    rows = table.iloc[:90].reset_index(drop=True)
    if unknown:
        rows.loc[30:39, "job"] = "never seen"
        rows.loc[35:44, "city"] = ""
        rows.loc[35:44, "city"] = "City 0"
        rows.loc[45:49, "level"] = 11.0
    for t, s in ((table, seed), (rows, seed + 1)):
        gone = np.random.default_rng(s).random(t.shape) < missing
        for k, name in enumerate(t.columns):
            t.loc[gone[:, k], name] = np.nan
    return table, y, rows


def at_scaled_thresholds(model, scaler, rows):
    """Rows at which the scaled value is at a threshold, and some f64 and f32 beside."""
    out = []
    rng = np.random.default_rng(5)
    for tree in model.estimators_:
        for feature, threshold, left, _ in nodes(tree):
            if feature < 0:
                continue
            blank = np.zeros((1, rows.shape[1]))
            blank[0, feature] = threshold
            value = scaler.inverse_transform(blank)[0, feature]
            for ulp in (value, *common.beside(value, "both"), *(value * (1 + s * 2.0**-k) for s in (-1, 1) for k in (22, 23, 24, 25, 26))):
                row = rows[rng.integers(len(rows))].copy()
                row[feature] = ulp
                out.append(row)
    rng.shuffle(out)
    return np.array(out[:600])


def pipelines():
    scalers = {
        "standard": lambda: StandardScaler(),
        "standard-no-mean": lambda: StandardScaler(with_mean=False),
        "standard-no-std": lambda: StandardScaler(with_std=False),
        "minmax": lambda: MinMaxScaler(),
        "minmax-clip": lambda: MinMaxScaler((-1, 3), clip=True),
        "maxabs": lambda: MaxAbsScaler(),
        "maxabs-clip": lambda: MaxAbsScaler(clip=True),
        "robust": lambda: RobustScaler(quantile_range=(10, 80)),
        "robust-unit": lambda: RobustScaler(with_centering=False, unit_variance=True),
        "binarizer": lambda: Binarizer(threshold=0.5),
    }

    def scale(scaler):
        x, y, rows = data(3)
        return case(make_pipeline(scaler, LogisticRegression(max_iter=5000)).fit(x, y), np.concatenate([rows, rows * 3]), margin=True)

    def scale_trees(scaler):
        x, y, rows = data(missing=0.0)
        model = make_pipeline(scaler, RandomForestClassifier(5, max_depth=5, random_state=1)).fit(x, y)
        near = at_scaled_thresholds(model[-1], model[0], rows)
        return case(model, np.concatenate([rows, near]))

    for name, scaler in scalers.items():
        yield f"scale-{name}", lambda s=scaler: scale(s())
        if name != "binarizer":
            yield f"scale-{name}-forest", lambda s=scaler: scale_trees(s())

    def impute(imputer, final, marker=None, empty=False):
        x, y, rows = data(missing=0.2)
        x[:, 4], rows[:, 4] = np.round(x[:, 4]), np.round(rows[:, 4])
        if empty:
            x[:, 2] = np.nan
        if marker is not None:
            x, rows = (np.where(np.isnan(v), marker, v) for v in (x, rows))
        return case(make_pipeline(imputer, final()).fit(x, y), rows)

    def lr():
        return make_pipeline(StandardScaler(), LogisticRegression(max_iter=3000))

    def rf():
        return RandomForestClassifier(5, max_depth=5, random_state=1)

    for strategy in ("mean", "median", "most_frequent", "constant"):
        options = {"strategy": strategy, "fill_value": -7.5 if strategy == "constant" else None}
        yield f"impute-{strategy}", lambda o=options: impute(SimpleImputer(**o), lr)
        yield f"impute-{strategy}-indicator-forest", lambda o=options: impute(SimpleImputer(**o, add_indicator=True), rf)
    yield "impute-indicator", lambda: impute(SimpleImputer(add_indicator=True), lr)
    yield "impute-marker", lambda: impute(SimpleImputer(missing_values=-999.0, add_indicator=True), lr, marker=-999.0)
    yield "impute-marker-forest", lambda: impute(SimpleImputer(missing_values=-999.0, strategy="median"), rf, marker=-999.0)
    yield "impute-empty-column", lambda: impute(SimpleImputer(), lr, empty=True)
    yield "impute-empty-column-kept", lambda: impute(SimpleImputer(keep_empty_features=True), lr, empty=True)
    yield "missing-indicator", lambda: impute(make_union(SimpleImputer(), MissingIndicator(features="all")), lr)
    yield "missing-indicator-forest", lambda: impute(make_union("passthrough", MissingIndicator(features="all")), rf)
    yield "select-best", lambda: impute(make_pipeline(SimpleImputer(), SelectKBest(k=3)), lr)
    yield "select-from-model", lambda: impute(make_pipeline(SimpleImputer(), SelectFromModel(rf())), rf)
    yield "select-variance", lambda: impute(make_pipeline(VarianceThreshold(1.0), SimpleImputer(), FunctionTransformer()), lr)

    def transformed(transformer, final, classes=2, margin=False, **options):
        x, y, rows = frame(classes, **options)
        return case(make_pipeline(transformer, final).fit(x, y), rows, margin=margin)

    def full():
        return ColumnTransformer([
            ("numbers", make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler()), ["age", "income"]),
            ("texts", make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore")), ["job"]),
            ("city", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["city"]),
            ("left", "drop", ["level"]),
        ])

    gaps = {"missing": 0.15, "unknown": True}
    yield "full", lambda: transformed(full(), LogisticRegression(max_iter=2000), margin=True, **gaps)
    yield "full-multi", lambda: transformed(full(), LogisticRegression(max_iter=2000), 4, margin=True, **gaps)
    yield "full-forest", lambda: transformed(full(), RandomForestClassifier(8, max_depth=7, random_state=1), **gaps)
    yield "full-boosting", lambda: transformed(full(), GradientBoostingClassifier(n_estimators=10, random_state=1), margin=True, **gaps)
    yield "full-hist", lambda: transformed(full().set_params(sparse_threshold=0), HistGradientBoostingClassifier(max_iter=8, random_state=1), 3, **gaps)
    yield "full-svm", lambda: transformed(full(), SVC(probability=True, random_state=1), margin=True, n=150, **gaps)
    yield "full-mlp", lambda: transformed(full(), MLPClassifier((6,), max_iter=40, random_state=1), 3, **gaps)
    yield "full-bayes", lambda: transformed(full().set_params(sparse_threshold=0), GaussianNB(), **gaps)
    yield "full-searched", lambda: transformed(full(), GridSearchCV(LogisticRegression(max_iter=2000), {"C": [0.1, 1.0]}, cv=2), margin=True, **gaps)
    yield "full-scaled-again", lambda: transformed(make_pipeline(full().set_params(sparse_threshold=1.0), MaxAbsScaler(), StandardScaler(with_mean=False)), LogisticRegression(max_iter=2000), **gaps)

    def columns(kind):
        x, y, rows = frame(missing=0.1)
        scale = make_pipeline(SimpleImputer(), StandardScaler())
        code = OneHotEncoder(handle_unknown="ignore")
        numbers = {
            "ints": [0, 1], "slice": slice(0, 2), "mask": [True, True, False, False, False], "callable": make_column_selector("age|income"),
            "names-slice": slice("age", "income"), "negative": [-5, -4],
        }[kind]
        before = ColumnTransformer([("n", scale, numbers), ("c", code, ["city"])], remainder=SimpleImputer(strategy="most_frequent"))
        before = ColumnTransformer([("n", scale, numbers), ("c", code, make_column_selector(dtype_include=object)), ("e", "drop", [])], remainder="drop")
        return case(make_pipeline(before, LogisticRegression(max_iter=2000)).fit(x, y), rows, margin=True)

    for kind in ("ints", "slice", "mask", "callable", "names-slice", "negative"):
        yield f"columns-{kind}", lambda k=kind: columns(k)

    def remainder():
        x, y, rows = frame(missing=0.1, unknown=True)
        before = ColumnTransformer([("c", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), ["city", "job"])], remainder="passthrough")
        return case(make_pipeline(before, RandomForestClassifier(6, max_depth=7, random_state=1)).fit(x, y), rows)

    yield "remainder-forest", remainder

    def pandas_out():
        x, y, rows = frame(missing=0.1, unknown=True)
        first = ColumnTransformer([("n", SimpleImputer(), ["age", "income"]), ("c", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["job"])], verbose_feature_names_out=False)
        second = ColumnTransformer([("s", StandardScaler(), ["income", "age"])], remainder="passthrough")
        model = make_pipeline(first, second, LogisticRegression(max_iter=2000)).set_output(transform="pandas").fit(x, y)
        return case(model, rows, margin=True)

    yield "frames-between", pandas_out

    def shuffled():
        # Inputs in another order than the transformer's, one of them used twice.
        x, y, rows = frame(missing=0.1)
        before = ColumnTransformer([("a", SimpleImputer(), ["income"]), ("b", make_pipeline(SimpleImputer(strategy="median"), MinMaxScaler()), ["age", "income"]), ("c", "passthrough", ["level"])])
        model = make_pipeline(before, SimpleImputer(), RandomForestClassifier(5, max_depth=6, random_state=1)).fit(x, y)
        return case(model, rows)

    yield "columns-twice", shuffled


def encoders():
    def one_hot(encoder, names=("job",), final=None, imputer=None, classes=2, rows_of=None, **options):
        x, y, rows = frame(classes, **options)
        rows = rows if rows_of is None else rows_of(rows)
        text = encoder if imputer is None else make_pipeline(imputer, encoder)
        before = make_column_transformer((text, list(names)), (SimpleImputer(), ["income"]))
        final = LogisticRegression(max_iter=3000) if final is None else final
        return case(make_pipeline(before, final).fit(x, y), rows, margin=hasattr(final, "decision_function"))

    forest = RandomForestClassifier(6, max_depth=8, random_state=1)
    unknown, gaps = {"unknown": True}, {"unknown": True, "missing": 0.2}
    rare = OneHotEncoder(min_frequency=30, handle_unknown="infrequent_if_exist")
    all_cases = {
        "error": (OneHotEncoder(), {}),
        "error-two": (OneHotEncoder(), {"names": ("city", "job")}),
        "ignore": (OneHotEncoder(handle_unknown="ignore"), unknown),
        "drop-first": (OneHotEncoder(drop="first"), {}),
        "drop-if-binary": (OneHotEncoder(drop="if_binary"), {"names": ("job", "level")}),
        "drop-first-ignore": (OneHotEncoder(drop="first", handle_unknown="ignore"), unknown),
        "missing-is-a-category": (OneHotEncoder(handle_unknown="ignore"), gaps),
        "missing-is-a-category-error": (OneHotEncoder(), {"missing": 0.2}),
        "missing-is-dropped": (OneHotEncoder(drop=[np.nan], handle_unknown="ignore"), gaps),
        "infrequent-ignore": (OneHotEncoder(min_frequency=30, handle_unknown="ignore"), gaps),
        "infrequent-error": (OneHotEncoder(min_frequency=0.1), {"missing": 0.2}),
        "infrequent-unknown": (rare, gaps),
        "infrequent-unknown-no-gap-seen": (rare, {"unknown": True}),
        "infrequent-missing": (OneHotEncoder(min_frequency=60, handle_unknown="infrequent_if_exist"), {"unknown": True, "missing": 0.05}),
        "infrequent-warn": (OneHotEncoder(max_categories=4, handle_unknown="warn"), gaps),
        "infrequent-dropped": (OneHotEncoder(max_categories=3, drop="first", handle_unknown="ignore"), gaps),
        "numbers": (OneHotEncoder(handle_unknown="ignore"), {"names": ("level",), **unknown}),
        "numbers-missing": (OneHotEncoder(handle_unknown="ignore"), {"names": ("level",), **gaps}),
        "numbers-error": (OneHotEncoder(), {"names": ("level",)}),
        "numbers-infrequent": (OneHotEncoder(max_categories=3, handle_unknown="infrequent_if_exist"), {"names": ("level",), **gaps}),
        "imputed": (OneHotEncoder(handle_unknown="ignore"), {"imputer": SimpleImputer(strategy="most_frequent"), **gaps}),
        "imputed-constant": (OneHotEncoder(handle_unknown="ignore"), {"imputer": SimpleImputer(strategy="constant", fill_value="none"), **gaps}),
        "imputed-error": (OneHotEncoder(), {"imputer": SimpleImputer(strategy="constant"), "missing": 0.2}),
        "imputed-indicator": (make_union(OneHotEncoder(handle_unknown="ignore"), MissingIndicator(features="all")), gaps),
    }
    for name, (encoder, options) in all_cases.items():
        yield f"onehot-{name}", lambda e=encoder, o=options: one_hot(e, **o)
        yield f"onehot-{name}-forest", lambda e=encoder, o=options: one_hot(e, final=forest, **o)

    def never_missing_in_training(encoder, final):
        x, y, _ = frame()
        _, _, rows = frame(missing=0.2, unknown=True)
        before = make_column_transformer((encoder, ["job", "city"]), (SimpleImputer(), ["income"]))
        return case(make_pipeline(before, final).fit(x, y), rows)

    for name, final in (("", LogisticRegression(max_iter=3000)), ("-forest", forest)):
        yield f"onehot-gaps-in-rows-only{name}", lambda f=final: never_missing_in_training(OneHotEncoder(handle_unknown="ignore"), f)
        yield f"onehot-infrequent-gaps-in-rows-only{name}", lambda f=final: never_missing_in_training(rare, f)

    ordinal = {"handle_unknown": "use_encoded_value"}
    ordinals = {
        "error": (OrdinalEncoder(), {}),
        "unknown-minus-one": (OrdinalEncoder(**ordinal, unknown_value=-1), unknown),
        "unknown-missing": (OrdinalEncoder(**ordinal, unknown_value=np.nan), gaps),
        "missing-minus-two": (OrdinalEncoder(**ordinal, unknown_value=-1, encoded_missing_value=-2), gaps),
        "missing-error": (OrdinalEncoder(encoded_missing_value=-1), {"missing": 0.2}),
        "unknown-missing-apart": (OrdinalEncoder(**ordinal, unknown_value=np.nan, encoded_missing_value=-1), gaps),
        "given-order": (OrdinalEncoder(categories=[["Ünïcode 🌿", "1", 'a "quoted", text', " padded ", "job 5", "job 4"]]), {}),
        "infrequent": (OrdinalEncoder(**ordinal, unknown_value=-1, min_frequency=40), gaps),
        "numbers": (OrdinalEncoder(**ordinal, unknown_value=-1, encoded_missing_value=-1), {"names": ("level",), **gaps}),
    }
    for name, (encoder, options) in ordinals.items():
        yield f"ordinal-{name}-forest", lambda e=encoder, o=options: one_hot(e, final=forest, **o)
        nan = name in ("unknown-missing", "unknown-missing-apart", "infrequent")
        final = make_pipeline(SimpleImputer(strategy="constant", fill_value=-3.0), LogisticRegression(max_iter=3000)) if nan else None
        yield f"ordinal-{name}", lambda e=encoder, o=options, f=final: one_hot(e, final=f, **o)

    def flags():
        x, y, _ = frame()
        x = pd.DataFrame({"member": x["level"] > 1, "income": x["income"]})
        before = make_column_transformer((OneHotEncoder(), ["member"]), remainder="passthrough")
        return case(make_pipeline(before, LogisticRegression(max_iter=3000)).fit(x, y), x.iloc[:50], margin=True)

    yield "onehot-flags", flags


# --------------------------------------------------------------------------------------------------- other libraries inside
def boosters():
    from lightgbm import LGBMClassifier
    from xgboost import XGBClassifier

    def over(model, classes=2, **options):
        x, y, rows = data(classes, labels=False, missing=0.1, single=True)
        made = case(model.fit(x, y), rows)
        return {**made, "tolerance": 1e-6}

    xgb = {"n_estimators": 8, "max_depth": 3, "n_jobs": 1, "random_state": 1}
    lgbm = {"n_estimators": 8, "num_leaves": 7, "n_jobs": 1, "random_state": 1, "verbose": -1}
    yield "xgboost", lambda: over(XGBClassifier(**xgb))
    yield "xgboost-multi", lambda: over(XGBClassifier(**xgb), 3)
    yield "xgboost-marker", lambda: over(make_pipeline(SimpleImputer(strategy="constant", fill_value=-999.0), XGBClassifier(**xgb, missing=-999.0)))
    yield "lightgbm", lambda: over(LGBMClassifier(**lgbm))
    yield "lightgbm-multi", lambda: over(LGBMClassifier(**lgbm), 4)

    def pipeline(model):
        x, y, rows = frame(missing=0.15, unknown=True)
        y = (y == y[0]).astype(int)
        before = make_column_transformer(
            (OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["job"]),
            (OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), ["city"]),
            (StandardScaler(), ["age"]),
            remainder="passthrough",
        )
        return {**case(make_pipeline(before, model).fit(x, y), rows), "tolerance": 1e-6}

    yield "xgboost-pipeline", lambda: pipeline(XGBClassifier(**xgb))
    yield "lightgbm-pipeline", lambda: pipeline(LGBMClassifier(**lgbm))

    def sparse(model, classes=2, before=None):
        """A sparse matrix, whose zeros XGBoost takes as missing, also those of numbers."""
        x, y, rows = frame(classes, missing=0.15, unknown=True)
        for t in (x, rows):
            t.loc[t.index % 3 == 0, "income"] = 0.0
            t["level"] = t["level"] - 1.0
        y = np.unique(y, return_inverse=True)[1]
        if before is None:
            before = make_column_transformer(
                (OneHotEncoder(handle_unknown="ignore"), ["job", "city"]), ("passthrough", ["age", "income", "level"])
            )
        made = make_pipeline(before, model).fit(x, y)
        if not hasattr(made[0].transform(rows), "tocsr"):
            raise AssertionError("it is not sparse")
        return {**case(made, rows), "tolerance": 1e-6}

    def unions():
        numbers = make_column_transformer((SimpleImputer(strategy="constant", fill_value=0.0), ["income", "age"]))
        codes = make_column_transformer((OneHotEncoder(handle_unknown="ignore"), ["city"]))
        return make_pipeline(make_union(numbers, codes), StandardScaler(with_mean=False))

    def members():
        both = [("xgb", XGBClassifier(**xgb)), ("lgbm", LGBMClassifier(**lgbm))]
        yield "voted", VotingClassifier(both, voting="soft")
        yield "stacked", StackingClassifier(both, LogisticRegression(), cv=3)
        yield "calibrated", CalibratedClassifierCV(XGBClassifier(**xgb), cv=2)

    yield "xgboost-sparse", lambda: sparse(XGBClassifier(**xgb))
    yield "xgboost-sparse-multi", lambda: sparse(XGBClassifier(**xgb), 3)
    yield "xgboost-sparse-marker", lambda: sparse(XGBClassifier(**xgb, missing=2.0))
    yield "xgboost-sparse-union", lambda: sparse(XGBClassifier(**xgb), 3, unions())
    yield "lightgbm-sparse", lambda: sparse(LGBMClassifier(**lgbm), 3)
    yield "forest-sparse", lambda: sparse(RandomForestClassifier(5, max_depth=5, random_state=1), 3, unions())
    for name, model in members():
        yield f"sparse-{name}", lambda model=model: sparse(model, 3)

    def texts(model):
        """Categories by pandas: the booster's file knows their texts."""
        x, y, rows = frame(missing=0.1)
        x, y = x.iloc[:, [0, 3, 1, 2]], (y == y[0]).astype(int)
        # XGBoost damages names that are not ASCII.
        x, rows = (t.assign(job=t["job"].str.replace("Ünïcode 🌿", "leaf")) for t in (x, rows))
        kinds = {name: pd.CategoricalDtype(sorted({v for v in x[name] if isinstance(v, str)})) for name in ("city", "job")}
        rows = rows[x.columns].astype(kinds)
        model.fit(x.astype(kinds), y)
        file = exchange(model)
        text = json.dumps(file, allow_nan=False, ensure_ascii=False)
        answers = {"probability": model.predict_proba(rows), "labels": file["classes"], "tolerance": 1e-6}
        return {"model": text, "ext": "hedge.json", "columns": list(x.columns), "rows": rows.astype(object), **answers}

    yield "xgboost-texts", lambda: texts(XGBClassifier(**xgb, enable_categorical=True, max_cat_to_onehot=3))
    yield "lightgbm-texts", lambda: texts(LGBMClassifier(**lgbm, min_data_per_group=5, cat_smooth=1.0))

    def stacked():
        inner = [("xgb", XGBClassifier(**xgb)), ("lgbm", LGBMClassifier(**lgbm)), ("hist", HistGradientBoostingClassifier(max_iter=4, random_state=1))]
        return over(StackingClassifier(inner, LogisticRegression(), cv=3))

    yield "stacked", stacked
    yield "voted", lambda: over(VotingClassifier([("xgb", XGBClassifier(**xgb)), ("lgbm", LGBMClassifier(**lgbm))], voting="soft"))
    yield "calibrated", lambda: over(CalibratedClassifierCV(LGBMClassifier(**lgbm), cv=2))


# ------------------------------------------------------------------------------------------------------------------- Adult
def adult():
    """Raw rows of UCI Adult (Becker and Kohavi, 1996, CC BY 4.0)."""
    if not (ADULT / "adult_train.csv").exists():
        print(f"sklearn: no Adult rows at {ADULT}, so no case on them", flush=True)
        return
    for name, model in adult_models().items():

        def make(model=model):
            train, y = adult_rows("train", 6000)
            rows, _ = adult_rows("test", 400)
            return case(model.fit(train, y), rows)

        yield name, make


    yield "raw", adult_raw


def adult_raw():
    """A small model of all that a pipeline on raw rows has, and 64 rows of the test part, some with more missing, some with texts that
    were never seen."""
    train, y = adult_rows("train", 6000)
    linear, forest, hist = (adult_models()[name] for name in ("linear", "forest", "hist"))
    forest.set_params(randomforestclassifier__n_estimators=6, randomforestclassifier__max_depth=5)
    hist.set_params(histgradientboostingclassifier__max_iter=12, histgradientboostingclassifier__max_leaf_nodes=12)
    model = StackingClassifier([("linear", linear), ("forest", forest), ("hist", hist)], LogisticRegression(), cv=3).fit(train, y)
    rows, _ = adult_rows("test", 4000)
    gaps = rows[rows.isna().any(axis=1)].iloc[:16]
    rows = pd.concat([rows.iloc[:40], gaps, rows.iloc[40:48]], ignore_index=True)
    for k, (name, value) in enumerate([("native_country", "Atlantis"), ("occupation", "Shepherd"), ("age", None), ("sex", None)]):
        rows.loc[56 + 2 * k : 57 + 2 * k, name] = value
    return case(model, rows, margin=True)


def adult_rows(part, n):
    table = pd.read_csv(ADULT / f"adult_{part}.csv", nrows=n)
    return table.drop(columns="income"), table["income"]


def adult_models():
    numbers = make_column_selector(dtype_include="number")
    texts = make_column_selector(dtype_exclude="number")
    before = ColumnTransformer([
        ("numbers", make_pipeline(SimpleImputer(strategy="median"), StandardScaler()), numbers),
        ("texts", make_pipeline(SimpleImputer(strategy="most_frequent"), OneHotEncoder(handle_unknown="ignore", min_frequency=20)), texts),
    ])
    linear = make_pipeline(before, LogisticRegression(max_iter=1000))
    forest = make_pipeline(before, RandomForestClassifier(20, max_depth=9, random_state=1))
    order = ColumnTransformer(
        [("texts", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan), texts)], remainder="passthrough"
    )
    hist = make_pipeline(order, HistGradientBoostingClassifier(max_iter=40, categorical_features=list(range(8)), random_state=1))
    return {
        "linear": linear,
        "forest": forest,
        "hist": hist,
        "stacking": StackingClassifier([("linear", linear), ("forest", forest), ("hist", hist)], LogisticRegression(), cv=3),
    }


GROUPS = {
    "forest": forests,
    "boosting": boosting,
    "hist": hist,
    "linear": linear,
    "svm": svm,
    "mlp": mlp,
    "bayes": bayes,
    "stacking": stacking,
    "voting": voting,
    "calibrated": calibrated,
    "pipeline": pipelines,
    "": encoders,
    "booster": boosters,
    "adult": adult,
}


def cases(small):
    for group, make in GROUPS.items():
        for name, arguments in make():
            name = f"{group}-{name}".strip("-")
            if not small or name in SMALL:
                yield name, writer(arguments)


def writer(arguments):
    return lambda folder: common.write_case(folder, **arguments())
