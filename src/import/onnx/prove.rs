//! Proves an import: made-up records, answered by the graph itself and by what was understood of it.
//!
//! The reader and [`eval`] know nothing of each other, so what one of them misunderstands shows as a difference, and a file that differs
//! is refused: a misread graph is never written. Records get to either side of the model's thresholds and scales, to missing values where
//! the model has an answer for them, and to unknown categories.

use std::collections::BTreeMap;

use rand::RngExt;

use super::eval;
use super::graph::{Graph, ML, ValueKind};
use super::tensor::{Data, Element, Tensor};
use crate::error::Result;
use crate::import::assemble::append;
use crate::import::columns::Step;
use crate::import::fields::fields;
use crate::import::lower::lower;
use crate::import::{Estimator, Foreign, Head, InputKind, error};
use crate::model::forest::{PlainNode, Test};
use crate::pipeline::Pipeline;
use crate::train::rng;

/// Records made up.
const RECORDS: usize = 64;
/// The same file gives the same records.
const SEED: u64 = 7;
/// A difference of probabilities that `f32` scores explain, also where inputs are large; a misread graph differs by far more.
const SINGLE: f64 = 1e-3;
/// Of graphs that compute in `f64`.
const DOUBLE: f64 = 1e-7;
/// Of coupled probabilities, which a kernel's iteration leaves off within 0.005 / classes of the solution.
const COUPLED: f64 = 5e-3;

/// Holds `foreign`, which was read from `graph`, to the graph's own values of `wanted` (records x classes).
///
/// # Errors
/// The probabilities of a record differ: the message names the first such record and class. The graph cannot be run, or gives none of
/// the records a probability.
pub fn prove(graph: &Graph, wanted: &str, foreign: &Foreign) -> Result<()> {
    let places = places(graph, foreign)?;
    let records = records(graph, foreign, &places);
    let theirs = answers(graph, wanted, &records)?;
    let ours = understood(foreign, &places, &records)?;
    let tolerance = tolerance(graph, foreign);
    let mut compared = 0;
    for ((record, theirs), ours) in records.iter().zip(&theirs).zip(&ours) {
        if theirs.len() != ours.len() {
            return Err(error(format!(
                "the graph gives {} probabilities, what was read gives {}",
                theirs.len(),
                ours.len()
            )));
        }
        if theirs.iter().any(|p| !p.is_finite()) {
            continue;
        }
        compared += 1;
        if let Some(k) = (0..ours.len()).find(|&k| (ours[k] - theirs[k]).abs() > tolerance) {
            let cells: Vec<String> =
                record.iter().zip(&places.names).map(|(cell, name)| format!("{name} = {cell}")).collect();
            return Err(error(format!(
                "the graph was not understood: for the record {} it gives class {k} the probability {}, and what was read from it \
                 gives {}. Either it rounds to f32 so coarsely (large coefficients or inputs), or this reader misreads it: convert \
                 the model with float64 inputs (DoubleTensorType) and import that file with --format onnx, or import the \
                 scikit-learn model's own export; if they fail too, please report it with the file",
                shortened(&cells),
                theirs[k],
                ours[k]
            )));
        }
    }
    if compared == 0 {
        return Err(error(
            "the graph gives no probabilities for any of the records that were made up to prove the import",
        ));
    }
    Ok(())
}

