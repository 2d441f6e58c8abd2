//! The feature language: a typed tree over a row's slots.
//! (front page, table and tree: to be written by its owner)

use crate::error::Result;
use crate::schema::Schema;
use crate::wire::{Decode, Encode};

mod eval;
#[cfg(feature = "cli")]
mod parse;

/// What an expression yields, and what a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Type {
    /// A number.
    Number,
    /// True, false or missing (1, 0, NaN).
    Flag,
    /// An instant, seconds since 1970 UTC.
    Time,
    /// A level of the category field in the given slot.
    Category,
}

/// A typed expression.
#[derive(Clone, Debug, PartialEq, Encode, Decode)]
pub struct Expr {
    /// What it yields: `Number`, `Flag` or `Time`.
    pub ty: Type,
    node: Node,
}

#[derive(Clone, Debug, PartialEq, Encode, Decode)]
enum Node {
    Slot(u32),
}

impl Expr {
    /// Compiles `text` against the schema and the derived features before it (`earlier`: names and types; their slots
    /// follow the schema's).
    #[cfg(feature = "cli")]
    pub fn parse(text: &str, schema: &Schema, earlier: &[(String, Type)]) -> Result<Expr> {
        parse::parse(text, schema, earlier)
    }

    /// The value over `slots`; `as_of` (seconds since 1970 UTC) is what `now()` means. Total: finite or NaN (missing).
    pub fn eval(&self, slots: &[f64], as_of: f64) -> f64 {
        eval::eval(&self.node, slots, as_of)
    }

    /// Proves a decoded tree: slots below `n_slots`, kinds agree, depth and size within bounds.
    pub fn check(&self, schema: &Schema, n_slots: usize) -> Result<()> {
        let _ = (schema, n_slots);
        unimplemented!("expr check")
    }

    /// Whether the value depends on `as_of`.
    pub fn uses_now(&self) -> bool {
        false
    }
}
