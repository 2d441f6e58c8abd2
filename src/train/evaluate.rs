//! Judging: rows answered by models that were not fitted on them.

use super::answer::{predict, slots};
use super::config::{BOOTSTRAP, Config, PERMUTATIONS, Strategy};
use super::estimator::{Estimator, Fit, Frame};
use super::permute::{Permuted, Rows, permutation};
use super::rows::{self, Divisions};
use super::slices::{Slice, slices};
use super::threshold::choose;
use super::{Evaluation, Progress};
use crate::artifact::Artifact;
use crate::data::folds::Fold;
use crate::data::{AsOf, Dataset, Table};
use crate::error::{Error, ErrorKind, Result};
use crate::metrics::{Answered, Bootstrap, Metrics, Scores};
use crate::model::Model;
use crate::pipeline::Encoders;
use crate::schema::Schema;
use ndarray::{Array2, ArrayView2, Axis};
use serde::Serialize;

/// What became of the rows that judge.
pub(super) struct Judged {
    /// A fit, and rows it did not see: under `holdout` the one that judged, else that of the last fold.
    pub(super) probe: Fit,
    pub(super) probe_rows: Vec<usize>,
    /// The rows that were judged, each once, ascending.
    pub(super) rows: Vec<usize>,
    /// Their answers, rows x classes.
    pub(super) probability: Array2<f64>,
    /// The same before calibration, where there is one.
    pub(super) uncalibrated: Option<Array2<f64>>,
    /// Cross-validation: each fold's rows and answers, repetition after repetition.
    folds: Vec<(Vec<usize>, Array2<f64>)>,
    /// Boosting: what early stopping chose.
    pub(super) rounds: Option<usize>,
    /// Boosting: the learning curve of the fit that chose it.
    pub(super) curve: Vec<(f64, Option<f64>)>,
    pub(super) notes: Vec<String>,
}

/// Fits on the training part of each division and answers what it holds out.
pub(super) fn judge(
    divisions: &Divisions,
    estimator: &Estimator,
    frame: &Frame<'_>,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Judged> {
    let answers = |encoders: &Encoders, model: &Model, rows: &[usize]| {
        predict(encoders, model, frame.slots.select(Axis(0), rows).view(), frame.n_classes())
    };
    let both = |fit: &mut Fit, rows: &[usize]| {
        let before = fit.uncalibrated.take().filter(|(_, model)| model.has_probability());
        let before = before.map(|(encoders, model)| answers(&encoders, &model, rows));
        (answers(&fit.encoders, &fit.fitted.model, rows), before)
    };
    let Fold { train, held_out } = &divisions.holdout;
    if divisions.strategy == Strategy::Holdout {
        let mut probe = estimator.fit(frame, train, Some(held_out), seed, progress)?;
        let (probability, uncalibrated) = both(&mut probe, held_out);
        return Ok(Judged {
            rows: held_out.clone(),
            probe_rows: held_out.clone(),
            probability,
            uncalibrated,
            folds: Vec::new(),
            rounds: probe.fitted.rounds,
            curve: std::mem::take(&mut probe.fitted.curve),
            notes: std::mem::take(&mut probe.notes),
            probe,
        });
    }
    // How many rounds is chosen once, by a part that is held out, not anew by the rows that judge.
    let mut first = match estimator.with_rounds(Some(1)) == *estimator {
        true => None,
        false => Some(estimator.fit(frame, train, Some(held_out), seed, progress)?),
    };
    let rounds = first.as_ref().and_then(|fit| fit.fitted.rounds);
    let curve = first.as_mut().map(|fit| std::mem::take(&mut fit.fitted.curve)).unwrap_or_default();
    let estimator = estimator.with_rounds(rounds);
    let mut notes = first.map(|fit| fit.notes).unwrap_or_default();
    let (mut folds, mut uncalibrated, mut last) = (Vec::new(), Vec::new(), None);
    for fold in divisions.folds.iter().flatten() {
        let mut fit = estimator.fit(frame, &fold.train, None, seed, progress)?;
        let (probability, before) = both(&mut fit, &fold.held_out);
        folds.push((fold.held_out.clone(), probability));
        uncalibrated.extend(before);
        for note in std::mem::take(&mut fit.notes) {
            if !notes.contains(&note) {
                notes.push(note);
            }
        }
        last = Some((fit, fold.held_out.clone()));
    }
    // There are folds, or `Divisions` would have been an error.
    let (probe, probe_rows) = match last {
        Some(last) => last,
        None => (estimator.fit(frame, train, None, seed, progress)?, held_out.clone()),
    };
    // Of the first repetition: each row once.
    let once = divisions.folds.first().map_or(0, Vec::len);
    let mut order: Vec<(usize, usize, usize)> = (folds[..once].iter().enumerate())
        .flat_map(|(f, (rows, _)): (usize, &(Vec<usize>, Array2<f64>))| {
            rows.iter().enumerate().map(move |(k, &i)| (i, f, k))
        })
        .collect();
    order.sort_unstable();
    let gathered = |parts: Vec<&Array2<f64>>| {
        let mut all = Array2::zeros((order.len(), frame.n_classes()));
        for (mut to, (_, f, k)) in all.rows_mut().into_iter().zip(&order) {
            to.assign(&parts[*f].row(*k));
        }
        all
    };
    let probability = gathered(folds.iter().map(|f| &f.1).collect());
    let uncalibrated = (uncalibrated.len() >= once && once > 0).then(|| gathered(uncalibrated.iter().collect()));
    let rows = order.iter().map(|(i, _, _)| *i).collect();
    Ok(Judged { probe, probe_rows, rows, probability, uncalibrated, folds, rounds, curve, notes })
}

