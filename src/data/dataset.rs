//! Rows to train on, and how they are divided.

use super::table::TableRow;
use super::target::label;
use super::{Column, Table};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::schema::{Field, FieldKind, RawRecord, Schema, Violation};
use crate::time::format_iso;
use ndarray::{Array2, Axis};
use rand::seq::SliceRandom;
use rand_pcg::{Pcg64Mcg, rand_core::SeedableRng};
use std::collections::HashMap;

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
    /// Takes a table through the door. `classes`: the labels the target column may hold, in order. A field or target without a
    /// column, and a row whose label is missing or none of `classes` or that has no event time where it needs one, is an error.
    pub fn from_table(
        table: &Table,
        schema: &Schema,
        target: &str,
        classes: &[String],
        as_of: &AsOf,
    ) -> Result<Dataset> {
        let target = table.column(target)?;
        let index: HashMap<&str, usize> = classes.iter().enumerate().map(|(k, label)| (label.as_str(), k)).collect();
        let mut data = Dataset::through(table, schema, as_of, |row| class_of(table, target, row, &index, classes))?;
        data.classes = classes.to_vec();
        Ok(data)
    }

    /// As [`from_table`](Self::from_table) where there are no labels: `classes` is empty, `y` all 0.
    pub fn unlabelled(table: &Table, schema: &Schema, as_of: &AsOf) -> Result<Dataset> {
        Dataset::through(table, schema, as_of, |_| Ok(0))
    }

    fn through(
        table: &Table,
        schema: &Schema,
        as_of: &AsOf,
        class: impl Fn(usize) -> Result<usize>,
    ) -> Result<Dataset> {
        let columns = table.columns_of(schema)?;
        let event = match as_of {
            AsOf::At(_) => None,
            AsOf::Column(name) => Some(table.column(name)?),
        };
        let (n, width) = (table.n_rows(), columns.len());
        let mut slots = Vec::with_capacity(n * width);
        let (mut y, mut times, mut source) = (Vec::with_capacity(n), Vec::with_capacity(n), Vec::with_capacity(n));
        let mut rejected = Vec::new();
        for row in 0..n {
            let class = class(row)?;
            let at = match (as_of, event) {
                (AsOf::At(at), _) => *at,
                (_, Some(column)) => event_time(table, column, row)?,
                (_, None) => f64::NAN,
            };
            let start = slots.len();
            slots.resize(start + width, f64::NAN);
            match schema.row(&TableRow { columns: &columns, row }, &mut slots[start..]) {
                Ok(()) => {
                    y.push(class);
                    times.push(at);
                    source.push(row);
                }
                Err(violations) => {
                    slots.truncate(start);
                    rejected.push(Rejected { line: table.line(row), violations });
                }
            }
        }
        let rows = Array2::from_shape_vec((y.len(), width), slots)
            .map_err(|e| Error::new(ErrorKind::Data, format!("the rows do not fit together: {e}")))?;
        Ok(Dataset { schema: schema.clone(), classes: Vec::new(), rows, y, as_of: times, source, rejected })
    }

    /// The dataset, or an error that shows the first rejected rows if there are any.
    pub fn strict(self) -> Result<Dataset> {
        const SHOWN: usize = 5;
        if self.rejected.is_empty() {
            return Ok(self);
        }
        let mut message =
            format!("{} of {} rows do not fit the schema", self.rejected.len(), self.rejected.len() + self.len());
        for rejected in self.rejected.iter().take(SHOWN) {
            for v in &rejected.violations {
                message.push_str(&format!("\n  line {}: `{}`: {}", rejected.line, v.field, v.message));
            }
        }
        if self.rejected.len() > SHOWN {
            message.push_str("\n  …");
        }
        Err(Error::new(ErrorKind::Data, message))
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
    /// nearest row, goes to validation (of a class with two rows or more at least one goes to either side, unless `fraction`
    /// is 0). The same `seed` gives the same parts.
    pub fn split(&self, fraction: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
        let mut rng = Pcg64Mcg::seed_from_u64(seed);
        let (mut train, mut validation) = (Vec::with_capacity(self.len()), Vec::new());
        for class in 0..self.classes.len() {
            let mut members: Vec<usize> = (0..self.len()).filter(|&i| self.y[i] == class).collect();
            members.shuffle(&mut rng);
            let held = match members.len() {
                0 | 1 => 0,
                _ if fraction.is_nan() || fraction <= 0.0 => 0,
                n => ((n as f64 * fraction).round() as usize).clamp(1, n - 1),
            };
            validation.extend_from_slice(&members[..held]);
            train.extend_from_slice(&members[held..]);
        }
        train.sort_unstable();
        validation.sort_unstable();
        (train, validation)
    }

    /// The rows at `indices`, in that order.
    pub fn subset(&self, indices: &[usize]) -> Dataset {
        Dataset {
            schema: self.schema.clone(),
            classes: self.classes.clone(),
            rows: self.rows.select(Axis(0), indices),
            y: indices.iter().map(|&i| self.y[i]).collect(),
            as_of: indices.iter().map(|&i| self.as_of[i]).collect(),
            source: indices.iter().map(|&i| self.source[i]).collect(),
            rejected: Vec::new(),
        }
    }

    /// Row `i` as texts without types, one per field, that give exactly the same row at the door: what a witness holds. The
    /// text of the file where it does, else the plainest text of the value. `table`: the one the dataset was made from.
    pub fn witness(&self, table: &Table, i: usize) -> Vec<Option<String>> {
        let columns = self.columns(table);
        (0..columns.len()).map(|field| self.witness_cell(&columns, i, field)).collect()
    }

    /// The table's columns behind the fields.
    pub(crate) fn columns<'t>(&self, table: &'t Table) -> Vec<Option<&'t Column>> {
        let by_name: HashMap<&str, &Column> = table.columns().iter().map(|c| (c.name(), c)).collect();
        self.schema.fields.iter().map(|field| by_name.get(field.name.as_str()).copied()).collect()
    }

    /// One cell of [`witness`](Self::witness). `columns`: as [`columns`](Self::columns) gives them.
    pub(crate) fn witness_cell(&self, columns: &[Option<&Column>], i: usize, field: usize) -> Option<String> {
        let text = columns[field].and_then(|column| column.text(self.source[i])).map(str::to_owned);
        let (field, slot) = (&self.schema.fields[field], self.rows[[i, field]]);
        if reads_as(field, &text, slot) { text } else { plainest(&field.kind, slot) }
    }
}

