//! Against scikit-learn's fits (`tests/golden/svm.py` writes them), and whole training runs.

use super::*;
use crate::artifact::Artifact;
use crate::data::{Format, Reader, Table};
use crate::train::{self, Config, Params, Trained};
use serde_json::Value;
use std::io::Cursor;

fn golden() -> Value {
    serde_json::from_str(include_str!("../../../../tests/golden/svm.json")).unwrap()
}

fn floats(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn matrix(v: &Value) -> Vec<Vec<f64>> {
    v.as_array().unwrap().iter().map(floats).collect()
}

fn whole(v: &Value) -> Vec<usize> {
    v.as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect()
}

/// Within `tolerance`, of numbers above 1 relatively: both fits are as far from the exact one as their own tolerance lets them.
#[track_caller]
fn assert_close(got: &[f64], want: &[f64], tolerance: f64, what: &str) {
    assert_eq!(got.len(), want.len(), "{what}");
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() <= tolerance * want.abs().max(1.0), "{what}: {got}, not {want}");
    }
}

/// Per pair, from the definition.
fn decisions(m: &svm::Svm, x: &[f64]) -> Vec<f64> {
    let class_of: Vec<usize> = m.n_support.iter().enumerate().flat_map(|(c, n)| vec![c; *n as usize]).collect();
    let k = m.n_support.len();
    let pairs = (0..k).flat_map(|i| (i + 1..k).map(move |j| (i, j)));
    let decision = |((i, j), bias): ((usize, usize), &f64)| {
        let terms = class_of.iter().enumerate().map(|(s, &class)| {
            let row = if class == i { j - 1 } else { i };
            let own = class == i || class == j;
            if own { m.dual_coef.row(row)[s] * value_of(m.kernel, m.support.row(s), x) } else { 0.0 }
        });
        terms.sum::<f64>() + bias
    };
    pairs.zip(&m.intercept).map(decision).collect()
}

#[test]
fn fits_are_libsvms() {
    let golden = golden();
    let mut worst = [0.0f64; 2];
    let fits = golden["fits"].as_array().unwrap();
    for (at, want) in fits.iter().enumerate() {
        let n_classes = want["classes"].as_u64().unwrap() as usize;
        let table = &golden["tables"][n_classes.to_string()];
        let (rows, y) = (matrix(&table["x"]), whole(&table["y"]));
        let x = Array2::from_shape_fn((rows.len(), 3), |(i, j)| rows[i][j]);
        let weight = if want["weight"].is_null() { vec![1.0; y.len()] } else { floats(&want["weight"]) };
        let p: Svm = serde_json::from_value(want["parameters"].clone()).unwrap();
        let what = format!("{n_classes} classes, {}, weighted {}", want["parameters"], want["weight"].is_array());
        let fitted =
            fit(&Svm { probability: false, ..p.clone() }, &problem(&x, &y, &weight, &[None; 3]), 1, &()).unwrap();
        let m = machine(&fitted);
        let tight = p.tol < 1e-4;
        let tolerance = if tight { 2e-5 } else { 1e-3 };
        // A loose fit is held to the tight one of the same machine, which comes next: libsvm's loose ones are themselves up to 2e-3 off.
        let exact = if tight { want } else { &fits[at + 1] };
        let probe = x.rows().into_iter().take(12).map(|row| row.map(|v| v + 0.25).to_vec());
        for (row, want) in probe.zip(matrix(&exact["decision"])) {
            let got = decisions(m, &row);
            assert_close(&got, &want, tolerance, &what);
            let off = got.iter().zip(&want).map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, f64::max);
            worst[usize::from(tight)] = worst[usize::from(tight)].max(off);
        }
        assert_close(&m.intercept, &floats(&exact["intercept"]), tolerance, &what);
        let n_support: Vec<usize> = m.n_support.iter().map(|n| *n as usize).collect();
        let close = n_support.iter().zip(whole(&want["n_support"])).all(|(a, b)| a.abs_diff(b) <= 1 + b / 50);
        assert!(close, "{what}: {n_support:?}, not {}", want["n_support"]);
        if tight {
            // By row, and 0 where it is no vector: one whose coefficient is next to 0 may be missing.
            let dense = |support: &[usize], coef: &[Vec<f64>]| {
                let mut out = vec![0.0; y.len() * coef.len()];
                for (r, coef) in coef.iter().enumerate() {
                    support.iter().zip(coef).for_each(|(i, v)| out[r * y.len() + i] = *v);
                }
                out
            };
            let place = |s: usize| {
                let same = |i: &usize| y[*i] == class_at(m, s) && rows[*i] == m.support.row(s) && weight[*i] > 0.0;
                (0..y.len()).find(same).unwrap()
            };
            let support: Vec<usize> = (0..m.support.rows).map(place).collect();
            let coef: Vec<Vec<f64>> = (0..n_classes - 1).map(|r| m.dual_coef.row(r).to_vec()).collect();
            // Theirs are numbered among the rows that weigh anything.
            let kept: Vec<usize> = (0..y.len()).filter(|i| weight[*i] > 0.0).collect();
            let numbered: Vec<usize> = whole(&want["support"]).into_iter().map(|i| kept[i]).collect();
            let theirs = dense(&numbered, &matrix(&want["dual_coef"]));
            // Of three features, inner products of low degree have few dimensions: many coefficients give one function.
            if matches!(m.kernel, Kernel::Rbf { .. }) {
                assert_close(&dense(&support, &coef), &theirs, 1e-3 * p.c.max(1.0), &what);
            }
        }
    }
    println!("decision values are off by at most {worst:?} (tol 1e-3, 1e-6)");
}

