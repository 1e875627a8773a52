//! Authorization servers that give tokens of the service's own: each way in which a client proves itself, right and wrong.

use super::door::Door;
use super::running;

/// A utility that asks `page` with a token from `token_url`.
async fn asks(page: &str, token_url: &str, keys: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token.yaml");
    let text = format!(
        "version: 1\nkind: utility\nsteps:\n  - name: page\n    request:\n      url: \"{page}\"\n      auth: {{ oauth2: {{ token_url: \"{token_url}\", {keys} }} }}\n    \
         response: {{ success: {{ status: 200 }}, map: {{ extension: {{ object: {{ status: {{ value: \"1\" }} }} }} }} }}\n"
    );
    std::fs::write(&file, text).unwrap();
    Door::open(&file, &[]).await.call().await
}

const REFUSED: &str = "the token endpoint refuses the client";

#[tokio::test]
async fn oidc_provider_by_each_client_authentication() {
    let Some(home) = running("oidc-provider") else { return };
    let pem = std::fs::read_to_string(home.join("client-private.pem")).unwrap().replace('\n', "\\n");
    let base = "http://127.0.0.1:18087";
    let ask = async |keys: &str| asks(&format!("{base}/jwks"), &format!("{base}/token"), keys).await;
    let jwt = |keys: &str| format!(r#"{keys}, assertion_audience: "{base}""#);
    for (right, wrong) in [
        (
            r#"client_id: hub, client_secret: "hub secret+/=""#.to_owned(),
            r#"client_id: hub, client_secret: "hub secret""#.to_owned(),
        ),
        (
            "client_id: hub-post, client_secret: hubpostsecret, client_auth: form".to_owned(),
            "client_id: hub-post, client_secret: x, client_auth: form".to_owned(),
        ),
        (
            jwt(
                r#"client_id: hub-csjwt, client_secret: "a-secret-that-is-at-least-32-bytes-long!", client_auth: client_secret_jwt"#,
            ),
            jwt(
                r#"client_id: hub-csjwt, client_secret: "another-secret-of-at-least-32-bytes-long", client_auth: client_secret_jwt"#,
            ),
        ),
        (
            jwt(&format!(
                r#"client_id: hub-pkjwt, private_key: "{pem}", key_id: hubkey, client_auth: private_key_jwt"#
            )),
            "client_id: hub-pkjwt, client_secret: x".to_owned(),
        ),
    ] {
        assert_eq!(ask(&right).await, Ok(()), "{right}");
        let told = ask(&wrong).await.unwrap_err();
        assert!(told.contains(REFUSED), "{wrong}: {told}");
    }
}

/// Of two servers one takes the client's secret form-urlencoded inside Basic, the other as it is.
#[tokio::test]
async fn django_wants_the_encoded_secret_and_lemonldap_the_raw_one() {
    for (server, client, page, token_url, right, wrong) in [
        (
            "django",
            "hub-cc",
            "http://127.0.0.1:18085/admin/login/",
            "http://127.0.0.1:18085/o/token/",
            "basic",
            "basic_raw",
        ),
        (
            "lemonldap",
            "hub",
            "http://127.0.0.1:18082/oauth2/jwks",
            "http://127.0.0.1:18082/oauth2/token",
            "basic_raw",
            "basic",
        ),
    ] {
        if running(server).is_none() {
            continue;
        }
        // LemonLDAP grants a client no token without a scope.
        let scope = if server == "lemonldap" { ", scope: profile" } else { "" };
        let keys =
            |way: &str| format!(r#"client_id: {client}, client_secret: "hub secret+/=", client_auth: {way}{scope}"#);
        assert_eq!(asks(page, token_url, &keys(right)).await, Ok(()), "{server}");
        let told = asks(page, token_url, &keys(wrong)).await.unwrap_err();
        assert!(told.contains(REFUSED), "{server}: {told}");
    }
}
