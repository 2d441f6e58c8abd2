//! What has passed by: binned counts of fields and of predictions, over edges frozen at training, so that two profiles of the
//! same artifact merge by addition.
use crate::wire::{Decode, Encode};

/// Counts per slot (fields, then derived) and of answers.
#[derive(Clone, Debug, PartialEq, Default, Encode, Decode)]
pub struct Profile {
    /// One per slot.
    pub slots: Vec<Counts>,
    /// Predicted class counts.
    pub predicted: Vec<u64>,
    /// Per class, its probability in ten equal bins.
    pub probability: Vec<[u64; 10]>,
}

/// One slot.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Counts {
    /// Ascending inner edges (numbers, times: quantiles of the reference; empty for categories and flags). Bin `k` holds
    /// `edges[k-1] < v <= edges[k]`, with open ends.
    pub edges: Vec<f64>,
    /// Numbers, times: `edges.len() + 1` bins. Category: one per level, then unknown. Flag: false, true.
    pub bins: Vec<u64>,
    /// Missing values.
    pub missing: u64,
    /// Smallest value seen, or NaN.
    pub min: f64,
    /// Largest value seen, or NaN.
    pub max: f64,
    /// Mean (Welford).
    pub mean: f64,
    /// Sum of squared deviations (Welford); merged by Chan's formula.
    pub m2: f64,
}
