//! Gaussian naive Bayes (`sklearn.naive_bayes.GaussianNB`).

use super::dense::{ROWS, Strip, clamped, load, store, strips_of};
use super::runner::bounded_row;
use super::{bounded_input, check_matrix, check_numbers, check_sizes, error};
use crate::error::Result;
use crate::math::{BOUND, Lot, Matrix, bounded, ln, softmax};
use crate::wire::{Encode, decodes};
use std::f64::consts::PI;

/// Attributes of a fitted `GaussianNB`.
#[derive(Clone, Debug, PartialEq, Encode)]
pub struct NaiveBayes {
    /// `class_prior_`.
    pub prior: Vec<f64>,
    /// `theta_`: n_classes x n_features.
    pub mean: Matrix,
    /// `var_`: n_classes x n_features, epsilon included; positive.
    pub var: Matrix,
}

decodes!(struct NaiveBayes { prior, mean, var });

impl NaiveBayes {
    pub(super) fn n_classes(&self) -> usize {
        self.prior.len()
    }

    /// Per class `ln prior - (Σ ln 2πvar) / 2 - (Σ (x - mean)² / var) / 2` (`predict_joint_log_proba`), then their softmax.
    pub(super) fn predict_proba(&self, x: &[f64], out: &mut [f64]) {
        let x = bounded_input(x);
        for (k, joint) in out.iter_mut().enumerate() {
            let (mean, var) = (self.mean.row(k), self.var.row(k));
            let distance = x.iter().zip(mean.iter().zip(var)).fold(0.0, |s, (x, (mean, var))| {
                let d = x - mean;
                s + (d * d / var).min(BOUND)
            });
            *joint = bounded(self.apart(k) - 0.5 * distance);
        }
        softmax(out);
    }

    /// What of class `k`'s joint log probability no feature changes.
    fn apart(&self, k: usize) -> f64 {
        let spread = self.var.row(k).iter().fold(0.0, |s, v| s + ln(2.0 * PI * v));
        ln(self.prior[k]) - 0.5 * spread
    }

    #[inline(never)]
    pub(super) fn check(&self) -> Result<()> {
        let k = self.n_classes();
        check_sizes(self.mean.cols, k)?;
        check_numbers("prior", &self.prior, k)?;
        check_matrix("mean", &self.mean)?;
        check_matrix("var", &self.var)?;
        let shape = (self.mean.rows, self.mean.cols);
        if shape.0 != k || (self.var.rows, self.var.cols) != shape {
            return Err(error(format!("mean and var have a row for each of {k} classes and as many columns")));
        }
        if self.prior.iter().any(|p| *p < 0.0) || (self.prior.iter().sum::<f64>() - 1.0).abs() > 1e-6 {
            return Err(error("prior is not a probability per class, adding up to 1"));
        }
        if self.var.data.iter().any(|v| *v <= 0.0) {
            return Err(error("var is not positive"));
        }
        Ok(())
    }
}

/// How naive Bayes is run.
#[derive(Clone, Debug, Default)]
pub(super) struct Fast {
    /// [`NaiveBayes::apart`] of each class; made at first use.
    apart: Vec<f64>,
    row: Vec<f64>,
    strips: Vec<Strip>,
}

impl Fast {
    /// As [`NaiveBayes::predict_proba`].
    #[inline(never)]
    pub fn probability(&mut self, m: &NaiveBayes, x: &[f64], lot: Lot, out: &mut [f64]) {
        if self.apart.is_empty() {
            self.apart = (0..m.n_classes()).map(|k| m.apart(k)).collect();
        }
        if lot.stride == 1 {
            let x = bounded_row(&mut self.row, x).as_chunks::<1>().0;
            for (k, (joint, apart)) in out.iter_mut().zip(&self.apart).enumerate() {
                [*joint] = m.joint(k, *apart, x);
            }
        } else {
            self.strips.resize(m.mean.cols, [0.0; ROWS]);
            for at in strips_of(lot) {
                load(x, at, &mut self.strips);
                for (k, apart) in self.apart.iter().enumerate() {
                    store(&m.joint(k, *apart, &self.strips), out, k, at);
                }
            }
        }
        lot.softmax(out, m.n_classes());
    }
}

impl NaiveBayes {
    /// The joint log probability of class `k`, of `N` rows. `x`: per feature.
    #[inline(always)]
    fn joint<const N: usize>(&self, k: usize, apart: f64, x: &[[f64; N]]) -> [f64; N] {
        let mut distance = [0.0; N];
        for (x, (mean, var)) in x.iter().zip(self.mean.row(k).iter().zip(self.var.row(k))) {
            for (sum, x) in distance.iter_mut().zip(x) {
                let d = x - mean;
                let term = d * d / var;
                *sum += if term > BOUND { BOUND } else { term };
            }
        }
        distance.map(|distance| clamped(apart - 0.5 * distance))
    }
}
