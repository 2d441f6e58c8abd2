//! `hedgerow import`: a model file of another library to a `.hedge` file, and the proof that it answers as the original does.

use super::{Outcome, inspect, model, output};
use crate::artifact::Container;
use crate::data::Table;
use crate::error::{Error, ErrorKind, Result};
use crate::import::check::{Difference, Differences, Report};
use crate::import::{Format, Imported, Options, Outside, Rounds, Sample, import};
use crate::train::name_of;
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Import a model of XGBoost, LightGBM, ONNX or scikit-learn
///
/// The imported model answers as the original does: the same leaves, the same scores. What is not understood is an error; nothing is guessed.
/// With --check its answers are held to the original's, row by row; exit code 1 if one is further away than the tolerance.
#[derive(clap::Args)]
#[command(disable_version_flag = true)]
pub struct Args {
    /// The model file: XGBoost JSON or UBJSON, LightGBM text, ONNX, or what hedgerow_export.py wrote
    #[arg(value_name = "MODEL")]
    model: PathBuf,
    /// Where to write the imported model; may be left out with --check
    #[arg(long, short, value_name = "FILE.hedge", required_unless_present = "check")]
    out: Option<PathBuf>,
    /// The file's format: xgboost, lightgbm, onnx or exchange; by default as its content shows
    #[arg(long)]
    format: Option<Format>,
    /// What a record is, as YAML or JSON: fields, kinds, levels, ranges, derived features
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// Rows as the model meets them: observed ranges, the reference for drift, witnesses
    #[arg(long, value_name = "SAMPLE.csv")]
    data: Option<PathBuf>,
    /// The column of --data with the true labels, for metrics
    #[arg(long, value_name = "COLUMN", requires = "data")]
    target: Option<String>,
    /// The column of --data with each row's event time: what `now()` means in derived features
    #[arg(long, value_name = "COLUMN", requires = "data")]
    as_of_column: Option<String>,
    /// The class labels, in the model's order
    #[arg(long, value_name = "LABEL,…", value_delimiter = ',')]
    classes: Option<Vec<String>>,
    /// XGBoost: how many boosting rounds answer: best (default: up to the best one where training stopped early), all, or a number
    #[arg(long, value_name = "ROUNDS", value_parser = rounds)]
    rounds: Option<Rounds>,
    /// The model's name; by default the file's own, or that of --out
    #[arg(long)]
    name: Option<String>,
    /// The model's version; by default the file's own, or 1.0.0
    #[arg(long = "version", value_name = "VERSION")]
    model_version: Option<String>,
    /// Rows with the original's answers, in columns leaf_<tree>, margin, margin_<label>, probability_<label>, prediction
    #[arg(long, value_name = "EXPECTED.csv")]
    check: Option<PathBuf>,
    /// How far probabilities may be apart (default 1e-6 where the original computes in f32, else 1e-12)
    #[arg(long, value_name = "T", requires = "check", value_parser = tolerance)]
    tolerance: Option<f64>,
    /// Print what the file says of itself, and what the check found, as JSON
    #[arg(long)]
    json: bool,
}

fn tolerance(text: &str) -> Result<f64, String> {
    text.parse()
        .ok()
        .filter(|t| (0.0..=1.0).contains(t))
        .ok_or_else(|| "it must be a number from 0 to 1, such as 1e-9".into())
}

fn rounds(text: &str) -> Result<Rounds, String> {
    match text {
        "best" => Ok(Rounds::Best),
        "all" => Ok(Rounds::All),
        _ => text.parse().map(Rounds::First).map_err(|_| "it must be best, all or a number such as 100".into()),
    }
}

