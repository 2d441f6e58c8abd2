//! What was lowered answers as the columns and the model say, for every kind of chain.

use super::super::columns::{Column, Step};
use super::super::trees::Trees;
use super::super::{Estimator, Foreign, Head, Input, InputKind};
use super::{Lowered, lower};
use crate::expr::Expr;
use crate::math::Matrix;
use crate::model::Model;
use crate::model::calibration::{Calibrator, Input as Of};
use crate::model::forest::{Link, PlainNode, PlainTree, Test};
use crate::model::linear::{self, Logistic};
use crate::model::stacking::Method;
use crate::pipeline::{Derived, Pipeline};
use crate::schema::{Field, FieldKind, Levels, Schema, Unknown};
use proptest::prelude::*;

fn inputs() -> Vec<Input> {
    let input = |name: &str, kind, required| Input { name: Some(name.into()), kind, required };
    let levels = ["a", "b", "it's", "d"].map(str::to_owned).to_vec();
    vec![
        input("x", InputKind::Number, false),
        input("y", InputKind::Number, true),
        input("code", InputKind::Code { negative: false }, false),
        input("some \"kind\"", InputKind::Category { levels: levels.clone(), admit_unknown: true }, false),
        input("strict", InputKind::Category { levels, admit_unknown: false }, true),
        input("flag", InputKind::Flag, false),
    ]
}

fn schema() -> Schema {
    let field = |input: Input| Field {
        name: input.name.unwrap(),
        kind: match input.kind {
            InputKind::Number | InputKind::Code { .. } => FieldKind::Number { min: None, max: None },
            InputKind::Category { levels, admit_unknown } => FieldKind::Category {
                levels: Levels::from(levels),
                unknown: if admit_unknown { Unknown::Admit } else { Unknown::Reject },
            },
            InputKind::Flag => FieldKind::Flag,
        },
        required: input.required,
    };
    Schema { fields: inputs().into_iter().map(field).collect(), ..Schema::default() }
}

fn foreign(estimator: Estimator) -> Foreign {
    Foreign {
        library: "scikit-learn",
        facts: serde_json::Map::new(),
        inputs: inputs(),
        classes: None,
        estimator,
        single: false,
        notes: Vec::new(),
    }
}

/// Lowers, proves, and gives a function from a row to `x` and the model.
fn lowered(estimator: Estimator) -> (Lowered, Pipeline) {
    let foreign = foreign(estimator);
    let slots: Vec<(String, usize)> =
        foreign.inputs.iter().enumerate().map(|(i, input)| (input.name.clone().unwrap(), i)).collect();
    let lowered = lower(&foreign, &slots, slots.len()).unwrap();
    let schema = schema();
    let mut pipeline = Pipeline { derived: Vec::new(), encoders: lowered.encoders.clone() };
    for (name, text) in &lowered.derived {
        let earlier: Vec<_> = pipeline.derived.iter().map(|d| (d.name.clone(), d.expr.ty)).collect();
        let expr = Expr::parse(text, &schema, &earlier).unwrap_or_else(|e| panic!("{text}: {e}"));
        pipeline.derived.push(Derived { name: name.clone(), text: text.clone(), expr });
    }
    let columns = pipeline.check(&schema).unwrap();
    lowered.model.check().unwrap();
    lowered.model.fits(&columns).unwrap_or_else(|e| panic!("{e}: {:?}", lowered.encoders));
    (lowered, pipeline)
}

fn x_of(pipeline: &Pipeline, row: &[f64]) -> Vec<f64> {
    let mut slots: Vec<f64> = row.iter().copied().chain(pipeline.derived.iter().map(|_| 0.0)).collect();
    pipeline.derive(&mut slots, 0.0);
    let mut x = vec![0.0; pipeline.encoders.n_columns()];
    pipeline.encoders.encode(&slots, &mut x);
    x
}

fn proba(lowered: &Lowered, pipeline: &Pipeline, row: &[f64]) -> Vec<f64> {
    let mut out = vec![0.0; lowered.model.n_classes()];
    lowered.model.predict_proba(&x_of(pipeline, row), &mut out);
    out
}

