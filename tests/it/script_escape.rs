//! What a script may try in order to leave something behind or to reach the code compiler.
use doorward::script::{CallOutcome, Limits, inspect};

use crate::support::script::{
    call, limits, numbered, pool_with, preprocess, run, run_preprocess, shown, variables, worker,
};

/// Each tries to keep `user.mark` for the next call. Most throw; none may succeed.
const HIDING_PLACES: [&str; 54] = [
    "globalThis.mark = user.mark",
    "this.mark = user.mark; env.x = mark",
    "Object.getPrototypeOf(globalThis).mark = user.mark",
    "Object.setPrototypeOf(Object.getPrototypeOf(globalThis), { mark: user.mark })",
    "Object.defineProperty(globalThis, 'mark', { value: user.mark })",
    "Object.setPrototypeOf(globalThis, { mark: user.mark })",
    "globalThis.JSON = { mark: user.mark }",
    "delete globalThis.JSON",
    "Object.prototype.mark = user.mark",
    "Object.prototype.toString = user.mark",
    "Object.prototype.constructor = user.mark",
    "Object.setPrototypeOf(Object.prototype, { mark: user.mark })",
    "({}).__proto__.mark = user.mark",
    "({}).constructor.prototype.mark = user.mark",
    "Array.prototype.mark = user.mark",
    "Array.prototype[0] = user.mark",
    "Array.prototype.push(user.mark)",
    "Array.prototype.push = user.mark",
    "Array.prototype.length = 7",
    "[].push.call(Object.prototype, user.mark)",
    "delete Array.prototype.map",
    "String.prototype.mark = user.mark",
    "Function.prototype.call = function () { return user.mark }",
    "Error.prototype.message = user.mark",
    "Error.stackTraceLimit = user.mark; Error.prepareStackTrace = () => user.mark",
    "Map.prototype.mark = user.mark",
    "Map.prototype.set('mark', user.mark)",
    "RegExp.prototype.mark = user.mark; RegExp.mark = user.mark",
    "/(.*)/.exec(user.mark); env.x = RegExp.$1",
    "RegExp.prototype.compile.call(RegExp.prototype, user.mark)",
    "Symbol.for(user.mark)",
    "Symbol.mark = user.mark",
    "Math.mark = user.mark; Reflect.mark = user.mark",
    "Reflect.set(Math, 'mark', user.mark); Reflect.defineProperty(Math, 'mark', { value: user.mark })",
    "code_util.mark = user.mark",
    "code_util.md5 = () => user.mark",
    "code_util.base64.encode = () => user.mark",
    "code_util.md5.mark = user.mark",
    "(function tag(s) { s.mark = user.mark })`text`",
    "(function tag(s) { Object.defineProperty(s.raw, 'mark', { value: user.mark }) })`text`",
    "Object.getPrototypeOf([][Symbol.iterator]()).mark = user.mark",
    "Object.getPrototypeOf(new Map().entries()).mark = user.mark",
    "Object.getPrototypeOf('x'.matchAll(/x/g)).mark = user.mark",
    "Object.getPrototypeOf([].values().map(x => x)).mark = user.mark",
    "Object.getPrototypeOf(Iterator.from({ next() {} })).mark = user.mark",
    "Object.getPrototypeOf(Uint8Array).mark = user.mark; Uint8Array.prototype.fill.call(Uint8Array.prototype, 1)",
    "Object.getOwnPropertyDescriptor(Object.prototype, 'toString').set.call(Array.prototype, user.mark)",
    "Object.getOwnPropertyDescriptor(Object.prototype, 'toString').get.mark = user.mark",
    "new WeakMap().set(Math, user.mark)",
    "(function () { return arguments })().callee.mark = user.mark",
    // A constructor that returns another object would put a private field there, which a frozen object may have (ECMA-262
    // section 7.3.28) unless the engine follows the later proposal against it.
    "class B { constructor(o) { return o } } class S extends B { #mark = user.mark } new S(Math)",
    "class B { constructor(o) { return o } } class S extends B { #mark() {} } new S(Math)",
    "Object.getOwnPropertyDescriptor(Error.prototype, 'stack').set.call(Error.prototype, user.mark)",
    "Object.getOwnPropertyDescriptor(Iterator.prototype, Symbol.toStringTag).set.call(Math, user.mark)",
];

