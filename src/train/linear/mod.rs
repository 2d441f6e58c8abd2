//! Logistic regression by Newton's method, its steps solved with conjugate gradients ("newton-cg" in scikit-learn; Nocedal
//! and Wright, Numerical Optimization, algorithm 7.1). Converges to a tight tolerance: the loss is convex, so any solver that
//! gets there finds the same coefficients.

use super::params::{LogisticRegression, Penalty};
use super::{Fitted, Problem, Progress, normalised};
use crate::error::{Error, ErrorKind, Result};
use crate::math::{self, Matrix, dot};
use crate::model::Model;
use crate::model::linear::{Link, Logistic};
use rayon::prelude::*;

/// Row blocks whose sums are added in order, whatever the number of threads.
const BLOCKS: usize = 64;

/// Minimises `mean(weight * loss) + |coef|^2 / (2 C sum(weight))`.
pub(crate) fn fit(p: &LogisticRegression, problem: &Problem<'_>, progress: &dyn Progress) -> Result<Fitted> {
    if problem.x.iter().any(|v| v.is_nan()) {
        let message = "logistic regression needs values without gaps: set preprocessing.imputer";
        return Err(Error::new(ErrorKind::Config, message));
    }
    let loss = Loss::new(p, problem)?;
    let mut w = vec![0.0; loss.n_params()];
    let mut state = loss.at(&w);
    let mut steps = 0;
    progress.step("newton", 0, p.max_iter as u64);
    while max_abs(&state.gradient) > p.tol && steps < p.max_iter {
        let direction = loss.newton_direction(&state);
        let slope = dot(&direction, &state.gradient);
        let mut size = 1.0;
        let next = loop {
            let trial: Vec<f64> = w.iter().zip(&direction).map(|(w, d)| w + size * d).collect();
            let s = loss.at(&trial);
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
        progress.step("newton", steps as u64, p.max_iter as u64);
    }
    let reached = max_abs(&state.gradient);
    let mut notes = Vec::new();
    if reached > p.tol {
        notes.push(format!(
            "logistic regression stopped after {steps} Newton steps with a gradient of {reached:.1e}, above tol {:.1e}: a larger \
             max_iter, or a smaller C, would help",
            p.tol
        ));
    }
    if w.iter().any(|v| v.is_nan() || v.abs() > math::BOUND) {
        return Err(Error::new(ErrorKind::Data, "logistic regression diverged: scale the features, or use penalty l2"));
    }
    Ok(loss.fitted(problem, &w, notes))
}

/// The problem's rows without their zeros, and the penalty.
struct Loss<'a> {
    /// Where each row starts in `column` and `value`.
    start: Vec<usize>,
    column: Vec<u32>,
    value: Vec<f64>,
    y: &'a [usize],
    weight: &'a [f64],
    total_weight: f64,
    d: usize,
    outputs: usize,
    intercept: bool,
    /// Half of it times the squared norm is the penalty.
    l2: f64,
}

/// The loss at some point.
struct State {
    loss: f64,
    /// `outputs` x `d`, then `outputs` intercepts.
    gradient: Vec<f64>,
    /// Per row and output: its probability.
    probability: Vec<f64>,
}

