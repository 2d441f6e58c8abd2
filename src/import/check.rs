//! The proof of an import: our answers beside the original's, row by row.
//!
//! A table of expected answers has a column per field of the schema (empty: missing) and any of these:
//!
//! | column | the original's |
//! |---|---|
//! | `leaf_<t>` | own number of the leaf that tree `t` reaches, trees counted in the order of the file; a tree with a value per class (XGBoost's vector leaves) counts once per class |
//! | `margin` | score before the sigmoid (two classes) |
//! | `margin_<label>` | score of a class before the link |
//! | `probability_<label>` | probability of a class |
//! | `prediction` | label |
//! | `as_of` | (no answer: what `now()` means in the row) |

use crate::artifact::Artifact;
use crate::data::{AsOf, Column, Dataset, Table};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::model::Model;
use crate::model::forest::{Forest, Link, PlainNode};
use crate::schema::Violation;
use crate::schema::message::quote;
use serde::Serialize;

/// How far answers may be apart.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// The original computes its scores in `f32`.
    pub single: bool,
    /// Of probabilities; `None`: 1e-6 where `single`, else 1e-12.
    pub probability: Option<f64>,
}

/// What came of a comparison.
#[derive(Clone, Debug, PartialEq, Default, Serialize)]
pub struct Report {
    /// Rows compared, those refused included.
    pub rows: usize,
    /// Rows that the schema refused though the original has an answer; the first ten.
    pub refused: Vec<Refused>,
    /// How many rows were refused.
    pub n_refused: usize,
    /// Leaves, where the table has them.
    pub leaves: Option<Leaves>,
    /// Scores before the link, where the table has them.
    pub margin: Option<Differences>,
    /// Probabilities, where the table has them.
    pub probability: Option<Differences>,
    /// Predicted labels, where the table has them.
    pub prediction: Option<Labels>,
}

/// A row that the schema refused.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Refused {
    /// The row's line in the file.
    pub line: u64,
    /// Every reason.
    pub violations: Vec<Violation>,
}

/// Leaf numbers beside each other.
#[derive(Clone, Debug, PartialEq, Default, Serialize)]
pub struct Leaves {
    /// How many were compared: rows times trees.
    pub compared: usize,
    /// How many differ.
    pub differing: usize,
    /// The first that differs.
    pub first: Option<OtherLeaf>,
}

/// A leaf that is not the original's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OtherLeaf {
    /// The row's line in the file.
    pub line: u64,
    /// The tree.
    pub tree: usize,
    /// The library's number of the leaf we reached.
    pub ours: u32,
    /// Of the leaf that the library reached.
    pub theirs: u32,
}

/// Numbers beside each other.
#[derive(Clone, Debug, PartialEq, Default, Serialize)]
pub struct Differences {
    /// How many were compared.
    pub compared: usize,
    /// How many differ by more than is allowed.
    pub beyond: usize,
    /// The one that differs most; `None` of nothing compared.
    pub largest: Option<Difference>,
    /// The first that differs by more than is allowed.
    pub first_beyond: Option<Difference>,
    /// The largest difference as a part of what is allowed there.
    pub part: f64,
}

/// Two numbers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// The row's line in the file.
    pub line: u64,
    /// The column.
    pub column: String,
    /// Ours.
    pub ours: f64,
    /// The original's.
    pub theirs: f64,
    /// How far apart they may be.
    pub allowed: f64,
}

/// Predicted labels beside each other.
#[derive(Clone, Debug, PartialEq, Default, Serialize)]
pub struct Labels {
    /// How many were compared.
    pub compared: usize,
    /// How many differ, and not because two probabilities are within the tolerance of each other.
    pub differing: usize,
    /// The first that differs.
    pub first: Option<OtherLabel>,
}

/// A label that is not the original's.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OtherLabel {
    /// The row's line in the file.
    pub line: u64,
    /// Ours.
    pub ours: String,
    /// The original's.
    pub theirs: String,
}

impl Report {
    /// Whether everything is as the original has it, within the tolerance.
    pub fn passed(&self) -> bool {
        self.n_refused == 0
            && self.leaves.as_ref().is_none_or(|l| l.differing == 0)
            && [&self.margin, &self.probability].into_iter().flatten().all(|d| d.beyond == 0)
            && self.prediction.as_ref().is_none_or(|l| l.differing == 0)
    }
}

/// Most refused rows that are kept.
const SHOWN: usize = 10;

