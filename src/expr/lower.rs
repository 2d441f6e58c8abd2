//! Syntax tree to typed tree: names to slots, texts to levels and times, sugar to the core's operators.

use super::caret::Problem;
use super::foreign;
use super::names::{self, Function, HISTORY_BELONGS, PARTS, UNITS};
use super::node::{Binary, Env, Held, Mismatch, Node, Unary};
use super::{Expr, MAX_DEPTH, MAX_NODES, MAX_STACK, Type};
use crate::error::nearest;
use crate::schema::Schema;
use crate::time;
use sqlparser::ast::{
    BinaryOperator, CaseWhen, CeilFloorKind, DataType, DateTimeField, Expr as Sql, Function as Call, FunctionArg,
    FunctionArgExpr, FunctionArguments, Ident, InTarget, Spanned, TimezoneInfo, TypedString, UnaryOperator, Value,
};
use sqlparser::tokenizer::Span;

type Done = Result<(), Problem>;

/// The typed tree of `sql`.
pub(super) fn lower(sql: &Sql, schema: &Schema, earlier: &[(String, Type)]) -> Result<Expr, Problem> {
    let types: Vec<Type> = earlier.iter().map(|(_, ty)| *ty).collect();
    let names: Vec<&str> = earlier.iter().map(|(name, _)| name.as_str()).collect();
    let env = Env { schema, earlier: &types };
    let mut l = Lowering { env, names, nodes: Vec::new(), held: Vec::new(), most: 0, depth: 0 };
    if let Some((_, span)) = text(sql) {
        return Err(Problem::new(span, NO_TEXT));
    }
    l.expr(sql)?;
    let ty = match l.held[..] {
        [(Held::Category(_), span)] => return Err(Problem::new(span, format!("a category {IS_NO_FEATURE}"))),
        [(held, span)] => held.ty().ok_or_else(|| Problem::new(span, "it is always missing, whatever the record"))?,
        _ => return Err(Problem::new(Span::empty(), "it does not leave one value")),
    };
    Ok(Expr { ty, stack: l.most as u32, nodes: l.nodes })
}

/// What is said of nesting past the limit.
pub(super) fn too_deep() -> String {
    format!("it is nested too deep: {MAX_DEPTH} levels are the most; split it into several derived features")
}

const NO_TEXT: &str =
    "a feature is a number, a flag or a time, not a text; a text is compared with a category field or a time";
const IS_NO_FEATURE: &str =
    "is not a value of a feature; compare it with its levels, or list the field as a feature itself";

struct Lowering<'a> {
    env: Env<'a>,
    /// Of the derived features before this one.
    names: Vec<&'a str>,
    nodes: Vec<Node>,
    /// What the evaluator's stack holds here, and where it was written.
    held: Vec<(Held, Span)>,
    most: usize,
    depth: usize,
}

