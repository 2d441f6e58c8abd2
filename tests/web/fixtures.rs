//! Writes the fixtures of the web tests: models, and what the native engine answers to records, in bits.
//!
//! `cargo run --example web-fixtures OUT.json`. Models are made here, not trained, so that they hold every kind of field, every model
//! family and names that JavaScript treats specially.

use hedgerow::artifact::{Artifact, Witness, header::Header};
use hedgerow::data::{Format, Reader};
use hedgerow::engine::{Answer, Engine, Options};
use hedgerow::expr::Expr;
use hedgerow::math::{Matrix, bits, sigmoid};
use hedgerow::model::Model;
use hedgerow::model::forest::{Forest, Link as ForestLink, PlainNode, PlainTree, Test};
use hedgerow::model::linear::{Link, Logistic};
use hedgerow::pipeline::{Derived, Encoder, Encoders, Pipeline, Transform};
use hedgerow::profile::Profile;
use hedgerow::schema::{Extra, Field, FieldKind, RawRecord, Record, Schema, Unknown};
use hedgerow::time;
use ndarray::Array2;
use serde_json::{Map, Value, json};
use std::error::Error;
use std::fs;
use std::path::Path;

#[allow(dead_code, clippy::panic)]
#[path = "../record/cases.rs"]
mod cases;
#[path = "imports.rs"]
mod imports;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// 2026-01-02T03:04:05.678Z.
const AS_OF: f64 = 1_767_323_045.678;

fn main() -> Result<()> {
    let out = std::env::args().nth(1).ok_or("usage: web-fixtures OUT.json")?;
    let mut all = Fixtures::default();
    all.demo()?;
    all.other()?;
    all.strict()?;
    all.threshold()?;
    all.families()?;
    all.expressions()?;
    all.records()?;
    all.imports()?;
    let file = json!({
        "models": all.models, "demo": all.about["demo"], "other": all.about["other"],
        "parity": all.parity, "expressions": all.expressions, "records": all.records,
        "imports": all.imports,
    });
    fs::write(&out, serde_json::to_string(&file)?)?;
    println!("{out}: {} models, {} records, {} expressions", all.models.len(), all.answers, all.expressions.len());
    Ok(())
}

#[derive(Default)]
struct Fixtures {
    models: Map<String, Value>,
    about: Map<String, Value>,
    /// Per model: records and what the native engine answers.
    parity: Vec<Value>,
    expressions: Vec<Value>,
    records: Vec<Value>,
    /// Per imported model: records and what the original answers.
    imports: Vec<Value>,
    answers: usize,
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

    fn number(&mut self) -> f64 {
        const HARD: [f64; 12] =
            [0.0, -0.0, 1.0, -1.0, 0.1, 1e-308, -5e-324, 1e155, 1e308, -1e308, f64::MAX, f64::EPSILON];
        if self.below(8) == 0 { HARD[self.below(HARD.len())] } else { self.unit() * 8.0 - 4.0 }
    }
}

