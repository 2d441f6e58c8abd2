"""Writes folds.json: how scikit-learn divides rows.

Run with scikit-learn 1.9.1, numpy 2.4.6:  python tests/golden/folds.py
"""
import json
import pathlib

import numpy as np
from sklearn.model_selection import GroupKFold, StratifiedKFold, TimeSeriesSplit

rng = np.random.default_rng(11)
out = {"stratified": [], "group": [], "time": []}
for n, weights, k in [(60, [0.5, 0.5], 5), (101, [0.8, 0.2], 5), (97, [0.6, 0.3, 0.1], 4), (40, [0.9, 0.1], 3)]:
    # Sorted by first appearance is how scikit-learn numbers classes for the deal: begin with one of each.
    y = np.r_[np.arange(len(weights)), rng.choice(len(weights), n - len(weights), p=weights)]
    counts = [np.bincount(y[held], minlength=len(weights)).tolist() for _, held in StratifiedKFold(k).split(y, y)]
    out["stratified"].append({"y": y.tolist(), "k": k, "counts": counts})
for n, n_groups, k in [(50, 7, 3), (80, 12, 5)]:
    groups = np.r_[np.arange(n_groups), rng.choice(n_groups, n - n_groups, p=rng.dirichlet(np.ones(n_groups)))]
    held = [h.tolist() for _, h in GroupKFold(k).split(groups, groups=groups)]
    out["group"].append({"groups": groups.tolist(), "k": k, "held_out": held})
for n, k in [(20, 3), (23, 5)]:
    times = rng.permutation(n).astype(float) * 1.5
    order = np.argsort(times)
    windows = [[sorted(order[a].tolist()), sorted(order[b].tolist())] for a, b in TimeSeriesSplit(k).split(times)]
    out["time"].append({"times": times.tolist(), "k": k, "windows": windows})
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(out, separators=(",", ":")) + "\n")
