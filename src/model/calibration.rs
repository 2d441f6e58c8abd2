//! Calibrated probabilities (`sklearn.calibration.CalibratedClassifierCV`, one or several folds averaged).
use super::Model;
use crate::wire::{Decode, Encode};

/// Calibrated members, averaged.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
#[bincode(decode_context = "crate::wire::Depth")]
pub struct Calibrated {
    /// Each a model and its correction; one unless `ensemble=True`.
    pub members: Vec<(Model, Calibrator)>,
}

/// What is done to a member's answer. Append only. Platt and isotonic: one per class (binary: one, for class 1), normalised.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub enum Calibrator {
    /// `1 / (1 + exp(a f + b))` per class; `f` as `input` says.
    Platt {
        /// What is corrected.
        input: Input,
        /// `a_`.
        a: Vec<f64>,
        /// `b_`.
        b: Vec<f64>,
    },
    /// Piecewise linear through (x, y) per class, flat outside.
    Isotonic {
        /// What is corrected.
        input: Input,
        /// `X_thresholds_`.
        x: Vec<Vec<f64>>,
        /// `y_thresholds_`.
        y: Vec<Vec<f64>>,
    },
    /// softmax(inverse_temperature * logits); logits are margins, or ln of the probabilities.
    Temperature {
        /// What is corrected.
        input: Input,
        /// `beta_`.
        inverse_temperature: f64,
    },
}

/// What a calibrator reads. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Input {
    /// The model's score before its link (`decision_function`).
    Margin,
    /// Its probability (`predict_proba`).
    Probability,
}
