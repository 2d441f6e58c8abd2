//! Gradient boosting: each round fits a tree (two classes) or one per class to the gradient of the log loss.

use super::bins::Binned;
use super::grow::{Grown, Limits, Node, Subtracting, grow};
use super::histogram::{Scale, Sum};
use super::split::{Rules, Scanner};
use crate::error::Result;
use crate::math;
use crate::model::Model;
use crate::model::forest::{Forest, Link, PlainTree};
use crate::train::params::GradientBoosting;
use crate::train::{Fitted, Problem, Progress, normalised, rng};
use rand::seq::SliceRandom;
use rayon::prelude::*;

/// Rows per piece of work. Fixed, so that sums of pieces do not depend on the number of threads.
const CHUNK: usize = 2048;

/// Fits on `problem`; `validation` decides when to stop and which round was best.
pub(crate) fn fit(
    p: &GradientBoosting,
    problem: &Problem<'_>,
    validation: Option<&Problem<'_>>,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Fitted> {
    let binned = Binned::fit(problem, p.max_bin);
    let held_out = validation.map(|v| (v, Binned::with(binned.codings.clone(), v)));
    let n = problem.y.len();
    // Scores per row: one, or one per class.
    let outputs = if problem.n_classes == 2 { 1 } else { problem.n_classes };
    let base = base_scores(problem, outputs);
    let mut scores = base.repeat(n);
    let mut held_scores = base.repeat(held_out.as_ref().map_or(0, |(v, _)| v.y.len()));

    let weight: f64 = problem.weight.iter().sum();
    let curvature = if outputs == 1 { 1.0 } else { outputs as f64 / (outputs as f64 - 1.0) };
    let scale = Scale::new(n, weight, weight * curvature / 4.0);
    let rules = Rules {
        min_rows: p.min_samples_leaf,
        min_h: p.min_child_weight,
        lambda: p.reg_lambda,
        alpha: p.reg_alpha,
        gamma: p.gamma,
        cat_smooth: p.cat_smooth,
        cat_l2: p.cat_l2,
        max_cat: p.max_cat_threshold,
    };
    let limits = Limits {
        max_leaves: p.max_leaves,
        max_depth: p.max_depth,
        min_split_rows: p.min_samples_leaf.saturating_mul(2),
    };

    let mut rng = rng(seed, 1);
    let mut all_rows: Vec<u32> = (0..n as u32).collect();
    let mut all_features: Vec<usize> = (0..binned.n_features()).collect();
    let mut pool = Vec::new();
    let mut trees: Vec<PlainTree> = Vec::new();
    let mut gains: Vec<Vec<f64>> = Vec::new();
    let mut curve: Vec<(f64, Option<f64>)> = Vec::new();
    let mut best = (f64::INFINITY, 0);
    for round in 0..p.n_estimators {
        progress.step("boosting", round as u64, p.n_estimators as u64);
        let (gradients, loss) = gradients(problem, &scores, outputs, curvature, &scale);
        if let Some(last) = curve.last_mut() {
            last.0 = loss;
        }
        let mut rows = draw(&mut all_rows, p.subsample, &mut rng);
        let mut gain = vec![0.0; binned.n_features()];
        let mut grew = false;
        for (output, sums) in gradients.iter().enumerate() {
            let mut features = draw(&mut all_features, p.colsample_bytree, &mut rng);
            features.sort_unstable();
            let scanner = Scanner::new(rules, scale);
            let mut finder = Subtracting::new(&binned, sums, &features, scanner, std::mem::take(&mut pool));
            let tree = grow(&binned, &mut rows, limits, &mut finder);
            pool = std::mem::take(&mut finder.pool);
            grew |= tree.nodes.len() > 1;
            tree.add_gain(&mut gain);
            let value = |sums: &[Sum]| leaf_value(p, &scale, sums[0]);
            let values: Vec<f64> = tree.nodes.iter().map(|n| leaf_of(n, &value)).collect();
            if rows.len() == n {
                for (node, &v) in tree.nodes.iter().zip(&values) {
                    if let Node::Leaf { rows: range, .. } = node {
                        for &r in &rows[range.clone()] {
                            scores[r as usize * outputs + output] += v;
                        }
                    }
                }
            } else {
                add_tree(&tree, &binned, &values, &mut scores, outputs, output);
            }
            if let Some((_, held)) = &held_out {
                add_tree(&tree, held, &values, &mut held_scores, outputs, output);
            }
            trees.push(tree.plain(&binned, output, |i, _| vec![values[i]]));
        }
        gains.push(gain);
        let held_loss = held_out.as_ref().map(|(v, _)| mean_loss(v, &held_scores, outputs));
        curve.push((f64::NAN, held_loss));
        match held_loss {
            Some(loss) if loss < best.0 => best = (loss, round + 1),
            None => best = (0.0, round + 1),
            _ => {}
        }
        // Without row or feature sampling a round that grows nothing would be followed by equal ones.
        let stuck = !grew && p.subsample >= 1.0 && p.colsample_bytree >= 1.0;
        let stale = p.early_stopping_rounds > 0 && held_loss.is_some() && round + 1 - best.1 >= p.early_stopping_rounds;
        if stuck || stale {
            break;
        }
    }
    if let Some(last) = curve.last_mut() {
        last.0 = mean_loss(problem, &scores, outputs);
    }
    let rounds = if held_out.is_some() { best.1 } else { gains.len() };
    progress.step("boosting", p.n_estimators as u64, p.n_estimators as u64);

    trees.truncate(rounds * outputs);
    let mut importance = vec![0.0; binned.n_features()];
    for gain in &gains[..rounds] {
        for (i, g) in importance.iter_mut().zip(gain) {
            *i += g;
        }
    }
    let mut notes = Vec::new();
    if rounds == p.n_estimators && held_out.is_some() && p.early_stopping_rounds > 0 {
        notes.push(format!(
            "the validation loss still fell at the last of {} rounds: a larger n_estimators may be better",
            p.n_estimators
        ));
    }
    let link = if outputs == 1 { Link::Sigmoid } else { Link::Softmax };
    let forest = Forest::new(binned.n_features(), problem.n_classes, link, base, &trees)?;
    Ok(Fitted { model: Model::Forest(forest), importance: normalised(importance), curve, rounds: Some(rounds), notes })
}

