//! Gaussian naive Bayes (`sklearn.naive_bayes.GaussianNB`).
use crate::math::Matrix;
use crate::wire::{Decode, Encode};

/// Attributes of a fitted `GaussianNB`.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct NaiveBayes {
    /// `class_prior_`.
    pub prior: Vec<f64>,
    /// `theta_`: n_classes x n_features.
    pub mean: Matrix,
    /// `var_`: n_classes x n_features, epsilon included.
    pub var: Matrix,
}
