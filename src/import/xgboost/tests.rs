//! One test for each meaning.

use super::sample::*;
use super::{Head, Model, Rounds, forest, linear, read};
use crate::import::{Input, InputKind};
use serde_json::json;

const NAN: f64 = f64::NAN;

#[test]
fn rows_reach_the_leaves_that_xgboost_sends_them_to() {
    let foreign = foreign(&model());
    // 0.1 as f32 is a little more than 0.1; what rounds to it is not below it.
    let t = f64::from(0.1f32);
    let half = (f64::from(0.1f32.next_down()) + t) / 2.0;
    let cases = [
        ([0.0, 0.0], 1),
        ([t, 0.0], 3),
        ([f64::from(0.1f32.next_down()), 0.0], 1),
        ([half.next_down(), 0.0], 1),
        ([half.next_up(), 0.0], 3),
        ([NAN, 0.0], 1),
        ([-1e300, 0.0], 1),
        // Chosen categories go right, all others left.
        ([1.0, 1.0], 4),
        ([1.0, 33.0], 4),
        ([1.0, 0.0], 3),
        ([1.0, 2.0], 3),
        ([1.0, 34.0], 3),
        ([1.0, 1e9], 3),
        ([1.0, NAN], 3),
    ];
    for (x, expected) in cases {
        assert_eq!(answer(&foreign, &x).0, [expected, 0], "{x:?}");
    }
    let right = changed(&[("@tree/default_left", json!([0, 0, 0, 0, 0]))]);
    let right = self::foreign(&right);
    assert_eq!(answer(&right, &[NAN, 0.0]).0[0], 3);
    assert_eq!(answer(&right, &[1.0, NAN]).0[0], 4);
    assert_eq!(answer(&right, &[1.0, 1.0]).1, [0.125 + 0.5]);
}

#[test]
fn thresholds_at_the_ends_of_singles() {
    for (t, left, right) in
        [("3.4028235E38", 3.4e38, 3.402_823_5e38), ("-3.4028235E38", NAN, -3.4e38), ("1E-45", 0.0, 1e-44)]
    {
        let text = model().to_string().replacen("0.1,-0.25", &format!("{t},-0.25"), 1);
        let foreign = read(text.as_bytes()).unwrap();
        assert_eq!(answer(&foreign, &[left, 0.0]).0[0], 1, "{t}");
        assert_eq!(answer(&foreign, &[right, 0.0]).0[0], 3, "{t}");
    }
}

