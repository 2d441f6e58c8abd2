//! Forests, as `TreeEnsemble` (`ai.onnx.ml` 5).
//!
//! Thresholds are doubles and a NaN goes where it goes here, so each row reaches the same leaf. A test for a category set asks the
//! number cut off towards zero, so it reads a column of its own that was cut off, unless the column holds whole numbers anyway.
//!
//! A leaf of `TreeEnsemble` is one number. An average of probabilities over more than two classes therefore runs in two steps: the
//! trees give the *numbers* of their leaf vectors, one output per tree, and the vectors are looked up and added.

use super::encoders::X;
use super::graph::{Attribute, Graph, ML, Value, bytes, doubles, int, ints};
use super::models::{binary, one_vs_rest, sigmoid, softmax};
use crate::error::Result;
use crate::import::onnx::proto::DataType;
use crate::math::bits;
use crate::model::forest::{Forest, Link, PlainNode, PlainTree, Test};
use std::collections::BTreeMap;

/// `BRANCH_LEQ`, `BRANCH_MEMBER`: left where `x <= split`, where `x` is a member.
const AT_MOST: u8 = 0;
const MEMBER: u8 = 6;

/// [N, n_classes].
pub fn probabilities(graph: &mut Graph, m: &Forest, x: &X) -> Result<Value> {
    match m.link() {
        Link::Average if m.n_classes() == 2 => {
            let trees = m.plain();
            let sum = ensemble(graph, &trees, x, 1, |leaf, _| (leaf[1], 0));
            let n = graph.scalar(trees.len() as f64);
            let p1 = graph.op("Div", &[&sum, &n]);
            Ok(binary(graph, &p1))
        }
        Link::Average => Ok(average(graph, m, x)),
        Link::Identity => {
            let score = scores(graph, m, x)?;
            let p1 = graph.clamp(&score, 0.0, 1.0);
            Ok(binary(graph, &p1))
        }
        Link::Sigmoid => {
            let score = scores(graph, m, x)?;
            Ok(sigmoid(graph, &score))
        }
        Link::Softmax => {
            let scores = scores(graph, m, x)?;
            Ok(softmax(graph, &scores))
        }
        Link::OneVsRest => {
            let scores = scores(graph, m, x)?;
            Ok(one_vs_rest(graph, &scores))
        }
    }
}

/// Before the link: [N, n_outputs]. Not of an average.
pub fn scores(graph: &mut Graph, m: &Forest, x: &X) -> Result<Value> {
    let sum = ensemble(graph, &m.plain(), x, m.n_outputs(), |leaf, tree| (leaf[0], tree.output));
    let base = graph.row(m.base());
    Ok(graph.op("Add", &[&sum, &base]))
}

/// The mean of leaf vectors: which vector each tree gives, the vectors, their sum.
fn average(graph: &mut Graph, m: &Forest, x: &X) -> Value {
    let trees = m.plain();
    let (mut known, mut vectors) = (BTreeMap::new(), Vec::new());
    let leaves =
        trees.iter().flat_map(|t| &t.nodes).filter_map(|n| if let PlainNode::Leaf(v) = n { Some(v) } else { None });
    for leaf in leaves {
        let next = known.len();
        known.entry(key(leaf)).or_insert_with(|| {
            vectors.extend_from_slice(leaf);
            next
        });
    }
    let place: BTreeMap<*const PlainTree, usize> = trees.iter().enumerate().map(|(i, t)| (t as *const _, i)).collect();
    let numbers =
        ensemble(graph, &trees, x, trees.len(), |leaf, tree| (known[&key(leaf)] as f64, place[&(tree as *const _)]));
    let numbers = graph.cast(&numbers, DataType::Int64);
    let vectors = graph.double(&[known.len(), m.n_classes()], &vectors);
    let all = graph.op("Gather", &[&vectors, &numbers]);
    let sum = graph.sum(&all, 1, false);
    let n = graph.scalar(trees.len() as f64);
    graph.op("Div", &[&sum, &n])
}

fn key(leaf: &[f64]) -> Vec<u64> {
    leaf.iter().map(|v| bits(*v)).collect()
}

/// Per output the sum of the leaves reached: [N, n_outputs]. `give`: the number of a leaf vector of a tree, and to which output.
fn ensemble(
    graph: &mut Graph,
    trees: &[PlainTree],
    x: &X,
    n_outputs: usize,
    give: impl Fn(&[f64], &PlainTree) -> (f64, usize),
) -> Value {
    let mut all = Ensemble::default();
    let mut value = x.value.clone();
    let mut cut: BTreeMap<usize, usize> = BTreeMap::new();
    let mut sets = trees.iter().flat_map(|t| &t.nodes).filter_map(|node| match node {
        PlainNode::Split { feature, test: Test::In(_), .. } if !x.whole[*feature] => Some(*feature),
        _ => None,
    });
    let mut asked: Vec<usize> = sets.by_ref().collect();
    asked.sort_unstable();
    asked.dedup();
    if !asked.is_empty() {
        let columns = graph.columns(&x.value, &asked.iter().map(|f| *f as i64).collect::<Vec<_>>());
        let zero = graph.scalar(0.0);
        let negative = graph.op("Less", &[&columns, &zero]);
        let (down, up) = (graph.op("Floor", &[&columns]), graph.op("Ceil", &[&columns]));
        let columns = graph.op("Where", &[&negative, &up, &down]);
        cut.extend(asked.iter().enumerate().map(|(i, f)| (*f, x.columns.len() + i)));
        value = graph.concat(&[&value, &columns]);
    }
    for tree in trees {
        all.add(tree, &cut, &give);
    }
    graph.node(ML, "TreeEnsemble", &[&value], all.attributes(n_outputs))
}

