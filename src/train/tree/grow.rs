//! Growing one tree: leaf after leaf is split, until the limits are met or nothing is gained.

use super::bins::{Binned, CODES};
use super::histogram::{Histogram, Sum, add, build, subtract};
use super::split::{Cut, Occupied, Scanner, Split};
use crate::model::forest::{PlainNode, PlainTree, Test};
use rand::seq::SliceRandom;
use rand_pcg::Pcg64Mcg;
use std::ops::Range;

/// How large a tree may become.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// 0: no limit.
    pub(crate) max_leaves: usize,
    /// 0: no limit.
    pub(crate) max_depth: usize,
    /// Fewest rows of a node that is split; at least twice those of a leaf.
    pub(crate) min_split_rows: usize,
}

/// A grown tree. Node 0 is the root; children come after parents.
pub(crate) struct Grown {
    pub(crate) nodes: Vec<Node>,
}

/// One node.
pub(crate) enum Node {
    /// Where its rows lie in the row list that was grown on, and their sums per channel.
    Leaf { rows: Range<usize>, sums: Vec<Sum> },
    /// A test and its children.
    Split { split: Split, left: usize, right: usize },
}

impl Grown {
    /// The leaf that a coded row reaches.
    pub(crate) fn leaf(&self, binned: &Binned, row: u32) -> usize {
        let mut at = 0;
        while let Node::Split { split, left, right } = &self.nodes[at] {
            at = if split.goes_left(binned.feature(split.feature).code(row)) { *left } else { *right };
        }
        at
    }

