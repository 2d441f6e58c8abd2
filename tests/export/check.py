"""Holds exported models to our own answers, in onnxruntime.

    pip install -r requirements.txt && cargo build --release --bin hedgerow && python check.py

Two sets of models:
* the fixtures (fixtures.rs): one model of each kind and link, random forests of thresholds and category sets with values at and one
  ulp beside the thresholds, the fitted scikit-learn estimators of tests/conformance, every kind of field, encoder and node of the feature
  language;
* the committed demo models, and models trained here on the demo's data: `hedgerow predict` over their CSV files, every row.

Each is exported by `hedgerow export`, passes onnx.checker, and answers in onnxruntime: derived features and probabilities within
1e-12, labels equal unless two probabilities are as close as that.
"""

import argparse
import csv
import datetime
import json
import math
import os
import pathlib
import subprocess
import sys

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import onnx
import onnxruntime

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
TOLERANCE = 1e-12
# Sums of large numbers, and functions whose last digits differ by library.
RELATIVE = 1e-12


def session(file, extra=()):
    """A session of an exported file, with the outputs of the nodes named `extra` as outputs, too."""
    model = onnx.load_from_string(file)
    onnx.checker.check_model(model, full_check=True)
    makers = {node.name: node.output[0] for node in model.graph.node}
    for name in extra:
        model.graph.output.append(onnx.helper.make_tensor_value_info(makers[name], onnx.TensorProto.DOUBLE, None))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 3
    run = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return run, model


def feeds(run, columns, as_of):
    """What the session is given. `columns`: per field its values, None where missing."""
    rows = len(next(iter(columns.values())))
    given = {}
    for value in run.get_inputs():
        if value.name in columns:
            column = columns[value.name]
        else:
            assert value.name.strip("_") == "as_of", value.name
            column = as_of if isinstance(as_of, list) else [as_of] * rows
        if value.type == "tensor(string)":
            given[value.name] = np.array([["" if v is None else v] for v in column], dtype=object)
        else:
            given[value.name] = np.array([[math.nan if v is None else float(v)] for v in column])
    return given


def export(args, model):
    done = subprocess.run([args.hedgerow, "export", model, "--to", "onnx", "--out", "-"], capture_output=True)
    if done.returncode != 0:
        raise SystemExit(f"{model}: {done.stderr.decode()}")
    return done.stdout


def difference(what, ours, theirs):
    """The largest difference, NaN being equal to itself; in units of the larger number where that is past 1."""
    ours, theirs = np.asarray(ours, dtype=float), np.asarray(theirs, dtype=float)
    assert ours.shape == theirs.shape, f"{what}: {ours.shape} {theirs.shape}"
    gaps = np.isnan(ours) != np.isnan(theirs)
    assert not gaps.any(), f"{what}: missing differs in rows {np.argwhere(gaps)[:5].tolist()}"
    off = np.abs(ours - theirs) / np.maximum(1, np.abs(ours))
    return float(np.nanmax(off, initial=0))


def labels_agree(what, classes, probability, labels):
    probability = np.asarray(probability, dtype=float)
    for i, (row, label) in enumerate(zip(probability, labels)):
        given = row[classes.index(label)]
        assert row.max() - given <= 2 * TOLERANCE, f"{what}: row {i}: {label}, ours {row.tolist()}"


def fixture(args, path):
    case = json.loads(path.read_text())
    features = case["derived"]
    file = export(args, path.with_suffix(".hedge"))
    run, model = session(file)
    made = {node.name for node in model.graph.node}
    seen = [name for name in features if name in made]
    run, _ = session(file, seen)
    given = feeds(run, case["columns"], case["as_of"])
    labels, probability, *values = run.run(None, given)
    what, worst = case["name"], 0.0
    for name, value in zip(seen, values):
        column = [math.nan if v is None else v for v in features[name]]
        text = case["expressions"][list(features).index(name)]
        off = difference(f"{what}: {text}", column, value[:, 0])
        if off > RELATIVE:
            at = int(np.nanargmax(np.abs(np.array(column) - value[:, 0])))
            row = {k: v[at] for k, v in case["columns"].items()}
            raise AssertionError(f"{what}: {text}: {column[at]!r}, exported {value[at, 0]!r} at {row}")
        worst = max(worst, off)
    off = difference(what, case["probability"], probability)
    assert off <= TOLERANCE, f"{what}: off by {off:e}"
    labels_agree(what, case["classes"], case["probability"], labels)
    return max(worst, off), len(labels), len(seen), reimported(args, path, case, file)


