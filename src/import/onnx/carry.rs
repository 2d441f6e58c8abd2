//! A graph, carried out with terms for numbers.
//!
//! It is given **two** records at once. What it says of the first may read nothing of the second: a reduction or a reshape over the
//! wrong dimension, which one record would hide, shows. (A graph whose inputs are for one record is given one.)

use super::arrays::{Array, Value};
use super::ensemble::Ensemble;
use super::eval;
use super::graph::{Graph, ValueKind};
use super::node::Node;
use super::svm::Machine;
use super::tensor::{Element, Tensor};
use super::terms::{Id, Term, Terms, Unary};
use crate::error::{Error, Result};
use crate::import::{Input, InputKind, error};
use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;

/// Elements that are read and made, and steps that are taken, at most.
const MAX_SPENT: usize = 1 << 27;

/// Steps that constants are worked out in at most, all together.
const MAX_FOLDED: u64 = 1 << 28;

/// A model that terms are answers of.
#[derive(Clone, Debug, PartialEq)]
pub enum Answers {
    /// Sums of leaves, one per output.
    Trees(Rc<Ensemble>),
    /// Probabilities, one per class, or a margin.
    Machine(Machine),
}

/// What is known of an input while the graph is carried out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Texts {
    /// Levels, in the order in which encoders name them.
    pub levels: Vec<String>,
    /// By level, its place there.
    pub places: HashMap<String, usize>,
    /// Some encoder has no answer for other texts.
    pub closed: bool,
}

/// A graph that is being carried out.
pub struct Carry<'a> {
    /// The graph.
    pub graph: &'a Graph,
    /// Values so far, by name.
    values: BTreeMap<&'a str, Value>,
    /// All terms.
    pub terms: Terms,
    /// What [`Term::Answer`] names.
    pub models: Vec<Answers>,
    /// What is given, one entry per number or text.
    pub inputs: Vec<Given>,
    /// Records.
    pub rows: usize,
    /// Something is computed in `f32`.
    pub single: bool,
    /// By term, the node that first made it.
    origins: HashMap<Id, usize>,
    /// Elements that have been read or made, and steps that have been taken.
    spent: Cell<usize>,
    /// What is left for working out constants.
    folding: eval::Work,
    /// Nodes of trees that may still be laid down.
    pub laid_left: usize,
    /// Inputs that are cut to whole numbers.
    pub cut: bool,
    /// Inputs that are read as codes of categories.
    pub codes: BTreeSet<usize>,
    /// An isotonic calibration takes the nearest threshold.
    pub nearest: bool,
}

/// One number or text that the graph is given.
#[derive(Clone, Debug, PartialEq)]
pub struct Given {
    /// Its name, where it has one of its own.
    pub name: Option<String>,
    /// Its type.
    pub element: Element,
    /// Of a text.
    pub texts: Texts,
}

impl<'a> Carry<'a> {
    /// Carries the graph out as far as `wanted` needs it, and gives the terms of the first record: an array without its rows.
    pub fn out(graph: &'a Graph, wanted: &'a str) -> Result<(Carry<'a>, Vec<Id>)> {
        let rows = if graph.inputs.iter().any(|i| first(&i.kind) == Some(1)) { 1 } else { 2 };
        let mut carry = Carry {
            graph,
            values: BTreeMap::new(),
            terms: Terms::default(),
            models: Vec::new(),
            inputs: Vec::new(),
            rows,
            single: false,
            origins: HashMap::new(),
            spent: Cell::new(0),
            folding: eval::Work::new(MAX_FOLDED),
            laid_left: super::forests::MAX_LAID,
            cut: false,
            codes: BTreeSet::new(),
            nearest: false,
        };
        carry.give()?;
        let needed = needed(graph, wanted);
        for (i, node) in graph.nodes.iter().enumerate() {
            if needed.contains(&i) {
                if carry.fold(node)? {
                    continue;
                }
                let (output, value) = carry.apply(node)?;
                if let Value::Varying(array) = &value {
                    carry.spend(array.ids.len())?;
                    for id in &array.ids {
                        carry.origins.entry(*id).or_insert(i);
                    }
                }
                carry.single |= matches!(&value, Value::Varying(a) if a.element == Element::F32);
                if let Some(name) = node.outputs.get(output) {
                    carry.values.insert(name, value);
                }
            }
        }
        let Some(Value::Varying(array)) = carry.values.get(wanted).cloned() else {
            return Err(error(format!("the output `{wanted}` does not depend on the inputs")));
        };
        let n = array.ids.len();
        if array.shape.first() != Some(&rows) || n % rows != 0 {
            return Err(error(format!(
                "the output `{wanted}` does not hold a row per record, but has shape {:?}",
                array.shape
            )));
        }
        let ids = array.ids[..n / rows].to_vec();
        if let Some(id) = ids.iter().find(|id| carry.reads_other(**id)) {
            let what = carry.terms.describe(*id);
            return Err(error(format!("the output `{wanted}` mixes records: {what} reads more than its own")));
        }
        Ok((carry, ids))
    }

