//! `doorward.yaml` from outside: the example loads, and every mistake is told with its place and what to do.

use std::path::Path;
use std::time::Duration;

use doorward::config::{self, Config, Loaded, Scope, State, UserName};
use doorward::diagnostic::{SourceFile, Style, render};

const HASH: &str = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn env(name: &str) -> Option<String> {
    match name {
        "DOORWARD_REDIS_URL" => Some("rediss://:hunter2hunter2@redis:6379/0".to_owned()),
        "DOORWARD_STATE_KEY" | "DOORWARD_SIGN_IN_KEY" => Some("ab".repeat(32)),
        "NO_CHECK" => Some("rediss://:hunter2hunter2@redis:6379/0#insecure".to_owned()),
        "IN_CLEAR" => Some("redis://:hunter2hunter2@redis:6379/0".to_owned()),
        "DOORWARD_OTLP_AUTHORIZATION" => Some("Bearer hunter2hunter2".to_owned()),
        "SHORT" => Some("hunter2".to_owned()),
        _ => None,
    }
}

fn parse(text: &str) -> Loaded {
    config::parse(SourceFile { path: "doorward.yaml".into(), text: text.to_owned() }, &env)
}

fn messages(loaded: &Loaded) -> String {
    render(&loaded.diagnostics, Style::Plain)
}

/// The smallest file that runs.
fn small() -> String {
    format!(
        "listen: \"127.0.0.1:0\"\nconnectors: connectors\nclients: [ {{ name: c, token: \"{HASH}\", scopes: [ authenticate ] }} ]\n"
    )
}

fn example() -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/doorward.yaml")).unwrap()
}

/// With a hash of its own in each place that wants one.
fn with_hashes(text: &str) -> String {
    let mut parts = text.split("sha256:PUT-A-HASH-HERE");
    let first = parts.next().unwrap().to_owned();
    parts.enumerate().fold(first, |text, (number, part)| format!("{text}sha256:{number:064x}{part}"))
}

#[test]
fn the_example_as_it_is_refuses_to_load_for_its_tokens_alone() {
    let told = messages(&parse(&example()));
    assert_eq!((told.matches("error[").count(), told.matches("error[sample-token]").count()), (3, 3), "{told}");
    assert!(told.contains("doorward token new"), "{told}");
    assert_eq!(messages(&parse(&with_hashes(&example()))), "");
}

/// They let in whoever guessed `Bearer test`, and files that were copied then are still about.
#[test]
fn the_tokens_of_an_older_example_are_refused() {
    for hash in [
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "sha256:9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B2B0B822CD15D6C15B0F00A08",
        "sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
        "sha256:fd61a03af4f77d870fc21e05e7e80678095c92d808cfb3b5c279ee04c74aca13",
    ] {
        let loaded = parse(&small().replace(HASH, hash));
        assert!(loaded.config.is_none() && messages(&loaded).contains("error[sample-token]"), "{hash}");
    }
}

#[test]
fn the_example_loads_with_all_its_samples_switched_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("doorward.yaml");
    let switched = |line: &str| match line.strip_prefix('#') {
        Some(sample) if sample.starts_with(|c: char| c.is_ascii_lowercase()) || sample.starts_with("  ") => {
            sample.to_owned()
        }
        _ => line.to_owned(),
    };
    let lines: Vec<String> = with_hashes(&example()).lines().map(switched).collect();
    std::fs::write(&path, lines.join("\n")).unwrap();
    std::fs::create_dir(directory.path().join("tls")).unwrap();
    for file in ["tls/server.pem", "tls/server.key", "tls/client-ca.pem", "tls/redis-ca.pem"] {
        std::fs::write(directory.path().join(file), "").unwrap();
    }
    std::fs::write(directory.path().join("audit.key"), "0123456789abcdef0123456789abcdef\n").unwrap();
    let loaded = config::load(&path, &env);
    assert_eq!(messages(&loaded), "");
    let config = loaded.config.unwrap();
    assert_eq!(config.clients.len(), 3);
    assert_eq!(config.clients[0].scopes, [Scope::Authenticate]);
    assert_eq!(config.clients[2].tokens.len(), 2);
    assert!(matches!(config.state, State::Redis { ref keys, .. } if keys.len() == 1));
    let audit = config.audit.unwrap();
    assert!(matches!(audit.user_name, UserName::Hmac(ref key) if key.expose().len() == 32), "the line end goes");
    assert_eq!(audit.file, directory.path().join("audit/logins.jsonl"));
}

