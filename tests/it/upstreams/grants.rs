//! A user's password grant, introspection, refresh and revocation at authorization servers: one takes the client's secret
//! form-urlencoded inside Basic, the other as it is.

use doorward::document::Value;
use doorward::flow::UtilityEnd;
use doorward::verdict::Verdict;

use super::door::word;
use super::{Door, running};

struct Server {
    name: &'static str,
    base: &'static str,
    token: &'static str,
    introspect: &'static str,
    /// None where the server has no such page.
    revoke: Option<&'static str>,
    client: &'static str,
    /// Behind `secret.client`.
    encoded: &'static str,
    /// The claim that names the user.
    user: &'static str,
    login: (&'static str, &'static str),
}

const SERVERS: [Server; 2] = [
    Server {
        name: "django",
        base: "http://127.0.0.1:18085",
        token: "/o/token/",
        introspect: "/o/introspect/",
        revoke: Some("/o/revoke_token/"),
        client: "hub-password",
        encoded: " | urlencode",
        user: "username",
        login: ("bob", "bob pw+&=%"),
    },
    Server {
        name: "lemonldap",
        base: "http://127.0.0.1:18082",
        token: "/oauth2/token",
        introspect: "/oauth2/introspect",
        revoke: None,
        client: "hub",
        encoded: "",
        user: "sub",
        login: ("dwho", "dwho"),
    },
];

impl Server {
    /// A step that asks `page` as the client.
    fn step(&self, name: &str, page: &str, form: &str, rest: &str, encoded: &str) -> String {
        let Self { base, client, .. } = self;
        format!(
            r#"  - name: {name}
    request:
      method: POST
      url: "{base}{page}"
      auth: {{ basic: {{ username: "{client}", password: "{{{{secret.client{encoded}}}}}" }} }}
      body: {{ form: {{ {form} }} }}
    response: {{ {rest} }}
"#
        )
    }

    fn login(&self, encoded: &str) -> String {
        let rules = r"format: json, reject: [ { when: { all: [ { status: 400 }, { field: error, equals: invalid_grant } ] }, reason: invalid_credentials } ], unavailable: { field: error, has_value: true }, success: { field: access_token, has_value: true }, capture: { token: access_token }, map: { extension: { object: { access_token: access_token, refresh_token: refresh_token } } }";
        let form =
            r#"grant_type: password, username: "{{user.username}}", password: "{{user.userPassword}}", scope: openid"#;
        let who = format!(
            "format: json, success: {{ all: [ {{ field: active, equals: true }}, {{ field: {0}, has_value: true }} ] }}, identity: {0}",
            self.user
        );
        let login = self.step("login", self.token, form, rules, encoded);
        let introspect = self.step("introspect", self.introspect, r#"token: "{{steps.login.token}}""#, &who, encoded);
        format!("version: 1\nsecrets: {{ client: {{ env: UNUSED }} }}\nsteps:\n{login}{introspect}")
    }

    fn utility(&self, page: &str, form: &str, rest: &str) -> String {
        let step = self.step("ask", page, form, rest, self.encoded);
        format!(
            "version: 1\nkind: utility\nsecrets: {{ client: {{ env: UNUSED }} }}\ninput: {{ attributes: {{ token: {{ required: true, max: 4096 }} }} }}\nsteps:\n{step}"
        )
    }
}

const SECRET: [(&str, &str); 1] = [("client", "hub secret+/=")];

async fn open(text: &str) -> Door {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("grant.yaml");
    std::fs::write(&file, text).unwrap();
    Door::open_with(&file, &[], &SECRET).await
}

fn text(object: &Value, name: &str) -> String {
    object.get(name).and_then(Value::scalar_text).unwrap_or_else(|| panic!("no {name}")).to_owned()
}

#[tokio::test]
async fn a_users_password_then_the_tokens_life() {
    for server in SERVERS {
        if running(server.name).is_none() {
            continue;
        }
        let (user, password) = server.login;
        let door = open(&server.login(server.encoded)).await;
        let report = door.expect(user, password, "accept").await;
        let Verdict::Accept(accept) = report.verdict else { unreachable!() };
        let first = accept.mapped.extension.unwrap();
        door.expect(user, "bad", "reject(invalid_credentials)").await;
        door.expect("nobody", password, "reject(invalid_credentials)").await;
        door.refuses_the_hostile(user, password).await;
        // The client's secret in the other spelling: no user is to blame.
        let other = if server.encoded.is_empty() { " | urlencode" } else { "" };
        let report = open(&server.login(other)).await.login(user, password).await;
        assert!(word(&report).starts_with("unavailable("), "{}: {}", server.name, report.explain);

        let active = "format: json, success: { field: active, exists: true }, map: { extension: { object: { active: active } } }";
        let introspect = open(&server.utility(server.introspect, r#"token: "{{user.token}}""#, active)).await;
        let is_active = async |token: &str| match introspect.call_with(&[("token", token)]).await.end {
            UtilityEnd::Extension(extension) => text(&extension, "active") == "true",
            end => panic!("{}: {end:?}", server.name),
        };
        assert!(is_active(&text(&first, "access_token")).await, "{}", server.name);
        assert!(!is_active("made-up").await, "{}", server.name);

        if first.get("refresh_token").is_some_and(|token| *token != Value::Null) {
            let rules = "format: json, reject: [ { when: { status: 400 }, reason: other } ], success: { field: access_token, has_value: true }, map: { extension: { object: { access_token: access_token } } }";
            let form = r#"grant_type: refresh_token, refresh_token: "{{user.token}}""#;
            let refresh = open(&server.utility(server.token, form, rules)).await;
            let UtilityEnd::Extension(second) =
                refresh.call_with(&[("token", &text(&first, "refresh_token"))]).await.end
            else {
                panic!("{}: not renewed", server.name)
            };
            assert!(is_active(&text(&second, "access_token")).await, "{}", server.name);
            let made_up = refresh.call_with(&[("token", "made-up")]).await.end;
            assert!(matches!(made_up, UtilityEnd::Refused(_)), "{}: {made_up:?}", server.name);
            if let Some(page) = server.revoke {
                let revoke =
                    open(&server.utility(page, r#"token: "{{user.token}}""#, "success: { status: 200 }")).await;
                let revoked = revoke.call_with(&[("token", &text(&second, "access_token"))]).await.end;
                assert!(matches!(revoked, UtilityEnd::Extension(_)), "{}: {revoked:?}", server.name);
                assert!(!is_active(&text(&second, "access_token")).await, "{}", server.name);
            }
        } else {
            panic!("{} gave no refresh token", server.name);
        }
    }
}