#[test]
fn base_scores_are_in_their_own_space() {
    let base = |objective: &str, score: &str, version: [u32; 3]| {
        let classes = if objective.starts_with("multi") { "3" } else { "0" };
        let model = changed(&[
            ("version", json!(version)),
            ("learner/objective/name", json!(objective)),
            ("@param/base_score", json!(score)),
            ("@param/num_class", json!(classes)),
            ("@model/iteration_indptr", json!([0, 2])),
        ]);
        read(model.to_string().as_bytes()).map(|f| trees(&f).base.clone()).map_err(|e| e.to_string())
    };
    let logit = |p: f32| f64::from(-((1.0f32 / p - 1.0).ln()));
    let now = [3, 2, 0];
    for (objective, score, version, expected) in [
        ("binary:logistic", "5E-1", now, vec![0.0]),
        ("binary:logistic", "[2E-1]", now, vec![logit(0.2)]),
        ("binary:logistic", "2E-1", [1, 0, 2], vec![logit(0.2)]),
        ("reg:logistic", "0.2", now, vec![logit(0.2)]),
        // A data set of one class alone.
        ("binary:logistic", "[0E0]", now, vec![logit(1e-6)]),
        ("binary:logistic", "[1E0]", now, vec![logit(1.0 - 1e-6)]),
        ("binary:logistic", "1E-8", [2, 1, 4], vec![logit(1e-8)]),
        ("binary:logitraw", "[-1.5E0]", now, vec![-1.5]),
        ("binary:logitraw", "2E-1", [1, 3, 0], vec![f64::from(0.2f32)]),
        ("binary:logitraw", "2E-1", [1, 2, 1], vec![logit(0.2)]),
        ("multi:softprob", "5E-1", [2, 1, 4], vec![0.5, 0.5, 0.5]),
        ("multi:softmax", "[5E-1,-1E0,2E0]", now, vec![0.5, -1.0, 2.0]),
    ] {
        let found = base(objective, score, version).unwrap();
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(expected) {
            let near = (found - expected).abs() <= 1e-6 * expected.abs();
            assert!(near, "{objective} {score} {version:?}: {found}, not {expected}");
        }
    }
    for (objective, score, version, message) in [
        ("binary:logistic", "1.5", now, "base_score is 1.5: for this objective it is a probability"),
        ("binary:logistic", "0", [2, 0, 0], "base_score is 0: for this objective it is between 0 and 1"),
        ("binary:logistic", "[0.5,0.5]", now, "base_score has 2 numbers: it has one, or one for each of 1 scores"),
        ("multi:softprob", "[0.5,0.5]", now, "base_score has 2 numbers: it has one, or one for each of 3 scores"),
        ("multi:softprob", "[]", now, "base_score is \"[]\": it is a finite number, or several in brackets"),
        ("binary:logitraw", "nan", now, "base_score is \"nan\": it is a finite number, or several in brackets"),
        ("binary:logitraw", "1e39", now, "base_score is \"1e39\": it is a finite number, or several in brackets"),
    ] {
        assert_eq!(base(objective, score, version).unwrap_err(), message);
    }
}

#[test]
fn what_is_no_classifier_is_refused_by_the_name_of_its_objective() {
    for (objective, reason) in [
        ("binary:hinge", "answers 0 or 1, and no probability"),
        ("reg:squarederror", "predicts a number, not a class"),
        ("reg:tweedie", "predicts a number, not a class"),
        ("count:poisson", "predicts a count, not a class"),
        ("rank:ndcg", "ranks the rows of a query"),
        ("survival:aft", "predicts survival times"),
        ("mine", "is not known"),
    ] {
        let message = refusal(&changed(&[("learner/objective/name", json!(objective))]));
        assert!(message.starts_with(&format!("the objective `{objective}` {reason}")), "{message}");
    }
    let targets = refusal(&changed(&[("@param/num_target", json!("3"))]));
    assert!(targets.starts_with("the model has 3 targets"), "{targets}");
    let classes = refusal(&changed(&[("@param/num_class", json!("3"))]));
    assert_eq!(classes, "num_class is 3: `binary:logistic` has one score, and num_class 0");
    for n in ["0", "1", "4097", "99999999999"] {
        let changes = [("learner/objective/name", json!("multi:softprob")), ("@param/num_class", json!(n))];
        assert_eq!(refusal(&changed(&changes)), format!("num_class is {n}: `multi:softprob` has 2 to 4096"));
    }
}

#[test]
fn what_the_original_predicts_otherwise_is_noted() {
    for (objective, note) in
        [("binary:logitraw", "predicts the margin"), ("reg:logistic", "is what the original predicts")]
    {
        let foreign = foreign(&changed(&[("learner/objective/name", json!(objective))]));
        assert!(foreign.notes[0].contains(objective) && foreign.notes[0].contains(note), "{:?}", foreign.notes);
        assert_eq!(trees(&foreign).link, forest::Link::Sigmoid);
    }
    let multi = changed(&[
        ("learner/objective/name", json!("multi:softmax")),
        ("@param/num_class", json!("2")),
        ("@model/iteration_indptr", json!([0, 2])),
        ("@model/tree_info", json!([0, 1])),
    ]);
    let multi = foreign(&multi);
    assert!(multi.notes[0].contains("predicts the class alone"));
    assert_eq!(answer(&multi, &[1.0, 0.0]).1, [1.0, 1.0]);
    assert!(multi.single && multi.classes.is_none() && multi.library == "xgboost");
}

