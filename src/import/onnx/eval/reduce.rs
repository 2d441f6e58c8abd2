//! Operators that make one value of many: sums, largest, softmax.

use super::broadcast::strides;
use super::number::{Number, floating, typed};
use super::{Call, Value, axis};
use crate::error::Result;
use crate::import::error;
use crate::import::onnx::tensor::{Data, Element, Tensor};
use crate::math;

/// The places of all elements, in groups that are reduced together, groups in the order of the result.
fn groups(shape: &[usize], axes: &[usize]) -> Vec<Vec<usize>> {
    let n: usize = shape.iter().product();
    let own = strides(shape);
    let kept: Vec<usize> = (0..shape.len()).filter(|d| !axes.contains(d)).collect();
    let count: usize = kept.iter().map(|&d| shape[d]).product();
    let mut groups = vec![Vec::new(); count];
    for at in 0..n {
        let group = kept.iter().fold(0, |g, &d| g * shape[d] + at / own[d] % shape[d]);
        groups[group].push(at);
    }
    groups
}

pub(super) fn reduce(call: &Call) -> Result<Tensor> {
    let op = call.node.op.as_str();
    // From this version on the axes are an input.
    let since = if op == "ReduceSum" { 13 } else { 18 };
    let as_input = call.node.opset >= since;
    call.node.only(if as_input { &["keepdims", "noop_with_empty_axes"] } else { &["keepdims", "axes"] })?;
    let x = call.input(0)?;
    let axes = call.ints("axes", 1, since)?.unwrap_or_default();
    if axes.is_empty() && as_input && call.node.flag("noop_with_empty_axes", false)? && reduces_to_itself(op) {
        call.room(&x.shape)?;
        return Ok(x.clone());
    }
    let nothing = axes.is_empty() && as_input && call.node.flag("noop_with_empty_axes", false)?;
    let mut gone: Vec<usize> = axes.iter().map(|&a| axis(a, x.shape.len())).collect::<Result<_>>()?;
    if axes.is_empty() && !nothing {
        gone = (0..x.shape.len()).collect();
    }
    let shape = reduced(&x.shape, &gone, call.node.flag("keepdims", true)?);
    call.room(&shape)?;
    call.work.take(x.len())?;
    let data = match (&x.data, op) {
        (Data::Bool(v), "ReduceMax") => {
            Data::Bool(groups(&x.shape, &gone).iter().map(|g| g.iter().any(|&i| v[i])).collect())
        }
        (Data::Bool(v), "ReduceMin") => {
            Data::Bool(groups(&x.shape, &gone).iter().map(|g| g.iter().all(|&i| v[i])).collect())
        }
        (data, _) => typed!(data, v => values(op, v, &groups(&x.shape, &gone)))?,
    };
    call.make(shape, data)
}

/// Whether the operator leaves a single value as it is.
fn reduces_to_itself(op: &str) -> bool {
    matches!(op, "ReduceMax" | "ReduceMean" | "ReduceMin" | "ReduceProd" | "ReduceSum")
}

fn reduced(shape: &[usize], gone: &[usize], keep: bool) -> Vec<usize> {
    let length = |d: usize| {
        if !gone.contains(&d) {
            Some(shape[d])
        } else if keep {
            Some(1)
        } else {
            None
        }
    };
    (0..shape.len()).filter_map(length).collect()
}

fn values<T: Number>(op: &str, v: &[T], groups: &[Vec<usize>]) -> Result<Data> {
    let element = T::pack(Vec::new()).element();
    let whole = matches!(element, Element::I32 | Element::I64);
    let mut out = Vec::with_capacity(groups.len());
    for group in groups {
        let items = || group.iter().map(|&i| v[i]);
        let sum = |f: fn(f64) -> f64| items().map(|x| f(x.to_f64())).sum::<f64>();
        out.push(match op {
            "ReduceMax" | "ReduceMin" => {
                let max = op == "ReduceMax";
                let edge = match element {
                    Element::I32 => {
                        if max {
                            f64::from(i32::MIN)
                        } else {
                            f64::from(i32::MAX)
                        }
                    }
                    Element::I64 => {
                        if max {
                            i64::MIN as f64
                        } else {
                            i64::MAX as f64
                        }
                    }
                    _ => {
                        if max {
                            f64::NEG_INFINITY
                        } else {
                            f64::INFINITY
                        }
                    }
                };
                items().reduce(|a, b| if max { a.larger(b) } else { a.smaller(b) }).unwrap_or(T::of_f64(edge))
            }
            // Whole numbers exactly; others are rounded once, at the end.
            "ReduceSum" if whole => items().fold(T::ZERO, T::add),
            "ReduceProd" if whole => items().fold(T::ONE, T::mul),
            "ReduceSum" => T::of_f64(sum(|x| x)),
            "ReduceProd" => T::of_f64(items().map(T::to_f64).product()),
            "ReduceMean" => T::of_f64(sum(|x| x) / group.len() as f64),
            "ReduceL1" => T::of_f64(sum(f64::abs)),
            "ReduceL2" => T::of_f64(sum(|x| x * x).sqrt()),
            "ReduceSumSquare" => T::of_f64(sum(|x| x * x)),
            "ReduceLogSum" => T::of_f64(math::ln(sum(|x| x))),
            _ => {
                let top = items().map(T::to_f64).fold(f64::NEG_INFINITY, f64::max);
                let top = if top.is_finite() { top } else { 0.0 };
                T::of_f64(math::ln(items().map(|x| math::exp(x.to_f64() - top)).sum::<f64>()) + top)
            }
        });
    }
    Ok(T::pack(out))
}

