//! Trees on binned features.
//!
//! **Boosting.** [`bins`] turns features into bytes, [`store`] lays these out. [`fixed`] makes gradients integers, so that sums
//! do not depend on their order: the same model at any number of threads. [`histogram`] adds them up per bin, [`split`] finds the
//! best cut or set of levels in such sums, [`grow`] splits leaf after leaf. [`loss`] says what a gradient is, [`boost`] goes round.
//!
//! **Forests.** [`forest`].

pub(crate) mod bins;
pub(crate) mod boost;
mod columns;
mod fixed;
pub(crate) mod forest;
mod grow;
mod grown;
mod histogram;
mod loss;
mod split;
mod store;
mod vector;
mod wood;
