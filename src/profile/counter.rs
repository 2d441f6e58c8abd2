//! How traffic is counted at little cost: by columns.
//!
//! A row that comes alone waits with others until there are enough of them, and a block is columns from the start; so each slot's edges
//! are looked up in many times in a row. Nothing is lost by waiting: [`Counter::profile`] counts the rows that still wait into its copy.

use super::{BINS, Counts, EDGES, Profile};
use crate::error::Result;
use crate::math::{self, BLOCK};
use crate::simd::{F64x2, I64x2};

/// Most rows that wait. Eight numbers less than 128, so that the columns do not begin at addresses which a processor's first cache, whose
/// sets are powers of two, keeps in the same few places.
const WAITING: usize = 120;

/// Counts rows and their answers over the edges of a reference.
///
/// The counts, the smallest and the largest values are exact. The moments are rounded, so they may differ in their last bits where the same
/// rows come in other blocks; the same calls give the same bits.
#[derive(Clone, Debug)]
pub struct Counter {
    counted: Profile,
    threshold: Option<f64>,
    /// Per slot; made for the first row, so that an engine loads fast.
    grids: Vec<Grid>,
    /// Rows not counted yet, by columns of [`WAITING`]: slots, then probabilities.
    waiting: Vec<f64>,
    /// How many rows wait.
    rows: usize,
}

impl Counter {
    /// Over the edges of `reference`; nothing is counted. `threshold`: which answers are of class 1, see [`math::decide`].
    pub fn new(reference: &Profile, threshold: Option<f64>) -> Counter {
        Counter { counted: reference.fresh(), threshold, grids: Vec::new(), waiting: Vec::new(), rows: 0 }
    }

    /// Counts one row. `slots`: fields, then derived features; `probability`: its answer.
    pub fn row(&mut self, slots: &[f64], probability: &[f64]) {
        if self.waiting.is_empty() {
            self.prepare();
        }
        let (of_slots, of_classes) = self.waiting.split_at_mut(self.counted.slots.len() * WAITING);
        put(slots, of_slots, self.rows);
        put(probability, of_classes, self.rows);
        self.rows += 1;
        if self.rows == WAITING {
            count_rows(&mut self.counted, &self.grids, &self.waiting, self.rows, self.threshold);
            self.rows = 0;
        }
    }

    /// Counts those of the first `rows` rows of a block (see [`BLOCK`]) that are `wanted`. `slots`: a column per slot;
    /// `probability`: a column per class.
    pub fn block(&mut self, slots: &[f64], probability: &[f64], rows: usize, wanted: &[bool]) {
        if self.waiting.is_empty() {
            self.prepare();
        }
        let all = wanted[..rows].iter().all(|wanted| *wanted);
        for ((counts, grid), column) in self.counted.slots.iter_mut().zip(&self.grids).zip(slots.chunks_exact(BLOCK)) {
            if all {
                counts.count(grid, &column[..rows]);
            } else {
                let values = column[..rows].iter().zip(wanted).filter(|(_, wanted)| **wanted);
                counts.count_all(grid, values.map(|(v, _)| *v));
            }
        }
        self.counted.observe_answers(probability.chunks_exact(BLOCK), &wanted[..rows], self.threshold);
    }

    /// What has been counted.
    pub fn profile(&self) -> Profile {
        let mut profile = self.counted.clone();
        count_rows(&mut profile, &self.grids, &self.waiting, self.rows, self.threshold);
        profile
    }

    /// The counts so far, which it forgets.
    pub fn take(&mut self) -> Profile {
        let profile = self.profile();
        (self.counted, self.rows) = (profile.fresh(), 0);
        profile
    }

    /// Adds what was counted elsewhere, over the same edges.
    pub fn add(&mut self, counts: &Profile) -> Result<()> {
        self.counted.merge(counts)
    }

