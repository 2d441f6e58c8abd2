//! Models: from `x` to scores and probabilities.

use super::encoders::{Source, X, encode};
use super::graph::{Graph, Value, int};
use super::{forest, svm};
use crate::error::Result;
use crate::import::onnx::proto::DataType;
use crate::math::{BOUND, Matrix, ln};
use crate::model::Model;
use crate::model::bayes::NaiveBayes;
use crate::model::calibration::{Calibrated, Calibrator, Input};
use crate::model::linear::{Link, Logistic};
use crate::model::members::Members;
use crate::model::mlp::{Activation, Mlp};
use crate::model::stacking::{Method, Stacking};
use crate::model::voting::Voting;
use crate::pipeline::Slot;

/// The label of the largest probability, of equals the first, or what the threshold says: [N] of texts.
pub fn label(graph: &mut Graph, probability: &Value, classes: &[String], threshold: Option<f64>) -> Value {
    let classes = graph.strings(classes.iter().map(String::as_str));
    let index = match threshold {
        None => graph.argmax(probability, false),
        Some(threshold) => {
            let threshold = graph.scalar(threshold);
            let (second, axis) = (graph.columns(probability, &[1]), graph.ints(&[1]));
            let p1 = graph.op("Squeeze", &[&second, &axis]);
            let is_1 = graph.op("GreaterOrEqual", &[&p1, &threshold]);
            graph.cast(&is_1, DataType::Int64)
        }
    };
    graph.op("Gather", &[&classes, &index])
}

/// [N, n_classes].
pub fn probabilities(graph: &mut Graph, model: &Model, x: &X) -> Result<Value> {
    match model {
        Model::Forest(m) => forest::probabilities(graph, m, x),
        Model::Logistic(m) => {
            let scores = linear(graph, m, &x.value);
            Ok(match m.link {
                Link::Sigmoid => sigmoid(graph, &scores),
                Link::Softmax => softmax(graph, &scores),
                Link::OneVsRest => one_vs_rest(graph, &scores),
            })
        }
        Model::Svm(m) => svm::probabilities(graph, m, &x.value),
        Model::Mlp(m) => Ok(perceptron(graph, m, &x.value)),
        Model::NaiveBayes(m) => Ok(naive_bayes(graph, m, &x.value)),
        Model::Stacking(m) => {
            let answers = answers(graph, m, x)?;
            probabilities(graph, &m.final_model, &answers)
        }
        Model::Calibrated(m) => calibrated(graph, m, x),
        Model::Voting(m) => voting(graph, m, x),
    }
    .map_err(|e| e.context(model.family()))
}

/// `decision_function`: [N, 1] for two classes, else [N, n_classes].
pub fn margin(graph: &mut Graph, model: &Model, x: &X) -> Result<Value> {
    match model {
        Model::Forest(m) => forest::scores(graph, m, x).map(|scores| one_or_all(graph, scores, m.n_outputs())),
        Model::Logistic(m) => {
            let scores = linear(graph, m, &x.value);
            Ok(one_or_all(graph, scores, m.coef.rows))
        }
        Model::Svm(m) => Ok(svm::margin(graph, m, &x.value)),
        Model::Stacking(m) => {
            let answers = answers(graph, m, x)?;
            margin(graph, &m.final_model, &answers)
        }
        // `check` lets no margin be asked of these.
        Model::Mlp(_) | Model::NaiveBayes(_) | Model::Calibrated(_) | Model::Voting(_) => {
            Err(super::super::error(format!("a {} model has no margin", model.family())))
        }
    }
    .map_err(|e| e.context(model.family()))
}

/// The index of the class it decides for: [N, 1] of double.
fn decision(graph: &mut Graph, model: &Model, x: &X) -> Result<Value> {
    let index = match model {
        Model::Svm(m) => svm::decision(graph, m, &x.value),
        Model::Stacking(m) => {
            let answers = answers(graph, m, x)?;
            return decision(graph, &m.final_model, &answers);
        }
        _ => {
            let p = probabilities(graph, model, x)?;
            graph.argmax(&p, true)
        }
    };
    Ok(graph.cast(&index, DataType::Double))
}

/// Two scores become one, their difference.
fn one_or_all(graph: &mut Graph, scores: Value, n: usize) -> Value {
    if n != 2 {
        return scores;
    }
    let (first, second) = (graph.columns(&scores, &[0]), graph.columns(&scores, &[1]));
    graph.op("Sub", &[&second, &first])
}

// --------------------------------------------------------------------------------------------------------------- links

/// The probability of class 1, [N, 1], to both.
pub fn binary(graph: &mut Graph, p1: &Value) -> Value {
    let one = graph.scalar(1.0);
    let p0 = graph.op("Sub", &[&one, p1]);
    graph.concat(&[&p0, p1])
}

/// One score to both probabilities.
pub fn sigmoid(graph: &mut Graph, score: &Value) -> Value {
    let p1 = graph.op("Sigmoid", &[score]);
    binary(graph, &p1)
}

/// A score per class.
pub fn softmax(graph: &mut Graph, scores: &Value) -> Value {
    graph.op_with("Softmax", &[scores], vec![int("axis", 1)])
}

