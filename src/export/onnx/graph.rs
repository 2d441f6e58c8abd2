//! A graph under construction: fresh names, constants that are shared, nodes in the order of their making.

use crate::artifact::Artifact;
use crate::import::onnx::proto::{
    AttributeProto, AttributeType, DataType, DimensionProto, GraphProto, ModelProto, NodeProto, OperatorSetIdProto,
    StringStringEntryProto, TensorProto, TensorShapeProto, TensorTypeProto, TypeProto, ValueInfoProto,
};
use crate::math::{Matrix, bits};
use prost::Message;
use std::collections::{BTreeMap, BTreeSet};

/// Version of `ai.onnx`'s operators.
pub const OPSET: i64 = 18;
/// Version of `ai.onnx.ml`'s.
pub const OPSET_ML: i64 = 5;
/// Version of the file format that goes with them.
const IR_VERSION: i64 = 9;
/// The domain of the classical models' operators.
pub const ML: &str = "ai.onnx.ml";
/// `uint8`, which only the modes of trees have.
const UINT8: i32 = 2;

/// A value of the graph, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value(String);

/// A named setting of a node.
pub type Attribute = AttributeProto;

/// Nodes, constants and inputs so far.
pub struct Graph {
    proto: GraphProto,
    /// Names that are taken.
    names: BTreeSet<String>,
    /// Constants by type, shape and bytes.
    constants: BTreeMap<(i32, Vec<i64>, Vec<u8>), Value>,
    next: usize,
}

