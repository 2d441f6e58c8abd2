//! The evaluator.
use super::Node;
pub(super) fn eval(node: &Node, slots: &[f64], as_of: f64) -> f64 {
    let _ = as_of;
    match node {
        Node::Slot(i) => slots[*i as usize],
    }
}
