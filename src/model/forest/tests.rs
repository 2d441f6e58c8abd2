use super::*;

fn leaf(v: f64) -> PlainNode {
    PlainNode::Leaf(vec![v])
}

fn split(feature: usize, test: Test, default_left: bool, left: usize, right: usize) -> PlainNode {
    PlainNode::Split { feature, test, default_left, left, right }
}

/// ```text
///            x0 <= 1.5 (NaN right)
///           /                    \
///   x1 in {0, 70} (NaN left)      x0 <= 4 (NaN right)
///      /        \                   /        \
///     -1         2                 0.5        3
/// ```
fn tree() -> PlainTree {
    PlainTree {
        nodes: vec![
            split(0, Test::AtMost(1.5), false, 1, 2),
            split(1, Test::In(vec![70, 0]), true, 5, 6),
            split(0, Test::AtMost(4.0), false, 3, 4),
            leaf(0.5),
            leaf(3.0),
            leaf(-1.0),
            leaf(2.0),
        ],
        output: 0,
    }
}

fn forest() -> Forest {
    let stump = PlainTree { nodes: vec![leaf(0.5)], output: 0 };
    Forest::new(2, 2, Link::Sigmoid, vec![0.25], &[tree(), stump]).unwrap()
}

#[test]
fn the_one_rule() {
    let nan = f64::NAN;
    // x, then the preorder number of the leaf in the first tree, and its value.
    for (x, id, value) in [
        ([1.5, 0.0], 2, -1.0),
        ([1.5, -0.0], 2, -1.0),
        ([1.0, 70.0], 2, -1.0),
        ([1.0, 1.0], 3, 2.0),
        ([1.0, 0.5], 2, -1.0),
        ([1.0, -0.5], 2, -1.0),
        ([1.0, 1.5], 3, 2.0),
        ([1.0, -1.0], 3, 2.0),
        ([1.0, 4294967296.0], 3, 2.0),
        ([1.0, f64::INFINITY], 3, 2.0),
        ([-1e308, nan], 2, -1.0),
        ([1.5000000000000002, 0.0], 5, 0.5),
        ([4.0, nan], 5, 0.5),
        ([4.1, nan], 6, 3.0),
        ([nan, 0.0], 6, 3.0),
    ] {
        let (mut ids, mut margin, mut p) = ([0; 2], [0.0], [0.0; 2]);
        forest().leaf_ids(&x, &mut ids);
        assert_eq!(ids, [id, 0], "{x:?}");
        forest().margin(&x, &mut margin);
        assert_eq!(margin, [0.25 + value + 0.5], "{x:?}");
        forest().predict_proba(&x, &mut p);
        assert_eq!(p, [1.0 - sigmoid(margin[0]), sigmoid(margin[0])]);
    }
}

#[test]
fn plain_trees_come_back_in_preorder() {
    let plain = forest().plain();
    assert_eq!(plain[0].nodes[0], split(0, Test::AtMost(1.5), false, 1, 4));
    assert_eq!(plain[0].nodes[1], split(1, Test::In(vec![0, 70]), true, 2, 3));
    assert_eq!(plain[0].nodes[4], split(0, Test::AtMost(4.0), false, 5, 6));
    assert_eq!(plain[1].nodes, [leaf(0.5)]);
    assert_eq!(Forest::new(2, 2, Link::Sigmoid, vec![0.25], &plain).unwrap(), forest());
}

#[test]
fn bad_trees_are_refused_by_name() {
    let refused = |nodes: Vec<PlainNode>, output| {
        Forest::new(2, 2, Link::Sigmoid, vec![0.0], &[PlainTree { nodes, output }]).unwrap_err().to_string()
    };
    let at_most = || Test::AtMost(0.0);
    for (nodes, output, message) in [
        (vec![], 0, "tree 0: node 0 is named, but there are 0"),
        (vec![split(0, at_most(), false, 1, 2), leaf(0.0)], 0, "tree 0: node 2 is named, but there are 2"),
        (vec![split(0, at_most(), false, 1, 1), leaf(0.0)], 0, "tree 0: node 1 has two parents"),
        (vec![split(0, at_most(), false, 0, 1), leaf(0.0)], 0, "tree 0: a child of node 0 does not come after it"),
        (vec![leaf(0.0), leaf(0.0)], 0, "tree 0: node 1 has no parent"),
        (vec![PlainNode::Leaf(vec![0.5, 0.5])], 0, "tree 0: a leaf holds 2 numbers instead of 1"),
        (vec![leaf(f64::NAN)], 0, "leaf value 0 is not a finite number"),
        (vec![leaf(0.0)], 1, "tree 0 adds to score 1, but there are 1"),
        (vec![split(2, at_most(), false, 1, 2), leaf(0.0), leaf(0.0)], 0, "a forest of 2 features tests feature 2"),
        (
            vec![split(0, Test::AtMost(f64::INFINITY), false, 1, 2), leaf(0.0), leaf(0.0)],
            0,
            "tree 0: the threshold of node 0 is not a finite number",
        ),
        (
            vec![split(0, Test::In(vec![65_536]), false, 1, 2), leaf(0.0), leaf(0.0)],
            0,
            "tree 0: category 65536 is past the largest, 65535",
        ),
    ] {
        assert_eq!(refused(nodes, output), message);
    }
    assert!(Forest::new(1, 2, Link::Sigmoid, vec![0.0], &[]).is_err());
    assert!(Forest::new(1, 3, Link::Sigmoid, vec![0.0], &[PlainTree { nodes: vec![leaf(0.0)], output: 0 }]).is_err());
    let unsure = PlainTree { nodes: vec![PlainNode::Leaf(vec![0.5, 0.4])], output: 0 };
    assert!(Forest::new(1, 2, Link::Average, vec![], &[unsure]).is_err());
}

