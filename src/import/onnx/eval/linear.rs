//! Products of matrices, and the linear and support vector models of `ai.onnx.ml`.

use super::broadcast::{Walk, common, expand, pick, stretched};
use super::number::{Number, not, same, typed};
use super::scores::{Post, labels, logistic, shared};
use super::{Call, Value};
use crate::error::Result;
use crate::import::error;
use crate::import::onnx::tensor::{Data, Tensor};
use crate::math;

/// `sum_k a[k * step_a] * b[k * step_b]`: products and sums in `f64`, rounded at the end; whole numbers wrap.
fn dot<T: Number>(n: usize, (a, step_a): (&[T], usize), (b, step_b): (&[T], usize)) -> T {
    if matches!(T::pack(Vec::new()), Data::I32(_) | Data::I64(_)) {
        return (0..n).fold(T::ZERO, |sum, k| sum.add(a[k * step_a].mul(b[k * step_b])));
    }
    T::of_f64((0..n).map(|k| a[k * step_a].to_f64() * b[k * step_b].to_f64()).sum())
}

/// numpy's `matmul`.
pub(super) fn matmul(call: &Call) -> Result<Tensor> {
    call.at_most(2)?;
    call.node.only(&[])?;
    let (a, b) = (call.input(0)?, call.input(1)?);
    if a.shape.is_empty() || b.shape.is_empty() {
        return Err(error("one value is no matrix"));
    }
    // A vector is a row on the left, a column on the right.
    let left = if a.shape.len() == 1 { vec![1, a.shape[0]] } else { a.shape.clone() };
    let right = if b.shape.len() == 1 { vec![b.shape[0], 1] } else { b.shape.clone() };
    let ((stack_a, core_a), (stack_b, core_b)) = (left.split_at(left.len() - 2), right.split_at(right.len() - 2));
    let (m, k, n) = (core_a[0], core_a[1], core_b[1]);
    if k != core_b[0] {
        return Err(error(format!("matrices of shapes {:?} and {:?} do not fit each other", a.shape, b.shape)));
    }
    let stack = common(stack_a, stack_b)?;
    let mut shape = stack.clone();
    if a.shape.len() > 1 {
        shape.push(m);
    }
    if b.shape.len() > 1 {
        shape.push(n);
    }
    call.work.take(call.room(&shape)?.saturating_mul(k))?;
    fn products<T: Number>(
        v: &[T],
        b: &Tensor,
        stack: &[usize],
        (stack_a, stack_b): (&[usize], &[usize]),
        (m, k, n): (usize, usize, usize),
    ) -> Result<Data> {
        let w = same::<T>(&b.data)?;
        let places = |from: &[usize]| Walk::new(stack, stretched(from, stack), 0);
        let mut out = Vec::new();
        for (i, j) in places(stack_a).zip(places(stack_b)) {
            let (x, y) = (&v[i * m * k..], &w[j * k * n..]);
            for row in 0..m {
                for column in 0..n {
                    out.push(if k == 0 { T::ZERO } else { dot(k, (&x[row * k..], 1), (&y[column..], n)) });
                }
            }
        }
        Ok(T::pack(out))
    }
    let data = typed!(&a.data, v => products(v, b, &stack, (stack_a, stack_b), (m, k, n)))?;
    call.make(shape, data)
}

