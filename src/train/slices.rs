//! Metrics of parts of the rows: is the model as good for each level of a category as it is in all?

use crate::metrics::{Answered, Metrics, Scores};
use crate::schema::{FieldKind, Schema};
use ndarray::{ArrayView2, Axis};
use serde::Serialize;

/// Most levels of one field; those with the most rows.
pub const MAX_SLICES: usize = 20;

/// The rows in which a field has one value, and how good their answers are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Slice {
    /// A category or a flag.
    pub field: String,
    /// A level, `true` or `false`; `None`: missing, or none of the levels.
    pub level: Option<String>,
    /// How many rows.
    pub rows: usize,
    /// Their metrics.
    #[serde(flatten)]
    pub scores: Scores<f64>,
}

/// One slice for each value that occurs, field by field, in the order of the levels. Fields with one value only have none.
/// `slots`: rows x slots, of which the fields are the first.
pub(super) fn slices(schema: &Schema, slots: ArrayView2<'_, f64>, answered: &Answered<'_>) -> Vec<Slice> {
    let mut out = Vec::new();
    for (j, field) in schema.fields.iter().enumerate() {
        let labels: Vec<String> = match &field.kind {
            FieldKind::Category { levels, .. } => levels.to_vec(),
            FieldKind::Flag => vec!["false".into(), "true".into()],
            FieldKind::Number { .. } | FieldKind::Time => continue,
        };
        // The last: of missing values and unknown levels.
        let mut rows: Vec<Vec<usize>> = vec![Vec::new(); labels.len() + 1];
        for (i, v) in slots.column(j).iter().enumerate() {
            let at = if v.is_nan() { labels.len() } else { (*v as usize).min(labels.len()) };
            rows[at].push(i);
        }
        let mut order: Vec<usize> = (0..rows.len()).filter(|&at| !rows[at].is_empty()).collect();
        if order.len() < 2 {
            continue;
        }
        order.sort_by_key(|&at| std::cmp::Reverse(rows[at].len()));
        order.truncate(MAX_SLICES);
        order.sort_unstable();
        for at in order {
            let rows = &rows[at];
            let y: Vec<usize> = rows.iter().map(|&i| answered.y[i]).collect();
            let weight: Option<Vec<f64>> = answered.weight.map(|w| rows.iter().map(|&i| w[i]).collect());
            // Rows that do not count have no metrics.
            if weight.as_ref().is_some_and(|w| !w.iter().any(|w| *w > 0.0)) {
                continue;
            }
            let probability = answered.probability.select(Axis(0), rows);
            let part = Answered { y: &y, probability: probability.view(), weight: weight.as_deref(), ..*answered };
            out.push(Slice {
                field: field.name.clone(),
                level: labels.get(at).cloned(),
                rows: rows.len(),
                scores: Metrics::weighed(&part).scores(),
            });
        }
    }
    out
}
