//! ONNX's own node tests, and the answers of onnxruntime's kernels, against the evaluator that proves ONNX imports.
//!
//! The cases are written by `tests/import/onnx_nodes.py`, as is the page that says what is skipped and why (`tests/import/onnx_nodes.md`).

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use hedgerow::import::onnx::eval::{self, Value};
use hedgerow::import::onnx::graph::{Graph, ML};
use hedgerow::import::onnx::proto::TensorProto;
use hedgerow::import::onnx::tensor::{Data, Tensor};
use prost::Message;
use serde_json::Value as Json;

/// Of `f32` values, relative and absolute: kernels round after each step, the evaluator once.
const SINGLE: (f64, f64) = (2e-6, 2e-6);
/// Of `f64` values.
const DOUBLE: (f64, f64) = (1e-12, 1e-14);

fn file(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn cases(name: &str) -> Vec<Json> {
    serde_json::from_str(&file(name)).unwrap()
}

fn text<'a>(case: &'a Json, key: &str) -> &'a str {
    case[key].as_str().unwrap_or_else(|| panic!("{key} of {case}"))
}

fn tensors(case: &Json, key: &str) -> Vec<Tensor> {
    let decode =
        |v: &Json| Tensor::from_proto(TensorProto::decode(base64(v.as_str().unwrap()).as_slice()).unwrap()).unwrap();
    case[key].as_array().unwrap().iter().map(decode).collect()
}

/// RFC 4648, section 4.
fn base64(text: &str) -> Vec<u8> {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digit = |c: &u8| DIGITS.iter().position(|d| d == c).map(|d| d as u32);
    let mut bytes = Vec::new();
    for group in text.as_bytes().chunks(4) {
        let digits: Vec<u32> = group.iter().map_while(digit).collect();
        let bits = digits.iter().enumerate().fold(0, |bits, (i, d)| bits | d << (18 - 6 * i));
        bytes.extend(&bits.to_be_bytes()[1..digits.len()]);
    }
    bytes
}

fn run(case: &Json) -> Result<Vec<Tensor>, String> {
    let graph = Graph::read(&base64(text(case, "model"))).map_err(|e| e.to_string())?;
    let inputs: BTreeMap<String, Tensor> =
        graph.inputs.iter().map(|v| v.name.clone()).zip(tensors(case, "inputs")).collect();
    let wanted: Vec<&str> = graph.outputs.iter().map(|v| v.name.as_str()).collect();
    let values = eval::run(&graph, &inputs, &wanted).map_err(|e| e.to_string())?;
    values.into_iter().map(|v| v.tensor().cloned().ok_or_else(|| "a list of maps".to_owned())).collect()
}

/// Where `found` is not `wanted`.
fn difference(found: &Tensor, wanted: &Tensor) -> Option<String> {
    if found.shape != wanted.shape || found.element() != wanted.element() {
        return Some(format!(
            "{:?} of shape {:?} in place of {:?} of {:?}",
            found.element(),
            found.shape,
            wanted.element(),
            wanted.shape
        ));
    }
    let (relative, absolute) = match found.data {
        Data::F32(_) => SINGLE,
        Data::F64(_) => DOUBLE,
        _ => return (found != wanted).then(|| format!("{:?} in place of {:?}", found.data, wanted.data)),
    };
    let (found, wanted) = (found.to_f64().unwrap(), wanted.to_f64().unwrap());
    let differ = |(a, b): (&f64, &f64)| {
        !(a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= absolute + relative * b.abs())
    };
    let i = found.iter().zip(&wanted).position(differ)?;
    Some(format!("element {i} is {} in place of {}", found[i], wanted[i]))
}

fn failures(cases: &[Json]) -> Vec<String> {
    let mut failures = Vec::new();
    for case in cases.iter().filter(|c| c["why"].is_null()) {
        let name = text(case, "name");
        match run(case) {
            Err(e) => failures.push(format!("{name}: {e}")),
            Ok(found) => {
                let wanted = tensors(case, "outputs");
                assert_eq!(found.len(), wanted.len(), "{name}");
                let differences = found.iter().zip(&wanted).enumerate();
                failures.extend(
                    differences.filter_map(|(i, (f, w))| difference(f, w).map(|d| format!("{name}: output {i}: {d}"))),
                );
            }
        }
    }
    failures
}

