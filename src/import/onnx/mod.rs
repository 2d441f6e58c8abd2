//! ONNX models, as converters of classifiers write them.
//!
//! [`proto`] is the file format; [`graph`] the typed and bounded graph that it holds, of [`node`]s and [`tensor`]s.
//!
//! ```text
//! graph ──carry──► the probabilities as terms over the inputs ──heads, scores, forests, isotonic──► an Estimator
//!                  (operators, classical, ensemble, svm; arrays)   (features: what is left below is columns)
//! ```
//!
//! Only what the probabilities need is looked at: labels, `ArgMax` and `ZipMap` are tails. What was understood is then held to the
//! graph itself, which [`eval`] computes operator by operator ([`prove`]).

mod arrays;
mod carry;
mod classical;
mod ensemble;
pub mod eval;
mod features;
mod forests;
pub mod graph;
mod heads;
mod isotonic;
pub mod node;
mod operators;
pub mod proto;
pub mod prove;
mod scores;
mod svm;
mod tables;
pub mod tensor;
mod terms;
#[cfg(test)]
mod read_tests;
#[cfg(test)]
mod tests;

use super::columns::Column;
use super::{Estimator, Foreign, Head, error};
use crate::error::Result;
use carry::Carry;
use graph::{Graph, ML, Value, ValueKind};
use node::{Attribute, Node};
use serde_json::json;
use tensor::{Data, Element};

/// Reads a model file.
///
/// # Errors
/// A damaged file; a graph that is no classifier, or one of a form that is not understood: the message names node, operator and
/// attribute. One that was misunderstood, so that its probabilities and those of what was read differ: the message names a record.
pub fn read(file: &[u8]) -> Result<Foreign> {
    let graph = Graph::read(file)?;
    let foreign = lower(&graph)?;
    prove::prove(&graph, probabilities(&graph)?, &foreign)?;
    Ok(foreign)
}

/// What a graph means.
fn lower(graph: &Graph) -> Result<Foreign> {
    let wanted = probabilities(graph)?;
    let (mut carry, ids) = Carry::out(graph, wanted)?;
    if ids.len() < 2 {
        return Err(error(format!(
            "the output `{wanted}` is one number per record: a classifier with a probability per class is understood, no regression"
        )));
    }
    let mut estimator = carry.probabilities(&ids, 1)?;
    let classes = classes(graph, wanted)?;
    if let Some(classes) = &classes
        && classes.len() != ids.len()
    {
        return Err(error(format!("there are {} class labels for {} probabilities", classes.len(), ids.len())));
    }
    let mut notes = Vec::new();
    if carry.nearest {
        notes.push(
            "the file takes isotonic calibration's nearest threshold, as its converter wrote it; scikit-learn interpolates".into(),
        );
    }
    if carry.cut {
        notes.push(
            "the original cuts numbers off to whole ones before it encodes them: give whole numbers there".into(),
        );
    }
    let mut reads = vec![(false, false); carry.inputs.len()];
    visit(&mut estimator, &mut |column, trees| {
        let (read, required) = &mut reads[column.input];
        *read = true;
        *required |= !trees && column.value(f64::NAN).is_nan();
    });
    let mut required: Vec<bool> = reads.iter().map(|(_, required)| *required).collect();
    for (given, required) in carry.inputs.iter().zip(&mut required) {
        // A text that is missing is nothing that a graph can be given.
        *required |= given.element == Element::Str;
    }
    let mut inputs = carry.given(&required);
    // What has a name and is not read is left out.
    let kept: Vec<bool> = (0..inputs.len())
        .map(|i| reads[i].0 || (inputs[i].name.is_none() && carry.inputs[i].element != Element::Str))
        .collect();
    if kept.contains(&false) {
        let mut place = Vec::with_capacity(kept.len());
        let mut next = 0;
        for (i, keep) in kept.iter().enumerate() {
            place.push(next);
            next += usize::from(*keep);
            if inputs[i].name.is_none() {
                inputs[i].name = Some(format!("f{i}"));
            }
        }
        visit(&mut estimator, &mut |column, _| column.input = place[column.input]);
        let names: Vec<String> =
            inputs.iter().zip(&kept).filter(|(_, k)| !**k).filter_map(|(i, _)| i.name.clone()).collect();
        notes.push(format!("the model does not read {}", names.join(", ")));
        let mut keep = kept.iter();
        inputs.retain(|_| *keep.next().unwrap_or(&true));
    }
    let mut facts = serde_json::Map::new();
    facts.insert("producer".into(), json!(graph.producer));
    facts.insert("producer_version".into(), json!(graph.producer_version));
    facts.insert("ir_version".into(), json!(graph.ir_version));
    facts.insert("opset".into(), json!(graph.opsets));
    Ok(Foreign { library: "onnx", facts, inputs, classes, estimator, single: carry.single, notes })
}

