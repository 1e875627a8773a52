//! Scripts as people write and paste them.

use crate::support::npm;
use crate::support::script::{call, pool, run, shown, variables};

#[tokio::test(flavor = "multi_thread")]
async fn styles_of_real_scripts_work() {
    let table = [
        ("env.x = user.username + '@corp'", r#"{"x":"zhang@corp"}"#),
        (
            "var pwd = user.userPassword;\nvar ts = '' + 1;\nenv.sign = code_util.md5(pwd + ts)",
            r#"{"sign":"aaa42296669b958c3cee6c0475c8093e"}"#,
        ),
        (
            "function P(n) { this.n = n }\nP.prototype.get = function () { return this.n };\nP.prototype.toString = function () { return 'P' + this.n };\nvar p = new P(3); env.x = p.get() + String(p)",
            r#"{"x":"3P3"}"#,
        ),
        (
            "function A() {} A.prototype.hi = function () { return 'a' };\nfunction B() { A.call(this) } B.prototype = Object.create(A.prototype); B.prototype.constructor = B;\nenv.x = new B().hi() + (new B() instanceof A) + new B().constructor.name",
            r#"{"x":"atrueB"}"#,
        ),
        (
            "function L() {} L.prototype = Object.create(Array.prototype); L.prototype.push = function () { return 'mine' }; env.x = new L().push(1)",
            r#"{"x":"mine"}"#,
        ),
        (
            "class A { #x = 1; static make() { return new this() } get x() { return this.#x } toString() { return 'A' + this.x } }\nclass B extends A { constructor() { super(); this.name = 'b' } }\nenv.x = String(B.make()) + B.make().name",
            r#"{"x":"A1b"}"#,
        ),
        ("env.x = env.hasOwnProperty('y') + ',' + env.hasOwnProperty('given')", r#"{"given":1,"x":"false,true"}"#),
        (
            "var o = {}; o.toString = function () { return 'o' }; o.valueOf = function () { return 4 }; env.x = [String(o), o * 2]",
            r#"{"given":1,"x":["o",8]}"#,
        ),
        ("var e = new Error('m'); e.name = 'Mine'; e.message = 'n'; env.x = String(e)", r#"{"given":1,"x":"Mine: n"}"#),
        (
            "function E(m) { this.message = m; this.name = 'E' } E.prototype = new Error(); E.prototype.constructor = E;\ntry { throw new E('x') } catch (e) { env.x = String(e) + (e instanceof Error) }",
            r#"{"given":1,"x":"E: xtrue"}"#,
        ),
        (
            "class E extends Error { constructor(m) { super(m); this.name = 'E' } }\ntry { throw new E('x') } catch (e) { env.x = String(e) }",
            r#"{"given":1,"x":"E: x"}"#,
        ),
        (
            "const { username: u, userPassword } = user; const [a, ...rest] = [1, 2, 3]; env.x = `${u}${userPassword}${a}${rest}`",
            r#"{"given":1,"x":"zhang12345612,3"}"#,
        ),
        (
            "env.x = [3, 1, 2].sort((a, b) => a - b).map(String).join('') + [1, [2]].flat().includes(2)",
            r#"{"given":1,"x":"123true"}"#,
        ),
        (
            "env.x = Object.entries({ b: 1, a: 2 }).sort().map(([k, v]) => k + '=' + encodeURIComponent(v)).join('&')",
            r#"{"given":1,"x":"a=2&b=1"}"#,
        ),
        ("label: for (var i = 0; i < 3; i++) { switch (i) { case 1: break label } } env.x = i", r#"{"given":1,"x":1}"#),
        (
            "var n = 0; do { n++ } while (n < 5); for (var k in { a: 1 }) n += k; for (const c of 'xy') n += c; env.x = n",
            r#"{"given":1,"x":"5axy"}"#,
        ),
        ("env.x = user?.missing?.deep ?? 'none'; env.y ||= 'set'", r#"{"given":1,"x":"none","y":"set"}"#),
        ("env.x = unescape(encodeURIComponent('中')).length + escape('中')", r#"{"given":1,"x":"3%u4E2D"}"#),
        (
            "var u8 = new Uint8Array([104, 105]); env.x = String.fromCharCode.apply(null, u8) + code_util.hex.encode(u8)",
            r#"{"given":1,"x":"hi6869"}"#,
        ),
        ("(function () { env.x = typeof this })(); env.y = typeof this", r#"{"given":1,"x":"undefined","y":"object"}"#),
        (
            "env.x = JSON.parse('{\"a\":[1,2.5,\"b\"]}', function (k, v) { return k === '1' ? null : typeof v === 'number' ? v + 1 : v })",
            r#"{"given":1,"x":{"a":[2,null,"b"]}}"#,
        ),
        ("try { JSON.parse('{a:1}') } catch (e) { env.x = e instanceof SyntaxError }", r#"{"given":1,"x":true}"#),
        (
            "env.x = [JSON.parse(' [1e3, -0.5] '), JSON.parse('null'), JSON.parse(5), JSON.parse('1234567890123456789') > 1]",
            r#"{"given":1,"x":[[1000,-0.5],null,5,true]}"#,
        ),
        ("// a comment at the end", r#"{"given":1}"#),
        ("env.x = 1 /* and */ <!-- an old one\n--> and another", r#"{"given":1,"x":1}"#),
        ("'use strict'; env.x = 1", r#"{"given":1,"x":1}"#),
        (
            "var codes = { a: 1 }; env.x = ['constructor' in codes, Object.hasOwn(codes, 'constructor'), new Map([['a', 1]]).has('constructor')]",
            r#"{"given":1,"x":[true,false,false]}"#,
        ),
        ("this.arguments = 1; env.x = arguments.length", r#"{"given":1,"x":0}"#),
        (
            "env.x = [typeof globalThis.Math, this === globalThis, 'Map' in this, Object.keys(globalThis)]",
            r#"{"given":1,"x":["object",true,true,[]]}"#,
        ),
    ];
    let pool = pool(table.iter().map(|(text, _)| variables(text)).collect()).await;
    for (id, (text, expected)) in (0..).zip(table) {
        let input = r#"{"user":{"username":"zhang","userPassword":"123456"},"env":{"given":1}}"#;
        let expected =
            if expected.contains("given") { expected.to_owned() } else { expected.replacen('{', r#"{"given":1,"#, 1) };
        let outcome = shown(call(&pool, id, input).await);
        assert_eq!(outcome, expected, "{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn crypto_js_from_npm_works_when_pasted() {
    let Some(library) = npm::file(&npm::CRYPTO_JS, "crypto-js.js") else { return };
    let text = format!(
        "{library}\nenv.md5 = CryptoJS.MD5(user.userPassword).toString();\n\
         env.aes = CryptoJS.AES.encrypt(user.userPassword, CryptoJS.enc.Utf8.parse('0123456789abcdef'), {{ mode: CryptoJS.mode.ECB }}).toString();"
    );
    let limits =
        doorward::script::Limits { cpu: std::time::Duration::from_secs(4), ..crate::support::script::limits() };
    let pool = crate::support::script::pool_with(limits, vec![variables(&text)]).await;
    for _ in 0..2 {
        let outcome = shown(call(&pool, 0, r#"{"user":{"userPassword":"123456"}}"#).await);
        assert_eq!(outcome, r#"{"md5":"e10adc3949ba59abbe56e057f20f883e","aes":"D89D/OvFrItmxI9ct8JbAg=="}"#);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn libraries_that_look_for_a_global_object_find_one() {
    let body = "function () { return { twice: function (x) { return x + x } } }";
    let table = [
        // rollup
        "(function (global, factory) { typeof exports === 'object' && typeof module !== 'undefined' ? module.exports = factory() : \
         typeof define === 'function' && define.amd ? define(factory) : \
         (global = typeof globalThis !== 'undefined' ? globalThis : global || self, global.Lib = factory()); })(this, BODY);",
        // webpack
        "(function webpackUniversalModuleDefinition(root, factory) { if (typeof exports === 'object') exports['Lib'] = factory(); \
         else root['Lib'] = factory(); })(this, BODY);",
        // js-sha256, js-base64
        "(function () { var root = typeof globalThis !== 'undefined' ? globalThis : typeof self !== 'undefined' ? self : {}; \
         root.Lib = (BODY)(); })();",
        // tweetnacl, js-md5, node-forge, with the line that docs/scripts.md asks for
        "var self = this, window = this; (function (lib) { lib.twice = (BODY)().twice })(self.Lib = self.Lib || {});",
        // lodash, underscore, with the same line
        "var self = this; self.self = self; (function () { var free = typeof self == 'object' && self && self.Object === Object && self; \
         (free && free.self === free && free || Function('return this')()).Lib = (BODY)(); })();",
    ];
    let sources =
        table.iter().map(|library| variables(&format!("{}\nenv.x = Lib.twice('a')", library.replace("BODY", body))));
    let pool = pool(sources.collect()).await;
    for (id, library) in (0..).zip(table) {
        for _ in 0..2 {
            assert_eq!(shown(call(&pool, id, "{}").await), r#"{"x":"aa"}"#, "{library}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_library_hangs_on_this_and_is_used_by_its_name() {
    let library = "(function (root, factory) { if (typeof exports === 'object') module.exports = factory(); \
                   else if (typeof define === 'function' && define.amd) define([], factory); else root.Lib = factory(); })\
                   (this, function () { var Lib = { twice: function (x) { return x + x } }; return Lib });";
    assert_eq!(run(&format!("{library}\nenv.x = Lib.twice('a')"), "{}").await, r#"{"x":"aa"}"#);
    assert_eq!(run(&format!("{library}\nvar L = this.Lib; env.x = L.twice('a')"), "{}").await, r#"{"x":"aa"}"#);
    let misspelt = run(&format!("{library}\nenv.x = Libb.twice('a')"), "{}").await;
    assert_eq!(misspelt, "threw at 2:1: ReferenceError: Libb is not defined");
}
