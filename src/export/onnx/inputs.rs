//! The fields of a record as inputs of a graph, and the slots that come of them.

use super::features;
use super::graph::{Graph, ML, Value, doubles, texts};
use crate::artifact::Artifact;
use crate::error::Result;
use crate::import::onnx::proto::DataType;
use crate::schema::{Field, FieldKind};

/// Which slots the model reads, itself or through derived features.
pub fn read(artifact: &Artifact) -> Vec<bool> {
    let (fields, derived) = (artifact.schema.fields.len(), &artifact.pipeline.derived);
    let mut read = vec![false; fields + derived.len()];
    for encoder in &artifact.pipeline.encoders.0 {
        read[encoder.slot as usize] = true;
    }
    for (k, feature) in derived.iter().enumerate().rev() {
        if read[fields + k] {
            (0..fields + k).filter(|slot| feature.expr.reads(*slot)).for_each(|slot| read[slot] = true);
        }
    }
    read
}

/// Every field as an input, and those slots that are `read`: [N, 1] of double, missing is NaN.
pub fn slots(graph: &mut Graph, artifact: &Artifact, read: &[bool]) -> Result<Vec<Option<Value>>> {
    let (schema, derived) = (&artifact.schema, &artifact.pipeline.derived);
    let mut slots = Vec::new();
    for (field, read) in schema.fields.iter().zip(read) {
        let input = graph.input(&field.name, element(field), note(field));
        slots.push(read.then(|| slot(graph, field, &input)));
    }
    let uses_now = |(feature, read): (&crate::pipeline::Derived, &bool)| *read && feature.expr.uses_now();
    let as_of = derived.iter().zip(&read[slots.len()..]).any(uses_now).then(|| {
        let name = graph.free_name("as_of");
        let input = graph.input(&name, DataType::Double, "what now() means; epoch milliseconds".into());
        seconds(graph, &input)
    });
    for (feature, read) in derived.iter().zip(&read[slots.len()..]) {
        let value = read.then(|| {
            let lowered = features::lower(graph, feature.expr.nodes(), &slots, as_of.as_ref());
            let lowered =
                lowered.map_err(|e| e.context(format!("derived feature `{}`: `{}`", feature.name, feature.text)));
            lowered.map(|value| graph.call(&feature.name, &value))
        });
        slots.push(value.transpose()?);
    }
    Ok(slots)
}

fn element(field: &Field) -> DataType {
    match field.kind {
        FieldKind::Category { .. } => DataType::String,
        FieldKind::Number { .. } | FieldKind::Flag | FieldKind::Time => DataType::Double,
    }
}

/// What a person who looks at the graph should know.
fn note(field: &Field) -> String {
    let note = match field.kind {
        FieldKind::Category { .. } => "a category",
        FieldKind::Number { .. } => "a number",
        FieldKind::Flag => "0 or 1",
        FieldKind::Time => "epoch milliseconds",
    };
    let missing = match field.kind {
        _ if field.required => "",
        FieldKind::Category { .. } => "; empty: missing",
        _ => "; NaN: missing",
    };
    format!("{note}{missing}")
}

fn slot(graph: &mut Graph, field: &Field, input: &Value) -> Value {
    match &field.kind {
        FieldKind::Number { .. } | FieldKind::Flag => input.clone(),
        FieldKind::Time => seconds(graph, input),
        FieldKind::Category { levels, .. } => {
            let n = levels.len();
            let keys = texts("keys_tensor", levels.iter().map(|level| &**level).chain([""]));
            let values: Vec<f64> = (0..n).map(|i| i as f64).chain([f64::NAN]).collect();
            let attributes = vec![keys, doubles("values_tensor", &values), doubles("default_tensor", &[n as f64])];
            graph.node(ML, "LabelEncoder", &[input], attributes)
        }
    }
}

fn seconds(graph: &mut Graph, input: &Value) -> Value {
    let (millis, thousand) = (graph.op("Round", &[input]), graph.scalar(1000.0));
    graph.op("Div", &[&millis, &thousand])
}
