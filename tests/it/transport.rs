//! Connections: reuse, the wire form of a request, in-flight limits, nodes, the proxy.

use std::time::Duration;

use doorward::upstream::{Client, Egress, EgressRules, Origin, Outgoing, TransportConfig};
use http::Method;
use tokio::time::Instant;
use url::Url;

use crate::support::fault_server::FaultServer;

fn client(config: &TransportConfig, origins: &[&Url]) -> Client {
    let egress = Egress::new(&EgressRules { allow_loopback: true, ..EgressRules::default() }).unwrap();
    let origins: Vec<Origin> = origins.iter().map(|url| Origin::of(url).unwrap()).collect();
    Client::new(config, egress.into(), &origins).unwrap()
}

fn get(url: Url) -> Outgoing {
    Outgoing { method: Method::GET, url, headers: Vec::new(), body: None, carries_credential: false }
}

fn in_8s() -> Instant {
    Instant::now() + Duration::from_secs(8)
}

#[tokio::test]
async fn one_connection_serves_one_request_after_another() {
    let server = FaultServer::always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Y: z\r\n\r\nhello").await;
    let client = client(&TransportConfig::default(), &[&server.url("/")]);
    for _ in 0..5 {
        let reply = client.send(&get(server.url("/a?b=c")), in_8s()).await.unwrap();
        assert_eq!((reply.status, &reply.body[..]), (200, &b"hello"[..]));
        assert_eq!(reply.headers["x-y"], "z");
    }
    assert_eq!((server.connections(), server.requests()), (1, 5));
}
