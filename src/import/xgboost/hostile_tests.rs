//! Files that are damaged, or made to do harm.

use super::read;
use super::sample::*;
use crate::model::forest::Forest;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

fn tree(changes: &[(&str, Value)]) -> String {
    let paths: Vec<String> = changes.iter().map(|(path, _)| format!("@tree/{path}")).collect();
    let changes: Vec<_> = paths.iter().map(String::as_str).zip(changes.iter().map(|(_, to)| to.clone())).collect();
    refusal(&changed(&changes))
}

#[test]
fn broken_trees_are_refused_by_tree_and_node() {
    for (path, to, message) in [
        (
            "left_children",
            json!([0, -1, 3, -1, -1]),
            "node 0 has two parents, or is its own: every node but the root has one",
        ),
        (
            "left_children",
            json!([1, -1, 0, -1, -1]),
            "node 0 has two parents, or is its own: every node but the root has one",
        ),
        (
            "right_children",
            json!([2, -1, 1, -1, -1]),
            "node 1 has two parents, or is its own: every node but the root has one",
        ),
        ("left_children", json!([5, -1, 3, -1, -1]), "the left child of node 0 is 5: there are nodes 0 to 4"),
        ("left_children", json!([-2, -1, 3, -1, -1]), "the left child of node 0 is -2: there are nodes 0 to 4"),
        ("right_children", json!([-1, -1, 4, -1, -1]), "the right child of node 0 is -1: there are nodes 0 to 4"),
        (
            "right_children",
            json!([i32::MAX, -1, 4, -1, -1]),
            "the right child of node 0 is 2147483647: there are nodes 0 to 4",
        ),
        ("right_children", json!([2, -1]), "right_children has 2 values: there are 5 nodes"),
        ("split_conditions", json!([]), "split_conditions has 0 values: there are 5 nodes"),
        ("split_indices", json!([0]), "split_indices has 1 values: there are 5 nodes"),
        ("default_left", json!([0]), "default_left has 1 values: there are 5 nodes"),
        ("split_indices", json!([7, 0, 1, 0, 0]), "node 0 splits by feature 7: the model has 2"),
        ("split_type", json!([0, 0, 2, 0, 0]), "split_type of node 2 is 2: it is 0 (by a number) or 1 (by categories)"),
        ("split_type", json!([1]), "split_type has 1 values: there are 5 nodes"),
        ("split_type", json!([1, 0, 1, 0, 0]), "2 nodes split by categories, and 1 have any"),
        ("split_type", json!([0, 0, 0, 0, 0]), "categories_nodes names node 2, which does not split by categories"),
        ("categories_nodes", json!([9]), "categories_nodes names node 9, which does not split by categories"),
        ("categories_nodes", json!([-1]), "categories_nodes names node -1, which does not split by categories"),
        (
            "categories_nodes",
            json!([2, 2]),
            "categories_nodes, categories_segments and categories_sizes have 2, 1 and 1 values: they have as many",
        ),
        (
            "categories_sizes",
            json!([0]),
            "node 2 has 0 categories from 0: there are 2, and every such node has some of its own",
        ),
        (
            "categories_sizes",
            json!([3]),
            "node 2 has 3 categories from 0: there are 2, and every such node has some of its own",
        ),
        (
            "categories_segments",
            json!([1]),
            "node 2 has 2 categories from 1: there are 2, and every such node has some of its own",
        ),
        (
            "categories_segments",
            json!([-1]),
            "node 2 has 2 categories from -1: there are 2, and every such node has some of its own",
        ),
        ("categories", json!([1, 70000]), "node 2: category 70000: categories are 0 to 65535"),
        ("categories", json!([1, -1]), "node 2: category -1: categories are 0 to 65535"),
        ("id", json!(1), "its id is 1: trees are in the order of their ids"),
        (
            "tree_param",
            json!({"num_nodes": "4"}),
            "num_nodes is 4, and left_children has 5: a tree has as many, and a root",
        ),
        ("tree_param", json!({"num_nodes": "many"}), "num_nodes is \"many\": it is a whole number from 0"),
    ] {
        assert_eq!(tree(&[(path, to)]), format!("tree 0: {message}"));
    }
    let none = ["left_children", "right_children"].map(|name| (name, json!([])));
    assert!(tree(&none).contains("num_nodes is 5, and left_children has 0"));
    let info = refusal(&changed(&[("@model/tree_info", json!([0, 1]))]));
    assert_eq!(info, "tree 1: tree_info is 1: there are 1 outputs");
}

