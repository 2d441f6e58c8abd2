//! The engine: an artifact that answers. What browser, Worker, Node and command line all hold.
//!
//! ```text
//! record --schema--> row --derive--> slots --> cache? --hit-------------------> answer --count-->
//!           |                                   | miss                            ^
//!           v                                   v                                 |
//!       violations                          encoders --> x --> model --> keep ----+
//! ```
//!
//! Buffers are the engine's and are used again: to a sound record it allocates nothing. What is counted is all
//! traffic, whether it was remembered or not. The cache's key is every slot, so an answer that depends on the time is found again only where the
//! time makes no difference.

use crate::artifact::summary::{DerivedSummary, FieldSummary, Observed, SchemaSummary};
use crate::artifact::{Artifact, Block, Container, Work};
use crate::cache::{self, Cache, Key};
use crate::error::{Error, ErrorKind, Result};
use crate::math::{self, BLOCK};
use crate::profile::{Counter, Profile};
use crate::schema::{Code, Record, Violation};
use crate::time;
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::sync::Arc;

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
pub enum Answer<'a> {
    /// It was sound.
    Prediction(Prediction<'a>),
    /// It was not: every reason.
    Rejected(Vec<Violation>),
}

/// The answer to a sound record. The labels, the model's name, version and id are the engine's
/// ([`Engine::artifact`], [`Engine::id`]).
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction<'a> {
    /// Index of the predicted class: the most probable, of equals the first; with a threshold class 1 where its probability is
    /// at least that.
    pub class_index: usize,
    /// Per class; the engine's buffer until the next call.
    pub probability: Cow<'a, [f64]>,
    /// That of the predicted class.
    pub confidence: f64,
    /// The artifact's [threshold](Artifact::threshold), where it has one.
    pub threshold: Option<f64>,
    /// What `now()` meant, seconds since 1970 UTC.
    pub as_of: f64,
    /// When it was asked, seconds since 1970 UTC.
    pub timestamp: f64,
    /// Whether it came from the cache.
    pub cached: bool,
}

impl Answer<'_> {
    /// The same answer, to keep.
    pub fn into_owned(self) -> Answer<'static> {
        match self {
            Answer::Prediction(p) => {
                let probability = Cow::Owned(p.probability.into_owned());
                Answer::Prediction(Prediction { probability, ..p })
            }
            Answer::Rejected(violations) => Answer::Rejected(violations),
        }
    }
}

/// Most records of one batch.
pub const MAX_BATCH: usize = 100_000;

/// An artifact, ready to answer.
///
/// ```
/// use hedgerow::engine::{Answer, Engine, Options};
/// use hedgerow::schema::RawRecord;
///
/// let file = std::fs::read("tests/golden/format-1.hedge").unwrap();
/// let mut engine = Engine::load(&file, Options::default()).unwrap();
/// assert_eq!(engine.schema().classes, ["no", "yes", "maybe so"]);
///
/// // amount, rate, region, tier, active, since
/// let record = ["12.5", "0.25", "eu", "2", "true", "2024-02-29"].map(|text| Some(text.to_owned()));
/// let now = 1_767_323_045.678;
/// let Answer::Prediction(p) = engine.predict(&RawRecord(&record), None, now).unwrap() else { panic!() };
/// assert_eq!(p.probability.len(), 3);
/// assert_eq!(p.confidence, p.probability[p.class_index]);
/// assert!(!p.cached);
///
/// let bad = ["many", "", "eu", "2", "true", "2024-02-30"].map(|text| Some(text.to_owned()));
/// let Answer::Rejected(violations) = engine.predict(&RawRecord(&bad), None, now).unwrap() else { panic!() };
/// let fields: Vec<&str> = violations.iter().map(|v| v.field.as_str()).collect();
/// assert_eq!(fields, ["amount", "rate", "since"]);
///
/// assert_eq!(engine.health().status, "healthy");
/// assert_eq!((engine.report().predictions, engine.report().rejections), (1, 1));
/// ```
pub struct Engine {
    artifact: Arc<Artifact>,
    id: String,
    degraded: Option<String>,
    cache: Cache,
    work: Work,
    key: Key,
    live: Counter,
    rejected: u64,
    violations: Vec<(Code, u64)>,
    /// Made for the first block.
    block: Option<Block>,
    plain: [bool; BLOCK],
    options: Options,
}

