//! What `ai.onnx.ml` does to features before a model.

use super::linear::rows;
use super::number::{Number, not, typed};
use super::{Call, broadcast};
use crate::error::Result;
use crate::import::error;
use crate::import::onnx::tensor::{Data, Element, Tensor};

/// `ArrayFeatureExtractor`: columns by their indices, of the last dimension.
pub(super) fn extract(call: &Call) -> Result<Tensor> {
    call.at_most(2)?;
    call.node.only(&[])?;
    let (x, indices) = (call.input(0)?, call.input(1)?);
    let n = *x.shape.last().ok_or_else(|| error("one value has no columns"))?;
    let columns = indices.to_i64().ok_or_else(|| not(&indices.data, "indices"))?;
    let column = |&i: &i64| {
        usize::try_from(i).ok().filter(|&i| i < n).ok_or_else(|| error(format!("index {i} is none of {n} columns")))
    };
    let columns = columns.iter().map(column).collect::<Result<Vec<_>>>()?;
    let outer = if x.shape.len() == 1 { vec![1] } else { x.shape[..x.shape.len() - 1].to_vec() };
    let rows: usize = outer.iter().product();
    let shape = [outer, vec![columns.len()]].concat();
    call.room(&shape)?;
    let columns = columns.as_slice();
    let places = (0..rows).flat_map(|r| columns.iter().map(move |&c| r * n + c));
    call.make(shape, broadcast::pick(&x.data, places)?)
}

/// 1 above the threshold, else 0.
pub(super) fn binarize(call: &Call) -> Result<Tensor> {
    call.at_most(1)?;
    call.node.only(&["threshold"])?;
    let x = call.input(0)?;
    call.room(&x.shape)?;
    let threshold = f64::from(call.node.float("threshold", 0.0)?);
    fn each<T: Number>(v: &[T], threshold: f64) -> Result<Data> {
        Ok(T::pack(v.iter().map(|x| if x.to_f64() > threshold { T::ONE } else { T::ZERO }).collect()))
    }
    call.make(x.shape.clone(), typed!(&x.data, v => each(v, threshold))?)
}

/// `FeatureVectorizer`: inputs beside each other, as `f32`.
pub(super) fn vectorize(call: &Call) -> Result<Tensor> {
    call.node.only(&["inputdimensions"])?;
    let widths = call.node.need("inputdimensions", call.node.ints("inputdimensions")?)?;
    if widths.len() != call.inputs.len() || widths.is_empty() {
        return Err(error(format!(
            "attribute `inputdimensions` has {} entries for {} inputs",
            widths.len(),
            call.inputs.len()
        )));
    }
    let mut parts = Vec::new();
    for (i, &width) in widths.iter().enumerate() {
        let (values, rows, columns) = rows(&Call { node: call.node, inputs: &call.inputs[i..=i], work: call.work })?;
        if width != columns as i64 {
            return Err(error(format!(
                "input {i} has {columns} columns in place of {width}, which attribute `inputdimensions` says"
            )));
        }
        parts.push((values, rows, columns));
    }
    let rows = parts[0].1;
    if parts.iter().any(|(_, n, _)| *n != rows) {
        return Err(error("its inputs have different numbers of rows"));
    }
    let columns: usize = parts.iter().map(|(_, _, c)| c).sum();
    call.room(&[rows, columns])?;
    let values =
        (0..rows).flat_map(|r| parts.iter().flat_map(move |(v, _, c)| v[r * c..(r + 1) * c].iter().copied())).collect();
    call.make(vec![rows, columns], Data::F32(values))
}