/// Rows that the schema admits.
fn rows() -> Vec<Vec<f64>> {
    let mut rows = Vec::new();
    let numbers = [f64::NAN, 0.0, -1.5, 2.25, 0.1, f64::from(0.1f32), 3.0, -7.0, 1e-40, 1e30, -1e9, 0.5f64.next_up()];
    for (i, x) in numbers.into_iter().enumerate() {
        for (j, y) in numbers.into_iter().enumerate().filter(|(_, y)| !y.is_nan()) {
            let level = |n: usize| ((i * 5 + j) % n) as f64;
            let or_missing = |v: f64, k: usize| if (i + j) % k == 0 { f64::NAN } else { v };
            rows.push(vec![x, y, or_missing(level(7), 5), or_missing(level(5), 6), level(4), or_missing(level(2), 4)]);
        }
    }
    rows
}

/// The leaf that the plain trees reach over the columns' own values.
fn reached(tree: &PlainTree, x: &[f64]) -> usize {
    let mut at = 0;
    loop {
        let PlainNode::Split { feature, test, default_left, left, right } = &tree.nodes[at] else { return at };
        let v = x[*feature];
        let goes_left = match test {
            _ if v.is_nan() => *default_left,
            Test::AtMost(c) => v <= *c,
            Test::In(set) => v > -1.0 && set.contains(&(v as u32)),
        };
        at = if goes_left { *left } else { *right };
    }
}

/// Chains over each kind of input.
fn chains() -> Vec<Column> {
    let of = |input, steps: &[Step]| Column { input, steps: steps.to_vec() };
    let standard = Step::SubDiv { offset: 0.7, scale: 1.3, single: false };
    let single = Step::SubMul { offset: f64::from(0.7f32), scale: f64::from(1.3f32), single: true };
    let falling = Step::MulAdd { scale: -0.37, offset: 2.0, single: false };
    let impute = Step::Impute { value: 0.25 };
    let mut chains = vec![
        of(0, &[]),
        of(0, &[Step::Single]),
        of(0, &[impute.clone(), standard.clone()]),
        of(0, &[standard.clone(), impute.clone()]),
        of(0, &[Step::Single, single.clone(), impute.clone()]),
        of(0, &[impute.clone(), falling.clone(), standard.clone()]),
        of(0, &[impute.clone(), falling.clone(), Step::Clip { low: 0.0, high: 1.0 }]),
        of(0, &[impute.clone(), standard.clone(), Step::Clip { low: -1.0, high: 1.0 }, standard.clone()]),
        of(0, &[Step::Above { threshold: 0.1 }, Step::Impute { value: 0.0 }]),
        of(0, &[Step::IsMissing]),
        of(0, &[Step::Is(3.0)]),
        of(0, &[Step::Replace { marker: 0.0, value: f64::NAN }, impute.clone()]),
        of(0, &[Step::Blank { low: -1.5, high: 0.25 }, impute.clone()]),
        of(0, &[Step::Replace { marker: -7.0, value: 4.5 }, standard.clone(), Step::Impute { value: -2.0 }]),
        of(0, &[Step::Single, Step::Is(f64::from(0.1f32))]),
        of(0, &[Step::Single, impute.clone(), Step::IsNoneOf(vec![0.1, f64::from(0.1f32), 3.0])]),
        of(0, &[Step::Single, Step::Replace { marker: f64::from(0.1f32), value: 7.0 }, impute.clone()]),
        of(0, &[Step::Single, Step::Blank { low: 0.0, high: f64::from(0.1f32) }, impute.clone()]),
        of(0, &[Step::Single, Step::Above { threshold: f64::from(0.1f32) }, Step::Impute { value: 0.0 }]),
        of(1, &[]),
        of(1, std::slice::from_ref(&standard)),
        of(1, &[Step::MulAdd { scale: 0.5, offset: -1.0, single: false }]),
        of(
            1,
            &[
                Step::Replace { marker: 3.0, value: 2.0 },
                Step::Clip { low: -5.0, high: 5.0 },
                Step::Above { threshold: 1.0 },
            ],
        ),
        of(2, &[Step::Impute { value: 2.0 }, Step::Lookup { values: vec![5.0, -1.0, 2.5], unknown: 0.75 }]),
        of(2, &[Step::IsNoneOf(vec![1.0, 2.0])]),
        of(3, &[Step::Lookup { values: vec![3.0, 1.0, 2.0, 0.5], unknown: -1.0 }, Step::Impute { value: -2.0 }]),
        of(3, &[Step::Impute { value: 1.0 }, Step::Lookup { values: vec![3.0, 1.0, 2.0, 0.5], unknown: 9.0 }]),
        of(3, &[Step::Is(2.0), standard.clone()]),
        of(3, &[Step::IsNoneOf(vec![0.0, 1.0])]),
        of(4, &[Step::Lookup { values: vec![0.0, 1.0, 2.0, 3.0], unknown: f64::NAN }, standard.clone()]),
        of(5, &[Step::Impute { value: 0.0 }, standard]),
        of(5, &[Step::IsMissing]),
    ];
    // Runs of one-hot columns, the second over imputed values.
    chains.extend((0..4).map(|level| of(3, &[Step::Is(f64::from(level))])));
    chains.push(of(3, &[Step::IsNoneOf(vec![0.0, 1.0, 2.0, 3.0])]));
    chains.push(of(3, &[Step::IsMissing]));
    chains.extend((1..4).map(|level| of(3, &[Step::Impute { value: 3.0 }, Step::Is(f64::from(level))])));
    chains.extend((0..4).map(|level| of(4, &[Step::Is(f64::from(level))])));
    chains
}

