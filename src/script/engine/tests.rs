//! What the syntax tree of a script says about its reads. Everything that runs scripts is tested from outside.

use super::Checker;
use crate::script::reads::{Names, Reads, ScriptPosition};

fn reads(text: &str) -> Reads {
    Checker::default().check(text).unwrap()
}

/// `a,b` for names, with `*` at the end for "anything".
fn shown(names: &Names) -> String {
    let mut all: Vec<&str> = names.names.keys().map(String::as_str).collect();
    if names.all {
        all.push("*");
    }
    all.join(",")
}

#[test]
fn plain_names_are_listed() {
    let table = [
        ("env.x = user.userPassword", "userPassword"),
        ("env.x = user['userPassword']", "userPassword"),
        ("env.x = user?.username?.length", "username"),
        ("const { username, clientIp: ip = '' } = user", "clientIp,username"),
        ("let a; ({ username: a } = user)", "username"),
        ("const { fields: { otp } } = user", "fields"),
        ("env.x = (user).username + user.device_id.trim()", "device_id,username"),
        ("if (user.hasOwnProperty('device_id')) env.x = 1", "device_id"),
        ("env.x = 'device_id' in user", "device_id"),
        ("function f() { return user.username } env.x = f()", "username"),
        ("env.x = `${user.username}`; env.y = [user.a], { b: user.b }", "a,b,username"),
        ("user.fields.otp; user.fields.pin", "fields"),
        ("class A { x = user.a; m() { return user.b } static { user.c } [user.d]() {} }", "a,b,c,d"),
    ];
    for (text, expected) in table {
        assert_eq!(shown(&reads(text).user), expected, "{text}");
    }
}

#[test]
fn whatever_else_is_anything() {
    let table = [
        ("const u = user; env.x = u.userPassword", "*"),
        ("env.x = JSON.stringify(user)", "*"),
        ("env.x = user[env.k]", "*"),
        ("const { username, ...rest } = user", "username,*"),
        ("for (const k in user) env[k] = 1", "*"),
        ("env.x = Object.keys(user)", "*"),
        ("env.x = { ...user }", "*"),
        ("env.x = { user }", "*"),
        ("user = {}", "*"),
        ("env.x = user.hasOwnProperty", "*"),
        ("env.x = user.hasOwnProperty(env.k)", "*"),
        ("env.x = env.k in user", "*"),
        ("const [a] = user", "*"),
        ("env.x = user.toString()", "*"),
        ("env.x = user.valueOf().userPassword", "*"),
    ];
    for (text, expected) in table {
        assert_eq!(shown(&reads(text).user), expected, "{text}");
        assert!(!reads(text).names_credential(), "{text}");
    }
}

#[test]
fn a_name_that_the_script_declares_is_not_the_parameter() {
    for text in [
        "function f(user) { return user.userPassword }",
        "const f = (user) => user.userPassword",
        "const f = ({ user }) => user.userPassword",
        "var user; user.userPassword",
        "{ let user = {}; user.userPassword }",
        "try {} catch (user) { user.userPassword }",
        "for (const user of []) user.userPassword",
        "for (let user = 0; user < 1; user++) user.userPassword",
        "switch (1) { case 1: let user = {}; user.userPassword }",
        "(function user() { user.userPassword })",
        "class user {} user.userPassword",
        "function user() {} user.userPassword",
        "env.x = steps.a.user.userPassword; env.y = { user: 1 }.user",
    ] {
        assert!(reads(text).user.is_empty(), "{text}: {:?}", reads(text).user);
    }
    assert_eq!(shown(&reads("{ let user = {} } user.username").user), "username");
    // Neither sees what stands below it.
    assert_eq!(shown(&reads("function f(a = user.username) { var user; return a }").user), "username");
    assert_eq!(shown(&reads("switch (user.username) { case 1: let user = {}; user.userPassword }").user), "username");
    assert_eq!(shown(&reads("for (const user of user.list) user.x").user), "list");
}

#[test]
fn env_is_told_apart_by_reading_and_writing() {
    let table = [
        ("env.a = 1", "", "a"),
        ("env['a'] = env.b", "b", "a"),
        ("env.a += 1; env.b++", "a,b", "a,b"),
        ("env.a.b = 1", "a", "a"),
        ("env[user.k] = 1", "", "*"),
        ("env.x = env[user.k]", "*", "x"),
        ("Object.assign(env, { a: 1 })", "*", "*"),
        ("env = { a: 1 }", "*", "*"),
        ("delete env.a", "a", ""),
        ("if (env.hasOwnProperty('a')) env.b = 1", "a", "b"),
        ("env.a ||= 'x'", "a", "a"),
    ];
    for (text, read, written) in table {
        let reads = reads(text);
        assert_eq!(
            (shown(&reads.env_read), shown(&reads.env_written)),
            (read.to_owned(), written.to_owned()),
            "{text}"
        );
    }
}

