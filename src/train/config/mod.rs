//! What a person writes: the YAML config, as types.
//!
//! ```yaml
//! model:
//!   name: churn                     # of the artifact; default: the data file's stem, or `model`
//!   version: 1.2.0                  # default 1.0.0
//!   type: gradient_boosting         # or xgboost, random_forest, extra_trees, logistic_regression, svm, mlp, gaussian_nb, stacking, voting
//!   parameters: { learning_rate: 0.05, max_leaves: 31 }   # see `params`
//! data:
//!   train_path: train.csv           # relative to the config file
//!   test_path: test.csv
//!   target: churned
//!   positive: "yes"                 # the label whose probability comes last (two classes)
//!   as_of_column: snapshot_date     # the row's own event time: what `now()` means
//!   weight_column: weight           # how much each row counts: in the fit and in the metrics; no feature
//!   group_column: household         # rows that belong together: never on both sides of a division; no feature
//!   validation_fraction: 0.2        # of the training rows: stratified, whole groups, or the latest
//!   extra: ignore                   # or reject: names in a record that are no feature
//!   features:                       # left out: every column is used, its kind inferred
//!     numerical: [age, income]
//!     categorical: [region]
//!     time: [signup_date]
//!     optional: [income]            # a record may lack it, though no training row does
//!     derived: { tenure: "date_diff('day', signup_date, now())" }
//! preprocessing: { imputer: median, scaler: standard, encoder: onehot }
//! training:
//!   class_weight: balanced
//!   calibration: isotonic           # or sigmoid, temperature; { method: sigmoid, cv: held_out }
//!   threshold: { metric: f1 }       # or { precision: 0.9 }, { recall: 0.8 }, { costs: { false_positive: 1, false_negative: 5 } }, 0.3
//!   time_limit: 10m                 # the run ends there, and nothing is written; likewise memory_limit: 8GiB
//! evaluation:
//!   strategy: holdout               # or kfold, group (data.group_column), time (data.as_of_column)
//!   bootstrap: 1000                 # resamples behind the metrics' intervals; folds: 5 and repeats: 3 go with kfold
//! seed: 42
//! ```
//!
//! Unknown keys are errors that name the nearest known one and the line. What is left out under `preprocessing` is what suits
//! the model: trees get levels and missing values as they are, linear models get imputed, scaled and one-hot columns.

mod calibration;
mod judging;
mod read;

pub use calibration::{Calibration, CalibrationMethod, CalibrationRows};
pub use judging::{BOOTSTRAP, Evaluation, PERMUTATIONS, Strategy, Threshold, ThresholdMetric, bytes, seconds};
pub(crate) use read::{derived, short_or_whole, yaml_error};

use crate::error::{Error, ErrorKind, Result, did_you_mean};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The largest config file read, in bytes.
pub const MAX_CONFIG_BYTES: u64 = 1 << 20;

/// Everything a training run is told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Config {
    /// What is trained.
    pub model: ModelConfig,
    /// From what.
    pub data: DataConfig,
    /// How columns become numbers.
    pub preprocessing: Preprocessing,
    /// How the fit treats its rows.
    pub training: Training,
    /// How the model is judged.
    pub evaluation: Evaluation,
    /// What every random choice derives from; default 42.
    pub seed: u64,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            model: ModelConfig::default(),
            data: DataConfig::default(),
            preprocessing: Preprocessing::default(),
            training: Training::default(),
            evaluation: Evaluation::default(),
            seed: 42,
        }
    }
}

/// The model: its name, and which trainer with which parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ModelConfig {
    /// The artifact's name (`[a-z0-9_.-]`); default: derived from the data file's name.
    pub name: Option<String>,
    /// The artifact's version; default `1.0.0`.
    pub version: String,
    /// Which trainer.
    #[serde(rename = "type")]
    pub kind: ModelKind,
    /// The trainer's parameters by scikit-learn's or XGBoost's names; [`Params::new`](super::Params::new) reads them.
    pub parameters: serde_json::Map<String, serde_json::Value>,
}

impl Default for ModelConfig {
    fn default() -> Self {
        ModelConfig {
            name: None,
            version: "1.0.0".into(),
            kind: ModelKind::default(),
            parameters: serde_json::Map::new(),
        }
    }
}

/// The trainers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ModelKind {
    /// Trees, each correcting the sum of those before.
    #[default]
    GradientBoosting,
    /// Trees, as XGBoost grows them.
    Xgboost,
    /// Trees over resampled rows, averaged.
    RandomForest,
    /// Trees with random cuts, averaged.
    ExtraTrees,
    /// A linear score through a sigmoid or softmax.
    LogisticRegression,
    /// Support vector machines, one per pair of classes.
    Svm,
    /// A multi-layer perceptron.
    Mlp,
    /// Gaussian naive Bayes.
    GaussianNb,
    /// An estimator over the answers of others.
    Stacking,
    /// The mean of others' answers.
    Voting,
}

