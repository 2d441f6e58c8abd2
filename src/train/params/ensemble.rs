//! Parameters of estimators made of estimators.

use super::{Parameters, Params, range};
use crate::error::{Error, ErrorKind, Result};
use crate::train::Estimator;
use crate::train::config::{ModelKind, Preprocessing};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// An estimator inside another: what a config says at its top, in short.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Member {
    /// Which trainer.
    #[serde(rename = "type")]
    pub kind: ModelKind,
    /// Its parameters.
    pub parameters: Map<String, Value>,
    /// How columns become numbers for it; what is left out suits it.
    pub preprocessing: Preprocessing,
}

impl Member {
    /// Read and checked.
    pub fn estimator(&self) -> Result<Estimator> {
        let params = Params::new(self.kind, &self.parameters)?;
        Ok(Estimator { params, preprocessing: self.preprocessing.clone() })
    }
}

/// scikit-learn's `StackingClassifier`: a final estimator over the answers of others to rows they were not fitted on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stacking {
    /// Name and estimator, in order.
    pub estimators: Map<String, Value>,
    /// Number of folds.
    pub cv: usize,
    /// Whether the final estimator reads the columns, too.
    pub passthrough: bool,
}

impl Default for Stacking {
    fn default() -> Self {
        Stacking { estimators: Map::new(), cv: 5, passthrough: false }
    }
}

impl Parameters for Stacking {
    fn check(&self) -> Result<()> {
        range("cv", self.cv >= 2, "at least 2")?;
        members(&self.estimators).map(|_| ())
    }
}

/// scikit-learn's `VotingClassifier` with `voting="soft"`: the weighted mean of probabilities.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Voting {
    /// Name and estimator, in order.
    pub estimators: Map<String, Value>,
}

impl Parameters for Voting {
    fn check(&self) -> Result<()> {
        members(&self.estimators).map(|_| ())
    }
}

/// The estimators, by name.
fn members(estimators: &Map<String, Value>) -> Result<Vec<(String, Estimator)>> {
    let read = |(name, value): (&String, &Value)| {
        let member: Member = serde_json::from_value(value.clone())
            .map_err(|e| Error::new(ErrorKind::Config, format!("model.parameters.estimators.{name}: {e}")))?;
        Ok((name.clone(), member.estimator().map_err(|e| e.context(format!("in estimator `{name}`")))?))
    };
    estimators.iter().map(read).collect()
}
