"""Writes the cases of tests/onnx_nodes.rs.

    python tests/import/onnx_nodes.py [--all]    # onnx 1.23.2, onnxruntime 1.32.0, numpy 2.4.6

onnx_nodes.json     ONNX's own node tests (the backend suite that the onnx package generates) of which every operator is one that the
                    evaluator says it understands (`OPERATORS` in src/import/onnx/eval/mod.rs). A case with a "why" is skipped for that
                    reason: the test holds that such a model is refused.
onnx_kernels.json   models of one or two `ai.onnx.ml` operators, made here, with the answers of onnxruntime's CPU kernels: the suite has
                    only a few of those.
onnx_nodes.md       both in words: what runs, what is skipped and why.

Models and tensors are ONNX's own protobuf messages, in base64.
"""
import base64
import itertools
import json
import re
import sys
import warnings
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

HERE = Path(__file__).parent
ML = "ai.onnx.ml"
LARGEST = 11_000
UNDERSTOOD = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT32, TensorProto.INT64, TensorProto.BOOL, TensorProto.STRING}


def operators():
    source = (HERE / "../../src/import/onnx/eval/mod.rs").read_text()
    table = source[source.index("pub const OPERATORS"):]
    table = table[:table.index("];\n\n")]
    ours, ml = table.split("        ML,\n")
    names = lambda text: set(re.findall(r'"(\w+)"', text))
    return {"": names(ours), ML: names(ml)}


def text(message):
    return base64.b64encode(message.SerializeToString(deterministic=True)).decode()


def tensor(value, name):
    return value if isinstance(value, TensorProto) else numpy_helper.from_array(np.asarray(value), name)


def why_skipped(model):
    """The reason for which a model of understood operators is refused; None where it is not."""
    for value in itertools.chain(model.graph.input, model.graph.output):
        kind = value.type.WhichOneof("value")
        if kind != "tensor_type":
            return f"values of type {kind.removesuffix('_type')}: only tensors are read"
        if value.type.tensor_type.elem_type not in UNDERSTOOD:
            return f"elements of type {TensorProto.DataType.Name(value.type.tensor_type.elem_type)}"
    for node in model.graph.node:
        if node.op_type == "Dropout" and len(node.input) > 2:
            return "training mode"
        for attribute in node.attribute:
            if attribute.name == "nodes_modes":
                continue
            if attribute.HasField("t") and attribute.t.data_type not in UNDERSTOOD:
                return f"elements of type {TensorProto.DataType.Name(attribute.t.data_type)}"
            if node.op_type == "Cast" and attribute.name == "to" and attribute.i not in UNDERSTOOD:
                return f"elements of type {TensorProto.DataType.Name(attribute.i)}"
        if node.op_type == "Cast" and model.graph.output[0].type.tensor_type.elem_type == TensorProto.STRING:
            if model.graph.input[0].type.tensor_type.elem_type in (TensorProto.FLOAT, TensorProto.DOUBLE):
                return "numbers with a fraction as text: their text is the runtime's own"
    return None


def suite():
    from onnx.backend.test.case.node import collect_testcases

    known = operators()
    others = 0
    for case in collect_testcases():
        model = case.model
        domains = [(n.domain.replace("ai.onnx.ml", ML) if n.domain != "ai.onnx" else "", n.op_type) for n in model.graph.node]
        if not all(op in known.get(domain, ()) for domain, op in domains):
            others += 1
            continue
        record = {"name": case.name, "operators": sorted({op for _, op in domains}), "model": text(model)}
        if why := why_skipped(model):
            yield {**record, "why": why}
            continue
        (inputs, outputs), = case.data_sets
        yield {
            **record,
            "inputs": [text(tensor(v, i.name)) for v, i in zip(inputs, model.graph.input, strict=True)],
            "outputs": [text(tensor(v, o.name)) for v, o in zip(outputs, model.graph.output, strict=True)],
        }
    yield others


