//! Operators that move elements and compute nothing.

use super::broadcast::{Walk, common, expand, pick, strides};
use super::number::not;
use super::{Call, Value, axis};
use crate::error::Result;
use crate::import::error;
use crate::import::onnx::tensor::{Data, Tensor};

/// Elements of both, of one type.
pub(super) fn beside(a: &Data, b: &Data) -> Result<Data> {
    Ok(match (a, b) {
        (Data::F32(v), Data::F32(w)) => Data::F32([v.as_slice(), w].concat()),
        (Data::F64(v), Data::F64(w)) => Data::F64([v.as_slice(), w].concat()),
        (Data::I32(v), Data::I32(w)) => Data::I32([v.as_slice(), w].concat()),
        (Data::I64(v), Data::I64(w)) => Data::I64([v.as_slice(), w].concat()),
        (Data::Bool(v), Data::Bool(w)) => Data::Bool([v.as_slice(), w].concat()),
        (Data::Str(v), Data::Str(w)) => Data::Str([v.as_slice(), w].concat()),
        _ => return Err(not(b, a.element().name())),
    })
}

pub(super) fn run(call: &Call) -> Result<Tensor> {
    match call.node.op.as_str() {
        "Identity" => {
            call.node.only(&[])?;
            let x = call.input(0)?;
            call.room(&x.shape)?;
            Ok(x.clone())
        }
        "Reshape" => reshape(call),
        "Flatten" => flatten(call),
        "Squeeze" => squeeze(call),
        "Unsqueeze" => unsqueeze(call),
        "Transpose" => transpose(call),
        "Concat" => concat(call),
        "Slice" => slice(call),
        "Gather" => gather(call),
        "GatherElements" => gather_elements(call),
        "Expand" => {
            call.node.only(&[])?;
            let x = call.input(0)?;
            let shape = common(&x.shape, &lengths(call, 1)?)?;
            expand(call, x, shape)
        }
        "Tile" => tile(call),
        "Shape" => shape(call),
        _ => constant_of_shape(call),
    }
}

/// Input `i` as lengths of dimensions.
fn lengths(call: &Call, i: usize) -> Result<Vec<usize>> {
    let values = call
        .input(i)?
        .to_i64()
        .ok_or_else(|| not(&call.inputs[i].map_or(Data::I64(vec![]), |t| t.data.clone()), "lengths"))?;
    values
        .iter()
        .map(|&d| usize::try_from(d).map_err(|_| error(format!("a length of {d}; lengths are 0 or more"))))
        .collect()
}

/// The same elements under another shape.
fn reshaped(call: &Call, x: &Tensor, shape: Vec<usize>) -> Result<Tensor> {
    call.room(&shape)?;
    call.make(shape, x.data.clone())
}

fn reshape(call: &Call) -> Result<Tensor> {
    let attribute = call.node.opset < 5;
    call.node.only(if attribute { &["shape"] } else { &["allowzero"] })?;
    let x = call.input(0)?;
    let wanted = call.ints("shape", 1, 5)?;
    let wanted = call.node.need("shape", wanted)?;
    let allow_zero = !attribute && call.node.flag("allowzero", false)?;
    let mut shape = Vec::with_capacity(wanted.len());
    let mut open = None;
    for (i, &d) in wanted.iter().enumerate() {
        shape.push(match d {
            -1 if open.replace(i).is_none() => 1,
            0 if !allow_zero => *x
                .shape
                .get(i)
                .ok_or_else(|| error(format!("length 0 of dimension {i} stands for none of the input's")))?,
            0.. => d as usize,
            _ => return Err(error(format!("shape {wanted:?}: one length may be -1, others are 0 or more"))),
        });
    }
    if let Some(i) = open {
        let others = super::super::tensor::count(&shape)?;
        if others == 0 || !x.len().is_multiple_of(others) {
            return Err(error(format!("{} elements do not fit the shape {wanted:?}", x.len())));
        }
        shape[i] = x.len() / others;
    }
    reshaped(call, x, shape)
}

fn flatten(call: &Call) -> Result<Tensor> {
    call.node.only(&["axis"])?;
    let x = call.input(0)?;
    let given = call.node.int("axis", 1)?;
    let rank = x.shape.len() as i64;
    let at = if given < 0 { given.saturating_add(rank) } else { given };
    if !(0..=rank).contains(&at) {
        return Err(error(format!("axis {given} is none of the {rank} dimensions")));
    }
    let (outer, inner) = x.shape.split_at(at as usize);
    reshaped(call, x, vec![outer.iter().product(), inner.iter().product()])
}

