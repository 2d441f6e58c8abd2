//! What is fitted, before it is: a trainer with its parameters, and how columns become numbers for it.
//!
//! Encoders are fitted on the same rows as the model, and on no others: fold by fold, member by member.

use super::answer::encode;
use super::config::Preprocessing;
use super::encoders::{self, Column, SlotKind};
use super::prepare::check_size;
use super::{Fitted, Params, Problem, Progress, ensemble};
use crate::error::Result;
use crate::pipeline::Encoders;
use ndarray::{ArrayView2, Axis};

/// A trainer with its parameters and its preprocessing.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimator {
    /// Which trainer, and its parameters.
    pub params: Params,
    /// How columns become numbers; what is left out suits the trainer.
    pub preprocessing: Preprocessing,
}

/// All rows by slots, and what they mean. Estimators are fitted on some of them.
pub(crate) struct Frame<'a> {
    /// What each slot holds.
    pub(crate) kinds: Vec<SlotKind<'a>>,
    /// Slots that no model reads.
    pub(crate) hidden: &'a [String],
    /// rows x slots; NaN is missing.
    pub(crate) slots: ArrayView2<'a, f64>,
    /// Class of each row.
    pub(crate) y: &'a [usize],
    /// Weight of each row.
    pub(crate) weight: &'a [f64],
    pub(crate) n_classes: usize,
}

/// What a fit gave.
pub(crate) struct Fit {
    /// Slots to what the model reads.
    pub(crate) encoders: Encoders,
    /// What each column of that is.
    pub(crate) columns: Vec<Column>,
    pub(crate) fitted: Fitted,
    pub(crate) notes: Vec<String>,
}

impl Estimator {
    /// Fits on `rows`. `held_out`: rows that early stopping looks at; never fitted.
    pub(crate) fn fit(
        &self,
        frame: &Frame<'_>,
        rows: &[usize],
        held_out: Option<&[usize]>,
        seed: u64,
        progress: &dyn Progress,
    ) -> Result<Fit> {
        match &self.params {
            Params::Stacking(p) => return ensemble::stacking(p, frame, rows, held_out, seed, progress),
            Params::Voting(p) => return ensemble::voting(p, frame, rows, held_out, seed, progress),
            _ => {}
        }
        let slots = frame.slots.select(Axis(0), rows);
        let mut notes = Vec::new();
        let tree = self.params.is_tree();
        let (encoders, columns) =
            encoders::fit(&self.preprocessing, tree, &frame.kinds, frame.hidden, slots.view(), &mut notes)?;
        check_size(&columns, frame.slots.nrows(), &frame.kinds)?;
        let levels: Vec<Option<usize>> = columns.iter().map(|c| c.levels).collect();
        let part = |rows: &[usize]| {
            let x = encode(&encoders, frame.slots.select(Axis(0), rows).view());
            let y: Vec<usize> = rows.iter().map(|&i| frame.y[i]).collect();
            let weight: Vec<f64> = rows.iter().map(|&i| frame.weight[i]).collect();
            (x, y, weight)
        };
        let (x, y, weight) = part(rows);
        let problem = Problem { x: x.view(), y: &y, n_classes: frame.n_classes, weight: &weight, levels: &levels };
        let held = held_out.map(part);
        let validation = held.as_ref().map(|(x, y, weight)| Problem { x: x.view(), y, weight, ..problem });
        let mut fitted = self.params.fit(&problem, validation.as_ref(), seed, progress)?;
        notes.append(&mut fitted.notes);
        Ok(Fit { encoders, columns, fitted, notes })
    }

    /// The same with a fixed number of boosting rounds, where there is one.
    pub(crate) fn with_rounds(&self, rounds: Option<usize>) -> Estimator {
        Estimator { params: self.params.with_rounds(rounds), preprocessing: self.preprocessing.clone() }
    }
}
