//! `TreeEnsembleClassifier`, `TreeEnsembleRegressor`, and `TreeEnsemble` (version 5), which stands for both: what becomes of the leaves.

use super::forest::{Forest, index, input};
use super::linear::classified;
use super::scores::{Post, labels, shared};
use super::{Call, Value};
use crate::error::Result;
use crate::import::error;
use crate::import::onnx::tensor::{Data, Tensor};

/// How leaves come together, by `TreeEnsemble`'s numbers.
const AGGREGATES: [&str; 4] = ["AVERAGE", "SUM", "MIN", "MAX"];

/// Per row and target.
fn aggregate(call: &Call, forest: &Forest, aggregate: &str, post: Post) -> Result<Vec<f64>> {
    let (x, _, rows, columns) = input(call)?;
    if !(forest.base.is_empty() || forest.base.len() == forest.targets) {
        return Err(error(format!(
            "attribute `base_values` has {} numbers for {} targets",
            forest.base.len(),
            forest.targets
        )));
    }
    call.room(&[rows, forest.targets])?;
    let mut out = Vec::with_capacity(rows * forest.targets);
    for row in 0..rows {
        let row = &x[row * columns..(row + 1) * columns];
        let join = |a: f64, b: f64| match aggregate {
            "MIN" => {
                if b < a {
                    b
                } else {
                    a
                }
            }
            "MAX" => {
                if b > a {
                    b
                } else {
                    a
                }
            }
            _ => a + b,
        };
        let mut scores: Vec<f64> = forest.gather(call, row, join)?.into_iter().map(|s| s.unwrap_or(0.0)).collect();
        for (t, s) in scores.iter_mut().enumerate() {
            if aggregate == "AVERAGE" {
                *s = forest.rounded(*s / forest.roots.len() as f64);
            }
            *s = forest.rounded(*s + forest.base.get(t).copied().unwrap_or(0.0));
        }
        if post != Post::None {
            post.none_of_one(forest.targets)?;
            let mut single: Vec<f32> = scores.iter().map(|&s| s as f32).collect();
            post.apply(&mut single);
            scores = single.into_iter().map(f64::from).collect();
        }
        out.extend(scores);
    }
    Ok(out)
}

pub(super) fn ensemble(call: &Call) -> Result<Tensor> {
    call.at_most(1)?;
    let node = call.node;
    node.only(&[
        "aggregate_function",
        "leaf_targetids",
        "leaf_weights",
        "membership_values",
        "n_targets",
        "nodes_falseleafs",
        "nodes_falsenodeids",
        "nodes_featureids",
        "nodes_hitrates",
        "nodes_missing_value_tracks_true",
        "nodes_modes",
        "nodes_splits",
        "nodes_trueleafs",
        "nodes_truenodeids",
        "post_transform",
        "tree_roots",
    ])?;
    let (_, double, rows, _) = input(call)?;
    let forest = Forest::placed(call, double)?;
    let function = AGGREGATES[index("aggregate_function", node.int("aggregate_function", 1)?, AGGREGATES.len())?];
    let post = Post::of_number(node.int("post_transform", 0)?)?;
    let values = aggregate(call, &forest, function, post)?;
    let data = if double { Data::F64(values) } else { Data::F32(values.iter().map(|&v| v as f32).collect()) };
    call.make(vec![rows, forest.targets], data)
}

/// Attributes of versions 1 to 4 that classifier and regressor share.
const NODES: [&str; 14] = [
    "base_values",
    "base_values_as_tensor",
    "nodes_falsenodeids",
    "nodes_featureids",
    "nodes_hitrates",
    "nodes_hitrates_as_tensor",
    "nodes_missing_value_tracks_true",
    "nodes_modes",
    "nodes_nodeids",
    "nodes_treeids",
    "nodes_truenodeids",
    "nodes_values",
    "nodes_values_as_tensor",
    "post_transform",
];

