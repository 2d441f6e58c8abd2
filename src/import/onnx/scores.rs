//! From scores to models: linear ones, layers of a perceptron, trees, naive Bayes.

use super::carry::{Answers, Carry};
use super::forests::Score;
use super::terms::{Binary, Fold, Id, List, Term, Unary};
use crate::error::Result;
use crate::import::{Estimator, Head, error};
use crate::math::{self, Matrix};
use crate::model::bayes::NaiveBayes;
use crate::model::linear::{self, Logistic};
use crate::model::mlp::{Activation, Layer, Mlp};
use crate::model::{Model, forest};
use std::collections::BTreeMap;
use std::f64::consts::PI;

/// A sum: a constant, and terms with factors, each once, in the order in which they first stand there.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sum {
    /// Added to all.
    pub constant: f64,
    /// Factor and term.
    pub terms: Vec<(f64, Id)>,
}

/// From scores to probabilities.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// One score, of the second of two classes.
    Sigmoid,
    /// One per class.
    Softmax,
    /// One per class: a sigmoid each, divided by their sum.
    OneVsRest,
}

impl Link {
    /// Number of classes of so many scores.
    pub fn classes(self, scores: usize) -> usize {
        if self == Link::Sigmoid { 2 } else { scores }
    }
}

/// A dense layer: the list that it reads, and its weights and bias.
struct Dense {
    list: List,
    layer: Layer,
}

