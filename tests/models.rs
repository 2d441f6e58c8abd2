//! The demo models: their data is what the generator draws, and their files are what their configs train, byte for byte.
//!
//! `ACCEPT=1 cargo test --release --test models` writes both anew.

use hedgerow::data::sample;
use std::fs;
use std::path::{Path, PathBuf};

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models")
}

/// `made` must be what `path` holds.
fn same(path: &Path, made: &[u8]) {
    if std::env::var_os("ACCEPT").is_some() {
        fs::write(path, made).expect("writes");
    }
    let held = fs::read(path).unwrap_or_default();
    let at = held.iter().zip(made).take_while(|(a, b)| a == b).count();
    assert!(
        held == made,
        "{} ({} bytes) is not what is made now ({} bytes): they part at byte {at}",
        path.display(),
        held.len(),
        made.len()
    );
}

#[test]
fn the_innovation_data_is_what_the_generator_draws() {
    for (name, rows, seed) in [("train", 4000, 1), ("test", 1000, 2)] {
        let mut made = Vec::new();
        sample::innovation(rows, seed, &mut made).expect("draws");
        same(&models().join(format!("data/innovation_{name}.csv")), &made);
    }
}
