//! Support vector classification (libsvm's C-SVC, `sklearn.svm.SVC`).
//!
//! One decision value per pair of classes, a sigmoid each (Platt), and the pairs coupled to one distribution as libsvm does:
//! Wu, Lin and Weng, "Probability estimates for multi-class classification by pairwise coupling" (2004), algorithm 2 of
//! section 4, with libsvm's clipping and stopping rule. scikit-learn couples two classes in the same way, so the answer for
//! two classes carries that rule's tolerance, too.

use super::{Asked, bounded_input, check_matrix, check_numbers, check_sizes, error};
use crate::error::Result;
use crate::math::{BOUND, Matrix, argmax, bounded, exp, pow, sigmoid, tanh};
use crate::wire::{Encode, decodes};

mod fast;

pub(super) use fast::Fast;

/// Attributes of a fitted `sklearn.svm.SVC`.
#[derive(Clone, Debug, PartialEq, Encode)]
pub struct Svm {
    /// The kernel.
    pub kernel: Kernel,
    /// `support_vectors_`: grouped by class, n_support x n_features.
    pub support: Matrix,
    /// `n_support_`: per class.
    pub n_support: Vec<u32>,
    /// `_dual_coef_`: (n_classes - 1) x n_support. (`dual_coef_` has the other sign for two classes.)
    pub dual_coef: Matrix,
    /// libsvm's `-rho`, per pair 0-1, 0-2, … (`_intercept_`).
    pub intercept: Vec<f64>,
    /// Probabilities (`probability=True`). Without it the machine has a margin and a class, and stands where only those are
    /// read: in a stacking, or under a calibration of its margin.
    pub platt: Option<Platt>,
}

decodes!(struct Svm { kernel, support, n_support, dual_coef, intercept, platt });

/// A sigmoid per pair of classes: `1 / (1 + exp(a f + b))` of the decision value `f` is the first's probability.
#[derive(Clone, Debug, PartialEq, Encode)]
pub struct Platt {
    /// `probA_`.
    pub a: Vec<f64>,
    /// `probB_`.
    pub b: Vec<f64>,
}

decodes!(struct Platt { a, b });

/// Append only.
#[derive(Clone, Copy, Debug, PartialEq, Encode)]
pub enum Kernel {
    /// `a·b`.
    Linear,
    /// `exp(-gamma |a-b|²)`.
    Rbf {
        /// Width.
        gamma: f64,
    },
    /// `(gamma a·b + coef0)^degree`.
    Poly {
        /// Factor.
        gamma: f64,
        /// Constant.
        coef0: f64,
        /// Power.
        degree: u32,
    },
    /// `tanh(gamma a·b + coef0)`.
    Sigmoid {
        /// Factor.
        gamma: f64,
        /// Constant.
        coef0: f64,
    },
}

decodes!(enum Kernel {
    0: Linear,
    1: Rbf { gamma },
    2: Poly { gamma, coef0, degree },
    3: Sigmoid { gamma, coef0 },
});

/// Most classes: coupling takes the square of their number, again and again.
pub const MAX_CLASSES: usize = 256;

/// libsvm's `min_prob`: no pair is surer than this.
const MIN_PROBABILITY: f64 = 1e-7;

impl Svm {
    pub(super) fn n_classes(&self) -> usize {
        self.n_support.len()
    }

    /// One decision value per pair, positive for the pair's first class. `x`: (n_features,) → n_classes (n_classes - 1) / 2.
    fn decisions(&self, x: &[f64]) -> Vec<f64> {
        let x = bounded_input(x);
        let kernel: Vec<f64> = (0..self.support.rows).map(|i| self.kernel.value(self.support.row(i), &x)).collect();
        let mut first = Vec::with_capacity(self.n_classes());
        let mut next = 0;
        for &n in &self.n_support {
            first.push(next);
            next += n as usize;
        }
        let sum = |class: usize, row: usize| -> f64 {
            let own = first[class]..first[class] + self.n_support[class] as usize;
            self.dual_coef.row(row)[own.clone()].iter().zip(&kernel[own]).fold(0.0, |s, (a, k)| s + a * k)
        };
        let decision = |((i, j), intercept)| bounded(sum(i, j - 1) + sum(j, i) + intercept);
        pairs(self.n_classes()).zip(&self.intercept).map(decision).collect()
    }

