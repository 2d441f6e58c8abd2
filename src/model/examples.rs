//! One small model of each kind and link: what the contract tests run over.

use super::bayes::NaiveBayes;
use super::calibration::{Calibrated, Calibrator, Input};
use super::forest::{self, Forest, PlainNode, PlainTree, Test};
use super::linear::{self, Logistic};
use super::members::Members;
use super::mlp::{Activation, Layer, Mlp};
use super::stacking::{Method, Stacking};
use super::svm::{Kernel, Platt, Svm};
use super::voting::Voting;
use super::{Model, Nested};
use crate::math::Matrix;
use crate::pipeline::{Encoder, Encoders, Transform};

/// Every example reads this many features.
const N_FEATURES: usize = 3;

impl Model {
    /// One small model of each kind and link, by name: for contract tests and documentation. Each reads 3 features and has 2
    /// or 3 classes.
    #[doc(hidden)]
    pub fn examples() -> Vec<(&'static str, Model)> {
        let forest = |link, n_classes, base: &[f64]| {
            // The plain trees are sound by construction; a mistake here would leave the example out, which the tests count.
            Forest::new(N_FEATURES, n_classes, link, base.to_vec(), &trees(link, n_classes)).ok().map(Model::Forest)
        };
        let logistic = |link, rows| {
            Model::Logistic(Logistic { coef: matrix(rows, N_FEATURES), intercept: numbers(rows, 0.3), link })
        };
        let boosted = forest(forest::Link::Sigmoid, 2, &[0.25]);
        let boosted3 = forest(forest::Link::Softmax, 3, &[0.1, 0.0, -0.1]);
        let platt = |n| Calibrator::Platt { input: Input::Margin, a: vec![-1.5; n], b: numbers(n, 0.1) };
        let isotonic = |n: usize, input| Calibrator::Isotonic {
            input,
            x: (0..n).map(|k| vec![-0.5 + k as f64, 0.2 + k as f64, 4.0]).collect(),
            y: (0..n).map(|k| vec![0.0, 0.125 + k as f64 / 8.0, 1.0]).collect(),
        };
        let temperature = |input| Calibrator::Temperature { input, inverse_temperature: 0.7 };
        let calibrated = |members: Vec<(Model, Calibrator)>| Model::Calibrated(Nested::new(Calibrated::same(members)));
        let named = [
            ("random forest", forest(forest::Link::Average, 3, &[])),
            ("boosting, identity", forest(forest::Link::Identity, 2, &[0.5])),
            ("boosting, sigmoid", boosted.clone()),
            ("boosting, softmax", boosted3.clone()),
            ("boosting, one against rest", forest(forest::Link::OneVsRest, 3, &[0.0, -0.5, 0.5])),
            ("logistic, sigmoid", Some(logistic(linear::Link::Sigmoid, 1))),
            ("logistic, softmax", Some(logistic(linear::Link::Softmax, 3))),
            ("logistic, one against rest", Some(logistic(linear::Link::OneVsRest, 3))),
            ("svm, linear", Some(svm(Kernel::Linear, 2))),
            ("svm, rbf", Some(svm(Kernel::Rbf { gamma: 0.5 }, 3))),
            ("svm, poly", Some(svm(Kernel::Poly { gamma: 0.5, coef0: 1.0, degree: 3 }, 2))),
            ("svm, sigmoid", Some(svm(Kernel::Sigmoid { gamma: 0.5, coef0: -0.25 }, 3))),
            ("mlp, relu", Some(mlp(Activation::Relu, 1))),
            ("mlp, tanh", Some(mlp(Activation::Tanh, 3))),
            ("mlp, logistic", Some(mlp(Activation::Logistic, 3))),
            ("mlp, identity", Some(mlp(Activation::Identity, 1))),
            ("gaussian naive bayes", Some(naive_bayes())),
            ("stacking, two classes", boosted.clone().map(|m| stacking(m, logistic(linear::Link::Sigmoid, 1)))),
            ("stacking, three classes", boosted3.clone().map(|m| stacking(m, logistic(linear::Link::Softmax, 3)))),
            ("stacking, margins", boosted.clone().map(margins)),
            ("stacking, margins, three classes", boosted3.clone().map(margins)),
            (
                "voting",
                boosted3.clone().map(|trees| {
                    let members = over([(raw(), trees), (scaled(), naive_bayes()), (scaled(), svm(Kernel::Linear, 3))]);
                    Model::Voting(Nested::new(Voting { members, weights: vec![1.0, 0.0, 2.5] }))
                }),
            ),
            (
                "calibrated, encodings",
                boosted.clone().map(|trees| {
                    let support = bare(Kernel::Rbf { gamma: 0.5 }, 2);
                    let members = over([(raw(), trees), (scaled(), support)]);
                    Model::Calibrated(Nested::new(Calibrated { members, calibrators: vec![platt(1), platt(1)] }))
                }),
            ),
            ("calibrated, platt", boosted.clone().map(|m| calibrated(vec![(m, platt(1))]))),
            (
                "calibrated, platt and isotonic",
                boosted3.clone().map(|m| {
                    let other = logistic(linear::Link::OneVsRest, 3);
                    calibrated(vec![(m, platt(3)), (other, isotonic(3, Input::Margin))])
                }),
            ),
            ("calibrated, isotonic", Some(calibrated(vec![(naive_bayes(), isotonic(3, Input::Probability))]))),
            (
                "calibrated, isotonic, two classes",
                Some(calibrated(vec![(svm(Kernel::Linear, 2), isotonic(1, Input::Margin))])),
            ),
            ("calibrated, temperature", boosted.map(|m| calibrated(vec![(m, temperature(Input::Margin))]))),
            (
                "calibrated, temperature of probabilities",
                Some(calibrated(vec![(mlp(Activation::Relu, 1), temperature(Input::Probability))])),
            ),
            (
                "calibrated, temperature, three classes",
                Some(calibrated(vec![(svm(Kernel::Linear, 3), temperature(Input::Margin))])),
            ),
        ];
        named.into_iter().filter_map(|(name, model)| Some((name, model?))).collect()
    }
}

