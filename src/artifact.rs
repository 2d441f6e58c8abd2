//! Door 2: the `.hedge` file.
use crate::error::Result;
use crate::model::Model;
use crate::pipeline::Pipeline;
use crate::profile::Profile;
use crate::schema::Schema;
use crate::wire::{Decode, Encode};

/// The container's version.
pub const FORMAT: u16 = 1;

/// Everything in a `.hedge` file.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[bincode(decode_context = "crate::wire::Depth")]
pub struct Artifact {
    /// Name, e.g. `innovation_classifier`: `[a-z0-9_.-]`, at most 128.
    pub name: String,
    /// Version, e.g. `2.3.1`.
    pub version: String,
    /// Class labels, in the order of `probability`.
    pub classes: Vec<String>,
    /// What a record is.
    pub schema: Schema,
    /// From a row to `x`.
    pub pipeline: Pipeline,
    /// From `x` to probabilities.
    pub model: Model,
    /// The training data's counts.
    pub profile: Profile,
    /// Raw records with the bits of their answers.
    pub witnesses: Vec<Witness>,
}

/// A raw record, and the exact answer the trainer's host gave.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Witness {
    /// Per field the raw text (`None`: missing), as a CSV cell would hold it.
    pub record: Vec<Option<String>>,
    /// Seconds since 1970 UTC.
    pub as_of: f64,
    /// Bits of `x`.
    pub x: Vec<u64>,
    /// Bits of the probabilities.
    pub probability: Vec<u64>,
}

impl Artifact {
    /// Reads and proves a file. After it, prediction cannot fail.
    pub fn read(bytes: &[u8]) -> Result<Artifact> {
        let _ = bytes;
        unimplemented!()
    }
}
