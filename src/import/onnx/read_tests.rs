//! What [`read`](super::read) refuses, and how it says so; and that no damaged file makes it panic.

#![allow(clippy::unwrap_used)]

use super::graph::ML;
use super::proto::*;
use super::tensor::{Data, Tensor};
use crate::import::columns::Step;
use crate::import::{Foreign, Head};
use crate::model::forest::Link;
use prost::Message;

fn floats(name: &str, v: &[f32]) -> AttributeProto {
    let kind = Some(AttributeType::Floats as i32);
    AttributeProto { name: Some(name.into()), r#type: kind, floats: v.to_vec(), ..AttributeProto::default() }
}

fn ints(name: &str, v: &[i64]) -> AttributeProto {
    let kind = Some(AttributeType::Ints as i32);
    AttributeProto { name: Some(name.into()), r#type: kind, ints: v.to_vec(), ..AttributeProto::default() }
}

fn int(name: &str, v: i64) -> AttributeProto {
    AttributeProto {
        name: Some(name.into()),
        r#type: Some(AttributeType::Int as i32),
        i: Some(v),
        ..AttributeProto::default()
    }
}

fn text(name: &str, v: &str) -> AttributeProto {
    let kind = Some(AttributeType::String as i32);
    AttributeProto { name: Some(name.into()), r#type: kind, s: Some(v.into()), ..AttributeProto::default() }
}

fn texts(name: &str, v: &[&str]) -> AttributeProto {
    let kind = Some(AttributeType::Strings as i32);
    let strings = v.iter().map(|s| s.as_bytes().to_vec()).collect();
    AttributeProto { name: Some(name.into()), r#type: kind, strings, ..AttributeProto::default() }
}

fn node(
    domain: &str,
    op: &str,
    name: &str,
    inputs: &[&str],
    outputs: &[&str],
    attribute: Vec<AttributeProto>,
) -> NodeProto {
    NodeProto {
        op_type: Some(op.into()),
        name: Some(name.into()),
        domain: Some(domain.into()),
        input: inputs.iter().map(|&s| s.into()).collect(),
        output: outputs.iter().map(|&s| s.into()).collect(),
        attribute,
    }
}

fn value(name: &str, shape: &[Option<i64>]) -> ValueInfoProto {
    let dim = |d: &Option<i64>| DimensionProto { dim_value: *d, dim_param: None };
    let shape = Some(TensorShapeProto { dim: shape.iter().map(dim).collect() });
    let tensor_type = Some(TensorTypeProto { elem_type: Some(DataType::Float as i32), shape });
    ValueInfoProto {
        name: Some(name.into()),
        r#type: Some(TypeProto { tensor_type, ..TypeProto::default() }),
        doc_string: None,
    }
}

/// Nodes from `x` (two features a record) to `p` (two classes), and the constants `one` and `rows` (the axis of records).
fn model(nodes: Vec<NodeProto>) -> Vec<u8> {
    let opset = |domain: &str, version| OperatorSetIdProto { domain: Some(domain.into()), version: Some(version) };
    let constant = |name: &str, data| Tensor::vector(data).unwrap().to_proto(Some(name));
    ModelProto {
        ir_version: Some(8),
        opset_import: vec![opset("", 13), opset(ML, 3), opset("com.example", 1)],
        graph: Some(GraphProto {
            node: nodes,
            name: Some("g".into()),
            initializer: vec![constant("one", Data::F32(vec![1.0])), constant("rows", Data::I64(vec![0]))],
            input: vec![value("x", &[None, Some(2)])],
            output: vec![value("p", &[None, Some(2)])],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    }
    .encode_to_vec()
}

fn linear(input: &str, output: &str) -> NodeProto {
    let attributes = vec![
        floats("coefficients", &[-1.0, 2.0, 1.0, -2.0]),
        floats("intercepts", &[-0.5, 0.5]),
        ints("classlabels_ints", &[0, 1]),
        text("post_transform", "LOGISTIC"),
    ];
    node(ML, "LinearClassifier", "lines", &[input], &["label", output], attributes)
}

/// `x0 <= 0.5 ? 0.25 : 0.75` is the probability of the second class; changed.
fn tree(change: impl Fn(&mut Vec<AttributeProto>)) -> Vec<u8> {
    let mut attributes = vec![
        ints("nodes_treeids", &[0, 0, 0]),
        ints("nodes_nodeids", &[0, 1, 2]),
        ints("nodes_featureids", &[0, 0, 0]),
        texts("nodes_modes", &["BRANCH_LEQ", "LEAF", "LEAF"]),
        floats("nodes_values", &[0.5, 0.0, 0.0]),
        ints("nodes_truenodeids", &[1, 0, 0]),
        ints("nodes_falsenodeids", &[2, 0, 0]),
        ints("class_treeids", &[0, 0]),
        ints("class_nodeids", &[1, 2]),
        ints("class_ids", &[0, 0]),
        floats("class_weights", &[0.25, 0.75]),
        ints("classlabels_int64s", &[0, 1]),
    ];
    change(&mut attributes);
    model(vec![node(ML, "TreeEnsembleClassifier", "trees", &["x"], &["label", "p"], attributes)])
}

fn set(attributes: &mut Vec<AttributeProto>, new: AttributeProto) {
    attributes.retain(|a| a.name != new.name);
    attributes.push(new);
}

fn read(file: &[u8]) -> Foreign {
    super::read(file).unwrap()
}

fn refused(file: &[u8]) -> String {
    super::read(file).unwrap_err().to_string()
}

#[test]
fn a_scaler_is_steps_in_f32_and_a_binary_line_one_score() {
    let scaler =
        node(ML, "Scaler", "s", &["x"], &["y"], vec![floats("offset", &[1.0, 2.0]), floats("scale", &[0.5, 4.0])]);
    let foreign = read(&model(vec![scaler, linear("y", "p")]));
    let steps = |offset, scale| vec![Step::Single, Step::SubMul { offset, scale, single: true }];
    assert_eq!(foreign.estimator.columns[0].steps, steps(1.0, 0.5));
    assert_eq!(foreign.estimator.columns[1].steps, steps(2.0, 4.0));
    let Head::Model(crate::model::Model::Logistic(m)) = &foreign.estimator.head else {
        panic!("{:?}", foreign.estimator.head)
    };
    assert_eq!((m.coef.data.as_slice(), m.intercept.as_slice()), ([1.0, -2.0].as_slice(), [0.5].as_slice()));
    assert_eq!(foreign.classes, Some(vec!["0".into(), "1".into()]));
    assert!(foreign.inputs.iter().all(|i| i.required && i.name.is_none()) && foreign.single);
}

#[test]
fn leaves_that_hold_probabilities_are_averaged_and_others_added() {
    let link = |file: &[u8]| match read(file).estimator.head {
        Head::Trees(trees) => (trees.link, trees.numbers),
        head => panic!("{head:?}"),
    };
    assert_eq!(link(&tree(|_| {})), (Link::Average, vec![vec![0, 1, 2]]));
    let above_one = |a: &mut Vec<AttributeProto>| set(a, floats("class_weights", &[0.25, 1.0005]));
    assert_eq!(link(&tree(above_one)).0, Link::Identity);
    let logistic = |a: &mut Vec<AttributeProto>| set(a, text("post_transform", "LOGISTIC"));
    assert_eq!(link(&tree(logistic)).0, Link::Sigmoid);
}

#[test]
fn what_is_not_understood_names_its_node_and_operator() {
    let custom = node("com.example", "Magic", "m1", &["x"], &["p"], vec![]);
    assert_eq!(
        refused(&model(vec![custom])),
        "node `m1` (Magic): operators of `com.example` are not understood: those of ONNX and of ai.onnx.ml are (convert the model without \
         custom operators)"
    );
    let unknown = node("", "Erf", "e1", &["x"], &["p"], vec![]);
    assert!(refused(&model(vec![unknown])).starts_with("node `e1` (Erf): the operator is not understood"));
    let compared = node("", "Less", "l1", &["x", "one"], &["p"], vec![]);
    assert!(refused(&model(vec![compared])).starts_with(
        "node `l1` (Less): the operator is evaluated where it reads constants, but not recognised before or after a model"
    ));
    let normalizer = node(ML, "Normalizer", "n1", &["x"], &["y"], vec![text("norm", "L2")]);
    let message = refused(&model(vec![normalizer, linear("y", "p")]));
    assert!(
        message.starts_with("node `n1` (Normalizer): ") && message.contains("several inputs together"),
        "{message}"
    );
    let odd = node("", "Relu", "r1", &["x"], &["p"], vec![]);
    let message = refused(&model(vec![odd]));
    assert!(message.starts_with("node `r1` (Relu): the probabilities are Relu of"), "{message}");
    let mut other = linear("x", "p");
    other.attribute.push(text("extra", "1"));
    assert!(
        refused(&model(vec![other])).contains("node `lines` (LinearClassifier): attribute `extra` is not understood")
    );
}

#[test]
fn a_graph_that_mixes_records_is_refused() {
    let sum = node("", "ReduceSum", "r", &["q", "rows"], &["s"], vec![int("keepdims", 1)]);
    let div = node("", "Div", "d", &["q", "s"], &["p"], vec![]);
    let message = refused(&model(vec![linear("x", "q"), sum, div]));
    assert!(message.contains("mixes records"), "{message}");
}

#[test]
fn trees_that_are_none_are_refused() {
    type Change = fn(&mut Vec<AttributeProto>);
    let cases: [(Change, &str); 12] = [
        (|a| set(a, ints("nodes_truenodeids", &[7, 0, 0])), "node 0: it leads to node 7, which is not there"),
        (|a| set(a, ints("nodes_truenodeids", &[0, 0, 0])), "has not one root"),
        (|a| set(a, ints("nodes_nodeids", &[0, 1, 1])), "has two nodes 1"),
        (|a| set(a, ints("nodes_featureids", &[9, 0, 0])), "node 0: it reads feature 9, of 2"),
        (|a| set(a, ints("nodes_featureids", &[-1, 0, 0])), "it reads feature -1"),
        (|a| set(a, floats("nodes_values", &[f32::NAN, 0.0, 0.0])), "its threshold is not a number"),
        (|a| set(a, floats("nodes_values", &[0.5])), "`nodes_values` has 1 entries"),
        (|a| set(a, texts("nodes_modes", &["BRANCH_ODD", "LEAF", "LEAF"])), "its mode BRANCH_ODD is not understood"),
        (|a| set(a, ints("class_nodeids", &[1, 5])), "weights of tree 0, node 5"),
        (|a| set(a, ints("class_ids", &[0, 2])), "a weight is of output 2, of 2"),
        (|a| set(a, floats("base_values", &[0.1, 0.2])), "onnxruntime does not answer as the specification says"),
        (|a| set(a, text("post_transform", "PROBIT")), "post_transform PROBIT"),
    ];
    for (change, expected) in cases {
        let message = refused(&tree(change));
        assert!(
            message.starts_with("node `trees` (TreeEnsembleClassifier)") && message.contains(expected),
            "{message}"
        );
    }
}

#[test]
fn numbers_of_a_file_make_no_memory() {
    let attributes = |n| vec![floats("coefficients", &[1.0, 2.0]), int("targets", n)];
    for n in [i64::MAX, 1 << 40, -1] {
        let message = refused(&model(vec![node(ML, "LinearRegressor", "l", &["x"], &["p"], attributes(n))]));
        assert!(
            message.contains("node `l` (LinearRegressor)") || message.contains("one number per record"),
            "{message}"
        );
    }
    // Paths through nodes that two lead to: 2^40 of them.
    let n = 40;
    let mut ids: Vec<i64> = (0..=n).collect();
    ids.push(n + 1);
    let (mut yes, mut modes) = (Vec::new(), Vec::new());
    for i in 0..=n + 1 {
        yes.push(if i < n { i + 1 } else { 0 });
        modes.push(if i < n { "BRANCH_LEQ" } else { "LEAF" });
    }
    let mut no = yes.clone();
    no[0] = n + 1;
    let zeros = vec![0; ids.len()];
    let message = refused(&tree(|a| {
        set(a, ints("nodes_treeids", &zeros));
        set(a, ints("nodes_nodeids", &ids));
        set(a, ints("nodes_featureids", &zeros));
        set(a, texts("nodes_modes", &modes));
        set(a, floats("nodes_values", &vec![0.5; ids.len()]));
        set(a, ints("nodes_truenodeids", &yes));
        set(a, ints("nodes_falsenodeids", &no));
        set(a, ints("class_nodeids", &[n, n + 1]));
    }));
    assert!(message.contains("the trees come to more than"), "{message}");
}

#[test]
fn an_endless_quotient_is_refused() {
    let mut nodes = vec![linear("x", "q0")];
    for i in 0..5000 {
        let (q, s, next) =
            (format!("q{i}"), format!("s{i}"), if i == 4999 { "p".to_owned() } else { format!("q{}", i + 1) });
        nodes.push(node("", "ReduceSum", &format!("r{i}"), &[&q, "one_axis"], &[&s], vec![]));
        nodes.push(node("", "Div", &format!("d{i}"), &[&q, &s], &[&next], vec![]));
    }
    let mut file = ModelProto::decode(&model(nodes)[..]).unwrap();
    let axis = Tensor::vector(Data::I64(vec![1])).unwrap().to_proto(Some("one_axis"));
    file.graph.as_mut().unwrap().initializer.push(axis);
    let message = refused(&file.encode_to_vec());
    assert!(message.contains("more than 16 deep"), "{message}");
}

/// Each committed model with bytes changed, cut off and doubled: an answer or an error, never a panic.
#[test]
fn no_damaged_file_makes_it_panic() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import/golden/onnx");
    let mut files: Vec<_> = std::fs::read_dir(&root).unwrap().map(|e| e.unwrap().path().join("model.onnx")).collect();
    files.sort();
    assert!(files.len() >= 8, "{}", root.display());
    let (mut state, mut read) = (88_172_645_463_325_252_u64, 0);
    let mut next = |n: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state % n.max(1) as u64) as usize
    };
    for file in files {
        let whole = std::fs::read(&file).unwrap();
        assert!(super::read(&whole).is_ok(), "{}", file.display());
        for _ in 0..150 {
            let mut bytes = whole.clone();
            for _ in 0..=next(3) {
                if bytes.is_empty() {
                    break;
                }
                let at = next(bytes.len());
                match next(4) {
                    0 => bytes[at] ^= 1 << next(8),
                    1 => bytes[at] = [0, 1, 127, 128, 255][next(5)],
                    2 => bytes.truncate(at),
                    _ => {
                        let to = (at + next(40)).min(bytes.len());
                        let part = bytes[at..to].to_vec();
                        bytes.splice(at..at, part);
                    }
                }
            }
            read += usize::from(super::read(&bytes).is_ok());
        }
    }
    // Some damage is to names and weights: those are read.
    assert!(read > 0);
}

#[test]
fn constants_that_take_long_are_refused_all_together() {
    // `count` products of two constants, rows x inner and inner x rows, that all reach the answer.
    let products = |count: usize, rows: i64, inner: i64| {
        let filled = |name: &str, shape: [i64; 2]| {
            let lengths = format!("{name}_lengths");
            let constant = node("", "Constant", &lengths, &[], &[&lengths], vec![ints("value_ints", &shape)]);
            [constant, node("", "ConstantOfShape", name, &[&lengths], &[name], vec![])]
        };
        let mut nodes: Vec<NodeProto> = [filled("a", [rows, inner]), filled("b", [inner, rows])].concat();
        let names: Vec<String> = (0..count).map(|k| format!("m{k}")).collect();
        nodes.extend(names.iter().map(|m| node("", "MatMul", m, &["a", "b"], &[m], vec![])));
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        nodes.push(node("", "Sum", "sum", &names, &["sum"], vec![]));
        nodes.push(node("", "ReduceSum", "total", &["sum"], &["total"], vec![]));
        nodes.push(node("", "Add", "add", &["x", "total"], &["y"], vec![]));
        nodes.push(linear("y", "p"));
        model(nodes)
    };
    read(&products(2, 8, 64));
    for (file, at) in [(products(8, 32, 1 << 19), "m0"), (products(3, 32, 1 << 17), "m1")] {
        assert_eq!(
            refused(&file),
            format!(
                "node `{at}` (MatMul): the graph takes more than {} steps, which is the most that is computed here",
                1 << 28
            )
        );
    }
}