impl Graph {
    /// Nothing but names that nothing else may have.
    pub fn new<'a>(taken: impl Iterator<Item = &'a str>) -> Graph {
        Graph {
            proto: GraphProto::default(),
            names: taken.map(str::to_owned).collect(),
            constants: BTreeMap::new(),
            next: 0,
        }
    }

    /// `wanted`, or that with as many `_` before it as make it new.
    pub fn free_name(&mut self, wanted: &str) -> String {
        let mut name = wanted.to_owned();
        while !self.names.insert(name.clone()) {
            name.insert(0, '_');
        }
        name
    }

    fn fresh(&mut self, kind: &str) -> Value {
        loop {
            self.next += 1;
            let name = format!("{}_{}", kind.to_lowercase(), self.next);
            if self.names.insert(name.clone()) {
                return Value(name);
            }
        }
    }

    /// An input of shape [N, 1]. `name`: taken already.
    pub fn input(&mut self, name: &str, kind: DataType, note: String) -> Value {
        self.proto.input.push(ValueInfoProto {
            name: Some(name.to_owned()),
            r#type: Some(tensor_type(kind, &[None, Some(1)])),
            doc_string: Some(note).filter(|note| !note.is_empty()),
        });
        Value(name.to_owned())
    }

    /// The value, made by a node of this name: for people who look for it.
    pub fn call(&mut self, name: &str, value: &Value) -> Value {
        let named = self.op("Identity", &[value]);
        if let Some(node) = self.proto.node.last_mut() {
            node.name = Some(name.to_owned());
        }
        named
    }

    /// A node of ONNX's own operators, with one output.
    pub fn op(&mut self, op: &str, inputs: &[&Value]) -> Value {
        self.node("", op, inputs, Vec::new())
    }

    /// A node of ONNX's own operators with attributes, and one output.
    pub fn op_with(&mut self, op: &str, inputs: &[&Value], attributes: Vec<Attribute>) -> Value {
        self.node("", op, inputs, attributes)
    }

    /// A node with one output.
    pub fn node(&mut self, domain: &str, op: &str, inputs: &[&Value], attributes: Vec<Attribute>) -> Value {
        let output = self.fresh(op);
        self.proto.node.push(NodeProto {
            input: inputs.iter().map(|v| v.0.clone()).collect(),
            output: vec![output.0.clone()],
            name: Some(output.0.clone()),
            op_type: Some(op.to_owned()),
            domain: Some(domain.to_owned()).filter(|d| !d.is_empty()),
            attribute: attributes,
        });
        output
    }

    /// Repeats `body` while it says so, at most `times` times. `body` is given the value of the round before, and gives whether to go
    /// on ([] of bool) and the next value. It may read values made before, and none made within is seen after.
    pub fn repeat(
        &mut self,
        times: i64,
        first: &Value,
        body: impl FnOnce(&mut Graph, &Value) -> (Value, Value),
    ) -> Value {
        let (round, go, before) = (self.fresh("round"), self.fresh("go"), self.fresh("before"));
        let (outer, constants) = (std::mem::take(&mut self.proto), self.constants.clone());
        let (more, after) = body(self, &before);
        let mut inner = std::mem::replace(&mut self.proto, outer);
        // Constants that were made within stay there.
        self.constants = constants;
        let info = |value: &Value, kind, shape: &[Option<i64>]| ValueInfoProto {
            name: Some(value.0.clone()),
            r#type: Some(tensor_type(kind, shape)),
            doc_string: None,
        };
        inner.name = Some(format!("{}_body", round.0));
        inner.input = vec![
            info(&round, DataType::Int64, &[]),
            info(&go, DataType::Bool, &[]),
            info(&before, DataType::Double, &[None, None]),
        ];
        inner.output = vec![info(&more, DataType::Bool, &[]), info(&after, DataType::Double, &[None, None])];
        let (times, go) = (self.int64(&[], &[times]), self.tensor(DataType::Bool as i32, &[], vec![1]));
        let attribute = AttributeProto {
            name: Some("body".to_owned()),
            // GRAPH.
            r#type: Some(5),
            g: Some(inner.encode_to_vec()),
            ..AttributeProto::default()
        };
        self.op_with("Loop", &[&times, &go, first], vec![attribute])
    }

    /// A number.
    pub fn scalar(&mut self, v: f64) -> Value {
        self.double(&[], &[v])
    }

    /// Shape [1, n].
    pub fn row(&mut self, v: &[f64]) -> Value {
        self.double(&[1, v.len()], v)
    }

    /// Shape [rows, cols].
    pub fn matrix(&mut self, m: &Matrix) -> Value {
        self.double(&[m.rows, m.cols], &m.data)
    }

    /// Doubles of any shape.
    pub fn double(&mut self, shape: &[usize], v: &[f64]) -> Value {
        let bytes = v.iter().flat_map(|v| bits(*v).to_le_bytes()).collect();
        self.tensor(DataType::Double as i32, shape, bytes)
    }

    /// Whole numbers of any shape.
    pub fn int64(&mut self, shape: &[usize], v: &[i64]) -> Value {
        let bytes = v.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.tensor(DataType::Int64 as i32, shape, bytes)
    }

    /// A list of whole numbers: axes, a shape, indices.
    pub fn ints(&mut self, v: &[i64]) -> Value {
        self.int64(&[v.len()], v)
    }

    fn tensor(&mut self, data_type: i32, shape: &[usize], bytes: Vec<u8>) -> Value {
        let dims: Vec<i64> = shape.iter().map(|n| *n as i64).collect();
        if let Some(known) = self.constants.get(&(data_type, dims.clone(), bytes.clone())) {
            return known.clone();
        }
        let value = self.fresh("constant");
        self.proto.initializer.push(TensorProto {
            dims: dims.clone(),
            data_type: Some(data_type),
            raw_data: Some(bytes.clone()),
            name: Some(value.0.clone()),
            ..TensorProto::default()
        });
        self.constants.insert((data_type, dims, bytes), value.clone());
        value
    }

    /// A list of texts.
    pub fn strings<'a>(&mut self, texts: impl Iterator<Item = &'a str>) -> Value {
        let value = self.fresh("constant");
        self.proto.initializer.push(TensorProto { name: Some(value.0.clone()), ..string_tensor(texts) });
        value
    }

    // ----- what is asked for again and again; `v` is [N, n], `condition` of bool

    /// `v` where it is not NaN, else `otherwise`.
    pub fn coalesce(&mut self, v: &Value, otherwise: &Value) -> Value {
        let missing = self.op("IsNaN", &[v]);
        self.op("Where", &[&missing, otherwise, v])
    }

    /// 1 where it holds, else 0.
    pub fn one_if(&mut self, condition: &Value) -> Value {
        self.cast(condition, DataType::Double)
    }

    /// The value as another type.
    pub fn cast(&mut self, v: &Value, kind: DataType) -> Value {
        self.op_with("Cast", &[v], vec![int("to", i64::from(kind as i32))])
    }

    /// Side by side.
    pub fn concat(&mut self, parts: &[&Value]) -> Value {
        if let [one] = parts {
            return (*one).clone();
        }
        self.op_with("Concat", parts, vec![int("axis", 1)])
    }

    /// These columns of it.
    pub fn columns(&mut self, v: &Value, columns: &[i64]) -> Value {
        let columns = self.ints(columns);
        self.op_with("Gather", &[v, &columns], vec![int("axis", 1)])
    }

    /// The sum over an axis. `keep`: it stays, with length 1.
    pub fn sum(&mut self, v: &Value, axis: i64, keep: bool) -> Value {
        let axes = self.ints(&[axis]);
        self.op_with("ReduceSum", &[v, &axes], vec![int("keepdims", i64::from(keep))])
    }

    /// `v` within `low..=high`; NaN stays.
    pub fn clamp(&mut self, v: &Value, low: f64, high: f64) -> Value {
        let (low, high) = (self.scalar(low), self.scalar(high));
        self.op("Clip", &[v, &low, &high])
    }

    /// The index of the largest of a row, of equals the first: [N, 1] or, without `keep`, [N].
    pub fn argmax(&mut self, v: &Value, keep: bool) -> Value {
        self.op_with("ArgMax", &[v], vec![int("axis", 1), int("keepdims", i64::from(keep))])
    }

    /// The file: `label` [N] and `probability` [N, K] are what it gives.
    pub fn finish(
        mut self,
        artifact: &Artifact,
        label: &Value,
        probability: &Value,
        facts: &[(&str, &str)],
    ) -> ModelProto {
        let k = Some(artifact.classes.len() as i64);
        for (wanted, value, kind, shape) in [
            ("label", label, DataType::String, &[None][..]),
            ("probabilities", probability, DataType::Double, &[None, k][..]),
        ] {
            let name = self.free_name(wanted);
            self.proto.node.push(NodeProto {
                input: vec![value.0.clone()],
                output: vec![name.clone()],
                name: Some(format!("give_{name}")),
                op_type: Some("Identity".to_owned()),
                ..NodeProto::default()
            });
            self.proto.output.push(ValueInfoProto {
                name: Some(name),
                r#type: Some(tensor_type(kind, shape)),
                doc_string: None,
            });
        }
        self.proto.name = Some(artifact.name.clone());
        let opset =
            |domain: &str, version| OperatorSetIdProto { domain: Some(domain.to_owned()), version: Some(version) };
        let fact = |(key, value): &(&str, &str)| StringStringEntryProto {
            key: Some((*key).to_owned()),
            value: Some((*value).to_owned()),
        };
        ModelProto {
            ir_version: Some(IR_VERSION),
            opset_import: vec![opset("", OPSET), opset(ML, OPSET_ML)],
            producer_name: Some("hedgerow".to_owned()),
            producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
            graph: Some(self.proto),
            metadata_props: facts.iter().map(fact).collect(),
            ..ModelProto::default()
        }
    }
}