#[test]
fn steps_fields_answers_and_the_rest() {
    let it = reads(
        "env.x = steps.login.token + steps['send'].status + user.fields.otp + answer.code + secret.key\n\
         + time.unix + random.hex16 + request.id + code_util.md5('')",
    );
    assert_eq!(it.steps.keys().collect::<Vec<_>>(), ["login", "send"]);
    assert_eq!((shown(&it.steps["login"]), shown(&it.steps["send"])), ("token".to_owned(), "status".to_owned()));
    assert_eq!((shown(&it.user_fields), shown(&it.answer)), ("otp".to_owned(), "code".to_owned()));
    assert_eq!((shown(&it.secret), shown(&it.time)), ("key".to_owned(), "unix".to_owned()));
    assert_eq!((shown(&it.random), shown(&it.request)), ("hex16".to_owned(), "id".to_owned()));
    assert_eq!(shown(&it.code_util), "md5");
    assert!(it.names_credential() && !it.steps_all && !it.impure);
    let place = it.time.names["unix"];
    assert_eq!((place.line, place.column), (2, 8));

    let whole =
        reads("const { login: { token } } = steps; env.x = user.fields; env.y = steps.other; for (const s in steps) s");
    assert_eq!((shown(&whole.steps["login"]), shown(&whole.steps["other"])), ("token".to_owned(), "*".to_owned()));
    assert!(whole.steps_all && whole.user_fields.all && whole.names_credential());
}

#[test]
fn what_differs_from_run_to_run_is_noted() {
    for text in [
        "new Date()",
        "Math.random()",
        "code_util.now()",
        "code_util.uuid()",
        "const { randomHex } = code_util",
        "f(code_util)",
    ] {
        assert!(reads(text).impure, "{text}");
    }
    for text in ["code_util.md5('x')", "time.unix", "function Date() {} Date()"] {
        assert!(!reads(text).impure, "{text}");
    }
}

/// Columns of what is dropped and of what the body returns.
fn rejections(text: &str) -> (Vec<u32>, Vec<u32>) {
    let columns = |places: &[ScriptPosition]| places.iter().map(|place| place.column).collect();
    let reads = reads(text);
    (columns(&reads.rejects_dropped), columns(&reads.rejects_returned))
}

#[test]
fn a_rejection_that_is_never_thrown_is_found() {
    for (text, dropped) in [
        ("code_util.reject('x')", vec![1]),
        ("(code_util['reject']('x'))", vec![2]),
        ("if (1) code_util.reject('x'); else { code_util.reject('y') }", vec![8, 38]),
        ("user.a || code_util.reject('x')", vec![11]),
        ("user.a ? code_util.reject('x') : code_util.reject('y')", vec![10, 34]),
        ("env.a = 1, code_util.reject('x')", vec![12]),
        ("const f = () => { code_util.reject('x') }; f()", vec![19]),
        ("switch (user.a) { case 1: code_util.reject('x') }", vec![27]),
    ] {
        assert_eq!(rejections(text), (dropped, vec![]), "{text}");
    }
    assert_eq!(rejections("if (user.a) return code_util.reject('x')"), (vec![], vec![20]));
    let many = "code_util.reject('x');".repeat(100);
    assert_eq!(rejections(&many).0.len(), 8);
}

#[test]
fn a_rejection_that_may_be_thrown_is_left_alone() {
    for text in [
        "throw code_util.reject('x')",
        "const e = code_util.reject('x'); throw e",
        "let e; e = code_util.reject('x'); throw e",
        "const f = () => code_util.reject('x'); throw f()",
        "const f = function () { return code_util.reject('x') }; throw f()",
        "throw user.a ? code_util.reject('x') : code_util.reject('y')",
        "fail(code_util.reject('x')); function fail(e) { throw e }",
        "{ const code_util = user; code_util.reject('x') }",
        "const { reject } = code_util; throw reject('x')",
        "code_util.md5('x')",
    ] {
        assert_eq!(rejections(text), (vec![], vec![]), "{text}");
    }
}

#[test]
fn settings_are_listed_and_braces_in_texts_noted() {
    let table = [
        ("env.x = settings.base + settings['tenant']", "base,tenant", ""),
        ("const { base } = settings", "base", ""),
        ("env.x = f(settings)", "*", ""),
        ("const settings = { a: 1 }; env.x = settings.a", "", ""),
        (
            "env.x = '${base}/x ${ tenant }{{ user.username | md5 }}{{secret.k}}'",
            "",
            "base,secret.k,tenant,user.username",
        ),
        ("env.x = `a${base}{{ env.a }}`", "", "base,env.a"),
        // A variable of the script's own is what is meant in backquotes.
        ("const base = settings.base; env.x = `${base}`", "base", ""),
        ("env.x = ['${', '}', '{{', '${a b}', '${}', 'f({ a: { b: 1 } })']", "", ""),
        ("env.x = { '${base}': /${base}/ }", "", ""),
    ];
    for (text, settings, braced) in table {
        let reads = reads(text);
        assert_eq!((shown(&reads.settings).as_str(), shown(&reads.braced).as_str()), (settings, braced), "{text}");
    }
}

#[test]
fn what_the_table_of_filters_says_of_code_util_is_there() {
    for entry in crate::template::FILTERS {
        let script = entry.code_util.and_then(|name| name.split('.').next());
        assert!(script.is_none_or(|name| crate::script::CODE_UTIL.contains(&name)), "{}", entry.name);
    }
}
