//! Epochs of small steps: adam and sgd, with scikit-learn's rules of when to stop.

use super::gradient::{Data, Workers};
use super::net::Net;
use super::real::Real;
use super::step::Stepper;
use super::{Outcome, diverged, halves};
use crate::error::{Error, ErrorKind, Result};
use crate::train::params::Mlp;
use crate::train::{Problem, Progress, rng};
use rand::seq::SliceRandom;

/// Random numbers of the order of rows, and of the rows held out.
const ORDER: u64 = 1;
const HELD_OUT: u64 = 2;

/// Improves `net`, whose weights are drawn already.
pub(super) fn fit<T: Real>(
    p: &Mlp,
    net: &mut Net<T>,
    problem: &Problem<'_>,
    validation: Option<&Problem<'_>>,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Outcome> {
    let all = |problem: &Problem<'_>| -> Vec<u32> { (0..problem.y.len() as u32).collect() };
    let (data, held_out) = match validation {
        _ if !p.early_stopping => (Data::<T>::new(problem, &all(problem)), None),
        Some(v) => (Data::new(problem, &all(problem)), Some(Data::new(v, &all(v)))),
        None => {
            let (rows, held) = halves(problem, p.validation_fraction, &mut rng(seed, HELD_OUT));
            if held.len() < 2 {
                let message = "mlp: too few rows to hold some out for early stopping: raise validation_fraction, or set \
                               early_stopping to false";
                return Err(Error::new(ErrorKind::Data, message));
            }
            (Data::new(problem, &rows), Some(Data::new(problem, &held)))
        }
    };
    let n = data.len();
    let batch = p.batch(n);
    let mut order: Vec<u32> = (0..n as u32).collect();
    let weight_of_held = held_out.as_ref().map_or(0.0, |h| h.weight_of(&(0..h.len() as u32).collect::<Vec<_>>()));
    let mut run = Run {
        stepper: Stepper::new(p, net),
        workers: Workers::new(net, batch),
        p,
        data,
        held_out: held_out.filter(|_| weight_of_held > 0.0),
        weight_of_held,
        progress,
    };
    let mut rng = rng(seed, ORDER);
    let mut watch = Watch { best: None, idle: 0 };
    let mut kept: Option<(usize, Net<T>)> = None;
    let mut curve = Vec::new();
    let mut converged = false;
    progress.step("epochs", 0, p.max_iter as u64);
    for epoch in 0..p.max_iter {
        if p.shuffle {
            order.shuffle(&mut rng);
        }
        let loss = run.epoch(net, &order, batch)?;
        if !loss.is_finite() {
            return Err(diverged());
        }
        let judged = run.judge(net)?;
        curve.push((loss, judged.map(|j| j.loss)));
        let score = judged.map_or(-loss, |j| j.accuracy);
        if watch.is_best(score, p.tol) && judged.is_some() {
            kept = Some((epoch + 1, net.clone()));
        }
        progress.step("epochs", epoch as u64 + 1, p.max_iter as u64);
        run.stepper.epoch_ends(p, ((epoch + 1) * n) as f64);
        if watch.idle > p.n_iter_no_change {
            if !run.stepper.slows_down(p) {
                converged = true;
                break;
            }
            watch.idle = 0;
        }
    }
    let mut notes = Vec::new();
    if !converged {
        notes.push(format!(
            "mlp: the loss still improved after max_iter = {} epochs: more of them, or a larger learning_rate_init, may help",
            p.max_iter
        ));
    }
    let best = kept.map(|(epoch, best)| {
        *net = best;
        epoch
    });
    Ok(Outcome { curve, best, notes })
}

/// What improves no more.
struct Watch {
    best: Option<f64>,
    /// Epochs in a row that did not improve enough.
    idle: usize,
}

impl Watch {
    /// `score`: the larger the better. Whether there was none as good.
    fn is_best(&mut self, score: f64, tol: f64) -> bool {
        let best = self.best.unwrap_or(f64::NEG_INFINITY);
        self.idle = if score < best + tol { self.idle + 1 } else { 0 };
        if score > best {
            self.best = Some(score);
        }
        score > best
    }
}

#[derive(Clone, Copy)]
struct Judged {
    loss: f64,
    accuracy: f64,
}

struct Run<'a, T> {
    p: &'a Mlp,
    data: Data<T>,
    held_out: Option<Data<T>>,
    weight_of_held: f64,
    stepper: Stepper<T>,
    workers: Workers<T>,
    progress: &'a dyn Progress,
}

impl<T: Real> Run<'_, T> {
    /// Goes over the rows once; returns the mean of the batches' losses.
    fn epoch(&mut self, net: &mut Net<T>, order: &[u32], batch: usize) -> Result<f64> {
        let mut sum = 0.0;
        for rows in order.chunks(batch) {
            let weight = self.data.weight_of(rows);
            if weight <= 0.0 {
                continue; // nothing to learn from these rows
            }
            let score = self.workers.learn(net, &self.data, rows, self.progress)?;
            let loss = (score.loss + 0.5 * self.p.alpha * net.squared_weights()) / weight;
            sum += loss * rows.len() as f64;
            self.stepper.step(self.p, net, self.workers.gradient(), weight);
        }
        Ok(sum / order.len() as f64)
    }

    fn judge(&mut self, net: &Net<T>) -> Result<Option<Judged>> {
        let Some(held_out) = &self.held_out else { return Ok(None) };
        let mut judged = Judged { loss: 0.0, accuracy: 0.0 };
        let rows: Vec<u32> = (0..held_out.len() as u32).collect();
        for rows in rows.chunks(1 << 14) {
            let score = self.workers.judge(net, held_out, rows, self.progress)?;
            judged.loss += score.loss / self.weight_of_held;
            judged.accuracy += score.right / self.weight_of_held;
        }
        Ok(Some(judged))
    }
}