fn finite_chains() -> Vec<Column> {
    let nan = |c: &Column| rows().iter().any(|row| c.value(row[c.input]).is_nan());
    chains().into_iter().filter(|c| !nan(c)).collect()
}

fn logistic(n: usize) -> Model {
    let data = (0..n).map(|i| 0.3 - ((i * 7 + 3) % 11) as f64 / 15.0).collect();
    let coef = Matrix { rows: 1, cols: n, data };
    Model::Logistic(Logistic { coef, intercept: vec![0.2], link: linear::Link::Sigmoid })
}

/// One split per chain at each of some thresholds, so that every fold is seen.
fn stumps(columns: &[Column]) -> Trees {
    let (mut trees, mut numbers) = (Vec::new(), Vec::new());
    for feature in 0..columns.len() {
        for (k, c) in [-1.5, 0.0, 0.5, 1.0, 2.25, f64::from(0.1f32), f64::INFINITY].into_iter().enumerate() {
            let left_first = k % 2 == 0;
            let split =
                PlainNode::Split { feature, test: Test::AtMost(c), default_left: left_first, left: 1, right: 2 };
            let leaf = |v: f64| PlainNode::Leaf(vec![v]);
            trees.push(PlainTree { nodes: vec![split, leaf(0.25), leaf(-0.5)], output: 0 });
            numbers.push(vec![0, 11, 22]);
        }
    }
    Trees { n_features: columns.len(), n_classes: 2, link: Link::Sigmoid, base: vec![0.0], trees, numbers }
}

fn same_leaves(columns: Vec<Column>, trees: Trees, rows: &[Vec<f64>]) {
    let (lowered, pipeline) = lowered(Estimator { columns: columns.clone(), head: Head::Trees(trees.clone()) });
    let Model::Forest(forest) = &lowered.model else { panic!("a forest") };
    for row in rows {
        let x: Vec<f64> = columns.iter().map(|c| c.value(row[c.input])).collect();
        let mut ids = vec![0; forest.n_trees()];
        forest.leaf_ids(&x_of(&pipeline, row), &mut ids);
        for (t, tree) in trees.trees.iter().enumerate() {
            let ours = lowered.leaves[t][ids[t] as usize];
            let theirs = trees.numbers[t][reached(tree, &x)];
            assert_eq!(ours, theirs, "tree {t} {:?}, row {row:?}: {:?}", tree.nodes[0], x);
        }
    }
}

#[test]
fn tests_of_columns_become_tests_of_slots() {
    let columns = chains();
    same_leaves(columns.clone(), stumps(&columns), &rows());
}