fn shortened(cells: &[String]) -> String {
    const SHOWN: usize = 12;
    let more = cells.len().saturating_sub(SHOWN);
    let shown = cells[..cells.len() - more].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

fn tolerance(graph: &Graph, foreign: &Foreign) -> f64 {
    let coupled = |n: &super::node::Node| {
        let pairs =
            n.attribute("prob_a").is_some_and(|a| matches!(a, super::node::Attribute::Floats(v) if v.len() > 1));
        n.is(ML, "SVMClassifier") && pairs
    };
    if graph.nodes.iter().any(coupled) {
        COUPLED
    } else if foreign.single {
        SINGLE
    } else {
        DOUBLE
    }
}

/// What the graph is given for each record: a number for each feature of each input, in order.
struct Places {
    /// By place, the index of the `Foreign`'s input; `None`: the model does not read it.
    inputs: Vec<Option<usize>>,
    elements: Vec<Element>,
    names: Vec<String>,
}

/// Finds the `Foreign`'s inputs among the graph's: they are in the same order, and those that are left out show by their names.
fn places(graph: &Graph, foreign: &Foreign) -> Result<Places> {
    let mut places = Places { inputs: Vec::new(), elements: Vec::new(), names: Vec::new() };
    let mut own = Vec::new();
    for input in &graph.inputs {
        let ValueKind::Tensor { element: Some(element), shape: Some(shape) } = &input.kind else {
            return Err(error(format!("the input `{}` is not of a type and shape that are understood", input.name)));
        };
        let width = if shape.len() == 1 { 1 } else { shape.last().copied().flatten().unwrap_or(0) };
        for k in 0..width {
            own.push(if width == 1 {
                Some(input.name.clone())
            } else if graph.inputs.len() > 1 {
                Some(format!("{}_{k}", input.name))
            } else {
                None
            });
            places.elements.push(*element);
        }
    }
    let all = own.len() == foreign.inputs.len();
    let mut next = 0;
    for (i, name) in own.into_iter().enumerate() {
        let name = name.unwrap_or_else(|| format!("f{i}"));
        let here = foreign.inputs.get(next).is_some_and(|input| all || input.name.as_ref() == Some(&name));
        places.inputs.push(here.then_some(next));
        next += usize::from(here);
        places.names.push(name);
    }
    if next != foreign.inputs.len() {
        return Err(error("the inputs that were read are not those of the graph"));
    }
    Ok(places)
}

/// One value of a record.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    /// Exactly what the graph's type of element holds; NaN: missing.
    Number(f64),
    /// Of a category: its text, and the index of its level.
    Text(String, usize),
}

impl std::fmt::Display for Cell {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Cell::Number(v) if v.is_nan() => f.write_str("missing"),
            Cell::Number(v) => write!(f, "{v}"),
            Cell::Text(text, _) => write!(f, "`{}`", text.escape_debug()),
        }
    }
}

/// Records, a cell for each place.
fn records(graph: &Graph, foreign: &Foreign, places: &Places) -> Vec<Vec<Cell>> {
    let mut pools = vec![Vec::new(); foreign.inputs.len()];
    gather(&foreign.estimator, &mut pools);
    let mut rng = rng(SEED, graph.nodes.len() as u64);
    let mut number = |pool: &[f64]| -> f64 {
        // About a quarter of the values has nothing to do with the model.
        if pool.is_empty() || rng.random_range(0..4) == 0 {
            let small = [0.0, 1.0, -1.0, 0.5, 2.0, 3.0, 10.0];
            let spread = rng.random_range(-3.0..3.0);
            [small[rng.random_range(0..small.len())], spread][rng.random_range(0..2usize)]
        } else {
            let v = pool[rng.random_range(0..pool.len())];
            // On it, beside it, or near it.
            match rng.random_range(0..4) {
                0 => v,
                1 => f64::from((v as f32).next_up()),
                2 => f64::from((v as f32).next_down()),
                _ => v + v.abs().max(1.0) * rng.random_range(-0.5..0.5),
            }
        }
    };
    let mut odd = 0usize;
    (0..RECORDS)
        .map(|_| {
            let cell = |(place, element): (&Option<usize>, &Element)| {
                odd = odd.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let seldom = (odd >> 33).is_multiple_of(8);
                let Some(input) = place.map(|i| &foreign.inputs[i]) else {
                    return if *element == Element::Str { Cell::Text(String::new(), 0) } else { Cell::Number(0.0) };
                };
                if let InputKind::Category { levels, admit_unknown } = &input.kind {
                    let unknown = *admit_unknown && seldom;
                    return match levels.get((odd >> 40) % levels.len().max(1)) {
                        Some(level) if !unknown => Cell::Text(level.clone(), (odd >> 40) % levels.len()),
                        // A number, so that it has a value where the graph takes numbers.
                        _ => Cell::Text("987654321".into(), levels.len()),
                    };
                }
                let v = number(place.map_or(&[], |i| &pools[i]));
                Cell::Number(match (&input.kind, element) {
                    (InputKind::Flag, _) | (_, Element::Bool | Element::Str) => f64::from(u8::from(v > 0.5)),
                    _ if seldom && !input.required && matches!(element, Element::F32 | Element::F64) => f64::NAN,
                    (InputKind::Code { .. }, _) => v.abs().min(1e6).trunc(),
                    (_, Element::F32) => f64::from(v as f32),
                    (_, Element::I32 | Element::I64) => v.clamp(-1e9, 1e9).round(),
                    _ => v,
                })
            };
            places.inputs.iter().zip(&places.elements).map(cell).collect()
        })
        .collect()
}

