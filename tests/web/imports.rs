//! The import goldens as fixtures: the models as this importer makes them, records as JSON, and the original's own probabilities.

use super::{Fixtures, Result};
use hedgerow::artifact::Artifact;
use hedgerow::data::Table;
use hedgerow::import::{Options, import};
use hedgerow::schema::{Cell, FieldKind};
use serde_json::{Map, Value, json};
use std::fs;
use std::path::{Path, PathBuf};

impl Fixtures {
    /// Each case of tests/import/golden/sklearn.
    pub(crate) fn imports(&mut self) -> Result<()> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import/golden/sklearn");
        let mut cases: Vec<PathBuf> =
            fs::read_dir(&folder)?.flatten().map(|e| e.path()).filter(|p| p.is_dir()).collect();
        cases.sort();
        for case in cases {
            let name = case.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let about = |e| format!("{name}: {e}");
            let imported = import(&fs::read(case.join("model.hedge.json"))?, &Options::default()).map_err(about)?;
            let artifact = &imported.artifact;
            let (records, probability) = expected(artifact, &Table::read(&case.join("expected.csv"))?)?;
            let key = format!("import_{name}");
            self.keep(&key, artifact)?;
            self.imports.push(json!({ "model": key, "records": records, "probability": probability }));
            self.parity(&key, artifact, "records of an imported model", records)?;
        }
        if self.imports.len() < 8 {
            return Err(format!("there are only {} import goldens", self.imports.len()).into());
        }
        Ok(())
    }
}

/// Records with numbers as numbers, texts as texts, nothing as null; and per record the original's probabilities in class order.
fn expected(artifact: &Artifact, table: &Table) -> Result<(Vec<Value>, Vec<Value>)> {
    let text = |name: &str, row: usize| -> Result<String> {
        match table.column(name)?.cell(row) {
            Cell::Raw(text) => Ok(text.into_owned()),
            _ => Ok(String::new()),
        }
    };
    let (mut records, mut probability) = (Vec::new(), Vec::new());
    for row in 0..table.n_rows() {
        let mut record = Map::new();
        for field in &artifact.schema.fields {
            let text = text(&field.name, row)?;
            let value = match &field.kind {
                _ if text.is_empty() => Value::Null,
                FieldKind::Number { .. } => json!(text.parse::<f64>()?),
                FieldKind::Flag => json!(text == "true"),
                _ => json!(text),
            };
            record.insert(field.name.clone(), value);
        }
        records.push(Value::Object(record));
        let own = artifact.classes.iter().map(|label| Ok(text(&format!("probability_{label}"), row)?.parse::<f64>()?));
        probability.push(json!(own.collect::<Result<Vec<f64>>>()?));
    }
    Ok((records, probability))
}
