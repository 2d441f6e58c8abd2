//! Real numbers as integers, two in a word: sums that do not depend on their order.
//!
//! A [`Pair`] holds a signed sum (gradients, in the upper 32 bits, two's complement) and an unsigned one (hessians, below it)
//! of at most 2^31 each, so that one addition of words adds both. A histogram is then the same at any number of threads, and
//! a sibling's is exactly the parent's minus the other child's.

/// `gradient << 32 | hessian`.
pub(crate) type Pair = u64;

/// The signed half.
#[inline(always)]
pub(crate) fn upper(p: Pair) -> i32 {
    (p >> 32) as i32
}

/// The unsigned half.
#[inline(always)]
pub(crate) fn lower(p: Pair) -> i32 {
    p as i32
}

/// How gradients and hessians become integers: times a power of two each, as large as their sums allow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Scale {
    /// Factor on gradients.
    pub(crate) g: f64,
    /// Factor on hessians.
    pub(crate) h: f64,
}

/// Sums stay below 2^31: 2^30 and half a unit for each row (there are less than 2^28).
const BITS: i32 = 30;

/// Adding it rounds to a whole number (halves to even), which the lower bits then hold.
const WHOLE: f64 = 6755399441055744.0;

impl Scale {
    /// `g`, `h`: the sums over all rows of `|gradient|` and of the hessian.
    pub(crate) fn new(g: f64, h: f64) -> Scale {
        Scale { g: power_below(BITS, g), h: power_below(BITS, h) }
    }

    /// A row's share. A row with any hessian keeps at least one unit of it: a sum of 0 says that there are no rows.
    #[inline(always)]
    pub(crate) fn pack(&self, g: f64, h: f64) -> Pair {
        let g = (g * self.g + WHOLE).to_bits() as u32;
        let least = if h > 0.0 { 1.0 } else { 0.0 };
        let h = h * self.h;
        let h = ((if h > least { h } else { least }) + WHOLE).to_bits() as u32;
        u64::from(g) << 32 | u64::from(h)
    }
}

/// The largest power of two `s`, at most about 2^300, with `s * max <= 2^bits`.
pub(crate) fn power_below(bits: i32, max: f64) -> f64 {
    let mut s = 1.0;
    let limit = f64::from_bits(((1023 + i64::from(bits)) as u64) << 52);
    while s * max > limit {
        s /= 2.0;
    }
    while s < 2e90 && s * 2.0 * max <= limit {
        s *= 2.0;
    }
    s
}
