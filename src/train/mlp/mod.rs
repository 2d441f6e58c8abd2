//! Multi-layer perceptrons.

use super::params::Mlp;
use super::{Fitted, Problem, Progress};
use crate::error::{Error, ErrorKind, Result};

pub(crate) fn fit(_: &Mlp, _: &Problem<'_>, _: Option<&Problem<'_>>, _: u64, _: &dyn Progress) -> Result<Fitted> {
    Err(Error::new(ErrorKind::Config, "cannot be trained yet"))
}
