//! One tree: its arrays, to our one rule.
//!
//! A tree of `n` leaves has splits 0 to `n - 2` (0 is the root) and leaves 0 to `n - 1`; a child below 0 is the leaf `-1 - child`.

use super::ZERO;
use super::features::Features;
use super::text::{Fields, number, numbers};
use crate::error::Result;
use crate::import::error;
use crate::math::BOUND;
use crate::model::forest::{MAX_CATEGORY, PlainNode, PlainTree, Test};

/// The arrays of a tree, by split.
struct Splits {
    feature: Vec<usize>,
    threshold: Vec<f64>,
    decision: Vec<u8>,
    left: Vec<i64>,
    right: Vec<i64>,
    /// Set `k` is words `boundaries[k]..boundaries[k + 1]` of `words`: bit `c` is category `c`.
    boundaries: Vec<usize>,
    words: Vec<u32>,
    /// Sets that a split has asked for: each belongs to one.
    taken: Vec<bool>,
}

/// The tree, nodes in preorder, and per node LightGBM's index of its leaf (0 for a split). `scale`: from a leaf's value to what it adds to
/// the score `output`.
pub fn read(
    fields: &Fields,
    output: usize,
    features: &mut Features,
    scale: &dyn Fn(f64) -> f64,
) -> Result<(PlainTree, Vec<u32>)> {
    let one = |key| number::<usize>(key, fields.get(key).ok_or_else(|| error(format!("it has no `{key}`")))?);
    if fields.get("is_linear").is_some_and(|v| v.trim() != "0") {
        return Err(error("its leaves are linear models, which are not supported: train with `linear_tree=false`"));
    }
    let n_leaves = one("num_leaves")?;
    let values: Vec<f64> = numbers(fields, "leaf_value", n_leaves)?;
    let mut leaves = Vec::with_capacity(n_leaves);
    for (i, v) in values.into_iter().enumerate() {
        let v = scale(v);
        if v.is_nan() || v.abs() > BOUND {
            return Err(error(format!("the value of leaf {i} is not a finite number, or too large a one")));
        }
        leaves.push(v);
    }
    match leaves[..] {
        [] => return Err(error("it has no leaves")),
        [v] => return Ok((PlainTree { nodes: vec![PlainNode::Leaf(vec![v])], output }, vec![0])),
        _ => {}
    }

    let mut splits = Splits::read(fields, n_leaves - 1, one("num_cat")?)?;
    let mut nodes: Vec<PlainNode> = Vec::with_capacity(2 * n_leaves - 1);
    let mut numbers = Vec::with_capacity(2 * n_leaves - 1);
    let mut seen = (vec![false; n_leaves - 1], vec![false; n_leaves]);
    // Children to visit, and whose right child each is.
    let mut open: Vec<(i64, Option<usize>)> = vec![(0, None)];
    while let Some((child, right_of)) = open.pop() {
        let at = nodes.len();
        if let Some(parent) = right_of
            && let PlainNode::Split { right, .. } = &mut nodes[parent]
        {
            *right = at;
        }
        let is_leaf = child < 0;
        let (i, marks) = if is_leaf { (!child, &mut seen.1) } else { (child, &mut seen.0) };
        let i = usize::try_from(i).unwrap_or(usize::MAX);
        let what = if is_leaf { "leaf" } else { "split" };
        match marks.get_mut(i) {
            Some(mark) if !*mark => *mark = true,
            Some(_) => return Err(error(format!("{what} {i} has two parents"))),
            None => return Err(error(format!("a split names {what} {i}, but there are {}", marks.len()))),
        }
        if is_leaf {
            nodes.push(PlainNode::Leaf(vec![leaves[i]]));
            numbers.push(i as u32);
        } else {
            let (feature, test, default_left) =
                splits.test(i, features).map_err(|e| e.context(format!("split {i}")))?;
            nodes.push(PlainNode::Split { feature, test, default_left, left: at + 1, right: 0 });
            numbers.push(0);
            open.extend([(splits.right[i], Some(at)), (splits.left[i], None)]);
        }
    }
    // With no node twice, and none that is not there, as many splits as leaves less one leave none over.
    if nodes.len() != 2 * n_leaves - 1 {
        return Err(error("some of its splits and leaves have no parent"));
    }
    Ok((PlainTree { nodes, output }, numbers))
}

