//! The best cut, or set of levels, in the sums of one feature.
//!
//! All is reckoned in units of the integers: gradients times `scale.g`, hessians times `scale.h`, so gains times
//! `scale.g^2 / scale.h` ([`Units`]).

use super::bins::{CODES, Coding};
use super::fixed::{Pair, Scale, lower, upper};
use super::store::Place;
use super::vector::wide;

/// What a split must keep to, and how it is scored.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// Fewest rows on either side.
    pub(crate) min_rows: usize,
    /// Smallest hessian (weight) on either side.
    pub(crate) min_h: f64,
    /// L2 and L1 penalties.
    pub(crate) lambda: f64,
    pub(crate) alpha: f64,
    /// Smallest gain.
    pub(crate) gamma: f64,
    /// For sets of levels: smoothing of the order, L2 penalty, most levels on the smaller side.
    pub(crate) cat_smooth: f64,
    pub(crate) cat_l2: f64,
    pub(crate) max_cat: usize,
}

/// The rules in units of the integers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Units {
    min_h: f64,
    pub(crate) lambda: f64,
    alpha: f64,
    gamma: f64,
    cat_smooth: f64,
    cat_l2: f64,
    max_cat: usize,
    /// A gain in these units to a real one.
    gain: f64,
    /// A leaf's number in these units to a real one.
    weight: f64,
}

impl Units {
    pub(crate) fn new(rules: &Rules, scale: Scale) -> Units {
        let gain = scale.g * scale.g / scale.h;
        // Any hessian at all is at least one unit, and no rows have none.
        let min_h = if rules.min_h * scale.h > 1.0 { rules.min_h * scale.h } else { 1.0 };
        Units {
            min_h,
            lambda: rules.lambda * scale.h,
            alpha: rules.alpha * scale.g,
            gamma: rules.gamma * gain,
            cat_smooth: rules.cat_smooth * scale.h,
            cat_l2: rules.cat_l2 * scale.h,
            max_cat: rules.max_cat,
            gain: 1.0 / gain,
            weight: scale.h / scale.g,
        }
    }

    /// `G^2 / (H + lambda)`, G reduced by alpha: Chen and Guestrin 2016, equation 6 without its factor.
    #[inline(always)]
    fn score(&self, g: f64, h: f64, lambda: f64) -> f64 {
        let g = self.reduced(g);
        g * g / (h + lambda)
    }

    #[inline(always)]
    fn reduced(&self, g: f64) -> f64 {
        let g = g.abs() - self.alpha;
        if g > 0.0 { g } else { 0.0 }
    }

    /// `-G / (H + lambda)`, G reduced by alpha, within bounds (equation 5).
    pub(crate) fn weight(&self, g: f64, h: f64, lambda: f64, bounds: Bounds) -> f64 {
        let size = self.reduced(g) / (h + lambda);
        let w = if h + lambda <= 0.0 {
            0.0
        } else if g > 0.0 {
            -size
        } else {
            size
        };
        w.max(bounds.low).min(bounds.high)
    }

    /// What a leaf of a given number is worth: equation 6 before the best number is put in.
    fn worth(&self, g: f64, h: f64, lambda: f64, w: f64) -> f64 {
        -(2.0 * g * w + (h + lambda) * w * w + 2.0 * self.alpha * w.abs())
    }

    /// The smallest hessian of a side.
    pub(crate) fn least(&self) -> f64 {
        self.min_h
    }

    /// A leaf's real number.
    pub(crate) fn leaf(&self, sum: Pair, bounds: Bounds) -> f64 {
        self.weight(f64::from(upper(sum)), f64::from(lower(sum)), self.lambda, bounds) * self.weight
    }
}

/// What a node's leaves may be, for monotone constraints; in units of the integers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Bounds {
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Bounds {
    pub(crate) const NONE: Bounds = Bounds { low: f64::NEG_INFINITY, high: f64::INFINITY };
}

