//! What each line of a model file means, and that no file does harm.

use super::*;
use crate::error::ErrorKind;
use crate::import::InputKind;
use crate::model::forest::{Forest, Link};

/// A header for one feature, and the end that a file needs.
const HEADER: &str = "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx=0\n\
    objective=binary sigmoid:1\nfeature_names=x\nfeature_infos=[-9:9]\n\n";
const END: &str = "end of trees\n\nfeature_importances:\nx=1\n\nparameters:\n[boosting: gbdt]\n\nend of parameters\n\npandas_categorical:null\n";

/// One split at `threshold`: leaf 0 (1) to the left, leaf 1 (-1) to the right.
fn stump(threshold: &str, decision: u8) -> String {
    format!(
        "Tree=0\nnum_leaves=2\nnum_cat=0\nsplit_feature=0\nsplit_gain=1\nthreshold={threshold}\ndecision_type={decision}\n\
         left_child=-1\nright_child=-2\nleaf_value=1 -1\nleaf_weight=1 1\nleaf_count=1 1\ninternal_value=0\n\
         internal_weight=2\ninternal_count=2\nis_linear=0\nshrinkage=1\n\n\n"
    )
}

/// One split by the set of these words.
fn categorical(words: &str, decision: u8) -> String {
    let n = words.split(' ').count();
    stump("0", decision)
        .replace("num_cat=0", "num_cat=1")
        .replace("is_linear", &format!("cat_boundaries=0 {n}\ncat_threshold={words}\nis_linear"))
}

fn file(tree: &str) -> String {
    format!("{HEADER}{tree}{END}")
}

fn read_text(text: &str) -> Foreign {
    read(text.as_bytes()).unwrap()
}

fn refusal(text: &str) -> String {
    let e = read(text.as_bytes()).expect_err("it is refused");
    assert_eq!(e.kind(), ErrorKind::Import);
    e.to_string()
}

/// The leaves (LightGBM's numbers) and scores of a record.
fn answer(foreign: &Foreign, record: &[f64]) -> (Vec<u32>, Vec<f64>) {
    let Head::Trees(trees) = &foreign.estimator.head else { panic!("trees are read") };
    let forest = Forest::new(trees.n_features, trees.n_classes, trees.link, trees.base.clone(), &trees.trees).unwrap();
    let x: Vec<f64> = foreign.estimator.columns.iter().map(|column| column.value(record[column.input])).collect();
    let (mut ids, mut scores) = (vec![0; forest.n_trees()], vec![0.0; forest.n_outputs()]);
    forest.leaf_ids(&x, &mut ids);
    forest.margin(&x, &mut scores);
    let numbers = trees.by_preorder();
    let leaves = ids.iter().zip(&numbers).map(|(id, numbers)| numbers[*id as usize]).collect();
    (leaves, scores)
}

/// Whether `x` goes left at the only split.
fn is_left(foreign: &Foreign, x: f64) -> bool {
    answer(foreign, &[x]).0 == [0]
}

#[test]
fn numbers_go_left_up_to_the_threshold() {
    // Missing type NaN, the default way to the right, then to the left.
    for (decision, missing_left) in [(8, false), (10, true)] {
        let foreign = read_text(&file(&stump("1.5", decision)));
        let beside = [1.5f64.next_down(), 1.5, 1.5f64.next_up()].map(|x| is_left(&foreign, x));
        assert_eq!(beside, [true, true, false]);
        assert_eq!(is_left(&foreign, f64::NAN), missing_left);
        assert_eq!(foreign.estimator.columns, [Column::raw(0)]);
    }
}

#[test]
fn where_nothing_is_missing_nan_is_zero() {
    for (threshold, left) in [("1.5", true), ("0", true), ("-0", true), ("-1e-300", false), ("-2", false)] {
        // The default way has no say.
        for decision in [0, 2] {
            let foreign = read_text(&file(&stump(threshold, decision)));
            assert_eq!((is_left(&foreign, f64::NAN), is_left(&foreign, 0.0)), (left, left), "{threshold}");
        }
    }
}

