//! Calibrators against scikit-learn's, on given scores and over members (`tests/golden/ensemble.py` writes them).

use super::super::ensemble::tests::{Golden, assert_near, estimator, floats, frame, golden};
use super::*;
use crate::train::config::CalibrationMethod;

fn rows(v: &serde_json::Value) -> Array2<f64> {
    let rows: Vec<Vec<f64>> = v.as_array().unwrap().iter().map(floats).collect();
    Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap()
}

#[test]
fn curves_are_scikit_learns() {
    let golden = golden();
    let is: Vec<bool> = golden["is"].as_array().unwrap().iter().map(|v| v == 1).collect();
    let class: Vec<usize> = is.iter().map(|&is| usize::from(is)).collect();
    for case in golden["curves"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let (f, weight) = (floats(&case["f"]), floats(&case["weight"]));
        let (a, b) = platt(&f, &is, &weight);
        let want = floats(&case["platt"]);
        assert_near(&[a, b], &want, 1e-6, &format!("{name}: platt"));
        let (x, y) = isotonic(&f, &is, &weight);
        assert_eq!(x, floats(&case["isotonic"][0]), "{name}: where the steps are");
        assert_near(&y, &floats(&case["isotonic"][1]), 1e-15, &format!("{name}: steps"));
        let of = floats(&case["temperature_of"]);
        let logits = Array2::from_shape_fn((of.len(), 2), |(i, k)| if k == 0 { -of[i] } else { of[i] });
        let beta = temperature(logits.view(), &class, &weight);
        let want = case["beta"].as_f64().unwrap();
        // Scores that part the classes have no best factor: any large one has a loss of 0.
        let near = if name == "parted" { beta > 10.0 && beta < 100.0 } else { (beta - want).abs() <= 1e-6 * want };
        assert!(near, "{name}: temperature {beta}, not {want}");
    }
    let three = &golden["three"];
    let y: Vec<usize> = three["y"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect();
    let beta = temperature(rows(&three["logits"]).view(), &y, &vec![1.0; y.len()]);
    assert_near(&[beta], &[three["beta"].as_f64().unwrap()], 1e-6, "three classes");
}

#[test]
fn calibrated_members_answer_as_scikit_learns() {
    for case in Golden::cases() {
        for want in case.value["calibration"].as_array().unwrap() {
            let of = want["of"].as_str().unwrap();
            let method: CalibrationMethod = serde_json::from_value(want["method"].clone()).unwrap();
            let frame = frame(&case);
            let fit = by_folds(method, &estimator(of), &frame, &case.rows, &case.folds(), None, 1, &()).unwrap();
            let what = format!("{}, {of}, {method:?}", case.name);
            case.assert_answers(&fit, &want["probability"], 1e-6, &what);
            assert_eq!(
                fit.uncalibrated.unwrap().1.family(),
                if of == "bayes" { "gaussian_nb" } else { "logistic_regression" }
            );
        }
    }
}

/// All scores equal, one class alone, no weight at all: a curve, and finite.
#[test]
fn curves_of_little_are_finite() {
    for (f, is, weight) in [
        (vec![2.0; 6], [true, false, true, false, true, true], vec![1.0; 6]),
        (vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [true; 6], vec![1.0; 6]),
        (vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [false; 6], vec![1.0; 6]),
        (vec![-1e150, 1e150, 0.0, 1e150, -1e150, 3.0], [false, true, false, true, false, true], vec![1.0; 6]),
        (vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [true, false, true, false, true, true], vec![0.0; 6]),
    ] {
        let (a, b) = platt(&f, &is, &weight);
        assert!(a.is_finite() && b.is_finite(), "{f:?}: {a} {b}");
        let (x, y) = isotonic(&f, &is, &weight);
        assert!(!x.is_empty() && x.windows(2).all(|w| w[0] < w[1]) && y.iter().all(|p| (0.0..=1.0).contains(p)));
        let logits = Array2::from_shape_fn((6, 2), |(i, k)| if k == 0 { -f[i] } else { f[i] });
        let class: Vec<usize> = is.iter().map(|&is| usize::from(is)).collect();
        let beta = temperature(logits.view(), &class, &weight);
        assert!(beta > 0.0 && beta.is_finite(), "{f:?}: {beta}");
    }
}
