//! Models of other libraries, imported: leaves, scores and probabilities beside those that the libraries gave.
//!
//! The cases under `tests/import/golden/` are a small part of what `tests/import/matrix/matrix.py` makes; `./build.sh conformance` makes
//! and runs all of it.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "import/cases.rs"]
mod cases;

use std::path::Path;

fn golden(library: &str, least: usize) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import/golden");
    let cases: Vec<_> = cases::find(&root).unwrap().into_iter().filter(|c| c.library == library).collect();
    let mut bad = Vec::new();
    for case in &cases {
        match case.run() {
            Ok(outcome) => {
                let said = cases::complaints(&outcome.report);
                bad.extend(said.iter().map(|s| format!("{}: {s}", case.name)));
            }
            Err(e) => bad.push(format!("{}: {e}", case.name)),
        }
    }
    assert!(bad.is_empty(), "{} complaints of {} cases:\n{}", bad.len(), cases.len(), bad.join("\n"));
    assert!(cases.len() >= least, "{library}: {} cases ran, {least} were expected", cases.len());
}
