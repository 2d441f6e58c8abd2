//! Parameters of multi-layer perceptrons.

use super::{Parameters, at_least, at_most, non_negative, positive, range};
use crate::error::Result;
use crate::model::mlp::Activation as Of;
use serde::{Deserialize, Deserializer, Serialize};

/// scikit-learn's `MLPClassifier`, its names and defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mlp {
    /// Units of each hidden layer: a list, or a number for one layer.
    #[serde(deserialize_with = "one_or_many")]
    pub hidden_layer_sizes: Vec<usize>,
    /// Of the hidden layers: `relu`, `tanh`, `logistic`, or `identity`.
    pub activation: Activation,
    /// `adam` or `sgd` (in single precision), or `lbfgs` (in double precision; all rows at once, good for small tables).
    pub solver: MlpSolver,
    /// Strength of the L2 penalty on the weights: half of it times their squared norm, divided by the batch's weight, is added to
    /// the mean loss.
    pub alpha: f64,
    /// Rows per step of adam and sgd: a number, or `auto`, which is 200, or all rows where there are fewer.
    pub batch_size: BatchSize,
    /// sgd: `constant`; `invscaling`, divided by (rows seen + 1)^power_t; or `adaptive`, divided by 5 each time the loss (or the
    /// early stopping's accuracy) has stopped improving.
    pub learning_rate: LearningRate,
    /// Size of a step of adam and sgd, to begin with.
    pub learning_rate_init: f64,
    /// See `learning_rate`.
    pub power_t: f64,
    /// Most epochs of adam and sgd (one goes over all rows once), most steps of lbfgs.
    pub max_iter: usize,
    /// Whether rows are put in a new order before each epoch.
    pub shuffle: bool,
    /// What an epoch must improve the loss (or the early stopping's accuracy) by to count; lbfgs: the fit ends when no component of
    /// the gradient exceeds it.
    pub tol: f64,
    /// sgd: part of the last step that is added to the next.
    pub momentum: f64,
    /// sgd: Nesterov's momentum, which looks one step ahead.
    pub nesterovs_momentum: bool,
    /// Whether accuracy on held-out rows ends the fit, and the weights that were best are kept. Held out are the rows that the run
    /// holds out; where it holds out none, a part of its rows.
    pub early_stopping: bool,
    /// That part.
    pub validation_fraction: f64,
    /// adam: how slowly the gradient's mean forgets.
    pub beta_1: f64,
    /// adam: how slowly the squared gradient's mean forgets.
    pub beta_2: f64,
    /// adam: is added to the root of the squared gradient's mean.
    pub epsilon: f64,
    /// The fit ends after more than so many epochs in a row without improvement.
    pub n_iter_no_change: usize,
    /// lbfgs: most evaluations of the loss.
    pub max_fun: usize,
}

/// `activation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Activation {
    /// max(0, z).
    Relu,
    /// tanh z.
    Tanh,
    /// 1 / (1 + e^-z).
    Logistic,
    /// z.
    Identity,
}

/// `solver`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MlpSolver {
    /// Kingma and Ba, "Adam: A Method for Stochastic Optimization" (2014).
    Adam,
    /// Stochastic gradient descent with momentum.
    Sgd,
    /// Limited-memory BFGS.
    Lbfgs,
}

/// `learning_rate`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LearningRate {
    /// Stays.
    Constant,
    /// Falls with the rows seen.
    Invscaling,
    /// Falls when nothing improves any more.
    Adaptive,
}

/// `batch_size`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a number of rows, or auto")]
pub enum BatchSize {
    /// So many.
    Rows(usize),
    /// 200, or all rows where there are fewer.
    Auto(Auto),
}

/// `auto`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Auto {
    /// `auto`.
    Auto,
}

impl Default for Mlp {
    fn default() -> Self {
        Mlp {
            hidden_layer_sizes: vec![100],
            activation: Activation::Relu,
            solver: MlpSolver::Adam,
            alpha: 1e-4,
            batch_size: BatchSize::Auto(Auto::Auto),
            learning_rate: LearningRate::Constant,
            learning_rate_init: 1e-3,
            power_t: 0.5,
            max_iter: 200,
            shuffle: true,
            tol: 1e-4,
            momentum: 0.9,
            nesterovs_momentum: true,
            early_stopping: false,
            validation_fraction: 0.1,
            beta_1: 0.9,
            beta_2: 0.999,
            epsilon: 1e-8,
            n_iter_no_change: 10,
            max_fun: 15_000,
        }
    }
}

impl Mlp {
    /// Rows per step, of `n` rows.
    pub(crate) fn batch(&self, n: usize) -> usize {
        match self.batch_size {
            BatchSize::Rows(rows) => rows.clamp(1, n),
            BatchSize::Auto(_) => n.min(200),
        }
    }
}

impl From<Activation> for Of {
    fn from(a: Activation) -> Of {
        match a {
            Activation::Relu => Of::Relu,
            Activation::Tanh => Of::Tanh,
            Activation::Logistic => Of::Logistic,
            Activation::Identity => Of::Identity,
        }
    }
}

impl Parameters for Mlp {
    fn check(&self) -> Result<()> {
        let layers = &self.hidden_layer_sizes;
        let sizes = (1..=16).contains(&layers.len()) && layers.iter().all(|n| (1..=16_384).contains(n));
        range("hidden_layer_sizes", sizes, "a number or up to 16 numbers, each between 1 and 16,384")?;
        non_negative("alpha", self.alpha)?;
        if let BatchSize::Rows(rows) = self.batch_size {
            at_least("batch_size", rows, 1)?;
        }
        positive("learning_rate_init", self.learning_rate_init)?;
        non_negative("power_t", self.power_t)?;
        at_least("max_iter", self.max_iter, 1)?;
        at_most("max_iter", self.max_iter, 10_000_000)?;
        non_negative("tol", self.tol)?;
        range("momentum", (0.0..=1.0).contains(&self.momentum), "between 0 and 1")?;
        let inside = |v: f64| v > 0.0 && v < 1.0;
        range("validation_fraction", inside(self.validation_fraction), "above 0 and below 1")?;
        range("beta_1", (0.0..1.0).contains(&self.beta_1), "at least 0 and below 1")?;
        range("beta_2", (0.0..1.0).contains(&self.beta_2), "at least 0 and below 1")?;
        positive("epsilon", self.epsilon)?;
        at_least("n_iter_no_change", self.n_iter_no_change, 1)?;
        at_least("max_fun", self.max_fun, 1)
    }
}

fn one_or_many<'de, D: Deserializer<'de>>(d: D) -> std::result::Result<Vec<usize>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "a number of units, or a list of them")]
    enum Sizes {
        One(usize),
        Many(Vec<usize>),
    }
    Ok(match Sizes::deserialize(d)? {
        Sizes::One(n) => vec![n],
        Sizes::Many(v) => v,
    })
}
