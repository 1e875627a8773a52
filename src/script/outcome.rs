//! The outcome of a call of a script.

use std::fmt;

use crate::secret::Secret;

/// The limit that ended a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Budget {
    Cpu,
    Wall,
    Memory,
    /// The call crashed the worker: its stack overflowed, or the engine failed.
    Crash,
}

/// The outcome of one call. `Debug` shows no value and no thrown message: both may hold credentials.
#[derive(Clone, PartialEq, Eq)]
pub enum CallOutcome {
    /// JSON text: `env` of a variables script, the document of a preprocess script.
    Value(String),
    /// `throw code_util.reject(message)`: the login ends with this message for the user. At most 512 characters, no
    /// control characters; it may quote what the user typed.
    Rejected {
        /// The script's words.
        message: String,
    },
    /// The script threw something else.
    Threw {
        /// What was thrown. It may contain a password: show it only with `--reveal`.
        message: Secret,
        /// Line of the user's file, safe to show; `None` when the engine does not know.
        line: Option<u32>,
        /// Column of the user's file.
        column: Option<u32>,
    },
    /// The script left something that is not JSON, or too much of it: a sentence without data of the user.
    BadResult {
        /// For example "env.ts is a Date; use .toISOString()".
        what: String,
    },
    /// The pool ended the call.
    Killed { by: Budget },
    /// No slot, and no room to wait for one; or the pool is closing.
    Overloaded,
    /// The deadline of the login passed. The script may still be running, until its own budget ends it.
    TimedOut,
}

impl fmt::Debug for CallOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(json) => write!(f, "Value({} bytes)", json.len()),
            Self::Rejected { .. } => f.write_str("Rejected(…)"),
            Self::Threw { line, column, .. } => write!(f, "Threw(… at {line:?}:{column:?})"),
            Self::BadResult { what } => f.debug_struct("BadResult").field("what", what).finish(),
            Self::Killed { by } => f.debug_struct("Killed").field("by", by).finish(),
            Self::Overloaded => f.write_str("Overloaded"),
            Self::TimedOut => f.write_str("TimedOut"),
        }
    }
}
