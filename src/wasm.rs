//! The JS face: an engine whose records come in and answers go out through views of wasm memory.
//!
//! JS writes each field of a record before it calls [`Runtime::run`], so nothing of the host's runs while the engine does:
//! a getter cannot throw or call back in here. Three buffers, owned by the runtime, at addresses that stay:
//!
//! | buffer | holds |
//! |---|---|
//! | slots | one f64 per field: the slot itself, or the number that a cell carries |
//! | marks | three u32 per field: the cell's tag, and where its text begins and ends in the arena |
//! | out | class index, confidence, 1 if remembered, then a probability per class |
//!
//! Many rows go by blocks of at most [`BLOCK`] rows, through four more that the first block makes:
//!
//! | buffer | holds |
//! |---|---|
//! | columns | a column of `BLOCK` slots per field |
//! | rows | `BLOCK` rows of slots, one after another, for a host that has them so |
//! | answers | `BLOCK` rows of a probability per class |
//! | indices | `BLOCK` class indices; -1 where the row is not plain and has no answer yet |
//!
//! What is not hot (options, schema, violations, report) goes through serde-wasm-bindgen.

use crate::engine::{Answer, Engine, Options};
use crate::error;
use crate::math::{self, BLOCK};
use crate::profile::Profile;
use crate::schema::{Cell, Field, FieldKind, Levels, Record, Schema, Unknown, Violation};
use crate::wire;
use serde::Serialize;
use std::borrow::Cow;
use wasm_bindgen::prelude::*;

/// An engine and the buffers through which JS feeds it.
#[wasm_bindgen]
pub struct Runtime {
    engine: Engine,
    cells: Cells,
    out: Vec<f64>,
    violations: Vec<Violation>,
    /// Which fields are times, whose slots hold whole milliseconds.
    times: Vec<usize>,
    rows: Vec<f64>,
    answers: Vec<f64>,
    indices: Vec<i32>,
}

/// One record, as JS wrote it.
struct Cells {
    slots: Vec<f64>,
    marks: Vec<[u32; 3]>,
    arena: Vec<u8>,
    extra: Vec<String>,
}

/// The tags of cells; `TAG` in www/package/model.js is the same list.
mod tag {
    /// The slot is final.
    pub const SLOT: u32 = 0;
    pub const MISSING: u32 = 1;
    pub const NUMBER: u32 = 2;
    pub const FLAG: u32 = 3;
    /// Seconds since 1970 UTC.
    pub const TIME: u32 = 4;
    pub const TEXT: u32 = 5;
    pub const RAW: u32 = 6;
    /// From here on: a value of another type, by its name.
    pub const OTHER: u32 = 7;
    pub const NAMES: [&str; 6] =
        ["array", "object", "bigint", "symbol", "function", "a text beyond the 16 MiB that one record may hold"];
}

impl Record for Cells {
    fn cell(&self, i: usize, field: &Field) -> Cell<'_> {
        let (Some(&slot), Some(&[tag, start, end])) = (self.slots.get(i), self.marks.get(i)) else {
            return Cell::Missing;
        };
        let text = || self.arena.get(start as usize..end as usize).and_then(|bytes| std::str::from_utf8(bytes).ok());
        match tag {
            tag::SLOT => value_of(slot, field),
            tag::MISSING => Cell::Missing,
            tag::NUMBER => Cell::Number(slot),
            tag::FLAG => Cell::Flag(slot != 0.0),
            tag::TIME => Cell::Time(slot),
            tag::TEXT => text().map_or(Cell::Other("text"), |text| Cell::Text(Cow::Borrowed(text))),
            tag::RAW => text().map_or(Cell::Other("text"), |text| Cell::Raw(Cow::Borrowed(text))),
            _ => Cell::Other(tag::NAMES.get((tag - tag::OTHER) as usize).copied().unwrap_or("value")),
        }
    }

    fn extra(&self, _: &Schema) -> Vec<String> {
        self.extra.clone()
    }
}

/// A row of slots that a host wrote by itself.
struct Slots<'a>(&'a [f64]);

impl Record for Slots<'_> {
    fn cell(&self, i: usize, field: &Field) -> Cell<'_> {
        let Some(&slot) = self.0.get(i) else { return Cell::Missing };
        match &field.kind {
            _ if !slot.is_finite() => Cell::Missing,
            FieldKind::Category { levels, unknown } => match levels.get(slot as usize) {
                Some(level) if f64::from(slot as u32) == slot => Cell::Text(Cow::Owned(level.to_string())),
                None if *unknown == Unknown::Admit && slot == levels.len() as f64 => Cell::Number(stranger(levels)),
                _ => Cell::Other("a number that is no index of one"),
            },
            FieldKind::Number { .. } | FieldKind::Flag => Cell::Number(slot),
            FieldKind::Time => Cell::Time(slot),
        }
    }

    fn extra(&self, _: &Schema) -> Vec<String> {
        Vec::new()
    }
}

/// A number that no level reads as: of one more than there are levels.
fn stranger(levels: &Levels) -> f64 {
    let numbers = (0..=levels.len()).map(|k| k as f64 + 0.5);
    numbers.into_iter().find(|v| levels.find_number(*v).is_none()).unwrap_or(f64::NAN)
}

