//! Parses the body of a script, refuses what a frozen realm without jobs cannot run, and finds what it reads.
//!
//! The body is parsed before it is wrapped, so `}); globalThis.x = 1; (function () {` is a syntax error and cannot
//! escape. A body can overflow the parser's stack: this runs in worker processes only.

use boa_engine::Source;
use boa_engine::ast::Spanned;
use boa_engine::ast::function::FunctionBody;
use boa_engine::ast::scope::Scope;
use boa_engine::interner::Interner;
use boa_engine::parser::lexer::error::Error as LexError;
use boa_engine::parser::{Error as ParseError, Parser};

use super::finder::{ScriptFacts, place};
use super::reads::find;
use crate::script::reads::ScriptPosition;

/// Why a script does not compile: a sentence and a place in the script's own text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    pub message: String,
    pub place: ScriptPosition,
}

/// Parses the body and looks through it.
pub(crate) fn check(text: &str, interner: &mut Interner) -> Result<ScriptFacts, SyntaxError> {
    let body = parse(text, interner)?;
    let found = find(&body, interner);
    match found.forbidden {
        None => Ok(found),
        Some((what, place)) => Err(SyntaxError { message: what.to_owned(), place }),
    }
}

fn parse(text: &str, interner: &mut Interner) -> Result<FunctionBody, SyntaxError> {
    let mut parser = Parser::new(Source::from_bytes(text));
    parser.set_strict();
    let body = parser.parse_function_body(interner, false, false).map_err(|error| mistake(&error, text))?;
    // The engine's parser stops at a `}` that closes nothing and calls the body complete. As a script of its own, what
    // is left must be empty; a script cannot start with `}`.
    let rest = parser.parse_script(&Scope::new_global(), interner).map_err(|error| mistake(&error, text))?;
    if rest.statements().statements().is_empty() {
        return Ok(body);
    }
    Err(SyntaxError { message: "a bracket closes nothing".to_owned(), place: place(body.span().end()) })
}

/// A parse error as a sentence without the position, which is a field of its own.
pub(super) fn mistake(error: &ParseError, text: &str) -> SyntaxError {
    let (message, position) = match error {
        ParseError::Expected { expected, found, context, span } => {
            let expected: Vec<String> = expected.iter().map(|token| format!("`{token}`")).collect();
            (format!("expected {}, found `{found}` in {context}", expected.join(" or ")), Some(span.start()))
        }
        ParseError::Unexpected { found, span, message } => {
            (format!("unexpected `{found}`: {message}"), Some(span.start()))
        }
        ParseError::AbruptEnd => ("the script ends too early: a bracket or quote is not closed".to_owned(), None),
        ParseError::Lex { err: LexError::IO(_) } => ("the script is not readable text".to_owned(), None),
        ParseError::ScopeAnalysis { err } => ((*err).to_owned(), None),
        ParseError::General { message, position } | ParseError::Lex { err: LexError::Syntax(message, position) } => {
            (message.to_string(), Some(*position))
        }
    };
    SyntaxError { message, place: position.map_or_else(|| end_of(text), place) }
}

fn end_of(text: &str) -> ScriptPosition {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let line = text.lines().count().max(1);
    let column = text.lines().last().map_or(0, |last| last.chars().count()) + 1;
    ScriptPosition { line: count(line), column: count(column) }
}
