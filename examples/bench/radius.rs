//! The load for a RADIUS server: Access-Requests with PAP (RFC 2865), one on its way at a time.

use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use md5::{Digest as _, Md5};

/// As examples/bench/peers/freeradius/radiusd.conf has it.
const SECRET: &[u8] = b"bench";

const ACCESS_REQUEST: u8 = 1;
const ACCESS_ACCEPT: u8 = 2;
const USER_NAME: u8 = 1;
const USER_PASSWORD: u8 = 2;

/// A lost packet is a fault of the bench, not a figure.
const PATIENCE: Duration = Duration::from_secs(10);

pub fn logins(server: SocketAddr, number: usize, logins: usize) -> Result<()> {
    let socket = UdpSocket::bind(("127.0.0.1", 0))?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    let name = format!("user{number}");
    let mut reply = [0; 4096];
    for login in 0..logins {
        // Another one each time, or the server takes it for the same request sent again.
        let id = u8::try_from(login % 256).unwrap_or_default();
        let authenticator: [u8; 16] = Md5::digest(format!("{number}/{login}")).into();
        socket.send(&request(id, authenticator, &name))?;
        let count = socket.recv(&mut reply).context("no answer")?;
        ensure!(count >= 20 && reply[0] == ACCESS_ACCEPT && reply[1] == id, "{:?}", &reply[..count]);
    }
    Ok(())
}

/// RFC 2865 sections 3 and 5.2; the password has less than 16 octets.
fn request(id: u8, authenticator: [u8; 16], name: &str) -> Vec<u8> {
    let key: [u8; 16] = Md5::new().chain_update(SECRET).chain_update(authenticator).finalize().into();
    let mut password = [0; 16];
    password[..6].copy_from_slice(b"123456");
    password.iter_mut().zip(key).for_each(|(octet, key)| *octet ^= key);
    let mut packet = vec![ACCESS_REQUEST, id, 0, 0];
    packet.extend(authenticator);
    for (kind, value) in [(USER_NAME, name.as_bytes()), (USER_PASSWORD, &password[..])] {
        packet.extend([kind, u8::try_from(value.len() + 2).unwrap_or(u8::MAX)]);
        packet.extend(value);
    }
    let length = u16::try_from(packet.len()).unwrap_or(u16::MAX);
    packet[2..4].copy_from_slice(&length.to_be_bytes());
    packet
}
