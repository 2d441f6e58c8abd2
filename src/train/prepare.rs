//! From a config and a table to what is fitted: schema, derived features, event times, weights.

use super::config::{self, ClassWeight, Config, HandleUnknown};
use super::encoders::{Column, SlotKind};
use crate::data::{AsOf, Dataset, Hints, Inferred, Table};
use crate::error::{Error, ErrorKind, Result, did_you_mean};
use crate::expr::{Expr, Type};
use crate::pipeline::Derived;
use crate::schema::{Extra, FieldKind, Schema, Unknown};

pub(super) fn target(config: &Config) -> Result<&str> {
    config
        .data
        .target
        .as_deref()
        .ok_or_else(|| Error::new(ErrorKind::Config, "data.target is not set: name the column that holds the labels"))
}

/// The schema, with what the config says beyond kinds.
pub(super) fn infer(config: &Config, target: &str, table: &Table) -> Result<Inferred> {
    let f = &config.data.features;
    let unknown = config.preprocessing.encoder.as_ref().map_or(HandleUnknown::Error, |e| e.handle_unknown);
    let hints = Hints {
        target: target.to_owned(),
        positive: config.data.positive.clone(),
        as_of: config.data.as_of_column.clone(),
        aside: config.data.weight_column.iter().chain(&config.data.group_column).cloned().collect(),
        numerical: f.numerical.clone(),
        categorical: f.categorical.clone(),
        time: f.time.clone(),
        flag: f.flag.clone(),
        drop: f.drop.clone(),
        only_listed: f.any_listed(),
        unknown: if unknown == HandleUnknown::Error { Unknown::Reject } else { Unknown::Admit },
    };
    let mut inferred = crate::data::infer(table, &hints)?;
    inferred.schema.extra = match config.data.extra {
        config::Extra::Ignore => Extra::Ignore,
        config::Extra::Reject => Extra::Reject,
    };
    set_ranges(config, &mut inferred.schema)?;
    set_optional(config, &mut inferred.schema)?;
    Ok(inferred)
}

fn set_ranges(config: &Config, schema: &mut Schema) -> Result<()> {
    for (name, range) in &config.data.features.ranges {
        let names: Vec<String> = schema.fields.iter().map(|f| f.name.clone()).collect();
        let field = schema.fields.iter_mut().find(|f| f.name == *name);
        match field.map(|f| &mut f.kind) {
            Some(FieldKind::Number { min, max }) => (*min, *max) = (Some(range.0), Some(range.1)),
            Some(_) => {
                let message = format!("data.features.ranges: `{name}` is no number");
                return Err(Error::new(ErrorKind::Config, message));
            }
            None => {
                let hint = did_you_mean(name, names.iter().map(String::as_str));
                let message = format!("data.features.ranges: there is no feature `{name}`{hint}");
                return Err(Error::new(ErrorKind::Config, message));
            }
        }
    }
    Ok(())
}

fn set_optional(config: &Config, schema: &mut Schema) -> Result<()> {
    for name in &config.data.features.optional {
        match schema.slot(name) {
            Some(i) => schema.fields[i].required = false,
            None => {
                let hint = did_you_mean(name, schema.fields.iter().map(|f| f.name.as_str()));
                let message = format!("data.features.optional: there is no feature `{name}`{hint}");
                return Err(Error::new(ErrorKind::Config, message));
            }
        }
    }
    Ok(())
}

/// Takes out times that no derived feature reads, since the model never reads a time itself: a record need not have them. Whether
/// there were any.
pub(super) fn leave_out_unread(schema: &mut Schema, derived: &[Derived], notes: &mut Vec<String>) -> bool {
    let read = |i: usize| derived.iter().any(|d| d.expr.reads(i));
    let unread: Vec<bool> =
        schema.fields.iter().enumerate().map(|(i, f)| matches!(f.kind, FieldKind::Time) && !read(i)).collect();
    let mut unread = unread.into_iter();
    let before = schema.fields.len();
    schema.fields.retain(|field| {
        let out = unread.next().unwrap_or(false);
        if out {
            notes.push(format!("`{}` is left out: it is a time, and no derived feature reads it", field.name));
        }
        !out
    });
    schema.fields.len() < before
}

pub(super) fn derive(config: &Config, schema: &Schema) -> Result<Vec<Derived>> {
    let mut out: Vec<Derived> = Vec::new();
    let mut earlier: Vec<(String, Type)> = Vec::new();
    for d in &config.data.features.derived {
        let named = |e: Error| e.context(format!("data.features.derived.{}", d.name));
        if d.name.is_empty() || schema.slot(&d.name).is_some() || earlier.iter().any(|(n, _)| *n == d.name) {
            return Err(named(Error::new(
                ErrorKind::Config,
                "the name is taken by a column or another derived feature",
            )));
        }
        let expr = Expr::parse(&d.expression, schema, &earlier).map_err(named)?;
        earlier.push((d.name.clone(), expr.ty));
        out.push(Derived { name: d.name.clone(), text: d.expression.clone(), expr });
    }
    Ok(out)
}

