//! Trees as scikit-learn keeps them (`sklearn.tree._tree.Tree`: parallel arrays, a leaf where `feature` is negative), to ours.

use super::format::{Forest, ForestLink, Tree};
use crate::error::Result;
use crate::import::error;
use crate::import::trees::{Trees, largest};
use crate::model::forest::{Link, PlainNode, PlainTree, Test};

/// `at`: the forest's path in the file.
pub(super) fn read(file: Forest, n_features: usize, n_classes: usize, at: &str) -> Result<Trees> {
    let link = match file.link {
        ForestLink::Average => Link::Average,
        ForestLink::Identity => Link::Identity,
        ForestLink::Sigmoid => Link::Sigmoid,
        ForestLink::Softmax => Link::Softmax,
        ForestLink::OneVsRest => Link::OneVsRest,
    };
    let outputs = match link {
        Link::Average => 0,
        Link::Identity | Link::Sigmoid => 1,
        Link::Softmax | Link::OneVsRest => n_classes,
    };
    if outputs == 1 && n_classes != 2 {
        return Err(error(format!("{at}.link: one score is for two classes, and there are {n_classes}")));
    }
    if file.base.len() != outputs || !file.base.iter().all(|v| v.is_finite()) {
        return Err(error(format!("{at}.base: this link starts from {outputs} finite numbers")));
    }
    if file.trees.is_empty() {
        return Err(error(format!("{at}.trees: there is no tree")));
    }
    let shape = Shape { single: file.single, width: if outputs == 0 { n_classes } else { 1 }, n_features };
    let mut trees = Vec::with_capacity(file.trees.len());
    for (t, tree) in file.trees.into_iter().enumerate() {
        if tree.output >= outputs.max(1) {
            return Err(error(format!("{at}.trees[{t}].output: there are {} outputs", outputs.max(1))));
        }
        trees.push(plain(tree, &shape).map_err(|e| e.context(format!("{at}.trees[{t}]")))?);
    }
    let numbers = match file.numbered {
        true => trees.iter().map(|tree| (0..tree.nodes.len() as u32).collect()).collect(),
        false => Vec::new(),
    };
    Ok(Trees { n_features, n_classes, link, base: file.base, trees, numbers })
}

struct Shape {
    /// Columns are rounded to `f32` before they are compared.
    single: bool,
    /// Numbers of a leaf.
    width: usize,
    n_features: usize,
}

fn plain(tree: Tree, shape: &Shape) -> Result<PlainTree> {
    let n = tree.feature.len();
    let missing_left = tree.missing_left.unwrap_or_else(|| vec![0; n]);
    let lengths = [
        ("threshold", tree.threshold.len()),
        ("left", tree.left.len()),
        ("right", tree.right.len()),
        ("missing_left", missing_left.len()),
    ];
    if let Some((name, length)) = lengths.iter().find(|(_, length)| *length != n) {
        return Err(error(format!("{name} has {length} entries, and feature {n}")));
    }
    if n == 0 {
        return Err(error("it has no node"));
    }
    let leaves = tree.feature.iter().filter(|f| **f < 0).count();
    if leaves * shape.width != tree.value.len() {
        return Err(error(format!(
            "value has {} numbers: {leaves} leaves of {} take {}",
            tree.value.len(),
            shape.width,
            leaves * shape.width
        )));
    }
    if let Some(node) = missing_left.iter().position(|v| *v > 1) {
        return Err(error(format!("missing_left[{node}] is {}: it is 0 or 1", missing_left[node])));
    }
    let mut sets: Vec<Option<Vec<u32>>> = vec![None; n];
    for (node, set) in tree.categories {
        match sets.get_mut(node) {
            Some(_) if tree.feature[node] < 0 => {
                return Err(error(format!("categories: node {node} is a leaf, which tests nothing")));
            }
            Some(place) if place.is_none() => *place = Some(set),
            Some(_) => return Err(error(format!("categories: node {node} has two sets"))),
            None => return Err(error(format!("categories: node {node} is not there: the tree has {n}"))),
        }
    }
    let mut values = tree.value.chunks_exact(shape.width);
    let mut nodes = Vec::with_capacity(n);
    for i in 0..n {
        if tree.feature[i] < 0 {
            nodes.push(PlainNode::Leaf(values.next().unwrap_or_default().to_vec()));
            continue;
        }
        let feature = usize::try_from(tree.feature[i]).unwrap_or(usize::MAX);
        if feature >= shape.n_features {
            return Err(error(format!("node {i} tests column {feature}, and there are {}", shape.n_features)));
        }
        let (left, right) = (tree.left[i], tree.right[i]);
        if left <= i || right <= i || left >= n || right >= n {
            return Err(error(format!(
                "node {i} has the children {left} and {right}: children come after their parent and before {n}"
            )));
        }
        let test = match sets[i].take() {
            Some(set) => Test::In(set),
            None => Test::AtMost(threshold(tree.threshold[i], shape.single)),
        };
        nodes.push(PlainNode::Split { feature, test, default_left: missing_left[i] != 0, left, right });
    }
    Ok(PlainTree { nodes, output: tree.output })
}

/// `x <= t`, or `f32(x) <= t`, in our rule. The largest number there is: every number goes left.
fn threshold(t: f64, single: bool) -> f64 {
    match single {
        true if t < f64::MAX => largest(|x| f64::from(x as f32) <= t).unwrap_or(-f64::MAX),
        _ => t,
    }
}
