//! Penalties with absolute values: Newton's method whose steps are found one coordinate at a time.
//!
//! Each step minimises the loss's quadratic model plus the penalty itself by coordinate descent, and is then taken as far as it
//! gains (Lee, Sun and Saunders, "Proximal Newton-type methods for minimizing composite functions", SIAM J. Optim. 24 (2014),
//! algorithm 1; the inner sweeps and their active set are those of Friedman, Hastie and Tibshirani, "Regularization Paths for
//! Generalized Linear Models via Coordinate Descent", J. Stat. Softw. 33 (2010), section 2). The model's curvature has the softmax's
//! terms between classes, so that few steps are needed for many classes, too.

use super::Minimum;
use super::loss::{Loss, State};
use crate::error::Result;
use crate::train::Progress;

/// Most sweeps over the coordinates for one step.
const SWEEPS: usize = 200;

/// The rows' numbers by columns, without zeros.
struct Columns {
    start: Vec<usize>,
    row: Vec<u32>,
    value: Vec<f64>,
}

impl Columns {
    fn new(loss: &Loss<'_>) -> Columns {
        let (n, d) = (loss.y.len(), loss.d);
        let mut start = vec![0usize; d + 1];
        for i in 0..n {
            loss.rows.each(i, d, |j, v| start[j + 1] += usize::from(v != 0.0));
        }
        for j in 0..d {
            start[j + 1] += start[j];
        }
        let mut next = start.clone();
        let (mut row, mut value) = (vec![0; start[d]], vec![0.0; start[d]]);
        for i in 0..n {
            loss.rows.each(i, d, |j, v| {
                if v != 0.0 {
                    (row[next[j]], value[next[j]]) = (i as u32, v);
                    next[j] += 1;
                }
            });
        }
        Columns { start, row, value }
    }

    fn each(&self, j: usize) -> impl Iterator<Item = (usize, f64)> {
        let at = self.start[j]..self.start[j + 1];
        self.row[at.clone()].iter().map(|r| *r as usize).zip(self.value[at].iter().copied())
    }
}

/// Minimises the loss plus `l1` times the coefficients' absolute values, until no component of the smallest subgradient exceeds `tol`.
pub(super) fn minimise(
    loss: &Loss<'_>,
    tol: f64,
    max_iter: usize,
    step: &dyn Fn(usize),
    progress: &dyn Progress,
) -> Result<Minimum> {
    let columns = Columns::new(loss);
    let mut w = vec![0.0; loss.n_params()];
    let mut state = loss.at(&w)?;
    let mut steps = 0;
    let value = |s: &State, w: &[f64]| s.loss + loss.l1 * size(&w[..loss.n_coef()]);
    let mut now = value(&state, &w);
    let mut reached = violation(loss, &state.gradient, &w);
    while reached > tol && steps < max_iter {
        let direction = Model::new(loss, &columns, &state)?.minimum(
            &w,
            0.05 * reached.min(1.0) * reached.sqrt().min(1.0),
            progress,
        )?;
        let n = loss.n_coef();
        let ahead: Vec<f64> = w[..n].iter().zip(&direction).map(|(w, d)| w + d).collect();
        let slope = crate::math::dot(&state.gradient, &direction) + loss.l1 * (size(&ahead) - size(&w[..n]));
        let mut part = 1.0;
        let next = loop {
            let trial: Vec<f64> = w.iter().zip(&direction).map(|(w, d)| w + part * d).collect();
            let s = loss.at(&trial)?;
            let (v, off) = (value(&s, &trial), violation(loss, &s.gradient, &trial));
            // As in Newton's method without absolute values: Armijo's rule, or a flat loss and a smaller subgradient.
            if v <= now + 1e-4 * part * slope || (v <= now + 1e-14 * now.abs() && off < reached) {
                break Some((trial, s, v, off));
            }
            part /= 2.0;
            if part < 1e-10 {
                break None;
            }
        };
        let Some(found) = next else { break };
        (w, state, now, reached) = found;
        steps += 1;
        step(steps);
    }
    Ok(Minimum { w, reached, steps })
}

fn size(coef: &[f64]) -> f64 {
    coef.iter().map(|v| v.abs()).sum()
}

/// The largest component of the subgradient that is nearest to 0.
fn violation(loss: &Loss<'_>, gradient: &[f64], w: &[f64]) -> f64 {
    let n = loss.n_coef();
    let coef = gradient[..n].iter().zip(w).map(|(g, w)| subgradient(*g, *w, loss.l1).abs());
    let rest = gradient[n..].iter().map(|g| if loss.intercept { g.abs() } else { 0.0 });
    coef.chain(rest).fold(0.0, f64::max)
}

