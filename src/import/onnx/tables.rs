//! The tables that a node of trees holds, in its attributes, as trees.

use super::ensemble::{Branch, Ensemble, Mode, Tree};
use super::node::Node;
use crate::error::Result;
use std::collections::BTreeMap;

/// Attributes of the classifier and of the regressor.
pub fn known(prefix: &str) -> Vec<&'static str> {
    const NODES: [&str; 16] = [
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
        "aggregate_function",
        "n_targets",
    ];
    const CLASS: [&str; 7] = [
        "class_ids",
        "class_nodeids",
        "class_treeids",
        "class_weights",
        "class_weights_as_tensor",
        "classlabels_int64s",
        "classlabels_strings",
    ];
    const TARGET: [&str; 5] =
        ["target_ids", "target_nodeids", "target_treeids", "target_weights", "target_weights_as_tensor"];
    let own: &[&str] = if prefix == "class" { &CLASS } else { &TARGET };
    NODES.iter().chain(own).copied().collect()
}

/// Numbers of an attribute, in `f32` or as a tensor.
pub fn numbers(node: &Node, name: &str) -> Result<Option<Vec<f64>>> {
    if let Some(v) = node.floats(name)? {
        return Ok(Some(v.iter().map(|v| f64::from(*v)).collect()));
    }
    match node.tensor(&format!("{name}_as_tensor"))? {
        Some(tensor) => Ok(Some(
            tensor.to_f64().ok_or_else(|| node.error(format!("attribute `{name}_as_tensor` holds no numbers")))?,
        )),
        None => Ok(None),
    }
}

/// Columns of a table, of one length.
fn same_length(node: &Node, columns: &[(&str, usize)]) -> Result<()> {
    let n = columns.first().map_or(0, |c| c.1);
    match columns.iter().find(|c| c.1 != n) {
        Some((name, other)) => {
            Err(node.error(format!("attribute `{name}` has {other} entries, but `{}` has {n}", columns[0].0)))
        }
        None => Ok(()),
    }
}

