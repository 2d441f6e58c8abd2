//! Random forest: each tree on its own bootstrap sample, a few features drawn per node, leaves hold class shares.

use super::bins::Binned;
use super::grow::{Drawing, Limits, grow};
use super::histogram::{Scale, Sum};
use super::split::{Rules, Scanner};
use crate::error::Result;
use crate::model::Model;
use crate::model::forest::{Forest, Link, PlainTree};
use crate::train::params::RandomForest;
use crate::train::{Fitted, Problem, Progress, normalised, rng};
use rand::RngExt;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// Fits the trees side by side; each has its own stream of random numbers, so their order does not matter.
pub(crate) fn fit(p: &RandomForest, problem: &Problem<'_>, seed: u64, progress: &dyn Progress) -> Result<Fitted> {
    let binned = Binned::fit(problem, p.max_bin);
    let n = problem.y.len();
    let done = AtomicU64::new(0);
    progress.step("trees", 0, p.n_estimators as u64);
    let grown: Vec<(PlainTree, Vec<f64>)> = (0..p.n_estimators)
        .into_par_iter()
        .map(|t| {
            let out = tree(p, problem, &binned, seed, t as u64);
            progress.step("trees", done.fetch_add(1, Ordering::Relaxed) + 1, p.n_estimators as u64);
            out
        })
        .collect();
    let mut importance = vec![0.0; binned.n_features()];
    let mut trees = Vec::with_capacity(grown.len());
    for (tree, gain) in grown {
        // As scikit-learn: each tree's shares, averaged.
        for (i, g) in importance.iter_mut().zip(normalised(gain)) {
            *i += g;
        }
        trees.push(tree);
    }
    let mut notes = Vec::new();
    if n < p.min_samples_leaf.saturating_mul(2) {
        notes.push(format!("{n} rows are too few to split: a leaf has at least {} rows", p.min_samples_leaf));
    }
    let forest = Forest::new(binned.n_features(), problem.n_classes, Link::Average, Vec::new(), &trees)?;
    Ok(Fitted {
        model: Model::Forest(forest),
        importance: normalised(importance),
        curve: Vec::new(),
        rounds: None,
        notes,
    })
}

fn tree(p: &RandomForest, problem: &Problem<'_>, binned: &Binned, seed: u64, t: u64) -> (PlainTree, Vec<f64>) {
    let n = problem.y.len();
    let mut rng = rng(seed, 2 + t);
    let mut drawn = vec![1.0; n];
    if p.bootstrap {
        drawn.fill(0.0);
        let k = p.max_samples.map_or(n, |part| ((part * n as f64).round() as usize).max(1));
        for _ in 0..k {
            drawn[rng.random_range(0..n)] += 1.0;
        }
    }
    for (d, w) in drawn.iter_mut().zip(problem.weight) {
        *d *= w;
    }
    let weight: f64 = drawn.iter().sum();
    let channels = if problem.n_classes == 2 { 1 } else { problem.n_classes };
    let scale = Scale::new(n, weight, weight);
    let mut sums: Vec<Sum> = Vec::with_capacity(n * channels);
    for (&y, &w) in problem.y.iter().zip(&drawn) {
        for c in 0..channels {
            let hit = if channels == 1 { y == 1 } else { y == c };
            sums.push(scale.pack(if hit { w } else { 0.0 }, w));
        }
    }
    let mut rows: Vec<u32> = (0..n as u32).filter(|&r| drawn[r as usize] > 0.0).collect();
    if rows.is_empty() {
        rows = (0..n as u32).collect();
    }
    let rules = Rules {
        min_rows: p.min_samples_leaf,
        min_h: 0.0,
        lambda: 0.0,
        alpha: 0.0,
        gamma: 0.0,
        cat_smooth: 0.0,
        cat_l2: 0.0,
        max_cat: usize::MAX,
    };
    let limits = Limits {
        max_leaves: p.max_leaf_nodes.unwrap_or(0),
        max_depth: p.max_depth.unwrap_or(0),
        min_split_rows: p.min_samples_split.max(p.min_samples_leaf.saturating_mul(2)),
    };
    let draw = p.max_features.of(binned.n_features());
    let mut finder = Drawing::new(binned, &sums, channels, draw, Scanner::new(rules, scale), rng);
    let grown = grow(binned, &mut rows, limits, &mut finder);
    let mut gain = vec![0.0; binned.n_features()];
    grown.add_gain(&mut gain);
    let shares = |_: usize, sums: &[Sum]| {
        let h = scale.h(sums[0]);
        if h <= 0.0 {
            return vec![1.0 / problem.n_classes as f64; problem.n_classes];
        }
        if channels == 1 {
            let p = (scale.g(sums[0]) / h).clamp(0.0, 1.0);
            return vec![1.0 - p, p];
        }
        sums.iter().map(|&s| (scale.g(s) / h).clamp(0.0, 1.0)).collect()
    };
    (grown.plain(binned, 0, shares), gain)
}
