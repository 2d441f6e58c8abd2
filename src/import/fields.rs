//! From a model's inputs to the fields of a record: by the file's own names, a schema from outside, or a sample's columns.

use super::outside::{Kind, Outside, OutsideField, Unknown as Policy};
use super::{Foreign, Input, InputKind, Sample, error};
use crate::data::{Column, Table};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::expr::{Expr, Type};
use crate::pipeline::Derived;
use crate::schema::message::{list, quote};
use crate::schema::{Cell, Extra, Field, FieldKind, Levels, MAX_NAME, Schema, Unknown, flag, number};
use crate::train::config;
use std::collections::HashSet;

/// What a record is, and where the model's inputs come from.
pub(super) struct Fields {
    pub schema: Schema,
    pub derived: Vec<Derived>,
    /// Per input, its slot.
    pub slots: Vec<usize>,
    /// Inputs that must be there and are computed: never missing, as was proven.
    pub computed: Vec<usize>,
    pub notes: Vec<String>,
}

impl Fields {
    /// The name of a slot.
    pub fn name(&self, slot: usize) -> &str {
        let n = self.schema.fields.len();
        self.schema.fields.get(slot).map_or_else(|| self.derived[slot - n].name.as_str(), |f| &f.name)
    }
}

/// Fields for the inputs of `foreign`.
pub(super) fn fields(foreign: &Foreign, outside: Option<&Outside>, sample: Option<&Sample>) -> Result<Fields> {
    match outside {
        Some(outside) => matched(&foreign.inputs, outside),
        None => own(&foreign.inputs, sample),
    }
}

// ------------------------------------------------------------------------------------------------- without a schema

/// A field per input, named as the original names it, or as the sample's columns are, or `f0`, `f1`, ….
fn own(inputs: &[Input], sample: Option<&Sample>) -> Result<Fields> {
    let mut notes = Vec::new();
    let names = names(inputs, sample, &mut notes)?;
    let mut schema = Schema::default();
    let mut codes = Vec::new();
    for (input, name) in inputs.iter().zip(names) {
        let column = sample.map(|s| s.table.column(&name)).transpose()?;
        let kind = match (&input.kind, column) {
            (InputKind::Number, Some(column)) if holds_flags(column) => FieldKind::Flag,
            _ => kind_of(input),
        };
        if let (FieldKind::Number { .. }, Some(column)) = (&kind, column) {
            is_all_numbers(input, column, sample.map(|s| &s.table))?;
        }
        if matches!((&input.kind, &kind), (InputKind::Code { .. }, FieldKind::Number { .. })) {
            codes.push(name.clone());
        }
        schema.fields.push(Field { name, kind, required: input.required });
    }
    if !codes.is_empty() {
        let (is, whose) = if codes.len() == 1 { ("is a category", "its") } else { ("are categories", "their") };
        notes.push(format!(
            "{} {is}, given by codes from 0 on: the file does not name {whose} levels, and no data can tell which is which; \
             --schema FILE names them, in code order",
            list(codes.iter())
        ));
    }
    let slots = (0..inputs.len()).collect();
    Ok(Fields { schema, derived: Vec::new(), slots, computed: Vec::new(), notes })
}

/// What an input is by itself.
fn kind_of(input: &Input) -> FieldKind {
    match &input.kind {
        InputKind::Number => FieldKind::Number { min: None, max: None },
        InputKind::Code { negative } => FieldKind::Number { min: (!negative).then_some(0.0), max: None },
        InputKind::Category { levels, admit_unknown } => {
            FieldKind::Category { levels: Levels::from(levels.clone()), unknown: policy(*admit_unknown) }
        }
        InputKind::Flag => FieldKind::Flag,
    }
}

fn policy(admit: bool) -> Unknown {
    if admit { Unknown::Admit } else { Unknown::Reject }
}

fn names(inputs: &[Input], sample: Option<&Sample>, notes: &mut Vec<String>) -> Result<Vec<String>> {
    let own: Vec<&str> = inputs.iter().filter_map(|i| i.name.as_deref()).collect();
    if let Some(names) = usable(inputs) {
        return Ok(names);
    }
    let n = inputs.len();
    let why = if own.is_empty() { "has no names for" } else { "does not give distinct names to" };
    let Some(sample) = sample else {
        let names = if n == 1 { "f0".to_owned() } else { format!("f0 to f{}", n.saturating_sub(1)) };
        notes.push(format!(
            "the file {why} its inputs: in the model's order they are {names} here; --schema FILE or --data SAMPLE.csv names them"
        ));
        return Ok((0..n).map(|i| format!("f{i}")).collect());
    };
    let apart = |name: &str| sample.target.as_deref() == Some(name) || sample.as_of.as_deref() == Some(name);
    let columns: Vec<&str> = sample.table.columns().iter().map(Column::name).filter(|c| !apart(c)).collect();
    if columns.len() != n {
        return Err(error(format!(
            "the file {why} its {n} inputs, and the sample has {} columns for them{}: give --schema FILE with `features` in the \
             model's order",
            columns.len(),
            if sample.target.is_none() { " (--target COLUMN leaves out that of the labels)" } else { "" },
        )));
    }
    notes.push(format!("the file {why} its inputs: they are the sample's columns, in their order"));
    Ok(columns.into_iter().map(str::to_owned).collect())
}

