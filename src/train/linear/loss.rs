//! The mean loss of a linear model with its smooth penalty, its gradient and its curvature.

use super::rows::Rows;
use crate::error::{Error, ErrorKind, Result};
use crate::math::{self, dot};
use crate::train::params::LogisticRegression;
use crate::train::{Problem, Progress};
use rayon::prelude::*;

/// Row blocks whose sums are added in order, whatever the number of threads.
const BLOCKS: usize = 64;
/// Rows worked on together, which stay in the cache next to the processor.
const CHUNK: usize = 64;
/// Multiplications spent on a preconditioner; of more rows, some are left out.
const PRECONDITIONER: usize = 1 << 23;
/// Most features of a preconditioner.
const WIDEST: usize = 1024;

/// `mean(weight * loss) + l2 / 2 |coef|²`. Parameters are `outputs` x `d`, then `outputs` intercepts.
pub(super) struct Loss<'a> {
    pub rows: Rows<'a>,
    pub y: &'a [usize],
    pub weight: &'a [f64],
    pub total_weight: f64,
    pub d: usize,
    pub outputs: usize,
    pub intercept: bool,
    pub l2: f64,
    /// Factor of the coefficients' absolute values; not part of the loss.
    pub l1: f64,
    progress: &'a dyn Progress,
}

/// The loss at some point.
pub(super) struct State {
    pub loss: f64,
    pub gradient: Vec<f64>,
    /// Per row and output: its probability.
    pub probability: Vec<f64>,
}

