//! The loss of a batch, and its gradient, by backpropagation.
//!
//! A batch is cut into chunks of rows and these are dealt out to workers, both by the number of rows alone; workers' sums are
//! added in order. So threads change no bit.

use super::net::Net;
use super::product::{LANES, ROWS, Row, inner_products, panels, product, transposed_product, weighted_sum};
use super::real::Real;
use crate::error::Result;
use crate::math;
use crate::model::mlp::Activation;
use crate::train::wide::{Work, widest};
use crate::train::{Problem, Progress};
use rayon::prelude::*;

/// Most rows of a chunk: what its layers make fits the caches next to the processor.
const CHUNK: usize = 128;
/// Most workers.
const WORKERS: usize = 16;
/// Multiplications of a batch from which on threads gain more than they cost.
const WORTH_THREADS: usize = 1 << 21;

/// Rows to learn from, in the network's own numbers.
pub(super) struct Data<T> {
    /// Per row the panels of its features.
    x: Vec<Row<T>>,
    panels: usize,
    y: Vec<u32>,
    weight: Vec<f64>,
    /// Whether all rows weigh 1.
    even: bool,
}

impl<T: Real> Data<T> {
    pub fn new(problem: &Problem<'_>, rows: &[u32]) -> Data<T> {
        let panels = panels(problem.x.ncols());
        let mut x = vec![[T::ZERO; LANES]; panels * rows.len()];
        for (&row, into) in rows.iter().zip(x.chunks_exact_mut(panels)) {
            for (to, from) in into.as_flattened_mut().iter_mut().zip(problem.x.row(row as usize)) {
                *to = T::of(*from);
            }
        }
        let y = rows.iter().map(|&r| problem.y[r as usize] as u32).collect();
        let weight: Vec<f64> = rows.iter().map(|&r| problem.weight[r as usize]).collect();
        let even = weight.iter().all(|w| *w == 1.0);
        Data { x, panels, y, weight, even }
    }

    pub fn len(&self) -> usize {
        self.y.len()
    }

    /// What rows weigh together.
    pub fn weight_of(&self, rows: &[u32]) -> f64 {
        if self.even { rows.len() as f64 } else { rows.iter().map(|&r| self.weight[r as usize]).sum() }
    }
}

/// What rows have in common with what a network says of them.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Score {
    /// Sum of weight times log loss.
    pub loss: f64,
    /// Sum of the weights of rows whose most probable class is theirs.
    pub right: f64,
}

/// What one worker computes in.
struct Worker<T> {
    /// Per layer what it reads, rows x n_in in panels.
    inputs: Vec<Vec<Row<T>>>,
    /// Per layer the gradient by what it gives before activation, rows x n_out in panels; of one output `single` instead.
    deltas: Vec<Vec<Row<T>>>,
    single: Vec<T>,
    probability: Vec<f64>,
    gradient: Vec<Row<T>>,
    score: Score,
}

/// Room for batches, and the sums of the last one.
pub(super) struct Workers<T>(Vec<Worker<T>>);

impl<T: Real> Workers<T> {
    pub fn new(net: &Net<T>, batch: usize) -> Workers<T> {
        let n = batch.div_ceil(CHUNK).clamp(1, WORKERS);
        let room = |width: usize| vec![[T::ZERO; LANES]; panels(width) * CHUNK];
        let worker = || Worker {
            inputs: net.layers.iter().map(|l| room(l.n_in)).collect(),
            deltas: net.layers.iter().map(|l| room(if l.single { 0 } else { l.n_out })).collect(),
            single: vec![T::ZERO; CHUNK],
            probability: vec![0.0; CHUNK.max(net.outputs())],
            gradient: vec![[T::ZERO; LANES]; net.params.len()],
            score: Score::default(),
        };
        Workers((0..n).map(|_| worker()).collect())
    }

