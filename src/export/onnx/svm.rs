//! Support vector machines. `SVMClassifier` computes in `float` in the common runtimes, so the kernel, the decisions and libsvm's
//! coupling of pairs (`crate::model::svm`) are written out.

use super::super::error;
use super::graph::{Graph, Value, int, ints};
use crate::error::Result;
use crate::import::onnx::proto::DataType;
use crate::math::Matrix;
use crate::model::svm::{Kernel, Platt, Svm};

/// Most classes that are coupled: each takes a step of its own in every round.
const MAX_CLASSES: usize = 32;

/// 0-1, 0-2, …
fn pairs(k: usize) -> Vec<(usize, usize)> {
    (0..k).flat_map(|i| (i + 1..k).map(move |j| (i, j))).collect()
}

/// A rows x cols matrix of what `at` says, as a constant.
fn table(graph: &mut Graph, rows: usize, cols: usize, at: impl Fn(usize, usize) -> f64) -> Value {
    let data = (0..rows).flat_map(|i| (0..cols).map(move |j| (i, j))).map(|(i, j)| at(i, j)).collect();
    graph.matrix(&Matrix { rows, cols, data })
}

/// One decision value per pair: [N, pairs].
fn decisions(graph: &mut Graph, m: &Svm, x: &Value) -> Value {
    let kernel = kernel(graph, m, x);
    let pairs = pairs(m.n_support.len());
    let classes: Vec<usize> = m.n_support.iter().enumerate().flat_map(|(c, n)| vec![c; *n as usize]).collect();
    // Of a vector of class i row j - 1 counts against class j, of one of class j row i.
    let coef = table(graph, classes.len(), pairs.len(), |s, p| match (classes[s], pairs[p]) {
        (c, (i, j)) if c == i => m.dual_coef.row(j - 1)[s],
        (c, (i, j)) if c == j => m.dual_coef.row(i)[s],
        _ => 0.0,
    });
    let intercept = graph.double(&[pairs.len()], &m.intercept);
    graph.op("Gemm", &[&kernel, &coef, &intercept])
}

/// [N, n_support].
fn kernel(graph: &mut Graph, m: &Svm, x: &Value) -> Value {
    let dot = |graph: &mut Graph, x: &Value, support: &Matrix| {
        let support = table(graph, support.cols, support.rows, |i, j| support.row(j)[i]);
        graph.op("MatMul", &[x, &support])
    };
    let affine = |graph: &mut Graph, dot: &Value, gamma: f64, coef0: f64| {
        let (gamma, coef0) = (graph.scalar(gamma), graph.scalar(coef0));
        let scaled = graph.op("Mul", &[dot, &gamma]);
        graph.op("Add", &[&scaled, &coef0])
    };
    match m.kernel {
        Kernel::Linear => dot(graph, x, &m.support),
        Kernel::Poly { gamma, coef0, degree } => {
            let dot = dot(graph, x, &m.support);
            let (base, degree) = (affine(graph, &dot, gamma, coef0), graph.scalar(f64::from(degree)));
            graph.op("Pow", &[&base, &degree])
        }
        Kernel::Sigmoid { gamma, coef0 } => {
            let dot = dot(graph, x, &m.support);
            let z = affine(graph, &dot, gamma, coef0);
            graph.op("Tanh", &[&z])
        }
        Kernel::Rbf { gamma } => {
            // |a - b|² = |a|² + |b|² - 2 a·b loses digits where both are far from 0: so both are moved to their middle first.
            let n = m.support.rows as f64;
            let middle: Vec<f64> =
                (0..m.support.cols).map(|j| (0..m.support.rows).map(|i| m.support.row(i)[j] / n).sum()).collect();
            let mut support = m.support.clone();
            support.data.iter_mut().zip(middle.iter().cycle()).for_each(|(v, middle)| *v -= middle);
            let middle = graph.row(&middle);
            let x = graph.op("Sub", &[x, &middle]);
            let squares = graph.op("Mul", &[&x, &x]);
            let own = graph.sum(&squares, 1, true);
            let lengths: Vec<f64> = (0..support.rows).map(|i| support.row(i).iter().map(|v| v * v).sum()).collect();
            let (lengths, two, zero) = (graph.row(&lengths), graph.scalar(2.0), graph.scalar(0.0));
            let dot = dot(graph, &x, &support);
            let twice = graph.op("Mul", &[&dot, &two]);
            let sum = graph.op("Add", &[&own, &lengths]);
            let distance = graph.op("Sub", &[&sum, &twice]);
            let distance = graph.op("Max", &[&distance, &zero]);
            let gamma = graph.scalar(-gamma);
            let z = graph.op("Mul", &[&distance, &gamma]);
            graph.op("Exp", &[&z])
        }
    }
}

