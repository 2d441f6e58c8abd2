//! The typed graph that an ONNX file holds: what [`Graph::read`] lets through is whole, bounded and in order.
//!
//! * Every value has one maker: an input, a constant or a node; nothing is read that nobody makes; `nodes` is in an order in which
//!   each comes after those whose values it reads (of several such orders the one nearest to the file's).
//! * `Constant` nodes have become [`constants`](Graph::constants), beside the initializers. Inputs that an initializer gives a value
//!   are constants and no inputs.
//! * Operators and their attributes are *not* checked here: whoever lowers or evaluates a node names what it does not understand.
//!   [`Node`]'s getters do that for attributes: `node.only(&[…])?` first, then `node.int("axis", 1)?`.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::node::{Node, domain, named};
use super::proto::{ModelProto, StringStringEntryProto, TypeProto, ValueInfoProto};
use super::tensor::{Element, Tensor};
use crate::error::Result;
use crate::import::error;

/// The newest version of `ai.onnx` that is known.
pub const NEWEST: i64 = 28;
/// The newest version of `ai.onnx.ml` that is known.
pub const NEWEST_ML: i64 = 5;
/// The domain of the classical models' operators. ONNX's own has the empty name here, also where the file says `ai.onnx`.
pub const ML: &str = "ai.onnx.ml";

/// What a file computes.
#[derive(Clone, Debug, PartialEq)]
pub struct Graph {
    /// Its name.
    pub name: String,
    /// Version of the file format.
    pub ir_version: i64,
    /// The tool that wrote it (`skl2onnx`, `OnnxMLTools`, `CatBoost`, …).
    pub producer: String,
    /// The version of that tool.
    pub producer_version: String,
    /// The version of each set of operators, by domain (`""`, [`ML`], …).
    pub opsets: BTreeMap<String, i64>,
    /// Names and values that tools have left.
    pub metadata: Vec<(String, String)>,
    /// What it is given.
    pub inputs: Vec<Value>,
    /// What it gives.
    pub outputs: Vec<Value>,
    /// The operations, each after those whose values it reads.
    pub nodes: Vec<Node>,
    /// Values that are known, by name.
    pub constants: BTreeMap<String, Tensor>,
    /// By name of a value, the node that makes it.
    makers: BTreeMap<String, usize>,
    /// By name of a value, the nodes that read it.
    readers: BTreeMap<String, Vec<usize>>,
}

/// The name and type of an input or output.
#[derive(Clone, Debug, PartialEq)]
pub struct Value {
    /// Its name.
    pub name: String,
    /// Its type.
    pub kind: ValueKind,
}

/// The type of a value.
#[derive(Clone, Debug, PartialEq)]
pub enum ValueKind {
    /// A tensor.
    Tensor {
        /// The type of its elements; `None`: one that is not understood.
        element: Option<Element>,
        /// Lengths, outermost first, each `None` where it is not fixed (the number of rows); `None`: of any shape.
        shape: Option<Vec<Option<usize>>>,
    },
    /// A list of maps, one for each row (what `ZipMap` makes).
    Maps,
    /// One that the file does not say, or that is not understood.
    Other,
}

impl Graph {
    /// Reads a file.
    ///
    /// # Errors
    /// A damaged file, one above a limit, a graph that contradicts itself, and what is not understood of it: subgraphs (`If`,
    /// `Loop`, `Scan`), functions, sparse tensors, values in other files, training, types of elements other than [`Element`].
    pub fn read(file: &[u8]) -> Result<Graph> {
        Graph::new(ModelProto::read(file)?)
    }

