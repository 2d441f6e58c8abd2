//! Logistic regression: the minimum of a convex function, so whichever method gets there finds the same coefficients.
//!
//! Newton's method with its steps solved by conjugate gradients ("newton-cg" in scikit-learn; Nocedal and Wright, Numerical
//! Optimization, algorithm 7.1), limited-memory BFGS, or where the penalty has absolute values [`coordinate`] descent.

mod coordinate;
mod loss;
mod rows;
#[cfg(test)]
mod tests;

use super::params::{LogisticRegression, Solver};
use super::{Fitted, Problem, Progress, lbfgs, normalised};
use crate::error::{Error, ErrorKind, Result};
use crate::math::{self, Matrix, dot};
use crate::model::Model;
use crate::model::linear::{Link, Logistic};
use loss::{Loss, State};

/// Where a method ended.
struct Minimum {
    /// Parameters as [`Loss`] has them.
    w: Vec<f64>,
    /// The largest component of the gradient, or of the smallest subgradient.
    reached: f64,
    steps: usize,
}

/// Minimises `mean(weight * loss) + penalty / (C sum(weight))`.
pub(crate) fn fit(p: &LogisticRegression, problem: &Problem<'_>, progress: &dyn Progress) -> Result<Fitted> {
    if problem.x.iter().any(|v| v.is_nan()) {
        let message = "logistic regression needs values without gaps: set preprocessing.imputer";
        return Err(Error::new(ErrorKind::Config, message));
    }
    let loss = Loss::new(p, problem, progress)?;
    let step = |steps: usize| progress.step("logistic regression", steps as u64, p.max_iter as u64);
    step(0);
    let Minimum { w, reached, steps } = match p.solver {
        _ if loss.l1 > 0.0 => coordinate::minimise(&loss, p.tol, p.max_iter, &step, progress)?,
        Solver::Lbfgs => by_lbfgs(&loss, p, &step)?,
        Solver::Auto | Solver::NewtonCg => by_newton(&loss, p, &step)?,
    };
    if w.iter().any(|v| v.is_nan() || v.abs() > math::BOUND) {
        return Err(Error::new(ErrorKind::Data, "logistic regression diverged: scale the features, or use penalty l2"));
    }
    let mut notes = Vec::new();
    if reached > p.tol {
        notes.push(format!(
            "logistic regression stopped after {steps} steps with a gradient of {reached:.1e}, above tol {:.1e}: a larger \
             max_iter, or a smaller C, would help",
            p.tol
        ));
    }
    Ok(fitted(&loss, problem, &w, notes))
}

fn by_newton(loss: &Loss<'_>, p: &LogisticRegression, step: &dyn Fn(usize)) -> Result<Minimum> {
    let mut w = vec![0.0; loss.n_params()];
    let mut state = loss.at(&w)?;
    let factor = loss.preconditioner();
    let mut steps = 0;
    while max_abs(&state.gradient) > p.tol && steps < p.max_iter {
        let direction = newton_direction(loss, &state, factor.as_ref())?;
        let slope = dot(&direction, &state.gradient);
        let mut size = 1.0;
        let next = loop {
            let trial: Vec<f64> = w.iter().zip(&direction).map(|(w, d)| w + size * d).collect();
            let s = loss.at(&trial)?;
            // Armijo's rule; where the loss no longer changes in its last bits, a smaller gradient is progress.
            let fell = s.loss <= state.loss + 1e-4 * size * slope;
            let flat = s.loss <= state.loss + 1e-14 * state.loss.abs();
            if fell || (flat && max_abs(&s.gradient) < max_abs(&state.gradient)) {
                break Some((trial, s));
            }
            size /= 2.0;
            if size < 1e-10 {
                break None;
            }
        };
        let Some((trial, s)) = next else { break };
        (w, state) = (trial, s);
        steps += 1;
        step(steps);
    }
    Ok(Minimum { w, reached: max_abs(&state.gradient), steps })
}

