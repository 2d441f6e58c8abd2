//! The part of ONNX's file format that a classifier's file uses, as messages that read and write it.
//!
//! Field numbers are those of `onnx.proto` (ONNX 1.23, IR version 14). Fields that are not here are skipped, with two exceptions:
//! what would change the meaning of a graph (subgraphs, functions, sparse tensors, training) is kept as undecoded bytes, so that
//! [`super::graph`] can refuse it by name. That leaves only [`TypeProto`] to nest, to the depth that `prost` allows (100).

use prost::Message;
use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use crate::error::{Error, Result};
use crate::import::error;

/// A file's bytes at most.
pub const MAX_FILE: usize = 1 << 28;
/// Nodes, attributes, tensors and other messages of a file at most: each takes up to a kilobyte of memory, for two bytes of file.
pub const MAX_MESSAGES: usize = 1 << 18;
/// Entries of lists of strings in a file at most: each takes some 30 bytes of memory, for two bytes of file.
pub const MAX_STRINGS: usize = 1 << 24;

/// A file.
#[derive(Clone, PartialEq, Message)]
pub struct ModelProto {
    /// Version of the format.
    #[prost(int64, optional, tag = "1")]
    pub ir_version: Option<i64>,
    /// Version of each set of operators that is used.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSetIdProto>,
    /// Which tool wrote it.
    #[prost(string, optional, tag = "2")]
    pub producer_name: Option<String>,
    /// Which version of it.
    #[prost(string, optional, tag = "3")]
    pub producer_version: Option<String>,
    /// Reverse domain name of the model's own name space.
    #[prost(string, optional, tag = "4")]
    pub domain: Option<String>,
    /// Version of the model.
    #[prost(int64, optional, tag = "5")]
    pub model_version: Option<i64>,
    /// For people.
    #[prost(string, optional, tag = "6")]
    pub doc_string: Option<String>,
    /// What is computed.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<GraphProto>,
    /// Names and values, for tools.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<StringStringEntryProto>,
    /// Undecoded: a graph with training in it is refused.
    #[prost(bytes = "vec", repeated, tag = "20")]
    pub training_info: Vec<Vec<u8>>,
    /// Undecoded: a graph with operators of its own is refused.
    #[prost(bytes = "vec", repeated, tag = "25")]
    pub functions: Vec<Vec<u8>>,
}

/// A set of operators.
#[derive(Clone, PartialEq, Message)]
pub struct OperatorSetIdProto {
    /// Empty or `ai.onnx`: ONNX's own.
    #[prost(string, optional, tag = "1")]
    pub domain: Option<String>,
    /// Its version.
    #[prost(int64, optional, tag = "2")]
    pub version: Option<i64>,
}

/// A name and a value.
#[derive(Clone, PartialEq, Message)]
pub struct StringStringEntryProto {
    /// The name.
    #[prost(string, optional, tag = "1")]
    pub key: Option<String>,
    /// The value.
    #[prost(string, optional, tag = "2")]
    pub value: Option<String>,
}

/// What is computed, in the order of `node`.
#[derive(Clone, PartialEq, Message)]
pub struct GraphProto {
    /// The operations.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<NodeProto>,
    /// Its name.
    #[prost(string, optional, tag = "2")]
    pub name: Option<String>,
    /// Constants, by their own names.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<TensorProto>,
    /// Undecoded: refused.
    #[prost(bytes = "vec", repeated, tag = "15")]
    pub sparse_initializer: Vec<Vec<u8>>,
    /// For people.
    #[prost(string, optional, tag = "10")]
    pub doc_string: Option<String>,
    /// What it is given.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfoProto>,
    /// What it gives.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfoProto>,
}

/// One operation.
#[derive(Clone, PartialEq, Message)]
pub struct NodeProto {
    /// Names of the values it reads; an empty name: an optional input that is left out.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of the values it makes; an empty name: an output that nobody wants.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// Its own name, which may be absent.
    #[prost(string, optional, tag = "3")]
    pub name: Option<String>,
    /// Name of the operator.
    #[prost(string, optional, tag = "4")]
    pub op_type: Option<String>,
    /// Set of operators it is in.
    #[prost(string, optional, tag = "7")]
    pub domain: Option<String>,
    /// Its settings.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<AttributeProto>,
}