impl ModelKind {
    /// Every trainer.
    pub const ALL: [ModelKind; 10] = [
        ModelKind::GradientBoosting,
        ModelKind::Xgboost,
        ModelKind::RandomForest,
        ModelKind::ExtraTrees,
        ModelKind::LogisticRegression,
        ModelKind::Svm,
        ModelKind::Mlp,
        ModelKind::GaussianNb,
        ModelKind::Stacking,
        ModelKind::Voting,
    ];

    /// Its name in a config.
    pub fn name(self) -> &'static str {
        match self {
            ModelKind::GradientBoosting => "gradient_boosting",
            ModelKind::Xgboost => "xgboost",
            ModelKind::RandomForest => "random_forest",
            ModelKind::ExtraTrees => "extra_trees",
            ModelKind::LogisticRegression => "logistic_regression",
            ModelKind::Svm => "svm",
            ModelKind::Mlp => "mlp",
            ModelKind::GaussianNb => "gaussian_nb",
            ModelKind::Stacking => "stacking",
            ModelKind::Voting => "voting",
        }
    }
}

impl std::str::FromStr for ModelKind {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let names = ModelKind::ALL.map(ModelKind::name);
        ModelKind::ALL.into_iter().find(|k| k.name() == text).ok_or_else(|| {
            let hint = did_you_mean(text, names);
            Error::new(
                ErrorKind::Config,
                format!("unknown model type `{text}`{hint}; the types are {}", names.join(", ")),
            )
        })
    }
}

/// The data and what its columns mean.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DataConfig {
    /// The training rows; relative to the config file.
    #[serde(skip_serializing)]
    pub train_path: Option<PathBuf>,
    /// Rows that the fit never sees, for test metrics; relative to the config file.
    #[serde(skip_serializing)]
    pub test_path: Option<PathBuf>,
    /// The column with the labels.
    pub target: Option<String>,
    /// With two classes: the label that becomes class 1. Default: the later one in sorted order.
    pub positive: Option<String>,
    /// The column with each row's event time: what `now()` means in training. It is no feature.
    pub as_of_column: Option<String>,
    /// The column that says how much each row counts, in the fit and in the metrics: finite, at least 0. It is no feature.
    pub weight_column: Option<String>,
    /// The column that says which rows belong together (a person, a household): no division puts them on both sides. It is no
    /// feature.
    pub group_column: Option<String>,
    /// The part of the training rows held out for validation, default 0.2: stratified by class; with `group_column` whole groups;
    /// with `as_of_column` the latest.
    pub validation_fraction: Option<f64>,
    /// What becomes of a record's names that are no feature: `ignore` (default) or `reject`.
    pub extra: Extra,
    /// Which columns are used as what.
    pub features: Features,
}

/// `data.extra`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Extra {
    /// They are not looked at.
    #[default]
    Ignore,
    /// The record is refused (`unknown_field`).
    Reject,
}

/// Which columns are used, and as what. If any kind is listed, only listed columns are used; otherwise all are.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Features {
    /// Numbers.
    pub numerical: Vec<String>,
    /// Texts (or codes) with few distinct values.
    pub categorical: Vec<String>,
    /// Instants. A time is no feature by itself: derived features read it.
    pub time: Vec<String>,
    /// True or false.
    pub flag: Vec<String>,
    /// Columns not to use.
    pub drop: Vec<String>,
    /// Columns that derived features may read, but the model does not.
    pub hidden: Vec<String>,
    /// Columns that a record may leave out, though no training row did.
    pub optional: Vec<String>,
    /// Per number `[min, max]`, beyond which a record is refused.
    pub ranges: BTreeMap<String, (f64, f64)>,
    /// Name and expression, in order: a mapping, or a list of `{name, expression}`. Each may read those before it.
    #[serde(deserialize_with = "read::derived", serialize_with = "read::write_derived")]
    pub derived: Vec<DerivedConfig>,
}

impl Features {
    /// Whether a column is listed as a feature of some kind.
    pub(super) fn lists(&self, name: &str) -> bool {
        [&self.numerical, &self.categorical, &self.time, &self.flag].iter().any(|l| l.iter().any(|n| n == name))
    }

    /// Whether any column is listed by kind.
    pub fn any_listed(&self) -> bool {
        [&self.numerical, &self.categorical, &self.time, &self.flag].iter().any(|l| !l.is_empty())
    }
}

/// A derived feature as written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DerivedConfig {
    /// Its name.
    pub name: String,
    /// Its expression in the feature language.
    pub expression: String,
}

/// How columns become numbers; what is `None` follows from the model.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Preprocessing {
    /// Numbers: `standard` (linear models), `minmax` or `none` (trees).
    #[serde(deserialize_with = "read::short_or_whole")]
    pub scaler: Option<Scaler>,
    /// Categories: `onehot` (linear models) or `ordinal` (trees).
    #[serde(deserialize_with = "read::short_or_whole")]
    pub encoder: Option<Encoder>,
    /// Missing values: `mean` (linear models), `median`, `most_frequent`, `constant` or `none` (trees).
    #[serde(deserialize_with = "read::short_or_whole")]
    pub imputer: Option<Imputer>,
}

