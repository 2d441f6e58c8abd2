//! How support vectors are run: one kernel value per vector, shared by all pairs of classes; eight rows of a block together.

use super::super::Asked;
use super::super::dense::{Packed, Product, ROWS, Square, Strip, clamped, load, store, strips, strips_of};
use super::super::runner::bounded_row;
use super::{Kernel, MIN_PROBABILITY, Platt, Svm, pairs};
use crate::math::{BOUND, Lot, pow};

/// The fast form, and the room it works in.
#[derive(Clone, Debug, Default)]
pub(in crate::model) struct Fast {
    /// Made for the first row that comes alone.
    packed: Option<Packed>,
    row: Vec<f64>,
    row_kernel: Vec<f64>,
    row_room: Room<1>,
    /// Which features of the row are not 0.
    at: Vec<u32>,
    strips: Vec<Strip>,
    /// What the sums start from: 0 per vector.
    zeros: Vec<f64>,
    kernel: Vec<Strip>,
    room: Room<ROWS>,
}

/// What `N` rows' kernel values become.
#[derive(Clone, Debug, Default)]
struct Room<const N: usize> {
    /// Per pair.
    decisions: Vec<[f64; N]>,
    /// Per class.
    answer: Vec<[f64; N]>,
    votes: Vec<[f64; N]>,
    /// Per two classes, row by row: the pairs' probabilities, and what coupling makes of them.
    r: Vec<[f64; N]>,
    q: Vec<[f64; N]>,
    qp: Vec<[f64; N]>,
}

impl Fast {
    /// As [`Svm::predict_proba`], [`Svm::predict`] or [`Svm::margin`].
    pub fn ask(&mut self, m: &Svm, asked: Asked, x: &[f64], lot: Lot, out: &mut [f64]) {
        self.zeros.resize(m.support.rows, 0.0);
        if lot.stride == 1 {
            let packed = self.packed.get_or_insert_with(|| Packed::new(&m.support, &self.zeros));
            let x = bounded_row(&mut self.row, x);
            match m.kernel {
                Kernel::Rbf { .. } => packed.row::<Square>(x, &mut self.at, &mut self.row_kernel),
                _ => packed.row::<Product>(x, &mut self.at, &mut self.row_kernel),
            }
            let kernel = &mut self.row_kernel[..m.support.rows];
            m.kernel.finish(kernel);
            self.row_room.answer(m, asked, kernel.as_chunks().0, 1);
            for (out, answer) in out.iter_mut().zip(&self.row_room.answer) {
                *out = answer[0];
            }
            return;
        }
        self.strips.resize(m.support.cols, [0.0; ROWS]);
        self.kernel.resize(m.support.rows, [0.0; ROWS]);
        for at in strips_of(lot) {
            load(x, at, &mut self.strips);
            match m.kernel {
                Kernel::Rbf { .. } => strips::<Square>(&m.support, &self.zeros, &self.strips, &mut self.kernel),
                _ => strips::<Product>(&m.support, &self.zeros, &self.strips, &mut self.kernel),
            }
            m.kernel.finish(self.kernel.as_flattened_mut());
            self.room.answer(m, asked, &self.kernel, ROWS.min(lot.rows - at));
            for (k, answer) in self.room.answer.iter().enumerate() {
                store(answer, out, k, at);
            }
        }
    }
}

impl Kernel {
    /// Inner products (squared distances for `Rbf`) to kernel values, in place.
    #[inline(never)]
    fn finish(&self, values: &mut [f64]) {
        let lot = Lot { rows: values.len(), stride: values.len() };
        match *self {
            Kernel::Linear => {}
            Kernel::Rbf { gamma } => {
                lot.each_exp(values, 1, |distance| -gamma * if distance > BOUND { BOUND } else { distance });
                // Of a distance it is at most 1.
                if gamma >= 0.0 {
                    return;
                }
            }
            Kernel::Sigmoid { gamma, coef0 } => {
                lot.each(values, 1, |dot| gamma * clamped(dot) + coef0);
                lot.each_tanh(values, 1);
            }
            Kernel::Poly { gamma, coef0, degree } => {
                let degree = f64::from(degree);
                values.iter_mut().for_each(|dot| *dot = pow(gamma * clamped(*dot) + coef0, degree));
            }
        }
        lot.each(values, 1, clamped);
    }
}

impl<const N: usize> Room<N> {
    /// Kernel values to `answer`, of which the first `rows` count.
    fn answer(&mut self, m: &Svm, asked: Asked, kernel: &[[f64; N]], rows: usize) {
        let k = m.n_classes();
        self.decide(m, kernel);
        self.answer.clear();
        self.answer.resize(asked.width(k), [0.0; N]);
        match (asked, &m.platt) {
            (Asked::Margin, _) => self.margin(k),
            (Asked::Class, _) => self.vote(k),
            (Asked::Probability, Some(platt)) => self.probability(k, platt, rows),
            (Asked::Probability, None) => {
                self.vote(k);
                let class = self.answer[0];
                for (i, p) in self.answer.iter_mut().enumerate() {
                    *p = class.map(|class| f64::from(u8::from(class == i as f64)));
                }
            }
        }
    }

    /// As [`Svm::decisions`].
    #[inline(never)]
    fn decide(&mut self, m: &Svm, kernel: &[[f64; N]]) {
        self.decisions.clear();
        let first = |class: usize| m.n_support[..class].iter().map(|n| *n as usize).sum::<usize>();
        let sum = |class: usize, row: usize| {
            let own = first(class)..first(class) + m.n_support[class] as usize;
            let mut sum = [0.0; N];
            for (a, kernel) in m.dual_coef.row(row)[own.clone()].iter().zip(&kernel[own]) {
                for (sum, kernel) in sum.iter_mut().zip(kernel) {
                    *sum += a * kernel;
                }
            }
            sum
        };
        for ((i, j), intercept) in pairs(m.n_classes()).zip(&m.intercept) {
            let (own, other) = (sum(i, j - 1), sum(j, i));
            self.decisions.push(std::array::from_fn(|r| clamped(own[r] + other[r] + intercept)));
        }
    }

