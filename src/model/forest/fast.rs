//! The fast form of a forest: layouts made when they are first needed.

use super::batch::Batch;
use super::ranked::Ranked;
use super::single::Single;
use super::{Forest, Link};
use crate::math::Lot;

/// What a forest is run by. Equal to the reference in every bit, natively and in wasm.
#[derive(Clone, Debug, Default)]
pub struct Fast {
    ranked: Option<Ranked>,
    pub(super) batch: Option<Batch>,
    single: Single,
}

impl Fast {
    /// Nothing is laid out yet.
    pub fn new() -> Fast {
        Fast::default()
    }

    /// As [`Forest::margin`], of one row or a block: n_features columns → n_outputs columns. May write `out` past the rows.
    pub(in crate::model) fn margin(&mut self, forest: &Forest, x: &[f64], lot: Lot, out: &mut [f64]) {
        let out = &mut out[..forest.n_outputs() * lot.stride];
        if lot.stride == 1 {
            self.single.margin(forest, &mut self.ranked, x, out);
        } else {
            let ranked = self.ranked.get_or_insert_with(|| Ranked::new(forest));
            self.batch.get_or_insert_with(|| Batch::new(forest)).margin(forest, ranked, x, lot.rows, out);
        }
    }
}

impl Forest {
    /// From [`margin`](Self::margin) to probabilities, in place: n_outputs columns become n_classes.
    pub(in crate::model) fn link_lot(&self, lot: Lot, out: &mut [f64]) {
        let n = self.n_classes();
        match self.link() {
            Link::Average => {
                let trees = self.n_trees() as f64;
                lot.each(out, n, |p| p / trees);
            }
            Link::Identity => {
                lot.each(out, 1, |p| p.clamp(0.0, 1.0));
                lot.binary(out);
            }
            Link::Sigmoid => {
                lot.sigmoid(out, 1);
                lot.binary(out);
            }
            Link::Softmax => lot.softmax(out, n),
            Link::OneVsRest => lot.one_vs_rest(out, n),
        }
    }
}
