//! Multi-layer perceptron (`sklearn.neural_network.MLPClassifier`).
use crate::math::Matrix;
use crate::wire::{Decode, Encode};

/// Dense layers.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Mlp {
    /// Per layer: `coefs_[i]` transposed (n_out x n_in) and `intercepts_[i]`.
    pub layers: Vec<Layer>,
    /// Of the hidden layers.
    pub activation: Activation,
}

/// One dense layer.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Layer {
    /// n_out x n_in.
    pub weights: Matrix,
    /// n_out.
    pub bias: Vec<f64>,
}

/// Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Activation {
    /// max(0, z).
    Relu,
    /// tanh z.
    Tanh,
    /// 1 / (1 + e^-z).
    Logistic,
    /// z.
    Identity,
}
