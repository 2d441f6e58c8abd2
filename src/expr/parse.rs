//! SQL text to typed tree.
use super::{Expr, Type};
use crate::error::Result;
use crate::schema::Schema;
pub(super) fn parse(text: &str, schema: &Schema, earlier: &[(String, Type)]) -> Result<Expr> {
    let _ = (text, schema, earlier);
    unimplemented!("expr parser")
}
