//! What values of a graph are, element by element, in terms of the inputs: expressions, equal ones kept once.
//!
//! A graph is not matched against the patterns of converters: it is carried out with terms in place of numbers, so that reshapes,
//! casts, gathers and the order of operations leave no trace, and what is to be recognised is the formula alone.

use crate::error::Result;
use crate::import::error;
use crate::math::{self, Matrix};
use std::collections::HashMap;
use std::rc::Rc;

/// Rounded to `f32`.
pub fn single(v: f64) -> f64 {
    f64::from(v as f32)
}

/// Terms of a graph at most, and entries of their lists.
const MAX_TERMS: usize = 1 << 22;
const MAX_LISTED: usize = 1 << 24;

/// A term, by its place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(u32);

/// A list of terms, by its place. Equal lists have equal places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct List(u32);

/// A number by its bits, so that terms can be looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Bits(u64);

impl Bits {
    /// The number.
    pub fn value(self) -> f64 {
        f64::from_bits(self.0)
    }
}

impl From<f64> for Bits {
    fn from(v: f64) -> Bits {
        Bits(v.to_bits())
    }
}

/// One element of a value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Term {
    /// A number.
    Number(Bits),
    /// An input of a row.
    Input {
        /// Rows are kept apart, so that what mixes them shows.
        row: usize,
        /// Index among all inputs.
        input: usize,
    },
    /// A function of one term.
    Unary(Unary, Id),
    /// An operation on two; `true`: rounded to `f32`.
    Binary(Binary, Id, Id, bool),
    /// A function of a list.
    Fold(Fold, List),
    /// Element of the softmax of a list.
    Softmax(List, usize),
    /// Missing becomes a number.
    Impute(Id, Bits),
    /// A number becomes another.
    Replace(Id, Bits, Bits),
    /// 1 where above the number, else 0.
    Above(Id, Bits),
    /// Within two numbers.
    Clip(Id, Bits, Bits),
    /// 1 where equal to the number (of a text: to the level of that index), else 0.
    Is(Id, Bits),
    /// What a table (index among [`Terms::tables`]) says of it.
    Lookup(Id, usize),
    /// Element of a list of terms, by an index that is a term.
    Pick(List, Id),
    /// A list times a row of a matrix (index among [`Terms::matrices`]).
    Dot(List, usize, usize),
    /// An answer of a model (index among `Lower`'s) that reads a list.
    Answer(List, usize, usize),
}

/// Functions of one term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Unary {
    /// Rounds to `f32`.
    Single,
    /// Towards zero.
    Truncate,
    /// 1 where not 0.
    Bool,
    /// 1 where 0.
    Not,
    /// 1 where NaN.
    IsNan,
    /// `-x`.
    Neg,
    /// `|x|`.
    Abs,
    /// `e^x`.
    Exp,
    /// Natural logarithm.
    Log,
    /// Square root.
    Sqrt,
    /// `max(0, x)`.
    Relu,
    /// Hyperbolic tangent.
    Tanh,
    /// `1 / (1 + e^-x)`.
    Sigmoid,
}

/// Operations on two terms.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Binary {
    /// `a + b`.
    Add,
    /// `a - b`.
    Sub,
    /// `a * b`.
    Mul,
    /// `a / b`.
    Div,
    /// `a ^ b`.
    Pow,
}

/// Functions of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fold {
    /// The sum.
    Sum,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// `ln(Σ e^x)`.
    LogSumExp,
    /// The index of the first of the largest.
    ArgMax,
    /// The index of the first of the smallest.
    ArgMin,
}

/// From values to values (`LabelEncoder`).
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    /// Each key once, with its value. Of a text: indices of levels.
    pub entries: Vec<(f64, f64)>,
    /// For any other.
    pub default: f64,
}

