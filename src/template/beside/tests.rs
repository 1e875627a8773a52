use super::*;
use crate::template::{Language, Line};

/// What a name may not hold in the first hole, as a text of the characters that were refused.
fn refused(text: &str, place: Place, charset: &str) -> String {
    let template = Template::parse(text, &Language::default()).unwrap();
    let charset = Charset::parse(charset).unwrap();
    let guard = Bits::of(&template).guards(place, charset).remove(0);
    let Some(separators) = guard.separators else { return String::new() };
    let ascii = (0..=0x7f).map(char::from);
    ascii.filter(|c| separators.occur_in(&Datum::Text(c.to_string().into()))).collect()
}

#[test]
fn what_stands_beside_a_hole() {
    for (place, text, wanted) in [
        (Place::Header, "{{env.a}}", ""),
        (Place::Header, "Bearer {{env.a}}", ""),
        (Place::Header, "user=\"{{env.a}}\", pw=\"{{env.b}}\"", "\0\n\r\"\\"),
        (Place::Header, "user={{env.a}} , pw={{env.b}}", "\0\n\r ,="),
        (Place::Header, "LOGIN {{env.a}} {{env.b}}", "\0\n\r "),
        (Place::QueryValue, "id:{{env.a}}", "\0\n\r:"),
        // A name is full of these; one hole in fixed text is separated from it all the same.
        (Place::PathSegment, "x-{{env.a}}.json", ""),
        (Place::PathSegment, "{{env.a}}.{{env.b}}", "\0\n\r."),
        (Place::PathSegment, "{{env.a}}@corp", "\0\n\r@"),
        (Place::JsonString, "x{{env.a}}y", ""),
        (Place::JsonString, "{{env.a}}{{env.b}}", ""),
        (Place::JsonString, "{{env.a}}x{{env.b}}", "\0\n\rx"),
        (Place::JsonString, "{\"a\":'{{env.a}}'}", "\0\n\r'\\"),
        // Blanks around a value, as between tags, separate nothing.
        (Place::XmlText, "\n  {{env.a}}\n", ""),
        (Place::FormValue, "<{{env.a}}>", "\0\n\r&<>"),
        (Place::BasicUser, "corp\\{{env.a}}", "\0\n\r\\"),
        (Place::Plain, "a: {{env.a}}; {{env.b}}", ""),
        // A text body is all there is: line ends end it, and what stands beside a hole counts whatever it is.
        (Place::Text, "{{env.a}}", "\0\n\r"),
        (Place::Text, "A {{env.a}}", "\0\n\r "),
        (Place::Text, "x-{{env.a}}", "\0\n\r-"),
        // An encoded hole separates, too.
        (Place::Text, "u={{env.a}};p:{{env.b | base64}}|", "\0\n\r:;=|"),
    ] {
        assert_eq!(refused(text, place, "utf-8"), wanted, "{text}");
    }
}

#[test]
fn holes_that_are_free() {
    let template = "{{env.a}}:{{env.a | base64}}:{{time.iso8601}}:{{env.a | quoted}}:{{env.a | upper}}";
    let template = Template::parse(template, &Language::default()).unwrap();
    let mut context = crate::context::Context::default();
    context.env.insert("a".into(), "a:b".into());
    let free = |index: usize| {
        let hole = template.holes().nth(index).unwrap();
        let mut line = crate::template::Line::default();
        line.push_guarded(
            hole,
            Place::Header,
            &Bits::of(&template).guards(Place::Header, Charset::UTF_8)[index],
            &mut vec![],
        );
        line.render(&context, Charset::UTF_8, &mut Vec::new()).is_ok()
    };
    assert_eq!([0, 1, 2, 3, 4].map(free), [false, true, true, true, false]);
}

/// `admin?` is `YWRtaW4/` in base64: with `/` behind it a reader has `YWRtaW4`, which is `admin`.
#[test]
fn a_spelling_does_not_hold_what_ends_it() {
    let goes_out = |text: &str, place: Place, value: &str| {
        let template = Template::parse(text, &Language::default()).unwrap();
        let mut context = crate::context::Context::default();
        context.env.insert("a".into(), value.into());
        context.env.insert("b".into(), "pw".into());
        let line = Line::compile(&template, place, Charset::UTF_8, &mut vec![]);
        line.render(&context, Charset::UTF_8, &mut Vec::new()).is_ok()
    };
    for (text, place, value, wanted) in [
        ("{{env.a | base64}}/{{env.b | base64}}", Place::Header, "admin?x", false),
        ("{{env.a | base64}}/{{env.b | base64}}", Place::Header, "admin", true),
        ("{{env.a | base64}}+{{env.b}}", Place::JsonString, "admin>x", false),
        ("{{env.a | base64url}}-{{env.b}}", Place::FormValue, "admin>x", false),
        ("{{env.a | base64url}}.{{env.b}}", Place::FormValue, "admin>x", true),
        ("{{env.a | urlencode}}-{{env.b}}", Place::Header, "admin-x", false),
        ("{{env.a | urlencode}} . {{env.b}}", Place::Header, "admin.x", false),
        ("{{env.a | urlencode}}%{{env.b}}", Place::Text, "admin x", false),
        ("{{env.b}}~{{env.a | urlencode | default(\"-\")}}", Place::Text, "a~b", false),
        ("{{env.a | urlencode}}--{{env.b}}", Place::Text, "admin-", false),
        ("{{env.a | urlencode}}|{{env.b}}", Place::Text, "admin|", true),
        ("{{env.a | hex}}00{{env.b | hex}}", Place::JsonString, "a\u{0}b", false),
        // What stands only before it, or behind the last one, ends nothing; nor is a digest chosen letter by letter.
        ("u={{env.a | base64}}&p={{env.b | base64}}", Place::Text, "a", true),
        ("x-{{env.a | urlencode}}-y", Place::Header, "a-b", true),
        ("{{env.a | sha256(\"base64\")}}/{{env.b}}", Place::Header, "1", true),
        ("{{env.a | json}}|{{env.b | json}}", Place::Text, "a|b", true),
    ] {
        assert_eq!(goes_out(text, place, value), wanted, "{text} {value}");
    }
}

#[test]
fn bytes_of_a_charset_are_compared() {
    let clash = |text: &str, charset: &str, place: Place, value: &str| {
        let template = Template::parse(text, &Language::default()).unwrap();
        let charset = Charset::parse(charset).unwrap();
        let guards = Bits::of(&template).guards(place, charset);
        guards[0].separators.as_ref().unwrap().occur_in(&Datum::Text(value.to_owned().into()))
    };
    let text = "{{env.a}}|{{env.b}}";
    // Its second byte is a bar.
    assert!(clash(text, "gbk", Place::Text, "亅") && clash(text, "gbk", Place::FormValue, "亅"));
    // A parser of JSON or XML makes characters of the bytes before a server splits the text.
    assert!(!clash(text, "gbk", Place::JsonString, "亅") && !clash(text, "gbk", Place::XmlText, "亅"));
    assert!(!clash(text, "utf-8", Place::Text, "亅"));
    // Two characters hold the bytes of a third between them, and a value's last byte those of the separator behind it.
    let wide = "{{env.a}}\u{3000}{{env.b}}";
    assert!(clash(wide, "gbk", Place::Text, "x\u{3000}y"));
    assert_eq!(Charset::parse("gbk").unwrap().encode("丁").unwrap()[1], 0xa1);
    assert!(clash(wide, "gbk", Place::Text, "丁") && !clash(wide, "utf-8", Place::Text, "丁"));
}
