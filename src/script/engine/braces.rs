//! Finds `${setting}` and `{{ hole }}` in the texts of a script, for a warning: a script is no template, so they stay
//! as text.

use boa_engine::ast::Spanned;
use boa_engine::ast::expression::Expression;
use boa_engine::ast::expression::literal::{Literal, LiteralKind, TemplateElement, TemplateLiteral};

use super::finder::{Finder, place};
use crate::script::reads::ScriptPosition;

/// Enough for a warning.
const MAX_NAMES: usize = 32;

/// Notes `${x}` and `{{ x.y }}` in a text.
pub(super) fn literal(finder: &mut Finder<'_>, node: &Literal) {
    if let LiteralKind::String(text) = node.kind() {
        let text = finder.name(*text);
        note(finder, &text, place(node.span().start()));
    }
}

/// Notes `{{ x.y }}` in a text in backquotes, and `${x}` where the script has no variable of that name.
pub(super) fn template(finder: &mut Finder<'_>, node: &TemplateLiteral) {
    let at = place(node.span().start());
    for element in node.elements() {
        match element {
            TemplateElement::String(text) => {
                let text = finder.name(*text);
                note(finder, &text, at);
            }
            TemplateElement::Expr(Expression::Identifier(name)) if !finder.scopes.declares(name.sym()) => {
                let name = finder.name(name.sym());
                add(finder, &name, at);
            }
            TemplateElement::Expr(_) => {}
        }
    }
}

fn note(finder: &mut Finder<'_>, text: &str, at: ScriptPosition) {
    for (opening, closing) in [("${", "}"), ("{{", "}}")] {
        for (start, _) in text.match_indices(opening) {
            let Some((inside, _)) = text[start + opening.len()..].split_once(closing) else { break };
            let name = inside.split('|').next().unwrap_or_default().trim();
            add(finder, name, at);
        }
    }
}

fn add(finder: &mut Finder<'_>, name: &str, at: ScriptPosition) {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let braced = &mut finder.found.reads.braced;
    if !name.is_empty() && name.len() <= 128 && name.chars().all(plain) && braced.names.len() < MAX_NAMES {
        braced.add(name, at);
    }
}
