//! `hedgerow predict`: a file of records to a file of answers, row by row.

use super::answer::{self, Line, Source};
use super::output::{self, Output};
use super::{Outcome, model};
use crate::data;
use crate::engine::{Answer, Engine, Options};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::schema::{Cell, Code, Schema, Violation};
use crate::time;
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How many rejected rows are told in full.
const SHOWN: u64 = 10;

/// Score a file of records
///
/// Reads CSV (with a header) or JSON Lines and writes one answer per record, in order.
///
/// CSV answers: the columns kept, `prediction`, then `probability_<label>` for each class; a rejected record has
/// these cells empty. JSON answers: what `model.predict` gives in JavaScript, the columns kept under `input`.
/// Exit code 1 if a record was rejected.
#[derive(clap::Args)]
pub struct Args {
    /// The model
    #[arg(value_name = "MODEL.hedge")]
    model: PathBuf,
    /// The records; `-` is standard input
    #[arg(value_name = "DATA", default_value = "-")]
    data: PathBuf,
    /// Where to write to; `-` is standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    out: PathBuf,
    /// How to write; by default as the name of --out says, or else as the records are written
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Columns of the records to copy into the answers
    #[arg(long, value_name = "COLUMN,…", value_delimiter = ',')]
    keep: Vec<String>,
    /// What `now()` means in the model's features: ISO 8601 (UTC without an offset) or epoch milliseconds; by default now
    #[arg(long, value_name = "TIME", value_parser = instant)]
    as_of: Option<f64>,
    /// The column that holds, for each record, what `now()` means
    #[arg(long, value_name = "COLUMN", conflicts_with = "as_of")]
    as_of_column: Option<String>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
enum Format {
    /// Comma-separated values; tabs where --out ends in .tsv
    Csv,
    /// JSON Lines: an object per line
    Jsonl,
}

fn instant(text: &str) -> Result<f64, String> {
    time::parse(text).ok_or_else(|| {
        "it must be an instant such as 2026-01-31, 2026-01-31T12:00:00Z, or epoch milliseconds".to_string()
    })
}

pub fn run(args: &Args) -> Result<Outcome> {
    let file = model::bytes(&args.model)?;
    // No two rows of a batch need the same answer remembered.
    let options = Options { cache_entries: 0, ..Options::default() };
    let mut engine = Engine::load(&file, options).map_err(|e| e.context(args.model.display().to_string()))?;
    let id = engine.id().to_string();
    let now = output::now();

    let mut reader = match args.data == Path::new("-") {
        true => data::Reader::new(std::io::stdin(), None).map_err(|e| e.context("standard input"))?,
        false => data::Reader::open(&args.data)?,
    };
    let columns = reader.columns().map(<[String]>::to_vec);
    if let Some(columns) = &columns {
        check_columns(args, columns, &engine.artifact().schema)?;
    }
    let (name, version) = (engine.artifact().name.clone(), engine.artifact().version.clone());
    let classes = engine.artifact().classes.clone();
    let source = Source { classes: &classes, name: &name, version: &version, id: &id };
    let mut writer = Writer::new(args, reader.format(), &source, now)?;
    let mut rejected = Rejections::default();
    let bar = progress(args);

    let mut rows: u64 = 0;
    while let Some(line) = reader.next() {
        let line = line.map_err(|e| e.context(args.data.display().to_string()))?;
        let answer = answer(&mut engine, &line, args, now)?;
        if let Answer::Rejected(violations) = &answer {
            rejected.tell(line.number(), violations, &bar);
        }
        writer.write(&line, &answer)?;
        rows += 1;
        if rows.is_multiple_of(256) {
            bar.set_position(reader.bytes());
            bar.set_message(output::thousands(rows));
        }
    }
    writer.finish()?;
    bar.finish_and_clear();
    Ok(rejected.conclude(rows))
}

fn answer<'e>(engine: &'e mut Engine, line: &data::Line, args: &Args, now: f64) -> Result<Answer<'e>> {
    let Some(column) = &args.as_of_column else { return engine.predict(line, args.as_of, now) };
    match event_time(column, &line.get(column)) {
        Ok(as_of) => engine.predict(line, Some(as_of), now),
        Err(violation) => {
            let mut violations = match engine.predict(line, None, now)? {
                Answer::Rejected(violations) => violations,
                Answer::Prediction(_) => Vec::new(),
            };
            violations.push(violation);
            Ok(Answer::Rejected(violations))
        }
    }
}

