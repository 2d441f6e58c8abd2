"""Writes the goldens of tests/conformance.rs: fitted scikit-learn estimators, rows, and scikit-learn's own answers.

    pip install -r requirements.txt && python generate.py

Each file holds cases. A case has `rows` (null: missing) and what scikit-learn answers to them: `probability` of a `model`
(for forests also `leaf_ids`), or the columns `x` of `encoders`. Models and encoders are written as their fitted attributes,
by the names that src/model and src/pipeline.rs give them. Data comes with scikit-learn (iris, wine, breast cancer) or from a
seeded generator below.

scikit-learn's tree ensembles compare `float32(x) <= threshold`; `floor32` turns such a threshold into the largest float64 `c`
for which `x <= c` asks the same.
"""

import json
import pathlib
import warnings

import numpy as np
import sklearn
from sklearn.calibration import CalibratedClassifierCV
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC

HERE = pathlib.Path(__file__).parent
VERSION = "1.9.1"
LARGEST = float(np.finfo(float).max)


# ------------------------------------------------------------------------------------------------------------------ data
def data(name):
    """x, y of one of the data sets."""
    if name == "iris":
        return load_iris(return_X_y=True)
    if name == "wine":
        return load_wine(return_X_y=True)
    x, y = load_breast_cancer(return_X_y=True)
    return x[:, :8], y


def scaled(name):
    x, y = data(name)
    return StandardScaler().fit_transform(x), y


def missing(x, rate=0.15, seed=5):
    """x with values missing at random."""
    x = x.copy()
    x[np.random.default_rng(seed).random(x.shape) < rate] = np.nan
    return x


def some(x, n=40, seed=3):
    """n rows of x, moved off the training points."""
    rng = np.random.default_rng(seed)
    rows = x[rng.choice(len(x), n)]
    return rows + rng.normal(size=rows.shape) * np.nanstd(x, axis=0) * 0.3


# ----------------------------------------------------------------------------------------------------------------- forests
def floor32(threshold):
    """The largest finite float64 whose rounding to float32 is at most `threshold`."""
    if threshold == np.inf:
        return LARGEST
    t = np.float32(threshold)
    if np.float64(t) > threshold:
        t = np.nextafter(t, np.float32(-np.inf))
    middle = (np.float64(t) + np.float64(np.nextafter(t, np.float32(np.inf)))) / 2
    return float(middle if np.float32(middle) <= t else np.nextafter(middle, -np.inf))


def tree_of(tree, leaf, output=0):
    """A sklearn.tree tree. `leaf`: from the values of a node to the numbers of a leaf."""
    nodes = tree.__getstate__()["nodes"]
    is_leaf = nodes["left_child"] < 0
    return {
        "output": output,
        "feature": [-1 if l else int(f) for l, f in zip(is_leaf, nodes["feature"])],
        "threshold": [0 if l else floor32(t) for l, t in zip(is_leaf, nodes["threshold"])],
        "default_left": [int(m) for m in nodes["missing_go_to_left"]],
        "left": [int(c) for c in nodes["left_child"]],
        "right": [int(c) for c in nodes["right_child"]],
        "leaf": [leaf(v) if l else 0 for l, v in zip(is_leaf, tree.value)],
    }


def average(forest):
    trees = [tree_of(e.tree_, lambda v: v[0].tolist()) for e in forest.estimators_]
    return {
        "type": "forest",
        "link": "average",
        "n_features": forest.n_features_in_,
        "n_classes": len(forest.classes_),
        "base": [],
        "trees": trees,
    }


def boosted(gb):
    def leaf(v):
        return [float(gb.learning_rate * v[0, 0])]

    trees = [tree_of(e.tree_, leaf, k) for stage in gb.estimators_ for k, e in enumerate(stage)]
    base = gb._raw_predict_init(np.zeros((1, gb.n_features_in_)))[0]
    return {
        "type": "forest",
        "link": "sigmoid" if len(gb.classes_) == 2 else "softmax",
        "n_features": gb.n_features_in_,
        "n_classes": len(gb.classes_),
        "base": base.tolist(),
        "trees": trees,
    }


