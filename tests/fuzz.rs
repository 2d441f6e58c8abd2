//! The bodies of the fuzz targets, run on the stable compiler: over seeds, and over what a property test makes of them.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../fuzz/bodies.rs"]
mod bodies;
mod memory;

use hedgerow::import::Format;
use proptest::prelude::*;
use proptest::sample::Index;
use std::path::Path;
use std::sync::LazyLock;

const EXPRS: &[&str] = &[
    "amount / (rate + 1e-10)",
    "CASE WHEN region = 'eu' THEN 1 WHEN tier <> '2' THEN COALESCE(amount, ratio) ELSE NULLIF(rate, 0) END",
    "date_diff('day', since, now()) + extract(dow FROM since)",
    "flagged AND NOT active OR amount IS NULL",
    "amount BETWEEN 1 AND 2 OR tier IN ('1', '10')",
    "-amount % 2.5e3 - power(rate, LEAST(2, GREATEST(amount, 1)))",
    "since > '2020-01-01'",
];

const RECORDS: &[&str] = &[
    r#"{"amount": 12.5, "rate": 0.5, "region": "eu", "tier": "2", "active": true, "since": "2024-02-29T12:00:00+02:00"}"#,
    r#"{"amount": null, "rate": 1e0, "region": "moon", "tier": 10, "active": 0, "since": 1700000000000}"#,
    r#"{"rate": "0.5", "region": ["eu"], "tier": "3", "active": "yes", "since": "2023-02-29", "__proto__": {"rate": 1}}"#,
    "amount,rate,region,tier,active,since\n1.5,0.25,us,10,yes,2024-02-29\n,1,,,,\n\"a\"\"b\",2,\"x,y\",3,maybe,1700000000000\n",
];

/// What the edits are made of: bytes that mean something to one of the languages.
const TOKENS: &[&str] = &[
    "\"",
    "'",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\n",
    "\r\n",
    "\\u0000",
    "\\ud800",
    "1e999",
    "-0",
    "NaN",
    "null",
    "true",
    "rate",
    "amount",
    "\u{feff}",
    "\u{202e}",
    "é",
    "(",
    ")",
    "((((",
    " NOT ",
    " AND ",
    "--",
    "/*",
    ";",
    "CASE ",
    " END",
    "now()",
    "9999-12-31",
    "0x10",
    "\0",
    "=",
    "<>",
    "9223372036854775808",
    " IN (",
];

#[derive(Clone, Debug)]
enum Edit {
    Set(Index, u8),
    Cut(Index, Index),
    Put(Index, usize),
    Repeat(Index, Index, u8),
}

fn edits() -> impl Strategy<Value = Vec<Edit>> {
    let edit = prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(i, b)| Edit::Set(i, b)),
        (any::<Index>(), any::<Index>()).prop_map(|(i, j)| Edit::Cut(i, j)),
        (any::<Index>(), 0..TOKENS.len()).prop_map(|(i, t)| Edit::Put(i, t)),
        (any::<Index>(), any::<Index>(), 1u8..40).prop_map(|(i, j, n)| Edit::Repeat(i, j, n)),
    ];
    prop::collection::vec(edit, 0..6)
}

fn edited(seed: &[u8], edits: &[Edit]) -> Vec<u8> {
    let mut data = seed.to_vec();
    for edit in edits {
        if data.is_empty() {
            break;
        }
        let n = data.len();
        let range = |i: &Index, j: &Index| {
            let (i, j) = (i.index(n), j.index(n));
            i.min(j)..i.max(j)
        };
        match edit {
            Edit::Set(i, byte) => data[i.index(n)] = *byte,
            Edit::Cut(i, j) => drop(data.drain(range(i, j))),
            Edit::Put(i, token) => {
                let at = i.index(n);
                data.splice(at..at, TOKENS[*token].bytes());
            }
            Edit::Repeat(i, j, times) => {
                let part = data[range(i, j)].repeat((*times).into());
                let at = i.index(n);
                data.splice(at..at, part.into_iter().take(10_000));
            }
        }
    }
    data
}

