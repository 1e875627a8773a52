//! Servers that say what those of the reports said, byte by byte. `zhangsan` has the password `right`.

use url::form_urlencoded;

use crate::support::fault_server::FaultServer;

const OK: &str = r#"{"code":200,"token":"t1"}"#;
const NO: &str = r#"{"code":500}"#;

/// A kept reply with a right length.
pub fn reply(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// Answers every request of every connection by `answer`.
pub async fn answering(answer: impl Fn(&str) -> String + Clone + Send + Sync + 'static) -> FaultServer {
    FaultServer::play(move |_, mut wire| {
        let answer = answer.clone();
        async move {
            while let Some(request) = wire.request().await {
                if !wire.say(answer(&request)).await {
                    break;
                }
            }
        }
    })
    .await
}

fn body_of(request: &str) -> &str {
    request.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

/// Whether a JSON body has the right name and password.
fn is_right(request: &str) -> bool {
    let sent: serde_json::Value = serde_json::from_str(body_of(request)).unwrap_or_default();
    sent["u"] == "zhangsan" && sent["p"] == "right"
}

fn verdict(request: &str) -> &'static str {
    if is_right(request) { OK } else { NO }
}

/// A parameter of the query or of a form.
pub fn parameter(text: &str, name: &str) -> String {
    form_urlencoded::parse(text.as_bytes())
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

pub fn form_parameter(request: &str, name: &str) -> String {
    parameter(body_of(request), name)
}

pub async fn encoded(word: &'static str) -> FaultServer {
    answering(move |request| reply(&format!("200 OK\r\nContent-Encoding: {word}"), verdict(request))).await
}

pub async fn reads_header_case() -> FaultServer {
    answering(|request| {
        let known = request.contains("\r\naccessToken: k1\r\n");
        reply("200 OK", if known { verdict(request) } else { r#"{"code":401}"# })
    })
    .await
}

pub async fn wants_length() -> FaultServer {
    answering(|request| {
        if !request.starts_with("POST /04/session ") {
            let sent: serde_json::Value = serde_json::from_str(body_of(request)).unwrap_or_default();
            return reply("200 OK", if sent["nonce"] == "n1" { verdict(request) } else { NO });
        }
        if request.to_lowercase().contains("\r\ncontent-length: 0\r\n") {
            reply("200 OK", r#"{"nonce":"n1"}"#)
        } else {
            reply("411 Length Required", "")
        }
    })
    .await
}

/// HTTP/1.0 without a length: the reply ends with its connection.
pub async fn check_password() -> FaultServer {
    FaultServer::play(|_, mut wire| async move {
        let Some(request) = wire.request().await else { return };
        let query = request.split([' ', '?']).nth(2).unwrap_or_default();
        let said = match (parameter(query, "user").as_str(), parameter(query, "pass").as_str()) {
            ("nobody", _) => "",
            ("blanks", _) => "true\r\n\r\n",
            ("zhangsan", "right") => "true\r\n",
            _ => "false\r\n",
        };
        wire.say(format!("HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n{said}")).await;
    })
    .await
}

pub async fn with_excess(excess: &'static str) -> FaultServer {
    answering(move |request| reply("200 OK", verdict(request)) + excess).await
}

pub async fn moved(location: &'static str) -> FaultServer {
    answering(move |_| reply(&format!("301 Moved Permanently\r\nLocation: {location}"), "")).await
}

pub async fn form_reply() -> FaultServer {
    answering(|request| {
        let said = match (form_parameter(request, "username").as_str(), form_parameter(request, "password").as_str()) {
            ("maintenance", _) => "<html><head><title>Down</title></head><body class=\"x\">Back at 10</body></html>",
            ("callback", _) => "callback( {\"error\":100001} );\n",
            ("zhangsan", "right") => "access_token=FE04CCE2&expires_in=7776000&refresh_token=88E4BE14",
            _ => "error=invalid_grant&error_description=bad+password",
        };
        reply("200 OK\r\nContent-Type: text/html", said)
    })
    .await
}

/// An application whose statuses mean something, behind a gateway that uses the same ones.
pub async fn named_status() -> FaultServer {
    answering(|request| {
        let sent: serde_json::Value = serde_json::from_str(body_of(request)).unwrap_or_default();
        // What happens is the name's choice, or of one user in the daemon the password's.
        let said = if sent["p"] == "right" { &sent["u"] } else { &sent["p"] };
        let (head, body) = match said.as_str().unwrap_or_default() {
            "zhangsan" => ("200 OK", r#"{"token":"t1"}"#),
            "unknown" => ("404 Not Found", r#"{"error":"user_not_found"}"#),
            "wrong" => ("401 Unauthorized", r#"{"error":"wrong_password"}"#),
            "db_down" => ("500 Internal Server Error", r#"{"error":"db_down"}"#),
            "no_route" => ("404 Not Found", r#"{"message":"no Route matched"}"#),
            "pool_empty" => ("500 Internal Server Error", r#"{"error":"pool_empty"}"#),
            _ => ("503 Service Unavailable", "<html><body>503</body></html>"),
        };
        reply(head, body)
    })
    .await
}

pub async fn maintenance() -> FaultServer {
    answering(|_| reply("200 OK\r\nContent-Type: text/html", "<html><head><title>Down</title></head></html>")).await
}

/// Takes the name from a quoted-string (RFC 9110 section 5.6.4) of a header, and it must be that of the body.
pub async fn digest_name() -> FaultServer {
    answering(|request| {
        let line = request.lines().find_map(|line| line.strip_prefix("Authorization: Digest username=\"")).unwrap();
        let (mut name, mut letters) = (String::new(), line.chars());
        loop {
            match letters.next() {
                Some('"') => break,
                Some('\\') => name.extend(letters.next()),
                letter => name.push(letter.unwrap()),
            }
        }
        let sent: serde_json::Value = serde_json::from_str(body_of(request)).unwrap_or_default();
        let right = letters.as_str().is_empty() && sent["u"] == name.as_str() && sent["p"] == "right";
        reply("200 OK", if right { OK } else { NO })
    })
    .await
}
