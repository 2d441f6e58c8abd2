//! The exchange format as it stands in the file; what each part means is in the documentation of [`super`].

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub hedgerow_exchange: u32,
    #[serde(default)]
    pub library: Option<String>,
    #[serde(default)]
    pub facts: serde_json::Map<String, serde_json::Value>,
    pub inputs: Vec<Input>,
    pub classes: Vec<String>,
    pub estimator: Estimator,
    #[serde(default)]
    pub single: bool,
    #[serde(default)]
    pub notes: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    #[serde(default)]
    pub name: Option<String>,
    pub kind: Kind,
    #[serde(default)]
    pub required: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Kind {
    Number,
    Code,
    Flag,
    Category {
        levels: Vec<String>,
        #[serde(default)]
        admit_unknown: bool,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Estimator {
    #[serde(default)]
    pub columns: Vec<Column>,
    pub head: Head,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Column {
    pub input: usize,
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// Those of [`Step`](super::super::columns::Step), by the same names.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Step {
    Single,
    Impute(f64),
    Replace {
        marker: f64,
        #[serde(default)]
        value: Option<f64>,
    },
    SubDiv {
        offset: f64,
        scale: f64,
        #[serde(default)]
        single: bool,
    },
    SubMul {
        offset: f64,
        scale: f64,
        #[serde(default)]
        single: bool,
    },
    MulAdd {
        scale: f64,
        offset: f64,
        #[serde(default)]
        single: bool,
    },
    Clip {
        low: f64,
        high: f64,
    },
    Above(f64),
    IsMissing,
    Is(f64),
    IsNoneOf(Vec<f64>),
    Lookup {
        values: Vec<Option<f64>>,
        #[serde(default)]
        unknown: Option<f64>,
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Head {
    Trees(Forest),
    Logistic { coef: Rows, intercept: Vec<f64>, link: LinearLink },
    Svm(Svm),
    Mlp { activation: Activation, layers: Vec<Layer> },
    NaiveBayes { prior: Vec<f64>, mean: Rows, var: Rows },
    Stacking { members: Vec<StackingMember>, last: Box<Head> },
    Voting { members: Vec<VotingMember> },
    Calibrated { members: Vec<CalibratedMember> },
    Xgboost { model: String },
    Lightgbm { model: String },
}

/// A matrix, row by row.
pub(super) type Rows = Vec<Vec<f64>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Forest {
    pub link: ForestLink,
    #[serde(default)]
    pub base: Vec<f64>,
    #[serde(default)]
    pub single: bool,
    #[serde(default)]
    pub numbered: bool,
    pub trees: Vec<Tree>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tree {
    #[serde(default)]
    pub output: usize,
    pub feature: Vec<i64>,
    pub threshold: Vec<f64>,
    pub left: Vec<usize>,
    pub right: Vec<usize>,
    #[serde(default)]
    pub missing_left: Option<Vec<u8>>,
    pub value: Vec<f64>,
    #[serde(default)]
    pub categories: Vec<(usize, Vec<u32>)>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum ForestLink {
    Average,
    Identity,
    Sigmoid,
    Softmax,
    OneVsRest,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum LinearLink {
    Sigmoid,
    Softmax,
    OneVsRest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Svm {
    pub kernel: Kernel,
    pub support: Rows,
    pub n_support: Vec<u32>,
    pub dual_coef: Rows,
    pub intercept: Vec<f64>,
    #[serde(default)]
    pub prob_a: Option<Vec<f64>>,
    #[serde(default)]
    pub prob_b: Option<Vec<f64>>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Kernel {
    Linear,
    Rbf { gamma: f64 },
    Poly { gamma: f64, coef0: f64, degree: u32 },
    Sigmoid { gamma: f64, coef0: f64 },
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Activation {
    Relu,
    Tanh,
    Logistic,
    Identity,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Layer {
    pub weights: Rows,
    pub bias: Vec<f64>,
}

#[derive(Clone, Copy, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Method {
    PredictProba,
    DecisionFunction,
    Predict,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StackingMember {
    pub method: Method,
    pub estimator: Estimator,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VotingMember {
    pub weight: f64,
    pub estimator: Estimator,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CalibratedMember {
    pub calibrator: Calibrator,
    pub estimator: Estimator,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Calibrator {
    Platt { input: CalibratorInput, a: Vec<f64>, b: Vec<f64> },
    Isotonic { input: CalibratorInput, x: Rows, y: Rows },
    Temperature { input: CalibratorInput, inverse_temperature: f64 },
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CalibratorInput {
    Margin,
    Probability,
}
