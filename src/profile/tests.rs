use super::*;
use crate::pipeline::Encoders;
use crate::schema::{Extra, Field};
use ndarray::Array2;
use proptest::prelude::*;

fn schema() -> Schema {
    let field = |name: &str, kind| Field { name: name.into(), kind, required: false };
    let levels = vec!["a".to_owned(), "b".to_owned()].into();
    Schema {
        fields: vec![
            field("number", FieldKind::Number { min: None, max: None }),
            field("category", FieldKind::Category { levels, unknown: crate::schema::Unknown::Admit }),
            field("flag", FieldKind::Flag),
        ],
        extra: Extra::Ignore,
    }
}

fn pipeline() -> Pipeline {
    Pipeline { derived: Vec::new(), encoders: Encoders(Vec::new()) }
}

/// Of numbers alone; the category takes 0, 1, 2 (unknown), missing in turn, the flag 0, 0, 1, missing.
fn profile(numbers: &[f64]) -> Profile {
    let turn = |i: usize, of: [f64; 4]| of[i % 4];
    let row = |(i, v): (usize, &f64)| [*v, turn(i, [0.0, 1.0, 2.0, f64::NAN]), turn(i, [0.0, 0.0, 1.0, f64::NAN])];
    let slots: Vec<f64> = numbers.iter().enumerate().flat_map(row).collect();
    let answers: Vec<f64> =
        (0..numbers.len()).flat_map(|i| [0.25, 0.75, 1.0, 0.0][2 * (i % 2)..][..2].to_vec()).collect();
    let n = numbers.len();
    let slots = Array2::from_shape_vec((n, 3), slots).unwrap();
    let answers = Array2::from_shape_vec((n, 2), answers).unwrap();
    Profile::of(&schema(), &pipeline(), slots.view(), answers.view())
}

#[test]
fn edges_are_values_that_cut_the_reference_into_equal_parts() {
    let numbers: Vec<f64> = (0..6400).map(|i| f64::from((i * 2311) % 6400)).collect();
    let counts = &profile(&numbers).slots[0];
    assert_eq!((counts.edges.len(), counts.bins.len()), (BINS - 1, BINS));
    assert!(counts.bins.iter().all(|c| *c == 100), "{:?}", counts.bins);
    assert_eq!((counts.edges[0], counts.edges[62]), (99.0, 6299.0));
    assert_eq!((counts.min, counts.max, counts.n, counts.typical()), (0.0, 6399.0, 6400, Some(3199.0)));
    assert!((counts.mean - 3199.5).abs() < 1e-9);
    // The variance of 0..n is (n^2 - 1) / 12.
    assert!((counts.m2 / 6400.0 / ((6400.0 * 6400.0 - 1.0) / 12.0) - 1.0).abs() < 1e-12);
}

#[test]
fn few_values_have_a_bin_each() {
    let counts = &profile(&[3.0, 1.0, f64::NAN, 2.0, 1.0, 1.0]).slots[0];
    assert_eq!((&counts.edges[..], &counts.bins[..], counts.missing), (&[1.0, 2.0][..], &[3, 1, 1][..], 1));
    assert_eq!((counts.typical(), counts.missing_rate()), (Some(1.0), 1.0 / 6.0));
    // One heavy value takes many quantiles and still is one edge.
    let heavy: Vec<f64> = (0..1000).map(|i| f64::from(if i < 900 { 0 } else { i })).collect();
    let counts = &profile(&heavy).slots[0];
    assert_eq!((counts.edges[0], counts.bins[0]), (0.0, 900));
    assert!(counts.edges.len() < 10);
}