#[test]
fn what_stands_before_trees_costs_no_columns() {
    let columns: Vec<Column> = chains().into_iter().filter(|c| c.input == 3).collect();
    let (lowered, _) = lowered(Estimator { columns: columns.clone(), head: Head::Trees(stumps(&columns)) });
    assert_eq!((lowered.encoders.0.len(), lowered.derived.len()), (1, 0));
}

#[test]
fn other_models_read_what_the_columns_say() {
    let columns = finite_chains();
    assert!(columns.len() > 25, "{}", columns.len());
    let estimator = Estimator { columns: columns.clone(), head: Head::Model(logistic(columns.len())) };
    let (_, pipeline) = lowered(estimator);
    for row in rows() {
        let x = x_of(&pipeline, &row);
        for (k, column) in columns.iter().enumerate() {
            let expected = column.value(row[column.input]);
            // f32 steps are computed in f64 here.
            let within = if column.steps.contains(&Step::Single) { 1e-6 } else { 1e-14 };
            assert!((x[k] - expected).abs() <= within * expected.abs().max(1.0), "{column:?}: {} {expected}", x[k]);
        }
    }
}

#[test]
fn a_run_of_levels_is_one_encoder() {
    let is = |level| Column { input: 3, steps: vec![Step::Is(level)] };
    let columns = vec![is(0.0), is(1.0), is(2.0), is(3.0)];
    let (lowered, _) = lowered(Estimator { columns, head: Head::Model(logistic(4)) });
    assert_eq!((lowered.encoders.0.len(), lowered.derived.len()), (1, 0));
}

#[test]
fn members_read_the_same_row_each_its_own_way() {
    let columns = finite_chains();
    let linear = Estimator { columns: columns.clone(), head: Head::Model(logistic(columns.len())) };
    let trees = Estimator { columns: chains(), head: Head::Trees(stumps(&chains())) };
    let of = |e: &Estimator, row: &[f64]| {
        let (lowered, pipeline) = lowered(e.clone());
        proba(&lowered, &pipeline, row)[1]
    };
    let members = vec![(2.0, linear.clone()), (1.0, trees.clone())];
    let voting = Estimator { columns: Vec::new(), head: Head::Voting { members } };
    let members = vec![(Method::PredictProba, voting.clone()), (Method::PredictProba, trees.clone())];
    let last = Box::new(Head::Model(logistic(3)));
    let passed = vec![Column::raw(1)];
    let stacking = Estimator { columns: passed, head: Head::Stacking { members, last } };
    let platt = || Calibrator::Platt { input: Of::Probability, a: vec![-2.0], b: vec![0.5] };
    let members = vec![(stacking.clone(), platt()), (linear.clone(), platt())];
    let calibrated = Estimator { columns: Vec::new(), head: Head::Calibrated { members } };
    let platt_of = |p: f64| crate::math::sigmoid(2.0 * p - 0.5);
    for row in rows().iter().step_by(17) {
        let (l, t) = (of(&linear, row), of(&trees, row));
        let v = of(&voting, row);
        assert!((v - (2.0 * l + t) / 3.0).abs() < 1e-15);
        let mut s = [0.0; 2];
        logistic(3).predict_proba(&[v, t, row[1]], &mut s);
        assert!((of(&stacking, row) - s[1]).abs() < 1e-15);
        let c = (platt_of(s[1]) + platt_of(l)) / 2.0;
        assert!((of(&calibrated, row) - c).abs() < 1e-15);
    }
}

#[test]
fn what_cannot_be_is_an_error() {
    let slots: Vec<(String, usize)> = (0..6).map(|i| (format!("f{i}"), i)).collect();
    let refused = |estimator| lower(&foreign(estimator), &slots, 6).unwrap_err().to_string();
    let mut trees = stumps(&[Column::raw(0)]);
    let beyond = Estimator { columns: vec![Column::raw(17)], head: Head::Trees(trees.clone()) };
    assert_eq!(refused(beyond), "a column reads input 17, but there are 6");
    let none = Estimator { columns: Vec::new(), head: Head::Trees(trees.clone()) };
    assert_eq!(refused(none), "the trees read 1 features of 0");
    let PlainNode::Split { test, .. } = &mut trees.trees[0].nodes[0] else { panic!() };
    *test = Test::AtMost(f64::NAN);
    let nan = Estimator { columns: vec![Column::raw(0)], head: Head::Trees(trees) };
    assert_eq!(refused(nan), "tree 0, node 0: the threshold is not a number");
}

