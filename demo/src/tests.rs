//! The demo server over a bare socket: what it says to right, wrong and malformed requests of each protocol.

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::people::LoginResult;
use super::{DemoServer, Outcome};

/// Sends these bytes and returns all of the reply.
async fn exchange(server: &DemoServer, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(request).await.unwrap();
    let mut reply = Vec::new();
    stream.read_to_end(&mut reply).await.unwrap();
    reply
}

/// A POST with these header lines and this body; the reply as text.
async fn post(server: &DemoServer, path: &str, headers: &str, body: &str) -> String {
    let length = body.len();
    let head = format!("POST {path} HTTP/1.1\r\nHost: demo\r\nConnection: close\r\nContent-Length: {length}\r\n");
    let reply = exchange(server, format!("{head}{headers}\r\n{body}").as_bytes()).await;
    String::from_utf8_lossy(&reply).into_owned()
}

const JSON: &str = "Content-Type: application/json\r\n";
const FORM: &str = "Content-Type: application/x-www-form-urlencoded\r\n";
const GBK: &str = "Content-Type: application/x-www-form-urlencoded; charset=GBK\r\n";
const TEXT: &str = "Content-Type: text/plain\r\n";
const PARTS: &str = "Content-Type: multipart/form-data; boundary=b\r\n";
const SOAP: &str = "Content-Type: text/xml; charset=utf-8\r\nSOAPAction: \"urn:example:4a:auth#Authenticate\"\r\n";

fn envelope(user: &str, password: &str) -> String {
    format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Body>\
         <Authenticate xmlns=\"urn:example:4a:auth\"><loginName>{user}</loginName><password>{password}</password>\
         </Authenticate></e:Body></e:Envelope>"
    )
}