/// The lists that `TreeEnsemble` takes. Inner nodes and leaves are numbered apart.
#[derive(Default)]
struct Ensemble {
    modes: Vec<u8>,
    splits: Vec<f64>,
    features: Vec<i64>,
    missing: Vec<i64>,
    /// Of each inner node the left (true) and right (false) child, and whether it is a leaf.
    children: [Vec<i64>; 2],
    leaf: [Vec<i64>; 2],
    roots: Vec<i64>,
    /// Of all sets in the order of their nodes, each ended by NaN.
    members: Vec<f64>,
    weights: Vec<f64>,
    targets: Vec<i64>,
}

impl Ensemble {
    fn add(
        &mut self,
        tree: &PlainTree,
        cut: &BTreeMap<usize, usize>,
        give: impl Fn(&[f64], &PlainTree) -> (f64, usize),
    ) {
        // Where each node of the tree stands among the inner nodes or the leaves.
        let (mut inner, mut leaves) = (self.modes.len() as i64, self.weights.len() as i64);
        let mut number = |node: &PlainNode| {
            let next = if matches!(node, PlainNode::Leaf(_)) { &mut leaves } else { &mut inner };
            *next += 1;
            *next - 1
        };
        let places: Vec<i64> = tree.nodes.iter().map(&mut number).collect();
        self.roots.push(self.modes.len() as i64);
        for node in &tree.nodes {
            match node {
                PlainNode::Leaf(leaf) => {
                    let (weight, target) = give(leaf, tree);
                    self.weights.push(weight);
                    self.targets.push(target as i64);
                }
                PlainNode::Split { feature, test, default_left, left, right } => {
                    let child = |i: usize| (places[i], i64::from(matches!(tree.nodes[i], PlainNode::Leaf(_))));
                    match test {
                        Test::AtMost(threshold) => {
                            self.split(AT_MOST, *threshold, *feature, *default_left, [child(*left), child(*right)]);
                        }
                        Test::In(set) => {
                            let feature = *cut.get(feature).unwrap_or(feature);
                            // A set of nothing is right for every number, which no finite threshold is.
                            let (mode, split) =
                                if set.is_empty() { (AT_MOST, f64::NEG_INFINITY) } else { (MEMBER, 0.0) };
                            self.split(mode, split, feature, *default_left, [child(*left), child(*right)]);
                            if !set.is_empty() {
                                self.members.extend(set.iter().map(|v| f64::from(*v)).chain([f64::NAN]));
                            }
                        }
                    }
                }
            }
        }
        // A lone leaf needs a node to be the root: both its sides are the leaf.
        if let [PlainNode::Leaf(_)] = tree.nodes[..] {
            self.split(AT_MOST, 0.0, 0, false, [(places[0], 1); 2]);
        }
    }

    fn split(&mut self, mode: u8, split: f64, feature: usize, default_left: bool, children: [(i64, i64); 2]) {
        self.modes.push(mode);
        self.splits.push(split);
        self.features.push(feature as i64);
        self.missing.push(i64::from(default_left));
        for (side, (place, leaf)) in children.into_iter().enumerate() {
            self.children[side].push(place);
            self.leaf[side].push(leaf);
        }
    }

    fn attributes(self, n_outputs: usize) -> Vec<Attribute> {
        let ([left, right], [left_leaf, right_leaf]) = (self.children, self.leaf);
        let mut all = vec![
            // SUM.
            int("aggregate_function", 1),
            ints("leaf_targetids", self.targets),
            doubles("leaf_weights", &self.weights),
            int("n_targets", n_outputs as i64),
            ints("nodes_falseleafs", right_leaf),
            ints("nodes_falsenodeids", right),
            ints("nodes_featureids", self.features),
            bytes("nodes_modes", self.modes),
            doubles("nodes_splits", &self.splits),
            ints("nodes_trueleafs", left_leaf),
            ints("nodes_truenodeids", left),
            // NONE.
            int("post_transform", 0),
            ints("tree_roots", self.roots),
        ];
        if self.missing.contains(&1) {
            all.push(ints("nodes_missing_value_tracks_true", self.missing));
        }
        if !self.members.is_empty() {
            all.push(doubles("membership_values", &self.members));
        }
        all
    }
}