/// Values of the inputs at which the model does something: thresholds, scales, categories.
fn gather(estimator: &Estimator, pools: &mut [Vec<f64>]) {
    // Enough to choose from.
    const MOST: usize = 10_000;
    let mut add = |input: usize, v: f64| {
        if let Some(pool) = pools.get_mut(input).filter(|pool| pool.len() < MOST && v.is_finite() && v.abs() < 1e30) {
            pool.push(v);
        }
    };
    // By column, what it has become of the input so far: `a * v + b`.
    let mut lines = Vec::with_capacity(estimator.columns.len());
    for column in &estimator.columns {
        let (mut a, mut b) = (1.0, 0.0);
        for step in &column.steps {
            let mut at = |v: f64| add(column.input, (v - b) / a);
            match step {
                Step::Impute { value } => at(*value),
                Step::Replace { marker, .. } => at(*marker),
                Step::Clip { low, high } => [*low, *high].map(at).iter().for_each(|()| {}),
                Step::Above { threshold } => at(*threshold),
                Step::Is(v) => at(*v),
                Step::IsNoneOf(v) => v.iter().for_each(|v| at(*v)),
                Step::Lookup { values, .. } => (0..values.len().min(100)).for_each(|k| at(k as f64)),
                Step::SubDiv { offset, scale, .. } => (a, b) = (a / scale, (b - offset) / scale),
                Step::SubMul { offset, scale, .. } => (a, b) = (a * scale, (b - offset) * scale),
                Step::MulAdd { scale, offset, .. } => (a, b) = (a * scale, b * scale + offset),
                _ => {}
            }
        }
        [-1.5, -0.5, 0.0, 0.5, 1.0, 1.5].map(|v| add(column.input, (v - b) / a)).iter().for_each(|()| {});
        lines.push((column.input, a, b));
    }
    let mut thresholds = |head: &Head| {
        let Head::Trees(trees) = head else { return };
        for node in trees.trees.iter().flat_map(|tree| &tree.nodes) {
            let PlainNode::Split { feature, test, .. } = node else { continue };
            let Some(&(input, a, b)) = lines.get(*feature) else { continue };
            match test {
                Test::AtMost(c) => add(input, (c - b) / a),
                Test::In(set) => set.iter().take(100).for_each(|&k| add(input, (f64::from(k) - b) / a)),
            }
        }
    };
    thresholds(&estimator.head);
    match &estimator.head {
        Head::Trees(_) | Head::Model(_) => {}
        Head::Stacking { members, .. } => members.iter().for_each(|(_, m)| gather(m, pools)),
        Head::Voting { members } => members.iter().for_each(|(_, m)| gather(m, pools)),
        Head::Calibrated { members } => members.iter().for_each(|(m, _)| gather(m, pools)),
    }
}

