//! Training from tables: against scikit-learn's fits (`golden/train.py` writes them), on real data, and the promises around it.

#![allow(clippy::unwrap_used, clippy::panic)]

use hedgerow::artifact::Artifact;
use hedgerow::data::{Format, Reader, Table};
use hedgerow::model::Model;
use hedgerow::pipeline::Transform;
use hedgerow::schema::{Extra, FieldKind};
use hedgerow::train::{self, Config, Trained};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Cursor;

fn table(csv: &str) -> Table {
    Table::from_reader(Reader::new(Cursor::new(csv.as_bytes().to_vec()), Some(Format::Csv)).unwrap()).unwrap()
}

fn fit(csv: &str, yaml: &str) -> Trained {
    train::fit(&Config::parse(yaml).unwrap(), &table(csv), None, &()).unwrap()
}

fn error(csv: &str, yaml: &str) -> String {
    match Config::parse(yaml) {
        Err(e) => e.to_string(),
        Ok(config) => train::fit(&config, &table(csv), None, &()).unwrap_err().to_string(),
    }
}

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/train.json")).unwrap()
}

fn floats(v: &Value) -> Vec<f64> {
    v.as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect()
}

#[track_caller]
fn assert_close(got: f64, want: f64, tolerance: f64, what: &str) {
    assert!((got - want).abs() <= tolerance * want.abs().max(1.0), "{what}: {got}, not {want}");
}

const LISTED: &str = "data: {target: label, features: {numerical: [size, rate, code], categorical: [region]}}";

#[test]
fn imputers_and_scalers_are_scikit_learns() {
    let golden = golden();
    let csv = golden["csv"].as_str().unwrap();
    for (strategy, want) in golden["encoders"].as_object().unwrap() {
        let imputer = match strategy.as_str() {
            "constant" => "{strategy: constant, fill_value: -1}".to_owned(),
            name => name.to_owned(),
        };
        for scaler in ["standard", "{type: minmax, feature_range: [-1, 1], clip: true}", "none"] {
            let yaml = format!(
                "{LISTED}\nmodel: {{type: logistic_regression}}\npreprocessing: {{imputer: {imputer}, scaler: {scaler}}}"
            );
            let trained = fit(csv, &yaml);
            let encoders = &trained.artifact.pipeline.encoders.0;
            for (k, e) in encoders.iter().enumerate().take(3) {
                let what = format!("{strategy}, {scaler}, column {k}");
                let of = |key: &str| floats(&want[key])[k];
                if let Some(statistic) = e.impute {
                    assert_close(statistic, of("statistics"), 1e-14, &what);
                }
                assert!(e.impute.is_some() || trained.artifact.schema.fields[k].required, "{what} imputes");
                match e.transform {
                    Transform::Standard { mean, scale } => {
                        assert_close(mean, of("mean"), 1e-13, &what);
                        assert_close(scale, of("scale"), 1e-13, &what);
                    }
                    Transform::MinMax { scale, min, clip } => {
                        assert_close(scale, of("minmax_scale"), 1e-13, &what);
                        assert_close(min, of("minmax_min"), 1e-13, &what);
                        assert_eq!(clip, Some((-1.0, 1.0)));
                    }
                    _ => assert_eq!((scaler, &e.transform), ("none", &Transform::Pass), "{what}"),
                }
            }
        }
    }
}

#[test]
fn logistic_regression_finds_scikit_learns_coefficients() {
    for case in golden()["logistic_regression"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let yaml = format!(
            "{LISTED}\nmodel: {{type: logistic_regression, parameters: {{C: {}, tol: 1.0e-13}}}}\ntraining: {{class_weight: {}}}",
            case["C"],
            case["class_weight"].as_str().unwrap()
        );
        let trained = fit(case["csv"].as_str().unwrap(), &yaml);
        let Model::Logistic(model) = &trained.artifact.model else { panic!("{name}: not logistic") };
        let want: Vec<f64> = case["coef"].as_array().unwrap().iter().flat_map(floats).collect();
        assert_eq!(model.coef.data.len(), want.len(), "{name}");
        for (i, (got, want)) in model.coef.data.iter().zip(&want).enumerate() {
            assert_close(*got, *want, 1e-8, &format!("{name}: coefficient {i}"));
        }
        for (i, (got, want)) in model.intercept.iter().zip(floats(&case["intercept"])).enumerate() {
            assert_close(*got, want, 1e-8, &format!("{name}: intercept {i}"));
        }
        assert!(trained.notes.iter().all(|n| !n.contains("tol")), "{name}: {:?}", trained.notes);
    }
}

