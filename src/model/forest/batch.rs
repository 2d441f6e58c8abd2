//! The fast forest for blocks of rows: equal to the reference in every bit.
//!
//! A block is first put into columns of ranks ([`ranked_columns`](super::ranked_columns)); then each tree in turn takes all its rows down and adds
//! its leaves, so that a tree's tables and the block's columns stay near the processor, and each row's sums are in tree order.
//! Trees are chosen for one by one, by depth, and as far as columns last:
//!
//! | splits on the way to the deepest leaf | how |
//! |---|---|
//! | at most 3; 4 | all nodes are compared with 16 rows at once ([`batch_kernel`](super::batch_kernel)) |
//! | 5; 6 | as 4, then one or two levels by a table of the level's nodes; at most 256 columns of bytes |
//! | more | as 6 (or 4, past 256 columns of bytes), then row by row, eight in step ([`deep`](super::deep)) |
//! | no split; past 4096 columns of bytes or 1024 of words, 128 sets of a tree below 6 levels, or 65,534 cuts of a feature in upper levels | the reference's own traversal |
//!
//! Why so: a comparison of bytes answers 16 rows, one of numbers two. Four levels cost 15 comparisons for 16 rows, whichever way
//! they go, and no branch to mispredict; a fifth would double that, so from there each row's own node is looked up: 32 nodes
//! fit two shuffles. Each level is a pass over the block, which keeps the code small and lets one group's loads overlap with
//! the next one's. Deeper nodes are 8 bytes and read one word; four levels of a random forest's ten are left for them.
//! What upper nodes name is counted apart, so a deep forest of tens of thousands of cuts still has few columns of bytes.
//! A tree whose leaves copied to all places would far outweigh its nodes is walked row by row below the levels, where leaves
//! are named: so what is laid out stays within a small multiple of the forest, whatever a file holds.
//! Rows are worked on as they come, in blocks of up to [`BLOCK`]; fewer than 16 cost what 16 do.

use super::batch_kernel::{Level, PAD, Top, four_levels, level, three_levels};
use super::deep::{Deep, MAX_WORDS};
use super::ranked::Ranked;
use super::ranked_columns::{Columns, GROUP, TreeSets};
use super::{Forest, LEAF, Link, Tree};
use crate::math::BLOCK;

#[cfg(test)]
#[path = "batch_tests.rs"]
mod tests;

/// Most columns of bytes: an offset has 16 bits.
const MAX_BYTES: usize = (1 << 16) / GROUP;

/// Most levels that many rows walk at once, and the places below them.
const LEVELS: usize = 6;
const PLACES: usize = 1 << LEVELS;

/// Most bytes of a tree's leaves, copied to the places below its levels: so many, and so many more per node.
const COPIED: usize = 256;
const COPIED_PER_NODE: usize = 64;

/// How one tree is walked.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Index into `tops`.
    top: usize,
    /// Levels before `lower`: 3 to [`LEVELS`].
    levels: usize,
    /// Index into `tables` of the levels below the fourth.
    table: usize,
    sets: TreeSets,
    below: Below,
}

#[derive(Clone, Copy, Debug)]
enum Below {
    /// Index into `leaves`: per number of a leaf, `2^levels` of them; and from any on at least [`PLACES`].
    Leaves(usize),
    /// Index into `places`, `2^levels` of them; and the steps below.
    Deep(usize, u32),
    /// The reference: of a tree that is a leaf, or has more columns than there are.
    Reference,
}

/// A forest made ready for blocks, and the room it works in.
#[derive(Clone, Debug)]
pub(super) struct Batch {
    columns: Columns,
    plans: Vec<Plan>,
    tops: Vec<[Top; 15]>,
    tables: Vec<Level>,
    leaves: Vec<f64>,
    places: Vec<u32>,
    deep: Deep,
    bytes: Vec<[i8; GROUP]>,
    words: Vec<[i32; GROUP]>,
}

