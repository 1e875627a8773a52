#![expect(clippy::unwrap_used, reason = "a test may panic")]

use super::{Engine, Reply, ResultCaps};
use crate::script::Kind;

fn run(kind: Kind, script: &str, input: &str) -> Reply {
    let mut engine = Engine::new(ResultCaps { env: 64 * 1024, result: 1024 * 1024 }).unwrap();
    if let Err(mistake) = engine.add(kind, script.to_owned()) {
        return Reply::BadResult(format!("{}:{}: {}", mistake.place.line, mistake.place.column, mistake.message));
    }
    engine.call(0, input)
}

#[test]
fn smoke() {
    for s in [
        "env.x = code_util.md5('123456')",
        "env.x = user.userPassword",
        "throw code_util.reject('no')",
        "\n\nthrow new TypeError('no')",
        "\n\n throw 'no'",
        "\n\n throw {message:'no'}",
        "\n\n env.x = nope.y",
        "\n env.x = null.y",
        "function f(){ return f() } f()",
        "var d = new Date(); env.x = d.toISOString() + code_util.now()",
        "env.x = new Date()",
        "env.x = eval('1')",
        "env.x = new Function('1')",
        "env.x = (function(){}).constructor('1')",
        "async function f(){}",
        "}); globalThis.x=1; (function(){",
        "env = {a:1}; return 5",
        "let o = {}; o.toString = function(){return 'x'}; env.x = '' + o; var e = new Error('a'); e.name='B'; env.y = '' + e; throw e",
        "env.x = Object.isFrozen(Array.prototype) + ' ' + typeof Promise + Object.getOwnPropertyNames(globalThis).join()",
    ] {
        println!(
            "{s:?}\n   -> {:?}",
            run(Kind::Variables, s, r#"{"env":{},"user":{"userPassword":"p"},"time":{"unix_ms":1700000000000}}"#)
        );
    }
}
#[test]
fn smoke2() {
    let mut engine = Engine::new(ResultCaps { env: 64 * 1024, result: 1024 * 1024 }).unwrap();
    println!("{:?}", engine.add(Kind::Variables, "for(;;){}".to_owned()));
}
