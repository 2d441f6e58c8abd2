//! Features as bytes.
//!
//! Code 0 is missing. Numbers: code `k >= 1` holds `cuts[k-2] < x <= cuts[k-1]` with open ends, so `code <= k` exactly when
//! `x <= cuts[k-1]`. Levels: a code each; where there are more than codes, the rarer levels share the last one.

use super::super::Problem;
use crate::math::BOUND;
use ndarray::ArrayView1;
use rayon::prelude::*;

/// Codes per feature, missing included: what a byte holds.
pub(crate) const CODES: usize = 256;

/// Features per tile: their histograms fill 32 KB, so that a tile's sums stay in the first-level cache.
pub(crate) const TILE: usize = 8;

/// How one feature is coded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Coding {
    /// Ascending thresholds.
    Cuts(Vec<f64>),
    /// The code of each level, and how many codes there are (missing included).
    Levels { code: Vec<u8>, n_codes: usize },
}

impl Coding {
    /// Fits a coding: quantiles (numbers with few distinct values: all of them), or levels.
    fn fit(x: ArrayView1<'_, f64>, levels: Option<usize>, max_bin: usize) -> Coding {
        match levels {
            None => Coding::Cuts(cuts(x, max_bin)),
            Some(n) => {
                let mut count = vec![0u64; n];
                for &v in x.iter().filter(|v| **v >= 0.0 && **v < n as f64) {
                    count[v as usize] += 1;
                }
                let mut order: Vec<usize> = (0..n).collect();
                order.sort_by_key(|&l| (std::cmp::Reverse(count[l]), l));
                let mut code = vec![0; n];
                for (rank, &level) in order.iter().enumerate() {
                    code[level] = (rank.min(max_bin - 1) + 1) as u8;
                }
                Coding::Levels { code, n_codes: n.min(max_bin) + 1 }
            }
        }
    }

    /// The code of a value. A level past the last has the code 255, which no training row has unless all codes are taken.
    pub(crate) fn code(&self, v: f64) -> u8 {
        if v.is_nan() {
            return 0;
        }
        match self {
            Coding::Cuts(cuts) => (cuts.partition_point(|c| *c < v) + 1) as u8,
            Coding::Levels { code, .. } => {
                if v >= 0.0 && v < code.len() as f64 {
                    code[v as usize]
                } else {
                    u8::MAX
                }
            }
        }
    }

    /// The threshold `t` with `x <= t` exactly when `code <= k`, missing aside.
    pub(crate) fn threshold(&self, k: u8) -> f64 {
        match self {
            Coding::Cuts(cuts) => cuts.get(usize::from(k) - 1).copied().unwrap_or(BOUND),
            Coding::Levels { .. } => f64::from(k),
        }
    }
}

/// At most `max_bin - 1` thresholds between distinct values, each bin about as full as the next; a value frequent enough to
/// fill a bin gets its own.
fn cuts(x: ArrayView1<'_, f64>, max_bin: usize) -> Vec<f64> {
    let mut sorted: Vec<f64> = x.iter().copied().filter(|v| !v.is_nan()).collect();
    sorted.sort_unstable_by(f64::total_cmp);
    let mut distinct: Vec<(f64, usize)> = Vec::new();
    for v in sorted {
        match distinct.last_mut() {
            Some((last, n)) if *last == v => *n += 1,
            _ => distinct.push((v, 1)),
        }
    }
    let between = |i: usize| middle(distinct[i].0, distinct[i + 1].0);
    if distinct.len() <= max_bin {
        return (1..distinct.len()).map(|i| between(i - 1)).collect();
    }
    let mut out = Vec::with_capacity(max_bin - 1);
    let mut left: usize = distinct.iter().map(|d| d.1).sum();
    let mut bins = max_bin;
    let mut filled = 0;
    for i in 0..distinct.len() - 1 {
        if bins == 1 {
            break;
        }
        filled += distinct[i].1;
        let target = left.div_ceil(bins);
        // A frequent value that comes next starts a bin of its own once this one is at least half full.
        if filled >= target || (distinct[i + 1].1 >= target && filled * 2 >= target) {
            out.push(between(i));
            left -= filled;
            filled = 0;
            bins -= 1;
        }
    }
    out
}

/// A number `a <= m < b` about halfway.
fn middle(a: f64, b: f64) -> f64 {
    let m = a / 2.0 + b / 2.0;
    if m >= a && m < b { m } else { a }
}

/// All rows, coded: per tile of [`TILE`] features row-major.
pub(crate) struct Binned {
    pub(crate) codings: Vec<Coding>,
    tiles: Vec<Vec<u8>>,
}

impl Binned {
    /// Fits the codings on `problem` and codes it.
    pub(crate) fn fit(problem: &Problem<'_>, max_bin: usize) -> Binned {
        let codings: Vec<Coding> = (0..problem.x.ncols())
            .into_par_iter()
            .map(|f| Coding::fit(problem.x.column(f), problem.levels[f], max_bin))
            .collect();
        Binned::with(codings, problem)
    }

    /// Codes `problem` as given.
    pub(crate) fn with(codings: Vec<Coding>, problem: &Problem<'_>) -> Binned {
        let n_rows = problem.x.nrows();
        let tiles = (0..codings.len().div_ceil(TILE))
            .into_par_iter()
            .map(|t| {
                let features = t * TILE..((t + 1) * TILE).min(codings.len());
                let mut codes = vec![0; n_rows * features.len()];
                for (j, f) in features.clone().enumerate() {
                    for (row, &v) in problem.x.column(f).iter().enumerate() {
                        codes[row * features.len() + j] = codings[f].code(v);
                    }
                }
                codes
            })
            .collect();
        Binned { codings, tiles }
    }

    pub(crate) fn n_features(&self) -> usize {
        self.codings.len()
    }

    pub(crate) fn n_tiles(&self) -> usize {
        self.tiles.len()
    }

    /// A tile's codes (row-major) and its number of features.
    pub(crate) fn tile(&self, t: usize) -> (&[u8], usize) {
        (&self.tiles[t], (self.codings.len() - t * TILE).min(TILE))
    }

    /// One feature's codes: the tile, its width, and the feature's place in it.
    pub(crate) fn feature(&self, f: usize) -> Column<'_> {
        let (codes, width) = self.tile(f / TILE);
        Column { codes, width, at: f % TILE }
    }
}

/// One feature of a tile.
#[derive(Clone, Copy)]
pub(crate) struct Column<'a> {
    codes: &'a [u8],
    width: usize,
    at: usize,
}

impl Column<'_> {
    #[inline]
    pub(crate) fn code(&self, row: u32) -> u8 {
        self.codes[row as usize * self.width + self.at]
    }
}
