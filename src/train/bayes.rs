//! Gaussian naive Bayes.

use super::params::GaussianNb;
use super::{Fitted, Problem, Progress};
use crate::error::{Error, ErrorKind, Result};

pub(crate) fn fit(_: &GaussianNb, _: &Problem<'_>, _: &dyn Progress) -> Result<Fitted> {
    Err(Error::new(ErrorKind::Config, "cannot be trained yet"))
}
