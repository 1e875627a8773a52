//! `code_util` as scripts call it.

use crate::support::script::{call, pool, shown, variables};

async fn check(table: &[(&str, &str)]) {
    let pool = pool(table.iter().map(|(text, _)| variables(&format!("env.x = {text}"))).collect()).await;
    for (id, (text, expected)) in (0..).zip(table) {
        let outcome = shown(call(&pool, id, "{}").await);
        let value = outcome.strip_prefix(r#"{"x":"#).and_then(|rest| rest.strip_suffix('}')).unwrap_or(&outcome);
        let value = value.split_once(": TypeError: ").map_or(value, |(_, message)| message);
        assert_eq!(value, *expected, "{text}");
    }
}

/// The ciphertexts are OpenSSL's.
#[tokio::test(flavor = "multi_thread")]
async fn ciphers() {
    check(&[
        (
            "code_util.aes.encrypt('p w&\"1\"', { mode: 'cbc', key: '1234567890123456', iv: 'abcdefghijklmnop' })",
            r#""lG4VREPajCiwqXmuXKnQ0Q==""#,
        ),
        (
            "code_util.aes.decrypt('946e154443da8c28b0a979ae5ca9d0d1', { mode: 'cbc', key: '1234567890123456', \
             iv: 'YWJjZGVmZ2hpamtsbW5vcA==', ivAs: 'base64', input: 'hex' })",
            r#""p w&\"1\"""#,
        ),
        (
            "code_util.sm4.encrypt('p w&\"1\"', { mode: 'ecb', key: code_util.encode('utf-8', '1234567890123456') })",
            r#""g2pCzZPT8iF5oop55eYJuQ==""#,
        ),
        ("code_util.des.encrypt('p w&\"1\"', { mode: 'ecb', key: '12345678' })", r#""HiEzj9lb/Dw=""#),
        (
            "code_util.des3.encrypt('p w&\"1\"', { mode: 'cbc', key: '123456789012345678901234', iv: '12345678' })",
            r#""NMtSF22ZVSg=""#,
        ),
        (
            "code_util.pbkdf2('password', { algorithm: 'sha1', salt: 'salt', rounds: 4096, length: 20, output: 'hex' })",
            r#""4b007901b765489abead49d926f721d065a429c1""#,
        ),
        (
            "code_util.hkdf(code_util.hex.decode('0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b', 'bytes'), \
             { algorithm: 'sha256', length: 42, output: 'hex' }).length",
            "84",
        ),
        // RFC 6238, appendix B, the last six of its eight digits.
        ("code_util.totp('GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ', { time: 59 })", r#""287082""#),
        ("code_util.totp('12345678901234567890', { secretAs: 'utf-8', digits: 8, time: 1111111109 })", r#""07081804""#),
        (
            "code_util.totp(code_util.hex.decode('3132333435363738393031323334353637383930', 'bytes'), { time: 59 })",
            r#""287082""#,
        ),
        (
            "code_util.totp('GEZD', { digits: 6 }) === code_util.totp('GEZD', { time: Math.floor(code_util.now() / 1000) })",
            "true",
        ),
        ("code_util.totp('hunter2!', {})", "code_util.totp: the secret is not base32: letters and the digits 2 to 7"),
        ("code_util.totp('GEZD', { digits: 60 })", "code_util.totp: digits must be 6 to 8"),
        ("code_util.totp('GEZD', { algorithm: 'md5' })", "code_util.totp: the algorithm must be sha1, sha256, sha512 or sm3"),
        ("code_util.md4('abc')", r#""a448017aaf21d8525fc10ae87aa6729d""#),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn encryption_for_a_public_key_differs_each_time() {
    let modulus = "c".repeat(255) + "d";
    let rsa = format!(
        "const k = {{ modulus: '{modulus}', modulusAs: 'hex', exponent: '10001', exponentAs: 'hex' }}; k.exponent = '010001'"
    );
    let point = "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020\
        ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13";
    let rsa = format!(
        "(() => {{ {rsa}; const make = () => code_util.rsa.encrypt('x', k); return [make().length, make() === make()] }})()"
    );
    let sm2 = format!(
        "(() => {{ const make = (prefix) => code_util.sm2.encrypt('abc', {{ key: '{point}', output: 'hex', prefix }}); \
         return [make(true).length, make(false).length, make(true).startsWith('04'), make(true) === make(true)] }})()"
    );
    check(&[(&rsa, "[172,false]"), (&sm2, "[200,198,true,false]")]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ciphers_say_what_is_wrong_and_no_value() {
    check(&[
        (
            "code_util.aes.encrypt('x', { mode: 'ecb', key: 'short' })",
            "code_util.aes.encrypt: the key has 5 bytes; aes takes 16, 24 or 32",
        ),
        ("code_util.aes.encrypt('x', { key: '1234567890123456' })", "code_util.aes.encrypt: mode is missing"),
        (
            "code_util.aes.encrypt('x', { mode: 'cfb', key: 'k' })",
            "code_util.aes.encrypt: mode must be \"ecb\", \"cbc\", \"ctr\" or \"gcm\"",
        ),
        (
            "code_util.aes.encrypt('x', { mode: 'ecb', key: 'k', kye: 1 })",
            "code_util.aes.encrypt: there is no option of that name; there are mode, key, iv, padding, keyAs, ivAs, output",
        ),
        (
            "code_util.aes.decrypt('lG4VREPajCiwqXmuXKnQ0Q==', { mode: 'cbc', key: 'another key 1234', iv: 'abcdefghijklmnop' })",
            "code_util.aes.decrypt: the text cannot be decrypted with this key",
        ),
        (
            "code_util.pbkdf2('p', { algorithm: 'sha1', salt: 's', rounds: 1000000000, length: 20 })",
            "code_util.pbkdf2: 1 to 1000000 rounds are right, for all blocks of the key together",
        ),
        (
            "code_util.rsa.encrypt('x', { key: 'hunter2' })",
            "code_util.rsa.encrypt: this is no RSA public key; a PEM, its base64 without the lines around it, or modulus \
             and exponent are wanted",
        ),
        (
            "code_util.aes.encrypt('x'.repeat(1048577), { mode: 'ecb', key: '1234567890123456' })",
            "code_util.aes.encrypt: the first argument is larger than 1 MiB",
        ),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn digests_and_encodings() {
    check(&[
        ("code_util.md5('123456')", r#""e10adc3949ba59abbe56e057f20f883e""#),
        ("code_util.md5('123456', 'base64')", r#""4QrcOUm6Wau+VuBX8g+IPg==""#),
        ("code_util.md5('123456', 'base64url')", r#""4QrcOUm6Wau-VuBX8g-IPg""#),
        ("code_util.md5(code_util.md5('a', 'bytes'))", r#""b6ff9a06b7e20bcb2858c5b8ff744aea""#),
        ("code_util.md5(123456)", r#""e10adc3949ba59abbe56e057f20f883e""#),
        ("code_util.sha1('abc')", r#""a9993e364706816aba3e25717850c26c9cd0d89d""#),
        ("code_util.sm3('abc')", r#""66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0""#),
        (
            "[code_util.sha224, code_util.sha256, code_util.sha384, code_util.sha512].map((f) => f('').length)",
            "[56,64,96,128]",
        ),
        ("code_util.hmac('md5', 'Jefe', 'what do ya want for nothing?')", r#""750c783e6ab0b503eaa86e310a5db738""#),
        ("code_util.hmac('SHA-256', code_util.encode('utf-8', 'k'), 'x', 'base64').length", "44"),
        ("code_util.base64.encode('中')", r#""5Lit""#),
        ("code_util.base64.decode('5Lit')", r#""中""#),
        ("code_util.base64url.decode('_w', 'bytes')[0]", "255"),
        ("code_util.hex.encode('a中')", r#""61e4b8ad""#),
        ("code_util.hex.decode('61E4b8ad')", r#""a中""#),
        ("code_util.url.encode('a b&中')", r#""a%20b%26%E4%B8%AD""#),
        ("code_util.url.decode('a%20b+%E4%B8%AD')", r#""a b+中""#),
        ("code_util.url.encode(code_util.encode('gbk', '中文'))", r#""%D6%D0%CE%C4""#),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn its_members_are_those_that_are_announced() {
    let expected = serde_json::to_string(&doorward::script::CODE_UTIL).expect("names");
    check(&[("Object.keys(code_util)", &expected)]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn parsers_and_the_rest() {
    check(&[
        ("code_util.parseJson5(\"{u:'a',p:1234567890123456789,/*c*/}\")", r#"{"u":"a","p":"1234567890123456789"}"#),
        ("code_util.parseForm('a=1+2&b=%E4%B8%AD')", r#"{"a":"1 2","b":"中"}"#),
        ("code_util.parsePairs('u:a,p:x,y:z', ',', ':', 'p')", r#"{"u":"a","p":"x,y:z"}"#),
        ("code_util.parseXml('<r><code>0</code><i>1</i><i>2</i></r>')", r#"{"r":{"code":"0","i":["1","2"]}}"#),
        ("code_util.parseForm('__proto__=1')", r#"{"__proto__":"1"}"#),
        ("/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(code_util.uuid())", "true"),
        ("code_util.randomHex(8).length + (code_util.randomHex(8) === code_util.randomHex(8))", "16"),
        ("code_util.now() === Date.now()", "true"),
    ])
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_arguments_are_told_without_their_values() {
    check(&[
        ("code_util.md5()", "code_util.md5: the first argument is undefined; a string is needed"),
        ("code_util.md5({})", "code_util.md5: the first argument is an object; a string is needed"),
        ("code_util.md5('x', 'HEX')", r#"the output must be "hex", "base64", "base64url" or "bytes""#),
        (
            "code_util.md5('\\ud800')",
            "code_util.md5: the first argument has half of a surrogate pair, which is no character",
        ),
        ("code_util.md5('x'.repeat(1048577))", "code_util.md5: the first argument is larger than 1 MiB"),
        (
            "code_util.hmac('sha3', 'k', 'x')",
            "code_util.hmac: the algorithm must be md5, sha1, sha224, sha256, sha384, sha512, sm3 or md4",
        ),
        (
            "code_util.hex.decode('secret')",
            "code_util.hex.decode: not hexadecimal: an even number of the digits 0-9a-f is needed",
        ),
        (
            "code_util.base64.decode('/w==')",
            r#"code_util.base64.decode: the bytes are not UTF-8 text; ask for "bytes""#,
        ),
        ("code_util.encode('gbk', '😀')", "code_util.encode: the text has a character that the charset lacks"),
        ("code_util.randomHex(0)", "code_util.randomHex: the number of bytes must be 1 to 1024"),
        ("code_util.parseJson5('{a:1,a:2}')", "code_util.parseJson5: a name that occurs twice"),
        (
            "code_util.parseXml('<!DOCTYPE a><a/>')",
            "code_util.parseXml: not XML that can be relied on, near line 1: a DOCTYPE, which is never read",
        ),
        ("code_util.parsePairs('a', ',', '=')", "code_util.parsePairs: a part without its separator"),
    ])
    .await;
}

/// An element of XML with attributes is an object, and a text wherever a script wants one.
#[tokio::test(flavor = "multi_thread")]
async fn a_typed_element_is_its_text() {
    let on_a = |expression: &str| {
        format!(
            "(() => {{ const a = code_util.parseXml('<r><a t=\"x\"> 0 </a><b t=\"y\"><c/></b></r>').r.a; return {expression} }})()"
        )
    };
    let table = [
        ("a == 0", "true"),
        ("a + 1", r#""01""#),
        ("`${a}`", r#""0""#),
        ("[a.length, a.trim(), a.concat('x'), a.replace('0', 'z'), Number(a)]", r#"[1,"0","0x","z",0]"#),
        ("code_util.md5(a) === code_util.md5('0')", "true"),
        ("code_util.parseXml('<r t=\"x\">&lt;s>1&lt;/s></r>').r", r#""<s>1</s>""#),
        ("code_util.parseXml(code_util.parseXml('<r t=\"x\">&lt;s>1&lt;/s></r>').r)", r#"{"s":"1"}"#),
        ("[a['@t'], a['#text'], Object.keys(a)]", r##"["x","0",["@t","#text"]]"##),
        // What `env` holds goes where texts are wanted.
        ("a", r#""0""#),
        ("({ all: [a] })", r#"{"all":["0"]}"#),
        // With children there is more than a text.
        ("typeof code_util.parseXml('<b t=\"y\"><c/></b>').b.trim", r#""undefined""#),
        ("Object.isFrozen(Object.getPrototypeOf(a)) && a.constructor === String", "true"),
    ];
    let written: Vec<(String, &str)> = table.iter().map(|(expression, shown)| (on_a(expression), *shown)).collect();
    check(&written.iter().map(|(text, shown)| (text.as_str(), *shown)).collect::<Vec<_>>()).await;
}

const SIGNERS: &str = "const pem = 'MIGHAgEAMBMGByqGSM49AgEGCCqBHM9VAYItBG0wawIBAQQgSd8hyMsXnAvKVpr2qFMXk9Nle5GPWPnafdRgj02DaIOhRANCAARiT7GeixWFOw/kAVchzZo3JCR7gYpIUiGx+IHhZEPkfZ2ykBSnGlyAcobRm06mT+M/rlonqEbaCsCfxu/12V6G', \
pub = '624fb19e8b15853b0fe4015721cd9a3724247b818a485221b1f881e16443e47d9db29014a71a5c807286d19b4ea64fe33fae5a27a846da0ac09fc6eff5d95e86'; ";

/// What is signed verifies, and what must not does not. RFC 7515 A.1 and the signature of appendix A of GB/T 32918.5 are tested
/// beside the code.
#[tokio::test(flavor = "multi_thread")]
async fn signatures_and_tokens() {
    let in_script = |text: &str| format!("(() => {{ {SIGNERS} return {text}; }})()");
    let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    let rows: Vec<(String, String)> = [
        (format!("code_util.jwt.decode('{token}').claims.iss"), r#""joe""#),
        (format!("code_util.jwt.decode('{token}').header.alg"), r#""HS256""#),
        (
            "code_util.jwt.sign({ iss: 'joe', exp: 1300819380 }, { algorithm: 'HS256', key: 'k' })".to_owned(),
            r#""eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJqb2UiLCJleHAiOjEzMDA4MTkzODB9.qhUtw8Viy1wUx3O1xEowmQGcWAHX5jVZnI_fbe8CCDs""#,
        ),
        (
            "code_util.jwt.verify(code_util.jwt.sign({ sub: 'a' }, { algorithm: 'SM2', alg: 'SM3withSM2', key: pem, header: { kid: '1' } }), \
             { algorithm: 'SM2', alg: 'SM3withSM2', key: pub }).sub"
                .to_owned(),
            r#""a""#,
        ),
        (
            "code_util.jwt.verify(code_util.jwt.sign({ sub: 'a' }, { algorithm: 'HS256', key: 'k' }), { algorithm: 'HS256', key: 'other' })"
                .to_owned(),
            "code_util.jwt.verify: the signature is not right",
        ),
        (
            "code_util.jwt.verify(code_util.jwt.sign({ sub: 'a' }, { algorithm: 'HS256', key: pub }), { algorithm: 'SM2', key: pub })"
                .to_owned(),
            "code_util.jwt.verify: the token was signed by another algorithm",
        ),
        (
            "code_util.jwt.verify('eyJhbGciOiJub25lIn0.e30.', { algorithm: 'none', key: 'k' })".to_owned(),
            "code_util.jwt.verify: algorithm must be \"RS256\", \"PS256\", \"ES256\", \"EdDSA\", \"HS256\" or \"SM2\"",
        ),
        ("code_util.jwt.sign('x', { algorithm: 'HS256', key: 'k' })".to_owned(), "code_util.jwt.sign: the claims must be an object of JSON, of 32 KiB at most"),
        ("code_util.jwt.decode('x')".to_owned(), "code_util.jwt.decode: it is no JSON Web Token: three parts of base64url with dots between them are wanted"),
        ("code_util.sm2.sign('a', { key: pem, form: 'plain', output: 'hex' }).length".to_owned(), "128"),
        ("code_util.sm2.sign('a', { key: 'hunter2' })".to_owned(), "code_util.sm2.sign: key is no SM2 private key: a PEM that is not encrypted, or 64 hex digits"),
        ("code_util.rsa.sign('a', { key: pem })".to_owned(), "code_util.rsa.sign: key is no RSA private key of 2048 to 8192 bits, as a PEM that is not encrypted"),
        ("code_util.rsa.sign('a', { key: pem, padding: 'raw' })".to_owned(), "code_util.rsa.sign: padding must be \"pkcs1\" or \"pss\""),
    ]
    .into_iter()
    .map(|(text, wanted)| (in_script(&text), wanted.to_owned()))
    .collect();
    let table: Vec<(&str, &str)> = rows.iter().map(|(text, wanted)| (text.as_str(), wanted.as_str())).collect();
    check(&table).await;
}