impl Fixtures {
    /// Every kind of field, derived features of the time among them.
    fn demo(&mut self) -> Result<()> {
        let number = |min, max| FieldKind::Number { min, max };
        let category =
            |levels: &[&str], unknown| FieldKind::Category { levels: levels.iter().copied().collect(), unknown };
        let schema = Schema {
            fields: vec![
                field("age", number(Some(0.0), Some(120.0)), true),
                field("income", number(None, None), false),
                field("region", category(&["APAC", "EU", "US", "Ünïcode 🌿"], Unknown::Reject), true),
                field("channel", category(&["1", "2", "web"], Unknown::Admit), false),
                field("member", FieldKind::Flag, false),
                field("start_date", FieldKind::Time, false),
                field("capital-gain", number(None, Some(99_999.0)), false),
            ],
            extra: Extra::Ignore,
        };
        let derived = derive(
            &schema,
            &[
                ("gain_ratio", "\"capital-gain\" / (income + 1e-10)"),
                ("days", "date_diff('day', start_date, now())"),
                ("season", "sin(extract(month FROM start_date) * 0.5235987755982988)"),
            ],
        )?;
        let one_hot =
            |levels: u32, unknown| Transform::OneHot { levels: (0..levels).collect(), unknown, missing: true };
        let standard = |mean, scale| Transform::Standard { mean, scale };
        let encoders = vec![
            encoder(0, None, standard(38.6, 13.6)),
            encoder(1, Some(30_000.0), Transform::MinMax { scale: 1e-5, min: 0.0, clip: None }),
            encoder(2, None, one_hot(4, false)),
            encoder(3, None, one_hot(3, true)),
            Encoder { indicator: true, ..encoder(4, Some(0.0), Transform::Pass) },
            encoder(6, Some(0.0), standard(1000.0, 7000.0)),
            encoder(7, Some(0.0), standard(0.1, 0.7)),
            encoder(8, Some(100.0), standard(400.0, 300.0)),
            encoder(9, Some(0.0), Transform::Pass),
        ];
        let pipeline = Pipeline { derived, encoders: Encoders(encoders) };
        let classes = ["high", "low", "mid"];
        let mut random = Random(7);
        let n = pipeline.encoders.n_columns();
        let coef: Vec<f64> = (0..3 * n).map(|_| random.unit() * 2.0 - 1.0).collect();
        let model = Model::Logistic(Logistic {
            coef: Matrix { rows: 3, cols: n, data: coef },
            intercept: vec![0.1, -0.2, 0.05],
            link: Link::Softmax,
        });
        let text = |s: &str| Some(s.to_string());
        let witness = vec![text("39"), text("52000"), text("EU"), text("web"), text("true"), text("2025-03-01"), None];
        let artifact = self.add("demo", "1.2.3", &classes, schema, pipeline, model, vec![witness])?;

        let record = json!({ "age": 39, "income": 52000.5, "region": "EU", "channel": "web", "member": true,
            "start_date": "2025-03-01", "capital-gain": 2174 });
        let bad = json!({ "age": 200, "income": "12", "region": "Mars", "member": "yes", "start_date": "soon", "capital-gain": [1] });
        let refused: Vec<Value> = match answer_to(&mut engine(&artifact)?, &bad)? {
            Value::Object(o) => o["violations"].as_array().ok_or("violations")?.clone(),
            _ => return Err("the bad record was accepted".into()),
        };
        let refused: Vec<Value> = refused.iter().map(|v| json!([v["field"], v["code"]])).collect();
        let fields: Vec<Value> = artifact.schema.fields.iter().map(|f| json!([f.name, kind(f), f.required])).collect();
        let about = json!({ "name": artifact.name, "version": artifact.version, "classes": classes, "record": record,
            "bad": { "record": bad, "violations": refused }, "fields": fields,
            "derived": ["gain_ratio", "days", "season"] });
        self.about.insert("demo".into(), about);

        // The same file with one bit of a witness's answer changed, and sealed again.
        let mut forged = artifact.clone();
        forged.witnesses[0].probability[1] ^= 1;
        self.keep("forged_witness", &forged)?;

        let mut cases = Vec::new();
        for k in 0..400 {
            cases.push(odd_record(&mut random, &artifact.schema, k % 4 != 0));
        }
        self.parity("demo", &artifact, "odd and sound records", cases)?;
        self.raw_parity("demo", &artifact, &mut random)
    }

    /// Names that JavaScript treats specially, as fields and as labels.
    fn other(&mut self) -> Result<()> {
        let names = ["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", " spaced \"name\" ", "0"];
        let fields = names.iter().map(|name| field(name, FieldKind::Number { min: None, max: None }, true));
        let schema = Schema { fields: fields.collect(), extra: Extra::Ignore };
        let encoders = (0..names.len()).map(|k| encoder(k as u32, None, Transform::Pass)).collect();
        let model = Model::Logistic(Logistic {
            coef: Matrix { rows: 3, cols: 7, data: (0..21).map(|k| f64::from(k % 5) / 3.0 - 0.6).collect() },
            intercept: vec![0.0, 0.5, -0.5],
            link: Link::OneVsRest,
        });
        let pipeline = Pipeline { derived: Vec::new(), encoders: Encoders(encoders) };
        let artifact = self.add(
            "other",
            "0.9.0-beta.1",
            &["__proto__", "constructor", "then"],
            schema,
            pipeline,
            model,
            Vec::new(),
        )?;
        let record: Map<String, Value> =
            names.iter().enumerate().map(|(k, name)| (name.to_string(), json!(k))).collect();
        self.about.insert("other".into(), json!({ "names": names, "record": record }));
        let mut random = Random(8);
        let mut cases = vec![json!({}), json!({ "constructor": "1" }), Value::Object(record)];
        for _ in 0..40 {
            let some =
                |random: &mut Random| names.iter().map(|name| (name.to_string(), json!(random.number()))).collect();
            cases.push(Value::Object(some(&mut random)));
        }
        self.parity("other", &artifact, "records with special names", cases)
    }

