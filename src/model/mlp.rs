//! Multi-layer perceptron (`sklearn.neural_network.MLPClassifier`).

use super::dense::{Packed, Product, ROWS, Strip, clamped, load, store, strips, strips_of};
use super::runner::bounded_row;
use super::{binary, bounded_input, check_matrix, check_numbers, check_sizes, error};
use crate::error::Result;
use crate::math::{Lot, Matrix, bounded, sigmoid, softmax, tanh};
use crate::wire::{Encode, decodes};

/// Dense layers. The last has one output (binary: the probability of class 1 is its sigmoid) or one per class (softmax).
#[derive(Clone, Debug, PartialEq, Encode)]
pub struct Mlp {
    /// Per layer: `coefs_[i]` transposed (n_out x n_in) and `intercepts_[i]`.
    pub layers: Vec<Layer>,
    /// Of the hidden layers.
    pub activation: Activation,
}

decodes!(struct Mlp { layers, activation });

/// One dense layer.
#[derive(Clone, Debug, PartialEq, Encode)]
pub struct Layer {
    /// n_out x n_in.
    pub weights: Matrix,
    /// n_out.
    pub bias: Vec<f64>,
}

decodes!(struct Layer { weights, bias });

/// Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode)]
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

decodes!(enum Activation { 0: Relu, 1: Tanh, 2: Logistic, 3: Identity });

impl Mlp {
    pub(super) fn n_features(&self) -> usize {
        self.layers.first().map_or(0, |l| l.weights.cols)
    }

    pub(super) fn n_classes(&self) -> usize {
        match self.n_outputs() {
            1 => 2,
            n => n,
        }
    }

    fn n_outputs(&self) -> usize {
        self.layers.last().map_or(0, |l| l.weights.rows)
    }

    pub(super) fn predict_proba(&self, x: &[f64], out: &mut [f64]) {
        let mut values = bounded_input(x).into_owned();
        for (i, layer) in self.layers.iter().enumerate() {
            let hidden = i + 1 < self.layers.len();
            let output = |(k, bias): (usize, &f64)| {
                let terms = layer.weights.row(k).iter().zip(&values);
                let z = bounded(terms.fold(start(*bias), |sum, (w, v)| sum + w * v));
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

    #[inline(never)]
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

/// What a layer's sums start from. Not -0.0, so that adding 0 changes no sum.
fn start(bias: f64) -> f64 {
    bias + 0.0
}

impl Activation {
    fn of(self, z: f64) -> f64 {
        match self {
            Activation::Relu => relu(z),
            Activation::Tanh => tanh(z),
            Activation::Logistic => sigmoid(z),
            Activation::Identity => z,
        }
    }
}

/// A -0.0 becomes 0.0.
#[inline(always)]
fn relu(z: f64) -> f64 {
    if z > 0.0 { z } else { 0.0 }
}

/// How a perceptron is run.
#[derive(Clone, Debug, Default)]
pub(super) struct Fast {
    /// Made for the first row that comes alone.
    packed: Vec<Packed>,
    row: Vec<f64>,
    next: Vec<f64>,
    room: Vec<u32>,
    strips: Vec<Strip>,
    next_strips: Vec<Strip>,
}

impl Fast {
    /// As [`Mlp::predict_proba`].
    #[inline(never)]
    pub fn probability(&mut self, m: &Mlp, x: &[f64], lot: Lot, out: &mut [f64]) {
        if lot.stride == 1 {
            self.row(m, x, out);
        } else {
            self.block(m, x, lot, out);
        }
        if m.n_outputs() == 1 {
            lot.sigmoid(out, 1);
            lot.binary(out);
        } else {
            lot.softmax(out, m.n_outputs());
        }
    }

    fn row(&mut self, m: &Mlp, x: &[f64], out: &mut [f64]) {
        if self.packed.is_empty() {
            self.packed = m.layers.iter().map(|layer| Packed::new(&layer.weights, &layer.bias)).collect();
        }
        let mut x = bounded_row(&mut self.row, x);
        for (packed, hidden) in self.packed.iter().zip((0..m.layers.len()).rev()) {
            packed.row::<Product>(x, &mut self.room, &mut self.next);
            m.activation.lot(&mut self.next, hidden > 0);
            std::mem::swap(&mut self.row, &mut self.next);
            x = &self.row;
        }
        out[..m.n_outputs()].copy_from_slice(&x[..m.n_outputs()]);
    }

    fn block(&mut self, m: &Mlp, x: &[f64], lot: Lot, out: &mut [f64]) {
        let width = m.layers.iter().map(|l| l.weights.rows).fold(m.n_features(), usize::max);
        self.strips.resize(width, [0.0; ROWS]);
        self.next_strips.resize(width, [0.0; ROWS]);
        for at in strips_of(lot) {
            load(x, at, &mut self.strips[..m.n_features()]);
            for (layer, hidden) in m.layers.iter().zip((0..m.layers.len()).rev()) {
                let (n_out, n_in) = (layer.weights.rows, layer.weights.cols);
                let next = &mut self.next_strips[..n_out];
                strips::<Product>(&layer.weights, &layer.bias, &self.strips[..n_in], next);
                m.activation.lot(next.as_flattened_mut(), hidden > 0);
                std::mem::swap(&mut self.strips, &mut self.next_strips);
            }
            for (k, strip) in self.strips[..m.n_outputs()].iter().enumerate() {
                store(strip, out, k, at);
            }
        }
    }
}

impl Activation {
    /// [`clamped`], then, of a hidden layer, [`of`](Self::of).
    fn lot(self, z: &mut [f64], hidden: bool) {
        let lot = Lot { rows: z.len(), stride: z.len() };
        lot.each(z, 1, clamped);
        match self {
            _ if !hidden => {}
            Activation::Relu => lot.each(z, 1, relu),
            Activation::Tanh => lot.each_tanh(z, 1),
            Activation::Logistic => lot.sigmoid(z, 1),
            Activation::Identity => {}
        }
    }
}
