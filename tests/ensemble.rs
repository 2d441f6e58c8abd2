//! Stacking, voting and calibration from a config: what comes out, what it promises, and what is refused.

#![allow(clippy::unwrap_used, clippy::panic)]

use hedgerow::artifact::Artifact;
use hedgerow::data::{Format, Reader, Table};
use hedgerow::error::Result;
use hedgerow::model::Model;
use hedgerow::model::calibration::Calibrator;
use hedgerow::train::{self, Config, Progress, Trained};
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

fn data(name: &str) -> Table {
    Table::read(&PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("models/data").join(name)).unwrap()
}

/// `body`: what the config says of the model.
fn breast_cancer(body: &str) -> Trained {
    let config = format!("{body}\ndata: {{target: diagnosis, positive: malignant}}\n");
    let (table, test) = (data("breast_cancer_train.csv"), data("breast_cancer_test.csv"));
    train::fit(&Config::parse(&config).unwrap(), &table, Some(&test), &()).unwrap()
}

fn auc(trained: &Trained) -> f64 {
    trained.test.as_ref().unwrap().metrics.roc_auc.unwrap()
}

/// The file is whole, and answers as while training.
fn sound(trained: &Trained) -> Artifact {
    let artifact = Artifact::read(&trained.file().unwrap()).unwrap();
    artifact.replay().unwrap();
    artifact
}

const STACK: &str = "
model:
  name: stack
  type: stacking
  parameters:
    cv: 3
    estimators:
      forest: {type: random_forest, parameters: {n_estimators: 20}}
      boosted: {type: gradient_boosting, parameters: {n_estimators: 30, early_stopping_rounds: 5}}
      linear: {type: logistic_regression, parameters: {C: 0.5}, preprocessing: {scaler: minmax}}
";

#[test]
fn a_stack_is_one_file_with_every_members_own_encoding() {
    let trained = breast_cancer(STACK);
    assert!(auc(&trained) > 0.985, "{}", auc(&trained));
    let artifact = sound(&trained);
    let Model::Stacking(stack) = &artifact.model else { panic!("no stack") };
    let families: Vec<&str> = stack.members.models.iter().map(|(_, m)| m.family()).collect();
    assert_eq!(families, ["random_forest", "gradient_boosting", "logistic_regression"]);
    assert_eq!(stack.members.encoders.len(), 2, "both kinds of trees read one encoding");
    let names: Vec<&str> = trained.members.iter().map(|(n, _)| n.as_str()).collect();
    assert_eq!(names, ["forest", "boosted", "linear"]);
    assert!((trained.members.iter().map(|m| m.1).sum::<f64>() - 1.0).abs() < 1e-12);
    assert!((trained.importance.iter().map(|m| m.1).sum::<f64>() - 1.0).abs() < 1e-12);
    assert_eq!(trained.header.model["members"]["forest"].as_f64().unwrap(), trained.members[0].1);
    assert_eq!(trained.header.model["parameters"]["estimators"]["linear"]["parameters"]["C"], 0.5);
}

#[test]
fn an_ensemble_has_the_same_bytes_on_one_thread_and_on_two() {
    let vote = STACK.replace("stacking", "voting").replace("cv: 3", "cv: 3\n    weights: greedy");
    let within = STACK.to_owned() + "training: {refit: false, calibration: {method: isotonic, cv: 2}}";
    for config in [STACK, &vote, &within] {
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| breast_cancer(config).file().unwrap())
        };
        assert!(run(1) == run(2), "{config}");
    }
}

#[test]
fn a_stack_within_a_vote_within_a_calibration_is_sound() {
    let config = "
model:
  type: voting
  parameters:
    weights: [1, 2]
    estimators:
      linear: {type: logistic_regression, calibration: isotonic}
      stack:
        type: stacking
        parameters:
          cv: 2
          passthrough: true
          stack_method: decision_function
          estimators: {boosted: {type: gradient_boosting, parameters: {n_estimators: 10, early_stopping_rounds: 0}}}
          final_estimator: {type: gradient_boosting, parameters: {n_estimators: 20}}
training: {calibration: {method: sigmoid, cv: held_out}, refit: false}
";
    let trained = breast_cancer(config);
    assert!(auc(&trained) > 0.98, "{}", auc(&trained));
    let artifact = sound(&trained);
    let Model::Calibrated(calibrated) = &artifact.model else { panic!("not calibrated") };
    let Model::Voting(vote) = &calibrated.members.models[0].1 else { panic!("no vote") };
    assert_eq!(vote.weights, [1.0, 2.0]);
    assert!((trained.members[1].1 - 2.0 / 3.0).abs() < 1e-15, "{:?}", trained.members);
}

