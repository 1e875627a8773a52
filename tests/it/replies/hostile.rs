//! Bodies that are meant to break a decoder: nothing panics, overflows the stack or stays for long.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use doorward::context::Work;
use doorward::document::{PairsSpec, Path, to_json};
use doorward::packing::{Otherwise, Packing, PackingFormat, unpack};
use doorward::response::source::{CapturePattern, Css};
use doorward::response::{Decoding, Format, ReplyCharset, ReplyView, Source, Wanted, decode};
use http::HeaderMap;
use proptest::prelude::*;

/// Decodes in every way and reads every kind of source that looks at the body.
fn exercise(content_type: Option<&str>, body: &[u8]) {
    let pairs = || Format::Pairs(PairsSpec::default());
    for format in
        [Format::Auto, Format::Json, Format::Xml, Format::Form, pairs(), Format::Html, Format::Text, Format::Bytes]
    {
        read_all(format, content_type, body);
    }
}

fn css(selectors: &[&str]) -> Vec<Css> {
    selectors.iter().map(|selector| Css::parse(selector, None).unwrap()).collect()
}

fn read_all(format: Format, content_type: Option<&str>, body: &[u8]) {
    let css = css(&["p > a:not(.x) b, td:nth-child(2n+1), div div div div span", "[href]"]);
    let wanted = Wanted { css: css.clone(), ..Wanted::default() }.into();
    let decoded =
        decode(&Decoding { format, charset: ReplyCharset::Auto, wanted, ..Decoding::default() }, content_type, body);
    let headers = HeaderMap::new();
    let view = ReplyView::new(200, &headers, &decoded, 0);
    let [first, second] = css.try_into().unwrap();
    for source in [
        Source::Field(Path::parse("a.b[0]").unwrap()),
        Source::Regex(CapturePattern::parse("a(b*)c").unwrap()),
        Source::Css(first),
        Source::Css(second),
    ] {
        source.read(&view, &Work::default());
    }
    if let Ok(document) = &decoded.document {
        // Walking, writing and dropping a document recurse; none may be too deep for that.
        to_json(document);
    }
}

/// One mebibyte, the transport's default cap, of what is worst for each decoder.
#[test]
fn a_mebibyte_of_trouble() {
    const SIZE: usize = 1024 * 1024;
    let fill = |unit: &str| unit.repeat(SIZE / unit.len());
    let wide = (0..90_000).map(|n| format!("\"k{n}\":1,")).collect::<Vec<_>>().concat();
    let attributes = (0..70_000).map(|n| format!(" a{n}='1'")).collect::<Vec<_>>().concat();
    let numbered = (0..50_000).map(|n| format!("k{n}=1&\n")).collect::<Vec<_>>().concat();
    let pairs = || Format::Pairs(PairsSpec::default());
    for (format, body) in [
        (Format::Json, fill("[")),
        (Format::Json, fill("{\"a\":")),
        (Format::Json, format!("{{{wide}\"z\":1}}")),
        (Format::Json, format!("[{}0]", fill("0,"))),
        (Format::Json, format!("\"{}\"", fill("\\u0041"))),
        (Format::Json, "9".repeat(SIZE)),
        (Format::Xml, fill("<a>")),
        (Format::Xml, fill("<a></a>")),
        (Format::Xml, fill("<![CDATA[")),
        (Format::Xml, fill("<?xml ")),
        (Format::Xml, format!("<r>{}</r>", "&amp;".repeat(200_000))),
        (Format::Xml, format!("<r>{}</r>", fill("<i/>"))),
        (Format::Xml, format!("<r{attributes}/>")),
        (Format::Html, fill("<a><b></a>")),
        (Format::Html, fill("<!--")),
        (Format::Html, fill("<table><tr><td>")),
        (Format::Html, fill("<p><font size=1>")),
        (Format::Html, format!("<r{attributes}/>")),
        (Format::Html, format!("<html>{}", "&amp;".repeat(200_000))),
        (Format::Html, "\0".repeat(SIZE)),
        (Format::Form, fill("a=1&")),
        (Format::Form, fill("%41")),
        (Format::Form, numbered.clone()),
        (pairs(), fill("\n=")),
        (pairs(), numbered),
        (Format::Auto, fill("<a>")),
        (Format::Auto, fill("[[")),
        (Format::Auto, fill("<!-- -->")),
        (Format::Text, fill("&")),
    ] {
        read_all(format, None, body.as_bytes());
    }
}

