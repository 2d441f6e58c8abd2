//! Gaussian naive Bayes (`sklearn.naive_bayes.GaussianNB`).

use super::{bounded_input, check_matrix, check_numbers, check_sizes, error};
use crate::error::Result;
use crate::math::{BOUND, Matrix, bounded, ln, softmax};
use crate::wire::{Decode, Encode};
use std::f64::consts::PI;

/// Attributes of a fitted `GaussianNB`.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct NaiveBayes {
    /// `class_prior_`.
    pub prior: Vec<f64>,
    /// `theta_`: n_classes x n_features.
    pub mean: Matrix,
    /// `var_`: n_classes x n_features, epsilon included; positive.
    pub var: Matrix,
}

impl NaiveBayes {
    pub(super) fn n_classes(&self) -> usize {
        self.prior.len()
    }

    /// Per class `ln prior - (Σ ln 2πvar) / 2 - (Σ (x - mean)² / var) / 2` (`predict_joint_log_proba`), then their softmax.
    pub(super) fn predict_proba(&self, x: &[f64], out: &mut [f64]) {
        let x = bounded_input(x);
        for (k, joint) in out.iter_mut().enumerate() {
            let (mean, var) = (self.mean.row(k), self.var.row(k));
            let spread = var.iter().fold(0.0, |s, v| s + ln(2.0 * PI * v));
            let distance = x.iter().zip(mean.iter().zip(var)).fold(0.0, |s, (x, (mean, var))| {
                let d = x - mean;
                s + (d * d / var).min(BOUND)
            });
            *joint = bounded(ln(self.prior[k]) - 0.5 * spread - 0.5 * distance);
        }
        softmax(out);
    }

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