pub(super) fn regressor(call: &Call) -> Result<Tensor> {
    call.at_most(1)?;
    let node = call.node;
    let own = [
        "aggregate_function",
        "n_targets",
        "target_ids",
        "target_nodeids",
        "target_treeids",
        "target_weights",
        "target_weights_as_tensor",
    ];
    node.only(&[NODES.as_slice(), &own].concat())?;
    let targets = usize::try_from(node.int("n_targets", 1)?).ok().filter(|&t| (1..=super::MAX_VALUES).contains(&t));
    let targets = targets.ok_or_else(|| error("attribute `n_targets` is below 1, or too large"))?;
    let (_, double, rows, _) = input(call)?;
    let forest = Forest::numbered(call, "target", targets, double)?;
    let function = node.str("aggregate_function", "SUM")?;
    if !AGGREGATES.contains(&function) {
        return Err(error(format!("attribute `aggregate_function` is `{function}`; known: {}", AGGREGATES.join(", "))));
    }
    let values = aggregate(call, &forest, function, Post::of(node)?)?;
    call.make(vec![rows, targets], Data::F32(values.iter().map(|&v| v as f32).collect()))
}

pub(super) fn classifier(call: &Call) -> Result<Vec<Value>> {
    call.at_most(1)?;
    let node = call.node;
    let own = [
        "class_ids",
        "class_nodeids",
        "class_treeids",
        "class_weights",
        "class_weights_as_tensor",
        "classlabels_int64s",
        "classlabels_strings",
    ];
    node.only(&[NODES.as_slice(), &own].concat())?;
    let labels = labels(node, "classlabels_int64s", "classlabels_strings")?;
    let post = Post::of(node)?;
    let classes = labels.len();
    if classes < 2 {
        return Err(error("a classifier of one class is not understood"));
    }
    let (x, double, rows, columns) = input(call)?;
    let forest = Forest::numbered(call, "class", classes, double)?;
    if forest.base.len() > classes {
        return Err(error(format!("attribute `base_values` has {} numbers for {classes} classes", forest.base.len())));
    }
    let ids = node.ints("class_ids")?.unwrap_or_default();
    // Two classes that share one score.
    let shares = classes == 2 && ids.iter().all(|id| Some(id) == ids.first());
    let positive = forest.nodes.iter().flat_map(|n| &n.weights).all(|(_, w)| *w >= 0.0);
    let (mut chosen, mut scores) = (Vec::new(), Vec::new());
    for row in 0..rows {
        let sums = forest.gather(call, &x[row * columns..(row + 1) * columns], |a, b| a + b)?;
        let (label, row) =
            if classes == 2 { two(&forest, &sums, shares, positive, post)? } else { many(&forest, &sums, post) };
        chosen.push(label);
        scores.push(row);
    }
    classified(call, &labels, chosen, scores)
}

fn many(forest: &Forest, sums: &[Option<f64>], post: Post) -> (usize, Vec<f32>) {
    let has = |k: usize| sums[k].is_some() || k < forest.base.len();
    let total = |k: usize| forest.rounded(sums[k].unwrap_or(0.0) + forest.base.get(k).copied().unwrap_or(0.0));
    let totals: Vec<f64> = (0..sums.len()).map(total).collect();
    let better = |best: Option<usize>, k: usize| match best {
        Some(b) if !has(k) || totals[k] <= totals[b] => Some(b),
        _ if has(k) => Some(k),
        best => best,
    };
    let label = (0..sums.len()).fold(None, better).unwrap_or(0);
    let mut scores: Vec<f32> = totals.iter().map(|&s| s as f32).collect();
    post.apply(&mut scores);
    (label, scores)
}

/// Two classes, as onnxruntime's aggregator has them. Where no weight is for the second, both share the score of the first.
fn two(forest: &Forest, sums: &[Option<f64>], shares: bool, positive: bool, post: Post) -> Result<(usize, Vec<f32>)> {
    let plus = |s: Option<f64>, k: usize| s.map(|s| forest.rounded(s + forest.base.get(k).copied().unwrap_or(0.0)));
    // A class that no weight is for has the score 0, also where it has a base value.
    let (first, second) = match (forest.base.len(), sums[1]) {
        (2, Some(_)) => {
            let s = forest.rounded(sums[0].unwrap_or(0.0) + forest.base[1]);
            (sums[0].map_or(0.0, |_| -s), Some(s))
        }
        (2, None) => (plus(sums[0], 0).unwrap_or(0.0), None),
        (_, second) => (plus(sums[0], 0).unwrap_or(0.0), second),
    };
    let label = usize::from(second.unwrap_or(first) > if shares && positive { 0.5 } else { 0.0 });
    if second.is_none() && forest.base.len() < 2 {
        return Ok((label, shared(first as f32, positive, post)?));
    }
    let mut scores = vec![first as f32, second.unwrap_or(0.0) as f32];
    post.apply(&mut scores);
    Ok((label, scores))
}
