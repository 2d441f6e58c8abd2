//! The fast form of a forest: layouts made when they are first needed.

use super::Forest;
use super::batch::Batch;
use super::ranked::Ranked;
use super::single::Single;

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

    /// One row: as [`Model::predict_proba`](crate::model::Model::predict_proba). `x`: (n_features,) → `out`: (n_classes,).
    pub fn row(&mut self, forest: &Forest, x: &[f64], out: &mut [f64]) {
        self.single.margin(forest, &mut self.ranked, x, &mut out[..forest.n_outputs()]);
        forest.finish(out);
    }

    /// A block: each row as [`Model::predict_proba`](crate::model::Model::predict_proba). `x`: n_features columns, `out`: n_classes columns of
    /// [`BLOCK`](crate::math::BLOCK) numbers, of which the first `rows` (1 to `BLOCK`) count. May write `out` past the rows.
    pub fn block(&mut self, forest: &Forest, x: &[f64], rows: usize, out: &mut [f64]) {
        let ranked = self.ranked.get_or_insert_with(|| Ranked::new(forest));
        self.batch.get_or_insert_with(|| Batch::new(forest)).block(forest, ranked, x, rows, out);
    }
}
