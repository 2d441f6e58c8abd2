//! From what a reader made to an artifact: schema, classes, profile and witnesses.

use super::check::{Report, Tolerance, check};
use super::columns::Step;
use super::fields::{Fields, fields};
use super::lower::lower;
use super::outside::Outside;
use super::reference::{Observed, imagine, observe};
use super::xgboost::{self, Rounds};
use super::{Estimator, Foreign, Format, Head, InputKind, error};
use crate::artifact::header::Header;
use crate::artifact::{Artifact, check_names};
use crate::data::Table;
use crate::error::{Error, ErrorKind, Result};
use crate::expr::{Expr, Type};
use crate::model::Model;
use crate::model::forest::{PlainNode, Test};
use crate::pipeline::{Derived, Pipeline};
use crate::profile::Profile;
use crate::schema::message::{list, printable, quote};
use crate::schema::{FieldKind, Schema};
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// What is known beside the model file.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The file's format; `None`: as its content shows.
    pub format: Option<Format>,
    /// What a record is, where the file says less.
    pub schema: Option<Outside>,
    /// Rows as the model meets them.
    pub sample: Option<Sample>,
    /// Class labels, in the model's order; where the file has labels of its own these replace them.
    pub classes: Option<Vec<String>>,
    /// The artifact's name.
    pub name: Option<String>,
    /// Its name where neither `name` nor the file gives one; default `model`.
    pub stem: Option<String>,
    /// The artifact's version; default the file's own, or `1.0.0`.
    pub version: Option<String>,
    /// XGBoost: which boosting rounds answer; default up to the best one.
    pub rounds: Option<Rounds>,
}

/// Rows as the model meets them: for the profile and the witnesses.
#[derive(Clone, Debug)]
pub struct Sample {
    /// The rows.
    pub table: Table,
    /// The column with the true labels, if there is one; no input.
    pub target: Option<String>,
    /// The column with each row's event time, where derived features use `now()`.
    pub as_of: Option<String>,
}

/// A model that was made elsewhere, as an artifact.
#[derive(Clone, Debug)]
pub struct Imported {
    /// The model and all it needs.
    pub artifact: Artifact,
    /// What its file says of it.
    pub header: Header,
    /// `xgboost`, `lightgbm`, `onnx` or `scikit-learn`.
    pub library: &'static str,
    /// A forest: per tree, the library's numbers of its leaves by our `leaf_ids`. Empty where the library gives none.
    pub leaves: Vec<Vec<u32>>,
    /// What a person should know, a sentence each.
    pub notes: Vec<String>,
    /// The original computes its scores in `f32`.
    pub single: bool,
}

impl Imported {
    /// The `.hedge` file.
    pub fn file(&self) -> Result<Vec<u8>> {
        self.artifact.write(&self.header.to_bytes()?)
    }

    /// Holds the artifact to the original's own answers; see [`check`]. `tolerance`: of probabilities, where the default is not right.
    pub fn check(&self, expected: &Table, tolerance: Option<f64>) -> Result<Report> {
        let tolerance = Tolerance { single: self.single, probability: tolerance };
        check(&self.artifact, &self.leaves, expected, tolerance)
    }
}

/// Reads a model file and makes an artifact of it that answers as the original does. The same file and options give the same artifact, bit
/// for bit.
pub fn import(file: &[u8], options: &Options) -> Result<Imported> {
    // Names in a file are any text; what is said of them is fit to print.
    let mut imported = read_and_assemble(file, options).map_err(|e| e.map(printable))?;
    imported.notes.iter_mut().for_each(|note| *note = printable(note));
    Ok(imported)
}

fn read_and_assemble(file: &[u8], options: &Options) -> Result<Imported> {
    let format = options.format.map_or_else(|| Format::of(file), Ok)?;
    let foreign = match options.rounds {
        None => super::read(file, Some(format))?,
        Some(rounds) if format == Format::Xgboost => xgboost::read_with(file, &xgboost::Options { rounds })?,
        Some(_) => {
            let message =
                format!("the number of rounds is chosen for XGBoost's models; this file is of {}", format.name());
            return Err(Error::new(ErrorKind::Config, message));
        }
    };
    assemble(foreign, &Sha256::digest(file), options)
}

