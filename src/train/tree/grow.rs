//! Growing one tree of boosting: leaf after leaf is split, until the limits are met or nothing is gained.
//!
//! Of two children only the smaller one's histogram is added up; the other's is what is left of the parent's. A tile's sums, their
//! difference and the search for splits in them are one piece of work, and pieces go to threads.

use super::bins::CODES;
use super::columns::Columns;
use super::fixed::{Pair, lower, upper};
use super::grown::{Grown, Node};
use super::histogram::{fill, subtract};
use super::split::{Bounds, Counts, Feature, Parent, Rules, Scanner, Split, Units, contains};
use super::store::{Store, Tile};
use crate::error::Result;
use crate::train::Progress;
use rayon::prelude::*;
use std::ops::Range;

/// How large a tree may become.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// 0: no limit.
    pub(crate) max_leaves: usize,
    /// 0: no limit.
    pub(crate) max_depth: usize,
    /// Fewest rows of a node that is split.
    pub(crate) min_split_rows: usize,
    /// Which leaf is split first, where their number is limited.
    pub(crate) order: Order,
}

/// Which leaf is split first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// The one that gains most.
    Gain,
    /// The one nearest to the root.
    Depth,
}

/// What does not change while a tree is grown.
#[derive(Clone, Copy)]
pub(crate) struct Ground<'a> {
    pub(crate) store: &'a Store,
    /// Per row of the data.
    pub(crate) sums: &'a [Pair],
    pub(crate) rules: &'a Rules,
    pub(crate) units: Units,
    pub(crate) limits: Limits,
    /// Per feature -1, 0 or 1; empty where there are none.
    pub(crate) monotone: &'a [i8],
    /// The largest hessian of a row, in units.
    pub(crate) h_max: u32,
}

/// Room that is used again by the next tree.
#[derive(Default)]
pub(crate) struct Room {
    histograms: Vec<Vec<Pair>>,
    rows: Vec<u32>,
    gathered: Vec<Pair>,
}

/// A leaf that can be split.
struct Open {
    node: usize,
    depth: usize,
    rows: Range<usize>,
    histogram: Vec<Pair>,
    parent: Parent,
    split: Split,
}

/// A node to look for a split in.
struct Ask {
    parent: Parent,
    may: Option<Vec<bool>>,
}

/// Features with the gain of their best split.
type Peaks = Vec<(usize, f64)>;

/// Units of work (additions, about) that are worth another thread.
const PARALLEL: usize = 1 << 15;

/// Grows a tree on `rows` (reordered: each leaf's rows end up together, in their first order).
pub(crate) fn grow(
    ground: Ground<'_>,
    rows: &mut [u32],
    columns: &mut Columns,
    room: &mut Room,
    progress: &dyn Progress,
) -> Result<Grown> {
    let scanners = ground.store.tiles.iter().map(|_| Scanner::new(ground.units, !ground.monotone.is_empty()));
    Grower { ground, scanners: scanners.collect(), room, nodes: Vec::new() }.run(rows, columns, progress)
}

struct Grower<'a, 'r> {
    ground: Ground<'a>,
    /// One per tile.
    scanners: Vec<Scanner>,
    room: &'r mut Room,
    nodes: Vec<Node>,
}

