//! Products of matrices, which is what a network is.
//!
//! A matrix stands in panels of [`LANES`] columns, row after row; columns that fill up the last panel are 0. A tile of a few
//! rows of one panel is summed in registers, each number in the order of the depth: neither the tile's size nor the vectors'
//! width changes a bit of it. A panel of which no more than half is used is summed in its first half alone.

use super::real::Real;

/// Columns of a panel.
pub(super) const LANES: usize = 16;

/// One row of a panel.
pub(super) type Row<T> = [T; LANES];

/// Rows of a panel are a multiple of it.
pub(super) const ROWS: usize = 4;

pub(super) fn panels(columns: usize) -> usize {
    columns.div_ceil(LANES)
}

/// Columns of panel `p` of so many columns.
#[inline(always)]
fn used(columns: usize, p: usize) -> usize {
    (columns - p * LANES).min(LANES)
}

/// Rows of a tile of `n` columns whose sums fill no more than half of the sixteen registers of `width` bytes.
#[inline(always)]
const fn tile_rows<T>(width: usize, n: usize) -> usize {
    let rows = 8 * width / (n * size_of::<T>());
    if rows < ROWS { rows } else { ROWS }
}

/// `out = start + a w`, where `a` is rows x depth, `w` depth x columns, `start` is added to each row.
#[inline(always)]
pub(super) fn product<T: Real, const WIDTH: usize>(
    a: &[Row<T>],
    rows: usize,
    w: &[Row<T>],
    depth: usize,
    start: Option<&[Row<T>]>,
    columns: usize,
    out: &mut [Row<T>],
) {
    let zero = [T::ZERO; LANES];
    for (p, (w, out)) in w.chunks_exact(depth).zip(out.chunks_exact_mut(rows)).enumerate() {
        let start = start.and_then(|s| s.get(p)).unwrap_or(&zero);
        if used(columns, p) > LANES / 2 {
            panel::<T, WIDTH, LANES>(a, w, start, out);
        } else {
            panel::<T, WIDTH, { LANES / 2 }>(a, w, start, out);
        }
    }
}

/// One panel of `out`.
#[inline(always)]
fn panel<T: Real, const WIDTH: usize, const N: usize>(a: &[Row<T>], w: &[Row<T>], start: &Row<T>, out: &mut [Row<T>]) {
    match tile_rows::<T>(WIDTH, N) {
        4 => tiles::<T, 4, N>(a, w, start, out),
        2 => tiles::<T, 2, N>(a, w, start, out),
        _ => tiles::<T, 1, N>(a, w, start, out),
    }
}

#[inline(always)]
fn tiles<T: Real, const M: usize, const N: usize>(a: &[Row<T>], w: &[Row<T>], start: &Row<T>, out: &mut [Row<T>]) {
    let rows = out.len();
    let Some(start) = start.first_chunk::<N>() else { return };
    for at in (0..rows).step_by(M) {
        let mut sums = [*start; M];
        for p in 0..w.len().div_ceil(LANES) {
            let Some(a) = a[p * rows + at..].first_chunk::<M>() else { return };
            let w = &w[p * LANES..];
            for (k, w) in (0..LANES).zip(w) {
                sums = added(sums, std::array::from_fn(|i| a[i][k]), w);
            }
        }
        let Some(out) = out[at..].first_chunk_mut::<M>() else { return };
        for (out, sums) in out.iter_mut().zip(&sums) {
            out[..N].copy_from_slice(sums);
            out[N..].fill(T::ZERO);
        }
    }
}

/// `sums + a wᵀ`. As an expression of values and by index: so it becomes one instruction for each vector, at any width.
#[inline(always)]
fn added<T: Real, const M: usize, const N: usize>(sums: [[T; N]; M], a: [T; M], w: &Row<T>) -> [[T; N]; M] {
    let mut next = [[T::ZERO; N]; M];
    for i in 0..M {
        for j in 0..N {
            next[i][j] = sums[i][j] + a[i] * w[j];
        }
    }
    next
}

