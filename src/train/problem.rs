//! What a trainer is given, and what it gives back.

use crate::error::{Error, ErrorKind, Result};
use crate::model::Model;
use crate::model::forest::PlainNode;
use crate::pipeline::Derived;
use crate::profile::Profile;
use crate::schema::Schema;
use ndarray::ArrayView2;

/// What a trainer is given.
#[derive(Clone, Copy, Debug)]
pub struct Problem<'a> {
    /// n_rows x n_features. Finite, or NaN where a value is missing (trees only).
    pub x: ArrayView2<'a, f64>,
    /// Class index of each row.
    pub y: &'a [usize],
    /// Number of classes, at least 2.
    pub n_classes: usize,
    /// A factor on each row's loss, finite and at least 0.
    pub weight: &'a [f64],
    /// Per feature: `Some(n)` where `x` holds level indices below `n`, which trees split as sets.
    pub levels: &'a [Option<usize>],
}

impl Problem<'_> {
    pub(super) fn check(&self) -> Result<()> {
        let (n, d) = self.x.dim();
        let bad = |m: &str| Err(Error::new(ErrorKind::Data, m));
        if n == 0 || d == 0 {
            return bad("there is nothing to train on: at least one row and one feature are needed");
        }
        if n > u32::MAX as usize / 16 {
            return bad("too many rows: at most 268,435,455 can be trained on");
        }
        if self.y.len() != n || self.weight.len() != n || self.levels.len() != d {
            return bad("labels, weights and columns must agree in length");
        }
        if self.n_classes < 2 || self.y.iter().any(|&c| c >= self.n_classes) {
            return bad("labels must be class indices, of at least two classes");
        }
        if self.weight.iter().any(|w| !(*w >= 0.0 && w.is_finite())) {
            return bad("weights must be finite and at least 0");
        }
        if self.x.iter().any(|v| v.is_infinite()) {
            return bad("features must be finite, or NaN for missing");
        }
        Ok(())
    }
}

/// A fitted model and how it came about.
#[derive(Clone, Debug)]
pub struct Fitted {
    /// The model.
    pub model: Model,
    /// Per feature of `x`, adding up to 1: trees: total gain of its splits; linear: |coefficient| times the column's
    /// standard deviation.
    pub importance: Vec<f64>,
    /// Boosting: mean log loss after each round, of fitted rows and of validation rows.
    pub curve: Vec<(f64, Option<f64>)>,
    /// Boosting: rounds kept.
    pub rounds: Option<usize>,
    /// What a person should know, e.g. that the fit did not converge.
    pub notes: Vec<String>,
}

impl Fitted {
    /// Per feature of `x` how many tests of trees ask it; none of a model without trees.
    pub fn splits(&self) -> Option<Vec<u64>> {
        let Model::Forest(forest) = &self.model else { return None };
        let mut out = vec![0; forest.n_features()];
        for tree in forest.plain() {
            for node in tree.nodes {
                if let PlainNode::Split { feature, .. } = node {
                    out[feature] += 1;
                }
            }
        }
        Some(out)
    }
}

/// Is told how far a long piece of work has come. May be called from any thread.
pub trait Progress: Sync {
    /// `done` of at most `total` steps of `stage`.
    fn step(&self, stage: &str, done: u64, total: u64);

    /// What the training rows were taken for, before anything is fitted. `profile`: their counts, per field and derived
    /// feature; no answers yet.
    fn inferred(&self, schema: &Schema, derived: &[Derived], profile: &Profile) {
        let _ = (schema, derived, profile);
    }

    /// An error where the work should end: it was interrupted, or has used up its time or memory. Trainers ask every few
    /// milliseconds, and hand the error on.
    fn proceed(&self) -> Result<()> {
        Ok(())
    }
}

/// Tells nobody.
impl Progress for () {
    fn step(&self, _: &str, _: u64, _: u64) {}
}

/// A part of a longer piece of work, which has one name for all its stages.
pub(crate) struct Within<'a> {
    whole: &'a dyn Progress,
    name: String,
}

impl<'a> Within<'a> {
    pub(crate) fn new(whole: &'a dyn Progress, name: String) -> Self {
        Within { whole, name }
    }
}

impl Progress for Within<'_> {
    fn step(&self, _: &str, done: u64, total: u64) {
        self.whole.step(&self.name, done, total);
    }

    fn proceed(&self) -> Result<()> {
        self.whole.proceed()
    }
}

/// Scaled to add up to 1; all 0 stays so.
pub(crate) fn normalised(mut v: Vec<f64>) -> Vec<f64> {
    let total: f64 = v.iter().sum();
    if total > 0.0 {
        v.iter_mut().for_each(|x| *x /= total);
    }
    v
}

/// The `stream`-th sequence of random numbers of a seed.
pub(crate) fn rng(seed: u64, stream: u64) -> rand_pcg::Pcg64Mcg {
    // SplitMix64's finaliser (Steele, Lea and Flood 2014) on both, so that neighbouring seeds and streams have nothing in common.
    let mix = |mut z: u64| {
        z = z.wrapping_add(0x9e37_79b9_7f4a_7c15);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    };
    let low = mix(seed ^ mix(stream));
    rand_pcg::Pcg64Mcg::new(u128::from(mix(low)) << 64 | u128::from(low))
}
