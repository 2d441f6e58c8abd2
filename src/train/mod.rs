//! Training: a table and a config in, an [`Artifact`] out.
//!
//! [`fit`] is the whole story: table → schema → derived features → a stratified split → encoders → model → metrics of the rows
//! held out → (once more on all rows) → profile and witnesses → artifact. Rows are answered by the artifact's own
//! pipeline and model while training, so there is no second arithmetic that could differ from what a browser computes.
//!
//! Same table, config and seed give the same file, byte for byte, at any number of threads.

pub mod config;
mod encoders;
mod linear;
pub mod params;
mod problem;
mod tree;

pub use config::Config;
pub use params::Params;
pub use problem::{Fitted, Problem, Progress};
pub(crate) use problem::{normalised, rng};

use crate::artifact::Artifact;
use crate::artifact::header::Header;
use crate::data::{AsOf, Dataset, Hints, Inferred, Table};
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Expr, Type};
use crate::metrics::Metrics;
use crate::model::Model;
use crate::pipeline::{Derived, Encoders, Pipeline};
use crate::profile::Profile;
use crate::schema::{FieldKind, Schema, Unknown};
use config::{ClassWeight, HandleUnknown};
use encoders::{Column, slot_kinds};
use ndarray::{Array2, ArrayView2, Axis};
use rand::RngExt;
use rayon::prelude::*;

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
/// rounds that was best. The metrics stay those of the first fit on the rows it did not see, a slightly pessimistic
/// estimate of the final model.
pub fn fit(config: &Config, table: &Table, test: Option<&Table>, progress: &dyn Progress) -> Result<Trained> {
    config.check()?;
    let params = Params::new(config.model.kind, &config.model.parameters)?;
    let target = target(config)?;
    let Inferred { mut schema, classes, mut notes } = infer(config, target, table)?;
    set_ranges(config, &mut schema)?;
    let derived = derive(config, &schema)?;
    let as_of = as_of(config, &derived)?;
    let data = Dataset::from_table(table, &schema, target, &classes, &as_of)?.strict()?;
    let mut pipeline = Pipeline { derived, encoders: Encoders::default() };
    let slots = slots(&pipeline, &data);
    let weight = weights(config, &data)?;

    let (train, held_out) = data.split(config.data.validation_fraction.unwrap_or(VALIDATION_FRACTION), config.seed);
    if train.is_empty() || held_out.is_empty() {
        return Err(Error::new(ErrorKind::Data, "too few rows: both training and validation need some of each class"));
    }
    let run = Run { config, schema: &schema, pipeline: &pipeline, slots: slots.view(), y: &data.y, weight: &weight };
    let mut first = run.fit(&params, &train, Some(&held_out), classes.len(), progress)?;
    let held_slots = slots.select(Axis(0), &held_out);
    let held_y: Vec<usize> = held_out.iter().map(|&i| data.y[i]).collect();
    let validation = evaluate(&first.encoders, &first.fitted.model, held_slots.view(), held_y, classes.len(), 0);

    let curve = std::mem::take(&mut first.fitted.curve);
    let rounds = first.fitted.rounds;
    notes.append(&mut first.notes);
    let last = if config.training.refit {
        let all: Vec<usize> = (0..data.len()).collect();
        let mut last = run.fit(&params.with_rounds(rounds), &all, None, classes.len(), progress)?;
        last.notes.retain(|n| !notes.contains(n));
        notes.append(&mut last.notes);
        last
    } else {
        first
    };

    pipeline.encoders = last.encoders;
    let probability = predict(&pipeline.encoders, &last.fitted.model, slots.view(), classes.len());
    let artifact = Artifact {
        name: name(config),
        version: config.model.version.clone(),
        profile: Profile::of(&schema, &pipeline, slots.view(), probability.view()),
        classes,
        schema,
        pipeline,
        model: last.fitted.model,
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
        curve,
        rounds,
        class_counts,
        notes,
    };
    facts(&mut trained, config, &params, table, data.len());
    Ok(trained)
}

