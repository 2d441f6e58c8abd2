//! Forests of trees that know nothing of each other: random forests (Breiman 2001) and extremely randomised trees (Geurts, Ernst and
//! Wehenkel 2006). Leaves hold class shares.

use super::fixed::power_below;
use super::grown::test;
use super::wood::{Asked, BITS, Column, Found, Look, Looker, Rows, Wood, descend, table};
use crate::error::Result;
use crate::model::Model;
use crate::model::forest::{Forest, Link, PlainNode, PlainTree, Test};
use crate::train::params::{Criterion, ExtraTrees, MaxFeatures, RandomForest};
use crate::train::{Fitted, Problem, Progress, normalised, rng};
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

/// What both trainers come down to.
pub(crate) struct Plan {
    pub(crate) trees: usize,
    pub(crate) max_depth: usize,
    pub(crate) max_leaves: usize,
    pub(crate) min_split: usize,
    pub(crate) min_leaf: usize,
    pub(crate) max_features: MaxFeatures,
    pub(crate) criterion: Criterion,
    pub(crate) bootstrap: bool,
    pub(crate) max_samples: Option<f64>,
    pub(crate) oob_score: bool,
    pub(crate) max_bin: usize,
    /// Whether cuts are drawn.
    pub(crate) random: bool,
}

impl From<&RandomForest> for Plan {
    fn from(p: &RandomForest) -> Plan {
        Plan {
            trees: p.n_estimators,
            max_depth: p.max_depth.unwrap_or(0),
            max_leaves: p.max_leaf_nodes.unwrap_or(0),
            min_split: p.min_samples_split,
            min_leaf: p.min_samples_leaf,
            max_features: p.max_features,
            criterion: p.criterion,
            bootstrap: p.bootstrap,
            max_samples: p.max_samples,
            oob_score: p.oob_score,
            max_bin: p.max_bin,
            random: false,
        }
    }
}

impl From<&ExtraTrees> for Plan {
    fn from(p: &ExtraTrees) -> Plan {
        Plan {
            trees: p.n_estimators,
            max_depth: p.max_depth.unwrap_or(0),
            max_leaves: p.max_leaf_nodes.unwrap_or(0),
            min_split: p.min_samples_split,
            min_leaf: p.min_samples_leaf,
            max_features: p.max_features,
            criterion: p.criterion,
            bootstrap: p.bootstrap,
            max_samples: p.max_samples,
            oob_score: p.oob_score,
            max_bin: 255,
            random: true,
        }
    }
}

/// Fits the trees side by side; each has its own stream of random numbers, so their order does not matter.
pub(crate) fn fit(plan: &Plan, problem: &Problem<'_>, seed: u64, progress: &dyn Progress) -> Result<Fitted> {
    let total = plan.trees as u64;
    progress.step("trees", 0, total);
    let wood = Wood::new(problem, plan.max_bin, plan.criterion, plan.random);
    let n = problem.y.len();
    let n_features = wood.columns.len();
    let done = AtomicU64::new(0);
    let grown: Vec<Grown> = (0..plan.trees)
        .into_par_iter()
        .map(|t| {
            let out = tree(plan, problem, &wood, seed, t as u64, progress)?;
            progress.step("trees", done.fetch_add(1, Ordering::Relaxed) + 1, total);
            Ok(out)
        })
        .collect::<Result<_>>()?;
    let mut notes = Vec::new();
    if n < plan.min_leaf.saturating_mul(2) {
        notes.push(format!("{n} rows are too few to split: a leaf has at least {} rows", plan.min_leaf));
    }
    if plan.oob_score {
        notes.push(out_of_bag(problem, &grown));
    }
    let mut importance = vec![0.0; n_features];
    let mut trees = Vec::with_capacity(grown.len());
    for tree in grown {
        // As scikit-learn: each tree's shares, averaged.
        for (i, g) in importance.iter_mut().zip(normalised(tree.gain)) {
            *i += g;
        }
        trees.push(tree.tree);
    }
    let forest = Forest::new(n_features, problem.n_classes, Link::Average, Vec::new(), &trees)?;
    Ok(Fitted {
        model: Model::Forest(forest),
        importance: normalised(importance),
        curve: Vec::new(),
        rounds: None,
        notes,
    })
}

