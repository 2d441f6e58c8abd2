//! `hedgerow export`: a model in another format.

use super::{Outcome, output};
use crate::error::Result;
use crate::export::onnx;
use std::path::PathBuf;

/// Write a model as an ONNX graph that answers raw records
///
/// One input of shape [N, 1] per field: strings for categories (empty: missing), doubles for numbers, flags (0 or 1) and times (epoch
/// milliseconds), NaN where missing. Outputs: `label` [N] and `probabilities` [N, classes]. Runs in onnxruntime 1.20 and newer.
#[derive(clap::Args)]
pub struct Args {
    /// The model
    #[arg(value_name = "MODEL.hedge")]
    model: PathBuf,
    /// The format
    #[arg(long, value_enum, default_value_t = Format::Onnx)]
    to: Format,
    /// Where to write to; `-` is standard output
    #[arg(long, short, value_name = "FILE")]
    out: PathBuf,
}

/// What models can be written as.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Format {
    /// ONNX, with the operators of `ai.onnx` 18 and `ai.onnx.ml` 5
    Onnx,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let model = super::model::read(&args.model)?;
    let file = match args.to {
        Format::Onnx => {
            let (name, version) = (model.artifact.name.as_str(), model.artifact.version.as_str());
            let facts = [("name", name), ("version", version), ("hedgerow_model_id", model.id.as_str())];
            onnx::write(&model.artifact, &facts).map_err(|e| e.context(args.model.display().to_string()))?
        }
    };
    output::write(&args.out, &file)?;
    Ok(Outcome::Fine)
}
