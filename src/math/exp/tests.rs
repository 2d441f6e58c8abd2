//! Against sums in pairs of numbers (Dekker's), good to about 100 bits.

use super::*;

/// high + low.
#[derive(Clone, Copy)]
struct Pair(f64, f64);

impl Pair {
    fn sum(a: f64, b: f64) -> Pair {
        let s = a + b;
        let t = s - a;
        Pair(s, (a - (s - t)) + (b - t))
    }

    fn product(a: f64, b: f64) -> Pair {
        let split = |v: f64| {
            let c = 134_217_729.0 * v;
            let high = c - (c - v);
            (high, v - high)
        };
        let (p, (ah, al), (bh, bl)) = (a * b, split(a), split(b));
        Pair(p, ((ah * bh - p) + ah * bl + al * bh) + al * bl)
    }

    fn add(self, o: Pair) -> Pair {
        let s = Pair::sum(self.0, o.0);
        let t = Pair::sum(self.1, o.1);
        let s = Pair::sum(s.0, s.1 + t.0);
        Pair::sum(s.0, s.1 + t.1)
    }

    fn mul(self, o: Pair) -> Pair {
        let p = Pair::product(self.0, o.0);
        Pair::sum(p.0, p.1 + (self.0 * o.1 + self.1 * o.0))
    }

    /// Its reciprocal times `n`.
    fn under(self, n: Pair) -> Pair {
        let q = n.0 / self.0;
        let rest = n.add(self.mul(Pair(-q, 0.0)));
        let rest2 = rest.0 / self.0;
        let last = rest.add(self.mul(Pair(-rest2, 0.0)));
        Pair::sum(q, rest2).add(Pair(last.0 / self.0, 0.0))
    }
}

/// k and e^x / 2^k.
fn truth(x: Pair) -> (i32, Pair) {
    // ln 2 in three parts, the first two of 32 bits.
    let parts = [0.6931471803691238, 1.9082149288430703e-10, 4.275175589747649e-20];
    let k = (x.0 / std::f64::consts::LN_2).round();
    let mut r = x;
    for part in parts {
        let p = Pair::product(-k, part);
        r = r.add(p);
    }
    let r = Pair(r.0 / 256.0, r.1 / 256.0);
    let (mut term, mut sum) = (Pair(1.0, 0.0), Pair(1.0, 0.0));
    for n in 1..16 {
        term = Pair(f64::from(n), 0.0).under(term.mul(r));
        sum = sum.add(term);
    }
    for _ in 0..8 {
        sum = sum.mul(sum);
    }
    (k as i32, sum)
}

/// 2^k * v, rounded by the multiplications alone.
fn scaled(v: f64, k: i32) -> f64 {
    let half = k / 2;
    let two = |k: i32| f64::from_bits(((k + 1023) as u64) << 52);
    v * two(half) * two(k - half)
}

/// How far `y` is from 2^k `truth`, in units of the last place there.
fn ulps(y: f64, k: i32, truth: Pair) -> f64 {
    let place = if truth.0.abs() >= 1.0 { 0 } else { -1 };
    // Within the subnormals the last place stays.
    let unit = (k + place - 52).max(-1074);
    let (y, truth) = (scaled(scaled(y, -k / 2), -k + k / 2), truth);
    let off = (y - truth.0) - truth.1;
    (off / scaled(1.0, (unit - k).max(-1000))).abs()
}

fn draws(n: usize) -> impl Iterator<Item = f64> {
    let mut state = 7u64;
    (0..n).map(move |_| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 11) as f64 / (1u64 << 53) as f64
    })
}

#[test]
fn exp_is_within_0_7_units_in_the_last_place() {
    let (mut worst, mut below) = ((0.0, 0.0), 0.0);
    let near = draws(400_000).map(|u| u * 2.0 - 1.0);
    let wide = draws(400_000).map(|u| u * 1416.0 - 707.0);
    let tiny = draws(20_000).map(|u| (u - 0.5) * 1e-9);
    let subnormal = draws(20_000).map(|u| -745.1 + 37.0 * u);
    let edges = (-1070..1024).flat_map(|k: i32| {
        let x = (f64::from(k) + 0.5) * std::f64::consts::LN_2;
        [x, x.next_up(), x.next_down(), f64::from(k) * std::f64::consts::LN_2]
    });
    for x in near.chain(wide).chain(tiny).chain(subnormal).chain(edges) {
        let (k, t) = truth(Pair(x, 0.0));
        let off = ulps(exp(x), k, t);
        if exp(x) < f64::MIN_POSITIVE {
            // Rounded a second time.
            below = f64::max(below, off);
        } else if off > worst.1 {
            worst = (x, off);
        }
    }
    println!("exp is off by at most {} units, at {}; of subnormals by {below}", worst.1, worst.0);
    assert!(worst.1 < 0.7 && below < 0.8, "{worst:?} {below}");
    assert!(worst.1 > 0.5 && below > 0.5, "the measure itself is off: {worst:?} {below}");
}