#[test]
fn onnx_s_own_node_tests_pass() {
    let cases = cases("onnx_nodes.json");
    let failures = failures(&cases);
    assert!(failures.is_empty(), "{} fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn kernels_of_onnxruntime_are_followed() {
    let failures = failures(&cases("onnx_kernels.json"));
    assert!(failures.is_empty(), "{} fail:\n{}", failures.len(), failures.join("\n"));
}

#[test]
fn what_is_skipped_is_refused_and_on_the_page() {
    let (cases, page) = (cases("onnx_nodes.json"), file("onnx_nodes.md"));
    let list = page.split_once("## Skipped").expect("the page lists what is skipped").1;
    let listed: BTreeSet<&str> = list.split('`').skip(1).step_by(2).collect();
    let (skipped, run): (Vec<&Json>, Vec<&Json>) = cases.iter().partition(|c| !c["why"].is_null());
    assert_eq!(listed, skipped.iter().map(|c| text(c, "name")).collect());
    for case in &skipped {
        let why = text(case, "why");
        assert!(list.contains(&format!("**{why}**")), "the page does not give the reason {why:?}");
        let refused = Graph::read(&base64(text(case, "model"))).and_then(|graph| {
            // Given no inputs, a graph whose types are understood asks for them.
            let wanted: Vec<&str> = graph.outputs.iter().map(|v| v.name.as_str()).collect();
            eval::run(&graph, &BTreeMap::new(), &wanted)
        });
        let message = refused.expect_err(text(case, "name")).to_string();
        assert!(!message.is_empty());
    }
    let counts = format!("{} run and pass, {} are skipped", run.len(), skipped.len());
    assert!(page.contains(&counts), "the page does not say {counts:?}");
}

#[test]
fn every_operator_is_tested() {
    let page = file("onnx_nodes.md");
    let mut tested: BTreeMap<String, usize> = BTreeMap::new();
    for name in ["onnx_nodes.json", "onnx_kernels.json"] {
        for case in cases(name).iter().filter(|c| c["why"].is_null()) {
            for operator in case["operators"].as_array().unwrap() {
                *tested.entry(operator.as_str().unwrap().to_owned()).or_default() += 1;
            }
        }
    }
    for (domain, operators) in eval::OPERATORS {
        for operator in operators {
            assert!(eval::understood(domain, operator));
            assert!(
                page.contains(&format!("| {operator}{} |", if domain == ML { " (ml)" } else { "" })),
                "{operator} is not on the page"
            );
            // What ZipMap makes is no tensor; it has a test of its own.
            assert!(tested.contains_key(*operator) || *operator == "ZipMap", "{operator} has no test");
        }
    }
}

#[test]
fn damaged_models_are_refused_or_run_and_never_panic() {
    let mut cases = cases("onnx_kernels.json");
    cases.extend(self::cases("onnx_nodes.json").into_iter().filter(|c| c["why"].is_null()).step_by(4));
    let mut seed = 1u64;
    let mut refused = 0;
    for case in &cases {
        let model = base64(text(case, "model"));
        let inputs = tensors(case, "inputs");
        for _ in 0..12 {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let mut model = model.clone();
            let at = (seed >> 33) as usize % model.len();
            model[at] = if seed & 1 << 30 == 0 { model[at] ^ (1 << (seed >> 60 & 7)) } else { (seed >> 56) as u8 };
            let Ok(graph) = Graph::read(&model) else {
                refused += 1;
                continue;
            };
            let named = graph.inputs.iter().map(|v| v.name.clone()).zip(inputs.iter().cloned()).collect();
            let wanted: Vec<&str> = graph.outputs.iter().map(|v| v.name.as_str()).collect();
            refused += usize::from(eval::run(&graph, &named, &wanted).is_err());
        }
    }
    assert!(refused > cases.len(), "{refused} of {}", cases.len() * 12);
}

#[test]
fn shapes_without_elements_cannot_be_endless() {
    let long = Tensor::new(vec![0, 1 << 27, 1 << 27, 1 << 27], Data::F32(Vec::new()));
    assert!(long.unwrap_err().to_string().contains("too large"));
    assert!(Tensor::new(vec![0, 3, 1 << 20], Data::F32(Vec::new())).is_ok());
}

#[test]
fn zip_map_keeps_labels_and_scores_together() {
    use hedgerow::import::onnx::proto::*;
    let node = NodeProto {
        input: vec!["x".into()],
        output: vec!["z".into()],
        op_type: Some("ZipMap".into()),
        domain: Some(ML.into()),
        attribute: vec![AttributeProto {
            name: Some("classlabels_strings".into()),
            r#type: Some(AttributeType::Strings as i32),
            strings: vec![b"no".to_vec(), b"yes".to_vec()],
            ..AttributeProto::default()
        }],
        ..NodeProto::default()
    };
    let value = |name: &str| ValueInfoProto { name: Some(name.into()), ..ValueInfoProto::default() };
    let model = ModelProto {
        opset_import: vec![OperatorSetIdProto { domain: Some(ML.into()), version: Some(1) }],
        graph: Some(GraphProto {
            node: vec![node],
            input: vec![value("x")],
            output: vec![value("z")],
            ..GraphProto::default()
        }),
        ..ModelProto::default()
    };
    let graph = Graph::new(model).unwrap();
    let x = Tensor::new(vec![2, 2], Data::F32(vec![0.25, 0.75, 1.0, 0.0])).unwrap();
    let values = eval::run(&graph, &BTreeMap::from([("x".to_owned(), x.clone())]), &["z"]).unwrap();
    assert_eq!(values, [Value::Maps { keys: Data::Str(vec!["no".into(), "yes".into()]), values: x }]);
    let narrow = Tensor::new(vec![4, 1], Data::F32(vec![0.0; 4])).unwrap();
    let e = eval::run(&graph, &BTreeMap::from([("x".to_owned(), narrow)]), &["z"]).unwrap_err().to_string();
    assert_eq!(e, "node `#0` (ZipMap): 1 columns for 2 labels");
}