/// Solves `H s = -gradient` by preconditioned conjugate gradients, as far as is worth it.
fn newton_direction(loss: &Loss<'_>, state: &State, factor: Option<&loss::Factor>) -> Result<Vec<f64>> {
    let g = &state.gradient;
    let norm = dot(g, g).sqrt();
    let enough = norm * norm.sqrt().min(0.1);
    let diagonal: Vec<f64> = match factor {
        Some(_) => Vec::new(),
        None => loss.diagonal(state)?.into_iter().map(|v| v.max(1e-12)).collect(),
    };
    let precondition = |r: &[f64]| -> Vec<f64> {
        let Some(factor) = factor else { return r.iter().zip(&diagonal).map(|(r, d)| r / d).collect() };
        let mut z = r.to_vec();
        loss.precondition(factor, &mut z);
        z
    };
    let mut s = vec![0.0; g.len()];
    let mut r: Vec<f64> = g.iter().map(|v| -v).collect();
    let mut z = precondition(&r);
    let mut direction = z.clone();
    let mut rz = dot(&r, &z);
    for _ in 0..(2 * g.len()).clamp(20, 1000) {
        if dot(&r, &r).sqrt() <= enough {
            break;
        }
        let hd = loss.curvature(state, &direction)?;
        let bend = dot(&direction, &hd);
        if bend.is_nan() || bend <= 0.0 {
            break;
        }
        let step = rz / bend;
        for i in 0..s.len() {
            s[i] += step * direction[i];
            r[i] -= step * hd[i];
        }
        z = precondition(&r);
        let next = dot(&r, &z);
        let keep = next / rz;
        rz = next;
        for (d, z) in direction.iter_mut().zip(&z) {
            *d = z + keep * *d;
        }
    }
    Ok(if s.iter().all(|v| *v == 0.0) { g.iter().map(|v| -v).collect() } else { s })
}

fn by_lbfgs(loss: &Loss<'_>, p: &LogisticRegression, step: &dyn Fn(usize)) -> Result<Minimum> {
    let limits = lbfgs::Limits {
        iterations: p.max_iter,
        evaluations: p.max_iter.saturating_mul(20),
        gradient: p.tol,
        gain: 0.0,
    };
    let found = lbfgs::minimise(vec![0.0; loss.n_params()], limits, step, |w, gradient| {
        let state = loss.at(w)?;
        gradient.copy_from_slice(&state.gradient);
        Ok(state.loss)
    })?;
    Ok(Minimum { w: found.x, reached: found.gradient, steps: found.iterations })
}

fn fitted(loss: &Loss<'_>, problem: &Problem<'_>, w: &[f64], notes: Vec<String>) -> Fitted {
    let (k, d) = (loss.outputs, loss.d);
    let mut intercept = w[k * d..].to_vec();
    if k > 1 {
        // The same constant added to all of them changes no probability: the one with sum 0 is meant.
        let mean = intercept.iter().sum::<f64>() / k as f64;
        intercept.iter_mut().for_each(|v| *v -= mean);
    }
    let n = loss.y.len() as f64;
    let importance = (0..d).map(|j| {
        let column = problem.x.column(j);
        let mean = column.iter().sum::<f64>() / n;
        let variance = column.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
        let size: f64 = (0..k).map(|c| w[c * d + j].abs()).sum();
        size * variance.sqrt()
    });
    let importance = normalised(importance.collect());
    let coef = Matrix { rows: k, cols: d, data: w[..k * d].to_vec() };
    let link = if k == 1 { Link::Sigmoid } else { Link::Softmax };
    let model = Model::Logistic(Logistic { coef, intercept, link });
    Fitted { model, importance, curve: Vec::new(), rounds: None, notes }
}

fn max_abs(v: &[f64]) -> f64 {
    v.iter().fold(0.0, |m, x| m.max(x.abs()))
}
