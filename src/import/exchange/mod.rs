#![doc = include_str!("../../../python/EXCHANGE.md")]

mod format;
#[cfg(test)]
mod tests;
mod trees;

use super::columns::{Column, Step};
use super::{Estimator, Foreign, Head, Input, InputKind, error};
use crate::error::Result;
use crate::math::{BOUND, Matrix};
use crate::model::calibration::{self, Calibrator};
use crate::model::forest::Link;
use crate::model::stacking::Method;
use crate::model::{MAX_CLASSES, MAX_MEMBERS, Model, bayes, linear, mlp, svm};
use crate::pipeline::MAX_COLUMNS;

/// The version of the format that is read and written.
pub const VERSION: u32 = 1;

/// Reads a model file.
pub fn read(file: &[u8]) -> Result<Foreign> {
    let mut json = serde_json::Deserializer::from_slice(file);
    let parsed: format::File = serde_path_to_error::deserialize(&mut json).map_err(|e| {
        let path = e.path().to_string();
        let at = if path == "." { String::new() } else { format!("{path}: ") };
        error(format!("the exchange file is not understood: {at}{}", e.into_inner()))
    })?;
    json.end().map_err(|e| error(format!("after the exchange file comes something else: {e}")))?;
    if parsed.hedgerow_exchange != VERSION {
        return Err(error(format!(
            "this is version {} of the exchange format, and version {VERSION} is what is read: write it with the \
             hedgerow_export.py of this release",
            parsed.hedgerow_exchange
        )));
    }
    if parsed.inputs.is_empty() || parsed.inputs.len() > MAX_COLUMNS {
        return Err(error(format!("inputs: 1 to {MAX_COLUMNS} are allowed, not {}", parsed.inputs.len())));
    }
    if !(2..=MAX_CLASSES).contains(&parsed.classes.len()) {
        return Err(error(format!("classes: a classifier has 2 to {MAX_CLASSES}, not {}", parsed.classes.len())));
    }
    let mut reader = Reader {
        inputs: parsed.inputs.into_iter().map(input).collect(),
        n_classes: parsed.classes.len(),
        single: parsed.single,
        notes: parsed.notes,
    };
    let estimator = reader.estimator(parsed.estimator, "estimator")?;
    let mut facts = parsed.facts;
    let library = match parsed.library.as_deref() {
        None | Some("scikit-learn") => "scikit-learn",
        Some(other) => {
            facts.insert("library".into(), other.into());
            "exchange"
        }
    };
    Ok(Foreign {
        library,
        facts,
        inputs: reader.inputs,
        classes: Some(parsed.classes),
        estimator,
        single: reader.single,
        notes: reader.notes,
    })
}

fn input(input: format::Input) -> Input {
    let kind = match input.kind {
        format::Kind::Number => InputKind::Number,
        format::Kind::Code => InputKind::Code { negative: false },
        format::Kind::Flag => InputKind::Flag,
        format::Kind::Category { levels, admit_unknown } => InputKind::Category { levels, admit_unknown },
    };
    Input { name: input.name, kind, required: input.required }
}

/// What estimators are read with, and what they add to.
struct Reader {
    inputs: Vec<Input>,
    n_classes: usize,
    single: bool,
    notes: Vec<String>,
}

impl Reader {
    /// `at`: its path in the file.
    fn estimator(&mut self, file: format::Estimator, at: &str) -> Result<Estimator> {
        if file.columns.len() > MAX_COLUMNS {
            return Err(error(format!("{at}.columns: at most {MAX_COLUMNS} are allowed")));
        }
        let mut columns = Vec::with_capacity(file.columns.len());
        for (k, column) in file.columns.into_iter().enumerate() {
            if column.input >= self.inputs.len() {
                let n = self.inputs.len();
                return Err(error(format!("{at}.columns[{k}]: it reads input {}, and there are {n}", column.input)));
            }
            let step = |(s, file)| step(file).map_err(|e| e.context(format!("{at}.columns[{k}].steps[{s}]")));
            let steps = column.steps.into_iter().enumerate().map(step).collect::<Result<_>>()?;
            columns.push(Column { input: column.input, steps });
        }
        let head = match file.head {
            format::Head::Xgboost { model } => {
                let foreign = super::xgboost::read(model.as_bytes());
                return self.booster(foreign.map_err(|e| e.context(format!("{at}.head.xgboost")))?, columns, at);
            }
            format::Head::Lightgbm { model } => {
                let foreign = super::lightgbm::read(model.as_bytes());
                return self.booster(foreign.map_err(|e| e.context(format!("{at}.head.lightgbm")))?, columns, at);
            }
            head => self.head(head, columns.len(), &format!("{at}.head"))?,
        };
        let own = match &head {
            Head::Trees(_) | Head::Model(_) | Head::Stacking { .. } => true,
            Head::Voting { .. } | Head::Calibrated { .. } => false,
        };
        if !own && !columns.is_empty() {
            return Err(error(format!("{at}.columns: there are none beside members, which have columns of their own")));
        }
        Ok(Estimator { columns, head })
    }

