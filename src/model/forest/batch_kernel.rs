//! The top levels of a tree for 16 rows at once, over columns of bytes (see [`ranked_columns`](super::ranked_columns)).
//!
//! All nodes of the upper 3 or 4 levels, laid out as a perfect heap, compare 16 rows each; their answers, -1 for right, are
//! put together from the bottom up into the number of the leaf, negated: `min(left, is_right & (right - width))` picks the
//! side without a branch. Below, [`level`] looks up each row's own node of the next level in a table, by swizzles, and
//! gathers what that node reads.

use super::ranked_columns::GROUP;
use crate::simd::I8x16;

/// A node that 16 rows are held to: the column of bytes times [`GROUP`], and what they must be greater than to go right.
#[derive(Clone, Copy, Debug)]
pub(super) struct Top {
    pub(super) at: u16,
    pub(super) code: i8,
}

/// What no row goes right of.
pub(super) const PAD: Top = Top { at: 0, code: 127 };

/// The nodes of a level of at most 32: column and code of each.
#[derive(Clone, Copy, Debug)]
pub(super) struct Level {
    pub(super) columns: [[u8; GROUP]; 2],
    pub(super) codes: [[i8; GROUP]; 2],
}

/// One group of 16 rows, and the heap's nodes.
#[derive(Clone, Copy)]
struct Descent<'a> {
    bytes: *const i8,
    nodes: &'a [Top; 15],
}

impl Descent<'_> {
    /// Which rows go right at node `i`: -1, others 0.
    ///
    /// # Safety
    /// The node's column lies within the group.
    #[inline(always)]
    unsafe fn one(self, i: usize) -> I8x16 {
        let node = self.nodes[i];
        // SAFETY: the caller's.
        let x = I8x16::load(unsafe { &*self.bytes.add(usize::from(node.at)).cast() });
        x.gt(I8x16::splat(node.code))
    }

    /// The negated number of the leaf below node `i`, two levels down.
    ///
    /// # Safety
    /// As [`one`](Self::one), for each node below.
    #[inline(always)]
    unsafe fn two(self, i: usize) -> I8x16 {
        // SAFETY: the caller's.
        unsafe { self.one(2 * i + 1).min(self.one(i) & (self.one(2 * i + 2) - I8x16::splat(2))) }
    }

    /// Three levels down.
    ///
    /// # Safety
    /// As [`one`](Self::one), for each node below.
    #[inline(always)]
    unsafe fn three(self, i: usize) -> I8x16 {
        // SAFETY: the caller's.
        unsafe { self.two(2 * i + 1).min(self.one(i) & (self.two(2 * i + 2) - I8x16::splat(4))) }
    }

    /// Four levels down.
    ///
    /// # Safety
    /// As [`one`](Self::one), for each node below.
    #[inline(always)]
    unsafe fn four(self, i: usize) -> I8x16 {
        // SAFETY: the caller's.
        unsafe { self.three(2 * i + 1).min(self.one(i) & (self.three(2 * i + 2) - I8x16::splat(8))) }
    }
}

/// Which of 8 places each row reaches below the first three levels. `bytes`: groups of `n_bytes` columns.
///
/// # Safety
/// The nodes' columns are below `n_bytes`, and `bytes` has that many columns for each group of `at`.
#[inline(never)]
pub(super) unsafe fn three_levels(nodes: &[Top; 15], bytes: &[[i8; GROUP]], n_bytes: usize, at: &mut [[i8; GROUP]]) {
    for (g, at) in at.iter_mut().enumerate() {
        // SAFETY: the caller's.
        let found = unsafe { Descent { bytes: bytes.as_ptr().add(g * n_bytes).cast(), nodes }.three(0) };
        (I8x16::splat(0) - found).store(at);
    }
}

/// Which of 16 places each row reaches below the first four levels.
///
/// # Safety
/// As [`three_levels`].
#[inline(never)]
pub(super) unsafe fn four_levels(nodes: &[Top; 15], bytes: &[[i8; GROUP]], n_bytes: usize, at: &mut [[i8; GROUP]]) {
    for (g, at) in at.iter_mut().enumerate() {
        // SAFETY: the caller's.
        let found = unsafe { Descent { bytes: bytes.as_ptr().add(g * n_bytes).cast(), nodes }.four(0) };
        (I8x16::splat(0) - found).store(at);
    }
}

/// One level further down, each row from its own place of a level of 16 (`WIDE`: 32) to one of twice as many.
///
/// # Safety
/// The level's columns are below `n_bytes`, and `bytes` has that many columns for each group of `at`.
#[inline(never)]
pub(super) unsafe fn level<const WIDE: bool>(
    level: &Level,
    bytes: &[[i8; GROUP]],
    n_bytes: usize,
    at: &mut [[i8; GROUP]],
    columns: &mut [[u8; GROUP]],
) {
    let table = |half: &[u8; GROUP]| I8x16::load(&half.map(|c| c as i8));
    let look_up = |low: I8x16, high: I8x16, at: I8x16| {
        if WIDE { low.swizzle(at) | high.swizzle(at - I8x16::splat(16)) } else { low.swizzle(at) }
    };
    let (low, high) = (table(&level.columns[0]), table(&level.columns[1]));
    // A pass of its own, so that the gather below reads bytes from memory and not lanes of a vector.
    for (at, columns) in at.iter().zip(columns.iter_mut()) {
        let at = I8x16::load(at);
        *columns = look_up(low, high, at).lanes().map(|c| c as u8);
    }
    let (low, high) = (I8x16::load(&level.codes[0]), I8x16::load(&level.codes[1]));
    for (g, (at, columns)) in at.iter_mut().zip(columns.iter()).enumerate() {
        let place = I8x16::load(at);
        let code = look_up(low, high, place);
        // SAFETY: the caller's.
        let group: *const i8 = unsafe { bytes.as_ptr().add(g * n_bytes) }.cast();
        let mut x = I8x16::splat(0);
        macro_rules! gather {
            ($($lane:literal)*) => {$(
                // SAFETY: the caller's: the column lies within the group.
                x = x.with::<$lane>(unsafe { *group.add(usize::from(columns[$lane]) * GROUP + $lane) });
            )*};
        }
        gather!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
        (place + place - x.gt(code)).store(at);
    }
}
