//! Multi-layer perceptrons, as scikit-learn's `MLPClassifier` trains them: the mean log loss with an L2 penalty, by Adam, by
//! stochastic gradient descent with momentum, or by L-BFGS.
//!
//! The stochastic solvers compute in single precision, which their own noise drowns; probabilities, losses and L-BFGS are in
//! double precision.

mod full;
mod gradient;
mod net;
mod product;
mod real;
mod step;
mod stochastic;

use super::params::{Mlp, MlpSolver};
use super::{Fitted, Problem, Progress, rng};
use crate::error::{Error, ErrorKind, Result};
use crate::math;
use crate::model::Model;
use net::Net;
use rand::seq::SliceRandom;
use rand_pcg::Pcg64Mcg;

/// Random numbers of the first weights.
const WEIGHTS: u64 = 0;

pub(crate) fn fit(
    p: &Mlp,
    problem: &Problem<'_>,
    validation: Option<&Problem<'_>>,
    seed: u64,
    progress: &dyn Progress,
) -> Result<Fitted> {
    if problem.x.iter().any(|v| v.is_nan()) {
        let message = "a multi-layer perceptron needs values without gaps: set preprocessing.imputer";
        return Err(Error::new(ErrorKind::Config, message));
    }
    if problem.weight.iter().all(|w| *w == 0.0) {
        return Err(Error::new(ErrorKind::Data, "all rows weigh nothing: at least one weight must be above 0"));
    }
    let outputs = if problem.n_classes == 2 { 1 } else { problem.n_classes };
    let hidden = p.hidden_layer_sizes.iter().copied();
    let widths: Vec<usize> = std::iter::once(problem.x.ncols()).chain(hidden).chain([outputs]).collect();
    let (model, outcome): (_, Outcome) = if p.solver == MlpSolver::Lbfgs {
        let mut net = Net::<f64>::new(&widths, p.activation.into());
        net.initialise(&mut rng(seed, WEIGHTS));
        let outcome = full::fit(p, &mut net, problem, progress)?;
        (net.fitted(), outcome)
    } else {
        let mut net = Net::<f32>::new(&widths, p.activation.into());
        net.initialise(&mut rng(seed, WEIGHTS));
        let outcome = stochastic::fit(p, &mut net, problem, validation, seed, progress)?;
        (net.fitted(), outcome)
    };
    let numbers = || model.layers.iter().flat_map(|l| l.weights.data.iter().chain(&l.bias));
    if numbers().any(|v| v.is_nan() || v.abs() > math::BOUND) {
        return Err(diverged());
    }
    Ok(Fitted {
        importance: vec![0.0; problem.x.ncols()],
        curve: outcome.curve,
        rounds: outcome.best,
        notes: outcome.notes,
        model: Model::Mlp(model),
    })
}

/// What came of a fit.
struct Outcome {
    /// Per epoch the mean loss of its batches, penalty included, each before its step, and that of the rows held out; L-BFGS: the
    /// loss after each step.
    curve: Vec<(f64, Option<f64>)>,
    /// The epoch whose weights were kept, if not the last.
    best: Option<usize>,
    notes: Vec<String>,
}

fn diverged() -> Error {
    let message =
        "the perceptron diverged: scale the features (preprocessing.scaler), or set a smaller learning_rate_init";
    Error::new(ErrorKind::Data, message)
}

/// Rows to fit and rows held out, the latter so many of each class as `fraction` says, rounded; at least one of each class that
/// has two.
fn halves(problem: &Problem<'_>, fraction: f64, rng: &mut Pcg64Mcg) -> (Vec<u32>, Vec<u32>) {
    let mut by_class = vec![Vec::new(); problem.n_classes];
    problem.y.iter().enumerate().for_each(|(i, &c)| by_class[c].push(i as u32));
    let (mut fitted, mut held) = (Vec::new(), Vec::new());
    for mut rows in by_class {
        rows.shuffle(rng);
        let most = rows.len().saturating_sub(1);
        let n = ((rows.len() as f64 * fraction).round() as usize).clamp(most.min(1), most);
        held.extend_from_slice(&rows[..n]);
        fitted.extend_from_slice(&rows[n..]);
    }
    fitted.sort_unstable();
    held.sort_unstable();
    (fitted, held)
}
