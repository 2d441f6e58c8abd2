//! What has passed by: binned counts of slots and of answers.
//!
//! The trainer makes a **reference** of the training data ([`Profile::of`]) whose edges are frozen into the artifact; an engine
//! counts its traffic over the same edges ([`Counter`]), so two profiles of one artifact merge by addition and compare bin by bin.

mod counter;

pub use counter::Counter;

use crate::error::{Error, ErrorKind, Result};
use crate::expr::Type;
use crate::math::{self, BLOCK};
use crate::pipeline::Pipeline;
use crate::schema::{FieldKind, Schema};
use crate::wire::{Encode, decodes};
use counter::{Grid, nearest};
use ndarray::{ArrayView1, ArrayView2};

/// Bins of a number or a time: the reference's quantiles, so each holds about as much of it.
pub const BINS: usize = 64;

/// Most edges between them.
const EDGES: usize = BINS - 1;

/// Counts per slot (fields, then derived features) and of answers.
#[derive(Clone, Debug, PartialEq, Default, Encode)]
pub struct Profile {
    /// One per slot.
    pub slots: Vec<Counts>,
    /// Predicted class counts.
    pub predicted: Vec<u64>,
    /// Per class, its probability in ten equal bins; 1 is in the last.
    pub probability: Vec<[u64; 10]>,
}

decodes!(struct Profile { slots, predicted, probability });

/// One slot.
#[derive(Clone, Debug, PartialEq, Encode)]
pub struct Counts {
    /// Ascending inner edges (numbers, times: values of the reference; empty for categories and flags). Bin `k` holds
    /// `edges[k-1] < v <= edges[k]`, with open ends.
    pub edges: Vec<f64>,
    /// Numbers, times: `edges.len() + 1` bins. Category: one per level, then unknown. Flag: false, true.
    pub bins: Vec<u64>,
    /// Values counted: the sum of `bins`.
    pub n: u64,
    /// Missing values.
    pub missing: u64,
    /// Smallest value seen, or NaN. (Of an index where the slot is a category.)
    pub min: f64,
    /// Largest value seen, or NaN.
    pub max: f64,
    /// Mean of the values, taken within ±[`BOUND`](math::BOUND); 0 before the first.
    pub mean: f64,
    /// Sum of their squared deviations from the mean.
    pub m2: f64,
}

decodes!(struct Counts { edges, bins, n, missing, min, max, mean, m2 });

impl Profile {
    /// The reference: edges from the training data, and its counts. `slots`: rows x slots; `probability`: rows x classes,
    /// the model's answers for the same rows.
    pub fn of(
        schema: &Schema,
        pipeline: &Pipeline,
        slots: ArrayView2<'_, f64>,
        probability: ArrayView2<'_, f64>,
    ) -> Profile {
        let shapes = shapes(schema, pipeline);
        let counts = shapes.iter().zip(slots.columns()).map(|(shape, column)| {
            let edges = if shape.is_some() { Vec::new() } else { quantile_edges(column) };
            let bins = shape.unwrap_or(edges.len() + 1);
            let mut counts = Counts::empty(edges, bins);
            counts.count_all(&Grid::new(&counts.edges), column.iter().copied());
            counts
        });
        let n = probability.ncols();
        let mut profile = Profile { slots: counts.collect(), predicted: vec![0; n], probability: vec![[0; 10]; n] };
        let mut answer = vec![0.0; n];
        for row in probability.rows() {
            answer.iter_mut().zip(row).for_each(|(to, p)| *to = *p);
            profile.observe_answer(&answer, None);
        }
        profile
    }

    /// The same counts of slots, no answer counted.
    #[must_use]
    pub fn unanswered(mut self) -> Profile {
        self.predicted.fill(0);
        self.probability.fill([0; 10]);
        self
    }

    /// The same edges, nothing counted.
    #[inline(never)]
    pub fn fresh(&self) -> Profile {
        Profile {
            slots: self.slots.iter().map(|c| Counts::empty(c.edges.clone(), c.bins.len())).collect(),
            predicted: vec![0; self.predicted.len()],
            probability: vec![[0; 10]; self.probability.len()],
        }
    }

    /// Counts one answer. `threshold`: see [`math::decide`].
    pub fn observe_answer(&mut self, probability: &[f64], threshold: Option<f64>) {
        if let Some(count) = self.predicted.get_mut(math::decide(probability, threshold)) {
            *count = count.saturating_add(1);
        }
        for (bins, p) in self.probability.iter_mut().zip(probability) {
            bins[usize::from(tenth(*p)).min(9)] += 1;
        }
    }

