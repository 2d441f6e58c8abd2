//! Door 1: what a record is, and whether this one is.
//!
//! A [`Schema`] lists the fields. Any [`Record`] (a JS object, a JSON object, a CSV line) goes through [`Schema::row`] and
//! becomes a row, one `f64` per field, or *all* the reasons why it cannot, in schema order.
//!
//! **Row**: validated, typed; every slot finite or NaN; NaN means missing, and nothing else does.
//!
//! | kind | slot |
//! |---|---|
//! | number | the number |
//! | category | index of its level; `levels.len()` for an unknown level where the field admits those |
//! | flag | 0 or 1 |
//! | time | seconds since 1970-01-01T00:00:00Z, to the millisecond |

#[cfg(any(test, not(feature = "cli")))]
mod decimal;
mod levels;
pub(crate) mod message;
pub(crate) mod order;
mod row;
#[cfg(test)]
mod tests;

pub use levels::Levels;
#[cfg(feature = "cli")]
pub(crate) use row::{flag, number};

use crate::error::{Error, ErrorKind, Result};
use crate::wire::{Encode, decodes};
use message::quote;
use std::borrow::Cow;

/// The most fields a schema may have.
pub const MAX_FIELDS: usize = 65_536;

/// The most bytes a field's or a level's name may have.
pub const MAX_NAME: usize = 1024;

/// The fields of a record, in slot order.
#[derive(Clone, Debug, PartialEq, Default, Encode)]
pub struct Schema {
    /// One slot each.
    pub fields: Vec<Field>,
    /// What becomes of a record's names that are no field.
    pub extra: Extra,
}

decodes!(struct Schema { fields, extra });

/// One named input.
#[derive(Clone, Debug, PartialEq, Encode)]
pub struct Field {
    /// Its name in a record: a key, or a CSV column.
    pub name: String,
    /// Its type and what values it takes.
    pub kind: FieldKind,
    /// Whether a missing value is a violation (`missing`).
    pub required: bool,
}

decodes!(struct Field { name, kind, required });

/// The type of a field. Append only: the order is the wire format.
#[derive(Clone, Debug, PartialEq, Encode)]
pub enum FieldKind {
    /// A finite number; outside `min..=max` (where given) is a violation (`out_of_range`).
    Number {
        /// Smallest value allowed.
        min: Option<f64>,
        /// Largest value allowed.
        max: Option<f64>,
    },
    /// One of `levels`.
    Category {
        /// The levels, each non-empty and once.
        levels: Levels,
        /// What becomes of any other text.
        unknown: Unknown,
    },
    /// True or false.
    Flag,
    /// An instant: ISO 8601, epoch milliseconds or a JS `Date`.
    Time,
}

decodes!(enum FieldKind {
    0: Number { min, max },
    1: Category { levels, unknown },
    2: Flag,
    3: Time,
});

/// What becomes of a text that is none of a category's levels.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Encode)]
pub enum Unknown {
    /// A violation (`unknown_level`).
    #[default]
    Reject,
    /// Admitted: the slot is `levels.len()`, no level of the field.
    Admit,
}

decodes!(enum Unknown { 0: Reject, 1: Admit });

/// What becomes of a record's names that are no field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Encode)]
pub enum Extra {
    /// They are not looked at.
    #[default]
    Ignore,
    /// A violation each (`unknown_field`).
    Reject,
}

decodes!(enum Extra { 0: Ignore, 1: Reject });

