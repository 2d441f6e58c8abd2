//! A model that was made elsewhere, to an artifact that answers as the original does.
//!
//! ```text
//! model file ──read──► Foreign: inputs, an Estimator over columns ──lower──► slots, encoders, Model ──assemble──► Artifact
//!  xgboost  lightgbm            (each column: an input and the            (trees read raw inputs: what          (schema, classes,
//!  onnx     exchange             steps a library takes with it)            was done before them is folded        profile, witnesses)
//!                                                                          into their tests)
//! ```
//!
//! Each reader settles the *meaning* of its format here, so that nothing after it has modes: what goes left, where a missing
//! value goes, in which space the base score is, what an absent or unknown category does. What a reader does not understand is
//! an error that names it; nothing is guessed.
//!
//! **Single precision.** Libraries that compare in `f32` round the input first. Rounding is monotone, so `f32(x) < t` is
//! `x <= c` for the largest such `c`, which [`trees`] finds by bisection: our one rule in `f64` decides as theirs does, for every `f64`.

pub mod assemble;
pub mod check;
pub mod columns;
pub mod detect;
pub mod exchange;
mod fields;
pub mod lightgbm;
pub mod lower;
pub mod onnx;
pub mod outside;
mod reference;
pub mod trees;
pub mod xgboost;

pub use assemble::{Imported, Options, Sample, import};
pub use detect::{Format, read};
pub use outside::Outside;
pub use xgboost::Rounds;

use crate::error::{Error, ErrorKind};
use crate::model::Model;
use crate::model::calibration::Calibrator;
use crate::model::stacking::Method;
use columns::Column;
use trees::Trees;

/// What a reader made of a model file.
#[derive(Clone, Debug, PartialEq)]
pub struct Foreign {
    /// `xgboost`, `lightgbm`, `onnx` or `scikit-learn`.
    pub library: &'static str,
    /// What the file says of itself (`version`, `objective`, …), for the header and for people.
    pub facts: serde_json::Map<String, serde_json::Value>,
    /// What the original is given, in its own order.
    pub inputs: Vec<Input>,
    /// Class labels in the original's order; `None` where the file has none.
    pub classes: Option<Vec<String>>,
    /// From inputs to probabilities.
    pub estimator: Estimator,
    /// The original computes its scores in `f32`: answers agree to about 1e-6, not to 1e-12.
    pub single: bool,
    /// What a person should know, a sentence each.
    pub notes: Vec<String>,
}

/// One value that the original is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Input {
    /// Its name in the original; `None` where it has only a place.
    pub name: Option<String>,
    /// What it is.
    pub kind: InputKind,
    /// The original has no answer where it is missing.
    pub required: bool,
}

/// What an input is. Its slot holds what the row of such a field holds.
#[derive(Clone, Debug, PartialEq)]
pub enum InputKind {
    /// A number.
    Number,
    /// A whole number from 0 that stands for a category whose name the file does not know.
    Code {
        /// The original has an answer for a negative number, which is no category.
        negative: bool,
    },
    /// One of these texts; the slot is the index, or `levels.len()` for any other text where those are admitted.
    Category {
        /// In the order of their indices.
        levels: Vec<String>,
        /// The original has an answer for a text that is none of them.
        admit_unknown: bool,
    },
    /// True or false.
    Flag,
}

/// A classifier over columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimator {
    /// What it reads: its feature `k` is `columns[k]`.
    pub columns: Vec<Column>,
    /// What it does with them.
    pub head: Head,
}

/// What a classifier does with its columns.
#[derive(Clone, Debug, PartialEq)]
pub enum Head {
    /// A forest, in plain form: what is done to its columns is folded into its tests.
    Trees(Trees),
    /// Any other model, over the columns as they are. Not `Stacking`, `Voting` or `Calibrated`: those are below.
    Model(Model),
    /// `StackingClassifier`: members over the same inputs, each with columns of its own; `columns` of this estimator are what is
    /// passed through (empty: `passthrough=False`).
    Stacking {
        /// What each hands on, and the member.
        members: Vec<(Method, Estimator)>,
        /// Over the members' answers in order, then the columns passed through. Its `columns` are not looked at.
        last: Box<Head>,
    },
    /// `VotingClassifier(voting="soft")`: weighted mean of members' probabilities. `columns` of this estimator is empty.
    Voting {
        /// Weight, and the member.
        members: Vec<(f64, Estimator)>,
    },
    /// `CalibratedClassifierCV`: corrected members, averaged. `columns` of this estimator is empty.
    Calibrated {
        /// Each a member and its correction.
        members: Vec<(Estimator, Calibrator)>,
    },
}

/// An error of a model file: `message` names what is not understood and says what would be.
pub(crate) fn error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Import, message)
}