/// The inputs' own names, where every one has one that a field may have, and no two the same.
fn usable(inputs: &[Input]) -> Option<Vec<String>> {
    let mut seen = HashSet::new();
    let name = |input: &Input| input.name.clone().filter(|n| (1..=MAX_NAME).contains(&n.len()));
    inputs.iter().map(|i| name(i).filter(|n| seen.insert(n.clone()))).collect()
}

/// Whether a column's values are true and false, in words.
fn holds_flags(column: &Column) -> bool {
    let mut words = false;
    let fits = (0..column.len()).all(|row| match column.cell(row) {
        Cell::Missing => true,
        Cell::Flag(_) => {
            words = true;
            true
        }
        Cell::Raw(text) => {
            words |= number(&text).is_none();
            flag(text.trim_ascii()).is_some()
        }
        _ => false,
    });
    fits && words
}

/// An error that says what to do where a column holds texts and the model reads a number.
fn is_all_numbers(input: &Input, column: &Column, table: Option<&Table>) -> Result<()> {
    let is_text = |cell: Cell<'_>| match cell {
        Cell::Raw(text) | Cell::Text(text) => {
            text.trim_ascii().parse::<f64>().is_err() && !text.trim_ascii().is_empty()
        }
        _ => false,
    };
    let Some(row) = (0..column.len()).find(|&row| is_text(column.cell(row))) else { return Ok(()) };
    let line = table.map_or(0, |t| t.line(row));
    let reads = match input.kind {
        InputKind::Code { .. } => "the model reads a code from 0 on, and which level has which the file does not say",
        _ => "the model reads a number",
    };
    let message = format!(
        "line {line}: {} is {}, but {reads}; give --schema FILE that lists its levels in code order",
        quote(column.name()),
        quote(column.text(row).unwrap_or_default())
    );
    Err(Error::new(ErrorKind::Data, message))
}

// --------------------------------------------------------------------------------------------------- with a schema

/// The fields that `outside` lists, matched to the inputs.
fn matched(inputs: &[Input], outside: &Outside) -> Result<Fields> {
    let names: Vec<&str> =
        outside.fields.iter().map(|f| f.name.as_str()).chain(outside.derived.iter().map(|d| d.name.as_str())).collect();
    let slots = slots(inputs, outside, &names)?;
    let n = outside.fields.len();
    let extra = match outside.extra {
        config::Extra::Ignore => Extra::Ignore,
        config::Extra::Reject => Extra::Reject,
    };
    let mut schema = Schema { fields: Vec::new(), extra };
    let mut notes = Vec::new();
    for (i, written) in outside.fields.iter().enumerate() {
        let feeds: Vec<&Input> =
            inputs.iter().zip(&slots).filter(|(_, slot)| **slot == i).map(|(input, _)| input).collect();
        let field =
            field(written, &feeds, &mut notes).map_err(|e| e.context(format!("field {}", quote(&written.name))))?;
        schema.fields.push(field);
    }
    schema.check()?;
    let derived = derive(outside, &schema)?;
    let mut computed = Vec::new();
    let mut missing: Vec<bool> = schema.fields.iter().map(|f| !f.required).collect();
    for d in &derived {
        let may_be = d.expr.may_be_missing(&missing);
        missing.push(may_be);
    }
    for (i, (input, &slot)) in inputs.iter().zip(&slots).enumerate() {
        if slot >= n {
            feeds(input, &derived[slot - n], missing[slot])?;
            if input.required {
                computed.push(i);
            }
        }
    }
    let read = |i: usize| slots.contains(&i) || derived.iter().any(|d| d.expr.reads(i));
    let unread: Vec<String> = (0..names.len()).filter(|&i| !read(i)).map(|i| names[i].to_owned()).collect();
    if !unread.is_empty() {
        let verb = if unread.len() == 1 { "is" } else { "are" };
        notes.push(format!(
            "{} {verb} in the schema, but nothing reads {}",
            list(unread.iter()),
            if unread.len() == 1 { "it" } else { "them" }
        ));
    }
    Ok(Fields { schema, derived, slots, computed, notes })
}

