//! What scores mean: the objective, and the base score in its own space.

use super::error;
use super::file::{ModelParam, Numeral, short};
use crate::error::Result;
use crate::math;
use crate::model::MAX_CLASSES;

/// How scores become probabilities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Link {
    /// One score; its sigmoid is the probability of class 1. The base score is a probability.
    Sigmoid,
    /// As before; the base score is a score.
    RawSigmoid,
    /// A score per class; the base scores are scores.
    Softmax,
}

/// What the model's scores are.
pub(super) struct Scores {
    /// How they become probabilities.
    pub link: Link,
    /// Number of classes.
    pub n_classes: usize,
    /// Where each score starts from.
    pub base: Vec<f32>,
    /// What a person should know of the objective.
    pub note: Option<String>,
}

impl Scores {
    /// How many there are.
    pub fn n_outputs(&self) -> usize {
        self.base.len()
    }

    /// `version`: of the XGBoost that wrote the file; empty where it does not say.
    pub fn new(objective: &str, param: &ModelParam, version: &[u32]) -> Result<Scores> {
        let (link, note) = link(objective, version)?;
        let n_classes = param.num_class.whole("num_class", 0)?;
        let n_targets = param.num_target.whole("num_target", 1)?;
        if n_targets > 1 {
            return Err(error(format!(
                "the model has {n_targets} targets, each with an answer of its own: a classifier of one target is due"
            )));
        }
        let n_classes = match link {
            Link::Softmax if !(2..=MAX_CLASSES).contains(&n_classes) => {
                return Err(error(format!("num_class is {n_classes}: `{objective}` has 2 to {MAX_CLASSES}")));
            }
            Link::Softmax => n_classes,
            _ if n_classes > 1 => {
                return Err(error(format!("num_class is {n_classes}: `{objective}` has one score, and num_class 0")));
            }
            _ => 2,
        };
        let n_outputs = if link == Link::Softmax { n_classes } else { 1 };
        let given = numbers(&param.base_score)?;
        // Before 3.1 there is one for all classes.
        let given = if given.len() == 1 { vec![given[0]; n_outputs] } else { given };
        if given.len() != n_outputs {
            return Err(error(format!(
                "base_score has {} numbers: it has one, or one for each of {n_outputs} scores",
                given.len()
            )));
        }
        let base = given.into_iter().map(|v| margin(v, link, version)).collect::<Result<_>>()?;
        Ok(Scores { link, n_classes, base, note })
    }
}

fn link(objective: &str, version: &[u32]) -> Result<(Link, Option<String>)> {
    let refuse = |reason: &str| {
        Err(error(format!(
            "the objective `{objective}` {reason}: classifiers with probabilities are imported (`binary:logistic`, `binary:logitraw`, \
             `reg:logistic`, `multi:softprob`, `multi:softmax`)"
        )))
    };
    match objective {
        "binary:logistic" => Ok((Link::Sigmoid, None)),
        "reg:logistic" => Ok((
            Link::Sigmoid,
            Some("the objective is `reg:logistic`: the probability of the second class is what the original predicts".into()),
        )),
        "binary:logitraw" => Ok((
            // Until 1.2 its base score was a probability.
            if !version.is_empty() && version < &[1, 3][..] { Link::Sigmoid } else { Link::RawSigmoid },
            Some(
                "the objective is `binary:logitraw`: the original predicts the margin; the probability here is its sigmoid, \
                 as `binary:logistic` would give it"
                    .into(),
            ),
        )),
        "multi:softprob" => Ok((Link::Softmax, None)),
        "multi:softmax" => Ok((
            Link::Softmax,
            Some("the objective is `multi:softmax`: the original's Booster predicts the class alone; the probabilities are the \
                 softmax of its margins, as `multi:softprob` gives them".into()),
        )),
        "binary:hinge" => refuse("answers 0 or 1, and no probability"),
        _ => match objective.split(':').next() {
            Some("reg") => refuse(
                "predicts a number, not a class (boosters with an objective of the caller's own say `reg:squarederror`, too)",
            ),
            Some("count") => refuse("predicts a count, not a class"),
            Some("rank") => refuse("ranks the rows of a query, and has no classes"),
            Some("survival") => refuse("predicts survival times, not a class"),
            _ => Err(error(format!("the objective `{}` is not known", short(objective)))),
        },
    }
}

/// `5E-1`, or from 3.1 on `[5E-1]`, `[1E-1,2E-1]`.
fn numbers(text: &Numeral) -> Result<Vec<f32>> {
    let inner = text.0.trim();
    let inner = inner.strip_prefix('[').and_then(|t| t.strip_suffix(']')).unwrap_or(inner);
    let number = |t: &str| t.trim().parse::<f32>().ok().filter(|v| v.is_finite());
    let numbers: Option<Vec<f32>> = inner.split(',').map(number).collect();
    numbers.ok_or_else(|| {
        error(format!("base_score is {:?}: it is a finite number, or several in brackets", short(&text.0)))
    })
}

/// From the space of the file to that of scores, in `f32` as the original does it.
fn margin(base: f32, link: Link, version: &[u32]) -> Result<f32> {
    if link != Link::Sigmoid {
        return Ok(base);
    }
    if !(0.0..=1.0).contains(&base) {
        return Err(error(format!("base_score is {base}: for this objective it is a probability")));
    }
    // From 3.2 on a data set of one class alone is fitted; its base score is kept off 0 and 1.
    const EDGE: f32 = 1e-6;
    let kept = base.clamp(EDGE, 1.0 - EDGE);
    let clamps = version.is_empty() || version >= &[3, 2][..];
    let base = match base {
        _ if clamps => kept,
        0.0 | 1.0 => return Err(error(format!("base_score is {base}: for this objective it is between 0 and 1"))),
        base => base,
    };
    Ok(-(math::ln(f64::from(1.0 / base - 1.0)) as f32))
}