/// All terms of a graph.
#[derive(Default)]
pub struct Terms {
    terms: Vec<Term>,
    ids: HashMap<Term, Id>,
    lists: Vec<Rc<[Id]>>,
    listed: HashMap<Rc<[Id]>, List>,
    entries: usize,
    /// What [`Term::Lookup`] names.
    pub tables: Vec<Table>,
    /// What [`Term::Dot`] names.
    pub matrices: Vec<Matrix>,
}

impl Terms {
    /// The term itself.
    pub fn get(&self, id: Id) -> &Term {
        &self.terms[id.0 as usize]
    }

    /// A list's terms.
    pub fn list(&self, list: List) -> Rc<[Id]> {
        Rc::clone(&self.lists[list.0 as usize])
    }

    /// The number that a term is.
    pub fn as_number(&self, id: Id) -> Option<f64> {
        match self.get(id) {
            Term::Number(bits) => Some(bits.value()),
            _ => None,
        }
    }

    /// A term, as it is.
    pub fn intern(&mut self, term: Term) -> Result<Id> {
        if let Some(id) = self.ids.get(&term) {
            return Ok(*id);
        }
        if self.terms.len() >= MAX_TERMS {
            return Err(error(format!("the graph comes to more than {MAX_TERMS} distinct values of one row")));
        }
        let id = Id(self.terms.len() as u32);
        self.terms.push(term.clone());
        self.ids.insert(term, id);
        Ok(id)
    }

    /// A list.
    pub fn listed(&mut self, ids: &[Id]) -> Result<List> {
        if let Some(list) = self.listed.get(ids) {
            return Ok(*list);
        }
        self.entries += ids.len();
        if self.entries > MAX_LISTED {
            return Err(error(format!("the graph's lists of values come to more than {MAX_LISTED} entries")));
        }
        let list = List(self.lists.len() as u32);
        let ids: Rc<[Id]> = ids.into();
        self.lists.push(Rc::clone(&ids));
        self.listed.insert(ids, list);
        Ok(list)
    }

    /// A number.
    pub fn number(&mut self, v: f64) -> Result<Id> {
        self.intern(Term::Number(v.into()))
    }

    /// A function of one term. Numbers are worked out.
    pub fn unary(&mut self, op: Unary, a: Id) -> Result<Id> {
        if let Some(v) = self.as_number(a) {
            return self.number(op.of(v));
        }
        match (op, self.get(a)) {
            (Unary::Neg, Term::Unary(Unary::Neg, inner)) | (Unary::Single, Term::Unary(Unary::Single, inner)) => {
                let same = if op == Unary::Neg { *inner } else { a };
                Ok(same)
            }
            // What is 0 or 1 is a single and whole already.
            (Unary::Single | Unary::Truncate, Term::Is(..) | Term::Above(..))
            | (Unary::Single | Unary::Truncate, Term::Unary(Unary::IsNan | Unary::Bool | Unary::Not, _)) => Ok(a),
            _ => self.intern(Term::Unary(op, a)),
        }
    }

    /// An operation on two terms. Numbers are worked out, and what changes nothing is left out.
    pub fn binary(&mut self, op: Binary, a: Id, b: Id, rounded: bool) -> Result<Id> {
        let round = |v: f64| if rounded { single(v) } else { v };
        match (op, self.as_number(a), self.as_number(b)) {
            (_, Some(x), Some(y)) => return self.number(round(op.of(x, y))),
            (Binary::Add | Binary::Sub, None, Some(0.0))
            | (Binary::Mul | Binary::Div | Binary::Pow, None, Some(1.0)) => {
                return Ok(a);
            }
            (Binary::Add, Some(0.0), None) | (Binary::Mul, Some(1.0), None) => return Ok(b),
            (Binary::Mul, None, Some(-1.0)) => return self.unary(Unary::Neg, a),
            (Binary::Mul, Some(-1.0), None) => return self.unary(Unary::Neg, b),
            (Binary::Sub, Some(0.0), None) => return self.unary(Unary::Neg, b),
            // A constant stands second, where the order does not matter.
            (Binary::Add | Binary::Mul, Some(_), None) => return self.intern(Term::Binary(op, b, a, rounded)),
            _ => {}
        }
        self.intern(Term::Binary(op, a, b, rounded))
    }