/// A node that may be split.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parent {
    pub(crate) total: Pair,
    pub(crate) bounds: Bounds,
}

/// Which rows go left, by code.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Cut {
    /// `1 <= code <= k`.
    AtMost(u8),
    /// The codes in this set of 256 bits.
    In([u64; 4]),
}

/// A split of a node's rows.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Split {
    pub(crate) feature: usize,
    pub(crate) cut: Cut,
    /// Where missing values go.
    pub(crate) default_left: bool,
    /// Above 0.
    pub(crate) gain: f64,
    /// The sum of the rows that go left.
    pub(crate) left: Pair,
}

impl Split {
    /// Whether a row with this code goes left.
    #[inline]
    pub(crate) fn goes_left(&self, code: u8) -> bool {
        if code == 0 {
            return self.default_left;
        }
        match &self.cut {
            Cut::AtMost(k) => code <= *k,
            Cut::In(set) => contains(set, code),
        }
    }

    /// The same for the codes of a feature's line, as a set.
    pub(crate) fn stored(&self, place: &Place) -> [u64; 4] {
        let mut set = [0; 4];
        if let Some((zero, _)) = place.bundled {
            // What is another feature's is this one's zero.
            if self.goes_left(zero) {
                set = [!0; 4];
            }
        }
        for code in place.low..place.end {
            let stored = place.stored(code as u8);
            let bit = 1 << (stored & 63);
            if self.goes_left(code as u8) {
                set[usize::from(stored >> 6)] |= bit;
            } else {
                set[usize::from(stored >> 6)] &= !bit;
            }
        }
        set
    }
}

/// Whether a set of codes has this one.
#[inline(always)]
pub(crate) fn contains(set: &[u64; 4], code: u8) -> bool {
    set[usize::from(code >> 6)] >> (code & 63) & 1 == 1
}

/// Rows per code of a feature in a node, and how many either side needs.
pub(crate) struct Counts<'a> {
    pub(crate) by_code: &'a [u32; CODES],
    pub(crate) min: usize,
}

/// A feature in a node.
#[derive(Clone, Copy)]
pub(crate) struct Feature<'a> {
    pub(crate) index: usize,
    pub(crate) coding: &'a Coding,
    pub(crate) place: &'a Place,
    /// Where its sums begin in the histogram at hand.
    pub(crate) start: usize,
    /// -1, 0 or 1.
    pub(crate) constraint: i8,
}

/// Looks for splits; keeps the buffers between features.
pub(crate) struct Scanner {
    pub(crate) units: Units,
    /// Whether any feature is constrained.
    monotone: bool,
    /// Sums by code; of a bundled feature put together here.
    sums: Box<[Pair; CODES]>,
    g: Box<[i32; CODES]>,
    h: Box<[i32; CODES]>,
    scores: Box<[f64; CODES]>,
    order: Vec<(f64, u8)>,
}

impl Scanner {
    pub(crate) fn new(units: Units, monotone: bool) -> Scanner {
        Scanner {
            units,
            monotone,
            sums: Box::new([0; CODES]),
            g: Box::new([0; CODES]),
            h: Box::new([0; CODES]),
            scores: Box::new([0.0; CODES]),
            order: Vec::new(),
        }
    }

