//! Encoders made ready for one row after another: neighbours that only scale are done together.

use super::{Encoder, Encoders, Transform, pass, standard};

/// What [`Encoders::encode`] does, in runs. Made by [`Ready::new`] of the encoders that every call names.
#[derive(Clone, Debug)]
pub(crate) struct Ready(Vec<Run>);

#[derive(Clone, Debug)]
struct Run {
    /// Indices of its encoders.
    first: usize,
    end: usize,
    /// Where its columns begin.
    at: usize,
    /// Where all its encoders scale or pass: the first slot; they read slots in order, and write a column each.
    slot: Option<usize>,
    /// What a missing value becomes; NaN stays.
    impute: Vec<f64>,
    /// Empty where values pass.
    mean: Vec<f64>,
    scale: Vec<f64>,
}

/// Whether it scales, and mean and scale; nothing of an encoder that does more than pass or scale.
fn scales(encoder: &Encoder) -> Option<(bool, f64, f64)> {
    match encoder.transform {
        Transform::Pass if !encoder.indicator => Some((false, 0.0, 1.0)),
        Transform::Standard { mean, scale } if !encoder.indicator => Some((true, mean, scale)),
        _ => None,
    }
}

impl Ready {
    pub fn new(encoders: &Encoders) -> Ready {
        let mut runs: Vec<Run> = Vec::new();
        let mut at = 0;
        let mut before = None;
        for (i, encoder) in encoders.0.iter().enumerate() {
            let own = scales(encoder);
            let kind = own.map(|(scales, ..)| scales);
            let slot = encoder.slot as usize;
            let follows = kind.is_none() || i > 0 && encoders.0[i - 1].slot as usize + 1 == slot;
            if before != Some(kind) || !follows {
                let (impute, mean, scale) = (Vec::new(), Vec::new(), Vec::new());
                runs.push(Run { first: i, end: i, at, slot: kind.map(|_| slot), impute, mean, scale });
            }
            before = Some(kind);
            at += encoder.n_columns();
            let Some(run) = runs.last_mut() else { continue };
            run.end = i + 1;
            if let Some((scales, mean, scale)) = own {
                run.impute.push(encoder.impute.unwrap_or(f64::NAN));
                if scales {
                    run.mean.push(mean);
                    run.scale.push(scale);
                }
            }
        }
        Ready(runs)
    }

    /// As [`Encoders::encode`].
    pub fn encode(&self, encoders: &Encoders, slots: &[f64], x: &mut [f64]) {
        for run in &self.0 {
            let out = &mut x[run.at..];
            let Some(slot) = run.slot else {
                Encoders::encode_some(&encoders.0[run.first..run.end], slots, out);
                continue;
            };
            let imputed =
                slots[slot..].iter().zip(&run.impute).map(|(v, impute)| if v.is_nan() { *impute } else { *v });
            if run.mean.is_empty() {
                out.iter_mut().zip(imputed).for_each(|(out, v)| *out = pass(v));
            } else {
                let scaled = imputed.zip(run.mean.iter().zip(&run.scale));
                out.iter_mut().zip(scaled).for_each(|(out, (v, (mean, scale)))| *out = standard(v, *mean, *scale));
            }
        }
    }
}