impl Grower<'_, '_> {
    fn run(mut self, rows: &mut [u32], columns: &mut Columns, progress: &dyn Progress) -> Result<Grown> {
        let limits = self.ground.limits;
        let max_leaves = if limits.max_leaves == 0 { usize::MAX } else { limits.max_leaves };
        let max_depth = if limits.max_depth == 0 { usize::MAX } else { limits.max_depth };
        let sums = self.ground.sums;
        let total = rows.iter().fold(0, |t: Pair, &r| t.wrapping_add(sums[r as usize]));
        let root = Parent { total, bounds: Bounds::NONE };
        let may_split = |depth: usize, n_rows: usize, n_leaves: usize| {
            depth < max_depth && n_rows >= limits.min_split_rows.max(2) && n_leaves < max_leaves
        };

        let mut open: Vec<Open> = Vec::new();
        self.nodes.push(Node::Leaf { rows: 0..rows.len(), sum: total, bounds: Bounds::NONE });
        if may_split(0, rows.len(), 1) {
            let mut histogram = self.histogram();
            let ask = Ask { parent: root, may: columns.at(0) };
            let (peaks, _) = self.work(rows, &mut histogram, None, Some(&ask), None);
            self.consider(&mut open, rows, 0..rows.len(), 0, 0, root, histogram, peaks);
        }
        let mut n_leaves = 1;
        while n_leaves < max_leaves {
            progress.proceed()?;
            let next = if limits.max_leaves == 0 { open.len().checked_sub(1) } else { first(&open, limits.order) };
            let Some(next) = next else { break };
            let Open { node, depth, rows: range, mut histogram, parent, split } = open.remove(next);
            let Some(place) = self.ground.store.places[split.feature] else { continue };
            let stored = split.stored(&place);
            let n_left = self.partition(&mut rows[range.clone()], place.line, &stored);
            let middle = range.start + n_left;
            let (left, right) = (range.start..middle, middle..range.end);
            let (left_parent, right_parent) = self.children(&parent, &split);
            n_leaves += 1;

            let left_node = self.nodes.len();
            for (rows, parent) in [(&left, &left_parent), (&right, &right_parent)] {
                self.nodes.push(Node::Leaf { rows: rows.clone(), sum: parent.total, bounds: parent.bounds });
            }
            self.nodes[node] = Node::Split { split, stored, left: left_node, right: left_node + 1 };

            let ask = |this: &Self, rows: &Range<usize>, parent: Parent, columns: &mut Columns| {
                // Two children of the least hessian must fit.
                let heavy = f64::from(lower(parent.total)) >= 2.0 * this.ground.units.least();
                let may = may_split(depth + 1, rows.len(), n_leaves) && heavy;
                may.then(|| Ask { parent, may: columns.at(depth + 1) })
            };
            let left_ask = ask(&self, &left, left_parent, columns);
            let right_ask = ask(&self, &right, right_parent, columns);
            if left_ask.is_none() && right_ask.is_none() {
                self.room.histograms.push(histogram);
                continue;
            }
            let mut small = self.histogram();
            let left_small = left.len() <= right.len();
            let smaller = if left_small { left.clone() } else { right.clone() };
            let (small_ask, large_ask) = if left_small { (&left_ask, &right_ask) } else { (&right_ask, &left_ask) };
            let large = large_ask.is_some().then_some(&mut histogram);
            let (small_peaks, large_peaks) =
                self.work(&rows[smaller], &mut small, large, small_ask.as_ref(), large_ask.as_ref());
            let (l, r) = if left_small {
                ((small, small_peaks), (histogram, large_peaks))
            } else {
                ((histogram, large_peaks), (small, small_peaks))
            };
            for (node, range, asked, (histogram, peaks)) in
                [(left_node, left, left_ask, l), (left_node + 1, right, right_ask, r)]
            {
                match asked {
                    Some(a) => self.consider(&mut open, rows, range, node, depth + 1, a.parent, histogram, peaks),
                    None => self.room.histograms.push(histogram),
                }
            }
        }
        self.room.histograms.extend(open.into_iter().map(|o| o.histogram));
        Ok(Grown { nodes: self.nodes })
    }

    fn histogram(&mut self) -> Vec<Pair> {
        let mut h = self.room.histograms.pop().unwrap_or_default();
        h.resize(self.ground.store.bins(), 0);
        h
    }

