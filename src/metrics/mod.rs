//! How good probabilities are: scikit-learn's metrics, by its names.
//!
//! Labels are class indices; probabilities are rows x classes. A metric that has no meaning for the rows at hand (an AUC where
//! one class is absent) is `None`, never a number that looks like one. Sums run in row order, so the same rows give the same bits.
//! Rows may have weights, as scikit-learn's `sample_weight`: a row of weight 2 counts as two.

mod bootstrap;
mod curves;
mod scores;

pub use bootstrap::{Bootstrap, Intervals};
pub use curves::{precision_recall_curve, reliability, roc_curve};
pub use scores::Scores;

use crate::math;
use ndarray::ArrayView2;
use scores::Prepared;
use serde::{Deserialize, Serialize};

/// Rows with what is true of them and what a model answered.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// True classes, at least one.
    pub y: &'a [usize],
    /// rows x classes.
    pub probability: ArrayView2<'a, f64>,
    /// Per row a factor, finite and at least 0, not all 0; `None`: all 1.
    pub weight: Option<&'a [f64]>,
    /// Two classes: from which probability on class 1 is predicted; `None`: the most probable class is.
    pub threshold: Option<f64>,
}

impl<'a> Answered<'a> {
    /// Without weights and threshold.
    pub fn new(y: &'a [usize], probability: ArrayView2<'a, f64>) -> Self {
        Answered { y, probability, weight: None, threshold: None }
    }

    /// The predicted class of each row.
    pub fn predicted(&self) -> Vec<usize> {
        let of = |row: ndarray::ArrayView1<'_, f64>| math::decide(&row.to_vec(), self.threshold);
        self.probability.rows().into_iter().map(of).collect()
    }
}

/// All metrics of one set of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Metrics {
    /// Number of rows.
    pub rows: usize,
    /// Two classes: of class 1. More: the mean over classes, each against the rest (`multi_class='ovr', average='macro'`).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub roc_auc: Option<f64>,
    /// Two classes: `average_precision_score` of class 1.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub average_precision: Option<f64>,
    /// Mean of `-ln(probability of the true class)`, in nats.
    pub log_loss: f64,
    /// Two classes: mean of `(p - y)^2` for class 1, in 0..=1. More: the sum of it over classes, in 0..=2.
    pub brier: f64,
    /// Share of rows whose predicted class is the true one.
    pub accuracy: f64,
    /// Mean recall of the classes that occur.
    pub balanced_accuracy: f64,
    /// Two classes: of class 1. More: the mean over classes.
    pub precision: f64,
    /// Likewise.
    pub recall: f64,
    /// Likewise.
    pub f1: f64,
    /// Matthews' correlation of true and predicted classes, in -1..=1.
    pub mcc: f64,
    /// Rows (not their weights): true class; columns: predicted class. Not written for more than [`MAX_WRITTEN_CONFUSION`] classes.
    #[serde(default, skip_serializing_if = "unwieldy")]
    pub confusion: Vec<Vec<u64>>,
    /// How far other rows of the same kind might have moved them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub intervals: Option<Intervals>,
}

/// A confusion matrix of more classes is left out of files: nobody reads it, and it grows with the square.
pub const MAX_WRITTEN_CONFUSION: usize = 100;

fn unwieldy(confusion: &[Vec<u64>]) -> bool {
    confusion.len() > MAX_WRITTEN_CONFUSION
}

impl Metrics {
    /// Of probabilities `p` (rows x classes, at least one row) against the true classes `y`.
    pub fn of(y: &[usize], p: ArrayView2<'_, f64>) -> Metrics {
        Metrics::weighed(&Answered::new(y, p))
    }

    /// Of rows that may have weights and a threshold; no intervals.
    pub fn weighed(rows: &Answered<'_>) -> Metrics {
        Metrics::new(rows, &Prepared::new(rows), None)
    }

    /// With intervals.
    pub fn with_intervals(rows: &Answered<'_>, bootstrap: Bootstrap) -> Metrics {
        let prepared = Prepared::new(rows);
        let intervals = bootstrap.intervals(&prepared);
        Metrics::new(rows, &prepared, intervals)
    }

    fn new(rows: &Answered<'_>, prepared: &Prepared, intervals: Option<Intervals>) -> Metrics {
        let of = prepared.scores(&prepared.weight);
        // Rows are there: only the two areas can be without meaning.
        let some = |v: Option<f64>| v.unwrap_or(0.0);
        Metrics {
            rows: rows.y.len(),
            roc_auc: of.roc_auc,
            average_precision: of.average_precision,
            log_loss: some(of.log_loss),
            brier: some(of.brier),
            accuracy: some(of.accuracy),
            balanced_accuracy: some(of.balanced_accuracy),
            precision: some(of.precision),
            recall: some(of.recall),
            f1: some(of.f1),
            mcc: some(of.mcc),
            confusion: confusion(rows.y, &prepared.predicted, rows.probability.ncols()),
            intervals,
        }
    }

    /// The same numbers by name.
    pub fn scores(&self) -> Scores<f64> {
        Scores {
            roc_auc: self.roc_auc,
            average_precision: self.average_precision,
            log_loss: Some(self.log_loss),
            brier: Some(self.brier),
            accuracy: Some(self.accuracy),
            balanced_accuracy: Some(self.balanced_accuracy),
            precision: Some(self.precision),
            recall: Some(self.recall),
            f1: Some(self.f1),
            mcc: Some(self.mcc),
        }
    }
}

/// The most probable class of each row; of equals the first.
pub fn predictions(p: ArrayView2<'_, f64>) -> Vec<usize> {
    Answered::new(&[], p).predicted()
}

/// Probability that a positive row scores above a negative one, ties counting half (`roc_auc_score`); `None` where one kind is
/// absent.
pub fn roc_auc(y: &[bool], score: &[f64]) -> Option<f64> {
    scores::Order::new(score.to_vec()).roc_auc(|i| y[i], &vec![1.0; y.len()])
}

/// Sum over thresholds of precision times the rise in recall (`average_precision_score`); `None` without positive rows.
pub fn average_precision(y: &[bool], score: &[f64]) -> Option<f64> {
    scores::Order::new(score.to_vec()).average_precision(|i| y[i], &vec![1.0; y.len()])
}

/// Mean of `-ln p[true class]`; probabilities are kept `f64::EPSILON` away from 0 and 1, as scikit-learn does.
pub fn log_loss(y: &[usize], p: ArrayView2<'_, f64>) -> f64 {
    y.iter().zip(p.rows()).map(|(&y, row)| scores::loss(y, row)).sum::<f64>() / y.len() as f64
}

/// Mean squared distance from the truth (`brier_score_loss`): two classes: of class 1; more: summed over classes.
pub fn brier(y: &[usize], p: ArrayView2<'_, f64>) -> f64 {
    y.iter().zip(p.rows()).map(|(&y, row)| scores::miss(y, row)).sum::<f64>() / y.len() as f64
}

/// Counts by true class (rows) and predicted class (columns).
pub fn confusion(y: &[usize], predicted: &[usize], n_classes: usize) -> Vec<Vec<u64>> {
    let mut out = vec![vec![0; n_classes]; n_classes];
    for (&y, &p) in y.iter().zip(predicted) {
        out[y][p] += 1;
    }
    out
}