    #[cold]
    fn prepare(&mut self) {
        self.grids = self.counted.slots.iter().map(|counts| Grid::new(&counts.edges)).collect();
        self.waiting = vec![0.0; (self.counted.slots.len() + self.counted.probability.len()) * WAITING];
    }
}

/// Writes a row into columns of [`WAITING`].
#[inline(always)]
fn put(row: &[f64], columns: &mut [f64], at: usize) {
    let at = at % WAITING;
    for (v, column) in row.iter().zip(columns.as_chunks_mut::<WAITING>().0) {
        column[at] = *v;
    }
}

fn count_rows(profile: &mut Profile, grids: &[Grid], waiting: &[f64], rows: usize, threshold: Option<f64>) {
    let mut columns = waiting.chunks_exact(WAITING);
    for ((counts, grid), column) in profile.slots.iter_mut().zip(grids).zip(&mut columns) {
        counts.count(grid, &column[..rows]);
    }
    profile.observe_answers(columns, &[true; WAITING][..rows], threshold);
}

/// Finds the bins of a slot's values: buckets of equal width lead near, a few comparisons to the bin itself.
///
/// Which bucket a value is in is computed for edges and values by one and the same sequence of roundings, each of which keeps order; so
/// all edges in lower buckets are below the value, all in higher buckets above it, however the roundings fall. What is left is a search among
/// the edges of its own bucket, of fixed length. Skewed edges share buckets; at worst it is a binary search among all.
///
/// The buckets divide the values' range, or, where the edges are fewer to a bucket then, the range of their bits, which grow about as the
/// logarithm does.
#[derive(Clone, Debug)]
pub(super) struct Grid {
    /// Whether the bits are divided.
    bits: bool,
    low: f64,
    scale: f64,
    /// Edges in lower buckets.
    start: [u8; BUCKETS],
    /// The first step of the search in a bucket: the largest power of two that is at most its edges, in the fullest; or 0.
    step: u8,
    /// How many edges there are.
    n: u8,
    /// Then infinities, which a search that runs past the last edge finds.
    edges: [f64; 2 * BINS],
}

const BUCKETS: usize = 256;

/// Up to so many edges it takes less time to hold each value to all of them, [`AT_ONCE`] by [`AT_ONCE`], than to find its bin.
const FEW: usize = 16;
const AT_ONCE: usize = 5;

impl Grid {
    /// `edges`: ascending, at most [`EDGES`].
    pub(super) fn new(edges: &[f64]) -> Grid {
        let [even, bits] = [false, true].map(|bits| Grid::over(edges, bits));
        if bits.step < even.step { bits } else { even }
    }

    fn over(edges: &[f64], bits: bool) -> Grid {
        let key = |v: Option<&f64>| v.map_or(0.0, |v| if bits { high_bits(*v) } else { *v });
        let (low, high) = (key(edges.first()), key(edges.last()));
        let scale = (BUCKETS - 1) as f64 / (high - low);
        // One edge, or edges too near or too far: all in one bucket.
        let scale = if scale.is_finite() { scale } else { 0.0 };
        let n = edges.len() as u8;
        let mut grid = Grid { bits, low, scale, start: [0; BUCKETS], step: 0, n, edges: [f64::INFINITY; 2 * BINS] };
        let mut own = [0u8; BUCKETS];
        for (to, edge) in grid.edges[..EDGES].iter_mut().zip(edges) {
            *to = *edge;
            own[bucket(low, scale, key(Some(edge)))] += 1;
        }
        let (mut below, mut most) = (0, 0);
        for (start, own) in grid.start.iter_mut().zip(own) {
            *start = below;
            below += own;
            most = own.max(most);
        }
        grid.step = most.checked_ilog2().map_or(0, |k| 1 << k);
        grid
    }

    /// The first step of a search.
    #[cfg(test)]
    pub(super) fn step(&self) -> u8 {
        self.step
    }