    /// A head over `width` columns (of a stacking: as many are passed through).
    fn head(&mut self, file: format::Head, width: usize, at: &str) -> Result<Head> {
        let head = match file {
            format::Head::Trees(forest) => {
                return Ok(Head::Trees(trees::read(forest, width, self.n_classes, &format!("{at}.trees"))?));
            }
            format::Head::Stacking { members, last } => return self.stacking(members, *last, width, at),
            format::Head::Voting { members } => return self.voting(members, at),
            format::Head::Calibrated { members } => return self.calibrated(members, at),
            format::Head::Xgboost { .. } | format::Head::Lightgbm { .. } => {
                return Err(error(format!("{at}: an embedded booster does not stand over other models' answers")));
            }
            format::Head::Logistic { coef, intercept, link } => {
                let link = match link {
                    format::LinearLink::Sigmoid => linear::Link::Sigmoid,
                    format::LinearLink::Softmax => linear::Link::Softmax,
                    format::LinearLink::OneVsRest => linear::Link::OneVsRest,
                };
                Model::Logistic(linear::Logistic { coef: matrix(coef, at, "coef")?, intercept, link })
            }
            format::Head::Svm(file) => Model::Svm(svm_of(file, at)?),
            format::Head::Mlp { activation, layers } => Model::Mlp(mlp_of(activation, layers, at)?),
            format::Head::NaiveBayes { prior, mean, var } => Model::NaiveBayes(bayes::NaiveBayes {
                prior,
                mean: matrix(mean, at, "mean")?,
                var: matrix(var, at, "var")?,
            }),
        };
        sound(&head).map_err(|e| error(format!("{at}: {e}")))?;
        if head.n_classes() != self.n_classes {
            return Err(error(format!("{at}: it has {} classes, and `classes` {}", head.n_classes(), self.n_classes)));
        }
        if head.n_features() != width {
            return Err(error(format!("{at}: it reads {} columns, and is given {width}", head.n_features())));
        }
        Ok(Head::Model(head))
    }

    fn stacking(
        &mut self,
        members: Vec<format::StackingMember>,
        last: format::Head,
        passed: usize,
        at: &str,
    ) -> Result<Head> {
        let at = format!("{at}.stacking");
        count(members.len(), &at)?;
        let mut width = passed;
        let mut out = Vec::with_capacity(members.len());
        for (k, member) in members.into_iter().enumerate() {
            let estimator = self.estimator(member.estimator, &format!("{at}.members[{k}].estimator"))?;
            let method = match member.method {
                format::Method::PredictProba => Method::PredictProba,
                format::Method::DecisionFunction => {
                    if !has_margin(&estimator.head) {
                        return Err(error(format!("{at}.members[{k}]: it has no decision_function to hand on")));
                    }
                    Method::DecisionFunction
                }
                format::Method::Predict => Method::Predict,
            };
            width += if member.method == format::Method::Predict || self.n_classes == 2 { 1 } else { self.n_classes };
            out.push((method, estimator));
        }
        let last = Box::new(self.head(last, width, &format!("{at}.last"))?);
        if matches!(*last, Head::Stacking { .. } | Head::Voting { .. } | Head::Calibrated { .. }) {
            return Err(error(format!(
                "{at}.last: a model over answers is one of trees, logistic, svm, mlp, naive_bayes"
            )));
        }
        Ok(Head::Stacking { members: out, last })
    }

    fn voting(&mut self, members: Vec<format::VotingMember>, at: &str) -> Result<Head> {
        let at = format!("{at}.voting");
        count(members.len(), &at)?;
        let mut out = Vec::with_capacity(members.len());
        for (k, member) in members.into_iter().enumerate() {
            if !(member.weight >= 0.0 && member.weight <= BOUND) {
                return Err(error(format!("{at}.members[{k}]: its weight is a finite number from 0")));
            }
            let estimator = self.estimator(member.estimator, &format!("{at}.members[{k}].estimator"))?;
            out.push((member.weight, estimator));
        }
        if out.iter().all(|(weight, _)| *weight == 0.0) {
            return Err(error(format!("{at}: every weight is 0")));
        }
        Ok(Head::Voting { members: out })
    }

