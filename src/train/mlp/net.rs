//! A network's weights in training, and where each stands.

use super::product::{LANES, Row, panels, transpose};
use super::real::Real;
use crate::math::Matrix;
use crate::model::mlp::{Activation, Layer as FittedLayer, Mlp};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use std::ops::Range;

/// Where a layer's numbers stand among all.
#[derive(Clone, Debug)]
pub(super) struct Layer {
    pub n_in: usize,
    pub n_out: usize,
    /// Whether it is the last, with one output.
    pub single: bool,
    /// n_in x n_out in panels; of a single output the transpose, one row in panels of n_in.
    pub weights: Range<usize>,
    /// n_out, one row in panels.
    pub bias: Range<usize>,
}

impl Layer {
    /// Row and lane of the weight from `i` to `o`.
    fn weight(&self, i: usize, o: usize) -> (usize, usize) {
        if self.single {
            (self.weights.start + i / LANES, i % LANES)
        } else {
            (self.weights.start + o / LANES * self.n_in + i, o % LANES)
        }
    }

    fn bias(&self, o: usize) -> (usize, usize) {
        (self.bias.start + o / LANES, o % LANES)
    }
}

/// Layers and their weights. What fills up panels is 0, and stays so.
#[derive(Clone, Debug)]
pub(super) struct Net<T> {
    pub layers: Vec<Layer>,
    pub activation: Activation,
    pub params: Vec<Row<T>>,
    /// Per layer its weights transposed, n_out x n_in, where backpropagation needs them.
    pub transposed: Vec<Vec<Row<T>>>,
}

impl<T: Real> Net<T> {
    /// All weights 0. `widths`: features, hidden layers, outputs.
    pub fn new(widths: &[usize], activation: Activation) -> Net<T> {
        let mut at = 0;
        let mut take = |n: usize| {
            at += n;
            at - n..at
        };
        let layers: Vec<Layer> = widths
            .windows(2)
            .enumerate()
            .map(|(l, w)| {
                let (n_in, n_out) = (w[0], w[1]);
                let single = n_out == 1 && l + 2 == widths.len();
                let rows = if single { panels(n_in) } else { panels(n_out) * n_in };
                Layer { n_in, n_out, single, weights: take(rows), bias: take(panels(n_out)) }
            })
            .collect();
        let transposed = layers
            .iter()
            .enumerate()
            .map(|(l, layer)| {
                let rows = if l == 0 || layer.single { 0 } else { panels(layer.n_in) * layer.n_out };
                vec![[T::ZERO; LANES]; rows]
            })
            .collect();
        Net { layers, activation, params: vec![[T::ZERO; LANES]; at], transposed }
    }

    /// Uniform within ±sqrt(6 / (n_in + n_out)), logistic: 2 for 6 (Glorot and Bengio, "Understanding the difficulty of training
    /// deep feedforward neural networks", 2010), biases as well.
    pub fn initialise(&mut self, rng: &mut Pcg64Mcg) {
        let factor = if self.activation == Activation::Logistic { 2.0 } else { 6.0 };
        for layer in &self.layers {
            let bound = (factor / (layer.n_in + layer.n_out) as f64).sqrt();
            let mut draw = || T::of(rng.random_range(-bound..bound));
            for i in 0..layer.n_in {
                for o in 0..layer.n_out {
                    let (row, lane) = layer.weight(i, o);
                    self.params[row][lane] = draw();
                }
            }
            for o in 0..layer.n_out {
                let (row, lane) = layer.bias(o);
                self.params[row][lane] = draw();
            }
        }
    }

    /// Brings `transposed` up to date.
    pub fn transpose(&mut self) {
        for (layer, out) in self.layers.iter().zip(&mut self.transposed).filter(|(_, out)| !out.is_empty()) {
            transpose(&self.params[layer.weights.clone()], layer.n_in, layer.n_out, out);
        }
    }

    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |l| l.n_out)
    }

    /// Sum of all weights' squares, without the biases'.
    pub fn squared_weights(&self) -> f64 {
        let mut lanes = [T::ZERO; LANES];
        for row in self.layers.iter().flat_map(|l| &self.params[l.weights.clone()]) {
            lanes.iter_mut().zip(row).for_each(|(lane, v)| *lane = *lane + *v * *v);
        }
        lanes.iter().map(|v| v.f64()).sum()
    }

    /// As inference has it.
    pub fn fitted(&self) -> Mlp {
        let at = |(row, lane): (usize, usize)| self.params[row][lane].f64();
        let layer = |l: &Layer| {
            let weights = (0..l.n_out).flat_map(|o| (0..l.n_in).map(move |i| (i, o)));
            let data = weights.map(|(i, o)| at(l.weight(i, o))).collect();
            FittedLayer {
                weights: Matrix { rows: l.n_out, cols: l.n_in, data },
                bias: (0..l.n_out).map(|o| at(l.bias(o))).collect(),
            }
        };
        Mlp { layers: self.layers.iter().map(layer).collect(), activation: self.activation }
    }
}
