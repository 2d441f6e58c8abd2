//! From raw scores to what a classifier of `ai.onnx.ml` gives: `post_transform` and the second class.

use crate::error::Result;
use crate::import::error;
use crate::import::onnx::node::Node;
use crate::import::onnx::tensor::Data;
use crate::math;

/// `post_transform`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Post {
    None,
    Softmax,
    Logistic,
    SoftmaxZero,
    Probit,
}

impl Post {
    pub(super) fn of(node: &Node) -> Result<Post> {
        Ok(match node.str("post_transform", "NONE")? {
            "NONE" => Post::None,
            "SOFTMAX" => Post::Softmax,
            "LOGISTIC" => Post::Logistic,
            "SOFTMAX_ZERO" => Post::SoftmaxZero,
            "PROBIT" => Post::Probit,
            other => {
                return Err(error(format!(
                    "attribute `post_transform` is `{other}`; known: NONE, SOFTMAX, LOGISTIC, SOFTMAX_ZERO, PROBIT"
                )));
            }
        })
    }

    /// `TreeEnsemble`'s numbers.
    pub(super) fn of_number(number: i64) -> Result<Post> {
        [Post::None, Post::Softmax, Post::Logistic, Post::SoftmaxZero, Post::Probit]
            .get(usize::try_from(number).unwrap_or(usize::MAX))
            .copied()
            .ok_or_else(|| error(format!("attribute `post_transform` is {number}; known: 0 to 4")))
    }

    fn name(self) -> &'static str {
        match self {
            Post::None => "NONE",
            Post::Softmax => "SOFTMAX",
            Post::Logistic => "LOGISTIC",
            Post::SoftmaxZero => "SOFTMAX_ZERO",
            Post::Probit => "PROBIT",
        }
    }

    /// Of one score that belongs to no class: runtimes pass over transforms there, where the operators' pages have them.
    pub(super) fn none_of_one(self, targets: usize) -> Result<()> {
        if targets == 1 && self != Post::None {
            return Err(error(format!(
                "post_transform {} of one target is not understood: runtimes differ in it",
                self.name()
            )));
        }
        Ok(())
    }

    /// Of scores that have a class each.
    pub(super) fn apply(self, scores: &mut [f32]) {
        match self {
            Post::None => {}
            Post::Logistic => scores.iter_mut().for_each(|s| *s = logistic(*s)),
            Post::Probit => scores.iter_mut().for_each(|s| *s = probit(*s)),
            Post::Softmax | Post::SoftmaxZero => softmax(scores, self == Post::SoftmaxZero),
        }
    }
}

/// The scores of two classes that share one, which is the second's; `rest`: it is a probability, of which the first gets the rest.
///
/// # Errors
/// A transform that runtimes pass over here, where the operators' pages have it.
pub(super) fn shared(s: f32, rest: bool, post: Post) -> Result<Vec<f32>> {
    match post {
        Post::None if rest => Ok(vec![1.0 - s, s]),
        Post::None => Ok(vec![-s, s]),
        Post::Logistic => Ok(vec![logistic(-s), logistic(s)]),
        _ => Err(error(format!(
            "post_transform {} of one score for two classes is not understood: runtimes differ in it; NONE and LOGISTIC are",
            post.name()
        ))),
    }
}

/// `1 / (1 + e^-s)`.
pub(super) fn logistic(s: f32) -> f32 {
    if s.is_nan() { s } else { math::sigmoid(f64::from(s)) as f32 }
}

/// Scores of 0 stay 0 where `zero`.
fn softmax(scores: &mut [f32], zero: bool) {
    // As onnxruntime: what is as near to 0 counts as 0.
    const NEAR: f32 = 1e-7;
    let top = scores.iter().copied().fold(f32::MIN, f32::max);
    let mut sum = 0f32;
    for s in scores.iter_mut() {
        if zero && s.abs() <= NEAR {
            *s *= math::exp(f64::from(-top)) as f32;
        } else {
            *s = math::exp(f64::from(*s - top)) as f32;
            sum += *s;
        }
    }
    scores.iter_mut().for_each(|s| *s /= sum);
}

/// `sqrt(2) erfinv(2 p - 1)`, by the approximation that onnxruntime has (S. Winitzki, "A handy approximation for the error function
/// and its inverse", 2008, equation 7, with a = 0.147).
fn probit(p: f32) -> f32 {
    let x = 2.0 * p - 1.0;
    let log = math::ln(f64::from((1.0 - x) * (1.0 + x))) as f32;
    let v = 2.0 / (std::f32::consts::PI * 0.147) + 0.5 * log;
    let root = (-v + (v * v - 1.0 / 0.147 * log).sqrt()).sqrt();
    std::f32::consts::SQRT_2 * if x < 0.0 { -root } else { root }
}

/// The labels of a classifier: `ints` and `strings` name its attributes.
pub(super) fn labels(node: &Node, ints: &str, strings: &str) -> Result<Data> {
    let ints = node.ints(ints)?.filter(|v| !v.is_empty());
    let strings = node.strs(strings)?.filter(|v| !v.is_empty());
    match (ints, strings) {
        (Some(v), None) => Ok(Data::I64(v.to_vec())),
        (None, Some(v)) => Ok(Data::Str(v.to_vec())),
        (None, None) => Err(error("the classes have no labels")),
        (Some(_), Some(_)) => Err(error("the classes have labels of two types")),
    }
}