/// Hidden columns are features of the schema, or derived.
pub(super) fn check_hidden(config: &Config, schema: &Schema, derived: &[Derived]) -> Result<()> {
    let known = || schema.fields.iter().map(|f| f.name.as_str()).chain(derived.iter().map(|d| d.name.as_str()));
    match config.data.features.hidden.iter().find(|h| known().all(|k| k != h.as_str())) {
        Some(name) => {
            let hint = did_you_mean(name, known());
            let message = format!("data.features.hidden: there is no feature `{name}`{hint}");
            Err(Error::new(ErrorKind::Config, message))
        }
        None => Ok(()),
    }
}

/// What `now()` means in each row. Where nothing uses it, the column (if any) still is the rows' event time.
pub(super) fn as_of(config: &Config, derived: &[Derived]) -> Result<AsOf> {
    match (&config.data.as_of_column, derived.iter().find(|d| d.expr.uses_now())) {
        (Some(column), _) => Ok(AsOf::Column(column.clone())),
        (None, None) => Ok(AsOf::At(0.0)),
        (None, Some(d)) => Err(Error::new(
            ErrorKind::Config,
            format!(
                "`{}` uses now(), which in training is each row's own event time: set data.as_of_column to the column that \
                 holds it",
                d.name
            ),
        )),
    }
}

/// Per row its class's weight times its own.
pub(super) fn weights(config: &Config, data: &Dataset, own: Option<&[f64]>) -> Result<Vec<f64>> {
    let n = data.classes.len();
    let of_class: Vec<f64> = match &config.training.class_weight {
        ClassWeight::None => vec![1.0; n],
        ClassWeight::Balanced => {
            let mut count = vec![0.0; n];
            data.y.iter().for_each(|&c| count[c] += 1.0);
            count.iter().map(|c| data.len() as f64 / (n as f64 * f64::max(*c, 1.0))).collect()
        }
        ClassWeight::Map(map) => {
            if let Some(label) = map.keys().find(|l| !data.classes.contains(l)) {
                let hint = did_you_mean(label, data.classes.iter().map(String::as_str));
                let labels = data.classes.join(", ");
                let message = format!("training.class_weight: `{label}` is no label{hint}; the labels are {labels}");
                return Err(Error::new(ErrorKind::Config, message));
            }
            data.classes.iter().map(|l| map.get(l).copied().unwrap_or(1.0)).collect()
        }
    };
    let own = |i: usize| own.map_or(1.0, |own| own[i]);
    Ok(data.y.iter().enumerate().map(|(i, &c)| of_class[c] * own(i)).collect())
}

/// Most numbers of an encoded training table (8 GiB of them).
const MAX_ENCODED: usize = 1 << 30;

/// Refuses a table that would not fit into memory once it is encoded, and says which slot makes it wide.
pub(super) fn check_size(columns: &[Column], rows: usize, kinds: &[SlotKind<'_>]) -> Result<()> {
    if columns.len().saturating_mul(rows) <= MAX_ENCODED {
        return Ok(());
    }
    let mut width = vec![0usize; kinds.len()];
    columns.iter().for_each(|c| width[c.slot] += 1);
    let widest = (0..kinds.len()).max_by_key(|&i| width[i]).unwrap_or(0);
    let message = format!(
        "{rows} rows of {} encoded columns are too many ({MAX_ENCODED} numbers are the most): `{}` alone becomes {} columns; \
         drop it, encode categories as ordinal, or train on fewer rows",
        columns.len(),
        kinds[widest].name,
        width[widest]
    );
    Err(Error::new(ErrorKind::Data, message))
}

#[cfg(test)]
mod tests {
    use super::super::encoders::Kind;
    use super::*;

    #[test]
    fn a_table_too_wide_for_memory_is_refused_by_its_widest_column() {
        let kinds = ["narrow", "wide"].map(|name| SlotKind { name, kind: Kind::Number, missing: false });
        let column = |slot| Column { slot, levels: None };
        let columns: Vec<Column> = [0].into_iter().chain(std::iter::repeat_n(1, 999)).map(column).collect();
        assert!(check_size(&columns, 1 << 20, &kinds).is_ok());
        let e = check_size(&columns, 2 << 20, &kinds).unwrap_err().to_string();
        assert!(e.contains("`wide` alone becomes 999 columns"), "{e}");
    }
}