/// Nothing in a selector may cost the square of a page. (Only here, without optimisation, `:nth-child` does: the
/// selectors crate checks its cache against a new count then. So the pages are not the largest.)
#[test]
fn css_over_deep_and_wide_pages_ends() {
    let headers = HeaderMap::new();
    let css = css(&[
        "p div > div div div div span",
        ":is(p, q) div i",
        "div > div + p",
        "p:nth-last-child(3)",
        "*:not(div)",
        "[a]",
        "p",
    ]);
    let wanted: Arc<Wanted> = Wanted { css: css.clone(), ..Wanted::default() }.into();
    for body in ["<div>".repeat(200), "<div><p>x</p></div>".repeat(1000), format!("<div>{}", "<p>".repeat(1000))] {
        let decoding = Decoding { format: Format::Html, wanted: wanted.clone(), ..Decoding::default() };
        let decoded = decode(&decoding, None, body.as_bytes());
        assert!(decoded.document.is_ok(), "{body:.40}");
        let view = ReplyView::new(200, &headers, &decoded, 0);
        for css in &css {
            Source::Css(css.clone()).read(&view, &Work::default());
        }
    }
}

/// Text near what decoders care about: markup, JSON, escapes.
fn near_text() -> impl Strategy<Value = String> {
    let atoms = prop::sample::select(vec![
        "<",
        ">",
        "</",
        "/>",
        "<a",
        "<b ",
        "<p>",
        "</p>",
        "<table>",
        "<td>",
        "</table>",
        "<select>",
        "<option>",
        "<svg>",
        "<math>",
        "<template>",
        "</template>",
        "<script>",
        "</script>",
        "<title>",
        "<frameset>",
        "<form>",
        "</form>",
        "<i>",
        "</i>",
        "</b>",
        "<!--",
        "-->",
        "<![CDATA[",
        "]]>",
        "<?xml version='1.0'?>",
        "<!DOCTYPE html>",
        "&",
        "&amp;",
        "&#0;",
        "&#xD800;",
        ";",
        "=",
        "\"",
        "'",
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "1",
        "-",
        "e9",
        "0.",
        "null",
        "\\u12",
        "\\",
        "%",
        "%41",
        "+",
        "\u{feff}",
        "\0",
        "\r\n",
        " ",
        "\t",
        "中",
        "é",
        "a",
        "b",
        "href=",
        "class=x",
        "$",
        ".",
        "//",
        "/*",
        "xmlns:a",
        "a:b",
    ]);
    prop::collection::vec(atoms, 0..60).prop_map(|atoms| atoms.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic_any_decoder(body in prop::collection::vec(any::<u8>(), 0..400)) {
        exercise(None, &body);
    }

    #[test]
    fn no_text_panics_any_decoder(body in near_text()) {
        exercise(Some("text/html; charset=gbk"), body.as_bytes());
        exercise(None, body.as_bytes());
    }

    #[test]
    fn no_content_type_panics(content_type in "\\PC{0,60}", body in near_text()) {
        decode(&Decoding::default(), Some(&content_type), body.as_bytes());
    }

    #[test]
    fn no_text_panics_a_path_or_an_unpacking(text in near_text()) {
        let _ = Path::parse(&text);
        let _ = Path::parse(&format!("${text}"));
        for format in [PackingFormat::Json5, PackingFormat::Form, PackingFormat::Pairs(PairsSpec::default())] {
            let _ = unpack(&Packing { format: format.clone(), otherwise: Otherwise::Refused }, &text);
            let whole = Packing { format, otherwise: Otherwise::Field("password".to_owned()) };
            prop_assert!(unpack(&whole, &text).is_ok());
        }
        let _ = Css::parse(&text, None);
        let _ = CapturePattern::parse(&text);
    }

    #[test]
    fn no_bytes_panic_set_cookie(field in prop::collection::vec(any::<u8>(), 0..200), text in "[a-z=; ,:0-9-]{0,80}") {
        let _ = doorward::cookies::SetCookie::parse(&field, 0);
        let _ = doorward::cookies::SetCookie::parse(text.as_bytes(), i64::MAX);
        let _ = doorward::cookies::parse_date(&text);
    }
}
