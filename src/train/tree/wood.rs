//! What the trees of a forest grow from: columns, and how one node's split is looked for in one of them.
//!
//! Rows' weights are integers (see [`fixed`](super::fixed)), in units of which all rows of a tree have at most 2^27: bootstrap
//! counts stay exact. A row's *load* is what it adds to a sum: with two classes and Gini impurity `weight << 32 | weight if of
//! class 1`, upper and lower exchanged, so that one addition does; otherwise its class and its weight.

use super::bins::{CODES, Coding, codings};
use super::fixed::{lower, upper};
use super::split::{Cut, contains, first_of_largest};
use super::vector::wide;
use crate::math;
use crate::train::Problem;
use crate::train::params::Criterion;
use ndarray::ArrayView2;
use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use rayon::prelude::*;

/// Bits of a tree's whole weight.
pub(crate) const BITS: i32 = 27;
/// Bits that a weight in a key has.
const WEIGHT: u32 = 28;
const MASK: u64 = (1 << WEIGHT) - 1;

/// Nodes with fewer rows sort their codes; with more they fill a histogram.
const SORT: usize = 48;

/// One feature of all rows.
pub(crate) enum Column {
    /// No two rows differ.
    Constant,
    /// Codes below `end`; cuts, or sets of levels.
    Codes { codes: Vec<u8>, end: usize, levels: bool },
    /// The numbers themselves, for random cuts.
    Numbers(Vec<f64>),
}

/// All columns.
pub(crate) struct Wood {
    pub(crate) codings: Vec<Coding>,
    pub(crate) columns: Vec<Column>,
    pub(crate) n_classes: usize,
    pub(crate) criterion: Criterion,
    /// Whether cuts are drawn, not looked for.
    pub(crate) random: bool,
}

impl Wood {
    pub(crate) fn new(problem: &Problem<'_>, max_bin: usize, criterion: Criterion, random: bool) -> Wood {
        let n = problem.x.nrows();
        let coded = codings(problem, max_bin);
        let columns = coded.par_iter().enumerate().map(|(f, c)| {
            let end = c.coding.n_codes();
            let levels = problem.levels[f].is_some();
            if c.missing == n || (c.missing == 0 && end < 3) {
                return Column::Constant;
            }
            if random && !levels {
                return Column::Numbers(problem.x.column(f).to_vec());
            }
            let mut codes = vec![0; n];
            c.coding.code_all(problem.x.column(f).iter().copied(), |i, code| codes[i] = code);
            Column::Codes { codes, end, levels }
        });
        let columns = columns.collect();
        let codings = coded.into_iter().map(|c| c.coding).collect();
        Wood { codings, columns, n_classes: problem.n_classes, criterion, random }
    }

    /// Whether loads are pairs.
    pub(crate) fn pairs(&self) -> bool {
        self.n_classes == 2 && self.criterion == Criterion::Gini
    }

    /// What a row of this class and weight adds.
    pub(crate) fn load(&self, class: usize, weight: u32) -> u64 {
        let class = class as u64;
        if self.pairs() {
            (class * u64::from(weight)) << 32 | u64::from(weight)
        } else {
            class << 32 | u64::from(weight)
        }
    }
}

fn left_of(cut: &Cut, default_left: bool, code: u8) -> bool {
    match cut {
        _ if code == 0 => default_left,
        Cut::AtMost(k) => code <= *k,
        Cut::In(set) => contains(set, code),
    }
}

/// The codes that go left, as a table.
pub(crate) fn table(cut: &Cut, default_left: bool) -> [u8; CODES] {
    std::array::from_fn(|code| u8::from(left_of(cut, default_left, code as u8)))
}

/// What a split asks.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Asked {
    /// Of the code.
    Code(Cut),
    /// Whether the number is at most this.
    Number(f64),
}

/// A split.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Found {
    pub(crate) feature: usize,
    pub(crate) test: Asked,
    pub(crate) default_left: bool,
    /// The sum of both sides' scores: see [`Looker::node`].
    pub(crate) score: f64,
}