impl<'a> Loss<'a> {
    fn new(p: &LogisticRegression, problem: &Problem<'a>) -> Result<Loss<'a>> {
        let d = problem.x.ncols();
        let mut start = vec![0];
        let (mut column, mut value) = (Vec::new(), Vec::new());
        for row in problem.x.rows() {
            for (j, &v) in row.iter().enumerate().filter(|(_, v)| **v != 0.0) {
                column.push(j as u32);
                value.push(v);
            }
            start.push(column.len());
        }
        let total_weight: f64 = problem.weight.iter().sum();
        if total_weight <= 0.0 {
            return Err(Error::new(ErrorKind::Data, "all rows weigh nothing: at least one weight must be above 0"));
        }
        let l2 = match p.penalty {
            Penalty::L2 => 1.0 / (p.c * total_weight),
            Penalty::None => 0.0,
        };
        let outputs = if problem.n_classes == 2 { 1 } else { problem.n_classes };
        let (y, weight) = (problem.y, problem.weight);
        let intercept = p.fit_intercept;
        Ok(Loss { start, column, value, y, weight, total_weight, d, outputs, intercept, l2 })
    }

    fn n_params(&self) -> usize {
        self.outputs * (self.d + 1)
    }

    /// The row's score for one output.
    fn score(&self, row: usize, w: &[f64], output: usize) -> f64 {
        let coef = &w[output * self.d..(output + 1) * self.d];
        let mut s = if self.intercept { w[self.outputs * self.d + output] } else { 0.0 };
        for k in self.start[row]..self.start[row + 1] {
            s += self.value[k] * coef[self.column[k] as usize];
        }
        s
    }

    /// Adds `r * row` to an output's part of `into`.
    fn add_row(&self, row: usize, r: f64, output: usize, into: &mut [f64]) {
        let coef = &mut into[output * self.d..(output + 1) * self.d];
        for k in self.start[row]..self.start[row + 1] {
            coef[self.column[k] as usize] += r * self.value[k];
        }
        if self.intercept {
            into[self.outputs * self.d + output] += r;
        }
    }

    /// Sums `work(row, sum)` over all rows, divided by the weights' sum.
    fn sum_rows(&self, len: usize, work: impl Fn(usize, &mut [f64]) + Sync) -> Vec<f64> {
        let n = self.y.len();
        let size = n.div_ceil(BLOCKS);
        let parts: Vec<Vec<f64>> = (0..n.div_ceil(size))
            .into_par_iter()
            .map(|b| {
                let mut sum = vec![0.0; len];
                for row in b * size..((b + 1) * size).min(n) {
                    work(row, &mut sum);
                }
                sum
            })
            .collect();
        let mut out = vec![0.0; len];
        for part in &parts {
            for (o, v) in out.iter_mut().zip(part) {
                *o += v;
            }
        }
        out.iter_mut().for_each(|v| *v /= self.total_weight);
        out
    }

    fn at(&self, w: &[f64]) -> State {
        let k = self.outputs;
        let mut probability = vec![0.0; self.y.len() * k];
        let losses: Vec<f64> = probability
            .par_chunks_mut(k)
            .enumerate()
            .map(|(row, p)| {
                for (c, p) in p.iter_mut().enumerate() {
                    *p = self.score(row, w, c);
                }
                self.weight[row] * to_probability(p, self.y[row])
            })
            .collect();
        let n_params = self.n_params();
        let mut gradient = self.sum_rows(n_params + 1, |row, sum| {
            for c in 0..k {
                let hit = if k == 1 { self.y[row] == 1 } else { self.y[row] == c };
                let r = self.weight[row] * (probability[row * k + c] - f64::from(hit));
                self.add_row(row, r, c, sum);
            }
            sum[n_params] += losses[row];
        });
        let mut loss = gradient.pop().unwrap_or(0.0);
        let n_coef = k * self.d;
        loss += self.l2 / 2.0 * dot(&w[..n_coef], &w[..n_coef]);
        for (g, w) in gradient[..n_coef].iter_mut().zip(w) {
            *g += self.l2 * w;
        }
        State { loss, gradient, probability }
    }

    /// The Hessian at `state` times `v`.
    fn curvature(&self, state: &State, v: &[f64]) -> Vec<f64> {
        let k = self.outputs;
        let mut out = self.sum_rows(v.len(), |row, sum| {
            let p = &state.probability[row * k..(row + 1) * k];
            if k == 1 {
                let r = self.weight[row] * p[0] * (1.0 - p[0]) * self.score(row, v, 0);
                self.add_row(row, r, 0, sum);
                return;
            }
            let scores: Vec<f64> = (0..k).map(|c| self.score(row, v, c)).collect();
            let mean = p.iter().zip(&scores).fold(0.0, |s, (p, u)| s + p * u);
            for c in 0..k {
                self.add_row(row, self.weight[row] * p[c] * (scores[c] - mean), c, sum);
            }
        });
        for (o, v) in out[..k * self.d].iter_mut().zip(v) {
            *o += self.l2 * v;
        }
        out
    }

    /// The Hessian's diagonal.
    fn diagonal(&self, state: &State) -> Vec<f64> {
        let k = self.outputs;
        let mut out = self.sum_rows(self.n_params(), |row, sum| {
            for c in 0..k {
                let p = state.probability[row * k + c];
                let r = self.weight[row] * p * (1.0 - p);
                for i in self.start[row]..self.start[row + 1] {
                    sum[c * self.d + self.column[i] as usize] += r * self.value[i] * self.value[i];
                }
                if self.intercept {
                    sum[k * self.d + c] += r;
                }
            }
        });
        out[..k * self.d].iter_mut().for_each(|v| *v += self.l2);
        out
    }

    /// Solves `H s = -gradient` by conjugate gradients, preconditioned by the diagonal, as far as is worth it.
    fn newton_direction(&self, state: &State) -> Vec<f64> {
        let g = &state.gradient;
        let norm = dot(g, g).sqrt();
        let enough = norm * norm.sqrt().min(0.1);
        let diagonal: Vec<f64> = self.diagonal(state).into_iter().map(|v| v.max(1e-12)).collect();
        let mut s = vec![0.0; g.len()];
        let mut r: Vec<f64> = g.iter().map(|v| -v).collect();
        let mut z: Vec<f64> = r.iter().zip(&diagonal).map(|(r, d)| r / d).collect();
        let mut direction = z.clone();
        let mut rz = dot(&r, &z);
        for _ in 0..(2 * g.len()).clamp(20, 1000) {
            if dot(&r, &r).sqrt() <= enough {
                break;
            }
            let hd = self.curvature(state, &direction);
            let bend = dot(&direction, &hd);
            if bend.is_nan() || bend <= 0.0 {
                break;
            }
            let step = rz / bend;
            for i in 0..s.len() {
                s[i] += step * direction[i];
                r[i] -= step * hd[i];
                z[i] = r[i] / diagonal[i];
            }
            let next = dot(&r, &z);
            let keep = next / rz;
            rz = next;
            for (d, z) in direction.iter_mut().zip(&z) {
                *d = z + keep * *d;
            }
        }
        if s.iter().all(|v| *v == 0.0) { g.iter().map(|v| -v).collect() } else { s }
    }

    fn fitted(&self, problem: &Problem<'_>, w: &[f64], notes: Vec<String>) -> Fitted {
        let (k, d) = (self.outputs, self.d);
        let mut intercept = w[k * d..].to_vec();
        if k > 1 {
            // The same constant added to all of them changes no probability: the one with sum 0 is meant.
            let mean = intercept.iter().sum::<f64>() / k as f64;
            intercept.iter_mut().for_each(|v| *v -= mean);
        }
        let n = self.y.len() as f64;
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
}

/// Scores to probabilities in place; returns the log loss.
fn to_probability(p: &mut [f64], y: usize) -> f64 {
    if let [s] = p {
        let z = if y == 1 { -*s } else { *s };
        *s = math::sigmoid(*s);
        return if z > 0.0 { z + math::ln_1p(math::exp(-z)) } else { math::ln_1p(math::exp(z)) };
    }
    let largest = p.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let own = p[y] - largest;
    math::softmax(p);
    let sum = if p[y] > 0.0 { math::ln(p[y]) } else { own };
    -sum
}

fn max_abs(v: &[f64]) -> f64 {
    v.iter().fold(0.0, |m, x| m.max(x.abs()))
}