    /// The graph of a decoded file; errors as for [`Graph::read`].
    pub fn new(model: ModelProto) -> Result<Graph> {
        if !model.functions.is_empty() {
            return Err(error(
                "the model defines functions of its own, which are not understood: inline them (onnx.inliner)",
            ));
        }
        if !model.training_info.is_empty() {
            return Err(error("the model holds steps of training, which are not understood: save it for inference"));
        }
        let opsets = opsets(&model)?;
        let proto = model.graph.ok_or_else(|| error("the file holds no graph: an ONNX model has one"))?;
        if !proto.sparse_initializer.is_empty() {
            return Err(error("the graph holds sparse constants, which are not understood: make them dense"));
        }
        let mut constants = BTreeMap::new();
        for (i, mut tensor) in proto.initializer.into_iter().enumerate() {
            let name = named(tensor.name.take(), || format!("initializer {i}"))?;
            let tensor = Tensor::from_proto(tensor).map_err(|e| e.context(format!("constant `{name}`")))?;
            insert(&mut constants, name, tensor)?;
        }
        let mut inputs = values(proto.input, "input")?;
        inputs.retain(|v| !constants.contains_key(&v.name));
        let mut nodes = Vec::with_capacity(proto.node.len());
        for (i, node) in proto.node.into_iter().enumerate() {
            let node = Node::new(node, i, &opsets)?;
            match node.constant()? {
                Some((name, tensor)) => insert(&mut constants, name, tensor)?,
                None => nodes.push(node),
            }
        }
        let mut graph = Graph {
            name: proto.name.unwrap_or_default(),
            ir_version: model.ir_version.unwrap_or_default(),
            producer: model.producer_name.unwrap_or_default(),
            producer_version: model.producer_version.unwrap_or_default(),
            opsets,
            metadata: model
                .metadata_props
                .into_iter()
                .map(|StringStringEntryProto { key, value }| (key.unwrap_or_default(), value.unwrap_or_default()))
                .collect(),
            inputs,
            outputs: values(proto.output, "output")?,
            nodes,
            constants,
            makers: BTreeMap::new(),
            readers: BTreeMap::new(),
        };
        graph.order()?;
        Ok(graph)
    }

    /// The node that makes this value; `None` for inputs and constants.
    pub fn maker(&self, value: &str) -> Option<&Node> {
        self.makers.get(value).map(|&i| &self.nodes[i])
    }

    /// Index in `nodes` of [`Graph::maker`].
    pub fn maker_index(&self, value: &str) -> Option<usize> {
        self.makers.get(value).copied()
    }

    /// The nodes that read this value, in order.
    pub fn readers(&self, value: &str) -> impl Iterator<Item = &Node> {
        self.readers.get(value).into_iter().flatten().map(|&i| &self.nodes[i])
    }

    /// The value, where it is known: an initializer or what a `Constant` node makes.
    pub fn constant(&self, value: &str) -> Option<&Tensor> {
        self.constants.get(value)
    }

    /// The input of this name.
    pub fn input(&self, value: &str) -> Option<&Value> {
        self.inputs.iter().find(|v| v.name == value)
    }