    /// Adds up the smaller child's histogram, takes it from the larger one's, and looks for splits in both.
    fn work(
        &mut self,
        rows: &[u32],
        small: &mut [Pair],
        large: Option<&mut Vec<Pair>>,
        small_ask: Option<&Ask>,
        large_ask: Option<&Ask>,
    ) -> (Peaks, Peaks) {
        let Ground { store, sums, .. } = self.ground;
        let gathered = if rows.len() == store.n_rows {
            sums
        } else {
            let room = &mut self.room.gathered;
            room.clear();
            room.extend(rows.iter().map(|&r| sums[r as usize]));
            room
        };
        let ground = self.ground;
        let piece = |(tile, scanner, small, large): Piece<'_>| {
            fill(tile.0, rows, gathered, small);
            let small_peaks = small_ask.map_or_else(Vec::new, |a| peaks(&ground, tile, scanner, a, small));
            let mut large_peaks = Vec::new();
            if let (Some(large), Some(ask)) = (large, large_ask) {
                subtract(tile.0, large, small);
                large_peaks = peaks(&ground, tile, scanner, ask, large);
            }
            (small_peaks, large_peaks)
        };
        let mut pieces = Vec::with_capacity(store.tiles.len());
        let (mut small, mut large) = (small, large.map(Vec::as_mut_slice));
        let mut start = 0;
        for (tile, scanner) in store.tiles.iter().zip(&mut self.scanners) {
            let (here, rest) = std::mem::take(&mut small).split_at_mut(tile.bins());
            small = rest;
            let large_here = large.take().map(|l| {
                let (here, rest) = l.split_at_mut(tile.bins());
                large = Some(rest);
                here
            });
            pieces.push(((tile, start), scanner, here, large_here));
            start += tile.bins();
        }
        let n_lines: usize = store.tiles.iter().map(|t| t.width).sum();
        let scans = usize::from(small_ask.is_some()) + usize::from(large_ask.is_some());
        let found: Vec<(Peaks, Peaks)> = if rows.len() * n_lines + scans * store.bins() >= PARALLEL {
            pieces.into_par_iter().map(piece).collect()
        } else {
            pieces.into_iter().map(piece).collect()
        };
        found.into_iter().fold(Default::default(), |mut all: (Peaks, Peaks), (s, l)| {
            all.0.extend(s);
            all.1.extend(l);
            all
        })
    }

    /// Opens a node, if there is a split for it.
    #[allow(clippy::too_many_arguments)]
    fn consider(
        &mut self,
        open: &mut Vec<Open>,
        rows: &[u32],
        range: Range<usize>,
        node: usize,
        depth: usize,
        parent: Parent,
        histogram: Vec<Pair>,
        peaks: Peaks,
    ) {
        match self.choose(peaks, &rows[range.clone()], &parent, &histogram) {
            Some(split) => open.push(Open { node, depth, rows: range, histogram, parent, split }),
            None => self.room.histograms.push(histogram),
        }
    }

    /// The best split. Rows are counted only where a side may have too few, and only by the feature in question.
    fn choose(&mut self, mut peaks: Peaks, rows: &[u32], parent: &Parent, histogram: &[Pair]) -> Option<Split> {
        let ground = self.ground;
        let min = ground.rules.min_rows;
        // Of equal features the first.
        peaks.sort_unstable_by_key(|p| p.0);
        let mut counted: Vec<Option<Split>> = vec![None; peaks.len()];
        loop {
            let (mut at, mut most) = (0, 0.0);
            for (i, p) in peaks.iter().enumerate() {
                if p.1 > most {
                    (at, most) = (i, p.1);
                }
            }
            if most <= 0.0 {
                return None;
            }
            if let Some(split) = counted[at].take() {
                return Some(split);
            }
            let feature = feature(&ground, peaks[at].0)?;
            let scanner = &mut self.scanners[0];
            let split = scanner.best(feature, parent, histogram, None)?;
            let right = parent.total.wrapping_sub(split.left);
            let sure = min as u64 * u64::from(ground.h_max);
            if min <= 1 || lower(split.left).min(lower(right)) as u64 >= sure {
                return Some(split);
            }
            let by_code = count(ground.store, &feature, rows);
            counted[at] = scanner.best(feature, parent, histogram, Some(&Counts { by_code: &by_code, min }));
            peaks[at].1 = counted[at].as_ref().map_or(0.0, |s| s.gain);
        }
    }

    /// The children's totals, and what their leaves may be.
    fn children(&self, parent: &Parent, split: &Split) -> (Parent, Parent) {
        let right = parent.total.wrapping_sub(split.left);
        let (mut l, mut r) = (parent.bounds, parent.bounds);
        let constraint = self.ground.monotone.get(split.feature).copied().unwrap_or(0);
        if constraint != 0 {
            let u = &self.ground.units;
            let of = |s: Pair| u.weight(f64::from(upper(s)), f64::from(lower(s)), u.lambda, parent.bounds);
            let middle = (of(split.left) + of(right)) / 2.0;
            if constraint > 0 {
                (l.high, r.low) = (middle, middle);
            } else {
                (l.low, r.high) = (middle, middle);
            }
        }
        (Parent { total: split.left, bounds: l }, Parent { total: right, bounds: r })
    }

    /// Stable: rows that go left first. Returns their number.
    fn partition(&mut self, rows: &mut [u32], line: usize, stored: &[u64; 4]) -> usize {
        let (codes, width, at) = self.ground.store.line(line);
        let mut goes_left = [0u8; CODES];
        for (code, left) in goes_left.iter_mut().enumerate() {
            *left = u8::from(contains(stored, code as u8));
        }
        let scratch = &mut self.room.rows;
        if scratch.len() < rows.len() {
            scratch.resize(rows.len(), 0);
        }
        let scratch = &mut scratch[..rows.len()];
        let (mut l, mut r) = (0, 0);
        for i in 0..rows.len() {
            let row = rows[i];
            let left = usize::from(goes_left[usize::from(codes[row as usize * width + at])]);
            // Both are written and one counter moves: no branch to mispredict.
            rows[l] = row;
            scratch[r] = row;
            l += left;
            r += 1 - left;
        }
        rows[l..].copy_from_slice(&scratch[..r]);
        l
    }
}

