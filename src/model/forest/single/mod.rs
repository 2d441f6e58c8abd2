//! One row through all trees, fast.
//!
//! A row's numbers become ranks first (see [`ranked`](super::ranked)); then many trees are walked at once, so that one's wait
//! for memory is another's time to compute, and no step is a branch to be guessed wrong. Two ways, chosen by this rule:
//!
//! | way | for |
//! |---|---|
//! | [`Parallel`]: sixteen trees to a vector, a byte per rank | trees at most 8 deep, ranks in at most 64 bytes, and a row that has no missing value where the splits of its column disagree about those |
//! | [`Chase`]: eight or sixteen trees by turns, two bytes per rank | all others, unless there are more sets of categories than four per tree |
//! | the reference | the rest; and the first [`FIRST`] rows of all, for building either takes as long as some dozens of rows do |
//!
//! Leaves are added in the order of trees, so the sums have the reference's bits.

mod chase;
mod parallel;
#[cfg(test)]
mod tests;

use super::ranked::Ranked;
use super::{Forest, Tests, Tree, contains};
use chase::Chase;
use parallel::Parallel;

/// Rows that the reference answers before anything is built.
const FIRST: u32 = 64;

/// What one row at a time needs besides the forest. Every call names the forest of the first.
#[derive(Clone, Debug, Default)]
pub(super) struct Single {
    rows: u32,
    parallel: Option<Option<Parallel>>,
    chase: Option<Option<Chase>>,
}

impl Single {
    /// As [`Forest::margin`], in every bit.
    pub(super) fn margin(&mut self, forest: &Forest, ranked: &mut Option<Ranked>, x: &[f64], out: &mut [f64]) {
        if self.rows < FIRST {
            self.rows += 1;
            return forest.margin(x, out);
        }
        self.fast(forest, ranked, x, out);
    }

    /// A function of its own, as those that make layouts are: a host of wasm compiles none of them before it is called.
    #[inline(never)]
    fn fast(&mut self, forest: &Forest, ranked: &mut Option<Ranked>, x: &[f64], out: &mut [f64]) {
        let ranked = ranked.get_or_insert_with(|| Ranked::new(forest));
        if let Some(parallel) = self.parallel.get_or_insert_with(|| Parallel::new(forest))
            && parallel.margin(forest, ranked, x, out)
        {
            return;
        }
        match self.chase.get_or_insert_with(|| Chase::new(forest)) {
            Some(chase) => chase.margin(forest, ranked, x, out),
            None => forest.margin(x, out),
        }
    }
}

/// What splits compare: per column of cuts its rank, in as many inputs as hold it, each from where the one before ends; per set
/// 0 for a member and 1 for others, as if it had one cut.
#[derive(Clone, Debug)]
struct Inputs {
    /// Per column its first input; then the number of all.
    first: Vec<usize>,
    /// Most cuts of an input.
    size: usize,
}

impl Inputs {
    /// None if there are more than `most`, or many sets.
    fn new(forest: &Forest, size: usize, most: usize) -> Option<Inputs> {
        let (mut first, mut end, mut sets) = (Vec::with_capacity(forest.columns.len() + 1), 0, 0);
        for column in &forest.columns {
            first.push(end);
            end += match &column.tests {
                Tests::Cuts(cuts) => cuts.len().div_ceil(size),
                Tests::Sets(all) => {
                    sets += all.len();
                    all.len()
                }
            };
        }
        first.push(end);
        (end <= most && sets <= 4 * forest.trees.len()).then_some(Inputs { first, size })
    }

    fn len(&self) -> usize {
        self.first.last().copied().unwrap_or(0)
    }

    /// The input that a split reads, and the largest value there that goes left.
    fn of(&self, forest: &Forest, column: u32, arg: u32) -> (usize, u16) {
        let (first, arg) = (self.first[column as usize], arg as usize);
        match forest.columns[column as usize].tests {
            Tests::Cuts(_) => (first + arg / self.size, (arg % self.size) as u16),
            Tests::Sets(_) => (first + arg, 0),
        }
    }

    /// Tells each input's value, 0 to `size`, or none where `x` is missing. Stops, and says so, where `put` does not take it.
    #[inline(always)]
    fn read(
        &self,
        forest: &Forest,
        ranked: &Ranked,
        x: &[f64],
        mut put: impl FnMut(usize, Option<u16>) -> bool,
    ) -> bool {
        for (i, column) in forest.columns.iter().enumerate() {
            let (v, first, end) = (x[column.feature], self.first[i], self.first[i + 1]);
            if v.is_nan() {
                for input in first..end {
                    if !put(input, None) {
                        return false;
                    }
                }
                continue;
            }
            match &column.tests {
                Tests::Cuts(cuts) => {
                    let rank = match ranked.grid(i) {
                        Some(grid) => usize::from(grid.rank(v)),
                        None => cuts.partition_point(|cut| *cut < v),
                    };
                    for (part, input) in (first..end).enumerate() {
                        put(input, Some(rank.saturating_sub(part * self.size).min(self.size) as u16));
                    }
                }
                Tests::Sets(sets) => {
                    for (input, set) in (first..end).zip(sets) {
                        put(input, Some(u16::from(!contains(set, v))));
                    }
                }
            }
        }
        true
    }
}

/// Splits on the way to each tree's deepest leaf.
fn depths(forest: &Forest) -> Vec<u32> {
    let (mut depths, mut open) = (Vec::with_capacity(forest.trees.len()), Vec::new());
    let (mut depth, mut deepest) = (0, 0);
    for node in &forest.nodes {
        if node.column != super::LEAF {
            depth += 1;
            open.push(depth);
            continue;
        }
        deepest = deepest.max(depth);
        match open.pop() {
            Some(parent) => depth = parent,
            None => {
                depths.push(deepest);
                (depth, deepest) = (0, 0);
            }
        }
    }
    depths
}

/// Adds to each tree's output the leaf vector that was reached in it, in order.
#[inline(always)]
fn add(forest: &Forest, trees: &[Tree], reached: &[u32], out: &mut [f64]) {
    let width = forest.leaf_width();
    if let ([sum], 1) = (&mut *out, width) {
        let mut total = *sum;
        for leaf in &reached[..trees.len()] {
            total += forest.leaves[*leaf as usize];
        }
        *sum = total;
        return;
    }
    if let ([first, second], 2) = (&mut *out, width) {
        let (mut a, mut b) = (*first, *second);
        for leaf in &reached[..trees.len()] {
            let at = *leaf as usize * 2;
            a += forest.leaves[at];
            b += forest.leaves[at + 1];
        }
        (*first, *second) = (a, b);
        return;
    }
    for (tree, leaf) in trees.iter().zip(reached) {
        let at = *leaf as usize * width;
        for (sum, v) in out[tree.output as usize..].iter_mut().zip(&forest.leaves[at..at + width]) {
            *sum += v;
        }
    }
}