    /// Names that are no field are refused.
    fn strict(&mut self) -> Result<()> {
        let kind = || FieldKind::Number { min: None, max: None };
        let schema =
            Schema { fields: vec![field("age", kind(), true), field("size", kind(), false)], extra: Extra::Reject };
        let encoders = vec![encoder(0, None, Transform::Pass), encoder(1, Some(1.0), Transform::Pass)];
        let model = Model::Logistic(Logistic {
            coef: Matrix { rows: 1, cols: 2, data: vec![0.25, -0.5] },
            intercept: vec![0.1],
            link: Link::Sigmoid,
        });
        let pipeline = Pipeline { derived: Vec::new(), encoders: Encoders(encoders) };
        let artifact = self.add("strict", "1.0.0", &["no", "yes"], schema, pipeline, model, Vec::new())?;
        let cases = vec![
            json!({ "age": 1 }),
            json!({ "age": 1, "size": null }),
            json!({ "age": 1, "weight": 2, "sise": 3 }),
            json!({ "aeg": 1 }),
            json!({ "age": "1", "__proto__": 5, "constructor": 6 }),
        ];
        self.parity("strict", &artifact, "names that are no field", cases)
    }

    /// A class is predicted from a probability on that is not one half.
    fn threshold(&mut self) -> Result<()> {
        let kind = || FieldKind::Number { min: None, max: None };
        let schema =
            Schema { fields: vec![field("age", kind(), true), field("size", kind(), false)], extra: Extra::Ignore };
        let encoders = vec![encoder(0, None, Transform::Pass), encoder(1, Some(1.0), Transform::Pass)];
        let model = Model::Logistic(Logistic {
            coef: Matrix { rows: 1, cols: 2, data: vec![0.25, -0.5] },
            intercept: vec![0.0],
            link: Link::Sigmoid,
        });
        let pipeline = Pipeline { derived: Vec::new(), encoders: Encoders(encoders) };
        let mut artifact = self.add("threshold", "1.0.0", &["no", "yes"], schema, pipeline, model, Vec::new())?;
        // Exactly what { age: -3, size: 1.5 } gets.
        artifact.threshold = Some(sigmoid(-1.5));
        self.keep("threshold", &artifact)?;
        let mut random = Random(9);
        let mut cases = vec![json!({ "age": -3, "size": 1.5 }), json!({ "age": -3.000_000_1, "size": 1.5 })];
        for _ in 0..300 {
            cases.push(json!({ "age": random.number(), "size": random.number() }));
        }
        self.parity("threshold", &artifact, "two classes with a threshold", cases)
    }

    /// One model of each kind and link, over records of plain and extreme numbers.
    fn families(&mut self) -> Result<()> {
        for (k, (name, model)) in Model::examples().into_iter().enumerate() {
            let required = !model.accepts_missing();
            let n = model.n_features();
            let fields = (0..n).map(|i| field(&format!("f{i}"), FieldKind::Number { min: None, max: None }, required));
            let schema = Schema { fields: fields.collect(), extra: Extra::Ignore };
            let encoders = (0..n).map(|i| encoder(i as u32, None, Transform::Pass)).collect();
            let pipeline = Pipeline { derived: Vec::new(), encoders: Encoders(encoders) };
            let classes: Vec<String> = (0..model.n_classes()).map(|c| format!("class {c}")).collect();
            let classes: Vec<&str> = classes.iter().map(String::as_str).collect();
            let key = format!("family_{k}");
            let artifact = self.add(&key, "1.0.0", &classes, schema, pipeline, model, Vec::new())?;
            let mut random = Random(100 + k as u64);
            let mut cases = Vec::new();
            for _ in 0..200 {
                let mut record = Map::new();
                for i in 0..n {
                    let value = if !required && random.below(6) == 0 { Value::Null } else { json!(random.number()) };
                    record.insert(format!("f{i}"), value);
                }
                cases.push(Value::Object(record));
            }
            self.parity(&key, &artifact, name, cases)?;
        }
        Ok(())
    }

