//! One connection: HTTP/1.1 or HTTP/2, with a deadline for every state that it can be in.
//!
//! Waiting for the first byte, for the first head, for the next request, and for the caller to take the last reply each
//! have their end here; bodies have theirs where they are read, logins theirs in the connector. What hyper measures
//! itself (a slow head on a connection that was idle) is set besides.

use std::convert::Infallible;
use std::io::IoSlice;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use futures_util::FutureExt as _;
use http::uri::Authority;
use http::{HeaderValue, Request, Version, header};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto::Builder;
use tokio::io::{self, AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tower::ServiceExt as _;

use super::connection_slots::ConnectionSlot;
use super::flood::FloodGuard;
use super::{Fault, Peer, Served};
use crate::config::{Certificate, Limits};
use crate::metrics::Closed;

/// Bytes of a request's head. Names, a token and a trace header fit many times.
const MAX_HEAD_BYTES: usize = 16 * 1024;

/// Up to here a head that is too large is read, so that its path says whose reply it gets; beyond, hyper answers by itself.
const MAX_READ_HEAD_BYTES: u16 = 32 * 1024;

/// Requests of one HTTP/2 connection at once: a console multiplexes; the daemon's own bound counts logins.
const MAX_STREAMS: u32 = 256;

/// How long a caller may take to read its last reply after a graceful close.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long a connection without an open request stays once the daemon shuts down: a request may be on its way, or a reply unread.
/// Half a request would otherwise delay the shutdown until `limits.drain` is over.
pub(super) const DRAIN_IDLE_TIMEOUT: Duration = Duration::from_secs(2);

pub(super) struct ConnectionContext {
    pub served: Served,
    pub stop: watch::Receiver<bool>,
    /// Evicted for others while its caller is not authenticated.
    pub slot: Arc<ConnectionSlot>,
    pub peer: Peer,
}

/// Serves one connection to its end.
pub(super) async fn serve<S>(stream: S, certificate: Option<Arc<Certificate>>, context: ConnectionContext)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let ConnectionContext { served, mut stop, slot, peer } = context;
    let metrics = &served.metrics;
    // A reload changes those of connections to come.
    let limits = &*served.limits.load_full();
    let activity = Arc::new(Activity::new());
    let stream = MeteredStream { stream, flood: FloodGuard::new(Instant::now()), activity: Arc::clone(&activity) };
    let service = {
        let (activity, served) = (Arc::clone(&activity), served.clone());
        service_fn(move |request: Request<Incoming>| {
            let open = activity.begin();
            let identity = ConnectionIdentity { peer, certificate: certificate.clone(), slot: Arc::clone(&slot) };
            let answer = answer(served.clone(), request, identity);
            async move {
                let response = answer.await;
                drop(open);
                Ok::<_, Infallible>(response)
            }
        })
    };
    let builder = builder(limits);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut draining = *stop.borrow();
    let mut close_at = None;
    if draining {
        connection.as_mut().graceful_shutdown();
        close_at = Some(Instant::now() + DRAIN_IDLE_TIMEOUT);
    }
    loop {
        let deadline = close_at.unwrap_or_else(|| activity.deadline(limits));
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if ended.is_err() {
                    metrics.closed(if activity.flooded() { Closed::Flood } else { Closed::Protocol });
                }
                return;
            }
            _ = stop.wait_for(|stop| *stop), if !draining => {
                draining = true;
                connection.as_mut().graceful_shutdown();
                close_at = Some(Instant::now() + DRAIN_IDLE_TIMEOUT);
            }
            () = sleep_until(deadline) => match due(&activity, limits, draining, close_at) {
                Due::Wait(until) => close_at = until,
                Due::Close => {
                    metrics.closed(Closed::Idle);
                    connection.as_mut().graceful_shutdown();
                    close_at = Some(Instant::now() + CLOSE_TIMEOUT);
                }
                Due::Drop(None) => return,
                Due::Drop(Some(why)) => return metrics.closed(why),
            },
        }
    }
}

