//! What every model promises, run over every example of [`Model::examples`]: a new model comes under these tests by joining
//! that list.

#![allow(clippy::unwrap_used, clippy::panic)]

use hedgerow::math::{BOUND, Matrix};
use hedgerow::model::bayes::NaiveBayes;
use hedgerow::model::calibration::{Calibrated, Calibrator, Input};
use hedgerow::model::linear::{Link, Logistic};
use hedgerow::model::members::Members;
use hedgerow::model::mlp::Mlp;
use hedgerow::model::stacking::{Method, Stacking};
use hedgerow::model::svm::{Kernel, Platt, Svm};
use hedgerow::model::voting::Voting;
use hedgerow::model::{MAX_MEMBER_COLUMNS, MAX_MEMBERS, Model};
use hedgerow::pipeline::{Encoder, Encoders, Slot, Transform};
use hedgerow::wire;

const NUMBER: Slot = Slot { missing: false, levels: None, unknown: false };

/// The answer, proven to be a distribution.
fn answer(name: &str, model: &Model, x: &[f64]) -> Vec<f64> {
    let mut out = vec![f64::NAN; model.n_classes()];
    model.predict_proba(x, &mut out);
    assert!(out.iter().all(|p| (0.0..=1.0).contains(p)), "{name} at {x:?}: {out:?}");
    assert!((out.iter().sum::<f64>() - 1.0).abs() < 1e-9, "{name} at {x:?}: {out:?}");
    out
}

/// Vectors of length `n`: ordinary, extreme and missing values, mixed by a fixed rule.
fn inputs(n: usize) -> Vec<Vec<f64>> {
    let hard = [
        0.0,
        -0.0,
        1.0,
        -1.0,
        0.25,
        65.0,
        1e-308,
        -5e-324,
        1e6,
        BOUND,
        -BOUND,
        1e155,
        1e308,
        -1e308,
        f64::MAX,
        f64::INFINITY,
        f64::NEG_INFINITY,
        f64::NAN,
    ];
    let mut all: Vec<Vec<f64>> = hard.iter().map(|v| vec![*v; n]).collect();
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) as usize
    };
    for _ in 0..400 {
        all.push((0..n).map(|_| hard[next() % hard.len()]).collect());
        all.push((0..n).map(|_| (next() % 2001) as f64 / 250.0 - 4.0).collect());
    }
    all
}

#[test]
fn examples_cover_every_kind_and_link() {
    let examples = Model::examples();
    assert_eq!(examples.len(), 30, "an example could not be built, or one joined: then say so here");
    let families: std::collections::BTreeSet<&str> = examples.iter().map(|(_, m)| m.family()).collect();
    assert_eq!(families.len(), 9, "{families:?}");
}

#[test]
fn answers_are_distributions_on_any_input() {
    for (name, model) in Model::examples() {
        model.check().unwrap_or_else(|e| panic!("{name}: {e}"));
        let answers: Vec<Vec<f64>> = inputs(model.n_features()).iter().map(|x| answer(name, &model, x)).collect();
        assert!(answers.iter().any(|a| *a != answers[0]), "{name} answers everything alike");
    }
}

#[test]
fn margins_are_finite_and_of_the_right_length() {
    for (name, model) in Model::examples() {
        let n = if model.n_classes() == 2 { 1 } else { model.n_classes() };
        for x in inputs(model.n_features()) {
            let mut out = vec![f64::NAN; n];
            model.margin(&x, &mut out);
            assert!(out.iter().all(|v| v.is_finite()), "{name} at {x:?}: {out:?}");
            if n == 1 && model.has_margin() && !matches!(model, Model::Svm(_)) {
                let p = answer(name, &model, &x);
                assert_eq!(out[0] > 0.0, p[1] > p[0], "{name} at {x:?}: {out:?} {p:?}");
            }
        }
    }
}

