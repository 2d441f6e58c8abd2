//! Door 1 itself: one cell to one slot, and what to say where that fails.

use super::message::{list, nearest, number as shown, quote};
use super::{Cell, Code, Extra, Field, FieldKind, Levels, Record, Schema, Unknown, Violation};
use crate::math::BLOCK;
use crate::simd::{F64x2, I64x2};
use crate::time;

/// At most this many names that are no field are reported.
const MAX_EXTRA: usize = 100;

/// Why a cell is no value of its field; the words are found later, so that a good record allocates nothing.
enum Fault {
    Type,
    OutOfRange(f64),
    Level,
}

impl Schema {
    /// Checks `record` and writes its row. `row`: one slot per field. On violations (all of them, in schema order, extra
    /// names last) the row holds NaN for the slots that failed.
    ///
    /// A good record allocates nothing here.
    ///
    /// ```
    /// use hedgerow::schema::{Code, Field, FieldKind, RawRecord, Schema, Unknown};
    /// let schema = Schema {
    ///     fields: vec![
    ///         Field { name: "age".into(), kind: FieldKind::Number { min: Some(0.0), max: None }, required: true },
    ///         Field {
    ///             name: "colour".into(),
    ///             kind: FieldKind::Category { levels: ["blue", "red"].into(), unknown: Unknown::Reject },
    ///             required: false,
    ///         },
    ///     ],
    ///     ..Schema::default()
    /// };
    /// let mut row = [0.0; 2];
    /// schema.row(&RawRecord(&[Some("41.5".into()), Some("red".into())]), &mut row)?;
    /// assert_eq!(row, [41.5, 1.0]);
    ///
    /// let refused = schema.row(&RawRecord(&[Some("-1".into()), Some("Red".into())]), &mut row).unwrap_err();
    /// assert_eq!((refused[0].code, refused[1].code), (Code::OutOfRange, Code::UnknownLevel));
    /// assert_eq!(refused[0].message, "-1 is below 0, the smallest value allowed");
    /// assert_eq!(refused[1].message, "`Red` is none of its levels (did you mean `red`?): `blue`, `red`");
    /// # Ok::<(), Vec<hedgerow::schema::Violation>>(())
    /// ```
    pub fn row(&self, record: &dyn Record, row: &mut [f64]) -> Result<(), Vec<Violation>> {
        debug_assert_eq!(row.len(), self.fields.len());
        let mut violations = Vec::new();
        // The names that are no field, once asked for.
        let mut extra: Option<Vec<String>> = None;
        for (i, (field, slot)) in self.fields.iter().zip(row.iter_mut()).enumerate() {
            *slot = f64::NAN;
            let cell = record.cell(i, field);
            match field.kind.slot(&cell) {
                Ok(v) if v.is_nan() && field.required => {
                    let extra = extra.get_or_insert_with(|| self.extra_of(record));
                    violations.push(missing(field, extra));
                }
                Ok(v) => *slot = v,
                Err(fault) => violations.push(violation(field, &cell, fault)),
            }
        }
        if self.extra == Extra::Reject {
            for name in extra.get_or_insert_with(|| self.extra_of(record)) {
                let mut message = String::from("there is no such field");
                if let Some(name) = nearest(name, self.fields.iter().map(|f| &f.name)) {
                    message = format!("{message} (did you mean {}?)", quote(name));
                }
                violations.push(Violation { field: super::message::cut(name), code: Code::UnknownField, message });
            }
        }
        if violations.is_empty() { Ok(()) } else { Err(violations) }
    }

    /// Whether row `r` of a block (see [`BLOCK`]) is one that [`row`](Self::row) could have written; tells it of each of `rows`
    /// rows. `columns`: a column per field; -0.0 becomes 0.0. A value that is none (an infinity, a number out of range, no
    /// level's index, NaN in a required field) is the row door's to judge, from what the record holds.
    pub fn plain_block(&self, columns: &mut [f64], rows: usize, plain: &mut [bool]) {
        plain[..rows].fill(true);
        for (field, column) in self.fields.iter().zip(columns.chunks_exact_mut(BLOCK)) {
            let (low, high, whole) = match &field.kind {
                FieldKind::Number { min, max } => (min.unwrap_or(f64::MIN), max.unwrap_or(f64::MAX), false),
                FieldKind::Category { levels, unknown } => {
                    let last = if *unknown == Unknown::Admit { levels.len() as f64 } else { levels.len() as f64 - 1.0 };
                    (0.0, last, true)
                }
                FieldKind::Flag => (0.0, 1.0, true),
                FieldKind::Time => (time::MIN, time::MAX, false),
            };
            let column = &mut column[..rows];
            if !is_plain(column, [low, high], whole, field.required) {
                for (v, plain) in column.iter().zip(plain.iter_mut()) {
                    let sound = *v >= low && *v <= high && !(whole && f64::from(*v as u32) != *v);
                    *plain &= sound || (v.is_nan() && !field.required);
                }
            }
        }
    }