    /// The gain of the feature's best split, not above 0 where there is none. `histogram`: of all lines.
    pub(crate) fn peak(&mut self, feature: Feature<'_>, parent: &Parent, histogram: &[Pair]) -> f64 {
        if let (Some(_), 2, 1, false) =
            (feature.place.bundled, feature.place.end - feature.place.low, feature.place.low, self.monotone)
            && matches!(feature.coding, Coding::Cuts(_))
        {
            // One-hot: a single cut.
            let one = histogram[feature.start];
            let other = parent.total.wrapping_sub(one);
            let (g, h) = (f64::from(upper(one)), f64::from(lower(one)));
            let (g2, h2) = (f64::from(upper(other)), f64::from(lower(other)));
            if h < self.units.min_h || h2 < self.units.min_h {
                return 0.0;
            }
            let u = &self.units;
            let zero_is_low = feature.place.bundled.is_some_and(|b| b.0 == 1);
            // In the order of the general scan, for the same bits: what goes left first.
            let (l, r) = if zero_is_low { ((g2, h2), (g, h)) } else { ((g, h), (g2, h2)) };
            return self.gain(score_sum(u, l.0, l.1, r.0, r.1), parent);
        }
        self.best(feature, parent, histogram, None).map_or(0.0, |s| s.gain)
    }

    /// The feature's best split. `counts`: where too few rows may be on a side.
    pub(crate) fn best(
        &mut self,
        feature: Feature<'_>,
        parent: &Parent,
        histogram: &[Pair],
        counts: Option<&Counts<'_>>,
    ) -> Option<Split> {
        let (start, Place { low, end, bundled, .. }) = (feature.start, *feature.place);
        match bundled {
            None => self.sums[low..end].copy_from_slice(&histogram[start + low..start + end]),
            Some((zero, _)) => {
                let zero = usize::from(zero);
                let own = &histogram[start..start + end - low - 1];
                let mut rest = parent.total;
                for &s in own {
                    rest = rest.wrapping_sub(s);
                }
                self.sums[low..zero].copy_from_slice(&own[..zero - low]);
                self.sums[zero] = rest;
                self.sums[zero + 1..end].copy_from_slice(&own[zero - low..]);
            }
        }
        if low == 1 {
            self.sums[0] = 0;
        }
        match feature.coding {
            Coding::Cuts(_) => self.cut(feature, parent, end, counts),
            Coding::Levels { .. } => self.set(feature, parent, end, counts),
        }
    }

    /// The real gain of a sum of scores over the parent's.
    fn gain(&self, score: f64, parent: &Parent) -> f64 {
        let (g, h) = (f64::from(upper(parent.total)), f64::from(lower(parent.total)));
        let u = &self.units;
        let before = if self.monotone {
            u.worth(g, h, u.lambda, u.weight(g, h, u.lambda, parent.bounds))
        } else {
            u.score(g, h, u.lambda)
        };
        let gain = score - before - u.gamma;
        // Less than rounding adds is no gain.
        if gain > before * 1e-12 { gain * u.gain } else { 0.0 }
    }

    /// Scores of the prefixes in `g`, `h` up to `last`, and the first of the best.
    fn score_prefixes(&mut self, feature: Feature<'_>, parent: &Parent, last: usize, add: Pair, lambda: f64) {
        let total = (upper(parent.total), lower(parent.total));
        let add = (upper(add), lower(add));
        let (g, h, out) = (&self.g[..last], &self.h[..last], &mut self.scores[..last]);
        if self.monotone {
            let u = &self.units;
            for ((&g, &h), out) in g.iter().zip(h).zip(out) {
                let (gl, hl) = (f64::from(g + add.0), f64::from(h + add.1));
                let (gr, hr) = (f64::from(total.0) - gl, f64::from(total.1) - hl);
                let (wl, wr) = (u.weight(gl, hl, lambda, parent.bounds), u.weight(gr, hr, lambda, parent.bounds));
                let wrong = f64::from(feature.constraint) * (wr - wl) < 0.0;
                let valid = hl >= u.min_h && hr >= u.min_h && !wrong;
                let score = u.worth(gl, hl, lambda, wl) + u.worth(gr, hr, lambda, wr);
                *out = if valid { score } else { f64::NEG_INFINITY };
            }
            return;
        }
        let u = self.units;
        wide(
            #[inline(always)]
            || score_all(&u, g, h, total, add, lambda, out),
        );
    }

