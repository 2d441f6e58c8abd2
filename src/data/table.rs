//! A whole file in memory, column by column, as it was written.

use super::json::{self, TWICE};
use super::read::{NOT_UTF8, Reader};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::schema::{Cell, Field, MAX_FIELDS, Record, Schema};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::collections::HashMap;
use std::path::Path;

/// The most bytes a table may take: its texts, and five for each cell.
pub const MAX_TABLE: usize = 1 << 30;

/// A whole file in memory.
#[derive(Clone, Debug, Default)]
pub struct Table {
    columns: Vec<Column>,
    /// Per row, the line of the file it begins on.
    lines: Vec<u64>,
}

/// One column of a table: the texts of its cells, end to end, and what each was.
#[derive(Clone, Debug)]
pub struct Column {
    name: String,
    texts: String,
    /// Per row, where its text ends.
    ends: Vec<u32>,
    kinds: Vec<Kind>,
}

/// What a cell was in its source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Missing,
    Raw,
    Text,
    Number,
    Flag,
    Object,
    Array,
    Twice,
}

impl Table {
    /// Reads a CSV or JSON Lines file of up to [`MAX_TABLE`] bytes. The first record that cannot be read is the error.
    pub fn read(path: &Path) -> Result<Table> {
        Table::from_reader(Reader::open(path)?).map_err(|e| e.context(format!("reading {}", path.display())))
    }

    /// Reads all that is left of `reader`.
    pub fn from_reader(reader: Reader) -> Result<Table> {
        let mut table = Table::default();
        let mut index: HashMap<String, usize> = HashMap::new();
        let mut bytes = 0;
        let named = reader.columns().map(<[String]>::to_vec);
        for name in named.iter().flatten() {
            index.insert(name.clone(), table.columns.len());
            table.columns.push(Column::new(name.clone(), 0));
        }
        for line in reader {
            let line = line?;
            let row = table.lines.len();
            let refuse = |message: String| Error::new(ErrorKind::Data, format!("line {}: {message}", line.number()));
            table.lines.push(line.number());
            if named.is_none() {
                for name in line.names() {
                    if !index.contains_key(name) {
                        bytes += row * 5;
                        if bytes > MAX_TABLE || table.columns.len() == MAX_FIELDS {
                            return Err(too_large(line.number()));
                        }
                        index.insert(name.to_owned(), table.columns.len());
                        table.columns.push(Column::new(name.to_owned(), row));
                    }
                }
            }
            for column in &mut table.columns {
                let cell = if column.name.is_empty() { Cell::Missing } else { line.get(&column.name) };
                let (kind, text) = match &cell {
                    Cell::Missing => (Kind::Missing, Cow::Borrowed("")),
                    Cell::Raw(text) => {
                        (if text.trim_ascii().is_empty() { Kind::Missing } else { Kind::Raw }, Cow::Borrowed(&**text))
                    }
                    Cell::Text(text) => (Kind::Text, Cow::Borrowed(&**text)),
                    Cell::Other(what) if *what == NOT_UTF8 => {
                        return Err(refuse(format!(
                            "column `{}` holds {NOT_UTF8}: save the file as UTF-8",
                            column.name
                        )));
                    }
                    other => {
                        let kind = match other {
                            Cell::Number(_) => Kind::Number,
                            Cell::Flag(_) => Kind::Flag,
                            Cell::Other("object") => Kind::Object,
                            Cell::Other("array") => Kind::Array,
                            _ => Kind::Twice,
                        };
                        (kind, line.text(&column.name).unwrap_or_default())
                    }
                };
                bytes += text.len() + 5;
                if bytes > MAX_TABLE {
                    return Err(too_large(line.number()));
                }
                column.push(kind, &text);
            }
        }
        Ok(table)
    }

    /// Number of rows.
    pub fn n_rows(&self) -> usize {
        self.lines.len()
    }

    /// The columns, in the order of the file (JSON Lines: in the order their names first come up).
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// A column by name; an error with a suggestion where there is none.
    pub fn column(&self, name: &str) -> Result<&Column> {
        self.columns.iter().find(|c| c.name == name).ok_or_else(|| {
            let guess = did_you_mean(name, self.columns.iter().map(|c| c.name.as_str()).filter(|n| n.len() <= 256));
            Error::new(ErrorKind::Data, format!("the data has no column `{name}`{guess}"))
        })
    }

    /// The line of the file that row `row` begins on.
    pub fn line(&self, row: usize) -> u64 {
        self.lines[row]
    }

    /// SHA-256 of the table as CSV in its plainest form: header and rows, commas, quotes only where needed, `\n` after each
    /// line. A CSV file that is written so has this very digest.
    pub fn sha256(&self) -> [u8; 32] {
        let mut csv = csv::Writer::from_writer(Digesting(Sha256::new()));
        // Nothing can fail in memory: the records are of one length, and the digest takes every byte.
        let _ = csv.write_record(self.columns.iter().map(Column::name));
        for row in 0..self.n_rows() {
            let _ = csv.write_record(self.columns.iter().map(|c| c.written(row)));
        }
        csv.into_inner().map(|d| d.0.finalize().into()).unwrap_or_default()
    }

    /// Where the columns of `schema`'s fields are.
    pub(super) fn columns_of(&self, schema: &Schema) -> Result<Vec<&Column>> {
        schema.fields.iter().map(|f| self.column(&f.name)).collect()
    }
}

