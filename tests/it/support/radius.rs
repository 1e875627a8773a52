//! A NAS: Access-Requests with PAP (RFC 2865) and Message-Authenticator (RFC 3579 section 3.2), one at a time.

use std::net::UdpSocket;
use std::time::Duration;

use doorward::crypto::digest::{Algorithm, digest};
use doorward::crypto::hmac::hmac;

const USER_NAME: u8 = 1;
const USER_PASSWORD: u8 = 2;
const REPLY_MESSAGE: u8 = 18;
const STATE: u8 = 24;
const NAS_IDENTIFIER: u8 = 32;
const MESSAGE_AUTHENTICATOR: u8 = 80;

/// The server and what is shared with it.
pub struct Nas<'a> {
    pub server: &'a str,
    pub secret: &'a [u8],
}

/// What came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packet {
    /// 2 Access-Accept, 3 Access-Reject, 11 Access-Challenge.
    pub code: u8,
    pub state: Option<Vec<u8>>,
    pub message: String,
}

impl Nas<'_> {
    /// One request; `None` when nobody answers.
    pub fn ask(&self, user: &str, password: &str, state: Option<&[u8]>) -> Option<Packet> {
        let vector: [u8; 16] = *uuid::Uuid::new_v4().as_bytes();
        let mut attributes = attribute(USER_NAME, user.as_bytes());
        attributes.extend(attribute(USER_PASSWORD, &self.hidden(password.as_bytes(), &vector)));
        attributes.extend(attribute(NAS_IDENTIFIER, b"console"));
        if let Some(state) = state {
            attributes.extend(attribute(STATE, state));
        }
        let length = u16::try_from(20 + attributes.len() + 18).unwrap();
        let mut packet = vec![1, vector[0]];
        packet.extend(length.to_be_bytes());
        packet.extend(vector);
        packet.extend(attributes);
        let unsigned = [packet.as_slice(), &attribute(MESSAGE_AUTHENTICATOR, &[0; 16])].concat();
        packet.extend(attribute(MESSAGE_AUTHENTICATOR, &hmac(Algorithm::Md5, self.secret, &unsigned)));
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        socket.connect(self.server).unwrap();
        socket.send(&packet).unwrap();
        let mut buffer = [0; 4096];
        let length = socket.recv(&mut buffer).ok()?;
        Some(self.read(&buffer[..length], &vector))
    }

    /// RFC 2865 section 5.2.
    fn hidden(&self, password: &[u8], vector: &[u8]) -> Vec<u8> {
        let mut padded = password.to_vec();
        padded.resize(password.len().max(1).next_multiple_of(16), 0);
        let (mut hidden, mut last) = (Vec::new(), vector.to_vec());
        for block in padded.chunks(16) {
            let key = digest(Algorithm::Md5, &[self.secret, &last].concat());
            last = block.iter().zip(key).map(|(byte, key)| byte ^ key).collect();
            hidden.extend(&last);
        }
        hidden
    }

    fn read(&self, reply: &[u8], vector: &[u8]) -> Packet {
        let signed = [&reply[..4], vector, &reply[20..], self.secret].concat();
        assert_eq!(digest(Algorithm::Md5, &signed), reply[4..20], "the reply is not the server's");
        let (mut state, mut message, mut rest) = (None, Vec::new(), &reply[20..]);
        while let [kind, length, ..] = rest {
            let (one, more) = rest.split_at(usize::from(*length));
            match *kind {
                STATE => state = Some(one[2..].to_vec()),
                REPLY_MESSAGE => message.extend(&one[2..]),
                _ => {}
            }
            rest = more;
        }
        Packet { code: reply[0], state, message: String::from_utf8(message).unwrap() }
    }
}

fn attribute(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind, u8::try_from(value.len() + 2).unwrap()], value].concat()
}