    /// Counts what is done, so that a small file does not keep a machine busy for long.
    pub fn spend(&self, n: usize) -> Result<()> {
        self.spent.set(self.spent.get().saturating_add(n));
        match self.spent.get() > MAX_SPENT {
            true => Err(error(format!("the graph comes to more than {MAX_SPENT} elements and steps"))),
            false => Ok(()),
        }
    }

    /// An error about a term: names the node that made it.
    pub fn blame(&self, id: Id, message: impl std::fmt::Display) -> Error {
        let made = self.origins.get(&id).or_else(|| self.origins.get(&self.terms.uncast(id)));
        match made.and_then(|i| self.graph.nodes.get(*i)) {
            Some(node) => node.error(message),
            None => error(message.to_string()),
        }
    }

    /// Works out a node that reads constants alone; whether it is one.
    fn fold(&mut self, node: &'a Node) -> Result<bool> {
        let mut given = Vec::with_capacity(node.inputs.len());
        for i in 0..node.inputs.len() {
            match node.input(i).map(|_| self.value(node, i)).transpose()? {
                Some(Value::Varying(_)) => return Ok(false),
                Some(Value::Known(tensor)) => given.push(Some(tensor)),
                None => given.push(None),
            }
        }
        let given: Vec<Option<&Tensor>> = given.iter().map(Option::as_ref).collect();
        for (name, value) in node.outputs.iter().zip(eval::compute(node, &given, &self.folding)?) {
            if let eval::Value::Tensor(tensor) = value {
                self.spend(tensor.len())?;
                self.values.insert(name, Value::Known(tensor));
            }
        }
        Ok(true)
    }

    /// Makes the terms of the inputs.
    fn give(&mut self) -> Result<()> {
        let graph = self.graph;
        let sole = graph.inputs.len() == 1;
        for input in &graph.inputs {
            let wrong = |what: &str| error(format!("the input `{}` {what}", input.name));
            let ValueKind::Tensor { element, shape } = &input.kind else {
                return Err(wrong("is no tensor: convert the model with tensors for inputs"));
            };
            let Some(element) = *element else {
                return Err(wrong(
                    "is of a type that is not understood: float, double, int32, int64, bool and string are",
                ));
            };
            let Some(shape) = shape else {
                return Err(wrong(
                    "has no shape: convert the model with initial_types that say how many features there are",
                ));
            };
            let width = match shape[..] {
                [_] => 1,
                [_, Some(width)] if width > 0 => width,
                [_, _] => {
                    return Err(wrong(
                        "does not say how many features a record has: convert the model with initial_types like \
                         FloatTensorType([None, 4])",
                    ));
                }
                _ => return Err(wrong("has not one row of features per record (shape [N, features])")),
            };
            if width > crate::pipeline::MAX_COLUMNS {
                return Err(wrong(&format!("has {width} features; at most {} are read", crate::pipeline::MAX_COLUMNS)));
            }
            let start = self.inputs.len();
            for k in 0..width {
                let name = match (width, sole) {
                    (1, _) => Some(input.name.clone()),
                    (_, true) => None,
                    (_, false) => Some(format!("{}_{k}", input.name)),
                };
                self.inputs.push(Given { name, element, texts: Texts::default() });
            }
            let mut ids = Vec::with_capacity(self.rows * width);
            for row in 0..self.rows {
                for k in 0..width {
                    let id = self.terms.intern(Term::Input { row, input: start + k })?;
                    ids.push(if element == Element::F32 { self.terms.unary(Unary::Single, id)? } else { id });
                }
            }
            let shape = if shape.len() == 1 { vec![self.rows] } else { vec![self.rows, width] };
            self.values.insert(&input.name, Value::Varying(Array { shape, ids, element }));
        }
        Ok(())
    }

