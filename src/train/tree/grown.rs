//! A tree of boosting, grown: tests on codes, and what is made of them.

use super::bins::{Codes, Coding};
use super::fixed::Pair;
use super::split::{Bounds, Cut, Split, contains};
use super::store::Store;
use crate::model::forest::{PlainNode, PlainTree, Test};
use std::ops::Range;

/// A grown tree. Node 0 is the root; children come after parents.
pub(crate) struct Grown {
    pub(crate) nodes: Vec<Node>,
}

/// One node.
pub(crate) enum Node {
    /// Where its rows lie in the row list that was grown on, their sum, and what its number may be.
    Leaf { rows: Range<usize>, sum: Pair, bounds: Bounds },
    /// A test and its children. `stored`: the codes of the feature's line that go left.
    Split { split: Split, stored: [u64; 4], left: usize, right: usize },
}

impl Grown {
    /// The leaf that a training row reaches.
    pub(crate) fn leaf(&self, store: &Store, row: usize) -> usize {
        let mut at = 0;
        while let Node::Split { split, stored, left, right } = &self.nodes[at] {
            let Some(place) = store.places[split.feature] else { break };
            let (codes, width, j) = store.line(place.line);
            at = if contains(stored, codes[row * width + j]) { *left } else { *right };
        }
        at
    }

    /// The leaf that another row reaches.
    pub(crate) fn leaf_of(&self, codes: &Codes, row: usize) -> usize {
        let row = codes.row(row);
        let mut at = 0;
        while let Node::Split { split, left, right, .. } = &self.nodes[at] {
            at = if split.goes_left(row[split.feature]) { *left } else { *right };
        }
        at
    }

    /// The tree over real features: codes become thresholds and sets of levels. `values`: per node, a leaf's number.
    pub(crate) fn plain(&self, codings: &[Coding], output: usize, values: &[f64]) -> PlainTree {
        let nodes = self.nodes.iter().zip(values).map(|(node, &value)| match node {
            Node::Leaf { .. } => PlainNode::Leaf(vec![value]),
            Node::Split { split, left, right, .. } => PlainNode::Split {
                feature: split.feature,
                test: test(&split.cut, &codings[split.feature]),
                default_left: split.default_left,
                left: *left,
                right: *right,
            },
        });
        PlainTree { nodes: nodes.collect(), output }
    }

    /// Adds each split's gain to its feature.
    pub(crate) fn add_gain(&self, importance: &mut [f64]) {
        for node in &self.nodes {
            if let Node::Split { split, .. } = node {
                importance[split.feature] += split.gain;
            }
        }
    }
}

/// A test on codes as a test on values.
pub(crate) fn test(cut: &Cut, coding: &Coding) -> Test {
    match (cut, coding) {
        (Cut::In(set), Coding::Levels { code, .. }) => {
            Test::In((0..code.len()).filter(|l| contains(set, code[*l])).map(|l| l as u32).collect())
        }
        (Cut::AtMost(k), _) => Test::AtMost(coding.threshold(*k)),
        (Cut::In(_), Coding::Cuts(_)) => Test::In(Vec::new()),
    }
}
