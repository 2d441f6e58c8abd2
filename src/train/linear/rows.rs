//! Rows of features, dense or without their zeros, and the two sums that a linear model makes over them.

use crate::train::wide::{Work, widest};
use ndarray::ArrayView2;
use std::borrow::Cow;

/// Where no more than this part of the features is not 0, zeros are left out.
const SPARSE: f64 = 0.3;
/// Numbers of a dense sum that are added side by side.
const LANES: usize = 8;

/// rows x d.
pub(super) enum Rows<'a> {
    Dense(Cow<'a, [f64]>),
    Sparse {
        /// Where each row starts in `column` and `value`.
        start: Vec<usize>,
        column: Vec<u32>,
        value: Vec<f64>,
    },
}

impl<'a> Rows<'a> {
    pub fn new(x: ArrayView2<'a, f64>) -> Rows<'a> {
        let filled = x.iter().filter(|v| **v != 0.0).count();
        if filled as f64 > SPARSE * x.len() as f64 {
            return Rows::Dense(
                x.to_slice().map_or_else(|| x.iter().copied().collect::<Vec<_>>().into(), Cow::Borrowed),
            );
        }
        let mut start = vec![0];
        let (mut column, mut value) = (Vec::with_capacity(filled), Vec::with_capacity(filled));
        for row in x.rows() {
            for (j, &v) in row.iter().enumerate().filter(|(_, v)| **v != 0.0) {
                column.push(j as u32);
                value.push(v);
            }
            start.push(column.len());
        }
        Rows::Sparse { start, column, value }
    }

    /// Calls `f(column, value)` for each that is not 0 in a row of `d`.
    #[inline(always)]
    pub fn each(&self, row: usize, d: usize, mut f: impl FnMut(usize, f64)) {
        match self {
            Rows::Dense(x) => x[row * d..][..d].iter().enumerate().for_each(|(j, v)| f(j, *v)),
            Rows::Sparse { start, column, value } => {
                let at = start[row]..start[row + 1];
                column[at.clone()].iter().zip(&value[at]).for_each(|(j, v)| f(*j as usize, *v));
            }
        }
    }

    /// Per row from `first` and per output, side by side in `out`: the inner product with that output's `d` coefficients.
    pub fn scores(&self, first: usize, coef: &[f64], d: usize, outputs: usize, out: &mut [f64]) {
        match self {
            Rows::Dense(x) => {
                let x = &x[first * d..][..out.len() / outputs * d];
                widest(DenseScores { x, coef, d, outputs, out });
            }
            Rows::Sparse { .. } => {
                for (i, out) in out.chunks_exact_mut(outputs).enumerate() {
                    for (out, coef) in out.iter_mut().zip(coef.chunks_exact(d)) {
                        let mut sum = 0.0;
                        self.each(first + i, d, |j, v| sum += v * coef[j]);
                        *out = sum;
                    }
                }
            }
        }
    }

    /// Adds each row from `first`, times its number for each output in `r`, to that output's `d` numbers of `into`.
    pub fn add(&self, first: usize, r: &[f64], d: usize, outputs: usize, into: &mut [f64]) {
        match self {
            Rows::Dense(x) => {
                let x = &x[first * d..][..r.len() / outputs * d];
                widest(DenseAdd { x, r, d, outputs, into });
            }
            Rows::Sparse { .. } => {
                for (i, r) in r.chunks_exact(outputs).enumerate() {
                    for (r, into) in r.iter().zip(into.chunks_exact_mut(d)) {
                        self.each(first + i, d, |j, v| into[j] += r * v);
                    }
                }
            }
        }
    }
}

struct DenseScores<'a> {
    x: &'a [f64],
    coef: &'a [f64],
    d: usize,
    outputs: usize,
    out: &'a mut [f64],
}

impl Work for DenseScores<'_> {
    type Out = ();

    #[inline(always)]
    fn run<const WIDTH: usize>(self) {
        for (x, out) in self.x.chunks_exact(self.d).zip(self.out.chunks_exact_mut(self.outputs)) {
            for (out, coef) in out.iter_mut().zip(self.coef.chunks_exact(self.d)) {
                let mut lanes = [0.0; LANES];
                let ((x, x_rest), (coef, coef_rest)) = (x.as_chunks::<LANES>(), coef.as_chunks::<LANES>());
                for (x, c) in x.iter().zip(coef) {
                    let mut next = [0.0; LANES];
                    for i in 0..LANES {
                        next[i] = lanes[i] + x[i] * c[i];
                    }
                    lanes = next;
                }
                let [a, b, c, d, e, f, g, h] = lanes;
                let mut sum = ((a + e) + (b + f)) + ((c + g) + (d + h));
                for (x, c) in x_rest.iter().zip(coef_rest) {
                    sum += x * c;
                }
                *out = sum;
            }
        }
    }
}

