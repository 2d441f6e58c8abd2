//! `hedgerow train`: a table and a config to a `.hedge` file, its metrics and its report.

use super::{Outcome, inspect, output};
use crate::data::Table;
use crate::error::{Error, ErrorKind, Result};
use crate::metrics::Metrics;
use crate::pipeline::Derived;
use crate::profile::Profile;
use crate::schema::Schema;
use crate::train::config::{ModelKind, bytes, seconds};
use crate::train::{Config, Evaluation, Progress, Trained, fit};
use indicatif::{ProgressBar, ProgressStyle};
use memory_stats::memory_stats;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

/// Train a classifier on a table and write it as one file
///
/// The kinds of the columns are inferred and shown; a part of the rows is held out for the metrics. What is given here goes
/// before what the config says. The same table, config and seed give the same file, byte for byte.
#[derive(clap::Args)]
#[command(disable_version_flag = true)]
pub struct Args {
    /// The rows, as CSV or JSON Lines; may be left out where the config has `data.train_path`
    #[arg(value_name = "DATA")]
    data: Option<PathBuf>,
    /// Where to write the model
    #[arg(long, short, value_name = "FILE.hedge")]
    out: PathBuf,
    /// The column to predict
    #[arg(long, value_name = "COLUMN")]
    target: Option<String>,
    /// The kind of model: gradient_boosting (default), xgboost, random_forest, extra_trees, logistic_regression, svm, mlp, gaussian_nb, stacking or voting
    #[arg(long, value_name = "TYPE")]
    model: Option<ModelKind>,
    /// A YAML config; see the README for its keys
    #[arg(long, value_name = "FILE.yaml")]
    config: Option<PathBuf>,
    /// A parameter of the model, e.g. learning_rate=0.05; may be given several times
    #[arg(long, value_name = "PARAMETER=VALUE", value_parser = setting)]
    set: Vec<(String, serde_json::Value)>,
    /// The column with each row's event time: what `now()` means in derived features
    #[arg(long, value_name = "COLUMN")]
    as_of_column: Option<String>,
    /// Of two labels the one that becomes class 1; by default the later in sorted order
    #[arg(long, value_name = "LABEL")]
    positive: Option<String>,
    /// Rows for test metrics, which the fit never sees
    #[arg(long, value_name = "DATA")]
    test: Option<PathBuf>,
    /// What every random choice derives from (default 42)
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// The model's name; by default the data file's
    #[arg(long)]
    name: Option<String>,
    /// The model's version (default 1.0.0)
    #[arg(long = "version", value_name = "VERSION")]
    model_version: Option<String>,
    /// How long it may take, e.g. 90s, 10m, 2h; then it ends, and nothing is written
    #[arg(long, value_name = "TIME")]
    time_limit: Option<String>,
    /// How much memory it may take, e.g. 8GiB; then likewise
    #[arg(long, value_name = "SIZE")]
    memory_limit: Option<String>,
    /// Where to write the HTML report; by default beside the model
    #[arg(long, value_name = "FILE.html", conflicts_with = "no_report")]
    report: Option<PathBuf>,
    /// Write no report
    #[arg(long)]
    no_report: bool,
    /// Print what the file says of itself as JSON, in place of the text
    #[arg(long)]
    json: bool,
}

fn setting(text: &str) -> Result<(String, serde_json::Value), String> {
    let (name, value) = text.split_once('=').ok_or("it must be written PARAMETER=VALUE")?;
    let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
    Ok((name.trim().to_string(), value))
}

pub fn run(args: &Args) -> Result<Outcome> {
    if args.out == Path::new("-") {
        let message =
            "a model is written to a file, since standard output tells how the training went: name one with --out";
        return Err(Error::new(ErrorKind::Config, message));
    }
    let config = config(args)?;
    let Some(path) = &config.data.train_path else {
        let message = "there is no data: name a CSV or JSON Lines file, or a config with data.train_path";
        return Err(Error::new(ErrorKind::Config, message));
    };
    let limits = Limits::of(&config)?;
    let table = Table::read(path)?;
    let test = config.data.test_path.as_deref().map(Table::read).transpose()?;
    let bar = Bar::new(!args.json, limits);
    let trained = fit(&config, &table, test.as_ref(), &bar).map_err(|e| match e.kind() {
        ErrorKind::Data => e.context(path.display().to_string()),
        _ => e,
    })?;
    bar.bar.finish_and_clear();

    let file = trained.file()?;
    let report = report_path(args);
    if let Some(path) = &report {
        output::write(path, crate::report::training(&trained, &file)?.as_bytes())?;
    }
    output::write(&args.out, &file)?;
    if args.json {
        let header = serde_json::to_value(&trained.header).map_err(|e| Error::new(ErrorKind::Io, e.to_string()))?;
        output::print_json(&header)?;
    } else {
        tell(&trained, path, &args.out, file.len(), report.as_deref())?;
    }
    Ok(Outcome::Fine)
}

