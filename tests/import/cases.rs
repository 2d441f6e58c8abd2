//! Cases of the import conformance: a model file of another library, rows, and what that library answers to them.
//! `matrix/common.py` says how a case's folder looks.

use hedgerow::data::Table;
use hedgerow::engine::{Answer, Engine, Options as EngineOptions};
use hedgerow::import::check::{Refused, Report};
use hedgerow::import::xgboost::Rounds;
use hedgerow::import::{Imported, Options, Outside, import};
use hedgerow::math::bits;
use hedgerow::schema::RawRecord;
use serde_json::{Value, json};
use std::error::Error;
use std::path::{Path, PathBuf};

pub type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// A case's folder.
pub struct Case {
    pub library: String,
    pub name: String,
    folder: PathBuf,
}

/// What came of a case.
pub struct Outcome {
    /// The comparison with the original.
    pub report: Report,
    /// The `.hedge` file.
    pub file: Vec<u8>,
    /// The rows, and the bits that the engine answers: what the web's half is given.
    pub answers: Value,
}

/// The cases under `root/LIBRARY/CASE/`, in order of their names.
pub fn find(root: &Path) -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for library in folders(root)? {
        for folder in folders(&library)? {
            let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            cases.push(Case { library: name(&library), name: name(&folder), folder });
        }
    }
    Ok(cases)
}

fn folders(root: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(root).map_err(|e| format!("{}: {e}", root.display()))?;
    let mut found: Vec<PathBuf> = entries.flatten().map(|e| e.path()).filter(|p| p.is_dir()).collect();
    found.sort();
    Ok(found)
}

impl Case {
    /// Imports the model and holds it to the original's answers.
    pub fn run(&self) -> Result<Outcome> {
        let expected = Table::read(&self.folder.join("expected.csv"))?;
        let (options, tolerance) = self.options()?;
        let model = self.model()?;
        let imported = import(&std::fs::read(&model).map_err(|e| format!("{}: {e}", model.display()))?, &options)?;
        let report = imported.check(&expected, tolerance)?;
        if report.rows == 0 || report.rows != expected.n_rows() {
            return Err(format!("{} of {} rows were compared", report.rows, expected.n_rows()).into());
        }
        let compared = [
            ("leaves", report.leaves.as_ref().map(|l| l.compared), imported.leaves.len()),
            ("probabilities", report.probability.as_ref().map(|d| d.compared), imported.artifact.classes.len()),
        ];
        for (what, compared, columns) in compared {
            let wanted = columns * (report.rows - report.n_refused);
            if compared.is_some_and(|n| n != wanted) {
                return Err(format!("{compared:?} {what} were compared, there are {wanted}").into());
            }
        }
        if report.leaves.is_none() && report.margin.is_none() && report.probability.is_none() {
            return Err("nothing was compared".into());
        }
        let file = imported.file()?;
        let answers = answers(&imported, &file, &expected)?;
        Ok(Outcome { report, file, answers })
    }

    fn model(&self) -> Result<PathBuf> {
        let named = |p: &PathBuf| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with("model."));
        let mut found = std::fs::read_dir(&self.folder)?.flatten().map(|e| e.path()).filter(named);
        match (found.next(), found.next()) {
            (Some(model), None) => Ok(model),
            _ => Err("a case has one model file".into()),
        }
    }

    /// What case.json says: the part of the command line that its cases use.
    fn options(&self) -> Result<(Options, Option<f64>)> {
        let mut options = Options::default();
        let path = self.folder.join("case.json");
        if !path.exists() {
            return Ok((options, None));
        }
        let about: Value = serde_json::from_slice(&std::fs::read(&path)?)?;
        let args: Vec<&str> = about["args"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        for pair in args.chunks(2) {
            match *pair {
                ["--classes", labels] => options.classes = Some(labels.split(',').map(str::to_string).collect()),
                ["--rounds", "all"] => options.rounds = Some(Rounds::All),
                ["--rounds", n] => options.rounds = Some(Rounds::First(n.parse()?)),
                ["--schema", file] => options.schema = Some(Outside::read(&self.folder.join(file))?),
                _ => return Err(format!("case.json: this runner does not know {pair:?}").into()),
            }
        }
        Ok((options, about["tolerance"].as_f64()))
    }
}

/// `{ columns, rows, bits }`: names, rows of texts (null: missing), and per row the probabilities' bits in hexadecimal, as the engine
/// answers from the file's bytes.
fn answers(imported: &Imported, file: &[u8], expected: &Table) -> Result<Value> {
    let mut engine = Engine::load(file, EngineOptions { cache_entries: 0, ..EngineOptions::default() })?;
    let fields = &imported.artifact.schema.fields;
    let columns = fields.iter().map(|f| expected.column(&f.name)).collect::<std::result::Result<Vec<_>, _>>()?;
    let (mut rows, mut all) = (Vec::new(), Vec::new());
    for row in 0..expected.n_rows() {
        let cells: Vec<Option<String>> =
            columns.iter().map(|c| c.text(row).filter(|t| !t.is_empty()).map(str::to_string)).collect();
        let text = match engine.predict(&RawRecord(&cells), None, 0.0)? {
            Answer::Prediction(p) => p.probability.iter().map(|v| format!("{:016x}", bits(*v))).collect::<String>(),
            Answer::Rejected(violations) => serde_json::to_string(&violations)?,
        };
        all.push(text);
        rows.push(cells);
    }
    let names: Vec<&str> = fields.iter().map(|f| f.name.as_str()).collect();
    Ok(json!({ "columns": names, "rows": rows, "bits": all }))
}

/// What is wrong, a line each.
pub fn complaints(report: &Report) -> Vec<String> {
    let mut out = Vec::new();
    if let Some(Refused { line, violations }) = report.refused.first() {
        let why: Vec<&str> = violations.iter().map(|v| v.message.as_str()).collect();
        out.push(format!("{} rows were refused; line {line}: {}", report.n_refused, why.join("; ")));
    }
    if let Some(leaves) = &report.leaves
        && leaves.differing > 0
    {
        out.push(format!("{} of {} leaves differ; {:?}", leaves.differing, leaves.compared, leaves.first));
    }
    for (what, differences) in [("margins", &report.margin), ("probabilities", &report.probability)] {
        if let Some(d) = differences
            && d.beyond > 0
        {
            let (first, largest) = (&d.first_beyond, &d.largest);
            out.push(format!("{} of {} {what} are off; first {first:?}; largest {largest:?}", d.beyond, d.compared));
        }
    }
    if let Some(labels) = &report.prediction
        && labels.differing > 0
    {
        out.push(format!("{} of {} labels differ; {:?}", labels.differing, labels.compared, labels.first));
    }
    if out.is_empty() && !report.passed() {
        out.push(format!("{report:?}"));
    }
    out
}