    /// `tests/expr/*.txt` as derived features whose bits are held by witnesses: a host that evaluates differently does not
    /// load them. At most 64 rows a model.
    fn expressions(&mut self) -> Result<()> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expr");
        let mut files: Vec<_> =
            fs::read_dir(&folder).map(|d| d.flatten().map(|e| e.path()).collect()).unwrap_or_default();
        files.retain(|p: &std::path::PathBuf| p.extension().is_some_and(|e| e == "txt") && !p.ends_with("errors.txt"));
        files.sort();
        for file in files {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let text = fs::read_to_string(&file)?;
            let mut schema = Schema::default();
            let mut as_of = 0.0;
            let (mut expressions, mut rows): (Vec<String>, Vec<String>) = Default::default();
            for line in text.lines().filter(|l| !l.is_empty() && !l.starts_with('#')) {
                if let Some(at) = line.strip_prefix(": as_of ") {
                    as_of = time::parse_iso(at.trim()).ok_or("as_of")?;
                } else if let Some(declaration) = line.strip_prefix(':') {
                    schema.fields.push(declared(declaration.trim())?);
                } else {
                    let parts: Vec<&str> = line.split(" | ").collect();
                    let [expression, row, _] = parts[..] else { return Err(format!("{stem}: {line}").into()) };
                    expressions.push(expression.into());
                    if !rows.iter().any(|r| r == row.trim()) {
                        rows.push(row.trim().into());
                    }
                }
            }
            expressions.dedup();
            let cases: Vec<(String, String)> =
                expressions.iter().enumerate().map(|(k, e)| (format!("case {k}"), e.clone())).collect();
            let cases: Vec<(&str, &str)> = cases.iter().map(|(n, e)| (n.as_str(), e.as_str())).collect();
            let derived = derive(&schema, &cases)?;
            let n = schema.fields.len();
            let encoders = (0..derived.len()).map(|k| encoder((n + k) as u32, None, Transform::Pass)).collect();
            let pipeline = Pipeline { derived, encoders: Encoders(encoders) };
            for (part, rows) in rows.chunks(64).enumerate() {
                let model = stump(cases.len())?;
                let witnesses: Vec<_> = rows.iter().map(|row| cells(&schema, row)).collect::<Result<_>>()?;
                let key = format!("expr_{stem}_{part}");
                let count = rows.len();
                let artifact =
                    self.add_at(&key, &["no", "yes"], schema.clone(), pipeline.clone(), model, witnesses, as_of)?;
                // Forged: another bit in the last feature of the last row.
                let mut forged = artifact.clone();
                let x = forged.witnesses.last_mut().and_then(|w| w.x.last_mut()).ok_or("a witness")?;
                *x ^= 1;
                self.keep(&format!("{key}_forged"), &forged)?;
                self.expressions.push(json!({ "model": key, "expressions": cases.len(), "rows": count }));
            }
        }
        Ok(())
    }

    #[allow(clippy::too_many_arguments)]
    fn add(
        &mut self,
        key: &str,
        version: &str,
        classes: &[&str],
        schema: Schema,
        pipeline: Pipeline,
        model: Model,
        witnesses: Vec<Vec<Option<String>>>,
    ) -> Result<Artifact> {
        let mut artifact = self.add_at(key, classes, schema, pipeline, model, witnesses, AS_OF)?;
        artifact.version = version.into();
        self.keep(key, &artifact)?;
        Ok(artifact)
    }

    #[allow(clippy::too_many_arguments)]
    fn add_at(
        &mut self,
        key: &str,
        classes: &[&str],
        schema: Schema,
        pipeline: Pipeline,
        model: Model,
        witnesses: Vec<Vec<Option<String>>>,
        as_of: f64,
    ) -> Result<Artifact> {
        let slots = Array2::zeros((0, pipeline.n_slots(&schema)));
        let profile = Profile::of(&schema, &pipeline, slots.view(), Array2::zeros((0, classes.len())).view());
        let classes = classes.iter().map(|c| c.to_string()).collect();
        let name = key.to_string();
        let version = "1.0.0".into();
        let mut artifact = Artifact {
            name,
            version,
            classes,
            schema,
            pipeline,
            model,
            threshold: None,
            profile,
            witnesses: Vec::new(),
        };
        artifact.witnesses = witnesses
            .into_iter()
            .map(|w| Witness::record(&artifact, w, as_of))
            .collect::<std::result::Result<_, _>>()?;
        self.keep(key, &artifact)?;
        Ok(artifact)
    }

    fn keep(&mut self, key: &str, artifact: &Artifact) -> Result<()> {
        let file = artifact.write(&Header::of(artifact).to_bytes()?)?;
        self.models.insert(key.into(), base64(&file).into());
        Ok(())
    }

    /// What the native engine answers to JSON records, through the reader of the command line.
    fn parity(&mut self, key: &str, artifact: &Artifact, what: &str, records: Vec<Value>) -> Result<()> {
        let mut engine = engine(artifact)?;
        let answers: Vec<Value> = records.iter().map(|r| answer_to(&mut engine, r)).collect::<Result<_>>()?;
        self.answers += answers.len();
        self.parity.push(json!({ "model": key, "what": what, "raw": false, "as_of": AS_OF * 1000.0, "records": records, "answers": answers }));
        Ok(())
    }

    /// The same for texts without types, as in a CSV file.
    fn raw_parity(&mut self, key: &str, artifact: &Artifact, random: &mut Random) -> Result<()> {
        const TEXTS: [&str; 24] = [
            "",
            " ",
            "1",
            " 2 ",
            "-0",
            "1e3",
            "0x10",
            "nan",
            "inf",
            "abc",
            "EU",
            " EU ",
            "eu",
            "web",
            "true",
            "False",
            "yes",
            "N",
            "2025-03-01",
            "2025-03-01T10:00:00+02:00",
            "1767323045678",
            "12,5",
            "\u{1F33F}",
            "Ünïcode 🌿",
        ];
        let mut engine = engine(artifact)?;
        let (mut records, mut answers) = (Vec::new(), Vec::new());
        for _ in 0..300 {
            let sound = ["39", "52000", "EU", "web", "true", "2025-03-01", "10"];
            let cells: Vec<Option<String>> = artifact
                .schema
                .fields
                .iter()
                .enumerate()
                .map(|(i, _)| match random.below(3) {
                    0 => Some(TEXTS[random.below(TEXTS.len())].to_string()),
                    _ => Some(sound[i].to_string()),
                })
                .collect();
            let named = artifact.schema.fields.iter().zip(&cells).map(|(f, c)| (f.name.clone(), json!(c)));
            records.push(Value::Object(named.collect()));
            answers.push(answer_of(&mut engine, &RawRecord(&cells))?);
        }
        self.answers += answers.len();
        self.parity.push(json!({ "model": key, "what": "texts without types", "raw": true, "as_of": AS_OF * 1000.0, "records": records, "answers": answers }));
        Ok(())
    }

    /// `tests/record/*.json`: a model for each schema, and the cases as they are.
    fn records(&mut self) -> Result<()> {
        let mut files: Vec<_> = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/record"))?
            .flatten()
            .map(|e| e.path())
            .collect();
        files.retain(|p| p.extension().is_some_and(|e| e == "json"));
        files.sort();
        for file in files {
            let stem = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            let mut json: Value = serde_json::from_str(&fs::read_to_string(&file)?)?;
            let schema = cases::schema(&json["schema"]);
            let n = schema.fields.len();
            let encoders = (0..n).map(|i| encoder(i as u32, None, Transform::Pass)).collect();
            let pipeline = Pipeline { derived: Vec::new(), encoders: Encoders(encoders) };
            let key = format!("record_{stem}");
            self.add(&key, "1.0.0", &["no", "yes"], schema, pipeline, stump(n)?, Vec::new())?;
            self.records.push(json!({ "model": key, "cases": json["cases"].take() }));
        }
        Ok(())
    }
}