/// `alpha A B + beta C`.
pub(super) fn gemm(call: &Call) -> Result<Tensor> {
    call.at_most(3)?;
    if call.node.opset < 7 {
        return Err(error("Gemm of versions before 7 is not understood"));
    }
    call.node.only(&["alpha", "beta", "transA", "transB"])?;
    let (a, b) = (call.input(0)?, call.input(1)?);
    let (alpha, beta) = (call.node.float("alpha", 1.0)?, call.node.float("beta", 1.0)?);
    let ([ar, ac], [br, bc]) = (a.shape.as_slice(), b.shape.as_slice()) else {
        return Err(error(format!("shapes {:?} and {:?} are not those of matrices", a.shape, b.shape)));
    };
    let (ta, tb) = (call.node.int("transA", 0)? != 0, call.node.int("transB", 0)? != 0);
    let ((m, k), (k2, n)) = (if ta { (*ac, *ar) } else { (*ar, *ac) }, if tb { (*bc, *br) } else { (*br, *bc) });
    if k != k2 {
        return Err(error(format!("matrices of shapes {:?} and {:?} do not fit each other", a.shape, b.shape)));
    }
    let shape = vec![m, n];
    call.work.take(call.room(&shape)?.saturating_mul(k))?;
    let c = match call.optional(2) {
        None => None,
        Some(c) if common(&c.shape, &shape)? == shape => Some(expand(call, c, shape.clone())?),
        Some(c) => return Err(error(format!("shape {:?} does not stretch to {shape:?}", c.shape))),
    };
    fn products<T: Number>(
        v: &[T],
        b: &Tensor,
        c: Option<&Tensor>,
        (m, k, n): (usize, usize, usize),
        (ta, tb): (bool, bool),
        (alpha, beta): (f64, f64),
    ) -> Result<Data> {
        let w = same::<T>(&b.data)?;
        let c = c.map(|c| same::<T>(&c.data)).transpose()?;
        let mut out = Vec::with_capacity(m * n);
        for row in 0..m {
            for column in 0..n {
                let x = if ta { (&v[row.min(v.len())..], m) } else { (&v[row * k..], 1) };
                let y = if tb { (&w[column * k..], 1) } else { (&w[column.min(w.len())..], n) };
                let product: T = dot(k, x, y);
                let scaled = T::of_f64(alpha * product.to_f64());
                out.push(match c {
                    Some(c) => scaled.add(T::of_f64(beta * c[row * n + column].to_f64())),
                    None => scaled,
                });
            }
        }
        Ok(T::pack(out))
    }
    let scales = (f64::from(alpha), f64::from(beta));
    let data = typed!(&a.data, v => products(v, b, c.as_ref(), (m, k, n), (ta, tb), scales))?;
    call.make(shape, data)
}

/// Rows of `f32` numbers, to which these models cast what they are given: the number of rows and of columns.
pub(super) fn rows(call: &Call) -> Result<(Vec<f32>, usize, usize)> {
    let x = call.input(0)?;
    let (rows, columns) = match x.shape.as_slice() {
        [n] => (1, *n),
        [rows, columns] => (*rows, *columns),
        other => return Err(error(format!("its input has shape {other:?} in place of rows x columns"))),
    };
    let Data::F32(values) = super::elementwise::converted(&x.data, crate::import::onnx::tensor::Element::F32)? else {
        return Err(not(&x.data, "numbers"));
    };
    Ok((values, rows, columns))
}

/// Scores of each row: `x . coefficients[t] + intercepts[t]`.
fn linear(call: &Call, targets: usize) -> Result<(Vec<Vec<f32>>, usize)> {
    let (x, n, columns) = rows(call)?;
    let coefficients = call.node.need("coefficients", call.node.floats("coefficients")?)?;
    let intercepts = call.node.floats("intercepts")?.filter(|v| !v.is_empty());
    if coefficients.len() != targets.saturating_mul(columns) {
        return Err(error(format!(
            "attribute `coefficients` has {} numbers in place of {targets} x {columns}",
            coefficients.len()
        )));
    }
    if intercepts.is_some_and(|v| v.len() != targets) {
        return Err(error(format!("attribute `intercepts` has not {targets} numbers")));
    }
    call.work.take(n.saturating_mul(coefficients.len()))?;
    let score = |row: usize, t: usize| {
        let product: f32 = dot(columns, (&x[row * columns..], 1), (&coefficients[t * columns..], 1));
        product + intercepts.map_or(0.0, |v| v[t])
    };
    call.room(&[n, targets])?;
    Ok(((0..n).map(|row| (0..targets).map(|t| score(row, t)).collect()).collect(), n))
}

