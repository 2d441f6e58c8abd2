//! The features of a model: their names, what they are, and the columns that trees read.

use super::text::Text;
use crate::error::Result;
use crate::import::{Input, InputKind, error};
use crate::schema::message::quote;
use serde_json::Value;
use std::collections::BTreeSet;

/// What is known of each feature; what trees do with them is added as they are read.
pub struct Features {
    list: Vec<Feature>,
    /// Features of which a second column is read, in the order of these columns; they stand after the features themselves.
    blanked: Vec<usize>,
}

struct Feature {
    name: String,
    /// What training saw, where it took the feature as a category: the largest code.
    largest_code: Option<i64>,
    /// What training saw, where it took the feature as a number that was never below 0: the largest, if it is whole.
    largest_number: Option<usize>,
    /// Index of its second column, in which zero is missing.
    blanked: Option<usize>,
    /// A tree compares it.
    is_compared: bool,
    /// A tree looks it up in a set.
    is_looked_up: bool,
}

impl Features {
    /// Names and kinds, from the header.
    pub fn read(text: &Text) -> Result<Features> {
        let largest = text.count("max_feature_idx")?;
        let names: Vec<&str> = text.line("feature_names")?.split(' ').filter(|name| !name.is_empty()).collect();
        let infos: Vec<&str> = text.line("feature_infos")?.split_ascii_whitespace().collect();
        for (key, n) in [("feature_names", names.len()), ("feature_infos", infos.len())] {
            if n.checked_sub(1) != Some(largest) {
                return Err(error(format!("`{key}` tells of {n} features, but `max_feature_idx` is {largest}")));
            }
        }
        let mut sorted = names.clone();
        sorted.sort_unstable();
        if let Some(twice) = sorted.windows(2).find(|w| w[0] == w[1]) {
            return Err(error(format!("two features are called {}", quote(twice[0]))));
        }
        let feature = |(name, info): (&&str, &&str)| {
            Ok(Feature {
                name: (*name).to_owned(),
                largest_code: largest_code(info).map_err(|e| e.context(format!("feature {}", quote(name))))?,
                largest_number: largest_number(info),
                blanked: None,
                is_compared: false,
                is_looked_up: false,
            })
        };
        let list = names.iter().zip(&infos).map(feature).collect::<Result<_>>()?;
        Ok(Features { list, blanked: Vec::new() })
    }

    /// The column of feature `f` for a comparison.
    pub fn compared(&mut self, f: usize) -> Result<usize> {
        self.get(f)?.is_compared = true;
        Ok(f)
    }

    /// The column of feature `f` for a comparison in which what is almost zero is missing.
    pub fn blanked_zero(&mut self, f: usize) -> Result<usize> {
        let next = self.list.len() + self.blanked.len();
        let feature = self.get(f)?;
        feature.is_compared = true;
        let column = *feature.blanked.get_or_insert(next);
        if column == next {
            self.blanked.push(f);
        }
        Ok(column)
    }

    /// The column of feature `f` for a look-up in a set.
    pub fn looked_up(&mut self, f: usize) -> Result<usize> {
        self.get(f)?.is_looked_up = true;
        Ok(f)
    }

    fn get(&mut self, f: usize) -> Result<&mut Feature> {
        let n = self.list.len();
        self.list.get_mut(f).ok_or_else(|| error(format!("it splits by feature {f}, but there are {n}")))
    }

    /// The features of the columns that follow those of the features themselves: in them what is almost zero is missing.
    pub fn blanked(&self) -> &[usize] {
        &self.blanked
    }

