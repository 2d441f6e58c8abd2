//! Parameters of the trainers that grow trees.

use super::monotone::Monotone;
use super::{Parameters, at_least, at_most, bins, non_negative, part, positive, range};
use crate::error::Result;
use serde::{Deserialize, Serialize};

/// Which leaf is split first, where `max_leaves` limits their number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GrowPolicy {
    /// The one nearest to the root.
    Depthwise,
    /// The one that gains most.
    Lossguide,
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
    /// Most leaves of a tree; 0: no limit.
    #[serde(alias = "num_leaves", alias = "max_leaf_nodes")]
    pub max_leaves: usize,
    /// Which leaf is split first.
    pub grow_policy: GrowPolicy,
    /// Most tests between root and leaf; 0: no limit.
    pub max_depth: usize,
    /// Fewest rows of a node that is split.
    pub min_samples_split: usize,
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
    /// Part of these that each node draws.
    #[serde(alias = "feature_fraction_bynode")]
    pub colsample_bynode: f64,
    /// Columns along which the score may only rise (1) or only fall (-1): by name, or a number per column. Of several classes each
    /// score.
    pub monotone_constraints: Monotone,
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
            grow_policy: GrowPolicy::Lossguide,
            max_depth: 0,
            min_samples_split: 2,
            min_samples_leaf: 20,
            min_child_weight: 1e-3,
            reg_lambda: 1.0,
            reg_alpha: 0.0,
            gamma: 0.0,
            subsample: 1.0,
            colsample_bytree: 1.0,
            colsample_bynode: 1.0,
            monotone_constraints: Monotone::default(),
            max_bin: 255,
            early_stopping_rounds: 50,
            cat_smooth: 10.0,
            cat_l2: 10.0,
            max_cat_threshold: 32,
        }
    }
}

impl Parameters for GradientBoosting {
    fn check(&self) -> Result<()> {
        let p = self;
        at_least("n_estimators", p.n_estimators, 1)?;
        at_most("n_estimators", p.n_estimators, 100_000)?;
        positive("learning_rate", p.learning_rate)?;
        range("max_leaves", p.max_leaves != 1, "0 (no limit) or at least 2")?;
        at_least("min_samples_split", p.min_samples_split, 2)?;
        at_least("min_samples_leaf", p.min_samples_leaf, 1)?;
        non_negative("min_child_weight", p.min_child_weight)?;
        non_negative("reg_lambda", p.reg_lambda)?;
        non_negative("reg_alpha", p.reg_alpha)?;
        non_negative("gamma", p.gamma)?;
        part("subsample", p.subsample)?;
        part("colsample_bytree", p.colsample_bytree)?;
        part("colsample_bynode", p.colsample_bynode)?;
        p.monotone_constraints.check()?;
        bins(p.max_bin)?;
        non_negative("cat_smooth", p.cat_smooth)?;
        non_negative("cat_l2", p.cat_l2)?;
        at_least("max_cat_threshold", p.max_cat_threshold, 1)
    }
}