/// The same file at any number of threads, and again; another with another seed.
#[test]
fn a_run_gives_the_same_bytes_at_any_number_of_threads() {
    let golden = golden();
    let csv = golden["csv"].as_str().unwrap();
    for model in ["gradient_boosting", "random_forest", "logistic_regression"] {
        let run = |threads: usize, seed: u64| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let yaml = format!("{LISTED}\nmodel: {{type: {model}}}\nseed: {seed}");
            pool.install(|| fit(csv, &yaml).file().unwrap())
        };
        let one = run(1, 1);
        assert!(one == run(1, 1), "{model}: two runs differ");
        assert!(one == run(2, 1), "{model}: one and two threads differ");
        assert!(one == run(7, 1), "{model}: one and seven threads differ");
        assert!(one != run(1, 2), "{model}: the seed changes nothing");
        let artifact = Artifact::read(&one).unwrap();
        assert_eq!(artifact.witnesses.len(), 8);
        artifact.replay().unwrap();
        assert!(artifact.witnesses.iter().any(|w| w.record.contains(&None)), "no witness with a missing value");
    }
}

const SALES: &str = "day,start,output,cost,label\n\
    2024-05-01,2024-01-01,10,2,a\n2024-05-02,2024-04-01,9,4,b\n2024-06-01,2024-02-01,8,2,a\n2024-06-09,2024-06-01,7,5,b\n\
    2024-05-01,2024-01-11,12,2,a\n2024-05-02,2024-04-11,3,4,b\n2024-06-01,2024-02-11,9,2,a\n2024-06-09,2024-05-21,6,5,b\n\
    2024-05-01,2023-12-01,11,2,a\n2024-05-02,2024-04-21,2,4,b\n2024-06-01,2024-02-19,7,2,a\n2024-06-09,2024-05-11,5,5,b\n";

