//! Computes what a graph computes, operator by operator: the referee of an import.
//!
//! The lowering of a graph to our own models is compared with this on rows (`prove`), and this is compared with ONNX's own node tests
//! and with onnxruntime (`tests/onnx_nodes.rs`). It folds constants for the lowering too ([`compute`]).
//!
//! **Conventions.** Shapes, types and attributes by the version of the operator set that the file names, as the operators' pages of
//! ONNX 1.23 have them; where those leave something open (scores of binary classifiers, sums of trees), as onnxruntime's CPU kernels do.
//! Numbers of type `f32` are rounded to `f32` after each operation; transcendental functions and sums of products are computed in
//! `f64` and rounded once, so they differ from a kernel's by its own rounding; so are the scores of SVM classifiers. Whole numbers wrap.
//!
//! **Bounds.** A value has at most [`MAX_VALUES`] elements, and one [`run`] makes at most [`MAX_MADE`] in at most [`MAX_WORK`] steps; what
//! shares a [`Work`] shares its bounds. Neither indices nor lengths of a file are trusted.

mod broadcast;
mod elementwise;
mod forest;
mod labels;
mod linear;
mod ml;
mod movement;
mod number;
mod reduce;
mod scores;
mod trees;

use std::cell::Cell;
use std::collections::BTreeMap;

use super::graph::{Graph, ML};
use super::node::Node;
use super::tensor::{Data, Tensor};
use crate::error::Result;
use crate::import::error;

/// Elements of a computed tensor at most.
pub const MAX_VALUES: usize = 1 << 24;
/// Steps of one run at most: about an element made, a product added or a tree's node visited.
pub const MAX_WORK: u64 = 1 << 32;

/// Elements that one run makes at most, all values together.
pub const MAX_MADE: u64 = 1 << 27;

/// What an operator makes.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// A tensor.
    Tensor(Tensor),
    /// What `ZipMap` makes: for each row of `values` (rows x keys) a map from key to value.
    Maps {
        /// Of type `i64` or text.
        keys: Data,
        /// Rows x keys.
        values: Tensor,
    },
}

impl Value {
    /// The tensor; a list of maps is none.
    pub fn tensor(&self) -> Option<&Tensor> {
        match self {
            Value::Tensor(tensor) => Some(tensor),
            Value::Maps { .. } => None,
        }
    }
}

/// The operators that are understood, by domain; each in every version up to the newest known ones.
pub const OPERATORS: [(&str, &[&str]); 2] = [
    (
        "",
        &[
            "Abs",
            "Add",
            "And",
            "ArgMax",
            "ArgMin",
            "Cast",
            "Ceil",
            "Clip",
            "Concat",
            "Constant",
            "ConstantOfShape",
            "CumSum",
            "Div",
            "Dropout",
            "Equal",
            "Exp",
            "Expand",
            "Flatten",
            "Floor",
            "Gather",
            "GatherElements",
            "Gemm",
            "Greater",
            "GreaterOrEqual",
            "Identity",
            "IsInf",
            "IsNaN",
            "Less",
            "LessOrEqual",
            "Log",
            "LogSoftmax",
            "LpNormalization",
            "MatMul",
            "Max",
            "Mean",
            "Min",
            "Mul",
            "Neg",
            "Not",
            "Or",
            "Pow",
            "Reciprocal",
            "ReduceL1",
            "ReduceL2",
            "ReduceLogSum",
            "ReduceLogSumExp",
            "ReduceMax",
            "ReduceMean",
            "ReduceMin",
            "ReduceProd",
            "ReduceSum",
            "ReduceSumSquare",
            "Relu",
            "Reshape",
            "Round",
            "Shape",
            "Sigmoid",
            "Sign",
            "Slice",
            "Softmax",
            "Softplus",
            "Split",
            "Sqrt",
            "Squeeze",
            "Sub",
            "Sum",
            "Tanh",
            "Tile",
            "TopK",
            "Transpose",
            "Unsqueeze",
            "Where",
            "Xor",
        ],
    ),
    (
        ML,
        &[
            "ArrayFeatureExtractor",
            "Binarizer",
            "CategoryMapper",
            "FeatureVectorizer",
            "Imputer",
            "LabelEncoder",
            "LinearClassifier",
            "LinearRegressor",
            "Normalizer",
            "OneHotEncoder",
            "SVMClassifier",
            "SVMRegressor",
            "Scaler",
            "TreeEnsemble",
            "TreeEnsembleClassifier",
            "TreeEnsembleRegressor",
            "ZipMap",
        ],
    ),
];

