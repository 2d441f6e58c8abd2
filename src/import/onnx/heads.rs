//! From probabilities to estimators: what formula they are of what.

use super::carry::{Answers, Carry};
use super::scores::{Link, Sum};
use super::terms::{Binary, Fold, Id, Term, Unary};
use crate::error::Result;
use crate::import::{Estimator, Head, error};
use crate::model::calibration::{Calibrator, Input};
use crate::model::stacking::Method;
use crate::model::{Model, forest};
use std::rc::Rc;

/// How deep formulas of models may stand in each other.
const MAX_NESTING: u32 = 16;
/// Said of a sigmoid that is divided by a number.
const FOREST_HINT: &str = " (a random forest of LightGBM: import LightGBM's own text file, which is understood)";
/// How far weights of members may be from adding up to 1.
const WEIGHT_TOLERANCE: f64 = 1e-5;

impl Carry<'_> {
    /// The estimator whose probabilities these are, one per class.
    pub fn probabilities(&mut self, ids: &[Id], level: u32) -> Result<Estimator> {
        match self.distribution(ids, level)? {
            Some(estimator) => Ok(estimator),
            None => Err(self.not_understood(ids)),
        }
    }

    fn not_understood(&self, ids: &[Id]) -> crate::error::Error {
        let what = ids.last().map_or_else(|| "nothing".into(), |id| self.terms.describe(self.terms.uncast(*id)));
        let blamed = ids.last().copied();
        let message = format!(
            "the probabilities are {what}, which is no classifier that is understood: trees, linear models, support vectors with \
             probabilities, perceptrons, naive Bayes, and stacking, votes and calibrations of these are{}",
            if ids.iter().any(|id| self.divided_sigmoid(*id)) { FOREST_HINT } else { "" }
        );
        match blamed {
            Some(id) => self.blame(id, message),
            None => error(message),
        }
    }

    /// As onnxmltools writes LightGBM's random forests of two classes.
    fn divided_sigmoid(&self, id: Id) -> bool {
        let Term::Binary(Binary::Div, above, below, _) = *self.terms.get(self.terms.uncast(id)) else { return false };
        matches!(self.terms.get(self.terms.uncast(above)), Term::Unary(Unary::Sigmoid, _))
            && self.terms.as_number(below).is_some()
    }

    /// As [`probabilities`](Self::probabilities); `None` where they are of no form that is understood.
    pub fn distribution(&mut self, ids: &[Id], level: u32) -> Result<Option<Estimator>> {
        self.deep(level)?;
        let ids: Vec<Id> = ids.iter().map(|id| self.terms.uncast(*id)).collect();
        if let [first, second] = ids[..]
            && self.complements(first, second)?
        {
            return self.second_of_two(second, level);
        }
        if let Some(estimator) = self.normalised(&ids, level)? {
            return Ok(Some(estimator));
        }
        if let Term::Softmax(list, 0) = *self.terms.get(ids[0]) {
            let scores = self.terms.list(list);
            let all = ids.iter().enumerate().all(|(k, id)| *self.terms.get(*id) == Term::Softmax(list, k));
            return if all && scores.len() == ids.len() {
                self.scored(&scores, Link::Softmax, level)
            } else {
                Ok(None)
            };
        }
        if let Some(scores) = self.log_softmax(&ids) {
            return self.scored(&scores, Link::Softmax, level);
        }
        let sums = ids.iter().map(|id| self.sum(*id)).collect::<Result<Vec<Sum>>>()?;
        if let Some(estimator) = self.answers(&sums, level)? {
            return Ok(Some(estimator));
        }
        self.vote(&sums, level)
    }

    /// `e^(s - ln Σ e^s)`: the scores.
    fn log_softmax(&self, ids: &[Id]) -> Option<Rc<[Id]>> {
        let mut common = None;
        for (k, id) in ids.iter().enumerate() {
            let Term::Unary(Unary::Exp, power) = *self.terms.get(*id) else { return None };
            let Term::Binary(Binary::Sub, score, total, _) = *self.terms.get(power) else { return None };
            let Term::Fold(Fold::LogSumExp, list) = *self.terms.get(self.terms.uncast(total)) else { return None };
            if self.terms.list(list).get(k) != Some(&score) || *common.get_or_insert(list) != list {
                return None;
            }
        }
        Some(self.terms.list(common?)).filter(|list| list.len() == ids.len())
    }

    /// A model's own answers, in order.
    fn answers(&mut self, sums: &[Sum], level: u32) -> Result<Option<Estimator>> {
        let mut common = None;
        for (k, sum) in sums.iter().enumerate() {
            let ([(1.0, id)], true) = (&sum.terms[..], sum.constant == 0.0) else { return Ok(None) };
            let Term::Answer(list, model, output) = *self.terms.get(*id) else { return Ok(None) };
            if output != k || *common.get_or_insert((list, model)) != (list, model) {
                return Ok(None);
            }
        }
        let Some((list, model)) = common else { return Ok(None) };
        let ids = self.terms.list(list);
        let head = match self.models[model].clone() {
            Answers::Machine(machine) if machine.platt.is_some() && machine.n_support.len() == sums.len() => {
                Head::Model(Model::Svm(machine))
            }
            Answers::Trees(ensemble) if ensemble.n_outputs == sums.len() => {
                match self.averaging_trees(&ensemble, &ids, None)? {
                    Some(trees) => Head::Trees(trees),
                    None => return Ok(None),
                }
            }
            _ => return Ok(None),
        };
        self.over(&ids, head, sums.len(), level).map(Some)
    }

    /// The estimator of two classes whose second probability this is.
    pub fn second_of_two(&mut self, id: Id, level: u32) -> Result<Option<Estimator>> {
        self.deep(level)?;
        let sum = self.sum(id)?;
        let [(factor, atom)] = sum.terms[..] else { return self.vote_of_two(&sum, level) };
        if let Term::Answer(list, model, output) = *self.terms.get(atom) {
            let ids = self.terms.list(list);
            let head = match self.models[model].clone() {
                Answers::Machine(machine)
                    if factor == 1.0
                        && sum.constant == 0.0
                        && machine.platt.is_some()
                        && machine.n_support.len() == 2 =>
                {
                    Head::Model(Model::Svm(machine))
                }
                Answers::Machine(_) => return Ok(None),
                Answers::Trees(ensemble) => {
                    let averaged = match factor == 1.0 && sum.constant == 0.0 {
                        true => self.averaging_trees(&ensemble, &ids, Some(output))?,
                        false => None,
                    };
                    Head::Trees(match averaged {
                        Some(trees) => trees,
                        None => {
                            let score = super::forests::Score { output, factor };
                            self.scoring_trees(&ensemble, &ids, &[score], &[sum.constant], forest::Link::Identity)?
                        }
                    })
                }
            };
            return self.over(&ids, head, 2, level).map(Some);
        }
        if factor != 1.0 || sum.constant != 0.0 {
            return Ok(None);
        }
        match *self.terms.get(atom) {
            Term::Unary(Unary::Sigmoid, score) => self.sigmoid(score, level),
            Term::Softmax(list, 1) => {
                let scores = self.terms.list(list);
                if scores.len() == 2 { self.scored(&scores, Link::Softmax, level) } else { Ok(None) }
            }
            Term::Binary(Binary::Div, above, below, _) => {
                if let Some(score) = self.spelled_sigmoid(above, below)? {
                    return self.sigmoid(score, level);
                }
                match self.total(below) {
                    Some((parts, _)) if parts.len() == 2 && parts[1] == self.part(above) => {
                        self.of_total(&parts, level)
                    }
                    _ => Ok(None),
                }
            }
            Term::Unary(Unary::Exp, power) => {
                let Term::Binary(Binary::Sub, score, total, _) = *self.terms.get(power) else { return Ok(None) };
                let Term::Fold(Fold::LogSumExp, list) = *self.terms.get(self.terms.uncast(total)) else {
                    return Ok(None);
                };
                let scores = self.terms.list(list);
                if scores[..].get(1) == Some(&score) && scores.len() == 2 {
                    self.scored(&scores, Link::Softmax, level)
                } else {
                    Ok(None)
                }
            }
            Term::Pick(..) => self.isotonic(&[atom], level),
            _ => Ok(None),
        }
    }

    /// Keeps formulas from standing in each other without end. How deep models may, is the lowering's to say.
    fn deep(&self, level: u32) -> Result<()> {
        match level > MAX_NESTING {
            true => Err(error(format!(
                "the probabilities' formula nests models and corrections more than {MAX_NESTING} deep"
            ))),
            false => Ok(()),
        }
    }

    /// The score `z` of `1 / (1 + e^-z)`.
    fn spelled_sigmoid(&mut self, above: Id, below: Id) -> Result<Option<Id>> {
        if self.terms.as_number(above) != Some(1.0) {
            return Ok(None);
        }
        let sum = self.sum(below)?;
        let ([(1.0, e)], true) = (&sum.terms[..], sum.constant == 1.0) else { return Ok(None) };
        match *self.terms.get(*e) {
            Term::Unary(Unary::Exp, power) => self.terms.unary(Unary::Neg, power).map(Some),
            _ => Ok(None),
        }
    }

    /// The score of a probability that is a sigmoid, however spelled.
    pub fn score_of(&mut self, id: Id) -> Result<Option<Id>> {
        match *self.terms.get(self.terms.uncast(id)) {
            Term::Unary(Unary::Sigmoid, score) => Ok(Some(score)),
            Term::Binary(Binary::Div, above, below, _) => self.spelled_sigmoid(above, below),
            _ => Ok(None),
        }
    }

    /// A sigmoid of a model's score, or (Platt) of a model's probability.
    fn sigmoid(&mut self, score: Id, level: u32) -> Result<Option<Estimator>> {
        if let Some(estimator) = self.scored(&[score], Link::Sigmoid, level)? {
            return Ok(Some(estimator));
        }
        let sum = self.sum(score)?;
        let [(factor, of)] = sum.terms[..] else { return Ok(None) };
        let (input, member) = match self.second_of_two(of, level + 1)? {
            Some(member) => (Input::Probability, member),
            None => match self.scored(&[of], Link::Sigmoid, level + 1)? {
                Some(member) => (Input::Margin, member),
                None => return Ok(None),
            },
        };
        let calibrator = Calibrator::Platt { input, a: vec![-factor], b: vec![-sum.constant] };
        Ok(Some(calibrated(vec![(member, calibrator)])))
    }

    /// What a quotient's divisor adds up, each as [`part`](Self::part) gives it; and whether it is kept from being 0.
    pub fn total(&self, id: Id) -> Option<(Vec<Id>, bool)> {
        let (id, guarded) = match *self.terms.get(self.terms.uncast(id)) {
            // Σ + n [Σ = 0]
            Term::Binary(Binary::Add, sum, guard, _) if self.is_guard(guard) => (sum, true),
            _ => (id, false),
        };
        match *self.terms.get(self.terms.uncast(id)) {
            Term::Fold(Fold::Sum, list) => {
                Some((self.terms.list(list).iter().map(|p| self.part(*p)).collect(), guarded))
            }
            Term::Binary(Binary::Add, a, b, _) if self.terms.as_number(b).is_none() => {
                Some((vec![self.part(a), self.part(b)], guarded))
            }
            _ => None,
        }
    }

    /// A part of a total, without what changes nothing where parts are not negative: `|p|`, and `p + [Σ = 0]`.
    pub fn part(&self, id: Id) -> Id {
        let id = self.terms.uncast(id);
        match *self.terms.get(id) {
            Term::Unary(Unary::Abs, a) => self.terms.uncast(a),
            Term::Binary(Binary::Add, a, guard, _) if self.is_guard(guard) => self.terms.uncast(a),
            _ => id,
        }
    }

    /// Whether a term is 0 but where a sum is 0.
    fn is_guard(&self, id: Id) -> bool {
        match *self.terms.get(id) {
            Term::Unary(Unary::Single, a) => self.is_guard_inner(a),
            Term::Unary(Unary::Not, _) => true,
            Term::Binary(Binary::Mul, a, n, _) => self.terms.as_number(n).is_some() && self.is_guard_inner(a),
            _ => false,
        }
    }

    fn is_guard_inner(&self, id: Id) -> bool {
        matches!(self.terms.get(self.terms.uncast(id)), Term::Unary(Unary::Not, _))
    }

    /// Parts divided by their sum.
    fn normalised(&mut self, ids: &[Id], level: u32) -> Result<Option<Estimator>> {
        let mut common = None;
        let mut parts = Vec::with_capacity(ids.len());
        for id in ids {
            let Term::Binary(Binary::Div, above, below, _) = *self.terms.get(*id) else { return Ok(None) };
            if *common.get_or_insert(below) != below {
                return Ok(None);
            }
            parts.push(self.part(above));
        }
        match common.and_then(|below| self.total(below)) {
            Some((own, _)) if own == parts => self.of_total(&parts, level),
            _ => Ok(None),
        }
    }

    /// The estimator whose probabilities are these, divided by their sum.
    fn of_total(&mut self, parts: &[Id], level: u32) -> Result<Option<Estimator>> {
        // They add up to 1 already.
        if let [first, second] = parts[..]
            && self.complements(first, second)?
        {
            return self.second_of_two(second, level + 1);
        }
        if matches!(self.terms.get(parts[0]), Term::Softmax(..)) {
            return self.distribution(parts, level + 1);
        }
        let powers: Option<Vec<Id>> = parts
            .iter()
            .map(|p| if let Term::Unary(Unary::Exp, z) = self.terms.get(*p) { Some(*z) } else { None })
            .collect();
        if let Some(scores) = powers {
            return self.scored(&scores, Link::Softmax, level);
        }
        let mut scores = Vec::with_capacity(parts.len());
        for part in parts {
            scores.extend(self.score_of(*part)?);
        }
        if scores.len() == parts.len() {
            if let Some(estimator) = self.platt(&scores, level)? {
                return Ok(Some(estimator));
            }
            return self.scored(&scores, Link::OneVsRest, level);
        }
        self.isotonic(parts, level)
    }

    /// Sigmoids of a model's probabilities, one per class, to be divided by their sum.
    fn platt(&mut self, scores: &[Id], level: u32) -> Result<Option<Estimator>> {
        let (mut a, mut b, mut of) = (Vec::new(), Vec::new(), Vec::new());
        for score in scores {
            let sum = self.sum(*score)?;
            let [(factor, id)] = sum.terms[..] else { return Ok(None) };
            a.push(-factor);
            b.push(-sum.constant);
            of.push(id);
        }
        if of.iter().any(|id| matches!(self.terms.get(*id), Term::Dot(..))) || of.len() == 2 {
            return Ok(None);
        }
        let Some(member) = self.distribution(&of, level + 1)? else { return Ok(None) };
        Ok(Some(calibrated(vec![(member, Calibrator::Platt { input: Input::Probability, a, b })])))
    }

    /// A weighted mean of members' second probabilities.
    fn vote_of_two(&mut self, sum: &Sum, level: u32) -> Result<Option<Estimator>> {
        let total: f64 = sum.terms.iter().map(|(w, _)| w).sum();
        if sum.terms.is_empty() || sum.constant.abs() > WEIGHT_TOLERANCE || (total - 1.0).abs() > WEIGHT_TOLERANCE {
            return Ok(None);
        }
        let mut members = Vec::with_capacity(sum.terms.len());
        for (weight, id) in &sum.terms {
            let Some(member) = self.second_of_two(*id, level + 1)? else { return Ok(None) };
            members.push((*weight, member));
        }
        Ok(voting(members))
    }

    /// A weighted mean of members' probabilities, one per class.
    fn vote(&mut self, sums: &[Sum], level: u32) -> Result<Option<Estimator>> {
        let n = sums[0].terms.len();
        let weights: Vec<f64> = sums[0].terms.iter().map(|(w, _)| *w).collect();
        let alike = |sum: &Sum| {
            sum.constant == 0.0 && sum.terms.len() == n && sum.terms.iter().zip(&weights).all(|((a, _), b)| a == b)
        };
        let total: f64 = weights.iter().sum();
        if n < 2 || !sums.iter().all(alike) || (total - 1.0).abs() > WEIGHT_TOLERANCE {
            return Ok(None);
        }
        let mut members = Vec::with_capacity(n);
        for (m, weight) in weights.into_iter().enumerate() {
            let own: Vec<Id> = sums.iter().map(|sum| sum.terms[m].1).collect();
            let Some(member) = self.distribution(&own, level + 1)? else { return Ok(None) };
            members.push((weight, member));
        }
        Ok(voting(members))
    }

    /// A head over what it reads: columns, or (stacking) members' answers and then columns.
    pub fn over(&mut self, ids: &[Id], head: Head, n_classes: usize, level: u32) -> Result<Estimator> {
        let start = ids.iter().position(|id| !self.is_column(*id));
        let Some(start) = start else { return Ok(Estimator { columns: self.columns(ids)?, head }) };
        let mut members = Vec::new();
        let mut at = start;
        let width = if n_classes == 2 { 1 } else { n_classes };
        while at < ids.len() && !self.is_column(ids[at]) {
            let own = &ids[at..ids.len().min(at + width)];
            let atom = self.terms.uncast(own[0]);
            // Nothing that models answer: the column's own error says why.
            if start == 0 && at == 0 && !self.answered(atom) {
                self.column(atom)?;
            }
            let found = match own {
                [only] if width == 1 => self.second_of_two(*only, level + 1)?,
                own if own.len() == width => self.distribution(own, level + 1)?,
                _ => None,
            };
            let Some(member) = found else { return Err(self.no_member(ids[at])) };
            members.push((Method::PredictProba, member));
            at += width;
        }
        if start > 0 {
            return Err(self.no_member(ids[start]));
        }
        let columns = self.columns(&ids[at..])?;
        Ok(Estimator { columns, head: Head::Stacking { members, last: Box::new(head) } })
    }

    fn no_member(&self, id: Id) -> crate::error::Error {
        let what = self.terms.describe(self.terms.uncast(id));
        self.blame(
            id,
            format!(
                "a model reads {what}, which is neither a step on an input nor a member's probability: stacking is understood with \
                 stack_method predict_proba, the members' probabilities before the inputs that are passed through"
            ),
        )
    }

    /// Whether a model's answer is below a term.
    fn answered(&self, id: Id) -> bool {
        let mut open = vec![id];
        let mut seen = std::collections::BTreeSet::new();
        while let Some(id) = open.pop() {
            if !seen.insert(id) {
                continue;
            }
            match *self.terms.get(id) {
                Term::Answer(..) | Term::Dot(..) | Term::Softmax(..) => return true,
                Term::Unary(_, a) | Term::Clip(a, ..) => open.push(a),
                Term::Binary(_, a, b, _) => open.extend([a, b]),
                Term::Fold(_, list) => open.extend(self.terms.list(list).iter()),
                Term::Pick(_, a) => open.push(a),
                _ => {}
            }
        }
        false
    }
}

/// Corrected members, averaged.
pub fn calibrated(members: Vec<(Estimator, Calibrator)>) -> Estimator {
    Estimator { columns: Vec::new(), head: Head::Calibrated { members } }
}

/// Members' weighted mean. Corrected ones of equal weights are the folds of one calibration.
fn voting(members: Vec<(f64, Estimator)>) -> Option<Estimator> {
    let equal = members.windows(2).all(|w| w[0].0 == w[1].0);
    let single = |e: &Estimator| matches!(&e.head, Head::Calibrated { members } if members.len() == 1);
    if equal && members.iter().all(|(_, e)| single(e)) {
        let folds = members.into_iter().flat_map(|(_, e)| match e.head {
            Head::Calibrated { members } => members,
            _ => Vec::new(),
        });
        return Some(calibrated(folds.collect()));
    }
    Some(Estimator { columns: Vec::new(), head: Head::Voting { members } })
}
