//! Door 2: the `.hedge` file.
//!
//! [`Artifact::read`] takes a file from anyone and proves everything about it that prediction relies on: the container
//! ([`container`]: signature, version, lengths, digest), a decoding bounded in bytes and depth ([`wire`]), and
//! [`Artifact::check`] (indices in range, shapes that agree, finite numbers, distinct labels). After it, prediction cannot fail, loop or
//! panic. The same content gives the same file, byte for byte: nothing in it comes from a clock.
//!
//! ```
//! use hedgerow::artifact::{Artifact, Container};
//! let mut file = std::fs::read("tests/golden/format-1.hedge").unwrap();
//! let id = Container::open(&file).unwrap().id();
//! let artifact = Artifact::read(&file).unwrap();
//! assert_eq!((artifact.name.as_str(), artifact.witnesses.len(), id.len()), ("everything", 8, 64));
//!
//! file[1000] ^= 1;
//! let e = Artifact::read(&file).unwrap_err();
//! assert_eq!(e.to_string(), "the file was changed after it was written: its SHA-256 is not the one it carries");
//! ```
//!
//! [`Witness`]es ride along and are replayed by [`Engine::load`](crate::engine::Engine::load).

pub mod container;
#[cfg(feature = "cli")]
pub mod header;
pub mod summary;
mod witness;

pub use container::Container;
pub use witness::{WITNESSES, Witness};

use crate::error::{Error, ErrorKind, Result};
use crate::math::BLOCK;
use crate::model::{MAX_CLASSES, Model, Runner};
use crate::pipeline::{Pipeline, Ready};
use crate::profile::Profile;
use crate::schema::message::quote;
use crate::schema::order;
use crate::schema::{MAX_NAME, Record, Schema, Violation};
use crate::time;
use crate::wire::{self, Encode, decodes};

/// The version of the file format.
pub const FORMAT: u16 = 1;

/// Everything in a `.hedge` file.
#[derive(Clone, Debug, PartialEq, Encode)]
pub struct Artifact {
    /// Name, e.g. `innovation_classifier`: `a-z`, `0-9`, `_`, `.`, `-`, at most 128 of them.
    pub name: String,
    /// Version, e.g. `2.3.1`: letters, digits, `.`, `+`, `-`, `_`, at most 64 of them.
    pub version: String,
    /// Class labels, in the order of `probability`.
    pub classes: Vec<String>,
    /// What a record is.
    pub schema: Schema,
    /// From a row to `x`.
    pub pipeline: Pipeline,
    /// From `x` to probabilities.
    pub model: Model,
    /// Two classes: the least probability of class 1 that makes it the prediction, in 0..=1. `None`: the most probable class is.
    pub threshold: Option<f64>,
    /// The training data's counts.
    pub profile: Profile,
    /// Raw records with the bits of their answers.
    pub witnesses: Vec<Witness>,
}

decodes!(struct Artifact { name, version, classes, schema, pipeline, model, threshold, profile, witnesses });

/// The numbers between a record and its answer; buffers that are used again for the next.
#[derive(Clone, Debug)]
pub struct Work {
    /// The row, then the derived features.
    pub slots: Vec<f64>,
    /// What the model reads.
    pub x: Vec<f64>,
    /// Per class.
    pub probability: Vec<f64>,
    ready: Ready,
    runner: Runner,
}

/// The numbers between many rows and their answers, by columns of [`BLOCK`](crate::math::BLOCK).
#[derive(Clone, Debug)]
pub struct Block {
    /// The rows' fields, then the derived features.
    pub slots: Vec<f64>,
    /// What the model reads.
    pub x: Vec<f64>,
    /// Per class.
    pub probability: Vec<f64>,
    room: Vec<[f64; BLOCK]>,
    runner: Runner,
}

impl Artifact {
    /// Reads and proves a file. After it, prediction cannot fail.
    pub fn read(file: &[u8]) -> Result<Artifact> {
        Artifact::open(&Container::open(file)?)
    }