    /// `decision_function`: for two classes one score, positive for class 1; otherwise one per class
    /// (`decision_function_shape="ovr"`): votes, with the summed confidences squeezed into ±1/3 to order equals.
    pub(super) fn margin(&self, x: &[f64], out: &mut [f64]) {
        let decisions = self.decisions(x);
        if let [only] = decisions[..] {
            out[0] = -only;
            return;
        }
        out.fill(0.0);
        let mut votes = vec![0.0; out.len()];
        for ((i, j), d) in pairs(out.len()).zip(&decisions) {
            out[i] += d;
            out[j] -= d;
            votes[if *d < 0.0 { j } else { i }] += 1.0;
        }
        for (score, votes) in out.iter_mut().zip(votes) {
            *score = votes + *score / (3.0 * (score.abs() + 1.0));
        }
    }

    /// `SVC.predict`, which does not ask the probabilities: the class with the most votes, of equals the first. A decision
    /// value of 0 is the second class's vote here, as libsvm counts, and the first's in [`margin`](Self::margin), as
    /// scikit-learn does.
    pub(super) fn predict(&self, x: &[f64]) -> usize {
        let mut votes = vec![0.0; self.n_classes()];
        for ((i, j), d) in pairs(votes.len()).zip(self.decisions(x)) {
            votes[if d > 0.0 { i } else { j }] += 1.0;
        }
        argmax(&votes)
    }

    /// Without [`platt`](Self::platt), which no check lets past: all of it to the class it decides for.
    pub(super) fn predict_proba(&self, x: &[f64], out: &mut [f64]) {
        let Some(Platt { a, b }) = &self.platt else {
            out.fill(0.0);
            out[self.predict(x)] = 1.0;
            return;
        };
        let decisions = self.decisions(x);
        let k = self.n_classes();
        let mut r = vec![0.0; k * k];
        for ((i, j), ((d, a), b)) in pairs(k).zip(decisions.iter().zip(a).zip(b)) {
            let p = sigmoid(-(d * a + b)).clamp(MIN_PROBABILITY, 1.0 - MIN_PROBABILITY);
            r[i * k + j] = p;
            r[j * k + i] = 1.0 - p;
        }
        couple(&r, out);
    }

    #[inline(never)]
    pub(super) fn check(&self, asked: Asked) -> Result<()> {
        if asked == Asked::Probability && self.platt.is_none() {
            return Err(error(
                "it has no probabilities, only a margin: fit it within CalibratedClassifierCV, or with probability=True",
            ));
        }
        let k = self.n_classes();
        check_sizes(self.support.cols, k)?;
        if k > MAX_CLASSES {
            return Err(error(format!("it has at most {MAX_CLASSES} classes, not {k}")));
        }
        check_matrix("support", &self.support)?;
        check_matrix("dual_coef", &self.dual_coef)?;
        let n: u64 = self.n_support.iter().map(|n| u64::from(*n)).sum();
        // Without a row a matrix of any width takes no bytes, and reading such widths would cost what no file pays for.
        if n == 0 {
            return Err(error("it has no support vector"));
        }
        if n != self.support.rows as u64 {
            return Err(error(format!("n_support adds up to {n}, but there are {} vectors", self.support.rows)));
        }
        if (self.dual_coef.rows, self.dual_coef.cols) != (k - 1, self.support.rows) {
            return Err(error(format!("dual_coef is not {} x {}", k - 1, self.support.rows)));
        }
        let n = k * (k - 1) / 2;
        check_numbers("intercept", &self.intercept, n)?;
        if let Some(Platt { a, b }) = &self.platt {
            check_numbers("platt.a", a, n)?;
            check_numbers("platt.b", b, n)?;
        }
        match self.kernel {
            Kernel::Linear => Ok(()),
            Kernel::Rbf { gamma } => check_numbers("gamma", &[gamma], 1),
            Kernel::Poly { gamma, coef0, .. } | Kernel::Sigmoid { gamma, coef0 } => {
                check_numbers("gamma and coef0", &[gamma, coef0], 2)
            }
        }
    }
}

