//! Numbers as ranks among a column's cuts: what the fast kernels compare instead of numbers.
//!
//! The rank of `x` is how many cuts are below it, so `x <= cuts[k]` exactly if `rank(x) <= k`; infinities and zeros of
//! either sign need no care. [`MISSING`] stands for NaN.
//!
//! A [`Grid`] finds ranks by equal buckets over the range of the cuts. Which bucket a number falls into is found by a
//! difference, a product with a positive scale, a clamp and a rounding: none of them ever turns the order of two numbers
//! around, and the same steps place the cuts. So all cuts in lower buckets are below `x` and none in higher ones is, and only
//! those in its own are left to be searched, by halves, without a branch. Where the cuts lie so unevenly that buckets do not
//! part them, that is a binary search; it is exact all the same.

use super::{Column, Forest, Tests};
use crate::simd::F64x2;

/// The rank of NaN.
pub(super) const MISSING: u16 = u16::MAX;

/// Most cuts of a column that has ranks.
pub(super) const MAX_CUTS: usize = MISSING as usize - 1;

/// Most buckets of a grid.
const MAX_BUCKETS: usize = 1 << 15;

/// Added to a number in 0..2^51 it rounds that to a whole one, which the low bits then hold.
const TO_WHOLE: f64 = (1u64 << 52) as f64;

/// The cuts of a column, ready to be searched.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    lowest: f64,
    scale: f64,
    /// The last bucket.
    last: f64,
    /// Per bucket, how many cuts are in lower ones.
    start: Vec<u16>,
    /// The first step of the search within a bucket, a power of two: `2 * step - 1` is at least the cuts of any bucket.
    step: usize,
    /// Ascending; then infinities, as many as the search may look past the end.
    cuts: Vec<f64>,
}

impl Grid {
    /// Of finite, strictly ascending cuts, at most [`MAX_CUTS`].
    pub(super) fn new(cuts: &[f64]) -> Grid {
        let (lowest, highest) = (cuts.first().copied().unwrap_or(0.0), cuts.last().copied().unwrap_or(0.0));
        let n_buckets = (2 * cuts.len()).next_power_of_two().min(MAX_BUCKETS);
        let scale = (n_buckets - 1) as f64 / (highest - lowest);
        let (scale, n_buckets) = if scale.is_finite() && scale > 0.0 { (scale, n_buckets) } else { (0.0, 1) };
        let mut grid =
            Grid { lowest, scale, last: (n_buckets - 1) as f64, start: vec![0; n_buckets], step: 1, cuts: Vec::new() };
        let (mut bucket, mut most) = (0, 0);
        for (i, cut) in cuts.iter().enumerate() {
            let own = grid.bucket(*cut);
            while bucket < own {
                bucket += 1;
                grid.start[bucket] = i as u16;
            }
            most = most.max(i + 1 - usize::from(grid.start[own]));
        }
        grid.start[bucket + 1..].fill(cuts.len() as u16);
        while 2 * grid.step <= most {
            grid.step *= 2;
        }
        grid.cuts = Vec::with_capacity(cuts.len() + 2 * grid.step);
        grid.cuts.extend_from_slice(cuts);
        grid.cuts.resize(cuts.len() + 2 * grid.step, f64::INFINITY);
        grid
    }

    /// The bucket of a number; some bucket of NaN.
    #[inline(always)]
    fn bucket(&self, x: f64) -> usize {
        let (at, last) = ((x - self.lowest) * self.scale, self.last);
        // As `pmax` and `pmin` of vectors: NaN becomes 0.
        let at = if 0.0 < at { at } else { 0.0 };
        ((if at < last { at } else { last }) + TO_WHOLE).to_bits() as u32 as usize
    }

    /// How many cuts are below `x`; some number of them for NaN.
    #[inline(always)]
    fn search(&self, bucket: usize, x: f64) -> u16 {
        let mut rank = usize::from(self.start[bucket]);
        let mut step = self.step;
        while step > 0 {
            rank += usize::from(self.cuts[rank + step - 1] < x) * step;
            step /= 2;
        }
        rank as u16
    }

    /// How many cuts are below `x`; [`MISSING`] for NaN.
    pub(super) fn rank(&self, x: f64) -> u16 {
        if x.is_nan() { MISSING } else { self.search(self.bucket(x), x) }
    }

