//! http-state's parser cases (the suite behind RFC 6265): what a browser that got these fields sends back, and where.

use doorward::cookies::{Jar, MAX_SET_COOKIES};
use doorward::document::{Value, from_json};
use http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use url::Url;

use crate::support::corpora;

/// When the corpus was written: its dates of 2019 are to come, those of 2007 are over.
const NOW: i64 = 1_300_000_000;

/// Where the fields of every case come from.
const FROM: &str = "http://home.example.org:8888/cookie-parser";

/// RFC 6265bis contradicts these: a field with a control character is let go as a whole, and `%6F` in the path of a request
/// is not the `o` of a cookie's path.
const DISABLED: [&str; 3] = ["DISABLED_CHROMIUM0022", "DISABLED_CHROMIUM0023", "DISABLED_PATH0029"];

#[test]
fn every_case_of_the_suite() {
    let Some(path) = corpora::path("cookies/parser.json") else { return };
    let Value::Array(cases) = from_json(&std::fs::read(path).unwrap()).unwrap() else { panic!("no cases") };
    let from = Url::parse(FROM).unwrap();
    let mut run = 0;
    for case in &cases {
        let text = |value: &Value, key: &str| value.get(key).and_then(Value::scalar_text).map(str::to_owned);
        let name = text(case, "test").unwrap();
        let (Some(Value::Array(received)), Some(Value::Array(sent))) = (case.get("received"), case.get("sent")) else {
            panic!("{name} is no case of the suite");
        };
        if DISABLED.contains(&name.as_str()) {
            continue;
        }
        let mut headers = HeaderMap::new();
        for field in received {
            let field = HeaderValue::from_bytes(field.scalar_text().unwrap().as_bytes()).unwrap();
            headers.append(SET_COOKIE, field);
        }
        assert!(received.len() <= MAX_SET_COOKIES);
        let mut jar = Jar::default();
        jar.store(&headers, &from, NOW);
        let to = text(case, "sent-to").unwrap_or_else(|| "/cookie-parser-result".to_owned());
        let to = from.join(&to).unwrap();
        let found: Vec<(String, String)> = jar
            .for_request(&to, NOW)
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.expose().to_owned()))
            .collect();
        let wanted: Vec<(String, String)> =
            sent.iter().map(|cookie| (text(cookie, "name").unwrap(), text(cookie, "value").unwrap())).collect();
        assert_eq!(found, wanted, "{name}");
        run += 1;
    }
    assert_eq!(run, 219);
}
