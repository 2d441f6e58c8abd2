//! What every input must leave true, whoever made it. A body panics where a promise is broken.

use hedgerow::artifact::{Artifact, container};
use hedgerow::data::{Format, Reader};
use hedgerow::engine::{Answer, Engine, Options};
use hedgerow::expr::{Expr, Type};
use hedgerow::import::{Format as ModelFormat, Options as ImportOptions};
use hedgerow::schema::{FieldKind, Unknown};
use hedgerow::{time, wire};
use std::cell::RefCell;
use std::io::Cursor;

/// An artifact with every kind of field.
const GOLDEN: &[u8] = include_bytes!("../tests/golden/format-1.hedge");

thread_local! {
    static ENGINE: RefCell<Engine> =
        RefCell::new(Engine::load(GOLDEN, Options::default()).expect("the golden file loads"));
}

/// Door 2: `data` as a file, as a body in a sound container, and (where it is a file) as a file whose body is sealed again. Each is
/// refused, or answers with probabilities. How many were read.
pub fn artifact(data: &[u8]) -> usize {
    let around = |body: &[u8]| container::seal(b"{}", body).expect("inputs are small");
    let files = [data.to_vec(), around(data), around(data.get(56..).unwrap_or_default())];
    files.into_iter().filter(|file| answers(file)).count()
}

fn answers(file: &[u8]) -> bool {
    let Ok(artifact) = Artifact::read(file) else { return false };
    let written = artifact.write(b"{}").expect("what was read can be written");
    let again = Artifact::read(&written).expect("what was written can be read");
    assert!(wire::encode(&again).ok() == wire::encode(&artifact).ok());
    // A witness may tell of another answer; asking is what must not fail.
    let _ = artifact.replay();
    let mut work = artifact.work();
    let n_fields = artifact.schema.fields.len();
    for fill in [f64::NAN, 0.0, 1.0, 1e308, -1e308] {
        work.slots[..n_fields].fill(fill);
        artifact.pipeline.derive(&mut work.slots, 1e9);
        assert!(work.slots[n_fields..].iter().all(|v| v.is_finite() || v.is_nan()));
        artifact.predict(&mut work);
        assert_probabilities(&work.probability);
    }
    true
}

/// `data` as another library's model file of this format. It is refused in words that are fit to print, or becomes an artifact that is
/// written, read and asked as any other. How many were taken.
pub fn import(format: ModelFormat, data: &[u8]) -> usize {
    let fit = |text: &str| assert!(is_fit_to_print(text), "{text:?}");
    if let Err(e) = ModelFormat::of(data) {
        fit(&e.to_string());
    }
    let options = ImportOptions { format: Some(format), ..ImportOptions::default() };
    let imported = match hedgerow::import::import(data, &options) {
        Ok(imported) => imported,
        Err(e) => {
            fit(&e.to_string());
            return 0;
        }
    };
    imported.notes.iter().for_each(|note| fit(note));
    let file = imported.file().expect("what was imported can be written");
    let read = Artifact::read(&file).expect("what was written can be read");
    read.replay().expect("its witnesses are its own");
    assert!(answers(&file));
    1
}

/// Lines that are no nuisance to a terminal or a log.
fn is_fit_to_print(text: &str) -> bool {
    !text.is_empty() && text.len() < 4000 && !text.chars().any(|c| c.is_control() && c != '\n')
}

fn assert_probabilities(probability: &[f64]) {
    assert!(probability.iter().all(|p| (0.0..=1.0).contains(p)), "{probability:?}");
    assert!((probability.iter().sum::<f64>() - 1.0).abs() < 1e-6, "{probability:?}");
}

