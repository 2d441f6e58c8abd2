//! One row's fast ways against the reference, in every bit.

use super::super::{Link, PlainNode, PlainTree, Test};
use super::*;

/// A fixed sequence of whole numbers.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n
    }
}

/// What a forest is drawn from.
#[derive(Clone, Copy)]
struct Shape {
    link: Link,
    n_classes: usize,
    n_trees: usize,
    n_features: usize,
    /// Splits of a tree, at most, and how deep.
    splits: usize,
    depth: usize,
    /// Distinct thresholds of a feature.
    cuts: usize,
    /// Every third feature asks sets.
    sets: bool,
    /// Percent of splits that send missing values left.
    left: usize,
}

const PLAIN: Shape = Shape {
    link: Link::Sigmoid,
    n_classes: 2,
    n_trees: 20,
    n_features: 7,
    splits: 40,
    depth: 6,
    cuts: 13,
    sets: false,
    left: 50,
};

fn threshold(k: usize) -> f64 {
    match k {
        0 => 0.0,
        1 => -1e300,
        2 => 5e-324,
        _ => (k as f64 - 40.0) * 0.3,
    }
}

fn tree(random: &mut Sequence, shape: &Shape, output: usize) -> PlainTree {
    let width = if shape.link == Link::Average { shape.n_classes } else { 1 };
    let leaf = |random: &mut Sequence| {
        let counts: Vec<f64> = (0..width).map(|_| random.below(97) as f64 + 1.0).collect();
        let total: f64 = counts.iter().sum();
        PlainNode::Leaf(if width > 1 {
            counts.iter().map(|c| c / total).collect()
        } else {
            vec![counts[0] / 31.0 - 1.5]
        })
    };
    let mut nodes = vec![leaf(random)];
    let mut open = vec![(0, 0)];
    for _ in 0..random.below(shape.splits + 1) {
        // Mostly the newest, so that some leaf is as deep as it may be.
        let pick = if random.below(3) == 0 { random.below(open.len()) } else { open.len() - 1 };
        let (at, depth) = open.swap_remove(pick);
        if depth < shape.depth {
            let feature = random.below(shape.n_features);
            let test = if shape.sets && feature.is_multiple_of(3) {
                Test::In((0..=random.below(5)).map(|_| random.below(5) as u32 * 30).collect())
            } else {
                Test::AtMost(threshold(random.below(shape.cuts)))
            };
            let (left, right) = (nodes.len(), nodes.len() + 1);
            nodes[at] = PlainNode::Split { feature, test, default_left: random.below(100) < shape.left, left, right };
            nodes.extend([leaf(random), leaf(random)]);
            open.extend([(left, depth + 1), (right, depth + 1)]);
        }
        if open.is_empty() {
            break;
        }
    }
    PlainTree { nodes, output }
}

fn forest(random: &mut Sequence, shape: &Shape) -> Forest {
    let outputs = match shape.link {
        Link::Softmax | Link::OneVsRest => shape.n_classes,
        _ => 1,
    };
    let base = if shape.link == Link::Average { vec![] } else { vec![0.125; outputs] };
    let trees: Vec<PlainTree> = (0..shape.n_trees).map(|t| tree(random, shape, t % outputs)).collect();
    Forest::new(shape.n_features, shape.n_classes, shape.link, base, &trees).unwrap()
}

/// Values at cuts and an ulp to either side, and those that are unlike numbers; `missing`: percent.
fn row(random: &mut Sequence, shape: &Shape, missing: usize) -> Vec<f64> {
    let value = |random: &mut Sequence| {
        if random.below(100) < missing {
            return f64::NAN;
        }
        let cut = threshold(random.below(shape.cuts + 1));
        match random.below(9) {
            0 => f64::INFINITY,
            1 => f64::NEG_INFINITY,
            2 => -0.0,
            3 => cut.next_up(),
            4 => cut.next_down(),
            5 => random.below(150) as f64,
            _ => cut,
        }
    };
    (0..shape.n_features).map(|_| value(random)).collect()
}

fn bits(values: &[f64]) -> Vec<u64> {
    values.iter().map(|v| v.to_bits()).collect()
}