#[test]
fn indices_have_a_bin_each_and_the_unknown_its_own() {
    let p = profile(&[0.0; 9]);
    assert_eq!((&p.slots[1].bins[..], p.slots[1].missing), (&[3, 2, 2][..], 2));
    assert_eq!((&p.slots[2].bins[..], p.slots[2].missing), (&[5, 2][..], 2));
    assert_eq!((p.slots[1].typical(), p.slots[2].typical()), (Some(0.0), Some(0.0)));
    assert_eq!(p.predicted, [4, 5]);
    assert_eq!((p.probability[1][7], p.probability[1][0], p.probability[0][9]), (5, 4, 4));
    assert!(!p.slots[0].is_indexed() && p.slots[1].is_indexed());
}

#[test]
fn nothing_seen_is_nothing_said() {
    let p = profile(&[f64::NAN, f64::NAN]);
    assert_eq!((p.slots[0].typical(), p.slots[0].missing_rate(), p.slots[0].bins.len()), (None, 1.0, 1));
    p.check(&schema(), &pipeline(), 2).unwrap();
    let none = p.fresh();
    none.check(&schema(), &pipeline(), 2).unwrap();
    assert_eq!((none.slots[0].missing_rate(), none.slots[1].typical()), (0.0, None));
}

#[test]
fn profiles_of_other_edges_do_not_merge() {
    let mut p = profile(&[1.0, 2.0]);
    let e = p.merge(&profile(&[1.0, 3.0, 4.0])).unwrap_err();
    assert_eq!(e.to_string(), "profiles merge only over the same edges: these are of different artifacts");
}

