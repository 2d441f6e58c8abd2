//! One number per metric, of rows with weights. What does not depend on the weights is computed once, so that a resample of
//! the rows, which is nothing but other weights, costs one pass.

use super::Answered;
use crate::math;
use ndarray::{ArrayView1, ArrayView2};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Something of each metric: its value, its interval, its spread. Written without those that have no meaning.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Scores<T> {
    /// See [`Metrics`](super::Metrics), as for all others.
    #[serde(skip_serializing_if = "Option::is_none", default = "none")]
    pub roc_auc: Option<T>,
    /// Likewise.
    #[serde(skip_serializing_if = "Option::is_none", default = "none")]
    pub average_precision: Option<T>,
    /// Likewise.
    #[serde(skip_serializing_if = "Option::is_none", default = "none")]
    pub log_loss: Option<T>,
    /// Likewise.
    #[serde(skip_serializing_if = "Option::is_none", default = "none")]
    pub brier: Option<T>,
    /// Likewise.
    #[serde(skip_serializing_if = "Option::is_none", default = "none")]
    pub accuracy: Option<T>,
    /// Likewise.
    #[serde(skip_serializing_if = "Option::is_none", default = "none")]
    pub balanced_accuracy: Option<T>,
    /// Likewise.
    #[serde(skip_serializing_if = "Option::is_none", default = "none")]
    pub precision: Option<T>,
    /// Likewise.
    #[serde(skip_serializing_if = "Option::is_none", default = "none")]
    pub recall: Option<T>,
    /// Likewise.
    #[serde(skip_serializing_if = "Option::is_none", default = "none")]
    pub f1: Option<T>,
    /// Likewise.
    #[serde(skip_serializing_if = "Option::is_none", default = "none")]
    pub mcc: Option<T>,
}

fn none<T>() -> Option<T> {
    None
}

/// How many metrics there are.
pub(super) const METRICS: usize = 10;

impl<T> Scores<T> {
    /// In the order of the fields.
    pub fn into_array(self) -> [Option<T>; METRICS] {
        [
            self.roc_auc,
            self.average_precision,
            self.log_loss,
            self.brier,
            self.accuracy,
            self.balanced_accuracy,
            self.precision,
            self.recall,
            self.f1,
            self.mcc,
        ]
    }

    /// In the order of the fields.
    pub fn from_array(all: [Option<T>; METRICS]) -> Self {
        let [roc_auc, average_precision, log_loss, brier, accuracy, balanced_accuracy, precision, recall, f1, mcc] =
            all;
        Scores { roc_auc, average_precision, log_loss, brier, accuracy, balanced_accuracy, precision, recall, f1, mcc }
    }
}

impl Scores<f64> {
    /// Mean and standard deviation (of the population, as `numpy.std`) of several; of those that have a meaning.
    pub fn mean_and_std(all: &[Scores<f64>]) -> (Scores<f64>, Scores<f64>) {
        let columns: Vec<[Option<f64>; METRICS]> = all.iter().map(|s| s.into_array()).collect();
        let of = |k: usize| -> Vec<f64> { columns.iter().filter_map(|c| c[k]).collect() };
        let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len() as f64;
        let each = std::array::from_fn(|k| {
            let values = of(k);
            (!values.is_empty()).then(|| {
                let mean = mean(&values);
                let squares: Vec<f64> = values.iter().map(|v| (v - mean) * (v - mean)).collect();
                (mean, (squares.iter().sum::<f64>() / squares.len() as f64).sqrt())
            })
        });
        (Scores::from_array(each.map(|e| e.map(|e| e.0))), Scores::from_array(each.map(|e| e.map(|e| e.1))))
    }
}

/// Rows from the highest score down, with where equal scores begin.
pub(super) struct Order {
    rows: Vec<u32>,
    /// Whether the score is another than that of the row before.
    first: Vec<bool>,
}

impl Order {
    pub(super) fn new(score: Vec<f64>) -> Order {
        let mut rows: Vec<u32> = (0..score.len() as u32).collect();
        rows.sort_by(|&a, &b| score[b as usize].total_cmp(&score[a as usize]));
        let first = (0..rows.len()).map(|k| k == 0 || score[rows[k] as usize] != score[rows[k - 1] as usize]).collect();
        Order { rows, first }
    }

