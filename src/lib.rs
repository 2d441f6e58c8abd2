//! Hedgerow ships a tabular classifier to where the data is.
#![cfg_attr(not(test), warn(clippy::unwrap_used))]

pub mod artifact;
pub mod cache;
pub mod engine;
pub mod error;
pub mod expr;
pub mod math;
pub mod model;
pub mod pipeline;
pub mod profile;
pub mod schema;
#[cfg(target_arch = "wasm32")]
pub mod wasm;
pub mod wire;

#[cfg(feature = "cli")]
pub mod cli;
#[cfg(feature = "cli")]
pub mod data;
#[cfg(feature = "cli")]
pub mod metrics;
#[cfg(feature = "cli")]
pub mod report;
#[cfg(feature = "cli")]
pub mod train;
