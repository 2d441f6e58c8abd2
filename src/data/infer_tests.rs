use super::*;
use crate::data::{AsOf, Dataset, Reader};

fn table(text: &str) -> Table {
    Table::from_reader(Reader::new(std::io::Cursor::new(text.to_owned()), None).unwrap()).unwrap()
}

fn hints(target: &str) -> Hints {
    Hints { target: target.into(), ..Hints::default() }
}

fn refusal(text: &str, hints: &Hints) -> String {
    infer(&table(text), hints).expect_err("an error").to_string()
}

/// The text of row `i`.
type Cells = fn(usize) -> String;

/// A CSV of 40 rows: each column by its name and the text of row `i`.
fn columns(columns: &[(&str, Cells)]) -> String {
    let names: Vec<&str> = columns.iter().map(|c| c.0).collect();
    let mut text = names.join(",") + ",y\n";
    for i in 0..40 {
        for (_, cell) in columns {
            text += &cell(i);
            text.push(',');
        }
        text += if i % 2 == 0 { "no\n" } else { "yes\n" };
    }
    text
}

fn kind(cell: Cells) -> Result<Field, String> {
    named("x", cell)
}

fn named(name: &'static str, cell: Cells) -> Result<Field, String> {
    let text = columns(&[(name, cell), ("keep", |i| format!("{}.5", i % 7))]);
    let mut inferred = infer(&table(&text), &hints("y")).unwrap();
    match inferred.schema.fields.len() {
        2 => Ok(inferred.schema.fields.remove(0)),
        _ => Err(inferred.notes.remove(0)),
    }
}

const NUMBER: FieldKind = FieldKind::Number { min: None, max: None };

#[test]
fn kinds_follow_from_the_values() {
    let category =
        |levels: &[&str]| FieldKind::Category { levels: levels.iter().copied().collect(), unknown: Unknown::Reject };
    type Case = (Cells, FieldKind, bool);
    let cases: [Case; 11] = [
        (|i| format!(" {}e-1 ", i % 9), NUMBER, true),
        (|i| if i == 3 { String::new() } else { (i % 9).to_string() }, NUMBER, false),
        (|i| if i == 3 { "NaN".into() } else { (i % 9).to_string() }, NUMBER, false),
        (|i| (i % 2).to_string(), NUMBER, true),
        (|i| if i % 3 == 0 { "True".into() } else { "false".into() }, FieldKind::Flag, true),
        (|i| if i % 3 == 0 { "yes".into() } else { "0".into() }, FieldKind::Flag, true),
        (|i| format!("2026-01-{:02}", i % 28 + 1), FieldKind::Time, true),
        (|i| format!("2026-01-01T00:00:{i:02}+01:00"), FieldKind::Time, true),
        (|i| ["b", " a", "a", ""][i % 4].into(), category(&["a", "b"]), false),
        (|i| ["yes", "no", "maybe"][i % 3].into(), category(&["maybe", "no", "yes"]), true),
        (
            |i| if i == 3 { "?".into() } else { (i % 9).to_string() },
            category(&["0", "1", "2", "3", "4", "5", "6", "7", "8", "?"]),
            true,
        ),
    ];
    for (k, (cell, expected, required)) in cases.into_iter().enumerate() {
        let field = kind(cell).unwrap_or_else(|why| panic!("case {k}: {why}"));
        assert_eq!((field.kind, field.required), (expected, required), "case {k}");
    }
}

#[test]
fn columns_that_say_nothing_are_left_out_with_a_note() {
    type Case = (&'static str, Cells, &'static str);
    let cases: [Case; 7] = [
        ("x", |_| String::new(), "column `x` is left out: it has no value in any row"),
        ("x", |_| "nan".into(), "column `x` is left out: it has no value in any row"),
        ("x", |_| "7".into(), "column `x` is left out: it is `7` in every row"),
        (
            "x",
            |i| (1000 + (i * 7) % 40).to_string(),
            "column `x` is left out: each of its 40 values is another integer",
        ),
        (
            "user_id",
            |i| (i * i * 13).to_string(),
            "column `user_id` is left out: each of its 40 values is another integer",
        ),
        ("x", |i| format!("name {i}"), "column `x` is left out: 40 of its 40 texts differ"),
        ("", |i| (i % 3).to_string(), "column `` is left out: its name is 0 bytes long"),
    ];
    for (name, cell, note) in cases {
        let why = named(name, cell).expect_err(note);
        assert!(why.starts_with(note), "{why}");
    }
    for cell in [|i: usize| (i * i * 13).to_string(), |i| format!("{}.25", i)] {
        assert_eq!(kind(cell).unwrap().kind, NUMBER, "different numbers alone make no identifier");
    }
}

