use std::sync::Arc;

use super::*;
use crate::diagnostic::{Diagnostics, SourceFile, Style as Colours, render, render_json};

fn read(text: &str) -> (Option<Node>, Vec<crate::diagnostic::Diagnostic>) {
    let mut diagnostics = Diagnostics::new(Arc::new(SourceFile { path: "a.yaml".into(), text: text.into() }));
    let node = parse(&mut diagnostics);
    (node, diagnostics.into_list())
}

fn codes(text: &str) -> Vec<&'static str> {
    read(text).1.iter().map(|diagnostic| diagnostic.code).collect()
}

fn entry<'n>(node: &'n Node, key: &str) -> &'n Node {
    let NodeValue::Map(entries) = &node.value else { panic!("no map: {node:?}") };
    &entries.iter().find(|entry| entry.key == key).unwrap().value
}

fn scalar(node: &Node) -> &Scalar {
    let NodeValue::Scalar(scalar) = &node.value else { panic!("no scalar: {node:?}") };
    scalar
}

#[test]
fn nodes_know_where_and_how_they_were_written() {
    let text =
        "标题: 你好\nlist:\n  - \"q {{x}}\"\n  - 0000\nscript: |\n    first\n      second {{y}}\n\nmap: { a: 'b' }\n";
    let (node, diagnostics) = read(text);
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let node = node.unwrap();
    assert_eq!(&text[entry(&node, "标题").span.clone()], "你好");
    let NodeValue::List(items) = &entry(&node, "list").value else { panic!() };
    assert_eq!(&text[items[0].span.clone()], "\"q {{x}}\"");
    assert_eq!(scalar(&items[0]).style, Style::Quoted);
    assert_eq!(scalar(&items[1]).core(), Core::OddNumber);
    let script = scalar(entry(&node, "script"));
    assert_eq!((script.text.as_str(), script.style), ("first\n  second {{y}}\n", Style::Block));
    let y = script.text.find("{{y}}").unwrap();
    assert_eq!(&text[script.pieces.span_of(y..y + 5).unwrap()], "{{y}}");
    assert_eq!(&text[entry(&node, "map").span.clone()], "{ a: 'b' }");
}

#[test]
fn line_ends_byte_order_marks_and_json_are_read() {
    let (node, diagnostics) = read("\u{feff}a: 1\r\nb: |\r\n  x\r\n  y {{z}}\r\n标: c\r\n");
    assert!(diagnostics.is_empty(), "{diagnostics:?}");
    let node = node.unwrap();
    assert_eq!(scalar(entry(&node, "b")).text, "x\ny {{z}}\n");
    let at = scalar(entry(&node, "b")).pieces.span_of(2..3).unwrap();
    assert_eq!(at, "\u{feff}a: 1\r\nb: |\r\n  x\r\n  ".len()..at.start + 1);
    assert_eq!(codes("{\n\t\"a\": [ 1, true, null, \"\\u0041\\/\" ],\n\t\"b\": {}\n}"), [""; 0]);
}

#[test]
fn a_missing_value_is_shown_at_its_key() {
    let (node, _) = read("a: 1\nbc:\nd: 2\n");
    let node = node.unwrap();
    assert_eq!(entry(&node, "bc").span, 5..7);
    assert_eq!(scalar(entry(&node, "bc")).core(), Core::Absent);
}

#[test]
fn all_mistakes_that_leave_the_rest_readable_are_told() {
    let text = "a: &x 1\nb: *x\nc: !!str 1\na: 2\nd: {{v}}\n? [k]\n: 1\nd: 3\n";
    assert_eq!(
        codes(text),
        ["anchor", "alias", "tag", "duplicate-key", "quote-braces", "complex-key", "duplicate-key"]
    );
}

#[test]
fn depth_is_bounded_in_every_style() {
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(codes(&nested(MAX_DEPTH)), [""; 0]);
    for text in [
        nested(MAX_DEPTH + 1),
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        "? ".repeat(100_000),
        (0..1000).flat_map(|n| [" ".repeat(n), "a:\n".into()]).collect(),
    ] {
        assert_eq!(codes(&text).last(), Some(&"too-deep"), "{:?}", &text[..20]);
    }
}

/// Files that make readers of YAML hang, overflow or grow: each ends, with a bounded number of mistakes that render.
#[test]
fn hostile_files_are_refused_in_bounded_time() {
    // A quarter of the largest file shows what grows out of bounds and keeps the test short.
    let full = |part: &str| part.repeat(MAX_BYTES / 4 / part.len());
    let many_keys: String = (0..60_000).flat_map(|n| ["k".into(), n.to_string(), ": 1\n".into()]).collect();
    for text in [
        "\0".into(),
        "a: \u{1}".into(),
        "a: \u{feff}".into(),
        "x".repeat(MAX_BYTES + 1),
        "x".repeat(MAX_BYTES),
        full("x "),
        full("x\n"),
        full("\t"),
        full(" "),
        full("\n"),
        full("\r"),
        full("'"),
        full("\""),
        full("\"\n"),
        full("# x\n"),
        full("---\n"),
        full("...\n"),
        full("%A b\n"),
        full("%TAG !a! b\n"),
        full("&a "),
        full("&a\n"),
        full("*a "),
        full("!a "),
        full("!<a> "),
        full(": "),
        full("a: "),
        full("a:\n"),
        full("a: 1\n"),
        full("- a\n"),
        full("-\n"),
        full("{},"),
        full("]"),
        full("{{x}} "),
        full("a: {{x}}\n"),
        full("用户"),
        format!("a: |\n{}", full(" ")),
        format!("a: |\n  {}", full("x\n  ")),
        format!("a: >\n  {}", full("x\n\n  ")),
        format!("[{}]", full("a,")),
        format!("[{}]", full("\"a\":")),
        format!("{{{}}}", full("a,")),
        format!("{{{}}}", full("? ,")),
        format!("a: \"{}\"", full("\\n")),
        format!("a: '{}'", full("''")),
        format!("\"{}\": 1", full("k")),
        many_keys,
    ] {
        let start: String = text.chars().take(12).collect();
        let (_, diagnostics) = read(&text);
        assert!(diagnostics.len() <= 101, "{start:?}: {}", diagnostics.len());
        assert!(render(&diagnostics, Colours::Coloured).len() < 1 << 20, "{start:?}");
        assert!(render_json(&diagnostics).len() < 1 << 20, "{start:?}");
    }
}

#[test]
fn every_prefix_and_every_missing_byte_of_a_file_is_survived() {
    let text =
        "a: { b: [ \"c\\n\", 'd', {{e}} ] } # 注\nf: |\n  g\n\n  h: >-\n- &i j\n? *k : !l m\n%n\r\n\"o\": \t@p\n";
    for cut in (0..=text.len()).filter(|cut| text.is_char_boundary(*cut)) {
        let (_, diagnostics) = read(&text[..cut]);
        render(&diagnostics, Colours::Plain);
        if let Some(next) = text[cut..].chars().next() {
            let (_, diagnostics) = read(&format!("{}{}", &text[..cut], &text[cut + next.len_utf8()..]));
            render(&diagnostics, Colours::Plain);
        }
    }
}
