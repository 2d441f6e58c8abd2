//! Witnesses: raw records with the exact bits of what the trainer's host made of them.
//!
//! Replayed at every load, they turn "same bits everywhere" from a promise into a condition: a host whose arithmetic
//! differs, or a door, evaluator or encoder that has changed its meaning, does not answer at all. A witness asks one row of
//! a model that was just read, so of forests it proves the reference; that their fast forms equal it is for tests to show.

use super::Artifact;
use crate::error::{Error, ErrorKind, Result};
use crate::math;
use crate::schema::RawRecord;
use crate::schema::message::quote;
use crate::wire::{Encode, decodes};

/// How many the trainer writes.
pub const WITNESSES: usize = 8;

/// How many a file may hold.
pub(super) const MAX_WITNESSES: usize = 64;

/// A raw record, and the exact answer the trainer's host gave.
#[derive(Clone, Debug, PartialEq, Encode)]
pub struct Witness {
    /// Per field the raw text (`None`: missing), as a CSV cell would hold it.
    pub record: Vec<Option<String>>,
    /// Seconds since 1970 UTC.
    pub as_of: f64,
    /// Bits of `x`; a missing one as [`math::bits`] has it.
    pub x: Vec<u64>,
    /// Bits of the probabilities.
    pub probability: Vec<u64>,
}

decodes!(struct Witness { record, as_of, x, probability });

impl Witness {
    /// What this host makes of `record` (raw cells, one per field). An error if the schema refuses it.
    pub fn record(artifact: &Artifact, record: Vec<Option<String>>, as_of: f64) -> Result<Witness> {
        let mut witness = Witness { record, as_of, x: Vec::new(), probability: Vec::new() };
        (witness.x, witness.probability) = witness.answer(artifact)?;
        Ok(witness)
    }

    /// Whether this host makes the same of it; the error names the first column that differs.
    #[inline(never)]
    pub fn replay(&self, artifact: &Artifact) -> Result<()> {
        let (x, probability) = self.answer(artifact)?;
        let differs = |a: &[u64], b: &[u64]| a.iter().zip(b).position(|(a, b)| a != b);
        if let Some(k) = differs(&x, &self.x) {
            let name = column_name(artifact, k);
            return Err(diverged(format!("column {k} of x (from {})", quote(name)), x[k], self.x[k]));
        }
        if let Some(k) = differs(&probability, &self.probability) {
            let label = &artifact.classes[k];
            return Err(diverged(format!("the probability of {}", quote(label)), probability[k], self.probability[k]));
        }
        Ok(())
    }

    #[inline(never)]
    fn answer(&self, artifact: &Artifact) -> Result<(Vec<u64>, Vec<u64>)> {
        let mut work = artifact.work();
        artifact.slots(&RawRecord(&self.record), self.as_of, &mut work).map_err(|violations| {
            let first =
                violations.first().map_or_else(String::new, |v| format!(": {}: {}", quote(&v.field), v.message));
            Error::new(ErrorKind::Artifact, format!("the schema refuses its record{first}"))
        })?;
        artifact.predict(&mut work);
        let bits = |values: &[f64]| values.iter().map(|v| math::bits(*v)).collect();
        Ok((bits(&work.x), bits(&work.probability)))
    }
}

/// The field or derived feature that column `k` of `x` comes from.
fn column_name(artifact: &Artifact, k: usize) -> &str {
    let mut end = 0;
    let encoder = artifact.pipeline.encoders.0.iter().find(|e| {
        end += e.n_columns();
        k < end
    });
    encoder.map_or("", |e| artifact.slot_name(e.slot as usize))
}

fn diverged(what: String, here: u64, there: u64) -> Error {
    let message = format!(
        "{what} has the bits {here:016x} here and {there:016x} where it was trained; this build does not answer as the \
         trained model does"
    );
    Error::new(ErrorKind::Artifact, message)
}
