//! Writes models, records and our answers for `check.py`, which asks the same of their exports.
//!
//! `cargo run --example export-fixtures -- DIR`: per case `NAME.hedge`, and `NAME.json` with the records by column (`null`: missing;
//! times in epoch milliseconds), `as_of`, the derived features' values and the probabilities.

use hedgerow::artifact::{Artifact, header::Header};
use hedgerow::expr::Expr;
use hedgerow::model::Model;
use hedgerow::model::forest::{Forest, Link, PlainNode, PlainTree, Test};
use hedgerow::pipeline::{Derived, Encoder, Encoders, Pipeline, Transform};
use hedgerow::profile::Profile;
use hedgerow::schema::{Extra, Field, FieldKind, RawRecord, Schema, Unknown};
use hedgerow::time;
use ndarray::Array2;
use serde_json::{Map, Value, json};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

#[allow(dead_code, clippy::panic, clippy::unwrap_used, clippy::expect_used)]
#[path = "../conformance/golden.rs"]
mod golden;
#[path = "../sample/mod.rs"]
mod sample;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// 2026-01-02T03:04:05.678Z.
const AS_OF: f64 = 1_767_323_045.678;

fn main() -> Result<()> {
    let out = PathBuf::from(std::env::args().nth(1).ok_or("usage: export-fixtures DIR")?);
    fs::create_dir_all(&out)?;
    let mut all = Fixtures { out, cases: 0, rows: 0 };
    all.families()?;
    all.forests()?;
    all.conformance()?;
    all.everything()?;
    all.expressions()?;
    println!("{} cases, {} records", all.cases, all.rows);
    Ok(())
}

struct Fixtures {
    out: PathBuf,
    cases: usize,
    rows: usize,
}

/// Numbers that a seed repeats (Knuth's MMIX).
struct Random(u64);

impl Random {
    fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) % n as u64) as usize
    }

    fn unit(&mut self) -> f64 {
        self.below(1 << 30) as f64 / f64::from(1 << 30)
    }
}

impl Fixtures {
    /// Our answers to records of slots, in the order of the fields.
    fn case(&mut self, name: &str, artifact: &Artifact, rows: &[Vec<f64>], as_of: f64) -> Result<()> {
        artifact.check()?;
        let stem = name.replace(|c: char| !c.is_ascii_alphanumeric(), "_");
        fs::write(self.out.join(format!("{stem}.hedge")), artifact.write(&Header::of(artifact).to_bytes()?)?)?;
        let (n, mut work) = (artifact.schema.fields.len(), artifact.work());
        let mut columns: Vec<Vec<Value>> = vec![Vec::new(); n];
        let mut derived: Vec<Vec<Value>> = vec![Vec::new(); artifact.pipeline.derived.len()];
        let mut probability = Vec::new();
        for row in rows {
            work.slots[..n].copy_from_slice(row);
            artifact.pipeline.derive(&mut work.slots, as_of);
            artifact.predict(&mut work);
            for ((column, field), v) in columns.iter_mut().zip(&artifact.schema.fields).zip(row) {
                column.push(match &field.kind {
                    _ if v.is_nan() => Value::Null,
                    FieldKind::Category { levels, .. } => {
                        json!(levels.get(*v as usize).map_or("no level at all", String::as_str))
                    }
                    FieldKind::Time => json!(time::to_millis(*v)),
                    FieldKind::Number { .. } | FieldKind::Flag => json!(v),
                });
            }
            derived.iter_mut().zip(&work.slots[n..]).for_each(|(column, v)| column.push(json!(v)));
            probability.push(json!(work.probability));
        }
        let named = |names: Vec<&str>, columns: Vec<Vec<Value>>| -> Map<String, Value> {
            names.into_iter().zip(columns).map(|(name, column)| (name.to_owned(), column.into())).collect()
        };
        let fields = artifact.schema.fields.iter().map(|f| f.name.as_str()).collect();
        let features = artifact.pipeline.derived.iter().map(|d| d.name.as_str()).collect();
        let text = artifact.pipeline.derived.iter().map(|d| d.text.as_str()).collect::<Vec<_>>();
        let case = json!({
            "name": name, "as_of": as_of * 1000.0, "classes": artifact.classes, "columns": named(fields, columns),
            "derived": named(features, derived), "expressions": text, "probability": probability,
        });
        fs::write(self.out.join(format!("{stem}.json")), serde_json::to_string(&case)?)?;
        self.cases += 1;
        self.rows += rows.len();
        Ok(())
    }

    /// A model over numbers as they are.
    fn plain(&mut self, name: &str, model: Model, rows: &[Vec<f64>]) -> Result<()> {
        let n = model.n_features();
        let required = !model.accepts_missing();
        let number = |i| Field { name: format!("f{i}"), kind: FieldKind::Number { min: None, max: None }, required };
        let schema = Schema { fields: (0..n).map(number).collect(), extra: Extra::Ignore };
        let pass = |i| Encoder { slot: i, impute: None, transform: Transform::Pass, indicator: false };
        let pipeline = Pipeline { derived: Vec::new(), encoders: Encoders((0..n as u32).map(pass).collect()) };
        self.case(name, &artifact(name, schema, pipeline, model), rows, AS_OF)
    }

