//! A connector that runs, with everything that belongs to one revision of it.

use std::sync::Arc;

use super::check::{self, Compiled, Good, LoadContext};
use super::step_cache::StepCache;
use super::{Connector, raw};
use crate::budget::Budget;
use crate::diagnostic::{Diagnostic, SourceFile};
use crate::script::{Pool, Reads};
use crate::upstream::Client;

/// A connector that runs.
pub struct Live {
    /// What it does.
    pub connector: Connector,
    /// Its connections.
    pub client: Client,
    /// Captures of its steps with `cache`. A reload begins with an empty one, so that a new secret is used at once.
    pub step_cache: StepCache,
    /// What its logins may hold of replies.
    pub replies: Arc<Budget>,
    /// The workers that hold its scripts; none when no connector of its generation has any.
    pub scripts: Option<Arc<Pool>>,
    /// What its scripts read, for checking it again with other settings.
    pub reads: Vec<Reads>,
    /// The number of its first script in the pool.
    pub first_script: u32,
    /// What was written.
    pub raw: raw::Connector,
    /// The file.
    pub file: Arc<SourceFile>,
}

impl Live {
    /// The same file checked once more in other surroundings: other settings, real secrets.
    pub fn again(&self, load: LoadContext<'_>) -> Result<Compiled, Vec<Diagnostic>> {
        let Self { raw, file, reads, first_script, .. } = self;
        let good = Good { id: &self.connector.id, raw, file, reads, first_script: *first_script };
        check::again(good, load)
    }
}
