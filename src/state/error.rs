//! Errors of the store, in words for an administrator. None quotes a message of Redis: it may name its user.

use ::redis::{ErrorKind, RedisError, ServerErrorKind};

use super::challenge::MAX_BYTES;
use crate::words::words;

/// Why a challenge cannot be stored or taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// More than [`MAX_BYTES`].
    #[error("the login would keep more than {MAX_BYTES} bytes over the challenge: capture less before it")]
    TooLarge {
        /// Of the state.
        bytes: usize,
    },
    /// What was taken cannot be put back.
    #[error("the challenge expired, was evicted, or its Redis was restarted or replaced")]
    Gone,
    /// Redis failed.
    #[error("Redis {}", why.sentence())]
    Unavailable {
        /// What is wrong with it.
        why: RedisFault,
    },
}

words! {
    /// Why Redis failed; the words are labels of metrics and stand in the log.
    pub enum RedisFault {
        /// No connection.
        Connect = "connect",
        /// No answer in time.
        Timeout = "timeout",
        /// `AUTH` failed, or is missing.
        Credentials = "credentials",
        /// An ACL.
        Forbidden = "forbidden",
        /// A replica, or a primary that protects itself.
        ReadOnly = "read_only",
        /// `maxmemory`.
        Full = "full",
        /// No `EVAL`.
        TooOld = "too_old",
        /// No `run_id`.
        Nameless = "nameless",
        /// Of the Sentinels that were asked.
        NoPrimary = "no_primary",
        /// Redirections.
        Cluster = "cluster",
        /// For a while.
        Busy = "busy",
        /// Whatever else.
        Other = "other",
    }
}

impl RedisFault {
    /// What is wrong, as the end of a sentence that begins with "Redis".
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Connect => "cannot be reached",
            Self::Timeout => "does not answer in time",
            Self::Credentials => "refuses the user or the password of state.url",
            Self::Forbidden => "does not let its user EVAL, GET, SET and DEL the keys doorward:*, and INFO",
            Self::ReadOnly => "takes no writes: it is a replica, lacks replicas, or cannot write its disk",
            Self::Full => "is out of memory (see maxmemory)",
            Self::TooOld => {
                "lacks one of EVAL, GET, SET, DEL and INFO: version 6.2 or later is needed, or any Valkey, with none renamed"
            }
            Self::Nameless => {
                "shows no run_id (INFO server), without which a restore from an old snapshot is not noticed"
            }
            Self::NoPrimary => "is not known to any Sentinel under state.sentinel.master",
            Self::Cluster => "is a cluster that keeps this key elsewhere: use one primary, or a proxy in front",
            Self::Busy => "is starting or without its primary",
            Self::Other => "answers with an error that Doorward does not know",
        }
    }
}

impl RedisFault {
    pub(super) fn of(error: &RedisError) -> Self {
        use ServerErrorKind as Server;
        match error.kind() {
            ErrorKind::Io if error.is_timeout() => Self::Timeout,
            ErrorKind::Io => Self::Connect,
            ErrorKind::AuthenticationFailed => Self::Credentials,
            ErrorKind::Server(Server::NoPerm) => Self::Forbidden,
            ErrorKind::Server(Server::ReadOnly) => Self::ReadOnly,
            ErrorKind::Server(Server::Moved | Server::Ask | Server::CrossSlot | Server::ClusterDown) => Self::Cluster,
            ErrorKind::Server(Server::BusyLoading | Server::MasterDown | Server::TryAgain) => Self::Busy,
            // Redis has no code of its own for this.
            ErrorKind::Server(Server::ResponseError)
                if error.detail().is_some_and(|detail| detail.starts_with("unknown command")) =>
            {
                Self::TooOld
            }
            // Up to version 7.0 an error inside a script has no code of its own either.
            ErrorKind::Server(Server::ResponseError) => error.detail().map_or(Self::Other, Self::in_script),
            _ => match error.code() {
                Some("OOM") => Self::Full,
                Some("NORUNID") => Self::Nameless,
                Some("NOAUTH" | "WRONGPASS") => Self::Credentials,
                Some("MISCONF" | "NOREPLICAS") => Self::ReadOnly,
                _ => Self::Other,
            },
        }
    }
}

impl RedisFault {
    fn in_script(detail: &str) -> Self {
        let says = |words: &str| detail.contains(words);
        if says("can't run this command") || says("NOPERM") {
            Self::Forbidden
        } else if says("Unknown Redis command") {
            Self::TooOld
        } else if says("READONLY") || says("MISCONF") || says("NOREPLICAS") {
            Self::ReadOnly
        } else if says("OOM ") {
            Self::Full
        } else if says("NORUNID") {
            Self::Nameless
        } else {
            Self::Other
        }
    }
}

/// Why the store cannot be set up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// Not an address of Redis.
    #[error("state.url is no address of Redis; write rediss://user:password@host:6379/0, redis://… or unix:///path")]
    Url,
    /// Not one or two keys of 32 bytes.
    #[error("state.keys are not one or two keys of 64 hex digits; make one: openssl rand -hex 32")]
    Keys,
    /// `cluster-enabled yes`.
    #[error(
        "state.url is a node of a Redis Cluster, which keeps the challenges of one login on several nodes and fails over each by itself; \
         Doorward does not follow that: name one primary, or Sentinels (state.sentinel)"
    )]
    Cluster,
    /// Not PEM.
    #[error("state.ca_file is no PEM file of certificates, or state.url is not rediss://")]
    Ca,
}