    /// The tree over real features: codes become thresholds and sets of levels. `leaf`: a leaf's numbers.
    pub(crate) fn plain(&self, binned: &Binned, output: usize, leaf: impl Fn(usize, &[Sum]) -> Vec<f64>) -> PlainTree {
        use super::bins::Coding;
        let nodes = self.nodes.iter().enumerate().map(|(i, node)| match node {
            Node::Leaf { sums, .. } => PlainNode::Leaf(leaf(i, sums)),
            Node::Split { split, left, right } => {
                let coding = &binned.codings[split.feature];
                let test = match (&split.cut, coding) {
                    (Cut::In(_), Coding::Levels { code, .. }) => {
                        let inside = |l: &usize| split.goes_left(code[*l]);
                        Test::In((0..code.len()).filter(inside).map(|l| l as u32).collect())
                    }
                    (Cut::AtMost(k), _) => Test::AtMost(coding.threshold(*k)),
                    (Cut::In(_), Coding::Cuts(_)) => Test::In(Vec::new()),
                };
                let (feature, default_left) = (split.feature, split.default_left);
                PlainNode::Split { feature, test, default_left, left: *left, right: *right }
            }
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

/// Where a node's sums per bin come from.
pub(crate) trait Finder {
    /// What is kept of a node until it is split.
    type Sums;
    /// The root's.
    fn root(&mut self, rows: &[u32]) -> Self::Sums;
    /// The children's, left and right.
    fn children(&mut self, parent: Self::Sums, left: &[u32], right: &[u32]) -> (Self::Sums, Self::Sums);
    /// A node that will not be split.
    fn done(&mut self, sums: Self::Sums);
    /// The best split of a node with these rows and total.
    fn best(&mut self, sums: &Self::Sums, rows: &[u32], total: &[Sum]) -> Option<Split>;
    /// Sums per channel over rows.
    fn total(&self, rows: &[u32]) -> Vec<Sum>;
}

/// A leaf that can be split.
struct Open<S> {
    node: usize,
    depth: usize,
    rows: Range<usize>,
    sums: S,
    split: Split,
}

/// Grows a tree on `rows` (reordered: each leaf's rows end up together, in their first order). With a limit on leaves the
/// leaf that gains most is split first; otherwise the order does not matter and the newest leaf is.
pub(crate) fn grow<F: Finder>(binned: &Binned, rows: &mut [u32], limits: Limits, finder: &mut F) -> Grown {
    let mut nodes = Vec::new();
    let mut open: Vec<Open<F::Sums>> = Vec::new();
    let mut scratch = Vec::with_capacity(rows.len());
    let max_leaves = if limits.max_leaves == 0 { usize::MAX } else { limits.max_leaves };
    let max_depth = if limits.max_depth == 0 { usize::MAX } else { limits.max_depth };
    let mut n_leaves = 1;

    let may_split = |depth: usize, n_rows: usize, n_leaves: usize| {
        depth < max_depth && n_rows >= limits.min_split_rows.max(2) && n_leaves < max_leaves
    };
    // A node that may not be split has no sums.
    let consider = |nodes: &mut Vec<Node>, finder: &mut F, rows: &[u32], range: Range<usize>, depth, sums| {
        let node = nodes.len();
        let total = finder.total(&rows[range.clone()]);
        let Some(sums) = sums else {
            nodes.push(Node::Leaf { rows: range, sums: total });
            return None;
        };
        let split = finder.best(&sums, &rows[range.clone()], &total);
        nodes.push(Node::Leaf { rows: range.clone(), sums: total });
        match split {
            Some(split) => Some(Open { node, depth, rows: range, sums, split }),
            None => {
                finder.done(sums);
                None
            }
        }
    };

    let sums = may_split(0, rows.len(), 1).then(|| finder.root(rows));
    open.extend(consider(&mut nodes, finder, rows, 0..rows.len(), 0, sums));
    while n_leaves < max_leaves {
        let next = if limits.max_leaves == 0 { open.len().checked_sub(1) } else { best_open(&open) };
        let Some(next) = next else { break };
        let Open { node, depth, rows: range, sums, split } = open.remove(next);
        let column = binned.feature(split.feature);
        let part = &mut rows[range.clone()];
        let n_left = partition(part, &mut scratch, |r| split.goes_left(column.code(r)));
        n_leaves += 1;
        let middle = range.start + n_left;
        let may_left = may_split(depth + 1, n_left, n_leaves);
        let may_right = may_split(depth + 1, range.end - middle, n_leaves);
        let (mut left_sums, mut right_sums) = (None, None);
        if may_left || may_right {
            let (l, r) = finder.children(sums, &rows[range.start..middle], &rows[middle..range.end]);
            for (may, sums, kept) in [(may_left, l, &mut left_sums), (may_right, r, &mut right_sums)] {
                if may {
                    *kept = Some(sums);
                } else {
                    finder.done(sums);
                }
            }
        } else {
            finder.done(sums);
        }
        let left = nodes.len();
        open.extend(consider(&mut nodes, finder, rows, range.start..middle, depth + 1, left_sums));
        let right = nodes.len();
        open.extend(consider(&mut nodes, finder, rows, middle..range.end, depth + 1, right_sums));
        nodes[node] = Node::Split { split, left, right };
    }
    for o in open {
        finder.done(o.sums);
    }
    Grown { nodes }
}

/// The leaf that gains most; of equals the oldest node.
fn best_open<S>(open: &[Open<S>]) -> Option<usize> {
    (0..open.len()).reduce(|a, b| {
        let (x, y) = (&open[a], &open[b]);
        if y.split.gain > x.split.gain || (y.split.gain == x.split.gain && y.node < x.node) { b } else { a }
    })
}

/// Stable: rows that go left first. Returns their number.
fn partition(rows: &mut [u32], scratch: &mut Vec<u32>, goes_left: impl Fn(u32) -> bool) -> usize {
    scratch.clear();
    scratch.resize(rows.len(), 0);
    let (mut l, mut r) = (0, 0);
    for i in 0..rows.len() {
        let row = rows[i];
        let left = usize::from(goes_left(row));
        // Both are written and one counter moves: no branch to mispredict.
        rows[l] = row;
        scratch[r] = row;
        l += left;
        r += 1 - left;
    }
    rows[l..].copy_from_slice(&scratch[..r]);
    l
}

/// For boosting: full histograms, the larger child's by subtraction.
pub(crate) struct Subtracting<'a> {
    pub(crate) binned: &'a Binned,
    /// Per row of the data.
    pub(crate) sums: &'a [Sum],
    /// Those looked at.
    pub(crate) features: &'a [usize],
    pub(crate) scanner: Scanner,
    pub(crate) pool: Vec<Histogram>,
    bins: Occupied,
}

impl<'a> Subtracting<'a> {
    pub(crate) fn new(
        binned: &'a Binned,
        sums: &'a [Sum],
        features: &'a [usize],
        scanner: Scanner,
        pool: Vec<Histogram>,
    ) -> Self {
        Subtracting { binned, sums, features, scanner, pool, bins: Occupied::new(1) }
    }

    fn build(&mut self, rows: &[u32]) -> Histogram {
        let mut h = self.pool.pop().unwrap_or_default();
        build(self.binned, rows, self.sums, &mut h);
        h
    }
}

impl Finder for Subtracting<'_> {
    type Sums = Histogram;

    fn root(&mut self, rows: &[u32]) -> Histogram {
        self.build(rows)
    }

    fn children(&mut self, mut parent: Histogram, left: &[u32], right: &[u32]) -> (Histogram, Histogram) {
        let small = self.build(if left.len() <= right.len() { left } else { right });
        subtract(&mut parent, &small);
        if left.len() <= right.len() { (small, parent) } else { (parent, small) }
    }

    fn done(&mut self, sums: Histogram) {
        self.pool.push(sums);
    }

    fn best(&mut self, sums: &Histogram, _: &[u32], total: &[Sum]) -> Option<Split> {
        let mut best = None;
        for &f in self.features {
            self.bins.clear();
            for (code, s) in sums[f * CODES..(f + 1) * CODES].iter().enumerate() {
                if s[1] != 0 {
                    self.bins.codes.push(code as u8);
                    self.bins.sums.push(*s);
                }
            }
            self.scanner.scan(f, &self.binned.codings[f], &self.bins, total, &mut best);
        }
        best
    }

    fn total(&self, rows: &[u32]) -> Vec<Sum> {
        total(self.sums, 1, rows)
    }
}

/// For forests: per node a few drawn features, their bins summed on the spot.
pub(crate) struct Drawing<'a> {
    pub(crate) binned: &'a Binned,
    /// `channels` per row of the data.
    pub(crate) sums: &'a [Sum],
    pub(crate) channels: usize,
    /// Features drawn per node.
    pub(crate) draw: usize,
    pub(crate) scanner: Scanner,
    pub(crate) rng: Pcg64Mcg,
    features: Vec<usize>,
    bins: Occupied,
    histogram: Vec<Sum>,
    keys: Vec<u64>,
}

/// Nodes with fewer rows sort their codes; with more they fill a histogram.
const SORT: usize = 96;

impl<'a> Drawing<'a> {
    pub(crate) fn new(
        binned: &'a Binned,
        sums: &'a [Sum],
        channels: usize,
        draw: usize,
        scanner: Scanner,
        rng: Pcg64Mcg,
    ) -> Self {
        let features = (0..binned.n_features()).collect();
        let histogram = vec![[0; 2]; CODES * channels];
        Drawing {
            binned,
            sums,
            channels,
            draw,
            scanner,
            rng,
            features,
            bins: Occupied::new(channels),
            histogram,
            keys: Vec::new(),
        }
    }

