//! `hedgerow verify`: is this file whole, and does this machine answer with the trainer's bits?

use super::model::{self, ModelFile};
use super::{Outcome, output};
use crate::artifact::header::Header;
use crate::error::{Error, ErrorKind, Result};
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

/// Check model files: digest, structure, header, and the recorded answers
///
/// Each file carries raw records with the exact bits of the trainer's answers; they are computed again here.
/// Exit code 1 if any file is not sound.
#[derive(clap::Args)]
pub struct Args {
    /// The models
    #[arg(value_name = "MODEL.hedge", required = true)]
    models: Vec<PathBuf>,
    /// Print one JSON array
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let mut outcome = Outcome::Fine;
    let mut verdicts = Vec::new();
    let mut out = output::stdout();
    for path in &args.models {
        let bytes = model::bytes(path)?;
        let (name, verdict) = (path.display().to_string(), verify(&bytes));
        if verdict.is_err() {
            outcome = Outcome::No;
        }
        match (&verdict, args.json) {
            (Ok(m), true) => verdicts.push(json!({
                "file": name, "sound": true, "model": m.artifact.name, "model_version": m.artifact.version,
                "model_id": m.id, "witnesses": m.artifact.witnesses.len(),
            })),
            (Err(error), true) => verdicts.push(json!({ "file": name, "sound": false, "reason": error.to_string() })),
            (Ok(m), false) => {
                let (a, n) = (&m.artifact, m.artifact.witnesses.len());
                writeln!(out, "{name}: sound ({} {}, {n} of {n} witnesses give the same bits)", a.name, a.version)?;
            }
            (Err(error), false) => writeln!(out, "{name}: not sound: {error}")?,
        }
    }
    out.flush()?;
    drop(out);
    if args.json {
        output::print_json(&verdicts.into())?;
    }
    Ok(outcome)
}

fn verify(bytes: &[u8]) -> Result<ModelFile> {
    let model = model::open(bytes)?;
    let (said, true_) = (&model.header, Header::of(&model.artifact));
    let same = said.name == true_.name
        && said.version == true_.version
        && said.classes == true_.classes
        && said.schema == true_.schema
        && said.derived == true_.derived
        && said.model.get("type") == true_.model.get("type");
    if !same {
        return Err(Error::new(ErrorKind::Artifact, "the header says something else than the model it stands before"));
    }
    model.artifact.replay()?;
    Ok(model)
}