/// What fuzz/seeds.py made: a model file of another library, its format and name.
static MODELS: LazyLock<Vec<(Format, String, Vec<u8>)>> = LazyLock::new(|| {
    let mut models = Vec::new();
    for format in Format::ALL {
        let seeds = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(format!("import_{}", format.name()));
        let mut paths: Vec<_> = std::fs::read_dir(seeds).unwrap().map(|entry| entry.unwrap().path()).collect();
        paths.sort();
        models.extend(paths.into_iter().map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (format, name, std::fs::read(path).unwrap())
        }));
    }
    models
});

/// Holds the import of a file to its promises, and to memory in proportion to its size.
fn import(format: Format, data: &[u8]) -> usize {
    let (taken, peak) = memory::peak(|| bodies::import(format, data));
    let bound = 2_000_000 + 500 * data.len();
    assert!(peak <= bound, "{}: a file of {} bytes took {peak} of {bound}", format.name(), data.len());
    if std::env::var("PEAK").is_ok() {
        println!("PEAK {} {} {} {}", format.name(), data.len(), peak, taken);
    }
    taken
}

fn golden(name: &str) -> Vec<u8> {
    std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
}

#[test]
fn the_seeds_are_taken() {
    for seed in EXPRS {
        assert_eq!(bodies::expr(seed.as_bytes()), 1, "{seed}");
    }
    let sound: Vec<usize> = RECORDS.iter().map(|seed| bodies::record(seed.as_bytes())).collect();
    assert_eq!(sound, [1, 1, 0, 2]);
    for name in ["format-1.hedge", "format-1-two-classes.hedge"] {
        assert_eq!(bodies::artifact(&golden(name)), 1);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn an_edited_expression_keeps_the_promises(seed in 0..EXPRS.len(), edits in edits()) {
        bodies::expr(&edited(EXPRS[seed].as_bytes(), &edits));
    }

    #[test]
    fn an_edited_record_keeps_the_promises(seed in 0..RECORDS.len(), edits in edits()) {
        bodies::record(&edited(RECORDS[seed].as_bytes(), &edits));
    }

    #[test]
    fn bytes_of_any_kind_keep_the_promises(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        bodies::expr(&bytes);
        bodies::record(&bytes);
        bodies::artifact(&bytes);
    }
}

/// Many features, each tested once: memory in proportion, and no time in the square of them.
#[test]
fn wide_models_take_memory_in_proportion() {
    let n = 20_000;
    let names: Vec<String> = (0..n).map(|i| format!("f{i}")).collect();
    let mut file = format!(
        "tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nlabel_index=0\nmax_feature_idx={}\nobjective=binary sigmoid:1\n\
         feature_names={}\nfeature_infos={}\n\n",
        n - 1,
        names.join(" "),
        "none ".repeat(n)
    );
    for i in 0..n {
        file += &format!(
            "Tree={i}\nnum_leaves=2\nnum_cat=0\nsplit_feature={i}\nthreshold=1.5\ndecision_type=8\nleft_child=-1\n\
             right_child=-2\nleaf_value=0.1 -0.1\n\n"
        );
    }
    file += "end of trees\n";
    assert_eq!(import(Format::Lightgbm, file.as_bytes()), 1);
    // As many derived features: refused before they are made.
    assert_eq!(import(Format::Lightgbm, file.replace("decision_type=8", "decision_type=4").as_bytes()), 0);
}

#[test]
fn the_models_are_taken() {
    for (format, name, file) in &*MODELS {
        assert_eq!(import(*format, file), 1, "{name}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn an_edited_model_keeps_the_promises(seed in any::<Index>(), edits in edits()) {
        let (format, _, file) = seed.get(&MODELS);
        import(*format, &edited(file, &edits));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn an_edited_file_keeps_the_promises(two in any::<bool>(), edits in edits()) {
        let file = golden(if two { "format-1-two-classes.hedge" } else { "format-1.hedge" });
        bodies::artifact(&edited(&file, &edits));
        // Within the body, where the digest hides no edit.
        let header = u32::from_le_bytes(file[12..16].try_into().unwrap()) as usize;
        bodies::artifact(&edited(&file[56 + header..], &edits));
    }
}
