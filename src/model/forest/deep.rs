//! Trees below the levels that [`batch_kernel`](super::batch_kernel) covers: eight rows in step, each at a node of its own.
//!
//! A node is 8 bytes: its key, `rank << 16 | offset` of the column of words it reads, and its left child, which the right one
//! follows. A row goes right where its word is greater than the key, that is where `key - word` is negative: the sign bit is
//! what the child's number is added. A leaf's key is greater than any word and its child is itself, so rows that have
//! arrived stand still, for as many steps as the deepest leaf asks.

use super::ranked_columns::{Columns, GROUP, WORD_PART};
use super::{Forest, LEAF};

/// Most columns of words: their offset, in bytes, is kept in 16 bits.
pub(super) const MAX_WORDS: usize = (1 << 16) / (4 * GROUP);

/// Above the rank of every word.
const ARRIVED: u32 = (WORD_PART + 2) << 16;

/// Steps of deep trees between two looks whether all have arrived.
const PAUSE: u32 = 8;

#[derive(Clone, Copy, Debug)]
pub(super) struct Node {
    key: u32,
    child: u32,
}

/// The lower parts of trees.
#[derive(Clone, Debug, Default)]
pub(super) struct Deep {
    nodes: Vec<Node>,
    /// Per node the leaf vector, of a split 0.
    leaves: Vec<u32>,
}

impl Deep {
    /// Adds what lies below these nodes of the forest, and to `places` where each is; gives the splits on the way to the
    /// deepest leaf. Nothing, and nothing is added, where the columns are too many.
    pub(super) fn add(
        &mut self,
        forest: &Forest,
        columns: &mut Columns,
        roots: &[Option<u32>],
        places: &mut Vec<u32>,
    ) -> Option<u32> {
        let first = self.nodes.len();
        let first_place = places.len();
        // By levels: the forest's node of each node from `first` on.
        let mut open: Vec<u32> = Vec::new();
        for root in roots {
            places.push(first as u32 + open.len() as u32 * u32::from(root.is_some()));
            open.extend(*root);
        }
        let (mut steps, mut level_end, mut i) = (0, open.len(), 0);
        while i < open.len() {
            if i == level_end {
                (steps, level_end) = (steps + 1, open.len());
            }
            let node = &forest.nodes[open[i] as usize];
            if node.column == LEAF {
                self.nodes.push(Node { key: ARRIVED, child: (first + i) as u32 });
                self.leaves.push(node.arg);
            } else {
                let Some((column, rank)) = columns.word(forest, node) else { break };
                let offset = u32::from(column) * (4 * GROUP) as u32;
                self.nodes.push(Node { key: u32::from(rank) << 16 | offset, child: (first + open.len()) as u32 });
                self.leaves.push(0);
                open.extend([open[i] + 1, node.right]);
            }
            i += 1;
        }
        if i < open.len() {
            self.nodes.truncate(first);
            self.leaves.truncate(first);
            places.truncate(first_place);
            return None;
        }
        Some(steps)
    }

    /// From each row's place to the leaf vector it reaches. `places`: where each place's node is; `steps`: from
    /// [`add`](Self::add); `words`: the groups' columns, at least one in all.
    #[inline(never)]
    pub(super) fn descend(
        &self,
        steps: u32,
        places: &[u32],
        at: &[[i8; GROUP]],
        words: &[[i32; GROUP]],
        n_words: usize,
        reached: &mut [[u32; GROUP]],
    ) {
        assert!(words.len() >= at.len() * n_words && !words.is_empty());
        let halves = at.as_flattened().as_chunks::<8>().0.iter().zip(reached.as_flattened_mut().as_chunks_mut::<8>().0);
        for (half, (at, reached)) in halves.enumerate() {
            let mut p: [u32; 8] = at.map(|at| places[at as u8 as usize]);
            // SAFETY: the group is one of those that the assertion counts; its second half is 8 words on.
            let rows: *const u32 = unsafe { words.as_ptr().add(half / 2 * n_words).cast::<u32>().add(half % 2 * 8) };
            // Where trees are deep most leaves are far above the deepest: whether all have arrived is looked up now and then.
            let mut left = steps;
            while left > 0 {
                let before = p;
                let now = if left > 2 * PAUSE { PAUSE } else { left };
                for _ in 0..now {
                    for (j, p) in p.iter_mut().enumerate() {
                        // SAFETY: `add` made all places and children; a split's right child was pushed with its left one, and
                        // a leaf's key is greater than every word that `Columns::encode` writes.
                        let node = unsafe { *self.nodes.get_unchecked(*p as usize) };
                        // SAFETY: the offset is of a column that `Columns::word` gave out, so below `n_words`, or a leaf's, 0:
                        // where there are no columns at all, every group is at the first, and there is room for one.
                        let word = unsafe { *rows.byte_add((node.key & 0xffff) as usize).add(j) };
                        *p = node.child + (node.key.wrapping_sub(word) >> 31);
                    }
                }
                left = if p == before { 0 } else { left - now };
            }
            *reached = p.map(|p| self.leaves[p as usize]);
        }
    }
}