/// `dims`: `None` is the number of rows.
fn tensor_type(kind: DataType, dims: &[Option<i64>]) -> TypeProto {
    let dim = |n: &Option<i64>| DimensionProto { dim_value: *n, dim_param: None };
    let shape = TensorShapeProto { dim: dims.iter().map(dim).collect() };
    let tensor = TensorTypeProto { elem_type: Some(kind as i32), shape: Some(shape) };
    TypeProto { tensor_type: Some(tensor), ..TypeProto::default() }
}

fn string_tensor<'a>(texts: impl Iterator<Item = &'a str>) -> TensorProto {
    let string_data: Vec<Vec<u8>> = texts.map(|t| t.as_bytes().to_vec()).collect();
    TensorProto {
        dims: vec![string_data.len() as i64],
        data_type: Some(DataType::String as i32),
        string_data,
        ..TensorProto::default()
    }
}

fn attribute(name: &str, kind: AttributeType) -> Attribute {
    Attribute { name: Some(name.to_owned()), r#type: Some(kind as i32), ..Attribute::default() }
}

/// A whole number.
pub fn int(name: &str, v: i64) -> Attribute {
    Attribute { i: Some(v), ..attribute(name, AttributeType::Int) }
}

/// Whole numbers.
pub fn ints(name: &str, v: Vec<i64>) -> Attribute {
    Attribute { ints: v, ..attribute(name, AttributeType::Ints) }
}

fn tensor(name: &str, t: TensorProto) -> Attribute {
    Attribute { t: Some(Box::new(t)), ..attribute(name, AttributeType::Tensor) }
}

/// A list of doubles.
pub fn doubles(name: &str, v: &[f64]) -> Attribute {
    let raw_data = v.iter().flat_map(|v| bits(*v).to_le_bytes()).collect();
    tensor(
        name,
        TensorProto {
            dims: vec![v.len() as i64],
            data_type: Some(DataType::Double as i32),
            raw_data: Some(raw_data),
            ..TensorProto::default()
        },
    )
}

/// A list of bytes.
pub fn bytes(name: &str, v: Vec<u8>) -> Attribute {
    let dims = vec![v.len() as i64];
    tensor(name, TensorProto { dims, data_type: Some(UINT8), raw_data: Some(v), ..TensorProto::default() })
}

/// A list of texts.
pub fn texts<'a>(name: &str, v: impl Iterator<Item = &'a str>) -> Attribute {
    tensor(name, string_tensor(v))
}
