//! Parameters of logistic regression.

use super::{Parameters, at_least, positive};
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// `sklearn.linear_model.LogisticRegression`: the minimum of `C * sum(loss) + |coef|^2 / 2`, two classes or multinomial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogisticRegression {
    /// Inverse strength of the penalty.
    #[serde(rename = "C")]
    pub c: f64,
    /// `l2`, or `none`.
    pub penalty: Penalty,
    /// Whether an unpenalised constant is added.
    pub fit_intercept: bool,
    /// Most Newton steps.
    pub max_iter: usize,
    /// The fit ends when no component of the mean loss's gradient exceeds it.
    pub tol: f64,
}

/// `penalty`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Penalty {
    /// Half the squared norm of the coefficients.
    L2,
    /// No penalty.
    None,
}

impl Default for LogisticRegression {
    fn default() -> Self {
        LogisticRegression { c: 1.0, penalty: Penalty::L2, fit_intercept: true, max_iter: 100, tol: 1e-8 }
    }
}

impl Parameters for LogisticRegression {
    fn check(&self) -> Result<()> {
        positive("C", self.c)?;
        at_least("max_iter", self.max_iter, 1)?;
        positive("tol", self.tol)
    }
}
