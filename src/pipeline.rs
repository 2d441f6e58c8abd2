//! From a row to the feature vector `x`: derived features first, then encoders. Fitted state only; the fitting is in `train`.
//!
//! **slots** = the row's fields, then the derived features, in order. Each [`Encoder`] reads one slot and writes its columns
//! of `x`. Meanings are scikit-learn's (`SimpleImputer`, `MissingIndicator`, `StandardScaler`, `MinMaxScaler`,
//! `OneHotEncoder`, `OrdinalEncoder`), attribute by attribute.

use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Expr, Type};
use crate::math::{BLOCK, BOUND};
use crate::schema::order::twice;
use crate::schema::{FieldKind, Schema, Unknown};
use crate::simd::F64x2;
use crate::wire::{Decode, Encode, Refused, Source, decodes};

mod ready;
#[cfg(test)]
mod tests;

pub(crate) use ready::Ready;

/// Derived features and encoders, in order.
#[derive(Clone, Debug, PartialEq, Default, Encode)]
pub struct Pipeline {
    /// Features computed from the row; each may use those before it.
    pub derived: Vec<Derived>,
    /// What turns slots into `x`.
    pub encoders: Encoders,
}

decodes!(struct Pipeline { derived, encoders });

/// A named expression.
#[derive(Clone, Debug, PartialEq, Encode)]
pub struct Derived {
    /// Its name, distinct from every field's.
    pub name: String,
    /// As it was written.
    pub text: String,
    /// As it is computed.
    pub expr: Expr,
}

decodes!(struct Derived { name, text, expr });

/// Encoders side by side: `x` is their columns, one after another.
#[derive(Clone, Debug, PartialEq, Default, Encode)]
pub struct Encoders(pub Vec<Encoder>);

impl Decode for Encoders {
    fn decode(source: &mut Source<'_>) -> std::result::Result<Self, Refused> {
        source.read().map(Encoders)
    }
}

/// One slot to its columns: impute, then transform, then (last column) the missing indicator.
#[derive(Clone, Debug, PartialEq, Encode)]
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

decodes!(struct Encoder { slot, impute, transform, indicator });

/// What a value becomes. Append only: the order is the wire format.
#[derive(Clone, Debug, PartialEq, Encode)]
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

decodes!(enum Transform {
    0: Pass,
    1: Standard { mean, scale },
    2: MinMax { scale, min, clip },
    3: OneHot { levels, unknown, missing },
    4: Ordinal { values, unknown },
});

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

    /// As [`derive`](Self::derive), for `rows` rows of a block (see [`BLOCK`]). `slots`: a column per slot; `room`: what it
    /// works in, for the next call as well.
    pub fn derive_block(&self, slots: &mut [f64], rows: usize, as_of: f64, room: &mut Vec<[f64; BLOCK]>) {
        let first = slots.len() / BLOCK - self.derived.len();
        for (k, d) in self.derived.iter().enumerate() {
            let (before, own) = slots.split_at_mut((first + k) * BLOCK);
            d.expr.eval_block(before, rows, as_of, room, &mut own[..BLOCK]);
        }
    }

    /// What each slot may hold: fields, then derived features.
    pub fn slots(&self, schema: &Schema) -> Vec<Slot> {
        let fields = schema.fields.iter().map(|field| {
            let (levels, unknown) = match &field.kind {
                FieldKind::Category { levels, unknown } => (Some(levels.len()), *unknown == Unknown::Admit),
                FieldKind::Flag => (Some(2), false),
                FieldKind::Number { .. } | FieldKind::Time => (None, false),
            };
            Slot { missing: !field.required, levels, unknown }
        });
        let derived = self.derived.iter().map(|d| {
            let levels = if d.expr.ty == Type::Flag { Some(2) } else { None };
            Slot { missing: true, levels, unknown: false }
        });
        fields.chain(derived).collect()
    }

    /// Proves fitted state against the schema, and says what each column of `x` may hold. The model's side of the proof is
    /// [`Model::fits`](crate::model::Model::fits).
    #[inline(never)]
    pub fn check(&self, schema: &Schema) -> Result<Vec<Slot>> {
        if self.derived.len() > MAX_DERIVED {
            return Err(error(format!(
                "there are {} derived features, at most {MAX_DERIVED} are allowed",
                self.derived.len()
            )));
        }
        let mut names: Vec<&str> = schema.fields.iter().map(|f| f.name.as_str()).collect();
        for (k, d) in self.derived.iter().enumerate() {
            if d.name.is_empty() || names.contains(&d.name.as_str()) {
                return Err(error(format!("derived feature {k} needs a name of its own, not `{}`", d.name)));
            }
            names.push(&d.name);
            let named = |e: Error| e.context(format!("derived feature `{}`", d.name));
            let earlier: Vec<Type> = self.derived[..k].iter().map(|d| d.expr.ty).collect();
            d.expr.check(schema, &earlier).map_err(named)?;
            if d.expr.ty == Type::Category {
                return Err(named(error("a derived feature is a number, a flag or a time, not a category")));
            }
        }
        self.encoders.check(&self.slots(schema))
    }
}

