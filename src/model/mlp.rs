//! Multi-layer perceptron (`sklearn.neural_network.MLPClassifier`).

use super::{binary, bounded_input, check_matrix, check_numbers, check_sizes, error};
use crate::error::Result;
use crate::math::{Matrix, bounded, dot, sigmoid, softmax, tanh};
use crate::wire::{Decode, Encode};

/// Dense layers. The last has one output (binary: the probability of class 1 is its sigmoid) or one per class (softmax).
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

impl Mlp {
    pub(super) fn n_features(&self) -> usize {
        self.layers.first().map_or(0, |l| l.weights.cols)
    }

    pub(super) fn n_classes(&self) -> usize {
        match self.layers.last().map_or(0, |l| l.weights.rows) {
            1 => 2,
            n => n,
        }
    }

    pub(super) fn predict_proba(&self, x: &[f64], out: &mut [f64]) {
        let mut values = bounded_input(x).into_owned();
        for (i, layer) in self.layers.iter().enumerate() {
            let hidden = i + 1 < self.layers.len();
            let output = |(k, bias): (usize, &f64)| {
                let z = bounded(dot(layer.weights.row(k), &values) + bias);
                if hidden { self.activation.of(z) } else { z }
            };
            values = layer.bias.iter().enumerate().map(output).collect();
        }
        if let [z] = values[..] {
            binary(sigmoid(z), out);
        } else {
            out.copy_from_slice(&values);
            softmax(out);
        }
    }

    pub(super) fn check(&self) -> Result<()> {
        check_sizes(self.n_features(), self.n_classes())?;
        let mut width = self.n_features();
        for (i, layer) in self.layers.iter().enumerate() {
            check_matrix(&format!("the weights of layer {i}"), &layer.weights)?;
            check_numbers(&format!("the bias of layer {i}"), &layer.bias, layer.weights.rows)?;
            if layer.weights.cols != width {
                return Err(error(format!("layer {i} reads {} numbers, but is given {width}", layer.weights.cols)));
            }
            // Without a row a matrix of any width takes no bytes, and reading such widths would cost what no file pays for.
            if layer.weights.rows == 0 {
                return Err(error(format!("layer {i} gives no number")));
            }
            width = layer.weights.rows;
        }
        Ok(())
    }
}

impl Activation {
    fn of(self, z: f64) -> f64 {
        match self {
            Activation::Relu => z.max(0.0),
            Activation::Tanh => tanh(z),
            Activation::Logistic => sigmoid(z),
            Activation::Identity => z,
        }
    }
}
