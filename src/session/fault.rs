//! Why an accept leaves no session behind.

/// Why a login that succeeded has no session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenFault {
    /// The upstream did not say who it is, and the connector does not acknowledge that the typed name may stand for the user.
    #[error(
        "the upstream did not say whose password it was (identity, or acknowledge: typed_name), so no session can name its user"
    )]
    Unnamed,
    /// The upstream's name for the user is no name.
    #[error("the upstream's name for the user has more than 1 KiB")]
    LongName,
    /// The user was kicked while the login ran.
    #[error("the user's sessions were ended while this login ran")]
    Kicked,
    /// As many sessions are open as there may be.
    #[error("as many sessions are open as there may be")]
    Full,
    /// The accept opened a session already.
    #[error("this login opened a session already")]
    Used,
}
