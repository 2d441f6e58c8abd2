//! Training rows as kernels read them: numbers of 32 bits, and sixteen rows of a machine side by side.
//!
//! libsvm keeps its kernel values in 32 bits, too, but makes them in 64. Here the largest error of a kernel value is some units
//! in the last place of its largest terms; [`Source::new`] chooses the terms so that they are not large beside the value.

use super::lanes::{self, LANES, Lane};
use crate::error::{Error, ErrorKind, Result};
use crate::math::{Lot, bounded};
use crate::model::svm::Kernel;
use crate::train::Progress;
use ndarray::ArrayView2;
use rayon::prelude::*;
use std::ops::Range;

/// All training rows.
pub(super) struct Source {
    kernel: Kernel,
    /// Whether `rbf` is made of squared differences, not of norms and inner products.
    differences: bool,
    d: usize,
    /// Row-major.
    x: Vec<f32>,
}

/// Kernel values above this would lose all meaning in 32 bits.
const MAX_KERNEL: f64 = 1e30;

/// Up to here norms and inner products give squared distances (times gamma) within 1e-5. They cost two operations per feature, and
/// none for a feature that is 0; differences cost three.
const MAX_NORM: f64 = 32.0;

impl Source {
    pub(super) fn new(kernel: Kernel, x: ArrayView2<'_, f64>) -> Result<Source> {
        let (n, d) = x.dim();
        let norm = x.rows().into_iter().map(|row| row.iter().map(|v| v * v).sum::<f64>()).fold(0.0, f64::max);
        let (largest, differences) = match kernel {
            Kernel::Linear => (norm, false),
            Kernel::Rbf { gamma } => (norm, gamma * norm > MAX_NORM),
            Kernel::Poly { gamma, coef0, degree } => {
                (norm.max(power((gamma * norm).abs() + coef0.abs(), degree)), false)
            }
            Kernel::Sigmoid { gamma, coef0 } => (norm.max((gamma * norm).abs() + coef0.abs()), false),
        };
        if largest.is_nan() || largest > MAX_KERNEL {
            let message = "support vector machines need numbers of like size, and some kernel values here would pass 1e30: set \
                           preprocessing.scaler to standard, or lower gamma, coef0 or degree";
            return Err(Error::new(ErrorKind::Data, message));
        }
        // Distances do not change when all rows move, and near 0 numbers are finer.
        let mean: Vec<f64> = if differences {
            x.columns().into_iter().map(|column| column.iter().sum::<f64>() / n as f64).collect()
        } else {
            vec![0.0; d]
        };
        let mut out = Vec::with_capacity(n * d);
        for row in x.rows() {
            out.extend(row.iter().zip(&mean).map(|(v, mean)| (v - mean) as f32));
        }
        Ok(Source { kernel, differences, d, x: out })
    }

    /// The rows of these indices, in this order.
    pub(super) fn rows(&self, ids: &[u32]) -> Rows<'_> {
        let blocks = ids.len().div_ceil(LANES);
        let mut rows = Rows {
            source: self,
            n: ids.len(),
            x: vec![[0.0; LANES]; blocks * self.d],
            norms: vec![0.0; blocks * LANES],
        };
        for (at, &id) in ids.iter().enumerate() {
            rows.put(at, id);
        }
        rows
    }
}

fn power(base: f64, mut degree: u32) -> f64 {
    let (mut square, mut out) = (base, 1.0);
    while degree > 0 {
        if degree % 2 == 1 {
            out *= square;
        }
        square *= square;
        degree /= 2;
    }
    out
}

/// Some of the rows, in blocks of sixteen; what lies past the last is 0.
pub(super) struct Rows<'a> {
    source: &'a Source,
    n: usize,
    /// Per block and feature, a lane.
    x: Vec<Lane>,
    norms: Vec<f32>,
}

/// One row, taken apart.
#[derive(Default)]
pub(super) struct Query {
    /// Its features that are not 0 (all of them where differences are made).
    at: Vec<u32>,
    value: Vec<f32>,
    norm: f32,
    /// Room to work in.
    wide: Vec<f64>,
}

