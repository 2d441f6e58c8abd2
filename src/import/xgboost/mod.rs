//! XGBoost models, as JSON and UBJSON (`Booster.save_model`).

use super::{Foreign, error};
use crate::error::Result;

/// Reads a model file.
pub fn read(file: &[u8]) -> Result<Foreign> {
    let _ = file;
    Err(error("XGBoost models cannot be read yet"))
}