/// `ArgMax`, `ArgMin`: the first place of the largest or smallest, or the last.
pub(super) fn arg(call: &Call) -> Result<Tensor> {
    call.at_most(1)?;
    let known: &[&str] =
        if call.node.opset < 12 { &["axis", "keepdims"] } else { &["axis", "keepdims", "select_last_index"] };
    call.node.only(known)?;
    let x = call.input(0)?;
    let along = axis(call.node.int("axis", 0)?, x.shape.len())?;
    let last = call.node.flag("select_last_index", false)?;
    let max = call.node.op == "ArgMax";
    let shape = reduced(&x.shape, &[along], call.node.flag("keepdims", true)?);
    call.room(&shape)?;
    call.work.take(x.len())?;
    if x.shape[along] == 0 {
        return Err(error(format!("dimension {along} is empty")));
    }
    fn places<T: Number>(v: &[T], groups: &[Vec<usize>], max: bool, last: bool) -> Result<Vec<i64>> {
        let place = |group: &Vec<usize>| {
            let mut best = 0;
            for i in 1..group.len() {
                let (x, b) = (v[group[i]], v[group[best]]);
                if (if max { x > b } else { x < b }) || (last && x == b) {
                    best = i;
                }
            }
            best as i64
        };
        Ok(groups.iter().map(place).collect())
    }
    let groups = groups(&x.shape, &[along]);
    call.make(shape, Data::I64(typed!(&x.data, v => places(v, &groups, max, last))?))
}

/// `Softmax`, `LogSoftmax`: along one axis; before version 13 over all dimensions from the axis on.
pub(super) fn softmax(call: &Call) -> Result<Tensor> {
    call.at_most(1)?;
    call.node.only(&["axis"])?;
    let x = call.input(0)?;
    call.room(&x.shape)?;
    let old = call.node.opset < 13;
    let given = call.node.int("axis", if old { 1 } else { -1 })?;
    let rank = x.shape.len();
    // Version 1 to 12 flatten to two dimensions, where the axis may be the rank: one row of everything else.
    let axes: Vec<usize> = if old && given == rank as i64 {
        Vec::new()
    } else if old {
        (axis(given, rank)?..rank).collect()
    } else {
        vec![axis(given, rank)?]
    };
    let log = call.node.op == "LogSoftmax";
    fn each<T: Number>(v: &[T], groups: &[Vec<usize>], log: bool) -> Result<Data> {
        let mut out = v.to_vec();
        for group in groups {
            let top = group.iter().map(|&i| v[i].to_f64()).fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = group.iter().map(|&i| math::exp(v[i].to_f64() - top)).sum();
            for &i in group {
                let x = v[i].to_f64() - top;
                out[i] = T::of_f64(if log { x - math::ln(sum) } else { math::exp(x) / sum });
            }
        }
        Ok(T::pack(out))
    }
    let groups = groups(&x.shape, &axes);
    let data = floating!(&x.data, v => each(v, &groups, log))?;
    call.make(x.shape.clone(), data)
}

