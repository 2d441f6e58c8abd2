//! Values of a graph: arrays of one type of elements, row-major.

use super::proto::{DataType, TensorProto, data_type_name};
use crate::error::Result;
use crate::import::error;

/// Dimensions of a tensor at most.
pub const MAX_RANK: usize = 16;
/// Elements of a tensor at most; dimensions of length 0 count as 1 here.
pub const MAX_ELEMENTS: usize = 1 << 27;

/// An array.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Lengths of its dimensions, outermost first; empty: one value. Their product is the number of elements.
    pub shape: Vec<usize>,
    /// Its elements, the last dimension's beside each other.
    pub data: Data,
}

/// Elements of one type.
#[derive(Clone, Debug, PartialEq)]
pub enum Data {
    /// ONNX's `FLOAT`.
    F32(Vec<f32>),
    /// `DOUBLE`.
    F64(Vec<f64>),
    /// `INT32`.
    I32(Vec<i32>),
    /// `INT64`.
    I64(Vec<i64>),
    /// `BOOL`.
    Bool(Vec<bool>),
    /// `STRING`.
    Str(Vec<String>),
}

/// The types of elements that are understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Element {
    /// ONNX's `FLOAT`.
    F32,
    /// `DOUBLE`.
    F64,
    /// `INT32`.
    I32,
    /// `INT64`.
    I64,
    /// `BOOL`.
    Bool,
    /// `STRING`.
    Str,
}

impl Element {
    /// By ONNX's number of it.
    ///
    /// # Errors
    /// The type is not understood; the message names it.
    pub fn from_number(number: i32) -> Result<Element> {
        const KNOWN: [(DataType, Element); 6] = [
            (DataType::Float, Element::F32),
            (DataType::Double, Element::F64),
            (DataType::Int32, Element::I32),
            (DataType::Int64, Element::I64),
            (DataType::Bool, Element::Bool),
            (DataType::String, Element::Str),
        ];
        KNOWN.iter().find(|(d, _)| *d as i32 == number).map(|(_, e)| *e).ok_or_else(|| {
            error(format!(
                "elements of type {} ({number}) are not understood: convert the model with float32 or float64 numbers, int32 or \
                 int64 indices, booleans and strings",
                data_type_name(number)
            ))
        })
    }

    /// ONNX's number of it.
    pub fn number(self) -> DataType {
        match self {
            Element::F32 => DataType::Float,
            Element::F64 => DataType::Double,
            Element::I32 => DataType::Int32,
            Element::I64 => DataType::Int64,
            Element::Bool => DataType::Bool,
            Element::Str => DataType::String,
        }
    }

    /// ONNX's name of it.
    pub fn name(self) -> &'static str {
        data_type_name(self.number() as i32)
    }
}

impl Data {
    /// The number of elements.
    pub fn len(&self) -> usize {
        match self {
            Data::F32(v) => v.len(),
            Data::F64(v) => v.len(),
            Data::I32(v) => v.len(),
            Data::I64(v) => v.len(),
            Data::Bool(v) => v.len(),
            Data::Str(v) => v.len(),
        }
    }

    /// No elements.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Their type.
    pub fn element(&self) -> Element {
        match self {
            Data::F32(_) => Element::F32,
            Data::F64(_) => Element::F64,
            Data::I32(_) => Element::I32,
            Data::I64(_) => Element::I64,
            Data::Bool(_) => Element::Bool,
            Data::Str(_) => Element::Str,
        }
    }
}

/// The number of elements of a shape.
///
/// # Errors
/// More than [`MAX_RANK`] dimensions, or more than [`MAX_ELEMENTS`].
pub fn count(shape: &[usize]) -> Result<usize> {
    if shape.len() > MAX_RANK {
        return Err(error(format!("{} dimensions are too many: at most {MAX_RANK} are read", shape.len())));
    }
    let too_many =
        || error(format!("a tensor of shape {shape:?} is too large: at most {MAX_ELEMENTS} elements are read"));
    // Lengths beside one of 0 count too, so that products of any of them are safe everywhere.
    let all = shape.iter().try_fold(1usize, |n, &d| n.checked_mul(d.max(1)).filter(|&n| n <= MAX_ELEMENTS));
    let all = all.ok_or_else(too_many)?;
    Ok(if shape.contains(&0) { 0 } else { all })
}

impl Tensor {
    /// An array.
    ///
    /// # Errors
    /// The shape's product is not the number of elements, or above the limits of [`count`].
    pub fn new(shape: Vec<usize>, data: Data) -> Result<Tensor> {
        let n = count(&shape)?;
        if n != data.len() {
            return Err(error(format!("a tensor of shape {shape:?} has {} elements in place of {n}", data.len())));
        }
        Ok(Tensor { shape, data })
    }

    /// One value.
    pub fn scalar(data: Data) -> Result<Tensor> {
        Tensor::new(Vec::new(), data)
    }

    /// A list of values.
    pub fn vector(data: Data) -> Result<Tensor> {
        Tensor::new(vec![data.len()], data)
    }

    /// The number of elements.
    pub fn len(&self) -> usize {
        self.data.len()
    }

    /// No elements.
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// The type of its elements.
    pub fn element(&self) -> Element {
        self.data.element()
    }

