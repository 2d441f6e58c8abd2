//! Stacking (`sklearn.ensemble.StackingClassifier`). Its `x` is the slots themselves: each member encodes them its own way.

use super::{MAX_MEMBERS, Model, check_sizes, error};
use crate::error::Result;
use crate::pipeline::{Encoders, Slot};
use crate::wire::{Decode, Encode};

/// Members over one row, and a final model over their answers.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[bincode(decode_context = "crate::wire::Depth")]
pub struct Stacking {
    /// Length of `x`.
    pub n_features: usize,
    /// Distinct encodings; members that ask for the same share it.
    pub encoders: Vec<Encoders>,
    /// Which encoding each member reads, and the member.
    pub members: Vec<(u32, Model)>,
    /// What a member hands on.
    pub method: Method,
    /// Appends this encoding of `x` to what the final model reads (`passthrough=True`).
    pub passthrough: Option<u32>,
    /// Reads members' answers in order (binary: the probability of class 1; otherwise all), then the passthrough.
    pub final_model: Model,
}

/// `stack_method`. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Method {
    /// Probabilities; for two classes only that of class 1.
    PredictProba,
    /// The index of the most probable class (of equals the first), one number.
    Predict,
}

impl Stacking {
    /// Numbers a member hands on.
    fn answer_width(&self) -> usize {
        match (self.method, self.final_model.n_classes()) {
            (Method::Predict, _) | (_, 2) => 1,
            (Method::PredictProba, n) => n,
        }
    }

    /// What the final model reads.
    pub(super) fn answers(&self, x: &[f64]) -> Vec<f64> {
        let encode = |encoders: &Encoders| {
            let mut columns = vec![0.0; encoders.n_columns()];
            encoders.encode(x, &mut columns);
            columns
        };
        let encoded: Vec<Vec<f64>> = self.encoders.iter().map(encode).collect();
        let mut answers = Vec::with_capacity(self.final_model.n_features());
        let mut probability = vec![0.0; self.final_model.n_classes()];
        for (encoding, model) in &self.members {
            model.predict_proba(&encoded[*encoding as usize], &mut probability);
            match self.method {
                Method::PredictProba if probability.len() == 2 => answers.push(probability[1]),
                Method::PredictProba => answers.extend_from_slice(&probability),
                Method::Predict => {
                    let first_best = |best: usize, k: usize| if probability[k] > probability[best] { k } else { best };
                    answers.push((1..probability.len()).fold(0, first_best) as f64);
                }
            }
        }
        if let Some(encoding) = self.passthrough {
            answers.extend_from_slice(&encoded[encoding as usize]);
        }
        answers
    }

    pub(super) fn predict_proba(&self, x: &[f64], out: &mut [f64]) {
        self.final_model.predict_proba(&self.answers(x), out);
    }

    pub(super) fn check(&self, level: u32) -> Result<()> {
        self.final_model.check_at(level + 1).map_err(|e| e.context("the final model"))?;
        check_sizes(self.n_features, self.final_model.n_classes())?;
        let mut widths = Vec::new();
        for (i, encoders) in self.encoders.iter().enumerate() {
            if let Some(e) = encoders.0.iter().find(|e| e.slot as usize >= self.n_features) {
                return Err(error(format!("encoding {i} reads slot {}, but there are {}", e.slot, self.n_features)));
            }
            widths.push(encoders.n_columns());
        }
        let width = |encoding: u32| {
            widths
                .get(encoding as usize)
                .ok_or_else(|| error(format!("encoding {encoding} is named, but there are {}", widths.len())))
        };
        if self.members.is_empty() {
            return Err(error("it has no member"));
        }
        if self.members.len().max(self.encoders.len()) > MAX_MEMBERS {
            return Err(error(format!("it has at most {MAX_MEMBERS} members and encodings")));
        }
        for (i, (encoding, model)) in self.members.iter().enumerate() {
            let named = |e: crate::error::Error| e.context(format!("member {i}"));
            model.check_at(level + 1).map_err(named)?;
            let width = *width(*encoding).map_err(named)?;
            if model.n_features() != width {
                return Err(named(error(format!("it reads {} features, but is given {width}", model.n_features()))));
            }
            if model.n_classes() != self.final_model.n_classes() {
                return Err(named(error(format!(
                    "it has {} classes, the final model another number",
                    model.n_classes()
                ))));
            }
        }
        let passed = self.passthrough.map_or(Ok(0), |encoding| width(encoding).copied())?;
        let given = self.members.len() * self.answer_width() + passed;
        if self.final_model.n_features() != given {
            let reads = self.final_model.n_features();
            return Err(error(format!("the final model reads {reads} features, but is given {given}")));
        }
        Ok(())
    }

    /// Proves each encoding over these columns, and that nothing missing reaches a model that has no meaning for it.
    pub(super) fn fits(&self, columns: &[Slot]) -> Result<()> {
        let mut encoded = Vec::new();
        for (i, encoders) in self.encoders.iter().enumerate() {
            encoded.push(encoders.check(columns).map_err(|e| e.context(format!("encoding {i}")))?);
        }
        for (i, (encoding, model)) in self.members.iter().enumerate() {
            model.fits(&encoded[*encoding as usize]).map_err(|e| e.context(format!("member {i}")))?;
        }
        let answer = Slot { missing: false, levels: None, unknown: false };
        let mut given = vec![answer; self.members.len() * self.answer_width()];
        if let Some(encoding) = self.passthrough {
            given.extend_from_slice(&encoded[encoding as usize]);
        }
        self.final_model.fits(&given).map_err(|e| e.context("the final model"))
    }
}
