//! From an estimator over columns to encoders and a model over slots.

use super::{Estimator, Foreign, error};
use crate::error::Result;
use crate::model::Model;
use crate::pipeline::Encoders;

/// What [`lower`] gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Lowered {
    /// Features to compute after the schema's own, by name and as SQL: what no encoder does.
    pub derived: Vec<(String, String)>,
    /// From slots to `x`.
    pub encoders: Encoders,
    /// From `x` to probabilities.
    pub model: Model,
    /// A forest: per tree, the library's numbers of its leaves by our `leaf_ids`. Empty where the library gives none.
    pub leaves: Vec<Vec<u32>>,
}

/// Compiles `foreign.estimator`. `slots`: for each input the name and the index of its slot; `n_slots`: how many there are before those
/// of [`Lowered::derived`].
pub fn lower(foreign: &Foreign, slots: &[(String, usize)], n_slots: usize) -> Result<Lowered> {
    let _: (&Estimator, _, _) = (&foreign.estimator, slots, n_slots);
    Err(error("not lowered yet"))
}
