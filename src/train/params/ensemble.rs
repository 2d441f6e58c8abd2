//! Parameters of estimators made of estimators.

use super::{Parameters, Params, at_least, at_most, range};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::model::MAX_LEVELS;
use crate::train::Estimator;
use crate::train::config::{Calibration, HandleUnknown, ModelKind, Preprocessing};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Most estimators of an ensemble.
pub const MAX_ESTIMATORS: usize = 100;

/// Most folds of an ensemble.
pub const MAX_FOLDS: usize = 100;

/// scikit-learn's `StackingClassifier`: a final estimator over the answers of others to rows they were not fitted on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Stacking {
    /// By name, in order: `{type, parameters, preprocessing, calibration}` of each. What a `preprocessing` leaves out is what the
    /// config's own says.
    pub estimators: Map<String, Value>,
    /// `{type, parameters, preprocessing}` of what reads their answers; default logistic regression. It reads them as they are:
    /// `preprocessing` is for the columns that `passthrough` adds.
    pub final_estimator: Map<String, Value>,
    /// Number of stratified folds. Each estimator is fitted once per fold on the rows of the others, encoders included, then on all.
    pub cv: usize,
    /// What the estimators hand on; `auto`: probabilities, of one that has none its score.
    pub stack_method: StackMethod,
    /// mlxtend's name: `true` is `stack_method: predict_proba`, `false` is `stack_method: predict`.
    pub use_probas: Option<bool>,
    /// Whether the final estimator reads the columns, too.
    pub passthrough: bool,
}

/// scikit-learn's `stack_method`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StackMethod {
    /// `predict_proba`, else `decision_function`.
    #[default]
    Auto,
    /// Probabilities; of two classes only the second's.
    PredictProba,
    /// Scores before the link; for two classes one.
    DecisionFunction,
    /// The index of the class decided for.
    Predict,
}

impl Default for Stacking {
    fn default() -> Self {
        Stacking {
            estimators: Map::new(),
            final_estimator: Map::new(),
            cv: 5,
            stack_method: StackMethod::Auto,
            use_probas: None,
            passthrough: false,
        }
    }
}

impl Stacking {
    /// Read and checked. `default`: what their own preprocessing leaves open.
    pub(crate) fn members(&self, default: &Preprocessing) -> Result<Vec<(String, Estimator)>> {
        members(&self.estimators, default)
    }

    /// Read and checked.
    pub(crate) fn last(&self, default: &Preprocessing) -> Result<Estimator> {
        let mut said = self.final_estimator.clone();
        let kind = said.entry("type").or_insert_with(|| ModelKind::LogisticRegression.name().into()).clone();
        let named = |e: Error| e.context("in final_estimator");
        let last = estimator(&said, default, &["type", "parameters", "preprocessing"]).map_err(named)?;
        if matches!(last.params, Params::Stacking(_) | Params::Voting(_)) {
            let message = format!("a {} cannot stand over the answers of others", kind.as_str().unwrap_or_default());
            return Err(named(Error::new(ErrorKind::Config, message)));
        }
        Ok(last)
    }

    /// What the estimators hand on.
    pub(crate) fn method(&self) -> StackMethod {
        match self.use_probas {
            None => self.stack_method,
            Some(true) => StackMethod::PredictProba,
            Some(false) => StackMethod::Predict,
        }
    }
}

impl Parameters for Stacking {
    fn check(&self) -> Result<()> {
        at_least("cv", self.cv, 2)?;
        at_most("cv", self.cv, MAX_FOLDS)?;
        if self.stack_method != StackMethod::Auto && self.use_probas.is_some() && self.stack_method != self.method() {
            let message = "model.parameters: stack_method and use_probas say different things: give stack_method alone";
            return Err(Error::new(ErrorKind::Config, message));
        }
        check_members(&self.estimators)?;
        self.last(&Preprocessing::default()).map(|_| ())
    }
}

