//! How far metrics would move with other rows of the same kind: the percentile bootstrap (B. Efron and R. Tibshirani, "An
//! Introduction to the Bootstrap", 1993, chapter 13; `scipy.stats.bootstrap(paired=True, method='percentile')`).
//!
//! Rows are drawn with replacement, answers and weights with them; the model is not fitted again, so what another training set
//! would have changed is not in it. Resamples in which a metric has no meaning are passed over.

use super::scores::{METRICS, Prepared, Scores};
use rand_pcg::Pcg64Mcg;
use rand_pcg::rand_core::{Rng, SeedableRng};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// How intervals are made.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Bootstrap {
    /// How often rows are drawn; 0: no intervals.
    pub resamples: usize,
    /// What the draws derive from.
    pub seed: u64,
    /// The share of resamples within an interval.
    pub level: f64,
}

impl Bootstrap {
    /// 95 %.
    pub fn new(resamples: usize, seed: u64) -> Self {
        Bootstrap { resamples, seed, level: 0.95 }
    }
}

/// Between which values a metric lay in the middle share of resamples.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Intervals {
    /// That share.
    pub level: f64,
    /// How often rows were drawn.
    pub resamples: usize,
    /// `[low, high]` of each metric.
    #[serde(flatten)]
    pub of: Scores<[f64; 2]>,
}

/// Most steps that all resamples may take, and fewest resamples however many steps they take.
const MOST_STEPS: usize = 4_000_000_000;
const FEWEST: usize = 100;

impl Bootstrap {
    /// `None` where none were asked for. Of very many rows and classes fewer resamples are drawn than were asked for: at least
    /// 100.
    pub(super) fn intervals(&self, rows: &Prepared) -> Option<Intervals> {
        let n = rows.rows();
        let steps = n.saturating_mul(rows.n_classes).saturating_add(rows.n_classes * rows.n_classes).max(1);
        let resamples = self.resamples.min((MOST_STEPS / steps).max(FEWEST));
        if resamples == 0 || n == 0 {
            return None;
        }
        let draws: Vec<[Option<f64>; METRICS]> = (0..resamples as u64)
            .into_par_iter()
            .map_init(
                || vec![0.0; n],
                |weight, k| {
                    weight.fill(0.0);
                    // An odd factor: no two resamples share a seed.
                    let mut rng = Pcg64Mcg::seed_from_u64(self.seed ^ (k + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15));
                    draw(n, &mut rng, |i| weight[i] += rows.weight[i]);
                    let any = weight.iter().any(|w| *w > 0.0);
                    if any { rows.scores(weight).into_array() } else { [None; METRICS] }
                },
            )
            .collect();
        let of = std::array::from_fn(|m| {
            let mut values: Vec<f64> = draws.iter().filter_map(|d| d[m]).collect();
            values.sort_by(f64::total_cmp);
            let tail = (1.0 - self.level) / 2.0;
            (values.len() * 2 > resamples).then(|| [quantile(&values, tail), quantile(&values, 1.0 - tail)])
        });
        Some(Intervals { level: self.level, resamples, of: Scores::from_array(of) })
    }
}

/// `n` of `0..n`, each as probable.
fn draw(n: usize, rng: &mut Pcg64Mcg, mut take: impl FnMut(usize)) {
    // Two of 32 bits from each number; a part in 2^32 / n more or less probable than others.
    let index = |bits: u64| ((bits * n as u64) >> 32) as usize;
    for k in 0..n.div_ceil(2) {
        let bits = rng.next_u64();
        take(index(bits >> 32));
        if 2 * k + 1 < n {
            take(index(bits & 0xffff_ffff));
        }
    }
}

/// Linear between the two nearest, as `numpy.quantile`; of sorted values, at least one.
fn quantile(sorted: &[f64], q: f64) -> f64 {
    let at = q * (sorted.len() - 1) as f64;
    let below = at.floor();
    let (low, high) = (sorted[below as usize], sorted[(below as usize + 1).min(sorted.len() - 1)]);
    low + (high - low) * (at - below)
}
