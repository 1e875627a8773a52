//! The span of a caller, as its request names it, and ours, as a request to an upstream names it: W3C Trace Context.

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator as _};
use opentelemetry::trace::{SpanContext, TraceContextExt as _};
use opentelemetry_sdk::propagation::TraceContextPropagator;

const PARENT: HeaderName = HeaderName::from_static("traceparent");
const STATE: HeaderName = HeaderName::from_static("tracestate");

/// Section 3.3.1.5: as much has to be passed on; more is left out.
const MAX_STATE: usize = 512;

/// A caller's span.
#[derive(Debug, Clone)]
pub struct RemoteParent(pub(super) SpanContext);

impl RemoteParent {
    /// What `traceparent` and `tracestate` say (sections 3.2 and 3.3); `None` when there is no `traceparent`, more than one, or one
    /// that cannot be read. A trace then begins here.
    pub fn of(headers: &HeaderMap) -> Option<Self> {
        let mut parents = headers.get_all(PARENT).iter();
        let (Some(parent), None) = (parents.next(), parents.next()) else { return None };
        let state: Option<Vec<&str>> = headers.get_all(STATE).iter().map(|value| value.to_str().ok()).collect();
        let state = state.unwrap_or_default().join(",");
        let told = Told { parent: parent.to_str().ok()?, state: Some(state).filter(|state| state.len() <= MAX_STATE) };
        let context = TraceContextPropagator::new().extract_with_context(&Context::new(), &told);
        let span = context.span().span_context().clone();
        span.is_valid().then_some(Self(span))
    }
}

struct Told<'a> {
    parent: &'a str,
    state: Option<String>,
}

impl Extractor for Told<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        match key {
            "traceparent" => Some(self.parent),
            "tracestate" => self.state.as_deref(),
            _ => None,
        }
    }

    fn keys(&self) -> Vec<&str> {
        vec!["traceparent", "tracestate"]
    }
}

/// Writes `span` into `headers`, over what stands there under these names.
pub(super) fn name_in(headers: &mut Vec<(HeaderName, HeaderValue)>, span: &SpanContext) {
    headers.retain(|(name, _)| *name != PARENT && *name != STATE);
    let context = Context::new().with_remote_span_context(span.clone());
    TraceContextPropagator::new().inject_context(&context, &mut Named(headers));
}

struct Named<'a>(&'a mut Vec<(HeaderName, HeaderValue)>);

impl Injector for Named<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(name), Ok(value), false) = (key.parse(), HeaderValue::try_from(&value), value.is_empty()) {
            self.0.push((name, value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn headers(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        lines
            .iter()
            .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn one_good_traceparent_is_believed_and_nothing_else() {
        let parent = |lines: &[(&'static str, &'static str)]| {
            let mut map = HeaderMap::new();
            for (name, value) in lines {
                map.append(*name, HeaderValue::from_static(value));
            }
            RemoteParent::of(&map)
        };
        let RemoteParent(span) =
            parent(&[("traceparent", GOOD), ("tracestate", "a=1"), ("tracestate", "b=2")]).unwrap();
        assert_eq!(span.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!((span.span_id().to_string().as_str(), span.is_sampled()), ("b7ad6b7169203331", true));
        assert_eq!(span.trace_state().header(), "a=1,b=2");
        for bad in [
            "",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "zhangsan",
        ] {
            assert!(parent(&[("traceparent", bad)]).is_none(), "{bad}");
        }
        assert!(parent(&[("traceparent", GOOD), ("traceparent", GOOD)]).is_none());
        assert!(parent(&[]).is_none());
    }

    #[test]
    fn what_is_told_an_upstream_reads_back_and_replaces_what_stood_there() {
        let RemoteParent(span) = RemoteParent::of(&headers(&[("traceparent", GOOD)])).unwrap();
        let mut written = vec![(PARENT, HeaderValue::from_static("of the file"))];
        name_in(&mut written, &span);
        assert_eq!(written, [(PARENT, HeaderValue::from_static(GOOD))]);
    }
}
