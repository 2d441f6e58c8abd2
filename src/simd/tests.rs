//! Every operation against its meaning, lane by lane, over the numbers at which something changes.

use super::*;

const BYTES: [i8; 9] = [-128, -127, -16, -1, 0, 1, 15, 16, 127];
const SHORTS: [i16; 11] = [-32768, -32767, -256, -1, 0, 1, 254, 255, 256, 32766, 32767];
const WORDS: [i32; 7] = [i32::MIN, i32::MIN + 1, -1, 0, 1, 65_536, i32::MAX];
const LONGS: [i64; 7] = [i64::MIN, i64::MIN + 1, -1, 0, 1, 1 << 40, i64::MAX];
const REALS: [f64; 11] =
    [f64::NEG_INFINITY, -1e308, -1.5, -5e-324, -0.0, 0.0, 5e-324, 0.1, 1e308, f64::INFINITY, f64::NAN];

/// Vectors of pairs (a, b), so that every pair of numbers meets in some lane, each lane sees different ones.
fn pairs<T: Copy + Default, const N: usize>(all: &[T]) -> Vec<([T; N], [T; N])> {
    let n = all.len();
    let pair = |k: usize| (all[k / n % n], all[k % n]);
    (0..n * n)
        .map(|k| (std::array::from_fn(|i| pair(k + i * 7).0), std::array::from_fn(|i| pair(k + i * 7).1)))
        .collect()
}

/// `op` over vectors is `plain` over lanes.
macro_rules! same {
    ($vector:ident, $all:expr, $op:expr, $plain:expr) => {
        for (a, b) in pairs(&$all) {
            let out = $op($vector::load(&a), $vector::load(&b)).lanes();
            for i in 0..a.len() {
                assert_eq!(out[i], $plain(a[i], b[i]), "{} of {:?} and {:?}", stringify!($op), a[i], b[i]);
            }
        }
    };
}

macro_rules! whole_numbers {
    ($vector:ident, $lane:ident, $all:expr) => {
        same!($vector, $all, |a, b| a + b, $lane::wrapping_add);
        same!($vector, $all, |a, b| a - b, $lane::wrapping_sub);
        same!($vector, $all, |a, b| a & b, |a, b| a & b);
        same!($vector, $all, |a, b| a | b, |a, b| a | b);
        same!($vector, $all, |a, b| a ^ b, |a, b| a ^ b);
        same!($vector, $all, $vector::gt, |a, b| if a > b { -1 } else { 0 });
        same!($vector, $all, $vector::eq, |a, b| if a == b { -1 } else { 0 });
        for v in $all {
            assert_eq!($vector::splat(v).lanes(), [v; size_of::<$vector>() / size_of::<$lane>()]);
        }
    };
}

#[test]
fn whole_numbers_wrap_compare_and_mix_bits() {
    whole_numbers!(I8x16, i8, BYTES);
    whole_numbers!(I16x8, i16, SHORTS);
    whole_numbers!(I32x4, i32, WORDS);
    whole_numbers!(I64x2, i64, LONGS);
    same!(I8x16, BYTES, I8x16::min, |a: i8, b: i8| a.min(b));
    same!(I8x16, BYTES, I8x16::max, |a: i8, b: i8| a.max(b));
    same!(I16x8, SHORTS, I16x8::min, |a: i16, b: i16| a.min(b));
    same!(I16x8, SHORTS, I16x8::max, |a: i16, b: i16| a.max(b));
    same!(I16x8, SHORTS, I16x8::sub_sat_u, |a, b| (i32::from(a as u16) - i32::from(b as u16)).max(0) as u16 as i16);
    same!(I32x4, WORDS, I32x4::min, |a: i32, b: i32| a.min(b));
    same!(I32x4, WORDS, I32x4::max, |a: i32, b: i32| a.max(b));
}

#[test]
fn shifts_bring_zeros() {
    for v in WORDS {
        for n in 0..32 {
            assert_eq!(I32x4::splat(v).shl(n).lanes(), [((v as u32) << n) as i32; 4]);
            assert_eq!(I32x4::splat(v).shr_u(n).lanes(), [((v as u32) >> n) as i32; 4]);
        }
    }
    for v in LONGS {
        for n in 0..64 {
            assert_eq!(I64x2::splat(v).shl(n).lanes(), [((v as u64) << n) as i64; 2]);
            assert_eq!(I64x2::splat(v).shr_u(n).lanes(), [((v as u64) >> n) as i64; 2]);
        }
    }
}

