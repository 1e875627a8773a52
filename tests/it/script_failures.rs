//! Scripts that reject, throw or do not compile: who is told what, and which line of whose file.

use doorward::script::{CallOutcome, Input, Pool, ScriptId, ScriptKind, Source, StartError, inspect};

use crate::support::script::{
    call, late, limits, numbered, pool, preprocess, run, run_preprocess, script, shown, variables, worker,
};

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_carries_its_message() {
    assert_eq!(run("throw code_util.reject('工号格式错误')", "{}").await, "rejected: 工号格式错误");
    assert_eq!(run_preprocess("throw code_util.reject('no')", "{}").await, "rejected: no");
    assert_eq!(run("function check() { throw code_util.reject('deep') } check()", "{}").await, "rejected: deep");
    assert_eq!(
        run("try { throw code_util.reject('again') } catch (e) { e.message = 'other'; throw e }", "{}").await,
        "rejected: again"
    );
    assert_eq!(run("throw code_util.reject('a\\r\\nb\\u0000c')", "{}").await, "rejected: a  b c");
    let long = run("throw code_util.reject('长'.repeat(600))", "{}").await;
    assert_eq!(long, format!("rejected: {}", "长".repeat(512)));
}

#[tokio::test(flavor = "multi_thread")]
async fn only_a_thrown_rejection_of_this_call_rejects() {
    assert_eq!(run("code_util.reject('never thrown'); env.x = 1", "{}").await, r#"{"x":1}"#);
    let forged = run("throw { message: 'x', name: 'Reject', reject: true }", "{}").await;
    assert_eq!(forged, "threw at 0:0: x");
    let copied = run("throw Object.assign(new Error(), code_util.reject('x'))", "{}").await;
    assert!(copied.starts_with("threw"), "{copied}");
    let wrong = run("throw code_util.reject()", "{}").await;
    assert!(wrong.contains("code_util.reject: the message is undefined; a string is needed"), "{wrong}");
    let many = run("for (var i = 0; i < 100; i++) code_util.reject('x')", "{}").await;
    assert!(many.contains("called too often"), "{many}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_thrown_has_its_place_in_the_user_s_file() {
    let table = [
        ("\nthrow new TypeError('m')", "threw at 11:11: TypeError: m"),
        ("env.x = 1;\n\n  null.x", "threw at 12:13: TypeError: cannot convert 'null' or 'undefined' to object"),
        ("env.x = missing", "threw at 10:13: ReferenceError: missing is not defined"),
        ("function f() {\n  throw 'text'\n}\nf()", "threw at 11:13: text"),
        ("[1].map(function () {\n  throw new Error('in a callback')\n})", "threw at 11:13: Error: in a callback"),
        ("throw 42", "threw at 10:5: 42"),
        ("throw undefined", "threw at 10:5: undefined"),
        (
            "code_util.md5()",
            "threw at 10:14: TypeError: code_util.md5: the first argument is undefined; a string is needed",
        ),
        ("throw { message: 'plain object' }", "threw at 0:0: plain object"),
        ("throw new Proxy({}, { get() { for (;;) {} } })", "threw at 0:0: a Proxy was thrown"),
        ("throw { get message() { for (;;) {} } }", "threw at 0:0: an object was thrown"),
        ("throw function () {}", "threw at 0:0: an object was thrown"),
    ];
    let sources = table.iter().map(|(text, _)| Source { first_line: 10, indent: 4, ..variables(text) }).collect();
    let pool = pool(sources).await;
    for (id, (text, expected)) in (0..).zip(table) {
        let outcome = shown(call(&pool, id, "{}").await);
        // Columns are where the engine puts them: at the call, the operand or the statement.
        let (head, tail) = outcome.split_once(": ").unwrap();
        let (expected_head, expected_tail) = expected.split_once(": ").unwrap();
        let line = |it: &str| it.split(':').next().unwrap().to_owned();
        assert_eq!((line(head), tail), (line(expected_head), expected_tail), "{text}: {outcome}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_throwing_preprocess_script_says_where() {
    let outcome = run_preprocess("\nresult.a.b.c = 1", r#"{"result":{"a":{}}}"#).await;
    assert!(outcome.starts_with("threw at 2:"), "{outcome}");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_outcome_shows_data_by_itself() {
    let sources = [
        "throw new Error(user.userPassword)",
        "throw user.userPassword",
        "throw code_util.reject(user.userPassword)",
        "env[user.userPassword] = undefined",
        "env.x = user.userPassword",
        "code_util.hex.decode(user.userPassword)",
        "code_util.parseJson5(user.userPassword)",
        "JSON.parse(user.userPassword)",
        "user.userPassword()",
        "new RegExp('(' + user.userPassword)",
    ];
    let pool = pool(sources.iter().map(|text| variables(text)).collect()).await;
    for (id, text) in (0..).zip(sources) {
        let outcome = call(&pool, id, r#"{"user":{"userPassword":"hunter2-xyz"}}"#).await;
        assert!(!format!("{outcome:?}").contains("hunter2"), "{text}: {outcome:?}");
    }
    assert!(!format!("{:?}", Input::new("hunter2")).contains("hunter2"));
}

#[test]
fn a_script_that_does_not_compile_names_the_line_of_the_file() {
    let block = Source { first_line: 41, indent: 6, ..variables("env.a = 1;\nenv.b = = 2;\n") };
    let script_file = preprocess("\n\nresult.x = 'open\n");
    let fine = variables("env.c = 1");
    let [in_block, in_file, fine]: [_; 3] =
        inspect(&worker(), &numbered(vec![block, script_file, fine])).try_into().unwrap();
    let in_block = in_block.unwrap_err();
    assert_eq!((in_block.line, in_block.column), (42, 15), "{in_block}");
    assert_eq!(in_file.unwrap_err().line, 3);
    assert!(fine.unwrap().env_written.has("c"));
}

#[test]
fn what_only_the_compiler_sees_is_told_before_a_pool_starts() {
    // The body alone parses. A pool does not start with such a script, and then no connector has scripts.
    let table = [
        ("\n\nenv.x = super.x", "super", 1),
        ("class A { m() { return this.#q } }", "private", 1),
        ("class A { #q = 1 }\nenv.x = #q in env", "private", 1),
    ];
    let sources = numbered(table.iter().map(|(text, ..)| variables(text)).collect());
    for (answer, (text, message, line)) in inspect(&worker(), &sources).into_iter().zip(table) {
        let mistake = answer.expect_err(text);
        assert!(mistake.message.contains(message) && mistake.line == line, "{text}: {mistake}");
    }
}

#[test]
fn scripts_that_kill_the_parser_are_the_mistake_and_the_others_are_read() {
    let deep = format!("env.x = {}1{}", "(".repeat(20_000), ")".repeat(20_000));
    let arrays = format!("env.x = {}{}", "[".repeat(50_000), "]".repeat(50_000));
    // Each connector with one is lost from there on, and the others are not, however many there are.
    let mut sources = vec![
        script("a", ScriptKind::Variables, "env.a = 1"),
        script("b", ScriptKind::Variables, "env.b = 1"),
        script("b", ScriptKind::Variables, &deep),
        script("b", ScriptKind::Variables, "env.b = 2"),
        script("c", ScriptKind::Variables, "env.c = 1"),
    ];
    sources.extend((0..12).map(|n| script(&format!("d{n}"), ScriptKind::Variables, &arrays)));
    sources.push(script("e", ScriptKind::Variables, "env.e = 1"));
    let answers = inspect(&worker(), &numbered(sources));
    let readable: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(readable[..5], [true, true, false, false, true]);
    assert_eq!(readable[5..], [[false; 12].as_slice(), &[true]].concat());
    assert!(answers[2].as_ref().unwrap_err().message.contains("nested too deeply"));
    assert!(answers[3].as_ref().unwrap_err().message.contains("another one of this connector"));
}

#[test]
fn the_scripts_of_a_connector_have_a_size_together() {
    let large = |connector: &str| script(connector, ScriptKind::Variables, &format!("//{}", "x".repeat(900 * 1024)));
    let sources = ["a", "a", "a", "b", "b"].map(large).to_vec();
    let answers = inspect(&worker(), &numbered(sources));
    let readable: Vec<bool> = answers.iter().map(Result::is_ok).collect();
    assert_eq!(readable, [true, true, false, true, true]);
    assert!(answers[2].as_ref().unwrap_err().message.contains("larger than 2 MiB together"));
}

#[test]
fn a_thousand_scripts_are_inspected_by_one_worker() {
    let text = "const t = String(code_util.now()); env.sign = code_util.hmac('sha256', secret.k, user.username + t); env.t = t";
    let sources = numbered((0..1000).map(|_| variables(text)).collect());
    let answers = inspect(&worker(), &sources);
    assert_eq!(answers.len(), 1000);
    assert!(answers.iter().all(|it| it.as_ref().is_ok_and(|reads| reads.secret.has("k"))));
}

#[test]
fn a_worker_that_is_none_is_a_mistake_of_every_script() {
    let broken = doorward::script::Worker { program: "/nonexistent".into(), args: Vec::new() };
    let answers = inspect(&broken, &numbered(vec![variables(""), variables("")]));
    assert!(answers.iter().all(|it| it.as_ref().unwrap_err().message.contains("does not start")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pool_with_a_broken_script_says_which() {
    let sources =
        numbered(vec![variables("env.a = 1"), Source { first_line: 7, ..script("d", ScriptKind::Variables, "\n(") }]);
    let error = Pool::start(worker(), limits(), sources).await.unwrap_err();
    let StartError::Script { id, mistake } = error else { unreachable!("{error}") };
    assert_eq!((id, mistake.line), (ScriptId(1), 8));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_script_and_parameters_that_are_no_json_are_told() {
    let pool = pool(vec![variables("env.x = 1")]).await;
    let unknown = pool.call(ScriptId(9), Input::new("{}"), late()).await;
    assert_eq!(shown(unknown), "bad result: there is no such script");
    assert_eq!(shown(call(&pool, 0, "{").await), "bad result: the parameters are not JSON");
    let huge = Input::new(" ".repeat(5 * 1024 * 1024));
    assert!(matches!(pool.call(ScriptId(0), huge, late()).await, CallOutcome::BadResult { .. }));
}
