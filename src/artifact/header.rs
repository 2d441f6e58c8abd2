//! The file's header: what people, JavaScript and a registry want to know of a model without decoding it.
//!
//! It is JSON before the body, under the same digest. The engine does not read it; what it says of the model is computed from
//! the body ([`Header::of`]), and a test holds the two equal.

use super::summary::{DerivedSummary, SchemaSummary};
use super::{Artifact, Container, FORMAT};
use crate::error::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The header. Keys are written in this order.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Header {
    /// The file format.
    pub format: u16,
    /// The model's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Class labels, in the order of `probability`.
    pub classes: Vec<String>,
    /// Two classes: the least probability of class 1 that makes it the prediction, where that is not left to the larger one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// What a record is.
    pub schema: SchemaSummary,
    /// Derived features as they were written.
    #[serde(default)]
    pub derived: Vec<DerivedSummary>,
    /// `type` (the model's family), `columns` (what it reads), and what else its trainer says of it.
    pub model: Map<String, Value>,
    /// Measured by the trainer.
    #[serde(default)]
    pub metrics: Map<String, Value>,
    /// `rows`, `data_sha256`, `seed`, `config`.
    #[serde(default)]
    pub training: Map<String, Value>,
    /// The hedgerow that wrote it.
    pub tool_version: String,
}

impl Header {
    /// What the body says of itself; `metrics`, `training` and more of `model` are the trainer's to add.
    pub fn of(artifact: &Artifact) -> Header {
        let mut model = Map::new();
        model.insert("type".into(), artifact.model.family().into());
        model.insert("columns".into(), artifact.model.n_features().into());
        Header {
            format: FORMAT,
            name: artifact.name.clone(),
            version: artifact.version.clone(),
            classes: artifact.classes.clone(),
            threshold: artifact.threshold,
            schema: SchemaSummary::of(&artifact.schema),
            derived: DerivedSummary::of(&artifact.pipeline),
            model,
            metrics: Map::new(),
            training: Map::new(),
            tool_version: env!("CARGO_PKG_VERSION").into(),
        }
    }

    /// The header of a file, whose lengths and digest are proven first.
    pub fn read(file: &[u8]) -> Result<Header> {
        let container = Container::open(file)?;
        serde_json::from_slice(container.header)
            .map_err(|e| Error::new(ErrorKind::Artifact, format!("the header cannot be read: {e}")))
    }

    /// Its bytes: indented JSON, for [`Artifact::write`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|e| Error::new(ErrorKind::Artifact, format!("the header cannot be written: {e}")))?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}