#[test]
fn bytes_come_back_with_the_same_bits() {
    for (name, model) in Model::examples() {
        let bytes = wire::encode(&model).unwrap();
        let back: Model = wire::decode(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(back, model, "{name}");
        assert_eq!(wire::encode(&back).unwrap(), bytes, "{name}");
        for x in inputs(model.n_features()) {
            let bits = |m: &Model| answer(name, m, &x).iter().map(|p| p.to_bits()).collect::<Vec<_>>();
            assert_eq!(bits(&back), bits(&model), "{name}");
        }
    }
}

/// Any byte changed, any cut: refused while decoding or by the check, or still a sound model. Never a panic, a hang, or an
/// answer that is no distribution.
#[test]
fn damaged_bytes_are_refused_or_sound() {
    let (mut refused, mut sound) = (0, 0);
    for (name, model) in Model::examples() {
        let bytes = wire::encode(&model).unwrap();
        for cut in 0..bytes.len() {
            assert!(wire::decode::<Model>(&bytes[..cut]).is_err(), "{name} cut at {cut}");
        }
        for at in 0..bytes.len() {
            for value in
                [0, 1, 2, 127, 250, 251, 252, 253, 255, bytes[at] ^ 1, bytes[at] ^ 128, bytes[at].wrapping_add(1)]
            {
                let mut damaged = bytes.clone();
                damaged[at] = value;
                let Ok(model) = wire::decode::<Model>(&damaged) else {
                    refused += 1;
                    continue;
                };
                if model.check().is_err() {
                    refused += 1;
                    continue;
                }
                sound += 1;
                for x in inputs(model.n_features()).iter().step_by(37) {
                    answer(name, &model, x);
                }
            }
        }
    }
    println!("{refused} damaged models refused, {sound} still sound");
    assert!(refused > 1000 && sound > 1000);
}

#[test]
fn a_model_fits_only_what_it_can_read() {
    for (name, model) in Model::examples() {
        let n = model.n_features();
        model.fits(&vec![NUMBER; n]).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(model.fits(&vec![NUMBER; n + 1]).is_err(), "{name}");
        let missing = vec![Slot { missing: true, ..NUMBER }; n];
        assert_eq!(model.fits(&missing).is_ok(), model.accepts_missing(), "{name}");
    }
    // A linear member behind an encoding that leaves missing values.
    let Some((_, Model::Stacking(mut stacking))) =
        Model::examples().into_iter().find(|(n, _)| n.starts_with("stacking"))
    else {
        panic!("no stacking among the examples")
    };
    stacking.members.encoders[1].0[0].impute = None;
    let message = Model::Stacking(stacking).fits(&[Slot { missing: true, ..NUMBER }; 3]).unwrap_err().to_string();
    assert!(message.contains("column 0 may be missing"), "{message}");
}

/// What is done to a model, and how.
type Change<'a, T> = (&'a str, &'a dyn Fn(&mut T));

/// Applies each change to each example it is meant for; the check must refuse every result.
fn refuses<T>(open: impl Fn(&mut Model) -> Option<&mut T>, changes: &[Change<T>]) {
    for (what, change) in changes {
        let mut applied = 0;
        for (name, mut model) in Model::examples() {
            let before = model.clone();
            let Some(inner) = open(&mut model) else { continue };
            change(inner);
            if model != before || what.contains("NaN") {
                applied += 1;
                assert!(model.check().is_err(), "{name}: {what} is not noticed");
            }
        }
        assert!(applied > 0, "{what} changes nothing");
    }
}

#[test]
fn checks_notice_every_field_of_the_linear_model() {
    fn open(model: &mut Model) -> Option<&mut Logistic> {
        if let Model::Logistic(m) = model { Some(m) } else { None }
    }
    refuses(
        open,
        &[
            ("a NaN coefficient", &|m| m.coef.data[1] = f64::NAN),
            ("a coefficient past the bound", &|m| m.coef.data[0] = 1e200),
            ("a missing row", &|m| m.coef.rows -= 1),
            ("a wider row", &|m| m.coef.cols += 1),
            ("an infinite intercept", &|m| m.intercept[0] = f64::INFINITY),
            ("an intercept too many", &|m| m.intercept.push(0.0)),
        ],
    );
}

#[test]
fn checks_notice_every_field_of_the_svm() {
    fn open(model: &mut Model) -> Option<&mut Svm> {
        if let Model::Svm(m) = model { Some(m) } else { None }
    }
    fn platt(m: &mut Svm) -> &mut Platt {
        m.platt.as_mut().unwrap()
    }
    refuses(
        open,
        &[
            ("a NaN support vector", &|m| m.support.data[0] = f64::NAN),
            ("a support vector too few", &|m| {
                m.support.rows -= 1;
                m.support.data.truncate(m.support.rows * m.support.cols);
            }),
            ("width without a vector", &|m| {
                m.support = Matrix { rows: 0, cols: 65_536, data: Vec::new() };
                m.n_support.fill(0);
                m.dual_coef = Matrix { rows: m.dual_coef.rows, cols: 0, data: Vec::new() };
            }),
            ("counts that do not add up", &|m| m.n_support[0] += 1),
            ("counts that overflow", &|m| m.n_support.fill(u32::MAX)),
            ("one class", &|m| m.n_support = vec![m.support.rows as u32]),
            ("a NaN dual coefficient", &|m| m.dual_coef.data[0] = f64::NAN),
            ("a dual row too many", &|m| {
                m.dual_coef.rows += 1;
                m.dual_coef.data.extend(vec![0.0; m.dual_coef.cols]);
            }),
            ("a NaN intercept", &|m| m.intercept[0] = f64::NAN),
            ("a pair too few in a", &|m| _ = platt(m).a.pop()),
            ("a pair too many in b", &|m| platt(m).b.push(0.0)),
            ("a NaN in a", &|m| platt(m).a[0] = f64::NAN),
            ("a NaN in b", &|m| platt(m).b[0] = f64::NAN),
            ("no probabilities, where they are asked for", &|m| m.platt = None),
            ("a NaN gamma", &|m| m.kernel = Kernel::Rbf { gamma: f64::NAN }),
            ("an infinite coef0", &|m| m.kernel = Kernel::Sigmoid { gamma: 1.0, coef0: f64::INFINITY }),
            ("a NaN coef0", &|m| m.kernel = Kernel::Poly { gamma: 1.0, coef0: f64::NAN, degree: 2 }),
        ],
    );
}

#[test]
fn checks_notice_every_field_of_the_perceptron() {
    fn open(model: &mut Model) -> Option<&mut Mlp> {
        if let Model::Mlp(m) = model { Some(m) } else { None }
    }
    refuses(
        open,
        &[
            ("no layer", &|m| m.layers.clear()),
            ("width without a row", &|m| {
                m.layers[0].weights = Matrix { rows: 0, cols: 65_536, data: Vec::new() };
                m.layers[0].bias.clear();
                let next = &mut m.layers[1].weights;
                *next = Matrix { rows: next.rows, cols: 0, data: Vec::new() };
            }),
            ("a layer too few", &|m| _ = m.layers.remove(1)),
            ("a NaN weight", &|m| m.layers[1].weights.data[0] = f64::NAN),
            ("a NaN bias", &|m| m.layers[2].bias[0] = f64::NAN),
            ("a bias too few", &|m| _ = m.layers[0].bias.pop()),
            ("a transposed layer", &|m| {
                let w = &mut m.layers[0].weights;
                std::mem::swap(&mut w.rows, &mut w.cols);
            }),
        ],
    );
}

#[test]
fn checks_notice_every_field_of_naive_bayes() {
    fn open(model: &mut Model) -> Option<&mut NaiveBayes> {
        if let Model::NaiveBayes(m) = model { Some(m) } else { None }
    }
    refuses(
        open,
        &[
            ("a NaN prior", &|m| m.prior[0] = f64::NAN),
            ("a negative prior", &|m| m.prior[0] = -0.5),
            ("priors beyond 1", &|m| m.prior[0] = 0.9),
            ("a class too few", &|m| m.prior = vec![0.5, 0.5]),
            ("a NaN mean", &|m| m.mean.data[0] = f64::NAN),
            ("a variance of 0", &|m| m.var.data[3] = 0.0),
            ("a negative variance", &|m| m.var.data[3] = -1.0),
            ("a NaN variance", &|m| m.var.data[3] = f64::NAN),
            ("a variance too few", &|m| {
                m.var.cols -= 1;
                m.var.data.truncate(m.var.rows * m.var.cols);
            }),
        ],
    );
}

#[test]
fn checks_notice_every_field_of_stacking() {
    fn open(model: &mut Model) -> Option<&mut Stacking> {
        if let Model::Stacking(m) = model { Some(m) } else { None }
    }
    let pass = |slot| Encoder { slot, impute: None, transform: Transform::Pass, indicator: false };
    refuses(
        open,
        &[
            ("a slot out of range", &|m| m.members.encoders[0].0[0].slot = 3),
            ("fewer features", &|m| m.members.n_features = 2),
            ("a wider encoding", &|m| m.members.encoders[0].0.push(pass(0))),
            ("an encoding out of range", &|m| m.members.models[0].0 = 2),
            ("no encodings", &|m| m.members.encoders.clear()),
            ("no members", &|m| m.members.models.clear()),
            ("more encodings than are read", &|m| {
                m.members.encoders.resize(MAX_MEMBERS + 1, m.members.encoders[0].clone())
            }),
            ("a method too few", &|m| _ = m.methods.pop()),
            ("a method too many", &|m| m.methods.push(Method::Predict)),
            ("members of other classes than the final model", &|m| {
                let (n, two) = (m.final_model.n_features(), m.final_model.n_classes() == 2);
                let rows = if two { 3 } else { 1 };
                let coef = Matrix { rows, cols: n, data: vec![0.0; rows * n] };
                let link = if two { Link::Softmax } else { Link::Sigmoid };
                m.final_model = Model::Logistic(Logistic { coef, intercept: vec![0.0; rows], link });
            }),
            ("a member too few", &|m| _ = m.members.models.pop()),
            ("no passthrough", &|m| m.passthrough = None),
            ("a passthrough out of range", &|m| m.passthrough = Some(9)),
            ("a final model of another width", &|m| {
                let Model::Logistic(last) = &mut m.final_model else { panic!("the final model is linear") };
                last.coef.cols -= 1;
                last.coef.data.truncate(last.coef.rows * last.coef.cols);
            }),
            ("a broken member", &|m| match &mut m.members.models[1].1 {
                Model::Logistic(member) => member.intercept[0] = f64::NAN,
                Model::Svm(member) => member.intercept[0] = f64::NAN,
                _ => panic!("the second member is linear"),
            }),
        ],
    );
    // Encodings are proven where the columns are known.
    for (what, transform) in [
        ("a scale of 0", Transform::Standard { mean: 0.0, scale: 0.0 }),
        ("a NaN mean", Transform::Standard { mean: f64::NAN, scale: 1.0 }),
        ("levels of a number", Transform::OneHot { levels: vec![0], unknown: false, missing: false }),
        ("a NaN ordinal", Transform::Ordinal { values: vec![f64::NAN], unknown: 0.0 }),
        ("a NaN range", Transform::MinMax { scale: 1.0, min: 0.0, clip: Some((f64::NAN, 1.0)) }),
        ("a range upside down", Transform::MinMax { scale: 1.0, min: 0.0, clip: Some((1.0, 0.0)) }),
    ] {
        for (name, mut model) in Model::examples() {
            let Some(stacking) = open(&mut model) else { continue };
            stacking.members.encoders[1].0[2].transform = transform.clone();
            assert!(model.check().is_err() || model.fits(&[NUMBER; 3]).is_err(), "{name}: {what} is not noticed");
        }
    }
}

/// What members take to run is bounded by more than the bytes of a file, which can name far more columns than it holds.
#[test]
fn members_work_in_a_bounded_room() {
    fn vote(n_classes: usize, encodings: &[usize]) -> Model {
        let mut members = Members::new(1);
        for (i, n) in encodings.iter().enumerate() {
            // Encodings that differ, for equal ones are one.
            let first = Transform::Standard { mean: i as f64, scale: 1.0 };
            let own = |k| Encoder {
                slot: 0,
                impute: None,
                transform: if k == 0 { first.clone() } else { Transform::Pass },
                indicator: false,
            };
            let coef = Matrix { rows: n_classes, cols: *n, data: vec![0.0; n_classes * n] };
            let link = Link::Softmax;
            let model = Model::Logistic(Logistic { coef, intercept: vec![0.0; n_classes], link });
            members.push(Encoders((0..*n).map(own).collect()), model);
        }
        let weights = vec![1.0; members.len()];
        Model::Voting(Voting { members, weights }.into())
    }
    fn refusal(model: &Model) -> String {
        model.check().map_or_else(|e| e.to_string(), |()| "none".into())
    }
    assert_eq!(refusal(&vote(3, &[30_000, 30_000])), "none");

    let mut unread = vote(3, &[1, 2]);
    let Model::Voting(m) = &mut unread else { panic!("a vote") };
    let pass = Encoder { slot: 0, impute: None, transform: Transform::Pass, indicator: true };
    m.members.encoders.push(Encoders(vec![pass; 32_768]));
    let message = refusal(&unread);
    assert!(message.ends_with("encoding 2 is read by no member"), "{message}");

    // Read, but too many; and a vote's answers, over and over.
    let message = refusal(&vote(3, &[60_000; 5]));
    assert!(message.contains(&format!("at most {MAX_MEMBER_COLUMNS} columns, not 3000")), "{message}");
    let votes = std::iter::repeat_n(vote(4096, &[1]), 40);
    let members = Members::same(votes);
    let weights = vec![1.0; members.len()];
    let message = refusal(&Model::Voting(Voting { members, weights }.into()));
    assert!(message.contains(&format!("at most {MAX_MEMBER_COLUMNS} columns")), "{message}");
}

#[test]
fn checks_notice_every_field_of_calibration() {
    fn open(model: &mut Model) -> Option<&mut Calibrated> {
        if let Model::Calibrated(m) = model { Some(m) } else { None }
    }
    type Curves = Vec<Vec<f64>>;
    fn isotonic(m: &mut Calibrated) -> Option<(&mut Curves, &mut Curves)> {
        m.calibrators
            .iter_mut()
            .find_map(|c| if let Calibrator::Isotonic { x, y, .. } = c { Some((x, y)) } else { None })
    }
    fn platt(m: &mut Calibrated) -> Option<(&mut Vec<f64>, &mut Vec<f64>)> {
        m.calibrators.iter_mut().find_map(|c| if let Calibrator::Platt { a, b, .. } = c { Some((a, b)) } else { None })
    }
    fn temperature(m: &mut Calibrated, value: f64) {
        for c in &mut m.calibrators {
            if let Calibrator::Temperature { inverse_temperature, .. } = c {
                *inverse_temperature = value;
            }
        }
    }
    refuses(
        open,
        &[
            ("more members than are read", &|m| {
                m.members.models.resize(MAX_MEMBERS + 1, m.members.models[0].clone());
                m.calibrators.resize(MAX_MEMBERS + 1, m.calibrators[0].clone());
            }),
            ("no members", &|m| (m.members.models, m.calibrators) = (vec![], vec![])),
            ("a calibrator too few", &|m| _ = m.calibrators.pop()),
            ("a calibrator too many", &|m| m.calibrators.push(m.calibrators[0].clone())),
            ("an encoding out of range", &|m| m.members.models[0].0 = 9),
            ("a broken member", &|m| {
                if let Model::Svm(svm) = &mut m.members.models[0].1 {
                    svm.intercept.clear();
                }
            }),
            ("probabilities of a machine without them", &|m| {
                for ((_, model), calibrator) in m.members.models.iter_mut().zip(&mut m.calibrators) {
                    if let (Model::Svm(svm), Calibrator::Temperature { input, .. }) = (model, calibrator) {
                        (svm.platt, *input) = (None, Input::Probability);
                    }
                }
            }),
            ("a margin of a model without one", &|m| {
                for ((_, model), calibrator) in m.members.models.iter().zip(&mut m.calibrators) {
                    if let (Model::Mlp(_), Calibrator::Temperature { input, .. }) = (model, calibrator) {
                        *input = Input::Margin;
                    }
                }
            }),
            ("a missing a", &|m| _ = platt(m).and_then(|(a, _)| a.pop())),
            ("a b too many", &|m| _ = platt(m).map(|(_, b)| b.push(0.0))),
            ("an infinite a", &|m| _ = platt(m).map(|(a, _)| a[0] = f64::INFINITY)),
            ("x that is not ascending", &|m| _ = isotonic(m).map(|(x, _)| x[0][1] = x[0][0])),
            ("an empty curve", &|m| {
                if let Some((x, y)) = isotonic(m) {
                    (x[0], y[0]) = (vec![], vec![]);
                }
            }),
            ("y past 1", &|m| _ = isotonic(m).map(|(_, y)| y[0][2] = 1.5)),
            ("a y too few", &|m| _ = isotonic(m).map(|(_, y)| y[0].pop())),
            ("a curve too few", &|m| _ = isotonic(m).map(|(x, _)| x.pop())),
            ("a temperature of 0", &|m| temperature(m, 0.0)),
            ("a negative temperature", &|m| temperature(m, -1.0)),
            ("an infinite temperature", &|m| temperature(m, f64::INFINITY)),
        ],
    );
    // Members that disagree about the classes.
    let of = |k: usize| {
        let found =
            Model::examples().into_iter().find(|(_, m)| m.family() == "logistic_regression" && m.n_classes() == k);
        let calibrator = |n| Calibrator::Platt { input: Input::Margin, a: vec![-1.0; n], b: vec![0.0; n] };
        found.map(|(_, m)| (m, calibrator(if k == 2 { 1 } else { k })))
    };
    let (two, three) = (of(2).unwrap(), of(3).unwrap());
    assert!(Model::Calibrated(Calibrated::same([two.clone(), two.clone()]).into()).check().is_ok());
    assert!(Model::Calibrated(Calibrated::same([two, three]).into()).check().is_err());
}

#[test]
fn checks_notice_every_field_of_voting() {
    fn open(model: &mut Model) -> Option<&mut Voting> {
        if let Model::Voting(m) = model { Some(m) } else { None }
    }
    refuses(
        open,
        &[
            ("no members", &|m| (m.members.models, m.weights) = (vec![], vec![])),
            ("a weight too few", &|m| _ = m.weights.pop()),
            ("a weight too many", &|m| m.weights.push(1.0)),
            ("a negative weight", &|m| m.weights[0] = -0.5),
            ("a NaN weight", &|m| m.weights[0] = f64::NAN),
            ("an infinite weight", &|m| m.weights[0] = f64::INFINITY),
            ("weights of 0", &|m| m.weights.fill(0.0)),
            ("weights too small to multiply by", &|m| m.weights.fill(5e-324)),
            ("a slot out of range", &|m| m.members.encoders[0].0[0].slot = 3),
            ("a machine without probabilities", &|m| {
                for (_, model) in &mut m.members.models {
                    if let Model::Svm(svm) = model {
                        svm.platt = None;
                    }
                }
            }),
        ],
    );
}

/// A machine that was fitted without probabilities may stand where its margin or its class is read, and nowhere else.
#[test]
fn a_machine_without_probabilities_stands_where_none_are_asked() {
    let machine = |k: usize| {
        let found = Model::examples().into_iter().find(|(n, m)| n.starts_with("svm") && m.n_classes() == k).unwrap();
        let Model::Svm(svm) = found.1 else { panic!("{}", found.0) };
        Model::Svm(Svm { platt: None, ..svm })
    };
    for k in [2, 3] {
        let message = machine(k).check().unwrap_err().to_string();
        assert!(message.contains("CalibratedClassifierCV"), "{message}");
        let width = if k == 2 { 1 } else { k };
        for (method, width, sound) in
            [(Method::DecisionFunction, width, true), (Method::Predict, 1, true), (Method::PredictProba, width, false)]
        {
            let rows = width.max(if k == 2 { 1 } else { k });
            let link = if k == 2 { Link::Sigmoid } else { Link::Softmax };
            let coef = Matrix { rows, cols: width, data: vec![1.0; rows * width] };
            let stacking = Stacking {
                members: Members::same([machine(k)]),
                methods: vec![method],
                passthrough: None,
                final_model: Model::Logistic(Logistic { coef, intercept: vec![0.0; rows], link }),
            };
            assert_eq!(Model::Stacking(stacking.into()).check().is_ok(), sound, "{method:?}");
        }
        // As a final model it passes on what is asked of the whole.
        let last = |final_model| {
            let members = Members::same([machine(k), machine(k), machine(k)]);
            let methods = vec![Method::Predict; 3];
            Model::Stacking(Stacking { members, methods, passthrough: None, final_model }.into())
        };
        assert!(last(machine(k)).check().is_err());
        let n = if k == 2 { 1 } else { k };
        let platt = Calibrator::Platt { input: Input::Margin, a: vec![-1.0; n], b: vec![0.0; n] };
        let calibrated = Model::Calibrated(Calibrated::same([(last(machine(k)), platt)]).into());
        calibrated.check().unwrap();
        let answers: Vec<_> = inputs(3).iter().map(|x| answer("calibrated", &calibrated, x)).collect();
        assert!(answers.iter().any(|a| *a != answers[0]));
    }
}

/// Models may stand in each other four deep; a forged depth is refused before it is walked.
#[test]
fn nesting_is_bounded() {
    let mut model = Model::examples().into_iter().find(|(n, _)| *n == "gaussian naive bayes").unwrap().1;
    for level in 2..=60 {
        let temperature = Calibrator::Temperature { input: Input::Probability, inverse_temperature: 1.0 };
        model = Model::Calibrated(Calibrated::same([(model, temperature)]).into());
        let back = wire::decode::<Model>(&wire::encode(&model).unwrap());
        assert_eq!(back.is_ok_and(|m| m.check().is_ok()), level <= 4, "level {level}");
    }
    // A long run of "a calibrated model of 3 features, one encoding without columns and one member, which is a calibrated model …".
    let forged: Vec<u8> = [6u8, 3, 1, 0, 1, 0].repeat(1_000_000);
    assert!(wire::decode::<Model>(&forged).is_err());
}

#[test]
fn an_encoding_without_columns_is_sound() {
    assert_eq!(Encoders(vec![]).check(&[]).unwrap(), []);
}