/// Per input the slot among `names`.
fn slots(inputs: &[Input], outside: &Outside, names: &[&str]) -> Result<Vec<usize>> {
    let find = |name: &str| names.iter().position(|n| *n == name);
    let bad = |message: String| Err(Error::new(ErrorKind::Config, message));
    let n = inputs.len();
    if let Some(features) = &outside.features {
        if features.len() != n {
            return bad(format!("`features` lists {}, but the model reads {n}", features.len()));
        }
        let slot = |(i, name): (usize, &String)| {
            find(name).ok_or_else(|| {
                let message = format!(
                    "features: {} (input {i} of the model) is neither a field nor a derived feature of the schema{}",
                    quote(name),
                    did_you_mean(name, names.iter().copied())
                );
                Error::new(ErrorKind::Config, message)
            })
        };
        return features.iter().enumerate().map(slot).collect();
    }
    let Some(own) = usable(inputs) else {
        let fields = outside.fields.len();
        return match (fields, names.len()) {
            (_, all) if all == n => Ok((0..n).collect()),
            _ => bad(format!(
                "the model has {n} inputs without names, the schema {fields} fields{}: list in `features`, in the model's order, \
                 which feeds which input",
                match outside.derived.len() {
                    0 => String::new(),
                    d => format!(" and {d} derived features"),
                }
            )),
        };
    };
    let lost: Vec<&String> = own.iter().filter(|name| find(name).is_none()).collect();
    if lost.is_empty() {
        return Ok(own.iter().filter_map(|name| find(name)).collect());
    }
    // Both sides: what the model reads that is not there, and what is there that it does not read.
    let spare: Vec<String> = names.iter().filter(|n| !own.iter().any(|o| o == *n)).map(|n| (*n).to_owned()).collect();
    let first = lost[0];
    bad(format!(
        "the model reads {} input{} that the schema lacks: {}{}; {}; name them as the model does, or list in `features`, in the \
         model's order, which feeds which input",
        lost.len(),
        if lost.len() == 1 { "" } else { "s" },
        list(lost.iter().copied()),
        did_you_mean(first, spare.iter().map(String::as_str)),
        if spare.is_empty() {
            "all of the schema's own are read".to_owned()
        } else {
            format!("of the schema it does not read {}", list(spare.iter()))
        },
    ))
}

/// A field as written, with what the inputs it feeds say.
fn field(written: &OutsideField, feeds: &[&Input], notes: &mut Vec<String>) -> Result<Field> {
    let bad = |message: &str| Err(Error::new(ErrorKind::Config, message));
    let needed = feeds.iter().any(|i| i.required);
    if needed && written.required == Some(false) {
        return bad("the original has no answer where it is missing: it must be required");
    }
    let required = written.required.unwrap_or(needed);
    let own = feeds.first().map(|input| kind_of(input));
    let kind = match (written.kind, &own) {
        (Some(kind), _) => kind,
        (None, _) if written.levels.is_some() => Kind::Category,
        (None, Some(FieldKind::Category { .. })) => Kind::Category,
        (None, Some(FieldKind::Flag)) => Kind::Flag,
        (None, Some(_)) => Kind::Number,
        (None, None) => {
            return bad("its kind is not given, and the model does not read it: number, category, flag or time");
        }
    };
    if kind != Kind::Category && (written.levels.is_some() || written.unknown.is_some()) {
        return bad("only a category has `levels` and `unknown`");
    }
    if kind != Kind::Number && (written.min.is_some() || written.max.is_some()) {
        return bad("only a number has `min` and `max`");
    }
    let whole = match kind {
        Kind::Number => {
            let floor = feeds.iter().any(|i| i.kind == InputKind::Code { negative: false }).then_some(0.0);
            if floor.is_some() && written.min.is_some_and(|min| min < 0.0) {
                return bad("min: the model reads a code there, which is at least 0");
            }
            FieldKind::Number { min: written.min.or(floor), max: written.max }
        }
        Kind::Flag => FieldKind::Flag,
        Kind::Time => FieldKind::Time,
        Kind::Category => category(written, feeds, notes)?,
    };
    for input in feeds {
        fits(input, &whole)?;
    }
    Ok(Field { name: written.name.clone(), kind: whole, required })
}

