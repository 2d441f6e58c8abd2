//! Hyperparameters as data, by scikit-learn's, XGBoost's and LightGBM's names, and the fit they lead to.

use super::config::ModelKind;
use super::{Fitted, Problem, Progress};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A trainer and its parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Params {
    /// See [`GradientBoosting`].
    GradientBoosting(GradientBoosting),
    /// See [`RandomForest`].
    RandomForest(RandomForest),
    /// See [`LogisticRegression`].
    LogisticRegression(LogisticRegression),
}

/// Boosted trees with a logistic (two classes) or softmax loss, second order (Chen and Guestrin 2016, section 2.2), on
/// binned features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct GradientBoosting {
    /// Most rounds; each adds one tree (two classes) or one per class.
    #[serde(alias = "num_boost_round", alias = "num_iterations")]
    pub n_estimators: usize,
    /// Factor on each tree's leaves.
    #[serde(alias = "eta")]
    pub learning_rate: f64,
    /// Most leaves of a tree, grown best leaf first; 0: no limit.
    #[serde(alias = "num_leaves", alias = "max_leaf_nodes")]
    pub max_leaves: usize,
    /// Most tests between root and leaf; 0: no limit.
    pub max_depth: usize,
    /// Fewest rows in a leaf.
    #[serde(alias = "min_child_samples", alias = "min_data_in_leaf")]
    pub min_samples_leaf: usize,
    /// Smallest sum of second derivatives in a leaf.
    pub min_child_weight: f64,
    /// L2 penalty on leaves.
    #[serde(alias = "lambda", alias = "lambda_l2", alias = "l2_regularization")]
    pub reg_lambda: f64,
    /// L1 penalty on leaves.
    #[serde(alias = "alpha", alias = "lambda_l1")]
    pub reg_alpha: f64,
    /// Smallest gain of a split.
    #[serde(alias = "min_split_loss", alias = "min_split_gain", alias = "min_gain_to_split")]
    pub gamma: f64,
    /// Part of the rows that each round draws, without replacement.
    #[serde(alias = "bagging_fraction")]
    pub subsample: f64,
    /// Part of the features that each tree draws.
    #[serde(alias = "feature_fraction")]
    pub colsample_bytree: f64,
    /// Most bins per feature, the one for missing values aside.
    #[serde(alias = "max_bins")]
    pub max_bin: usize,
    /// Rounds without a better validation loss after which boosting stops; the best round's trees are kept. 0: never stops.
    #[serde(alias = "n_iter_no_change", alias = "early_stopping_round")]
    pub early_stopping_rounds: usize,
    /// Added to the hessian sum when levels are sorted by gradient / hessian.
    pub cat_smooth: f64,
    /// L2 penalty in splits by level, beside `reg_lambda`.
    pub cat_l2: f64,
    /// Most levels on the smaller side of a split by level.
    pub max_cat_threshold: usize,
}

impl Default for GradientBoosting {
    fn default() -> Self {
        GradientBoosting {
            n_estimators: 1000,
            learning_rate: 0.05,
            max_leaves: 31,
            max_depth: 0,
            min_samples_leaf: 20,
            min_child_weight: 1e-3,
            reg_lambda: 1.0,
            reg_alpha: 0.0,
            gamma: 0.0,
            subsample: 1.0,
            colsample_bytree: 1.0,
            max_bin: 255,
            early_stopping_rounds: 50,
            cat_smooth: 10.0,
            cat_l2: 10.0,
            max_cat_threshold: 32,
        }
    }
}

/// Averaged trees over bootstrap samples (Breiman 2001), Gini impurity, on binned features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomForest {
    /// Number of trees.
    pub n_estimators: usize,
    /// Most tests between root and leaf; null or 0: no limit.
    pub max_depth: Option<usize>,
    /// Most leaves of a tree, grown best leaf first; null or 0: no limit.
    #[serde(alias = "max_leaves")]
    pub max_leaf_nodes: Option<usize>,
    /// Fewest rows of a node that is split.
    pub min_samples_split: usize,
    /// Fewest rows in a leaf. More than scikit-learn's 1, since leaves are averaged as probabilities (Malley et al. 2012).
    pub min_samples_leaf: usize,
    /// Features drawn per node: `sqrt`, `log2`, a count, a part, or null for all.
    pub max_features: MaxFeatures,
    /// Whether each tree sees a sample with replacement.
    pub bootstrap: bool,
    /// Rows drawn per tree: a part of all; null: as many as there are.
    pub max_samples: Option<f64>,
    /// Most bins per feature, the one for missing values aside.
    #[serde(alias = "max_bins")]
    pub max_bin: usize,
}