/// Fits encoders and model on some rows.
struct Run<'a> {
    config: &'a Config,
    schema: &'a Schema,
    pipeline: &'a Pipeline,
    slots: ArrayView2<'a, f64>,
    y: &'a [usize],
    weight: &'a [f64],
}

/// What a fit gave.
struct Fit {
    encoders: Encoders,
    columns: Vec<Column>,
    fitted: Fitted,
    notes: Vec<String>,
}

impl Run<'_> {
    fn fit(
        &self,
        params: &Params,
        rows: &[usize],
        held_out: Option<&[usize]>,
        n_classes: usize,
        progress: &dyn Progress,
    ) -> Result<Fit> {
        let kinds = slot_kinds(self.schema, &self.pipeline.derived);
        let slots = self.slots.select(Axis(0), rows);
        let mut notes = Vec::new();
        let hidden = &self.config.data.features.hidden;
        let prep = &self.config.preprocessing;
        let (encoders, columns) = encoders::fit(prep, params.is_tree(), &kinds, hidden, slots.view(), &mut notes)?;
        let levels: Vec<Option<usize>> = columns.iter().map(|c| c.levels).collect();
        let part = |rows: &[usize]| {
            let x = encode(&encoders, self.slots.select(Axis(0), rows).view());
            let y: Vec<usize> = rows.iter().map(|&i| self.y[i]).collect();
            let weight: Vec<f64> = rows.iter().map(|&i| self.weight[i]).collect();
            (x, y, weight)
        };
        let (x, y, weight) = part(rows);
        let problem = Problem { x: x.view(), y: &y, n_classes, weight: &weight, levels: &levels };
        let held = held_out.map(part);
        let validation = held.as_ref().map(|(x, y, weight)| Problem { x: x.view(), y, weight, ..problem });
        let mut fitted = params.fit(&problem, validation.as_ref(), self.config.seed, progress)?;
        notes.append(&mut fitted.notes);
        Ok(Fit { encoders, columns, fitted, notes })
    }
}

fn target(config: &Config) -> Result<&str> {
    config
        .data
        .target
        .as_deref()
        .ok_or_else(|| Error::new(ErrorKind::Config, "data.target is not set: name the column that holds the labels"))
}

fn infer(config: &Config, target: &str, table: &Table) -> Result<Inferred> {
    let f = &config.data.features;
    let unknown = config.preprocessing.encoder.as_ref().map_or(HandleUnknown::Error, |e| e.handle_unknown);
    let hints = Hints {
        target: target.to_owned(),
        positive: config.data.positive.clone(),
        as_of: config.data.as_of_column.clone(),
        numerical: f.numerical.clone(),
        categorical: f.categorical.clone(),
        time: f.time.clone(),
        flag: f.flag.clone(),
        drop: f.drop.clone(),
        only_listed: f.any_listed(),
        unknown: if unknown == HandleUnknown::Error { Unknown::Reject } else { Unknown::Admit },
    };
    crate::data::infer(table, &hints)
}

fn set_ranges(config: &Config, schema: &mut Schema) -> Result<()> {
    for (name, range) in &config.data.features.ranges {
        let names: Vec<String> = schema.fields.iter().map(|f| f.name.clone()).collect();
        let field = schema.fields.iter_mut().find(|f| f.name == *name);
        match field.map(|f| &mut f.kind) {
            Some(FieldKind::Number { min, max }) => (*min, *max) = (Some(range.0), Some(range.1)),
            Some(_) => {
                let message = format!("data.features.ranges: `{name}` is no number");
                return Err(Error::new(ErrorKind::Config, message));
            }
            None => {
                let hint = crate::error::did_you_mean(name, names.iter().map(String::as_str));
                let message = format!("data.features.ranges: there is no feature `{name}`{hint}");
                return Err(Error::new(ErrorKind::Config, message));
            }
        }
    }
    Ok(())
}

