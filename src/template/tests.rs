use super::*;
use crate::context::{Missing, PageFacts, StepFacts, StepOutcome, User};
use crate::document::{Number, from_json};

fn language() -> Language {
    let mut language = Language { time_zone: TimeZone::get("Asia/Shanghai").unwrap(), ..Language::default() };
    language.settings.insert("base".into(), Setting::Text("https://a/{{user.username}}${base}".into()));
    language
}

fn context() -> Context {
    let user = User { username: "zhangsan".into(), password: "p w".into(), ..User::default() };
    let mut context = Context { user, ..Context::default() };
    context.secrets = std::sync::Arc::new([("k".to_owned(), "Jefe".into())].into());
    context.env.insert("object".into(), from_json(br#"{"a":[1,"x",null]}"#).unwrap());
    context.env.insert("nothing".into(), Value::Null);
    context.env.insert("text".into(), Value::from("what do ya want for nothing?"));
    context.env.insert("padded".into(), Value::from("  é x "));
    context.env.insert("quote".into(), Value::from("\"\\"));
    context.env.insert("gbk".into(), Value::from("誠中"));
    context.env.insert("bad".into(), Value::from("%zz"));
    context.env.insert("big".into(), Value::Number(Number::parse("1234567890123456789").unwrap()));
    context.step.unix = 1_767_294_245;
    let captures = [("token".to_owned(), Some(Value::from("t"))), ("phone".to_owned(), None)];
    let facts = StepFacts {
        outcome: StepOutcome::Success,
        status: Some(200),
        captures: captures.into_iter().collect(),
        page: PageFacts::default(),
    };
    context.steps.insert("login".into(), facts);
    context
}

fn parse(text: &str) -> Template {
    Template::parse(text, &language()).unwrap()
}

fn plain(text: &str) -> Result<String, RenderError> {
    let bytes = parse(text).render(Place::Plain, &context(), Charset::UTF_8)?;
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

fn mistakes(text: &str) -> Vec<Mistake> {
    Template::parse(text, &language()).unwrap_err()
}

#[test]
fn filters() {
    for (text, wanted) in [
        ("{{user.username | md5}}", "01d7f40760960e7bd9443513f22ab9af"),
        ("{{user.username|md5|upper}}", "01D7F40760960E7BD9443513F22AB9AF"),
        ("{{user.username | md5('base64')}}", "Adf0B2CWDnvZRDUT8iq5rw=="),
        ("{{user.username | md5(base64url)}}", "Adf0B2CWDnvZRDUT8iq5rw"),
        ("{{env.text | hmac_md5(secret.k)}}", "750c783e6ab0b503eaa86e310a5db738"),
        (
            "{{env.text | hmac_sha256(secret.k, \"hex\")}}",
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        ),
        ("{{user.userPassword | base64}}", "cCB3"),
        ("{{user.userPassword | hex}}", "702077"),
        ("{{user.userPassword | hex | unhex | base64}}", "cCB3"),
        ("{{user.userPassword | quoted}}", "\"p w\""),
        ("n=\"{{user.username | quoted}}\", p={{user.userPassword | quoted}}", "n=\"zhangsan\", p=\"p w\""),
        ("a=\"\\\"{{env.quote | quoted}}\", b={{env.quote | quoted}}", "a=\"\\\"\\\"\\\\\", b=\"\\\"\\\\\""),
        ("{{env.gbk | json | encode('gbk') | hex}}", "225c7538616130d6d022"),
        ("{{user.userPassword | urlencode}}", "p%20w"),
        ("{{user.userPassword | urlencode | urldecode}}", "p w"),
        ("{{env.padded | trim | upper}}", "É X"),
        ("{{env.padded | trim | first(1)}}", "é"),
        ("{{env.object | json}}", r#"{"a":[1,"x",null]}"#),
        ("{{user.userPassword | json}}", "\"p w\""),
        ("{{env.big}} {{env.big | string}}", "1234567890123456789 1234567890123456789"),
        ("{{time.unix | date(\"yyyyMMddHHmmss\")}}", "20260102030405"),
        ("{{user.username | encode('gbk') | md5}}", "01d7f40760960e7bd9443513f22ab9af"),
        ("{{steps.login.phone | default(\"none\")}}", "none"),
        ("{{steps.login.phone | md5 | default('')}}", ""),
        ("{{steps.other.phone | default(7)}}", "7"),
        ("{{user.clientIp | default(\"0.0.0.0\") | lower}}", "0.0.0.0"),
        ("{{env.nothing | default(\"x\")}}", "x"),
        ("{{env.unset | default(\"x\")}}", "x"),
        ("{{user.username | default(\"x\")}}", "zhangsan"),
        ("{{steps.login.status}} {{steps.login.outcome}}", "200 success"),
        ("a {{ \"{{\" }} b {{'${'}}", "a {{ b ${"),
        ("}} $ { } {", "}} $ { } {"),
        ("${base}", "https://a/{{user.username}}${base}"),
    ] {
        assert_eq!(plain(text).as_deref(), Ok(wanted), "{text}");
    }
}

#[test]
fn who_is_to_blame() {
    let user = |text: &str| assert!(matches!(plain(text), Err(RenderError::FromUser { .. })), "{text}");
    let unfit = |text: &str| assert!(matches!(plain(text), Err(RenderError::Unfit { .. })), "{text}");
    user("{{env.bad | urldecode}}");
    user("{{user.username | unhex | base64}}");
    user("{{user.username | date(\"yyyy\")}}");
    unfit("{{steps.login.token | unhex | base64}}");
    unfit("{{secret.k | unhex | base64}}");
    unfit("{{env.object}}");
    unfit("{{env.object | md5}}");
    let missing = |text: &str| match plain(text) {
        Err(RenderError::Missing(missing)) => missing,
        other => panic!("{text} {other:?}"),
    };
    assert!(matches!(missing("{{user.device}}"), Missing::Input(_)));
    assert!(matches!(missing("{{steps.login.phone | md5}}"), Missing::Capture(_)));
    assert!(matches!(missing("{{steps.other.x}}"), Missing::Capture(_)));
    assert!(matches!(missing("{{env.unset}}"), Missing::Unset(_)));
    assert!(matches!(missing("{{env.nothing}}"), Missing::Unset(_)));
    assert!(matches!(missing("{{user.username | hmac_md5(env.nothing)}}"), Missing::Unset(_)));
    assert!(matches!(missing("{{secret.other | default(\"x\")}}"), Missing::Unset(_)));
}

#[test]
fn errors_quote_no_value() {
    let mut context = context();
    context.user.password = "hunter2:\u{1}".into();
    let template = parse("{{user.userPassword}}");
    for place in [Place::Header, Place::CookieValue, Place::PathSegment, Place::BasicUser, Place::XmlText] {
        let error = template.render(place, &context, Charset::UTF_8).unwrap_err();
        assert!(!error.to_string().contains("hunter2"), "{error}");
        assert!(error.to_string().contains("user.userPassword"), "{error}");
    }
}

#[test]
fn mistakes_name_place_and_remedy() {
    for (text, range, message, help) in [
        ("a {{users.username}}", 4..18, "there is no variable `users.username`", Some("did you mean `user.username`?")),
        ("{{username}}", 2..10, "there is no variable `username`", Some("did you mean `user.username`?")),
        ("{{time.unx}}", 2..10, "there is no variable `time.unx`", Some("did you mean `time.unix`?")),
        ("{{env.a | quote}}", 10..15, "there is no filter `quote`", Some("did you mean `quoted`?")),
        ("{{env.a | md6}}", 10..13, "there is no filter `md6`", Some("did you mean `md5`?")),
        ("{{env.a | hmac_sha(secret.k)}}", 10..18, "there is no filter `hmac_sha`", Some("did you mean `hmac_sha1`?")),
        ("{{env.a | first(x)}}", 10..18, "`first` takes a number of characters", None),
        ("{{env.a | md5(utf8)}}", 10..19, "`md5` takes hex, base64 or base64url as the output", None),
        ("{{env.a | upper(1)}}", 10..18, "`upper` takes no argument", None),
        ("{{env.a | hmac_md5}}", 10..18, "`hmac_md5` takes the key, as in hmac_sha256(secret.key)", None),
        ("{{env.a | encode('x')}}", 10..21, "`encode` takes a charset such as \"gbk\", \"gb18030\" or \"big5\"", None),
        ("{{env.a | date(\"Q\")}}", 10..19, "`date` takes letters of y M d H h m s S a E Z X", None),
        ("{{env.a | default()}}", 10..19, "`default` takes one value, as in default(\"\")", None),
        ("{{env.a | default(010)}}", 10..22, "`default` takes a text in quotes, a number, true, false or null", None),
        (
            "{{env.a | unhex | upper}}",
            18..23,
            "this filter takes text, and the one before it gives bytes",
            Some("put `base64` or `hex` between them"),
        ),
        ("x {{env.a", 2..9, "this hole is not closed", Some("close it with `}}`")),
        ("{{env.a md5}}", 8..9, "unexpected in a hole", None),
        (
            "{{}}",
            0..3,
            "`{{` begins a hole, and this is no variable",
            Some("for two braces as text write {{ \"{{\" }}"),
        ),
        ("{{env.a | default(\"x)}}", 18..23, "a quote in this hole is not closed", None),
        ("${bse}", 0..6, "there is no setting `bse`", Some("did you mean `base`?")),
        (
            "${ }",
            0..3,
            "`${` begins a setting, as in `${base}`",
            Some("for these two characters as text write {{ \"${\" }}"),
        ),
    ] {
        let found = mistakes(text);
        assert_eq!(found.len(), 1, "{text} {found:?}");
        assert_eq!((&found[0].offset, found[0].message.as_str()), (&range, message), "{text}");
        if let Some(help) = help {
            assert!(found[0].help.iter().any(|given| given == help), "{text} {:?}", found[0].help);
        }
    }
    assert_eq!(mistakes("{{a}} {{b}} ${c} {{user.username}} {{env.x | y}}").len(), 4);
}

#[test]
fn arguments_of_ciphers_are_checked_at_load() {
    for (text, message, label) in [
        (
            "{{env.a | aes(key=secret.k)}}",
            "`aes` takes mode and key, as in aes(mode=cbc, key=secret.key, iv=secret.iv)",
            None,
        ),
        ("{{env.a | aes(mode=cfb, key=secret.k)}}", "`aes` takes ecb, cbc, ctr or gcm as `mode`", None),
        (
            "{{env.a | aes(mode=ecb, key=\"short\")}}",
            "`aes` takes another key or iv",
            Some("the key has 5 bytes; aes takes 16, 24 or 32"),
        ),
        (
            "{{env.a | sm4(mode=cbc, key=secret.k)}}",
            "`sm4` takes another key or iv",
            Some("the iv has 0 bytes; sm4 takes 16 with cbc"),
        ),
        (
            "{{env.a | des(mode=gcm, key=secret.k, iv=secret.k)}}",
            "`des` takes another key or iv",
            Some("gcm wants blocks of 16 bytes, which des and des3 have not"),
        ),
        (
            "{{env.a | aes(ecb, secret.k)}}",
            "`aes` takes each of mode=, key=, iv=, padding=, key_as=, iv_as=, output= once",
            None,
        ),
        ("{{env.a | aes(mode=ecb, key=nothing)}}", "there is no variable `nothing`", None),
    ] {
        let found = mistakes(text);
        assert_eq!((found[0].message.as_str(), found[0].label.as_deref()), (message, label), "{text}");
    }
    let names: Vec<_> =
        parse("{{env.a | aes(mode=cbc, key=secret.k, iv=env.iv)}}").variables().map(ToString::to_string).collect();
    assert_eq!(names, ["env.a", "secret.k", "env.iv"]);
}

#[test]
fn a_key_that_does_not_do_is_the_connectors_fault_and_is_not_shown() {
    let error = plain("{{user.username | aes(mode=ecb, key=secret.k)}}").unwrap_err();
    assert_eq!(error, RenderError::Unfit { what: "secret.k: the key has 4 bytes; aes takes 16, 24 or 32".to_owned() });
    let error = plain("{{user.username | aes(mode=ecb, key=secret.k, key_as=hex)}}").unwrap_err();
    assert!(matches!(&error, RenderError::Unfit { what } if !what.contains("Jefe")), "{error}");
    let error = plain("{{user.username | aes_decrypt(mode=ecb, key=\"1234567890123456\")}}").unwrap_err();
    assert!(matches!(&error, RenderError::FromUser { what } if !what.contains("zhangsan")), "{error}");
}

#[test]
fn every_filter_stands_in_the_table_once_and_on_the_page() {
    let page = include_str!("../../docs/templates.md");
    for (index, entry) in FILTERS.iter().enumerate() {
        assert!(FILTERS[..index].iter().all(|earlier| earlier.name != entry.name), "{}", entry.name);
        let named = page.contains(&format!("`{}`", entry.name)) || page.contains(&format!("`{}(", entry.name));
        // Of the keyed digests the page names the first and the last ones.
        assert!(named || entry.name.starts_with("hmac_"), "{}", entry.name);
    }
}

#[test]
fn what_holes_tell_a_check() {
    let template = parse("{{env.a | hmac_md5(secret.k)}}-{{steps.a.b | default('')}}");
    let names: Vec<_> = template.variables().map(ToString::to_string).collect();
    assert_eq!(names, ["env.a", "secret.k", "steps.a.b"]);
    assert_eq!(template.holes().map(Hole::has_default).collect::<Vec<_>>(), [false, true]);
    assert_eq!(template.holes().map(Hole::is_encoded).collect::<Vec<_>>(), [true, false]);
    assert!(parse("x").is_literal() && parse("").is_literal() && !template.is_literal());
    assert_eq!(parse("a{{\"b\"}}").as_literal().unwrap(), "ab");
}

#[test]
fn places_refuse_at_load_what_they_can() {
    let refused = |text: &str, place: Place| assert!(!parse(text).check(place).is_empty(), "{text} {place:?}");
    let taken = |text: &str, place: Place| assert_eq!(parse(text).check(place), [], "{text} {place:?}");
    refused("{{env.a | encode('gbk')}}", Place::JsonString);
    refused("{{env.a | unhex}}", Place::XmlText);
    taken("{{env.a | unhex}}", Place::QueryValue);
    refused("{{env.a | default(null)}}", Place::FormValue);
    taken("{{env.a | default(null)}}", Place::JsonValue);
    refused("中 {{env.a}}", Place::Header);
    refused("{{env.a}} ", Place::Header);
    taken("Bearer {{env.a}}", Place::Header);
    refused("a;b", Place::CookieValue);
    refused("..", Place::PathSegment);
    refused("a:b", Place::BasicUser);
}

#[test]
fn a_value_has_its_type_where_there_is_no_place() {
    let context = context();
    assert_eq!(
        *parse("{{env.big}}").value(&context).unwrap(),
        Value::Number(Number::parse("1234567890123456789").unwrap())
    );
    assert_eq!(*parse("{{steps.login.phone}}").value(&context).unwrap(), Value::Null);
    assert_eq!(*parse("x{{env.big}}").value(&context).unwrap(), Value::from("x1234567890123456789"));
}

#[test]
fn rows_of_filters_cannot_grow_a_value_without_end() {
    let mut context = context();
    context.env.insert("a".into(), Value::from("x".repeat(100_000)));
    let template = parse("{{env.a | hex | hex | hex | hex | hex | hex | hex | hex | hex | hex | hex | hex}}");
    assert!(template.render(Place::Plain, &context, Charset::UTF_8).is_err());
}
