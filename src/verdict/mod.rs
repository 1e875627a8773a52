//! The five verdicts, the reasons and causes, and the proofs from which alone an accept can be made.
//!
//! There is no sixth verdict and no "ignore": what is not proven is not granted (docs/security.md, failure 1). Numbers,
//! statuses and wire bodies are in `api::reply`.

mod delivery;
mod judge;
mod ledger;
mod truth;

pub use delivery::{DeliveredCookie, Delivery, SameSite, Withheld, WithheldCookie};
pub use judge::{
    Denial, FactorOutcome, FactorProof, HelperOutcome, HelperProof, MoreProof, Otherwise, Rules, judge_factor,
    judge_helper,
};
pub use ledger::{Grant, Ledger, NotGranted, Proven};
pub use truth::Truth;

use std::time::Duration;

use crate::document::Value;
use crate::words::words;

/// How a login ended.
#[derive(Debug)]
pub enum Verdict {
    /// The user is who they say they are.
    Accept(Accept),
    /// The user is refused; the upstream or a rule said so.
    Reject(Reject),
    /// The upstream wants more of the user.
    Challenge(Challenge),
    /// Undetermined.
    Unavailable(Unavailable),
    /// The connector or the daemon is set up wrong.
    Misconfigured(Misconfigured),
}

impl Verdict {
    /// The word of the API, the header `Doorward-Verdict`, logs and metrics.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Accept(_) => "accept",
            Self::Reject(_) => "reject",
            Self::Challenge(_) => "challenge",
            Self::Unavailable(_) => "unavailable",
            Self::Misconfigured(_) => "misconfigured",
        }
    }

    /// The reason of a reject or the cause of an unavailable, for logs and metrics; "" for the others.
    pub fn detail(&self) -> &'static str {
        match self {
            Self::Reject(reject) => reject.reason.as_str(),
            Self::Unavailable(unavailable) => unavailable.cause.as_str(),
            Self::Accept(_) | Self::Challenge(_) | Self::Misconfigured(_) => "",
        }
    }
}

/// What goes back beside an accept or a reject, all of it in clear to the caller: connectors name it in `map`.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Mapped {
    /// The upstream's own code, as text.
    pub error_code: Option<String>,
    /// The upstream's or the row's message: plain text, at most 512 characters.
    pub error_message: Option<String>,
    /// Data of the upstream for the app.
    pub extension: Option<Value>,
    /// Named attributes of the user.
    pub attributes: Vec<(String, Value)>,
}

/// A login that succeeded. Only a [`Grant`] makes one, and only a ledger with a factor's proof makes a grant.
#[derive(Debug)]
pub struct Accept {
    /// Until a session is opened by it.
    grant: Option<Grant>,
    /// The account that the upstream authenticated: its name for the user, or the name sent.
    pub subject: String,
    /// Whether the upstream said `subject`; else it is the name sent.
    pub named: bool,
    /// What the connector maps.
    pub mapped: Mapped,
    /// Cookies for the user's browser.
    pub delivery: Delivery,
}

impl Accept {
    /// An accept for `subject` that hands over no cookie; the grant is the evidence.
    pub fn new(grant: Grant, subject: String, mapped: Mapped) -> Self {
        Self { grant: Some(grant), subject, named: false, mapped, delivery: Delivery::default() }
    }

    /// The evidence on which this accept rests, for what may be made of it once: a session. `None` when it is used up.
    pub fn take_grant(&mut self) -> Option<Grant> {
        self.grant.take()
    }
}

/// A login that was refused.
#[derive(Debug)]
pub struct Reject {
    /// Why, from a closed list.
    pub reason: Reason,
    /// What the connector maps.
    pub mapped: Mapped,
    /// When another attempt makes sense (`too_many_attempts`).
    pub retry_after: Option<Duration>,
}

impl Reject {
    /// A reject with nothing mapped.
    pub fn because(reason: Reason) -> Self {
        Self { reason, mapped: Mapped::default(), retry_after: None }
    }
}

