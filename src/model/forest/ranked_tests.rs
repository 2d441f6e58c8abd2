use super::*;
use crate::math::BLOCK;
use proptest::prelude::*;

/// Cuts in ascending order, of one of the shapes that models have.
fn cuts() -> impl Strategy<Value = Vec<f64>> {
    let n = || prop_oneof![4 => 0..40usize, 2 => 240..530usize, 1 => 2000..3000usize];
    let anything = (-1e3..1e3f64).boxed();
    let small = (-20..20i32).prop_map(|k| f64::from(k) / 4.0).boxed();
    let skewed = (-300.0..300.0f64).prop_map(|e| crate::math::pow(10.0, e.trunc()) * (1.0 + e.fract())).boxed();
    let close = (0..64u64).prop_map(|k| f64::from_bits(1.0f64.to_bits() + k)).boxed();
    let huge =
        prop_oneof![Just(-f64::MAX), Just(f64::MAX), Just(5e-324), Just(-5e-324), Just(0.0), -1.0..1.0f64].boxed();
    let element = prop_oneof![Just(anything), Just(small), Just(skewed), Just(close), Just(huge)];
    (element, n()).prop_flat_map(|(e, n)| proptest::collection::vec(e, n)).prop_map(|mut cuts| {
        cuts.iter_mut().for_each(|c| *c += 0.0);
        cuts.sort_by(f64::total_cmp);
        cuts.dedup();
        cuts
    })
}

/// What ranks may get wrong: each cut, its neighbours, the zeros, the ends, NaN.
fn hard(cuts: &[f64], seed: usize) -> [f64; BLOCK] {
    let ends = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -0.0, 0.0, f64::MAX, -f64::MAX, -f64::NAN];
    std::array::from_fn(|i| match (i % 4, cuts.get((i / 4 * 7 + seed) % cuts.len().max(1))) {
        (0, Some(cut)) => *cut,
        (1, Some(cut)) => cut.next_up(),
        (2, Some(cut)) => cut.next_down(),
        _ => ends[(i / 4) % ends.len()],
    })
}

proptest! {
    #[test]
    fn ranks_count_the_cuts_below(cuts in cuts(), seed in 0..1000usize) {
        let grid = Grid::new(&cuts);
        let x = hard(&cuts, seed);
        let mut ranks = [7; BLOCK];
        grid.ranks(&x, &mut ranks);
        for (x, rank) in x.iter().zip(ranks) {
            let below = cuts.iter().filter(|c| *c < x).count() as u16;
            let expected = if x.is_nan() { MISSING } else { below };
            prop_assert_eq!((rank, grid.rank(*x)), (expected, expected), "{}", x);
        }
    }
}

#[test]
fn as_many_cuts_as_there_may_be() {
    let cuts: Vec<f64> = (0..MAX_CUTS).map(|i| i as f64).collect();
    let grid = Grid::new(&cuts);
    for x in [-1.0, 0.0, 0.5, 32_767.0, 65_533.0, 65_533.5, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(usize::from(grid.rank(x)), cuts.partition_point(|c| *c < x), "{x}");
    }
    assert_eq!(grid.rank(f64::NAN), MISSING);
}
