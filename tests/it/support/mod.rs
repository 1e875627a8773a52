//! What several topics share: servers that misbehave, and the shortest way to a client.

pub mod certs;
pub mod corpora;
pub mod daemon;
pub mod fault_server;
pub mod loader;
pub mod lookup;
pub mod npm;
pub mod radius;
pub mod redis;
pub mod script;
pub mod shipped;
pub mod tls_server;

use doorward::request::Spellings;
use doorward::upstream::{Client, Egress, EgressRules, Origin, Outgoing, TransportConfig};
use http::Method;
use url::Url;

/// A client that may reach loopback.
pub fn client(config: &TransportConfig, origins: &[&Url]) -> Client {
    let egress = Egress::new(&EgressRules { allow_loopback: true, ..EgressRules::default() }).unwrap();
    let origins: Vec<Origin> = origins.iter().map(|url| Origin::of(url).unwrap()).collect();
    Client::new(config, egress.into(), &origins).unwrap()
}

/// A request without a credential.
pub fn get(url: &Url) -> Outgoing {
    Outgoing {
        method: Method::GET,
        url: url.clone(),
        headers: Vec::new(),
        spellings: Spellings::default(),
        body: None,
        carries_credential: false,
        path_template: None,
        own: None,
    }
}

/// A request with a credential.
pub fn post(url: &Url, body: &'static str) -> Outgoing {
    Outgoing { method: Method::POST, body: Some(body.into()), carries_credential: true, ..get(url) }
}

/// A URL where nobody listens.
pub fn nobody() -> Url {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    Url::parse(&format!("http://{}/", listener.local_addr().unwrap())).unwrap()
}
