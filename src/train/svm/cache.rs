//! Kernel columns that were made, the least recently read forgotten first.

use super::lanes::LANES;
use super::rows::{Query, Rows};

/// Nobody, in a list of rows.
const NONE: u32 = u32::MAX;

/// Columns by row. A column holds its first values, as many as were asked for when it was made, a whole number of blocks.
pub(super) struct Columns {
    columns: Vec<Vec<f32>>,
    /// The list by last use: per row, and last its head, who came before and who after.
    before: Vec<u32>,
    after: Vec<u32>,
    /// Numbers that there is still room for.
    room: usize,
    query: Query,
    /// To work in.
    spare: Vec<f32>,
}

impl Columns {
    /// Room for `floats` numbers, and for two columns in any case.
    pub(super) fn new(n: usize, padded: usize, floats: usize) -> Columns {
        let head = n as u32;
        let mut before = vec![NONE; n + 1];
        let mut after = vec![NONE; n + 1];
        (before[n], after[n]) = (head, head);
        let room = floats.max(2 * padded);
        Columns { columns: vec![Vec::new(); n], before, after, room, query: Query::default(), spare: Vec::new() }
    }

    /// Makes sure that the first `len` values of row `who`'s column are there. `id`: its index in the rows' source. Leaves alone the
    /// column that was made ready before.
    pub(super) fn ready(&mut self, who: u32, id: u32, rows: &Rows<'_>, len: usize) {
        let head = self.columns.len() as u32;
        let had = self.columns[who as usize].len();
        if had > 0 {
            self.unlink(who);
        }
        if had < len {
            let more = len - had;
            while self.room < more {
                // Never empty: two whole columns fit, and at most one besides this one is in use.
                let oldest = self.after[head as usize];
                if oldest == head {
                    break;
                }
                self.forget(oldest);
            }
            self.room = self.room.saturating_sub(more);
            let column = &mut self.columns[who as usize];
            column.reserve_exact(more);
            column.resize(len, 0.0);
            rows.column(id, &mut self.query, had / LANES..len / LANES, &mut column[had..]);
        }
        let last = self.before[head as usize];
        self.after[last as usize] = who;
        self.before[who as usize] = last;
        self.after[who as usize] = head;
        self.before[head as usize] = who;
    }

    /// What [`ready`](Self::ready) made.
    pub(super) fn column(&self, who: u32, len: usize) -> &[f32] {
        &self.columns[who as usize][..len]
    }

    fn unlink(&mut self, who: u32) {
        let (before, after) = (self.before[who as usize], self.after[who as usize]);
        self.after[before as usize] = after;
        self.before[after as usize] = before;
    }

    fn forget(&mut self, who: u32) {
        self.unlink(who);
        self.room += self.columns[who as usize].len();
        self.columns[who as usize] = Vec::new();
    }

    /// The rows were rearranged: place `k` is now taken by the one that was at `from[k]`. The first `kept` of them were in order, and the
    /// others among the first `from.len()`, too.
    pub(super) fn rearrange(&mut self, from: &[u32], kept: usize) {
        let head = self.columns.len() as u32;
        let mut who = self.after[head as usize];
        while who != head {
            let next = self.after[who as usize];
            let column = &mut self.columns[who as usize];
            self.spare.clear();
            self.spare.extend_from_slice(column);
            let had = column.len();
            if had >= from.len() {
                for (to, &from) in column.iter_mut().zip(from) {
                    *to = self.spare[from as usize];
                }
            } else {
                // Only those whose sources were there, and whole blocks of them.
                let there = from[..kept].partition_point(|&f| (f as usize) < had) / LANES * LANES;
                for (to, &from) in column[..there].iter_mut().zip(from) {
                    *to = self.spare[from as usize];
                }
                column.truncate(there);
                column.shrink_to_fit();
                self.room += had - there;
                if there == 0 {
                    self.unlink(who);
                }
            }
            who = next;
        }
    }
}