#[test]
fn weights_of_dart_multiply_leaves_as_singles() {
    let weights = json!([0.1, 0.7]);
    let mut dart = model();
    let booster = dart.pointer_mut("/learner/gradient_booster").unwrap();
    *booster = json!({"name": "dart", "gbtree": booster.clone(), "weight_drop": weights});
    let expected = f64::from(0.5f32 * 0.1) + f64::from(0.5f32 * 0.7);
    assert_eq!(answer(&foreign(&dart), &[1.0, 0.0]).1, [expected]);
    // Where later versions keep it: a tree without a weight has 1.
    let within = changed(&[("@model/weight_drop", json!([0.1]))]);
    assert_eq!(answer(&foreign(&within), &[1.0, 0.0]).1, [f64::from(0.5f32 * 0.1) + 0.5]);

    dart.pointer_mut("/learner/gradient_booster").unwrap().as_object_mut().unwrap().remove("weight_drop");
    assert_eq!(refusal(&dart), "the booster `dart` has no `weight_drop`: each tree has a weight");
    let long = changed(&[("@model/weight_drop", json!([0.1, 0.1, 0.1]))]);
    assert_eq!(refusal(&long), "weight_drop has 3 weights: there are 2 trees");
    let name = changed(&[("learner/gradient_booster/name", json!("gbforest"))]);
    assert_eq!(refusal(&name), "the booster `gbforest` is not known: gbtree, dart and gblinear are");
}

/// The sample with ten trees of one leaf, and what else is changed.
fn ten(changes: &[(&str, serde_json::Value)]) -> serde_json::Value {
    let trees: Vec<_> = (0..10).map(|i| leaf(i, 1.0)).collect();
    let mut all = vec![
        ("@model/trees", json!(trees)),
        ("@model/tree_info", json!(vec![0; 10])),
        ("@model/gbtree_model_param", json!({"num_trees": "10", "num_parallel_tree": "1"})),
        ("@model/iteration_indptr", json!(null)),
    ];
    all.extend_from_slice(changes);
    changed(&all)
}

#[test]
fn the_best_rounds_answer_unless_told_otherwise() {
    let early = ten(&[("learner/attributes", json!({"best_iteration": "3", "best_score": "0.5"}))]);
    let used = |model: &serde_json::Value, rounds| with_rounds(model, rounds).map(|f| trees(&f).trees.len());
    assert_eq!(used(&early, Rounds::Best), Ok(4));
    assert_eq!(used(&early, Rounds::All), Ok(10));
    assert_eq!(used(&early, Rounds::First(7)), Ok(7));
    assert_eq!(used(&early, Rounds::First(0)), Err("no round is to answer: at least one is due".into()));
    assert_eq!(used(&early, Rounds::First(11)), Err("11 rounds are to answer: the file has 10".into()));
    let foreign = foreign(&early);
    assert!(foreign.notes[0].starts_with("training stopped early: the first 4 of 10 rounds answer (best_iteration 3)"));
    assert_eq!((&foreign.facts["rounds"], &foreign.facts["rounds_in_file"]), (&json!(4), &json!(10)));
    assert_eq!(used(&ten(&[]), Rounds::Best), Ok(10));

    // 1.x sets it without early stopping, too, and keeps it when a model is cut.
    let whole = self::foreign(&ten(&[("learner/attributes", json!({"best_iteration": "9"}))]));
    assert_eq!((trees(&whole).trees.len(), whole.notes.len()), (10, 1));
    let cut = self::foreign(&ten(&[("learner/attributes", json!({"best_iteration": "19"}))]));
    assert!(cut.notes[0].starts_with("best_iteration 19 is of a longer training") && trees(&cut).trees.len() == 10);
    let odd = refusal(&ten(&[("learner/attributes", json!({"best_iteration": "-1"}))]));
    assert_eq!(odd, "the attribute best_iteration is \"-1\": it is a whole number from 0");
}