/// What the config says, with what was typed over it.
fn config(args: &Args) -> Result<Config> {
    let mut config = args.config.as_deref().map(Config::read).transpose()?.unwrap_or_default();
    let Config { model, data, training, seed, .. } = &mut config;
    if let Some(kind) = args.model {
        if kind != model.kind {
            model.parameters.clear(); // of another trainer
        }
        model.kind = kind;
    }
    model.parameters.extend(args.set.iter().cloned());
    model.name = args.name.clone().or(model.name.take());
    if let Some(version) = &args.model_version {
        model.version.clone_from(version);
    }
    data.train_path = args.data.clone().or(data.train_path.take());
    data.test_path = args.test.clone().or(data.test_path.take());
    data.target = args.target.clone().or(data.target.take());
    data.positive = args.positive.clone().or(data.positive.take());
    data.as_of_column = args.as_of_column.clone().or(data.as_of_column.take());
    *seed = args.seed.unwrap_or(*seed);
    training.time_limit = args.time_limit.clone().or(training.time_limit.take());
    training.memory_limit = args.memory_limit.clone().or(training.memory_limit.take());
    if data.target.is_none() {
        let message = "the column to predict is not named: give --target COLUMN, or data.target in the config";
        return Err(Error::new(ErrorKind::Config, message));
    }
    Ok(config)
}

fn report_path(args: &Args) -> Option<PathBuf> {
    match &args.report {
        _ if args.no_report => None,
        Some(path) => Some(path.clone()),
        // `/dev/null` and the like have nothing beside them.
        None if args.out.exists() && !args.out.is_file() => None,
        None => Some(args.out.with_extension("html")),
    }
}

/// What came of it, for a person.
fn tell(trained: &Trained, data: &Path, file: &Path, size: usize, report: Option<&Path>) -> Result<()> {
    let mut out = output::stdout();
    let bold = anstyle::Style::new().bold();
    let a = &trained.artifact;
    writeln!(out, "\n{bold}{} {}{bold:#}: {} from {}", a.name, a.version, a.model.family(), data.display())?;

    let rows: u64 = trained.class_counts.iter().sum();
    writeln!(out, "\n{bold}Classes{bold:#} ({} rows)", output::thousands(rows))?;
    let width = a.classes.iter().map(|c| c.chars().count()).max().unwrap_or(0).min(40);
    for (label, n) in a.classes.iter().zip(&trained.class_counts) {
        let share = 100.0 * *n as f64 / rows as f64;
        writeln!(out, "  {:width$} {:>11} {share:5.1} %", output::clean(label), output::thousands(*n))?;
    }

    writeln!(out, "\n{bold}Metrics{bold:#}")?;
    metrics(&mut out, "held-out", &trained.validation)?;
    if let Some(test) = &trained.test {
        metrics(&mut out, "test", test)?;
    }
    let shown: Vec<String> = trained
        .importance
        .iter()
        .take(5)
        .map(|(name, part)| format!("{} {:.0} %", output::clean(name), part * 100.0))
        .collect();
    if !shown.is_empty() {
        writeln!(out, "  what counts most: {}", shown.join(", "))?;
    }
    if !trained.notes.is_empty() {
        writeln!(out, "\n{bold}Notes{bold:#}")?;
        for note in &trained.notes {
            writeln!(out, "  {}", output::clean(note))?;
        }
    }
    write!(out, "\nwrote {} ({} bytes)", file.display(), output::thousands(size as u64))?;
    if let Some(report) = report {
        write!(out, " and its report {}", report.display())?;
    }
    writeln!(out)?;
    Ok(out.flush()?)
}

