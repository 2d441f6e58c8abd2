//! Support vector machines (`SVMClassifier`), as skl2onnx writes `SVC(probability=True)`.

use super::arrays::Array;
use super::carry::{Answers, Carry};
use super::node::Node;
use super::tensor::Element;
use super::terms::{Binary, Id, Term, Unary};
use crate::error::Result;
use crate::math::Matrix;
use crate::model::svm::{Kernel, Platt, Svm};

/// A machine. Its answers are probabilities, one per class; without `platt` there is one, its margin.
pub type Machine = Svm;

impl Carry<'_> {
    /// Its scores: probabilities, one per class. Of two classes without probabilities: the margin (`decision_function`) and its opposite,
    /// as onnxruntime gives them.
    pub fn svm(&mut self, node: &Node) -> Result<Array> {
        node.only(&[
            "classlabels_ints",
            "classlabels_strings",
            "coefficients",
            "kernel_params",
            "kernel_type",
            "post_transform",
            "prob_a",
            "prob_b",
            "rho",
            "support_vectors",
            "vectors_per_class",
        ])?;
        let array = self.array(node, 0)?;
        let array = self.cast(array, Element::F32, node)?;
        let (width, runs) = array.runs();
        let machine = machine(node, width)?;
        let n_classes = machine.n_support.len();
        let model = self.models.len();
        let mut ids: Vec<Id> = Vec::new();
        for run in runs {
            let list = self.terms.listed(run)?;
            if machine.platt.is_none() {
                let margin = self.terms.intern(Term::Answer(list, model, 0))?;
                ids.extend([margin, self.terms.unary(Unary::Neg, margin)?]);
            } else if n_classes == 2 {
                let p1 = self.terms.intern(Term::Answer(list, model, 1))?;
                let one = self.terms.number(1.0)?;
                ids.extend([self.terms.binary(Binary::Sub, one, p1, true)?, p1]);
            } else {
                for k in 0..n_classes {
                    ids.push(self.terms.intern(Term::Answer(list, model, k))?);
                }
            }
        }
        self.models.push(Answers::Machine(machine));
        Ok(Array { shape: vec![array.ids.len() / width.max(1), n_classes], ids, element: Element::F32 })
    }
}

fn machine(node: &Node, width: usize) -> Result<Machine> {
    let numbers = |name: &str| -> Result<Vec<f64>> {
        Ok(node.floats(name)?.unwrap_or_default().iter().map(|v| f64::from(*v)).collect())
    };
    let n_classes = super::labels(node).map_or(0, |l| l.len());
    let per_class = node.ints("vectors_per_class")?.ok_or_else(|| {
        node.error("it has no `vectors_per_class`: machines with support vectors are understood (SVC, not LinearSVC or LibSVM's linear form)")
    })?;
    let n_support: Option<Vec<u32>> = per_class.iter().map(|n| u32::try_from(*n).ok()).collect();
    let n_support = n_support.ok_or_else(|| node.error("attribute `vectors_per_class` holds a negative number"))?;
    let support = numbers("support_vectors")?;
    let rows = n_support.iter().map(|n| *n as usize).sum::<usize>();
    if n_support.len() != n_classes || n_classes < 2 || support.len() != rows * width {
        return Err(node.error(format!(
            "{} numbers of support vectors, {} classes with {rows} vectors, {n_classes} labels, {width} features",
            support.len(),
            n_support.len()
        )));
    }
    let pairs = n_classes * (n_classes - 1) / 2;
    let (dual, rho, prob_a, prob_b) =
        (numbers("coefficients")?, numbers("rho")?, numbers("prob_a")?, numbers("prob_b")?);
    let sure = !(prob_a.is_empty() && prob_b.is_empty());
    if !sure && n_classes > 2 {
        return Err(node
            .error("it gives decision values of pairs and no probabilities (no `prob_a`): fit SVC(probability=True)"));
    }
    let unlike = |v: &Vec<f64>| sure && v.len() != pairs;
    if dual.len() != (n_classes - 1) * rows || rho.len() != pairs || unlike(&prob_a) || unlike(&prob_b) {
        return Err(node.error(format!(
            "{} coefficients, {} rho, {} prob_a and {} prob_b for {pairs} pairs of classes and {rows} vectors",
            dual.len(),
            rho.len(),
            prob_a.len(),
            prob_b.len()
        )));
    }
    if node.str("post_transform", "NONE")? != "NONE" {
        return Err(node.error("attribute `post_transform` is not NONE, which is understood beside probabilities"));
    }
    let params = numbers("kernel_params")?;
    let [gamma, coef0, degree] = params[..] else {
        return Err(node.error("attribute `kernel_params` does not hold gamma, coef0 and degree"));
    };
    let kernel = match node.str("kernel_type", "LINEAR")? {
        "LINEAR" => Kernel::Linear,
        "RBF" => Kernel::Rbf { gamma },
        "POLY" if degree >= 0.0 && degree <= f64::from(u16::MAX) && degree.trunc() == degree => {
            Kernel::Poly { gamma, coef0, degree: degree as u32 }
        }
        "SIGMOID" => Kernel::Sigmoid { gamma, coef0 },
        other => {
            return Err(node.error(format!(
                "attribute `kernel_type` is {other} (degree {degree}); LINEAR, RBF, SIGMOID, and POLY with a whole degree, are understood"
            )));
        }
    };
    Ok(Svm {
        kernel,
        support: Matrix { rows, cols: width, data: support },
        dual_coef: Matrix { rows: n_classes - 1, cols: rows, data: dual },
        n_support,
        intercept: rho,
        platt: sure.then_some(Platt { a: prob_a, b: prob_b }),
    })
}
