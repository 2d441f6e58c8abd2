//! Which library wrote a file, told by its content alone.

use super::{Foreign, error, exchange, lightgbm, onnx, xgboost};
use crate::artifact::container::SIGNATURE;
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};
use std::fmt;

/// The formats that are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// XGBoost, JSON or UBJSON.
    Xgboost,
    /// LightGBM, text.
    Lightgbm,
    /// ONNX, protobuf.
    Onnx,
    /// The exchange format that `hedgerow_export.py` writes.
    Exchange,
}

impl Format {
    /// Every format.
    pub const ALL: [Format; 4] = [Format::Xgboost, Format::Lightgbm, Format::Onnx, Format::Exchange];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Format::Xgboost => "xgboost",
            Format::Lightgbm => "lightgbm",
            Format::Onnx => "onnx",
            Format::Exchange => "exchange",
        }
    }

    /// The format of a file, by its first bytes and, for JSON, its keys. Where it is none of these the error says what was seen, and
    /// what to do with the formats it knows by sight.
    ///
    /// ```
    /// use hedgerow::import::Format;
    /// assert_eq!(Format::of(b"tree\nversion=v4\nnum_class=1\n")?, Format::Lightgbm);
    /// let e = Format::of(b"\x80\x04\x95\xa8").unwrap_err().to_string();
    /// assert!(e.starts_with("this is a Python pickle, which runs code when it is opened and is never read"), "{e}");
    /// # Ok::<(), hedgerow::error::Error>(())
    /// ```
    pub fn of(file: &[u8]) -> Result<Format> {
        let seen = match look(without_mark(file)) {
            Ok(format) => return Ok(format),
            Err(seen) => seen,
        };
        Err(error(format!("{seen}\n{READ}")))
    }
}

impl std::str::FromStr for Format {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let names = Format::ALL.map(Format::name);
        Format::ALL.into_iter().find(|f| f.name() == text).ok_or_else(|| {
            let message =
                format!("unknown format `{text}`{}; the formats are {}", did_you_mean(text, names), names.join(", "));
            Error::new(ErrorKind::Config, message)
        })
    }
}

/// Reads a model file of `format`, or of whichever its content shows.
pub fn read(file: &[u8], format: Option<Format>) -> Result<Foreign> {
    let format = match format {
        Some(format) => format,
        None => Format::of(file)?,
    };
    let file = without_mark(file);
    match format {
        Format::Xgboost => xgboost::read(file),
        Format::Lightgbm => lightgbm::read(file),
        Format::Onnx => onnx::read(file),
        Format::Exchange => exchange::read(file),
    }
}

const READ: &str = "what is read: XGBoost's JSON and UBJSON (save_model), LightGBM's text (save_model), ONNX, and the exchange JSON that \
                    hedgerow_export.py writes of scikit-learn pipelines";

/// Without the byte order mark that some editors put before a text.
fn without_mark(file: &[u8]) -> &[u8] {
    file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file)
}

/// The format, or what was seen in its place.
fn look(file: &[u8]) -> Result<Format, String> {
    let text = file.trim_ascii_start();
    if let Some((_, what)) = BY_SIGHT.iter().find(|(start, _)| file.starts_with(start)) {
        return Err((*what).to_owned());
    }
    match text {
        [] => Err("the file is empty".to_owned()),
        [b'{', b'"' | b'}', ..] => json(text),
        [b'{', next, ..] if next.is_ascii_whitespace() => json(text),
        // In UBJSON a key's length comes first, behind the type of that length.
        [b'{', b'i' | b'U' | b'I' | b'l' | b'L' | b'$' | b'#', ..] => Ok(Format::Xgboost),
        [b'[', ..] => {
            Err("this is a JSON array: XGBoost's dump_model and get_dump write such, which hold less than the model; \
                           save it with save_model(\"model.json\")"
                .to_owned())
        }
        _ if text.starts_with(b"tree\n") || text.starts_with(b"tree\r\n") => Ok(Format::Lightgbm),
        _ if text.starts_with(b"booster[") => {
            Err("this is XGBoost's text dump, which holds less than the model; save it with save_model(\"model.json\")"
                .to_owned())
        }
        _ if text.starts_with(b"<?xml") || text.starts_with(b"<PMML") => {
            Err("this is XML (PMML?), which is not read; convert the original model to ONNX".to_owned())
        }
        _ if is_onnx(file) => Ok(Format::Onnx),
        _ => Err(format!("the file is of no format that is known here: {}", beginning(file))),
    }
}