    /// What a record holds for each feature, after all trees are read.
    pub fn inputs(&self, text: &Text, notes: &mut Vec<String>) -> Result<Vec<Input>> {
        let lists = levels(text.pandas)?;
        let categories: Vec<usize> = self.categories(text);
        let mut kinds: Vec<InputKind> = vec![InputKind::Number; self.list.len()];
        for &f in &categories {
            // LightGBM takes a negative code for a missing one.
            kinds[f] = InputKind::Code { negative: true };
        }
        // A level without a name that a record could hold leaves codes.
        let named = |levels: &[Value]| !levels.iter().any(|l| l.as_str().is_some_and(|l| l.trim_ascii().is_empty()));
        let fits = |(f, levels): (&usize, &Vec<Value>)| {
            let feature = &self.list[*f];
            !feature.is_compared && named(levels) && feature.largest_code.is_none_or(|code| code < levels.len() as i64)
        };
        if lists.len() == categories.len() && categories.iter().zip(&lists).all(fits) {
            let other = |f: &usize| {
                let could_own = |n: usize| lists.iter().any(|levels| levels.len() == n + 1);
                !categories.contains(f) && self.list[*f].largest_number.is_some_and(could_own)
            };
            if let Some(f) = (0..self.list.len()).find(other) {
                let owners: Vec<String> = categories.iter().map(|&f| quote(&self.list[f].name)).collect();
                notes.push(format!(
                    "the file does not say whose its pandas levels are: they are taken as those of its categorical features, {}, as where \
                     LightGBM chose these itself; where `categorical_feature` named others, {} may be meant: --check tells",
                    owners.join(", "),
                    quote(&self.list[f].name)
                ));
            }
            for (&f, levels) in categories.iter().zip(lists) {
                kinds[f] = kind(levels).map_err(|e| e.context(format!("feature {}", quote(&self.list[f].name))))?;
            }
        } else if !lists.is_empty() {
            notes.push(format!(
                "the file has levels of {} pandas columns and {} categorical features, and does not say whose they are, or one has no name: \
                 categories are given as pandas' codes (`.cat.codes`, from 0; missing instead of -1)",
                lists.len(),
                categories.len()
            ));
        }
        let input =
            |(feature, kind): (&Feature, InputKind)| Input { name: Some(feature.name.clone()), kind, required: false };
        Ok(self.list.iter().zip(kinds).map(input).collect())
    }

    /// The categorical features: those that training was told of, where the file has that; else those whose codes it lists or that
    /// trees look up in sets.
    fn categories(&self, text: &Text) -> Vec<usize> {
        let is_category =
            |feature: &Feature| (feature.largest_code.is_some() || feature.is_looked_up) && !feature.is_compared;
        let found: BTreeSet<usize> = (0..self.list.len()).filter(|&f| is_category(&self.list[f])).collect();
        let told = text.parameter("categorical_feature").map(|line| line.split(',').map(str::parse).collect());
        match told {
            Some(Ok(told)) => {
                let told: BTreeSet<usize> = told;
                let sound = told.is_superset(&found) && told.iter().all(|&f| f < self.list.len());
                (if sound { told } else { found }).into_iter().collect()
            }
            _ => found.into_iter().collect(),
        }
    }
}

/// `none`, `[0:9.5]`: no category. `1:0:-1`: the codes seen.
fn largest_code(info: &str) -> Result<Option<i64>> {
    if info == "none" || info.starts_with('[') {
        return Ok(None);
    }
    let codes: Option<Vec<i64>> = info.split(':').map(|code| code.parse().ok()).collect();
    let codes = codes.ok_or_else(|| error(format!("`feature_infos` has {}, no range and no codes", quote(info))))?;
    Ok(codes.into_iter().max())
}

/// `[0:9]`: 9.
fn largest_number(info: &str) -> Option<usize> {
    info.strip_prefix("[0:")?.strip_suffix(']')?.parse().ok()
}

/// The lists that LightGBM's Python package adds: the levels of each column of pandas categories, in the order of columns.
fn levels(footer: Option<&str>) -> Result<Vec<Vec<Value>>> {
    let wrong = |what: String| error(format!("the levels after `pandas_categorical:` are not understood: {what}"));
    let lists = match footer.map(serde_json::from_str) {
        None | Some(Ok(Value::Null)) => return Ok(Vec::new()),
        Some(Ok(Value::Array(lists))) => lists,
        Some(Ok(_)) => return Err(wrong("a list of lists is right".into())),
        Some(Err(e)) => return Err(wrong(e.to_string())),
    };
    let list = |list| match list {
        Value::Array(levels) => Ok(levels),
        _ => Err(wrong("a list of lists is right".into())),
    };
    lists.into_iter().map(list).collect()
}

/// What a column of these categories holds.
fn kind(levels: Vec<Value>) -> Result<InputKind> {
    if levels == [Value::Bool(false), Value::Bool(true)] {
        return Ok(InputKind::Flag);
    }
    let text = |level: Value| match level {
        Value::String(text) => Ok(text),
        Value::Number(number) => Ok(number.to_string()),
        Value::Bool(b) => Ok(b.to_string()),
        other => Err(error(format!(
            "{} is no level of a category: texts, numbers and booleans are",
            quote(&other.to_string())
        ))),
    };
    let levels: Vec<String> = levels.into_iter().map(text).collect::<Result<_>>()?;
    Ok(InputKind::Category { levels, admit_unknown: true })
}
