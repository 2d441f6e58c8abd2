//! Reads the golden files that `generate.py` writes. A golden that does not read is a broken test: it panics, by name.

use hedgerow::math::Matrix;
use hedgerow::model::Model;
use hedgerow::model::bayes::NaiveBayes;
use hedgerow::model::calibration::{Calibrated, Calibrator, Input};
use hedgerow::model::forest::{self, Forest, PlainNode, PlainTree, Test};
use hedgerow::model::linear::{self, Logistic};
use hedgerow::model::members::Members;
use hedgerow::model::mlp::{Activation, Layer, Mlp};
use hedgerow::model::stacking::{Method, Stacking};
use hedgerow::model::svm::{Kernel, Platt, Svm};
use hedgerow::model::voting::Voting;
use hedgerow::pipeline::{Encoder, Encoders, Transform};
use serde_json::Value;
use std::path::Path;

/// One estimator, rows, and scikit-learn's answers.
pub struct Case {
    /// What it shows.
    pub name: String,
    /// One per row; missing is NaN.
    pub rows: Vec<Vec<f64>>,
    /// What was fitted, and what it answers.
    pub fitted: Fitted,
}

/// A model with its answers, or encoders with theirs.
pub enum Fitted {
    /// Per row the probabilities; for forests also the leaves' numbers.
    Model { model: Model, probability: Vec<Vec<f64>>, leaf_ids: Option<Vec<Vec<u32>>> },
    /// Per row the columns; `levels`: per slot the number of levels, of a category.
    Encoders { encoders: Encoders, levels: Vec<Option<usize>>, x: Vec<Vec<f64>> },
}

/// The cases of `tests/conformance/NAME.json`.
pub fn read(name: &str) -> Vec<Case> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conformance").join(format!("{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    let file: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    list(&file["cases"]).iter().map(case).collect()
}

fn case(v: &Value) -> Case {
    let fitted = if v["model"].is_object() {
        let leaf_ids =
            v.get("leaf_ids").map(|ids| rows(ids).iter().map(|r| r.iter().map(|i| *i as u32).collect()).collect());
        Fitted::Model { model: model(&v["model"]), probability: rows(&v["probability"]), leaf_ids }
    } else {
        let levels = list(&v["levels"]).iter().map(|n| n.as_u64().map(|n| n as usize)).collect();
        Fitted::Encoders { encoders: encoders(&v["encoders"]), levels, x: rows(&v["x"]) }
    };
    Case { name: text(&v["name"]).to_string(), rows: rows(&v["rows"]), fitted }
}

fn model(v: &Value) -> Model {
    match text(&v["type"]) {
        "forest" => Model::Forest(forest(v)),
        "logistic" => Model::Logistic(Logistic {
            coef: matrix(&v["coef"]),
            intercept: numbers(&v["intercept"]),
            link: match text(&v["link"]) {
                "sigmoid" => linear::Link::Sigmoid,
                "softmax" => linear::Link::Softmax,
                "one_vs_rest" => linear::Link::OneVsRest,
                other => panic!("no link `{other}`"),
            },
        }),
        "svm" => Model::Svm(Svm {
            kernel: kernel(&v["kernel"]),
            support: matrix(&v["support"]),
            n_support: numbers(&v["n_support"]).iter().map(|n| *n as u32).collect(),
            dual_coef: matrix(&v["dual_coef"]),
            intercept: numbers(&v["intercept"]),
            platt: v["prob_a"].is_array().then(|| Platt { a: numbers(&v["prob_a"]), b: numbers(&v["prob_b"]) }),
        }),
        "mlp" => Model::Mlp(Mlp {
            layers: list(&v["layers"])
                .iter()
                .map(|l| Layer { weights: matrix(&l["weights"]), bias: numbers(&l["bias"]) })
                .collect(),
            activation: match text(&v["activation"]) {
                "relu" => Activation::Relu,
                "tanh" => Activation::Tanh,
                "logistic" => Activation::Logistic,
                "identity" => Activation::Identity,
                other => panic!("no activation `{other}`"),
            },
        }),
        "naive_bayes" => Model::NaiveBayes(NaiveBayes {
            prior: numbers(&v["prior"]),
            mean: matrix(&v["mean"]),
            var: matrix(&v["var"]),
        }),
        "stacking" => {
            let method = |m: &Value| match text(&m["method"]) {
                "predict_proba" => Method::PredictProba,
                "predict" => Method::Predict,
                "decision_function" => Method::DecisionFunction,
                other => panic!("no method `{other}`"),
            };
            let stacking = Stacking {
                members: members(v),
                methods: list(&v["members"]).iter().map(method).collect(),
                passthrough: v["passthrough"].as_u64().map(|i| i as u32),
                final_model: model(&v["final_model"]),
            };
            Model::Stacking(stacking.into())
        }
        "calibrated" => {
            let calibrators = list(&v["members"]).iter().map(|m| calibrator(&m["calibrator"])).collect();
            Model::Calibrated(Calibrated { members: members(v), calibrators }.into())
        }
        "voting" => Model::Voting(Voting { members: members(v), weights: numbers(&v["weights"]) }.into()),
        other => panic!("no model `{other}`"),
    }
}

