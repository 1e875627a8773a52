//! The frames between the daemon and a worker, the same for both ends.
//!
//! A frame is 9 bytes and a payload: its length (u32), a kind (u8), a number (u32), all little-endian. Calls are
//! numbered and answered in order. The daemon does not trust a worker in which a script ran: every length is checked
//! before anything is allocated.

use serde::{Deserialize, Serialize};

use super::reads::{Reads, ScriptPosition};
use super::source::ScriptKind;

/// Bytes before the payload.
pub(crate) const HEADER: usize = 9;

/// Largest payload: many times a reply body of 256 KiB and the document made of it, both escaped.
pub(crate) const MAX_PAYLOAD: usize = 8 * 1024 * 1024;

pub(crate) mod kind {
    /// To a worker: `Load` as JSON. Answered by `READY` or `REFUSED`.
    pub(crate) const LOAD: u8 = 1;
    /// To a worker: the script's number (u32) and the parameters as JSON.
    pub(crate) const CALL: u8 = 2;
    /// To a worker: a script's text, to be checked. Answered by `INSPECTED`.
    pub(crate) const INSPECT: u8 = 3;
    /// To a worker: try what a worker must not be able to do. Answered by `PROBED`.
    pub(crate) const PROBE: u8 = 4;

    /// From a worker: `Sandbox` as JSON.
    pub(crate) const READY: u8 = 16;
    /// From a worker: a sentence; the worker cannot serve.
    pub(crate) const REFUSED: u8 = 17;
    /// From a worker: `Inspected` as JSON.
    pub(crate) const INSPECTED: u8 = 18;
    /// From a worker: attempts and their results as JSON.
    pub(crate) const PROBED: u8 = 19;
    /// From a worker: JSON text that the script left.
    pub(crate) const VALUE: u8 = 20;
    /// From a worker: the message of a rejection.
    pub(crate) const REJECTED: u8 = 21;
    /// From a worker: line and column (u32 each, 0 for unknown) and the message.
    pub(crate) const THREW: u8 = 22;
    /// From a worker: a sentence about a result that is not JSON.
    pub(crate) const BAD_RESULT: u8 = 23;
}

/// The scripts of a generation and the limits of a worker.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Load {
    pub scripts: Vec<(ScriptKind, String)>,
    /// Bytes of address space above what the worker has when its scripts are compiled.
    pub memory: u64,
    pub env_bytes: usize,
    pub result_bytes: usize,
}

/// What the inspection of a script came to.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Inspected {
    Reads(Box<Reads>),
    CompileError(String, ScriptPosition),
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    pub kind: u8,
    pub number: u32,
    pub payload: &'a [u8],
}

/// The peer broke the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a frame is longer than allowed")]
pub(crate) struct TooLong;

/// A frame as bytes. The number can be set later with [`renumber`].
pub(crate) fn frame(kind: u8, number: u32, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = Vec::with_capacity(HEADER + length);
    bytes.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    bytes.push(kind);
    bytes.extend_from_slice(&number.to_le_bytes());
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes
}

pub(crate) fn renumber(frame: &mut [u8], number: u32) {
    if let Some(place) = frame.get_mut(5..HEADER) {
        place.copy_from_slice(&number.to_le_bytes());
    }
}

/// The first frame of a buffer and its whole length; `None` when more bytes are needed.
pub(crate) fn split(buffer: &[u8]) -> Result<Option<(Frame<'_>, usize)>, TooLong> {
    let Some((header, rest)) = buffer.split_first_chunk::<HEADER>() else { return Ok(None) };
    let [l0, l1, l2, l3, kind, n0, n1, n2, n3] = *header;
    let length = usize::try_from(u32::from_le_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX);
    if length > MAX_PAYLOAD {
        return Err(TooLong);
    }
    let Some(payload) = rest.get(..length) else { return Ok(None) };
    let frame = Frame { kind, number: u32::from_le_bytes([n0, n1, n2, n3]), payload };
    Ok(Some((frame, HEADER + length)))
}

/// A u32 at the start of a payload, and what follows it.
pub(crate) fn take_u32(payload: &[u8]) -> Option<(u32, &[u8])> {
    let (number, rest) = payload.split_first_chunk::<4>()?;
    Some((u32::from_le_bytes(*number), rest))
}

#[cfg(test)]
mod tests {
    use super::{Frame, MAX_PAYLOAD, TooLong, frame, renumber, split};

    #[test]
    fn a_frame_comes_back_and_a_part_of_one_waits() {
        let mut bytes = frame(2, 0, &[b"ab", b"c"]);
        renumber(&mut bytes, 7);
        for cut in 0..bytes.len() {
            assert_eq!(split(&bytes[..cut]), Ok(None));
        }
        assert_eq!(split(&bytes), Ok(Some((Frame { kind: 2, number: 7, payload: b"abc" }, bytes.len()))));
    }

    #[test]
    fn a_length_beyond_the_cap_is_refused_before_its_bytes_are_awaited() {
        let mut bytes = frame(2, 0, &[]);
        bytes[..4].copy_from_slice(&u32::try_from(MAX_PAYLOAD + 1).unwrap_or(0).to_le_bytes());
        assert_eq!(split(&bytes), Err(TooLong));
    }
}
