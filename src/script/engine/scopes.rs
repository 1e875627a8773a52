//! The names that a script declares itself, scope by scope, so that an inner `user` is not mistaken for the parameter.

use boa_engine::ast::StatementList;
use boa_engine::ast::function::{FormalParameterList, FunctionBody};
use boa_engine::ast::operations::{bound_names, lexically_declared_names, var_declared_names};
use boa_engine::ast::statement::Block;
use boa_engine::interner::Sym;

/// The scopes around the node that is being visited, innermost last.
#[derive(Default)]
pub(super) struct Scopes {
    /// Lists, because most scopes declare a few names.
    names: Vec<Vec<Sym>>,
    /// Which of the scopes are functions; the body itself is the first.
    functions: Vec<usize>,
}

impl Scopes {
    /// Whether a name is declared by the script at this point.
    pub(super) fn declares(&self, name: Sym) -> bool {
        self.names.iter().any(|scope| scope.contains(&name))
    }

    /// Enters a function: its own name (of an expression) and its parameters, whose defaults do not see the body.
    pub(super) fn enter_function(&mut self, name: Option<Sym>, parameters: Option<&FormalParameterList>) {
        let mut names: Vec<Sym> = name.into_iter().collect();
        names.extend(parameters.map(bound_names).unwrap_or_default());
        self.functions.push(self.names.len());
        self.names.push(names);
    }

    /// Enters the body of the function just entered: its `var`s and top-level declarations.
    pub(super) fn enter_body(&mut self, body: &FunctionBody) {
        self.extend(var_declared_names(body).into_iter().collect());
        self.extend(lexically_declared_names(body));
    }

    /// Whether this is the body itself and no function in it.
    pub(super) fn in_body(&self) -> bool {
        self.functions.len() <= 1
    }

    pub(super) fn enter_block(&mut self, block: &Block) {
        self.enter_list(block.statement_list());
    }

    /// Enters statements that make a scope of their own.
    pub(super) fn enter_list(&mut self, list: &StatementList) {
        self.names.push(lexically_declared_names(list));
    }

    /// Enters a scope with these names: a loop head, a catch parameter, a class.
    pub(super) fn enter(&mut self, names: Vec<Sym>) {
        self.names.push(names);
    }

    /// Adds names to the scope just entered.
    pub(super) fn extend(&mut self, names: Vec<Sym>) {
        if let Some(scope) = self.names.last_mut() {
            scope.extend(names);
        }
    }

    pub(super) fn leave(&mut self) {
        self.names.pop();
        self.functions.pop_if(|function| *function == self.names.len());
    }
}
