//! Sixteen trees to a vector: a byte per rank, the trees' tops as heaps.
//!
//! Node `i` of the topmost 15 is a vector of columns and one of ranks, a lane per tree. The row is a table of bytes in registers, so
//! "the value of each tree's column" is a shuffle of it; then one comparison decides the node for sixteen trees. All 15 are asked,
//! and the answers combined to the place on the fifth level where each tree goes on; from there the trees are walked by turns.
//! For gradient boosting's usual 6 levels that is two steps.

use super::{Forest, Inputs, Ranked, add, depths};
use crate::model::forest::ranked::Grid;
use crate::model::forest::{Column, LEAF, Tests};
use crate::simd::I8x16;

/// Most levels of splits: a heap doubles with each.
const MAX_DEPTH: u32 = 8;

/// Most ends of all heaps: so many, and so many more per node of the forest. Few bytes of a file can name many trees that
/// share a group with a deep one.
const ENDS: usize = 1 << 16;
const ENDS_PER_NODE: usize = 16;

/// Levels that are asked by vectors.
const TOP: u32 = 4;

/// Most bytes of a row.
const BYTES: usize = 64;

/// Most cuts of an input: values are 0 to 254, less 128, and 127 is beyond all.
const SIZE: usize = 254;

/// The byte of a missing value that goes right, and the rank that none exceeds.
const RIGHT: i8 = i8::MAX;

/// The byte of a missing value that goes left.
const LEFT: i8 = i8::MIN;

/// Where the splits of an input send a missing value.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Missing {
    Nowhere,
    Left,
    Right,
    Both,
}

impl Missing {
    /// What stands for a missing value; none where splits disagree.
    fn byte(self) -> Option<i8> {
        match self {
            Missing::Both => None,
            Missing::Left => Some(LEFT),
            Missing::Nowhere | Missing::Right => Some(RIGHT),
        }
    }
}

/// Sixteen trees.
#[derive(Clone, Debug)]
struct Group {
    /// Per node of the top, from the root on, level by level: the trees' columns, then their ranks.
    top: [[[i8; 16]; 2]; 15],
    /// Levels of splits, at least [`TOP`].
    depth: u32,
    /// Where its nodes below the top begin, and its leaves.
    below: usize,
    leaves: usize,
}

#[derive(Clone, Debug)]
pub(super) struct Parallel {
    inputs: Inputs,
    missing: Vec<Missing>,
    row: [i8; BYTES],
    groups: Vec<Group>,
    /// Per group and tree the nodes of a heap from the level below the top on: column, and rank.
    below: Vec<[i8; 2]>,
    /// Per group and tree the leaf vector at each end of its heap.
    leaves: Vec<u32>,
    /// As `leaves`, but the leaves themselves, which are single numbers for a single output; otherwise none.
    values: Vec<f64>,
    /// Whether each column of the forest is one input that a grid finds the rank for.
    plain: bool,
}

impl Parallel {
    /// None if trees are too deep, if heaps would far outweigh the nodes that they hold, or if the row is too wide.
    #[inline(never)]
    pub(super) fn new(forest: &Forest) -> Option<Parallel> {
        let depths = depths(forest);
        if depths.iter().any(|d| *d > MAX_DEPTH) {
            return None;
        }
        let ends: usize = depths.chunks(16).map(|depths| 16 << heap_depth(depths)).sum();
        if ends > ENDS + ENDS_PER_NODE * forest.nodes.len() {
            return None;
        }
        let inputs = Inputs::new(forest, SIZE, BYTES)?;
        let one = |column: &Column| matches!(&column.tests, Tests::Cuts(cuts) if (1..=SIZE).contains(&cuts.len()));
        let plain = forest.columns.iter().all(one);
        let mut parallel = Parallel {
            missing: vec![Missing::Nowhere; inputs.len()],
            inputs,
            row: [0; BYTES],
            groups: Vec::with_capacity(depths.len().div_ceil(16)),
            below: Vec::new(),
            leaves: Vec::new(),
            values: Vec::new(),
            plain,
        };
        for (trees, depths) in forest.trees.chunks(16).zip(depths.chunks(16)) {
            let depth = heap_depth(depths);
            let (below, leaves) = (parallel.below.len(), parallel.leaves.len());
            parallel.groups.push(Group { top: [[[0; 16], [RIGHT; 16]]; 15], depth, below, leaves });
            parallel.below.resize(below + 16 * stride(depth), [0, RIGHT]);
            parallel.leaves.resize(leaves + (16 << depth), 0);
            for (lane, tree) in trees.iter().enumerate() {
                parallel.lay_out(forest, tree.root as usize, lane);
            }
        }
        if forest.n_outputs() == 1 && forest.leaf_width() == 1 {
            parallel.values = parallel.leaves.iter().map(|leaf| forest.leaves[*leaf as usize]).collect();
            parallel.leaves = Vec::new();
            // What is added for a lane without a tree: minus zero changes no sum, not even a zero's sign.
            if let Some(group) = parallel.groups.last() {
                let lanes = forest.trees.len() - 16 * (parallel.groups.len() - 1);
                parallel.values[group.leaves + (lanes << group.depth)..].fill(-0.0);
            }
        }
        Some(parallel)
    }

