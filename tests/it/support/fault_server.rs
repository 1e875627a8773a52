//! A server of raw TCP on port 0 that says exactly the bytes that a test wants, so that it can play every fault.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use url::Url;

/// Listens until it is dropped.
pub struct FaultServer {
    pub addr: SocketAddr,
    connections: Arc<AtomicUsize>,
    requests: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for FaultServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// One accepted connection.
pub struct Wire {
    pub tcp: TcpStream,
    requests: Arc<AtomicUsize>,
}

impl Wire {
    /// Reads one request with its body; `None` when the client has closed.
    pub async fn request(&mut self) -> Option<String> {
        let mut bytes = Vec::new();
        loop {
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length =
                    head.lines().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
                if body.len() >= length.unwrap_or(0) {
                    self.requests.fetch_add(1, Ordering::SeqCst);
                    return Some(text);
                }
            }
            match self.tcp.read_buf(&mut bytes).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// Sends bytes; a client that is gone is no fault of the test.
    pub async fn say(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.tcp.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Stays connected and silent until the client closes.
    pub async fn hang(&mut self) {
        let mut sink = [0; 4096];
        while self.tcp.read(&mut sink).await.is_ok_and(|read| read > 0) {}
    }

    /// Closes with a reset instead of an orderly end.
    pub fn reset(self) {
        let _ = self.tcp.set_zero_linger();
    }
}

impl FaultServer {
    /// Runs `play` for every connection; it gets the connection's number, from 0.
    pub async fn play<F, Fut>(play: F) -> Self
    where
        F: Fn(usize, Wire) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let requests = Arc::new(AtomicUsize::new(0));
        let (counted, seen) = (Arc::clone(&connections), Arc::clone(&requests));
        let task = tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let number = counted.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(play(number, Wire { tcp, requests: Arc::clone(&seen) }));
            }
        });
        Self { addr, connections, requests, task }
    }

    /// Answers every request of every connection with the same bytes and keeps the connection.
    pub async fn always(reply: impl Into<Vec<u8>>) -> Self {
        let reply: Arc<[u8]> = reply.into().into();
        Self::play(move |_, mut wire| {
            let reply = Arc::clone(&reply);
            async move { while wire.request().await.is_some() && wire.say(&reply).await {} }
        })
        .await
    }

    /// How many connections it accepted.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// How many whole requests it read.
    pub fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }

    /// A URL of this server.
    pub fn url(&self, path: &str) -> Url {
        Url::parse(&format!("http://{}{path}", self.addr)).unwrap()
    }
}
