//! gmssl and OpenSSL as the other side of SM2, SM3 and SM4 (tests/upstreams/gm).

use super::{Door, repository, running};

const BASE: &str = "http://127.0.0.1:18093";
const ALICE: &str = "S3cret päss";
/// That of GB/T 32918.5-2017.
const SM2_KEY: &str = "3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8";
const SM4_KEY: &str = "0123456789abcdeffedcba9876543210";

async fn tried(door: Door) {
    door.expect("alice", ALICE, "accept").await;
    door.expect("周八", "密码 bob+&=%", "accept").await;
    door.expect("alice", "bad", "reject(invalid_credentials)").await;
    door.expect("nobody", ALICE, "reject(invalid_credentials)").await;
    door.passes_as_typed("alice", ALICE).await;
}

async fn open(text: &str, secrets: &[(&str, &str)]) -> Door {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gm.yaml");
    std::fs::write(&file, text).unwrap();
    Door::open_with(&file, &[], secrets).await
}

/// A login by JSON at `path`; `more` goes into the request.
fn login(path: &str, password: &str, more: &str) -> String {
    format!(
        r#"version: 1
secrets: {{ key: {{ env: UNUSED }} }}
steps:
  - name: login
    request:
      method: POST
      url: "{BASE}{path}"
{more}
      body: {{ json: {{ username: "{{{{user.username}}}}", password: "{password}" }} }}
    response:
      format: json
      reject: [ {{ when: {{ field: code, equals: 500 }}, reason: invalid_credentials }} ]
      unavailable: {{ field: code, in: [ 400, 401 ] }}
      success: {{ all: [ {{ field: code, equals: 200 }}, {{ field: result.token, has_value: true }} ] }}
      identity: result.loginName
"#
    )
}

#[tokio::test]
async fn sm2_encrypts_in_each_layout() {
    if running("gm").is_none() {
        return;
    }
    let shipped = Door::open(&repository("connectors/sm2-password.yaml"), &[("base", BASE)]).await;
    tried(shipped).await;
    let public = "0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
    for (path, options) in [("/sm2/c1c2c3", "layout=C1C2C3, output=hex"), ("/sm2/asn1", "layout=asn1, output=hex")] {
        let hole = format!("{{{{user.userPassword | sm2(key=secret.key, {options})}}}}");
        tried(open(&login(path, &hole, ""), &[("key", public)]).await).await;
    }
    // Another key: the server cannot read it, and no user is to blame.
    let other = "04ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad1309f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020";
    let hole = "{{user.userPassword | sm2(key=secret.key, layout=C1C2C3, output=hex)}}";
    let door = open(&login("/sm2/c1c2c3", hole, ""), &[("key", other)]).await;
    let report = door.login("alice", ALICE).await;
    assert!(!super::door::word(&report).starts_with("accept"), "{}", report.explain);
}

#[tokio::test]
async fn sm3_hashes() {
    if running("gm").is_none() {
        return;
    }
    tried(open(&login("/sm3/login", "{{user.userPassword | sm3}}", ""), &[("key", "unused")]).await).await;
}

#[tokio::test]
async fn sm2_with_sm3_signs() {
    if running("gm").is_none() {
        return;
    }
    for (path, algorithm) in [("/signed/login", "sm2_sm3"), ("/signed/plain", "sm2_sm3_plain")] {
        let auth = format!(
            r#"      auth:
        hmac:
          algorithm: {algorithm}
          key: "{{{{secret.key}}}}"
          canonical: "{{{{request.method}}}}\n{{{{request.path}}}}\n{{{{request.body}}}}"
          output: hex
          into: {{ header: X-Sign }}"#
        );
        let text = login(path, "{{user.userPassword}}", &auth);
        tried(open(&text, &[("key", SM2_KEY)]).await).await;
        let other = SM2_KEY.replace('3', "4");
        open(&text, &[("key", &other)]).await.expect("alice", ALICE, "unavailable(upstream_error)").await;
    }
}

#[tokio::test]
async fn sm4_both_ways() {
    if running("gm").is_none() {
        return;
    }
    let text = format!(
        r#"version: 1
secrets: {{ key: {{ env: UNUSED }} }}
steps:
  - name: login
    request:
      method: POST
      url: "{BASE}/sm4/login"
      body:
        inner: {{ json: {{ username: "{{{{user.username}}}}", password: "{{{{user.userPassword}}}}" }} }}
        json:
          iv: "{{{{random.hex16}}}}"
          data: "{{{{body.inner | sm4(mode=cbc, key=secret.key, key_as=hex, iv=random.hex16, iv_as=hex)}}}}"
    response:
      format: json
      decrypt:
        sm4: {{ mode: cbc }}
        key: "{{{{secret.key}}}}"
        key_as: hex
        iv: {{ field: iv }}
        iv_as: hex
        input: base64
        field: data
      reject: [ {{ when: {{ field: data.code, equals: 500 }}, reason: invalid_credentials }} ]
      success: {{ all: [ {{ field: data.code, equals: 200 }}, {{ field: data.result.token, has_value: true }} ] }}
      identity: data.result.loginName
"#
    );
    tried(open(&text, &[("key", SM4_KEY)]).await).await;
    let other = SM4_KEY.replace('0', "1");
    open(&text, &[("key", &other)]).await.expect("alice", ALICE, "unavailable(unexpected_reply)").await;
}
