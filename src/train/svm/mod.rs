//! Support vector machines: scikit-learn's `SVC`, libsvm's C-SVC.
//!
//! A machine per pair of classes ([`smo`]), over rows packed for kernels ([`rows`]), with the kernel's columns kept while there is
//! room ([`cache`]); five more machines per pair whose decision values of the rows they did not see make its sigmoid ([`platt`]).
//! All machines are independent of each other, so they run on as many threads as there are.

mod cache;
mod lanes;
mod platt;
mod rows;
mod smo;

use super::params::{Gamma, GammaName, KernelName, Svm};
use super::{Fitted, Problem, Progress, normalised};
use crate::error::{Error, ErrorKind, Result};
use crate::math::{self, BOUND, Matrix};
use crate::model::svm::{Kernel, MAX_CLASSES, Platt};
use crate::model::{Model, svm};
use ndarray::ArrayView2;
use platt::FOLDS;
use rayon::prelude::*;
use rows::Source;
use smo::{Machine, Settings, Task};
use std::cell::Cell;
use std::sync::atomic::{AtomicU64, Ordering};

/// Fits machines, and with `probability` their sigmoids.
pub(crate) fn fit(p: &Svm, problem: &Problem<'_>, seed: u64, progress: &dyn Progress) -> Result<Fitted> {
    if problem.x.iter().any(|v| v.is_nan()) {
        let message = "a support vector machine needs values without gaps: set preprocessing.imputer";
        return Err(Error::new(ErrorKind::Config, message));
    }
    if problem.n_classes > MAX_CLASSES {
        let message = format!(
            "a support vector machine has at most {MAX_CLASSES} classes, not {}: choose another model.type",
            problem.n_classes
        );
        return Err(Error::new(ErrorKind::Data, message));
    }
    let kernel = kernel(p, problem.x)?;
    let source = Source::new(kernel, problem.x)?;
    let pairs = Pair::all(p, problem)?;
    let machines = machines(p, &source, &pairs, seed, progress)?;
    Ok(fitted(p, kernel, problem, &pairs, &machines))
}

/// The kernel with its numbers.
fn kernel(p: &Svm, x: ArrayView2<'_, f64>) -> Result<Kernel> {
    let gamma = match p.gamma {
        Gamma::Number(gamma) => gamma,
        Gamma::Name(GammaName::Auto) => 1.0 / x.ncols() as f64,
        Gamma::Name(GammaName::Scale) => {
            let n = x.len() as f64;
            let mean = x.iter().sum::<f64>() / n;
            let variance = x.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
            if variance > 0.0 { 1.0 / (x.ncols() as f64 * variance) } else { 1.0 }
        }
    };
    if !(0.0..=BOUND).contains(&gamma) || p.coef0.abs() > BOUND {
        let message = "gamma and coef0 are too large for a support vector machine: set preprocessing.scaler to standard, or smaller ones";
        return Err(Error::new(ErrorKind::Data, message));
    }
    Ok(match p.kernel {
        KernelName::Linear => Kernel::Linear,
        KernelName::Rbf => Kernel::Rbf { gamma },
        KernelName::Poly => Kernel::Poly { gamma, coef0: p.coef0, degree: p.degree },
        KernelName::Sigmoid => Kernel::Sigmoid { gamma, coef0: p.coef0 },
    })
}

/// The rows of two classes, in the order of the problem: 1 is the first class, -1 the second.
struct Pair {
    classes: (usize, usize),
    ids: Vec<u32>,
    y: Vec<f64>,
    penalty: Vec<f64>,
}

