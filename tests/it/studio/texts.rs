//! Listing, checking and saving texts.

use serde_json::json;

use super::{StudioProcess, shipped};

#[tokio::test]
async fn the_studio_lists_connectors_with_state_and_first_mistake() {
    let form = shipped("form");
    let studio = StudioProcess::on(&[
        ("form.yaml", &form),
        ("wrong.yaml", "version: 1\nstepz: []\n"),
        ("large.yaml", &"x".repeat((1 << 20) + 1)),
        (".hidden.yaml", "version: 1\n"),
        ("notes.txt", ""),
    ])
    .await;
    let all = studio.list().await;
    let ids: Vec<&str> = all.iter().map(|it| it["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["form", "large", "wrong"]);
    let (good, large, wrong) = (&all[0], &all[1], &all[2]);
    assert_eq!((&good["loads"], &good["first"], &good["steps"]), (&json!(true), &json!(null), &json!(["login"])));
    assert_eq!(good["origins"], json!(["https://4a.example.com"]));
    assert!(good["tests"].as_u64().unwrap() > 3 && good["title"].as_str().unwrap().contains("表单"));
    assert_eq!((&large["loads"], &large["first"]["code"]), (&json!(false), &json!("file-unreadable")));
    assert_eq!(wrong["first"]["code"], "unknown-key");
    assert_eq!(wrong["first"]["range"]["start"], json!({ "line": 1, "character": 0 }));
    // What is written afterwards is seen, and what is gone is gone.
    std::fs::write(studio.path("wrong.yaml"), &form).unwrap();
    std::fs::remove_file(studio.path("large.yaml")).unwrap();
    let all = studio.list().await;
    assert_eq!(all.iter().map(|it| it["loads"] == true).collect::<Vec<_>>(), [true, true]);
}

#[tokio::test]
async fn the_studio_checks_a_draft_with_ranges_fixes_and_cases() {
    let form = shipped("form");
    let studio = StudioProcess::on(&[("form.yaml", &form)]).await;
    let good = studio.check("form", &form).await;
    assert_eq!((&good["loads"], &good["diagnostics"], &good["grown"]), (&json!(true), &json!([]), &json!([])));
    assert_eq!(good["tests"]["run"], good["tests"]["passed"]);
    assert_eq!(good["about"]["inputs"]["password"], true);
    // An emoji before the mistake is two UTF-16 units.
    let draft = form.replace("success: { field:", "success: { /* 😀 */ field:").replace("/* 😀 */ ", "");
    let draft = draft.replace("title: ", "title: 😀").replace("method: POST", "methd: POST");
    let wrong = studio.check("form", &draft).await;
    assert_eq!(wrong["loads"], false);
    let found = &wrong["diagnostics"][0];
    assert_eq!((&found["code"], &found["severity"]), (&json!("unknown-key"), &json!("error")));
    assert_eq!(found["fixes"][0]["text"], "method");
    let fix = &found["fixes"][0]["range"];
    let line = draft.lines().nth(usize::try_from(fix["start"]["line"].as_u64().unwrap()).unwrap()).unwrap();
    let units: Vec<u16> = line.encode_utf16().collect();
    let at = |end: &str| usize::try_from(fix[end]["character"].as_u64().unwrap()).unwrap();
    assert_eq!(String::from_utf16(&units[at("start")..at("end")]).unwrap(), "methd");
    // A case that fails is a diagnostic of the draft.
    let failing = studio.check("form", &form.replacen("verdict: accept", "verdict: challenge", 1)).await;
    assert!(failing["diagnostics"].as_array().is_some_and(|all| !all.is_empty()), "{failing}");
}

#[tokio::test]
async fn a_save_of_the_studio_replaces_only_what_was_seen() {
    let form = shipped("form");
    let studio = StudioProcess::on(&[("form.yaml", &form)]).await;
    let opened = studio.call("GET", "/v1/studio/connectors/form", &[], None).await;
    assert_eq!(opened.json()["text"], form.as_str());
    let etag = opened.headers["etag"].to_str().unwrap().to_owned();
    assert_eq!(opened.json()["etag"], etag.as_str());
    let draft = form.replace("title: ", "# 注释 stays\ntitle: ");
    let saved = studio.save("form", &draft, ("if-match", &etag)).await;
    assert_eq!(saved.status, 200, "{}", saved.text);
    assert_eq!(std::fs::read_to_string(studio.path("form.yaml")).unwrap(), draft);
    // The other tab still has the first one.
    let late = studio.save("form", &form, ("if-match", &etag)).await;
    assert_eq!((late.status, &late.json()["text"]), (412, &json!(draft)));
    assert_eq!(late.json()["etag"], saved.json()["etag"]);
    // sed, meanwhile.
    std::fs::write(studio.path("form.yaml"), "version: 1\n").unwrap();
    let etag = saved.json()["etag"].as_str().unwrap().to_owned();
    assert_eq!(studio.save("form", &form, ("if-match", &etag)).await.status, 412);
    assert_eq!(std::fs::read_to_string(studio.path("form.yaml")).unwrap(), "version: 1\n");
    for condition in [("if-match", "*"), ("if-none-match", "\"x\""), ("x", "y")] {
        assert_eq!(studio.save("form", &form, condition).await.status, 428, "{condition:?}");
    }
    assert_eq!(studio.save("form", &form, ("if-none-match", "*")).await.status, 412, "it is there");
    assert_eq!(studio.save("fresh", &form, ("if-none-match", "*")).await.status, 200);
    assert_eq!(std::fs::read_to_string(studio.path("fresh.yaml")).unwrap(), form);
    // What was saved over, and what was saved; also what `sed` wrote.
    std::fs::write(studio.path("fresh.yaml"), "version: 1\n").unwrap();
    let opened = studio.call("GET", "/v1/studio/connectors/fresh", &[], None).await.json();
    assert_eq!(studio.save("fresh", &draft, ("if-match", opened["etag"].as_str().unwrap())).await.status, 200);
    let history = studio.call("GET", "/v1/studio/connectors/fresh/history", &[], None).await.json();
    assert_eq!(history["kept"], true);
    let mut texts = Vec::new();
    for version in history["versions"].as_array().unwrap() {
        let path = format!("/v1/studio/connectors/fresh/history/{}", version["version"].as_str().unwrap());
        texts.push(studio.call("GET", &path, &[], None).await.json()["text"].as_str().unwrap().to_owned());
    }
    assert_eq!(texts, [draft.as_str(), "version: 1\n", form.as_str()]);
    for path in [
        "/v1/studio/connectors/fresh/history/..%2F..%2Fx",
        "/v1/studio/connectors/..%2Fx/history/1764400000000-0123abcd",
    ] {
        assert_eq!(studio.call("GET", path, &[], None).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn the_studio_writes_nothing_outside_and_nothing_when_read_only() {
    let studio = StudioProcess::on(&[("a.yaml", "version: 1\n")]).await;
    for id in ["..%2Fb", "%2e%2e", "B", "a.b", "a%00", ".a"] {
        let saved = studio.save(id, "x", ("if-none-match", "*")).await;
        assert!([404, 422, 400].contains(&saved.status), "{id}: {}", saved.status);
        let read = studio.call("GET", &format!("/v1/studio/connectors/{id}"), &[], None).await;
        assert!([404, 422, 400].contains(&read.status), "{id}: {}", read.status);
    }
    assert_eq!(std::fs::read_dir(studio.home.path()).unwrap().count(), 1, "no history either");
    let studio = StudioProcess::with(&[("a.yaml", "version: 1\n")], &["--read-only"], &[]).await;
    let opened = studio.call("GET", "/v1/studio/connectors/a", &[], None).await.json();
    assert!(opened["read_only"].as_str().unwrap().contains("--read-only"));
    let saved = studio.save("a", "x", ("if-match", opened["etag"].as_str().unwrap())).await;
    assert_eq!((saved.status, saved.json()["code"].as_str()), (409, Some("unwritable")));
    assert_eq!(std::fs::read_to_string(studio.path("a.yaml")).unwrap(), "version: 1\n");
}

/// The value is taken from the last reply; nothing but the new part changes.
#[tokio::test]
async fn a_field_of_a_reply_becomes_a_rule_in_the_studio() {
    let demo = doorward_demo::DemoServer::start().await.unwrap();
    let text = shipped("foura-json-md5-filter").replace("success:", "# right\n      success:");
    let base = demo.base();
    let studio = StudioProcess::with(&[("a.yaml", &text)], &[], &[("FOURA_BASE_URL", &base)]).await;
    let tested = studio.test("a", None, json!({ "password": "wrong" })).await;
    assert_eq!(tested.json()["summary"]["verdict"], "reject", "{}", tested.text);
    let rule = async |more: serde_json::Value| {
        let mut body = json!({ "id": "a", "text": text, "step": "login", "path": "code" });
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        studio.call("POST", "/v1/studio/rule", &[], Some(body)).await
    };
    let made = rule(json!({ "use": "reject", "reason": "account_locked" })).await;
    assert_eq!(made.status, 200, "{}", made.text);
    let edits = made.json()["edits"].as_array().unwrap().clone();
    assert_eq!(edits.len(), 1);
    let inserted = edits[0]["text"].as_str().unwrap();
    assert_eq!(inserted.trim(), "- { when: { field: code, equals: 500 }, reason: account_locked }");
    // What is no code is not told, and what cannot be a rule is a problem.
    let hidden = rule(json!({ "use": "success", "path": "msg" })).await;
    assert_eq!((hidden.status, &hidden.json()["errors"][0]["pointer"]), (422, &json!("/equals")));
    assert_eq!(rule(json!({ "use": "reject", "reason": "because" })).await.status, 422);
    assert_eq!(rule(json!({ "use": "capture", "name": "a b" })).await.status, 422);
    assert_eq!(rule(json!({ "use": "identity", "step": "nowhere" })).await.status, 409);
}

#[tokio::test]
async fn a_curl_command_becomes_a_draft_in_the_studio() {
    let studio = StudioProcess::on(&[]).await;
    let import =
        async |command: &str| studio.call("POST", "/v1/studio/import", &[], Some(json!({ "command": command }))).await;
    let made = import("curl https://4a.example.com/login -d 'user=zhangsan&pwd=canary-123456'").await;
    let text = made.json()["text"].as_str().unwrap().to_owned();
    assert!(text.contains("{{user.userPassword}}") && !text.contains("canary-123456"), "{text}");
    assert_eq!(
        (made.json()["complete"].as_bool(), made.json()["candidates"].as_array().unwrap().len()),
        (Some(true), 1)
    );
    for wrong in ["-", "", "wget x", "{}", "{\"a\"", "swagger: 2.0"] {
        let refused = import(wrong).await;
        assert_eq!((refused.status, refused.json()["code"].as_str()), (422, Some("no_import")), "{wrong}");
    }
    assert_eq!(std::fs::read_dir(studio.home.path()).unwrap().count(), 0, "nothing is written");
}

/// Values that may be secret are not shown, and what somebody says of a value wins over the guess.
#[tokio::test]
async fn a_collection_is_reviewed_in_the_studio_before_it_becomes_a_draft() {
    let studio = StudioProcess::on(&[]).await;
    let request = |name: &str, path: &str, body: &str| json!({ "name": name, "request": { "method": "POST", "url": format!("{{{{host}}}}{path}"), "body": { "mode": "raw", "raw": body, "options": { "raw": { "language": "json" } } } } });
    let login = r#"{"who":"zhangsan","kennwort":"canary-kw-1","device":"a","token":"canary-token-9876543210"}"#;
    let collection = json!({ "info": { "schema": "v2.1.0" }, "item": [request("logout", "/logout", "{}"), request("login", "/login", login)] });
    let import = async |roles: serde_json::Value| {
        let body = json!({ "command": collection.to_string(), "at": 0, "roles": roles });
        studio.call("POST", "/v1/studio/import", &[], Some(body)).await
    };
    let guessed = import(json!([])).await;
    assert_eq!(guessed.status, 200, "{}", guessed.text);
    let first = guessed.json();
    assert_eq!((&first["candidates"][0]["name"], &first["complete"]), (&json!("login"), &json!(false)));
    let rows: Vec<_> = first["rows"].as_array().unwrap().iter().map(|row| row["role"].as_str().unwrap()).collect();
    assert_eq!(rows, ["literal", "literal", "literal", "secret"]);
    let said = import(json!(["username", "password|md5", null, "attribute"])).await;
    let text = said.json()["text"].as_str().unwrap().to_owned();
    assert_eq!(said.json()["complete"], true);
    for part in [
        "who: \"{{user.username}}\"",
        "kennwort: \"{{user.userPassword | md5}}\"",
        "token: \"{{user.token}}\"",
        "settings:\n  base:",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!said.text.contains("canary-"), "{}", said.text);
    assert!(!guessed.text.contains("canary-token"), "{}", guessed.text);
    assert_eq!(studio.check("fresh", &text).await["loads"], true, "{text}");
}

/// Nothing that the server said is in it, but for what a rule spells; it passes at once.
#[tokio::test]
async fn a_test_of_the_studio_becomes_a_case_with_stand_ins() {
    let demo = doorward_demo::DemoServer::start().await.unwrap();
    let shipped = shipped("foura-json-md5-filter");
    let text = shipped.split("\ntests:").next().unwrap().to_owned() + "\n";
    let base = demo.base();
    let studio = StudioProcess::with(&[("a.yaml", &text)], &[], &[("FOURA_BASE_URL", &base)]).await;
    let record = async |text: &str| {
        let body = json!({ "id": "a", "text": text, "name": "wrong password" });
        studio.call("POST", "/v1/studio/record", &[], Some(body)).await
    };
    assert_eq!(record(&text).await.json()["code"], "no_case", "nothing was sent yet");
    let right = doorward_demo::people::PEOPLE.iter().find(|person| person.login == "lisi").unwrap().password;
    for (password, verdict) in [("wrong", "reject"), (right, "accept")] {
        let tested = studio.test("a", None, json!({ "username": "lisi", "password": password })).await;
        assert_eq!(tested.json()["summary"]["verdict"], verdict, "{}", tested.text);
        let made = record(&text).await;
        assert_eq!(made.status, 200, "{}", made.text);
        let case = made.json()["case"].as_str().unwrap().to_owned();
        assert!(case.contains(&format!("verdict: {verdict}")) && case.contains("username: zhangsan"), "{case}");
        assert!(!case.contains("lisi") && !case.contains("用户名或密码错误"), "{case}");
        let inserted = made.json()["edits"][0]["text"].as_str().unwrap().to_owned();
        let checked = studio.check("a", &format!("{}{inserted}\n", text.trim_end())).await;
        assert_eq!(checked["tests"], json!({ "run": 1, "passed": 1 }), "{checked}");
    }
}
