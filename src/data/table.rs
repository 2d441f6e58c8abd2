//! A whole file in memory, column by column, as it was written.

use super::read::Reader;
use crate::error::Result;
use crate::schema::Cell;
use std::path::Path;

/// A whole file in memory.
#[derive(Clone, Debug, Default)]
pub struct Table {
    columns: Vec<Column>,
    lines: Vec<u64>,
}

/// One column of a table.
#[derive(Clone, Debug)]
pub struct Column {
    name: String,
}

impl Table {
    /// Reads a CSV or JSON Lines file.
    pub fn read(path: &Path) -> Result<Table> {
        Table::from_reader(Reader::open(path)?)
    }

    /// Reads all that is left of `reader`.
    pub fn from_reader(reader: Reader) -> Result<Table> {
        let _ = reader;
        unimplemented!()
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.lines.len()
    }

    /// The columns, in the order of the file.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// A column by name; an error with a suggestion where there is none.
    pub fn column(&self, name: &str) -> Result<&Column> {
        let _ = name;
        unimplemented!()
    }

    /// The line of the file that row `row` begins on.
    pub fn line(&self, row: usize) -> u64 {
        self.lines[row]
    }

    /// SHA-256 of the table as CSV in its plainest form: header and rows, commas, quotes only where needed, `\n` after each
    /// line. For a file that is written so, it is the file's own.
    pub fn sha256(&self) -> [u8; 32] {
        unimplemented!()
    }
}

impl Column {
    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value in row `row`, as its source held it.
    pub fn cell(&self, row: usize) -> Cell<'_> {
        let _ = row;
        unimplemented!()
    }

    /// The value in row `row` as text; `None` where it is missing.
    pub fn text(&self, row: usize) -> Option<&str> {
        let _ = row;
        unimplemented!()
    }
}