struct DenseAdd<'a> {
    x: &'a [f64],
    r: &'a [f64],
    d: usize,
    outputs: usize,
    into: &'a mut [f64],
}

/// Rows added at once.
const AT_ONCE: usize = 4;

impl Work for DenseAdd<'_> {
    type Out = ();

    #[inline(always)]
    fn run<const WIDTH: usize>(self) {
        let DenseAdd { x, r, d, outputs, into } = self;
        for (x, r) in x.chunks(AT_ONCE * d).zip(r.chunks(AT_ONCE * outputs)) {
            for (output, into) in into.chunks_exact_mut(d).take(outputs).enumerate() {
                if x.len() < AT_ONCE * d {
                    for (x, r) in x.chunks_exact(d).zip(r.chunks_exact(outputs)) {
                        into.iter_mut().zip(x).for_each(|(into, x)| *into += r[output] * x);
                    }
                    continue;
                }
                let r: [f64; AT_ONCE] = std::array::from_fn(|i| r[i * outputs + output]);
                let (a, rest) = x.split_at(d);
                let (b, rest) = rest.split_at(d);
                let (c, e) = rest.split_at(d);
                for ((((into, a), b), c), e) in into.iter_mut().zip(a).zip(b).zip(c).zip(e) {
                    *into = *into + r[0] * *a + r[1] * *b + r[2] * *c + r[3] * *e;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    /// Dense, sparse, and number by number.
    #[test]
    fn sums_over_rows_are_right_either_way() {
        for (n, d, k) in [(1, 1, 1), (7, 5, 1), (9, 8, 3), (13, 19, 2)] {
            let value = |i: usize| ((i * 7919 + 13) % 101) as f64 / 50.0 - 1.0;
            let x = Array2::from_shape_fn((n, d), |(i, j)| if (i + j) % 4 == 0 { value(i * d + j) } else { 0.0 });
            let (coef, r): (Vec<f64>, Vec<f64>) = ((0..k * d).map(value).collect(), (0..n * k).map(value).collect());
            let dense = Rows::Dense(x.iter().copied().collect::<Vec<_>>().into());
            let sparse = Rows::new(x.view());
            assert!(d < 2 || matches!(sparse, Rows::Sparse { .. }));
            for rows in [&dense, &sparse] {
                let (mut z, mut g) = (vec![0.0; n * k], vec![0.5; k * d]);
                rows.scores(0, &coef, d, k, &mut z);
                rows.add(0, &r, d, k, &mut g);
                for c in 0..k {
                    for i in 0..n {
                        let want: f64 = (0..d).map(|j| x[[i, j]] * coef[c * d + j]).sum();
                        assert!((z[i * k + c] - want).abs() < 1e-13);
                    }
                    for j in 0..d {
                        let want: f64 = 0.5 + (0..n).map(|i| x[[i, j]] * r[i * k + c]).sum::<f64>();
                        assert!((g[c * d + j] - want).abs() < 1e-13);
                    }
                }
            }
        }
    }

    #[test]
    fn wide_vectors_change_no_bit() {
        use crate::train::wide::plain;
        let (n, d, k) = (37, 21, 3);
        let value = |i: usize| ((i * 7919 + 13) % 1013) as f64 / 307.0 - 1.0;
        let of = |n: usize| -> Vec<f64> { (0..n).map(value).collect() };
        let (x, coef, r) = (of(n * d), of(k * d), of(n * k));
        let (mut a, mut b) = (vec![0.0; n * k], vec![0.0; n * k]);
        widest(DenseScores { x: &x, coef: &coef, d, outputs: k, out: &mut a });
        plain(DenseScores { x: &x, coef: &coef, d, outputs: k, out: &mut b });
        assert_eq!(a, b);
        let (mut a, mut b) = (vec![0.0; k * d], vec![0.0; k * d]);
        widest(DenseAdd { x: &x, r: &r, d, outputs: k, into: &mut a });
        plain(DenseAdd { x: &x, r: &r, d, outputs: k, into: &mut b });
        assert_eq!(a, b);
    }
}