/// One value of a record, as its source holds it.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell<'a> {
    /// Absent, `null`, `undefined`, an empty CSV cell.
    Missing,
    /// A number; one that is not finite counts as missing.
    Number(f64),
    /// A boolean.
    Flag(bool),
    /// An instant in seconds since 1970 UTC (a JS `Date`).
    Time(f64),
    /// A text that its source typed as text (JSON, JS): no number is read from it.
    Text(Cow<'a, str>),
    /// A text without a type (a CSV cell): read as the field's kind asks.
    Raw(Cow<'a, str>),
    /// Anything else, by the name of its type ("array", "object", "bigint", …).
    Other(&'static str),
}

/// Where cells are pulled from. One validator serves every source.
pub trait Record {
    /// The value for `field`, the schema's `i`-th.
    fn cell(&self, i: usize, field: &Field) -> Cell<'_>;
    /// The names in the record that are no field of the schema; asked under [`Extra::Reject`], and to say what a missing field
    /// may have been called instead.
    fn extra(&self, schema: &Schema) -> Vec<String>;
}

/// One reason why a record is refused.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
pub struct Violation {
    /// The field's name.
    pub field: String,
    /// Which rule.
    pub code: Code,
    /// For a person: what it was and what it may be.
    pub message: String,
}

/// The rules a record can break; the names are stable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// A required field has no value.
    Missing,
    /// The value is of another type.
    Type,
    /// A number outside `min..=max`.
    OutOfRange,
    /// A text that is none of the levels.
    UnknownLevel,
    /// A name that is no field.
    UnknownField,
}

impl Code {
    /// Its stable name: `missing`, `type`, `out_of_range`, `unknown_level`, `unknown_field`.
    pub fn as_str(self) -> &'static str {
        match self {
            Code::Missing => "missing",
            Code::Type => "type",
            Code::OutOfRange => "out_of_range",
            Code::UnknownLevel => "unknown_level",
            Code::UnknownField => "unknown_field",
        }
    }
}

/// A record of texts without types, one per field in schema order (`None`: missing): a witness, a CSV line.
#[derive(Clone, Copy, Debug)]
pub struct RawRecord<'a>(pub &'a [Option<String>]);

impl Record for RawRecord<'_> {
    fn cell(&self, i: usize, _: &Field) -> Cell<'_> {
        match self.0.get(i) {
            Some(Some(text)) => Cell::Raw(Cow::Borrowed(text)),
            _ => Cell::Missing,
        }
    }

    fn extra(&self, _: &Schema) -> Vec<String> {
        Vec::new()
    }
}

impl Schema {
    /// The slot of a field.
    pub fn slot(&self, name: &str) -> Option<usize> {
        self.fields.iter().position(|f| f.name == name)
    }

    /// What must hold of a schema: at most [`MAX_FIELDS`]; names and levels of 1 to [`MAX_NAME`] bytes and distinct; a category
    /// has a level; `min <= max`, both finite.
    #[inline(never)]
    pub fn check(&self) -> Result<()> {
        let refuse = |message: String| Err(Error::new(ErrorKind::Schema, message));
        if self.fields.len() > MAX_FIELDS {
            return refuse(format!("the schema has {} fields: at most {MAX_FIELDS} are allowed", self.fields.len()));
        }
        for (k, field) in self.fields.iter().enumerate() {
            if field.name.is_empty() || field.name.len() > MAX_NAME {
                let len = field.name.len();
                return refuse(format!("the name of field {k} is {len} bytes long: 1 to {MAX_NAME} are allowed"));
            }
            field.check().map_err(|e| e.context(format!("field {}", quote(&field.name))))?;
        }
        let name = |k: u32| &self.fields[k as usize].name;
        match order::twice(self.fields.len(), &|a, b| name(a) < name(b)) {
            Some(k) => refuse(format!("field {} is listed twice", quote(name(k)))),
            None => Ok(()),
        }
    }
}

impl Field {
    #[inline(never)]
    fn check(&self) -> Result<()> {
        match &self.kind {
            FieldKind::Number { min, max } => {
                let finite = min.iter().chain(max).all(|v| v.is_finite());
                if finite && min.zip(*max).is_none_or(|(min, max)| min <= max) {
                    return Ok(());
                }
                let say =
                    |v: &Option<f64>| v.filter(|v| v.is_finite()).map_or("unset or not finite".into(), message::number);
                let message = format!("min is {}, max is {}: finite and min <= max is right", say(min), say(max));
                Err(Error::new(ErrorKind::Schema, message))
            }
            FieldKind::Category { levels, .. } => levels.check(),
            FieldKind::Flag | FieldKind::Time => Ok(()),
        }
    }
}