/// Holds `artifact` to the original's answers. `leaves`: [`Imported::leaves`](super::Imported::leaves). An error where the table cannot be
/// compared: a field without a column, a column that is neither field nor answer, an answer that is no number.
pub fn check(artifact: &Artifact, leaves: &[Vec<u32>], expected: &Table, tolerance: Tolerance) -> Result<Report> {
    let (columns, as_of) = columns(artifact, leaves, expected)?;
    let data = Dataset::unlabelled(expected, &artifact.schema, &as_of)?;
    let refused =
        data.rejected.iter().take(SHOWN).map(|r| Refused { line: r.line, violations: r.violations.clone() }).collect();
    let mut report = Report { rows: expected.n_rows(), refused, n_refused: data.rejected.len(), ..Report::default() };
    for (_, answer) in &columns {
        match answer {
            Answer::Leaf(_) => drop(report.leaves.get_or_insert_default()),
            Answer::Margin(_) => drop(report.margin.get_or_insert_default()),
            Answer::Probability(_) => drop(report.probability.get_or_insert_default()),
            Answer::Prediction => drop(report.prediction.get_or_insert_default()),
        }
    }
    let wants_margin = report.margin.is_some();
    let mut asked = Asked::new(artifact, tolerance, wants_margin);
    for (i, &row) in data.source.iter().enumerate() {
        asked.answer(artifact, &data.rows.row(i).to_vec(), data.as_of[i], wants_margin);
        let at = Place { row, line: expected.line(row) };
        for (column, answer) in &columns {
            match (answer, &mut report) {
                (Answer::Leaf(tree), Report { leaves: Some(told), .. }) => {
                    told.compare(&at, *tree, leaves[*tree][asked.leaves[*tree] as usize], column)?;
                }
                (Answer::Margin(k), Report { margin: Some(told), .. }) => {
                    let theirs = at.number(column)?;
                    let (ours, allowed) = asked.score(*k, theirs);
                    told.compare(&at, column, ours, theirs, allowed);
                }
                (Answer::Probability(k), Report { probability: Some(told), .. }) => {
                    let (ours, theirs) = (asked.work.probability[*k], at.number(column)?);
                    told.compare(&at, column, ours, theirs, asked.probability);
                }
                (Answer::Prediction, Report { prediction: Some(told), .. }) => {
                    told.compare(&at, column, &artifact.classes, &asked.work.probability, asked.probability)?;
                }
                _ => {}
            }
        }
    }
    Ok(report)
}

/// What a column of expected answers holds.
enum Answer {
    /// Of a tree.
    Leaf(usize),
    /// The one score, or that of a class.
    Margin(Option<usize>),
    /// Of a class.
    Probability(usize),
    Prediction,
}

