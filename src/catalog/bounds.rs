//! Memory limits for all connectors of a daemon together; those of one connector are in `check`.

use std::sync::Arc;

use crate::budget::Budget;
use crate::config::Limits;
use crate::connector::check::Checked;
use crate::diagnostic::Diagnostic;

/// The operator's bounds (`limits` of the configuration).
#[derive(Debug, Clone)]
pub struct Bounds {
    /// The most bytes that the compiled regular expressions of all connectors take.
    pub pattern_bytes: usize,
    /// The memory for replies of all logins together.
    pub replies: Arc<Budget>,
    /// The same for the logins of one connector, in bytes.
    pub connector_replies: usize,
}

impl Default for Bounds {
    fn default() -> Self {
        let usual = Limits::default();
        Self::of(&usual)
    }
}

impl Bounds {
    /// As the configuration says.
    pub fn of(limits: &Limits) -> Self {
        Self {
            pattern_bytes: limits.pattern_memory,
            replies: Budget::new(limits.reply_memory),
            connector_replies: limits.connector_reply_memory,
        }
    }

    /// A new budget for one connector.
    pub(super) fn replies(&self) -> Arc<Budget> {
        Budget::part_of(&self.replies, self.connector_replies)
    }

    /// Refuses the connectors whose patterns are too much for the daemon: the largest first, so that one file of
    /// patterns does not keep others from loading.
    pub(super) fn apply(&self, checked: &mut [Checked]) {
        let bytes = |checked: &Checked| checked.loaded.as_ref().map_or(0, |loaded| loaded.connector.pattern_bytes);
        let mut all: usize = checked.iter().map(bytes).sum();
        while all > self.pattern_bytes {
            let Some(largest) = checked.iter_mut().max_by_key(|one| bytes(one)) else { return };
            let Some(loaded) = largest.loaded.take() else { return };
            let (own, most) = (loaded.connector.pattern_bytes, self.pattern_bytes);
            let message = format!(
                "the regular expressions of all connectors take {} KiB when compiled, those of this one {} KiB",
                all >> 10,
                own >> 10
            );
            let span = loaded.raw.place.key("steps").clone();
            let diagnostic = Diagnostic::error("patterns-too-big", &loaded.file, span, message);
            let label = diagnostic.label(format!("the daemon allows {} KiB, and this file takes the most", most >> 10));
            largest.diagnostics.push(label.help("write fewer or smaller ones, or raise limits.pattern_memory"));
            all -= own;
        }
    }
}
