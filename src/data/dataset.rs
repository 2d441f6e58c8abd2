//! Rows to train on.

use super::Table;
use crate::error::Result;
use crate::schema::{Schema, Violation};
use ndarray::Array2;

/// What `now()` means in each row.
#[derive(Clone, Debug, PartialEq)]
pub enum AsOf {
    /// The same instant in all of them, seconds since 1970 UTC.
    At(f64),
    /// The row's own event time, in this column.
    Column(String),
}

/// Rows that passed the schema's door, with what they are labelled.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// What the columns of `rows` are.
    pub schema: Schema,
    /// Labels; `y` indexes them.
    pub classes: Vec<String>,
    /// (n_rows, n_fields): one row of the schema each.
    pub rows: Array2<f64>,
    /// (n_rows,): the index of each row's label.
    pub y: Vec<usize>,
    /// (n_rows,): what `now()` means, seconds since 1970 UTC.
    pub as_of: Vec<f64>,
    /// (n_rows,): which row of the table each came from.
    pub source: Vec<usize>,
    /// The rows of the table that did not pass, and are in none of the above.
    pub rejected: Vec<Rejected>,
}

/// A row of a table that did not pass the door.
#[derive(Clone, Debug, PartialEq)]
pub struct Rejected {
    /// The line of the file it begins on.
    pub line: u64,
    /// Every reason.
    pub violations: Vec<Violation>,
}

impl Dataset {
    /// Takes a table through the door. `classes`: the labels the target column may hold, in order; any other, or none, in the
    /// target is an error that names the line.
    pub fn from_table(
        table: &Table,
        schema: &Schema,
        target: &str,
        classes: &[String],
        as_of: &AsOf,
    ) -> Result<Dataset> {
        let _ = (table, schema, target, classes, as_of);
        unimplemented!()
    }

    /// The dataset, or an error that shows the first rejected rows if there are any.
    pub fn strict(self) -> Result<Dataset> {
        unimplemented!()
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.y.len()
    }

    /// Whether it has no rows.
    pub fn is_empty(&self) -> bool {
        self.y.is_empty()
    }

    /// The indices of a training and of a validation part, each ascending. Stratified: `fraction` of each class, to the
    /// nearest row, goes to validation (of a class with two rows or more at least one goes to either side).
    pub fn split(&self, fraction: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
        let _ = (fraction, seed);
        unimplemented!()
    }

    /// The rows at `indices`, in that order.
    pub fn subset(&self, indices: &[usize]) -> Dataset {
        let _ = indices;
        unimplemented!()
    }

    /// Row `i` as texts without types, one per field, that give exactly the same row at the door: what a witness holds.
    /// `table`: the one it was made from.
    pub fn witness(&self, table: &Table, i: usize) -> Vec<Option<String>> {
        let _ = (table, i);
        unimplemented!()
    }
}
