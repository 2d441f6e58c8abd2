//! What the processor can do beyond what every one of its kind can: a hint, and wider vectors.
//!
//! Neither changes a result. [`wide`] compiles the same loop a second time for AVX2; its arithmetic is addition, subtraction,
//! multiplication, division and comparison of doubles, each of which has one right answer.

/// Asks for the cache line of `p` ahead of its use.
#[inline(always)]
pub(crate) fn prefetch<T>(p: &T) {
    #[cfg(target_arch = "x86_64")]
    // SAFETY: a hint; SSE is part of x86_64, and the pointer comes from a reference.
    unsafe {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(p).cast());
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = p;
}

/// Whether [`wide`] runs the wide form.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2")
}

/// Runs `f`, compiled for AVX2 where the processor has it. `f` must be `#[inline(always)]` all the way down.
#[inline(always)]
pub(crate) fn wide<R>(f: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn avx2<R>(f: impl FnOnce() -> R) -> R {
            f()
        }
        if has_avx2() {
            // SAFETY: the processor has AVX2.
            return unsafe { avx2(f) };
        }
    }
    f()
}