    /// The first names of the record that are no field.
    #[cold]
    fn extra_of(&self, record: &dyn Record) -> Vec<String> {
        let mut extra = record.extra(self);
        extra.truncate(MAX_EXTRA);
        extra
    }
}

impl FieldKind {
    /// The slot of `cell`, NaN for a missing value. (A function for each kind, because a host of wasm compiles what a row needs, and
    /// compiles large functions once more after fewer calls.)
    #[inline(never)]
    fn slot(&self, cell: &Cell<'_>) -> Result<f64, Fault> {
        match (self, cell) {
            (_, Cell::Missing) => MISSING,
            (_, Cell::Raw(text)) if text.trim_ascii().is_empty() => MISSING,
            (_, Cell::Number(v) | Cell::Time(v)) if !v.is_finite() => MISSING,
            (FieldKind::Number { min, max }, Cell::Number(v)) => in_range(*v, *min, *max),
            (FieldKind::Number { min, max }, Cell::Raw(text)) => number_slot(text, *min, *max),
            (FieldKind::Category { levels, unknown }, _) => category_slot(levels, *unknown, cell),
            (FieldKind::Flag, _) => flag_slot(cell),
            (FieldKind::Time, _) => time_slot(cell),
            _ => Err(Fault::Type),
        }
    }
}

const MISSING: Result<f64, Fault> = Ok(f64::NAN);

#[inline(never)]
fn number_slot(text: &str, min: Option<f64>, max: Option<f64>) -> Result<f64, Fault> {
    match parse(text.trim_ascii()) {
        Some(v) if v.is_finite() => in_range(v, min, max),
        Some(_) => MISSING,
        None => Err(Fault::Type),
    }
}

#[inline(never)]
fn category_slot(levels: &Levels, unknown: Unknown, cell: &Cell<'_>) -> Result<f64, Fault> {
    let found = match cell {
        Cell::Number(v) => levels.find_number(*v),
        Cell::Flag(b) => levels.find(if *b { "true" } else { "false" }),
        Cell::Text(text) if text.trim_ascii().is_empty() => return MISSING,
        Cell::Text(text) => levels.find(text),
        Cell::Raw(text) => {
            let trimmed = text.trim_ascii();
            levels.find(text).or_else(|| levels.find(trimmed)).or_else(|| levels.find_spelt(trimmed))
        }
        _ => return Err(Fault::Type),
    };
    level(found, levels.len(), unknown)
}

#[inline(never)]
fn flag_slot(cell: &Cell<'_>) -> Result<f64, Fault> {
    match cell {
        Cell::Flag(b) => Ok(f64::from(u8::from(*b))),
        Cell::Number(v) if *v == 0.0 || *v == 1.0 => Ok(v.abs()),
        Cell::Raw(text) => flag(text.trim_ascii()).map(|b| f64::from(u8::from(b))).ok_or(Fault::Type),
        _ => Err(Fault::Type),
    }
}

#[inline(never)]
fn time_slot(cell: &Cell<'_>) -> Result<f64, Fault> {
    match cell {
        Cell::Time(seconds) => instant((*seconds * 1000.0).round()),
        Cell::Number(millis) => instant(millis.trunc()),
        Cell::Text(text) if text.trim_ascii().is_empty() => MISSING,
        Cell::Text(text) => time::parse_iso(text).ok_or(Fault::Type),
        Cell::Raw(text) => time::parse(text.trim_ascii()).ok_or(Fault::Type),
        _ => Err(Fault::Type),
    }
}

/// Whether each value of a column is sound, which most columns are; -0.0 becomes 0.0.
fn is_plain(column: &mut [f64], range: [f64; 2], whole: bool, required: bool) -> bool {
    let zero = F64x2::splat(0.0);
    // A whole number below this stays itself where it is added and taken away again, and no other does.
    let most = F64x2::splat((1u64 << 52) as f64);
    let [low, high] = range.map(F64x2::splat);
    let mut all = I64x2::splat(-1);
    let mut look = |v: F64x2| {
        let mut sound = low.le(v) & v.le(high);
        if whole {
            sound = sound & v.eq(v + most - most);
        }
        if !required {
            sound = sound | v.ne(v);
        }
        all = all & sound;
    };
    let (pairs, rest) = column.as_chunks_mut::<2>();
    for pair in pairs {
        let v = F64x2::load(pair) + zero;
        v.store(pair);
        look(v);
    }
    for v in rest {
        *v += 0.0;
        look(F64x2::splat(*v));
    }
    all.get::<0>() & all.get::<1>() == -1
}

