//! Idle connections of one connector revision, an origin a lane; thrown away as a whole when framing is in doubt.
//!
//! A connection comes back only after a reply that ended where it said; it leaves when it is too old, closed, or of
//! an earlier generation. Tasks that drive connections die with their connection's owner.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::fault::is_doubt;
use super::stream::{Meter, Metered};

pub(super) type Body = Full<Bytes>;

/// A line end behind a reply begins no other one, and some servers write it. The connection is given up all the same, but
/// neither its reply nor other connections are in doubt.
const LINE_END: &[u8] = b"\r\n";

/// An HTTP/1.1 connection. Dropping it closes the socket at once.
pub(super) struct H1 {
    pub(super) sender: http1::SendRequest<Body>,
    pub(super) meter: Arc<Meter>,
    /// Yields whether the connection ended in doubt.
    task: JoinHandle<bool>,
    generation: u64,
    /// How long the server said that it keeps the connection.
    pub(super) kept_by_server: Option<Duration>,
}

impl H1 {
    pub(super) fn new(
        sender: http1::SendRequest<Body>,
        meter: Arc<Meter>,
        mut driver: http1::Connection<TokioIo<Metered>, Body>,
        pool: &Arc<Pool>,
    ) -> Self {
        let watching = Arc::downgrade(pool);
        let generation = pool.generation();
        let task = tokio::spawn(async move {
            let ended = (&mut driver).await;
            let doubt = ended.is_err_and(|error| is_doubt(&error)) && driver.into_parts().read_buf != LINE_END;
            if doubt && let Some(pool) = watching.upgrade() {
                pool.distrust(generation);
            }
            doubt
        });
        Self { sender, meter, task, generation, kept_by_server: None }
    }

    /// The generation in which it was made.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether the connection, which is closed, ended with unrequested bytes.
    pub(super) async fn ended_in_doubt(mut self) -> bool {
        (&mut self.task).await.unwrap_or(false)
    }
}