    /// Bytes that are laid out.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        size_of_val(&self.groups[..])
            + size_of_val(&self.below[..])
            + size_of_val(&self.leaves[..])
            + size_of_val(&self.values[..])
    }

    /// Puts a tree into a lane of the last group. A leaf above the end fills all ends below it.
    #[inline(never)]
    fn lay_out(&mut self, forest: &Forest, root: usize, lane: usize) {
        let Some(group) = self.groups.last_mut() else { return };
        let below = &mut self.below[group.below + lane * stride(group.depth)..];
        let leaves = &mut self.leaves[group.leaves + (lane << group.depth)..][..1 << group.depth];
        // Right children to come, by their place in a heap whose root is 1.
        let (mut open, mut n_open) = ([0usize; MAX_DEPTH as usize], 0);
        let mut place = 1usize;
        for node in &forest.nodes[root..] {
            if node.column == LEAF {
                let rest = group.depth - place.ilog2();
                let from = (place << rest) - (1 << group.depth);
                leaves[from..from + (1 << rest)].fill(node.arg);
                if n_open == 0 {
                    break;
                }
                n_open -= 1;
                place = open[n_open];
                continue;
            }
            let (input, rank) = self.inputs.of(forest, node.column, node.arg);
            let (column, rank) = (input as i8, (i32::from(rank) - 128) as i8);
            self.missing[input] = match (self.missing[input], node.default_left) {
                (Missing::Nowhere | Missing::Left, true) => Missing::Left,
                (Missing::Nowhere | Missing::Right, false) => Missing::Right,
                _ => Missing::Both,
            };
            if place < 16 {
                let [columns, ranks] = &mut group.top[place - 1];
                (columns[lane], ranks[lane]) = (column, rank);
            } else {
                below[place - 16] = [column, rank];
            }
            open[n_open] = 2 * place + 1;
            n_open += 1;
            place *= 2;
        }
    }

    /// As [`Forest::margin`]; false, and nothing done, if the row misses a value where splits disagree about those.
    pub(super) fn margin(&mut self, forest: &Forest, ranked: &Ranked, x: &[f64], out: &mut [f64]) -> bool {
        let read = if self.plain { self.read_plain(forest, ranked, x) } else { self.read(forest, ranked, x) };
        if read {
            forest.start(out);
            match (self.inputs.len() <= 32, &mut *out) {
                (true, [sum]) if !self.values.is_empty() => self.sum::<2>(sum),
                (_, [sum]) if !self.values.is_empty() => self.sum::<4>(sum),
                (true, _) => self.walk::<2>(forest, out),
                _ => self.walk::<4>(forest, out),
            }
        }
        read
    }

    #[inline(never)]
    fn read(&mut self, forest: &Forest, ranked: &Ranked, x: &[f64]) -> bool {
        let (row, missing) = (&mut self.row, &self.missing);
        self.inputs.read(forest, ranked, x, |input, value| {
            row[input] = match value {
                Some(value) => (i32::from(value) - 128) as i8,
                None => match missing[input].byte() {
                    Some(byte) => byte,
                    None => return false,
                },
            };
            true
        })
    }

    /// As [`read`](Self::read), where each column is one input with a grid: two by two, and without a branch on what `x` holds.
    #[inline(never)]
    fn read_plain(&mut self, forest: &Forest, ranked: &Ranked, x: &[f64]) -> bool {
        let mut missing = false;
        for ((columns, grids), row) in
            forest.columns.chunks(2).zip(ranked.grids().chunks(2)).zip(self.row.chunks_mut(2))
        {
            let ([Some(first), ..], [.., Some(last)]) = (grids, grids) else { return false };
            let v = [x[columns[0].feature], x[columns[columns.len() - 1].feature]];
            let ranks = Grid::two([first, last], v);
            for (row, rank) in row.iter_mut().zip(ranks) {
                *row = rank.wrapping_sub(128) as i8;
            }
            missing |= v[0].is_nan() | v[1].is_nan();
        }
        if missing {
            for ((column, row), missing) in forest.columns.iter().zip(&mut self.row).zip(&self.missing) {
                if x[column.feature].is_nan() {
                    match missing.byte() {
                        Some(byte) => *row = byte,
                        None => return false,
                    }
                }
            }
        }
        true
    }

    /// Adds the leaves to a single output. `W`: vectors of the row.
    #[inline(never)]
    fn sum<const W: usize>(&self, sum: &mut f64) {
        let (row, _) = self.row.as_chunks::<16>();
        let row: [I8x16; W] = std::array::from_fn(|w| I8x16::load(&row[w]));
        for group in &self.groups {
            *sum = if group.depth == 6 {
                self.add::<W, 6>(&row, group, *sum)
            } else {
                self.add::<W, 0>(&row, group, *sum)
            };
        }
    }

    /// `sum` and the leaves of a group's trees, each tree walked to its end. `DEPTH`: the group's, or 0 where that is not known.
    #[inline(always)]
    fn add<const W: usize, const DEPTH: u32>(&self, row: &[I8x16; W], group: &Group, mut sum: f64) -> f64 {
        let depth = if DEPTH == 0 { group.depth } else { DEPTH };
        let stride = stride(depth);
        let below = &self.below[group.below..group.below + 16 * stride];
        let leaves = &self.values[group.leaves..group.leaves + (16 << depth)];
        for (lane, place) in group.top(row).into_iter().enumerate() {
            // From place to place within a level: 0 is the leftmost.
            let mut at = place as usize;
            for level in TOP..depth {
                // SAFETY: on a level above `depth`, `at` is below 2^level, and the levels from `TOP` on begin at 2^level - 16 of
                // the stride.
                let [column, rank] = *unsafe { below.get_unchecked(lane * stride + (1 << level) - 16 + at) };
                at = 2 * at + usize::from(self.row[column as usize % BYTES] > rank);
            }
            // SAFETY: on level `depth`, `at` is below 2^depth; there are that many leaves a lane.
            sum += unsafe { leaves.get_unchecked((lane << depth) + at) };
        }
        sum
    }

    /// `W`: vectors of the row.
    #[inline(never)]
    fn walk<const W: usize>(&self, forest: &Forest, out: &mut [f64]) {
        let (row, _) = self.row.as_chunks::<16>();
        let row: [I8x16; W] = std::array::from_fn(|w| I8x16::load(&row[w]));
        for (group, trees) in self.groups.iter().zip(forest.trees.chunks(16)) {
            let mut at = group.top(&row).map(|place| 16 + place as usize);
            let stride = stride(group.depth);
            let below = &self.below[group.below..group.below + 16 * stride];
            for _ in TOP..group.depth {
                for (lane, at) in at.iter_mut().enumerate() {
                    // SAFETY: on a level above `depth`, `at` is 16 to 2^depth - 1, so `at - 16` is below the stride.
                    let [column, rank] = *unsafe { below.get_unchecked(lane * stride + *at - 16) };
                    *at = 2 * *at + usize::from(self.row[column as usize % BYTES] > rank);
                }
            }
            let leaves = &self.leaves[group.leaves..group.leaves + (16 << group.depth)];
            let mut reached = [0; 16];
            for (lane, (reached, at)) in reached.iter_mut().zip(at).enumerate() {
                // SAFETY: on level `depth`, `at` is 2^depth to 2^(depth + 1) - 1; there are 2^depth leaves a lane.
                *reached = *unsafe { leaves.get_unchecked((lane << group.depth) + at - (1 << group.depth)) };
            }
            add(forest, trees, &reached, out);
        }
    }
}

