//! Derived features: the expression tree to operators, each step finite or NaN as in `crate::expr`. A value is [N, 1] of double
//! (or a constant without shape); a flag is 1, 0 or NaN; a time is seconds.

use super::super::error;
use super::graph::{Graph, Value, int};
use crate::error::Result;
use crate::expr::node::{Binary, Node, Part, Unary, Unit};
use crate::math::ln;

/// The value of `nodes` (children before parents).
pub fn lower(graph: &mut Graph, nodes: &[Node], slots: &[Option<Value>], as_of: Option<&Value>) -> Result<Value> {
    let unproven = || error("its expression is not whole");
    let mut stack: Vec<Value> = Vec::new();
    for node in nodes {
        let first = stack.len().checked_sub(node.arity()).ok_or_else(unproven)?;
        let args = stack.split_off(first);
        stack.push(match (node, &args[..]) {
            (Node::Slot(i), _) => slots.get(*i as usize).cloned().flatten().ok_or_else(unproven)?,
            (Node::Number(v) | Node::Time(v), _) => graph.scalar(*v),
            (Node::Flag(v), _) => graph.scalar(f64::from(u8::from(*v))),
            (Node::Level(i), _) => graph.scalar(f64::from(*i)),
            (Node::Null, _) => graph.scalar(f64::NAN),
            (Node::Now, _) => as_of.cloned().ok_or_else(unproven)?,
            (Node::Unary(op), [a]) => unary(graph, *op, a),
            (Node::Binary(op), [a, b]) => binary(graph, *op, a, b),
            (Node::Pick, [otherwise, condition, then]) => {
                let one = graph.scalar(1.0);
                let is = graph.op("Equal", &[condition, &one]);
                graph.op("Where", &[&is, then, otherwise])
            }
            (Node::DateDiff(unit), [a, b]) => date_diff(graph, *unit, a, b),
            (Node::Extract(part), [t]) => extract(graph, *part, t),
            _ => return Err(unproven()),
        });
    }
    let value = stack.pop().ok_or_else(unproven)?;
    if nodes.iter().any(|node| matches!(node, Node::Slot(_) | Node::Now)) {
        return Ok(value);
    }
    // What reads no field has one row; it takes the shape of what does.
    let like = slots.iter().flatten().next();
    let like = like.ok_or_else(|| error("it reads no field, and there is none whose rows it could have"))?;
    let shape = graph.op("Shape", &[like]);
    Ok(graph.op("Expand", &[&value, &shape]))
}

/// Finite, else NaN.
fn fixed(graph: &mut Graph, v: &Value) -> Value {
    let (size, most, missing) = (graph.op("Abs", &[v]), graph.scalar(f64::MAX), graph.scalar(f64::NAN));
    let finite = graph.op("LessOrEqual", &[&size, &most]);
    graph.op("Where", &[&finite, v, &missing])
}

/// 1 or 0; NaN where an operand is.
fn flag(graph: &mut Graph, condition: &Value, operands: &[&Value]) -> Value {
    let mut v = graph.one_if(condition);
    let missing = graph.scalar(f64::NAN);
    for operand in operands {
        let gone = graph.op("IsNaN", &[operand]);
        v = graph.op("Where", &[&gone, &missing, &v]);
    }
    v
}

/// `v - b`.
fn less(graph: &mut Graph, v: &Value, b: f64) -> Value {
    let b = graph.scalar(b);
    graph.op("Sub", &[v, &b])
}

fn plus(graph: &mut Graph, v: &Value, b: f64) -> Value {
    let b = graph.scalar(b);
    graph.op("Add", &[v, &b])
}

fn times(graph: &mut Graph, v: &Value, b: f64) -> Value {
    let b = graph.scalar(b);
    graph.op("Mul", &[v, &b])
}

/// The whole quotient, rounded down. Exact for whole numbers within 2^53.
fn over(graph: &mut Graph, v: &Value, b: f64) -> Value {
    let b = graph.scalar(b);
    let quotient = graph.op("Div", &[v, &b]);
    graph.op("Floor", &[&quotient])
}

