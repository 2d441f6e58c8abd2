//! The classical operators (domain `ai.onnx.ml`), on terms: preprocessing and linear models. Trees are in [`super::ensemble`],
//! support vectors in [`super::svm`].

use super::arrays::{Array, Value, concat, gather};
use super::carry::Carry;
use super::node::{Attribute, Node};
use super::operators::Norm;
use super::tensor::{Data, Element, Tensor};
use super::terms::{Binary, Id, Table, Term, Unary};
use crate::error::Result;
use crate::math::Matrix;
use std::collections::HashSet;

impl Carry<'_> {
    /// One node: which of its outputs, and its value.
    pub fn classical(&mut self, node: &Node) -> Result<(usize, Array)> {
        Ok(match node.op.as_str() {
            "Scaler" => (0, self.scaler(node)?),
            "Imputer" => (0, self.imputer(node)?),
            "OneHotEncoder" => (0, self.one_hot(node)?),
            "LabelEncoder" => (0, self.label_encoder(node)?),
            "Normalizer" => (0, self.normalizer(node)?),
            "Binarizer" => {
                node.only(&["threshold"])?;
                let threshold = f64::from(node.float("threshold", 0.0)?);
                let array = self.float(node, 0)?;
                (0, self.each(array, |terms, id| terms.intern(Term::Above(id, threshold.into())))?)
            }
            "ArrayFeatureExtractor" => (0, self.extract(node)?),
            "FeatureVectorizer" => {
                node.only(&["inputdimensions"])?;
                let parts = (0..node.inputs.len()).map(|i| self.float(node, i)).collect::<Result<Vec<Array>>>()?;
                (0, concat(&parts, -1, node)?)
            }
            "LinearClassifier" => (1, self.linear_classifier(node)?),
            "LinearRegressor" => (0, self.linear_regressor(node)?),
            "SVMClassifier" => (1, self.svm(node)?),
            "TreeEnsembleClassifier" => (1, self.tree_classifier(node)?),
            "TreeEnsembleRegressor" => (0, self.tree_regressor(node)?),
            "TreeEnsemble" => (0, self.tree_ensemble(node)?),
            "ZipMap" => (0, self.array(node, 0)?),
            _ => {
                return Err(super::operators::unrecognised(node));
            }
        })
    }

    /// A value as `f32`, which these operators compute in.
    fn float(&mut self, node: &Node, i: usize) -> Result<Array> {
        let array = self.array(node, i)?;
        self.cast(array, Element::F32, node)
    }

    /// onnxruntime: of doubles `(x - offset) * scale` in `f64`, rounded then; of others all in `f32`.
    fn scaler(&mut self, node: &Node) -> Result<Array> {
        node.only(&["offset", "scale"])?;
        let mut array = self.array(node, 0)?;
        let double = array.element == Element::F64;
        if !double {
            array = self.cast(array, Element::F32, node)?;
        }
        let (width, _) = array.runs();
        let offsets = spread(node, "offset", node.floats("offset")?, width, 0.0)?;
        let scales = spread(node, "scale", node.floats("scale")?, width, 1.0)?;
        for (i, id) in array.ids.iter_mut().enumerate() {
            let (offset, scale) = (self.terms.number(offsets[i % width])?, self.terms.number(scales[i % width])?);
            let centred = self.terms.binary(Binary::Sub, *id, offset, !double)?;
            *id = self.terms.binary(Binary::Mul, centred, scale, !double)?;
            if double {
                *id = self.terms.unary(Unary::Single, *id)?;
            }
        }
        Ok(Array { element: Element::F32, ..array })
    }

    fn imputer(&mut self, node: &Node) -> Result<Array> {
        node.only(&["imputed_value_floats", "imputed_value_int64s", "replaced_value_float", "replaced_value_int64"])?;
        let mut array = self.array(node, 0)?;
        let (width, _) = array.runs();
        let whole: Option<Vec<f32>> = node.ints("imputed_value_int64s")?.map(|v| v.iter().map(|x| *x as f32).collect());
        let (values, marker) = match (array.element, whole) {
            (Element::I32 | Element::I64, Some(whole)) => {
                (whole, node.int_opt("replaced_value_int64")?.unwrap_or_default() as f64)
            }
            (Element::F32 | Element::F64, None) => {
                let values = node.need("imputed_value_floats", node.floats("imputed_value_floats")?)?;
                (values.to_vec(), f64::from(node.float("replaced_value_float", 0.0)?))
            }
            _ => return Err(node.error("its values and what it replaces are not of the type of its input")),
        };
        let values = spread(node, "imputed values", Some(&values), width, 0.0)?;
        for (i, id) in array.ids.iter_mut().enumerate() {
            let value = values[i % width].into();
            let term =
                if marker.is_nan() { Term::Impute(*id, value) } else { Term::Replace(*id, marker.into(), value) };
            *id = self.terms.intern(term)?;
        }
        Ok(array)
    }

    /// The index of a level of a text, known from now on.
    fn level(&mut self, node: &Node, id: Id, text: &str) -> Result<f64> {
        let Term::Input { input, .. } = *self.terms.get(id) else {
            return Err(node.error(format!("{} is encoded as text; inputs are", self.terms.describe(id))));
        };
        let texts = &mut self.inputs[input].texts;
        let at = *texts.places.entry(text.to_owned()).or_insert_with(|| {
            texts.levels.push(text.to_owned());
            texts.levels.len() - 1
        });
        Ok(at as f64)
    }

    /// Other texts than these have no answer.
    fn close(&mut self, id: Id) {
        if let Term::Input { input, .. } = *self.terms.get(id) {
            self.inputs[input].texts.closed = true;
        }
    }

    fn one_hot(&mut self, node: &Node) -> Result<Array> {
        node.only(&["cats_int64s", "cats_strings", "zeros"])?;
        let array = self.array(node, 0)?;
        let zeros = node.flag("zeros", true)?;
        let (texts, codes) = (node.strs("cats_strings")?, node.ints("cats_int64s")?);
        let mut ids = Vec::new();
        let width = match (texts, codes, array.element) {
            (Some(texts), None, Element::Str) => {
                for id in &array.ids {
                    for text in texts {
                        let level = self.level(node, *id, text)?;
                        ids.push(self.terms.intern(Term::Is(*id, level.into()))?);
                    }
                    if !zeros {
                        self.close(*id);
                    }
                }
                texts.len()
            }
            (None, Some(codes), element) if element != Element::Str => {
                let whole = self.cast(array.clone(), Element::I64, node)?;
                for id in whole.ids {
                    for code in codes {
                        ids.push(self.terms.intern(Term::Is(id, (*code as f64).into()))?);
                    }
                }
                codes.len()
            }
            _ => {
                return Err(node.error("it has categories of one type, that of its input: cats_strings or cats_int64s"));
            }
        };
        let mut shape = array.shape;
        shape.push(width);
        Ok(Array { shape, ids, element: Element::F32 })
    }

    fn label_encoder(&mut self, node: &Node) -> Result<Array> {
        let array = self.array(node, 0)?;
        let values = self.encoded(node)?;
        let keys = match array.element {
            Element::Str => match keys(node, "keys_strings", "keys_tensor")? {
                Some(keys) => Some(keys),
                // Version 1: texts by their place.
                None => node.strs("classes_strings")?.map(|c| Data::Str(c.to_vec())),
            },
            Element::F32 | Element::F64 => keys(node, "keys_floats", "keys_tensor")?,
            _ => keys(node, "keys_int64s", "keys_tensor")?,
        };
        let keys = keys.ok_or_else(|| node.error("it has no keys of the type of its input"))?;
        let (values, default, element) = match (values, &keys) {
            (Some(found), _) => found,
            (None, keys) => {
                let default = node.int("default_int64", -1)? as f64;
                ((0..keys.len()).map(|i| i as f64).collect(), default, Element::I64)
            }
        };
        if values.len() != keys.len() {
            return Err(node.error(format!("it has {} keys, but {} values", keys.len(), values.len())));
        }
        let mut ids = Vec::with_capacity(array.ids.len());
        for id in &array.ids {
            self.spend(keys.len())?;
            let mut entries: Vec<(f64, f64)> = Vec::with_capacity(keys.len());
            let mut seen = HashSet::new();
            let numbers = Tensor { shape: vec![keys.len()], data: keys.clone() }.to_f64();
            for (k, value) in values.iter().enumerate() {
                let key = match (&keys, &numbers) {
                    (Data::Str(texts), _) => self.level(node, *id, &texts[k])?,
                    (_, Some(numbers)) => numbers[k],
                    _ => return Err(node.error("a key is a whole number above 2^53")),
                };
                // Of keys that are there twice, onnxruntime keeps the first.
                if seen.insert(key.to_bits()) {
                    entries.push((key, *value));
                }
            }
            let table = Table { entries, default };
            let at = self.terms.tables.iter().position(|t| *t == table).unwrap_or_else(|| {
                self.terms.tables.push(table);
                self.terms.tables.len() - 1
            });
            ids.push(self.terms.intern(Term::Lookup(*id, at))?);
        }
        Ok(Array { shape: array.shape, ids, element })
    }

    /// Values of a `LabelEncoder`, the one for other keys, and their type; `None`: the places of the keys.
    fn encoded(&self, node: &Node) -> Result<Option<(Vec<f64>, f64, Element)>> {
        if let Some(values) = node.ints("values_int64s")? {
            let default = node.int("default_int64", -1)? as f64;
            return Ok(Some((values.iter().map(|v| *v as f64).collect(), default, Element::I64)));
        }
        if let Some(values) = node.floats("values_floats")? {
            let default = f64::from(node.float("default_float", 0.0)?);
            return Ok(Some((values.iter().map(|v| f64::from(*v)).collect(), default, Element::F32)));
        }
        if let Some(values) = node.tensor("values_tensor")? {
            let numbers = values.to_f64();
            let default = match node.tensor("default_tensor")? {
                Some(tensor) => tensor.to_f64().and_then(|v| v.first().copied()),
                None if matches!(values.element(), Element::F32 | Element::F64) => Some(0.0),
                None => Some(-1.0),
            };
            let (Some(numbers), Some(default)) = (numbers, default) else {
                return Err(node.error("it encodes to texts; numbers are understood on the way to probabilities"));
            };
            return Ok(Some((numbers, default, values.element())));
        }
        if node.strs("values_strings")?.is_some() {
            return Err(node.error("it encodes to texts; numbers are understood on the way to probabilities"));
        }
        Ok(None)
    }

    fn normalizer(&mut self, node: &Node) -> Result<Array> {
        node.only(&["norm"])?;
        let array = self.float(node, 0)?;
        let norm = node.str("norm", "MAX")?;
        let norm = match norm {
            "L1" => Norm::L1,
            "L2" => Norm::L2,
            "MAX" => Norm::Largest,
            other => return Err(node.error(format!("attribute `norm` is {other}; L1, L2 and MAX are understood"))),
        };
        self.divided(&array, norm)
    }

    fn extract(&mut self, node: &Node) -> Result<Array> {
        node.only(&[])?;
        if let Value::Varying(mut index) = self.value(node, 1)? {
            index.shape = vec![1, index.ids.len()];
            return self.pick(node, index);
        }
        let (array, (indices, _)) = (self.array(node, 0)?, self.integers(node, 1)?);
        let made = gather(&array, -1, &indices, &[indices.len()], node)?;
        match made.shape[..] {
            [n] => made.shaped(vec![1, n], node),
            _ => Ok(made),
        }
    }

    /// `coefficients` (one run per score) times the input, plus `intercepts`.
    fn linear(&mut self, node: &Node, array: &Array, scores: usize) -> Result<Vec<Vec<Id>>> {
        let (width, runs) = array.runs();
        let coefficients = node.need("coefficients", node.floats("coefficients")?)?;
        if scores > coefficients.len() {
            return Err(node.error(format!("{scores} scores, but {} coefficients", coefficients.len())));
        }
        let intercepts = node.floats("intercepts")?.map_or_else(|| vec![0.0; scores], <[f32]>::to_vec);
        if coefficients.len() != scores * width || intercepts.len() != scores {
            return Err(node.error(format!(
                "{} coefficients and {} intercepts for {scores} scores of {width} features",
                coefficients.len(),
                intercepts.len()
            )));
        }
        self.spend(coefficients.len())?;
        let data = coefficients.iter().map(|v| f64::from(*v)).collect();
        let matrix = self.terms.matrix(Matrix { rows: scores, cols: width, data });
        let mut out = Vec::new();
        for run in runs {
            let list = self.terms.listed(run)?;
            let mut row = Vec::with_capacity(scores);
            for (k, intercept) in intercepts.iter().enumerate() {
                let dot = self.terms.intern(Term::Dot(list, matrix, k))?;
                let intercept = self.terms.number(f64::from(*intercept))?;
                row.push(self.terms.binary(Binary::Add, dot, intercept, true)?);
            }
            out.push(row);
        }
        Ok(out)
    }

    fn linear_classifier(&mut self, node: &Node) -> Result<Array> {
        node.only(&[
            "classlabels_ints",
            "classlabels_strings",
            "coefficients",
            "intercepts",
            "multi_class",
            "post_transform",
        ])?;
        let array = self.float(node, 0)?;
        let n_classes = super::labels(node).map_or(0, |l| l.len());
        let (width, _) = array.runs();
        let coefficients = node.need("coefficients", node.floats("coefficients")?)?;
        let scores = coefficients.len() / width.max(1);
        let post = node.str("post_transform", "NONE")?;
        if scores != n_classes && !(scores == 1 && n_classes == 2) {
            return Err(node.error(format!("{scores} scores for {n_classes} classes")));
        }
        // Two classes with opposite scores are one score.
        let half = coefficients.len() / 2;
        let opposite = |v: &[f32], half: usize| v[..half].iter().zip(&v[half..]).all(|(a, b)| *a == -*b);
        let intercepts = node.floats("intercepts")?.unwrap_or_default();
        let opposite =
            scores == 2 && opposite(coefficients, half) && (intercepts.len() != 2 || opposite(intercepts, 1));
        let rows = self.linear(node, &array, scores)?;
        let mut ids = Vec::new();
        for row in rows {
            let row = match (&row[..], opposite) {
                ([only], _) if post == "LOGISTIC" => self.both(*only)?,
                ([_], _) => {
                    return Err(node.error(format!(
                        "one score for two classes with post_transform {post}; LOGISTIC is understood"
                    )));
                }
                ([_, second], true) if post == "LOGISTIC" => self.both(*second)?,
                _ => self.post_transform(node, post, row)?,
            };
            ids.extend(row);
        }
        Ok(Array { shape: vec![array.ids.len() / width.max(1), n_classes], ids, element: Element::F32 })
    }

    fn linear_regressor(&mut self, node: &Node) -> Result<Array> {
        node.only(&["coefficients", "intercepts", "post_transform", "targets"])?;
        let array = self.float(node, 0)?;
        let targets = usize::try_from(node.int("targets", 1)?).unwrap_or(0);
        let (width, _) = array.runs();
        let rows = self.linear(node, &array, targets)?;
        let post = node.str("post_transform", "NONE")?;
        let mut ids = Vec::new();
        for row in rows {
            ids.extend(self.post_transform(node, post, row)?);
        }
        Ok(Array { shape: vec![array.ids.len() / width.max(1), targets], ids, element: Element::F32 })
    }

    /// The sigmoid of a score, and what is left to 1 before it.
    pub fn both(&mut self, score: Id) -> Result<Vec<Id>> {
        let p1 = self.terms.unary(Unary::Sigmoid, score)?;
        let one = self.terms.number(1.0)?;
        Ok(vec![self.terms.binary(Binary::Sub, one, p1, true)?, p1])
    }

    /// What a model of several scores does to them.
    pub fn post_transform(&mut self, node: &Node, post: &str, scores: Vec<Id>) -> Result<Vec<Id>> {
        match post {
            "NONE" => Ok(scores),
            "LOGISTIC" => scores.into_iter().map(|s| self.terms.unary(Unary::Sigmoid, s)).collect(),
            "SOFTMAX" => {
                let list = self.terms.listed(&scores)?;
                (0..scores.len()).map(|k| self.terms.intern(Term::Softmax(list, k))).collect()
            }
            other => Err(node.error(format!(
                "attribute `post_transform` is {other}, which is not understood: NONE, LOGISTIC and SOFTMAX are"
            ))),
        }
    }
}

/// A number for each of `width` columns, where one may stand for all.
fn spread(node: &Node, name: &str, given: Option<&[f32]>, width: usize, default: f64) -> Result<Vec<f64>> {
    match given {
        None => Ok(vec![default; width]),
        Some([only]) => Ok(vec![f64::from(*only); width]),
        Some(all) if all.len() == width => Ok(all.iter().map(|v| f64::from(*v)).collect()),
        Some(all) => Err(node.error(format!("{} numbers of {name} for {width} features", all.len()))),
    }
}

/// Keys of a `LabelEncoder`.
fn keys(node: &Node, list: &str, tensor: &str) -> Result<Option<Data>> {
    Ok(match (node.attribute(list), node.tensor(tensor)?) {
        (Some(Attribute::Strs(v)), _) => Some(Data::Str(v.clone())),
        (Some(Attribute::Floats(v)), _) => Some(Data::F32(v.clone())),
        (Some(Attribute::Ints(v)), _) => Some(Data::I64(v.clone())),
        (_, Some(tensor)) => Some(tensor.data.clone()),
        _ => None,
    })
}
