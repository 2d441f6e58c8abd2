//! Parameters of support vector machines.

use super::{Parameters, non_negative, positive, range};
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// `sklearn.svm.SVC`, which is libsvm's C-SVC: one machine per pair of classes, each the minimum of
/// `|w|² / 2 + sum(C weight hinge loss)`. A row's penalty is `C` times its weight (sample and class weights); rows of weight 0 are
/// left out.
///
/// Numbers should be of like size: `preprocessing.scaler` is `standard` where the config does not say. The time of a fit grows with the
/// square of the number of rows and more; above some 50,000 rows other trainers are quicker.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Svm {
    /// Penalty on each row within the margin or beyond, above 0: the larger, the closer the fit follows the rows.
    #[serde(rename = "C")]
    pub c: f64,
    /// `rbf`, `linear`, `poly` or `sigmoid`.
    pub kernel: KernelName,
    /// Power of `poly`, at most 16. The others do not read it.
    pub degree: u32,
    /// Factor in `rbf`, `poly` and `sigmoid`: `scale`, `auto` or a number of at least 0.
    pub gamma: Gamma,
    /// Constant in `poly` and `sigmoid`.
    pub coef0: f64,
    /// Whether rows that seem settled are left out of the work until its end (Fan, Chen and Lin 2005, section 4 of "LIBSVM: a library
    /// for support vector machines" by Chang and Lin). Changes the time, and the model within `tol`.
    pub shrinking: bool,
    /// Whether probabilities are fitted: a sigmoid of each machine's decision values (Platt 1999; Lin, Lin and Weng 2007), as five fits
    /// on four fifths of the rows each give them for the rest. scikit-learn's default is `false`, and its 1.9 advises against `true`
    /// in favour of `CalibratedClassifierCV`; here answers are probabilities, so the default is `true`. `false` leaves a margin and a
    /// class, for where only those are read.
    pub probability: bool,
    /// The fit ends when no pair of rows violates the optimality conditions by more: above 0, below 2. In units of the decision value.
    pub tol: f64,
    /// Room for kernel columns, in megabytes (2^20 bytes), over all machines that are fitted at a time. Changes the time, never the model.
    pub cache_size: f64,
    /// Most steps of each machine, each on two rows; -1: as many as it takes.
    pub max_iter: i64,
}

/// `kernel`: what stands for the inner product of two rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KernelName {
    /// `a·b`.
    Linear,
    /// `(gamma a·b + coef0)^degree`.
    Poly,
    /// `exp(-gamma |a-b|²)`.
    Rbf,
    /// `tanh(gamma a·b + coef0)`.
    Sigmoid,
}

/// `gamma`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "gamma is `scale`, `auto`, or a number")]
pub enum Gamma {
    /// By name.
    Name(GammaName),
    /// As it is.
    Number(f64),
}

/// `gamma` by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GammaName {
    /// `1 / (n_features * variance)`, of all encoded training values together; 1 where they are all equal.
    Scale,
    /// `1 / n_features`.
    Auto,
}

impl Default for Svm {
    fn default() -> Self {
        Svm {
            c: 1.0,
            kernel: KernelName::Rbf,
            degree: 3,
            gamma: Gamma::Name(GammaName::Scale),
            coef0: 0.0,
            shrinking: true,
            probability: true,
            tol: 1e-3,
            cache_size: 200.0,
            max_iter: -1,
        }
    }
}

impl Parameters for Svm {
    fn check(&self) -> Result<()> {
        positive("C", self.c)?;
        range("C", self.c <= 1e15, "at most 1e15")?;
        range("degree", self.degree <= 16, "between 0 and 16")?;
        if let Gamma::Number(gamma) = self.gamma {
            non_negative("gamma", gamma)?;
        }
        range("coef0", self.coef0.is_finite(), "a finite number")?;
        range("tol", self.tol > 0.0 && self.tol < 2.0, "above 0 and below 2")?;
        positive("cache_size", self.cache_size)?;
        range("max_iter", self.max_iter == -1 || self.max_iter >= 1, "-1 (no limit) or at least 1")
    }
}