/// Files that are known by their first bytes, and not read.
const BY_SIGHT: &[(&[u8], &str)] = &[
    (&SIGNATURE, "this is a .hedge file: it was imported or trained already"),
    (b"\x80\x02", PICKLE),
    (b"\x80\x03", PICKLE),
    (b"\x80\x04", PICKLE),
    (b"\x80\x05", PICKLE),
    (b"\x78\x01", JOBLIB),
    (b"\x78\x5e", JOBLIB),
    (b"\x78\x9c", JOBLIB),
    (b"\x78\xda", JOBLIB),
    (
        b"\x1f\x8b",
        "this is a gzip file: unpack it first (of a joblib pickle: export the model with hedgerow_export.py instead)",
    ),
    (
        b"BZh",
        "this is a bzip2 file: unpack it first (of a joblib pickle: export the model with hedgerow_export.py instead)",
    ),
    (
        b"\xfd7zXZ",
        "this is an xz file: unpack it first (of a joblib pickle: export the model with hedgerow_export.py instead)",
    ),
    (
        b"PK\x03\x04",
        "this is a zip archive (skops, a PyTorch checkpoint, several files?), which is not read; export a scikit-learn model with \
                     hedgerow_export.py, others to ONNX",
    ),
    (
        b"CBM1",
        "this is CatBoost's own format, which is not read; save the model with save_model(\"model.onnx\", format=\"onnx\")",
    ),
    (b"binf", OLD_XGBOOST),
    (b"bs64", OLD_XGBOOST),
    (b"\x89HDF", "this is an HDF5 file (Keras?), which is not read; convert the original model to ONNX"),
];

const PICKLE: &str = "this is a Python pickle, which runs code when it is opened and is never read; export the fitted model with \
                      hedgerow_export.py, or to ONNX, or with the library's own save_model";
const JOBLIB: &str = "this is a compressed file, probably a joblib pickle, which runs code when it is opened and is never read; export the fitted \
                      model with hedgerow_export.py, or to ONNX, or with the library's own save_model";
const OLD_XGBOOST: &str = "this is XGBoost's old binary format, which is not read; load it with an XGBoost before 3.1 and save it with \
                           save_model(\"model.json\")";

/// What wrote a JSON object, by its keys.
fn json(text: &[u8]) -> Result<Format, String> {
    let mut keys = Keys::default();
    let parsed = serde_json::Deserializer::from_slice(text).deserialize_map(&mut keys);
    let has = |key: &str| keys.names.iter().any(|k| k == key);
    // Under `Model` in a memory snapshot, which is what XGBoost puts into pickles.
    if has("learner") || has("Model") && has("Config") {
        return Ok(Format::Xgboost);
    }
    if has("hedgerow_exchange") {
        return Ok(Format::Exchange);
    }
    if has("oblivious_trees") || has("trees") && has("features_info") {
        return Err("this is CatBoost's JSON, which is not read; save the model with save_model(\"model.onnx\", format=\"onnx\")"
            .to_owned());
    }
    if has("tree_info") {
        return Err("this is LightGBM's dump_model, which holds less than the model; save it with booster.save_model(\"model.txt\")"
            .to_owned());
    }
    if let Err(e) = parsed {
        return Err(format!("this begins as JSON, but is none: {e}"));
    }
    let shown: Vec<&str> = keys.names.iter().take(8).map(String::as_str).collect();
    Err(format!(
        "this is JSON of no format that is known here; its keys are: {}",
        crate::schema::message::cut(&shown.join(", "))
    ))
}

/// The keys of a JSON object; what they hold is passed over. At most 64 are kept.
#[derive(Default)]
struct Keys {
    names: Vec<String>,
}

impl<'de> Visitor<'de> for &mut Keys {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            // Before its value, which may be cut off.
            if self.names.len() < 64 {
                self.names.push(key);
            }
            map.next_value::<IgnoredAny>()?;
        }
        Ok(())
    }
}

