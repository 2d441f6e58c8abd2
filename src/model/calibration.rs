//! Calibrated probabilities (`sklearn.calibration.CalibratedClassifierCV`: one, or several folds averaged).

use super::members::{self, Members, member};
use super::{Asked, Model, binary, check_numbers, error, normalise};
use crate::error::Result;
use crate::math::{Lot, bounded, ln, sigmoid, softmax};
use crate::pipeline::Slot;
use crate::wire::{Encode, decodes};

/// Calibrated members, averaged.
#[derive(Clone, Debug, PartialEq, Encode)]
pub struct Calibrated {
    /// Whose answers are corrected; one unless `ensemble=True`.
    pub members: Members,
    /// Each member's correction.
    pub calibrators: Vec<Calibrator>,
}

decodes!(struct Calibrated { members, calibrators });

/// What is done to a member's answer. Append only. Platt and isotonic: one per class (binary: one, for class 1), normalised;
/// all equal where every one is 0.
#[derive(Clone, Debug, PartialEq, Encode)]
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
        /// `X_thresholds_`: ascending.
        x: Vec<Vec<f64>>,
        /// `y_thresholds_`: each in 0..=1.
        y: Vec<Vec<f64>>,
    },
    /// softmax(inverse_temperature * logits). Logits are the margins (binary: `-f` and `f`), or `ln(p + 1e-12)`.
    Temperature {
        /// What is corrected.
        input: Input,
        /// `beta_`.
        inverse_temperature: f64,
    },
}

decodes!(enum Calibrator {
    0: Platt { input, a, b },
    1: Isotonic { input, x, y },
    2: Temperature { input, inverse_temperature },
});

/// What a calibrator reads. Append only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode)]
pub enum Input {
    /// The model's score before its link (`decision_function`); binary: one, otherwise one per class. See [`Model::margin`].
    Margin,
    /// Its probability (`predict_proba`); binary: of class 1.
    Probability,
}

decodes!(enum Input { 0: Margin, 1: Probability });

impl Calibrated {
    /// Of models that all read `x` as it is.
    pub fn same(members: impl IntoIterator<Item = (Model, Calibrator)>) -> Calibrated {
        let (models, calibrators): (Vec<Model>, _) = members.into_iter().unzip();
        Calibrated { members: Members::same(models), calibrators }
    }

    pub(super) fn predict_proba(&self, x: &[f64], out: &mut [f64]) {
        let encoded = self.members.encode(x);
        let mut one = vec![0.0; out.len()];
        out.fill(0.0);
        for ((model, columns), calibrator) in self.members.over(&encoded).zip(&self.calibrators) {
            calibrator.predict_proba(model, columns, &mut one);
            for (sum, p) in out.iter_mut().zip(&one) {
                *sum += p;
            }
        }
        let n = self.members.len() as f64;
        out.iter_mut().for_each(|p| *p /= n);
    }

    #[inline(never)]
    pub(super) fn check(&self, level: u32) -> Result<()> {
        if self.calibrators.len() != self.members.len() {
            let (n, m) = (self.members.len(), self.calibrators.len());
            return Err(error(format!("there are {n} members, but {m} calibrators")));
        }
        self.members.check(level, None, |i| self.calibrators[i].asked())?;
        for (i, ((_, model), calibrator)) in self.members.models.iter().zip(&self.calibrators).enumerate() {
            calibrator.check(model.n_classes()).map_err(|e| e.context(member(i)))?;
        }
        Ok(())
    }

    pub(super) fn fits(&self, columns: &[Slot]) -> Result<()> {
        self.members.fits(columns).map(drop)
    }
}

impl Calibrator {
    fn input(&self) -> Input {
        match self {
            Calibrator::Platt { input, .. }
            | Calibrator::Isotonic { input, .. }
            | Calibrator::Temperature { input, .. } => *input,
        }
    }

    fn asked(&self) -> Asked {
        match self.input() {
            Input::Margin => Asked::Margin,
            Input::Probability => Asked::Probability,
        }
    }

    /// What [`predict_proba`](Self::predict_proba) does to a model's answers. `out`: n columns; of two classes the margin
    /// stands in the second.
    fn correct_lot(&self, lot: Lot, out: &mut [f64], n: usize) {
        let two = n == 2;
        let first = usize::from(two);
        lot.each(&mut out[first * lot.stride..], n - first, bounded);
        match self {
            Calibrator::Platt { a, b, .. } => {
                for (k, (a, b)) in (first..n).zip(a.iter().zip(b)) {
                    let column = &mut out[k * lot.stride..];
                    lot.each(column, 1, |v| -(a * v + b));
                    lot.sigmoid(column, 1);
                }
            }
            Calibrator::Isotonic { x, y, .. } => {
                for (k, (x, y)) in (first..n).zip(x.iter().zip(y)) {
                    lot.each(&mut out[k * lot.stride..], 1, |v| interpolate(x, y, v));
                }
            }
            Calibrator::Temperature { input, inverse_temperature } => {
                let (zero, one) = out.split_at_mut(lot.stride);
                match input {
                    Input::Margin if two => lot.each_two(zero, one, 1, |_, v| -v),
                    Input::Margin => {}
                    Input::Probability => {
                        if two {
                            lot.each_two(zero, one, 1, |_, p| 1.0 - p);
                        }
                        lot.each(out, n, |p| ln(p + 1e-12));
                    }
                }
                lot.each(out, n, |v| v * inverse_temperature);
                return lot.softmax(out, n);
            }
        }
        if two {
            let (zero, one) = out.split_at_mut(lot.stride);
            lot.each_two(zero, one, 1, |_, p| 1.0 - p);
        } else {
            lot.normalise(out, n);
        }
    }

