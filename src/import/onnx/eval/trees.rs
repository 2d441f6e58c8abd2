//! Ensembles of trees: `TreeEnsembleClassifier`, `TreeEnsembleRegressor`, and `TreeEnsemble` (version 5), which stands for both.
//!
//! Thresholds and sums are `f32` for inputs that are, and for whole numbers; `f64` for `f64` inputs. Weights are added in the order of
//! the trees; base values last.

use std::collections::BTreeMap;

use super::linear::classified;
use super::scores::{Post, labels};
use super::{Call, Value};
use crate::error::Result;
use crate::import::error;
use crate::import::onnx::tensor::{Data, Element, Tensor};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    AtMost,
    Below,
    AtLeast,
    Above,
    Equal,
    NotEqual,
    Member,
    Leaf,
}

/// In the order of `TreeEnsemble`'s numbers.
const MODES: [(&str, Mode); 7] = [
    ("BRANCH_LEQ", Mode::AtMost),
    ("BRANCH_LT", Mode::Below),
    ("BRANCH_GTE", Mode::AtLeast),
    ("BRANCH_GT", Mode::Above),
    ("BRANCH_EQ", Mode::Equal),
    ("BRANCH_NEQ", Mode::NotEqual),
    ("BRANCH_MEMBER", Mode::Member),
];

struct Branch {
    mode: Mode,
    feature: usize,
    threshold: f64,
    members: Vec<f64>,
    missing_true: bool,
    /// Indices of nodes.
    yes: usize,
    no: usize,
    /// Of a leaf: targets and weights.
    weights: Vec<(usize, f64)>,
}

struct Forest {
    nodes: Vec<Branch>,
    roots: Vec<usize>,
    targets: usize,
    base: Vec<f64>,
    /// Numbers are `f64`.
    double: bool,
}

/// Numbers as `floats`, or as a tensor of `f64` under the name with `_as_tensor`.
fn numbers(call: &Call, name: &str, double: bool) -> Result<Option<Vec<f64>>> {
    let as_tensor = format!("{name}_as_tensor");
    match (call.node.floats(name)?.filter(|v| !v.is_empty()), call.node.tensor(&as_tensor)?) {
        (Some(_), Some(_)) => Err(error(format!("attributes `{name}` and `{as_tensor}` are both there"))),
        (Some(v), None) => Ok(Some(v.iter().map(|&x| f64::from(x)).collect())),
        (None, Some(t)) => typed(&as_tensor, t, double).map(Some),
        (None, None) => Ok(None),
    }
}

/// The numbers of a tensor whose type is that of the ensemble's numbers.
fn typed(name: &str, tensor: &Tensor, double: bool) -> Result<Vec<f64>> {
    match &tensor.data {
        Data::F64(v) if double => Ok(v.clone()),
        Data::F32(v) if !double => Ok(v.iter().map(|&x| f64::from(x)).collect()),
        other => {
            let wanted = if double { "DOUBLE" } else { "FLOAT" };
            Err(error(format!(
                "attribute `{name}` is of type {} in place of {wanted}, the input's",
                other.element().name()
            )))
        }
    }
}

/// A list that has as many entries as another.
fn equally<T>(name: &str, list: Option<Vec<T>>, n: usize) -> Result<Vec<T>> {
    let list = list.ok_or_else(|| error(format!("attribute `{name}` is absent, which it needs")))?;
    if list.len() != n {
        return Err(error(format!("attribute `{name}` has {} entries in place of {n}", list.len())));
    }
    Ok(list)
}

fn index(name: &str, value: i64, n: usize) -> Result<usize> {
    usize::try_from(value)
        .ok()
        .filter(|&i| i < n)
        .ok_or_else(|| error(format!("attribute `{name}` holds {value}, which is none of {n}")))
}

