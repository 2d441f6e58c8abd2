//! What the table says of its rows beside their features: how much they count, which belong together, and so how they may be
//! divided into those that train and those that judge.

use super::VALIDATION_FRACTION;
use super::config::{Config, Strategy};
use crate::data::folds::{self, Fold};
use crate::data::{AsOf, Dataset, Table};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::number;
use std::collections::HashMap;

fn bad<T>(message: String) -> Result<T> {
    Err(Error::new(ErrorKind::Data, message))
}

/// Per row of `data` what `column` says it counts: finite, at least 0, not all 0.
pub(crate) fn weights(column: &str, data: &Dataset, table: &Table) -> Result<Vec<f64>> {
    let cells = table.column(column).map_err(|e| e.context("the column of weights"))?;
    let mut out = Vec::with_capacity(data.len());
    for &row in &data.source {
        let text = cells.text(row).map(str::trim_ascii).unwrap_or_default();
        match number(text).filter(|w| w.is_finite() && *w >= 0.0) {
            Some(w) => out.push(w),
            None => {
                let (line, what) = (table.line(row), if text.is_empty() { "nothing" } else { text });
                return bad(format!(
                    "line {line}: the weight `{column}` is {what}: a finite number of at least 0 is expected"
                ));
            }
        }
    }
    if !out.iter().any(|w| *w > 0.0) {
        return bad(format!("the weight `{column}` is 0 in every row: none would count"));
    }
    Ok(out)
}

/// Per row which group it belongs to, 0, 1, … in the order in which they first come up.
pub(super) fn groups(column: &str, data: &Dataset, table: &Table) -> Result<Vec<usize>> {
    let cells = table.column(column).map_err(|e| e.context("the column of groups"))?;
    let mut index: HashMap<&str, usize> = HashMap::new();
    let mut out = Vec::with_capacity(data.len());
    for &row in &data.source {
        let Some(name) = cells.text(row).map(str::trim_ascii).filter(|t| !t.is_empty()) else {
            let line = table.line(row);
            return bad(format!("line {line}: the group `{column}` is missing: give each row one, if only of its own"));
        };
        let next = index.len();
        out.push(*index.entry(name).or_insert(next));
    }
    Ok(out)
}

/// How the rows are divided.
#[derive(Clone, Debug)]
pub(super) struct Divisions {
    pub(super) strategy: Strategy,
    /// One part held out: what judges under `holdout`, and what early stopping looks at otherwise.
    pub(super) holdout: Fold,
    /// Not under `holdout`: per repetition its folds.
    pub(super) folds: Vec<Vec<Fold>>,
}

impl Divisions {
    pub(super) fn new(
        config: &Config,
        data: &Dataset,
        as_of: &AsOf,
        groups: Option<&[usize]>,
        notes: &mut Vec<String>,
    ) -> Result<Divisions> {
        let evaluation = &config.evaluation;
        let strategy = evaluation.strategy.unwrap_or_default();
        let times = matches!(as_of, AsOf::Column(_)).then_some(&data.as_of[..]);
        let k = evaluation.folds.unwrap_or(5);
        let folds = match (strategy, groups) {
            (Strategy::Holdout, _) => Vec::new(),
            (Strategy::Kfold, _) => {
                let one = |r: usize| folds::stratified_k_fold(&data.y, k, config.seed.wrapping_add(r as u64));
                (0..evaluation.repeats.unwrap_or(1)).map(one).collect::<Result<_>>()?
            }
            (Strategy::Time, _) => vec![folds::time_series(&data.as_of, k)?],
            (Strategy::Group, groups) => vec![folds::group_k_fold(groups.unwrap_or_default(), k)?],
        };
        // What the strategy does not ask for does not restrict the part that early stopping looks at.
        let (groups, times) = match strategy {
            Strategy::Holdout => (groups, times),
            Strategy::Kfold => (None, None),
            Strategy::Group => (groups, None),
            Strategy::Time => (None, times),
        };
        if strategy == Strategy::Kfold && matches!(as_of, AsOf::Column(_)) {
            notes.push("rows of the future trained models that were judged on the past: evaluation.strategy time does not do that".into());
        }
        let holdout = holdout(config, data, groups, times)?;
        let divisions = Divisions { strategy, holdout, folds };
        divisions.check(data)?;
        Ok(divisions)
    }

    /// Whatever trains has rows of every class.
    fn check(&self, data: &Dataset) -> Result<()> {
        let parts = self.folds.iter().flatten().chain(std::iter::once(&self.holdout));
        for part in parts {
            if part.train.is_empty() || part.held_out.is_empty() {
                return bad("too few rows: both training and validation need some of each class".into());
            }
            let mut there = vec![false; data.classes.len()];
            part.train.iter().for_each(|&i| there[data.y[i]] = true);
            if let Some(absent) = there.iter().position(|there| !there) {
                let label = &data.classes[absent];
                let (rows, held) = (part.train.len(), part.held_out.len());
                return bad(format!(
                    "where {held} rows judge, the {rows} rows to train on have none of the class `{label}`: hold out fewer \
                     (data.validation_fraction), ask for other folds (evaluation.folds), or let evaluation.strategy be kfold"
                ));
            }
        }
        Ok(())
    }
}

fn holdout(config: &Config, data: &Dataset, groups: Option<&[usize]>, times: Option<&[f64]>) -> Result<Fold> {
    let fraction = config.data.validation_fraction.unwrap_or(VALIDATION_FRACTION);
    let latest = times.and_then(|times| folds::time_holdout(times, fraction));
    match (latest, groups) {
        (Some(mut latest), Some(groups)) => {
            let mut held = vec![false; data.len()];
            latest.held_out.iter().for_each(|&i| held[groups[i]] = true);
            latest.train.retain(|&i| !held[groups[i]]);
            if latest.train.is_empty() {
                return bad(
                    "every group has some of the latest rows, so nothing is left that is earlier and of another group: let \
                     evaluation.strategy be time or group, which keep apart one of the two"
                        .into(),
                );
            }
            Ok(latest)
        }
        (Some(latest), None) => Ok(latest),
        (None, Some(groups)) => folds::group_holdout(groups, fraction, config.seed),
        (None, None) => {
            let (train, held_out) = data.split(fraction, config.seed);
            Ok(Fold { train, held_out })
        }
    }
}
