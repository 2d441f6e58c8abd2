//! From ensembles to plain trees in the one rule.

use super::carry::Carry;
use super::ensemble::{Branch, Ensemble, Mode, Tree};
use super::terms::{Id, Term};
use crate::error::Result;
use crate::import::error;
use crate::import::trees::Trees;
use crate::model::forest::{Link, PlainNode, PlainTree, Test};
use std::rc::Rc;

/// Nodes of an ensemble at most, after tests for equality have been taken apart and trees of several outputs copied.
pub const MAX_LAID: usize = 1 << 22;
/// How many times over an ensemble may come before its categories are read as codes.
const MAX_COPIES: usize = 4;
/// How far a leaf may be from being a probability: the `f32` rounding of its weight, times the number of trees.
const PROBABILITY_TOLERANCE: f64 = 1e-5;

/// A score: output `output` of an ensemble, times `factor`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Score {
    /// Index of the output.
    pub output: usize,
    /// What its leaves are multiplied by.
    pub factor: f64,
}

impl Carry<'_> {
    /// Trees whose leaf sums are scores of a link. `ids`: what they read.
    pub fn scoring_trees(
        &mut self,
        ensemble: &Rc<Ensemble>,
        ids: &[Id],
        scores: &[Score],
        base: &[f64],
        link: Link,
    ) -> Result<Trees> {
        let ensemble = Rc::clone(ensemble);
        let mut laying = Laying::new(self, ids, &ensemble);
        let mut made = Trees {
            n_features: ids.len(),
            n_classes: scores.len().max(2),
            link,
            base: base.to_vec(),
            trees: Vec::new(),
            numbers: Vec::new(),
        };
        let mut copied = false;
        for (t, tree) in ensemble.trees.iter().enumerate() {
            let mut copies = 0;
            for (at, score) in scores.iter().enumerate() {
                if !tree.leaves().any(|w| w.iter().any(|(k, _)| *k == score.output)) {
                    continue;
                }
                let leaf = |weights: &[(usize, f64)]| {
                    let own = weights.iter().find(|(k, _)| *k == score.output);
                    vec![own.map_or(0.0, |(_, v)| v * score.factor)]
                };
                let (nodes, numbers) = laying.lay(tree, leaf).map_err(|e| e.context(format!("tree {t}")))?;
                made.trees.push(PlainTree { nodes, output: at });
                made.numbers.push(numbers);
                copies += 1;
            }
            copied |= copies != 1;
        }
        self.laid_left = laying.left;
        // A tree that became several has not one leaf per record any more.
        if copied {
            made.numbers.clear();
        }
        if made.trees.is_empty() {
            made.trees.push(PlainTree { nodes: vec![PlainNode::Leaf(vec![0.0])], output: 0 });
        }
        Ok(made)
    }

    /// Trees whose leaves hold probabilities, already divided by the number of trees. `None`: they do not.
    ///
    /// The file has `f32(p / n)`. Times `n` that is `p` up to 6e-8 of it: a leaf's probabilities are divided by their sum, to be a
    /// distribution again, and the mean over trees is as close to the original's own `f32` sum as that is to the truth.
    /// `second`: which output is the probability of the second of two classes; `None`: there is one per class.
    pub fn averaging_trees(
        &mut self,
        ensemble: &Rc<Ensemble>,
        ids: &[Id],
        second: Option<usize>,
    ) -> Result<Option<Trees>> {
        let n = ensemble.trees.len() as f64;
        let n_classes = if second.is_some() { 2 } else { ensemble.n_outputs };
        let distribution = |weights: &[(usize, f64)]| -> Option<Vec<f64>> {
            let mut leaf = vec![0.0; n_classes];
            for (k, weight) in weights {
                match second {
                    None => *leaf.get_mut(*k)? += weight * n,
                    Some(output) if output == *k => leaf[1] += weight * n,
                    Some(_) => {}
                }
            }
            if second.is_some() {
                leaf[0] = 1.0 - leaf[1];
            }
            let sum: f64 = leaf.iter().sum();
            let sound = leaf.iter().all(|p| (-PROBABILITY_TOLERANCE..=1.0 + PROBABILITY_TOLERANCE).contains(p))
                && (sum - 1.0).abs() <= PROBABILITY_TOLERANCE;
            if !sound {
                return None;
            }
            leaf.iter_mut().for_each(|p| *p = p.clamp(0.0, 1.0));
            let sum: f64 = leaf.iter().sum();
            leaf.iter_mut().for_each(|p| *p /= sum);
            Some(leaf)
        };
        if ensemble.trees.iter().flat_map(Tree::leaves).any(|weights| distribution(weights).is_none()) {
            return Ok(None);
        }
        let ensemble = Rc::clone(ensemble);
        let mut laying = Laying::new(self, ids, &ensemble);
        let (mut trees, mut numbers) = (Vec::new(), Vec::new());
        for (t, tree) in ensemble.trees.iter().enumerate() {
            let leaf = |weights: &[(usize, f64)]| distribution(weights).unwrap_or_default();
            let (nodes, own) = laying.lay(tree, leaf).map_err(|e| e.context(format!("tree {t}")))?;
            trees.push(PlainTree { nodes, output: 0 });
            numbers.push(own);
        }
        self.laid_left = laying.left;
        Ok(Some(Trees { n_features: ids.len(), n_classes, link: Link::Average, base: Vec::new(), trees, numbers }))
    }
}

