//! The demo models: their data is what the generator draws, and their files are what their configs train, byte for byte.
//!
//! `ACCEPT=1 cargo test --release --test models` writes both anew.

use hedgerow::artifact::Artifact;
use hedgerow::data::{Table, sample};
use hedgerow::train::{Config, fit};
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

/// Trains what `models/NAME.yaml` says and holds it against `models/NAME.hedge`; returns the area under the ROC curve on
/// the test rows.
fn retrained(name: &str) -> f64 {
    let config = Config::read(&models().join(format!("{name}.yaml"))).expect("a config");
    let table = |path: &Option<PathBuf>| Table::read(path.as_deref().expect("a path")).expect("a table");
    let (train, test) = (table(&config.data.train_path), table(&config.data.test_path));
    let trained = fit(&config, &train, Some(&test), &()).expect("trains");
    let file = trained.file().expect("a file");
    same(&models().join(format!("{name}.hedge")), &file);
    let artifact = Artifact::read(&file).expect("loads");
    assert_eq!(format!("{}-{}", artifact.name, artifact.version), name);
    let test = trained.test.expect("the config names test rows");
    assert!(test.rejected.is_empty());
    println!("{name}: {} bytes, test {:?}", file.len(), test.metrics);
    test.metrics.roc_auc.expect("both classes are there")
}

#[test]
fn innovation_2_3_0_is_what_its_config_trains() {
    let auc = retrained("innovation_classifier-2.3.0");
    assert!(auc > 0.86, "{auc}");
}

#[test]
fn innovation_2_3_1_is_what_its_config_trains() {
    let auc = retrained("innovation_classifier-2.3.1");
    assert!(auc > 0.87, "{auc}");
}

#[test]
fn breast_cancer_1_0_0_is_what_its_config_trains() {
    let auc = retrained("breast_cancer-1.0.0");
    assert!(auc > 0.99, "{auc}");
}
