//! The one error type: opaque, with a kind to match on and a message for a person.
//!
//! Messages are in lower case, name the thing that is wrong and say what would be right. A bad *record* is not an error: it is
//! an answer ([`Violation`](crate::schema::Violation)).

use std::fmt;

/// What every fallible function here returns.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, and while doing what.
///
/// ```
/// use hedgerow::error::{Error, ErrorKind};
/// let e = Error::new(ErrorKind::Config, "unknown key `sclaer` (did you mean `scaler`?)").context("reading config.yaml");
/// assert_eq!(e.kind(), ErrorKind::Config);
/// assert_eq!(e.to_string(), "reading config.yaml: unknown key `sclaer` (did you mean `scaler`?)");
/// ```
pub struct Error(Box<Inner>);

struct Inner {
    kind: ErrorKind,
    /// The message, then what it happened within, innermost first.
    chain: Vec<String>,
}

/// The part of the work an error belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An artifact is damaged, forged, of an unknown format, or contradicts itself.
    Artifact,
    /// A schema contradicts itself.
    Schema,
    /// A feature expression does not parse or does not type-check.
    Expr,
    /// Training or scoring data cannot be used.
    Data,
    /// A model file of another library is damaged, contradicts itself or holds what is not understood.
    Import,
    /// A model holds what a foreign format has no words for.
    Export,
    /// A config or an argument cannot be used.
    Config,
    /// The work was interrupted, or has used up the time or memory it was given.
    Interrupted,
    /// The operating system refused.
    Io,
}

impl Error {
    /// A new error. `message`: lower case, names the thing, says what would be right.
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error(Box::new(Inner { kind, chain: vec![message.into()] }))
    }

    /// Says what was being done when it happened; the outermost context is printed first.
    #[must_use]
    #[inline(never)]
    pub fn context(mut self, doing: impl Into<String>) -> Self {
        self.0.chain.push(doing.into());
        self
    }

    /// With each part of its text changed by `f`.
    #[cfg(feature = "cli")]
    #[must_use]
    pub(crate) fn map(mut self, f: impl Fn(&str) -> String) -> Self {
        for part in &mut self.0.chain {
            *part = f(part);
        }
        self
    }

    /// The part of the work it belongs to.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.0.chain.iter().rev().enumerate() {
            if i > 0 {
                f.write_str(": ")?;
            }
            f.write_str(part)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.0.kind)
    }
}

impl std::error::Error for Error {}

#[cfg(feature = "cli")]
impl From<std::io::Error> for Error {
    fn from(e: std::io::Error) -> Self {
        Error::new(ErrorKind::Io, e.to_string())
    }
}

/// ` (did you mean `near`?)` for the candidate nearest to `word`, or nothing where none is near: what an error about an
/// unknown name ends with.
#[cfg(feature = "cli")]
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    nearest(word, candidates).map_or_else(String::new, |c| format!(" (did you mean `{c}`?)"))
}

/// The first of the candidates nearest to `word`, upper and lower case alike; `None` where more than half of the letters
/// differ, or where `word` is too long to be a mistyped name.
#[cfg(feature = "cli")]
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    // The distance takes time in the product of the lengths.
    const LONGEST: usize = 256;
    let lower = word.to_lowercase();
    candidates
        .into_iter()
        .filter(|c| c.len().max(word.len()) <= LONGEST)
        .map(|c| (strsim::normalized_damerau_levenshtein(&lower, &c.to_lowercase()), c))
        .filter(|(score, _)| *score >= 0.5)
        .fold(None, |best: Option<(f64, &str)>, x| if best.is_none_or(|b| x.0 > b.0) { Some(x) } else { best })
        .map(|(_, c)| c)
}