    fn cut(&mut self, feature: Feature<'_>, parent: &Parent, end: usize, counts: Option<&Counts<'_>>) -> Option<Split> {
        let missing = self.sums[0];
        let present = end - 1;
        let mut run: Pair = 0;
        for k in 0..present {
            run = run.wrapping_add(self.sums[k + 1]);
            self.g[k] = upper(run);
            self.h[k] = lower(run);
        }
        let mut best: Option<(f64, usize, bool)> = None;
        // Missing right, then missing left. The last cut (every number left) tells missing from present.
        for missing_left in [false, true] {
            if missing_left && missing == 0 {
                break;
            }
            let last = if missing != 0 && !missing_left { present } else { present - 1 };
            let add = if missing_left { missing } else { 0 };
            self.score_prefixes(feature, parent, last, add, self.units.lambda);
            if let Some(counts) = counts {
                let from = if missing_left { counts.by_code[0] } else { 0 };
                self.forbid_small(counts, from, |k| k + 1, last);
            }
            let Some(at) = first_of_largest(&self.scores[..last]) else { continue };
            if self.scores[at] > best.map_or(f64::NEG_INFINITY, |b| b.0) {
                best = Some((self.scores[at], at, missing_left));
            }
        }
        let (score, at, missing_left) = best?;
        let gain = self.gain(score, parent);
        if gain <= 0.0 {
            return None;
        }
        // Codes that no row here has lie half on either side.
        let next = (at + 1..present).find(|&k| self.sums[k + 1] != 0);
        let code = match next {
            None => CODES - 1,
            Some(next) => at + 1 + (next - at - 1) / 2,
        };
        let mut left = u64::from(self.g[at] as u32) << 32 | u64::from(self.h[at] as u32);
        if missing_left {
            left = left.wrapping_add(missing);
        }
        let heavier_left = lower(left) >= lower(parent.total.wrapping_sub(left));
        Some(Split {
            feature: feature.index,
            cut: Cut::AtMost(code as u8),
            default_left: if missing == 0 { heavier_left } else { missing_left },
            gain,
            left,
        })
    }

    /// Marks prefixes that leave too few rows on a side. `code`: of the prefix's last bin.
    fn forbid_small(&mut self, counts: &Counts<'_>, from: u32, code: impl Fn(usize) -> usize, last: usize) {
        let all: usize = counts.by_code.iter().map(|n| *n as usize).sum();
        let mut left = from as usize;
        for k in 0..last {
            left += counts.by_code[code(k)] as usize;
            if left < counts.min || all - left < counts.min {
                self.scores[k] = f64::NEG_INFINITY;
            }
        }
    }

    /// Levels in the order of their gradient by hessian: the best set is a prefix (Fisher 1958). Missing is a level, too.
    fn set(&mut self, feature: Feature<'_>, parent: &Parent, end: usize, counts: Option<&Counts<'_>>) -> Option<Split> {
        let mut order = std::mem::take(&mut self.order);
        order.clear();
        for code in 0..end {
            let s = self.sums[code];
            if s != 0 {
                let h = f64::from(lower(s)) + self.units.cat_smooth;
                order.push((f64::from(upper(s)) / h, code as u8));
            }
        }
        order.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let found = self.prefix_of(&order, feature, parent, counts);
        self.order = order;
        found
    }