proptest! {
    /// Two halves merged are the whole; and every number, however absurd, leaves a profile that is sound.
    #[test]
    fn merging_is_counting_together(values in prop::collection::vec(any::<f64>(), 1..200), cut in any::<prop::sample::Index>()) {
        let finite = |v: &f64| if v.is_finite() { *v + 0.0 } else { f64::NAN };
        let values: Vec<f64> = values.iter().map(finite).collect();
        let reference = profile(&values);
        reference.check(&schema(), &pipeline(), 2).unwrap();
        let of = |values: &[f64]| {
            let mut counter = Counter::new(&reference, None);
            values.iter().for_each(|v| counter.row(&[*v, 0.0, 1.0], &[0.5, 0.5]));
            counter.profile()
        };
        let (whole, (a, b)) = (of(&values), values.split_at(cut.index(values.len())));
        let mut merged = of(a);
        merged.merge(&of(b)).unwrap();
        merged.check(&schema(), &pipeline(), 2).unwrap();
        prop_assert_eq!(&merged.predicted, &whole.predicted);
        let (m, w) = (&merged.slots[0], &whole.slots[0]);
        prop_assert_eq!((&m.bins, m.n, m.missing), (&w.bins, w.n, w.missing));
        prop_assert_eq!((math::bits(m.min), math::bits(m.max)), (math::bits(w.min), math::bits(w.max)));
        let scale = values.iter().fold(0.0, |s: f64, v| s.max(math::bounded(*v).abs()));
        prop_assert!((m.mean - w.mean).abs() <= 1e-9 * scale, "{} {}", m.mean, w.mean);
        prop_assert!((m.m2 - w.m2).abs() <= 1e-9 * w.m2.max(scale * scale), "{} {}", m.m2, w.m2);
    }

    /// Every bin is that of a search among the edges, for values at, just beside and between them.
    #[test]
    fn a_grid_finds_the_bin_of_every_value(
        edges in prop::collection::vec(edge(), 0..EDGES),
        more in prop::collection::vec(edge(), 0..60),
    ) {
        let mut edges = edges;
        edges.sort_unstable_by(f64::total_cmp);
        edges.dedup();
        let near = edges.iter().flat_map(|e| [*e, e.next_up(), e.next_down(), -*e, *e / 2.0]);
        let values: Vec<f64> = near.chain(more).chain([0.0, -0.0, f64::MAX, f64::MIN, 5e-324]).collect();
        let mut expected = vec![0; edges.len() + 1];
        values.iter().for_each(|v| expected[edges.partition_point(|e| e < v)] += 1);
        let grid = Grid::new(&edges);
        let mut counts = vec![0; edges.len() + 1];
        values.chunks(BLOCK).for_each(|values| grid.count(values, &mut counts));
        prop_assert_eq!(counts, expected);
    }

    /// Rows alone and rows in blocks, some of them not wanted, are counted as one by one.
    #[test]
    fn rows_and_blocks_count_alike(
        rows in prop::collection::vec((prop::option::of(-50.0..50.0f64), 0u32..4, 0u32..3, 0.0..=1.0f64, any::<bool>()), 1..600),
    ) {
        let numbers: Vec<f64> = rows.iter().map(|r| r.0.unwrap_or(f64::NAN)).collect();
        let reference = profile(&numbers);
        let index = |k: u32, n: u32| if k < n { f64::from(k) } else { f64::NAN };
        let (mut alone, mut blocks) = (Counter::new(&reference, None), Counter::new(&reference, None));
        let mut one_by_one = reference.fresh();
        for rows in rows.chunks(BLOCK) {
            let (mut slots, mut answers) = (vec![f64::NAN; 3 * BLOCK], vec![f64::NAN; 2 * BLOCK]);
            for (r, (number, category, flag, p, wanted)) in rows.iter().enumerate() {
                let row = [number.unwrap_or(f64::NAN), index(*category, 3), index(*flag, 2)];
                let answer = [*p, 1.0 - *p];
                row.iter().enumerate().for_each(|(j, v)| slots[j * BLOCK + r] = *v);
                answer.iter().enumerate().for_each(|(k, v)| answers[k * BLOCK + r] = *v);
                if !wanted {
                    continue;
                }
                alone.row(&row, &answer);
                one_by_one.observe_answer(&answer, None);
                for (counts, v) in one_by_one.slots.iter_mut().zip(row) {
                    if v.is_nan() {
                        counts.missing += 1;
                        continue;
                    }
                    let k = if counts.is_indexed() { v as usize } else { counts.edges.partition_point(|e| *e < v) };
                    counts.bins[k] += 1;
                    counts.n += 1;
                    (counts.min, counts.max) = (counts.min.min(v), counts.max.max(v));
                }
            }
            let wanted: Vec<bool> = rows.iter().map(|r| r.4).collect();
            blocks.block(&slots, &answers, rows.len(), &wanted);
        }
        for live in [alone.profile(), blocks.profile()] {
            live.check(&schema(), &pipeline(), 2).unwrap();
            prop_assert_eq!((&live.predicted, &live.probability), (&one_by_one.predicted, &one_by_one.probability));
            for (a, b) in live.slots.iter().zip(&one_by_one.slots) {
                prop_assert_eq!((&a.bins, a.n, a.missing), (&b.bins, b.n, b.missing));
                prop_assert_eq!((math::bits(a.min), math::bits(a.max)), (math::bits(b.min), math::bits(b.max)));
            }
        }
    }

    /// Mean and variance of values far from 0 and from those before them, against whole numbers.
    #[test]
    fn moments_hold_wherever_the_data_lie(
        parts in prop::collection::vec((-1_000_000_000i64..1_000_000_000, prop::collection::vec(-1000i64..1000, 1..500)), 1..4),
    ) {
        let whole: Vec<i64> = parts.iter().flat_map(|(at, values)| values.iter().map(move |v| at + v)).collect();
        let mut counts = Counts::empty(Vec::new(), 1);
        counts.count_all(&Grid::new(&[]), whole.iter().map(|v| *v as f64));
        let n = whole.len() as i128;
        let sum: i128 = whole.iter().map(|v| i128::from(*v)).sum();
        let scaled: i128 = whole.iter().map(|v| (i128::from(*v) * n - sum).pow(2)).sum();
        let (mean, m2) = (sum as f64 / n as f64, scaled as f64 / n as f64 / n as f64);
        let width = whole.iter().map(|v| (*v as f64 - mean).abs()).fold(0.0, f64::max);
        prop_assert!((counts.mean - mean).abs() <= 1e-15 * mean.abs() + 1e-13 * width, "{} {mean}", counts.mean);
        prop_assert!((counts.m2 - m2).abs() <= 1e-12 * m2, "{} {m2}", counts.m2);
    }
}

