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
//! What is not hot (options, schema, violations, report) goes through serde-wasm-bindgen.

use crate::engine::{Answer, Engine, Options};
use crate::schema::{Cell, Field, FieldKind, Record, Schema, Violation};
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

/// The cell that a slot came from, so that a record with one odd field takes one door with all of them.
fn value_of(slot: f64, field: &Field) -> Cell<'static> {
    if slot.is_nan() {
        return Cell::Missing;
    }
    match &field.kind {
        FieldKind::Number { .. } => Cell::Number(slot),
        FieldKind::Category { levels, .. } => match levels.get(slot as usize) {
            Some(level) => Cell::Text(Cow::Owned(level.to_string())),
            None => Cell::Missing,
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
        Ok(Runtime { engine, cells, out, violations: Vec::new() })
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
        let status = match answer {
            Ok(Answer::Prediction(p)) => {
                self.out[0] = p.class_index as f64;
                self.out[1] = p.confidence;
                self.out[2] = f64::from(u8::from(p.cached));
                self.out[3..].copy_from_slice(&p.probability);
                1
            }
            Ok(Answer::Rejected(violations)) => {
                self.violations = violations;
                0
            }
            Err(_) => 2,
        };
        if full {
            self.cells.marks.fill([0; 3]);
            self.cells.extra.clear();
        }
        status
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

fn to_js<T: Serialize>(value: &T) -> Result<JsValue, JsError> {
    Ok(value.serialize(&serde_wasm_bindgen::Serializer::json_compatible())?)
}
