"""Writes train.json: what scikit-learn fits on small tables: imputers, scalers, one-hot columns, logistic regression.

Run with scikit-learn 1.9.1, numpy 2.4.6:  python tests/golden/train.py
"""
import json
import pathlib

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import MinMaxScaler, StandardScaler

rng = np.random.default_rng(11)
n = 90
size = np.round(rng.normal(50, 12, n), 2)
size[rng.random(n) < 0.15] = np.nan
rate = np.round(rng.gamma(2.0, 1.5, n), 3)
code = np.full(n, 7.0)
region = rng.choice(["east", "north", "west"], n, p=[0.5, 0.2, 0.3])
region[rng.random(n) < 0.1] = ""
score = np.nan_to_num((size - 50) / 12) + 0.8 * (rate - 3) / 2 + (region == "west") * 1.2 + rng.normal(0, 0.8, n)
two = np.where(score > 0.3, "yes", "no")
three = np.array(["high", "low", "mid"])[np.digitize(score, [-0.6, 0.9]).clip(0, 2)]


def text(v):
    return "" if isinstance(v, float) and np.isnan(v) else str(v)


def table(target):
    rows = zip(size.tolist(), rate.tolist(), code.astype(int).tolist(), region, target)
    return "size,rate,code,region,label\n" + "".join(",".join(map(text, r)) + "\n" for r in rows)


numbers = np.c_[size, rate, code]
imputed = {
    strategy: SimpleImputer(strategy=strategy, **({"fill_value": -1.0} if strategy == "constant" else {})).fit(numbers)
    for strategy in ["mean", "median", "most_frequent", "constant"]
}
encoders = {}
for strategy, imputer in imputed.items():
    filled = imputer.transform(numbers)
    standard = StandardScaler().fit(filled)
    minmax = MinMaxScaler((-1, 1)).fit(filled)
    encoders[strategy] = {
        "statistics": imputer.statistics_.tolist(),
        "mean": standard.mean_.tolist(),
        "scale": standard.scale_.tolist(),
        "minmax_scale": minmax.scale_.tolist(),
        "minmax_min": minmax.min_.tolist(),
    }

# The design matrix of the defaults: mean, standard, one-hot with a column for missing (sorted levels, missing last).
filled = imputed["mean"].transform(numbers)
onehot = np.stack([region == level for level in ["east", "north", "west", ""]], 1).astype(float)
x = np.c_[StandardScaler().fit_transform(filled), onehot]
fits = []
for name, target, c, weight in [
    ("two classes", two, 1.0, None),
    ("two classes, balanced", two, 0.3, "balanced"),
    ("three classes", three, 1.0, None),
    ("three classes, weak penalty", three, 50.0, None),
]:
    lr = LogisticRegression(C=c, class_weight=weight, tol=1e-13, max_iter=100000, solver="newton-cg").fit(x, target)
    # The same constant added to every class's intercept is the same model: the one with sum 0 is compared.
    intercept = lr.intercept_ - (lr.intercept_.mean() if len(lr.classes_) > 2 else 0.0)
    fits.append(
        {
            "name": name,
            "csv": table(target),
            "C": c,
            "class_weight": weight or "none",
            "classes": lr.classes_.tolist(),
            "coef": lr.coef_.tolist(),
            "intercept": intercept.tolist(),
        }
    )
out = {"csv": table(two), "encoders": encoders, "logistic_regression": fits}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