    /// Counts at most [`BLOCK`] values, none of them NaN, in their bins: as many as there are edges below the value.
    pub(super) fn count(&self, values: &[f64], counts: &mut [u64]) {
        if usize::from(self.n) <= FEW {
            self.count_few(values, counts);
        } else if self.bits {
            let mut keys = [0.0; BLOCK];
            keys.iter_mut().zip(values).for_each(|(key, v)| *key = high_bits(*v));
            self.count_by(&keys[..values.len()], values, counts);
        } else {
            self.count_by(values, values, counts);
        }
    }

    /// Counts the values above each edge: a bin has what is above its lower edge and not above its upper one.
    #[inline(never)]
    fn count_few(&self, values: &[f64], counts: &mut [u64]) {
        let (pairs, rest) = values.as_chunks();
        let mut left = values.len() as u64;
        for (edges, counts) in self.edges.as_chunks::<AT_ONCE>().0.iter().zip(counts.chunks_mut(AT_ONCE)) {
            let wide = edges.map(F64x2::splat);
            let mut above = [I64x2::splat(0); AT_ONCE];
            for pair in pairs {
                let pair = F64x2::load(pair);
                for (above, edge) in above.iter_mut().zip(wide) {
                    *above = *above - edge.lt(pair);
                }
            }
            for ((count, above), edge) in counts.iter_mut().zip(above).zip(edges) {
                let lone = rest.first().is_some_and(|v| edge < v);
                let above = (above.get::<0>() + above.get::<1>()) as u64 + u64::from(lone);
                // Past the last edge there is infinity, which nothing is above.
                *count += left - above;
                left = above;
            }
        }
    }

    #[inline(never)]
    fn count_by(&self, keys: &[f64], values: &[f64], counts: &mut [u64]) {
        // Two, so that the same bin twice in a row need not wait for itself.
        let mut tallies = [[0; BINS]; 2];
        match self.step {
            0 | 1 => self.tally::<1>(keys, values, &mut tallies),
            2 => self.tally::<2>(keys, values, &mut tallies),
            _ => self.tally::<0>(keys, values, &mut tallies),
        }
        for (count, (a, b)) in counts.iter_mut().zip(tallies[0].iter().zip(&tallies[1])) {
            *count += u64::from(a + b);
        }
    }

    /// Counts values by their keys, those with even and odd indices apart. `STEP`: the first step of a search; 0: it is not known.
    fn tally<const STEP: usize>(&self, keys: &[f64], values: &[f64], tallies: &mut [[u32; BINS]; 2]) {
        let (low, scale) = (F64x2::splat(self.low), F64x2::splat(self.scale));
        let (zero, last) = (F64x2::splat(0.0), F64x2::splat((BUCKETS - 1) as f64));
        let whole = F64x2::splat(TO_WHOLE);
        let ((keys, rest), (pairs, lone)) = (keys.as_chunks(), values.as_chunks::<2>());
        for (key, pair) in keys.iter().zip(pairs) {
            // As `bucket`, of two.
            let at = (last.pmin(zero.pmax((F64x2::load(key) - low) * scale)) + whole).bits();
            tallies[0][self.bin::<STEP>(at.get::<0>() as u8, pair[0])] += 1;
            tallies[1][self.bin::<STEP>(at.get::<1>() as u8, pair[1])] += 1;
        }
        if let ([key], [v]) = (rest, lone) {
            tallies[0][self.bin::<STEP>(bucket(self.low, self.scale, *key) as u8, *v)] += 1;
        }
    }

    #[inline(always)]
    fn bin<const STEP: usize>(&self, bucket: u8, v: f64) -> usize {
        let mut bin = usize::from(self.start[usize::from(bucket)]);
        let mut step = if STEP == 0 { usize::from(self.step) } else { STEP };
        while step > 0 {
            bin += if self.edges[(bin + step - 1) % (2 * BINS)] < v { step } else { 0 };
            step /= 2;
        }
        bin % BINS
    }
}