#[test]
fn the_example_shows_every_key_and_its_defaults() {
    let text = example();
    let mut keys = Vec::new();
    collect_keys(&config::schema(), &mut keys);
    for key in keys {
        assert!(text.contains(&format!("{key}:")), "examples/doorward.yaml does not show `{key}`");
    }
    // What the example calls defaults are the defaults.
    let small = parse(&small()).config.unwrap();
    let sections = ["limits:", "guard:", "log:"].map(|name| section(&text, name)).concat();
    let shown = parse(&format!("{}{sections}", self::small())).config.unwrap();
    assert_eq!((small.limits, small.guard, small.log), (shown.limits, shown.guard, shown.log));
}

fn section(text: &str, name: &str) -> String {
    let mut lines = text.lines().skip_while(|line| *line != name);
    let first = lines.next().unwrap();
    let rest: Vec<&str> = lines.take_while(|line| line.starts_with(' ')).collect();
    format!("{first}\n{}\n", rest.join("\n"))
}

fn collect_keys(schema: &serde_json::Value, keys: &mut Vec<String>) {
    match schema {
        serde_json::Value::Object(members) => {
            if let Some(properties) = members.get("properties").and_then(|value| value.as_object()) {
                keys.extend(properties.keys().cloned());
            }
            members.values().for_each(|value| collect_keys(value, keys));
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| collect_keys(item, keys)),
        _ => {}
    }
}

#[test]
fn defaults_stand_where_nothing_is_written() {
    let config = parse(&small()).config.unwrap();
    let usual = Config::default();
    assert_eq!((config.limits, config.guard, config.log), (usual.limits, usual.guard, usual.log));
    assert!(config.audit.is_none() && config.tls.is_none() && matches!(config.state, State::Memory));
    let config = parse(&format!("{}limits: {{ idle: 5s }}\n", small())).config.unwrap();
    assert_eq!(config.limits.idle, Duration::from_secs(5));
    assert_eq!(config.limits.header, usual.limits.header);
}