fn class_at(m: &svm::Svm, s: usize) -> usize {
    let mut end = 0;
    m.n_support
        .iter()
        .take_while(|n| {
            end += **n as usize;
            end <= s
        })
        .count()
}

fn trained(csv: &str, test: Option<&str>, yaml: &str) -> Trained {
    let table = |csv: &str| {
        Table::from_reader(Reader::new(Cursor::new(csv.as_bytes().to_vec()), Some(Format::Csv)).unwrap()).unwrap()
    };
    train::fit(&Config::parse(yaml).unwrap(), &table(csv), test.map(table).as_ref(), &()).unwrap()
}

#[test]
fn probabilities_are_as_good_as_libsvms() {
    let csv = include_str!("../../../../models/data/breast_cancer_train.csv");
    let test = include_str!("../../../../models/data/breast_cancer_test.csv");
    let want = floats(&golden()["breast_cancer"]["log_loss"]);
    let want = want.iter().sum::<f64>() / want.len() as f64;
    for seed in 0..4 {
        let yaml = format!("data: {{target: diagnosis, positive: malignant}}\nmodel: {{type: svm}}\nseed: {seed}");
        let got = trained(csv, Some(test), &yaml).test.unwrap().metrics.log_loss;
        println!("log loss {got}, of scikit-learn's in the mean {want}");
        assert!(got < want + 0.01 && got > want - 0.02, "{got}, not {want}");
    }
}

#[test]
fn a_table_becomes_a_file_that_verifies() {
    let mut rng = crate::train::rng(3, 0);
    let mut csv = String::from("size,rate,region,label\n");
    for i in 0..240 {
        let (size, rate) = (rng.random_range(-3.0..3.0f64), rng.random_range(0.0..10.0f64));
        let region = ["east", "north", "west"][i % 3];
        let label = if size * size + rate / 4.0 + (i % 3) as f64 > 4.0 { "far" } else { "near" };
        let size = if i % 17 == 0 { String::new() } else { format!("{size:.3}") };
        csv += &format!("{size},{rate:.3},{region},{label}\n");
    }
    for parameters in
        ["{}", "{kernel: poly, C: 2, coef0: 1}", "{kernel: linear, tol: 0.01}", "{kernel: sigmoid, gamma: 0.05}"]
    {
        let yaml = format!(
            "data: {{target: label}}\nmodel: {{type: svm, parameters: {parameters}}}\npreprocessing: {{imputer: mean}}\n\
             training: {{class_weight: balanced}}"
        );
        let trained = trained(&csv, None, &yaml);
        let file = trained.file().unwrap();
        let artifact = Artifact::read(&file).unwrap();
        artifact.check().unwrap();
        assert_eq!(artifact.model.family(), "svm");
        let sums = trained.validation.probability.rows().into_iter().map(|p| p.sum());
        assert!(sums.into_iter().all(|s| (s - 1.0).abs() < 1e-9), "{parameters}");
        let auc = trained.validation.metrics.roc_auc.unwrap();
        let linear = parameters.contains("linear") || parameters.contains("sigmoid");
        assert!(auc > if linear { 0.5 } else { 0.95 }, "{parameters}: {auc}");
        assert!(!trained.importance.is_empty(), "{parameters}: where a machine has none of its own, by permutation");
    }
}

#[test]
fn parameters_are_scikit_learns() {
    let parameters = |text: &str| {
        let map: serde_json::Map<String, Value> = serde_json::from_str(text).unwrap();
        Params::new(crate::train::config::ModelKind::Svm, &map)
    };
    let Params::Svm(p) =
        parameters(r#"{"C": 2, "kernel": "poly", "degree": 4, "gamma": "auto", "max_iter": -1}"#).unwrap()
    else {
        panic!("another trainer");
    };
    assert_eq!((p.c, p.kernel, p.degree, p.gamma), (2.0, KernelName::Poly, 4, Gamma::Name(GammaName::Auto)));
    for (text, right) in [
        (r#"{"kernell": "rbf"}"#, "did you mean `kernel`"),
        (r#"{"kernel": "cubic"}"#, "rbf"),
        (r#"{"gamma": "wide"}"#, "gamma is `scale`, `auto`, or a number"),
        (r#"{"gamma": -1}"#, "gamma must be at least 0"),
        (r#"{"C": 0}"#, "C must be above 0"),
        (r#"{"tol": 2}"#, "tol must be above 0 and below 2"),
        (r#"{"max_iter": 0}"#, "max_iter must be -1 (no limit) or at least 1"),
        (r#"{"degree": 99}"#, "degree must be between 0 and 16"),
        (r#"{"cache_size": 0}"#, "cache_size must be above 0"),
        (r#"{"class_weight": "balanced"}"#, "it goes under `training`"),
    ] {
        let e = parameters(text).unwrap_err().to_string();
        assert!(e.contains(right), "{text}: {e}");
    }
}