/// Numbers as edges may be: plain ones, equal steps, far too large and far too small ones.
fn edge() -> impl Strategy<Value = f64> {
    let power = |of: f64| move |k: u32| (0..k).fold(1.0, |v, _| v * of);
    prop_oneof![
        -100.0..100.0f64,
        (-40i32..40).prop_map(f64::from),
        (0u32..30).prop_map(power(1.5)),
        (0u32..900).prop_map(power(0.5)),
        (0u32..300).prop_map(power(-10.0)),
        any::<f64>().prop_filter("a number", |v| v.is_finite()),
    ]
}

#[test]
fn reading_changes_nothing() {
    let reference = profile(&(0..500).map(f64::from).collect::<Vec<_>>());
    let (mut read, mut unread) = (Counter::new(&reference, None), Counter::new(&reference, None));
    for i in 0..1000 {
        for counter in [&mut read, &mut unread] {
            counter.row(&[f64::from(i) / 7.0, 1.0, 0.0], &[0.25, 0.75]);
        }
        assert_eq!(read.profile().slots[0].n, i as u64 + 1);
    }
    let (read, unread) = (read.profile(), unread.profile());
    assert_eq!(read.predicted, [0, 1000]);
    assert_eq!(read, unread);
}

#[test]
fn what_is_taken_from_one_counter_is_added_to_another() {
    let reference = profile(&(0..500).map(f64::from).collect::<Vec<_>>());
    let (mut one, mut other, mut both) =
        (Counter::new(&reference, None), Counter::new(&reference, None), Counter::new(&reference, None));
    for i in 0..777 {
        let row = [f64::from(i % 501), f64::from(i % 3), f64::from(i % 2)];
        let answer = [f64::from(i % 11) / 10.0, f64::from(10 - i % 11) / 10.0];
        if i % 3 == 0 { &mut one } else { &mut other }.row(&row, &answer);
        both.row(&row, &answer);
    }
    let taken = other.take();
    // Of nothing the smallest and the largest are NaN, which equals nothing.
    let nothing = format!("{:?}", reference.fresh());
    assert_eq!((taken.slots[0].n, format!("{:?}", other.profile())), (518, nothing));
    one.add(&taken).unwrap();
    let (one, both) = (one.profile(), both.profile());
    assert_eq!((&one.predicted, &one.probability), (&both.predicted, &both.probability));
    for (one, both) in one.slots.iter().zip(&both.slots) {
        assert_eq!((&one.bins, one.n, one.min, one.max), (&both.bins, both.n, both.min, both.max));
        assert!((one.mean - both.mean).abs() < 1e-9 && (one.m2 - both.m2).abs() < 1e-6);
    }
    assert!(one.slots[0].n == 777 && Counter::new(&profile(&[1.0, 2.0]), None).add(&one).is_err());
}

#[test]
fn equal_and_growing_steps_between_edges_take_one_comparison() {
    let even: Vec<f64> = (0..63).map(|k| f64::from(k) - 30.0).collect();
    let growing: Vec<f64> = (0..63).map(|k| (0..k).fold(1.0, |v, _| v * 1.4)).collect();
    for edges in [even, growing] {
        assert_eq!(Grid::new(&edges).step(), 1, "{edges:?}");
    }
}

#[test]
fn tenths_are_those_of_a_division() {
    let near = |k: u32| [f64::from(k) / 10.0, (f64::from(k) / 10.0).next_up(), (f64::from(k) / 10.0).next_down()];
    for p in (0..=10).flat_map(near).chain([5e-324, 0.05, 0.95, 0.999]).filter(|p| (0.0..=1.0).contains(p)) {
        assert_eq!(usize::from(tenth(p)), (p * 10.0) as usize, "{p}");
    }
}
