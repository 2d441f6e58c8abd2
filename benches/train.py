"""Trains the models of the bench, and writes each in every form that a contender reads.

    python train.py --out build/bench/models [--only b20-xgb100d6,bc-lr]

A folder per model:

| file | what |
|---|---|
| meta.json | names of inputs, classes, sizes, tolerance, versions |
| rows.f64 | 10,000 distinct rows, row by row, as little-endian doubles |
| expected.f64 | the original's own probabilities of them, a row of classes each |
| source.json, source.txt, source.hedge.json | what `hedgerow import` reads |
| model.onnx, model.mjs (m2cgen), model.zip (YDF), net.json (tfjs), model.svm (libsvm) | where the model has such a form |
| model.ubj, model.txt, model.pickle | what native.py reads; made by this script in the same run, and opened by nothing else |
| ydf.f64 | YDF's own probabilities: its models are trained by itself, with as many trees of the same depth |

One thread, fixed seeds: the models are the same at every run.
"""

import argparse
import hashlib
import json
import os
import pickle
import shutil
import sys
import time
import warnings
import zipfile

os.environ["OMP_NUM_THREADS"] = "1"
warnings.filterwarnings("ignore")

import numpy as np
from sklearn import datasets
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import train_test_split
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "python"))
from hedgerow_export import export

ROWS = 10_000
# The generated code of a larger forest is tens of megabytes of source: no one would ship it.
M2CGEN_NODES = 200_000


# ------------------------------------------------------------------------------------------------------------------- data


def split(x, y):
    return train_test_split(x, y, test_size=0.2, random_state=42, stratify=y)


def bc():
    """Wisconsin breast cancer as scikit-learn carries it (569 x 30; UCI, CC BY 4.0). It has too few rows to time with: after those held out
    come means of two rows each, of random weights, so that all are distinct and stay within the data."""
    data = datasets.load_breast_cancer()
    x, held, y, _ = split(data.data, data.target)
    rng = np.random.default_rng(42)
    a, b = rng.integers(0, len(data.data), (2, ROWS - len(held)))
    w = rng.random((ROWS - len(held), 1))
    mixed = w * data.data[a] + (1 - w) * data.data[b]
    return x, y, np.vstack([held, mixed]), [str(name) for name in data.feature_names]


def made(features, classes, informative, redundant):
    def load():
        x, y = datasets.make_classification(20_000, features, n_informative=informative, n_redundant=redundant, n_classes=classes, random_state=42)
        train, held, target, _ = split(x, y)
        # Those held out first; single rows are timed on these alone.
        return train, target, np.vstack([held, train])[:ROWS], [f"f{j}" for j in range(features)]

    return load


DATA = {"bc": bc, "b20": made(20, 2, 10, 5), "m5": made(50, 5, 20, 10)}

# ----------------------------------------------------------------------------------------------------------------- models


class XGBoost:
    def __init__(self, trees, depth=6):
        self.trees, self.depth = trees, depth

    def fit(self, x, y, names):
        import xgboost

        self.model = xgboost.XGBClassifier(n_estimators=self.trees, max_depth=self.depth, learning_rate=0.1, num_parallel_tree=1, n_jobs=1, random_state=0).fit(x, y)
        self.booster = self.model.get_booster()
        self.names = names

    def probabilities(self, rows):
        p = np.asarray(self.booster.inplace_predict(rows.astype(np.float32)), dtype=np.float64)
        return np.column_stack([1 - p, p]) if p.ndim == 1 else p

    def nodes(self):
        return sum(tree.count("\n") for tree in self.booster.get_dump())

    def save(self, at):
        from onnxmltools import convert_xgboost
        from onnxmltools.convert.common.data_types import FloatTensorType

        self.booster.save_model(at("model.ubj"))
        onnx(at, convert_xgboost(self.model, initial_types=[("X", FloatTensorType([None, len(self.names)]))]))
        self.booster.feature_names = self.names
        self.booster.save_model(at("source.json"))
        self.booster.feature_names = None

    code = True
    native = {"xgboost": "model.ubj"}
    # It computes in f32.
    tolerance = 1e-6

    def ydf(self, names):
        import ydf

        return ydf.GradientBoostedTreesLearner(label="y", task=ydf.Task.CLASSIFICATION, num_trees=self.trees, max_depth=self.depth + 1, shrinkage=0.1, validation_ratio=0.0, early_stopping="NONE", num_threads=1, random_seed=0, pure_serving_model=True)