pub(super) fn regressor(call: &Call) -> Result<Tensor> {
    call.at_most(1)?;
    call.node.only(&["coefficients", "intercepts", "post_transform", "targets"])?;
    let post = Post::of(call.node)?;
    let targets = usize::try_from(call.node.int("targets", 1)?).map_err(|_| error("attribute `targets` is below 1"))?;
    post.none_of_one(targets)?;
    let (mut scores, n) = linear(call, targets)?;
    scores.iter_mut().for_each(|s| post.apply(s));
    call.make(vec![n, targets], Data::F32(scores.concat()))
}

/// Rows of scores, and the label of each by its index.
pub(super) fn classified(call: &Call, labels: &Data, chosen: Vec<usize>, scores: Vec<Vec<f32>>) -> Result<Vec<Value>> {
    let (n, width) = (scores.len(), scores.first().map_or(labels.len(), Vec::len));
    call.room(&[n, width])?;
    Ok(vec![
        Value::Tensor(Tensor::vector(pick(labels, chosen.into_iter())?)?),
        Value::Tensor(call.make(vec![n, width], Data::F32(scores.concat()))?),
    ])
}

/// The first of the largest.
pub(super) fn largest(scores: &[f32]) -> usize {
    (1..scores.len()).fold(0, |best, i| if scores[i] > scores[best] { i } else { best })
}

pub(super) fn classifier(call: &Call) -> Result<Vec<Value>> {
    call.at_most(1)?;
    call.node.only(&[
        "classlabels_ints",
        "classlabels_strings",
        "coefficients",
        "intercepts",
        "multi_class",
        "post_transform",
    ])?;
    let post = Post::of(call.node)?;
    let labels = labels(call.node, "classlabels_ints", "classlabels_strings")?;
    // onnxruntime counts the scores by the intercepts.
    let (_, _, columns) = rows(call)?;
    let coefficients = call.node.need("coefficients", call.node.floats("coefficients")?)?.len();
    let targets = match call.node.floats("intercepts")? {
        Some(intercepts) if !intercepts.is_empty() => intercepts.len(),
        _ => coefficients.checked_div(columns).unwrap_or(0),
    };
    if !(targets == labels.len() || (targets == 1 && labels.len() == 2)) {
        return Err(error(format!("{targets} scores for {} classes: each has one, or two share one", labels.len())));
    }
    let (mut scores, _) = linear(call, targets)?;
    let mut chosen = Vec::with_capacity(scores.len());
    for row in &mut scores {
        if targets == 1 && labels.len() == 2 {
            chosen.push(usize::from(row[0] > 0.0));
            *row = shared(row[0], true, post)?;
        } else {
            chosen.push(largest(row));
            post.apply(row);
        }
    }
    classified(call, &labels, chosen, scores)
}

/// The kernel of each row with each vector. Large coefficients make much of its rounding, so it is not rounded to `f32`.
fn kernels(call: &Call, x: &[f32], rows: usize, columns: usize, vectors: &[f32]) -> Result<Vec<Vec<f64>>> {
    let (gamma, coef0, degree) = match call.node.floats("kernel_params")? {
        Some([gamma, coef0, degree]) => (f64::from(*gamma), f64::from(*coef0), f64::from(*degree)),
        Some([]) | None => (0.0, 0.0, 0.0),
        Some(other) => {
            return Err(error(format!("attribute `kernel_params` has {} numbers in place of 3", other.len())));
        }
    };
    let n = vectors.len() / columns.max(1);
    call.work.take(rows.saturating_mul(vectors.len()))?;
    let kind = call.node.str("kernel_type", "LINEAR")?;
    let kernel = |a: &[f32], b: &[f32]| -> Result<f64> {
        let pairs = || a.iter().zip(b).map(|(x, y)| (f64::from(*x), f64::from(*y)));
        let product = || pairs().map(|(x, y)| x * y).sum::<f64>();
        Ok(match kind {
            "LINEAR" => product(),
            "RBF" => {
                let distance: f64 = pairs().map(|(x, y)| (x - y) * (x - y)).sum();
                math::exp(-gamma * distance)
            }
            "POLY" => math::pow(gamma * product() + coef0, degree),
            "SIGMOID" => math::tanh(gamma * product() + coef0),
            other => {
                return Err(error(format!("attribute `kernel_type` is `{other}`; known: LINEAR, POLY, RBF, SIGMOID")));
            }
        })
    };
    call.room(&[rows, n])?;
    (0..rows)
        .map(|r| {
            (0..n)
                .map(|v| kernel(&x[r * columns..(r + 1) * columns], &vectors[v * columns..(v + 1) * columns]))
                .collect()
        })
        .collect()
}

