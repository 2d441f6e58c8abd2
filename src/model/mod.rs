//! Models: the feature vector `x` to class probabilities.
//!
//! | variant | scikit-learn's | how |
//! |---|---|---|
//! | [`Forest`](Model::Forest) | `RandomForestClassifier`, `GradientBoostingClassifier`, `HistGradientBoostingClassifier` | [`forest`] |
//! | [`Logistic`](Model::Logistic) | `LogisticRegression`, `OneVsRestClassifier` over it | [`linear`] |
//! | [`Svm`](Model::Svm) | `SVC` | [`svm`] |
//! | [`Mlp`](Model::Mlp) | `MLPClassifier` | [`mlp`] |
//! | [`NaiveBayes`](Model::NaiveBayes) | `GaussianNB` | [`bayes`] |
//! | [`Stacking`](Model::Stacking) | `StackingClassifier` | [`stacking`] |
//! | [`Calibrated`](Model::Calibrated) | `CalibratedClassifierCV` | [`calibration`] |
//! | [`Voting`](Model::Voting) | `VotingClassifier(voting="soft")` | [`voting`] |
//!
//! Each is held to scikit-learn's own answers (`tests/conformance.rs`) and to one contract (`tests/contract.rs`). All are
//! total: an absurd input (±1e308) is bounded on its way in and within, so that no sum overflows and no NaN arises.
//!
//! [`Model`] is closed. To add one: a file, a variant at the end (the order is the wire format), a line in
//! [`Model::examples`], which puts it under the contract tests.

pub mod bayes;
pub mod calibration;
mod dense;
mod examples;
pub mod forest;
pub mod linear;
pub mod members;
pub mod mlp;
mod runner;
pub mod stacking;
pub mod svm;
pub mod voting;

pub use runner::Runner;

use crate::error::{Error, ErrorKind, Result};
use crate::math::{BOUND, Matrix, argmax, bounded, sigmoid};
use crate::pipeline::{MAX_COLUMNS, Slot};
use crate::wire::{Encode, Nested, decodes};
use std::borrow::Cow;

/// A fitted classifier. Append only.
#[derive(Clone, Debug, PartialEq, Encode)]
pub enum Model {
    /// Trees: averaged (random forest) or added (boosting).
    Forest(forest::Forest),
    /// Linear scores through a sigmoid or a softmax.
    Logistic(linear::Logistic),
    /// Support vectors, one against one.
    Svm(svm::Svm),
    /// A multi-layer perceptron.
    Mlp(mlp::Mlp),
    /// Gaussian naive Bayes.
    NaiveBayes(bayes::NaiveBayes),
    /// Models over one row, and a model over their answers.
    Stacking(Nested<stacking::Stacking>),
    /// A model whose probabilities are corrected.
    Calibrated(Nested<calibration::Calibrated>),
    /// The mean of models' probabilities.
    Voting(Nested<voting::Voting>),
}

decodes!(enum Model {
    0: Forest(m),
    1: Logistic(m),
    2: Svm(m),
    3: Mlp(m),
    4: NaiveBayes(m),
    5: Stacking(m),
    6: Calibrated(m),
    7: Voting(m),
});

/// Calls `f` without becoming one function with it. A host of wasm compiles a function when it is first called, so what a
/// model of one kind needs is kept from what those of other kinds do.
#[inline(never)]
fn apart<T>(f: impl FnOnce() -> T) -> T {
    f()
}

impl Model {
    /// Number of features it reads.
    pub fn n_features(&self) -> usize {
        match self {
            Model::Forest(m) => m.n_features(),
            Model::Logistic(m) => m.coef.cols,
            Model::Svm(m) => m.support.cols,
            Model::Mlp(m) => m.n_features(),
            Model::NaiveBayes(m) => m.mean.cols,
            Model::Stacking(m) => m.members.n_features,
            Model::Calibrated(m) => m.members.n_features,
            Model::Voting(m) => m.members.n_features,
        }
    }

