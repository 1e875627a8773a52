//! What a server says of itself in its challenge, and what the client adds to it (MS-NLMP section 2.2.2.1).

use super::unusable::Unusable;

/// MsvAvEOL
const END: u16 = 0;
/// MsvAvFlags
const FLAGS: u16 = 6;
/// MsvAvTimestamp
const TIMESTAMP: u16 = 7;
/// MsvAvTargetName
const TARGET_NAME: u16 = 9;
/// MsvAvChannelBindings
const CHANNEL_BINDINGS: u16 = 10;

/// The client's message has an integrity code.
const WITH_MIC: u32 = 0x2;

/// A list of AV_PAIRs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct AvPairs(Vec<(u16, Vec<u8>)>);

impl AvPairs {
    pub(super) fn parse(mut bytes: &[u8]) -> Result<Self, Unusable> {
        let mut pairs = Vec::new();
        loop {
            let (head, rest) = bytes.split_first_chunk::<4>().ok_or(Unusable::TargetInfo)?;
            let (id, length) = (u16::from_le_bytes([head[0], head[1]]), u16::from_le_bytes([head[2], head[3]]));
            if id == END {
                return Ok(Self(pairs));
            }
            let (value, rest) = rest.split_at_checked(length.into()).ok_or(Unusable::TargetInfo)?;
            pairs.push((id, value.to_vec()));
            bytes = rest;
        }
    }

    fn get(&self, id: u16) -> Option<&[u8]> {
        self.0.iter().find(|(known, _)| *known == id).map(|(_, value)| value.as_slice())
    }

    fn set(&mut self, id: u16, value: Vec<u8>) {
        self.0.retain(|(known, _)| *known != id);
        self.0.push((id, value));
    }

    /// The server's clock, a FILETIME. A server that sends it checks the client's integrity code.
    pub(super) fn timestamp(&self) -> Result<Option<[u8; 8]>, Unusable> {
        self.get(TIMESTAMP).map(|value| value.try_into().map_err(|_| Unusable::TargetInfo)).transpose()
    }

    /// The list of the answer (MS-NLMP section 3.1.5.1.2): which service is meant, over which TLS connection, and whether the
    /// message has an integrity code.
    pub(super) fn answered(mut self, bindings: [u8; 16], target_name: Vec<u8>, with_mic: bool) -> Self {
        if with_mic {
            let flags = self.get(FLAGS).and_then(|value| Some(u32::from_le_bytes(value.try_into().ok()?))).unwrap_or(0);
            self.set(FLAGS, (flags | WITH_MIC).to_le_bytes().to_vec());
        }
        self.set(CHANNEL_BINDINGS, bindings.to_vec());
        self.set(TARGET_NAME, target_name);
        self
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (id, value) in &self.0 {
            out.extend_from_slice(&id.to_le_bytes());
            // Read from a field of 16 bits, or a host's name.
            out.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
            out.extend_from_slice(value);
        }
        out.extend_from_slice(&[0; 4]);
        out
    }
}