/// How the folds of a cross-validation came out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CrossValidation {
    /// How the rows were divided.
    pub strategy: Strategy,
    /// How often.
    pub repeats: usize,
    /// Rows judged in each fold, repetition after repetition.
    pub rows: Vec<usize>,
    /// Each fold's metrics.
    pub folds: Vec<Scores<f64>>,
    /// Their means; of a metric without meaning in some fold over the others.
    pub mean: Scores<f64>,
    /// Their standard deviations (of the population, as `numpy.std`).
    pub std: Scores<f64>,
}

impl Judged {
    /// What `training.threshold` asks for, by the rows that were judged.
    pub(super) fn threshold(&self, config: &Config, frame: &Frame<'_>, own: Option<&[f64]>) -> Result<Option<f64>> {
        let Some(wanted) = config.training.threshold else { return Ok(None) };
        if frame.n_classes() != 2 {
            let message =
                format!("training.threshold tells two classes apart, and the target has {}", frame.n_classes());
            return Err(Error::new(ErrorKind::Config, message));
        }
        let is_1: Vec<bool> = self.rows.iter().map(|&i| frame.y[i] == 1).collect();
        let weight = own.map(|w| pick(w, &self.rows));
        choose(wanted, &is_1, &self.probability.column(1).to_vec(), weight.as_deref()).map(Some)
    }

    /// By the fit and the rows it did not see. `name`: of a slot.
    pub(super) fn permuted(
        &self,
        config: &Config,
        frame: &Frame<'_>,
        own: Option<&[f64]>,
        name: impl Fn(usize) -> String,
        progress: &dyn Progress,
    ) -> Result<Vec<Permuted>> {
        let (y, weight) = (pick(frame.y, &self.probe_rows), own.map(|w| pick(w, &self.probe_rows)));
        let slots = frame.slots.select(Axis(0), &self.probe_rows);
        let rows = Rows { slots: slots.view(), y: &y, weight: weight.as_deref(), n_classes: frame.n_classes() };
        let repeats = config.evaluation.permutations.unwrap_or(PERMUTATIONS);
        permutation(&self.probe.encoders, &self.probe.fitted.model, &rows, repeats, config.seed, name, progress)
    }

    /// How good the answers are, and how good they were before calibration.
    pub(super) fn evaluations(
        &mut self,
        config: &Config,
        schema: &Schema,
        frame: &Frame<'_>,
        own: Option<&[f64]>,
        threshold: Option<f64>,
    ) -> (Evaluation, Option<Evaluation>) {
        let slots = frame.slots.select(Axis(0), &self.rows);
        let of = |probability: Array2<f64>, bootstrap| {
            let (y, weight) = (pick(frame.y, &self.rows), own.map(|w| pick(w, &self.rows)));
            Evaluation::new(y, probability, weight, threshold, (schema, slots.view()), bootstrap)
        };
        let probability = std::mem::take(&mut self.probability);
        let before = self.uncalibrated.take().map(|p| of(p, Bootstrap::new(0, 0)));
        (of(probability, bootstrap(config)), before)
    }

