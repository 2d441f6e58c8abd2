//! Gradient boosting: each round fits a tree (two classes) or one per class to the gradient of the log loss.

use super::bins::Codes;
use super::columns::{Columns, part};
use super::grow::{Ground, Limits, Order, Room, grow};
use super::grown::Node;
use super::loss::{Gradients, Scores};
use super::split::{Rules, Units};
use super::store::Store;
use crate::error::Result;
use crate::math;
use crate::model::Model;
use crate::model::forest::{Forest, Link, PlainTree};
use crate::train::params::{GradientBoosting, GrowPolicy, Monotone, Xgboost};
use crate::train::{Fitted, Problem, Progress, normalised, rng};

/// What both boosting trainers come down to.
pub(crate) struct Plan<'a> {
    pub(crate) rounds: usize,
    pub(crate) learning_rate: f64,
    pub(crate) rules: Rules,
    pub(crate) limits: Limits,
    pub(crate) subsample: f64,
    pub(crate) by_tree: f64,
    pub(crate) by_level: f64,
    pub(crate) by_node: f64,
    pub(crate) max_bin: usize,
    /// 0: never stops.
    pub(crate) early_stopping: usize,
    /// Whether the rounds after the best one are dropped where validation rows are there.
    pub(crate) keep_best: bool,
    /// Factor on the weight of rows of class 1 of two.
    pub(crate) scale_positive: f64,
    /// The probability that all rows start from; none: that of the classes' shares.
    pub(crate) base: Option<f64>,
    /// Factor on the curvature of the softmax, by number of classes.
    pub(crate) curvature: fn(f64) -> f64,
    pub(crate) monotone: &'a Monotone,
    /// Whether mutually exclusive features share a line.
    pub(crate) bundle: bool,
}

fn order(policy: GrowPolicy) -> Order {
    match policy {
        GrowPolicy::Lossguide => Order::Gain,
        GrowPolicy::Depthwise => Order::Depth,
    }
}

impl<'a> From<&'a GradientBoosting> for Plan<'a> {
    fn from(p: &'a GradientBoosting) -> Plan<'a> {
        Plan {
            rounds: p.n_estimators,
            learning_rate: p.learning_rate,
            rules: Rules {
                min_rows: p.min_samples_leaf,
                min_h: p.min_child_weight,
                lambda: p.reg_lambda,
                alpha: p.reg_alpha,
                gamma: p.gamma,
                cat_smooth: p.cat_smooth,
                cat_l2: p.cat_l2,
                max_cat: p.max_cat_threshold,
            },
            limits: Limits {
                max_leaves: p.max_leaves,
                max_depth: p.max_depth,
                min_split_rows: p.min_samples_split.max(p.min_samples_leaf.saturating_mul(2)),
                order: order(p.grow_policy),
            },
            subsample: p.subsample,
            by_tree: p.colsample_bytree,
            by_level: 1.0,
            by_node: p.colsample_bynode,
            max_bin: p.max_bin,
            early_stopping: p.early_stopping_rounds,
            keep_best: true,
            scale_positive: 1.0,
            base: None,
            // Friedman's: LightGBM has it, too.
            curvature: |classes| classes / (classes - 1.0),
            monotone: &p.monotone_constraints,
            bundle: true,
        }
    }
}

impl<'a> From<&'a Xgboost> for Plan<'a> {
    fn from(p: &'a Xgboost) -> Plan<'a> {
        Plan {
            rounds: p.n_estimators,
            learning_rate: p.learning_rate,
            rules: Rules {
                min_rows: 1,
                min_h: p.min_child_weight,
                lambda: p.reg_lambda,
                alpha: p.reg_alpha,
                gamma: p.gamma,
                cat_smooth: p.reg_lambda,
                cat_l2: 0.0,
                max_cat: p.max_cat_threshold,
            },
            limits: Limits {
                max_leaves: p.max_leaves,
                max_depth: p.max_depth,
                min_split_rows: 2,
                order: order(p.grow_policy),
            },
            subsample: p.subsample,
            by_tree: p.colsample_bytree,
            by_level: p.colsample_bylevel,
            by_node: p.colsample_bynode,
            // One code is for missing values.
            max_bin: p.max_bin.min(255),
            early_stopping: p.early_stopping_rounds.unwrap_or(0),
            keep_best: p.early_stopping_rounds.is_some_and(|n| n > 0),
            scale_positive: p.scale_pos_weight,
            base: p.base_score,
            curvature: |_| 2.0,
            monotone: &p.monotone_constraints,
            bundle: true,
        }
    }
}