fn squeeze(call: &Call) -> Result<Tensor> {
    call.node.only(if call.node.opset < 13 { &["axes"] } else { &[] })?;
    let x = call.input(0)?;
    let gone = match call.ints("axes", 1, 13)? {
        Some(axes) => axes.iter().map(|&a| axis(a, x.shape.len())).collect::<Result<Vec<_>>>()?,
        None => (0..x.shape.len()).filter(|&d| x.shape[d] == 1).collect(),
    };
    if let Some(&d) = gone.iter().find(|&&d| x.shape[d] != 1) {
        return Err(error(format!("dimension {d} has length {}: only those of length 1 can go", x.shape[d])));
    }
    let shape = (0..x.shape.len()).filter(|d| !gone.contains(d)).map(|d| x.shape[d]).collect();
    reshaped(call, x, shape)
}

fn unsqueeze(call: &Call) -> Result<Tensor> {
    call.node.only(if call.node.opset < 13 { &["axes"] } else { &[] })?;
    let x = call.input(0)?;
    let axes = call.ints("axes", 1, 13)?;
    let axes = call.node.need("axes", axes)?;
    let rank = x.shape.len() + axes.len();
    if rank > super::super::tensor::MAX_RANK {
        return Err(error(format!("{rank} dimensions are too many")));
    }
    let mut new = vec![false; rank];
    for &a in &axes {
        if std::mem::replace(&mut new[axis(a, rank)?], true) {
            return Err(error(format!("axes {axes:?} name a dimension twice")));
        }
    }
    let mut old = x.shape.iter();
    let shape = new.iter().map(|&new| if new { 1 } else { old.next().copied().unwrap_or(1) }).collect();
    reshaped(call, x, shape)
}

fn transpose(call: &Call) -> Result<Tensor> {
    call.node.only(&["perm"])?;
    let x = call.input(0)?;
    let rank = x.shape.len();
    let order: Vec<usize> = match call.node.ints("perm")? {
        None => (0..rank).rev().collect(),
        Some(perm) => perm.iter().map(|&a| axis(a, rank)).collect::<Result<_>>()?,
    };
    let mut sorted = order.clone();
    sorted.sort_unstable();
    if sorted != (0..rank).collect::<Vec<_>>() {
        return Err(error(format!("attribute `perm` is no order of the {rank} dimensions")));
    }
    let own = strides(&x.shape);
    let shape: Vec<usize> = order.iter().map(|&d| x.shape[d]).collect();
    call.room(&shape)?;
    let data = pick(&x.data, Walk::new(&shape, order.iter().map(|&d| own[d] as isize).collect(), 0))?;
    call.make(shape, data)
}

fn concat(call: &Call) -> Result<Tensor> {
    call.node.only(&["axis"])?;
    let first = call.input(0)?;
    // Required from version 4 on.
    let given = if call.node.opset < 4 {
        call.node.int("axis", 1)?
    } else {
        call.node.need("axis", call.node.int_opt("axis")?)?
    };
    let along = axis(given, first.shape.len())?;
    let mut shape = first.shape.clone();
    let mut all = first.data.clone();
    // Of each input where its elements start among all, and its length along the axis.
    let mut parts = vec![(0, first.shape[along])];
    for i in 1..call.inputs.len() {
        let next = call.input(i)?;
        let fits = next.shape.len() == shape.len() && (0..shape.len()).all(|d| d == along || next.shape[d] == shape[d]);
        if !fits {
            return Err(error(format!(
                "shapes {:?} and {:?} differ beside dimension {along}",
                first.shape, next.shape
            )));
        }
        shape[along] += next.shape[along];
        call.room(&shape)?;
        parts.push((all.len(), next.shape[along]));
        all = beside(&all, &next.data)?;
    }
    let (outer, inner): (usize, usize) = (shape[..along].iter().product(), shape[along + 1..].iter().product());
    let runs = (0..outer)
        .flat_map(|o| parts.iter().map(move |&(start, n)| start + o * n * inner..start + (o + 1) * n * inner));
    call.make(shape, pick(&all, runs.flatten())?)
}

