//! Too many bytes, and bytes that do not belong to a reply.

use std::sync::Arc;
use std::time::Duration;

use doorward::verdict::Cause;
use tokio::sync::Notify;

use super::{CAP, ask, closing, config, expect, fault_of, fault_when};
use crate::support::client;
use crate::support::fault_server::FaultServer;

#[tokio::test]
async fn floods_end_at_the_cap() {
    let within = Duration::from_secs(8);
    expect(
        &fault_of("HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n").await,
        Cause::ResponseTooLarge,
        "max_response (65536 bytes)",
    );
    let until_close = fault_when(within, |mut wire| async move {
        wire.say("HTTP/1.1 200 OK\r\n\r\n").await;
        while wire.say("x".repeat(8192)).await {}
    });
    expect(&until_close.await, Cause::ResponseTooLarge, "max_response");
    let chunks = fault_when(within, |mut wire| async move {
        wire.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        while wire.say("8\r\nxxxxxxxx\r\n").await {}
    });
    expect(&chunks.await, Cause::ResponseTooLarge, "max_response");
    let headers = fault_when(within, |mut wire| async move {
        wire.say("HTTP/1.1 200 OK\r\n").await;
        while wire.say(format!("X: {}\r\n", "x".repeat(8000))).await {}
    });
    expect(&headers.await, Cause::ResponseTooLarge, "headers are over 64 KiB");
    let many_headers = format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", "X: y\r\n".repeat(101));
    expect(&fault_of(many_headers).await, Cause::ResponseTooLarge, "more than 100");
    let interim = fault_when(within, |mut wire| async move {
        while wire.say("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n").await {}
    });
    expect(&interim.await, Cause::UnexpectedReply, "interim replies");
    let extensions = fault_when(within, |mut wire| async move {
        wire.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n").await;
        while wire.say(format!("1;{}\r\nx\r\n", "e".repeat(4000))).await {}
    });
    expect(&extensions.await, Cause::UnexpectedReply, "chunk");
    let trailers = fault_when(within, |mut wire| async move {
        wire.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n").await;
        while wire.say("T: t\r\n").await {}
    });
    expect(&trailers.await, Cause::UnexpectedReply, "");
}

#[tokio::test]
async fn the_cap_itself_fits() {
    let body = "x".repeat(CAP);
    for reply in [
        format!("HTTP/1.1 200 OK\r\nContent-Length: {CAP}\r\n\r\n{body}"),
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{CAP:x}\r\n{body}\r\n0\r\n\r\n"),
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{}0\r\n\r\n", "1\r\nx\r\n".repeat(CAP)),
    ] {
        let server = closing(reply).await;
        let client = client(&config(), &[&server.url("/")]);
        assert_eq!(ask(&client, &server.url("/"), Duration::from_secs(8)).await.unwrap().body.len(), CAP);
    }
}

#[tokio::test]
async fn a_smuggled_reply_reaches_nobody() {
    let dropped = Arc::new(Notify::new());
    let telling = Arc::clone(&dropped);
    let server = FaultServer::play(move |number, mut wire| {
        let telling = Arc::clone(&telling);
        async move {
            wire.request().await;
            wire.say(format!("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}")).await;
            // The first connection speaks again while nobody asks.
            if number == 0 {
                wire.say("HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\nsmuggle").await;
            }
            wire.hang().await;
            telling.notify_one();
        }
    })
    .await;
    let client = client(&config(), &[&server.url("/")]);
    let url = server.url("/");
    // Whether the second reply came in time to taint the first is a race; it never answers the second request.
    match ask(&client, &url, Duration::from_secs(8)).await {
        Ok(reply) => assert_eq!(&reply.body[..], b"0"),
        Err(fault) => expect(&fault, Cause::UnexpectedReply, "more bytes follow"),
    }
    dropped.notified().await;
    assert_eq!(&ask(&client, &url, Duration::from_secs(8)).await.unwrap().body[..], b"1");
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_doubt_empties_the_pool_of_the_connector() {
    let good = FaultServer::always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
    let bad =
        FaultServer::always("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
            .await;
    let client = client(&config(), &[&good.url("/"), &bad.url("/")]);
    let within = Duration::from_secs(8);
    ask(&client, &good.url("/"), within).await.unwrap();
    ask(&client, &good.url("/"), within).await.unwrap();
    assert_eq!(good.connections(), 1);
    ask(&client, &bad.url("/"), within).await.unwrap_err();
    ask(&client, &good.url("/"), within).await.unwrap();
    assert_eq!(good.connections(), 2);
}