impl Lowering<'_> {
    /// Adds a node. `what`: how it was written; `span`: its own place, without the operands.
    fn push(&mut self, node: Node, what: &str, span: Span) -> Done {
        if self.nodes.len() == MAX_NODES {
            let message =
                format!("it is too large: {MAX_NODES} nodes are the most; split it into several derived features");
            return Err(Problem::new(span, message));
        }
        let first = self.held.len() - node.arity();
        let operands = &self.held[first..];
        let types: Vec<Held> = operands.iter().map(|(held, _)| *held).collect();
        let whole = operands.iter().fold(span, |s, (_, o)| s.union(o));
        let held = node.yields(&types, &self.env).map_err(|m| {
            let place = operands.get(m.operand).map_or(span, |(_, s)| *s);
            Problem::new(place, self.misfit(node, what, &types, m))
        })?;
        self.held.truncate(first);
        self.held.push((held, whole));
        self.most = self.most.max(self.held.len());
        if self.most > MAX_STACK {
            return Err(Problem::new(whole, too_deep()));
        }
        // A negative literal is one node.
        match (node, self.nodes.last_mut()) {
            (Node::Unary(Unary::Neg), Some(Node::Number(v))) => *v = 0.0 - *v,
            _ => self.nodes.push(node),
        }
        Ok(())
    }

    /// Why an operand does not fit.
    fn misfit(&self, node: Node, what: &str, types: &[Held], m: Mismatch) -> String {
        let got = types.get(m.operand).copied().unwrap_or(Held::Null);
        if let (Node::Binary(Binary::Eq | Binary::Ne), &[Held::Category(slot), _]) = (node, types)
            && let Some(levels) = self.env.levels(slot)
        {
            return format!(
                "`{}` is a category: compare it with one of its levels ({}), not with {}",
                self.field(slot),
                names::list_levels(levels),
                a(got)
            );
        }
        if let Some(other) = m.beside {
            return format!("{what} takes values of one type, not {} and {}", a(other), a(got));
        }
        let hint = match (m.takes, got) {
            _ if matches!(node, Node::Binary(Binary::Sub)) && got == Held::Time => {
                "; the time between two instants is `date_diff('day', a, b)`"
            }
            ("a number", Held::Flag) => "; `CASE WHEN … THEN 1 ELSE 0 END` makes a number of a flag",
            ("a flag", Held::Number) => "; compare it, as in `x > 0`",
            (_, Held::Category(_)) => "; a category is compared with its levels, as in `region = 'EU'`",
            _ => "",
        };
        format!("{what} takes {}, not {}{hint}", m.takes, a(got))
    }

    /// Any expression that is not a text.
    fn expr(&mut self, sql: &Sql) -> Done {
        if self.depth == MAX_DEPTH {
            return Err(Problem::new(sql.span(), too_deep()));
        }
        self.depth += 1;
        let done = self.expr_within(sql);
        self.depth -= 1;
        done
    }

    fn expr_within(&mut self, sql: &Sql) -> Done {
        match sql {
            Sql::Nested(inner) => self.expr(inner),
            Sql::Identifier(name) => self.name(name),
            Sql::CompoundIdentifier(parts) => {
                let name: Vec<&str> = parts.iter().map(|p| p.value.as_str()).collect();
                let name = name.join(".");
                let message = match self.env.schema.slot(&name) {
                    Some(_) => format!("a name with a `.` stands in double quotes: \"{name}\""),
                    None => names::unknown_field(&name, false, self.env.schema, &self.names),
                };
                Err(Problem::new(sql.span(), message))
            }
            Sql::Value(v) => self.value(&v.value, v.span),
            Sql::TypedString(t) => self.typed_string(t, sql.span()),
            Sql::UnaryOp { op, expr } => self.unary(op, expr),
            Sql::BinaryOp { .. } => self.binary(sql),
            Sql::IsNull(e) | Sql::IsUnknown(e) => self.is_null(e),
            Sql::IsNotNull(e) | Sql::IsNotUnknown(e) => {
                self.is_null(e)?;
                self.push(Node::Unary(Unary::Not), "NOT", Span::empty())
            }
            Sql::IsTrue(e) => self.is_flag(e, false, false),
            Sql::IsNotTrue(e) => self.is_flag(e, false, true),
            Sql::IsNotFalse(e) => self.is_flag(e, true, false),
            Sql::IsFalse(e) => self.is_flag(e, true, true),
            Sql::Between { expr, negated, low, high } => {
                self.compare(Binary::Ge, expr, low, "BETWEEN")?;
                self.compare(Binary::Le, expr, high, "BETWEEN")?;
                self.push(Node::Binary(Binary::And), "BETWEEN", Span::empty())?;
                self.negate(*negated)
            }
            Sql::In { expr, target: InTarget::List(list), negated, .. } => {
                for (i, item) in list.iter().enumerate() {
                    self.compare(Binary::Eq, expr, item, "IN")?;
                    if i > 0 {
                        self.push(Node::Binary(Binary::Or), "IN", Span::empty())?;
                    }
                }
                match list.is_empty() {
                    true => Err(Problem::new(sql.span(), "IN takes at least one value")),
                    false => self.negate(*negated),
                }
            }
            Sql::Case { operand, conditions, else_result, case_token, end_token } => self.case(
                operand.as_deref(),
                conditions,
                else_result.as_deref(),
                case_token.0.span.union(&end_token.0.span),
            ),
            Sql::Ceil { expr, field } => self.floor_ceil(Unary::Ceil, "`ceil`", expr, field),
            Sql::Floor { expr, field } => self.floor_ceil(Unary::Floor, "`floor`", expr, field),
            Sql::Extract { field, expr, .. } => self.extract(field, expr),
            Sql::Function(call) => self.call(call),
            other => Err(Problem::new(other.span(), foreign::left_out(other))),
        }
    }

    fn name(&mut self, name: &Ident) -> Done {
        let schema = self.env.schema;
        let slot = schema
            .slot(&name.value)
            .or_else(|| self.names.iter().position(|n| *n == name.value).map(|k| schema.fields.len() + k));
        match slot {
            Some(slot) => self.push(Node::Slot(slot as u32), "a name", name.span),
            None => {
                let quoted = name.quote_style.is_some();
                Err(Problem::new(name.span, names::unknown_field(&name.value, quoted, schema, &self.names)))
            }
        }
    }

    fn value(&mut self, value: &Value, span: Span) -> Done {
        let node = match value {
            Value::Number(digits, false) => match digits.parse::<f64>() {
                Ok(v) if v.is_finite() => Node::Number(v),
                Ok(_) => return Err(Problem::new(span, "a number this large has no double; 1.797e308 is the largest")),
                Err(_) => return Err(Problem::new(span, format!("`{digits}` is not a decimal number"))),
            },
            Value::Boolean(v) => Node::Flag(*v),
            Value::Null => Node::Null,
            Value::SingleQuotedString(_) => return Err(Problem::new(span, NO_TEXT)),
            _ => {
                return Err(Problem::new(
                    span,
                    "numbers are written in decimal (1, 2.5, 1e-10), texts in single quotes",
                ));
            }
        };
        self.push(node, "a literal", span)
    }

    fn typed_string(&mut self, typed: &TypedString, span: Span) -> Done {
        let known = matches!(
            typed.data_type,
            DataType::Date
                | DataType::Timestamp(None, TimezoneInfo::None | TimezoneInfo::WithTimeZone | TimezoneInfo::Tz)
        );
        match (&typed.value.value, known) {
            (Value::SingleQuotedString(text), true) => self.time(text, span),
            _ => Err(Problem::new(
                span,
                "a literal with a type is DATE '2026-01-31' or TIMESTAMP '2026-01-31T12:00:00Z'",
            )),
        }
    }

    fn time(&mut self, text: &str, span: Span) -> Done {
        match time::parse_iso(text.trim()) {
            Some(t) => self.push(Node::Time(t), "a time", span),
            None => Err(Problem::new(
                span,
                format!("'{text}' is not a time: write ISO 8601, as '2026-01-31' or '2026-01-31T12:00:00Z'"),
            )),
        }
    }

    fn unary(&mut self, op: &UnaryOperator, operand: &Sql) -> Done {
        match op {
            UnaryOperator::Minus => {
                self.expr(operand)?;
                self.push(Node::Unary(Unary::Neg), "`-`", Span::empty())
            }
            UnaryOperator::Not => {
                self.expr(operand)?;
                self.push(Node::Unary(Unary::Not), "NOT", Span::empty())
            }
            UnaryOperator::Plus => {
                self.expr(operand)?;
                self.must_fit(Unary::Neg, "`+`")
            }
            other => Err(Problem::new(operand.span(), format!("the operator `{other}` is not part of the language"))),
        }
    }

    /// A chain of operators that bind to the left, without recursion along it.
    fn binary(&mut self, sql: &Sql) -> Done {
        let mut chain = Vec::new();
        let mut first = sql;
        while let Sql::BinaryOp { left, op, right } = first {
            match operator(op) {
                Some(b) if !is_comparison(b) => chain.push((b, op, right.as_ref())),
                _ => break,
            }
            first = left.as_ref();
        }
        match first {
            Sql::BinaryOp { left, op, right } if chain.is_empty() => match operator(op) {
                Some(b) => self.compare(b, left, right, &format!("`{op}`"))?,
                None => return Err(Problem::new(sql.span(), foreign::not_an_operator(op))),
            },
            _ => self.expr(first)?,
        }
        for (b, op, right) in chain.into_iter().rev() {
            self.expr(right)?;
            let what = if matches!(b, Binary::And | Binary::Or) { op.to_string() } else { format!("`{op}`") };
            self.push(Node::Binary(b), &what, Span::empty())?;
        }
        Ok(())
    }

    /// A comparison; a text on one side is read as what the other side asks.
    fn compare(&mut self, op: Binary, left: &Sql, right: &Sql, what: &str) -> Done {
        for side in [left, right] {
            if let Sql::Value(v) = bare(side)
                && v.value == Value::Null
            {
                return Err(Problem::new(
                    v.span,
                    format!("{what} with NULL is never true; write `IS NULL` or `IS NOT NULL`"),
                ));
            }
        }
        let op = match (text(left), text(right)) {
            (Some((_, a)), Some((_, b))) => {
                return Err(Problem::new(
                    a.union(&b),
                    "two texts are compared with each other; one side is a field or a value",
                ));
            }
            (None, None) => {
                self.expr(left)?;
                self.expr(right)?;
                op
            }
            (None, Some((t, span))) => {
                self.expr(left)?;
                self.text_beside(t, span, what)?;
                op
            }
            (Some((t, span)), None) => {
                self.expr(right)?;
                self.text_beside(t, span, what)?;
                mirrored(op)
            }
        };
        self.push(Node::Binary(op), what, Span::empty())
    }

    /// A text, read as what it is compared with: the value that was pushed last.
    fn text_beside(&mut self, text: &str, span: Span, what: &str) -> Done {
        match self.held.last() {
            Some(&(Held::Category(slot), _)) => {
                let Some(levels) = self.env.levels(slot) else { return Err(Problem::new(span, NO_TEXT)) };
                match levels.find(text) {
                    Some(level) => self.push(Node::Level(level as u32), "a level", span),
                    None => Err(Problem::new(span, names::unknown_level(text, self.field(slot), levels))),
                }
            }
            Some((Held::Time, _)) => self.time(text, span),
            Some((held, _)) => {
                let hint = match text.trim().parse::<f64>() {
                    Ok(_) if *held == Held::Number => "; write the number without quotes",
                    _ => "",
                };
                Err(Problem::new(span, format!("{what} takes {} here, not a text{hint}", a(*held))))
            }
            None => Err(Problem::new(span, NO_TEXT)),
        }
    }

    /// An operand that is a time; a text is read as one.
    fn time_operand(&mut self, sql: &Sql) -> Done {
        match text(sql) {
            Some((t, span)) => self.time(t, span),
            None => self.expr(sql),
        }
    }

    fn is_null(&mut self, operand: &Sql) -> Done {
        self.expr(operand)?;
        self.push(Node::Unary(Unary::IsNull), "IS NULL", Span::empty())
    }

    /// `COALESCE(operand, default)`, or its opposite.
    fn is_flag(&mut self, operand: &Sql, default: bool, opposite: bool) -> Done {
        self.expr(operand)?;
        self.must_fit(Unary::Not, if default { "IS FALSE" } else { "IS TRUE" })?;
        let span = self.held.last().map_or(Span::empty(), |h| h.1);
        self.push(Node::Flag(default), "a literal", span)?;
        self.push(Node::Binary(Binary::Coalesce), "IS TRUE", Span::empty())?;
        self.negate(opposite)
    }

    /// What was pushed last must be what `op` takes, though it is not applied.
    fn must_fit(&self, op: Unary, what: &str) -> Done {
        let Some(&(held, span)) = self.held.last() else { return Ok(()) };
        match Node::Unary(op).yields(&[held], &self.env) {
            Ok(_) => Ok(()),
            Err(m) => Err(Problem::new(span, self.misfit(Node::Unary(op), what, &[held], m))),
        }
    }

    fn negate(&mut self, negated: bool) -> Done {
        if negated { self.push(Node::Unary(Unary::Not), "NOT", Span::empty()) } else { Ok(()) }
    }

    fn case(&mut self, operand: Option<&Sql>, whens: &[CaseWhen], otherwise: Option<&Sql>, span: Span) -> Done {
        match otherwise {
            Some(e) => self.branch(e)?,
            None => self.push(Node::Null, "NULL", span)?,
        }
        for when in whens.iter().rev() {
            match operand {
                Some(operand) => self.compare(Binary::Eq, operand, &when.condition, "CASE")?,
                None => self.expr(&when.condition)?,
            }
            self.branch(&when.result)?;
            self.push(Node::Pick, "CASE", Span::empty())?;
        }
        Ok(())
    }

    fn branch(&mut self, sql: &Sql) -> Done {
        match text(sql) {
            Some((_, span)) => Err(Problem::new(span, format!("{NO_TEXT}; write a number per branch"))),
            None => self.expr(sql),
        }
    }

    fn floor_ceil(&mut self, op: Unary, what: &str, operand: &Sql, field: &CeilFloorKind) -> Done {
        if !matches!(field, CeilFloorKind::DateTimeField(DateTimeField::NoDateTime)) {
            return Err(Problem::new(operand.span(), format!("{what} takes 1 value")));
        }
        self.expr(operand)?;
        self.push(Node::Unary(op), what, Span::empty())
    }

    fn extract(&mut self, field: &DateTimeField, operand: &Sql) -> Done {
        let name = field.to_string().to_lowercase();
        let Some((_, part)) = PARTS.iter().find(|(n, _)| *n == name) else {
            let message = format!("`extract` has no field `{name}`; there are {}", names::choices(&PARTS));
            return Err(Problem::new(operand.span(), message));
        };
        self.time_operand(operand)?;
        self.push(Node::Extract(*part), "`extract`", Span::empty())
    }

    fn call(&mut self, call: &Call) -> Done {
        let span = call.name.span();
        let name = call.name.to_string();
        if call.over.is_some() {
            return Err(Problem::new(
                span,
                format!("`{name}` … OVER is a window over other records: {HISTORY_BELONGS}"),
            ));
        }
        let Some(function) = names::function(&name) else {
            return Err(Problem::new(span, names::unknown_function(&name)));
        };
        let args = arguments(call, &name)?;
        let what = format!("`{}`", name.to_lowercase());
        let count = |n: usize| match args.len() == n {
            true => Ok(()),
            false => {
                let hint = if name.eq_ignore_ascii_case("round") && args.len() == 2 {
                    "; for two digits write `round(x * 100) / 100`"
                } else {
                    ""
                };
                let message =
                    format!("{what} takes {n} value{}, not {}{hint}", if n == 1 { "" } else { "s" }, args.len());
                Err(Problem::new(call.span(), message))
            }
        };
        match function {
            Function::One(op) => {
                count(1)?;
                self.expr(args[0])?;
                self.push(Node::Unary(op), &what, span)
            }
            Function::Two(op) => {
                count(2)?;
                self.expr(args[0])?;
                self.expr(args[1])?;
                self.push(Node::Binary(op), &what, span)
            }
            Function::Fold(op) => {
                if args.len() < 2 {
                    return Err(Problem::new(
                        call.span(),
                        format!("{what} takes 2 values or more, not {}", args.len()),
                    ));
                }
                self.expr(args[0])?;
                for arg in &args[1..] {
                    self.expr(arg)?;
                    self.push(Node::Binary(op), &what, span)?;
                }
                Ok(())
            }
            Function::Now => {
                count(0)?;
                self.push(Node::Now, &what, span)
            }
            Function::DateDiff => {
                count(3)?;
                let units = || names::choices(&UNITS);
                let Some((unit, at)) = text(args[0]) else {
                    let message = format!("`date_diff` takes its unit as a text ('day'); there are {}", units());
                    return Err(Problem::new(args[0].span(), message));
                };
                let Some((_, unit)) = UNITS.iter().find(|(n, _)| n.eq_ignore_ascii_case(unit)) else {
                    let near = nearest(unit, UNITS.iter().map(|(n, _)| *n));
                    let right =
                        near.map_or_else(|| format!("; there are {}", units()), |n| format!(" (did you mean '{n}'?)"));
                    return Err(Problem::new(at, format!("`date_diff` has no unit '{unit}'{right}")));
                };
                self.time_operand(args[1])?;
                self.time_operand(args[2])?;
                self.push(Node::DateDiff(*unit), &what, span)
            }
        }
    }

    fn field(&self, slot: u32) -> &str {
        self.env.schema.fields.get(slot as usize).map_or("", |f| f.name.as_str())
    }
}