/// The tables of the classifier and the regressor.
pub fn flat(node: &Node, prefix: &str, n_outputs: usize, width: usize) -> Result<Ensemble> {
    let ints = |name: &str| node.need(name, node.ints(name)?);
    let (trees, ids, features) = (ints("nodes_treeids")?, ints("nodes_nodeids")?, ints("nodes_featureids")?);
    let (yes, no) = (ints("nodes_truenodeids")?, ints("nodes_falsenodeids")?);
    let modes = node.need("nodes_modes", node.strs("nodes_modes")?)?;
    let values = node.need("nodes_values", numbers(node, "nodes_values")?)?;
    let missing = node.ints("nodes_missing_value_tracks_true")?.unwrap_or_default();
    same_length(
        node,
        &[
            ("nodes_treeids", trees.len()),
            ("nodes_nodeids", ids.len()),
            ("nodes_featureids", features.len()),
            ("nodes_truenodeids", yes.len()),
            ("nodes_falsenodeids", no.len()),
            ("nodes_modes", modes.len()),
            ("nodes_values", values.len()),
        ],
    )?;
    let name = |what: &str| format!("{prefix}_{what}");
    let (at_tree, at_node, outputs) = (ints(&name("treeids"))?, ints(&name("nodeids"))?, ints(&name("ids"))?);
    let weights = node.need(&name("weights"), numbers(node, &name("weights"))?)?;
    same_length(
        node,
        &[
            (&name("treeids"), at_tree.len()),
            (&name("nodeids"), at_node.len()),
            (&name("ids"), outputs.len()),
            (&name("weights"), weights.len()),
        ],
    )?;

    // By tree in the file's order: the file's number of each node, and its place in the tables.
    let mut order: Vec<i64> = Vec::new();
    let mut places: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
    let mut found: BTreeMap<(i64, i64), usize> = BTreeMap::new();
    for (i, tree) in trees.iter().enumerate() {
        let own = places.entry(*tree).or_default();
        if own.is_empty() {
            order.push(*tree);
        }
        if found.insert((*tree, ids[i]), own.len()).is_some() {
            return Err(node.error(format!("tree {tree} has two nodes {}", ids[i])));
        }
        own.push(i);
    }
    let mut leaves: BTreeMap<(i64, i64), BTreeMap<usize, f64>> = BTreeMap::new();
    for (i, tree) in at_tree.iter().enumerate() {
        let output = usize::try_from(outputs[i]).ok().filter(|k| *k < n_outputs);
        let output =
            output.ok_or_else(|| node.error(format!("a weight is of output {}, of {n_outputs}", outputs[i])))?;
        *leaves.entry((*tree, at_node[i])).or_default().entry(output).or_default() += weights[i];
    }

    let mut ensemble = Ensemble { trees: Vec::new(), n_outputs };
    for tree in order {
        let own = &places[&tree];
        let named = |what: &str, i: usize| node.error(format!("tree {tree}, node {}: {what}", ids[i]));
        let mut nodes = Vec::with_capacity(own.len());
        for &i in own {
            let weights = leaves.remove(&(tree, ids[i]));
            if modes[i] == "LEAF" {
                let number = u32::try_from(ids[i]).map_err(|_| named("its number is negative or too large", i))?;
                nodes.push(Branch::Leaf { number, weights: weights.unwrap_or_default().into_iter().collect() });
                continue;
            }
            if weights.is_some() {
                return Err(named("it has weights, which leaves have", i));
            }
            let mode = mode(&modes[i]).ok_or_else(|| {
                named(
                    &format!("its mode {} is not understood: BRANCH_LEQ, _LT, _GTE, _GT, _EQ and _NEQ are", modes[i]),
                    i,
                )
            })?;
            let feature = usize::try_from(features[i]).ok().filter(|f| *f < width);
            let feature = feature.ok_or_else(|| named(&format!("it reads feature {}, of {width}", features[i]), i))?;
            if values[i].is_nan() {
                return Err(named("its threshold is not a number", i));
            }
            let child = |id: i64| {
                found
                    .get(&(tree, id))
                    .copied()
                    .ok_or_else(|| named(&format!("it leads to node {id}, which is not there"), i))
            };
            nodes.push(Branch::Split {
                feature,
                mode,
                values: vec![values[i]],
                missing_yes: missing.get(i).is_some_and(|m| *m != 0),
                yes: child(yes[i])?,
                no: child(no[i])?,
            });
        }
        ensemble.trees.push(Tree {
            root: root(&nodes)
                .ok_or_else(|| node.error(format!("tree {tree} has not one root, or its nodes form a cycle")))?,
            nodes,
        });
    }
    if let Some((tree, id)) = leaves.keys().next() {
        return Err(node.error(format!("there are weights of tree {tree}, node {id}, which is not there")));
    }
    if ensemble.trees.is_empty() {
        return Err(node.error("it has no trees"));
    }
    Ok(ensemble)
}

/// The node that none leads to, from which all others are reached and no way comes back; `None`: there is no such node. (Two may lead to
/// one: onnxmltools writes a LightGBM node that asks for a set of categories as several that share what follows.)
fn root(nodes: &[Branch]) -> Option<usize> {
    let children = |node: &Branch| match node {
        Branch::Split { yes, no, .. } => vec![*yes, *no],
        Branch::Leaf { .. } => Vec::new(),
    };
    let mut waits = vec![0; nodes.len()];
    nodes.iter().flat_map(children).for_each(|child| waits[child] += 1);
    let root = (0..nodes.len()).find(|i| waits[*i] == 0)?;
    // In an order in which each comes after all that lead to it; what another root or a cycle leads to never comes.
    let (mut open, mut reached) = (vec![root], 0);
    while let Some(i) = open.pop() {
        reached += 1;
        for child in children(&nodes[i]) {
            waits[child] -= 1;
            if waits[child] == 0 {
                open.push(child);
            }
        }
    }
    (reached == nodes.len()).then_some(root)
}

fn mode(name: &str) -> Option<Mode> {
    Some(match name {
        "BRANCH_LEQ" => Mode::AtMost,
        "BRANCH_LT" => Mode::Below,
        "BRANCH_GTE" => Mode::AtLeast,
        "BRANCH_GT" => Mode::Above,
        "BRANCH_EQ" => Mode::Equals,
        "BRANCH_NEQ" => Mode::Differs,
        _ => return None,
    })
}

