//! Soft voting, with given weights or a greedy choice of them.

use super::folds::{Folds, out_of_fold};
use super::greedy::select;
use super::{by_slot, fit_whole, fitted, named, note, pick, seeds};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Model;
use crate::model::members::Members;
use crate::model::voting::Voting;
use crate::train::answer::predict;
use crate::train::config::Preprocessing;
use crate::train::estimator::{Estimator, Fit, Frame};
use crate::train::params::{self, Choice, Weights};
use crate::train::{Progress, normalised};
use crate::wire::Nested;
use ndarray::{Array2, Axis};

/// Fits on `rows`. `preprocessing`: what estimators' own leaves open.
pub(crate) fn fit(
    p: &params::Voting,
    preprocessing: &Preprocessing,
    frame: &Frame<'_>,
    rows: &[usize],
    seed: u64,
    progress: &dyn Progress,
) -> Result<Fit> {
    let members = p.members(preprocessing)?;
    let seeds = seeds(seed, members.len());
    let mut notes = Vec::new();
    let (weights, rounds) = match &p.weights {
        None => (vec![1.0; members.len()], vec![None; members.len()]),
        Some(Weights::Given(weights)) => (weights.clone(), vec![None; members.len()]),
        Some(Weights::Chosen(Choice::Greedy)) => {
            let folds = Folds::stratified(frame, rows, p.cv, seed)?;
            let (probabilities, rounds) = out_of_fold_all(&members, &seeds, frame, rows, &folds, progress)?;
            progress.proceed()?;
            let (y, weight) = (pick(frame.y, rows), pick(frame.weight, rows));
            let (counts, loss) = select(&probabilities, &y, &weight, p.n_iterations);
            let shown: Vec<String> = members.iter().zip(&counts).map(|((n, _), c)| format!("`{n}` {c}")).collect();
            notes.push(format!("greedy weights: {}; their out-of-fold log loss is {loss:.4}", shown.join(", ")));
            (counts.iter().map(|&c| c as f64).collect(), rounds)
        }
    };

    let parts = normalised(weights.clone());
    let (mut fits, mut kept) = (Vec::new(), Vec::new());
    for (i, (name, estimator)) in members.iter().enumerate().filter(|(i, _)| weights[*i] > 0.0) {
        let fit = fit_whole(name, estimator, frame, rows, rounds[i], seeds[i], progress).map_err(named(name))?;
        has_probability(&fit.fitted.model).map_err(named(name))?;
        note(&mut notes, name, &fit.notes);
        fits.push((fit, parts[i]));
        kept.push(weights[i]);
    }
    let (columns, importance) = by_slot(frame, &fits, std::iter::empty());
    let models = fits.into_iter().map(|(fit, _)| (fit.encoders, fit.fitted.model));
    let (encoders, inner, _) = Members::gather(models, None);
    let model = Model::Voting(Nested::new(Voting { members: inner, weights: kept }));
    let members = members.into_iter().map(|(name, _)| name).zip(parts).collect();
    Ok(Fit { encoders, columns, fitted: fitted(model, importance), notes, members, uncalibrated: None })
}

/// Per estimator rows x classes, and the rounds that the folds kept.
type OutOfFold = (Vec<Array2<f64>>, Vec<Option<usize>>);

/// Answers, each row's by a model that did not see its fold.
pub(super) fn out_of_fold_all(
    members: &[(String, Estimator)],
    seeds: &[u64],
    frame: &Frame<'_>,
    rows: &[usize],
    folds: &Folds,
    progress: &dyn Progress,
) -> Result<OutOfFold> {
    let n = frame.n_classes();
    let one = |((name, estimator), &seed): (&(String, Estimator), &u64)| {
        let mut all = Array2::zeros((rows.len(), n));
        let rounds = out_of_fold(name, estimator, frame, rows, folds, seed, progress, |fit, left_out| {
            has_probability(&fit.fitted.model)?;
            let slots = frame.slots.select(Axis(0), &pick(rows, left_out));
            let own = predict(&fit.encoders, &fit.fitted.model, slots.view(), n);
            left_out.iter().zip(own.rows()).for_each(|(&i, row)| all.row_mut(i).assign(&row));
            Ok(())
        });
        Ok((all, rounds.map_err(named(name))?))
    };
    Ok(members.iter().zip(seeds).map(one).collect::<Result<Vec<_>>>()?.into_iter().unzip())
}

fn has_probability(model: &Model) -> Result<()> {
    if model.has_probability() {
        return Ok(());
    }
    let message = format!(
        "a {} model has no probabilities to average: fit it with probability: true, or give it a calibration",
        model.family()
    );
    Err(Error::new(ErrorKind::Config, message))
}
