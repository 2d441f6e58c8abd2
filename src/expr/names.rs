//! The functions there are, and what to say of names that are not.

use super::node::{Binary, Part, Unary, Unit};
use crate::error::nearest;
use crate::schema::{FieldKind, Schema};

/// How a function is lowered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Function {
    /// One operand.
    One(Unary),
    /// Two operands.
    Two(Binary),
    /// One or more operands, from the left.
    Fold(Binary),
    Now,
    DateDiff,
}

/// Every function that is called as `name(…)`; `extract` has a form of its own.
pub(super) const FUNCTIONS: [(&str, Function); 18] = [
    ("abs", Function::One(Unary::Abs)),
    ("ceil", Function::One(Unary::Ceil)),
    ("coalesce", Function::Fold(Binary::Coalesce)),
    ("cos", Function::One(Unary::Cos)),
    ("date_diff", Function::DateDiff),
    ("exp", Function::One(Unary::Exp)),
    ("floor", Function::One(Unary::Floor)),
    ("greatest", Function::Fold(Binary::Greatest)),
    ("least", Function::Fold(Binary::Least)),
    ("ln", Function::One(Unary::Ln)),
    ("log10", Function::One(Unary::Log10)),
    ("now", Function::Now),
    ("nullif", Function::Two(Binary::NullIf)),
    ("power", Function::Two(Binary::Power)),
    ("round", Function::One(Unary::Round)),
    ("sign", Function::One(Unary::Sign)),
    ("sin", Function::One(Unary::Sin)),
    ("sqrt", Function::One(Unary::Sqrt)),
];

/// Units of `date_diff`.
pub(super) const UNITS: [(&str, Unit); 7] = [
    ("second", Unit::Second),
    ("minute", Unit::Minute),
    ("hour", Unit::Hour),
    ("day", Unit::Day),
    ("week", Unit::Week),
    ("month", Unit::Month),
    ("year", Unit::Year),
];

/// Fields of `extract`.
pub(super) const PARTS: [(&str, Part); 6] = [
    ("year", Part::Year),
    ("month", Part::Month),
    ("day", Part::Day),
    ("dow", Part::Dow),
    ("hour", Part::Hour),
    ("minute", Part::Minute),
];

/// What other dialects have and this language says otherwise.
const ELSEWHERE: [(&[&str], &str); 14] = [
    (&["log"], "it means different things in different places: write `ln(x)` or `log10(x)`"),
    (&["log2"], "write `ln(x) / ln(2)`"),
    (&["pow"], "write `power(a, b)`"),
    (&["ceiling"], "write `ceil(x)`"),
    (&["mod"], "write `a % b`"),
    (&["trunc", "truncate"], "write `sign(x) * floor(abs(x))`"),
    (&["ifnull", "nvl", "isnull"], "write `COALESCE(x, y)`"),
    (&["if", "iif", "iff", "decode"], "write `CASE WHEN … THEN … ELSE … END`"),
    (&["datediff", "timestampdiff", "age", "julianday"], "write `date_diff('day', a, b)`"),
    (
        &["date_part", "datepart", "year", "month", "day", "dayofweek", "hour", "minute", "strftime"],
        "write `extract(year FROM t)`",
    ),
    (
        &["current_timestamp", "current_date", "current_time", "localtimestamp", "sysdate", "getdate", "today"],
        "write `now()`",
    ),
    (&["random", "rand", "uuid"], "an expression gives the same answer for the same record and `now()`"),
    (&["pi"], "write 3.141592653589793"),
    (
        &["lower", "upper", "length", "substr", "concat", "replace", "left", "right", "regexp_like", "to_char"],
        "text is compared with the levels of a category field and nothing else",
    ),
];

/// Names that read other records.
const HISTORY: [&str; 31] = [
    "array_agg",
    "avg",
    "bool_and",
    "bool_or",
    "corr",
    "count",
    "covar_pop",
    "cume_dist",
    "dense_rank",
    "every",
    "first",
    "first_value",
    "lag",
    "last",
    "last_value",
    "lead",
    "max",
    "mean",
    "median",
    "min",
    "mode",
    "nth_value",
    "ntile",
    "percent_rank",
    "percentile_cont",
    "rank",
    "row_number",
    "stddev",
    "sum",
    "variance",
    "any_value",
];

