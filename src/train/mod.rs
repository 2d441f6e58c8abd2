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
mod finish;
mod linear;
mod mlp;
pub mod params;
mod prepare;
mod problem;
mod svm;
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
use crate::data::{Dataset, Inferred, Table};
use crate::error::{Error, ErrorKind, Result};
use crate::metrics::Metrics;
use crate::model::Model;
use crate::pipeline::{Encoders, Pipeline};
use answer::{evaluate, test_metrics};
use encoders::slot_kinds;
use estimator::Frame;
use finish::{facts, importance, name};
use ndarray::{Array2, Axis};
use prepare::{as_of, check_hidden, derive, infer, leave_out_unread, target, weights};

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
    /// Slots by what they contribute, largest first, adding up to 1; see [`Fitted::importance`].
    pub importance: Vec<(String, f64)>,
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
    /// How good they are.
    pub metrics: Metrics,
    /// Rows that the schema refused, and which are in none of the above.
    pub rejected: usize,
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
    let weight = weights(config, &data)?;

    let (train, held_out) = data.split(config.data.validation_fraction.unwrap_or(VALIDATION_FRACTION), config.seed);
    if train.is_empty() || held_out.is_empty() {
        return Err(Error::new(ErrorKind::Data, "too few rows: both training and validation need some of each class"));
    }
    let frame = Frame {
        kinds: slot_kinds(&schema, &pipeline.derived),
        hidden: &config.data.features.hidden,
        slots: slots.view(),
        y: &data.y,
        weight: &weight,
        own_weight: &vec![1.0; data.len()],
        labels: &classes,
    };
    let calibration = config.training.calibration.clone();
    let estimator = Estimator { params, preprocessing: config.preprocessing.clone(), calibration };
    let mut first = estimator.fit(&frame, &train, Some(&held_out), config.seed, progress)?;
    let held_slots = slots.select(Axis(0), &held_out);
    let held_y: Vec<usize> = held_out.iter().map(|&i| data.y[i]).collect();
    let judged = |encoders: &Encoders, model: &Model| {
        evaluate(encoders, model, held_slots.view(), held_y.clone(), classes.len(), 0)
    };
    let validation = judged(&first.encoders, &first.fitted.model);
    let uncalibrated = first.uncalibrated.take().filter(|(_, model)| model.has_probability());
    let uncalibrated = uncalibrated.map(|(encoders, model)| judged(&encoders, &model));

    let curve = std::mem::take(&mut first.fitted.curve);
    let rounds = first.fitted.rounds;
    notes.append(&mut first.notes);
    let last = if config.training.refit {
        let all: Vec<usize> = (0..data.len()).collect();
        let mut last = estimator.with_rounds(rounds).fit(&frame, &all, None, config.seed, progress)?;
        last.notes.retain(|n| !notes.contains(n));
        notes.append(&mut last.notes);
        last
    } else {
        first
    };

    // Only the held-out rows' answers are counted: a model is surer of rows it was fitted on than of any it will meet.
    for answer in validation.probability.rows() {
        profile.observe_answer(&answer.to_vec(), None);
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
        threshold: None,
        witnesses: Vec::new(),
    };
    let artifact = artifact.witnessed(witness_records(&data, table, config.seed));
    artifact.check()?;
    let test = match test {
        Some(table) => Some(test_metrics(&artifact, target, &as_of, table)?),
        None => None,
    };
    let importance = importance(&artifact, &last.columns, &last.fitted.importance);
    let mut class_counts = vec![0; artifact.classes.len()];
    data.y.iter().for_each(|&c| class_counts[c] += 1);
    let mut trained = Trained {
        header: Header::of(&artifact),
        artifact,
        validation,
        test,
        importance,
        uncalibrated,
        members: last.members,
        curve,
        rounds,
        class_counts,
        notes,
    };
    facts(&mut trained, config, &estimator.params, table, data.len());
    Ok(trained)
}
