//! A scheme that authenticates a connection (NTLM): its messages go over one, which serves this login and nobody after it.

use std::sync::{Arc, Mutex};

use doorward::flow::Report;

use crate::support::fault_server::FaultServer;
use crate::upstreams::door::{Door, word};

/// A domain, a machine and a time; the answer is not looked at.
const CHALLENGE: &str = "TlRMTVNTUAACAAAACAAIADgAAAAFgokAASNFZ4mrze8AAAAAAAAAACYAJgBAAAAAAAAAAAAAAABDAE8AUgBQAAIACABDAE8AUgBQAAEABgBEAEMAMQAHAAgAgMBIWCg92gEAAAAA";

/// How the server treats its connections.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Habit {
    Keeps,
    /// Closes after the reply that names the schemes.
    ClosesAfterTheFirst,
    /// Closes after the challenge, and says so.
    ClosesAfterTheChallenge,
    /// The same without a word.
    HangsUpAfterTheChallenge,
}

/// What came: on which connection, and what of NTLM was in it (0: nothing; 1 to 3: the message's number; 9: another page).
type Seen = Arc<Mutex<Vec<(usize, u8)>>>;

async fn server(habit: Habit) -> (FaultServer, Seen) {
    let seen = Seen::default();
    let noted = Arc::clone(&seen);
    let server = FaultServer::play(move |connection, mut wire| {
        let seen = Arc::clone(&noted);
        async move {
            while let Some(request) = wire.request().await {
                let kind = kind(&request);
                seen.lock().unwrap().push((connection, kind));
                let schemes = if kind == 1 { format!("NTLM {CHALLENGE}") } else { "NTLM".to_owned() };
                let closes = match habit {
                    Habit::Keeps => false,
                    Habit::ClosesAfterTheFirst => kind == 0,
                    Habit::ClosesAfterTheChallenge | Habit::HangsUpAfterTheChallenge => kind == 1,
                };
                let says =
                    if closes && habit != Habit::HangsUpAfterTheChallenge { "Connection: close\r\n" } else { "" };
                let reply = match kind {
                    0 | 1 => {
                        format!("HTTP/1.1 401 No\r\nWWW-Authenticate: {schemes}\r\n{says}Content-Length: 0\r\n\r\n")
                    }
                    _ => "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 8\r\n\r\n{\"s\":1} "
                        .to_owned(),
                };
                if !wire.say(reply).await || closes {
                    return;
                }
            }
        }
    })
    .await;
    (server, seen)
}

fn kind(request: &str) -> u8 {
    if request.starts_with("GET /after") {
        return 9;
    }
    let given = request.lines().find_map(|line| line.strip_prefix("Authorization: NTLM TlRMTVNTUAA"));
    match given.and_then(|rest| rest.chars().next()) {
        None => 0,
        Some('B') => 1,
        Some('C') => 2,
        Some(_) => 3,
    }
}

async fn door(server: &FaultServer) -> (tempfile::TempDir, Door) {
    let folder = tempfile::tempdir().unwrap();
    let base = server.url("").to_string();
    let base = base.trim_end_matches('/');
    let text = format!(
        r#"version: 1
steps:
  - name: login
    request:
      method: GET
      url: "{base}/login"
      auth: {{ ntlm: {{ username: "{{{{user.username}}}}", password: "{{{{user.userPassword}}}}" }} }}
    response:
      format: json
      reject: [ {{ when: {{ status: 401 }}, reason: invalid_credentials }} ]
      success: {{ field: s, equals: 1 }}
  - name: after
    request: {{ method: GET, url: "{base}/after" }}
    response: {{ format: json, success: {{ field: s, equals: 1 }} }}
"#
    );
    let file = folder.path().join("ntlm.yaml");
    std::fs::write(&file, text).unwrap();
    let door = Door::open(&file, &[]).await;
    (folder, door)
}

async fn one_login(habit: Habit) -> (Report, Vec<(usize, u8)>) {
    let (server, seen) = server(habit).await;
    let (_folder, door) = door(&server).await;
    let report = door.login("zhangsan", "123456").await;
    let seen = seen.lock().unwrap().clone();
    (report, seen)
}

#[tokio::test]
async fn each_login_has_one_that_nobody_has_before_or_after_it() {
    let (server, seen) = server(Habit::Keeps).await;
    let (_folder, door) = door(&server).await;
    for _ in 0..2 {
        let report = door.login("zhangsan", "123456").await;
        assert_eq!((word(&report).as_str(), report.credential_sends), ("accept", 1), "{}", report.explain);
    }
    let seen = seen.lock().unwrap().clone();
    let of = |kind: u8| seen.iter().filter(|(_, it)| *it == kind).map(|(on, _)| *on).collect::<Vec<_>>();
    let (first, second) = (of(3)[0], of(3)[1]);
    assert_ne!(first, second);
    for kind in [0, 1, 3] {
        assert_eq!(of(kind), [first, second], "all messages of a login over one connection: {seen:?}");
    }
    let shared = of(9);
    assert_eq!(shared[0], shared[1], "ordinary requests share a kept connection");
    assert!(!shared.contains(&first) && !shared.contains(&second), "{seen:?}");
}

#[tokio::test]
async fn before_the_challenge_another_connection_will_do() {
    let (report, seen) = one_login(Habit::ClosesAfterTheFirst).await;
    assert_eq!(word(&report), "accept", "{}", report.explain);
    assert_eq!(seen[1].0, seen[2].0);
    assert_ne!(seen[0].0, seen[1].0);
}

#[tokio::test]
async fn between_challenge_and_answer_none_will_do() {
    for habit in [Habit::ClosesAfterTheChallenge, Habit::HangsUpAfterTheChallenge] {
        let (report, seen) = one_login(habit).await;
        assert_eq!(word(&report), "unavailable(connect)", "{}", report.explain);
        assert!(report.explain.contains("the connection"), "{}", report.explain);
        assert_eq!(seen.iter().map(|(_, kind)| *kind).collect::<Vec<_>>(), [0, 1], "no answer without its connection");
    }
}