/// Looks for the mark, and for anything that is not frozen, in all that a script can reach without its parameters.
const SEARCH: &str = r#"
    const seen = new Set(), queue = [], open = [], marked = [];
    const add = (value, path) => {
        if (typeof value === "string" && value.includes("MARK")) marked.push(path);
        if (value === null || (typeof value !== "object" && typeof value !== "function") || seen.has(value)) return;
        seen.add(value);
        queue.push([value, path]);
    };
    const roots = {
        // What a script sees as globalThis is a fresh object before the real one.
        globalThis: Object.getPrototypeOf(globalThis), code_util,
        arrayIterator: Object.getPrototypeOf([][Symbol.iterator]()),
        stringIterator: Object.getPrototypeOf(""[Symbol.iterator]()),
        mapIterator: Object.getPrototypeOf(new Map().entries()),
        setIterator: Object.getPrototypeOf(new Set().entries()),
        regexpIterator: Object.getPrototypeOf("".matchAll(/x/g)),
        helper: Object.getPrototypeOf([].values().map((x) => x)),
        wrapped: Object.getPrototypeOf(Iterator.from({ next() {} })),
        typed: Object.getPrototypeOf(Uint8Array),
        arrow: Object.getPrototypeOf(() => 1),
        method: Object.getPrototypeOf({ m() {} }.m),
        class: Object.getPrototypeOf(class {}),
        bytes: Object.getPrototypeOf(code_util.encode("utf-8", "a")),
        reject: Object.getPrototypeOf(code_util.reject("a")),
        thrower: Object.getOwnPropertyDescriptor((function () { return arguments })(), "callee").get,
        template: ((s) => s)`text`,
        symbols: Reflect.ownKeys(Symbol).map((key) => Symbol[key]).length,
    };
    for (const name of Object.keys(roots)) add(roots[name], name);
    add(/x/.exec("x").input, "regexp");
    add(String(new Error("x").stack), "stack");
    while (queue.length > 0) {
        const [object, path] = queue.pop();
        if (!Object.isFrozen(object)) open.push(path);
        for (const key of Reflect.ownKeys(object)) {
            add(String(key), path);
            const property = Reflect.getOwnPropertyDescriptor(object, key);
            for (const part of ["value", "get", "set"]) add(property[part], path + "." + String(key));
        }
        add(Reflect.getPrototypeOf(object), path + ".__proto__");
    }
    env.reached = seen.size > 600;
    env.open = open;
    env.marked = marked;
    env.works = [1, 2].map((x) => x + 1).join() + JSON.stringify({ a: 1 }) + code_util.md5("") + [].length;
"#;

const CLEAN: &str = r#"{"reached":true,"open":[],"marked":[],"works":"2,3{\"a\":1}d41d8cd98f00b204e9800998ecf8427e0"}"#;

