//! An upstream that answers with the replies of one case after the other, whatever it is asked.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::{StatusCode, header};

use super::planting::Replies;

type Queue = Arc<Mutex<VecDeque<Replies>>>;

pub struct Upstream {
    pub base: String,
    queue: Queue,
}

impl Upstream {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let queue = Queue::default();
        let router = Router::new().fallback(answer).with_state(Arc::clone(&queue));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { base, queue }
    }

    /// From now on these replies, in order; what comes after them is trouble.
    pub fn answers(&self, replies: &Replies) {
        *self.queue.lock().unwrap() = replies.iter().cloned().map(|reply| vec![reply]).collect();
    }
}

async fn answer(State(queue): State<Queue>) -> Response {
    let next = queue.lock().unwrap().pop_front().and_then(|mut one| one.pop());
    let Some(Ok(reply)) = next else { return StatusCode::BAD_GATEWAY.into_response() };
    let mut response = Response::new(Body::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap();
    *response.headers_mut() = reply.headers;
    response.headers_mut().remove(header::CONTENT_LENGTH);
    response
}
