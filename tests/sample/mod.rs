//! Artifacts that hold one of everything: each kind of field, each node of the feature language, each encoder, and (as members of a
//! stacking) each example model of 2 or of 3 classes.

#![allow(clippy::unwrap_used, dead_code)]

use hedgerow::artifact::header::Header;
use hedgerow::artifact::{Artifact, WITNESSES, Witness};
use hedgerow::expr::Expr;
use hedgerow::math::Matrix;
use hedgerow::model::Model;
use hedgerow::model::linear::{Link, Logistic};
use hedgerow::model::members::Members;
use hedgerow::model::stacking::{Method, Stacking};
use hedgerow::pipeline::{Derived, Encoder, Encoders, Pipeline, Transform};
use hedgerow::profile::Profile;
use hedgerow::schema::{Extra, Field, FieldKind, RawRecord, Schema, Unknown};
use hedgerow::wire::Nested;
use ndarray::Array2;

pub fn schema() -> Schema {
    let field = |name: &str, kind, required| Field { name: name.into(), kind, required };
    let levels = |names: &[&str]| names.iter().map(|n| n.to_string()).collect::<Vec<String>>().into();
    let region = FieldKind::Category { levels: levels(&["eu", "us", "asia"]), unknown: Unknown::Admit };
    let tier = FieldKind::Category { levels: levels(&["1", "2", "10"]), unknown: Unknown::Reject };
    Schema {
        fields: vec![
            field("amount", FieldKind::Number { min: None, max: None }, false),
            field("rate", FieldKind::Number { min: Some(0.0), max: Some(1.0) }, true),
            field("region", region, false),
            field("tier", tier, false),
            field("active", FieldKind::Flag, false),
            field("since", FieldKind::Time, false),
        ],
        extra: Extra::Ignore,
    }
}

/// Between them, every kind of node.
const DERIVED: [(&str, &str); 8] = [
    ("ratio", "amount / (rate + 1) - 2 * -rate % 7 + power(rate, 2)"),
    ("waves", "sin(rate) + cos(rate) + sqrt(abs(amount)) + exp(rate) + ln(abs(amount) + 1) + log10(rate + 1)"),
    ("steps", "floor(amount) + ceil(rate) + round(amount) + sign(amount)"),
    (
        "age",
        "date_diff('day', since, now()) + date_diff('week', since, DATE '2026-01-31') + date_diff('second', since, now())",
    ),
    (
        "spans",
        "date_diff('minute', since, now()) + date_diff('hour', since, now()) + date_diff('month', since, now()) + date_diff('year', since, now())",
    ),
    (
        "calendar",
        "extract(year FROM since) + extract(month FROM since) + extract(day FROM since) + extract(dow FROM since) + extract(hour FROM since) + extract(minute FROM since)",
    ),
    (
        "choice",
        "CASE WHEN region = 'eu' AND NOT active THEN 1 WHEN tier <> '2' OR amount >= 3 THEN COALESCE(amount, NULL, ratio) ELSE NULLIF(rate, 0) END",
    ),
    (
        "flagged",
        "(amount < 5 AND rate <= 0.5 AND since > '2020-01-01') OR amount IS NULL OR LEAST(amount, rate) > GREATEST(1, rate) OR active = TRUE",
    ),
];

fn derived(schema: &Schema) -> Vec<Derived> {
    let mut earlier = Vec::new();
    let mut all = Vec::new();
    for (name, text) in DERIVED {
        let expr = Expr::parse(text, schema, &earlier).unwrap();
        earlier.push((name.to_owned(), expr.ty));
        all.push(Derived { name: name.into(), text: text.into(), expr });
    }
    all
}

fn encoder(slot: u32, impute: Option<f64>, transform: Transform, indicator: bool) -> Encoder {
    Encoder { slot, impute, transform, indicator }
}

/// Encodings of three columns each, which is what the example models read; only the first leaves missing values.
fn encodings() -> Vec<Encoders> {
    let standard = |mean, scale| Transform::Standard { mean, scale };
    let one_hot = |levels: &[u32], unknown, missing| Transform::OneHot { levels: levels.to_vec(), unknown, missing };
    let ordinal = |unknown| Transform::Ordinal { values: vec![0.0, 0.5, 2.0], unknown };
    vec![
        Encoders((0..3).map(|slot| encoder(slot, None, Transform::Pass, false)).collect()),
        Encoders(vec![
            encoder(0, Some(1.5), standard(2.0, 3.0), false),
            encoder(1, None, Transform::MinMax { scale: 2.0, min: -1.0, clip: Some((-1.0, 1.0)) }, false),
            encoder(2, Some(0.0), ordinal(-1.0), false),
        ]),
        Encoders(vec![encoder(2, None, one_hot(&[2, 0], true, false), false)]),
        Encoders(vec![
            encoder(3, None, one_hot(&[0], false, true), false),
            encoder(4, Some(1.0), Transform::Pass, false),
        ]),
        Encoders(vec![
            encoder(6, Some(0.25), standard(0.5, 10.0), true),
            encoder(9, Some(3e6), Transform::MinMax { scale: 1e-8, min: 0.0, clip: None }, false),
        ]),
        Encoders(vec![
            encoder(3, Some(2.0), ordinal(f64::NAN), false),
            encoder(13, Some(0.0), standard(0.0, 1.0), false),
            encoder(12, Some(0.0), standard(1.0, 2.0), false),
        ]),
    ]
}

