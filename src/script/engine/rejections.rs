//! Finds rejections without effect: `code_util.reject(…)` returns an error to be thrown, and these statements drop it.
//!
//! Only certain cases are recorded: an error that is assigned or passed on may be thrown later.

use boa_engine::ast::expression::Expression;
use boa_engine::ast::expression::operator::binary::{BinaryOp, LogicalOp};
use boa_engine::ast::{Spanned, Statement};

use super::finder::{Finder, place};
use super::record::{Key, Root};
use crate::script::reads::ScriptPosition;

/// Enough for a warning.
const MAX_REJECTIONS: usize = 8;

/// Records the rejections that `node` drops.
pub(super) fn statement(finder: &mut Finder<'_>, node: &Statement) {
    match node {
        Statement::Expression(expression) => {
            let found = dropped(finder, expression);
            extend(&mut finder.found.reads.rejects_dropped, found);
        }
        Statement::Return(returned) if finder.scopes.in_body() => {
            let found = returned.target().and_then(|target| rejection(finder, target));
            extend(&mut finder.found.reads.rejects_returned, found);
        }
        _ => {}
    }
}

fn extend(places: &mut Vec<ScriptPosition>, found: impl IntoIterator<Item = ScriptPosition>) {
    let room = MAX_REJECTIONS.saturating_sub(places.len());
    places.extend(found.into_iter().take(room));
}

/// The rejections in an expression whose value is dropped: itself, or a branch of `bad && …` or `bad ? … : …`.
fn dropped(finder: &Finder<'_>, expression: &Expression) -> Vec<ScriptPosition> {
    match expression.flatten() {
        Expression::Binary(binary) => match binary.op() {
            BinaryOp::Logical(LogicalOp::And | LogicalOp::Or | LogicalOp::Coalesce) => dropped(finder, binary.rhs()),
            BinaryOp::Comma => [dropped(finder, binary.lhs()), dropped(finder, binary.rhs())].concat(),
            _ => Vec::new(),
        },
        Expression::Conditional(either) => {
            [dropped(finder, either.if_true()), dropped(finder, either.if_false())].concat()
        }
        other => rejection(finder, other).into_iter().collect(),
    }
}

fn rejection(finder: &Finder<'_>, expression: &Expression) -> Option<ScriptPosition> {
    let Expression::Call(call) = expression.flatten() else { return None };
    match finder.chain(call.function())? {
        (Root::CodeUtil, keys) if matches!(keys.as_slice(), [Key::Name(name, _)] if name == "reject") => {
            Some(place(call.function().span().start()))
        }
        _ => None,
    }
}
