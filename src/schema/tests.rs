use super::message::{cut, list, nearest, number as shown, quote};
use super::*;
use crate::wire;

fn field(name: &str, kind: FieldKind) -> Field {
    Field { name: name.into(), kind, required: false }
}

fn category(levels: Levels) -> FieldKind {
    FieldKind::Category { levels, unknown: Unknown::Reject }
}

fn check(fields: Vec<Field>) -> Result<(), String> {
    Schema { fields, ..Schema::default() }.check().map_err(|e| e.to_string())
}

#[test]
fn levels_are_found_however_many_there_are() {
    for n in [1, 8, 9, 100, 1000] {
        let names: Vec<String> = (0..n).map(|k| format!("level {}", k * 7 % n)).collect();
        let levels = Levels::from(names.clone());
        for (k, name) in names.iter().enumerate() {
            assert_eq!(levels.find(name), names.iter().position(|n| n == name), "{k} of {n}");
        }
        assert_eq!((levels.find("level"), levels.find(""), levels.find("zzz")), (None, None, None));
    }
    let numbers = Levels::from(["3", "1.0", "1", "x", "-0", "1e2", "nan", "inf"]);
    let found = [3.0, 1.0, 100.0, 0.0, -0.0, 2.0, f64::NAN, f64::INFINITY].map(|v| numbers.find_number(v));
    assert_eq!(found, [Some(0), Some(1), Some(5), Some(4), Some(4), None, None, None]);
}

#[test]
fn levels_are_their_names_on_the_wire() {
    let names: Vec<String> = (0..40).map(|k| format!("{}", 40 - k)).collect();
    let bytes = wire::encode(&Levels::from(names.clone())).unwrap();
    assert_eq!(bytes, wire::encode(&names).unwrap());
    let back: Levels = wire::decode(&bytes).unwrap();
    assert_eq!((back.find("7"), back.find_number(7.0)), (Some(33), Some(33)));
}

#[test]
fn a_schema_that_contradicts_itself_is_refused() {
    let range = |min, max| FieldKind::Number { min, max };
    let ok = vec![
        field("a", range(Some(0.0), Some(0.0))),
        field("b", category(["x", "y"].into())),
        field("c", FieldKind::Time),
        field("A", FieldKind::Flag),
    ];
    assert_eq!(check(ok), Ok(()));
    for (fields, message) in [
        (vec![field("", FieldKind::Flag)], "the name of field 0 is 0 bytes long: 1 to 1024 are allowed"),
        (
            vec![field(&"x".repeat(1025), FieldKind::Flag)],
            "the name of field 0 is 1025 bytes long: 1 to 1024 are allowed",
        ),
        (vec![field("a", FieldKind::Flag), field("a", FieldKind::Time)], "field `a` is listed twice"),
        (
            vec![field("a", range(Some(2.0), Some(1.0)))],
            "field `a`: min is 2, max is 1: finite and min <= max is right",
        ),
        (
            vec![field("a", range(Some(f64::NAN), None))],
            "field `a`: min is unset or not finite, max is unset or not finite: finite and min <= max is right",
        ),
        (vec![field("a", category(Levels::default()))], "field `a`: it has 0 levels: at least one is needed"),
        (
            vec![field("a", category(["x", " "].into()))],
            "field `a`: level 1 is empty or 1 bytes long: 1 to 1024 are allowed, not all spaces",
        ),
        (vec![field("a", category(["x", "y", "x"].into()))], "field `a`: level `x` is listed twice"),
    ] {
        assert_eq!(check(fields).unwrap_err(), message);
    }
    let many = (0..=MAX_FIELDS).map(|k| field(&k.to_string(), FieldKind::Flag)).collect();
    assert_eq!(check(many).unwrap_err(), "the schema has 65537 fields: at most 65536 are allowed");
}

