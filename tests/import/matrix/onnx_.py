"""ONNX: what skl2onnx, onnxmltools and CatBoost write for classifiers and pipelines. The answers are onnxruntime's own.

Rows stand at the thresholds of the trees and one float32 beside them; where a pipeline scales first, they stand where the scaled
value crosses them. Leaves are compared where the library gives them and the file keeps their numbers: scikit-learn's `apply` and
XGBoost's `pred_leaf`.

What the converters cannot write is not here: skl2onnx 1.20 fails on HistGradientBoostingClassifier, on a SimpleImputer of texts, on soft
votes with a list of weights; onnxmltools 1.16 fails on XGBoost's dart.
"""

import json
import warnings

from common import numeric, sample, target, threshold_rows, with_missing, write_case

import numpy as np
import onnx
import onnx_hand
import onnxruntime
import pandas
from onnx import helper
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import DoubleTensorType, FloatTensorType, Int64TensorType, StringTensorType
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    BaggingClassifier,
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    RandomForestClassifier,
    StackingClassifier,
    VotingClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import Binarizer, MaxAbsScaler, MinMaxScaler, OneHotEncoder, OrdinalEncoder, RobustScaler, StandardScaler
from sklearn.svm import SVC, LinearSVC
from sklearn.tree import DecisionTreeClassifier

warnings.filterwarnings("ignore")
TYPES = {1: np.float32, 7: np.int64, 8: object, 11: np.float64}
# Machines' and naive Bayes' scores in float32: on some rows onnxruntime is more than 1e-6 off what scikit-learn answers in float64 (1.8e-6
# seen), where the import is within 2e-7 of it.
SINGLE = 3e-6


# Some of each kind, small ones.
COMMITTED = {
    "StandardScaler-tree-2",
    "bayes-2-double",
    "boosting-2",
    "calibrated-isotonic-2-tree",
    "calibrated-isotonic-3-tree",
    "calibrated-sigmoid-2-tree",
    "catboost-2",
    "extra-trees-2",
    "forest-2",
    "hand-equals-chain",
    "hand-version5-3",
    "lightgbm-2",
    "logistic-2",
    "logistic-3",
    "mlp-relu-2",
    "stacking-2",
    "stacking-2-passthrough",
    "svc-rbf-2",
    "table-logistic",
    "table-tree",
    "tree-2",
    "tree-2-missing",
    "tree-3",
    "voting-2",
    "xgboost-2",
    "xgboost-2-missing",
}


def answers(model, rows, names):
    """onnxruntime's probabilities (rows, classes) and labels. `rows`: a list per row in the order of `names`."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    graph = onnx.load_from_string(model).graph
    inputs = {}
    for given in graph.input:
        dtype = TYPES[given.type.tensor_type.elem_type]
        if len(graph.input) == 1 and names is None:
            inputs[given.name] = np.array(rows, dtype=dtype)
        else:
            at = names.index(given.name) if given.name in names else None
            # What is dropped is not among the columns.
            column = ["" if dtype is object else 0] * len(rows) if at is None else [row[at] for row in rows]
            inputs[given.name] = np.array(column, dtype=dtype).reshape(-1, 1)
    made = session.run(None, inputs)
    for value in made:
        if isinstance(value, list) and value and isinstance(value[0], dict):
            labels = list(value[0])
            return np.array([[row[label] for label in labels] for row in value]), labels
    numbers = [v for v in made if isinstance(v, np.ndarray) and v.ndim == 2 and v.dtype.kind == "f"]
    return numbers[0], None


def record(folder, model, rows, names=None, labels=None, **rest):
    """Writes a case with onnxruntime's answers."""
    model.graph.name = "graph"  # converters draw one at random
    data = model.SerializeToString()
    rows = [list(row) for row in (rows.tolist() if isinstance(rows, np.ndarray) else rows)]
    probability, own = answers(data, rows, names)
    write_case(folder, data, "onnx", names, rows, probability=probability, labels=own or labels, **rest)


def convert(model, n, kind=FloatTensorType, opset=None, **options):
    chosen = {id(model): options} if options else None
    # An old set of operators has its own ways to sum, clip and take axes.
    versions = None if opset is None else {"": opset, "ai.onnx.ml": 1 if opset < 13 else 3}
    made = convert_sklearn(model, initial_types=[("X", kind([None, n]))], options=chosen, target_opset=versions)
    # What is written now must load everywhere: the newest format is not needed.
    made.ir_version = min(made.ir_version, 10)
    return made


