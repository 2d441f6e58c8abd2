//! Runs the cases of the import conformance natively, and writes what the web's half compares.
//!
//! `cargo run --release --example conformance -- DIR OUT [--least N]`: DIR is what `matrix/matrix.py` made; OUT gets `index.json`, and per case
//! the `.hedge` file and the native answers in bits, for `tests/web/conformance.mjs`. Ends with 1 where a case fails, or where fewer than N
//! (300) ran.

#[path = "cases.rs"]
mod cases;

use cases::{Case, Outcome, Result, complaints};
use rayon::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};

const USAGE: &str = "usage: conformance DIR OUT [--least N]";

fn main() -> ExitCode {
    match run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(1),
        Err(e) => {
            eprintln!("error: {e}");
            ExitCode::from(2)
        }
    }
}

fn run() -> Result<bool> {
    let mut paths = Vec::new();
    let mut least = 300;
    let mut args = std::env::args().skip(1);
    while let Some(arg) = args.next() {
        match arg.as_str() {
            "--least" => least = args.next().ok_or(USAGE)?.parse()?,
            _ => paths.push(PathBuf::from(arg)),
        }
    }
    let [root, out] = paths.as_slice() else { return Err(USAGE.into()) };
    let cases = cases::find(root)?;
    if out.exists() {
        std::fs::remove_dir_all(out)?;
    }
    std::fs::create_dir_all(out)?;

    let done = AtomicUsize::new(0);
    let results: Vec<Line> = cases
        .par_iter()
        .enumerate()
        .map(|(k, case)| {
            let line = Line::of(case, &out.join(format!("{k:04}")));
            let n = done.fetch_add(1, Ordering::Relaxed) + 1;
            if n.is_multiple_of(25) || n == cases.len() {
                println!("{n} of {} models", cases.len());
            }
            line
        })
        .collect();

    let index: Vec<_> = (cases.iter().zip(&results).enumerate())
        .filter(|(_, (_, line))| line.written)
        .map(|(k, (case, _))| {
            json!({ "name": format!("{}/{}", case.library, case.name), "library": case.library, "file": format!("{k:04}") })
        })
        .collect();
    std::fs::write(out.join("index.json"), serde_json::to_vec(&index)?)?;

    let mut table: BTreeMap<&str, Line> = BTreeMap::new();
    for (case, line) in cases.iter().zip(&results) {
        for complaint in &line.complaints {
            let short: String = complaint.chars().take(600).collect();
            println!("FAILED {}/{}: {short}", case.library, case.name);
        }
        table.entry(&case.library).or_default().add(line);
        table.entry("together").or_default().add(line);
    }
    println!();
    println!(
        "{:<12} {:>6} {:>7} {:>9} {:>11} {:>7} {:>9} {:>11} {:>11} {:>10}",
        "library",
        "models",
        "failed",
        "rows",
        "leaves",
        "margins",
        "of bound",
        "probability",
        "difference",
        "over 1e-6"
    );
    let together = table.remove("together").unwrap_or_default();
    for (library, line) in table.iter().map(|(l, line)| (*l, line)).chain([("together", &together)]) {
        println!("{library:<12} {line}");
    }
    println!(
        "(leaves: ids compared, all must be equal; of bound: the largest difference of a score as a part of what rounding allows;"
    );
    println!(
        " difference: the largest of a probability; over 1e-6: models with a larger one, which a tolerance of their own allows)"
    );
    let enough = together.cases >= least;
    if !enough {
        println!("FAILED: {} models ran, {least} were expected", together.cases);
    }
    let failed = together.failed + usize::from(!enough);
    println!("{} passed, {failed} failed", together.cases - together.failed);
    Ok(failed == 0)
}

/// A line of the table.
#[derive(Default)]
struct Line {
    cases: usize,
    failed: usize,
    rows: usize,
    leaves: usize,
    margins: usize,
    margin: f64,
    probabilities: usize,
    probability: f64,
    /// Cases in which a probability is off by more than 1e-6: their own tolerance allows it.
    beyond: usize,
    complaints: Vec<String>,
    written: bool,
}

impl Line {
    /// Runs a case; what the web's half needs goes to `out` with an ending of its own.
    fn of(case: &Case, out: &Path) -> Line {
        let mut line = Line { cases: 1, ..Line::default() };
        let outcome = match case.run() {
            Ok(outcome) => outcome,
            Err(e) => {
                line.failed = 1;
                line.complaints.push(e.to_string());
                return line;
            }
        };
        line.take(&outcome);
        match write(&outcome, out) {
            Ok(()) => line.written = true,
            Err(e) => line.complaints.push(e.to_string()),
        }
        line.failed = usize::from(!line.complaints.is_empty());
        line
    }

    fn take(&mut self, Outcome { report, .. }: &Outcome) {
        self.rows = report.rows;
        self.leaves = report.leaves.as_ref().map_or(0, |l| l.compared);
        self.margins = report.margin.as_ref().map_or(0, |d| d.compared);
        self.probabilities = report.probability.as_ref().map_or(0, |d| d.compared);
        self.margin = report.margin.as_ref().map_or(0.0, |d| d.part);
        self.probability =
            (report.probability.as_ref().and_then(|d| d.largest.as_ref())).map_or(0.0, |d| (d.ours - d.theirs).abs());
        self.beyond = usize::from(self.probability > 1e-6);
        self.complaints = complaints(report);
    }

    fn add(&mut self, other: &Line) {
        self.cases += other.cases;
        self.failed += other.failed;
        self.rows += other.rows;
        self.leaves += other.leaves;
        self.margins += other.margins;
        self.margin = self.margin.max(other.margin);
        self.probabilities += other.probabilities;
        self.probability = self.probability.max(other.probability);
        self.beyond += other.beyond;
    }
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Line { cases, failed, rows, leaves, margins, margin, probabilities, probability, beyond, .. } = self;
        write!(
            f,
            "{cases:>6} {failed:>7} {rows:>9} {leaves:>11} {margins:>7} {margin:>9.3} {probabilities:>11} {probability:>11.1e} {beyond:>10}"
        )
    }
}

fn write(outcome: &Outcome, out: &Path) -> Result<()> {
    std::fs::write(out.with_extension("hedge"), &outcome.file)?;
    std::fs::write(out.with_extension("json"), serde_json::to_vec(&outcome.answers)?)?;
    Ok(())
}