impl Pair {
    /// All pairs in libsvm's order, of the rows that weigh something.
    fn all(p: &Svm, problem: &Problem<'_>) -> Result<Vec<Pair>> {
        let mut of_class = vec![Vec::new(); problem.n_classes];
        for (i, (&class, &weight)) in problem.y.iter().zip(problem.weight).enumerate() {
            if p.c * weight > 0.0 {
                of_class[class].push(i as u32);
            }
        }
        if of_class.iter().filter(|rows| !rows.is_empty()).count() < 2 {
            let message = "a support vector machine needs rows of at least two classes whose weight is above 0";
            return Err(Error::new(ErrorKind::Data, message));
        }
        let mut pairs = Vec::new();
        for first in 0..problem.n_classes {
            for second in first + 1..problem.n_classes {
                let mut ids = [of_class[first].as_slice(), &of_class[second]].concat();
                ids.sort_unstable();
                let y = ids.iter().map(|&i| if problem.y[i as usize] == first { 1.0 } else { -1.0 }).collect();
                let penalty = ids.iter().map(|&i| p.c * problem.weight[i as usize]).collect();
                pairs.push(Pair { classes: (first, second), ids, y, penalty });
            }
        }
        Ok(pairs)
    }

    /// The part of the rows that `keep` has.
    fn part(&self, keep: impl Fn(usize) -> bool) -> Pair {
        let kept: Vec<usize> = (0..self.ids.len()).filter(|i| keep(*i)).collect();
        Pair {
            classes: self.classes,
            ids: kept.iter().map(|&i| self.ids[i]).collect(),
            y: kept.iter().map(|&i| self.y[i]).collect(),
            penalty: kept.iter().map(|&i| self.penalty[i]).collect(),
        }
    }

    /// Rows of one class, or none, leave nothing to fit: the decision is that class, as libsvm takes it in its folds.
    fn machine(
        &self,
        source: &Source,
        settings: Settings,
        progress: &dyn Progress,
        told: &dyn Fn(f64),
    ) -> Result<Machine> {
        let both = self.y.contains(&1.0) && self.y.contains(&-1.0);
        if !both {
            let bias = self.y.first().copied().unwrap_or(0.0);
            return Ok(Machine { beta: vec![0.0; self.ids.len()], bias, steps: 0, gap: 0.0 });
        }
        let task = Task { ids: &self.ids, y: &self.y, penalty: &self.penalty };
        smo::solve(source, &task, settings, progress, told)
    }
}

/// A pair's machine and its sigmoid.
struct Fit {
    machine: Machine,
    platt: Option<(f64, f64)>,
    /// Machines of folds that were ended by `max_iter`.
    cut: usize,
}

/// What a piece of work gives: a pair's machine, or decision values of the rows that a fold holds out.
enum Piece {
    Whole(Machine),
    Fold { decisions: Vec<f64>, cut: bool },
}

