"""Writes ensemble.json: scikit-learn's stacking, voting and calibration over members whose fits are exact, with the folds given; and its
calibrators fitted to given scores.

Run with scikit-learn 1.9.1, numpy 2.4.6:  python tests/golden/ensemble.py
"""
import json
import pathlib
import warnings

import numpy as np
from sklearn.calibration import CalibratedClassifierCV, _SigmoidCalibration, _TemperatureScaling
from sklearn.ensemble import StackingClassifier, VotingClassifier
from sklearn.isotonic import IsotonicRegression
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import PredefinedSplit, StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, StandardScaler

warnings.filterwarnings("error", category=UserWarning)
rng = np.random.default_rng(5)
n = 150
x = np.round(np.c_[rng.normal(3, 2, n), rng.gamma(2, 1, n), rng.normal(0, 1, n)], 3)
score = (x[:, 0] - 3) / 2 + 0.6 * np.sin(2 * x[:, 1]) + 0.5 * x[:, 2] ** 2 + rng.normal(0, 0.9, n)
targets = {"two": (score > 0.6).astype(int), "three": np.digitize(score, [0.0, 1.2])}


def shown(model):
    """The first rows' probabilities."""
    return np.round(model.predict_proba(x[:40]), 12).tolist()


def logistic(c):
    return LogisticRegression(C=c, tol=1e-13, max_iter=100_000, solver="newton-cholesky")


def members():
    return [
        ("plain", make_pipeline(StandardScaler(), logistic(1.0))),
        ("shy", make_pipeline(StandardScaler(), logistic(0.003))),
        ("wide", make_pipeline(MinMaxScaler(), logistic(5.0))),
    ]


cases = []
for name, y in targets.items():
    folds = np.empty(n, int)
    for k, (_, test) in enumerate(StratifiedKFold(4, shuffle=True, random_state=3).split(x, y)):
        folds[test] = k
    split = PredefinedSplit(folds)
    case = {"name": name, "y": y.tolist(), "folds": folds.tolist(), "stacking": [], "voting": [], "calibration": []}
    for method, passthrough in [("predict_proba", False), ("decision_function", True), ("predict", False)]:
        model = StackingClassifier(members(), logistic(1.0), cv=split, stack_method=method, passthrough=passthrough).fit(x, y)
        case["stacking"].append({"method": method, "passthrough": passthrough, "probability": shown(model)})
    model = VotingClassifier(members(), voting="soft", weights=[1.0, 0.5, 2.0]).fit(x, y)
    case["voting"] = {"weights": [1.0, 0.5, 2.0], "probability": shown(model)}
    for method in ["sigmoid", "isotonic", "temperature"]:
        for of, base in members()[1:]:
            model = CalibratedClassifierCV(base, method=method, cv=split, ensemble=False).fit(x, y)
            case["calibration"].append({"method": method, "of": of, "probability": shown(model)})
    cases.append(case)

# Ties, weights of 0 among others, scores far from 0; three classes.
f = np.round(rng.normal(0, 2, 200), 1)
is_one = (rng.random(200) < 1 / (1 + np.exp(-0.7 * f + 0.3))).astype(int)
curves = []
for name, values, weight in [
    ("plain", f, None),
    ("weighted", f, np.round(rng.gamma(1, 1, 200), 2) * (rng.random(200) > 0.1)),
    ("far", f * 40 - 300, None),
    ("parted", np.where(is_one == 1, 1.0, -1.0) * (0.5 + np.abs(f)), None),
]:
    sigmoid = _SigmoidCalibration().fit(values, is_one, weight)
    iso = IsotonicRegression(out_of_bounds="clip").fit(values, is_one, weight)
    heat = _TemperatureScaling().fit(values if name != "far" else values / 40, is_one, weight)
    curves.append({
        "name": name,
        "f": values.tolist(),
        "weight": (np.ones(200) if weight is None else weight).tolist(),
        "platt": [float(sigmoid.a_), float(sigmoid.b_)],
        "isotonic": [iso.X_thresholds_.tolist(), iso.y_thresholds_.tolist()],
        "temperature_of": (values if name != "far" else values / 40).tolist(),
        "beta": float(heat.beta_),
    })
three = np.round(rng.normal(0, 1.5, (150, 3)), 3)
y3 = np.array([rng.choice(3, p=np.exp(0.6 * r) / np.exp(0.6 * r).sum()) for r in three])
out = {
    "x": x.tolist(),
    "cases": cases,
    "is": is_one.tolist(),
    "curves": curves,
    "three": {"logits": three.tolist(), "y": y3.tolist(), "beta": float(_TemperatureScaling().fit(three, y3).beta_)},
}
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
print(path.name, path.stat().st_size, "bytes")