#[test]
fn more_than_a_thousand_levels_are_free_text_unless_listed() {
    let mut text = String::from("x,z,y\n");
    for i in 0..4000 {
        text += &format!("level {},{}.5,{}\n", i % 1200, i % 5, i % 2);
    }
    let table = table(&text);
    let inferred = infer(&table, &hints("y")).unwrap();
    assert_eq!(inferred.schema.fields.len(), 1);
    assert!(inferred.notes[0].contains("more than 1000 different texts"), "{:?}", inferred.notes);
    let listed = infer(&table, &Hints { categorical: vec!["x".into()], ..hints("y") }).unwrap();
    let FieldKind::Category { levels, .. } = &listed.schema.fields[0].kind else { panic!("{listed:?}") };
    assert_eq!(levels.len(), 1200);
}

#[test]
fn a_nearly_numeric_column_is_told() {
    let text = columns(&[("x", |i| if i == 3 { "?".into() } else { (i % 9).to_string() })]);
    let notes = infer(&table(&text), &hints("y")).unwrap().notes;
    assert_eq!(
        notes,
        [
            "column `x` is taken as a category: 1 of 40 values are no numbers (first `?` on line 5); if those stand for a missing value, leave their cells empty"
        ]
    );
}

#[test]
fn json_types_are_kept() {
    let mut text = String::new();
    for i in 0..6 {
        text += &format!(
            "{{\"n\": {i}.0, \"q\": \"{i}\", \"f\": {}, \"w\": \"{}\", \"m\": {}, \"t\": \"2026-01-0{}\", \"l\": [{i}], \"y\": {}}}\n",
            i % 2 == 0,
            if i % 2 == 0 { "yes" } else { "no" },
            if i % 2 == 0 { "1" } else { "\"x\"" },
            i + 1,
            i % 2 == 0,
        );
    }
    let inferred = infer(&table(&text), &hints("y")).unwrap();
    let kinds: Vec<String> = inferred
        .schema
        .fields
        .iter()
        .map(|f| match &f.kind {
            FieldKind::Category { levels, .. } => format!("{}: {}", f.name, levels.join("|")),
            other => format!("{}: {other:?}", f.name).split(" {").next().unwrap_or_default().to_owned(),
        })
        .collect();
    assert_eq!(kinds, ["n: Number", "q: 0|1|2|3|4|5", "f: Flag", "w: no|yes", "m: 1|x", "t: Time"]);
    assert_eq!(inferred.notes, ["column `l` is left out: it holds an array (line 1): single values are expected"]);
    assert_eq!(inferred.classes, ["false", "true"]);
}

#[test]
fn lists_decide_kinds_and_are_held_to_the_data() {
    let text =
        columns(&[("a", |i| (i % 3).to_string()), ("b", |i| (i * 86_400_000).to_string()), ("c", |i| i.to_string())]);
    let table = table(&text);
    let listed =
        Hints { categorical: vec!["a".into()], time: vec!["b".into()], numerical: vec!["c".into()], ..hints("y") };
    let fields = infer(&table, &listed).unwrap().schema.fields;
    let levels = FieldKind::Category { levels: ["0", "1", "2"].into(), unknown: Unknown::Reject };
    assert_eq!(fields.iter().map(|f| f.kind.clone()).collect::<Vec<_>>(), [levels, FieldKind::Time, NUMBER]);

    let only = Hints { numerical: vec!["a".into()], only_listed: true, ..hints("y") };
    assert_eq!(infer(&table, &only).unwrap().schema.fields.len(), 1);
    let dropped = Hints { drop: vec!["b".into()], ..hints("y") };
    assert_eq!(infer(&table, &dropped).unwrap().schema.slot("b"), None);
    let event = Hints { as_of: Some("b".into()), ..hints("y") };
    assert_eq!(infer(&table, &event).unwrap().schema.slot("b"), None);

    for (hints, message) in [
        (
            Hints { numerical: vec!["aa".into()], ..hints("y") },
            "the numerical features: the data has no column `aa` (did you mean `a`?)",
        ),
        (Hints { time: vec!["y".into()], ..hints("y") }, "the target `y` is among the time features: it cannot be one"),
        (
            Hints { time: vec!["a".into()], flag: vec!["a".into()], ..hints("y") },
            "`a` is listed twice among the features: once is right",
        ),
        (hints("z"), "the target: the data has no column `z`"),
        (
            Hints { flag: vec!["a".into()], ..hints("y") },
            "line 4: column `a` is listed under flag but holds `2`: true or false is expected (13 of 40 are not)",
        ),
    ] {
        assert_eq!(infer(&table, &hints).unwrap_err().to_string(), message);
    }
}