    /// How many cuts of each are below its number of `x`; some number of them for NaN.
    #[inline(always)]
    pub(super) fn two(grids: [&Grid; 2], x: [f64; 2]) -> [u16; 2] {
        let both = |of: fn(&Grid) -> f64| F64x2::load(&grids.map(of));
        let (lowest, scale, last) = (both(|g| g.lowest), both(|g| g.scale), both(|g| g.last));
        let at = last.pmin(F64x2::splat(0.0).pmax((F64x2::load(&x) - lowest) * scale));
        let at = (at + F64x2::splat(TO_WHOLE)).bits();
        let find = |grid: &Grid, bucket: u32, x: f64| match grid.step {
            1 => grid.search_by::<1>(bucket, x),
            2 => grid.search_by::<2>(bucket, x),
            _ => grid.search_by::<0>(bucket, x),
        };
        [find(grids[0], at.get::<0>() as u32, x[0]), find(grids[1], at.get::<1>() as u32, x[1])]
    }

    /// As [`search`](Self::search), where the first step is known; 0: it is not. `bucket`: one of those of `start`.
    #[inline(always)]
    fn search_by<const STEP: usize>(&self, bucket: u32, x: f64) -> u16 {
        debug_assert!((bucket as usize) < self.start.len());
        // SAFETY: callers find the bucket as `ranks_by` does: a whole number in 0..=last, whatever `x` is, and `start` has
        // `last + 1` elements.
        let mut rank = usize::from(unsafe { *self.start.get_unchecked(bucket as usize) });
        let mut step = if STEP == 0 { self.step } else { STEP };
        while step > 0 {
            // SAFETY: the rank starts at no more than the number of cuts and grows by less than `2 * self.step` in all, and
            // `new` appended that many infinities.
            let cut = unsafe { *self.cuts.get_unchecked(rank + step - 1) };
            rank += usize::from(cut < x) * step;
            step /= 2;
        }
        rank as u16
    }

    /// The ranks of a column's numbers, of which there are an even count.
    pub(super) fn ranks(&self, x: &[f64], ranks: &mut [u16]) {
        match self.step {
            1 => self.ranks_by::<1>(x, ranks),
            2 => self.ranks_by::<2>(x, ranks),
            4 => self.ranks_by::<4>(x, ranks),
            _ => self.ranks_by::<0>(x, ranks),
        }
    }

    /// As [`ranks`](Self::ranks), where the first step is known; 0: it is not.
    fn ranks_by<const STEP: usize>(&self, x: &[f64], ranks: &mut [u16]) {
        let (lowest, scale, last) = (F64x2::splat(self.lowest), F64x2::splat(self.scale), F64x2::splat(self.last));
        let (zero, to_whole) = (F64x2::splat(0.0), F64x2::splat(TO_WHOLE));
        let mut missing = zero.ne(zero);
        let (xs, _) = x.as_chunks::<2>();
        let (outs, _) = ranks.as_chunks_mut::<2>();
        for (x, out) in xs.iter().zip(outs) {
            let v = F64x2::load(x);
            missing = missing | v.ne(v);
            let at = (last.pmin(zero.pmax((v - lowest) * scale)) + to_whole).bits();
            let buckets = [at.get::<0>() as u32, at.get::<1>() as u32];
            for i in 0..2 {
                out[i] = self.search_by::<STEP>(buckets[i], x[i]);
            }
        }
        if missing.get::<0>() | missing.get::<1>() != 0 {
            for (rank, x) in ranks.iter_mut().zip(x) {
                *rank = if x.is_nan() { MISSING } else { *rank };
            }
        }
    }
}

/// A grid per column of cuts.
#[derive(Clone, Debug)]
pub(super) struct Ranked {
    grids: Vec<Option<Grid>>,
}

impl Ranked {
    #[inline(never)]
    pub(super) fn new(forest: &Forest) -> Ranked {
        let grid = |column: &Column| match &column.tests {
            Tests::Cuts(cuts) if cuts.len() <= MAX_CUTS => Some(Grid::new(cuts)),
            _ => None,
        };
        Ranked { grids: forest.columns.iter().map(grid).collect() }
    }

    /// Per column its [`grid`](Self::grid).
    pub(super) fn grids(&self) -> &[Option<Grid>] {
        &self.grids
    }

    /// The grid of a column of the forest; none if it asks sets or has more than [`MAX_CUTS`].
    pub(super) fn grid(&self, column: usize) -> Option<&Grid> {
        self.grids[column].as_ref()
    }
}

#[cfg(test)]
#[path = "ranked_tests.rs"]
mod tests;