def thresholds(model):
    """By feature, the thresholds of all trees of a graph, as the trees see them."""
    found = {}
    for node in model.graph.node:
        if node.op_type.startswith("TreeEnsemble"):
            a = {x.name: helper.get_attribute_value(x) for x in node.attribute}
            for mode, feature, value in zip(a["nodes_modes"], a["nodes_featureids"], a["nodes_values"]):
                if mode != b"LEAF":
                    found.setdefault(feature, []).append(float(np.float32(value)))
    return found


def data(classes, n=300, k=5, seed=0):
    """Moderate numbers: columns of `numeric`, the large one brought down, as float32."""
    x = numeric(n, k, seed)
    for j in range(k):
        spread = np.abs(x[:, j]).max()
        if spread > 50:
            x[:, j] /= spread / 20
    x = x.astype(np.float32).astype(np.float64)
    return x, target(x, classes, seed)


def forest_case(make, classes, kind=FloatTensorType, missing=False, seed=0, apply=None, **options):
    def write(folder):
        x, y = data(classes, seed=seed)
        if missing:
            x = with_missing(x, seed=seed)
        fitted = make().fit(x, y)
        model = convert(fitted, x.shape[1], kind, **options)
        rows = np.vstack([sample(x, 60, seed, spread=0.5), threshold_rows(thresholds(model), np.nan_to_num(x), "both", cap=240)])
        if missing:
            rows = np.vstack([rows, with_missing(sample(x, 60, seed + 1), 0.4, seed)])
        leaves = apply(fitted, rows.astype(np.float32)) if apply else None
        record(folder, model, rows, leaves=leaves)

    return write


def plain_case(make, classes, kind=FloatTensorType, tolerance=None, spread=0.5, seed=0, large=False, **options):
    """A model without thresholds, or with some behind a scaler: random rows, and rows far out."""

    def write(folder):
        x, y = data(classes, seed=seed)
        fitted = make().fit(x, y)
        model = convert(fitted, x.shape[1], kind, **options)
        single = kind is FloatTensorType
        rows = np.vstack([sample(x, 150, seed, single, spread), sample(x, 30, seed + 1, single, 3.0)])
        record(folder, model, rows, tolerance=tolerance)

    return write


def scaled_tree_case(scaler, make, classes=2, missing=False):
    """Trees behind a scaler: rows on both sides of where the scaled float32 crosses a threshold."""

    def write(folder):
        x, y = data(classes)
        if missing:
            x = with_missing(x)
        fitted = make_pipeline(scaler, make()).fit(x, y)
        model = convert(fitted, x.shape[1])
        # The input at which each scaled value comes about, roughly; then twelve float32 to either side.
        inverse = fitted.steps[-2][1]
        rows = [sample(np.nan_to_num(x), 40)]
        for feature, values in thresholds(model).items():
            for value in sorted(set(values))[:8]:
                at = np.zeros((1, x.shape[1]))
                at[0, feature] = value
                near = np.float32(inverse.inverse_transform(at)[0, feature])
                for _ in range(12):
                    near = np.nextafter(near, np.float32(-np.inf))
                for _ in range(25):
                    row = np.nan_to_num(x)[len(rows) % len(x)].copy()
                    row[feature] = near
                    rows.append(row[None])
                    near = np.nextafter(near, np.float32(np.inf))
        rows = np.vstack(rows)
        if missing:
            rows = np.vstack([rows, with_missing(rows[:60], 0.4)])
        record(folder, model, rows)

    return write


def table(n=300, seed=0):
    """A table with numbers, texts and a whole number; and labels that are texts."""
    rng = np.random.default_rng(seed)
    frame = pandas.DataFrame(
        {
            "age": rng.integers(18, 80, n).astype(np.float32),
            "pay": rng.normal(20, 6, n).astype(np.float32),
            "job": rng.choice(["clerk", "smith", 'a "quoted", one', "Ünïcode"], n),
            "sex": rng.choice(["f", "m"], n),
            "children": rng.integers(0, 4, n),
        }
    )
    score = frame.age / 10 + frame.pay / 5 + 2.0 * (frame.job == "smith") - frame.children + rng.normal(size=n)
    return frame, np.where(score > np.median(score), "yes", "no")


TABLE = {"age": FloatTensorType, "pay": FloatTensorType, "job": StringTensorType, "sex": StringTensorType, "children": Int64TensorType}