    /// Decodes and proves the body of a file that was taken apart.
    #[inline(never)]
    pub fn open(container: &Container<'_>) -> Result<Artifact> {
        let artifact: Artifact = wire::decode(container.body).map_err(|e| broken(undecodable(&e)))?;
        artifact.check()?;
        Ok(artifact)
    }

    /// The file: this artifact as the body, and `header` (JSON, see `header::Header`) before it. Refuses what
    /// [`read`](Self::read) would refuse.
    pub fn write(&self, header: &[u8]) -> Result<Vec<u8>> {
        self.check()?;
        let body = wire::encode(self).map_err(|_| broken("the artifact cannot be encoded"))?;
        wire::decode::<Artifact>(&body).map_err(|e| broken(undecodable(&e)))?;
        container::seal(header, &body)
    }

    /// Fills `witnesses` from raw records (cells as a CSV holds them, one per field, and their `as_of`): the first
    /// [`WITNESSES`] that the schema accepts.
    #[must_use]
    pub fn witnessed(mut self, records: impl IntoIterator<Item = (Vec<Option<String>>, f64)>) -> Artifact {
        let witnesses = records.into_iter().filter_map(|(r, as_of)| Witness::record(&self, r, as_of).ok());
        self.witnesses = witnesses.take(WITNESSES).collect();
        self
    }

    /// Whether this host gives every witness's bits.
    #[inline(never)]
    pub fn replay(&self) -> Result<()> {
        for (i, witness) in self.witnesses.iter().enumerate() {
            witness.replay(self).map_err(|e| e.context(format!("witness {i}")))?;
        }
        Ok(())
    }

    /// Buffers of the right lengths.
    pub fn work(&self) -> Work {
        Work {
            slots: vec![0.0; self.pipeline.n_slots(&self.schema)],
            x: vec![0.0; self.pipeline.encoders.n_columns()],
            probability: vec![0.0; self.classes.len()],
            ready: Ready::new(&self.pipeline.encoders),
            runner: Runner::new(&self.model),
        }
    }

    /// Record to slots: checks it, then computes the derived features; or all reasons why it is refused. `as_of`: what `now()`
    /// means, seconds since 1970 UTC.
    pub fn slots(&self, record: &dyn Record, as_of: f64, work: &mut Work) -> Result<(), Vec<Violation>> {
        self.schema.row(record, &mut work.slots[..self.schema.fields.len()])?;
        self.pipeline.derive(&mut work.slots, as_of);
        Ok(())
    }

    /// Slots to probabilities.
    pub fn predict(&self, work: &mut Work) {
        work.ready.encode(&self.pipeline.encoders, &work.slots, &mut work.x);
        work.runner.predict_proba(&self.model, &work.x, &mut work.probability);
    }

    /// Slots to probabilities, for `rows` rows of a block (see [`BLOCK`](crate::math::BLOCK)). `block`: from
    /// [`block`](Self::block).
    pub fn predict_block(&self, block: &mut Block, rows: usize, as_of: f64) {
        self.pipeline.derive_block(&mut block.slots, rows, as_of, &mut block.room);
        self.pipeline.encoders.encode_block(&block.slots, rows, &mut block.x);
        block.runner.predict_block(&self.model, &block.x, rows, &mut block.probability);
    }

    /// Columns of the right numbers.
    pub fn block(&self) -> Block {
        Block {
            slots: vec![0.0; self.pipeline.n_slots(&self.schema) * BLOCK],
            x: vec![0.0; self.pipeline.encoders.n_columns() * BLOCK],
            probability: vec![0.0; self.classes.len() * BLOCK],
            room: Vec::new(),
            runner: Runner::new(&self.model),
        }
    }

    /// The field or derived feature in slot `i`; empty if there is none.
    pub fn slot_name(&self, i: usize) -> &str {
        let n = self.schema.fields.len();
        match self.schema.fields.get(i) {
            Some(field) => &field.name,
            None => self.pipeline.derived.get(i.wrapping_sub(n)).map_or("", |d| &d.name),
        }
    }