fn too_large(line: u64) -> Error {
    let limit = MAX_TABLE >> 20;
    let message =
        format!("line {line}: the table takes more than {limit} MiB, the most that is read: train on a sample");
    Error::new(ErrorKind::Data, message)
}

impl Column {
    /// A column whose first `rows` cells are missing.
    fn new(name: String, rows: usize) -> Column {
        Column { name, texts: String::new(), ends: vec![0; rows], kinds: vec![Kind::Missing; rows] }
    }

    fn push(&mut self, kind: Kind, text: &str) {
        self.texts.push_str(text);
        // MAX_TABLE is far below 2^32.
        self.ends.push(self.texts.len() as u32);
        self.kinds.push(kind);
    }

    /// Its name; a CSV column may have none.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The value in row `row`, as its source held it.
    pub fn cell(&self, row: usize) -> Cell<'_> {
        let text = self.written(row);
        match self.kinds[row] {
            Kind::Missing => Cell::Missing,
            Kind::Raw => Cell::Raw(Cow::Borrowed(text)),
            Kind::Text => Cell::Text(Cow::Borrowed(text)),
            Kind::Number | Kind::Flag => json::value(text),
            Kind::Object => Cell::Other("object"),
            Kind::Array => Cell::Other("array"),
            Kind::Twice => Cell::Other(TWICE),
        }
    }

    /// The value in row `row` as text; `None` where it is missing.
    pub fn text(&self, row: usize) -> Option<&str> {
        (self.kinds[row] != Kind::Missing).then(|| self.written(row))
    }

    fn written(&self, row: usize) -> &str {
        let start = row.checked_sub(1).map_or(0, |r| self.ends[r] as usize);
        &self.texts[start..self.ends[row] as usize]
    }
}

/// A row of a table as a record: the cells of `columns`, one per field.
pub(super) struct TableRow<'a> {
    pub(super) columns: &'a [&'a Column],
    pub(super) row: usize,
}

impl Record for TableRow<'_> {
    fn cell(&self, i: usize, _: &Field) -> Cell<'_> {
        self.columns[i].cell(self.row)
    }

    fn extra(&self, _: &Schema) -> Vec<String> {
        Vec::new()
    }
}

/// A digest that can be written to.
struct Digesting(Sha256);

impl std::io::Write for Digesting {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Result<Table> {
        Table::from_reader(Reader::new(std::io::Cursor::new(text.to_owned()), None)?)
    }

    #[test]
    fn cells_are_kept_as_their_source_typed_them() {
        let t = table("a,,b\n1,x,\" \"\n,y,z\n").unwrap();
        assert_eq!((t.n_rows(), t.line(1)), (2, 3));
        assert_eq!(t.column("a").unwrap().cell(0), Cell::Raw("1".into()));
        assert_eq!(t.column("a").unwrap().text(1), None);
        assert_eq!(t.column("b").unwrap().cell(0), Cell::Missing);
        assert_eq!(t.column("b").unwrap().text(1), Some("z"));

        let t =
            table("{\"a\": 1e2, \"b\": \"1\"}\n{\"c\": [1], \"a\": true, \"d\": {}}\n{\"b\": 1, \"b\": 2}\n").unwrap();
        assert_eq!(t.columns().iter().map(Column::name).collect::<Vec<_>>(), ["a", "b", "c", "d"]);
        let cells = |name| (0..3).map(|row| t.column(name).unwrap().cell(row)).collect::<Vec<_>>();
        assert_eq!(cells("a"), [Cell::Number(100.0), Cell::Flag(true), Cell::Missing]);
        assert_eq!(cells("b"), [Cell::Text("1".into()), Cell::Missing, Cell::Other(TWICE)]);
        assert_eq!(cells("c"), [Cell::Missing, Cell::Other("array"), Cell::Missing]);
        assert_eq!(cells("d"), [Cell::Missing, Cell::Other("object"), Cell::Missing]);
    }

    #[test]
    fn a_column_that_is_not_there_gets_a_suggestion() {
        let message = table("income,age\n1,2\n").unwrap().column("incme").unwrap_err().to_string();
        assert_eq!(message, "the data has no column `incme` (did you mean `income`?)");
    }

    #[test]
    fn the_digest_is_that_of_the_plainest_csv() {
        let plain = "a,b\n1,\"x,y\"\n,z\n";
        let expected: [u8; 32] = Sha256::digest(plain).into();
        for text in [plain, "a,b\r\n\"1\",\"x,y\"\r\n\"\",z", "{\"a\": 1, \"b\": \"x,y\"}\n{\"b\": \"z\"}"] {
            assert_eq!(table(text).unwrap().sha256(), expected, "{text:?}");
        }
        assert_ne!(table("a,b\n1,\"x,y\"\n0,z\n").unwrap().sha256(), expected);
    }

    #[test]
    fn bytes_that_are_no_text_are_refused_by_place() {
        let reader = Reader::new(&b"a,b\n1,2\n3,\xff\n"[..], None).unwrap();
        let message = Table::from_reader(reader).unwrap_err().to_string();
        assert_eq!(message, "line 3: column `b` holds bytes that are not UTF-8: save the file as UTF-8");
    }
}