#[test]
fn a_round_has_as_many_trees_as_the_file_says() {
    let two = json!({"best_iteration": "1"});
    let used = |changes: &[(&str, serde_json::Value)]| {
        let mut all = vec![("learner/attributes", two.clone())];
        all.extend_from_slice(changes);
        let foreign = foreign(&ten(&all));
        (trees(&foreign).trees.len(), foreign.notes)
    };
    let param = |text: &str| json!({"num_trees": "10", "num_parallel_tree": text});
    assert_eq!(used(&[("@model/gbtree_model_param", param("2"))]).0, 4);
    assert_eq!(used(&[("@model/iteration_indptr", json!([0, 3, 6, 10]))]).0, 6);
    let classes = [
        ("learner/objective/name", json!("multi:softprob")),
        ("@param/num_class", json!("5")),
        ("@model/tree_info", json!([0, 1, 2, 3, 4, 0, 1, 2, 3, 4])),
    ];
    assert_eq!(used(&classes).0, 10);
    // Before 1.6 the number of parallel trees is not in the file's parameters.
    let absent = ("@model/gbtree_model_param", json!({"num_trees": "10", "size_leaf_vector": "0"}));
    let limit = ("learner/attributes", json!({"best_iteration": "1", "best_ntree_limit": "4"}));
    assert_eq!(used(&[absent.clone(), limit]).0, 4);
    let about = json!({"num_parallel_tree": 5, "classes_": [0, 1]}).to_string();
    let about = ("learner/attributes", json!({"best_iteration": "0", "scikit_learn": about}));
    assert_eq!(used(&[absent.clone(), about]).0, 5);
    let (n, notes) = used(&[absent]);
    assert!(n == 2 && notes[1].starts_with("the file does not tell `num_parallel_tree`"), "{notes:?}");

    for (change, message) in [
        (("@model/gbtree_model_param", param("3")), "there are 10 trees, and 3 in each round: a round is not whole"),
        (
            ("@model/gbtree_model_param", json!({"num_trees": "9"})),
            "num_trees is 9, there are 10 trees, and tree_info has 10: as many are due",
        ),
        (("@model/tree_info", json!([0])), "num_trees is 10, there are 10 trees, and tree_info has 1: as many are due"),
        (
            ("@model/iteration_indptr", json!([0, 4])),
            "iteration_indptr does not ascend from 0 to the number of trees, 10",
        ),
        (
            ("@model/iteration_indptr", json!([0, 12, 10])),
            "iteration_indptr does not ascend from 0 to the number of trees, 10",
        ),
        (("@model/iteration_indptr", json!([])), "iteration_indptr does not ascend from 0 to the number of trees, 10"),
        (
            ("@model/iteration_indptr", json!([-1, 10])),
            "iteration_indptr does not ascend from 0 to the number of trees, 10",
        ),
        (("@model/gbtree_model_param", param("many")), "num_parallel_tree is \"many\": it is a whole number from 0"),
    ] {
        assert_eq!(refusal(&ten(&[change])), message);
    }
}

#[test]
fn pruned_nodes_are_left_out_and_numbers_are_kept() {
    // 0 (4 (1 5) 2), node 3 was pruned: children stand before their parents.
    let foreign = foreign(&changed(&[
        ("@tree/left_children", json!([4, -1, -1, -1, 1, -1])),
        ("@tree/right_children", json!([2, -1, -1, -1, 5, -1])),
        ("@tree/parents", json!([i32::MAX, 4, 0, i32::MAX, 0, 4])),
        ("@tree/split_indices", json!([0, 0, 0, 0, 1, 0])),
        ("@tree/split_conditions", json!([0.5, 1.0, 2.0, 9.0, 0.5, 5.0])),
        ("@tree/default_left", json!([false, false, false, false, true, false])),
        ("@tree/split_type", json!(null)),
        ("@tree/categories", json!(null)),
        ("@tree/categories_nodes", json!(null)),
        ("@tree/categories_segments", json!(null)),
        ("@tree/categories_sizes", json!(null)),
        ("@tree/tree_param", json!({"num_nodes": 6, "num_deleted": "1"})),
    ]));
    assert_eq!(trees(&foreign).numbers[0], [0, 4, 1, 5, 2]);
    for (x, leaf) in [([0.0, 0.0], 1), ([0.0, NAN], 1), ([0.0, 1.0], 5), ([NAN, 0.0], 2), ([1.0, 0.0], 2)] {
        assert_eq!(answer(&foreign, &x), (vec![leaf, 0], vec![f64::from(leaf) + 0.5]), "{x:?}");
    }
}

