//! From decision values to probabilities: Platt's sigmoid, fitted as Lin, Lin and Weng do ("A note on Platt's probabilistic outputs for
//! support vector machines", 2007, appendix), and the folds whose machines give the decision values.

use crate::math::{exp, ln, ln_1p};
use crate::train::rng;
use rand::seq::SliceRandom;

/// Machines that give decision values of rows they did not see.
pub(super) const FOLDS: usize = 5;

/// Which fold each row is held out in. Each class is shuffled and dealt out in turn, the second going on where the first ended: libsvm
/// shuffles all rows together, so that a fold may lack a rare class.
pub(super) fn folds(y: &[f64], seed: u64, stream: u64) -> Vec<u8> {
    let mut rng = rng(seed, stream);
    let mut order = Vec::with_capacity(y.len());
    for sign in [1.0, -1.0] {
        let start = order.len();
        order.extend((0..y.len()).filter(|i| y[*i] == sign));
        order[start..].shuffle(&mut rng);
    }
    let mut out = vec![0; y.len()];
    order.iter().enumerate().for_each(|(k, i)| out[*i] = (k % FOLDS) as u8);
    out
}

/// A and B of `1 / (1 + exp(A f + B))`, the probability of `y` = 1: the maximum of the likelihood of targets that are held off 0 and 1
/// as if one more row of each class had been seen. Weights are not read (libsvm does not read them here, either). Without rows of
/// both classes all decision values say the same, so that A is 0.
pub(super) fn sigmoid(decisions: &[f64], y: &[f64]) -> (f64, f64) {
    const MAX_STEPS: usize = 100;
    const MIN_SIZE: f64 = 1e-10;
    /// Added to the Hessian's diagonal.
    const RIDGE: f64 = 1e-12;
    const ENOUGH: f64 = 1e-5;
    let positive = y.iter().filter(|y| **y > 0.0).count() as f64;
    let negative = y.len() as f64 - positive;
    let (high, low) = ((positive + 1.0) / (positive + 2.0), 1.0 / (negative + 2.0));
    let target = |y: f64| if y > 0.0 { high } else { low };
    let (mut a, mut b) = (0.0, ln((negative + 1.0) / (positive + 1.0)));
    if positive == 0.0 || negative == 0.0 {
        return (a, b);
    }
    let loss = |a: f64, b: f64| -> f64 {
        let rows = decisions.iter().zip(y).map(|(f, y)| {
            let (t, z) = (target(*y), a * f + b);
            if z >= 0.0 { t * z + ln_1p(exp(-z)) } else { (t - 1.0) * z + ln_1p(exp(z)) }
        });
        rows.sum()
    };
    let mut now = loss(a, b);
    for _ in 0..MAX_STEPS {
        let (mut h11, mut h22, mut h21, mut g1, mut g2) = (RIDGE, RIDGE, 0.0, 0.0, 0.0);
        for (f, y) in decisions.iter().zip(y) {
            let z = a * f + b;
            let e = exp(-z.abs());
            let (larger, smaller) = (1.0 / (1.0 + e), e / (1.0 + e));
            let p = if z >= 0.0 { smaller } else { larger };
            let curve = larger * smaller;
            h11 += f * f * curve;
            h22 += curve;
            h21 += f * curve;
            g1 += f * (target(*y) - p);
            g2 += target(*y) - p;
        }
        if g1.abs() < ENOUGH && g2.abs() < ENOUGH {
            break;
        }
        let determinant = h11 * h22 - h21 * h21;
        let (da, db) = (-(h22 * g1 - h21 * g2) / determinant, -(h11 * g2 - h21 * g1) / determinant);
        let slope = g1 * da + g2 * db;
        let mut size = 1.0;
        while size >= MIN_SIZE {
            let next = loss(a + size * da, b + size * db);
            if next < now + 1e-4 * size * slope {
                (a, b, now) = (a + size * da, b + size * db, next);
                break;
            }
            size /= 2.0;
        }
        if size < MIN_SIZE {
            break;
        }
    }
    (a, b)
}
