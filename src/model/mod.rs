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

use crate::error::Result;
use crate::wire::{Decode, Encode, Nested};

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
        unimplemented!()
    }

    /// Number of classes, at least 2.
    pub fn n_classes(&self) -> usize {
        unimplemented!()
    }

    /// `x`: (n_features,) → `out`: (n_classes,), each in 0..=1, summing to 1 within rounding. Total: never fails, never NaN.
    pub fn predict_proba(&self, x: &[f64], out: &mut [f64]) {
        let _ = (x, out);
        unimplemented!()
    }

    /// Whether a missing (NaN) feature has a meaning for it; if not, the pipeline must leave none.
    pub fn accepts_missing(&self) -> bool {
        unimplemented!()
    }

    /// scikit-learn's or XGBoost's name for it: `random_forest`, `gradient_boosting`, `logistic_regression`, `svm`, `mlp`,
    /// `gaussian_nb`, `stacking`, `calibrated`.
    pub fn family(&self) -> &'static str {
        unimplemented!()
    }

    /// Proves a decoded model: indices in range, children after parents, shapes agree, numbers finite, classes >= 2, nesting
    /// bounded. After it, `predict_proba` cannot fail, loop or panic.
    pub fn check(&self) -> Result<()> {
        unimplemented!()
    }

    /// One small model of each kind and link, for contract tests and documentation.
    #[doc(hidden)]
    pub fn examples() -> Vec<(&'static str, Model)> {
        unimplemented!()
    }
}