def hist_tree(predictor, output, known, known_index):
    """A tree of HistGradientBoostingClassifier. A category that was not known when it was fitted goes where missing goes: where
    that is left, the set holds it, too."""
    nodes, sets = predictor.nodes, []
    for node in nodes:
        members = []
        if node["is_categorical"] and not node["is_leaf"]:
            i = int(node["bitset_idx"])
            left, known_here = predictor.raw_left_cat_bitsets[i], known[known_index[node["feature_idx"]]]
            for k in range(256):
                in_left = left[k // 32] >> (k % 32) & 1
                is_known = known_here[k // 32] >> (k % 32) & 1
                if in_left or (node["missing_go_to_left"] and not is_known):
                    members.append(k)
        sets.append(members)
    return {
        "output": output,
        "feature": [-1 if n["is_leaf"] else int(n["feature_idx"]) for n in nodes],
        "threshold": [
            s if n["is_categorical"] else min(float(n["num_threshold"]), LARGEST) for n, s in zip(nodes, sets)
        ],
        "default_left": [int(n["missing_go_to_left"]) for n in nodes],
        "left": [int(n["left"]) for n in nodes],
        "right": [int(n["right"]) for n in nodes],
        "leaf": [[float(n["value"])] if n["is_leaf"] else 0 for n in nodes],
    }


def hist(gb):
    known = gb._bin_mapper.make_known_categories_bitsets()
    trees = []
    for stage in gb._predictors:
        for k, predictor in enumerate(stage):
            trees.append(hist_tree(predictor, k, *known))
    return {
        "type": "forest",
        "link": "sigmoid" if len(gb.classes_) == 2 else "softmax",
        "n_features": gb.n_features_in_,
        "n_classes": len(gb.classes_),
        "base": gb._baseline_prediction.ravel().tolist(),
        "trees": trees,
    }


def at_the_cuts(model, rows):
    """rows with values moved onto thresholds, and to the neighbouring float64 and float32 numbers."""
    cuts = {}
    for tree in model["trees"]:
        for f, t in zip(tree["feature"], tree["threshold"]):
            if f >= 0 and not isinstance(t, list) and t < LARGEST:
                cuts.setdefault(f, []).append(t)
    rng, rows = np.random.default_rng(11), rows.copy()
    for row in rows:
        for f in range(rows.shape[1]):
            if f in cuts and rng.random() < 0.6:
                c = rng.choice(cuts[f])
                near = [c, np.nextafter(c, np.inf), np.nextafter(c, -np.inf), float(np.float32(c))]
                near += [float(np.nextafter(np.float32(c), np.float32(np.inf)))]
                row[f] = rng.choice(near)
    return rows


def forest_case(name, model, estimator, rows, apply=True):
    rows = np.concatenate([rows, at_the_cuts(model, rows)])
    case = probability_case(name, model, estimator, rows)
    if apply:
        case["leaf_ids"] = estimator.apply(rows).reshape(len(rows), -1).astype(int).tolist()
    return case


def forests():
    cases = []
    for name, make in [
        ("random forest", lambda: RandomForestClassifier(12, max_depth=6, random_state=1)),
        ("random forest, balanced classes", lambda: RandomForestClassifier(8, class_weight="balanced", random_state=2)),
        ("extra trees", lambda: ExtraTreesClassifier(10, max_depth=7, random_state=3)),
    ]:
        for source in ["cancer", "wine"]:
            x, y = data(source)
            fitted = make().fit(x, y)
            cases.append(forest_case(f"{name}, {source}", average(fitted), fitted, some(x)))
    x, y = data("wine")
    fitted = RandomForestClassifier(10, random_state=4).fit(missing(x), y)
    cases.append(forest_case("random forest, missing values", average(fitted), fitted, missing(some(x), seed=6)))
    return cases


def boosting():
    cases = []
    for source in ["cancer", "wine"]:
        x, y = data(source)
        fitted = GradientBoostingClassifier(n_estimators=20, learning_rate=0.17, random_state=1).fit(x, y)
        cases.append(forest_case(f"gradient boosting, {source}", boosted(fitted), fitted, some(x)))
        fitted = HistGradientBoostingClassifier(max_iter=15, max_leaf_nodes=9, random_state=1).fit(missing(x), y)
        model = hist(fitted)
        rows = missing(some(x), seed=7)
        cases.append(forest_case(f"histogram boosting, {source}", model, fitted, rows, apply=False))
    for classes in [2, 3]:
        cases.append(hist_categories(classes))
    return cases


def hist_categories(classes):
    """Numbers, one category of 12 levels and one of 3, missing values, and levels that were never seen."""
    rng = np.random.default_rng(8)
    n = 600
    level = rng.integers(0, 12, n)
    x = np.column_stack([level, rng.integers(0, 3, n), rng.normal(size=n), rng.normal(size=n)]).astype(float)
    score = np.isin(level, [1, 4, 5, 9]) * 1.5 + (x[:, 1] == 2) * x[:, 2] + rng.normal(size=n) * 0.4
    y = np.digitize(score, np.quantile(score, np.arange(1, classes) / classes))
    x = missing(x, 0.1)
    fitted = HistGradientBoostingClassifier(
        max_iter=12, max_leaf_nodes=8, min_samples_leaf=8, categorical_features=[0, 1], random_state=1
    ).fit(x, y)
    # Its own encoder makes unseen levels missing; behind it, the trees' rule for them is asked, too.
    rows = fitted._preprocess_X(x[:60], reset=False)
    rows[:6, 0], rows[6:9, 1] = 40, 7
    model = hist(fitted)
    assert any(isinstance(t, list) and 40 in t for tree in model["trees"] for t in tree["threshold"])
    probability = fitted._loss.predict_proba(fitted._raw_predict(rows))
    name = f"histogram boosting, categories, {classes} classes"
    return {"name": name, "model": model, "rows": numbers(rows), "probability": probability.tolist()}


# ---------------------------------------------------------------------------------------------------------- other families
def matrix(a):
    a = np.atleast_2d(np.asarray(a, dtype=float))
    return {"rows": a.shape[0], "cols": a.shape[1], "data": a.ravel().tolist()}


def logistic(lr):
    if isinstance(lr, OneVsRestClassifier):
        coef = np.concatenate([e.coef_ for e in lr.estimators_])
        intercept, link = np.concatenate([e.intercept_ for e in lr.estimators_]), "one_vs_rest"
    else:
        coef, intercept, link = lr.coef_, lr.intercept_, "sigmoid" if len(lr.classes_) == 2 else "softmax"
    return {"type": "logistic", "coef": matrix(coef), "intercept": intercept.tolist(), "link": link}


def svm(svc):
    kernel = {"type": svc.kernel}
    if svc.kernel != "linear":
        kernel["gamma"] = float(svc._gamma)
    if svc.kernel in ["poly", "sigmoid"]:
        kernel["coef0"] = float(svc.coef0)
    if svc.kernel == "poly":
        kernel["degree"] = int(svc.degree)
    return {
        "type": "svm",
        "kernel": kernel,
        "support": matrix(svc.support_vectors_),
        "n_support": svc.n_support_.tolist(),
        "dual_coef": matrix(svc._dual_coef_),
        "intercept": svc._intercept_.tolist(),
        # A machine fitted without probabilities (it may still be calibrated) has no sigmoids.
        "prob_a": svc._probA.tolist() if len(svc._probA) else None,
        "prob_b": svc._probB.tolist() if len(svc._probB) else None,
    }


def mlp(net):
    layers = [{"weights": matrix(w.T), "bias": b.tolist()} for w, b in zip(net.coefs_, net.intercepts_)]
    return {"type": "mlp", "layers": layers, "activation": net.activation}


def naive_bayes(nb):
    return {"type": "naive_bayes", "prior": nb.class_prior_.tolist(), "mean": matrix(nb.theta_), "var": matrix(nb.var_)}


def linear_cases():
    cases = []
    for source in ["cancer", "wine"]:
        x, y = data(source)
        xs, _ = scaled(source)
        fitted = LogisticRegression(C=2.5, max_iter=2000).fit(xs, y)
        cases.append(probability_case(f"logistic regression, {source}", logistic(fitted), fitted, some(xs)))
        # Unscaled and hardly regularised: far out on the sigmoid.
        fitted = LogisticRegression(C=1e4, solver="newton-cg", max_iter=500).fit(x, y)
        cases.append(probability_case(f"logistic regression, unscaled, {source}", logistic(fitted), fitted, some(x)))
    fitted = OneVsRestClassifier(LogisticRegression(solver="liblinear")).fit(xs, y)
    cases.append(probability_case("logistic regression, one against the rest", logistic(fitted), fitted, some(xs)))
    return cases


def svm_cases():
    cases = []
    for source in ["cancer", "wine"]:
        xs, y = scaled(source)
        kernels = [dict(kernel="linear"), dict(kernel="rbf", C=3.0), dict(kernel="poly", coef0=0.7, degree=3)]
        for kernel in [*kernels, dict(kernel="sigmoid", gamma=0.05, coef0=-0.3)]:
            fitted = SVC(**kernel, probability=True, random_state=1).fit(xs, y)
            cases.append(probability_case(f"svm, {fitted.kernel}, {source}", svm(fitted), fitted, some(xs)))
    return cases


def mlp_cases():
    cases = []
    for source in ["cancer", "wine"]:
        xs, y = scaled(source)
        for activation in ["relu", "tanh", "logistic", "identity"]:
            fitted = MLPClassifier((9, 5), activation=activation, random_state=1, max_iter=150).fit(xs, y)
            cases.append(probability_case(f"mlp, {activation}, {source}", mlp(fitted), fitted, some(xs)))
    return cases


def bayes_cases():
    cases = []
    for source in ["cancer", "wine", "iris"]:
        x, y = data(source)
        fitted = GaussianNB().fit(x, y)
        cases.append(probability_case(f"gaussian naive bayes, {source}", naive_bayes(fitted), fitted, some(x)))
    fitted = GaussianNB(priors=[0.7, 0.2, 0.1], var_smoothing=1e-3).fit(x, y)
    cases.append(probability_case("gaussian naive bayes, given priors", naive_bayes(fitted), fitted, some(x)))
    return cases


# ------------------------------------------------------------------------------------------------ stacking and calibration
def model_of(estimator):
    """A fitted estimator as a model."""
    kinds = [
        (CalibratedClassifierCV, calibrated),
        (StackingClassifier, stacking),
        (VotingClassifier, voting),
        ((RandomForestClassifier, ExtraTreesClassifier), average),
        (GradientBoostingClassifier, boosted),
        (HistGradientBoostingClassifier, hist),
        ((LogisticRegression, OneVsRestClassifier), logistic),
        (SVC, svm),
        (MLPClassifier, mlp),
        (GaussianNB, naive_bayes),
    ]
    return next(write for kind, write in kinds if isinstance(estimator, kind))(estimator)


def encoded(estimator, n_features):
    """The encoding a member reads, and its model: a pipeline's scaler, or the values as they are."""
    encoding = [{"slot": f, "transform": {"type": "pass"}} for f in range(n_features)]
    if hasattr(estimator, "steps"):
        scaler, estimator = (step for _, step in estimator.steps)
        for e, mean, scale in zip(encoding, scaler.mean_, scaler.scale_):
            e["transform"] = {"type": "standard", "mean": float(mean), "scale": float(scale)}
    return encoding, model_of(estimator)


class Members:
    """Estimators over the same columns, each with its encoding."""

    def __init__(self, n_features, estimators):
        self.n_features, self.encodings, self.members = n_features, [], []
        for estimator in estimators:
            encoding, model = encoded(estimator, n_features)
            self.members.append({"encoding": self.index(encoding), "model": model})

    def index(self, encoding):
        if encoding not in self.encodings:
            self.encodings.append(encoding)
        return self.encodings.index(encoding)

    def write(self):
        return {"n_features": self.n_features, "encoders": self.encodings, "members": self.members}


def stacking(stack):
    n = stack.n_features_in_
    all = Members(n, stack.estimators_)
    for member, method in zip(all.members, stack.stack_method_):
        member["method"] = method
    raw = [{"slot": f, "transform": {"type": "pass"}} for f in range(n)]
    return {
        "type": "stacking",
        "passthrough": all.index(raw) if stack.passthrough else None,
        "final_model": model_of(stack.final_estimator_),
        **all.write(),
    }


def voting(vote):
    assert vote.voting == "soft"
    weights = [float(w) for w in vote._weights_not_none or [1.0] * len(vote.estimators_)]
    return {"type": "voting", "weights": weights, **Members(vote.n_features_in_, vote.estimators_).write()}


def stacking_cases():
    def members():
        return [
            ("forest", RandomForestClassifier(6, max_depth=4, random_state=1)),
            ("linear", make_pipeline(StandardScaler(), LogisticRegression())),
            ("svm", make_pipeline(StandardScaler(), SVC(probability=True, random_state=1))),
            ("bayes", GaussianNB()),
        ]

    cases = []
    for source in ["cancer", "iris"]:
        x, y = data(source)
        for options in [{}, {"passthrough": True}, {"stack_method": "predict"}]:
            final = LogisticRegression(max_iter=5000)
            fitted = StackingClassifier(members(), final, cv=3, **options, **stack_by(options)).fit(x, y)
            what = ", ".join(options) or "probabilities"
            cases.append(probability_case(f"stacking, {what}, {source}", stacking(fitted), fitted, some(x)))
        # What each member has: probabilities, or (the machine) a margin.
        mixed = [*members()[:2], ("svm", make_pipeline(StandardScaler(), SVC()))]
        fitted = StackingClassifier(mixed, LogisticRegression(max_iter=5000), cv=3).fit(x, y)
        cases.append(probability_case(f"stacking, probabilities and margins, {source}", stacking(fitted), fitted, some(x)))
        margins = [mixed[1], mixed[2], ("boosting", GradientBoostingClassifier(n_estimators=4, random_state=1))]
        last = SVC(probability=True, random_state=1)
        fitted = StackingClassifier(margins, last, cv=3, stack_method="decision_function").fit(x, y)
        cases.append(probability_case(f"stacking, margins, {source}", stacking(fitted), fitted, some(x)))
        inner = StackingClassifier(members()[:2], LogisticRegression(), cv=3, stack_method="predict_proba")
        net = make_pipeline(StandardScaler(), MLPClassifier((4,), random_state=1, max_iter=80))
        outer = StackingClassifier(
            [("inner", inner), ("net", net)],
            GradientBoostingClassifier(n_estimators=5, random_state=1),
            cv=3,
            passthrough=True,
            stack_method="predict_proba",
        ).fit(x, y)
        cases.append(probability_case(f"stacking in stacking, {source}", stacking(outer), outer, some(x)))
    return cases


def stack_by(options):
    return {} if "stack_method" in options else {"stack_method": "predict_proba"}


def voting_cases():
    cases = []
    for source in ["cancer", "wine", "iris"]:
        x, y = data(source)
        for weights in [None, [0.3, 2, 0, 1.7]]:
            members = [
                ("forest", RandomForestClassifier(6, max_depth=4, random_state=1)),
                ("linear", make_pipeline(StandardScaler(), LogisticRegression())),
                ("svm", make_pipeline(StandardScaler(), SVC(probability=True, random_state=1))),
                ("bayes", GaussianNB()),
            ]
            fitted = VotingClassifier(members, voting="soft", weights=weights).fit(x, y)
            name = f"voting{', weights' if weights else ''}, {source}"
            cases.append(probability_case(name, voting(fitted), fitted, some(x)))
    return cases


def calibrated(c):
    ones = c.calibrated_classifiers_
    all = Members(c.n_features_in_, [one.estimator for one in ones])
    for one, member in zip(ones, all.members):
        margin = hasattr(one.estimator, "decision_function")
        calibrator = {"type": one.method, "input": "margin" if margin else "probability"}
        if one.method == "sigmoid":
            calibrator |= {"a": [float(k.a_) for k in one.calibrators], "b": [float(k.b_) for k in one.calibrators]}
        elif one.method == "isotonic":
            calibrator |= {
                "x": [k.X_thresholds_.tolist() for k in one.calibrators],
                "y": [k.y_thresholds_.tolist() for k in one.calibrators],
            }
        else:
            calibrator["inverse_temperature"] = float(one.calibrators[0].beta_)
        member["calibrator"] = calibrator
    return {"type": "calibrated", **all.write()}


def calibration_cases():
    bases = {
        "logistic regression": lambda: LogisticRegression(C=0.5),
        "naive bayes": GaussianNB,
        "random forest": lambda: RandomForestClassifier(5, max_depth=4, random_state=1),
        "svm": lambda: SVC(C=0.8),
        "scaled svm": lambda: make_pipeline(StandardScaler(), SVC(C=1.5)),
        "gradient boosting": lambda: GradientBoostingClassifier(n_estimators=4, random_state=1),
        "stacking": lambda: StackingClassifier(
            [("bayes", GaussianNB())], LogisticRegression(), cv=3, stack_method="predict_proba"
        ),
    }
    cases = []
    for source in ["cancer", "iris"]:
        xs, y = scaled(source)
        # Wrong labels, so that the calibrators have something to correct.
        noisy = np.where(np.random.default_rng(2).random(len(y)) < 0.15, (y + 1) % len(set(y)), y)
        for method in ["sigmoid", "isotonic", "temperature"]:
            for i, (base, make) in enumerate(bases.items()):
                ensemble = i % 2 == 0
                fitted = CalibratedClassifierCV(make(), method=method, cv=3, ensemble=ensemble).fit(xs, noisy)
                name = f"calibrated {base}, {method}, {'folds' if ensemble else 'one'}, {source}"
                rows = some(xs, 30) * np.linspace(0.3, 4, 30)[:, None]
                cases.append(probability_case(name, calibrated(fitted), fitted, rows))
    return cases


# ---------------------------------------------------------------------------------------------------------------- encoders
def number_encoders():
    """Imputers and scalers: one encoder per column; scikit-learn puts the indicators after all values."""
    rng = np.random.default_rng(4)
    x = missing(rng.lognormal(size=(80, 3)) * [1, 100, 0.01], 0.2)
    x[:, 0] = np.round(x[:, 0])
    rows = np.concatenate([x[:20], [[np.nan] * 3, [-5.0, 1e9, 0.0], [0.1, 0.2, 0.3]]])
    cases = []
    for strategy in ["mean", "median", "most_frequent", "constant"]:
        for indicator in [False, True]:
            fitted = SimpleImputer(strategy=strategy, fill_value=-7.5 if strategy == "constant" else None, add_indicator=indicator)
            encoders = [
                encoder(i, impute=float(s), indicator=indicator) for i, s in enumerate(fitted.fit(x).statistics_)
            ]
            answer = fitted.transform(rows)
            if indicator:
                answer = answer[:, [0, 3, 1, 4, 2, 5]]
            cases.append(encoder_case(f"impute {strategy}{', indicator' * indicator}", encoders, rows, answer, [None] * 3))
    imputer = SimpleImputer(strategy="median").fit(x)
    full = imputer.transform(x)
    for name, scaler in [
        ("standard", StandardScaler()),
        ("standard without mean", StandardScaler(with_mean=False)),
        ("min-max", MinMaxScaler()),
        ("min-max to a range, clipped", MinMaxScaler((-1, 3), clip=True)),
    ]:
        scaler.fit(full)
        encoders = []
        for i, s in enumerate(imputer.statistics_):
            if isinstance(scaler, StandardScaler):
                mean = scaler.mean_[i] if scaler.with_mean else 0.0
                transform = {"type": "standard", "mean": float(mean), "scale": float(scaler.scale_[i])}
            else:
                clip = [float(v) for v in scaler.feature_range] if scaler.clip else None
                transform = {"type": "min_max", "scale": float(scaler.scale_[i]), "min": float(scaler.min_[i]), "clip": clip}
            encoders.append(encoder(i, impute=float(s), transform=transform))
        cases.append(encoder_case(name, encoders, rows, scaler.transform(imputer.transform(rows)), [None] * 3))
        # Missing values pass through a scaler.
        bare = [e | {"impute": None} for e in encoders]
        cases.append(encoder_case(f"{name}, missing left", bare, rows, scaler.transform(rows), [None] * 3))
    return cases


def encoder(slot, impute=None, transform=None, indicator=False):
    return {"slot": slot, "impute": impute, "transform": transform or {"type": "pass"}, "indicator": indicator}


def category_encoders():
    """One column of texts. A slot holds the level's index, `len(levels)` for an unknown text, null for missing."""
    levels = ["ash", "birch", "cedar", "elm", "fir"]
    counts = [9, 1, 7, 2, 5]
    seen = np.array([l for l, n in zip(levels, counts) for _ in range(n)], dtype=object)[:, None]
    gaps = np.concatenate([seen, np.array([[np.nan]] * 4, dtype=object)])
    rows = np.array([[l] for l in levels] + [["yew"]], dtype=object)
    gap_rows = np.concatenate([rows, np.array([[np.nan]], dtype=object)])

    def slots(rows):
        return [[None if v != v else levels.index(v) if v in levels else len(levels)] for (v,) in rows]

    def one_hot(name, fitted, used, rows, unknown=False, missing=False, impute=None):
        transform = {"type": "one_hot", "levels": used, "unknown": unknown, "missing": missing}
        answer = fitted.transform(rows)
        answer = answer.toarray() if hasattr(answer, "toarray") else answer
        return encoder_case(name, [encoder(0, impute, transform)], slots(rows), answer, [len(levels)])

    ignore = OneHotEncoder(handle_unknown="ignore")
    rare = OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency=3)
    frequent = make_pipeline(SimpleImputer(strategy="most_frequent"), ignore)
    ordinal = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    gap = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan)

    def ordinals(unknown):
        return {"type": "ordinal", "values": [float(i) for i in range(5)], "unknown": unknown}

    cases = [
        one_hot("one-hot, unknown ignored", ignore.fit(seen), [0, 1, 2, 3, 4], rows),
        one_hot("one-hot, a column for rare and unknown", rare.fit(seen), [0, 2, 4], rows, unknown=True),
        one_hot("one-hot, first level dropped", OneHotEncoder(drop="first").fit(seen), [1, 2, 3, 4], rows[:5]),
        one_hot("one-hot, a column for missing", ignore.fit(gaps), [0, 1, 2, 3, 4], gap_rows, missing=True),
        one_hot("one-hot, missing imputed", frequent.fit(gaps), [0, 1, 2, 3, 4], gap_rows, impute=0.0),
        encoder_case(
            "ordinal, unknown is -1",
            [encoder(0, transform=ordinals(-1.0))],
            slots(gap_rows),
            ordinal.fit(gaps).transform(gap_rows),
            [len(levels)],
        ),
        encoder_case(
            "ordinal, unknown is missing",
            [encoder(0, transform=ordinals(None))],
            slots(gap_rows),
            gap.fit(gaps).transform(gap_rows),
            [len(levels)],
        ),
    ]
    return cases


