//! Monotone constraints: columns along which a score may only rise, or only fall.

use crate::error::{Error, ErrorKind, Result, did_you_mean};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// -1 (may only fall), 0 or 1 (may only rise) for columns that hold numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(
    untagged,
    expecting = "monotone_constraints is a list of -1, 0 and 1, one per column, or columns' names with such a number each"
)]
pub enum Monotone {
    /// One per column; an empty list constrains nothing.
    List(Vec<i8>),
    /// By name.
    Names(BTreeMap<String, i8>),
}

impl Default for Monotone {
    fn default() -> Self {
        Monotone::List(Vec::new())
    }
}

impl Monotone {
    pub(super) fn check(&self) -> Result<()> {
        let right = match self {
            Monotone::List(v) => v.iter().all(|s| (-1..=1).contains(s)),
            Monotone::Names(v) => v.values().all(|s| (-1..=1).contains(s)),
        };
        super::range("monotone_constraints", right, "made of -1, 0 and 1")
    }

    /// Names to places. `names`: of the columns that the model reads, in order; a name that occurs more than once is a
    /// feature's that was turned into several columns.
    pub(crate) fn by_column(&self, names: &[&str]) -> Result<Monotone> {
        let Monotone::Names(map) = self else { return Ok(self.clone()) };
        let mut signs = vec![0; names.len()];
        for (name, &sign) in map {
            let mut places = (0..names.len()).filter(|&i| names[i] == name);
            let Some(place) = places.next() else {
                let hint = did_you_mean(name, names.iter().copied());
                return Err(error(format!("there is no column `{name}`{hint}")));
            };
            if places.next().is_some() {
                return Err(error(format!("`{name}` is a category, which has no order to be monotone along")));
            }
            signs[place] = sign;
        }
        Ok(Monotone::List(signs))
    }

    /// A sign per feature; empty where nothing is constrained. `levels`: see [`Problem`](crate::train::Problem).
    pub(crate) fn signs(&self, levels: &[Option<usize>]) -> Result<Vec<i8>> {
        let signs = match self {
            Monotone::List(signs) => signs,
            Monotone::Names(names) if names.is_empty() => return Ok(Vec::new()),
            Monotone::Names(_) => return Err(error("names are for columns of a table; a matrix has a list".into())),
        };
        if signs.iter().all(|s| *s == 0) {
            return Ok(Vec::new());
        }
        if signs.len() != levels.len() {
            return Err(error(format!(
                "one number per column is right: {} columns, not {}",
                levels.len(),
                signs.len()
            )));
        }
        if let Some(f) = (0..signs.len()).find(|&f| signs[f] != 0 && levels[f].is_some()) {
            return Err(error(format!("column {f} is a category, which has no order to be monotone along")));
        }
        Ok(signs.clone())
    }
}

fn error(message: String) -> Error {
    Error::new(ErrorKind::Config, format!("model.parameters.monotone_constraints: {message}"))
}