/// What a slot, or a column of `x`, may hold: what the checks reason with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot {
    /// It may be NaN.
    pub missing: bool,
    /// It is an index below this (category, flag).
    pub levels: Option<usize>,
    /// It may also be the index `levels`, no level at all.
    pub unknown: bool,
}

/// Most derived features.
pub const MAX_DERIVED: usize = 1024;

/// Most columns of `x`.
pub const MAX_COLUMNS: usize = 65_536;

impl Encoders {
    /// Length of `x`.
    pub fn n_columns(&self) -> usize {
        self.0.iter().map(Encoder::n_columns).sum()
    }

    /// `slots` to `x` (`n_columns` numbers, finite within ±[`BOUND`] or NaN where missing is left).
    pub fn encode(&self, slots: &[f64], x: &mut [f64]) {
        Encoders::encode_some(&self.0, slots, x);
    }

    fn encode_some(encoders: &[Encoder], slots: &[f64], x: &mut [f64]) {
        let mut at = 0;
        for encoder in encoders {
            let value = slots[encoder.slot as usize];
            let v = encoder.imputed(value);
            match &encoder.transform {
                Transform::Pass => x[at] = pass(v),
                Transform::Standard { mean, scale } => x[at] = standard(v, *mean, *scale),
                Transform::MinMax { scale, min, clip } => x[at] = min_max(v, *scale, *min, *clip),
                Transform::OneHot { levels, unknown, missing } => {
                    one_hot(v, levels, *unknown, *missing, &mut x[at..at + encoder.n_columns()]);
                    at += encoder.n_columns() - 1 - usize::from(encoder.indicator);
                }
                Transform::Ordinal { values, unknown } => x[at] = ordinal(v, values, *unknown),
            }
            at += 1;
            if encoder.indicator {
                x[at] = f64::from(u8::from(value.is_nan()));
                at += 1;
            }
        }
    }

    /// As [`encode`](Self::encode), for `rows` rows of a block (see [`BLOCK`]). `slots`, `x`: a column each.
    pub fn encode_block(&self, slots: &[f64], rows: usize, x: &mut [f64]) {
        let mut rest = x;
        for encoder in &self.0 {
            let values = &slots[encoder.slot as usize * BLOCK..][..rows];
            let (own, after) = rest.split_at_mut(encoder.n_columns() * BLOCK);
            rest = after;
            match &encoder.transform {
                Transform::Pass if encoder.impute.is_none() => pass_all(values, own),
                Transform::Pass => encoder.each(values, own, pass),
                Transform::Standard { mean, scale } => encoder.each(values, own, |v| standard(v, *mean, *scale)),
                Transform::MinMax { scale, min, clip } => {
                    encoder.each(values, own, |v| min_max(v, *scale, *min, *clip));
                }
                Transform::OneHot { levels, unknown, missing } => {
                    let mut levels_left = own.chunks_exact_mut(BLOCK);
                    // 1 for a value that has a column.
                    let mut known = [0.0; BLOCK];
                    for (level, column) in levels.iter().zip(&mut levels_left) {
                        let level = f64::from(*level);
                        encoder.each(values, column, |v| f64::from(u8::from(v == level)));
                        known.iter_mut().zip(column).for_each(|(known, own)| *known += *own);
                    }
                    if let Some(column) = if *unknown { levels_left.next() } else { None } {
                        encoder.each(values, column, |v| f64::from(u8::from(!v.is_nan())));
                        column.iter_mut().zip(&known).for_each(|(own, known)| *own -= known);
                    }
                    if let Some(column) = if *missing { levels_left.next() } else { None } {
                        encoder.each(values, column, |v| f64::from(u8::from(v.is_nan())));
                    }
                }
                Transform::Ordinal { values: to, unknown } => encoder.each(values, own, |v| ordinal(v, to, *unknown)),
            }
            if encoder.indicator {
                let last = own.len() - BLOCK;
                for (own, v) in own[last..].iter_mut().zip(values) {
                    *own = f64::from(u8::from(v.is_nan()));
                }
            }
        }
    }

