//! An ensemble of trees as a node's attributes have it, and the way of a row through it.
//!
//! Thresholds and sums are `f32` for inputs that are, and for whole numbers; `f64` for `f64` inputs. Weights are added in the order of
//! the trees; base values last.

use std::collections::BTreeMap;

use super::Call;
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

pub(super) struct Branch {
    mode: Mode,
    feature: usize,
    threshold: f64,
    members: Vec<f64>,
    missing_true: bool,
    /// Indices of nodes.
    yes: usize,
    no: usize,
    /// Of a leaf: targets and weights.
    pub(super) weights: Vec<(usize, f64)>,
}

pub(super) struct Forest {
    pub(super) nodes: Vec<Branch>,
    pub(super) roots: Vec<usize>,
    pub(super) targets: usize,
    pub(super) base: Vec<f64>,
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

pub(super) fn index(name: &str, value: i64, n: usize) -> Result<usize> {
    usize::try_from(value)
        .ok()
        .filter(|&i| i < n)
        .ok_or_else(|| error(format!("attribute `{name}` holds {value}, which is none of {n}")))
}

/// The input: rows of `f64` that hold what the ensemble compares; whether its numbers are `f64`; rows and columns.
pub(super) fn input(call: &Call) -> Result<(Vec<f64>, bool, usize, usize)> {
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
    pub(super) fn numbered(call: &Call, prefix: &str, targets: usize, double: bool) -> Result<Forest> {
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
    pub(super) fn placed(call: &Call, double: bool) -> Result<Forest> {
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
    pub(super) fn leaf(&self, root: usize, row: &[f64]) -> Result<(&[(usize, f64)], usize)> {
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

    pub(super) fn rounded(&self, v: f64) -> f64 {
        if self.double { v } else { f64::from(v as f32) }
    }

    /// Per target what the leaves of a row come to; `None` where no leaf has a weight for it.
    pub(super) fn gather(&self, call: &Call, row: &[f64], join: impl Fn(f64, f64) -> f64) -> Result<Vec<Option<f64>>> {
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