    fn prefix_of(
        &mut self,
        order: &[(f64, u8)],
        feature: Feature<'_>,
        parent: &Parent,
        counts: Option<&Counts<'_>>,
    ) -> Option<Split> {
        let n = order.len();
        if n < 2 {
            return None;
        }
        let mut run: Pair = 0;
        for (k, (_, code)) in order.iter().enumerate() {
            run = run.wrapping_add(self.sums[usize::from(*code)]);
            self.g[k] = upper(run);
            self.h[k] = lower(run);
        }
        let last = n - 1;
        self.score_prefixes(feature, parent, last, 0, self.units.lambda + self.units.cat_l2);
        for k in 0..last {
            if (k + 1).min(n - k - 1) > self.units.max_cat {
                self.scores[k] = f64::NEG_INFINITY;
            }
        }
        if let Some(counts) = counts {
            self.forbid_small(counts, 0, |k| usize::from(order[k].1), last);
        }
        let at = first_of_largest(&self.scores[..last])?;
        let gain = self.gain(self.scores[at], parent);
        if gain <= 0.0 {
            return None;
        }
        let prefix_sum = u64::from(self.g[at] as u32) << 32 | u64::from(self.h[at] as u32);
        let rest = parent.total.wrapping_sub(prefix_sum);
        // The lighter side is the set, so that levels not seen here go with the many.
        let prefix = lower(prefix_sum) <= lower(rest);
        let (chosen, left) = if prefix { (&order[..=at], prefix_sum) } else { (&order[at + 1..], rest) };
        let mut set = [0u64; 4];
        let mut insert = |code: u8| set[usize::from(code >> 6)] |= 1 << (code & 63);
        chosen.iter().for_each(|c| insert(c.1));
        let missing = set[0] & 1 == 1;
        set[0] &= !1;
        if set == [0; 4] {
            // Missing alone on one side: the set is every level present, on the left.
            let mut present = [0u64; 4];
            for (_, code) in order.iter().filter(|c| c.1 != 0) {
                present[usize::from(code >> 6)] |= 1 << (code & 63);
            }
            let left = parent.total.wrapping_sub(left);
            return Some(Split { feature: feature.index, cut: Cut::In(present), default_left: false, gain, left });
        }
        Some(Split { feature: feature.index, cut: Cut::In(set), default_left: missing, gain, left })
    }
}

/// Both sides' scores added up.
#[inline(always)]
fn score_sum(u: &Units, gl: f64, hl: f64, gr: f64, hr: f64) -> f64 {
    score_sum_by(u, gl, hl, gr, hr, u.lambda)
}

/// With one division.
#[inline(always)]
fn score_sum_by(u: &Units, gl: f64, hl: f64, gr: f64, hr: f64, lambda: f64) -> f64 {
    let (l, r) = (u.reduced(gl), u.reduced(gr));
    let (dl, dr) = (hl + lambda, hr + lambda);
    (l * l * dr + r * r * dl) / (dl * dr)
}

/// Scores of all prefixes; `NEG_INFINITY` where a side is too light. Branch-free: the compiler makes vectors of it.
#[inline(always)]
fn score_all(u: &Units, g: &[i32], h: &[i32], total: (i32, i32), add: (i32, i32), lambda: f64, out: &mut [f64]) {
    let (tg, th) = (f64::from(total.0), f64::from(total.1));
    for ((&g, &h), out) in g.iter().zip(h).zip(out) {
        let (gl, hl) = (f64::from(g.wrapping_add(add.0)), f64::from(h.wrapping_add(add.1)));
        let (gr, hr) = (tg - gl, th - hl);
        let score = score_sum_by(u, gl, hl, gr, hr, lambda);
        let lighter = if hl < hr { hl } else { hr };
        *out = if lighter >= u.min_h { score } else { f64::NEG_INFINITY };
    }
}

/// None where nothing is above negative infinity.
pub(crate) fn first_of_largest(scores: &[f64]) -> Option<usize> {
    const LANES: usize = 8;
    let mut lanes = [f64::NEG_INFINITY; LANES];
    let (chunks, rest) = scores.as_chunks::<LANES>();
    for c in chunks {
        for k in 0..LANES {
            lanes[k] = if c[k] > lanes[k] { c[k] } else { lanes[k] };
        }
    }
    let largest = lanes.iter().chain(rest).fold(f64::NEG_INFINITY, |a, &b| if b > a { b } else { a });
    if largest == f64::NEG_INFINITY {
        return None;
    }
    scores.iter().position(|s| *s == largest)
}
