//! From terms to columns: an input, and the steps that are taken with it.

use super::carry::Carry;
use super::tensor::Element;
use super::terms::{Binary, Id, Term, Unary};
use crate::error::Result;
use crate::import::columns::{Column, Step};
use crate::import::error;

/// Largest code that a table of a whole-number input may name.
const MAX_CODE: f64 = 65_535.0;
/// Steps on one input at most.
const MAX_STEPS: usize = 64;

impl Carry<'_> {
    /// The columns that terms are.
    pub fn columns(&self, ids: &[Id]) -> Result<Vec<Column>> {
        ids.iter().map(|id| self.column(*id)).collect()
    }

    /// Whether a term is a column.
    pub fn is_column(&self, id: Id) -> bool {
        self.column(id).is_ok()
    }

    /// The column that a term is.
    pub fn column(&self, id: Id) -> Result<Column> {
        let (input, reversed) = self.walk(id)?;
        let mut column = Column::raw(input);
        for step in reversed.into_iter().rev() {
            push(&mut column.steps, step);
        }
        Ok(column)
    }

    /// The input below a term, and the steps from the last to the first.
    fn walk(&self, mut id: Id) -> Result<(usize, Vec<Step>)> {
        let mut steps = Vec::new();
        let last = id;
        loop {
            if steps.len() > MAX_STEPS {
                return Err(self.blame(last, format!("more than {MAX_STEPS} steps are taken with one input")));
            }
            self.spend(1)?;
            id = match self.terms.get(id) {
                Term::Input { input, .. } => return Ok((*input, steps)),
                Term::Unary(op, a) => {
                    match op {
                        Unary::Single => steps.push(Step::Single),
                        Unary::Neg => steps.push(Step::MulAdd { scale: -1.0, offset: 0.0, single: false }),
                        Unary::IsNan => steps.push(Step::IsMissing),
                        Unary::Relu => steps.push(Step::Clip { low: 0.0, high: f64::MAX }),
                        // Whole numbers are asked for there: see the note that goes with them.
                        Unary::Truncate => {}
                        _ => return Err(self.no_column(id)),
                    }
                    *a
                }
                Term::Binary(op, a, b, single) => {
                    let single = *single;
                    match (op, self.terms.as_number(*a), self.terms.as_number(*b)) {
                        (Binary::Add, None, Some(offset)) if offset.is_finite() => {
                            steps.push(Step::MulAdd { scale: 1.0, offset, single });
                            *a
                        }
                        (Binary::Sub, None, Some(offset)) if offset.is_finite() => {
                            steps.push(Step::SubMul { offset, scale: 1.0, single });
                            *a
                        }
                        (Binary::Sub, Some(offset), None) if offset.is_finite() => {
                            steps.push(Step::MulAdd { scale: -1.0, offset, single });
                            *b
                        }
                        (Binary::Mul, None, Some(scale)) if usable(scale) => {
                            steps.push(Step::MulAdd { scale, offset: 0.0, single });
                            *a
                        }
                        (Binary::Div, None, Some(scale)) if usable(scale) => {
                            steps.push(Step::SubDiv { offset: 0.0, scale, single });
                            *a
                        }
                        _ => return Err(self.no_column(id)),
                    }
                }
                Term::Impute(a, value) if value.value().is_finite() => {
                    steps.push(Step::Impute { value: value.value() });
                    *a
                }
                Term::Replace(a, marker, value) => {
                    steps.push(Step::Replace { marker: marker.value(), value: value.value() });
                    *a
                }
                Term::Above(a, threshold) => {
                    // What is missing is not above.
                    steps.push(Step::Impute { value: 0.0 });
                    steps.push(Step::Above { threshold: threshold.value() });
                    *a
                }
                Term::Clip(a, low, high) => {
                    steps.push(Step::Clip { low: low.value(), high: high.value() });
                    *a
                }
                Term::Is(a, level) => {
                    steps.push(Step::Is(level.value()));
                    *a
                }
                Term::Lookup(a, table) => {
                    self.lookup(*table, *a, &mut steps)?;
                    *a
                }
                _ => return Err(self.no_column(id)),
            };
        }
    }

    /// A table as steps, the last first.
    fn lookup(&self, table: usize, of: Id, steps: &mut Vec<Step>) -> Result<()> {
        let table = &self.terms.tables[table];
        let text =
            matches!(self.terms.get(of), Term::Input { input, .. } if self.inputs[*input].element == Element::Str);
        let mut values = Vec::new();
        let mut missing = table.default;
        for (key, value) in &table.entries {
            if key.is_nan() {
                missing = *value;
                continue;
            }
            if !(0.0..=MAX_CODE).contains(key) || key.trunc() != *key {
                return Err(error(format!(
                    "a label encoder reads the number {key}; texts, and whole numbers from 0 to {MAX_CODE}, are understood"
                )));
            }
            let at = *key as usize;
            if values.len() <= at {
                values.resize(at + 1, table.default);
            }
            values[at] = *value;
        }
        if !text && !missing.is_nan() && values.iter().all(|v| !v.is_nan()) {
            steps.push(Step::Impute { value: missing });
        }
        steps.push(Step::Lookup { values, unknown: table.default });
        Ok(())
    }

    fn no_column(&self, id: Id) -> crate::error::Error {
        let what = self.terms.describe(id);
        self.blame(
            id,
            format!(
                "{what} is no step on one input: scaling, imputing, clipping, binarizing, one-hot and ordinal encoding are \
                 understood before a model (of several inputs together, a PCA before a linear model in f32 is, and a Normalizer is \
                 not: fit the model without it on features that are computed before, or in the schema's derived features)"
            ),
        )
    }

    /// Whether a term is a whole number in every record.
    pub fn whole(&self, id: Id) -> bool {
        match self.terms.get(id) {
            Term::Is(..) | Term::Above(..) => true,
            Term::Input { input, .. } => !matches!(self.inputs[*input].element, Element::F32 | Element::F64),
            Term::Unary(Unary::Single, a) => self.whole(*a),
            _ => false,
        }
    }
}

fn usable(scale: f64) -> bool {
    scale.is_finite() && scale != 0.0
}

/// A step more, joined with the last where that is one step of the same arithmetic.
fn push(steps: &mut Vec<Step>, step: Step) {
    let joined = match (steps.last(), &step) {
        (Some(Step::Single), Step::Single) => Some(Step::Single),
        (Some(Step::SubMul { offset, scale: 1.0, single: a }), Step::MulAdd { scale, offset: 0.0, single: b })
            if a == b =>
        {
            Some(Step::SubMul { offset: *offset, scale: *scale, single: *a })
        }
        (Some(Step::SubMul { offset, scale: 1.0, single: a }), Step::SubDiv { offset: 0.0, scale, single: b })
            if a == b =>
        {
            Some(Step::SubDiv { offset: *offset, scale: *scale, single: *a })
        }
        (Some(Step::MulAdd { scale, offset: 0.0, single: a }), Step::MulAdd { scale: 1.0, offset, single: b })
            if a == b =>
        {
            Some(Step::MulAdd { scale: *scale, offset: *offset, single: *a })
        }
        _ => None,
    };
    match joined {
        Some(joined) => {
            steps.pop();
            steps.push(joined);
        }
        None => steps.push(step),
    }
}