#[test]
fn data_that_cannot_be_learned_from_is_refused_with_its_place() {
    for (text, message) in [
        ("a,y\n", "the data has 0 rows: at least two with different labels are needed"),
        ("a,y\n1,x\n", "the data has 1 rows: at least two with different labels are needed"),
        ("a,y\n1,x\n2,x\n", "the target `y` is `x` in every row: at least two classes are needed"),
        ("a,y\n1,x\n2,\n3,z\n4, \n", "the target `y` has no value in 2 of 4 rows (first on line 3): remove them"),
        ("a,y\n1,x\n1e999,z\n", "line 3: column `a` holds an infinite number: leave the cell empty"),
        ("a,y\n1,x\n-inf,z\n", "line 3: column `a` holds an infinite number: leave the cell empty"),
        (
            "{\"y\": 0, \"a\": \"x\"}\n{\"y\": 1, \"a\": 1e999}\n",
            "line 2: column `a` holds an infinite number: leave the cell empty",
        ),
        ("y\nx\nz\n", "the data has nothing to predict `y` from: it has no other column"),
        ("a,y\n1,x\n1,z\n", "the data has nothing to predict `y` from: column `a` is left out: it is `1` in every row"),
        (
            "{\"y\": [1], \"a\": 1}\n{\"y\": 1, \"a\": 2}\n",
            "line 1: the target `y` holds an array: a label is expected",
        ),
        (
            "{\"y\": 0, \"a\": 1}\n{\"y\": 1, \"a\": 2, \"a\": 3}\n",
            "line 2: column `a` holds two values of one name: one value is expected",
        ),
    ] {
        assert_eq!(refusal(text, &hints("y")), message, "{text:?}");
    }
    let quantity = columns(&[("x", |i| format!("{i}.5"))]);
    assert!(refusal(&quantity, &hints("x")).contains("40 different values in 40 rows: it looks like a quantity"));
    let positive = Hints { positive: Some("Yes".into()), ..hints("y") };
    assert_eq!(
        refusal(&quantity, &positive),
        "the positive label `Yes` is none of the target's (did you mean `yes`?): `y` has `no`, `yes`"
    );
}

#[test]
fn classes_are_sorted_as_scikit_learn_does() {
    let classes = |labels: &[&str], positive: Option<&str>| {
        let text: String = labels.iter().enumerate().map(|(i, l)| format!("{i}.5,{l}\n")).collect();
        let hints = Hints { positive: positive.map(str::to_owned), ..hints("y") };
        infer(&table(&format!("a,y\n{text}")), &hints).unwrap().classes
    };
    assert_eq!(classes(&["b", "a", "B"], None), ["B", "a", "b"]);
    assert_eq!(classes(&["10", "9", "-1"], None), ["-1", "9", "10"]);
    assert_eq!(classes(&[" yes ", "no", "yes"], Some("no")), ["yes", "no"]);
}

#[test]
fn what_is_inferred_admits_its_own_data() {
    let text = columns(&[
        ("n", |i| if i % 5 == 0 { "nan".into() } else { format!("{}.5", i % 7) }),
        ("c", |i| ["a ", "b", ""][i % 3].into()),
        ("f", |i| if i % 3 == 0 { "T".into() } else { "f".into() }),
        ("t", |i| format!("2026-01-{:02} 10:00", i % 28 + 1)),
    ]);
    let table = table(&text);
    let inferred = infer(&table, &hints("y")).unwrap();
    let set = Dataset::from_table(&table, &inferred.schema, "y", &inferred.classes, &AsOf::At(0.0)).unwrap();
    assert_eq!((set.strict().unwrap().len(), inferred.notes.len()), (40, 0));
}