/// Each column of an estimator and its members, and whether trees read it.
fn visit(estimator: &mut Estimator, see: &mut impl FnMut(&mut Column, bool)) {
    let trees = match &mut estimator.head {
        Head::Trees(_) => true,
        Head::Model(_) => false,
        Head::Stacking { members, last } => {
            members.iter_mut().for_each(|(_, e)| visit(e, see));
            matches!(**last, Head::Trees(_))
        }
        Head::Voting { members } => {
            members.iter_mut().for_each(|(_, e)| visit(e, see));
            false
        }
        Head::Calibrated { members } => {
            members.iter_mut().for_each(|(e, _)| visit(e, see));
            false
        }
    };
    estimator.columns.iter_mut().for_each(|c| see(c, trees));
}

/// The name of the value that holds the probabilities, a row per record.
fn probabilities(graph: &Graph) -> Result<&str> {
    for output in &graph.outputs {
        if let Some(node) = graph.maker(&output.name)
            && node.is(ML, "ZipMap")
        {
            return node.required_input(0);
        }
    }
    let number = |v: &&Value| matches!(v.kind, ValueKind::Tensor { element: Some(Element::F32 | Element::F64), .. });
    let numbers: Vec<&str> = graph.outputs.iter().filter(number).map(|v| v.name.as_str()).collect();
    let named: Vec<&str> = numbers.iter().copied().filter(|n| n.to_lowercase().contains("prob")).collect();
    match (&numbers[..], &named[..]) {
        ([only], _) | (_, [only]) => Ok(only),
        ([], _) => Err(error(
            "no output holds probabilities: convert the classifier with its probabilities (not with labels alone)",
        )),
        (several, _) => Err(error(format!(
            "several outputs hold numbers ({}) and none is named for its probabilities: convert the model with zipmap=False",
            several.join(", ")
        ))),
    }
}

/// The class labels of a node that has some.
fn labels(node: &Node) -> Option<Vec<String>> {
    for name in ["classlabels_strings", "classlabels_int64s", "classlabels_ints"] {
        match node.attribute(name) {
            Some(Attribute::Strs(v)) => return Some(v.clone()),
            Some(Attribute::Ints(v)) => return Some(v.iter().map(i64::to_string).collect()),
            _ => {}
        }
    }
    None
}

/// The class labels, in the order of the probabilities.
fn classes(graph: &Graph, wanted: &str) -> Result<Option<Vec<String>>> {
    // What is done with the probabilities names them.
    if let Some(found) = graph.readers(wanted).filter(|n| n.is(ML, "ZipMap")).find_map(labels) {
        return Ok(Some(found));
    }
    // Or the labels that another output holds.
    for output in graph.outputs.iter().filter(|o| o.name != wanted) {
        if let Some(found) = labels_of(graph, &output.name)? {
            return Ok(Some(found));
        }
    }
    // Or the model that makes the probabilities.
    let mut name = wanted;
    while let Some(node) = graph.maker(name) {
        if let Some(found) = labels(node) {
            return Ok(Some(found));
        }
        match node.input(0) {
            Some(next) if ["Identity", "Cast", "Normalizer", "Mul"].contains(&node.op.as_str()) => name = next,
            _ => break,
        }
    }
    Ok(None)
}

/// The labels that an output of labels is drawn from.
fn labels_of(graph: &Graph, output: &str) -> Result<Option<Vec<String>>> {
    let mut name = output;
    let mut encoders: Vec<&Node> = Vec::new();
    while let Some(node) = graph.maker(name) {
        let found = match node.op.as_str() {
            "ArrayFeatureExtractor" | "Gather" => {
                let constant = node.input(0).and_then(|n| graph.constants.get(n));
                constant.and_then(|tensor| match &tensor.data {
                    Data::Str(texts) => Some(texts.clone()),
                    _ => Some(tensor.to_i64()?.iter().map(i64::to_string).collect::<Vec<String>>()),
                })
            }
            _ => labels(node),
        };
        if let Some(mut found) = found {
            for encoder in encoders.iter().rev() {
                found = relabelled(encoder, found)?;
            }
            return Ok(Some(found));
        }
        match (node.op.as_str(), node.input(0)) {
            ("Identity" | "Cast" | "Reshape" | "Squeeze" | "Flatten", Some(next)) => name = next,
            ("LabelEncoder", Some(next)) => {
                encoders.push(node);
                name = next;
            }
            _ => return Ok(None),
        }
    }
    Ok(None)
}

/// Labels through a `LabelEncoder` from whole numbers to texts.
fn relabelled(encoder: &Node, labels: Vec<String>) -> Result<Vec<String>> {
    let keys: Vec<String> = match (encoder.ints("keys_int64s")?, encoder.strs("classes_strings")?) {
        (Some(keys), _) => keys.iter().map(i64::to_string).collect(),
        (None, Some(classes)) => (0..classes.len()).map(|i| i.to_string()).collect(),
        (None, None) => return Err(encoder.error("labels pass it, and its keys are no whole numbers")),
    };
    let values = encoder.strs("values_strings")?.or(encoder.strs("classes_strings")?);
    let values = values.ok_or_else(|| encoder.error("labels pass it, and its values are no texts"))?;
    labels
        .iter()
        .map(|label| {
            let at = keys.iter().position(|key| key == label);
            at.and_then(|i| values.get(i))
                .cloned()
                .ok_or_else(|| encoder.error(format!("it has no text for the label {label}")))
        })
        .collect()
}