    /// Sum over `rows` of weight times loss; its gradient is then in [`gradient`](Self::gradient).
    pub fn learn(&mut self, net: &mut Net<T>, data: &Data<T>, rows: &[u32], progress: &dyn Progress) -> Result<Score> {
        net.transpose();
        self.each(net, data, rows, true, progress)
    }

    /// The same without the gradient.
    pub fn judge(&mut self, net: &Net<T>, data: &Data<T>, rows: &[u32], progress: &dyn Progress) -> Result<Score> {
        self.each(net, data, rows, false, progress)
    }

    /// Of the batch last learnt from.
    pub fn gradient(&self) -> &[Row<T>] {
        &self.0[0].gradient
    }

    fn each(
        &mut self,
        net: &Net<T>,
        data: &Data<T>,
        rows: &[u32],
        learn: bool,
        progress: &dyn Progress,
    ) -> Result<Score> {
        let chunks = rows.len().div_ceil(CHUNK).max(1);
        let chunk = rows.len().div_ceil(chunks).next_multiple_of(ROWS).min(CHUNK);
        let share = rows.len().div_ceil(chunk).div_ceil(self.0.len()) * chunk;
        let workers = &mut self.0[..rows.len().div_ceil(share.max(1))];
        let work = |(worker, rows): (&mut Worker<T>, &[u32])| -> Result<()> {
            worker.score = Score::default();
            if learn {
                worker.gradient.fill([T::ZERO; LANES]);
            }
            for rows in rows.chunks(chunk) {
                progress.proceed()?;
                widest(Pass { worker, net, data, rows, learn });
            }
            Ok(())
        };
        let size: usize = net.layers.iter().map(|l| l.n_in * l.n_out).sum();
        if workers.len() > 1 && rows.len() * size >= WORTH_THREADS && rayon::current_num_threads() > 1 {
            workers.par_iter_mut().zip(rows.par_chunks(share)).try_for_each(work)?;
        } else {
            workers.iter_mut().zip(rows.chunks(share)).try_for_each(work)?;
        }
        let Some((first, others)) = workers.split_first_mut() else { return Ok(Score::default()) };
        for other in others {
            first.score.loss += other.score.loss;
            first.score.right += other.score.right;
            if learn {
                let all = first.gradient.as_flattened_mut().iter_mut();
                all.zip(other.gradient.as_flattened()).for_each(|(a, b)| *a = *a + *b);
            }
        }
        Ok(first.score)
    }
}

/// One chunk of rows, forward and, to learn, back.
struct Pass<'a, T> {
    worker: &'a mut Worker<T>,
    net: &'a Net<T>,
    data: &'a Data<T>,
    rows: &'a [u32],
    learn: bool,
}

impl<T: Real> Work for Pass<'_, T> {
    type Out = ();

    #[inline(always)]
    fn run<const WIDTH: usize>(mut self) {
        let rows = self.rows.len().next_multiple_of(ROWS);
        self.gather(rows);
        self.forward::<WIDTH>(rows);
        if self.net.outputs() == 1 {
            self.two_classes(rows);
        } else {
            self.many_classes(rows);
        }
        if self.learn {
            self.back::<WIDTH>(rows);
        }
    }
}

/// The first `n` columns of so many rows.
fn of(n: usize, rows: usize) -> usize {
    panels(n) * rows
}

