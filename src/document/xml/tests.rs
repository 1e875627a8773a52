use super::{MAX_ATTRIBUTES, MAX_ELEMENT_DEPTH};
use crate::document::{Value, to_json};

fn decode(text: &str) -> Result<Value, String> {
    super::from_xml(text).map_err(|error| error.to_string())
}

#[test]
fn shapes() {
    for (xml, wanted) in [
        ("<r/>", r#"{"r":""}"#),
        ("<r></r>", r#"{"r":""}"#),
        ("<r>ok</r>", r#"{"r":"ok"}"#),
        ("\n<?xml-stylesheet href='x'?>\n<r> ok\n</r>\n<!-- bye -->\n", r#"{"r":"ok"}"#),
        ("<?xml version=\"1.0\" encoding=\"UTF-8\"?><r>中</r>", r#"{"r":"中"}"#),
        ("\n\r\n <?xml version='1.0'?>\n<r>ok</r>", r#"{"r":"ok"}"#),
        ("\r\n\u{feff}<?xml version='1.0'?><r>ok</r>", r#"{"r":"ok"}"#),
        ("<r><code>200</code><msg>好</msg></r>", r#"{"r":{"code":"200","msg":"好"}}"#),
        ("<r><i>1</i><x/><i>2</i><i>3</i></r>", r#"{"r":{"i":["1","2","3"],"x":""}}"#),
        (r#"<r id="7">ok</r>"#, r##"{"r":{"@id":"7","#text":"ok"}}"##),
        (r#"<r id="7"/>"#, r##"{"r":{"@id":"7","#text":""}}"##),
        (r#"<r id="7"> <a/> </r>"#, r#"{"r":{"@id":"7","a":""}}"#),
        ("<r>one <b>two</b> three</r>", r##"{"r":{"b":"two","#text":"one  three"}}"##),
        ("<r>a<!-- c -->b<![CDATA[ <c> & ]]>d&amp;&lt;&#x4e2d;&#65;</r>", r#"{"r":"ab <c> & d&<中A"}"#),
        ("<r>&#32;&#32;x&#10;</r>", r#"{"r":"x"}"#),
        ("<r>\u{3000}x\u{a0}</r>", "{\"r\":\"\u{3000}x\u{a0}\"}"),
        ("<r>a\r\nb\rc</r>", r#"{"r":"a\nb\nc"}"#),
        ("<r a='x&quot;&#9;y\nz'/>", r##"{"r":{"@a":"x\"\ty z","#text":""}}"##),
        (
            "<cas:serviceResponse xmlns:cas='http://www.yale.edu/tp/cas'><cas:authenticationSuccess><cas:user>zhangsan\
             </cas:user></cas:authenticationSuccess></cas:serviceResponse>",
            r#"{"serviceResponse":{"authenticationSuccess":{"user":"zhangsan"}}}"#,
        ),
        ("<a:r xmlns:a='u' xmlns='v' a:x='1' y='2'/>", r##"{"r":{"@x":"1","@y":"2","#text":""}}"##),
        ("<登录 结果='是'>成功</登录>", r##"{"登录":{"@结果":"是","#text":"成功"}}"##),
    ] {
        assert_eq!(decode(xml).map(|value| to_json(&value)).as_deref(), Ok(wanted), "{xml}");
    }
}

#[test]
fn what_is_not_well_formed_or_not_safe_has_no_document() {
    for xml in [
        "",
        "  ",
        "text",
        "<a>",
        "<a></b>",
        "</a>",
        "<a/><b/>",
        "<a/>text",
        "text<a/>",
        "<a/><![CDATA[x]]>",
        "&amp;<a/>",
        "<a>&nbsp;</a>",
        "<a>&</a>",
        "<a>a & b</a>",
        "<a>&#0;</a>",
        "<a>&#1;</a>",
        "<a>&#xD800;</a>",
        "<a>&#xFFFF;</a>",
        "<a>\u{1}</a>",
        "<a>\0</a>",
        "<a>]]></a>",
        "<a b='1' b='2'/>",
        "<a x:b='1' y:b='2'/>",
        "<a x:b='1' b='2'/>",
        "<a b=1/>",
        "<a b/>",
        "<a b='<'/>",
        "<a b='&x;'/>",
        "<a b='&#2;'/>",
        "<1a/>",
        "<a:/>",
        "<:a/>",
        "<a:b:c/>",
        "<a<b/>",
        "< a/>",
        "<!DOCTYPE a><a/>",
        "<!DOCTYPE a [<!ENTITY x 'y'>]><a>&x;</a>",
        "<!doctype html><html></html>",
        "<a/><?xml version='1.0'?>",
        "x<?xml version='1.0'?><a/>",
        "<a><!-- never closed </a>",
        "<a",
        "<a b='",
    ] {
        let error = decode(xml).expect_err(xml);
        assert!(error.starts_with("not XML that can be relied on, near line 1: "), "{error}");
    }
}

#[test]
fn caps_on_depth_and_attributes() {
    let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
    assert!(decode(&nested(MAX_ELEMENT_DEPTH)).is_ok());
    assert!(decode(&nested(MAX_ELEMENT_DEPTH + 1)).unwrap_err().contains("too deep"));
    assert!(decode(&"<a>".repeat(350_000)).unwrap_err().contains("too deep"));
    let wide = |count: usize| format!("<r {}/>", (0..count).map(|n| format!("a{n}='1' ")).collect::<Vec<_>>().concat());
    assert!(decode(&wide(MAX_ATTRIBUTES)).is_ok());
    assert!(decode(&wide(MAX_ATTRIBUTES + 1)).unwrap_err().contains("too many"));
    assert!(decode(&wide(60_000)).unwrap_err().contains("too many"));
    assert!(decode(&format!("<r>{}</r>", "<i/>".repeat(200_000))).unwrap_err().contains("too many"));
    let references = format!("<r>{}</r>", "&amp;".repeat(200_000));
    assert_eq!(decode(&references).unwrap().get("r").unwrap().scalar_text().unwrap().len(), 200_000);
}

#[test]
fn the_deepest_xml_is_no_deeper_than_a_value_may_be() {
    // Every element repeated: an array and an object a level.
    let mut xml = String::from("x");
    for _ in 0..MAX_ELEMENT_DEPTH - 1 {
        xml = format!("<a>1</a><a>{xml}</a>");
    }
    let document = decode(&format!("<r>{xml}</r>")).unwrap();
    assert!(crate::document::from_json(to_json(&document).as_bytes()).is_ok());
}

#[test]
fn an_error_names_the_line_and_quotes_nothing() {
    let error = decode("<r>\n<password>hunter2</passwort>\n</r>").unwrap_err();
    assert_eq!(error, "not XML that can be relied on, near line 2: an end tag that does not match its start");
    let error = decode("\n\n<?xml version='1.0'?>\n<r>\n</s>").unwrap_err();
    assert!(error.contains("near line 5"), "{error}");
}
