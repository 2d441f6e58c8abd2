//! The feature language: what a derived feature may say, and the typed tree it becomes.
//!
//! A subset of SQL's scalar expressions over one record: `output / (cost + 1e-10)`,
//! `date_diff('day', start_date, now())`, `CASE WHEN region = 'EU' THEN 1 ELSE 0 END`. It is parsed and type-checked natively
//! ([`Expr::parse`]), carried in the artifact, and evaluated by one evaluator in the trainer and in the engine.
//!
//! ```
//! # #[cfg(feature = "cli")] {
//! use hedgerow::{expr::Expr, schema::{Field, FieldKind, Schema}};
//! let number = |name: &str| Field { name: name.into(), kind: FieldKind::Number { min: None, max: None }, required: false };
//! let schema = Schema { fields: vec![number("debt"), number("income")], ..Schema::default() };
//!
//! let ratio = Expr::parse("debt / income", &schema, &[]).unwrap();
//! assert_eq!(ratio.eval(&[300.0, 1200.0], 0.0), 0.25);
//! assert!(ratio.eval(&[300.0, 0.0], 0.0).is_nan()); // missing
//!
//! let error = Expr::parse("debt / incme", &schema, &[]).unwrap_err();
//! assert_eq!(error.to_string(), "\
//! unknown field `incme` (did you mean `income`?)
//!   debt / incme
//!          ^^^^^");
//! # }
//! ```
//!
//! # Values
//!
//! An expression yields a **number** (f64), a **flag** (true or false) or a **time** (an instant, seconds since 1970 UTC to the
//! millisecond). A **category** field can be compared with its levels and asked for `IS NULL`; texts are nothing else here.
//! There is no conversion between types: `CASE WHEN flag THEN 1 ELSE 0 END` makes a number of a flag.
//!
//! Every step is *finite or missing*. Missing is SQL's `NULL` and the row's NaN. A number that would not be finite is missing:
//! `1 / 0`, `ln(0)`, `sqrt(-1)`, `exp(1000)`. There is no negative zero. Where the table says nothing else, a result
//! is missing when any operand is.
//!
//! # The table
//!
//! `a` `b` `c` are numbers, `p` `q` flags, `t` `u` times, `r` a category field with the levels `EU` and `US`; `x` `y` stand for
//! values of one type. Every line is compiled by the tests.
//!
//! | written | yields | meaning, and when it is missing |
//! |---|---|---|
//! | `a + b`, `a - b`, `a * b` | number | IEEE 754 double arithmetic; missing on overflow |
//! | `a / b` | number | never integer division: `7 / 2` is 3.5; missing when `b` is 0 |
//! | `a % b` | number | the exact remainder of the truncated quotient, with the sign of `a`, fractions allowed; missing when `b` is 0 |
//! | `-a`, `+a` | number | |
//! | `1`, `2.5`, `1e-10` | number | a literal, the nearest double |
//! | `a = b`, `a <> b`, `a != b` | flag | also of two flags or two times |
//! | `a < b`, `a <= b`, `a > b`, `a >= b` | flag | also of two times |
//! | `r = 'EU'`, `r <> 'EU'` | flag | a level the field does not have is an error; a record's unknown level equals none |
//! | `p AND q` | flag | false if either is false, else missing if either is |
//! | `p OR q` | flag | true if either is true, else missing if either is |
//! | `NOT p` | flag | |
//! | `TRUE`, `FALSE` | flag | |
//! | `a IS NULL`, `a IS NOT NULL` | flag | of any type; never missing |
//! | `p IS TRUE`, `p IS NOT TRUE`, `p IS FALSE`, `p IS NOT FALSE` | flag | never missing |
//! | `a BETWEEN b AND c`, `a NOT BETWEEN b AND c` | flag | `a >= b AND a <= c`; also of times |
//! | `a IN (1, 2, b)`, `a NOT IN (1, 2)`, `r IN ('EU', 'US')` | flag | `a = 1 OR a = 2 OR a = b` |
//! | `CASE WHEN p THEN a WHEN q THEN b ELSE c END` | any | the first branch whose condition is true (not missing); without `ELSE`, missing |
//! | `CASE r WHEN 'EU' THEN 1 WHEN 'US' THEN 2 END` | any | `CASE WHEN r = 'EU' THEN 1 …` |
//! | `COALESCE(a, b, 0)` | any | the first that is not missing |
//! | `NULLIF(a, b)` | any | missing where `a = b`, else `a` |
//! | `LEAST(a, b, c)`, `GREATEST(a, b, c)` | number, time | of those that are not missing, as in PostgreSQL (SQLite's scalar `min` and `max` differ) |
//! | `abs(a)` | number | |
//! | `sign(a)` | number | -1, 0 or 1 |
//! | `sqrt(a)` | number | missing when `a < 0` |
//! | `exp(a)` | number | missing on overflow (`a > 709.78`) |
//! | `ln(a)`, `log10(a)` | number | missing when `a <= 0` |
//! | `power(a, b)` | number | `power(0, 0)` is 1; missing on overflow, for 0 to a negative power and for a negative `a` to a fraction |
//! | `floor(a)`, `ceil(a)` | number | |
//! | `round(a)` | number | to the nearest whole number, halves away from zero: `round(2.5)` is 3, `round(-2.5)` is -3 |
//! | `sin(a)`, `cos(a)` | number | of radians |
//! | `now()` | time | `as_of`: in training the row's own event time, in serving the request's; never a clock |
//! | `DATE '2026-01-31'`, `TIMESTAMP '2026-01-31T12:00:00Z'` | time | ISO 8601; UTC where no offset is given |
//! | `t < '2026-01-31'` | flag | a text beside a time is a time literal; so it is in `date_diff` and `extract` |
//! | `date_diff('day', t, u)` | number | whole units from `t` to `u`, truncated toward zero, negative when `u` is before `t` |
//! | `extract(hour FROM t)` | number | of the UTC calendar |
//!
//! Units of `date_diff`: `second` `minute` `hour` `day` (24 hours) `week` (7 days), and `month` `year`, which are complete calendar
//! months and years in UTC: from January 31 to February 28 none has passed, to March 1 one has. It measures elapsed time;
//! DuckDB's function of this name counts the boundaries crossed instead. Fields of `extract`: `year`, `month` (1..=12), `day` (1..=31), `dow`
//! (0 is Sunday, 6 Saturday, as in PostgreSQL), `hour`, `minute`.
//!
//! A time outside ±8.64e15 milliseconds of 1970 (what a JavaScript `Date` holds) is missing to both.
//!
//! # Names
//!
//! Fields are written as they are named, upper and lower case distinct; a name with other characters than letters, digits
//! and `_`, or one that is a keyword of SQL, stands in double quotes: `"capital-gain" - "order"`. A derived feature may use those defined before it.
//! Keywords and functions are the same in upper and lower case. Texts stand in single quotes, a quote within is doubled.
//!
//! Binding, tightest first: unary `-`; `*` `/` `%`; `+` `-`; comparisons, `BETWEEN`, `IN`; `IS`; `NOT`; `AND`; `OR`.
//!
//! # What it leaves out
//!
//! Aggregates, windows and subqueries look at more than one record: history belongs to the feature store and arrives as
//! ordinary fields. Text functions, `LIKE`, `CAST`, intervals and `date_trunc` are not here either. Each is an error that says so.
//!
//! # Limits
//!
//! 64 KiB of text ([`MAX_TEXT`]), 64 levels of nesting ([`MAX_DEPTH`]), 4096 nodes ([`MAX_NODES`]; `BETWEEN`, `IN` and simple `CASE`
//! count their left side once per comparison), a stack of 128 values ([`MAX_STACK`], which no text within the other limits needs).
//!
//! # The tree
//!
//! It is kept flat, children before parents (postfix): decoding hostile bytes cannot recurse, and evaluating is one loop over
//! a small stack. Every operator is pure and total, so nothing depends on what is evaluated first and no branch needs a jump.

