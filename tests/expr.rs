//! The feature language, tested by data: `tests/expr/*.txt`. The form of the files is told at the head of
//! `tests/expr/arithmetic.txt`; what must not compile, and what is said of it, is in `tests/expr/errors.txt`.

use hedgerow::expr::{Expr, MAX_DEPTH, MAX_NODES, MAX_TEXT, Type};
use hedgerow::math::BLOCK;
use hedgerow::schema::{Field, FieldKind, RawRecord, Schema, Unknown};
use hedgerow::{time, wire};
use std::fs;
use std::path::{Path, PathBuf};

/// What a file declares.
#[derive(Default)]
struct Given {
    schema: Schema,
    as_of: f64,
}

impl Given {
    /// `as_of INSTANT`, or `NAME KIND [LEVEL,…]`; a name may hold spaces, a kind may not.
    fn declare(&mut self, line: &str) {
        if let Some(at) = line.strip_prefix("as_of ") {
            self.as_of = time::parse_iso(at.trim()).expect("an instant");
            return;
        }
        let (name, kind) = if let Some((name, levels)) = line.split_once(" category ") {
            (name, FieldKind::Category { levels: levels.split(',').collect(), unknown: Unknown::Admit })
        } else {
            let (name, kind) = line.rsplit_once(' ').expect("a name and a kind");
            let kinds = [
                ("number", FieldKind::Number { min: None, max: None }),
                ("flag", FieldKind::Flag),
                ("time", FieldKind::Time),
            ];
            let found = kinds.into_iter().find(|(k, _)| *k == kind);
            (name, found.expect("number, flag, time or category").1)
        };
        self.schema.fields.push(Field { name: name.into(), kind, required: false });
    }

    /// `name=text, name=text`, or `-`.
    fn row(&self, text: &str) -> Vec<f64> {
        let mut cells = vec![None; self.schema.fields.len()];
        for cell in text.split(", ").filter(|c| *c != "-") {
            let (name, value) = cell.split_once('=').expect("name=text");
            let slot = self.schema.slot(name).expect("a declared field");
            cells[slot] = Some(value.to_string());
        }
        let mut row = vec![0.0; cells.len()];
        self.schema.row(&RawRecord(&cells), &mut row).expect("a sound record");
        row
    }
}

/// The files of cases.
fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expr");
    let entries = fs::read_dir(folder).expect("tests/expr").map(|e| e.expect("an entry").path());
    let mut files: Vec<PathBuf> =
        entries.filter(|p| p.extension().is_some_and(|e| e == "txt") && !p.ends_with("errors.txt")).collect();
    files.sort();
    files
}

