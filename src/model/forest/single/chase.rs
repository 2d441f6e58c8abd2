//! Several trees by turns: nodes of 8 bytes, two bytes per rank.
//!
//! Children stand side by side, so a step is `child + (value > rank)`; a leaf is its own child, and no value exceeds its rank, so
//! all trees of a group take as many steps as the deepest.

use super::{Forest, Inputs, Ranked, add, depths};
use crate::model::forest::LEAF;

/// The value of a missing input where that goes right; the largest rank of all.
const RIGHT: u16 = u16::MAX;

/// Most cuts of an input: below `RIGHT` for the value, and again for the rank.
const SIZE: usize = RIGHT as usize - 1;

/// Bytes of nodes beyond which sixteen trees take turns instead of eight: past the cache, waits are longer.
const LARGE: usize = 1 << 20;

/// Steps of deep trees between two looks whether all have arrived.
const PAUSE: u32 = 8;

#[derive(Clone, Copy, Debug)]
struct Node {
    /// Left up to it.
    rank: u16,
    /// Which value.
    value: u16,
    /// Index of the left child; the right one is the next.
    child: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Chase {
    inputs: Inputs,
    /// Two per input: they differ where it is missing.
    values: Vec<u16>,
    /// Each tree's root, padded to whole groups with the last.
    roots: Vec<u32>,
    /// Steps of each group.
    steps: Vec<u32>,
    nodes: Vec<Node>,
    /// Per node, the leaf vector of a leaf.
    leaf_of: Vec<u32>,
}

impl Chase {
    /// None if the values are more than a node can name.
    #[inline(never)]
    pub(super) fn new(forest: &Forest) -> Option<Chase> {
        let inputs = Inputs::new(forest, SIZE, usize::from(u16::MAX) / 2)?;
        let mut nodes = Vec::with_capacity(forest.nodes.len());
        let mut leaf_of = Vec::with_capacity(forest.nodes.len());
        let (mut roots, mut order) = (Vec::with_capacity(forest.trees.len()), Vec::new());
        for tree in &forest.trees {
            roots.push(nodes.len() as u32);
            lay_out(forest, &inputs, tree.root, &mut order, &mut nodes, &mut leaf_of);
        }
        let group = if size_of_val(nodes.as_slice()) > LARGE { 16 } else { 8 };
        let steps = depths(forest).chunks(group).map(|d| d.iter().copied().max().unwrap_or(0)).collect();
        let last = roots.last().copied()?;
        roots.resize(roots.len().next_multiple_of(group), last);
        // No value: node names may still be 0.
        let values = vec![0; 2 * inputs.len().max(1)];
        Some(Chase { inputs, values, roots, steps, nodes, leaf_of })
    }

    /// Bytes that are laid out.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        size_of_val(&self.nodes[..])
            + size_of_val(&self.leaf_of[..])
            + size_of_val(&self.roots[..])
            + size_of_val(&self.steps[..])
    }

    /// As [`Forest::margin`].
    pub(super) fn margin(&mut self, forest: &Forest, ranked: &Ranked, x: &[f64], out: &mut [f64]) {
        let values = &mut self.values;
        self.inputs.read(forest, ranked, x, |input, value| {
            values[2 * input] = value.unwrap_or(RIGHT);
            values[2 * input + 1] = value.unwrap_or(0);
            true
        });
        forest.start(out);
        if self.roots.len() == self.steps.len() * 8 {
            self.walk::<8>(forest, out);
        } else {
            self.walk::<16>(forest, out);
        }
    }

    #[inline(never)]
    fn walk<const K: usize>(&self, forest: &Forest, out: &mut [f64]) {
        let (groups, _) = self.roots.as_chunks::<K>();
        for ((roots, steps), trees) in groups.iter().zip(&self.steps).zip(forest.trees.chunks(K)) {
            let (mut at, mut left) = (*roots, *steps);
            // In a deep tree most leaves are far above the deepest.
            while left > 2 * PAUSE {
                let before = at;
                self.step(&mut at, PAUSE);
                left = if at == before { 0 } else { left - PAUSE };
            }
            self.step(&mut at, left);
            add(forest, trees, &at.map(|at| self.leaf_of[at as usize]), out);
        }
    }

    #[inline(always)]
    fn step<const K: usize>(&self, at: &mut [u32; K], steps: u32) {
        for _ in 0..steps {
            for at in at.iter_mut() {
                // SAFETY: `lay_out` makes roots and children (each pair of them) indices of `nodes`, which never shrinks.
                let node = unsafe { self.nodes.get_unchecked(*at as usize) };
                // SAFETY: `Inputs::of` names an input below `inputs.len()`, of which `values` holds two each; a leaf names 0,
                // which is there.
                let value = unsafe { *self.values.get_unchecked(usize::from(node.value)) };
                *at = node.child + u32::from(value > node.rank);
            }
        }
    }
}

/// Appends a tree, level by level. `order`: room to work in.
#[inline(never)]
fn lay_out(
    forest: &Forest,
    inputs: &Inputs,
    root: u32,
    order: &mut Vec<u32>,
    nodes: &mut Vec<Node>,
    leaf_of: &mut Vec<u32>,
) {
    let base = nodes.len();
    order.clear();
    order.push(root);
    let mut next = 0;
    while let Some(&from) = order.get(next) {
        let node = &forest.nodes[from as usize];
        if node.column == LEAF {
            nodes.push(Node { rank: RIGHT, value: 0, child: (base + next) as u32 });
            leaf_of.push(node.arg);
        } else {
            let (input, rank) = inputs.of(forest, node.column, node.arg);
            let value = (2 * input + usize::from(node.default_left)) as u16;
            nodes.push(Node { rank, value, child: (base + order.len()) as u32 });
            leaf_of.push(0);
            order.extend([from + 1, node.right]);
        }
        next += 1;
    }
}
