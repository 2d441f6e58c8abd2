"""Import cases of older versions of LightGBM, by whichever version is found first:

    pip install --no-deps --target DIR lightgbm==2.2.3
    PYTHONPATH=DIR python lightgbm_old.py --out ../golden/lightgbm

2.2.3 writes version v2 of the text, 3.3.5 version v3; what is committed was made with these. `--full`: all cases, not the committed few.
"""

import argparse
import pathlib

import numpy as np

# Names that NumPy has dropped and these versions still ask for.
for _name, _type in (("float", float), ("int", int), ("bool", bool), ("object", object)):
    if _name not in np.__dict__:
        setattr(np, _name, _type)

import lightgbm as lgb  # noqa: E402

if lgb.__version__.startswith("2"):

    class Booster(lgb.Booster):
        """Takes a model's text as later versions do."""

        def __init__(self, *args, model_str=None, **more):
            if model_str is not None:
                more["params"] = {"model_str": model_str}
            super().__init__(*args, **more)

        def num_model_per_iteration(self):
            return 1

    lgb.Booster = Booster

import lightgbm_ as cases  # noqa: E402

GOLDEN = {"2.2.3": ("categories", "zero"), "3.3.5": ("zero", "cross-entropy")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--full", action="store_true")
    args = parser.parse_args()
    code = cases.codes(600, [6], seed=8)
    x = cases.with_missing(np.column_stack([cases.numeric(600, 3, 8, single=False), code]), 0.15, 8, columns=[0, 1, 2])
    told = np.column_stack([x[:, :3], np.cos(code[:, 0])])
    y, y3 = cases.target(told, 2, 8), cases.target(told, 3, 8)
    binary, zero = {"objective": "binary"}, {"zero_as_missing": True}
    for name, label, dataset, coded, params in [
        ("nan", y, {}, [], binary),
        ("zero", y, zero, [], {**binary, **zero}),
        ("categories", y, {}, [3], {**binary, "min_data_per_group": 5}),
        ("multiclass3", y3, {}, [], {"objective": "multiclass", "num_class": 3}),
        ("rf", y, {}, [], {**binary, "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7}),
        ("cross-entropy", y * 0.8 + 0.1, {}, [], {"objective": "xentropy"}),
    ]:
        if not args.full and name not in GOLDEN.get(lgb.__version__, ()):
            continue
        data = lgb.Dataset(x, label, categorical_feature=coded or "auto", params=dataset, free_raw_data=False)
        booster = lgb.train({**cases.BASE, **params}, data, 4)
        folder = args.out / f"{lgb.__version__}-{name}"
        cases.case(folder, booster, cases.rows_for(booster, x, tuple(coded), cap=60))
        print(folder)


if __name__ == "__main__":
    main()
