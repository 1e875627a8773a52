//! An upstream that gives the replies of a case and records the requests.

use std::sync::Mutex;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use tokio::time::Instant;

use super::difference::Difference;
use crate::connector::raw::golden::GoldenReply;
use crate::document::to_json;
use crate::flow::Exchange;
use crate::upstream::{Outgoing, Reply, SendFault, Timings};
use crate::verdict::Cause;

/// The replies of one case, in order.
pub(super) struct Canned {
    replies: Vec<Result<Reply, SendFault>>,
    asked: Mutex<Vec<Outgoing>>,
}

impl Canned {
    /// Builds the replies; an impossible reply is a difference.
    pub(super) fn replies(written: &[GoldenReply]) -> Result<Self, Difference> {
        let replies = written.iter().map(reply).collect::<Result<_, _>>()?;
        Ok(Self { replies, asked: Mutex::default() })
    }

    pub(super) fn asked(&self) -> Vec<Outgoing> {
        self.asked.lock().map(|asked| asked.clone()).unwrap_or_default()
    }

    pub(super) fn into_replies(self) -> Vec<Result<Reply, SendFault>> {
        self.replies
    }

    pub(super) fn given(&self) -> usize {
        self.replies.len()
    }
}

impl Exchange for Canned {
    fn send<'a>(&'a self, request: &'a Outgoing, _: Instant) -> BoxFuture<'a, Result<Reply, SendFault>> {
        let index = self.asked.lock().map_or(usize::MAX, |mut asked| {
            asked.push(request.clone());
            asked.len() - 1
        });
        let missing = || SendFault {
            cause: Cause::Connect,
            written: false,
            explain: format!("the test gives no reply for request {}", index + 1),
            word: None,
        };
        let reply = self.replies.get(index).cloned().unwrap_or_else(|| Err(missing()));
        Box::pin(std::future::ready(reply))
    }
}

fn reply(written: &GoldenReply) -> Result<Result<Reply, SendFault>, Difference> {
    if let Some(cause) = &written.fail {
        let explain = "the test says so".to_owned();
        // What failed to connect was not written; everything else may have been.
        let written = !matches!(cause.value, Cause::Connect | Cause::Dns | Cause::Tls | Cause::Overloaded);
        return Ok(Err(SendFault { cause: cause.value, written, explain, word: None }));
    }
    let mut headers = HeaderMap::new();
    for (name, values) in written.headers.iter() {
        for value in values.iter() {
            let (Ok(name), Ok(value)) =
                (HeaderName::try_from(name.value.as_str()), HeaderValue::try_from(value.text.as_str()))
            else {
                return Err(Difference::new(&name.span, "a reply cannot have this header"));
            };
            headers.append(name, value);
        }
    }
    let (kind, body) = body(written)?;
    if let (Some(kind), false) = (kind, headers.contains_key(CONTENT_TYPE)) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    let status = written.status.as_ref().map_or(200, |status| status.value);
    let Ok(status) = u16::try_from(status) else {
        return Err(Difference::new(&written.place.span, "a reply cannot have this status"));
    };
    Ok(Ok(Reply { status, headers, body, timings: Timings::default() }))
}

/// The body and the Content-Type that goes with its key.
fn body(written: &GoldenReply) -> Result<(Option<&'static str>, Bytes), Difference> {
    let keys = ["json", "xml", "html", "text", "form", "base64"];
    if let [_, second, ..] = keys.into_iter().filter(|key| written.place.written(key).is_some()).collect::<Vec<_>>()[..]
    {
        return Err(Difference::new(written.place.key(second), "a reply has one body").help("keep one of the keys"));
    }
    if let Some(tree) = &written.json {
        return Ok((Some("application/json"), to_json(&tree.to_value()).into()));
    }
    for (text, kind) in [
        (&written.xml, "application/xml; charset=utf-8"),
        (&written.html, "text/html; charset=utf-8"),
        (&written.text, "text/plain; charset=utf-8"),
    ] {
        if let Some(text) = text {
            return Ok((Some(kind), text.text.clone().into()));
        }
    }
    if let Some(form) = &written.form {
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        for (name, values) in form.iter() {
            for value in values.iter() {
                body.append_pair(&name.value, &value.text);
            }
        }
        return Ok((Some("application/x-www-form-urlencoded"), body.finish().into()));
    }
    match &written.base64 {
        None => Ok((None, Bytes::new())),
        Some(text) => match STANDARD.decode(text.text.split_whitespace().collect::<String>()) {
            Ok(bytes) => Ok((None, bytes.into())),
            Err(_) => Err(Difference::new(&text.span, "this is not base64")),
        },
    }
}
