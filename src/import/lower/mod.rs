//! From an estimator over columns to encoders and a model over slots.
//!
//! **Trees** read raw slots: whatever a library does to an input before its trees see it is folded into their tests
//! ([`fold`]), so scaling costs nothing, one-hot columns become category sets, and a rounding on the way decides exactly as it
//! does in the original. **Other models** read what [`Encoders`] write ([`encode`]). What neither can say becomes a derived
//! feature, in SQL ([`sql`]).

mod encode;
mod fold;
mod sql;
#[cfg(test)]
mod tests;

use super::columns::Column;
use super::trees::Trees;
use super::{Estimator, Foreign, Head, Input, InputKind, error};
use crate::error::Result;
use crate::model::Model;
use crate::model::calibration::Calibrated;
use crate::model::forest::Forest;
use crate::model::members::Members;
use crate::model::stacking::{Method, Stacking};
use crate::model::voting::Voting;
use crate::pipeline::{Encoder, Encoders, MAX_DERIVED, Transform};
use crate::wire::Nested;

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
    if slots.len() != foreign.inputs.len() {
        return Err(error(format!("there are {} inputs, but {} slots for them", foreign.inputs.len(), slots.len())));
    }
    let mut lowering = Lowering { inputs: &foreign.inputs, slots, n_slots, derived: Vec::new() };
    let Part { encoders, model, leaves } = lowering.estimator(&foreign.estimator, 1)?;
    Ok(Lowered { derived: lowering.derived, encoders, model, leaves })
}

/// Most steps of a column.
const MAX_STEPS: usize = 64;

/// What is gathered on the way.
struct Lowering<'a> {
    inputs: &'a [Input],
    slots: &'a [(String, usize)],
    n_slots: usize,
    derived: Vec<(String, String)>,
}

/// An estimator, compiled: encoders over slots, the model over what they write.
struct Part {
    encoders: Encoders,
    model: Model,
    leaves: Vec<Vec<u32>>,
}

impl Part {
    fn bare(self) -> (Encoders, Model) {
        (self.encoders, self.model)
    }
}

/// A slot, and what it may hold.
struct Source<'a> {
    name: &'a str,
    slot: usize,
    input: &'a Input,
}

impl Source<'_> {
    /// A category's or a flag's number of levels; what the slot holds is below it, or missing, or (`admits`) equal to it.
    fn levels(&self) -> Option<usize> {
        match &self.input.kind {
            InputKind::Category { levels, .. } => Some(levels.len()),
            InputKind::Flag => Some(2),
            InputKind::Number | InputKind::Code { .. } => None,
        }
    }

    fn admits(&self) -> bool {
        matches!(self.input.kind, InputKind::Category { admit_unknown: true, .. })
    }
}

impl Lowering<'_> {
    fn source(&self, column: &Column) -> Result<Source<'_>> {
        if column.steps.len() > MAX_STEPS {
            let message = format!("a column takes at most {MAX_STEPS} steps, not {}", column.steps.len());
            return Err(error(message));
        }
        let (Some(input), Some((name, slot))) = (self.inputs.get(column.input), self.slots.get(column.input)) else {
            return Err(error(format!("a column reads input {}, but there are {}", column.input, self.inputs.len())));
        };
        Ok(Source { name, slot: *slot, input })
    }

    fn estimator(&mut self, estimator: &Estimator, level: u32) -> Result<Part> {
        if level > crate::model::MAX_LEVELS {
            return Err(error(format!("models stand in each other at most {} deep", crate::model::MAX_LEVELS)));
        }
        let whole = |encoders, model| Part { encoders, model, leaves: Vec::new() };
        match &estimator.head {
            Head::Trees(trees) => self.trees(trees, &estimator.columns),
            Head::Model(model) => Ok(whole(self.encode(&estimator.columns)?, model.clone())),
            Head::Stacking { members, last } => {
                let (methods, members): (Vec<Method>, Vec<&Estimator>) = members.iter().map(|(m, e)| (*m, e)).unzip();
                let parts = self.parts(&members, level)?;
                let passed = match estimator.columns.is_empty() {
                    true => None,
                    false => Some(self.encode(&estimator.columns)?),
                };
                let (outer, members, passthrough) = Members::gather(parts.into_iter().map(Part::bare), passed);
                let final_model = final_model(last)?;
                let stacking = Stacking { members, methods, passthrough, final_model };
                Ok(whole(outer, Model::Stacking(Nested::new(stacking))))
            }
            Head::Voting { members } => {
                let (weights, members): (Vec<f64>, Vec<&Estimator>) = members.iter().map(|(w, e)| (*w, e)).unzip();
                let parts = self.parts(&members, level)?;
                let (outer, members, _) = Members::gather(parts.into_iter().map(Part::bare), None);
                Ok(whole(outer, Model::Voting(Nested::new(Voting { members, weights }))))
            }
            Head::Calibrated { members } => {
                let calibrators = members.iter().map(|(_, c)| c.clone()).collect();
                let members: Vec<&Estimator> = members.iter().map(|(e, _)| e).collect();
                let parts = self.parts(&members, level)?;
                let (outer, members, _) = Members::gather(parts.into_iter().map(Part::bare), None);
                Ok(whole(outer, Model::Calibrated(Nested::new(Calibrated { members, calibrators }))))
            }
        }
    }

    fn parts(&mut self, members: &[&Estimator], level: u32) -> Result<Vec<Part>> {
        let part =
            |(i, e): (usize, &&Estimator)| self.estimator(e, level + 1).map_err(|e| e.context(format!("member {i}")));
        members.iter().enumerate().map(part).collect()
    }

    /// Whether one more derived feature may be needed.
    fn has_room(&self) -> Result<()> {
        if self.derived.len() < MAX_DERIVED {
            return Ok(());
        }
        Err(error(format!("more than {MAX_DERIVED} columns take steps that neither a test nor an encoder says")))
    }

    /// Appends a derived feature and gives its name and slot; one of the same text is used again.
    fn derive(&mut self, of: &str, text: String) -> (String, usize) {
        if let Some(k) = self.derived.iter().position(|(_, t)| *t == text) {
            return (self.derived[k].0.clone(), self.n_slots + k);
        }
        let taken =
            |name: &String| self.slots.iter().any(|(n, _)| n == name) || self.derived.iter().any(|(n, _)| n == name);
        let mut k = 0;
        let name = loop {
            k += 1;
            let name = format!("{of}__{k}");
            if !taken(&name) {
                break name;
            }
        };
        self.derived.push((name.clone(), text));
        (name, self.n_slots + self.derived.len() - 1)
    }
}

/// The slot as it is.
fn pass(slot: usize) -> Encoder {
    Encoder { slot: slot as u32, impute: None, transform: Transform::Pass, indicator: false }
}

/// What stands over members' answers.
fn final_model(head: &Head) -> Result<Model> {
    match head {
        Head::Model(model) => Ok(model.clone()),
        Head::Trees(Trees { n_features, n_classes, link, base, trees, .. }) => {
            Ok(Model::Forest(Forest::new(*n_features, *n_classes, *link, base.clone(), trees)?))
        }
        Head::Stacking { .. } | Head::Voting { .. } | Head::Calibrated { .. } => {
            Err(error("the final estimator of a stacking is one model: trees, or one that adds and multiplies"))
        }
    }
}