    /// Counts the answers of those rows (at most [`BLOCK`]) that are wanted. `probability`: a column per class, at least as long.
    fn observe_answers<'a>(
        &mut self,
        probability: impl Iterator<Item = &'a [f64]>,
        wanted: &[bool],
        threshold: Option<f64>,
    ) {
        let (mut class, mut most) = ([0u32; BLOCK], [f64::NEG_INFINITY; BLOCK]);
        let mut tenths = [0u8; BLOCK];
        for (k, (bins, column)) in self.probability.iter_mut().zip(probability).enumerate() {
            let column = &column[..wanted.len()];
            for ((class, most), p) in class.iter_mut().zip(&mut most).zip(column) {
                *class = if *p > *most { k as u32 } else { *class };
                *most = if *p > *most { *p } else { *most };
            }
            if let (1, Some(threshold)) = (k, threshold) {
                class.iter_mut().zip(column).for_each(|(class, p)| *class = u32::from(*p >= threshold));
            }
            for (to, p) in tenths.iter_mut().zip(column) {
                *to = tenth(*p);
            }
            for (tenth, _) in tenths.iter().zip(wanted).filter(|(_, wanted)| **wanted) {
                bins[usize::from(*tenth).min(9)] += 1;
            }
        }
        for (class, _) in class.iter().zip(wanted).filter(|(_, wanted)| **wanted) {
            if let Some(count) = self.predicted.get_mut(*class as usize) {
                *count += 1;
            }
        }
    }

    /// Adds what another profile of the same artifact has counted.
    pub fn merge(&mut self, other: &Profile) -> Result<()> {
        let fits = |(a, b): (&Counts, &Counts)| a.bins.len() == b.bins.len() && a.edges == b.edges;
        if self.slots.len() != other.slots.len()
            || self.predicted.len() != other.predicted.len()
            || self.probability.len() != other.probability.len()
            || !self.slots.iter().zip(&other.slots).all(fits)
        {
            return Err(broken("profiles merge only over the same edges: these are of different artifacts"));
        }
        for (a, b) in self.slots.iter_mut().zip(&other.slots) {
            a.merge(b);
        }
        add(&mut self.predicted, &other.predicted);
        for (a, b) in self.probability.iter_mut().zip(&other.probability) {
            add(a, b);
        }
        Ok(())
    }

    /// Proves a decoded profile against its artifact.
    #[inline(never)]
    pub fn check(&self, schema: &Schema, pipeline: &Pipeline, n_classes: usize) -> Result<()> {
        let shapes = shapes(schema, pipeline);
        if self.slots.len() != shapes.len() || self.predicted.len() != n_classes || self.probability.len() != n_classes
        {
            return Err(broken("it counts other slots or classes than the model has"));
        }
        for (i, (counts, shape)) in self.slots.iter().zip(shapes).enumerate() {
            counts.check(shape).map_err(|e| e.context(format!("slot {i}")))?;
        }
        if total(&self.predicted).is_none() || self.probability.iter().any(|bins| total(bins).is_none()) {
            return Err(broken("a count is past 2^53"));
        }
        Ok(())
    }
}

impl Counts {
    fn empty(edges: Vec<f64>, bins: usize) -> Counts {
        Counts { edges, bins: vec![0; bins], n: 0, missing: 0, min: f64::NAN, max: f64::NAN, mean: 0.0, m2: 0.0 }
    }

    /// Whether the slot holds indices (a category, a flag), each with its own bin.
    pub fn is_indexed(&self) -> bool {
        self.edges.is_empty() && self.bins.len() > 1
    }

    /// The share that was missing; 0 of nothing.
    pub fn missing_rate(&self) -> f64 {
        let all = self.n.saturating_add(self.missing);
        if all == 0 { 0.0 } else { self.missing as f64 / all as f64 }
    }

    /// A value in the middle: for indices the most frequent one (of equals the first), otherwise the upper edge of the bin in
    /// which the median lies. `None` of nothing.
    pub fn typical(&self) -> Option<f64> {
        if self.n == 0 {
            return None;
        }
        if self.is_indexed() {
            let most = self.bins.iter().max()?;
            return self.bins.iter().position(|c| c == most).map(|k| k as f64);
        }
        let mut seen = 0u64;
        let k = self.bins.iter().position(|c| {
            seen = seen.saturating_add(*c);
            seen >= self.n.div_ceil(2)
        })?;
        // Not `clamp`, whose panic would bring the formatting of floats into the wasm build.
        Some(self.edges.get(k).copied().unwrap_or(self.max).max(self.min).min(self.max))
    }