#[test]
fn derived_features_use_the_rows_own_time() {
    let yaml = "
model: {name: sales, version: 2.3.1, type: random_forest, parameters: {min_samples_leaf: 1}}
data:
  target: label
  as_of_column: day
  extra: reject
  features:
    ranges: {cost: [0, 50]}
    numerical: [output, cost]
    time: [start]
    hidden: [cost]
    derived: {ratio: output / (cost + 1e-10), age: \"date_diff('day', start, now())\"}
";
    let trained = fit(SALES, yaml);
    let a = &trained.artifact;
    assert_eq!((a.name.as_str(), a.version.as_str()), ("sales", "2.3.1"));
    let fields: Vec<&str> = a.schema.fields.iter().map(|f| f.name.as_str()).collect();
    assert!(!fields.contains(&"day"), "the event time is no feature: {fields:?}");
    let read: Vec<&str> = a.pipeline.encoders.0.iter().map(|e| a.slot_name(e.slot as usize)).collect();
    assert_eq!(read, ["output", "ratio", "age"], "times and hidden columns feed derived features only");
    assert_eq!(a.schema.extra, Extra::Reject);
    let cost = a.schema.fields.iter().find(|f| f.name == "cost").unwrap();
    assert_eq!(cost.kind, FieldKind::Number { min: Some(0.0), max: Some(50.0) });
    let answered: u64 = a.profile.predicted.iter().sum();
    assert_eq!(answered as usize, trained.validation.y.len(), "the reference answers are those of rows held out");
    let age = &a.profile.slots[a.schema.fields.len() + 1];
    assert_eq!((age.min, age.max), (8.0, 152.0), "days from start to the row's own day");
    let no_time = yaml.replace("  as_of_column: day\n", "");
    let e = error(SALES, &no_time);
    assert!(e.contains("`age` uses now()") && e.contains("as_of_column"), "{e}");
}

#[test]
fn a_record_needs_only_what_the_model_reads_and_the_config_asks() {
    let of = |features: &str| fit(SALES, &format!("data: {{target: label, as_of_column: day, features: {features}}}"));
    let fields =
        |t: &Trained| t.artifact.schema.fields.iter().map(|f| (f.name.clone(), f.required)).collect::<BTreeMap<_, _>>();
    let plain = of("{}");
    assert_eq!(fields(&plain).get("start"), None, "no derived feature reads it");
    assert!(plain.notes.iter().any(|n| n.starts_with("`start` is left out")), "{:?}", plain.notes);
    assert_eq!(fields(&plain).get("cost"), Some(&true), "no training row lacks it");

    let read = of("{optional: [cost], derived: {begun: \"extract(year FROM start)\"}}");
    assert_eq!(fields(&read).get("start"), Some(&true));
    assert_eq!(fields(&read).get("cost"), Some(&false));
    let linear =
        fit(SALES, "{model: {type: logistic_regression}, data: {target: label, features: {optional: [cost]}}}");
    assert_eq!(fields(&linear).get("cost"), Some(&false), "and the imputer has a value for it");
}

#[test]
fn bad_configs_say_what_would_be_right() {
    let cases = [
        ("modle: {}", "line 1, column 1: unknown key `modle` (did you mean `model`?)"),
        ("model:\n  typ: x", "line 2, column 3: unknown key `typ` (did you mean `type`?)"),
        ("model: {type: random_forrest}", "unknown value `random_forrest` (did you mean `random_forest`?)"),
        ("preprocessing: {scaler: standrad}", "unknown value `standrad` (did you mean `standard`?)"),
        ("preprocessing: {imputer: {strategy: constant}}", "needs a `fill_value`"),
        ("preprocessing: {encoder: {type: onehot, handle_unknwon: ignore}}", "(did you mean `handle_unknown`?)"),
        ("model: {parameters: {max_leafs: 3}}", "gradient_boosting has no `max_leafs` (did you mean `max_leaves`?)"),
        ("model: {parameters: {random_state: 3}}", "the seed is a key of its own"),
        ("model: {parameters: {learning_rate: fast}}", "model.parameters.learning_rate: invalid type: string"),
        ("model: {parameters: {subsample: 1.5}}", "subsample must be above 0 and at most 1"),
        ("model: {type: random_forest, parameters: {max_features: all}}", "max_features is `sqrt`, `log2`"),
        ("data: {validation_fraction: 1}", "must lie between 0 and 1"),
        ("data: {target: y, features: {numerical: [a], categorical: [a]}}", "`a` is listed under numerical and under"),
        ("data: {target: label, features: {derived: {r: outptu / 2}}}", "(did you mean `output`?)"),
        ("data: {target: label, features: {ranges: {outptu: [0, 1]}}}", "no feature `outptu` (did you mean `output`?)"),
        ("data: {target: label, features: {hidden: [cots]}}", "no feature `cots` (did you mean `cost`?)"),
        ("data: {target: label, features: {optional: [cots]}}", "no feature `cots` (did you mean `cost`?)"),
        ("model: {name: My Model}\ndata: {target: label}", "the model's name must be"),
        ("data: {target: labl}", "(did you mean `label`?)"),
        ("data: {target: label}\ntraining: {class_weight: {c: 2}}", "`c` is no label"),
        ("seed: -1", "line 1"),
        ("data: {}", "data.target is not set"),
    ];
    for (yaml, want) in cases {
        let got = error(SALES, yaml);
        assert!(got.contains(want), "{yaml}\n  gave   {got}\n  wanted {want}");
    }
}

#[test]
fn the_documented_config_is_one() {
    let source = include_str!("../src/train/config/mod.rs");
    let lines = source.lines().skip_while(|l| *l != "//! ```yaml").skip(1).take_while(|l| *l != "//! ```");
    let yaml: String = lines.map(|l| format!("{}\n", l.trim_start_matches("//!"))).collect();
    let config = Config::parse(&yaml).unwrap();
    assert_eq!(config.data.features.derived[0].name, "tenure");
    assert_eq!(config.training.class_weight, train::config::ClassWeight::Balanced);
}

#[test]
fn paths_in_a_config_start_where_it_lies_and_its_size_is_limited() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("model.yaml");
    std::fs::write(&path, "data: {train_path: rows.csv}").unwrap();
    assert_eq!(Config::read(&path).unwrap().data.train_path, Some(dir.path().join("rows.csv")));
    std::fs::write(&path, " ".repeat(train::config::MAX_CONFIG_BYTES as usize + 1)).unwrap();
    let e = Config::read(&path).unwrap_err().to_string();
    assert!(e.contains("at most 1048576"), "{e}");
    let e = Config::read(&dir.path().join("absent.yaml")).unwrap_err().to_string();
    assert!(e.contains("absent.yaml"), "{e}");
}

