//! ONNX's own operators (domain `ai.onnx`), on terms.

use super::arrays::{Array, Value, around, axis, broadcast, concat, gather, places, reshaped, transpose};
use super::carry::Carry;
use super::eval;
use super::graph::ML;
use super::node::Node;
use super::tensor::{Data, Element, Tensor};
use super::terms::{Binary, Fold, Id, Term, Unary};
use crate::error::{Error, Result};
use crate::math::Matrix;

/// An operator that no classifier, and nothing before or after one, is recognised by.
pub fn unrecognised(node: &Node) -> Error {
    const RECOGNISED: &str = "those that skl2onnx, onnxmltools and CatBoost write for the classifiers and their preprocessing are \
                              (trees, linear models, SVC, MLP, naive Bayes; scaling, imputing, encoding)";
    node.error(match eval::understood(&node.domain, &node.op) {
        true => format!(
            "the operator is evaluated where it reads constants, but not recognised before or after a model: {RECOGNISED}"
        ),
        false => format!("the operator is not understood: {RECOGNISED}"),
    })
}

impl Carry<'_> {
    /// Carries out one node: which of its outputs is understood (a classifier's labels are not looked at), and its value.
    pub fn apply(&mut self, node: &Node) -> Result<(usize, Value)> {
        let (output, array) = match node.domain.as_str() {
            "" => (0, self.operator(node)?),
            ML => self.classical(node)?,
            other => {
                return Err(node.error(format!(
                    "operators of `{other}` are not understood: those of ONNX and of ai.onnx.ml are (convert the model without \
                     custom operators)"
                )));
            }
        };
        Ok((output, self.settled(array)))
    }

    /// What turned out to be the same for every record is known.
    fn settled(&self, array: Array) -> Value {
        let numbers: Option<Vec<f64>> = array.ids.iter().map(|id| self.terms.as_number(*id)).collect();
        let Some(numbers) = numbers else { return Value::Varying(array) };
        let data = match array.element {
            Element::F32 => Data::F32(numbers.iter().map(|v| *v as f32).collect()),
            Element::I32 | Element::I64 => Data::I64(numbers.iter().map(|v| *v as i64).collect()),
            Element::Bool => Data::Bool(numbers.iter().map(|v| *v != 0.0).collect()),
            Element::F64 | Element::Str => Data::F64(numbers),
        };
        Value::Known(Tensor { shape: array.shape, data })
    }

    fn operator(&mut self, node: &Node) -> Result<Array> {
        let op = node.op.as_str();
        if let Some(of) = unary(op) {
            node.only(&["consumed_inputs"])?;
            let array = self.array(node, 0)?;
            let element = if matches!(of, Unary::Not | Unary::IsNan) { Element::Bool } else { array.element };
            return self.each(Array { element, ..array }, |terms, id| terms.unary(of, id));
        }
        match op {
            "Identity" | "Dropout" => self.array(node, 0),
            "Cast" => {
                node.only(&["to", "saturate", "round_mode"])?;
                let to = node.need("to", node.int_opt("to")?)?;
                let to = Element::from_number(to as i32).map_err(|e| node.error(e))?;
                let array = self.array(node, 0)?;
                self.cast(array, to, node)
            }
            "Reshape" => {
                node.only(&["allowzero", "shape", "consumed_inputs"])?;
                let array = self.array(node, 0)?;
                let lengths = match node.ints("shape")? {
                    Some(lengths) => lengths.to_vec(),
                    None => self.integers(node, 1)?.0,
                };
                let shape = reshaped(&array, &lengths, node.flag("allowzero", false)?, node)?;
                array.shaped(shape, node)
            }
            "Flatten" => {
                node.only(&["axis"])?;
                let array = self.array(node, 0)?;
                let rank = array.shape.len();
                let number = node.int("axis", 1)?;
                let at = if number == rank as i64 { rank } else { axis(number, rank, node)? };
                let before = array.shape[..at].iter().product();
                let after = array.shape[at..].iter().product();
                array.shaped(vec![before, after], node)
            }
            "Squeeze" => {
                let array = self.array(node, 0)?;
                let rank = array.shape.len();
                let shape = match self.axes(node, 1)? {
                    Some(axes) => {
                        let axes = axes.iter().map(|a| axis(*a, rank, node)).collect::<Result<Vec<usize>>>()?;
                        (0..rank).filter(|d| !axes.contains(d)).map(|d| array.shape[d]).collect()
                    }
                    None => array.shape.iter().copied().filter(|n| *n != 1).collect(),
                };
                array.shaped(shape, node)
            }
            "Unsqueeze" => {
                let array = self.array(node, 0)?;
                let axes = self.axes(node, 1)?.ok_or_else(|| node.error("it has no axes"))?;
                let rank = array.shape.len() + axes.len();
                let axes = axes.iter().map(|a| axis(*a, rank, node)).collect::<Result<Vec<usize>>>()?;
                let mut own = array.shape.iter().copied();
                let shape =
                    (0..rank).map(|d| if axes.contains(&d) { Some(1) } else { own.next() }).collect::<Option<_>>();
                array.clone().shaped(shape.ok_or_else(|| node.error("it names an axis twice"))?, node)
            }
            "Transpose" => {
                node.only(&["perm"])?;
                let array = self.array(node, 0)?;
                let rank = array.shape.len();
                let order = match node.ints("perm")? {
                    Some(order) => order.iter().map(|a| axis(*a, rank, node)).collect::<Result<Vec<usize>>>()?,
                    None => (0..rank).rev().collect(),
                };
                if order.len() != rank || (0..rank).any(|d| !order.contains(&d)) {
                    return Err(node.error("attribute `perm` does not name each dimension once"));
                }
                Ok(transpose(&array, &order))
            }
            "Concat" => {
                node.only(&["axis"])?;
                let parts = (0..node.inputs.len()).map(|i| self.array(node, i)).collect::<Result<Vec<Array>>>()?;
                concat(&parts, node.int("axis", 1)?, node)
            }
            "Gather" => {
                node.only(&["axis"])?;
                let number = node.int("axis", 0)?;
                if let Value::Varying(index) = self.value(node, 1)? {
                    return self.pick(node, index);
                }
                let (array, (indices, shape)) = (self.array(node, 0)?, self.integers(node, 1)?);
                gather(&array, number, &indices, &shape, node)
            }
            "Slice" => self.slice(node),
            "Expand" => {
                let (array, lengths) = (self.array(node, 0)?, self.integers(node, 1)?.0);
                let lengths: Option<Vec<usize>> = lengths.iter().map(|n| usize::try_from(*n).ok()).collect();
                let lengths = lengths.ok_or_else(|| node.error("it expands to a negative length"))?;
                let shape = broadcast(&array.shape, &lengths, node)?;
                let at = places(&array.shape, &shape);
                Ok(array.moved(shape, at.into_iter()))
            }
            "Shape" => {
                node.only(&[])?;
                let shape = self.array(node, 0)?.shape;
                let ids = shape.iter().map(|n| self.terms.number(*n as f64)).collect::<Result<Vec<Id>>>()?;
                Ok(Array { shape: vec![shape.len()], ids, element: Element::I64 })
            }
            "Add" | "Sub" | "Mul" | "Div" | "Pow" | "Equal" | "Greater" | "GreaterOrEqual" => self.pairwise(node),
            "Sum" | "Mean" | "Max" | "Min" => {
                node.only(&[])?;
                let mut parts = (0..node.inputs.len()).map(|i| self.array(node, i)).collect::<Result<Vec<Array>>>()?;
                let first = parts.first().ok_or_else(|| node.error("it has no inputs"))?;
                let (mut shape, element): (Vec<usize>, Element) = (first.shape.clone(), first.element);
                for part in &parts {
                    shape = broadcast(&shape, &part.shape, node)?;
                }
                for part in &mut parts {
                    let at = places(&part.shape, &shape);
                    *part = part.moved(shape.clone(), at.into_iter());
                }
                let groups = (0..parts[0].ids.len()).map(|i| parts.iter().map(|p| p.ids[i]).collect()).collect();
                self.folded(node, shape, element, groups)
            }
            "Reciprocal" => {
                let array = self.array(node, 0)?;
                let (one, rounded) = (self.terms.number(1.0)?, array.element == Element::F32);
                self.each(array, |terms, id| terms.binary(Binary::Div, one, id, rounded))
            }
            "Clip" => self.clip(node),
            "Where" => self.choose(node),
            "Softmax" | "LogSoftmax" => {
                let array = self.softmax(node)?;
                if op == "Softmax" { Ok(array) } else { self.each(array, |terms, id| terms.unary(Unary::Log, id)) }
            }
            "LpNormalization" => self.lp_normalization(node),
            "MatMul" => {
                node.only(&[])?;
                let (array, weights) = (self.array(node, 0)?, self.known(node, 1)?);
                self.product(node, array, &weights, false, 1.0)
            }
            "Gemm" => self.gemm(node),
            "ReduceSum" | "ReduceMean" | "ReduceMax" | "ReduceMin" | "ReduceLogSumExp" | "ReduceSumSquare"
            | "ReduceL1" | "ReduceL2" | "ArgMax" | "ArgMin" => self.reduce(node),
            _ => Err(unrecognised(node)),
        }
    }

    /// Each element by itself.
    pub fn each(
        &mut self,
        mut array: Array,
        mut of: impl FnMut(&mut super::terms::Terms, Id) -> Result<Id>,
    ) -> Result<Array> {
        for id in &mut array.ids {
            *id = of(&mut self.terms, *id)?;
        }
        Ok(array)
    }

    /// Axes: an attribute in old versions, an input in new ones.
    fn axes(&mut self, node: &Node, i: usize) -> Result<Option<Vec<i64>>> {
        if let Some(axes) = node.ints("axes")? {
            return Ok(Some(axes.to_vec()));
        }
        match node.input(i) {
            Some(_) => Ok(Some(self.integers(node, i)?.0)),
            None => Ok(None),
        }
    }

    /// Elements of a list that does not depend on the record, by indices that do.
    pub fn pick(&mut self, node: &Node, index: Array) -> Result<Array> {
        let of = self.array(node, 0)?;
        if of.shape.iter().filter(|n| **n != 1).count() > 1 {
            return Err(node.error("an index that depends on the record is understood where it picks from one list"));
        }
        let list = self.terms.listed(&of.ids)?;
        let index = Array { element: of.element, ..index };
        self.each(index, |terms, id| terms.intern(Term::Pick(list, id)))
    }

    fn slice(&mut self, node: &Node) -> Result<Array> {
        node.only(&["starts", "ends", "axes"])?;
        let mut array = self.array(node, 0)?;
        let get = |attribute: Option<&[i64]>, i: usize| -> Result<Option<Vec<i64>>> {
            match (attribute, node.input(i)) {
                (Some(v), _) => Ok(Some(v.to_vec())),
                (None, Some(_)) => Ok(Some(self.integers(node, i)?.0)),
                (None, None) => Ok(None),
            }
        };
        let absent = || node.error("it has no starts or ends");
        let starts = get(node.ints("starts")?, 1)?.ok_or_else(absent)?;
        let ends = get(node.ints("ends")?, 2)?.ok_or_else(absent)?;
        let axes = get(node.ints("axes")?, 3)?.unwrap_or_else(|| (0..starts.len() as i64).collect());
        let steps = get(None, 4)?.unwrap_or_else(|| vec![1; starts.len()]);
        if ends.len() != starts.len() || axes.len() != starts.len() || steps.iter().any(|s| *s != 1) {
            return Err(node.error("a slice with steps of 1, and a start and an end for each axis, is understood"));
        }
        for ((start, end), number) in starts.into_iter().zip(ends).zip(axes) {
            let along = axis(number, array.shape.len(), node)?;
            let n = array.shape[along] as i64;
            let within = |v: i64| if v < 0 { v.saturating_add(n) } else { v }.clamp(0, n);
            let indices: Vec<i64> = (within(start)..within(end)).collect();
            array = gather(&array, along as i64, &indices, &[indices.len()], node)?;
        }
        Ok(array)
    }

    fn pairwise(&mut self, node: &Node) -> Result<Array> {
        node.only(&["fmod"])?;
        let (a, b) = (self.array(node, 0)?, self.array(node, 1)?);
        let shape = broadcast(&a.shape, &b.shape, node)?;
        let (at_a, at_b) = (places(&a.shape, &shape), places(&b.shape, &shape));
        let varies = |array: &Array| array.ids.iter().any(|id| self.terms.as_number(*id).is_none());
        let element = if varies(&a) { a.element } else { b.element };
        let op = match node.op.as_str() {
            "Add" => Binary::Add,
            "Sub" => Binary::Sub,
            "Mul" => Binary::Mul,
            "Div" => Binary::Div,
            "Pow" => Binary::Pow,
            _ => return self.comparison(node, shape, (a, at_a), (b, at_b)),
        };
        if a.element == Element::Str || b.element == Element::Str {
            return Err(node.error("texts have no arithmetic"));
        }
        let whole = matches!(element, Element::I32 | Element::I64) && op == Binary::Div;
        let mut ids = Vec::with_capacity(at_a.len());
        for (i, j) in at_a.into_iter().zip(at_b) {
            let id = self.terms.binary(op, a.ids[i], b.ids[j], element == Element::F32)?;
            ids.push(if whole { self.terms.unary(Unary::Truncate, id)? } else { id });
        }
        Ok(Array { shape, ids, element })
    }

    /// Comparisons with constants.
    fn comparison(
        &mut self,
        node: &Node,
        shape: Vec<usize>,
        a: (Array, Vec<usize>),
        b: (Array, Vec<usize>),
    ) -> Result<Array> {
        let mut ids = Vec::with_capacity(a.1.len());
        for (i, j) in a.1.into_iter().zip(b.1) {
            let (x, Some(t)) = (a.0.ids[i], self.terms.as_number(b.0.ids[j])) else {
                return Err(node.error("a comparison is understood with a constant for its second input"));
            };
            ids.push(match node.op.as_str() {
                "Equal" => self.terms.intern(Term::Is(x, t.into()))?,
                "Greater" => self.terms.intern(Term::Above(x, t.into()))?,
                _ => self.terms.intern(Term::Above(x, t.next_down().into()))?,
            });
        }
        Ok(Array { shape, ids, element: Element::Bool })
    }

    /// `Where(IsNaN(x), number, x)`, which imputes, and what is known.
    fn choose(&mut self, node: &Node) -> Result<Array> {
        node.only(&[])?;
        let parts = (0..3).map(|i| self.array(node, i)).collect::<Result<Vec<Array>>>()?;
        let shape = broadcast(&parts[1].shape, &parts[2].shape, node)?;
        let shape = broadcast(&parts[0].shape, &shape, node)?;
        let [first, second, third] = [0, 1, 2].map(|k| places(&parts[k].shape, &shape));
        let mut ids = Vec::with_capacity(first.len());
        for (i, (j, k)) in first.into_iter().zip(second.into_iter().zip(third)) {
            let (condition, then, otherwise) = (parts[0].ids[i], parts[1].ids[j], parts[2].ids[k]);
            ids.push(match (self.terms.as_number(condition), self.terms.get(condition), self.terms.as_number(then)) {
                (Some(known), ..) => {
                    if known != 0.0 {
                        then
                    } else {
                        otherwise
                    }
                }
                (None, Term::Unary(Unary::IsNan, of), Some(v)) if *of == otherwise => {
                    self.terms.intern(Term::Impute(otherwise, v.into()))?
                }
                _ => {
                    return Err(
                        node.error("a choice by the record is understood where it imputes: Where(IsNaN(x), number, x)")
                    );
                }
            });
        }
        Ok(Array { shape, ids, element: parts[2].element })
    }

    fn clip(&mut self, node: &Node) -> Result<Array> {
        node.only(&["min", "max", "consumed_inputs"])?;
        let array = self.array(node, 0)?;
        let bound = |name: &str, i: usize, none: f64| -> Result<f64> {
            if let Some(v) = node.float_opt(name)? {
                return Ok(f64::from(v));
            }
            match node.input(i) {
                Some(_) => {
                    let tensor = self.known(node, i)?;
                    let numbers = tensor.to_f64().filter(|v| v.len() == 1);
                    Ok(numbers.ok_or_else(|| node.error("a bound is not one number"))?[0])
                }
                None => Ok(none),
            }
        };
        let (low, high) = (bound("min", 1, -f64::MAX)?, bound("max", 2, f64::MAX)?);
        if low.is_nan() || high.is_nan() || low > high {
            return Err(node.error(format!("it clips to {low}..{high}")));
        }
        self.each(array, |terms, id| terms.intern(Term::Clip(id, low.into(), high.into())))
    }

    fn softmax(&mut self, node: &Node) -> Result<Array> {
        node.only(&["axis"])?;
        let array = self.array(node, 0)?;
        let rank = array.shape.len();
        let old = node.opset < 13;
        let along = axis(node.int("axis", if old { 1 } else { -1 })?, rank, node)?;
        // Before version 13 all dimensions from the axis on are one.
        let (before, length, after) = match old {
            true => (array.shape[..along].iter().product(), array.shape[along..].iter().product(), 1),
            false => around(&array.shape, along),
        };
        let mut ids = array.ids.clone();
        for b in 0..before {
            for a in 0..after {
                let place = |k: usize| (b * length + k) * after + a;
                let own: Vec<Id> = (0..length).map(|k| array.ids[place(k)]).collect();
                let list = self.terms.listed(&own)?;
                for k in 0..length {
                    ids[place(k)] = self.terms.intern(Term::Softmax(list, k))?;
                }
            }
        }
        Ok(Array { ids, ..array })
    }

    fn lp_normalization(&mut self, node: &Node) -> Result<Array> {
        node.only(&["axis", "p"])?;
        let array = self.array(node, 0)?;
        let along = axis(node.int("axis", -1)?, array.shape.len(), node)?;
        let power = node.int("p", 2)?;
        if along + 1 != array.shape.len() || !(1..=2).contains(&power) {
            return Err(node.error(format!("axis {along} and p {power}; the last axis, and 1 or 2, are understood")));
        }
        self.divided(&array, if power == 1 { Norm::L1 } else { Norm::L2 })
    }

    /// Runs of the last dimension, divided by their size.
    pub fn divided(&mut self, array: &Array, norm: Norm) -> Result<Array> {
        let rounded = array.element == Element::F32;
        let mut ids = Vec::with_capacity(array.ids.len());
        for run in array.runs().1 {
            let mut parts = Vec::with_capacity(run.len());
            for id in run {
                parts.push(match norm {
                    Norm::L1 => self.terms.unary(Unary::Abs, *id)?,
                    Norm::L2 => self.terms.binary(Binary::Mul, *id, *id, rounded)?,
                    Norm::Largest => *id,
                });
            }
            let mut size = self.terms.fold(if norm == Norm::Largest { Fold::Max } else { Fold::Sum }, &parts)?;
            if norm == Norm::L2 {
                size = self.terms.unary(Unary::Sqrt, size)?;
            }
            for id in run {
                ids.push(self.terms.binary(Binary::Div, *id, size, rounded)?);
            }
        }
        Ok(Array { ids, shape: array.shape.clone(), element: array.element })
    }

    /// `array` (…, n) times `weights` (n, m), or (m, n) if `turned`.
    fn product(&mut self, node: &Node, array: Array, weights: &Tensor, turned: bool, factor: f64) -> Result<Array> {
        let numbers = weights.to_f64().ok_or_else(|| node.error("its weights are no numbers"))?;
        let (n, run_ids) = array.runs();
        let (rows, cols) = match (weights.shape[..].to_vec().as_slice(), turned) {
            ([n], false) => (*n, 1),
            ([n, m], false) => (*n, *m),
            ([m, n], true) => (*n, *m),
            _ => return Err(node.error(format!("weights of shape {:?}; one matrix is understood", weights.shape))),
        };
        if rows != n || array.shape.is_empty() {
            return Err(node.error(format!("values of shape {:?} times weights of {:?}", array.shape, weights.shape)));
        }
        let of = |i: usize, k: usize| if turned { k * n + i } else { i * cols + k };
        let data =
            (0..cols).flat_map(|k| (0..n).map(move |i| (i, k))).map(|(i, k)| factor * numbers[of(i, k)]).collect();
        self.spend(numbers.len())?;
        let matrix = self.terms.matrix(Matrix { rows: cols, cols: n, data });
        let mut ids = Vec::with_capacity(array.ids.len() / n.max(1) * cols);
        let runs: Vec<&[Id]> = run_ids.collect();
        for run in runs {
            let list = self.terms.listed(run)?;
            for k in 0..cols {
                ids.push(self.terms.intern(Term::Dot(list, matrix, k))?);
            }
        }
        let mut shape = array.shape.clone();
        shape.pop();
        if weights.shape.len() == 2 {
            shape.push(cols);
        }
        Ok(Array { shape, ids, element: array.element })
    }

    fn gemm(&mut self, node: &Node) -> Result<Array> {
        node.only(&["alpha", "beta", "transA", "transB", "broadcast"])?;
        if node.flag("transA", false)? {
            return Err(node.error("attribute `transA` is not understood: records in rows are"));
        }
        let (array, weights) = (self.array(node, 0)?, self.known(node, 1)?);
        let alpha = f64::from(node.float("alpha", 1.0)?);
        let made = self.product(node, array, &weights, node.flag("transB", false)?, alpha)?;
        if node.input(2).is_none() {
            return Ok(made);
        }
        let (bias, beta) = (self.array(node, 2)?, f64::from(node.float("beta", 1.0)?));
        let at = places(&bias.shape, &broadcast(&bias.shape, &made.shape, node)?);
        if at.len() != made.ids.len() {
            return Err(node.error("its third input does not fit the product"));
        }
        let (factor, mut ids) = (self.terms.number(beta)?, Vec::with_capacity(at.len()));
        for (id, i) in made.ids.iter().zip(at) {
            let bias = self.terms.binary(Binary::Mul, bias.ids[i], factor, false)?;
            ids.push(self.terms.binary(Binary::Add, *id, bias, made.element == Element::F32)?);
        }
        Ok(Array { ids, ..made })
    }

    fn reduce(&mut self, node: &Node) -> Result<Array> {
        node.only(&["axes", "axis", "keepdims", "noop_with_empty_axes", "select_last_index"])?;
        let array = self.array(node, 0)?;
        let rank = array.shape.len();
        let best = node.op.starts_with("Arg");
        if node.flag("select_last_index", false)? {
            return Err(node.error("attribute `select_last_index` is not understood: the first of equals is taken"));
        }
        let axes = match best {
            true => Some(vec![node.int("axis", 0)?]),
            false => self.axes(node, 1)?.filter(|axes| !axes.is_empty()),
        };
        let axes = match axes {
            Some(axes) => axes.iter().map(|a| axis(*a, rank, node)).collect::<Result<Vec<usize>>>()?,
            None if node.flag("noop_with_empty_axes", false)? => return Ok(array),
            None => (0..rank).collect(),
        };
        let kept: Vec<usize> = (0..rank).filter(|d| !axes.contains(d)).collect();
        let order: Vec<usize> = kept.iter().copied().chain((0..rank).filter(|d| axes.contains(d))).collect();
        let size: usize = (0..rank).filter(|d| axes.contains(d)).map(|d| array.shape[d]).product();
        if size == 0 {
            return Err(node.error("it reduces no values"));
        }
        let groups = transpose(&array, &order).ids.chunks(size).map(<[Id]>::to_vec).collect();
        let shape = match node.flag("keepdims", true)? {
            true => (0..rank).map(|d| if axes.contains(&d) { 1 } else { array.shape[d] }).collect(),
            false => kept.iter().map(|d| array.shape[*d]).collect(),
        };
        self.folded(node, shape, array.element, groups)
    }

    /// A fold of each group.
    fn folded(&mut self, node: &Node, shape: Vec<usize>, element: Element, groups: Vec<Vec<Id>>) -> Result<Array> {
        let rounded = element == Element::F32;
        let mut ids = Vec::with_capacity(groups.len());
        for mut group in groups {
            let n = group.len() as f64;
            for id in &mut group {
                match node.op.as_str() {
                    "ReduceL1" => *id = self.terms.unary(Unary::Abs, *id)?,
                    "ReduceL2" | "ReduceSumSquare" => *id = self.terms.binary(Binary::Mul, *id, *id, rounded)?,
                    _ => {}
                }
            }
            let fold = match node.op.as_str() {
                "Max" | "ReduceMax" => Fold::Max,
                "Min" | "ReduceMin" => Fold::Min,
                "ArgMax" => Fold::ArgMax,
                "ArgMin" => Fold::ArgMin,
                "ReduceLogSumExp" => Fold::LogSumExp,
                _ => Fold::Sum,
            };
            let id = self.terms.fold(fold, &group)?;
            ids.push(match node.op.as_str() {
                "Mean" | "ReduceMean" => {
                    let n = self.terms.number(n)?;
                    self.terms.binary(Binary::Div, id, n, rounded)?
                }
                "ReduceL2" => self.terms.unary(Unary::Sqrt, id)?,
                _ => id,
            });
        }
        let element = if node.op.starts_with("Arg") { Element::I64 } else { element };
        Ok(Array { shape, ids, element })
    }
}

/// The size of a run of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Norm {
    /// Sum of magnitudes.
    L1,
    /// Root of the sum of squares.
    L2,
    /// The largest.
    Largest,
}

fn unary(op: &str) -> Option<Unary> {
    Some(match op {
        "Neg" => Unary::Neg,
        "Abs" => Unary::Abs,
        "Exp" => Unary::Exp,
        "Log" => Unary::Log,
        "Sqrt" => Unary::Sqrt,
        "Relu" => Unary::Relu,
        "Tanh" => Unary::Tanh,
        "Sigmoid" => Unary::Sigmoid,
        "Not" => Unary::Not,
        "IsNaN" => Unary::IsNan,
        _ => return None,
    })
}
