#![allow(clippy::unwrap_used)]

use super::*;
use crate::model::forest::{PlainNode, Test};
use serde_json::{Value, json};

/// A file over two numbers and a category, with this estimator.
fn file(estimator: Value) -> Value {
    json!({
        "hedgerow_exchange": 1,
        "inputs": [{"kind": "number"}, {"kind": "number", "required": true},
            {"name": "job", "kind": {"category": {"levels": ["clerk", "smith"], "admit_unknown": true}}}],
        "classes": ["no", "yes"],
        "estimator": estimator,
    })
}

fn logistic(coef: &[f64]) -> Value {
    json!({"logistic": {"coef": [coef], "intercept": [0.5], "link": "sigmoid"}})
}

fn tree() -> Value {
    json!({"feature": [0, -1, 1, -1, -1], "threshold": [0.1, 0, 2, 0, 0], "left": [1, 0, 3, 0, 0], "right": [2, 0, 4, 0, 0],
        "missing_left": [1, 0, 0, 0, 0], "value": [1, -1, 0.25]})
}

fn forest(tree: Value) -> Value {
    let trees = json!({"link": "sigmoid", "base": [0.0], "single": true, "numbered": true, "trees": [tree]});
    json!({"columns": [{"input": 0}, {"input": 1}], "head": {"trees": trees}})
}

fn read_value(file: &Value) -> Result<Foreign> {
    read(file.to_string().as_bytes())
}

fn refused(file: &Value) -> String {
    read_value(file).unwrap_err().to_string()
}

/// The example on the front page of the format is one.
#[test]
fn the_example_of_the_page_is_read() {
    let page = include_str!("../../../python/EXCHANGE.md");
    let example = page.split("```text\n").nth(1).unwrap().split("```").next().unwrap();
    let foreign = read(example.as_bytes()).unwrap();
    assert_eq!((foreign.library, foreign.classes.unwrap().len(), foreign.inputs.len()), ("scikit-learn", 2, 2));
    assert_eq!(foreign.estimator.columns[0].value(f64::NAN), (37.0 - 38.6) / 13.6);
    assert_eq!(foreign.estimator.columns[2].value(1.0), 1.0);
}

#[test]
fn trees_become_ours() {
    let foreign = read_value(&file(forest(tree()))).unwrap();
    let Head::Trees(trees) = foreign.estimator.head else { panic!("trees") };
    let PlainNode::Split { feature: 0, test: Test::AtMost(c), default_left: true, left: 1, right: 2 } =
        trees.trees[0].nodes[0]
    else {
        panic!("{:?}", trees.trees[0].nodes[0])
    };
    // 0.1 lies between two f32: what rounds to the lower one goes left.
    let below = f64::from(0.1f32.next_down());
    assert!(c > below && c < 0.1 && f64::from(c as f32) <= 0.1 && f64::from(c.next_up() as f32) > 0.1, "{c}");
    assert_eq!(trees.trees[0].nodes[3], PlainNode::Leaf(vec![-1.0]));
    assert_eq!(trees.numbers, [[0, 1, 2, 3, 4]]);

    let mut with_set = tree();
    with_set["categories"] = json!([[2, [0, 3]]]);
    let Head::Trees(trees) = read_value(&file(forest(with_set))).unwrap().estimator.head else { panic!("trees") };
    assert!(matches!(&trees.trees[0].nodes[2], PlainNode::Split { test: Test::In(set), .. } if set == &[0, 3]));
}

#[test]
fn numbers_keep_their_bits_and_null_is_missing() {
    let steps = json!([{"replace": {"marker": -1, "value": null}}, {"sub_mul": {"offset": 0.1, "scale": 2.2250738585072014e-308}}]);
    let table = json!([{"lookup": {"values": [0.30000000000000004, null], "unknown": null}}]);
    let columns = json!([{"input": 0, "steps": steps}, {"input": 2, "steps": table}]);
    let foreign = read_value(&file(json!({"columns": columns, "head": logistic(&[1.0, 2.0])}))).unwrap();
    let columns = foreign.estimator.columns;
    assert!(columns[0].value(-1.0).is_nan());
    assert_eq!(columns[0].value(3.0), (3.0 - 0.1) * 2.2250738585072014e-308);
    assert_eq!(columns[1].value(0.0), 0.1 + 0.2);
    assert!(columns[1].value(1.0).is_nan() && columns[1].value(2.0).is_nan());
}

