//! How a config is read: YAML to types, errors with their place, and what the types alone do not say.

use super::{
    ClassWeight, Config, DerivedConfig, Encoder, EncoderKind, HandleUnknown, Imputer, ImputerKind, MAX_CONFIG_BYTES,
    Preprocessing, Scaler, ScalerKind, unit_range,
};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::train::Params;
use serde::{Deserialize, Deserializer, de};
use std::collections::BTreeMap;
use std::path::Path;

impl Config {
    /// Reads `path`; the data paths in it become relative to where it lies.
    pub fn read(path: &Path) -> Result<Config> {
        let shown = path.display().to_string();
        let meta = std::fs::metadata(path).map_err(|e| Error::from(e).context(format!("reading {shown}")))?;
        if meta.len() > MAX_CONFIG_BYTES {
            let message = format!("{shown} has {} bytes; a config has at most {MAX_CONFIG_BYTES}", meta.len());
            return Err(Error::new(ErrorKind::Config, message));
        }
        let text = std::fs::read_to_string(path).map_err(|e| Error::from(e).context(format!("reading {shown}")))?;
        let mut config = Config::parse(&text).map_err(|e| e.context(shown))?;
        let base = path.parent().unwrap_or(Path::new(""));
        for p in [&mut config.data.train_path, &mut config.data.test_path].into_iter().flatten() {
            *p = base.join(&*p);
        }
        Ok(config)
    }

    /// Reads YAML. Errors name line, column and what would be right.
    pub fn parse(yaml: &str) -> Result<Config> {
        if yaml.trim().is_empty() {
            return Ok(Config::default());
        }
        let config: Config = serde_saphyr::from_str(yaml).map_err(|e| yaml_error(&e))?;
        config.check()?;
        Ok(config)
    }

    /// What the types alone do not say.
    pub fn check(&self) -> Result<()> {
        let bad = |message: String| Err(Error::new(ErrorKind::Config, message));
        if let Some(f) = self.data.validation_fraction
            && !(f > 0.0 && f < 1.0)
        {
            return bad("data.validation_fraction must lie between 0 and 1, both excluded".into());
        }
        let f = &self.data.features;
        let mut seen = BTreeMap::new();
        let lists = [
            ("numerical", &f.numerical),
            ("categorical", &f.categorical),
            ("time", &f.time),
            ("flag", &f.flag),
            ("drop", &f.drop),
        ];
        for (list, names) in lists {
            for name in names {
                if let Some(other) = seen.insert(name.as_str(), list) {
                    return bad(format!("data.features: `{name}` is listed under {other} and under {list}"));
                }
                if self.data.target.as_deref() == Some(name) && list != "drop" {
                    return bad(format!("data.features.{list}: `{name}` is the target"));
                }
            }
        }
        for (name, (min, max)) in &f.ranges {
            if !(min <= max && min.is_finite() && max.is_finite()) {
                return bad(format!("data.features.ranges.{name}: [min, max] must be finite, with min <= max"));
            }
        }
        if let ClassWeight::Map(map) = &self.training.class_weight {
            for (label, w) in map {
                if !(*w >= 0.0 && w.is_finite()) {
                    return bad(format!(
                        "training.class_weight: the weight of `{label}` must be finite and at least 0"
                    ));
                }
            }
        }
        self.preprocessing.check()?;
        self.check_judging()?;
        let params = Params::new(self.model.kind, &self.model.parameters)?;
        params.check_within(&self.preprocessing, self.training.calibration.is_some())
    }
}

