//! Parameters of multi-layer perceptrons.

use super::{Parameters, non_negative};
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// scikit-learn's `MLPClassifier`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mlp {
    /// Units of each hidden layer.
    pub hidden_layer_sizes: Vec<usize>,
    /// L2 penalty on the weights.
    pub alpha: f64,
}

impl Default for Mlp {
    fn default() -> Self {
        Mlp { hidden_layer_sizes: vec![100], alpha: 1e-4 }
    }
}

impl Parameters for Mlp {
    fn check(&self) -> Result<()> {
        non_negative("alpha", self.alpha)?;
        Ok(())
    }
}