#[test]
fn where_zero_is_missing_it_goes_the_default_way() {
    let zeros = [0.0, -0.0, ZERO, -ZERO, 1e-36, -1e-36, 1e-300, f64::NAN];
    for (threshold, decision, left) in
        [("1.5", 4, false), ("1.5", 6, true), ("-1.5", 4, false), ("-1.5", 6, true), ("0", 4, false), ("-0", 6, true)]
    {
        let foreign = read_text(&file(&stump(threshold, decision)));
        let t: f64 = threshold.parse().unwrap();
        for x in zeros {
            assert_eq!(is_left(&foreign, x), left, "{x} at {threshold}, {decision}");
        }
        for x in [t.next_down(), t, t.next_up(), ZERO.next_up(), -ZERO.next_up(), 9.0, -9.0] {
            if x.abs() > ZERO {
                assert_eq!(is_left(&foreign, x), x <= t, "{x} at {threshold}, {decision}");
            }
        }
        // A second column where the threshold alone would have it otherwise.
        let alone = (0.0 <= t) == left;
        assert_eq!(foreign.estimator.columns.len(), if alone { 1 } else { 2 });
    }
}

/// LightGBM drops what is almost zero before any tree sees it.
#[test]
fn what_is_almost_zero_is_zero() {
    for (threshold, left) in [("1.0000000180025095e-35", true), ("1e-36", true), ("0", true), ("-1e-36", false)] {
        let foreign = read_text(&file(&stump(threshold, 2)));
        for x in [ZERO, -ZERO, 1e-36, -1e-36, 0.0, -0.0] {
            assert_eq!(is_left(&foreign, x), left, "{x} at {threshold}");
        }
        assert!(is_left(&foreign, -ZERO.next_up()) && !is_left(&foreign, ZERO.next_up()));
    }
    let below = read_text(&file(&stump("-1.0000000180025095e-35", 2)));
    assert!(!is_left(&below, -ZERO) && is_left(&below, -ZERO.next_up()));
}

#[test]
fn infinite_thresholds_part_numbers_from_missing_ones() {
    for (threshold, left) in [
        ("inf", true),
        ("1.7976931348623157e+308", true),
        ("1e999", true),
        ("1.0000000000000001e+300", true),
        ("-1e300", false),
        ("-inf", false),
    ] {
        let foreign = read_text(&file(&stump(threshold, 8)));
        assert_eq!([-1e300, 0.0, 1e300].map(|x| is_left(&foreign, x)), [left; 3]);
        assert!(!is_left(&foreign, f64::NAN));
    }
    assert_eq!(refusal(&file(&stump("nan", 8))), "tree 0: split 0: its threshold is not a number");
}

#[test]
fn categories_are_truncated_and_looked_up() {
    // Categories 0, 2, 33, 64.
    for decision in [1, 3, 9, 11] {
        let foreign = read_text(&file(&categorical("5 2 1", decision)));
        for x in [0.0, 2.0, 33.0, 64.0] {
            assert!(is_left(&foreign, x), "{x}");
        }
        for x in [1.0, 3.0, 32.0, 65.0, 96.0, 1e9, 4294967296.0, 1e300, -1.0, -33.0, f64::NAN] {
            assert!(!is_left(&foreign, x), "{x}");
        }
        assert_eq!(foreign.inputs[0].kind, InputKind::Code { negative: true });
    }
}

