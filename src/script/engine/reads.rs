//! Walks the syntax tree of a body: which parameters it reads and writes, and whether it uses forbidden syntax.
//!
//! Anything that is not plainly `root.name` counts as "all of it": an error in that direction costs a connector author
//! one `role: factor`, an error in the other would lose data or taint.

use super::finder::{Finder, Flow, ScriptFacts, place};
use super::record::{Mode, Root};
use super::scopes::Scopes;
use boa_engine::ast::expression::literal::{Literal, TemplateLiteral};
use boa_engine::ast::expression::operator::assign::{AssignOp, AssignTarget};
use boa_engine::ast::expression::operator::binary::{BinaryOp, RelationalOp};
use boa_engine::ast::expression::operator::update::UpdateTarget;
use boa_engine::ast::expression::operator::{Assign, Binary, Update};
use boa_engine::ast::expression::{Call, Expression, Identifier, This};
use boa_engine::ast::function::FunctionBody;
use boa_engine::ast::visitor::{VisitWith, Visitor};
use boa_engine::ast::{Spanned, Statement};
use boa_engine::interner::Interner;
use std::collections::BTreeSet;

/// Walks a body that parsed.
pub(super) fn find(body: &FunctionBody, interner: &Interner) -> ScriptFacts {
    let mut finder = Finder {
        interner,
        found: ScriptFacts::default(),
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