    /// Per fold, where there are folds.
    pub(super) fn cross_validation(
        &self,
        divisions: &Divisions,
        y: &[usize],
        weight: Option<&[f64]>,
        threshold: Option<f64>,
    ) -> Option<CrossValidation> {
        if self.folds.is_empty() {
            return None;
        }
        let scores = |(rows, p): &(Vec<usize>, Array2<f64>)| {
            let y = pick(y, rows);
            let weight = weight.map(|w| pick(w, rows));
            let answered = Answered { y: &y, probability: p.view(), weight: weight.as_deref(), threshold };
            Metrics::weighed(&answered).scores()
        };
        let folds: Vec<Scores<f64>> = self.folds.iter().map(scores).collect();
        let (mean, std) = Scores::mean_and_std(&folds);
        let rows = self.folds.iter().map(|(rows, _)| rows.len()).collect();
        Some(CrossValidation { strategy: divisions.strategy, repeats: divisions.folds.len(), rows, folds, mean, std })
    }
}

/// The values of some rows.
pub(super) fn pick<T: Copy>(of: &[T], rows: &[usize]) -> Vec<T> {
    rows.iter().map(|&i| of[i]).collect()
}

/// The intervals a config asks for.
pub(super) fn bootstrap(config: &Config) -> Bootstrap {
    Bootstrap::new(config.evaluation.bootstrap.unwrap_or(BOOTSTRAP), config.seed)
}

impl Evaluation {
    /// Of rows and their answers. `slots`: at least the rows' fields.
    pub(super) fn new(
        y: Vec<usize>,
        probability: Array2<f64>,
        weight: Option<Vec<f64>>,
        threshold: Option<f64>,
        (schema, slots): (&Schema, ArrayView2<'_, f64>),
        bootstrap: Bootstrap,
    ) -> Evaluation {
        let answered = Answered { y: &y, probability: probability.view(), weight: weight.as_deref(), threshold };
        let metrics = Metrics::with_intervals(&answered, bootstrap);
        let slices: Vec<Slice> = slices(schema, slots, &answered);
        Evaluation { y, probability, weight, metrics, slices, rejected: Vec::new() }
    }
}

/// How good `artifact`'s answers to the rows of `table` are. `target`: its column of labels; `as_of`: what `now()` means;
/// `weight`: a column that says how much each row counts.
///
/// # Errors
/// A column that is not there, a label that is none of the model's classes, or no row that the schema accepts. Rows that it
/// refuses are in [`Evaluation::rejected`].
pub fn judge_rows(
    artifact: &Artifact,
    table: &Table,
    target: &str,
    as_of: &AsOf,
    weight: Option<&str>,
    bootstrap: Bootstrap,
) -> Result<Evaluation> {
    let data = Dataset::from_table(table, &artifact.schema, target, &artifact.classes, as_of)?;
    if data.is_empty() {
        let why = data.rejected.first().and_then(|r| r.violations.first().map(|v| (r.line, v)));
        let why = why.map_or_else(
            || "it has no rows".to_owned(),
            |(line, v)| format!("the schema accepts none of its rows (line {line}: `{}`: {})", v.field, v.message),
        );
        return Err(Error::new(ErrorKind::Data, format!("there is nothing to evaluate: {why}")));
    }
    let weight = weight.map(|column| rows::weights(column, &data, table)).transpose()?;
    let slots = slots(&artifact.pipeline, &data);
    let probability = predict(&artifact.pipeline.encoders, &artifact.model, slots.view(), artifact.classes.len());
    let of = (&artifact.schema, slots.view());
    let evaluation = Evaluation::new(data.y, probability, weight, artifact.threshold, of, bootstrap);
    Ok(Evaluation { rejected: data.rejected, ..evaluation })
}

/// A training run's test rows. They count alike where they have no column of weights.
pub(super) fn test_rows(
    config: &Config,
    artifact: &Artifact,
    target: &str,
    as_of: &AsOf,
    table: &Table,
) -> Result<Evaluation> {
    let weight = config.data.weight_column.as_deref().filter(|name| table.column(name).is_ok());
    judge_rows(artifact, table, target, as_of, weight, bootstrap(config)).map_err(|e| e.context("in the test rows"))
}
