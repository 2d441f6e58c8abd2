use super::*;

#[test]
fn planes_come_back() {
    for numbers in [vec![], vec![0, 0], vec![5], vec![0x1200, 0xff00, 0], vec![u64::MAX, 1], vec![1 << 63, 0]] {
        let planes = Planes::of(numbers.clone());
        assert_eq!(planes.values(numbers.len()).unwrap(), numbers);
        assert!(planes.bytes.is_empty() || planes.values(numbers.len() + 1).is_err());
    }
    assert_eq!(Planes::of([0x1200, 0xff00]).bytes, [0x12, 0xff]);
}

#[test]
fn cuts_come_back() {
    let f32s: Vec<f64> = (-40..40).map(|i| f64::from(i as f32 / 7.0)).collect();
    let before: Vec<f64> = f32s.iter().map(|v| if *v == 0.0 { *v } else { v.next_down() }).collect();
    for cuts in [
        vec![],
        vec![0.0],
        vec![0.5],
        vec![f64::MIN, -5e-324, 0.0, 5e-324, 1.0, f64::MAX],
        f32s.clone(),
        before.clone(),
        [f32s.clone(), vec![1e300]].concat(),
    ] {
        assert_eq!(Cuts::of(&cuts).values().unwrap(), cuts);
    }
    assert!(!Cuts::of(&before).jumps.is_empty(), "past zero");
    // 29 bits of an f64 are free in an f32, and stay free just below one.
    assert!(Cuts::of(&f32s).run >= 29 && Cuts::of(&before[..40]).run >= 29);
}

#[test]
fn ratios_of_counts_are_found() {
    for (p, expected) in [
        (vec![1.0, 0.0], Some(vec![1, 0])),
        (vec![0.25, 0.75], Some(vec![1, 3])),
        (vec![1.0 / 3.0, 2.0 / 3.0], Some(vec![1, 2])),
        (vec![4999.0 / 9973.0, 4974.0 / 9973.0], Some(vec![4999, 4974])),
        (vec![1.0 / 6.0, 3.0 / 6.0, 2.0 / 6.0], Some(vec![1, 3, 2])),
        (vec![-0.0, 1.0], None),
        (vec![0.3f64.sqrt(), 1.0 - 0.3f64.sqrt()], None),
        (vec![f64::NAN, 1.0], None),
    ] {
        assert_eq!(counts(&p, 0), expected, "{p:?}");
    }
}

/// A forest of one tree, a split and two leaves, as bytes one may forge.
fn forge(change: impl Fn(&mut Forged)) -> Result<Forest, DecodeError> {
    let mut forged = Forged {
        n_nodes: 3,
        is_split: vec![0b001],
        column: Planes::of([0]),
        default_left: 0,
        args: Planes::of([0]),
        leaves: Planes::of([0, 0]),
        form: 0,
        numbers: Planes::of([1.5f64.to_bits(), 2.5f64.to_bits()]),
    };
    change(&mut forged);
    let head = (1usize, 2usize, Link::Sigmoid, vec![0.0f64], vec![(0usize, false)], Cuts::of(&[0.5]));
    crate::wire::decode(&crate::wire::encode(&(head, forged)).unwrap())
}

type Change<'a> = &'a dyn Fn(&mut Forged);

#[derive(Encode)]
struct Forged {
    n_nodes: usize,
    is_split: Vec<u8>,
    column: Planes,
    default_left: u8,
    args: Planes,
    leaves: Planes,
    form: u8,
    numbers: Planes,
}