/// A score per class, each through a sigmoid, normalised.
pub fn one_vs_rest(graph: &mut Graph, scores: &Value) -> Value {
    let p = graph.op("Sigmoid", &[scores]);
    normalise(graph, &p)
}

/// Divided by their sum; all equal where that is 0.
fn normalise(graph: &mut Graph, p: &Value) -> Value {
    let zero = graph.scalar(0.0);
    let sum = graph.sum(p, 1, true);
    let none = graph.op("Equal", &[&sum, &zero]);
    // Where every one is 0, every one becomes 1.
    let all = graph.one_if(&none);
    let p = graph.op("Add", &[p, &all]);
    let sum = graph.sum(&p, 1, true);
    graph.op("Div", &[&p, &sum])
}

// -------------------------------------------------------------------------------------------------------------- families

/// `x · weightsᵀ + bias`.
fn dense(graph: &mut Graph, x: &Value, weights: &Matrix, bias: &[f64]) -> Value {
    let (weights, bias) = (graph.matrix(weights), graph.double(&[bias.len()], bias));
    graph.op_with("Gemm", &[x, &weights, &bias], vec![int("transB", 1)])
}

fn linear(graph: &mut Graph, m: &Logistic, x: &Value) -> Value {
    dense(graph, x, &m.coef, &m.intercept)
}

fn perceptron(graph: &mut Graph, m: &Mlp, x: &Value) -> Value {
    let mut v = x.clone();
    for (i, layer) in m.layers.iter().enumerate() {
        v = dense(graph, &v, &layer.weights, &layer.bias);
        if i + 1 < m.layers.len() {
            v = match m.activation {
                Activation::Relu => graph.op("Relu", &[&v]),
                Activation::Tanh => graph.op("Tanh", &[&v]),
                Activation::Logistic => graph.op("Sigmoid", &[&v]),
                Activation::Identity => v,
            };
        }
    }
    let outputs = m.layers.last().map_or(0, |l| l.weights.rows);
    if outputs == 1 { sigmoid(graph, &v) } else { softmax(graph, &v) }
}

fn naive_bayes(graph: &mut Graph, m: &NaiveBayes, x: &Value) -> Value {
    let (k, n) = (m.mean.rows, m.mean.cols);
    let spread = |k: usize| m.var.row(k).iter().fold(0.0, |s, v| s + ln(2.0 * std::f64::consts::PI * v));
    let bias: Vec<f64> = (0..k).map(|k| ln(m.prior[k]).max(-BOUND) - 0.5 * spread(k)).collect();
    let (mean, var) = (graph.double(&[1, k, n], &m.mean.data), graph.double(&[1, k, n], &m.var.data));
    let axes = graph.ints(&[1]);
    let x = graph.op("Unsqueeze", &[x, &axes]);
    let d = graph.op("Sub", &[&x, &mean]);
    let squared = graph.op("Mul", &[&d, &d]);
    let scaled = graph.op("Div", &[&squared, &var]);
    let distance = graph.sum(&scaled, 2, false);
    let (half, bias) = (graph.scalar(-0.5), graph.row(&bias));
    let joint = graph.op("Mul", &[&distance, &half]);
    let joint = graph.op("Add", &[&joint, &bias]);
    softmax(graph, &joint)
}

// ----------------------------------------------------------------------------------------------------------- ensembles

/// What each member reads, in order.
fn members(graph: &mut Graph, m: &Members, x: &X) -> Result<Vec<X>> {
    let source = Source::Matrix(&x.value, m.n_features);
    m.encoders.iter().map(|encoders| encode(graph, encoders, &source, &x.columns, &x.whole)).collect()
}

/// What the final model reads.
fn answers(graph: &mut Graph, m: &Stacking, x: &X) -> Result<X> {
    let encoded = members(graph, &m.members, x)?;
    let mut parts = Vec::new();
    let two = m.final_model.n_classes() == 2;
    for ((encoding, model), method) in m.members.models.iter().zip(&m.methods) {
        let x = &encoded[*encoding as usize];
        parts.push(match method {
            Method::PredictProba => {
                let p = probabilities(graph, model, x)?;
                if two { graph.columns(&p, &[1]) } else { p }
            }
            Method::Predict => decision(graph, model, x)?,
            Method::DecisionFunction => margin(graph, model, x)?,
        });
    }
    let passed = m.passthrough.map(|encoding| &encoded[encoding as usize]);
    let answer = Slot { missing: false, levels: None, unknown: false };
    let n = m.final_model.n_features() - passed.map_or(0, |x| x.columns.len());
    let (mut columns, mut whole) = (vec![answer; n], vec![false; n]);
    if let Some(x) = passed {
        parts.push(x.value.clone());
        columns.extend_from_slice(&x.columns);
        whole.extend_from_slice(&x.whole);
    }
    Ok(X { value: graph.concat(&parts.iter().collect::<Vec<_>>()), columns, whole })
}