class LightGBM:
    def __init__(self, trees, depth=6):
        self.trees, self.depth = trees, depth

    def fit(self, x, y, names):
        import lightgbm

        self.model = lightgbm.LGBMClassifier(n_estimators=self.trees, max_depth=self.depth, num_leaves=2**self.depth, learning_rate=0.1, n_jobs=1, random_state=0, verbose=-1)
        self.model.fit(x, y, feature_name=names)
        self.names = names

    def probabilities(self, rows):
        p = self.model.booster_.predict(rows, num_threads=1)
        return np.column_stack([1 - p, p]) if p.ndim == 1 else p

    def nodes(self):
        return sum(2 * tree["num_leaves"] - 1 for tree in self.model.booster_.dump_model()["tree_info"])

    def save(self, at):
        from onnxmltools import convert_lightgbm
        from onnxmltools.convert.common.data_types import FloatTensorType

        self.model.booster_.save_model(at("model.txt"))
        self.model.booster_.save_model(at("source.txt"))
        onnx(at, convert_lightgbm(self.model, initial_types=[("X", FloatTensorType([None, len(self.names)]))], zipmap=False))

    code = True
    native = {"lightgbm": "model.txt"}
    tolerance = 1e-12
    ydf = XGBoost.ydf


class Sklearn:
    """`code`: whether m2cgen writes the last step. `scaled`: whether a StandardScaler stands before it."""

    def __init__(self, last, scaled=True, code=True, ydf=None, tolerance=1e-12):
        self.last, self.scaled, self.code, self.tolerance = last, scaled, code, tolerance
        self.native = {"scikit-learn": "model.pickle"}
        if ydf:
            self.ydf = lambda names: ydf()

    def fit(self, x, y, names):
        self.model = make_pipeline(StandardScaler(), self.last) if self.scaled else self.last
        self.model.fit(x, y)
        self.names = names

    def probabilities(self, rows):
        return self.model.predict_proba(rows)

    def nodes(self):
        return sum(tree.tree_.node_count for tree in getattr(self.last, "estimators_", []))

    def save(self, at):
        from skl2onnx import convert_sklearn
        from skl2onnx.common.data_types import FloatTensorType

        with open(at("model.pickle"), "wb") as out:
            pickle.dump(self.model, out)
        onnx(at, convert_sklearn(self.model, initial_types=[("X", FloatTensorType([None, len(self.names)]))], options={id(self.model): {"zipmap": False}}))
        export(self.model, at("source.hedge.json"), feature_names=self.names)
        scale = {"mean": self.model[0].mean_.tolist(), "scale": self.model[0].scale_.tolist()} if self.scaled else None
        write(at("scaler.json"), json.dumps(scale))
        if isinstance(self.last, MLPClassifier):
            layers = [{"weights": w.tolist(), "bias": b.tolist()} for w, b in zip(self.last.coefs_, self.last.intercepts_)]
            write(at("net.json"), json.dumps(layers))
        if isinstance(self.last, SVC):
            write(at("model.svm"), libsvm(self.last))


def forest(trees, depth):
    def ydf():
        import ydf

        return ydf.RandomForestLearner(label="y", task=ydf.Task.CLASSIFICATION, num_trees=trees, max_depth=depth + 1, winner_take_all=False, compute_oob_performances=False, num_threads=1, random_seed=0, min_examples=1, pure_serving_model=True)

    return Sklearn(RandomForestClassifier(trees, max_depth=depth, random_state=42, n_jobs=1), scaled=False, ydf=ydf)


