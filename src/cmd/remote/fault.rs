//! Why a daemon gave no answer, in words.

use std::error::Error as _;
use std::io;

use anyhow::{Error, anyhow};
use doorward::upstream::cause;

use super::address::Address;
use super::tls;

/// Matched by type; the token is in none of these errors.
pub fn explain(address: &Address, error: &reqwest::Error) -> Error {
    if let Some(error) = cause::<rustls::Error>(error) {
        return anyhow!("{address} cannot be trusted: {}", tls::explain(error));
    }
    let why = match cause::<io::Error>(error).map(io::Error::kind) {
        Some(io::ErrorKind::ConnectionRefused) => "nothing listens there".to_owned(),
        Some(io::ErrorKind::NotFound) => "there is no such socket".to_owned(),
        Some(io::ErrorKind::PermissionDenied) => "this user may not connect to it".to_owned(),
        _ if error.is_timeout() && error.is_connect() => "connecting got no answer within 5 s".to_owned(),
        _ if error.is_timeout() => "it did not answer within 2 minutes".to_owned(),
        _ => innermost(error),
    };
    if error.is_connect() {
        anyhow!("no daemon can be reached at {address}: {why}")
    } else {
        anyhow!("what listens at {address} gave no answer of a Doorward: {why}")
    }
}

fn innermost(error: &reqwest::Error) -> String {
    let mut next = error.source();
    let mut words = "the connection broke".to_owned();
    while let Some(error) = next {
        words = error.to_string();
        next = error.source();
    }
    words
}
