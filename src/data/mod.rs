//! Data of files: CSV and JSON Lines, as records for the door and as datasets to train on.
//!
//! A [`Reader`] streams a file, one [`Line`] per record; each is a [`Record`](crate::schema::Record), so scoring needs no more.
//! Training reads all of it into a [`Table`], [`infer`]s a schema where none is given, and takes a [`Dataset`] through that
//! schema's door: what trains and what is scored pass the same checks.

mod dataset;
pub mod folds;
mod infer;
mod json;
mod read;
pub mod sample;
mod table;
mod target;

pub(crate) use dataset::plainest;
pub use dataset::{AsOf, Dataset, Rejected};
pub use infer::{Hints, Inferred, MAX_LEVELS, infer};
pub use read::{Format, Line, MAX_RECORD, Reader};
pub use table::{Column, MAX_TABLE, Table};
pub use target::MAX_CLASSES;
