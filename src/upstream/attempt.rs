//! One request on one connection: HTTP over a dialled stream, the exchange, and whether the connection may be kept.
//!
//! It never tries again; what hyper gives back unwritten is reported as such and the caller decides.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};

use super::dial::Dialled;
use super::fault::{self, Fault, Part, Progress, Stage};
use super::pool::{Body, Conn, H1, H2, Pool};
use super::reply::{Reply, Timings, check_framing, kept_by_server, read_body};
use super::stream::{Meter, Metered};
use crate::budget::{Budget, Share};
use crate::request::Spellings;
use crate::verdict::Cause;

/// The longest headers of a reply: eight times what Tomcat and Nginx allow by default.
const MAX_HEAD: usize = 64 * 1024;

/// Buffer of one HTTP/1.1 connection: the longest headers and what came with them.
const MAX_BUFFER: usize = 128 * 1024;

/// What an HTTP/2 server may send before it is read: small, because `max_response` is.
const H2_WINDOW: u32 = 256 * 1024;

/// How long a finished reply waits for its connection to become idle before the connection is given up.
const IDLE_WAIT: Duration = Duration::from_millis(100);

/// HTTP on a fresh stream.
pub(super) async fn connection(dialled: Dialled, pool: &Arc<Pool>) -> Result<Conn, Fault> {
    let meter = Arc::new(Meter::default());
    let io = TokioIo::new(Metered::new(dialled.stream, Arc::clone(&meter)));
    if dialled.h2 {
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder
            .timer(TokioTimer::new())
            .initial_stream_window_size(H2_WINDOW)
            .initial_connection_window_size(4 * H2_WINDOW)
            .max_header_list_size(u32::try_from(MAX_HEAD).unwrap_or(u32::MAX));
        let (sender, driver) = builder.handshake(io).await.map_err(|error| lost(&error, Part::Head, &meter))?;
        return Ok(Conn::H2(H2::new(sender, meter, driver, pool)));
    }
    let mut builder = http1::Builder::new();
    builder.max_buf_size(MAX_BUFFER).max_header_size(MAX_HEAD).title_case_headers(true);
    let (sender, driver) = builder.handshake(io).await.map_err(|error| lost(&error, Part::Head, &meter))?;
    Ok(Conn::H1(H1::new(sender, meter, driver, pool)))
}

/// No reply.
pub(super) enum AttemptError {
    /// The connection was closed before hyper took the request up.
    Unwritten(Fault),
    /// Bytes of the request may have left.
    Written(Fault),
}

impl From<Fault> for AttemptError {
    fn from(fault: Fault) -> Self {
        Self::Written(fault)
    }
}

/// A request that is about to be written.
pub(super) struct Attempt<'c> {
    pub(super) conn: Conn,
    pub(super) is_kept: bool,
    pub(super) max_response: usize,
    pub(super) spellings: Spellings,
    pub(super) replies: Option<&'c Arc<Budget>>,
}

impl Attempt<'_> {
    /// Writes the message and reads the reply; the connection comes back when it may carry another request.
    pub(super) async fn run(
        mut self,
        message: Request<Body>,
        progress: &mut Progress,
    ) -> Result<(Reply, Option<Conn>), AttemptError> {
        let response = self.ask(message, progress).await?;
        let head = progress.started.elapsed();
        let reusable = check_framing(&response, self.max_response)?;
        if let Conn::H1(h1) = &mut self.conn {
            h1.meter.expect_body(self.max_response);
            h1.kept_by_server = kept_by_server(response.headers());
        }
        let (parts, body) = response.into_parts();
        let body = read_body(&parts.headers, body, (self.max_response, Share::of(self.replies)), progress).await;
        let body = body.map_err(|broken| broken.explained(self.conn.meter()))?;
        let conn = self.release(reusable).await?;
        let timings = Timings { connected: progress.connected, head, total: progress.started.elapsed() };
        Ok((Reply { status: parts.status.as_u16(), headers: parts.headers, body, timings }, conn))
    }

    async fn ask(
        &mut self,
        message: Request<Body>,
        progress: &mut Progress,
    ) -> Result<Response<Incoming>, AttemptError> {
        let meter = Arc::clone(self.conn.meter());
        meter.expect_head(!self.conn.is_h2());
        progress.stage = Stage::Head { kept: self.is_kept };
        progress.meter = Some(Arc::clone(&meter));
        progress.written = true;
        let asked = match &mut self.conn {
            Conn::H1(h1) => {
                meter.spell(&self.spellings);
                h1.sender.try_send_request(message).await
            }
            Conn::H2(h2) => h2.sender.try_send_request(message).await,
        };
        asked.map_err(|mut error| {
            if error.take_message().is_some() {
                progress.written = false;
                let closed = "the server closed the new connection before the request was sent";
                let fault = meter.tls_failure().map_or_else(|| Fault::new(Cause::Connect, closed), Fault::tls);
                return AttemptError::Unwritten(fault);
            }
            AttemptError::Written(lost(error.error(), Part::Head, &meter))
        })
    }

    /// The connection, if it is idle now. Bytes beyond the end of the reply are a doubt about this very reply.
    async fn release(self, reusable: bool) -> Result<Option<Conn>, Fault> {
        let mut h1 = match self.conn {
            Conn::H2(_) => return Ok(Some(self.conn)),
            Conn::H1(h1) if reusable => h1,
            Conn::H1(_) => return Ok(None),
        };
        if !h1.sender.is_ready() {
            match tokio::time::timeout(IDLE_WAIT, h1.sender.ready()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) if h1.ended_in_doubt().await => {
                    return Err(Fault::doubt("more bytes follow the end of the reply"));
                }
                // Closed by the server, or it answered before it read all of the request.
                Ok(Err(_)) | Err(_) => return Ok(None),
            }
        }
        Ok(Some(Conn::H1(h1)))
    }
}

fn lost(error: &hyper::Error, part: Part, meter: &Meter) -> Fault {
    fault::exchange(error, part).explained(meter)
}