#[test]
fn an_error_says_where_it_is() {
    let mut strange = file(json!({"columns": [{"input": 0, "steps": [{"square": 2}]}], "head": logistic(&[1.0])}));
    let message = refused(&strange);
    assert!(
        message.contains("estimator.columns[0].steps[0]") && message.contains("unknown variant `square`"),
        "{message}"
    );

    strange = file(json!({"columns": [{"input": 0}], "head": logistic(&[1.0]), "colums": []}));
    assert!(refused(&strange).contains("unknown field `colums`"));

    let mut nan = tree();
    nan["threshold"][2] = json!("NaN");
    let message = refused(&file(forest(nan)));
    assert!(message.contains("estimator.head.trees.trees[0].threshold[2]: invalid type"), "{message}");

    let stacked = json!({"head": {"stacking": {"members": [{"method": "predict_proba", "estimator": forest(json!({
        "feature": [0], "threshold": [1], "left": [1], "right": [2], "value": []}))}], "last": logistic(&[1.0])}}});
    let message = refused(&file(stacked));
    assert!(
        message.contains("estimator.head.stacking.members[0].estimator.head.trees.trees[0]")
            && message.contains("node 0 has the children 1 and 2"),
        "{message}"
    );
}

/// What is wrong, and a part of what is said of it.
#[test]
fn unsound_files_are_refused() {
    let with = |path: &str, value: Value| {
        let mut file = file(forest(tree()));
        *file.pointer_mut(path).unwrap() = value;
        file
    };
    let with_sets = |sets: Value| {
        let mut tree = tree();
        tree["categories"] = sets;
        tree
    };
    let tree = "/estimator/head/trees/trees/0";
    let cases = [
        (with("/hedgerow_exchange", json!(2)), "this is version 2"),
        (with("/hedgerow_exchange", json!(-1)), "hedgerow_exchange: invalid value"),
        (with("/classes", json!(["one"])), "2 to 4096"),
        (with("/inputs", json!([])), "inputs: 1 to"),
        (with("/estimator/columns/0/input", json!(3)), "reads input 3, and there are 3"),
        (with(&format!("{tree}/feature"), json!([0, -1, 2, -1, -1])), "node 2 tests column 2, and there are 2"),
        (with(&format!("{tree}/left"), json!([0, 0, 3, 0, 0])), "node 0 has the children 0 and 2"),
        (with(&format!("{tree}/right"), json!([2, 0, 5, 0, 0])), "node 2 has the children 3 and 5"),
        (with(&format!("{tree}/right"), json!([2, 0, 4])), "right has 3 entries, and feature 5"),
        (with(&format!("{tree}/value"), json!([1, 2])), "value has 2 numbers: 3 leaves of 1 take 3"),
        (with(&format!("{tree}/threshold"), json!([null, 0, 2, 0, 0])), "threshold[0]: invalid type: null"),
        (with(&format!("{tree}/missing_left"), json!([0, 0, 7, 0, 0])), "trees[0]: missing_left[2] is 7: it is 0 or 1"),
        (with(tree, with_sets(json!([[1, [3]]]))), "trees[0]: categories: node 1 is a leaf"),
        (with("/estimator/head/trees/base", json!([])), "starts from 1"),
        (with("/estimator/head/trees/trees", json!([])), "there is no tree"),
        (with("/estimator/head/trees/link", json!("softmax")), "starts from 2"),
        (with("/estimator/head", logistic(&[1.0])), "reads 1 columns, and is given 2"),
        (with("/estimator/head", json!({"voting": {"members": []}})), "members: 1 to"),
        (
            with(
                "/estimator/head",
                json!({"logistic": {"coef": [[1, 2], [3]], "intercept": [0, 0], "link": "softmax"}}),
            ),
            "coef[1] has 1 numbers, and coef[0] 2",
        ),
        (
            with(
                "/estimator/head",
                json!({"logistic": {"coef": [[1, 2], [3, 4], [5, 6]], "intercept": [0, 0, 0], "link": "softmax"}}),
            ),
            "it has 3 classes, and `classes` 2",
        ),
        (
            with("/estimator/columns/0", json!({"input": 0, "steps": [{"sub_div": {"offset": 0, "scale": 0}}]})),
            "scale is 0",
        ),
        (with("/estimator/columns/0", json!({"input": 0, "steps": [{"impute": 1e200}]})), "within ±1e150"),
    ];
    for (file, expected) in cases {
        let message = refused(&file);
        assert!(message.contains(expected), "{message}\nwanted: {expected}");
    }
}

