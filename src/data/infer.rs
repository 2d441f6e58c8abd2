//! What a table's columns are, where nobody has said it.
//!
//! | a column whose values | is |
//! |---|---|
//! | all read as numbers (JSON: are numbers) | a number; an identifier, and left out, where all are different integers in one dense range, or different integers under a name such as `id` |
//! | all read as flags, and not only 0 and 1 (JSON: are booleans) | a flag |
//! | all are ISO 8601 dates or date-times | a time |
//! | are anything else | a category; left out where nearly all differ or there are more than 1000 levels |
//!
//! A column that has no name, no value, or one value in every row is left out too; each is told in a note. A column without
//! a missing value is `required`. Observed ranges make no `min` and `max`.

use super::json::TWICE;
use super::{Column, Table, target};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::message::quote;
use crate::schema::{Cell, Extra, Field, FieldKind, Levels, MAX_NAME, Schema, Unknown, flag};
use crate::time::{self, parse_iso};
use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};

/// A category has at most this many levels, where nobody has listed it as one.
pub const MAX_LEVELS: usize = 1000;

/// Below this many values, that all differ says nothing.
pub(super) const ENOUGH: usize = 20;

/// What a person has said about a table.
#[derive(Clone, Debug, Default)]
pub struct Hints {
    /// The column to predict.
    pub target: String,
    /// The label to put last (for two classes: index 1).
    pub positive: Option<String>,
    /// The column of each row's own event time; no feature unless it is listed in `time`.
    pub as_of: Option<String>,
    /// Columns that say something of their row (its weight, its group) and are no features.
    pub aside: Vec<String>,
    /// Columns that are numbers.
    pub numerical: Vec<String>,
    /// Columns that are categories.
    pub categorical: Vec<String>,
    /// Columns that are times.
    pub time: Vec<String>,
    /// Columns that are true or false.
    pub flag: Vec<String>,
    /// Columns to leave out.
    pub drop: Vec<String>,
    /// Whether only the columns listed above are features; else the others are inferred.
    pub only_listed: bool,
    /// What becomes of an unknown level at prediction.
    pub unknown: Unknown,
}

/// What a table turned out to be.
#[derive(Clone, Debug)]
pub struct Inferred {
    /// The features, in the order of the table.
    pub schema: Schema,
    /// The labels of the target: sorted (as numbers where all are numbers), the positive one last.
    pub classes: Vec<String>,
    /// What a person should know: columns left out and why, what looked odd. Each is a sentence that names the column.
    pub notes: Vec<String>,
}

/// The schema and classes of a table. A listed column whose values are not what it is listed as is an error, as are a number
/// that is infinite, a name given twice in one record, and a target that no classifier can learn.
pub fn infer(table: &Table, hints: &Hints) -> Result<Inferred> {
    hints.check(table)?;
    let classes = target::classes(table, hints)?;
    let (mut fields, mut notes) = (Vec::new(), Vec::new());
    for column in table.columns() {
        let listed = hints.listed(column.name());
        if listed.is_none() && (hints.only_listed || hints.sets_aside(column.name())) {
            continue;
        }
        match field(table, column, listed, hints.unknown, &mut notes)? {
            Ok(field) => fields.push(field),
            Err(why) => notes.push(format!("column {} is left out: {why}", quote(column.name()))),
        }
    }
    if fields.is_empty() {
        let why = if notes.is_empty() { "it has no other column".to_owned() } else { notes.join("; ") };
        return Err(data(format!("the data has nothing to predict `{}` from: {why}", hints.target)));
    }
    let schema = Schema { fields, extra: Extra::Ignore };
    schema.check()?;
    Ok(Inferred { schema, classes, notes })
}

pub(super) fn data(message: String) -> Error {
    Error::new(ErrorKind::Data, message)
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Number,
    Category,
    Time,
    Flag,
}

