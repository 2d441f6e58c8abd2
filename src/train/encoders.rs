//! Fits encoders on training rows: what `preprocessing` says, or what suits the model, as [`pipeline`](crate::pipeline)
//! state. Statistics are scikit-learn's `SimpleImputer`, `StandardScaler`, `MinMaxScaler`, `OneHotEncoder`, `OrdinalEncoder`, with the
//! imputer before the scaler.

use super::config::{EncoderKind, HandleUnknown, ImputerKind, Preprocessing, Scaler, ScalerKind};
use crate::error::{Error, ErrorKind, Result};
use crate::math::bounded;
use crate::pipeline::{Encoder, Encoders, Transform};
use crate::schema::{FieldKind, Schema};
use crate::{expr::Type, pipeline::Derived};
use ndarray::ArrayView2;

/// What a column of `x` is, for the trainer and for importances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// The slot it comes from.
    pub(crate) slot: usize,
    /// Level indices below this; trees split them as sets.
    pub(crate) levels: Option<usize>,
}

/// A slot as the encoders see it.
pub(crate) struct SlotKind<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: Kind<'a>,
    /// Whether a missing value passes the door.
    pub(crate) missing: bool,
}

/// What a slot holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Kind<'a> {
    Number,
    Flag,
    Time,
    Category(&'a [String]),
}

/// The slots of a schema and its derived features.
pub(crate) fn slot_kinds<'a>(schema: &'a Schema, derived: &'a [Derived]) -> Vec<SlotKind<'a>> {
    let fields = schema.fields.iter().map(|f| {
        let kind = match &f.kind {
            FieldKind::Number { .. } => Kind::Number,
            FieldKind::Category { levels, .. } => Kind::Category(levels),
            FieldKind::Flag => Kind::Flag,
            FieldKind::Time => Kind::Time,
        };
        SlotKind { name: &f.name, kind, missing: !f.required }
    });
    let derived = derived.iter().map(|d| {
        let kind = match d.expr.ty {
            Type::Flag => Kind::Flag,
            Type::Time => Kind::Time,
            _ => Kind::Number,
        };
        SlotKind { name: &d.name, kind, missing: true }
    });
    fields.chain(derived).collect()
}

/// What there is to decide, decided.
struct Plan<'a> {
    tree: bool,
    scaler: Scaler,
    onehot: bool,
    unknown: HandleUnknown,
    strategy: ImputerKind,
    fill: Option<&'a serde_json::Value>,
    indicator: bool,
}

