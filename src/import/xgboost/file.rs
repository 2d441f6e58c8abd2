//! The file: what of it has a meaning for prediction, as `serde` structs for JSON and UBJSON alike.
//!
//! Field names are XGBoost's. Layouts of 1.0 up to 3.4 differ in where `weight_drop` is, in what is a text and what a number, in truth
//! values (`true` or 1), and in what is absent.

use super::{error, ubjson};
use crate::error::{Error, Result};
use serde::de::{self, Deserialize, Deserializer, Visitor};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;

/// A model file. A memory snapshot (`Booster.serialize`, what a pickle holds) has the file under `Model`.
#[derive(serde::Deserialize)]
pub(super) struct File {
    #[serde(default)]
    pub version: Vec<u32>,
    pub learner: Option<Learner>,
    #[serde(rename = "Model")]
    pub model: Option<Box<File>>,
}

#[derive(serde::Deserialize)]
pub(super) struct Learner {
    #[serde(default)]
    pub attributes: BTreeMap<String, String>,
    #[serde(default)]
    pub feature_names: Vec<String>,
    #[serde(default)]
    pub feature_types: Vec<String>,
    pub gradient_booster: Booster,
    pub learner_model_param: ModelParam,
    pub objective: Objective,
}

#[derive(serde::Deserialize)]
pub(super) struct Objective {
    pub name: String,
}

#[derive(serde::Deserialize)]
pub(super) struct ModelParam {
    pub base_score: Numeral,
    #[serde(default)]
    pub num_class: Numeral,
    pub num_feature: Numeral,
    #[serde(default)]
    pub num_target: Numeral,
}

#[derive(serde::Deserialize)]
pub(super) struct Booster {
    pub name: String,
    pub model: Option<BoosterModel>,
    /// `dart`: the booster of its trees.
    pub gbtree: Option<Box<Booster>>,
    /// `dart`: the weight of each tree.
    pub weight_drop: Option<Vec<Single>>,
}

#[derive(serde::Deserialize)]
pub(super) struct BoosterModel {
    pub gbtree_model_param: Option<GbtreeParam>,
    #[serde(default)]
    pub trees: Vec<Tree>,
    #[serde(default)]
    pub tree_info: Vec<i64>,
    pub iteration_indptr: Option<Vec<i64>>,
    pub weight_drop: Option<Vec<Single>>,
    pub cats: Option<Cats>,
    /// `gblinear`: feature by feature the weights of each output, then the biases.
    pub weights: Option<Vec<Single>>,
}

#[derive(serde::Deserialize)]
pub(super) struct GbtreeParam {
    #[serde(default)]
    pub num_parallel_tree: Numeral,
    #[serde(default)]
    pub num_trees: Numeral,
}

/// Node by node.
#[derive(serde::Deserialize)]
pub(super) struct Tree {
    pub id: Option<i64>,
    pub tree_param: TreeParam,
    /// -1: a leaf.
    pub left_children: Vec<i32>,
    /// Of a leaf of a vector tree: which vector of `leaf_weights` is its own.
    pub right_children: Vec<i32>,
    pub split_indices: Vec<u32>,
    /// The threshold; of a leaf its value.
    pub split_conditions: Vec<Single>,
    pub default_left: Vec<Flag>,
    /// 1: by categories. Empty: by numbers throughout.
    #[serde(default)]
    pub split_type: Vec<u8>,
    /// The nodes that split by categories, ascending; for each where its categories begin, and how many they are.
    #[serde(default)]
    pub categories_nodes: Vec<i32>,
    #[serde(default)]
    pub categories_segments: Vec<i64>,
    #[serde(default)]
    pub categories_sizes: Vec<i64>,
    #[serde(default)]
    pub categories: Vec<i32>,
    /// Vectors of leaves up to 3.1: those of node `n` begin at `n * size_leaf_vector`.
    #[serde(default)]
    pub base_weights: Vec<Single>,
    /// Vectors of leaves from 3.2 on.
    pub leaf_weights: Option<Vec<Single>>,
}

#[derive(serde::Deserialize)]
pub(super) struct TreeParam {
    pub num_nodes: Numeral,
    #[serde(default)]
    pub size_leaf_vector: Numeral,
}

