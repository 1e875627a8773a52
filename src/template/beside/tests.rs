use super::*;
use crate::template::Language;

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
        // A name is full of these; one hole in fixed text is told from it all the same.
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
    // A parser of JSON or XML makes characters of the bytes before anybody splits.
    assert!(!clash(text, "gbk", Place::JsonString, "亅") && !clash(text, "gbk", Place::XmlText, "亅"));
    assert!(!clash(text, "utf-8", Place::Text, "亅"));
    // Two characters hold the bytes of a third between them, and a value's last byte those of the separator behind it.
    let wide = "{{env.a}}\u{3000}{{env.b}}";
    assert!(clash(wide, "gbk", Place::Text, "x\u{3000}y"));
    assert_eq!(Charset::parse("gbk").unwrap().encode("丁").unwrap()[1], 0xa1);
    assert!(clash(wide, "gbk", Place::Text, "丁") && !clash(wide, "utf-8", Place::Text, "丁"));
}
