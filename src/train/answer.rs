//! Answers while training, by the pipeline and the model that also serve: there is no second arithmetic here.

use crate::data::Dataset;
use crate::model::Model;
use crate::pipeline::{Encoders, Pipeline};
use crate::profile::Profile;
use crate::schema::Schema;
use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

/// rows x slots: fields, then derived features, by the pipeline that also serves.
pub(crate) fn slots(pipeline: &Pipeline, data: &Dataset) -> Array2<f64> {
    let n_fields = data.schema.fields.len();
    let mut out = Array2::zeros((data.len(), n_fields + pipeline.derived.len()));
    for ((mut slots, row), as_of) in out.rows_mut().into_iter().zip(data.rows.rows()).zip(&data.as_of) {
        let mut work: Vec<f64> = row.iter().copied().chain(pipeline.derived.iter().map(|_| 0.0)).collect();
        pipeline.derive(&mut work, *as_of);
        slots.iter_mut().zip(work).for_each(|(s, v)| *s = v);
    }
    out
}

/// rows x columns, by the encoders that also serve.
pub(super) fn encode(encoders: &Encoders, slots: ArrayView2<'_, f64>) -> Array2<f64> {
    by_row(slots, encoders.n_columns(), |slots, x| encoders.encode(slots, x))
}

/// rows x classes, by the encoders and the model that also serve.
pub(super) fn predict(encoders: &Encoders, model: &Model, slots: ArrayView2<'_, f64>, n_classes: usize) -> Array2<f64> {
    let n = encoders.n_columns();
    by_row(slots, n_classes, |slots, p| {
        let mut x = vec![0.0; n];
        encoders.encode(slots, &mut x);
        model.predict_proba(&x, p);
    })
}

pub(super) fn by_row(
    input: ArrayView2<'_, f64>,
    width: usize,
    work: impl Fn(&[f64], &mut [f64]) + Sync,
) -> Array2<f64> {
    let mut out = Array2::zeros((input.nrows(), width));
    if let Some(flat) = out.as_slice_mut()
        && width > 0
    {
        flat.par_chunks_mut(width).enumerate().for_each(|(i, out)| work(&input.row(i).to_vec(), out));
    }
    out
}

/// What later traffic is compared with: all rows' slots, and no answers yet.
pub(crate) fn reference(schema: &Schema, pipeline: &Pipeline, slots: ArrayView2<'_, f64>, n_classes: usize) -> Profile {
    Profile::of(schema, pipeline, slots, Array2::zeros((slots.nrows(), n_classes)).view()).unanswered()
}
