//! One row or a block of them: what is done to columns.

use super::BLOCK;
use super::exp::{exp_inline, sigmoid_inline, tanh_inline};

/// How many rows there are and how far columns stand apart: value `j` of row `r` is at `j * stride + r`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Lot {
    /// At least 1.
    pub rows: usize,
    /// At least `rows`.
    pub stride: usize,
}

/// Applies `f` to each; the loop that the compiler turns into vectors.
#[inline(always)]
fn each(values: &mut [f64], f: impl Fn(f64) -> f64) {
    for v in values {
        *v = f(*v);
    }
}

impl Lot {
    /// One row: its values side by side.
    pub const ONE: Lot = Lot { rows: 1, stride: 1 };

    /// The first `rows` of a [`BLOCK`].
    pub fn block(rows: usize) -> Lot {
        Lot { rows, stride: BLOCK }
    }

    /// Room for `n` columns: `room`, longer if need be.
    pub fn room(self, room: &mut Vec<f64>, n: usize) -> &mut [f64] {
        if room.len() < n * self.stride {
            room.resize(n * self.stride, 0.0);
        }
        &mut room[..n * self.stride]
    }

    /// Column `j`.
    pub fn column(self, values: &[f64], j: usize) -> &[f64] {
        &values[j * self.stride..][..self.rows]
    }

    /// Column `j`.
    pub fn column_mut(self, values: &mut [f64], j: usize) -> &mut [f64] {
        &mut values[j * self.stride..][..self.rows]
    }

    /// The first `n` columns, one after another.
    pub fn columns_mut(self, values: &mut [f64], n: usize) -> impl Iterator<Item = &mut [f64]> {
        values.chunks_mut(self.stride).take(n).map(move |column| &mut column[..self.rows])
    }

    /// [`exp`](super::exp) of `f` of `n` columns in place.
    #[inline(always)]
    pub fn each_exp(self, values: &mut [f64], n: usize, f: impl Fn(f64) -> f64) {
        self.each(values, n, |v| exp_inline(f(v)));
    }

    /// [`sigmoid`](super::sigmoid) of `n` columns in place.
    #[inline(never)]
    pub fn sigmoid(self, values: &mut [f64], n: usize) {
        self.each(values, n, sigmoid_inline);
    }

    /// [`tanh`](super::tanh) of `n` columns in place.
    #[inline(never)]
    pub fn each_tanh(self, values: &mut [f64], n: usize) {
        self.each(values, n, tanh_inline);
    }

    /// Whatever `f` of `n` columns in place.
    #[inline(always)]
    pub fn each(self, values: &mut [f64], n: usize, f: impl Fn(f64) -> f64) {
        let (lot, n) = self.joined(n);
        for column in values.chunks_mut(lot.stride).take(n) {
            each(&mut column[..lot.rows], &f);
        }
    }

    /// The same numbers as one column where nothing stands between `n` columns.
    #[inline(always)]
    fn joined(self, n: usize) -> (Lot, usize) {
        if self.stride != self.rows || n == 0 {
            return (self, n);
        }
        (Lot { rows: n * self.rows, stride: n * self.rows }, 1)
    }

    /// Each of `n` columns of `out` becomes `f` of itself and its like in `other`.
    #[inline(always)]
    pub fn each_two(self, out: &mut [f64], other: &[f64], n: usize, f: impl Fn(f64, f64) -> f64) {
        let (lot, n) = self.joined(n);
        for (out, other) in lot.columns_mut(out, n).zip(other.chunks(lot.stride)) {
            for (out, v) in out.iter_mut().zip(other) {
                *out = f(*out, *v);
            }
        }
    }

    /// [`softmax`](super::softmax) of each row's `n` values in place.
    #[inline(never)]
    pub fn softmax(self, values: &mut [f64], n: usize) {
        if self.stride == 1 {
            return super::softmax(&mut values[..n]);
        }
        let (mut max, mut sum) = ([f64::NEG_INFINITY; BLOCK], [0.0; BLOCK]);
        for column in self.columns_mut(values, n) {
            for (max, v) in max.iter_mut().zip(&*column) {
                *max = if *v > *max { *v } else { *max };
            }
        }
        for column in self.columns_mut(values, n) {
            for ((v, max), sum) in column.iter_mut().zip(&max).zip(&mut sum) {
                *v = exp_inline(*v - max);
                *sum += *v;
            }
        }
        for column in self.columns_mut(values, n) {
            for (v, sum) in column.iter_mut().zip(&sum) {
                *v /= sum;
            }
        }
    }

    /// The probability of class 1, one column, to both.
    pub fn binary(self, out: &mut [f64]) {
        let (first, second) = out.split_at_mut(self.stride);
        for (p0, p1) in first[..self.rows].iter_mut().zip(second) {
            *p1 = *p0;
            *p0 = 1.0 - *p1;
        }
    }

    /// Scores in place to a sigmoid each, divided by each row's sum; all equal where every one is 0.
    pub fn one_vs_rest(self, out: &mut [f64], n: usize) {
        self.sigmoid(out, n);
        self.normalise(out, n);
    }

    /// Each row's `n` values divided by their sum; all equal where that is 0.
    #[inline(never)]
    pub fn normalise(self, out: &mut [f64], n: usize) {
        let even = 1.0 / n as f64;
        if self.stride == 1 {
            let sum = out[..n].iter().fold(0.0, |sum, p| sum + p);
            return each(&mut out[..n], |p| if sum > 0.0 { p / sum } else { even });
        }
        let mut sum = [0.0; BLOCK];
        let sum = &mut sum[..self.rows];
        for column in self.columns_mut(out, n) {
            sum.iter_mut().zip(column).for_each(|(sum, p)| *sum += *p);
        }
        for column in self.columns_mut(out, n) {
            for (p, sum) in column.iter_mut().zip(&*sum) {
                *p = if *sum > 0.0 { *p / sum } else { even };
            }
        }
    }

    /// [`argmax`](super::argmax) of each row's `n` values, to `out`, one column.
    pub fn argmax(self, values: &[f64], n: usize, out: &mut [f64]) {
        for (row, best) in out[..self.rows].iter_mut().enumerate() {
            let mut found = (0, values[row]);
            for k in 1..n {
                let v = values[k * self.stride + row];
                found = if v > found.1 { (k, v) } else { found };
            }
            *best = found.0 as f64;
        }
    }
}
