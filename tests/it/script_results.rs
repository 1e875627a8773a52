//! What a script may leave, and what it is told when it leaves something else.

use crate::support::script::{call, limits, pool, pool_with, preprocess, run, run_preprocess, shown, variables};

#[tokio::test(flavor = "multi_thread")]
async fn what_is_json_comes_out_as_it_is() {
    let table = [
        ("env.s = 'a\"\\\\\\n中😀\\u0000'", r#"{"s":"a\"\\\n中😀\u0000"}"#),
        (
            "env.n = [0, -0, 1.5, -7, 1e21, 5e-324, 9007199254740991]",
            r#"{"n":[0,0,1.5,-7,1e+21,5e-324,9007199254740991]}"#,
        ),
        ("env.b = [true, false, null]", r#"{"b":[true,false,null]}"#),
        ("env.o = { b: 1, a: { c: [] } }; env[2] = 'x'; env[1] = 'y'", r#"{"1":"y","2":"x","o":{"b":1,"a":{"c":[]}}}"#),
        ("env.o = Object.create(null); env.o.x = 1", r#"{"o":{"x":1}}"#),
        ("const shared = { x: 1 }; env.a = shared; env.b = shared", r#"{"a":{"x":1},"b":{"x":1}}"#),
        ("env = { replaced: true }", r#"{"replaced":true}"#),
        ("env.x = 1; if (env.x) return 'ignored'; env.y = 2", r#"{"x":1}"#),
        ("env[Symbol('s')] = 1; Object.defineProperty(env, 'hidden', { value: 1 })", "{}"),
        ("", "{}"),
    ];
    let pool = pool(table.iter().map(|(text, _)| variables(text)).collect()).await;
    for (id, (text, expected)) in (0..).zip(table) {
        assert_eq!(shown(call(&pool, id, "{}").await), expected, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_json_is_named() {
    let table = [
        ("env.ts = new Date()", "env.ts is a Date; use .toISOString()"),
        ("env.list = [1, { f: function () {} }]", "env.list[1].f is a function"),
        ("env.f = class {}", "env.f is a function"),
        ("env.me = env", "env.me is an object that contains itself"),
        ("const a = []; a[0] = a; env.a = a", "env.a[0] is an object that contains itself"),
        ("env.n = 0 / 0", "env.n is NaN"),
        ("env.n = -1 / 0", "env.n is Infinity"),
        ("env.m = new Map()", "env.m is a Map; use Object.fromEntries()"),
        ("env.m = new Set()", "env.m is a Set; use Array.from()"),
        ("env.r = /x/", "env.r is a RegExp; use String()"),
        ("env.e = new Error('x')", "env.e is an Error; use .message"),
        ("env.u", "{}"),
        ("env.u = undefined", "env.u is undefined; use null or leave it out"),
        ("env.b = 10n", "env.b is a BigInt; use String()"),
        ("env.s = Symbol('x')", "env.s is a Symbol"),
        ("env.s = new String('x')", "env.s is a String object; use String(…) without new"),
        (
            "env.bytes = code_util.encode('gbk', 'x')",
            "env.bytes is a Uint8Array; use code_util.hex.encode() or base64.encode()",
        ),
        ("env.g = { get x() { throw 1 } }", "env.g.x is a getter; use a value"),
        ("env.p = new Proxy({}, { ownKeys() { for (;;) {} } })", "env.p is a Proxy"),
        ("env = new Proxy({}, { get() { throw 1 } })", "env is a Proxy"),
        ("env = 5", "5"),
        (
            "env.c = new (class { x = 1 })()",
            "env.c is an object of a class; use its toString() or copy its fields into a plain object",
        ),
        ("env.h = [1, , 2]", "env.h[1] is missing: a hole in an array"),
        ("env.l = '\\ud800'", "env.l is text with half of a surrogate pair, which is no character"),
        ("env['\\udc00'] = 1", "env[…] is text with half of a surrogate pair, which is no character"),
        ("env.t = { toJSON() { return 1 } }", "env.t.toJSON is a function"),
        ("env.a = arguments", "env.a is not a plain object"),
        ("env.l = new Array(1e9)", "env.l[0] is missing: a hole in an array"),
        ("var d = {}; env.d = d; for (var i = 0; i < 40; i++) d = d.d = {}", "nested deeper than 32 levels"),
        ("var d = []; for (var i = 0; i < 30; i++) d = [d, d, d]; env.d = d", "env is larger than 64 KiB"),
        ("env.x = 'x'.repeat(66000)", "env is larger than 64 KiB"),
        ("env.x = []; for (var i = 0; i < 65; i++) env.x.push('x'.repeat(1024))", "env is larger than 64 KiB"),
    ];
    let pool = pool(table.iter().map(|(text, _)| variables(text)).collect()).await;
    for (id, (text, expected)) in (0..).zip(table) {
        let outcome = shown(call(&pool, id, "{}").await);
        let what = outcome.strip_prefix("bad result: ").unwrap_or(&outcome);
        assert!(what.ends_with(expected), "{text}: {outcome}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_data_is_not_named() {
    let outcome = run("env[user.userPassword] = new Date()", r#"{"user":{"userPassword":"hunter2"}}"#).await;
    assert_eq!(outcome, "bad result: env[…] is a Date; use .toISOString()");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_limits_are_bytes_of_json() {
    // 64 KiB less the 8 bytes of `{"x":""}`: one more character is too many, whatever its bytes.
    let table = [("x", 65_528), ("中", 21_842), ("\\u0001", 10_921), ("😀", 16_382)];
    let text = "env.x = user.text.repeat(user.times)";
    let pool = pool(vec![variables(text), preprocess("return user.text.repeat(user.times)")]).await;
    for (character, times) in table {
        let input = |times| format!(r#"{{"user":{{"text":"{character}","times":{times}}}}}"#);
        let fits = shown(call(&pool, 0, &input(times)).await);
        assert!((65_530..=65_536).contains(&fits.len()), "{character}: {} bytes", fits.len());
        let more = shown(call(&pool, 0, &input(times + 1)).await);
        assert_eq!(more, "bad result: env is larger than 64 KiB", "{character}");
        // A document may have 16 times as much.
        let document = shown(call(&pool, 1, &input(times * 16)).await);
        assert!(document.len() > 1_048_300, "{character}: {} bytes", document.len());
        let more = shown(call(&pool, 1, &input(times * 16 + 130)).await);
        assert_eq!(more, "bad result: the returned value is larger than 1024 KiB", "{character}");
    }
    let keys = run("for (var i = 0; i < 3; i++) env['中'.repeat(21000) + i] = 1", "{}").await;
    assert_eq!(keys, "bad result: env is larger than 64 KiB");
}

#[tokio::test(flavor = "multi_thread")]
async fn long_numbers_pass_a_preprocess_script_digit_for_digit() {
    let input = r#"{"result":{"id":1234567890123456789,"neg":-9223372036854775808,"small":42,"max":9007199254740991,
        "more":9007199254740992,"amount":12345678901234567.89,"pi":3.14,"list":[{"id":18446744073709551615}]}}"#;
    // What a JavaScript number cannot hold is a string on both sides of the script, untouched or not.
    let expected = r#"{"id":"1234567890123456789","neg":"-9223372036854775808","small":42,"max":9007199254740991,"more":"9007199254740992","amount":"12345678901234567.89","pi":3.14,"list":[{"id":"18446744073709551615"}]}"#;
    assert_eq!(run_preprocess("", input).await, expected);
    assert_eq!(
        run_preprocess("return { id: result.id, big: BigInt(result.id) + 1n > result.small }", input).await,
        r#"{"id":"1234567890123456789","big":true}"#
    );
    assert_eq!(run_preprocess("return JSON.parse(JSON.stringify(result))", input).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preprocess_script_yields_what_it_returns_or_else_result() {
    let table = [
        ("result.a = 2", r#"{"a":2}"#),
        ("result = { b: 1 }", r#"{"b":1}"#),
        ("return 'text'", r#""text""#),
        ("return null", "null"),
        ("return 0", "0"),
        ("return false", "false"),
        ("return [result]", r#"[{"a":1}]"#),
        ("return", r#"{"a":1}"#),
        ("return new Date()", "bad result: the returned value is a Date; use .toISOString()"),
        ("result = undefined", "bad result: result is undefined; use null or leave it out"),
        (
            "return { status: response.statusCode, type: response.data.headers['content-type'] }",
            r#"{"status":200,"type":"text/plain"}"#,
        ),
    ];
    let input = r#"{"result":{"a":1},"response":{"statusCode":200,"data":{"headers":{"content-type":"text/plain"},"body":"x"}}}"#;
    let pool = pool(table.iter().map(|(text, _)| preprocess(text)).collect()).await;
    for (id, (text, expected)) in (0..).zip(table) {
        assert_eq!(shown(call(&pool, id, input).await), expected, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_of_250_kib_passes_within_its_budget() {
    let item = r#"{"id":1234567890123456789,"name":"张三","mail":"zhangsan@example.com","ok":true,"roles":["a","b"]}"#;
    let list = vec![item; 250 * 1024 / (item.len() + 1)].join(",");
    let body = format!(r#"{{"list":[{list}]}}"#);
    assert!(body.len() > 245 * 1024);
    let quoted = serde_json::Value::String(body.clone());
    let input =
        format!(r#"{{"result":{body},"response":{{"statusCode":200,"data":{{"headers":{{}},"body":{quoted}}}}}}}"#);
    let text = "result.list.forEach((it) => { it.name = it.name + '!' }); \
                result.same = JSON.parse(response.data.body).list.length === result.list.length";
    let budget = if cfg!(debug_assertions) { 8 } else { 1 };
    let limits = doorward::script::Limits { cpu: limits().cpu * budget, ..limits() };
    let pool = pool_with(limits, vec![preprocess(text)]).await;
    for _ in 0..2 {
        let outcome = shown(call(&pool, 0, &input).await);
        assert!(
            outcome.ends_with(r#""roles":["a","b"]}],"same":true}"#),
            "{}",
            &outcome[outcome.len().saturating_sub(100)..]
        );
    }
    assert_eq!(pool.stats().workers_started, pool.pids().len() as u64, "no worker was lost");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_call_gets_objects_of_its_own() {
    let pool = pool(vec![variables(
        "env.seen = user.mark; user.mark = 1; secret.x = steps.y = answer.z = 1; env.n = Object.keys(answer).length",
    )])
    .await;
    for _ in 0..3 {
        assert_eq!(shown(call(&pool, 0, r#"{"env":{},"user":{"mark":0}}"#).await), r#"{"seen":0,"n":1}"#);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_clock_is_that_of_the_request() {
    let text = "env.t = [Date.now(), code_util.now(), new Date().toISOString(), time.unix_ms, new Date(0).getHours()]";
    let expected = r#"{"t":[1700000000123,1700000000123,"2023-11-14T22:13:20.123Z",1700000000123,0]}"#;
    assert_eq!(run(text, r#"{"time":{"unix_ms":1700000000123}}"#).await, expected);
}

/// Settings are the connector's: a script reads them and changes none, and each call has its own parameters besides.
#[tokio::test(flavor = "multi_thread")]
async fn settings_are_read_only() {
    let input = r#"{"settings":{"base":"https://4a.example.com"},"user":{}}"#;
    let table = [
        (
            "env.a = settings.base + '/x'; env.b = `${settings.base}/y`",
            r#"{"a":"https://4a.example.com/x","b":"https://4a.example.com/y"}"#,
        ),
        (
            "try { settings.base = 'x' } catch (e) { env.e = e instanceof TypeError } env.a = settings.base",
            r#"{"e":true,"a":"https://4a.example.com"}"#,
        ),
        (
            "try { settings.other = 'x' } catch (e) { env.e = true } env.a = String(settings.other)",
            r#"{"e":true,"a":"undefined"}"#,
        ),
        (
            "try { delete settings.base } catch (e) { env.e = true } env.a = Object.isFrozen(settings)",
            r#"{"e":true,"a":true}"#,
        ),
        ("var settings = { base: 'mine' }; env.a = settings.base", r#"{"a":"mine"}"#),
    ];
    let pool = pool(table.iter().map(|(text, _)| variables(text)).collect()).await;
    for (id, (text, expected)) in (0..).zip(table) {
        assert_eq!(shown(call(&pool, id, input).await), expected, "{text}");
        assert_ne!(shown(call(&pool, id, "{}").await), "", "{text}");
    }
}