proptest! {
    /// Random chains of steps over a number, random thresholds, values at and beside where the test turns.
    #[test]
    fn every_rising_or_falling_chain_folds(
        steps in prop::collection::vec(prop_oneof![
            Just(Step::Single),
            (-3.0..3.0f64).prop_map(|value| Step::Impute { value }),
            (-5.0..5.0f64, 0.01..9.0f64, any::<bool>()).prop_map(|(offset, scale, single)| Step::SubDiv { offset, scale, single }),
            (-5.0..5.0f64, -9.0..-0.01f64, any::<bool>()).prop_map(|(offset, scale, single)| Step::SubMul { offset, scale, single }),
            (-5.0..5.0f64, 0.01..9.0f64, any::<bool>()).prop_map(|(offset, scale, single)| Step::MulAdd { offset, scale, single }),
            (-2.0..0.0f64, 0.0..2.0f64).prop_map(|(low, high)| Step::Clip { low, high }),
            (-2.0..2.0f64).prop_map(|threshold| Step::Above { threshold }),
        ], 0..5),
        c in -4.0..4.0f64,
        default_left in any::<bool>(),
        around in prop::collection::vec(-1e6..1e6f64, 8),
    ) {
        let column = Column { input: 0, steps };
        let split = PlainNode::Split { feature: 0, test: Test::AtMost(c), default_left, left: 1, right: 2 };
        let nodes = vec![split, PlainNode::Leaf(vec![1.0]), PlainNode::Leaf(vec![2.0])];
        let trees = Trees {
            n_features: 1, n_classes: 2, link: Link::Sigmoid, base: vec![0.0],
            trees: vec![PlainTree { nodes, output: 0 }], numbers: vec![vec![0, 1, 2]],
        };
        let (found, _) = lowered(Estimator { columns: vec![column.clone()], head: Head::Trees(trees.clone()) });
        let Model::Forest(forest) = &found.model else { panic!() };
        let mut values = around;
        values.extend([f64::NAN, 0.0, c, 1e300, -1e300]);
        if let PlainNode::Split { test: Test::AtMost(cut), .. } = &forest.plain()[0].nodes[0] {
            values.extend([*cut, cut.next_up(), cut.next_down()].into_iter().filter(|v| v.abs() < 1e149));
        }
        let rows: Vec<Vec<f64>> = values.iter().map(|v| vec![*v, 0.0, 0.0, 0.0, 0.0, 0.0]).collect();
        same_leaves(vec![column], trees, &rows);
    }
}

/// Encoders cut numbers off at a bound, so no test may ask what is beyond it.
#[test]
fn thresholds_past_the_bound_are_refused() {
    let stump = |c: f64| {
        let split = PlainNode::Split { feature: 0, test: Test::AtMost(c), default_left: false, left: 1, right: 2 };
        let nodes = vec![split, PlainNode::Leaf(vec![1.0]), PlainNode::Leaf(vec![2.0])];
        let trees = vec![PlainTree { nodes, output: 0 }];
        let numbers = vec![vec![0, 1, 2]];
        let head =
            Head::Trees(Trees { n_features: 1, n_classes: 2, link: Link::Sigmoid, base: vec![0.0], trees, numbers });
        lower(&foreign(Estimator { columns: vec![Column::raw(0)], head }), &slots(), slots().len())
    };
    for c in [1e149, -1e150, f64::MAX, f64::INFINITY, f64::NEG_INFINITY] {
        assert!(stump(c).is_ok(), "{c}");
    }
    for c in [1.1e150, -1e300] {
        assert!(stump(c).unwrap_err().to_string().starts_with("tree 0, node 0: the threshold is past 1e150"), "{c}");
    }
}

fn slots() -> Vec<(String, usize)> {
    inputs().into_iter().enumerate().map(|(i, input)| (input.name.unwrap(), i)).collect()
}
