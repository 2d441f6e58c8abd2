//! The target: which labels it holds, in which order, and whether a classifier can learn it.

use super::infer::{ENOUGH, data};
use super::{Column, Hints, Table};
use crate::error::{Result, did_you_mean};
use crate::schema::message::{list, quote};
use crate::schema::{Cell, MAX_NAME, number};
use std::borrow::Cow;
use std::collections::BTreeSet;

/// The most classes a target may have.
pub const MAX_CLASSES: usize = 1000;

/// The label in a row of the target: a CSV cell without the spaces around it, a JSON text as it is.
pub(super) fn label(target: &Column, row: usize) -> Option<Cow<'_, str>> {
    match target.cell(row) {
        Cell::Missing => None,
        Cell::Text(text) => (!text.trim_ascii().is_empty()).then_some(text),
        _ => target.text(row).map(|text| Cow::Borrowed(text.trim_ascii())),
    }
}

/// The labels of the target: sorted (as numbers where all are numbers), the positive one last.
pub(super) fn classes(table: &Table, hints: &Hints) -> Result<Vec<String>> {
    let (name, n) = (&hints.target, table.n_rows());
    let target = table.column(name)?;
    if n < 2 {
        return Err(data(format!("the data has {n} rows: at least two with different labels are needed")));
    }
    let mut labels: BTreeSet<Cow<'_, str>> = BTreeSet::new();
    for row in 0..n {
        let line = table.line(row);
        if let Cell::Other(what) = target.cell(row) {
            return Err(data(format!("line {line}: the target `{name}` holds an {what}: a label is expected")));
        }
        let Some(label) = label(target, row) else {
            let missing = (0..n).filter(|&r| label(target, r).is_none()).count();
            let message = format!(
                "the target `{name}` has no value in {missing} of {n} rows (first on line {line}): remove them"
            );
            return Err(data(message));
        };
        if label.len() > MAX_NAME {
            return Err(data(format!(
                "line {line}: the label is longer than {MAX_NAME} bytes: is `{name}` the target?"
            )));
        }
        labels.insert(label);
        if labels.len() > MAX_CLASSES {
            let message = format!(
                "the target `{name}` has more than {MAX_CLASSES} different values: a classifier needs few labels"
            );
            return Err(data(message));
        }
    }
    let distinct = labels.len();
    if distinct == 1 {
        let only = labels.first().map_or(String::new(), |l| quote(l));
        return Err(data(format!("the target `{name}` is {only} in every row: at least two classes are needed")));
    }
    let numbers: Option<Vec<f64>> = labels.iter().map(|l| number(l)).collect();
    let continuous = numbers.as_ref().is_some_and(|v| v.iter().any(|v| v.fract() != 0.0));
    if distinct > ENOUGH && (continuous || distinct * 2 > n) {
        let what = if numbers.is_some() {
            "a quantity, and a classifier predicts"
        } else {
            "no label, and a classifier needs"
        };
        let message = format!(
            "the target `{name}` has {distinct} different values in {n} rows: it looks like {what} one of a few labels"
        );
        return Err(data(message));
    }
    let mut classes: Vec<String> = labels.into_iter().map(Cow::into_owned).collect();
    if numbers.is_some() {
        classes.sort_by(|a, b| number(a).unwrap_or(0.0).total_cmp(&number(b).unwrap_or(0.0)));
    }
    if let Some(positive) = &hints.positive {
        let Some(at) = classes.iter().position(|c| c == positive) else {
            let guess = did_you_mean(positive, classes.iter().map(String::as_str));
            let labels = list(classes.iter());
            let message =
                format!("the positive label `{positive}` is none of the target's{guess}: `{name}` has {labels}");
            return Err(data(message));
        };
        let last = classes.remove(at);
        classes.push(last);
    }
    Ok(classes)
}
