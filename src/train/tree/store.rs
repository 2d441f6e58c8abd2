//! Coded rows as histograms want them: lines of bytes, several to a tile, row after row.
//!
//! A *line* is a feature, or a bundle of features of which at most one differs from 0 in any row (one-hot columns; Ke et al.
//! 2017, section 4, without conflicts). Of a bundle the line holds 0 where all are 0, and otherwise one of the codes set aside
//! for the feature that is not; the sum of a feature's own zero bin is what its other bins leave of the node's total. So
//! trees are the same with and without bundles. A *tile* is at most 16 lines side by side, row-major, with histograms small
//! enough for the first-level cache.

use super::super::Problem;
use super::bins::{CODES, Coding, codings};
use ndarray::{ArrayView2, s};
use rayon::prelude::*;

/// Most lines of a tile.
pub(crate) const TILE: usize = 16;

/// Bins that a histogram has room for per line; a tile takes the least that suits all its lines.
pub(crate) const STRIDES: [usize; 3] = [16, 64, CODES];

/// Most bundles that a feature is tried in.
const TRIES: usize = 64;

/// Where a feature's codes are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Place {
    /// Which line.
    pub(crate) line: usize,
    /// Where its sums begin in a histogram of all lines.
    pub(crate) start: usize,
    /// The least code that training rows have: 0, or 1 where no value is missing.
    pub(crate) low: usize,
    /// Codes past the last one.
    pub(crate) end: usize,
    /// In a bundle: its own code of 0, and the first of the line's codes that are its.
    pub(crate) bundled: Option<(u8, u8)>,
}

impl Place {
    /// The line's code of a feature's code, as training rows have it.
    pub(crate) fn stored(&self, code: u8) -> u8 {
        match self.bundled {
            None => code,
            Some((zero, _)) if code == zero => 0,
            Some((zero, first)) => first + (code - self.low as u8 - u8::from(code > zero)),
        }
    }

    /// Of a bundle how many of the line's codes are the feature's.
    pub(crate) fn own(&self) -> usize {
        self.end - self.low - 1
    }
}

/// One line.
#[derive(Clone, Debug, Default)]
struct Line {
    features: Vec<usize>,
    n_codes: usize,
}

/// At most [`TILE`] lines, row-major.
pub(crate) struct Tile {
    pub(crate) codes: Vec<u8>,
    pub(crate) width: usize,
    /// Bins per line, one of [`STRIDES`].
    pub(crate) stride: usize,
    /// Codes in use, per line.
    pub(crate) used: Vec<usize>,
    /// Features in it.
    pub(crate) features: Vec<usize>,
}

impl Tile {
    /// Length of its histogram.
    pub(crate) fn bins(&self) -> usize {
        self.width * self.stride
    }
}

/// All training rows, coded.
pub(crate) struct Store {
    pub(crate) codings: Vec<Coding>,
    /// Per feature; none where all rows have the same code, so that nothing can be split.
    pub(crate) places: Vec<Option<Place>>,
    pub(crate) tiles: Vec<Tile>,
    /// Per line its tile and its place there.
    lines: Vec<(usize, usize)>,
    pub(crate) n_rows: usize,
}

impl Store {
    /// Fits the codings on `problem` and codes it. `bundle`: whether features may share a line.
    pub(crate) fn fit(problem: &Problem<'_>, max_bin: usize, bundle: bool) -> Store {
        let n = problem.x.nrows();
        let coded = codings(problem, max_bin);
        let mut places: Vec<Option<Place>> = coded
            .iter()
            .map(|c| {
                let end = c.coding.n_codes();
                let low = usize::from(c.missing == 0);
                let constant = end - low < 2 || c.missing == n;
                (!constant).then_some(Place { line: 0, start: 0, low, end, bundled: None })
            })
            .collect();
        // Whether a feature is 0 in most rows is not asked: two features suit each other if their other rows are disjoint.
        let sparse = |f: usize| {
            let c = &coded[f];
            matches!(c.coding, Coding::Cuts(_)) && places[f].is_some() && c.zeros * 20 >= n
        };
        let candidates: Vec<usize> = (0..coded.len()).filter(|&f| bundle && sparse(f)).collect();
        let sizes: Vec<usize> = places.iter().map(|p| p.map_or(0, |p| p.own())).collect();
        let bundles = bundles(problem.x, candidates, &sizes);
        let codings: Vec<Coding> = coded.into_iter().map(|c| c.coding).collect();

        let mut lines: Vec<Line> = Vec::new();
        let mut in_bundle = vec![false; places.len()];
        for features in bundles {
            let mut next = 1;
            for &f in &features {
                in_bundle[f] = true;
                if let Some(place) = &mut places[f] {
                    place.bundled = Some((codings[f].code(0.0), next as u8));
                    next += sizes[f];
                }
            }
            lines.push(Line { features, n_codes: next });
        }
        for (f, place) in places.iter().enumerate() {
            if let (Some(place), false) = (place, in_bundle[f]) {
                lines.push(Line { features: vec![f], n_codes: place.end });
            }
        }
        // Lines of a size share a tile, so that small ones have small histograms.
        lines.sort_by_key(|l| (std::cmp::Reverse(l.n_codes), l.features.first().copied()));
        let mut store = Store { codings, places, tiles: Vec::new(), lines: Vec::new(), n_rows: n };
        store.lay_out(&lines);
        store.fill(problem.x, &lines);
        store
    }

