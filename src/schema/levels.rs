//! The levels of a category, and the way from a text or a number to a level's index.

use super::order::{order, twice};
use crate::error::{Error, ErrorKind, Result};
use crate::wire::{Decode, Encode, EncodeError, Encoder, Refused, Source};
use std::ops::Deref;

/// Up to here a scan over the names is as fast as a search.
const FEW: usize = 8;

/// The levels of a category, in slot order: the slot of level `k` is `k`. It reads as a slice of names.
///
/// On the wire it is the names alone; the two indices beside them are built when it is made or decoded.
///
/// ```
/// use hedgerow::schema::Levels;
/// let levels = Levels::from(["1", "2", "other"]);
/// assert_eq!(levels.len(), 3);
/// assert_eq!(levels.find("other"), Some(2));
/// assert_eq!(levels.find_number(2.0), Some(1));
/// assert_eq!(levels.find("3"), None);
/// ```
#[derive(Clone, Default)]
pub struct Levels {
    names: Vec<String>,
    /// Indices of the names, in the order of the names; empty when there are few.
    by_name: Vec<u32>,
    /// The names that read as finite numbers, ascending, of equals the first level first.
    by_number: Vec<(f64, u32)>,
}

impl Levels {
    /// The index of the level of this very name.
    pub fn find(&self, name: &str) -> Option<usize> {
        if self.by_name.is_empty() {
            return self.names.iter().position(|level| level == name);
        }
        let at = self.by_name.binary_search_by(|&k| self.names[k as usize].as_str().cmp(name)).ok()?;
        Some(self.by_name[at] as usize)
    }

    /// The index of the level whose name reads as this number; of several ("1", "1.0") the first.
    pub fn find_number(&self, number: f64) -> Option<usize> {
        let at = self.by_number.partition_point(|&(v, _)| v < number);
        self.by_number.get(at).filter(|&&(v, _)| v == number).map(|&(_, k)| k as usize)
    }

    /// The index of the only level that is the same number, spelt with or without decimal places (`2.0` and `2`): what CSV
    /// writers do to a column of whole numbers in which some are missing. `007` is no such number.
    #[inline(never)]
    pub fn find_spelt(&self, text: &str) -> Option<usize> {
        let plain = |text: &str| {
            let digits = text.strip_prefix('-').unwrap_or(text).as_bytes();
            let whole = digits.iter().position(|b| *b == b'.').unwrap_or(digits.len());
            let sound = digits.iter().enumerate().all(|(i, b)| b.is_ascii_digit() || i == whole);
            sound && whole > 0 && (whole == 1 || digits[0] != b'0')
        };
        let number = if plain(text) { super::row::number(text)? } else { return None };
        let at = self.by_number.partition_point(|&(v, _)| v < number);
        match &self.by_number[at..] {
            [(v, k), rest @ ..] if *v == number && rest.first().is_none_or(|(next, _)| *next != number) => {
                plain(&self.names[*k as usize]).then_some(*k as usize)
            }
            _ => None,
        }
    }

    /// At least one level, each with a name of 1 to [`MAX_NAME`](super::MAX_NAME) bytes, each once, at most 2^32 - 1 of them.
    #[inline(never)]
    pub(super) fn check(&self) -> Result<()> {
        let refuse = |message: String| Err(Error::new(ErrorKind::Schema, message));
        if self.names.is_empty() || self.names.len() >= u32::MAX as usize {
            return refuse(format!("it has {} levels: at least one is needed", self.names.len()));
        }
        for (k, name) in self.names.iter().enumerate() {
            if name.trim_ascii().is_empty() || name.len() > super::MAX_NAME {
                return refuse(format!(
                    "level {k} is empty or {} bytes long: 1 to {} are allowed, not all spaces",
                    name.len(),
                    super::MAX_NAME
                ));
            }
        }
        let name = |k: u32| &self.names[k as usize];
        // What has been sorted already is not sorted again.
        let twice = match &self.by_name[..] {
            [] => twice(self.names.len(), &|a, b| name(a) < name(b)),
            sorted => sorted.windows(2).find(|w| name(w[0]) == name(w[1])).map(|w| w[0]),
        };
        match twice {
            Some(k) => refuse(format!("level {} is listed twice", super::message::quote(name(k)))),
            None => Ok(()),
        }
    }
}

impl From<Vec<String>> for Levels {
    #[inline(never)]
    fn from(names: Vec<String>) -> Self {
        let by_name = match names.len() {
            ..=FEW => Vec::new(),
            n => order(n, &|a, b| names[a as usize] < names[b as usize]),
        };
        let read = |(k, name): (usize, &String)| Some((super::row::number(name)?, k as u32));
        let numbers: Vec<(f64, u32)> = names.iter().enumerate().filter_map(read).collect();
        let before = |a: u32, b: u32| numbers[a as usize].0.total_cmp(&numbers[b as usize].0).is_lt();
        let by_number = order(numbers.len(), &before).into_iter().map(|k| numbers[k as usize]).collect();
        Levels { names, by_name, by_number }
    }
}

impl<const N: usize> From<[&str; N]> for Levels {
    fn from(names: [&str; N]) -> Self {
        names.into_iter().collect()
    }
}

impl<S: Into<String>> FromIterator<S> for Levels {
    fn from_iter<I: IntoIterator<Item = S>>(names: I) -> Self {
        names.into_iter().map(Into::into).collect::<Vec<String>>().into()
    }
}

impl Deref for Levels {
    type Target = [String];
    fn deref(&self) -> &[String] {
        &self.names
    }
}

impl<'a> IntoIterator for &'a Levels {
    type Item = &'a String;
    type IntoIter = std::slice::Iter<'a, String>;
    fn into_iter(self) -> Self::IntoIter {
        self.names.iter()
    }
}

impl PartialEq for Levels {
    fn eq(&self, other: &Self) -> bool {
        self.names == other.names
    }
}

impl Eq for Levels {}

impl std::fmt::Debug for Levels {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.names.fmt(f)
    }
}

impl Encode for Levels {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.names.encode(encoder)
    }
}

impl Decode for Levels {
    fn decode(source: &mut Source<'_>) -> Result<Self, Refused> {
        Ok(source.read::<Vec<String>>()?.into())
    }
}