/// Numbers of both signs that are no round fractions.
fn numbers(n: usize, scale: f64) -> Vec<f64> {
    (0..n).map(|i| scale * ((i * 7 + 3) % 11) as f64 / 11.0 - scale / 2.0).collect()
}

fn matrix(rows: usize, cols: usize) -> Matrix {
    Matrix { rows, cols, data: numbers(rows * cols, 2.0) }
}

/// Two trees per score: thresholds, a category set, both missing directions, a lone leaf.
fn trees(link: forest::Link, n_classes: usize) -> Vec<PlainTree> {
    let average = link == forest::Link::Average;
    let scores = if average || matches!(link, forest::Link::Identity | forest::Link::Sigmoid) { 1 } else { n_classes };
    let leaf = |i: usize| {
        let share = |k: usize| if k == i % n_classes { 0.5 } else { 0.5 / (n_classes as f64 - 1.0) };
        PlainNode::Leaf(if average { (0..n_classes).map(share).collect() } else { vec![i as f64 * 0.3 - 0.7] })
    };
    let split =
        |feature, test, default_left, left| PlainNode::Split { feature, test, default_left, left, right: left + 1 };
    let mut trees = Vec::new();
    for output in 0..scores {
        let nodes = vec![
            split(output % N_FEATURES, Test::AtMost(0.25), true, 1),
            split(2, Test::In(vec![0, 2, 65]), false, 3),
            split(1, Test::AtMost(-1.0), false, 5),
            leaf(output),
            leaf(output + 1),
            leaf(output + 2),
            leaf(output + 3),
        ];
        trees.push(PlainTree { nodes, output });
        trees.push(PlainTree { nodes: vec![leaf(output + 2)], output });
    }
    trees
}