/// ```text
///         x <= 0 (split 0)
///        /            \
///   leaf 1        x <= 5 (split 1)
///                   /        \
///               leaf 2      leaf 0
/// ```
#[test]
fn leaves_keep_their_numbers() {
    let tree = stump("0", 10)
        .replace("num_leaves=2", "num_leaves=3")
        .replace("split_feature=0", "split_feature=0 0")
        .replace("threshold=0", "threshold=0 5")
        .replace("decision_type=10", "decision_type=10 8")
        .replace("left_child=-1", "left_child=-2 -3")
        .replace("right_child=-2", "right_child=1 -1")
        .replace("leaf_value=1 -1", "leaf_value=10 11 12");
    let foreign = read_text(&file(&tree));
    for (x, leaf) in [(-1.0, 1), (3.0, 2), (7.0, 0), (f64::NAN, 1)] {
        assert_eq!(answer(&foreign, &[x]), (vec![leaf], vec![10.0 + f64::from(leaf)]));
    }
    for (from, to, message) in [
        ("right_child=1 -1", "right_child=0 -1", "tree 0: split 0 has two parents"),
        ("right_child=1 -1", "right_child=-1 -1", "tree 0: some of its splits and leaves have no parent"),
        ("right_child=1 -1", "right_child=1 -2", "tree 0: leaf 1 has two parents"),
        ("right_child=1 -1", "right_child=2 -1", "tree 0: a split names split 2, but there are 2"),
        ("right_child=1 -1", "right_child=1 -4", "tree 0: a split names leaf 3, but there are 3"),
        ("left_child=-2 -3", "left_child=-9223372036854775808 -3", "but there are 3"),
        ("right_child=1 -1", "right_child=1", "tree 0: `right_child` holds 1 numbers instead of 2"),
        ("leaf_value=10 11 12", "leaf_value=10 11 nan", "tree 0: the value of leaf 2 is not a finite number"),
        ("leaf_value=10 11 12", "leaf_value=10 11 -inf", "tree 0: the value of leaf 2 is not a finite number"),
        ("leaf_value=10 11 12", "leaf_value=10 11 1,2", "tree 0: `leaf_value` holds `1,2`, which is no such number"),
        ("split_feature=0 0", "split_feature=0 1", "tree 0: split 1: it splits by feature 1, but there are 1"),
        ("num_leaves=3", "num_leaves=99999999999999", "`leaf_value` holds 3 numbers instead of 99999999999999"),
        ("num_leaves=3", "num_leaves=0", "tree 0: `leaf_value` holds 3 numbers instead of 0"),
        ("decision_type=10 8", "decision_type=10 12", "missing type 3 of its decision_type is not known"),
        ("decision_type=10 8", "decision_type=10 16", "tree 0: split 1: decision_type 16 is not known"),
        ("decision_type=10 8", "decision_type=10 -1", "`decision_type` holds `-1`"),
        ("decision_type=10 8", "decision_type=10 1", "its set of categories is none of the 0"),
        ("decision_type=10 8\n", "", "tree 0: it has no `decision_type`"),
        ("is_linear=0", "is_linear=1", "train with `linear_tree=false`"),
        ("shrinkage=1", "shrinkage=1\nleaf_mood=1", "tree 0: the line `leaf_mood` is not understood"),
        ("shrinkage=1", "shrinkage=1\nshrinkage=1", "tree 0: `shrinkage` is there twice"),
        ("Tree=0", "Tree=1", "tree 0 is called `1`"),
    ] {
        let text = file(&tree.replace(from, to));
        assert!(refusal(&text).contains(message), "{to}: {}", refusal(&text));
    }
}

#[test]
fn a_tree_may_be_one_leaf() {
    let tree = "Tree=0\nnum_leaves=1\nnum_cat=0\nsplit_feature=\nsplit_gain=\nthreshold=\ndecision_type=\nleft_child=\n\
        right_child=\nleaf_value=0.25\nleaf_weight=\nleaf_count=\ninternal_value=\ninternal_weight=\ninternal_count=\n\
        is_linear=0\nshrinkage=1\n\n\n";
    assert_eq!(answer(&read_text(&file(tree)), &[f64::NAN]), (vec![0], vec![0.25]));
}

