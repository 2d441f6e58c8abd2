//! Values with terms for elements, and what only moves elements about.

use super::node::Node;
use super::tensor::{Element, Tensor};
use super::terms::{Id, Terms};
use crate::error::Result;
use crate::import::error;

/// Elements of an array of terms at most.
const MAX_ELEMENTS: usize = 1 << 22;

/// The number of elements of a shape, where that is not too many.
fn count(shape: &[usize]) -> Result<usize> {
    let n = shape.iter().try_fold(1usize, |n, d| n.checked_mul(*d)).filter(|n| *n <= MAX_ELEMENTS);
    n.ok_or_else(|| error(format!("values of shape {shape:?} are too many; at most {MAX_ELEMENTS} are read")))
}

/// A value of a graph.
#[derive(Clone, Debug)]
pub enum Value {
    /// The same for every record.
    Known(Tensor),
    /// It depends on the record.
    Varying(Array),
}

/// An array of terms, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Array {
    /// Lengths, outermost first.
    pub shape: Vec<usize>,
    /// Its elements.
    pub ids: Vec<Id>,
    /// Their type. What is of type `F32` holds singles.
    pub element: Element,
}

impl Array {
    /// Known numbers as terms.
    pub fn of(tensor: &Tensor, terms: &mut Terms, node: &Node) -> Result<Array> {
        count(&tensor.shape)?;
        let Some(numbers) = tensor.to_f64() else {
            return Err(node.error("it reads a constant that is text, or a whole number above 2^53"));
        };
        let ids = numbers.into_iter().map(|v| terms.number(v)).collect::<Result<_>>()?;
        Ok(Array { shape: tensor.shape.clone(), ids, element: tensor.element() })
    }

    /// The elements `at` these places, as an array of this shape.
    pub fn moved(&self, shape: Vec<usize>, at: impl Iterator<Item = usize>) -> Array {
        Array { ids: at.map(|i| self.ids[i]).collect(), shape, element: self.element }
    }

    /// The same elements in another shape, which has as many.
    pub fn shaped(mut self, shape: Vec<usize>, node: &Node) -> Result<Array> {
        if count(&shape)? != self.ids.len() {
            return Err(node.error(format!("values of shape {:?} do not fit into {shape:?}", self.shape)));
        }
        self.shape = shape;
        Ok(self)
    }

    /// Its last dimension's length, and its elements in runs of that.
    pub fn runs(&self) -> (usize, impl Iterator<Item = &[Id]>) {
        let width = self.shape.last().copied().unwrap_or(1);
        (width, self.ids.chunks(width.max(1)))
    }
}

/// The axis that a number means, of `rank` many.
pub fn axis(number: i64, rank: usize, node: &Node) -> Result<usize> {
    let from_end = if number < 0 { number + rank as i64 } else { number };
    usize::try_from(from_end)
        .ok()
        .filter(|a| *a < rank)
        .ok_or_else(|| node.error(format!("axis {number} of values with {rank} dimensions")))
}

/// Elements before, along and after an axis.
pub fn around(shape: &[usize], axis: usize) -> (usize, usize, usize) {
    (shape[..axis].iter().product(), shape[axis], shape[axis + 1..].iter().product())
}

/// The shape that two come to when each fills the other's dimensions of length 1.
pub fn broadcast(a: &[usize], b: &[usize], node: &Node) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let length = |shape: &[usize], i: usize| if i + shape.len() < rank { 1 } else { shape[i + shape.len() - rank] };
    let shape = (0..rank)
        .map(|i| match (length(a, i), length(b, i)) {
            (x, y) if x == y => Ok(x),
            (1, y) => Ok(y),
            (x, 1) => Ok(x),
            _ => Err(node.error(format!("values of shapes {a:?} and {b:?} do not go together"))),
        })
        .collect::<Result<Vec<usize>>>()?;
    count(&shape)?;
    Ok(shape)
}

/// For each element of `shape`, in order, the place of the element of `of` that stands there.
pub fn places(of: &[usize], shape: &[usize]) -> Vec<usize> {
    let n: usize = shape.iter().product();
    let skipped = shape.len() - of.len();
    let mut strides = vec![0; shape.len()];
    let mut step = 1;
    for i in (0..of.len()).rev() {
        strides[skipped + i] = if of[i] == 1 { 0 } else { step };
        step *= of[i];
    }
    strided(shape, &strides, n)
}