impl Hints {
    fn lists(&self) -> [(&'static str, Kind, &[String]); 4] {
        [
            ("numerical", Kind::Number, &self.numerical),
            ("categorical", Kind::Category, &self.categorical),
            ("time", Kind::Time, &self.time),
            ("flag", Kind::Flag, &self.flag),
        ]
    }

    /// The kind a column is listed as.
    fn listed(&self, name: &str) -> Option<Kind> {
        self.lists().into_iter().find(|(_, _, names)| names.iter().any(|n| n == name)).map(|(_, kind, _)| kind)
    }

    /// Whether a column that is not listed is no feature.
    fn sets_aside(&self, name: &str) -> bool {
        name == self.target
            || self.as_of.as_deref() == Some(name)
            || self.drop.iter().chain(&self.aside).any(|n| n == name)
    }

    /// Every name is a column; none is listed twice, or as what it cannot be.
    fn check(&self, table: &Table) -> Result<()> {
        table.column(&self.target).map_err(|e| e.context("the target"))?;
        if let Some(name) = &self.as_of {
            table.column(name).map_err(|e| e.context("the column of event times"))?;
        }
        let mut seen: HashSet<&str> = HashSet::new();
        let lists = self.lists().map(|(list, _, names)| (list, names));
        for (list, names) in lists.into_iter().chain([("dropped", &self.drop[..])]) {
            for name in names {
                table.column(name).map_err(|e| e.context(format!("the {list} features")))?;
                if *name == self.target {
                    return Err(data(format!("the target `{name}` is among the {list} features: it cannot be one")));
                }
                if !seen.insert(name) {
                    return Err(data(format!("`{name}` is listed twice among the features: once is right")));
                }
            }
        }
        Ok(())
    }
}

/// The field a column makes, or why it makes none.
fn field(
    table: &Table,
    column: &Column,
    listed: Option<Kind>,
    unknown: Unknown,
    notes: &mut Vec<String>,
) -> Result<Result<Field, String>> {
    let name = column.name();
    if name.is_empty() || name.len() > MAX_NAME {
        return Ok(Err(format!("its name is {} bytes long, 1 to {MAX_NAME} are allowed", name.len())));
    }
    let seen = Seen::of(table, column);
    let at = |row: usize| format!("line {}: column `{name}`", table.line(row));
    if let Some(row) = seen.nested {
        let Cell::Other(what) = column.cell(row) else { return Ok(Err("it holds no single values".into())) };
        if listed.is_none() && what != TWICE {
            return Ok(Err(format!("it holds an {what} (line {}): single values are expected", table.line(row))));
        }
        return Err(data(format!("{} holds {what}: one value is expected", at(row))));
    }
    if seen.present == 0 {
        return Ok(Err("it has no value in any row".into()));
    }
    let kind = match listed.map_or_else(|| seen.kind(), Ok) {
        Ok(kind) => kind,
        Err(why) => return Ok(Err(why)),
    };
    // As a category, a CSV cell may well say `inf`; a JSON number that is too large says nothing in a column of any kind.
    if let Some(row) = seen.infinite
        && (kind == Kind::Number || matches!(column.cell(row), Cell::Number(_)))
    {
        return Err(data(format!("{} holds an infinite number: leave the cell empty", at(row))));
    }
    let (kind, required) = match kind {
        Kind::Number => {
            if seen.nans == seen.present {
                return Ok(Err("it has no value in any row".into()));
            }
            seen.all(seen.numbers, seen.no_number, "numerical", "a number", at)?;
            if listed.is_none()
                && let Some(why) = seen.identifier()
            {
                return Ok(Err(why));
            }
            (FieldKind::Number { min: None, max: None }, seen.nans == 0)
        }
        Kind::Time => {
            seen.all(seen.times, seen.no_time, "time", "a time (ISO 8601 or milliseconds since 1970)", at)?;
            (FieldKind::Time, true)
        }
        Kind::Flag => {
            seen.all(seen.flags, seen.no_flag, "flag", "true or false", at)?;
            (FieldKind::Flag, true)
        }
        Kind::Category => match seen.levels(listed.is_some()) {
            Ok(levels) => {
                if listed.is_none()
                    && let Some(row) = seen.no_number.filter(|_| seen.numbers * 10 >= seen.present * 9)
                {
                    let (n, text) = (seen.present - seen.numbers, column.text(row).unwrap_or_default());
                    let (name, line, text) = (quote(name), table.line(row), quote(text));
                    let present = seen.present;
                    notes.push(format!(
                        "column {name} is taken as a category: {n} of {present} values are no numbers (first {text} on line {line}); \
                         if those stand for a missing value, leave their cells empty"
                    ));
                }
                (FieldKind::Category { levels, unknown }, true)
            }
            Err(why) if listed.is_some() => return Err(data(format!("column `{name}` cannot be a category: {why}"))),
            Err(why) => return Ok(Err(why)),
        },
    };
    Ok(Ok(Field { name: name.to_owned(), kind, required: required && seen.missing == 0 }))
}

/// What the cells of a column read as. Rows are remembered where a person may want to see the first of a kind.
struct Seen<'a> {
    column: &'a Column,
    n_rows: usize,
    missing: usize,
    present: usize,
    /// How many read as a number, NaN and infinities with them.
    numbers: usize,
    no_number: Option<usize>,
    nans: usize,
    infinite: Option<usize>,
    /// The least and the largest number, while all are integers.
    integers: Option<(f64, f64)>,
    flags: usize,
    no_flag: Option<usize>,
    /// How many flags are words or booleans, not 0 or 1.
    words: usize,
    /// How many read as a time; and how many of those by ISO 8601.
    times: usize,
    no_time: Option<usize>,
    dates: usize,
    nested: Option<usize>,
    /// Whether a value differs from the one before it.
    varies: bool,
}

