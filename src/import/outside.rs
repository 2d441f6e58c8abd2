//! A schema from outside: what a person writes of a model whose file says less.

/// What a `--schema` file says.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Outside {}
