//! XGBoost models, as JSON and UBJSON (`Booster.save_model`, `XGBClassifier.save_model`), written by XGBoost 1.0 up to 3.4.
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

use super::columns::{Column, Step};
use super::trees::Trees;
use super::{Estimator, Foreign, Head, error};
use crate::error::Result;
use crate::math::Matrix;
use crate::model::{Model, forest, linear};
use file::{Booster, BoosterModel, File, Learner, Single};
use objective::{Link, Scores};
use serde_json::{Map, Value, json};

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
        Head::Model(Model::Logistic(linear(booster.model, &scores, n_features)?))
    } else {
        let rounds = rounds(&booster, &learner, &scores, options.rounds)?;
        facts.insert("rounds".into(), rounds.used.into());
        facts.insert("rounds_in_file".into(), rounds.all.into());
        notes.extend(rounds.note.clone());
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
    notes.push("the file does not tell which number stood for a missing value (`missing=`); here it is none".into());

    let columns = (0..n_features).map(|i| match head {
        Head::Model(_) => Column::raw(i).then(Step::Impute { value: 0.0 }),
        _ => Column::raw(i),
    });
    let classes = classes(&learner, scores.n_classes, &mut facts, &mut notes);
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
    note: Option<String>,
}

fn rounds(booster: &Parts<'_>, learner: &Learner, scores: &Scores, wanted: Rounds) -> Result<Used> {
    let model = booster.model;
    let n_trees = model.trees.len();
    let (claimed, parallel) = match &model.gbtree_model_param {
        None => (n_trees, 1),
        Some(param) => (
            param.num_trees.whole("num_trees", n_trees)?,
            param.num_parallel_tree.whole("num_parallel_tree", 1)?.max(1),
        ),
    };
    if claimed != n_trees || model.tree_info.len() != n_trees {
        let infos = model.tree_info.len();
        return Err(error(format!(
            "num_trees is {claimed}, there are {n_trees} trees, and tree_info has {infos}: as many are due"
        )));
    }
    let ends = match &model.iteration_indptr {
        Some(ends) => {
            let sound = ends.first() == Some(&0)
                && ends.is_sorted()
                && ends.last().and_then(|end| usize::try_from(*end).ok()) == Some(n_trees);
            if !sound {
                return Err(error(format!(
                    "iteration_indptr does not ascend from 0 to the number of trees, {n_trees}"
                )));
            }
            ends.iter().map(|end| *end as usize).collect()
        }
        // Before 2.0: a round has as many trees as there are scores, times the size of the forest.
        None => {
            let of_round = parallel.saturating_mul(scores.n_outputs());
            if !n_trees.is_multiple_of(of_round) {
                return Err(error(format!(
                    "there are {n_trees} trees, and {of_round} in each round: a round is not whole"
                )));
            }
            (0..=n_trees).step_by(of_round).collect::<Vec<_>>()
        }
    };
    let all = ends.len() - 1;
    let best = best(learner, parallel)?;
    let used = match wanted {
        Rounds::First(0) => return Err(error("no round is to answer: at least one is due")),
        Rounds::First(n) if n > all => return Err(error(format!("{n} rounds are to answer: the file has {all}"))),
        Rounds::First(n) => n,
        Rounds::Best => best.unwrap_or(all),
        Rounds::All => all,
    };
    if used > all {
        return Err(error(format!(
            "the best round is number {} from 0 (best_iteration): the file has {all} rounds; say how many are to answer",
            used - 1
        )));
    }
    let note = best.filter(|_| wanted == Rounds::Best && used < all).map(|best| {
        format!(
            "training stopped early: the first {best} of {all} rounds answer (best_iteration {}), as `XGBClassifier` does; \
             `Booster.predict` uses all unless told",
            best - 1
        )
    });
    Ok(Used { used, all, trees: ends.get(used).copied().unwrap_or(n_trees), note })
}

/// How many rounds there are up to the best one.
fn best(learner: &Learner, parallel: usize) -> Result<Option<usize>> {
    let whole = |name: &str| match learner.attributes.get(name) {
        None => Ok(None),
        Some(text) => match text.trim().parse::<usize>() {
            Ok(n) => Ok(Some(n)),
            Err(_) => {
                Err(error(format!("the attribute {name} is {:?}: it is a whole number from 0", file::short(text))))
            }
        },
    };
    if let Some(best) = whole("best_iteration")? {
        return Ok(Some(best.saturating_add(1)));
    }
    // Until 1.7; counted in trees of a class.
    Ok(whole("best_ntree_limit")?.filter(|limit| *limit > 0).map(|limit| limit.div_ceil(parallel)))
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

/// Labels, which `XGBClassifier` kept in the file until 1.7 (the attribute `scikit_learn`).
fn classes(
    learner: &Learner,
    n: usize,
    facts: &mut Map<String, Value>,
    notes: &mut Vec<String>,
) -> Option<Vec<String>> {
    let about: Value = serde_json::from_str(learner.attributes.get("scikit_learn")?).ok()?;
    facts.insert("scikit_learn".into(), json!(true));
    let labels = about.get("classes_")?.as_array()?;
    let label = |label: &Value| match label {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(b) => Some(b.to_string()),
        _ => None,
    };
    let labels: Option<Vec<String>> = labels.iter().map(label).collect();
    let usable = labels.filter(|labels| labels.len() == n);
    if usable.is_none() {
        notes.push("the labels in the file are not used: they are not one text or number for each class".into());
    }
    usable
}