/// What is said of everything that looks at more than one record.
pub(super) const HISTORY_BELONGS: &str =
    "an expression sees one; history belongs to the feature store and arrives as an ordinary field";

/// The function of this name, in any case.
pub(super) fn function(name: &str) -> Option<Function> {
    FUNCTIONS.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|&(_, f)| f)
}

/// What to say of a function that is not here.
pub(super) fn unknown_function(name: &str) -> String {
    let lower = name.to_lowercase();
    if HISTORY.contains(&lower.as_str()) {
        let instead = match lower.as_str() {
            "min" | "any_value" => " (for the smallest of several values of one record write `LEAST(a, b)`)",
            "max" => " (for the largest of several values of one record write `GREATEST(a, b)`)",
            _ => "",
        };
        return format!("`{name}` reads other records: {HISTORY_BELONGS}{instead}");
    }
    if let Some((_, instead)) = ELSEWHERE.iter().find(|(names, _)| names.contains(&lower.as_str())) {
        return format!("unknown function `{name}`: {instead}");
    }
    let all = || FUNCTIONS.iter().map(|(n, _)| *n).chain(["extract"]);
    match nearest(&lower, all()) {
        Some(near) => format!("unknown function `{name}` (did you mean `{near}`?)"),
        None => format!("unknown function `{name}`; there are {}", all().collect::<Vec<_>>().join(", ")),
    }
}

/// What to say of a field that is not here. `quoted`: it stood in double quotes.
pub(super) fn unknown_field(name: &str, quoted: bool, schema: &Schema, earlier: &[&str]) -> String {
    let fields = || schema.fields.iter().map(|f| f.name.as_str()).chain(earlier.iter().copied());
    let is_level = schema.fields.iter().any(|f| match &f.kind {
        FieldKind::Category { levels, .. } => levels.iter().any(|l| l == name),
        _ => false,
    });
    if is_level {
        return format!("unknown field `{name}`; a text stands in single quotes: '{name}'");
    }
    if let Some(near) = nearest(name, fields()) {
        return format!("unknown field `{name}` (did you mean {}?)", as_written(near));
    }
    // `capital` where the name is `capital-gain`: an unquoted name ends at the first other character.
    let longer = fields().find(|f| f.strip_prefix(name).is_some_and(|rest| !rest.starts_with(is_name_part)));
    if let Some(longer) = longer {
        return format!("unknown field `{name}` (did you mean {}?)", as_written(longer));
    }
    if quoted {
        return format!("unknown field `{name}`; double quotes hold the name of a field, single quotes a text");
    }
    let mut some: Vec<String> = fields().take(8).map(as_written).collect();
    if fields().nth(8).is_some() {
        some.push("…".into());
    }
    match some.is_empty() {
        true => format!("unknown field `{name}`; there are none"),
        false => format!("unknown field `{name}`; there are {}", some.join(", ")),
    }
}

/// A level that is not one of the field's.
pub(super) fn unknown_level(text: &str, field: &str, levels: &[String]) -> String {
    match nearest(text, levels.iter().map(String::as_str)) {
        Some(near) => format!("`{field}` has no level '{text}' (did you mean '{near}'?)"),
        None => format!("`{field}` has no level '{text}'; its levels are {}", list_levels(levels)),
    }
}

/// The first few levels, as texts.
pub(super) fn list_levels(levels: &[String]) -> String {
    let mut some: Vec<String> = levels.iter().take(6).map(|l| format!("'{}'", l.replace('\'', "''"))).collect();
    if levels.len() > 6 {
        some.push(format!("… ({} in all)", levels.len()));
    }
    some.join(", ")
}

/// Names one can choose from, in a message.
pub(super) fn choices<T>(table: &[(&str, T)]) -> String {
    table.iter().map(|(n, _)| *n).collect::<Vec<_>>().join(", ")
}

/// A character of an unquoted name.
pub(super) fn is_name_part(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// A field's name as an expression writes it, between backticks.
fn as_written(name: &str) -> String {
    let plain = name.chars().all(is_name_part) && !name.starts_with(|c: char| c.is_numeric());
    if plain { format!("`{name}`") } else { format!("`\"{}\"`", name.replace('"', "\"\"")) }
}