/// scikit-learn's `VotingClassifier` with `voting="soft"`: the weighted mean of probabilities.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Voting {
    /// By name, in order: `{type, parameters, preprocessing, calibration}` of each. What a `preprocessing` leaves out is what the
    /// config's own says.
    pub estimators: Map<String, Value>,
    /// `soft`, the only kind: probabilities are averaged.
    pub voting: Vote,
    /// One per estimator, at least 0; none: all 1; or `greedy`.
    pub weights: Option<Weights>,
    /// `greedy`: how many times an estimator is added.
    pub n_iterations: usize,
    /// `greedy`: number of stratified folds, whose out-of-fold probabilities the choice is made on.
    pub cv: usize,
}

/// scikit-learn's `voting`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vote {
    /// The mean of probabilities.
    #[default]
    Soft,
}

/// Whose answers count how much.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Weights {
    /// Chosen by their out-of-fold log loss.
    Chosen(Choice),
    /// Given, in the order of the estimators.
    Given(Vec<f64>),
}

/// How weights are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Again and again the estimator is added that makes the mean's log loss smallest (Caruana, Niculescu-Mizil, Crew and Ksikes,
    /// "Ensemble selection from libraries of models", 2004); an estimator's weight is how often it was. One that never was is left out.
    Greedy,
}

impl Default for Voting {
    fn default() -> Self {
        Voting { estimators: Map::new(), voting: Vote::Soft, weights: None, n_iterations: 50, cv: 5 }
    }
}

impl Voting {
    /// Read and checked. `default`: what their own preprocessing leaves open.
    pub(crate) fn members(&self, default: &Preprocessing) -> Result<Vec<(String, Estimator)>> {
        members(&self.estimators, default)
    }
}

impl Parameters for Voting {
    fn check(&self) -> Result<()> {
        at_least("cv", self.cv, 2)?;
        at_most("cv", self.cv, MAX_FOLDS)?;
        at_least("n_iterations", self.n_iterations, 1)?;
        at_most("n_iterations", self.n_iterations, 1000)?;
        check_members(&self.estimators)?;
        if let Some(Weights::Given(weights)) = &self.weights {
            let n = self.estimators.len();
            range("weights", weights.len() == n, &format!("one number per estimator, {n} in all, or greedy"))?;
            let sound = weights.iter().all(|w| *w >= 0.0 && *w <= 1e6) && weights.iter().sum::<f64>() >= 1e-6;
            range("weights", sound, "between 0 and 1000000, and not all 0")?;
        }
        Ok(())
    }
}

impl Params {
    /// What only the whole config shows of an ensemble: how deep it is, and that the door lets in what its estimators ask for.
    /// `preprocessing`: the config's own.
    pub(crate) fn check_within(&self, preprocessing: &Preprocessing, calibrated: bool) -> Result<()> {
        let estimators = match self {
            Params::Stacking(p) => &p.estimators,
            Params::Voting(p) => &p.estimators,
            _ => return Ok(()),
        };
        check_levels(1 + levels(estimators) + usize::from(calibrated))?;
        check_door(estimators, preprocessing.encoder.as_ref().map_or(HandleUnknown::Error, |e| e.handle_unknown))
    }
}

/// Number, names and depth first: what is deep is not read.
fn check_members(estimators: &Map<String, Value>) -> Result<()> {
    let n = estimators.len();
    range("estimators", n >= 1, "a mapping from names to estimators, one at least")?;
    range("estimators", n <= MAX_ESTIMATORS, &format!("at most {MAX_ESTIMATORS} estimators"))?;
    for name in estimators.keys() {
        // Two underscores part a name from a parameter's in scikit-learn.
        let sound = !name.is_empty() && name.chars().count() <= 64 && !name.contains("__");
        if !sound || name.chars().any(char::is_control) || name.trim() != name {
            let message = format!(
                "model.parameters.estimators: `{}` is no name: it has 1 to 64 characters, and no `__`",
                name.escape_debug()
            );
            return Err(Error::new(ErrorKind::Config, message));
        }
    }
    check_levels(1 + levels(estimators))?;
    members(estimators, &Preprocessing::default()).map(|_| ())
}