#[test]
fn a_greedy_vote_leaves_out_what_does_not_help() {
    let config = "
model:
  type: voting
  parameters:
    weights: greedy
    estimators:
      blunt: {type: logistic_regression, parameters: {C: 1.0e-9}}
      linear: {type: logistic_regression}
      forest: {type: random_forest, parameters: {n_estimators: 20}}
";
    let trained = breast_cancer(config);
    let Model::Voting(vote) = sound(&trained).model else { panic!("no vote") };
    assert!(vote.weights.iter().all(|w| *w > 0.0) && vote.weights.iter().sum::<f64>() <= 50.0, "{:?}", vote.weights);
    assert_eq!(trained.members[0], ("blunt".into(), 0.0));
    assert_eq!(vote.members.len(), trained.members.iter().filter(|m| m.1 > 0.0).count());
    assert!(trained.notes.iter().any(|n| n.starts_with("greedy weights: `blunt` 0, `linear` ")), "{:?}", trained.notes);
}

/// Boosting too long is far too sure; its Brier score on rows that neither it nor the calibrator saw gets better.
#[test]
fn calibration_corrects_a_model_that_is_too_sure() {
    for method in ["sigmoid", "isotonic", "temperature", "{method: sigmoid, cv: held_out}"] {
        let config = format!(
            "{{model: {{type: xgboost, parameters: {{n_estimators: 150}}}},
            data: {{target: outcome, positive: success, as_of_column: scored_at, validation_fraction: 0.5}},
            training: {{calibration: {method}, refit: false}}}}"
        );
        let table = data("innovation_train.csv");
        let trained = train::fit(&Config::parse(&config).unwrap(), &table, None, &()).unwrap();
        let (before, after) = (&trained.uncalibrated.as_ref().unwrap().metrics, &trained.validation.metrics);
        assert!(after.brier < before.brier - 0.005, "{method}: {} is no better than {}", after.brier, before.brier);
        assert!(after.log_loss < before.log_loss - 0.05, "{method}: {}, before {}", after.log_loss, before.log_loss);
        assert_eq!(trained.header.metrics["validation_uncalibrated"]["brier"], before.brier);
        let Model::Calibrated(model) = sound(&trained).model else { panic!("not calibrated") };
        if let Calibrator::Temperature { inverse_temperature, .. } = &model.calibrators[0] {
            assert!(*inverse_temperature < 1.0, "{inverse_temperature}");
        }
    }
}

/// Each class against the rest, and levels and gaps in the members' encodings.
#[test]
fn three_classes_with_gaps_and_levels() {
    let mut csv = String::from("size,region,label\n");
    for i in 0..240 {
        let size = (i * 37 % 101) as f64 / 10.0;
        let region = ["north", "south", ""][i % 3];
        let label = ["low", "mid", "high"][((size + (i % 3) as f64 * 2.0) / 5.0) as usize % 3];
        let size = if i % 11 == 0 { String::new() } else { size.to_string() };
        csv += &format!("{size},{region},{label}\n");
    }
    let table = Table::from_reader(Reader::new(Cursor::new(csv.into_bytes()), Some(Format::Csv)).unwrap()).unwrap();
    for calibration in ["sigmoid", "isotonic", "temperature"] {
        for method in ["predict_proba", "predict"] {
            let config = format!(
                "{STACK}    stack_method: {method}\n    passthrough: true\ndata: {{target: label}}\ntraining: {{refit: false, calibration: {{method: {calibration}, cv: 2}}}}"
            );
            let config = config.replace(
                "C: 0.5}, preprocessing: {scaler: minmax}",
                "C: 0.5}, preprocessing: {imputer: {strategy: median, add_indicator: true}}",
            );
            let trained = train::fit(&Config::parse(&config).unwrap(), &table, None, &()).unwrap();
            assert!(trained.validation.metrics.accuracy > 0.75, "{calibration}: {:?}", trained.validation.metrics);
            sound(&trained);
        }
    }
}

/// What is shown while it runs.
#[derive(Default)]
struct Stages(Mutex<Vec<String>>);

