//! Universal Binary JSON, as far as XGBoost and others write it: a `serde` deserializer over a slice.
//!
//! Draft 12 of the specification (ubjson.org): a marker byte, then the value, numbers in big-endian order. Containers are open (up to
//! `]` or `}`), counted (`#` and a length) or, arrays of numbers only, typed and counted (`$`, a marker, `#`, a length). What is not
//! read: typed objects, arrays of anything but numbers under `$`, high-precision numbers. No memory is taken before the bytes
//! that fill it are there.

use serde::de::value::BorrowedStrDeserializer;
use serde::de::{self, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use std::fmt;

/// Most containers within each other.
const MAX_DEPTH: usize = 64;

/// Reads one value that fills the whole slice.
pub(super) fn from_slice<'a, T: de::Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Error> {
    let mut reader = Reader { bytes, at: 0, depth: 0 };
    let marker = reader.marker()?;
    let value = T::deserialize(Value { reader: &mut reader, marker }).map_err(|e| e.at(reader.at))?;
    match bytes.len() - reader.at {
        0 => Ok(value),
        n => Err(error(format!("{n} bytes follow the value")).at(reader.at)),
    }
}

/// What is wrong, and at which byte.
#[derive(Debug, PartialEq)]
pub(super) struct Error {
    message: String,
    at: Option<usize>,
}

fn error(message: impl Into<String>) -> Error {
    Error { message: message.into(), at: None }
}

impl Error {
    fn at(mut self, at: usize) -> Error {
        self.at.get_or_insert(at);
        self
    }
}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        error(message.to_string())
    }
}

impl std::error::Error for Error {}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.at.map_or(Ok(()), |at| write!(f, " at byte {at}"))
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    depth: usize,
}

impl<'a> Reader<'a> {
    fn left(&self) -> usize {
        self.bytes.len() - self.at
    }

    fn take(&mut self, n: usize) -> Result<&'a [u8], Error> {
        let Some(taken) = self.bytes.get(self.at..).and_then(|rest| rest.get(..n)) else {
            return Err(error(format!("the file ends where {n} more bytes are due")).at(self.at));
        };
        self.at += n;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Error> {
        let mut out = [0; N];
        out.copy_from_slice(self.take(N)?);
        Ok(out)
    }

    fn peek(&self) -> Result<u8, Error> {
        self.bytes.get(self.at).copied().ok_or_else(|| error("the file ends within a container").at(self.at))
    }

    /// The next marker; no-ops are passed over.
    fn marker(&mut self) -> Result<u8, Error> {
        loop {
            let [byte] = self.array()?;
            if byte != b'N' {
                return Ok(byte);
            }
        }
    }

    fn whole(&mut self, marker: u8) -> Result<i64, Error> {
        Ok(match marker {
            b'i' => i64::from(i8::from_be_bytes(self.array()?)),
            b'U' | b'C' => i64::from(u8::from_be_bytes(self.array()?)),
            b'I' => i64::from(i16::from_be_bytes(self.array()?)),
            b'l' => i64::from(i32::from_be_bytes(self.array()?)),
            b'L' => i64::from_be_bytes(self.array()?),
            other => return Err(error(format!("{} where a length is due", show(other))).at(self.at)),
        })
    }

    fn length(&mut self) -> Result<usize, Error> {
        let [marker] = self.array()?;
        let n = self.whole(marker)?;
        usize::try_from(n).map_err(|_| error(format!("a length of {n}")).at(self.at))
    }

    fn text(&mut self) -> Result<&'a str, Error> {
        let n = self.length()?;
        let at = self.at;
        std::str::from_utf8(self.take(n)?).map_err(|_| error("a text that is no UTF-8").at(at))
    }

    /// Refuses a count that the rest of the file cannot hold.
    fn fits(&self, count: usize, size: usize) -> Result<(), Error> {
        match count.checked_mul(size) {
            Some(bytes) if bytes <= self.left() => Ok(()),
            _ => Err(error(format!("a container of {count} values, with {} bytes left", self.left())).at(self.at)),
        }
    }

    fn enter(&mut self) -> Result<(), Error> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(error(format!("more than {MAX_DEPTH} containers within each other")).at(self.at));
        }
        Ok(())
    }
}

fn show(marker: u8) -> String {
    if marker.is_ascii_graphic() { format!("`{}`", char::from(marker)) } else { format!("byte {marker:#04x}") }
}