fn slice(call: &Call) -> Result<Tensor> {
    let attributes = call.node.opset < 10;
    call.node.only(if attributes { &["starts", "ends", "axes"] } else { &[] })?;
    let x = call.input(0)?;
    let starts = call.ints("starts", 1, 10)?;
    let starts = call.node.need("starts", starts)?;
    let ends = call.ints("ends", 2, 10)?;
    let ends = call.node.need("ends", ends)?;
    let axes = call.ints("axes", 3, 10)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
    let steps = if attributes { None } else { call.ints("steps", 4, 10)? }.unwrap_or_else(|| vec![1; starts.len()]);
    if [ends.len(), axes.len(), steps.len()] != [starts.len(); 3] {
        return Err(error("starts, ends, axes and steps are not equally many"));
    }
    let own = strides(&x.shape);
    let mut shape = x.shape.clone();
    let mut walk: Vec<isize> = own.iter().map(|&s| s as isize).collect();
    let mut start_place = 0;
    let mut seen = Vec::new();
    for i in 0..starts.len() {
        let d = axis(axes[i], x.shape.len())?;
        if seen.contains(&d) {
            return Err(error(format!("axes {axes:?} name a dimension twice")));
        }
        seen.push(d);
        let (n, step) = (x.shape[d] as i64, steps[i]);
        let from_end = |v: i64| if v < 0 { v.saturating_add(n) } else { v };
        let (start, count) = match step {
            0 => return Err(error("a step of 0")),
            1.. => {
                let (start, end) = (from_end(starts[i]).clamp(0, n), from_end(ends[i]).clamp(0, n));
                (start, (end - start).max(0).saturating_add(step - 1) / step)
            }
            _ => {
                let (start, end) = (from_end(starts[i]).clamp(0, (n - 1).max(0)), from_end(ends[i]).clamp(-1, n - 1));
                (start, (start - end).max(0).saturating_add(step.saturating_neg() - 1) / step.saturating_neg())
            }
        };
        // Of an empty dimension nothing is taken, wherever one starts.
        let count = if n == 0 { 0 } else { count };
        shape[d] = count as usize;
        start_place += start as usize * own[d];
        walk[d] = if count > 1 { own[d] as isize * step as isize } else { 0 };
    }
    call.room(&shape)?;
    call.make(shape.clone(), pick(&x.data, Walk::new(&shape, walk, start_place))?)
}

/// The place of an index, which counts from the end where it is negative.
fn place(index: i64, n: usize) -> Result<usize> {
    axis(index, n).map_err(|_| error(format!("index {index} is none of {n}")))
}

fn gather(call: &Call) -> Result<Tensor> {
    call.node.only(&["axis"])?;
    call.at_most(2)?;
    let (x, indices) = (call.input(0)?, call.input(1)?);
    let along = axis(call.node.int("axis", 0)?, x.shape.len())?;
    let n = x.shape[along];
    let places = indices.to_i64().ok_or_else(|| not(&indices.data, "indices"))?;
    let places = places.iter().map(|&i| place(i, n)).collect::<Result<Vec<usize>>>()?;
    let (outer, inner): (usize, usize) = (x.shape[..along].iter().product(), x.shape[along + 1..].iter().product());
    let shape = [&x.shape[..along], &indices.shape, &x.shape[along + 1..]].concat();
    call.room(&shape)?;
    let places = places.as_slice();
    let runs = (0..outer).flat_map(|o| places.iter().map(move |&p| (o * n + p) * inner..(o * n + p + 1) * inner));
    call.make(shape, pick(&x.data, runs.flatten())?)
}

fn gather_elements(call: &Call) -> Result<Tensor> {
    call.node.only(&["axis"])?;
    call.at_most(2)?;
    let (x, indices) = (call.input(0)?, call.input(1)?);
    let along = axis(call.node.int("axis", 0)?, x.shape.len())?;
    let fits = |d: usize| d == along || indices.shape[d] <= x.shape[d];
    if indices.shape.len() != x.shape.len() || !(0..x.shape.len()).all(fits) {
        return Err(error(format!("indices of shape {:?} do not fit the shape {:?}", indices.shape, x.shape)));
    }
    let places = indices.to_i64().ok_or_else(|| not(&indices.data, "indices"))?;
    let places = places.iter().map(|&i| place(i, x.shape[along])).collect::<Result<Vec<usize>>>()?;
    let own = strides(&x.shape);
    let walk = own.iter().enumerate().map(|(d, &s)| if d == along { 0 } else { s as isize }).collect();
    call.room(&indices.shape)?;
    let from = Walk::new(&indices.shape, walk, 0).zip(&places).map(|(at, &p)| at + p * own[along]);
    call.make(indices.shape.clone(), pick(&x.data, from)?)
}

fn tile(call: &Call) -> Result<Tensor> {
    if call.node.opset < 6 {
        return Err(error("Tile of versions before 6 is not understood"));
    }
    call.node.only(&[])?;
    let x = call.input(0)?;
    let repeats = lengths(call, 1)?;
    if repeats.len() != x.shape.len() {
        return Err(error(format!("{} repeats for {} dimensions", repeats.len(), x.shape.len())));
    }
    let product = |(&n, &r): (&usize, &usize)| n.checked_mul(r).ok_or_else(|| error("a tensor too large is made"));
    let shape = x.shape.iter().zip(&repeats).map(product).collect::<Result<Vec<_>>>()?;
    call.room(&shape)?;
    // Each dimension is two: which repeat, and where in it.
    let own = strides(&x.shape);
    let twice: Vec<usize> = repeats.iter().zip(&x.shape).flat_map(|(&r, &n)| [r, n]).collect();
    let walk = own.iter().flat_map(|&s| [0, s as isize]).collect();
    call.make(shape, pick(&x.data, Walk::new(&twice, walk, 0))?)
}

