//! The head of an HTTP/1.1 request with the header names as the connector's file writes them.
//!
//! hyper writes names in title case and keeps its own map of other spellings to itself, so the stream restores the letters in
//! the head that passes through it. A spelling has the length of the name: nothing moves, no framing changes.

use zeroize::Zeroizing;

use crate::request::Spellings;

/// What is left to write of a head whose names were restored; empty between heads.
#[derive(Default)]
pub(super) struct Respelled {
    head: Zeroizing<Vec<u8>>,
    written: usize,
}

impl Respelled {
    /// A new head begins: `buffer` is hyper's, which has all of it.
    pub(super) fn begin(&mut self, buffer: &[u8], spellings: &Spellings) {
        let mut head = Zeroizing::new(buffer.to_vec());
        restore(&mut head, spellings);
        *self = Self { head, written: 0 };
    }

    /// What goes out instead of the rest of hyper's own head; `None` when nothing is left.
    pub(super) fn left(&self) -> Option<&[u8]> {
        self.head.get(self.written..).filter(|left| !left.is_empty())
    }

    /// So many bytes went out.
    pub(super) fn advance(&mut self, written: usize) {
        self.written += written;
        if self.written >= self.head.len() {
            *self = Self::default();
        }
    }
}

/// The names of the lines behind the first, up to the empty one: what follows is the body's.
fn restore(bytes: &mut [u8], spellings: &Spellings) {
    let mut start = line_end(bytes, 0);
    while let Some(line) = start {
        let end = line_end(bytes, line);
        let colon = bytes[line..].iter().position(|byte| *byte == b':').map(|at| line + at);
        let Some((colon, end)) = colon.zip(end).filter(|(colon, end)| colon < end) else { return };
        if let Some(own) = spellings.find(&bytes[line..colon]) {
            bytes[line..colon].copy_from_slice(own.as_bytes());
        }
        start = Some(end);
    }
}

/// Where the line after the one at `from` begins. hyper ends lines with CR LF and lets neither into a value.
fn line_end(bytes: &[u8], from: usize) -> Option<usize> {
    bytes[from..].iter().position(|byte| *byte == b'\n').map(|at| from + at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn restored(text: &str) -> String {
        let mut bytes = text.as_bytes().to_vec();
        restore(&mut bytes, &Spellings::of(["accessToken", "SOAPAction"]));
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn names_of_the_head_and_nothing_else() {
        for (sent, wanted) in [
            (
                "POST /Accesstoken: HTTP/1.1\r\nAccesstoken: Accesstoken: 1\r\nSoapaction: \r\nX-Accesstoken: 2\r\n\r\nAccesstoken: 3\r\n",
                "POST /Accesstoken: HTTP/1.1\r\naccessToken: Accesstoken: 1\r\nSOAPAction: \r\nX-Accesstoken: 2\r\n\r\nAccesstoken: 3\r\n",
            ),
            ("GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"),
            ("GET / HTTP/1.1\r\nAccesstoken", "GET / HTTP/1.1\r\nAccesstoken"),
            ("", ""),
        ] {
            assert_eq!(restored(sent), wanted);
        }
    }

    #[test]
    fn a_head_that_goes_out_in_pieces() {
        let mut respelled = Respelled::default();
        let head = b"GET / HTTP/1.1\r\nAccesstoken: 1\r\n\r\n";
        respelled.begin(head, &Spellings::of(["accessToken"]));
        let mut out = Vec::new();
        while let Some(left) = respelled.left() {
            let piece = left[..left.len().min(7)].to_vec();
            respelled.advance(piece.len());
            out.extend(piece);
        }
        assert_eq!(out, b"GET / HTTP/1.1\r\naccessToken: 1\r\n\r\n");
        assert!(respelled.head.is_empty());
    }
}
