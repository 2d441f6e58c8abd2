//! The types of numbers, behind one trait.

use crate::import::onnx::tensor::Data;
use crate::math;

/// A type of numbers.
pub(super) trait Number: Copy + PartialOrd + 'static {
    const ZERO: Self;
    const ONE: Self;
    /// Exactly, but for large `i64`.
    fn to_f64(self) -> f64;
    /// Rounded to the nearest; whole numbers are cut off.
    fn of_f64(v: f64) -> Self;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    /// `None`: a whole number divided by 0.
    fn div(self, other: Self) -> Option<Self>;
    fn pack(values: Vec<Self>) -> Data;
    fn unpack(data: &Data) -> Option<&[Self]>;

    fn is_nan(self) -> bool {
        self.partial_cmp(&self).is_none()
    }

    /// The larger; NaN if either is.
    fn larger(self, other: Self) -> Self {
        if self.is_nan() || other.is_nan() {
            if self.is_nan() { self } else { other }
        } else if other > self {
            other
        } else {
            self
        }
    }

    /// The smaller; NaN if either is.
    fn smaller(self, other: Self) -> Self {
        if self.is_nan() || other.is_nan() {
            if self.is_nan() { self } else { other }
        } else if other < self {
            other
        } else {
            self
        }
    }
}

macro_rules! float {
    ($t:ident, $variant:ident) => {
        impl Number for $t {
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            fn of_f64(v: f64) -> Self {
                v as $t
            }
            fn add(self, other: Self) -> Self {
                self + other
            }
            fn sub(self, other: Self) -> Self {
                self - other
            }
            fn mul(self, other: Self) -> Self {
                self * other
            }
            fn div(self, other: Self) -> Option<Self> {
                Some(self / other)
            }
            fn pack(values: Vec<Self>) -> Data {
                Data::$variant(values)
            }
            fn unpack(data: &Data) -> Option<&[Self]> {
                if let Data::$variant(v) = data { Some(v) } else { None }
            }
        }
    };
}

macro_rules! whole {
    ($t:ident, $variant:ident) => {
        impl Number for $t {
            const ZERO: Self = 0;
            const ONE: Self = 1;
            fn to_f64(self) -> f64 {
                self as f64
            }
            fn of_f64(v: f64) -> Self {
                v as $t
            }
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            fn sub(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            fn mul(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            fn div(self, other: Self) -> Option<Self> {
                if other == 0 { None } else { Some(self.wrapping_div(other)) }
            }
            fn pack(values: Vec<Self>) -> Data {
                Data::$variant(values)
            }
            fn unpack(data: &Data) -> Option<&[Self]> {
                if let Data::$variant(v) = data { Some(v) } else { None }
            }
        }
    };
}

float!(f32, F32);
float!(f64, F64);
whole!(i32, I32);
whole!(i64, I64);

/// `$body` with `$v` the elements, for the types listed; an error for others.
macro_rules! typed {
    ($data:expr, $v:ident => $body:expr) => {
        match $data {
            Data::F32($v) => $body,
            Data::F64($v) => $body,
            Data::I32($v) => $body,
            Data::I64($v) => $body,
            other => Err(super::number::not(other, "numbers")),
        }
    };
}

/// `$body` with `$v` the elements, which are `f32` or `f64`.
macro_rules! floating {
    ($data:expr, $v:ident => $body:expr) => {
        match $data {
            Data::F32($v) => $body,
            Data::F64($v) => $body,
            other => Err(super::number::not(other, "float32 or float64 numbers")),
        }
    };
}

pub(super) use {floating, typed};

/// The error of elements of the wrong type.
pub(super) fn not(data: &Data, wanted: &str) -> crate::error::Error {
    crate::import::error(format!("values of type {} in place of {wanted}", data.element().name()))
}

/// The elements as `$T`, which another input has.
pub(super) fn same<T: Number>(data: &Data) -> crate::error::Result<&[T]> {
    T::unpack(data).ok_or_else(|| not(data, T::pack(Vec::new()).element().name()))
}

/// `a` to the power `b`, as numpy has it for whole numbers too.
pub(super) fn pow<T: Number>(a: T, b: f64) -> T {
    T::of_f64(math::pow(a.to_f64(), b))
}
