"""Writes metrics.json: scikit-learn's metrics on small cases with ties, a missing class and sure mistakes.

Run with scikit-learn 1.9.1, numpy 2.4.6:  python tests/golden/metrics.py
"""
import json
import pathlib

import numpy as np
from sklearn import metrics as m

rng = np.random.default_rng(7)
cases = []


def case(name, y, p):
    y, p = np.asarray(y), np.asarray(p, float)
    k = p.shape[1]
    labels = list(range(k))
    pred = p.argmax(1)
    binary = k == 2
    average = dict(average="binary", pos_label=1) if binary else dict(average="macro", labels=labels)
    present = len(set(y)) == k
    auc = None
    if present:
        auc = m.roc_auc_score(y, p[:, 1]) if binary else m.roc_auc_score(y, p, multi_class="ovr", labels=labels)
    out = {
        "rows": len(y),
        "roc_auc": auc,
        "average_precision": m.average_precision_score(y, p[:, 1]) if binary and (y == 1).any() else None,
        "log_loss": m.log_loss(y, p, labels=labels),
        "brier": m.brier_score_loss(y, p[:, 1] if binary else p, **({"pos_label": 1} if binary else {"labels": labels})),
        "accuracy": m.accuracy_score(y, pred),
        "balanced_accuracy": m.recall_score(y, pred, labels=sorted(set(y)), average="macro", zero_division=0),
        "precision": m.precision_score(y, pred, zero_division=0, **average),
        "recall": m.recall_score(y, pred, zero_division=0, **average),
        "f1": m.f1_score(y, pred, zero_division=0, **average),
        "mcc": m.matthews_corrcoef(y, pred),
        "confusion": m.confusion_matrix(y, pred, labels=labels).tolist(),
    }
    if binary:
        pt, pp = m_calibration(y, p[:, 1])
        out["reliability"] = [pp.tolist(), pt.tolist()]
    cases.append({"name": name, "y": y.tolist(), "p": p.tolist(), "metrics": out})


def m_calibration(y, p):
    from sklearn.calibration import calibration_curve

    # A probability on an edge goes up here and down there: keep such cases out.
    return calibration_curve(y, p, n_bins=5)


def softmax(z):
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


y = rng.integers(0, 2, 60)
p1 = np.clip(np.round(0.5 * y + 0.6 * rng.random(60) - 0.05, 2), 0.01, 0.99) + 0.001
case("two classes, tied scores", y, np.c_[1 - p1, p1])
y = rng.integers(0, 2, 40)
p1 = np.where(rng.random(40) < 0.2, 1 - y, y).astype(float)
case("two classes, sure and sometimes wrong", y, np.c_[1 - p1, p1])
case("two classes, one prediction for all", [0, 1, 1, 0, 1], np.full((5, 2), 0.5))
case("two classes, one of them absent", [0, 0, 0, 0], [[0.9, 0.1], [0.25, 0.75], [0.65, 0.35], [0.55, 0.45]])
y = rng.integers(0, 4, 80)
case("four classes", y, softmax(2 * np.eye(4)[y] + rng.normal(size=(80, 4))))
y = rng.integers(0, 2, 30)
case("three classes, one of them absent", y, softmax(np.eye(3)[y] + rng.normal(size=(30, 3))))
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(cases, separators=(",", ":")) + "\n")
