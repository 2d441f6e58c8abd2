//! The log loss, its gradient and its curvature.
//!
//! Scores lie in blocks of [`BLOCK`] rows: all of a block's scores for output 0, then for output 1, … With one output that is
//! row after row.

use super::super::Problem;
use super::fixed::{Pair, Scale, lower};
use crate::math::{self, BLOCK, Lot};
use rayon::prelude::*;

/// Blocks per piece of work. Fixed, so that sums of pieces do not depend on the number of threads.
const PIECE: usize = 8;

/// The smallest curvature of a row, as XGBoost has it.
const LEAST: f64 = 1e-16;

/// Scores of all rows.
pub(crate) struct Scores {
    values: Vec<f64>,
    outputs: usize,
    n_rows: usize,
}

impl Scores {
    /// All rows start from `base`: a number per output.
    pub(crate) fn new(base: &[f64], n_rows: usize) -> Scores {
        let outputs = base.len();
        let blocks = n_rows.div_ceil(BLOCK);
        let values = (0..blocks * outputs * BLOCK).map(|i| base[i / BLOCK % outputs]).collect();
        Scores { values, outputs, n_rows }
    }

    /// Where a row's score for an output is.
    #[inline(always)]
    fn at(&self, row: usize, output: usize) -> usize {
        (row / BLOCK * self.outputs + output) * BLOCK + row % BLOCK
    }

    /// Adds to some rows.
    pub(crate) fn add_to(&mut self, rows: &[u32], output: usize, v: f64) {
        for &row in rows {
            let at = self.at(row as usize, output);
            self.values[at] += v;
        }
    }

    /// Adds to each row what `of` says.
    pub(crate) fn add(&mut self, output: usize, of: impl Fn(usize) -> f64 + Sync) {
        let (outputs, n) = (self.outputs, self.n_rows);
        self.values.par_chunks_mut(outputs * BLOCK).enumerate().for_each(|(b, block)| {
            let first = b * BLOCK;
            for (i, s) in block[output * BLOCK..][..BLOCK.min(n - first)].iter_mut().enumerate() {
                *s += of(first + i);
            }
        });
    }

    /// Mean log loss by weight.
    pub(crate) fn loss(&self, problem: &Problem<'_>) -> f64 {
        let size = self.outputs * BLOCK;
        let pieces: Vec<(f64, f64)> = self
            .values
            .par_chunks(PIECE * size)
            .enumerate()
            .map(|(k, scores)| {
                let mut work = Work::new(self.outputs);
                let mut sum = (0.0, 0.0);
                for (b, scores) in scores.chunks(size).enumerate() {
                    let first = (k * PIECE + b) * BLOCK;
                    let rows = first..(first + BLOCK).min(self.n_rows);
                    work.probabilities(scores);
                    let one = work.loss(scores, &problem.y[rows.clone()], &problem.weight[rows]);
                    sum = (sum.0 + one.0, sum.1 + one.1);
                }
                sum
            })
            .collect();
        mean(&pieces)
    }

    /// The present gradients and curvatures, and the mean loss. `weight`: a factor on each row's; `curvature`: on all.
    pub(crate) fn gradients(&self, problem: &Problem<'_>, weight: &[f64], curvature: f64, out: &mut Gradients) -> f64 {
        let (outputs, size) = (self.outputs, self.outputs * BLOCK);
        out.packed.resize(self.values.len(), 0);
        // Real numbers first, two singles to a word: how large the sums are decides how they become integers.
        let pieces: Vec<(Sums, Vec<Sums>)> = out
            .packed
            .par_chunks_mut(PIECE * size)
            .zip(self.values.par_chunks(PIECE * size))
            .enumerate()
            .map(|(k, (out, scores))| {
                let mut work = Work::new(outputs);
                let (mut loss, mut sums) = ((0.0, 0.0), vec![(0.0, 0.0); outputs]);
                for (b, (scores, out)) in scores.chunks(size).zip(out.chunks_mut(size)).enumerate() {
                    let first = (k * PIECE + b) * BLOCK;
                    let rows = first..(first + BLOCK).min(self.n_rows);
                    let y = &problem.y[rows.clone()];
                    work.probabilities(scores);
                    let one = work.loss(scores, y, &problem.weight[rows.clone()]);
                    loss = (loss.0 + one.0, loss.1 + one.1);
                    for (c, sum) in sums.iter_mut().enumerate() {
                        let hit = if outputs == 1 { 1 } else { c };
                        let p = &work.p[c * BLOCK..];
                        let (mut g_sum, mut h_sum) = (0.0, 0.0);
                        for (((&y, &w), &p), out) in
                            y.iter().zip(&weight[rows.clone()]).zip(p).zip(&mut out[c * BLOCK..])
                        {
                            let g = (w * (p - if y == hit { 1.0 } else { 0.0 })) as f32;
                            let flat = curvature * p * (1.0 - p);
                            let h = (w * if flat > LEAST { flat } else { LEAST }) as f32;
                            g_sum += f64::from(g.abs());
                            h_sum += f64::from(h);
                            *out = u64::from(g.to_bits()) << 32 | u64::from(h.to_bits());
                        }
                        *sum = (sum.0 + g_sum, sum.1 + h_sum);
                    }
                }
                (loss, sums)
            })
            .collect();
        out.scales = (0..outputs)
            .map(|c| {
                let (g, h) = pieces.iter().fold((0.0, 0.0), |s, p| (s.0 + p.1[c].0, s.1 + p.1[c].1));
                Scale::new(g, h)
            })
            .collect();
        let scales = &out.scales;
        let largest: Vec<Vec<u32>> = out
            .packed
            .par_chunks_mut(PIECE * size)
            .map(|piece| {
                let mut most = vec![0; outputs];
                for (i, values) in piece.chunks_mut(BLOCK).enumerate() {
                    let c = i % outputs;
                    for v in values {
                        let (g, h) = (f32::from_bits((*v >> 32) as u32), f32::from_bits(*v as u32));
                        *v = scales[c].pack(f64::from(g), f64::from(h));
                        most[c] = most[c].max(lower(*v) as u32);
                    }
                }
                most
            })
            .collect();
        out.h_max = (0..outputs).map(|c| largest.iter().map(|m| m[c]).max().unwrap_or(0)).collect();
        mean(&pieces.iter().map(|p| p.0).collect::<Vec<_>>())
    }
}