fn svm(kernel: Kernel, n_classes: usize) -> Model {
    let n = 2 * n_classes;
    let pairs = n_classes * (n_classes - 1) / 2;
    Model::Svm(Svm {
        kernel,
        support: matrix(n, N_FEATURES),
        n_support: vec![2; n_classes],
        dual_coef: matrix(n_classes - 1, n),
        intercept: numbers(pairs, 0.5),
        platt: Some(Platt { a: vec![-1.25; pairs], b: numbers(pairs, 0.2) }),
    })
}

/// One that was fitted without probabilities.
fn bare(kernel: Kernel, n_classes: usize) -> Model {
    match svm(kernel, n_classes) {
        Model::Svm(svm) => Model::Svm(Svm { platt: None, ..svm }),
        other => other,
    }
}

fn mlp(activation: Activation, outputs: usize) -> Model {
    let layer = |n_out, n_in| Layer { weights: matrix(n_out, n_in), bias: numbers(n_out, 0.4) };
    Model::Mlp(Mlp { layers: vec![layer(5, N_FEATURES), layer(4, 5), layer(outputs, 4)], activation })
}

fn naive_bayes() -> Model {
    let mut var = matrix(3, N_FEATURES);
    var.data.iter_mut().for_each(|v| *v = *v * *v + 0.1);
    Model::NaiveBayes(NaiveBayes { prior: vec![0.5, 0.25, 0.25], mean: matrix(3, N_FEATURES), var })
}

/// Every slot with this imputer and transform.
fn encoders(impute: Option<f64>, transform: &Transform) -> Encoders {
    let encoder = |slot| Encoder { slot, impute, transform: transform.clone(), indicator: false };
    Encoders((0..N_FEATURES as u32).map(encoder).collect())
}

/// The slots as they are, for trees.
fn raw() -> Encoders {
    encoders(None, &Transform::Pass)
}

/// The slots without gaps and scaled, for what adds and multiplies.
fn scaled() -> Encoders {
    encoders(Some(0.5), &Transform::Standard { mean: 0.5, scale: 2.0 })
}

fn over(members: impl IntoIterator<Item = (Encoders, Model)>) -> Members {
    let mut all = Members::new(N_FEATURES);
    members.into_iter().for_each(|(encoders, model)| all.push(encoders, model));
    all
}

/// A linear model over `n_in` answers.
fn last(n_classes: usize, n_in: usize) -> Model {
    let (link, rows) = if n_classes == 2 { (linear::Link::Sigmoid, 1) } else { (linear::Link::Softmax, n_classes) };
    Model::Logistic(Logistic { coef: matrix(rows, n_in), intercept: numbers(rows, 0.3), link })
}

/// Trees over raw slots and a linear model over scaled ones, twice: the outer reads the inner's answers and the scaled slots.
fn stacking(trees: Model, linear: Model) -> Model {
    let n_classes = trees.n_classes();
    let width = if n_classes == 2 { 1 } else { n_classes };
    let inner = Stacking {
        members: over([(raw(), trees), (scaled(), linear.clone())]),
        methods: vec![Method::PredictProba; 2],
        passthrough: None,
        final_model: last(n_classes, 2 * width),
    };
    let outer = Stacking {
        members: over([(raw(), Model::Stacking(Nested::new(inner))), (scaled(), linear)]),
        methods: vec![Method::Predict; 2],
        passthrough: Some(1),
        final_model: last(n_classes, 2 + N_FEATURES),
    };
    Model::Stacking(Nested::new(outer))
}

/// A margin, another margin, a class and probabilities.
fn margins(trees: Model) -> Model {
    let n_classes = trees.n_classes();
    let width = if n_classes == 2 { 1 } else { n_classes };
    let support = bare(Kernel::Linear, n_classes);
    let methods = vec![Method::DecisionFunction, Method::DecisionFunction, Method::Predict, Method::PredictProba];
    Model::Stacking(Nested::new(Stacking {
        members: over([(raw(), trees.clone()), (scaled(), support.clone()), (scaled(), support), (raw(), trees)]),
        methods,
        passthrough: None,
        final_model: last(n_classes, 3 * width + 1),
    }))
}