    /// Proves that the parts are sound and fit each other.
    #[inline(never)]
    pub fn check(&self) -> Result<()> {
        check_names(&self.name, &self.version)?;
        let n = self.classes.len();
        if !(2..=MAX_CLASSES).contains(&n) {
            return Err(broken(format!("a classifier has 2 to {MAX_CLASSES} classes, this one has {n}")));
        }
        if self.classes.iter().any(|label| !(1..=MAX_NAME).contains(&label.len())) {
            return Err(broken(format!("a class label has 1 to {MAX_NAME} bytes")));
        }
        let label = |k: u32| &self.classes[k as usize];
        if let Some(k) = order::twice(n, &|a, b| label(a) < label(b)) {
            return Err(broken(format!("the class label {} is there twice", quote(label(k)))));
        }
        self.schema.check().map_err(|e| e.context("in the schema"))?;
        let columns = self.pipeline.check(&self.schema).map_err(|e| e.context("in the pipeline"))?;
        self.model.check().and_then(|()| self.model.fits(&columns)).map_err(|e| e.context("in the model"))?;
        if self.model.n_classes() != n {
            let m = self.model.n_classes();
            return Err(broken(format!("there are {n} class labels, the model tells {m} classes apart")));
        }
        if self.threshold.is_some_and(|t| n != 2 || !(0.0..=1.0).contains(&t)) {
            return Err(broken("a threshold is a probability, 0 to 1, of two classes"));
        }
        self.profile.check(&self.schema, &self.pipeline, n).map_err(|e| e.context("in the profile"))?;
        self.check_witnesses()
    }

    #[inline(never)]
    fn check_witnesses(&self) -> Result<()> {
        let (fields, columns) = (self.schema.fields.len(), self.pipeline.encoders.n_columns());
        if self.witnesses.len() > witness::MAX_WITNESSES {
            return Err(broken(format!("a file holds at most {} witnesses", witness::MAX_WITNESSES)));
        }
        for (i, w) in self.witnesses.iter().enumerate() {
            let shape = (w.record.len(), w.x.len(), w.probability.len());
            if shape != (fields, columns, self.classes.len()) {
                return Err(broken(format!("witness {i} has another shape than the model")));
            }
            if !(time::MIN..=time::MAX).contains(&w.as_of) {
                return Err(broken(format!("the time of witness {i} is none")));
            }
        }
        Ok(())
    }
}

/// What a model's name and version may be.
#[inline(never)]
pub(crate) fn check_names(name: &str, version: &str) -> Result<()> {
    let is = |text: &str, most: usize, ok: fn(u8) -> bool| (1..=most).contains(&text.len()) && text.bytes().all(ok);
    if !is(name, 128, |b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.' | b'-')) {
        return Err(broken("the model's name must be 1 to 128 of `a-z`, `0-9`, `_`, `.`, `-`"));
    }
    if !is(version, 64, |b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'+' | b'-' | b'_')) {
        return Err(broken("the model's version must be 1 to 64 letters, digits, `.`, `+`, `-`, `_`"));
    }
    Ok(())
}

#[inline(never)]
fn broken(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Artifact, message)
}

/// What a decoder's refusal means to a person. (Its own words would bring the formatting of every type along.)
#[inline(never)]
fn undecodable(e: &wire::DecodeError) -> String {
    use wire::DecodeError as E;
    let why = match e {
        E::UnexpectedEnd { .. } => "it ends within a value",
        E::LimitExceeded => "it announces more than its bytes can hold",
        E::Utf8 { .. } => "a text in it is not UTF-8",
        E::UnexpectedVariant { .. } => "it names a variant that this hedgerow does not know",
        E::Other(why) => why,
        _ => "it is not what it should be",
    };
    format!("the body cannot be read: {why}")
}