    /// Number of classes, at least 2.
    pub fn n_classes(&self) -> usize {
        match self {
            Model::Forest(m) => m.n_classes(),
            Model::Logistic(m) => m.n_classes(),
            Model::Svm(m) => m.n_classes(),
            Model::Mlp(m) => m.n_classes(),
            Model::NaiveBayes(m) => m.n_classes(),
            Model::Stacking(m) => m.final_model.n_classes(),
            Model::Calibrated(m) => m.members.n_classes(),
            Model::Voting(m) => m.members.n_classes(),
        }
    }

    /// `x`: (n_features,) → `out`: (n_classes,), each in 0..=1, summing to 1 within rounding. Total: never fails, never NaN.
    /// A NaN that reaches a model which does not [accept](Self::accepts_missing) it counts as 0.
    ///
    /// ```
    /// use hedgerow::math::Matrix;
    /// use hedgerow::model::{Model, linear::{Link, Logistic}};
    /// let coef = Matrix { rows: 1, cols: 2, data: vec![2.0, -1.0] };
    /// let model = Model::Logistic(Logistic { coef, intercept: vec![0.5], link: Link::Sigmoid });
    /// model.check()?;
    /// let mut out = [0.0; 2];
    /// model.predict_proba(&[1.0, 2.5], &mut out);
    /// assert_eq!(out, [0.5, 0.5]);
    /// model.predict_proba(&[1e308, -1e308], &mut out);
    /// assert_eq!(out, [0.0, 1.0]);
    /// # Ok::<(), hedgerow::error::Error>(())
    /// ```
    pub fn predict_proba(&self, x: &[f64], out: &mut [f64]) {
        match self {
            Model::Forest(m) => m.predict_proba(x, out),
            Model::Logistic(m) => apart(|| m.predict_proba(x, out)),
            Model::Svm(m) => apart(|| m.predict_proba(x, out)),
            Model::Mlp(m) => apart(|| m.predict_proba(x, out)),
            Model::NaiveBayes(m) => apart(|| m.predict_proba(x, out)),
            Model::Stacking(m) => apart(|| m.predict_proba(x, out)),
            Model::Calibrated(m) => apart(|| m.predict_proba(x, out)),
            Model::Voting(m) => apart(|| m.predict_proba(x, out)),
        }
    }

    /// The index of the class that scikit-learn's `predict` gives: the most probable, of equals the first, except that support
    /// vectors count votes. `x`: (n_features,); `work`: (n_classes,), overwritten.
    pub fn predict(&self, x: &[f64], work: &mut [f64]) -> usize {
        match self {
            Model::Svm(m) => m.predict(x),
            Model::Stacking(m) => m.final_model.predict(&m.answers(x), work),
            _ => {
                self.predict_proba(x, work);
                argmax(work)
            }
        }
    }

    /// Whether [`predict_proba`](Self::predict_proba) has a meaning: support vectors may have been fitted without.
    pub fn has_probability(&self) -> bool {
        match self {
            Model::Svm(m) => m.platt.is_some(),
            Model::Stacking(m) => m.final_model.has_probability(),
            _ => true,
        }
    }

    /// Whether [`margin`](Self::margin) has a meaning: scikit-learn's estimator has a `decision_function`.
    pub fn has_margin(&self) -> bool {
        match self {
            Model::Forest(m) => !matches!(m.link(), forest::Link::Average | forest::Link::Identity),
            Model::Logistic(_) | Model::Svm(_) => true,
            Model::Mlp(_) | Model::NaiveBayes(_) | Model::Calibrated(_) | Model::Voting(_) => false,
            Model::Stacking(m) => m.final_model.has_margin(),
        }
    }

    /// The scores before the link (`decision_function`). `x`: (n_features,) → `out`: for two classes (1,), larger for class 1;
    /// otherwise (n_classes,). Zeros where there is [none](Self::has_margin).
    pub fn margin(&self, x: &[f64], out: &mut [f64]) {
        match self {
            Model::Forest(m) if self.has_margin() => one_or_all(m.n_outputs(), out, |out| m.margin(x, out)),
            Model::Logistic(m) => one_or_all(m.coef.rows, out, |out| m.margin(x, out)),
            Model::Svm(m) => m.margin(x, out),
            Model::Stacking(m) => m.final_model.margin(&m.answers(x), out),
            Model::Forest(_) | Model::Mlp(_) | Model::NaiveBayes(_) | Model::Calibrated(_) | Model::Voting(_) => {
                out.fill(0.0);
            }
        }
    }

