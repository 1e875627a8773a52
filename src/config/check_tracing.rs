//! Where traces go, checked.

use http::{HeaderName, HeaderValue};
use url::Url;

use super::Tracing;
use super::check::Check;
use super::raw::RawTracing;
use crate::reading::Text;
use crate::secret::Secret;
use crate::upstream::Origin;

impl Check<'_> {
    pub(super) fn tracing(&mut self, raw: &RawTracing) -> Option<Tracing> {
        let endpoint = self.endpoint(&raw.endpoint);
        let mut headers = Vec::new();
        for (name, from) in raw.headers.iter() {
            let value = self.secret(from).filter(|secret| HeaderValue::from_str(secret.expose()).is_ok());
            match (name.value.parse::<HeaderName>(), value) {
                (Ok(name), Some(value)) => headers.push((name, value)),
                (_, None) if !self.diagnostics.has_errors() => {
                    let message = "this value cannot stand in a header";
                    self.wrong("otlp-header", &name.span, message, "visible ASCII characters can, line ends cannot");
                }
                (Err(_), _) => {
                    let help = "letters, digits and - make one, as in Authorization";
                    self.wrong("otlp-header", &name.span, "this is no name of a header", help);
                }
                // Said already: it cannot be read.
                (Ok(_), None) => {}
            }
        }
        if let Some(ca) = &raw.ca_file {
            if endpoint.as_ref().is_some_and(|url| url.scheme() == "http") {
                let help = "write https:// in endpoint, or leave it out";
                self.wrong("unused-key", &ca.span, "only an https:// address uses this", help);
            } else {
                self.is_there(ca);
            }
        }
        let endpoint = endpoint?;
        self.in_the_clear(&raw.endpoint, &endpoint, &headers);
        Some(Tracing {
            endpoint,
            headers,
            ca_file: raw.ca_file.as_ref().map(|path| self.path(path)),
            service_name: raw.service_name.as_ref().map_or_else(|| "doorward".to_owned(), |name| name.text.clone()),
            sample_ratio: raw.sample_ratio.as_ref().map_or(1.0, |ratio| ratio.value.0),
        })
    }

    /// Nothing is appended to it, so that what is written is what is asked.
    fn endpoint(&mut self, text: &Text) -> Option<Url> {
        let url = Url::parse(text.as_str()).ok().filter(|url| {
            let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
            matches!(url.scheme(), "http" | "https") && url.has_host() && plain && url.path() != "/"
        });
        if url.is_none() {
            let help = "write it whole, path included: http://127.0.0.1:4318/v1/traces. Traces are sent by OTLP over HTTP; \
                        port 4317 is usually that of gRPC. A key or a password belongs into headers:";
            self.wrong("otlp-endpoint", &text.span, "this is no address of a collector of traces", help);
        }
        url
    }

    fn in_the_clear(&mut self, text: &Text, endpoint: &Url, headers: &[(HeaderName, Secret)]) {
        let local = Origin::of(endpoint).is_ok_and(|origin| origin.host().is_loopback());
        if endpoint.scheme() == "http" && !local && !headers.is_empty() {
            let message = "the headers would cross the network in clear";
            self.wrong("clear-text", &text.span, message, "write https://, or leave headers: out");
        }
    }
}
