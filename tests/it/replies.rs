//! Replies as upstreams send them: formats, charsets, caps, cookies.

use doorward::cookies::parse_date;
use doorward::document::{PairsSpec, Path, Value, from_json, to_json};
use doorward::response::{BodyKind, Decoded, Decoding, Format, ReplyCharset, decode};

use crate::support::corpora;

mod encrypted;
mod hostile;

fn reply(format: Format, content_type: Option<&str>, body: &[u8]) -> Decoded {
    decode(&Decoding { format, charset: ReplyCharset::Auto, ..Decoding::default() }, content_type, body)
}

/// The document as JSON, or `undecodable`.
fn json(decoded: &Decoded) -> String {
    decoded.document.as_ref().map_or_else(|_| "undecodable".to_owned(), to_json)
}

#[test]
fn each_format_has_its_shape() {
    let pairs = || Format::Pairs(PairsSpec::default());
    let commas = || Format::Pairs(PairsSpec { between: ",".into(), after_key: ":".into(), last: None });
    for (format, content_type, body, wanted) in [
        (Format::Json, None, "{\"id\":1234567890123456789,\"x\":1.10}", r#"{"id":1234567890123456789,"x":1.10}"#),
        (Format::Json, None, "\u{feff}{}", "{}"),
        (Format::Json, None, "\r\n\n \u{b}\u{feff}{}", "{}"),
        (Format::Json, None, "x{}", "undecodable"),
        (Format::Json, None, "", "undecodable"),
        (Format::Json, None, "{\"a\":1,\"a\":1}", "undecodable"),
        (Format::Json, None, "[1e10000]", "undecodable"),
        (Format::Json, None, "<html>", "undecodable"),
        (Format::Xml, None, "<r><code>0</code></r>", r#"{"r":{"code":"0"}}"#),
        (Format::Xml, None, "\r\n\r\n<?xml version=\"1.0\"?>\r\n<r>0</r>", r#"{"r":"0"}"#),
        (Format::Auto, Some("text/html"), "\n\n<?xml version=\"1.0\"?><r>0</r>", r#"{"r":"0"}"#),
        (Format::Xml, None, "{}", "undecodable"),
        (Format::Xml, None, "<!DOCTYPE r><r/>", "undecodable"),
        (Format::Form, None, "code=0&msg=%E5%A5%BD+x\r\n", r#"{"code":"0","msg":"好 x"}"#),
        (Format::Form, None, "code=0&code=0", "undecodable"),
        (Format::Form, None, "code=0&flag", "undecodable"),
        (Format::Form, None, "Maintenance", "undecodable"),
        (Format::Form, None, "<p class='x'>Maintenance</p>", "undecodable"),
        (Format::Form, None, "", "{}"),
        (pairs(), None, "code = 0\r\nmsg=a=b\r\n", r#"{"code":"0","msg":"a=b"}"#),
        (pairs(), None, "code=0\ncode=1", "undecodable"),
        (pairs(), None, "yes", "undecodable"),
        (pairs(), None, "", "{}"),
        (commas(), None, "code:0, msg: ok,", r#"{"code":"0","msg":"ok"}"#),
        (commas(), None, "code:0, code :1", "undecodable"),
        (commas(), None, "code:0, :1", "undecodable"),
        (Format::Html, None, "<title>T</title><p>x", r#"{"title":"T","text":"x"}"#),
        (Format::Html, None, "{}", r#"{"title":null,"text":"{}"}"#),
        (Format::Text, Some("application/json"), " yes", r#"{"text":" yes"}"#),
        (Format::Text, None, "yes\r\n", r#"{"text":"yes"}"#),
        (Format::Text, None, "yes\n", r#"{"text":"yes"}"#),
        (Format::Text, None, "\nyes\r\n\r\n", r#"{"text":"\nyes\r\n"}"#),
        (Format::Text, None, "yes ", r#"{"text":"yes "}"#),
        (Format::Bytes, Some("image/png"), "\u{1}PNG", r#"{"content_type":"image/png","base64":"AVBORw=="}"#),
        (Format::Bytes, None, "", r#"{"content_type":null,"base64":""}"#),
        (Format::Auto, Some("application/json"), "", "undecodable"),
        (Format::Auto, None, "", "{}"),
        (Format::Text, None, "", "{}"),
        (Format::Text, None, "\r\n", "{}"),
        (Format::Auto, Some("text/html"), "{\"code\":0}", r#"{"code":0}"#),
        (Format::Auto, None, "a=1&b=2", r#"{"text":"a=1&b=2"}"#),
    ] {
        let written = format!("{format:?} {content_type:?} {body:?}");
        assert_eq!(json(&reply(format, content_type, body.as_bytes())), wanted, "{written}");
    }
    assert_eq!(json(&reply(Format::Bytes, None, b"\xff\xfe\xfd")), r#"{"content_type":null,"base64":"//79"}"#);
}

#[test]
fn an_error_says_why_and_quotes_nothing() {
    for (format, body) in [
        (Format::Json, "{\"password\": hunter2}"),
        (Format::Json, "{\"hunter2\":1,\"hunter2\":2}"),
        (Format::Xml, "<hunter2></hunter3>"),
        (Format::Xml, "<a hunter2/>"),
        (Format::Xml, "<a>&hunter2;</a>"),
        (Format::Xml, "hunter2"),
        (Format::Form, "hunter2=1&hunter2=%zz"),
        (Format::Form, "hunter2=1&hunter2=1"),
        (Format::Pairs(PairsSpec::default()), "hunter2"),
    ] {
        let decoded = reply(format, None, body.as_bytes());
        let why = decoded.document.expect_err(body);
        assert!(!why.contains("hunter") && why.len() > 10, "{why}");
    }
}

#[test]
fn what_a_page_says_in_explain() {
    let decoded = reply(Format::Auto, Some("text/html; charset=utf-8"), b"<!doctype html><title>Sign in</title>");
    assert_eq!((decoded.kind, decoded.html_title.as_deref()), (BodyKind::Html, Some("Sign in")));
    assert_eq!(decoded.kind.phrase(), "an HTML page");
}

#[test]
fn charsets_of_the_field() {
    let encoded = |encoding: &'static encoding_rs::Encoding, text: &str| encoding.encode(text).0.into_owned();
    let utf16 = |text: &str, big: bool| -> Vec<u8> {
        text.encode_utf16().flat_map(|unit| if big { unit.to_be_bytes() } else { unit.to_le_bytes() }).collect()
    };
    let text = r#"{"msg":"用户名或密码错误"}"#;
    let xml = |charset: &str| format!("<?xml version=\"1.0\" encoding=\"{charset}\"?><r>密码错误</r>");
    let html = |charset: &str| format!("<html><meta charset='{charset}'><title>密码错误</title>");
    let mut with_bom = vec![0xff, 0xfe];
    with_bom.extend(utf16(text, false));
    let message = r#"{"msg":"用户名或密码错误"}"#;
    for (content_type, body, wanted) in [
        (Some("application/json;charset=GBK"), encoded(encoding_rs::GBK, text), message),
        (Some("application/json;charset=gb2312"), encoded(encoding_rs::GBK, text), message),
        (Some("application/json;charset=GB18030"), encoded(encoding_rs::GB18030, r#"{"m":"𠮷"}"#), r#"{"m":"𠮷"}"#),
        (
            Some("application/json;charset=big5"),
            encoded(encoding_rs::BIG5, r#"{"m":"密碼錯誤"}"#),
            r#"{"m":"密碼錯誤"}"#,
        ),
        (Some("application/json;charset=utf-16le"), utf16(text, false), message),
        (Some("application/json;charset=utf-16be"), utf16(text, true), message),
        (None, with_bom, message),
        (Some("application/json"), encoded(encoding_rs::GBK, text), "undecodable"),
        (Some("application/json;charset=utf-8"), encoded(encoding_rs::GBK, text), "undecodable"),
        (Some("application/json;charset=utf-16le"), text.as_bytes().to_vec(), "undecodable"),
        (None, encoded(encoding_rs::GBK, &xml("GBK")), r#"{"r":"密码错误"}"#),
        (Some("text/xml"), encoded(encoding_rs::GB18030, &xml("gb18030")), r#"{"r":"密码错误"}"#),
        (Some("text/xml; charset=utf-8"), encoded(encoding_rs::GBK, &xml("GBK")), "undecodable"),
        (Some("text/xml"), xml("utf-16").into_bytes(), r#"{"r":"密码错误"}"#),
        (Some("text/html"), encoded(encoding_rs::GBK, &html("gb2312")), r#"{"title":"密码错误","text":""}"#),
        (Some("text/html"), encoded(encoding_rs::GBK, "<html><title>密码错误</title>"), "undecodable"),
    ] {
        assert_eq!(json(&reply(Format::Auto, content_type, &body)), wanted, "{content_type:?}");
    }
    let gbk = Decoding { format: Format::Json, charset: ReplyCharset::parse("gbk").unwrap(), ..Decoding::default() };
    let named = decode(&gbk, Some("application/json; charset=utf-8"), &encoded(encoding_rs::GBK, text));
    assert_eq!(json(&named), message);
    assert_eq!(
        json(&reply(Format::Form, Some("x/y;charset=gbk"), b"m=%C3%DC%C2%EB&n=\xc3\xdc")),
        r#"{"m":"密码","n":"密"}"#
    );
}

/// The dates of http-state's corpus.
#[test]
fn cookie_dates() {
    for file in ["cookies/dates/examples.json", "cookies/dates/bsd-examples.json"] {
        let Some(path) = corpora::path(file) else { return };
        let text = std::fs::read_to_string(path).unwrap();
        let plain: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        let Value::Array(cases) = from_json(plain.as_bytes()).unwrap() else { panic!("{file}") };
        for case in cases {
            let written = case.get("test").and_then(Value::scalar_text).unwrap();
            let wanted = case.get("expected").and_then(Value::scalar_text).map(|date| parse_date(date).unwrap());
            assert_eq!(parse_date(written), wanted, "{file}: {written}");
        }
    }
    assert_eq!(parse_date("Mon, 10 Dec 2007 17:02:24 GMT"), Some(1_197_306_144));
}

/// The spans between backticks of a table's row.
fn spans(row: &str) -> Vec<&str> {
    row.split('`').skip(1).step_by(2).collect()
}

/// docs/replies.md teaches by examples; here they run.
#[test]
fn the_examples_of_the_page_hold() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/replies.md")).unwrap();
    let (mut xml, mut fields) = (0, 0);
    let mut sample = None;
    for row in page.lines().filter(|line| line.starts_with('|')) {
        let cells = spans(row);
        if let ["path", ..] = row.trim_matches(['|', ' ']).split(' ').collect::<Vec<_>>()[..] {
            sample = Some(from_json(cells[0].as_bytes()).unwrap());
        } else if row.starts_with("| `<") {
            let wanted = cells.get(1).filter(|cell| cell.starts_with("{\"r\""));
            let found = json(&reply(Format::Xml, None, cells[0].as_bytes()));
            assert_eq!(found, wanted.map_or("undecodable", |cell| cell), "{row}");
            xml += 1;
        } else if let (Some(sample), Some((paths, outcome))) = (&sample, row.trim_start_matches('|').split_once(" | "))
        {
            if outcome.starts_with("the ") {
                break;
            }
            let outcome = outcome.split('`').nth(1).filter(|_| outcome.starts_with('`'));
            for path in spans(paths) {
                let found = Path::parse(path).ok().map(|path| path.get(sample).map(to_json));
                match outcome {
                    Some(wanted) => assert_eq!(found, Some(Some(wanted.to_owned())), "{row}"),
                    None if path == "$" => assert_eq!(found, Some(Some(to_json(sample))), "{row}"),
                    None => assert_eq!(found, None, "{row}"),
                }
                fields += 1;
            }
        }
    }
    assert_eq!((xml, fields), (7, 12));
}