#[test]
fn sets_of_categories_belong_to_one_split() {
    let tree = stump("0", 9)
        .replace("num_leaves=2", "num_leaves=3")
        .replace("num_cat=0", "num_cat=2")
        .replace("split_feature=0", "split_feature=0 0")
        .replace("threshold=0", "threshold=1 0")
        .replace("decision_type=9", "decision_type=1 1")
        .replace("left_child=-1", "left_child=1 -1")
        .replace("right_child=-2", "right_child=-3 -2")
        .replace("leaf_value=1 -1", "leaf_value=0 1 2")
        .replace("is_linear", "cat_boundaries=0 1 3\ncat_threshold=8 8 1\nis_linear");
    let foreign = read_text(&file(&tree));
    assert_eq!([3.0, 32.0, 4.0].map(|x| answer(&foreign, &[x]).0[0]), [0, 1, 2]);
    for (from, to, message) in [
        ("threshold=1 0", "threshold=1 1", "split 1: another split has set 1 of categories"),
        ("threshold=1 0", "threshold=1 2", "its set of categories is none of the 2"),
        ("threshold=1 0", "threshold=1 0.5", "its set of categories is none of the 2"),
        ("threshold=1 0", "threshold=1 nan", "its set of categories is none of the 2"),
        ("cat_boundaries=0 1 3", "cat_boundaries=0 2 1", "do not ascend"),
        ("cat_boundaries=0 1 3", "cat_boundaries=1 1 3", "do not begin with 0"),
        ("cat_boundaries=0 1 3", "cat_boundaries=0 1 999999999999", "`cat_threshold` holds 3 numbers"),
        ("cat_threshold=8 8 1", "cat_threshold=8 8 4294967296", "`cat_threshold` holds `4294967296`"),
        ("num_cat=2", "num_cat=3", "3 sets of categories, but 2 splits"),
    ] {
        let text = file(&tree.replace(from, to));
        assert!(refusal(&text).contains(message), "{to}: {}", refusal(&text));
    }
    let far = vec!["0"; 2048].join(" ") + " 1";
    assert!(refusal(&file(&categorical(&far, 1))).contains("category 65536 is past the largest"));
}

#[test]
fn objectives_say_how_scores_become_probabilities() {
    let with = |objective: &str, classes: usize, n: usize| {
        let header = HEADER
            .replace("objective=binary sigmoid:1", &format!("objective={objective}"))
            .replace("num_class=1", &format!("num_class={classes}"))
            .replace("iteration=1", &format!("iteration={classes}"));
        let trees: String = (0..n).map(|t| stump("0", 8).replace("Tree=0", &format!("Tree={t}"))).collect();
        format!("{header}{trees}{END}")
    };
    for (objective, classes, link, scores) in [
        ("binary sigmoid:1", 1, Link::Sigmoid, vec![6.0]),
        ("binary sigmoid:0.5", 1, Link::Sigmoid, vec![3.0]),
        ("cross_entropy", 1, Link::Sigmoid, vec![6.0]),
        ("multiclass num_class:3", 3, Link::Softmax, vec![2.0; 3]),
        ("multiclass num_class:2", 2, Link::Softmax, vec![3.0; 2]),
        ("multiclassova num_class:3 sigmoid:2", 3, Link::OneVsRest, vec![4.0; 3]),
    ] {
        let text = with(objective, classes, 6);
        let foreign = read_text(&text);
        let Head::Trees(trees) = &foreign.estimator.head else { panic!() };
        assert_eq!((trees.link, trees.n_classes), (link, classes.max(2)));
        assert_eq!(answer(&foreign, &[-1.0]).1, scores);
        let mean: Vec<f64> = scores.iter().map(|s| s / (6 / classes) as f64).collect();
        let averaged = read_text(&text.replace("feature_names", "average_output\nfeature_names"));
        for (a, b) in answer(&averaged, &[-1.0]).1.iter().zip(mean) {
            assert!((a - b).abs() < 1e-15, "{a} {b}");
        }
    }
    for (objective, classes, n, message) in [
        ("", 1, 1, "the header has no `objective`"),
        ("custom", 1, 1, "objective=binary sigmoid:1"),
        ("regression", 1, 1, "objective `regression` gives no class probabilities"),
        ("lambdarank", 1, 1, "objective `lambdarank` gives no class probabilities"),
        ("cross_entropy_lambda", 1, 1, "objective `cross_entropy_lambda` gives no class probabilities"),
        ("guess", 1, 1, "objective `guess` is not known"),
        ("binary", 1, 1, "has no parameter `sigmoid`"),
        ("cross_entropy sigmoid:1", 1, 1, "has a parameter `sigmoid`"),
        ("binary sigmoid:0", 1, 1, "sigmoid is not a finite number above 0"),
        ("binary sigmoid:nan", 1, 1, "sigmoid is not a finite number above 0"),
        ("binary sigmoid:1 sigmoid:1", 1, 1, "`sigmoid:1` is not understood"),
        ("binary sigmoid:1 mood:2", 1, 1, "objective `binary`: `mood:2` is not understood"),
        ("multiclass num_class:3", 2, 6, "`num_class` is 2, but objective `multiclass` has 3 scores"),
        ("multiclass num_class:1", 1, 1, "does not have its number of classes"),
        ("multiclass", 3, 3, "does not have its number of classes"),
        ("multiclass num_class:3", 3, 4, "there are 4 trees, but each iteration has 3"),
        ("binary sigmoid:1", 1, 0, "there are 0 trees"),
    ] {
        let e = refusal(&with(objective, classes, n));
        assert!(e.contains(message), "{objective}: {e}");
    }
}