/// A node's rows, and each one's load beside it.
#[derive(Clone, Copy)]
pub(crate) struct Rows<'a> {
    pub(crate) rows: &'a [u32],
    pub(crate) loads: &'a [u64],
}

/// What one look at a feature gives.
pub(crate) enum Look {
    /// All rows of the node have the same value.
    Constant,
    /// There is no split that the rules allow.
    Nothing,
    Split(Found),
}

/// Looks at features; keeps the buffers.
pub(crate) struct Looker<'a> {
    wood: &'a Wood,
    min_leaf: usize,
    /// Sums of the node: a pair, or one per class.
    pub(crate) total: Vec<u64>,
    width: usize,
    /// Occupied codes with their sums (`width` each) and rows.
    codes: Vec<u8>,
    sums: Vec<u64>,
    counts: Vec<u32>,
    histogram: Vec<u64>,
    rows_of: Vec<u32>,
    keys: Vec<u64>,
    g: Vec<i32>,
    h: Vec<i32>,
    scores: Vec<f64>,
    left: Vec<u64>,
    order: Vec<(f64, usize)>,
}

impl<'a> Looker<'a> {
    pub(crate) fn new(wood: &'a Wood, min_leaf: usize) -> Looker<'a> {
        let width = if wood.pairs() { 1 } else { wood.n_classes };
        Looker {
            wood,
            min_leaf,
            total: vec![0; width],
            width,
            codes: vec![0; CODES + 1],
            sums: vec![0; (CODES + 1) * width],
            counts: vec![0; CODES + 1],
            histogram: vec![0; CODES * width],
            rows_of: vec![0; CODES],
            keys: Vec::new(),
            g: vec![0; CODES],
            h: vec![0; CODES],
            scores: vec![0.0; CODES],
            left: vec![0; width],
            order: Vec::new(),
        }
    }

    /// Adds up a node. What it is worth: Gini: the sum of squared class weights by their sum; entropy: the sum of `w ln w`, less
    /// that of the sum. Higher is purer.
    pub(crate) fn node(&mut self, rows: Rows<'_>) -> f64 {
        self.total.fill(0);
        for &load in rows.loads {
            self.add(load);
        }
        let total = std::mem::take(&mut self.total);
        let score = self.score(&total);
        self.total = total;
        score
    }

    #[inline(always)]
    fn add(&mut self, load: u64) {
        if self.width == 1 {
            self.total[0] = self.total[0].wrapping_add(load);
        } else {
            self.total[(load >> 32) as usize] += load & u64::from(u32::MAX);
        }
    }

    /// Class weights of the node, in units.
    pub(crate) fn class_weights(&self) -> Vec<f64> {
        if self.width == 1 {
            let (one, all) = (f64::from(upper(self.total[0])), f64::from(lower(self.total[0])));
            return vec![all - one, one];
        }
        self.total.iter().map(|w| *w as f64).collect()
    }

    /// Whether all weight is of one class.
    pub(crate) fn is_pure(&self) -> bool {
        if self.width == 1 {
            let (one, all) = (upper(self.total[0]), lower(self.total[0]));
            return one <= 0 || one >= all;
        }
        self.total.iter().filter(|w| **w > 0).count() < 2
    }

    fn score(&self, sums: &[u64]) -> f64 {
        if self.width == 1 {
            let (g, h) = (f64::from(upper(sums[0])), f64::from(lower(sums[0])));
            // Twice: the other class's part differs by something linear.
            return if h > 0.0 { 2.0 * (g * g / h) } else { 0.0 };
        }
        let all: u64 = sums.iter().sum();
        if all == 0 {
            return 0.0;
        }
        match self.wood.criterion {
            Criterion::Gini => sums.iter().map(|&w| w as f64 * w as f64).sum::<f64>() / all as f64,
            Criterion::Entropy => sums.iter().map(|&w| x_ln_x(w as f64)).sum::<f64>() - x_ln_x(all as f64),
        }
    }

    /// One feature of the node that was added up last.
    pub(crate) fn look(&mut self, feature: usize, rows: Rows<'_>, rng: &mut Pcg64Mcg) -> Look {
        let wood = self.wood;
        match &wood.columns[feature] {
            Column::Constant => Look::Constant,
            Column::Numbers(values) => self.drawn(feature, values, rows, rng),
            Column::Codes { codes, end, levels } => {
                let m = self.gather(codes, *end, rows);
                if m < 2 {
                    return Look::Constant;
                }
                let found = match (levels, wood.random) {
                    (false, _) => self.cut(feature, m),
                    (true, false) => self.set(feature, m),
                    (true, true) => self.drawn_set(feature, m, rng),
                };
                found.map_or(Look::Nothing, Look::Split)
            }
        }
    }

    /// Fills the occupied codes, ascending, with their sums. Returns their number.
    fn gather(&mut self, codes: &[u8], end: usize, rows: Rows<'_>) -> usize {
        if self.width == 1 && end == 3 && self.min_leaf == 1 && rows.loads.len() >= 8 {
            return self.gather_two(codes, rows);
        }
        if rows.rows.len() < SORT { self.gather_sorted(codes, rows) } else { self.gather_summed(codes, end, rows) }
    }

    /// Codes 0 to 2: no histogram is needed.
    fn gather_two(&mut self, codes: &[u8], rows: Rows<'_>) -> usize {
        let (mut high, mut missing) = (0u64, 0u64);
        for (&r, &load) in rows.rows.iter().zip(rows.loads) {
            let code = codes[r as usize];
            high = high.wrapping_add(if code == 2 { load } else { 0 });
            missing = missing.wrapping_add(if code == 0 { load } else { 0 });
        }
        let low = self.total[0].wrapping_sub(high).wrapping_sub(missing);
        let mut m = 0;
        for (code, sum) in [(0, missing), (1, low), (2, high)] {
            self.codes[m] = code;
            self.sums[m] = sum;
            m += usize::from(sum != 0);
        }
        m
    }

    fn gather_sorted(&mut self, codes: &[u8], rows: Rows<'_>) -> usize {
        let mut keys = std::mem::take(&mut self.keys);
        keys.clear();
        keys.extend(
            rows.rows
                .iter()
                .zip(rows.loads)
                .map(|(&r, &load)| u64::from(codes[r as usize]) << (2 * WEIGHT) | (load >> 32) << WEIGHT | load & MASK),
        );
        keys.sort_unstable();
        let mut m = 0;
        for same in keys.chunk_by(|a, b| a >> (2 * WEIGHT) == b >> (2 * WEIGHT)) {
            self.codes[m] = (same[0] >> (2 * WEIGHT)) as u8;
            self.counts[m] = same.len() as u32;
            let sums = &mut self.sums[m * self.width..(m + 1) * self.width];
            sums.fill(0);
            for key in same {
                let (above, weight) = (key >> WEIGHT & MASK, key & MASK);
                if let [sum] = sums {
                    *sum = sum.wrapping_add(above << 32 | weight);
                } else {
                    sums[above as usize] += weight;
                }
            }
            m += 1;
        }
        self.keys = keys;
        m
    }

    fn gather_summed(&mut self, codes: &[u8], end: usize, rows: Rows<'_>) -> usize {
        let width = self.width;
        self.histogram[..end * width].fill(0);
        self.rows_of[..end].fill(0);
        if width == 1 {
            let Some(histogram) = self.histogram.first_chunk_mut::<CODES>() else { return 0 };
            for (&r, &load) in rows.rows.iter().zip(rows.loads) {
                let bin = &mut histogram[usize::from(codes[r as usize])];
                *bin = bin.wrapping_add(load);
            }
        } else {
            for (&r, &load) in rows.rows.iter().zip(rows.loads) {
                let at = usize::from(codes[r as usize]) * width + (load >> 32) as usize;
                self.histogram[at] += load & MASK;
            }
        }
        let counted = self.min_leaf > 1 || width > 1;
        if counted {
            for &r in rows.rows {
                self.rows_of[usize::from(codes[r as usize])] += 1;
            }
        }
        let mut m = 0;
        for code in 0..end {
            self.codes[m] = code as u8;
            self.counts[m] = self.rows_of[code];
            if width == 1 {
                self.sums[m] = self.histogram[code];
                m += usize::from(self.histogram[code] != 0);
            } else if self.rows_of[code] > 0 {
                self.sums[m * width..(m + 1) * width]
                    .copy_from_slice(&self.histogram[code * width..(code + 1) * width]);
                m += 1;
            }
        }
        m
    }

    /// The best cut in the first `m` bins.
    fn cut(&mut self, feature: usize, m: usize) -> Option<Found> {
        let missing = self.codes[0] == 0;
        let first = usize::from(missing);
        let mut best: Option<(f64, usize, bool, bool)> = None;
        for missing_left in [false, true] {
            if missing_left && !missing {
                break;
            }
            // Bins first..last go left, one more each time.
            let last = if missing && !missing_left { m } else { m - 1 };
            let Some((at, score, heavier_left)) = self.best_prefix(first, last, m, missing_left, None) else {
                continue;
            };
            if best.is_none_or(|b| score > b.0) {
                best = Some((score, at, missing_left, heavier_left));
            }
        }
        let (score, at, missing_left, heavier_left) = best?;
        let here = self.codes[at];
        let code = if at + 1 == m { u8::MAX } else { here + (self.codes[at + 1] - here - 1) / 2 };
        let default_left = if missing { missing_left } else { heavier_left };
        Some(Found { feature, test: Asked::Code(Cut::AtMost(code)), default_left, score })
    }

    /// The best of the prefixes `first..=k`, `k` below `last`, of `m` bins in `order` (none: as they are): the place, the score, and
    /// whether the left side is the heavier one. `zero_left`: bin 0 is on the left already.
    fn best_prefix(
        &mut self,
        first: usize,
        last: usize,
        m: usize,
        zero_left: bool,
        order: Option<&[(f64, usize)]>,
    ) -> Option<(usize, f64, bool)> {
        let bin = |k: usize| order.map_or(k, |o| o[k].1);
        let n = last.checked_sub(first)?;
        if self.width == 1 {
            let mut run = if zero_left { self.sums[0] } else { 0 };
            for k in 0..n {
                run = run.wrapping_add(self.sums[bin(first + k)]);
                self.g[k] = upper(run);
                self.h[k] = lower(run);
            }
            let (g, h) = (f64::from(upper(self.total[0])), f64::from(lower(self.total[0])));
            let (gs, hs, out) = (&self.g[..n], &self.h[..n], &mut self.scores[..n]);
            if n < 4 {
                pair_scores(gs, hs, g, h, out);
            } else {
                wide(
                    #[inline(always)]
                    || pair_scores(gs, hs, g, h, out),
                );
            }
        } else {
            self.score_classes(first, n, zero_left, &bin);
        }
        if self.min_leaf > 1 {
            let all: u32 = self.counts[..m].iter().sum();
            let mut left = if zero_left { self.counts[0] } else { 0 };
            for k in 0..n {
                left += self.counts[bin(first + k)];
                if (left.min(all - left) as usize) < self.min_leaf {
                    self.scores[k] = f64::NEG_INFINITY;
                }
            }
        }
        let k = first_of_largest(&self.scores[..n])?;
        let heavier_left =
            if self.width == 1 { 2 * i64::from(self.h[k]) >= i64::from(lower(self.total[0])) } else { self.g[k] == 1 };
        Some((first + k, self.scores[k], heavier_left))
    }

    /// Scores by class weights; `g` becomes 1 where the left side is the heavier one.
    fn score_classes(&mut self, first: usize, n: usize, zero_left: bool, bin: &impl Fn(usize) -> usize) {
        let width = self.width;
        self.left.fill(0);
        if zero_left {
            self.left.copy_from_slice(&self.sums[..width]);
        }
        for k in 0..n {
            let at = bin(first + k) * width;
            let (mut l, mut r) = (0u64, 0u64);
            for (c, left) in self.left.iter_mut().enumerate() {
                *left += self.sums[at + c];
                l += *left;
                r += self.total[c] - *left;
            }
            let sides = self.left.iter().zip(&self.total);
            let (mut ls, mut rs) = (0.0, 0.0);
            match self.wood.criterion {
                Criterion::Gini => {
                    for (&left, &total) in sides {
                        let (x, y) = (left as f64, (total - left) as f64);
                        ls += x * x;
                        rs += y * y;
                    }
                    ls /= l as f64;
                    rs /= r as f64;
                }
                Criterion::Entropy => {
                    for (&left, &total) in sides {
                        ls += x_ln_x(left as f64);
                        rs += x_ln_x((total - left) as f64);
                    }
                    ls -= x_ln_x(l as f64);
                    rs -= x_ln_x(r as f64);
                }
            }
            self.scores[k] = if l > 0 && r > 0 { ls + rs } else { f64::NEG_INFINITY };
            self.g[k] = i32::from(l >= r);
        }
    }

    /// Levels in the order of a class's share: with two classes the best set is a prefix (Fisher 1958); with more, the order by each
    /// class is tried. Missing is a level, too.
    fn set(&mut self, feature: usize, m: usize) -> Option<Found> {
        let mut order = std::mem::take(&mut self.order);
        let mut best: Option<Found> = None;
        for class in 0..self.width {
            order.clear();
            order.extend((0..m).map(|i| {
                let sums = &self.sums[i * self.width..(i + 1) * self.width];
                let share = match sums {
                    [pair] => f64::from(upper(*pair)) / f64::from(lower(*pair)),
                    _ => sums[class] as f64 / sums.iter().sum::<u64>() as f64,
                };
                (share, i)
            }));
            order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            let Some((at, score, heavier)) = self.best_prefix(0, m - 1, m, false, Some(&order)) else { continue };
            if best.as_ref().is_none_or(|b| score > b.score) {
                let left = |k: usize| order[..=at].iter().any(|o| o.1 == k);
                best = Some(self.split_by_set(feature, m, score, heavier, left));
            }
        }
        self.order = order;
        best
    }

    /// The lighter side is the set, so that levels not seen here go with the many.
    fn split_by_set(
        &self,
        feature: usize,
        m: usize,
        score: f64,
        heavier_left: bool,
        left: impl Fn(usize) -> bool,
    ) -> Found {
        let mut set = [0u64; 4];
        let mut rest = [0u64; 4];
        for k in 0..m {
            let code = self.codes[k];
            let to = if left(k) != heavier_left { &mut set } else { &mut rest };
            to[usize::from(code >> 6)] |= 1 << (code & 63);
        }
        let mut default_left = set[0] & 1 == 1;
        set[0] &= !1;
        if set == [0; 4] {
            // Missing alone on one side: the set is every level present.
            default_left = false;
            set = rest;
            set[0] &= !1;
        }
        Found { feature, test: Asked::Code(Cut::In(set)), default_left, score }
    }

    /// A cut anywhere between the least and the largest number (Geurts, Ernst and Wehenkel 2006); missing goes to a side at random.
    fn drawn(&mut self, feature: usize, values: &[f64], rows: Rows<'_>, rng: &mut Pcg64Mcg) -> Look {
        let (mut low, mut high, mut missing) = (f64::INFINITY, f64::NEG_INFINITY, 0);
        for &r in rows.rows {
            let v = values[r as usize];
            low = if v < low { v } else { low };
            high = if v > high { v } else { high };
            missing += usize::from(v.is_nan());
        }
        if missing == rows.rows.len() || (low == high && missing == 0) {
            return Look::Constant;
        }
        let part: f64 = rng.random();
        let missing_left = missing > 0 && rng.random::<bool>();
        // With one number the cut tells missing from present.
        let cut = if low == high { low } else { between(low, high, part) };
        let missing_left = if low == high { false } else { missing_left };
        self.left.fill(0);
        let mut n_left = 0;
        for (&r, &load) in rows.rows.iter().zip(rows.loads) {
            let v = values[r as usize];
            let left = v <= cut || (missing_left && v.is_nan());
            n_left += usize::from(left);
            let load = if left { load } else { load & ((u64::MAX << 32) * u64::from(self.width > 1)) };
            if self.width == 1 {
                self.left[0] = self.left[0].wrapping_add(load);
            } else {
                self.left[(load >> 32) as usize] += load & MASK;
            }
        }
        if n_left.min(rows.rows.len() - n_left) < self.min_leaf {
            return Look::Nothing;
        }
        let Some((score, heavier_left)) = self.score_left() else { return Look::Nothing };
        let default_left = if missing > 0 { missing_left } else { heavier_left };
        Look::Split(Found { feature, test: Asked::Number(cut), default_left, score })
    }

    /// The score of `left` and what it leaves of the node; whether it is the heavier side. None where a side has no weight.
    fn score_left(&mut self) -> Option<(f64, bool)> {
        let left = std::mem::take(&mut self.left);
        let right: Vec<u64> = self.total.iter().zip(&left).map(|(t, l)| t.wrapping_sub(*l)).collect();
        let weight = |s: &[u64]| if let [pair] = s { lower(*pair) as u64 } else { s.iter().sum() };
        let (l, r) = (weight(&left), weight(&right));
        let score = self.score(&left) + self.score(&right);
        self.left = left;
        (l > 0 && r > 0).then_some((score, l >= r))
    }

    /// Each level that occurs goes left or right at random, some left and some right.
    fn drawn_set(&mut self, feature: usize, m: usize, rng: &mut Pcg64Mcg) -> Option<Found> {
        let mut sides: Vec<bool> = (0..m).map(|_| rng.random()).collect();
        if sides.iter().all(|s| *s == sides[0]) {
            let at = rng.random_range(0..m);
            sides[at] = !sides[at];
        }
        self.left.fill(0);
        let (mut n_left, mut all) = (0, 0);
        for (k, &side) in sides.iter().enumerate() {
            all += self.counts[k] as usize;
            if side {
                n_left += self.counts[k] as usize;
                for (c, left) in self.left.iter_mut().enumerate() {
                    *left = left.wrapping_add(self.sums[k * self.width + c]);
                }
            }
        }
        if self.min_leaf > 1 && n_left.min(all - n_left) < self.min_leaf {
            return None;
        }
        let (score, heavier_left) = self.score_left()?;
        Some(self.split_by_set(feature, m, score, heavier_left, |k| sides[k]))
    }
}

/// `low <= cut < high`.
fn between(low: f64, high: f64, part: f64) -> f64 {
    let cut = low + (high - low) * part;
    if cut >= low && cut < high { cut } else { low }
}

fn x_ln_x(x: f64) -> f64 {
    if x > 0.0 { x * math::ln(x) } else { 0.0 }
}

/// Twice `g^2 / h` of both sides.
#[inline(always)]
fn pair_scores(g: &[i32], h: &[i32], total_g: f64, total_h: f64, out: &mut [f64]) {
    for ((&g, &h), out) in g.iter().zip(h).zip(out) {
        let (gl, hl) = (f64::from(g), f64::from(h));
        let (gr, hr) = (total_g - gl, total_h - hl);
        let score = 2.0 * ((gl * gl * hr + gr * gr * hl) / (hl * hr));
        *out = if hl > 0.0 && hr > 0.0 { score } else { f64::NEG_INFINITY };
    }
}

/// What a finished tree says of a row, by its numbers.
pub(crate) fn descend<'t>(
    nodes: &'t [crate::model::forest::PlainNode],
    x: &ArrayView2<'_, f64>,
    row: usize,
) -> &'t [f64] {
    use crate::model::forest::{PlainNode, Test};
    let mut at = 0;
    loop {
        match &nodes[at] {
            PlainNode::Leaf(values) => return values,
            PlainNode::Split { feature, test, default_left, left, right } => {
                let v = x[[row, *feature]];
                let goes_left = match test {
                    _ if v.is_nan() => *default_left,
                    Test::AtMost(t) => v <= *t,
                    Test::In(levels) => v > -1.0 && levels.binary_search(&(v as u32)).is_ok(),
                };
                at = if goes_left { *left } else { *right };
            }
        }
    }
}
