//! `hedgerow inspect`: what is in a `.hedge` file.

use super::model::ModelFile;
use super::{Outcome, model, output};
use crate::artifact::Artifact;
use crate::artifact::summary::{FieldSummary, Observed, Value};
use crate::error::Result;
use crate::pipeline::Derived;
use crate::profile::Profile;
use crate::schema::Schema;
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;

/// Show what a model file holds: its input, model, metrics and origin
#[derive(clap::Args)]
pub struct Args {
    /// The model
    #[arg(value_name = "MODEL.hedge")]
    model: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let model = model::read(&args.model)?;
    if args.json {
        let mut all = json!({ "id": model.id, "size": model.size });
        if let (Some(all), Ok(serde_json::Value::Object(header))) =
            (all.as_object_mut(), serde_json::to_value(&model.header))
        {
            all.extend(header);
            all.insert(
                "schema".into(),
                json!({ "fields": fields(&model.artifact.schema, &model.artifact.profile), "extra": model.header.schema.extra }),
            );
            all.insert("witnesses".into(), model.artifact.witnesses.len().into());
        }
        output::print_json(&all)?;
    } else {
        let mut out = output::stdout();
        card(&mut out, &model)?;
        out.flush()?;
    }
    Ok(Outcome::Fine)
}

/// The fields with what training saw of them.
fn fields(schema: &Schema, profile: &Profile) -> Vec<FieldSummary> {
    let of = |(i, field)| FieldSummary::of(field, profile.slots.get(i));
    schema.fields.iter().enumerate().map(of).collect()
}

fn card(out: &mut impl Write, model: &ModelFile) -> Result<()> {
    let header = &model.header;
    let bold = anstyle::Style::new().bold();
    writeln!(out, "{bold}{} {}{bold:#}", header.name, header.version)?;
    writeln!(out, "  id        {}", model.id)?;
    let witnesses = model.artifact.witnesses.len();
    let size = output::thousands(model.size as u64);
    writeln!(
        out,
        "  file      {size} bytes, format {}, by hedgerow {}, {witnesses} witnesses",
        header.format, header.tool_version
    )?;
    writeln!(out, "  model     {}", output::clean(&list(&header.model)))?;
    writeln!(out, "  classes   {}", output::clean(&header.classes.join(", ")))?;

    let Artifact { schema, pipeline, profile, .. } = &model.artifact;
    input(out, schema, &pipeline.derived, profile)?;
    for (title, map) in [("Metrics", &header.metrics), ("Training", &header.training)] {
        if !map.is_empty() {
            writeln!(out, "\n{bold}{title}{bold:#}")?;
            lines(out, map, 1)?;
        }
    }
    Ok(())
}

/// The fields a record has, and the features computed from them.
pub fn input(out: &mut impl Write, schema: &Schema, derived: &[Derived], profile: &Profile) -> Result<()> {
    let bold = anstyle::Style::new().bold();
    let fields = fields(schema, profile);
    writeln!(out, "\n{bold}Input{bold:#} ({} fields; * is required)", fields.len())?;
    let width = fields.iter().map(|f| f.name.chars().count()).max().unwrap_or(0).min(40);
    for field in &fields {
        let star = if field.required { '*' } else { ' ' };
        let (name, words) = (output::clean(&field.name), describe(field));
        let line = format!("  {name:width$} {star} {:8}  {}", field.kind, output::clean(&words));
        writeln!(out, "{}", line.trim_end())?;
    }
    if !derived.is_empty() {
        writeln!(out, "\n{bold}Derived{bold:#} (computed by the model)")?;
        for derived in derived {
            writeln!(out, "  {} = {}", output::clean(&derived.name), output::clean(&derived.text))?;
        }
    }
    Ok(())
}

/// What a field takes and what training saw, in words.
fn describe(field: &FieldSummary) -> String {
    let mut parts = Vec::new();
    match (field.min, field.max) {
        (Some(min), Some(max)) => parts.push(format!("{min} to {max}")),
        (Some(min), None) => parts.push(format!("at least {min}")),
        (None, Some(max)) => parts.push(format!("at most {max}")),
        (None, None) => {}
    }
    if let Some(levels) = &field.levels {
        let mut text = levels.iter().take(6).map(String::as_str).collect::<Vec<_>>().join(", ");
        if levels.len() > 6 {
            text += &format!(", … ({} levels)", levels.len());
        }
        parts.push(text);
    }
    if field.unknown.as_deref() == Some("admit") {
        parts.push("others admitted".to_string());
    }
    if let Some(Observed { min, max, typical, missing_rate, .. }) = &field.observed {
        if let (Some(min), Some(max)) = (min, max) {
            parts.push(format!("seen {} to {}", show(min), show(max)));
        }
        if let Some(typical) = typical {
            parts.push(format!("typically {}", show(typical)));
        }
        if *missing_rate > 0.0 {
            parts.push(format!("{:.1} % missing", missing_rate * 100.0));
        }
    }
    parts.join("; ")
}

fn show(value: &Value) -> String {
    match value {
        Value::Number(v) => output::figure(*v),
        Value::Text(text) => text.clone(),
        Value::Flag(flag) => flag.to_string(),
    }
}

/// `type, key value, key value`.
pub fn list(map: &serde_json::Map<String, serde_json::Value>) -> String {
    let part = |(key, value): (&String, &serde_json::Value)| match (key.as_str(), value) {
        ("type", serde_json::Value::String(text)) => text.clone(),
        (_, value) => format!("{key} {}", plain(value)),
    };
    map.iter().filter(|(_, v)| !v.is_object() && !v.is_array()).map(part).collect::<Vec<_>>().join(", ")
}

/// A JSON object as indented `key  value` lines. Long arrays are counted, not shown.
fn lines(out: &mut impl Write, map: &serde_json::Map<String, serde_json::Value>, depth: usize) -> Result<()> {
    let indent = "  ".repeat(depth);
    let width = map.keys().map(|k| k.chars().count()).max().unwrap_or(0);
    for (key, value) in map {
        match value {
            serde_json::Value::Object(inner) if inner.is_empty() => {}
            serde_json::Value::Object(inner) if depth < 4 => {
                writeln!(out, "{indent}{}", output::clean(key))?;
                lines(out, inner, depth + 1)?;
            }
            serde_json::Value::Null => {}
            serde_json::Value::Array(items) if items.is_empty() => {}
            serde_json::Value::Array(items) if items.iter().any(is_sentence) => {
                writeln!(out, "{indent}{}", output::clean(key))?;
                for item in items {
                    writeln!(out, "{indent}  {}", output::clean(&plain(item)))?;
                }
            }
            value => writeln!(out, "{indent}{:width$}  {}", output::clean(key), output::clean(&plain(value)))?,
        }
    }
    Ok(())
}

/// Whether a text is too long to stand beside others.
fn is_sentence(value: &serde_json::Value) -> bool {
    value.as_str().is_some_and(|text| text.len() > 40)
}

fn plain(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        serde_json::Value::Number(n) if n.is_f64() => n.as_f64().map(output::figure).unwrap_or_default(),
        serde_json::Value::Number(n) => n.as_u64().map_or_else(|| n.to_string(), output::thousands),
        serde_json::Value::Array(items) if items.len() > 8 || items.iter().any(|i| i.is_object() || i.is_array()) => {
            format!("[{} items]", items.len())
        }
        serde_json::Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}