    /// Whether a missing (NaN) feature has a meaning for it; if not, the pipeline must leave none. Where members encode for
    /// themselves, they may see to it, column by column: [`fits`](Self::fits) is the proof.
    pub fn accepts_missing(&self) -> bool {
        match self {
            Model::Forest(_) => true,
            Model::Logistic(_) | Model::Svm(_) | Model::Mlp(_) | Model::NaiveBayes(_) => false,
            Model::Stacking(m) => m.members.accepts_missing(),
            Model::Calibrated(m) => m.members.accepts_missing(),
            Model::Voting(m) => m.members.accepts_missing(),
        }
    }

    /// scikit-learn's or XGBoost's name for it: `random_forest`, `gradient_boosting`, `logistic_regression`, `svm`, `mlp`,
    /// `gaussian_nb`, `stacking`, `calibrated`, `voting`.
    pub fn family(&self) -> &'static str {
        match self {
            Model::Forest(m) if m.link() == forest::Link::Average => "random_forest",
            Model::Forest(_) => "gradient_boosting",
            Model::Logistic(_) => "logistic_regression",
            Model::Svm(_) => "svm",
            Model::Mlp(_) => "mlp",
            Model::NaiveBayes(_) => "gaussian_nb",
            Model::Stacking(_) => "stacking",
            Model::Calibrated(_) => "calibrated",
            Model::Voting(_) => "voting",
        }
    }

    /// Proves a decoded model: indices in range, children after parents, shapes agree, numbers finite, classes >= 2, nesting
    /// bounded. After it, `predict_proba` cannot fail, loop or panic.
    #[inline(never)]
    pub fn check(&self) -> Result<()> {
        self.check_at(1, Asked::Probability)?;
        let n = self.n_columns();
        if n > MAX_MEMBER_COLUMNS {
            return Err(error(format!(
                "the encodings and answers of all members have at most {MAX_MEMBER_COLUMNS} columns, not {n}"
            )));
        }
        Ok(())
    }

    /// Columns that it works in, with all that stand in it: each encoding's, each answer's, and what final models read.
    fn n_columns(&self) -> usize {
        match self {
            Model::Stacking(m) => m.members.n_columns() + m.final_model.n_features() + m.final_model.n_columns(),
            Model::Calibrated(m) => m.members.n_columns(),
            Model::Voting(m) => m.members.n_columns(),
            _ => self.n_classes(),
        }
    }

    /// `level`: how deep it stands in others. `asked`: what it is asked for there.
    #[inline(never)]
    fn check_at(&self, level: u32, asked: Asked) -> Result<()> {
        if level > MAX_LEVELS {
            return Err(error(format!("models stand in each other at most {MAX_LEVELS} deep")));
        }
        if asked == Asked::Margin && !self.has_margin() {
            return Err(error(format!("a {} model has no margin", self.family())));
        }
        match self {
            Model::Forest(m) => apart(|| m.check()),
            Model::Logistic(m) => apart(|| m.check()),
            Model::Svm(m) => apart(|| m.check(asked)),
            Model::Mlp(m) => apart(|| m.check()),
            Model::NaiveBayes(m) => apart(|| m.check()),
            Model::Stacking(m) => apart(|| m.check(level, asked)),
            Model::Calibrated(m) => apart(|| m.check(level)),
            Model::Voting(m) => apart(|| m.check(level)),
        }
        .map_err(|e| e.context(self.family()))
    }

    /// Proves a checked model against its pipeline: `columns` is what [`Pipeline::check`](crate::pipeline::Pipeline::check)
    /// says of `x`. There are as many as the model reads, and none may be missing where the model has no meaning for that.
    #[inline(never)]
    pub fn fits(&self, columns: &[Slot]) -> Result<()> {
        if columns.len() != self.n_features() {
            return Err(error(format!(
                "the {} model reads {} features, but the encoders write {}",
                self.family(),
                self.n_features(),
                columns.len()
            )));
        }
        match self {
            Model::Stacking(m) => return apart(|| m.fits(columns)),
            Model::Calibrated(m) => return apart(|| m.fits(columns)),
            Model::Voting(m) => return apart(|| m.fits(columns)),
            _ if self.accepts_missing() => return Ok(()),
            _ => {}
        }
        match columns.iter().position(|c| c.missing) {
            Some(i) => Err(error(format!(
                "column {i} may be missing, which the {} model has no meaning for: impute it, or require its field",
                self.family()
            ))),
            None => Ok(()),
        }
    }
}

