//! What a library does to an input before its model reads it: a chain of steps on one value.
//!
//! [`Column::value`] is the meaning; `lower` compiles it, into encoders for models that add and multiply, into the tests themselves for
//! trees.

/// One feature of a model: an input, and the steps taken with it, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Index into the inputs.
    pub input: usize,
    /// None: the input as it is.
    pub steps: Vec<Step>,
}

/// A step from one value to the next. NaN is missing and stays so, unless a step says otherwise.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Rounds to `f32`.
    Single,
    /// Missing becomes `value` (`SimpleImputer.statistics_`); a category's `value` is a level's index.
    Impute {
        /// What replaces it.
        value: f64,
    },
    /// `marker` becomes `value` (`SimpleImputer(missing_values=marker)`, ONNX's `replaced_value_float`). Missing stays missing.
    Replace {
        /// What is replaced.
        marker: f64,
        /// What replaces it; NaN: missing.
        value: f64,
    },
    /// Values of `low..=high` become missing (LightGBM's `zero_as_missing`: what is almost zero).
    Blank {
        /// Smallest.
        low: f64,
        /// Largest.
        high: f64,
    },
    /// `(v - offset) / scale` (`StandardScaler`, `RobustScaler`), `scale` not 0.
    SubDiv {
        /// Subtracted first.
        offset: f64,
        /// Divided by then.
        scale: f64,
        /// Each operation rounds to `f32`.
        single: bool,
    },
    /// `(v - offset) * scale` (ONNX `Scaler`), `scale` not 0.
    SubMul {
        /// Subtracted first.
        offset: f64,
        /// Multiplied by then.
        scale: f64,
        /// Each operation rounds to `f32`.
        single: bool,
    },
    /// `v * scale + offset` (`MinMaxScaler.scale_`, `.min_`), `scale` not 0.
    MulAdd {
        /// Multiplied by first.
        scale: f64,
        /// Added then.
        offset: f64,
        /// Each operation rounds to `f32`.
        single: bool,
    },
    /// Within `low..=high` (`MinMaxScaler(clip=True)`).
    Clip {
        /// Smallest.
        low: f64,
        /// Largest.
        high: f64,
    },
    /// 1 where `v > threshold`, else 0 (`Binarizer`).
    Above {
        /// The threshold.
        threshold: f64,
    },
    /// 1 where missing, else 0 (`MissingIndicator`).
    IsMissing,
    /// 1 where the value is this (a category: the index of a level), else 0, also where missing (one column of a `OneHotEncoder`).
    Is(f64),
    /// 1 where the value is none of these, else 0; 0 where missing.
    IsNoneOf(Vec<f64>),
    /// `values[index]` of a category; `unknown` for any other index; missing stays missing (`OrdinalEncoder`).
    Lookup {
        /// By level index.
        values: Vec<f64>,
        /// For an unknown level; NaN: missing.
        unknown: f64,
    },
}

impl Column {
    /// The input as it is.
    pub fn raw(input: usize) -> Column {
        Column { input, steps: Vec::new() }
    }

    /// With one more step.
    #[must_use]
    pub fn then(mut self, step: Step) -> Column {
        self.steps.push(step);
        self
    }

    /// What the model is given where the input's slot holds `v`.
    pub fn value(&self, v: f64) -> f64 {
        self.steps.iter().fold(v, |v, step| step.value(v))
    }
}

impl Step {
    /// Whether a larger value that is not missing never becomes a smaller one, or never a larger one ([`falls`](Self::falls)).
    pub fn is_monotone(&self) -> bool {
        match self {
            Step::Single | Step::Impute { .. } | Step::Clip { .. } | Step::Above { .. } | Step::IsMissing => true,
            Step::SubDiv { scale, .. } | Step::SubMul { scale, .. } | Step::MulAdd { scale, .. } => *scale != 0.0,
            Step::Replace { .. } | Step::Blank { .. } | Step::Is(_) | Step::IsNoneOf(_) | Step::Lookup { .. } => false,
        }
    }

    /// Whether a larger value becomes a smaller one.
    pub fn falls(&self) -> bool {
        match self {
            Step::SubDiv { scale, .. } | Step::SubMul { scale, .. } | Step::MulAdd { scale, .. } => *scale < 0.0,
            _ => false,
        }
    }

    /// Whether it only adds and multiplies.
    pub fn is_arithmetic(&self) -> bool {
        matches!(self, Step::SubDiv { .. } | Step::SubMul { .. } | Step::MulAdd { .. })
    }

    /// What becomes of `v`.
    pub fn value(&self, v: f64) -> f64 {
        let yes = |b: bool| f64::from(u8::from(b));
        match self {
            Step::IsMissing => return yes(v.is_nan()),
            Step::Is(level) => return yes(v == *level),
            Step::IsNoneOf(levels) => return yes(!v.is_nan() && !levels.contains(&v)),
            Step::Impute { value } if v.is_nan() => return *value,
            _ if v.is_nan() => return v,
            _ => {}
        }
        let round = |single: bool, v: f64| if single { f64::from(v as f32) } else { v };
        match self {
            Step::Single => round(true, v),
            Step::Replace { marker, value } if v == *marker => *value,
            Step::Blank { low, high } if (*low..=*high).contains(&v) => f64::NAN,
            Step::SubDiv { offset, scale, single } => {
                round(*single, round(*single, round(*single, v) - offset) / scale)
            }
            Step::SubMul { offset, scale, single } => {
                round(*single, round(*single, round(*single, v) - offset) * scale)
            }
            Step::MulAdd { scale, offset, single } => {
                round(*single, round(*single, round(*single, v) * scale) + offset)
            }
            Step::Clip { low, high } => v.max(*low).min(*high),
            Step::Above { threshold } => yes(v > *threshold),
            Step::Lookup { values, unknown } => {
                let level = v as usize;
                if level as f64 == v { values.get(level).copied().unwrap_or(*unknown) } else { *unknown }
            }
            Step::Impute { .. }
            | Step::Replace { .. }
            | Step::Blank { .. }
            | Step::IsMissing
            | Step::Is(_)
            | Step::IsNoneOf(_) => v,
        }
    }
}