impl Splits {
    fn read(fields: &Fields, n: usize, n_sets: usize) -> Result<Splits> {
        let mut splits = Splits {
            feature: numbers(fields, "split_feature", n)?,
            threshold: numbers(fields, "threshold", n)?,
            decision: numbers(fields, "decision_type", n)?,
            left: numbers(fields, "left_child", n)?,
            right: numbers(fields, "right_child", n)?,
            boundaries: vec![0],
            words: Vec::new(),
            taken: Vec::new(),
        };
        if n_sets > n {
            return Err(error(format!("it has {n_sets} sets of categories, but {n} splits")));
        }
        if n_sets > 0 {
            splits.boundaries = numbers(fields, "cat_boundaries", n_sets + 1)?;
            let b = &splits.boundaries;
            if b[0] != 0 || b.windows(2).any(|w| w[0] > w[1]) {
                return Err(error("`cat_boundaries` do not begin with 0 or do not ascend"));
            }
            splits.words = numbers(fields, "cat_threshold", b[n_sets])?;
            splits.taken = vec![false; n_sets];
        }
        Ok(splits)
    }

    /// What goes left at split `i`: the column, the test, and where NaN goes.
    fn test(&mut self, i: usize, features: &mut Features) -> Result<(usize, Test, bool)> {
        let (f, t, decision) = (self.feature[i], self.threshold[i], self.decision[i]);
        let is_category = decision & 1 != 0;
        let default_left = decision & 2 != 0;
        if decision > 15 {
            return Err(error(format!("decision_type {decision} is not known: 0 to 11 are")));
        }
        if is_category {
            return Ok((features.looked_up(f)?, Test::In(self.members(t)?), false));
        }
        if t.is_nan() {
            return Err(error("its threshold is not a number"));
        }
        let zero_left = 0.0 <= t;
        let test = Test::AtMost(with_zero(t));
        match decision >> 2 {
            // Nothing is missing: NaN is 0.
            0 => Ok((features.compared(f)?, test, zero_left)),
            // Zero is missing. Mostly it goes where the threshold has it anyway.
            1 if zero_left == default_left => Ok((features.compared(f)?, test, default_left)),
            1 => Ok((features.blanked_zero(f)?, test, default_left)),
            2 => Ok((features.compared(f)?, test, default_left)),
            missing => Err(error(format!("missing type {missing} of its decision_type is not known: 0 to 2 are"))),
        }
    }

    /// The categories of set `k`.
    fn members(&mut self, k: f64) -> Result<Vec<u32>> {
        let at = k as usize;
        match self.taken.get_mut(at) {
            Some(taken) if at as f64 == k && !*taken => *taken = true,
            Some(_) if at as f64 == k => return Err(error(format!("another split has set {at} of categories"))),
            _ => return Err(error(format!("its set of categories is none of the {}", self.taken.len()))),
        }
        let mut members = Vec::new();
        for (w, word) in (0u32..).zip(&self.words[self.boundaries[at]..self.boundaries[at + 1]]) {
            let mut rest = *word;
            while rest != 0 {
                let category = w.saturating_mul(32).saturating_add(rest.trailing_zeros());
                if category > MAX_CATEGORY {
                    return Err(error(format!("category {category} is past the largest supported, {MAX_CATEGORY}")));
                }
                members.push(category);
                rest &= rest - 1;
            }
        }
        Ok(members)
    }
}

/// What LightGBM before version 4 writes for an infinite threshold (`Common::AvoidInf`): all numbers on one side, what is missing on
/// the other.
const INFINITE: f64 = 1e300;

/// The largest finite number that goes left at threshold `t`, where numbers within ±[`ZERO`] are 0 first.
fn with_zero(t: f64) -> f64 {
    if t.abs() >= INFINITE {
        f64::MAX.copysign(t)
    } else if !(-ZERO..=ZERO).contains(&t) {
        t
    } else if t >= 0.0 {
        ZERO
    } else {
        (-ZERO).next_down()
    }
}
