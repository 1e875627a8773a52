//! Doors that would let somebody in, or leave it to others: each is refused with a diagnostic that says which reply reads how.

use super::lab::{alone, replaced, shipped};

/// The replies of a door for a reading, and what its diagnostic says.
struct WrongDoor {
    what: &'static str,
    console: &'static str,
    replies: &'static str,
    code: &'static str,
    says: &'static str,
}

const fn wrong(what: &'static str, console: &'static str, replies: &'static str, says: &'static str) -> WrongDoor {
    WrongDoor { what, console, replies, code: "door-reading", says }
}

const ACCEPTED: &str = "takes it for an accept";

#[rustfmt::skip]
const DOORS: &[WrongDoor] = &[
    wrong("nginx: trouble is 200", "nginx-auth-request",
        "{ accept: { status: 204 }, reject: { status: 401 }, unavailable: { status: 200 } }",
        "the reply for unavailable: nginx-auth-request takes it for an accept"),
    wrong("nginx: a wrong password is 206", "nginx-auth-request",
        "{ accept: { status: 204 }, reject: { status: 206 }, unavailable: { status: 503 } }", ACCEPTED),
    wrong("nginx: an accept is 302", "nginx-auth-request",
        "{ accept: { status: 302 }, reject: { status: 401 }, unavailable: { status: 503 } }",
        "the reply for accept: nginx-auth-request takes it for a refusal"),
    wrong("Envoy: trouble is 503", "envoy",
        "{ accept: { status: 200 }, reject: { status: 401 }, unavailable: { status: 503 } }",
        "the reply for unavailable: envoy takes it for trouble, and may let the user in then"),
    wrong("Envoy: accept is 204", "envoy",
        "{ accept: { status: 204 }, reject: { status: 401 }, unavailable: { status: 429 } }",
        "the reply for accept: envoy takes it for a refusal"),
    wrong("Envoy: stranger is 500", "envoy",
        "{ accept: { status: 200 }, reject: { status: 401 }, unavailable: { status: 429 }, stranger: { status: 500 } }",
        "the reply for stranger: envoy takes it for trouble"),
    wrong("FreeRADIUS: reject is a 200 with an error", "freeradius-3",
        "{ accept: { status: 204 }, reject: { status: 200, json: { code: 500 } }, unavailable: { status: 503 } }",
        "the reply for reject: freeradius-3 may take it for one thing or another"),
    wrong("FreeRADIUS: accept with attributes", "freeradius-3",
        "{ accept: { status: 200, json: { \"reply:Class\": x } }, reject: { status: 401 }, unavailable: { status: 503 } }",
        "the reply for accept: freeradius-3 may take it"),
    wrong("FreeRADIUS: a packet type from the upstream", "freeradius-3",
        "{ accept: { status: 204 }, reject: { status: 401, json: { \"control:Response-Packet-Type\": \"{{reject.message | default('')}}\" } }, unavailable: { status: 503 } }",
        "what a hole holds must not decide"),
    wrong("FreeRADIUS: a packet type written out", "freeradius-3",
        "{ accept: { status: 204 }, reject: { status: 401, json: { \"control:Response-Packet-Type\": Access-Accept } }, unavailable: { status: 503 } }",
        "the reply for reject: freeradius-3"),
    wrong("RabbitMQ: the reject is the upstream's text", "rabbitmq",
        "{ accept: { status: 200, text: allow }, reject: { status: 200, text: \"{{reject.message | default('deny')}}\" }, unavailable: { status: 503 } }",
        "the reply for reject: rabbitmq may take it for one thing or another"),
    WrongDoor { what: "RabbitMQ: tags from the upstream", console: "rabbitmq",
        replies: "{ accept: { status: 200, text: \"allow {{accept.attributes.tags | default('')}}\" }, reject: { status: 200, text: deny }, unavailable: { status: 503 } }",
        code: "door-rights", says: "`text` gives rights at rabbitmq, and `accept.attributes.tags` decides them" },
    wrong("RabbitMQ: trouble in words that begin with allow", "rabbitmq",
        "{ accept: { status: 200, text: allow }, reject: { status: 200, text: deny }, unavailable: { status: 200, text: Allowed by nobody } }",
        "the reply for unavailable: rabbitmq takes it for an accept"),
    wrong("EMQX: reject is 401", "emqx-5",
        "{ accept: { status: 204 }, reject: { status: 401 }, unavailable: { status: 200, json: { result: deny } } }",
        "the reply for reject: emqx-5 takes it for trouble, and asks another authenticator then"),
    wrong("EMQX: trouble is ignore", "emqx-5",
        "{ accept: { status: 204 }, reject: { status: 200, json: { result: deny } }, unavailable: { status: 200, json: { result: ignore } } }",
        "the reply for unavailable: emqx-5 takes it for trouble"),
    wrong("EMQX: a deny as text", "emqx-5",
        "{ accept: { status: 204 }, reject: { status: 200, text: '{\"result\":\"deny\"}' }, unavailable: { status: 200, json: { result: deny } } }",
        "the reply for reject: emqx-5 takes it for trouble"),
    WrongDoor { what: "EMQX: superuser by the upstream", console: "emqx-5",
        replies: "{ accept: { status: 200, json: { result: allow, is_superuser: \"{{accept.attributes.admin | default(false)}}\" } }, reject: { status: 200, json: { result: deny } }, unavailable: { status: 200, json: { result: deny } } }",
        code: "door-rights", says: "`is_superuser` gives rights at emqx-5" },
    wrong("SFTPGo: reject is an empty 200", "sftpgo-external",
        "{ accept: { status: 200, json: { username: \"u{{accept.subject}}\" } }, reject: { status: 200 }, unavailable: { status: 503 } }",
        "the reply for reject: sftpgo-external takes it for an accept"),
    wrong("Dovecot: 200 with an error and a token", "oauth2-password",
        "{ accept: { status: 200, json: { error: none, access_token: x } }, reject: { status: 400, json: { error: invalid_grant } }, unavailable: { status: 503 } }",
        "the reply for accept: oauth2-password may take it"),
    wrong("nginx mail: trouble names the mailbox", "nginx-mail",
        "{ accept: { status: 200, headers: { Auth-Status: OK, Auth-Server: 127.0.0.1, Auth-Port: 143 } }, reject: { status: 200, headers: { Auth-Status: no } }, unavailable: { status: 500, headers: { Auth-Server: 127.0.0.1, Auth-Port: 143 } } }",
        "the reply for unavailable: nginx-mail takes it for an accept"),
    wrong("nginx mail: the upstream's words as the status", "nginx-mail",
        "{ accept: { status: 200, headers: { Auth-Status: OK, Auth-Server: 127.0.0.1, Auth-Port: 143 } }, reject: { status: 200, headers: { Auth-Status: \"{{reject.error_code | default('no')}}\" } }, unavailable: { status: 503 } }",
        "the reply for reject: nginx-mail may take it for one thing or another"),
    wrong("XMPP: true for everybody", "xmpp-http",
        "{ accept: { status: 200, text: \"true\" }, reject: { status: 200, text: \"true\" }, unavailable: { status: 503 } }",
        "the reply for reject: xmpp-http takes it for an accept"),
];