#[test]
fn forged_bytes_are_refused() {
    let forest = forge(|_| {}).unwrap();
    forest.check().unwrap();
    assert_eq!((forest.n_trees(), forest.n_nodes()), (1, 3));
    let no_planes = || Planes { skip: 0, count: 0, bytes: vec![] };
    let refused: [(&str, Change); 16] = [
        ("more nodes than memory", &|f| f.n_nodes = 1 << 40),
        ("nodes that overflow", &|f| f.n_nodes = usize::MAX),
        ("nodes without bits", &|f| f.n_nodes = 9),
        ("a tree that does not end", &|f| f.is_split = vec![0b011]),
        ("only splits", &|f| f.is_split = vec![0b111]),
        ("a column out of range", &|f| f.column = Planes::of([1])),
        ("a column past 32 bits", &|f| f.column = Planes::of([1 << 40])),
        ("columns that are too many", &|f| f.column = Planes::of([0x0101, 0x0101])),
        ("a rank past 32 bits", &|f| f.args = Planes::of([1 << 40])),
        ("planes past the eighth", &|f| f.args = Planes { skip: 8, count: 1, bytes: vec![1] }),
        ("planes that overflow", &|f| f.args = Planes { skip: 255, count: 255, bytes: vec![1; 255] }),
        ("a leaf vector that did not appear", &|f| f.leaves = Planes::of([0, 2])),
        ("a number too few", &|f| f.numbers = Planes::of([1.5f64.to_bits()])),
        ("missing sides without bits", &|f| f.default_left = MIXED),
        ("a form that is not known", &|f| f.form = 4),
        ("the rest of one number", &|f| f.form = REST),
    ];
    for (what, change) in refused {
        assert!(forge(change).is_err(), "{what}");
    }
    // What the lists cannot show, the check sees.
    let unsound: [(&str, Change); 3] = [
        ("a rank out of range", &|f| f.args = Planes::of([1])),
        ("an infinite leaf", &|f| f.numbers = Planes::of([f64::INFINITY.to_bits(), 0])),
        ("counts of nothing", &|f| (f.form, f.numbers) = (COUNTS, no_planes())),
    ];
    for (what, change) in unsound {
        assert!(forge(change).unwrap().check().is_err(), "{what}");
    }
    // Three lone leaves, alike.
    let leaves = forge(|f| {
        (f.is_split, f.leaves, f.numbers) = (vec![0], Planes::of([0, 1, 1]), Planes::of([2.5f64.to_bits()]));
        (f.column, f.args) = (no_planes(), no_planes());
    });
    assert_eq!(leaves.unwrap().n_trees(), 3);
}

/// The least that each form of leaf vectors takes, and its bits.
#[test]
fn leaf_vectors_come_back_in_each_form() {
    let third = 1.0 / 3.0;
    let odd = 0.3f64.sqrt();
    for (form, n_classes, vectors) in [
        (COUNTS, 2, [vec![0.25, 0.75], vec![third, 2.0 / 3.0]]),
        (COUNTS | REST, 2, [vec![0.25, 0.75], vec![1.0 - 0.7, 0.7]]),
        (REST, 2, [vec![0.25, 0.75], vec![1.0 - odd, odd]]),
        (0, 2, [vec![third, 2.0 / 3.0], vec![odd, 1.0 - odd]]),
        (COUNTS, 3, [vec![third, third, third], vec![0.0, 0.0, 1.0]]),
        (0, 3, [vec![0.5, odd / 2.0, 0.5 - odd / 2.0], vec![0.0, 0.0, 1.0]]),
    ] {
        let tree =
            |v: &Vec<f64>| super::super::PlainTree { nodes: vec![super::super::PlainNode::Leaf(v.clone())], output: 0 };
        let forest = Forest::new(1, n_classes, Link::Average, vec![], &vectors.each_ref().map(tree)).unwrap();
        let bytes = crate::wire::encode(&forest).unwrap();
        let back: Forest = crate::wire::decode(&bytes).unwrap();
        let bits = |f: &Forest| f.leaves.iter().map(|v| v.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(&back), bits(&forest), "form {form}, {vectors:?}");
        // n_features, n_classes, link, base, columns, 2 nodes, a byte of bits, no columns of splits, one side, no leaf numbers.
        let before = 5 + 1 + 2 + 3 + 1 + 3;
        assert_eq!(bytes[before], form, "{vectors:?}");
    }
}