fn voting(graph: &mut Graph, m: &Voting, x: &X) -> Result<Value> {
    let encoded = members(graph, &m.members, x)?;
    let mut parts = Vec::new();
    for ((encoding, model), weight) in m.members.models.iter().zip(&m.weights) {
        let p = probabilities(graph, model, &encoded[*encoding as usize])?;
        let weight = graph.scalar(*weight);
        parts.push(graph.op("Mul", &[&p, &weight]));
    }
    Ok(mean(graph, &parts, m.weights.iter().sum()))
}

/// Their sum, divided by `total`.
fn mean(graph: &mut Graph, parts: &[Value], total: f64) -> Value {
    let mut sum = parts[0].clone();
    for part in &parts[1..] {
        sum = graph.op("Add", &[&sum, part]);
    }
    let total = graph.scalar(total);
    graph.op("Div", &[&sum, &total])
}

fn calibrated(graph: &mut Graph, m: &Calibrated, x: &X) -> Result<Value> {
    let encoded = members(graph, &m.members, x)?;
    let mut parts = Vec::new();
    for ((encoding, model), calibrator) in m.members.models.iter().zip(&m.calibrators) {
        parts.push(corrected(graph, calibrator, model, &encoded[*encoding as usize])?);
    }
    let n = parts.len() as f64;
    Ok(mean(graph, &parts, n))
}

fn corrected(graph: &mut Graph, calibrator: &Calibrator, model: &Model, x: &X) -> Result<Value> {
    let two = model.n_classes() == 2;
    let (Calibrator::Platt { input, .. } | Calibrator::Isotonic { input, .. } | Calibrator::Temperature { input, .. }) =
        calibrator;
    let f = match input {
        Input::Margin => margin(graph, model, x)?,
        Input::Probability => {
            let p = probabilities(graph, model, x)?;
            if two { graph.columns(&p, &[1]) } else { p }
        }
    };
    let p = match calibrator {
        Calibrator::Platt { a, b, .. } => {
            let (a, b) = (graph.row(a), graph.row(b));
            let z = graph.op("Mul", &[&f, &a]);
            let z = graph.op("Add", &[&z, &b]);
            let z = graph.op("Neg", &[&z]);
            graph.op("Sigmoid", &[&z])
        }
        Calibrator::Isotonic { x, y, .. } => {
            let curve = |(k, (x, y)): (usize, (&Vec<f64>, &Vec<f64>))| {
                let f = if two { f.clone() } else { graph.columns(&f, &[k as i64]) };
                interpolate(graph, x, y, &f)
            };
            let parts: Vec<Value> = x.iter().zip(y).enumerate().map(curve).collect();
            graph.concat(&parts.iter().collect::<Vec<_>>())
        }
        Calibrator::Temperature { inverse_temperature, .. } => {
            let logits = match input {
                Input::Margin if two => {
                    let other = graph.op("Neg", &[&f]);
                    graph.concat(&[&other, &f])
                }
                Input::Margin => f,
                Input::Probability => {
                    let p = if two { binary(graph, &f) } else { f };
                    let tiny = graph.scalar(1e-12);
                    let p = graph.op("Add", &[&p, &tiny]);
                    graph.op("Log", &[&p])
                }
            };
            let beta = graph.scalar(*inverse_temperature);
            let scaled = graph.op("Mul", &[&logits, &beta]);
            return Ok(softmax(graph, &scaled));
        }
    };
    Ok(if two { binary(graph, &p) } else { normalise(graph, &p) })
}

/// `numpy.interp`. `f`: [N, 1].
fn interpolate(graph: &mut Graph, x: &[f64], y: &[f64], f: &Value) -> Value {
    // How many of `x` are at most `f`: the point to its right.
    let all = graph.row(x);
    let passed = graph.op("LessOrEqual", &[&all, f]);
    let passed = graph.cast(&passed, DataType::Int64);
    let right = graph.sum(&passed, 1, true);
    let (zero, one, last) = (graph.int64(&[], &[0]), graph.int64(&[], &[1]), graph.int64(&[], &[x.len() as i64 - 1]));
    let left = graph.op("Sub", &[&right, &one]);
    let left = graph.op("Max", &[&left, &zero]);
    let right = graph.op("Min", &[&right, &last]);
    let (xs, ys) = (graph.double(&[x.len()], x), graph.double(&[y.len()], y));
    let (x0, x1) = (graph.op("Gather", &[&xs, &left]), graph.op("Gather", &[&xs, &right]));
    let (y0, y1) = (graph.op("Gather", &[&ys, &left]), graph.op("Gather", &[&ys, &right]));
    let (dx, dy) = (graph.op("Sub", &[&x1, &x0]), graph.op("Sub", &[&y1, &y0]));
    let slope = graph.op("Div", &[&dy, &dx]);
    let along = graph.op("Sub", &[f, &x0]);
    let rise = graph.op("Mul", &[&slope, &along]);
    let line = graph.op("Add", &[&rise, &y0]);
    let line = graph.clamp(&line, 0.0, 1.0);
    // Outside, both points are one, and there is no slope.
    let outside = graph.op("Equal", &[&left, &right]);
    graph.op("Where", &[&outside, &y0, &line])
}
