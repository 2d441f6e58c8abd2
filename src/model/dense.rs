//! Sums over features for many outputs at once: what perceptrons, support vectors and linear models are made of.
//!
//! Every sum has one order, whichever kernel makes it: from its start, feature by feature. For many rows, [`ROWS`] of them
//! stand side by side in a [`Strip`] and share each weight; for one row, [`OUTPUTS`] outputs do and share each feature.

use crate::math::{BLOCK, BOUND, Lot, Matrix};
use crate::simd::F64x2;

/// Rows worked on together; divides [`BLOCK`].
pub(super) const ROWS: usize = 8;

/// One number of each of [`ROWS`] rows.
pub(super) type Strip = [f64; ROWS];

/// Outputs worked on together for one row.
const OUTPUTS: usize = 16;

/// What a feature adds to an output.
pub(super) trait Term {
    /// Whether a feature of 0 adds nothing, whatever the weight.
    const SKIPS_ZERO: bool;

    fn of(w: F64x2, x: F64x2) -> F64x2;
}

/// `w x`.
#[derive(Clone, Debug)]
pub(super) struct Product;

/// `(w - x)²`.
#[derive(Clone, Debug)]
pub(super) struct Square;

impl Term for Product {
    const SKIPS_ZERO: bool = true;

    #[inline(always)]
    fn of(w: F64x2, x: F64x2) -> F64x2 {
        w * x
    }
}

impl Term for Square {
    const SKIPS_ZERO: bool = false;

    #[inline(always)]
    fn of(w: F64x2, x: F64x2) -> F64x2 {
        let d = w - x;
        d * d
    }
}

/// `v` within ±[`BOUND`], in two steps without a branch. NaN stays.
#[inline(always)]
pub(super) fn clamped(v: f64) -> f64 {
    let v = if v > BOUND { BOUND } else { v };
    if v < -BOUND { -BOUND } else { v }
}

/// Rows `at..at + ROWS` of as many columns of a block as `strips` holds, as [`bounded`](crate::math::bounded) makes them.
#[inline(never)]
pub(super) fn load(x: &[f64], at: usize, strips: &mut [Strip]) {
    let (low, high) = (F64x2::splat(-BOUND), F64x2::splat(BOUND));
    for (strip, column) in strips.iter_mut().zip(x.chunks_exact(BLOCK)) {
        for (own, pair) in strip.as_chunks_mut().0.iter_mut().zip(column[at..at + ROWS].as_chunks().0) {
            let v = F64x2::load(pair);
            // NaN passes through the bounds, and then has no bits.
            F64x2::of_bits(v.pmin(high).pmax(low).bits() & v.eq(v)).store(own);
        }
    }
}

/// Rows `at..at + ROWS` of column `k` of a block.
pub(super) fn store(strip: &Strip, out: &mut [f64], k: usize, at: usize) {
    out[k * BLOCK + at..][..ROWS].copy_from_slice(strip);
}

/// The first row of each strip of a block's rows.
pub(super) fn strips_of(lot: Lot) -> impl Iterator<Item = usize> {
    (0..lot.rows).step_by(ROWS)
}

/// Per row of `w` and its start (a -0.0 as 0.0, so that adding 0 changes no sum), `start + Σ term(w, x)`.
#[inline(never)]
pub(super) fn strips<T: Term>(w: &Matrix, start: &[f64], x: &[Strip], out: &mut [Strip]) {
    let start = |o: usize| start[o] + 0.0;
    let mut o = 0;
    while o + 2 <= w.rows {
        let sums = tile::<T, 2>([w.row(o), w.row(o + 1)], [start(o), start(o + 1)], x);
        out[o..o + 2].copy_from_slice(&sums);
        o += 2;
    }
    if o < w.rows {
        [out[o]] = tile::<T, 1>([w.row(o)], [start(o)], x);
    }
}

#[inline(always)]
fn tile<T: Term, const N: usize>(w: [&[f64]; N], start: [f64; N], x: &[Strip]) -> [Strip; N] {
    let w = w.map(|w| &w[..x.len()]);
    let mut sums = start.map(|start| [F64x2::splat(start); ROWS / 2]);
    for (j, x) in x.iter().enumerate() {
        let x: [F64x2; ROWS / 2] = vectors(x);
        for (sums, w) in sums.iter_mut().zip(w) {
            let w = F64x2::splat(w[j]);
            for (sum, x) in sums.iter_mut().zip(x) {
                *sum = *sum + T::of(w, x);
            }
        }
    }
    sums.map(numbers)
}