impl Batch {
    #[inline(never)]
    pub(super) fn new(forest: &Forest) -> Batch {
        let (named, sizes) = survey(forest);
        let mut batch = Batch {
            columns: Columns::new(forest, &named, MAX_BYTES, MAX_WORDS),
            plans: Vec::with_capacity(forest.trees.len()),
            tops: Vec::new(),
            tables: Vec::new(),
            leaves: Vec::new(),
            places: Vec::new(),
            deep: Deep::default(),
            bytes: Vec::new(),
            words: Vec::new(),
        };
        for (tree, Size { depth, nodes }) in forest.trees.iter().zip(sizes) {
            let mut plan = |most: usize| {
                let levels = depth.clamp(3, most);
                let copied = (size_of::<f64>() * forest.leaf_width()) << levels;
                let is_deep = depth > levels || copied > COPIED + COPIED_PER_NODE * nodes;
                batch.plan(forest, tree, levels, is_deep)
            };
            let plan = if depth == 0 { None } else { plan(LEVELS).or_else(|| plan(4)) };
            let plan = plan.unwrap_or_else(|| {
                batch.columns.begin_tree();
                Plan { top: 0, levels: 0, table: 0, sets: batch.columns.end_tree(), below: Below::Reference }
            });
            batch.plans.push(plan);
        }
        batch.columns.finish();
        batch.leaves.extend([0.0; PLACES]);
        batch
    }

    /// Lays out a tree: so many levels for many rows at once, what is below them, if anything is, row by row. Nothing where
    /// the columns do not last.
    fn plan(&mut self, forest: &Forest, tree: &Tree, levels: usize, is_deep: bool) -> Option<Plan> {
        self.columns.begin_tree();
        let mut top = [PAD; 15];
        let mut table = [Level { columns: [[0; GROUP]; 2], codes: [[PAD.code; GROUP]; 2] }; LEVELS - 4];
        let mut reached = [None; PLACES];
        // Nodes of the forest with their place in the heap: node i's children are at 2i + 1 and 2i + 2.
        let mut open = vec![(tree.root, 0)];
        while let Some((at, i)) = open.pop() {
            let node = &forest.nodes[at as usize];
            if i + 1 >= 1 << levels {
                reached[i + 1 - (1 << levels)] = Some(at);
                continue;
            }
            if node.column == LEAF {
                // Padding sends all rows left.
                open.push((at, 2 * i + 1));
                continue;
            }
            let (column, code) = self.columns.byte(forest, node)?;
            if i < 15 {
                top[i] = Top { at: column * GROUP as u16, code };
            } else {
                let (level, at) = if i < 31 { (0, i - 15) } else { (1, i - 31) };
                table[level].columns[at / GROUP][at % GROUP] = u8::try_from(column).ok()?;
                table[level].codes[at / GROUP][at % GROUP] = code;
            }
            open.push((node.right, 2 * i + 2));
            open.push((at + 1, 2 * i + 1));
        }
        let reached = &reached[..1 << levels];
        let below = if is_deep {
            let first = self.places.len();
            Below::Deep(first, self.deep.add(forest, &mut self.columns, reached, &mut self.places)?)
        } else {
            let first = self.leaves.len();
            for k in 0..forest.leaf_width() {
                let value = |at: &Option<u32>| at.map_or(0.0, |at| forest.leaf(at as usize)[k]);
                self.leaves.extend(reached.iter().map(value));
            }
            Below::Leaves(first)
        };
        let plan =
            Plan { top: self.tops.len(), levels, table: self.tables.len(), sets: self.columns.end_tree(), below };
        self.tops.push(top);
        self.tables.extend(&table[..levels.saturating_sub(4)]);
        Some(plan)
    }

