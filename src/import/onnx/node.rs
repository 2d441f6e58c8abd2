//! An operation of a graph and its attributes.

use std::collections::BTreeMap;
use std::fmt;

use super::proto::{AttributeProto, NodeProto};
use super::tensor::{Data, Tensor, text};
use crate::error::{Error, Result};
use crate::import::error;

/// Bytes of a name at most.
pub const MAX_NAME: usize = 4096;

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Its own name; its place in the file (`#3`) where it has none.
    pub name: String,
    /// The operator.
    pub op: String,
    /// The set of operators: `""` for ONNX's own, [`ML`], or another.
    pub domain: String,
    /// The version of that set.
    pub opset: i64,
    /// Names of the values it reads; empty: an optional input that is left out. See [`Node::input`].
    pub inputs: Vec<String>,
    /// Names of the values it makes; empty: one that nobody wants.
    pub outputs: Vec<String>,
    attributes: BTreeMap<String, Attribute>,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
pub enum Attribute {
    /// A number.
    Float(f32),
    /// A whole number.
    Int(i64),
    /// A text.
    Str(String),
    /// A tensor.
    Tensor(Tensor),
    /// Numbers.
    Floats(Vec<f32>),
    /// Whole numbers.
    Ints(Vec<i64>),
    /// Texts.
    Strs(Vec<String>),
}

/// `ai.onnx` is ONNX's own domain, whose other name is the empty one.
pub(super) fn domain(name: Option<String>) -> String {
    name.filter(|d| d != "ai.onnx").unwrap_or_default()
}

/// A name that must be there.
pub(super) fn named(name: Option<String>, what: impl Fn() -> String) -> Result<String> {
    let name = name.filter(|n| !n.is_empty()).ok_or_else(|| error(format!("{} has no name", what())))?;
    short(name)
}

fn short(name: String) -> Result<String> {
    if name.len() > MAX_NAME {
        let start: String = name.chars().take(40).collect();
        return Err(error(format!("the name `{start}…` has {} bytes; at most {MAX_NAME} are read", name.len())));
    }
    Ok(name)
}

impl Node {
    pub(super) fn new(proto: NodeProto, place: usize, opsets: &BTreeMap<String, i64>) -> Result<Node> {
        let op = named(proto.op_type, || format!("the operator of node #{place}"))?;
        let name = short(proto.name.filter(|n| !n.is_empty()).unwrap_or_else(|| format!("#{place}")))?;
        let mut node = Node {
            name,
            op,
            domain: domain(proto.domain),
            opset: 0,
            inputs: proto.input.into_iter().map(short).collect::<Result<_>>()?,
            outputs: proto.output.into_iter().map(short).collect::<Result<_>>()?,
            attributes: BTreeMap::new(),
        };
        node.opset = *opsets.get(&node.domain).ok_or_else(|| {
            let label = if node.domain.is_empty() { "ai.onnx" } else { &node.domain };
            node.error(format!("the file does not say which version of the operators `{label}` it uses"))
        })?;
        for attribute in proto.attribute {
            let name =
                named(attribute.name.clone(), || "an attribute".to_owned()).map_err(|e| node.error(e.to_string()))?;
            let value = Attribute::new(&name, attribute).map_err(|e| node.error(format!("attribute `{name}`: {e}")))?;
            if node.attributes.insert(name.clone(), value).is_some() {
                return Err(node.error(format!("attribute `{name}` is there twice")));
            }
        }
        Ok(node)
    }

    /// What a `Constant` node makes, and its name.
    pub(super) fn constant(&self) -> Result<Option<(String, Tensor)>> {
        if !(self.domain.is_empty() && self.op == "Constant") {
            return Ok(None);
        }
        let ([output], true) = (self.outputs.as_slice(), self.inputs.is_empty()) else {
            return Err(self.error("it has inputs, or not one output"));
        };
        self.only(&[
            "value",
            "value_float",
            "value_floats",
            "value_int",
            "value_ints",
            "value_string",
            "value_strings",
        ])?;
        let mut given = self.attributes.iter();
        let (Some((name, value)), None) = (given.next(), given.next()) else {
            return Err(self.error("it has not one value"));
        };
        let tensor = match (name.as_str(), value) {
            ("value", Attribute::Tensor(t)) => Ok(t.clone()),
            ("value_float", Attribute::Float(v)) => Tensor::scalar(Data::F32(vec![*v])),
            ("value_floats", Attribute::Floats(v)) => Tensor::vector(Data::F32(v.clone())),
            ("value_int", Attribute::Int(v)) => Tensor::scalar(Data::I64(vec![*v])),
            ("value_ints", Attribute::Ints(v)) => Tensor::vector(Data::I64(v.clone())),
            ("value_string", Attribute::Str(v)) => Tensor::scalar(Data::Str(vec![v.clone()])),
            ("value_strings", Attribute::Strs(v)) => Tensor::vector(Data::Str(v.clone())),
            _ => return Err(self.error(format!("attribute `{name}` holds {}", value.what()))),
        };
        Ok(Some((output.clone(), tensor.map_err(|e| self.error(e.to_string()))?)))
    }

