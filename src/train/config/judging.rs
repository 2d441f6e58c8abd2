//! What a config says of how a model is judged, which threshold it gets, and how much a run may take.

use crate::error::{Error, ErrorKind, Result};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Resamples behind each interval where the config does not say.
pub const BOOTSTRAP: usize = 1000;

/// How often each feature is permuted where the config does not say.
pub const PERMUTATIONS: usize = 5;

/// `evaluation`: how the model is judged.
#[derive(Clone, Debug, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Evaluation {
    /// Which rows judge; default `holdout`.
    pub strategy: Option<Strategy>,
    /// `kfold`, `group`, `time`: how many parts; default 5.
    pub folds: Option<usize>,
    /// `kfold`: how often the rows are divided anew; default 1.
    pub repeats: Option<usize>,
    /// Resamples behind the metrics' intervals; 0 for none; default 1000.
    pub bootstrap: Option<usize>,
    /// How often each feature is permuted to see what the model loses; 0 for not at all; default 5.
    pub permutations: Option<usize>,
}

/// `evaluation.strategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Strategy {
    /// One part is held out: stratified by class; with `data.group_column` whole groups; with `data.as_of_column` the latest rows.
    #[default]
    Holdout,
    /// Stratified k-fold: each row is judged once by a model that did not see it.
    Kfold,
    /// K-fold of whole groups (`data.group_column`).
    Group,
    /// Expanding windows in time (`data.as_of_column`): what trains is earlier than what judges.
    Time,
}

impl Evaluation {
    /// What the types alone do not say.
    pub(super) fn check(&self, groups: bool, times: bool, refit: bool) -> Result<()> {
        let bad = |message: &str| Err(Error::new(ErrorKind::Config, message));
        let strategy = self.strategy.unwrap_or_default();
        match strategy {
            Strategy::Holdout if self.folds.is_some() => {
                return bad("evaluation.folds goes with strategy kfold, group or time: one part is held out otherwise");
            }
            Strategy::Kfold if groups => {
                return bad("evaluation.strategy kfold would divide the groups of data.group_column: write group");
            }
            Strategy::Group if !groups => {
                return bad(
                    "evaluation.strategy group needs data.group_column: the column that says which rows belong together",
                );
            }
            Strategy::Time if !times => {
                return bad("evaluation.strategy time needs data.as_of_column: the column with each row's event time");
            }
            _ => {}
        }
        if strategy != Strategy::Holdout && !refit {
            return bad(
                "training.refit: false keeps the model that the held-out part judged, and a cross-validation has no single one",
            );
        }
        if self.repeats.is_some() && strategy != Strategy::Kfold {
            return bad("evaluation.repeats goes with strategy kfold: only there does another draw divide otherwise");
        }
        if self.folds.is_some_and(|k| !(2..=100).contains(&k)) {
            return bad("evaluation.folds must be 2 to 100");
        }
        if self.repeats.is_some_and(|k| !(1..=100).contains(&k)) {
            return bad("evaluation.repeats must be 1 to 100");
        }
        if self.bootstrap.is_some_and(|k| k > 100_000 || (1..100).contains(&k)) {
            return bad("evaluation.bootstrap must be 100 to 100000 resamples, or 0 for none");
        }
        if self.permutations.is_some_and(|k| k > 1000) {
            return bad("evaluation.permutations must be at most 1000");
        }
        Ok(())
    }
}

/// `training.threshold`: from which probability of class 1 on it is predicted (two classes). Chosen on the answers of the
/// validation rows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Threshold {
    /// The best value of a metric.
    Best(ThresholdMetric),
    /// At least this precision, and the most recall that leaves.
    Precision(f64),
    /// At least this recall, and the most precision that leaves.
    Recall(f64),
    /// The least cost of mistakes.
    Costs {
        /// What a row of class 0 costs that is predicted as class 1.
        false_positive: f64,
        /// What a row of class 1 costs that is predicted as class 0.
        false_negative: f64,
    },
    /// This.
    At(f64),
}

/// `training.threshold.metric`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ThresholdMetric {
    /// Of class 1.
    F1,
    /// The mean of both classes' recall.
    BalancedAccuracy,
    /// Matthews' correlation.
    Mcc,
}

/// A threshold's mapping as written: one of the keys.
#[derive(Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Written {
    #[serde(skip_serializing_if = "Option::is_none")]
    metric: Option<ThresholdMetric>,
    #[serde(skip_serializing_if = "Option::is_none")]
    precision: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    recall: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    costs: Option<Costs>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Costs {
    false_positive: f64,
    false_negative: f64,
}

