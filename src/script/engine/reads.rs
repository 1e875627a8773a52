//! Walks the syntax tree of a body: which parameters it reads and writes, and whether it uses forbidden syntax.
//!
//! Anything that is not plainly `root.name` counts as "all of it": an error in that direction costs a connector author
//! one `role: factor`, an error in the other would lose data or taint.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use boa_engine::ast::expression::access::{PropertyAccess, PropertyAccessField};
use boa_engine::ast::expression::literal::{Literal, LiteralKind, TemplateLiteral};
use boa_engine::ast::expression::operator::assign::{AssignOp, AssignTarget};
use boa_engine::ast::expression::operator::binary::{BinaryOp, RelationalOp};
use boa_engine::ast::expression::operator::update::UpdateTarget;
use boa_engine::ast::expression::operator::{Assign, Binary, Update};
use boa_engine::ast::expression::{Call, Expression, Identifier, Optional, OptionalOperationKind, This};
use boa_engine::ast::function::FunctionBody;
use boa_engine::ast::pattern::{ObjectPattern, ObjectPatternElement, Pattern};
use boa_engine::ast::property::PropertyName;
use boa_engine::ast::visitor::{VisitWith, Visitor};
use boa_engine::ast::{Spanned, Statement};
use boa_engine::interner::{Interner, Sym};

use super::record::{Key, Mode, Root, record};
use super::scopes::Scopes;
use super::syntax::place;
use crate::script::reads::{Reads, ScriptPosition};

/// What the walk found.
#[derive(Default)]
pub(crate) struct Found {
    pub reads: Reads,
    /// Names that a pasted library sets on `this` or `globalThis` and the script then uses bare; see `compile`.
    pub exports: BTreeSet<String>,
    /// Whether `this` of the body itself is used, or `globalThis`.
    pub uses_this: bool,
    /// The first use of syntax that cannot run here.
    pub(super) forbidden: Option<(&'static str, ScriptPosition)>,
}

/// Walks a body that parsed.
pub(super) fn find(body: &FunctionBody, interner: &Interner) -> Found {
    let mut finder = Finder {
        interner,
        found: Found::default(),
        scopes: Scopes::default(),
        functions: 0,
        free: BTreeSet::new(),
        set_members: BTreeSet::new(),
    };
    finder.scopes.enter_function(None, None);
    finder.scopes.enter_body(body);
    let _ = body.visit_with(&mut finder);
    let free = std::mem::take(&mut finder.free);
    finder.found.exports =
        free.into_iter().map(|name| finder.name(name)).filter(|name| finder.set_members.contains(name)).collect();
    finder.found
}

pub(super) struct Finder<'i> {
    interner: &'i Interner,
    pub(super) found: Found,
    pub(super) scopes: Scopes,
    /// The number of functions around this node that have a `this` of their own.
    pub(super) functions: usize,
    free: BTreeSet<Sym>,
    /// Names assigned as `anything.name = …`.
    set_members: BTreeSet<String>,
}

type Flow = ControlFlow<std::convert::Infallible>;