#[test]
fn a_tree_with_vectors_becomes_a_tree_for_each_class() {
    let vectors = |leaves: &[(&str, serde_json::Value)]| {
        let mut all = vec![
            ("learner/objective/name", json!("multi:softprob")),
            ("@param/num_class", json!("2")),
            ("@param/base_score", json!("0")),
            ("@model/gbtree_model_param/num_trees", json!("1")),
            ("@model/tree_info", json!([0])),
            ("@model/iteration_indptr", json!([0, 1])),
            ("@tree/tree_param/size_leaf_vector", json!("2")),
        ];
        all.extend_from_slice(leaves);
        let mut model = changed(&all);
        model.pointer_mut("/learner/gradient_booster/model/trees").unwrap().as_array_mut().unwrap().truncate(1);
        model
    };
    let by_node = [("@tree/base_weights", json!([0.0, 0.0, 1.0, -1.0, 0.0, 0.0, 3.0, -3.0, 4.0, -4.0]))];
    let by_leaf = [
        ("@tree/leaf_weights", json!([4.0, -4.0, 1.0, -1.0, 3.0, -3.0])),
        ("@tree/right_children", json!([2, 1, 4, 2, 0])),
    ];
    for leaves in [&by_node[..], &by_leaf] {
        let foreign = foreign(&vectors(leaves));
        assert_eq!(answer(&foreign, &[0.0, 0.0]), (vec![1, 1], vec![1.0, -1.0]));
        assert_eq!(answer(&foreign, &[1.0, 0.0]), (vec![3, 3], vec![3.0, -3.0]));
        assert_eq!(answer(&foreign, &[1.0, 1.0]), (vec![4, 4], vec![4.0, -4.0]));
    }
    let leaf = |change| {
        let mut all = by_leaf.to_vec();
        all.push(change);
        refusal(&vectors(&all))
    };
    assert_eq!(
        leaf(("@tree/leaf_weights", json!([4.0, -4.0, 1.0, -1.0, 3.0]))),
        "tree 0: leaf_weights has 5 values: 3 vectors of 2 are due"
    );
    let wild = ("@tree/right_children", json!([2, 1, 4, 3, 0]));
    assert_eq!(leaf(wild), "tree 0: leaf 3 has vector 3: leaf_weights holds 3");
    let width = ("@tree/tree_param/size_leaf_vector", json!("3"));
    assert_eq!(leaf(width), "tree 0: size_leaf_vector is 3: the model has 2 outputs");
    let short = vectors(&[("@tree/base_weights", json!([0.5]))]);
    assert_eq!(refusal(&short), "tree 0: base_weights has 1 values: 5 vectors of 2 are due");
}

fn kinds(changes: &[(&str, serde_json::Value)]) -> (Vec<Input>, Vec<String>) {
    let foreign = foreign(&changed(changes));
    (foreign.inputs, foreign.notes)
}

