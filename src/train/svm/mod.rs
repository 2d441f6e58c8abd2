//! Support vector machines by sequential minimal optimisation.

use super::params::Svm;
use super::{Fitted, Problem, Progress};
use crate::error::{Error, ErrorKind, Result};

pub(crate) fn fit(_: &Svm, _: &Problem<'_>, _: u64, _: &dyn Progress) -> Result<Fitted> {
    Err(Error::new(ErrorKind::Config, "cannot be trained yet"))
}
