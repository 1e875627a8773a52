//! Replies that a client has asked for and not read yet: they stay in memory until it does, or until its connection ends.
//!
//! A reply may carry a large extension, and a client need not read: over HTTP/2 an empty window keeps each of 256 replies a
//! connection here. So unread bytes are counted for each client, and beyond a bound its calls are refused.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;

/// What any call costs; smaller replies are not counted.
const NOT_COUNTED: usize = 2 * 1024;

/// The unread replies of one client.
#[derive(Debug)]
pub(crate) struct UnreadReplies {
    max: usize,
    bytes: Arc<AtomicUsize>,
}

/// Bytes that count for as long as any part of them is in memory.
struct CountedText {
    text: Vec<u8>,
    bytes: Arc<AtomicUsize>,
}

impl UnreadReplies {
    /// The same replies under another bound.
    pub(crate) fn bounded_by(&self, max: usize) -> Self {
        Self { max, bytes: Arc::clone(&self.bytes) }
    }

    pub(crate) fn new(max: usize) -> Self {
        Self { max, bytes: Arc::default() }
    }

    /// Whether the client must read replies before it gets more.
    pub(crate) fn is_full(&self) -> bool {
        self.bytes.load(Ordering::Relaxed) >= self.max
    }

    /// The bytes of a reply, counted until they are dropped. The reply that fills the bound is still sent: what it reports has
    /// happened.
    pub(crate) fn counted(&self, text: Vec<u8>) -> Bytes {
        if text.len() <= NOT_COUNTED {
            return text.into();
        }
        self.bytes.fetch_add(text.capacity(), Ordering::Relaxed);
        Bytes::from_owner(CountedText { text, bytes: Arc::clone(&self.bytes) })
    }
}

impl AsRef<[u8]> for CountedText {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

impl Drop for CountedText {
    fn drop(&mut self) {
        self.bytes.fetch_sub(self.text.capacity(), Ordering::Relaxed);
    }
}