/// The artifact of what a reader made. `digest`: of the file.
fn assemble(mut foreign: Foreign, digest: &[u8], options: &Options) -> Result<Imported> {
    let fields = fields(&foreign, options.schema.as_ref(), options.sample.as_ref()).map_err(|e| match e.kind() {
        ErrorKind::Data => e.context("in the sample"),
        _ if options.schema.is_some() => e.context("in the schema"),
        _ => e,
    })?;
    for &input in &fields.computed {
        // It is never missing, as was proven; this shows it to the checks of models that have no meaning for missing values.
        never_missing(&mut foreign.estimator, input);
    }
    let slots: Vec<(String, usize)> = fields.slots.iter().map(|&slot| (fields.name(slot).to_owned(), slot)).collect();
    all_codes_named(&foreign, &slots, &fields.schema)?;
    let lowered = lower(&foreign, &slots, fields.schema.fields.len() + fields.derived.len())?;
    let Fields { schema, mut derived, notes: mut said, .. } = fields;
    append(&mut derived, &schema, lowered.derived)?;

    let mut notes = std::mem::take(&mut foreign.notes);
    notes.append(&mut said);
    let classes = classes(&foreign, options, lowered.model.n_classes(), &mut notes)?;
    let fact = |key: &str| foreign.facts.get(key).and_then(Value::as_str).map(str::to_owned);
    let artifact = Artifact {
        name: options.name.clone().or(fact("name")).or(options.stem.clone()).unwrap_or_else(|| "model".into()),
        version: options.version.clone().or(fact("model_version")).unwrap_or_else(|| "1.0.0".into()),
        classes,
        schema,
        pipeline: Pipeline { derived, encoders: lowered.encoders },
        model: lowered.model,
        threshold: None,
        profile: Profile::default(),
        witnesses: Vec::new(),
    };
    check_names(&artifact.name, &artifact.version).map_err(|e| Error::new(ErrorKind::Config, e.to_string()))?;
    check_parts(&artifact)?;
    let (artifact, observed) = match &options.sample {
        Some(sample) => observe(artifact, sample).map(|(a, o)| (a, Some(o))).map_err(|e| e.context("in the sample"))?,
        None => (imagine(artifact)?, None),
    };
    artifact.check()?;
    notes.extend(observed.as_ref().and_then(|o| o.note.clone()));
    let header = header(&artifact, digest, &foreign, options, observed.as_ref(), &notes);
    Ok(Imported { artifact, header, library: foreign.library, leaves: lowered.leaves, notes, single: foreign.single })
}

/// Refuses a schema that names fewer levels than the model tells codes apart: one left out would shift the names of all after it.
fn all_codes_named(foreign: &Foreign, slots: &[(String, usize)], schema: &Schema) -> Result<()> {
    let mut largest = vec![None; foreign.inputs.len()];
    largest_codes(&foreign.estimator, &mut largest);
    for ((input, (name, slot)), largest) in foreign.inputs.iter().zip(slots).zip(largest) {
        let (InputKind::Code { .. }, Some(largest)) = (&input.kind, largest) else { continue };
        if let Some(FieldKind::Category { levels, .. }) = schema.fields.get(*slot).map(|f| &f.kind)
            && levels.len() <= largest as usize
        {
            let message = format!(
                "{} has {} levels, and the model tells codes up to {largest} apart: list {} at least, in code order",
                quote(name),
                levels.len(),
                largest + 1
            );
            return Err(Error::new(ErrorKind::Config, message).context("in the schema"));
        }
    }
    Ok(())
}

/// By input, the largest code that a set holds, where the code is read as it is.
fn largest_codes(estimator: &Estimator, largest: &mut [Option<u32>]) {
    let mut members = |m: &Estimator| largest_codes(m, largest);
    match &estimator.head {
        Head::Trees(trees) => {
            for node in trees.trees.iter().flat_map(|tree| &tree.nodes) {
                if let PlainNode::Split { feature, test: Test::In(set), .. } = node
                    && let Some(column) = estimator.columns.get(*feature).filter(|c| c.steps.is_empty())
                    && let Some(largest) = largest.get_mut(column.input)
                {
                    *largest = (*largest).max(set.iter().copied().max());
                }
            }
        }
        Head::Model(_) => {}
        Head::Stacking { members: all, .. } => all.iter().for_each(|(_, m)| members(m)),
        Head::Voting { members: all } => all.iter().for_each(|(_, m)| members(m)),
        Head::Calibrated { members: all } => all.iter().for_each(|(m, _)| members(m)),
    }
}

