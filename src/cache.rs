//! An LRU cache with a time to live, bounded in entries and in bytes.
