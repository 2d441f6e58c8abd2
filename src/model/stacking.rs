//! Stacking (`sklearn.ensemble.StackingClassifier`). Its `x` is the slots themselves: each member encodes them its own way.
use super::Model;
use crate::pipeline::Encoders;
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
    /// The index of the predicted class, one number.
    Predict,
}
