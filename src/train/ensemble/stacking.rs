//! Stacking: out-of-fold answers, a final estimator over them, and every estimator once more on all rows.

use super::folds::{Folds, out_of_fold};
use super::{STOP_FRACTION, by_slot, fit_whole, fitted, named, note, pick, seeds, split};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Model;
use crate::model::members::Members;
use crate::model::stacking::{Method, Stacking};
use crate::train::answer::{by_row, encode};
use crate::train::config::Preprocessing;
use crate::train::encoders::{self, Column};
use crate::train::estimator::{Estimator, Fit, Frame};
use crate::train::params::{self, StackMethod};
use crate::train::{Fitted, Problem, Progress, Within};
use crate::wire::Nested;
use ndarray::{Array2, Axis, concatenate};

/// Fits on `rows`. `preprocessing`: what estimators' own leaves open.
pub(crate) fn fit(
    p: &params::Stacking,
    preprocessing: &Preprocessing,
    frame: &Frame<'_>,
    rows: &[usize],
    seed: u64,
    progress: &dyn Progress,
) -> Result<Fit> {
    let folds = Folds::stratified(frame, rows, p.cv, seed)?;
    fit_folds(p, preprocessing, frame, rows, &folds, seed, progress)
}

/// As [`fit`], with the folds given.
pub(super) fn fit_folds(
    p: &params::Stacking,
    preprocessing: &Preprocessing,
    frame: &Frame<'_>,
    rows: &[usize],
    folds: &Folds,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Fit> {
    let members = p.members(preprocessing)?;
    let last = p.last(preprocessing)?;
    let seeds = seeds(seed, members.len());
    let mut notes = Vec::new();
    let (mut answers, mut methods, mut fits) = (Vec::new(), Vec::new(), Vec::new());
    for ((name, estimator), seed) in members.iter().zip(seeds) {
        let (method, own, rounds) =
            answered(name, estimator, p.method(), frame, rows, folds, seed, progress, &mut notes)
                .map_err(named(name))?;
        answers.push(own);
        methods.push(method);
        let fit = fit_whole(name, estimator, frame, rows, rounds, seed, progress).map_err(named(name))?;
        note(&mut notes, name, &fit.notes);
        fits.push(fit);
    }

    let widths: Vec<usize> = answers.iter().map(Array2::ncols).collect();
    let mut columns = vec![Column { slot: 0, levels: None }; widths.iter().sum()];
    let n_answers = columns.len();
    let mut passed = None;
    if p.passthrough {
        let slots = frame.slots.select(Axis(0), rows);
        let tree = last.params.is_tree();
        let (encoders, own) =
            encoders::fit(&last.preprocessing, tree, &frame.kinds, frame.hidden, slots.view(), &mut notes)?;
        answers.push(encode(&encoders, slots.view()));
        columns.extend(own);
        passed = Some(encoders);
    }
    let views: Vec<_> = answers.iter().map(|a| a.view()).collect();
    let x = concatenate(Axis(1), &views).map_err(|e| Error::new(ErrorKind::Data, e.to_string()))?;
    drop(answers);
    let mut final_fit = fit_last(&last, frame, rows, &x, &columns, seed, progress)?;
    note(&mut notes, "final_estimator", &final_fit.notes);

    let importance = std::mem::take(&mut final_fit.importance);
    let mut at = 0;
    let mut parts = Vec::new();
    for ((name, _), width) in members.into_iter().zip(widths) {
        parts.push((name, importance.iter().skip(at).take(width).sum::<f64>()));
        at += width;
    }
    let fits: Vec<(Fit, f64)> = fits.into_iter().zip(parts.iter().map(|(_, part)| *part)).collect();
    let passed_on = columns[n_answers..].iter().copied().zip(importance.iter().skip(n_answers).copied());
    let (columns, by_slot) = by_slot(frame, &fits, passed_on);
    let models = fits.into_iter().map(|(fit, _)| (fit.encoders, fit.fitted.model));
    let (encoders, members, passthrough) = Members::gather(models, passed);
    let stacking = Stacking { members, methods, passthrough, final_model: final_fit.model };
    let fitted = fitted(Model::Stacking(Nested::new(stacking)), by_slot);
    Ok(Fit { encoders, columns, fitted, notes, members: whole(parts), uncalibrated: None })
}

/// Parts of a final estimator that reads columns besides, scaled to add up to 1; none where it has no importances.
fn whole(parts: Vec<(String, f64)>) -> Vec<(String, f64)> {
    let (names, parts): (Vec<String>, Vec<f64>) = parts.into_iter().unzip();
    if parts.iter().sum::<f64>() > 0.0 { names.into_iter().zip(super::normalised(parts)).collect() } else { Vec::new() }
}

/// rows x what the estimator hands on, each row by the model that did not see its fold.
#[expect(clippy::too_many_arguments)]
fn answered(
    name: &str,
    estimator: &Estimator,
    asked: StackMethod,
    frame: &Frame<'_>,
    rows: &[usize],
    folds: &Folds,
    seed: u64,
    progress: &dyn Progress,
    notes: &mut Vec<String>,
) -> Result<(Method, Array2<f64>, Option<usize>)> {
    let mut method = Method::Predict;
    let mut answers = Array2::zeros((rows.len(), 0));
    let rounds = out_of_fold(name, estimator, frame, rows, folds, seed, progress, |fit, left_out| {
        method = method_of(asked, &fit.fitted.model)?;
        let width = method.width(frame.n_classes());
        if answers.ncols() != width {
            answers = Array2::zeros((rows.len(), width));
            note(notes, name, &fit.notes);
        }
        let own = answer(fit, method, frame, &pick(rows, left_out));
        left_out.iter().zip(own.rows()).for_each(|(&i, row)| answers.row_mut(i).assign(&row));
        Ok(())
    })?;
    Ok((method, answers, rounds))
}

/// What the model hands on for these rows.
fn answer(fit: &Fit, method: Method, frame: &Frame<'_>, rows: &[usize]) -> Array2<f64> {
    let x = encode(&fit.encoders, frame.slots.select(Axis(0), rows).view());
    by_row(x.view(), method.width(frame.n_classes()), |x, out| {
        let mut answers = Vec::with_capacity(out.len());
        method.answer(&fit.fitted.model, x, &mut vec![0.0; frame.n_classes()], &mut answers);
        out.copy_from_slice(&answers);
    })
}

fn method_of(asked: StackMethod, model: &Model) -> Result<Method> {
    let bad = |what: &str, right: &str| {
        let message = format!("a {} model has no {what}: {right}", model.family());
        Err(Error::new(ErrorKind::Config, message))
    };
    match asked {
        StackMethod::PredictProba if !model.has_probability() => {
            bad("probabilities", "fit it with probability: true, or set stack_method to auto or decision_function")
        }
        StackMethod::DecisionFunction if !model.has_margin() => {
            bad("decision function", "set stack_method to auto or predict_proba")
        }
        StackMethod::PredictProba => Ok(Method::PredictProba),
        StackMethod::DecisionFunction => Ok(Method::DecisionFunction),
        StackMethod::Predict => Ok(Method::Predict),
        StackMethod::Auto if model.has_probability() => Ok(Method::PredictProba),
        StackMethod::Auto => Ok(Method::DecisionFunction),
    }
}

/// The final estimator over out-of-fold answers. `x`: rows x (answers, then columns that are passed through).
fn fit_last(
    last: &Estimator,
    frame: &Frame<'_>,
    rows: &[usize],
    x: &Array2<f64>,
    columns: &[Column],
    seed: u64,
    progress: &dyn Progress,
) -> Result<Fitted> {
    let levels: Vec<Option<usize>> = columns.iter().map(|c| c.levels).collect();
    let (y, weight) = (pick(frame.y, rows), pick(frame.weight, rows));
    let stage = Within::new(progress, "final estimator".into());
    let whole = Problem { x: x.view(), y: &y, n_classes: frame.n_classes(), weight: &weight, levels: &levels };
    let run =
        |params: &params::Params| params.fit(&whole, None, seed, &stage).map_err(|e| e.context("in final_estimator"));
    if !last.params.stops_early() {
        return run(&last.params);
    }
    let part = |positions: &[usize]| (x.select(Axis(0), positions), pick(&y, positions), pick(&weight, positions));
    let (fitted, stop) = split(frame, rows, STOP_FRACTION, seed);
    let ((x1, y1, w1), (x2, y2, w2)) = (part(&fitted), part(&stop));
    let first = Problem { x: x1.view(), y: &y1, weight: &w1, ..whole };
    let held = Problem { x: x2.view(), y: &y2, weight: &w2, ..whole };
    let rounds =
        last.params.fit(&first, Some(&held), seed, &stage).map_err(|e| e.context("in final_estimator"))?.rounds;
    run(&last.params.with_rounds(rounds))
}