/// The upstream asks the user for more, or a confirmation on another device is awaited. It grants nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Challenge {
    /// The one-use id under which the answer is expected: 128 random bits, base64url.
    pub id: String,
    /// `sms`, `totp`, ...
    pub kind: String,
    /// What to tell the user.
    pub message: Option<String>,
    /// What the user fills in.
    pub fields: Vec<ChallengeField>,
    /// Where the user goes.
    pub url: Option<String>,
    /// What the page there sends back, each an answer; empty but for a redirect.
    pub returns: Vec<String>,
    /// A picture to show: a `data:` or https URL.
    pub image: Option<String>,
    /// How long the id is valid.
    pub expires_in: Duration,
    /// How many answers are left.
    pub attempts_left: u32,
    /// When the code may be sent once more; `None` when it never may (again).
    pub resend_after: Option<Duration>,
    /// How long to wait between two polls; `None` when there is nothing to poll for.
    pub poll_after: Option<Duration>,
    /// Why the last answer or the last resend failed.
    pub error: Option<ChallengeError>,
}

/// One thing that the user fills in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeField {
    /// The name of the answer.
    pub name: String,
    /// What the user sees beside it.
    pub label: Option<String>,
    /// Whether what is typed may be seen.
    pub echo: bool,
    /// What the whole answer must look like (a regular expression of RE2).
    pub pattern: Option<String>,
}

/// Why an answer failed, for the user who may try again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChallengeError {
    /// From the closed list.
    pub reason: Reason,
    /// The upstream's own code.
    pub error_code: Option<String>,
    /// The upstream's or the row's message, plain.
    pub error_message: Option<String>,
}

/// Undetermined: access is not granted and the user is not reported as wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unavailable {
    /// Why, from a closed list.
    pub cause: Cause,
    /// When to try again, if that is known.
    pub retry_after: Option<Duration>,
}

impl From<Cause> for Unavailable {
    fn from(cause: Cause) -> Self {
        // A full queue drains in well under a second, or the wait does no harm.
        let retry_after = (cause == Cause::Overloaded).then_some(Duration::from_secs(1));
        Self { cause, retry_after }
    }
}

/// The connector or the daemon is set up wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misconfigured {
    /// What is wrong, without secrets and without data of a user or an upstream.
    pub what: String,
}

words! {
    /// Why a login is rejected.
    pub enum Reason {
        /// User name or password (or code) is wrong.
        InvalidCredentials = "invalid_credentials",
        /// The account is locked.
        AccountLocked = "account_locked",
        /// The account is disabled.
        AccountDisabled = "account_disabled",
        /// The account has expired.
        AccountExpired = "account_expired",
        /// The password has expired.
        PasswordExpired = "password_expired",
        /// The password must be changed first.
        PasswordMustChange = "password_must_change",
        /// A further factor was wrong.
        MfaFailed = "mfa_failed",
        /// A further factor is needed and cannot be asked for here.
        MfaRequired = "mfa_required",
        /// Too many attempts; see `retry_after`.
        TooManyAttempts = "too_many_attempts",
        /// The upstream's policy says no.
        DeniedByPolicy = "denied_by_policy",
        /// What the user typed cannot be sent.
        InvalidInput = "invalid_input",
        /// The upstream authenticated another account.
        IdentityMismatch = "identity_mismatch",
        /// The challenge is unknown, used or too old.
        ChallengeExpired = "challenge_expired",
        /// None of the above.
        Other = "other",
    }
}

words! {
    /// Why a login is unavailable.
    pub enum Cause {
        /// No connection could be made or it broke.
        Connect = "connect",
        /// TLS failed.
        Tls = "tls",
        /// The name could not be resolved.
        Dns = "dns",
        /// The deadline passed.
        Timeout = "timeout",
        /// A queue is full.
        Overloaded = "overloaded",
        /// The reply is not one that the connector can read.
        UnexpectedReply = "unexpected_reply",
        /// The upstream reports an error.
        UpstreamError = "upstream_error",
        /// The reply is over the limit.
        ResponseTooLarge = "response_too_large",
        /// The script workers failed.
        Script = "script",
        /// The challenge store failed.
        State = "state",
    }
}
