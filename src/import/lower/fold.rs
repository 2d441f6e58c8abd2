//! Trees over columns to a forest over raw slots.
//!
//! A test of a column asks something of a chain of steps over one slot. Where the slot holds a category, the chain has finitely many
//! values, and the test is the set of indices that pass it. Where the slot holds a number and the chain rises (or falls), what
//! passes is all up to (or from) some number, found by bisection over the whole chain, roundings included.

use super::super::columns::{Column, Step};
use super::super::error;
use super::super::trees::{Trees, largest};
use super::{Lowering, Part, pass, sql};
use crate::error::Result;
use crate::math::BOUND;
use crate::model::Model;
use crate::model::forest::{Forest, MAX_CATEGORY, PlainNode, PlainTree, Test};
use crate::pipeline::Encoders;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Most levels looked at, over all tests of categories that something is done to: what they become takes memory in proportion.
const MAX_LEVEL_TESTS: usize = 1 << 26;

/// A column ready to be folded.
struct Chain {
    /// Index among the slots.
    slot: usize,
    /// What is done to the slot's value, each rising or falling where `levels` is `None`.
    column: Column,
    /// A category or flag, some of whose steps change the value: one more than the largest index that the slot may hold.
    levels: Option<u32>,
}

/// A test of a slot, and where its sides go.
#[derive(Clone)]
struct Folded {
    test: Test,
    default_left: bool,
    /// What was left is right.
    swapped: bool,
}

impl Lowering<'_> {
    pub(super) fn trees(&mut self, trees: &Trees, columns: &[Column]) -> Result<Part> {
        if trees.n_features > columns.len() {
            return Err(error(format!("the trees read {} features of {}", trees.n_features, columns.len())));
        }
        let in_sets = columns_in_sets(trees);
        let mut chains: BTreeMap<usize, Chain> = BTreeMap::new();
        for (t, tree) in trees.trees.iter().enumerate() {
            for (i, node) in tree.nodes.iter().enumerate() {
                let PlainNode::Split { feature, test, .. } = node else { continue };
                let Some(column) = columns.get(*feature) else {
                    let message =
                        format!("tree {t}, node {i} tests feature {feature}, but there are {}", columns.len());
                    return Err(error(message));
                };
                if let Test::AtMost(c) = test
                    && c.is_nan()
                {
                    return Err(error(format!("tree {t}, node {i}: the threshold is not a number")));
                }
                if !chains.contains_key(feature) {
                    chains.insert(*feature, self.chain(column, in_sets.contains(feature))?);
                }
            }
        }
        let mut slots: Vec<usize> = chains.values().map(|c| c.slot).collect();
        slots.sort_unstable();
        slots.dedup();
        if slots.is_empty() {
            // Trees that ask nothing still read something.
            slots.push(columns.first().map_or(Ok(0), |c| self.source(c).map(|s| s.slot))?);
        }
        let mut cache: BTreeMap<(usize, bool, u64), Folded> = BTreeMap::new();
        let mut out = Vec::with_capacity(trees.trees.len());
        let mut room = MAX_LEVEL_TESTS;
        for (t, tree) in trees.trees.iter().enumerate() {
            let nodes = tree.nodes.iter().enumerate().map(|(i, node)| match node {
                PlainNode::Leaf(values) => Ok(PlainNode::Leaf(values.clone())),
                PlainNode::Split { feature, test, default_left, left, right } => {
                    let chain = &chains[feature];
                    if let Some(n) = chain.levels {
                        room = room.checked_sub(n as usize).ok_or_else(|| {
                            let message = "tests of encoded categories times their levels are too many";
                            error(format!("tree {t}: {message}: at most {MAX_LEVEL_TESTS} are supported"))
                        })?;
                    }
                    let folded = match test {
                        Test::AtMost(c) => cache
                            .entry((*feature, *default_left, c.to_bits()))
                            .or_insert_with(|| chain.fold(test, *default_left))
                            .clone(),
                        Test::In(_) => chain.fold(test, *default_left),
                    };
                    if let Test::AtMost(c) = folded.test
                        && c.abs() > BOUND
                        && c.abs() < f64::MAX
                    {
                        return Err(error(format!(
                            "tree {t}, node {i}: the threshold is past {BOUND:e}, where numbers are cut off: scale that input"
                        )));
                    }
                    let (left, right) = if folded.swapped { (*right, *left) } else { (*left, *right) };
                    Ok(PlainNode::Split {
                        feature: slots.binary_search(&chain.slot).unwrap_or_default(),
                        test: folded.test,
                        default_left: folded.default_left,
                        left,
                        right,
                    })
                }
            });
            out.push(PlainTree { nodes: nodes.collect::<Result<_>>()?, output: tree.output });
        }
        let forest = Forest::new(slots.len(), trees.n_classes, trees.link, trees.base.clone(), &out)?;
        let leaves = Trees { trees: out, ..trees.clone() }.by_preorder();
        let encoders = Encoders(slots.into_iter().map(pass).collect());
        Ok(Part { encoders, model: Model::Forest(forest), leaves })
    }

    /// The column over its slot, or over a derived feature that does what no test can say.
    fn chain(&mut self, column: &Column, in_set: bool) -> Result<Chain> {
        let source = self.source(column)?;
        let plain = Chain { slot: source.slot, column: column.clone(), levels: None };
        if column.steps.is_empty() {
            return Ok(plain);
        }
        if let Some(n) = source.levels() {
            let n = n as u32 + u32::from(source.admits());
            if n > MAX_CATEGORY + 1 {
                return Err(error(format!("`{}` has more than {} levels", source.name, MAX_CATEGORY + 1)));
            }
            return Ok(Chain { levels: Some(n), ..plain });
        }
        // A set asks for a value, not for an order: only what leaves values alone may stand before it.
        let keeps =
            |step: &Step| if in_set { matches!(step, Step::Impute { .. } | Step::Single) } else { step.is_monotone() };
        let Some(last) = column.steps.iter().rposition(|step| !keeps(step)) else { return Ok(plain) };
        let (first, rest) = column.steps.split_at(last + 1);
        let name = source.name.to_owned();
        self.has_room()?;
        let (_, slot) = sql::derive(self, &name, first);
        let rounded = first.contains(&Step::Single).then_some(Step::Single);
        let steps = rounded.into_iter().chain(rest.iter().cloned()).collect();
        Ok(Chain { slot, column: Column { input: column.input, steps }, levels: None })
    }
}

