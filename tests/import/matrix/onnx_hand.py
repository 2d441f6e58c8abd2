"""ONNX graphs by hand: tests of trees, layouts and tails that the specification has and no converter here writes."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

ML = "ai.onnx.ml"


def cases():
    """Name, model, rows, labels."""
    for name, mode, options in (
        ("below", "BRANCH_LT", {}),
        ("at-most-missing", "BRANCH_LEQ", {"tracks": 1}),
        ("at-least", "BRANCH_GTE", {}),
        ("above-missing", "BRANCH_GT", {"tracks": 1}),
        ("equals", "BRANCH_EQ", {}),
        ("equals-missing", "BRANCH_EQ", {"tracks": 1}),
        ("equals-chain", "BRANCH_EQ", {"chain": True}),
        ("differs", "BRANCH_NEQ", {}),
        ("differs-chain", "BRANCH_NEQ", {"chain": True}),
        ("equals-whole", "BRANCH_EQ", {"chain": True, "whole": True}),
        ("differs-whole", "BRANCH_NEQ", {"whole": True}),
        ("below-chain", "BRANCH_LT", {"chain": True, "tracks": 1}),
        ("base", "BRANCH_LEQ", {"base": [0.3]}),
        ("shares", "BRANCH_LEQ", {"post": "NONE", "shares": True}),
    ):
        yield name, classifier(mode, **options), points(**options), ["no", "yes"]
    for aggregate in ("SUM", "AVERAGE"):
        yield f"regressor-{aggregate.lower()}", regressor(aggregate), points(), ["0", "1"]
    for targets in (3, 1):
        labels = [str(k) for k in range(max(2, targets))]
        # Whole numbers: of others onnxruntime asks membership after cutting them off, which the specification does not say.
        yield f"version5-{targets}", version5(targets), points(whole=True), labels


def points(chain=False, whole=False, **_):
    """Rows of two numbers at and beside the thresholds."""
    tests = [1.0, 3.0, 2.5, -1.0] if chain else [1.0, 2.0]
    if whole:
        values = [-3, -2, -1, 0, 1, 2, 3, 4, 1000]
    else:
        values = [-3, -1, 0, 1, 2, 2.5, 3, 3.5, 1e6, np.nan]
        values += [float(np.nextafter(np.float32(v), np.float32(s * 9))) for v in tests for s in (-1, 1)]
    return np.array([[a, b] for a in values for b in values], dtype=np.float64)


def tables(mode, tests, tracks=0):
    """Two trees, each a chain of tests with a leaf where one holds, then a last leaf; and the leaves."""
    names = ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids")
    rows, leaves = [], []
    for tree in range(2):
        for i, value in enumerate(tests):
            rows.append((tree, 2 * i, tree, mode, value, 2 * i + 1, 2 * i + 2))
            rows.append((tree, 2 * i + 1, 0, "LEAF", 0.0, 0, 0))
            leaves.append((tree, 2 * i + 1))
        rows.append((tree, 2 * len(tests), 0, "LEAF", 0.0, 0, 0))
        leaves.append((tree, 2 * len(tests)))
    attributes = {f"nodes_{name}": list(column) for name, column in zip(names, zip(*rows))}
    attributes["nodes_hitrates"] = [1.0] * len(rows)
    attributes["nodes_missing_value_tracks_true"] = [tracks] * len(rows)
    return attributes, leaves


def model(nodes, kind, outputs, ml=3, constants=()):
    graph = helper.make_graph(nodes, "trees", [helper.make_tensor_value_info("X", kind, [None, 2])], outputs, list(constants))
    opsets = [helper.make_opsetid(ML, ml), helper.make_opsetid("", 17)]
    return helper.make_model(graph, opset_imports=opsets, ir_version=8)


def classifier(mode, tracks=0, whole=False, chain=False, base=None, post="LOGISTIC", shares=False):
    attributes, leaves = tables(mode, [1.0, 3.0, 2.5, -1.0] if chain else [1.0], tracks)
    if shares:
        weights = [0.5 * (k + 1) / (len(leaves) + 1) for k in range(len(leaves))]
    else:
        weights = [0.3 * (node // 2 + 1) - tree if node % 2 else tree - 0.7 for tree, node in leaves]
    if base is not None:
        attributes["base_values"] = base
    node = helper.make_node(
        "TreeEnsembleClassifier",
        ["X"],
        ["label", "probabilities"],
        domain=ML,
        class_treeids=[tree for tree, _ in leaves],
        class_nodeids=[node for _, node in leaves],
        class_ids=[0] * len(leaves),
        class_weights=weights,
        classlabels_strings=["no", "yes"],
        post_transform=post,
        **attributes,
    )
    outputs = [
        helper.make_tensor_value_info("label", TensorProto.STRING, [None]),
        helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2]),
    ]
    return model([node], TensorProto.INT64 if whole else TensorProto.FLOAT, outputs)


def regressor(aggregate):
    """A regressor's one score, made probabilities by operators after it."""
    attributes, leaves = tables("BRANCH_LEQ", [1.0, 2.0])
    score = helper.make_node(
        "TreeEnsembleRegressor",
        ["X"],
        ["score"],
        domain=ML,
        target_treeids=[tree for tree, _ in leaves],
        target_nodeids=[node for _, node in leaves],
        target_ids=[0] * len(leaves),
        target_weights=[0.4 * k - 1 for k in range(len(leaves))],
        n_targets=1,
        aggregate_function=aggregate,
        base_values=[0.25],
        **attributes,
    )
    nodes = [
        score,
        helper.make_node("Sigmoid", ["score"], ["second"]),
        helper.make_node("Sub", ["one", "second"], ["first"]),
        helper.make_node("Concat", ["first", "second"], ["probabilities"], axis=-1),
    ]
    one = numpy_helper.from_array(np.array([1], dtype=np.float32), "one")
    return model(nodes, TensorProto.FLOAT, [helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, 2])], constants=[one])


