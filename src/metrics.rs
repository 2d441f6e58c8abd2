//! How good probabilities are: scikit-learn's metrics, by its names.
//!
//! Labels are class indices; probabilities are rows x classes. A metric that has no meaning for the rows at hand (an AUC where
//! one class is absent) is `None`, never a number that looks like one. Sums run in row order, so the same rows give the same bits.

use crate::math;
use ndarray::ArrayView2;
use serde::{Deserialize, Serialize};

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
    /// Share of rows whose most probable class is the true one.
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
    /// Rows: true class; columns: predicted class. Not written for more than [`MAX_WRITTEN_CONFUSION`] classes.
    #[serde(default, skip_serializing_if = "unwieldy")]
    pub confusion: Vec<Vec<u64>>,
}

/// A confusion matrix of more classes is left out of files: nobody reads it, and it grows with the square.
pub const MAX_WRITTEN_CONFUSION: usize = 100;

fn unwieldy(confusion: &[Vec<u64>]) -> bool {
    confusion.len() > MAX_WRITTEN_CONFUSION
}

impl Metrics {
    /// Of probabilities `p` (rows x classes, at least one row) against the true classes `y`.
    pub fn of(y: &[usize], p: ArrayView2<'_, f64>) -> Metrics {
        let n_classes = p.ncols();
        let confusion = confusion(y, &predictions(p), n_classes);
        let binary = n_classes == 2;
        let score = |c: usize| -> Vec<f64> { p.column(c).to_vec() };
        let is = |c: usize| -> Vec<bool> { y.iter().map(|&v| v == c).collect() };
        let aucs: Option<Vec<f64>> = if binary { vec![1] } else { (0..n_classes).collect() }
            .into_iter()
            .map(|c| roc_auc(&is(c), &score(c)))
            .collect();
        let each: Vec<(f64, f64, f64)> = (0..n_classes).map(|c| precision_recall_f1(&confusion, c)).collect();
        let (precision, recall, f1) = if binary {
            each[1]
        } else {
            let mean = |part: fn(&(f64, f64, f64)) -> f64| each.iter().map(part).sum::<f64>() / n_classes as f64;
            (mean(|e| e.0), mean(|e| e.1), mean(|e| e.2))
        };
        Metrics {
            rows: y.len(),
            roc_auc: aucs.map(|a| a.iter().sum::<f64>() / a.len() as f64),
            average_precision: if binary { average_precision(&is(1), &score(1)) } else { None },
            log_loss: log_loss(y, p),
            brier: brier(y, p),
            accuracy: accuracy(&confusion),
            balanced_accuracy: balanced_accuracy(&confusion),
            precision,
            recall,
            f1,
            mcc: mcc(&confusion),
            confusion,
        }
    }
}

/// The most probable class of each row; of equals the first.
pub fn predictions(p: ArrayView2<'_, f64>) -> Vec<usize> {
    let best = |row: ndarray::ArrayView1<'_, f64>| (1..row.len()).fold(0, |b, c| if row[c] > row[b] { c } else { b });
    p.rows().into_iter().map(best).collect()
}

/// Groups of rows with equal scores, highest first: `(score, positives, negatives)` each.
fn tied_groups(y: &[bool], score: &[f64]) -> Vec<(f64, u64, u64)> {
    let mut order: Vec<usize> = (0..y.len()).collect();
    order.sort_by(|&a, &b| score[b].total_cmp(&score[a]));
    let mut groups: Vec<(f64, u64, u64)> = Vec::new();
    for i in order {
        match groups.last_mut() {
            Some(g) if g.0 == score[i] => {
                g.1 += u64::from(y[i]);
                g.2 += u64::from(!y[i]);
            }
            _ => groups.push((score[i], u64::from(y[i]), u64::from(!y[i]))),
        }
    }
    groups
}

/// Probability that a positive row scores above a negative one, ties counting half (`roc_auc_score`); `None` where one kind is
/// absent.
pub fn roc_auc(y: &[bool], score: &[f64]) -> Option<f64> {
    let (mut above, mut twice) = (0u64, 0u128);
    let mut negatives = 0u64;
    for (_, pos, neg) in tied_groups(y, score) {
        twice += u128::from(neg) * u128::from(2 * above + pos);
        above += pos;
        negatives += neg;
    }
    let pairs = u128::from(above) * u128::from(negatives);
    (pairs > 0).then(|| twice as f64 / (2.0 * pairs as f64))
}

/// Sum over thresholds of precision times the rise in recall (`average_precision_score`); `None` without positive rows.
pub fn average_precision(y: &[bool], score: &[f64]) -> Option<f64> {
    let (mut pos, mut all, mut sum) = (0u64, 0u64, 0.0);
    for (_, p, n) in tied_groups(y, score) {
        pos += p;
        all += p + n;
        sum += p as f64 * (pos as f64 / all as f64);
    }
    (pos > 0).then(|| sum / pos as f64)
}

/// Points `(false positive rate, true positive rate)` from (0, 0) to (1, 1); `None` where one kind is absent.
pub fn roc_curve(y: &[bool], score: &[f64]) -> Option<Vec<(f64, f64)>> {
    let positives = y.iter().filter(|v| **v).count() as f64;
    let negatives = y.len() as f64 - positives;
    if positives == 0.0 || negatives == 0.0 {
        return None;
    }
    let (mut tp, mut fp) = (0u64, 0u64);
    let mut out = vec![(0.0, 0.0)];
    for (_, p, n) in tied_groups(y, score) {
        tp += p;
        fp += n;
        out.push((fp as f64 / negatives, tp as f64 / positives));
    }
    Some(out)
}