def small(case):
    """Whether it is kept: a few have inputs of a hundred kilobytes."""
    return len(json.dumps(case)) <= LARGEST


def model(nodes, inputs, outputs, opset=18, ml=3):
    graph = helper.make_graph(nodes, "case", inputs, outputs)
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid(ML, ml)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=9, producer_name="onnx_nodes.py")


def node(op, outputs, **attributes):
    return helper.make_node(op, ["x"], outputs, domain=ML, **{k: v for k, v in attributes.items() if v is not None})


def answers(made, x):
    """What onnxruntime makes of `x`, and whether it does at all."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, {"x": x})


def kernel(name, op, x, outputs, ml=3, **attributes):
    """A case of one operator; `outputs`: names and types."""
    kinds = {"f": TensorProto.FLOAT, "d": TensorProto.DOUBLE, "i": TensorProto.INT64, "s": TensorProto.STRING}
    kind = helper.np_dtype_to_tensor_dtype(x.dtype)
    value = helper.make_tensor_value_info("x", kind, [None, *x.shape[1:]])
    outs = [helper.make_tensor_value_info(n, kinds[k], None) for n, k in outputs]
    made = model([node(op, [n for n, _ in outputs], **attributes)], [value], outs, ml=ml)
    found = answers(made, x)
    return {
        "name": name,
        "operators": [op],
        "model": text(made),
        "inputs": [text(tensor(x, "x"))],
        "outputs": [text(tensor(v, n)) for v, (n, _) in zip(found, outputs, strict=True)],
    }


def trees(rng, n_trees, outputs, columns, prefix, positive=False, mode="BRANCH_LEQ", depth=2, only=None):
    """Attributes of random trees over `columns`; `only`: every weight is of this output."""
    out = defaultdict(list)
    for tree in range(n_trees):
        n = 2 ** (depth + 1) - 1
        for i in range(n):
            leaf = i >= 2**depth - 1
            out["nodes_treeids"].append(tree)
            out["nodes_nodeids"].append(i)
            out["nodes_featureids"].append(0 if leaf else int(rng.integers(columns)))
            out["nodes_values"].append(0.0 if leaf else float(np.float32(rng.normal())))
            out["nodes_modes"].append("LEAF" if leaf else mode if isinstance(mode, str) else str(rng.choice(mode)))
            out["nodes_truenodeids"].append(0 if leaf else 2 * i + 1)
            out["nodes_falsenodeids"].append(0 if leaf else 2 * i + 2)
            out["nodes_missing_value_tracks_true"].append(0 if leaf else int(rng.integers(2)))
            for k in range(outputs) if leaf and only is None else [only] if leaf else []:
                weight = rng.random() / n_trees if positive else rng.normal()
                out[f"{prefix}_treeids"].append(tree)
                out[f"{prefix}_nodeids"].append(i)
                out[f"{prefix}_ids"].append(k)
                out[f"{prefix}_weights"].append(float(np.float32(weight)))
    return dict(out)


def kernels():
    rng = np.random.default_rng(7)
    rows = lambda n, columns: rng.normal(size=(n, columns)).astype(np.float32)
    probability = [("label", "i"), ("scores", "f")]
    with_missing = rows(5, 4)
    with_missing[rng.random(with_missing.shape) < 0.2] = np.nan

    # Classifiers of trees: which outputs have weights x transform x base values x sign of weights.
    for classes, only, post, base, positive in itertools.product(
        [2, 3], [None, 0, 1], ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"], [0, 1, "all"], [False, True]
    ):
        if classes == 3 and (only is not None or base == 1):
            continue
        # One score for two classes: runtimes and the operator's page differ in these, so they are refused.
        if only == 0 and base != "all" and post.startswith("SOFTMAX"):
            continue
        base_values = {0: None, 1: [0.25], "all": [0.25] * classes}[base]
        name = f"trees_{classes}_{only}_{post}_{base}_{'positive' if positive else 'mixed'}"
        made = trees(rng, 3, classes, 4, "class", positive, only=only)
        labels = list(range(classes))
        yield name, lambda: kernel(
            name, "TreeEnsembleClassifier", with_missing, probability, post_transform=post, base_values=base_values, classlabels_int64s=labels, **made
        )
    for mode in ["BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ", ["BRANCH_LEQ", "BRANCH_GT", "BRANCH_NEQ"]]:
        name = f"trees_mode_{mode if isinstance(mode, str) else 'mixed'}"
        made = trees(rng, 4, 3, 4, "class", mode=mode)
        labels = ["a", "b", "c"]
        x = np.concatenate([with_missing, np.array(made["nodes_values"][:4], dtype=np.float32).reshape(1, 4)])
        yield name, lambda: kernel(
            name, "TreeEnsembleClassifier", x, [("label", "s"), ("scores", "f")], classlabels_strings=labels, post_transform="SOFTMAX", **made
        )
    for kind in ["int64", "float64"]:
        name = f"trees_of_{kind}"
        made = trees(rng, 4, 3, 4, "class")
        yield name, lambda: kernel(
            name, "TreeEnsembleClassifier", (rows(5, 4) * 2).astype(kind), probability, classlabels_int64s=[0, 1, 2], post_transform="NONE", **made
        )
    name = "trees_of_float64_as_tensor"
    made = trees(rng, 4, 3, 4, "class")
    for part in ["nodes_values", "class_weights"]:
        made[part + "_as_tensor"] = numpy_helper.from_array(np.array(made.pop(part)) + 1e-12, part)
    yield name, lambda: kernel(
        name, "TreeEnsembleClassifier", rng.normal(size=(5, 4)), probability, classlabels_int64s=[0, 1, 2], post_transform="SOFTMAX", **made
    )
    for targets, function, base in itertools.product([1, 2], ["SUM", "AVERAGE", "MIN", "MAX"], [False, True]):
        name = f"regressor_{targets}_{function}_{'base' if base else 'plain'}"
        made = trees(rng, 3, targets, 4, "target")
        yield name, lambda: kernel(
            name, "TreeEnsembleRegressor", with_missing, [("y", "f")], n_targets=targets, aggregate_function=function,
            base_values=[0.5] * targets if base else None, **made
        )

    # Linear models.
    for classes, targets, post in itertools.product([2, 3], [1, 0], ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"]):
        targets = targets or classes
        if targets == 1 and (classes == 3 or post.startswith("SOFTMAX")):
            continue
        name = f"linear_{classes}_{targets}_{post}"
        yield name, lambda: kernel(
            name, "LinearClassifier", rows(5, 4), probability, classlabels_ints=list(range(classes)), post_transform=post,
            coefficients=rng.normal(size=4 * targets).tolist(), intercepts=rng.normal(size=targets).tolist(), multi_class=0,
        )
    for targets, post in itertools.product([1, 3], ["NONE", "LOGISTIC", "SOFTMAX"]):
        if targets == 1 and post != "NONE":
            continue
        name = f"linear_regressor_{targets}_{post}"
        yield name, lambda: kernel(
            name, "LinearRegressor", rows(5, 4), [("y", "f")], targets=targets, post_transform=post,
            coefficients=rng.normal(size=4 * targets).tolist(), intercepts=rng.normal(size=targets).tolist(),
        )

    # Support vectors.
    for classes, kind, proba, post in itertools.product([2, 3, 4], ["LINEAR", "RBF", "POLY", "SIGMOID"], [False, True], ["NONE", "LOGISTIC"]):
        if post == "LOGISTIC" and kind != "RBF":
            continue
        name = f"svm_{classes}_{kind}_{'probability' if proba else 'score'}_{post}"
        counts = [2 + c for c in range(classes)]
        total, pairs = sum(counts), classes * (classes - 1) // 2
        yield name, lambda: kernel(
            name, "SVMClassifier", rows(5, 4), probability, classlabels_ints=list(range(classes)), kernel_type=kind,
            kernel_params=[0.3, 0.2, 3.0], post_transform=post, vectors_per_class=counts,
            support_vectors=rng.normal(size=total * 4).tolist(), coefficients=rng.normal(size=total * (classes - 1)).tolist(),
            rho=rng.normal(size=pairs).tolist(), prob_a=(-rng.random(pairs) - 0.5).tolist() if proba else None,
            prob_b=rng.normal(size=pairs).tolist() if proba else None,
        )
    for kind in ["LINEAR", "RBF", "POLY"]:
        name = f"svm_regressor_{kind}"
        yield name, lambda: kernel(
            name, "SVMRegressor", rows(5, 3), [("y", "f")], kernel_type=kind, kernel_params=[0.3, 0.2, 2.0], n_supports=5,
            support_vectors=rng.normal(size=15).tolist(), coefficients=rng.normal(size=5).tolist(), rho=[0.1],
        )

    # Features.
    for kind in ["float32", "float64", "int64", "int32"]:
        x = np.array([[1, -2, 3], [0, 0, 0], [4, 5, -6]], dtype=kind)
        yield f"scaler_{kind}", lambda: kernel(f"scaler_{kind}", "Scaler", x, [("y", "f")], offset=[0.1, 0.2, 0.3], scale=[1.5, 0.3, 7.0])
        yield f"scaler_one_{kind}", lambda: kernel(f"scaler_one_{kind}", "Scaler", x, [("y", "f")], offset=[0.1], scale=[1.5])
        for norm in ["MAX", "L1", "L2"]:
            yield f"normalizer_{norm}_{kind}", lambda: kernel(f"normalizer_{norm}_{kind}", "Normalizer", x, [("y", "f")], norm=norm)
        yield f"binarizer_{kind}", lambda: kernel(f"binarizer_{kind}", "Binarizer", x, [("y", {"float32": "f", "float64": "d"}.get(kind, "i"))], threshold=0.5)
        yield f"vectorizer_{kind}", lambda: kernel(f"vectorizer_{kind}", "FeatureVectorizer", x, [("y", "f")], inputdimensions=[3])
        yield f"one_hot_{kind}", lambda: kernel(f"one_hot_{kind}", "OneHotEncoder", x, [("y", "f")], cats_int64s=[1, 3, -2], zeros=1)
    x = np.array([[1.0, np.nan, 3.0], [np.nan, -1.0, 0.0]], dtype=np.float32)
    yield "imputer_nan", lambda: kernel("imputer_nan", "Imputer", x, [("y", "f")], imputed_value_floats=[7.0, 8.0, 9.0], replaced_value_float=float("nan"))
    yield "imputer_one", lambda: kernel("imputer_one", "Imputer", x, [("y", "f")], imputed_value_floats=[7.0], replaced_value_float=-1.0)
    whole = np.array([[1, 2], [-1, 3]])
    yield "imputer_int64", lambda: kernel("imputer_int64", "Imputer", whole, [("y", "i")], imputed_value_int64s=[7, 8], replaced_value_int64=-1)
    words = np.array([["a", "c"], ["b", "zz"]], dtype=object)
    yield "one_hot_text", lambda: kernel("one_hot_text", "OneHotEncoder", words, [("y", "f")], cats_strings=["a", "b", "c"], zeros=1)
    yield "mapper_text", lambda: kernel("mapper_text", "CategoryMapper", words, [("y", "i")], cats_strings=["a", "b"], cats_int64s=[4, 5], default_int64=-7)
    yield "mapper_int64", lambda: kernel("mapper_int64", "CategoryMapper", whole, [("y", "s")], cats_strings=["a", "b"], cats_int64s=[2, 3], default_string="?")
    values = {"floats": ("f", [0.5, 1.5, 2.5]), "int64s": ("i", [5, 6, 7]), "strings": ("s", ["u", "v", "w"])}
    keys = {"floats": [1.0, float("nan"), -0.0], "int64s": [1, 2, -1], "strings": ["a", "b", "c"]}
    data = {"floats": x, "int64s": whole, "strings": words}
    for k, v in itertools.product(keys, values):
        name = f"labels_{k}_{v}"
        yield name, lambda: kernel(name, "LabelEncoder", data[k], [("y", values[v][0])], ml=2, **{f"keys_{k}": keys[k], f"values_{v}": values[v][1]})


def words(runs, skipped, others, made, large):
    """The page."""
    lines = [
        "# ONNX's operators: what is tested, what is skipped",
        "",
        f"Written by `onnx_nodes.py` (onnx {onnx.__version__}, onnxruntime {onnxruntime.__version__}) and held true by `tests/onnx_nodes.rs`.",
        "The tables are of the evaluator, which folds constants and proves imports: which operators are recognised in a model is README's table.",
        "",
        f"**ONNX's own node tests.** {len(runs) + len(skipped)} tests of the backend suite consist of understood operators alone:",
        f"{len(runs)} run and pass, {len(skipped)} are skipped for the reasons below. {others} tests are of other operators.",
        f"Of `ai.onnx.ml` the suite has {sum(bool(set(c['operators']) & operators()[ML]) for c in runs + skipped)} tests; so there are "
        f"{len(made)} cases more here, models of one `ai.onnx.ml` operator with the answers of onnxruntime's CPU kernels.",
        "",
        "| operator | node tests | skipped | kernel cases |",
        "|---|---|---|---|",
    ]
    count = lambda cases: Counter(op for c in cases for op in c["operators"])
    run, skip, kern = count(runs), count(skipped), count(made)
    for domain, ops in sorted(operators().items()):
        for op in sorted(ops):
            lines.append(f"| {op}{' (ml)' if domain else ''} | {run[op]} | {skip[op]} | {kern[op]} |")
    lines += ["", "## Not kept here", "", f"{len(large)} tests above {LARGEST:,} bytes; `onnx_nodes.py --all` writes them too, and they pass: "]
    lines[-1] += ", ".join(f"`{c['name']}`" for c in large) + "."
    lines += ["", "## Skipped", "", "The reader refuses each of these models, by name."]
    reasons = defaultdict(list)
    for case in skipped:
        reasons[case["why"]].append(case["name"])
    for why, names in sorted(reasons.items()):
        lines += ["", f"**{why}** ({len(names)}): " + ", ".join(f"`{n}`" for n in sorted(names)) + "."]
    return "\n".join(lines) + "\n"


def write(name, cases):
    (HERE / name).write_text("[\n" + ",\n".join(json.dumps(c, separators=(",", ":")) for c in cases) + "\n]\n")


def main():
    warnings.filterwarnings("ignore")
    *cases, others = suite()
    cases.sort(key=lambda c: c["name"])
    made = []
    for name, make in kernels():
        try:
            made.append(make())
        except Exception as e:  # onnxruntime has no kernel for it, or refuses it
            print(f"{name}: onnxruntime: {str(e).splitlines()[0][:150]}", file=sys.stderr)
    large = [] if "--all" in sys.argv else [c for c in cases if not small(c)]
    cases = [c for c in cases if c not in large]
    write("onnx_nodes.json", cases)
    write("onnx_kernels.json", made)
    runs, skipped = [c for c in cases if "why" not in c], [c for c in cases if "why" in c]
    (HERE / "onnx_nodes.md").write_text(words(runs, skipped, others, made, large))
    print(f"{len(runs)} run, {len(skipped)} skipped, {others} of other operators, {len(made)} kernel cases")


if __name__ == "__main__":
    main()
