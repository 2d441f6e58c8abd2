//! A library's trees in our one rule, with its own numbers of their leaves; and the bisection that gets them there.

use crate::model::forest::{Link, PlainNode, PlainTree};

/// A forest before it is packed.
#[derive(Clone, Debug, PartialEq)]
pub struct Trees {
    /// Number of columns it may read.
    pub n_features: usize,
    /// Number of classes.
    pub n_classes: usize,
    /// How the summed leaves become probabilities.
    pub link: Link,
    /// The score each output starts from; empty under [`Link::Average`].
    pub base: Vec<f64>,
    /// The trees.
    pub trees: Vec<PlainTree>,
    /// Per tree and node the library's number of it, as its own leaf prediction gives it (`pred_leaf`, `apply`); only those of leaves
    /// are looked at. Empty where the library gives none.
    pub numbers: Vec<Vec<u32>>,
}

impl Trees {
    /// Per tree, the library's numbers of its leaves by our [`leaf_ids`](crate::model::forest::Forest::leaf_ids): the preorder
    /// number of a node among all nodes of its tree. Empty where the library gives none.
    pub fn by_preorder(&self) -> Vec<Vec<u32>> {
        self.trees.iter().zip(&self.numbers).map(|(tree, numbers)| preorder(tree, numbers)).collect()
    }
}

fn preorder(tree: &PlainTree, numbers: &[u32]) -> Vec<u32> {
    let mut open = vec![0];
    let mut out = Vec::with_capacity(tree.nodes.len());
    // A sound tree visits each node once; any other is refused when it is packed.
    while let Some(i) = open.pop()
        && out.len() < tree.nodes.len()
    {
        out.push(numbers.get(i).copied().unwrap_or_default());
        if let Some(PlainNode::Split { left, right, .. }) = tree.nodes.get(i) {
            open.extend([*right, *left]);
        }
    }
    out
}

/// The largest finite `x` with `goes_left(x)`, for a test that is true up to some number and false after it; `None` where no number
/// goes left. `f64::MAX` where all do.
///
/// ```
/// use hedgerow::import::trees::largest;
/// let t = 0.1f32;
/// let c = largest(|x| (x as f32) < t).unwrap();
/// assert!((c as f32) < t && c.next_up() as f32 >= t);
/// ```
pub fn largest(goes_left: impl Fn(f64) -> bool) -> Option<f64> {
    if !goes_left(-f64::MAX) {
        return None;
    }
    let (mut low, mut high) = (key(-f64::MAX), key(f64::MAX));
    if goes_left(f64::MAX) {
        return Some(f64::MAX);
    }
    // goes_left(low), not goes_left(high).
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        if goes_left(number(middle)) { low = middle } else { high = middle }
    }
    Some(number(low))
}

/// `f32(x) < t` (XGBoost) as `x <= c`. `None`: no number goes left.
pub fn below_single(t: f32) -> Option<f64> {
    largest(|x| (x as f32) < t)
}

/// `f32(x) <= t` (scikit-learn, ONNX) as `x <= c`. `None`: no number goes left.
pub fn at_most_single(t: f32) -> Option<f64> {
    largest(|x| (x as f32) <= t)
}

/// Finite numbers in order as whole numbers in order.
fn key(v: f64) -> i128 {
    let magnitude = i128::from(v.to_bits() & !(1 << 63));
    if v.is_sign_negative() { -magnitude } else { magnitude }
}

fn number(key: i128) -> f64 {
    let magnitude = f64::from_bits(key.unsigned_abs() as u64);
    if key < 0 { -magnitude } else { magnitude }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bisection_ends_at_the_last_number_that_goes_left() {
        for t in [0.1f32, -0.1, 0.0, -0.0, 1.0, f32::MIN_POSITIVE, -f32::MIN_POSITIVE, f32::MAX, f32::MIN, 1e-45] {
            let c = below_single(t).unwrap();
            assert!((c as f32) < t && c.next_up() as f32 >= t, "{t}: {c}");
            let c = at_most_single(t).unwrap();
            assert!((c as f32) <= t && (c == f64::MAX || c.next_up() as f32 > t), "{t}: {c}");
        }
        assert_eq!((below_single(f32::NEG_INFINITY), at_most_single(f32::INFINITY)), (None, Some(f64::MAX)));
    }

    #[test]
    fn numbers_of_leaves_follow_the_preorder() {
        let leaf = || PlainNode::Leaf(vec![0.0]);
        let split = |left, right| PlainNode::Split {
            feature: 0,
            test: crate::model::forest::Test::AtMost(0.0),
            default_left: false,
            left,
            right,
        };
        // Breadth first, as XGBoost numbers them: 0 (1 (3 4) 2).
        let tree = PlainTree { nodes: vec![split(1, 2), split(3, 4), leaf(), leaf(), leaf()], output: 0 };
        let trees = Trees {
            n_features: 1,
            n_classes: 2,
            link: Link::Sigmoid,
            base: vec![0.0],
            trees: vec![tree],
            numbers: vec![vec![0, 1, 2, 3, 4]],
        };
        assert_eq!(trees.by_preorder(), [[0, 1, 3, 4, 2]]);
    }
}
