//! Permutation importance (L. Breiman, "Random Forests", 2001, section 10; `sklearn.inspection.permutation_importance`): how much
//! worse the answers to held-out rows become where one feature's values are dealt to other rows.
//!
//! What it becomes worse in is the mean log loss, in nats. A feature here is what the model reads: a field or a derived feature,
//! each by itself.

use super::answer::predict;
use super::{Progress, rng};
use crate::error::Result;
use crate::metrics::Answered;
use crate::metrics::Metrics;
use crate::model::Model;
use crate::pipeline::Encoders;
use crate::wire;
use ndarray::{Array2, ArrayView2, Axis};
use rand::seq::SliceRandom;
use serde::Serialize;

/// What dealing a feature's values anew costs.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Permuted {
    /// A field or a derived feature.
    pub name: String,
    /// By how much the mean log loss of held-out rows rises, in nats; the mean over repetitions. About 0 or below: not used.
    pub mean: f64,
    /// Its standard deviation over the repetitions.
    pub std: f64,
}

/// Most rows, and fewest where a model takes long to answer.
const MOST_ROWS: usize = 2000;
const FEWEST_ROWS: usize = 200;

/// Most numbers of a model that may be read for all answers.
const MOST_WORK: usize = 10_000_000_000;

/// Rows that judge a fitted model.
pub(super) struct Rows<'a> {
    /// rows x slots.
    pub(super) slots: ArrayView2<'a, f64>,
    pub(super) y: &'a [usize],
    pub(super) weight: Option<&'a [f64]>,
    pub(super) n_classes: usize,
}

/// Per slot that an encoder reads its importance, in the order of the slots; `name`: of a slot. Of many rows some are drawn.
pub(super) fn permutation(
    encoders: &Encoders,
    model: &Model,
    rows: &Rows<'_>,
    repeats: usize,
    seed: u64,
    name: impl Fn(usize) -> String,
    progress: &dyn Progress,
) -> Result<Vec<Permuted>> {
    let mut read: Vec<usize> = encoders.0.iter().map(|e| e.slot as usize).collect();
    read.sort_unstable();
    read.dedup();
    if repeats == 0 || read.is_empty() {
        return Ok(Vec::new());
    }
    let most = (MOST_WORK / (cost(model) * repeats * read.len())).clamp(FEWEST_ROWS, MOST_ROWS);
    let mut chosen: Vec<usize> = (0..rows.y.len()).collect();
    if chosen.len() > most {
        chosen.shuffle(&mut rng(seed, PERMUTE));
        chosen.truncate(most);
        chosen.sort_unstable();
    }
    let y: Vec<usize> = chosen.iter().map(|&i| rows.y[i]).collect();
    let weight: Option<Vec<f64>> = rows.weight.map(|w| chosen.iter().map(|&i| w[i]).collect());
    let weight = weight.filter(|w| w.iter().any(|w| *w > 0.0));
    let mut slots: Array2<f64> = rows.slots.select(Axis(0), &chosen);
    let loss = |slots: ArrayView2<'_, f64>| {
        let p = predict(encoders, model, slots, rows.n_classes);
        Metrics::weighed(&Answered { y: &y, probability: p.view(), weight: weight.as_deref(), threshold: None })
            .log_loss
    };
    let before = loss(slots.view());
    let total = (read.len() * repeats) as u64;
    let mut out = Vec::with_capacity(read.len());
    for (k, &slot) in read.iter().enumerate() {
        let own = slots.column(slot).to_vec();
        let mut rises = Vec::with_capacity(repeats);
        for r in 0..repeats {
            progress.proceed()?;
            let done = k * repeats + r;
            progress.step("permutation importance", done as u64, total);
            let mut dealt = own.clone();
            dealt.shuffle(&mut rng(seed, PERMUTE + 1 + done as u64));
            slots.column_mut(slot).iter_mut().zip(dealt).for_each(|(to, v)| *to = v);
            rises.push(loss(slots.view()) - before);
        }
        slots.column_mut(slot).iter_mut().zip(own).for_each(|(to, v)| *to = v);
        let mean = rises.iter().sum::<f64>() / repeats as f64;
        let squares: f64 = rises.iter().map(|v| (v - mean) * (v - mean)).sum();
        out.push(Permuted { name: name(slot), mean, std: (squares / repeats as f64).sqrt() });
    }
    Ok(out)
}

/// The first of the streams of random numbers that are used here; far from those of trainers.
const PERMUTE: u64 = 1 << 40;

/// About how many numbers of the model one answer reads.
fn cost(model: &Model) -> usize {
    match model {
        Model::Forest(forest) => forest.n_trees() * 16,
        model => wire::encode(model).map_or(usize::MAX >> 20, |bytes| bytes.len() / 8),
    }
    .max(1)
}

/// Importances of a model that has none of its own: what permuting costs, of all that costs anything; adding up to 1, largest
/// first.
pub(super) fn shares(permuted: &[Permuted]) -> Vec<(String, f64)> {
    let total: f64 = permuted.iter().map(|p| p.mean.max(0.0)).sum();
    let mut out: Vec<(String, f64)> =
        permuted.iter().filter(|p| p.mean > 0.0).map(|p| (p.name.clone(), p.mean / total)).collect();
    out.sort_by(|a, b| b.1.total_cmp(&a.1));
    out
}
