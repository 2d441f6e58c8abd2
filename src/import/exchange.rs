//! The exchange format: fitted scikit-learn pipelines as JSON, written by `hedgerow_export.py`.

use super::{Foreign, error};
use crate::error::Result;

/// Reads a model file.
pub fn read(file: &[u8]) -> Result<Foreign> {
    let _ = file;
    Err(error("exchange files cannot be read yet"))
}