    /// An error about this node: names it and its operator.
    pub fn error(&self, message: impl fmt::Display) -> Error {
        error(format!("{self}: {message}"))
    }

    /// The name of its input `i`; `None` where it is left out.
    pub fn input(&self, i: usize) -> Option<&str> {
        self.inputs.get(i).map(String::as_str).filter(|n| !n.is_empty())
    }

    /// The name of its input `i`.
    ///
    /// # Errors
    /// It is left out.
    pub fn required_input(&self, i: usize) -> Result<&str> {
        self.input(i).ok_or_else(|| self.error(format!("its input {i} is left out, which it needs")))
    }

    /// The name of its output `i`; `None` where nobody wants it.
    pub fn output(&self, i: usize) -> Option<&str> {
        self.outputs.get(i).map(String::as_str).filter(|n| !n.is_empty())
    }

    /// Whether it is the operator `op` of this domain (`""` or [`ML`]).
    pub fn is(&self, domain: &str, op: &str) -> bool {
        self.domain == domain && self.op == op
    }

    /// Every attribute is one of `known`: what is not understood is not passed over.
    ///
    /// # Errors
    /// One is not; the message names it.
    pub fn only(&self, known: &[&str]) -> Result<()> {
        match self.attributes.keys().find(|name| !known.contains(&name.as_str())) {
            None => Ok(()),
            Some(name) => {
                let known =
                    if known.is_empty() { "none is".to_owned() } else { format!("known: {}", known.join(", ")) };
                Err(self.error(format!(
                    "attribute `{name}` is not understood in version {} of its operators; {known}",
                    self.opset
                )))
            }
        }
    }

    /// The attribute of this name, of any type.
    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.get(name)
    }

    /// Names of its attributes, sorted.
    pub fn attributes(&self) -> impl Iterator<Item = &str> {
        self.attributes.keys().map(String::as_str)
    }

    fn of<'a, T>(&'a self, name: &str, wanted: &str, get: impl Fn(&'a Attribute) -> Option<T>) -> Result<Option<T>> {
        let Some(value) = self.attributes.get(name) else { return Ok(None) };
        match get(value) {
            Some(value) => Ok(Some(value)),
            None => Err(self.error(format!("attribute `{name}` holds {} in place of {wanted}", value.what()))),
        }
    }

    /// A whole number; `default` where it is absent. Errors, as of all that follow: the attribute is of another type.
    pub fn int(&self, name: &str, default: i64) -> Result<i64> {
        Ok(self.int_opt(name)?.unwrap_or(default))
    }

    /// A whole number, where it is there.
    pub fn int_opt(&self, name: &str) -> Result<Option<i64>> {
        self.of(name, "a whole number", |a| if let Attribute::Int(v) = a { Some(*v) } else { None })
    }

    /// 0 or 1 as a `bool`.
    ///
    /// # Errors
    /// Another type, or another number.
    pub fn flag(&self, name: &str, default: bool) -> Result<bool> {
        match self.int(name, i64::from(default))? {
            0 => Ok(false),
            1 => Ok(true),
            n => Err(self.error(format!("attribute `{name}` is {n} in place of 0 or 1"))),
        }
    }

    /// A number.
    pub fn float(&self, name: &str, default: f32) -> Result<f32> {
        Ok(self.float_opt(name)?.unwrap_or(default))
    }

    /// A number, where it is there.
    pub fn float_opt(&self, name: &str) -> Result<Option<f32>> {
        self.of(name, "a number", |a| if let Attribute::Float(v) = a { Some(*v) } else { None })
    }

    /// A text.
    pub fn str<'a>(&'a self, name: &str, default: &'a str) -> Result<&'a str> {
        Ok(self.str_opt(name)?.unwrap_or(default))
    }

    /// A text, where it is there.
    pub fn str_opt(&self, name: &str) -> Result<Option<&str>> {
        self.of(name, "a text", |a| if let Attribute::Str(v) = a { Some(v.as_str()) } else { None })
    }

    /// Whole numbers, where they are there.
    pub fn ints(&self, name: &str) -> Result<Option<&[i64]>> {
        self.of(name, "whole numbers", |a| if let Attribute::Ints(v) = a { Some(v.as_slice()) } else { None })
    }

    /// Numbers, where they are there.
    pub fn floats(&self, name: &str) -> Result<Option<&[f32]>> {
        self.of(name, "numbers", |a| if let Attribute::Floats(v) = a { Some(v.as_slice()) } else { None })
    }

    /// Texts, where they are there.
    pub fn strs(&self, name: &str) -> Result<Option<&[String]>> {
        self.of(name, "texts", |a| if let Attribute::Strs(v) = a { Some(v.as_slice()) } else { None })
    }

    /// A tensor, where it is there.
    pub fn tensor(&self, name: &str) -> Result<Option<&Tensor>> {
        self.of(name, "a tensor", |a| if let Attribute::Tensor(v) = a { Some(v) } else { None })
    }

    /// For an attribute that must be there: `node.need("coefficients", node.floats("coefficients")?)?`.
    ///
    /// # Errors
    /// It is absent.
    pub fn need<T>(&self, name: &str, value: Option<T>) -> Result<T> {
        value.ok_or_else(|| self.error(format!("attribute `{name}` is absent, which it needs")))
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "node `{}` ({})", self.name, self.op)
    }
}

