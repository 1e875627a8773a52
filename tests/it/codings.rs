//! Content codings: what comes out is what is counted, and nothing half-decoded becomes a body.

use std::time::Duration;

use async_compression::Level;
use async_compression::tokio::write::{BrotliEncoder, DeflateEncoder, GzipEncoder, ZlibEncoder, ZstdEncoder};
use doorward::upstream::{Reply, SendFault, TransportConfig};
use doorward::verdict::Cause;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;

use crate::support::fault_server::FaultServer;
use crate::support::{client, get};

const CAP: usize = 64 * 1024;

async fn encode(coding: &str, bytes: &[u8]) -> Vec<u8> {
    repeat(coding, bytes, 1).await
}

/// One stream of `times` pieces, without ever holding it decoded.
async fn repeat(coding: &str, bytes: &[u8], times: usize) -> Vec<u8> {
    macro_rules! with {
        ($encoder:ident) => {{
            let mut encoder = $encoder::with_quality(Vec::new(), Level::Fastest);
            for _ in 0..times {
                encoder.write_all(bytes).await.unwrap();
            }
            encoder.shutdown().await.unwrap();
            encoder.into_inner()
        }};
    }
    match coding {
        "gzip" | "x-gzip" => with!(GzipEncoder),
        "br" => with!(BrotliEncoder),
        "zstd" => with!(ZstdEncoder),
        "deflate" => with!(ZlibEncoder),
        "bare deflate" => with!(DeflateEncoder),
        _ => bytes.repeat(times),
    }
}

async fn ask(coding: &str, body: &[u8]) -> Result<Reply, SendFault> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n", body.len());
    let server = FaultServer::always([head.as_bytes(), body].concat()).await;
    let client = client(&TransportConfig { max_response: CAP, ..TransportConfig::default() }, &[&server.url("/")]);
    client.send(&get(&server.url("/")), Instant::now() + Duration::from_secs(8)).await
}

#[tokio::test]
async fn every_coding_that_is_asked_for() {
    let text: Vec<u8> = (0..CAP).map(|at| u8::try_from(at * at % 251).unwrap()).collect();
    for coding in ["gzip", "x-gzip", "br", "zstd", "deflate", "bare deflate", "identity", "GZIP", ""] {
        let wire = encode(&coding.to_lowercase(), &text).await;
        let reply = ask(coding.trim_start_matches("bare "), &wire).await.unwrap();
        assert!(reply.body == text, "{coding}");
    }
    for coding in ["gzip", "br", "zstd", "deflate"] {
        assert!(ask(coding, &encode(coding, b"").await).await.unwrap().body.is_empty(), "{coding}");
        assert_eq!(&ask(coding, &encode(coding, b"{}").await).await.unwrap().body[..], b"{}", "{coding}");
    }
}

#[tokio::test]
async fn one_byte_over_the_cap_and_a_bomb_are_too_large() {
    let zeros = vec![0; CAP + 1];
    for times in [1, 100] {
        for coding in ["gzip", "br", "zstd", "deflate", "bare deflate"] {
            let wire = repeat(coding, &zeros, times).await;
            let fault = ask(coding.trim_start_matches("bare "), &wire).await.unwrap_err();
            assert_eq!(fault.cause, Cause::ResponseTooLarge, "{coding}: {}", fault.explain);
        }
    }
}

#[tokio::test]
async fn a_bomb_inside_a_bomb_is_not_opened() {
    let inner = encode("gzip", &vec![0; 1024 * 1024]).await;
    let outer = encode("gzip", &inner).await;
    for coding in ["gzip, gzip", "gzip,br", "br, gzip"] {
        let fault = ask(coding, &outer).await.unwrap_err();
        assert_eq!((fault.cause, fault.explain.contains("more than one")), (Cause::UnexpectedReply, true), "{coding}");
    }
    assert_eq!(ask("gzip", &outer).await.unwrap().body, inner);
}

#[tokio::test]
async fn what_is_broken_cut_off_or_followed_by_more() {
    for coding in ["gzip", "br", "zstd", "deflate"] {
        let whole = encode(coding, b"{\"code\":200}").await;
        for cut in 1..whole.len() {
            let fault = ask(coding, &whole[..cut]).await.unwrap_err();
            assert_eq!(fault.cause, Cause::UnexpectedReply, "{coding} cut at {cut}: {}", fault.explain);
        }
        let longer = [&whole[..], b"{}"].concat();
        assert_eq!(ask(coding, &longer).await.unwrap_err().cause, Cause::UnexpectedReply, "{coding} and more");
        let fault = ask(coding, b"{\"code\":200}").await.unwrap_err();
        assert_eq!(fault.cause, Cause::UnexpectedReply, "{coding}: {}", fault.explain);
    }
}