/// `out += aᵀ d`, where `a` is rows x depth, `d` rows x columns; `out` is depth x columns.
#[inline(always)]
pub(super) fn transposed_product<T: Real, const WIDTH: usize>(
    a: &[Row<T>],
    rows: usize,
    depth: usize,
    d: &[Row<T>],
    columns: usize,
    out: &mut [Row<T>],
) {
    for (p, (d, out)) in d.chunks_exact(rows).zip(out.chunks_exact_mut(depth)).enumerate() {
        for (a, out) in a.chunks_exact(rows).zip(out.chunks_mut(LANES)) {
            if used(columns, p) > LANES / 2 {
                transposed_panel::<T, WIDTH, LANES>(a, d, out);
            } else {
                transposed_panel::<T, WIDTH, { LANES / 2 }>(a, d, out);
            }
        }
    }
}

#[inline(always)]
fn transposed_panel<T: Real, const WIDTH: usize, const N: usize>(a: &[Row<T>], d: &[Row<T>], out: &mut [Row<T>]) {
    match tile_rows::<T>(WIDTH, N) {
        4 => transposed_tiles::<T, 4, N>(a, d, out),
        2 => transposed_tiles::<T, 2, N>(a, d, out),
        _ => transposed_tiles::<T, 1, N>(a, d, out),
    }
}

#[inline(always)]
fn transposed_tiles<T: Real, const M: usize, const N: usize>(a: &[Row<T>], d: &[Row<T>], out: &mut [Row<T>]) {
    for (t, out) in (0..LANES / M).zip(out.chunks_mut(M)) {
        let mut sums = [[T::ZERO; N]; M];
        for (sums, out) in sums.iter_mut().zip(&*out) {
            sums.copy_from_slice(&out[..N]);
        }
        for (a, d) in a.iter().zip(d) {
            sums = added(sums, a.as_chunks::<M>().0[t], d);
        }
        for (out, sums) in out.iter_mut().zip(&sums) {
            out[..N].copy_from_slice(sums);
        }
    }
}

/// Per row of `a` (rows x depth) its inner product with `w`, one row of as many panels: lane by lane, then the lanes in pairs.
#[inline(always)]
pub(super) fn inner_products<T: Real>(a: &[Row<T>], rows: usize, w: &[Row<T>], start: T, out: &mut [T]) {
    for (row, out) in out[..rows].iter_mut().enumerate() {
        let mut lanes = [T::ZERO; LANES];
        for (a, w) in a.chunks_exact(rows).zip(w) {
            for ((lane, a), w) in lanes.iter_mut().zip(&a[row]).zip(w) {
                *lane = *lane + *a * *w;
            }
        }
        *out = start + sum_of(lanes);
    }
}

/// In pairs.
#[inline(always)]
fn sum_of<T: Real>(mut lanes: Row<T>) -> T {
    let mut n = LANES / 2;
    while n > 0 {
        for i in 0..n {
            lanes[i] = lanes[i] + lanes[i + n];
        }
        n /= 2;
    }
    lanes[0]
}

/// `out += dᵀ a`, of one number per row in `d`; `out`: one row of as many panels as `a` has.
#[inline(always)]
pub(super) fn weighted_sum<T: Real>(a: &[Row<T>], rows: usize, d: &[T], out: &mut [Row<T>]) {
    for (a, out) in a.chunks_exact(rows).zip(out) {
        let mut sums = *out;
        for (a, d) in a.iter().zip(d) {
            for (sum, a) in sums.iter_mut().zip(a) {
                *sum = *sum + *d * *a;
            }
        }
        *out = sums;
    }
}

/// `out`, columns x rows, becomes the transpose of `w`, rows x columns.
pub(super) fn transpose<T: Real>(w: &[Row<T>], rows: usize, columns: usize, out: &mut [Row<T>]) {
    for (p, out) in out.chunks_exact_mut(columns).enumerate() {
        for (c, out) in out.iter_mut().enumerate() {
            let from = &w[c / LANES * rows + p * LANES..][..used(rows, p)];
            for (to, from) in out.iter_mut().zip(from) {
                *to = from[c % LANES];
            }
        }
    }
}