fn subgradient(g: f64, w: f64, l1: f64) -> f64 {
    if w != 0.0 { g + l1 * w.signum() } else { (g.abs() - l1).max(0.0) * g.signum() }
}

/// The loss's quadratic model about a point.
struct Model<'a> {
    loss: &'a Loss<'a>,
    columns: &'a Columns,
    state: &'a State,
    /// Curvature along each coordinate, above 0.
    diagonal: Vec<f64>,
    /// Per row and output the score that the step adds.
    u: Vec<f64>,
    /// Per row their mean by probability (many classes).
    mean: Vec<f64>,
}

impl<'a> Model<'a> {
    fn new(loss: &'a Loss<'a>, columns: &'a Columns, state: &'a State) -> Result<Model<'a>> {
        let diagonal = loss.diagonal(state)?.into_iter().map(|v| v.max(1e-12)).collect();
        let n = loss.y.len();
        Ok(Model { loss, columns, state, diagonal, u: vec![0.0; n * loss.outputs], mean: vec![0.0; n] })
    }

    /// The step to its minimum with the penalty; ends where no coordinate of a sweep moves the model's subgradient by more than `tol`.
    fn minimum(mut self, w: &[f64], tol: f64, progress: &dyn Progress) -> Result<Vec<f64>> {
        let (loss, n_coef) = (self.loss, self.loss.n_coef());
        let n_all = if loss.intercept { w.len() } else { n_coef };
        let mut step = vec![0.0; w.len()];
        let mut active = Vec::new();
        let mut sweeps = 0;
        while sweeps < SWEEPS {
            // All coordinates, and then those that are not 0 until they rest.
            progress.proceed()?;
            sweeps += 1;
            let moved = (0..n_all).map(|at| self.update(at, w, &mut step)).fold(0.0, f64::max);
            if moved <= tol {
                break;
            }
            active.clear();
            active.extend((0..n_all).filter(|&at| at >= n_coef || w[at] + step[at] != 0.0));
            while sweeps < SWEEPS {
                sweeps += 1;
                if active.iter().map(|&at| self.update(at, w, &mut step)).fold(0.0, f64::max) <= tol {
                    break;
                }
            }
        }
        Ok(step)
    }

    /// The best value of one coordinate while the others stay. Returns by how much its subgradient was off.
    fn update(&mut self, at: usize, w: &[f64], step: &mut [f64]) -> f64 {
        let loss = self.loss;
        let (k, d, n_coef) = (loss.outputs, loss.d, loss.n_coef());
        let is_coef = at < n_coef;
        let output = if is_coef { at / d } else { at - n_coef };
        let p = &self.state.probability;
        let row_term = |i: usize| {
            let p = p[i * k + output];
            let u = self.u[i * k + output];
            loss.weight[i] * p * if k == 1 { (1.0 - p) * u } else { u - self.mean[i] }
        };
        let bend: f64 = if is_coef {
            self.columns.each(at % d).map(|(i, v)| v * row_term(i)).sum()
        } else {
            (0..loss.y.len()).map(row_term).sum()
        };
        let mut slope = self.state.gradient[at] + bend / loss.total_weight;
        if is_coef {
            slope += loss.l2 * step[at];
        }
        let (h, here) = (self.diagonal[at], w[at] + step[at]);
        let next = if is_coef { shrink(here - slope / h, loss.l1 / h) } else { here - slope / h };
        let delta = next - here;
        if delta == 0.0 {
            return 0.0;
        }
        // So that a coefficient that ends at 0 is exactly 0.
        step[at] = if next == 0.0 { -w[at] } else { step[at] + delta };
        let (u, mean) = (&mut self.u, &mut self.mean);
        let mut add = |i: usize, v: f64| {
            u[i * k + output] += delta * v;
            if k > 1 {
                mean[i] += p[i * k + output] * delta * v;
            }
        };
        if is_coef {
            self.columns.each(at % d).for_each(|(i, v)| add(i, v));
        } else {
            (0..loss.y.len()).for_each(|i| add(i, 1.0));
        }
        (delta * h).abs()
    }
}

/// Towards 0 by `by`.
fn shrink(v: f64, by: f64) -> f64 {
    if v > by {
        v - by
    } else if v < -by {
        v + by
    } else {
        0.0
    }
}