impl Progress for Stages {
    fn step(&self, stage: &str, _: u64, _: u64) {
        let mut stages = self.0.lock().unwrap();
        if stages.last().is_none_or(|last| last != stage) {
            stages.push(stage.into());
        }
    }
}

#[test]
fn stages_name_the_estimator_and_the_fold() {
    let stages = Stages::default();
    let config = format!("{STACK}data: {{target: diagnosis}}\ntraining: {{refit: false}}");
    train::fit(&Config::parse(&config).unwrap(), &data("breast_cancer_train.csv"), None, &stages).unwrap();
    let stages = stages.0.into_inner().unwrap();
    assert_eq!(stages[..4], ["forest, fold 1/3", "forest, fold 2/3", "forest, fold 3/3", "forest, all rows"]);
    assert_eq!(stages[12..], ["final estimator", "permutation importance"]);
    assert!(stages.contains(&"boosted, fold 2/3".into()), "{stages:?}");
}

/// Ends the run at the n-th question.
struct Patience(Mutex<u32>);

impl Progress for Patience {
    fn step(&self, _: &str, _: u64, _: u64) {}
    fn proceed(&self) -> Result<()> {
        let mut left = self.0.lock().unwrap();
        *left = left.saturating_sub(1);
        match *left {
            0 => Err(hedgerow::error::Error::new(hedgerow::error::ErrorKind::Interrupted, "enough")),
            _ => Ok(()),
        }
    }
}

#[test]
fn an_ensemble_can_be_interrupted_at_any_fold() {
    for questions in [1, 2, 4] {
        let config = Config::parse(&format!("{STACK}data: {{target: diagnosis}}")).unwrap();
        let patience = Patience(Mutex::new(questions));
        let e = train::fit(&config, &data("breast_cancer_train.csv"), None, &patience).unwrap_err();
        assert_eq!(e.kind(), hedgerow::error::ErrorKind::Interrupted, "{e}");
    }
}

