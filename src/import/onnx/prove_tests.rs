//! A graph that is read rightly passes; one that would be misread in any of several ways does not.

use prost::Message;

use super::*;
use crate::import::columns::Column;
use crate::import::onnx::proto::*;
use crate::import::onnx::read;

fn floats(name: &str, values: &[f32]) -> AttributeProto {
    AttributeProto {
        name: Some(name.into()),
        r#type: Some(AttributeType::Floats as i32),
        floats: values.to_vec(),
        ..AttributeProto::default()
    }
}

fn ints(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: Some(name.into()),
        r#type: Some(AttributeType::Ints as i32),
        ints: values.to_vec(),
        ..AttributeProto::default()
    }
}

fn text(name: &str, values: &[&str]) -> AttributeProto {
    let bytes: Vec<Vec<u8>> = values.iter().map(|v| v.as_bytes().to_vec()).collect();
    match bytes.as_slice() {
        [one] => AttributeProto {
            name: Some(name.into()),
            r#type: Some(AttributeType::String as i32),
            s: Some(one.clone()),
            ..AttributeProto::default()
        },
        _ => AttributeProto {
            name: Some(name.into()),
            r#type: Some(AttributeType::Strings as i32),
            strings: bytes,
            ..AttributeProto::default()
        },
    }
}

fn value(name: &str, element: DataType, width: Option<i64>) -> ValueInfoProto {
    let dim = |v: Option<i64>| DimensionProto { dim_value: v, dim_param: None };
    let shape =
        TensorShapeProto { dim: [Some(dim(None)), width.map(|w| dim(Some(w)))].into_iter().flatten().collect() };
    let tensor = TensorTypeProto { elem_type: Some(element as i32), shape: Some(shape) };
    ValueInfoProto {
        name: Some(name.into()),
        r#type: Some(TypeProto { tensor_type: Some(tensor), ..TypeProto::default() }),
        doc_string: None,
    }
}

fn model(op: &str, width: i64, classes: i64, attribute: Vec<AttributeProto>) -> Vec<u8> {
    let node = NodeProto {
        input: vec!["x".into()],
        output: vec!["label".into(), "probabilities".into()],
        op_type: Some(op.into()),
        domain: Some(ML.into()),
        attribute,
        ..NodeProto::default()
    };
    let model = ModelProto {
        ir_version: Some(8),
        opset_import: vec![OperatorSetIdProto { domain: Some(ML.into()), version: Some(3) }],
        graph: Some(GraphProto {
            node: vec![node],
            input: vec![value("x", DataType::Float, Some(width))],
            output: vec![value("label", DataType::Int64, None), value("probabilities", DataType::Float, Some(classes))],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    };
    model.encode_to_vec()
}

fn logistic() -> Vec<u8> {
    let attributes = vec![
        ints("classlabels_ints", &[0, 1]),
        floats("coefficients", &[-1.0, 0.5, 1.0, -0.5]),
        floats("intercepts", &[-0.25, 0.25]),
        text("post_transform", &["LOGISTIC"]),
    ];
    model("LinearClassifier", 2, 2, attributes)
}

/// One split: 0.1 at its threshold.
fn stump() -> Vec<u8> {
    let zeros = [0; 3];
    let attributes = vec![
        ints("classlabels_int64s", &[0, 1]),
        ints("nodes_treeids", &zeros),
        ints("nodes_nodeids", &[0, 1, 2]),
        ints("nodes_featureids", &zeros),
        floats("nodes_values", &[0.1, 0.0, 0.0]),
        text("nodes_modes", &["BRANCH_LEQ", "LEAF", "LEAF"]),
        ints("nodes_truenodeids", &[1, 0, 0]),
        ints("nodes_falsenodeids", &[2, 0, 0]),
        ints("nodes_missing_value_tracks_true", &[1, 0, 0]),
        ints("class_treeids", &[0, 0]),
        ints("class_nodeids", &[1, 2]),
        ints("class_ids", &[0, 0]),
        floats("class_weights", &[0.25, 0.75]),
        text("post_transform", &["NONE"]),
    ];
    model("TreeEnsembleClassifier", 1, 2, attributes)
}

/// What [`prove`] says where `change` stands for a misunderstanding.
fn refused(file: &[u8], change: impl Fn(&mut Foreign)) -> String {
    let graph = Graph::read(file).unwrap();
    let mut foreign = read(file).unwrap();
    change(&mut foreign);
    prove(&graph, "probabilities", &foreign).unwrap_err().to_string()
}

fn trees(foreign: &mut Foreign) -> &mut crate::import::trees::Trees {
    let Head::Trees(trees) = &mut foreign.estimator.head else { panic!("no trees") };
    trees
}

#[test]
fn what_is_read_rightly_passes() {
    for file in [logistic(), stump()] {
        let foreign = read(&file).unwrap();
        prove(&Graph::read(&file).unwrap(), "probabilities", &foreign).unwrap();
    }
}

#[test]
fn another_scale_is_found() {
    let e = refused(&logistic(), |f| {
        f.estimator.columns[1] = Column::raw(1).then(Step::SubMul { offset: 0.0, scale: 1.01, single: false });
    });
    assert!(e.starts_with("the graph was not understood: for the record f0 = "), "{e}");
}

#[test]
fn columns_that_are_swapped_are_found() {
    assert!(refused(&logistic(), |f| f.estimator.columns.swap(0, 1)).contains("not understood"));
}

#[test]
fn a_threshold_that_is_less_than_and_not_at_most_is_found() {
    let e = refused(&stump(), |f| {
        for node in trees(f).trees.iter_mut().flat_map(|t| &mut t.nodes) {
            if let PlainNode::Split { test: Test::AtMost(c), .. } = node {
                *c = f64::from((*c as f32).next_down());
            }
        }
    });
    assert!(e.contains("x = 0.1"), "{e}");
}

#[test]
fn a_missing_value_that_goes_the_other_way_is_found() {
    let e = refused(&stump(), |f| {
        for node in trees(f).trees.iter_mut().flat_map(|t| &mut t.nodes) {
            if let PlainNode::Split { default_left, .. } = node {
                *default_left = !*default_left;
            }
        }
    });
    assert!(e.contains("x = missing"), "{e}");
}