/// The bucket of a value or of its bits. What is below the lowest edge is in the first.
#[inline(always)]
fn bucket(low: f64, scale: f64, key: f64) -> usize {
    let at = (key - low) * scale;
    let at = if at > 0.0 { at } else { 0.0 };
    usize::from(nearest(if at < (BUCKETS - 1) as f64 { at } else { (BUCKETS - 1) as f64 }) as u8)
}

/// The upper half of a number's bits as a number, in the order of the numbers.
#[inline(always)]
fn high_bits(v: f64) -> f64 {
    // Minus zero becomes zero. Of negative numbers all bits but the sign turn, since they are stored as sign and magnitude.
    let high = ((v + 0.0).to_bits() >> 32) as i32;
    f64::from(high ^ ((high >> 31) & i32::MAX))
}

/// The whole number nearest to `v`, 0 <= v < 2^32: the last bits of a sum that has no bits for a fraction.
#[inline(always)]
pub(super) fn nearest(v: f64) -> u32 {
    (v + TO_WHOLE).to_bits() as u32
}

/// A number that has no bits for a fraction.
const TO_WHOLE: f64 = (1u64 << 52) as f64;

impl Counts {
    /// Counts values one after another, by blocks.
    pub(super) fn count_all(&mut self, grid: &Grid, values: impl Iterator<Item = f64>) {
        let mut block = [0.0; BLOCK];
        let mut n = 0;
        for v in values {
            block[n] = v;
            n += 1;
            if n == BLOCK {
                self.count(grid, &block);
                n = 0;
            }
        }
        self.count(grid, &block[..n]);
    }

    /// Counts at most [`BLOCK`] values; NaN is a missing one.
    pub(super) fn count(&mut self, grid: &Grid, values: &[f64]) {
        let pivot = if self.n == 0 { values.first().copied().unwrap_or(0.0) } else { self.mean };
        let (mut found, mut sums) = (Extremes::none(), Sums::about(pivot));
        let (eights, rest) = values.as_chunks();
        for eight in eights {
            found.add(eight);
            sums.add(eight);
        }
        found.add(&filled(rest, f64::NAN));
        sums.add(&filled(rest, pivot));
        let (min, max, numbers) = found.of_all();
        let missing = values.len() - numbers;
        self.missing = self.missing.saturating_add(missing as u64);
        if numbers == 0 {
            return;
        }
        self.min = if self.min <= min { self.min } else { min };
        self.max = if self.max >= max { self.max } else { max };
        if missing == 0 && min >= -math::BOUND && max <= math::BOUND {
            self.count_bins(grid, values);
            self.moments(values.len(), &sums);
        } else {
            self.count_odd(grid, values);
        }
    }

    /// Counts values some of which are missing or absurd.
    #[inline(never)]
    fn count_odd(&mut self, grid: &Grid, values: &[f64]) {
        let mut own = [0.0; BLOCK];
        let mut n = 0;
        for v in values {
            own[n % BLOCK] = *v;
            n += usize::from(!v.is_nan());
        }
        let own = &mut own[..n];
        self.count_bins(grid, own);
        // Bounded, so that the squares of absurd values stay finite.
        own.iter_mut().for_each(|v| *v = math::bounded(*v));
        let pivot = if self.n == 0 { own[0] } else { self.mean };
        let mut sums = Sums::about(pivot);
        let (eights, rest) = own.as_chunks();
        eights.iter().for_each(|eight| sums.add(eight));
        sums.add(&filled(rest, pivot));
        self.moments(n, &sums);
    }

    fn count_bins(&mut self, grid: &Grid, values: &[f64]) {
        if !self.is_indexed() {
            return grid.count(values, &mut self.bins);
        }
        let last = self.bins.len() - 1;
        let bins = self.bins.as_mut_slice();
        for v in values {
            let v = if *v > 0.0 { *v } else { 0.0 };
            bins[(nearest(if v < last as f64 { v } else { last as f64 }) as usize).min(last)] += 1;
        }
    }