impl Engine {
    /// Reads a file, proves it and replays its witnesses.
    pub fn load(file: &[u8], options: Options) -> Result<Engine> {
        let container = Container::open(file)?;
        let artifact = Artifact::open(&container)?;
        artifact.replay()?;
        if options.cache_ttl.is_nan() || options.cache_ttl < 0.0 {
            return Err(Error::new(ErrorKind::Config, "the cache's time to live must be 0 seconds or more"));
        }
        Ok(Engine::of(Arc::new(artifact), container.id(), options))
    }

    fn of(artifact: Arc<Artifact>, id: String, options: Options) -> Engine {
        let work = artifact.work();
        let limits =
            cache::Limits { entries: options.cache_entries, bytes: options.cache_bytes, ttl: options.cache_ttl };
        Engine {
            id,
            degraded: None,
            cache: Cache::new(work.slots.len(), work.probability.len(), limits),
            key: Key::new(work.slots.len()),
            live: Counter::new(&artifact.profile, artifact.threshold),
            rejected: 0,
            violations: Vec::new(),
            block: None,
            plain: [false; BLOCK],
            work,
            artifact,
            options,
        }
    }

    /// An engine for another thread: the same model, shared, and nothing remembered or counted yet. (Profiles of both
    /// [merge](Profile::merge).)
    #[must_use]
    pub fn fork(&self) -> Engine {
        let fork = Engine::of(Arc::clone(&self.artifact), self.id.clone(), self.options.clone());
        Engine { degraded: self.degraded.clone(), ..fork }
    }

    /// As [`Engine::load`]; where the primary does not load, the fallback answers under its own name and version and
    /// [`health`](Self::health) says why. Fails only if both do.
    pub fn load_with_fallback(primary: &[u8], fallback: &[u8], options: Options) -> Result<Engine> {
        Engine::load(primary, options.clone()).or_else(|first| {
            let engine = Engine::load(fallback, options).map_err(|second| {
                let message = format!("no model loads: the primary: {first}; the fallback: {second}");
                Error::new(ErrorKind::Artifact, message)
            })?;
            Ok(engine.degraded(format!("the primary does not load: {first}")))
        })
    }

    /// Marks the engine as a stand-in, for `reason`. (For a host that could not even fetch the primary.)
    #[must_use]
    pub fn degraded(mut self, reason: impl Into<String>) -> Engine {
        self.degraded = Some(reason.into());
        self
    }

    /// The artifact that answers.
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// The model's id: the file's SHA-256 in hex.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Counts of the traffic so far, over the training profile's edges.
    pub fn profile(&self) -> Profile {
        self.live.profile()
    }

    /// Takes the counts of the traffic so far away, for another engine of the same model to [add](Self::add_counts).
    pub fn take_counts(&mut self) -> Profile {
        self.live.take()
    }

    /// Adds what another engine of the same model has counted; an error, and nothing is added, where it is of another model.
    pub fn add_counts(&mut self, counts: &Profile) -> Result<()> {
        let model = &self.artifact;
        counts.check(&model.schema, &model.pipeline, model.classes.len())?;
        self.live.add(counts)
    }

