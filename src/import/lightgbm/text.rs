//! The parts of a model file: what its lines say, before what they mean.

use crate::error::Result;
use crate::import::error;
use crate::schema::message::quote;
use std::collections::BTreeMap;
use std::str::FromStr;

/// `key=value` lines by key.
pub type Fields<'a> = BTreeMap<&'a str, &'a str>;

/// A model file in parts.
pub struct Text<'a> {
    /// What stands before the first tree; `version` is there and is known.
    pub header: Fields<'a>,
    /// One per tree, in order.
    pub trees: Vec<Fields<'a>>,
    /// `key: value` lines of the parameters it was trained with; empty where the file has none.
    parameters: Fields<'a>,
    /// What stands after `pandas_categorical:` at the end.
    pub pandas: Option<&'a str>,
}

const HEADER: [&str; 11] = [
    "version",
    "num_class",
    "num_tree_per_iteration",
    "label_index",
    "max_feature_idx",
    "objective",
    "average_output",
    "feature_names",
    "monotone_constraints",
    "feature_infos",
    "tree_sizes",
];

const TREE: [&str; 22] = [
    "num_leaves",
    "num_cat",
    "split_feature",
    "split_gain",
    "threshold",
    "decision_type",
    "left_child",
    "right_child",
    "leaf_value",
    "leaf_weight",
    "leaf_count",
    "internal_value",
    "internal_weight",
    "internal_count",
    "cat_boundaries",
    "cat_threshold",
    "is_linear",
    "leaf_const",
    "num_features",
    "leaf_features",
    "leaf_coeff",
    "shrinkage",
];

impl<'a> Text<'a> {
    /// Takes a file apart. A file that was cut off is refused: a number at its end may have lost digits.
    pub fn read(file: &'a [u8]) -> Result<Text<'a>> {
        let file = std::str::from_utf8(file)
            .map_err(|e| error(format!("byte {} is not UTF-8 text, which a LightGBM model is", e.valid_up_to())))?;
        let mut lines = file.lines().map(|line| line.trim_end_matches('\r'));
        match lines.by_ref().find(|line| !line.is_empty()) {
            Some("tree") => {}
            Some(line) if line.starts_with('{') => {
                return Err(error(
                    "this is JSON, as `Booster.dump_model` gives it: import what `Booster.save_model` writes",
                ));
            }
            _ => return Err(error("a LightGBM model, as `Booster.save_model` writes it, begins with the line `tree`")),
        }

        let mut text = Text { header: Fields::new(), trees: Vec::new(), parameters: Fields::new(), pandas: None };
        let mut ended = false;
        for line in lines.by_ref().filter(|line| !line.is_empty()) {
            let Some((key, value)) = line.split_once('=') else {
                // LightGBM 2.1 has no line `end of trees`.
                if matches!(line, "end of trees" | "feature importances:") {
                    ended = true;
                    break;
                }
                text.put(line, None)?;
                continue;
            };
            if key == "Tree" {
                if value.parse() != Ok(text.trees.len()) {
                    return Err(error(format!("tree {} is called {}", text.trees.len(), quote(value))));
                }
                text.trees.push(Fields::new());
            } else {
                text.put(key, Some(value))?;
            }
        }
        text.check_whole(ended)?;
        text.read_rest(lines)?;
        Ok(text)
    }

    /// Keeps a line of the header or of the tree at hand. `value`: `None` where the line has no `=`.
    fn put(&mut self, key: &'a str, value: Option<&'a str>) -> Result<()> {
        let n = self.trees.len();
        let place = || if n == 0 { "the header".to_owned() } else { format!("tree {}", n - 1) };
        let (fields, keys) = match self.trees.last_mut() {
            None => (&mut self.header, &HEADER[..]),
            Some(tree) => (tree, &TREE[..]),
        };
        if !keys.contains(&key) || value.is_none() != (key == "average_output") {
            return Err(error(format!("{}: the line {} is not understood", place(), quote(key))));
        }
        match fields.insert(key, value.unwrap_or_default()) {
            None => Ok(()),
            Some(_) => Err(error(format!("{}: `{key}` is there twice", place()))),
        }
    }

    fn check_whole(&self, ended: bool) -> Result<()> {
        match self.header.get("version") {
            Some(&("v2" | "v3" | "v4")) => {}
            Some(version) => {
                return Err(error(format!("version {} is not known: v2, v3 and v4 are", quote(version))));
            }
            None => return Err(error("the header has no `version`: v2, v3 and v4 are known")),
        }
        if !ended {
            return Err(error(format!("the file ends within tree {}: it is not whole", self.trees.len().max(1) - 1)));
        }
        if let Some(sizes) = self.header.get("tree_sizes") {
            let n = sizes.split_ascii_whitespace().count();
            if n != self.trees.len() {
                return Err(error(format!("`tree_sizes` tells of {n} trees, but there are {}", self.trees.len())));
            }
        }
        Ok(())
    }

    /// What follows the trees: importances (not looked at), parameters, levels of pandas' categories.
    fn read_rest(&mut self, lines: impl Iterator<Item = &'a str>) -> Result<()> {
        let mut within = false;
        for line in lines.filter(|line| !line.is_empty()) {
            match line {
                "parameters:" => within = true,
                "end of parameters" => within = false,
                _ if within => {
                    let inner = line.strip_prefix('[').and_then(|line| line.strip_suffix(']'));
                    if let Some((key, value)) = inner.and_then(|line| line.split_once(": ")) {
                        self.parameters.insert(key, value);
                    }
                }
                _ => self.pandas = line.strip_prefix("pandas_categorical:"),
            }
        }
        if within { Err(error("the file ends within its parameters: it is not whole")) } else { Ok(()) }
    }

    /// A parameter it was trained with; `None` where it is not told or empty.
    pub fn parameter(&self, key: &str) -> Option<&'a str> {
        self.parameters.get(key).copied().filter(|value| !value.is_empty())
    }

    /// A line of the header.
    pub fn line(&self, key: &str) -> Result<&'a str> {
        self.header.get(key).copied().ok_or_else(|| error(format!("the header has no `{key}`")))
    }

    /// A whole number of the header.
    pub fn count(&self, key: &str) -> Result<usize> {
        number(key, self.line(key)?)
    }
}

/// The one number of a line.
pub fn number<T: FromStr>(key: &str, value: &str) -> Result<T> {
    value
        .trim()
        .parse()
        .map_err(|_| error(format!("`{key}` holds {}, which is no such number as it takes", quote(value))))
}

/// The `n` numbers of a line.
pub fn numbers<T: FromStr>(fields: &Fields, key: &str, n: usize) -> Result<Vec<T>> {
    let line = fields.get(key).ok_or_else(|| error(format!("it has no `{key}`")))?;
    let has = line.split_ascii_whitespace().count();
    if has != n {
        return Err(error(format!("`{key}` holds {has} numbers instead of {n}")));
    }
    line.split_ascii_whitespace().map(|value| number(key, value)).collect()
}
