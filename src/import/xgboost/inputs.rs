//! What the model is given: names, kinds, and names of categories.

use super::error;
use super::file::{Cats, Learner, Levels, short};
use crate::error::Result;
use crate::import::trees::Trees;
use crate::import::{Input, InputKind};
use crate::model::forest::{PlainNode, Test};
use crate::pipeline::MAX_COLUMNS;
use crate::schema::MAX_NAME;
use std::collections::HashSet;

/// Number of features.
pub(super) fn count(learner: &Learner) -> Result<usize> {
    let n = learner.learner_model_param.num_feature.whole("num_feature", 0)?;
    if n == 0 || n > MAX_COLUMNS {
        return Err(error(format!("num_feature is {n}: models of 1 to {MAX_COLUMNS} features are imported")));
    }
    for (name, given) in
        [("feature_names", learner.feature_names.len()), ("feature_types", learner.feature_types.len())]
    {
        if given != 0 && given != n {
            return Err(error(format!("{name} has {given} texts: the model has {n} features")));
        }
    }
    Ok(n)
}

/// The inputs, and what a person should know of them.
pub(super) fn inputs(
    learner: &Learner,
    cats: Option<&Cats>,
    n: usize,
    trees: Option<&Trees>,
    version: &[u32],
) -> Result<(Vec<Input>, Vec<String>)> {
    let mut coded = vec![false; n];
    for tree in trees.iter().flat_map(|trees| &trees.trees) {
        for node in &tree.nodes {
            if let PlainNode::Split { feature, test: Test::In(_), .. } = node {
                coded[*feature] = true;
            }
        }
    }
    let enc = cats.map_or(&[][..], |cats| &cats.enc[..]);
    if !enc.is_empty() && enc.len() != n {
        return Err(error(format!("cats has categories of {} features: the model has {n}", enc.len())));
    }
    let mut notes = Vec::new();
    let mut out = Vec::with_capacity(n);
    for (i, coded) in coded.into_iter().enumerate() {
        let name = learner.feature_names.get(i).cloned();
        let kind = match learner.feature_types.get(i).map(String::as_str) {
            Some("c") => InputKind::Code { negative: false },
            Some("q" | "float" | "int" | "i") | None if coded => InputKind::Code { negative: false },
            Some("i") => InputKind::Flag,
            Some("q" | "float" | "int") | None => InputKind::Number,
            Some(other) => {
                let other = short(other);
                return Err(error(format!("the type of feature {i} is `{other}`: it is q, float, int, i or c")));
            }
        };
        let kind = match (kind, enc.get(i)) {
            (InputKind::Code { .. }, Some(names)) if !names.values.is_empty() => match levels(names, version) {
                Ok(levels) => InputKind::Category { levels, admit_unknown: false },
                Err(reason) => {
                    let name = name.as_deref().map_or_else(|| i.to_string(), |name| format!("`{}`", short(name)));
                    notes.push(format!("the categories of feature {name} are given by their codes, from 0: {reason}"));
                    InputKind::Code { negative: false }
                }
            },
            (kind, _) => kind,
        };
        out.push(Input { name, kind, required: false });
    }
    Ok((out, notes))
}

/// The names of categories in the order of their codes, or why they cannot be used.
fn levels(names: &Levels, version: &[u32]) -> Result<Vec<String>, &'static str> {
    let levels: Vec<String> = match &names.offsets {
        // Whole numbers. XGBoost admits no others.
        None => names.values.iter().map(ToString::to_string).collect(),
        Some(offsets) => {
            let bytes: Option<Vec<u8>> = names.values.iter().map(byte).collect();
            let bytes = bytes.ok_or("their names are damaged in the file")?;
            // Its Python package counted letters where bytes are due, and cut the names off.
            if !bytes.is_ascii() && (version.is_empty() || version < &[3, 4][..]) {
                return Err("XGBoost before 3.4 damages names that are not ASCII");
            }
            let part = |ends: &[i64]| {
                let (begin, end) = (usize::try_from(ends[0]).ok()?, usize::try_from(ends[1]).ok()?);
                String::from_utf8(bytes.get(begin..end)?.to_vec()).ok()
            };
            let whole = offsets.first() == Some(&0) && offsets.last().is_some_and(|end| *end == bytes.len() as i64);
            let parts = offsets.windows(2).map(part).collect::<Option<_>>().filter(|_| whole);
            parts.ok_or("their names are damaged in the file")?
        }
    };
    if levels.iter().any(|level| level.trim_ascii().is_empty() || level.len() > MAX_NAME) {
        return Err("a name among them is empty or too long");
    }
    if levels.iter().collect::<HashSet<_>>().len() != levels.len() {
        return Err("a name among them is there twice");
    }
    Ok(levels)
}

/// A byte, which JSON has with a sign.
fn byte(number: &serde_json::Number) -> Option<u8> {
    let v = number.as_i64()?;
    i8::try_from(v).map(|v| v as u8).or_else(|_| u8::try_from(v)).ok()
}
