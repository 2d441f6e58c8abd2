"""Writes logistic.json: coefficients of scikit-learn's LogisticRegression with each penalty, two and three classes, weights.

Run with scikit-learn 1.9.1, numpy 2.4.6:  python tests/golden/logistic.py
"""
import json
import pathlib
import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression

warnings.filterwarnings("ignore", category=FutureWarning)
rng = np.random.default_rng(3)


def table(n, classes, sparse):
    y = np.arange(n) % classes
    x = rng.normal(0, 1, (n, 6)) + rng.normal(0, 0.7, (classes, 6))[y]
    x[:, 4:] = rng.normal(0, 1, (n, 2))  # says nothing
    if sparse:
        x = np.where(rng.uniform(size=x.shape) < 0.8, 0.0, x)
    return np.round(x, 3), y


fits = []
for classes in (2, 3):
    for sparse in (False, True):
        x, y = table(90, classes, sparse)
        weight = np.round(rng.uniform(0.2, 3, len(y)), 2)
        for penalty, ratio in (("l2", 0.0), ("l1", 1.0), ("elasticnet", 0.4)):
            for weighted, intercept in ((False, True), (True, True), (False, False)):
                model = LogisticRegression(
                    C=0.3, l1_ratio=ratio, solver="saga", tol=1e-12, max_iter=1_000_000, fit_intercept=intercept
                ).fit(x, y, weight if weighted else None)
                fits.append({
                    "x": x.tolist(), "y": y.tolist(), "penalty": penalty,
                    "l1_ratio": ratio if penalty == "elasticnet" else None,
                    "weight": weight.tolist() if weighted else None, "fit_intercept": intercept,
                    "coef": model.coef_.round(9).tolist(), "intercept": model.intercept_.round(9).tolist(),
                })
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps({"C": 0.3, "fits": fits}, separators=(",", ":")) + "\n")