use crate::error::{Error, ErrorKind, Result};
use crate::math::BLOCK;
use crate::schema::Schema;
use crate::wire::{Encode, decodes};
use node::{Env, Held, Node};

#[cfg(feature = "cli")]
mod caret;
mod eval;
#[cfg(feature = "cli")]
mod foreign;
#[cfg(feature = "cli")]
mod lower;
#[cfg(feature = "cli")]
mod names;
pub(crate) mod node;
#[cfg(feature = "cli")]
mod parse;

/// Longest text, in bytes.
pub const MAX_TEXT: usize = 64 << 10;
/// Deepest nesting of a text.
pub const MAX_DEPTH: usize = 64;
/// Most nodes of a tree.
pub const MAX_NODES: usize = 4096;
/// Most values the evaluator holds at once: no operator leaves more than two waiting per level of nesting.
pub const MAX_STACK: usize = 2 * MAX_DEPTH;

/// What an expression yields, and what a name stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode)]
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

decodes!(enum Type { 0: Number, 1: Flag, 2: Time, 3: Category });

/// A typed expression.
#[derive(Clone, Debug, PartialEq, Encode)]
pub struct Expr {
    /// What it yields: `Number`, `Flag` or `Time`.
    pub ty: Type,
    /// How many values the evaluator holds at most.
    stack: u32,
    /// Children before parents.
    nodes: Vec<Node>,
}

