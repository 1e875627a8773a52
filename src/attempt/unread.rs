//! Replies that a client has asked for and not taken yet: they lie in memory until it does, or until its connection ends.
//!
//! A reply may carry a large extension, and a client need not read: over HTTP/2 a window of nothing keeps each of 256 replies a
//! connection here. So what a client has not taken is counted, and beyond a bound its calls are too many.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::body::Body;
use bytes::Bytes;

/// So much of a reply is what any call costs, and is not counted.
const NOT_COUNTED: usize = 2 * 1024;

/// What one client has not taken.
#[derive(Debug)]
pub(crate) struct Unread {
    most: usize,
    bytes: Arc<AtomicUsize>,
}

/// A body that is counted for as long as any part of it is in memory.
struct Counted {
    text: Vec<u8>,
    bytes: Arc<AtomicUsize>,
}

impl Unread {
    pub(crate) fn new(most: usize) -> Self {
        Self { most, bytes: Arc::default() }
    }

    /// Whether the client is to take replies before it gets more.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) >= self.most
    }

    /// The body of a reply. The one that fills the bound still goes out: what it tells of has happened.
    pub(crate) fn body(&self, text: Vec<u8>) -> Body {
        if text.len() <= NOT_COUNTED {
            return Body::from(text);
        }
        self.bytes.fetch_add(text.capacity(), Ordering::Relaxed);
        Body::from(Bytes::from_owner(Counted { text, bytes: Arc::clone(&self.bytes) }))
    }
}

impl AsRef<[u8]> for Counted {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.bytes.fetch_sub(self.text.capacity(), Ordering::Relaxed);
    }
}
