//! Columns to encoders, for models that add and multiply.

use super::super::columns::{Column, Step};
use super::super::{Input, InputKind};
use super::{Lowering, pass, sql};
use crate::error::Result;
use crate::math::BOUND;
use crate::pipeline::{Encoder, Encoders, Transform};

impl Lowering<'_> {
    /// Encoders that write these columns, in order. Roundings to `f32` before arithmetic are left out: such a model's own answers carry
    /// them as errors.
    pub(super) fn encode(&mut self, columns: &[Column]) -> Result<Encoders> {
        let mut encoders = Vec::new();
        let mut at = 0;
        while at < columns.len() {
            let (encoder, width) = match self.one_hot(&columns[at..])? {
                Some(found) => found,
                None => (self.single(&columns[at])?, 1),
            };
            encoders.push(encoder);
            at += width;
        }
        Ok(Encoders(encoders))
    }

    /// A run of one category's levels from the first column on, as one encoder; and how many columns it takes.
    fn one_hot(&self, columns: &[Column]) -> Result<Option<(Encoder, usize)>> {
        let source = self.source(&columns[0])?;
        let Some(n) = source.levels() else { return Ok(None) };
        let (first, before) = match columns[0].steps.split_last() {
            Some((Step::Is(_), before)) => (columns[0].input, before),
            _ => return Ok(None),
        };
        let impute = match before {
            [] => None,
            [Step::Impute { value }] => Some(*value),
            _ => return Ok(None),
        };
        let mut levels: Vec<u32> = Vec::new();
        let (mut unknown, mut missing) = (false, false);
        let mut width = 0;
        for column in columns {
            let Some((last, own)) = column.steps.split_last() else { break };
            if column.input != first || own != before || missing {
                break;
            }
            match last {
                Step::Is(level) if !unknown && is_level(*level, n) && !levels.contains(&(*level as u32)) => {
                    levels.push(*level as u32);
                }
                Step::IsNoneOf(known) if !unknown && same(known, &levels) => unknown = true,
                Step::IsMissing if impute.is_none() => missing = true,
                _ => break,
            }
            width += 1;
        }
        if width == 0 {
            return Ok(None);
        }
        let transform = Transform::OneHot { levels, unknown, missing };
        Ok(Some((Encoder { slot: source.slot as u32, impute, transform, indicator: false }, width)))
    }

    fn single(&mut self, column: &Column) -> Result<Encoder> {
        let source = self.source(column)?;
        let steps: Vec<Step> = column.steps.iter().filter(|s| **s != Step::Single).cloned().collect();
        if steps.is_empty() {
            return Ok(pass(source.slot));
        }
        let (name, required, input) = (source.name.to_owned(), source.input.required, source.input.clone());
        let encoder = match source.levels() {
            Some(n) => ordinal(column, n, source.admits(), required),
            None => affine(&steps),
        };
        if let Some(encoder) = encoder {
            return Ok(Encoder { slot: source.slot as u32, ..encoder });
        }
        self.has_room()?;
        let missing = column.value(f64::NAN);
        let (_, slot) = match source.levels() {
            Some(_) => sql::derive_levels(self, &name, column, &input.kind),
            None => sql::derive(self, &name, &column.steps),
        };
        let impute = match missing.is_nan() {
            false => Some(missing),
            // Never missing, as its input never is; the proof that nothing missing reaches the model wants to see it.
            true if required && !may_lose(&steps, &input) => Some(0.0),
            true => None,
        };
        Ok(Encoder { impute, ..pass(slot) })
    }
}

/// Whether a value that is there may become missing on the way.
fn may_lose(steps: &[Step], input: &Input) -> bool {
    let unknown = matches!(input.kind, InputKind::Category { admit_unknown: true, .. });
    steps.iter().any(|step| match step {
        Step::Replace { value, .. } => value.is_nan(),
        Step::Blank { .. } => true,
        Step::Lookup { values, unknown: other } => values.iter().any(|v| v.is_nan()) || (unknown && other.is_nan()),
        _ => false,
    })
}

fn is_level(v: f64, n: usize) -> bool {
    v >= 0.0 && v < n as f64 && v as usize as f64 == v
}

fn same(known: &[f64], levels: &[u32]) -> bool {
    known.len() == levels.len() && levels.iter().all(|l| known.contains(&f64::from(*l)))
}

/// A chain over a category's `n` levels as a table of its values; `None` where a table cannot say it.
fn ordinal(column: &Column, n: usize, admits: bool, required: bool) -> Option<Encoder> {
    let values: Vec<f64> = (0..n).map(|level| column.value(level as f64)).collect();
    let (missing, mut unknown) = (column.value(f64::NAN), column.value(n as f64));
    if values.iter().any(|v| v.is_nan() || v.abs() > BOUND) {
        return None;
    }
    let impute = if required || missing.is_nan() {
        None
    } else if let Some(level) = values.iter().position(|v| v.to_bits() == missing.to_bits()) {
        Some(level as f64)
    } else {
        // No level has this value; that of no level does, or may.
        if !admits {
            unknown = missing;
        }
        (unknown.to_bits() == missing.to_bits()).then_some(n as f64)?.into()
    };
    Some(Encoder { slot: 0, impute, transform: Transform::Ordinal { values, unknown }, indicator: false })
}

/// A chain of imputing and scaling as one encoder; `None` where it is more than that.
fn affine(steps: &[Step]) -> Option<Encoder> {
    let of = |impute, transform| Some(Encoder { slot: 0, impute, transform, indicator: false });
    let (impute, rest) = match steps {
        [Step::Impute { value }, rest @ ..] => (Some(*value), rest),
        rest => (None, rest),
    };
    // One step keeps its own form, and with it the bits of the original's arithmetic.
    match rest {
        [] => return of(impute, Transform::Pass),
        [Step::SubDiv { offset, scale, .. }] => {
            return of(impute, Transform::Standard { mean: *offset, scale: *scale });
        }
        [Step::MulAdd { scale, offset, .. }] => {
            return of(impute, Transform::MinMax { scale: *scale, min: *offset, clip: None });
        }
        [Step::MulAdd { scale, offset, .. }, Step::Clip { low, high }] => {
            return of(impute, Transform::MinMax { scale: *scale, min: *offset, clip: Some((*low, *high)) });
        }
        _ => {}
    }
    // Several become (v - mean) / scale: the form that does not cancel where a mean is far from 0.
    let (mut impute, mut mean, mut scale) = (impute, 0.0, 1.0);
    for step in rest {
        match step {
            Step::Single => {}
            Step::SubDiv { offset, scale: by, .. } => (mean, scale) = (mean + offset * scale, scale * by),
            Step::SubMul { offset, scale: by, .. } => (mean, scale) = (mean + offset * scale, scale / by),
            Step::MulAdd { scale: by, offset, .. } => (mean, scale) = (mean - offset * scale / by, scale / by),
            // What is imputed after scaling, as the value before it.
            Step::Impute { value } if impute.is_none() => impute = Some(value * scale + mean),
            Step::Impute { .. } => {}
            _ => return None,
        }
    }
    let sound = |v: f64| v.abs() <= BOUND;
    (sound(mean) && sound(scale) && scale != 0.0 && impute.is_none_or(sound)).then_some(())?;
    of(impute, Transform::Standard { mean, scale })
}
