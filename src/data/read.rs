//! Files as streams of records.

use crate::error::Result;
use crate::schema::{Cell, Field, Record, Schema};
use std::borrow::Cow;
use std::io::Read;
use std::path::Path;

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values with a header (RFC 4180); `.tsv` has tabs in place of commas.
    Csv,
    /// One JSON object per line.
    JsonLines,
}

/// A file being read: an iterator over its records.
pub struct Reader;

/// One record of a file.
#[derive(Clone, Debug)]
pub struct Line;

impl Reader {
    /// Opens a file; its extension, or else its first byte, says how it is written.
    pub fn open(path: &Path) -> Result<Reader> {
        let _ = path;
        unimplemented!()
    }

    /// Reads from any source; where no format is given, the first byte decides: `{` begins JSON Lines.
    pub fn new(input: impl Read + 'static, format: Option<Format>) -> Result<Reader> {
        let _ = (input, format);
        unimplemented!()
    }

    /// How the records are written.
    pub fn format(&self) -> Format {
        unimplemented!()
    }

    /// The header of a CSV file; `None` for JSON Lines.
    pub fn columns(&self) -> Option<&[String]> {
        unimplemented!()
    }
}

impl Iterator for Reader {
    type Item = Result<Line>;
    fn next(&mut self) -> Option<Result<Line>> {
        unimplemented!()
    }
}

impl Line {
    /// The line of the file it begins on; the first is 1.
    pub fn number(&self) -> u64 {
        unimplemented!()
    }

    /// The value under `name`, as its source holds it.
    pub fn get(&self, name: &str) -> Cell<'_> {
        let _ = name;
        unimplemented!()
    }

    /// The value under `name` as text, to be copied elsewhere: a CSV cell as it is, a JSON text without its quotes, any other
    /// JSON value as it is written; `None` where it is absent or null.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        let _ = name;
        unimplemented!()
    }
}

impl Record for Line {
    fn cell(&self, _: usize, field: &Field) -> Cell<'_> {
        self.get(&field.name)
    }
    fn extra(&self, schema: &Schema) -> Vec<String> {
        let _ = schema;
        unimplemented!()
    }
}