fn shape(call: &Call) -> Result<Tensor> {
    call.node.only(if call.node.opset < 15 { &[] } else { &["start", "end"] })?;
    let x = call.input(0)?;
    let rank = x.shape.len() as i64;
    let bound = |v: i64| if v < 0 { v.saturating_add(rank) } else { v }.clamp(0, rank);
    let (start, end) = (bound(call.node.int("start", 0)?), bound(call.node.int("end", rank)?));
    let taken = x.shape.get(start as usize..end as usize).unwrap_or_default();
    Tensor::vector(Data::I64(taken.iter().map(|&d| d as i64).collect()))
}

fn constant_of_shape(call: &Call) -> Result<Tensor> {
    call.node.only(&["value"])?;
    let shape = lengths(call, 0)?;
    let value = match call.node.tensor("value")? {
        Some(t) if t.len() == 1 => t.data.clone(),
        Some(t) => return Err(error(format!("attribute `value` has {} elements in place of one", t.len()))),
        None => Data::F32(vec![0.0]),
    };
    let n = call.room(&shape)?;
    call.make(shape, pick(&value, std::iter::repeat_n(0, n))?)
}

/// `Split`: parts of given lengths, or equal ones as many as there are outputs.
pub(super) fn split(call: &Call) -> Result<Vec<Value>> {
    let known: &[&str] = match call.node.opset {
        ..13 => &["axis", "split"],
        13..18 => &["axis"],
        _ => &["axis", "num_outputs"],
    };
    call.node.only(known)?;
    let x = call.input(0)?;
    let along = axis(call.node.int("axis", 0)?, x.shape.len())?;
    let (n, parts) = (x.shape[along], call.node.outputs.len());
    let given = if call.node.opset < 2 { None } else { call.ints("split", 1, 13)? };
    let sizes: Vec<usize> = match given {
        Some(sizes) => sizes
            .iter()
            .map(|&s| usize::try_from(s).map_err(|_| error(format!("a length of {s}; lengths are 0 or more"))))
            .collect::<Result<_>>()?,
        None => {
            let wanted = call.node.int("num_outputs", parts as i64)?;
            if parts == 0 || wanted != parts as i64 {
                return Err(error(format!("attribute `num_outputs` is {wanted} for {parts} outputs")));
            }
            // The last is shorter where they do not come out even.
            let size = n.div_ceil(parts);
            (0..parts).map(|i| size.min(n.saturating_sub(i * size))).collect()
        }
    };
    if sizes.len() != parts || sizes.iter().try_fold(0usize, |sum, &s| sum.checked_add(s)) != Some(n) {
        return Err(error(format!("{parts} outputs of lengths {sizes:?} do not make up the {n} of dimension {along}")));
    }
    let own = strides(&x.shape);
    let mut start = 0;
    let mut values = Vec::with_capacity(parts);
    for size in sizes {
        let mut shape = x.shape.clone();
        shape[along] = size;
        call.room(&shape)?;
        let walk = Walk::new(&shape, own.iter().map(|&s| s as isize).collect(), start * own[along]);
        values.push(Value::Tensor(call.make(shape.clone(), pick(&x.data, walk)?)?));
        start += size;
    }
    Ok(values)
}

/// `Dropout` outside training: the input, and a mask that keeps all of it.
pub(super) fn dropout(call: &Call) -> Result<Vec<Value>> {
    let known: &[&str] = match call.node.opset {
        ..7 => &["ratio", "is_test"],
        7..12 => &["ratio"],
        _ => &["seed"],
    };
    call.node.only(known)?;
    let training = match call.optional(2).map(|t| &t.data) {
        None => call.node.opset < 7 && !call.node.flag("is_test", false)?,
        Some(Data::Bool(v)) => v.as_slice() != [false],
        Some(other) => return Err(not(other, "a boolean")),
    };
    if training {
        return Err(error("it is in training mode, which is random: save the model for inference"));
    }
    let x = call.input(0)?;
    let n = call.room(&x.shape)?;
    Ok(vec![Value::Tensor(x.clone()), Value::Tensor(call.make(x.shape.clone(), Data::Bool(vec![true; n]))?)])
}
