//! The address of the user's device: the connection's, or what the proxies in front say of it.

use std::net::IpAddr;

use http::Request;

use super::front::Front;
use crate::http::Peer;

/// A proxy that the configuration lists does not say, once and readably, for whom it asks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unsaid;

/// Of `X-Forwarded-For` the rightmost address that is none of the listed proxies: what a user wrote there stands on its left. The
/// header of anybody else is not read.
pub(super) fn address<B>(front: &Front, request: &Request<B>) -> Result<Option<IpAddr>, Unsaid> {
    let peer =
        request.extensions().get::<Peer>().and_then(|Peer(address)| *address).map(|address| address.to_canonical());
    let is_proxy = |address: &IpAddr| front.page.proxies.iter().any(|network| network.contains(address));
    if !peer.as_ref().is_some_and(is_proxy) {
        return Ok(peer);
    }
    let mut lines = request.headers().get_all("x-forwarded-for").iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return Err(Unsaid) };
    let line = line.to_str().map_err(|_| Unsaid)?;
    let told: Result<Vec<IpAddr>, _> = line.split(',').map(|part| part.trim().parse()).collect();
    let told = told.map_err(|_| Unsaid)?;
    Ok(told.into_iter().rev().map(|address: IpAddr| address.to_canonical()).find(|address| !is_proxy(address)).or(peer))
}
