//! The label sets, and the closed lists behind them.

use prometheus_client::encoding::EncodeLabelSet;

use crate::words::words;

words! {
    /// Why the daemon closed a connection.
    pub enum Closed {
        /// No first byte in time.
        FirstByte = "first_byte",
        /// No whole request head in time.
        Header = "header",
        /// The TLS handshake failed or took too long.
        Tls = "tls",
        /// No further request in time.
        Idle = "idle",
        /// A newer connection evicted it while its caller was not known.
        Crowded = "crowded",
        /// More frames beside requests than a caller needs (HTTP/2).
        Flood = "flood",
        /// The protocol was broken, by mistake or by the caller going away.
        Protocol = "protocol",
    }
}

words! {
    /// Which bound was met.
    pub enum Shed {
        /// Open connections.
        Connections = "connections",
        /// Logins of the daemon.
        Logins = "logins",
        /// The share of one connector.
        ConnectorShare = "connector_share",
        /// The share of one client.
        ClientShare = "client_share",
        /// Calls of one client.
        Client = "client",
        /// The guard cannot count in Redis and logins are refused meanwhile.
        Guard = "guard",
        /// The audit trail cannot be written and logins are refused meanwhile.
        Audit = "audit",
    }
}

words! {
    /// Why spans were dropped.
    pub enum SpanLoss {
        /// As many as may wait are waiting.
        Queue = "queue",
        /// The collector did not take them.
        Collector = "collector",
    }
}

words! {
    /// What became of a login whose caller went away.
    pub enum CallerDisconnect {
        /// It ended at once; no credential had left.
        Ended = "ended",
        /// It was finished; an upstream may have counted it.
        Finished = "finished",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Login {
    pub connector: String,
    pub verdict: &'static str,
    pub detail: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Utility {
    pub connector: String,
    pub outcome: &'static str,
    pub detail: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct InConnector {
    pub connector: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct InStep {
    pub connector: String,
    pub step: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Reply {
    pub connector: String,
    pub step: String,
    pub status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct CauseLabel {
    pub cause: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct KeyLabel {
    pub by: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Code {
    pub code: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Result {
    pub result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Part {
    pub part: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct HealthLabel {
    pub health: &'static str,
}

/// An upstream chooses its statuses; their classes are six.
pub(super) fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => "other",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct AtDoor {
    pub door: String,
    pub reply: &'static str,
}
