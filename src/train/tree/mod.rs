//! Trees on binned features: one grower, used by boosting and by random forests.
//!
//! [`bins`] turns features into bytes once. [`histogram`] adds up gradients per bin, in integers, so that sums do not depend
//! on their order: the same model at any number of threads. [`split`] finds the best cut or set of levels in such sums.
//! [`grow`] splits leaf after leaf. [`boost`] and [`forest`] decide what a gradient is and what becomes of the trees.

pub(crate) mod bins;
pub(crate) mod boost;
pub(crate) mod forest;
pub(crate) mod grow;
pub(crate) mod histogram;
pub(crate) mod split;
#[cfg(test)]
mod tests;
