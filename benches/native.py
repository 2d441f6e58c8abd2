"""A native library in its own process, one thread: bench.mjs asks it on standard input, a line of JSON each, as it asks contender.mjs.

    python native.py LIBRARY FOLDER

Batches alone: what a single row costs here is Python's own time.
"""

import json
import os
import sys
import time
import warnings

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
warnings.filterwarnings("ignore")

import numpy as np

SIZES = {"batch1000": 1000, "batch10000": 10_000}


def two(p):
    return np.column_stack([1 - p, p]) if p.ndim == 1 else p


def xgboost(at, names):
    import xgboost

    booster = xgboost.Booster({"nthread": 1}, model_file=at("model.ubj"))
    booster.set_param({"nthread": 1})
    return np.float32, booster.inplace_predict, two


def lightgbm(at, names):
    import lightgbm

    booster = lightgbm.Booster(model_file=at("model.txt"))
    return np.float64, lambda x: booster.predict(x, num_threads=1), two


def onnxruntime(at, names):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(at("model.onnx"), options, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return np.float32, lambda x: session.run(["probabilities"], {name: x})[0], two


def scikit_learn(at, names):
    import pickle

    # Written by train.py a moment ago.
    with open(at("model.pickle"), "rb") as source:
        model = pickle.load(source)
    # A forest rounds its input to f32: what is so already need not be copied.
    return np.float32 if hasattr(model, "estimators_") else np.float64, model.predict_proba, two


def lleaves(at, names):
    import lleaves

    model = lleaves.Model(model_file=at("model.txt"))
    model.compile(cache=at("lleaves.bin"))
    return np.float64, lambda x: model.predict(x, n_jobs=1), two


LIBRARIES = {"xgboost": xgboost, "lightgbm": lightgbm, "onnxruntime": onnxruntime, "scikit-learn": scikit_learn, "lleaves": lleaves}
TOLERANCE = {"onnxruntime": 1e-5}


def main():
    library, folder = sys.argv[1:]
    at = lambda file: os.path.join(folder, file)
    with open(at("meta.json"), encoding="utf-8") as source:
        meta = json.load(source)
    rows = np.fromfile(at("rows.f64"), dtype="<f8").reshape(-1, meta["features"])
    expected = np.fromfile(at("expected.f64"), dtype="<f8").reshape(len(rows), -1)
    kind, run, shape = LIBRARIES[library](at, meta["names"])
    tolerance = TOLERANCE.get(library, 1e-9)
    cursor, slow = {}, {}

    def slice_of(measure, ms):
        n = SIZES[measure]
        blocks = [(k, np.ascontiguousarray(rows[k : k + n], dtype=kind)) for k in range(0, len(rows), n)]
        told = {"checked": 0, "wrong": 0, "worst": 0.0}
        spent, calls = 0, 0
        at = cursor.get(measure, 0)
        # Brings the model back into the caches; a call of many slices does that by itself.
        if slow.get(measure, 0) < 4e6 * ms:
            run(blocks[at % len(blocks)][1])
        while calls < 1 or spent < ms * 1e6:
            start, x = blocks[at % len(blocks)]
            at += 1
            before = time.process_time_ns()
            got = run(x)
            took = time.process_time_ns() - before
            spent, calls = spent + took, calls + 1
            slow[measure] = took
            worst = np.abs(shape(np.asarray(got, dtype=np.float64)) - expected[start : start + n]).max(axis=1)
            worst = np.where(np.isnan(worst), np.inf, worst)
            told["checked"] += n
            told["wrong"] += int((worst > tolerance).sum())
            told["worst"] = max(told["worst"], float(worst.max()))
        cursor[measure] = at
        return {"calls": calls, "cpu": spent / calls / n / 1000, "rows": n, **told}

    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        message = json.loads(line)
        try:
            print(json.dumps(slice_of(message["measure"], message["ms"])), flush=True)
        except Exception as e:
            print(json.dumps({"error": f"{type(e).__name__}: {e}"}), flush=True)


try:
    main()
except Exception as e:
    print(json.dumps({"error": f"{type(e).__name__}: {e}"}), flush=True)
