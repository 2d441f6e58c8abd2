//! Training: a table and a config in, an [`Artifact`] out.
//!
//! [`fit`] is the whole story: table → schema → derived features → a stratified split → encoders → model → metrics of the rows
//! held out → (once more on all rows) → profile and witnesses → artifact. Rows are answered by the artifact's own
//! pipeline and model while training, so there is no second arithmetic that could differ from what a browser computes.
//!
//! Same table, config and seed give the same file, byte for byte, at any number of threads.

mod answer;
mod bayes;
mod calibrate;
pub mod config;
mod encoders;
mod ensemble;
mod estimator;
mod evaluate;
mod finish;
mod lbfgs;
mod linear;
mod mlp;
pub mod params;
mod permute;
mod prepare;
mod problem;
mod rows;
mod slices;
mod svm;
mod threshold;
mod tree;
mod wide;

pub(crate) use answer::{reference, slots};
pub use config::Config;
pub use estimator::Estimator;
pub(crate) use finish::{name_of, witness_records};
pub use params::Params;
pub use problem::{Fitted, Problem, Progress};
pub(crate) use problem::{Within, normalised, rng};

use crate::artifact::header::Header;
use crate::artifact::{Artifact, check_names};
use crate::data::{Dataset, Inferred, Rejected, Table};
use crate::error::{Error, ErrorKind, Result};
use crate::metrics::Metrics;
use crate::pipeline::{Encoders, Pipeline};
use encoders::slot_kinds;
use estimator::Frame;
pub use evaluate::{CrossValidation, judge_rows};
use evaluate::{judge, test_rows};
use finish::{facts, importance, name};
use ndarray::Array2;
pub use permute::Permuted;
use prepare::{as_of, check_hidden, derive, infer, leave_out_unread, target, weights};
use rows::Divisions;
pub use slices::{MAX_SLICES, Slice};

/// The part of the rows held out where the config does not say.
pub const VALIDATION_FRACTION: f64 = 0.2;

/// A training run's outcome.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The model and all it needs.
    pub artifact: Artifact,
    /// What its file says of it, metrics and training facts included.
    pub header: Header,
    /// The rows held out, answered by a model that did not see them.
    pub validation: Evaluation,
    /// The test table's rows, answered by the artifact itself.
    pub test: Option<Evaluation>,
    /// The folds, where there were any; `validation` then is all rows, each answered by a model that did not see it.
    pub cross_validation: Option<CrossValidation>,
    /// Slots by what they contribute, largest first, adding up to 1.
    pub importance: Vec<(String, f64)>,
    /// What that is.
    pub importance_kind: ImportanceKind,
    /// Slots, in their order, by what is lost where their values are dealt to other rows.
    pub permuted: Vec<Permuted>,
    /// Calibrated: the rows held out as the same model answered them before that; none where it has no probabilities of its own.
    pub uncalibrated: Option<Evaluation>,
    /// Ensembles: each estimator's part in the answer, adding up to 1, in the order of the config. Voting: its weight; stacking: the
    /// final estimator's importance of what it hands on.
    pub members: Vec<(String, f64)>,
    /// Boosting: per round the mean log loss of fitted and of held-out rows.
    pub curve: Vec<(f64, Option<f64>)>,
    /// Boosting: rounds kept.
    pub rounds: Option<usize>,
    /// Rows per class.
    pub class_counts: Vec<u64>,
    /// What a person should know, a sentence each.
    pub notes: Vec<String>,
}

impl Trained {
    /// The `.hedge` file.
    pub fn file(&self) -> Result<Vec<u8>> {
        self.artifact.write(&self.header.to_bytes()?)
    }
}

/// Rows that a model answered without having been fitted on them.
#[derive(Clone, Debug)]
pub struct Evaluation {
    /// True classes.
    pub y: Vec<usize>,
    /// rows x classes.
    pub probability: Array2<f64>,
    /// Per row how much it counts; `None`: all alike.
    pub weight: Option<Vec<f64>>,
    /// How good they are.
    pub metrics: Metrics,
    /// The same for each level of each category.
    pub slices: Vec<Slice>,
    /// Rows that the schema refused, and which are in none of the above.
    pub rejected: Vec<Rejected>,
}

/// What [`Trained::importance`] is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImportanceKind {
    /// The trainer's own, see [`Fitted::importance`].
    Own,
    /// Shares of what permuting costs, for a model that has none of its own.
    Permutation,
}

