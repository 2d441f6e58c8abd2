//! From explicit trees to the packed forest and back, and the proof that a packed forest is sound.

use super::{
    Column, Forest, LEAF, Link, MAX_CATEGORY, MAX_DEPTH, MAX_NODES, Node, PlainNode, PlainTree, Test, Tests, Tree,
    error, sortable,
};
use crate::error::{Error, Result};
use crate::math::BOUND;
use std::collections::BTreeMap;

/// Most words of all category sets of a forest, 64 categories each: a short list of large codes becomes many words.
const MAX_SET_WORDS: usize = 1 << 23;

/// How far the probabilities of an averaged leaf may be from adding up to 1.
const SUM_TOLERANCE: f64 = 1e-9;

impl Forest {
    /// Packs plain trees. `base`: the score each output starts from (empty for `Average`; one for `Identity` and `Sigmoid`; one
    /// per class otherwise). Fails, naming tree and node, on anything [`check`](crate::model::Model::check) would refuse.
    ///
    /// ```
    /// use hedgerow::model::forest::{Forest, Link, PlainNode, PlainTree, Test};
    /// // x[0] <= 2.5 ? 0.75 : -0.25; missing goes right.
    /// let split = PlainNode::Split { feature: 0, test: Test::AtMost(2.5), default_left: false, left: 1, right: 2 };
    /// let nodes = vec![split, PlainNode::Leaf(vec![0.75]), PlainNode::Leaf(vec![-0.25])];
    /// let forest = Forest::new(1, 2, Link::Sigmoid, vec![0.5], &[PlainTree { nodes, output: 0 }])?;
    /// let (mut leaf, mut margin) = ([0], [0.0]);
    /// for (x, reached, score) in [(2.5, 1, 1.25), (2.6, 2, 0.25), (f64::NAN, 2, 0.25)] {
    ///     forest.leaf_ids(&[x], &mut leaf);
    ///     forest.margin(&[x], &mut margin);
    ///     assert_eq!((leaf[0], margin[0]), (reached, score));
    /// }
    /// # Ok::<(), hedgerow::error::Error>(())
    /// ```
    pub fn new(n_features: usize, n_classes: usize, link: Link, base: Vec<f64>, trees: &[PlainTree]) -> Result<Forest> {
        let mut pack = Pack::new(trees)?;
        let width = if link == Link::Average { n_classes } else { 1 };
        let mut forest = Forest {
            n_features,
            n_classes,
            link,
            base,
            columns: Vec::new(),
            leaves: Vec::new(),
            nodes: Vec::new(),
            trees: Vec::new(),
        };
        for (t, tree) in trees.iter().enumerate() {
            let root = forest.nodes.len();
            pack.tree(tree, width, &mut forest).map_err(|e| e.context(format!("tree {t}")))?;
            forest.trees.push(Tree { root: root as u32, output: tree.output.min(u32::MAX as usize) as u32 });
        }
        forest.columns = pack.columns;
        forest.check()?;
        Ok(forest)
    }

    /// The trees in plain form, nodes in preorder.
    pub fn plain(&self) -> Vec<PlainTree> {
        let ends = self.trees.iter().skip(1).map(|t| t.root as usize).chain([self.nodes.len()]);
        let plain = |(tree, end): (&Tree, usize)| {
            let root = tree.root as usize;
            let node = |(i, node): (usize, &Node)| match self.columns.get(node.column as usize) {
                None => PlainNode::Leaf(self.leaf(root + i).to_vec()),
                Some(column) => PlainNode::Split {
                    feature: column.feature,
                    test: match &column.tests {
                        Tests::Cuts(cuts) => Test::AtMost(cuts[node.arg as usize]),
                        Tests::Sets(sets) => Test::In(members(&sets[node.arg as usize])),
                    },
                    default_left: node.default_left,
                    left: i + 1,
                    right: node.right as usize - root,
                },
            };
            PlainTree {
                nodes: self.nodes[root..end].iter().enumerate().map(node).collect(),
                output: tree.output as usize,
            }
        };
        self.trees.iter().zip(ends).map(plain).collect()
    }