/// The columns with answers, and where `now()` comes from.
fn columns<'t>(
    artifact: &Artifact,
    leaves: &[Vec<u32>],
    table: &'t Table,
) -> Result<(Vec<(&'t Column, Answer)>, AsOf)> {
    let schema = &artifact.schema;
    let mut answers = Vec::new();
    let mut as_of = AsOf::At(0.0);
    for column in table.columns() {
        let name = column.name();
        // A field's name goes first; a column without a name is an index that was written along.
        if name.is_empty() || schema.slot(name).is_some() {
            continue;
        }
        if name == "as_of" {
            as_of = AsOf::Column(name.to_owned());
            continue;
        }
        let Some(answer) = answer(artifact, leaves, name)? else {
            let known = schema.fields.iter().map(|f| f.name.as_str()).chain(["margin", "prediction", "as_of"]);
            let labels = artifact.classes.iter().map(|label| format!("probability_{label}")).collect::<Vec<_>>();
            let hint = did_you_mean(name, known.chain(labels.iter().map(String::as_str)));
            return Err(data(format!(
                "the column {} is neither a field nor an answer{hint}; answers are leaf_<tree>, margin, margin_<label>, \
                 probability_<label> and prediction, the labels {}",
                quote(name),
                crate::schema::message::list(artifact.classes.iter())
            )));
        };
        answers.push((column, answer));
    }
    if answers.is_empty() || table.n_rows() == 0 {
        return Err(data(
            "there is nothing to compare: beside the inputs, rows have the original's answers under leaf_<tree>, margin, \
             margin_<label>, probability_<label> or prediction",
        ));
    }
    match artifact.pipeline.derived.iter().find(|d| d.expr.uses_now()) {
        Some(d) if matches!(as_of, AsOf::At(_)) => Err(data(format!(
            "the derived feature {} uses now(): add a column `as_of` with what that meant in each row",
            quote(&d.name)
        ))),
        _ => Ok((answers, as_of)),
    }
}

/// What a column is named for, if it is an answer; an error where this model gives no such answer.
fn answer(artifact: &Artifact, leaves: &[Vec<u32>], name: &str) -> Result<Option<Answer>> {
    let class = |label: &str| artifact.classes.iter().position(|c| c == label);
    let none = |why: String| Err(data(format!("the column {} cannot be compared: {why}", quote(name))));
    if name == "prediction" {
        return Ok(Some(Answer::Prediction));
    }
    if let Some(label) = name.strip_prefix("probability_") {
        return Ok(class(label).map(Answer::Probability));
    }
    if let Some(tree) = name.strip_prefix("leaf_")
        && let Ok(tree) = tree.parse::<usize>()
    {
        return match &artifact.model {
            Model::Forest(f) if tree >= f.n_trees() => none(format!("the model has {} trees", f.n_trees())),
            Model::Forest(f) if leaves.len() == f.n_trees() => Ok(Some(Answer::Leaf(tree))),
            _ => none("the library's numbers of this model's leaves are not known".into()),
        };
    }
    let scores = n_scores(&artifact.model);
    match name.strip_prefix("margin_").map(class) {
        _ if name != "margin" && !name.starts_with("margin_") => Ok(None),
        None | Some(Some(_)) if scores == 0 => none("this model has no scores before its probabilities".into()),
        None if artifact.classes.len() == 2 => Ok(Some(Answer::Margin(None))),
        None => none("a model of more than two classes has a score per class, margin_<label>".into()),
        Some(Some(k)) if scores == artifact.classes.len() => Ok(Some(Answer::Margin(Some(k)))),
        Some(Some(_)) => none("this model has one score, margin".into()),
        Some(None) => Ok(None),
    }
}

/// How many scores a model has before its probabilities.
fn n_scores(model: &Model) -> usize {
    match model {
        _ if !model.has_margin() => 0,
        Model::Forest(f) => f.n_outputs(),
        _ if model.n_classes() == 2 => 1,
        _ => model.n_classes(),
    }
}

/// A row of the table.
struct Place {
    row: usize,
    line: u64,
}

impl Place {
    fn text<'c>(&self, column: &'c Column) -> Result<&'c str> {
        let text = column.text(self.row).map(str::trim_ascii).filter(|t| !t.is_empty());
        text.ok_or_else(|| data(format!("line {}: {} has no value", self.line, quote(column.name()))))
    }

    fn number(&self, column: &Column) -> Result<f64> {
        let text = self.text(column)?;
        let number = text.parse::<f64>().ok().filter(|v| v.is_finite());
        number.ok_or_else(|| self.wrong(column, "a number"))
    }

    fn wrong(&self, column: &Column, expected: &str) -> Error {
        let text = column.text(self.row).unwrap_or_default();
        data(format!("line {}: {} is {}: {expected} is expected", self.line, quote(column.name()), quote(text)))
    }
}

/// One row's answers, ours; and what they may be off by.
struct Asked<'a> {
    work: crate::artifact::Work,
    forest: Option<&'a Forest>,
    /// By tree, our numbers.
    leaves: Vec<u32>,
    scores: Vec<f64>,
    single: bool,
    /// What probabilities may be off by.
    probability: f64,
    /// By tree and node the magnitude of a leaf, where a score's bound depends on it.
    magnitudes: Vec<(usize, Vec<f64>)>,
}

impl<'a> Asked<'a> {
    fn new(artifact: &'a Artifact, tolerance: Tolerance, wants_margin: bool) -> Self {
        let forest = match &artifact.model {
            Model::Forest(f) => Some(f),
            _ => None,
        };
        let magnitude = |node: &PlainNode| match node {
            PlainNode::Leaf(values) => values.first().map_or(0.0, |v| v.abs()),
            PlainNode::Split { .. } => 0.0,
        };
        let bounded = forest.filter(|f| wants_margin && tolerance.single && f.link() != Link::Average);
        Asked {
            work: artifact.work(),
            forest,
            leaves: vec![0; forest.map_or(0, Forest::n_trees)],
            scores: vec![0.0; n_scores(&artifact.model)],
            single: tolerance.single,
            probability: tolerance.probability.unwrap_or(if tolerance.single { 1e-6 } else { 1e-12 }),
            magnitudes: bounded.map_or_else(Vec::new, |f| {
                f.plain().iter().map(|t| (t.output, t.nodes.iter().map(magnitude).collect())).collect()
            }),
        }
    }

