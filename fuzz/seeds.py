"""Writes the models that the fuzzing of importers starts from: fuzz/seeds/TARGET/*. Each is small, so that most edits hit something.

    pip install -r ../tests/import/matrix/requirements.txt && python seeds.py
"""

import os
import pathlib
import shutil
import sys
import warnings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
warnings.filterwarnings("ignore")

import lightgbm as lgb
import numpy as np
import pandas as pd
import xgboost as xgb
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.calibration import CalibratedClassifierCV
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, StackingClassifier, VotingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, OneHotEncoder, OrdinalEncoder, StandardScaler
from sklearn.svm import SVC

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "python"))
import hedgerow_export  # noqa: E402

rng = np.random.default_rng(0)
N = 80
x = rng.normal(size=(N, 3)).round(2)
c = rng.integers(0, 3, N)
two = (x[:, 0] + (c == 1) + rng.normal(size=N) * 0.3 > 0.4).astype(int)
three = np.digitize(x[:, 0] + (c == 1), [-0.3, 0.8])
holes = np.where(rng.random(x.shape) < 0.2, np.nan, x)
frame = pd.DataFrame({"age": holes[:, 0], "size": x[:, 1], "kind": np.array(["a", "b", "it's"], dtype=object)[c]})
typed = frame.assign(kind=frame.kind.astype("category"))


def write(target, name, content):
    folder = HERE / "seeds" / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    print(f"{target}/{name}: {(folder / name).stat().st_size} bytes")


def columns(dense=True):
    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    return ColumnTransformer([("n", numbers, ["age", "size"]), ("c", OneHotEncoder(handle_unknown="ignore"), ["kind"])], sparse_threshold=0 if dense else 0.3)


def xgboost():
    base = {"max_depth": 2, "nthread": 1, "seed": 0}
    data = xgb.DMatrix(typed, two, enable_categorical=True)
    booster = xgb.train({**base, "objective": "binary:logistic", "max_cat_to_onehot": 2}, data, 2)
    write("import_xgboost", "binary-category.json", bytes(booster.save_raw("json")))
    write("import_xgboost", "binary-category.ubj", bytes(booster.save_raw("ubj")))
    booster = xgb.train({**base, "objective": "multi:softprob", "num_class": 3, "booster": "dart", "rate_drop": 0.5}, xgb.DMatrix(holes, three), 2)
    write("import_xgboost", "multiclass-dart.ubj", bytes(booster.save_raw("ubj")))


def lightgbm():
    base = {"num_threads": 1, "deterministic": True, "verbose": -1, "num_leaves": 3, "min_data_in_leaf": 5, "min_data_per_group": 5}

    def model(params, data, rounds):
        text = lgb.train({**base, **params}, data, rounds).model_to_string()
        head, rest = text.split("\nparameters:\n")
        keep = [line for line in rest.splitlines() if line.startswith(("[boosting", "[categorical_feature", "end of", "pandas_"))]
        return head + "\nparameters:\n" + "\n".join(keep) + "\n"

    write("import_lightgbm", "binary-category.txt", model({"objective": "binary"}, lgb.Dataset(typed, two), 2))
    told = {"zero_as_missing": True}
    zeros = np.where(np.abs(x) < 0.5, 0, x)
    write("import_lightgbm", "multiclassova-zero.txt", model({"objective": "multiclassova", "num_class": 3, **told}, lgb.Dataset(zeros, three, params=told), 1))
    forest = {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.7}
    write("import_lightgbm", "binary-rf.txt", model(forest, lgb.Dataset(np.column_stack([holes, c]), two, categorical_feature=[3]), 2))


def fitted():
    tree = RandomForestClassifier(3, max_depth=2, random_state=0, n_jobs=1)
    machine = CalibratedClassifierCV(SVC(C=0.5), cv=2)
    encoded = ColumnTransformer([("n", MinMaxScaler(), ["size"]), ("c", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1), ["kind"])])
    nested = StackingClassifier([("lr", LogisticRegression()), ("gb", GradientBoostingClassifier(n_estimators=2, max_depth=2))], LogisticRegression(), cv=2)
    vote = VotingClassifier([("lr", LogisticRegression()), ("nb", GaussianNB())], voting="soft", weights=[2, 1])
    yield "forest", make_pipeline(columns(), tree), three
    yield "linear", make_pipeline(columns(), LogisticRegression()), two
    yield "mlp", make_pipeline(columns(), MLPClassifier((3,), max_iter=20, random_state=0)), three
    yield "stacking", make_pipeline(encoded, nested), two
    yield "voting", make_pipeline(encoded, vote), three
    yield "svm", make_pipeline(encoded, machine), two


def sklearn():
    types = [("age", FloatTensorType([None, 1])), ("size", FloatTensorType([None, 1])), ("kind", StringTensorType([None, 1]))]
    # An exported file holds each training row of an SVM that lies at its margin: few rows keep it small.
    for name, pipeline, y in fitted():
        rows = 24 if name == "svm" else N
        pipeline.fit(frame[:rows], y[:rows])
        path = HERE / "seeds" / f"{name}.hedge.json"
        hedgerow_export.export(pipeline, path)
        write("import_exchange", path.name, path.read_bytes())
        path.unlink()
        try:
            write("import_onnx", f"{name}.onnx", to_onnx(pipeline, initial_types=types, options={"zipmap": name != "mlp"}).SerializeToString())
        except Exception as e:  # noqa: BLE001 - not every model has a converter
            print(f"import_onnx/{name}: {type(e).__name__}: {str(e)[:100]}")


shutil.rmtree(HERE / "seeds", ignore_errors=True)
(HERE / "seeds").mkdir()
xgboost()
lightgbm()
sklearn()
