//! Categories and labels: one-hot columns, texts to numbers and back, scores by name.

use std::collections::BTreeMap;

use super::number::not;
use super::{Call, Value};
use crate::error::Result;
use crate::import::error;
use crate::import::onnx::tensor::{Data, Element, Tensor};

/// A value that is looked up. Numbers by their bits: all NaN are one, and so are 0 and -0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Whole(i64),
    Number(u64),
    Text(String),
}

fn keys(data: &Data) -> Result<Vec<Key>> {
    let number = |x: f64| Key::Number(if x.is_nan() { f64::NAN.to_bits() } else { (x + 0.0).to_bits() });
    Ok(match data {
        Data::F32(v) => v.iter().map(|&x| number(f64::from(x))).collect(),
        Data::F64(v) => v.iter().map(|&x| number(x)).collect(),
        Data::I32(v) => v.iter().map(|&x| Key::Whole(i64::from(x))).collect(),
        Data::I64(v) => v.iter().map(|&x| Key::Whole(x)).collect(),
        Data::Bool(_) => return Err(not(data, "numbers or texts")),
        Data::Str(v) => v.iter().map(|x| Key::Text(x.clone())).collect(),
    })
}

/// `OneHotEncoder`: a new last dimension, 1 at the place of the category. Numbers are cut off to whole ones first.
pub(super) fn one_hot(call: &Call) -> Result<Tensor> {
    call.at_most(1)?;
    call.node.only(&["cats_int64s", "cats_strings", "zeros"])?;
    let x = call.input(0)?;
    let categories = super::scores::labels(call.node, "cats_int64s", "cats_strings")?;
    let zeros = call.node.int("zeros", 1)? != 0;
    let values = match (&x.data, &categories) {
        (Data::Str(_), Data::I64(_)) | (_, Data::Str(_)) if x.element() != categories.element() => {
            return Err(not(&x.data, categories.element().name()));
        }
        (Data::Str(_), _) => x.data.clone(),
        (data, _) => super::elementwise::converted(data, Element::I64)?,
    };
    let mut places = BTreeMap::new();
    // The last of equal categories counts.
    for (i, key) in keys(&categories)?.into_iter().enumerate() {
        places.insert(key, i);
    }
    let shape = [x.shape.as_slice(), &[categories.len()]].concat();
    let mut out = vec![0f32; call.room(&shape)?];
    for (i, key) in keys(&values)?.iter().enumerate() {
        match places.get(key) {
            Some(&place) => out[i * categories.len() + place] = 1.0,
            None if zeros => {}
            None => return Err(error("a value is none of the categories, and attribute `zeros` is 0")),
        }
    }
    call.make(shape, Data::F32(out))
}