/// The features that are tested for being in a set.
fn columns_in_sets(trees: &Trees) -> BTreeSet<usize> {
    let in_set = |node: &PlainNode| match node {
        PlainNode::Split { feature, test: Test::In(_), .. } => Some(*feature),
        _ => None,
    };
    trees.trees.iter().flat_map(|tree| tree.nodes.iter().filter_map(in_set)).collect()
}

/// What a test says of a value that is not missing. `members`: those of its set.
fn passes(test: &Test, members: &HashSet<u32>, v: f64) -> bool {
    match test {
        Test::AtMost(c) => v <= *c,
        Test::In(_) => v > -1.0 && members.contains(&(v as u32)),
    }
}

impl Chain {
    fn fold(&self, test: &Test, default_left: bool) -> Folded {
        let members = match test {
            Test::In(set) => set.iter().copied().collect(),
            Test::AtMost(_) => HashSet::new(),
        };
        let left = |v: f64| match self.column.value(v) {
            v if v.is_nan() => default_left,
            v => passes(test, &members, v),
        };
        let missing = left(f64::NAN);
        if let Some(n) = self.levels {
            let set = (0..n).filter(|level| left(f64::from(*level))).collect();
            return Folded { test: Test::In(set), default_left: missing, swapped: false };
        }
        if self.column.steps.is_empty() || matches!(test, Test::In(_)) {
            return Folded { test: finite(test), default_left: missing, swapped: false };
        }
        let falls = self.column.steps.iter().filter(|step| step.falls()).count() % 2 == 1;
        let cut = largest(|v| left(v) != falls).unwrap_or(-f64::MAX);
        Folded { test: Test::AtMost(cut), default_left: missing != falls, swapped: falls }
    }
}

/// An infinite threshold as the finite one that asks the same of a finite number.
fn finite(test: &Test) -> Test {
    match test {
        Test::AtMost(c) => Test::AtMost(c.clamp(-f64::MAX, f64::MAX)),
        other => other.clone(),
    }
}
