//! Features as bytes.
//!
//! Code 0 is missing. Numbers: code `k >= 1` holds `cuts[k-2] < x <= cuts[k-1]` with open ends, so `code <= k` exactly when
//! `x <= cuts[k-1]`. Levels: a code each; where there are more than codes, the rarer levels share the last one.

use super::super::Problem;
use crate::math::BOUND;
use ndarray::{ArrayView2, s};
use rayon::prelude::*;

/// Codes per feature, missing included: what a byte holds.
pub(crate) const CODES: usize = 256;

/// Rows that cuts are looked for in, spread evenly over all.
const SAMPLE: usize = 200_000;

/// Columns that are read together: a cache line of doubles.
const TOGETHER: usize = 8;

/// How one feature is coded.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Coding {
    /// Ascending thresholds.
    Cuts(Vec<f64>),
    /// The code of each level, and how many codes there are (missing included).
    Levels { code: Vec<u8>, n_codes: usize },
}

/// How a feature is coded, and what its rows hold.
#[derive(Clone, Debug)]
pub(crate) struct Coded {
    pub(crate) coding: Coding,
    /// Rows without a value.
    pub(crate) missing: usize,
    /// Rows whose value is 0.
    pub(crate) zeros: usize,
}

/// Codings of all features.
pub(crate) fn codings(problem: &Problem<'_>, max_bin: usize) -> Vec<Coded> {
    let (n, d) = problem.x.dim();
    let groups = d.div_ceil(TOGETHER);
    (0..groups)
        .into_par_iter()
        .flat_map_iter(|g| {
            let features = g * TOGETHER..((g + 1) * TOGETHER).min(d);
            let x = problem.x.slice(s![.., features.clone()]);
            let mut seen = Seen::of(x, n);
            features
                .enumerate()
                .map(move |(j, f)| Coded {
                    coding: match problem.levels[f] {
                        None => Coding::Cuts(cuts(&mut seen.sample[j], max_bin)),
                        Some(levels) => by_frequency(x.column(j).iter().copied(), levels, max_bin),
                    },
                    missing: seen.missing[j],
                    zeros: seen.zeros[j],
                })
                .collect::<Vec<_>>()
        })
        .collect()
}

/// What one pass over a few columns finds.
struct Seen {
    /// Values of the sample as keys in their order.
    sample: Vec<Vec<i64>>,
    missing: Vec<usize>,
    zeros: Vec<usize>,
}

impl Seen {
    fn of(x: ArrayView2<'_, f64>, n: usize) -> Seen {
        let width = x.ncols();
        let step = n.div_ceil(SAMPLE);
        let room = || Vec::with_capacity(n / step + 1);
        let mut seen =
            Seen { sample: (0..width).map(|_| room()).collect(), missing: vec![0; width], zeros: vec![0; width] };
        for (row, values) in x.rows().into_iter().enumerate() {
            let sampled = row % step == 0;
            for (j, &v) in values.iter().enumerate() {
                seen.missing[j] += usize::from(v.is_nan());
                seen.zeros[j] += usize::from(v == 0.0);
                if sampled && !v.is_nan() {
                    seen.sample[j].push(key(v));
                }
            }
        }
        seen
    }
}

/// The order of numbers as an order of integers; -0 is 0.
fn key(v: f64) -> i64 {
    let bits = (v + 0.0).to_bits() as i64;
    bits ^ ((bits >> 63) as u64 >> 1) as i64
}

/// The number that [`key`] came from.
fn number(key: i64) -> f64 {
    f64::from_bits((key ^ ((key >> 63) as u64 >> 1) as i64) as u64)
}