fn check_levels(levels: usize) -> Result<()> {
    if levels <= MAX_LEVELS as usize {
        return Ok(());
    }
    let message =
        format!("estimators and calibrations stand in each other at most {MAX_LEVELS} deep, these are {levels}");
    Err(Error::new(ErrorKind::Config, message))
}

/// How deep the deepest of these is.
fn levels(estimators: &Map<String, Value>) -> usize {
    let one = |value: &Value| {
        let inner = value["parameters"]["estimators"].as_object().map_or(0, levels);
        1 + inner + usize::from(!value["calibration"].is_null())
    };
    estimators.values().map(one).max().unwrap_or(0)
}

/// Whether a level that training did not see passes the door is the config's own `preprocessing` to say.
fn check_door(estimators: &Map<String, Value>, door: HandleUnknown) -> Result<()> {
    for (name, value) in estimators {
        let own = &value["preprocessing"]["encoder"]["handle_unknown"];
        if door == HandleUnknown::Error && own.as_str().is_some_and(|own| own != "error") {
            let message = format!(
                "in estimator `{name}`: an unknown level passes the door for all estimators or for none: set \
                 preprocessing.encoder.handle_unknown of the config itself, too"
            );
            return Err(Error::new(ErrorKind::Config, message));
        }
        if let Some(inner) = value["parameters"]["estimators"].as_object() {
            check_door(inner, door)?;
        }
    }
    Ok(())
}

/// The estimators, by name.
fn members(estimators: &Map<String, Value>, default: &Preprocessing) -> Result<Vec<(String, Estimator)>> {
    let read = |(name, value): (&String, &Value)| {
        let named = |e: Error| e.context(format!("in estimator `{name}`"));
        let said = value.as_object().ok_or_else(|| {
            let message = "it is written as a mapping, {type: …, parameters: {…}}";
            named(Error::new(ErrorKind::Config, message))
        })?;
        let keys = ["type", "parameters", "preprocessing", "calibration"];
        Ok((name.clone(), estimator(said, default, &keys).map_err(named)?))
    };
    estimators.iter().map(read).collect()
}

/// One estimator. `keys`: what may be said of it.
fn estimator(said: &Map<String, Value>, default: &Preprocessing, keys: &[&str]) -> Result<Estimator> {
    let bad = |message: String| Err(Error::new(ErrorKind::Config, message));
    if let Some(key) = said.keys().find(|key| !keys.contains(&key.as_str())) {
        let hint = did_you_mean(key, keys.iter().copied());
        return bad(format!("unknown key `{key}`{hint}; known here: {}", keys.join(", ")));
    }
    let Some(kind) = said.get("type").and_then(Value::as_str) else {
        return bad(format!("its type is missing: one of {}", ModelKind::ALL.map(ModelKind::name).join(", ")));
    };
    let none = Map::new();
    let parameters = match said.get("parameters") {
        None | Some(Value::Null) => &none,
        Some(Value::Object(map)) => map,
        Some(_) => return bad("parameters are a mapping from name to value".into()),
    };
    let preprocessing: Preprocessing = of(said, "preprocessing")?;
    preprocessing.check()?;
    let calibration = of::<OneCalibration>(said, "calibration")?.0;
    let params = Params::new(kind.parse()?, parameters)?;
    Ok(Estimator { params, preprocessing: preprocessing.or(default), calibration })
}

/// `training.calibration` of one estimator.
#[derive(Default, Deserialize)]
struct OneCalibration(#[serde(deserialize_with = "crate::train::config::short_or_whole")] Option<Calibration>);

/// What is said under a key.
fn of<T: Default + serde::de::DeserializeOwned>(said: &Map<String, Value>, key: &str) -> Result<T> {
    match said.get(key) {
        None | Some(Value::Null) => Ok(T::default()),
        Some(value) => {
            serde_json::from_value(value.clone()).map_err(|e| Error::new(ErrorKind::Config, format!("{key}: {e}")))
        }
    }
}