    /// Calls `group` with the weights of positive and of negative rows of each score, highest first.
    fn groups(&self, is: impl Fn(usize) -> bool, weight: &[f64], mut group: impl FnMut(f64, f64)) {
        let (mut pos, mut neg) = (0.0, 0.0);
        for (&row, &first) in self.rows.iter().zip(&self.first) {
            if first && pos + neg > 0.0 {
                group(pos, neg);
                (pos, neg) = (0.0, 0.0);
            }
            let row = row as usize;
            let w = weight[row];
            if is(row) { pos += w } else { neg += w }
        }
        if pos + neg > 0.0 {
            group(pos, neg);
        }
    }

    pub(super) fn roc_auc(&self, is: impl Fn(usize) -> bool, weight: &[f64]) -> Option<f64> {
        let (mut above, mut negatives, mut twice) = (0.0, 0.0, 0.0);
        self.groups(is, weight, |pos, neg| {
            twice += neg * (2.0 * above + pos);
            above += pos;
            negatives += neg;
        });
        let pairs = above * negatives;
        (pairs > 0.0).then(|| twice / (2.0 * pairs))
    }

    pub(super) fn average_precision(&self, is: impl Fn(usize) -> bool, weight: &[f64]) -> Option<f64> {
        let (mut above, mut all, mut sum) = (0.0, 0.0, 0.0);
        self.groups(is, weight, |pos, neg| {
            above += pos;
            all += pos + neg;
            sum += pos * (above / all);
        });
        (above > 0.0).then(|| sum / above)
    }
}

/// What of the metrics does not depend on the rows' weights.
pub(super) struct Prepared {
    pub(super) n_classes: usize,
    y: Vec<usize>,
    pub(super) predicted: Vec<usize>,
    pub(super) weight: Vec<f64>,
    loss: Vec<f64>,
    miss: Vec<f64>,
    /// Two classes: by class 1. More: one per class.
    orders: Vec<Order>,
}

impl Prepared {
    pub(super) fn new(rows: &Answered<'_>) -> Prepared {
        let (y, p) = (rows.y, rows.probability);
        let n_classes = p.ncols();
        let scored: Vec<usize> = if n_classes == 2 { vec![1] } else { (0..n_classes).collect() };
        let each = |of: fn(usize, ArrayView1<'_, f64>) -> f64| -> Vec<f64> {
            y.iter().zip(p.rows()).map(|(&y, row)| of(y, row)).collect()
        };
        Prepared {
            n_classes,
            y: y.to_vec(),
            predicted: rows.predicted(),
            weight: rows.weight.map_or_else(|| vec![1.0; y.len()], <[f64]>::to_vec),
            loss: each(loss),
            miss: each(miss),
            orders: scored.into_par_iter().map(|c| Order::new(column(p, c))).collect(),
        }
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        self.y.len()
    }

    /// Every metric, under these weights (at least one of them above 0).
    pub(super) fn scores(&self, weight: &[f64]) -> Scores<f64> {
        let n = self.n_classes;
        let binary = n == 2;
        let (mut all, mut loss, mut miss) = (0.0, 0.0, 0.0);
        let mut confusion = vec![0.0; n * n];
        for (i, w) in weight.iter().enumerate() {
            all += w;
            loss += w * self.loss[i];
            miss += w * self.miss[i];
            confusion[self.y[i] * n + self.predicted[i]] += w;
        }
        let is = |c: usize| move |i: usize| self.y[i] == c;
        let (roc_auc, average_precision) = if binary {
            let order = &self.orders[0];
            (order.roc_auc(is(1), weight), order.average_precision(is(1), weight))
        } else {
            let each: Option<Vec<f64>> =
                self.orders.iter().enumerate().map(|(c, order)| order.roc_auc(is(c), weight)).collect();
            (each.map(|each| each.iter().sum::<f64>() / n as f64), None)
        };
        let confusion = Confusion { n, cells: &confusion };
        let (precision, recall, f1) = confusion.precision_recall_f1();
        Scores {
            roc_auc,
            average_precision,
            log_loss: Some(loss / all),
            brier: Some(miss / all),
            accuracy: Some(confusion.accuracy()),
            balanced_accuracy: Some(confusion.balanced_accuracy()),
            precision: Some(precision),
            recall: Some(recall),
            f1: Some(f1),
            mcc: Some(confusion.mcc()),
        }
    }
}