/// Lays trees down, children after parents.
struct Laying {
    /// By feature: it is a whole number in every record.
    whole: Vec<bool>,
    left: usize,
}

/// What is still to be laid down.
enum Work {
    /// A node of the file.
    Node(usize),
    /// A run of tests for equality, from the test at this place on; `true`: it is known that `x` is not below it.
    Run(Vec<(f64, usize)>, usize, bool, Missing),
}

/// Where what is missing goes in a run.
#[derive(Clone, Copy)]
struct Missing {
    yes: bool,
    /// What is laid down where no test holds.
    rest: usize,
    feature: usize,
}

impl Laying {
    /// Where the exact form takes too many nodes, numbers that are only ever compared for equality with whole ones are codes: LightGBM's
    /// categories, which it cuts off to whole numbers as a set's test does.
    fn new(carry: &mut Carry<'_>, ids: &[Id], ensemble: &Ensemble) -> Laying {
        let whole: Vec<bool> = ids.iter().map(|id| carry.whole(*id)).collect();
        let nodes: usize = ensemble.trees.iter().map(|t| t.nodes.len()).sum();
        let mut trial = Laying { whole, left: (MAX_COPIES * nodes + 1000).min(carry.laid_left) };
        let fits = ensemble.trees.iter().all(|tree| trial.lay(tree, |_| Vec::new()).is_ok());
        let mut whole = trial.whole;
        if !fits {
            let mut codes = vec![true; ids.len()];
            for node in ensemble.trees.iter().flat_map(|t| &t.nodes) {
                if let Branch::Split { feature, mode, values, .. } = node {
                    let equality = matches!(mode, Mode::Equals | Mode::Differs | Mode::Member);
                    codes[*feature] &= equality && values.iter().all(|v| v.trunc() == *v && code(*v).is_some());
                }
            }
            for (feature, id) in ids.iter().enumerate() {
                if codes[feature]
                    && let Term::Input { input, .. } = *carry.terms.get(carry.terms.uncast(*id))
                {
                    carry.codes.insert(input);
                    whole[feature] = true;
                }
            }
        }
        Laying { whole, left: carry.laid_left }
    }

