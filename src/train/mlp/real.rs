//! The numbers that networks are trained with: single precision for the stochastic solvers, double for L-BFGS.
//!
//! Activations are for loops: no branch, no table. Those of single precision are made as [`crate::math`]'s are (Cody and Waite's reduction,
//! e^r as 1 + r + r² p(r)), p of degree 4 found by reweighted least squares on |r| <= ln(2) / 2, off by less than 2^-28 before
//! rounding. Inference computes with its own, in double precision; a unit in the last place there or here changes no fit.

use crate::math;
use std::ops::{Add, Div, Mul, Neg, Sub};

/// f32 or f64.
pub(super) trait Real:
    Copy
    + Default
    + PartialOrd
    + Send
    + Sync
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + 'static
{
    const ZERO: Self;
    const ONE: Self;

    fn of(v: f64) -> Self;
    fn f64(self) -> f64;
    fn sqrt(self) -> Self;
    fn tanh(self) -> Self;
    fn sigmoid(self) -> Self;
}

impl Real for f64 {
    const ZERO: f64 = 0.0;
    const ONE: f64 = 1.0;

    #[inline(always)]
    fn of(v: f64) -> f64 {
        v
    }
    #[inline(always)]
    fn f64(self) -> f64 {
        self
    }
    #[inline(always)]
    fn sqrt(self) -> f64 {
        f64::sqrt(self)
    }
    #[inline(always)]
    fn tanh(self) -> f64 {
        math::tanh_inline(self)
    }
    #[inline(always)]
    fn sigmoid(self) -> f64 {
        math::sigmoid_inline(self)
    }
}

impl Real for f32 {
    const ZERO: f32 = 0.0;
    const ONE: f32 = 1.0;

    #[inline(always)]
    fn of(v: f64) -> f32 {
        v as f32
    }
    #[inline(always)]
    fn f64(self) -> f64 {
        f64::from(self)
    }
    #[inline(always)]
    fn sqrt(self) -> f32 {
        f32::sqrt(self)
    }

    /// As (e^2|z| - 1) / (e^2|z| + 1), with the sign of z.
    #[inline(always)]
    fn tanh(self) -> f32 {
        let x = 2.0 * self.abs();
        // Beyond it, tanh is 1.
        let x = if x > 20.0 { 20.0 } else { x };
        let (scale, r, rest) = reduced(x);
        let e = scale * (r + rest) + (scale - 1.0);
        (e / (e + 2.0)).copysign(self)
    }

    #[inline(always)]
    fn sigmoid(self) -> f32 {
        let x = -self.abs();
        let x = if x < -87.0 { -87.0 } else { x };
        let (scale, r, rest) = reduced(x);
        let e = scale * (1.0 + (r + rest));
        (if self >= 0.0 { 1.0 } else { e }) / (1.0 + e)
    }
}

/// 1.5 * 2^23: numbers of this size are whole, and the last bits of k + SHIFT are those of k.
const SHIFT: f32 = 12_582_912.0;
/// ln 2, its first 15 bits: times a whole number of 8 bits it is exact.
const LN2_HIGH: f32 = 0.693_145_75;
/// The rest of it.
const LN2_LOW: f32 = 1.428_606_8e-6;

/// 2^k, r, and e^r - 1 - r of x = k ln 2 + r, of |x| <= 87.
#[inline(always)]
fn reduced(x: f32) -> (f32, f32, f32) {
    let shifted = x * std::f32::consts::LOG2_E + SHIFT;
    let k = shifted - SHIFT;
    let r = (x - k * LN2_HIGH) - k * LN2_LOW;
    let r2 = r * r;
    let p = (0.499_999_94 + 0.166_665_21 * r) + r2 * ((0.041_668_39 + 0.008_368_71 * r) + r2 * 0.001_381_461_3);
    let scale = f32::from_bits(shifted.to_bits().wrapping_add(127) << 23);
    (scale, r, r2 * p)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn activations_of_single_precision_are_right_to_a_few_units() {
        assert!((f64::from(LN2_HIGH) + f64::from(LN2_LOW) - std::f64::consts::LN_2).abs() < 1e-13);
        let (mut of_tanh, mut of_sigmoid) = (0.0f64, 0.0f64);
        for i in -200_000..=200_000 {
            let z = i as f32 * 1.5e-4;
            let (tanh, sigmoid) = (math::tanh(z.f64()), math::sigmoid(z.f64()));
            of_tanh = of_tanh.max(((Real::tanh(z)).f64() - tanh).abs() / tanh.abs().max(1e-30));
            of_sigmoid = of_sigmoid.max((Real::sigmoid(z).f64() - sigmoid).abs() / sigmoid);
        }
        assert!(of_tanh < 4e-7 && of_sigmoid < 4e-7, "{of_tanh} {of_sigmoid}");
        for z in [100.0f32, 1e30, f32::INFINITY] {
            assert_eq!((Real::tanh(z), Real::tanh(-z), Real::sigmoid(z)), (1.0, -1.0, 1.0));
            assert!(Real::sigmoid(-z) < 1e-30);
        }
        assert!(Real::tanh(f32::NAN).is_nan() && Real::sigmoid(f32::NAN).is_nan());
    }
}
