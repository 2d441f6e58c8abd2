//! Voting (`sklearn.ensemble.VotingClassifier(voting="soft")`).

use super::members::{self, Members};
use super::{Asked, check_numbers, error};
use crate::error::Result;
use crate::math::{BOUND, Lot};
use crate::pipeline::Slot;
use crate::wire::{Encode, decodes};

/// The weighted mean of members' probabilities.
#[derive(Clone, Debug, PartialEq, Encode)]
pub struct Voting {
    /// Whose probabilities are averaged.
    pub members: Members,
    /// One per member, at least 0, not all 0 (`weights=None`: all 1).
    pub weights: Vec<f64>,
}

decodes!(struct Voting { members, weights });

impl Voting {
    /// As `numpy.average` does: products added in the order of the members, then divided by the sum of the weights.
    pub(super) fn predict_proba(&self, x: &[f64], out: &mut [f64]) {
        let encoded = self.members.encode(x);
        let mut one = vec![0.0; out.len()];
        out.fill(0.0);
        for ((model, columns), weight) in self.members.over(&encoded).zip(&self.weights) {
            model.predict_proba(columns, &mut one);
            for (sum, p) in out.iter_mut().zip(&one) {
                *sum += p * weight;
            }
        }
        let total = self.total();
        out.iter_mut().for_each(|p| *p /= total);
    }

    fn total(&self) -> f64 {
        self.weights.iter().fold(0.0, |sum, w| sum + w)
    }

    #[inline(never)]
    pub(super) fn check(&self, level: u32) -> Result<()> {
        self.members.check(level, None, |_| Asked::Probability)?;
        check_numbers("weights", &self.weights, self.members.len())?;
        // Below it, products would lose digits, and the answer its sum.
        if self.weights.iter().any(|w| *w < 0.0) || self.total() < 1.0 / BOUND {
            return Err(error("a weight is negative, or all are 0"));
        }
        Ok(())
    }

    pub(super) fn fits(&self, columns: &[Slot]) -> Result<()> {
        self.members.fits(columns).map(drop)
    }
}

/// How a vote is run.
#[derive(Clone, Debug)]
pub(super) struct Fast {
    members: members::Fast,
    /// A member's probabilities.
    one: Vec<f64>,
}

impl Fast {
    pub fn new(m: &Voting) -> Fast {
        Fast { members: members::Fast::new(&m.members), one: Vec::new() }
    }

    /// As [`Voting::predict_proba`].
    #[inline(never)]
    pub fn probability(&mut self, m: &Voting, x: &[f64], lot: Lot, out: &mut [f64]) {
        self.members.encode(&m.members, x, lot);
        let n = m.members.n_classes();
        let one = lot.room(&mut self.one, n);
        lot.each(out, n, |_| 0.0);
        for (i, weight) in m.weights.iter().enumerate() {
            self.members.ask(&m.members, i, Asked::Probability, lot, one);
            lot.each_two(out, one, n, |sum, p| sum + p * weight);
        }
        let total = m.total();
        lot.each(out, n, |p| p / total);
    }
}