impl Finder<'_> {
    pub(super) fn name(&self, sym: Sym) -> String {
        self.interner.resolve_expect(sym).to_string()
    }

    pub(super) fn forbid(&mut self, what: &'static str, at: ScriptPosition) {
        self.found.forbidden.get_or_insert((what, at));
    }

    fn root(&self, expression: &Expression) -> Option<Root> {
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

    fn optional_chain(&self, optional: &Optional) -> Option<(Root, Vec<Key>)> {
        let (root, mut keys) = self.chain(optional.target())?;
        for operation in optional.chain() {
            match operation.kind() {
                OptionalOperationKind::SimplePropertyAccess { field } => keys.push(self.key(field)),
                OptionalOperationKind::PrivatePropertyAccess { .. } | OptionalOperationKind::Call { .. } => break,
            }
        }
        Some((root, keys))
    }

    fn key(&self, field: &PropertyAccessField) -> Key {
        match field {
            PropertyAccessField::Const(name) => Key::Name(self.name(name.sym()), place(name.span().start())),
            PropertyAccessField::Expr(expression) => self.literal_key(expression),
        }
    }

    fn literal_key(&self, expression: &Expression) -> Key {
        match expression.flatten() {
            Expression::Literal(literal) => match literal.kind() {
                LiteralKind::String(text) => Key::Name(self.name(*text), place(literal.span().start())),
                LiteralKind::Int(number) => Key::Name(number.to_string(), place(literal.span().start())),
                _ => Key::Computed,
            },
            _ => Key::Computed,
        }
    }

    fn record(&mut self, root: Root, keys: &[Key], mode: Mode) {
        record(&mut self.found.reads, root, keys, mode);
    }

    /// Visits the expressions inside a chain: computed keys, arguments of optional calls.
    fn inside(&mut self, expression: &Expression) {
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
    fn target(&mut self, access: &PropertyAccess, mode: Mode) {
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
    fn pattern(&mut self, pattern: &ObjectPattern, root: Root, above: &[Key]) {
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
    fn destructure(&mut self, pattern: &Pattern, value: &Expression) -> bool {
        let Pattern::Object(object) = pattern else { return false };
        let Some((root, keys)) = self.chain(value) else { return false };
        self.pattern(object, root, &keys);
        self.inside(value);
        true
    }

    /// `env.hasOwnProperty("x")` reads one name; true if the call is of this form.
    fn own_property_call(&mut self, call: &Call) -> bool {
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

impl<'ast> Visitor<'ast> for Finder<'_> {
    type BreakTy = std::convert::Infallible;

    fn visit_statement(&mut self, node: &'ast Statement) -> Flow {
        super::rejections::statement(self, node);
        node.visit_with(self)
    }

    fn visit_expression(&mut self, node: &'ast Expression) -> Flow {
        super::forbidden::expression(self, node);
        match node {
            Expression::PropertyAccess(_) | Expression::Optional(_) => match self.chain(node) {
                Some((root, keys)) => {
                    self.record(root, &keys, Mode::Read);
                    self.inside(node);
                    Flow::Continue(())
                }
                None => node.visit_with(self),
            },
            _ => node.visit_with(self),
        }
    }

    fn visit_identifier(&mut self, node: &'ast Identifier) -> Flow {
        if self.scopes.declares(node.sym()) {
            return Flow::Continue(());
        }
        let name = self.name(node.sym());
        if let Some(root) = Root::from_name(&name) {
            self.record(root, &[], Mode::Both);
            return Flow::Continue(());
        }
        match name.as_str() {
            "await" => self.forbid(super::forbidden::AWAIT, place(node.span().start())),
            "Date" | "Math" => self.found.reads.impure = true,
            "globalThis" => self.found.uses_this = true,
            _ => {}
        }
        self.free.insert(node.sym());
        Flow::Continue(())
    }

    fn visit_literal(&mut self, node: &'ast Literal) -> Flow {
        super::braces::literal(self, node);
        Flow::Continue(())
    }

    fn visit_template_literal(&mut self, node: &'ast TemplateLiteral) -> Flow {
        super::braces::template(self, node);
        node.visit_with(self)
    }

    fn visit_this(&mut self, _: &'ast This) -> Flow {
        self.found.uses_this |= self.functions == 0;
        Flow::Continue(())
    }

    fn visit_assign(&mut self, node: &'ast Assign) -> Flow {
        let mode = if node.op() == AssignOp::Assign { Mode::Write } else { Mode::Both };
        match node.lhs() {
            AssignTarget::Access(access) => self.target(access, mode),
            AssignTarget::Pattern(pattern) if self.destructure(pattern, node.rhs()) => {
                return self.visit_pattern(pattern);
            }
            other => other.visit_with(self)?,
        }
        self.visit_expression(node.rhs())
    }

    fn visit_update(&mut self, node: &'ast Update) -> Flow {
        match node.target() {
            UpdateTarget::PropertyAccess(access) => {
                self.target(access, Mode::Both);
                Flow::Continue(())
            }
            UpdateTarget::Identifier(identifier) => self.visit_identifier(identifier),
        }
    }

    fn visit_binary(&mut self, node: &'ast Binary) -> Flow {
        if node.op() == BinaryOp::Relational(RelationalOp::In)
            && let Some((root, mut keys)) = self.chain(node.rhs())
        {
            keys.push(self.literal_key(node.lhs()));
            self.record(root, &keys, Mode::Read);
            self.inside(node.rhs());
            return self.visit_expression(node.lhs());
        }
        node.visit_with(self)
    }

    fn visit_call(&mut self, node: &'ast Call) -> Flow {
        if self.own_property_call(node) {
            return Flow::Continue(());
        }
        node.visit_with(self)
    }

    fn visit_variable(&mut self, node: &'ast boa_engine::ast::declaration::Variable) -> Flow {
        use boa_engine::ast::declaration::Binding;
        if let (Binding::Pattern(pattern), Some(init)) = (node.binding(), node.init())
            && self.destructure(pattern, init)
        {
            return self.visit_pattern(pattern);
        }
        node.visit_with(self)
    }

    super::forbidden::scope_visits!();
}
