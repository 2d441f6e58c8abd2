//! Stacking and voting against scikit-learn's with the same folds (`tests/golden/ensemble.py` writes them), and that no answer that is
//! fitted on comes from a model that saw its row.

use super::folds::{Folds, out_of_fold};
use super::*;
use crate::train::answer::predict;
use crate::train::config::Preprocessing;
use crate::train::encoders::{Kind, SlotKind};
use crate::train::params::{Stacking, Voting};
use ndarray::{Array2, ArrayView2};
use rand::RngExt;
use serde_json::{Value, json};

pub(in crate::train) fn golden() -> Value {
    serde_json::from_str(include_str!("../../../tests/golden/ensemble.json")).unwrap()
}

pub(in crate::train) fn floats(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn indices(v: &Value) -> Vec<usize> {
    v.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect()
}

#[track_caller]
pub(in crate::train) fn assert_near(got: &[f64], want: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!((got - want).abs() <= tolerance * want.abs().max(1.0), "{what}: number {i} is {got}, not {want}");
    }
}

/// One target of the golden file.
pub(in crate::train) struct Golden {
    pub(in crate::train) name: String,
    pub(in crate::train) value: Value,
    pub(in crate::train) rows: Vec<usize>,
    x: Array2<f64>,
    y: Vec<usize>,
    weight: Vec<f64>,
    labels: Vec<String>,
}

impl Golden {
    pub(in crate::train) fn cases() -> Vec<Golden> {
        let golden = golden();
        let x: Vec<Vec<f64>> = golden["x"].as_array().unwrap().iter().map(floats).collect();
        let case = |case: &Value| {
            let y = indices(&case["y"]);
            Golden {
                name: case["name"].as_str().unwrap().into(),
                value: case.clone(),
                rows: (0..y.len()).collect(),
                x: Array2::from_shape_vec((x.len(), 3), x.concat()).unwrap(),
                weight: vec![1.0; y.len()],
                labels: ["a", "b", "c"][..=*y.iter().max().unwrap()].iter().map(|l| (*l).into()).collect(),
                y,
            }
        };
        golden["cases"].as_array().unwrap().iter().map(case).collect()
    }

    pub(in crate::train) fn folds(&self) -> Folds {
        Folds { of: indices(&self.value["folds"]), n: 4 }
    }

    #[track_caller]
    pub(in crate::train) fn assert_answers(&self, fit: &Fit, want: &Value, tolerance: f64, what: &str) {
        fit.fitted.model.check().unwrap();
        let got = predict(&fit.encoders, &fit.fitted.model, self.x.view(), self.labels.len());
        let want: Vec<Vec<f64>> = want.as_array().unwrap().iter().map(floats).collect();
        for (i, want) in want.iter().enumerate() {
            assert_near(&got.row(i).to_vec(), want, tolerance, &format!("{what}, row {i}"));
        }
    }
}

pub(in crate::train) fn frame(case: &Golden) -> Frame<'_> {
    of(case.x.view(), &case.y, &case.weight, &case.labels)
}

/// Numbers that are never missing.
fn of<'a>(x: ArrayView2<'a, f64>, y: &'a [usize], weight: &'a [f64], labels: &'a [String]) -> Frame<'a> {
    let names = ["p", "q", "r"];
    let kinds = names[..x.ncols()].iter().map(|name| SlotKind { name, kind: Kind::Number, missing: false }).collect();
    Frame { kinds, hidden: &[], slots: x, y, weight, own_weight: weight, labels }
}

/// Members as the golden file names them.
fn described(name: &str) -> Value {
    match name {
        "plain" => json!({"type": "logistic_regression", "parameters": {"C": 1.0, "tol": 1e-12}}),
        "shy" => json!({"type": "logistic_regression", "parameters": {"C": 0.003, "tol": 1e-12}}),
        _ => {
            json!({"type": "logistic_regression", "parameters": {"C": 5.0, "tol": 1e-12}, "preprocessing": {"scaler": "minmax"}})
        }
    }
}

pub(in crate::train) fn estimator(name: &str) -> Estimator {
    let p: Voting = serde_json::from_value(json!({"estimators": {"one": described(name)}})).unwrap();
    p.members(&Preprocessing::default()).unwrap().remove(0).1
}

#[test]
fn stacks_answer_as_scikit_learns() {
    for case in Golden::cases() {
        for want in case.value["stacking"].as_array().unwrap() {
            let names = ["plain", "shy", "wide"];
            let estimators: serde_json::Map<_, _> = names.iter().map(|n| ((*n).into(), described(n))).collect();
            let p: Stacking = serde_json::from_value(json!({
                "estimators": estimators,
                "final_estimator": {"parameters": {"tol": 1e-12}, "preprocessing": {"scaler": "none"}},
                "stack_method": want["method"],
                "passthrough": want["passthrough"],
            }))
            .unwrap();
            let fit =
                stacking::fit_folds(&p, &Preprocessing::default(), &frame(&case), &case.rows, &case.folds(), 1, &())
                    .unwrap();
            case.assert_answers(&fit, &want["probability"], 1e-7, &format!("{}, {}", case.name, want["method"]));
            assert_eq!(fit.members.iter().map(|(n, _)| n.as_str()).collect::<Vec<_>>(), names);
            assert_near(&[fit.members.iter().map(|m| m.1).sum()], &[1.0], 1e-12, "parts");
        }
    }
}