/// Levels by how often they occur.
fn by_frequency(x: impl Iterator<Item = f64>, n: usize, max_bin: usize) -> Coding {
    let mut count = vec![0u64; n];
    for v in x.filter(|v| *v >= 0.0 && *v < n as f64) {
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

impl Coding {
    /// Codes there are, missing included.
    pub(crate) fn n_codes(&self) -> usize {
        match self {
            Coding::Cuts(cuts) => cuts.len() + 2,
            Coding::Levels { n_codes, .. } => *n_codes,
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

    /// Codes many values: calls `put` with each one's place and code, in order.
    pub(crate) fn code_all(&self, values: impl ExactSizeIterator<Item = f64>, mut put: impl FnMut(usize, u8)) {
        let Coding::Cuts(cuts) = self else {
            values.enumerate().for_each(|(i, v)| put(i, self.code(v)));
            return;
        };
        // The search of `partition_point`, for several values at once: what one waits for, the others use.
        const SIDE: usize = 8;
        let mut table = [f64::INFINITY; CODES];
        table[..cuts.len()].copy_from_slice(cuts);
        let steps = usize::BITS - cuts.len().leading_zeros();
        let n = values.len();
        let mut values = values;
        for first in (0..n).step_by(SIDE) {
            let here = SIDE.min(n - first);
            let mut v = [0.0; SIDE];
            v[..here].iter_mut().zip(&mut values).for_each(|(v, x)| *v = x);
            let mut at = [0usize; SIDE];
            for step in (0..steps).rev() {
                let half = 1 << step;
                for k in 0..SIDE {
                    let below = table[(at[k] + half - 1) & (CODES - 1)] < v[k];
                    at[k] += if below { half } else { 0 };
                }
            }
            for k in 0..here {
                put(first + k, if v[k].is_nan() { 0 } else { (at[k] + 1) as u8 });
            }
        }
    }
}

/// At most `max_bin - 1` thresholds between distinct values, each bin about as full as the next; a value frequent enough to
/// fill a bin gets its own. Sorts the keys.
fn cuts(keys: &mut [i64], max_bin: usize) -> Vec<f64> {
    keys.sort_unstable();
    let mut distinct: Vec<(f64, usize)> = Vec::new();
    for same in keys.chunk_by(|a, b| a == b) {
        distinct.push((number(same[0]), same.len()));
    }
    let between = |i: usize| middle(distinct[i].0, distinct[i + 1].0);
    if distinct.len() <= max_bin {
        return (1..distinct.len()).map(|i| between(i - 1)).collect();
    }
    let mut out = Vec::with_capacity(max_bin - 1);
    let mut left: usize = keys.len();
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

/// Rows, coded feature by feature: what a finished tree is asked about.
pub(crate) struct Codes {
    codes: Vec<u8>,
    width: usize,
}

impl Codes {
    pub(crate) fn of(codings: &[Coding], x: ArrayView2<'_, f64>) -> Codes {
        let width = codings.len();
        let mut codes = vec![0; x.nrows() * width];
        codes.par_chunks_mut(1024 * width).enumerate().for_each(|(k, out)| {
            let rows = k * 1024..k * 1024 + out.len() / width;
            for (f, coding) in codings.iter().enumerate() {
                let column = x.slice(s![rows.clone(), f]);
                coding.code_all(column.iter().copied(), |i, code| out[i * width + f] = code);
            }
        });
        Codes { codes, width }
    }

    #[inline]
    pub(crate) fn row(&self, row: usize) -> &[u8] {
        &self.codes[row * self.width..(row + 1) * self.width]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_values_get_the_codes_that_each_alone_gets() {
        for n in [0, 1, 2, 3, 7, 8, 100, 254] {
            let coding = Coding::Cuts((0..n).map(|i| f64::from(i) * 0.5 - 3.0).collect());
            let values: Vec<f64> =
                (-20..1300).map(|i| f64::from(i) * 0.125).chain([f64::NAN, -BOUND, BOUND, -0.0]).collect();
            coding.code_all(values.iter().copied(), |i, code| {
                assert_eq!(code, coding.code(values[i]), "{} among {n} cuts", values[i]);
            });
        }
    }

    #[test]
    fn keys_keep_the_order_of_numbers() {
        let numbers = [-BOUND, -1.5, -1.0, -1e-300, 0.0, 1e-300, 1.0, BOUND];
        assert!(numbers.windows(2).all(|w| key(w[0]) < key(w[1])));
        assert!(numbers.iter().all(|v| number(key(*v)).to_bits() == v.to_bits()));
        assert_eq!(key(-0.0), key(0.0));
    }
}
