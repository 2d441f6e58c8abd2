//! Support vector classification (libsvm's C-SVC, `sklearn.svm.SVC(probability=True)`).
use crate::math::Matrix;
use crate::wire::{Decode, Encode};

/// Attributes of a fitted `sklearn.svm.SVC`.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Svm {
    /// The kernel.
    pub kernel: Kernel,
    /// `support_vectors_`: grouped by class, n_support x n_features.
    pub support: Matrix,
    /// `n_support_`: per class.
    pub n_support: Vec<u32>,
    /// `dual_coef_`: (n_classes - 1) x n_support.
    pub dual_coef: Matrix,
    /// libsvm's `-rho`, per pair 0-1, 0-2, … (`_intercept_`).
    pub intercept: Vec<f64>,
    /// Platt's A per pair (`probA_`).
    pub prob_a: Vec<f64>,
    /// Platt's B per pair (`probB_`).
    pub prob_b: Vec<f64>,
}

/// Append only.
#[derive(Clone, Copy, Debug, PartialEq, Encode, Decode)]
pub enum Kernel {
    /// `a·b`.
    Linear,
    /// `exp(-gamma |a-b|²)`.
    Rbf {
        /// Width.
        gamma: f64,
    },
    /// `(gamma a·b + coef0)^degree`.
    Poly {
        /// Factor.
        gamma: f64,
        /// Constant.
        coef0: f64,
        /// Power.
        degree: u32,
    },
}