#[test]
fn versions_2_to_4_are_read() {
    let text = file(&stump("1.5", 8));
    let expected = read_text(&text);
    for version in ["v2", "v3", "v4"] {
        let mut of = read_text(&text.replace("version=v4", &format!("version={version}")));
        assert_eq!(of.facts["version"], version);
        of.facts = expected.facts.clone();
        assert_eq!(of, expected);
    }
    // LightGBM 2.1: no end of trees, other weights.
    let old = text
        .replace("version=v4", "version=v2")
        .replace("end of trees\n\nfeature_importances:", "\nfeature importances:")
        .replace("leaf_weight=1 1\n", "")
        .replace("internal_weight=2\n", "")
        .replace("is_linear=0\n", "");
    assert_eq!(read_text(&old).estimator, expected.estimator);
    assert_eq!(read_text(&text.replace('\n', "\r\n")), expected);
    assert!(refusal(&text.replace("version=v4", "version=v5")).contains("version `v5` is not known"));
    assert!(refusal(&text.replace("version=v4\n", "")).contains("the header has no `version`"));
    assert!(refusal("{\"name\": \"tree\"}").contains("import what `Booster.save_model` writes"));
    assert!(refusal("").contains("begins with the line `tree`"));
    assert!(read(b"tree\nversion=\xff\n").unwrap_err().to_string().contains("byte 13 is not UTF-8"));
}

#[test]
fn the_header_agrees_with_itself() {
    let text = file(&stump("1.5", 8));
    for (from, to, message) in [
        ("feature_names=x", "feature_names=x y", "`feature_names` tells of 2 features, but `max_feature_idx` is 0"),
        ("feature_infos=[-9:9]", "feature_infos=", "`feature_infos` tells of 0 features"),
        ("max_feature_idx=0", "max_feature_idx=99999999", "`feature_names` tells of 1 features"),
        ("max_feature_idx=0", "max_feature_idx=-1", "`max_feature_idx` holds `-1`"),
        ("feature_infos=[-9:9]", "feature_infos=1:x", "feature `x`: `feature_infos` has `1:x`"),
        ("num_class=1", "num_class=2", "`num_class` is 2"),
        ("label_index=0", "mood=0", "the header: the line `mood` is not understood"),
        ("label_index=0", "average_output=1", "the header: the line `average_output` is not understood"),
        ("label_index=0", "version=v4", "the header: `version` is there twice"),
        ("label_index=0", "tree_sizes=1 2", "`tree_sizes` tells of 2 trees, but there are 1"),
        ("end of trees", "", "not understood"),
        ("end of parameters", "", "ends within its parameters"),
        ("categorical:null", "categorical:[[", "the levels after `pandas_categorical:` are not understood"),
        ("categorical:null", "categorical:{}", "a list of lists is right"),
    ] {
        let e = refusal(&text.replacen(from, to, 1));
        assert!(e.contains(message), "{to}: {e}");
    }
    let two =
        text.replace("feature_names=x", "feature_names=x x").replace("[-9:9]", "[-9:9] none").replace("idx=0", "idx=1");
    assert!(refusal(&two).contains("two features are called `x`"));
    // A name may hold what other lines may not.
    let named = read_text(&text.replace("feature_names=x", "feature_names=a=b:ü"));
    assert_eq!(named.inputs[0].name.as_deref(), Some("a=b:ü"));
}

