//! Vectors of 128 bits: the one room, besides the JavaScript face, that asks for its target.
//!
//! On wasm32 each operation is an instruction of simd128; elsewhere it is a loop over an array, which LLVM turns into the
//! vector instructions every such target has. Both have the same bits: nothing here rounds differently, fuses or
//! reassociates. Whole numbers wrap; a comparison gives a mask, all ones (-1) where it holds and 0 elsewhere.

use std::ops::{Add, BitAnd, BitOr, BitXor, Div, Mul, Sub};

#[cfg(test)]
mod tests;

#[cfg(target_arch = "wasm32")]
use core::arch::wasm32 as arch;

/// Implements an operator by a function of both sides.
macro_rules! operator {
    ($vector:ident: $($operator:ident $method:ident = $f:expr;)*) => {$(
        impl $operator for $vector {
            type Output = $vector;
            #[inline(always)]
            fn $method(self, other: $vector) -> $vector {
                $f(self, other)
            }
        }
    )*};
}

/// A vector: its name, lane, number of lanes, intrinsic for splats, and what each method of two vectors is: by name, the
/// intrinsic and the plain meaning lane by lane.
macro_rules! vector {
    (
        $(#[$doc:meta])* $vector:ident [$lane:ty; $n:literal] $splat:ident
        operators: { $($operator:ident $method:ident $op_arch:ident $op_plain:expr;)* }
        methods: { $($(#[$m_doc:meta])* $name:ident $out:ident $arch:ident $plain:expr;)* }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $vector(
            #[cfg(target_arch = "wasm32")] arch::v128,
            #[cfg(not(target_arch = "wasm32"))] [$lane; $n],
        );

        impl $vector {
            /// The lanes, in order of addresses.
            #[inline(always)]
            pub fn load(from: &[$lane; $n]) -> $vector {
                #[cfg(target_arch = "wasm32")]
                // SAFETY: an array of 16 bytes is read; v128.load asks for no alignment.
                return $vector(unsafe { arch::v128_load(from.as_ptr().cast()) });
                #[cfg(not(target_arch = "wasm32"))]
                $vector(*from)
            }

            /// Writes the lanes, in order of addresses.
            #[inline(always)]
            pub fn store(self, to: &mut [$lane; $n]) {
                #[cfg(target_arch = "wasm32")]
                // SAFETY: an array of 16 bytes is written; v128.store asks for no alignment.
                unsafe { arch::v128_store(to.as_mut_ptr().cast(), self.0) };
                #[cfg(not(target_arch = "wasm32"))]
                { *to = self.0; }
            }

            /// All lanes alike.
            #[inline(always)]
            pub fn splat(v: $lane) -> $vector {
                #[cfg(target_arch = "wasm32")]
                return $vector(arch::$splat(v));
                #[cfg(not(target_arch = "wasm32"))]
                $vector([v; $n])
            }

            /// The lanes as an array.
            #[inline(always)]
            pub fn lanes(self) -> [$lane; $n] {
                let mut lanes = [Default::default(); $n];
                self.store(&mut lanes);
                lanes
            }

            $(
                $(#[$m_doc])*
                #[inline(always)]
                pub fn $name(self, other: $vector) -> $out {
                    #[cfg(target_arch = "wasm32")]
                    return $out(arch::$arch(self.0, other.0));
                    #[cfg(not(target_arch = "wasm32"))]
                    $out(std::array::from_fn(|i| ($plain)(self.0[i], other.0[i])))
                }
            )*
        }

        operator! { $vector: $($operator $method = |a: $vector, b: $vector| {
            #[cfg(target_arch = "wasm32")]
            return $vector(arch::$op_arch(a.0, b.0));
            #[cfg(not(target_arch = "wasm32"))]
            $vector(std::array::from_fn(|i| ($op_plain)(a.0[i], b.0[i])))
        };)* }
    };
}

vector! {
    /// Sixteen bytes.
    I8x16 [i8; 16] i8x16_splat
    operators: {
        Add add i8x16_add i8::wrapping_add;
        Sub sub i8x16_sub i8::wrapping_sub;
        BitAnd bitand v128_and |a, b| a & b;
        BitOr bitor v128_or |a, b| a | b;
        BitXor bitxor v128_xor |a, b| a ^ b;
    }
    methods: {
        /// `self > other`, signed.
        gt I8x16 i8x16_gt |a: i8, b: i8| -i8::from(a > b);
        /// `self == other`.
        eq I8x16 i8x16_eq |a: i8, b: i8| -i8::from(a == b);
        /// The smaller, signed.
        min I8x16 i8x16_min |a: i8, b: i8| a.min(b);
        /// The larger, signed.
        max I8x16 i8x16_max |a: i8, b: i8| a.max(b);
    }
}

impl I8x16 {
    /// Lane `i` becomes `self[at[i]]`, or 0 where `at[i]` is not in 0..16.
    #[inline(always)]
    pub fn swizzle(self, at: I8x16) -> I8x16 {
        #[cfg(target_arch = "wasm32")]
        return I8x16(arch::i8x16_swizzle(self.0, at.0));
        #[cfg(not(target_arch = "wasm32"))]
        I8x16(at.0.map(|i| if (0..16).contains(&i) { self.0[i as usize & 15] } else { 0 }))
    }

    /// Replaces lane `LANE`.
    #[inline(always)]
    pub fn with<const LANE: usize>(self, v: i8) -> I8x16 {
        #[cfg(target_arch = "wasm32")]
        return I8x16(arch::i8x16_replace_lane::<LANE>(self.0, v));
        #[cfg(not(target_arch = "wasm32"))]
        {
            let mut lanes = self.0;
            lanes[LANE] = v;
            I8x16(lanes)
        }
    }

    /// Lane `LANE`.
    #[inline(always)]
    pub fn get<const LANE: usize>(self) -> i8 {
        #[cfg(target_arch = "wasm32")]
        return arch::i8x16_extract_lane::<LANE>(self.0);
        #[cfg(not(target_arch = "wasm32"))]
        self.0[LANE]
    }
}

vector! {
    /// Eight numbers of 16 bits.
    I16x8 [i16; 8] i16x8_splat
    operators: {
        Add add i16x8_add i16::wrapping_add;
        Sub sub i16x8_sub i16::wrapping_sub;
        BitAnd bitand v128_and |a, b| a & b;
        BitOr bitor v128_or |a, b| a | b;
        BitXor bitxor v128_xor |a, b| a ^ b;
    }
    methods: {
        /// `self > other`, signed.
        gt I16x8 i16x8_gt |a: i16, b: i16| -i16::from(a > b);
        /// `self == other`.
        eq I16x8 i16x8_eq |a: i16, b: i16| -i16::from(a == b);
        /// The smaller, signed.
        min I16x8 i16x8_min |a: i16, b: i16| a.min(b);
        /// The larger, signed.
        max I16x8 i16x8_max |a: i16, b: i16| a.max(b);
        /// The difference, unsigned, 0 where it would be negative.
        sub_sat_u I16x8 u16x8_sub_sat |a: i16, b: i16| (a as u16).saturating_sub(b as u16) as i16;
    }
}

impl I16x8 {
    /// The lanes of both as unsigned bytes; a lane past 0..=255 becomes the nearer end. (There is no unsigned `min`: LLVM takes
    /// `umin(v, 255)` before this instruction for nothing, though the instruction reads 0x8000 and more as negative.)
    #[inline(always)]
    pub fn narrow_u(self, high: I16x8) -> I8x16 {
        #[cfg(target_arch = "wasm32")]
        return I8x16(arch::u8x16_narrow_i16x8(self.0, high.0));
        #[cfg(not(target_arch = "wasm32"))]
        {
            let narrow = |v: i16| v.clamp(0, 255) as u8 as i8;
            I8x16(std::array::from_fn(|i| narrow(if i < 8 { self.0[i] } else { high.0[i - 8] })))
        }
    }

    /// Replaces lane `LANE`.
    #[inline(always)]
    pub fn with<const LANE: usize>(self, v: i16) -> I16x8 {
        #[cfg(target_arch = "wasm32")]
        return I16x8(arch::i16x8_replace_lane::<LANE>(self.0, v));
        #[cfg(not(target_arch = "wasm32"))]
        {
            let mut lanes = self.0;
            lanes[LANE] = v;
            I16x8(lanes)
        }
    }

    /// Lane `LANE`.
    #[inline(always)]
    pub fn get<const LANE: usize>(self) -> i16 {
        #[cfg(target_arch = "wasm32")]
        return arch::i16x8_extract_lane::<LANE>(self.0);
        #[cfg(not(target_arch = "wasm32"))]
        self.0[LANE]
    }
}

vector! {
    /// Four numbers of 32 bits.
    I32x4 [i32; 4] i32x4_splat
    operators: {
        Add add i32x4_add i32::wrapping_add;
        Sub sub i32x4_sub i32::wrapping_sub;
        BitAnd bitand v128_and |a, b| a & b;
        BitOr bitor v128_or |a, b| a | b;
        BitXor bitxor v128_xor |a, b| a ^ b;
    }
    methods: {
        /// `self > other`, signed.
        gt I32x4 i32x4_gt |a: i32, b: i32| -i32::from(a > b);
        /// `self == other`.
        eq I32x4 i32x4_eq |a: i32, b: i32| -i32::from(a == b);
        /// The smaller, signed.
        min I32x4 i32x4_min |a: i32, b: i32| a.min(b);
        /// The larger, signed.
        max I32x4 i32x4_max |a: i32, b: i32| a.max(b);
    }
}

vector! {
    /// Two numbers of 64 bits.
    I64x2 [i64; 2] i64x2_splat
    operators: {
        Add add i64x2_add i64::wrapping_add;
        Sub sub i64x2_sub i64::wrapping_sub;
        BitAnd bitand v128_and |a, b| a & b;
        BitOr bitor v128_or |a, b| a | b;
        BitXor bitxor v128_xor |a, b| a ^ b;
    }
    methods: {
        /// `self > other`, signed.
        gt I64x2 i64x2_gt |a: i64, b: i64| -i64::from(a > b);
        /// `self == other`.
        eq I64x2 i64x2_eq |a: i64, b: i64| -i64::from(a == b);
    }
}

/// Shifts, `n` below the width of a lane.
macro_rules! shifts {
    ($vector:ident $lane:ident $unsigned:ident $shl:ident $shr:ident $get:ident) => {
        impl $vector {
            /// Shifted up by `n` bits (below the width of a lane), zeros following.
            #[expect(clippy::should_implement_trait, reason = "one number of bits for all lanes")]
            #[inline(always)]
            pub fn shl(self, n: u32) -> $vector {
                #[cfg(target_arch = "wasm32")]
                return $vector(arch::$shl(self.0, n));
                #[cfg(not(target_arch = "wasm32"))]
                $vector(self.0.map(|v| v << n))
            }

            /// Shifted down by `n` bits (below the width of a lane), zeros following.
            #[inline(always)]
            pub fn shr_u(self, n: u32) -> $vector {
                #[cfg(target_arch = "wasm32")]
                return $vector(arch::$shr(self.0, n));
                #[cfg(not(target_arch = "wasm32"))]
                $vector(self.0.map(|v| (v as $unsigned >> n) as $lane))
            }

            /// Lane `LANE`.
            #[inline(always)]
            pub fn get<const LANE: usize>(self) -> $lane {
                #[cfg(target_arch = "wasm32")]
                return arch::$get::<LANE>(self.0);
                #[cfg(not(target_arch = "wasm32"))]
                self.0[LANE]
            }
        }
    };
}

shifts!(I32x4 i32 u32 i32x4_shl u32x4_shr i32x4_extract_lane);
shifts!(I64x2 i64 u64 i64x2_shl u64x2_shr i64x2_extract_lane);

/// The mask of a comparison of two numbers.
#[cfg(not(target_arch = "wasm32"))]
fn mask(holds: bool) -> i64 {
    -i64::from(holds)
}

vector! {
    /// Two f64 numbers.
    F64x2 [f64; 2] f64x2_splat
    operators: {
        Add add f64x2_add |a, b| a + b;
        Sub sub f64x2_sub |a, b| a - b;
        Mul mul f64x2_mul |a, b| a * b;
        Div div f64x2_div |a, b| a / b;
    }
    methods: {
        /// `if other < self { other } else { self }`: of NaN on either side, `self`.
        pmin F64x2 f64x2_pmin |a: f64, b: f64| if b < a { b } else { a };
        /// `if self < other { other } else { self }`: of NaN on either side, `self`.
        pmax F64x2 f64x2_pmax |a: f64, b: f64| if a < b { b } else { a };
        /// `self < other`; never of NaN.
        lt I64x2 f64x2_lt |a, b| mask(a < b);
        /// `self <= other`; never of NaN.
        le I64x2 f64x2_le |a, b| mask(a <= b);
        /// `self == other`; never of NaN.
        eq I64x2 f64x2_eq |a, b| mask(a == b);
        /// `self != other`; always of NaN.
        ne I64x2 f64x2_ne |a, b| mask(a != b);
    }
}

impl F64x2 {
    /// The bits.
    #[inline(always)]
    pub fn bits(self) -> I64x2 {
        #[cfg(target_arch = "wasm32")]
        return I64x2(self.0);
        #[cfg(not(target_arch = "wasm32"))]
        I64x2(self.0.map(|v| v.to_bits() as i64))
    }

    /// The numbers of these bits.
    #[inline(always)]
    pub fn of_bits(bits: I64x2) -> F64x2 {
        #[cfg(target_arch = "wasm32")]
        return F64x2(bits.0);
        #[cfg(not(target_arch = "wasm32"))]
        F64x2(bits.0.map(|v| f64::from_bits(v as u64)))
    }

    /// Square roots, correctly rounded.
    #[inline(always)]
    pub fn sqrt(self) -> F64x2 {
        #[cfg(target_arch = "wasm32")]
        return F64x2(arch::f64x2_sqrt(self.0));
        #[cfg(not(target_arch = "wasm32"))]
        F64x2(self.0.map(f64::sqrt))
    }

    /// Without their signs.
    #[inline(always)]
    pub fn abs(self) -> F64x2 {
        #[cfg(target_arch = "wasm32")]
        return F64x2(arch::f64x2_abs(self.0));
        #[cfg(not(target_arch = "wasm32"))]
        F64x2(self.0.map(f64::abs))
    }

    /// Lane `LANE`.
    #[inline(always)]
    pub fn get<const LANE: usize>(self) -> f64 {
        #[cfg(target_arch = "wasm32")]
        return arch::f64x2_extract_lane::<LANE>(self.0);
        #[cfg(not(target_arch = "wasm32"))]
        self.0[LANE]
    }
}

impl I64x2 {
    /// Bit by bit, `yes` where this mask is 1, `no` where it is 0.
    #[inline(always)]
    pub fn select(self, yes: F64x2, no: F64x2) -> F64x2 {
        #[cfg(target_arch = "wasm32")]
        return F64x2(arch::v128_bitselect(yes.0, no.0, self.0));
        #[cfg(not(target_arch = "wasm32"))]
        {
            let (yes, no) = (yes.bits().0, no.bits().0);
            F64x2::of_bits(I64x2(std::array::from_fn(|i| yes[i] & self.0[i] | no[i] & !self.0[i])))
        }
    }
}

/// Four numbers of 32 bits from the low halves of two pairs: a mask of four from two of two.
#[inline(always)]
pub fn low_halves(a: I64x2, b: I64x2) -> I32x4 {
    #[cfg(target_arch = "wasm32")]
    return I32x4(arch::i32x4_shuffle::<0, 2, 4, 6>(a.0, b.0));
    #[cfg(not(target_arch = "wasm32"))]
    I32x4([a.0[0] as i32, a.0[1] as i32, b.0[0] as i32, b.0[1] as i32])
}
