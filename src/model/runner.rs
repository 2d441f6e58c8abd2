//! How a model is run: its fast form, made when it is first needed, and the room it works in.
//!
//! [`Model::predict_proba`] is the reference: plain, obvious, allocating. A [`Runner`] gives the same answers in every bit
//! (`tests/contract.rs` holds the two equal over all models), for one row or for a block of them.

use super::Model;
use super::forest::Fast;
use crate::math::BLOCK;

/// What one model computes with besides itself. Made by [`Runner::new`] of the model that every call names.
#[derive(Clone, Debug)]
pub struct Runner {
    x: Vec<f64>,
    p: Vec<f64>,
    forest: Fast,
}

impl Runner {
    /// For this model.
    pub fn new(model: &Model) -> Runner {
        Runner { x: vec![0.0; model.n_features()], p: vec![0.0; model.n_classes()], forest: Fast::new() }
    }

    /// One row: as [`Model::predict_proba`], in every bit. `x`: (n_features,) -> `out`: (n_classes,).
    pub fn predict_proba(&mut self, model: &Model, x: &[f64], out: &mut [f64]) {
        match model {
            Model::Forest(m) => self.forest.row(m, x, out),
            _ => model.predict_proba(x, out),
        }
    }

    /// A block: each row as [`Model::predict_proba`], in every bit. `x`: n_features columns, `out`: n_classes columns of
    /// [`BLOCK`] numbers, of which the first `rows` (1 to [`BLOCK`]) count. May write `out` past the rows.
    pub fn predict_block(&mut self, model: &Model, x: &[f64], rows: usize, out: &mut [f64]) {
        if let Model::Forest(forest) = model {
            return self.forest.block(forest, x, rows, out);
        }
        for row in 0..rows {
            for (v, column) in self.x.iter_mut().zip(x.chunks_exact(BLOCK)) {
                *v = column[row];
            }
            model.predict_proba(&self.x, &mut self.p);
            for (column, p) in out.chunks_exact_mut(BLOCK).zip(&self.p) {
                column[row] = *p;
            }
        }
    }
}