/// The feature language: `data` as text, and as a tree in wire form. Each is refused, or its tree checks, comes back from its bytes and
/// evaluates to a value of its type. How many were taken.
pub fn expr(data: &[u8]) -> usize {
    ENGINE.with_borrow(|engine| {
        let schema = &engine.artifact().schema;
        let earlier = [("ratio".to_owned(), Type::Number), ("flagged".to_owned(), Type::Flag)];
        let types = earlier.each_ref().map(|(_, ty)| *ty);
        let parsed = std::str::from_utf8(data).ok().and_then(|text| match Expr::parse(text, schema, &earlier) {
            Ok(expr) => Some(expr),
            Err(e) => {
                assert!(!e.to_string().is_empty());
                None
            }
        });
        if let Some(expr) = &parsed {
            expr.check(schema, &types).expect("what is parsed is sound");
            let back: Expr = wire::decode(&wire::encode(expr).expect("a tree has bytes")).expect("and comes back");
            assert!(back == *expr);
        }
        let decoded = wire::decode::<Expr>(data).ok().filter(|expr| expr.check(schema, &types).is_ok());
        let exprs: Vec<Expr> = parsed.into_iter().chain(decoded).collect();
        for expr in &exprs {
            for fill in [f64::NAN, 0.0, 1.0, -2.5, 1e308] {
                for as_of in [time::MIN, 0.0, 1_767_323_045.678, time::MAX] {
                    let slots = vec![fill; schema.fields.len() + earlier.len()];
                    let v = expr.eval(&slots, as_of);
                    assert!(v.is_finite() || v.is_nan(), "{v}");
                    let flag = v.is_nan() || v == 0.0 || v == 1.0;
                    // A slot that is no flag may not be filled with 2.5; then a flag may not come out either.
                    assert!(expr.ty != Type::Flag || flag || fill.abs() > 1.0, "{v}");
                }
            }
        }
        exprs.len()
    })
}

/// Door 1: `data` as JSON Lines and as CSV. Each record becomes a row that keeps the schema's word, or is refused with reasons that
/// are fit to print; and the engine answers it either way. How many were sound.
pub fn record(data: &[u8]) -> usize {
    let mut sound = 0;
    for format in [Format::JsonLines, Format::Csv] {
        let Ok(reader) = Reader::new(Cursor::new(data.to_vec()), Some(format)) else { continue };
        // A reader stops after an error of its own.
        for line in reader.take(1000) {
            let Ok(line) = line else { break };
            sound += usize::from(is_sound(&line));
        }
    }
    sound
}

fn is_sound(line: &hedgerow::data::Line) -> bool {
    ENGINE.with_borrow_mut(|engine| {
        let schema = engine.artifact().schema.clone();
        let mut row = vec![0.0; schema.fields.len()];
        let taken = schema.row(line, &mut row);
        match (&taken, engine.predict(line, None, 1_767_323_045.678).expect("the time is one")) {
            (Ok(()), Answer::Prediction(p)) => assert_probabilities(&p.probability),
            (Err(violations), Answer::Rejected(same)) => assert!(*violations == same && !same.is_empty()),
            _ => panic!("the door and the engine disagree"),
        }
        let Err(violations) = taken else {
            for (v, field) in row.iter().zip(&schema.fields) {
                assert!(!(v.is_nan() && field.required), "{}", field.name);
                let fits = match &field.kind {
                    FieldKind::Number { min, max } => {
                        v.is_finite() && min.is_none_or(|min| *v >= min) && max.is_none_or(|max| *v <= max)
                    }
                    FieldKind::Category { levels, unknown } => {
                        let n = levels.len() + usize::from(*unknown == Unknown::Admit);
                        *v >= 0.0 && *v < n as f64 && v.fract() == 0.0
                    }
                    FieldKind::Flag => *v == 0.0 || *v == 1.0,
                    FieldKind::Time => (time::MIN..=time::MAX).contains(v),
                };
                assert!(v.is_nan() || fits, "{}: {v}", field.name);
                assert!(v.to_bits() != (-0.0f64).to_bits(), "{}: -0", field.name);
            }
            return true;
        };
        for violation in violations {
            let text = &violation.message;
            assert!(text.len() < 1000 && !text.chars().any(char::is_control), "{text:?}");
        }
        false
    })
}