impl Carry<'_> {
    /// A term as a sum. Roundings to `f32` are left out. Of two probabilities that add to 1 only the second is left.
    pub fn sum(&mut self, id: Id) -> Result<Sum> {
        let mut sum = Sum::default();
        let mut at: BTreeMap<Id, usize> = BTreeMap::new();
        let mut open = vec![(1.0, id)];
        while let Some((factor, id)) = open.pop() {
            self.spend(1)?;
            match *self.terms.get(id) {
                Term::Number(bits) => sum.constant += factor * bits.value(),
                Term::Unary(Unary::Single, a) => open.push((factor, a)),
                Term::Unary(Unary::Neg, a) => open.push((-factor, a)),
                Term::Binary(Binary::Add, a, b, _) => open.extend([(factor, b), (factor, a)]),
                Term::Binary(Binary::Sub, a, b, _) => open.extend([(-factor, b), (factor, a)]),
                Term::Binary(op @ (Binary::Mul | Binary::Div), a, b, _) if self.terms.as_number(b).is_some() => {
                    let by = self.terms.as_number(b).unwrap_or(1.0);
                    open.push((if op == Binary::Mul { factor * by } else { factor / by }, a));
                }
                Term::Fold(Fold::Sum, list) => open.extend(self.terms.list(list).iter().rev().map(|a| (factor, *a))),
                _ => {
                    if let Some(second) = self.other_of_two(id)? {
                        sum.constant += factor;
                        open.push((-factor, second));
                        continue;
                    }
                    let place = *at.entry(id).or_insert_with(|| {
                        sum.terms.push((0.0, id));
                        sum.terms.len() - 1
                    });
                    sum.terms[place].0 += factor;
                }
            }
        }
        sum.terms.retain(|(factor, _)| *factor != 0.0);
        if !sum.constant.is_finite() || sum.terms.iter().any(|(f, _)| !f.is_finite()) {
            return Err(error("a sum has a factor or a constant that is no finite number"));
        }
        Ok(sum)
    }

    /// Of the first of two probabilities that add to 1 by their form, the second.
    fn other_of_two(&mut self, id: Id) -> Result<Option<Id>> {
        match *self.terms.get(id) {
            Term::Softmax(list, 0) if self.terms.list(list).len() == 2 => {
                Ok(Some(self.terms.intern(Term::Softmax(list, 1))?))
            }
            // e^(a - ln(e^a + e^b))
            Term::Unary(Unary::Exp, power) => match *self.terms.get(power) {
                Term::Binary(Binary::Sub, score, total, rounded) => match *self.terms.get(self.terms.uncast(total)) {
                    Term::Fold(Fold::LogSumExp, list) => match self.terms.list(list)[..] {
                        [first, second] if first == score && first != second => {
                            let power = self.terms.intern(Term::Binary(Binary::Sub, second, total, rounded))?;
                            Ok(Some(self.terms.intern(Term::Unary(Unary::Exp, power))?))
                        }
                        _ => Ok(None),
                    },
                    _ => Ok(None),
                },
                _ => Ok(None),
            },
            Term::Binary(Binary::Div, a, total, rounded) => {
                let Some((parts, _)) = self.total(total) else { return Ok(None) };
                match parts[..] {
                    [first, second] if first == self.part(a) && first != second => {
                        Ok(Some(self.terms.intern(Term::Binary(Binary::Div, second, total, rounded))?))
                    }
                    _ => Ok(None),
                }
            }
            _ => Ok(None),
        }
    }

    /// Whether two terms add to 1.
    pub fn complements(&mut self, first: Id, second: Id) -> Result<bool> {
        let (a, b) = (self.sum(first)?, self.sum(second)?);
        let mut left: BTreeMap<Id, f64> = BTreeMap::new();
        for (factor, id) in a.terms.iter().chain(&b.terms) {
            *left.entry(*id).or_default() += factor;
        }
        Ok((a.constant + b.constant - 1.0).abs() <= 1e-6 && left.values().all(|v| v.abs() <= 1e-6))
    }

    /// The estimator whose scores these are. `None`: they are no scores that are understood.
    pub fn scored(&mut self, ids: &[Id], link: Link, level: u32) -> Result<Option<Estimator>> {
        let sums = ids.iter().map(|id| self.sum(*id)).collect::<Result<Vec<Sum>>>()?;
        if let Some(dense) = self.dense(&sums) {
            return self.over_dense(dense, link, level).map(Some);
        }
        if let Some(trees) = self.tree_scores(&sums, link, level)? {
            return Ok(Some(trees));
        }
        if let Some(machine) = self.margin(&sums, level)? {
            return Ok(Some(machine));
        }
        if link == Link::Softmax { self.bayes(&sums) } else { Ok(None) }
    }

    /// A dense layer whose outputs these sums are.
    fn dense(&self, sums: &[Sum]) -> Option<Dense> {
        let Term::Dot(list, ..) = *self.terms.get(sums.first()?.terms.first()?.1) else { return None };
        let cols = self.terms.list(list).len();
        let (mut data, mut bias) = (Vec::with_capacity(sums.len() * cols), Vec::with_capacity(sums.len()));
        for sum in sums {
            let mut row = vec![0.0; cols];
            for (factor, id) in &sum.terms {
                match *self.terms.get(*id) {
                    Term::Dot(own, matrix, k) if own == list => {
                        let weights = self.terms.matrices[matrix].row(k);
                        row.iter_mut().zip(weights).for_each(|(sum, w)| *sum += factor * w);
                    }
                    _ => return None,
                }
            }
            data.extend(row);
            bias.push(sum.constant);
        }
        Some(Dense { list, layer: Layer { weights: Matrix { rows: sums.len(), cols, data }, bias } })
    }

    /// A dense layer over columns (a linear model), over other layers (a perceptron), or over members' answers.
    fn over_dense(&mut self, last: Dense, link: Link, level: u32) -> Result<Estimator> {
        let n_classes = link.classes(last.layer.bias.len());
        let mut layers = vec![last.layer];
        let mut list = last.list;
        let mut activation = None;
        loop {
            let ids = self.terms.list(list);
            if ids.iter().all(|id| self.is_column(*id)) {
                break;
            }
            let Some((own, dense)) = self.hidden(&ids)? else { break };
            if activation.is_some_and(|other| other != own) {
                return Err(error(format!(
                    "layers with {own:?} and with {activation:?} are in one network; one activation is understood"
                )));
            }
            activation = Some(own);
            list = dense.list;
            layers.push(dense.layer);
        }
        layers.reverse();
        let model = match activation {
            Some(activation) if link != Link::OneVsRest => Model::Mlp(Mlp { layers, activation }),
            Some(_) => {
                return Err(error(
                    "a network's outputs go through a sigmoid each and are divided by their sum; one sigmoid, or a softmax, is understood",
                ));
            }
            None => {
                let Layer { weights, bias } = layers.remove(0);
                let link = match link {
                    Link::Sigmoid => linear::Link::Sigmoid,
                    Link::Softmax => linear::Link::Softmax,
                    Link::OneVsRest => linear::Link::OneVsRest,
                };
                Model::Logistic(Logistic { coef: weights, intercept: bias, link })
            }
        };
        let ids = self.terms.list(list);
        self.over(&ids, Head::Model(model), n_classes, level)
    }

    /// A hidden layer whose outputs these terms are, and its activation.
    fn hidden(&mut self, ids: &[Id]) -> Result<Option<(Activation, Dense)>> {
        let mut kind = None;
        let mut sums = Vec::with_capacity(ids.len());
        for id in ids {
            let id = self.terms.uncast(*id);
            let (own, inner) = match *self.terms.get(id) {
                Term::Unary(Unary::Relu, a) => (Activation::Relu, a),
                Term::Unary(Unary::Tanh, a) => (Activation::Tanh, a),
                Term::Unary(Unary::Sigmoid, a) => (Activation::Logistic, a),
                _ => (Activation::Identity, id),
            };
            if kind.is_some_and(|k| k != own) {
                return Ok(None);
            }
            kind = Some(own);
            sums.push(self.sum(inner)?);
        }
        Ok(kind.zip(self.dense(&sums)))
    }

    /// The margin of a machine without probabilities.
    fn margin(&mut self, sums: &[Sum], level: u32) -> Result<Option<Estimator>> {
        let [Sum { constant: 0.0, terms }] = sums else { return Ok(None) };
        let [(1.0, id)] = terms[..] else { return Ok(None) };
        let Term::Answer(list, model, _) = *self.terms.get(id) else { return Ok(None) };
        match self.models[model].clone() {
            Answers::Machine(machine) if machine.platt.is_none() => {
                let (ids, head) = (self.terms.list(list), Head::Model(Model::Svm(machine)));
                self.over(&ids, head, 2, level).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn tree_scores(&mut self, sums: &[Sum], link: Link, level: u32) -> Result<Option<Estimator>> {
        let mut common = None;
        let (mut scores, mut base) = (Vec::new(), Vec::new());
        for sum in sums {
            let [(factor, id)] = sum.terms[..] else { return Ok(None) };
            let Term::Answer(list, model, output) = *self.terms.get(id) else { return Ok(None) };
            if *common.get_or_insert((list, model)) != (list, model) {
                return Ok(None);
            }
            scores.push(Score { output, factor });
            base.push(sum.constant);
        }
        let Some((list, model)) = common else { return Ok(None) };
        let Answers::Trees(ensemble) = self.models[model].clone() else { return Ok(None) };
        let ids = self.terms.list(list);
        let link = match link {
            Link::Sigmoid => forest::Link::Sigmoid,
            Link::Softmax => forest::Link::Softmax,
            Link::OneVsRest => forest::Link::OneVsRest,
        };
        let trees = self.scoring_trees(&ensemble, &ids, &scores, &base, link)?;
        let n_classes = trees.n_classes;
        self.over(&ids, Head::Trees(trees), n_classes, level).map(Some)
    }

    /// `constant - Σ (x - mean)² / (2 var)` per class: Gaussian naive Bayes. Its constants give the prior, for
    /// `constant = ln prior - Σ ln(2π var) / 2` up to what is common to all classes and goes in the softmax.
    fn bayes(&mut self, sums: &[Sum]) -> Result<Option<Estimator>> {
        let mut ids: Vec<Id> = Vec::new();
        let (mut mean, mut var, mut prior) = (Vec::new(), Vec::new(), Vec::new());
        for (class, sum) in sums.iter().enumerate() {
            let mut spread = 0.0;
            for (at, (factor, id)) in sum.terms.iter().enumerate() {
                let Some((x, centre)) = self.squared(*id) else { return Ok(None) };
                if class == 0 {
                    ids.push(x);
                }
                if ids.get(at) != Some(&x) || *factor >= 0.0 {
                    return Ok(None);
                }
                mean.push(centre);
                var.push(-0.5 / factor);
                spread += math::ln(2.0 * PI * -0.5 / factor);
            }
            prior.push(sum.constant + 0.5 * spread);
        }
        let cols = ids.len();
        if cols == 0 || mean.len() != cols * sums.len() {
            return Ok(None);
        }
        math::softmax(&mut prior);
        let matrix = |data| Matrix { rows: sums.len(), cols, data };
        let model = Model::NaiveBayes(NaiveBayes { prior, mean: matrix(mean), var: matrix(var) });
        Ok(Some(Estimator { columns: self.columns(&ids)?, head: Head::Model(model) }))
    }

    /// `(x - centre)²`.
    fn squared(&self, id: Id) -> Option<(Id, f64)> {
        let base = match *self.terms.get(id) {
            Term::Binary(Binary::Pow, base, two, _) if self.terms.as_number(two) == Some(2.0) => base,
            Term::Binary(Binary::Mul, a, b, _) if a == b => a,
            _ => return None,
        };
        Some(match *self.terms.get(base) {
            Term::Binary(Binary::Sub, x, centre, _) if self.terms.as_number(centre).is_some() => {
                (x, self.terms.as_number(centre)?)
            }
            _ => (base, 0.0),
        })
    }
}