    /// One small model of each kind and link.
    fn families(&mut self) -> Result<()> {
        for (k, (name, model)) in Model::examples().into_iter().enumerate() {
            let (n, gaps) = (model.n_features(), model.accepts_missing());
            let mut random = Random(100 + k as u64);
            let mut value = || match random.below(6) {
                0 if gaps => f64::NAN,
                1 => random.below(7) as f64 - 1.0,
                _ => random.unit() * 8.0 - 4.0,
            };
            let rows: Vec<Vec<f64>> = (0..300).map(|_| (0..n).map(|_| value()).collect()).collect();
            self.plain(&format!("family {name}"), model, &rows)?;
        }
        Ok(())
    }

    /// Random trees of thresholds and sets, over whole numbers, fractions of them, and missing values.
    fn forests(&mut self) -> Result<()> {
        for (seed, (link, classes)) in [
            (Link::Average, 2),
            (Link::Average, 4),
            (Link::Sigmoid, 2),
            (Link::Softmax, 3),
            (Link::OneVsRest, 3),
            (Link::Identity, 2),
        ]
        .into_iter()
        .cycle()
        .take(24)
        .enumerate()
        {
            let mut random = Random(seed as u64);
            let n = 2 + random.below(5);
            let outputs = if matches!(link, Link::Softmax | Link::OneVsRest) { classes } else { 1 };
            let most = [12, 70, 400][seed % 3];
            let trees: Vec<PlainTree> =
                (0..5 + random.below(20)).map(|t| tree(&mut random, n, link, classes, t % outputs, most)).collect();
            let base = if link == Link::Average { Vec::new() } else { vec![0.125; outputs] };
            let cuts: Vec<f64> = trees
                .iter()
                .flat_map(|t| &t.nodes)
                .filter_map(|node| match node {
                    PlainNode::Split { test: Test::AtMost(v), .. } => Some(*v),
                    _ => None,
                })
                .collect();
            let mut value = || match random.below(8) {
                0 => f64::NAN,
                1 | 2 => random.below(most + 3) as f64,
                3 => random.unit() * (most as f64 + 3.0) - 2.0,
                4 if !cuts.is_empty() => cuts[random.below(cuts.len())],
                5 if !cuts.is_empty() => cuts[random.below(cuts.len())].next_up(),
                6 if !cuts.is_empty() => cuts[random.below(cuts.len())].next_down(),
                _ => random.unit() * 8.0 - 4.0,
            };
            let rows: Vec<Vec<f64>> = (0..400).map(|_| (0..n).map(|_| value()).collect()).collect();
            let forest = Forest::new(n, classes, link, base, &trees)?;
            self.plain(&format!("forest {seed} {link:?}"), Model::Forest(forest), &rows)?;
        }
        Ok(())
    }

    /// The fitted scikit-learn estimators of tests/conformance.
    fn conformance(&mut self) -> Result<()> {
        for file in ["forest", "boosting", "linear", "svm", "mlp", "naive_bayes", "stacking", "voting", "calibration"] {
            for case in golden::read(file) {
                if let golden::Fitted::Model { model, .. } = case.fitted {
                    self.plain(&case.name, model, &case.rows)?;
                }
            }
        }
        Ok(())
    }

    /// Each kind of field, encoder and node of the feature language, and all models at once.
    fn everything(&mut self) -> Result<()> {
        for classes in [2, 3] {
            let artifact = sample::everything(classes);
            let mut work = artifact.work();
            let n = artifact.schema.fields.len();
            let (mut rows, mut random) = (Vec::new(), Random(7));
            for (record, as_of) in sample::records(600) {
                if artifact.slots(&RawRecord(&record), as_of, &mut work).is_ok() {
                    // Off the grid: there a member that hands on its class has ties, which the last digit decides.
                    let off = |(field, v): (&Field, &f64)| match field.kind {
                        FieldKind::Number { .. } => v + random.unit() * 1e-3,
                        _ => *v,
                    };
                    rows.push(artifact.schema.fields.iter().zip(&work.slots[..n]).map(off).collect());
                }
            }
            self.case(&format!("everything {classes}"), &artifact, &rows, AS_OF)?;
        }
        Ok(())
    }

