//! Files as streams of records, with a limit on everything that a file could make large.

use super::json::{self, Object};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::schema::{Cell, Field, MAX_FIELDS, MAX_NAME, Record, Schema};
use csv::ByteRecord;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Cursor, Read};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The most bytes one record may take, and a header.
pub const MAX_RECORD: usize = 1 << 20;

/// How records are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Comma-separated values with a header (RFC 4180), UTF-8; `.tsv` files have tabs in place of the commas.
    Csv,
    /// One JSON object per line, UTF-8.
    JsonLines,
}

/// A file being read: an iterator over its records.
///
/// A record that cannot be read (a CSV line with too few cells, a line that is no JSON object, more than [`MAX_RECORD`]
/// bytes) is an error that names its line; what follows it can still be read, except after the source itself failed or a CSV record
/// was too long. Empty lines are passed over.
///
/// ```
/// use hedgerow::data::{Format, Reader};
/// use hedgerow::schema::Cell;
/// let mut reader = Reader::new(&b"age,city\n41,Bern\n"[..], None)?;
/// assert_eq!(reader.format(), Format::Csv);
/// let line = reader.next().unwrap()?;
/// assert_eq!((line.number(), line.get("city")), (2, Cell::Raw("Bern".into())));
/// assert!(reader.next().is_none());
/// # Ok::<(), hedgerow::error::Error>(())
/// ```
pub struct Reader {
    source: Source,
    bytes: Arc<AtomicU64>,
    before: Arc<Mutex<Option<Before>>>,
    /// Set where nothing more can be read.
    done: bool,
}

enum Source {
    Csv { csv: csv::Reader<Budget>, header: Arc<Header> },
    Json { input: Box<dyn BufRead + Send>, line: u64 },
}

#[derive(Debug)]
struct Header {
    names: Vec<String>,
    index: HashMap<String, usize>,
}

/// One record of a file.
#[derive(Clone, Debug)]
pub struct Line {
    number: u64,
    cells: Cells,
}

#[derive(Clone, Debug)]
enum Cells {
    Csv { header: Arc<Header>, record: ByteRecord },
    Json(Object),
}

/// What is done before the source is asked for more.
type Before = Box<dyn FnMut() + Send>;

/// Counts what is read through it.
struct Counted<R> {
    input: R,
    bytes: Arc<AtomicU64>,
    before: Arc<Mutex<Option<Before>>>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if let Some(before) = self.before.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            before();
        }
        let n = self.input.read(buffer)?;
        self.bytes.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

impl Reader {
    /// Opens a file. Its extension (`.csv`, `.tsv`, `.jsonl`, `.ndjson`, `.json`), or else its first byte, says how it is written.
    pub fn open(path: &Path) -> Result<Reader> {
        let opening = || format!("reading {}", path.display());
        let file = std::fs::File::open(path).map_err(|e| Error::from(e).context(opening()))?;
        let extension = path.extension().map(|e| e.to_string_lossy().to_ascii_lowercase());
        let (format, delimiter) = match extension.as_deref() {
            Some("csv") => (Some(Format::Csv), b','),
            Some("tsv") => (Some(Format::Csv), b'\t'),
            Some("jsonl" | "ndjson" | "json") => (Some(Format::JsonLines), b','),
            _ => (None, b','),
        };
        Reader::build(file, format, delimiter).map_err(|e| e.context(opening()))
    }

    /// Reads from any source; where no format is given, the first byte decides: `{` begins JSON Lines.
    pub fn new(input: impl Read + Send + 'static, format: Option<Format>) -> Result<Reader> {
        Reader::build(input, format, b',')
    }