    /// Proves that traversal ends at a leaf, reads nothing out of range, and that the answer is a probability.
    pub(in crate::model) fn check(&self) -> Result<()> {
        let width = self.leaf_width();
        super::super::check_sizes(self.n_features, self.n_classes)?;
        let binary = matches!(self.link, Link::Identity | Link::Sigmoid);
        if binary && self.n_classes != 2 {
            return Err(error(format!("a forest with one score has 2 classes, not {}", self.n_classes)));
        }
        let bases = if self.link == Link::Average { 0 } else { self.n_outputs() };
        if self.base.len() != bases || self.base.iter().any(|v| !within(*v)) {
            return Err(error(format!("a forest's base holds {bases} finite numbers")));
        }
        if self.trees.is_empty() {
            return Err(error("a forest has at least one tree"));
        }
        if self.nodes.len() > MAX_NODES {
            return Err(error(format!("a forest has at most {MAX_NODES} nodes, this one {}", self.nodes.len())));
        }
        self.check_columns()?;
        if !self.leaves.len().is_multiple_of(width) {
            return Err(error(format!("leaf vectors hold {width} numbers each")));
        }
        if let Some(i) = self.unsound_leaf() {
            return Err(error(match self.link {
                Link::Average => format!("leaf vector {i} is not a probability per class, adding up to 1"),
                _ => format!("leaf value {i} is not a finite number"),
            }));
        }
        let outputs = if self.link == Link::Average { 1 } else { self.n_outputs() };
        let tests: Vec<u32> = self.columns.iter().map(|column| column.n_tests() as u32).collect();
        let (mut next, mut open) = (0, Vec::new());
        for (t, tree) in self.trees.iter().enumerate() {
            if tree.root as usize != next {
                return Err(error(format!("tree {t} does not begin where the one before it ends")));
            }
            if tree.output as usize >= outputs {
                return Err(error(format!("tree {t} adds to score {}, but there are {outputs}", tree.output)));
            }
            next = self.check_tree(next, &tests, &mut open).map_err(|e| e.context(format!("tree {t}")))?;
        }
        if next == self.nodes.len() { Ok(()) } else { Err(error("nodes are left over after the last tree")) }
    }

    fn check_columns(&self) -> Result<()> {
        let rank = |c: &Column| (c.feature, matches!(c.tests, Tests::Sets(_)));
        if self.columns.windows(2).any(|w| rank(&w[0]) >= rank(&w[1])) {
            return Err(error("a forest's columns are ordered by feature and distinct"));
        }
        for column in &self.columns {
            let f = column.feature;
            if f >= self.n_features {
                return Err(error(format!("a forest of {} features tests feature {f}", self.n_features)));
            }
            match &column.tests {
                Tests::Cuts(cuts) => {
                    if !finite_ascending(cuts) {
                        return Err(error(format!("the cuts of feature {f} are not finite and ascending")));
                    }
                }
                Tests::Sets(sets) => {
                    let words = MAX_CATEGORY as usize / 64 + 1;
                    if sets.iter().any(|s| s.len() > words || s.last() == Some(&0)) {
                        return Err(error(format!("a category set of feature {f} goes past {MAX_CATEGORY}")));
                    }
                }
            }
        }
        Ok(())
    }

    /// The first leaf vector that is no probability per class (`Average`) or no finite number.
    fn unsound_leaf(&self) -> Option<usize> {
        let (width, piece) = (self.leaf_width(), 512);
        let mut pieces = self.leaves.chunks(width * piece).zip(0..);
        pieces.find_map(|(leaves, i)| unsound(leaves, width, self.link).map(|at| i * piece + at))
    }

