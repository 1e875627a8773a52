//! Traces for OpenTelemetry: a span for each login, for each of its steps, and for each request to an upstream.
//!
//! A span is a function of the login's report, made when the login has ended, and then lies in a bounded queue. A collector that
//! is slow or away costs spans, never a login. Attributes are names of files, statuses and closed words: no user name, no
//! password, no query and no body; a URL is origin and path as the connector's file writes them.
//!
//! `RemoteParent` is read from a caller's `traceparent`, `Tracer::begin` makes a `LoginSpan` below it, `TracedExchange` notes what
//! is asked of upstreams meanwhile, and `Tracer::end` has all of it sent. The crates of OpenTelemetry are named in this folder only.

mod collector;
mod exchange;
mod fault;
mod parent;
mod queue;
mod shape;
mod span;
mod tracer;

pub use exchange::TracedExchange;
pub use fault::TracerError;
pub use parent::RemoteParent;
pub use shape::EndedLogin;
pub use span::LoginSpan;
pub use tracer::Tracer;