    /// Decides which lines share a tile. Sums do not depend on it, so the number of threads may have a say.
    fn lay_out(&mut self, lines: &[Line]) {
        let mut n_tiles = lines.len().div_ceil(TILE);
        if rayon::current_num_threads() > 1 && n_tiles % 2 == 1 && lines.len() > 4 {
            n_tiles += 1;
        }
        let mut start = 0;
        let mut next = 0;
        for t in 0..n_tiles {
            let width = (lines.len() - next).div_ceil(n_tiles - t);
            let here = &lines[next..next + width];
            let most = here.iter().map(|l| l.n_codes).max().unwrap_or(0);
            let stride = STRIDES.into_iter().find(|s| *s >= most).unwrap_or(CODES);
            let mut features = Vec::new();
            for (j, line) in here.iter().enumerate() {
                for &f in &line.features {
                    if let Some(place) = &mut self.places[f] {
                        place.line = next + j;
                        let first = place.bundled.map_or(0, |(_, first)| usize::from(first));
                        place.start = start + j * stride + first;
                    }
                    features.push(f);
                }
                self.lines.push((t, j));
            }
            features.sort_unstable();
            let used = here.iter().map(|l| l.n_codes).collect();
            self.tiles.push(Tile { codes: vec![0; self.n_rows * width], width, stride, used, features });
            start += width * stride;
            next += width;
        }
    }

    fn fill(&mut self, x: ArrayView2<'_, f64>, lines: &[Line]) {
        let (places, codings) = (&self.places, &self.codings);
        let mut first = 0;
        let tiles: Vec<(&mut Tile, &[Line])> = self
            .tiles
            .iter_mut()
            .map(|tile| {
                let here = &lines[first..first + tile.width];
                first += tile.width;
                (tile, here)
            })
            .collect();
        tiles.into_par_iter().for_each(|(tile, lines)| {
            let width = tile.width;
            for (k, out) in tile.codes.chunks_mut(BLOCK * width).enumerate() {
                let rows = k * BLOCK..k * BLOCK + out.len() / width;
                for (j, line) in lines.iter().enumerate() {
                    for &f in &line.features {
                        let Some(place) = places[f] else { continue };
                        let column = x.slice(s![rows.clone(), f]);
                        let values = column.iter().copied();
                        match place.bundled {
                            None => codings[f].code_all(values, |i, code| out[i * width + j] = code),
                            Some((zero, _)) => codings[f].code_all(values, |i, code| {
                                if code != zero {
                                    out[i * width + j] = place.stored(code);
                                }
                            }),
                        }
                    }
                }
            }
        });
    }

    pub(crate) fn n_features(&self) -> usize {
        self.codings.len()
    }

    /// A line's codes: row `r` has its at `r * width + at`.
    pub(crate) fn line(&self, line: usize) -> (&[u8], usize, usize) {
        let (t, at) = self.lines[line];
        (&self.tiles[t].codes, self.tiles[t].width, at)
    }

    /// Length of a histogram of all tiles.
    pub(crate) fn bins(&self) -> usize {
        self.tiles.iter().map(Tile::bins).sum()
    }
}

/// Rows that are coded at once, so that their numbers are read from memory once.
const BLOCK: usize = 512;

/// Groups of two and more of the candidates, whose rows other than 0 are disjoint. `sizes`: the codes each needs.
fn bundles(x: ArrayView2<'_, f64>, candidates: Vec<usize>, sizes: &[usize]) -> Vec<Vec<usize>> {
    if candidates.len() < 2 {
        return Vec::new();
    }
    let n = x.nrows();
    struct Set {
        features: Vec<usize>,
        rows: Vec<u64>,
        count: usize,
        codes: usize,
    }
    let mut sets: Vec<Set> = candidates
        .into_par_iter()
        .map(|f| {
            let mut rows = vec![0u64; n.div_ceil(64)];
            let mut count = 0;
            for (r, &v) in x.column(f).iter().enumerate() {
                let set = v != 0.0;
                rows[r / 64] |= u64::from(set) << (r % 64);
                count += usize::from(set);
            }
            Set { features: vec![f], rows, count, codes: sizes[f] }
        })
        .collect();
    // The fullest first: what is rare finds a place among them.
    sets.sort_by_key(|s| (std::cmp::Reverse(s.count), s.features[0]));
    let mut out: Vec<Set> = Vec::new();
    for set in sets {
        let suits = |b: &Set| {
            b.count + set.count <= n
                && b.codes + set.codes < CODES
                && b.rows.iter().zip(&set.rows).all(|(a, b)| a & b == 0)
        };
        match out.iter().rev().take(TRIES).position(suits) {
            Some(at) => {
                let at = out.len() - 1 - at;
                let bundle = &mut out[at];
                bundle.rows.iter_mut().zip(&set.rows).for_each(|(a, b)| *a |= b);
                bundle.features.extend(set.features);
                bundle.count += set.count;
                bundle.codes += set.codes;
            }
            None => out.push(set),
        }
    }
    out.into_iter().map(|b| b.features).filter(|f| f.len() > 1).collect()
}