    /// One record. `as_of`: what `now()` means (default: `now`); `now`: the host's clock; both seconds since 1970 UTC, taken to
    /// the millisecond. An error only for a time outside the years 1 to 9999.
    pub fn predict(&mut self, record: &dyn Record, as_of: Option<f64>, now: f64) -> Result<Answer<'_>> {
        let (as_of, now) = instants(as_of, now)?;
        if let Err(violations) = self.artifact.slots(record, as_of, &mut self.work) {
            self.count_violations(&violations);
            return Ok(Answer::Rejected(violations));
        }
        Ok(Answer::Prediction(self.answer(as_of, now)))
    }

    /// A row that is past the door already: `row` has a slot per field, as [`Schema::row`](crate::schema::Schema::row) would
    /// write it. For a host that checks the plain values of a record by itself; otherwise as [`predict`](Self::predict).
    pub fn predict_row(&mut self, row: &[f64], as_of: Option<f64>, now: f64) -> Result<Prediction<'_>> {
        let (as_of, now) = instants(as_of, now)?;
        if row.len() != self.artifact.schema.fields.len() {
            let message = format!("a row of this model has {} slots", self.artifact.schema.fields.len());
            return Err(Error::new(ErrorKind::Data, message));
        }
        self.work.slots[..row.len()].copy_from_slice(row);
        self.artifact.pipeline.derive(&mut self.work.slots, as_of);
        Ok(self.answer(as_of, now))
    }

    /// The answer to the slots in `work`: counted, and remembered.
    fn answer(&mut self, as_of: f64, now: f64) -> Prediction<'_> {
        let mut cached = false;
        if self.cache.is_on() {
            self.key.set(&self.work.slots);
            if let Some(kept) = self.cache.get(&self.key, now) {
                self.work.probability.copy_from_slice(kept);
                cached = true;
            }
        }
        if !cached {
            self.artifact.predict(&mut self.work);
            self.cache.insert(&self.key, &self.work.probability, now);
        }
        let probability = self.work.probability.as_slice();
        self.live.row(&self.work.slots, probability);
        let threshold = self.artifact.threshold;
        let class_index = math::decide(probability, threshold);
        Prediction {
            class_index,
            confidence: probability[class_index],
            threshold,
            probability: Cow::Borrowed(probability),
            as_of,
            timestamp: now,
            cached,
        }
    }

    /// Several records (at most [`MAX_BATCH`]) with one `as_of`; an answer each, in order, with the bits that
    /// [`predict`](Self::predict) gives. They are answered by blocks, past the cache.
    pub fn predict_batch(
        &mut self,
        records: &[&dyn Record],
        as_of: Option<f64>,
        now: f64,
    ) -> Result<Vec<Answer<'static>>> {
        if records.len() > MAX_BATCH {
            let message = format!("a batch holds at most {MAX_BATCH} records, this one has {}", records.len());
            return Err(Error::new(ErrorKind::Config, message));
        }
        let mut answers = Vec::with_capacity(records.len());
        for records in records.chunks(BLOCK) {
            self.answer_block(records, as_of, now, &mut answers)?;
        }
        Ok(answers)
    }

    /// Adds the answers to at most [`BLOCK`] records.
    fn answer_block(
        &mut self,
        records: &[&dyn Record],
        as_of: Option<f64>,
        now: f64,
        answers: &mut Vec<Answer<'static>>,
    ) -> Result<()> {
        let (at, timestamp) = instants(as_of, now)?;
        let fields = self.artifact.schema.fields.len();
        let block = self.block.get_or_insert_with(|| self.artifact.block());
        let row = &mut self.work.slots[..fields];
        let mut refused = vec![None; records.len()];
        let mut rows = 0;
        for (record, refused) in records.iter().zip(&mut refused) {
            match self.artifact.schema.row(*record, row) {
                Ok(()) => {
                    for (v, column) in row.iter().zip(block.slots.chunks_exact_mut(BLOCK)) {
                        column[rows] = *v;
                    }
                    rows += 1;
                }
                Err(violations) => *refused = Some(violations),
            }
        }
        if rows > 0 {
            self.predict_block(rows, as_of, now)?;
        }
        let mut row = 0;
        for (record, refused) in records.iter().zip(refused) {
            if let Some(violations) = refused {
                self.count_violations(&violations);
                answers.push(Answer::Rejected(violations));
                continue;
            }
            // What the door let in is plain; if it were not, it would be asked for alone.
            let Some(block) = self.block.as_ref().filter(|_| self.plain[row]) else {
                answers.push(self.predict(*record, as_of, now)?.into_owned());
                row += 1;
                continue;
            };
            let probability: Vec<f64> = block.probability.chunks_exact(BLOCK).map(|column| column[row]).collect();
            let threshold = self.artifact.threshold;
            let class_index = math::decide(&probability, threshold);
            answers.push(Answer::Prediction(Prediction {
                class_index,
                confidence: probability[class_index],
                threshold,
                probability: Cow::Owned(probability),
                as_of: at,
                timestamp,
                cached: false,
            }));
            row += 1;
        }
        Ok(())
    }

    /// Room for a block of rows: a column of [`BLOCK`] slots per field, each slot as [`Schema::row`] would write it, for
    /// [`predict_block`](Self::predict_block).
    ///
    /// [`Schema::row`]: crate::schema::Schema::row
    pub fn columns(&mut self) -> &mut [f64] {
        let fields = self.artifact.schema.fields.len();
        let block = self.block.get_or_insert_with(|| self.artifact.block());
        &mut block.slots[..fields * BLOCK]
    }

    /// Answers the first `rows` (at most [`BLOCK`]) of [`columns`](Self::columns), past the cache: a column of probabilities
    /// per class, and whether each row was plain. One that was not (a value out of range, a missing one that is required, …)
    /// is not answered (NaN) and not counted: its record is for [`predict`](Self::predict), which knows all reasons. The answers have
    /// the bits that [`predict_row`](Self::predict_row) gives.
    ///
    /// ```
    /// use hedgerow::engine::{Engine, Options};
    /// use hedgerow::math::BLOCK;
    ///
    /// let file = std::fs::read("tests/golden/format-1.hedge").unwrap();
    /// let mut engine = Engine::load(&file, Options::default()).unwrap();
    /// // amount, rate, region (eu), tier (its first level), active, since
    /// let rows = [[12.5, 0.25, 0.0, 0.0, 1.0, 1.7e9], [f64::NAN, 0.5, 0.0, 0.0, 0.0, 0.0], [1.0, f64::NAN, 0.0, 0.0, 0.0, 0.0]];
    /// for (r, row) in rows.iter().enumerate() {
    ///     for (column, v) in engine.columns().chunks_exact_mut(BLOCK).zip(row) {
    ///         column[r] = *v;
    ///     }
    /// }
    /// let (probability, plain) = engine.predict_block(3, None, 1_767_323_045.678).unwrap();
    /// // The third has no rate, which is required.
    /// assert_eq!(plain, [true, true, false]);
    /// let first: Vec<f64> = probability.chunks_exact(BLOCK).map(|column| column[0]).collect();
    /// assert_eq!(engine.predict_row(&rows[0], None, 1_767_323_045.678).unwrap().probability, first);
    /// ```
    pub fn predict_block(&mut self, rows: usize, as_of: Option<f64>, now: f64) -> Result<(&[f64], &[bool])> {
        let (as_of, _) = instants(as_of, now)?;
        if rows > BLOCK {
            return Err(Error::new(ErrorKind::Config, format!("a block holds at most {BLOCK} rows, not {rows}")));
        }
        let block = self.block.get_or_insert_with(|| self.artifact.block());
        self.artifact.schema.plain_block(&mut block.slots, rows, &mut self.plain);
        self.artifact.predict_block(block, rows, as_of);
        self.live.block(&block.slots, &block.probability, rows, &self.plain);
        for column in block.probability.chunks_exact_mut(BLOCK) {
            for (p, plain) in column.iter_mut().zip(&self.plain[..rows]) {
                *p = if *plain { *p } else { f64::NAN };
            }
        }
        Ok((&block.probability, &self.plain[..rows]))
    }

    /// What the model reads and tells apart, with what its training data looked like.
    pub fn schema(&self) -> Description {
        let schema = &self.artifact.schema;
        let fields = schema.fields.iter().zip(&self.artifact.profile.slots);
        Description {
            name: self.artifact.name.clone(),
            version: self.artifact.version.clone(),
            id: self.id.clone(),
            classes: self.artifact.classes.clone(),
            threshold: self.artifact.threshold,
            extra: SchemaSummary::of(schema).extra,
            fields: fields.map(|(field, counts)| FieldSummary::of(field, Some(counts))).collect(),
            derived: DerivedSummary::of(&self.artifact.pipeline),
        }
    }

    /// Who answers, and whether it is the one that should.
    pub fn health(&self) -> Health {
        Health {
            status: if self.degraded.is_some() { "degraded" } else { "healthy" },
            model: self.artifact.name.clone(),
            model_version: self.artifact.version.clone(),
            model_id: self.id.clone(),
            reason: self.degraded.clone(),
        }
    }

    /// What has passed by since it was loaded.
    pub fn report(&self) -> Report {
        let live = self.live.profile();
        let predicted = self.artifact.classes.iter().cloned().zip(live.predicted.iter().copied());
        let fields = self.artifact.schema.fields.iter().zip(&live.slots);
        Report {
            model: self.artifact.name.clone(),
            model_version: self.artifact.version.clone(),
            model_id: self.id.clone(),
            predictions: live.predicted.iter().sum(),
            rejections: self.rejected,
            rejected: Tally(self.violations.clone()),
            cache: self.cache.stats(),
            predicted: Tally(predicted.collect()),
            fields: Tally(fields.map(|(field, counts)| (field.name.clone(), Observed::of(field, counts))).collect()),
        }
    }

    fn count_violations(&mut self, violations: &[Violation]) {
        self.rejected += 1;
        for violation in violations {
            match self.violations.iter_mut().find(|(code, _)| *code == violation.code) {
                Some((_, count)) => *count += 1,
                None => self.violations.push((violation.code, 1)),
            }
        }
    }
}