def table_case(steps, make, missing=(), unknown=False, remainder="drop", tolerance=None, use=tuple(TABLE), dropped=()):
    """A ColumnTransformer before a model, on raw rows."""

    def write(folder):
        frame, y = table()
        frame = frame[list(use)]
        rng = np.random.default_rng(1)
        for name in missing:
            frame.loc[rng.random(len(frame)) < 0.2, name] = np.nan
        fitted = make_pipeline(ColumnTransformer(steps(), remainder=remainder), make()).fit(frame, y)
        model = convert_sklearn(fitted, initial_types=[(name, TABLE[name]([None, 1])) for name in use])
        model.ir_version = min(model.ir_version, 10)
        rows = frame.sample(120, random_state=0).reset_index(drop=True)
        names = [name for name in use if name not in dropped]
        if unknown:
            for name in ("job", "sex"):
                if name in use:
                    rows.loc[rng.random(len(rows)) < 0.2, name] = "nobody knows"
        record(folder, model, [list(row) for row in rows[names].itertuples(index=False, name=None)], names, tolerance=tolerance)

    return write


def numbers_then(*encoder):
    """Imputed and scaled numbers, and encoded texts."""
    number = lambda: make_pipeline(SimpleImputer(strategy="median"), StandardScaler())  # noqa: E731
    return lambda: [("numbers", number(), ["age", "pay"]), *((f"texts{i}", e(), c) for i, (e, c) in enumerate(encoder))]


def xgb_case(classes, missing=False, **params):
    def write(folder):
        from onnxmltools import convert_xgboost
        from onnxmltools.convert.common.data_types import FloatTensorType as Floats
        from xgboost import XGBClassifier

        x, y = data(classes)
        if missing:
            x = with_missing(x)
        fitted = XGBClassifier(n_jobs=1, **{"n_estimators": 8, "max_depth": 3, **params}).fit(x, y)
        model = convert_xgboost(fitted, initial_types=[("X", Floats([None, x.shape[1]]))])
        rows = np.vstack([sample(x, 60), threshold_rows(thresholds(model), np.nan_to_num(x), "both", cap=240)])
        if missing:
            rows = np.vstack([rows, with_missing(sample(x, 60), 0.4)])
        # The converter numbers nodes anew: the yes-side first.
        dump = [json.loads(tree) for tree in fitted.get_booster().get_dump(dump_format="json")]
        new = [{node: i for i, node in enumerate(preorder(tree))} for tree in dump]
        leaves = [[new[t][leaf] for t, leaf in enumerate(row)] for row in fitted.apply(rows.astype(np.float32)).astype(int)]
        record(folder, model, rows, leaves=leaves)

    return write


def preorder(node):
    yield node["nodeid"]
    for child in sorted(node.get("children", ()), key=lambda c: c["nodeid"] != node["yes"]):
        yield from preorder(child)


def lgb_case(classes, missing=False, categorical=False, zipmap=True, **params):
    def write(folder):
        from lightgbm import LGBMClassifier
        from onnxmltools import convert_lightgbm
        from onnxmltools.convert.common.data_types import FloatTensorType as Floats

        x, y = data(classes)
        if categorical:
            x[:, 4] = np.random.default_rng(5).integers(0, 6, len(x))
            y = (y + (x[:, 4] % 3 == 1)) % classes
            y = y.astype(int)
        if missing:
            x = with_missing(x, columns=[0, 1, 2])
        own = {"n_estimators": 8, "num_leaves": 6, "min_child_samples": 5, "min_data_per_group": 5, "cat_smooth": 1, "max_cat_to_onehot": 1}
        fitted = LGBMClassifier(n_jobs=1, verbose=-1, **{**own, **params})
        fitted.fit(x, y, categorical_feature=[4] if categorical else "auto")
        model = convert_lightgbm(fitted, initial_types=[("X", Floats([None, x.shape[1]]))], zipmap=zipmap)
        rows = np.vstack([sample(x, 60, fixed=[4]), threshold_rows(thresholds(model), np.nan_to_num(x), "both", cap=240)])
        if missing:
            rows = np.vstack([rows, with_missing(sample(x, 60, fixed=[4]), 0.4)])
        record(folder, model, rows)

    return write