/// Whether the operator is understood.
pub fn understood(domain: &str, op: &str) -> bool {
    OPERATORS.iter().any(|(d, ops)| *d == domain && ops.contains(&op))
}

/// Computes `wanted` values of the graph from its inputs, by name: outputs, or any other values. Nodes that they do not need are not
/// run.
///
/// # Errors
/// An input that is needed is absent; an operator, attribute or type is not understood; shapes do not fit; a limit is passed. The
/// message names the node.
pub fn run(graph: &Graph, inputs: &BTreeMap<String, Tensor>, wanted: &[&str]) -> Result<Vec<Value>> {
    run_within(graph, inputs, wanted, &Work::new(MAX_WORK))
}

/// [`run`] within what is left of `work`.
pub(super) fn run_within(
    graph: &Graph,
    inputs: &BTreeMap<String, Tensor>,
    wanted: &[&str],
    work: &Work,
) -> Result<Vec<Value>> {
    let mut needed = vec![false; graph.nodes.len()];
    let mut open: Vec<&str> = wanted.to_vec();
    while let Some(name) = open.pop() {
        if let Some(i) = graph.maker_index(name)
            && !inputs.contains_key(name)
            && !std::mem::replace(&mut needed[i], true)
        {
            open.extend(graph.nodes[i].inputs.iter().map(String::as_str));
        }
    }
    let mut made: BTreeMap<&str, Value> = BTreeMap::new();
    for node in needed.iter().zip(&graph.nodes).filter(|(needed, _)| **needed).map(|(_, node)| node) {
        let values = {
            let find = |name: &str| find(graph, inputs, &made, name);
            let given = node.inputs.iter().map(|n| if n.is_empty() { Ok(None) } else { find(n).map(Some) });
            compute(node, &given.collect::<Result<Vec<_>>>()?, work)?
        };
        for (name, value) in node.outputs.iter().zip(values).filter(|(name, _)| !name.is_empty()) {
            made.insert(name, value);
        }
    }
    wanted
        .iter()
        .map(|&name| match made.get(name) {
            Some(value) => Ok(value.clone()),
            None => find(graph, inputs, &made, name).cloned().map(Value::Tensor),
        })
        .collect()
}

fn find<'a>(
    graph: &'a Graph,
    inputs: &'a BTreeMap<String, Tensor>,
    made: &'a BTreeMap<&str, Value>,
    name: &str,
) -> Result<&'a Tensor> {
    if let Some(tensor) = inputs.get(name).or_else(|| graph.constant(name)) {
        return Ok(tensor);
    }
    match made.get(name) {
        Some(Value::Tensor(tensor)) => Ok(tensor),
        Some(Value::Maps { .. }) => Err(error(format!("`{name}` is a list of maps, which no operator reads"))),
        None if graph.input(name).is_some() => Err(error(format!("no value is given for the input `{name}`"))),
        None => Err(error(format!("nothing makes the value `{name}`"))),
    }
}

