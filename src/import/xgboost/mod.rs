//! XGBoost models, as JSON and UBJSON (`Booster.save_model`, `XGBClassifier.save_model`).
//!
//! Held to the answers of XGBoost 1.0.2, 1.3.3, 1.5.2, 1.7.6, 2.0.3, 2.1.4, 3.0.5 and 3.2.0; what 3.3 and 3.4 changed is known from their
//! sources alone.
//!
//! What the file means, from the reference implementation's sources:
//!
//! * **Boosters** `gbtree`, `dart` (`weight_drop`: a leaf is multiplied by its tree's weight in `f32`) and `gblinear` (a feature that is
//!   missing adds nothing, as 0 does).
//! * **Tests.** `f32(x) < threshold` goes left, what is missing where `default_left` says, a chosen category right (`tree`).
//! * **Base score.** `binary:logistic` keeps it as a probability, all others as a score; from 3.1 on there is one per class (`objective`).
//! * **Rounds.** Early stopping leaves all trees in the file, and the number of the best round. `XGBClassifier` answers with the rounds up
//!   to that one, and so does what is imported; a `Booster` uses all unless told. [`Rounds`] chooses.
//! * **Categories** are codes from 0. Their names are in the file from 3.1 on where it was trained on a data frame (`inputs`); otherwise the
//!   input is a [`Code`](super::InputKind::Code): a whole number, and a negative one is no code.
//! * **Missing** is what the caller said when training (`XGBClassifier(missing=...)`); the file does not tell. Here it is NaN, the
//!   default: where it was another number, rows must have that number taken out.
//! * Features of type `i` (a data frame's truth values) are flags.
//!
//! Scores are sums in `f32` there and in `f64` here.

mod file;
mod inputs;
mod objective;
mod tree;
mod ubjson;

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod sample;
#[cfg(test)]
mod tests;

use super::columns::{Column, Step};
use super::trees::Trees;
use super::{Estimator, Foreign, Head, error};
use crate::error::Result;
use crate::math::Matrix;
use crate::model::{Model, forest, linear};
use file::{Booster, BoosterModel, File, Learner, Single};
use objective::{Link, Scores};
use serde_json::{Map, Value};

/// How a file is read.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Options {
    /// Which boosting rounds answer.
    pub rounds: Rounds,
}

/// Which boosting rounds answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Rounds {
    /// Up to the best one where training stopped early (`XGBClassifier`); all where it did not.
    #[default]
    Best,
    /// All of the file (`Booster.predict`).
    All,
    /// The first so many (`iteration_range=(0, n)`), at least one.
    First(usize),
}

/// Most categories in the sets of trees with vector leaves, counted once per class.
const MAX_COPIED: usize = 1 << 25;

/// A note: what stood for a missing value is known to the caller alone.
pub(super) const MISSING_UNTOLD: &str =
    "the file does not tell which number stood for a missing value (`missing=`); here it is none";

/// Reads a model file, JSON or UBJSON.
pub fn read(file: &[u8]) -> Result<Foreign> {
    read_with(file, &Options::default())
}

/// Reads a model file, JSON or UBJSON.
pub fn read_with(file: &[u8], options: &Options) -> Result<Foreign> {
    let File { version, learner, .. } = File::read(file)?;
    let learner = learner.ok_or_else(|| {
        error("not an XGBoost model: there is no `learner`; a model is saved by `save_model(\"model.json\")`, not by `save_config` or a dump")
    })?;
    let scores = Scores::new(&learner.objective.name, &learner.learner_model_param, &version)?;
    let n_features = inputs::count(&learner)?;
    let booster = Parts::new(&learner.gradient_booster)?;

    let mut facts = Map::new();
    if !version.is_empty() {
        facts.insert("version".into(), version.iter().map(u32::to_string).collect::<Vec<_>>().join(".").into());
    }
    facts.insert("objective".into(), learner.objective.name.as_str().into());
    facts.insert("booster".into(), learner.gradient_booster.name.as_str().into());

    let mut notes: Vec<String> = scores.note.iter().cloned().collect();
    let head = if learner.gradient_booster.name == "gblinear" {
        if let Rounds::First(_) = options.rounds {
            return Err(error("the booster `gblinear` keeps no rounds to choose from"));
        }
        Head::Model(Model::Logistic(linear(booster.model, &scores, n_features)?))
    } else {
        let rounds = rounds(&booster, &learner, &scores, options.rounds)?;
        facts.insert("rounds".into(), rounds.used.into());
        facts.insert("rounds_in_file".into(), rounds.all.into());
        notes.extend(rounds.notes.iter().cloned());
        Head::Trees(trees(&booster, &scores, n_features, rounds.trees)?)
    };
    let (inputs, more) = inputs::inputs(
        &learner,
        booster.model.cats.as_ref(),
        n_features,
        if let Head::Trees(trees) = &head { Some(trees) } else { None },
        &version,
    )?;
    notes.extend(more);
    notes.push(MISSING_UNTOLD.into());

    let columns = (0..n_features).map(|i| match head {
        Head::Model(_) => Column::raw(i).then(Step::Impute { value: 0.0 }),
        _ => Column::raw(i),
    });
    let classes = classes(&learner, scores.n_classes, &mut notes);
    let estimator = Estimator { columns: columns.collect(), head };
    Ok(Foreign { library: "xgboost", facts, inputs, classes, estimator, single: true, notes })
}

