//! Parameters of naive Bayes.

use super::{Parameters, non_negative, range};
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// scikit-learn's `GaussianNB`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GaussianNb {
    /// The probability of each class before anything is known of a row, in class order (sorted labels, the positive one last),
    /// adding up to 1. Left out: the classes' parts of the rows' weight.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priors: Option<Vec<f64>>,
    /// Part of the largest variance of all features that is added to each variance.
    pub var_smoothing: f64,
}

impl Default for GaussianNb {
    fn default() -> Self {
        GaussianNb { priors: None, var_smoothing: 1e-9 }
    }
}

impl Parameters for GaussianNb {
    fn check(&self) -> Result<()> {
        if let Some(priors) = &self.priors {
            let sound = priors.iter().all(|p| *p >= 0.0) && (priors.iter().sum::<f64>() - 1.0).abs() <= 1e-8;
            range("priors", sound, "probabilities in class order that add up to 1")?;
        }
        non_negative("var_smoothing", self.var_smoothing)
    }
}
