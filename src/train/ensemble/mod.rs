//! Estimators made of estimators: stacking and voting.
//!
//! No row is answered by a model that saw it where the answer is fitted on: what the final estimator of a stack, a greedy choice of
//! weights and a calibrator look at are out-of-fold answers ([`folds`]), by models whose encoders, too, were fitted on the other folds.
//! An estimator that stops early looks at a tenth of its own rows then, in each fold anew; the fit on all rows keeps the median of the
//! rounds that the folds kept.

pub(crate) mod folds;
mod greedy;
mod stacking;
#[cfg(test)]
pub(in crate::train) mod tests;
mod voting;

pub(super) use stacking::fit as stacking;
pub(super) use voting::fit as voting;

use super::encoders::Column;
use super::estimator::{Estimator, Fit, Frame};
use super::{Fitted, Progress, Within, normalised, rng};
use crate::error::{Error, Result};
use crate::model::Model;
use folds::{STOP_FRACTION, fit_apart, pick, split};
use rand::RngExt;

/// The stream of random numbers that estimators' own seeds come from.
const SEEDS: u64 = 0x5eed;

/// One per estimator, so that two of a kind differ.
fn seeds(seed: u64, n: usize) -> Vec<u64> {
    let mut rng = rng(seed, SEEDS);
    (0..n).map(|_| rng.random()).collect()
}

/// Fits on all `rows`. `rounds`: those that folds kept; where there were no folds and the estimator stops early, a part of the rows tells.
fn fit_whole(
    name: &str,
    estimator: &Estimator,
    frame: &Frame<'_>,
    rows: &[usize],
    rounds: Option<usize>,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Fit> {
    let stage = Within::new(progress, format!("{name}, all rows"));
    let mut fixed = estimator.with_rounds(rounds);
    if fixed.params.stops_early() {
        let part = Within::new(progress, format!("{name}, number of rounds"));
        fixed = estimator.with_rounds(fit_apart(estimator, frame, rows, seed, &part)?.fitted.rounds);
    }
    fixed.fit(frame, rows, None, seed, &stage)
}

/// What messages say of an estimator that failed.
fn named(name: &str) -> impl Fn(Error) -> Error {
    move |e| e.context(format!("in estimator `{name}`"))
}

/// Appends an estimator's notes, each once.
fn note(notes: &mut Vec<String>, name: &str, new: &[String]) {
    for n in new {
        let n = format!("in estimator `{name}`: {n}");
        if !notes.contains(&n) {
            notes.push(n);
        }
    }
}

/// A column per slot, and each slot's importance: members' own, in the parts that members have in the answer. `passed`: what columns that
/// are read past all members add.
fn by_slot(
    frame: &Frame<'_>,
    members: &[(Fit, f64)],
    passed: impl Iterator<Item = (Column, f64)>,
) -> (Vec<Column>, Vec<f64>) {
    let mut importance = vec![0.0; frame.kinds.len()];
    for (fit, part) in members {
        for (column, v) in fit.columns.iter().zip(&fit.fitted.importance) {
            importance[column.slot] += part * v;
        }
    }
    passed.for_each(|(column, v)| importance[column.slot] += v);
    let columns = (0..importance.len()).map(|slot| Column { slot, levels: None }).collect();
    (columns, normalised(importance))
}

/// What an ensemble's fit gives besides its model.
fn fitted(model: Model, importance: Vec<f64>) -> Fitted {
    Fitted { model, importance, curve: Vec::new(), rounds: None, notes: Vec::new() }
}
