//! The fast forest against the reference: random forests of every shape, rows at everything that changes an answer.

use super::Below;
use crate::math::{BLOCK, Lot, bits};
use crate::model::Model;
use crate::model::forest::{Fast, Forest, LEAF, Link, PlainNode, PlainTree, Test, Tree};
use proptest::prelude::*;
use proptest::test_runner::TestRng;

/// What a random forest is to be like.
#[derive(Clone, Debug)]
struct Shape {
    n_features: usize,
    n_classes: usize,
    link: Link,
    n_trees: usize,
    /// The deepest leaf, and splits of a tree at most.
    depth: usize,
    splits: usize,
    /// Different thresholds of a feature.
    cuts: usize,
    /// Tests of categories in a hundred.
    sets: u32,
    /// 0: all missing values left, 1: right, 2: mixed.
    missing: u32,
}

/// Grows a tree at random leaves that are not too deep; the newest first half of the time, so that chains come about.
fn tree(shape: &Shape, output: usize, rng: &mut TestRng) -> PlainTree {
    let mut below = |n: usize| (rng.next_u64() % n.max(1) as u64) as usize;
    let mut nodes = vec![PlainNode::Leaf(vec![])];
    let mut open = vec![(0, 0)];
    let splits = below(shape.splits + 1);
    // Sets of a tree fit one vector, several, or none.
    let reach = below(3);
    for _ in 0..splits {
        let chosen = if below(2) == 0 { open.len() - 1 } else { below(open.len()) };
        let (at, depth) = open.swap_remove(chosen);
        if depth == shape.depth {
            open.push((at, depth));
            continue;
        }
        let test = if (below(100) as u32) < shape.sets {
            Test::In((0..below(6)).map(|_| below([20, 140, 260][reach]) as u32).collect())
        } else {
            Test::AtMost(threshold(below(shape.cuts), shape.cuts))
        };
        let (left, right) = (nodes.len(), nodes.len() + 1);
        let default_left = match shape.missing {
            2 => below(2) == 0,
            all => all == 0,
        };
        nodes[at] = PlainNode::Split { feature: below(shape.n_features), test, default_left, left, right };
        nodes.extend([PlainNode::Leaf(vec![]), PlainNode::Leaf(vec![])]);
        open.extend([(left, depth + 1), (right, depth + 1)]);
    }
    let mut number = 0;
    for node in &mut nodes {
        if let PlainNode::Leaf(values) = node {
            *values = if shape.link == Link::Average {
                let counts: Vec<f64> = (0..shape.n_classes).map(|_| below(9) as f64 + 1.0).collect();
                let total: f64 = counts.iter().sum();
                counts.iter().map(|c| c / total).collect()
            } else {
                // Different in each leaf, so a sum tells which it was; not round, so its order tells as well.
                number += 1;
                vec![(number as f64).sqrt() / 7.0 - 1.0]
            };
        }
    }
    PlainTree { nodes, output }
}

/// The k-th of `n` thresholds: close together near 1, far apart elsewhere.
fn threshold(k: usize, n: usize) -> f64 {
    match k % 3 {
        0 => f64::from_bits(1.0f64.to_bits() + k as u64),
        1 => k as f64 / 4.0 - n as f64 / 8.0,
        _ => -1e9 * k as f64,
    }
}

fn forest(shape: &Shape, rng: &mut TestRng) -> Forest {
    let outputs = match shape.link {
        Link::Softmax | Link::OneVsRest => shape.n_classes,
        _ => 1,
    };
    let base = if shape.link == Link::Average { vec![] } else { vec![0.1; outputs] };
    let trees: Vec<PlainTree> = (0..shape.n_trees).map(|t| tree(shape, t % outputs, rng)).collect();
    Forest::new(shape.n_features, shape.n_classes, shape.link, base, &trees).unwrap()
}

/// A value of a feature: mostly at a threshold or next to it, or a category.
fn value(shape: &Shape, rng: &mut TestRng) -> f64 {
    let mut below = |n: usize| (rng.next_u64() % n as u64) as usize;
    let cut = threshold(below(shape.cuts), shape.cuts);
    match below(12) {
        0 | 1 => cut,
        2 | 3 => cut.next_up(),
        4 | 5 => cut.next_down(),
        6 => f64::NAN,
        7 => [f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0, f64::MAX, -f64::MAX, 4e9, -0.5][below(8)],
        8 | 9 => below(270) as f64 + below(2) as f64 * 0.75,
        _ => below(1000) as f64 / 250.0 - 2.0,
    }
}