/// Asks each way of itself; which there are: (parallel, chase).
fn holds(random: &mut Sequence, shape: &Shape, rows: usize, name: &str) -> (bool, bool) {
    let forest = forest(random, shape);
    let ranked = Ranked::new(&forest);
    let (mut parallel, mut chase) = (Parallel::new(&forest), Chase::new(&forest));
    let mut single = Single { rows: FIRST, ..Single::default() };
    let (mut grids, mut answered) = (None, false);
    for i in 0..rows {
        let x = row(random, shape, [0, 10, 60][i % 3]);
        let mut expected = vec![f64::NAN; forest.n_outputs()];
        forest.margin(&x, &mut expected);
        let mut out = vec![f64::NAN; expected.len()];
        single.margin(&forest, &mut grids, &x, &mut out);
        assert_eq!(bits(&out), bits(&expected), "{name}: {x:?}");
        if let Some(chase) = &mut chase {
            out.fill(f64::NAN);
            chase.margin(&forest, &ranked, &x, &mut out);
            assert_eq!(bits(&out), bits(&expected), "{name}, chase: {x:?}");
        }
        if let Some(parallel) = &mut parallel {
            out.fill(f64::NAN);
            if parallel.margin(&forest, &ranked, &x, &mut out) {
                answered = true;
                assert_eq!(bits(&out), bits(&expected), "{name}, parallel: {x:?}");
            } else {
                assert!(x.iter().any(|v| v.is_nan()), "{name}: {x:?}");
            }
        }
    }
    assert_eq!(answered, parallel.is_some(), "{name}");
    (parallel.is_some(), chase.is_some())
}

#[test]
fn every_way_has_the_references_bits() {
    let random = &mut Sequence(11);
    let both = (true, true);
    let links = [(Link::Average, 3), (Link::Softmax, 4), (Link::OneVsRest, 3), (Link::Identity, 2), (Link::Average, 2)];
    for (link, n_classes) in links {
        assert_eq!(holds(random, &Shape { link, n_classes, ..PLAIN }, 90, "link"), both, "{link:?}");
    }
    for depth in 0..=64 {
        let shape = Shape { depth, splits: 200, n_trees: 1 + depth, ..PLAIN };
        let ways = holds(random, &shape, 30, "depth");
        assert!(ways.1 && (ways.0 || depth > 8), "depth {depth}");
    }
    for n_trees in (1..40).chain([511, 5000]) {
        assert_eq!(holds(random, &Shape { n_trees, splits: 9, ..PLAIN }, 20, "trees"), both);
    }
    for n_classes in [2, 17, 50] {
        let shape = Shape { link: Link::Softmax, n_classes, n_trees: 3 * n_classes, ..PLAIN };
        assert_eq!(holds(random, &shape, 30, "classes"), both);
    }
    for n_features in [1, 2, 15, 16, 17, 31, 32, 33, 48, 63, 64] {
        let shape = Shape { n_features, n_trees: 60, ..PLAIN };
        assert_eq!(holds(random, &shape, 60, "features"), both, "{n_features}");
    }
    for left in [0, 100] {
        assert_eq!(holds(random, &Shape { left, ..PLAIN }, 90, "one direction"), both);
    }
    let wide = Shape { n_features: 90, n_trees: 200, ..PLAIN };
    assert_eq!(holds(random, &wide, 30, "too wide"), (false, true));
    let sets = Shape { sets: true, n_features: 4, n_trees: 40, splits: 6, ..PLAIN };
    for depth in [3, 12] {
        let shape = Shape { depth, splits: if depth > 8 { 30 } else { 6 }, ..sets };
        assert!(holds(random, &shape, 90, "sets").1);
    }
}