/// A setting of an operation.
#[derive(Clone, PartialEq, Message)]
pub struct AttributeProto {
    /// Its name.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// In a function's body: the name of the function's attribute that is meant.
    #[prost(string, optional, tag = "21")]
    pub ref_attr_name: Option<String>,
    /// Which of the fields below it is: [`AttributeType`].
    #[prost(int32, optional, tag = "20")]
    pub r#type: Option<i32>,
    /// A number.
    #[prost(float, optional, tag = "2")]
    pub f: Option<f32>,
    /// A whole number.
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    /// A text, in UTF-8.
    #[prost(bytes = "vec", optional, tag = "4")]
    pub s: Option<Vec<u8>>,
    /// A tensor.
    #[prost(message, optional, boxed, tag = "5")]
    pub t: Option<Box<TensorProto>>,
    /// Undecoded: a subgraph is refused.
    #[prost(bytes = "vec", optional, tag = "6")]
    pub g: Option<Vec<u8>>,
    /// Numbers.
    #[prost(float, repeated, packed = "false", tag = "7")]
    pub floats: Vec<f32>,
    /// Whole numbers.
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub ints: Vec<i64>,
    /// Texts.
    #[prost(bytes = "vec", repeated, tag = "9")]
    pub strings: Vec<Vec<u8>>,
    /// Tensors.
    #[prost(message, repeated, tag = "10")]
    pub tensors: Vec<TensorProto>,
    /// Undecoded: subgraphs are refused.
    #[prost(bytes = "vec", repeated, tag = "11")]
    pub graphs: Vec<Vec<u8>>,
}

/// What an attribute holds; other numbers are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum AttributeType {
    /// `f`.
    Float = 1,
    /// `i`.
    Int = 2,
    /// `s`.
    String = 3,
    /// `t`.
    Tensor = 4,
    /// `floats`.
    Floats = 6,
    /// `ints`.
    Ints = 7,
    /// `strings`.
    Strings = 8,
    /// `tensors`.
    Tensors = 9,
}

/// A tensor's values, row-major, in `raw_data` (little-endian) or in the field of their type.
#[derive(Clone, PartialEq, Message)]
pub struct TensorProto {
    /// Its shape; empty: one value.
    #[prost(int64, repeated, packed = "false", tag = "1")]
    pub dims: Vec<i64>,
    /// Type of its elements: [`DataType`].
    #[prost(int32, optional, tag = "2")]
    pub data_type: Option<i32>,
    /// Undecoded: a part of a tensor is refused.
    #[prost(bytes = "vec", optional, tag = "3")]
    pub segment: Option<Vec<u8>>,
    /// `Float`.
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// `Int32`, `Bool`, and what is smaller.
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    /// `String`.
    #[prost(bytes = "vec", repeated, tag = "6")]
    pub string_data: Vec<Vec<u8>>,
    /// `Int64`.
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    /// Its name, where it is an initializer.
    #[prost(string, optional, tag = "8")]
    pub name: Option<String>,
    /// Any fixed-width type.
    #[prost(bytes = "vec", optional, tag = "9")]
    pub raw_data: Option<Vec<u8>>,
    /// `Double`.
    #[prost(double, repeated, tag = "10")]
    pub double_data: Vec<f64>,
    /// Where another file holds the values: refused.
    #[prost(message, repeated, tag = "13")]
    pub external_data: Vec<StringStringEntryProto>,
    /// 1: another file holds the values: refused.
    #[prost(int32, optional, tag = "14")]
    pub data_location: Option<i32>,
}

impl TensorProto {
    /// Bytes (`UINT8`) become `Int32`; others stay.
    pub fn widen(&mut self) {
        const UINT8: i32 = 2;
        if self.data_type == Some(UINT8) {
            self.data_type = Some(DataType::Int32 as i32);
            if let Some(raw) = self.raw_data.take() {
                self.int32_data = raw.into_iter().map(i32::from).collect();
            }
        }
    }
}