    /// As [`Forest::margin`], of the first `rows` rows of a block. `x`: n_features columns → `out`: n_outputs columns.
    pub(super) fn margin(&mut self, forest: &Forest, ranked: &Ranked, x: &[f64], rows: usize, out: &mut [f64]) {
        let groups = rows.div_ceil(GROUP);
        let (n_bytes, n_words) = (self.columns.n_bytes(), self.columns.n_words());
        if self.bytes.is_empty() || self.bytes.len() < n_bytes * groups || self.words.len() < n_words * groups {
            // At least one column of each: trees of padding alone, and leaves, read one.
            self.bytes.resize(n_bytes.max(1) * BLOCK / GROUP, [0; GROUP]);
            self.words.resize(n_words.max(1) * BLOCK / GROUP, [0; GROUP]);
        }
        self.columns.encode(forest, ranked, x, groups, &mut self.bytes, &mut self.words);
        begin(forest, out);
        let mut at = [[0; GROUP]; BLOCK / GROUP];
        let mut reached = [[0; GROUP]; BLOCK / GROUP];
        let mut columns = [[0; GROUP]; BLOCK / GROUP];
        let at = &mut at[..groups];
        for (plan, tree) in self.plans.iter().zip(&forest.trees) {
            let output = tree.output as usize;
            if let Below::Reference = plan.below {
                add_reference(forest, tree, x, rows, out);
                continue;
            }
            self.columns.encode_sets(forest, plan.sets, x, groups, &mut self.bytes, &mut self.words);
            let (bytes, top) = (&self.bytes[..], &self.tops[plan.top]);
            assert!(bytes.len() >= n_bytes.max(1) * groups);
            // SAFETY: `Columns::byte` gave out all columns, so they are below `n_bytes`; padding names the first, of which
            // there is one in each group, or room for one.
            unsafe {
                if plan.levels == 3 {
                    three_levels(top, bytes, n_bytes, at);
                } else {
                    four_levels(top, bytes, n_bytes, at);
                }
                if plan.levels > 4 {
                    level::<false>(&self.tables[plan.table], bytes, n_bytes, at, &mut columns);
                }
                if plan.levels > 5 {
                    level::<true>(&self.tables[plan.table + 1], bytes, n_bytes, at, &mut columns);
                }
            }
            match plan.below {
                Below::Leaves(first) => {
                    let sums = out[output * BLOCK..].chunks_exact_mut(BLOCK).take(forest.leaf_width());
                    for (k, sums) in sums.enumerate() {
                        let leaves = self.leaves[first + (k << plan.levels)..].first_chunk();
                        add_leaves(leaves.expect("as many follow the last"), at, sums);
                    }
                }
                Below::Deep(first, steps) => {
                    let places = &self.places[first..first + (1 << plan.levels)];
                    self.deep.descend(steps, places, at, &self.words, n_words, &mut reached);
                    let width = forest.leaf_width();
                    for k in 0..width {
                        let sums = &mut out[(output + k) * BLOCK..][..rows];
                        for (sum, leaf) in sums.iter_mut().zip(reached.as_flattened()) {
                            *sum += forest.leaves[*leaf as usize * width + k];
                        }
                    }
                }
                Below::Reference => {}
            }
        }
    }
}

/// Of a tree.
struct Size {
    /// Splits on the way to its deepest leaf.
    depth: usize,
    nodes: usize,
}

/// Per column of the forest, which cuts the nodes of the upper [`LEVELS`] name; and each tree's size.
fn survey(forest: &Forest) -> (Vec<Vec<bool>>, Vec<Size>) {
    let mut named: Vec<Vec<bool>> = forest
        .columns
        .iter()
        .map(|c| match &c.tests {
            super::Tests::Cuts(cuts) => vec![false; cuts.len()],
            super::Tests::Sets(_) => Vec::new(),
        })
        .collect();
    let ends = forest.trees.iter().skip(1).map(|t| t.root as usize).chain([forest.nodes.len()]);
    let mut sizes = Vec::with_capacity(forest.trees.len());
    // The depths at which right children of the splits above wait.
    let mut open: Vec<usize> = Vec::new();
    for (tree, end) in forest.trees.iter().zip(ends) {
        let (mut depth, mut deepest) = (0, 0);
        for node in &forest.nodes[tree.root as usize..end] {
            if node.column == LEAF {
                deepest = deepest.max(depth);
                depth = open.pop().unwrap_or(0);
            } else {
                if let Some(named) = named[node.column as usize].get_mut(node.arg as usize) {
                    *named |= depth < LEVELS;
                }
                depth += 1;
                open.push(depth);
            }
        }
        sizes.push(Size { depth: deepest, nodes: end - tree.root as usize });
    }
    (named, sizes)
}

/// The scores each row starts from.
fn begin(forest: &Forest, out: &mut [f64]) {
    match forest.link {
        Link::Average => out.fill(0.0),
        _ => forest.base.iter().zip(out.chunks_exact_mut(BLOCK)).for_each(|(base, sums)| sums.fill(*base)),
    }
}

/// Adds to each row's sum the value of its leaf.
#[inline(never)]
fn add_leaves(leaves: &[f64; PLACES], at: &[[i8; GROUP]], sums: &mut [f64]) {
    for (sums, at) in sums.as_chunks_mut::<GROUP>().0.iter_mut().zip(at) {
        for (sum, at) in sums.iter_mut().zip(at) {
            // The mask says what the kernel's levels do: the number is below that of leaves.
            *sum += leaves[*at as u8 as usize % PLACES];
        }
    }
}

/// Adds a tree by the reference traversal.
#[inline(never)]
fn add_reference(forest: &Forest, tree: &Tree, x: &[f64], rows: usize, out: &mut [f64]) {
    for row in 0..rows {
        let leaf = forest.leaf(forest.descend_by(tree, |feature| x[feature * BLOCK + row]));
        for (k, v) in leaf.iter().enumerate() {
            out[(tree.output as usize + k) * BLOCK + row] += v;
        }
    }
}
