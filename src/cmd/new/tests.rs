//! From curl commands as people have them to connectors.

use super::curl::{Body, Curl, parse};
use super::draft::connector;
use super::holes::Literals;

fn made(command: &str) -> String {
    connector(&parse(command).unwrap(), Literals::default()).unwrap()
}

fn named(command: &str, username: &str, password: &str) -> String {
    let literals = Literals { username: Some(username.to_owned()), password: Some(password.to_owned()) };
    connector(&parse(command).unwrap(), literals).unwrap()
}

fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_command_is_read_as_curl_reads_it() {
    let curl = parse(
        "curl -sSXPOST -H'X-A: 1' --header 'Cookie: a=1; b=2' -b c=3 -uname:pass:word https://h:8443/p%20q?x=1+2 \
         -d a=1 --data-urlencode 'b= &' -k -o /dev/null",
    )
    .unwrap();
    assert_eq!((curl.method.as_str(), curl.origin.as_str(), curl.path.as_str()), ("POST", "https://h:8443", "/p%20q"));
    assert_eq!(curl.query, pairs(&[("x", "1 2")]));
    assert_eq!(curl.headers, pairs(&[("X-A", "1")]));
    assert_eq!(curl.cookies, pairs(&[("a", "1"), ("b", "2"), ("c", "3")]));
    assert_eq!(curl.basic, Some(("name".to_owned(), "pass:word".to_owned())));
    assert_eq!(curl.body, Body::Data("a=1&b=+%26".to_owned()));
    assert_eq!(curl.notes.len(), 1, "{:?}", curl.notes);
}

#[test]
fn methods_follow_from_the_rest() {
    let method = |command: &str| parse(command).unwrap().method;
    assert_eq!(method("curl h"), "GET");
    assert_eq!(method("curl h -d a=1"), "POST");
    assert_eq!(method("curl h -F a=1"), "POST");
    assert_eq!(method("curl h --json '{}' --request put"), "PUT");
    assert_eq!(method("curl -I h"), "HEAD");
    let get = parse("curl -G h/p?a=1 -d b=2").unwrap();
    assert_eq!((get.method.as_str(), get.body, get.query), ("GET", Body::None, pairs(&[("a", "1"), ("b", "2")])));
    assert_eq!(parse("curl h").unwrap().origin, "http://h");
    assert_eq!(parse("curl http://a%40b:c%2Bd@h").unwrap().basic, Some(("a@b".to_owned(), "c+d".to_owned())));
}

#[test]
fn what_cannot_be_taken_over_is_an_error_and_quotes_no_value() {
    for (command, part) in [
        ("wget h", "does not begin with curl"),
        ("", "does not begin with curl"),
        ("curl", "no URL"),
        ("curl h g", "two URLs"),
        ("curl h -d @hunter2", "from a file"),
        ("curl h -F f=@hunter2", "file of the part"),
        ("curl h -b hunter2.txt", "from a file"),
        ("curl h -H @hunter2", "from a file"),
        ("curl h --frobnicate hunter2", "--frobnicate is not known"),
        ("curl h -d", "has no value"),
        ("curl ftp://hunter2", "not http"),
        ("curl h -d 'hunter2", "quote is not closed"),
        ("curl h -d a -F b=hunter2", "both -d and -F"),
    ] {
        let error = format!("{:#}", parse(command).unwrap_err());
        assert!(error.contains(part) && !error.contains("hunter2"), "{command}: {error}");
    }
    let refused =
        |command: &str| format!("{:#}", connector(&parse(command).unwrap(), Literals::default()).unwrap_err());
    assert!(refused("curl h -d a=hunter2").contains("--password VALUE"));
    assert!(refused("curl h -d pwd=hunter2").contains("--username VALUE"));
    assert!(refused("curl h --json hunter2 -d pwd=1").contains("not JSON"));
}

