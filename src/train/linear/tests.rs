//! Against scikit-learn's coefficients (`tests/golden/logistic.py` writes them), and method against method.

use super::*;
use crate::train::Params;
use crate::train::config::ModelKind;
use ndarray::Array2;
use serde_json::{Map, Value, json};

fn parameters(of: Value) -> LogisticRegression {
    let Value::Object(map) = of else { panic!("a mapping") };
    let map: Map<String, Value> = map.into_iter().filter(|(_, v)| !v.is_null()).collect();
    let Params::LogisticRegression(p) = Params::new(ModelKind::LogisticRegression, &map).unwrap() else {
        panic!("another trainer")
    };
    p
}

fn floats(v: &Value) -> Vec<f64> {
    v.as_array()
        .unwrap()
        .iter()
        .flat_map(|v| if v.is_array() { floats(v) } else { vec![v.as_f64().unwrap()] })
        .collect()
}

fn logistic(p: &LogisticRegression, x: &Array2<f64>, y: &[usize], weight: &[f64]) -> (Logistic, Vec<String>) {
    let n_classes = y.iter().max().unwrap() + 1;
    let levels = vec![None; x.ncols()];
    let fitted = fit(p, &Problem { x: x.view(), y, n_classes, weight, levels: &levels }, &()).unwrap();
    let Model::Logistic(model) = fitted.model else { panic!("no logistic regression") };
    (model, fitted.notes)
}

#[test]
fn coefficients_are_scikit_learns() {
    let golden: Value = serde_json::from_str(include_str!("../../../tests/golden/logistic.json")).unwrap();
    let mut worst = 0.0f64;
    for want in golden["fits"].as_array().unwrap() {
        let y: Vec<usize> = floats(&want["y"]).iter().map(|v| *v as usize).collect();
        let x = Array2::from_shape_vec((y.len(), 6), floats(&want["x"])).unwrap();
        let weight = if want["weight"].is_null() { vec![1.0; y.len()] } else { floats(&want["weight"]) };
        for solver in ["auto", "lbfgs", "newton-cg"] {
            if solver != "auto" && want["penalty"] != "l2" {
                continue;
            }
            let p = parameters(json!({"C": golden["C"], "penalty": want["penalty"], "l1_ratio": want["l1_ratio"],
                "fit_intercept": want["fit_intercept"], "solver": solver, "tol": if solver == "lbfgs" { 1e-8 } else { 1e-10 }, "max_iter": 1000}));
            let (model, notes) = logistic(&p, &x, &y, &weight);
            let what = format!("{} {} {solver}", want["penalty"], want["fit_intercept"]);
            let got = model.coef.data.iter().chain(&model.intercept);
            let mut wanted = floats(&want["coef"]);
            let intercept = floats(&want["intercept"]);
            let mean = if intercept.len() > 1 { intercept.iter().sum::<f64>() / intercept.len() as f64 } else { 0.0 };
            wanted.extend(intercept.iter().map(|v| v - mean));
            for (got, want) in got.zip(&wanted) {
                worst = worst.max((got - want).abs());
                assert!((got - want).abs() < 1e-5, "{what}: {got}, not {want}");
            }
            if want["penalty"] == "l1" {
                let zeros = |v: &[f64]| v.iter().map(|v| *v == 0.0).collect::<Vec<_>>();
                assert_eq!(zeros(&model.coef.data), zeros(&wanted[..model.coef.data.len()]), "{what}");
            }
            assert!(notes.is_empty(), "{what}: {notes:?}");
        }
    }
    println!("coefficients are off by at most {worst:.1e}");
}

#[test]
fn classes_that_a_line_parts_end_with_a_note() {
    let x = Array2::from_shape_fn((40, 1), |(i, _)| if i < 20 { -1.0 } else { 1.0 } * (1.0 + i as f64));
    let y: Vec<usize> = (0..40).map(|i| usize::from(i >= 20)).collect();
    for solver in ["newton-cg", "lbfgs"] {
        let p = parameters(json!({"penalty": "none", "solver": solver, "max_iter": 8, "tol": 1e-14}));
        let (model, notes) = logistic(&p, &x, &y, &vec![1.0; 40]);
        assert!(model.coef.data[0] > 0.0 && model.coef.data[0].is_finite());
        assert!(notes.iter().any(|n| n.contains("max_iter")), "{solver}: {notes:?}");
    }
}

#[test]
fn a_strong_absolute_penalty_leaves_the_intercept_alone() {
    let x = Array2::from_shape_fn((30, 3), |(i, j)| ((i * 7 + j * 5) % 11) as f64 / 5.0 - 1.0);
    let y: Vec<usize> = (0..30).map(|i| usize::from(i % 3 == 0)).collect();
    let (model, _) = logistic(&parameters(json!({"penalty": "l1", "C": 1e-4})), &x, &y, &vec![1.0; 30]);
    assert_eq!(model.coef.data, [0.0; 3]);
    assert!((model.intercept[0] - math::ln(0.5)).abs() < 1e-7, "{:?}", model.intercept);
}