/// Gradients and curvatures as integers, laid out as scores are.
#[derive(Default)]
pub(crate) struct Gradients {
    packed: Vec<Pair>,
    /// Per output.
    pub(crate) scales: Vec<Scale>,
    /// Per output the largest curvature of a row, in units.
    pub(crate) h_max: Vec<u32>,
}

impl Gradients {
    /// One output's, row after row. `room` is used where they lie apart.
    pub(crate) fn of<'a>(&'a self, output: usize, n_rows: usize, room: &'a mut Vec<Pair>) -> &'a [Pair] {
        let outputs = self.scales.len();
        if outputs == 1 {
            return &self.packed[..n_rows];
        }
        room.clear();
        for block in self.packed.chunks(outputs * BLOCK) {
            room.extend_from_slice(&block[output * BLOCK..][..BLOCK]);
        }
        room.truncate(n_rows);
        room
    }
}

/// Of a piece: loss and weight, or absolute gradients and curvatures.
type Sums = (f64, f64);

/// Room for one block.
struct Work {
    outputs: usize,
    /// Probabilities, as scores lie; with one output of class 1.
    p: Vec<f64>,
    /// Per row what the loss is the logarithm of, and what is added to that.
    inside: Vec<f64>,
    outside: Vec<f64>,
}

impl Work {
    fn new(outputs: usize) -> Work {
        Work { outputs, p: vec![0.0; outputs * BLOCK], inside: vec![0.0; BLOCK], outside: vec![0.0; BLOCK] }
    }

    fn probabilities(&mut self, scores: &[f64]) {
        let lot = Lot::block(BLOCK);
        let (p, inside, outside) = (&mut self.p, &mut self.inside, &mut self.outside);
        if self.outputs == 1 {
            for (p, &s) in p.iter_mut().zip(scores) {
                *p = -s.abs();
            }
            lot.each_exp(p, 1, |v| v);
            for ((p, inside), &s) in p.iter_mut().zip(inside).zip(scores) {
                let e = *p;
                *inside = 1.0 + e;
                *p = (if s >= 0.0 { 1.0 } else { e }) / (1.0 + e);
            }
            return;
        }
        outside.copy_from_slice(&scores[..BLOCK]);
        for scores in scores.chunks(BLOCK).skip(1) {
            for (most, &s) in outside.iter_mut().zip(scores) {
                *most = if s > *most { s } else { *most };
            }
        }
        for (p, scores) in p.chunks_mut(BLOCK).zip(scores.chunks(BLOCK)) {
            for ((p, &s), &most) in p.iter_mut().zip(scores).zip(outside.iter()) {
                *p = s - most;
            }
        }
        lot.each_exp(p, self.outputs, |v| v);
        inside.fill(0.0);
        for p in p.chunks(BLOCK) {
            inside.iter_mut().zip(p).for_each(|(sum, p)| *sum += p);
        }
        for p in p.chunks_mut(BLOCK) {
            p.iter_mut().zip(inside.iter()).for_each(|(p, sum)| *p /= sum);
        }
    }

    /// Summed loss and weight of the rows whose probabilities were asked for last. A row's loss is `ln(inside)` plus something
    /// linear; where all weigh the same, the logarithm of a product is taken for several.
    fn loss(&self, scores: &[f64], y: &[usize], weight: &[f64]) -> (f64, f64) {
        // Inside is at most the number of classes, or 2: so many of them are no more than 2^512.
        const ONCE: usize = 32;
        let linear = |i: usize| {
            if self.outputs > 1 {
                return self.outside[i] - scores[y[i] * BLOCK + i];
            }
            let wrong = if y[i] == 1 { -scores[i] } else { scores[i] };
            if wrong > 0.0 { wrong } else { 0.0 }
        };
        let total: f64 = weight.iter().sum();
        let mut loss = 0.0;
        if weight.iter().all(|w| *w == weight[0]) {
            for (k, inside) in self.inside[..y.len()].chunks(ONCE).enumerate() {
                let product: f64 = inside.iter().product();
                let lines: f64 = (0..inside.len()).map(|i| linear(k * ONCE + i)).sum();
                loss += math::ln(product) + lines;
            }
            return (loss * weight[0], total);
        }
        for (i, w) in weight.iter().enumerate() {
            loss += w * (math::ln(self.inside[i]) + linear(i));
        }
        (loss, total)
    }
}

fn mean(parts: &[(f64, f64)]) -> f64 {
    let (loss, weight) = parts.iter().fold((0.0, 0.0), |s, p| (s.0 + p.0, s.1 + p.1));
    if weight > 0.0 { loss / weight } else { 0.0 }
}