/// The booster's model, wherever the version keeps it, and the weights of its trees.
struct Parts<'a> {
    model: &'a BoosterModel,
    weights: Option<&'a [Single]>,
}

impl<'a> Parts<'a> {
    fn new(booster: &'a Booster) -> Result<Parts<'a>> {
        let inner = match (booster.name.as_str(), &booster.gbtree) {
            ("dart", Some(inner)) => inner,
            ("gbtree" | "gblinear" | "dart", _) => booster,
            (other, _) => {
                let other = file::short(other);
                return Err(error(format!("the booster `{other}` is not known: gbtree, dart and gblinear are")));
            }
        };
        let model =
            inner.model.as_ref().ok_or_else(|| error(format!("the booster `{}` has no model", booster.name)))?;
        let weights =
            [&booster.weight_drop, &inner.weight_drop, &model.weight_drop].into_iter().find_map(Option::as_deref);
        if booster.name == "dart" && weights.is_none() {
            return Err(error("the booster `dart` has no `weight_drop`: each tree has a weight"));
        }
        if let Some(weights) = weights
            && weights.len() > model.trees.len()
        {
            return Err(error(format!(
                "weight_drop has {} weights: there are {} trees",
                weights.len(),
                model.trees.len()
            )));
        }
        Ok(Parts { model, weights })
    }

    /// 1 where a later version stopped dropping trees and keeps no weights of those that followed.
    fn weight(&self, tree: usize) -> f32 {
        self.weights.and_then(|weights| weights.get(tree)).map_or(1.0, |weight| weight.0)
    }
}

/// The rounds that answer.
struct Used {
    used: usize,
    all: usize,
    /// How many trees they have.
    trees: usize,
    notes: Vec<String>,
}

fn rounds(booster: &Parts<'_>, learner: &Learner, scores: &Scores, wanted: Rounds) -> Result<Used> {
    let model = booster.model;
    let n_trees = model.trees.len();
    let infos = model.tree_info.len();
    let param = model.gbtree_model_param.as_ref();
    let claimed = param.map_or(Ok(n_trees), |param| param.num_trees.whole("num_trees", n_trees))?;
    if claimed != n_trees || infos != n_trees {
        let message = "as many are due";
        return Err(error(format!(
            "num_trees is {claimed}, there are {n_trees} trees, and tree_info has {infos}: {message}"
        )));
    }
    let best = attribute(learner, "best_iteration")?.map(|best| best.saturating_add(1));
    let mut told = true;
    let ends = match &model.iteration_indptr {
        Some(ends) => {
            let end = ends.last().and_then(|end| usize::try_from(*end).ok());
            if ends.first() != Some(&0) || !ends.is_sorted() || end != Some(n_trees) {
                return Err(error(format!(
                    "iteration_indptr does not ascend from 0 to the number of trees, {n_trees}"
                )));
            }
            ends.iter().map(|end| *end as usize).collect()
        }
        None => {
            let of_class = parallel(model, learner, best)?;
            told = of_class.is_some();
            let of_round = of_class.unwrap_or(1).saturating_mul(scores.n_outputs());
            if !n_trees.is_multiple_of(of_round) {
                return Err(error(format!(
                    "there are {n_trees} trees, and {of_round} in each round: a round is not whole"
                )));
            }
            (0..=n_trees).step_by(of_round).collect::<Vec<_>>()
        }
    };
    let all = ends.len() - 1;
    let used = match wanted {
        Rounds::First(0) => return Err(error("no round is to answer: at least one is due")),
        Rounds::First(n) if n > all => return Err(error(format!("{n} rounds are to answer: the file has {all}"))),
        Rounds::First(n) => n,
        Rounds::Best => best.map_or(all, |best| best.min(all)),
        Rounds::All => all,
    };
    let mut notes = Vec::new();
    if let Some(best) = best.filter(|best| wanted == Rounds::Best && *best != all) {
        notes.push(if best < all {
            format!(
                "training stopped early: the first {best} of {all} rounds answer (best_iteration {}), as `XGBClassifier` does; \
                 `Booster.predict` uses all unless told, which is --rounds all",
                best - 1
            )
        } else {
            format!("best_iteration {} is of a longer training (the model was cut): all {all} rounds answer", best - 1)
        });
    }
    if used < all && !told {
        notes.push(
            "the file does not tell `num_parallel_tree`, as those of XGBoost before 1.6 do not: a round is taken to be a tree for each \
             score"
                .into(),
        );
    }
    Ok(Used { used, all, trees: ends[used], notes })
}

/// Before 2.0: how many trees of a round add to the same score. Before 1.6 the file has it only by way of what the Python package
/// added: the best round and how many trees of a score there are up to it, or the parameters of the `XGBClassifier`.
fn parallel(model: &BoosterModel, learner: &Learner, best: Option<usize>) -> Result<Option<usize>> {
    let given = model
        .gbtree_model_param
        .as_ref()
        .map_or(Ok(0), |param| param.num_parallel_tree.whole("num_parallel_tree", 0))?;
    if given > 0 {
        return Ok(Some(given));
    }
    if let (Some(best), Some(limit)) = (best, attribute(learner, "best_ntree_limit")?)
        && limit > 0
        && limit.is_multiple_of(best)
    {
        return Ok(Some(limit / best));
    }
    let of_estimator = estimator(learner).and_then(|about| about.get("num_parallel_tree")?.as_u64());
    Ok(of_estimator.and_then(|n| usize::try_from(n).ok()).filter(|n| *n > 0))
}

fn attribute(learner: &Learner, name: &str) -> Result<Option<usize>> {
    let Some(text) = learner.attributes.get(name) else { return Ok(None) };
    let message = || error(format!("the attribute {name} is {:?}: it is a whole number from 0", file::short(text)));
    text.trim().parse().map(Some).map_err(|_| message())
}

fn trees(booster: &Parts<'_>, scores: &Scores, n_features: usize, n_trees: usize) -> Result<Trees> {
    let link = match scores.link {
        Link::Sigmoid | Link::RawSigmoid => forest::Link::Sigmoid,
        Link::Softmax => forest::Link::Softmax,
    };
    let mut out = Trees {
        n_features,
        n_classes: scores.n_classes,
        link,
        base: scores.base.iter().copied().map(f64::from).collect(),
        trees: Vec::new(),
        numbers: Vec::new(),
    };
    let n_outputs = scores.n_outputs();
    let mut copied = 0;
    for (t, (tree, info)) in booster.model.trees.iter().zip(&booster.model.tree_info).take(n_trees).enumerate() {
        let named = |e: crate::error::Error| e.context(format!("tree {t}"));
        if tree.id.is_some_and(|id| id != t as i64) {
            return Err(named(error(format!(
                "its id is {}: trees are in the order of their ids",
                tree.id.unwrap_or_default()
            ))));
        }
        let output = usize::try_from(*info).ok().filter(|output| *output < n_outputs);
        let output =
            output.ok_or_else(|| named(error(format!("tree_info is {info}: there are {n_outputs} outputs"))))?;
        let place = tree::Place { n_features, n_outputs, output, weight: booster.weight(t) };
        // Vector leaves make a tree for each score, and each has the sets of its splits.
        if tree.tree_param.size_leaf_vector.whole("size_leaf_vector", 1)? > 1 {
            copied += tree.categories.len().saturating_mul(n_outputs);
            if copied > MAX_COPIED {
                return Err(named(error(format!(
                    "category sets of trees with a leaf value per class come to more than {MAX_COPIED} categories, counted once per class"
                ))));
            }
        }
        for (tree, numbers) in tree::plain(tree, &place).map_err(named)? {
            out.trees.push(tree);
            out.numbers.push(numbers);
        }
    }
    Ok(out)
}

fn linear(model: &BoosterModel, scores: &Scores, n_features: usize) -> Result<linear::Logistic> {
    let weights = model.weights.as_deref().ok_or_else(|| error("the booster `gblinear` has no `weights`"))?;
    let n = scores.n_outputs();
    if weights.len() != (n_features + 1).saturating_mul(n) {
        let len = weights.len();
        return Err(error(format!(
            "weights has {len} numbers: {n} for each of {n_features} features and for the bias are due"
        )));
    }
    if let Some(i) = weights.iter().position(|w| !w.0.is_finite()) {
        return Err(error(format!("weight {i} is {}: it is a finite number", weights[i].0)));
    }
    let weight = |feature: usize, k: usize| weights[feature * n + k].0;
    let data = (0..n).flat_map(|k| (0..n_features).map(move |i| f64::from(weight(i, k)))).collect();
    Ok(linear::Logistic {
        coef: Matrix { rows: n, cols: n_features, data },
        // XGBoost adds the base score of the first class to every class.
        intercept: (0..n).map(|k| f64::from(weight(n_features, k) + scores.base[0])).collect(),
        link: if scores.link == Link::Softmax { linear::Link::Softmax } else { linear::Link::Sigmoid },
    })
}

/// What `XGBClassifier.save_model` adds: until 1.7 its parameters and labels, from then on only what kind of estimator it is.
fn estimator(learner: &Learner) -> Option<Value> {
    serde_json::from_str(learner.attributes.get("scikit_learn")?).ok()
}

/// Labels, where the file has them.
fn classes(learner: &Learner, n: usize, notes: &mut Vec<String>) -> Option<Vec<String>> {
    let about = estimator(learner)?;
    let label = |label: &Value| match label {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    };
    let labels: Option<Vec<String>> = about.get("classes_")?.as_array()?.iter().map(label).collect();
    let usable = labels.filter(|labels| labels.len() == n);
    if usable.is_none() {
        notes.push("the labels in the file are not used: they are not one text or number for each class".into());
    }
    usable
}
