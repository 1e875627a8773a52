use encoding_rs::{GBK, UTF_8, UTF_16LE};

use super::{MAX_BYTES, MAX_FIELDS};
use crate::context::{Enctype, FieldKind, Form};
use crate::response::html::Page;
use crate::response::source::Css;

fn form(html: &str, css: &str) -> Result<Form, String> {
    Page::parse(html).unwrap().form(&Css::parse(css, None).unwrap(), UTF_8).map_err(|why| why.to_string())
}

/// What a browser sends: `name=value`, and `(name)` for a place that is empty until it is set.
fn sent(html: &str) -> String {
    let form = form(&format!("<!DOCTYPE html><form id=f>{html}</form>"), "#f").unwrap();
    written(&form)
}

fn written(form: &Form) -> String {
    let entry = |field: &crate::context::Field| match &field.value {
        Some(value) => format!("{}={value}", field.name),
        None => format!("({})", field.name),
    };
    form.fields.iter().map(entry).collect::<Vec<_>>().join("&")
}

#[test]
fn inputs_by_type() {
    for (html, wanted) in [
        ("<input name=u value=a><input name=p type=password>", "u=a&p="),
        ("<input value=a><input name='' value=b>", ""),
        ("<input type=hidden name=t value=' x\ny '>", "t= x\ny "),
        ("<input name=t value=' x&#13;&#10;y '>", "t= xy "),
        ("<input type=EMAIL name=t value=' a@b\n '>", "t=a@b"),
        ("<input type=url name=t value=' http://a '>", "t=http://a"),
        (
            "<input type=number name=a value=1.5e3><input type=number name=b value=x><input type=number name=c value='1.'>",
            "a=1.5e3&b=&c=",
        ),
        ("<input type=klingon name=t value=a>", "t=a"),
        (
            "<input type=checkbox name=a><input type=checkbox name=b checked><input type=checkbox name=c value=1 checked>",
            "(a)&b=on&c=1",
        ),
        (
            "<input type=radio name=r value=1 checked><input type=radio name=r value=2 checked><input type=radio name=r value=3>",
            "(r)&r=2&(r)",
        ),
        ("<input type=radio name=r value=1 checked><input type=radio name=r value=2 checked disabled>", "(r)&(r)"),
        (
            "<input type=submit name=a value=1><input type=image name=b><input type=reset name=c><input type=button name=d value=x>",
            "(a)&(b)&(c)&(d)",
        ),
        ("<button name=a value=1>x</button>", "(a)"),
        ("<input type=file name=a value=x>", "a="),
        ("<input type=hidden name=_CHARSET_ value=x>", "_CHARSET_="),
        (
            "<input name=a dirname=a.dir><p dir=RTL><textarea name=b dirname=b.dir></textarea></p>",
            "a=&a.dir=ltr&b=&b.dir=rtl",
        ),
        ("<datalist><input name=a></datalist><object name=o></object><output name=x>1</output>", ""),
    ] {
        assert_eq!(sent(html), wanted, "{html}");
    }
    let kinds = form("<form><input type=hidden name=_charset_><input type=file name=a>", "form").unwrap();
    assert_eq!(kinds.fields.iter().map(|field| field.kind).collect::<Vec<_>>(), [FieldKind::Charset, FieldKind::File]);
}

#[test]
fn text_areas_and_lists() {
    for (html, wanted) in [
        ("<textarea name=t>\n\na\r\nb&#13;c </textarea>", "t=\na\nb\nc "),
        ("<select name=s><option>a<option value=2> b </select>", "s=a"),
        ("<select name=s><option>a<option selected> b \n c <option value=d></select>", "s=b c"),
        ("<select name=s><option selected value=1><option selected value=2></select>", "s=2"),
        (
            "<select name=s><option disabled value=1><optgroup disabled><option value=2></optgroup><option value=3></select>",
            "s=3",
        ),
        ("<select name=s><option value=1><option value=2 selected disabled></select>", "(s)"),
        ("<select name=s size=2><option value=1></select>", "(s)"),
        ("<select name=s></select>", "(s)"),
        (
            "<select name=s multiple><option value=1><option value=2 selected><option value=3 selected></select>",
            "s=2&s=3",
        ),
        ("<select name=s multiple><option value=1></select>", "(s)"),
    ] {
        assert_eq!(sent(html), wanted, "{html}");
    }
}

