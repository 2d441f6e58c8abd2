//! What is fitted, before it is: a trainer with its parameters, and how columns become numbers for it.
//!
//! Encoders are fitted on the same rows as the model, and on no others: fold by fold, member by member.

use super::answer::encode;
use super::config::{Calibration, Preprocessing};
use super::encoders::{self, Column, SlotKind};
use super::prepare::check_size;
use super::{Fitted, Params, Problem, Progress, calibrate, ensemble};
use crate::error::Result;
use crate::model::Model;
use crate::pipeline::Encoders;
use ndarray::{ArrayView2, Axis};

/// A trainer with its parameters, its preprocessing and what corrects its probabilities.
#[derive(Clone, Debug, PartialEq)]
pub struct Estimator {
    /// Which trainer, and its parameters.
    pub params: Params,
    /// How columns become numbers; what is left out suits the trainer.
    pub preprocessing: Preprocessing,
    /// What corrects the model's probabilities, if anything; fitted on the rows the model is fitted on, see [`Calibration::cv`].
    pub calibration: Option<Calibration>,
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
    /// Weight of each row in the fit, its class's weight included.
    pub(crate) weight: &'a [f64],
    /// Weight of each row by itself: what probabilities are calibrated to.
    pub(crate) own_weight: &'a [f64],
    /// Labels of the classes.
    pub(crate) labels: &'a [String],
}

impl Frame<'_> {
    pub(crate) fn n_classes(&self) -> usize {
        self.labels.len()
    }
}

/// What a fit gave.
pub(crate) struct Fit {
    /// Slots to what the model reads.
    pub(crate) encoders: Encoders,
    /// What each of `fitted.importance` is of.
    pub(crate) columns: Vec<Column>,
    pub(crate) fitted: Fitted,
    pub(crate) notes: Vec<String>,
    /// Ensembles: each member's part in the answer, adding up to 1, in the order of the config.
    pub(crate) members: Vec<(String, f64)>,
    /// Calibrated: encoders and model before that.
    pub(crate) uncalibrated: Option<(Encoders, Model)>,
}

impl Estimator {
    /// Fits on `rows`. `held_out`: rows that early stopping looks at; never fitted. Ensembles do not look at them: early stopping within
    /// them has a part of `rows` of its own.
    pub(crate) fn fit(
        &self,
        frame: &Frame<'_>,
        rows: &[usize],
        held_out: Option<&[usize]>,
        seed: u64,
        progress: &dyn Progress,
    ) -> Result<Fit> {
        if let Some(calibration) = &self.calibration {
            let bare = Estimator { calibration: None, ..self.clone() };
            return calibrate::fit(calibration, &bare, frame, rows, held_out, seed, progress);
        }
        match &self.params {
            Params::Stacking(p) => return ensemble::stacking(p, &self.preprocessing, frame, rows, seed, progress),
            Params::Voting(p) => return ensemble::voting(p, &self.preprocessing, frame, rows, seed, progress),
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
        let problem = Problem { x: x.view(), y: &y, n_classes: frame.n_classes(), weight: &weight, levels: &levels };
        let held = held_out.map(part);
        let validation = held.as_ref().map(|(x, y, weight)| Problem { x: x.view(), y, weight, ..problem });
        let names: Vec<&str> = columns.iter().map(|c| frame.kinds[c.slot].name).collect();
        let mut fitted = self.params.by_column(&names)?.fit(&problem, validation.as_ref(), seed, progress)?;
        notes.append(&mut fitted.notes);
        Ok(Fit { encoders, columns, fitted, notes, members: Vec::new(), uncalibrated: None })
    }

    /// The same with a fixed number of boosting rounds, where there is one.
    pub(crate) fn with_rounds(&self, rounds: Option<usize>) -> Estimator {
        Estimator { params: self.params.with_rounds(rounds), ..self.clone() }
    }
}