/// `v - b floor(v / b)`, for whole numbers.
fn rest(graph: &mut Graph, v: &Value, b: f64) -> Value {
    let whole = over(graph, v, b);
    let whole = times(graph, &whole, b);
    graph.op("Sub", &[v, &whole])
}

/// 1 where `v <= b`, 0 elsewhere.
fn at_most(graph: &mut Graph, v: &Value, b: f64) -> Value {
    let b = graph.scalar(b);
    let is = graph.op("LessOrEqual", &[v, &b]);
    graph.one_if(&is)
}

fn unary(graph: &mut Graph, op: Unary, a: &Value) -> Value {
    let plain = match op {
        Unary::IsNull => {
            let missing = graph.op("IsNaN", &[a]);
            return graph.one_if(&missing);
        }
        Unary::Not => {
            let one = graph.scalar(1.0);
            return graph.op("Sub", &[&one, a]);
        }
        Unary::Round => return round(graph, a),
        Unary::Log10 => return log10(graph, a),
        Unary::Neg => "Neg",
        Unary::Abs => "Abs",
        Unary::Sign => return sign(graph, a),
        Unary::Sqrt => "Sqrt",
        Unary::Exp => "Exp",
        Unary::Ln => "Log",
        Unary::Floor => "Floor",
        Unary::Ceil => "Ceil",
        Unary::Sin => "Sin",
        Unary::Cos => "Cos",
    };
    let v = graph.op(plain, &[a]);
    fixed(graph, &v)
}

/// -1, 0 or 1. (ONNX's `Sign` does not say what it makes of NaN.)
fn sign(graph: &mut Graph, a: &Value) -> Value {
    let zero = graph.scalar(0.0);
    let (above, below) = (graph.op("Greater", &[a, &zero]), graph.op("Less", &[a, &zero]));
    let (above, below) = (flag(graph, &above, &[a]), graph.one_if(&below));
    graph.op("Sub", &[&above, &below])
}

/// Halves away from zero; ONNX's `Round` takes them to even.
fn round(graph: &mut Graph, a: &Value) -> Value {
    let size = graph.op("Abs", &[a]);
    let down = graph.op("Floor", &[&size]);
    let (part, half) = (graph.op("Sub", &[&size, &down]), graph.scalar(0.5));
    let up = graph.op("GreaterOrEqual", &[&part, &half]);
    let up = graph.one_if(&up);
    let (size, sign) = (graph.op("Add", &[&down, &up]), sign(graph, a));
    graph.op("Mul", &[&size, &sign])
}

/// `ln a / ln 10`, put right where `a` is a whole power of ten.
fn log10(graph: &mut Graph, a: &Value) -> Value {
    let log = graph.op("Log", &[a]);
    let (ln10, ten) = (graph.scalar(ln(10.0)), graph.scalar(10.0));
    let log = graph.op("Div", &[&log, &ln10]);
    let whole = graph.op("Round", &[&log]);
    let power = graph.op("Pow", &[&ten, &whole]);
    let is = graph.op("Equal", &[&power, a]);
    let log = graph.op("Where", &[&is, &whole, &log]);
    fixed(graph, &log)
}

