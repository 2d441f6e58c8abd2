//! All rows at once: L-BFGS, with scikit-learn's (SciPy's) limits.

use super::gradient::{Data, Workers};
use super::net::Net;
use super::product::LANES;
use super::{Outcome, diverged};
use crate::error::Result;
use crate::train::lbfgs::{End, Limits, minimise};
use crate::train::params::Mlp;
use crate::train::{Problem, Progress};

/// The gain of a step, relative to the loss, that ends the fit.
const GAIN: f64 = 1e7 * f64::EPSILON;

/// Improves `net`, whose weights are drawn already.
pub(super) fn fit(p: &Mlp, net: &mut Net<f64>, problem: &Problem<'_>, progress: &dyn Progress) -> Result<Outcome> {
    let rows: Vec<u32> = (0..problem.y.len() as u32).collect();
    let data = Data::new(problem, &rows);
    let weight = data.weight_of(&rows);
    let mut workers = Workers::new(net, rows.len());
    let limits = Limits { iterations: p.max_iter, evaluations: p.max_fun, gradient: p.tol, gain: GAIN };
    let step = |n: usize| progress.step("steps", n as u64, p.max_iter as u64);
    step(0);
    let start = net.params.as_flattened().to_vec();
    let found = minimise(start, limits, step, |x, gradient| {
        net.params.as_flattened_mut().copy_from_slice(x);
        let score = workers.learn(net, &data, &rows, progress)?;
        gradient.copy_from_slice(workers.gradient().as_flattened());
        for layer in &net.layers {
            let at = layer.weights.start * LANES..layer.weights.end * LANES;
            gradient[at.clone()].iter_mut().zip(&x[at]).for_each(|(g, w)| *g += p.alpha * w);
        }
        gradient.iter_mut().for_each(|g| *g /= weight);
        Ok((score.loss + 0.5 * p.alpha * net.squared_weights()) / weight)
    })?;
    net.params.as_flattened_mut().copy_from_slice(&found.x);
    if found.x.iter().any(|v| !v.is_finite()) {
        return Err(diverged());
    }
    let mut notes = Vec::new();
    if found.end == End::Limit {
        notes.push(format!(
            "mlp: lbfgs stopped after {} steps with a gradient of {:.1e}, above tol {:.1e}: a larger max_iter or max_fun may help",
            found.iterations, found.gradient, p.tol
        ));
    }
    Ok(Outcome { curve: found.values.iter().map(|v| (*v, None)).collect(), best: None, notes })
}