fn door(console: &str, replies: &str) -> String {
    format!(
        "version: 1\nconsole: {console}\nconnector: corp-4a\nat: {{ path: /door/x }}\n\
         caller: {{ client: edge, token: {{ header: X-Door-Key }} }}\n\
         login: {{ username: {{ basic: username }}, password: {{ basic: password }} }}\nreplies: {replies}\n"
    )
}

#[test]
fn twenty_two_wrong_doors_are_refused_and_told_which_reply_reads_how() {
    assert_eq!(DOORS.len(), 22);
    for WrongDoor { what, console, replies, code, says } in DOORS {
        let (loaded, told) = alone(&door(console, replies));
        assert!(loaded.is_none(), "{what} loads");
        assert!(told.contains(code) && told.contains(says), "{what}:\n{told}");
    }
}

/// Odd, and sound for their console; one is told about.
#[test]
fn four_odd_doors_load() {
    for (console, replies, warning) in [
        (
            "nginx-auth-request",
            "{ accept: { status: 299 }, reject: { status: 403 }, unavailable: { status: 503 } }",
            None,
        ),
        (
            "nginx-auth-request",
            "{ accept: { status: 204 }, reject: { status: 401 }, unavailable: { status: 403 } }",
            Some("nginx-auth-request cannot tell this from a wrong password"),
        ),
        ("forward-auth", "{ accept: { status: 204 }, reject: { status: 418 }, unavailable: { status: 302 } }", None),
        (
            "rabbitmq",
            "{ accept: { status: 201, text: \"ALLOW {{table.tags}}\" }, reject: { status: 200, text: \"deny {{reject.message | default('')}}\" }, unavailable: { status: 503 } }",
            None,
        ),
    ] {
        let tables = "tables: { tags: { of: accept.attributes.group, ops: administrator monitoring, else: \"\" } }\n";
        let (loaded, told) = alone(&format!("{}{tables}", door(console, replies)));
        assert!(loaded.is_some(), "{console} {replies}\n{told}");
        assert_eq!(told.trim().is_empty(), warning.is_none(), "{told}");
        assert!(warning.is_none_or(|warning| told.contains(warning)), "{told}");
    }
}

