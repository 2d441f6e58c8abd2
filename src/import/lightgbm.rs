//! LightGBM models, as text (`Booster.save_model`).

use super::{Foreign, error};
use crate::error::Result;

/// Reads a model file.
pub fn read(file: &[u8]) -> Result<Foreign> {
    let _ = file;
    Err(error("LightGBM models cannot be read yet"))
}