    /// Brings the nodes in order and finds makers and readers; refuses values that have two makers or none, and cycles.
    fn order(&mut self) -> Result<()> {
        let mut given: BTreeSet<&str> = self.constants.keys().map(String::as_str).collect();
        for input in &self.inputs {
            if !given.insert(&input.name) {
                return Err(error(format!("two inputs are named `{}`", input.name)));
            }
        }
        let mut makers: BTreeMap<&str, usize> = BTreeMap::new();
        for (i, node) in self.nodes.iter().enumerate() {
            for output in node.outputs.iter().filter(|o| !o.is_empty()) {
                if given.contains(output.as_str()) || makers.insert(output, i).is_some() {
                    return Err(node
                        .error(format!("it makes `{output}`, which is made elsewhere too: each value has one maker")));
                }
            }
        }
        for output in &self.outputs {
            if !given.contains(output.name.as_str()) && !makers.contains_key(output.name.as_str()) {
                return Err(error(format!("nothing makes the output `{}`", output.name)));
            }
        }
        // Kahn: the number of inputs still to come, and who waits for a node.
        let mut waits = vec![0usize; self.nodes.len()];
        let mut waiting: Vec<Vec<usize>> = vec![Vec::new(); self.nodes.len()];
        for (i, node) in self.nodes.iter().enumerate() {
            for input in node.inputs.iter().filter(|v| !v.is_empty()) {
                match makers.get(input.as_str()) {
                    Some(&maker) => {
                        waits[i] += 1;
                        waiting[maker].push(i);
                    }
                    None if given.contains(input.as_str()) => {}
                    None => return Err(node.error(format!("it reads `{input}`, which nothing makes"))),
                }
            }
        }
        let mut ready: BinaryHeap<Reverse<usize>> = (0..waits.len()).filter(|&i| waits[i] == 0).map(Reverse).collect();
        let mut order = Vec::with_capacity(self.nodes.len());
        while let Some(Reverse(i)) = ready.pop() {
            order.push(i);
            for &next in &waiting[i] {
                waits[next] -= 1;
                if waits[next] == 0 {
                    ready.push(Reverse(next));
                }
            }
        }
        if let Some(i) = waits.iter().position(|&n| n > 0) {
            return Err(self.nodes[i].error("it waits for its own values: the nodes form a cycle"));
        }
        let mut old: Vec<Option<Node>> = std::mem::take(&mut self.nodes).into_iter().map(Some).collect();
        self.nodes = order.into_iter().filter_map(|i| old[i].take()).collect();
        for (i, node) in self.nodes.iter().enumerate() {
            for output in node.outputs.iter().filter(|o| !o.is_empty()) {
                self.makers.insert(output.clone(), i);
            }
            for input in node.inputs.iter().filter(|v| !v.is_empty()) {
                let readers = self.readers.entry(input.clone()).or_default();
                // Once, where a node reads a value twice.
                if readers.last() != Some(&i) {
                    readers.push(i);
                }
            }
        }
        Ok(())
    }
}

fn opsets(model: &ModelProto) -> Result<BTreeMap<String, i64>> {
    let mut opsets = BTreeMap::new();
    for opset in &model.opset_import {
        let (name, version) = (domain(opset.domain.clone()), opset.version.unwrap_or_default());
        let newest = match name.as_str() {
            "" => NEWEST,
            ML => NEWEST_ML,
            _ => i64::MAX,
        };
        let label = if name.is_empty() { "ai.onnx" } else { &name };
        if !(1..=newest).contains(&version) {
            return Err(error(format!(
                "version {version} of the operators `{label}` is not known: 1 to {newest} are (target_opset of the converter)"
            )));
        }
        if opsets.insert(name.clone(), version).is_some_and(|other| other != version) {
            return Err(error(format!("two versions of the operators `{label}` are asked for")));
        }
    }
    Ok(opsets)
}

fn insert(constants: &mut BTreeMap<String, Tensor>, name: String, tensor: Tensor) -> Result<()> {
    if constants.contains_key(&name) {
        return Err(error(format!("two constants are named `{name}`")));
    }
    constants.insert(name, tensor);
    Ok(())
}

fn values(infos: Vec<ValueInfoProto>, what: &str) -> Result<Vec<Value>> {
    infos
        .into_iter()
        .enumerate()
        .map(|(i, info)| {
            let name = named(info.name, || format!("{what} {i} of the graph"))?;
            Ok(Value { name, kind: kind(info.r#type.unwrap_or_default()) })
        })
        .collect()
}

fn kind(proto: TypeProto) -> ValueKind {
    if let Some(tensor) = proto.tensor_type {
        let length = |d: super::proto::DimensionProto| {
            d.dim_value.and_then(|n| usize::try_from(n).ok()).filter(|_| d.dim_param.is_none())
        };
        return ValueKind::Tensor {
            element: tensor.elem_type.and_then(|n| Element::from_number(n).ok()),
            shape: tensor.shape.map(|shape| shape.dim.into_iter().map(length).collect()),
        };
    }
    match proto.sequence_type.and_then(|s| s.elem_type).and_then(|e| e.map_type) {
        Some(_) => ValueKind::Maps,
        None => ValueKind::Other,
    }
}