    /// `tests/expr/*.txt`, a model for each expression.
    fn expressions(&mut self) -> Result<()> {
        for stem in ["arithmetic", "case", "functions", "logic", "names", "time"] {
            let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/expr/{stem}.txt"));
            let text = fs::read_to_string(path)?;
            // Something to give a constant its rows.
            let mut schema = Schema { fields: vec![number("row")], extra: Extra::Ignore };
            let (mut as_of, mut derived, mut rows): (f64, Vec<Derived>, Vec<Vec<f64>>) =
                (AS_OF, Vec::new(), Vec::new());
            for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
                if let Some(at) = line.strip_prefix(": as_of ") {
                    as_of = time::parse_iso(at.trim()).ok_or("as_of")?;
                } else if let Some(declaration) = line.strip_prefix(':') {
                    schema.fields.push(declared(declaration.trim())?);
                } else if let [expression, row, _] = line.split(" | ").collect::<Vec<_>>()[..] {
                    let mut cells = vec![f64::NAN; schema.fields.len()];
                    for cell in row.trim().split(", ").filter(|c| *c != "-") {
                        let (name, value) = cell.split_once('=').ok_or("name=text")?;
                        let slot = schema.slot(name).ok_or_else(|| format!("no field {name}"))?;
                        let mut texts = vec![None; schema.fields.len()];
                        texts[slot] = Some(value.to_string());
                        let mut slots = vec![0.0; schema.fields.len()];
                        schema.row(&RawRecord(&texts), &mut slots).map_err(|v| format!("{line}: {v:?}"))?;
                        cells[slot] = slots[slot];
                    }
                    rows.push(cells);
                    if derived.last().is_none_or(|d| d.text != expression) {
                        let expr = Expr::parse(expression, &schema, &[]).map_err(|e| format!("{expression}: {e}"))?;
                        derived.push(Derived {
                            name: format!("case {}", derived.len()),
                            text: expression.into(),
                            expr,
                        });
                    }
                }
            }
            // Every expression over every row of its file.
            let n = schema.fields.len();
            rows.sort_by_key(|row| row.iter().map(|v| v.to_bits()).collect::<Vec<_>>());
            rows.dedup_by_key(|row| row.iter().map(|v| v.to_bits()).collect::<Vec<_>>());
            let encoders = (0..derived.len()).map(|k| Encoder {
                slot: (n + k) as u32,
                impute: None,
                transform: Transform::Pass,
                indicator: false,
            });
            let nodes = vec![
                PlainNode::Split { feature: 0, test: Test::AtMost(0.5), default_left: true, left: 1, right: 2 },
                PlainNode::Leaf(vec![0.25, 0.75]),
                PlainNode::Leaf(vec![0.5, 0.5]),
            ];
            let forest = Forest::new(derived.len(), 2, Link::Average, Vec::new(), &[PlainTree { nodes, output: 0 }])?;
            let pipeline = Pipeline { encoders: Encoders(encoders.collect()), derived };
            self.case(
                &format!("expressions {stem}"),
                &artifact(stem, schema, pipeline, Model::Forest(forest)),
                &rows,
                as_of,
            )?;
        }
        Ok(())
    }
}

fn artifact(name: &str, schema: Schema, pipeline: Pipeline, model: Model) -> Artifact {
    let classes = model.n_classes();
    let slots = Array2::zeros((0, pipeline.n_slots(&schema)));
    let profile = Profile::of(&schema, &pipeline, slots.view(), Array2::zeros((0, classes)).view());
    let name = name.to_lowercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_");
    Artifact {
        name,
        version: "1.0.0".into(),
        classes: (0..classes).map(|c| format!("class {c}")).collect(),
        schema,
        pipeline,
        model,
        threshold: None,
        profile,
        witnesses: Vec::new(),
    }
}

fn tree(random: &mut Random, n: usize, link: Link, classes: usize, output: usize, most: usize) -> PlainTree {
    let leaf = |random: &mut Random| {
        let width = if link == Link::Average { classes } else { 1 };
        let counts: Vec<f64> = (0..width).map(|_| random.below(9) as f64 + 1.0).collect();
        let total: f64 = counts.iter().sum();
        let scale = if link == Link::Average { 1.0 / total } else { 0.01 };
        PlainNode::Leaf(counts.iter().map(|c| c * scale).collect())
    };
    let mut nodes = vec![leaf(random)];
    let mut open = vec![0];
    for _ in 0..random.below(30) {
        let at = open.swap_remove(random.below(open.len()));
        let test = match random.below(2) {
            0 => Test::In((0..random.below(12)).map(|_| random.below(most) as u32).collect()),
            _ => Test::AtMost(random.unit() * 6.0 - 3.0),
        };
        let (left, right) = (nodes.len(), nodes.len() + 1);
        let default_left = random.below(2) == 0;
        nodes[at] = PlainNode::Split { feature: random.below(n), test, default_left, left, right };
        let (a, b) = (leaf(random), leaf(random));
        nodes.extend([a, b]);
        open.extend([left, right]);
    }
    PlainTree { nodes, output }
}

fn number(name: &str) -> Field {
    Field { name: name.into(), kind: FieldKind::Number { min: None, max: None }, required: false }
}

/// `NAME KIND [LEVEL,…]`, as told at the head of tests/expr/arithmetic.txt.
fn declared(line: &str) -> Result<Field> {
    if let Some((name, levels)) = line.split_once(" category ") {
        let kind = FieldKind::Category { levels: levels.split(',').collect(), unknown: Unknown::Admit };
        return Ok(Field { name: name.into(), kind, required: false });
    }
    let (name, kind) = line.rsplit_once(' ').ok_or("a name and a kind")?;
    let kind = match kind {
        "number" => FieldKind::Number { min: None, max: None },
        "flag" => FieldKind::Flag,
        "time" => FieldKind::Time,
        other => return Err(format!("there is no kind {other}").into()),
    };
    Ok(Field { name: name.into(), kind, required: false })
}