#[test]
fn cases() {
    let mut count = 0;
    let mut wrong = Vec::new();
    for file in files() {
        let text = fs::read_to_string(&file).expect("a file of cases");
        let mut given = Given::default();
        for (n, line) in text.lines().enumerate() {
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            if let Some(declaration) = line.strip_prefix(':') {
                given.declare(declaration.trim());
                continue;
            }
            count += 1;
            let place = format!("{}:{}", file.file_name().expect("a name").to_string_lossy(), n + 1);
            let [expression, row, expected] = line.split(" | ").collect::<Vec<_>>()[..] else {
                panic!("{place}: a case has three parts");
            };
            if let Err(what) = case(&given, expression, row.trim(), expected.trim()) {
                wrong.push(format!("{place}: {line}\n    {what}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {count} cases:\n{}", wrong.len(), wrong.join("\n"));
    assert!(count >= 400, "only {count} cases were found");
}

fn case(given: &Given, expression: &str, row: &str, expected: &str) -> Result<(), String> {
    let compiled = Expr::parse(expression, &given.schema, &[]).map_err(|e| e.to_string())?;
    compiled.check(&given.schema, &[]).map_err(|e| e.to_string())?;
    let again: Expr = wire::decode(&wire::encode(&compiled).expect("encodes")).expect("decodes");
    assert_eq!(again, compiled);
    let (ty, wanted) = match expected {
        "missing" => (compiled.ty, f64::NAN),
        "true" => (Type::Flag, 1.0),
        "false" => (Type::Flag, 0.0),
        at if at.contains('T') => (Type::Time, time::parse_iso(at).ok_or("not an instant")?),
        number => (Type::Number, number.parse().map_err(|_| "not a number")?),
    };
    let got = again.eval(&given.row(row), given.as_of);
    if let Some(differs) = by_columns(given, &again, &given.row(row)) {
        return Err(differs);
    }
    if compiled.ty != ty {
        return Err(format!("it yields a {:?}", compiled.ty));
    }
    if got.to_bits() != wanted.to_bits() {
        return Err(format!("{got:?} ({:016x}), not {wanted:?} ({:016x})", got.to_bits(), wanted.to_bits()));
    }
    Ok(())
}

/// Where the value over columns has other bits than the value over each row: `row`, and rows with other numbers in it.
fn by_columns(given: &Given, expr: &Expr, row: &[f64]) -> Option<String> {
    let others = [f64::NAN, 0.0, -0.0, 1.0, -2.5, 1e308, -1e308, 5e-324, f64::INFINITY, 1_767_323_045.678, 700.0];
    let rows: Vec<Vec<f64>> = (0..41)
        .map(|r| {
            let other = |j: usize| others[(r * 5 + j * 3) % others.len()];
            row.iter()
                .enumerate()
                .map(|(j, v)| if r % 4 == 0 || r * 7 % (j + 2) == 0 { *v } else { other(j) })
                .collect()
        })
        .collect();
    let mut slots = vec![f64::NAN; row.len() * BLOCK];
    for (r, row) in rows.iter().enumerate() {
        row.iter().enumerate().for_each(|(j, v)| slots[j * BLOCK + r] = *v);
    }
    let mut column = vec![7.0; BLOCK];
    let mut room = Vec::new();
    // The second time in room that was used.
    (0..2).for_each(|_| expr.eval_block(&slots, rows.len(), given.as_of, &mut room, &mut column));
    rows.iter().zip(&column).find_map(|(row, got)| {
        let wanted = expr.eval(row, given.as_of);
        (wanted.to_bits() != got.to_bits()).then(|| format!("by columns {got:?}, not {wanted:?}, over {row:?}"))
    })
}

/// Blocks of `> expression` and then the exact message, between empty lines. `ACCEPT=1 cargo test --test expr errors` writes
/// the messages as they are now, to be read in the diff.
#[test]
fn errors() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expr/errors.txt");
    let text = fs::read_to_string(&file).expect("tests/expr/errors.txt");
    let mut given = Given::default();
    let mut now = Vec::new();
    let mut count = 0;
    for block in text.trim_end().split("\n\n") {
        let mut lines: Vec<&str> = Vec::new();
        let mut expression: Vec<&str> = Vec::new();
        for line in block.lines() {
            if let Some(declaration) = line.strip_prefix(':') {
                given.declare(declaration.trim());
            }
            match line.strip_prefix("> ") {
                Some(part) => expression.push(part),
                None if expression.is_empty() => lines.push(line),
                None => {}
            }
        }
        let mut block: Vec<String> = lines.iter().map(|l| l.to_string()).collect();
        if !expression.is_empty() {
            count += 1;
            block.extend(expression.iter().map(|l| format!("> {l}")));
            let earlier = [("earlier".to_string(), Type::Number)];
            block.push(match Expr::parse(&expression.join("\n"), &given.schema, &earlier) {
                Ok(compiled) => format!("compiles: {:?}", compiled.ty),
                Err(e) => e.to_string(),
            });
        }
        now.push(block.join("\n"));
    }
    let now = now.join("\n\n") + "\n";
    if std::env::var_os("ACCEPT").is_some() {
        fs::write(&file, &now).expect("writes");
    }
    for (k, (was, is)) in text.lines().zip(now.lines()).enumerate() {
        assert_eq!(was, is, "errors.txt:{}", k + 1);
    }
    assert_eq!(text, now);
    assert!(count >= 60, "only {count} errors were found");
}

fn two_numbers() -> Schema {
    let mut given = Given::default();
    given.declare("a number");
    given.declare("p flag");
    given.schema
}

fn message(text: &str) -> String {
    match Expr::parse(text, &two_numbers(), &[]) {
        Ok(_) => "compiles".into(),
        Err(e) => e.to_string(),
    }
}

/// Everything that nests, nested `n` deep.
fn nestings(n: usize) -> Vec<(&'static str, String)> {
    let around = |open: &str, core: &str, close: &str| format!("{}{core}{}", open.repeat(n), close.repeat(n));
    vec![
        ("parentheses", around("(", "a", ")")),
        ("calls", around("abs(", "a", ")")),
        ("unclosed parentheses", "(".repeat(n)),
        ("unclosed calls", "abs(".repeat(n)),
        ("minus", around("- ", "a", "")),
        ("not", around("NOT ", "p", "")),
        ("case", around("CASE WHEN p THEN ", "a", " ELSE 0 END")),
        ("case in the condition", around("CASE WHEN ", "p", " THEN p ELSE p END")),
        ("coalesce", around("COALESCE(a, ", "a", ")")),
        ("to the right", around("a + (", "a", ")")),
        ("comparisons", around("", "p", " = p")),
        ("is null", around("", "a", " IS NULL")),
        ("casts", around("", "a", "::int")),
        ("between", around("a BETWEEN 1 AND ", "a", "")),
        ("in", around("a IN (", "a", ")")),
        ("arrays", around("[", "a", "]")),
        ("subscripts", around("a[", "a", "]")),
        ("subqueries", around("(SELECT ", "a", ")")),
        ("braces", around("{", "a", "}")),
        ("intervals", around("INTERVAL ", "a", "")),
        ("extract", around("extract(year FROM ", "a", ")")),
    ]
}

#[test]
fn nesting_past_the_limit_is_an_error_and_no_overflow() {
    for n in [MAX_DEPTH + 1, 300, 2000, 100_000] {
        for (what, text) in nestings(n) {
            assert_ne!(message(&text), "compiles", "{n} {what}");
        }
    }
    assert!(message(&nestings(MAX_DEPTH + 1)[0].1).contains("64 levels are the most"));
    for sound in ["parentheses", "calls", "minus", "not", "case", "case in the condition", "coalesce"] {
        let nested = nestings(MAX_DEPTH - 1);
        let (_, text) = nested.iter().find(|(what, _)| *what == sound).expect("in the list");
        assert_eq!(message(text), "compiles", "{sound}");
    }
}

#[test]
fn long_chains_compile_up_to_the_limit() {
    let chain = |n: usize, op: &str, operand: &str| vec![operand; n].join(op);
    let schema = two_numbers();
    let most = MAX_NODES / 2;
    let sum = Expr::parse(&chain(most, " + ", "a"), &schema, &[]).expect("2048 terms");
    assert_eq!(sum.eval(&[0.5, 0.0], 0.0), 1024.0);
    let all = Expr::parse(&chain(most, " AND ", "p"), &schema, &[]).expect("2048 flags");
    assert_eq!(all.eval(&[0.5, 1.0], 0.0), 1.0);
    assert!(message(&chain(most + 1, " + ", "a")).contains("4096 nodes are the most"));
    assert!(message(&chain(4096, "+", "a")).contains("4096 nodes are the most"));
    assert!(message(&chain(5000, "+", "a")).contains("8192 is the most"));
    assert!(message(&chain(100_000, "+", "a")).contains("too long: 65536 is the most"));
    let branches = |n: usize| format!("CASE {} ELSE 0 END", "WHEN a > 1 THEN 2 ".repeat(n));
    let case = Expr::parse(&branches(600), &schema, &[]).expect("600 branches");
    assert_eq!(case.eval(&[0.5, 0.0], 0.0), 0.0);
    assert!(message(&branches(1000)).contains("4096 nodes"));
    let within = |n: usize| format!("a IN ({})", chain(n, ", ", "7"));
    assert_eq!(message(&within(1000)), "compiles");
    assert!(message(&within(2000)).contains("4096 nodes"));
    assert_eq!(
        message(&format!("a{}", " ".repeat(MAX_TEXT))),
        format!("an expression of {} bytes is too long: 65536 is the most", MAX_TEXT + 1)
    );
    assert_eq!(message(" \n "), "an expression is empty; write one such as `a / (b + 1)`");
}

/// A left side that is doubled at every level would be 2^30 nodes.
#[test]
fn what_multiplies_is_bounded() {
    let mut text = "p".to_string();
    for _ in 0..30 {
        text = format!("({text}) IN (TRUE, FALSE)");
    }
    assert!(message(&text).contains("nodes are the most"));
}

#[test]
fn derived_features_follow_the_fields() {
    let schema = two_numbers();
    let earlier = [("twice".to_string(), Type::Number), ("late".to_string(), Type::Flag)];
    let e = Expr::parse("CASE WHEN late THEN twice ELSE a END", &schema, &earlier).expect("compiles");
    assert_eq!(e.eval(&[1.0, 0.0, 2.0, 1.0], 0.0), 2.0);
    assert_eq!(e.eval(&[1.0, 0.0, 2.0, 0.0], 0.0), 1.0);
    e.check(&schema, &[Type::Number, Type::Flag]).expect("sound");
    e.check(&schema, &[Type::Number]).expect_err("a slot that does not exist");
    assert!(!e.uses_now());
    assert!(Expr::parse("date_diff('day', now(), now())", &schema, &[]).expect("compiles").uses_now());
}

mod random {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3000))]

        #[test]
        fn text_never_panics_the_parser(text in "\\PC{0,60}") {
            let _ = message(&text);
        }

        /// Words and signs of the language in any order, which gets further than any characters do.
        #[test]
        fn words_in_any_order_never_panic_the_parser(words in proptest::collection::vec(proptest::sample::select(WORDS.to_vec()), 0..25)) {
            let _ = message(&words.join(" "));
        }
    }

    const WORDS: [&str; 62] = [
        "a",
        "p",
        "(",
        ")",
        ",",
        "+",
        "-",
        "*",
        "/",
        "%",
        "=",
        "<>",
        "<",
        ">=",
        "AND",
        "OR",
        "NOT",
        "IS",
        "NULL",
        "TRUE",
        "BETWEEN",
        "IN",
        "CASE",
        "WHEN",
        "THEN",
        "ELSE",
        "END",
        "1",
        "2.5",
        "1e400",
        "'x'",
        "'2026-01-01'",
        "DATE",
        "TIMESTAMP",
        "abs(",
        "ln(",
        "now()",
        "date_diff(",
        "'day'",
        "extract(",
        "year",
        "FROM",
        "COALESCE(",
        "LEAST(",
        "sum(",
        "OVER",
        "SELECT",
        "INTERVAL",
        "CAST(",
        "AS",
        "::",
        "[",
        "]",
        "{",
        "\"a\"",
        "\"",
        "'",
        ";",
        ".",
        "\n",
        "é",
        "𝔘",
    ];
}
