//! An error with its place: the line of the expression, and carets under what is wrong.

use crate::error::{Error, ErrorKind};
use sqlparser::tokenizer::{Span, Token, TokenWithSpan};

/// What is wrong, and where; an empty span has no place to show.
#[derive(Clone, Debug)]
pub(super) struct Problem {
    pub message: String,
    pub span: Span,
}

impl Problem {
    pub fn new(span: Span, message: impl Into<String>) -> Self {
        Problem { message: message.into(), span }
    }
}

/// Characters shown of a long line.
const WIDTH: usize = 100;

/// The error as it is printed: the message, the line, the carets. Columns count characters.
///
/// ```text
/// unknown field `incme` (did you mean `income`?)
///   debt / incme
///          ^^^^^
/// ```
pub(super) fn error(text: &str, problem: &Problem) -> Error {
    let mut message = problem.message.clone();
    let span = problem.span;
    let line = usize::try_from(span.start.line).unwrap_or(0).checked_sub(1).and_then(|n| text.lines().nth(n));
    if let Some(line) = line {
        let chars: Vec<char> = line.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let column = |c: u64| usize::try_from(c).unwrap_or(1).saturating_sub(1).min(chars.len());
        let start = column(span.start.column);
        let end = if span.end.line == span.start.line { column(span.end.column) } else { chars.len() }.max(start + 1);
        let first = if chars.len() <= WIDTH { 0 } else { start.saturating_sub(WIDTH / 2) };
        let last = chars.len().min(first + WIDTH);
        let (before, after) = (if first > 0 { "…" } else { "" }, if last < chars.len() { "…" } else { "" });
        let shown: String = chars[first..last].iter().collect();
        let lead = " ".repeat(start - first + before.chars().count());
        let carets = "^".repeat(end.min(last.max(start + 1)) - start);
        message.push_str(&format!("\n  {before}{}{after}\n  {lead}{carets}", shown.trim_end()));
    }
    Error::new(ErrorKind::Expr, message)
}

/// Where the text ends.
pub(super) fn end_of(text: &str) -> Span {
    let line = text.trim_end().lines().last().unwrap_or("");
    let at = sqlparser::tokenizer::Location {
        line: text.trim_end().lines().count().max(1) as u64,
        column: line.trim_end().chars().count() as u64 + 1,
    };
    Span { start: at, end: at }
}

/// The token that starts where the span does; the parser names only that place.
pub(super) fn whole_token(tokens: &[TokenWithSpan], span: Span) -> Span {
    tokens.iter().find(|t| t.span.start == span.start && t.token != Token::EOF).map_or(span, |t| t.span)
}

/// The span, widened until every parenthesis in it has its other half: the parser's spans end at the last operand.
pub(super) fn balanced(tokens: &[TokenWithSpan], span: Span) -> Span {
    if span == Span::empty() {
        return span;
    }
    let Some(mut first) = tokens.iter().position(|t| t.span.start >= span.start) else { return span };
    let Some(mut last) = tokens.iter().rposition(|t| t.span.end <= span.end && t.token != Token::EOF) else {
        return span;
    };
    let mut open = 0usize;
    let mut unopened = 0usize;
    for t in tokens.get(first..=last).unwrap_or(&[]) {
        match t.token {
            Token::LParen => open += 1,
            Token::RParen if open > 0 => open -= 1,
            Token::RParen => unopened += 1,
            _ => {}
        }
    }
    while open > 0 && last + 1 < tokens.len() {
        last += 1;
        match tokens[last].token {
            Token::LParen => open += 1,
            Token::RParen => open -= 1,
            Token::EOF => return span,
            _ => {}
        }
    }
    while unopened > 0 && first > 0 {
        first -= 1;
        match tokens[first].token {
            Token::RParen => unopened += 1,
            Token::LParen => unopened -= 1,
            _ => {}
        }
    }
    span.union(&tokens[first].span).union(&tokens[last].span)
}
