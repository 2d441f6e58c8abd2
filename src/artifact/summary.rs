//! What a schema, a derived feature and the training data look like to a person or a program: plain data, the same in the file's
//! header, the JavaScript face and the command line.

use crate::pipeline::Pipeline;
use crate::profile::Counts;
use crate::schema::{Extra, Field, FieldKind, Schema, Unknown};
use crate::time;
use serde::{Deserialize, Serialize};

/// A schema.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SchemaSummary {
    /// In slot order.
    pub fields: Vec<FieldSummary>,
    /// `ignore` or `reject`: what becomes of a record's names that are no field.
    pub extra: String,
}

/// A field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FieldSummary {
    /// Its name in a record.
    pub name: String,
    /// `number`, `category`, `flag` or `time`.
    pub kind: String,
    /// Whether a missing value is a violation.
    pub required: bool,
    /// A category's levels.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub levels: Option<Vec<String>>,
    /// `reject` or `admit`: what becomes of a text that is no level.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub unknown: Option<String>,
    /// Smallest number allowed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub min: Option<f64>,
    /// Largest number allowed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max: Option<f64>,
    /// What the values looked like.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub observed: Option<Observed>,
}

/// A derived feature.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DerivedSummary {
    /// Its name.
    pub name: String,
    /// As it was written.
    pub expression: String,
}

/// What the values of a field looked like. Numbers as numbers, times as ISO 8601, levels as texts, flags as booleans: each is what a
/// record may hold. Absent where it has no meaning, or nothing was seen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Observed {
    /// Smallest number or time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub min: Option<Value>,
    /// Largest number or time.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub max: Option<Value>,
    /// Mean number or time; of a flag the share that is true.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub mean: Option<Value>,
    /// A value in the middle (numbers, times: about the median) or the most frequent one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub typical: Option<Value>,
    /// The share of records without a value.
    pub missing_rate: f64,
    /// How many values were seen.
    pub count: u64,
}

/// A value as a record may hold it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// A number.
    Number(f64),
    /// A level, or a time in ISO 8601.
    Text(String),
    /// A flag.
    Flag(bool),
}

impl SchemaSummary {
    /// Of `schema` alone.
    pub fn of(schema: &Schema) -> Self {
        let extra = match schema.extra {
            Extra::Ignore => "ignore",
            Extra::Reject => "reject",
        };
        SchemaSummary { fields: schema.fields.iter().map(|f| FieldSummary::of(f, None)).collect(), extra: extra.into() }
    }
}

impl FieldSummary {
    /// Of `field`, with what a profile has counted of it.
    pub fn of(field: &Field, counts: Option<&Counts>) -> Self {
        let mut summary = FieldSummary {
            name: field.name.clone(),
            kind: String::new(),
            required: field.required,
            levels: None,
            unknown: None,
            min: None,
            max: None,
            observed: counts.map(|c| Observed::of(field, c)),
        };
        summary.kind = match &field.kind {
            FieldKind::Number { min, max } => {
                (summary.min, summary.max) = (*min, *max);
                "number"
            }
            FieldKind::Category { levels, unknown } => {
                summary.levels = Some(levels.to_vec());
                let unknown = match unknown {
                    Unknown::Reject => "reject",
                    Unknown::Admit => "admit",
                };
                summary.unknown = Some(unknown.into());
                "category"
            }
            FieldKind::Flag => "flag",
            FieldKind::Time => "time",
        }
        .into();
        summary
    }
}

impl DerivedSummary {
    /// Of each derived feature.
    pub fn of(pipeline: &Pipeline) -> Vec<Self> {
        let one = |d: &crate::pipeline::Derived| DerivedSummary { name: d.name.clone(), expression: d.text.clone() };
        pipeline.derived.iter().map(one).collect()
    }
}

impl Observed {
    /// What `counts` says of `field`.
    pub fn of(field: &Field, counts: &Counts) -> Self {
        let mut seen = Observed {
            min: None,
            max: None,
            mean: None,
            typical: None,
            missing_rate: counts.missing_rate(),
            count: counts.n,
        };
        let Some(typical) = counts.typical() else { return seen };
        match &field.kind {
            FieldKind::Number { .. } => {
                let all = [counts.min, counts.max, counts.mean, typical].map(|v| Some(Value::Number(v)));
                [seen.min, seen.max, seen.mean, seen.typical] = all;
            }
            FieldKind::Time => {
                let all =
                    [counts.min, counts.max, counts.mean, typical].map(|v| Some(Value::Text(time::format_iso(v))));
                [seen.min, seen.max, seen.mean, seen.typical] = all;
            }
            FieldKind::Flag => {
                seen.mean = Some(Value::Number(counts.mean));
                seen.typical = Some(Value::Flag(typical > 0.0));
            }
            FieldKind::Category { levels, .. } => {
                seen.typical = levels.get(typical as usize).map(|level| Value::Text(level.clone()));
            }
        }
        seen
    }
}