#[tokio::test]
async fn a_word_that_is_no_coding_changes_nothing() {
    for word in
        ["UTF-8", "utf8", "GBK", "gb2312", "iso-8859-1", "none", "identity", "binary", "8bit", "7BIT", ", utf-8,"]
    {
        assert_eq!(&ask(word, b"{}").await.unwrap().body[..], b"{}", "{word}");
    }
    let wire = encode("gzip", b"{}").await;
    assert_eq!(&ask("utf-8, gzip", &wire).await.unwrap().body[..], b"{}");
    assert_eq!(ask("utf-8", &wire).await.unwrap().body, wire, "what was not said is not undone");
}

#[tokio::test]
async fn an_unknown_coding_is_named() {
    let long = "c".repeat(1000);
    for (coding, shown) in
        [("compress", "compress"), ("rot13", "rot13"), ("utf-9", "utf-9"), (&long, &format!("{}…", "c".repeat(40)))]
    {
        let fault = ask(coding, b"x").await.unwrap_err();
        let wanted = format!("the reply has the Content-Encoding \"{shown}\", which was not asked for");
        assert_eq!((fault.cause, fault.explain), (Cause::UnexpectedReply, wanted));
    }
    let fault = ask("\u{7f}x\t\u{e9}", b"x").await.unwrap_err();
    assert!(!fault.explain.contains(char::is_control), "{}", fault.explain);
}

#[tokio::test]
async fn a_coding_that_never_yields_a_byte_ends() {
    let server = FaultServer::play(|_, mut wire| async move {
        wire.request().await;
        wire.say("HTTP/1.1 200 OK\r\nContent-Encoding: deflate\r\n\r\n").await;
        // Empty stored blocks (RFC 1951 3.2.4) without end.
        while wire.say([0, 0, 0, 0xff, 0xff].repeat(1000)).await {}
    })
    .await;
    let client = client(&TransportConfig { max_response: CAP, ..TransportConfig::default() }, &[&server.url("/")]);
    let fault = client.send(&get(&server.url("/")), Instant::now() + Duration::from_secs(8)).await.unwrap_err();
    assert_eq!(fault.cause, Cause::ResponseTooLarge, "{}", fault.explain);
}

/// The most memory that this process ever held, in bytes.
fn peak() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * 1024
}

#[tokio::test]
async fn a_flood_costs_at_most_twice_the_cap() {
    // Large, so that what else the process does is small beside it.
    let cap = 32 * 1024 * 1024;
    let piece = vec![b'x'; 64 * 1024];
    let mut bombs = Vec::new();
    for coding in ["gzip", "br", "zstd", "deflate"] {
        bombs.push((coding, repeat(coding, &piece, 600).await));
    }
    let before = peak();
    for (coding, bomb) in bombs {
        let server = FaultServer::play(move |_, mut wire| {
            let bomb = bomb.clone();
            async move {
                wire.request().await;
                wire.say(format!("HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\n\r\n")).await;
                wire.say(&bomb).await;
            }
        })
        .await;
        let client = client(&TransportConfig { max_response: cap, ..TransportConfig::default() }, &[&server.url("/")]);
        let fault = client.send(&get(&server.url("/")), Instant::now() + Duration::from_secs(8)).await.unwrap_err();
        assert_eq!(fault.cause, Cause::ResponseTooLarge, "{coding}: {}", fault.explain);
    }
    for head in ["", "Transfer-Encoding: chunked\r\n"] {
        let server = FaultServer::play(move |_, mut wire| async move {
            wire.request().await;
            wire.say(format!("HTTP/1.1 200 OK\r\n{head}\r\n")).await;
            let piece = format!("10000\r\n{}\r\n", "x".repeat(65536));
            while wire.say(&piece).await {}
        })
        .await;
        let client = client(&TransportConfig { max_response: cap, ..TransportConfig::default() }, &[&server.url("/")]);
        let fault = client.send(&get(&server.url("/")), Instant::now() + Duration::from_secs(8)).await.unwrap_err();
        assert_eq!(fault.cause, Cause::ResponseTooLarge, "{}", fault.explain);
    }
    let grown = peak() - before;
    assert!(grown <= 2 * cap, "{grown} bytes for a cap of {cap}");
}