/// A type of elements that is understood; others are refused by the name that [`data_type_name`] gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i32)]
pub enum DataType {
    /// `f32`.
    Float = 1,
    /// `i32`.
    Int32 = 6,
    /// `i64`.
    Int64 = 7,
    /// Text.
    String = 8,
    /// True or false.
    Bool = 9,
    /// `f64`.
    Double = 11,
}

/// What ONNX calls the type of elements with this number.
pub fn data_type_name(number: i32) -> &'static str {
    const NAMES: [&str; 29] = [
        "UNDEFINED",
        "FLOAT",
        "UINT8",
        "INT8",
        "UINT16",
        "INT16",
        "INT32",
        "INT64",
        "STRING",
        "BOOL",
        "FLOAT16",
        "DOUBLE",
        "UINT32",
        "UINT64",
        "COMPLEX64",
        "COMPLEX128",
        "BFLOAT16",
        "FLOAT8E4M3FN",
        "FLOAT8E4M3FNUZ",
        "FLOAT8E5M2",
        "FLOAT8E5M2FNUZ",
        "UINT4",
        "INT4",
        "FLOAT4E2M1",
        "FLOAT8E8M0",
        "UINT2",
        "INT2",
        "FLOAT6E2M3",
        "FLOAT6E3M2",
    ];
    usize::try_from(number).ok().and_then(|n| NAMES.get(n)).copied().unwrap_or("an unknown type")
}

/// The name and type of an input or output.
#[derive(Clone, PartialEq, Message)]
pub struct ValueInfoProto {
    /// Its name.
    #[prost(string, optional, tag = "1")]
    pub name: Option<String>,
    /// Its type.
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<TypeProto>,
    /// For people.
    #[prost(string, optional, tag = "3")]
    pub doc_string: Option<String>,
}

/// The type of a value; none of the fields: one that is not understood.
#[derive(Clone, PartialEq, Message)]
pub struct TypeProto {
    /// A tensor.
    #[prost(message, optional, tag = "1")]
    pub tensor_type: Option<TensorTypeProto>,
    /// A list.
    #[prost(message, optional, boxed, tag = "4")]
    pub sequence_type: Option<Box<SequenceTypeProto>>,
    /// A map.
    #[prost(message, optional, boxed, tag = "5")]
    pub map_type: Option<Box<MapTypeProto>>,
}

/// Elements and shape of a tensor.
#[derive(Clone, PartialEq, Message)]
pub struct TensorTypeProto {
    /// [`DataType`].
    #[prost(int32, optional, tag = "1")]
    pub elem_type: Option<i32>,
    /// Absent: any.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<TensorShapeProto>,
}

/// The shape of a tensor.
#[derive(Clone, PartialEq, Message)]
pub struct TensorShapeProto {
    /// Outermost first.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<DimensionProto>,
}

/// One dimension; neither field: any length.
#[derive(Clone, PartialEq, Message)]
pub struct DimensionProto {
    /// Its length.
    #[prost(int64, optional, tag = "1")]
    pub dim_value: Option<i64>,
    /// A name for a length that is not fixed.
    #[prost(string, optional, tag = "2")]
    pub dim_param: Option<String>,
}

/// A list of values of one type.
#[derive(Clone, PartialEq, Message)]
pub struct SequenceTypeProto {
    /// That type.
    #[prost(message, optional, boxed, tag = "1")]
    pub elem_type: Option<Box<TypeProto>>,
}

/// A map.
#[derive(Clone, PartialEq, Message)]
pub struct MapTypeProto {
    /// [`DataType`] of its keys.
    #[prost(int32, optional, tag = "1")]
    pub key_type: Option<i32>,
    /// Type of its values.
    #[prost(message, optional, boxed, tag = "2")]
    pub value_type: Option<Box<TypeProto>>,
}

