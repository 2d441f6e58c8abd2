//! Models: the feature vector `x` to class probabilities.
//!
//! [`Model`] is closed. To add one: a file, a variant at the end (the order is the wire format), a line in
//! [`Model::examples`], which puts it under the contract tests.

pub mod bayes;
pub mod calibration;
pub mod forest;
pub mod linear;
pub mod mlp;
pub mod stacking;
pub mod svm;

use crate::error::{Error, ErrorKind, Result};
use crate::math::{BOUND, Matrix, bounded, sigmoid};
use crate::pipeline::{MAX_COLUMNS, Slot};
use crate::wire::{Decode, Encode, Nested};
use std::borrow::Cow;

/// A fitted classifier. Append only.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[bincode(decode_context = "crate::wire::Depth")]
pub enum Model {
    /// Trees: averaged (random forest) or added (boosting).
    Forest(forest::Forest),
    /// Linear scores through a sigmoid or a softmax.
    Logistic(linear::Logistic),
    /// Support vectors, one against one.
    Svm(svm::Svm),
    /// A multi-layer perceptron.
    Mlp(mlp::Mlp),
    /// Gaussian naive Bayes.
    NaiveBayes(bayes::NaiveBayes),
    /// Models over one row, and a model over their answers.
    Stacking(Nested<stacking::Stacking>),
    /// A model whose probabilities are corrected.
    Calibrated(Nested<calibration::Calibrated>),
}

impl Model {
    /// Number of features it reads.
    pub fn n_features(&self) -> usize {
        match self {
            Model::Forest(m) => m.n_features(),
            Model::Logistic(m) => m.coef.cols,
            _ => unimplemented!(),
        }
    }

    /// Number of classes, at least 2.
    pub fn n_classes(&self) -> usize {
        match self {
            Model::Forest(m) => m.n_classes(),
            Model::Logistic(m) => m.n_classes(),
            _ => unimplemented!(),
        }
    }

    /// `x`: (n_features,) → `out`: (n_classes,), each in 0..=1, summing to 1 within rounding. Total: never fails, never NaN.
    /// A NaN that reaches a model which does not [accept](Self::accepts_missing) it counts as 0.
    pub fn predict_proba(&self, x: &[f64], out: &mut [f64]) {
        match self {
            Model::Forest(m) => m.predict_proba(x, out),
            Model::Logistic(m) => m.predict_proba(x, out),
            _ => unimplemented!(),
        }
    }

    /// Whether a missing (NaN) feature has a meaning for it; if not, the pipeline must leave none.
    pub fn accepts_missing(&self) -> bool {
        match self {
            Model::Forest(_) => true,
            Model::Logistic(_) => false,
            _ => unimplemented!(),
        }
    }

    /// scikit-learn's or XGBoost's name for it: `random_forest`, `gradient_boosting`, `logistic_regression`, `svm`, `mlp`,
    /// `gaussian_nb`, `stacking`, `calibrated`.
    pub fn family(&self) -> &'static str {
        match self {
            Model::Forest(m) if m.link() == forest::Link::Average => "random_forest",
            Model::Forest(_) => "gradient_boosting",
            Model::Logistic(_) => "logistic_regression",
            Model::Svm(_) => "svm",
            Model::Mlp(_) => "mlp",
            Model::NaiveBayes(_) => "gaussian_nb",
            Model::Stacking(_) => "stacking",
            Model::Calibrated(_) => "calibrated",
        }
    }

    /// Proves a decoded model: indices in range, children after parents, shapes agree, numbers finite, classes >= 2, nesting
    /// bounded. After it, `predict_proba` cannot fail, loop or panic.
    pub fn check(&self) -> Result<()> {
        match self {
            Model::Forest(m) => m.check(),
            Model::Logistic(m) => m.check(),
            _ => unimplemented!(),
        }
        .map_err(|e| e.context(self.family()))
    }

    /// Proves a checked model against its pipeline: `columns` is what [`Pipeline::check`](crate::pipeline::Pipeline::check)
    /// says of `x`. There are as many as the model reads, and none may be missing where the model has no meaning for that.
    pub fn fits(&self, columns: &[Slot]) -> Result<()> {
        if columns.len() != self.n_features() {
            return Err(error(format!(
                "the {} model reads {} features, but the encoders write {}",
                self.family(),
                self.n_features(),
                columns.len()
            )));
        }
        match columns.iter().position(|c| c.missing) {
            Some(i) if !self.accepts_missing() => Err(error(format!(
                "column {i} may be missing, which the {} model has no meaning for: impute it, or require its field",
                self.family()
            ))),
            _ => Ok(()),
        }
    }

    /// One small model of each kind and link, for contract tests and documentation.
    #[doc(hidden)]
    pub fn examples() -> Vec<(&'static str, Model)> {
        unimplemented!()
    }
}

/// Most classes of a model.
pub const MAX_CLASSES: usize = 4096;

/// The probability of class 1 to both. `out`: (2,).
fn binary(p1: f64, out: &mut [f64]) {
    out[0] = 1.0 - p1;
    out[1] = p1;
}

/// Scores in place to a sigmoid each, divided by their sum; all equal where every one is 0.
fn one_vs_rest(out: &mut [f64]) {
    for p in out.iter_mut() {
        *p = sigmoid(*p);
    }
    normalise(out);
}

/// Divided by their sum; all equal where that is 0.
fn normalise(out: &mut [f64]) {
    let sum: f64 = out.iter().sum();
    if sum > 0.0 {
        out.iter_mut().for_each(|p| *p /= sum);
    } else {
        out.fill(1.0 / out.len() as f64);
    }
}

/// `x` within ±[`BOUND`](crate::math::BOUND), NaN as 0; `x` itself where it is so already.
fn bounded_input(x: &[f64]) -> Cow<'_, [f64]> {
    if x.iter().all(|v| bounded(*v) == *v) { Cow::Borrowed(x) } else { x.iter().map(|v| bounded(*v)).collect() }
}

fn check_sizes(n_features: usize, n_classes: usize) -> Result<()> {
    if n_features > MAX_COLUMNS {
        return Err(error(format!("a model reads at most {MAX_COLUMNS} features, not {n_features}")));
    }
    if !(2..=MAX_CLASSES).contains(&n_classes) {
        return Err(error(format!("a model has 2 to {MAX_CLASSES} classes, not {n_classes}")));
    }
    Ok(())
}

fn check_matrix(name: &str, matrix: &Matrix) -> Result<()> {
    if matrix.is_sound() {
        return Ok(());
    }
    Err(error(format!("{name} is not {} x {} finite numbers", matrix.rows, matrix.cols)))
}

fn check_numbers(name: &str, numbers: &[f64], n: usize) -> Result<()> {
    if numbers.len() == n && numbers.iter().all(|v| v.abs() <= BOUND) {
        return Ok(());
    }
    Err(error(format!("{name} is not {n} finite numbers")))
}

fn error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Artifact, message)
}
