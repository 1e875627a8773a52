//! Which names a script declares itself, scope by scope, so that an inner `user` is not taken for the parameter.

use boa_engine::ast::StatementList;
use boa_engine::ast::function::{FormalParameterList, FunctionBody};
use boa_engine::ast::operations::{bound_names, lexically_declared_names, var_declared_names};
use boa_engine::ast::statement::Block;
use boa_engine::interner::Sym;

/// The scopes around the node that is being visited, innermost last. A scope is a short list: most declare a few names.
#[derive(Default)]
pub(super) struct Scopes(Vec<Vec<Sym>>);

impl Scopes {
    /// Whether a name is declared by the script at this point.
    pub(super) fn declares(&self, name: Sym) -> bool {
        self.0.iter().any(|scope| scope.contains(&name))
    }

    /// Enters a function: its own name (of an expression), parameters, `var`s and top-level declarations.
    pub(super) fn enter_function(
        &mut self,
        name: Option<Sym>,
        parameters: Option<&FormalParameterList>,
        body: &FunctionBody,
    ) {
        let mut names: Vec<Sym> = name.into_iter().collect();
        if let Some(parameters) = parameters {
            names.extend(bound_names(parameters));
        }
        names.extend(var_declared_names(body));
        names.extend(lexically_declared_names(body));
        self.0.push(names);
    }

    /// Enters a block.
    pub(super) fn enter_block(&mut self, block: &Block) {
        self.enter_list(block.statement_list());
    }

    /// Enters statements that make a scope of their own.
    pub(super) fn enter_list(&mut self, list: &StatementList) {
        self.0.push(lexically_declared_names(list));
    }

    /// Enters a scope with these names: a loop head, a catch parameter, a class.
    pub(super) fn enter(&mut self, names: Vec<Sym>) {
        self.0.push(names);
    }

    /// Adds names to the scope just entered.
    pub(super) fn extend(&mut self, names: Vec<Sym>) {
        if let Some(scope) = self.0.last_mut() {
            scope.extend(names);
        }
    }

    /// Leaves the innermost scope.
    pub(super) fn leave(&mut self) {
        self.0.pop();
    }
}
