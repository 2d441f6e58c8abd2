//! Divisions against scikit-learn's (`tests/golden/folds.py` writes them), and their promises on drawn rows.

use super::*;
use rand::RngExt;
use serde_json::Value;

fn numbers(v: &Value) -> Vec<usize> {
    v.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect()
}

fn golden() -> Value {
    serde_json::from_str(include_str!("../../tests/golden/folds.json")).unwrap()
}

fn message<T: std::fmt::Debug>(result: Result<T>) -> String {
    result.unwrap_err().to_string()
}

/// Every row judges once, and trains in all other folds.
fn judges_once(folds: &[Fold], n: usize) {
    let mut judged: Vec<usize> = folds.iter().flat_map(|f| f.held_out.clone()).collect();
    judged.sort_unstable();
    assert_eq!(judged, (0..n).collect::<Vec<_>>());
    for f in folds {
        assert_eq!(f.train.len() + f.held_out.len(), n);
        assert!(f.train.iter().all(|i| f.held_out.binary_search(i).is_err()));
        assert!(f.train.is_sorted() && f.held_out.is_sorted());
    }
}

#[test]
fn a_stratified_fold_has_as_many_of_each_class_as_scikit_learns() {
    for case in golden()["stratified"].as_array().unwrap() {
        let (y, k) = (numbers(&case["y"]), case["k"].as_u64().unwrap() as usize);
        let folds = stratified_k_fold(&y, k, 3).unwrap();
        judges_once(&folds, y.len());
        for (fold, want) in folds.iter().zip(case["counts"].as_array().unwrap()) {
            let mut got = vec![0; want.as_array().unwrap().len()];
            fold.held_out.iter().for_each(|&i| got[y[i]] += 1);
            assert_eq!(got, numbers(want));
        }
        assert_eq!(folds, stratified_k_fold(&y, k, 3).unwrap());
        assert_ne!(folds, stratified_k_fold(&y, k, 4).unwrap(), "another seed divides otherwise");
    }
    let e = message(stratified_k_fold(&[0, 0, 1], 3, 1));
    assert_eq!(e, "3 folds need at least 3 rows of some class, and the largest has 2: ask for fewer folds");
}

#[test]
fn group_folds_are_scikit_learns_and_divide_no_group() {
    for case in golden()["group"].as_array().unwrap() {
        let (groups, k) = (numbers(&case["groups"]), case["k"].as_u64().unwrap() as usize);
        let folds = group_k_fold(&groups, k).unwrap();
        judges_once(&folds, groups.len());
        let got: Vec<Vec<usize>> = folds.iter().map(|f| f.held_out.clone()).collect();
        let want: Vec<Vec<usize>> = case["held_out"].as_array().unwrap().iter().map(numbers).collect();
        assert_eq!(got, want);
    }
    assert!(message(group_k_fold(&[0, 1, 0], 3)).contains("there are 2: ask for fewer folds"));
}

#[test]
fn windows_in_time_are_scikit_learns_where_times_differ() {
    for case in golden()["time"].as_array().unwrap() {
        let times: Vec<f64> = case["times"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
        let windows = time_series(&times, case["k"].as_u64().unwrap() as usize).unwrap();
        for (window, want) in windows.iter().zip(case["windows"].as_array().unwrap()) {
            assert_eq!((window.train.clone(), window.held_out.clone()), (numbers(&want[0]), numbers(&want[1])));
        }
    }
    assert!(message(time_series(&[1.0; 12], 3)).starts_with("window 1 of 3 in time has nothing earlier"));
    assert!(message(time_series(&[1.0, 2.0], 2)).contains("at least 3 rows, there are 2"));
}

#[test]
fn no_row_of_the_future_trains_and_no_group_is_on_both_sides() {
    let mut rng = Pcg64Mcg::seed_from_u64(5);
    for round in 0..50 {
        let n = rng.random_range(20..80);
        // Few distinct times, so that many are equal.
        let times: Vec<f64> = (0..n).map(|_| f64::from(rng.random_range(0..12u32))).collect();
        let mut windows = time_series(&times, 3).unwrap_or_default();
        windows.extend(time_holdout(&times, 0.25));
        assert!(!windows.is_empty());
        for w in &windows {
            let latest = w.train.iter().map(|&i| times[i]).fold(f64::NEG_INFINITY, f64::max);
            assert!(w.held_out.iter().all(|&i| times[i] > latest), "{w:?}");
        }
        let mut groups: Vec<usize> = (0..n).map(|_| rng.random_range(0..10)).collect();
        groups.extend(0..10);
        let mut folds = group_k_fold(&groups, 4).unwrap();
        folds.push(group_holdout(&groups, 0.3, round).unwrap());
        for f in &folds {
            assert!(!f.train.is_empty() && !f.held_out.is_empty());
            assert!(f.train.iter().all(|&i| f.held_out.iter().all(|&j| groups[i] != groups[j])));
        }
        let part = folds[4].held_out.len() as f64 / groups.len() as f64;
        assert!((0.1..0.5).contains(&part), "{part}");
    }
    assert_eq!(time_holdout(&[3.0; 9], 0.2), None);
    assert!(message(group_holdout(&[0, 0], 0.2, 1)).starts_with("there is one group only"));
    let latest = time_holdout(&[5.0, 1.0, 2.0, 3.0, 4.0], 0.4).unwrap();
    assert_eq!((latest.train, latest.held_out), (vec![1, 2, 3], vec![0, 4]));
}
