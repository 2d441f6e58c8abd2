//! What can be seen without a runtime: the graph is whole, names are new, and what has no words is named. The answers are held to ours
//! by tests/export/check.py.

use super::{graph, write};
use crate::artifact::Artifact;
use crate::expr::Expr;
use crate::import::Head;
use crate::import::onnx::graph::Graph;
use crate::import::onnx::proto::ModelProto;
use crate::math::Matrix;
use crate::model::Model;
use crate::model::linear::{Link, Logistic};
use crate::model::svm::{Kernel, Platt, Svm};
use crate::pipeline::{Derived, Encoder, Encoders, Pipeline, Transform};
use crate::profile::Profile;
use crate::schema::{Extra, Field, FieldKind, Schema, Unknown};
use ndarray::Array2;
use prost::Message;

/// A model over fields of these names, as numbers, and derived features as they are.
fn artifact(names: &[&str], features: &[&str], model: Model) -> Artifact {
    let field = |name: &&str| Field {
        name: (*name).into(),
        kind: if *name == "at" { FieldKind::Time } else { FieldKind::Number { min: None, max: None } },
        required: true,
    };
    let schema = Schema { fields: names.iter().map(field).collect(), extra: Extra::Ignore };
    let derived: Vec<Derived> = features
        .iter()
        .enumerate()
        .map(|(k, text)| {
            let expr = Expr::parse(text, &schema, &[]).unwrap();
            Derived { name: format!("feature {k}"), text: (*text).into(), expr }
        })
        .collect();
    let slots = if features.is_empty() { 0..names.len() } else { names.len()..names.len() + features.len() };
    let impute = if features.is_empty() { None } else { Some(0.0) };
    let pass = |slot: usize| Encoder { slot: slot as u32, impute, transform: Transform::Pass, indicator: false };
    let pipeline = Pipeline { derived, encoders: Encoders(slots.map(pass).collect()) };
    let classes = model.n_classes();
    let none = |n| Array2::zeros((0, n));
    let profile = Profile::of(&schema, &pipeline, none(pipeline.n_slots(&schema)).view(), none(classes).view());
    let artifact = Artifact {
        name: "test".into(),
        version: "1".into(),
        classes: (0..classes).map(|k| format!("class {k}")).collect(),
        schema,
        pipeline,
        model,
        threshold: None,
        profile,
        witnesses: Vec::new(),
    };
    artifact.check().unwrap();
    artifact
}

fn logistic(n: usize) -> Model {
    let coef = Matrix { rows: 1, cols: n, data: vec![0.5; n] };
    Model::Logistic(Logistic { coef, intercept: vec![0.1], link: Link::Sigmoid })
}

#[test]
fn every_kind_of_model_makes_a_whole_graph() {
    for (name, model) in Model::examples() {
        let artifact = artifact(&["a", "b", "c"], &[], model);
        let file = write(&artifact, &[("name", "test")]).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(file, write(&artifact, &[("name", "test")]).unwrap(), "{name}: two files of one model");
        let proto = ModelProto::read(&file).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(proto.encode_to_vec(), file, "{name}: nothing is lost on the way");
        let is_loop = |node: &crate::import::onnx::proto::NodeProto| node.op_type.as_deref() == Some("Loop");
        // The coupling of a machine's pairs repeats: a subgraph, which the reader refuses.
        if proto.graph.as_ref().is_some_and(|g| g.node.iter().any(is_loop)) {
            continue;
        }
        let graph = Graph::new(proto).unwrap_or_else(|e| panic!("{name}: {e}"));
        let names = |values: &[crate::import::onnx::graph::Value]| -> Vec<String> {
            values.iter().map(|v| v.name.clone()).collect()
        };
        assert_eq!(names(&graph.inputs), ["a", "b", "c"], "{name}");
        assert_eq!(names(&graph.outputs), ["label", "probabilities"], "{name}");
        assert_eq!(graph.opsets[""], graph::OPSET);
        assert!(graph.nodes.iter().all(|n| n.op != "TreeEnsemble" || n.opset == graph::OPSET_ML));
        assert!(graph.metadata.contains(&("name".into(), "test".into())));
    }
}