#[test]
fn thresholds_and_leaves_are_numbers() {
    let text = |from: &str, to: &str| {
        let text = model().to_string().replacen("[0.1,-0.25,", &format!("[{from},{to},"), 1);
        read(text.as_bytes()).unwrap_err().to_string()
    };
    assert_eq!(text("NaN", "-0.25"), "tree 0: the threshold of node 0 is not a number");
    assert_eq!(text("0.1", "NaN"), "tree 0: leaf 1 is NaN: a leaf is a finite number");
    assert_eq!(text("0.1", "-Infinity"), "tree 0: leaf 1 is NaN: a leaf is a finite number");
    // What no one looks at may be anything: here the threshold of a split by categories, and the gains.
    let odd =
        model().to_string().replace("1e-45", "NaN").replace("\"loss_changes\":[0.0", "\"loss_changes\":[Infinity");
    assert_eq!(read(odd.as_bytes()).unwrap(), foreign(&model()));
    // A weight that makes a leaf infinite.
    let heavy = refusal(&changed(&[
        ("@tree/split_conditions", json!([0.1, 3e38, 0.0, 0.0, 0.0])),
        ("@model/weight_drop", json!([2.0])),
    ]));
    assert_eq!(heavy, "tree 0: leaf 1 is inf: a leaf is a finite number");
}

/// A chain of `n` splits.
fn chain(n: usize) -> Value {
    let mut tree = leaf(0, 0.0);
    let nodes = 2 * n + 1;
    // Node 2k splits; 2k + 1 is a leaf.
    let side =
        |d: i64| (0..nodes).map(|i| if i % 2 == 0 && i + 1 < nodes { i as i64 + d } else { -1 }).collect::<Vec<_>>();
    for (name, to) in [
        ("left_children", json!(side(1))),
        ("right_children", json!(side(2))),
        ("split_conditions", json!(vec![0.5; nodes])),
        ("split_indices", json!(vec![0; nodes])),
        ("split_type", json!(vec![0; nodes])),
        ("default_left", json!(vec![0; nodes])),
        ("tree_param", json!({"num_nodes": nodes.to_string()})),
    ] {
        tree[name] = to;
    }
    changed(&[("@tree", tree)])
}

#[test]
fn trees_are_not_endlessly_deep() {
    let deep = foreign(&chain(4096));
    let trees = trees(&deep);
    Forest::new(2, 2, trees.link, trees.base.clone(), &trees.trees).unwrap();
    assert_eq!(refusal(&chain(4097)), "tree 0: node 8193 is more than 4096 splits deep");
    assert!(refusal(&chain(200_000)).contains("more than 4096 splits deep"));
}