/// A call's arguments, when they are plain values.
fn arguments<'a>(call: &'a Call, name: &str) -> Result<Vec<&'a Sql>, Problem> {
    let span = call.name.span();
    let bare = call.filter.is_none()
        && call.within_group.is_empty()
        && call.null_treatment.is_none()
        && matches!(call.parameters, FunctionArguments::None);
    match &call.args {
        FunctionArguments::List(list) if bare && list.duplicate_treatment.is_none() && list.clauses.is_empty() => list
            .args
            .iter()
            .map(|arg| match arg {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(e)) => Ok(e),
                _ => Err(Problem::new(span, format!("`{name}` takes values, not names or `*`"))),
            })
            .collect(),
        FunctionArguments::Subquery(_) => {
            Err(Problem::new(span, format!("a subquery reads other records: {HISTORY_BELONGS}")))
        }
        FunctionArguments::None => Err(Problem::new(span, format!("`{name}` is a function: write `{name}()`"))),
        FunctionArguments::List(_) => Err(Problem::new(span, format!("`{name}` takes plain values and nothing else"))),
    }
}

/// Without the parentheses around it.
fn bare(mut sql: &Sql) -> &Sql {
    while let Sql::Nested(inner) = sql {
        sql = inner;
    }
    sql
}

/// A text literal.
fn text(sql: &Sql) -> Option<(&str, Span)> {
    match bare(sql) {
        Sql::Value(v) => match &v.value {
            Value::SingleQuotedString(text) => Some((text, v.span)),
            _ => None,
        },
        _ => None,
    }
}