/// A left chain: the deepest tree allowed, and one too deep.
#[test]
fn depth_is_bounded() {
    let chain = |depth: usize| {
        // Split i stands at 2i - 1 (split 0 at 0), the leaf to its right at 2i + 2.
        let down = |i: usize| split(0, Test::AtMost(-(i as f64)), false, 2 * i + 1, 2 * i + 2);
        let mut nodes = vec![down(0)];
        for i in 1..depth {
            nodes.extend([down(i), leaf(i as f64)]);
        }
        nodes.extend([leaf(-1.0), leaf(-2.0)]);
        PlainTree { nodes, output: 0 }
    };
    assert!(Forest::new(1, 2, Link::Sigmoid, vec![0.0], &[chain(MAX_DEPTH)]).is_ok());
    let e = Forest::new(1, 2, Link::Sigmoid, vec![0.0], &[chain(MAX_DEPTH + 1)]).unwrap_err();
    assert_eq!(e.to_string(), "tree 0: a tree is at most 4096 deep");
}

#[test]
fn checks_notice_every_field() {
    let sound = forest();
    sound.check().unwrap();
    type Change<'a> = (&'a str, &'a dyn Fn(&mut Forest));
    let changes: [Change; 28] = [
        ("fewer features", &|f| f.n_features = 1),
        ("too many features", &|f| f.n_features = 1 << 20),
        ("one class", &|f| f.n_classes = 1),
        ("three classes of one score", &|f| f.n_classes = 3),
        ("a score per class without a base for it", &|f| f.link = Link::Softmax),
        ("leaves that are no probabilities", &|f| (f.link, f.base) = (Link::Average, vec![])),
        ("no base", &|f| f.base.clear()),
        ("a NaN base", &|f| f.base[0] = f64::NAN),
        ("a base past the bound", &|f| f.base[0] = 1e200),
        ("columns out of order", &|f| f.columns.swap(0, 1)),
        ("a column twice", &|f| f.columns[1] = f.columns[0].clone()),
        ("a column too few", &|f| _ = f.columns.pop()),
        ("a NaN cut", &|f| f.columns[0].tests = Tests::Cuts(vec![1.5, f64::NAN])),
        ("an infinite cut", &|f| f.columns[0].tests = Tests::Cuts(vec![1.5, f64::INFINITY])),
        ("cuts that descend", &|f| f.columns[0].tests = Tests::Cuts(vec![4.0, 1.5])),
        ("a cut too few", &|f| f.columns[0].tests = Tests::Cuts(vec![1.5])),
        ("no sets", &|f| f.columns[1].tests = Tests::Sets(vec![])),
        ("a set with an empty word", &|f| f.columns[1].tests = Tests::Sets(vec![vec![1, 0]])),
        ("a set past the last category", &|f| f.columns[1].tests = Tests::Sets(vec![vec![1; 1025]])),
        ("a NaN leaf", &|f| f.leaves[0] = f64::NAN),
        ("a leaf too few", &|f| _ = f.leaves.pop()),
        ("a right child elsewhere", &|f| f.nodes[0].right = 2),
        ("a right child that loops", &|f| f.nodes[0].right = 0),
        ("a leaf with a child", &|f| f.nodes[2].right = 1),
        ("a tree that does not end", &|f| _ = f.nodes.pop()),
        ("a node too many", &|f| f.nodes.push(f.nodes[2])),
        ("a root elsewhere", &|f| f.trees[1].root = 6),
        ("a score that is not there", &|f| f.trees[0].output = 1),
    ];
    for (what, change) in changes {
        let mut forest = sound.clone();
        change(&mut forest);
        assert!(forest.check().is_err(), "{what} is not noticed");
    }
}