/// The cell that a slot came from, so that a record with one odd field takes one door with all of them.
fn value_of(slot: f64, field: &Field) -> Cell<'static> {
    if slot.is_nan() {
        return Cell::Missing;
    }
    match &field.kind {
        FieldKind::Number { .. } => Cell::Number(slot),
        FieldKind::Category { levels, .. } => match levels.get(slot as usize) {
            Some(level) => Cell::Text(Cow::Owned(level.to_string())),
            None => Cell::Number(stranger(levels)),
        },
        FieldKind::Flag => Cell::Flag(slot != 0.0),
        FieldKind::Time => Cell::Time(slot),
    }
}

#[wasm_bindgen]
impl Runtime {
    /// Reads a model. `primary`: its bytes, or none where the host could not read them and says in `reason` why; then, and
    /// where they are no sound model, `fallback` answers. `entries`, `bytes`, `ttl`: the bounds of the cache, where they are not
    /// those of [`Options::default`]. (Three numbers, because reading them with serde would bring along the formatting of every
    /// type that they are not: 8 KB gzipped.)
    #[wasm_bindgen(constructor)]
    pub fn new(
        primary: Option<Vec<u8>>,
        fallback: Option<Vec<u8>>,
        reason: Option<String>,
        entries: Option<f64>,
        bytes: Option<f64>,
        ttl: Option<f64>,
    ) -> Result<Runtime, JsError> {
        let mut options = Options::default();
        options.cache_entries = entries.map_or(options.cache_entries, |v| v as usize);
        options.cache_bytes = bytes.map_or(options.cache_bytes, |v| v as usize);
        options.cache_ttl = ttl.unwrap_or(options.cache_ttl);
        let engine = match (primary, fallback) {
            (Some(primary), Some(fallback)) => Engine::load_with_fallback(&primary, &fallback, options),
            (Some(primary), None) => Engine::load(&primary, options),
            (None, Some(fallback)) => {
                let reason = reason.unwrap_or_default();
                Engine::load(&fallback, options).map(|engine| engine.degraded(reason))
            }
            (None, None) => return Err(JsError::new("there is neither a model nor a fallback")),
        };
        let engine = engine.map_err(|e| JsError::new(&e.to_string()))?;
        let n = engine.artifact().schema.fields.len();
        let out = vec![0.0; 3 + engine.artifact().classes.len()];
        let cells = Cells { slots: vec![f64::NAN; n], marks: vec![[0; 3]; n], arena: Vec::new(), extra: Vec::new() };
        let is_time = |(j, field): (usize, &Field)| matches!(field.kind, FieldKind::Time).then_some(j);
        let times = engine.artifact().schema.fields.iter().enumerate().filter_map(is_time).collect();
        Ok(Runtime {
            engine,
            times,
            cells,
            out,
            violations: Vec::new(),
            rows: Vec::new(),
            answers: Vec::new(),
            indices: Vec::new(),
        })
    }

    /// Number of fields.
    pub fn fields(&self) -> usize {
        self.cells.slots.len()
    }

    /// Address of the slots.
    pub fn slots(&mut self) -> *mut f64 {
        self.cells.slots.as_mut_ptr()
    }

    /// Address of the marks.
    pub fn marks(&mut self) -> *mut u32 {
        self.cells.marks.as_mut_ptr().cast()
    }

    /// Address of the answer.
    pub fn out(&self) -> *const f64 {
        self.out.as_ptr()
    }

    /// Length of the answer.
    pub fn out_len(&self) -> usize {
        self.out.len()
    }

    /// Room for `bytes` of text, by its address; it may make the memory grow.
    pub fn arena(&mut self, bytes: usize) -> *mut u8 {
        self.cells.arena.clear();
        self.cells.arena.resize(bytes, 0);
        self.cells.arena.as_mut_ptr()
    }

    /// A name in the record that is no field.
    pub fn extra(&mut self, name: String) {
        self.cells.extra.push(name);
    }

    /// Answers the record in the buffers: 1 and the answer in `out`, or 0 and [`violations`](Self::violations), or 2 where a
    /// time is outside the years 1 to 9999. `as_of`, `now`: seconds since 1970 UTC. `full`: some field has a tag; otherwise all
    /// slots are final.
    pub fn run(&mut self, as_of: f64, now: f64, full: bool) -> u32 {
        let answer = if full {
            self.engine.predict(&self.cells, Some(as_of), now)
        } else {
            self.engine.predict_row(&self.cells.slots, Some(as_of), now).map(Answer::Prediction)
        };
        let status = told(answer, &mut self.out, &mut self.violations);
        if full {
            self.cells.marks.fill([0; 3]);
            self.cells.extra.clear();
        }
        status
    }

    /// Room for a block; it may make the memory grow.
    pub fn block(&mut self) {
        let classes = self.engine.artifact().classes.len();
        self.rows.resize(self.cells.slots.len() * BLOCK, 0.0);
        self.answers.resize(classes * BLOCK, 0.0);
        self.indices.resize(BLOCK, -1);
        self.engine.columns();
    }