    fn lay(&mut self, tree: &Tree, leaf: impl Fn(&[(usize, f64)]) -> Vec<f64>) -> Result<(Vec<PlainNode>, Vec<u32>)> {
        let (mut nodes, mut numbers): (Vec<PlainNode>, Vec<u32>) = (Vec::new(), Vec::new());
        let mut open: Vec<(Work, Option<(usize, bool)>)> = vec![(Work::Node(tree.root), None)];
        while let Some((work, parent)) = open.pop() {
            let own = nodes.len();
            self.left = self.left.checked_sub(1).ok_or_else(|| {
                error(format!(
                    "the trees come to more than {MAX_LAID} nodes, as each test for equality of a number that need not be whole takes two, and \
                     copies what follows: give such an input as int64"
                ))
            })?;
            if let Some((parent, to_left)) = parent
                && let PlainNode::Split { left, right, .. } = &mut nodes[parent]
            {
                *(if to_left { left } else { right }) = own;
            }
            let split =
                |feature, test, default_left| PlainNode::Split { feature, test, default_left, left: 0, right: 0 };
            let (number, node, sides) = match work {
                Work::Node(i) => match &tree.nodes[i] {
                    Branch::Leaf { number, weights } => (*number, PlainNode::Leaf(leaf(weights)), None),
                    Branch::Split { feature, mode, values, missing_yes, yes, no } => {
                        let at_most = |t: f64| Test::AtMost(t.clamp(-f64::MAX, f64::MAX));
                        let (feature, first) = (*feature, values.first().copied().unwrap_or(f64::NAN));
                        let (test, yes_left) = match mode {
                            Mode::AtMost => (at_most(first), true),
                            Mode::Below => (at_most(first.next_down()), true),
                            Mode::AtLeast => (at_most(first.next_down()), false),
                            Mode::Above => (at_most(first), false),
                            Mode::Equals | Mode::Member | Mode::Differs => match self.set(feature, values) {
                                Some(set) if *mode == Mode::Differs || *missing_yes => {
                                    (Test::In(set), *mode != Mode::Differs)
                                }
                                Some(set) => {
                                    // Further codes that lead to the same are in the same set.
                                    let (set, rest) = self.joined(tree, feature, set, *yes, *no);
                                    let node = split(feature, Test::In(set), false);
                                    numbers.push(0);
                                    nodes.push(node);
                                    open.push((Work::Node(rest), Some((own, false))));
                                    open.push((Work::Node(*yes), Some((own, true))));
                                    continue;
                                }
                                None => {
                                    // Not to equal is a yes, also of what is missing.
                                    let (equal, other, missing) = match mode {
                                        Mode::Differs => (*no, *yes, false),
                                        _ => (*yes, *no, *missing_yes),
                                    };
                                    let (run, rest) = run(tree, feature, values, equal, other, missing);
                                    let missing = Missing { yes: missing, rest, feature };
                                    open.push((Work::Run(run, 0, false, missing), parent));
                                    continue;
                                }
                            },
                        };
                        let missing_yes = *missing_yes || *mode == Mode::Differs;
                        let sides = if yes_left { (*yes, *no) } else { (*no, *yes) };
                        let node = split(feature, test, missing_yes == yes_left);
                        (0, node, Some((Work::Node(sides.0), Work::Node(sides.1))))
                    }
                },
                Work::Run(run, at, reached, missing) => {
                    let Some(&(value, equal)) = run.get(at) else {
                        open.push((Work::Node(missing.rest), parent));
                        continue;
                    };
                    if reached {
                        let node = split(missing.feature, Test::AtMost(value), missing.yes);
                        (0, node, Some((Work::Node(equal), Work::Run(run, at + 1, false, missing))))
                    } else {
                        let node = split(missing.feature, Test::AtMost(value.next_down()), !missing.yes);
                        (0, node, Some((Work::Node(missing.rest), Work::Run(run, at, true, missing))))
                    }
                }
            };
            nodes.push(node);
            numbers.push(number);
            if let Some((left, right)) = sides {
                open.push((right, Some((own, false))));
                open.push((left, Some((own, true))));
            }
        }
        Ok((nodes, numbers))
    }

    /// A set with those of the tests that follow where the answer is no and lead to the same where it is yes; and what follows then.
    fn joined(&self, tree: &Tree, feature: usize, mut set: Vec<u32>, yes: usize, mut rest: usize) -> (Vec<u32>, usize) {
        while let Branch::Split {
            feature: f,
            mode: Mode::Equals | Mode::Member,
            values,
            missing_yes: false,
            yes: to,
            no,
        } = &tree.nodes[rest]
            && (*f, *to) == (feature, yes)
            && let Some(more) = self.set(feature, values)
        {
            set.extend(more);
            rest = *no;
        }
        (set, rest)
    }

    /// Values as a set of categories, where the feature is a whole number and the set's are from 0.
    fn set(&self, feature: usize, values: &[f64]) -> Option<Vec<u32>> {
        if !self.whole[feature] {
            return None;
        }
        // No whole number equals one that is not.
        values.iter().filter(|v| v.trunc() == **v).map(|v| code(*v)).collect()
    }
}

/// A whole number as a category.
fn code(v: f64) -> Option<u32> {
    (0.0..=f64::from(crate::model::forest::MAX_CATEGORY)).contains(&v).then_some(v as u32)
}

/// Tests for equality of one feature that follow each other where the answer is no, in the order of their values; and what follows
/// where none holds.
fn run(
    tree: &Tree,
    feature: usize,
    values: &[f64],
    equal: usize,
    other: usize,
    missing: bool,
) -> (Vec<(f64, usize)>, usize) {
    let mut run: Vec<(f64, usize)> = values.iter().map(|v| (*v, equal)).collect();
    let mut rest = other;
    while !missing
        && let Branch::Split { feature: f, mode: Mode::Equals | Mode::Member, values, missing_yes: false, yes, no } =
            &tree.nodes[rest]
        && *f == feature
        && run.len() < tree.nodes.len()
    {
        // Of a value that is asked for twice, the first counts.
        run.extend(values.iter().map(|v| (*v, *yes)));
        rest = *no;
    }
    run.retain(|(v, _)| v.is_finite());
    run.sort_by(|a, b| a.0.total_cmp(&b.0));
    run.dedup_by(|later, first| later.0 == first.0);
    (run, rest)
}
