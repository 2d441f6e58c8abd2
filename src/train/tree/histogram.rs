//! Sums of gradients per bin of a node's rows.

use super::fixed::Pair;
use super::store::Tile;
use super::vector::prefetch;

/// How many rows ahead a tile's bytes are asked for.
const AHEAD: usize = 24;

/// Adds up `sums` (one for each of `rows`, in their order) per bin of a tile. `out`: the tile's bins, whatever they held.
pub(crate) fn fill(tile: &Tile, rows: &[u32], sums: &[Pair], out: &mut [Pair]) {
    out.fill(0);
    match tile.stride {
        16 => by_width::<16>(tile, rows, sums, out),
        64 => by_width::<64>(tile, rows, sums, out),
        _ => by_width::<256>(tile, rows, sums, out),
    }
}

fn by_width<const S: usize>(tile: &Tile, rows: &[u32], sums: &[Pair], out: &mut [Pair]) {
    macro_rules! dispatch {
        ($($w:literal)*) => {
            match tile.width {
                $($w => add_up::<$w, S>(&tile.codes, rows, sums, out),)*
                _ => {}
            }
        };
    }
    dispatch!(1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16);
}

fn add_up<const W: usize, const S: usize>(codes: &[u8], rows: &[u32], sums: &[Pair], out: &mut [Pair]) {
    let (codes, _) = codes.as_chunks::<W>();
    let (out, _) = out.as_chunks_mut::<S>();
    let Some(out) = out.first_chunk_mut::<W>() else { return };
    let mut add = |row: u32, s: Pair| {
        let line = &codes[row as usize];
        for j in 0..W {
            // S is a power of two no less than the codes in use: the mask changes nothing and spares the check.
            let bin = &mut out[j][usize::from(line[j]) & (S - 1)];
            *bin = bin.wrapping_add(s);
        }
    };
    let far = rows.len().saturating_sub(AHEAD);
    for i in 0..far {
        if let Some(line) = codes.get(rows[i + AHEAD] as usize) {
            prefetch(line);
        }
        add(rows[i], sums[i]);
    }
    for i in far..rows.len() {
        add(rows[i], sums[i]);
    }
}

/// `parent - child`, in place of the parent.
pub(crate) fn subtract(tile: &Tile, parent: &mut [Pair], child: &[Pair]) {
    let lines = parent.chunks_mut(tile.stride).zip(child.chunks(tile.stride));
    for ((parent, child), &used) in lines.zip(&tile.used) {
        for (p, c) in parent[..used].iter_mut().zip(&child[..used]) {
            *p = p.wrapping_sub(*c);
        }
    }
}