#[tokio::test]
async fn each_protocol_says_yes_and_no_and_malformed() {
    let server = DemoServer::start().await.unwrap();
    let soap = [envelope("zhangsan", "123456"), envelope("zhangsan", "x"), envelope("zhangsan", "<b>1</b>")];
    let part =
        |name: &str, value: &str| format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    let parts = |password: &str| {
        format!("{}{}{}--b--\r\n", part("username", "zhangsan"), part("password", password), part("client", "doorward"))
    };
    let parts = [parts("123456"), parts("x"), parts("x\r\n--b")];
    #[rustfmt::skip]
    let table = [
        ("/api/login", JSON, [
            (r#"{"user-name":"zhangsan","user-password":"e10adc3949ba59abbe56e057f20f883e"}"#, r#"{"code":200,"#),
            (r#"{"user-name":"zhangsan","user-password":"123456"}"#, r#"{"code":500,"#),
            (r#"{"user-name":"a","user-name":"zhangsan","user-password":"123456"}"#, r#"{"code":400,"#),
        ]),
        ("/api/v2/login", JSON, [
            (r#"{"account":"zhangsan","credential":"10470c3b4b1fed12c3baac014be15fac67c6e815"}"#, r#""loginName":"zhangsan""#),
            (r#"{"account":"zhangsan","credential":"e10adc3949ba59abbe56e057f20f883e"}"#, r#"{"code":500,"#),
            (r#"{"account":"zhangsan"}"#, r#"{"code":400,"#),
        ]),
        ("/portal/auth", JSON, [
            (r#"{"loginName":"zhangsan","password":"123456"}"#, r#""success":true"#),
            (r#"{"loginName":"wangwu","password":"x"}"#, "账号已锁定"),
            (r#"{"loginName":"zhangsan","password":"123456","admin":"1"}"#, r#"{"code":400,"#),
        ]),
        ("/gateway/login", JSON, [
            (r#"{"account":"zhangsan","password":"123456"}"#, r#"\"result\":\"SUCCESS\""#),
            (r#"{"account":"zhaoliu","password":"zhaoliu@2024"}"#, r#"\"reason\":\"DISABLED\""#),
            (r#"{"account":"zhangsan","password":123456}"#, r#"{"code":400,"#),
        ]),
        ("/sdk/login", JSON, [
            (r#"{"user-name":"zhangsan","user-password":"123456","clientid":"1"}"#, r#"{"code":200,"#),
            (r#"{"user-name":"zhangsan","user-password":"123456","clientid":"9"}"#, r#"{"code":1001,"#),
            (r#"{"user-name":"zhangsan","user-password":"123456"}"#, r#"{"code":400,"#),
        ]),
        ("/app/login", JSON, [
            (r#"{"username":"zhangsan","password":"e10adc3949ba59abbe56e057f20f883e"}"#, r#""url":"https://app.example.com/v3/""#),
            (r#"{"username":"zhangsan","password":"x"}"#, r#"{"errcode":500,"#),
            ("[]", r#"{"errcode":400,"#),
        ]),
        ("/text/auth", FORM, [
            ("uid=zhangsan&pwd=e10adc3949ba59abbe56e057f20f883e", "code,200,msg,认证通过"),
            ("uid=sunqi&pwd=123456", "code,500,msg,用户名或密码错误"),
            ("uid=zhangsan&uid=lisi&pwd=1", "code,400,msg,field uid twice"),
        ]),
        ("/line/login", TEXT, [
            ("AUTH user=zhangsan;password=MTIzNDU2", "OK 张三"),
            ("AUTH user=zhangsan;password=MTIzNDU3", "ERR 500"),
            ("AUTH user=zhangsan;password=MTIzNDU2;password=x", "ERR 400"),
        ]),
        ("/form/login", FORM, [
            ("grant=password&username=zhangsan&password=123456", "HTTP/1.1 200"),
            ("grant=password&username=wangwu&password=1", "HTTP/1.1 401"),
            ("grant=password&username=zhangsan&password=1&password=123456", "HTTP/1.1 400"),
        ]),
        ("/gbk/login", GBK, [
            ("%D0%D5%C3%FB=%D6%DC%B0%CB&%BF%DA%C1%EE=%B4%BA%C3%DF%B2%BB%BE%F5%CF%FE", "\":200"),
            ("%D0%D5%C3%FB=%D6%DC%B0%CB&%BF%DA%C1%EE=1", "\":500"),
            ("%D0%D5%C3%FB=%D6%DC%B0%CB", "\":400"),
        ]),
        ("/portal/login", FORM, [
            ("j_username=zhangsan&j_password=123456", "SameSite=Lax"),
            ("j_username=zhangsan&j_password=1", "SSOTOKEN=; Path=/; Max-Age=0"),
            ("j_username=zhangsan", "HTTP/1.1 400"),
        ]),
        ("/upload/login", PARTS, [
            (&*parts[0], r#"{"ok":true"#),
            (&*parts[1], r#"{"ok":false"#),
            (&*parts[2], r#"{"malformed""#),
        ]),
        ("/ws/AuthService", SOAP, [
            (&*soap[0], "<a:code>200</a:code>"),
            (&*soap[1], "<a:code>500</a:code>"),
            (&*soap[2], "s:Fault"),
        ]),
    ];
    for (path, headers, cases) in table {
        for (body, expected) in cases {
            let reply = post(&server, path, headers, body).await;
            assert!(reply.contains(expected), "{path} {body}\nexpected {expected}\n{reply}");
        }
        let untyped = post(&server, path, "", cases[0].0).await;
        assert!(!untyped.contains(cases[0].1), "{path} takes a body without a type\n{untyped}");
    }
}

#[tokio::test]
async fn sso_reads_query_headers_and_cookies() {
    let server = DemoServer::start().await.unwrap();
    let get = async |query: &str, headers: &str| {
        let head = format!("GET /sso/check?{query} HTTP/1.1\r\nHost: demo\r\nConnection: close\r\n{headers}\r\n");
        String::from_utf8_lossy(&exchange(&server, head.as_bytes()).await).into_owned()
    };
    let key = "X-App-Key: demo-app-key\r\nCookie: tenant=doorward; uid=emhhbmdzYW4\r\n";
    let right = "X-Auth-Credential: e10adc3949ba59abbe56e057f20f883e\r\n";
    let ask = "loginName=zhangsan&sign=10470c3b4b1fed12c3baac014be15fac67c6e815";
    assert!(get(ask, &format!("{key}{right}")).await.contains("ST-"));
    let wrong = "X-Auth-Credential: x\r\n";
    let sign = "loginName=zhangsan&sign=11f6ad8ec52a2984abaafd7c3b516503785c2072";
    assert!(get(sign, &format!("{key}{wrong}")).await.contains("\"fail\""));
    assert!(get(&format!("{ask}&loginName=a"), &format!("{key}{right}")).await.contains("\"error\""));
    assert!(get(ask, right).await.contains("\"error\""));
    assert!(get(ask, &format!("{key}{right}{right}")).await.contains("\"error\""));
}

#[tokio::test]
async fn the_journal_keeps_what_was_understood() {
    let server = DemoServer::start().await.unwrap();
    post(&server, "/portal/auth", JSON, r#"{"loginName":"a\",\"b","password":"x"}"#).await;
    post(&server, "/portal/auth", JSON, "{").await;
    let outcomes: Vec<Outcome> = server.seen().into_iter().map(|seen| seen.outcome).collect();
    assert_eq!(
        outcomes,
        [
            Outcome::Understood { login: r#"a","b"#.to_owned(), result: LoginResult::Wrong },
            Outcome::Malformed("the body is not a JSON object".to_owned()),
        ]
    );
    for _ in 0..70 {
        post(&server, "/portal/auth", JSON, "{").await;
    }
    assert_eq!(server.seen().len(), 64, "the journal has a bound");
}

#[tokio::test]
async fn xml_outside_the_contract_is_a_fault() {
    let server = DemoServer::start().await.unwrap();
    let good = envelope("zhangsan", "123456");
    let variants = [
        good.replace("<loginName>", "<loginName admin=\"1\">"),
        good.replace("<loginName>", "<!-- --><loginName>"),
        good.replace("</password>", "</password><password>123456</password>"),
        good.replace("urn:example:4a:auth", "urn:other"),
        good.replace("<e:Body>", "<e:Body></e:Body>"),
        format!("<!DOCTYPE x [<!ENTITY y \"z\">]>{good}"),
        good.replace("zhangsan", "zhangsan&y;"),
        good.replace("</e:Envelope>", ""),
    ];
    for variant in variants {
        let reply = post(&server, "/ws/AuthService", SOAP, &variant).await;
        assert!(reply.contains("s:Fault") || reply.contains("500 Internal"), "{variant}\n{reply}");
    }
    let escaped = good.replace("zhangsan", "zhang&#115;an").replace("123456", "<![CDATA[123]]>456");
    assert!(post(&server, "/ws/AuthService", SOAP, &escaped).await.contains("<a:code>200</a:code>"));
}