/// A tree, its features' gains, and a bit per row that it was grown on.
struct Grown {
    tree: PlainTree,
    gain: Vec<f64>,
    bag: Vec<u64>,
}

/// The accuracy of each row's mean over the trees that did not see it, as scikit-learn's `oob_score_`.
fn out_of_bag(problem: &Problem<'_>, grown: &[Grown]) -> String {
    const CHUNK: usize = 256;
    let n = problem.y.len();
    let counts: Vec<(f64, f64, usize)> = (0..n.div_ceil(CHUNK))
        .into_par_iter()
        .map(|k| {
            let mut sums = vec![0.0; problem.n_classes];
            let (mut right, mut all, mut never) = (0.0, 0.0, 0);
            for row in k * CHUNK..((k + 1) * CHUNK).min(n) {
                sums.fill(0.0);
                let mut asked = false;
                for g in grown.iter().filter(|g| g.bag[row / 64] >> (row % 64) & 1 == 0) {
                    asked = true;
                    sums.iter_mut().zip(descend(&g.tree.nodes, &problem.x, row)).for_each(|(s, v)| *s += v);
                }
                if !asked {
                    never += 1;
                    continue;
                }
                let w = problem.weight[row];
                all += w;
                if crate::math::argmax(&sums) == problem.y[row] {
                    right += w;
                }
            }
            (right, all, never)
        })
        .collect();
    let (right, all, never) = counts.iter().fold((0.0, 0.0, 0), |s, c| (s.0 + c.0, s.1 + c.1, s.2 + c.2));
    if all <= 0.0 {
        return "every row is in every tree's sample: there is no out-of-bag score".into();
    }
    let rest = if never > 0 { format!("; {never} rows are in every tree's sample") } else { String::new() };
    format!("out-of-bag accuracy {:.4} on {} of {n} rows{rest}", right / all, n - never)
}

fn tree(plan: &Plan, problem: &Problem<'_>, wood: &Wood, seed: u64, t: u64, progress: &dyn Progress) -> Result<Grown> {
    let n = problem.y.len();
    let mut rng = rng(seed, 2 + t);
    let mut drawn = vec![1u32; n];
    if plan.bootstrap {
        drawn.fill(0);
        let k = plan.max_samples.map_or(n, |part| ((part * n as f64).round() as usize).max(1));
        for _ in 0..k {
            drawn[rng.random_range(0..n as u32) as usize] += 1;
        }
    }
    let weight: f64 = drawn.iter().zip(problem.weight).map(|(d, w)| f64::from(*d) * w).sum();
    let scale = power_below(BITS, weight);
    let (mut rows, mut loads) = (Vec::with_capacity(n), Vec::with_capacity(n));
    let mut bag = vec![0u64; n.div_ceil(64)];
    for (row, &d) in drawn.iter().enumerate() {
        let w = f64::from(d) * problem.weight[row];
        if w > 0.0 {
            rows.push(row as u32);
            loads.push(wood.load(problem.y[row], ((w * scale + 0.5) as u32).max(1)));
        }
        bag[row / 64] |= u64::from(d > 0) << (row % 64);
    }
    let n_features = wood.columns.len();
    let (scratch_rows, scratch_loads) = (vec![0; rows.len()], vec![0; rows.len()]);
    // Columns that are constant from the start stand first.
    let mut features: Vec<usize> = (0..n_features).collect();
    features.sort_by_key(|&f| !matches!(wood.columns[f], Column::Constant));
    let known = features.iter().take_while(|&&f| matches!(wood.columns[f], Column::Constant)).count();
    let builder = Builder {
        plan,
        wood,
        looker: Looker::new(wood, plan.min_leaf),
        rng,
        draw: plan.max_features.of(n_features),
        rows,
        loads,
        scratch_rows,
        scratch_loads,
        constants: features.clone(),
        features,
        nodes: Vec::new(),
        gain: vec![0.0; n_features],
    };
    let (nodes, gain) =
        if plan.max_leaves == 0 { builder.grow(known, progress)? } else { builder.grow_best(known, progress)? };
    Ok(Grown { tree: PlainTree { nodes, output: 0 }, gain, bag })
}