#[test]
fn what_cannot_be_is_refused_with_what_would_be_right() {
    let of = |kind: &str, parameters: &str| {
        Config::parse(&format!("model: {{type: {kind}, parameters: {parameters}}}"))
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    let nested = |levels: usize| {
        let inner = "{type: logistic_regression}".to_owned();
        (0..levels).fold(inner, |inner, _| format!("{{type: voting, parameters: {{estimators: {{a: {inner}}}}}}}"))
    };
    let deep = |levels| format!("{{estimators: {{a: {}}}}}", nested(levels));
    for (kind, parameters, says) in [
        ("stacking", "{}", "estimators must be a mapping from names to estimators, one at least"),
        (
            "stacking",
            "{estimators: {a: {type: random_forst}}}",
            "in estimator `a`: unknown model type `random_forst` (did you mean `random_forest`?)",
        ),
        ("stacking", "{estimators: {a: {parameters: {}}}}", "in estimator `a`: its type is missing"),
        ("stacking", "{estimators: {a: random_forest}}", "in estimator `a`: it is written as a mapping"),
        ("stacking", "{estimators: {a: {type: svm, params: {}}}}", "in estimator `a`: unknown key `params`"),
        (
            "stacking",
            "{estimators: {a: {type: random_forest, parameters: {n_estimator: 5}}}}",
            "in estimator `a`: model.parameters: random_forest has no `n_estimator` (did you mean `n_estimators`?)",
        ),
        ("stacking", "{estimators: {a__b: {type: random_forest}}}", "`a__b` is no name"),
        ("stacking", "{estimators: {a: {type: random_forest}, a: {type: svm}}}", "a"),
        ("stacking", "{cv: 1, estimators: {a: {type: random_forest}}}", "cv must be at least 2"),
        (
            "stacking",
            "{stack_method: predict, use_probas: true, estimators: {a: {type: random_forest}}}",
            "say different things",
        ),
        (
            "stacking",
            "{final_estimator: {type: voting, parameters: {estimators: {a: {type: svm}}}}, estimators: {a: {type: random_forest}}}",
            "in final_estimator: a voting cannot stand over",
        ),
        (
            "stacking",
            "{estimators: {a: {type: logistic_regression, preprocessing: {scaler: standart}}}}",
            "in estimator `a`: preprocessing: unknown variant `standart`",
        ),
        (
            "stacking",
            "{estimators: {a: {type: logistic_regression, preprocessing: {imputer: constant}}}}",
            "in estimator `a`: preprocessing.imputer: strategy constant needs",
        ),
        (
            "stacking",
            "{estimators: {a: {type: svm, preprocessing: {encoder: {type: onehot, handle_unknown: ignore}}}}}",
            "in estimator `a`: an unknown level passes the door for all",
        ),
        (
            "stacking",
            "{estimators: {a: {type: svm, calibration: plat}}}",
            "in estimator `a`: calibration: unknown variant `plat`",
        ),
        (
            "voting",
            "{weights: [1], estimators: {a: {type: svm}, b: {type: mlp}}}",
            "weights must be one number per estimator, 2 in all, or greedy",
        ),
        ("voting", "{weights: [0, 0], estimators: {a: {type: svm}, b: {type: mlp}}}", "not all 0"),
        ("voting", "{voting: hard, estimators: {a: {type: svm}}}", "unknown variant `hard`"),
        ("voting", &deep(3), "at most 4 deep, these are 5"),
        ("voting", &deep(12), "at most 4 deep, these are 14"),
    ] {
        let e = of(kind, parameters);
        assert!(e.contains(says), "{parameters}\n  says {e}\n  not  {says}");
    }
    assert!(Config::parse(&format!("model: {{type: voting, parameters: {}}}", deep(2))).is_ok());
    let calibrated =
        format!("{{model: {{type: voting, parameters: {}}}, training: {{calibration: sigmoid}}}}", deep(2));
    assert!(Config::parse(&calibrated).unwrap_err().to_string().contains("at most 4 deep, these are 5"));
    for (calibration, says) in [
        ("plat", "unknown value `plat`"),
        ("{cv: 5}", "missing field `method`"),
        ("{method: sigmoid, cv: 1}", "a number of folds from 2 to 100, or held_out"),
        ("{method: sigmoid, cv: heldout}", "unknown value `heldout` (did you mean `held_out`?)"),
    ] {
        let e = Config::parse(&format!("training: {{calibration: {calibration}}}")).unwrap_err().to_string();
        assert!(e.contains(says), "{calibration}: {e}");
    }
}

#[test]
fn a_class_with_fewer_rows_than_folds_says_how_many_would_do() {
    let mut csv = String::from("x,label\n");
    (0..60).for_each(|i| csv += &format!("{i},{}\n", ["a", "b", "c"][if i % 15 == 0 { 2 } else { i % 2 }]));
    let table = Table::from_reader(Reader::new(Cursor::new(csv.into_bytes()), Some(Format::Csv)).unwrap()).unwrap();
    let of = |model: &str| {
        let config =
            Config::parse(&format!("{{data: {{target: label, features: {{numerical: [x]}}}}, {model}}}")).unwrap();
        train::fit(&config, &table, None, &()).unwrap_err().to_string()
    };
    let e = of("model: {type: stacking, parameters: {estimators: {a: {type: random_forest}}}}");
    assert_eq!(
        e,
        "the class `c` has 3 rows to fit on, and each of 5 folds needs one: set cv to 3 or less, or gather more rows of it"
    );
    let e = of("model: {type: random_forest}, training: {calibration: sigmoid}");
    assert!(e.starts_with("in calibration: the class `c` has 3 rows"), "{e}");
    let e = of(
        "model: {type: stacking, parameters: {cv: 2, stack_method: decision_function, estimators: {a: {type: random_forest}}}}",
    );
    assert!(e.contains("in estimator `a`: in fold 1 of 2: a random_forest model has no decision function"), "{e}");
}

/// Read as a user writes it, by the binary.
#[test]
fn the_command_trains_a_stack() {
    let dir = std::env::temp_dir().join(format!("hedgerow-stack-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let (config, out) = (dir.join("stack.yaml"), dir.join("stack.hedge"));
    std::fs::write(&config, STACK).unwrap();
    let train = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/data/breast_cancer_train.csv");
    let run = |args: &[&std::ffi::OsStr]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_hedgerow")).args(args).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let args = ["--target", "diagnosis", "--config"].map(std::ffi::OsStr::new);
    let told = run(&[
        &["train".as_ref(), train.as_os_str()],
        &args[..],
        &[config.as_os_str(), "--out".as_ref(), out.as_os_str()],
    ]
    .concat());
    assert!(told.contains("stack 1.0.0: stacking"), "{told}");
    assert!(run(&["verify".as_ref(), out.as_os_str()]).contains("sound"));
    assert!(dir.join("stack.html").exists());
    std::fs::remove_dir_all(&dir).unwrap();
}
