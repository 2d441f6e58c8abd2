//! Parameters of support vector machines.

use super::{Parameters, positive};
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// scikit-learn's `SVC`: C-support vector classification, one machine per pair of classes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Svm {
    /// Penalty on each row that a machine gets wrong.
    #[serde(rename = "C")]
    pub c: f64,
    /// The fit ends when no pair of rows violates the optimality conditions by more.
    pub tol: f64,
}

impl Default for Svm {
    fn default() -> Self {
        Svm { c: 1.0, tol: 1e-3 }
    }
}

impl Parameters for Svm {
    fn check(&self) -> Result<()> {
        positive("C", self.c)?;
        positive("tol", self.tol)?;
        Ok(())
    }
}
