//! Parameters of logistic regression.

use super::{Parameters, at_least, positive, range};
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// `sklearn.linear_model.LogisticRegression`: the minimum of `C * sum(loss) + (1 - l1_ratio) |coef|² / 2 + l1_ratio |coef|₁`, two
/// classes or multinomial. The loss is convex: whatever the solver, the coefficients are the same up to `tol`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogisticRegression {
    /// Inverse strength of the penalty.
    #[serde(rename = "C")]
    pub c: f64,
    /// `l2`, `l1`, `elasticnet` (with `l1_ratio`), or `none`.
    pub penalty: Penalty,
    /// elasticnet: the absolute values' part of the penalty, 0 to 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub l1_ratio: Option<f64>,
    /// `auto`, `lbfgs` or `newton-cg`; with absolute values in the penalty `auto` alone, which is coordinate descent.
    #[serde(skip_serializing_if = "Solver::is_auto")]
    pub solver: Solver,
    /// Whether an unpenalised constant is added.
    pub fit_intercept: bool,
    /// Most steps.
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
    /// The sum of their absolute values, which makes many of them 0.
    L1,
    /// Part of both.
    #[serde(alias = "elastic_net")]
    Elasticnet,
    /// No penalty.
    None,
}

/// `solver`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Solver {
    /// What suits the penalty.
    #[default]
    Auto,
    /// Limited-memory BFGS.
    Lbfgs,
    /// Newton's method, its steps solved with conjugate gradients.
    NewtonCg,
}

impl Solver {
    fn is_auto(&self) -> bool {
        *self == Solver::Auto
    }
}

impl Default for LogisticRegression {
    fn default() -> Self {
        LogisticRegression {
            c: 1.0,
            penalty: Penalty::L2,
            l1_ratio: None,
            solver: Solver::Auto,
            fit_intercept: true,
            max_iter: 100,
            tol: 1e-8,
        }
    }
}

impl LogisticRegression {
    /// How much of the penalty is of absolute values, and how much of squares.
    pub(crate) fn mixture(&self) -> (f64, f64) {
        match self.penalty {
            Penalty::L2 => (0.0, 1.0),
            Penalty::L1 => (1.0, 0.0),
            Penalty::Elasticnet => self.l1_ratio.map_or((0.0, 1.0), |r| (r, 1.0 - r)),
            Penalty::None => (0.0, 0.0),
        }
    }
}

impl Parameters for LogisticRegression {
    fn check(&self) -> Result<()> {
        positive("C", self.c)?;
        let ratio = self.l1_ratio.is_none_or(|r| (0.0..=1.0).contains(&r));
        range("l1_ratio", ratio, "between 0 and 1")?;
        if self.penalty == Penalty::Elasticnet {
            range("l1_ratio", self.l1_ratio.is_some(), "set, between 0 and 1, with penalty elasticnet")?;
        } else {
            range("l1_ratio", self.l1_ratio.is_none(), "left out, or the penalty elasticnet")?;
        }
        let smooth = self.mixture().0 == 0.0 || self.solver.is_auto();
        range("solver", smooth, "auto (coordinate descent) where the penalty has absolute values")?;
        at_least("max_iter", self.max_iter, 1)?;
        positive("tol", self.tol)
    }
}