#[test]
fn exp_at_its_ends() {
    for (x, y) in [
        (0.0, 1.0),
        (-0.0, 1.0),
        (5e-324, 1.0),
        (-1e-17, 1.0),
        (1.0, std::f64::consts::E),
        (709.782712893384, 1.7976931348622732e308),
        (709.7827128933841, f64::INFINITY),
        (f64::MAX, f64::INFINITY),
        (f64::INFINITY, f64::INFINITY),
        (-745.1332191019411, 5e-324),
        (-745.1332191019412, 0.0),
        (f64::MIN, 0.0),
        (f64::NEG_INFINITY, 0.0),
    ] {
        assert_eq!(exp(x).to_bits(), f64::to_bits(y), "{x}: {}", exp(x));
    }
    assert!(exp(f64::NAN).is_nan() && tanh(f64::NAN).is_nan() && sigmoid(f64::NAN).is_nan());
    assert!(draws(1000).all(|u| exp(-u) <= 1.0 && exp(u) >= 1.0));
}

#[test]
fn tanh_is_within_3_units_in_the_last_place() {
    let mut worst = (0.0, 0.0);
    let near = draws(200_000).map(|u| u * 2.0 - 1.0);
    let wide = draws(200_000).map(|u| u * 50.0 - 25.0);
    let tiny = draws(20_000).map(|u| (u - 0.5) * 1e-5);
    for x in near.chain(wide).chain(tiny).filter(|x| x.abs() > 1e-12) {
        // (e^2x - 1) / (e^2x + 1), of |x|; a small e^2x - 1 keeps 100 bits less those of 1 / x.
        let (k, e) = truth(Pair(2.0 * x.abs(), 0.0));
        let e = Pair(scaled(e.0, k), scaled(e.1, k));
        let t = e.add(Pair(1.0, 0.0)).under(e.add(Pair(-1.0, 0.0)));
        let unit = t.0.next_up() - t.0;
        let off = (((tanh(x).abs() - t.0) - t.1) / unit).abs();
        worst = if off > worst.1 { (x, off) } else { worst };
    }
    println!("tanh is off by at most {} units, at {}", worst.1, worst.0);
    assert!(worst.1 < 3.0 && worst.1 > 0.5, "{worst:?}");
    for (x, y) in [(0.0, 0.0), (-0.0, -0.0), (5e-324, 5e-324), (1e-300, 1e-300), (20.0, 1.0), (-1e308, -1.0)] {
        assert_eq!(tanh(x).to_bits(), f64::to_bits(y), "{x}: {}", tanh(x));
    }
    assert_eq!((tanh(f64::INFINITY), tanh(f64::NEG_INFINITY)), (1.0, -1.0));
}

/// What a loop over columns gives is what each number alone gives, in every bit.
#[test]
fn columns_equal_numbers() {
    use super::super::{BLOCK, Lot};
    let hard = [0.0, -0.0, 1.0, -1.0, 5e-324, -5e-324, 709.9, -745.2, 1e300, -1e300, f64::INFINITY, f64::NEG_INFINITY];
    let values: Vec<f64> =
        draws(3 * BLOCK).enumerate().map(|(i, u)| hard.get(i % 20).copied().unwrap_or(u * 100.0 - 50.0)).collect();
    for rows in [1, 2, 3, 7, 255, 256] {
        for (all, one) in [
            ((|lot, values, n| lot.each_exp(values, n, |v| v)) as fn(Lot, &mut [f64], usize), exp as fn(f64) -> f64),
            (Lot::sigmoid, sigmoid),
            (Lot::each_tanh, tanh),
        ] {
            let mut columns = values.clone();
            all(Lot::block(rows), &mut columns, 3);
            for (j, (v, column)) in values.chunks(BLOCK).zip(columns.chunks(BLOCK)).enumerate() {
                for r in 0..rows {
                    assert_eq!(column[r].to_bits(), one(v[r]).to_bits(), "column {j}: {}", v[r]);
                }
            }
        }
    }
}