fn event_time(column: &str, cell: &Cell<'_>) -> Result<f64, Violation> {
    let found = match cell {
        Cell::Raw(text) | Cell::Text(text) if !text.trim().is_empty() => time::parse(text.trim()),
        Cell::Number(millis) if millis.is_finite() => {
            Some(millis / 1000.0).filter(|at| (time::MIN..=time::MAX).contains(at))
        }
        Cell::Time(at) => Some(*at),
        Cell::Missing | Cell::Raw(_) | Cell::Number(_) => {
            let message = "the record has no event time".to_string();
            return Err(Violation { field: column.to_string(), code: Code::Missing, message });
        }
        _ => None,
    };
    found.ok_or_else(|| {
        let message = "the event time must be ISO 8601 or epoch milliseconds".to_string();
        Violation { field: column.to_string(), code: Code::Type, message }
    })
}

/// What is known from a CSV file's header: a name that is not there is a mistake in all rows, and said once, before any.
fn check_columns(args: &Args, columns: &[String], schema: &Schema) -> Result<()> {
    let has = |name: &str| columns.iter().any(|c| c == name);
    let absent = |name: &str, what: &str| {
        let hint = did_you_mean(name, columns.iter().map(String::as_str));
        Error::new(ErrorKind::Data, format!("{} has no column `{name}`{hint}{what}", args.data.display()))
    };
    for field in schema.fields.iter().filter(|f| !has(&f.name)) {
        if field.required {
            return Err(absent(&field.name, ", which the model needs"));
        }
        output::warn(&format!("{}: it counts as missing in every row", absent(&field.name, "")));
    }
    match args.keep.iter().chain(&args.as_of_column).find(|name| !has(name)) {
        Some(name) => Err(absent(name, "")),
        None => Ok(()),
    }
}

/// Answers, on their way out.
enum Writer<'a> {
    Csv { out: Box<csv::Writer<Output>>, keep: &'a [String], source: &'a Source<'a>, number: ryu_js::Buffer },
    Json { out: Output, keep: &'a [String], source: &'a Source<'a>, now: f64 },
}

impl<'a> Writer<'a> {
    fn new(args: &'a Args, input: data::Format, source: &'a Source<'a>, now: f64) -> Result<Self> {
        let named = match args.out.extension().and_then(|e| e.to_str()) {
            Some("csv" | "tsv") => Some(Format::Csv),
            Some("jsonl" | "ndjson") => Some(Format::Jsonl),
            _ => None,
        };
        let as_read = match input {
            data::Format::Csv => Format::Csv,
            data::Format::JsonLines => Format::Jsonl,
        };
        let keep = args.keep.as_slice();
        match args.format.or(named).unwrap_or(as_read) {
            Format::Jsonl => Ok(Writer::Json { out: Output::create(&args.out)?, keep, source, now }),
            Format::Csv => {
                let answers: Vec<String> = std::iter::once("prediction".to_string())
                    .chain(source.classes.iter().map(|label| format!("probability_{label}")))
                    .collect();
                if let Some(twice) = keep.iter().find(|name| answers.contains(name)) {
                    let message = format!("the column `{twice}` cannot be kept: the answers have one of that name");
                    return Err(Error::new(ErrorKind::Config, message));
                }
                let tabs = args.out.extension().is_some_and(|e| e == "tsv");
                let mut csv = csv::WriterBuilder::new();
                csv.delimiter(if tabs { b'\t' } else { b',' });
                let mut out = Box::new(csv.from_writer(Output::create(&args.out)?));
                out.write_record(keep.iter().chain(&answers)).map_err(unwritten)?;
                Ok(Writer::Csv { out, keep, source, number: ryu_js::Buffer::new() })
            }
        }
    }

    fn write(&mut self, line: &data::Line, answer: &Answer<'_>) -> Result<()> {
        match self {
            Writer::Csv { out, keep, source, number } => {
                for name in *keep {
                    out.write_field(line.text(name).unwrap_or_default().as_bytes()).map_err(unwritten)?;
                }
                match answer {
                    Answer::Prediction(p) => {
                        out.write_field(&source.classes[p.class_index]).map_err(unwritten)?;
                        for &value in p.probability.iter() {
                            out.write_field(answer::number(number, value)).map_err(unwritten)?;
                        }
                    }
                    Answer::Rejected(_) => {
                        for _ in 0..=source.classes.len() {
                            out.write_field("").map_err(unwritten)?;
                        }
                    }
                }
                out.write_record(None::<&[u8]>).map_err(unwritten)
            }
            Writer::Json { out, keep, source, now } => {
                let kept =
                    (!keep.is_empty()).then(|| keep.iter().map(|name| (name.clone(), value(line, name))).collect());
                Ok(Line { kept: kept.as_ref(), answer, source, now: *now }.write(out)?)
            }
        }
    }

    fn finish(self) -> Result<()> {
        match self {
            Writer::Csv { out, .. } => out.into_inner().map_err(|e| Error::from(e.into_error()))?.finish(),
            Writer::Json { out, .. } => out.finish(),
        }
    }
}

fn unwritten(error: csv::Error) -> Error {
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error.into(),
        other => Error::new(ErrorKind::Io, format!("the answers cannot be written as CSV: {other:?}")),
    }
}