impl ModelProto {
    /// Decodes a file.
    ///
    /// # Errors
    /// Longer than [`MAX_FILE`], more than [`MAX_MESSAGES`] or [`MAX_STRINGS`], or not protobuf.
    pub fn read(file: &[u8]) -> Result<ModelProto> {
        if file.len() > MAX_FILE {
            return Err(error(format!(
                "{} bytes are too many for an ONNX file: at most {MAX_FILE} are read",
                file.len()
            )));
        }
        let mut count = Count::default();
        count.walk(Kind::Model, file, 0)?;
        for (n, max, what) in [
            (count.messages, MAX_MESSAGES, "nodes, attributes, tensors and other messages"),
            (count.strings, MAX_STRINGS, "strings"),
        ] {
            if n > max {
                return Err(error(format!("the file holds {n} {what}; at most {max} are read")));
            }
        }
        ModelProto::decode(file).map_err(|e| damaged(&e.to_string()))
    }
}

fn damaged(how: &str) -> Error {
    error(format!("not an ONNX file, or a damaged one: {how}"))
}

/// How many messages and strings decoding would make, found without making them.
#[derive(Default)]
struct Count {
    messages: usize,
    strings: usize,
}

#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    Value,
    Type,
    TensorType,
    Shape,
    Sequence,
    Map,
    /// Its fields are few and flat.
    Leaf,
    /// An entry of a list of strings or of undecoded bytes.
    String,
}

impl Kind {
    /// What the field `tag` holds of this message, where that is a message or a list of strings.
    fn field(self, tag: u32) -> Option<Kind> {
        Some(match (self, tag) {
            (Kind::Model, 7) => Kind::Graph,
            (Kind::Model, 8 | 14) => Kind::Leaf,
            (Kind::Model, 20 | 25) => Kind::String,
            (Kind::Graph, 1) => Kind::Node,
            (Kind::Graph, 5) => Kind::Tensor,
            (Kind::Graph, 11 | 12) => Kind::Value,
            (Kind::Graph, 15) => Kind::String,
            (Kind::Node, 1 | 2) => Kind::String,
            (Kind::Node, 5) => Kind::Attribute,
            (Kind::Attribute, 5 | 10) => Kind::Tensor,
            (Kind::Attribute, 9 | 11) => Kind::String,
            (Kind::Tensor, 6) => Kind::String,
            (Kind::Tensor, 13) => Kind::Leaf,
            (Kind::Value, 2) => Kind::Type,
            (Kind::Type, 1) => Kind::TensorType,
            (Kind::Type, 4) => Kind::Sequence,
            (Kind::Type, 5) => Kind::Map,
            (Kind::TensorType, 2) => Kind::Shape,
            (Kind::Shape, 1) => Kind::Leaf,
            (Kind::Sequence, 1) | (Kind::Map, 2) => Kind::Type,
            _ => return None,
        })
    }
}

impl Count {
    fn walk(&mut self, kind: Kind, mut bytes: &[u8], depth: usize) -> Result<()> {
        // As deep as `prost` goes.
        const DEEPEST: usize = 100;
        if depth > DEEPEST {
            return Err(damaged("types are nested too deeply"));
        }
        let decoded = |e: prost::DecodeError| damaged(&e.to_string());
        while !bytes.is_empty() {
            let (tag, wire) = decode_key(&mut bytes).map_err(decoded)?;
            if wire != WireType::LengthDelimited {
                skip_field(wire, tag, &mut bytes, DecodeContext::default()).map_err(decoded)?;
                continue;
            }
            let length = decode_varint(&mut bytes).map_err(decoded)?;
            let (inner, rest) = usize::try_from(length)
                .ok()
                .and_then(|length| bytes.split_at_checked(length))
                .ok_or_else(|| damaged("it ends within a field"))?;
            bytes = rest;
            match kind.field(tag) {
                None => {}
                Some(Kind::String) => self.strings += 1,
                Some(Kind::Leaf) => self.messages += 1,
                Some(kind) => {
                    self.messages += 1;
                    self.walk(kind, inner, depth + 1)?;
                }
            }
        }
        Ok(())
    }
}
