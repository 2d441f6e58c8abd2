//! The same loops, compiled for vectors as wide as this machine has.
//!
//! What is done number by number (add, subtract, multiply, divide, square root, compare) rounds alike at any width, and the compiler never fuses
//! multiply and add nor reorders a sum. So the bits are those of the plain form as long as each sum's order stands in the
//! source; the tests of those who use it hold that.

/// Work whose loops gain from wide vectors. Everything it calls must be `#[inline(always)]`, or it is compiled for the narrow ones.
pub(crate) trait Work {
    type Out;

    /// `WIDTH`: bytes of a vector, which may decide how loops are cut, never what they compute.
    fn run<const WIDTH: usize>(self) -> Self::Out;
}

/// Runs it for the widest vectors there are.
#[inline]
pub(crate) fn widest<W: Work>(work: W) -> W::Out {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has what the function is compiled for.
            return unsafe { with_avx2(work) };
        }
    }
    plain(work)
}

/// Runs it for the vectors that every machine of this target has.
#[inline(never)]
pub(crate) fn plain<W: Work>(work: W) -> W::Out {
    work.run::<16>()
}

#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx2")]
fn with_avx2<W: Work>(work: W) -> W::Out {
    work.run::<32>()
}