#[test]
fn inputs_have_the_names_and_kinds_of_the_file() {
    let (inputs, _) = kinds(&[]);
    // No types: what is split by categories is a code.
    let input = |name: Option<&str>, kind| Input { name: name.map(Into::into), kind, required: false };
    assert_eq!(inputs, [input(None, InputKind::Number), input(None, InputKind::Code { negative: false })]);
    for (kind, expected) in [
        ("q", InputKind::Number),
        ("float", InputKind::Number),
        ("int", InputKind::Number),
        ("i", InputKind::Flag),
        ("c", InputKind::Code { negative: false }),
    ] {
        let (inputs, _) =
            kinds(&[("learner/feature_types", json!([kind, "c"])), ("learner/feature_names", json!(["größe", "f1"]))]);
        assert_eq!(inputs, [input(Some("größe"), expected), input(Some("f1"), InputKind::Code { negative: false })]);
    }
    for (change, message) in [
        (("learner/feature_types", json!(["q", "x"])), "the type of feature 1 is `x`: it is q, float, int, i or c"),
        (("learner/feature_types", json!(["q"])), "feature_types has 1 texts: the model has 2 features"),
        (("learner/feature_names", json!(["q"])), "feature_names has 1 texts: the model has 2 features"),
        (("@param/num_feature", json!("0")), "num_feature is 0: models of 1 to 65536 features are imported"),
        (
            ("@param/num_feature", json!("4294967295")),
            "num_feature is 4294967295: models of 1 to 65536 features are imported",
        ),
        (("@param/num_feature", json!("-2")), "num_feature is \"-2\": it is a whole number from 0"),
        (("@param/num_feature", json!("1")), "tree 0: node 2 splits by feature 1: the model has 1"),
        (("@model/cats", json!({"enc": [{"values": [1]}]})), "cats has categories of 1 features: the model has 2"),
    ] {
        assert_eq!(refusal(&changed(&[change])), message);
    }
}

#[test]
fn categories_have_the_names_of_the_file() {
    let categories = |version: [u32; 3], names: serde_json::Value| {
        let empty = json!({"offsets": [], "values": []});
        let (inputs, mut notes) =
            kinds(&[("version", json!(version)), ("@model/cats", json!({"enc": [empty, names]}))]);
        notes.pop();
        match inputs[1].kind.clone() {
            InputKind::Category { levels, admit_unknown: false } => Ok(levels),
            InputKind::Code { negative: false } => Err(notes.concat()),
            other => panic!("{other:?}"),
        }
    };
    let (now, later) = ([3, 2, 0], [3, 4, 0]);
    // "x", "yy", "z".
    let ascii = json!({"offsets": [0, 1, 3, 4], "values": [120, 121, 121, 122]});
    assert_eq!(categories(now, ascii).unwrap(), ["x", "yy", "z"]);
    assert_eq!(categories(now, json!({"type": 15, "values": [-5, 3, 700]})).unwrap(), ["-5", "3", "700"]);
    // "é", "z": by bytes from 3.4 on; before, letters are counted, and the last is cut off.
    let accent = json!({"offsets": [0, 2, 3], "values": [-61, -87, 122]});
    assert_eq!(categories(later, accent.clone()).unwrap(), ["é", "z"]);
    let damaged = "the categories of feature 1 are given by their codes, from 0: XGBoost before 3.4 damages names that are not ASCII";
    assert_eq!(categories(now, accent).unwrap_err(), damaged);
    for (names, reason) in [
        (json!({"offsets": [0, 1, 2], "values": [-61, -87]}), "their names are damaged in the file"),
        (json!({"offsets": [0, 1, 9], "values": [120, 121]}), "their names are damaged in the file"),
        (json!({"offsets": [0, 2, 1], "values": [120, 121]}), "their names are damaged in the file"),
        (json!({"offsets": [0, 1], "values": [120, 121]}), "their names are damaged in the file"),
        (json!({"offsets": [], "values": [120]}), "their names are damaged in the file"),
        (json!({"offsets": [0, 1], "values": [1200]}), "their names are damaged in the file"),
        (json!({"offsets": [0, 0, 1], "values": [120]}), "a name among them is empty or too long"),
        (json!({"offsets": [0, 1, 2], "values": [120, 120]}), "a name among them is there twice"),
    ] {
        assert!(categories(later, names).unwrap_err().ends_with(reason), "{reason}");
    }
}