/// Fits one encoder per slot that the model reads. `slots`: training rows x slots. Times and `hidden` slots get none; so do slots
/// without any value in training, which `notes` tells.
pub(crate) fn fit(
    preprocessing: &Preprocessing,
    tree: bool,
    kinds: &[SlotKind<'_>],
    hidden: &[String],
    slots: ArrayView2<'_, f64>,
    notes: &mut Vec<String>,
) -> Result<(Encoders, Vec<Column>)> {
    let p = preprocessing;
    let default = if tree { ScalerKind::None } else { ScalerKind::Standard };
    let plan = Plan {
        tree,
        scaler: p.scaler.clone().unwrap_or(Scaler { kind: default, feature_range: (0.0, 1.0), clip: false }),
        onehot: p.encoder.as_ref().map_or(!tree, |e| e.kind == EncoderKind::Onehot),
        unknown: p.encoder.as_ref().map_or(HandleUnknown::Error, |e| e.handle_unknown),
        strategy: p.imputer.as_ref().map_or(if tree { ImputerKind::None } else { ImputerKind::Mean }, |i| i.strategy),
        fill: p.imputer.as_ref().and_then(|i| i.fill_value.as_ref()),
        indicator: p.imputer.as_ref().is_some_and(|i| i.add_indicator),
    };
    let mut encoders = Vec::new();
    let mut columns = Vec::new();
    for (i, slot) in kinds.iter().enumerate() {
        if hidden.iter().any(|h| h == slot.name) || slot.kind == Kind::Time {
            continue;
        }
        let all = slots.column(i);
        let values: Vec<f64> = all.iter().filter(|v| !v.is_nan()).map(|v| bounded(*v)).collect();
        if values.is_empty() {
            notes.push(format!("`{}` has no value in the training rows: the model does not read it", slot.name));
            continue;
        }
        let n_missing = all.len() - values.len();
        let (impute, transform) = plan.column(slot, values, n_missing)?;
        let levels = match (&transform, slot.kind) {
            (Transform::Ordinal { values, unknown }, _) => Some(values.len() + usize::from(!unknown.is_nan())),
            _ => None,
        };
        let indicator = plan.indicator && n_missing > 0;
        let encoder = Encoder { slot: i as u32, impute, transform, indicator };
        let n = encoder.n_columns();
        columns.extend((0..n).map(|k| Column { slot: i, levels: if k == 0 { levels } else { None } }));
        encoders.push(encoder);
    }
    if encoders.is_empty() {
        let message = "no column is left for the model to read: list at least one number, category or flag";
        return Err(Error::new(ErrorKind::Data, message));
    }
    Ok((Encoders(encoders), columns))
}

impl Plan<'_> {
    /// What replaces a missing value, and the transform. `values`: those present in training.
    fn column(&self, slot: &SlotKind<'_>, mut values: Vec<f64>, n_missing: usize) -> Result<(Option<f64>, Transform)> {
        if !self.tree && self.strategy == ImputerKind::None && slot.missing {
            let by_itself = matches!(slot.kind, Kind::Category(_)) && self.onehot;
            if !by_itself {
                let message = format!(
                    "`{}` may be missing, which a linear model has no meaning for: choose another preprocessing.imputer than none",
                    slot.name
                );
                return Err(Error::new(ErrorKind::Config, message));
            }
        }
        match slot.kind {
            Kind::Number => {
                let impute = self.number(&values);
                if let Some(v) = impute {
                    values.extend(std::iter::repeat_n(v, n_missing));
                }
                Ok((impute, scale(&self.scaler, &values)))
            }
            Kind::Category(levels) => self.category(slot, levels, &values),
            Kind::Flag | Kind::Time => {
                let given = self.fill.and_then(serde_json::Value::as_f64).filter(|v| *v == 0.0 || *v == 1.0);
                let impute = match self.strategy {
                    ImputerKind::None => None,
                    ImputerKind::Constant if given.is_some() => given,
                    _ => Some(most_frequent(&values)),
                };
                Ok((impute, Transform::Pass))
            }
        }
    }

    fn number(&self, values: &[f64]) -> Option<f64> {
        match self.strategy {
            ImputerKind::None => None,
            ImputerKind::Mean => Some(bounded(mean(values))),
            ImputerKind::Median => Some(median(values)),
            ImputerKind::MostFrequent => Some(most_frequent(values)),
            // A text is meant for categories; numbers then get scikit-learn's default.
            ImputerKind::Constant => Some(self.fill.and_then(serde_json::Value::as_f64).unwrap_or(0.0)),
        }
    }

    fn category(&self, slot: &SlotKind<'_>, levels: &[String], values: &[f64]) -> Result<(Option<f64>, Transform)> {
        let n = levels.len();
        let impute = match (self.strategy, self.fill.and_then(serde_json::Value::as_str)) {
            (ImputerKind::MostFrequent, _) => Some(most_frequent(values)),
            (ImputerKind::Constant, Some(text)) => match levels.iter().position(|l| l == text) {
                Some(level) => Some(level as f64),
                None if !slot.missing => None,
                None => {
                    let hint = crate::error::did_you_mean(text, levels.iter().map(String::as_str));
                    let message =
                        format!("preprocessing.imputer.fill_value: `{text}` is no level of `{}`{hint}", slot.name);
                    return Err(Error::new(ErrorKind::Config, message));
                }
            },
            // A mean of levels has no meaning: a missing level stays what it is, or (ordinal, linear) the most frequent.
            (s, _) if s != ImputerKind::None && !self.onehot => Some(most_frequent(values)),
            _ => None,
        };
        let own = self.unknown == HandleUnknown::OwnColumn;
        if self.onehot {
            let missing = impute.is_none() && slot.missing;
            return Ok((impute, Transform::OneHot { levels: (0..n as u32).collect(), unknown: own, missing }));
        }
        let values = (0..n).map(|l| l as f64).collect();
        let unknown = if own || !self.tree { n as f64 } else { f64::NAN };
        Ok((impute, Transform::Ordinal { values, unknown }))
    }
}

/// The scaler over `values` (after imputing; none missing).
fn scale(scaler: &Scaler, values: &[f64]) -> Transform {
    match scaler.kind {
        ScalerKind::None => Transform::Pass,
        ScalerKind::Standard => {
            let n = values.len() as f64;
            let mean = bounded(mean(values));
            let variance = values.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
            // A constant column, up to rounding, is not scaled (`_is_constant_feature`).
            let noise = n * f64::EPSILON * variance + (n * mean * f64::EPSILON) * (n * mean * f64::EPSILON);
            let scale = if variance <= noise { 1.0 } else { variance.sqrt() };
            Transform::Standard { mean, scale }
        }
        ScalerKind::Minmax => {
            let min = values.iter().copied().fold(f64::INFINITY, f64::min);
            let max = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let (low, high) = scaler.feature_range;
            let width = max - min;
            let scale = (high - low) / if width < 10.0 * f64::EPSILON { 1.0 } else { width };
            Transform::MinMax { scale, min: low - min * scale, clip: scaler.clip.then_some((low, high)) }
        }
    }
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn median(values: &[f64]) -> f64 {
    let mut v = values.to_vec();
    v.sort_unstable_by(f64::total_cmp);
    let m = v.len() / 2;
    if v.len() % 2 == 1 { v[m] } else { v[m - 1] / 2.0 + v[m] / 2.0 }
}

/// The most frequent value; of equals the smallest.
fn most_frequent(values: &[f64]) -> f64 {
    let mut v = values.to_vec();
    v.sort_unstable_by(f64::total_cmp);
    let runs = v.chunk_by(|a, b| a == b);
    runs.fold((f64::NAN, 0), |best, run| if run.len() > best.1 { (run[0], run.len()) } else { best }).0
}
