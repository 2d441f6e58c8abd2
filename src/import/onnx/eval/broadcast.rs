//! Shapes that are stretched to each other, and walks over elements by strides.

use super::Call;
use crate::error::Result;
use crate::import::error;
use crate::import::onnx::tensor::{Data, Tensor};

/// The shape that both stretch to (numpy's rule: from the end, lengths are equal or one of them is 1).
pub(super) fn common(a: &[usize], b: &[usize]) -> Result<Vec<usize>> {
    let rank = a.len().max(b.len());
    let length = |s: &[usize], i: usize| (i + s.len()).checked_sub(rank).map_or(1, |i| s[i]);
    (0..rank)
        .map(|i| match (length(a, i), length(b, i)) {
            (x, y) if x == y => Ok(x),
            (1, y) => Ok(y),
            (x, 1) => Ok(x),
            _ => Err(error(format!("shapes {a:?} and {b:?} do not fit each other"))),
        })
        .collect()
}

/// Elements to step by for each dimension, row-major.
pub(super) fn strides(shape: &[usize]) -> Vec<usize> {
    let mut strides = vec![1; shape.len()];
    for i in (1..shape.len()).rev() {
        strides[i - 1] = strides[i] * shape[i];
    }
    strides
}

/// Strides over a tensor of shape `from` that walk it as if it were of shape `to`, to which it stretches.
pub(super) fn stretched(from: &[usize], to: &[usize]) -> Vec<isize> {
    let own = strides(from);
    let pad = to.len() - from.len();
    let stride = |i: usize| if i < pad || from[i - pad] == 1 { 0 } else { own[i - pad] as isize };
    (0..to.len()).map(stride).collect()
}

/// The places that a walk over `shape` comes by, row-major, from `start`, stepping by `strides`.
pub(super) struct Walk<'a> {
    shape: &'a [usize],
    strides: Vec<isize>,
    index: Vec<usize>,
    at: isize,
    left: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(shape: &'a [usize], strides: Vec<isize>, start: usize) -> Walk<'a> {
        Walk { shape, strides, index: vec![0; shape.len()], at: start as isize, left: shape.iter().product() }
    }
}

impl Iterator for Walk<'_> {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        self.left = self.left.checked_sub(1)?;
        let at = self.at as usize;
        for d in (0..self.shape.len()).rev() {
            self.index[d] += 1;
            self.at += self.strides[d];
            if self.index[d] < self.shape[d] {
                break;
            }
            self.at -= self.strides[d] * self.shape[d] as isize;
            self.index[d] = 0;
        }
        Some(at)
    }
}

/// `f` of each pair of elements, both stretched to `shape`.
pub(super) fn zip<T: Clone, U: Clone, V>(
    shape: &[usize],
    (a, a_shape): (&[T], &[usize]),
    (b, b_shape): (&[U], &[usize]),
    f: impl Fn(&T, &U) -> V,
) -> Vec<V> {
    let (left, right) = (stretched(a_shape, shape), stretched(b_shape, shape));
    Walk::new(shape, left, 0).zip(Walk::new(shape, right, 0)).map(|(i, j)| f(&a[i], &b[j])).collect()
}

/// The elements at these places.
pub(super) fn pick(data: &Data, places: impl Iterator<Item = usize>) -> Result<Data> {
    Ok(match data {
        Data::F32(v) => Data::F32(places.map(|i| v[i]).collect()),
        Data::F64(v) => Data::F64(places.map(|i| v[i]).collect()),
        Data::I32(v) => Data::I32(places.map(|i| v[i]).collect()),
        Data::I64(v) => Data::I64(places.map(|i| v[i]).collect()),
        Data::Bool(v) => Data::Bool(places.map(|i| v[i]).collect()),
        Data::Str(v) => {
            // A long text must not be copied without end.
            const BYTES: usize = 1 << 28;
            let (mut bytes, mut out) = (0usize, Vec::new());
            for i in places {
                bytes += v[i].len();
                if bytes > BYTES {
                    return Err(error(format!("texts of more than {BYTES} bytes are made")));
                }
                out.push(v[i].clone());
            }
            Data::Str(out)
        }
    })
}

/// The tensor stretched to `shape`.
pub(super) fn expand(call: &Call, x: &Tensor, shape: Vec<usize>) -> Result<Tensor> {
    call.room(&shape)?;
    let data = pick(&x.data, Walk::new(&shape, stretched(&x.shape, &shape), 0))?;
    call.make(shape, data)
}
