//! The demo's longer protocols over bare sockets: right, wrong, too late, twice, somebody else's, malformed.

mod caller;

use serde_json::{Value, json};

use self::caller::Demo;

#[tokio::test]
async fn a_text_message_after_the_password() {
    let demo = Demo::start().await;
    let login =
        async |account: &str| demo.json("/mfa/login", json!({ "account": account, "password": "123456" })).await;
    let send =
        async |ticket: &Value| demo.json("/mfa/sms/send", json!({ "ticket": ticket })).await["resultCode"].clone();
    let verify = async |ticket: &Value, code: &str| {
        demo.json("/mfa/sms/verify", json!({ "ticket": ticket, "code": code })).await
    };
    let first = login("zhangsan").await;
    assert_eq!((&first["resultCode"], &first["mobile"]), (&json!("0001"), &json!("138****0001")));
    let ticket = &first["ticket"];
    assert_eq!(verify(ticket, "").await["resultCode"], "2001", "nothing was sent yet");
    assert_eq!(send(ticket).await, "0000");
    let code = demo.server.phone("zhangsan").code().unwrap();
    assert!(demo.server.phone("lisi").messages.is_empty());
    assert_eq!(send(ticket).await, "2004", "one a minute");
    demo.seconds_later(60);
    assert_eq!(send(ticket).await, "0000");
    let newer = demo.server.phone("zhangsan").code().unwrap();
    if newer != code {
        assert_eq!(verify(ticket, &code).await["resultCode"], "2001", "the newer one counts");
    }
    demo.seconds_later(300);
    assert_eq!(verify(ticket, &newer).await["resultCode"], "2002", "too late");
    assert_eq!(send(ticket).await, "0000");
    let code = demo.server.phone("zhangsan").code().unwrap();
    assert_eq!(verify(&json!("x"), &code).await["resultCode"], "2003");
    let right = verify(ticket, &code).await;
    assert_eq!((&right["resultCode"], &right["account"]), (&json!("0000"), &json!("zhangsan")));
    assert_eq!(verify(ticket, &code).await["resultCode"], "2003", "a ticket is good once");

    let ticket = &login("zhangsan").await["ticket"];
    send(ticket).await;
    for code in ["2001", "2001", "2001", "2001", "2005", "2003"] {
        assert_eq!(verify(ticket, "12345x").await["resultCode"], code);
    }
    let ticket = &login("zhangsan").await["ticket"];
    demo.seconds_later(600);
    assert_eq!(send(ticket).await, "2003");
    let without = demo.json("/mfa/login", json!({ "account": "周八", "password": "春眠不觉晓" })).await;
    assert_eq!(without["resultCode"], "0000");
    assert_eq!(login("lisi").await["resultCode"], "1001");
    assert_eq!(verify(&json!(1), "123456").await["resultCode"], "9001");
}

