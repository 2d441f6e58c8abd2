//! The JS face.