fn derive(config: &Config, schema: &Schema) -> Result<Vec<Derived>> {
    let mut out: Vec<Derived> = Vec::new();
    let mut earlier: Vec<(String, Type)> = Vec::new();
    for d in &config.data.features.derived {
        let named = |e: Error| e.context(format!("data.features.derived.{}", d.name));
        if d.name.is_empty() || schema.slot(&d.name).is_some() || earlier.iter().any(|(n, _)| *n == d.name) {
            return Err(named(Error::new(
                ErrorKind::Config,
                "the name is taken by a column or another derived feature",
            )));
        }
        let expr = Expr::parse(&d.expression, schema, &earlier).map_err(named)?;
        earlier.push((d.name.clone(), expr.ty));
        out.push(Derived { name: d.name.clone(), text: d.expression.clone(), expr });
    }
    Ok(out)
}

/// What `now()` means in each row. Where nothing uses it, the column (if any) still is the rows' event time.
fn as_of(config: &Config, derived: &[Derived]) -> Result<AsOf> {
    match (&config.data.as_of_column, derived.iter().find(|d| d.expr.uses_now())) {
        (Some(column), _) => Ok(AsOf::Column(column.clone())),
        (None, None) => Ok(AsOf::At(0.0)),
        (None, Some(d)) => Err(Error::new(
            ErrorKind::Config,
            format!(
                "`{}` uses now(), which in training is each row's own event time: set data.as_of_column to the column that \
                 holds it",
                d.name
            ),
        )),
    }
}

/// rows x slots: fields, then derived features, by the pipeline that also serves.
fn slots(pipeline: &Pipeline, data: &Dataset) -> Array2<f64> {
    let n_fields = data.schema.fields.len();
    let mut out = Array2::zeros((data.len(), n_fields + pipeline.derived.len()));
    for ((mut slots, row), as_of) in out.rows_mut().into_iter().zip(data.rows.rows()).zip(&data.as_of) {
        let mut work: Vec<f64> = row.iter().copied().chain(pipeline.derived.iter().map(|_| 0.0)).collect();
        pipeline.derive(&mut work, *as_of);
        slots.iter_mut().zip(work).for_each(|(s, v)| *s = v);
    }
    out
}

/// rows x columns, by the encoders that also serve.
fn encode(encoders: &Encoders, slots: ArrayView2<'_, f64>) -> Array2<f64> {
    by_row(slots, encoders.n_columns(), |slots, x| encoders.encode(slots, x))
}

/// rows x classes, by the encoders and the model that also serve.
fn predict(encoders: &Encoders, model: &Model, slots: ArrayView2<'_, f64>, n_classes: usize) -> Array2<f64> {
    let n = encoders.n_columns();
    by_row(slots, n_classes, |slots, p| {
        let mut x = vec![0.0; n];
        encoders.encode(slots, &mut x);
        model.predict_proba(&x, p);
    })
}

fn by_row(input: ArrayView2<'_, f64>, width: usize, work: impl Fn(&[f64], &mut [f64]) + Sync) -> Array2<f64> {
    let mut out = Array2::zeros((input.nrows(), width));
    if let Some(flat) = out.as_slice_mut()
        && width > 0
    {
        flat.par_chunks_mut(width).enumerate().for_each(|(i, out)| work(&input.row(i).to_vec(), out));
    }
    out
}

fn evaluate(
    encoders: &Encoders,
    model: &Model,
    slots: ArrayView2<'_, f64>,
    y: Vec<usize>,
    n_classes: usize,
    rejected: usize,
) -> Evaluation {
    let probability = predict(encoders, model, slots, n_classes);
    let metrics = Metrics::of(&y, probability.view());
    Evaluation { y, probability, metrics, rejected }
}

fn test_metrics(artifact: &Artifact, target: &str, as_of: &AsOf, table: &Table) -> Result<Evaluation> {
    let data = Dataset::from_table(table, &artifact.schema, target, &artifact.classes, as_of)
        .map_err(|e| e.context("in the test rows"))?;
    if data.is_empty() {
        return Err(Error::new(ErrorKind::Data, "the schema accepts none of the test rows"));
    }
    let slots = slots(&artifact.pipeline, &data);
    let (n, rejected) = (artifact.classes.len(), data.rejected.len());
    Ok(evaluate(&artifact.pipeline.encoders, &artifact.model, slots.view(), data.y, n, rejected))
}