#[test]
fn a_mistake_is_told_with_its_place_and_what_to_do() {
    let nginx = shipped("nginx");
    for (old, new, code, says) in [
        ("console: nginx-auth-request", "console: nginx-auth", "door-console", "did you mean `nginx-auth-request`?"),
        ("/door/nginx", "/v1/door", "door-path", "`/v1` is the daemon's own"),
        ("/door/nginx", "/door/../x", "door-path", "cannot be the path of a door"),
        ("/door/nginx", "/door/%6eginx", "door-path", "cannot be the path of a door"),
        ("{ header: X-Door-Key }", "{ basic: password }", "door-same-credential", "stands where the user's does"),
        ("{ header: X-Door-Key }", "{ query: key }", "credential-in-url", "the console's token stands in the URL"),
        (
            "password: { basic: password }",
            "password: { query: p }",
            "credential-in-url",
            "the password stands in the URL",
        ),
        ("username: { basic: username }", "username: name", "door-source", "no body to take a field of"),
        ("{{accept.subject | urlencode}}", "{{user.userPassword}}", "door-hole", "no reply holds `user.userPassword`"),
        (
            "{{accept.subject | urlencode}}",
            "{{reject.reason}}",
            "door-hole",
            "the reply for accept has no `reject.reason`",
        ),
        ("{{accept.subject | urlencode}}", "{{accept.subjekt}}", "door-hole", "did you mean `accept.subject`?"),
        (
            "{{accept.subject | urlencode}}",
            "{{accept.attributes.a}}",
            "optional-without-default",
            "may be missing here",
        ),
        ("{{accept.subject | urlencode}}", "{{table.tags}}", "door-hole", "has no `table.tags`"),
        (
            "unavailable: { status: 503 }",
            "unavailable: { status: 503, headers: { X: \"{{user.username}}\" } }",
            "door-hole",
            "user.username",
        ),
        ("status: 204,", "status: 204, text: x,", "door-body", "has no body"),
        ("version: 1\n", "version: 1\ndeadline: 10s\n", "door-deadline", "waits 10000 ms"),
        ("version: 1\n", "version: 1\nacknowledge: { every_thing: why }\n", "unknown-lint", "known lints"),
        ("unavailable: { status: 503 }", "unavailable: [ { status: 503 }, { status: 504 } ]", "door-row", "never sent"),
        ("reject: { status: 401", "reject: { when: { reason: [ other ] }, status: 401", "door-row", "the last row"),
        (
            "connector: corp-4a",
            "connector: { by: login.attributes.realm, a: corp-4a }",
            "door-connector",
            "is no attribute of this login",
        ),
    ] {
        let (loaded, told) = alone(&replaced(&nginx, old, new));
        assert!(loaded.is_none(), "{new} loads");
        assert!(told.contains(code) && told.contains(says) && told.contains("door.yaml:"), "{new}:\n{told}");
    }
}

#[test]
fn a_file_cannot_write_the_marks_of_holes() {
    let rabbitmq = replaced(&shipped("rabbitmq"), "text: deny }", "text: \"deny \\uE000\" }");
    let (loaded, told) = alone(&rabbitmq);
    assert!(loaded.is_none() && told.contains("door-marks"), "{told}");
}