    /// Its elements as `f64`, exactly; `None` for texts, and where an `i64` has no `f64` of its value. Booleans are 0 and 1.
    pub fn to_f64(&self) -> Option<Vec<f64>> {
        Some(match &self.data {
            Data::F32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Data::F64(v) => v.clone(),
            Data::I32(v) => v.iter().map(|&x| f64::from(x)).collect(),
            Data::I64(v) => v
                .iter()
                .map(|&x| Some(x as f64).filter(|f| *f as i128 == i128::from(x)))
                .collect::<Option<Vec<f64>>>()?,
            Data::Bool(v) => v.iter().map(|&x| f64::from(u8::from(x))).collect(),
            Data::Str(_) => return None,
        })
    }

    /// Its elements as whole numbers (axes, shapes, indices); `None` unless they are of type `i32` or `i64`.
    pub fn to_i64(&self) -> Option<Vec<i64>> {
        match &self.data {
            Data::I64(v) => Some(v.clone()),
            Data::I32(v) => Some(v.iter().map(|&x| i64::from(x)).collect()),
            _ => None,
        }
    }

    /// Its elements where they are texts.
    pub fn strs(&self) -> Option<&[String]> {
        match &self.data {
            Data::Str(v) => Some(v),
            _ => None,
        }
    }

    /// Reads a tensor of a file.
    ///
    /// # Errors
    /// Another type of elements, values in another file, a shape that is not that of the values, text that is not UTF-8.
    pub fn from_proto(proto: TensorProto) -> Result<Tensor> {
        if proto.data_location.unwrap_or_default() != 0 || !proto.external_data.is_empty() {
            return Err(error(
                "its values are in another file: save the model in one file (onnx.save with save_as_external_data=False)",
            ));
        }
        if proto.segment.is_some() {
            return Err(error("it holds a segment of a tensor, which is not understood: whole tensors are"));
        }
        let shape = proto
            .dims
            .iter()
            .map(|&d| {
                usize::try_from(d).map_err(|_| error(format!("a dimension of length {d}; lengths are 0 or more")))
            })
            .collect::<Result<Vec<usize>>>()?;
        // Before anything is allocated by it.
        let n = count(&shape)?;
        let element = Element::from_number(proto.data_type.unwrap_or_default())?;
        let raw = proto.raw_data.filter(|raw| !raw.is_empty());
        let data = match (element, raw) {
            (Element::F32, None) => Data::F32(proto.float_data),
            (Element::F64, None) => Data::F64(proto.double_data),
            (Element::I32, None) => Data::I32(proto.int32_data),
            (Element::I64, None) => Data::I64(proto.int64_data),
            (Element::Bool, None) => Data::Bool(proto.int32_data.iter().map(|&b| b != 0).collect()),
            (Element::Str, None) => Data::Str(proto.string_data.into_iter().map(text).collect::<Result<_>>()?),
            (Element::F32, Some(raw)) => Data::F32(fixed(&raw, n, f32::from_le_bytes)?),
            (Element::F64, Some(raw)) => Data::F64(fixed(&raw, n, f64::from_le_bytes)?),
            (Element::I32, Some(raw)) => Data::I32(fixed(&raw, n, i32::from_le_bytes)?),
            (Element::I64, Some(raw)) => Data::I64(fixed(&raw, n, i64::from_le_bytes)?),
            (Element::Bool, Some(raw)) => Data::Bool(fixed(&raw, n, |[b]: [u8; 1]| b != 0)?),
            (Element::Str, Some(_)) => return Err(error("its texts are in `raw_data`, where only numbers may be")),
        };
        Tensor::new(shape, data)
    }

    /// As a file holds it, under this name.
    pub fn to_proto(&self, name: Option<&str>) -> TensorProto {
        let mut proto = TensorProto {
            dims: self.shape.iter().map(|&d| d as i64).collect(),
            data_type: Some(self.element().number() as i32),
            name: name.map(str::to_owned),
            ..TensorProto::default()
        };
        match &self.data {
            Data::F32(v) => proto.raw_data = Some(v.iter().flat_map(|x| x.to_le_bytes()).collect()),
            Data::F64(v) => proto.raw_data = Some(v.iter().flat_map(|x| x.to_le_bytes()).collect()),
            Data::I32(v) => proto.raw_data = Some(v.iter().flat_map(|x| x.to_le_bytes()).collect()),
            Data::I64(v) => proto.raw_data = Some(v.iter().flat_map(|x| x.to_le_bytes()).collect()),
            Data::Bool(v) => proto.raw_data = Some(v.iter().map(|&b| u8::from(b)).collect()),
            Data::Str(v) => proto.string_data = v.iter().map(|s| s.clone().into_bytes()).collect(),
        }
        proto
    }
}

/// Text of a file.
pub(super) fn text(bytes: Vec<u8>) -> Result<String> {
    String::from_utf8(bytes)
        .map_err(|e| error(format!("the text `{}` is not UTF-8", String::from_utf8_lossy(e.as_bytes()).escape_debug())))
}

/// Little-endian values of `W` bytes each.
fn fixed<const W: usize, T>(raw: &[u8], n: usize, value: impl Fn([u8; W]) -> T) -> Result<Vec<T>> {
    let (chunks, rest) = raw.as_chunks::<W>();
    if !rest.is_empty() || chunks.len() != n {
        return Err(error(format!(
            "{} bytes of values in place of the {} of its shape",
            raw.len(),
            n.saturating_mul(W)
        )));
    }
    Ok(chunks.iter().map(|&c| value(c)).collect())
}
