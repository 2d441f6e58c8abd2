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
//! | `error` `wire` `math` `time` `schema` `expr` `pipeline` `model` `profile` `artifact` `cache` `engine`, then `wasm` (the JS face) | `data` `metrics` `train` `report` `cli` |
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