/// Bytes of a number with this marker.
fn size(marker: u8) -> Option<usize> {
    Some(match marker {
        b'i' | b'U' => 1,
        b'I' => 2,
        b'l' | b'd' => 4,
        b'L' | b'D' => 8,
        _ => return None,
    })
}

/// A value whose marker was read.
struct Value<'r, 'a> {
    reader: &'r mut Reader<'a>,
    marker: u8,
}

impl<'de> Deserializer<'de> for Value<'_, 'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let reader = self.reader;
        match self.marker {
            b'Z' => visitor.visit_unit(),
            b'T' => visitor.visit_bool(true),
            b'F' => visitor.visit_bool(false),
            b'd' => visitor.visit_f32(f32::from_be_bytes(reader.array()?)),
            b'D' => visitor.visit_f64(f64::from_be_bytes(reader.array()?)),
            b'S' => visitor.visit_borrowed_str(reader.text()?),
            b'[' => array(reader, visitor),
            b'{' => object(reader, visitor),
            b'i' | b'U' | b'I' | b'l' | b'L' | b'C' => visitor.visit_i64(reader.whole(self.marker)?),
            b'H' => Err(error("a high-precision number, which is not read").at(reader.at)),
            other => Err(error(format!("{} where a value is due", show(other))).at(reader.at)),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.marker == b'Z' { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map
        struct enum identifier ignored_any
    }
}

fn array<'a, V: Visitor<'a>>(reader: &mut Reader<'a>, visitor: V) -> Result<V::Value, Error> {
    reader.enter()?;
    let mut marker = None;
    if reader.peek()? == b'$' {
        reader.take(1)?;
        let [of] = reader.array()?;
        let each = size(of).ok_or_else(|| {
            error(format!("an array of type {}: only arrays of numbers have one type", show(of))).at(reader.at)
        })?;
        if reader.peek()? != b'#' {
            return Err(error("a typed array without a length").at(reader.at));
        }
        marker = Some((of, each));
    }
    let mut count = None;
    if reader.peek()? == b'#' {
        reader.take(1)?;
        let n = reader.length()?;
        reader.fits(n, marker.map_or(1, |(_, each)| each))?;
        count = Some(n);
    }
    let mut items = Items { reader, marker: marker.map(|(of, _)| of), count, ended: count == Some(0) };
    let value = visitor.visit_seq(&mut items)?;
    while items.next_element::<de::IgnoredAny>()?.is_some() {}
    items.reader.depth -= 1;
    Ok(value)
}

struct Items<'r, 'a> {
    reader: &'r mut Reader<'a>,
    /// Of a typed array.
    marker: Option<u8>,
    /// How many are left of a counted array.
    count: Option<usize>,
    ended: bool,
}

impl<'a> SeqAccess<'a> for Items<'_, 'a> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        if self.ended {
            return Ok(None);
        }
        let marker = match self.marker {
            Some(marker) => marker,
            None => self.reader.marker()?,
        };
        match &mut self.count {
            None if marker == b']' => {
                self.ended = true;
                return Ok(None);
            }
            None => {}
            Some(n) => {
                *n -= 1;
                self.ended = *n == 0;
            }
        }
        seed.deserialize(Value { reader: &mut *self.reader, marker }).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        self.count
    }
}

fn object<'a, V: Visitor<'a>>(reader: &mut Reader<'a>, visitor: V) -> Result<V::Value, Error> {
    reader.enter()?;
    let mut count = None;
    match reader.peek()? {
        b'$' => return Err(error("an object with one type for all its values, which is not read").at(reader.at)),
        b'#' => {
            reader.take(1)?;
            let n = reader.length()?;
            reader.fits(n, 1)?;
            count = Some(n);
        }
        _ => {}
    }
    let mut entries = Entries { reader, count, ended: count == Some(0) };
    let value = visitor.visit_map(&mut entries)?;
    while entries.next_entry::<de::IgnoredAny, de::IgnoredAny>()?.is_some() {}
    entries.reader.depth -= 1;
    Ok(value)
}

struct Entries<'r, 'a> {
    reader: &'r mut Reader<'a>,
    /// How many are left of a counted object.
    count: Option<usize>,
    ended: bool,
}

