//! The best cut, or set of levels, in the sums of one feature.

use super::bins::{CODES, Coding};
use super::histogram::{Scale, Sum, add, sub};

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
            Cut::In(set) => set[usize::from(code >> 6)] >> (code & 63) & 1 == 1,
        }
    }
}

/// The occupied codes of one feature in one node, ascending, with their sums: one per channel (a boosted tree has one; a forest
/// has one per class, or one where there are two).
#[derive(Default)]
pub(crate) struct Occupied {
    pub(crate) codes: Vec<u8>,
    pub(crate) sums: Vec<Sum>,
    pub(crate) channels: usize,
}

impl Occupied {
    pub(crate) fn new(channels: usize) -> Occupied {
        Occupied { codes: Vec::with_capacity(CODES), sums: Vec::with_capacity(CODES * channels), channels }
    }

    pub(crate) fn clear(&mut self) {
        self.codes.clear();
        self.sums.clear();
    }

    fn sum(&self, i: usize) -> &[Sum] {
        &self.sums[i * self.channels..(i + 1) * self.channels]
    }
}

/// Looks for splits; keeps the buffers between features.
pub(crate) struct Scanner {
    pub(crate) rules: Rules,
    pub(crate) scale: Scale,
    order: Vec<usize>,
    left: Vec<Sum>,
    right: Vec<Sum>,
}

impl Scanner {
    pub(crate) fn new(rules: Rules, scale: Scale) -> Scanner {
        Scanner { rules, scale, order: Vec::new(), left: Vec::new(), right: Vec::new() }
    }

    /// What a node with these sums is worth: `sum over channels of G^2 / (H + lambda)`, G reduced by alpha. Chen and Guestrin
    /// 2016, equation 6 without its factor; for weights and class counts, Gini impurity up to constants.
    pub(crate) fn score(&self, sums: &[Sum], lambda: f64) -> f64 {
        let h = self.scale.h(sums[0]) + lambda;
        if h <= 0.0 {
            return 0.0;
        }
        let mut squares = 0.0;
        for &s in sums {
            let g = (self.scale.g(s).abs() - self.rules.alpha).max(0.0);
            squares += g * g;
        }
        squares / h
    }

    /// Offers the best split on `feature` to `best`. Earlier candidates win ties. `total`: the node's sums.
    pub(crate) fn scan(
        &mut self,
        feature: usize,
        coding: &Coding,
        bins: &Occupied,
        total: &[Sum],
        best: &mut Option<Split>,
    ) {
        if bins.codes.len() < 2 {
            return;
        }
        match coding {
            Coding::Cuts(_) => self.scan_cuts(feature, bins, total, best),
            Coding::Levels { .. } => self.scan_levels(feature, bins, total, best),
        }
    }

    fn scan_cuts(&mut self, feature: usize, bins: &Occupied, total: &[Sum], best: &mut Option<Split>) {
        let parent = self.score(total, self.rules.lambda) + self.rules.gamma;
        let missing = bins.codes[0] == 0;
        let first = usize::from(missing);
        let n = bins.codes.len();
        // Missing right, then missing left. The last cut (every number left) tells missing from present.
        for missing_left in [false, true] {
            if missing_left && !missing {
                break;
            }
            self.start(total);
            if missing_left {
                self.move_left(bins.sum(0));
            }
            let last = if missing && !missing_left { n } else { n - 1 };
            for i in first..last {
                self.move_left(bins.sum(i));
                let Some(gain) = self.gain(parent, self.rules.lambda) else { continue };
                if best.as_ref().is_none_or(|b| gain > b.gain) {
                    let here = bins.codes[i];
                    let next = bins.codes.get(i + 1).copied().unwrap_or(u8::MAX);
                    let heavier_left = self.scale.n(self.left[0]) >= self.scale.n(self.right[0]);
                    *best = Some(Split {
                        feature,
                        cut: Cut::AtMost(if i + 1 == n { u8::MAX } else { here + (next - here - 1) / 2 }),
                        default_left: if missing { missing_left } else { heavier_left },
                        gain,
                    });
                }
            }
        }
    }

    /// Levels in the order of their gradient by hessian: for one channel the best set is a prefix (Fisher 1958). With several
    /// channels the orders by each of them are tried.
    fn scan_levels(&mut self, feature: usize, bins: &Occupied, total: &[Sum], best: &mut Option<Split>) {
        let parent = self.score(total, self.rules.lambda) + self.rules.gamma;
        let n = bins.codes.len();
        for channel in 0..bins.channels {
            let ratio = |i: usize| {
                let s = bins.sum(i)[channel];
                self.scale.g(s) / (self.scale.h(s) + self.rules.cat_smooth).max(f64::MIN_POSITIVE)
            };
            let mut order = std::mem::take(&mut self.order);
            order.clear();
            order.extend(0..n);
            order.sort_by(|&a, &b| ratio(a).total_cmp(&ratio(b)).then(a.cmp(&b)));
            self.start(total);
            for (k, &i) in order[..n - 1].iter().enumerate() {
                self.move_left(bins.sum(i));
                if (k + 1).min(n - k - 1) > self.rules.max_cat {
                    continue;
                }
                let Some(gain) = self.gain(parent, self.rules.lambda + self.rules.cat_l2) else { continue };
                if best.as_ref().is_none_or(|b| gain > b.gain) {
                    // The side with fewer rows is the set, so that levels not seen here go with the many.
                    let prefix = self.scale.n(self.left[0]) <= self.scale.n(self.right[0]);
                    let chosen = if prefix { &order[..=k] } else { &order[k + 1..] };
                    let mut set = [0u64; 4];
                    for &i in chosen {
                        let code = bins.codes[i];
                        set[usize::from(code >> 6)] |= 1 << (code & 63);
                    }
                    let mut default_left = set[0] & 1 == 1;
                    set[0] &= !1;
                    if set == [0; 4] {
                        // Missing alone on one side: the set is every level present.
                        default_left = false;
                        for &code in bins.codes.iter().filter(|c| **c != 0) {
                            set[usize::from(code >> 6)] |= 1 << (code & 63);
                        }
                    }
                    *best = Some(Split { feature, cut: Cut::In(set), default_left, gain });
                }
            }
            self.order = order;
        }
    }

    fn start(&mut self, total: &[Sum]) {
        self.left.clear();
        self.left.resize(total.len(), [0; 2]);
        self.right.clear();
        self.right.extend_from_slice(total);
    }

    #[inline]
    fn move_left(&mut self, sums: &[Sum]) {
        for (c, &s) in sums.iter().enumerate() {
            add(&mut self.left[c], s);
            sub(&mut self.right[c], s);
        }
    }

    /// The gain of left and right over `parent`, if the rules allow the split and it gains anything.
    #[inline]
    fn gain(&self, parent: f64, lambda: f64) -> Option<f64> {
        let (l, r) = (self.left[0], self.right[0]);
        if self.scale.n(l) < self.rules.min_rows || self.scale.n(r) < self.rules.min_rows {
            return None;
        }
        if self.scale.h(l) < self.rules.min_h || self.scale.h(r) < self.rules.min_h {
            return None;
        }
        let gain = self.score(&self.left, lambda) + self.score(&self.right, lambda) - parent;
        (gain > parent * 1e-12 && gain > 0.0).then_some(gain)
    }
}
