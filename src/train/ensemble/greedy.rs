//! Greedy ensemble selection with replacement (Caruana, Niculescu-Mizil, Crew and Ksikes, "Ensemble selection from libraries of models",
//! ICML 2004, sections 2 and 2.1), by log loss.

use crate::math::ln;
use ndarray::Array2;
use rayon::prelude::*;

/// The smallest probability a loss is taken of, so that one sure mistake does not decide alone.
const SMALLEST: f64 = f64::EPSILON;

/// How often each estimator is added, of at most `n_iterations` times: up to the number of times whose mean had the smallest loss
/// (of equals the first); and that loss, in nats. `probabilities`: per estimator rows x classes.
pub(super) fn select(
    probabilities: &[Array2<f64>],
    y: &[usize],
    weight: &[f64],
    n_iterations: usize,
) -> (Vec<u32>, f64) {
    // Only the probability of a row's own class enters the loss.
    let own: Vec<Vec<f64>> =
        probabilities.iter().map(|p| y.iter().enumerate().map(|(i, &c)| p[[i, c]]).collect()).collect();
    let total: f64 = weight.iter().sum();
    let mut sum = vec![0.0; y.len()];
    let mut chosen = Vec::new();
    let mut best = (f64::INFINITY, 0);
    for n in 1..=n_iterations {
        let loss = |candidate: &Vec<f64>| {
            let rows = sum.iter().zip(candidate).zip(weight);
            rows.map(|((s, p), w)| -w * ln(((s + p) / n as f64).max(SMALLEST))).sum::<f64>() / total
        };
        let losses: Vec<f64> = own.par_iter().map(loss).collect();
        let next = (0..own.len()).fold(0, |best, i| if losses[i] < losses[best] { i } else { best });
        sum.iter_mut().zip(&own[next]).for_each(|(s, p)| *s += p);
        chosen.push(next);
        if losses[next] < best.0 {
            best = (losses[next], n);
        }
    }
    let mut counts = vec![0; own.len()];
    chosen[..best.1.max(1)].iter().for_each(|&i| counts[i] += 1);
    (counts, best.0)
}