fn members(v: &Value) -> Members {
    Members {
        n_features: index(&v["n_features"]),
        encoders: list(&v["encoders"]).iter().map(encoders).collect(),
        models: list(&v["members"]).iter().map(|m| (index(&m["encoding"]) as u32, model(&m["model"]))).collect(),
    }
}

fn forest(v: &Value) -> Forest {
    let link = match text(&v["link"]) {
        "average" => forest::Link::Average,
        "sigmoid" => forest::Link::Sigmoid,
        "softmax" => forest::Link::Softmax,
        other => panic!("no link `{other}`"),
    };
    let trees: Vec<PlainTree> = list(&v["trees"]).iter().map(tree).collect();
    Forest::new(index(&v["n_features"]), index(&v["n_classes"]), link, numbers(&v["base"]), &trees)
        .unwrap_or_else(|e| panic!("{e}"))
}

/// A leaf has feature -1; a threshold that is a list is a set of categories.
fn tree(v: &Value) -> PlainTree {
    let node = |i: usize| {
        let test = match &v["threshold"][i] {
            Value::Array(members) => Test::In(members.iter().map(|m| index(m) as u32).collect()),
            threshold => Test::AtMost(number(threshold)),
        };
        match v["feature"][i].as_u64() {
            None => PlainNode::Leaf(numbers(&v["leaf"][i])),
            Some(feature) => PlainNode::Split {
                feature: feature as usize,
                test,
                default_left: v["default_left"][i] == 1,
                left: index(&v["left"][i]),
                right: index(&v["right"][i]),
            },
        }
    };
    PlainTree { nodes: (0..list(&v["feature"]).len()).map(node).collect(), output: index(&v["output"]) }
}

fn kernel(v: &Value) -> Kernel {
    match text(&v["type"]) {
        "linear" => Kernel::Linear,
        "rbf" => Kernel::Rbf { gamma: number(&v["gamma"]) },
        "sigmoid" => Kernel::Sigmoid { gamma: number(&v["gamma"]), coef0: number(&v["coef0"]) },
        "poly" => {
            Kernel::Poly { gamma: number(&v["gamma"]), coef0: number(&v["coef0"]), degree: index(&v["degree"]) as u32 }
        }
        other => panic!("no kernel `{other}`"),
    }
}

fn calibrator(v: &Value) -> Calibrator {
    let input = match text(&v["input"]) {
        "margin" => Input::Margin,
        "probability" => Input::Probability,
        other => panic!("no input `{other}`"),
    };
    match text(&v["type"]) {
        "sigmoid" => Calibrator::Platt { input, a: numbers(&v["a"]), b: numbers(&v["b"]) },
        "isotonic" => Calibrator::Isotonic { input, x: rows(&v["x"]), y: rows(&v["y"]) },
        "temperature" => Calibrator::Temperature { input, inverse_temperature: number(&v["inverse_temperature"]) },
        other => panic!("no calibrator `{other}`"),
    }
}

fn encoders(v: &Value) -> Encoders {
    let encoder = |e: &Value| Encoder {
        slot: index(&e["slot"]) as u32,
        impute: e["impute"].as_f64(),
        transform: transform(&e["transform"]),
        indicator: e["indicator"] == true,
    };
    Encoders(list(v).iter().map(encoder).collect())
}

fn transform(v: &Value) -> Transform {
    match text(&v["type"]) {
        "pass" => Transform::Pass,
        "standard" => Transform::Standard { mean: number(&v["mean"]), scale: number(&v["scale"]) },
        "min_max" => Transform::MinMax {
            scale: number(&v["scale"]),
            min: number(&v["min"]),
            clip: v["clip"].as_array().map(|range| (number(&range[0]), number(&range[1]))),
        },
        "one_hot" => Transform::OneHot {
            levels: numbers(&v["levels"]).iter().map(|l| *l as u32).collect(),
            unknown: v["unknown"] == true,
            missing: v["missing"] == true,
        },
        "ordinal" => Transform::Ordinal { values: numbers(&v["values"]), unknown: number(&v["unknown"]) },
        other => panic!("no transform `{other}`"),
    }
}

fn matrix(v: &Value) -> Matrix {
    Matrix { rows: index(&v["rows"]), cols: index(&v["cols"]), data: numbers(&v["data"]) }
}

fn rows(v: &Value) -> Vec<Vec<f64>> {
    list(v).iter().map(numbers).collect()
}

fn numbers(v: &Value) -> Vec<f64> {
    list(v).iter().map(number).collect()
}

/// null is missing.
fn number(v: &Value) -> f64 {
    if v.is_null() { f64::NAN } else { v.as_f64().unwrap_or_else(|| panic!("not a number: {v}")) }
}

fn index(v: &Value) -> usize {
    v.as_u64().unwrap_or_else(|| panic!("not an index: {v}")) as usize
}

fn list(v: &Value) -> &[Value] {
    v.as_array().unwrap_or_else(|| panic!("not a list: {v}"))
}

fn text(v: &Value) -> &str {
    v.as_str().unwrap_or_else(|| panic!("not a text: {v}"))
}