def version5(targets):
    """`TreeEnsemble`: leaves beside nodes, and a test for membership."""
    f32 = lambda values: numpy_helper.from_array(np.array(values, dtype=np.float32))  # noqa: E731
    # Tree 0: x0 <= 1 ? leaf 0 : (x1 in {1, 3, 1000000} ? leaf 1 : leaf 2). Tree 1: x1 > 2 ? leaf 3 : leaf 4. Tree 2: leaf 5.
    node = helper.make_node(
        "TreeEnsemble",
        ["X"],
        ["score"],
        domain=ML,
        n_targets=targets,
        aggregate_function=1,
        post_transform=0,
        tree_roots=[0, 2, 3],
        nodes_modes=numpy_helper.from_array(np.array([0, 6, 3, 0], dtype=np.uint8)),
        nodes_featureids=[0, 1, 1, 0],
        nodes_splits=f32([1.0, 0.0, 2.0, 0.0]),
        nodes_truenodeids=[0, 1, 3, 5],
        nodes_trueleafs=[1, 1, 1, 1],
        nodes_falsenodeids=[1, 2, 4, 5],
        nodes_falseleafs=[0, 1, 1, 1],
        nodes_missing_value_tracks_true=[0, 0, 1, 0],
        leaf_targetids=[k % targets for k in range(6)],
        leaf_weights=f32([0.5, -0.3, 0.8, 0.1, -0.6, 0.05]),
        membership_values=f32([1.0, 3.0, 1e6, np.nan]),
    )
    nodes, constants = [node], []
    if targets == 1:
        nodes += [
            helper.make_node("Sigmoid", ["score"], ["second"]),
            helper.make_node("Sub", ["one", "second"], ["first"]),
            helper.make_node("Concat", ["first", "second"], ["probabilities"], axis=1),
        ]
        constants.append(numpy_helper.from_array(np.array(1, dtype=np.float32), "one"))
    else:
        nodes.append(helper.make_node("Softmax", ["score"], ["probabilities"], axis=-1))
    output = helper.make_tensor_value_info("probabilities", TensorProto.FLOAT, [None, max(2, targets)])
    return model(nodes, TensorProto.FLOAT, [output], ml=5, constants=constants)