/// A value to be kept, as JSON.
fn value(line: &data::Line, name: &str) -> serde_json::Value {
    match line.get(name) {
        Cell::Missing => serde_json::Value::Null,
        Cell::Number(v) => v.into(),
        Cell::Flag(v) => v.into(),
        Cell::Other(_) => line.text(name).and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default(),
        _ => line.text(name).map(std::borrow::Cow::into_owned).into(),
    }
}

/// What is said of rejected rows: the first in full, then how many for which reason.
#[derive(Default)]
struct Rejections {
    rows: u64,
    codes: BTreeMap<String, u64>,
}

impl Rejections {
    fn tell(&mut self, line: u64, violations: &[Violation], bar: &ProgressBar) {
        self.rows += 1;
        for violation in violations {
            *self.codes.entry(violation.code.as_str().to_string()).or_default() += 1;
        }
        if self.rows <= SHOWN {
            bar.suspend(|| {
                for violation in violations {
                    let (field, message) = (output::clean(&violation.field), output::clean(&violation.message));
                    anstream::eprintln!("line {line}: {field}: {message}");
                }
            });
        }
    }

    fn conclude(&self, rows: u64) -> Outcome {
        if self.rows == 0 {
            return Outcome::Fine;
        }
        let codes: Vec<String> = self.codes.iter().map(|(code, n)| format!("{code} {n}")).collect();
        let shown = if self.rows > SHOWN { format!("; the first {SHOWN} are above") } else { String::new() };
        output::warn(&format!("{} of {rows} records were rejected ({}){shown}", self.rows, codes.join(", ")));
        Outcome::No
    }
}

/// A line that counts on a terminal which does not also show the answers; nothing elsewhere.
fn progress(args: &Args) -> ProgressBar {
    let answers_on_terminal = args.out == Path::new("-") && std::io::stdout().is_terminal();
    if answers_on_terminal || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    // What comes through a pipe has no length.
    let length = std::fs::metadata(&args.data).ok().filter(|m| m.is_file()).map(|m| m.len());
    let (bar, template) = match length {
        Some(length) => {
            (ProgressBar::new(length), "{wide_bar} {percent:>3} % {binary_bytes_per_sec}, {msg} records, {eta} left")
        }
        None => (ProgressBar::no_length(), "{spinner} {binary_bytes}, {msg} records, {elapsed}"),
    };
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_message("0");
    bar.enable_steady_tick(Duration::from_millis(100));
    bar
}