/// What is due on a connection whose deadline has passed.
enum Due {
    /// Nothing yet; a connection that is to be closed has until then.
    Wait(Option<Instant>),
    Close,
    /// With the reason, where it is counted.
    Drop(Option<Closed>),
}

fn due(activity: &Activity, limits: &Limits, draining: bool, close_at: Option<Instant>) -> Due {
    match activity.overdue(limits) {
        _ if draining && !activity.is_idle_for(DRAIN_IDLE_TIMEOUT) => {
            Due::Wait(Some(Instant::now() + DRAIN_IDLE_TIMEOUT))
        }
        _ if close_at.is_some() && activity.is_idle() => Due::Drop(None),
        None => Due::Wait(None),
        Some(Closed::Idle) => Due::Close,
        Some(why) => Due::Drop(Some(why)),
    }
}

fn builder(limits: &Limits) -> Builder<TokioExecutor> {
    let mut builder = Builder::new(TokioExecutor::new());
    // hyper counts from the end of the last reply, so this covers the wait for the next request and its head.
    let head = limits.idle + limits.header;
    builder.http1().timer(TokioTimer::new()).header_read_timeout(head).max_buf_size(MAX_READ_HEAD_BYTES.into());
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(MAX_STREAMS)
        .max_header_list_size(MAX_READ_HEAD_BYTES.into())
        // A caller that vanished without closing the connection: its requests end within twice this.
        .keep_alive_interval(limits.idle)
        .keep_alive_timeout(limits.header);
    builder
}

/// What is known of a connection's caller before its requests are read.
struct ConnectionIdentity {
    peer: Peer,
    /// Verified by the handshake.
    certificate: Option<Arc<Certificate>>,
    slot: Arc<ConnectionSlot>,
}

/// The router's answer, or that of a fault before or in it. A panic ends this call only.
async fn answer(served: Served, request: Request<Incoming>, identity: ConnectionIdentity) -> Response {
    if !names_one_host(&request) {
        return (served.on_fault)(request.uri(), Fault::Host);
    }
    let closing = match () {
        () if head_bytes(&request) > MAX_HEAD_BYTES => Some(Fault::Head),
        // A proxy in front of the daemon may take what follows for a part of this body.
        () if !is_framed_plainly(&request) => Some(Fault::Framing),
        () => None,
    };
    if let Some(fault) = closing {
        let mut response = (served.on_fault)(request.uri(), fault);
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
        return response;
    }
    let uri = request.uri().clone();
    let mut request = request.map(Body::new);
    if let Some(certificate) = identity.certificate {
        request.extensions_mut().insert(certificate);
    }
    request.extensions_mut().insert(identity.slot);
    request.extensions_mut().insert(identity.peer);
    match AssertUnwindSafe(served.router.oneshot(request)).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(impossible)) => match impossible {},
        Err(_) => {
            served.metrics.panicked();
            (served.on_fault)(&uri, Fault::Panic)
        }
    }
}

/// Of the request line and the header fields, about as they came.
fn head_bytes(request: &Request<Incoming>) -> usize {
    let uri = request.uri();
    let target = uri.path().len() + uri.query().map_or(0, |query| query.len() + 1);
    let fields = request.headers().iter().map(|(name, value)| name.as_str().len() + value.len() + 4);
    request.method().as_str().len() + target + fields.sum::<usize>()
}

/// RFC 9112 section 3.2: an HTTP/1.1 request has one Host, and one that is a host. A proxy in front of the daemon may have taken
/// another of several for the one that counts. HTTP/1.0 knows none; HTTP/2 has `:authority`.
fn names_one_host(request: &Request<Incoming>) -> bool {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) => request.version() != Version::HTTP_11,
        // Empty where the target has no authority (RFC 9110 section 7.2).
        (Some(host), None) => {
            host.is_empty() || Authority::try_from(host.as_bytes()).is_ok_and(|it| !it.as_str().contains('@'))
        }
        (Some(_), Some(_)) => false,
    }
}