/// Levels of splits of trees that share a group: the deepest one's.
fn heap_depth(depths: &[u32]) -> u32 {
    depths.iter().copied().max().unwrap_or(0).max(TOP)
}

/// Nodes below the top of a tree.
fn stride(depth: u32) -> usize {
    (1 << depth) - 16
}

impl Group {
    /// Per tree, which of the 16 places below the top the row comes to. (Functions, not closures, because calls would pass
    /// vectors through memory: all of it is to be one piece.)
    #[inline(always)]
    fn top<const W: usize>(&self, row: &[I8x16; W]) -> [i8; 16] {
        let sixteen = self.join(row, self.eight(row, 1), 0, 8, self.eight(row, 2));
        (I8x16::splat(0) - sixteen).lanes()
    }

    #[inline(always)]
    fn eight<const W: usize>(&self, row: &[I8x16; W], node: usize) -> I8x16 {
        self.join(row, self.four(row, 2 * node + 1), node, 4, self.four(row, 2 * node + 2))
    }

    #[inline(always)]
    fn four<const W: usize>(&self, row: &[I8x16; W], node: usize) -> I8x16 {
        self.join(row, self.right(row, 2 * node + 1), node, 2, self.right(row, 2 * node + 2))
    }

    /// Places are counted downwards, so that the smaller is the one further right: below a node with `half` places on either
    /// side, the left side's are 0 to 1 - half, the right side's become -half to 1 - 2 half, or 0 where the row goes left.
    #[inline(always)]
    fn join<const W: usize>(&self, row: &[I8x16; W], left: I8x16, node: usize, half: i8, below: I8x16) -> I8x16 {
        left.min(self.right(row, node) & (below - I8x16::splat(half)))
    }

    /// -1 where the row goes right at a node.
    #[inline(always)]
    fn right<const W: usize>(&self, row: &[I8x16; W], node: usize) -> I8x16 {
        let [columns, ranks] = &self.top[node];
        let columns = I8x16::load(columns);
        let mut value = row[0].swizzle(columns);
        for (w, part) in row.iter().enumerate().skip(1) {
            value = value | part.swizzle(columns - I8x16::splat(16 * w as i8));
        }
        value.gt(I8x16::load(ranks))
    }
}