/// `LabelEncoder`: from keys to values, each of a type of its own; version 1 between texts and their places.
pub(super) fn encode(call: &Call) -> Result<Tensor> {
    call.at_most(1)?;
    let node = call.node;
    let x = call.input(0)?;
    if node.opset < 2 {
        node.only(&["classes_strings", "default_int64", "default_string"])?;
        let classes = node.need("classes_strings", node.strs("classes_strings")?)?;
        let (texts, places) = (Data::Str(classes.to_vec()), Data::I64((0..classes.len() as i64).collect()));
        return match x.element() {
            Element::Str => look_up(call, &texts, &places, Data::I64(vec![node.int("default_int64", -1)?])),
            _ => look_up(call, &places, &texts, Data::Str(vec![node.str("default_string", "_Unused")?.to_owned()])),
        };
    }
    let lists = ["floats", "int64s", "strings"];
    let mut known = vec!["default_float", "default_int64", "default_string"];
    let names: Vec<String> = ["keys", "values"].iter().flat_map(|part| lists.map(|l| format!("{part}_{l}"))).collect();
    known.extend(names.iter().map(String::as_str));
    if node.opset >= 4 {
        known.extend(["keys_tensor", "values_tensor", "default_tensor"]);
    }
    node.only(&known)?;
    let list = |part: &str| -> Result<Data> {
        let found = [
            node.floats(&format!("{part}_floats"))?.map(|v| Data::F32(v.to_vec())),
            node.ints(&format!("{part}_int64s"))?.map(|v| Data::I64(v.to_vec())),
            node.strs(&format!("{part}_strings"))?.map(|v| Data::Str(v.to_vec())),
            node.tensor(&format!("{part}_tensor"))?.map(|t| t.data.clone()),
        ];
        let mut found = found.into_iter().flatten().filter(|d| !d.is_empty());
        match (found.next(), found.next()) {
            (Some(data), None) => Ok(data),
            (None, _) => Err(error(format!("attributes `{part}_…` are absent"))),
            (Some(_), Some(_)) => Err(error(format!("attributes `{part}_…` are there twice"))),
        }
    };
    let (from, to) = (list("keys")?, list("values")?);
    let default = match (node.tensor("default_tensor")?, to.element()) {
        (Some(t), element) if t.len() == 1 && t.element() == element => t.data.clone(),
        (Some(_), element) => {
            return Err(error(format!("attribute `default_tensor` is not one value of type {}", element.name())));
        }
        (None, Element::Str) => Data::Str(vec![node.str("default_string", "_Unused")?.to_owned()]),
        (None, Element::F32) => Data::F32(vec![node.float("default_float", -0.0)?]),
        (None, Element::F64) => Data::F64(vec![f64::from(node.float("default_float", -0.0)?)]),
        (None, Element::I64) => Data::I64(vec![node.int("default_int64", -1)?]),
        (None, _) => return Err(not(&to, "float32, float64, int64 or texts")),
    };
    look_up(call, &from, &to, default)
}

/// `CategoryMapper`: from texts to whole numbers, or back.
pub(super) fn map_categories(call: &Call) -> Result<Tensor> {
    call.at_most(1)?;
    let node = call.node;
    node.only(&["cats_int64s", "cats_strings", "default_int64", "default_string"])?;
    let numbers = Data::I64(node.need("cats_int64s", node.ints("cats_int64s")?)?.to_vec());
    let texts = Data::Str(node.need("cats_strings", node.strs("cats_strings")?)?.to_vec());
    match call.input(0)?.element() {
        Element::Str => look_up(call, &texts, &numbers, Data::I64(vec![node.int("default_int64", -1)?])),
        _ => look_up(call, &numbers, &texts, Data::Str(vec![node.str("default_string", "_Unused")?.to_owned()])),
    }
}

fn look_up(call: &Call, from: &Data, to: &Data, default: Data) -> Result<Tensor> {
    let x = call.input(0)?;
    if x.element() != from.element() {
        return Err(not(&x.data, from.element().name()));
    }
    if from.len() != to.len() {
        return Err(error(format!("{} keys for {} values", from.len(), to.len())));
    }
    let mut places = BTreeMap::new();
    for (i, key) in keys(from)?.into_iter().enumerate() {
        // Before version 4 NaN is no key that anything equals.
        if call.node.opset < 4 && matches!(key, Key::Number(bits) if f64::from_bits(bits).is_nan()) {
            continue;
        }
        // The last counts by the operator's page, the first in onnxruntime.
        if places.insert(key, i).is_some() {
            return Err(error(format!("key {i} is there twice: runtimes differ in which counts")));
        }
    }
    call.room(&x.shape)?;
    let all = super::movement::beside(to, &default)?;
    let at: Vec<usize> = keys(&x.data)?.iter().map(|key| places.get(key).copied().unwrap_or(to.len())).collect();
    call.make(x.shape.clone(), super::broadcast::pick(&all, at.into_iter())?)
}

/// `ZipMap`.
pub(super) fn zip(call: &Call) -> Result<Value> {
    call.at_most(1)?;
    call.node.only(&["classlabels_int64s", "classlabels_strings"])?;
    let keys = super::scores::labels(call.node, "classlabels_int64s", "classlabels_strings")?;
    let (values, rows, columns) = super::linear::rows(call)?;
    if columns != keys.len() {
        return Err(error(format!("{columns} columns for {} labels", keys.len())));
    }
    call.room(&[rows, columns])?;
    Ok(Value::Maps { keys, values: call.make(vec![rows, columns], Data::F32(values))? })
}