#[tokio::test]
async fn an_authenticator_app_after_the_password() {
    let demo = Demo::start().await;
    let login = async |user: &str, password: &str| {
        demo.json("/api/v1/authn", json!({ "username": user, "password": password })).await
    };
    let verify = async |factor: &Value, state: &Value, code: &str| {
        let path = format!("/api/v1/authn/factors/{}/verify", factor.as_str().unwrap());
        demo.json(&path, json!({ "stateToken": state, "passCode": code })).await
    };
    let first = login("zhangsan", "123456").await;
    assert_eq!(first["status"], "MFA_REQUIRED");
    let (state, factor) = (&first["stateToken"], &first["_embedded"]["factors"][0]["id"]);
    let code = demo.server.phone("zhangsan").authenticator;
    let other = login("lisi", r#"密码 "9'9%&<b>=+;,|\"#).await;
    let others = &other["_embedded"]["factors"][0]["id"];
    assert_eq!(verify(others, state, &code).await["errorCode"], "E0000007", "a factor of somebody else");
    assert_eq!(verify(factor, &json!("x"), &code).await["errorCode"], "E0000011");
    assert_eq!(verify(factor, state, "").await["errorCode"], "E0000003");
    let right = verify(factor, state, &code).await;
    assert_eq!(right["status"], "SUCCESS");
    assert_eq!(right["_embedded"]["user"]["profile"]["login"], "zhangsan");
    assert_eq!(verify(factor, state, &code).await["errorCode"], "E0000011");
    let state = &login("zhangsan", "123456").await["stateToken"];
    let used = verify(factor, state, &code).await;
    assert!(used["errorSummary"].as_str().unwrap().contains("once"), "{used}");
    demo.seconds_later(30);
    let code = demo.server.phone("zhangsan").authenticator;
    assert_eq!(verify(factor, state, &code).await["status"], "SUCCESS");
    let state = &login("zhangsan", "123456").await["stateToken"];
    for code in ["E0000068", "E0000068", "E0000068", "E0000068", "E0000069", "E0000011"] {
        assert_eq!(verify(factor, state, "12345x").await["errorCode"], code);
    }
    assert_eq!(login("zhangsan", "x").await["errorCode"], "E0000004");
    assert_eq!(login("周八", "春眠不觉晓").await["status"], "SUCCESS");
}

#[tokio::test]
async fn a_button_on_the_telephone() {
    let demo = Demo::start().await;
    let login = async |form: &str| demo.form("/push/login", "", form).await.json();
    let state = async |id: &Value| demo.get(&format!("/push/state?pushId={}", id.as_str().unwrap())).await.json();
    let id = &login("username=zhangsan&password=123456").await["data"]["pushId"];
    assert_eq!(state(id).await["data"]["state"], "WAITING");
    assert!(!demo.server.press("lisi", true), "it asks nothing");
    assert_eq!(demo.server.phone("zhangsan").waiting, 1);
    let pressed = demo.form("/demo/phone/confirm", "", "login=zhangsan").await.json();
    assert_eq!(pressed, json!({ "pressed": true }));
    let confirmed = state(id).await;
    assert_eq!(confirmed["data"]["state"], "CONFIRMED");
    assert_eq!(confirmed["data"]["loginName"], "zhangsan");
    assert_eq!(state(id).await["code"], 404, "told once");
    let id = &login("username=zhangsan&password=123456").await["data"]["pushId"];
    assert!(demo.server.press("zhangsan", false));
    assert_eq!(state(id).await["data"]["state"], "DENIED");
    assert!(!demo.server.press("zhangsan", true), "a button is pressed once");
    let id = &login("username=zhangsan&password=123456").await["data"]["pushId"];
    demo.seconds_later(120);
    assert_eq!(state(id).await["data"]["state"], "TIMEOUT");
    assert!(!demo.server.press("zhangsan", true));
    assert_eq!(login("username=zhangsan&password=1").await["code"], 500);
    assert_eq!(demo.form("/demo/phone/deny", "", "login=nobody").await.status, 404);
}

#[tokio::test]
async fn an_old_password_must_be_renewed() {
    let demo = Demo::start().await;
    let login =
        async |password: &str| demo.json("/account/login", json!({ "loginName": "sunqi", "password": password })).await;
    let change = async |ticket: &Value, new: &str| {
        demo.json("/account/password", json!({ "changeTicket": ticket, "newPassword": new })).await["status"].clone()
    };
    assert_eq!(login("x").await["status"], "BAD_CREDENTIALS");
    let first = login("sunqi@2019").await;
    assert_eq!(first["status"], "MUST_CHANGE");
    let ticket = &first["changeTicket"];
    for weak in ["short1", "onlyletters", "12345678", "sunqi@2019", "x-sunqi-1-x"] {
        assert_eq!(change(ticket, weak).await, "WEAK_PASSWORD", "{weak}");
    }
    assert_eq!(change(&json!("x"), "Spring-2026").await, "TICKET_INVALID");
    assert_eq!(change(ticket, "春天来了 2026 \"&<").await, "OK");
    assert_eq!(change(ticket, "Autumn-2026").await, "TICKET_INVALID", "once");
    assert_eq!(login("sunqi@2019").await["status"], "BAD_CREDENTIALS");
    assert_eq!(login("春天来了 2026 \"&<").await["status"], "OK");
}

#[tokio::test]
async fn a_picture_of_digits_before_the_password() {
    let demo = Demo::start().await;
    let login = async |cookie: &str, password: &str, digits: &str| {
        let body = format!("username=zhangsan&password={password}&captcha={digits}");
        demo.form("/captcha/login", &format!("Cookie: {cookie}\r\n"), &body).await.json()["code"].clone()
    };
    let look = async || {
        let picture = demo.get("/captcha/image").await;
        assert_eq!(picture.header("content-type"), ["image/png"]);
        (picture.cookie("CAPTCHASESSION"), demo.server.read_picture(&picture.body).unwrap())
    };
    let (cookie, digits) = look().await;
    assert_eq!(login(&cookie, "123456", &digits).await, 0);
    assert_eq!(login(&cookie, "123456", &digits).await, 601, "once");
    let (cookie, digits) = look().await;
    assert_eq!(login(&cookie, "x", &digits).await, 500);
    let (cookie, digits) = look().await;
    assert_eq!(login(&cookie, "123456", "x").await, 601);
    assert_eq!(login(&cookie, "123456", &digits).await, 601, "a wrong answer uses it up");
    let (cookie, digits) = look().await;
    demo.seconds_later(120);
    assert_eq!(login(&cookie, "123456", &digits).await, 601, "too late");
    assert_eq!(demo.form("/captcha/login", "", "username=zhangsan&password=1&captcha=1").await.json()["code"], 400);
    assert_eq!(demo.server.read_picture(b"x"), None);
}

#[tokio::test]
async fn a_form_with_a_token_against_forgery() {
    let demo = Demo::start().await;
    let open = async || {
        let page = demo.get("/intranet/login").await;
        (page.cookie("INTRANETSESSION"), page.between("name=\"_csrf\" value=\"", "\""))
    };
    let login = async |cookie: &str, csrf: &str, password: &str| {
        let body = format!("_csrf={csrf}&next=%2Fintranet%2Fhome&username=zhangsan&password={password}");
        demo.form("/intranet/login?from=portal", &format!("Cookie: {cookie}\r\n"), &body).await
    };
    let (cookie, csrf) = open().await;
    let right = login(&cookie, &csrf, "123456").await;
    assert_eq!((right.status, right.header("location")), (302, vec!["/intranet/home".to_owned()]));
    assert!(!right.cookie("INTRANET_TOKEN").is_empty());
    assert_ne!(right.cookie("INTRANETSESSION"), cookie);
    assert_eq!(login(&cookie, &csrf, "123456").await.status, 403, "once");
    let (cookie, csrf) = open().await;
    let (other, _) = open().await;
    assert_eq!(login(&other, &csrf, "123456").await.status, 403, "the token of another session");
    assert_eq!(login("x=y", &csrf, "123456").await.status, 400);
    let wrong = login(&cookie, &csrf, "x").await;
    assert_eq!((wrong.status, wrong.between("class=\"error\">", "<")), (200, "用户名或密码错误".to_owned()));
    let csrf = wrong.between("name=\"_csrf\" value=\"", "\"");
    assert_eq!(login(&wrong.cookie("INTRANETSESSION"), &csrf, "123456").await.status, 302);
}

#[tokio::test]
async fn tickets_of_cas() {
    let demo = Demo::start().await;
    let service = "service=https%3A%2F%2Fapp.example.com%2Fcas";
    let path = format!("/cas/login?{service}");
    let login = async |password: &str| {
        let page = demo.get(&path).await;
        let (lt, execution) =
            (page.between("name=\"lt\" value=\"", "\""), page.between("name=\"execution\" value=\"", "\""));
        let body = format!("username=zhangsan&password={password}&lt={lt}&execution={execution}&_eventId=submit");
        (demo.form(&path, "", &body).await, body)
    };
    let validate = async |service: &str, ticket: &str| {
        demo.get(&format!("/cas/serviceValidate?{service}&ticket={ticket}")).await.text()
    };
    let (right, body) = login("123456").await;
    assert_eq!(right.status, 302);
    let location = right.header("location").remove(0);
    let ticket = location.strip_prefix("https://app.example.com/cas?ticket=").unwrap();
    assert!(validate(service, ticket).await.contains("<cas:user>zhangsan</cas:user>"));
    assert!(validate(service, ticket).await.contains("INVALID_TICKET"), "once");
    assert!(demo.form(&path, "", &body).await.text().contains("已过期"), "a form is good once");
    let (right, _) = login("123456").await;
    let location = right.header("location").remove(0);
    let ticket = location.split_once("ticket=").unwrap().1;
    assert!(validate("service=https%3A%2F%2Fevil.example.com", ticket).await.contains("INVALID_SERVICE"));
    let (right, _) = login("123456").await;
    let location = right.header("location").remove(0);
    demo.seconds_later(10);
    assert!(validate(service, location.split_once("ticket=").unwrap().1).await.contains("INVALID_TICKET"), "late");
    let (wrong, _) = login("x").await;
    assert_eq!((wrong.status, wrong.between("class=\"errors\">", "<")), (401, "用户名或密码错误".to_owned()));
    assert_eq!(demo.get("/cas/login?service=https%3A%2F%2Fevil.example.com").await.status, 403);
}

#[tokio::test]
async fn an_open_platform_knows_its_application() {
    let demo = Demo::start().await;
    let token = async |secret: &str| {
        let body = format!("grant_type=client_credentials&client_id=doorward&client_secret={secret}");
        demo.form("/open/oauth/token", "", &body).await
    };
    assert_eq!(token("x").await.status, 401);
    let access = token("demo-client-secret").await.json()["access_token"].as_str().unwrap().to_owned();
    let login = async |access: &str, password: &str| {
        let headers = format!("Content-Type: application/json\r\nAuthorization: Bearer {access}\r\n");
        let body = json!({ "account": "zhangsan", "password": password }).to_string();
        demo.send("POST /open/user/login", &headers, &body).await.json()
    };
    let info = async |access: &str, id: &Value| {
        let line = format!("GET /open/user/info?openId={}", id.as_str().unwrap());
        demo.send(&line, &format!("Authorization: Bearer {access}\r\n"), "").await.json()
    };
    assert_eq!(login("x", "123456").await["code"], 401);
    assert_eq!(login(&access, "x").await["code"], 500);
    let id = &login(&access, "123456").await["data"]["openId"];
    assert_eq!(info("x", id).await["code"], 401);
    assert_eq!(info(&access, id).await["data"]["account"], "zhangsan");
    assert_eq!(info(&access, id).await["code"], 404, "once");
    demo.server.forget_app_tokens();
    assert_eq!(login(&access, "123456").await["code"], 401);
    let access = token("demo-client-secret").await.json()["access_token"].as_str().unwrap().to_owned();
    demo.seconds_later(7200);
    assert_eq!(login(&access, "123456").await["code"], 401, "expired");
}

#[tokio::test]
async fn messages_by_wechat_work() {
    let demo = Demo::start().await;
    let token = async |query: &str| demo.get(&format!("/cgi-bin/gettoken?{query}")).await.json();
    assert_eq!(token("corpid=x&corpsecret=demo-corp-secret").await["errcode"], 40013);
    assert_eq!(token("corpid=ww-demo-corp&corpsecret=x").await["errcode"], 40001);
    let granted = token("corpid=ww-demo-corp&corpsecret=demo-corp-secret").await;
    assert_eq!((&granted["errcode"], &granted["expires_in"]), (&json!(0), &json!(7200)));
    let access = granted["access_token"].as_str().unwrap();
    let by_mobile = format!("/cgi-bin/user/getuserid?access_token={access}");
    let user = demo.json(&by_mobile, json!({ "mobile": "13800000001" })).await["userid"].clone();
    assert_eq!(demo.json(&by_mobile, json!({ "mobile": "1" })).await["errcode"], 46004);
    let message = |user: &Value, agent: u64| json!({ "touser": user, "msgtype": "text", "agentid": agent, "text": { "content": "code 123456" }, "safe": 0 });
    let path = |access: &str| format!("/cgi-bin/message/send?access_token={access}");
    assert_eq!(demo.json(&path("x"), message(&user, 1_000_002)).await["errcode"], 40014);
    assert_eq!(demo.json(&path(access), message(&json!("x"), 1_000_002)).await["errcode"], 81013);
    assert_eq!(demo.json(&path(access), message(&user, 1)).await["errcode"], 40056);
    assert_eq!(demo.json(&path(access), json!({ "touser": user, "code": "1" })).await["errcode"], 40058);
    assert_eq!(demo.json(&path(access), message(&user, 1_000_002)).await["errcode"], 0);
    assert_eq!(demo.server.phone("zhangsan").messages, ["code 123456"]);
    let shown = demo.get("/demo/phone?login=zhangsan").await.json();
    assert_eq!(shown["messages"][0], json!({ "from": "企业微信", "for": "wecom-code", "text": "code 123456" }));
}

#[tokio::test]
async fn messages_by_dingtalk() {
    let demo = Demo::start().await;
    let token = async |secret: &str| {
        demo.json("/v1.0/oauth2/accessToken", json!({ "appKey": "ding-demo-app", "appSecret": secret })).await
    };
    assert_eq!(token("x").await["code"], "invalidClientIdOrSecret");
    let access = token("demo-app-secret").await["accessToken"].as_str().unwrap().to_owned();
    let user =
        demo.form("/oa/login", "", "account=zhangsan&password=123456").await.json()["user"]["dingTalkId"].clone();
    let send = async |access: &str, user: &Value, param: &str| {
        let headers = format!("Content-Type: application/json\r\nx-acs-dingtalk-access-token: {access}\r\n");
        let body =
            json!({ "robotCode": "ding-demo-app", "userIds": [user], "msgKey": "sampleText", "msgParam": param });
        demo.send("POST /v1.0/robot/oToMessages/batchSend", &headers, &body.to_string()).await
    };
    let refused = send("x", &user, "{}").await;
    assert_eq!((refused.status, &refused.json()["code"]), (400, &json!("InvalidAuthentication")));
    assert_eq!(send(&access, &user, "code").await.json()["code"], "invalidParameter");
    let sent = send(&access, &json!("nobody"), r#"{"content":"x"}"#).await.json();
    assert_eq!(sent["invalidStaffIdList"], json!(["nobody"]));
    let sent = send(&access, &user, r#"{"content":"code 654321"}"#).await.json();
    assert_eq!(sent["invalidStaffIdList"], json!([]));
    assert_eq!(demo.server.phone("zhangsan").code().as_deref(), Some("654321"));
    assert_eq!(demo.form("/oa/login", "", "account=zhangsan&password=x").await.json()["success"], false);
}