    /// Checks one tree in preorder from `root`; the index after its last node. `tests`: how many each column has; `open`: room
    /// to work in. (A function of its own, called for every tree: see `packed`.)
    #[inline(never)]
    fn check_tree(&self, root: usize, tests: &[u32], open: &mut Vec<(u32, u32)>) -> Result<usize> {
        let n_leaves = self.leaves.len() / self.leaf_width();
        // Splits whose left side is being walked, with their depth.
        open.clear();
        let mut depth = 0;
        for (at, node) in self.nodes.iter().enumerate().skip(root) {
            if node.column != LEAF {
                if tests.get(node.column as usize).is_none_or(|n| node.arg >= *n) || depth == MAX_DEPTH as u32 {
                    return Err(self.unsound_split(at - root, node));
                }
                open.push((at as u32, depth));
                depth += 1;
            } else {
                if node.arg as usize >= n_leaves || node.right != 0 || node.default_left {
                    let name = at - root;
                    return Err(error(format!("leaf {name} names leaf vector {} of {n_leaves}", node.arg)));
                }
                let Some((parent, parent_depth)) = open.pop() else { return Ok(at + 1) };
                if self.nodes[parent as usize].right as usize != at + 1 {
                    let name = parent as usize - root;
                    return Err(error(format!("the right child of node {name} is not in preorder")));
                }
                depth = parent_depth + 1;
            }
        }
        Err(error("the nodes end before the tree does"))
    }

    /// What is wrong with a split.
    fn unsound_split(&self, name: usize, node: &Node) -> Error {
        error(match self.columns.get(node.column as usize).map(Column::n_tests) {
            None => format!("node {name} tests column {}, of {}", node.column, self.columns.len()),
            Some(tests) if node.arg as usize >= tests => format!("node {name} asks test {} of {tests}", node.arg),
            Some(_) => format!("a tree is at most {MAX_DEPTH} deep"),
        })
    }
}

impl Column {
    /// How many tests its nodes may ask.
    fn n_tests(&self) -> usize {
        match &self.tests {
            Tests::Cuts(cuts) => cuts.len(),
            Tests::Sets(sets) => sets.len(),
        }
    }
}

/// Whether these are finite and strictly ascending: if each is below the next, only the ends may be infinite.
#[inline(never)]
fn finite_ascending(cuts: &[f64]) -> bool {
    let ends = [cuts.first(), cuts.last()];
    ends.into_iter().flatten().all(|cut| cut.is_finite()) && cuts.is_sorted_by(|a, b| a < b)
}

/// The first of these leaf vectors that is not what the link takes. (Called over and over: see `packed`.)
#[inline(never)]
fn unsound(leaves: &[f64], width: usize, link: Link) -> Option<usize> {
    if link != Link::Average {
        return leaves.iter().position(|v| !within(*v));
    }
    let sound = |leaf: &[f64]| {
        leaf.iter().all(|p| (0.0..=1.0).contains(p)) && (leaf.iter().sum::<f64>() - 1.0).abs() <= SUM_TOLERANCE
    };
    leaves.chunks_exact(width).position(|leaf| !sound(leaf))
}

/// Whether `v` is finite and of a magnitude whose sums stay finite.
fn within(v: f64) -> bool {
    v.abs() <= BOUND
}

fn members(set: &[u64]) -> Vec<u32> {
    (0..set.len() as u32 * 64).filter(|k| set[(k / 64) as usize] >> (k % 64) & 1 == 1).collect()
}

fn bitset(members: &[u32]) -> Result<Vec<u64>> {
    let mut set = Vec::new();
    for &k in members {
        if k > MAX_CATEGORY {
            return Err(error(format!("category {k} is past the largest, {MAX_CATEGORY}")));
        }
        let word = (k / 64) as usize;
        if set.len() <= word {
            set.resize(word + 1, 0);
        }
        set[word] |= 1u64 << (k % 64);
    }
    Ok(set)
}

/// A threshold as it is kept: -0.0 is 0.0, which asks the same.
fn threshold(t: f64) -> f64 {
    t + 0.0
}

/// What packing looks up: tests and leaf vectors seen, by value.
struct Pack {
    columns: Vec<Column>,
    index: BTreeMap<(usize, bool), u32>,
    sets: BTreeMap<(u32, Vec<u64>), u32>,
    /// Words of all sets.
    words: usize,
    leaves: BTreeMap<Vec<u64>, u32>,
}

