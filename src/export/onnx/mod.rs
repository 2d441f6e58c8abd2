//! An artifact as an ONNX graph: raw records in, labels and probabilities out.
//!
//! ```text
//! one input per field [N, 1] ──inputs──► slots ──features──► derived slots ──encoders──► x [N, F] ──models──► probabilities [N, K]
//!  double: number, flag (0, 1),                                                                              label [N]
//!  time (epoch milliseconds);
//!  string: category
//! ```
//!
//! All arithmetic is in `double`, so the answers agree with ours to rounding (`exp`, `ln`, `pow`, `sin`, `cos` and the order of
//! sums are the runtime's). Trees are `ai.onnx.ml`'s `TreeEnsemble` (version 5): thresholds, category sets and the ways of missing values
//! are kept as they are, so each row reaches the same leaves. Everything else is plain operators of `ai.onnx` (version 18).
//!
//! **Missing** is NaN, and the empty string in a category. **`now()`** becomes one more input, `as_of`.
//!
//! **What a graph cannot do** is refuse a record: what our schema rejects (a required value that is missing, a number out of range, an
//! unknown level) is answered as if it were admitted. Infinities and numbers past ±1e150 are passed on as they are.

mod encoders;
mod features;
mod forest;
mod graph;
mod inputs;
mod models;
mod svm;
#[cfg(test)]
mod tests;

use crate::artifact::Artifact;
use crate::error::Result;
use graph::Graph;
use prost::Message;

/// The bytes of an ONNX file that answers as `artifact` does. `facts`: names and values for its metadata.
///
/// # Errors
/// A model or feature that ONNX's operators do not express: named, with the reason.
pub fn write(artifact: &Artifact, facts: &[(&str, &str)]) -> Result<Vec<u8>> {
    let mut graph = Graph::new(artifact.schema.fields.iter().map(|f| f.name.as_str()));
    let read = inputs::read(artifact);
    let slots = inputs::slots(&mut graph, artifact, &read)?;
    let source = encoders::Source::Slots(&slots);
    let kinds = artifact.pipeline.slots(&artifact.schema);
    let whole: Vec<bool> = kinds.iter().map(|kind| kind.levels.is_some()).collect();
    let x = encoders::encode(&mut graph, &artifact.pipeline.encoders, &source, &kinds, &whole)?;
    let probability = models::probabilities(&mut graph, &artifact.model, &x)?;
    let label = models::label(&mut graph, &probability, &artifact.classes, artifact.threshold);
    let model = graph.finish(artifact, &label, &probability, facts);
    Ok(model.encode_to_vec())
}