def reimported(args, path, case, file):
    """The export imported again, and held to our own answers; why it cannot be, where it cannot."""
    scratch = args.fixtures / "imported"
    scratch.mkdir(exist_ok=True)
    model, rows = scratch / f"{path.stem}.onnx", scratch / f"{path.stem}.csv"
    model.write_bytes(file)
    columns = case["columns"]
    with open(rows, "w", newline="") as out:
        write = csv.writer(out)
        write.writerow([*columns, *[f"probability_{label}" for label in case["classes"]]])
        for *values, probability in zip(*columns.values(), case["probability"]):
            write.writerow(["" if v is None else v if isinstance(v, str) else repr(v) for v in values] + [repr(p) for p in probability])
    done = subprocess.run([args.hedgerow, "import", model, "--check", rows, "--tolerance", "1e-12"], capture_output=True, text=True)
    assert done.returncode != 1, f"{case['name']}: imported again, it answers otherwise: {done.stdout}{done.stderr}"
    return None if done.returncode == 0 else done.stderr.strip()


def milliseconds(text):
    if text == "":
        return None
    if text.lstrip("-").isdigit():
        return int(text)
    at = datetime.datetime.fromisoformat(text)
    at = at.replace(tzinfo=datetime.timezone.utc) if at.tzinfo is None else at
    return (at - datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)) / datetime.timedelta(milliseconds=1)


FLAGS = {"": None, "true": 1, "1": 1, "yes": 1, "t": 1, "false": 0, "0": 0, "no": 0, "f": 0}


def predicted(args, name, model, data, as_of_column=None):
    """A model over a CSV file: what `hedgerow predict` answers, and what the export does."""
    as_of = ["--as-of-column", as_of_column] if as_of_column else ["--as-of", "2026-01-02T03:04:05.678Z"]
    done = subprocess.run([args.hedgerow, "predict", model, data, *as_of], capture_output=True, text=True)
    assert done.returncode in (0, 1), done.stderr
    answers = list(csv.DictReader(done.stdout.splitlines()))
    rows = list(csv.DictReader(pathlib.Path(data).read_text().splitlines()))
    assert len(answers) == len(rows) > 0
    about = json.loads(subprocess.run([args.hedgerow, "inspect", model, "--json"], capture_output=True, text=True, check=True).stdout)
    # Records that the schema refuses have no answer to compare with.
    kept = [(row, answer) for row, answer in zip(rows, answers) if answer["prediction"] != ""]
    assert len(kept) > len(rows) // 2, f"{name}: {len(kept)} of {len(rows)} rows are answered"

    read = {
        "number": lambda text: float(text) if text not in ("", "nan", "NaN") else None,
        "category": lambda text: text or None,
        "flag": lambda text: FLAGS[text.lower()],
        "time": milliseconds,
    }
    columns = {
        field["name"]: [read[field["kind"]](row[field["name"]].strip()) for row, _ in kept] for field in about["schema"]["fields"]
    }
    at = [milliseconds(row[as_of_column]) for row, _ in kept] if as_of_column else milliseconds("2026-01-02T03:04:05.678Z")
    file = export(args, model)
    run, _ = session(file)
    labels, probability = run.run(None, feeds(run, columns, at))
    classes = about["classes"]
    ours = [[float(answer[f"probability_{label}"]) for label in classes] for _, answer in kept]
    off = difference(name, ours, probability)
    assert off <= TOLERANCE, f"{name}: off by {off:e}"
    labels_agree(name, classes, ours, labels)
    return off, len(kept)