# ---------------------------------------------------------------------------------------------------------------- writing
def numbers(rows):
    """Lists, null for missing."""
    return [[None if v is None or v != v else float(v) for v in row] for row in rows]


def probability_case(name, model, estimator, rows):
    return {"name": name, "model": model, "rows": numbers(rows), "probability": estimator.predict_proba(rows).tolist()}


def encoder_case(name, encoders, rows, x, levels):
    return {"name": name, "levels": levels, "encoders": encoders, "rows": numbers(rows), "x": numbers(x)}


def main():
    assert sklearn.__version__ == VERSION, f"the goldens are scikit-learn {VERSION}'s, this is {sklearn.__version__}"
    warnings.simplefilter("ignore")
    files = {
        "forest": forests,
        "boosting": boosting,
        "linear": linear_cases,
        "svm": svm_cases,
        "mlp": mlp_cases,
        "naive_bayes": bayes_cases,
        "stacking": stacking_cases,
        "voting": voting_cases,
        "calibration": calibration_cases,
        "encoders": lambda: number_encoders() + category_encoders(),
    }
    for name, make in files.items():
        cases = make()
        lines = ",\n".join(json.dumps(case, separators=(",", ":"), allow_nan=False) for case in cases)
        text = f'{{"scikit-learn":"{VERSION}","cases":[\n{lines}\n]}}\n'
        (HERE / f"{name}.json").write_text(text)
        print(f"{name}: {len(cases)} cases, {len(text)} bytes")


if __name__ == "__main__":
    main()
