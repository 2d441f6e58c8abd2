//! Logistic regression (`sklearn.linear_model.LogisticRegression`).
use crate::math::Matrix;
use crate::wire::{Decode, Encode};

/// Linear scores through a link.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Logistic {
    /// `coef_`: (1 or n_classes) x n_features.
    pub coef: Matrix,
    /// `intercept_`: as many as `coef` has rows.
    pub intercept: Vec<f64>,
    /// From scores to probabilities.
    pub link: Link,
}

/// From scores to probabilities. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Link {
    /// One row; probability of class 1.
    Sigmoid,
    /// One row per class (multinomial).
    Softmax,
    /// One row per class, a sigmoid each, normalised (`OneVsRestClassifier`, liblinear).
    OneVsRest,
}