    fn build(input: impl Read + Send + 'static, format: Option<Format>, delimiter: u8) -> Result<Reader> {
        let (bytes, before) = (Arc::new(AtomicU64::new(0)), Arc::new(Mutex::new(None)));
        let counted = Counted { input, bytes: Arc::clone(&bytes), before: Arc::clone(&before) };
        let mut input: Box<dyn BufRead + Send> = Box::new(BufReader::with_capacity(1 << 16, counted));
        let mut head = head(&mut input)?;
        if head.starts_with(BOM) {
            head.drain(..BOM.len());
        }
        let format = format.unwrap_or(if head.last() == Some(&b'{') { Format::JsonLines } else { Format::Csv });
        let input: Box<dyn BufRead + Send> = Box::new(Cursor::new(head).chain(input));
        let source = match format {
            Format::JsonLines => Source::Json { input, line: 0 },
            Format::Csv => {
                let budget = Budget { input, left: MAX_RECORD, crlf: None, last: 0 };
                let mut csv =
                    csv::ReaderBuilder::new().delimiter(delimiter).buffer_capacity(1 << 16).from_reader(budget);
                let header = Arc::new(Header::read(csv.byte_headers().map_err(|e| unreadable(&e))?)?);
                Source::Csv { csv, header }
            }
        };
        Ok(Reader { source, bytes, before, done: false })
    }

    /// Has `work` done each time before the source is asked for more, which may take as long as the source pleases: what was read until
    /// then need not wait for it.
    pub fn before_waiting(&mut self, work: impl FnMut() + Send + 'static) {
        *self.before.lock().unwrap_or_else(PoisonError::into_inner) = Some(Box::new(work));
    }

    /// How many bytes of the source have been read; a buffer ahead of the records.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// What [`bytes`](Self::bytes) says, for another thread.
    pub fn counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.bytes)
    }

    /// How the records are written.
    pub fn format(&self) -> Format {
        match self.source {
            Source::Csv { .. } => Format::Csv,
            Source::Json { .. } => Format::JsonLines,
        }
    }

    /// The header of a CSV file; `None` for JSON Lines.
    pub fn columns(&self) -> Option<&[String]> {
        match &self.source {
            Source::Csv { header, .. } => Some(&header.names),
            Source::Json { .. } => None,
        }
    }

    /// Whether a CSV file has a column for every field of `schema`; the error names those that are not there. A JSON object
    /// may leave any name out, so JSON Lines always pass.
    pub fn require(&self, schema: &Schema) -> Result<()> {
        let Some(columns) = self.columns() else { return Ok(()) };
        let absent: Vec<&str> =
            schema.fields.iter().map(|f| f.name.as_str()).filter(|name| !columns.iter().any(|c| c == name)).collect();
        let Some(first) = absent.first() else { return Ok(()) };
        let guess = did_you_mean(first, columns.iter().map(String::as_str));
        let more =
            if absent.len() > 1 { format!(", nor {} others the model reads", absent.len() - 1) } else { String::new() };
        Err(Error::new(ErrorKind::Data, format!("the data has no column `{first}`{guess}{more}")))
    }
}

impl Iterator for Reader {
    type Item = Result<Line>;

    fn next(&mut self) -> Option<Result<Line>> {
        if self.done {
            return None;
        }
        let read = match &mut self.source {
            Source::Csv { csv, header } => next_csv(csv, header),
            Source::Json { input, line } => next_json(input, line),
        };
        match read {
            Ok(line) => {
                self.done = line.is_none();
                line.map(Ok)
            }
            Err(e) => {
                self.done = e.kind() == ErrorKind::Io;
                Some(Err(e))
            }
        }
    }
}

fn next_csv(csv: &mut csv::Reader<Budget>, header: &Arc<Header>) -> Result<Option<Line>> {
    csv.get_mut().left = MAX_RECORD;
    let mut record = ByteRecord::with_capacity(128, header.names.len());
    match csv.read_byte_record(&mut record) {
        Ok(false) => Ok(None),
        Ok(true) => {
            let number = csv.get_ref().line(record.position());
            Ok(Some(Line { number, cells: Cells::Csv { header: header.clone(), record } }))
        }
        Err(e) => {
            let at = csv.position().clone();
            let line = csv.get_ref().line(e.position().or(Some(&at)));
            Err(match e.kind() {
                csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                    let message =
                        format!("line {line} has {len} cells, the header {expected_len}: each must have as many");
                    Error::new(ErrorKind::Data, message)
                }
                _ => unreadable(&e).context(format!("line {line}")),
            })
        }
    }
}