#[test]
fn a_json_login_of_a_browser() {
    let text = made(
        r#"curl 'https://4a.corp.cn/api/login?lang=zh' \
  -H 'accept: application/json' -H 'authorization: Bearer tok-hunter2' -H 'sec-ch-ua: "x"' -H 'X-Tenant: t1' \
  -H 'content-type: application/json;charset=UTF-8' -b 'SESSION=hunter2-session' \
  --data-raw $'{"user":{"loginName":"zhangsan"},"password":"e10adc3949ba59abbe56e057f20f883e","remember":true,"note":"it\'s"}' --compressed"#,
    );
    for part in [
        "base: \"https://4a.corp.cn\"",
        "url: \"${base}/api/login\"",
        "lang: \"zh\"",
        "authorization: \"Bearer {{secret.authorization}}\"",
        "X-Tenant: \"t1\"",
        "SESSION: \"{{secret.cookie_session}}\"",
        "user: { loginName: \"{{user.username}}\" }",
        "password: \"{{user.userPassword | md5}}\"",
        "remember: true",
        "note: \"it's\"",
        "authorization: { env: AUTHORIZATION }",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    for gone in ["hunter2", "zhangsan", "e10adc", "sec-ch-ua"] {
        assert!(!text.contains(gone), "{gone}\n{text}");
    }
}

#[test]
fn forms_parts_xml_text_basic_and_query() {
    let text = made("curl h/login -d 'username=a&password=b&lang=zh&lang=en'");
    assert!(text.contains("password: \"{{user.userPassword}}\"\n          lang: [\"zh\", \"en\"]"), "{text}");
    let text = made("curl h -F uid=a -F 'pwd=b;type=text/plain'");
    assert!(text.contains("pwd: { value: \"{{user.userPassword}}\", content_type: \"text/plain\" }"), "{text}");
    let text = made(
        r#"curl h -H 'Content-Type: text/xml' -d '<s:E xmlns:s="u"><x:loginName a="1">a</x:loginName><pwd>b&amp;</pwd></s:E>'"#,
    );
    assert!(
        text.contains(r#"<x:loginName a=\"1\">{{user.username}}</x:loginName><pwd>{{user.userPassword}}</pwd></s:E>"#),
        "{text}"
    );
    let text = named("curl h -H 'Content-Type: text/plain' -d 'LOGIN a1;MTIzNDU2;'", "a1", "123456");
    assert!(text.contains(r#"text: "LOGIN {{user.username}};{{user.userPassword | base64}};""#), "{text}");
    let text = made("curl -u a:hunter2 h");
    assert!(text.contains("basic: { username: \"{{user.username}}\", password: \"{{user.userPassword}}\" }"), "{text}");
    let text = made("curl -u app:hunter2 h -d 'user=a&pwd=b'");
    assert!(text.contains("basic: { username: \"app\", password: \"{{secret.basic_password}}\" }"), "{text}");
    assert!(!text.contains("hunter2"));
    let text = made("curl 'h/check?user=a&pwd=b'");
    assert!(text.contains("credential_in_url") && text.contains("pwd: \"{{user.userPassword}}\""), "{text}");
    let text = named("curl h/users/a1/verify/123456", "a1", "123456");
    assert!(text.contains("url: \"${base}/users/{{user.username}}/verify/{{user.userPassword}}\""), "{text}");
}

#[test]
fn an_empty_command_line_has_defaults() {
    let expected =
        Curl { method: "GET".to_owned(), origin: "http://h".to_owned(), path: "/".to_owned(), ..Curl::default() };
    assert_eq!(parse("curl h").unwrap(), expected);
}

#[test]
fn a_name_that_is_a_quoted_string_stays_one() {
    let command = "curl https://h/login -H 'X-Login: user=\"zhang\", mode=\"a\"' -d 'password=p1'";
    let made = named(command, "zhang", "p1");
    assert!(made.contains("user={{user.username | quoted}}, mode="), "{made}");
}

#[test]
fn what_a_browser_copies_for_windows_is_the_same_request() {
    let body = r#"{"username":"a","password":"b c","note":"中"}"#;
    let posix = format!(
        "curl 'https://h/login?x=1' -H 'X-A: 1' -H 'content-type: application/json' -b 'S=1' --data-raw '{body}'"
    );
    let cmd = "curl ^\"https://h/login?x=1^\" ^\r\n  -H ^\"X-A: 1^\" ^\r\n  -H ^\"content-type: application/json^\" ^\r\n  -b ^\"S=1^\" ^\r\n  \
               --data-raw ^\"^{^\\^\"username^\\^\":^\\^\"a^\\^\",^\\^\"password^\\^\":^\\^\"b c^\\^\",^\\^\"note^\\^\":^\\^\"中^\\^\"^}^\"";
    let powershell = "$session = New-Object Microsoft.PowerShell.Commands.WebRequestSession\n\
        $session.UserAgent = \"Mozilla/5.0 (Windows)\"\n\
        $session.Cookies.Add((New-Object System.Net.Cookie(\"S\", \"1\", \"/\", \"h\")))\n\
        Invoke-WebRequest -UseBasicParsing -Uri \"https://h/login?x=1\" `\n-Method \"POST\" `\n-WebSession $session `\n-Headers @{\n\
        \"authority\"=\"h\"\n  \"X-A\"=\"1\"\n} `\n-ContentType \"application/json\" `\n\
        -Body ([System.Text.Encoding]::UTF8.GetBytes(\"{`\"username`\":`\"a`\",`\"password`\":`\"b c`\",`\"note`\":`\"$([char]0x4e2d)`\"}\"))";
    let wanted = parse(&posix).unwrap();
    assert_eq!(parse(cmd).unwrap(), wanted);
    let mut read = super::read(powershell).unwrap();
    read.headers.sort_by_key(|(name, _)| name.eq_ignore_ascii_case("content-type"));
    for (name, _) in &mut read.headers {
        *name = name.to_ascii_lowercase();
    }
    let mut lower = wanted;
    lower.headers.iter_mut().for_each(|(name, _)| *name = name.to_ascii_lowercase());
    assert_eq!(read, lower);
}

#[test]
fn powershell_that_is_not_understood_is_an_error_and_quotes_no_value() {
    for (text, part) in [
        ("Invoke-WebRequest", "no URL"),
        ("$a = 1", "no Invoke-WebRequest"),
        ("irm https://h -Body \"$hunter2\"", "names a variable"),
        ("irm https://h -Credential hunter2", "-Credential of Invoke-WebRequest is not known"),
        ("irm https://h -Body \"hunter2", "quote is not closed"),
        ("irm https://h -Headers hunter2", "are not @{"),
        ("irm https://h\nirm https://h", "two requests"),
    ] {
        let error = format!("{:#}", super::read(text).unwrap_err());
        assert!(error.contains(part) && !error.contains("hunter2"), "{text}: {error}");
    }
}

/// Sent as Basic, the password would go in clear to a server that did not ask for it.
#[test]
fn another_way_to_authenticate_is_not_turned_into_basic() {
    let error = format!("{:#}", parse("curl --negotiate -u a:hunter2 h").unwrap_err());
    assert!(error.contains("--negotiate") && !error.contains("hunter2"), "{error}");
    assert!(parse("curl --negotiate h -d user=a").is_ok(), "without a password it changes nothing");
    assert_eq!(parse("curl --anyauth -u a:b h").unwrap().notes.len(), 1);
    let text = made("curl --ntlm -u 'CORP\\a:hunter2' h");
    assert!(
        text.contains("auth: { ntlm: { username: \"{{user.username}}\", password: \"{{user.userPassword}}\" } }"),
        "{text}"
    );
    assert!(!text.contains("hunter2"), "{text}");
    let text = made("curl --digest -u a:b h");
    assert!(
        text.contains("auth: { digest: { username: \"{{user.username}}\", password: \"{{user.userPassword}}\" } }"),
        "{text}"
    );
}

/// A command line, and what the connector of it holds.
const SCHEMES: &[(&str, &[&str])] = &[
    (
        "curl --aws-sigv4 aws:amz:cn-north-1:execute-api -u AKhunter2:hunter2 -H 'X-Amz-Security-Token: hunter2' https://h/login --json '{\"username\":\"a\",\"password\":\"b\"}'",
        &[
            "aws_sigv4: { access_key: \"{{secret.aws_access_key}}\", secret_key: \"{{secret.aws_secret_key}}\", session_token: \"{{secret.aws_session_token}}\", region: \"cn-north-1\", service: \"execute-api\" }",
        ],
    ),
    (
        "curl --aws-sigv4 aws:amz -u AKhunter2:hunter2 https://sts.us-east-1.amazonaws.com/ -d Action=GetCallerIdentity",
        &[
            "aws_sigv4: { access_key: \"{{user.username}}\", secret_key: \"{{user.userPassword}}\", region: \"us-east-1\", service: \"sts\" }",
        ],
    ),
    (
        "curl https://h/login -d 'user=a&pwd=b' -H 'x-amz-date: 20260102T030405Z' -H 'Authorization: AWS4-HMAC-SHA256 Credential=AKhunter2/20260102/us-east-1/execute-api/aws4_request, SignedHeaders=host;x-amz-date, Signature=hunter2'",
        &["region: \"us-east-1\", service: \"execute-api\" }", "secret_key: \"{{secret.aws_secret_key}}\""],
    ),
    (
        "curl https://h/login -d 'user=a&pwd=b' -H 'Authorization: OAuth realm=\"x\", oauth_consumer_key=\"hunter2\", oauth_token=\"hunter2\", oauth_signature_method=\"HMAC-SHA1\", oauth_signature=\"hunter2\"'",
        &[
            "oauth1: { consumer_key: \"{{secret.oauth_consumer_key}}\", consumer_secret: \"{{secret.oauth_consumer_secret}}\", token: \"{{secret.oauth_token}}\", token_secret: \"{{secret.oauth_token_secret}}\", method: HMAC-SHA1 }",
        ],
    ),
    (
        "curl --oauth2-bearer hunter2 https://h/login -d 'user=a&pwd=b'",
        &["bearer: { token: \"{{secret.bearer_token}}\" }", "auth.oauth2"],
    ),
    (
        "curl https://h/me -H 'Authorization: Digest username=\"a\", realm=\"r\", response=\"hunter2\"'",
        &["digest: { username: \"{{user.username}}\", password: \"{{user.userPassword}}\" }", "WWW-Authenticate"],
    ),
    (
        "curl https://h/oauth/token -u app:hunter2 -d 'grant_type=password&username=a&password=b&scope=read'",
        &[
            "grant_type: \"password\"",
            "username: \"app\"",
            "equals: invalid_grant",
            "success: { field: access_token, has_value: true }",
        ],
    ),
    (
        "curl https://h/oauth/token -d 'grant_type=client_credentials&client_id=app&client_secret=hunter2&scope=read'",
        &[
            "token_url: \"${base}/oauth/token\"",
            "client_id: \"app\"",
            "client_secret: \"{{secret.client_secret}}\"",
            "client_auth: form",
            "scope: \"read\"",
            "url: \"${base}/FILL_IN\"",
        ],
    ),
    (
        "curl https://h/oauth/token -u app:hunter2 -d 'grant_type=refresh_token&refresh_token=hunter2'",
        &["client_auth: basic\n", "grant: refresh", "refresh_token: \"{{secret.refresh_token}}\"", "basic_raw"],
    ),
    (
        "curl https://h/login --json '{\"username\":\"a\",\"password\":\"b\",\"appId\":\"app1\",\"nonceStr\":\"hunter2\",\"timestamp\":1700000000,\"sign\":\"hunter2\"}'",
        &[
            "nonceStr: \"{{random.hex16}}\"",
            "timestamp: \"{{time.unix}}\"",
            "auth.sorted_sign or",
            "sign: \"{{secret.sign}}\"",
        ],
    ),
];

#[test]
fn each_scheme_has_its_key() {
    for (command, parts) in SCHEMES {
        let text = made(command);
        for part in *parts {
            assert!(text.contains(part), "{command}\n{part}\n{text}");
        }
        assert!(!text.contains("hunter2") && !text.to_lowercase().contains("x-amz"), "{text}");
    }
}

#[test]
fn a_scheme_that_cannot_be_taken_over_says_what_to_do() {
    for (command, part) in [
        ("curl --aws-sigv4 osc:osc:eu:oapi -u a:hunter2 https://h", "another provider"),
        ("curl --aws-sigv4 aws:amz -u a:hunter2 https://h", "aws:amz:REGION:SERVICE"),
        ("curl h -d 'grant_type=client_credentials&scope=hunter2'", "-u CLIENT:SECRET"),
    ] {
        let error = format!("{:#}", connector(&parse(command).unwrap(), Literals::default()).unwrap_err());
        assert!(error.contains(part) && !error.contains("hunter2"), "{command}: {error}");
    }
    // A signature without time, nonce or application is any field.
    assert!(!made("curl h -d 'user=a&password=b&sign=x'").contains("sorted_sign"));
}

#[test]
fn a_captcha_is_an_attribute_of_the_login() {
    let text = made(r#"curl h --json '{"username":"a","password":"b","code":"8fk2","uuid":"a81bc81b-dead-4e5d"}'"#);
    for part in [
        "  attributes:\n    code: { required: true, max: 256 }\n    uuid:",
        "code: \"{{user.code}}\"",
        "uuid: \"{{user.uuid}}\"",
        "attributes: { code: x, uuid: x }",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
    assert!(!text.contains("secrets:"), "{text}");
}

/// What it tells people of exists.
#[test]
fn notes_name_no_function_that_is_not_there() {
    let long = "A".repeat(172);
    let text = made(&format!("curl h -d 'user=a&password={long}'"));
    assert!(text.contains("docs/scripts.md") && !text.contains("code_util"), "{text}");
}
