//! The loops that take the time, written so that a compiler turns them into vectors: for every x86-64, and once more for those
//! that have AVX2. Both do the same operations in the same order on each number (nothing is fused, nothing reassociated), so
//! which one runs changes no bit; a test holds them equal.

/// Rows of a block: what kernel values are made for together.
pub(super) const LANES: usize = 16;

/// Numbers whose best is looked for together. A multiple of [`LANES`].
pub(super) const SEGMENT: usize = 128;

/// Where curvature is not positive (two equal rows, or a kernel that is no inner product), libsvm's `TAU` stands for it.
const TAU: f64 = 1e-12;

/// One feature, or one value, of a block's rows.
pub(super) type Lane = [f32; LANES];

/// Defines each function twice and a third that chooses.
macro_rules! for_vectors {
    ($($(#[$doc:meta])* fn $name:ident($($arg:ident: $type:ty),* $(,)?) $(-> $out:ty)? = $body:ident;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name($($arg: $type),*) $(-> $out)? {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2")]
                fn wide($($arg: $type),*) $(-> $out)? {
                    $body($($arg),*)
                }
                if is_x86_feature_detected!("avx2") && !plain() {
                    // SAFETY: the processor has AVX2.
                    return unsafe { wide($($arg),*) };
                }
            }
            $body($($arg),*)
        }
    )*};
}