/// What a node makes of these inputs (`None`: left out) within what is left of `work`, in the order of its outputs.
///
/// # Errors
/// As for [`run`].
pub(super) fn compute(node: &Node, inputs: &[Option<&Tensor>], work: &Work) -> Result<Vec<Value>> {
    let call = Call { node, inputs, work };
    let values = match (node.domain.as_str(), node.op.as_str()) {
        ("", op) => match op {
            "Abs" | "Ceil" | "Exp" | "Floor" | "Log" | "Neg" | "Reciprocal" | "Relu" | "Round" | "Sigmoid" | "Sign"
            | "Softplus" | "Sqrt" | "Tanh" => elementwise::unary(&call),
            "Add" | "Sub" | "Mul" | "Div" | "Pow" => elementwise::arithmetic(&call),
            "Max" | "Min" | "Sum" | "Mean" => elementwise::variadic(&call),
            "Equal" | "Greater" | "GreaterOrEqual" | "Less" | "LessOrEqual" => elementwise::compare(&call),
            "And" | "Or" | "Xor" | "Not" => elementwise::logic(&call),
            "IsNaN" | "IsInf" => elementwise::classify(&call),
            "Clip" => elementwise::clip(&call),
            "Cast" => elementwise::cast(&call),
            "Where" => elementwise::choose(&call),
            "ReduceL1" | "ReduceL2" | "ReduceLogSum" | "ReduceLogSumExp" | "ReduceMax" | "ReduceMean" | "ReduceMin"
            | "ReduceProd" | "ReduceSum" | "ReduceSumSquare" => reduce::reduce(&call),
            "ArgMax" | "ArgMin" => reduce::arg(&call),
            "Softmax" | "LogSoftmax" => reduce::softmax(&call),
            "LpNormalization" => reduce::normalize(&call),
            "CumSum" => reduce::cumulate(&call),
            "TopK" => return reduce::top(&call).map_err(|e| call.named(e)),
            "MatMul" => linear::matmul(&call),
            "Gemm" => linear::gemm(&call),
            "Dropout" => return movement::dropout(&call).map_err(|e| call.named(e)),
            "Split" => return movement::split(&call).map_err(|e| call.named(e)),
            "Concat" | "ConstantOfShape" | "Expand" | "Flatten" | "Gather" | "GatherElements" | "Identity"
            | "Reshape" | "Shape" | "Slice" | "Squeeze" | "Tile" | "Transpose" | "Unsqueeze" => movement::run(&call),
            _ => return Err(unknown(node)),
        }
        .map(|t| vec![Value::Tensor(t)]),
        (ML, op) => match op {
            "ArrayFeatureExtractor" => ml::extract(&call).map(one),
            "Binarizer" => ml::binarize(&call).map(one),
            "FeatureVectorizer" => ml::vectorize(&call).map(one),
            "Imputer" => ml::impute(&call).map(one),
            "Normalizer" => ml::normalize(&call).map(one),
            "OneHotEncoder" => labels::one_hot(&call).map(one),
            "Scaler" => ml::scale(&call).map(one),
            "ZipMap" => labels::zip(&call).map(|v| vec![v]),
            "CategoryMapper" => labels::map_categories(&call).map(one),
            "LabelEncoder" => labels::encode(&call).map(one),
            "LinearClassifier" => linear::classifier(&call),
            "LinearRegressor" => linear::regressor(&call).map(one),
            "SVMClassifier" => linear::svm_classifier(&call),
            "SVMRegressor" => linear::svm_regressor(&call).map(one),
            "TreeEnsemble" => trees::ensemble(&call).map(one),
            "TreeEnsembleClassifier" => trees::classifier(&call),
            "TreeEnsembleRegressor" => trees::regressor(&call).map(one),
            _ => return Err(unknown(node)),
        },
        _ => return Err(unknown(node)),
    };
    values.map_err(|e| call.named(e))
}

fn one(tensor: Tensor) -> Vec<Value> {
    vec![Value::Tensor(tensor)]
}

fn unknown(node: &Node) -> crate::error::Error {
    let domain = if node.domain.is_empty() { "ai.onnx" } else { &node.domain };
    let known = OPERATORS.iter().flat_map(|(_, ops)| ops.iter().copied());
    node.error(format!(
        "the operator `{}` of `{domain}` is not understood{}",
        node.op,
        crate::error::did_you_mean(&node.op, known.filter(|op| *op != node.op))
    ))
}

