//! The state of a walk over a script's syntax tree, and how it reads chains such as `root.a["b"].c`.
//!
//! The visits themselves are in `reads`, and what each refuses in `forbidden`, `rejections` and `braces`: all of them work on
//! this type and know nothing of each other.

use super::record::{Key, Mode, Root, record};
use super::scopes::Scopes;
use crate::script::reads::{Reads, ScriptPosition};
use boa_engine::ast::expression::access::{PropertyAccess, PropertyAccessField};
use boa_engine::ast::expression::literal::LiteralKind;
use boa_engine::ast::expression::{Call, Expression, Optional, OptionalOperationKind};
use boa_engine::ast::pattern::{ObjectPattern, ObjectPatternElement, Pattern};
use boa_engine::ast::property::PropertyName;
use boa_engine::ast::visitor::{VisitWith, Visitor};
use boa_engine::ast::{Position, Spanned};
use boa_engine::interner::{Interner, Sym};
use std::collections::BTreeSet;
use std::ops::ControlFlow;

/// What the walk found.
#[derive(Default)]
pub(crate) struct ScriptFacts {
    pub reads: Reads,
    /// Names that a pasted library sets on `this` or `globalThis` and the script then uses bare; see `compile`.
    pub exports: BTreeSet<String>,
    /// Whether `this` of the body itself is used, or `globalThis`.
    pub uses_this: bool,
    /// The first use of syntax that cannot run here.
    pub(super) forbidden: Option<(&'static str, ScriptPosition)>,
}

pub(super) struct Finder<'i> {
    pub(super) interner: &'i Interner,
    pub(super) found: ScriptFacts,
    pub(super) scopes: Scopes,
    /// The number of functions around this node that have a `this` of their own.
    pub(super) functions: usize,
    pub(super) free: BTreeSet<Sym>,
    /// Names assigned as `anything.name = …`.
    pub(super) set_members: BTreeSet<String>,
}

pub(super) type Flow = ControlFlow<std::convert::Infallible>;