decodes!(struct Expr { ty, stack, nodes });

impl Expr {
    /// Compiles `text` against the schema and the derived features before it (`earlier`: names and types; their slots
    /// follow the schema's). The error draws the place.
    #[cfg(feature = "cli")]
    pub fn parse(text: &str, schema: &Schema, earlier: &[(String, Type)]) -> Result<Expr> {
        parse::parse(text, schema, earlier)
    }

    /// The value over `slots` (fields, then the derived features before this one); `as_of` (seconds since 1970 UTC) is what
    /// `now()` means. Total: finite or NaN (missing), never -0.0; a flag is 1 or 0. Allocates nothing.
    pub fn eval(&self, slots: &[f64], as_of: f64) -> f64 {
        eval::eval(&self.nodes, self.stack, slots, as_of)
    }

    /// As [`eval`](Self::eval), for `rows` rows of a block (see [`BLOCK`]), with the same bits. `slots`: a column each → `out`: one
    /// column. `room`: what it works in, for the next call as well.
    pub fn eval_block(&self, slots: &[f64], rows: usize, as_of: f64, room: &mut Vec<[f64; BLOCK]>, out: &mut [f64]) {
        eval::eval_block(&self.nodes, slots, rows, as_of, room, out);
    }

    /// Proves a decoded tree: every slot and level there is, types agree, size and stack within bounds. `earlier`: the
    /// types of the derived features before this one.
    #[inline(never)]
    pub fn check(&self, schema: &Schema, earlier: &[Type]) -> Result<()> {
        let wrong = |what: String| Err(Error::new(ErrorKind::Artifact, format!("expression: {what}")));
        if self.nodes.is_empty() || self.nodes.len() > MAX_NODES {
            return wrong(format!("{} nodes where 1 to {MAX_NODES} are allowed", self.nodes.len()));
        }
        let env = Env { schema, earlier };
        let mut held: Vec<Held> = Vec::with_capacity(MAX_STACK);
        let mut most = 0;
        for (at, node) in self.nodes.iter().enumerate() {
            let Some(first) = held.len().checked_sub(node.arity()) else {
                return wrong(format!("node {at} lacks an operand"));
            };
            match node.yields(&held[first..], &env) {
                Ok(result) => {
                    held.truncate(first);
                    held.push(result);
                }
                Err(m) => return wrong(format!("node {at}, operand {}: takes {}", m.operand, m.takes)),
            }
            most = most.max(held.len());
        }
        if most > MAX_STACK || self.stack as usize != most {
            return wrong(format!("it needs a stack of {most}, declares {}, and {MAX_STACK} is the most", self.stack));
        }
        match held[..] {
            [one] if one.ty() == Some(self.ty) && self.ty != Type::Category => Ok(()),
            [_] => wrong("it does not yield the type it declares".into()),
            _ => wrong(format!("{} values are left where one should be", held.len())),
        }
    }

    /// Children before parents.
    #[cfg(feature = "cli")]
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Whether the value depends on the field or earlier derived feature in `slot` directly.
    pub fn reads(&self, slot: usize) -> bool {
        self.nodes.iter().any(|node| matches!(node, Node::Slot(s) if *s as usize == slot))
    }

    /// Whether the value may be missing where slot `i` may be missing if `missing[i]`. True where that is not certain: a sum may be
    /// past the largest number, say.
    #[cfg(feature = "cli")]
    pub fn may_be_missing(&self, missing: &[bool]) -> bool {
        let mut stack: Vec<bool> = Vec::new();
        for node in &self.nodes {
            let first = stack.len().saturating_sub(node.arity());
            let result = node.may_be_missing(&stack[first..], missing);
            stack.truncate(first);
            stack.push(result);
        }
        stack.pop().unwrap_or(true)
    }

    /// Whether the value depends on `as_of` directly (a derived feature it reads may do so as well).
    pub fn uses_now(&self) -> bool {
        self.nodes.contains(&Node::Now)
    }
}

#[cfg(all(test, feature = "cli"))]
mod tests;