#[cfg(test)]
thread_local! {
    /// Whether this thread's loops do without AVX2: how a test compares both.
    pub(super) static PLAIN: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

#[cfg(all(test, target_arch = "x86_64"))]
fn plain() -> bool {
    PLAIN.get()
}

#[cfg(all(not(test), target_arch = "x86_64"))]
fn plain() -> bool {
    false
}

for_vectors! {
    /// Inner products of one row with each block's rows. `x`: `d` lanes per block; `at`, `value`: the row's features that are not
    /// 0, in order.
    fn products(x: &[Lane], d: usize, at: &[u32], value: &[f32], out: &mut [Lane]) = products_body;

    /// Squared distances of one row, all `d` values of it, from each block's rows.
    fn distances(x: &[Lane], value: &[f32], out: &mut [Lane]) = distances_body;

    /// Inner products `out` to `exp(-gamma (norm + norms - 2 out))`.
    fn rbf_of_products(out: &mut [f32], norms: &[f32], norm: f32, gamma: f32) = rbf_of_products_body;

    /// Squared distances `out` to `exp(-gamma out)`.
    fn rbf_of_distances(out: &mut [f32], gamma: f32) = rbf_of_distances_body;

    /// `value -= step (a - b)`, and per [`SEGMENT`] the largest `value + up`. All slices are as long as a whole number of lanes.
    fn update(value: &mut [f64], a: &[f32], b: &[f32], step: f64, up: &[f32], best: &mut [f64]) = update_body;

    /// Per [`SEGMENT`] the largest [`gain`] for the row `from`; the least `value + low` of all is returned.
    fn gains(first: First, value: &[f64], low: &[f32], column: &[f32], diagonal: &[f32], best: &mut [f64]) -> f64 = gains_body;

    /// `sum += factor column`.
    fn add(sum: &mut [f64], factor: f64, column: &[f32]) = add_body;
}

/// The first row of a pair.
#[derive(Clone, Copy, Debug)]
pub(super) struct First {
    pub(super) value: f64,
    /// Its kernel value with itself.
    pub(super) diagonal: f32,
}

#[inline(always)]
fn products_body(x: &[Lane], d: usize, at: &[u32], value: &[f32], out: &mut [Lane]) {
    for (block, out) in x.chunks_exact(d).zip(out) {
        let mut sum = [0.0; LANES];
        for (&at, &v) in at.iter().zip(value) {
            for (sum, x) in sum.iter_mut().zip(&block[at as usize]) {
                *sum += x * v;
            }
        }
        *out = sum;
    }
}

#[inline(always)]
fn distances_body(x: &[Lane], value: &[f32], out: &mut [Lane]) {
    for (block, out) in x.chunks_exact(value.len()).zip(out) {
        let mut sum = [0.0; LANES];
        for (lane, &v) in block.iter().zip(value) {
            for (sum, x) in sum.iter_mut().zip(lane) {
                *sum += (x - v) * (x - v);
            }
        }
        *out = sum;
    }
}

#[inline(always)]
fn rbf_of_products_body(out: &mut [f32], norms: &[f32], norm: f32, gamma: f32) {
    for (out, other) in out.iter_mut().zip(norms) {
        let distance = (norm + other) - 2.0 * *out;
        *out = exp_of_negative(gamma * if distance > 0.0 { distance } else { 0.0 });
    }
}

#[inline(always)]
fn rbf_of_distances_body(out: &mut [f32], gamma: f32) {
    for out in out {
        *out = exp_of_negative(gamma * *out);
    }
}

/// e^-t of `t` >= 0, within 2 units in the last place of a f32; 0 from 87 on. Of the make of [`exp`](crate::math::exp): e^r is
/// 1 + r + r² p(r), p of degree 4 with the least largest error relative to e^r (3e-9, found by weighted least squares whose weights
/// follow the error).
#[inline(always)]
fn exp_of_negative(t: f32) -> f32 {
    /// 1.5 * 2^23: numbers of this size are whole.
    const SHIFT: f32 = 12582912.0;
    /// ln 2, its first 12 bits: times a whole number of 8 bits it is exact.
    const LN2_HIGH: f32 = 0.693_359_4;
    const LN2_LOW: f32 = -0.000_212_194_44;
    let x = if t < 87.0 { -t } else { -87.0 };
    let shifted = x * std::f32::consts::LOG2_E + SHIFT;
    let k = shifted - SHIFT;
    let r = (x - k * LN2_HIGH) - k * LN2_LOW;
    let p = 0.499_999_94 + r * (0.166_665_21 + r * (0.041_668_39 + r * (0.008_368_717 + r * 0.001_381_459_9)));
    let e = 1.0 + (r + r * r * p);
    let scale = f32::from_bits((shifted.to_bits().wrapping_add(127)) << 23);
    if t < 87.0 { e * scale } else { 0.0 }
}

#[inline(always)]
fn update_body(value: &mut [f64], a: &[f32], b: &[f32], step: f64, up: &[f32], best: &mut [f64]) {
    let segments = value.chunks_mut(SEGMENT).zip(a.chunks(SEGMENT)).zip(b.chunks(SEGMENT)).zip(up.chunks(SEGMENT));
    for ((((value, a), b), up), best) in segments.zip(best) {
        let mut top = [f64::NEG_INFINITY; 8];
        let (value, a, b, up) =
            (value.as_chunks_mut::<8>().0, a.as_chunks::<8>().0, b.as_chunks::<8>().0, up.as_chunks::<8>().0);
        for (((value, a), b), up) in value.iter_mut().zip(a).zip(b).zip(up) {
            for k in 0..8 {
                value[k] -= step * (f64::from(a[k]) - f64::from(b[k]));
                let v = value[k] + f64::from(up[k]);
                top[k] = if v > top[k] { v } else { top[k] };
            }
        }
        *best = largest(top);
    }
}

#[inline(always)]
fn gains_body(first: First, value: &[f64], low: &[f32], column: &[f32], diagonal: &[f32], best: &mut [f64]) -> f64 {
    let mut least = [f64::INFINITY; 8];
    let segments =
        value.chunks(SEGMENT).zip(low.chunks(SEGMENT)).zip(column.chunks(SEGMENT)).zip(diagonal.chunks(SEGMENT));
    for ((((value, low), column), diagonal), best) in segments.zip(best) {
        let mut top = [0.0; 8];
        let (value, low, column, diagonal) =
            (value.as_chunks::<8>().0, low.as_chunks::<8>().0, column.as_chunks::<8>().0, diagonal.as_chunks::<8>().0);
        for (((value, low), column), diagonal) in value.iter().zip(low).zip(column).zip(diagonal) {
            for k in 0..8 {
                let v = value[k] + f64::from(low[k]);
                least[k] = if v < least[k] { v } else { least[k] };
                let g = gain(first, v, column[k], diagonal[k]);
                top[k] = if g > top[k] { g } else { top[k] };
            }
        }
        *best = largest(top);
    }
    -largest(least.map(|v| -v))
}

/// What a step on a pair gains (twice the fall of the dual objective): equation 12 of Fan, Chen and Lin, "Working set selection using
/// second order information for training support vector machines" (2005). `value`: the second row's, infinite where it may not
/// fall. 0 of a pair that violates nothing.
#[inline(always)]
pub(super) fn gain(first: First, value: f64, kernel: f32, diagonal: f32) -> f64 {
    let gap = first.value - value;
    let gap = if gap > 0.0 { gap } else { 0.0 };
    gap * gap / curvature(first.diagonal, diagonal, kernel)
}

/// `|a - b|²` in the kernel's space.
#[inline(always)]
pub(super) fn curvature(a: f32, b: f32, kernel: f32) -> f64 {
    let c = (f64::from(a) + f64::from(b)) - 2.0 * f64::from(kernel);
    if c > 0.0 { c } else { TAU }
}

#[inline(always)]
fn add_body(sum: &mut [f64], factor: f64, column: &[f32]) {
    for (sum, k) in sum.iter_mut().zip(column) {
        *sum += factor * f64::from(*k);
    }
}

#[inline(always)]
fn largest(lanes: [f64; 8]) -> f64 {
    lanes.iter().fold(f64::NEG_INFINITY, |m, v| if *v > m { *v } else { m })
}
