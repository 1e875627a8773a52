//! What a reply is when the connector says `format: auto`.
//!
//! The Content-Type decides if it names JSON, XML or a form; else the first character does. `text/html` decides only
//! between HTML and XML, because many servers send JSON under it. One guess, no second try: a body that is not what
//! it was taken for is undecodable.

use super::Kind;

/// Root elements that mean a page and not XML, for fragments without a doctype.
const HTML_ELEMENTS: [&str; 24] = [
    "html", "head", "body", "title", "meta", "link", "style", "script", "base", "div", "p", "br", "hr", "h1", "h2",
    "h3", "center", "font", "span", "table", "form", "a", "b", "img",
];

/// How far the first element is looked for: comments may stand before it, a whole page of them is no page.
const WINDOW: usize = 1024;

/// Takes the Content-Type and the body (its bytes may still be in any charset).
pub(super) fn kind(content_type: Option<&str>, body: &[u8]) -> Kind {
    let media = content_type.unwrap_or("").split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let subtype = media.split_once('/').map_or("", |(_, subtype)| subtype);
    match subtype {
        "json" | "x-json" => return Kind::Json,
        "x-www-form-urlencoded" => return Kind::Form,
        "xml" => return Kind::Xml,
        "xhtml+xml" => return Kind::Html,
        _ if subtype.ends_with("+json") => return Kind::Json,
        _ if subtype.ends_with("+xml") => return Kind::Xml,
        _ => {}
    }
    // UTF-16 shows its ASCII characters with a zero byte beside each; a BOM is no character.
    let ascii: String = body
        .iter()
        .take(WINDOW)
        .filter(|byte| !matches!(byte, 0 | 0xef | 0xbb | 0xbf | 0xfe | 0xff))
        .map(|byte| char::from(byte.to_ascii_lowercase()))
        .collect();
    let start = ascii.trim_start();
    match start.chars().next() {
        Some('{' | '[') => Kind::Json,
        Some('<') if is_page(start, media == "text/html") => Kind::Html,
        Some('<') => Kind::Xml,
        _ => Kind::Text,
    }
}

/// Whether a body that is not what was declared is a page instead, by its first characters: a page begins with its
/// doctype or its root; comments before them are rare and only cost the title.
pub(super) fn starts_as_page(text: &str) -> bool {
    let start: String = text.trim_start().chars().take(16).collect::<String>().to_ascii_lowercase();
    start.starts_with("<!doctype html") || start.starts_with("<html") || start.starts_with("<head")
}

/// Whether markup is a page. `hint`: the Content-Type says so.
fn is_page(mut rest: &str, hint: bool) -> bool {
    let mut xml_declared = false;
    loop {
        rest = rest.trim_start();
        let skipped = if let Some(declaration) = rest.strip_prefix("<?xml") {
            xml_declared = true;
            declaration.split_once("?>")
        } else if let Some(comment) = rest.strip_prefix("<!--") {
            comment.split_once("-->")
        } else {
            break;
        };
        match skipped {
            Some((_, after)) => rest = after,
            None => return hint && !xml_declared,
        }
    }
    if let Some(doctype) = rest.strip_prefix("<!doctype") {
        return doctype.trim_start().starts_with("html");
    }
    let name = rest.trim_start_matches('<').split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or("");
    name == "html" || (!xml_declared && (hint || HTML_ELEMENTS.contains(&name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_content_type_then_the_first_character() {
        for (content_type, body, wanted) in [
            (Some("application/json"), &b"<html>"[..], Kind::Json),
            (Some("application/problem+json; charset=utf-8"), b"", Kind::Json),
            (Some("TEXT/XML"), b"{}", Kind::Xml),
            (Some("application/soap+xml"), b"", Kind::Xml),
            (Some("application/xhtml+xml"), b"<?xml version='1.0'?>", Kind::Html),
            (Some("application/x-www-form-urlencoded"), b"a=b", Kind::Form),
            (Some("text/html"), b" {\"code\":1}", Kind::Json),
            (Some("text/html"), b"<reply/>", Kind::Html),
            (Some("text/html"), b"<?xml version='1.0'?><reply/>", Kind::Xml),
            (Some("text/html"), b"<?xml version='1.0'?><!DOCTYPE html><html>", Kind::Html),
            (Some("text/plain"), b"yes", Kind::Text),
            (Some("text/plain"), b"[1]", Kind::Json),
            (Some("image/png"), b"\x89PNG", Kind::Text),
            (None, b"", Kind::Text),
            (None, b"  \r\n", Kind::Text),
            (None, b"\"x\"", Kind::Text),
            (None, b"\n<!-- hi --> <!DocType HTML>", Kind::Html),
            (None, b"<!DOCTYPE note SYSTEM 'x'><note/>", Kind::Xml),
            (None, b"<script>alert('no')</script>", Kind::Html),
            (None, b"<cas:serviceResponse xmlns:cas='u'>", Kind::Xml),
            (None, b"<user><name>x</name></user>", Kind::Xml),
            (None, b"\xef\xbb\xbf{}", Kind::Json),
            (None, b"\xff\xfe{\0}\0", Kind::Json),
            (None, b"\xff\xfe<\0h\0t\0m\0l\0>\0", Kind::Html),
        ] {
            assert_eq!(kind(content_type, body), wanted, "{content_type:?} {body:?}");
        }
    }
}