GROWTH = (50, 100, 250, 500, 1000)
# Measured for the growth alone, beside onnxruntime-web.
GROWTH_ONLY = {"b20-xgb50d6", "b20-xgb250d6", "b20-xgb1000d6"}
MODELS = {
    "bc-lr": lambda: Sklearn(LogisticRegression(max_iter=1000)),
    "bc-xgb100d6": lambda: XGBoost(100),
    "bc-mlp": lambda: Sklearn(MLPClassifier((100, 50), max_iter=500, random_state=42), code=False),
    "bc-svc": lambda: Sklearn(SVC(kernel="rbf", probability=True, random_state=42), code=False),
    **{f"b20-xgb{n}d6": lambda n=n: XGBoost(n) for n in GROWTH},
    "b20-lgb100d6": lambda: LightGBM(100),
    "b20-lgb500d6": lambda: LightGBM(500),
    "b20-rf100d10": lambda: forest(100, 10),
    "b20-rf500d20": lambda: forest(500, 20),
    "m5-xgb100d6": lambda: XGBoost(100),
}

# ---------------------------------------------------------------------------------------------------------------- writing


def write(path, text):
    with open(path, "w", encoding="utf-8") as out:
        out.write(text)


def onnx(at, model):
    """Without the documentation that some converters leave, which no runtime reads."""
    model.doc_string = ""
    model.graph.doc_string = ""
    with open(at("model.onnx"), "wb") as out:
        out.write(model.SerializeToString())


def m2cgen(model, at):
    """One function of an array that gives an array of probabilities. What m2cgen leaves to its user is added: the scaler, the sigmoid."""
    import m2cgen as m2c

    sys.setrecursionlimit(100_000)
    last = model.last if isinstance(model, Sklearn) else model.model
    if isinstance(model, XGBoost):
        # XGBoost fits its base score since 2.0; m2cgen reads the parameter.
        base = json.loads(model.booster.save_config())["learner"]["learner_model_param"]["base_score"]
        scores = np.unique(json.loads(base))
        if len(scores) > 1:
            raise ValueError("it takes one base score, and this model has one per class")
        last.base_score = float(scores[0])
    code = m2c.export_to_javascript(last)
    if isinstance(model, Sklearn) and model.scaled:
        scaler = model.model[0]
        scaled = ",".join(f"(input[{j}]-{m!r})/{s!r}" for j, (m, s) in enumerate(zip(scaler.mean_.tolist(), scaler.scale_.tolist())))
        code += f"\nexport default (input) => {{ const p = 1 / (1 + Math.exp(-score([{scaled}]))); return [1 - p, p]; }};\n"
    else:
        code += "\nexport default score;\n"
    write(at("model.mjs"), code)


def libsvm(svc):
    """LIBSVM's text format, as its svm_save_model writes it. Its first label is the class of positive scores: scikit-learn negates the
    coefficients of two classes for itself (`_dual_coef_` has them as LIBSVM does)."""
    lines = ["svm_type c_svc", "kernel_type rbf", f"gamma {float(svc._gamma)!r}", f"nr_class {len(svc.classes_)}", f"total_sv {len(svc.support_vectors_)}"]
    lines += ["rho " + " ".join(repr(-v) for v in svc._intercept_.tolist()), "label " + " ".join(str(c) for c in svc.classes_)]
    lines += ["probA " + " ".join(map(repr, svc.probA_.tolist())), "probB " + " ".join(map(repr, svc.probB_.tolist()))]
    lines += ["nr_sv " + " ".join(map(str, svc.n_support_)), "SV"]
    for k, row in enumerate(svc.support_vectors_.tolist()):
        lines.append(" ".join(repr(v) for v in svc._dual_coef_[:, k].tolist()) + " " + " ".join(f"{j + 1}:{v!r}" for j, v in enumerate(row)))
    return "\n".join(lines) + "\n"