/// The input: rows of `f64` that hold what the ensemble compares; whether its numbers are `f64`; rows and columns.
fn input(call: &Call) -> Result<(Vec<f64>, bool, usize, usize)> {
    let x = call.input(0)?;
    if x.element() != Element::F64 {
        let (values, rows, columns) = super::linear::rows(call)?;
        return Ok((values.iter().map(|&v| f64::from(v)).collect(), false, rows, columns));
    }
    let ([rows, columns], Data::F64(values)) = (x.shape.as_slice(), &x.data) else {
        return Err(error(format!("its input has shape {:?} in place of rows x columns", x.shape)));
    };
    Ok((values.clone(), true, *rows, *columns))
}

impl Forest {
    /// The form of versions 1 to 4: nodes by tree and number; weights under names with `prefix`.
    fn numbered(call: &Call, prefix: &str, targets: usize, double: bool) -> Result<Forest> {
        let node = call.node;
        let ints = |name: &str, n| equally(name, node.ints(name)?.map(<[i64]>::to_vec), n);
        let trees = node.need("nodes_treeids", node.ints("nodes_treeids")?)?;
        let n = trees.len();
        let (ids, features) = (ints("nodes_nodeids", n)?, ints("nodes_featureids", n)?);
        let (yes, no) = (ints("nodes_truenodeids", n)?, ints("nodes_falsenodeids", n)?);
        let thresholds = equally("nodes_values", numbers(call, "nodes_values", double)?, n)?;
        let modes = equally("nodes_modes", node.strs("nodes_modes")?.map(<[String]>::to_vec), n)?;
        let missing = match node.ints("nodes_missing_value_tracks_true")? {
            Some(v) if !v.is_empty() => equally("nodes_missing_value_tracks_true", Some(v.to_vec()), n)?,
            _ => vec![0; n],
        };
        let mut places = BTreeMap::new();
        let mut roots = Vec::new();
        let mut seen = std::collections::BTreeSet::new();
        for i in 0..n {
            if places.insert((trees[i], ids[i]), i).is_some() {
                return Err(error(format!("tree {} has two nodes {}", trees[i], ids[i])));
            }
            if seen.insert(trees[i]) {
                roots.push(i);
            }
        }
        let mut nodes = Vec::with_capacity(n);
        for i in 0..n {
            let mode = match modes[i].as_str() {
                "LEAF" => Mode::Leaf,
                name => MODES[..6].iter().find(|(m, _)| *m == name).map(|(_, m)| *m).ok_or_else(|| {
                    error(format!("tree {} node {}: the mode `{name}` is not understood", trees[i], ids[i]))
                })?,
            };
            let child = |id: i64| {
                let missing =
                    || error(format!("tree {} node {}: it leads to node {id}, which is not there", trees[i], ids[i]));
                if mode == Mode::Leaf { Ok(0) } else { places.get(&(trees[i], id)).copied().ok_or_else(missing) }
            };
            nodes.push(Branch {
                mode,
                feature: if mode == Mode::Leaf { 0 } else { index("nodes_featureids", features[i], usize::MAX)? },
                threshold: thresholds[i],
                members: Vec::new(),
                missing_true: missing[i] == 1,
                yes: child(yes[i])?,
                no: child(no[i])?,
                weights: Vec::new(),
            });
        }
        let name = |part: &str| format!("{prefix}_{part}");
        let of = node.need(&name("treeids"), node.ints(&name("treeids"))?)?;
        let (at, to) = (ints(&name("nodeids"), of.len())?, ints(&name("ids"), of.len())?);
        let weights = equally(&name("weights"), numbers(call, &name("weights"), double)?, of.len())?;
        for k in 0..of.len() {
            let place = places.get(&(of[k], at[k]));
            let place = *place
                .ok_or_else(|| error(format!("a weight is for tree {} node {}, which is not there", of[k], at[k])))?;
            nodes[place].weights.push((index(&name("ids"), to[k], targets)?, weights[k]));
        }
        let base = numbers(call, "base_values", double)?.unwrap_or_default();
        Ok(Forest { nodes, roots, targets, base, double })
    }