/// A stacking of every example model with so many classes.
fn model(n_slots: usize, n_classes: usize) -> Model {
    let encoders = encodings();
    let models: Vec<(u32, Model)> = Model::examples()
        .into_iter()
        .filter(|(_, model)| model.n_classes() == n_classes)
        .enumerate()
        .map(|(i, (_, model))| (if model.accepts_missing() { 0 } else { 1 + i as u32 % 5 }, model))
        .collect();
    assert!(models.len() >= 10);
    let width = if n_classes == 2 { 1 } else { n_classes };
    let (rows, link) = if n_classes == 2 { (1, Link::Sigmoid) } else { (n_classes, Link::Softmax) };
    let cols = models.len() * width + 3;
    let numbers = |n: usize| (0..n).map(|i| ((i * 37 + 11) % 64) as f64 / 32.0 - 1.0).collect::<Vec<f64>>();
    let coef = Matrix { rows, cols, data: numbers(rows * cols) };
    let final_model = Model::Logistic(Logistic { coef, intercept: numbers(rows), link });
    Model::Stacking(Nested::new(Stacking {
        methods: vec![Method::PredictProba; models.len()],
        members: Members { n_features: n_slots, encoders, models },
        passthrough: Some(4),
        final_model,
    }))
}

/// Records of all sorts, and their times.
pub fn records(n: usize) -> Vec<(Vec<Option<String>>, f64)> {
    let pick = |i: usize, of: &[&str]| Some(of[i % of.len()]).filter(|text| !text.is_empty()).map(str::to_owned);
    let record = |i: usize| {
        let rate = format!("{}", ((i * 29) % 101) as f64 / 100.0);
        let since =
            format!("20{:02}-{:02}-{:02}T{:02}:{:02}:00Z", 18 + i % 9, 1 + i % 12, 1 + i % 28, i % 24, i * 7 % 60);
        vec![
            pick(i, &["3", "0.1", "-7.25", "", "40", "12.5", "0"]),
            Some(rate),
            pick(i, &["eu", "us", "asia", "moon", "", "us"]),
            pick(i / 2, &["10", "2", "1", ""]),
            pick(i / 3, &["true", "false", "", "1"]),
            Some(since).filter(|_| i % 5 != 4),
        ]
    };
    (0..n).map(|i| (record(i), 1_767_323_045.678 + (i * 86_399) as f64)).collect()
}

/// Fills in the profile and the witnesses, as a trainer does.
pub fn seal(mut artifact: Artifact, records: Vec<(Vec<Option<String>>, f64)>) -> Artifact {
    let mut work = artifact.work();
    let mut slots = Array2::zeros((records.len(), work.slots.len()));
    let mut probability = Array2::zeros((records.len(), work.probability.len()));
    for (i, (record, as_of)) in records.iter().enumerate() {
        artifact.slots(&RawRecord(record), *as_of, &mut work).unwrap();
        artifact.predict(&mut work);
        slots.row_mut(i).assign(&ndarray::aview1(&work.slots));
        probability.row_mut(i).assign(&ndarray::aview1(&work.probability));
    }
    artifact.profile = Profile::of(&artifact.schema, &artifact.pipeline, slots.view(), probability.view());
    artifact.witnessed(records)
}

/// One of everything, with 2 or 3 classes.
pub fn everything(n_classes: usize) -> Artifact {
    let schema = schema();
    let derived = derived(&schema);
    let n_slots = schema.fields.len() + derived.len();
    let encoders = Encoders((0..n_slots as u32).map(|slot| encoder(slot, None, Transform::Pass, false)).collect());
    let labels = ["no", "yes", "maybe so"];
    let artifact = Artifact {
        name: "everything".into(),
        version: "1.0.0".into(),
        classes: labels[..n_classes].iter().map(|l| l.to_string()).collect(),
        schema,
        pipeline: Pipeline { derived, encoders },
        model: model(n_slots, n_classes),
        threshold: (n_classes == 2).then_some(0.25),
        profile: Profile::default(),
        witnesses: Vec::new(),
    };
    let artifact = seal(artifact, records(100));
    assert_eq!(artifact.witnesses.len(), WITNESSES);
    let told = |w: &Witness| w.probability.iter().all(|p| (0.001..0.999).contains(&f64::from_bits(*p)));
    assert!(artifact.witnesses.iter().all(told), "a probability of 0 or 1 would hide what changes");
    artifact
}

/// A logistic regression over two numbers: a small file.
pub fn small() -> Artifact {
    let field =
        |name: &str, required| Field { name: name.into(), kind: FieldKind::Number { min: None, max: None }, required };
    let standard = Transform::Standard { mean: 1.0, scale: 2.0 };
    let coef = Matrix { rows: 1, cols: 2, data: vec![1.5, -0.5] };
    let artifact = Artifact {
        name: "small".into(),
        version: "0.1".into(),
        classes: vec!["no".into(), "yes".into()],
        schema: Schema { fields: vec![field("a", true), field("b", false)], extra: Extra::Reject },
        pipeline: Pipeline {
            derived: Vec::new(),
            encoders: Encoders(vec![encoder(0, None, standard, false), encoder(1, Some(3.0), Transform::Pass, false)]),
        },
        model: Model::Logistic(Logistic { coef, intercept: vec![0.25], link: Link::Sigmoid }),
        threshold: None,
        profile: Profile::default(),
        witnesses: Vec::new(),
    };
    let text = |v: f64| Some(v.to_string());
    let records = [(0.5, Some(1.0)), (-3.0, None), (1e300, Some(-2.0))];
    seal(artifact, records.map(|(a, b)| (vec![text(a), b.and_then(text)], 0.0)).to_vec())
}

/// The file, with the header its trainer would give it.
pub fn file(artifact: &Artifact) -> Vec<u8> {
    artifact.write(&Header::of(artifact).to_bytes().unwrap()).unwrap()
}
