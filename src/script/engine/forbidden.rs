//! Finds syntax that cannot run in a realm without jobs, and tracks scopes, while the tree is walked.
//!
//! A promise would never settle and would keep what it captured, so `async` and `await` are errors at load. So are
//! generators: their prototypes would carry state from call to call.

use boa_engine::ast::Spanned;
use boa_engine::ast::expression::Expression;

use super::finder::{Finder, place};
use crate::script::reads::ScriptPosition;

pub(super) const ASYNC: &str = "async functions cannot be used in a script: there is nothing to wait for";
pub(super) const AWAIT: &str = "await cannot be used in a script: there is nothing to wait for";
pub(super) const GENERATOR: &str = "generators cannot be used in a script; return an array";
pub(super) const IMPORT: &str = "import cannot be used in a script; paste the code";

/// Records a forbidden expression.
pub(super) fn expression(finder: &mut Finder<'_>, node: &Expression) {
    let what = match node {
        Expression::AsyncArrowFunction(_) | Expression::AsyncFunctionExpression(_) => ASYNC,
        Expression::AsyncGeneratorExpression(_) | Expression::GeneratorExpression(_) | Expression::Yield(_) => {
            GENERATOR
        }
        Expression::Await(_) => AWAIT,
        Expression::ImportCall(_) | Expression::ImportMeta(_) => IMPORT,
        _ => return,
    };
    finder.forbid(what, place(node.span().start()));
}

/// The kind of a forbidden method.
pub(super) fn method(kind: boa_engine::ast::property::MethodDefinitionKind) -> Option<&'static str> {
    use boa_engine::ast::property::MethodDefinitionKind as ScriptKind;
    match kind {
        ScriptKind::Async => Some(ASYNC),
        ScriptKind::Generator | ScriptKind::AsyncGenerator => Some(GENERATOR),
        ScriptKind::Get | ScriptKind::Set | ScriptKind::Ordinary => None,
    }
}

/// The position of a method's name.
pub(super) fn name_place(name: &boa_engine::ast::property::PropertyName) -> ScriptPosition {
    use boa_engine::ast::property::PropertyName;
    match name {
        PropertyName::Literal(name) => place(name.span().start()),
        PropertyName::Computed(expression) => place(expression.span().start()),
    }
}