#[test]
fn a_linear_booster_adds_nothing_for_what_is_missing() {
    let booster = |objective: &str, classes: &str, base: &str, weights: &[f64]| {
        changed(&[
            (
                "learner/gradient_booster",
                json!({"name": "gblinear", "model": {"weights": weights, "boosted_rounds": 3}}),
            ),
            ("learner/objective/name", json!(objective)),
            ("learner/attributes", json!({"best_iteration": "1"})),
            ("@param/num_class", json!(classes)),
            ("@param/base_score", json!(base)),
        ])
    };
    let binary = foreign(&booster("binary:logistic", "0", "0.5", &[1.0, -2.0, 0.25]));
    let Head::Model(Model::Logistic(logistic)) = &binary.estimator.head else { panic!() };
    assert_eq!((&logistic.coef.data[..], &logistic.intercept[..]), (&[1.0, -2.0][..], &[0.25][..]));
    assert_eq!(logistic.link, linear::Link::Sigmoid);
    assert_eq!(binary.estimator.columns.iter().map(|c| c.value(NAN)).collect::<Vec<_>>(), [0.0, 0.0]);
    assert_eq!(binary.estimator.columns.iter().map(|c| c.value(3.0)).collect::<Vec<_>>(), [3.0, 3.0]);
    // Weights stand feature by feature; the base score is the first class's for all.
    let multi = foreign(&booster("multi:softprob", "2", "[1,7]", &[1.0, 10.0, 2.0, 20.0, 3.0, 30.0]));
    let Head::Model(Model::Logistic(logistic)) = &multi.estimator.head else { panic!() };
    assert_eq!((&logistic.coef.data[..], &logistic.intercept[..]), (&[1.0, 2.0, 10.0, 20.0][..], &[4.0, 31.0][..]));
    assert_eq!((logistic.link, logistic.coef.rows, logistic.coef.cols), (linear::Link::Softmax, 2, 2));

    let some = with_rounds(&booster("binary:logistic", "0", "0.5", &[1.0, -2.0, 0.25]), Rounds::First(3));
    assert_eq!(some.unwrap_err(), "the booster `gblinear` keeps no rounds to choose from");

    let short = refusal(&booster("binary:logistic", "0", "0.5", &[1.0]));
    assert_eq!(short, "weights has 1 numbers: 1 for each of 2 features and for the bias are due");
    let text = booster("binary:logistic", "0", "0.5", &[1.0, 123.5, 1.0]).to_string().replace("123.5", "NaN");
    assert_eq!(read(text.as_bytes()).unwrap_err().to_string(), "weight 1 is NaN: it is a finite number");
}

#[test]
fn labels_are_taken_from_old_files() {
    let classes = |labels: serde_json::Value| {
        let about = json!({"n_estimators": 2, "_le": {"classes_": labels}, "classes_": labels}).to_string();
        let foreign = foreign(&changed(&[("learner/attributes", json!({"scikit_learn": about}))]));
        (foreign.classes, foreign.notes.len())
    };
    assert_eq!(classes(json!(["no", "yes"])), (Some(vec!["no".into(), "yes".into()]), 1));
    assert_eq!(classes(json!([0, 1])), (Some(vec!["0".into(), "1".into()]), 1));
    assert_eq!(classes(json!(["no", "yes", "?"])), (None, 2));
    assert_eq!(classes(json!([["no"], "yes"])), (None, 2));
}

#[test]
fn snapshots_and_bare_numbers_are_read() {
    let plain = foreign(&model());
    let snapshot = foreign(&json!({"Config": {"learner": 1}, "Model": model()}));
    assert_eq!(snapshot, plain);
    let numbers = changed(&[
        ("@param", json!({"base_score": 0.5, "num_class": 0, "num_feature": 2, "num_target": 1})),
        ("@tree/default_left", json!([true, false, true, false, false])),
        ("@tree/tree_param/num_nodes", json!(5)),
    ]);
    assert_eq!(foreign(&numbers), plain);
    let bare = read(b"{}").unwrap_err().to_string();
    assert!(bare.starts_with("not an XGBoost model: there is no `learner`"), "{bare}");
}