/// The graph's own answers, by record: of the first ones, where all together take more than is computed for one import.
fn answers(graph: &Graph, wanted: &str, records: &[Vec<Cell>]) -> Result<Vec<Vec<f64>>> {
    // A graph that is made for a number of records at a time is given as many.
    let fixed = graph.inputs.iter().find_map(|v| match &v.kind {
        ValueKind::Tensor { shape: Some(shape), .. } => shape.first().copied().flatten(),
        _ => None,
    });
    let batch = fixed.unwrap_or(records.len()).clamp(1, records.len());
    let work = eval::Work::new(eval::MAX_WORK);
    let mut answers = Vec::with_capacity(records.len());
    for records in records.chunks_exact(batch) {
        let mut inputs = BTreeMap::new();
        let mut place = 0;
        for input in &graph.inputs {
            let ValueKind::Tensor { element: Some(element), shape: Some(shape) } = &input.kind else { continue };
            let width = if shape.len() == 1 { 1 } else { shape.last().copied().flatten().unwrap_or(0) };
            let cells: Vec<&Cell> = records.iter().flat_map(|r| &r[place..place + width]).collect();
            let shape = if shape.len() == 1 { vec![batch] } else { vec![batch, width] };
            inputs.insert(input.name.clone(), Tensor::new(shape, data(*element, &cells)?)?);
            place += width;
        }
        let values = match eval::run_within(graph, &inputs, &[wanted], &work) {
            Err(_) if work.spent() && !answers.is_empty() => break,
            values => values.map_err(|e| e.context("to prove the import"))?,
        };
        let tensor = values.first().and_then(eval::Value::tensor).filter(|t| !t.is_empty());
        let found = tensor.and_then(Tensor::to_f64).filter(|v| v.len() % batch == 0);
        let found =
            found.ok_or_else(|| error(format!("the value `{wanted}` does not hold a row of numbers per record")))?;
        answers.extend(found.chunks(found.len() / batch).map(<[f64]>::to_vec));
    }
    Ok(answers)
}

/// Cells as the elements of an input.
fn data(element: Element, cells: &[&Cell]) -> Result<Data> {
    if element == Element::Str {
        let text = |cell: &&Cell| match cell {
            Cell::Text(text, _) => text.clone(),
            Cell::Number(v) => v.to_string(),
        };
        return Ok(Data::Str(cells.iter().map(text).collect()));
    }
    let number = |cell: &&Cell| match cell {
        Cell::Number(v) => Ok(*v),
        // A category of a graph that takes numbers.
        Cell::Text(text, _) => {
            text.trim().parse::<f64>().map_err(|_| error(format!("the level `{text}` is no number, as its input is")))
        }
    };
    let v = cells.iter().map(number).collect::<Result<Vec<f64>>>()?;
    Ok(match element {
        Element::F32 => Data::F32(v.iter().map(|&x| x as f32).collect()),
        Element::I32 => Data::I32(v.iter().map(|&x| x as i32).collect()),
        Element::I64 => Data::I64(v.iter().map(|&x| x as i64).collect()),
        Element::Bool => Data::Bool(v.iter().map(|&x| x != 0.0).collect()),
        Element::F64 | Element::Str => Data::F64(v),
    })
}

/// The answers of what was read, by record.
fn understood(foreign: &Foreign, places: &Places, records: &[Vec<Cell>]) -> Result<Vec<Vec<f64>>> {
    let fields = fields(foreign, None, None)?;
    let slots: Vec<(String, usize)> = fields.slots.iter().map(|&slot| (fields.name(slot).to_owned(), slot)).collect();
    let lowered = lower(foreign, &slots, fields.schema.fields.len())?;
    let mut pipeline = Pipeline { derived: Vec::new(), encoders: lowered.encoders };
    append(&mut pipeline.derived, &fields.schema, lowered.derived)?;
    let columns = pipeline.check(&fields.schema)?;
    lowered.model.check().and_then(|()| lowered.model.fits(&columns))?;
    let mut x = vec![0.0; pipeline.encoders.n_columns()];
    let mut answers = Vec::with_capacity(records.len());
    for record in records {
        let mut slots = vec![f64::NAN; pipeline.n_slots(&fields.schema)];
        for (cell, place) in record.iter().zip(&places.inputs) {
            let Some(input) = place else { continue };
            slots[fields.slots[*input]] = match cell {
                Cell::Number(v) => *v,
                Cell::Text(_, level) => *level as f64,
            };
        }
        pipeline.derive(&mut slots, 0.0);
        pipeline.encoders.encode(&slots, &mut x);
        let mut out = vec![0.0; lowered.model.n_classes()];
        lowered.model.predict_proba(&x, &mut out);
        answers.push(out);
    }
    Ok(answers)
}

#[cfg(test)]
#[path = "prove_tests.rs"]
mod tests;
