//! Stacking (`sklearn.ensemble.StackingClassifier`).

use super::members::{self, Members, width_of};
use super::{Asked, Model, Runner, error};
use crate::error::Result;
use crate::math::Lot;
use crate::pipeline::Slot;
use crate::wire::{Encode, decodes};

/// Members over one row, and a final model over their answers.
#[derive(Clone, Debug, PartialEq, Encode)]
pub struct Stacking {
    /// Whose answers the final model reads.
    pub members: Members,
    /// What each hands on (`stack_method_`).
    pub methods: Vec<Method>,
    /// Appends this encoding of `x` to what the final model reads (`passthrough=True`).
    pub passthrough: Option<u32>,
    /// Reads members' answers in order, then the passthrough.
    pub final_model: Model,
}

decodes!(struct Stacking { members, methods, passthrough, final_model });

/// `stack_method_`. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode)]
pub enum Method {
    /// Probabilities; for two classes only that of class 1.
    PredictProba,
    /// The index of the class it decides for, one number. See [`Model::predict`].
    Predict,
    /// `decision_function`: for two classes one score, larger for class 1; otherwise one per class. See [`Model::margin`].
    DecisionFunction,
}

decodes!(enum Method { 0: PredictProba, 1: Predict, 2: DecisionFunction });

impl Method {
    /// Numbers a member hands on.
    pub(crate) fn width(self, n_classes: usize) -> usize {
        match (self, n_classes) {
            (Method::Predict, _) | (_, 2) => 1,
            (Method::PredictProba | Method::DecisionFunction, n) => n,
        }
    }

    fn asked(self) -> Asked {
        match self {
            Method::PredictProba => Asked::Probability,
            Method::Predict => Asked::Class,
            Method::DecisionFunction => Asked::Margin,
        }
    }

    /// What a member hands on, appended to `answers`. `all`: (n_classes,), to work in.
    pub(crate) fn answer(self, model: &Model, x: &[f64], all: &mut [f64], answers: &mut Vec<f64>) {
        match self {
            Method::PredictProba => {
                model.predict_proba(x, all);
                let from = all.len() - self.width(all.len());
                answers.extend_from_slice(&all[from..]);
            }
            Method::Predict => answers.push(model.predict(x, all) as f64),
            Method::DecisionFunction => {
                let width = self.width(all.len());
                model.margin(x, &mut all[..width]);
                answers.extend_from_slice(&all[..width]);
            }
        }
    }
}

/// How a stacking is run.
#[derive(Clone, Debug)]
pub(super) struct Fast {
    members: members::Fast,
    last: Runner,
    /// What the final model reads.
    answers: Vec<f64>,
    /// A member's probabilities.
    all: Vec<f64>,
}

impl Fast {
    pub fn new(m: &Stacking) -> Fast {
        let (members, last) = (members::Fast::new(&m.members), Runner::new(&m.final_model));
        Fast { members, last, answers: Vec::new(), all: Vec::new() }
    }

    /// As [`Stacking::answers`], then what is asked of the final model.
    #[inline(never)]
    pub fn ask(&mut self, m: &Stacking, asked: Asked, x: &[f64], lot: Lot, out: &mut [f64]) {
        self.members.encode(&m.members, x, lot);
        let (n, reads) = (m.members.n_classes(), m.final_model.n_features());
        let answers = lot.room(&mut self.answers, reads);
        let mut at = 0;
        for (i, method) in m.methods.iter().enumerate() {
            let own = &mut answers[at * lot.stride..];
            let width = method.width(n);
            let asked = method.asked();
            if asked.width(n) == width {
                self.members.ask(&m.members, i, asked, lot, own);
            } else {
                // Of two probabilities only the second.
                let all = lot.room(&mut self.all, n);
                self.members.ask(&m.members, i, asked, lot, all);
                lot.column_mut(own, 0).copy_from_slice(lot.column(all, n - 1));
            }
            at += width;
        }
        if let Some(encoding) = m.passthrough {
            for (k, j) in (at..reads).enumerate() {
                lot.column_mut(answers, j).copy_from_slice(lot.column(self.members.encoded(encoding), k));
            }
        }
        self.last.ask(&m.final_model, asked, answers, lot, out);
    }
}

impl Stacking {
    /// Numbers that all members hand on.
    fn width(&self) -> usize {
        self.methods.iter().map(|method| method.width(self.members.n_classes())).sum()
    }

    /// What the final model reads.
    pub(super) fn answers(&self, x: &[f64]) -> Vec<f64> {
        let encoded = self.members.encode(x);
        let mut answers = Vec::with_capacity(self.final_model.n_features());
        let mut all = vec![0.0; self.members.n_classes()];
        for ((model, columns), method) in self.members.over(&encoded).zip(&self.methods) {
            method.answer(model, columns, &mut all, &mut answers);
        }
        if let Some(encoding) = self.passthrough {
            answers.extend_from_slice(&encoded[encoding as usize]);
        }
        answers
    }

    pub(super) fn predict_proba(&self, x: &[f64], out: &mut [f64]) {
        self.final_model.predict_proba(&self.answers(x), out);
    }

    #[inline(never)]
    pub(super) fn check(&self, level: u32, asked: Asked) -> Result<()> {
        self.final_model.check_at(level + 1, asked).map_err(|e| e.context("the final model"))?;
        if self.methods.len() != self.members.len() {
            let (n, m) = (self.members.len(), self.methods.len());
            return Err(error(format!("there are {n} members, but {m} methods")));
        }
        let widths = self.members.check(level, self.passthrough, |i| self.methods[i].asked())?;
        if self.members.n_classes() != self.final_model.n_classes() {
            return Err(error("its members have another number of classes than the final model"));
        }
        let passed = self.passthrough.map_or(Ok(0), |encoding| width_of(&widths, encoding))?;
        let given = self.width() + passed;
        if self.final_model.n_features() != given {
            let reads = self.final_model.n_features();
            return Err(error(format!("the final model reads {reads} features, but is given {given}")));
        }
        Ok(())
    }

    /// Proves each encoding over these columns, and that nothing missing reaches a model that has no meaning for it.
    pub(super) fn fits(&self, columns: &[Slot]) -> Result<()> {
        let encoded = self.members.fits(columns)?;
        let answer = Slot { missing: false, levels: None, unknown: false };
        let mut given = vec![answer; self.width()];
        if let Some(encoding) = self.passthrough {
            given.extend_from_slice(&encoded[encoding as usize]);
        }
        self.final_model.fits(&given).map_err(|e| e.context("the final model"))
    }
}