pub(super) fn svm_regressor(call: &Call) -> Result<Tensor> {
    call.at_most(1)?;
    call.node.only(&[
        "coefficients",
        "kernel_params",
        "kernel_type",
        "n_supports",
        "one_class",
        "post_transform",
        "rho",
        "support_vectors",
    ])?;
    let node = call.node;
    let (x, n, columns) = rows(call)?;
    let coefficients = node.need("coefficients", node.floats("coefficients")?)?;
    let [rho] = node.need("rho", node.floats("rho")?)? else { return Err(error("attribute `rho` has not one number")) };
    let supports =
        usize::try_from(node.int("n_supports", 0)?).map_err(|_| error("attribute `n_supports` is below 0"))?;
    Post::of(node)?.none_of_one(1)?;
    let (kernels, wanted): (Vec<Vec<f32>>, usize) = match supports {
        0 if node.str("kernel_type", "LINEAR")? == "LINEAR" => {
            (x.chunks(columns.max(1)).map(<[f32]>::to_vec).collect(), columns)
        }
        0 => return Err(error("no support vectors, but a kernel other than LINEAR")),
        _ => {
            let vectors = node.need("support_vectors", node.floats("support_vectors")?)?;
            if vectors.len() != supports.saturating_mul(columns) {
                return Err(error(format!(
                    "attribute `support_vectors` has {} numbers in place of {supports} x {columns}",
                    vectors.len()
                )));
            }
            let kernels = kernels(call, &x, n, columns, vectors)?;
            (kernels.iter().map(|k| k.iter().map(|v| *v as f32).collect()).collect(), supports)
        }
    };
    if coefficients.len() != wanted {
        return Err(error(format!("attribute `coefficients` has {} numbers in place of {wanted}", coefficients.len())));
    }
    let one_class = node.flag("one_class", false)?;
    let score = |k: &Vec<f32>| dot::<f32>(wanted, (k, 1), (coefficients, 1)) + rho;
    let sign = |s: f32| {
        if !one_class {
            s
        } else if s > 0.0 {
            1.0
        } else {
            -1.0
        }
    };
    call.make(vec![n, 1], Data::F32(kernels.iter().map(|k| sign(score(k))).collect()))
}

