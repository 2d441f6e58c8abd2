//! Calibration: a fitted model's probabilities corrected by answers to rows that it did not see (scikit-learn's
//! `CalibratedClassifierCV`).
//!
//! By folds, the model that is kept is fitted on all rows, and one calibrator on the out-of-fold answers of models like it
//! (`ensemble=False`); a boosted model keeps the number of rounds of the first in every fold. With `held_out`, a fifth of the rows is
//! answered by the model fitted on the others. Either way all happens within the rows given: rows that metrics are told on stay unseen.
//!
//! What is corrected is the score before the link where there is one, else the probability, as in scikit-learn; so a support vector
//! machine needs no probabilities of its own. The rows' own weights count, those of classes do not: probabilities are to be those of the
//! rows, however much a class weighed in the fit.

pub(crate) mod curves;
#[cfg(test)]
mod tests;

use super::Progress;
use super::answer::{by_row, encode};
use super::config::{Calibration, CalibrationMethod, CalibrationRows};
use super::ensemble::folds::{Folds, out_of_fold, pick, split};
use super::estimator::{Estimator, Fit, Frame};
use crate::error::Result;
use crate::math::bounded;
use crate::model::Model;
use crate::model::calibration::{Calibrated, Calibrator, Input};
use crate::model::members::Members;
use crate::wire::Nested;
use curves::{isotonic, platt, temperature};
use ndarray::{Array2, ArrayView2, Axis};

/// The part of the rows that `held_out` keeps.
const HELD_OUT: f64 = 0.2;

/// Fits `bare` and what corrects it on `rows`. `held_out`: rows that early stopping looks at.
pub(super) fn fit(
    calibration: &Calibration,
    bare: &Estimator,
    frame: &Frame<'_>,
    rows: &[usize],
    held_out: Option<&[usize]>,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Fit> {
    match calibration.cv {
        CalibrationRows::Folds(n) => {
            let folds = Folds::stratified(frame, rows, n, seed).map_err(|e| e.context("in calibration"))?;
            by_folds(calibration.method, bare, frame, rows, &folds, held_out, seed, progress)
        }
        CalibrationRows::HeldOut => {
            let (first, kept) = split(frame, rows, HELD_OUT, seed);
            let kept = pick(rows, &kept);
            let fit = bare.fit(frame, &pick(rows, &first), held_out, seed, progress)?;
            let answers = answer(&fit, input(&fit.fitted.model), frame, &kept);
            Ok(corrected(calibration.method, fit, frame, &kept, answers.view()))
        }
    }
}

/// By the out-of-fold answers of models like the one that is fitted on all `rows`.
#[expect(clippy::too_many_arguments)]
fn by_folds(
    method: CalibrationMethod,
    bare: &Estimator,
    frame: &Frame<'_>,
    rows: &[usize],
    folds: &Folds,
    held_out: Option<&[usize]>,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Fit> {
    let fit = bare.fit(frame, rows, held_out, seed, progress)?;
    let like = bare.with_rounds(fit.fitted.rounds);
    let input = input(&fit.fitted.model);
    let mut answers = Array2::zeros((rows.len(), width(frame)));
    out_of_fold("calibration", &like, frame, rows, folds, seed, progress, |fit, left_out| {
        let own = answer(fit, input, frame, &pick(rows, left_out));
        left_out.iter().zip(own.rows()).for_each(|(&i, row)| answers.row_mut(i).assign(&row));
        Ok(())
    })
    .map_err(|e| e.context("in calibration"))?;
    progress.proceed()?;
    Ok(corrected(method, fit, frame, rows, answers.view()))
}

/// The fit with its correction over it. `answers`: to `rows`, by models that did not see them.
fn corrected(
    method: CalibrationMethod,
    mut fit: Fit,
    frame: &Frame<'_>,
    rows: &[usize],
    answers: ArrayView2<'_, f64>,
) -> Fit {
    let (y, weight) = (pick(frame.y, rows), pick(frame.own_weight, rows));
    let calibrator = calibrator(method, input(&fit.fitted.model), answers, &y, &weight, frame.n_classes());
    let before = (fit.encoders, fit.fitted.model);
    let (encoders, members, _) = Members::gather([before.clone()], None);
    fit.encoders = encoders;
    fit.fitted.model = Model::Calibrated(Nested::new(Calibrated { members, calibrators: vec![calibrator] }));
    fit.uncalibrated = Some(before);
    fit
}

/// What of the model is corrected.
fn input(model: &Model) -> Input {
    if model.has_margin() { Input::Margin } else { Input::Probability }
}

/// Numbers per row: one for two classes, else one per class.
fn width(frame: &Frame<'_>) -> usize {
    if frame.n_classes() == 2 { 1 } else { frame.n_classes() }
}

/// rows x what is corrected.
fn answer(fit: &Fit, input: Input, frame: &Frame<'_>, rows: &[usize]) -> Array2<f64> {
    let x = encode(&fit.encoders, frame.slots.select(Axis(0), rows).view());
    let (model, n) = (&fit.fitted.model, frame.n_classes());
    by_row(x.view(), width(frame), |x, out| {
        match input {
            Input::Margin => model.margin(x, out),
            Input::Probability => {
                let mut all = vec![0.0; n];
                model.predict_proba(x, &mut all);
                out.copy_from_slice(&all[n - out.len()..]);
            }
        }
        out.iter_mut().for_each(|v| *v = bounded(*v));
    })
}

/// Fits the correction. `answers`: rows x 1 for two classes, else rows x classes.
fn calibrator(
    method: CalibrationMethod,
    input: Input,
    answers: ArrayView2<'_, f64>,
    y: &[usize],
    weight: &[f64],
    n_classes: usize,
) -> Calibrator {
    // Of two classes the second, else each against the rest.
    let first = if n_classes == 2 { 1 } else { 0 };
    let each = answers.columns().into_iter().enumerate().map(|(k, column)| {
        let is: Vec<bool> = y.iter().map(|&c| c == first + k).collect();
        (column.to_vec(), is)
    });
    match method {
        CalibrationMethod::Sigmoid => {
            let (a, b) = each.map(|(f, is)| platt(&f, &is, weight)).unzip();
            Calibrator::Platt { input, a, b }
        }
        CalibrationMethod::Isotonic => {
            let (x, y) = each.map(|(f, is)| isotonic(&f, &is, weight)).unzip();
            Calibrator::Isotonic { input, x, y }
        }
        CalibrationMethod::Temperature => {
            let logits = logits(input, answers, n_classes);
            Calibrator::Temperature { input, inverse_temperature: temperature(logits.view(), y, weight) }
        }
    }
}

/// rows x classes: what is multiplied, as [`Calibrator::Temperature`] says.
fn logits(input: Input, answers: ArrayView2<'_, f64>, n_classes: usize) -> Array2<f64> {
    let two = n_classes == 2;
    let at = |i: usize, k: usize| match input {
        Input::Margin if two => [-answers[[i, 0]], answers[[i, 0]]][k],
        Input::Margin => answers[[i, k]],
        Input::Probability => {
            let p = if two { [1.0 - answers[[i, 0]], answers[[i, 0]]][k] } else { answers[[i, k]] };
            crate::math::ln(p + 1e-12)
        }
    };
    Array2::from_shape_fn((answers.nrows(), n_classes), |(i, k)| at(i, k))
}