#[test]
fn the_hosts_own_values_pass_as_documented() {
    /// Gives the same cell for every field.
    struct Same(Cell<'static>);
    impl Record for Same {
        fn cell(&self, _: usize, _: &Field) -> Cell<'_> {
            self.0.clone()
        }
        fn extra(&self, _: &Schema) -> Vec<String> {
            Vec::new()
        }
    }
    let schema = Schema {
        fields: vec![
            field("number", FieldKind::Number { min: None, max: None }),
            field("category", category(["1", "true"].into())),
            field("flag", FieldKind::Flag),
            field("time", FieldKind::Time),
        ],
        ..Schema::default()
    };
    let ask = |cell: Cell<'static>| {
        let mut row = [7.0; 4];
        let refused = schema.row(&Same(cell), &mut row).err().unwrap_or_default();
        let mut refused = refused.iter().map(|v| v.field.as_str()).peekable();
        row.map(|v| v.to_bits())
            .into_iter()
            .zip(&schema.fields)
            .map(|(v, f)| match refused.next_if_eq(&f.name.as_str()) {
                Some(_) => "refused".into(),
                None if f64::from_bits(v).is_nan() => "missing".into(),
                None => shown(f64::from_bits(v)),
            })
            .collect::<Vec<String>>()
    };
    assert_eq!(ask(Cell::Missing), ["missing"; 4]);
    assert_eq!(ask(Cell::Number(f64::NAN)), ["missing"; 4]);
    assert_eq!(ask(Cell::Number(f64::NEG_INFINITY)), ["missing"; 4]);
    assert_eq!(ask(Cell::Number(1.0)), ["1", "0", "1", "0.001"]);
    assert_eq!(ask(Cell::Flag(true)), ["refused", "1", "1", "refused"]);
    assert_eq!(ask(Cell::Time(86400.0)), ["refused", "refused", "refused", "86400"]);
    assert_eq!(ask(Cell::Time(f64::NAN)), ["missing"; 4], "an invalid Date");
    assert_eq!(ask(Cell::Other("bigint")), ["refused"; 4]);
    assert_eq!(ask(Cell::Raw("1".into())), ["1", "0", "1", "0.001"]);
    assert_eq!(ask(Cell::Raw("\u{a0}".into())), ["refused"; 4], "only ASCII spaces are nothing");
}

#[test]
fn extra_names_are_reported_up_to_a_hundred() {
    struct Many;
    impl Record for Many {
        fn cell(&self, _: usize, _: &Field) -> Cell<'_> {
            Cell::Missing
        }
        fn extra(&self, _: &Schema) -> Vec<String> {
            (0..5000).map(|k| format!("{k}{}", "x".repeat(500))).collect()
        }
    }
    let schema = Schema { fields: vec![field("a", FieldKind::Flag)], extra: Extra::Reject };
    let violations = schema.row(&Many, &mut [0.0]).unwrap_err();
    assert_eq!(violations.len(), 100);
    assert!(violations.iter().all(|v| v.code == Code::UnknownField && v.field.chars().count() == 41));
}

#[test]
fn texts_in_messages_are_short_and_harmless() {
    assert_eq!(quote("a\u{1b}[31mb\n"), "`a\\u{1b}[31mb\\u{a}`");
    assert_eq!(cut(&"é".repeat(41)), "é".repeat(40) + "…");
    assert_eq!(cut(&"é".repeat(40)), "é".repeat(40));
    assert_eq!(quote("\u{202e}\u{200b}\u{feff}"), "`\\u{202e}\\u{200b}\\u{feff}`");
    let names: Vec<String> = (0..11).map(|k| k.to_string()).collect();
    assert_eq!(list(names.iter()), "`0`, `1`, `2`, `3`, `4`, `5`, `6`, `7` and 3 more");
}

#[test]
fn a_slip_is_understood_and_no_more_than_that() {
    let names = ["Private", "Self-emp", "a", "10", "Zürich"].map(String::from);
    for (text, name) in [
        ("private", Some("Private")),
        (" Private ", Some("Private")),
        ("Privat", Some("Private")),
        ("Privatee", Some("Private")),
        ("Pirvate", Some("Private")),
        ("Prixate", Some("Private")),
        ("Zurich", Some("Zürich")),
        ("Prixatx", None),
        ("b", None),
        ("11", None),
        ("", None),
    ] {
        assert_eq!(nearest(text, names.iter()), name, "{text}");
    }
    let both = ["Bed", "red"].map(String::from);
    assert_eq!(nearest("Red", both.iter()), Some("red"));
}

#[test]
fn numbers_are_shown_as_a_person_writes_them() {
    for (v, text) in [
        (0.0, "0"),
        (-0.0, "0"),
        (12.0, "12"),
        (-3.75, "-3.75"),
        (0.1, "0.1"),
        (0.001, "0.001"),
        (1e-9, "0.000000001"),
        (123456.789, "123456.789"),
        (999_999_999_999_999.0, "999999999999999"),
        (1e15, "1e15"),
        (0.1 + 0.2, "0.3"),
        (1.0 / 3.0, "0.333333"),
        (-2.0 / 3.0 * 1e6, "-666667"),
        (1.7976931348623157e308, "1.79769e308"),
        (5e-324, "4.94066e-324"),
        (-1.234567e-12, "-1.23457e-12"),
        (9.9999999e20, "1e21"),
    ] {
        assert_eq!(shown(v), text, "{v:?}");
    }
}