/// libsvm's classifier: a score for each pair of classes, and probabilities by their coupling (Wu, Lin and Weng, "Probability estimates
/// for multi-class classification by pairwise coupling", 2004, algorithm 2).
pub(super) fn svm_classifier(call: &Call) -> Result<Vec<Value>> {
    call.at_most(1)?;
    let node = call.node;
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
    let post = Post::of(node)?;
    let labels = labels(node, "classlabels_ints", "classlabels_strings")?;
    let (x, n, columns) = rows(call)?;
    let coefficients = node.need("coefficients", node.floats("coefficients")?)?;
    let rho = node.need("rho", node.floats("rho")?)?;
    let counts = node.need("vectors_per_class", node.ints("vectors_per_class")?.filter(|v| !v.is_empty()))?;
    let vectors = node.need("support_vectors", node.floats("support_vectors")?)?;
    let classes = labels.len();
    let pairs = classes.saturating_mul(classes.saturating_sub(1)) / 2;
    let counts = counts
        .iter()
        .map(|&c| usize::try_from(c).map_err(|_| error("attribute `vectors_per_class` has a count below 0")));
    let counts = counts.collect::<Result<Vec<usize>>>()?;
    let total = counts.iter().try_fold(0usize, |sum, &c| sum.checked_add(c)).unwrap_or(usize::MAX);
    for (name, found, wanted) in [
        ("vectors_per_class", counts.len(), classes),
        ("support_vectors", vectors.len(), total.saturating_mul(columns)),
        ("coefficients", coefficients.len(), total.saturating_mul(classes.saturating_sub(1))),
        ("rho", rho.len(), pairs),
    ] {
        if found != wanted || classes < 2 {
            return Err(error(format!("attribute `{name}` has {found} numbers in place of {wanted}")));
        }
    }
    let (prob_a, prob_b) = (node.floats("prob_a")?.unwrap_or_default(), node.floats("prob_b")?.unwrap_or_default());
    if prob_a.len() != prob_b.len() || !(prob_a.is_empty() || prob_a.len() == pairs) {
        return Err(error(format!("attributes `prob_a` and `prob_b` have not {pairs} numbers each")));
    }
    let starts: Vec<usize> = counts.iter().scan(0, |at, &c| Some(std::mem::replace(at, *at + c))).collect();
    let kernels = kernels(call, &x, n, columns, vectors)?;
    call.work.take(n.saturating_mul(coefficients.len() + pairs * 100))?;
    let (mut chosen, mut out) = (Vec::new(), Vec::new());
    for k in &kernels {
        let (mut votes, mut scores) = (vec![0usize; classes], Vec::with_capacity(pairs));
        for i in 0..classes {
            for j in i + 1..classes {
                // Row j - 1 of the coefficients for the vectors of class i, row i for those of class j.
                let part = |row: usize, class: usize| {
                    let at = starts[class]..starts[class] + counts[class];
                    at.map(|v| f64::from(coefficients[row * total + v]) * k[v]).sum::<f64>()
                };
                let s = part(j - 1, i) + part(i, j) + f64::from(rho[scores.len()]);
                votes[if s > 0.0 { i } else { j }] += 1;
                scores.push(s as f32);
            }
        }
        let most = (1..classes).fold(0, |best, i| if votes[i] > votes[best] { i } else { best });
        chosen.push(most);
        out.push(if prob_a.is_empty() {
            if classes > 2 {
                post.apply(&mut scores);
                scores
            } else {
                shared(scores[0], false, post)?
            }
        } else {
            let mut p = coupled(classes, &scores, prob_a, prob_b);
            post.apply(&mut p);
            p
        });
    }
    classified(call, &labels, chosen, out)
}

/// Probabilities of the classes from the scores of pairs.
fn coupled(classes: usize, scores: &[f32], prob_a: &[f32], prob_b: &[f32]) -> Vec<f32> {
    let mut r = vec![vec![0f32; classes]; classes];
    let pairs = (0..classes).flat_map(|i| (i + 1..classes).map(move |j| (i, j)));
    for (pair, (i, j)) in pairs.enumerate() {
        let p = (1.0 - logistic(scores[pair] * prob_a[pair] + prob_b[pair])).clamp(1e-7, 1.0 - 1e-7);
        (r[i][j], r[j][i]) = (p, 1.0 - p);
    }
    let others = |i: usize| (0..classes).filter(move |&j| j != i);
    let entry = |i: usize, j: usize| match i == j {
        true => others(i).map(|k| r[k][i] * r[k][i]).sum::<f32>(),
        false => -r[j][i] * r[i][j],
    };
    let q: Vec<Vec<f32>> = (0..classes).map(|i| (0..classes).map(|j| entry(i, j)).collect()).collect();
    let mut p = vec![1.0 / classes as f32; classes];
    for _ in 0..100 {
        let mut qp: Vec<f32> = q.iter().map(|row| row.iter().zip(&p).map(|(q, p)| q * p).sum()).collect();
        let mut pqp: f32 = p.iter().zip(&qp).map(|(p, q)| p * q).sum();
        let worst = qp.iter().map(|q| (q - pqp).abs()).fold(0f32, f32::max);
        if worst < 0.005 / classes as f32 {
            break;
        }
        for i in 0..classes {
            let d = (pqp - qp[i]) / q[i][i];
            p[i] += d;
            pqp = (pqp + d * (d * q[i][i] + 2.0 * qp[i])) / (1.0 + d) / (1.0 + d);
            for j in 0..classes {
                qp[j] = (qp[j] + d * q[i][j]) / (1.0 + d);
                p[j] /= 1.0 + d;
            }
        }
    }
    p
}