/// Per row its class's weight.
fn weights(config: &Config, data: &Dataset) -> Result<Vec<f64>> {
    let n = data.classes.len();
    let of_class: Vec<f64> = match &config.training.class_weight {
        ClassWeight::None => vec![1.0; n],
        ClassWeight::Balanced => {
            let mut count = vec![0.0; n];
            data.y.iter().for_each(|&c| count[c] += 1.0);
            count.iter().map(|c| data.len() as f64 / (n as f64 * f64::max(*c, 1.0))).collect()
        }
        ClassWeight::Map(map) => {
            if let Some(label) = map.keys().find(|l| !data.classes.contains(l)) {
                let hint = crate::error::did_you_mean(label, data.classes.iter().map(String::as_str));
                let labels = data.classes.join(", ");
                let message = format!("training.class_weight: `{label}` is no label{hint}; the labels are {labels}");
                return Err(Error::new(ErrorKind::Config, message));
            }
            data.classes.iter().map(|l| map.get(l).copied().unwrap_or(1.0)).collect()
        }
    };
    Ok(data.y.iter().map(|&c| of_class[c]).collect())
}

/// The config's name, or the training file's, in the letters a name may have.
fn name(config: &Config) -> String {
    if let Some(name) = &config.model.name {
        return name.clone();
    }
    let stem =
        config.data.train_path.as_deref().and_then(|p| p.file_stem()).and_then(|s| s.to_str()).unwrap_or("model");
    let allowed = |c: char| if c.is_ascii_alphanumeric() || "_.-".contains(c) { c.to_ascii_lowercase() } else { '_' };
    let name: String = stem.chars().take(128).map(allowed).collect();
    if name.is_empty() { "model".into() } else { name }
}

/// Records for witnesses: each cell from another row, so that nobody's record rides along; the second has a value for required
/// fields only.
fn witness_records(data: &Dataset, table: &Table, seed: u64) -> Vec<(Vec<Option<String>>, f64)> {
    let mut rng = rng(seed, 0);
    let n = data.len();
    (0..4 * crate::artifact::WITNESSES)
        .map(|k| {
            let as_of = data.as_of[rng.random_range(0..n)];
            let cells = data.schema.fields.iter().enumerate().map(|(i, field)| {
                let mut cells = data.witness(table, rng.random_range(0..n));
                if k == 1 && !field.required { None } else { cells[i].take() }
            });
            (cells.collect(), as_of)
        })
        .collect()
}

/// Columns' importances added up by slot, largest first, of equals the first slot.
fn importance(artifact: &Artifact, columns: &[Column], of_columns: &[f64]) -> Vec<(String, f64)> {
    let mut by_slot = vec![0.0; artifact.pipeline.n_slots(&artifact.schema)];
    for (column, v) in columns.iter().zip(of_columns) {
        by_slot[column.slot] += v;
    }
    let mut out: Vec<(String, f64)> =
        by_slot.into_iter().enumerate().map(|(i, v)| (artifact.slot_name(i).to_owned(), v)).collect();
    out.retain(|(_, v)| *v > 0.0);
    out.sort_by(|a, b| b.1.total_cmp(&a.1));
    out
}

/// Fills the header's metrics and training facts.
fn facts(trained: &mut Trained, config: &Config, params: &Params, table: &Table, rows: usize) {
    use serde_json::{Map, Value, json};
    let hex: String = table.sha256().iter().map(|b| format!("{b:02x}")).collect();
    let header = &mut trained.header;
    header.model.insert("parameters".into(), json!(params));
    if let Some(rounds) = trained.rounds {
        header.model.insert("rounds".into(), rounds.into());
    }
    let importance: Map<String, Value> = trained.importance.iter().map(|(n, v)| (n.clone(), json!(v))).collect();
    header.model.insert("importance".into(), Value::Object(importance));
    header.metrics.insert("validation".into(), json!(trained.validation.metrics));
    if let Some(test) = &trained.test {
        header.metrics.insert("test".into(), json!(test.metrics));
    }
    header.training.insert("rows".into(), rows.into());
    header.training.insert("data_sha256".into(), hex.into());
    header.training.insert("seed".into(), config.seed.into());
    header.training.insert("config".into(), json!(config));
}