    fn answer(&mut self, artifact: &Artifact, row: &[f64], as_of: f64, wants_margin: bool) {
        self.work.slots[..row.len()].copy_from_slice(row);
        artifact.pipeline.derive(&mut self.work.slots, as_of);
        artifact.predict(&mut self.work);
        if let Some(forest) = self.forest {
            forest.leaf_ids(&self.work.x, &mut self.leaves);
        }
        if wants_margin {
            match self.forest {
                Some(forest) => forest.margin(&self.work.x, &mut self.scores),
                None => artifact.model.margin(&self.work.x, &mut self.scores),
            }
        }
    }

    /// A score (`None`: the one of two classes), and what it may be off by. A sum of n numbers in `f32` is off by at most about
    /// n 2^-24 times the sum of their magnitudes (N. J. Higham, "Accuracy and Stability of Numerical Algorithms", 2nd ed., section 4.2).
    fn score(&self, k: Option<usize>, theirs: f64) -> (f64, f64) {
        let ours = match (k, &self.scores[..]) {
            (Some(k), scores) => scores[k],
            (None, [one]) => *one,
            (None, scores) => scores[1] - scores[0],
        };
        let relative = theirs.abs().max(1.0);
        let (false, Some(forest)) = (self.magnitudes.is_empty(), self.forest) else {
            return (ours, relative * if self.single { 1e-6 } else { 1e-12 });
        };
        let counts = |output: usize| k.is_none_or(|k| k == output);
        let base = forest.base().iter().enumerate().filter(|(i, _)| counts(*i)).map(|(_, v)| v.abs()).sum::<f64>();
        let mut trees = 0.0;
        let mut magnitude = base;
        for ((output, nodes), leaf) in self.magnitudes.iter().zip(&self.leaves) {
            if counts(*output) {
                trees += 1.0;
                magnitude += nodes[*leaf as usize];
            }
        }
        (ours, trees * magnitude / f64::from(1 << 24))
    }
}

impl Leaves {
    fn compare(&mut self, at: &Place, tree: usize, ours: u32, column: &Column) -> Result<()> {
        let theirs = at.number(column)?;
        let whole = theirs as u32;
        if f64::from(whole) != theirs {
            return Err(at.wrong(column, "the number of a leaf"));
        }
        self.compared += 1;
        if ours != whole {
            self.differing += 1;
            self.first.get_or_insert(OtherLeaf { line: at.line, tree, ours, theirs: whole });
        }
        Ok(())
    }
}

impl Differences {
    fn compare(&mut self, at: &Place, column: &Column, ours: f64, theirs: f64, allowed: f64) {
        let apart = (ours - theirs).abs();
        let difference = || Difference { line: at.line, column: column.name().to_owned(), ours, theirs, allowed };
        self.compared += 1;
        self.part = self.part.max(if apart > 0.0 { apart / allowed } else { 0.0 });
        if self.largest.as_ref().is_none_or(|d| apart > (d.ours - d.theirs).abs()) {
            self.largest = Some(difference());
        }
        if apart > allowed {
            self.beyond += 1;
            self.first_beyond.get_or_insert_with(difference);
        }
    }
}

impl Labels {
    fn compare(&mut self, at: &Place, column: &Column, classes: &[String], ours: &[f64], allowed: f64) -> Result<()> {
        let text = at.text(column)?;
        // `1.0` of a column of numbers is the label `1`.
        let number = |label: &str| label.parse::<f64>().ok();
        let same = |label: &String| label == text || number(label).is_some_and(|v| number(text) == Some(v));
        let Some(theirs) = classes.iter().position(|c| c == text).or_else(|| classes.iter().position(same)) else {
            return Err(at.wrong(column, &format!("one of {}", crate::schema::message::list(classes.iter()))));
        };
        let best = crate::math::argmax(ours);
        self.compared += 1;
        if best != theirs && ours[best] - ours[theirs] > allowed {
            self.differing += 1;
            self.first.get_or_insert_with(|| OtherLabel {
                line: at.line,
                ours: classes[best].clone(),
                theirs: classes[theirs].clone(),
            });
        }
        Ok(())
    }
}

fn data(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Data, message)
}