#[test]
fn votes_answer_as_scikit_learns() {
    for case in Golden::cases() {
        let estimators: serde_json::Map<_, _> =
            ["plain", "shy", "wide"].map(|n| (n.into(), described(n))).into_iter().collect();
        let want = &case.value["voting"];
        let p: Voting = serde_json::from_value(json!({"estimators": estimators, "weights": want["weights"]})).unwrap();
        let fit = voting(&p, &Preprocessing::default(), &frame(&case), &case.rows, 1, &()).unwrap();
        case.assert_answers(&fit, &want["probability"], 1e-9, &case.name);
    }
}

/// Rows without any pattern: two numbers and a coin.
fn noise(n: usize, seed: u64) -> (Array2<f64>, Vec<usize>) {
    let mut rng = rng(seed, 1);
    let x = Array2::from_shape_fn((n, 2), |_| rng.random::<f64>());
    (x, (0..n).map(|_| usize::from(rng.random::<bool>())).collect())
}

/// Learns every row by heart.
fn memoriser() -> Value {
    json!({"type": "random_forest", "parameters": {"n_estimators": 20, "min_samples_leaf": 1, "bootstrap": false}})
}

fn two_labels() -> Vec<String> {
    vec!["a".into(), "b".into()]
}

/// The mean of the larger probability: how sure the answers are.
fn sureness(p: &Array2<f64>) -> f64 {
    p.rows().into_iter().map(|p| p[0].max(p[1])).sum::<f64>() / p.nrows() as f64
}

/// A forest that has learned the coins by heart is sure of itself on rows it saw. A final estimator that met such answers would be sure, too;
/// one that met out-of-fold answers knows that they are worth nothing.
#[test]
fn a_final_estimator_never_reads_what_a_member_knows_by_heart() {
    let (x, y) = noise(400, 3);
    let (weight, labels) = (vec![1.0; 400], two_labels());
    let frame = of(x.view(), &y, &weight, &labels);
    let rows: Vec<usize> = (0..400).collect();
    let p: Stacking = serde_json::from_value(json!({"estimators": {"heart": memoriser()}})).unwrap();
    let fit = stacking(&p, &Preprocessing::default(), &frame, &rows, 1, &()).unwrap();
    let (fresh, _) = noise(400, 4);
    let answers = |encoders: &_, model: &Model| predict(encoders, model, fresh.view(), 2);
    let stack = sureness(&answers(&fit.encoders, &fit.fitted.model));
    let member = p.members(&Preprocessing::default()).unwrap().remove(0).1;
    let alone = member.fit(&frame, &rows, None, 1, &()).unwrap();
    let alone = sureness(&answers(&alone.encoders, &alone.fitted.model));
    assert!(alone > 0.75, "the member was to be sure of itself: {alone}");
    assert!(stack < 0.56, "the stack is sure of coins: {stack}");

    // The same answers, row by row: as good as none where they are out of fold.
    let folds = Folds::stratified(&frame, &rows, 5, 1).unwrap();
    let (mut right, mut seen) = (0, vec![0; 400]);
    out_of_fold("heart", &member, &frame, &rows, &folds, 1, &(), |fit, left_out| {
        let slots = x.select(ndarray::Axis(0), left_out);
        let own = predict(&fit.encoders, &fit.fitted.model, slots.view(), 2);
        for (p, &i) in own.rows().into_iter().zip(left_out) {
            right += usize::from((p[1] > 0.5) == (y[i] == 1));
            seen[i] += 1;
        }
        Ok(())
    })
    .unwrap();
    assert_eq!(seen, vec![1; 400], "each row is answered once");
    assert!((150..250).contains(&right), "{right} of 400 coins were known");
}

/// The rows that tell a boosted member when to stop are of its own part: coins are not learned at all, or by the fold's own rows.
#[test]
fn early_stopping_within_a_fold_looks_at_rows_of_the_others() {
    let (x, y) = noise(300, 8);
    let (weight, labels) = (vec![1.0; 300], two_labels());
    let frame = of(x.view(), &y, &weight, &labels);
    let rows: Vec<usize> = (0..300).collect();
    let boosted = json!({"type": "gradient_boosting", "parameters": {"n_estimators": 200, "early_stopping_rounds": 5}});
    let p: Stacking = serde_json::from_value(json!({"estimators": {"boosted": boosted}})).unwrap();
    let member = p.members(&Preprocessing::default()).unwrap().remove(0).1;
    let folds = Folds::stratified(&frame, &rows, 5, 1).unwrap();
    let mut kept = Vec::new();
    let rounds = out_of_fold("boosted", &member, &frame, &rows, &folds, 1, &(), |fit, left_out| {
        assert!(left_out.len() >= 59);
        kept.extend(fit.fitted.rounds);
        Ok(())
    });
    kept.sort_unstable();
    assert!(kept.len() == 5 && kept[4] < 200, "{kept:?}");
    assert_eq!(rounds.unwrap(), Some(kept[2]));
    let fit = stacking(&p, &Preprocessing::default(), &frame, &rows, 1, &()).unwrap();
    let Model::Stacking(stack) = &fit.fitted.model else { panic!("no stack") };
    let Model::Forest(forest) = &stack.members.models[0].1 else { panic!("no forest") };
    assert!(forest.n_trees() < 200, "{} rounds", forest.n_trees());
}