/// Fits on `problem`; `validation` decides when to stop and which round was best.
pub(crate) fn fit(
    plan: &Plan<'_>,
    problem: &Problem<'_>,
    validation: Option<&Problem<'_>>,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Fitted> {
    let monotone = plan.monotone.signs(problem.levels)?;
    progress.step("boosting", 0, plan.rounds as u64);
    let store = Store::fit(problem, plan.max_bin, plan.bundle);
    let held_out = validation.map(|v| (v, Codes::of(&store.codings, v.x)));
    let n = problem.y.len();
    // Scores per row: one, or one per class.
    let outputs = if problem.n_classes == 2 { 1 } else { problem.n_classes };
    let positive = |(&w, &y): (&f64, &usize)| if outputs == 1 && y == 1 { w * plan.scale_positive } else { w };
    let weight: Vec<f64> = problem.weight.iter().zip(problem.y).map(positive).collect();
    let base = base_scores(problem, &weight, outputs, plan.base);
    let mut scores = Scores::new(&base, n);
    let mut held_scores = Scores::new(&base, held_out.as_ref().map_or(0, |(v, _)| v.y.len()));
    let curvature = if outputs == 1 { 1.0 } else { (plan.curvature)(outputs as f64) };

    let mut rng = rng(seed, 1);
    // Rows without weight are in no leaf.
    let weighty: Vec<u32> = (0..n as u32).filter(|&r| weight[r as usize] > 0.0).collect();
    let (mut gradients, mut apart, mut room) = (Gradients::default(), Vec::new(), Room::default());
    let mut rows: Vec<u32> = Vec::with_capacity(weighty.len());
    let mut trees: Vec<PlainTree> = Vec::new();
    let mut gains: Vec<Vec<f64>> = Vec::new();
    let mut curve: Vec<(f64, Option<f64>)> = Vec::new();
    let mut best = (f64::INFINITY, 0);
    for round in 0..plan.rounds {
        progress.step("boosting", round as u64, plan.rounds as u64);
        progress.proceed()?;
        let loss = scores.gradients(problem, &weight, curvature, &mut gradients);
        if let Some(last) = curve.last_mut() {
            last.0 = loss;
        }
        let drawn = if plan.subsample < 1.0 { part(&weighty, plan.subsample, &mut rng) } else { Vec::new() };
        let drawn = if plan.subsample < 1.0 { &drawn } else { &weighty };
        let mut gain = vec![0.0; store.n_features()];
        let mut grew = false;
        for output in 0..outputs {
            let mut columns = Columns::draw(store.n_features(), plan.by_tree, plan.by_level, plan.by_node, &mut rng);
            rows.clear();
            rows.extend_from_slice(drawn);
            let units = Units::new(&plan.rules, gradients.scales[output]);
            let ground = Ground {
                store: &store,
                sums: gradients.of(output, n, &mut apart),
                rules: &plan.rules,
                units,
                limits: plan.limits,
                monotone: &monotone,
                h_max: gradients.h_max[output],
            };
            let tree = grow(ground, &mut rows, &mut columns, &mut room, progress)?;
            rng = columns.rng();
            grew |= tree.nodes.len() > 1;
            tree.add_gain(&mut gain);
            let value = |node: &Node| match node {
                Node::Leaf { sum, bounds, .. } => plan.learning_rate * units.leaf(*sum, *bounds),
                Node::Split { .. } => 0.0,
            };
            let values: Vec<f64> = tree.nodes.iter().map(value).collect();
            if rows.len() == n {
                for (node, &v) in tree.nodes.iter().zip(&values) {
                    if let Node::Leaf { rows: range, .. } = node {
                        scores.add_to(&rows[range.clone()], output, v);
                    }
                }
            } else {
                scores.add(output, |row| values[tree.leaf(&store, row)]);
            }
            if let Some((_, codes)) = &held_out {
                held_scores.add(output, |row| values[tree.leaf_of(codes, row)]);
            }
            trees.push(tree.plain(&store.codings, output, &values));
        }
        gains.push(gain);
        let held_loss = held_out.as_ref().map(|(v, _)| held_scores.loss(v));
        curve.push((f64::NAN, held_loss));
        match held_loss {
            Some(loss) if loss < best.0 => best = (loss, round + 1),
            None => best = (0.0, round + 1),
            _ => {}
        }
        // Where nothing is drawn, a round that grows nothing would be followed by equal ones.
        let drawing = plan.subsample < 1.0 || plan.by_tree < 1.0 || plan.by_level < 1.0 || plan.by_node < 1.0;
        let stale = plan.early_stopping > 0 && held_loss.is_some() && round + 1 - best.1 >= plan.early_stopping;
        if (!grew && !drawing) || stale {
            break;
        }
    }
    if let Some(last) = curve.last_mut() {
        last.0 = scores.loss(problem);
    }
    let rounds = if held_out.is_some() && plan.keep_best { best.1.max(1) } else { gains.len() };
    progress.step("boosting", plan.rounds as u64, plan.rounds as u64);

    trees.truncate(rounds * outputs);
    let mut importance = vec![0.0; store.n_features()];
    for gain in &gains[..rounds] {
        for (i, g) in importance.iter_mut().zip(gain) {
            *i += g;
        }
    }
    let mut notes = Vec::new();
    if rounds == plan.rounds && held_out.is_some() && plan.early_stopping > 0 {
        notes.push(format!(
            "the validation loss still fell at the last of {} rounds: a larger n_estimators may be better",
            plan.rounds
        ));
    }
    let link = if outputs == 1 { Link::Sigmoid } else { Link::Softmax };
    let forest = Forest::new(store.n_features(), problem.n_classes, link, base, &trees)?;
    Ok(Fitted { model: Model::Forest(forest), importance: normalised(importance), curve, rounds: Some(rounds), notes })
}

/// What every row starts from: the log odds of class 1, or the log of each class's share; by weight. `given`: the
/// probability of class 1 to start from instead; of several classes all start alike.
fn base_scores(problem: &Problem<'_>, weight: &[f64], outputs: usize, given: Option<f64>) -> Vec<f64> {
    let log_odds = |p: f64| math::ln(p / (1.0 - p));
    if let Some(p) = given {
        return if outputs == 1 { vec![log_odds(p)] } else { vec![p; outputs] };
    }
    let mut sums = vec![0.0; problem.n_classes];
    for (&y, &w) in problem.y.iter().zip(weight) {
        sums[y] += w;
    }
    let total: f64 = sums.iter().sum();
    let share = |w: f64| (w / total).clamp(1e-6, 1.0 - 1e-6);
    if total <= 0.0 {
        return vec![0.0; outputs];
    }
    if outputs == 1 {
        return vec![log_odds(share(sums[1]))];
    }
    sums.iter().map(|&w| math::ln(share(w))).collect()
}