impl Default for RandomForest {
    fn default() -> Self {
        RandomForest {
            n_estimators: 100,
            max_depth: None,
            max_leaf_nodes: None,
            min_samples_split: 2,
            min_samples_leaf: 5,
            max_features: MaxFeatures::Name(MaxFeaturesName::Sqrt),
            bootstrap: true,
            max_samples: None,
            max_bin: 255,
        }
    }
}

/// `max_features`.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged, expecting = "max_features is `sqrt`, `log2`, a count, a part between 0 and 1, or null")]
pub enum MaxFeatures {
    /// By name.
    Name(MaxFeaturesName),
    /// A count (a whole number, at least 1).
    Count(usize),
    /// A part of the features, above 0 and at most 1.
    Part(f64),
    /// All features.
    All(()),
}

/// `max_features` by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MaxFeaturesName {
    /// Square root of their number, rounded down.
    Sqrt,
    /// Binary logarithm of their number, rounded down.
    Log2,
}

impl MaxFeatures {
    /// How many of `n`; at least one.
    pub fn of(self, n: usize) -> usize {
        let k = match self {
            MaxFeatures::Name(MaxFeaturesName::Sqrt) => n.isqrt(),
            MaxFeatures::Name(MaxFeaturesName::Log2) => n.checked_ilog2().unwrap_or(0) as usize,
            MaxFeatures::Count(k) => k,
            MaxFeatures::Part(p) => (p * n as f64) as usize,
            MaxFeatures::All(()) => n,
        };
        k.clamp(1, n.max(1))
    }
}

/// `sklearn.linear_model.LogisticRegression`: the minimum of `C * sum(loss) + |coef|^2 / 2`, two classes or multinomial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LogisticRegression {
    /// Inverse strength of the penalty.
    #[serde(rename = "C")]
    pub c: f64,
    /// `l2`, or `none`.
    pub penalty: Penalty,
    /// Whether an unpenalised constant is added.
    pub fit_intercept: bool,
    /// Most Newton steps.
    pub max_iter: usize,
    /// The fit ends when no component of the mean loss's gradient exceeds it.
    pub tol: f64,
}

/// `penalty`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Penalty {
    /// Half the squared norm of the coefficients.
    L2,
    /// No penalty.
    None,
}

impl Default for LogisticRegression {
    fn default() -> Self {
        LogisticRegression { c: 1.0, penalty: Penalty::L2, fit_intercept: true, max_iter: 100, tol: 1e-8 }
    }
}

impl Params {
    /// Reads `parameters` for a trainer; what is left out has its default. Errors name the parameter and the near one.
    pub fn new(kind: ModelKind, parameters: &Map<String, Value>) -> Result<Params> {
        let params = match kind {
            ModelKind::GradientBoosting => Params::GradientBoosting(read(kind, parameters)?),
            ModelKind::RandomForest => Params::RandomForest(read(kind, parameters)?),
            ModelKind::LogisticRegression => Params::LogisticRegression(read(kind, parameters)?),
        };
        params.check()?;
        Ok(params)
    }

    /// Which trainer.
    pub fn kind(&self) -> ModelKind {
        match self {
            Params::GradientBoosting(_) => ModelKind::GradientBoosting,
            Params::RandomForest(_) => ModelKind::RandomForest,
            Params::LogisticRegression(_) => ModelKind::LogisticRegression,
        }
    }

    /// The same with a fixed number of boosting rounds, where there is one.
    #[must_use]
    pub fn with_rounds(&self, rounds: Option<usize>) -> Params {
        match (self, rounds) {
            (Params::GradientBoosting(p), Some(n)) => {
                Params::GradientBoosting(GradientBoosting { n_estimators: n, early_stopping_rounds: 0, ..p.clone() })
            }
            _ => self.clone(),
        }
    }

    /// Whether the trainer takes missing values and categories as they are.
    pub fn is_tree(&self) -> bool {
        !matches!(self, Params::LogisticRegression(_))
    }

    /// Fits a model. `validation`: rows that early stopping looks at; never fitted. Same arguments, same model, whatever the
    /// number of threads.
    pub fn fit(
        &self,
        problem: &Problem<'_>,
        validation: Option<&Problem<'_>>,
        seed: u64,
        progress: &dyn Progress,
    ) -> Result<Fitted> {
        problem.check()?;
        if let Some(v) = validation {
            v.check()?;
        }
        match self {
            Params::GradientBoosting(p) => super::tree::boost::fit(p, problem, validation, seed, progress),
            Params::RandomForest(p) => super::tree::forest::fit(p, problem, seed, progress),
            Params::LogisticRegression(p) => super::linear::fit(p, problem, progress),
        }
    }

