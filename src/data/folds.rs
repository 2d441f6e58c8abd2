//! How rows are divided into those that train and those that judge.
//!
//! | division | what it promises |
//! |---|---|
//! | [`stratified_k_fold`] | each row judges once; every fold has about the same share of each class (`StratifiedKFold`) |
//! | [`group_k_fold`] | each row judges once; no group is on both sides (`GroupKFold`) |
//! | [`time_series`] | expanding windows: whatever trains is earlier than whatever judges (`TimeSeriesSplit`) |
//! | [`group_holdout`], [`time_holdout`] | the same promises for one part that is held out |
//!
//! Rows are indices, ascending in each part. The same arguments give the same parts.

use crate::error::{Error, ErrorKind, Result};
use rand::seq::SliceRandom;
use rand_pcg::{Pcg64Mcg, rand_core::SeedableRng};

/// Rows that train and rows that judge what was trained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fold {
    /// Rows to fit on.
    pub train: Vec<usize>,
    /// Rows to judge by.
    pub held_out: Vec<usize>,
}

fn data<T>(message: String) -> Result<T> {
    Err(Error::new(ErrorKind::Data, message))
}

/// `fold_of`: per row which fold it judges.
fn folds(fold_of: &[usize], k: usize) -> Vec<Fold> {
    let part = |wanted: &dyn Fn(usize) -> bool| (0..fold_of.len()).filter(|&i| wanted(fold_of[i])).collect();
    (0..k).map(|f| Fold { train: part(&|of| of != f), held_out: part(&|of| of == f) }).collect()
}

/// `k` folds with about the same share of each class. How many rows of a class go to which fold is scikit-learn's; which rows,
/// the seed says. `y`: class indices. An error where the largest class has fewer than `k` rows.
pub fn stratified_k_fold(y: &[usize], k: usize, seed: u64) -> Result<Vec<Fold>> {
    let n_classes = y.iter().max().map_or(0, |m| m + 1);
    let mut count = vec![0usize; n_classes];
    y.iter().for_each(|&c| count[c] += 1);
    let most = count.iter().copied().max().unwrap_or(0);
    if k < 2 || most < k {
        return data(format!(
            "{k} folds need at least {k} rows of some class, and the largest has {most}: ask for fewer folds"
        ));
    }
    let mut rng = Pcg64Mcg::seed_from_u64(seed);
    let mut fold_of = vec![0; y.len()];
    // As if the rows, sorted by class, were dealt to the folds in turn: that is how many of a class each gets.
    let mut dealt = 0;
    for (class, &count) in count.iter().enumerate() {
        let mut slots: Vec<usize> = (dealt..dealt + count).map(|i| i % k).collect();
        dealt += count;
        slots.shuffle(&mut rng);
        let members = (0..y.len()).filter(|&i| y[i] == class);
        members.zip(slots).for_each(|(i, fold)| fold_of[i] = fold);
    }
    Ok(folds(&fold_of, k))
}

/// Sizes of groups. `groups`: per row which group, 0, 1, ….
fn sizes(groups: &[usize]) -> Vec<usize> {
    let mut sizes = vec![0; groups.iter().max().map_or(0, |m| m + 1)];
    groups.iter().for_each(|&g| sizes[g] += 1);
    sizes
}

/// `k` folds of whole groups, of about the same number of rows: each group, the largest first, goes to the fold with the
/// fewest rows. `groups`: per row which group, 0, 1, …, none left out. An error where there are fewer groups than folds.
pub fn group_k_fold(groups: &[usize], k: usize) -> Result<Vec<Fold>> {
    let sizes = sizes(groups);
    if k < 2 || sizes.len() < k {
        return data(format!("{k} folds need at least {k} groups, there are {}: ask for fewer folds", sizes.len()));
    }
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.sort_by_key(|&g| std::cmp::Reverse((sizes[g], g)));
    let (mut rows, mut fold_of_group) = (vec![0; k], vec![0; sizes.len()]);
    for g in order {
        let lightest = (0..k).min_by_key(|&f| rows[f]).unwrap_or(0);
        rows[lightest] += sizes[g];
        fold_of_group[g] = lightest;
    }
    let fold_of: Vec<usize> = groups.iter().map(|&g| fold_of_group[g]).collect();
    Ok(folds(&fold_of, k))
}

