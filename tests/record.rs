//! Door 1 by data (`record/*.json`), and what must hold of every record whatever its source.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "record/cases.rs"]
mod cases;

use cases::{Case, Expected, Source, Subject};
use hedgerow::data::{AsOf, Dataset, Format, Hints, Reader, Table, infer};
use hedgerow::schema::{Code, Field, FieldKind, RawRecord, Record, Schema, Unknown, Violation};
use hedgerow::time::format_iso;
use proptest::prelude::*;
use std::io::Cursor;

type Answer = Result<Vec<f64>, Vec<Violation>>;

fn ask(schema: &Schema, record: &dyn Record) -> Answer {
    let mut row = vec![0.0; schema.fields.len()];
    schema.row(record, &mut row).map(|()| row)
}

/// The first record of a text.
fn ask_text(schema: &Schema, text: impl Into<Vec<u8>>, format: Format) -> Answer {
    let line = Reader::new(Cursor::new(text.into()), Some(format)).unwrap().next().unwrap().unwrap();
    ask(schema, &line)
}

fn csv(names: &[&str], cells: &[&str]) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(names).unwrap();
    writer.write_record(cells).unwrap();
    writer.into_inner().unwrap()
}

fn bits(row: &[f64]) -> Vec<u64> {
    row.iter().map(|v| if v.is_nan() { u64::MAX } else { v.to_bits() }).collect()
}

/// Each way there is to give the case to the door, by name.
fn answers(subject: &Subject, case: &Case) -> Vec<(&'static str, Answer)> {
    let schema = &subject.schema;
    match &case.source {
        Source::Json(text) => vec![("JSON", ask_text(schema, text.as_str(), Format::JsonLines))],
        Source::Raw(cells) => {
            let by_field = schema
                .fields
                .iter()
                .map(|f| cells.iter().find(|(name, _)| *name == f.name).map(|(_, text)| text.clone()))
                .collect::<Vec<_>>();
            let (names, texts): (Vec<&str>, Vec<&str>) = cells.iter().map(|(n, t)| (n.as_str(), t.as_str())).unzip();
            vec![
                ("raw", ask(schema, &RawRecord(&by_field))),
                ("CSV", ask_text(schema, csv(&names, &texts), Format::Csv)),
            ]
        }
    }
}

