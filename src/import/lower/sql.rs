//! Steps as SQL, for what neither a test nor an encoder says.

use super::super::InputKind;
use super::super::columns::{Column, Step};
use super::super::trees::largest;
use super::Lowering;

/// Appends the derived features that take `steps` from the number `name`; the last one's name and slot. SQL rounds nothing to `f32`: what
/// asks a value after [`Step::Single`] asks the value before it, with the bounds between which that rounds to the same.
pub(super) fn derive(lowering: &mut Lowering<'_>, name: &str, steps: &[Step]) -> (String, usize) {
    let mut text = identifier(name);
    let mut plain = true;
    let mut single = false;
    for step in steps {
        if *step == Step::Single {
            single = true;
            continue;
        }
        // What is named more than once is given a name first, so that texts do not double at each step.
        if !plain && !step.is_arithmetic() {
            let (own, _) = lowering.derive(name, text);
            text = identifier(&own);
        }
        text = if single { of_rounded(step, &text) } else { None }.unwrap_or_else(|| of(step, &text));
        single &= matches!(step, Step::Impute { .. } | Step::Replace { .. } | Step::Blank { .. });
        plain = false;
    }
    lowering.derive(name, text)
}

/// A category's or a flag's chain as one `CASE` over its levels.
pub(super) fn derive_levels(
    lowering: &mut Lowering<'_>,
    source_name: &str,
    column: &Column,
    kind: &InputKind,
) -> (String, usize) {
    let field = identifier(source_name);
    let mut text = format!("CASE WHEN {field} IS NULL THEN {}", number(column.value(f64::NAN)));
    let otherwise = match kind {
        InputKind::Category { levels, .. } => {
            for (i, level) in levels.iter().enumerate() {
                let level = level.replace('\'', "''");
                text += &format!(" WHEN {field} = '{level}' THEN {}", number(column.value(i as f64)));
            }
            levels.len() as f64
        }
        _ => {
            text += &format!(" WHEN {field} THEN {}", number(column.value(1.0)));
            0.0
        }
    };
    text += &format!(" ELSE {} END", number(column.value(otherwise)));
    lowering.derive(source_name, text)
}

/// One step of the `f32` nearest to `v`, where it depends on more than `v`'s own neighbourhood.
fn of_rounded(step: &Step, v: &str) -> Option<String> {
    let below = |c: f64| largest(|x| f64::from(x as f32) < c).map_or(-f64::MAX, f64::next_up);
    let up_to = |c: f64| largest(|x| f64::from(x as f32) <= c).unwrap_or(-f64::MAX);
    let is = |c: &f64| format!("{v} BETWEEN {} AND {}", number(below(*c)), number(up_to(*c)));
    match step {
        Step::Above { threshold } => Some(of(&Step::Above { threshold: up_to(*threshold) }, v)),
        Step::Blank { low, high } => Some(of(&Step::Blank { low: below(*low), high: up_to(*high) }, v)),
        Step::Is(level) => Some(format!("CASE WHEN {} THEN 1 ELSE 0 END", is(level))),
        Step::IsNoneOf(levels) => {
            let is_one: String = levels.iter().map(|level| format!(" WHEN {} THEN 0", is(level))).collect();
            Some(format!("CASE WHEN {v} IS NULL THEN 0{is_one} ELSE 1 END"))
        }
        Step::Replace { marker, value } => {
            Some(format!("CASE WHEN {} THEN {} ELSE {v} END", is(marker), number(*value)))
        }
        _ => None,
    }
}

/// One step of `v`, which is a name where the step names it twice.
fn of(step: &Step, v: &str) -> String {
    let n = number;
    match step {
        Step::Single => v.to_owned(),
        Step::Impute { value } => format!("COALESCE({v}, {})", n(*value)),
        Step::Replace { marker, value } if value.is_nan() => format!("NULLIF({v}, {})", n(*marker)),
        Step::Replace { marker, value } => format!("CASE WHEN {v} = {} THEN {} ELSE {v} END", n(*marker), n(*value)),
        Step::Blank { low, high } => {
            format!("CASE WHEN {v} BETWEEN {} AND {} THEN NULL ELSE {v} END", n(*low), n(*high))
        }
        Step::SubDiv { offset, scale, .. } => format!("(({v} - {}) / {})", n(*offset), n(*scale)),
        Step::SubMul { offset, scale, .. } => format!("(({v} - {}) * {})", n(*offset), n(*scale)),
        Step::MulAdd { scale, offset, .. } => format!("({v} * {} + {})", n(*scale), n(*offset)),
        Step::Clip { low, high } => {
            let (low, high) = (n(*low), n(*high));
            format!("CASE WHEN {v} < {low} THEN {low} WHEN {v} > {high} THEN {high} ELSE {v} END")
        }
        Step::Above { threshold } => {
            format!("CASE WHEN {v} > {0} THEN 1 WHEN {v} <= {0} THEN 0 END", n(*threshold))
        }
        Step::IsMissing => format!("CASE WHEN {v} IS NULL THEN 1 ELSE 0 END"),
        Step::Is(level) => format!("CASE WHEN {v} = {} THEN 1 ELSE 0 END", n(*level)),
        Step::IsNoneOf(levels) => {
            let is_one: String = levels.iter().map(|level| format!(" WHEN {v} = {} THEN 0", n(*level))).collect();
            format!("CASE WHEN {v} IS NULL THEN 0{is_one} ELSE 1 END")
        }
        Step::Lookup { values, unknown } => {
            let each = |(i, value): (usize, &f64)| format!(" WHEN {v} = {i} THEN {}", n(*value));
            let each: String = values.iter().enumerate().map(each).collect();
            format!("CASE WHEN {v} IS NULL THEN NULL{each} ELSE {} END", n(*unknown))
        }
    }
}

/// A number that reads back to the same bits; missing where it is none.
fn number(v: f64) -> String {
    match v {
        v if !v.is_finite() => "NULL".to_owned(),
        v if v < 0.0 => format!("({v:?})"),
        v => format!("{v:?}"),
    }
}

/// A name in double quotes.
pub(super) fn identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
