use super::*;
use crate::schema::{Field, FieldKind, Unknown};

/// a, b, c numbers; p, q flags; t, u times; r a category of EU and US.
fn schema() -> Schema {
    let number = FieldKind::Number { min: None, max: None };
    let levels = vec!["EU".to_string(), "US".to_string()];
    let kinds = [
        ("a", number.clone()),
        ("b", number.clone()),
        ("c", number),
        ("p", FieldKind::Flag),
        ("q", FieldKind::Flag),
        ("t", FieldKind::Time),
        ("u", FieldKind::Time),
        ("r", FieldKind::Category { levels: levels.into(), unknown: Unknown::Admit }),
    ];
    let field = |(name, kind): (&str, FieldKind)| Field { name: name.into(), kind, required: false };
    Schema { fields: kinds.map(field).into(), ..Schema::default() }
}

#[test]
fn scratch() {
    for e in [
        "a +",
        "a + incme",
        "ln(r)",
        "a + (b * ln(p))",
        "r = 'EX'",
        "r = EU",
        "r < 'EU'",
        "sum(a)",
        "a = NULL",
        "t - u",
        "CASE WHEN p THEN 'x' END",
        "CASE WHEN p THEN 1 ELSE t END",
        "(a",
        "a b",
        "'x",
        "a # b",
        "round(a,2)",
        "a ^ b",
        "a || b",
        "case when p then 1",
        "a between 1 and",
        "p + 1",
        "a and p",
        "extract(foo from t)",
        "extract(year from a)",
        "date_diff('days', t, u)",
        "date_diff(day, t, u)",
        "count(*)",
        "sum(a) over (partition by b)",
        "(select 1)",
        "a in (select 1)",
        "r like 'E%'",
        "cast(a as int)",
        "now",
        "t > '2026-13-01'",
        "1e999",
        "a = 'x'",
        "a = '5'",
        "(a + b) * (c + r)",
        "coalesce(a)",
        "least(p, q)",
        "coalesce(a, p)",
        "interval '1 day'",
        "a.b",
        "current_timestamp",
        "lower(r) = 'eu'",
        "NULL",
        "r",
        "'x'",
        "coalesce(a, 'x')",
        "not a",
        "a = b = c",
        "t = 5",
        "x'41'",
        "a\n + bb\n + c",
        "a; b",
        "\"a-b\" + 1",
        "log(a)",
        "lnn(a)",
        "foo(a)",
        "least(a, t)",
        "a =* b",
        "-p",
        "+p",
        "r = t",
        "r in ('EU', 5)",
        "case r when 'EU' then 1 when 'XX' then 2 end",
        "a is distinct from b",
        "p = 1",
        "a -> b",
        "exists (select 1)",
        "a is json",
        "@a",
        "ln(a, b)",
        "a @> b",
        "a[1]",
        "{a}",
        "?",
    ] {
        match Expr::parse(e, &schema(), &[]) {
            Ok(x) => println!("OK {e}\n  {x:?}"),
            Err(m) => println!("{m}"),
        }
    }
}