struct Builder<'a> {
    plan: &'a Plan,
    wood: &'a Wood,
    looker: Looker<'a>,
    rng: Pcg64Mcg,
    draw: usize,
    rows: Vec<u32>,
    loads: Vec<u64>,
    scratch_rows: Vec<u32>,
    scratch_loads: Vec<u64>,
    /// All features; those known to be constant in the node at hand stand first.
    features: Vec<usize>,
    /// The constant ones, in the order in which they were found on the way here.
    constants: Vec<usize>,
    nodes: Vec<PlainNode>,
    gain: Vec<f64>,
}

/// A node that waits.
struct Waiting {
    rows: Range<usize>,
    depth: usize,
    /// Features known to be constant.
    known: usize,
    /// The node whose right child it is.
    right_of: Option<usize>,
}

/// A leaf that may yet be split.
struct Open {
    node: usize,
    rows: Range<usize>,
    depth: usize,
    found: Found,
    gain: f64,
}

/// How often a tree's growth looks whether it should go on: every so many nodes.
const ASK: usize = 64;

impl Builder<'_> {
    /// Depth first; nodes come out in preorder.
    fn grow(mut self, known: usize, progress: &dyn Progress) -> Result<(Vec<PlainNode>, Vec<f64>)> {
        let mut stack = vec![Waiting { rows: 0..self.rows.len(), depth: 0, known, right_of: None }];
        while let Some(Waiting { rows, depth, known, right_of }) = stack.pop() {
            let node = self.nodes.len();
            if node.is_multiple_of(ASK) || rows.len() > 1 << 14 {
                progress.proceed()?;
            }
            if let Some(PlainNode::Split { right, .. }) = right_of.map(|p| &mut self.nodes[p]) {
                *right = node;
            }
            match self.look(rows.clone(), depth, known) {
                None => self.leaf(),
                Some((found, gain, known)) => {
                    let middle = self.split(node + 1, rows.clone(), &found, gain);
                    stack.push(Waiting { rows: middle..rows.end, depth: depth + 1, known, right_of: Some(node) });
                    stack.push(Waiting { rows: rows.start..middle, depth: depth + 1, known, right_of: None });
                }
            }
        }
        Ok((self.nodes, self.gain))
    }

    /// The leaf that gains most first, until there are enough of them.
    fn grow_best(mut self, known: usize, progress: &dyn Progress) -> Result<(Vec<PlainNode>, Vec<f64>)> {
        let mut open: Vec<Open> = Vec::new();
        let add = |this: &mut Self, open: &mut Vec<Open>, rows: Range<usize>, depth: usize| {
            let node = this.nodes.len();
            let looked = this.look(rows.clone(), depth, known);
            this.leaf();
            open.extend(looked.map(|(found, gain, _)| Open { node, rows, depth, found, gain }));
        };
        let all = 0..self.rows.len();
        add(&mut self, &mut open, all, 0);
        for _ in 1..self.plan.max_leaves {
            progress.proceed()?;
            let better = |a: usize, b: usize| {
                let (x, y) = (&open[a], &open[b]);
                if y.gain > x.gain || (y.gain == x.gain && y.node < x.node) { b } else { a }
            };
            let Some(next) = (0..open.len()).reduce(better) else { break };
            let Open { node, rows, depth, found, gain } = open.swap_remove(next);
            let left = self.nodes.len();
            let middle = self.split(left, rows.clone(), &found, gain);
            // It was pushed last; it belongs where the leaf was.
            if let Some(split) = self.nodes.pop() {
                self.nodes[node] = split;
            }
            add(&mut self, &mut open, rows.start..middle, depth + 1);
            if let PlainNode::Split { right, .. } = &mut self.nodes[node] {
                *right = left + 1;
            }
            add(&mut self, &mut open, middle..rows.end, depth + 1);
        }
        Ok((self.nodes, self.gain))
    }

    /// The leaf of the node that was looked at last.
    fn leaf(&mut self) {
        let mut shares = self.looker.class_weights();
        let total: f64 = shares.iter().sum();
        let n = shares.len() as f64;
        shares.iter_mut().for_each(|s| *s = if total > 0.0 { *s / total } else { 1.0 / n });
        if let [no, yes] = shares.as_mut_slice() {
            *no = 1.0 - *yes;
        }
        self.nodes.push(PlainNode::Leaf(shares));
    }

    /// Adds a test whose left child is the node `left`, and the right one 0 as yet; sorts the rows. Returns where the right ones begin.
    fn split(&mut self, left: usize, rows: Range<usize>, found: &Found, gain: f64) -> usize {
        self.gain[found.feature] += gain;
        let test = match &found.test {
            Asked::Code(cut) => test(cut, &self.wood.codings[found.feature]),
            Asked::Number(t) => Test::AtMost(*t),
        };
        self.nodes.push(PlainNode::Split {
            feature: found.feature,
            test,
            default_left: found.default_left,
            left,
            right: 0,
        });
        rows.start + self.partition(rows, found)
    }

    /// The best split of a node, its gain, and how many features its children know to be constant. Also adds up the node.
    ///
    /// As scikit-learn draws: without replacement until `max_features` are drawn, constant ones included, and then on until one is
    /// found that is not.
    fn look(&mut self, range: Range<usize>, depth: usize, known: usize) -> Option<(Found, f64, usize)> {
        let plan = self.plan;
        let rows = Rows { rows: &self.rows[range.clone()], loads: &self.loads[range] };
        let before = self.looker.node(rows);
        let deep = plan.max_depth > 0 && depth >= plan.max_depth;
        let few = rows.rows.len() < plan.min_split.max(2).max(plan.min_leaf.saturating_mul(2));
        if deep || few || self.looker.is_pure() {
            return None;
        }
        let features = &mut self.features;
        let mut best: Option<Found> = None;
        // features: drawn constants, other known constants, constants found here, not drawn, drawn.
        let (mut end, mut visited, mut drawn_known, mut found_here) = (features.len(), 0, 0, 0);
        while end > known + found_here && (visited < self.draw || visited <= found_here + drawn_known) {
            visited += 1;
            let at = self.rng.random_range(drawn_known as u32..(end - found_here) as u32) as usize;
            if at < known {
                features.swap(drawn_known, at);
                drawn_known += 1;
                continue;
            }
            let at = at + found_here;
            let feature = features[at];
            match self.looker.look(feature, rows, &mut self.rng) {
                Look::Constant => {
                    features.swap(at, known + found_here);
                    found_here += 1;
                }
                look => {
                    end -= 1;
                    features.swap(end, at);
                    if let Look::Split(found) = look
                        && best.as_ref().is_none_or(|b| found.score > b.score)
                    {
                        best = Some(found);
                    }
                }
            }
        }
        // The known ones were reordered; those after us expect them as they were.
        features[..known].copy_from_slice(&self.constants[..known]);
        self.constants[known..known + found_here].copy_from_slice(&features[known..known + found_here]);
        let found = best?;
        let gain = (found.score - before).max(0.0);
        Some((found, gain, known + found_here))
    }

    /// Stable: rows that go left first. Returns their number.
    fn partition(&mut self, range: Range<usize>, found: &Found) -> usize {
        let (rows, loads) = (&mut self.rows[range.clone()], &mut self.loads[range]);
        let (scratch_rows, scratch_loads) = (&mut self.scratch_rows, &mut self.scratch_loads);
        let mut l = 0;
        let mut r = 0;
        // Both are written and one counter moves: no branch to mispredict.
        macro_rules! part {
            ($left:expr) => {
                for i in 0..rows.len() {
                    let (row, load) = (rows[i], loads[i]);
                    let left = usize::from($left(row as usize));
                    rows[l] = row;
                    loads[l] = load;
                    scratch_rows[r] = row;
                    scratch_loads[r] = load;
                    l += left;
                    r += 1 - left;
                }
            };
        }
        match (&self.wood.columns[found.feature], &found.test) {
            (Column::Codes { codes, .. }, Asked::Code(cut)) => {
                let table = table(cut, found.default_left);
                part!(|row: usize| table[usize::from(codes[row])]);
            }
            (Column::Numbers(values), Asked::Number(t)) => {
                part!(|row: usize| if values[row].is_nan() { found.default_left } else { values[row] <= *t });
            }
            _ => part!(|_| found.default_left),
        }
        rows[l..].copy_from_slice(&scratch_rows[..r]);
        loads[l..].copy_from_slice(&scratch_loads[..r]);
        l
    }
}