    /// The form of version 5: branches and leaves by their places.
    fn placed(call: &Call, double: bool) -> Result<Forest> {
        let node = call.node;
        let ints = |name: &str, n| equally(name, node.ints(name)?.map(<[i64]>::to_vec), n);
        let of_tensor = |name: &str| node.tensor(name)?.map(|t| typed(name, t, double)).transpose();
        let features = node.need("nodes_featureids", node.ints("nodes_featureids")?)?;
        let n = features.len();
        let (yes, no) = (ints("nodes_truenodeids", n)?, ints("nodes_falsenodeids", n)?);
        let (yes_leaf, no_leaf) = (ints("nodes_trueleafs", n)?, ints("nodes_falseleafs", n)?);
        let thresholds = equally("nodes_splits", of_tensor("nodes_splits")?, n)?;
        let modes = equally("nodes_modes", node.tensor("nodes_modes")?.and_then(Tensor::to_i64), n)?;
        let missing = match node.ints("nodes_missing_value_tracks_true")? {
            Some(v) if !v.is_empty() => equally("nodes_missing_value_tracks_true", Some(v.to_vec()), n)?,
            _ => vec![0; n],
        };
        let targets = usize::try_from(node.int("n_targets", 1)?).ok().filter(|&t| (1..=super::MAX_VALUES).contains(&t));
        let targets = targets.ok_or_else(|| error("attribute `n_targets` is below 1, or too large"))?;
        let leaf_targets = node.need("leaf_targetids", node.ints("leaf_targetids")?)?;
        let weights = equally("leaf_weights", of_tensor("leaf_weights")?, leaf_targets.len())?;
        let mut members = of_tensor("membership_values")?.unwrap_or_default().into_iter();
        let mut nodes = Vec::with_capacity(n + weights.len());
        for i in 0..n {
            let mode = MODES[index("nodes_modes", modes[i], MODES.len())?].1;
            // Leaves follow the branches.
            let child = |name: &str, id: i64, leaf: i64| match leaf {
                0 => index(name, id, n),
                _ => Ok(n + index(name, id, weights.len())?),
            };
            nodes.push(Branch {
                mode,
                feature: index("nodes_featureids", features[i], usize::MAX)?,
                threshold: thresholds[i],
                members: if mode == Mode::Member {
                    members.by_ref().take_while(|v| !v.is_nan()).collect()
                } else {
                    Vec::new()
                },
                missing_true: missing[i] == 1,
                yes: child("nodes_truenodeids", yes[i], yes_leaf[i])?,
                no: child("nodes_falsenodeids", no[i], no_leaf[i])?,
                weights: Vec::new(),
            });
        }
        if members.next().is_some() {
            return Err(error(
                "attribute `membership_values` has more sets than there are nodes of mode BRANCH_MEMBER",
            ));
        }
        for (&target, &weight) in leaf_targets.iter().zip(&weights) {
            let weights = vec![(index("leaf_targetids", target, targets)?, weight)];
            nodes.push(Branch {
                mode: Mode::Leaf,
                feature: 0,
                threshold: 0.0,
                members: vec![],
                missing_true: false,
                yes: 0,
                no: 0,
                weights,
            });
        }
        let roots = node.need("tree_roots", node.ints("tree_roots")?)?;
        let roots = roots.iter().map(|&r| index("tree_roots", r, n)).collect::<Result<_>>()?;
        Ok(Forest { nodes, roots, targets, base: Vec::new(), double })
    }