/// XGBoost's `XGBClassifier` with `tree_method="hist"` and native categories, by its names and with its defaults.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Xgboost {
    /// Most rounds; each adds one tree (two classes) or one per class.
    #[serde(alias = "num_boost_round", alias = "num_round")]
    pub n_estimators: usize,
    /// Factor on each tree's leaves.
    #[serde(alias = "eta")]
    pub learning_rate: f64,
    /// Most tests between root and leaf; 0: no limit.
    pub max_depth: usize,
    /// Most leaves of a tree; 0: no limit.
    pub max_leaves: usize,
    /// Which leaf is split first.
    pub grow_policy: GrowPolicy,
    /// Smallest sum of second derivatives in a leaf.
    pub min_child_weight: f64,
    /// L2 penalty on leaves.
    #[serde(alias = "lambda")]
    pub reg_lambda: f64,
    /// L1 penalty on leaves.
    #[serde(alias = "alpha")]
    pub reg_alpha: f64,
    /// Smallest gain of a split.
    #[serde(alias = "min_split_loss")]
    pub gamma: f64,
    /// Part of the rows that each round draws, without replacement.
    pub subsample: f64,
    /// Part of the features that each tree draws.
    pub colsample_bytree: f64,
    /// Part of these that each depth draws.
    pub colsample_bylevel: f64,
    /// Part of these that each node draws.
    pub colsample_bynode: f64,
    /// Factor on the weight of rows of the second of two classes.
    pub scale_pos_weight: f64,
    /// Most bins per feature. 256 is taken for 255: one code of a byte is for missing values.
    pub max_bin: usize,
    /// The probability of the second class that all rows start from; null: that of the rows. With several classes the score that
    /// each starts from.
    pub base_score: Option<f64>,
    /// Columns along which the score may only rise (1) or only fall (-1): by name, or a number per column.
    pub monotone_constraints: Monotone,
    /// Most levels on the smaller side of a split by level.
    pub max_cat_threshold: usize,
    /// Rounds without a better validation loss after which boosting stops; the best round's trees are kept. null or 0: never
    /// stops, and all are kept.
    pub early_stopping_rounds: Option<usize>,
}

impl Default for Xgboost {
    fn default() -> Self {
        Xgboost {
            n_estimators: 100,
            learning_rate: 0.3,
            max_depth: 6,
            max_leaves: 0,
            grow_policy: GrowPolicy::Depthwise,
            min_child_weight: 1.0,
            reg_lambda: 1.0,
            reg_alpha: 0.0,
            gamma: 0.0,
            subsample: 1.0,
            colsample_bytree: 1.0,
            colsample_bylevel: 1.0,
            colsample_bynode: 1.0,
            scale_pos_weight: 1.0,
            max_bin: 256,
            base_score: None,
            monotone_constraints: Monotone::default(),
            max_cat_threshold: 64,
            early_stopping_rounds: None,
        }
    }
}

impl Parameters for Xgboost {
    fn check(&self) -> Result<()> {
        let p = self;
        at_least("n_estimators", p.n_estimators, 1)?;
        at_most("n_estimators", p.n_estimators, 100_000)?;
        positive("learning_rate", p.learning_rate)?;
        range("max_leaves", p.max_leaves != 1, "0 (no limit) or at least 2")?;
        non_negative("min_child_weight", p.min_child_weight)?;
        non_negative("reg_lambda", p.reg_lambda)?;
        non_negative("reg_alpha", p.reg_alpha)?;
        non_negative("gamma", p.gamma)?;
        part("subsample", p.subsample)?;
        part("colsample_bytree", p.colsample_bytree)?;
        part("colsample_bylevel", p.colsample_bylevel)?;
        part("colsample_bynode", p.colsample_bynode)?;
        positive("scale_pos_weight", p.scale_pos_weight)?;
        range("max_bin", (2..=256).contains(&p.max_bin), "between 2 and 256 (bins are bytes)")?;
        if let Some(b) = p.base_score {
            range("base_score", b > 0.0 && b < 1.0, "a probability, above 0 and below 1, or null")?;
        }
        p.monotone_constraints.check()?;
        at_least("max_cat_threshold", p.max_cat_threshold, 1)
    }
}

/// What makes a node of a forest pure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criterion {
    /// Gini impurity: 1 less the sum of squared class shares.
    Gini,
    /// The entropy of class shares.
    #[serde(alias = "log_loss")]
    Entropy,
}

/// Averaged trees over bootstrap samples (Breiman 2001), on binned features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomForest {
    /// Number of trees.
    pub n_estimators: usize,
    /// What makes a node pure.
    pub criterion: Criterion,
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
    /// Whether a note says how accurate each row's answer is by the trees that did not see it.
    pub oob_score: bool,
    /// Most bins per feature, the one for missing values aside.
    #[serde(alias = "max_bins")]
    pub max_bin: usize,
}

