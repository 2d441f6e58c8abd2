//! How a model is run: its fast form, made when it is first needed, and the room it works in.
//!
//! [`Model::predict_proba`] is the reference: plain, obvious, allocating. A [`Runner`] gives the same answers in every bit
//! (`tests/contract.rs` holds the two equal over all models), for one row or for a block of them.

use super::{Asked, Model, bayes, calibration, forest, linear, mlp, stacking, svm, voting};
use crate::math::{Lot, bounded};

/// What one model computes with besides itself. Made by [`Runner::new`] of the model that every call names.
#[derive(Clone, Debug)]
pub struct Runner {
    kind: Kind,
    /// A column per class, where a call asks for less than that.
    room: Vec<f64>,
}

#[derive(Clone, Debug)]
enum Kind {
    Forest(Box<forest::Fast>),
    Logistic(linear::Fast),
    Svm(Box<svm::Fast>),
    Mlp(mlp::Fast),
    NaiveBayes(bayes::Fast),
    Stacking(Box<stacking::Fast>),
    Calibrated(Box<calibration::Fast>),
    Voting(Box<voting::Fast>),
}

impl Runner {
    /// For this model. Costs next to nothing: layouts are made at first use.
    pub fn new(model: &Model) -> Runner {
        let kind = match model {
            Model::Forest(_) => Kind::Forest(Box::new(forest::Fast::new())),
            Model::Logistic(_) => Kind::Logistic(linear::Fast::default()),
            Model::Svm(_) => Kind::Svm(Box::default()),
            Model::Mlp(_) => Kind::Mlp(mlp::Fast::default()),
            Model::NaiveBayes(_) => Kind::NaiveBayes(bayes::Fast::default()),
            Model::Stacking(m) => Kind::Stacking(Box::new(stacking::Fast::new(m))),
            Model::Calibrated(m) => Kind::Calibrated(Box::new(calibration::Fast::new(m))),
            Model::Voting(m) => Kind::Voting(Box::new(voting::Fast::new(m))),
        };
        Runner { kind, room: Vec::new() }
    }

    /// One row: as [`Model::predict_proba`], in every bit. `x`: (n_features,) -> `out`: (n_classes,).
    pub fn predict_proba(&mut self, model: &Model, x: &[f64], out: &mut [f64]) {
        self.probability(model, x, Lot::ONE, out);
    }

    /// A block: each row as [`Model::predict_proba`], in every bit. `x`: n_features columns, `out`: n_classes columns of
    /// [`BLOCK`](crate::math::BLOCK) numbers, of which the first `rows` (1 to `BLOCK`) count. May write `out` past the rows.
    pub fn predict_block(&mut self, model: &Model, x: &[f64], rows: usize, out: &mut [f64]) {
        self.probability(model, x, Lot::block(rows), out);
    }

    /// What is asked of a member, to [`Asked::width`] columns.
    pub(super) fn ask(&mut self, model: &Model, asked: Asked, x: &[f64], lot: Lot, out: &mut [f64]) {
        let out = &mut out[..asked.width(model.n_classes()) * lot.stride];
        match asked {
            Asked::Probability => self.probability(model, x, lot, out),
            Asked::Class => self.class(model, x, lot, out),
            Asked::Margin => self.margin(model, x, lot, out),
        }
    }

    fn probability(&mut self, model: &Model, x: &[f64], lot: Lot, out: &mut [f64]) {
        match (&mut self.kind, model) {
            (Kind::Forest(fast), Model::Forest(m)) => {
                fast.margin(m, x, lot, out);
                m.link_lot(lot, out);
            }
            (Kind::Logistic(fast), Model::Logistic(m)) => fast.probability(m, x, lot, out),
            (Kind::Svm(fast), Model::Svm(m)) => fast.ask(m, Asked::Probability, x, lot, out),
            (Kind::Mlp(fast), Model::Mlp(m)) => fast.probability(m, x, lot, out),
            (Kind::NaiveBayes(fast), Model::NaiveBayes(m)) => fast.probability(m, x, lot, out),
            (Kind::Stacking(fast), Model::Stacking(m)) => fast.ask(m, Asked::Probability, x, lot, out),
            (Kind::Calibrated(fast), Model::Calibrated(m)) => fast.probability(m, x, lot, out),
            (Kind::Voting(fast), Model::Voting(m)) => fast.probability(m, x, lot, out),
            _ => {
                *self = Runner::new(model);
                self.probability(model, x, lot, out);
            }
        }
    }

    /// As [`Model::predict`], to one column.
    fn class(&mut self, model: &Model, x: &[f64], lot: Lot, out: &mut [f64]) {
        match (&mut self.kind, model) {
            (Kind::Svm(fast), Model::Svm(m)) => fast.ask(m, Asked::Class, x, lot, out),
            (Kind::Stacking(fast), Model::Stacking(m)) => fast.ask(m, Asked::Class, x, lot, out),
            _ => {
                let n = model.n_classes();
                let mut all = std::mem::take(&mut self.room);
                let room = lot.room(&mut all, n);
                self.probability(model, x, lot, room);
                lot.argmax(room, n, out);
                self.room = all;
            }
        }
    }

    /// As [`Model::margin`].
    fn margin(&mut self, model: &Model, x: &[f64], lot: Lot, out: &mut [f64]) {
        let room = &mut self.room;
        match (&mut self.kind, model) {
            (Kind::Forest(fast), Model::Forest(m)) if model.has_margin() => {
                one_or_all(m.n_outputs(), lot, room, out, |out| fast.margin(m, x, lot, out));
            }
            (Kind::Logistic(fast), Model::Logistic(m)) => {
                one_or_all(m.coef.rows, lot, room, out, |out| fast.margin(m, x, lot, out));
            }
            (Kind::Svm(fast), Model::Svm(m)) => fast.ask(m, Asked::Margin, x, lot, out),
            (Kind::Stacking(fast), Model::Stacking(m)) => fast.ask(m, Asked::Margin, x, lot, out),
            _ => lot.each(out, Asked::Margin.width(model.n_classes()), |_| 0.0),
        }
    }
}

/// `n` columns of scores to `out`; two classes with a score each become one, their difference.
fn one_or_all(n: usize, lot: Lot, room: &mut Vec<f64>, out: &mut [f64], margin: impl FnOnce(&mut [f64])) {
    if n != 2 {
        return margin(out);
    }
    let both = lot.room(room, 2);
    margin(both);
    for (row, out) in out[..lot.rows].iter_mut().enumerate() {
        *out = both[lot.stride + row] - both[row];
    }
}

/// `x` within ±[`BOUND`](crate::math::BOUND), NaN as 0, in `room`.
pub(super) fn bounded_row<'a>(room: &'a mut Vec<f64>, x: &[f64]) -> &'a [f64] {
    room.clear();
    room.extend(x.iter().map(|v| bounded(*v)));
    room
}
