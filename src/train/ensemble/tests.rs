//! Stacking and voting against scikit-learn's with the same folds (`tests/golden/ensemble.py` writes them), and that no answer that is
//! fitted on comes from a model that saw its row.

use super::folds::{Folds, out_of_fold};
use super::*;
use crate::train::answer::predict;
use crate::train::config::Preprocessing;
use crate::train::encoders::{Kind, SlotKind};
use crate::train::params::{Params, Stacking, Voting};
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
            // scikit-learn's naive Bayes has no decision function.
            let names =
                if want["method"] == "decision_function" { &["plain", "shy"][..] } else { &["plain", "shy", "wide"] };
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