#[test]
fn records_become_the_rows_that_the_cases_say() {
    let subjects = cases::all();
    assert!(subjects.iter().flat_map(|s| &s.cases).any(|c| c.native), "some records have no JavaScript form");
    let mut seen = std::collections::BTreeSet::new();
    let mut failures = Vec::new();
    for subject in &subjects {
        subject.schema.check().unwrap();
        for case in &subject.cases {
            for (way, answer) in answers(subject, case) {
                let right = match (&case.expected, &answer) {
                    (Expected::Row(row), Ok(got)) => bits(row) == bits(got),
                    (Expected::Violations(expected), Err(got)) => {
                        seen.extend(got.iter().map(|v| v.code.as_str()));
                        expected.len() == got.len()
                            && expected.iter().zip(got).all(|((field, code, message), v)| {
                                *field == v.field
                                    && *code == v.code.as_str()
                                    && message.as_ref().is_none_or(|m| *m == v.message)
                            })
                    }
                    _ => false,
                };
                if !right {
                    failures.push(format!("{}: {} ({way}): {answer:#?}", subject.file, case.name));
                }
            }
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(subjects.iter().map(|s| s.cases.len()).sum::<usize>() >= 50);
    let codes = [Code::Missing, Code::OutOfRange, Code::Type, Code::UnknownField, Code::UnknownLevel];
    assert!(seen.into_iter().eq(codes.map(Code::as_str)), "every code is shown by a case");
}

/// One field of each kind; `many` has enough levels to be searched.
fn schema() -> Schema {
    let field = |name: &str, kind| Field { name: name.into(), kind, required: false };
    let many = (0..50).map(|k| format!("level {}", k * 37 % 50)).collect();
    Schema {
        fields: vec![
            field("n", FieldKind::Number { min: Some(-1e6), max: None }),
            field("c", FieldKind::Category { levels: ["a", "b, \"c\"", "é"].into(), unknown: Unknown::Reject }),
            field("many", FieldKind::Category { levels: many, unknown: Unknown::Admit }),
            field("f", FieldKind::Flag),
            field("t", FieldKind::Time),
        ],
        ..Schema::default()
    }
}

/// A sound value of each field as (JSON, text without a type), or neither.
fn sound() -> impl Strategy<Value = Vec<Option<(String, String)>>> {
    let quoted = |text: String| (serde_json::Value::from(text.as_str()).to_string(), text);
    let number = prop_oneof![-1e6..1e300_f64, (-1000..1000_i32).prop_map(f64::from), Just(-0.0), Just(5e-324)];
    let levels = match &schema().fields[1].kind {
        FieldKind::Category { levels, .. } => levels.to_vec(),
        _ => Vec::new(),
    };
    let spellings = [("true", "TRUE"), ("false", "f"), ("1", "1"), ("0", "no"), ("true", "Yes")];
    let millis = -62_135_596_800_000..253_402_300_800_000_i64;
    (
        prop::option::of(number.prop_map(|v| (format!("{v:?}"), format!(" {v:?}")))),
        prop::option::of(prop::sample::select(levels).prop_map(quoted)),
        prop::option::of((0..60).prop_map(move |k| quoted(format!("level {k}")))),
        prop::option::of(prop::sample::select(spellings.to_vec()).prop_map(|(j, r)| (j.to_owned(), r.to_owned()))),
        prop::option::of((millis, any::<bool>()).prop_map(move |(ms, iso)| match iso {
            true => quoted(format_iso(ms as f64 / 1000.0)),
            false => (ms.to_string(), ms.to_string()),
        })),
    )
        .prop_map(|(a, b, c, d, e)| vec![a, b, c, d, e])
}

proptest! {
    #[test]
    fn json_csv_and_raw_texts_agree(values in sound()) {
        let schema = schema();
        let names: Vec<&str> = schema.fields.iter().map(|f| f.name.as_str()).collect();
        let entries: Vec<String> =
            names.iter().zip(&values).filter_map(|(n, v)| v.as_ref().map(|(json, _)| format!("\"{n}\": {json}"))).collect();
        let raw: Vec<Option<String>> = values.iter().map(|v| v.as_ref().map(|(_, text)| text.clone())).collect();
        let cells: Vec<&str> = raw.iter().map(|t| t.as_deref().unwrap_or("")).collect();

        let json = ask_text(&schema, format!("{{{}}}", entries.join(", ")), Format::JsonLines).unwrap();
        let csv = ask_text(&schema, csv(&names, &cells), Format::Csv).unwrap();
        let raw = ask(&schema, &RawRecord(&raw)).unwrap();
        prop_assert_eq!(bits(&json), bits(&csv));
        prop_assert_eq!(bits(&json), bits(&raw));
        for (slot, value) in json.iter().zip(&values) {
            prop_assert_eq!(slot.is_nan(), value.is_none());
            prop_assert!(!slot.is_sign_negative() || *slot < 0.0);
        }
    }

    #[test]
    fn any_text_is_answered_and_messages_stay_short(cells in prop::collection::vec(prop::option::of(".{0,80}"), 5)) {
        if let Err(violations) = ask(&schema(), &RawRecord(&cells)) {
            let order: Vec<usize> = violations.iter().map(|v| schema().slot(&v.field).unwrap()).collect();
            prop_assert!(order.is_sorted_by(|a, b| a < b));
            for v in violations {
                prop_assert!(v.message.chars().count() < 1000 && !v.message.chars().any(char::is_control), "{}", v.message);
            }
        }
    }

    #[test]
    fn any_bytes_are_answered(bytes in prop::collection::vec(any::<u8>(), 0..300), head in prop::sample::select(&["", "n,c,t\n", "{\"n\": ", "\u{feff}{\"t\": \""][..])) {
        let bytes = [head.as_bytes(), &bytes].concat();
        for format in [None, Some(Format::Csv), Some(Format::JsonLines)] {
            let Ok(reader) = Reader::new(Cursor::new(bytes.clone()), format) else { continue };
            for line in reader.flatten() {
                let _ = ask(&schema(), &line);
            }
            learn(Cursor::new(bytes.clone()), format);
        }
    }

    #[test]
    fn any_table_of_texts_is_learned_from_or_refused(rows in prop::collection::vec(prop::collection::vec(cell(), 3), 0..30)) {
        let lines: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
        learn(Cursor::new(format!("a,b,y\n{}\n", lines.join("\n"))), Some(Format::Csv));
        let json = |text: &String| match serde_json::from_str::<f64>(text).is_ok() || text == "1e999" {
            true => text.clone(),
            false => serde_json::Value::from(text.as_str()).to_string(),
        };
        let objects: Vec<String> = rows
            .iter()
            .map(|r| format!("{{\"a\": {}, \"b\": {}, \"y\": {}}}", json(&r[0]), json(&r[1]), json(&r[2])))
            .collect();
        learn(Cursor::new(objects.join("\n")), Some(Format::JsonLines));
    }
}

fn cell() -> impl Strategy<Value = String> {
    let known =
        ["", " ", "0", "1", "7.5", "nan", "1e999", "yes", "False", "2026-01-02", "1767312000000", "x", " x", "y", "é"];
    prop_oneof![4 => prop::sample::select(known.to_vec()).prop_map(str::to_owned), 1 => "[a-z0-9.-]{0,6}"]
}

/// What is inferred from a table is sound and admits every row of it; each row has a witness that reads the same.
fn learn(input: Cursor<impl AsRef<[u8]> + Send + 'static>, format: Option<Format>) {
    let Ok(table) = Reader::new(input, format).and_then(Table::from_reader) else { return };
    let Some(target) = table.columns().last().map(|c| c.name().to_owned()) else { return };
    let Ok(inferred) = infer(&table, &Hints { target: target.clone(), ..Hints::default() }) else { return };
    inferred.schema.check().unwrap();
    let data = Dataset::from_table(&table, &inferred.schema, &target, &inferred.classes, &AsOf::At(0.0)).unwrap();
    let data = data.strict().unwrap();
    for i in 0..data.len() {
        let row = ask(&inferred.schema, &RawRecord(&data.witness(&table, i))).unwrap();
        assert_eq!(bits(&row), bits(&data.rows.row(i).to_vec()));
    }
}

#[test]
fn the_census_data_is_understood() {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data/adult_train.csv");
    if !path.exists() {
        eprintln!("not run: {} is not there", path.display());
        return;
    }
    let table = Table::read(&path).unwrap();
    let inferred = infer(&table, &Hints { target: "income".into(), ..Hints::default() }).unwrap();
    let count = |wanted: fn(&FieldKind) -> bool| inferred.schema.fields.iter().filter(|f| wanted(&f.kind)).count();
    assert_eq!((table.n_rows(), inferred.classes.len(), inferred.notes.len()), (22_792, 2, 0));
    assert_eq!(count(|k| matches!(k, FieldKind::Number { .. })), 6);
    assert_eq!(count(|k| matches!(k, FieldKind::Category { .. })), 8);
    let optional: Vec<&str> = inferred.schema.fields.iter().filter(|f| !f.required).map(|f| f.name.as_str()).collect();
    assert_eq!(optional, ["workclass", "occupation", "native_country"]);
}