impl<'a> Loss<'a> {
    pub fn new(p: &LogisticRegression, problem: &'a Problem<'_>, progress: &'a dyn Progress) -> Result<Loss<'a>> {
        let total_weight: f64 = problem.weight.iter().sum();
        if total_weight <= 0.0 {
            return Err(Error::new(ErrorKind::Data, "all rows weigh nothing: at least one weight must be above 0"));
        }
        let (l1, l2) = p.mixture();
        let strength = 1.0 / (p.c * total_weight);
        Ok(Loss {
            rows: Rows::new(problem.x.view()),
            y: problem.y,
            weight: problem.weight,
            total_weight,
            d: problem.x.ncols(),
            outputs: if problem.n_classes == 2 { 1 } else { problem.n_classes },
            intercept: p.fit_intercept,
            l2: l2 * strength,
            l1: l1 * strength,
            progress,
        })
    }

    pub fn n_params(&self) -> usize {
        self.outputs * (self.d + 1)
    }

    /// Coefficients of all outputs.
    pub fn n_coef(&self) -> usize {
        self.outputs * self.d
    }

    /// Sums what `work(first row, numbers per row and output, sums)` adds, chunk by chunk. `numbers`: per row and output.
    fn sum_chunks(
        &self,
        numbers: &mut [f64],
        len: usize,
        work: impl Fn(usize, &mut [f64], &mut [f64]) + Sync,
    ) -> Result<Vec<f64>> {
        let size = self.y.len().div_ceil(BLOCKS).next_multiple_of(CHUNK) * self.outputs;
        let block = |(b, numbers): (usize, &mut [f64])| {
            self.progress.proceed()?;
            let mut sum = vec![0.0; len];
            for (i, numbers) in numbers.chunks_mut(CHUNK * self.outputs).enumerate() {
                work(b * size / self.outputs + i * CHUNK, numbers, &mut sum);
            }
            Ok(sum)
        };
        let parts: Vec<Vec<f64>> = if numbers.len() * self.d < 1 << 18 || rayon::current_num_threads() == 1 {
            numbers.chunks_mut(size).enumerate().map(block).collect::<Result<_>>()?
        } else {
            numbers.par_chunks_mut(size).enumerate().map(block).collect::<Result<_>>()?
        };
        let mut out = vec![0.0; len];
        for part in &parts {
            out.iter_mut().zip(part).for_each(|(o, v)| *o += v);
        }
        out.iter_mut().for_each(|v| *v /= self.total_weight);
        Ok(out)
    }

    /// Scores of rows from `first`, without their penalty or link.
    fn scores(&self, first: usize, w: &[f64], out: &mut [f64]) {
        let (coef, intercept) = w.split_at(self.n_coef());
        self.rows.scores(first, coef, self.d, self.outputs, out);
        if self.intercept {
            for out in out.chunks_exact_mut(self.outputs) {
                out.iter_mut().zip(intercept).for_each(|(z, b)| *z += b);
            }
        }
    }

    /// Adds rows from `first`, times `r` of each output.
    fn add(&self, first: usize, r: &[f64], into: &mut [f64]) {
        let (coef, intercept) = into.split_at_mut(self.n_coef());
        self.rows.add(first, r, self.d, self.outputs, coef);
        if self.intercept {
            for r in r.chunks_exact(self.outputs) {
                intercept.iter_mut().zip(r).for_each(|(sum, r)| *sum += r);
            }
        }
    }

    pub fn at(&self, w: &[f64]) -> Result<State> {
        let (k, n_params) = (self.outputs, self.n_params());
        let mut probability = vec![0.0; self.y.len() * k];
        let mut gradient = self.sum_chunks(&mut probability, n_params + 1, |first, p, sum| {
            self.scores(first, w, p);
            let (y, weight) = (&self.y[first..], &self.weight[first..]);
            let mut r = [0.0; CHUNK];
            let mut many = Vec::new();
            let r = if k == 1 {
                sum[n_params] += to_probability(p, y, weight, &mut r);
                &r[..p.len()]
            } else {
                for ((p, y), weight) in p.chunks_exact_mut(k).zip(y).zip(weight) {
                    sum[n_params] += weight * to_probabilities(p, *y);
                    many.extend(p.iter().enumerate().map(|(c, p)| weight * (p - f64::from(c == *y))));
                }
                &many
            };
            self.add(first, r, sum);
        })?;
        let mut loss = gradient.pop().unwrap_or(0.0);
        let coef = &w[..self.n_coef()];
        loss += self.l2 / 2.0 * dot(coef, coef);
        for (g, w) in gradient.iter_mut().zip(coef) {
            *g += self.l2 * w;
        }
        Ok(State { loss, gradient, probability })
    }

    /// The Hessian at `state` times `v`.
    pub fn curvature(&self, state: &State, v: &[f64]) -> Result<Vec<f64>> {
        let k = self.outputs;
        let mut numbers = vec![0.0; self.y.len() * k];
        let mut out = self.sum_chunks(&mut numbers, v.len(), |first, r, sum| {
            self.scores(first, v, r);
            let p = &state.probability[first * k..];
            for ((r, p), weight) in r.chunks_exact_mut(k).zip(p.chunks_exact(k)).zip(&self.weight[first..]) {
                if let ([r], [p]) = (&mut *r, p) {
                    *r *= weight * p * (1.0 - p);
                    continue;
                }
                let mean = p.iter().zip(&*r).fold(0.0, |s, (p, u)| s + p * u);
                r.iter_mut().zip(p).for_each(|(r, p)| *r = weight * p * (*r - mean));
            }
            self.add(first, r, sum);
        })?;
        for (o, v) in out[..self.n_coef()].iter_mut().zip(v) {
            *o += self.l2 * v;
        }
        Ok(out)
    }

    /// The Hessian's diagonal.
    pub fn diagonal(&self, state: &State) -> Result<Vec<f64>> {
        let (k, d) = (self.outputs, self.d);
        let mut numbers = state.probability.clone();
        let mut out = self.sum_chunks(&mut numbers, self.n_params(), |first, p, sum| {
            for (i, p) in p.chunks_exact(k).enumerate() {
                let weight = self.weight[first + i];
                for (c, p) in p.iter().enumerate() {
                    let r = weight * p * (1.0 - p);
                    self.rows.each(first + i, d, |j, v| sum[c * d + j] += r * v * v);
                    if self.intercept {
                        sum[k * d + c] += r;
                    }
                }
            }
        })?;
        out[..k * d].iter_mut().for_each(|v| *v += self.l2);
        Ok(out)
    }

    /// The Hessian of one output where all classes are equally likely, of as many rows as are worth it, ready to be solved with; none
    /// where it would be too large.
    pub fn preconditioner(&self) -> Option<Factor> {
        let n = self.d + usize::from(self.intercept);
        if n > WIDEST {
            return None;
        }
        let filled = match &self.rows {
            Rows::Dense(_) => n,
            Rows::Sparse { value, .. } => value.len() / self.y.len() + 1,
        };
        let step = (self.y.len() * filled * filled / 2).div_ceil(PRECONDITIONER).max(1);
        let mut h = vec![0.0; n * n];
        let mut row: Vec<(usize, f64)> = Vec::with_capacity(n);
        let mut weight = 0.0;
        for i in (0..self.y.len()).step_by(step) {
            row.clear();
            self.rows.each(i, self.d, |j, v| row.push((j, v)));
            if self.intercept {
                row.push((self.d, 1.0));
            }
            weight += self.weight[i];
            for (at, (j, v)) in row.iter().enumerate() {
                let (v, into) = (v * self.weight[i], &mut h[j * n..][..n]);
                row[..=at].iter().for_each(|(k, u)| into[*k] += v * u);
            }
        }
        let even = if self.outputs == 1 { 0.25 } else { (1.0 - 1.0 / self.outputs as f64) / self.outputs as f64 };
        let scale = if weight > 0.0 { even / weight } else { 0.0 };
        h.iter_mut().for_each(|v| *v *= scale);
        let trace: f64 = (0..n).map(|j| h[j * n + j]).sum();
        for j in 0..n {
            h[j * n + j] += 1e-6 * trace / n as f64 + if j < self.d { self.l2 } else { 0.0 };
        }
        Factor::of(h, n)
    }

    /// `v` becomes what the preconditioner makes of it, output by output.
    pub fn precondition(&self, factor: &Factor, v: &mut [f64]) {
        let (d, k) = (self.d, self.outputs);
        let mut one = vec![0.0; factor.n];
        for c in 0..k {
            one[..d].copy_from_slice(&v[c * d..(c + 1) * d]);
            if self.intercept {
                one[d] = v[k * d + c];
            }
            factor.solve(&mut one);
            v[c * d..(c + 1) * d].copy_from_slice(&one[..d]);
            if self.intercept {
                v[k * d + c] = one[d];
            }
        }
    }
}

/// The lower triangle L of L Lᵀ = H (Cholesky).
pub(super) struct Factor {
    n: usize,
    l: Vec<f64>,
}

impl Factor {
    /// `h`: its lower triangle. None where it is not positive.
    fn of(mut h: Vec<f64>, n: usize) -> Option<Factor> {
        for i in 0..n {
            let (above, own) = h.split_at_mut(i * n);
            for j in 0..=i {
                let sum = if j < i { dot(&own[..j], &above[j * n..][..j]) } else { dot(&own[..i], &own[..i]) };
                let rest = own[j] - sum;
                if j < i {
                    own[j] = rest / above[j * n + j];
                } else if rest > 0.0 && rest.is_finite() {
                    own[i] = rest.sqrt();
                } else {
                    return None;
                }
            }
        }
        Some(Factor { n, l: h })
    }

