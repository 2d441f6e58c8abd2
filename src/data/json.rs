//! One JSON object as a record.
//!
//! `serde_json` proves the syntax and finds the values; names and texts are then decoded here, because it refuses what a
//! record may well hold: a lone surrogate (`"\ud800"`, read as U+FFFD, as JavaScript's own encoder does) and a number
//! beyond the largest `f64` (read as infinite, as JavaScript does, which is missing at the door).

use crate::error::{Error, ErrorKind, Result};
use crate::schema::Cell;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::ops::Range;

/// An object's names and values, as parts of its text.
#[derive(Clone, Debug)]
pub(super) struct Object {
    text: String,
    /// In the order of the names, equal names in the order of the text.
    entries: Vec<Entry>,
}

#[derive(Clone, Debug)]
struct Entry {
    name: Box<str>,
    value: Range<usize>,
}

impl Object {
    /// Reads the object that is all of `text`. Values of any depth are passed over, not built.
    pub(super) fn parse(text: String) -> Result<Object> {
        let refuse = |message: String| Error::new(ErrorKind::Data, message);
        if !text.trim_ascii_start().starts_with('{') {
            let what = value(text.trim_ascii());
            let what = match what {
                Cell::Other(name) => format!("an {name}"),
                Cell::Number(v) if v.is_nan() => "no JSON".into(),
                _ => "a single value".into(),
            };
            return Err(refuse(format!("it holds {what}: one JSON object per line is expected")));
        }
        let mut found = Vec::new();
        let mut json = serde_json::Deserializer::from_str(&text);
        json.deserialize_map(Entries(&mut found)).and_then(|()| json.end()).map_err(|e| {
            let message = e.to_string();
            let message = message.split(" at line ").next().unwrap_or_default();
            refuse(format!("it is no JSON object: {message} (column {})", e.column()))
        })?;
        let start = text.as_ptr() as usize;
        let mut entries: Vec<Entry> = found
            .into_iter()
            .map(|(name, value)| {
                let at = value.as_ptr() as usize - start;
                Entry { name: unquote(name).into(), value: at..at + value.len() }
            })
            .collect();
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Object { text, entries })
    }

    /// The value under `name`. A name that is there twice has none.
    pub(super) fn get(&self, name: &str) -> Cell<'_> {
        let at = self.entries.partition_point(|e| &*e.name < name);
        match &self.entries[at..] {
            [a, b, ..] if &*a.name == name && &*b.name == name => Cell::Other(TWICE),
            [a, ..] if &*a.name == name => value(&self.text[a.value.clone()]),
            _ => Cell::Missing,
        }
    }

    /// The value under `name` as it is written, the first of several.
    pub(super) fn written(&self, name: &str) -> Option<&str> {
        let at = self.entries.partition_point(|e| &*e.name < name);
        self.entries.get(at).filter(|e| &*e.name == name).map(|e| &self.text[e.value.clone()])
    }

    /// Each name once, in the order of the text.
    pub(super) fn names(&self) -> Vec<&str> {
        let mut names: Vec<&Entry> = self.entries.iter().collect();
        names.dedup_by(|b, a| a.name == b.name);
        names.sort_by_key(|e| e.value.start);
        names.into_iter().map(|e| &*e.name).collect()
    }
}

/// What stands for the value of a name that is given more than once.
pub(super) const TWICE: &str = "two values of one name";

/// A JSON value, known to be one, as a cell.
pub(super) fn value(json: &str) -> Cell<'_> {
    match json.as_bytes().first() {
        Some(b'"') => Cell::Text(unquote(json)),
        Some(b't') => Cell::Flag(true),
        Some(b'f') => Cell::Flag(false),
        Some(b'{') => Cell::Other("object"),
        Some(b'[') => Cell::Other("array"),
        Some(b'n') => Cell::Missing,
        _ => Cell::Number(json.parse().unwrap_or(f64::NAN)),
    }
}