def cat_case(classes, texts=False, missing=False, **params):
    def write(folder):
        import pathlib
        import tempfile

        from catboost import CatBoostClassifier

        x, y = data(classes)
        if missing:
            x = with_missing(x)
        labels = np.array(["low", "middle", "high"])[y] if texts else y
        fitted = CatBoostClassifier(iterations=8, depth=3, thread_count=1, verbose=0, allow_writing_files=False, **params).fit(x, labels)
        with tempfile.TemporaryDirectory() as there:
            path = pathlib.Path(there) / "model.onnx"
            fitted.save_model(str(path), format="onnx")
            model = onnx.load(path)
        del model.metadata_props[:]  # it holds the time of training
        rows = np.vstack([sample(x, 60), threshold_rows(thresholds(model), np.nan_to_num(x), "both", cap=240)])
        if missing:
            rows = np.vstack([rows, with_missing(sample(x, 60), 0.4)])
        record(folder, model, rows, labels=None)

    return write


def cases(small):
    """Names and writers."""

    def of(name, write):
        return [(name, write)] if not small or name in COMMITTED else []

    every = []
    leaf = lambda m, rows: m.apply(rows)  # noqa: E731
    boost = lambda m, rows: m.apply(rows).reshape(len(rows), -1)  # noqa: E731
    for classes in (2, 3):
        c = f"{classes}"
        every += of(f"forest-{c}", forest_case(lambda: RandomForestClassifier(10, max_depth=4, random_state=0), classes, apply=leaf),
        )
        every += of(f"tree-{c}", forest_case(lambda: DecisionTreeClassifier(max_depth=5, random_state=0), classes, apply=lambda m, r: m.apply(r)))
        every += of(f"tree-{c}-nozipmap", forest_case(lambda: DecisionTreeClassifier(max_depth=3, random_state=0), classes, zipmap=False))
        every += of(f"tree-{c}-deep", forest_case(lambda: DecisionTreeClassifier(random_state=0), classes, apply=lambda m, r: m.apply(r)))
        every += of(f"extra-trees-{c}", forest_case(lambda: ExtraTreesClassifier(10, max_depth=4, random_state=0), classes, apply=leaf))
        every += of(f"forest-{c}-deep", forest_case(lambda: RandomForestClassifier(40, random_state=0), classes, apply=leaf))
        every += of(f"boosting-{c}", forest_case(lambda: GradientBoostingClassifier(n_estimators=10, max_depth=3, random_state=0), classes, apply=boost),
        )
        every += of(f"tree-{c}-missing", forest_case(lambda: DecisionTreeClassifier(max_depth=4, random_state=0), classes, missing=True))
        every += of(f"forest-{c}-missing", forest_case(lambda: RandomForestClassifier(6, max_depth=4, random_state=0), classes, missing=True))
        for scaler in (StandardScaler, MinMaxScaler, RobustScaler):
            every += of(f"{scaler.__name__}-tree-{c}", scaled_tree_case(scaler(), lambda: DecisionTreeClassifier(max_depth=5, random_state=0), classes),
            )
        every += of(f"logistic-{c}", plain_case(LogisticRegression, classes))
        every += of(f"logistic-{c}-nozipmap", plain_case(LogisticRegression, classes, zipmap=False))
        every += of(f"logistic-{c}-double", plain_case(LogisticRegression, classes, DoubleTensorType, tolerance=1e-12, zipmap=False))
        every += of(f"logistic-{c}-ovr", plain_case(lambda: OneVsRestClassifier(LogisticRegression()), classes))
        every += of(f"sgd-{c}", plain_case(lambda: SGDClassifier(loss="log_loss", alpha=0.1, random_state=0), classes))
        for scaler in (StandardScaler, MinMaxScaler, RobustScaler, MaxAbsScaler, Binarizer):
            every += of(f"{scaler.__name__}-logistic-{c}", plain_case(lambda s=scaler: make_pipeline(s(), LogisticRegression()), classes))
        every += of(f"StandardScaler-logistic-{c}-double", plain_case(lambda: make_pipeline(StandardScaler(), LogisticRegression()), classes, DoubleTensorType, tolerance=1e-12, zipmap=False),
        )
        every += of(f"clipped-logistic-{c}", plain_case(lambda: make_pipeline(MinMaxScaler(clip=True), LogisticRegression()), classes))
        for kernel in ("rbf", "linear", "poly", "sigmoid"):
            # libsvm's coupling stops early: at 0.005 / classes.
            svc = lambda k=kernel: make_pipeline(StandardScaler(), SVC(kernel=k, probability=True, random_state=0, degree=2))  # noqa: E731
            every += of(f"svc-{kernel}-{c}", plain_case(svc, classes, tolerance=SINGLE))
        for activation in ("relu", "tanh", "logistic", "identity"):
            net = lambda a=activation: make_pipeline(StandardScaler(), MLPClassifier((8, 5), activation=a, max_iter=80, random_state=0))  # noqa: E731
            every += of(f"mlp-{activation}-{c}", plain_case(net, classes))
        every += of(f"mlp-{c}-double", plain_case(lambda: MLPClassifier((6,), max_iter=80, random_state=0), classes, DoubleTensorType, zipmap=False))
        every += of(f"bayes-{c}-double", plain_case(GaussianNB, classes, DoubleTensorType, tolerance=1e-10, spread=0.3, zipmap=False))
        # Sums of squares in float32: of a log-likelihood of 100, one unit in the last place is 8e-6.
        every += of(f"bayes-{c}", plain_case(GaussianNB, classes, tolerance=SINGLE, spread=0.3))
        members = lambda: [  # noqa: E731
            ("tree", DecisionTreeClassifier(max_depth=3, random_state=0)),
            ("linear", LogisticRegression()),
            ("forest", RandomForestClassifier(4, max_depth=3, random_state=0)),
        ]
        every += of(f"stacking-{c}", forest_case(lambda: StackingClassifier(members(), cv=3), classes))
        every += of(f"stacking-{c}-passthrough", forest_case(lambda: StackingClassifier(members(), cv=3, passthrough=True), classes))
        vote = lambda w: VotingClassifier(members(), voting="soft", weights=w, flatten_transform=False)  # noqa: E731
        every += of(f"voting-{c}", forest_case(lambda: vote(None), classes))
        every += of(f"voting-{c}-weights", forest_case(lambda: vote(np.array([1.0, 2.0, 0.5])), classes))
        every += of(f"bagging-{c}", forest_case(lambda: BaggingClassifier(DecisionTreeClassifier(max_depth=3), 4, random_state=0), classes))
        for method in ("sigmoid", "isotonic"):
            for ensemble in (True, False):
                name = f"calibrated-{method}-{c}" + ("" if ensemble else "-one")
                for base, model in {
                    "tree": lambda: DecisionTreeClassifier(max_depth=3, random_state=0),
                    "forest": lambda: RandomForestClassifier(4, max_depth=3, random_state=0),
                    "logistic": LogisticRegression,
                    "linearsvc": LinearSVC,
                }.items():
                    calibrated = lambda b=model, m=method, e=ensemble: CalibratedClassifierCV(b(), method=m, cv=2, ensemble=e)  # noqa: E731
                    write = (plain_case if base in ("logistic", "linearsvc") else forest_case)(calibrated, classes)
                    every += of(f"{name}-{base}", write)
        tree = lambda: DecisionTreeClassifier(max_depth=3, random_state=0)  # noqa: E731
        scaled = lambda m: make_pipeline(StandardScaler(), m)  # noqa: E731
        net = lambda: MLPClassifier((5,), max_iter=60, random_state=0)  # noqa: E731
        for opset in (9, 11, 13, 15, 18):
            o = f"opset{opset}-{c}"
            every += of(f"{o}-logistic-ovr", plain_case(lambda: OneVsRestClassifier(LogisticRegression()), classes, opset=opset))
            every += of(f"{o}-mlp", plain_case(lambda: scaled(net()), classes, tolerance=SINGLE, opset=opset))
            every += of(f"{o}-bayes", plain_case(GaussianNB, classes, tolerance=SINGLE, spread=0.3, opset=opset))
            isotonic = lambda: CalibratedClassifierCV(tree(), cv=2, method="isotonic")  # noqa: E731
            every += of(f"{o}-isotonic", forest_case(isotonic, classes, opset=opset))
            stack = lambda: StackingClassifier([("a", tree()), ("b", LogisticRegression())], cv=2)  # noqa: E731
            every += of(f"{o}-stacking", forest_case(stack, classes, opset=opset))
            if opset > 9:
                clip = lambda: make_pipeline(MinMaxScaler(clip=True), LogisticRegression())  # noqa: E731
                every += of(f"{o}-clipped", plain_case(clip, classes, opset=opset))
        every += of(f"calibrated-mlp-{c}", plain_case(lambda: CalibratedClassifierCV(scaled(net()), cv=2), classes, tolerance=SINGLE))
        every += of(f"calibrated-bayes-{c}", plain_case(lambda: CalibratedClassifierCV(GaussianNB(), cv=2), classes, spread=0.3))
        boosting = lambda: GradientBoostingClassifier(n_estimators=4, random_state=0)  # noqa: E731
        every += of(f"calibrated-boosting-{c}", forest_case(lambda: CalibratedClassifierCV(boosting(), cv=2), classes))
        if classes == 2:
            every += of("calibrated-svc-2", plain_case(lambda: CalibratedClassifierCV(scaled(SVC()), cv=2), classes, tolerance=SINGLE))
        mixed = lambda: [  # noqa: E731
            ("linear", scaled(LogisticRegression())),
            ("net", scaled(net())),
            ("bayes", GaussianNB()),
            ("svc", scaled(SVC(probability=True, random_state=0))),
            ("boosting", boosting()),
        ]
        vote_mixed = lambda: VotingClassifier(mixed(), voting="soft", flatten_transform=False)  # noqa: E731
        every += of(f"voting-mixed-{c}", plain_case(vote_mixed, classes, spread=0.3))
        over_net = lambda: StackingClassifier(mixed()[:2], cv=2, final_estimator=net())  # noqa: E731
        every += of(f"stacking-net-{c}", plain_case(over_net, classes, tolerance=SINGLE))
        in_pipe = lambda: scaled(StackingClassifier([("a", tree()), ("b", LogisticRegression())], cv=2, passthrough=True))  # noqa: E731
        every += of(f"scaled-stacking-{c}", plain_case(in_pipe, classes))
        some = lambda: BaggingClassifier(tree(), 4, max_features=3, random_state=0)  # noqa: E731
        every += of(f"bagging-features-{c}", forest_case(some, classes))
        every += of(f"xgboost-{c}", xgb_case(classes))
        every += of(f"xgboost-{c}-missing", xgb_case(classes, missing=True))
        every += of(f"xgboost-{c}-deep", xgb_case(classes, max_depth=6, n_estimators=20, learning_rate=0.5))
        every += of(f"lightgbm-{c}", lgb_case(classes))
        every += of(f"lightgbm-{c}-missing", lgb_case(classes, missing=True))
        every += of(f"lightgbm-{c}-categorical", lgb_case(classes, categorical=True))
        every += of(f"lightgbm-{c}-nozipmap", lgb_case(classes, zipmap=False))
        every += of(f"catboost-{c}", cat_case(classes))
        every += of(f"catboost-{c}-missing", cat_case(classes, missing=True))
        every += of(f"catboost-{c}-texts", cat_case(classes, texts=True))

    one_hot = lambda: OneHotEncoder(handle_unknown="ignore")  # noqa: E731
    for model_name, make in {
        "logistic": LogisticRegression,
        "tree": lambda: DecisionTreeClassifier(max_depth=5, random_state=0),
        "forest": lambda: RandomForestClassifier(6, max_depth=5, random_state=0),
        "boosting": lambda: GradientBoostingClassifier(n_estimators=8, random_state=0),
        "mlp": lambda: MLPClassifier((6,), max_iter=80, random_state=0),
    }.items():
        both = numbers_then((one_hot, ["job", "sex"]))
        use = ("age", "pay", "job", "sex")
        every += of(f"table-{model_name}", table_case(both, make, missing=["age", "pay"], unknown=True, use=use))
        every += of(f"table-{model_name}-drop-binary", table_case(numbers_then((lambda: OneHotEncoder(drop="if_binary"), ["job", "sex"])), make, missing=["age"], use=use),
        )
        every += of(f"table-{model_name}-ordinal", table_case(numbers_then((OrdinalEncoder, ["job", "sex"])), make, use=use))
        every += of(f"table-{model_name}-ordinal-unknown", table_case(
                numbers_then((lambda: OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["job", "sex"])),
                make,
                unknown=True,
                use=use,
            ),
        )
        every += of(f"table-{model_name}-whole", table_case(numbers_then((one_hot, ["job"]), (one_hot, ["children"])), make, unknown=True, use=("age", "pay", "job", "children")),
        )
        every += of(f"table-{model_name}-passthrough", table_case(lambda: [("age", StandardScaler(), ["age"]), ("job", one_hot(), ["job"])], make, remainder="passthrough", use=("age", "pay", "job")),
        )
        every += of(f"table-{model_name}-dropped", table_case(numbers_then((one_hot, ["job"])), make, unknown=True, dropped=("sex", "children")),
        )
    for name, model, rows, labels in onnx_hand.cases():
        every += of(f"hand-{name}", lambda f, m=model, r=rows, l=labels: record(f, m, r, labels=l))
    yield from every