/// Votes of the pairs: [N, n_classes]. `first`: [N, pairs] of bool, whether a pair's first class has its vote.
fn votes(graph: &mut Graph, k: usize, first: &Value) -> Value {
    let pairs = pairs(k);
    let to_first = table(graph, pairs.len(), k, |p, c| f64::from(u8::from(pairs[p].0 == c)));
    let to_second = table(graph, pairs.len(), k, |p, c| f64::from(u8::from(pairs[p].1 == c)));
    let second = graph.op("Not", &[first]);
    let (first, second) = (graph.one_if(first), graph.one_if(&second));
    let (a, b) = (graph.op("MatMul", &[&first, &to_first]), graph.op("MatMul", &[&second, &to_second]));
    graph.op("Add", &[&a, &b])
}

/// The index of the class with the most votes: [N, 1].
pub fn decision(graph: &mut Graph, m: &Svm, x: &Value) -> Value {
    let (decisions, zero) = (decisions(graph, m, x), graph.scalar(0.0));
    let first = graph.op("Greater", &[&decisions, &zero]);
    let votes = votes(graph, m.n_support.len(), &first);
    graph.argmax(&votes, true)
}

/// `decision_function`.
pub fn margin(graph: &mut Graph, m: &Svm, x: &Value) -> Value {
    let k = m.n_support.len();
    let decisions = decisions(graph, m, x);
    if k == 2 {
        return graph.op("Neg", &[&decisions]);
    }
    let (pairs, zero) = (pairs(k), graph.scalar(0.0));
    let second = graph.op("Less", &[&decisions, &zero]);
    let first = graph.op("Not", &[&second]);
    let votes = votes(graph, k, &first);
    let sign = table(graph, pairs.len(), k, |p, c| match pairs[p] {
        (i, _) if i == c => 1.0,
        (_, j) if j == c => -1.0,
        _ => 0.0,
    });
    let confidence = graph.op("MatMul", &[&decisions, &sign]);
    let (one, three) = (graph.scalar(1.0), graph.scalar(3.0));
    let size = graph.op("Abs", &[&confidence]);
    let size = graph.op("Add", &[&size, &one]);
    let size = graph.op("Mul", &[&size, &three]);
    let squeezed = graph.op("Div", &[&confidence, &size]);
    graph.op("Add", &[&votes, &squeezed])
}

/// [N, n_classes].
pub fn probabilities(graph: &mut Graph, m: &Svm, x: &Value) -> Result<Value> {
    let k = m.n_support.len();
    let Some(Platt { a, b }) = &m.platt else { return Err(error("it has no probabilities")) };
    if k > MAX_CLASSES {
        return Err(error(format!(
            "the probabilities of a machine of {k} classes make too long a graph: at most {MAX_CLASSES}"
        )));
    }
    let decisions = decisions(graph, m, x);
    let (a, b) = (graph.row(a), graph.row(b));
    let z = graph.op("Mul", &[&decisions, &a]);
    let z = graph.op("Add", &[&z, &b]);
    let z = graph.op("Neg", &[&z]);
    let p = graph.op("Sigmoid", &[&z]);
    let p = graph.clamp(&p, 1e-7, 1.0 - 1e-7);
    Ok(couple(graph, k, &p))
}