    /// A function of a list.
    pub fn fold(&mut self, op: Fold, ids: &[Id]) -> Result<Id> {
        match (op, ids) {
            (Fold::Sum | Fold::Max | Fold::Min, [only]) => return Ok(*only),
            (Fold::ArgMax | Fold::ArgMin, [_]) => return self.number(0.0),
            _ => {}
        }
        let numbers: Option<Vec<f64>> = ids.iter().map(|id| self.as_number(*id)).collect();
        if let (Some(numbers), Fold::Sum) = (numbers, op) {
            return self.number(numbers.iter().sum());
        }
        let list = self.listed(ids)?;
        self.intern(Term::Fold(op, list))
    }

    /// A matrix that [`Term::Dot`] may name.
    pub fn matrix(&mut self, matrix: Matrix) -> usize {
        self.matrices.push(matrix);
        self.matrices.len() - 1
    }

    /// What stands before a cast between kinds of floating point: casts of answers carry no meaning.
    pub fn uncast(&self, id: Id) -> Id {
        match self.get(id) {
            Term::Unary(Unary::Single, inner) => self.uncast(*inner),
            _ => id,
        }
    }

    /// What a term is, in a word, for errors.
    pub fn describe(&self, id: Id) -> String {
        match self.get(id) {
            Term::Number(bits) => format!("the constant {}", bits.value()),
            Term::Input { input, .. } => format!("input {input}"),
            Term::Unary(op, a) => format!("{op:?} of {}", self.outline(*a)),
            Term::Binary(op, a, b, _) => format!("{op:?} of {} and {}", self.outline(*a), self.outline(*b)),
            Term::Fold(op, list) => format!("{op:?} of {} values", self.list(*list).len()),
            _ => self.outline(id),
        }
    }

    fn outline(&self, id: Id) -> String {
        match self.get(id) {
            Term::Number(bits) => format!("{}", bits.value()),
            Term::Input { input, .. } => format!("input {input}"),
            Term::Unary(op, _) => format!("{op:?}"),
            Term::Binary(op, ..) => format!("{op:?}"),
            Term::Fold(op, _) => format!("{op:?}"),
            Term::Softmax(..) => "a softmax".into(),
            Term::Impute(..) => "an imputed value".into(),
            Term::Replace(..) => "a replaced value".into(),
            Term::Above(..) => "a binarized value".into(),
            Term::Clip(..) => "a clipped value".into(),
            Term::Is(..) => "a one-hot column".into(),
            Term::Lookup(..) => "an encoded label".into(),
            Term::Pick(..) => "an element that another value names".into(),
            Term::Dot(..) => "a linear combination".into(),
            Term::Answer(..) => "a model's answer".into(),
        }
    }
}

impl Unary {
    /// Its value.
    pub fn of(self, v: f64) -> f64 {
        let yes = |b: bool| f64::from(u8::from(b));
        match self {
            Unary::Single => single(v),
            Unary::Truncate => v.trunc(),
            Unary::Bool => yes(v != 0.0),
            Unary::Not => yes(v == 0.0),
            Unary::IsNan => yes(v.is_nan()),
            Unary::Neg => -v,
            Unary::Abs => v.abs(),
            Unary::Exp => math::exp(v),
            Unary::Log => math::ln(v),
            Unary::Sqrt => v.sqrt(),
            Unary::Relu => v.max(0.0),
            Unary::Tanh => math::tanh(v),
            Unary::Sigmoid => math::sigmoid(v),
        }
    }
}

impl Binary {
    /// Its value.
    pub fn of(self, a: f64, b: f64) -> f64 {
        match self {
            Binary::Add => a + b,
            Binary::Sub => a - b,
            Binary::Mul => a * b,
            Binary::Div => a / b,
            Binary::Pow => math::pow(a, b),
        }
    }
}
