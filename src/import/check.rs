//! The proof of an import: our answers beside the original's, row by row.