/// One value for a marked one (NaN or another), by column or the same for all.
pub(super) fn impute(call: &Call) -> Result<Tensor> {
    call.at_most(1)?;
    let node = call.node;
    node.only(&["imputed_value_floats", "imputed_value_int64s", "replaced_value_float", "replaced_value_int64"])?;
    let x = call.input(0)?;
    call.room(&x.shape)?;
    let columns = match x.shape.as_slice() {
        [n] | [_, n] => *n,
        other => return Err(error(format!("its input has shape {other:?} in place of rows x columns"))),
    };
    fn each<T: Number>(v: &[T], marker: T, values: &[T], columns: usize) -> Result<Data> {
        if values.len() != columns && values.len() != 1 {
            return Err(error(format!("{} values are given for {columns} columns", values.len())));
        }
        let marked = |x: T| x == marker || (x.is_nan() && marker.is_nan());
        let each = v
            .iter()
            .enumerate()
            .map(|(i, &x)| if !marked(x) { x } else { values[if values.len() == 1 { 0 } else { i % columns }] });
        Ok(T::pack(each.collect()))
    }
    let (floats, ints) = (node.floats("imputed_value_floats")?, node.ints("imputed_value_int64s")?);
    let data = match &x.data {
        Data::F32(v) => {
            let values = node.need("imputed_value_floats", floats)?;
            each(v, node.float("replaced_value_float", 0.0)?, values, columns)
        }
        Data::F64(v) => {
            let values: Vec<f64> = node.need("imputed_value_floats", floats)?.iter().map(|&x| f64::from(x)).collect();
            each(v, f64::from(node.float("replaced_value_float", 0.0)?), &values, columns)
        }
        Data::I64(v) => {
            let values = node.need("imputed_value_int64s", ints)?;
            each(v, node.int("replaced_value_int64", 0)?, values, columns)
        }
        other => Err(not(other, "float32, float64 or int64 numbers")),
    }?;
    call.make(x.shape.clone(), data)
}

/// `Normalizer`: each row divided by its norm, as `f32`; a row whose norm is 0 stays.
pub(super) fn normalize(call: &Call) -> Result<Tensor> {
    call.at_most(1)?;
    call.node.only(&["norm"])?;
    let (mut values, _, columns) = rows(call)?;
    let shape = call.input(0)?.shape.clone();
    call.room(&shape)?;
    let norm = call.node.str("norm", "MAX")?;
    for row in values.chunks_mut(columns.max(1)) {
        let size = match norm {
            "MAX" => row.iter().copied().fold(f32::MIN, f32::max),
            "L1" => row.iter().map(|x| x.abs()).sum(),
            "L2" => row.iter().map(|x| x * x).sum(),
            other => return Err(error(format!("attribute `norm` is `{other}`; known: MAX, L1, L2"))),
        };
        if size != 0.0 {
            // By the root of a quotient, as onnxruntime.
            let each = |x: f32| {
                if norm != "L2" {
                    x / size
                } else if x < 0.0 {
                    -(x * x / size).sqrt()
                } else {
                    (x * x / size).sqrt()
                }
            };
            row.iter_mut().for_each(|x| *x = each(*x));
        }
    }
    call.make(shape, Data::F32(values))
}

/// `Scaler`: `(x - offset) * scale`, by column or the same for all, as `f32`.
pub(super) fn scale(call: &Call) -> Result<Tensor> {
    call.at_most(1)?;
    call.node.only(&["offset", "scale"])?;
    let x = call.input(0)?;
    call.room(&x.shape)?;
    let columns = *x.shape.last().ok_or_else(|| error("one value has no columns"))?;
    let by_column = |name: &str| -> Result<Vec<f32>> {
        let v = call.node.need(name, call.node.floats(name)?)?;
        if v.len() != columns && v.len() != 1 {
            return Err(error(format!("attribute `{name}` has {} numbers for {columns} columns", v.len())));
        }
        Ok(v.to_vec())
    };
    let (offset, scale) = (by_column("offset")?, by_column("scale")?);
    let of = |v: &[f32], i: usize| if v.len() == 1 { v[0] } else { v[i % columns] };
    let values = x.to_f64().ok_or_else(|| not(&x.data, "numbers"))?;
    // f64 numbers are not rounded before the subtraction.
    let each = |(i, &x): (usize, &f64)| {
        if call.inputs[0].is_some_and(|t| t.element() == Element::F64) {
            ((x - f64::from(of(&offset, i))) * f64::from(of(&scale, i))) as f32
        } else {
            (x as f32 - of(&offset, i)) * of(&scale, i)
        }
    };
    call.make(x.shape.clone(), Data::F32(values.iter().enumerate().map(each).collect()))
}