/// Places in an order given by the step of each dimension.
pub fn strided(shape: &[usize], strides: &[usize], n: usize) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    let mut at = 0;
    let mut out = Vec::with_capacity(n);
    for _ in 0..n {
        out.push(at);
        for d in (0..shape.len()).rev() {
            index[d] += 1;
            at += strides[d];
            if index[d] < shape[d] {
                break;
            }
            at -= strides[d] * shape[d];
            index[d] = 0;
        }
    }
    out
}

/// Arrays one after another along an axis.
pub fn concat(parts: &[Array], number: i64, node: &Node) -> Result<Array> {
    let Some(first) = parts.first() else { return Err(node.error("it has no inputs")) };
    let along = axis(number, first.shape.len(), node)?;
    let mut shape = first.shape.clone();
    shape[along] = 0;
    for part in parts {
        let mut own = part.shape.clone();
        if own.len() == shape.len() {
            shape[along] += own[along];
            own[along] = shape[along];
        }
        if own != shape {
            return Err(
                node.error(format!("values of shapes {:?} and {:?} do not go together", first.shape, part.shape))
            );
        }
    }
    let n = count(&shape)?;
    let before: usize = shape[..along].iter().product();
    let mut ids = Vec::with_capacity(n);
    for i in 0..before {
        for part in parts {
            let run = part.ids.len() / before;
            ids.extend_from_slice(&part.ids[i * run..(i + 1) * run]);
        }
    }
    // A single beside a double stays what it is; a text beside a number is nothing that ONNX allows.
    let text = |a: &Array| a.element == Element::Str;
    if parts.iter().any(|p| text(p) != text(first)) {
        return Err(node.error("texts and numbers are joined"));
    }
    Ok(Array { shape, ids, element: first.element })
}

/// The elements at these indices along an axis; `shape`: of the indices.
pub fn gather(array: &Array, number: i64, indices: &[i64], shape: &[usize], node: &Node) -> Result<Array> {
    let along = axis(number, array.shape.len(), node)?;
    let (before, length, after) = around(&array.shape, along);
    let indices = indices
        .iter()
        .map(|&i| {
            let from_end = if i < 0 { i + length as i64 } else { i };
            usize::try_from(from_end)
                .ok()
                .filter(|i| *i < length)
                .ok_or_else(|| node.error(format!("index {i} of {length} elements")))
        })
        .collect::<Result<Vec<usize>>>()?;
    let mut out: Vec<usize> = array.shape[..along].to_vec();
    out.extend_from_slice(shape);
    out.extend_from_slice(&array.shape[along + 1..]);
    count(&out)?;
    let at = (0..before).flat_map(|b| {
        let indices = &indices;
        indices.iter().flat_map(move |i| {
            let start = (b * length + i) * after;
            start..start + after
        })
    });
    Ok(array.moved(out, at))
}

/// Dimensions in another order.
pub fn transpose(array: &Array, order: &[usize]) -> Array {
    let mut strides = vec![1; array.shape.len()];
    for d in (1..array.shape.len()).rev() {
        strides[d - 1] = strides[d] * array.shape[d];
    }
    let shape: Vec<usize> = order.iter().map(|d| array.shape[*d]).collect();
    let strides: Vec<usize> = order.iter().map(|d| strides[*d]).collect();
    let at = strided(&shape, &strides, array.ids.len());
    array.moved(shape, at.into_iter())
}

/// What `Reshape` means by these lengths: -1: what is left; 0: as it was (unless `allowzero`).
pub fn reshaped(array: &Array, lengths: &[i64], allowzero: bool, node: &Node) -> Result<Vec<usize>> {
    let wrong = || node.error(format!("values of shape {:?} do not fit into {lengths:?}", array.shape));
    let mut shape = Vec::with_capacity(lengths.len());
    let mut open = None;
    for (i, &n) in lengths.iter().enumerate() {
        shape.push(match n {
            -1 if open.is_none() => {
                open = Some(i);
                1
            }
            0 if !allowzero => *array.shape.get(i).ok_or_else(wrong)?,
            n => usize::try_from(n).map_err(|_| wrong())?,
        });
    }
    let n = count(&shape)?;
    if let Some(i) = open {
        if n == 0 || !array.ids.len().is_multiple_of(n) {
            return Err(wrong());
        }
        shape[i] = array.ids.len() / n;
    }
    Ok(shape)
}