/// Whole groups, drawn by `seed`, of about `fraction` of the rows. `groups`: as for [`group_k_fold`]. An error where there is
/// one group only.
pub fn group_holdout(groups: &[usize], fraction: f64, seed: u64) -> Result<Fold> {
    let sizes = sizes(groups);
    if sizes.len() < 2 {
        return data("there is one group only: at least two are needed to train on one and judge by another".into());
    }
    let mut order: Vec<usize> = (0..sizes.len()).collect();
    order.shuffle(&mut Pcg64Mcg::seed_from_u64(seed));
    let wanted = groups.len() as f64 * fraction;
    let (mut held, mut rows) = (vec![false; sizes.len()], 0);
    for (k, &g) in order[..order.len() - 1].iter().enumerate() {
        let with = (rows + sizes[g]) as f64;
        // Taken where that comes nearer to what is wanted; the first in any case.
        if k == 0 || with - wanted <= wanted - rows as f64 {
            held[g] = true;
            rows += sizes[g];
        }
    }
    let fold_of: Vec<usize> = groups.iter().map(|&g| usize::from(held[g])).collect();
    let mut parts = folds(&fold_of, 2);
    Ok(parts.swap_remove(1))
}

/// Rows in the order of their times; of equal times in the order of the table.
fn in_time(times: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..times.len()).collect();
    order.sort_by(|&a, &b| times[a].total_cmp(&times[b]));
    order
}

/// The rows `from..to` in the order of time to judge by, and all that are strictly earlier to train on.
fn window(times: &[f64], order: &[usize], from: usize, to: usize) -> Fold {
    let start = times[order[from]];
    let mut train: Vec<usize> = order[..from].iter().copied().filter(|&i| times[i] < start).collect();
    let mut held_out = order[from..to].to_vec();
    train.sort_unstable();
    held_out.sort_unstable();
    Fold { train, held_out }
}

/// `k` expanding windows: the rows in the order of time fall into `k + 1` parts, and each part but the first is judged by what
/// was trained on all that is earlier (`TimeSeriesSplit`; where times are equal across a border, only what is strictly earlier
/// trains). `times`: any numbers, one per row. An error where no row is earlier than a part.
pub fn time_series(times: &[f64], k: usize) -> Result<Vec<Fold>> {
    let n = times.len();
    if k < 2 || n < k + 1 {
        return data(format!("{k} windows in time need at least {} rows, there are {n}: ask for fewer", k + 1));
    }
    let (order, size) = (in_time(times), n / (k + 1));
    let windows: Vec<Fold> =
        (0..k).map(|f| n - (k - f) * size).map(|from| window(times, &order, from, from + size)).collect();
    match windows.iter().position(|w| w.train.is_empty()) {
        None => Ok(windows),
        Some(at) => data(format!(
            "window {} of {k} in time has nothing earlier to train on, as too many rows have the same event time: ask for fewer",
            at + 1
        )),
    }
}

/// The latest `fraction` of the rows to judge by, all that is strictly earlier to train on. Rows of one time stay together.
/// `None` where all times are equal.
pub fn time_holdout(times: &[f64], fraction: f64) -> Option<Fold> {
    let n = times.len();
    let order = in_time(times);
    let at = |k: usize| times[order[k]];
    let wanted = n - ((n as f64 * fraction).round() as usize).clamp(1, n.max(2) - 1);
    // The border between two times that is nearest; of equally near ones the later.
    let from = (1..n).filter(|&k| at(k - 1) < at(k)).min_by_key(|&k| (k.abs_diff(wanted), std::cmp::Reverse(k)))?;
    Some(window(times, &order, from, n))
}

#[cfg(test)]
#[path = "folds_tests.rs"]
mod tests;
