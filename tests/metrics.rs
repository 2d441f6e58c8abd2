//! Metrics against scikit-learn's (`golden/metrics.py` writes the cases).

#![allow(clippy::unwrap_used)]

use hedgerow::metrics::{self, Metrics};
use ndarray::Array2;
use serde_json::Value;

fn floats(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

fn close(got: f64, want: f64) -> bool {
    (got - want).abs() <= 1e-12 * want.abs().max(1.0)
}

#[test]
fn every_metric_equals_scikit_learns() {
    let cases: Vec<Value> = serde_json::from_str(include_str!("golden/metrics.json")).unwrap();
    assert_eq!(cases.len(), 6);
    for case in &cases {
        let name = case["name"].as_str().unwrap();
        let y: Vec<usize> = floats(&case["y"]).into_iter().map(|v| v as usize).collect();
        let rows: Vec<Vec<f64>> = case["p"].as_array().unwrap().iter().map(floats).collect();
        let p = Array2::from_shape_vec((rows.len(), rows[0].len()), rows.concat()).unwrap();
        let got = serde_json::to_value(Metrics::of(&y, p.view())).unwrap();
        for (key, want) in case["metrics"].as_object().unwrap() {
            match (key.as_str(), want) {
                ("reliability", want) => {
                    let is_one: Vec<bool> = y.iter().map(|&v| v == 1).collect();
                    let bins = metrics::reliability(&is_one, &p.column(1).to_vec(), None, 5);
                    let (predicted, observed) = (floats(&want[0]), floats(&want[1]));
                    assert_eq!(bins.len(), predicted.len(), "{name}: reliability");
                    for (k, bin) in bins.iter().enumerate() {
                        assert!(close(bin.0, predicted[k]) && close(bin.1, observed[k]), "{name}: reliability {k}");
                    }
                }
                ("confusion" | "rows", want) => assert_eq!(&got[key], want, "{name}: {key}"),
                (_, Value::Null) => assert!(got.get(key).is_none(), "{name}: {key} has no meaning here"),
                (_, want) => {
                    let (got, want) = (got[key].as_f64().unwrap(), want.as_f64().unwrap());
                    assert!(close(got, want), "{name}: {key} is {got}, not {want}");
                }
            }
        }
    }
}

#[test]
fn curves_have_the_areas_they_should() {
    let y = [false, false, true, true, false, true, true, false];
    let score = [0.1, 0.4, 0.35, 0.8, 0.4, 0.4, 0.9, 0.05];
    let roc = metrics::roc_curve(&y, &score, None).unwrap();
    let area: f64 = roc.windows(2).map(|w| (w[1].0 - w[0].0) * (w[1].1 + w[0].1) / 2.0).sum();
    assert!(close(area, metrics::roc_auc(&y, &score).unwrap()));
    let pr = metrics::precision_recall_curve(&y, &score, None).unwrap();
    let mut recall = 0.0;
    let steps = pr.iter().map(|(r, p)| {
        let step = (r - recall) * p;
        recall = *r;
        step
    });
    assert!(close(steps.sum(), metrics::average_precision(&y, &score).unwrap()));
}
