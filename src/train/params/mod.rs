//! Hyperparameters as data, by scikit-learn's, XGBoost's and LightGBM's names, and the fit they lead to.

mod bayes;
mod ensemble;
mod linear;
mod mlp;
mod monotone;
mod svm;
mod trees;

pub use bayes::GaussianNb;
pub use ensemble::{Choice, MAX_ESTIMATORS, MAX_FOLDS, StackMethod, Stacking, Vote, Voting, Weights};
pub use linear::{LogisticRegression, Penalty, Solver};
pub use mlp::{Activation, Auto, BatchSize, LearningRate, Mlp, MlpSolver};
pub use monotone::Monotone;
pub use svm::{Gamma, GammaName, KernelName, Svm};
pub use trees::{
    Criterion, ExtraTrees, GradientBoosting, GrowPolicy, MaxFeatures, MaxFeaturesName, RandomForest, Xgboost,
};

use super::config::ModelKind;
use super::{Fitted, Problem, Progress};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// A trainer and its parameters.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Params {
    /// See [`GradientBoosting`].
    GradientBoosting(GradientBoosting),
    /// See [`Xgboost`].
    Xgboost(Xgboost),
    /// See [`RandomForest`].
    RandomForest(RandomForest),
    /// See [`ExtraTrees`].
    ExtraTrees(ExtraTrees),
    /// See [`LogisticRegression`].
    LogisticRegression(LogisticRegression),
    /// See [`Svm`].
    Svm(Svm),
    /// See [`Mlp`].
    Mlp(Mlp),
    /// See [`GaussianNb`].
    GaussianNb(GaussianNb),
    /// See [`Stacking`].
    Stacking(Stacking),
    /// See [`Voting`].
    Voting(Voting),
}

/// The parameters of one trainer.
trait Parameters: DeserializeOwned {
    /// What the types alone do not say.
    fn check(&self) -> Result<()>;
}

impl Params {
    /// Reads `parameters` for a trainer; what is left out has its default. Errors name the parameter and the near one.
    pub fn new(kind: ModelKind, parameters: &Map<String, Value>) -> Result<Params> {
        Ok(match kind {
            ModelKind::GradientBoosting => Params::GradientBoosting(read(kind, parameters)?),
            ModelKind::Xgboost => Params::Xgboost(read(kind, parameters)?),
            ModelKind::RandomForest => Params::RandomForest(read(kind, parameters)?),
            ModelKind::ExtraTrees => Params::ExtraTrees(read(kind, parameters)?),
            ModelKind::LogisticRegression => Params::LogisticRegression(read(kind, parameters)?),
            ModelKind::Svm => Params::Svm(read(kind, parameters)?),
            ModelKind::Mlp => Params::Mlp(read(kind, parameters)?),
            ModelKind::GaussianNb => Params::GaussianNb(read(kind, parameters)?),
            ModelKind::Stacking => Params::Stacking(read(kind, parameters)?),
            ModelKind::Voting => Params::Voting(read(kind, parameters)?),
        })
    }

    /// Which trainer.
    pub fn kind(&self) -> ModelKind {
        match self {
            Params::GradientBoosting(_) => ModelKind::GradientBoosting,
            Params::Xgboost(_) => ModelKind::Xgboost,
            Params::RandomForest(_) => ModelKind::RandomForest,
            Params::ExtraTrees(_) => ModelKind::ExtraTrees,
            Params::LogisticRegression(_) => ModelKind::LogisticRegression,
            Params::Svm(_) => ModelKind::Svm,
            Params::Mlp(_) => ModelKind::Mlp,
            Params::GaussianNb(_) => ModelKind::GaussianNb,
            Params::Stacking(_) => ModelKind::Stacking,
            Params::Voting(_) => ModelKind::Voting,
        }
    }

