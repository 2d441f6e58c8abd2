//! ONNX models, as converters of classifiers write them.

use super::{Foreign, error};
use crate::error::Result;

/// Reads a model file.
pub fn read(file: &[u8]) -> Result<Foreign> {
    let _ = file;
    Err(error("ONNX models cannot be read yet"))
}