    fn calibrated(&mut self, members: Vec<format::CalibratedMember>, at: &str) -> Result<Head> {
        let at = format!("{at}.calibrated");
        count(members.len(), &at)?;
        let mut out = Vec::with_capacity(members.len());
        for (k, member) in members.into_iter().enumerate() {
            let estimator = self.estimator(member.estimator, &format!("{at}.members[{k}].estimator"))?;
            let calibrator = calibrator(member.calibrator);
            if margin_of(&calibrator) && !has_margin(&estimator.head) {
                return Err(error(format!("{at}.members[{k}]: it has no margin to calibrate")));
            }
            out.push((estimator, calibrator));
        }
        Ok(Head::Calibrated { members: out })
    }

    /// A booster of its own library, over our columns in place of its inputs.
    fn booster(&mut self, foreign: Foreign, columns: Vec<Column>, at: &str) -> Result<Estimator> {
        let library = foreign.library;
        if foreign.inputs.len() != columns.len() {
            let (n, given) = (foreign.inputs.len(), columns.len());
            return Err(error(format!("{at}.head: the {library} model reads {n} columns, and is given {given}")));
        }
        let n_classes = match &foreign.estimator.head {
            Head::Trees(trees) => trees.n_classes,
            Head::Model(model) => model.n_classes(),
            _ => return Err(error(format!("{at}.head: the {library} model is not one of trees"))),
        };
        if n_classes != self.n_classes {
            return Err(error(format!(
                "{at}.head: the {library} model has {n_classes} classes, and `classes` {}",
                self.n_classes
            )));
        }
        for (column, theirs) in columns.iter().zip(&foreign.inputs) {
            // What is given as it is, is what the booster knows it to be.
            let ours = &mut self.inputs[column.input];
            if column.steps.is_empty() && matches!(ours.kind, InputKind::Number | InputKind::Code { .. }) {
                ours.kind = theirs.kind.clone();
            }
        }
        let mut over = Vec::with_capacity(foreign.estimator.columns.len());
        for theirs in foreign.estimator.columns {
            let ours = columns
                .get(theirs.input)
                .ok_or_else(|| error(format!("{at}.head: the {library} model reads a column that is not there")))?;
            let steps = ours.steps.iter().cloned().chain(theirs.steps).collect();
            over.push(Column { input: ours.input, steps });
        }
        self.single |= foreign.single;
        for note in foreign.notes {
            // What stood for a missing value is a step before the booster here.
            if note != super::xgboost::MISSING_UNTOLD && !self.notes.contains(&note) {
                self.notes.push(note);
            }
        }
        Ok(Estimator { columns: over, head: foreign.estimator.head })
    }
}

fn count(members: usize, at: &str) -> Result<()> {
    if (1..=MAX_MEMBERS).contains(&members) {
        return Ok(());
    }
    Err(error(format!("{at}.members: 1 to {MAX_MEMBERS} are allowed, not {members}")))
}

/// Whether the original has a `decision_function`: see [`Model::has_margin`].
fn has_margin(head: &Head) -> bool {
    match head {
        Head::Trees(trees) => !matches!(trees.link, Link::Average | Link::Identity),
        Head::Model(model) => model.has_margin(),
        Head::Stacking { last, .. } => has_margin(last),
        Head::Voting { .. } | Head::Calibrated { .. } => false,
    }
}

/// Shapes and numbers. Whether a machine has the probabilities that it is asked for shows when all is put together.
fn sound(model: &Model) -> Result<()> {
    match model {
        Model::Svm(machine @ svm::Svm { platt: None, .. }) => {
            let none = vec![0.0; machine.intercept.len()];
            let platt = Some(svm::Platt { a: none.clone(), b: none });
            Model::Svm(svm::Svm { platt, ..machine.clone() }).check()
        }
        model => model.check(),
    }
}

fn margin_of(calibrator: &Calibrator) -> bool {
    let (Calibrator::Platt { input, .. } | Calibrator::Isotonic { input, .. } | Calibrator::Temperature { input, .. }) =
        calibrator;
    *input == calibration::Input::Margin
}