impl Preprocessing {
    /// This, and where it says nothing what `default` says.
    pub fn or(&self, default: &Preprocessing) -> Preprocessing {
        Preprocessing {
            scaler: self.scaler.clone().or_else(|| default.scaler.clone()),
            encoder: self.encoder.clone().or_else(|| default.encoder.clone()),
            imputer: self.imputer.clone().or_else(|| default.imputer.clone()),
        }
    }
}

/// `preprocessing.scaler`: a name, or `{type: minmax, feature_range: [0, 1], clip: true}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scaler {
    /// Which.
    #[serde(rename = "type")]
    pub kind: ScalerKind,
    /// `minmax`: where the training range lands.
    #[serde(default = "unit_range")]
    pub feature_range: (f64, f64),
    /// `minmax`: whether values beyond the training range are clipped to it.
    #[serde(default)]
    pub clip: bool,
}

fn unit_range() -> (f64, f64) {
    (0.0, 1.0)
}

/// scikit-learn's scalers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScalerKind {
    /// `StandardScaler`.
    Standard,
    /// `MinMaxScaler`.
    Minmax,
    /// The number as it is.
    None,
}

/// `preprocessing.encoder`: a name, or `{type: onehot, handle_unknown: ignore}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Encoder {
    /// Which.
    #[serde(rename = "type")]
    pub kind: EncoderKind,
    /// What a level that training did not see becomes; default `error`.
    #[serde(default)]
    pub handle_unknown: HandleUnknown,
}

/// scikit-learn's encoders of categories.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EncoderKind {
    /// `OneHotEncoder`: a column per level; a missing value, where training has any, is a level of its own.
    Onehot,
    /// `OrdinalEncoder`: the level's index, which trees split on as a set.
    Ordinal,
}

/// What a level that training did not see becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HandleUnknown {
    /// The record is refused (`unknown_level`).
    #[default]
    Error,
    /// One-hot: all zeros; ordinal: missing.
    Ignore,
    /// One-hot: a column for all unknown levels; ordinal: one more level.
    OwnColumn,
}

/// `preprocessing.imputer`: a name, or `{strategy: constant, fill_value: 0, add_indicator: true}`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Imputer {
    /// Which.
    pub strategy: ImputerKind,
    /// `constant`: the number, or the level's text for categories.
    #[serde(default)]
    pub fill_value: Option<serde_json::Value>,
    /// Adds a column per feature with missing values: 1 where it was missing.
    #[serde(default)]
    pub add_indicator: bool,
}

/// scikit-learn's strategies of `SimpleImputer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ImputerKind {
    /// Numbers: the mean. Flags: the most frequent.
    Mean,
    /// Numbers: the median. Flags: the most frequent.
    Median,
    /// The most frequent value, the smallest of equals; categories too.
    MostFrequent,
    /// `fill_value`.
    Constant,
    /// Missing stays missing; trees only.
    None,
}

/// How the fit treats its rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Training {
    /// `none`, `balanced` (each class weighs the same in all), or a mapping from label to weight.
    pub class_weight: ClassWeight,
    /// After validation, fit once more on all rows with what validation chose (default). The metrics stay those of the
    /// held-out rows.
    pub refit: bool,
    /// How the model's probabilities are corrected: `sigmoid`, `isotonic`, `temperature`; default not at all. Fitted within the training
    /// part, so that the metrics of the held-out rows are those of rows no part of the model has seen.
    #[serde(deserialize_with = "read::short_or_whole")]
    pub calibration: Option<Calibration>,
    /// Two classes: from which probability of class 1 on it is predicted, chosen on the validation rows; default: from one half on.
    pub threshold: Option<Threshold>,
    /// How long the run may take (`90s`, `10m`, `2h`); then it ends, and nothing is written.
    #[serde(skip_serializing)]
    pub time_limit: Option<String>,
    /// How much memory the process may take (`8GiB`, `512MiB`); then likewise.
    #[serde(skip_serializing)]
    pub memory_limit: Option<String>,
}

impl Default for Training {
    fn default() -> Self {
        Training {
            class_weight: ClassWeight::None,
            refit: true,
            calibration: None,
            threshold: None,
            time_limit: None,
            memory_limit: None,
        }
    }
}

/// `training.class_weight`.
#[derive(Clone, Debug, PartialEq, Default, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ClassWeight {
    /// Every row weighs 1.
    #[default]
    None,
    /// `n / (n_classes * n_of_class)`.
    Balanced,
    /// By label; others weigh 1.
    #[serde(untagged)]
    Map(BTreeMap<String, f64>),
}