    fn check(&self) -> Result<()> {
        let at_least = |name: &str, v: usize, min: usize| range(name, v >= min, &format!("at least {min}"));
        let at_most = |name: &str, v: usize, max: usize| range(name, v <= max, &format!("at most {max}"));
        let bins = |v: usize| range("max_bin", (2..=255).contains(&v), "between 2 and 255");
        let part = |name: &str, v: f64| range(name, v > 0.0 && v <= 1.0, "above 0 and at most 1");
        let positive = |name: &str, v: f64| range(name, v > 0.0 && v.is_finite(), "above 0");
        let non_negative = |name: &str, v: f64| range(name, v >= 0.0 && v.is_finite(), "at least 0");
        match self {
            Params::GradientBoosting(p) => {
                at_least("n_estimators", p.n_estimators, 1)?;
                at_most("n_estimators", p.n_estimators, 100_000)?;
                positive("learning_rate", p.learning_rate)?;
                range("max_leaves", p.max_leaves != 1, "0 (no limit) or at least 2")?;
                at_least("min_samples_leaf", p.min_samples_leaf, 1)?;
                non_negative("min_child_weight", p.min_child_weight)?;
                non_negative("reg_lambda", p.reg_lambda)?;
                non_negative("reg_alpha", p.reg_alpha)?;
                non_negative("gamma", p.gamma)?;
                part("subsample", p.subsample)?;
                part("colsample_bytree", p.colsample_bytree)?;
                bins(p.max_bin)?;
                non_negative("cat_smooth", p.cat_smooth)?;
                non_negative("cat_l2", p.cat_l2)?;
                at_least("max_cat_threshold", p.max_cat_threshold, 1)
            }
            Params::RandomForest(p) => {
                at_least("n_estimators", p.n_estimators, 1)?;
                at_most("n_estimators", p.n_estimators, 100_000)?;
                range("max_leaf_nodes", p.max_leaf_nodes != Some(1), "null (no limit) or at least 2")?;
                at_least("min_samples_split", p.min_samples_split, 2)?;
                at_least("min_samples_leaf", p.min_samples_leaf, 1)?;
                match p.max_features {
                    MaxFeatures::Count(k) => at_least("max_features", k, 1)?,
                    MaxFeatures::Part(v) => part("max_features", v)?,
                    _ => {}
                }
                if let Some(v) = p.max_samples {
                    part("max_samples", v)?;
                    range("max_samples", p.bootstrap, "left out when bootstrap is false")?;
                }
                bins(p.max_bin)
            }
            Params::LogisticRegression(p) => {
                positive("C", p.c)?;
                at_least("max_iter", p.max_iter, 1)?;
                positive("tol", p.tol)
            }
        }
    }
}

fn range(name: &str, holds: bool, right: &str) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config, format!("model.parameters.{name} must be {right}")))
}

/// Key by key first, so that the error can name the key.
fn read<T: DeserializeOwned>(kind: ModelKind, parameters: &Map<String, Value>) -> Result<T> {
    let known = fields_of::<T>();
    for (key, value) in parameters {
        if !known.contains(&key.as_str()) {
            let hint = match key.as_str() {
                "class_weight" => " (it goes under `training`)".into(),
                "random_state" | "seed" => " (the seed is a key of its own, `seed`)".into(),
                "n_jobs" | "nthread" => {
                    " (the number of threads never changes the model: set RAYON_NUM_THREADS)".into()
                }
                _ => did_you_mean(key, known.iter().copied()),
            };
            let known = known.join(", ");
            let message = format!("model.parameters: {} has no `{key}`{hint}; it has {known}", kind.name());
            return Err(Error::new(ErrorKind::Config, message));
        }
        let one: Map<String, Value> = [(key.clone(), value.clone())].into_iter().collect();
        serde_json::from_value::<T>(Value::Object(one))
            .map_err(|e| Error::new(ErrorKind::Config, format!("model.parameters.{key}: {e}")))?;
    }
    serde_json::from_value(Value::Object(parameters.clone()))
        .map_err(|e| Error::new(ErrorKind::Config, format!("model.parameters: {e}")))
}

/// The names, other names included, under which a struct's fields are read.
fn fields_of<T: DeserializeOwned>() -> &'static [&'static str] {
    struct Spy<'a>(&'a mut &'static [&'static str]);
    impl<'de> serde::Deserializer<'de> for Spy<'_> {
        type Error = serde::de::value::Error;
        fn deserialize_any<V: serde::de::Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
            Err(serde::de::Error::custom("not a struct"))
        }
        fn deserialize_struct<V: serde::de::Visitor<'de>>(
            self,
            _: &'static str,
            fields: &'static [&'static str],
            _: V,
        ) -> Result<V::Value, Self::Error> {
            *self.0 = fields;
            Err(serde::de::Error::custom("only the names were asked for"))
        }
        serde::forward_to_deserialize_any! {
            bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
            newtype_struct seq tuple tuple_struct map enum identifier ignored_any
        }
    }
    let mut fields: &'static [&'static str] = &[];
    let _ = T::deserialize(Spy(&mut fields));
    fields
}
