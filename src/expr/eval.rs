//! The evaluator: one loop over the nodes and a stack of fixed size.
//!
//! It is total by construction, whatever the nodes: a stack index is masked to the stack's size, a slot that does not exist
//! is missing, and every number passes through [`fixed`].

use super::MAX_STACK;
use super::node::{Binary, Node, Part, Unary, Unit};
use crate::math::{self, BLOCK};
use crate::time;

/// The value of `nodes`, which hold at most `stack` values at once.
pub(super) fn eval(nodes: &[Node], stack: u32, slots: &[f64], as_of: f64) -> f64 {
    // Most features are small; clearing all places for each would cost more than computing them.
    if stack <= 8 { run::<8>(nodes, slots, as_of) } else { run::<MAX_STACK>(nodes, slots, as_of) }
}

/// `N`: a power of two.
fn run<const N: usize>(nodes: &[Node], slots: &[f64], as_of: f64) -> f64 {
    let mut stack = [0.0; N];
    let mut len = 0usize;
    for &node in nodes {
        len = len.wrapping_sub(node.arity());
        let [a, b, c] = [0, 1, 2].map(|k| stack[len.wrapping_add(k) & (N - 1)]);
        stack[len & (N - 1)] = match node {
            Node::Slot(i) => slots.get(i as usize).map_or(f64::NAN, |&v| fixed(v)),
            Node::Number(v) | Node::Time(v) => v,
            Node::Flag(v) => flag(v),
            Node::Level(i) => f64::from(i),
            Node::Null => f64::NAN,
            Node::Now => fixed(as_of),
            Node::Unary(op) => unary(op, a),
            Node::Binary(op) => binary(op, a, b),
            Node::Pick => {
                if b == 1.0 {
                    c
                } else {
                    a
                }
            }
            Node::DateDiff(unit) => date_diff(unit, a, b),
            Node::Extract(part) => extract(part, a),
        };
        len = len.wrapping_add(1);
    }
    stack[len.wrapping_sub(1) & (N - 1)]
}

/// As [`eval`], for `rows` rows of a block, to `out`, one column. `slots`: a column each; `room`: what it works in. A slot
/// that does not exist is missing, and nodes that lack an operand, which no check lets past, give missing values.
pub(super) fn eval_block(
    nodes: &[Node],
    slots: &[f64],
    rows: usize,
    as_of: f64,
    room: &mut Vec<[f64; BLOCK]>,
    out: &mut [f64],
) {
    // How many columns of `room` hold a value.
    let mut len = 0usize;
    for &node in nodes {
        let Some(first) = len.checked_sub(node.arity()) else { return out.fill(f64::NAN) };
        len = first + 1;
        if room.len() < len {
            room.push([0.0; BLOCK]);
        }
        let (a, above) =
            room[first..].split_first_mut().map_or((&mut [][..], &[][..]), |(a, above)| (&mut a[..rows], above));
        let b = above.first().map_or(&[][..], |b| &b[..]);
        match node {
            Node::Slot(i) => match slots.chunks_exact(BLOCK).nth(i as usize) {
                Some(column) => two(a, column, |_, v| fixed(v)),
                None => a.fill(f64::NAN),
            },
            Node::Number(v) | Node::Time(v) => a.fill(v),
            Node::Flag(v) => a.fill(flag(v)),
            Node::Level(i) => a.fill(f64::from(i)),
            Node::Null => a.fill(f64::NAN),
            Node::Now => a.fill(fixed(as_of)),
            Node::Unary(Unary::Neg) => one(a, |a| fixed(-a)),
            Node::Unary(Unary::Not) => one(a, |a| fixed(1.0 - a)),
            Node::Unary(Unary::IsNull) => one(a, |a| flag(a.is_nan())),
            Node::Unary(Unary::Sqrt) => one(a, |a| fixed(a.sqrt())),
            Node::Unary(op) => a.iter_mut().for_each(|a| *a = unary(op, *a)),
            // Those that make a number of numbers, or a flag of two that are there, as `binary` has them: a missing operand is
            // NaN, and goes through.
            Node::Binary(Binary::Add) => two(a, b, |a, b| fixed(a + b)),
            Node::Binary(Binary::Sub) => two(a, b, |a, b| fixed(a - b)),
            Node::Binary(Binary::Mul) => two(a, b, |a, b| fixed(a * b)),
            Node::Binary(Binary::Div) => two(a, b, |a, b| fixed(a / b)),
            Node::Binary(op) => a.iter_mut().zip(b).for_each(|(a, b)| *a = binary(op, *a, *b)),
            Node::Pick => {
                let c = above.get(1).map_or(&[][..], |c| &c[..]);
                a.iter_mut().zip(b).zip(c).for_each(|((a, b), c)| *a = if *b == 1.0 { *c } else { *a });
            }
            Node::DateDiff(unit) => a.iter_mut().zip(b).for_each(|(a, b)| *a = date_diff(unit, *a, *b)),
            Node::Extract(part) => a.iter_mut().for_each(|a| *a = extract(part, *a)),
        }
    }
    match len.checked_sub(1).and_then(|last| room.get(last)) {
        Some(value) => out[..rows].copy_from_slice(&value[..rows]),
        None => out.fill(f64::NAN),
    }
}

