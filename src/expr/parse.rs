//! Text to SQL syntax tree, by the `sqlparser` crate, within limits; [`lower`](super::lower) makes the typed tree of it.

use super::caret::{self, Problem};
use super::{Expr, MAX_DEPTH, MAX_TEXT, Type, lower, names};
use crate::error::{Error, ErrorKind, Result};
use crate::schema::Schema;
use sqlparser::ast::{Expr as Sql, Spanned};
use sqlparser::dialect::Dialect;
use sqlparser::parser::{Parser, ParserError};
use sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer};

/// Most tokens. sqlparser drops its tree by recursion, one level per operator of a chain: this bounds it.
const MAX_TOKENS: usize = 8192;

/// Plain SQL: none of the extensions the crate knows, names of any letters.
#[derive(Debug)]
struct Language;

impl Dialect for Language {
    fn is_identifier_start(&self, c: char) -> bool {
        c.is_alphabetic() || c == '_'
    }

    fn is_identifier_part(&self, c: char) -> bool {
        names::is_name_part(c)
    }

    fn is_delimited_identifier_start(&self, c: char) -> bool {
        c == '"'
    }

    fn allow_extract_custom(&self) -> bool {
        true
    }
}

/// The stack that sqlparser and the lowering get: within the limits they take a few MiB of it where nothing is optimised.
const STACK: usize = 64 << 20;

/// On a stack of its own, so that the depth which fits does not hang on what the caller's has left.
pub(super) fn parse(text: &str, schema: &Schema, earlier: &[(String, Type)]) -> Result<Expr> {
    stacker::grow(STACK, || read(text, schema, earlier))
}

fn read(text: &str, schema: &Schema, earlier: &[(String, Type)]) -> Result<Expr> {
    let plain = |message: String| Err(Error::new(ErrorKind::Expr, message));
    if text.len() > MAX_TEXT {
        return plain(format!("an expression of {} bytes is too long: {MAX_TEXT} is the most", text.len()));
    }
    if text.trim().is_empty() {
        return plain("an expression is empty; write one such as `a / (b + 1)`".into());
    }
    let tokens = match Tokenizer::new(&Language, text).tokenize_with_location() {
        Ok(tokens) => tokens,
        Err(e) => {
            let at = Span { start: e.location, end: e.location };
            return Err(caret::error(text, &Problem::new(at, lower_first(e.message.trim_end_matches('.')))));
        }
    };
    let tokens: Vec<TokenWithSpan> = tokens.into_iter().filter(|t| !matches!(t.token, Token::Whitespace(_))).collect();
    if tokens.len() > MAX_TOKENS {
        return plain(format!(
            "an expression of {} words and signs is too long: {MAX_TOKENS} is the most",
            tokens.len()
        ));
    }
    let tree = syntax(text, &tokens).map_err(|p| caret::error(text, &p))?;
    lower::lower(&tree, schema, earlier).map_err(|mut p| {
        p.span = caret::balanced(&tokens, p.span);
        caret::error(text, &p)
    })
}

/// All of the tokens as one expression.
fn syntax(text: &str, tokens: &[TokenWithSpan]) -> std::result::Result<Sql, Problem> {
    // One level of nesting takes sqlparser up to three of its own.
    let mut parser =
        Parser::new(&Language).with_recursion_limit(4 * MAX_DEPTH).with_tokens_with_locations(tokens.to_vec());
    let tree = match parser.parse_expr() {
        Ok(tree) => tree,
        Err(ParserError::RecursionLimitExceeded) => return Err(Problem::new(Span::empty(), lower::too_deep())),
        Err(ParserError::ParserError(m) | ParserError::TokenizerError(m)) => return Err(unexpected(&m, text, tokens)),
    };
    let next = parser.peek_token();
    match next.token {
        Token::EOF => Ok(tree),
        Token::SemiColon => Err(Problem::new(next.span, "one expression and no `;` is expected")),
        _ if matches!(&tree, Sql::Identifier(i) if i.quote_style.is_none() && i.value.eq_ignore_ascii_case("case")) => {
            let message = "a CASE that is not complete: write `CASE WHEN … THEN … ELSE … END`";
            Err(Problem::new(tree.span(), message))
        }
        ref t => Err(Problem::new(next.span, format!("expected an operator or the end, found `{t}`"))),
    }
}

/// sqlparser's `Expected: an expression, found: ) at Line: 1, Column: 5`, in our words and with its place.
fn unexpected(message: &str, text: &str, tokens: &[TokenWithSpan]) -> Problem {
    let (what, place) = match message.rsplit_once(" at Line: ") {
        Some((what, place)) => (what, place.split_once(", Column: ")),
        None => (message, None),
    };
    let span = match place.and_then(|(l, c)| Some(Location { line: l.parse().ok()?, column: c.parse().ok()? })) {
        Some(at) if at.line > 0 => caret::whole_token(tokens, Span { start: at, end: at }),
        _ => caret::end_of(text),
    };
    if what.starts_with("No infix parser") {
        return Problem::new(span, "expected an operator (+ - * / %, comparisons, AND, OR) or the end");
    }
    let what = match what.strip_prefix("Expected: ").and_then(|w| w.split_once(", found: ")) {
        Some((wanted, found)) => {
            let quoted = |s: &str| if s.contains(char::is_lowercase) { s.to_string() } else { format!("`{s}`") };
            let found = if found == "EOF" { "the end".to_string() } else { format!("`{found}`") };
            format!("expected {}, found {found}", quoted(wanted))
        }
        None => lower_first(what),
    };
    Problem::new(span, what)
}

fn lower_first(message: &str) -> String {
    let mut chars = message.chars();
    chars.next().map_or_else(String::new, |c| c.to_lowercase().chain(chars).collect())
}