impl Finder<'_> {
    pub(super) fn name(&self, sym: Sym) -> String {
        self.interner.resolve_expect(sym).to_string()
    }

    pub(super) fn forbid(&mut self, what: &'static str, at: ScriptPosition) {
        self.found.forbidden.get_or_insert((what, at));
    }

    pub(super) fn root(&self, expression: &Expression) -> Option<Root> {
        match expression.flatten() {
            Expression::Identifier(identifier) if !self.scopes.declares(identifier.sym()) => {
                Root::from_name(&self.name(identifier.sym()))
            }
            _ => None,
        }
    }

    /// `root.a["b"].c` as a root and keys; `None` if the chain does not start at a parameter.
    pub(super) fn chain(&self, expression: &Expression) -> Option<(Root, Vec<Key>)> {
        match expression.flatten() {
            Expression::PropertyAccess(PropertyAccess::Simple(access)) => {
                let (root, mut keys) = self.chain(access.target())?;
                keys.push(self.key(access.field()));
                Some((root, keys))
            }
            Expression::Optional(optional) => self.optional_chain(optional),
            other => self.root(other).map(|root| (root, Vec::new())),
        }
    }

    pub(super) fn optional_chain(&self, optional: &Optional) -> Option<(Root, Vec<Key>)> {
        let (root, mut keys) = self.chain(optional.target())?;
        for operation in optional.chain() {
            match operation.kind() {
                OptionalOperationKind::SimplePropertyAccess { field } => keys.push(self.key(field)),
                OptionalOperationKind::PrivatePropertyAccess { .. } | OptionalOperationKind::Call { .. } => break,
            }
        }
        Some((root, keys))
    }

    pub(super) fn key(&self, field: &PropertyAccessField) -> Key {
        match field {
            PropertyAccessField::Const(name) => Key::Name(self.name(name.sym()), place(name.span().start())),
            PropertyAccessField::Expr(expression) => self.literal_key(expression),
        }
    }

    pub(super) fn literal_key(&self, expression: &Expression) -> Key {
        match expression.flatten() {
            Expression::Literal(literal) => match literal.kind() {
                LiteralKind::String(text) => Key::Name(self.name(*text), place(literal.span().start())),
                LiteralKind::Int(number) => Key::Name(number.to_string(), place(literal.span().start())),
                _ => Key::Computed,
            },
            _ => Key::Computed,
        }
    }

    pub(super) fn record(&mut self, root: Root, keys: &[Key], mode: Mode) {
        record(&mut self.found.reads, root, keys, mode);
    }

    /// Visits the expressions inside a chain: computed keys, arguments of optional calls.
    pub(super) fn inside(&mut self, expression: &Expression) {
        match expression.flatten() {
            Expression::PropertyAccess(PropertyAccess::Simple(access)) => {
                self.inside(access.target());
                if let PropertyAccessField::Expr(key) = access.field() {
                    let _ = self.visit_expression(key);
                }
            }
            Expression::Optional(optional) => {
                self.inside(optional.target());
                for operation in optional.chain() {
                    let _ = self.visit_optional_operation(operation);
                }
            }
            _ => {}
        }
    }

    /// The target of an assignment; `Mode::Both` for `+=` and `++`.
    pub(super) fn target(&mut self, access: &PropertyAccess, mode: Mode) {
        let PropertyAccess::Simple(simple) = access else {
            let _ = access.visit_with(self);
            return;
        };
        if let Key::Name(name, _) = self.key(simple.field()) {
            self.set_members.insert(name);
        }
        let whole = Expression::PropertyAccess(access.clone());
        match self.chain(&whole) {
            Some((root, keys)) => {
                self.record(root, &keys, mode);
                self.inside(&whole);
            }
            None => {
                let _ = access.visit_with(self);
            }
        }
    }

    /// `{ a, b: { c } }` destructured from a chain: each leaf is a longer chain.
    pub(super) fn pattern(&mut self, pattern: &ObjectPattern, root: Root, above: &[Key]) {
        for element in pattern.bindings() {
            let (name, inner) = match element {
                ObjectPatternElement::SingleName { name, .. }
                | ObjectPatternElement::AssignmentPropertyAccess { name, .. } => (name, None),
                ObjectPatternElement::Pattern { name, pattern, .. } => (name, Some(pattern)),
                ObjectPatternElement::RestProperty { .. }
                | ObjectPatternElement::AssignmentRestPropertyAccess { .. } => {
                    let mut keys = above.to_vec();
                    keys.push(Key::Computed);
                    self.record(root, &keys, Mode::Read);
                    continue;
                }
            };
            let key = match name {
                PropertyName::Literal(name) => Key::Name(self.name(name.sym()), place(name.span().start())),
                PropertyName::Computed(expression) => self.literal_key(expression),
            };
            let mut keys = above.to_vec();
            keys.push(key);
            match inner {
                Some(Pattern::Object(inner)) => self.pattern(inner, root, &keys),
                _ => self.record(root, &keys, Mode::Read),
            }
        }
    }

    /// `pattern = value`: true when the pattern destructures a chain, so that the value need not be visited.
    pub(super) fn destructure(&mut self, pattern: &Pattern, value: &Expression) -> bool {
        let Pattern::Object(object) = pattern else { return false };
        let Some((root, keys)) = self.chain(value) else { return false };
        self.pattern(object, root, &keys);
        self.inside(value);
        true
    }

    /// `env.hasOwnProperty("x")` reads one name; true if the call is of this form.
    pub(super) fn own_property_call(&mut self, call: &Call) -> bool {
        let Some((root, keys)) = self.chain(call.function()) else { return false };
        let Some((Key::Name(method, _), above)) = keys.split_last() else { return false };
        let [argument] = call.args() else { return false };
        if method != "hasOwnProperty" {
            return false;
        }
        let mut read = above.to_vec();
        read.push(self.literal_key(argument));
        self.record(root, &read, Mode::Read);
        self.inside(call.function());
        let _ = self.visit_expression(argument);
        true
    }
}

/// A position of the parser.
pub(super) fn place(position: Position) -> ScriptPosition {
    ScriptPosition { line: position.line_number(), column: position.column_number() }
}
