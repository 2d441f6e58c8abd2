//! Logistic regression (`sklearn.linear_model.LogisticRegression`).

use super::dense::{ROWS, Strip, dot_strip, load, store, strips_of};
use super::runner::bounded_row;
use super::{binary, bounded_input, check_matrix, check_numbers, check_sizes, error, one_vs_rest};
use crate::error::Result;
use crate::math::{Lot, Matrix, dot, sigmoid, softmax};
use crate::wire::{Encode, decodes};

/// Linear scores through a link.
#[derive(Clone, Debug, PartialEq, Encode)]
pub struct Logistic {
    /// `coef_`: (1 or n_classes) x n_features.
    pub coef: Matrix,
    /// `intercept_`: as many as `coef` has rows.
    pub intercept: Vec<f64>,
    /// From scores to probabilities.
    pub link: Link,
}

decodes!(struct Logistic { coef, intercept, link });

/// From scores to probabilities. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode)]
pub enum Link {
    /// One row; probability of class 1.
    Sigmoid,
    /// One row per class (multinomial).
    Softmax,
    /// One row per class, a sigmoid each, normalised (`OneVsRestClassifier`, liblinear).
    OneVsRest,
}

decodes!(enum Link { 0: Sigmoid, 1: Softmax, 2: OneVsRest });

impl Logistic {
    pub(super) fn n_classes(&self) -> usize {
        if self.link == Link::Sigmoid { 2 } else { self.coef.rows }
    }

    /// `decision_function`: `x` (n_features,) → `out`: one score per row of `coef`.
    pub(super) fn margin(&self, x: &[f64], out: &mut [f64]) {
        let x = bounded_input(x);
        for (i, (score, intercept)) in out.iter_mut().zip(&self.intercept).enumerate() {
            *score = dot(self.coef.row(i), &x) + intercept;
        }
    }

    pub(super) fn predict_proba(&self, x: &[f64], out: &mut [f64]) {
        match self.link {
            Link::Sigmoid => {
                self.margin(x, &mut out[..1]);
                binary(sigmoid(out[0]), out);
            }
            Link::Softmax => {
                self.margin(x, out);
                softmax(out);
            }
            Link::OneVsRest => {
                self.margin(x, out);
                one_vs_rest(out);
            }
        }
    }

    #[inline(never)]
    pub(super) fn check(&self) -> Result<()> {
        check_sizes(self.coef.cols, self.n_classes())?;
        check_matrix("coef", &self.coef)?;
        check_numbers("intercept", &self.intercept, self.coef.rows)?;
        if self.link == Link::Sigmoid && self.coef.rows != 1 {
            return Err(error(format!("a sigmoid takes one row of coef, not {}", self.coef.rows)));
        }
        Ok(())
    }
}

/// How a linear model is run.
#[derive(Clone, Debug, Default)]
pub(super) struct Fast {
    row: Vec<f64>,
    strips: Vec<Strip>,
}

impl Fast {
    /// As [`Logistic::margin`].
    pub fn margin(&mut self, m: &Logistic, x: &[f64], lot: Lot, out: &mut [f64]) {
        if lot.stride == 1 {
            let x = bounded_row(&mut self.row, x);
            for (i, (score, intercept)) in out.iter_mut().zip(&m.intercept).enumerate() {
                *score = dot(m.coef.row(i), x) + intercept;
            }
            return;
        }
        self.strips.resize(m.coef.cols, [0.0; ROWS]);
        for at in strips_of(lot) {
            load(x, at, &mut self.strips);
            for (i, intercept) in m.intercept.iter().enumerate() {
                let scores = dot_strip(m.coef.row(i), &self.strips).map(|score| score + intercept);
                store(&scores, out, i, at);
            }
        }
    }

    /// As [`Logistic::predict_proba`].
    pub fn probability(&mut self, m: &Logistic, x: &[f64], lot: Lot, out: &mut [f64]) {
        self.margin(m, x, lot, out);
        match m.link {
            Link::Sigmoid => {
                lot.sigmoid(out, 1);
                lot.binary(out);
            }
            Link::Softmax => lot.softmax(out, m.coef.rows),
            Link::OneVsRest => lot.one_vs_rest(out, m.coef.rows),
        }
    }
}