/// Either side of a byte's and of two bytes' ranks.
#[test]
fn many_cuts_take_several_inputs() {
    let random = &mut Sequence(5);
    for cuts in [253, 254, 255, 256, 508, 509, 1226] {
        let shape = Shape { cuts, n_features: 3, n_trees: 120, splits: 60, ..PLAIN };
        assert_eq!(holds(random, &shape, 60, "cuts"), (true, true), "{cuts}");
    }
    let n = 140_000usize;
    let balanced = |from: usize, to: usize| {
        // A tree of all cuts in `from..to`, halved over and over.
        fn grow(nodes: &mut Vec<PlainNode>, from: usize, to: usize) -> usize {
            let at = nodes.len();
            nodes.push(PlainNode::Leaf(vec![from as f64]));
            if from < to {
                let middle = from.midpoint(to);
                let left = grow(nodes, from, middle);
                let right = grow(nodes, middle + 1, to);
                let test = Test::AtMost(middle as f64 * 0.5);
                nodes[at] = PlainNode::Split { feature: 0, test, default_left: middle.is_multiple_of(3), left, right };
            }
            at
        }
        let mut nodes = Vec::new();
        grow(&mut nodes, from, to);
        PlainTree { nodes, output: 0 }
    };
    let trees = [balanced(0, n / 2), balanced(n / 2, n), balanced(0, 100)];
    let forest = Forest::new(1, 2, Link::Sigmoid, vec![0.0], &trees).unwrap();
    let ranked = Ranked::new(&forest);
    assert!(ranked.grid(0).is_none());
    let mut chase = Chase::new(&forest).unwrap();
    for k in (0..n).step_by(97).chain(65_500..65_600).chain(131_000..131_200) {
        let cut = k as f64 * 0.5;
        for v in [cut, cut.next_up(), cut.next_down(), f64::NAN] {
            let (mut expected, mut out) = ([0.0], [0.0]);
            forest.margin(&[v], &mut expected);
            chase.margin(&forest, &ranked, &[v], &mut out);
            assert_eq!(out, expected, "{v}");
        }
    }
}

/// One deep tree sets the heap of sixteen: a forest of such groups, small in a file, must not be laid out so.
#[test]
fn heaps_stay_in_proportion_to_the_forest() {
    let tree = |splits: usize| {
        let mut nodes = Vec::new();
        for i in 0..splits {
            let test = Test::AtMost(i as f64);
            nodes.push(PlainNode::Split { feature: 0, test, default_left: false, left: 2 * i + 1, right: 2 * i + 2 });
            nodes.push(PlainNode::Leaf(vec![i as f64]));
        }
        nodes.push(PlainNode::Leaf(vec![0.5]));
        PlainTree { nodes, output: 0 }
    };
    let forest = |groups: usize| {
        let trees: Vec<PlainTree> = (0..16 * groups).map(|i| tree(if i % 16 == 0 { 8 } else { 0 })).collect();
        Forest::new(1, 2, Link::Sigmoid, vec![0.0], &trees).unwrap()
    };
    let few = Parallel::new(&forest(10)).unwrap();
    assert!(few.size() < 1 << 20, "{} bytes", few.size());
    let many = forest(1000);
    assert!(Parallel::new(&many).is_none());
    let chase = Chase::new(&many).unwrap();
    assert!(chase.size() <= 64 * many.nodes.len(), "{} bytes for {} nodes", chase.size(), many.nodes.len());
    let (mut single, mut grids) = (Single { rows: FIRST, ..Single::default() }, None);
    for x in [-1.0, 3.5, 9.0, f64::NAN] {
        let (mut expected, mut out) = ([0.0], [0.0]);
        many.margin(&[x], &mut expected);
        single.margin(&many, &mut grids, &[x], &mut out);
        assert_eq!(out, expected, "{x}");
    }
}

/// The reference answers first, and many sets are left to it.
#[test]
fn the_rule() {
    let random = &mut Sequence(3);
    let (mut single, mut grids) = (Single::default(), None);
    let plain = forest(random, &PLAIN);
    for i in 0..=FIRST {
        assert!(grids.is_none() && single.chase.is_none(), "row {i}");
        single.margin(&plain, &mut grids, &[0.0; 7], &mut [0.0]);
    }
    assert!(grids.is_some() && matches!(single.parallel, Some(Some(_))));
    assert!(single.chase.is_none(), "a row without a missing value needs no second way");
    let sets = Shape { sets: true, n_features: 1, n_trees: 4, splits: 60, depth: 12, ..PLAIN };
    assert_eq!(holds(random, &sets, 30, "many sets"), (false, false));
}