/// What `now()` means, and the clock's time.
fn instants(as_of: Option<f64>, at: f64) -> Result<(f64, f64)> {
    let now = instant("the clock's time", at)?;
    match as_of {
        Some(as_of) if as_of != at => Ok((instant("as_of", as_of)?, now)),
        _ => Ok((now, now)),
    }
}

/// A time that a record may hold, to the millisecond.
fn instant(what: &str, seconds: f64) -> Result<f64> {
    if (time::MIN..=time::MAX).contains(&seconds) {
        return Ok(time::from_millis(time::to_millis(seconds)));
    }
    let message = format!("{what} must be a time in the years 1 to 9999, in seconds since 1970 UTC");
    Err(Error::new(ErrorKind::Config, message))
}

/// A model's inputs and outputs, for forms and types.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Description {
    /// The model's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its id.
    pub id: String,
    /// Class labels, in the order of `probability`.
    pub classes: Vec<String>,
    /// The least probability of class 1 that makes it the prediction, where that is not left to the larger one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// `ignore` or `reject`: what becomes of a record's names that are no field.
    pub extra: String,
    /// The fields, with what the training data looked like (`observed`).
    pub fields: Vec<FieldSummary>,
    /// The derived features.
    pub derived: Vec<DerivedSummary>,
}

/// Who answers.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Health {
    /// `healthy`, or `degraded` where a fallback answers.
    pub status: &'static str,
    /// The name of the model that answers.
    pub model: String,
    /// Its version.
    pub model_version: String,
    /// Its id.
    pub model_id: String,
    /// Why it is degraded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Counts since an engine was loaded.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Report {
    /// The name of the model that answers.
    pub model: String,
    /// Its version.
    pub model_version: String,
    /// Its id.
    pub model_id: String,
    /// Sound records.
    pub predictions: u64,
    /// Records that were not.
    pub rejections: u64,
    /// Violations, by code.
    pub rejected: Tally<Code, u64>,
    /// The cache.
    pub cache: cache::Stats,
    /// Answers, by label.
    pub predicted: Tally<String, u64>,
    /// What was seen of each field.
    pub fields: Tally<String, Observed>,
}

/// Names and what belongs to them, in order; serialized as a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Tally<K, V>(pub Vec<(K, V)>);

impl<K: Serialize, V: Serialize> Serialize for Tally<K, V> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(k, v)| (k, v)))
    }
}