    /// Adds `other`'s counts; moments by T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating Formulae and a Pairwise Algorithm for
    /// Computing Sample Variances" (1979), equation 2.1.
    fn merge(&mut self, other: &Counts) {
        let (na, nb) = (self.n as f64, other.n as f64);
        if nb > 0.0 {
            let delta = other.mean - self.mean;
            let n = na + nb;
            self.mean += delta * (nb / n);
            self.m2 = (self.m2 + other.m2 + delta * delta * (na * nb / n)).min(f64::MAX);
        }
        add(&mut self.bins, &other.bins);
        self.n = self.n.saturating_add(other.n);
        self.missing = self.missing.saturating_add(other.missing);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    #[inline(never)]
    fn check(&self, shape: Option<usize>) -> Result<()> {
        let bins = match shape {
            Some(bins) if self.edges.is_empty() => bins,
            Some(_) => return Err(broken("a category or a flag has bins of its own and no edges")),
            None => self.edges.len() + 1,
        };
        if self.bins.len() != bins {
            return Err(broken(format!("it has {} bins where {bins} belong", self.bins.len())));
        }
        if self.edges.len() > EDGES {
            return Err(broken(format!("it has {} edges, more than {EDGES}", self.edges.len())));
        }
        if self.edges.iter().any(|e| !e.is_finite()) || self.edges.windows(2).any(|w| w[0] >= w[1]) {
            return Err(broken("its edges are not ascending numbers"));
        }
        if total(&self.bins) != Some(self.n) || self.missing > MAX_COUNT {
            return Err(broken("its counts do not add up, or are past 2^53"));
        }
        let sound = if self.n == 0 {
            self.min.is_nan() && self.max.is_nan() && self.mean == 0.0 && self.m2 == 0.0
        } else {
            self.min.is_finite()
                && self.max.is_finite()
                && self.min <= self.max
                && self.mean.is_finite()
                && self.m2 >= 0.0
        };
        if sound { Ok(()) } else { Err(broken("its minimum, maximum and moments do not fit its counts")) }
    }
}

/// Whole numbers up to here are exact in an f64.
const MAX_COUNT: u64 = 1 << 53;

/// The sum, unless it is past 2^53.
fn total(counts: &[u64]) -> Option<u64> {
    counts.iter().try_fold(0u64, |sum, c| sum.checked_add(*c)).filter(|sum| *sum <= MAX_COUNT)
}

/// The tenth, from 0, in which a probability lies; 1 is past the last.
#[inline(always)]
fn tenth(p: f64) -> u8 {
    let at = p * 10.0;
    let near = nearest(at);
    // The nearest whole number may be the next.
    (near - u32::from(f64::from(near) > at)) as u8
}

fn add(to: &mut [u64], from: &[u64]) {
    for (a, b) in to.iter_mut().zip(from) {
        *a = a.saturating_add(*b);
    }
}

/// Per slot the number of bins of a category or a flag, or `None` for a number or a time, whose bins lie between edges.
fn shapes(schema: &Schema, pipeline: &Pipeline) -> Vec<Option<usize>> {
    let fields = schema.fields.iter().map(|field| match &field.kind {
        FieldKind::Number { .. } | FieldKind::Time => None,
        FieldKind::Category { levels, .. } => Some(levels.len() + 1),
        FieldKind::Flag => Some(2),
    });
    fields.chain(pipeline.derived.iter().map(|d| (d.expr.ty == Type::Flag).then_some(2))).collect()
}

/// At most `BINS - 1` ascending edges, each a value of the column: all values but the largest where there are few, otherwise the
/// order statistics that cut it into [`BINS`] parts of about the same size. NaN is left out.
fn quantile_edges(column: ArrayView1<'_, f64>) -> Vec<f64> {
    let mut values: Vec<f64> = column.iter().copied().filter(|v| !v.is_nan()).collect();
    values.sort_unstable_by(f64::total_cmp);
    let mut distinct = values.clone();
    distinct.dedup();
    if distinct.len() > BINS {
        distinct = (1..BINS).map(|k| values[(k * values.len()).div_ceil(BINS) - 1]).collect();
        distinct.dedup();
    } else {
        distinct.pop();
        return distinct;
    }
    // The largest value is no edge: the last bin is open.
    distinct.pop_if(|last| Some(&*last) == values.last());
    distinct
}

#[inline(never)]
fn broken(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Artifact, message)
}

#[cfg(test)]
mod tests;
