//! A small model that tests change, and a writer of UBJSON.

use super::{Options, Rounds, read, read_with};
use crate::import::trees::Trees;
use crate::import::{Foreign, Head};
use crate::model::forest::Forest;
use serde_json::{Value, json};

/// Two features, two rounds of a tree each.
///
/// ```text
/// tree 0: 0  f0 < 0.1, missing left            tree 1: 0  a leaf, 0.5
///           1  leaf -0.25
///           2  f1 in {1, 33} goes right, missing left
///             3  leaf 0.5
///             4  leaf 0.125
/// ```
pub fn model() -> Value {
    json!({
        "version": [3, 2, 0],
        "learner": {
            "attributes": {},
            "feature_names": [],
            "feature_types": [],
            "gradient_booster": {
                "name": "gbtree",
                "model": {
                    "cats": {"enc": [], "feature_segments": [], "sorted_idx": []},
                    "gbtree_model_param": {"num_parallel_tree": "1", "num_trees": "2"},
                    "iteration_indptr": [0, 1, 2],
                    "tree_info": [0, 0],
                    "trees": [
                        {
                            "base_weights": [0.0, 0.0, 0.0, 0.0, 0.0],
                            "categories": [1, 33],
                            "categories_nodes": [2],
                            "categories_segments": [0],
                            "categories_sizes": [2],
                            "default_left": [1, 0, 1, 0, 0],
                            "id": 0,
                            "left_children": [1, -1, 3, -1, -1],
                            "loss_changes": [0.0, 0.0, 0.0, 0.0, 0.0],
                            "parents": [i32::MAX, 0, 0, 2, 2],
                            "right_children": [2, -1, 4, -1, -1],
                            "split_conditions": [0.1, -0.25, 1e-45, 0.5, 0.125],
                            "split_indices": [0, 0, 1, 0, 0],
                            "split_type": [0, 0, 1, 0, 0],
                            "tree_param": {"num_deleted": "0", "num_feature": "2", "num_nodes": "5", "size_leaf_vector": "1"}
                        },
                        leaf(1, 0.5)
                    ]
                }
            },
            "learner_model_param": {
                "base_score": "[5E-1]", "boost_from_average": "1", "num_class": "0", "num_feature": "2", "num_target": "1"
            },
            "objective": {"name": "binary:logistic", "reg_loss_param": {"scale_pos_weight": "1"}}
        }
    })
}

/// A tree of one leaf.
pub fn leaf(id: i64, value: f64) -> Value {
    json!({
        "categories": [], "categories_nodes": [], "categories_segments": [], "categories_sizes": [],
        "default_left": [0], "id": id, "left_children": [-1], "parents": [i32::MAX], "right_children": [-1],
        "split_conditions": [value], "split_indices": [0], "split_type": [0],
        "tree_param": {"num_deleted": "0", "num_feature": "2", "num_nodes": "1", "size_leaf_vector": "1"}
    })
}

/// The sample with parts of it replaced: a path (`learner/objective/name`; `@tree` is the first tree, `@model` the booster's model) and
/// what is there then; nothing (`null`) takes the key away.
pub fn changed(changes: &[(&str, Value)]) -> Value {
    let mut out = model();
    for (path, to) in changes {
        let path = path
            .replace("@tree", "@model/trees/0")
            .replace("@model", "learner/gradient_booster/model")
            .replace("@param", "learner/learner_model_param");
        let (parent, key) = path.rsplit_once('/').unwrap_or(("", &path));
        let parent = if parent.is_empty() { &mut out } else { out.pointer_mut(&format!("/{parent}")).unwrap() };
        match (parent, to) {
            (Value::Object(map), Value::Null) => drop(map.remove(key)),
            (Value::Object(map), to) => drop(map.insert(key.to_owned(), to.clone())),
            (Value::Array(items), to) => items[key.parse::<usize>().unwrap()] = to.clone(),
            _ => unreachable!(),
        }
    }
    out
}

/// Read as JSON, and as UBJSON alike.
pub fn foreign(model: &Value) -> Foreign {
    let from_json = read(model.to_string().as_bytes()).unwrap_or_else(|e| panic!("{e}"));
    assert_eq!(read(&ubjson(model)).unwrap(), from_json);
    from_json
}

pub fn refusal(model: &Value) -> String {
    let message = read(model.to_string().as_bytes()).unwrap_err().to_string();
    assert_eq!(read(&ubjson(model)).unwrap_err().to_string(), message);
    message
}

pub fn with_rounds(model: &Value, rounds: Rounds) -> Result<Foreign, String> {
    read_with(model.to_string().as_bytes(), &Options { rounds }).map_err(|e| e.to_string())
}

pub fn trees(foreign: &Foreign) -> &Trees {
    let Head::Trees(trees) = &foreign.estimator.head else { panic!("no trees") };
    trees
}

/// The library's numbers of the leaves, and the scores.
pub fn answer(foreign: &Foreign, x: &[f64]) -> (Vec<u32>, Vec<f64>) {
    let trees = trees(foreign);
    let forest = Forest::new(trees.n_features, trees.n_classes, trees.link, trees.base.clone(), &trees.trees).unwrap();
    let mut ids = vec![0; forest.n_trees()];
    forest.leaf_ids(x, &mut ids);
    let numbers = trees.by_preorder();
    let ids = ids.iter().zip(&numbers).map(|(id, numbers)| numbers[*id as usize]).collect();
    let mut margin = vec![0.0; forest.n_outputs()];
    forest.margin(x, &mut margin);
    (ids, margin)
}

/// As XGBoost writes it: lengths of eight bytes, arrays of one kind of number typed, others counted.
pub fn ubjson(value: &Value) -> Vec<u8> {
    fn length(n: usize, out: &mut Vec<u8>) {
        out.push(b'L');
        out.extend((n as i64).to_be_bytes());
    }
    fn write(value: &Value, out: &mut Vec<u8>) {
        match value {
            Value::Null => out.push(b'Z'),
            Value::Bool(b) => out.push(if *b { b'T' } else { b'F' }),
            Value::Number(n) => match n.as_i64() {
                Some(n) => {
                    out.push(b'L');
                    out.extend(n.to_be_bytes());
                }
                None => {
                    out.push(b'd');
                    out.extend((n.as_f64().unwrap() as f32).to_be_bytes());
                }
            },
            Value::String(s) => {
                out.push(b'S');
                length(s.len(), out);
                out.extend(s.as_bytes());
            }
            Value::Array(items) => {
                out.push(b'[');
                let floats = items.iter().all(Value::is_f64);
                let wholes = items.iter().all(|v| v.as_i64().is_some_and(|v| i32::try_from(v).is_ok()));
                if !items.is_empty() && (floats || wholes) {
                    out.extend([b'$', if floats { b'd' } else { b'l' }]);
                }
                out.push(b'#');
                length(items.len(), out);
                for item in items {
                    match item {
                        item if floats => out.extend((item.as_f64().unwrap() as f32).to_be_bytes()),
                        item if wholes => out.extend((item.as_i64().unwrap() as i32).to_be_bytes()),
                        item => write(item, out),
                    }
                }
            }
            Value::Object(map) => {
                out.push(b'{');
                for (key, value) in map {
                    length(key.len(), out);
                    out.extend(key.as_bytes());
                    write(value, out);
                }
                out.push(b'}');
            }
        }
    }
    let mut out = Vec::new();
    write(value, &mut out);
    out
}
