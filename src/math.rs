//! Arithmetic that has the same bits on every target.
//!
//! `f64::exp` of the platform's C library differs from Rust's `libm` in the last bit for about a tenth of all arguments, so
//! the crate calls `libm` and its own [`exp`] everywhere (clippy's `disallowed-methods` holds it), never fuses multiply and
//! add, and adds in one fixed order.

mod exp;
mod lot;

pub use exp::{exp, sigmoid, tanh};
#[cfg(feature = "cli")]
pub(crate) use exp::{exp_inline, sigmoid_inline, tanh_inline};
pub use libm::{cos, expm1, log as ln, log1p as ln_1p, log10, pow, sin};
pub(crate) use lot::Lot;

/// Scores to probabilities in place, shifted by the largest score so that nothing overflows.
pub fn softmax(z: &mut [f64]) {
    let max = z.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for v in z.iter_mut() {
        *v = exp(*v - max);
        sum += *v;
    }
    for v in z.iter_mut() {
        *v /= sum;
    }
}

/// The inner product, in four lanes added as `(l0 + l1) + (l2 + l3)` and then the tail: one order, on every target.
pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    debug_assert_eq!(a.len(), b.len());
    let mut lanes = [0.0; 4];
    let (ca, cb) = (a.chunks_exact(4), b.chunks_exact(4));
    let tail: f64 = ca.remainder().iter().zip(cb.remainder()).fold(0.0, |s, (x, y)| s + x * y);
    for (x, y) in ca.zip(cb) {
        for k in 0..4 {
            lanes[k] += x[k] * y[k];
        }
    }
    (lanes[0] + lanes[1]) + (lanes[2] + lanes[3]) + tail
}

/// Most rows of a block. Blocks are how many rows are worked on at once: a matrix by columns, value `j` of row `r` at
/// `j * BLOCK + r`, whatever the number of rows; what lies past the rows is anyone's.
pub const BLOCK: usize = 256;

/// The largest magnitude a model works with. Products of two such numbers, and sums of a million products, stay finite.
pub const BOUND: f64 = 1e150;

/// `v` within ±[`BOUND`]; NaN becomes 0. What keeps prediction total on absurd inputs; the identity on all others.
pub fn bounded(v: f64) -> f64 {
    if v.is_nan() { 0.0 } else { v.clamp(-BOUND, BOUND) }
}

/// The bits of `v`, with one NaN: what keys and comparisons of bits are made of (a NaN's sign and payload differ by host).
pub fn bits(v: f64) -> u64 {
    if v.is_nan() { 0x7ff8_0000_0000_0000 } else { v.to_bits() }
}

/// The index of the largest; of equals the first; 0 of none.
pub fn argmax(values: &[f64]) -> usize {
    let mut best = 0;
    for (i, v) in values.iter().enumerate() {
        if *v > values[best] {
            best = i;
        }
    }
    best
}

/// The class that probabilities are taken for: with a threshold (two classes) class 1 where its probability is at least that;
/// without one the [largest](argmax).
pub fn decide(probability: &[f64], threshold: Option<f64>) -> usize {
    match (threshold, probability) {
        (Some(threshold), [_, p1]) => usize::from(*p1 >= threshold),
        _ => argmax(probability),
    }
}

/// A dense matrix as it is stored: row-major. `view()` is what the arithmetic uses.
#[derive(Clone, Debug, PartialEq, Default, crate::wire::Encode)]
pub struct Matrix {
    /// Number of rows.
    pub rows: usize,
    /// Number of columns.
    pub cols: usize,
    /// `rows * cols` numbers, row after row.
    pub data: Vec<f64>,
}

crate::wire::decodes!(struct Matrix { rows, cols, data });

impl Matrix {
    /// The matrix as ndarray's; an empty one if the lengths do not fit (`Artifact::read` proves that they do).
    pub fn view(&self) -> ndarray::ArrayView2<'_, f64> {
        ndarray::ArrayView2::from_shape((self.rows, self.cols), &self.data)
            .unwrap_or_else(|_| ndarray::ArrayView2::from(&[] as &[[f64; 0]]))
    }

    /// One row as a slice.
    pub fn row(&self, i: usize) -> &[f64] {
        &self.data[i * self.cols..(i + 1) * self.cols]
    }

    /// Whether the lengths fit and every number is finite and within ±[`BOUND`].
    pub fn is_sound(&self) -> bool {
        self.rows.checked_mul(self.cols) == Some(self.data.len()) && self.data.iter().all(|v| v.abs() <= BOUND)
    }
}

impl From<ndarray::Array2<f64>> for Matrix {
    fn from(a: ndarray::Array2<f64>) -> Self {
        let (rows, cols) = a.dim();
        Matrix { rows, cols, data: a.iter().copied().collect() }
    }
}
