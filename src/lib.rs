//! **Hedgerow ships a tabular classifier to where the data is.** A native companion trains it; the result is one small
//! `.hedge` file; this engine, compiled to WebAssembly or natively, loads the file and does the whole job: validate the
//! record, derive features, encode, predict, remember, count, with the same bits on every host.
//!
//! # The path of a record
//!
//! ```text
//! JS object, JSON, CSV line                                 a .hedge file
//!         │ Record                                                │ Artifact::read, proves the model
//!         ▼                                                       ▼
//!   Schema::row ──► Row ──observe──► slots = [fields | derived] ──► cache? ──hit──────────┐
//!     (door 1)                          Expr                         │ miss               │
//!         ▼                                                          ▼                    ▼
//!   Vec<Violation>                                       Encoders ──► x ──► Model ──► Prediction
//! ```
//!
//! Whoever stands behind a door need not check again: a row is *validated, typed, finite or NaN, and NaN means missing*;
//! an artifact that was read is *proven*, so prediction cannot fail, loop or panic.
//!
//! From rows to an answer, natively (the browser does the last four lines with the same file):
//!
//! ```
//! # #[cfg(feature = "cli")] {
//! use hedgerow::data::{Format, Reader, Table, sample};
//! use hedgerow::engine::{Answer, Engine, Options};
//! use hedgerow::schema::RawRecord;
//! use hedgerow::train::{self, Config};
//!
//! let mut csv = Vec::new();
//! sample::innovation(400, 7, &mut csv).unwrap();
//! let table = Table::from_reader(Reader::new(std::io::Cursor::new(csv), Some(Format::Csv)).unwrap()).unwrap();
//! let config = Config::parse("
//!   model: { type: random_forest }
//!   data: { target: outcome, features: { numerical: [novelty_score, cost], categorical: [region] } }
//! ").unwrap();
//! let file = train::fit(&config, &table, None, &()).unwrap().file().unwrap();
//!
//! let mut engine = Engine::load(&file, Options::default()).unwrap();
//! // In the order of the columns.
//! let cells = ["0.9", "EU", "120"].map(|text| Some(text.to_string()));
//! let Answer::Prediction(p) = engine.predict(&RawRecord(&cells), None, 1_767_225_600.0).unwrap() else { panic!() };
//! assert!((p.probability.iter().sum::<f64>() - 1.0).abs() < 1e-12 && p.confidence > 0.5);
//! # }
//! ```
//!
//! # The nouns
//!
//! | noun | is | room |
//! |---|---|---|
//! | [`Schema`](schema::Schema) | what a record is: fields, kinds, levels, what may be missing | [`schema`] |
//! | [`Record`](schema::Record) | where cells are pulled from: a JS object, a JSON object, a CSV line | [`schema`] |
//! | Row | one `f64` per field | [`schema`] |
//! | [`Expr`](expr::Expr) | a derived feature: SQL's scalar expressions, typed and total | [`expr`] |
//! | [`Pipeline`](pipeline::Pipeline) | fitted: row → feature vector `x` | [`pipeline`] |
//! | [`Model`](model::Model) | fitted: `x` → class probabilities | [`model`] |
//! | [`Profile`](profile::Profile) | binned counts of what has passed by | [`profile`] |
//! | [`Artifact`](artifact::Artifact) | all of the above in one file | [`artifact`] |
//! | [`Engine`](engine::Engine) | an artifact, a cache and counters: what every host holds | [`engine`] |
//!
//! Training (feature `cli`, native only) adds [`Dataset`](data::Dataset), [`Config`](train::Config) (what a person writes) and
//! [`Params`](train::Params) (hyperparameters as data).
//!
//! # Imports run one way
//!
//! A room uses those above it, never those below; `tests/architecture.rs` holds it.
//!
//! | core: no clock, file, thread, randomness or JavaScript | native only (feature `cli`) |
//! |---|---|
//! | `error` `wire` `math` `simd` `time` `schema` `expr` `pipeline` `model` `profile` `artifact` `cache` `engine`, then `wasm` (the JS face) | `data` `metrics` `train` `import` `export` `report` `cli` |
//!
//! # What it does not do
//!
//! Regression, ranking, images, text; features over a history of records (they arrive as ordinary fields); training in wasm.
//!
//! # The features of the crate
//!
//! `cli` (default) is the trainer, the readers of files and the command. Without it, this is the engine alone:
//! `hedgerow = { version = "0.1", default-features = false }`.

// The core, in the order of its imports.
pub mod error;
pub mod wire;
pub mod math;
pub mod simd;
pub mod time;
pub mod schema;
pub mod expr;
pub mod pipeline;
pub mod model;
pub mod profile;
pub mod artifact;
pub mod cache;
pub mod engine;
#[cfg(target_arch = "wasm32")]
pub mod wasm;

// The native companion.
#[cfg(feature = "cli")]
pub mod data;
#[cfg(feature = "cli")]
pub mod metrics;
#[cfg(feature = "cli")]
pub mod train;
#[cfg(feature = "cli")]
pub mod import;
#[cfg(feature = "cli")]
pub mod export;
#[cfg(feature = "cli")]
pub mod report;
#[cfg(feature = "cli")]
pub mod cli;

/// Why it is built this way, as questions and answers.
#[cfg(doc)]
#[doc = include_str!("../DESIGN.md")]
pub mod design {}

/// The README's Rust, compiled and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
pub struct Readme;
