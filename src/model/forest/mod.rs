//! Decision forests: the plain form and the reference traversal.
//!
//! **The one rule.** Left iff `x[f] <= threshold`, or left iff category `x[f]`, its fraction cut off, is in a set; NaN goes where
//! `default_left` says.
//! Importers turn every other library's rule into this one, so the runtime has no modes.
//!
//! **Layout.** Nodes of a tree are in preorder: the left child is the next node, the right child is named, both after their
//! parent. A *column* is a feature with one kind of test; its thresholds are kept once, ascending, in `cuts`, and a node
//! holds the rank of its threshold there. Sets of categories and leaf vectors are kept once, too.

use crate::error::{Error, ErrorKind};
use crate::math::{sigmoid, softmax};

mod batch;
mod batch_kernel;
mod build;
mod deep;
mod fast;
mod packed;
mod ranked;
mod ranked_columns;
mod single;
#[cfg(test)]
mod tests;

pub use fast::Fast;

/// Trees, and how their leaves become probabilities.
#[derive(Clone, Debug, PartialEq)]
pub struct Forest {
    n_features: usize,
    n_classes: usize,
    link: Link,
    base: Vec<f64>,
    columns: Vec<Column>,
    /// Distinct leaf vectors, one after another: `n_classes` numbers each under `Average`, otherwise one.
    leaves: Vec<f64>,
    /// All trees, one after another, each in preorder.
    nodes: Vec<Node>,
    trees: Vec<Tree>,
}

/// A feature with one kind of test. In a forest: distinct, ordered by feature, cuts before sets.
#[derive(Clone, Debug, PartialEq)]
struct Column {
    feature: usize,
    tests: Tests,
}