    /// As [`Svm::margin`].
    #[inline(never)]
    fn margin(&mut self, k: usize) {
        if let [only] = self.decisions[..] {
            self.answer[0] = only.map(|d| -d);
            return;
        }
        self.votes.clear();
        self.votes.resize(k, [0.0; N]);
        for ((i, j), d) in pairs(k).zip(&self.decisions) {
            for (r, d) in d.iter().enumerate() {
                self.answer[i][r] += d;
                self.answer[j][r] -= d;
                self.votes[if *d < 0.0 { j } else { i }][r] += 1.0;
            }
        }
        for (score, votes) in self.answer.as_flattened_mut().iter_mut().zip(self.votes.as_flattened()) {
            *score = votes + *score / (3.0 * (score.abs() + 1.0));
        }
    }

    /// As [`Svm::predict`].
    #[inline(never)]
    fn vote(&mut self, k: usize) {
        self.votes.clear();
        self.votes.resize(k, [0.0; N]);
        for ((i, j), d) in pairs(k).zip(&self.decisions) {
            for (r, d) in d.iter().enumerate() {
                self.votes[if *d > 0.0 { i } else { j }][r] += 1.0;
            }
        }
        self.answer[0] = std::array::from_fn(|r| {
            let best = (1..k).fold(0, |best, i| if self.votes[i][r] > self.votes[best][r] { i } else { best });
            best as f64
        });
    }

    /// The pairs' probabilities, coupled.
    #[inline(never)]
    fn probability(&mut self, k: usize, platt: &Platt, rows: usize) {
        self.r.resize(k * k, [0.0; N]);
        for ((d, a), b) in self.decisions.iter_mut().zip(&platt.a).zip(&platt.b) {
            *d = d.map(|d| -(d * a + b));
        }
        let n = self.decisions.len();
        Lot { rows: n * N, stride: n * N }.sigmoid(self.decisions.as_flattened_mut(), 1);
        for ((i, j), d) in pairs(k).zip(&self.decisions) {
            let p = d.map(|p| p.clamp(MIN_PROBABILITY, 1.0 - MIN_PROBABILITY));
            self.r[i * k + j] = p;
            self.r[j * k + i] = p.map(|p| 1.0 - p);
        }
        self.couple(rows);
    }

    /// As [`couple`](super::couple), of each row, until the last of the first `rows` is done; a row that is done stays.
    #[inline(never)]
    fn couple(&mut self, rows: usize) {
        let k = self.answer.len();
        self.q.resize(k * k, [0.0; N]);
        self.qp.resize(k, [0.0; N]);
        let (p, r, q, qp) = (&mut self.answer[..], &self.r[..k * k], &mut self.q[..k * k], &mut self.qp[..k]);
        for t in 0..k {
            let mut diagonal = [0.0; N];
            for j in 0..k {
                if j != t {
                    let (own, other) = (r[j * k + t], r[t * k + j]);
                    for (sum, own) in diagonal.iter_mut().zip(own) {
                        *sum += own * own;
                    }
                    q[t * k + j] = if j < t { q[j * k + t] } else { std::array::from_fn(|i| -own[i] * other[i]) };
                }
            }
            q[t * k + t] = diagonal;
        }
        p.fill([1.0 / k as f64; N]);
        let tolerance = 0.005 / k as f64;
        // 1 for a row that is not done.
        let mut open: [f64; N] = std::array::from_fn(|r| if r < rows { 1.0 } else { 0.0 });
        for _ in 0..k.max(100) {
            let mut pqp = [0.0; N];
            for t in 0..k {
                let mut sum = [0.0; N];
                for (q, p) in q[t * k..][..k].iter().zip(&*p) {
                    for i in 0..N {
                        sum[i] += q[i] * p[i];
                    }
                }
                for i in 0..N {
                    pqp[i] += p[t][i] * sum[i];
                }
                qp[t] = sum;
            }
            let mut far = [0.0; N];
            for qp in qp.iter() {
                for i in 0..N {
                    far[i] = if (qp[i] - pqp[i]).abs() < tolerance { far[i] } else { 1.0 };
                }
            }
            for i in 0..N {
                open[i] *= far[i];
            }
            if open.iter().all(|open| *open == 0.0) {
                break;
            }
            for t in 0..k {
                let (diagonal, own) = (q[t * k + t], qp[t]);
                let mut step = [0.0; N];
                let mut grown = [0.0; N];
                for i in 0..N {
                    step[i] = (pqp[i] - own[i]) / diagonal[i];
                    grown[i] = 1.0 + step[i];
                    p[t][i] = if open[i] > 0.0 { p[t][i] + step[i] } else { p[t][i] };
                    pqp[i] = (pqp[i] + step[i] * (step[i] * diagonal[i] + 2.0 * own[i])) / grown[i] / grown[i];
                }
                for ((q, qp), p) in q[t * k..][..k].iter().zip(&mut *qp).zip(&mut *p) {
                    for i in 0..N {
                        qp[i] = (qp[i] + step[i] * q[i]) / grown[i];
                        p[i] = if open[i] > 0.0 { p[i] / grown[i] } else { p[i] };
                    }
                }
            }
        }
    }
}
