//! Every model family and every encoder against scikit-learn: the goldens in `tests/conformance/` are its fitted attributes
//! and its own answers, written by `generate.py` there.
//!
//! Leaves are equal, encoded columns are equal in every bit, and probabilities agree to [`TOLERANCE`]. What differs is the
//! order of sums (BLAS, numpy's pairwise sums) and the last bit of `exp`, `ln` and `tanh`.

#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "conformance/golden.rs"]
mod golden;

use golden::{Case, Fitted};
use hedgerow::model::Model;
use hedgerow::pipeline::Slot;
use hedgerow::wire;

/// Largest difference between two probabilities.
const TOLERANCE: f64 = 1e-12;

/// Checks every case of a file against scikit-learn's answers, to `tolerance`; `least`: how many cases there are at least.
fn conform(file: &str, tolerance: f64, least: usize) {
    let cases = golden::read(file);
    let (mut worst, mut rows) = (0.0f64, 0);
    for case in &cases {
        let difference = match &case.fitted {
            Fitted::Model { .. } => model_conforms(case),
            Fitted::Encoders { .. } => encoders_conform(case),
        };
        assert!(difference <= tolerance, "{file}: {}: off by {difference:e}", case.name);
        worst = worst.max(difference);
        rows += case.rows.len();
    }
    println!("{file}: {} cases, {rows} rows, largest difference {worst:e}", cases.len());
    assert!(cases.len() >= least && rows > 0, "{file}: {} cases ran, {least} were expected", cases.len());
}

/// The largest difference of a probability. Asserts equal leaves, the checks, and equal bits after a way through bytes.
fn model_conforms(case: &Case) -> f64 {
    let Fitted::Model { model, probability, leaf_ids } = &case.fitted else { panic!("{}: no model", case.name) };
    let name = &case.name;
    model.check().unwrap_or_else(|e| panic!("{name}: {e}"));
    let read: Model = wire::decode(&wire::encode(model).unwrap()).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_eq!(&read, model, "{name}: bytes");
    assert_eq!(case.rows.len(), probability.len(), "{name}");
    let mut worst = 0.0f64;
    for (i, (row, expected)) in case.rows.iter().zip(probability).enumerate() {
        if let (Model::Forest(forest), Some(leaf_ids)) = (&read, leaf_ids) {
            let mut ids = vec![0; forest.n_trees()];
            forest.leaf_ids(row, &mut ids);
            assert_eq!(ids, leaf_ids[i], "{name}: leaves of row {i}");
        }
        let mut answer = vec![f64::NAN; model.n_classes()];
        read.predict_proba(row, &mut answer);
        assert_eq!(answer.len(), expected.len(), "{name}");
        for (a, e) in answer.iter().zip(expected) {
            assert!(a.is_finite() && e.is_finite(), "{name}: row {i}: {a} {e}");
            worst = worst.max((a - e).abs());
        }
    }
    worst
}

/// 0: every bit is asserted.
fn encoders_conform(case: &Case) -> f64 {
    let Fitted::Encoders { encoders, levels, x } = &case.fitted else { panic!("{}: no encoders", case.name) };
    let name = &case.name;
    let slots: Vec<Slot> = levels.iter().map(|levels| Slot { missing: true, levels: *levels, unknown: true }).collect();
    let columns = encoders.check(&slots).unwrap_or_else(|e| panic!("{name}: {e}"));
    assert_eq!(columns.len(), encoders.n_columns(), "{name}");
    for (i, (row, expected)) in case.rows.iter().zip(x).enumerate() {
        let mut out = vec![f64::NAN; encoders.n_columns()];
        encoders.encode(row, &mut out);
        let bits =
            |row: &[f64]| row.iter().map(|v| if v.is_nan() { None } else { Some(v.to_bits()) }).collect::<Vec<_>>();
        assert_eq!(bits(&out), bits(expected), "{name}: row {i}: {out:?}, expected {expected:?}");
        for (v, column) in out.iter().zip(&columns) {
            assert!(column.missing || !v.is_nan(), "{name}: a missing value where the check saw none");
        }
    }
    0.0
}

#[test]
fn random_forests() {
    conform("forest", TOLERANCE, 7);
}

#[test]
fn boosted_trees() {
    conform("boosting", TOLERANCE, 6);
}

#[test]
fn logistic_regression() {
    conform("linear", TOLERANCE, 5);
}

#[test]
fn support_vector_machines() {
    conform("svm", TOLERANCE, 8);
}

#[test]
fn perceptrons() {
    conform("mlp", TOLERANCE, 8);
}

#[test]
fn gaussian_naive_bayes() {
    conform("naive_bayes", TOLERANCE, 4);
}

#[test]
fn stacking() {
    conform("stacking", TOLERANCE, 12);
}

#[test]
fn voting() {
    conform("voting", TOLERANCE, 6);
}

#[test]
fn calibration() {
    conform("calibration", TOLERANCE, 42);
}

#[test]
fn encoders() {
    conform("encoders", 0.0, 23);
}
