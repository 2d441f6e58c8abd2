//! Sums of gradients per bin, in integers.
//!
//! Integer sums do not depend on their order, so a histogram is the same at any number of threads, and a sibling's is exactly
//! the parent's minus the other child's.

use super::bins::{Binned, CODES, TILE};
use rayon::prelude::*;

/// Sums over rows: `[g, h << shift | n]`: the gradient in two's complement, and in one word the hessian (or weight) above the
/// number of rows. Two words are added at once by any vector unit.
pub(crate) type Sum = [u64; 2];

/// `a + b`.
#[inline]
pub(crate) fn add(a: &mut Sum, b: Sum) {
    a[0] = a[0].wrapping_add(b[0]);
    a[1] = a[1].wrapping_add(b[1]);
}

/// `a - b`.
#[inline]
pub(crate) fn sub(a: &mut Sum, b: Sum) {
    a[0] = a[0].wrapping_sub(b[0]);
    a[1] = a[1].wrapping_sub(b[1]);
}

/// How real gradients become integers and back: scaled by powers of two, so that the largest possible sums still fit.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    g: f64,
    h: f64,
    shift: u32,
}

impl Scale {
    /// `max_g`, `max_h`: what the sums over all rows of `|g|` and of `h` never exceed.
    pub(crate) fn new(n_rows: usize, max_g: f64, max_h: f64) -> Scale {
        let shift = usize::BITS - n_rows.leading_zeros();
        Scale { g: power_below(61, max_g), h: power_below(62 - shift as i32, max_h), shift }
    }

    /// A row's share. Rounded to the nearest integer.
    #[inline]
    pub(crate) fn pack(&self, g: f64, h: f64) -> Sum {
        let g = round(g * self.g) as u64;
        let h = round(h * self.h) as u64;
        [g, h << self.shift | 1]
    }

    #[inline]
    pub(crate) fn g(&self, s: Sum) -> f64 {
        s[0] as i64 as f64 / self.g
    }

    #[inline]
    pub(crate) fn h(&self, s: Sum) -> f64 {
        (s[1] >> self.shift) as f64 / self.h
    }

    #[inline]
    pub(crate) fn n(&self, s: Sum) -> usize {
        (s[1] & ((1 << self.shift) - 1)) as usize
    }
}

/// To the nearest integer, halves away from 0.
#[inline]
fn round(v: f64) -> i64 {
    (if v < 0.0 { v - 0.5 } else { v + 0.5 }) as i64
}

/// The largest power of two `s`, at most about 2^300, with `s * max <= 2^bits`.
fn power_below(bits: i32, max: f64) -> f64 {
    let mut s = 1.0;
    let limit = f64::from_bits(((1023 + i64::from(bits)) as u64) << 52);
    while s * max > limit {
        s /= 2.0;
    }
    while s < 2e90 && s * 2.0 * max <= limit {
        s *= 2.0;
    }
    s
}

/// Of one node: [`CODES`] sums per feature.
pub(crate) type Histogram = Vec<Sum>;

/// Rows from which a histogram is worth more than one thread.
const PARALLEL: usize = 4096;

/// Adds up `sums` (per row of the whole data) over `rows` into `out` (all features, emptied first).
pub(crate) fn build(binned: &Binned, rows: &[u32], sums: &[Sum], out: &mut Histogram) {
    out.clear();
    out.resize(binned.n_features() * CODES, [0; 2]);
    let gathered: Vec<Sum> = rows.iter().map(|&r| sums[r as usize]).collect();
    let fill = |(t, out): (usize, &mut [Sum])| {
        let (codes, width) = binned.tile(t);
        match width {
            8 => fill_tile::<8>(codes, rows, &gathered, out),
            7 => fill_tile::<7>(codes, rows, &gathered, out),
            6 => fill_tile::<6>(codes, rows, &gathered, out),
            5 => fill_tile::<5>(codes, rows, &gathered, out),
            4 => fill_tile::<4>(codes, rows, &gathered, out),
            3 => fill_tile::<3>(codes, rows, &gathered, out),
            2 => fill_tile::<2>(codes, rows, &gathered, out),
            _ => fill_tile::<1>(codes, rows, &gathered, out),
        }
    };
    if rows.len() >= PARALLEL && binned.n_tiles() > 1 {
        out.par_chunks_mut(TILE * CODES).enumerate().for_each(fill);
    } else {
        out.chunks_mut(TILE * CODES).enumerate().for_each(fill);
    }
}

fn fill_tile<const W: usize>(codes: &[u8], rows: &[u32], gathered: &[Sum], out: &mut [Sum]) {
    let out = &mut out[..W * CODES];
    for (&row, &s) in rows.iter().zip(gathered) {
        let at = row as usize * W;
        let line = &codes[at..at + W];
        for j in 0..W {
            add(&mut out[j * CODES + usize::from(line[j])], s);
        }
    }
}

/// `parent - child`, in place of the parent.
pub(crate) fn subtract(parent: &mut Histogram, child: &Histogram) {
    for (p, c) in parent.iter_mut().zip(child) {
        sub(p, *c);
    }
}