    /// Whether a term of the first record reads another.
    fn reads_other(&self, id: Id) -> bool {
        let mut seen = BTreeSet::new();
        let mut open = vec![id];
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            match self.terms.get(id) {
                Term::Number(_) => {}
                Term::Input { row, .. } if *row > 0 => return true,
                Term::Input { .. } => {}
                Term::Unary(_, a)
                | Term::Impute(a, _)
                | Term::Replace(a, ..)
                | Term::Above(a, _)
                | Term::Clip(a, ..)
                | Term::Is(a, _)
                | Term::Lookup(a, _) => open.push(*a),
                Term::Binary(_, a, b, _) => open.extend([*a, *b]),
                Term::Fold(_, list) | Term::Softmax(list, _) | Term::Dot(list, ..) | Term::Answer(list, ..) => {
                    open.extend(self.terms.list(*list).iter());
                }
                Term::Pick(list, at) => {
                    open.push(*at);
                    open.extend(self.terms.list(*list).iter());
                }
            }
        }
        false
    }

    /// A value that a node reads.
    pub fn value(&self, node: &Node, i: usize) -> Result<Value> {
        let name = node.required_input(i)?;
        if let Some(tensor) = self.graph.constants.get(name) {
            self.spend(tensor.len())?;
            return Ok(Value::Known(tensor.clone()));
        }
        self.values.get(name).cloned().ok_or_else(|| node.error(format!("its input `{name}` is no tensor")))
    }

    /// A value that a node reads, as terms.
    pub fn array(&mut self, node: &Node, i: usize) -> Result<Array> {
        match self.value(node, i)? {
            Value::Varying(array) => Ok(array),
            Value::Known(tensor) => Array::of(&tensor, &mut self.terms, node),
        }
    }

    /// A value that must be known: a shape, axes, indices, weights.
    pub fn known(&self, node: &Node, i: usize) -> Result<Tensor> {
        match self.value(node, i)? {
            Value::Known(tensor) => Ok(tensor),
            Value::Varying(_) => Err(node.error(format!(
                "its input `{}` depends on the record; a constant is understood there",
                node.inputs[i]
            ))),
        }
    }

    /// Whole numbers that must be known.
    pub fn integers(&self, node: &Node, i: usize) -> Result<(Vec<i64>, Vec<usize>)> {
        let tensor = self.known(node, i)?;
        match tensor.to_i64() {
            Some(numbers) => Ok((numbers, tensor.shape)),
            None => Err(node.error(format!("its input `{}` does not hold whole numbers", node.inputs[i]))),
        }
    }

    /// Cast terms to another type of elements.
    pub fn cast(&mut self, array: Array, to: Element, node: &Node) -> Result<Array> {
        let from = array.element;
        if from == to {
            return Ok(array);
        }
        let op = match (from, to) {
            (Element::Str, _) | (_, Element::Str) => {
                return Err(
                    node.error("a cast between texts and numbers is not understood: encode texts by a LabelEncoder")
                );
            }
            (_, Element::Bool) => Some(Unary::Bool),
            (Element::Bool, _) | (Element::F32 | Element::I32, Element::F64) | (Element::I32, Element::I64) => None,
            (_, Element::F32) => Some(Unary::Single),
            // Exact up to 2^53.
            (Element::I64, Element::F64 | Element::I32) => None,
            (Element::F32 | Element::F64, Element::I32 | Element::I64) => {
                self.cut |= array.ids.iter().any(|id| self.is_column(*id));
                Some(Unary::Truncate)
            }
            _ => None,
        };
        let mut ids = array.ids;
        if let Some(op) = op {
            for id in &mut ids {
                *id = self.terms.unary(op, *id)?;
            }
        }
        Ok(Array { ids, shape: array.shape, element: to })
    }

    /// The inputs as the import's contract has them. `required`: by index, whether there is no answer where it is missing.
    pub fn given(&self, required: &[bool]) -> Vec<Input> {
        self.inputs
            .iter()
            .zip(required)
            .enumerate()
            .map(|(i, (given, required))| Input {
                name: given.name.clone(),
                kind: match given.element {
                    Element::Str => {
                        InputKind::Category { levels: given.texts.levels.clone(), admit_unknown: !given.texts.closed }
                    }
                    Element::Bool => InputKind::Flag,
                    _ if self.codes.contains(&i) => InputKind::Code { negative: true },
                    _ => InputKind::Number,
                },
                required: *required,
            })
            .collect()
    }
}

/// The number of records that an input is for, where that is fixed.
fn first(kind: &ValueKind) -> Option<usize> {
    match kind {
        ValueKind::Tensor { shape: Some(shape), .. } => shape.first().copied().flatten().filter(|n| *n > 0),
        _ => None,
    }
}

/// The nodes that a value needs.
fn needed(graph: &Graph, wanted: &str) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open = vec![wanted];
    while let Some(name) = open.pop() {
        if let Some(i) = graph.maker_index(name)
            && found.insert(i)
        {
            open.extend(graph.nodes[i].inputs.iter().map(String::as_str));
        }
    }
    found
}