    fn predict_proba(&self, model: &Model, x: &[f64], out: &mut [f64]) {
        let two = out.len() == 2;
        let f = if two { 1..2 } else { 0..out.len() };
        match self.input() {
            Input::Margin => model.margin(x, &mut out[f.clone()]),
            Input::Probability => model.predict_proba(x, out),
        }
        let f = &mut out[f];
        f.iter_mut().for_each(|v| *v = bounded(*v));
        match self {
            Calibrator::Platt { a, b, .. } => {
                for (v, (a, b)) in f.iter_mut().zip(a.iter().zip(b)) {
                    *v = sigmoid(-(a * *v + b));
                }
            }
            Calibrator::Isotonic { x, y, .. } => {
                for (v, (x, y)) in f.iter_mut().zip(x.iter().zip(y)) {
                    *v = interpolate(x, y, *v);
                }
            }
            Calibrator::Temperature { input, inverse_temperature } => {
                match input {
                    Input::Margin if two => out[0] = -out[1],
                    Input::Margin => {}
                    Input::Probability => {
                        if two {
                            out[0] = 1.0 - out[1];
                        }
                        out.iter_mut().for_each(|p| *p = ln(*p + 1e-12));
                    }
                }
                out.iter_mut().for_each(|v| *v *= inverse_temperature);
                return softmax(out);
            }
        }
        if two { binary(out[1], out) } else { normalise(out) }
    }

    #[inline(never)]
    fn check(&self, n_classes: usize) -> Result<()> {
        let n = if n_classes == 2 { 1 } else { n_classes };
        match self {
            Calibrator::Platt { a, b, .. } => {
                check_numbers("a", a, n)?;
                check_numbers("b", b, n)
            }
            Calibrator::Isotonic { x, y, .. } => {
                if x.len() != n || y.len() != n {
                    return Err(error(format!("there are not {n} isotonic curves")));
                }
                for (x, y) in x.iter().zip(y) {
                    check_numbers("x", x, x.len())?;
                    if x.is_empty() || x.windows(2).any(|w| w[0] >= w[1]) {
                        return Err(error("an isotonic curve's x is not ascending"));
                    }
                    if y.len() != x.len() || !y.iter().all(|p| (0.0..=1.0).contains(p)) {
                        return Err(error("an isotonic curve's y is not a probability for each x"));
                    }
                }
                Ok(())
            }
            Calibrator::Temperature { inverse_temperature, .. } => {
                check_numbers("inverse_temperature", &[*inverse_temperature], 1)?;
                if *inverse_temperature > 0.0 { Ok(()) } else { Err(error("inverse_temperature is not positive")) }
            }
        }
    }
}

/// How a calibration is run.
#[derive(Clone, Debug)]
pub(super) struct Fast {
    members: members::Fast,
    /// A member's corrected probabilities.
    one: Vec<f64>,
}

impl Fast {
    pub fn new(m: &Calibrated) -> Fast {
        Fast { members: members::Fast::new(&m.members), one: Vec::new() }
    }

    /// As [`Calibrated::predict_proba`].
    #[inline(never)]
    pub fn probability(&mut self, m: &Calibrated, x: &[f64], lot: Lot, out: &mut [f64]) {
        self.members.encode(&m.members, x, lot);
        let n = m.members.n_classes();
        let one = lot.room(&mut self.one, n);
        lot.each(out, n, |_| 0.0);
        for (i, calibrator) in m.calibrators.iter().enumerate() {
            let asked = calibrator.asked();
            let first = n - asked.width(n);
            self.members.ask(&m.members, i, asked, lot, &mut one[first * lot.stride..]);
            calibrator.correct_lot(lot, one, n);
            lot.each_two(out, one, n, |sum, p| sum + p);
        }
        let members = m.members.len() as f64;
        lot.each(out, n, |p| p / members);
    }
}

/// The line through the points around `v` (`numpy.interp`). `x`: ascending, not empty; `y`: as many, in 0..=1.
fn interpolate(x: &[f64], y: &[f64], v: f64) -> f64 {
    let right = x.partition_point(|p| *p <= v);
    if right == 0 {
        return y[0];
    }
    let left = right - 1;
    if right == x.len() || x[left] == v {
        return y[left];
    }
    let slope = (y[right] - y[left]) / (x[right] - x[left]);
    (slope * (v - x[left]) + y[left]).clamp(0.0, 1.0)
}