/// How many trees that have a split are walked wholly by many rows at once, then by eight rows in step, by the reference.
fn kinds(fast: &Fast, forest: &Forest) -> [usize; 3] {
    let plans = &fast.batch.as_ref().unwrap().plans;
    let splits = |tree: &Tree| forest.nodes[tree.root as usize].column != LEAF;
    let count = |is: fn(&Below) -> bool| {
        plans.iter().zip(&forest.trees).filter(|(plan, tree)| splits(tree) && is(&plan.below)).count()
    };
    [
        count(|b| matches!(b, Below::Leaves(_))),
        count(|b| matches!(b, Below::Deep(..))),
        count(|b| matches!(b, Below::Reference)),
    ]
}

fn answer(fast: &mut Fast, forest: &Forest, x: &[f64], rows: usize, out: &mut [f64]) {
    let lot = Lot::block(rows);
    fast.margin(forest, x, lot, out);
    forest.link_lot(lot, out);
}

/// Holds blocks of these many rows to the reference, with one `Fast` for all.
fn hold(shape: &Shape, seed: u64, blocks: &[usize]) -> (Fast, Forest) {
    let mut rng = TestRng::from_seed(proptest::test_runner::RngAlgorithm::ChaCha, &[(seed % 251) as u8; 32]);
    for _ in 0..seed / 251 % 7 {
        rng.next_u64();
    }
    let forest = forest(shape, &mut rng);
    let mut fast = Fast::new();
    let model = Model::Forest(forest.clone());
    for rows in blocks {
        let x: Vec<f64> = (0..shape.n_features * BLOCK).map(|_| value(shape, &mut rng)).collect();
        let mut out = vec![f64::NAN; shape.n_classes * BLOCK];
        answer(&mut fast, &forest, &x, *rows, &mut out);
        let mut expected = vec![0.0; shape.n_classes];
        for row in 0..*rows {
            let x: Vec<f64> = x.chunks(BLOCK).map(|column| column[row]).collect();
            model.predict_proba(&x, &mut expected);
            let got: Vec<u64> = out.chunks(BLOCK).map(|column| bits(column[row])).collect();
            let expected: Vec<u64> = expected.iter().map(|p| bits(*p)).collect();
            assert_eq!(got, expected, "row {row} of {rows}: {x:?}");
        }
    }
    (fast, forest)
}