/// Fits all machines of all pairs.
fn machines(p: &Svm, source: &Source, pairs: &[Pair], seed: u64, progress: &dyn Progress) -> Result<Vec<Fit>> {
    let folds: Vec<Vec<u8>> = if p.probability {
        pairs.iter().enumerate().map(|(k, pair)| platt::folds(&pair.y, seed, 1 + k as u64)).collect()
    } else {
        Vec::new()
    };
    let per_pair = if p.probability { 1 + FOLDS } else { 1 };
    let pieces = pairs.len() * per_pair;
    let at_a_time = rayon::current_num_threads().min(pieces).max(1);
    let settings = Settings {
        // A quarter, so that decision values lie within `tol` of the exact ones, as users read it; libsvm's are up to twice that off.
        tol: 0.25 * p.tol,
        shrinking: p.shrinking,
        max_iter: u64::try_from(p.max_iter).ok(),
        cache: (p.cache_size * (1 << 20) as f64 / size_of::<f32>() as f64 / at_a_time as f64) as usize,
    };
    let steps = Steps { progress, done: AtomicU64::new(0), total: pieces as u64 * PARTS };
    let work = |k: usize| -> Result<Piece> {
        let pair = &pairs[k / per_pair];
        let told = steps.piece();
        let Some(fold) = (k % per_pair).checked_sub(1) else {
            let machine = pair.machine(source, settings, progress, &|gap| told.at(gap, p.tol))?;
            told.end();
            return Ok(Piece::Whole(machine));
        };
        let of = &folds[k / per_pair];
        let rest = pair.part(|i| usize::from(of[i]) != fold);
        let held: Vec<u32> =
            pair.ids.iter().zip(of).filter(|(_, f)| usize::from(**f) == fold).map(|(id, _)| *id).collect();
        let machine = rest.machine(source, settings, progress, &|gap| told.at(gap, p.tol))?;
        let factors: Vec<(u32, f64)> =
            rest.ids.iter().zip(&machine.beta).filter(|(_, b)| **b != 0.0).map(|(id, b)| (*id, *b)).collect();
        let mut decisions = source.rows(&held).sums(0, &factors, progress)?;
        decisions.truncate(held.len());
        decisions.iter_mut().for_each(|d| *d += machine.bias);
        told.end();
        Ok(Piece::Fold { decisions, cut: machine.gap >= p.tol })
    };
    // A piece at a time to each thread: they take long, and differ.
    let done: Vec<Piece> = (0..pieces).into_par_iter().with_max_len(1).map(work).collect::<Result<_>>()?;
    let mut done = done.into_iter();
    let mut fits = Vec::with_capacity(pairs.len());
    for (k, pair) in pairs.iter().enumerate() {
        let mut fit = Fit { machine: Machine::default(), platt: None, cut: 0 };
        let mut decisions = vec![0.0; pair.ids.len()];
        for (fold, piece) in (0..).zip(done.by_ref().take(per_pair)) {
            match piece {
                Piece::Whole(machine) => fit.machine = machine,
                Piece::Fold { decisions: of_fold, cut } => {
                    let places = folds[k].iter().enumerate().filter(|(_, f)| **f + 1 == fold).map(|(i, _)| i);
                    places.zip(of_fold).for_each(|(i, d)| decisions[i] = d);
                    fit.cut += usize::from(cut);
                }
            }
        }
        if p.probability {
            fit.platt = Some(platt::sigmoid(&decisions, &pair.y));
        }
        fits.push(fit);
    }
    Ok(fits)
}

/// Says how far all pieces are together.
struct Steps<'a> {
    progress: &'a dyn Progress,
    done: AtomicU64,
    total: u64,
}

/// Steps of a piece.
const PARTS: u64 = 100;

/// A piece of work, and how far it is.
struct Told<'a> {
    steps: &'a Steps<'a>,
    reached: Cell<u64>,
}

impl Steps<'_> {
    fn piece(&self) -> Told<'_> {
        Told { steps: self, reached: Cell::new(0) }
    }
}

impl Told<'_> {
    /// The largest violation falls from 2 to `tol`, about as fast by its logarithm at all times.
    fn at(&self, gap: f64, tol: f64) {
        let part = math::ln(2.0 / gap) / math::ln(2.0 / tol);
        if part > 0.0 && part <= 1.0 {
            self.to((part * (PARTS - 1) as f64) as u64);
        }
    }

    fn end(&self) {
        self.to(PARTS);
    }

    fn to(&self, reached: u64) {
        let more = reached.saturating_sub(self.reached.get());
        if more > 0 {
            self.reached.set(reached);
            let done = self.steps.done.fetch_add(more, Ordering::Relaxed) + more;
            self.steps.progress.step("machines", done, self.steps.total);
        }
    }
}

