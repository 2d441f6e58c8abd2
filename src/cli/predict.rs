//! `hedgerow predict`: a file of records to a file of answers, in order, on all cores.

use super::answer::{self, Line, Source};
use super::output::{self, Output};
use super::stream::{self, Lines, Sink};
use super::{Outcome, model};
use crate::data;
use crate::engine::{Answer, Engine, Options};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::schema::{Cell, Code, Field, Record, Schema, Violation};
use crate::time;
use indicatif::{ProgressBar, ProgressStyle};
use std::collections::BTreeMap;
use std::io::{IsTerminal, Write};
use std::num::NonZero;
use std::path::{Path, PathBuf};
use std::sync::Arc;
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
    /// How many threads work; by default one per core
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
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
    let engine = Engine::load(&file, options).map_err(|e| e.context(args.model.display().to_string()))?;

    let reader = match args.data == Path::new("-") {
        true => data::Reader::new(std::io::stdin(), None).map_err(|e| e.context("standard input"))?,
        false => data::Reader::open(&args.data)?,
    };
    let columns = reader.columns().map(<[String]>::to_vec);
    if let Some(columns) = &columns {
        check_columns(args, columns, &engine.artifact().schema)?;
    }
    let job = Arc::new(Job::new(args, &engine, reader.format(), columns.as_deref())?);
    let head = job.head()?;
    let mut answers =
        Answers { out: Output::create(&args.out)?, rejected: Rejections::default(), rows: 0, bar: progress(args) };
    answers.out.write_all(&head)?;
    let threads = args.threads.map_or_else(cores, usize::from);
    let workers = (0..threads).map(|_| {
        let (mut engine, job) = (engine.fork(), Arc::clone(&job));
        move |lines: Lines| job.answer(&mut engine, &lines)
    });
    let name = args.data.display().to_string();
    stream::in_order(reader, name, !args.data.is_file(), workers.collect(), &mut answers)?;
    answers.out.finish()?;
    answers.bar.finish_and_clear();
    Ok(answers.rejected.conclude(answers.rows))
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

/// What answering takes besides an engine: the same for all threads.
struct Job {
    form: Form,
    keep: Vec<String>,
    as_of: Option<f64>,
    as_of_column: Option<String>,
    /// Of a CSV file: the column of each field.
    columns: Option<Vec<Option<usize>>>,
    now: f64,
    classes: Vec<String>,
    name: String,
    version: String,
    id: String,
}

/// How answers are written.
#[derive(Clone, Copy)]
enum Form {
    Csv { delimiter: u8 },
    Json,
}

/// The answers to some records, written.
struct Made {
    text: Vec<u8>,
    rows: u64,
    /// Their lines.
    rejected: Vec<(u64, Vec<Violation>)>,
    bytes: u64,
}

/// A line whose columns were looked up by name once for all.
struct Row<'a> {
    line: &'a data::Line,
    columns: Option<&'a [Option<usize>]>,
}

impl Record for Row<'_> {
    fn cell(&self, i: usize, field: &Field) -> Cell<'_> {
        match self.columns {
            Some(columns) => columns.get(i).copied().flatten().map_or(Cell::Missing, |column| self.line.at(column)),
            None => self.line.get(&field.name),
        }
    }

    fn extra(&self, schema: &Schema) -> Vec<String> {
        self.line.extra(schema)
    }
}

impl Job {
    fn new(args: &Args, engine: &Engine, input: data::Format, columns: Option<&[String]>) -> Result<Job> {
        let named = match args.out.extension().and_then(|e| e.to_str()) {
            Some("csv" | "tsv") => Some(Format::Csv),
            Some("jsonl" | "ndjson") => Some(Format::Jsonl),
            _ => None,
        };
        let as_read = match input {
            data::Format::Csv => Format::Csv,
            data::Format::JsonLines => Format::Jsonl,
        };
        let form = match args.format.or(named).unwrap_or(as_read) {
            Format::Jsonl => Form::Json,
            Format::Csv => {
                Form::Csv { delimiter: if args.out.extension().is_some_and(|e| e == "tsv") { b'\t' } else { b',' } }
            }
        };
        let artifact = engine.artifact();
        let fields = artifact.schema.fields.iter();
        let column = |columns: &[String], field: &Field| columns.iter().position(|name| *name == field.name);
        Ok(Job {
            form,
            keep: args.keep.clone(),
            as_of: args.as_of,
            as_of_column: args.as_of_column.clone(),
            columns: columns.map(|columns| fields.map(|field| column(columns, field)).collect()),
            now: output::now(),
            classes: artifact.classes.clone(),
            name: artifact.name.clone(),
            version: artifact.version.clone(),
            id: engine.id().to_string(),
        })
    }