#[test]
fn pandas_categories_have_names() {
    let two = file(&categorical("2", 1))
        .replace("feature_names=x", "feature_names=x c")
        .replace("[-9:9]", "[-9:9] 1:0:-1")
        .replace("max_feature_idx=0", "max_feature_idx=1")
        .replace("split_feature=0", "split_feature=1");
    let kinds = |footer: &str, told: &str| {
        let text = two
            .replace("pandas_categorical:null", &format!("pandas_categorical:{footer}"))
            .replace("[boosting: gbdt]", &format!("[boosting: gbdt]\n[categorical_feature: {told}]"));
        let foreign = read_text(&text);
        let kinds: Vec<InputKind> = foreign.inputs.into_iter().map(|input| input.kind).collect();
        (kinds, foreign.notes.len())
    };
    let category = |levels: &[&str]| InputKind::Category {
        levels: levels.iter().map(|&level| level.to_owned()).collect(),
        admit_unknown: true,
    };
    let (number, code) = (InputKind::Number, InputKind::Code { negative: true });
    for told in ["1", "", "name:c"] {
        assert_eq!(kinds(r#"[["a", "b"]]"#, told), (vec![number.clone(), category(&["a", "b"])], 0));
    }
    assert_eq!(kinds("[[1, 2.5, true]]", "1").0[1], category(&["1", "2.5", "true"]));
    assert_eq!(kinds("[[false, true]]", "1").0[1], InputKind::Flag);
    // A feature that is told of, but never looked up.
    assert_eq!(kinds(r#"[["z"], ["a", "b"]]"#, "0,1"), (vec![category(&["z"]), category(&["a", "b"])], 0));
    // Whose they are cannot be told: two lists for one feature, codes past the list, none at all.
    for (footer, notes) in [(r#"[["z"], ["a", "b"]]"#, 1), (r#"[["a"]]"#, 1), ("null", 0), ("[]", 0)] {
        assert_eq!(kinds(footer, "1"), (vec![number.clone(), code.clone()], notes), "{footer}");
    }
    // A number from 0 to 1 could be the codes of two levels; a level without a name leaves codes.
    let other = two.replace("[-9:9]", "[0:1]").replace("pandas_categorical:null", r#"pandas_categorical:[["a", "b"]]"#);
    let told = read_text(&other);
    assert_eq!(told.inputs[1].kind, category(&["a", "b"]));
    assert!(told.notes[0].contains("where `categorical_feature` named others, `x` may be meant"), "{:?}", told.notes);
    assert_eq!(kinds(r#"[["a", " "]]"#, "1"), (vec![number.clone(), code.clone()], 1));
    let text = two.replace("pandas_categorical:null", "pandas_categorical:[[[\"a\"], null]]");
    assert!(refusal(&text).contains("feature `c`: `[\"a\"]` is no level of a category"));
}

/// Cut at any byte, or with any byte changed: refused with a message fit to print, or read as trees that are sound.
#[test]
fn damaged_files_do_no_harm() {
    let whole = file(&categorical("5 2 1", 1));
    let expected = read_text(&whole).estimator;
    let trees = whole.find("end of trees").unwrap() + "end of trees".len();
    let look = |bytes: &[u8]| match read(bytes) {
        Ok(foreign) => {
            answer(&foreign, &vec![1.0; foreign.inputs.len()]);
            Some(foreign.estimator)
        }
        Err(e) => {
            let message = e.to_string();
            assert!(message.len() < 400 && !message.chars().any(char::is_control), "{message:?}");
            None
        }
    };
    for n in 0..whole.len() {
        let cut = look(&whole.as_bytes()[..n]);
        assert_eq!(cut.is_some(), cut.as_ref() == Some(&expected), "cut at {n}");
        assert!(cut.is_none() || n >= trees, "cut at {n}");
    }
    for n in 0..whole.len() {
        for byte in [b'0', b'9', b'-', b'.', b'=', b' ', b'\n', b'e', b'[', 0, 0xff] {
            let mut bytes = whole.clone().into_bytes();
            bytes[n] = byte;
            look(&bytes);
        }
    }
}
