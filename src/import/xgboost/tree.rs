//! One tree of the file in our one rule.
//!
//! * `f32(x) < threshold` goes left: as `x <= c`, found by bisection.
//! * A chosen category goes *right*; any other value, among them those out of range, goes left. Our set test sends its members left, so the
//!   children of such a node change sides, and the side of what is missing with them.
//! * Nodes that nothing leads to (pruned ones) are left out. Leaves keep the library's numbers.

use super::error;
use super::file::Tree;
use crate::error::Result;
use crate::import::trees::below_single;
use crate::model::forest::{MAX_CATEGORY, MAX_DEPTH, PlainNode, PlainTree, Test};
use std::ops::Range;

/// What the tree is a part of.
pub(super) struct Place {
    /// Number of features of the model.
    pub n_features: usize,
    /// Number of scores of the model.
    pub n_outputs: usize,
    /// Which score it adds to (`tree_info`).
    pub output: usize,
    /// What its leaves are multiplied by (`dart`).
    pub weight: f32,
}

/// The tree, and by node the library's numbers. A tree whose leaves are vectors becomes one per output, alike but for the leaves.
pub(super) fn plain(tree: &Tree, place: &Place) -> Result<Vec<(PlainTree, Vec<u32>)>> {
    let outline = outline(tree, place)?;
    let leaves = Leaves::new(tree, place, &outline)?;
    let one = |k: usize, output: usize| -> Result<(PlainTree, Vec<u32>)> {
        let mut nodes = outline.nodes.clone();
        for (node, number) in nodes.iter_mut().zip(&outline.numbers) {
            if let PlainNode::Leaf(values) = node {
                let value = leaves.value(tree, *number as usize, k) * place.weight;
                if !value.is_finite() {
                    return Err(error(format!("leaf {number} is {value}: a leaf is a finite number")));
                }
                *values = vec![f64::from(value)];
            }
        }
        Ok((PlainTree { nodes, output }, outline.numbers.clone()))
    };
    match leaves {
        Leaves::Numbers => Ok(vec![one(0, place.output)?]),
        _ => (0..place.n_outputs).map(|k| one(k, k)).collect(),
    }
}

/// The tree without the values of its leaves, in preorder, and by node the library's numbers.
struct Outline {
    nodes: Vec<PlainNode>,
    numbers: Vec<u32>,
}

fn outline(tree: &Tree, place: &Place) -> Result<Outline> {
    let n = tree.left_children.len();
    let claimed = tree.tree_param.num_nodes.whole("num_nodes", 0)?;
    if n == 0 || n != claimed {
        return Err(error(format!(
            "num_nodes is {claimed}, and left_children has {n}: a tree has as many, and a root"
        )));
    }
    for (name, len) in [
        ("right_children", tree.right_children.len()),
        ("split_indices", tree.split_indices.len()),
        ("split_conditions", tree.split_conditions.len()),
        ("default_left", tree.default_left.len()),
    ] {
        if len != n {
            return Err(error(format!("{name} has {len} values: there are {n} nodes")));
        }
    }
    let chosen = chosen(tree, n)?;

    let mut out = Outline { nodes: Vec::new(), numbers: Vec::new() };
    let mut seen = vec![false; n];
    // A node to visit, its depth, and the parent that has it as its right child.
    let mut open = vec![(0, 0, None)];
    while let Some((i, depth, parent)) = open.pop() {
        if std::mem::replace(&mut seen[i], true) {
            return Err(error(format!("node {i} has two parents, or is its own: every node but the root has one")));
        }
        if depth > MAX_DEPTH {
            return Err(error(format!("node {i} is more than {MAX_DEPTH} splits deep")));
        }
        let at = out.nodes.len();
        if let Some(parent) = parent
            && let Some(PlainNode::Split { right, .. }) = out.nodes.get_mut(parent)
        {
            *right = at;
        }
        out.numbers.push(i as u32);
        if tree.left_children[i] == -1 {
            out.nodes.push(PlainNode::Leaf(Vec::new()));
            continue;
        }
        let child = |name: &str, c: i32| {
            let inside = usize::try_from(c).ok().filter(|c| *c < n);
            inside.ok_or_else(|| error(format!("the {name} child of node {i} is {c}: there are nodes 0 to {}", n - 1)))
        };
        let (mut left, mut right) = (child("left", tree.left_children[i])?, child("right", tree.right_children[i])?);
        let mut default_left = tree.default_left[i].0;
        let feature = tree.split_indices[i] as usize;
        if feature >= place.n_features {
            return Err(error(format!("node {i} splits by feature {feature}: the model has {}", place.n_features)));
        }
        let test = match &chosen[..] {
            [] => None,
            chosen => chosen[i].clone(),
        };
        let test = match test {
            Some(range) => {
                std::mem::swap(&mut left, &mut right);
                default_left = !default_left;
                Test::In(set(&tree.categories[range]).map_err(|e| e.context(format!("node {i}")))?)
            }
            None => {
                let threshold = tree.split_conditions[i].0;
                if threshold.is_nan() {
                    return Err(error(format!("the threshold of node {i} is not a number")));
                }
                Test::AtMost(below_single(threshold).unwrap_or(-f64::MAX))
            }
        };
        out.nodes.push(PlainNode::Split { feature, test, default_left, left: at + 1, right: 0 });
        open.extend([(right, depth + 1, Some(at)), (left, depth + 1, None)]);
    }
    Ok(out)
}