/// A tile and where its sums begin among all, its scanner, its sums in both children.
type Piece<'p> = ((&'p Tile, usize), &'p mut Scanner, &'p mut [Pair], Option<&'p mut [Pair]>);

/// The gains of a tile's features. `histogram`: of the tile.
fn peaks(
    ground: &Ground<'_>,
    (tile, start): (&Tile, usize),
    scanner: &mut Scanner,
    ask: &Ask,
    histogram: &[Pair],
) -> Peaks {
    let mut out = Vec::with_capacity(tile.features.len());
    for &f in &tile.features {
        if ask.may.as_ref().is_some_and(|m| !m[f]) {
            continue;
        }
        let Some(mut feature) = feature(ground, f) else { continue };
        feature.start -= start;
        out.push((f, scanner.peak(feature, &ask.parent, histogram)));
    }
    out
}

fn feature<'a>(ground: &Ground<'a>, f: usize) -> Option<Feature<'a>> {
    let place = ground.store.places[f].as_ref()?;
    let constraint = ground.monotone.get(f).copied().unwrap_or(0);
    Some(Feature { index: f, coding: &ground.store.codings[f], place, start: place.start, constraint })
}

/// Rows per code of a feature.
fn count(store: &Store, feature: &Feature<'_>, rows: &[u32]) -> [u32; CODES] {
    let place = feature.place;
    let (codes, width, at) = store.line(place.line);
    let mut stored = [0u32; CODES];
    for &row in rows {
        stored[usize::from(codes[row as usize * width + at])] += 1;
    }
    let Some((zero, _)) = place.bundled else { return stored };
    let mut out = [0; CODES];
    let mut rest = rows.len() as u32;
    for code in (place.low..place.end).filter(|c| *c != usize::from(zero)) {
        out[code] = stored[usize::from(place.stored(code as u8))];
        rest -= out[code];
    }
    out[usize::from(zero)] = rest;
    out
}

/// The leaf to split next; of equals the oldest node.
fn first(open: &[Open], order: Order) -> Option<usize> {
    (0..open.len()).reduce(|a, b| {
        let (x, y) = (&open[a], &open[b]);
        let (better, equal) = match order {
            Order::Gain => (y.split.gain > x.split.gain, y.split.gain == x.split.gain),
            Order::Depth => (y.depth < x.depth, y.depth == x.depth),
        };
        if better || (equal && y.node < x.node) { b } else { a }
    })
}