/// Trains what `config` says on `table`. `test`: rows for test metrics; never fitted, not even for levels.
///
/// By default the model that validation chose is fitted once more, on all rows (`training.refit`): boosting keeps the number of
/// rounds that was best. The metrics stay those of the first fit on the rows it did not see. They are a little too good where
/// those rows chose the number of rounds, and a little too bad as the final model saw more rows; only a test table is free of both.
pub fn fit(config: &Config, table: &Table, test: Option<&Table>, progress: &dyn Progress) -> Result<Trained> {
    config.check()?;
    let model_name = name(config);
    check_names(&model_name, &config.model.version).map_err(|e| Error::new(ErrorKind::Config, e.to_string()))?;
    let params = Params::new(config.model.kind, &config.model.parameters)?;
    let target = target(config)?;
    let Inferred { mut schema, classes, mut notes } = infer(config, target, table)?;
    let mut derived = derive(config, &schema)?;
    if leave_out_unread(&mut schema, &derived, &mut notes) {
        derived = derive(config, &schema)?; // their slots have moved
    }
    check_hidden(config, &schema, &derived)?;
    let as_of = as_of(config, &derived)?;
    let data = Dataset::from_table(table, &schema, target, &classes, &as_of)?.strict()?;
    let mut pipeline = Pipeline { derived, encoders: Encoders::default() };
    let slots = slots(&pipeline, &data);
    let mut profile = reference(&schema, &pipeline, slots.view(), classes.len());
    progress.inferred(&schema, &pipeline.derived, &profile);
    let own = config.data.weight_column.as_deref().map(|c| rows::weights(c, &data, table)).transpose()?;
    let groups = config.data.group_column.as_deref().map(|c| rows::groups(c, &data, table)).transpose()?;
    let weight = weights(config, &data, own.as_deref())?;
    let divisions = Divisions::new(config, &data, &as_of, groups.as_deref(), &mut notes)?;
    let even = vec![1.0; data.len()];
    let frame = Frame {
        kinds: slot_kinds(&schema, &pipeline.derived),
        hidden: &config.data.features.hidden,
        slots: slots.view(),
        y: &data.y,
        weight: &weight,
        own_weight: own.as_ref().unwrap_or(&even),
        labels: &classes,
    };
    let calibration = config.training.calibration.clone();
    let estimator = Estimator { params, preprocessing: config.preprocessing.clone(), calibration };
    let mut judged = judge(&divisions, &estimator, &frame, config.seed, progress)?;
    notes.append(&mut judged.notes);
    let threshold = judged.threshold(config, &frame, own.as_deref())?;
    let cross_validation = judged.cross_validation(&divisions, &data.y, own.as_deref(), threshold);
    let rounds = judged.rounds;
    let slot = |i: usize| frame.kinds[i].name.to_owned();
    let permuted = judged.permuted(config, &frame, own.as_deref(), slot, progress)?;
    let (validation, uncalibrated) = judged.evaluations(config, &schema, &frame, own.as_deref(), threshold);
    let last = if config.training.refit {
        let all: Vec<usize> = (0..data.len()).collect();
        let mut last = estimator.with_rounds(rounds).fit(&frame, &all, None, config.seed, progress)?;
        last.notes.retain(|n| !notes.contains(n));
        notes.append(&mut last.notes);
        last
    } else {
        judged.probe
    };

    // Only the held-out rows' answers are counted: a model is surer of rows it was fitted on than of any it will meet.
    for answer in validation.probability.rows() {
        profile.observe_answer(&answer.to_vec(), threshold);
    }
    pipeline.encoders = last.encoders;
    let artifact = Artifact {
        name: model_name,
        version: config.model.version.clone(),
        profile,
        classes,
        schema,
        pipeline,
        model: last.fitted.model,
        threshold,
        witnesses: Vec::new(),
    };
    let artifact = artifact.witnessed(witness_records(&data, table, config.seed));
    artifact.check()?;
    let test = match test {
        Some(table) => Some(test_rows(config, &artifact, target, &as_of, table)?),
        None => None,
    };
    let mut importance = importance(&artifact, &last.columns, &last.fitted.importance);
    let importance_kind = if importance.is_empty() { ImportanceKind::Permutation } else { ImportanceKind::Own };
    if importance.is_empty() {
        importance = permute::shares(&permuted);
    }
    let mut class_counts = vec![0; artifact.classes.len()];
    data.y.iter().for_each(|&c| class_counts[c] += 1);
    let mut trained = Trained {
        header: Header::of(&artifact),
        artifact,
        validation,
        test,
        importance,
        importance_kind,
        permuted,
        cross_validation,
        uncalibrated,
        members: last.members,
        curve: judged.curve,
        rounds,
        class_counts,
        notes,
    };
    facts(&mut trained, config, &estimator.params, table, data.len());
    Ok(trained)
}
