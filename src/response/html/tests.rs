use scraper::Selector;

use super::{Page, guard, text_of};
use crate::document::to_json;

fn document(html: &str) -> String {
    to_json(&Page::parse(html).unwrap().document())
}

#[test]
fn title_and_text_as_a_reader_sees_them() {
    for (html, wanted) in [
        ("", r#"{"title":null,"text":""}"#),
        ("<title> Sign\n in </title>", r#"{"title":"Sign in","text":""}"#),
        ("<p>a<p>b", r#"{"title":null,"text":"a b"}"#),
        ("<b>1</b>23 <i> x</i>", r#"{"title":null,"text":"123 x"}"#),
        ("a&nbsp;&amp;&#20013;<br>b", r#"{"title":null,"text":"a &中 b"}"#),
        (
            "<html><head><title>登录</title><style>p{}</style><script>var a=1</script></head><body><h1>错误</h1><noscript>x\
             </noscript><template>y</template><ul><li>密码<li>用户</ul></body>",
            r#"{"title":"登录","text":"错误 密码 用户"}"#,
        ),
        ("<svg><title>logo</title></svg>", r#"{"title":null,"text":""}"#),
        ("<textarea> a </textarea>", r#"{"title":null,"text":"a"}"#),
    ] {
        assert_eq!(document(html), wanted, "{html}");
    }
}

#[test]
fn the_shown_title_is_one_short_line() {
    let page = Page::parse(&format!("<title>a\u{1b}[31m{}</title>", "x".repeat(500))).unwrap();
    let title = page.shown_title().unwrap();
    assert!(title.starts_with("a[31mx") && title.len() == 100, "{title}");
    assert_eq!(Page::parse("<title></title>").unwrap().shown_title(), None);
}

#[test]
fn elements_by_selector() {
    let page = Page::parse("<div class='msg err'> 密码 <b>错误</b></div><input name=lt value=' LT-1 '>").unwrap();
    let css = |text: &str| Selector::parse(text).unwrap();
    let selector = css(".err");
    assert_eq!(page.select(&selector).map(text_of).collect::<Vec<_>>(), ["密码 错误"]);
    let selector = css("input[name=lt]");
    assert_eq!(page.select(&selector).filter_map(|hit| hit.attr("value")).collect::<Vec<_>>(), [" LT-1 "]);
}

#[test]
fn hostile_pages_are_given_up() {
    let fonts = (0..20_000).map(|n| format!("<p><font a={n}>")).collect::<Vec<_>>().concat();
    let tag = (0..200_000).map(|n| format!(" a{n}")).collect::<Vec<_>>().concat();
    for (html, cause) in [
        ("<div>".repeat(200_000), "nested too deep"),
        ("<a>".repeat(350_000), "too many elements and attributes"),
        ("<table><td>".repeat(90_000), "nested too deep"),
        ("<svg>".repeat(200_000), "nested too deep"),
        ("<template>".repeat(100_000), "nested too deep"),
        ("<table><b>".repeat(100_000), ""),
        ("<table><a>x".repeat(100_000), ""),
        (fonts.clone(), ""),
        (fonts.replace("<p>", "</p><p>"), ""),
        ("<b><p></b>".repeat(100_000), ""),
        ("<a><p></a>".repeat(100_000), ""),
        ("<br>".repeat(250_000), "too many elements and attributes"),
        ("<!---->".repeat(150_000), "too many elements and attributes"),
        (format!("<p{tag}>"), "a tag with too many attributes"),
        (format!("<html{tag}>"), "a tag with too many attributes"),
        (format!("</p{tag}>"), "a tag with too many attributes"),
        (format!("</p{}>", (0..500).map(|n| format!(" {n}")).collect::<Vec<_>>().concat()).repeat(500), ""),
        (format!("<p{}", " a".repeat(500_000)), "a tag with too many attributes"),
    ] {
        match Page::parse(&html) {
            Err(given) if cause.is_empty() => assert!(!given.is_empty()),
            Err(given) => assert_eq!(given, cause, "{html:.30}"),
            Ok(_) => panic!("{html:.30} should be given up"),
        }
    }
    assert!(Page::parse(&"<div>".repeat(guard::MAX_DEPTH - 10)).is_ok());
    // Large but plain: a view state of ASP.NET, a long comment, a long script, long text.
    for html in [
        format!("<input value='{}'>", format!("{}/{}+", "a".repeat(40), "b".repeat(22)).repeat(5_000)),
        format!("<!-- {} -->", "word ".repeat(5_000)),
        format!("<script>{}</script>", "if (a < b && c / d) { e = 'f g'; }\n".repeat(20_000)),
        "text &amp; more ".repeat(60_000),
        "<p>x".repeat(20_000),
    ] {
        assert!(Page::parse(&html).is_ok(), "{html:.30}");
    }
}