/// Every part proven before rows pass through them; the profile comes later.
fn check_parts(artifact: &Artifact) -> Result<()> {
    artifact.schema.check().map_err(|e| e.context("in the schema"))?;
    let columns = artifact.pipeline.check(&artifact.schema).map_err(|e| e.context("in the pipeline"))?;
    artifact.model.check().and_then(|()| artifact.model.fits(&columns)).map_err(|e| e.context("in the model"))
}

/// Appends what the model computes first.
pub(super) fn append(derived: &mut Vec<Derived>, schema: &Schema, more: Vec<(String, String)>) -> Result<()> {
    let mut earlier: Vec<(String, Type)> = derived.iter().map(|d| (d.name.clone(), d.expr.ty)).collect();
    for (name, text) in more {
        if schema.slot(&name).is_some() || earlier.iter().any(|(n, _)| *n == name) {
            return Err(error(format!(
                "the name {} is needed for a step of the model: give that field another",
                quote(&name)
            )));
        }
        let expr = Expr::parse(&text, schema, &earlier)
            .map_err(|e| e.context(format!("in a step of the model, {}", quote(&name))))?;
        earlier.push((name.clone(), expr.ty));
        derived.push(Derived { name, text, expr });
    }
    Ok(())
}

/// Puts an imputing step that nothing reaches before every column of `input`.
fn never_missing(estimator: &mut Estimator, input: usize) {
    for column in estimator.columns.iter_mut().filter(|c| c.input == input) {
        column.steps.insert(0, Step::Impute { value: 0.0 });
    }
    match &mut estimator.head {
        Head::Trees(_) | Head::Model(_) => {}
        Head::Stacking { members, .. } => members.iter_mut().for_each(|(_, m)| never_missing(m, input)),
        Head::Voting { members } => members.iter_mut().for_each(|(_, m)| never_missing(m, input)),
        Head::Calibrated { members } => members.iter_mut().for_each(|(m, _)| never_missing(m, input)),
    }
}

/// The labels: those given, those of the file, or numbers.
fn classes(foreign: &Foreign, options: &Options, n: usize, notes: &mut Vec<String>) -> Result<Vec<String>> {
    let bad = |message: String| Err(Error::new(ErrorKind::Config, message));
    match (&options.classes, &foreign.classes) {
        (Some(given), _) if given.len() != n => {
            bad(format!("--classes lists {}, but the model tells {n} classes apart", given.len()))
        }
        (Some(given), Some(own)) if given != own && own.iter().all(|label| given.contains(label)) => {
            bad(format!("--classes lists the file's own labels in another order: the model's is {}", list(own.iter())))
        }
        (Some(given), _) => Ok(given.clone()),
        (None, Some(own)) if own.len() != n => {
            Err(error(format!("the file has {} labels, but its model tells {n} classes apart", own.len())))
        }
        (None, Some(own)) => Ok(own.clone()),
        (None, None) => {
            let labels = if n == 2 { "0 and 1".to_owned() } else { format!("0 to {}", n - 1) };
            notes.push(format!(
                "the file does not name its classes: they are {labels} here; --classes names them, in that order"
            ));
            Ok((0..n).map(|k| k.to_string()).collect())
        }
    }
}

/// What the artifact's file says of it.
fn header(
    artifact: &Artifact,
    digest: &[u8],
    foreign: &Foreign,
    options: &Options,
    observed: Option<&Observed>,
    notes: &[String],
) -> Header {
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let mut header = Header::of(artifact);
    if let Model::Forest(forest) = &artifact.model {
        header.model.insert("trees".into(), forest.n_trees().into());
        header.model.insert("nodes".into(), forest.n_nodes().into());
    }
    let mut source = Map::new();
    source.insert("library".into(), foreign.library.into());
    source.extend(foreign.facts.iter().map(|(k, v)| (k.clone(), v.clone())));
    source.insert("sha256".into(), hex(digest).into());
    header.training.insert("source".into(), Value::Object(source));
    if let (Some(observed), Some(sample)) = (observed, &options.sample) {
        header
            .training
            .insert("sample".into(), json!({ "rows": observed.rows, "sha256": hex(&sample.table.sha256()) }));
        if let Some(metrics) = &observed.metrics {
            header.metrics.insert("sample".into(), json!(metrics));
        }
    }
    if !notes.is_empty() {
        header.training.insert("notes".into(), json!(notes));
    }
    header
}

#[cfg(test)]
#[path = "assemble_tests.rs"]
mod tests;
