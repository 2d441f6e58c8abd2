//! e^x and what is made of it, in steps that a compiler can do for two numbers at once: no branch, no table, no division.
//!
//! x = k ln 2 + r with |r| <= ln(2) / 2, e^x = 2^k e^r: the reduction of Cody and Waite, "Software Manual for the Elementary
//! Functions" (1980), chapter 6, ln 2 in two parts of which the first times k is exact. e^r is 1 + r + r² p(r), p of degree 9: the
//! polynomial of least largest error relative to e^r (found with Remez's algorithm in 60 digits, its first coefficient held
//! at 1/2), off by less than 2^-57 before rounding. What rounding takes from r and from 1 + r is added back (Dekker, "A
//! floating-point technique for extending the available precision", 1971, the sum of two numbers).
//!
//! The tests hold `exp` to 0.7 units in the last place (0.8 of subnormals, which are rounded twice) and `tanh` to 3.

const LOG2_E: f64 = std::f64::consts::LOG2_E;
/// ln 2, its first 32 bits: times a whole number of 11 bits it is exact.
const LN2_HIGH: f64 = 0.6931471803691238;
/// The rest of it.
const LN2_LOW: f64 = 1.9082149292705877e-10;
/// 1.5 * 2^52: numbers of this size are whole, and the last bits of k + SHIFT are those of k.
const SHIFT: f64 = 6755399441055744.0;

/// x, taken apart.
struct Reduced {
    /// Whole.
    k: f64,
    /// x - k ln 2.
    r: f64,
    /// e^r - 1 - r.
    rest: f64,
}

#[inline(always)]
fn reduced(x: f64) -> Reduced {
    let k = (x * LOG2_E + SHIFT) - SHIFT;
    let high = x - k * LN2_HIGH;
    let low = k * LN2_LOW;
    let r = high - low;
    let lost = (high - r) - low;
    let r2 = r * r;
    let r4 = r2 * r2;
    let p = ((0.5 + 0.16666666666666433 * r) + r2 * (0.041666666666603965 + 0.008333333333500715 * r))
        + r4 * (((0.0013888888926793122 + 0.00019841269464345308 * r)
            + r2 * (2.4801508686745167e-05 + 2.755764288860264e-06 * r))
            + r4 * (2.7625185115133413e-07 + 2.4977632566060256e-08 * r));
    Reduced { k, r, rest: lost + r2 * p }
}

/// 2^k, of a whole `k` in -1022..=1023.
#[inline(always)]
fn power_of_two(k: f64) -> f64 {
    f64::from_bits((k + SHIFT).to_bits().wrapping_add(1023) << 52)
}

/// As [`exp`], for loops.
#[inline(always)]
pub(crate) fn exp_inline(x: f64) -> f64 {
    let x = if x > 710.0 { 710.0 } else { x };
    let x = if x < -746.0 { -746.0 } else { x };
    let Reduced { k, r, rest } = reduced(x);
    let one = 1.0 + r;
    let e = one + ((r - (one - 1.0)) + rest);
    // In two steps: 2^k alone may be no normal number where the product is one, or is a subnormal.
    let half = (k * 0.5 + SHIFT) - SHIFT;
    e * power_of_two(half) * power_of_two(k - half)
}

/// As [`sigmoid`], for loops.
#[inline(always)]
pub(crate) fn sigmoid_inline(z: f64) -> f64 {
    let e = exp_inline(-z.abs());
    (if z >= 0.0 { 1.0 } else { e }) / (1.0 + e)
}

/// As [`tanh`], for loops.
#[inline(always)]
pub(crate) fn tanh_inline(z: f64) -> f64 {
    let x = 2.0 * z.abs();
    // Beyond it, tanh is 1.
    let x = if x > 40.0 { 40.0 } else { x };
    let Reduced { k, r, rest } = reduced(x);
    let scale = power_of_two(k);
    let e = scale * (r + rest) + (scale - 1.0);
    (e / (e + 2.0)).copysign(z)
}

/// e^x: within 0.7 units in the last place; exact at 0, infinite above 709.78, subnormal below -708.4, 0 below -745.13.
///
/// ```
/// use hedgerow::math::exp;
/// assert_eq!((exp(0.0), exp(1.0), exp(-1e308), exp(1e308)), (1.0, std::f64::consts::E, 0.0, f64::INFINITY));
/// assert!(exp(f64::NAN).is_nan());
/// ```
pub fn exp(x: f64) -> f64 {
    exp_inline(x)
}

/// `1 / (1 + e^-z)`, without overflow; 0 and 1 at the far ends.
pub fn sigmoid(z: f64) -> f64 {
    sigmoid_inline(z)
}

/// The hyperbolic tangent, as (e^2z - 1) / (e^2z + 1).
pub fn tanh(z: f64) -> f64 {
    tanh_inline(z)
}

#[cfg(test)]
mod tests;
