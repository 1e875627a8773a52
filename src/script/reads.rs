//! The names that a script reads and writes according to its syntax tree, or "all" where the tree cannot tell.
//!
//! The check of connectors compares them with what exists, derives taint from them, and decides what a challenge
//! stores.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A position in a script or in its file; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ScriptPosition {
    pub line: u32,
    pub column: u32,
}

/// Names that are read (or written) below one parameter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Names {
    /// Each name with the first place where it stands.
    pub names: BTreeMap<String, ScriptPosition>,
    /// Whether other names may be read too: the parameter is passed on, copied, or read with a computed key.
    pub all: bool,
}

impl Names {
    /// Whether nothing is read at all.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty() && !self.all
    }

    /// Whether the name stands in the script. `all` does not count.
    pub fn has(&self, name: &str) -> bool {
        self.names.contains_key(name)
    }

    pub(crate) fn add(&mut self, name: &str, place: ScriptPosition) {
        self.names.entry(name.to_owned()).or_insert(place);
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reads {
    /// CPU time of compiling the script.
    pub compiling: Duration,
    /// `user.x`; `fields` is among the names when `user.fields` is used in any way.
    pub user: Names,
    /// `user.fields.x`; `all` when `user.fields` itself is passed on.
    pub user_fields: Names,
    /// `env.x` read. Also the `x` of `env.x.y = 1`, which needs `env.x` to be there.
    pub env_read: Names,
    /// `env.x` assigned, at any depth.
    pub env_written: Names,
    /// `steps.a.b`: what is read of each step.
    pub steps: BTreeMap<String, Names>,
    /// The first place of each step's name.
    pub step_places: BTreeMap<String, ScriptPosition>,
    /// Whether `steps` itself is passed on or read with a computed key.
    pub steps_all: bool,
    /// `secret.x`
    pub secret: Names,
    /// `settings.x`
    pub settings: Names,
    /// `${x}` and `{{ x.y }}` in texts of the script, where they have no effect.
    pub braced: Names,
    /// `answer.x`
    pub answer: Names,
    /// `time.x`; the script's clock (`new Date()`, `code_util.now()`) is not listed here.
    pub time: Names,
    /// `random.x`
    pub random: Names,
    /// `request.x`
    pub request: Names,
    /// `response.x` of a preprocess script.
    pub response: Names,
    /// `result.x` of a preprocess script.
    pub result: Names,
    /// `code_util.x`
    pub code_util: Names,
    /// Whether the script uses the time or random values (`Date`, `Math.random`, `code_util.now`, `uuid`, `randomHex`),
    /// so that its result differs from run to run.
    pub impure: bool,
    /// Where a statement is only `code_util.reject(…)`: nothing is thrown. The first few places.
    pub rejects_dropped: Vec<ScriptPosition>,
    /// Where the body itself, and no function in it, returns `code_util.reject(…)`. The first few places.
    pub rejects_returned: Vec<ScriptPosition>,
}

impl Reads {
    /// Whether the script names a credential (`user.userPassword`, `user.fields`, an answer), so that what it writes to
    /// `env` is computed from one. Aliases (`all`) do not count: they make no factor.
    pub fn names_credential(&self) -> bool {
        self.user.has("userPassword") || self.user.has("fields") || !self.answer.names.is_empty()
    }

    /// Maps every position by `move_place`: from the script's own lines to those of the user's file.
    pub(crate) fn relocate(&mut self, move_place: &dyn Fn(ScriptPosition) -> ScriptPosition) {
        let steps = self.steps.values_mut();
        let groups = [
            &mut self.user,
            &mut self.user_fields,
            &mut self.env_read,
            &mut self.env_written,
            &mut self.secret,
            &mut self.settings,
            &mut self.braced,
            &mut self.answer,
            &mut self.time,
            &mut self.random,
            &mut self.request,
            &mut self.response,
            &mut self.result,
            &mut self.code_util,
        ];
        for group in groups.into_iter().chain(steps) {
            group.names.values_mut().for_each(|place| *place = move_place(*place));
        }
        let places = self.step_places.values_mut().chain(&mut self.rejects_dropped).chain(&mut self.rejects_returned);
        places.for_each(|place| *place = move_place(*place));
    }
}