fn binary(graph: &mut Graph, op: Binary, a: &Value, b: &Value) -> Value {
    let number = |graph: &mut Graph, op: &str| {
        let v = graph.op(op, &[a, b]);
        fixed(graph, &v)
    };
    let compare = |graph: &mut Graph, op: &str| {
        let condition = graph.op(op, &[a, b]);
        flag(graph, &condition, &[a, b])
    };
    match op {
        Binary::Add => number(graph, "Add"),
        Binary::Sub => number(graph, "Sub"),
        Binary::Mul => number(graph, "Mul"),
        Binary::Div => number(graph, "Div"),
        Binary::Power => {
            let v = graph.op("Pow", &[a, b]);
            let v = fixed(graph, &v);
            // 1 to any power and any to the power 0 are 1 to C's `pow`, also where the other is NaN.
            either_missing(graph, a, b, &v)
        }
        Binary::Rem => {
            let v = graph.op_with("Mod", &[a, b], vec![int("fmod", 1)]);
            fixed(graph, &v)
        }
        Binary::Eq => compare(graph, "Equal"),
        Binary::Ne => {
            let same = graph.op("Equal", &[a, b]);
            let differ = graph.op("Not", &[&same]);
            flag(graph, &differ, &[a, b])
        }
        Binary::Lt => compare(graph, "Less"),
        Binary::Le => compare(graph, "LessOrEqual"),
        Binary::Gt => compare(graph, "Greater"),
        Binary::Ge => compare(graph, "GreaterOrEqual"),
        // What decides alone, else the other way where both are there.
        Binary::And => decided(graph, a, b, 0.0),
        Binary::Or => decided(graph, a, b, 1.0),
        Binary::Coalesce => graph.coalesce(a, b),
        Binary::NullIf => {
            let (same, missing) = (graph.op("Equal", &[a, b]), graph.scalar(f64::NAN));
            graph.op("Where", &[&same, &missing, a])
        }
        Binary::Least => extreme(graph, "LessOrEqual", a, b),
        Binary::Greatest => extreme(graph, "GreaterOrEqual", a, b),
    }
}

fn either_missing(graph: &mut Graph, a: &Value, b: &Value, v: &Value) -> Value {
    let missing = graph.scalar(f64::NAN);
    let (a, b) = (graph.op("IsNaN", &[a]), graph.op("IsNaN", &[b]));
    let gone = graph.op("Or", &[&a, &b]);
    graph.op("Where", &[&gone, &missing, v])
}

/// `by` where either is `by`; else NaN where either is NaN; else the other truth.
fn decided(graph: &mut Graph, a: &Value, b: &Value, by: f64) -> Value {
    let (deciding, other) = (graph.scalar(by), graph.scalar(1.0 - by));
    let (x, y) = (graph.op("Equal", &[a, &deciding]), graph.op("Equal", &[b, &deciding]));
    let any = graph.op("Or", &[&x, &y]);
    let rest = either_missing(graph, a, b, &other);
    graph.op("Where", &[&any, &deciding, &rest])
}

/// `a` where it is before `b` or `b` is missing, else `b`.
fn extreme(graph: &mut Graph, before: &str, a: &Value, b: &Value) -> Value {
    let (missing, before) = (graph.op("IsNaN", &[b]), graph.op(before, &[a, b]));
    let first = graph.op("Or", &[&missing, &before]);
    graph.op("Where", &[&first, a, b])
}

// ---------------------------------------------------------------------------------------------------------------- times

/// What a JavaScript `Date` holds at most, in milliseconds.
const LAST: f64 = 8.64e15;
const DAY: f64 = 86_400_000.0;

/// Whole milliseconds since 1970 UTC; NaN past [`LAST`].
fn millis(graph: &mut Graph, t: &Value) -> Value {
    let ms = times(graph, t, 1000.0);
    let ms = graph.op("Round", &[&ms]);
    let (size, last, missing) = (graph.op("Abs", &[&ms]), graph.scalar(LAST), graph.scalar(f64::NAN));
    let sound = graph.op("LessOrEqual", &[&size, &last]);
    graph.op("Where", &[&sound, &ms, &missing])
}

fn date_diff(graph: &mut Graph, unit: Unit, a: &Value, b: &Value) -> Value {
    let (from, to) = (millis(graph, a), millis(graph, b));
    let seconds = match unit {
        Unit::Second => 1.0,
        Unit::Minute => 60.0,
        Unit::Hour => 3600.0,
        Unit::Day => 86_400.0,
        Unit::Week => 604_800.0,
        Unit::Month => return months(graph, &from, &to),
        Unit::Year => {
            let months = months(graph, &from, &to);
            return truncated(graph, &months, 12.0);
        }
    };
    let elapsed = graph.op("Sub", &[&to, &from]);
    truncated(graph, &elapsed, seconds * 1000.0)
}

/// `v / by`, towards zero.
fn truncated(graph: &mut Graph, v: &Value, by: f64) -> Value {
    let (size, sign) = (graph.op("Abs", &[v]), sign(graph, v));
    let size = over(graph, &size, by);
    graph.op("Mul", &[&size, &sign])
}

