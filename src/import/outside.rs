//! A schema from outside: what a person writes of a model whose file says less.
//!
//! ```yaml
//! fields:                           # in the order of the records' columns
//!   - { name: age, min: 0 }         # of what kind, and whether required, the model may know
//!   - { name: debt, kind: number }
//!   - { name: income, kind: number, required: true }
//!   - { name: region, kind: category, levels: [EU, US] }   # of a code: the names in code order
//! derived: { ratio: debt / income } # SQL over one record; may feed the model
//! features: [age, ratio, region]    # in the model's order, where its file has no names, or others
//! extra: ignore                     # or reject: names in a record that are no field
//! ```
//!
//! It has the shape of the `schema` that `hedgerow inspect --json` shows, so one model's schema serves another.

use crate::error::{Error, ErrorKind, Result};
use crate::train::config::{DerivedConfig, Extra, derived, yaml_error};
use serde::{Deserialize, de};
use std::io::Read;
use std::path::Path;

/// The largest schema file read, in bytes.
pub const MAX_SCHEMA_BYTES: u64 = 16 << 20;

/// What a `--schema` file says.
#[derive(Clone, Debug, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outside {
    /// The fields of a record, in slot order.
    pub fields: Vec<OutsideField>,
    /// Features computed from a record, each from fields and those before it.
    #[serde(default, deserialize_with = "derived")]
    pub derived: Vec<DerivedConfig>,
    /// Per input of the model, in its order, the field or derived feature that feeds it. Without it inputs are matched by name, or
    /// by order where the model has no names.
    #[serde(default)]
    pub features: Option<Vec<String>>,
    /// What becomes of a record's names that are no field.
    #[serde(default)]
    pub extra: Extra,
}

/// A field. What is left out the model file decides.
#[derive(Clone, Debug, PartialEq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OutsideField {
    /// Its name in a record.
    pub name: String,
    /// What it is.
    #[serde(default)]
    pub kind: Option<Kind>,
    /// Whether a missing value is a violation.
    #[serde(default)]
    pub required: Option<bool>,
    /// A category's levels.
    #[serde(default)]
    pub levels: Option<Vec<String>>,
    /// What becomes of a text that is no level.
    #[serde(default)]
    pub unknown: Option<Unknown>,
    /// Smallest number allowed.
    #[serde(default)]
    pub min: Option<f64>,
    /// Largest number allowed.
    #[serde(default)]
    pub max: Option<f64>,
    /// What `inspect` tells of training data; not looked at.
    #[serde(default)]
    pub observed: Option<de::IgnoredAny>,
}

/// The kinds of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A number.
    Number,
    /// One of some levels.
    Category,
    /// True or false.
    Flag,
    /// An instant.
    Time,
}

/// What becomes of a text that is no level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unknown {
    /// The record is refused.
    Reject,
    /// It is answered.
    Admit,
}

impl Outside {
    /// Reads a YAML or JSON file.
    pub fn read(path: &Path) -> Result<Outside> {
        let shown = path.display().to_string();
        let reading = |e: std::io::Error| Error::from(e).context(format!("reading {shown}"));
        let mut text = String::new();
        let file = std::fs::File::open(path).map_err(reading)?;
        file.take(MAX_SCHEMA_BYTES + 1).read_to_string(&mut text).map_err(reading)?;
        if text.len() as u64 > MAX_SCHEMA_BYTES {
            let message = format!("{shown} has more than {MAX_SCHEMA_BYTES} bytes, the most a schema may have");
            return Err(Error::new(ErrorKind::Config, message));
        }
        Outside::parse(&text).map_err(|e| e.context(shown))
    }

    /// Reads YAML or JSON. Errors name line and column.
    ///
    /// ```
    /// use hedgerow::import::Outside;
    /// let schema = Outside::parse("fields: [{ name: tier, kind: category, levels: [1, 007, no] }]")?;
    /// assert_eq!(schema.fields[0].levels, Some(vec!["1".into(), "007".into(), "no".into()]));
    /// let e = Outside::parse("fields: [{ name: tier, level: [a] }]").unwrap_err().to_string();
    /// assert!(e.contains("unknown key `level` (did you mean `levels`?)"), "{e}");
    /// # Ok::<(), hedgerow::error::Error>(())
    /// ```
    pub fn parse(text: &str) -> Result<Outside> {
        // JSON's escapes are not all YAML's; what is no JSON is told of as YAML.
        if let Ok(schema) = serde_json::from_str(text) {
            return Ok(schema);
        }
        serde_saphyr::from_str(text).map_err(|e| yaml_error(&e))
    }
}