impl Pack {
    /// Gathers the columns and their cuts; sets are gathered as they come.
    fn new(trees: &[PlainTree]) -> Result<Pack> {
        let mut cuts: BTreeMap<(usize, bool), Vec<f64>> = BTreeMap::new();
        for (t, tree) in trees.iter().enumerate() {
            for (i, node) in tree.nodes.iter().enumerate() {
                match node {
                    PlainNode::Split { feature, test: Test::AtMost(c), .. } => {
                        if !c.is_finite() {
                            return Err(error(format!("tree {t}: the threshold of node {i} is not a finite number")));
                        }
                        cuts.entry((*feature, false)).or_default().push(threshold(*c));
                    }
                    PlainNode::Split { feature, test: Test::In(_), .. } => {
                        cuts.entry((*feature, true)).or_default();
                    }
                    PlainNode::Leaf(_) => {}
                }
            }
        }
        let index = cuts.keys().zip(0..).map(|(key, i)| (*key, i)).collect();
        let column = |((feature, is_set), mut cuts): ((usize, bool), Vec<f64>)| {
            cuts.sort_by_key(|c| sortable(*c));
            cuts.dedup();
            Column { feature, tests: if is_set { Tests::Sets(Vec::new()) } else { Tests::Cuts(cuts) } }
        };
        let columns = cuts.into_iter().map(column).collect();
        Ok(Pack { columns, index, sets: BTreeMap::new(), words: 0, leaves: BTreeMap::new() })
    }

    /// Appends a tree's nodes, in preorder.
    fn tree(&mut self, tree: &PlainTree, width: usize, forest: &mut Forest) -> Result<()> {
        let root = forest.nodes.len();
        if root + tree.nodes.len() > MAX_NODES {
            return Err(error(format!("a forest has at most {MAX_NODES} nodes")));
        }
        // What is still to be visited, and whose right child it is.
        let mut open: Vec<(usize, Option<usize>)> = vec![(0, None)];
        let mut seen = vec![false; tree.nodes.len()];
        while let Some((i, right_of)) = open.pop() {
            let at = forest.nodes.len();
            match seen.get_mut(i) {
                Some(seen) if !*seen => *seen = true,
                Some(_) => return Err(error(format!("node {i} has two parents"))),
                None => return Err(error(format!("node {i} is named, but there are {}", tree.nodes.len()))),
            }
            if let Some(parent) = right_of {
                forest.nodes[parent].right = at as u32;
            }
            forest.nodes.push(match &tree.nodes[i] {
                PlainNode::Leaf(values) => Node {
                    column: LEAF,
                    arg: self.leaf(values, width, &mut forest.leaves)?,
                    right: 0,
                    default_left: false,
                },
                PlainNode::Split { feature, test, default_left, left, right } => {
                    if left <= &i || right <= &i {
                        return Err(error(format!("a child of node {i} does not come after it")));
                    }
                    open.push((*right, Some(at)));
                    open.push((*left, None));
                    let (column, arg) = self.test(*feature, test)?;
                    Node { column, arg, right: 0, default_left: *default_left }
                }
            });
        }
        match seen.iter().position(|s| !s) {
            None => Ok(()),
            Some(i) => Err(error(format!("node {i} has no parent"))),
        }
    }

    fn test(&mut self, feature: usize, test: &Test) -> Result<(u32, u32)> {
        let column = self.index[&(feature, matches!(test, Test::In(_)))];
        let arg = match (test, &mut self.columns[column as usize].tests) {
            (Test::AtMost(c), Tests::Cuts(cuts)) => cuts.partition_point(|k| *k < threshold(*c)) as u32,
            (Test::In(members), Tests::Sets(sets)) => {
                let set = bitset(members)?;
                self.words += if self.sets.contains_key(&(column, set.clone())) { 0 } else { set.len() };
                if self.words > MAX_SET_WORDS {
                    return Err(error(format!(
                        "its category sets come to more than {MAX_SET_WORDS} words of 64 categories"
                    )));
                }
                *self.sets.entry((column, set)).or_insert_with_key(|(_, set)| {
                    sets.push(set.clone());
                    sets.len() as u32 - 1
                })
            }
            _ => return Err(error("a column has one kind of test")),
        };
        Ok((column, arg))
    }

    fn leaf(&mut self, values: &[f64], width: usize, leaves: &mut Vec<f64>) -> Result<u32> {
        if values.len() != width {
            return Err(error(format!("a leaf holds {} numbers instead of {width}", values.len())));
        }
        let next = self.leaves.len() as u32;
        Ok(*self.leaves.entry(values.iter().map(|v| v.to_bits()).collect()).or_insert_with(|| {
            leaves.extend_from_slice(values);
            next
        }))
    }
}