/// The visits that enter and leave scopes. A macro, because a trait's methods must stand in one `impl` block.
macro_rules! scope_visits {
    () => {
        fn visit_function_expression(&mut self, node: &'ast boa_engine::ast::function::FunctionExpression) -> Flow {
            let name = node.name().filter(|_| node.has_binding_identifier()).map(|name| name.sym());
            self.own_this(|it| it.function(name, node.parameters(), node.body()))
        }

        fn visit_function_declaration(&mut self, node: &'ast boa_engine::ast::function::FunctionDeclaration) -> Flow {
            self.own_this(|it| it.function(None, node.parameters(), node.body()))
        }

        fn visit_arrow_function(&mut self, node: &'ast boa_engine::ast::function::ArrowFunction) -> Flow {
            self.function(None, node.parameters(), node.body())
        }

        fn visit_object_method_definition(
            &mut self,
            node: &'ast boa_engine::ast::expression::literal::ObjectMethodDefinition,
        ) -> Flow {
            if let Some(what) = super::forbidden::method(node.kind()) {
                self.forbid(what, super::forbidden::name_place(node.name()));
            }
            self.visit_property_name(node.name())?;
            self.own_this(|it| it.function(None, node.parameters(), node.body()))
        }

        fn visit_class_element(&mut self, node: &'ast boa_engine::ast::function::ClassElement) -> Flow {
            use boa_engine::ast::function::{ClassElement, ClassElementName};
            match node {
                ClassElement::MethodDefinition(method) => {
                    if let ClassElementName::PropertyName(name) = method.name() {
                        self.visit_property_name(name)?;
                    }
                    if let Some(what) = super::forbidden::method(method.kind()) {
                        let at = match method.name() {
                            ClassElementName::PropertyName(name) => super::forbidden::name_place(name),
                            ClassElementName::PrivateName(name) => place(name.span().start()),
                        };
                        self.forbid(what, at);
                    }
                    self.own_this(|it| it.function(None, method.parameters(), method.body()))
                }
                ClassElement::StaticBlock(block) => {
                    self.scopes.enter_function(None, None);
                    self.scopes.enter_body(block.statements());
                    self.own_this(|it| it.visit_function_body(block.statements()))?;
                    self.scopes.leave();
                    Flow::Continue(())
                }
                field => self.own_this(|it| field.visit_with(it)),
            }
        }

        fn visit_class_expression(&mut self, node: &'ast boa_engine::ast::function::ClassExpression) -> Flow {
            self.scopes.enter(node.name().map(|name| name.sym()).into_iter().collect());
            node.visit_with(self)?;
            self.scopes.leave();
            Flow::Continue(())
        }

        fn visit_async_function_declaration(
            &mut self,
            node: &'ast boa_engine::ast::function::AsyncFunctionDeclaration,
        ) -> Flow {
            self.forbid(super::forbidden::ASYNC, place(node.name().span().start()));
            Flow::Continue(())
        }

        fn visit_generator_declaration(&mut self, node: &'ast boa_engine::ast::function::GeneratorDeclaration) -> Flow {
            self.forbid(super::forbidden::GENERATOR, place(node.name().span().start()));
            Flow::Continue(())
        }

        fn visit_async_generator_declaration(
            &mut self,
            node: &'ast boa_engine::ast::function::AsyncGeneratorDeclaration,
        ) -> Flow {
            self.forbid(super::forbidden::GENERATOR, place(node.name().span().start()));
            Flow::Continue(())
        }

        fn visit_block(&mut self, node: &'ast boa_engine::ast::statement::Block) -> Flow {
            self.scopes.enter_block(node);
            node.visit_with(self)?;
            self.scopes.leave();
            Flow::Continue(())
        }

        fn visit_switch(&mut self, node: &'ast boa_engine::ast::statement::Switch) -> Flow {
            self.visit_expression(node.val())?;
            self.scopes.enter(Vec::new());
            for case in node.cases() {
                self.scopes.extend(boa_engine::ast::operations::lexically_declared_names(case.body()));
            }
            for case in node.cases() {
                self.visit_case(case)?;
            }
            self.scopes.leave();
            Flow::Continue(())
        }

        fn visit_catch(&mut self, node: &'ast boa_engine::ast::statement::Catch) -> Flow {
            self.scopes.enter(node.parameter().map(boa_engine::ast::operations::bound_names).unwrap_or_default());
            node.visit_with(self)?;
            self.scopes.leave();
            Flow::Continue(())
        }

        fn visit_for_loop(&mut self, node: &'ast boa_engine::ast::statement::ForLoop) -> Flow {
            use boa_engine::ast::statement::iteration::ForLoopInitializer;
            let names = match node.init() {
                Some(ForLoopInitializer::Lexical(lexical)) => {
                    boa_engine::ast::operations::bound_names(lexical.declaration())
                }
                _ => Vec::new(),
            };
            self.scopes.enter(names);
            node.visit_with(self)?;
            self.scopes.leave();
            Flow::Continue(())
        }

        fn visit_for_in_loop(&mut self, node: &'ast boa_engine::ast::statement::ForInLoop) -> Flow {
            self.visit_expression(node.target())?;
            self.scopes.enter(super::forbidden::loop_names(node.initializer()));
            self.visit_iterable_loop_initializer(node.initializer())?;
            self.visit_statement(node.body())?;
            self.scopes.leave();
            Flow::Continue(())
        }

        fn visit_for_of_loop(&mut self, node: &'ast boa_engine::ast::statement::ForOfLoop) -> Flow {
            if node.r#await() {
                self.forbid(super::forbidden::AWAIT, place(node.iterable().span().start()));
            }
            self.visit_expression(node.iterable())?;
            self.scopes.enter(super::forbidden::loop_names(node.initializer()));
            self.visit_iterable_loop_initializer(node.initializer())?;
            self.visit_statement(node.body())?;
            self.scopes.leave();
            Flow::Continue(())
        }
    };
}
pub(super) use scope_visits;

/// The names that `for (let x of …)` declares for its body.
pub(super) fn loop_names(
    initializer: &boa_engine::ast::statement::iteration::IterableLoopInitializer,
) -> Vec<boa_engine::interner::Sym> {
    use boa_engine::ast::operations::bound_names;
    use boa_engine::ast::statement::iteration::IterableLoopInitializer as Init;
    match initializer {
        Init::Let(binding) | Init::Const(binding) => bound_names(binding),
        _ => Vec::new(),
    }
}

impl Finder<'_> {
    /// Visits the inside of a node with a `this` of its own.
    pub(super) fn own_this(
        &mut self,
        inside: impl FnOnce(&mut Self) -> std::ops::ControlFlow<std::convert::Infallible>,
    ) -> std::ops::ControlFlow<std::convert::Infallible> {
        self.functions += 1;
        inside(self)?;
        self.functions -= 1;
        std::ops::ControlFlow::Continue(())
    }

    pub(super) fn function(
        &mut self,
        name: Option<boa_engine::interner::Sym>,
        parameters: &boa_engine::ast::function::FormalParameterList,
        body: &boa_engine::ast::function::FunctionBody,
    ) -> std::ops::ControlFlow<std::convert::Infallible> {
        use boa_engine::ast::visitor::Visitor;
        self.scopes.enter_function(name, Some(parameters));
        self.visit_formal_parameter_list(parameters)?;
        self.scopes.enter_body(body);
        self.visit_function_body(body)?;
        self.scopes.leave();
        std::ops::ControlFlow::Continue(())
    }
}
