//! `tracing` of doorward.yaml as it was written.

use super::SecretFrom;
use crate::reading::record::record;
use crate::reading::{Dict, Ratio, Spanned, Text};

record! {
    /// Traces for OpenTelemetry, sent by OTLP over HTTP.
    pub struct RawTracing as "the key `tracing`" {
        /// The collector's address, whole: `http://127.0.0.1:4318/v1/traces`.
        endpoint: Text,
        /// Headers of its requests, such as `Authorization`, by name.
        headers: Dict<SecretFrom>,
        /// A PEM file with the CA of an `https://` address; the system's roots when left out.
        ca_file: Option<Text>,
        /// The name of this service in traces; `doorward` when left out.
        service_name: Option<Text>,
        /// The share of logins that are traced when their caller does not say; 1 when left out.
        sample_ratio: Option<Spanned<Ratio>>,
    }
}