#[test]
fn lanes_are_found_replaced_and_narrowed() {
    let table: [i8; 16] = std::array::from_fn(|i| i as i8 * 3 - 20);
    for v in i8::MIN..=i8::MAX {
        let found = if (0..16).contains(&v) { table[v as usize] } else { 0 };
        assert_eq!(I8x16::load(&table).swizzle(I8x16::splat(v)).lanes(), [found; 16], "{v}");
    }
    let mut fourth = table;
    fourth[4] = 77;
    assert_eq!(I8x16::load(&table).with::<4>(77).lanes(), fourth);
    assert_eq!(I8x16::load(&table).get::<15>(), table[15]);
    let shorts = [1, 2, 3, 4, 5, 6, 7, 8];
    assert_eq!(I16x8::load(&shorts).with::<7>(-9).lanes(), [1, 2, 3, 4, 5, 6, 7, -9]);
    assert_eq!(I16x8::load(&shorts).get::<2>(), 3);
    assert_eq!(I32x4::load(&[1, 2, 3, 4]).get::<3>(), 4);
    assert_eq!(I64x2::load(&[1, 2]).get::<1>(), 2);
    for (a, b) in pairs::<i16, 8>(&SHORTS) {
        let narrow = I16x8::load(&a).narrow_u(I16x8::load(&b)).lanes();
        for (out, v) in narrow.iter().zip(a.iter().chain(&b)) {
            assert_eq!(*out as u8, (*v).clamp(0, 255) as u8, "{v}");
        }
    }
    let halves = low_halves(I64x2::load(&[-1, 1 << 40 | 5]), I64x2::load(&[7, i64::MIN]));
    assert_eq!(halves.lanes(), [-1, 5, 7, 0]);
}

#[test]
fn numbers_keep_their_bits() {
    /// Bits, so that zeros are told apart; of NaN any.
    fn bits(v: f64) -> u64 {
        crate::math::bits(v)
    }
    macro_rules! reals {
        ($op:expr, $plain:expr) => {
            for (a, b) in pairs::<f64, 2>(&REALS) {
                let out = $op(F64x2::load(&a), F64x2::load(&b)).lanes();
                for i in 0..2 {
                    assert_eq!(bits(out[i]), bits($plain(a[i], b[i])), "{}: {}, {}", stringify!($op), a[i], b[i]);
                }
            }
        };
    }
    reals!(|a, b| a + b, |a, b| a + b);
    reals!(|a, b| a - b, |a, b| a - b);
    reals!(|a, b| a * b, |a, b| a * b);
    reals!(|a, b| a / b, |a, b| a / b);
    reals!(F64x2::pmin, |a, b| if b < a { b } else { a });
    reals!(F64x2::pmax, |a, b| if a < b { b } else { a });
    reals!(|a: F64x2, _| a.sqrt(), |a: f64, _| a.sqrt());
    reals!(|a: F64x2, _| a.abs(), |a: f64, _| a.abs());
    reals!(|a: F64x2, _| F64x2::of_bits(a.bits()), |a, _| a);
    same!(F64x2, REALS, F64x2::lt, |a, b| if a < b { -1 } else { 0 });
    same!(F64x2, REALS, F64x2::le, |a, b| if a <= b { -1 } else { 0 });
    same!(F64x2, REALS, F64x2::eq, |a, b| if a == b { -1 } else { 0 });
    same!(F64x2, REALS, F64x2::ne, |a, b| if a == b { 0 } else { -1 });
    for v in REALS {
        assert_eq!(F64x2::splat(v).lanes().map(bits), [bits(v); 2]);
        let chosen = I64x2::load(&[-1, 0]).select(F64x2::splat(v), F64x2::splat(3.0));
        assert_eq!((bits(chosen.get::<0>()), chosen.get::<1>()), (bits(v), 3.0));
    }
}