/// What people ship most, imported again: the same model over the same columns.
#[test]
fn pipelines_come_back() {
    let mut artifact = artifact(&["a", "b", "c"], &[], logistic(3));
    let levels = ["eu", "us"].map(String::from).to_vec();
    artifact.schema.fields[2].kind = FieldKind::Category { levels: levels.into(), unknown: Unknown::Admit };
    artifact.schema.fields[0].required = false;
    let encoder = |slot, impute, transform| Encoder { slot, impute, transform, indicator: false };
    artifact.pipeline.encoders = Encoders(vec![
        encoder(0, Some(0.1), Transform::Standard { mean: 1.5, scale: 2.5 }),
        encoder(1, None, Transform::MinMax { scale: 0.5, min: -1.0, clip: Some((0.0, 1.0)) }),
        encoder(2, None, Transform::OneHot { levels: vec![0, 1], unknown: false, missing: false }),
    ]);
    artifact.model = logistic(4);
    let foreign = crate::import::onnx::read(&write(&artifact, &[]).unwrap()).unwrap();
    assert!(!foreign.single, "doubles all the way");
    let Head::Model(Model::Logistic(model)) = &foreign.estimator.head else { panic!("{:?}", foreign.estimator.head) };
    assert_eq!((model.coef.cols, foreign.inputs.len()), (4, 3));
    let mut work = artifact.work();
    for row in [[0.25, 3.0, 0.0], [f64::NAN, -7.0, 1.0], [1e6, 2.5, 2.0]] {
        artifact.pipeline.encoders.encode(&row, &mut work.x);
        let columns: Vec<f64> = foreign.estimator.columns.iter().map(|c| c.value(row[c.input])).collect();
        let mut theirs = [0.0; 2];
        Model::Logistic(model.clone()).predict_proba(&columns, &mut theirs);
        artifact.model.predict_proba(&work.x, &mut work.probability);
        assert!((theirs[1] - work.probability[1]).abs() < 1e-15, "{row:?}: {theirs:?}");
    }
}

#[test]
fn names_of_fields_are_never_taken() {
    let names = ["label", "probabilities", "as_of", "_as_of", "gemm_1", "constant_1", "at"];
    let features =
        ["date_diff('day', at, now())", "\"label\" + \"probabilities\" + gemm_1 + constant_1 + as_of + _as_of"];
    let graph = Graph::read(&write(&artifact(&names, &features, logistic(2)), &[]).unwrap()).unwrap();
    let inputs: Vec<&str> = graph.inputs.iter().map(|v| v.name.as_str()).collect();
    assert_eq!(inputs, [&names[..], &["__as_of"]].concat());
    let outputs: Vec<&str> = graph.outputs.iter().map(|v| v.name.as_str()).collect();
    assert_eq!(outputs, ["_label", "_probabilities"]);
}

#[test]
fn only_what_the_model_reads_is_computed() {
    let mut artifact = artifact(&["a", "b"], &["a + 1", "exp(b)", "now() > DATE '2026-01-01'"], logistic(3));
    artifact.pipeline.encoders.0.truncate(1);
    artifact.model = logistic(1);
    let graph = Graph::read(&write(&artifact, &[]).unwrap()).unwrap();
    assert!(graph.nodes.iter().all(|n| n.op != "Exp"));
    let inputs: Vec<&str> = graph.inputs.iter().map(|v| v.name.as_str()).collect();
    assert_eq!(inputs, ["a", "b"], "no as_of, which nothing reads");
}

#[test]
fn what_has_no_words_is_named() {
    let message = |artifact: &Artifact| write(artifact, &[]).unwrap_err().to_string();
    let constant = artifact(&["a"], &["1 + 1"], logistic(1));
    assert_eq!(
        message(&constant),
        "derived feature `feature 0`: `1 + 1`: it reads no field, and there is none whose rows it could have"
    );
    let k = 33;
    let pairs = k * (k - 1) / 2;
    let many = Model::Svm(Svm {
        kernel: Kernel::Linear,
        support: Matrix { rows: k, cols: 1, data: vec![1.0; k] },
        n_support: vec![1; k],
        dual_coef: Matrix { rows: k - 1, cols: k, data: vec![0.5; k * (k - 1)] },
        intercept: vec![0.0; pairs],
        platt: Some(Platt { a: vec![-1.0; pairs], b: vec![0.0; pairs] }),
    });
    assert_eq!(
        message(&artifact(&["a"], &[], many)),
        "svm: the probabilities of a machine of 33 classes make too long a graph: at most 32"
    );
}
