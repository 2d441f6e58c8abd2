//! An answer as a line of JSON: the keys that the JavaScript package gives, in its order, numbers in ECMAScript's form.

use crate::engine::Answer;
use crate::time::format_iso;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::ser::Formatter;
use std::io::{self, Write};

/// What every answer of one model says about it.
pub struct Source<'a> {
    /// Class labels, in the order of the probabilities.
    pub classes: &'a [String],
    /// The artifact's name.
    pub name: &'a str,
    /// The artifact's version.
    pub version: &'a str,
    /// The artifact's id.
    pub id: &'a str,
}

/// One line.
pub struct Line<'a> {
    /// Columns copied from the record (`--keep`), under the key `input`.
    pub kept: Option<&'a serde_json::Map<String, serde_json::Value>>,
    /// What the engine said.
    pub answer: &'a Answer<'a>,
    /// Who said it.
    pub source: &'a Source<'a>,
    /// When it was asked, seconds since 1970 UTC.
    pub now: f64,
}

impl Line<'_> {
    /// Writes it, with its line end.
    pub fn write(&self, out: &mut dyn Write) -> io::Result<()> {
        self.serialize(&mut serde_json::Serializer::with_formatter(&mut *out, Ecma))?;
        out.write_all(b"\n")
    }
}

impl Serialize for Line<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some(kept) = self.kept {
            map.serialize_entry("input", kept)?;
        }
        let source = self.source;
        match self.answer {
            Answer::Prediction(p) => {
                map.serialize_entry("status", "ok")?;
                map.serialize_entry("prediction", &source.classes[p.class_index])?;
                map.serialize_entry("class_index", &p.class_index)?;
                map.serialize_entry("probability", &Probability { labels: source.classes, values: &p.probability })?;
                map.serialize_entry("confidence", &p.confidence)?;
                if let Some(threshold) = &p.threshold {
                    map.serialize_entry("threshold", threshold)?;
                }
                self.serialize_source(&mut map)?;
                map.serialize_entry("as_of", &format_iso(p.as_of))?;
                map.serialize_entry("timestamp", &format_iso(p.timestamp))?;
                map.serialize_entry("cached", &p.cached)?;
            }
            Answer::Rejected(violations) => {
                map.serialize_entry("status", "rejected")?;
                map.serialize_entry("violations", violations)?;
                self.serialize_source(&mut map)?;
                map.serialize_entry("timestamp", &format_iso(self.now))?;
            }
        }
        map.end()
    }
}

impl Line<'_> {
    fn serialize_source<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        map.serialize_entry("model", self.source.name)?;
        map.serialize_entry("model_version", self.source.version)?;
        map.serialize_entry("model_id", self.source.id)
    }
}

struct Probability<'a> {
    labels: &'a [String],
    values: &'a [f64],
}

impl Serialize for Probability<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.labels.iter().zip(self.values))
    }
}

/// Compact JSON with numbers as `JSON.stringify` writes them.
struct Ecma;

impl Formatter for Ecma {
    fn write_f64<W: ?Sized + Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(number(&mut ryu_js::Buffer::new(), value).as_bytes())
    }
}

/// A number in ECMAScript's shortest form (`Number.prototype.toString`), which reads back to the same bits.
pub fn number(buffer: &mut ryu_js::Buffer, value: f64) -> &str {
    buffer.format(value)
}