    fn row(&self, row: u32) -> &'a [Sum] {
        let at = row as usize * self.channels;
        &self.sums[at..at + self.channels]
    }

    fn sum_by_histogram(&mut self, f: usize, rows: &[u32]) {
        let column = self.binned.feature(f);
        self.histogram.fill([0; 2]);
        for &r in rows {
            let at = usize::from(column.code(r)) * self.channels;
            let sums = self.row(r);
            for (h, &s) in self.histogram[at..at + self.channels].iter_mut().zip(sums) {
                add(h, s);
            }
        }
        for (code, sums) in self.histogram.chunks_exact(self.channels).enumerate() {
            if sums[0][1] != 0 {
                self.bins.codes.push(code as u8);
                self.bins.sums.extend_from_slice(sums);
            }
        }
    }

    fn sum_by_sorting(&mut self, f: usize, rows: &[u32]) {
        let column = self.binned.feature(f);
        self.keys.clear();
        self.keys.extend(rows.iter().map(|&r| u64::from(column.code(r)) << 32 | u64::from(r)));
        self.keys.sort_unstable();
        for i in 0..self.keys.len() {
            let (code, row) = ((self.keys[i] >> 32) as u8, self.keys[i] as u32);
            let sums = self.row(row);
            if self.bins.codes.last() == Some(&code) {
                let at = self.bins.sums.len() - self.channels;
                for (t, &s) in self.bins.sums[at..].iter_mut().zip(sums) {
                    add(t, s);
                }
            } else {
                self.bins.codes.push(code);
                self.bins.sums.extend_from_slice(sums);
            }
        }
    }
}

impl Finder for Drawing<'_> {
    type Sums = ();

    fn root(&mut self, _: &[u32]) {}

    fn children(&mut self, (): (), _: &[u32], _: &[u32]) -> ((), ()) {
        ((), ())
    }

    fn done(&mut self, (): ()) {}

    /// As scikit-learn: features that are constant in the node do not count as drawn, and drawing goes on until one split is
    /// found.
    fn best(&mut self, (): &(), rows: &[u32], total: &[Sum]) -> Option<Split> {
        if self.is_pure(total) {
            return None;
        }
        let mut best = None;
        let mut features = std::mem::take(&mut self.features);
        features.shuffle(&mut self.rng);
        let mut drawn = 0;
        for &f in &features {
            if drawn >= self.draw && best.is_some() {
                break;
            }
            self.bins.clear();
            if rows.len() < SORT {
                self.sum_by_sorting(f, rows);
            } else {
                self.sum_by_histogram(f, rows);
            }
            if self.bins.codes.len() < 2 {
                continue;
            }
            drawn += 1;
            self.scanner.scan(f, &self.binned.codings[f], &self.bins, total, &mut best);
        }
        self.features = features;
        best
    }

    fn total(&self, rows: &[u32]) -> Vec<Sum> {
        total(self.sums, self.channels, rows)
    }
}

impl Drawing<'_> {
    /// Whether all weight is of one class.
    fn is_pure(&self, total: &[Sum]) -> bool {
        let scale = &self.scanner.scale;
        let h = scale.h(total[0]);
        if self.channels == 1 {
            let g = scale.g(total[0]);
            return g <= 0.0 || g >= h;
        }
        total.iter().any(|&s| scale.g(s) >= h)
    }
}

fn total(sums: &[Sum], channels: usize, rows: &[u32]) -> Vec<Sum> {
    let mut out = vec![[0; 2]; channels];
    for &r in rows {
        let at = r as usize * channels;
        for (t, &s) in out.iter_mut().zip(&sums[at..at + channels]) {
            add(t, s);
        }
    }
    out
}
