"""Import cases of older versions of XGBoost, by whichever version is found first:

    pip install --no-deps --target DIR xgboost==2.1.4
    PYTHONPATH=DIR python xgboost_old.py --out ../golden/xgboost

Before 1.7 it needs an older numpy, too: `pip install --no-deps --target DIR numpy==1.26.4 scipy==1.11.4 pandas==1.5.3 python-dateutil
pytz six`. What is committed was made with 1.0.2, 1.3.3, 1.7.6, 2.1.4 and 3.0.5. `--full`: every case of `xgboost_.py` that the version
can make, into DIR/VERSION-CASE; those that it cannot are listed.
"""

import argparse
import functools
import pathlib
import shutil

import common  # noqa: F401 - one thread, before anything is loaded
import xgboost_
import xgboost

small = {"n": 300, "rounds": 3, "depth": 3, "cap": 50}
GOLDEN = {
    # Truth values in `default_left`, no names, base scores of logitraw as probabilities.
    (1, 0): {
        "binary-missing": {"missing": 0.2, **small},
        "logitraw": {"objective": "binary:logitraw", "base_score": 0.3, **small},
        "early-3": {"classes": 3, "early": 2, **small, "rounds": 40, "eta": 0.8},
        "dart": {"booster": "dart", **small, "rounds": 5},
    },
    (1, 3): {"logitraw": {"objective": "binary:logitraw", "base_score": 0.3, **small}},
    (1, 7): {
        "categories": {"cat": "codes", "missing": 0.1, "ext": "ubj", **small},
        "dart-early": {"booster": "dart", "early": 2, **small, "rounds": 40, "eta": 0.8},
    },
    (2, 1): {
        "vectors": {"classes": 3, "multi_strategy": "multi_output_tree", **small},
        "categories": {"cat": "pandas", "classes": 3, **small, "ext": "ubj"},
    },
    (3, 0): {"softprob": {"classes": 3, "base_score": 0.7, "missing": 0.1, **small, "ext": "ubj"}},
}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=pathlib.Path, required=True, metavar="DIR")
    parser.add_argument("--full", action="store_true")
    args = parser.parse_args()
    version = xgboost.__version__
    if args.full:
        wanted = {f"{version}-{name}": make for name, make in xgboost_.cases()}
    else:
        wanted = {f"{version}-{n}": functools.partial(xgboost_.make, **about) for n, about in GOLDEN.get(xgboost_.VERSION, {}).items()}
    made = 0
    for name, make in wanted.items():
        folder = args.out / name
        try:
            make(folder)
            made += 1
        except Exception as e:  # noqa: BLE001 - what an old version lacks is listed
            if not args.full:
                raise
            shutil.rmtree(folder, ignore_errors=True)
            print(f"{name}: not made: {type(e).__name__}: {str(e).splitlines()[0][:100] if str(e) else ''}")
    print(f"xgboost {version}: {made} of {len(wanted)} cases")


if __name__ == "__main__":
    main()