fn shapes() -> impl Strategy<Value = Shape> {
    let links = (0..5usize, 2..=50usize).prop_map(|(link, classes)| match link {
        0 => (Link::Average, classes.min(9)),
        1 => (Link::Identity, 2),
        2 => (Link::Sigmoid, 2),
        3 => (Link::Softmax, classes),
        _ => (Link::OneVsRest, classes.max(3)),
    });
    let sizes = prop_oneof![
        4 => (1..40usize, 0..=6usize, 1..64usize),
        3 => (1..20usize, 7..=12usize, 1..200usize),
        2 => (1..6usize, 13..=64usize, 1..150usize),
        1 => (200..400usize, 0..=5usize, 1..9usize),
    ];
    let tests = (
        prop_oneof![Just(1usize), Just(3), 4..400usize, 400..1500usize],
        prop_oneof![Just(0u32), Just(30), Just(100)],
        0..3u32,
    );
    (1..8usize, links, sizes, tests).prop_map(|(n_features, (link, n_classes), sizes, tests)| Shape {
        n_features,
        n_classes,
        link,
        n_trees: sizes.0,
        depth: sizes.1,
        splits: sizes.2,
        cuts: tests.0,
        sets: tests.1,
        missing: tests.2,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn blocks_answer_as_the_reference_does(shape in shapes(), seed: u64, rows in 1..=BLOCK) {
        hold(&shape, seed, &[rows.min(40), 1, rows.min(64)]);
    }
}

/// The kinds that random shapes do not reach.
#[test]
fn large_forests_answer_as_the_reference_does() {
    let shape = |n_trees, depth, splits, cuts, sets| Shape {
        n_features: 3,
        n_classes: 2,
        link: Link::Sigmoid,
        n_trees,
        depth,
        splits,
        cuts,
        sets,
        missing: 2,
    };
    for (what, shape, reached) in [
        ("5000 trees", shape(5000, 6, 30, 40, 0), [true, false, false]),
        (
            "more columns of bytes than 256",
            Shape { n_features: 150, ..shape(300, 6, 60, 600, 20) },
            [true, true, false],
        ),
        ("too many sets of a tree", shape(40, 14, 900, 9, 100), [false, true, true]),
        ("too many columns of words", Shape { n_features: 700, ..shape(300, 12, 200, 9, 5) }, [true, true, true]),
        ("parts of words", shape(4, 64, 120_000, 150_000, 0), [false, true, false]),
        ("more cuts than ranks", shape(8, 64, 150_000, 3_000_000, 0), [false, true, false]),
    ] {
        let (fast, forest) = hold(&shape, 7, &[BLOCK, 17]);
        let kinds = kinds(&fast, &forest);
        assert_eq!(kinds.map(|n| n > 0), reached, "{what}: {kinds:?}");
    }
}

/// Few bytes of a file make a forest of many classes and trees: what is laid out must not be a copy of a leaf vector per
/// place of each tree.
#[test]
fn a_layout_stays_in_proportion_to_the_forest() {
    let split = |at: usize| PlainNode::Split {
        feature: 0,
        test: Test::AtMost(at as f64),
        default_left: false,
        left: at + 1,
        right: at + 2,
    };
    for (n_classes, splits) in [(4096, 0), (4096, 1), (1000, 6), (12, 6), (8, 1), (2, 0), (2, 3)] {
        let leaf = || PlainNode::Leaf(vec![1.0 / n_classes as f64; n_classes]);
        let mut nodes = Vec::new();
        for i in 0..splits {
            nodes.extend([split(2 * i), leaf()]);
        }
        nodes.push(leaf());
        for i in 0..splits {
            // The right side goes on: a chain.
            if let PlainNode::Split { left, right, .. } = &mut nodes[2 * i] {
                (*left, *right) = (2 * i + 1, 2 * i + 2);
            }
        }
        let trees = vec![PlainTree { nodes, output: 0 }; 400];
        let forest = Forest::new(1, n_classes, Link::Average, vec![], &trees).unwrap();
        let x: Vec<f64> = (0..BLOCK).map(|i| (i % 20) as f64).collect();
        let mut out = vec![0.0; n_classes * BLOCK];
        let mut fast = Fast::new();
        answer(&mut fast, &forest, &x, BLOCK, &mut out);
        let mut expected = vec![0.0; n_classes];
        Model::Forest(forest.clone()).predict_proba(&[0.0], &mut expected);
        assert!(expected.iter().zip(out.chunks(BLOCK)).all(|(p, column)| bits(*p) == bits(column[0])));
        let batch = fast.batch.as_ref().unwrap();
        let laid_out = size_of_val(&batch.leaves[..])
            + size_of_val(&batch.places[..])
            + size_of_val(&batch.tables[..])
            + size_of_val(&batch.tops[..])
            + size_of_val(&batch.plans[..]);
        let most = 512 * forest.trees.len() + 64 * forest.nodes.len();
        assert!(laid_out <= most, "{n_classes} classes, {splits} splits: {laid_out} bytes, not {most}");
    }
}

/// A chain as deep as trees may be.
#[test]
fn the_deepest_tree() {
    let depth = super::super::MAX_DEPTH;
    let mut nodes = Vec::new();
    for i in 0..depth {
        let test = Test::AtMost(-(i as f64));
        nodes.push(PlainNode::Split { feature: 0, test, default_left: false, left: 2 * i + 2, right: 2 * i + 1 });
        nodes.push(PlainNode::Leaf(vec![i as f64]));
    }
    nodes.push(PlainNode::Leaf(vec![-1.0]));
    let forest = Forest::new(1, 2, Link::Identity, vec![0.0], &[PlainTree { nodes, output: 0 }]).unwrap();
    let x: Vec<f64> = (0..BLOCK).map(|i| if i == 9 { f64::NAN } else { 0.5 - (i * 17) as f64 }).collect();
    let mut out = vec![0.0; 2 * BLOCK];
    answer(&mut Fast::new(), &forest, &x, BLOCK, &mut out);
    for (x, p) in x.iter().zip(&out[BLOCK..]) {
        let mut expected = [0.0; 2];
        Model::Forest(forest.clone()).predict_proba(&[*x], &mut expected);
        assert_eq!(*p, expected[1], "{x}");
    }
}
