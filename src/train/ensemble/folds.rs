//! Answers to rows by models that did not see them: what a final estimator, a selection of members and a calibrator are fitted on.

use crate::error::{Error, ErrorKind, Result};
use crate::train::estimator::{Estimator, Fit, Frame};
use crate::train::{Progress, Within, rng};
use rand::seq::SliceRandom;

/// The streams of random numbers that folds and parts are drawn from.
const FOLDS: u64 = 0x0f01d5;
const PART: u64 = 0x9a47;

/// The part of its rows that an estimator's early stopping looks at where nothing else is held out.
pub(super) const STOP_FRACTION: f64 = 0.1;

/// Rows dealt out to folds.
pub(crate) struct Folds {
    /// The fold of each row, in the order of the rows they were made for.
    pub(crate) of: Vec<usize>,
    /// How many there are.
    pub(crate) n: usize,
}

impl Folds {
    /// `n` folds of `rows`, stratified: the rows of each class are shuffled, then dealt out in turn, on from where the class before
    /// ended, so that folds differ by a row of each class at most and by a row in all.
    pub(crate) fn stratified(frame: &Frame<'_>, rows: &[usize], n: usize, seed: u64) -> Result<Folds> {
        let mut rng = rng(seed, FOLDS);
        let mut of = vec![0; rows.len()];
        let mut next = 0;
        for (class, mut at) in by_class(frame, rows).into_iter().enumerate() {
            enough(frame, class, at.len(), n)?;
            at.shuffle(&mut rng);
            for i in at {
                of[i] = next % n;
                next += 1;
            }
        }
        Ok(Folds { of, n })
    }
}

/// The positions in `rows` of each class.
fn by_class(frame: &Frame<'_>, rows: &[usize]) -> Vec<Vec<usize>> {
    let mut at = vec![Vec::new(); frame.n_classes()];
    rows.iter().enumerate().for_each(|(i, &row)| at[frame.y[row]].push(i));
    at
}

/// A class that a fold lacks could not be learned by the models of the other folds, or not be judged in it.
fn enough(frame: &Frame<'_>, class: usize, rows: usize, folds: usize) -> Result<()> {
    if rows >= folds {
        return Ok(());
    }
    let label = &frame.labels[class];
    let right = match rows {
        0 | 1 => "gather more rows of it, or leave it out".to_owned(),
        n => format!("set cv to {n} or less, or gather more rows of it"),
    };
    let s = if rows == 1 { "" } else { "s" };
    let message =
        format!("the class `{label}` has {rows} row{s} to fit on, and each of {folds} folds needs one: {right}");
    Err(Error::new(ErrorKind::Data, message))
}

/// The positions in `rows` of all but a stratified `fraction` of them, and of that part, each ascending. At least one row of each class
/// stays, and of a class with two or more at least one goes.
pub(crate) fn split(frame: &Frame<'_>, rows: &[usize], fraction: f64, seed: u64) -> (Vec<usize>, Vec<usize>) {
    let mut rng = rng(seed, PART);
    let mut taken = vec![false; rows.len()];
    for mut at in by_class(frame, rows) {
        at.shuffle(&mut rng);
        let n = ((at.len() as f64 * fraction).round() as usize).max(1).min(at.len().saturating_sub(1));
        at[..n].iter().for_each(|&i| taken[i] = true);
    }
    (0..rows.len()).partition(|&i| !taken[i])
}

/// What is at these positions.
pub(crate) fn pick<T: Copy>(all: &[T], positions: &[usize]) -> Vec<T> {
    positions.iter().map(|&i| all[i]).collect()
}

/// Fits `estimator` once per fold on the rows of the others, and hands each fit with the positions (in `rows`) of the fold it did not see
/// to `each`. An estimator that stops early looks at an inner part of the rows it is given, never at the fold; the median of the rounds
/// that it kept is what is returned, for the fit on all rows.
#[expect(clippy::too_many_arguments, reason = "all of what a fit takes, and the folds")]
pub(crate) fn out_of_fold(
    name: &str,
    estimator: &Estimator,
    frame: &Frame<'_>,
    rows: &[usize],
    folds: &Folds,
    seed: u64,
    progress: &dyn Progress,
    mut each: impl FnMut(&Fit, &[usize]) -> Result<()>,
) -> Result<Option<usize>> {
    let mut rounds = Vec::new();
    for fold in 0..folds.n {
        progress.proceed()?;
        let (left_out, seen): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(|&i| folds.of[i] == fold);
        let stage = Within::new(progress, format!("{name}, fold {}/{}", fold + 1, folds.n));
        let named = |e: Error| e.context(format!("in fold {} of {}", fold + 1, folds.n));
        let fit = fit_apart(estimator, frame, &pick(rows, &seen), seed, &stage).map_err(named)?;
        rounds.extend(fit.fitted.rounds.filter(|_| estimator.params.stops_early()));
        each(&fit, &left_out).map_err(named)?;
    }
    rounds.sort_unstable();
    Ok(rounds.get(rounds.len() / 2).copied())
}

/// Fits on `rows` alone; where the estimator stops early, a part of them tells it when.
pub(super) fn fit_apart(
    estimator: &Estimator,
    frame: &Frame<'_>,
    rows: &[usize],
    seed: u64,
    progress: &dyn Progress,
) -> Result<Fit> {
    if !estimator.params.stops_early() {
        return estimator.fit(frame, rows, None, seed, progress);
    }
    let (fitted, stop) = split(frame, rows, STOP_FRACTION, seed);
    estimator.fit(frame, &pick(rows, &fitted), Some(&pick(rows, &stop)), seed, progress)
}