/// A record of `schema` with values of every JSON type; a sound one has only what the field takes.
fn odd_record(random: &mut Random, schema: &Schema, sound: bool) -> Value {
    let mut record = Map::new();
    for field in &schema.fields {
        let good = match &field.kind {
            FieldKind::Number { min, max } => match (min, max) {
                (None, None) => json!(random.number()),
                _ => json!(random.unit() * 100.0),
            },
            FieldKind::Category { levels, .. } => json!(levels[random.below(levels.len())]),
            FieldKind::Flag => json!(random.below(2) == 0),
            FieldKind::Time => json!(time::format_iso(AS_OF - random.unit() * 1e8)),
        };
        let odd = match random.below(16) {
            0 => json!(null),
            1 => json!(random.number()),
            2 => json!(1),
            3 => json!(true),
            4 => json!(""),
            5 => json!("EU"),
            6 => json!("eu "),
            7 => json!([1, 2]),
            8 => json!({ "a": 1 }),
            9 => json!("2025-02-29"),
            10 => json!("2025-02-28 12:00"),
            11 => json!("\u{202e}\u{0}\"quoted\" 🌿"),
            12 => json!(-1e300),
            13 => json!(1_700_000_000_000i64),
            14 => json!("x".repeat(3000)),
            _ => continue,
        };
        let value = if !sound && random.below(2) == 0 { odd } else { good };
        if !(sound && !field.required && random.below(5) == 0) {
            record.insert(field.name.clone(), value);
        }
    }
    if !sound && random.below(4) == 0 {
        record.insert("regoin".into(), json!(1));
    }
    Value::Object(record)
}

