//! What rides along with a model: its name, witnesses, importances, and the facts of its header.

use super::config::Config;
use super::encoders::Column;
use super::{Params, Trained, rng};
use crate::artifact::{Artifact, WITNESSES};
use crate::data::{Dataset, Table};
use rand::RngExt;
use std::path::Path;

/// The config's name, or the training file's, in the letters a name may have.
pub(super) fn name(config: &Config) -> String {
    if let Some(name) = &config.model.name {
        return name.clone();
    }
    name_of(config.data.train_path.as_deref())
}

/// A model's name after a file's, in the letters a name may have.
pub(crate) fn name_of(path: Option<&Path>) -> String {
    let stem = path.and_then(|p| p.file_stem()).and_then(|s| s.to_str()).unwrap_or("model");
    let allowed = |c: char| if c.is_ascii_alphanumeric() || "_.-".contains(c) { c.to_ascii_lowercase() } else { '_' };
    let name: String = stem.chars().take(128).map(allowed).collect();
    if name.is_empty() { "model".into() } else { name }
}

/// Records for witnesses: each cell from another row, so that nobody's record rides along; the second has a value for required
/// fields only.
pub(crate) fn witness_records(data: &Dataset, table: &Table, seed: u64) -> Vec<(Vec<Option<String>>, f64)> {
    let mut rng = rng(seed, 0);
    let n = data.len();
    let columns = data.columns(table);
    (0..4 * WITNESSES)
        .map(|k| {
            let as_of = data.as_of[rng.random_range(0..n)];
            let cells = data.schema.fields.iter().enumerate().map(|(i, field)| {
                let row = rng.random_range(0..n);
                if k == 1 && !field.required { None } else { data.witness_cell(&columns, row, i) }
            });
            (cells.collect(), as_of)
        })
        .collect()
}

/// Columns' importances added up by slot, largest first, of equals the first slot.
pub(super) fn importance(artifact: &Artifact, columns: &[Column], of_columns: &[f64]) -> Vec<(String, f64)> {
    let mut by_slot = vec![0.0; artifact.pipeline.n_slots(&artifact.schema)];
    for (column, v) in columns.iter().zip(of_columns) {
        by_slot[column.slot] += v;
    }
    let mut out: Vec<(String, f64)> =
        by_slot.into_iter().enumerate().map(|(i, v)| (artifact.slot_name(i).to_owned(), v)).collect();
    out.retain(|(_, v)| *v > 0.0);
    out.sort_by(|a, b| b.1.total_cmp(&a.1));
    out
}

/// Fills the header's metrics and training facts.
pub(super) fn facts(trained: &mut Trained, config: &Config, params: &Params, table: &Table, rows: usize) {
    use serde_json::{Map, Value, json};
    let hex: String = table.sha256().iter().map(|b| format!("{b:02x}")).collect();
    let header = &mut trained.header;
    header.model.insert("parameters".into(), json!(params));
    if let Some(rounds) = trained.rounds {
        header.model.insert("rounds".into(), rounds.into());
    }
    let importance: Map<String, Value> = trained.importance.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
    header.model.insert("importance".into(), Value::Object(importance));
    if !trained.members.is_empty() {
        let members: Map<String, Value> = trained.members.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
        header.model.insert("members".into(), Value::Object(members));
    }
    header.metrics.insert("validation".into(), json!(trained.validation.metrics));
    if let Some(before) = &trained.uncalibrated {
        header.metrics.insert("validation_uncalibrated".into(), json!(before.metrics));
    }
    if let Some(cross_validation) = &trained.cross_validation {
        header.metrics.insert("cross_validation".into(), json!(cross_validation));
    }
    if let Some(test) = &trained.test {
        header.metrics.insert("test".into(), json!(test.metrics));
    }
    header.training.insert("rows".into(), rows.into());
    header.training.insert("data_sha256".into(), hex.into());
    header.training.insert("seed".into(), config.seed.into());
    header.training.insert("config".into(), said(json!(config)));
}

/// A config without the keys that say nothing, so that a file stays the same when a later version knows more keys.
fn said(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    let empty = |v: &Value| match v {
        Value::Null => true,
        Value::Array(a) => a.is_empty(),
        Value::Object(o) => o.is_empty(),
        _ => false,
    };
    match value {
        Value::Object(map) => map.into_iter().map(|(k, v)| (k, said(v))).filter(|(_, v)| !empty(v)).collect(),
        other => other,
    }
}