#[test]
fn shared_parts_do_not_multiply() {
    // Many nodes by the same many categories.
    let n = 2000;
    let mut model = chain(n);
    let nodes = 2 * n + 1;
    let tree = &mut model["learner"]["gradient_booster"]["model"]["trees"][0];
    tree["split_type"] = json!((0..nodes).map(|i| usize::from(i % 2 == 0 && i + 1 < nodes)).collect::<Vec<_>>());
    tree["categories_nodes"] = json!((0..n).map(|i| 2 * i).collect::<Vec<_>>());
    tree["categories_segments"] = json!(vec![0; n]);
    tree["categories_sizes"] = json!(vec![65_536; n]);
    tree["categories"] = json!((0..65_536).collect::<Vec<_>>());
    assert!(refusal(&model).ends_with("every such node has some of its own"));

    // Many leaves with the same long vector.
    let mut model = chain(2000);
    model["learner"]["learner_model_param"]["num_class"] = json!("4096");
    model["learner"]["objective"]["name"] = json!("multi:softprob");
    model["learner"]["gradient_booster"]["model"]["iteration_indptr"] = json!([0, 2]);
    let tree = &mut model["learner"]["gradient_booster"]["model"]["trees"][0];
    tree["tree_param"]["size_leaf_vector"] = json!("4096");
    tree["leaf_weights"] = json!(vec![0.5; 4096]);
    assert_eq!(refusal(&model), "tree 0: leaf_weights has 4096 values: 2001 vectors of 4096 are due");
}

#[test]
fn counts_beyond_the_file_take_no_memory() {
    // The length of an array of the sample, in UBJSON.
    let sound = ubjson(&model());
    let huge = (1i64 << 60).to_be_bytes();
    let mut places = 0;
    for at in 0..sound.len() - 10 {
        if &sound[at..at + 2] == b"#L" || sound[at] == b'S' {
            let from = at + 2;
            let mut bytes = sound.clone();
            bytes[from..from + 8].copy_from_slice(&huge);
            assert!(read(&bytes).is_err());
            places += 1;
        }
    }
    assert!(places > 40, "{places}");
}

#[test]
fn nesting_is_bounded() {
    let deep = |open: &str, n: usize| format!("{{\"a\":{}", open.repeat(n));
    for n in [100, 100_000, 1_000_000] {
        assert!(read(deep("[", n).as_bytes()).is_err());
        assert!(read(deep("{\"a\":", n).as_bytes()).is_err());
        // A booster in a booster, a file in a file.
        assert!(read(format!("{{\"x\":1,{}", "\"Model\":{".repeat(n)).as_bytes()).is_err());
        let boosters = "{\"name\":\"dart\",\"gbtree\":".repeat(n);
        assert!(read(format!("{{\"learner\":{{\"gradient_booster\":{boosters}").as_bytes()).is_err());
        let mut bytes = b"{L\0\0\0\0\0\0\0\x01a".to_vec();
        bytes.extend(vec![b'['; n]);
        assert!(read(&bytes).is_err());
    }
}

#[test]
fn every_prefix_of_a_file_is_refused() {
    let text = model().to_string();
    for end in 0..text.len() {
        assert!(read(&text.as_bytes()[..end]).is_err(), "{end}");
    }
    let bytes = ubjson(&model());
    for end in 0..bytes.len() {
        assert!(read(&bytes[..end]).is_err(), "{end}");
    }
    assert!(read(&[&bytes[..], b"Z"].concat()).is_err());
}

#[test]
fn changed_bytes_give_a_model_or_an_error() {
    let began = Instant::now();
    for file in [model().to_string().into_bytes(), ubjson(&model())] {
        let mut sound = 0;
        for at in 0..file.len() {
            for to in [0, 0xff, b'0', b'9', b'-', b'L', b'd', b'#', b'$', b'[', b'"', file[at] ^ 1, file[at] ^ 0x80] {
                let mut bytes = file.clone();
                bytes[at] = to;
                let Ok(foreign) = read(&bytes) else { continue };
                sound += 1;
                // What is read can be packed, or is refused there.
                if let crate::import::Head::Trees(trees) = &foreign.estimator.head {
                    let packed =
                        Forest::new(trees.n_features, trees.n_classes, trees.link, trees.base.clone(), &trees.trees);
                    if let Ok(forest) = packed {
                        let mut margin = vec![0.0; forest.n_outputs()];
                        forest.margin(&vec![f64::NAN; trees.n_features], &mut margin);
                        assert!(margin.iter().all(|m| m.is_finite()));
                    }
                }
            }
        }
        assert!(sound > 100, "{sound}");
    }
    assert!(began.elapsed() < Duration::from_secs(120));
}