/// Whether a text without a type gives `slot`, bit for bit.
fn reads_as(field: &Field, text: &Option<String>, slot: f64) -> bool {
    let schema = Schema { fields: vec![Field { required: false, ..field.clone() }], ..Schema::default() };
    let mut row = [0.0];
    let read = schema.row(&RawRecord(std::slice::from_ref(text)), &mut row).is_ok();
    read && (row[0].to_bits() == slot.to_bits() || row[0].is_nan() && slot.is_nan())
}

/// The plainest text that reads as `slot`.
pub(crate) fn plainest(kind: &FieldKind, slot: f64) -> Option<String> {
    if slot.is_nan() {
        return None;
    }
    Some(match kind {
        FieldKind::Number { .. } => format!("{slot:?}"),
        FieldKind::Flag => String::from(if slot == 1.0 { "true" } else { "false" }),
        FieldKind::Time => format_iso(slot),
        FieldKind::Category { levels, .. } => match levels.get(slot as usize) {
            Some(level) => level.clone(),
            // Any text that is no level will do.
            None => levels.concat() + "?",
        },
    })
}

fn class_of(
    table: &Table,
    target: &Column,
    row: usize,
    index: &HashMap<&str, usize>,
    classes: &[String],
) -> Result<usize> {
    let refuse = |what: String| {
        let message = format!("line {}: the target `{}` {what}", table.line(row), target.name());
        Err(Error::new(ErrorKind::Data, message))
    };
    match label(target, row) {
        None => refuse("has no value: every row needs a label".into()),
        Some(label) => match index.get(&*label) {
            Some(class) => Ok(*class),
            None => {
                let guess = did_you_mean(&label, classes.iter().map(String::as_str));
                refuse(format!("is `{label}`, which is none of the model's {} classes{guess}", classes.len()))
            }
        },
    }
}

fn event_time(table: &Table, column: &Column, row: usize) -> Result<f64> {
    let field = Field { name: column.name().to_owned(), kind: FieldKind::Time, required: true };
    let schema = Schema { fields: vec![field], ..Schema::default() };
    let mut at = [0.0];
    schema.row(&TableRow { columns: &[column], row }, &mut at).map_err(|v| {
        let why = v.first().map_or("", |v| v.message.as_str());
        let message = format!("line {}: the event time `{}`: {why}", table.line(row), column.name());
        Error::new(ErrorKind::Data, message)
    })?;
    Ok(at[0])
}

#[cfg(test)]
#[path = "dataset_tests.rs"]
mod tests;
