//! Artifacts to other formats, so that nobody is locked in.

pub mod onnx;

use crate::error::{Error, ErrorKind};

/// An error of an export: `message` names what the other format has no words for.
fn error(message: impl Into<String>) -> Error {
    Error::new(ErrorKind::Export, message)
}
