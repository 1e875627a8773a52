//! What is wrong with a server's challenge.

/// Why a challenge cannot be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Unusable {
    #[error("it is not base64")]
    Base64,
    #[error("it is no CHALLENGE_MESSAGE (MS-NLMP section 2.2.1.2)")]
    NoChallenge,
    #[error("it ends before its fields do")]
    Short,
    #[error("its TargetInfo is malformed (MS-NLMP section 2.2.2.1)")]
    TargetInfo,
    #[error("the server speaks no Unicode, or no NTLM")]
    Flags,
}
