//! From a row to the feature vector `x`: derived features first, then encoders. Fitted state only; the fitting is in `train`.
//!
//! **slots** = the row's fields, then the derived features, in order. Each [`Encoder`] reads one slot and writes its columns
//! of `x`. Meanings are scikit-learn's (`SimpleImputer`, `MissingIndicator`, `StandardScaler`, `MinMaxScaler`,
//! `OneHotEncoder`, `OrdinalEncoder`), attribute by attribute.

use crate::error::Result;
use crate::expr::Expr;
use crate::schema::Schema;
use crate::wire::{Decode, Encode};

/// Derived features and encoders, in order.
#[derive(Clone, Debug, PartialEq, Default, Encode, Decode)]
pub struct Pipeline {
    /// Features computed from the row; each may use those before it.
    pub derived: Vec<Derived>,
    /// What turns slots into `x`.
    pub encoders: Encoders,
}

/// A named expression.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Derived {
    /// Its name, distinct from every field's.
    pub name: String,
    /// As it was written.
    pub text: String,
    /// As it is computed.
    pub expr: Expr,
}

/// Encoders side by side: `x` is their columns, one after another.
#[derive(Clone, Debug, PartialEq, Default, Encode, Decode)]
pub struct Encoders(pub Vec<Encoder>);

/// One slot to its columns: impute, then transform, then (last column) the missing indicator.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Encoder {
    /// Which slot it reads.
    pub slot: u32,
    /// What a missing value becomes (`SimpleImputer.statistics_`); `None` leaves it missing.
    pub impute: Option<f64>,
    /// What the value becomes.
    pub transform: Transform,
    /// Adds a last column: 1 where the value was missing, else 0 (`SimpleImputer(add_indicator=True)`).
    pub indicator: bool,
}

/// What a value becomes. Append only: the order is the wire format.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Transform {
    /// The value as it is: one column.
    Pass,
    /// `(v - mean) / scale`: one column. `StandardScaler.mean_`, `.scale_`.
    Standard {
        /// Subtracted.
        mean: f64,
        /// Divided by; never 0.
        scale: f64,
    },
    /// `v * scale + min`: one column. `MinMaxScaler.scale_`, `.min_`; `clip` keeps it within the range.
    MinMax {
        /// Multiplied by.
        scale: f64,
        /// Added.
        min: f64,
        /// `feature_range` to clip to, where asked.
        clip: Option<(f64, f64)>,
    },
    /// One column per listed level (1 where the value is that level), then one for an unknown level and one for missing where
    /// asked. A value with no column of its own is all zeros.
    OneHot {
        /// The level index of each column.
        levels: Vec<u32>,
        /// A column for a value that is none of `levels`.
        unknown: bool,
        /// A column for a missing value.
        missing: bool,
    },
    /// `values[level]`: one column; `unknown` for any other level (may be NaN: missing). `OrdinalEncoder`.
    Ordinal {
        /// By level index.
        values: Vec<f64>,
        /// For a level past the last.
        unknown: f64,
    },
}

impl Pipeline {
    /// Fields and derived features.
    pub fn n_slots(&self, schema: &Schema) -> usize {
        schema.fields.len() + self.derived.len()
    }

    /// Fills `slots[n_fields..]` from `slots[..n_fields]`.
    pub fn derive(&self, slots: &mut [f64], as_of: f64) {
        let first = slots.len() - self.derived.len();
        for (k, d) in self.derived.iter().enumerate() {
            slots[first + k] = d.expr.eval(&slots[..first + k], as_of);
        }
    }

    /// Proves fitted state against the schema.
    pub fn check(&self, schema: &Schema) -> Result<()> {
        let _ = schema;
        unimplemented!("pipeline check")
    }
}

impl Encoders {
    /// Length of `x`.
    pub fn n_columns(&self) -> usize {
        self.0.iter().map(Encoder::n_columns).sum()
    }

    /// `slots` to `x` (`n_columns` numbers, finite within ±[`BOUND`](crate::math::BOUND) or NaN where missing is left).
    pub fn encode(&self, slots: &[f64], x: &mut [f64]) {
        let _ = (slots, x);
        unimplemented!("encode")
    }
}

impl Encoder {
    /// How many columns it writes.
    pub fn n_columns(&self) -> usize {
        usize::from(self.indicator)
            + match &self.transform {
                Transform::OneHot { levels, unknown, missing } => {
                    levels.len() + usize::from(*unknown) + usize::from(*missing)
                }
                _ => 1,
            }
    }
}