impl Preprocessing {
    /// What the types alone do not say.
    pub(crate) fn check(&self) -> Result<()> {
        let bad = |message: &str| Err(Error::new(ErrorKind::Config, message));
        if let Some(s) = &self.scaler {
            let (low, high) = s.feature_range;
            if !(low < high && low.is_finite() && high.is_finite()) {
                return bad("preprocessing.scaler.feature_range must be [low, high] with low < high");
            }
        }
        if let Some(i) = &self.imputer {
            match (&i.fill_value, i.strategy) {
                (None, ImputerKind::Constant) => {
                    return bad("preprocessing.imputer: strategy constant needs a `fill_value`");
                }
                (Some(v), ImputerKind::Constant) if !(v.is_number() || v.is_string()) => {
                    return bad("preprocessing.imputer.fill_value must be a number, or a level's text");
                }
                (Some(_), s) if s != ImputerKind::Constant => {
                    return bad("preprocessing.imputer: `fill_value` goes with strategy constant only");
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Config {
    fn check_judging(&self) -> Result<()> {
        let (data, training) = (&self.data, &self.training);
        self.evaluation.check(data.group_column.is_some(), data.as_of_column.is_some(), training.refit)?;
        if let Some(threshold) = &training.threshold {
            threshold.check()?;
        }
        training.time_limit.as_deref().map(super::seconds).transpose().map_err(|e| e.context("training.time_limit"))?;
        training
            .memory_limit
            .as_deref()
            .map(super::bytes)
            .transpose()
            .map_err(|e| e.context("training.memory_limit"))?;
        let roles = [
            ("the target", &data.target),
            ("data.weight_column", &data.weight_column),
            ("data.group_column", &data.group_column),
        ];
        for (k, (what, name)) in roles.iter().enumerate() {
            let Some(name) = name else { continue };
            if let Some((other, _)) = roles[..k].iter().find(|(_, n)| n.as_ref() == Some(name)) {
                return Err(Error::new(
                    ErrorKind::Config,
                    format!("`{name}` is {other} and {what}: it can be one of them"),
                ));
            }
            if k > 0 && self.data.features.lists(name) {
                let message = format!("`{name}` is {what} and is listed under data.features: it cannot be a feature");
                return Err(Error::new(ErrorKind::Config, message));
            }
        }
        Ok(())
    }
}

/// serde-saphyr's error in our words: place first, then what is wrong and what would be right.
pub(crate) fn yaml_error(e: &serde_saphyr::Error) -> Error {
    use serde_saphyr::Error as Yaml;
    let unknown = |what: &str, got: &str, expected: &[&'static str]| {
        let hint = did_you_mean(got, expected.iter().copied());
        format!("unknown {what} `{got}`{hint}; known here: {}", expected.join(", "))
    };
    let inner = e.without_snippet();
    let message = match inner {
        Yaml::SerdeUnknownField { field, expected, .. } => unknown("key", field, expected),
        Yaml::SerdeUnknownVariant { variant, expected, .. } => unknown("value", variant, expected),
        other => {
            let whole = other.to_string();
            whole.lines().next().unwrap_or("not valid YAML").to_owned()
        }
    };
    let place = inner.location().map(|l| format!("line {}, column {}: ", l.line(), l.column()));
    Error::new(ErrorKind::Config, format!("{}{message}", place.unwrap_or_default()))
}

/// What may be written as its name alone.
pub(crate) trait Short: Sized {
    fn from_name(name: &str) -> Option<Self>;
    const NAMES: &'static [&'static str];
}

impl Short for Scaler {
    const NAMES: &'static [&'static str] = &["standard", "minmax", "none"];
    fn from_name(name: &str) -> Option<Self> {
        let kind = match name {
            "standard" => ScalerKind::Standard,
            "minmax" => ScalerKind::Minmax,
            "none" => ScalerKind::None,
            _ => return None,
        };
        Some(Scaler { kind, feature_range: unit_range(), clip: false })
    }
}

impl Short for Encoder {
    const NAMES: &'static [&'static str] = &["onehot", "ordinal"];
    fn from_name(name: &str) -> Option<Self> {
        let kind = match name {
            "onehot" => EncoderKind::Onehot,
            "ordinal" => EncoderKind::Ordinal,
            _ => return None,
        };
        Some(Encoder { kind, handle_unknown: HandleUnknown::Error })
    }
}

impl Short for Imputer {
    const NAMES: &'static [&'static str] = &["mean", "median", "most_frequent", "constant", "none"];
    fn from_name(name: &str) -> Option<Self> {
        let strategy = match name {
            "mean" => ImputerKind::Mean,
            "median" => ImputerKind::Median,
            "most_frequent" => ImputerKind::MostFrequent,
            "constant" => ImputerKind::Constant,
            "none" => ImputerKind::None,
            _ => return None,
        };
        Some(Imputer { strategy, fill_value: None, add_indicator: false })
    }
}

pub(crate) fn short_or_whole<'de, D: Deserializer<'de>, T: Short + Deserialize<'de>>(
    d: D,
) -> Result<Option<T>, D::Error> {
    struct Visitor<T>(std::marker::PhantomData<T>);
    impl<'de, T: Short + Deserialize<'de>> de::Visitor<'de> for Visitor<T> {
        type Value = Option<T>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "one of {} or a mapping", T::NAMES.join(", "))
        }
        fn visit_str<E: de::Error>(self, name: &str) -> Result<Option<T>, E> {
            T::from_name(name).map(Some).ok_or_else(|| E::unknown_variant(name, T::NAMES))
        }
        fn visit_unit<E: de::Error>(self) -> Result<Option<T>, E> {
            Ok(None)
        }
        fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Option<T>, A::Error> {
            T::deserialize(de::value::MapAccessDeserializer::new(map)).map(Some)
        }
    }
    d.deserialize_any(Visitor(std::marker::PhantomData))
}

impl<'de> Deserialize<'de> for ClassWeight {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> de::Visitor<'de> for Visitor {
            type Value = ClassWeight;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("none, balanced or a mapping from label to weight")
            }
            fn visit_str<E: de::Error>(self, name: &str) -> Result<ClassWeight, E> {
                match name {
                    "none" => Ok(ClassWeight::None),
                    "balanced" => Ok(ClassWeight::Balanced),
                    _ => Err(E::unknown_variant(name, &["none", "balanced"])),
                }
            }
            fn visit_unit<E: de::Error>(self) -> Result<ClassWeight, E> {
                Ok(ClassWeight::None)
            }
            fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<ClassWeight, A::Error> {
                BTreeMap::deserialize(de::value::MapAccessDeserializer::new(map)).map(ClassWeight::Map)
            }
        }
        d.deserialize_any(Visitor)
    }
}

/// A mapping from name to expression, or a list of `{name, expression}`.
pub(crate) fn derived<'de, D: Deserializer<'de>>(d: D) -> Result<Vec<DerivedConfig>, D::Error> {
    struct Visitor;
    impl<'de> de::Visitor<'de> for Visitor {
        type Value = Vec<DerivedConfig>;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a mapping from name to expression, or a list of {name, expression}")
        }
        fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
            Ok(Vec::new())
        }
        fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut out = Vec::new();
            while let Some((name, expression)) = map.next_entry()? {
                out.push(DerivedConfig { name, expression });
            }
            Ok(out)
        }
        fn visit_seq<A: de::SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
            let mut out = Vec::new();
            while let Some(d) = seq.next_element()? {
                out.push(d);
            }
            Ok(out)
        }
    }
    d.deserialize_any(Visitor)
}

pub(super) fn write_derived<S: serde::Serializer>(derived: &[DerivedConfig], s: S) -> Result<S::Ok, S::Error> {
    s.collect_map(derived.iter().map(|d| (&d.name, &d.expression)))
}