    /// The weights of the leaf that `row` gets to.
    fn leaf(&self, root: usize, row: &[f64]) -> Result<(&[(usize, f64)], usize)> {
        let mut at = root;
        for steps in 1..=self.nodes.len() {
            let node = &self.nodes[at];
            if node.mode == Mode::Leaf {
                return Ok((&node.weights, steps));
            }
            let x = *row.get(node.feature).ok_or_else(|| {
                error(format!("a node tests feature {} of an input with {} columns", node.feature, row.len()))
            })?;
            let yes = match node.mode {
                Mode::AtMost => x <= node.threshold,
                Mode::Below => x < node.threshold,
                Mode::AtLeast => x >= node.threshold,
                Mode::Above => x > node.threshold,
                Mode::Equal => x == node.threshold,
                Mode::NotEqual => x != node.threshold,
                _ => node.members.contains(&x),
            };
            at = if yes || (node.missing_true && x.is_nan()) { node.yes } else { node.no };
        }
        Err(error("the nodes of a tree form a cycle"))
    }

    fn rounded(&self, v: f64) -> f64 {
        if self.double { v } else { f64::from(v as f32) }
    }

    /// Per target what the leaves of a row come to; `None` where no leaf has a weight for it.
    fn gather(&self, call: &Call, row: &[f64], join: impl Fn(f64, f64) -> f64) -> Result<Vec<Option<f64>>> {
        let mut sums = vec![None; self.targets];
        for &root in &self.roots {
            let (weights, steps) = self.leaf(root, row)?;
            call.work.take(steps + weights.len())?;
            for &(target, weight) in weights {
                sums[target] = Some(sums[target].map_or(weight, |sum| self.rounded(join(sum, weight))));
            }
        }
        Ok(sums)
    }
}

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
            // onnxruntime passes over it where there is one target: what is meant is not certain, so it is refused.
            if forest.targets == 1 && post != Post::Probit {
                return Err(error(
                    "a post_transform other than NONE of one target is not understood: kernels pass over it",
                ));
            }
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
    let shared = classes == 2 && ids.iter().all(|id| Some(id) == ids.first());
    let positive = forest.nodes.iter().flat_map(|n| &n.weights).all(|(_, w)| *w >= 0.0);
    let (mut chosen, mut scores) = (Vec::new(), Vec::new());
    for row in 0..rows {
        let sums = forest.gather(call, &x[row * columns..(row + 1) * columns], |a, b| a + b)?;
        let (label, row) =
            if classes == 2 { two(&forest, &sums, shared, positive, post)? } else { many(&forest, &sums, post) };
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

/// Two classes. Their scores where each has one; where they share one, `s`, the second has `s` and the first what is left.
fn two(forest: &Forest, sums: &[Option<f64>], shared: bool, positive: bool, post: Post) -> Result<(usize, Vec<f32>)> {
    let base = |k: usize| forest.base.get(k).copied().unwrap_or(0.0);
    let plus = |a: f64, b: f64| forest.rounded(a + b);
    // What is known of either, as onnxruntime's aggregator has it.
    let (first, second) = match (forest.base.len(), sums[1]) {
        (2, Some(_)) => {
            let s = plus(base(1), sums[0].unwrap_or(0.0));
            (-s, Some(s))
        }
        (2, None) => (plus(sums[0].unwrap_or(0.0), base(0)), Some(base(1))),
        (1, second) => (plus(sums[0].unwrap_or(0.0), base(0)), second),
        (_, second) => (sums[0].unwrap_or(0.0), second),
    };
    let weight = second.unwrap_or(first);
    let label = usize::from(weight > if shared && positive { 0.5 } else { 0.0 });
    if let Some(second) = second {
        let mut scores = vec![first as f32, second as f32];
        post.apply(&mut scores);
        return Ok((label, scores));
    }
    let s = first as f32;
    if post == Post::Probit {
        return Err(error("post_transform PROBIT of one score for two classes is not understood"));
    }
    Ok((
        label,
        match (shared && positive, post) {
            (true, _) => vec![1.0 - s, s],
            (false, Post::None) => vec![-s, s],
            (false, post) => {
                let mut scores = vec![-s, s];
                post.apply(&mut scores);
                scores
            }
        },
    ))
}