#[test]
fn cut_files_and_deep_ones_end_in_an_error() {
    let text = file(forest(tree())).to_string();
    for end in 0..text.len() {
        assert!(read(&text.as_bytes()[..end]).is_err(), "{end}");
    }
    assert!(read(format!("{text} {{}}").as_bytes()).unwrap_err().to_string().contains("comes something else"));
    let mut deep = forest(tree());
    for _ in 0..60 {
        deep = json!({"head": {"voting": {"members": [{"weight": 1, "estimator": deep}]}}});
    }
    assert!(refused(&file(deep)).contains("recursion limit"));
    let brackets = format!("{{\"inputs\":{}", "[".repeat(100_000));
    assert!(read(brackets.as_bytes()).is_err());
}

/// Every place in a file.
fn places(value: &Value, at: String, out: &mut Vec<String>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(k, v)| places(v, format!("{at}/{k}"), out)),
        Value::Array(items) => items.iter().enumerate().for_each(|(k, v)| places(v, format!("{at}/{k}"), out)),
        _ => {}
    }
    out.push(at);
}

/// Whatever stands in a file, importing it ends, in a model or in an error.
#[test]
fn changed_goldens_end_in_a_model_or_an_error() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/import/golden/sklearn");
    let hostile = json!([
        null, -1, 0, 1, 2, 3, 1e308, -1e308, 5e-324, 1e150, 4_294_967_295u32, u64::MAX, 65_536, 0.5, true, "", "x", [], {}, [0], [[1]],
        "number", {"impute": 3}, [{"is_none_of": [0, 1]}, "is_missing", {"is": 1}, {"lookup": {"values": [null, 1]}}],
        [{"mul_add": {"scale": 1e150, "offset": -1e150}}, {"above": 0}, {"clip": {"low": 0, "high": 0}}],
    ]);
    let hostile = hostile.as_array().unwrap();
    let mut seed = 7u64;
    let mut below = |n: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((seed >> 33) % n as u64) as usize
    };
    let (mut models, mut errors) = (0, 0);
    for case in std::fs::read_dir(folder).unwrap().flatten() {
        let Ok(text) = std::fs::read(case.path().join("model.hedge.json")) else { continue };
        let file: Value = serde_json::from_slice(&text).unwrap();
        let mut all = Vec::new();
        places(&file, String::new(), &mut all);
        for _ in 0..40 {
            let mut changed = file.clone();
            for _ in 0..=below(3) {
                // Half of them near the root, where the shape is, the others among the numbers.
                let near = if below(2) == 0 { all.len().min(60) } else { all.len() };
                let place = &all[all.len() - 1 - below(near)];
                if let Some(place) = changed.pointer_mut(place) {
                    *place = hostile[below(hostile.len())].clone();
                }
            }
            match crate::import::import(changed.to_string().as_bytes(), &crate::import::Options::default()) {
                Ok(_) => models += 1,
                Err(e) => {
                    assert!(!e.to_string().is_empty());
                    errors += 1;
                }
            }
        }
    }
    assert!(models > 20 && errors > 100, "{models} models, {errors} errors: the mix is off");
}
