//! `hedgerow types`: TypeScript declarations of what one model takes and answers.

use super::{Outcome, output};
use crate::artifact::Artifact;
use crate::error::Result;
use crate::schema::{Field, FieldKind, Unknown};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Write TypeScript types for one model: `Input` and `Output`
///
/// For example: hedgerow types adult.hedge > adult.d.ts, then `import type { Input, Output } from "./adult.js"`.
#[derive(clap::Args)]
pub struct Args {
    /// The model
    #[arg(value_name = "MODEL.hedge")]
    model: PathBuf,
    /// Where to write to; `-` is standard output
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    out: PathBuf,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let model = super::model::read(&args.model)?;
    output::write(&args.out, declarations(&model.artifact, &model.id).as_bytes())?;
    Ok(Outcome::Fine)
}

/// The module `MODEL.d.ts`.
pub(super) fn declarations(artifact: &Artifact, id: &str) -> String {
    let (name, version) = (&artifact.name, &artifact.version);
    let tool = env!("CARGO_PKG_VERSION");
    let mut ts = format!("// {name} {version}, model {id}: written by hedgerow {tool}.\n");
    ts += "\n/** A record that the model takes. A missing value is absent, `undefined` or `null`. */\nexport interface Input {\n";
    for field in &artifact.schema.fields {
        let note = note(field);
        if !note.is_empty() {
            let _ = writeln!(ts, "  /** {note} */");
        }
        let (mark, or_null) = if field.required { ("", "") } else { ("?", " | null") };
        let _ = writeln!(ts, "  {}{mark}: {}{or_null};", key(&field.name), kind(&field.kind));
    }
    ts += "}\n\n/** The classes, in the order of `class_index`. */\nexport type Label = ";
    ts += &union(artifact.classes.iter().map(|label| text(label)));
    ts += ";\n\n/** The answer to a sound record. */\nexport interface Prediction {\n  status: \"ok\";\n";
    ts += match artifact.threshold {
        None => "  /** The most probable class. */\n",
        Some(_) => "  /** The second class where its probability is at least the threshold. */\n",
    };
    ts += "  prediction: Label;\n  class_index: ";
    ts += &union((0..artifact.classes.len()).map(|i| i.to_string()));
    ts += ";\n  /** Per class, in 0..1, adding up to 1. */\n  probability: {\n";
    for label in &artifact.classes {
        let _ = writeln!(ts, "    {}: number;", key(label));
    }
    ts += "  };\n  /** The probability of the predicted class. */\n  confidence: number;\n";
    if let Some(threshold) = artifact.threshold {
        let _ = writeln!(ts, "  threshold: {};", ryu_js::Buffer::new().format(threshold));
    }
    ts += MODEL_FIELDS;
    ts += "  /** What `now()` meant in the features (ISO 8601, UTC). */\n  as_of: string;\n";
    ts += "  timestamp: string;\n  cached: boolean;\n}\n\n/** One reason why a record is refused. */\n";
    ts += "export interface Violation {\n  field: string;\n";
    ts += "  code: \"missing\" | \"type\" | \"out_of_range\" | \"unknown_level\" | \"unknown_field\";\n";
    ts += "  message: string;\n}\n\n/** The answer to a record that the schema refuses. */\nexport interface Rejected {\n";
    ts += "  status: \"rejected\";\n  violations: Violation[];\n";
    ts += MODEL_FIELDS;
    ts += "  timestamp: string;\n}\n\n/** What the model answers. */\nexport type Output = Prediction | Rejected;\n";
    ts
}

const MODEL_FIELDS: &str = "  model: string;\n  model_version: string;\n  model_id: string;\n";

/// What the type alone does not say.
fn note(field: &Field) -> String {
    let js = |v: f64| ryu_js::Buffer::new().format(v).to_string();
    match &field.kind {
        FieldKind::Number { min: Some(min), max: Some(max) } => format!("{} to {}.", js(*min), js(*max)),
        FieldKind::Number { min: Some(min), max: None } => format!("At least {}.", js(*min)),
        FieldKind::Number { min: None, max: Some(max) } => format!("At most {}.", js(*max)),
        FieldKind::Time => "ISO 8601, epoch milliseconds or a Date.".to_string(),
        _ => String::new(),
    }
}

fn kind(kind: &FieldKind) -> String {
    match kind {
        FieldKind::Number { .. } => "number".to_string(),
        FieldKind::Flag => "boolean | 0 | 1".to_string(),
        FieldKind::Time => "string | number | Date".to_string(),
        FieldKind::Category { levels, unknown } => {
            let known = levels.iter().flat_map(|level| [Some(text(level)), numeral(level)]).flatten();
            // `string & {}` admits any other text and still lets an editor offer the levels.
            let other = (*unknown == Unknown::Admit).then(|| "(string & {})".to_string());
            union(known.chain(other))
        }
    }
}

/// The number literal that stands for a level, where the level is one's shortest form.
fn numeral(level: &str) -> Option<String> {
    let value: f64 = level.parse().ok()?;
    (value.is_finite() && ryu_js::Buffer::new().format(value) == level).then(|| level.to_string())
}

fn union(members: impl Iterator<Item = String>) -> String {
    let members: Vec<String> = members.collect();
    if members.is_empty() { "never".to_string() } else { members.join(" | ") }
}

/// A string literal; the line separators that older compilers take for line ends are escaped too.
pub(super) fn text(s: &str) -> String {
    serde_json::Value::from(s).to_string().replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

/// A property's name, quoted unless it is a plain identifier.
fn key(name: &str) -> String {
    let mut chars = name.chars();
    let plain = chars.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_' || c == '$')
        && chars.all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '$');
    if plain { name.to_string() } else { text(name) }
}