#[test]
fn disabled_controls_keep_their_place_only() {
    for (html, wanted) in [
        ("<input name=a disabled><select name=b disabled><option selected>x</select>", "(a)&(b)"),
        ("<textarea name=a disabled>x</textarea><input type=hidden name=b value=1 disabled>", "(a)&(b)"),
        (
            "<fieldset disabled><legend><input name=a></legend><legend><input name=b></legend><div><input name=c></div></fieldset>",
            "a=&(b)&(c)",
        ),
        ("<fieldset disabled><fieldset><legend><input name=a></legend></fieldset></fieldset>", "(a)"),
        ("<fieldset><input name=a></fieldset>", "a="),
    ] {
        assert_eq!(sent(html), wanted, "{html}");
    }
}

/// Which controls are a form's own: by the `form` attribute, by where the tag stood, by what is around.
#[test]
fn owners() {
    for (html, wanted) in [
        ("<form id=f><input name=a></form><input name=b form=f><input name=c>", "a=&b="),
        ("<input name=b form=f><form id=f><input name=a><input name=c form=g><input name=d form=''></form>", "b=&a="),
        // Only the first element of an id counts, and a form that is not the first has no name.
        ("<p id=f></p><form id=f><input name=a></form><input name=b form=f>", "a="),
        // What old portals are made of: the table throws the form's content out of it.
        (
            "<table><form id=f><tr><td><input name=a></td></tr><tr><td><input name=b></table><input name=c></form><input name=d>",
            "a=&b=&c=",
        ),
        ("<div><form id=f><div></form><input name=a></div></div><input name=b>", "a="),
        ("<form id=f><form id=g><input name=a></form><input name=b>", "a="),
        ("<form id=f><template><input name=a></template><svg><input name=b></svg></form>", ""),
        ("<form id=f><math><input name=a></math><svg><foreignObject><input name=b></foreignObject></svg></form>", "b="),
    ] {
        assert_eq!(
            form(&format!("<!DOCTYPE html>{html}"), "form#f").map(|form| written(&form)).unwrap(),
            wanted,
            "{html}"
        );
    }
}

#[test]
fn how_it_is_sent() {
    for (attributes, enctype) in [
        ("", Enctype::UrlEncoded),
        ("enctype=klingon", Enctype::UrlEncoded),
        ("enctype=Multipart/Form-Data", Enctype::Multipart),
        ("enctype=text/plain", Enctype::Plain),
    ] {
        assert_eq!(form(&format!("<form {attributes}>"), "form").unwrap().enctype, enctype, "{attributes}");
    }
    for (attributes, page, wanted) in [
        ("", UTF_8, "UTF-8"),
        ("", GBK, "GBK"),
        ("", UTF_16LE, "UTF-8"),
        ("accept-charset='klingon gb18030 utf-8'", UTF_8, "gb18030"),
        ("accept-charset='klingon'", GBK, "UTF-8"),
        ("accept-charset=''", GBK, "UTF-8"),
        ("accept-charset=utf-16", GBK, "UTF-8"),
    ] {
        let page_of = Page::parse(&format!("<form {attributes}>")).unwrap();
        let form = page_of.form(&Css::parse("form", None).unwrap(), page).unwrap();
        assert_eq!(form.charset, wanted, "{attributes} {}", page.name());
    }
}

#[test]
fn no_form_and_why() {
    let many = "<input name=a>".repeat(MAX_FIELDS + 1);
    let large = format!("<input type=hidden name=a value='{}'>", "x".repeat(MAX_BYTES));
    for (html, css, wanted) in [
        ("<form id=f>", "#login", "has no form #login"),
        ("<div id=login><form>", "#login", "has no form #login: the element is a <div>"),
        ("<form class=a></form><form class=a>", ".a", "has more than one form .a"),
        ("<template><form id=f></form></template>", "#f", "has no form #f"),
        (&format!("<form>{many}"), "form", "has a form form with more than 1024 fields"),
        (&format!("<form>{large}"), "form", "has a form form with more than 256 KiB of values"),
    ] {
        assert_eq!(form(html, css).unwrap_err(), wanted, "{html:.60}");
    }
    // A wrapper of the same class is no second form.
    assert!(form("<div class=a><form class=a>", ".a").is_ok());
}

#[test]
fn the_base_of_links() {
    for (html, wanted) in [
        ("<base target=x><base href=/a/><base href=/b/>", Some("/a/")),
        ("<a href=/x>", None),
        ("<svg><base href=/x/></svg>", None),
        ("<body><p><base href=/late/>", Some("/late/")),
    ] {
        assert_eq!(Page::parse(html).unwrap().base().as_deref(), wanted, "{html}");
    }
}

#[test]
fn values_are_not_shown() {
    let form = form("<form><input type=hidden name=token value=hunter2>", "form").unwrap();
    assert!(!format!("{form:?}").contains("hunter2"));
}