impl Attribute {
    fn new(name: &str, mut proto: AttributeProto) -> Result<Attribute> {
        if proto.ref_attr_name.is_some() {
            return Err(error("it stands for a function's attribute, which are not understood"));
        }
        if proto.g.is_some() || !proto.graphs.is_empty() {
            return Err(error(
                "it holds a subgraph, which is not understood: models without If, Loop and Scan are read",
            ));
        }
        // Numbers of comparisons (`TreeEnsemble`), the one place where bytes are understood.
        if let ("nodes_modes", Some(t)) = (name, &mut proto.t) {
            t.widen();
        }
        let set = [
            (1, proto.f.is_some()),
            (2, proto.i.is_some()),
            (3, proto.s.is_some()),
            (4, proto.t.is_some()),
            (6, !proto.floats.is_empty()),
            (7, !proto.ints.is_empty()),
            (8, !proto.strings.is_empty()),
        ];
        let mut filled = set.iter().filter(|(_, there)| *there).map(|(number, _)| *number);
        let (first, second) = (filled.next(), filled.next());
        // The oldest files do not say which field it is.
        let number = proto.r#type.filter(|&n| n != 0).or(first).unwrap_or_default();
        if second.is_some() || first.is_some_and(|first| first != number) {
            return Err(error(format!("it is of type {number} but holds values of another type")));
        }
        Ok(match number {
            1 => Attribute::Float(proto.f.unwrap_or_default()),
            2 => Attribute::Int(proto.i.unwrap_or_default()),
            3 => Attribute::Str(text(proto.s.unwrap_or_default())?),
            4 => Attribute::Tensor(Tensor::from_proto(*proto.t.ok_or_else(|| error("it holds no tensor"))?)?),
            6 => Attribute::Floats(proto.floats),
            7 => Attribute::Ints(proto.ints),
            8 => Attribute::Strs(proto.strings.into_iter().map(text).collect::<Result<_>>()?),
            11 | 12 => return Err(error("it holds sparse tensors, which are not understood: dense ones are")),
            _ => return Err(error(format!("attributes of type {number} are not understood"))),
        })
    }

    fn what(&self) -> &'static str {
        match self {
            Attribute::Float(_) => "a number",
            Attribute::Int(_) => "a whole number",
            Attribute::Str(_) => "a text",
            Attribute::Tensor(_) => "a tensor",
            Attribute::Floats(_) => "numbers",
            Attribute::Ints(_) => "whole numbers",
            Attribute::Strs(_) => "texts",
        }
    }
}
