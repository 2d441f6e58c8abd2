//! The nodes of the tree, and what each takes and yields: the one place that knows the language's types.

use super::Type;
use crate::schema::{FieldKind, Levels, Schema};
use crate::wire::{Encode, decodes};

/// One step of the evaluator: takes [`arity`](Node::arity) values off the stack and puts one on it. Append only: the order is
/// the wire format, here and in the four enums below.
#[derive(Clone, Copy, Debug, PartialEq, Encode)]
pub(crate) enum Node {
    /// A field or an earlier derived feature.
    Slot(u32),
    Number(f64),
    Flag(bool),
    /// Seconds since 1970 UTC.
    Time(f64),
    /// Index of a level; only beside the category field it belongs to, in `Eq` and `Ne`.
    Level(u32),
    /// A missing value of any type.
    Null,
    /// `as_of`.
    Now,
    Unary(Unary),
    Binary(Binary),
    /// Takes (otherwise, condition, then). A `CASE` is a chain of these from its last branch to its first, so that
    /// it needs no more stack than one branch.
    Pick,
    DateDiff(Unit),
    Extract(Part),
}

decodes!(enum Node {
    0: Slot(i),
    1: Number(v),
    2: Flag(v),
    3: Time(v),
    4: Level(k),
    5: Null,
    6: Now,
    7: Unary(op),
    8: Binary(op),
    9: Pick,
    10: DateDiff(unit),
    11: Extract(part),
});

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode)]
pub(crate) enum Unary {
    Neg,
    Not,
    IsNull,
    Abs,
    Sign,
    Sqrt,
    Exp,
    Ln,
    Log10,
    Floor,
    Ceil,
    Round,
    Sin,
    Cos,
}

decodes!(enum Unary {
    0: Neg,
    1: Not,
    2: IsNull,
    3: Abs,
    4: Sign,
    5: Sqrt,
    6: Exp,
    7: Ln,
    8: Log10,
    9: Floor,
    10: Ceil,
    11: Round,
    12: Sin,
    13: Cos,
});

#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode)]
pub(crate) enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Rem,
    Power,
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
    And,
    Or,
    Coalesce,
    NullIf,
    Least,
    Greatest,
}

decodes!(enum Binary {
    0: Add,
    1: Sub,
    2: Mul,
    3: Div,
    4: Rem,
    5: Power,
    6: Eq,
    7: Ne,
    8: Lt,
    9: Le,
    10: Gt,
    11: Ge,
    12: And,
    13: Or,
    14: Coalesce,
    15: NullIf,
    16: Least,
    17: Greatest,
});

/// What `date_diff` counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode)]
pub(crate) enum Unit {
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

decodes!(enum Unit { 0: Second, 1: Minute, 2: Hour, 3: Day, 4: Week, 5: Month, 6: Year });

/// What `extract` reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode)]
pub(crate) enum Part {
    Year,
    Month,
    Day,
    Dow,
    Hour,
    Minute,
}

decodes!(enum Part { 0: Year, 1: Month, 2: Day, 3: Dow, 4: Hour, 5: Minute });

/// What a place on the stack holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    Number,
    Flag,
    Time,
    /// A category field, by its slot.
    Category(u32),
    /// A level literal.
    Level(u32),
    /// Missing, of whatever type is asked.
    Null,
}

/// An operand that does not fit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Mismatch {
    /// Which, from the left.
    pub operand: usize,
    /// What would fit.
    pub takes: &'static str,
    /// The operand whose type it should share.
    pub beside: Option<Held>,
}

/// What names stand for.
pub(super) struct Env<'a> {
    pub schema: &'a Schema,
    /// Types of the derived features before this one.
    pub earlier: &'a [Type],
}

impl Env<'_> {
    /// What `slot` holds; `None` if there is no such slot.
    pub fn slot(&self, slot: u32) -> Option<Held> {
        let i = slot as usize;
        match self.schema.fields.get(i) {
            Some(field) => Some(match field.kind {
                FieldKind::Number { .. } => Held::Number,
                FieldKind::Category { .. } => Held::Category(slot),
                FieldKind::Flag => Held::Flag,
                FieldKind::Time => Held::Time,
            }),
            None => match self.earlier.get(i - self.schema.fields.len())? {
                Type::Number => Some(Held::Number),
                Type::Flag => Some(Held::Flag),
                Type::Time => Some(Held::Time),
                Type::Category => None,
            },
        }
    }

    /// The levels of the category field in `slot`.
    pub fn levels(&self, slot: u32) -> Option<&Levels> {
        match &self.schema.fields.get(slot as usize)?.kind {
            FieldKind::Category { levels, .. } => Some(levels),
            _ => None,
        }
    }
}

impl Held {
    /// As a type; `None` for what is no value of its own.
    pub fn ty(self) -> Option<Type> {
        match self {
            Held::Number => Some(Type::Number),
            Held::Flag => Some(Type::Flag),
            Held::Time => Some(Type::Time),
            Held::Category(_) => Some(Type::Category),
            Held::Level(_) | Held::Null => None,
        }
    }

    /// `self` if `wanted` or missing.
    fn is(self, wanted: Held) -> bool {
        self == wanted || self == Held::Null
    }
}

const NUMBER: &str = "a number";
const FLAG: &str = "a flag";
const TIME: &str = "a time";
const LEVEL: &str = "one of the field's levels";

impl Node {
    /// How many values it takes.
    pub fn arity(self) -> usize {
        match self {
            Node::Unary(_) | Node::Extract(_) => 1,
            Node::Binary(_) | Node::DateDiff(_) => 2,
            Node::Pick => 3,
            _ => 0,
        }
    }