fn column(p: ArrayView2<'_, f64>, class: usize) -> Vec<f64> {
    p.column(class).to_vec()
}

/// `-ln p[y]`, as [`log_loss`](super::log_loss) has it.
pub(super) fn loss(y: usize, row: ArrayView1<'_, f64>) -> f64 {
    let sum: f64 = row.iter().sum();
    -math::ln((row[y] / sum).clamp(f64::EPSILON, 1.0 - f64::EPSILON))
}

/// The squared distance from the truth, as [`brier`](super::brier) has it.
pub(super) fn miss(y: usize, row: ArrayView1<'_, f64>) -> f64 {
    let of = |c: usize, p: f64| {
        let d = p - f64::from(u8::from(y == c));
        d * d
    };
    match row.len() {
        2 => of(1, row[1]),
        _ => row.iter().enumerate().map(|(c, &p)| of(c, p)).sum(),
    }
}

/// Weights by true class (rows) and predicted class (columns), row by row.
struct Confusion<'a> {
    n: usize,
    cells: &'a [f64],
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

impl Confusion<'_> {
    fn hits(&self, c: usize) -> f64 {
        self.cells[c * self.n + c]
    }

    fn there(&self, c: usize) -> f64 {
        self.cells[c * self.n..(c + 1) * self.n].iter().sum()
    }

    fn predicted(&self, c: usize) -> f64 {
        self.cells.iter().skip(c).step_by(self.n).sum()
    }

    /// The diagonal's share.
    fn accuracy(&self) -> f64 {
        share((0..self.n).map(|c| self.hits(c)).sum(), self.cells.iter().sum())
    }

    /// Mean recall of the classes that occur.
    fn balanced_accuracy(&self) -> f64 {
        let present = (0..self.n).map(|c| (self.hits(c), self.there(c))).filter(|(_, there)| *there > 0.0);
        let recalls: Vec<f64> = present.map(|(hits, there)| hits / there).collect();
        share(recalls.iter().sum(), recalls.len() as f64)
    }

    /// Of class 1 of two, or the mean over classes; 0 where nothing was predicted or nothing is there to be found
    /// (`zero_division=0`).
    fn precision_recall_f1(&self) -> (f64, f64, f64) {
        let of = |c: usize| {
            let (hits, predicted, there) = (self.hits(c), self.predicted(c), self.there(c));
            (share(hits, predicted), share(hits, there), share(2.0 * hits, predicted + there))
        };
        if self.n == 2 {
            return of(1);
        }
        let each: Vec<(f64, f64, f64)> = (0..self.n).map(of).collect();
        let mean = |part: fn(&(f64, f64, f64)) -> f64| each.iter().map(part).sum::<f64>() / self.n as f64;
        (mean(|e| e.0), mean(|e| e.1), mean(|e| e.2))
    }

    /// Matthews' correlation coefficient for any number of classes (J. Gorodkin, "Comparing two K-category assignments by a
    /// K-category correlation coefficient", 2004); 0 where it is not defined.
    fn mcc(&self) -> f64 {
        let n: f64 = self.cells.iter().sum();
        let hits: f64 = (0..self.n).map(|c| self.hits(c)).sum();
        let (mut cross, mut truth, mut predicted) = (0.0, 0.0, 0.0);
        for c in 0..self.n {
            let (t, p) = (self.there(c), self.predicted(c));
            cross += t * p;
            truth += t * t;
            predicted += p * p;
        }
        let scale = ((n * n - predicted) * (n * n - truth)).sqrt();
        if scale > 0.0 { (hits * n - cross) / scale } else { 0.0 }
    }
}
