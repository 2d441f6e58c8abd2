//! From what a reader made to an artifact: schema, classes, profile and witnesses.

use super::check::{Report, Tolerance, check};
use super::outside::Outside;
use super::{Format, error};
use crate::artifact::Artifact;
use crate::artifact::header::Header;
use crate::data::Table;
use crate::error::Result;

/// What is known beside the model file.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The file's format; `None`: as its content shows.
    pub format: Option<Format>,
    /// What a record is, where the file says less.
    pub schema: Option<Outside>,
    /// Rows as the model meets them.
    pub sample: Option<Sample>,
    /// Class labels, in the model's order; where the file has labels of its own these replace them.
    pub classes: Option<Vec<String>>,
    /// The artifact's name; default `model`.
    pub name: Option<String>,
    /// The artifact's version; default `1.0.0`.
    pub version: Option<String>,
}

/// Rows as the model meets them: for the profile and the witnesses.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The rows.
    pub table: Table,
    /// The column with the true labels, if there is one; no input.
    pub target: Option<String>,
    /// The column with each row's event time, where derived features use `now()`.
    pub as_of: Option<String>,
}

/// A model that was made elsewhere, as an artifact.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The model and all it needs.
    pub artifact: Artifact,
    /// What its file says of it.
    pub header: Header,
    /// A forest: per tree, the library's numbers of its leaves by our `leaf_ids`. Empty where the library gives none.
    pub leaves: Vec<Vec<u32>>,
    /// What a person should know, a sentence each.
    pub notes: Vec<String>,
    /// The original computes its scores in `f32`.
    pub single: bool,
}

impl Imported {
    /// The `.hedge` file.
    pub fn file(&self) -> Result<Vec<u8>> {
        self.artifact.write(&self.header.to_bytes()?)
    }

    /// Holds the artifact to the original's own answers; see [`check`]. `tolerance`: of probabilities, where the default is not right.
    pub fn check(&self, expected: &Table, tolerance: Option<f64>) -> Result<Report> {
        let tolerance = Tolerance { single: self.single, probability: tolerance };
        check(&self.artifact, &self.leaves, expected, tolerance)
    }
}

/// Reads a model file and makes an artifact of it that answers as the original does.
pub fn import(file: &[u8], options: &Options) -> Result<Imported> {
    let foreign = super::read(file, options.format)?;
    Err(error(format!("models of {} cannot be assembled yet", foreign.library)))
}