/// The names of categories, feature by feature (3.1 and later).
#[derive(serde::Deserialize)]
pub(super) struct Cats {
    #[serde(default)]
    pub enc: Vec<Levels>,
}

/// Texts: their bytes, and where each begins. Whole numbers: no `offsets`.
#[derive(serde::Deserialize)]
pub(super) struct Levels {
    pub offsets: Option<Vec<i64>>,
    #[serde(default)]
    pub values: Vec<serde_json::Number>,
}

/// A number that is written as a text; empty where it is absent.
#[derive(Default, Debug, PartialEq)]
pub(super) struct Numeral(pub String);

impl Numeral {
    /// As a whole number; `absent` where there is none.
    pub fn whole(&self, name: &str, absent: usize) -> Result<usize> {
        if self.0.is_empty() {
            return Ok(absent);
        }
        self.0.parse().map_err(|_| error(format!("{name} is {:?}: it is a whole number from 0", short(&self.0))))
    }
}

/// The beginning of a text, for a message.
pub(super) fn short(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(60) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

impl<'de> Deserialize<'de> for Numeral {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;
        impl Visitor<'_> for Texts {
            type Value = Numeral;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, as a text")
            }
            fn visit_str<E>(self, v: &str) -> Result<Numeral, E> {
                Ok(Numeral(v.to_owned()))
            }
            fn visit_i64<E>(self, v: i64) -> Result<Numeral, E> {
                Ok(Numeral(v.to_string()))
            }
            fn visit_u64<E>(self, v: u64) -> Result<Numeral, E> {
                Ok(Numeral(v.to_string()))
            }
            fn visit_f64<E>(self, v: f64) -> Result<Numeral, E> {
                Ok(Numeral(v.to_string()))
            }
        }
        deserializer.deserialize_any(Texts)
    }
}

/// An `f32`, read as one (a detour by `f64` may round twice). NaN where the file says `NaN`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Single(pub f32);

impl<'de> Deserialize<'de> for Single {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::<f32>::deserialize(deserializer).map(|v| Single(v.unwrap_or(f32::NAN)))
    }
}

/// `true` or 1, `false` or 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flag(pub bool);

impl<'de> Deserialize<'de> for Flag {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Flags;
        impl Visitor<'_> for Flags {
            type Value = Flag;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("true, false, 0 or 1")
            }
            fn visit_bool<E>(self, v: bool) -> Result<Flag, E> {
                Ok(Flag(v))
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Flag, E> {
                match v {
                    0 | 1 => Ok(Flag(v == 1)),
                    _ => Err(E::invalid_value(de::Unexpected::Signed(v), &self)),
                }
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Flag, E> {
                self.visit_i64(i64::try_from(v).unwrap_or(i64::MAX))
            }
        }
        deserializer.deserialize_any(Flags)
    }
}

impl File {
    /// Reads JSON or UBJSON, whichever it is.
    pub fn read(bytes: &[u8]) -> Result<File> {
        let file: File = match layout(bytes)? {
            Layout::Json => serde_json::from_slice(&without_nan(bytes)).map_err(|e| broken("JSON", &e))?,
            Layout::Ubjson => ubjson::from_slice(bytes).map_err(|e| broken("UBJSON", &e))?,
        };
        match file {
            File { learner: None, model: Some(inner), .. } => Ok(*inner),
            file => Ok(file),
        }
    }
}

fn broken(layout: &str, e: &dyn fmt::Display) -> Error {
    error(format!("not a sound XGBoost model in {layout}: {e}"))
}

pub(super) enum Layout {
    Json,
    Ubjson,
}

