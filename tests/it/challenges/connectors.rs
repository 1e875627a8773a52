//! The connectors of the challenge tests, one a kind of second factor.

fn connector(base: &str, input: &str, steps: &str) -> String {
    let login = r#"
  - name: login
    request: { method: POST, url: "${base}/login", body: { form: { user: "{{user.username}}", password: "{{user.userPassword}}" } } }
    response:
      format: json
      reject: [ { when: { field: code, equals: 500 }, reason: invalid_credentials } ]
      more: { all: [ { field: code, equals: 200 }, { field: mfa, equals: true } ] }
      success: { all: [ { field: code, equals: 200 }, { field: token, exists: true } ] }
      capture: { token: { field: token }, mobile: { field: mobile }, picture: { field: picture }, extra: { field: secret_extra } }
      map: { extension: data }"#;
    format!(
        "version: 1\n{input}\ntransport: {{ timeout: 3s }}\nsettings: {{ base: \"{base}\" }}\nsteps:{login}\n{steps}"
    )
}

pub fn sms(base: &str) -> String {
    sms_with(base, "expires_in: 5m")
}

pub fn sms_with(base: &str, more: &str) -> String {
    let steps = r#"
  - name: send_code
    when: { var: steps.login.outcome, equals: more }
    request: { method: POST, url: "${base}/sms", body: { form: { t: "{{steps.login.token}}" } } }
    response: { format: json, success: { field: code, equals: 0 } }
  - name: verify
    when: { var: steps.login.outcome, equals: more }
    ask:
      type: sms
      message: "sent to {{steps.login.mobile}}"
      fields: [ { name: code, label: Code, echo: true, pattern: "[0-9a-z]{3,6}" } ]
      attempts: 3
      MORE
    request: { method: POST, url: "${base}/verify", body: { form: { code: "{{answer.code}}", t: "{{steps.login.token}}" } } }
    response:
      format: json
      reject:
        - { when: { field: code, equals: 96 }, reason: mfa_failed }
        - { when: { field: code, equals: 423 }, reason: account_locked }
      success: { field: code, equals: 0 }
      map: { error_code: code, error_message: msg, attributes: { name: name } }
"#;
    connector(base, "", &steps.replace("MORE", more))
}

pub fn push(base: &str, poll_after: &str) -> String {
    let steps = r#"
  - name: confirm
    role: factor
    ask: { type: push, message: "confirm on your telephone", poll_after: EVERY }
    request: { method: GET, url: "${base}/push" }
    response:
      format: json
      reject: [ { when: { field: state, equals: refused }, reason: mfa_failed } ]
      pending: { field: state, equals: waiting }
      success: { field: state, equals: confirmed }
      identity: { field: name, match: exact }
"#;
    connector(base, "", &steps.replace("EVERY", poll_after))
}

/// Two ways to send a code, of which one did not run: its capture is missing when the answer is compared.
pub fn one_of_two_codes(base: &str) -> String {
    let steps = r#"
  - name: send
    request: { method: POST, url: "${base}/sms", body: { form: { text: "your code is {{random.digits6}}" } } }
    response: { format: json, success: { field: code, equals: 0 }, capture: { code: { var: random.digits6 } } }
  - name: mail
    when: { var: steps.login.outcome, equals: skipped }
    request: { method: POST, url: "${base}/mail", body: { form: { text: "your code is {{random.digits6}}" } } }
    response: { format: json, success: { field: code, equals: 0 }, capture: { code: { var: random.digits6 } } }
  - name: compare
    ask: { type: custom, fields: [ { name: code } ], attempts: 10 }
    response:
      success: { any: [ { var: answer.code, equals: "{{steps.send.code}}" }, { var: answer.code, equals: "{{steps.mail.code}}" } ] }
"#;
    connector(base, "", steps)
}

/// Without a password: the page of the redirect asks for it.
pub fn redirect(base: &str) -> String {
    let steps = r#"
  - name: exchange
    ask:
      type: redirect
      url: "https://sso.example.com/authorize?client_id=doorward&state={{login.state}}&nonce={{login.nonce}}&code_challenge={{login.pkce_challenge}}&code_challenge_method=S256"
    request: { method: POST, url: "${base}/token", body: { form: { code: "{{answer.code}}", code_verifier: "{{login.pkce_verifier}}" } } }
    response:
      format: json
      success: { field: sub, exists: true }
      identity: { field: sub, match: exact }
"#;
    format!(
        "version: 1\ninput: {{ allow_empty_password: true }}\ntransport: {{ timeout: 3s }}\nsettings: {{ base: \"{base}\" }}\nsteps:{steps}"
    )
}

pub fn renewal(base: &str) -> String {
    let steps = r#"
  - name: renew
    ask:
      type: renew_password
      message: "choose a new password"
      fields: [ { name: new_password, label: New password }, { name: again } ]
    variables: |
      if (answer.new_password !== answer.again) throw code_util.reject("the two are not the same");
      env.new = answer.new_password;
    request: { method: POST, url: "${base}/renew", body: { form: { new: "{{env.new}}", t: "{{steps.login.token}}" } } }
    response:
      format: json
      reject: [ { when: { field: code, equals: 12 }, reason: invalid_input } ]
      success: { field: code, equals: 0 }
      map: { error_code: code, error_message: msg }
"#;
    connector(base, "", steps)
}

/// A code of the connector's own, compared here; the picture comes from the reply before.
pub fn own_code(base: &str) -> String {
    let steps = r#"
  - name: send
    request: { method: POST, url: "${base}/sms", body: { form: { text: "your code is {{random.digits6}}" } } }
    response: { format: json, success: { field: code, equals: 0 }, capture: { code: { var: random.digits6 } } }
  - name: compare
    ask:
      type: custom
      image: "data:image/png;base64,{{steps.login.picture}}"
      fields: [ { name: code } ]
      attempts: 2
    response: { success: { var: answer.code, equals: "{{steps.send.code}}" } }
"#;
    connector(base, "", steps)
}
