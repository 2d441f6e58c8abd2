//! Tree ensembles: `TreeEnsembleClassifier`, `TreeEnsembleRegressor` and the newer `TreeEnsemble`.
//!
//! Scores are summed leaf weights, to which the post-transform is applied as terms, so that a calibration or a vote over it is like any
//! other. Where the specification leaves open what two classes mean, it is what onnxruntime 1.32 does, which was put to the test:
//! * all weights are of one class (binary): the sum `s` is the second class's score, also where that class has index 0.
//!   LOGISTIC: `[σ(-s), σ(s)]`; otherwise `[1 - s, s]` if no weight is negative, else `[-s, s]`.
//! * both classes have weights: a score each, like more classes. `base_values` are refused there, for onnxruntime adds them to the
//!   wrong score.

use super::arrays::Array;
use super::carry::{Answers, Carry};
use super::node::Node;
use super::tables::{flat, known, numbers, packed};
use super::tensor::Element;
use super::terms::{Binary, Id, Term, Unary};
use crate::error::Result;
use crate::model::MAX_CLASSES;
use std::collections::BTreeSet;
use std::rc::Rc;

/// Trees whose leaves add to outputs.
#[derive(Clone, Debug, PartialEq)]
pub struct Ensemble {
    /// In the file's order.
    pub trees: Vec<Tree>,
    /// Number of outputs.
    pub n_outputs: usize,
}

/// A tree: its nodes, of which one is the root; two may lead to the same.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// In the file's order.
    pub nodes: Vec<Branch>,
    /// Index of the first.
    pub root: usize,
}

/// A node.
#[derive(Clone, Debug, PartialEq)]
pub enum Branch {
    /// An end.
    Leaf {
        /// The file's number of it.
        number: u32,
        /// What it adds, to which outputs; each once, in order.
        weights: Vec<(usize, f64)>,
    },
    /// A test.
    Split {
        /// What it reads.
        feature: usize,
        /// What it asks.
        mode: Mode,
        /// Of `mode`; several of `Member`.
        values: Vec<f64>,
        /// What is missing counts as a yes.
        missing_yes: bool,
        /// Next, where the answer is yes.
        yes: usize,
        /// Next otherwise.
        no: usize,
    },
}

/// Tests. What is missing answers no to all but `Differs`, unless it [counts as a yes](Branch::Split::missing_yes).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// `x <= t`.
    AtMost,
    /// `x < t`.
    Below,
    /// `x >= t`.
    AtLeast,
    /// `x > t`.
    Above,
    /// `x == t`.
    Equals,
    /// `x != t`.
    Differs,
    /// `x` is one of them.
    Member,
}

impl Ensemble {
    /// Output of the leaves of each tree, as a set.
    fn outputs(&self) -> BTreeSet<usize> {
        self.leaves().flat_map(|w| w.iter().map(|(k, _)| *k)).collect()
    }

    fn leaves(&self) -> impl Iterator<Item = &[(usize, f64)]> {
        self.trees.iter().flat_map(Tree::leaves)
    }
}

impl Tree {
    /// What each leaf adds.
    pub fn leaves(&self) -> impl Iterator<Item = &[(usize, f64)]> {
        self.nodes.iter().filter_map(|n| match n {
            Branch::Leaf { weights, .. } => Some(&weights[..]),
            Branch::Split { .. } => None,
        })
    }
}

/// How many targets a node of trees has.
pub fn targets(node: &Node) -> Result<usize> {
    let n = node.int("n_targets", 1)?;
    let n = usize::try_from(n).ok().filter(|n| (1..=MAX_CLASSES).contains(n));
    n.ok_or_else(|| node.error(format!("attribute `n_targets` is not from 1 to {MAX_CLASSES}")))
}