/// Tells the file apart by its content, and other things that people save by XGBoost.
pub(super) fn layout(bytes: &[u8]) -> Result<Layout> {
    let mut tokens = bytes.iter().copied().filter(|b| !b.is_ascii_whitespace());
    let save = "save the model by `save_model(\"model.json\")` or `save_model(\"model.ubj\")`";
    match (tokens.next(), tokens.next()) {
        (Some(b'{'), Some(b'"' | b'}') | None) => Ok(Layout::Json),
        (Some(b'{'), _) => Ok(Layout::Ubjson),
        _ if bytes.starts_with(b"binf") || bytes.starts_with(b"bs64") => Err(error(format!(
            "this is XGBoost's binary format from before 3.1, which is not read: load it in XGBoost 3.0 or older and {save}"
        ))),
        _ if bytes.starts_with(b"booster[") || bytes.first() == Some(&b'[') => {
            Err(error(format!("this is a dump of trees (`dump_model`), which lacks what prediction needs: {save}")))
        }
        (Some(0x80), _) => Err(error(format!("this is a pickle, which is not read: {save}"))),
        _ => Err(error(format!("not an XGBoost model: {save}"))),
    }
}

/// JSON without the numbers that only XGBoost's writer has: `NaN`, `Infinity` and `-Infinity` outside of texts become `null`.
fn without_nan(json: &[u8]) -> Cow<'_, [u8]> {
    const ODD: [&[u8]; 4] = [b"NaN", b"Infinity", b"-Infinity", b"+Infinity"];
    let mut out = Vec::new();
    let (mut i, mut copied, mut in_text) = (0, 0, false);
    while let Some(byte) = json.get(i) {
        match byte {
            b'"' => in_text = !in_text,
            b'\\' if in_text => i += 1,
            b'N' | b'I' | b'-' | b'+' if !in_text => {
                if let Some(odd) = ODD.into_iter().find(|odd| json[i..].starts_with(odd)) {
                    out.extend_from_slice(&json[copied..i]);
                    out.extend_from_slice(b"null");
                    copied = i + odd.len();
                    i = copied - 1;
                }
            }
            _ => {}
        }
        i += 1;
    }
    if copied == 0 {
        return Cow::Borrowed(json);
    }
    out.extend_from_slice(&json[copied..]);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn singles_are_read_as_singles() {
        let read = |t: &str| serde_json::from_str::<Single>(t).unwrap().0;
        // Just above the middle of two f32, by less than an f64 tells: a detour by f64 ends at the lower one.
        let text = "1.000000178813934326171875001";
        assert_eq!(read(text).to_bits(), 0x3f80_0002);
        assert_eq!((text.parse::<f64>().unwrap() as f32).to_bits(), 0x3f80_0002);
        let text = "1.000000059604644775390625001";
        assert_eq!(read(text).to_bits(), 0x3f80_0001);
        assert_eq!((text.parse::<f64>().unwrap() as f32).to_bits(), 0x3f80_0000);
        assert!(read("null").is_nan());
        assert_eq!((read("1E-45"), read("-0"), read("3.4028235E38")), (f32::from_bits(1), 0.0, f32::MAX));
    }

    #[test]
    fn nan_becomes_null_outside_of_texts_only() {
        let text = |json: &str| String::from_utf8(without_nan(json.as_bytes()).into_owned()).unwrap();
        assert_eq!(text(r#"{"NaN":[NaN,-Infinity,Infinity,+Infinity,1]}"#), r#"{"NaN":[null,null,null,null,1]}"#);
        assert_eq!(text(r#"{"a\"NaN":"\\",b:NaN}"#), r#"{"a\"NaN":"\\",b:null}"#);
        assert!(matches!(without_nan(br#"{"NaN":"Infinity\"#), Cow::Borrowed(_)));
    }

    #[test]
    fn other_files_are_told_apart() {
        let refusal = |bytes: &[u8]| layout(bytes).err().map(|e| e.to_string()).unwrap_or_default();
        assert!(refusal(b"binf\0\0").starts_with("this is XGBoost's binary format from before 3.1"));
        assert!(refusal(b"booster[0]:\n0:leaf=1").starts_with("this is a dump of trees"));
        assert!(refusal(b"[\n{}]").starts_with("this is a dump of trees"));
        assert!(refusal(b"\x80\x04").starts_with("this is a pickle"));
        assert!(refusal(b"").starts_with("not an XGBoost model"));
        assert!(matches!(layout(b"\n{ \"learner\": {}}"), Ok(Layout::Json)));
        assert!(matches!(layout(b"{L\0\0"), Ok(Layout::Ubjson)));
    }
}