/// A step whose numbers are sound.
fn step(file: format::Step) -> Result<Step> {
    let finite = |v: f64, what: &str| {
        if v.abs() <= BOUND { Ok(v) } else { Err(error(format!("{what} is not a number within ±1e150"))) }
    };
    let scaled = |offset, scale| {
        if scale == 0.0 {
            return Err(error("scale is 0"));
        }
        Ok((finite(offset, "offset")?, finite(scale, "scale")?))
    };
    Ok(match file {
        format::Step::Single => Step::Single,
        format::Step::Impute(value) => Step::Impute { value: finite(value, "what is imputed")? },
        format::Step::Replace { marker, value } => {
            let value = value.map_or(Ok(f64::NAN), |v| finite(v, "value"))?;
            Step::Replace { marker: finite(marker, "marker")?, value }
        }
        format::Step::SubDiv { offset, scale, single } => {
            let (offset, scale) = scaled(offset, scale)?;
            Step::SubDiv { offset, scale, single }
        }
        format::Step::SubMul { offset, scale, single } => {
            let (offset, scale) = scaled(offset, scale)?;
            Step::SubMul { offset, scale, single }
        }
        format::Step::MulAdd { scale, offset, single } => {
            let (offset, scale) = scaled(offset, scale)?;
            Step::MulAdd { scale, offset, single }
        }
        format::Step::Clip { low, high } => {
            if low > high {
                return Err(error("low is above high"));
            }
            Step::Clip { low: finite(low, "low")?, high: finite(high, "high")? }
        }
        format::Step::Above(threshold) => Step::Above { threshold: finite(threshold, "the threshold")? },
        format::Step::IsMissing => Step::IsMissing,
        format::Step::Is(value) => Step::Is(finite(value, "the value")?),
        format::Step::IsNoneOf(values) => {
            values.iter().try_for_each(|v| finite(*v, "a value").map(drop))?;
            Step::IsNoneOf(values)
        }
        format::Step::Lookup { values, unknown } => {
            let number = |v: Option<f64>| v.map_or(Ok(f64::NAN), |v| finite(v, "a value"));
            Step::Lookup { values: values.into_iter().map(number).collect::<Result<_>>()?, unknown: number(unknown)? }
        }
    })
}

/// Rows of equal length, at least one.
fn matrix(rows: Vec<Vec<f64>>, at: &str, name: &str) -> Result<Matrix> {
    let cols = rows.first().map_or(0, Vec::len);
    if let Some(k) = rows.iter().position(|row| row.len() != cols) {
        return Err(error(format!("{at}: {name}[{k}] has {} numbers, and {name}[0] {cols}", rows[k].len())));
    }
    Ok(Matrix { rows: rows.len(), cols, data: rows.concat() })
}

fn svm_of(file: format::Svm, at: &str) -> Result<svm::Svm> {
    let kernel = match file.kernel {
        format::Kernel::Linear => svm::Kernel::Linear,
        format::Kernel::Rbf { gamma } => svm::Kernel::Rbf { gamma },
        format::Kernel::Poly { gamma, coef0, degree } => svm::Kernel::Poly { gamma, coef0, degree },
        format::Kernel::Sigmoid { gamma, coef0 } => svm::Kernel::Sigmoid { gamma, coef0 },
    };
    let platt = match (file.prob_a, file.prob_b) {
        (Some(a), Some(b)) => Some(svm::Platt { a, b }),
        (None, None) => None,
        _ => return Err(error(format!("{at}: prob_a and prob_b come together"))),
    };
    Ok(svm::Svm {
        kernel,
        support: matrix(file.support, at, "support")?,
        n_support: file.n_support,
        dual_coef: matrix(file.dual_coef, at, "dual_coef")?,
        intercept: file.intercept,
        platt,
    })
}

fn mlp_of(activation: format::Activation, layers: Vec<format::Layer>, at: &str) -> Result<mlp::Mlp> {
    let activation = match activation {
        format::Activation::Relu => mlp::Activation::Relu,
        format::Activation::Tanh => mlp::Activation::Tanh,
        format::Activation::Logistic => mlp::Activation::Logistic,
        format::Activation::Identity => mlp::Activation::Identity,
    };
    let layer = |(k, layer): (usize, format::Layer)| {
        let weights = matrix(layer.weights, at, &format!("layers[{k}].weights"))?;
        Ok(mlp::Layer { weights, bias: layer.bias })
    };
    Ok(mlp::Mlp { activation, layers: layers.into_iter().enumerate().map(layer).collect::<Result<_>>()? })
}

fn calibrator(file: format::Calibrator) -> Calibrator {
    let input = |input| match input {
        format::CalibratorInput::Margin => calibration::Input::Margin,
        format::CalibratorInput::Probability => calibration::Input::Probability,
    };
    match file {
        format::Calibrator::Platt { input: i, a, b } => Calibrator::Platt { input: input(i), a, b },
        format::Calibrator::Isotonic { input: i, x, y } => Calibrator::Isotonic { input: input(i), x, y },
        format::Calibrator::Temperature { input: i, inverse_temperature } => {
            Calibrator::Temperature { input: input(i), inverse_temperature }
        }
    }
}
