//! Decision forests: the plain form and the reference traversal.
//!
//! **The one rule.** Left iff `x[f] <= threshold`, or left iff category `x[f]` is in a set; NaN goes where `default_left` says.
//! Importers turn every other library's rule into this one, so the runtime has no modes.
//!
//! **Layout.** Nodes of a tree are in preorder: the left child is the next node, the right child is named, both after their
//! parent. Thresholds are kept once per feature in ascending `cuts`; leaf vectors are kept once in `leaves`.

use crate::error::Result;
use crate::wire::{Decode, Encode};

/// Trees, and how their leaves become probabilities.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Forest {
    n_features: usize,
    n_classes: usize,
    link: Link,
    base: Vec<f64>,
}

/// How the summed leaves become probabilities. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
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
    /// `x`, a whole number, is one of these; every other number goes right.
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
    /// Packs plain trees. `base`: the score each output starts from (empty for `Average`; one for `Identity` and `Sigmoid`; one
    /// per class otherwise).
    pub fn new(n_features: usize, n_classes: usize, link: Link, base: Vec<f64>, trees: &[PlainTree]) -> Result<Forest> {
        let _ = trees;
        Ok(Forest { n_features, n_classes, link, base })
    }

    /// The trees in plain form.
    pub fn plain(&self) -> Vec<PlainTree> {
        unimplemented!()
    }

    /// Per tree, the preorder number of the leaf that `x` reaches, counted among all nodes. `out`: (n_trees,).
    pub fn leaf_ids(&self, x: &[f64], out: &mut [u32]) {
        let _ = (x, out);
        unimplemented!()
    }

    /// The summed scores before the link. `out`: 1 or n_classes.
    pub fn margin(&self, x: &[f64], out: &mut [f64]) {
        let _ = (x, out);
        unimplemented!()
    }
}
