//! What a table's columns are, where nobody has said it.

use super::Table;
use crate::error::Result;
use crate::schema::{Schema, Unknown};

/// What a person has said about a table.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// The column to predict.
    pub target: String,
    /// The label to put last (for two classes: index 1).
    pub positive: Option<String>,
    /// The column of each row's own event time; no feature unless it is listed in `time`.
    pub as_of: Option<String>,
    /// Columns that are numbers.
    pub numerical: Vec<String>,
    /// Columns that are categories.
    pub categorical: Vec<String>,
    /// Columns that are times.
    pub time: Vec<String>,
    /// Columns that are true or false.
    pub flag: Vec<String>,
    /// Columns to leave out.
    pub drop: Vec<String>,
    /// Whether only the columns listed above are features; else the others are inferred.
    pub only_listed: bool,
    /// What becomes of an unknown level at prediction.
    pub unknown: Unknown,
}

/// What a table turned out to be.
#[derive(Clone, Debug)]
pub struct Inferred {
    /// The features.
    pub schema: Schema,
    /// The labels of the target: sorted (as numbers where all are numbers), the positive one last.
    pub classes: Vec<String>,
    /// What a person should know: columns left out and why, what looked odd. Each is a sentence that names the column.
    pub notes: Vec<String>,
}

/// The schema and classes of a table.
pub fn infer(table: &Table, hints: &Hints) -> Result<Inferred> {
    let _ = (table, hints);
    unimplemented!()
}