/// A fixed sequence of whole numbers.
struct Sequence(u64);

impl Sequence {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (self.0 >> 33) as usize % n
    }
}

/// A tree grown at random leaves, so that its nodes are in no particular order; few thresholds, so that many are shared.
fn random_tree(random: &mut Sequence, n_features: usize, width: usize, output: usize) -> PlainTree {
    let probability = |random: &mut Sequence| {
        let counts: Vec<f64> = (0..width).map(|_| random.below(9) as f64 + 1.0).collect();
        let total: f64 = counts.iter().sum();
        PlainNode::Leaf(counts.iter().map(|c| c / total).collect())
    };
    let mut nodes = vec![probability(random)];
    let mut open = vec![0];
    for _ in 0..random.below(30) {
        let at = open.swap_remove(random.below(open.len()));
        let feature = random.below(n_features);
        let test = match feature % 3 {
            0 => Test::In((0..=random.below(5)).map(|_| random.below(130) as u32).collect()),
            _ => Test::AtMost(random.below(13) as f64 / 4.0 - 1.5),
        };
        let (a, b) = (nodes.len(), nodes.len() + 1);
        let (left, right) = if random.below(2) == 0 { (a, b) } else { (b, a) };
        nodes[at] = split(feature, test, random.below(2) == 0, left, right);
        nodes.extend([probability(random), probability(random)]);
        open.extend([a, b]);
    }
    PlainTree { nodes, output }
}

/// What the one rule says of a plain tree.
fn walk<'a>(tree: &'a PlainTree, x: &[f64]) -> &'a [f64] {
    let mut at = 0;
    loop {
        match &tree.nodes[at] {
            PlainNode::Leaf(values) => return values,
            PlainNode::Split { feature, test, default_left, left, right } => {
                let v = x[*feature];
                let is_left = match test {
                    _ if v.is_nan() => *default_left,
                    Test::AtMost(threshold) => v <= *threshold,
                    Test::In(members) => members.iter().any(|m| f64::from(*m) == v.trunc()),
                };
                at = if is_left { *left } else { *right };
            }
        }
    }
}

#[test]
fn categories_are_cut_off_towards_zero() {
    let set = [1u64 << 63 | 0b101, 1];
    let largest = f64::from(u32::MAX);
    for (inside, v) in [
        (true, [0.0, -0.0, 0.999, -0.5, (-1.0f64).next_up(), 5e-324, 2.0, 2.75, 63.5, 64.0, 64.5]),
        (false, [-1.0, -2.0, 1.0, 1.999, 65.0, 128.0, largest, largest + 1.0, 1e308, -1e308, f64::NAN]),
    ] {
        assert!(v.iter().all(|v| contains(&set, *v) == inside), "{inside}: {v:?}");
    }
    assert!(!contains(&[], 0.0));
}

#[test]
fn packed_trees_answer_as_plain_ones_do() {
    let mut random = Sequence(7);
    for round in 0..60 {
        let n_features = 1 + random.below(6);
        let (link, n_classes) =
            [(Link::Average, 3), (Link::Average, 2), (Link::Softmax, 4), (Link::Sigmoid, 2)][round % 4];
        let (width, outputs) = match link {
            Link::Average => (n_classes, 1),
            Link::Softmax => (1, n_classes),
            _ => (1, 1),
        };
        let base = if link == Link::Average { vec![] } else { vec![0.125; outputs] };
        let trees: Vec<PlainTree> =
            (0..1 + random.below(9)).map(|t| random_tree(&mut random, n_features, width, t % outputs)).collect();
        let forest = Forest::new(n_features, n_classes, link, base.clone(), &trees).unwrap();
        let read: Forest = crate::wire::decode(&crate::wire::encode(&forest).unwrap()).unwrap();
        assert_eq!(read, forest);
        assert_eq!(Forest::new(n_features, n_classes, link, base.clone(), &forest.plain()).unwrap(), forest);
        for _ in 0..100 {
            let value = |random: &mut Sequence| match random.below(8) {
                0 => f64::NAN,
                1 => random.below(130) as f64,
                _ => random.below(13) as f64 / 4.0 - 1.5,
            };
            let x: Vec<f64> = (0..n_features).map(|_| value(&mut random)).collect();
            let mut expected = if link == Link::Average { vec![0.0; n_classes] } else { base.clone() };
            for tree in &trees {
                for (sum, v) in expected[tree.output..].iter_mut().zip(walk(tree, &x)) {
                    *sum += v;
                }
            }
            let mut margin = vec![f64::NAN; expected.len()];
            read.margin(&x, &mut margin);
            assert_eq!(margin, expected, "round {round}, {x:?}");
        }
    }
}
