//! Artifacts to other formats, so that nobody is locked in.