/// Points `(recall, precision)` from the highest threshold down; `None` without positive rows.
pub fn precision_recall_curve(y: &[bool], score: &[f64]) -> Option<Vec<(f64, f64)>> {
    let positives = y.iter().filter(|v| **v).count() as f64;
    if positives == 0.0 {
        return None;
    }
    let (mut tp, mut all) = (0u64, 0u64);
    let curve = tied_groups(y, score).into_iter().map(|(_, p, n)| {
        tp += p;
        all += p + n;
        (tp as f64 / positives, tp as f64 / all as f64)
    });
    Some(curve.collect())
}

/// Per bin of equal width that has rows: mean probability, share of positives, rows (`calibration_curve`).
pub fn reliability(y: &[bool], p: &[f64], bins: usize) -> Vec<(f64, f64, u64)> {
    let mut sums = vec![(0.0, 0u64, 0u64); bins];
    for (&y, &p) in y.iter().zip(p) {
        let bin = &mut sums[((p * bins as f64) as usize).min(bins - 1)];
        bin.0 += p;
        bin.1 += u64::from(y);
        bin.2 += 1;
    }
    let filled = sums.into_iter().filter(|b| b.2 > 0);
    filled.map(|(p, pos, n)| (p / n as f64, pos as f64 / n as f64, n)).collect()
}

/// Mean of `-ln p[true class]`; probabilities are kept `f64::EPSILON` away from 0 and 1, as scikit-learn does.
pub fn log_loss(y: &[usize], p: ArrayView2<'_, f64>) -> f64 {
    let each = y.iter().zip(p.rows()).map(|(&y, row)| {
        let sum: f64 = row.iter().sum();
        -math::ln((row[y] / sum).clamp(f64::EPSILON, 1.0 - f64::EPSILON))
    });
    each.sum::<f64>() / y.len() as f64
}

/// Mean squared distance from the truth (`brier_score_loss`): two classes: of class 1; more: summed over classes.
pub fn brier(y: &[usize], p: ArrayView2<'_, f64>) -> f64 {
    let miss = |y: usize, c: usize, p: f64| {
        let d = p - f64::from(u8::from(y == c));
        d * d
    };
    let each = y.iter().zip(p.rows()).map(|(&y, row)| match row.len() {
        2 => miss(y, 1, row[1]),
        _ => row.iter().enumerate().map(|(c, &p)| miss(y, c, p)).sum(),
    });
    each.sum::<f64>() / y.len() as f64
}

/// Counts by true class (rows) and predicted class (columns).
pub fn confusion(y: &[usize], predicted: &[usize], n_classes: usize) -> Vec<Vec<u64>> {
    let mut out = vec![vec![0; n_classes]; n_classes];
    for (&y, &p) in y.iter().zip(predicted) {
        out[y][p] += 1;
    }
    out
}

fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

fn column_sum(confusion: &[Vec<u64>], c: usize) -> u64 {
    confusion.iter().map(|row| row[c]).sum()
}

/// The diagonal's share.
pub fn accuracy(confusion: &[Vec<u64>]) -> f64 {
    let hits = confusion.iter().enumerate().map(|(c, row)| row[c]).sum();
    share(hits, confusion.iter().flatten().sum())
}

/// Mean recall of the classes that occur.
pub fn balanced_accuracy(confusion: &[Vec<u64>]) -> f64 {
    let present = confusion.iter().enumerate().filter(|(_, row)| row.iter().any(|v| *v > 0));
    let recalls: Vec<f64> = present.map(|(c, row)| share(row[c], row.iter().sum())).collect();
    if recalls.is_empty() { 0.0 } else { recalls.iter().sum::<f64>() / recalls.len() as f64 }
}

/// Of one class; 0 where nothing was predicted or nothing is there to be found (`zero_division=0`).
pub fn precision_recall_f1(confusion: &[Vec<u64>], class: usize) -> (f64, f64, f64) {
    let hits = confusion[class][class];
    let (predicted, there) = (column_sum(confusion, class), confusion[class].iter().sum::<u64>());
    (share(hits, predicted), share(hits, there), share(2 * hits, predicted + there))
}

/// Matthews' correlation coefficient for any number of classes (Gorodkin 2004); 0 where it is not defined.
pub fn mcc(confusion: &[Vec<u64>]) -> f64 {
    let n = confusion.iter().flatten().sum::<u64>() as f64;
    let hits = confusion.iter().enumerate().map(|(c, row)| row[c]).sum::<u64>() as f64;
    let (mut cross, mut truth, mut predicted) = (0.0, 0.0, 0.0);
    for (c, row) in confusion.iter().enumerate() {
        let t = row.iter().sum::<u64>() as f64;
        let p = column_sum(confusion, c) as f64;
        cross += t * p;
        truth += t * t;
        predicted += p * p;
    }
    let scale = ((n * n - predicted) * (n * n - truth)).sqrt();
    if scale > 0.0 { (hits * n - cross) / scale } else { 0.0 }
}