    /// Whether its value may be missing; `args`: whether each operand may, `slots`: whether each slot may.
    #[cfg(feature = "cli")]
    pub fn may_be_missing(self, args: &[bool], slots: &[bool]) -> bool {
        let (any, all) = (args.contains(&true), !args.contains(&false));
        match self {
            Node::Slot(i) => slots.get(i as usize).is_none_or(|missing| *missing),
            Node::Number(_) | Node::Flag(_) | Node::Time(_) | Node::Level(_) => false,
            Node::Null | Node::Now => true,
            Node::Unary(Unary::IsNull) => false,
            Node::Unary(Unary::Sqrt | Unary::Exp | Unary::Ln | Unary::Log10) => true,
            Node::Unary(_) => any,
            Node::Binary(Binary::Coalesce | Binary::Least | Binary::Greatest) => all,
            Node::Binary(
                Binary::Eq | Binary::Ne | Binary::Lt | Binary::Le | Binary::Gt | Binary::Ge | Binary::And | Binary::Or,
            ) => any,
            // (otherwise, condition, then)
            Node::Pick => args.first() != Some(&false) || args.get(2) != Some(&false),
            Node::Binary(_) | Node::DateDiff(_) | Node::Extract(_) => true,
        }
    }

    /// What it yields for these operands (as many as its arity), or which of them does not fit.
    pub(super) fn yields(self, args: &[Held], env: &Env) -> Result<Held, Mismatch> {
        let all = |wanted: Held, takes: &'static str, result: Held| match args.iter().position(|a| !a.is(wanted)) {
            Some(operand) => Err(misfit(operand, takes)),
            None => Ok(result),
        };
        let leaf = |fits: bool, result: Held, takes| if fits { Ok(result) } else { Err(misfit(0, takes)) };
        match self {
            Node::Slot(i) => env.slot(i).ok_or(misfit(0, "a slot that exists")),
            Node::Number(v) => leaf(is_value(v), Held::Number, "a finite number"),
            Node::Time(v) => leaf(is_value(v), Held::Time, "a finite time"),
            Node::Flag(_) => Ok(Held::Flag),
            Node::Level(i) => Ok(Held::Level(i)),
            Node::Null => Ok(Held::Null),
            Node::Now => Ok(Held::Time),
            Node::Unary(Unary::Not) => all(Held::Flag, FLAG, Held::Flag),
            Node::Unary(Unary::IsNull) => leaf(!matches!(args, [Held::Level(_)]), Held::Flag, "a field or a value"),
            Node::Unary(_) => all(Held::Number, NUMBER, Held::Number),
            Node::Binary(op) => match (op, args) {
                (Binary::Add | Binary::Sub | Binary::Mul | Binary::Div | Binary::Rem | Binary::Power, _) => {
                    all(Held::Number, NUMBER, Held::Number)
                }
                (Binary::And | Binary::Or, _) => all(Held::Flag, FLAG, Held::Flag),
                (Binary::Eq | Binary::Ne, &[Held::Category(slot), b]) => match b {
                    Held::Level(level) if env.levels(slot).is_some_and(|l| (level as usize) < l.len()) => {
                        Ok(Held::Flag)
                    }
                    _ => Err(misfit(1, LEVEL)),
                },
                (Binary::Eq | Binary::Ne, &[a, b]) => same(a, b, 0, true).map(|_| Held::Flag),
                (Binary::Lt | Binary::Le | Binary::Gt | Binary::Ge, &[a, b]) => {
                    same(a, b, 0, false).map(|_| Held::Flag)
                }
                (Binary::Least | Binary::Greatest, &[a, b]) => same(a, b, 0, false),
                (Binary::Coalesce | Binary::NullIf, &[a, b]) => same(a, b, 0, true),
                _ => Err(misfit(0, "two operands")),
            },
            Node::Pick => match *args {
                [_, condition, _] if !condition.is(Held::Flag) => Err(misfit(1, FLAG)),
                [otherwise, _, then] => same(otherwise, then, 2, true),
                _ => Err(misfit(0, "three operands")),
            },
            Node::DateDiff(_) => all(Held::Time, TIME, Held::Number),
            Node::Extract(_) => all(Held::Time, TIME, Held::Number),
        }
    }
}

fn misfit(operand: usize, takes: &'static str) -> Mismatch {
    Mismatch { operand, takes, beside: None }
}

/// Finite, and not the other zero.
fn is_value(v: f64) -> bool {
    v.is_finite() && v.to_bits() != (-0.0f64).to_bits()
}

/// The common type of two values; the second stands at operand `1.max(at)`.
fn same(a: Held, b: Held, at: usize, flags: bool) -> Result<Held, Mismatch> {
    let takes = |h: Held| match h {
        Held::Number => Some(NUMBER),
        Held::Time => Some(TIME),
        Held::Flag if flags => Some(FLAG),
        Held::Null => Some("a value"),
        _ => None,
    };
    let any = if flags { "a number, a flag or a time" } else { "a number or a time" };
    match (takes(a), takes(b)) {
        (None, _) => Err(misfit(0, any)),
        (_, None) if a == Held::Null => Err(misfit(1.max(at), any)),
        (Some(_), Some(_)) if b == Held::Null => Ok(a),
        (Some(_), Some(_)) if a == Held::Null || a == b => Ok(b),
        (Some(takes), _) => Err(Mismatch { operand: 1.max(at), takes, beside: Some(a) }),
    }
}
