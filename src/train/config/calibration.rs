//! `training.calibration`: how probabilities are corrected after a fit.

use super::read::Short;
use serde::de::{self, Deserializer};
use serde::{Deserialize, Serialize, Serializer};

/// A method's name, or `{method: isotonic, cv: 5}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// Which correction.
    pub method: CalibrationMethod,
    /// Which answers it is fitted on.
    #[serde(default)]
    pub cv: CalibrationRows,
}

/// scikit-learn's methods of `CalibratedClassifierCV`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CalibrationMethod {
    /// Platt's: `1 / (1 + exp(a f + b))` of a model's score `f`.
    Sigmoid,
    /// A rising step function of the score; wants a thousand rows or more.
    Isotonic,
    /// Scores times one factor, then softmax: no class gains on another, probabilities become surer or less sure.
    Temperature,
}

/// Answers to rows that the model did not see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CalibrationRows {
    /// Out-of-fold answers of so many models, in so many stratified folds; the model that is kept is fitted on all rows
    /// (scikit-learn's `ensemble=False`).
    Folds(usize),
    /// `held_out` (or `prefit`): a fifth of the rows is kept for it, and the model is fitted on the others alone.
    HeldOut,
}

impl Default for CalibrationRows {
    fn default() -> Self {
        CalibrationRows::Folds(5)
    }
}

impl Short for Calibration {
    const NAMES: &'static [&'static str] = &["sigmoid", "isotonic", "temperature"];
    fn from_name(name: &str) -> Option<Self> {
        let method = match name {
            "sigmoid" => CalibrationMethod::Sigmoid,
            "isotonic" => CalibrationMethod::Isotonic,
            "temperature" => CalibrationMethod::Temperature,
            _ => return None,
        };
        Some(Calibration { method, cv: CalibrationRows::default() })
    }
}

impl Serialize for CalibrationRows {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self {
            CalibrationRows::Folds(n) => s.serialize_u64(*n as u64),
            CalibrationRows::HeldOut => s.serialize_str("held_out"),
        }
    }
}

impl<'de> Deserialize<'de> for CalibrationRows {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = CalibrationRows;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a number of folds from 2 to 100, or held_out")
            }
            fn visit_u64<E: de::Error>(self, n: u64) -> Result<CalibrationRows, E> {
                match usize::try_from(n) {
                    Ok(n) if (2..=100).contains(&n) => Ok(CalibrationRows::Folds(n)),
                    _ => Err(E::invalid_value(de::Unexpected::Unsigned(n), &self)),
                }
            }
            fn visit_i64<E: de::Error>(self, n: i64) -> Result<CalibrationRows, E> {
                self.visit_u64(u64::try_from(n).unwrap_or(0))
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<CalibrationRows, E> {
                match name {
                    "held_out" | "prefit" => Ok(CalibrationRows::HeldOut),
                    _ => Err(E::unknown_variant(name, &["held_out", "prefit"])),
                }
            }
        }
        d.deserialize_any(Visitor)
    }
}