/// The tables of version 5.
pub fn packed(node: &Node, width: usize) -> Result<Ensemble> {
    let ints = |name: &str| node.need(name, node.ints(name)?);
    let tensor = |name: &str| -> Result<Vec<f64>> {
        let tensor = node.need(name, node.tensor(name)?)?;
        tensor.to_f64().ok_or_else(|| node.error(format!("attribute `{name}` holds no numbers")))
    };
    let (features, splits, modes) = (ints("nodes_featureids")?, tensor("nodes_splits")?, tensor("nodes_modes")?);
    let (yes, no) = (ints("nodes_truenodeids")?, ints("nodes_falsenodeids")?);
    let (yes_leaf, no_leaf) = (ints("nodes_trueleafs")?, ints("nodes_falseleafs")?);
    let missing = node.ints("nodes_missing_value_tracks_true")?.unwrap_or_default();
    let (targets, weights) = (ints("leaf_targetids")?, tensor("leaf_weights")?);
    same_length(
        node,
        &[
            ("nodes_featureids", features.len()),
            ("nodes_splits", splits.len()),
            ("nodes_modes", modes.len()),
            ("nodes_truenodeids", yes.len()),
            ("nodes_falsenodeids", no.len()),
            ("nodes_trueleafs", yes_leaf.len()),
            ("nodes_falseleafs", no_leaf.len()),
        ],
    )?;
    same_length(node, &[("leaf_targetids", targets.len()), ("leaf_weights", weights.len())])?;
    let n_outputs = super::ensemble::targets(node)?;
    // Sets, one for each node with mode 6, in order, each ended by a NaN.
    let members = node.tensor("membership_values")?.and_then(|t| t.to_f64()).unwrap_or_default();
    let mut sets = members.split(|v| v.is_nan());
    let mut splits_of: Vec<Vec<f64>> = Vec::with_capacity(modes.len());
    for (i, mode) in modes.iter().enumerate() {
        splits_of.push(match (*mode == 6.0, splits[i]) {
            (true, _) => sets
                .next()
                .map(<[f64]>::to_vec)
                .ok_or_else(|| node.error("there are fewer sets than nodes that ask for one"))?,
            (false, t) if t.is_nan() => return Err(node.error(format!("node {i}: its threshold is not a number"))),
            (false, t) => vec![t],
        });
    }

    let mut ensemble = Ensemble { trees: Vec::new(), n_outputs };
    let mut left: usize = 2 * (modes.len() + weights.len()) + 1;
    for start in ints("tree_roots")? {
        let mut nodes: Vec<Branch> = Vec::new();
        // What is still to be laid down: its place among the file's nodes or leaves, and whose child it is, on which side.
        let mut open = vec![(*start, false, None::<(usize, bool)>)];
        while let Some((at, leaf, parent)) = open.pop() {
            let own = nodes.len();
            // A cycle would be laid down again and again. (A tree of one leaf is a node that leads to it on both sides.)
            left = left.checked_sub(1).ok_or_else(|| node.error("its nodes have several parents, or form a cycle"))?;
            if let Some((parent, side)) = parent
                && let Branch::Split { yes, no, .. } = &mut nodes[parent]
            {
                *(if side { yes } else { no }) = own;
            }
            let place = usize::try_from(at).ok().filter(|i| *i < if leaf { weights.len() } else { modes.len() });
            let i = place.ok_or_else(|| {
                node.error(format!("it leads to {} {at}, which is not there", if leaf { "leaf" } else { "node" }))
            })?;
            if leaf {
                let output = usize::try_from(targets[i]).ok().filter(|k| *k < n_outputs);
                let output = output
                    .ok_or_else(|| node.error(format!("leaf {i} is of target {}, of {n_outputs}", targets[i])))?;
                nodes.push(Branch::Leaf { number: i as u32, weights: vec![(output, weights[i])] });
                continue;
            }
            let feature = usize::try_from(features[i]).ok().filter(|f| *f < width);
            let mode =
                [Mode::AtMost, Mode::Below, Mode::AtLeast, Mode::Above, Mode::Equals, Mode::Differs, Mode::Member];
            nodes.push(Branch::Split {
                feature: feature
                    .ok_or_else(|| node.error(format!("node {i} reads feature {}, of {width}", features[i])))?,
                mode: *mode
                    .get(modes[i] as usize)
                    .ok_or_else(|| node.error(format!("node {i}: its mode {} is not understood", modes[i])))?,
                values: splits_of[i].clone(),
                missing_yes: missing.get(i).is_some_and(|m| *m != 0),
                yes: 0,
                no: 0,
            });
            open.push((no[i], no_leaf[i] != 0, Some((own, false))));
            open.push((yes[i], yes_leaf[i] != 0, Some((own, true))));
        }
        ensemble.trees.push(Tree { nodes, root: 0 });
    }
    if ensemble.trees.is_empty() {
        return Err(node.error("it has no trees"));
    }
    Ok(ensemble)
}