impl<'a> MapAccess<'a> for Entries<'_, 'a> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'a>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        if self.ended {
            return Ok(None);
        }
        match &mut self.count {
            None => {
                while self.reader.peek()? == b'N' {
                    self.reader.take(1)?;
                }
                if self.reader.peek()? == b'}' {
                    self.reader.take(1)?;
                    self.ended = true;
                    return Ok(None);
                }
            }
            Some(n) => {
                *n -= 1;
                self.ended = *n == 0;
            }
        }
        seed.deserialize(BorrowedStrDeserializer::new(self.reader.text()?)).map(Some)
    }

    fn next_value_seed<T: DeserializeSeed<'a>>(&mut self, seed: T) -> Result<T::Value, Error> {
        let marker = self.reader.marker()?;
        seed.deserialize(Value { reader: &mut *self.reader, marker })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value as Json, json};

    fn read(bytes: &[u8]) -> Result<Json, String> {
        from_slice(bytes).map_err(|e| e.to_string())
    }

    #[test]
    fn every_kind_of_value_is_read() {
        let cases: [(&[u8], Json); 17] = [
            (b"Z", json!(null)),
            (b"T", json!(true)),
            (b"NNF", json!(false)),
            (b"i\xff", json!(-1)),
            (b"U\xff", json!(255)),
            (b"I\x80\x00", json!(-32768)),
            (b"l\x00\x00\x01\x00", json!(256)),
            (b"L\x80\x00\x00\x00\x00\x00\x00\x00", json!(i64::MIN)),
            (b"CA", json!(65)),
            (b"d\x3f\x80\x00\x00", json!(1.0)),
            (b"D\x3f\xb9\x99\x99\x99\x99\x99\x9a", json!(0.1)),
            (b"Si\x03\xe2\x82\xac", json!("€")),
            (b"[i\x01ZN]", json!([1, null])),
            (b"[#U\x02i\x01F", json!([1, false])),
            (b"[$I#L\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01\xff\xff", json!([1, -1])),
            (b"{i\x01aZNU\x01b[]}", json!({"a": null, "b": []})),
            (b"{#i\x01i\x01a{}", json!({"a": {}})),
        ];
        for (bytes, expected) in cases {
            assert_eq!(read(bytes).unwrap(), expected, "{bytes:?}");
        }
    }

    #[test]
    fn what_is_broken_is_an_error_that_names_the_byte() {
        let cases: [(&[u8], &str); 15] = [
            (b"", "the file ends where 1 more bytes are due at byte 0"),
            (b"ZZ", "1 bytes follow the value at byte 1"),
            (b"L\x00", "the file ends where 8 more bytes are due at byte 1"),
            (b"[i\x01", "the file ends where 1 more bytes are due at byte 3"),
            (b"[", "the file ends within a container at byte 1"),
            (b"{i\x01a", "the file ends where 1 more bytes are due at byte 4"),
            (b"Si\xff", "a length of -1 at byte 3"),
            (
                b"SL\x10\x00\x00\x00\x00\x00\x00\x00",
                "the file ends where 1152921504606846976 more bytes are due at byte 10",
            ),
            (b"Si\x01\xff", "a text that is no UTF-8 at byte 3"),
            (
                b"[$d#L\x10\x00\x00\x00\x00\x00\x00\x00",
                "a container of 1152921504606846976 values, with 0 bytes left at byte 13",
            ),
            (
                b"[#L\x10\x00\x00\x00\x00\x00\x00\x00Z",
                "a container of 1152921504606846976 values, with 1 bytes left at byte 11",
            ),
            // Values without bytes: a count of them would be free.
            (
                b"[$Z#L\x10\x00\x00\x00\x00\x00\x00\x00",
                "an array of type `Z`: only arrays of numbers have one type at byte 3",
            ),
            (b"[$i]", "a typed array without a length at byte 3"),
            (b"{$i#i\x01", "an object with one type for all its values, which is not read at byte 1"),
            (b"Hi\x011", "a high-precision number, which is not read at byte 1"),
        ];
        for (bytes, expected) in cases {
            assert_eq!(read(bytes).unwrap_err(), expected, "{bytes:?}");
        }
    }

    #[test]
    fn nesting_has_an_end() {
        let nested = |n: usize| [vec![b'['; n], vec![b']'; n]].concat();
        assert!(read(&nested(MAX_DEPTH)).is_ok());
        let message = "more than 64 containers within each other at byte 65";
        assert_eq!(read(&nested(MAX_DEPTH + 1)).unwrap_err(), message);
        assert_eq!(from_slice::<de::IgnoredAny>(&vec![b'['; 1 << 20]).unwrap_err().to_string(), message);
    }
}