impl<T: Real> Pass<'_, T> {
    #[inline(always)]
    fn gather(&mut self, rows: usize) {
        let Data { x, panels, .. } = self.data;
        let into = &mut self.worker.inputs[0];
        for (r, &row) in self.rows.iter().enumerate() {
            let from = &x[row as usize * panels..][..*panels];
            for (p, from) in from.iter().enumerate() {
                into[p * rows + r] = *from;
            }
        }
        for r in self.rows.len()..rows {
            (0..*panels).for_each(|p| into[p * rows + r] = [T::ZERO; LANES]);
        }
    }

    #[inline(always)]
    fn forward<const WIDTH: usize>(&mut self, rows: usize) {
        let params = &self.net.params;
        let last = self.net.layers.len() - 1;
        for (l, layer) in self.net.layers.iter().enumerate() {
            let Worker { inputs, deltas, single, .. } = &mut *self.worker;
            let (w, bias) = (&params[layer.weights.clone()], &params[layer.bias.clone()]);
            let (read, write) = inputs.split_at_mut(l + 1);
            let a = &read[l][..of(layer.n_in, rows)];
            let out = write.first_mut().unwrap_or(&mut deltas[l]);
            if layer.single {
                inner_products(a, rows, w, bias[0][0], single);
                continue;
            }
            let out = &mut out[..of(layer.n_out, rows)];
            product::<T, WIDTH>(a, rows, w, layer.n_in, Some(bias), layer.n_out, out);
            if l < last {
                activate(self.net.activation, out);
                clear_filling(layer.n_out, rows, out);
            }
        }
    }

    /// From the last layer's scores to probabilities, loss, and the gradient by the scores: probability less truth.
    #[inline(always)]
    fn two_classes(&mut self, rows: usize) {
        let Worker { single, probability, score, .. } = &mut *self.worker;
        let (p, single) = (&mut probability[..rows], &mut single[..rows]);
        for (p, z) in p.iter_mut().zip(&*single) {
            *p = math::sigmoid_inline(z.f64());
        }
        let Data { y, weight, even, .. } = self.data;
        let mut losses = Losses::default();
        single[self.rows.len()..].fill(T::ZERO);
        for ((&row, p), delta) in self.rows.iter().zip(&*p).zip(single) {
            let (own, w) = (y[row as usize], weight[row as usize]);
            let hit = if own == 1 { *p } else { 1.0 - *p };
            losses.add(hit, w, *even);
            // As inference has it: of equals the first class.
            score.right += if (*p > 0.5) == (own == 1) { w } else { 0.0 };
            *delta = T::of((*p - f64::from(own)) * w);
        }
        score.loss += losses.sum();
    }

    #[inline(always)]
    fn many_classes(&mut self, rows: usize) {
        let k = self.net.outputs();
        let Worker { deltas, probability, score, .. } = &mut *self.worker;
        let Some(z) = deltas.last_mut() else { return };
        let p = &mut probability[..k];
        let mut losses = Losses::default();
        for (r, &row) in self.rows.iter().enumerate() {
            for (c, p) in p.iter_mut().enumerate() {
                *p = z[c / LANES * rows + r][c % LANES].f64();
            }
            math::softmax(p);
            let (own, w) = (self.data.y[row as usize] as usize, self.data.weight[row as usize]);
            losses.add(p[own], w, self.data.even);
            score.right += if math::argmax(p) == own { w } else { 0.0 };
            p[own] -= 1.0;
            for (c, p) in p.iter().enumerate() {
                z[c / LANES * rows + r][c % LANES] = T::of(*p * w);
            }
        }
        for r in self.rows.len()..rows {
            (0..panels(k)).for_each(|q| z[q * rows + r] = [T::ZERO; LANES]);
        }
        score.loss += losses.sum();
    }

    #[inline(always)]
    fn back<const WIDTH: usize>(&mut self, rows: usize) {
        let params = &self.net.params;
        for (l, layer) in self.net.layers.iter().enumerate().rev() {
            let Worker { inputs, deltas, single, gradient, .. } = &mut *self.worker;
            let (w, single) = (&params[layer.weights.clone()], &mut single[..rows]);
            let a = &inputs[l][..of(layer.n_in, rows)];
            let (before, own) = deltas.split_at_mut(l);
            let own = &own[0];
            let into = before.last_mut().map(|d| &mut d[..]);
            if layer.single {
                weighted_sum(a, rows, single, &mut gradient[layer.weights.clone()]);
                let bias = &mut gradient[layer.bias.start][0];
                single.iter().for_each(|d| *bias = *bias + *d);
                if let Some(into) = into {
                    let into = &mut into[..of(layer.n_in, rows)];
                    for (w, into) in w.iter().zip(into.chunks_exact_mut(rows)) {
                        for (into, d) in into.iter_mut().zip(&*single) {
                            into.iter_mut().zip(w).for_each(|(into, w)| *into = *d * *w);
                        }
                    }
                    times_slope(self.net.activation, into, a);
                }
            } else {
                let d = &own[..of(layer.n_out, rows)];
                transposed_product::<T, WIDTH>(
                    a,
                    rows,
                    layer.n_in,
                    d,
                    layer.n_out,
                    &mut gradient[layer.weights.clone()],
                );
                for (bias, d) in gradient[layer.bias.clone()].iter_mut().zip(d.chunks_exact(rows)) {
                    for d in d {
                        bias.iter_mut().zip(d).for_each(|(b, d)| *b = *b + *d);
                    }
                }
                if let Some(into) = into {
                    let into = &mut into[..of(layer.n_in, rows)];
                    product::<T, WIDTH>(d, rows, &self.net.transposed[l], layer.n_out, None, layer.n_in, into);
                    times_slope(self.net.activation, into, a);
                }
            }
        }
    }
}