/// The text of a JSON string, known to be one.
pub(super) fn unquote(json: &str) -> Cow<'_, str> {
    let inner = json.strip_prefix('"').and_then(|s| s.strip_suffix('"')).unwrap_or(json);
    let Some(first) = inner.find('\\') else { return Cow::Borrowed(inner) };
    let (mut out, mut rest) = (inner[..first].to_owned(), &inner[first..]);
    while let Some(at) = rest.find('\\') {
        out.push_str(&rest[..at]);
        let escaped = rest[at + 1..].chars().next();
        rest = &rest[at + 1 + escaped.map_or(0, char::len_utf8)..];
        match escaped {
            Some('n') => out.push('\n'),
            Some('t') => out.push('\t'),
            Some('r') => out.push('\r'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('u') => {
                let Some(unit) = hex4(rest) else { break };
                rest = &rest[4..];
                // A leading surrogate takes the trailing one that follows it, if one does.
                let pair = (0xd800..0xdc00).contains(&unit).then(|| rest.strip_prefix("\\u").and_then(hex4)).flatten();
                match pair.filter(|low| (0xdc00..0xe000).contains(low)) {
                    Some(low) => {
                        rest = &rest[6..];
                        let code = 0x1_0000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
                        out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                    }
                    None => out.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER)),
                }
            }
            Some(plain) => out.push(plain),
            None => break,
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// The number that the first four characters are in base 16.
fn hex4(text: &str) -> Option<u32> {
    u32::from_str_radix(text.get(..4)?, 16).ok()
}

/// Collects an object's entries as they are written.
struct Entries<'v, 'de>(&'v mut Vec<(&'de str, &'de str)>);

impl<'de> Visitor<'de> for Entries<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some((name, value)) = map.next_entry::<&'de RawValue, &'de RawValue>()? {
            self.0.push((name.get(), value.get()));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(text: &str) -> Object {
        Object::parse(text.into()).unwrap()
    }

    #[test]
    fn values_keep_their_types() {
        let o =
            object(r#" {"b": "x\ty", "a": -1.5e2, "t": true, "n": null, "l": [1, {"a": 2}], "o": {}, "big": 1e999} "#);
        assert_eq!(o.get("a"), Cell::Number(-150.0));
        assert_eq!(o.get("b"), Cell::Text("x\ty".into()));
        assert_eq!(o.get("t"), Cell::Flag(true));
        assert_eq!(o.get("n"), Cell::Missing);
        assert_eq!(o.get("l"), Cell::Other("array"));
        assert_eq!(o.get("o"), Cell::Other("object"));
        assert_eq!(o.get("big"), Cell::Number(f64::INFINITY));
        assert_eq!(o.get("none"), Cell::Missing);
        assert_eq!(o.names(), ["b", "a", "t", "n", "l", "o", "big"]);
        assert_eq!(o.written("l"), Some(r#"[1, {"a": 2}]"#));
    }

    #[test]
    fn texts_are_decoded_as_javascript_would() {
        for (json, text) in [
            (r#""""#, ""),
            (r#""é\u00e9\n\"\\\/\b\f\r\t""#, "éé\n\"\\/\u{8}\u{c}\r\t"),
            (r#""\ud83d\ude00!""#, "😀!"),
            (r#""\ud83d""#, "\u{fffd}"),
            (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
            (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
            (r#""\ud83dx\u0041""#, "\u{fffd}xA"),
        ] {
            assert_eq!(unquote(json), text, "{json}");
            assert_eq!(object(&format!("{{\"k\": {json}}}")).get("k"), Cell::Text(text.into()), "{json}");
            assert_eq!(object(&format!("{{{json}: 1}}")).get(text), Cell::Number(1.0), "{json}");
        }
    }

    #[test]
    fn a_name_given_twice_has_no_value() {
        let o = object(r#"{"a": 1, "b": 2, "\u0061": 3, "__proto__": {"a": 9}, "constructor": "x"}"#);
        assert_eq!(o.get("a"), Cell::Other(TWICE));
        assert_eq!(o.get("b"), Cell::Number(2.0));
        assert_eq!(o.get("__proto__"), Cell::Other("object"));
        assert_eq!(o.names(), ["a", "b", "__proto__", "constructor"]);
    }

    #[test]
    fn what_is_no_object_is_refused_with_its_place() {
        for (text, message) in [
            ("[1, 2]", "it holds an array: one JSON object per line is expected"),
            ("12", "it holds a single value: one JSON object per line is expected"),
            ("age,income", "it holds no JSON: one JSON object per line is expected"),
            ("", "it holds no JSON: one JSON object per line is expected"),
            (r#"{"a": 1"#, "it is no JSON object: EOF while parsing an object (column 7)"),
            (r#"{"a": 1} {"#, "it is no JSON object: trailing characters (column 10)"),
            (r#"{"a": NaN}"#, "it is no JSON object: expected value (column 7)"),
            (r#"{"a": "\q"}"#, "it is no JSON object: invalid escape (column 9)"),
            (r#"{a: 1}"#, "it is no JSON object: key must be a string (column 2)"),
        ] {
            assert_eq!(Object::parse(text.into()).unwrap_err().to_string(), message, "{text}");
        }
    }

    #[test]
    fn depth_costs_no_stack() {
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(400_000), "]".repeat(400_000));
        assert_eq!(object(&deep).get("a"), Cell::Other("array"));
    }
}
