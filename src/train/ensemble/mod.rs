//! Estimators made of estimators: stacking and voting.

use super::Progress;
use super::estimator::{Fit, Frame};
use super::params::{Stacking, Voting};
use crate::error::{Error, ErrorKind, Result};

pub(super) fn stacking(
    _: &Stacking,
    _: &Frame<'_>,
    _: &[usize],
    _: Option<&[usize]>,
    _: u64,
    _: &dyn Progress,
) -> Result<Fit> {
    Err(Error::new(ErrorKind::Config, "cannot be trained yet"))
}

pub(super) fn voting(
    _: &Voting,
    _: &Frame<'_>,
    _: &[usize],
    _: Option<&[usize]>,
    _: u64,
    _: &dyn Progress,
) -> Result<Fit> {
    Err(Error::new(ErrorKind::Config, "cannot be trained yet"))
}
