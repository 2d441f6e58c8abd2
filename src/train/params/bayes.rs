//! Parameters of naive Bayes.

use super::{Parameters, non_negative};
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// scikit-learn's `GaussianNB`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GaussianNb {
    /// Part of the largest variance of all features that is added to each variance.
    pub var_smoothing: f64,
}

impl Default for GaussianNb {
    fn default() -> Self {
        GaussianNb { var_smoothing: 1e-9 }
    }
}

impl Parameters for GaussianNb {
    fn check(&self) -> Result<()> {
        non_negative("var_smoothing", self.var_smoothing)?;
        Ok(())
    }
}