    /// Proves the encoders over these slots, and says what each of their columns may hold.
    #[inline(never)]
    pub fn check(&self, slots: &[Slot]) -> Result<Vec<Slot>> {
        let mut columns = Vec::new();
        for (i, encoder) in self.0.iter().enumerate() {
            encoder.check(slots, &mut columns).map_err(|e| e.context(format!("encoder {i}")))?;
            if columns.len() > MAX_COLUMNS {
                return Err(error(format!("the encoders write more than {MAX_COLUMNS} columns")));
            }
        }
        Ok(columns)
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

    fn imputed(&self, value: f64) -> f64 {
        match self.impute {
            Some(statistic) if value.is_nan() => statistic,
            _ => value,
        }
    }

    /// `f` of each value, imputed.
    #[inline(always)]
    fn each(&self, values: &[f64], out: &mut [f64], f: impl Fn(f64) -> f64) {
        let pairs = out.iter_mut().zip(values);
        match self.impute {
            Some(statistic) => pairs.for_each(|(out, v)| *out = f(if v.is_nan() { statistic } else { *v })),
            None => pairs.for_each(|(out, v)| *out = f(*v)),
        }
    }

    #[inline(never)]
    fn check(&self, slots: &[Slot], columns: &mut Vec<Slot>) -> Result<()> {
        let Some(slot) = slots.get(self.slot as usize) else {
            return Err(error(format!("it reads slot {}, but there are {}", self.slot, slots.len())));
        };
        if self.impute.is_some_and(|v| !finite(v)) {
            return Err(error("what replaces a missing value is not a finite number"));
        }
        let missing = slot.missing && self.impute.is_none();
        let number = Slot { missing, levels: None, unknown: false };
        let never = Slot { missing: false, levels: Some(2), unknown: false };
        match &self.transform {
            Transform::Pass => {
                columns.push(Slot { missing, unknown: slot.unknown || self.imputes_no_level(slot), ..*slot })
            }
            Transform::Standard { mean, scale } => {
                if !finite(*mean) || !finite(*scale) || *scale == 0.0 {
                    return Err(error("mean and scale are finite numbers, scale not 0"));
                }
                columns.push(number);
            }
            Transform::MinMax { scale, min, clip } => {
                let ordered = clip.is_none_or(|(low, high)| finite(low) && finite(high) && low <= high);
                if !finite(*scale) || !finite(*min) || !ordered {
                    return Err(error("scale and min are finite numbers, and a clip range is ascending"));
                }
                columns.push(number);
            }
            Transform::OneHot { levels, .. } => {
                let n = slot.levels.ok_or_else(|| not_a_category("one-hot", self.slot))?;
                // The work follows the encoder's own length, not the field's: many short encoders may read one long field.
                if let Some(level) = levels.iter().max().filter(|level| **level as usize >= n) {
                    return Err(error(format!("level {level} has a one-hot column, but there are {n} levels")));
                }
                if let Some(k) = twice(levels.len(), &|a, b| levels[a as usize] < levels[b as usize]) {
                    return Err(error(format!("level {} has two one-hot columns", levels[k as usize])));
                }
                let n = self.n_columns() - usize::from(self.indicator);
                if n == 0 || n > MAX_COLUMNS {
                    return Err(error(format!("a one-hot encoder writes 1 to {MAX_COLUMNS} columns")));
                }
                columns.extend(std::iter::repeat_n(never, n));
            }
            Transform::Ordinal { values, unknown } => {
                let n = slot.levels.ok_or_else(|| not_a_category("ordinal", self.slot))?;
                if values.len() != n || values.iter().any(|v| !finite(*v)) {
                    return Err(error(format!("an ordinal encoder of {n} levels holds {n} finite numbers")));
                }
                if !finite(*unknown) && !unknown.is_nan() {
                    return Err(error("the ordinal of an unknown level is a finite number or missing"));
                }
                let unknown = unknown.is_nan() && (slot.unknown || self.imputes_no_level(slot));
                columns.push(Slot { missing: missing || unknown, ..number });
            }
        }
        if self.indicator {
            columns.push(never);
        }
        Ok(())
    }

    /// Whether a missing value becomes something that is no level of its slot.
    fn imputes_no_level(&self, slot: &Slot) -> bool {
        let level = |v: f64, n: usize| v >= 0.0 && v < n as f64 && v as usize as f64 == v;
        slot.missing && matches!((self.impute, slot.levels), (Some(v), Some(n)) if !level(v, n))
    }
}

#[inline(always)]
fn pass(v: f64) -> f64 {
    clamp(v, -BOUND, BOUND)
}

/// [`pass`] of each.
fn pass_all(values: &[f64], out: &mut [f64]) {
    let (low, high) = (F64x2::splat(-BOUND), F64x2::splat(BOUND));
    let (pairs, rest) = values.as_chunks();
    let (outs, out_rest) = out[..values.len()].as_chunks_mut();
    outs.iter_mut().zip(pairs).for_each(|(out, v)| F64x2::load(v).pmax(low).pmin(high).store(out));
    out_rest.iter_mut().zip(rest).for_each(|(out, v)| *out = pass(*v));
}

#[inline(always)]
fn standard(v: f64, mean: f64, scale: f64) -> f64 {
    clamp((v - mean) / scale, -BOUND, BOUND)
}

#[inline(always)]
fn min_max(v: f64, scale: f64, min: f64, clip: Option<(f64, f64)>) -> f64 {
    let (low, high) = clip.unwrap_or((-BOUND, BOUND));
    clamp(v * scale + min, low, high)
}

fn one_hot(v: f64, levels: &[u32], unknown: bool, missing: bool, out: &mut [f64]) {
    out.fill(0.0);
    let is = |column: usize| levels.get(column).is_some_and(|level| f64::from(*level) == v);
    // Most columns are those of all levels, or of all but the first.
    let level = v as usize;
    let own = if is(level) {
        Some(level)
    } else if is(level.wrapping_sub(1)) {
        Some(level - 1)
    } else if let Some(column) = levels.iter().position(|level| f64::from(*level) == v) {
        Some(column)
    } else if v.is_nan() {
        missing.then_some(levels.len() + usize::from(unknown))
    } else {
        unknown.then_some(levels.len())
    };
    if let Some(column) = own {
        out[column] = 1.0;
    }
}

#[inline(always)]
fn ordinal(v: f64, values: &[f64], unknown: f64) -> f64 {
    let level = v as usize;
    match values.get(level) {
        _ if v.is_nan() => v,
        Some(value) if level as f64 == v => *value,
        _ => unknown,
    }
}

/// Within `low..=high`; NaN stays.
#[inline(always)]
fn clamp(v: f64, low: f64, high: f64) -> f64 {
    let v = if v < low { low } else { v };
    if v > high { high } else { v }
}

/// Whether `v` is finite and within ±[`BOUND`].
fn finite(v: f64) -> bool {
    v.abs() <= BOUND
}

fn not_a_category(what: &str, slot: u32) -> Error {
    error(format!("a {what} encoder reads a category or a flag, and slot {slot} is neither"))
}

#[inline(never)]
fn error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Artifact, message)
}