/// Whether the file is a protobuf message with ModelProto's fields: their numbers and wire types (onnx.proto3). A file that is cut
/// off is taken for one after its first field, so that the reader can say so.
fn is_onnx(file: &[u8]) -> bool {
    let mut rest = file;
    let mut seen = 0;
    while !rest.is_empty() {
        let Some(key) = varint(&mut rest) else { return seen > 0 };
        let (field, wire) = (key >> 3, key & 7);
        let length = match (field, wire) {
            // ir_version, model_version
            (1 | 5, 0) => match varint(&mut rest) {
                Some(_) => 0,
                None => return seen > 0,
            },
            // producer, domain, documentation, graph, opsets, metadata, training, functions, configuration
            (2 | 3 | 4 | 6 | 7 | 8 | 14 | 20 | 25 | 26, 2) => match varint(&mut rest) {
                Some(length) => length,
                None => return seen > 0,
            },
            _ => return false,
        };
        seen += 1;
        match usize::try_from(length).ok().and_then(|n| rest.get(n..)) {
            Some(after) => rest = after,
            // A first field that is longer than the file says little: the version comes first where it is written by a library.
            None => return seen > 1,
        }
    }
    seen > 1
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        value |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The first bytes of a file, for a person: as text where they are.
fn beginning(file: &[u8]) -> String {
    let head = &file[..file.len().min(24)];
    if head.iter().all(|b| (b' '..=b'~').contains(b) || b.is_ascii_whitespace()) {
        return format!("it begins with {}", crate::schema::message::quote(&String::from_utf8_lossy(head)));
    }
    let hex: Vec<String> = head.iter().take(8).map(|b| format!("{b:02x}")).collect();
    format!("it begins with the bytes {}", hex.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(file: &[u8]) -> String {
        Format::of(file).unwrap_err().to_string()
    }

    #[test]
    fn formats_are_told_by_content() {
        for (file, format) in [
            (&b"{\"learner\":{},\"version\":[3,2,0]}"[..], Format::Xgboost),
            (b"{\"Config\":{},\"Model\":{\"learner\":{}}}", Format::Xgboost),
            (b"\xef\xbb\xbf{ \"version\": [1], \"learner\": {} }", Format::Xgboost),
            (b"{L\x00\x00\x00\x00\x00\x00\x00\x07learner{", Format::Xgboost),
            (b"tree\r\nversion=v4\r\n", Format::Lightgbm),
            (b"\x08\x08\x12\x08skl2onnx:\x02\x0a\x00", Format::Onnx),
            (b"\x08\x08\x12\x08skl2onnx:\x7f\x0a", Format::Onnx),
            (b"{\"hedgerow_exchange\": 1}", Format::Exchange),
            // Cut off: the reader says where.
            (b"{\"version\": [3], \"learner\": {\"x\": [1, 2", Format::Xgboost),
        ] {
            assert_eq!(Format::of(file).ok(), Some(format), "{file:?}");
        }
    }

    #[test]
    fn what_is_not_read_is_named() {
        for (file, word) in [
            (&b""[..], "the file is empty"),
            (b"\x80\x05\x95", "pickle"),
            (b"\x78\x9c\x01", "joblib"),
            (b"CBM1\x00", "CatBoost"),
            (b"{\"oblivious_trees\": []}", "CatBoost"),
            (b"{\"name\": \"tree\", \"tree_info\": []}", "dump_model"),
            (b"[{\"nodeid\": 0}]", "dump_model"),
            (b"booster[0]:\n0:[f0<1]", "text dump"),
            (b"<?xml version=\"1.0\"?><PMML/>", "PMML"),
            (b"\x89HEDGE\r\n\x1a\n", "imported or trained already"),
            (b"a,b\n1,2\n", "begins with `a,b"),
            (b"\x00\x01\x02", "00 01 02"),
            (b"{\"a\": 1, \"b\": 2}", "its keys are: a, b"),
            (b"{\"a\": 1,, }", "begins as JSON, but is none"),
        ] {
            let e = seen(file);
            assert!(e.contains(word) && e.contains("what is read"), "{file:?}: {e}");
        }
        let deep = [b"{\"a\":".to_vec(), vec![b'['; 1 << 20]].concat();
        assert!(seen(&deep).contains("begins as JSON, but is none"));
        assert!("xgbost".parse::<Format>().unwrap_err().to_string().contains("did you mean `xgboost`"));
    }
}
