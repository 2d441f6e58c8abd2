"""Writes svm.json: what scikit-learn's SVC fits on small tables with each kernel, two to four classes, weights; and how good its
probabilities are on breast_cancer (models/data).

Run with scikit-learn 1.9.1, numpy 2.4.6:  python tests/golden/svm.py
"""
import csv
import json
import pathlib
import warnings

import numpy as np
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

warnings.filterwarnings("ignore", category=FutureWarning)
rng = np.random.default_rng(5)


def table(n, classes, spread):
    y = np.arange(n) % classes
    centre = rng.normal(0, spread, (classes, 3))
    return np.round(centre[y] + rng.normal(0, 1, (n, 3)), 3), y


TABLES = {k: table(40 + 20 * k, k, 1.0) for k in (2, 3, 4)}
CASES = [
    ("rbf", {}),
    ("rbf", {"gamma": 8.0, "C": 10.0}),
    ("rbf", {"gamma": "auto", "C": 0.1}),
    ("linear", {"C": 0.5}),
    ("poly", {"coef0": 1.0}),
    ("poly", {"degree": 2, "gamma": "auto"}),
    ("sigmoid", {"gamma": 0.05, "coef0": -0.2}),
]

fits = []
for classes, (x, y) in TABLES.items():
    for kernel, parameters in CASES:
        for weighted in [False, True] if parameters in ({}, {"C": 0.5}) else [False]:
            weight = np.round(rng.uniform(0.2, 3, len(y)), 2) if weighted else np.ones(len(y))
            if weighted:
                weight[::9] = 0.0
            for tol in [1e-3, 1e-6]:
                model = SVC(kernel=kernel, tol=tol, decision_function_shape="ovo", **parameters).fit(x, y, weight)
                probe = x[:12] + 0.25
                decision = model.decision_function(probe).reshape(len(probe), -1)
                fits.append({
                    "classes": classes,
                    "parameters": {"kernel": kernel, "tol": tol, **parameters},
                    "weight": weight.tolist() if weighted else None,
                    # For two classes scikit-learn turns libsvm's sign.
                    "decision": np.round(-decision if classes == 2 else decision, 7).tolist(),
                    "intercept": np.round(model._intercept_, 7).tolist(),
                    "n_support": model.n_support_.tolist(),
                    # Only of the tight fits: of others they are not determined.
                    "support": model.support_.tolist() if tol < 1e-4 else None,
                    "dual_coef": np.round(model._dual_coef_, 6).tolist() if tol < 1e-4 else None,
                })



def cells(name):
    rows = list(csv.reader(open(pathlib.Path(__file__).parents[2] / "models" / "data" / name)))[1:]
    return np.array([r[:-1] for r in rows], float), np.array([r[-1] for r in rows])


(x, y), (test_x, test_y) = cells("breast_cancer_train.csv"), cells("breast_cancer_test.csv")
scaler = StandardScaler().fit(x)
losses = []
for seed in range(10):
    model = SVC(probability=True, random_state=seed).fit(scaler.transform(x), y)
    losses.append(log_loss(test_y, model.predict_proba(scaler.transform(test_x))))

out = {"breast_cancer": {"log_loss": losses}, "tables": {k: {"x": x.tolist(), "y": y.tolist()} for k, (x, y) in TABLES.items()}, "fits": fits}
text = json.dumps(out, separators=(",", ":")).replace('},{"classes"', '},\n{"classes"')
(pathlib.Path(__file__).parent / "svm.json").write_text(text + "\n")
