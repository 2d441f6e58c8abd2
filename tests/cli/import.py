"""Makes tests/cli/import.in: small models of XGBoost 3.2.0 and LightGBM 4.7.0, with their own answers. NumPy 2.4.6, pandas 3.1.1.

    python tests/cli/import.py
"""

import json
import os
import pathlib

os.environ["OMP_NUM_THREADS"] = "1"
import lightgbm  # noqa: E402
import numpy as np  # noqa: E402
import pandas as pd  # noqa: E402
import xgboost  # noqa: E402

out = pathlib.Path(__file__).parent / "import.in"
rng = np.random.default_rng(7)
n = 400
x = pd.DataFrame({"tenure": rng.integers(0, 72, n).astype(float), "price": np.round(rng.uniform(5, 95, n), 2)})
x["plan"] = rng.integers(0, 3, n)
x.loc[rng.random(n) < 0.1, "price"] = np.nan
y = ((x.tenure < 20) ^ (x.plan == 1)).astype(int)
rows = x[:6]


def expected(name, leaves, margin, probability):
    table = rows.copy()
    for tree in range(leaves.shape[1]):
        table[f"leaf_{tree}"] = leaves[:, tree].astype(int)
    table["margin"] = [repr(float(v)) for v in margin]
    for k, label in enumerate(["stays", "leaves"]):
        table[f"probability_{label}"] = [repr(float(v)) for v in probability[:, k]]
    table.to_csv(out / name, index=False, lineterminator="\n")
    return table


model = xgboost.XGBClassifier(n_estimators=2, max_depth=2, n_jobs=1).fit(x, y)
booster, data = model.get_booster(), xgboost.DMatrix(rows)
(out / "churn.json").write_text(json.dumps(json.loads(booster.save_raw("json")), separators=(",", ":")))
answers = [booster.predict(data, pred_leaf=True), booster.predict(data, output_margin=True), model.predict_proba(rows)]
table = expected("expected.csv", *answers)
table.loc[2, "leaf_1"] = 9
table.loc[3, "probability_leaves"] = "0.75"
table.to_csv(out / "wrong.csv", index=False, lineterminator="\n")

model = lightgbm.LGBMClassifier(n_estimators=2, num_leaves=4, n_jobs=1, verbose=-1).fit(x, y, categorical_feature=["plan"])
text = model.booster_.model_to_string()
(out / "churn.txt").write_text(text[: text.index("parameters:")])
named = rows.assign(plan=[["basic", "plus", "pro"][k] for k in rows.plan])
table = named.assign(prediction=[["stays", "leaves"][k] for k in model.predict(rows)])
table.to_csv(out / "named.csv", index=False, lineterminator="\n")