    /// Adds `n` values, within ±[`math::BOUND`], to mean and m2.
    ///
    /// One pass, about a pivot that is known before it: the mean so far, or of nothing the first value (T. F. Chan, G. H. Golub,
    /// R. J. LeVeque, "Algorithms for Computing the Sample Variance: Analysis and Recommendations", The American Statistician 37
    /// (1983): shifted data, and the updating of section 2). The pivot stands for k >= 1 values (itself, or those it is the mean of), so what is
    /// subtracted at the end is at most N / k <= BLOCK + 1 times what is left: at worst 8 of 53 bits are lost, however far the data
    /// lie from 0 or from what came before.
    fn moments(&mut self, n: usize, sums: &Sums) {
        let pivot = sums.pivot.get::<0>();
        let (sum, squares) = (total(sums.sum), total(sums.squares));
        self.n = self.n.saturating_add(n as u64);
        let shift = sum / self.n as f64;
        self.mean = pivot + shift;
        // Rounding may leave a little less than nothing, and absurd squares more than a number holds.
        self.m2 = (self.m2 + (squares - sum * shift)).clamp(0.0, f64::MAX);
    }
}

/// Sums are of eight lanes, which are these: enough for the additions not to wait for each other.
const PAIRS: usize = 4;

/// What is left of values taken by eight, filled up.
fn filled(rest: &[f64], with: f64) -> [f64; 2 * PAIRS] {
    let mut eight = [with; 2 * PAIRS];
    for (to, v) in eight.iter_mut().zip(rest) {
        *to = *v;
    }
    eight
}

struct Sums {
    pivot: F64x2,
    sum: [F64x2; PAIRS],
    squares: [F64x2; PAIRS],
}

impl Sums {
    /// Of nothing. `pivot`: see [`Counts::moments`].
    fn about(pivot: f64) -> Sums {
        let none = [F64x2::splat(0.0); PAIRS];
        Sums { pivot: F64x2::splat(pivot), sum: none, squares: none }
    }

    #[inline(always)]
    fn add(&mut self, eight: &[f64; 2 * PAIRS]) {
        for (k, pair) in eight.as_chunks().0.iter().enumerate() {
            let d = F64x2::load(pair) - self.pivot;
            self.sum[k] = self.sum[k] + d;
            self.squares[k] = self.squares[k] + d * d;
        }
    }
}

fn total(lanes: [F64x2; PAIRS]) -> f64 {
    lanes.iter().flat_map(|pair| pair.lanes()).sum()
}

/// The smallest and the largest value, of four lanes each, and how many values are numbers.
struct Extremes {
    low: [F64x2; 2],
    high: [F64x2; 2],
    numbers: I64x2,
}

impl Extremes {
    fn none() -> Extremes {
        let (low, high) = (F64x2::splat(f64::INFINITY), F64x2::splat(f64::NEG_INFINITY));
        Extremes { low: [low; 2], high: [high; 2], numbers: I64x2::splat(0) }
    }

    #[inline(always)]
    fn add(&mut self, eight: &[f64; 2 * PAIRS]) {
        for (k, pair) in eight.as_chunks().0.iter().enumerate() {
            let pair = F64x2::load(pair);
            self.low[k % 2] = self.low[k % 2].pmin(pair);
            self.high[k % 2] = self.high[k % 2].pmax(pair);
            self.numbers = self.numbers - pair.eq(pair);
        }
    }

    /// The smallest and the largest of all lanes, and how many values are not NaN; of nothing but NaN infinities.
    fn of_all(&self) -> (f64, f64, usize) {
        let [low, high] = [self.low[0].pmin(self.low[1]), self.high[0].pmax(self.high[1])];
        let (low, high) = (low.lanes(), high.lanes());
        let numbers = self.numbers.get::<0>() + self.numbers.get::<1>();
        // Plus zero: which of the two zeros came first does not matter.
        let low = if low[1] < low[0] { low[1] } else { low[0] };
        let high = if high[1] > high[0] { high[1] } else { high[0] };
        (low + 0.0, high + 0.0, numbers as usize)
    }
}
