//! Which features a node may be split by, where they are drawn: per tree, of these per level, of these per node.

use rand::seq::SliceRandom;
use rand_pcg::Pcg64Mcg;

/// The parts that are drawn, and what has been drawn for the present tree.
pub(crate) struct Columns {
    by_level: f64,
    by_node: f64,
    tree: Vec<usize>,
    levels: Vec<Vec<usize>>,
    n_features: usize,
    rng: Pcg64Mcg,
}

impl Columns {
    /// For one tree. `rng`: is gone on with.
    pub(crate) fn draw(n_features: usize, by_tree: f64, by_level: f64, by_node: f64, rng: &mut Pcg64Mcg) -> Columns {
        let all: Vec<usize> = (0..n_features).collect();
        let tree = part(&all, by_tree, rng);
        Columns { by_level, by_node, tree, levels: Vec::new(), n_features, rng: rng.clone() }
    }

    /// Per feature whether a node of this depth may be split by it; none where all may be.
    pub(crate) fn at(&mut self, depth: usize) -> Option<Vec<bool>> {
        if self.tree.len() == self.n_features && self.by_level >= 1.0 && self.by_node >= 1.0 {
            return None;
        }
        while self.by_level < 1.0 && self.levels.len() <= depth {
            let level = part(&self.tree, self.by_level, &mut self.rng);
            self.levels.push(level);
        }
        let level = self.levels.get(depth).unwrap_or(&self.tree);
        let node = part(level, self.by_node, &mut self.rng);
        let mut may = vec![false; self.n_features];
        node.iter().for_each(|&f| may[f] = true);
        Some(may)
    }

    /// The random numbers after the last one used.
    pub(crate) fn rng(self) -> Pcg64Mcg {
        self.rng
    }
}

/// A part of `all` without replacement, ascending, at least one; all of it where the part is 1.
pub(crate) fn part<T: Copy + Ord>(all: &[T], part: f64, rng: &mut Pcg64Mcg) -> Vec<T> {
    let mut drawn = all.to_vec();
    if part >= 1.0 || drawn.is_empty() {
        return drawn;
    }
    let k = ((part * all.len() as f64).ceil() as usize).clamp(1, all.len());
    let (first, _) = drawn.partial_shuffle(rng, k);
    let mut first = first.to_vec();
    first.sort_unstable();
    first
}