#[test]
fn what_is_written_is_what_is_meant() {
    let yaml = "
model: {type: gradient_boosting, parameters: {num_leaves: 7, eta: 0.3, lambda_l2: 2}}
data: {target: label, features: {derived: [{name: r, expression: output / cost}]}}
preprocessing: {imputer: {strategy: median, add_indicator: true}, encoder: {type: ordinal, handle_unknown: own_column}}
";
    let config = Config::parse(yaml).unwrap();
    assert_eq!(config.data.features.derived[0].expression, "output / cost");
    let params = train::Params::new(config.model.kind, &config.model.parameters).unwrap();
    let train::Params::GradientBoosting(p) = params else { panic!("another trainer") };
    assert_eq!((p.max_leaves, p.learning_rate, p.reg_lambda), (7, 0.3, 2.0));
    let again = serde_json::to_string(&config).unwrap();
    assert_eq!(serde_json::from_str::<Config>(&again).unwrap(), config, "a config survives the file's header");
}

/// The bars on UCI Adult: test ROC AUC of the defaults, nothing configured.
#[test]
fn adult_reaches_its_bars() {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data");
    if !dir.join("adult_train.csv").exists() {
        eprintln!("skipped: {} is not there (UCI Adult, too large to carry)", dir.join("adult_train.csv").display());
        return;
    }
    let train_table = Table::read(&dir.join("adult_train.csv")).unwrap();
    let test_table = Table::read(&dir.join("adult_test.csv")).unwrap();
    for (model, bar) in [("gradient_boosting", 0.929), ("random_forest", 0.915), ("logistic_regression", 0.90)] {
        let config = Config::parse(&format!("model: {{type: {model}}}\ndata: {{target: income}}")).unwrap();
        let trained = train::fit(&config, &train_table, Some(&test_table), &()).unwrap();
        let test = trained.test.as_ref().unwrap();
        let auc = test.metrics.roc_auc.unwrap();
        eprintln!(
            "{model}: test AUC {auc:.5}, log loss {:.5}, validation AUC {:.5}, {} rows refused, {:?} rounds, {} bytes",
            test.metrics.log_loss,
            trained.validation.metrics.roc_auc.unwrap(),
            test.rejected.len(),
            trained.rounds,
            trained.file().unwrap().len()
        );
        assert!(auc >= bar, "{model}: {auc} is below {bar}");
        assert!((auc - trained.validation.metrics.roc_auc.unwrap()).abs() < 0.02, "validation and test disagree");
    }
}