    /// The same with a fixed number of boosting rounds, where there is one.
    #[must_use]
    pub fn with_rounds(&self, rounds: Option<usize>) -> Params {
        match (self, rounds) {
            (Params::GradientBoosting(p), Some(n)) => {
                Params::GradientBoosting(GradientBoosting { n_estimators: n, early_stopping_rounds: 0, ..p.clone() })
            }
            (Params::Xgboost(p), Some(n)) => {
                Params::Xgboost(Xgboost { n_estimators: n, early_stopping_rounds: None, ..p.clone() })
            }
            _ => self.clone(),
        }
    }

    /// Whether the fit ends where rows that are held out get no better answers.
    pub(crate) fn stops_early(&self) -> bool {
        match self {
            Params::GradientBoosting(p) => p.early_stopping_rounds > 0,
            Params::Xgboost(p) => p.early_stopping_rounds.is_some_and(|n| n > 0),
            _ => false,
        }
    }

    /// The same with columns by their places, where a parameter names them. `names`: of the columns that the model reads; those
    /// of a category that became several share a name.
    pub(super) fn by_column(&self, names: &[&str]) -> Result<Params> {
        let mut params = self.clone();
        match &mut params {
            Params::GradientBoosting(p) => p.monotone_constraints = p.monotone_constraints.by_column(names)?,
            Params::Xgboost(p) => p.monotone_constraints = p.monotone_constraints.by_column(names)?,
            _ => {}
        }
        Ok(params)
    }

    /// Whether the trainer takes missing values and categories as they are.
    pub fn is_tree(&self) -> bool {
        use Params::{ExtraTrees, GradientBoosting, RandomForest, Xgboost};
        matches!(self, GradientBoosting(_) | Xgboost(_) | RandomForest(_) | ExtraTrees(_))
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
            Params::GradientBoosting(p) => super::tree::boost::fit(&p.into(), problem, validation, seed, progress),
            Params::Xgboost(p) => super::tree::boost::fit(&p.into(), problem, validation, seed, progress),
            Params::RandomForest(p) => super::tree::forest::fit(&p.into(), problem, seed, progress),
            Params::ExtraTrees(p) => super::tree::forest::fit(&p.into(), problem, seed, progress),
            Params::LogisticRegression(p) => super::linear::fit(p, problem, progress),
            Params::Svm(p) => super::svm::fit(p, problem, seed, progress),
            Params::Mlp(p) => super::mlp::fit(p, problem, validation, seed, progress),
            Params::GaussianNb(p) => super::bayes::fit(p, problem, progress),
            Params::Stacking(_) | Params::Voting(_) => {
                Err(Error::new(ErrorKind::Config, "an ensemble is fitted on slots: see `Estimator`"))
            }
        }
    }
}

fn at_least(name: &str, v: usize, min: usize) -> Result<()> {
    range(name, v >= min, &format!("at least {min}"))
}

fn at_most(name: &str, v: usize, max: usize) -> Result<()> {
    range(name, v <= max, &format!("at most {max}"))
}

fn bins(v: usize) -> Result<()> {
    range("max_bin", (2..=255).contains(&v), "between 2 and 255")
}

fn part(name: &str, v: f64) -> Result<()> {
    range(name, v > 0.0 && v <= 1.0, "above 0 and at most 1")
}

fn positive(name: &str, v: f64) -> Result<()> {
    range(name, v > 0.0 && v.is_finite(), "above 0")
}

fn non_negative(name: &str, v: f64) -> Result<()> {
    range(name, v >= 0.0 && v.is_finite(), "at least 0")
}

fn range(name: &str, holds: bool, right: &str) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Config, format!("model.parameters.{name} must be {right}")))
}

/// Key by key first, so that the error can name the key.
fn read<T: Parameters>(kind: ModelKind, parameters: &Map<String, Value>) -> Result<T> {
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
    let read: T = serde_json::from_value(Value::Object(parameters.clone()))
        .map_err(|e| Error::new(ErrorKind::Config, format!("model.parameters: {e}")))?;
    read.check()?;
    Ok(read)
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