    /// What stands before the answers.
    fn head(&self) -> Result<Vec<u8>> {
        let Form::Csv { delimiter } = self.form else { return Ok(Vec::new()) };
        let answers: Vec<String> = std::iter::once("prediction".to_string())
            .chain(self.classes.iter().map(|label| format!("probability_{label}")))
            .collect();
        if let Some(twice) = self.keep.iter().find(|name| answers.contains(name)) {
            let message = format!("the column `{twice}` cannot be kept: the answers have one of that name");
            return Err(Error::new(ErrorKind::Config, message));
        }
        let mut csv = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        csv.write_record(self.keep.iter().chain(&answers)).map_err(unwritten)?;
        csv.into_inner().map_err(|e| Error::from(e.into_error()))
    }

    fn answer(&self, engine: &mut Engine, lines: &Lines) -> Result<Made> {
        let rows: Vec<Row<'_>> =
            lines.lines.iter().map(|line| Row { line, columns: self.columns.as_deref() }).collect();
        let answers = match &self.as_of_column {
            None => {
                let records: Vec<&dyn Record> = rows.iter().map(|row| row as &dyn Record).collect();
                engine.predict_batch(&records, self.as_of, self.now)?
            }
            Some(column) => {
                let answers = rows.iter().map(|row| self.answer_at(engine, row, column).map(Answer::into_owned));
                answers.collect::<Result<_>>()?
            }
        };
        let text = match self.form {
            Form::Csv { delimiter } => self.csv(&lines.lines, &answers, delimiter)?,
            Form::Json => self.json(&lines.lines, &answers)?,
        };
        let rejected = answers.into_iter().zip(&lines.lines).filter_map(|(answer, line)| match answer {
            Answer::Rejected(violations) => Some((line.number(), violations)),
            Answer::Prediction(_) => None,
        });
        Ok(Made { text, rows: lines.lines.len() as u64, rejected: rejected.collect(), bytes: lines.bytes })
    }

    /// The answer as of the time that the record itself names.
    fn answer_at<'e>(&self, engine: &'e mut Engine, row: &Row<'_>, column: &str) -> Result<Answer<'e>> {
        match event_time(column, &row.line.get(column)) {
            Ok(as_of) => engine.predict(row, Some(as_of), self.now),
            Err(violation) => {
                let mut violations = match engine.predict(row, None, self.now)? {
                    Answer::Rejected(violations) => violations,
                    Answer::Prediction(_) => Vec::new(),
                };
                violations.push(violation);
                Ok(Answer::Rejected(violations))
            }
        }
    }

    fn csv(&self, lines: &[data::Line], answers: &[Answer<'_>], delimiter: u8) -> Result<Vec<u8>> {
        let mut out = csv::WriterBuilder::new().delimiter(delimiter).from_writer(Vec::new());
        let mut number = ryu_js::Buffer::new();
        for (line, answer) in lines.iter().zip(answers) {
            for name in &self.keep {
                out.write_field(line.text(name).unwrap_or_default().as_bytes()).map_err(unwritten)?;
            }
            match answer {
                Answer::Prediction(p) => {
                    out.write_field(&self.classes[p.class_index]).map_err(unwritten)?;
                    for &value in p.probability.iter() {
                        out.write_field(answer::number(&mut number, value)).map_err(unwritten)?;
                    }
                }
                Answer::Rejected(_) => {
                    for _ in 0..=self.classes.len() {
                        out.write_field("").map_err(unwritten)?;
                    }
                }
            }
            out.write_record(None::<&[u8]>).map_err(unwritten)?;
        }
        out.into_inner().map_err(|e| Error::from(e.into_error()))
    }

    fn json(&self, lines: &[data::Line], answers: &[Answer<'_>]) -> Result<Vec<u8>> {
        let source = Source { classes: &self.classes, name: &self.name, version: &self.version, id: &self.id };
        let mut out = Vec::new();
        for (line, answer) in lines.iter().zip(answers) {
            let kept = (!self.keep.is_empty())
                .then(|| self.keep.iter().map(|name| (name.clone(), value(line, name))).collect());
            Line { kept: kept.as_ref(), answer, source: &source, now: self.now }.write(&mut out)?;
        }
        Ok(out)
    }
}

/// Where answers go, and what is told of them.
struct Answers {
    out: Output,
    rejected: Rejections,
    rows: u64,
    bar: ProgressBar,
}

impl Sink<Made> for Answers {
    fn take(&mut self, made: Made) -> Result<()> {
        for (line, violations) in &made.rejected {
            self.rejected.tell(*line, violations, &self.bar);
        }
        self.rows += made.rows;
        self.bar.set_position(made.bytes);
        self.bar.set_message(output::thousands(self.rows));
        Ok(self.out.write_all(&made.text)?)
    }

    fn idle(&mut self) -> Result<()> {
        Ok(self.out.flush()?)
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
