//! Gaussian naive Bayes, as scikit-learn's `GaussianNB.fit`: per class and feature the weighted mean and variance, each variance
//! raised by a part of the largest variance that any feature has over all rows (which weights leave as it is).
//!
//! Variances are taken around the means in a second pass over the rows.

use super::params::GaussianNb;
use super::{Fitted, Problem, Progress};
use crate::error::{Error, ErrorKind, Result};
use crate::math::{BOUND, Matrix};
use crate::model::Model;
use crate::model::bayes::NaiveBayes;
use rayon::prelude::*;

/// Row blocks whose sums are added in order, whatever the number of threads.
const BLOCKS: usize = 64;

pub(crate) fn fit(p: &GaussianNb, problem: &Problem<'_>, progress: &dyn Progress) -> Result<Fitted> {
    let (d, k) = (problem.x.ncols(), problem.n_classes);
    if problem.x.iter().any(|v| v.is_nan()) {
        let message = "naive Bayes needs values without gaps: set preprocessing.imputer";
        return Err(Error::new(ErrorKind::Config, message));
    }
    if let Some(priors) = &p.priors
        && priors.len() != k
    {
        let message =
            format!("model.parameters.priors must hold {k} probabilities, one per class, not {}", priors.len());
        return Err(Error::new(ErrorKind::Config, message));
    }
    let mut weight = vec![0.0; k];
    problem.y.iter().zip(problem.weight).for_each(|(&c, w)| weight[c] += w);
    let total: f64 = weight.iter().sum();
    if total <= 0.0 {
        return Err(Error::new(ErrorKind::Data, "all rows weigh nothing: at least one weight must be above 0"));
    }
    progress.step("naive bayes", 0, 2);
    let mut moments =
        Moments { problem: *problem, weight: &weight, mean: Matrix { rows: k + 1, cols: d, data: Vec::new() } };
    moments.mean.data = moments.averages(progress, |v, _| v)?;
    progress.step("naive bayes", 1, 2);
    let mut var = moments.averages(progress, |v, mean| (v - mean) * (v - mean))?;
    progress.step("naive bayes", 2, 2);
    let mut mean = moments.mean.data;

    let (of_all, spread) = (mean.split_off(k * d), var.split_off(k * d));
    let largest = spread.iter().copied().fold(0.0, f64::max);
    let epsilon = p.var_smoothing * largest;
    var.iter_mut().for_each(|v| *v = (*v + epsilon).min(BOUND));
    let mut notes = Vec::new();
    for (c, &w) in weight.iter().take(k).enumerate() {
        let own = c * d..(c + 1) * d;
        if w <= 0.0 {
            // Without a row of its own, a class is as all rows are.
            mean[own.clone()].copy_from_slice(&of_all);
            var[own].iter_mut().zip(&spread).for_each(|(v, s)| *v = (s + epsilon).min(BOUND));
            notes.push(format!("class {c} has no row of any weight to learn from"));
        }
    }
    for (i, v) in var.iter_mut().enumerate().filter(|(_, v)| **v <= 0.0) {
        if spread[i % d] > 0.0 {
            let message = "naive Bayes: a feature is constant within a class, which leaves its other values no probability: \
                           set model.parameters.var_smoothing above 0";
            return Err(Error::new(ErrorKind::Config, message));
        }
        // The same everywhere, it tells the classes apart with no variance: any will do.
        *v = 1.0;
    }
    let prior = p.priors.clone().unwrap_or_else(|| weight.iter().map(|w| w / total).collect());
    let shape = |data| Matrix { rows: k, cols: d, data };
    let model = Model::NaiveBayes(NaiveBayes { prior, mean: shape(mean), var: shape(var) });
    Ok(Fitted { model, importance: vec![0.0; d], curve: Vec::new(), rounds: None, notes })
}

struct Moments<'a, 'b> {
    problem: Problem<'a>,
    /// Of each class.
    weight: &'b [f64],
    /// Of each class, and of all rows; unused while the means are sought.
    mean: Matrix,
}

impl Moments<'_, '_> {
    /// Per class the weighted average of `f(value, mean)` of each feature, then its plain average over all rows.
    fn averages(&self, progress: &dyn Progress, f: impl Fn(f64, f64) -> f64 + Sync) -> Result<Vec<f64>> {
        let Problem { x, y, weight, n_classes, .. } = self.problem;
        let (n, d) = x.dim();
        let size = n.div_ceil(BLOCKS);
        let no_mean = vec![0.0; d];
        let mean = |c: usize| if self.mean.data.is_empty() { &no_mean[..] } else { self.mean.row(c) };
        let blocks: Vec<Vec<f64>> = (0..n.div_ceil(size))
            .into_par_iter()
            .map(|b| {
                let mut sum = vec![0.0; (n_classes + 1) * d];
                let (of_class, of_all) = sum.split_at_mut(n_classes * d);
                for row in b * size..((b + 1) * size).min(n) {
                    if row % 4096 == 0 {
                        progress.proceed()?;
                    }
                    let (c, w) = (y[row], weight[row]);
                    let own = of_class[c * d..(c + 1) * d].iter_mut().zip(mean(c));
                    let all = of_all.iter_mut().zip(mean(n_classes));
                    for (v, ((own, mean), (all, mean_of_all))) in x.row(row).iter().zip(own.zip(all)) {
                        *own += w * f(*v, *mean);
                        *all += f(*v, *mean_of_all);
                    }
                }
                Ok(sum)
            })
            .collect::<Result<_>>()?;
        let mut out = vec![0.0; (n_classes + 1) * d];
        for block in &blocks {
            out.iter_mut().zip(block).for_each(|(o, v)| *o += v);
        }
        for (c, part) in out.chunks_mut(d).enumerate() {
            let weight = self.weight.get(c).copied().unwrap_or(n as f64);
            if weight > 0.0 {
                part.iter_mut().for_each(|v| *v /= weight);
            }
        }
        Ok(out)
    }
}
