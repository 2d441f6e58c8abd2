//! One JSON object as a record.
