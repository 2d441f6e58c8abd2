//! Models of other libraries, imported: leaves, scores and probabilities beside those that the libraries gave.
//!
//! The cases under `tests/import/golden/` are a small part of what `tests/import/matrix/matrix.py` makes; `./build.sh conformance` makes
//! and runs all of it, there and in WebAssembly.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "import/cases.rs"]
mod cases;

use cases::{Case, complaints, find};
use std::path::PathBuf;

fn golden() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/import/golden"))
}

/// Runs the committed cases of a library: all must pass, at least `least` must be there, and together they must have compared leaves,
/// scores and probabilities as `compares` says.
fn conform(library: &str, least: usize, compares: [bool; 3]) {
    let cases: Vec<Case> = find(&golden()).unwrap().into_iter().filter(|c| c.library == library).collect();
    assert!(cases.len() >= least, "{library}: {} cases are there, {least} were expected", cases.len());
    let mut bad = Vec::new();
    let mut compared = [0; 3];
    for case in &cases {
        match case.run() {
            Ok(outcome) => {
                let report = &outcome.report;
                assert!(outcome.file.len() > 100 && outcome.answers["bits"].as_array().unwrap().len() == report.rows);
                bad.extend(complaints(report).iter().map(|c| format!("{}: {c}", case.name)));
                compared[0] += report.leaves.as_ref().map_or(0, |l| l.compared);
                compared[1] += report.margin.as_ref().map_or(0, |d| d.compared);
                compared[2] += report.probability.as_ref().map_or(0, |d| d.compared);
            }
            Err(e) => bad.push(format!("{}: {e}", case.name)),
        }
    }
    assert!(bad.is_empty(), "{} complaints of {} cases:\n{}", bad.len(), cases.len(), bad.join("\n"));
    println!("{library}: {} cases; leaves, scores, probabilities compared: {compared:?}", cases.len());
    assert_eq!(compared.map(|n| n > 0), compares, "{library}: what was compared: {compared:?}");
}

#[test]
fn lightgbm() {
    conform("lightgbm", 12, [true; 3]);
}

#[test]
fn xgboost() {
    conform("xgboost", 19, [true; 3]);
}

#[test]
fn sklearn() {
    conform("sklearn", 11, [true; 3]);
}

#[test]
fn onnx() {
    conform("onnx", 26, [true, false, true]);
}

/// A case that expects something else fails: the comparison can say no.
#[test]
fn another_answer_is_told() {
    let from = golden().join("lightgbm/binary-missing-nan");
    let lines = std::fs::read_to_string(from.join("expected.csv")).unwrap();
    let head: Vec<&str> = lines.lines().next().unwrap().split(',').collect();
    for (column, word) in
        [("leaf_0", "leaves differ"), ("margin", "margins are off"), ("probability_1", "probabilities are off")]
    {
        let k = head.iter().position(|h| *h == column).unwrap_or_else(|| panic!("no {column} in {head:?}"));
        let root = tempfile::tempdir().unwrap();
        let to = root.path().join("library/case");
        std::fs::create_dir_all(&to).unwrap();
        for entry in std::fs::read_dir(&from).unwrap().flatten() {
            std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
        }
        let mut rows: Vec<Vec<String>> = lines.lines().map(|l| l.split(',').map(str::to_string).collect()).collect();
        let value: f64 = rows[5][k].parse().unwrap();
        rows[5][k] = if column == "leaf_0" { "1000".into() } else { format!("{}", value + 1e-5) };
        let text: Vec<String> = rows.iter().map(|r| r.join(",")).collect();
        std::fs::write(to.join("expected.csv"), text.join("\n")).unwrap();
        let cases = find(root.path()).unwrap();
        let said = complaints(&cases[0].run().unwrap().report);
        assert_eq!(said.len(), 1, "{column}: {said:?}");
        assert!(said[0].contains(word) && said[0].starts_with("1 of "), "{column}: {said:?}");
    }
}