def write_ydf(model, x, y, rows, names, at):
    import ydf

    ydf.verbose(0)
    columns = lambda values: {name: values[:, j].astype(np.float32) for j, name in enumerate(names)}
    trained = model.ydf(names).train({**columns(x), "y": y.astype(str)})
    folder = at("ydf")
    trained.save(folder)
    with zipfile.ZipFile(at("model.zip"), "w", zipfile.ZIP_DEFLATED) as out:
        for name in sorted(os.listdir(folder)):
            out.write(os.path.join(folder, name), name)
    p = np.asarray(trained.predict(columns(rows)), dtype=np.float64)
    (np.column_stack([1 - p, p]) if p.ndim == 1 else p).astype("<f8").tofile(at("ydf.f64"))
    return sum(nodes(tree.root) for tree in trained.get_all_trees())


def nodes(node):
    return 1 if node.is_leaf else 1 + nodes(node.pos_child) + nodes(node.neg_child)


def make(name, folder):
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    at = lambda file: os.path.join(folder, file)
    x, y, rows, names = DATA[name.split("-")[0]]()
    model = MODELS[name]()
    model.fit(x, y, names)
    expected = model.probabilities(rows)
    rows.astype("<f8").tofile(at("rows.f64"))
    np.ascontiguousarray(expected, dtype="<f8").tofile(at("expected.f64"))
    model.save(at)
    meta = {"name": name, "names": names, "features": len(names), "rows": len(rows), "classes": [str(c) for c in np.unique(y)], "nodes": model.nodes(), "native": model.native, "tolerance": model.tolerance, "missing": {}}
    if name in GROWTH_ONLY:
        write(at("meta.json"), json.dumps(meta, indent=1))
        return meta
    if not model.code:
        meta["missing"]["m2cgen"] = "does not write this model"
    elif meta["nodes"] > M2CGEN_NODES:
        meta["missing"]["m2cgen"] = f"not generated: {meta['nodes']} nodes would be tens of megabytes of source"
    else:
        try:
            m2cgen(model, at)
        except Exception as e:
            meta["missing"]["m2cgen"] = f"not written: {str(e).splitlines()[0]}"
    if hasattr(model, "ydf"):
        try:
            meta["ydf_nodes"] = write_ydf(model, x, y, rows, names, at)
        except Exception as e:
            meta["missing"]["ydf"] = f"{type(e).__name__}: {str(e).splitlines()[0]}"
    write(at("meta.json"), json.dumps(meta, indent=1))
    return meta


def main():
    arguments = argparse.ArgumentParser(description="Trains the models of the bench")
    arguments.add_argument("--out", required=True)
    arguments.add_argument("--only", help="names of models, with commas between them")
    args = arguments.parse_args()
    only = args.only.split(",") if args.only else list(MODELS)
    unknown = [name for name in only if name not in MODELS]
    if unknown:
        arguments.error(f"there is no model {unknown[0]!r}: there are {', '.join(MODELS)}")
    # A model is made again where what makes it has changed.
    stamp = hashlib.sha256()
    for file in (__file__, os.path.join(HERE, "peers", "requirements.txt"), os.path.join(HERE, "..", "python", "hedgerow_export.py")):
        with open(file, "rb") as source:
            stamp.update(source.read())
    stamp = stamp.hexdigest()
    for name in only:
        folder = os.path.join(args.out, name)
        mark = os.path.join(folder, "made-by")
        if os.path.exists(mark) and open(mark, encoding="ascii").read() == stamp:
            continue
        began = time.time()
        meta = make(name, folder)
        write(mark, stamp)
        missing = "".join(f"; {peer}: {why}" for peer, why in meta["missing"].items())
        print(f"{name}: {meta['nodes']} nodes, {time.time() - began:.1f} s{missing}", flush=True)


main()
