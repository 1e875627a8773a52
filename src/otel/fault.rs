//! Why no traces can be sent: found out at the start, and never by a login.

use std::path::PathBuf;

/// Why no traces can be sent.
#[derive(Debug, thiserror::Error)]
pub enum TracerError {
    /// The file of `tracing.ca_file`.
    #[error("the CAs cannot be read from {}: {why}", path.display())]
    Ca {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
    /// The way to the collector.
    #[error("{0}")]
    Collector(String),
    /// The exporter; variables `OTEL_EXPORTER_OTLP_*` of the process reach it, too.
    #[error("the exporter of OpenTelemetry cannot be made: {0}")]
    Exporter(String),
}
