use super::*;

/// `|` is the cursor.
fn at(text: &str) -> (String, PlaceKind) {
    let place = place(text.split('|').next().unwrap());
    let path = place.path.iter().map(|part| match part {
        PathPart::Key(key) => format!("/{key}"),
        PathPart::Item => "/-".to_owned(),
    });
    (path.collect(), place.kind)
}

#[test]
fn a_cursor_is_found_in_texts_that_are_no_yaml() {
    use PlaceKind::{Key, Text, Value};
    for (text, path, kind) in [
        ("|", "", Key),
        ("ver|", "", Key),
        ("version: |", "/version", Value),
        ("steps:\n  - |", "/steps/-", Key),
        ("steps:\n- name: a\n  req|", "/steps/-", Key),
        ("steps:\n  - name: a\n    request:\n      |", "/steps/-/request", Key),
        ("steps:\n  - name: a\n    request:\n      method: |", "/steps/-/request/method", Value),
        ("steps:\n  - name: a\n    request:\n      method: POST\n    |", "/steps/-", Key),
        ("steps:\n  - name: a\n    response: { success: { field: |", "/steps/-/response/success/field", Value),
        ("steps:\n  - name: a\n    response: { success: { |", "/steps/-/response/success", Key),
        (
            "steps:\n  - name: a\n    response:\n      reject:\n        - { when: { field: code, eq|",
            "/steps/-/response/reject/-/when",
            Key,
        ),
        (
            "steps:\n  - name: a\n    response:\n      reject:\n        - { when: { field: code }, reason: |",
            "/steps/-/response/reject/-/reason",
            Value,
        ),
        (
            "steps:\n  - name: a\n    response: { success: { all: [ { field: a, equals: 1 }, { f|",
            "/steps/-/response/success/all/-",
            Key,
        ),
        ("steps:\n  - name: a\n    variables: |", "/steps/-/variables", Value),
        ("a: \"x: { y: |", "/a", Value),
        ("a: \"x\\\"y\" # b: |", "/a", Text),
        ("# a: |", "", Text),
        ("a: { \"b c\": { d: |", "/a/b c/d", Value),
        ("\u{feff}a:\r\n  b: |", "/a/b", Value),
        ("a: [ 1, 2 ]\nb: |", "/b", Value),
        ("a: {\n  b: 1,\n  c|", "/a", Key),
        ("a: }]}]\n  - - : ::\nb: |", "/b", Value),
        ("url: https://a:1/|", "/url", Value),
    ] {
        assert_eq!(at(text), (path.to_owned(), kind), "{text:?}");
    }
    // A text of several lines holds no keys.
    assert_eq!(at("script: >-\n  a: 1\n  b:").1, Text);
    let after = format!("script: {}\n  a: {{ b\nnext: ", '|');
    assert_eq!(place(&after).path, [PathPart::Key("next".to_owned())]);
}

#[test]
fn the_step_and_what_stands_before_are_known() {
    let text = "steps:\n  - name: first\n    request: { url: x }\n  - name: \"second\" # two\n    role: factor\n    ";
    let place = place(text);
    assert_eq!(place.step.as_deref(), Some("second"));
    assert_eq!(place.siblings, ["name", "role"]);
    let keys = keys(
        "secrets: { k: { env: K } }\nsteps:\n  - name: a\n    response:\n      capture: { token: data.token, \"b\": x }\n",
    );
    let captures: Vec<_> = keys.iter().filter(|seen| seen.below == "steps[].response.capture").collect();
    assert_eq!(captures.iter().map(|seen| seen.key.as_str()).collect::<Vec<_>>(), ["token", "b"]);
    assert_eq!(captures[0].step.as_deref(), Some("a"));
    assert!(keys.iter().any(|seen| seen.below == "secrets" && seen.key == "k"), "{keys:?}");
}

proptest::proptest! {
    #[test]
    fn no_text_stops_the_scanner(text in "[a-c:{}\\[\\]\"' \n#|>\\-\r,é😀]{0,200}") {
        place(&text);
        keys(&text);
    }
}