fn is_told(added: &str, place: &str, words: &str) {
    let loaded = parse(&format!("{}{added}\n", small()));
    let text = messages(&loaded);
    assert!(loaded.config.is_none(), "{added}");
    assert!(text.contains(&format!("doorward.yaml:{place}")), "{added}: {place}\n{text}");
    assert!(text.contains(words), "{added}: {words}\n{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

/// A change of the smallest file, the place (`line:column`) and words of the message.
#[test]
fn every_mistake_has_its_place_and_its_fix() {
    for (added, place, words) in [
        ("limit: { idle: 5s }", "4:1", "did you mean `limits`"),
        ("limits: { idel: 5s }", "4:11", "did you mean `idle`"),
        ("limits: { idle: 5 }", "4:17", "write the unit"),
        ("limits: { idle: 1ms }", "4:17", "10ms to"),
        ("limits: { connections: 0 }", "4:24", "1 to 1000000"),
        ("limits: { connections: many }", "4:24", "whole number"),
        ("log: { level: verbose }", "4:15", "error warn info debug trace"),
        ("log: { level: tracee }", "4:15", "did you mean `trace`"),
        ("listen: \"127.0.0.1:0\"", "4:1", "listen"),
        ("tls: { cert_file: no.pem, key_file: no.key }", "4:19", "no such file"),
        ("tls: { cert_file: no.pem }", "4:8", "key_file"),
        ("state: { kind: redis }", "4:10", "url"),
        (
            "state: { kind: redis, url: { env: NOPE }, keys: [ { env: DOORWARD_STATE_KEY } ] }",
            "4:35",
            "NOPE is not set",
        ),
        ("state: { kind: redis, url: { env: SHORT }, keys: [ { env: SHORT } ] }", "4:44", "64 hex digits"),
        ("state: { url: { env: SHORT } }", "4:10", "kind: redis"),
        ("state: { ca_file: ca.pem }", "4:10", "kind: redis"),
        ("state: { kind: redis, url: { env: SHORT }, keys: [ { env: DOORWARD_STATE_KEY } ] }", "4:23", "rediss://user"),
        (
            "state: { kind: redis, url: { env: NO_CHECK }, keys: [ { env: DOORWARD_STATE_KEY } ] }",
            "4:23",
            "rediss://user",
        ),
        (
            "state: { kind: redis, url: { env: DOORWARD_REDIS_URL }, ca_file: ca.pem, keys: [ { env: DOORWARD_STATE_KEY } ] }",
            "4:66",
            "no such file",
        ),
        (
            "state: { kind: redis, url: { env: IN_CLEAR }, ca_file: ca.pem, keys: [ { env: DOORWARD_STATE_KEY } ] }",
            "4:56",
            "only rediss://",
        ),
        ("state: { kind: redis, url: { env: DOORWARD_REDIS_URL } }", "4:8", "one or two keys"),
        ("audit: { file: a, user_name: hmac }", "4:19", "hmac_key"),
        ("audit: { file: a, user_name: hmac, hmac_key: { env: SHORT } }", "4:36", "less than 16 bytes"),
        ("audit: { file: a, hmac_key: { env: SHORT } }", "4:19", "user_name: hmac"),
        ("audit: { file: a, when_full: block }", "4:30", "continue refuse"),
        ("egress: { allow: [ 10.0.0.1/8 ] }", "4:20", "10.0.0.0/8"),
        ("egress: { proxies: [ \"ftp://x\" ] }", "4:22", "http://"),
        ("public_url: console", "4:13", "https://"),
        ("reserved_cookies: [ \"a b\" ]", "4:21", "name of a cookie"),
    ] {
        is_told(added, place, words);
    }
}

#[test]
fn mistakes_in_sessions() {
    for (added, place, words) in [
        ("sign_in: { connectors: [ { id: a } ] }", "4:12", "keys"),
        ("sign_in: { keys: [ { env: DOORWARD_SIGN_IN_KEY } ], connectors: [ ] }", "4:65", "the list is empty"),
        ("sign_in: { keys: [ { env: SHORT } ], connectors: [ { id: a } ] }", "4:12", "64 hex digits"),
        (
            "sign_in: { keys: [ { env: DOORWARD_SIGN_IN_KEY } ], connectors: [ { id: a }, { id: a } ] }",
            "4:84",
            "stands here twice",
        ),
        (
            "sign_in: { keys: [ { env: DOORWARD_SIGN_IN_KEY } ], connectors: [ { id: a }, { id: b } ], identity: { subject: plain } }",
            "4:112",
            "acknowledge: { shared_names",
        ),
        (
            "sign_in: { keys: [ { env: DOORWARD_SIGN_IN_KEY } ], connectors: [ { id: a } ], session: { idle: 2h, absolute: 1h } }",
            "4:97",
            "at most the absolute one",
        ),
        (
            "state: { kind: redis, url: { env: DOORWARD_REDIS_URL }, keys: [ { env: DOORWARD_STATE_KEY } ] }\n\
             sign_in: { keys: [ { env: DOORWARD_SIGN_IN_KEY } ], connectors: [ { id: a } ] }",
            "5:10",
            "another one would not know them",
        ),
    ] {
        is_told(added, place, words);
    }
}

#[test]
fn mistakes_in_the_login_page() {
    for (keys, place, words) in [
        ("url: \"http://sso.example.com\", listen: \"127.0.0.1:1\"", "4:93", "https://sso"),
        ("url: \"https://sso.example.com/x\", listen: \"127.0.0.1:1\"", "4:93", "no path"),
        ("url: \"https://sso.example.com\", listen: \"0.0.0.0:1\"", "4:128", "in clear"),
        ("url: \"https://sso.example.com\", listen: \"127.0.0.1:1\", proxies: [ a ]", "4:154", "10.0.0.0/24"),
    ] {
        is_told(&page(keys), place, words);
    }
}

/// A login page.
fn page(keys: &str) -> String {
    format!("sign_in: {{ keys: [ {{ env: DOORWARD_SIGN_IN_KEY }} ], connectors: [ {{ id: a }} ], page: {{ {keys} }} }}")
}

#[test]
fn mistakes_in_where_traces_go() {
    for (added, place, words) in [
        ("tracing: { sample_ratio: 1 }", "4:12", "endpoint"),
        ("tracing: { endpoint: \"http://127.0.0.1:4318\" }", "4:22", "path included"),
        ("tracing: { endpoint: \"grpc://127.0.0.1:4317/v1/traces\" }", "4:22", "OTLP over HTTP"),
        ("tracing: { endpoint: \"http://u:p@127.0.0.1:4318/v1/traces\" }", "4:22", "belongs into headers"),
        ("tracing: { endpoint: \"http://127.0.0.1:4318/v1/traces\", sample_ratio: 2 }", "4:71", "from 0 to 1"),
        ("tracing: { endpoint: \"http://127.0.0.1:4318/v1/traces\", ca_file: ca.pem }", "4:66", "https://"),
        ("tracing: { endpoint: \"https://otel.example.com/v1/traces\", ca_file: ca.pem }", "4:69", "no such file"),
        (
            "tracing: { endpoint: \"http://otel.example.com/v1/traces\", headers: { Authorization: { env: SHORT } } }",
            "4:22",
            "in clear",
        ),
        (
            "tracing: { endpoint: \"http://127.0.0.1:4318/v1/traces\", headers: { \"a b\": { env: SHORT } } }",
            "4:68",
            "name of a header",
        ),
    ] {
        is_told(added, place, words);
    }
}

#[test]
fn clients_are_checked() {
    for (clients, words) in [
        ("[ { name: c, scopes: [ read ] } ]".to_owned(), "nothing to show"),
        (format!("[ {{ name: \"a b\", token: \"{HASH}\", scopes: [ read ] }} ]"), "no name for a client"),
        (format!("[ {{ name: c, token: \"{HASH}\", scopes: [ admin ] }} ]"), "authenticate test read reload"),
        (format!("[ {{ name: c, token: \"{HASH}\", scopes: [] }} ]"), "empty"),
        ("[ { name: c, token: dwt_hunter2hunter2, scopes: [ read ] } ]".to_owned(), "no hash of a token"),
        (format!("[ {{ name: c, token: \"{HASH}\", scopes: [ read ], connectors: [ A ] }} ]"), "no id of a connector"),
        ("[ { name: c, certificate: { dns: a.example }, scopes: [ read ] } ]".to_owned(), "client_ca_file"),
        ("[ { name: c, certificate: { sha256: ab }, scopes: [ read ] } ]".to_owned(), "no SHA-256"),
        ("[ { name: c, certificate: { dns: a, uri: b }, scopes: [ read ] } ]".to_owned(), "uri"),
        (
            format!(
                "[ {{ name: c, token: \"{HASH}\", scopes: [ read ] }}, {{ name: c, token: \"{HASH}\", scopes: [ read ] }} ]"
            ),
            "two clients have this name",
        ),
    ] {
        let loaded = parse(&format!("listen: \"127.0.0.1:0\"\nconnectors: connectors\nclients: {clients}\n"));
        let text = messages(&loaded);
        assert!(loaded.config.is_none() && text.contains(words), "{clients}: {words}\n{text}");
        // What stands in the place of a hash may be the token. The quoted line of the file shows it to who can read the
        // file anyway; the message itself does not.
        assert!(loaded.diagnostics.iter().all(|mistake| !mistake.message.contains("hunter2")));
    }
}

#[test]
fn an_open_address_without_tls_is_refused_at_its_place() {
    let file = |listen: &str, more: &str| format!("{}{more}\n", small().replace("\"127.0.0.1:0\"", listen));
    let loaded = parse(&file("[ \"127.0.0.1:0\", \"0.0.0.0:80\" ]", ""));
    let text = messages(&loaded);
    assert!(
        loaded.config.is_none() && text.contains("doorward.yaml:1:26") && text.contains("insecure_listen"),
        "{text}"
    );
    assert!(parse(&file("\"0.0.0.0:80\"", "insecure_listen: true")).config.is_some());
    assert!(parse(&file("example.com", "")).config.is_none());
}

#[test]
fn all_mistakes_are_told_at_once() {
    for (text, all) in [
        // What cannot be read, all of it; then what does not make sense, all of it.
        (
            "listen: nowhere\nconectors: x\nlog: { level: loud }\nlimits: { idle: 5 }\n",
            vec!["`connectors`", "loud", "unit"],
        ),
        (
            "listen: nowhere\nconnectors: x\nlimits: { in_flight: 0 }\npublic_url: x\nclients: [ { name: c, scopes: [ read ] } ]\n",
            vec!["127.0.0.1:8080", "1 to 100000", "https://", "nothing to show"],
        ),
    ] {
        let loaded = parse(text);
        let told = messages(&loaded);
        assert!(loaded.config.is_none());
        for words in all {
            assert!(told.contains(words), "{words}\n{told}");
        }
    }
}

#[test]
fn what_is_no_file_or_no_yaml_is_told() {
    let missing = config::load(Path::new("/nowhere/doorward.yaml"), &env);
    assert!(missing.config.is_none() && messages(&missing).contains("--config"));
    for text in ["", "listen: [", "- a", "listen: &a x", "listen: x\nlisten: y", "\u{0}"] {
        let loaded = parse(text);
        assert!(loaded.config.is_none() && !loaded.diagnostics.is_empty(), "{text:?}");
    }
}

#[test]
fn the_committed_schema_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/doorward.schema.json");
    expect_test::expect_file![path].assert_eq(&format!("{:#}\n", config::schema()));
}