/// `M` numbers as vectors.
#[inline(always)]
fn vectors<const M: usize, const N: usize>(numbers: &[f64; M]) -> [F64x2; N] {
    let pairs = numbers.as_chunks().0;
    std::array::from_fn(|k| F64x2::load(&pairs[k]))
}

/// Back to numbers.
#[inline(always)]
fn numbers<const M: usize, const N: usize>(vectors: [F64x2; N]) -> [f64; M] {
    let mut numbers = [0.0; M];
    for (to, v) in numbers.as_chunks_mut().0.iter_mut().zip(vectors) {
        v.store(to);
    }
    numbers
}

/// As [`dot`](crate::math::dot), of each row.
pub(super) fn dot_strip(w: &[f64], x: &[Strip]) -> Strip {
    let half = |half: usize| {
        let pair = |x: &Strip, k: usize| F64x2::load(&x.as_chunks().0[2 * half + k]);
        let mut lanes = [[F64x2::splat(0.0); 2]; 4];
        let mut tail = lanes[0];
        let (cw, cx) = (w.as_chunks::<4>(), x.as_chunks::<4>());
        for (w, x) in cw.1.iter().zip(cx.1) {
            for (k, sum) in tail.iter_mut().enumerate() {
                *sum = *sum + F64x2::splat(*w) * pair(x, k);
            }
        }
        for (w, x) in cw.0.iter().zip(cx.0) {
            for (lane, (w, x)) in lanes.iter_mut().zip(w.iter().zip(x)) {
                for (k, sum) in lane.iter_mut().enumerate() {
                    *sum = *sum + F64x2::splat(*w) * pair(x, k);
                }
            }
        }
        [0, 1].map(|k| (lanes[0][k] + lanes[1][k]) + (lanes[2][k] + lanes[3][k]) + tail[k])
    };
    let ([a, b], [c, d]) = (half(0), half(1));
    numbers([a, b, c, d])
}

/// A matrix for one row: transposed, [`OUTPUTS`] outputs side by side.
#[derive(Clone, Debug)]
pub(super) struct Packed {
    n_in: usize,
    /// Per tile of outputs its start.
    start: Vec<[f64; OUTPUTS]>,
    /// Per tile `n_in` weights of each output.
    weights: Vec<[f64; OUTPUTS]>,
}

impl Packed {
    /// `start`: as [`strips`] has it.
    #[inline(never)]
    pub fn new(w: &Matrix, start: &[f64]) -> Packed {
        let tiles = w.rows.div_ceil(OUTPUTS);
        let mut packed =
            Packed { n_in: w.cols, start: vec![[0.0; OUTPUTS]; tiles], weights: vec![[0.0; OUTPUTS]; tiles * w.cols] };
        for (o, start) in start[..w.rows].iter().enumerate() {
            let (tile, lane) = (o / OUTPUTS, o % OUTPUTS);
            packed.start[tile][lane] = start + 0.0;
            for (j, v) in w.row(o).iter().enumerate() {
                packed.weights[tile * w.cols + j][lane] = *v;
            }
        }
        packed
    }

    /// The outputs, rounded up to whole tiles.
    pub fn width(&self) -> usize {
        self.start.len() * OUTPUTS
    }

    /// As [`strips`], of one row. `room`: what it works in.
    #[inline(never)]
    pub fn row<T: Term>(&self, x: &[f64], room: &mut Vec<u32>, out: &mut Vec<f64>) {
        room.clear();
        room.resize(self.n_in, 0);
        let mut n = 0;
        for (j, v) in x[..self.n_in].iter().enumerate() {
            room[n] = j as u32;
            n += usize::from(!T::SKIPS_ZERO || *v != 0.0);
        }
        let room = &room[..n];
        out.resize(self.width(), 0.0);
        for (tile, (start, out)) in self.start.iter().zip(out.as_chunks_mut::<OUTPUTS>().0).enumerate() {
            let weights = &self.weights[tile * self.n_in..][..self.n_in];
            let mut sums: [F64x2; OUTPUTS / 2] = vectors(start);
            for j in room {
                let v = F64x2::splat(x[*j as usize]);
                let w: [F64x2; OUTPUTS / 2] = vectors(&weights[*j as usize]);
                for (sum, w) in sums.iter_mut().zip(w) {
                    *sum = *sum + T::of(w, v);
                }
            }
            *out = numbers(sums);
        }
    }
}
