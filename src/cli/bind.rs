//! `hedgerow bind`: the straight-line JavaScript that reads one model's records and builds its answers.
//!
//! www/package/reader.js makes the same text at run time, where the host allows that, and says what the functions promise; a test
//! of the package holds the two equal to the letter.

use super::{Outcome, output, types};
use crate::artifact::Artifact;
use crate::error::{Error, ErrorKind, Result};
use crate::schema::{Field, FieldKind};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

/// Of what a binding is written in; `FORMAT` in www/package/reader.js.
const FORMAT: u32 = 1;

/// Write JavaScript that reads one model's records fast, where code cannot be made at run time
///
/// Cloudflare Workers and pages with a strict content security policy run no code that is made at run time. A binding is that
/// code, made ahead: for example: hedgerow bind adult.hedge --out adult.js, which also writes the types adult.d.ts, then
/// `import bind from "./adult.js"` and `load(source, { bind })`. It belongs to one file: write it again with each new model.
#[derive(clap::Args)]
pub struct Args {
    /// The model
    #[arg(value_name = "MODEL.hedge")]
    model: PathBuf,
    /// Where to write to, a name that ends with .js or .mjs, with the types beside it; `-` is standard output, without them
    #[arg(long, short, value_name = "FILE", default_value = "-")]
    out: PathBuf,
}

pub fn run(args: &Args) -> Result<Outcome> {
    let declared = declared(&args.out)?;
    let model = super::model::read(&args.model)?;
    output::write(&args.out, module(&model.artifact, &model.id).as_bytes())?;
    if let Some(path) = declared {
        let mut text = types::declarations(&model.artifact, &model.id);
        text += "\n/** For `load(source, { bind })`. */\ndeclare const bind: import(\"hedgerow\").Binding<Input, Output>;\n";
        text += "export default bind;\n";
        output::write(&path, text.as_bytes())?;
    }
    Ok(Outcome::Fine)
}

/// Where the types of a module belong.
fn declared(out: &Path) -> Result<Option<PathBuf>> {
    if out == Path::new("-") {
        return Ok(None);
    }
    match out.extension().and_then(|e| e.to_str()) {
        Some("js") => Ok(Some(out.with_extension("d.ts"))),
        Some("mjs") => Ok(Some(out.with_extension("d.mts"))),
        _ => {
            let message = format!("{} is no name of a module: it must end with .js or .mjs", out.display());
            Err(Error::new(ErrorKind::Config, message))
        }
    }
}

/// The module `MODEL.js`.
fn module(artifact: &Artifact, id: &str) -> String {
    let title = types::text(&format!("{} {}", artifact.name, artifact.version));
    let tool = env!("CARGO_PKG_VERSION");
    let mut js = format!("// The binding of the model {title}, {id}: written by hedgerow {tool}.\n");
    js += &source(artifact, id);
    let _ = writeln!(js, "export default {{ format: {FORMAT}, model_id: {}, read, answer }};", types::text(id));
    js
}

/// The text of both functions.
fn source(artifact: &Artifact, id: &str) -> String {
    let fields = &artifact.schema.fields;
    let mut js = String::from("const P = Object.prototype, own = P.hasOwnProperty, proto = Object.getPrototypeOf;\n");
    js += "function read(r, t, o) {\n  const p = proto(r);\n  if (p !== P && p !== null) return false;\n";
    for (i, field) in fields.iter().enumerate() {
        let key = types::text(&field.name);
        let _ = write!(js, "  let v{i} = r[{key}]; ");
        let _ = writeln!(js, "if (v{i} !== undefined && {key} in P && !own.call(r, {key})) v{i} = undefined;");
    }
    for (i, _) in fields.iter().enumerate().filter(|(_, field)| matches!(field.kind, FieldKind::Time)) {
        let _ = writeln!(js, "  const n{i} = t.time(v{i});");
    }
    js += "  const l = t.levels;\n  let s = t.view, n;\n  if (s.length === 0) s = t.fresh();\n  plain: {\n";
    for (i, field) in fields.iter().enumerate() {
        let _ = writeln!(js, "    {}break plain;", check(field, i));
    }
    let values: Vec<String> = (0..fields.len()).map(|i| format!("v{i}")).collect();
    let _ = writeln!(js, "    return true;\n  }}\n  return [{}];\n}}", values.join(", "));

    let labels: Vec<String> = artifact.classes.iter().map(|label| types::text(label)).collect();
    let _ = writeln!(js, "const L = [{}];", labels.join(", "));
    js += "function answer(k, p, o, cached, as_of, timestamp) {\n";
    // In a literal, `__proto__` would set the prototype.
    let key = |label: &String| if label == "\"__proto__\"" { format!("[{label}]") } else { label.clone() };
    let probability: Vec<String> =
        labels.iter().enumerate().map(|(k, label)| format!("{}: p[o + {k}]", key(label))).collect();
    let _ = write!(js, "  return {{ status: \"ok\", prediction: L[k], class_index: k, ");
    let _ = write!(js, "probability: {{ {} }}, confidence: p[o + k], ", probability.join(", "));
    if let Some(threshold) = artifact.threshold {
        let _ = write!(js, "threshold: {}, ", ryu_js::Buffer::new().format(threshold));
    }
    let [name, version, id] = [&artifact.name, &artifact.version, id].map(types::text);
    let _ = write!(js, "model: {name}, model_version: {version}, model_id: {id}, ");
    js += "as_of, timestamp, cached };\n}\n";
    js
}

/// The statement that writes one slot, up to its last `else`.
fn check(field: &Field, i: usize) -> String {
    let (v, slot) = (format!("v{i}"), format!("s[o + {i}]"));
    let number = matches!(field.kind, FieldKind::Number { .. });
    let missing = if field.required {
        String::new()
    } else {
        let or_nan = if number { format!(" || {v} !== {v}") } else { String::new() };
        format!("if ({v} === undefined || {v} === null{or_nan}) {slot} = NaN; else ")
    };
    match &field.kind {
        FieldKind::Number { min, max } => {
            let js = |bound: f64| ryu_js::Buffer::new().format(bound).to_string();
            let (min, max) = (js(min.unwrap_or(f64::MIN)), js(max.unwrap_or(f64::MAX)));
            format!("if (typeof {v} === \"number\" && {v} >= {min} && {v} <= {max}) {slot} = {v} + 0; else {missing}")
        }
        FieldKind::Category { .. } => format!("if ((n = l[{i}].get({v})) !== undefined) {slot} = n; else {missing}"),
        FieldKind::Flag => format!(
            "if ({v} === true || {v} === 1) {slot} = 1; else if ({v} === false || {v} === 0) {slot} = 0; else {missing}"
        ),
        FieldKind::Time if field.required => format!("if (n{i} < Infinity) {slot} = n{i}; else "),
        FieldKind::Time => format!("if (n{i} !== Infinity) {slot} = n{i}; else "),
    }
}