#[test]
fn folds_share_out_each_class() {
    let y: Vec<usize> = (0..103).map(|i| usize::from(i % 10 == 0) + usize::from(i % 20 == 0)).collect();
    let x = Array2::zeros((103, 1));
    let (weight, labels) = (vec![1.0; 103], vec!["often".to_owned(), "seldom".to_owned(), "rare".to_owned()]);
    let frame = of(x.view(), &y, &weight, &labels);
    let rows: Vec<usize> = (0..103).rev().collect();
    let folds = Folds::stratified(&frame, &rows, 5, 7).unwrap();
    for class in 0..3 {
        let mut count = [0; 5];
        rows.iter().zip(&folds.of).filter(|(row, _)| y[**row] == class).for_each(|(_, fold)| count[*fold] += 1);
        assert!(count.iter().max().unwrap() - count.iter().min().unwrap() <= 1, "{count:?}");
    }
    let mut count = [0; 5];
    folds.of.iter().for_each(|fold| count[*fold] += 1);
    assert!(count.iter().max().unwrap() - count.iter().min().unwrap() <= 1, "{count:?}");
    assert_eq!(folds.of, Folds::stratified(&frame, &rows, 5, 7).unwrap().of);
    assert_ne!(folds.of, Folds::stratified(&frame, &rows, 5, 8).unwrap().of);
    let error = |folds, rows: &[usize]| Folds::stratified(&frame, rows, folds, 7).err().unwrap().to_string();
    let e = error(7, &rows);
    assert!(e.contains("class `seldom` has 5 rows") && e.contains("set cv to 5 or less"), "{e}");
    let e = error(2, &rows[..21]);
    assert!(e.contains("class `seldom` has 1 row ") && e.contains("gather more rows"), "{e}");
}

/// The best mean of up to four of three, by trying all.
#[test]
fn a_greedy_choice_does_not_lose_to_any_member_and_leaves_out_what_harms() {
    let mut rng = rng(1, 2);
    let y: Vec<usize> = (0..300).map(|_| usize::from(rng.random::<bool>())).collect();
    let mut noisy = |spread: f64| {
        let p = |c: usize, r: f64| (0.5 + (c as f64 - 0.5) * 0.5 + (r - 0.5) * spread).clamp(0.01, 0.99);
        let column: Vec<f64> = y.iter().map(|&c| p(c, rng.random())).collect();
        Array2::from_shape_fn((300, 2), |(i, k)| if k == 1 { column[i] } else { 1.0 - column[i] })
    };
    let (one, other) = (noisy(1.2), noisy(1.2));
    let wrong = one.mapv(|p| 1.0 - p);
    let weight = vec![1.0; 300];
    let loss = |counts: &[u32]| {
        let total = f64::from(counts.iter().sum::<u32>());
        let at = |i: usize| {
            let sum: f64 = [&wrong, &one, &other].iter().zip(counts).map(|(p, n)| p[[i, y[i]]] * f64::from(*n)).sum();
            -crate::math::ln(sum / total)
        };
        (0..300).map(at).sum::<f64>() / 300.0
    };
    let all = [wrong.clone(), one.clone(), other.clone()];
    let (counts, got) = greedy::select(&all, &y, &weight, 50);
    assert_eq!(counts[0], 0, "{counts:?}");
    assert!((loss(&counts) - got).abs() < 1e-12);
    let singles = [[1, 0, 0], [0, 1, 0], [0, 0, 1]].map(|c| loss(&c));
    assert!(singles.iter().all(|single| got < *single), "{got} against {singles:?}");
    // Two independent judges are best about half and half.
    let share = f64::from(counts[1]) / f64::from(counts[1] + counts[2]);
    let best = (0..=50).map(|k| loss(&[0, k, 50 - k])).fold(f64::INFINITY, f64::min);
    assert!((0.3..0.7).contains(&share) && got < best + 1e-3, "{counts:?}: {got}, at best {best}");
    assert_eq!(greedy::select(&all, &y, &weight, 1).0.iter().sum::<u32>(), 1);
    assert_eq!(
        greedy::select(&[one.clone(), one], &y, &weight, 9).0,
        [1, 0],
        "of equals the first, and no more than helps"
    );
}