pub fn run(args: &Args) -> Result<Outcome> {
    if args.out.as_deref() == Some(Path::new("-")) {
        let message =
            "a model is written to a file, since standard output tells how the import went: name one with --out";
        return Err(Error::new(ErrorKind::Config, message));
    }
    keep_inputs(args)?;
    let file = model::bytes(&args.model)?;
    let options = options(args)?;
    let imported = import(&file, &options).map_err(|e| match e.kind() {
        ErrorKind::Config | ErrorKind::Data => e,
        _ => e.context(args.model.display().to_string()),
    })?;
    let bytes = imported.file()?;
    let report = match &args.check {
        Some(path) => Some(
            imported.check(&Table::read(path)?, args.tolerance).map_err(|e| e.context(path.display().to_string()))?,
        ),
        None => None,
    };
    // A model that does not answer as the original does is no import.
    let passed = report.as_ref().is_none_or(Report::passed);
    let written = args.out.as_deref().filter(|_| passed);
    if let Some(path) = written {
        output::write(path, &bytes)?;
    }
    if args.json {
        tell_json(&imported, &bytes, report.as_ref())?;
    } else {
        tell(args, &imported, &bytes, report.as_ref(), written)?;
    }
    Ok(if passed { Outcome::Fine } else { Outcome::No })
}

/// Refuses to write over what is read.
fn keep_inputs(args: &Args) -> Result<()> {
    let Some(Ok(out)) = args.out.as_deref().map(Path::canonicalize) else { return Ok(()) };
    let read = [Some(&args.model), args.schema.as_ref(), args.data.as_ref(), args.check.as_ref()];
    match read.into_iter().flatten().find(|path| path.canonicalize().is_ok_and(|path| path == out)) {
        None => Ok(()),
        Some(path) => {
            let message = format!("--out names {}, which is read: it would be lost", path.display());
            Err(Error::new(ErrorKind::Config, message))
        }
    }
}

fn options(args: &Args) -> Result<Options> {
    let sample = match &args.data {
        Some(path) => {
            Some(Sample { table: Table::read(path)?, target: args.target.clone(), as_of: args.as_of_column.clone() })
        }
        None => None,
    };
    // The model is called what its file will be called.
    let after = args.out.as_deref().unwrap_or(&args.model);
    Ok(Options {
        format: args.format,
        schema: args.schema.as_deref().map(Outside::read).transpose()?,
        sample,
        classes: args.classes.clone(),
        name: args.name.clone(),
        stem: Some(name_of(Some(after)).trim_end_matches(".hedge").to_owned()),
        version: args.model_version.clone(),
        rounds: args.rounds,
    })
}

fn tell_json(imported: &Imported, bytes: &[u8], report: Option<&Report>) -> Result<()> {
    let mut all = serde_json::Map::new();
    all.insert("id".into(), Container::open(bytes)?.id().into());
    all.insert("size".into(), bytes.len().into());
    match serde_json::to_value(&imported.header) {
        Ok(Value::Object(header)) => all.extend(header),
        Ok(_) => {}
        Err(e) => return Err(Error::new(ErrorKind::Io, e.to_string())),
    }
    if let Some(report) = report {
        let mut check = json!({ "passed": report.passed() });
        if let (Some(check), Value::Object(more)) = (check.as_object_mut(), json!(report)) {
            check.extend(more);
        }
        all.insert("check".into(), check);
    }
    output::print_json(&Value::Object(all))
}

/// What came of it, for a person.
fn tell(args: &Args, imported: &Imported, bytes: &[u8], report: Option<&Report>, written: Option<&Path>) -> Result<()> {
    let mut out = output::stdout();
    let bold = anstyle::Style::new().bold();
    let a = &imported.artifact;
    writeln!(out, "{bold}{} {}{bold:#}: {}", a.name, a.version, inspect::list(&imported.header.model))?;
    let source = imported.header.training.get("source").and_then(Value::as_object);
    let facts = source.into_iter().flatten().filter(|(key, _)| key.as_str() != "sha256");
    let facts: Vec<String> = facts.filter_map(|(key, value)| fact(key, value)).collect();
    writeln!(out, "  source    {}", output::clean(&facts.join(", ")))?;
    writeln!(out, "  classes   {}", output::clean(&a.classes.join(", ")))?;
    inspect::input(&mut out, &a.schema, &a.pipeline.derived, &a.profile)?;
    if !imported.notes.is_empty() {
        writeln!(out, "\n{bold}Notes{bold:#}")?;
        for note in &imported.notes {
            writeln!(out, "  {}", output::clean(note))?;
        }
    }
    if let Some(report) = report {
        check(&mut out, report, imported.single)?;
    }
    let size = output::thousands(bytes.len() as u64);
    match (written, &args.out) {
        (Some(path), _) => writeln!(out, "\nwrote {} ({size} bytes)", path.display())?,
        (None, Some(path)) => writeln!(out, "\n{} is not written", path.display())?,
        (None, None) => {}
    }
    Ok(out.flush()?)
}