/// What a model is asked for by what it stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// [`Model::predict_proba`].
    Probability,
    /// [`Model::predict`].
    Class,
    /// [`Model::margin`].
    Margin,
}

impl Asked {
    /// Numbers that a model of so many classes answers with.
    fn width(self, n_classes: usize) -> usize {
        match (self, n_classes) {
            (Asked::Probability, n) => n,
            (Asked::Class, _) | (Asked::Margin, 2) => 1,
            (Asked::Margin, n) => n,
        }
    }
}

/// How deep models may stand in each other (stacking, calibration, voting).
pub const MAX_LEVELS: u32 = 4;

/// Most members of a stacking, a calibration or a vote, and most encodings of them.
pub const MAX_MEMBERS: usize = 1024;

/// Most columns of a model's members, all together. A block of rows takes two kilobytes for each, so few bytes of a file must
/// not name many.
pub const MAX_MEMBER_COLUMNS: usize = 1 << 18;

/// Most classes of a model.
pub const MAX_CLASSES: usize = 4096;

/// `n` scores to `out`; two classes with a score each become one, their difference.
fn one_or_all(n: usize, out: &mut [f64], margin: impl Fn(&mut [f64])) {
    if n == 2 {
        let mut both = [0.0; 2];
        margin(&mut both);
        out[0] = both[1] - both[0];
    } else {
        margin(out);
    }
}

/// The probability of class 1 to both. `out`: (2,).
fn binary(p1: f64, out: &mut [f64]) {
    out[0] = 1.0 - p1;
    out[1] = p1;
}

/// Scores in place to a sigmoid each, divided by their sum; all equal where every one is 0.
fn one_vs_rest(out: &mut [f64]) {
    for p in out.iter_mut() {
        *p = sigmoid(*p);
    }
    normalise(out);
}

/// Divided by their sum; all equal where that is 0.
fn normalise(out: &mut [f64]) {
    let sum: f64 = out.iter().sum();
    if sum > 0.0 {
        out.iter_mut().for_each(|p| *p /= sum);
    } else {
        out.fill(1.0 / out.len() as f64);
    }
}

/// `x` within ±[`BOUND`](crate::math::BOUND), NaN as 0; `x` itself where it is so already.
fn bounded_input(x: &[f64]) -> Cow<'_, [f64]> {
    if x.iter().all(|v| bounded(*v) == *v) { Cow::Borrowed(x) } else { x.iter().map(|v| bounded(*v)).collect() }
}

#[inline(never)]
fn check_sizes(n_features: usize, n_classes: usize) -> Result<()> {
    if n_features > MAX_COLUMNS {
        return Err(error(format!("a model reads at most {MAX_COLUMNS} features, not {n_features}")));
    }
    if !(2..=MAX_CLASSES).contains(&n_classes) {
        return Err(error(format!("a model has 2 to {MAX_CLASSES} classes, not {n_classes}")));
    }
    Ok(())
}

#[inline(never)]
fn check_matrix(name: &str, matrix: &Matrix) -> Result<()> {
    if matrix.is_sound() {
        return Ok(());
    }
    Err(error(format!("{name} is not {} x {} finite numbers", matrix.rows, matrix.cols)))
}

#[inline(never)]
fn check_numbers(name: &str, numbers: &[f64], n: usize) -> Result<()> {
    if numbers.len() == n && numbers.iter().all(|v| v.abs() <= BOUND) {
        return Ok(());
    }
    Err(error(format!("{name} is not {n} finite numbers")))
}

#[inline(never)]
fn error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Artifact, message)
}
