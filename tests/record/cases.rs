//! Reads the case files of this folder.

use hedgerow::schema::{Extra, Field, FieldKind, Schema, Unknown};
use serde_json::Value;
use std::path::Path;

/// One file: a schema and what it makes of records.
pub struct Subject {
    pub file: String,
    pub schema: Schema,
    pub cases: Vec<Case>,
}

pub struct Case {
    pub name: String,
    pub source: Source,
    /// Whether only a native reader can be given it.
    pub native: bool,
    pub expected: Expected,
}

pub enum Source {
    /// A JSON object, as text.
    Json(String),
    /// Names and texts without types.
    Raw(Vec<(String, String)>),
}

pub enum Expected {
    /// NaN is missing.
    Row(Vec<f64>),
    /// Field, code and, where it matters, message.
    Violations(Vec<(String, String, Option<String>)>),
}

/// Every file, in the order of its name.
pub fn all() -> Vec<Subject> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/record");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("tests/record is there")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    files.iter().map(|path| subject(path)).collect()
}

fn subject(path: &Path) -> Subject {
    let file = path.file_name().expect("a name").to_string_lossy().into_owned();
    let text = std::fs::read_to_string(path).expect("a file that can be read");
    let json: Value = serde_json::from_str(&text).unwrap_or_else(|e| panic!("{file}: {e}"));
    let cases = json["cases"].as_array().expect("cases").iter().map(|c| case(&file, c)).collect();
    Subject { schema: schema(&json["schema"]), cases, file }
}

/// A schema as the header of a `.hedge` file has it.
pub fn schema(json: &Value) -> Schema {
    let fields = json["fields"].as_array().expect("fields");
    Schema {
        extra: if json["extra"] == "reject" { Extra::Reject } else { Extra::Ignore },
        fields: fields.iter().map(field).collect(),
    }
}

fn field(json: &Value) -> Field {
    let kind = match json["kind"].as_str().expect("a kind") {
        "number" => FieldKind::Number { min: json["min"].as_f64(), max: json["max"].as_f64() },
        "category" => FieldKind::Category {
            levels: json["levels"].as_array().expect("levels").iter().map(text).collect(),
            unknown: if json["unknown"] == "admit" { Unknown::Admit } else { Unknown::Reject },
        },
        "flag" => FieldKind::Flag,
        "time" => FieldKind::Time,
        other => panic!("no kind: {other}"),
    };
    Field { name: text(&json["name"]), kind, required: json["required"].as_bool().expect("required") }
}

fn case(file: &str, json: &Value) -> Case {
    let name = text(&json["name"]);
    let known = ["name", "record", "json", "raw", "native", "row", "violations"];
    let odd = json.as_object().expect("a case").keys().find(|k| !known.contains(&k.as_str()));
    assert!(odd.is_none(), "{file}: {name}: there is no key {odd:?}");
    let source = match (&json["record"], &json["json"], &json["raw"]) {
        (Value::Object(record), Value::Null, Value::Null) => Source::Json(Value::Object(record.clone()).to_string()),
        (Value::Null, Value::String(text), Value::Null) => Source::Json(text.clone()),
        (Value::Null, Value::Null, Value::Object(raw)) => {
            Source::Raw(raw.iter().map(|(name, value)| (name.clone(), text(value))).collect())
        }
        _ => panic!("{file}: {name}: one of record, json and raw"),
    };
    let expected = match (&json["row"], &json["violations"]) {
        (Value::Array(row), Value::Null) => Expected::Row(row.iter().map(|v| v.as_f64().unwrap_or(f64::NAN)).collect()),
        (Value::Null, Value::Array(violations)) => Expected::Violations(
            violations
                .iter()
                .map(|v| (text(&v["field"]), text(&v["code"]), v["message"].as_str().map(str::to_owned)))
                .collect(),
        ),
        _ => panic!("{file}: {name}: one of row and violations"),
    };
    Case { name, source, native: json["native"] == true, expected }
}

fn text(json: &Value) -> String {
    json.as_str().expect("a text").to_owned()
}