fn one_worker() -> Limits {
    Limits { workers: 1, retire_calls: u64::MAX, retire_memory: u64::MAX, ..limits() }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_call_is_visible_in_the_next() {
    let sources = HIDING_PLACES.iter().map(|text| variables(text)).chain([variables(SEARCH)]).collect();
    let limits = Limits { cpu: std::time::Duration::from_secs(5), ..one_worker() };
    let pool = pool_with(limits, sources).await;
    let search = u32::try_from(HIDING_PLACES.len()).unwrap();
    assert_eq!(shown(call(&pool, search, "{}").await), CLEAN);
    for (id, text) in (0..).zip(HIDING_PLACES) {
        let outcome = call(&pool, id, r#"{"user":{"mark":"MARK"}}"#).await;
        assert!(!matches!(outcome, CallOutcome::Killed { .. }), "{text}");
        // The search walks the whole realm, so it follows every eighth attempt.
        if id % 8 == 7 || id + 1 == search {
            assert_eq!(shown(call(&pool, search, "{}").await), CLEAN, "after {text} or one of the seven before");
        }
    }
    assert_eq!(pool.stats().workers_started, 1, "one realm served them all");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_script_says_is_made_anew_in_each_call() {
    // Whatever a literal makes, marked by one call, is unmarked in the next.
    let table = [
        "const r = /a/g; env.seen = r.lastIndex; r.test('aa')",
        "const f = (s) => s; env.seen = Number('mark' in f`a`); try { f`a`.mark = 1 } catch { }",
        "class A { static n = 0 } env.seen = A.n; A.n = 1",
        "function f() {} env.seen = f.n ?? 0; f.n = 1",
        "const o = { m() {} }; env.seen = o.m.n ?? 0; o.m.n = 1",
        "const f = () => 1; env.seen = f.n ?? 0; f.n = 1",
        "this.n = (this.n ?? 0) + 1; env.seen = this.n - 1",
        "globalThis.n = (globalThis.n ?? 0) + 1; env.seen = globalThis.n - 1",
        "this.lib = this.lib ?? 0; env.seen = lib; lib = 1",
        "env.seen = user.n ?? 0; user.n = env.n = 1; delete env.n",
        "class B { constructor(o) { return o } } class S extends B { #n = 1; static of(o) { return Number(#n in o) } } \
         env.seen = S.of(Math); try { new S(Math) } catch { }",
    ];
    let pool = pool_with(one_worker(), table.iter().map(|text| variables(text)).collect()).await;
    for (id, text) in (0..).zip(table) {
        for _ in 0..3 {
            assert_eq!(shown(call(&pool, id, "{}").await), r#"{"seen":0}"#, "{text}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_way_leads_to_compiled_text() {
    let table = [
        "eval('1')",
        "(0, eval)('1')",
        "Function('return 1')()",
        "new Function('return 1')()",
        "(function () {}).constructor('return 1')()",
        "(() => {}).constructor('return 1')()",
        "({ m() {} }).m.constructor('return 1')()",
        "(class {}).constructor('return 1')()",
        "[].constructor.constructor('return 1')()",
        "code_util.md5.constructor('return 1')()",
        "code_util.reject('x').constructor.constructor('return 1')()",
        "Object.getPrototypeOf(function () {}).constructor('return 1')()",
        "Reflect.construct(Function, ['return 1'])()",
        "Reflect.apply(Function, null, ['return 1'])()",
        "Function.prototype.constructor.call(null, 'return 1')()",
        "new (class extends Function {})('return 1')()",
        "(function () { return arguments })().constructor.constructor('return 1')()",
        "new Proxy(Function, {})('return 1')()",
        "[1].map(Function.bind(null, 'return 1'))[0]()",
        "['return 1'].map(eval)",
        "globalThis.eval('1')",
        "this.Function('return 1')()",
    ];
    let sources = table.iter().map(|text| variables(&format!("env.x = {text}"))).collect();
    let pool = pool_with(one_worker(), sources).await;
    for (id, text) in (0..).zip(table) {
        let outcome = shown(call(&pool, id, "{}").await);
        // `eval` of something that is no string is the identity, and `Function` with no text still compiles.
        assert!(outcome.contains("text cannot be run as code"), "{text}: {outcome}");
    }
}

#[test]
fn syntax_that_needs_jobs_or_modules_does_not_compile() {
    let table = [
        ("\n  async function f() {}", "async functions", 2),
        ("env.f = async () => 1", "async functions", 1),
        ("env.f = { async m() {} }", "async functions", 1),
        ("class A { async m() {} }", "async functions", 1),
        ("class A { static async *m() {} }", "generators", 1),
        ("\n\nfunction* g() {}", "generators", 3),
        ("env.g = function* () {}", "generators", 1),
        ("env.g = { *m() {} }", "generators", 1),
        ("env.g = async function* () {}", "generators", 1),
        ("async function* g() {}", "generators", 1),
        ("env.x = await 1", "", 1),
        ("for await (const x of []) {}", "", 1),
        ("env.x = await", "await", 1),
        ("import('x')", "import", 1),
        ("env.x = import.meta", "", 1),
        ("import x from 'y'", "", 1),
        ("export const x = 1", "", 1),
        ("with (env) { x = 1 }", "", 1),
        ("env.x = 010", "", 1),
        ("}); globalThis.x = 1; (function () {", "", 1),
        ("}).call(), env]}); globalThis.x = 1; (function () { return [(function () {", "", 1),
        ("env.x = 1 } ", "", 1),
        ("env.x = (1", "", 1),
        ("/* never closed", "", 1),
        ("env.x = `never closed", "", 1),
        ("env.x = 1 //}); globalThis.x = 1\n}", "", 2),
    ];
    let sources = numbered(table.iter().map(|(text, ..)| variables(text)).collect());
    for (answer, (text, message, line)) in inspect(&worker(), &sources).into_iter().zip(table) {
        let mistake = answer.expect_err(text);
        assert!(mistake.message.contains(message), "{text}: {mistake}");
        assert_eq!(mistake.line, line, "{text}: {mistake}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn globals_that_outlive_a_call_or_run_late_are_gone() {
    let names = "Promise WeakRef FinalizationRegistry WeakMap WeakSet SharedArrayBuffer Atomics Temporal ShadowRealm \
                 setTimeout queueMicrotask require process fetch console window self global module exports";
    let text = format!(
        "env.there = '{names}'.split(' ').filter((name) => name in globalThis); \
                        env.for = typeof Symbol.for; env.proto = '__proto__' in {{}}; env.async = typeof Array.fromAsync"
    );
    let expected = r#"{"there":[],"for":"undefined","proto":false,"async":"undefined"}"#;
    assert_eq!(run(&text, "{}").await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_with_proto_keys_pollutes_nothing() {
    let merge = "function merge(to, from) { for (const key in from) { \
                   if (typeof from[key] === 'object') { to[key] = to[key] || {}; merge(to[key], from[key]); } \
                   else to[key] = from[key]; } return to; } \
                 const merged = merge({}, result); \
                 return { merged, polluted: typeof ({}).admin, keys: Object.keys(result) };";
    let input = r#"{"result":{"__proto__":{"admin":true},"constructor":{"prototype":{"admin":true}}}}"#;
    let shown = run_preprocess(merge, input).await;
    assert!(shown.starts_with("threw"), "assigning to a frozen prototype throws: {shown}");
    let input = r#"{"result":{"__proto__":{"admin":true}}}"#;
    let expected = r#"{"merged":{"__proto__":{"admin":true}},"polluted":"undefined","keys":["__proto__"]}"#;
    assert_eq!(run_preprocess(merge, input).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_preprocess_script_sees_its_own_reply_only() {
    let pool = pool_with(one_worker(), vec![preprocess("return [result, response.data.body]")]).await;
    for n in 0..3 {
        let input = format!(r#"{{"result":{{"n":{n}}},"response":{{"data":{{"body":"b{n}"}}}}}}"#);
        assert_eq!(shown(call(&pool, 0, &input).await), format!(r#"[{{"n":{n}}},"b{n}"]"#));
    }
}

/// An exception is an ordinary end, a rejection above all: none may use up what later calls of the worker need.
#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_exceptions_leave_the_next_call_alone() {
    let table = [
        "throw code_util.reject(user.mark)",
        "throw user.mark",
        "function f() { throw new Error(user.mark) } f()",
        "(() => { throw new Error(user.mark) })()",
        "this.x = 1; throw new Error(user.mark)",
        "this.x = 1; function f() { null.x } f()",
        "[1].map(function () { (() => null.x)() })",
        "try { (() => { throw 1 })() } finally { throw 2 }",
        "class A { constructor() { throw new Error(user.mark) } } new A()",
        "class A { static x = null.x }",
        "const [a] = { [Symbol.iterator]() { return { next() { throw user.mark } } } }",
        // Limits of the engine, which no script can catch.
        "(function f() { f() })()",
        "try { (function f() { f() })() } finally { env.x = 1 }",
        "(function f() { [1].map(() => f()) })()",
        "this.x = 1; (() => { (function f() { f() })() })()",
        "(function f() { f(...[1, 2, 3]) })()",
        "({ get x() { return this.x } }).x",
        "new Proxy({}, { get(t, k, p) { return p[k] } }).x",
    ];
    let sources =
        table.iter().map(|text| variables(text)).chain([variables("env.x = [1].map((x) => x + 1)")]).collect();
    let pool = pool_with(one_worker(), sources).await;
    let fine = u32::try_from(table.len()).unwrap();
    for (id, text) in (0..).zip(table) {
        let first = shown(call(&pool, id, r#"{"user":{"mark":"m"}}"#).await);
        assert!(first.starts_with("threw") || first.starts_with("rejected"), "{text}: {first}");
        for n in 1..1_000 {
            let outcome = shown(call(&pool, id, r#"{"user":{"mark":"m"}}"#).await);
            assert_eq!(outcome, first, "call {n} of {text}");
        }
        assert_eq!(shown(call(&pool, fine, "{}").await), r#"{"x":[2]}"#, "after {text}");
    }
    assert_eq!(pool.stats().workers_started, 1);
}