#[inline(always)]
fn activate<T: Real>(activation: Activation, z: &mut [Row<T>]) {
    let z = z.as_flattened_mut();
    match activation {
        Activation::Relu => z.iter_mut().for_each(|z| *z = if *z > T::ZERO { *z } else { T::ZERO }),
        Activation::Tanh => z.iter_mut().for_each(|z| *z = z.tanh()),
        Activation::Logistic => z.iter_mut().for_each(|z| *z = z.sigmoid()),
        Activation::Identity => {}
    }
}

/// An activation of 0 need not be 0.
#[inline(always)]
fn clear_filling<T: Real>(columns: usize, rows: usize, a: &mut [Row<T>]) {
    let used = columns % LANES;
    if used > 0 {
        a[columns / LANES * rows..].iter_mut().for_each(|a| a[used..].fill(T::ZERO));
    }
}

/// Times the activation's slope where it gave `a`.
#[inline(always)]
fn times_slope<T: Real>(activation: Activation, d: &mut [Row<T>], a: &[Row<T>]) {
    let both = d.as_flattened_mut().iter_mut().zip(a.as_flattened());
    match activation {
        Activation::Relu => both.for_each(|(d, a)| *d = if *a > T::ZERO { *d } else { T::ZERO }),
        Activation::Tanh => both.for_each(|(d, a)| *d = *d * (T::ONE - *a * *a)),
        Activation::Logistic => both.for_each(|(d, a)| *d = *d * (*a * (T::ONE - *a))),
        Activation::Identity => {}
    }
}

/// Sums logarithms of probabilities; where rows weigh 1, of products of some.
#[derive(Default)]
struct Losses {
    sum: f64,
    product: Option<f64>,
    factors: u32,
}

impl Losses {
    #[inline(always)]
    fn add(&mut self, probability: f64, weight: f64, even: bool) {
        // As scikit-learn's: a row that is wholly missed costs 36, not everything.
        let p = probability.clamp(f64::EPSILON, 1.0 - f64::EPSILON);
        if !even {
            self.sum -= weight * math::ln(p);
            return;
        }
        self.product = Some(self.product.unwrap_or(1.0) * p);
        self.factors += 1;
        if self.factors == 16 {
            self.sum = self.take();
        }
    }

    /// No more than 16 factors of at least 2^-52: never 0.
    fn take(&mut self) -> f64 {
        self.factors = 0;
        self.sum - self.product.take().map_or(0.0, math::ln)
    }

    fn sum(mut self) -> f64 {
        self.take()
    }
}