fn metrics(out: &mut impl Write, which: &str, evaluation: &Evaluation) -> Result<()> {
    let Metrics { rows, roc_auc, log_loss, accuracy, balanced_accuracy, f1, .. } = &evaluation.metrics;
    write!(out, "  {which:8} {:>8} rows  accuracy {accuracy:.4}", output::thousands(*rows as u64))?;
    if let Some(auc) = roc_auc {
        write!(out, "  ROC AUC {auc:.4}")?;
    }
    writeln!(out, "  log loss {log_loss:.4}  balanced accuracy {balanced_accuracy:.4}  F1 {f1:.4}")?;
    if !evaluation.rejected.is_empty() {
        writeln!(
            out,
            "           the schema refused {} more rows",
            output::thousands(evaluation.rejected.len() as u64)
        )?;
    }
    Ok(())
}

/// What a run may take. The clock starts when it is made.
struct Limits {
    started: Instant,
    time: Option<(f64, String)>,
    memory: Option<(u64, String)>,
    /// Milliseconds from the start to the next look at the memory, which asks the operating system.
    next_look: AtomicU64,
}

/// Milliseconds between two looks at the memory.
const LOOK: u64 = 20;

impl Limits {
    fn of(config: &Config) -> Result<Limits> {
        let training = &config.training;
        let time = training.time_limit.as_ref().map(|text| seconds(text).map(|v| (v, text.clone()))).transpose()?;
        let memory = training.memory_limit.as_ref().map(|text| bytes(text).map(|v| (v, text.clone()))).transpose()?;
        if memory.is_some() && memory_stats().is_none() {
            let message = "training.memory_limit: this system does not say how much memory a process takes";
            return Err(Error::new(ErrorKind::Config, message));
        }
        Ok(Limits { started: Instant::now(), time, memory, next_look: AtomicU64::new(0) })
    }

    fn check(&self) -> Result<()> {
        let passed = self.started.elapsed();
        if let Some((limit, text)) = &self.time
            && passed.as_secs_f64() > *limit
        {
            let message =
                format!("the time limit of {text} is over; nothing is written. Fewer trees, rows or folds take less");
            return Err(Error::new(ErrorKind::Interrupted, message));
        }
        let Some((limit, text)) = &self.memory else { return Ok(()) };
        let now = passed.as_millis() as u64;
        let due = self.next_look.load(Ordering::Relaxed);
        let mine = now >= due
            && self.next_look.compare_exchange(due, now + LOOK, Ordering::Relaxed, Ordering::Relaxed).is_ok();
        if mine && memory_stats().is_some_and(|m| m.physical_mem as u64 > *limit) {
            let message =
                format!("the memory limit of {text} is passed; nothing is written. Fewer rows or columns take less");
            return Err(Error::new(ErrorKind::Interrupted, message));
        }
        Ok(())
    }
}

/// A bar per stage, on a terminal.
struct Bar {
    /// Whether what was inferred is told, too.
    tell: bool,
    bar: ProgressBar,
    stage: Mutex<String>,
    limits: Limits,
}

impl Bar {
    fn new(tell: bool, limits: Limits) -> Self {
        let bar = if std::io::stderr().is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{msg:32} {wide_bar} {pos}/{len} {elapsed}, {eta} left") {
            bar.set_style(style);
        }
        Bar { tell, bar, stage: Mutex::default(), limits }
    }
}

impl Progress for Bar {
    fn proceed(&self) -> Result<()> {
        self.limits.check()
    }

    fn step(&self, stage: &str, done: u64, total: u64) {
        let mut current = self.stage.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if *current != stage {
            stage.clone_into(&mut current);
            self.bar.set_message(stage.to_string());
            self.bar.reset();
        }
        self.bar.set_length(total);
        self.bar.set_position(done);
    }

    fn inferred(&self, schema: &Schema, derived: &[Derived], profile: &Profile) {
        if self.tell {
            let mut out = output::stdout();
            // Whoever closed the output hears of it when the outcome is told.
            let _ = inspect::input(&mut out, schema, derived, profile).and_then(|()| Ok(out.flush()?));
        }
    }
}