impl Drop for H1 {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A share of an HTTP/2 connection.
#[derive(Clone)]
pub(super) struct H2 {
    pub(super) sender: http2::SendRequest<Body>,
    pub(super) meter: Arc<Meter>,
    driver: Arc<Driver>,
    generation: u64,
}

/// Ends the connection when the last share is gone.
struct Driver(JoinHandle<()>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl H2 {
    pub(super) fn new<F>(sender: http2::SendRequest<Body>, meter: Arc<Meter>, driver: F, pool: &Pool) -> Self
    where
        F: Future<Output = hyper::Result<()>> + Send + 'static,
    {
        let task = tokio::spawn(async move {
            let _ = driver.await;
        });
        Self { sender, meter, driver: Arc::new(Driver(task)), generation: pool.generation() }
    }

    fn is_idle(&self) -> bool {
        Arc::strong_count(&self.driver) == 1
    }
}

/// Either kind.
pub(super) enum Conn {
    H1(H1),
    H2(H2),
}

impl Conn {
    pub(super) fn is_h2(&self) -> bool {
        matches!(self, Self::H2(_))
    }

    /// The generation in which it was made.
    pub(super) fn generation(&self) -> u64 {
        match self {
            Self::H1(h1) => h1.generation,
            Self::H2(h2) => h2.generation,
        }
    }

    pub(super) fn meter(&self) -> &Arc<Meter> {
        match self {
            Self::H1(h1) => &h1.meter,
            Self::H2(h2) => &h2.meter,
        }
    }
}

#[derive(Default)]
struct Lane {
    /// Each with its last moment; the most recently used last, so that the others grow old.
    idle: Vec<(Instant, H1)>,
    h2: Option<(Instant, H2)>,
}

/// The lanes.
pub(super) struct Pool {
    lanes: Box<[Mutex<Lane>]>,
    generation: AtomicU64,
    sweeping: AtomicBool,
    keep_alive: Duration,
    max_idle: usize,
}

impl Pool {
    pub(super) fn new(lanes: usize, keep_alive: Duration, max_idle: usize) -> Arc<Self> {
        Arc::new(Self {
            lanes: (0..lanes).map(|_| Mutex::default()).collect(),
            generation: AtomicU64::new(0),
            sweeping: AtomicBool::new(false),
            keep_alive,
            max_idle,
        })
    }

    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn lane(&self, lane: usize) -> MutexGuard<'_, Lane> {
        self.lanes[lane].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A kept connection that is ready now.
    pub(super) fn take(&self, lane: usize) -> Option<Conn> {
        let mut lane = self.lane(lane);
        let now = Instant::now();
        if let Some((used, h2)) = &mut lane.h2 {
            if !h2.sender.is_closed() && h2.generation == self.generation() {
                *used = now;
                return Some(Conn::H2(h2.clone()));
            }
            lane.h2 = None;
        }
        while let Some((until, h1)) = lane.idle.pop() {
            if h1.sender.is_ready() && now < until {
                return Some(Conn::H1(h1));
            }
        }
        None
    }

    /// Keeps a connection whose reply has ended.
    pub(super) fn keep(self: &Arc<Self>, lane: usize, conn: Conn) {
        if self.keep_alive.is_zero() {
            return;
        }
        let now = Instant::now();
        {
            let mut lane = self.lane(lane);
            match conn {
                Conn::H1(h1) if h1.generation == self.generation() && lane.idle.len() < self.max_idle => {
                    let keep = h1.kept_by_server.unwrap_or(self.keep_alive).min(self.keep_alive);
                    lane.idle.push((now + keep, h1));
                }
                Conn::H2(h2) if h2.generation == self.generation() => match &mut lane.h2 {
                    Some((used, kept)) if !kept.sender.is_closed() => *used = now,
                    slot => *slot = Some((now, h2)),
                },
                _ => return,
            }
        }
        if !self.sweeping.swap(true, Ordering::AcqRel) {
            tokio::spawn(sweep(Arc::downgrade(self), self.keep_alive));
        }
    }

    /// An exchange failed on the connection with this meter. HTTP/1.1 connections are gone with their exchange; a shared
    /// HTTP/2 connection, which may be broken, gets no new ones.
    pub(super) fn forget(&self, lane: usize, meter: Option<&Arc<Meter>>) {
        let Some(meter) = meter else { return };
        self.lane(lane).h2.take_if(|(_, h2)| Arc::ptr_eq(&h2.meter, meter));
    }

    /// Framing is in doubt on a connection of this generation: no connection of it carries another request.
    pub(super) fn distrust(&self, generation: u64) {
        let next = self.generation.compare_exchange(generation, generation + 1, Ordering::AcqRel, Ordering::Acquire);
        if next.is_ok() {
            for lane in &self.lanes {
                *lane.lock().unwrap_or_else(PoisonError::into_inner) = Lane::default();
            }
        }
    }

    /// Drops what is too old. True when nothing is left.
    fn drop_old(&self) -> bool {
        let now = Instant::now();
        let mut empty = true;
        for lane in &self.lanes {
            let mut lane = lane.lock().unwrap_or_else(PoisonError::into_inner);
            lane.idle.retain(|(until, h1)| now < *until && !h1.sender.is_closed());
            let old = lane.h2.as_ref().is_some_and(|(used, h2)| {
                h2.sender.is_closed() || (h2.is_idle() && now.duration_since(*used) >= self.keep_alive)
            });
            if old {
                lane.h2 = None;
            }
            empty &= lane.idle.is_empty() && lane.h2.is_none();
        }
        empty
    }
}

/// Closes idle connections when their time is over; runs only while there are any.
async fn sweep(pool: Weak<Pool>, every: Duration) {
    let mut ticks = tokio::time::interval_at(Instant::now() + every, every);
    loop {
        ticks.tick().await;
        let Some(pool) = pool.upgrade() else { return };
        if pool.drop_old() {
            pool.sweeping.store(false, Ordering::Release);
            // Something may have been kept between the look and the store; then another task must go on.
            if pool.drop_old() || pool.sweeping.swap(true, Ordering::AcqRel) {
                return;
            }
        }
    }
}