/// `LpNormalization`: along one axis, divided by the norm; all 0 stays so.
pub(super) fn normalize(call: &Call) -> Result<Tensor> {
    call.at_most(1)?;
    call.node.only(&["axis", "p"])?;
    let x = call.input(0)?;
    call.room(&x.shape)?;
    let along = axis(call.node.int("axis", -1)?, x.shape.len())?;
    let p = call.node.int("p", 2)?;
    if !(1..=2).contains(&p) {
        return Err(error(format!("attribute `p` is {p}: 1 and 2 are known")));
    }
    fn each<T: Number>(v: &[T], groups: &[Vec<usize>], p: i64) -> Result<Data> {
        let mut out = v.to_vec();
        for group in groups {
            let numbers = group.iter().map(|&i| v[i].to_f64());
            let norm = match p {
                1 => numbers.map(f64::abs).sum(),
                _ => numbers.map(|x| x * x).sum::<f64>().sqrt(),
            };
            for &i in group {
                out[i] = if norm == 0.0 { T::ZERO } else { T::of_f64(v[i].to_f64() / norm) };
            }
        }
        Ok(T::pack(out))
    }
    let groups = groups(&x.shape, &[along]);
    let data = floating!(&x.data, v => each(v, &groups, p))?;
    call.make(x.shape.clone(), data)
}

/// `CumSum`.
pub(super) fn cumulate(call: &Call) -> Result<Tensor> {
    call.at_most(2)?;
    call.node.only(&["exclusive", "reverse"])?;
    let (x, at) = (call.input(0)?, call.input(1)?);
    call.room(&x.shape)?;
    let at = match at.to_i64().as_deref() {
        Some([at]) => axis(*at, x.shape.len())?,
        _ => return Err(error("the axis is not one whole number")),
    };
    let (exclusive, reverse) = (call.node.flag("exclusive", false)?, call.node.flag("reverse", false)?);
    fn sums<T: Number>(v: &[T], groups: &[Vec<usize>], exclusive: bool, reverse: bool) -> Result<Data> {
        let mut out = v.to_vec();
        for group in groups {
            let mut sum = T::ZERO;
            let mut step = |&i: &usize| {
                let next = sum.add(v[i]);
                out[i] = if exclusive { sum } else { next };
                sum = next;
            };
            if reverse { group.iter().rev().for_each(&mut step) } else { group.iter().for_each(&mut step) }
        }
        Ok(T::pack(out))
    }
    let groups = groups(&x.shape, &[at]);
    let data = typed!(&x.data, v => sums(v, &groups, exclusive, reverse))?;
    call.make(x.shape.clone(), data)
}

/// `TopK`: the largest or smallest along an axis, sorted, equal ones by their place; and their places.
pub(super) fn top(call: &Call) -> Result<Vec<Value>> {
    let known: &[&str] = match call.node.opset {
        ..10 => &["axis", "k"],
        10 => &["axis"],
        _ => &["axis", "largest", "sorted"],
    };
    call.node.only(known)?;
    let x = call.input(0)?;
    let along = axis(call.node.int("axis", -1)?, x.shape.len())?;
    let k = match call.node.opset {
        ..10 => call.node.need("k", call.node.int_opt("k")?)?,
        _ => match call.input(1)?.to_i64().as_deref() {
            Some([k]) => *k,
            _ => return Err(error("`K` is not one whole number")),
        },
    };
    let k = usize::try_from(k).ok().filter(|&k| k <= x.shape[along]);
    let k = k.ok_or_else(|| error(format!("more are wanted than the {} of dimension {along}", x.shape[along])))?;
    let largest = call.node.flag("largest", true)?;
    let mut shape = x.shape.clone();
    shape[along] = k;
    let n = call.room(&shape)?;
    call.work.take(x.len().saturating_mul(8))?;
    fn best<T: Number>(v: &[T], group: &[usize], k: usize, largest: bool) -> Vec<usize> {
        let mut order: Vec<usize> = (0..group.len()).collect();
        let compare = |a: T, b: T| a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()));
        // Stable: equal ones stay in the order of their places.
        order.sort_by(|&i, &j| {
            let (a, b) = (v[group[i]], v[group[j]]);
            if largest { compare(b, a) } else { compare(a, b) }
        });
        order.truncate(k);
        order
    }
    let (mut places, mut indices) = (vec![0; n], vec![0i64; n]);
    let outer = groups(&shape, &[along]);
    for (group, to) in groups(&x.shape, &[along]).iter().zip(&outer) {
        let order = typed!(&x.data, v => Ok(best(v, group, k, largest)))?;
        for (&i, &at) in order.iter().zip(to) {
            places[at] = group[i];
            indices[at] = i as i64;
        }
    }
    let data = super::broadcast::pick(&x.data, places.into_iter())?;
    Ok(vec![Value::Tensor(call.make(shape.clone(), data)?), Value::Tensor(call.make(shape, Data::I64(indices))?)])
}
