//! The three corrections, fitted to answers and what came true.

use crate::math::{BOUND, bounded, dot, exp, ln, ln_1p, softmax};
use ndarray::ArrayView2;

/// `(a, b)` of `1 / (1 + exp(a f + b))`: Platt, "Probabilistic outputs for support vector machines" (1999), with his targets
/// `(n1 + 1) / (n1 + 2)` and `1 / (n0 + 2)`, by the damped Newton method of Lin, Lin and Weng, "A note on Platt's probabilistic outputs
/// for support vector machines" (2007). Weights count as rows. `f`: larger for the class `is`.
pub(super) fn platt(f: &[f64], is: &[bool], weight: &[f64]) -> (f64, f64) {
    let largest = f.iter().fold(0.0, |m: f64, v| m.max(v.abs()));
    let scale = if largest > 0.0 { largest } else { 1.0 };
    let f: Vec<f64> = f.iter().map(|v| v / scale).collect();
    let sum = |class: bool| is.iter().zip(weight).filter(|(is, _)| **is == class).map(|(_, w)| w).sum::<f64>();
    let (n0, n1) = (sum(false), sum(true));
    let (low, high) = (1.0 / (n0 + 2.0), (n1 + 1.0) / (n1 + 2.0));
    let target = |i: usize| if is[i] { high } else { low };
    // With z = a f + b the loss of a row is t z + ln(1 + exp(-z)).
    let loss = |a: f64, b: f64| -> f64 {
        let one = |i: usize| {
            let z = a * f[i] + b;
            weight[i] * (target(i) * z + if z >= 0.0 { ln_1p(exp(-z)) } else { ln_1p(exp(z)) - z })
        };
        (0..f.len()).map(one).sum()
    };
    let (mut a, mut b) = (0.0, ln((n0 + 1.0) / (n1 + 1.0)));
    let mut now = loss(a, b);
    for _ in 0..100 {
        // A little on the diagonal keeps the step finite where all scores are equal.
        let (mut haa, mut hbb, mut hab) = (1e-12, 1e-12, 0.0);
        let (mut ga, mut gb) = (0.0, 0.0);
        for i in 0..f.len() {
            let p = crate::math::sigmoid(-(a * f[i] + b));
            let (d, h) = (weight[i] * (target(i) - p), weight[i] * p * (1.0 - p));
            haa += h * f[i] * f[i];
            hab += h * f[i];
            hbb += h;
            ga += d * f[i];
            gb += d;
        }
        if ga.abs().max(gb.abs()) <= 1e-12 * (n0 + n1) {
            break;
        }
        let det = haa * hbb - hab * hab;
        let (da, db) = (-(hbb * ga - hab * gb) / det, -(haa * gb - hab * ga) / det);
        let slope = ga * da + gb * db;
        let mut size = 1.0;
        let next = loop {
            let at = (a + size * da, b + size * db);
            let trial = loss(at.0, at.1);
            if trial < now + 1e-4 * size * slope {
                break Some((at, trial));
            }
            size /= 2.0;
            if size < 1e-10 {
                break None;
            }
        };
        let Some((at, trial)) = next else { break };
        ((a, b), now) = (at, trial);
    }
    (bounded(a / scale), bounded(b))
}

/// The rising step function with the smallest squared error, as the points where it turns: `X_thresholds_` and `y_thresholds_` of
/// scikit-learn's `IsotonicRegression`. Neighbours that do not rise are pooled (Ayer et al. 1955; Busing, "Monotone regression", 2022).
pub(super) fn isotonic(f: &[f64], is: &[bool], weight: &[f64]) -> (Vec<f64>, Vec<f64>) {
    let mut order: Vec<usize> = (0..f.len()).filter(|&i| weight[i] > 0.0).collect();
    order.sort_by(|&i, &j| f[i].total_cmp(&f[j]));
    // Blocks of one score: (weight, weight of the class).
    let mut points: Vec<(f64, f64, f64)> = Vec::new();
    for i in order {
        let hit = if is[i] { weight[i] } else { 0.0 };
        match points.last_mut() {
            Some((x, w, h)) if f[i] - *x < SAME => {
                *w += weight[i];
                *h += hit;
            }
            _ => points.push((f[i], weight[i], hit)),
        }
    }
    if points.is_empty() {
        return (vec![0.0], vec![0.5]); // no row weighs anything
    }
    // (weight, weight of the class, number of points)
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for &(_, w, h) in &points {
        let mut pool = (w, h, 1);
        while let Some(before) = pools.last()
            && before.1 / before.0 >= pool.1 / pool.0
        {
            pool = (pool.0 + before.0, pool.1 + before.1, pool.2 + before.2);
            pools.pop();
        }
        pools.push(pool);
    }
    let (mut x, mut y) = (Vec::new(), Vec::new());
    let mut at = 0;
    for (w, h, n) in pools {
        // Within a pool only its ends are needed.
        let share = (h / w).clamp(0.0, 1.0);
        x.push(points[at].0);
        y.push(share);
        if n > 1 {
            x.push(points[at + n - 1].0);
            y.push(share);
        }
        at += n;
    }
    (x, y)
}

/// Scores that are this near are one, as in scikit-learn (the resolution of doubles).
const SAME: f64 = 1e-15;

/// `beta` such that `softmax(beta logits)` has the smallest log loss: temperature scaling (Guo, Pleiss, Sun and Weinberger, "On
/// calibration of modern neural networks", 2017), to rounding the smallest such, between `exp(-10)` and `exp(10)` as in scikit-learn. `logits`: rows x classes.
pub(super) fn temperature(logits: ArrayView2<'_, f64>, y: &[usize], weight: &[f64]) -> f64 {
    // The loss is convex in beta; its slope is the sum of (the mean logit - that of the row's class).
    let slope = |beta: f64| -> f64 {
        let mut p = vec![0.0; logits.ncols()];
        let mut sum = 0.0;
        for (row, (&class, w)) in logits.rows().into_iter().zip(y.iter().zip(weight)) {
            let row = row.to_vec();
            p.iter_mut().zip(&row).for_each(|(p, v)| *p = (v * beta).clamp(-BOUND, BOUND));
            softmax(&mut p);
            sum += w * (dot(&p, &row) - row[class]);
        }
        sum
    };
    let (mut low, mut high) = (-10.0, 10.0);
    // Where all rows are told apart the loss falls forever: what no longer lowers it beyond rounding is far enough.
    let flat = -1e-12 * weight.iter().sum::<f64>();
    for _ in 0..60 {
        let middle = 0.5 * (low + high);
        if slope(exp(middle)) > flat { high = middle } else { low = middle }
    }
    exp(0.5 * (low + high))
}