/// Complete calendar months: the difference of the months, less one where the last is not complete.
fn months(graph: &mut Graph, from: &Value, to: &Value) -> Value {
    let mut place = |ms: &Value| {
        let (days, rest) = (over(graph, ms, DAY), rest(graph, ms, DAY));
        let [year, month, day] = civil(graph, &days);
        let months = times(graph, &year, 12.0);
        let day = times(graph, &day, DAY);
        (graph.op("Add", &[&months, &month]), graph.op("Add", &[&day, &rest]))
    };
    let ((month_a, rest_a), (month_b, rest_b)) = (place(from), place(to));
    let n = graph.op("Sub", &[&month_b, &month_a]);
    let zero = graph.scalar(0.0);
    let mut both = |x: &str, y: &str| {
        let (x, y) = (graph.op(x, &[&n, &zero]), graph.op(y, &[&rest_b, &rest_a]));
        let both = graph.op("And", &[&x, &y]);
        graph.one_if(&both)
    };
    let (late, early) = (both("Greater", "Less"), both("Less", "Greater"));
    let n = graph.op("Sub", &[&n, &late]);
    graph.op("Add", &[&n, &early])
}

/// Year, month and day of a day since 1970-01-01: `crate::time::civil_from_days` in doubles, exact there.
fn civil(graph: &mut Graph, days: &Value) -> [Value; 3] {
    let z = plus(graph, days, 719_468.0);
    let (era, day_of_era) = (over(graph, &z, 146_097.0), rest(graph, &z, 146_097.0));
    let (a, b, c) =
        (over(graph, &day_of_era, 1_460.0), over(graph, &day_of_era, 36_524.0), over(graph, &day_of_era, 146_096.0));
    let v = graph.op("Sub", &[&day_of_era, &a]);
    let v = graph.op("Add", &[&v, &b]);
    let v = graph.op("Sub", &[&v, &c]);
    let year_of_era = over(graph, &v, 365.0);
    let (days, fourths, hundredths) =
        (times(graph, &year_of_era, 365.0), over(graph, &year_of_era, 4.0), over(graph, &year_of_era, 100.0));
    let before = graph.op("Add", &[&days, &fourths]);
    let before = graph.op("Sub", &[&before, &hundredths]);
    let day_of_year = graph.op("Sub", &[&day_of_era, &before]);
    let v = times(graph, &day_of_year, 5.0);
    let v = plus(graph, &v, 2.0);
    let from_march = over(graph, &v, 153.0);
    let v = times(graph, &from_march, 153.0);
    let v = plus(graph, &v, 2.0);
    let before = over(graph, &v, 5.0);
    let day = graph.op("Sub", &[&day_of_year, &before]);
    let day = plus(graph, &day, 1.0);
    // March is 0: its year begins with it.
    let same_year = at_most(graph, &from_march, 9.0);
    let back = times(graph, &same_year, 12.0);
    let month = less(graph, &from_march, 9.0);
    let month = graph.op("Add", &[&month, &back]);
    let (eras, next) = (times(graph, &era, 400.0), at_most(graph, &month, 2.0));
    let year = graph.op("Add", &[&year_of_era, &eras]);
    [graph.op("Add", &[&year, &next]), month, day]
}

fn extract(graph: &mut Graph, part: Part, t: &Value) -> Value {
    let ms = millis(graph, t);
    let (days, rest_) = (over(graph, &ms, DAY), rest(graph, &ms, DAY));
    match part {
        Part::Year | Part::Month | Part::Day => {
            let [year, month, day] = civil(graph, &days);
            match part {
                Part::Year => year,
                Part::Month => month,
                _ => day,
            }
        }
        Part::Dow => {
            // 1970-01-01 was a Thursday.
            let days = plus(graph, &days, 4.0);
            rest(graph, &days, 7.0)
        }
        Part::Hour => over(graph, &rest_, 3_600_000.0),
        Part::Minute => {
            let minutes = over(graph, &rest_, 60_000.0);
            rest(graph, &minutes, 60.0)
        }
    }
}
