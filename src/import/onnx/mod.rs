//! ONNX models, as converters of classifiers write them.
//!
//! [`proto`] is the file format; [`graph`] the typed and bounded graph that it holds, of [`node`]s and [`tensor`]s.

pub mod eval;
pub mod graph;
pub mod node;
pub mod proto;
pub mod tensor;
#[cfg(test)]
mod tests;

use super::{Foreign, error};
use crate::error::Result;

/// Reads a model file.
pub fn read(file: &[u8]) -> Result<Foreign> {
    let _ = file;
    Err(error("ONNX models cannot be read yet"))
}