/// What every row starts from: the log odds of class 1, or the log of each class's share; by weight.
fn base_scores(problem: &Problem<'_>, outputs: usize) -> Vec<f64> {
    let mut weight = vec![0.0; problem.n_classes];
    for (&y, &w) in problem.y.iter().zip(problem.weight) {
        weight[y] += w;
    }
    let total: f64 = weight.iter().sum();
    let share = |w: f64| (w / total).clamp(1e-6, 1.0 - 1e-6);
    if total <= 0.0 {
        return vec![0.0; outputs];
    }
    if outputs == 1 {
        let p = share(weight[1]);
        return vec![math::ln(p / (1.0 - p))];
    }
    weight.iter().map(|&w| math::ln(share(w))).collect()
}

/// Per output the packed gradients of all rows; and the mean loss.
fn gradients(
    problem: &Problem<'_>,
    scores: &[f64],
    outputs: usize,
    curvature: f64,
    scale: &Scale,
) -> (Vec<Vec<Sum>>, f64) {
    let n = problem.y.len();
    let mut packed = vec![[0; 2]; n * outputs];
    let losses: Vec<(f64, f64)> = packed
        .par_chunks_mut(CHUNK * outputs)
        .enumerate()
        .map(|(k, out)| {
            let first = k * CHUNK;
            let (mut loss, mut weight) = (0.0, 0.0);
            let mut p = vec![0.0; outputs];
            for (i, out) in out.chunks_mut(outputs).enumerate() {
                let row = first + i;
                let (y, w) = (problem.y[row], problem.weight[row]);
                let s = &scores[row * outputs..(row + 1) * outputs];
                weight += w;
                loss += w * row_loss(s, y, &mut p);
                for (c, out) in out.iter_mut().enumerate() {
                    let hit = if outputs == 1 { y == 1 } else { y == c };
                    *out = scale.pack(w * (p[c] - f64::from(hit)), w * curvature * p[c] * (1.0 - p[c]));
                }
            }
            (loss, weight)
        })
        .collect();
    let by_output = if outputs == 1 {
        vec![packed]
    } else {
        (0..outputs).map(|c| packed.iter().skip(c).step_by(outputs).copied().collect()).collect()
    };
    (by_output, mean(&losses))
}