impl Rows<'_> {
    pub(super) fn len(&self) -> usize {
        self.n
    }

    /// Number of features.
    pub(super) fn features(&self) -> usize {
        self.source.d
    }

    /// Length of a column of all rows: blocks are whole.
    pub(super) fn padded(&self) -> usize {
        self.norms.len()
    }

    /// Puts a row of the source at a place.
    fn put(&mut self, at: usize, id: u32) {
        let d = self.source.d;
        let (block, lane) = (at / LANES, at % LANES);
        let row = &self.source.x[id as usize * d..][..d];
        for (to, v) in self.x[block * d..][..d].iter_mut().zip(row) {
            to[lane] = *v;
        }
        self.norms[at] = norm(row);
    }

    /// The rows of these indices take the first places.
    pub(super) fn rearrange(&mut self, ids: &[u32]) {
        for (at, &id) in ids.iter().enumerate() {
            self.put(at, id);
        }
    }

    /// Kernel values of the source's row `id` with the rows of some blocks. The value of two rows does not depend on where they
    /// stand or which of them is asked for.
    pub(super) fn column(&self, id: u32, query: &mut Query, blocks: Range<usize>, out: &mut [f32]) {
        query.load(self.source, id);
        self.kernel(query, blocks, out);
    }

    fn kernel(&self, query: &mut Query, blocks: Range<usize>, out: &mut [f32]) {
        let d = self.source.d;
        let x = &self.x[blocks.start * d..blocks.end * d];
        let (lanes, _) = out.as_chunks_mut::<LANES>();
        if self.source.differences {
            lanes::distances(x, &query.value, lanes);
        } else {
            lanes::products(x, d, &query.at, &query.value, lanes);
        }
        let norms = &self.norms[blocks.start * LANES..blocks.end * LANES];
        match self.source.kernel {
            Kernel::Linear => {}
            Kernel::Rbf { gamma } if self.source.differences => lanes::rbf_of_distances(out, gamma as f32),
            Kernel::Rbf { gamma } => lanes::rbf_of_products(out, norms, query.norm, gamma as f32),
            Kernel::Poly { gamma, coef0, degree } => {
                out.iter_mut().for_each(|v| *v = power(gamma * f64::from(*v) + coef0, degree) as f32);
            }
            Kernel::Sigmoid { gamma, coef0 } => {
                query.wide.clear();
                query.wide.extend(out.iter().map(|v| bounded(gamma * f64::from(*v) + coef0)));
                let n = query.wide.len();
                Lot { rows: n, stride: n }.each_tanh(&mut query.wide, 1);
                out.iter_mut().zip(&query.wide).for_each(|(out, v)| *out = *v as f32);
            }
        }
    }

    /// To each row from `first` on (the start of a block), the sum of `factors`: each a row of the source and a number times the
    /// kernel value with it. Added in this order, whatever the number of threads.
    pub(super) fn sums(&self, first: usize, factors: &[(u32, f64)], progress: &dyn Progress) -> Result<Vec<f64>> {
        /// Rows of a piece of work: few enough to stay in a core's own cache while all factors pass.
        const PIECE: usize = 64 * LANES;
        let mut out = vec![0.0; self.padded() - first];
        out.par_chunks_mut(PIECE).enumerate().try_for_each(|(piece, out)| -> Result<()> {
            let start = (first + piece * PIECE) / LANES;
            let blocks = start..start + out.len() / LANES;
            let mut column = vec![0.0; out.len()];
            let mut query = Query::default();
            for (k, &(id, factor)) in factors.iter().enumerate() {
                if k % 256 == 0 {
                    progress.proceed()?;
                }
                self.column(id, &mut query, blocks.clone(), &mut column);
                lanes::add(out, factor, &column);
            }
            Ok(())
        })?;
        Ok(out)
    }

    /// Each row's kernel value with itself, as columns have it.
    pub(super) fn diagonal(&self, ids: &[u32]) -> Vec<f32> {
        let mut out = vec![0.0; self.padded()];
        let mut query = Query::default();
        let mut block = [0.0; LANES];
        for (at, &id) in ids.iter().enumerate() {
            self.column(id, &mut query, at / LANES..at / LANES + 1, &mut block);
            out[at] = block[at % LANES];
        }
        out
    }
}

impl Query {
    fn load(&mut self, source: &Source, id: u32) {
        let row = &source.x[id as usize * source.d..][..source.d];
        self.at.clear();
        self.value.clear();
        for (j, v) in row.iter().enumerate().filter(|(_, v)| source.differences || **v != 0.0) {
            self.at.push(j as u32);
            self.value.push(*v);
        }
        self.norm = norm(row);
    }
}

/// In the order in which inner products are added, so that a row's distance from itself is 0.
fn norm(row: &[f32]) -> f32 {
    row.iter().fold(0.0, |s, v| s + v * v)
}