fn fact(key: &str, value: &Value) -> Option<String> {
    let text = match value {
        // Some say a page of themselves.
        Value::String(text) => text.lines().next().unwrap_or_default().chars().take(80).collect(),
        Value::Number(n) => n.to_string(),
        Value::Bool(b) => b.to_string(),
        _ => return None,
    };
    Some(if key == "library" { text } else { format!("{} {text}", key.replace('_', " ")) })
}

/// What a comparison found.
fn check(out: &mut impl Write, report: &Report, single: bool) -> Result<()> {
    let bold = anstyle::Style::new().bold();
    let verdict = if report.passed() { "as the original" } else { "not as the original" };
    writeln!(out, "\n{bold}Check{bold:#} ({} rows): {verdict}", output::thousands(report.rows as u64))?;
    for refused in &report.refused {
        for v in &refused.violations {
            let line = refused.line;
            writeln!(out, "  line {line}: refused: {}: {}", output::clean(&v.field), output::clean(&v.message))?;
        }
    }
    if report.n_refused > report.refused.len() {
        writeln!(out, "  … {} rows were refused in all", output::thousands(report.n_refused as u64))?;
    }
    if report.n_refused == report.rows {
        return Ok(writeln!(out, "  nothing was left to compare")?);
    }
    if let Some(leaves) = &report.leaves {
        write!(out, "  leaves        {} compared, ", output::thousands(leaves.compared as u64))?;
        match &leaves.first {
            None => writeln!(out, "all equal")?,
            Some(first) => writeln!(
                out,
                "{} differ; the first in line {}, tree {}: leaf {} here, {} there",
                output::thousands(leaves.differing as u64),
                first.line,
                first.tree,
                first.ours,
                first.theirs
            )?,
        }
    }
    let bound = "the original's f32 sum";
    let numbers =
        [("scores", &report.margin, if single { bound } else { "" }), ("probabilities", &report.probability, "")];
    for (what, differences, bound) in numbers {
        if let Some(d) = differences {
            differ(out, what, d, bound)?;
        }
    }
    if let Some(labels) = &report.prediction {
        write!(out, "  predictions   {} compared, ", output::thousands(labels.compared as u64))?;
        match &labels.first {
            None => writeln!(out, "all equal")?,
            Some(first) => writeln!(
                out,
                "{} differ; the first in line {}: {} here, {} there",
                output::thousands(labels.differing as u64),
                first.line,
                output::clean(&first.ours),
                output::clean(&first.theirs)
            )?,
        }
    }
    Ok(())
}

fn differ(out: &mut impl Write, what: &str, d: &Differences, bound: &str) -> Result<()> {
    let Some(largest) = &d.largest else { return Ok(()) };
    let of = |d: &Difference| {
        let column = output::clean(&d.column).into_owned();
        format!("line {}, {column}: {} here, {} there", d.line, d.ours, d.theirs)
    };
    let apart = tiny((largest.ours - largest.theirs).abs());
    let bound = if bound.is_empty() { String::new() } else { format!(", the bound of {bound}") };
    write!(out, "  {what:13} {} compared, ", output::thousands(d.compared as u64))?;
    if largest.ours == largest.theirs {
        return Ok(writeln!(out, "all equal")?);
    }
    writeln!(out, "at most {apart} apart ({})", of(largest))?;
    match &d.first_beyond {
        None => writeln!(out, "                allowed there: {}{bound}", tiny(largest.allowed))?,
        Some(first) => writeln!(
            out,
            "                {} beyond what is allowed; the first: {} ({} allowed{bound})",
            output::thousands(d.beyond as u64),
            of(first),
            tiny(first.allowed)
        )?,
    }
    Ok(())
}

/// A difference for a person: where it is small, three digits and a power of ten.
fn tiny(v: f64) -> String {
    if v >= 1e-3 {
        return output::figure(v);
    }
    let text = format!("{v:.2e}");
    match text.split_once('e') {
        Some((digits, power)) => format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.')),
        None => text,
    }
}