/// The number a text reads as, where it is a finite one; spaces around it do not matter.
pub(crate) fn number(text: &str) -> Option<f64> {
    parse(text.trim_ascii()).filter(|v| v.is_finite())
}

/// `str::parse`, where the binary may be as large as it likes.
fn parse(text: &str) -> Option<f64> {
    #[cfg(feature = "cli")]
    return text.parse().ok();
    #[cfg(not(feature = "cli"))]
    return super::decimal::parse(text);
}

/// The flag a text without a type reads as.
pub(crate) fn flag(text: &str) -> Option<bool> {
    let is = |word: &&str| text.eq_ignore_ascii_case(word);
    if ["true", "1", "yes", "t"].iter().any(is) {
        return Some(true);
    }
    ["false", "0", "no", "f"].iter().any(is).then_some(false)
}

fn in_range(v: f64, min: Option<f64>, max: Option<f64>) -> Result<f64, Fault> {
    if min.is_some_and(|min| v < min) || max.is_some_and(|max| v > max) {
        return Err(Fault::OutOfRange(v));
    }
    // Minus zero becomes zero.
    Ok(v + 0.0)
}

fn level(found: Option<usize>, n_levels: usize, unknown: Unknown) -> Result<f64, Fault> {
    match (found, unknown) {
        (Some(k), _) => Ok(k as f64),
        (None, Unknown::Admit) => Ok(n_levels as f64),
        (None, Unknown::Reject) => Err(Fault::Level),
    }
}

fn instant(millis: f64) -> Result<f64, Fault> {
    let seconds = millis / 1000.0 + 0.0;
    if (time::MIN..=time::MAX).contains(&seconds) { Ok(seconds) } else { Err(Fault::OutOfRange(seconds)) }
}

#[cold]
fn missing(field: &Field, extra: &[String]) -> Violation {
    let mut message = String::from("a value is required");
    if let Some(near) = nearest(&field.name, extra.iter()) {
        message.push_str(&format!(" (the record has {}: is it meant?)", quote(near)));
    }
    Violation { field: field.name.clone(), code: Code::Missing, message }
}

#[cold]
fn violation(field: &Field, cell: &Cell<'_>, fault: Fault) -> Violation {
    let (code, message) = match (fault, &field.kind) {
        (Fault::OutOfRange(v), FieldKind::Number { min, max }) => {
            let (side, limit, which) = match (min, max) {
                (Some(min), _) if v < *min => ("below", *min, "smallest"),
                (_, max) => ("above", max.unwrap_or(f64::MAX), "largest"),
            };
            let limit = shown(limit);
            (Code::OutOfRange, format!("{} is {side} {limit}, the {which} value allowed", shown(v)))
        }
        (Fault::OutOfRange(_), _) => (Code::OutOfRange, String::from("its year is outside 1 to 9999")),
        (Fault::Level, FieldKind::Category { levels, .. }) => {
            let guess = match cell {
                Cell::Text(text) | Cell::Raw(text) => nearest(text, levels.iter())
                    .or_else(|| levels.find_number(number(text)?).map(|k| levels[k].as_str())),
                _ => None,
            };
            let guess = guess.map_or(String::new(), |level| format!(" (did you mean {}?)", quote(level)));
            let message = format!("{} is none of its levels{guess}: {}", describe(cell), list(levels.iter()));
            (Code::UnknownLevel, message)
        }
        (Fault::Type | Fault::Level, kind) => {
            let mut message = format!("{} is expected, not {}", expected(kind), describe(cell));
            if let (FieldKind::Number { .. }, Cell::Text(text)) = (kind, cell)
                && number(text).is_some()
            {
                message.push_str(" (without its quotes it would be one)");
            }
            (Code::Type, message)
        }
    };
    Violation { field: field.name.clone(), code, message }
}

/// What a field takes, for a person.
fn expected(kind: &FieldKind) -> &'static str {
    match kind {
        FieldKind::Number { .. } => "a number",
        FieldKind::Category { .. } => "one of its levels",
        FieldKind::Flag => "true or false",
        FieldKind::Time => "a time (2026-01-31, 2026-01-31T09:30:00Z or milliseconds since 1970)",
    }
}

/// What a cell holds, for a person.
fn describe(cell: &Cell<'_>) -> String {
    match cell {
        Cell::Missing => "nothing".into(),
        Cell::Number(v) => shown(*v),
        Cell::Flag(b) => String::from(if *b { "true" } else { "false" }),
        Cell::Time(_) => "a date".into(),
        Cell::Text(text) | Cell::Raw(text) => quote(text),
        Cell::Other(name) if name.contains(' ') => (*name).into(),
        Cell::Other(name) => format!("{} {name}", if name.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" }),
    }
}