/// The log loss of one row; `p` becomes its probabilities (one output: of class 1).
fn row_loss(scores: &[f64], y: usize, p: &mut [f64]) -> f64 {
    p.copy_from_slice(scores);
    if let [s] = *scores {
        p[0] = math::sigmoid(s);
        let z = if y == 1 { -s } else { s };
        // ln(1 + e^z) without overflow.
        return if z > 0.0 { z + math::ln_1p(math::exp(-z)) } else { math::ln_1p(math::exp(z)) };
    }
    math::softmax(p);
    -math::ln(p[y].max(f64::MIN_POSITIVE))
}

/// Mean log loss by weight.
fn mean_loss(problem: &Problem<'_>, scores: &[f64], outputs: usize) -> f64 {
    let losses: Vec<(f64, f64)> = scores
        .par_chunks(CHUNK * outputs)
        .enumerate()
        .map(|(k, scores)| {
            let (mut loss, mut weight) = (0.0, 0.0);
            let mut p = vec![0.0; outputs];
            for (i, s) in scores.chunks(outputs).enumerate() {
                let row = k * CHUNK + i;
                weight += problem.weight[row];
                loss += problem.weight[row] * row_loss(s, problem.y[row], &mut p);
            }
            (loss, weight)
        })
        .collect();
    mean(&losses)
}

fn mean(parts: &[(f64, f64)]) -> f64 {
    let (loss, weight) = parts.iter().fold((0.0, 0.0), |s, p| (s.0 + p.0, s.1 + p.1));
    if weight > 0.0 { loss / weight } else { 0.0 }
}

/// `-G / (H + lambda)`, G reduced by alpha, times the learning rate (Chen and Guestrin 2016, equation 5).
fn leaf_value(p: &GradientBoosting, scale: &Scale, sum: Sum) -> f64 {
    let (g, h) = (scale.g(sum), scale.h(sum) + p.reg_lambda);
    if h <= 0.0 {
        return 0.0;
    }
    let size = (g.abs() - p.reg_alpha).max(0.0);
    let v = p.learning_rate * size / h;
    if g > 0.0 { -v } else { v }
}

fn leaf_of(node: &Node, value: &impl Fn(&[Sum]) -> f64) -> f64 {
    match node {
        Node::Leaf { sums, .. } => value(sums),
        Node::Split { .. } => 0.0,
    }
}

fn add_tree(tree: &Grown, binned: &Binned, values: &[f64], scores: &mut [f64], outputs: usize, output: usize) {
    scores.par_chunks_mut(CHUNK * outputs).enumerate().for_each(|(k, scores)| {
        for (i, s) in scores.chunks_mut(outputs).enumerate() {
            s[output] += values[tree.leaf(binned, (k * CHUNK + i) as u32)];
        }
    });
}

/// A part of `all` without replacement, ascending; all of it where the part is 1.
fn draw<T: Copy + Ord>(all: &mut [T], part: f64, rng: &mut rand_pcg::Pcg64Mcg) -> Vec<T> {
    if part >= 1.0 {
        return all.to_vec();
    }
    let k = ((part * all.len() as f64).ceil() as usize).clamp(1, all.len());
    let (drawn, _) = all.partial_shuffle(rng, k);
    let mut drawn = drawn.to_vec();
    drawn.sort_unstable();
    drawn
}