fn next_json(input: &mut Box<dyn BufRead + Send>, line: &mut u64) -> Result<Option<Line>> {
    loop {
        *line += 1;
        let refuse = |what: &str| Error::new(ErrorKind::Data, format!("line {line}: {what}"));
        let mut bytes = Vec::new();
        input.take(MAX_RECORD as u64 + 1).read_until(b'\n', &mut bytes)?;
        if bytes.is_empty() {
            return Ok(None);
        }
        if bytes.len() > MAX_RECORD && bytes.last() != Some(&b'\n') {
            skip_line(input)?;
            return Err(refuse("it is longer than 1 MiB, the most a record may take"));
        }
        if bytes.trim_ascii().is_empty() {
            continue;
        }
        let text = String::from_utf8(bytes).map_err(|e| {
            refuse(&format!("byte {} is not UTF-8: save the file as UTF-8", e.utf8_error().valid_up_to() + 1))
        })?;
        let object = Object::parse(text).map_err(|e| e.context(format!("line {line}")))?;
        return Ok(Some(Line { number: *line, cells: Cells::Json(object) }));
    }
}

/// Passes over what is left of a line.
fn skip_line(input: &mut dyn BufRead) -> Result<()> {
    loop {
        let bytes = input.fill_buf()?;
        let end = bytes.iter().position(|b| *b == b'\n');
        let used = end.map_or(bytes.len(), |k| k + 1);
        input.consume(used);
        if end.is_some() || used == 0 {
            return Ok(());
        }
    }
}

impl Header {
    fn read(record: &ByteRecord) -> Result<Header> {
        let refuse = |message: String| Err(Error::new(ErrorKind::Data, message));
        if record.is_empty() {
            return refuse("the file is empty: a header line with the names of the columns is expected".into());
        }
        if record.len() > MAX_FIELDS {
            return refuse(format!("the header has {} columns: at most {MAX_FIELDS} are allowed", record.len()));
        }
        let mut header =
            Header { names: Vec::with_capacity(record.len()), index: HashMap::with_capacity(record.len()) };
        for (k, bytes) in record.iter().enumerate() {
            let Ok(name) = std::str::from_utf8(bytes) else {
                return refuse(format!("the name of column {} is not UTF-8: save the file as UTF-8", k + 1));
            };
            let name = name.trim();
            if name.len() > MAX_NAME {
                return refuse(format!("the name of column {} is longer than {MAX_NAME} bytes", k + 1));
            }
            // Tables saved with a row number have a first column without a name: it can be copied by nobody, but it does no harm.
            if !name.is_empty()
                && let Some(first) = header.index.insert(name.to_owned(), k)
            {
                return refuse(format!(
                    "columns {} and {} are both named `{name}`: names must differ",
                    first + 1,
                    k + 1
                ));
            }
            header.names.push(name.to_owned());
        }
        if let [only] = &header.names[..]
            && let Some(other) = [';', '\t', '|'].into_iter().find(|c| only.contains(*c))
        {
            return refuse(format!(
                "the header has one column and many {other:?}: separate columns by commas (or by tabs in a .tsv file)"
            ));
        }
        Ok(header)
    }
}