/// Machines as one model: a vector that several pairs need is there once.
fn fitted(p: &Svm, kernel: Kernel, problem: &Problem<'_>, pairs: &[Pair], fits: &[Fit]) -> Fitted {
    let k = problem.n_classes;
    let d = problem.x.ncols();
    let mut needed = vec![false; problem.y.len()];
    for (pair, fit) in pairs.iter().zip(fits) {
        pair.ids
            .iter()
            .zip(&fit.machine.beta)
            .filter(|(_, b)| **b != 0.0)
            .for_each(|(i, _)| needed[*i as usize] = true);
    }
    let mut order: Vec<usize> = (0..needed.len()).filter(|i| needed[*i]).collect();
    order.sort_by_key(|i| problem.y[*i]);
    let mut place = vec![0; needed.len()];
    let mut n_support = vec![0u32; k];
    let mut support = Vec::with_capacity(order.len() * d);
    for (at, &i) in order.iter().enumerate() {
        place[i] = at;
        n_support[problem.y[i]] += 1;
        support.extend(problem.x.row(i));
    }
    let mut dual_coef = Matrix { rows: k - 1, cols: order.len(), data: vec![0.0; (k - 1) * order.len()] };
    for (pair, fit) in pairs.iter().zip(fits) {
        let (first, second) = pair.classes;
        for ((&i, &y), &beta) in pair.ids.iter().zip(&pair.y).zip(&fit.machine.beta).filter(|(_, b)| **b != 0.0) {
            let row = if y > 0.0 { second - 1 } else { first };
            dual_coef.data[row * order.len() + place[i as usize]] = beta;
        }
    }
    let platt = p.probability.then(|| {
        let sigmoids = fits.iter().filter_map(|f| f.platt);
        let (a, b) = sigmoids.unzip();
        Platt { a, b }
    });
    let importance = match kernel {
        Kernel::Linear => linear_importance(problem, pairs, fits),
        _ => vec![0.0; d],
    };
    let model = Model::Svm(svm::Svm {
        kernel,
        support: Matrix { rows: order.len(), cols: d, data: support },
        n_support,
        dual_coef,
        intercept: fits.iter().map(|f| f.machine.bias).collect(),
        platt,
    });
    Fitted { model, importance, curve: Vec::new(), rounds: None, notes: notes(p, fits) }
}

/// Per feature `|w|` times the column's standard deviation, added up over the pairs.
fn linear_importance(problem: &Problem<'_>, pairs: &[Pair], fits: &[Fit]) -> Vec<f64> {
    let d = problem.x.ncols();
    let mut size = vec![0.0; d];
    for (pair, fit) in pairs.iter().zip(fits) {
        let mut w = vec![0.0; d];
        for (&i, &beta) in pair.ids.iter().zip(&fit.machine.beta).filter(|(_, b)| **b != 0.0) {
            w.iter_mut().zip(problem.x.row(i as usize)).for_each(|(w, v)| *w += beta * v);
        }
        size.iter_mut().zip(&w).for_each(|(size, w)| *size += w.abs());
    }
    let n = problem.y.len() as f64;
    for (size, column) in size.iter_mut().zip(problem.x.columns()) {
        let mean = column.iter().sum::<f64>() / n;
        let variance = column.iter().map(|v| (v - mean) * (v - mean)).sum::<f64>() / n;
        *size *= variance.sqrt();
    }
    normalised(size)
}

/// Where `max_iter` ended it.
fn notes(p: &Svm, fits: &[Fit]) -> Vec<String> {
    let whole: Vec<&Machine> = fits.iter().map(|f| &f.machine).filter(|m| m.gap >= p.tol).collect();
    let folds: usize = fits.iter().map(|f| f.cut).sum();
    if whole.is_empty() && folds == 0 {
        return Vec::new();
    }
    let steps = whole.iter().map(|m| m.steps).max().unwrap_or(0);
    let gap = whole.iter().map(|m| m.gap).fold(0.0, f64::max);
    let which = match (whole.len(), folds) {
        (0, _) => format!("{folds} of the machines that are fitted for probabilities"),
        (n, _) => format!("{n} of {} machines (after {steps} steps, with a violation of {gap:.1e})", fits.len()),
    };
    vec![format!(
        "support vector machine: {which} ended at max_iter before reaching tol {:.1e}: a larger max_iter, scaled features or a smaller \
         C would help",
        p.tol
    )]
}

#[cfg(test)]
mod tests;