/// By node where its categories are; empty where no node splits by any.
fn chosen(tree: &Tree, n: usize) -> Result<Vec<Option<Range<usize>>>> {
    let Tree { split_type, categories_nodes, categories_segments, categories_sizes, categories, .. } = tree;
    if !split_type.is_empty() && split_type.len() != n {
        return Err(error(format!("split_type has {} values: there are {n} nodes", split_type.len())));
    }
    if let Some((i, kind)) = split_type.iter().enumerate().find(|(_, kind)| **kind > 1) {
        return Err(error(format!("split_type of node {i} is {kind}: it is 0 (by a number) or 1 (by categories)")));
    }
    let (nodes, segments, sizes) = (categories_nodes.len(), categories_segments.len(), categories_sizes.len());
    if nodes != segments || nodes != sizes {
        return Err(error(format!(
            "categories_nodes, categories_segments and categories_sizes have {nodes}, {segments} and {sizes} values: they have as many"
        )));
    }
    let by_categories = split_type.iter().filter(|kind| **kind == 1).count();
    if nodes == 0 && by_categories == 0 {
        return Ok(Vec::new());
    }
    let mut out = vec![None; n];
    // Segments follow each other in the file: were they to share, a short file could ask for much memory.
    let mut total = 0;
    for ((node, begin), size) in categories_nodes.iter().zip(categories_segments).zip(categories_sizes) {
        let i = usize::try_from(*node).ok().filter(|i| split_type.get(*i) == Some(&1));
        let range = usize::try_from(*begin).ok().zip(usize::try_from(*size).ok()).and_then(|(begin, size)| {
            total += size.min(categories.len() + 1);
            let end = begin.checked_add(size).filter(|end| *end <= categories.len() && total <= categories.len())?;
            (size > 0).then_some(begin..end)
        });
        match (i, range) {
            (Some(i), Some(range)) if out[i].is_none() => out[i] = Some(range),
            (None, _) => {
                return Err(error(format!("categories_nodes names node {node}, which does not split by categories")));
            }
            (Some(i), None) => {
                return Err(error(format!(
                    "node {i} has {size} categories from {begin}: there are {}, and every such node has some of its own",
                    categories.len()
                )));
            }
            (Some(i), _) => return Err(error(format!("categories_nodes names node {i} twice"))),
        }
    }
    if nodes != by_categories {
        return Err(error(format!("{by_categories} nodes split by categories, and {nodes} have any")));
    }
    Ok(out)
}

fn set(categories: &[i32]) -> Result<Vec<u32>> {
    let category = |c: &i32| {
        let inside = u32::try_from(*c).ok().filter(|c| *c <= MAX_CATEGORY);
        inside.ok_or_else(|| error(format!("category {c}: categories are 0 to {MAX_CATEGORY}")))
    };
    let mut set = categories.iter().map(category).collect::<Result<Vec<_>>>()?;
    set.sort_unstable();
    set.dedup();
    Ok(set)
}

/// Where the values of leaves are.
enum Leaves {
    /// In `split_conditions`.
    Numbers,
    /// In `base_weights`, vectors of as many, by node.
    ByNode(usize),
    /// In `leaf_weights`, vectors of as many, by the leaf's `right_children`.
    ByLeaf(usize),
}

impl Leaves {
    fn new(tree: &Tree, place: &Place, outline: &Outline) -> Result<Leaves> {
        let width = tree.tree_param.size_leaf_vector.whole("size_leaf_vector", 1)?;
        if width <= 1 {
            return Ok(Leaves::Numbers);
        }
        if width != place.n_outputs {
            return Err(error(format!("size_leaf_vector is {width}: the model has {} outputs", place.n_outputs)));
        }
        // Every leaf has a vector of its own: were they to share, a short file could ask for much memory.
        let leaves =
            || outline.nodes.iter().zip(&outline.numbers).filter(|(node, _)| matches!(node, PlainNode::Leaf(_)));
        let (name, values, due) = match &tree.leaf_weights {
            None => ("base_weights", &tree.base_weights, tree.left_children.len()),
            Some(values) => ("leaf_weights", values, leaves().count()),
        };
        if due.checked_mul(width).is_none_or(|due| values.len() < due) {
            let n = values.len();
            return Err(error(format!("{name} has {n} values: {due} vectors of {width} are due")));
        }
        if tree.leaf_weights.is_none() {
            return Ok(Leaves::ByNode(width));
        }
        for (_, number) in leaves() {
            let which = tree.right_children[*number as usize];
            if usize::try_from(which).ok().is_none_or(|which| which >= values.len() / width) {
                let n = values.len() / width;
                return Err(error(format!("leaf {number} has vector {which}: leaf_weights holds {n}")));
            }
        }
        Ok(Leaves::ByLeaf(width))
    }

    /// The value of a leaf for an output.
    fn value(&self, tree: &Tree, leaf: usize, output: usize) -> f32 {
        match self {
            Leaves::Numbers => tree.split_conditions[leaf].0,
            Leaves::ByNode(width) => tree.base_weights[leaf * width + output].0,
            Leaves::ByLeaf(width) => {
                let at = tree.right_children[leaf] as usize * width + output;
                tree.leaf_weights.as_ref().and_then(|values| values.get(at)).map_or(f32::NAN, |v| v.0)
            }
        }
    }
}
