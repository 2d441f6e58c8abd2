//! Isotonic calibration, as skl2onnx writes it: the `y` of the *nearest* of the thresholds `x`. (scikit-learn interpolates between
//! them; the file does not.) It becomes a curve that is level but for one step of one unit in the last place between two thresholds.

use super::carry::Carry;
use super::heads::calibrated;
use super::scores::Link;
use super::terms::{Binary, Fold, Id, Term, Unary, single};
use crate::error::Result;
use crate::import::trees::largest;
use crate::model::calibration::{Calibrator, Input};

/// What stands in a file for one curve.
struct Curve {
    /// What is corrected.
    of: Id,
    x: Vec<f64>,
    y: Vec<f64>,
    /// Distances are rounded to `f32`.
    rounded: bool,
    /// What is corrected is kept within these first.
    within: (f64, f64),
}

impl Carry<'_> {
    /// The estimator whose corrected probabilities these are: one, of the second of two classes, or one per class before they are
    /// divided by their sum.
    pub fn isotonic(&mut self, parts: &[Id], level: u32) -> Result<Option<crate::import::Estimator>> {
        let Some(curves) = parts.iter().map(|p| self.curve(*p)).collect::<Option<Vec<Curve>>>() else {
            return Ok(None);
        };
        let of: Vec<Id> = curves.iter().map(|c| c.of).collect();
        let member = match of[..] {
            [only] => self.second_of_two(only, level + 1)?,
            _ => self.distribution(&of, level + 1)?,
        };
        let (input, member) = match member {
            Some(member) => (Input::Probability, member),
            None => {
                let link = if of.len() == 1 { Link::Sigmoid } else { Link::Softmax };
                let Some(member) = self.scored(&of, link, level + 1)? else { return Ok(None) };
                (Input::Margin, member)
            }
        };
        let (x, y) = curves.iter().map(Curve::stepped).unzip();
        self.nearest = true;
        Ok(Some(calibrated(vec![(member, Calibrator::Isotonic { input, x, y })])))
    }

    fn curve(&self, id: Id) -> Option<Curve> {
        let Term::Pick(list, index) = *self.terms.get(id) else { return None };
        let Term::Fold(Fold::ArgMin, distances) = *self.terms.get(index) else { return None };
        let y = self.terms.list(list).iter().map(|y| self.terms.as_number(*y)).collect::<Option<Vec<f64>>>()?;
        let distances = self.terms.list(distances);
        let mut x = Vec::with_capacity(distances.len());
        let mut common = None;
        for distance in distances.iter() {
            let Term::Unary(Unary::Abs, inner) = *self.terms.get(*distance) else { return None };
            let (of, threshold, rounded) = match *self.terms.get(inner) {
                Term::Binary(Binary::Sub, of, t, rounded) => (of, self.terms.as_number(t)?, Some(rounded)),
                // Nothing is taken off.
                _ => (inner, 0.0, None),
            };
            let common = common.get_or_insert((of, rounded));
            if common.0 != of {
                return None;
            }
            common.1 = common.1.or(rounded);
            x.push(threshold);
        }
        let (of, rounded) = common?;
        let (of, within) = match *self.terms.get(of) {
            Term::Clip(inner, low, high) => (self.terms.uncast(inner), (low.value(), high.value())),
            _ => (self.terms.uncast(of), (-f64::MAX, f64::MAX)),
        };
        let ascending = x.windows(2).all(|w| w[0] < w[1]);
        (x.len() == y.len() && ascending).then_some(Curve { of, x, y, rounded: rounded.unwrap_or(false), within })
    }
}

impl Curve {
    /// Index of the threshold that is nearest to `v`, of equals the first.
    fn nearest(&self, v: f64) -> usize {
        let round = |v: f64| if self.rounded { single(v) } else { v };
        let v = round(round(v).clamp(self.within.0, self.within.1));
        let distance = |x: f64| round(v - x).abs();
        // Distances fall up to `v` and grow from there; rounding may make some equal.
        let above = self.x.partition_point(|x| *x < v);
        let near = [above.checked_sub(1), Some(above)].into_iter().flatten().filter_map(|k| self.x.get(k));
        let least = near.map(|x| distance(*x)).fold(f64::INFINITY, f64::min);
        let first = self.x[..above].partition_point(|x| distance(*x) > least);
        first.min(self.x.len() - 1)
    }

    /// The points of the curve that is level between the steps.
    fn stepped(&self) -> (Vec<f64>, Vec<f64>) {
        let y = |k: usize| self.y[k].clamp(0.0, 1.0);
        let (mut xs, mut ys) = (vec![self.x[0]], vec![y(0)]);
        for k in 0..self.x.len() - 1 {
            // Where no number is nearest to a threshold, its step is of no width.
            let Some(last) = largest(|v| self.nearest(v) <= k) else { continue };
            if last == f64::MAX {
                break;
            }
            let next = last.next_up();
            let first = xs.partition_point(|x| *x < last);
            xs.truncate(first);
            ys.truncate(first);
            xs.extend([last, next]);
            ys.extend([y(k), y(self.nearest(next))]);
        }
        (xs, ys)
    }
}
