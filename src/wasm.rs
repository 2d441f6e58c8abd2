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
//! Many rows go by pieces of [`Runtime::piece`] rows, some blocks ([`BLOCK`]) each, through three more buffers that the first piece makes:
//!
//! | buffer | holds |
//! |---|---|
//! | piece | a column of slots per field, or row by row a slot per field, as the host has them |
//! | answers | row by row a probability per class |
//! | indices | class indices; -1 where the row is not plain and has no answer yet |
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

#[global_allocator]
static ALLOCATOR: talc::wasm::WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();

/// Bytes that a piece takes at most, where it is more than one block.
const PIECE: usize = 256 << 10;

/// An engine and the buffers through which JS feeds it.
#[wasm_bindgen]
pub struct Runtime {
    engine: Engine,
    cells: Cells,
    out: Vec<f64>,
    violations: Vec<Violation>,
    /// Which fields are times, whose slots hold whole milliseconds.
    times: Vec<usize>,
    piece: Vec<f64>,
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

/// The tags of cells; `TAG` in www/package/fields.js is the same list.
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
            piece: Vec::new(),
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

    /// Rows of a piece: so many that the host's calls do not matter, so few that they stay near the processor.
    pub fn piece(&self) -> usize {
        let wide = self.cells.slots.len().max(self.engine.artifact().classes.len()).max(1);
        (PIECE / (8 * wide * BLOCK)).max(1) * BLOCK
    }

    /// Makes room for pieces; the memory may grow.
    pub fn make_room(&mut self) {
        let rows = self.piece();
        self.piece.resize(self.cells.slots.len() * rows, 0.0);
        self.answers.resize(self.engine.artifact().classes.len() * rows, 0.0);
        self.indices.resize(rows, -1);
        self.engine.columns();
    }

    /// Address of the piece; after [`make_room`](Self::make_room).
    pub fn rows(&mut self) -> *mut f64 {
        self.piece.as_mut_ptr()
    }

    /// Address of the answers; after [`make_room`](Self::make_room).
    pub fn answers(&self) -> *const f64 {
        self.answers.as_ptr()
    }

    /// Address of the class indices; after [`make_room`](Self::make_room).
    pub fn indices(&self) -> *const i32 {
        self.indices.as_ptr()
    }

    /// Answers the first `rows` rows of the piece, past the cache. `by_rows`: they are row by row, not in columns.
    pub fn run_piece(&mut self, rows: usize, as_of: f64, now: f64, by_rows: bool) {
        let threshold = self.engine.artifact().threshold;
        for from in (0..rows.min(self.indices.len())).step_by(BLOCK) {
            let n = BLOCK.min(rows - from);
            self.fill(from, n, by_rows);
            self.indices[from..from + n].fill(-1);
            // An error only where a time is outside the years 1 to 9999, which the host has checked.
            let Ok((probability, plain)) = self.engine.predict_block(n, Some(as_of), now) else { return };
            let classes = probability.len() / BLOCK;
            let answers = self.answers[from * classes..].chunks_exact_mut(classes);
            for (r, ((answer, index), plain)) in answers.zip(&mut self.indices[from..]).zip(plain).enumerate() {
                for (p, column) in answer.iter_mut().zip(probability.chunks_exact(BLOCK)) {
                    *p = column[r];
                }
                if *plain {
                    *index = math::decide(answer, threshold) as i32;
                }
            }
        }
    }

    /// Answers one row of a piece that is row by row by itself, as [`run`](Self::run): for those that are not plain.
    pub fn run_row(&mut self, row: usize, as_of: f64, now: f64) -> u32 {
        let fields = self.cells.slots.len();
        let slots = self.piece.get(row * fields..(row + 1) * fields).unwrap_or_default();
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

impl Runtime {
    /// Copies `n` rows of the piece into the engine's block.
    fn fill(&mut self, from: usize, n: usize, by_rows: bool) {
        let (fields, stride) = (self.cells.slots.len(), self.indices.len());
        let columns = self.engine.columns();
        if !by_rows {
            for (column, piece) in columns.chunks_exact_mut(BLOCK).zip(self.piece.chunks_exact(stride)) {
                column[..n].copy_from_slice(&piece[from..from + n]);
            }
            return;
        }
        let rows = &self.piece[from * fields..(from + n) * fields];
        for (j, column) in columns.chunks_exact_mut(BLOCK).enumerate() {
            column.iter_mut().zip(rows.iter().skip(j).step_by(fields)).for_each(|(slot, v)| *slot = *v);
        }
        for &j in &self.times {
            for slot in &mut columns[j * BLOCK..][..n] {
                *slot = (*slot * 1000.0).round() / 1000.0;
            }
        }
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