/// What the nodes of a column ask; a node's `arg` says which.
#[derive(Clone, Debug, PartialEq)]
enum Tests {
    /// `x <= cuts[arg]`; finite, strictly ascending.
    Cuts(Vec<f64>),
    /// Bit `x` of `sets[arg]`; 64 categories a word, no trailing zero words, distinct.
    Sets(Vec<Vec<u64>>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Node {
    /// Index into `columns`; [`LEAF`] for a leaf.
    column: u32,
    /// The test within its column; for a leaf, which leaf vector.
    arg: u32,
    /// Index of the right child among all nodes; 0 for a leaf.
    right: u32,
    /// Where NaN goes; false for a leaf.
    default_left: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
struct Tree {
    /// Index of its root among all nodes.
    root: u32,
    /// Which score it adds to.
    output: u32,
}

const LEAF: u32 = u32::MAX;

/// Most splits on the way to a leaf.
pub const MAX_DEPTH: usize = 4096;
/// Most nodes of a forest.
pub const MAX_NODES: usize = 1 << 27;
/// Largest category index a set may name.
pub const MAX_CATEGORY: u32 = 65_535;

/// How the summed leaves become probabilities. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, crate::wire::Encode)]
pub enum Link {
    /// Leaves hold class probabilities (`n_classes` each); the answer is their mean over trees, in tree order.
    Average,
    /// One score, already the probability of class 1 (clamped to 0..=1). Binary.
    Identity,
    /// One score; probability of class 1 is its sigmoid. Binary.
    Sigmoid,
    /// A score per class; tree `t` adds to class `output`.
    Softmax,
    /// A score per class, each through a sigmoid, normalised (LightGBM's `multiclassova`).
    OneVsRest,
}

crate::wire::decodes!(enum Link { 0: Average, 1: Identity, 2: Sigmoid, 3: Softmax, 4: OneVsRest });

/// What trainers and importers build forests from: an explicit tree, in any order in which children come after parents.
#[derive(Clone, Debug, PartialEq)]
pub enum PlainNode {
    /// `Average`: n_classes probabilities; otherwise one number.
    Leaf(Vec<f64>),
    /// A test and its two sides.
    Split {
        /// Index into `x`.
        feature: usize,
        /// What goes left.
        test: Test,
        /// Where NaN goes.
        default_left: bool,
        /// Index of the left child.
        left: usize,
        /// Index of the right child.
        right: usize,
    },
}

/// What goes left.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// `x <= threshold`.
    AtMost(f64),
    /// `x`, cut off towards zero to a whole number, is one of these, as XGBoost, LightGBM and scikit-learn cast (so all of
    /// `-1 < x < 1` is category 0); every other number goes right.
    In(Vec<u32>),
}

/// A tree, and which score it adds to (`Softmax`, `OneVsRest`: the class; otherwise 0).
#[derive(Clone, Debug, PartialEq)]
pub struct PlainTree {
    /// Node 0 is the root.
    pub nodes: Vec<PlainNode>,
    /// Score it adds to.
    pub output: usize,
}

impl Forest {
    /// Length of `x`.
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    /// Number of classes.
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// How the summed leaves become probabilities.
    pub fn link(&self) -> Link {
        self.link
    }

    /// The score each output starts from; empty under [`Link::Average`].
    pub fn base(&self) -> &[f64] {
        &self.base
    }

    /// Number of trees.
    pub fn n_trees(&self) -> usize {
        self.trees.len()
    }

    /// Number of nodes of all trees, leaves included.
    pub fn n_nodes(&self) -> usize {
        self.nodes.len()
    }

    /// Numbers per leaf.
    fn leaf_width(&self) -> usize {
        if self.link == Link::Average { self.n_classes } else { 1 }
    }

    /// Number of scores that leaves add to.
    pub fn n_outputs(&self) -> usize {
        match self.link {
            Link::Identity | Link::Sigmoid => 1,
            Link::Average | Link::Softmax | Link::OneVsRest => self.n_classes,
        }
    }

    /// The node that `x` reaches: the reference traversal.
    fn descend(&self, tree: &Tree, x: &[f64]) -> usize {
        self.descend_by(tree, |feature| x[feature])
    }

    /// As [`descend`](Self::descend), of numbers wherever they are.
    fn descend_by(&self, tree: &Tree, x: impl Fn(usize) -> f64) -> usize {
        let mut at = tree.root as usize;
        loop {
            let node = &self.nodes[at];
            if node.column == LEAF {
                return at;
            }
            let column = &self.columns[node.column as usize];
            let v = x(column.feature);
            let left = if v.is_nan() {
                node.default_left
            } else {
                match &column.tests {
                    Tests::Cuts(cuts) => v <= cuts[node.arg as usize],
                    Tests::Sets(sets) => contains(&sets[node.arg as usize], v),
                }
            };
            at = if left { at + 1 } else { node.right as usize };
        }
    }

    /// The leaf vector of a leaf node.
    fn leaf(&self, node: usize) -> &[f64] {
        let width = self.leaf_width();
        let at = self.nodes[node].arg as usize * width;
        &self.leaves[at..at + width]
    }

    /// Per tree, the preorder number of the leaf that `x` reaches, counted among all nodes of the tree. `x`: (n_features,) →
    /// `out`: (n_trees,).
    pub fn leaf_ids(&self, x: &[f64], out: &mut [u32]) {
        for (tree, id) in self.trees.iter().zip(out) {
            *id = self.descend(tree, x) as u32 - tree.root;
        }
    }

    /// The summed scores before the link: `base`, then each tree in order. Under [`Link::Average`], the summed probabilities.
    /// `x`: (n_features,) → `out`: (n_outputs,).
    pub fn margin(&self, x: &[f64], out: &mut [f64]) {
        self.start(out);
        for tree in &self.trees {
            let leaf = self.leaf(self.descend(tree, x));
            for (sum, v) in out[tree.output as usize..].iter_mut().zip(leaf) {
                *sum += v;
            }
        }
    }

    /// What sums start from. `out`: (n_outputs,).
    fn start(&self, out: &mut [f64]) {
        match self.link {
            Link::Average => out.fill(0.0),
            _ => out.copy_from_slice(&self.base),
        }
    }

    /// The summed scores, which stand first, to probabilities. `out`: (n_classes,).
    fn finish(&self, out: &mut [f64]) {
        match self.link {
            Link::Average => {
                let n = self.trees.len() as f64;
                for p in out.iter_mut() {
                    *p /= n;
                }
            }
            Link::Identity => super::binary(out[0].clamp(0.0, 1.0), out),
            Link::Sigmoid => super::binary(sigmoid(out[0]), out),
            Link::Softmax => softmax(out),
            Link::OneVsRest => super::one_vs_rest(out),
        }
    }

    /// `x`: (n_features,) → `out`: (n_classes,), each in 0..=1, summing to 1.
    #[inline(never)]
    pub(super) fn predict_proba(&self, x: &[f64], out: &mut [f64]) {
        self.margin(x, &mut out[..self.n_outputs()]);
        self.finish(out);
    }
}

/// Whether `v`, cut off towards zero, is in the set. (A number past the last `u32` becomes that, which no set names.)
fn contains(set: &[u64], v: f64) -> bool {
    let k = v as u32;
    v > -1.0 && set.get((k / 64) as usize).is_some_and(|word| word >> (k % 64) & 1 == 1)
}

/// The order of finite numbers as an order of whole numbers: their bits, mirrored where negative. Both zeros are 0.
fn sortable(v: f64) -> i64 {
    let magnitude = (v.to_bits() & !SIGN) as i64;
    if v.is_sign_negative() { -magnitude } else { magnitude }
}

/// The number that [`sortable`] came from.
fn unsortable(key: i64) -> f64 {
    f64::from_bits(key.unsigned_abs() | if key < 0 { SIGN } else { 0 })
}

const SIGN: u64 = 1 << 63;

fn error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Artifact, message)
}