def demo(args, scratch):
    """The committed models, and others of the same data: name, model, data, as-of column."""
    models, data = ROOT / "models", ROOT / "models/data"
    innovation, cancer = data / "innovation_test.csv", data / "breast_cancer_test.csv"
    for model in sorted(models.glob("*.hedge")):
        if model.name.startswith("innovation"):
            yield model.stem, model, innovation, "scored_at"
        else:
            yield model.stem, model, cancer, None
    trained = [
        ("boosting", ["--model", "gradient_boosting", "--set", "n_estimators=60"]),
        ("forest", ["--model", "random_forest", "--set", "n_estimators=30"]),
        ("linear", ["--model", "logistic_regression"]),
    ]
    for name, options in trained:
        for source, target, more in [("innovation", "outcome", ["--as-of-column", "scored_at"]), ("breast_cancer", "diagnosis", [])]:
            train = data / f"{source}_train.csv"
            out = scratch / f"{source}-{name}.hedge"
            command = [args.hedgerow, "train", train, "--target", target, *options, *more, "--out", out]
            done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
            assert done.returncode == 0, done.stderr
            yield f"{source}, {name}", out, data / f"{source}_test.csv", "scored_at" if more else None
    # Many rows, several classes.
    sample = scratch / "many.csv"
    subprocess.run([args.hedgerow, "sample", "innovation", "--rows", "6000", "--seed", "5", "--out", sample], check=True, capture_output=True)
    for name, options in trained:
        out = scratch / f"category-{name}.hedge"
        command = [args.hedgerow, "train", sample, "--target", "category", *options, "--out", out]
        done = subprocess.run([str(c) for c in command], capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        yield f"many classes, {name}", out, sample, None


def main():
    parse = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parse.add_argument("--hedgerow", type=pathlib.Path, default=ROOT / "target/release/hedgerow")
    parse.add_argument("--fixtures", type=pathlib.Path, help="as fixtures.rs writes them; default: written to build/export first")
    parse.add_argument("--only", default="", help="cases whose name contains this")
    parse.add_argument("--verbose", action="store_true", help="say why models are not imported again")
    args = parse.parse_args()
    if not args.fixtures:
        args.fixtures = ROOT / "build/export"
        write = ["cargo", "run", "--release", "--locked", "--quiet", "--example", "export-fixtures", "--", args.fixtures]
        subprocess.run(write, check=True, cwd=ROOT)
    args.hedgerow, args.fixtures = args.hedgerow.resolve(), args.fixtures.resolve()
    again, refused = 0, []
    failed, cases, rows, expressions, worst = [], 0, 0, 0, 0.0
    paths = sorted(args.fixtures.glob("*.json"))
    assert paths, f"no fixtures in {args.fixtures}: cargo run --release --example export-fixtures -- DIR"
    for path in paths:
        if args.only not in path.stem:
            continue
        try:
            off, n, seen, why = fixture(args, path)
        except Exception as e:
            failed.append(f"{path.stem}: {str(e)[:600]}")
            continue
        again += why is None
        if why is not None:
            refused.append(f"{path.stem}: {why}")
        cases, rows, expressions, worst = cases + 1, rows + n, expressions + seen, max(worst, off)
    print(f"fixtures: {cases} models, {rows} rows, {expressions} derived features, largest difference {worst:.1e}")
    print(f"imported again: {again} models, the same answers; {len(refused)} are refused (--verbose: why)")
    # Trees of thresholds, linear models and perceptrons are all read again.
    if not args.only and again < 40:
        failed.append(f"imported again: {again} models, at least 40 were expected")
    if args.verbose:
        print("\n".join(refused))
    if not args.only:
        scratch = args.fixtures / "trained"
        scratch.mkdir(exist_ok=True)
        for name, model, data, as_of_column in demo(args, scratch):
            try:
                off, n = predicted(args, name, model, data, as_of_column)
            except Exception as e:
                failed.append(f"{name}: {str(e)[:600]}")
                continue
            print(f"{name}: {n} rows, largest difference {off:.1e}")
            cases += 1
    for message in failed:
        print(f"FAILED {message}", file=sys.stderr)
    print(f"export: {cases} passed, {len(failed)} failed")
    sys.exit(bool(failed))


if __name__ == "__main__":
    main()
