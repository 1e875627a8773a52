use boa_engine::{Context, JsValue};

use super::{NotJson, Numbers, read};

fn show(text: &str) -> String {
    let mut context = Context::default();
    let value = read(text, Numbers::Kept, &mut context).unwrap();
    context.global_object().set(boa_engine::js_string!("v"), value, true, &mut context).unwrap();
    let code = "typeof v === 'string' ? 'string ' + v : JSON.stringify(v)";
    let shown = context.eval(boa_engine::Source::from_bytes(code)).unwrap();
    shown.as_string().unwrap().to_std_string_lossy()
}

#[test]
fn numbers_keep_their_digits() {
    for (text, expected) in [
        ("0", "0"),
        ("-7", "-7"),
        ("9007199254740991", "9007199254740991"),
        ("9007199254740992", "string 9007199254740992"),
        ("1234567890123456789", "string 1234567890123456789"),
        ("-1234567890123456789", "string -1234567890123456789"),
        ("1.5", "1.5"),
        ("0.30000000000000004", "0.30000000000000004"),
        ("1.00000000000000000001", "string 1.00000000000000000001"),
        ("1e400", "string 1e400"),
        ("1e3", "1000"),
    ] {
        assert_eq!(show(text), expected, "{text}");
    }
}

#[test]
fn shapes_order_and_escapes_survive() {
    for text in [
        r#"{"b":1,"a":[true,false,null,"x"],"中":{"":[]}}"#,
        r#"["a\"b\\c\n\u0000","😀","é"]"#,
        r#"{"__proto__":{"x":1},"constructor":2}"#,
    ] {
        assert_eq!(show(text), text);
    }
}

#[test]
fn what_is_not_json_is_refused() {
    let mut context = Context::default();
    let deep = "[".repeat(5000) + &"]".repeat(5000);
    for text in [
        "",
        "{",
        "[1,]",
        "{\"a\" 1}",
        "\"abc",
        "\"abc\\",
        "tru",
        "1 2",
        "-",
        "nan",
        "{a:1}",
        "01",
        "1.",
        "-",
        ".5",
        "1e",
        "+1",
        "\"a\nb\"",
        "\"\\ud800\"",
        deep.as_str(),
    ] {
        assert_eq!(read(text, Numbers::Kept, &mut context).map(|_: JsValue| ()), Err(NotJson));
    }
}