fn operator(op: &BinaryOperator) -> Option<Binary> {
    Some(match op {
        BinaryOperator::Plus => Binary::Add,
        BinaryOperator::Minus => Binary::Sub,
        BinaryOperator::Multiply => Binary::Mul,
        BinaryOperator::Divide => Binary::Div,
        BinaryOperator::Modulo => Binary::Rem,
        BinaryOperator::Eq => Binary::Eq,
        BinaryOperator::NotEq => Binary::Ne,
        BinaryOperator::Lt => Binary::Lt,
        BinaryOperator::LtEq => Binary::Le,
        BinaryOperator::Gt => Binary::Gt,
        BinaryOperator::GtEq => Binary::Ge,
        BinaryOperator::And => Binary::And,
        BinaryOperator::Or => Binary::Or,
        _ => return None,
    })
}

fn is_comparison(op: Binary) -> bool {
    matches!(op, Binary::Eq | Binary::Ne | Binary::Lt | Binary::Le | Binary::Gt | Binary::Ge)
}

/// `a op b` is `b mirrored(op) a`.
fn mirrored(op: Binary) -> Binary {
    match op {
        Binary::Lt => Binary::Gt,
        Binary::Le => Binary::Ge,
        Binary::Gt => Binary::Lt,
        Binary::Ge => Binary::Le,
        other => other,
    }
}

/// With its article.
fn a(held: Held) -> &'static str {
    match held {
        Held::Number => "a number",
        Held::Flag => "a flag",
        Held::Time => "a time",
        Held::Category(_) => "a category",
        Held::Level(_) => "a level",
        Held::Null => "NULL",
    }
}
