//! What SQL has and this language leaves out, and what to write instead.

use super::names::HISTORY_BELONGS;
use sqlparser::ast::{BinaryOperator, Expr as Sql};

/// What is said of an operator that is not here.
pub(super) fn not_an_operator(op: &BinaryOperator) -> String {
    let instead = match op {
        BinaryOperator::StringConcat => "texts are compared with levels and nothing else",
        BinaryOperator::BitwiseXor | BinaryOperator::PGExp => "a power is `power(a, b)`",
        BinaryOperator::Xor => "of two flags it is `p <> q`",
        _ => "there are + - * / %, comparisons, AND, OR, NOT",
    };
    format!("the operator `{op}` is not part of the language; {instead}")
}

/// What is said of SQL that is not in this language.
pub(super) fn left_out(sql: &Sql) -> String {
    let what = match sql {
        Sql::Subquery(_) | Sql::Exists { .. } | Sql::In { .. } | Sql::AnyOp { .. } | Sql::AllOp { .. } => {
            return format!("a subquery reads other records: {HISTORY_BELONGS}");
        }
        Sql::Like { .. } | Sql::ILike { .. } | Sql::SimilarTo { .. } | Sql::RLike { .. } => {
            return "patterns are not part of the language; list the levels, as in `region IN ('EU', 'US')`".into();
        }
        Sql::Cast { .. } | Sql::Convert { .. } => {
            return "there is no CAST: a field's type is its schema's; `CASE WHEN p THEN 1 ELSE 0 END` makes a number of a flag".into();
        }
        Sql::Interval(_) => {
            return "there are no intervals; the time between two instants is `date_diff('day', a, b)`".into();
        }
        Sql::Substring { .. } | Sql::Trim { .. } | Sql::Position { .. } | Sql::Overlay { .. } | Sql::Collate { .. } => {
            return "text functions are not part of the language; a text is compared with the levels of a category field".into();
        }
        Sql::IsDistinctFrom(..) | Sql::IsNotDistinctFrom(..) => "IS DISTINCT FROM",
        Sql::AtTimeZone { .. } => "AT TIME ZONE (all times are UTC)",
        Sql::Tuple(_) => "a tuple",
        Sql::Array(_) => "an array",
        Sql::CompoundFieldAccess { .. } | Sql::JsonAccess { .. } => "access to a part of a value",
        Sql::Wildcard(_) | Sql::QualifiedWildcard(..) => "`*` as a value",
        _ => "this",
    };
    format!("{what} is not part of the feature language")
}