    /// Rows of a block.
    pub fn block_len(&self) -> usize {
        BLOCK
    }

    /// Address of the columns; after [`block`](Self::block).
    pub fn columns(&mut self) -> *mut f64 {
        self.engine.columns().as_mut_ptr()
    }

    /// Address of the rows; after [`block`](Self::block).
    pub fn rows(&mut self) -> *mut f64 {
        self.rows.as_mut_ptr()
    }

    /// Address of the answers; after [`block`](Self::block).
    pub fn answers(&self) -> *const f64 {
        self.answers.as_ptr()
    }

    /// Address of the class indices; after [`block`](Self::block).
    pub fn indices(&self) -> *const i32 {
        self.indices.as_ptr()
    }

    /// Answers the first `rows` rows of the block, past the cache, and says how many were plain. `by_rows`: they are in the rows,
    /// not in the columns. -1 where a time is outside the years 1 to 9999, or the block has no such rows.
    pub fn run_block(&mut self, rows: usize, as_of: f64, now: f64, by_rows: bool) -> i32 {
        let fields = self.cells.slots.len();
        if by_rows {
            for (j, column) in self.engine.columns().chunks_exact_mut(BLOCK).enumerate() {
                let values = self.rows.iter().skip(j).step_by(fields);
                column.iter_mut().zip(values).take(rows).for_each(|(slot, v)| *slot = *v);
            }
            for &j in &self.times {
                for slot in &mut self.engine.columns()[j * BLOCK..][..BLOCK] {
                    *slot = (*slot * 1000.0).round() / 1000.0;
                }
            }
        }
        let Ok((probability, plain)) = self.engine.predict_block(rows, Some(as_of), now) else { return -1 };
        let classes = probability.len() / BLOCK;
        let answers = self.answers.chunks_exact_mut(classes).zip(&mut self.indices).zip(plain);
        let mut n = 0;
        for (r, ((answer, index), plain)) in answers.enumerate() {
            for (p, column) in answer.iter_mut().zip(probability.chunks_exact(BLOCK)) {
                *p = column[r];
            }
            *index = if *plain { math::argmax(answer) as i32 } else { -1 };
            n += i32::from(*plain);
        }
        n
    }

    /// Answers one of the rows by itself, as [`run`](Self::run): for those that are not plain.
    pub fn run_row(&mut self, row: usize, as_of: f64, now: f64) -> u32 {
        let fields = self.cells.slots.len();
        let slots = self.rows.get(row * fields..(row + 1) * fields).unwrap_or_default();
        told(self.engine.predict(&Slots(slots), Some(as_of), now), &mut self.out, &mut self.violations)
    }

    /// Why the last record was refused.
    pub fn violations(&mut self) -> Result<JsValue, JsError> {
        to_js(&std::mem::take(&mut self.violations))
    }

    /// [`Engine::schema`].
    pub fn schema(&self) -> Result<JsValue, JsError> {
        to_js(&self.engine.schema())
    }

    /// [`Engine::health`].
    pub fn health(&self) -> Result<JsValue, JsError> {
        to_js(&self.engine.health())
    }

    /// [`Engine::report`].
    pub fn report(&self) -> Result<JsValue, JsError> {
        to_js(&self.engine.report())
    }

    /// [`Engine::take_counts`], for [`add_counts`](Self::add_counts) of another runtime of the same model.
    pub fn take_counts(&mut self) -> Vec<u8> {
        wire::encode(&self.engine.take_counts()).unwrap_or_default()
    }

    /// [`Engine::add_counts`]; false where the bytes are of no such model.
    pub fn add_counts(&mut self, counts: &[u8]) -> bool {
        wire::decode(counts).is_ok_and(|counts: Profile| self.engine.add_counts(&counts).is_ok())
    }

    /// The instant that an ISO 8601 text names, in milliseconds since 1970 UTC; NaN where it names none.
    pub fn millis(&self, text: &str) -> f64 {
        crate::time::parse_iso(text).map_or(f64::NAN, |t| crate::time::to_millis(t) as f64)
    }

    /// Stops as a bug would, for the tests of what happens then.
    #[doc(hidden)]
    pub fn trap(&self) {
        core::arch::wasm32::unreachable()
    }
}

/// An answer in the buffers, and [`Runtime::run`]'s word for it.
fn told(answer: error::Result<Answer<'_>>, out: &mut [f64], reasons: &mut Vec<Violation>) -> u32 {
    match answer {
        Ok(Answer::Prediction(p)) => {
            out[0] = p.class_index as f64;
            out[1] = p.confidence;
            out[2] = f64::from(u8::from(p.cached));
            out[3..].copy_from_slice(&p.probability);
            1
        }
        Ok(Answer::Rejected(violations)) => {
            *reasons = violations;
            0
        }
        Err(_) => 2,
    }
}

fn to_js<T: Serialize>(value: &T) -> Result<JsValue, JsError> {
    Ok(value.serialize(&serde_wasm_bindgen::Serializer::json_compatible())?)
}