#[test]
fn a_report_escapes_what_it_shows_and_loads_nothing() {
    let csv = SALES.replace("output", "<b>output</b>").replace(",a\n", ",a&<script>alert(1)</script>\n");
    let yaml = "
model: {name: sales, type: gradient_boosting, parameters: {min_samples_leaf: 1, n_estimators: 20}}
data: {target: label, features: {numerical: ['<b>output</b>', cost]}}
";
    let trained = fit(&csv, yaml);
    let file = trained.file().unwrap();
    let html = hedgerow::report::training(&trained, &file).unwrap();
    assert!(html == hedgerow::report::training(&fit(&csv, yaml), &file).unwrap(), "the same run, another report");
    assert!(html.contains("a&amp;&lt;script&gt;alert(1)") && html.contains("&lt;b&gt;output&lt;/b&gt;"));
    assert!(!html.contains("<script") && !html.contains("<b>output"), "a name is shown as markup");
    for loads in ["src=", "href=", "url(", "@import", "http://", "https://"] {
        let elsewhere = html.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
        assert!(!elsewhere.contains(loads), "the report has `{loads}`");
    }
    for part in
        ["ROC curve", "Precision and recall", "Reliability", "Learning curve", "true \\ predicted", "data_sha256"]
    {
        let shown = if part == "data_sha256" { trained.header.training[part].as_str().unwrap() } else { part };
        assert!(html.contains(shown), "the report lacks {part}");
    }
}

/// Tables that break trainers: few rows, rare classes, columns without values, more levels than codes, numbers at the far
/// ends, unknown levels. Every answer is a probability, and the file is sound.
#[test]
fn odd_tables_give_sound_models() {
    let mut state = 1u64;
    let mut next = move |n: u64| {
        state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (state >> 33) % n
    };
    let mut rows: Vec<[String; 6]> = Vec::new();
    for i in 0..1500u64 {
        let level = next(400);
        let label = if i < 3 { "rare".to_owned() } else { format!("c{}", (level / 100 + next(2)) % 4) };
        let huge = ["1e308", "-1e308", "0", "1e-308", "3"][next(5) as usize];
        let sparse = if i < 5 { i.to_string() } else { String::new() };
        let flag = ["true", "false", ""][next(3) as usize];
        rows.push([format!("L{level}"), huge.into(), sparse, flag.into(), "always".into(), label]);
    }
    let write = |rows: &[[String; 6]]| {
        let lines: String = rows.iter().map(|r| r.join(",") + "\n").collect();
        format!("level,huge,sparse,flag,constant,label\n{lines}")
    };
    let full = write(&rows);
    let few = write(&rows[3..12]);
    let lists = "features: {numerical: [huge, sparse], categorical: [level, constant], flag: [flag]}";
    for model in ["gradient_boosting", "random_forest", "logistic_regression"] {
        for csv in [&full, &few] {
            for encoder in ["onehot", "ordinal"] {
                for unknown in ["error", "ignore", "own_column"] {
                    let yaml = format!(
                        "model: {{type: {model}, parameters: {}}}\ndata: {{target: label, {lists}}}\n\
                         preprocessing: {{encoder: {{type: {encoder}, handle_unknown: {unknown}}}}}",
                        match model {
                            "gradient_boosting" => "{n_estimators: 5}",
                            "random_forest" => "{n_estimators: 5}",
                            _ => "{max_iter: 3}",
                        }
                    );
                    let trained = fit(csv, &yaml);
                    let artifact = Artifact::read(&trained.file().unwrap()).unwrap();
                    artifact.replay().unwrap();
                    let mut work = artifact.work();
                    let n = artifact.schema.fields.len();
                    for far in [f64::NAN, 0.0, 1e308, -1e308, 1.0] {
                        work.slots[..n].fill(far);
                        artifact.predict(&mut work);
                        let sum: f64 = work.probability.iter().sum();
                        let sound =
                            work.probability.iter().all(|p| (0.0..=1.0).contains(p)) && (sum - 1.0).abs() < 1e-9;
                        let nan_means_nothing = far.is_nan() && model == "logistic_regression";
                        assert!(sound || nan_means_nothing, "{yaml}\n{far}: {:?}", work.probability);
                    }
                }
            }
        }
    }
}

#[test]
fn data_that_cannot_be_trained_on_is_refused_with_a_reason() {
    let yaml = "data: {target: label}";
    for (csv, want) in [
        ("a,label\n1,x\n2,x\n3,x\n", "label"),
        ("a,label\n", "row"),
        ("a,label\n1,x\n2,y\n", "too few rows"),
        ("a,b\n1,x\n2,y\n", "label"),
    ] {
        let got = error(csv, yaml);
        assert!(got.contains(want), "{csv}  gave   {got}\n  wanted {want}");
    }
}