impl Line {
    /// The line of the file it begins on; the first is 1. In CSV, empty lines just before it count as its own.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// The value under `name`, as its source holds it.
    pub fn get(&self, name: &str) -> Cell<'_> {
        match &self.cells {
            Cells::Csv { header, record } => header.index.get(name).map_or(Cell::Missing, |&k| raw(record, k)),
            Cells::Json(object) => object.get(name),
        }
    }

    /// The cell of a CSV file's column, counted from 0; of anything else a missing value.
    pub fn at(&self, column: usize) -> Cell<'_> {
        match &self.cells {
            Cells::Csv { record, .. } => raw(record, column),
            Cells::Json(_) => Cell::Missing,
        }
    }

    /// The value under `name` as text, to be copied elsewhere: a CSV cell as it is, a JSON text without its quotes, any other
    /// JSON value as it is written; `None` where it is absent or null.
    pub fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        match &self.cells {
            Cells::Csv { header, record } => {
                header.index.get(name).and_then(|&k| record.get(k)).map(String::from_utf8_lossy)
            }
            Cells::Json(object) => match object.written(name)? {
                "null" => None,
                written if written.starts_with('"') => Some(json::unquote(written)),
                written => Some(Cow::Borrowed(written)),
            },
        }
    }

    /// The names it has a value (or a cell) for, each once, in the order of the file.
    pub fn names(&self) -> Vec<&str> {
        match &self.cells {
            Cells::Csv { header, .. } => header.names.iter().map(String::as_str).filter(|n| !n.is_empty()).collect(),
            Cells::Json(object) => object.names(),
        }
    }
}

impl Record for Line {
    fn cell(&self, _: usize, field: &Field) -> Cell<'_> {
        self.get(&field.name)
    }

    fn extra(&self, schema: &Schema) -> Vec<String> {
        let known: std::collections::HashSet<&str> = schema.fields.iter().map(|f| f.name.as_str()).collect();
        self.names().into_iter().filter(|name| !known.contains(name)).map(str::to_owned).collect()
    }
}

fn raw(record: &ByteRecord, column: usize) -> Cell<'_> {
    match record.get(column).map(std::str::from_utf8) {
        None => Cell::Missing,
        Some(Ok(text)) => Cell::Raw(Cow::Borrowed(text)),
        Some(Err(_)) => Cell::Other(NOT_UTF8),
    }
}

/// What stands for a CSV cell that is no text.
pub(super) const NOT_UTF8: &str = "bytes that are not UTF-8";

const BOM: &[u8] = b"\xef\xbb\xbf";

/// Takes bytes up to the first that is neither part of a byte order mark nor white space, and that one; no further, so that a
/// record typed into a pipe is answered before the next.
fn head(input: &mut dyn BufRead) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut byte = [0];
    while head.len() < MAX_RECORD && input.read(&mut byte)? == 1 {
        head.push(byte[0]);
        let past = head.strip_prefix(BOM).unwrap_or(&head);
        if !BOM.starts_with(past) && !past.trim_ascii().is_empty() {
            break;
        }
    }
    Ok(head)
}

/// A source that gives so many bytes and then fails, so that a quote nobody closes does not take the memory.
struct Budget {
    input: Box<dyn BufRead + Send>,
    left: usize,
    /// Whether the first line ended in `\r\n`; unknown until it has ended.
    crlf: Option<bool>,
    last: u8,
}

impl Budget {
    /// The line a position of the `csv` crate is on. It ends a line at `\r` and counts it at the `\n` after, which then belongs
    /// to the next record.
    fn line(&self, at: Option<&csv::Position>) -> u64 {
        at.map_or(0, csv::Position::line) + u64::from(self.crlf == Some(true))
    }
}

impl Read for Budget {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        if self.left == 0 && !self.input.fill_buf()?.is_empty() {
            return Err(std::io::Error::other(
                "it is longer than 1 MiB, the most a record may take (is a quote left open?)",
            ));
        }
        let most = buffer.len().min(self.left);
        let n = self.input.read(&mut buffer[..most])?;
        self.left -= n;
        if self.crlf.is_none() {
            let newline = buffer[..n].iter().position(|b| *b == b'\n');
            self.crlf = newline.map(|k| if k == 0 { self.last } else { buffer[k - 1] } == b'\r');
            self.last = buffer[..n].last().copied().unwrap_or(self.last);
        }
        Ok(n)
    }
}

fn unreadable(e: &csv::Error) -> Error {
    match e.kind() {
        csv::ErrorKind::Io(io) => Error::new(ErrorKind::Io, io.to_string()),
        _ => Error::new(ErrorKind::Data, e.to_string()),
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