/// A category, whose levels and policy the model may know.
fn category(written: &OutsideField, feeds: &[&Input], notes: &mut Vec<String>) -> Result<FieldKind> {
    let bad = |message: String| Err(Error::new(ErrorKind::Config, message));
    let mut own = feeds.iter().filter_map(|input| match &input.kind {
        InputKind::Category { levels, admit_unknown } => Some((levels, *admit_unknown)),
        _ => None,
    });
    let known = own.next();
    if own.any(|other| Some(other) != known) {
        return bad("it feeds inputs of the model whose levels differ: each needs a field of its own".into());
    }
    let (levels, admits) = match (known, &written.levels) {
        (Some((levels, admits)), None) => (levels.clone(), admits),
        (Some((levels, admits)), Some(own)) if own == levels => (levels.clone(), admits),
        (Some((levels, _)), Some(own)) => {
            let differ = levels.iter().zip(own).position(|(a, b)| a != b).unwrap_or(levels.len().min(own.len()));
            let at = |side: &[String]| side.get(differ).map_or("nothing".to_owned(), |l| quote(l));
            return bad(format!(
                "its levels are not the model's: at place {differ} (from 0) the schema has {}, the model {}; leave `levels` out, or \
                 list the model's {} in its order",
                at(own),
                at(levels),
                levels.len()
            ));
        }
        (None, Some(own)) => {
            if !feeds.is_empty() {
                let shown: Vec<String> =
                    own.iter().take(4).enumerate().map(|(i, l)| format!("{} is {i}", quote(l))).collect();
                let more = if own.len() > 4 { ", …" } else { "" };
                notes.push(format!("{}: the model reads codes, {}{more}", quote(&written.name), shown.join(", ")));
            }
            // A code past those the schema names would be a level without a name.
            (own.clone(), false)
        }
        (None, None) => {
            return bad(
                "its levels are not given, and the model file does not hold them: list them in code order".into()
            );
        }
    };
    let unknown = match written.unknown {
        Some(Policy::Admit) if !admits && !feeds.is_empty() => {
            return bad(
                "unknown: the original has no answer for a text that is none of its levels: only `reject` is right"
                    .into(),
            );
        }
        Some(Policy::Admit) => Unknown::Admit,
        Some(Policy::Reject) => Unknown::Reject,
        None => policy(admits),
    };
    Ok(FieldKind::Category { levels: Levels::from(levels), unknown })
}

/// Whether a field may feed an input.
fn fits(input: &Input, kind: &FieldKind) -> Result<()> {
    let takes = match (&input.kind, kind) {
        (
            InputKind::Number | InputKind::Code { .. },
            FieldKind::Number { .. } | FieldKind::Flag | FieldKind::Category { .. },
        )
        | (InputKind::Category { .. }, FieldKind::Category { .. })
        | (InputKind::Flag, FieldKind::Flag) => return Ok(()),
        (InputKind::Number, _) => {
            "a number, a flag (0, 1), or a category whose levels are in the order of their numbers"
        }
        (InputKind::Code { .. }, _) => "a category whose levels are in code order, or a number",
        (InputKind::Category { .. }, _) => "a category",
        (InputKind::Flag, _) => "a flag",
    };
    let what = match kind {
        FieldKind::Number { .. } => "a number",
        FieldKind::Category { .. } => "a category",
        FieldKind::Flag => "a flag",
        FieldKind::Time => "a time (derive a number from it, with date_diff or extract)",
    };
    Err(Error::new(ErrorKind::Config, format!("the model reads {takes} there, not {what}")))
}

/// Whether a derived feature may feed an input.
fn feeds(input: &Input, derived: &Derived, may_be_missing: bool) -> Result<()> {
    let bad = |message: &str| {
        Err(Error::new(ErrorKind::Config, message).context(format!("derived feature {}", quote(&derived.name))))
    };
    match (&input.kind, derived.expr.ty) {
        (InputKind::Number | InputKind::Code { .. }, Type::Number | Type::Flag) | (InputKind::Flag, Type::Flag) => {}
        (InputKind::Category { .. }, _) => return bad("the model reads a category there, which no expression yields"),
        (InputKind::Flag, _) => return bad("the model reads a flag there, and the expression yields none"),
        (_, _) => return bad("the model reads a number there; a time becomes one with date_diff or extract"),
    }
    if input.required && may_be_missing {
        return bad(
            "it may be missing, where the original has no answer: say what it is then, as in COALESCE(…, 0), and let the fields it \
             reads be required",
        );
    }
    Ok(())
}

fn derive(outside: &Outside, schema: &Schema) -> Result<Vec<Derived>> {
    let mut out: Vec<Derived> = Vec::new();
    let mut earlier: Vec<(String, Type)> = Vec::new();
    for d in &outside.derived {
        let named = |e: Error| e.context(format!("derived feature {}", quote(&d.name)));
        if d.name.is_empty() || schema.slot(&d.name).is_some() || earlier.iter().any(|(n, _)| *n == d.name) {
            let message = "the name is taken by a field or another derived feature";
            return Err(named(Error::new(ErrorKind::Config, message)));
        }
        let expr = Expr::parse(&d.expression, schema, &earlier).map_err(named)?;
        earlier.push((d.name.clone(), expr.ty));
        out.push(Derived { name: d.name.clone(), text: d.expression.clone(), expr });
    }
    Ok(out)
}