/// RFC 9112 section 6.1: `chunked` is the only coding that the daemon reads, and once. Two readers of `gzip, chunked` or of a second
/// `chunked` may not agree where the body ends.
fn is_framed_plainly(request: &Request<Incoming>) -> bool {
    let mut codings = request.headers().get_all(header::TRANSFER_ENCODING).iter();
    codings.next().is_none_or(|coding| coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked"))
        && codings.next().is_none()
}

/// What a connection has done so far. Written by the stream and the service, read by the loop in `serve`.
#[derive(Debug)]
struct Activity {
    accepted: Instant,
    first_byte: AtomicBool,
    flooded: AtomicBool,
    requests: AtomicU64,
    open: AtomicUsize,
    /// Milliseconds after `accepted` at which the last request ended.
    last_end: AtomicU64,
}

impl Activity {
    fn new() -> Self {
        Self {
            accepted: Instant::now(),
            first_byte: AtomicBool::new(false),
            flooded: AtomicBool::new(false),
            requests: AtomicU64::new(0),
            open: AtomicUsize::new(0),
            last_end: AtomicU64::new(0),
        }
    }

    fn begin(self: &Arc<Self>) -> OpenRequest {
        self.requests.fetch_add(1, Ordering::Relaxed);
        self.open.fetch_add(1, Ordering::Relaxed);
        OpenRequest(Arc::clone(self))
    }

    fn flooded(&self) -> bool {
        self.flooded.load(Ordering::Relaxed)
    }

    fn is_idle(&self) -> bool {
        self.open.load(Ordering::Relaxed) == 0
    }

    fn is_idle_for(&self, span: Duration) -> bool {
        let last = self.accepted + Duration::from_millis(self.last_end.load(Ordering::Relaxed));
        self.is_idle() && last + span <= Instant::now()
    }

    /// The end of the present state. While requests are open they have their own ends; the next look is due then.
    fn deadline(&self, limits: &Limits) -> Instant {
        if self.requests.load(Ordering::Relaxed) == 0 {
            let header = if self.first_byte.load(Ordering::Relaxed) { limits.header } else { Duration::ZERO };
            return self.accepted + limits.first_byte + header;
        }
        if self.is_idle() {
            return self.accepted + Duration::from_millis(self.last_end.load(Ordering::Relaxed)) + limits.idle;
        }
        Instant::now() + limits.idle
    }

    /// What is overdue now, if anything.
    fn overdue(&self, limits: &Limits) -> Option<Closed> {
        if self.deadline(limits) > Instant::now() {
            return None;
        }
        Some(match (self.requests.load(Ordering::Relaxed), self.first_byte.load(Ordering::Relaxed)) {
            (0, false) => Closed::FirstByte,
            (0, true) => Closed::Header,
            _ => Closed::Idle,
        })
    }
}

/// One open request; ends when dropped, also when its caller disconnects.
struct OpenRequest(Arc<Activity>);

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let passed = u64::try_from(self.0.accepted.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.0.last_end.store(passed, Ordering::Relaxed);
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Records when the first byte came, and ends the stream when its caller floods it.
struct MeteredStream<S> {
    stream: S,
    flood: FloodGuard,
    activity: Arc<Activity>,
}

impl<S: AsyncRead + Unpin> AsyncRead for MeteredStream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.stream).poll_read(cx, buf);
        let new = &buf.filled()[before..];
        if !new.is_empty() {
            self.activity.first_byte.store(true, Ordering::Relaxed);
            if !self.flood.accepts(new, Instant::now) {
                self.activity.flooded.store(true, Ordering::Relaxed);
                return Poll::Ready(Err(io::ErrorKind::ConnectionAborted.into()));
            }
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for MeteredStream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}