impl Default for RandomForest {
    fn default() -> Self {
        RandomForest {
            n_estimators: 100,
            criterion: Criterion::Gini,
            max_depth: None,
            max_leaf_nodes: None,
            min_samples_split: 2,
            min_samples_leaf: 5,
            max_features: MaxFeatures::Name(MaxFeaturesName::Sqrt),
            bootstrap: true,
            max_samples: None,
            oob_score: false,
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

impl Parameters for RandomForest {
    fn check(&self) -> Result<()> {
        let p = self;
        forest(p.n_estimators, p.max_leaf_nodes, p.min_samples_split, p.min_samples_leaf, p.max_features)?;
        sampling(p.bootstrap, p.max_samples, p.oob_score)?;
        bins(p.max_bin)
    }
}

fn forest(trees: usize, leaves: Option<usize>, min_split: usize, min_leaf: usize, features: MaxFeatures) -> Result<()> {
    at_least("n_estimators", trees, 1)?;
    at_most("n_estimators", trees, 100_000)?;
    range("max_leaf_nodes", leaves != Some(1), "null (no limit) or at least 2")?;
    at_least("min_samples_split", min_split, 2)?;
    at_least("min_samples_leaf", min_leaf, 1)?;
    match features {
        MaxFeatures::Count(k) => at_least("max_features", k, 1),
        MaxFeatures::Part(v) => part("max_features", v),
        _ => Ok(()),
    }
}

fn sampling(bootstrap: bool, max_samples: Option<f64>, oob_score: bool) -> Result<()> {
    if let Some(v) = max_samples {
        part("max_samples", v)?;
        range("max_samples", bootstrap, "left out when bootstrap is false")?;
    }
    range("oob_score", bootstrap || !oob_score, "false when bootstrap is false: every tree sees all rows")
}

/// scikit-learn's `ExtraTreesClassifier` (Geurts, Ernst and Wehenkel 2006), with its defaults: of each drawn feature one random
/// cut, on the numbers as they are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ExtraTrees {
    /// Number of trees.
    pub n_estimators: usize,
    /// What makes a node pure.
    pub criterion: Criterion,
    /// Most tests between root and leaf; null or 0: no limit.
    pub max_depth: Option<usize>,
    /// Most leaves of a tree, grown best leaf first; null or 0: no limit.
    #[serde(alias = "max_leaves")]
    pub max_leaf_nodes: Option<usize>,
    /// Fewest rows of a node that is split.
    pub min_samples_split: usize,
    /// Fewest rows in a leaf.
    pub min_samples_leaf: usize,
    /// Features drawn per node: `sqrt`, `log2`, a count, a part, or null for all.
    pub max_features: MaxFeatures,
    /// Whether each tree sees a sample with replacement.
    pub bootstrap: bool,
    /// Rows drawn per tree: a part of all; null: as many as there are.
    pub max_samples: Option<f64>,
    /// Whether a note says how accurate each row's answer is by the trees that did not see it.
    pub oob_score: bool,
}

impl Default for ExtraTrees {
    fn default() -> Self {
        ExtraTrees {
            n_estimators: 100,
            criterion: Criterion::Gini,
            max_depth: None,
            max_leaf_nodes: None,
            min_samples_split: 2,
            min_samples_leaf: 1,
            max_features: MaxFeatures::Name(MaxFeaturesName::Sqrt),
            bootstrap: false,
            max_samples: None,
            oob_score: false,
        }
    }
}

impl Parameters for ExtraTrees {
    fn check(&self) -> Result<()> {
        let p = self;
        forest(p.n_estimators, p.max_leaf_nodes, p.min_samples_split, p.min_samples_leaf, p.max_features)?;
        sampling(p.bootstrap, p.max_samples, p.oob_score)
    }
}