fn engine(artifact: &Artifact) -> Result<Engine> {
    let file = artifact.write(&Header::of(artifact).to_bytes()?)?;
    Ok(Engine::load(&file, Options { cache_entries: 0, ..Options::default() })?)
}

fn answer_to(engine: &mut Engine, record: &Value) -> Result<Value> {
    let text = serde_json::to_string(record)?;
    let mut lines = Reader::new(std::io::Cursor::new(text), Some(Format::JsonLines))?;
    let line = lines.next().ok_or("a record")??;
    answer_of(engine, &line)
}

fn answer_of(engine: &mut Engine, record: &dyn Record) -> Result<Value> {
    Ok(match engine.predict(record, Some(AS_OF), AS_OF)? {
        Answer::Prediction(p) => {
            let probability: Vec<String> = p.probability.iter().map(|v| format!("{:016x}", bits(*v))).collect();
            json!({ "class_index": p.class_index, "probability": probability })
        }
        Answer::Rejected(violations) => json!({ "violations": violations }),
    })
}

fn field(name: &str, kind: FieldKind, required: bool) -> Field {
    Field { name: name.into(), kind, required }
}

fn kind(field: &Field) -> &'static str {
    match field.kind {
        FieldKind::Number { .. } => "number",
        FieldKind::Category { .. } => "category",
        FieldKind::Flag => "flag",
        FieldKind::Time => "time",
    }
}

fn encoder(slot: u32, impute: Option<f64>, transform: Transform) -> Encoder {
    Encoder { slot, impute, transform, indicator: false }
}

fn derive(schema: &Schema, features: &[(&str, &str)]) -> Result<Vec<Derived>> {
    let mut derived: Vec<Derived> = Vec::new();
    for (name, text) in features {
        let earlier: Vec<_> = derived.iter().map(|d| (d.name.clone(), d.expr.ty)).collect();
        let expr = Expr::parse(text, schema, &earlier).map_err(|e| format!("{text}: {e}"))?;
        derived.push(Derived { name: name.to_string(), text: text.to_string(), expr });
    }
    Ok(derived)
}

/// A forest that reads `n` columns, missing or not.
fn stump(n: usize) -> Result<Model> {
    let nodes = vec![
        PlainNode::Split { feature: n - 1, test: Test::AtMost(0.5), default_left: true, left: 1, right: 2 },
        PlainNode::Leaf(vec![0.25, 0.75]),
        PlainNode::Leaf(vec![0.5, 0.5]),
    ];
    let tree = PlainTree { nodes, output: 0 };
    Ok(Model::Forest(Forest::new(n, 2, ForestLink::Average, Vec::new(), &[tree])?))
}

/// `NAME KIND [LEVEL,…]`, as told at the head of tests/expr/arithmetic.txt.
fn declared(line: &str) -> Result<Field> {
    if let Some((name, levels)) = line.split_once(" category ") {
        let kind = FieldKind::Category { levels: levels.split(',').collect(), unknown: Unknown::Admit };
        return Ok(field(name, kind, false));
    }
    let (name, kind) = line.rsplit_once(' ').ok_or("a name and a kind")?;
    let kind = match kind {
        "number" => FieldKind::Number { min: None, max: None },
        "flag" => FieldKind::Flag,
        "time" => FieldKind::Time,
        other => return Err(format!("there is no kind {other}").into()),
    };
    Ok(field(name, kind, false))
}

/// `name=text, name=text`, or `-`.
fn cells(schema: &Schema, row: &str) -> Result<Vec<Option<String>>> {
    let mut cells = vec![None; schema.fields.len()];
    for cell in row.split(", ").filter(|c| *c != "-") {
        let (name, value) = cell.split_once('=').ok_or("name=text")?;
        cells[schema.slot(name).ok_or_else(|| format!("no field {name}"))?] = Some(value.to_string());
    }
    Ok(cells)
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let n = chunk.iter().fold(0u32, |n, b| n << 8 | u32::from(*b)) << (8 * (3 - chunk.len()));
        for k in 0..4 {
            let digit = DIGITS[(n >> (18 - 6 * k)) as usize & 63] as char;
            out.push(if k <= chunk.len() { digit } else { '=' });
        }
    }
    out
}