#[inline(always)]
fn one(a: &mut [f64], f: impl Fn(f64) -> f64) {
    a.iter_mut().for_each(|a| *a = f(*a));
}

#[inline(always)]
fn two(a: &mut [f64], b: &[f64], f: impl Fn(f64, f64) -> f64) {
    a.iter_mut().zip(b).for_each(|(a, b)| *a = f(*a, *b));
}

/// Finite and not -0.0, or the one NaN.
#[inline(always)]
fn fixed(v: f64) -> f64 {
    if v.abs() <= f64::MAX { v + 0.0 } else { f64::NAN }
}

fn flag(v: bool) -> f64 {
    f64::from(u8::from(v))
}

fn unary(op: Unary, a: f64) -> f64 {
    if op == Unary::IsNull {
        return flag(a.is_nan());
    }
    fixed(match op {
        Unary::Neg => -a,
        Unary::Not => 1.0 - a,
        Unary::IsNull => a,
        Unary::Abs => a.abs(),
        Unary::Sign => match a.partial_cmp(&0.0) {
            Some(order) => f64::from(order as i8),
            None => f64::NAN,
        },
        Unary::Sqrt => a.sqrt(),
        Unary::Exp => math::exp(a),
        Unary::Ln => math::ln(a),
        Unary::Log10 => math::log10(a),
        Unary::Floor => a.floor(),
        Unary::Ceil => a.ceil(),
        Unary::Round => a.round(),
        Unary::Sin => math::sin(a),
        Unary::Cos => math::cos(a),
    })
}

fn binary(op: Binary, a: f64, b: f64) -> f64 {
    // Those to which a missing operand is not the end.
    match op {
        Binary::And if a == 0.0 || b == 0.0 => return 0.0,
        Binary::Or if a == 1.0 || b == 1.0 => return 1.0,
        Binary::Coalesce => return if a.is_nan() { b } else { a },
        Binary::NullIf => return if a == b { f64::NAN } else { a },
        Binary::Least => return if b.is_nan() || a <= b { a } else { b },
        Binary::Greatest => return if b.is_nan() || a >= b { a } else { b },
        _ => {}
    }
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    match op {
        Binary::Add => fixed(a + b),
        Binary::Sub => fixed(a - b),
        Binary::Mul => fixed(a * b),
        Binary::Div => fixed(a / b),
        Binary::Rem => fixed(a % b),
        Binary::Power => fixed(math::pow(a, b)),
        Binary::Eq => flag(a == b),
        Binary::Ne => flag(a != b),
        Binary::Lt => flag(a < b),
        Binary::Le => flag(a <= b),
        Binary::Gt => flag(a > b),
        Binary::Ge => flag(a >= b),
        Binary::And => 1.0,
        Binary::Or => 0.0,
        Binary::Coalesce | Binary::NullIf | Binary::Least | Binary::Greatest => a,
    }
}

/// What a JavaScript `Date` holds at most, in seconds.
const LAST: f64 = 8.64e12;

/// Whole milliseconds since 1970 UTC: what the calendar counts in, so that 0.1 s more is exactly 100 of them.
fn millis(t: f64) -> Option<i64> {
    (t.abs() <= LAST).then(|| time::to_millis(t))
}

/// Days since 1970 UTC and milliseconds of the day.
fn split(ms: i64) -> (i64, i64) {
    (ms.div_euclid(time::DAY * 1000), ms.rem_euclid(time::DAY * 1000))
}

fn date_diff(unit: Unit, a: f64, b: f64) -> f64 {
    let (Some(from), Some(to)) = (millis(a), millis(b)) else { return f64::NAN };
    let whole = |seconds: i64| (to - from) / (seconds * 1000);
    let n = match unit {
        Unit::Second => whole(1),
        Unit::Minute => whole(60),
        Unit::Hour => whole(3600),
        Unit::Day => whole(time::DAY),
        Unit::Week => whole(7 * time::DAY),
        Unit::Month => months(from, to),
        Unit::Year => months(from, to) / 12,
    };
    n as f64
}

/// Complete calendar months: the difference of the months, less one where the last is not complete.
fn months(from: i64, to: i64) -> i64 {
    let place = |ms: i64| {
        let (days, rest) = split(ms);
        let (year, month, day) = time::civil_from_days(days);
        (year * 12 + i64::from(month), (day, rest))
    };
    let ((month_a, rest_a), (month_b, rest_b)) = (place(from), place(to));
    let n = month_b - month_a;
    n - i64::from(n > 0 && rest_b < rest_a) + i64::from(n < 0 && rest_b > rest_a)
}

fn extract(part: Part, t: f64) -> f64 {
    let Some(ms) = millis(t) else { return f64::NAN };
    let (days, rest) = split(ms);
    let (year, month, day) = time::civil_from_days(days);
    match part {
        Part::Year => year as f64,
        Part::Month => f64::from(month),
        Part::Day => f64::from(day),
        // 1970-01-01 was a Thursday.
        Part::Dow => (days + 4).rem_euclid(7) as f64,
        Part::Hour => (rest / 3_600_000) as f64,
        Part::Minute => (rest / 60_000 % 60) as f64,
    }
}
