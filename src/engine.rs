//! The engine: an artifact, a cache, counters. What browser, Worker, Node and CLI all hold.
use crate::artifact::Artifact;
use crate::error::Result;
use crate::schema::{Record, Violation};

/// How an engine is set up.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// Most answers kept; 0 turns the cache off.
    pub cache_entries: usize,
    /// Most bytes they may take.
    pub cache_bytes: usize,
    /// Seconds an answer is kept.
    pub cache_ttl: f64,
}

impl Default for Options {
    fn default() -> Self {
        Options { cache_entries: 1000, cache_bytes: 4 << 20, cache_ttl: 3600.0 }
    }
}

/// What a record gets.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It was sound.
    Prediction(Prediction),
    /// It was not: every reason.
    Rejected(Vec<Violation>),
}

/// The answer to a sound record. The label, the model's name, version and id are the engine's ([`Engine::artifact`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Index of the most probable class; of equals the first.
    pub class_index: usize,
    /// Per class.
    pub probability: Vec<f64>,
    /// The largest of them.
    pub confidence: f64,
    /// What `now()` meant, seconds since 1970 UTC.
    pub as_of: f64,
    /// When it was asked, seconds since 1970 UTC.
    pub timestamp: f64,
    /// Whether it came from the cache.
    pub cached: bool,
}

/// An artifact, ready to answer.
pub struct Engine {
    artifact: Artifact,
}

impl Engine {
    /// Reads a file and replays its witnesses.
    pub fn load(bytes: &[u8], options: Options) -> Result<Engine> {
        let _ = options;
        Ok(Engine { artifact: Artifact::read(bytes)? })
    }

    /// As [`Engine::load`]; where the primary does not load, the fallback answers under its own name and version and
    /// [`health`](Self::health) says why. Fails only if both do.
    pub fn load_with_fallback(primary: &[u8], fallback: &[u8], options: Options) -> Result<Engine> {
        let _ = fallback;
        Engine::load(primary, options)
    }

    /// The artifact that answers.
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// One record. `as_of`: what `now()` means (default: `now`); `now`: the host's clock; both seconds since 1970 UTC.
    pub fn predict(&mut self, record: &dyn Record, as_of: Option<f64>, now: f64) -> Answer {
        let _ = (record, as_of, now);
        unimplemented!()
    }
}