impl Carry<'_> {
    /// What the trees read: as it is in doubles, otherwise as singles.
    fn features(&mut self, node: &Node) -> Result<Array> {
        let array = self.array(node, 0)?;
        let to = if array.element == Element::F64 { Element::F64 } else { Element::F32 };
        self.cast(array, to, node)
    }

    /// Per record, the terms of all outputs, `base` added.
    fn scores(&mut self, array: &Array, ensemble: Ensemble, base: &[f64], factor: f64) -> Result<Vec<Vec<Id>>> {
        let (model, n_outputs) = (self.models.len(), ensemble.n_outputs);
        self.models.push(Answers::Trees(Rc::new(ensemble)));
        let (_, runs) = array.runs();
        let mut out = Vec::new();
        for run in runs {
            let list = self.terms.listed(run)?;
            let mut scores = Vec::with_capacity(n_outputs);
            for k in 0..n_outputs {
                let answer = self.terms.intern(Term::Answer(list, model, k))?;
                let factor = self.terms.number(factor)?;
                let answer = self.terms.binary(Binary::Mul, answer, factor, false)?;
                let base = self.terms.number(base.get(k).copied().unwrap_or(0.0))?;
                scores.push(self.terms.binary(Binary::Add, answer, base, false)?);
            }
            out.push(scores);
        }
        Ok(out)
    }

    /// Probabilities per class.
    pub fn tree_classifier(&mut self, node: &Node) -> Result<Array> {
        node.only(&known("class"))?;
        let array = self.features(node)?;
        let n_classes = super::labels(node).map_or(0, |l| l.len());
        if !(2..=MAX_CLASSES).contains(&n_classes) {
            return Err(node.error(format!("it has {n_classes} class labels; 2 to {MAX_CLASSES} are understood")));
        }
        let ensemble = flat(node, "class", n_classes, array.runs().0)?;
        let base = numbers(node, "base_values")?.unwrap_or_default();
        let post = node.str("post_transform", "NONE")?.to_owned();
        let positive = !ensemble.leaves().flatten().any(|(_, w)| *w < 0.0);
        let used = ensemble.outputs();
        let width = array.runs().0.max(1);
        let mut ids = Vec::new();
        let wrong = |what: &str| {
            Err(node.error(format!("{what}: onnxruntime does not answer as the specification says there")))
        };
        if n_classes == 2 && used.len() == 1 {
            let class = used.first().copied().unwrap_or_default();
            if base.len() > 1 || (class == 1 && !base.is_empty()) {
                return wrong("weights of one class, with base_values for both");
            }
            let one = self.terms.number(1.0)?;
            for scores in self.scores(&array, ensemble, &[], 1.0)? {
                let base = self.terms.number(base.first().copied().unwrap_or(0.0))?;
                let score = self.terms.binary(Binary::Add, scores[class], base, false)?;
                ids.extend(match (class, post.as_str()) {
                    (0, "LOGISTIC") => self.both(score)?,
                    (0, "NONE" | "SOFTMAX" | "SOFTMAX_ZERO") if positive => {
                        vec![self.terms.binary(Binary::Sub, one, score, true)?, score]
                    }
                    // Scores, which some calibration makes probabilities of.
                    (0, "NONE") => vec![self.terms.unary(Unary::Neg, score)?, score],
                    (1, "SOFTMAX") => self.both(score)?,
                    _ => return wrong(&format!("weights of one class, with post_transform {post}")),
                });
            }
        } else {
            let always =
                |class: usize| ensemble.trees.iter().any(|t| t.leaves().all(|w| w.iter().any(|(k, _)| *k == class)));
            if n_classes == 2 && !base.is_empty() {
                return wrong("weights of both classes, with base_values");
            }
            if n_classes == 2 && !always(1) {
                return wrong("leaves without a weight of the second of two classes");
            }
            if !base.is_empty() && base.len() != n_classes {
                return Err(node.error(format!("{} base_values for {n_classes} classes", base.len())));
            }
            let weight =
                |w: &[(usize, f64)], class: usize| w.iter().find(|(k, _)| *k == class).map_or(0.0, |(_, v)| *v);
            let opposite = n_classes == 2 && ensemble.leaves().all(|w| weight(w, 0) == -weight(w, 1));
            for scores in self.scores(&array, ensemble, &base, 1.0)? {
                ids.extend(match post.as_str() {
                    "LOGISTIC" if opposite => self.both(scores[1])?,
                    _ => self.post_transform(node, &post, scores)?,
                });
            }
        }
        Ok(Array { shape: vec![array.ids.len() / width, n_classes], ids, element: Element::F32 })
    }

    /// Scores per target.
    pub fn tree_regressor(&mut self, node: &Node) -> Result<Array> {
        node.only(&known("target"))?;
        let array = self.features(node)?;
        let n_targets = targets(node)?;
        let ensemble = flat(node, "target", n_targets, array.runs().0)?;
        let factor = match node.str("aggregate_function", "SUM")? {
            "SUM" => 1.0,
            "AVERAGE" => 1.0 / ensemble.trees.len() as f64,
            other => {
                return Err(
                    node.error(format!("attribute `aggregate_function` is {other}; SUM and AVERAGE are understood"))
                );
            }
        };
        match node.str("post_transform", "NONE")? {
            "NONE" => {}
            other => {
                return Err(
                    node.error(format!("attribute `post_transform` is {other}; of a regressor NONE is understood"))
                );
            }
        }
        let base = numbers(node, "base_values")?.unwrap_or_default();
        if !base.is_empty() && base.len() != n_targets {
            return Err(node.error(format!("{} base_values for {n_targets} targets", base.len())));
        }
        self.targets(array, ensemble, &base, factor)
    }

    fn targets(&mut self, array: Array, ensemble: Ensemble, base: &[f64], factor: f64) -> Result<Array> {
        let (n_targets, width) = (ensemble.n_outputs, array.runs().0.max(1));
        let ids = self.scores(&array, ensemble, base, factor)?.concat();
        let element = array.element;
        Ok(Array { shape: vec![array.ids.len() / width, n_targets], ids, element })
    }

    /// Scores per target, in the layout of version 5: leaves have places of their own.
    pub fn tree_ensemble(&mut self, node: &Node) -> Result<Array> {
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
        let array = self.features(node)?;
        let ensemble = packed(node, array.runs().0)?;
        let factor = match node.int("aggregate_function", 1)? {
            0 => 1.0 / ensemble.trees.len() as f64,
            1 => 1.0,
            n => {
                return Err(node
                    .error(format!("attribute `aggregate_function` is {n}; 0 (average) and 1 (sum) are understood")));
            }
        };
        // Its numbers are 1 softmax, 2 logistic; onnxruntime takes them the other way round.
        let post = node.int("post_transform", 0)?;
        if post != 0 {
            return Err(node.error(format!(
                "attribute `post_transform` is {post}, of which onnxruntime and the specification differ; 0 is understood, and an operator \
                 Softmax or Sigmoid after it"
            )));
        }
        self.targets(array, ensemble, &[], factor)
    }
}
