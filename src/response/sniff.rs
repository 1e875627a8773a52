//! What a reply is when the connector says `format: auto`.
//!
//! The Content-Type decides if it names JSON, XML or a form; else the first character does. `text/html` decides only
//! between HTML and XML, because many servers send JSON under it. One guess, no second try: a body that is not what
//! it was taken for is undecodable.

use super::BodyKind;

/// Root elements that mean a page and not XML, for fragments without a doctype.
const HTML_ELEMENTS: [&str; 24] = [
    "html", "head", "body", "title", "meta", "link", "style", "script", "base", "div", "p", "br", "hr", "h1", "h2",
    "h3", "center", "font", "span", "table", "form", "a", "b", "img",
];

/// How far the first element is looked for: comments may stand before it, a whole page of them is no page.
const WINDOW: usize = 1024;

/// Takes the Content-Type and the body (its bytes may still be in any charset).
pub(super) fn kind(content_type: Option<&str>, body: &[u8]) -> BodyKind {
    let media = content_type.unwrap_or("").split(';').next().unwrap_or("").trim().to_ascii_lowercase();
    let subtype = media.split_once('/').map_or("", |(_, subtype)| subtype);
    match subtype {
        "json" | "x-json" => return BodyKind::Json,
        "x-www-form-urlencoded" => return BodyKind::Form,
        "xml" => return BodyKind::Xml,
        "xhtml+xml" => return BodyKind::Html,
        _ if subtype.ends_with("+json") => return BodyKind::Json,
        _ if subtype.ends_with("+xml") => return BodyKind::Xml,
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
        Some('{' | '[') => BodyKind::Json,
        Some('<') if is_page(start, media == "text/html") => BodyKind::Html,
        Some('<') => BodyKind::Xml,
        _ => BodyKind::Text,
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
            (Some("application/json"), &b"<html>"[..], BodyKind::Json),
            (Some("application/problem+json; charset=utf-8"), b"", BodyKind::Json),
            (Some("TEXT/XML"), b"{}", BodyKind::Xml),
            (Some("application/soap+xml"), b"", BodyKind::Xml),
            (Some("application/xhtml+xml"), b"<?xml version='1.0'?>", BodyKind::Html),
            (Some("application/x-www-form-urlencoded"), b"a=b", BodyKind::Form),
            (Some("text/html"), b" {\"code\":1}", BodyKind::Json),
            (Some("text/html"), b"<reply/>", BodyKind::Html),
            (Some("text/html"), b"<?xml version='1.0'?><reply/>", BodyKind::Xml),
            (Some("text/html"), b"<?xml version='1.0'?><!DOCTYPE html><html>", BodyKind::Html),
            (Some("text/plain"), b"yes", BodyKind::Text),
            (Some("text/plain"), b"[1]", BodyKind::Json),
            (Some("image/png"), b"\x89PNG", BodyKind::Text),
            (None, b"", BodyKind::Text),
            (None, b"  \r\n", BodyKind::Text),
            (None, b"\"x\"", BodyKind::Text),
            (None, b"\n<!-- hi --> <!DocType HTML>", BodyKind::Html),
            (None, b"<!DOCTYPE note SYSTEM 'x'><note/>", BodyKind::Xml),
            (None, b"<script>alert('no')</script>", BodyKind::Html),
            (None, b"<cas:serviceResponse xmlns:cas='u'>", BodyKind::Xml),
            (None, b"<user><name>x</name></user>", BodyKind::Xml),
            (None, b"\xef\xbb\xbf{}", BodyKind::Json),
            (None, b"\xff\xfe{\0}\0", BodyKind::Json),
            (None, b"\xff\xfe<\0h\0t\0m\0l\0>\0", BodyKind::Html),
        ] {
            assert_eq!(kind(content_type, body), wanted, "{content_type:?} {body:?}");
        }
    }
}
