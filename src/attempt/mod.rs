//! What one login is: its bounds, its run, its verdict and its audit line.
//!
//! No HTTP here. Each way in (the API, and whatever else serves logins) identifies a `Caller`, calls `App::login` or
//! `App::answer` with plain values and writes the verdict in its own format.

mod app;
mod bound;
mod callers;
mod challenge;
mod configuration;
pub mod connectors;
mod detach;
mod door_rules;
mod explain;
mod first_round;
mod guess;
mod live;
mod login;
mod outcome;
mod pending;
mod recent;
mod record;
mod reload;
mod run;
mod sessions;
mod shares;
mod unread_replies;
mod utility;

pub use app::App;
pub use configuration::{Configuration, ConfigurationReload, ConfigurationSource, Prepared, Settable};
pub use live::{LiveConnectors, about, log as log_reload, log_diagnostics};
pub use reload::{AfterReload, ReloadOutcome, ReloadedDoors, Reloads};

pub(crate) use callers::Caller;
pub(crate) use challenge::{ChallengeAction, ChallengeCall};
pub(crate) use door_rules::{DoorRules, InsteadOf};
pub(crate) use explain::RecordSource;
pub(crate) use first_round::{FIRST_ANSWER, FirstRound};
pub(crate) use live::apart;
pub(crate) use login::Login;
pub(crate) use outcome::{AttemptOutcome, Mode, RETRY_AFTER, TooManyCalls};
pub(crate) use unread_replies::UnreadReplies;
pub(crate) use utility::{UtilityFailure, UtilityInputs};
