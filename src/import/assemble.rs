//! From what a reader made to an artifact: schema, classes, profile and witnesses.
