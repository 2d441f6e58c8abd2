//! What has passed by: binned counts of slots and of answers.
//!
//! The trainer makes a **reference** of the training data ([`Profile::of`]) whose edges are frozen into the artifact; an engine
//! counts its traffic over the same edges ([`Profile::fresh`], [`Profile::observe`]), so two profiles of one artifact merge by addition
//! and compare bin by bin.

use crate::error::{Error, ErrorKind, Result};
use crate::expr::Type;
use crate::math;
use crate::pipeline::Pipeline;
use crate::schema::{FieldKind, Schema};
use crate::wire::{Decode, Encode};
use ndarray::{ArrayView1, ArrayView2};

/// Bins of a number or a time: the reference's quantiles, so each holds about as much of it.
pub const BINS: usize = 64;

/// Counts per slot (fields, then derived features) and of answers.
#[derive(Clone, Debug, PartialEq, Default, Encode, Decode)]
pub struct Profile {
    /// One per slot.
    pub slots: Vec<Counts>,
    /// Predicted class counts.
    pub predicted: Vec<u64>,
    /// Per class, its probability in ten equal bins; 1 is in the last.
    pub probability: Vec<[u64; 10]>,
}

/// One slot.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
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
    /// Mean, 0 before the first value. B. P. Welford, "Note on a Method for Calculating Corrected Sums of Squares and
    /// Products", Technometrics 4 (1962).
    pub mean: f64,
    /// Sum of squared deviations from the mean, by the same.
    pub m2: f64,
}

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
        let counts = shapes.iter().zip(slots.columns()).map(|(shape, column)| match shape {
            Some(bins) => Counts::empty(Vec::new(), *bins),
            None => {
                let edges = quantile_edges(column);
                let bins = edges.len() + 1;
                Counts::empty(edges, bins)
            }
        });
        let n = probability.ncols();
        let mut profile = Profile { slots: counts.collect(), predicted: vec![0; n], probability: vec![[0; 10]; n] };
        let mut row = Vec::new();
        for (values, answer) in slots.rows().into_iter().zip(probability.rows()) {
            row.clear();
            row.extend(values);
            profile.observe(&row);
            row.clear();
            row.extend(answer);
            profile.observe_answer(&row);
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
    pub fn fresh(&self) -> Profile {
        Profile {
            slots: self.slots.iter().map(|c| Counts::empty(c.edges.clone(), c.bins.len())).collect(),
            predicted: vec![0; self.predicted.len()],
            probability: vec![[0; 10]; self.probability.len()],
        }
    }

    /// Counts one row's slots.
    pub fn observe(&mut self, slots: &[f64]) {
        for (counts, v) in self.slots.iter_mut().zip(slots) {
            counts.observe(*v);
        }
    }

    /// Counts the slots of those of the first `rows` rows of a block (see [`math::BLOCK`]) that are wanted. `slots`: a column
    /// per slot.
    pub fn observe_block(&mut self, slots: &[f64], rows: usize, wanted: &[bool]) {
        for (counts, column) in self.slots.iter_mut().zip(slots.chunks_exact(math::BLOCK)) {
            let values = column[..rows].iter().zip(wanted);
            values.filter(|(_, wanted)| **wanted).for_each(|(v, _)| counts.observe(*v));
        }
    }

    /// Counts the answers of those rows. `probability`: a column per class.
    pub fn observe_answers(&mut self, probability: &[f64], rows: usize, wanted: &[bool]) {
        let mut one = vec![0.0; self.probability.len()];
        for row in (0..rows).filter(|row| wanted[*row]) {
            for (v, column) in one.iter_mut().zip(probability.chunks_exact(math::BLOCK)) {
                *v = column[row];
            }
            self.observe_answer(&one);
        }
    }

    /// Counts one answer.
    pub fn observe_answer(&mut self, probability: &[f64]) {
        if let Some(count) = self.predicted.get_mut(math::argmax(probability)) {
            *count = count.saturating_add(1);
        }
        for (bins, p) in self.probability.iter_mut().zip(probability) {
            // Within 0..=1, so the cast is exact in range; 1 belongs to the last bin.
            let bin = &mut bins[((p * 10.0) as usize).min(9)];
            *bin = bin.saturating_add(1);
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

    /// Counts one value; NaN is a missing one.
    fn observe(&mut self, v: f64) {
        if v.is_nan() {
            self.missing = self.missing.saturating_add(1);
            return;
        }
        let last = self.bins.len() - 1;
        let k = if self.is_indexed() { (v as usize).min(last) } else { self.edges.partition_point(|e| *e < v) };
        self.bins[k] = self.bins[k].saturating_add(1);
        self.n = self.n.saturating_add(1);
        self.min = self.min.min(v);
        self.max = self.max.max(v);
        // Bounded, so that the squares of absurd values stay finite.
        let v = math::bounded(v);
        let delta = v - self.mean;
        self.mean += delta / self.n as f64;
        self.m2 += delta * (v - self.mean);
    }

    /// Adds `other`'s counts; moments by T. F. Chan, G. H. Golub, R. J. LeVeque, "Updating Formulae and a Pairwise Algorithm for
    /// Computing Sample Variances" (1979), equation 2.1.
    fn merge(&mut self, other: &Counts) {
        let (na, nb) = (self.n as f64, other.n as f64);
        if nb > 0.0 {
            let delta = other.mean - self.mean;
            let n = na + nb;
            self.mean += delta * (nb / n);
            self.m2 += other.m2 + delta * delta * (na * nb / n);
        }
        add(&mut self.bins, &other.bins);
        self.n = self.n.saturating_add(other.n);
        self.missing = self.missing.saturating_add(other.missing);
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
    }

    fn check(&self, shape: Option<usize>) -> Result<()> {
        let bins = match shape {
            Some(bins) if self.edges.is_empty() => bins,
            Some(_) => return Err(broken("a category or a flag has bins of its own and no edges")),
            None => self.edges.len() + 1,
        };
        if self.bins.len() != bins {
            return Err(broken(format!("it has {} bins where {bins} belong", self.bins.len())));
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

fn broken(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Artifact, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pipeline::Encoders;
    use crate::schema::{Extra, Field};
    use ndarray::Array2;
    use proptest::prelude::*;

    fn schema() -> Schema {
        let field = |name: &str, kind| Field { name: name.into(), kind, required: false };
        let levels = vec!["a".to_owned(), "b".to_owned()].into();
        Schema {
            fields: vec![
                field("number", FieldKind::Number { min: None, max: None }),
                field("category", FieldKind::Category { levels, unknown: crate::schema::Unknown::Admit }),
                field("flag", FieldKind::Flag),
            ],
            extra: Extra::Ignore,
        }
    }

    fn pipeline() -> Pipeline {
        Pipeline { derived: Vec::new(), encoders: Encoders(Vec::new()) }
    }

    /// Of numbers alone; the category takes 0, 1, 2 (unknown), missing in turn, the flag 0, 0, 1, missing.
    fn profile(numbers: &[f64]) -> Profile {
        let turn = |i: usize, of: [f64; 4]| of[i % 4];
        let row = |(i, v): (usize, &f64)| [*v, turn(i, [0.0, 1.0, 2.0, f64::NAN]), turn(i, [0.0, 0.0, 1.0, f64::NAN])];
        let slots: Vec<f64> = numbers.iter().enumerate().flat_map(row).collect();
        let answers: Vec<f64> =
            (0..numbers.len()).flat_map(|i| [0.25, 0.75, 1.0, 0.0][2 * (i % 2)..][..2].to_vec()).collect();
        let n = numbers.len();
        let slots = Array2::from_shape_vec((n, 3), slots).unwrap();
        let answers = Array2::from_shape_vec((n, 2), answers).unwrap();
        Profile::of(&schema(), &pipeline(), slots.view(), answers.view())
    }

    #[test]
    fn edges_are_values_that_cut_the_reference_into_equal_parts() {
        let numbers: Vec<f64> = (0..6400).map(|i| f64::from((i * 2311) % 6400)).collect();
        let counts = &profile(&numbers).slots[0];
        assert_eq!((counts.edges.len(), counts.bins.len()), (BINS - 1, BINS));
        assert!(counts.bins.iter().all(|c| *c == 100), "{:?}", counts.bins);
        assert_eq!((counts.edges[0], counts.edges[62]), (99.0, 6299.0));
        assert_eq!((counts.min, counts.max, counts.n, counts.typical()), (0.0, 6399.0, 6400, Some(3199.0)));
        assert!((counts.mean - 3199.5).abs() < 1e-9);
        // The variance of 0..n is (n^2 - 1) / 12.
        assert!((counts.m2 / 6400.0 / ((6400.0 * 6400.0 - 1.0) / 12.0) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn few_values_have_a_bin_each() {
        let counts = &profile(&[3.0, 1.0, f64::NAN, 2.0, 1.0, 1.0]).slots[0];
        assert_eq!((&counts.edges[..], &counts.bins[..], counts.missing), (&[1.0, 2.0][..], &[3, 1, 1][..], 1));
        assert_eq!((counts.typical(), counts.missing_rate()), (Some(1.0), 1.0 / 6.0));
        // One heavy value takes many quantiles and still is one edge.
        let heavy: Vec<f64> = (0..1000).map(|i| f64::from(if i < 900 { 0 } else { i })).collect();
        let counts = &profile(&heavy).slots[0];
        assert_eq!((counts.edges[0], counts.bins[0]), (0.0, 900));
        assert!(counts.edges.len() < 10);
    }

    #[test]
    fn indices_have_a_bin_each_and_the_unknown_its_own() {
        let p = profile(&[0.0; 9]);
        assert_eq!((&p.slots[1].bins[..], p.slots[1].missing), (&[3, 2, 2][..], 2));
        assert_eq!((&p.slots[2].bins[..], p.slots[2].missing), (&[5, 2][..], 2));
        assert_eq!((p.slots[1].typical(), p.slots[2].typical()), (Some(0.0), Some(0.0)));
        assert_eq!(p.predicted, [4, 5]);
        assert_eq!((p.probability[1][7], p.probability[1][0], p.probability[0][9]), (5, 4, 4));
        assert!(!p.slots[0].is_indexed() && p.slots[1].is_indexed());
    }

    #[test]
    fn nothing_seen_is_nothing_said() {
        let p = profile(&[f64::NAN, f64::NAN]);
        assert_eq!((p.slots[0].typical(), p.slots[0].missing_rate(), p.slots[0].bins.len()), (None, 1.0, 1));
        p.check(&schema(), &pipeline(), 2).unwrap();
        let none = p.fresh();
        none.check(&schema(), &pipeline(), 2).unwrap();
        assert_eq!((none.slots[0].missing_rate(), none.slots[1].typical()), (0.0, None));
    }

    #[test]
    fn profiles_of_other_edges_do_not_merge() {
        let mut p = profile(&[1.0, 2.0]);
        let e = p.merge(&profile(&[1.0, 3.0, 4.0])).unwrap_err();
        assert_eq!(e.to_string(), "profiles merge only over the same edges: these are of different artifacts");
    }

    proptest! {
        /// Two halves merged are the whole; and every number, however absurd, leaves a profile that is sound.
        #[test]
        fn merging_is_counting_together(values in prop::collection::vec(any::<f64>(), 1..200), cut in any::<prop::sample::Index>()) {
            let finite = |v: &f64| if v.is_finite() { *v + 0.0 } else { f64::NAN };
            let values: Vec<f64> = values.iter().map(finite).collect();
            let reference = profile(&values);
            reference.check(&schema(), &pipeline(), 2).unwrap();
            let of = |values: &[f64]| {
                let mut p = reference.fresh();
                for v in values {
                    p.observe(&[*v, 0.0, 1.0]);
                    p.observe_answer(&[0.5, 0.5]);
                }
                p
            };
            let (whole, (a, b)) = (of(&values), values.split_at(cut.index(values.len())));
            let mut merged = of(a);
            merged.merge(&of(b)).unwrap();
            merged.check(&schema(), &pipeline(), 2).unwrap();
            prop_assert_eq!(&merged.predicted, &whole.predicted);
            let (m, w) = (&merged.slots[0], &whole.slots[0]);
            prop_assert_eq!((&m.bins, m.n, m.missing), (&w.bins, w.n, w.missing));
            prop_assert_eq!((math::bits(m.min), math::bits(m.max)), (math::bits(w.min), math::bits(w.max)));
            let scale = values.iter().fold(0.0, |s: f64, v| s.max(math::bounded(*v).abs()));
            prop_assert!((m.mean - w.mean).abs() <= 1e-9 * scale, "{} {}", m.mean, w.mean);
            prop_assert!((m.m2 - w.m2).abs() <= 1e-9 * w.m2.max(scale * scale), "{} {}", m.m2, w.m2);
        }
    }
}