    fn solve(&self, v: &mut [f64]) {
        let n = self.n;
        for i in 0..n {
            v[i] = (v[i] - dot(&self.l[i * n..][..i], &v[..i])) / self.l[i * n + i];
        }
        for i in (0..n).rev() {
            let own = v[i] / self.l[i * n + i];
            v[i] = own;
            v[..i].iter_mut().zip(&self.l[i * n..][..i]).for_each(|(v, l)| *v -= own * l);
        }
    }
}

/// Two classes: scores become probabilities of class 1 in place, `r` weight times what they are off; returns the sum of weight times
/// loss.
fn to_probability(p: &mut [f64], y: &[usize], weight: &[f64], r: &mut [f64]) -> f64 {
    let mut z = [0.0; CHUNK];
    z[..p.len()].copy_from_slice(p);
    let mut e = [0.0; CHUNK];
    for ((p, e), z) in p.iter_mut().zip(&mut e).zip(&z) {
        // One exponential for both the probability and the loss.
        *e = math::exp_inline(-z.abs());
        *p = (if *z >= 0.0 { 1.0 } else { *e }) / (1.0 + *e);
    }
    let mut sum = 0.0;
    // Where rows weigh 1, the logarithm of a product of numbers between 1 and 2 is that of all of them.
    let mut product = 1.0;
    for (i, p) in p.iter().enumerate() {
        let (hit, w) = (y[i] == 1, weight[i]);
        r[i] = w * (p - f64::from(hit));
        let linear = if (z[i] > 0.0) == hit { 0.0 } else { z[i].abs() };
        if w == 1.0 {
            product *= 1.0 + e[i];
            sum += linear;
        } else {
            sum += w * (linear + math::ln_1p(e[i]));
        }
    }
    sum + math::ln(product)
}

/// Many classes: scores to probabilities in place; returns the loss.
fn to_probabilities(p: &mut [f64], y: usize) -> f64 {
    let largest = p.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let own = p[y] - largest;
    math::softmax(p);
    if p[y] > 0.0 { -math::ln(p[y]) } else { -own }
}