/// What is left of the bounds of a run, or of several that share them.
pub(super) struct Work {
    most: u64,
    steps: Cell<u64>,
    elements: Cell<u64>,
    spent: Cell<bool>,
}

impl Work {
    /// At most so many steps, and [`MAX_MADE`] elements.
    pub(super) fn new(most: u64) -> Work {
        Work { most, steps: Cell::new(most), elements: Cell::new(MAX_MADE), spent: Cell::new(false) }
    }

    /// Whether something was refused because it takes or makes more than is left.
    pub(super) fn spent(&self) -> bool {
        self.spent.get()
    }

    /// Takes `n` steps.
    fn take(&self, n: usize) -> Result<()> {
        self.less(&self.steps, n, "takes more than", self.most, "steps")
    }

    /// Makes `n` elements.
    fn make(&self, n: usize) -> Result<()> {
        self.less(&self.elements, n, "makes more than", MAX_MADE, "elements")
    }

    fn less(&self, left: &Cell<u64>, n: usize, what: &str, most: u64, of: &str) -> Result<()> {
        let Some(rest) = left.get().checked_sub(n as u64) else {
            self.spent.set(true);
            return Err(error(format!("the graph {what} {most} {of}, which is the most that is computed here")));
        };
        left.set(rest);
        Ok(())
    }
}

/// An operator with its inputs.
struct Call<'a> {
    node: &'a Node,
    inputs: &'a [Option<&'a Tensor>],
    work: &'a Work,
}

impl<'a> Call<'a> {
    /// Input `i`.
    fn input(&self, i: usize) -> Result<&'a Tensor> {
        self.optional(i).ok_or_else(|| error(format!("input {i} is left out, which it needs")))
    }

    /// Input `i`, which may be left out.
    fn optional(&self, i: usize) -> Option<&'a Tensor> {
        self.inputs.get(i).copied().flatten()
    }

    /// At most `n` inputs.
    fn at_most(&self, n: usize) -> Result<()> {
        if self.inputs.len() > n {
            return Err(error(format!("{} inputs in place of {n}", self.inputs.len())));
        }
        Ok(())
    }

    /// Makes room for a tensor of this shape: the number of its elements, which are paid for.
    fn room(&self, shape: &[usize]) -> Result<usize> {
        let n = super::tensor::count(shape)?;
        if n > MAX_VALUES {
            return Err(error(format!(
                "a tensor of shape {shape:?} is too large: at most {MAX_VALUES} elements are computed"
            )));
        }
        self.work.take(n.max(1))?;
        self.work.make(n)?;
        Ok(n)
    }

    /// A tensor of this shape.
    fn make(&self, shape: Vec<usize>, data: Data) -> Result<Tensor> {
        Tensor::new(shape, data)
    }

    /// Whole numbers that are an attribute in older versions and an input in newer ones.
    fn ints(&self, attribute: &str, input: usize, input_since: i64) -> Result<Option<Vec<i64>>> {
        if self.node.opset < input_since {
            return Ok(self.node.ints(attribute)?.map(<[i64]>::to_vec));
        }
        match self.optional(input) {
            None => Ok(None),
            Some(tensor) => {
                tensor.to_i64().map(Some).ok_or_else(|| error(format!("`{attribute}` is not of whole numbers")))
            }
        }
    }

    /// The error with the node's name, once.
    fn named(&self, e: crate::error::Error) -> crate::error::Error {
        let message = e.to_string();
        if message.starts_with(&self.node.to_string()) { e } else { self.node.error(message) }
    }
}

/// The place of an axis, which counts from the end where it is negative.
fn axis(axis: i64, rank: usize) -> Result<usize> {
    let place = if axis < 0 { axis.saturating_add(rank as i64) } else { axis };
    usize::try_from(place)
        .ok()
        .filter(|&a| a < rank)
        .ok_or_else(|| error(format!("axis {axis} is none of the {rank} dimensions")))
}