impl<'a> Seen<'a> {
    fn of(table: &Table, column: &'a Column) -> Seen<'a> {
        let mut s = Seen {
            column,
            n_rows: table.n_rows(),
            missing: 0,
            present: 0,
            numbers: 0,
            no_number: None,
            nans: 0,
            infinite: None,
            integers: Some((f64::INFINITY, f64::NEG_INFINITY)),
            flags: 0,
            no_flag: None,
            words: 0,
            times: 0,
            no_time: None,
            dates: 0,
            nested: None,
            varies: false,
        };
        let mut last = None;
        for row in 0..s.n_rows {
            let cell = column.cell(row);
            let (number, flag, time, date) = match &cell {
                Cell::Missing => (None, None, false, false),
                Cell::Raw(text) => {
                    let text = text.trim_ascii();
                    let flag = flag(text).map(|_| !matches!(text, "0" | "1"));
                    let date = parse_iso(text).is_some();
                    (text.parse().ok(), flag, date || time::parse(text).is_some(), date)
                }
                Cell::Text(text) => {
                    let date = parse_iso(text).is_some();
                    (None, None, date, date)
                }
                Cell::Number(v) => {
                    let millis = v.trunc() / 1000.0;
                    let flag = (*v == 0.0 || *v == 1.0).then_some(false);
                    (Some(*v), flag, (time::MIN..=time::MAX).contains(&millis), false)
                }
                Cell::Flag(_) => (None, Some(true), false, false),
                Cell::Time(_) | Cell::Other(_) => {
                    s.nested.get_or_insert(row);
                    continue;
                }
            };
            // An empty JSON text is a missing category or time, but no number and no flag.
            let empty = matches!(&cell, Cell::Text(text) if text.trim_ascii().is_empty());
            if matches!(cell, Cell::Missing) || empty {
                s.missing += 1;
                if empty {
                    s.no_number.get_or_insert(row);
                    s.no_flag.get_or_insert(row);
                }
                continue;
            }
            s.present += 1;
            match number {
                Some(v) => s.number(v, row),
                None => {
                    s.no_number.get_or_insert(row);
                }
            }
            match flag {
                Some(word) => {
                    s.flags += 1;
                    s.words += usize::from(word);
                }
                None => {
                    s.no_flag.get_or_insert(row);
                }
            }
            s.times += usize::from(time);
            s.dates += usize::from(date);
            if !time {
                s.no_time.get_or_insert(row);
            }
            let text = column.text(row).map(str::trim_ascii);
            s.varies |= last.is_some() && last != text;
            last = text;
        }
        s
    }

    fn number(&mut self, v: f64, row: usize) {
        self.numbers += 1;
        if v.is_nan() {
            self.nans += 1;
        } else if v.is_infinite() {
            self.infinite.get_or_insert(row);
        } else if v.fract() == 0.0 && v.abs() < 9e15 {
            self.integers = self.integers.map(|(least, most)| (v.min(least), v.max(most)));
        } else {
            self.integers = None;
        }
    }

    /// What the column is, or why it is left out.
    fn kind(&self) -> Result<Kind, String> {
        if self.missing == 0 && self.nans == 0 && !self.varies {
            let only = self.column.text(0).unwrap_or_default();
            return Err(format!("it is {} in every row", quote(only.trim_ascii())));
        }
        Ok(if self.numbers == self.present && self.no_number.is_none() {
            Kind::Number
        } else if self.flags == self.present && self.words > 0 && self.no_flag.is_none() {
            Kind::Flag
        } else if self.dates == self.present {
            Kind::Time
        } else {
            Kind::Category
        })
    }

    /// An error that shows the first value that is not what the column is listed as.
    fn all(
        &self,
        fit: usize,
        first: Option<usize>,
        list: &str,
        expected: &str,
        at: impl Fn(usize) -> String,
    ) -> Result<()> {
        match first {
            Some(row) => {
                let text = quote(self.column.text(row).unwrap_or_default());
                let quotes = if matches!(self.column.cell(row), Cell::Text(_)) { " in quotes" } else { "" };
                let (bad, all) = (self.present - fit, self.present);
                let message = format!(
                    "{} is listed under {list} but holds {text}{quotes}: {expected} is expected ({bad} of {all} are not)",
                    at(row)
                );
                Err(data(message))
            }
            None => Ok(()),
        }
    }

    /// Why a column of numbers is no feature: they only tell rows apart.
    fn identifier(&self) -> Option<String> {
        let (least, most) = self.integers?;
        let n = self.numbers - self.nans;
        let name = self.column.name().to_lowercase();
        let named = name == "id" || ["_id", " id", "-id", "uid", "guid"].iter().any(|end| name.ends_with(end));
        let dense = most - least + 1.0 <= n as f64 * 1.1;
        if n < ENOUGH || !(named || dense) {
            return None;
        }
        let distinct: HashSet<&str> =
            (0..self.n_rows).filter_map(|row| self.column.text(row)).map(str::trim_ascii).collect();
        (distinct.len() >= n).then(|| {
            format!(
                "each of its {n} values is another integer, as an identifier's are (list it as numerical to keep it)"
            )
        })
    }

    /// The levels of a category, sorted, or why it is none.
    fn levels(&self, listed: bool) -> Result<Levels, String> {
        let mut levels: BTreeSet<Cow<'_, str>> = BTreeSet::new();
        let keep = "(list it as categorical to keep it)";
        for row in 0..self.n_rows {
            let level = match self.column.cell(row) {
                Cell::Raw(_) => self.column.text(row).map(|text| Cow::Borrowed(text.trim_ascii())),
                Cell::Text(text) => Some(text),
                Cell::Number(v) => Some(Cow::Owned(v.to_string())),
                Cell::Flag(b) => Some(Cow::Borrowed(if b { "true" } else { "false" })),
                _ => None,
            };
            let Some(level) = level.filter(|l| !l.trim_ascii().is_empty()) else { continue };
            if level.len() > MAX_NAME {
                return Err(format!("it holds a text of {} bytes, levels have at most {MAX_NAME}", level.len()));
            }
            levels.insert(level);
            if levels.len() > MAX_LEVELS && !listed {
                return Err(format!("it has more than {MAX_LEVELS} different texts {keep}"));
            }
        }
        if !listed && self.present >= ENOUGH && levels.len() * 10 >= self.present * 9 {
            return Err(format!(
                "{} of its {} texts differ, as identifiers and free text do {keep}",
                levels.len(),
                self.present
            ));
        }
        Ok(levels.into_iter().map(Cow::into_owned).collect())
    }
}

#[cfg(test)]
#[path = "infer_tests.rs"]
mod tests;