impl Threshold {
    pub(super) fn check(&self) -> Result<()> {
        let bad = |message: &str| Err(Error::new(ErrorKind::Config, message));
        match self {
            Threshold::Precision(v) | Threshold::Recall(v) | Threshold::At(v) if !(0.0..=1.0).contains(v) => {
                bad("training.threshold: a threshold, a precision and a recall lie between 0 and 1")
            }
            Threshold::Costs { false_positive: p, false_negative: n }
                if !(p.is_finite() && n.is_finite() && *p >= 0.0 && *n >= 0.0 && p + n > 0.0) =>
            {
                bad("training.threshold.costs: both must be finite and at least 0, and not both 0")
            }
            _ => Ok(()),
        }
    }
}

impl Serialize for Threshold {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let mut written = Written::default();
        match *self {
            Threshold::At(v) => return s.serialize_f64(v),
            Threshold::Best(metric) => written.metric = Some(metric),
            Threshold::Precision(v) => written.precision = Some(v),
            Threshold::Recall(v) => written.recall = Some(v),
            Threshold::Costs { false_positive, false_negative } => {
                written.costs = Some(Costs { false_positive, false_negative });
            }
        }
        written.serialize(s)
    }
}

impl<'de> Deserialize<'de> for Threshold {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Threshold;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(
                    "a number, or one of {metric: f1}, {precision: 0.9}, {recall: 0.8}, {costs: {false_positive: 1, false_negative: 5}}",
                )
            }
            fn visit_f64<E: de::Error>(self, v: f64) -> Result<Threshold, E> {
                Ok(Threshold::At(v))
            }
            fn visit_u64<E: de::Error>(self, v: u64) -> Result<Threshold, E> {
                Ok(Threshold::At(v as f64))
            }
            fn visit_i64<E: de::Error>(self, v: i64) -> Result<Threshold, E> {
                Ok(Threshold::At(v as f64))
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Threshold, A::Error> {
                let written = Written::deserialize(de::value::MapAccessDeserializer::new(map))?;
                let mut said = [
                    written.metric.map(Threshold::Best),
                    written.precision.map(Threshold::Precision),
                    written.recall.map(Threshold::Recall),
                    written.costs.map(|Costs { false_positive, false_negative }| Threshold::Costs {
                        false_positive,
                        false_negative,
                    }),
                ]
                .into_iter()
                .flatten();
                match (said.next(), said.next()) {
                    (Some(one), None) => Ok(one),
                    _ => Err(de::Error::custom("a threshold has exactly one of metric, precision, recall and costs")),
                }
            }
        }
        d.deserialize_any(Visitor)
    }
}

/// Seconds of a text like `90s`, `10m`, `1.5h` or `300` (seconds).
pub fn seconds(text: &str) -> Result<f64> {
    let units = [("ms", 0.001), ("s", 1.0), ("min", 60.0), ("m", 60.0), ("h", 3600.0), ("d", 86_400.0)];
    amount(text, &units, 1.0)
        .ok_or_else(|| Error::new(ErrorKind::Config, format!("`{text}` is no time: write 90s, 10m or 2h")))
}

/// Bytes of a text like `8GiB`, `512MiB`, `4GB` or `1000000` (bytes).
pub fn bytes(text: &str) -> Result<u64> {
    let k = 1024.0;
    let units = [
        ("KiB", k),
        ("MiB", k * k),
        ("GiB", k * k * k),
        ("TiB", k * k * k * k),
        ("kB", 1e3),
        ("KB", 1e3),
        ("MB", 1e6),
        ("GB", 1e9),
        ("TB", 1e12),
        ("B", 1.0),
    ];
    amount(text, &units, 1.0)
        .filter(|v| *v >= 1.0)
        .map(|v| v as u64)
        .ok_or_else(|| Error::new(ErrorKind::Config, format!("`{text}` is no amount of memory: write 8GiB or 512MiB")))
}

fn amount(text: &str, units: &[(&str, f64)], plain: f64) -> Option<f64> {
    let text = text.trim();
    let (number, unit) = units
        .iter()
        .find_map(|(unit, factor)| text.strip_suffix(unit).map(|number| (number, *factor)))
        .unwrap_or((text, plain));
    let number: f64 = number.trim().parse().ok()?;
    let amount = number * unit;
    (number.is_finite() && amount > 0.0 && amount < 1e18).then_some(amount)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_amounts_of_memory_are_read_with_their_units() {
        for (text, want) in
            [("90s", 90.0), ("10m", 600.0), ("10 min", 600.0), ("1.5h", 5400.0), ("300", 300.0), ("250ms", 0.25)]
        {
            assert_eq!(seconds(text).unwrap(), want, "{text}");
        }
        for (text, want) in [("8GiB", 8u64 << 30), ("512 MiB", 512 << 20), ("4GB", 4_000_000_000), ("1000", 1000)] {
            assert_eq!(bytes(text).unwrap(), want, "{text}");
        }
        for text in ["", "s", "-1s", "inf", "NaN", "0", "10 parsecs", "1e30h"] {
            assert!(seconds(text).unwrap_err().to_string().ends_with("is no time: write 90s, 10m or 2h"), "{text}");
            assert!(bytes(text).is_err(), "{text}");
        }
    }
}