/// `crate::model::svm`'s coupling, all rows at once. `p`: [N, pairs], the probability of each pair's first class.
fn couple(graph: &mut Graph, k: usize, p: &Value) -> Value {
    let pairs = pairs(k);
    // r[i][j]: the probability of i when it is i or j; 0 for i = j.
    let first = table(graph, pairs.len(), k * k, |p, at| f64::from(u8::from(pairs[p] == (at / k, at % k))));
    let second = table(graph, pairs.len(), k * k, |p, at| f64::from(u8::from(pairs[p] == (at % k, at / k))));
    let one = graph.scalar(1.0);
    let rest = graph.op("Sub", &[&one, p]);
    let (of_first, of_second) = (graph.op("MatMul", &[p, &first]), graph.op("MatMul", &[&rest, &second]));
    let r = graph.op("Add", &[&of_first, &of_second]);
    let shape = graph.ints(&[-1, k as i64, k as i64]);
    let r = graph.op("Reshape", &[&r, &shape]);
    let turned = graph.op_with("Transpose", &[&r], vec![ints("perm", vec![0, 2, 1])]);
    let products = graph.op("Mul", &[&r, &turned]);
    let squares = graph.op("Mul", &[&r, &r]);
    // [N, k]: Σ_j r[j][t]².
    let diagonal = graph.sum(&squares, 1, false);
    let axes = graph.ints(&[1]);
    let across = graph.op("Unsqueeze", &[&diagonal, &axes]);
    let eye = table(graph, k, k, |i, j| f64::from(u8::from(i == j)));
    let along = graph.op("Mul", &[&across, &eye]);
    let q = graph.op("Sub", &[&along, &products]);
    let even = graph.row(&vec![1.0 / k as f64; k]);
    let like = graph.op("Shape", &[&diagonal]);
    let start = graph.op("Expand", &[&even, &like]);
    graph.repeat(k.max(100) as i64, &start, |graph, before| {
        let axes = graph.ints(&[1]);
        let across = graph.op("Unsqueeze", &[before, &axes]);
        let weighted = graph.op("Mul", &[&q, &across]);
        let mut qp = graph.sum(&weighted, 2, false);
        let products = graph.op("Mul", &[before, &qp]);
        let mut pqp = graph.sum(&products, 1, true);
        let off = graph.op("Sub", &[&qp, &pqp]);
        let off = graph.op("Abs", &[&off]);
        let off = graph.op_with("ReduceMax", &[&off, &axes], vec![int("keepdims", 1)]);
        let tolerance = graph.scalar(0.005 / k as f64);
        let going = graph.op("GreaterOrEqual", &[&off, &tolerance]);
        let (one, two) = (graph.scalar(1.0), graph.scalar(2.0));
        let mut p = before.clone();
        for t in 0..k {
            let (qp_t, diagonal) = (graph.columns(&qp, &[t as i64]), graph.columns(&diagonal, &[t as i64]));
            let gap = graph.op("Sub", &[&pqp, &qp_t]);
            let step = graph.op("Div", &[&gap, &diagonal]);
            let unit = table(graph, 1, k, |_, j| f64::from(u8::from(j == t)));
            let (by, own) = (graph.op("Add", &[&one, &step]), graph.op("Mul", &[&step, &unit]));
            let moved = graph.op("Add", &[&p, &own]);
            p = graph.op("Div", &[&moved, &by]);
            // pqp + step (step q[t][t] + 2 qp[t]), divided by (1 + step) twice.
            let a = graph.op("Mul", &[&step, &diagonal]);
            let b = graph.op("Mul", &[&two, &qp_t]);
            let a = graph.op("Add", &[&a, &b]);
            let a = graph.op("Mul", &[&step, &a]);
            let a = graph.op("Add", &[&pqp, &a]);
            let a = graph.op("Div", &[&a, &by]);
            pqp = graph.op("Div", &[&a, &by]);
            let index = graph.int64(&[], &[t as i64]);
            let row = graph.op_with("Gather", &[&q, &index], vec![int("axis", 1)]);
            let row = graph.op("Mul", &[&step, &row]);
            let row = graph.op("Add", &[&qp, &row]);
            qp = graph.op("Div", &[&row, &by]);
        }
        let after = graph.op("Where", &[&going, &p, before]);
        let any = graph.cast(&going, DataType::Int64);
        let none = graph.int64(&[], &[0]);
        let any = graph.op_with("ReduceMax", &[&any], vec![int("keepdims", 0)]);
        (graph.op("Greater", &[&any, &none]), after)
    })
}