/// The inner product, feature by feature.
fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).fold(0.0, |s, (a, b)| s + a * b)
}

impl Kernel {
    /// Within ±[`BOUND`].
    fn value(&self, a: &[f64], b: &[f64]) -> f64 {
        bounded(match *self {
            Kernel::Linear => dot(a, b),
            Kernel::Rbf { gamma } => {
                let distance = a.iter().zip(b).fold(0.0, |s, (a, b)| s + (a - b) * (a - b));
                exp(-gamma * distance.min(BOUND))
            }
            Kernel::Sigmoid { gamma, coef0 } => tanh(gamma * bounded(dot(a, b)) + coef0),
            Kernel::Poly { gamma, coef0, degree } => pow(gamma * bounded(dot(a, b)) + coef0, f64::from(degree)),
        })
    }
}

/// 0-1, 0-2, …: pairs of classes in libsvm's order.
fn pairs(k: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..k).flat_map(move |i| (i + 1..k).map(move |j| (i, j)))
}

/// The distribution that agrees best with the pairs. `r`: k x k, `r[i][j]` the probability of `i` when it is `i` or `j`, none
/// of them 0 → `p`: (k,).
fn couple(r: &[f64], p: &mut [f64]) {
    let k = p.len();
    let at = |i: usize, j: usize| r[i * k + j];
    let mut q = vec![0.0; k * k];
    for t in 0..k {
        for j in 0..k {
            if j != t {
                q[t * k + t] += at(j, t) * at(j, t);
                // Written once per pair, so that rounding keeps the matrix symmetric.
                q[t * k + j] = if j < t { q[j * k + t] } else { -at(j, t) * at(t, j) };
            }
        }
    }
    p.fill(1.0 / k as f64);
    let mut qp = vec![0.0; k];
    let tolerance = 0.005 / k as f64;
    for _ in 0..k.max(100) {
        let mut pqp = 0.0;
        for t in 0..k {
            qp[t] = (0..k).fold(0.0, |s, j| s + q[t * k + j] * p[j]);
            pqp += p[t] * qp[t];
        }
        if qp.iter().all(|v| (v - pqp).abs() < tolerance) {
            break;
        }
        for t in 0..k {
            let diagonal = q[t * k + t];
            let step = (pqp - qp[t]) / diagonal;
            p[t] += step;
            pqp = (pqp + step * (step * diagonal + 2.0 * qp[t])) / (1.0 + step) / (1.0 + step);
            for j in 0..k {
                qp[j] = (qp[j] + step * q[t * k + j]) / (1.0 + step);
                p[j] /= 1.0 + step;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Pairs that come from a distribution give it back, to the stopping rule's tolerance.
    #[test]
    fn coupling_finds_the_distribution_behind_the_pairs() {
        for truth in [vec![0.5, 0.5], vec![0.2, 0.8], vec![0.1, 0.2, 0.7], vec![0.05, 0.15, 0.3, 0.5]] {
            let k = truth.len();
            let mut r = vec![0.0; k * k];
            for i in 0..k {
                for j in 0..k {
                    r[i * k + j] = truth[i] / (truth[i] + truth[j]);
                }
            }
            let mut p = vec![0.0; k];
            couple(&r, &mut p);
            assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
            for (p, t) in p.iter().zip(&truth) {
                assert!((p - t).abs() < 0.01, "{p} {t}");
            }
        }
    }
}
