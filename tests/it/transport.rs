//! Connections: reuse, the wire form of a request, in-flight limits, nodes, the proxy.

use std::time::Duration;

use doorward::upstream::TransportConfig;
use tokio::time::Instant;

use crate::support::fault_server::FaultServer;
use crate::support::{client, get};

fn in_8s() -> Instant {
    Instant::now() + Duration::from_secs(8)
}

#[tokio::test]
async fn one_connection_serves_one_request_after_another() {
    let server = FaultServer::always("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Y: z\r\n\r\nhello").await;
    let client = client(&TransportConfig::default(), &[&server.url("/")]);
    for _ in 0..5 {
        let reply = client.send(&get(&server.url("/a?b=c")), in_8s()).await.unwrap();
        assert_eq!((reply.status, &reply.body[..]), (200, &b"hello"[..]));
        assert_eq!(reply.headers["x-y"], "z");
    }
    assert_eq!((server.connections(), server.requests()), (1, 5));
}
