//! MS-NLMP section 4.2.4, what a server's challenge does to a login, and messages that a second implementation computed
//! (tests/upstreams/ntlm has a third: pyspnego).

use futures_util::FutureExt as _;
use http::header::{HeaderMap, WWW_AUTHENTICATE};

use super::messages::{Challenge, NEGOTIATE_MESSAGE};
use super::response::{Account, Drawn, channel_bindings, respond};
use super::unusable::Unusable;
use crate::context::Context;
use crate::crypto::encoding::{base64_encode, hex_decode, hex_encode};
use crate::request::Prepared;
use crate::signing::trial::{Fixed, added, form, scheme, sign, with_ports};
use crate::signing::{Scheme, ServerReply, SignError, Signature};
use crate::upstream::{Reply, Timings};
use crate::verdict::Cause;

const URL: &str = "https://4a.example.com/ntlm/";
const AUTH: &str = r#"ntlm: { username: "{{user.username}}", password: "{{user.userPassword}}", domain: CORP }"#;

/// 2024-01-02T03:04:05Z
const NOW: u64 = 1_704_164_645;

/// Section 4.2.4.3, CHALLENGE_MESSAGE.
const EXAMPLE: &str = "4e544c4d53535000020000000c000c003800000033828ae20123456789abcdef00000000000000002400240044000000060070170000000f53006500720076006500720002000c0044006f006d00610069006e0001000c0053006500720076006500720000000000";

/// A domain, a machine and a time.
const TIMED: &str = "4e544c4d53535000020000000800080038000000058289000123456789abcdef00000000000000002600260040000000000000000000000043004f00520050000200080043004f0052005000010006004400430031000700080080c04858283dda0100000000";

/// A domain alone.
const UNTIMED: &str = "4e544c4d53535000020000000800080038000000058289000123456789abcdef00000000000000001000100040000000000000000000000043004f00520050000200080043004f005200500000000000";

#[test]
fn the_examples_of_ms_nlmp_4_2_4() {
    let account = Account::new("User", "Password", "Domain", "COMPUTER").unwrap();
    assert_eq!(hex_encode(account.key()), "0c868a403bfd7a93a3001ef22ef02e3f", "4.2.4.1.1 NTOWFv2, and LMOWFv2");
    let challenge = Challenge::parse(&hex_decode(EXAMPLE).unwrap()).unwrap();
    assert_eq!(challenge.flags, 0xe28a_8233);
    let target_info = challenge.target_info.to_bytes();
    let answer = respond(&account, challenge.server_challenge, [0xaa; 8], [0; 8], &target_info);
    assert_eq!(hex_encode(&answer.lm), "86c35097ac9cec102554764a57cccc19aaaaaaaaaaaaaaaa", "4.2.4.2.1");
    assert_eq!(
        hex_encode(&answer.nt),
        concat!(
            "68cd0ab851e51c96aabc927bebef6a1c",
            "01010000000000000000000000000000aaaaaaaaaaaaaaaa0000000002000c0044006f006d00610069006e00",
            "01000c005300650072007600650072000000000000000000"
        ),
        "4.2.4.2.2"
    );
    assert_eq!(hex_encode(&answer.session_key), "8de40ccadbc14a82f15cb0ad0de95ca3", "4.2.4.1.2");
}

#[test]
fn names_in_upper_case_one_to_one() {
    let key = |name: &str| Account::new(name, "p", "d", "").unwrap().key().to_vec();
    assert_eq!(key("straße"), key("STRAßE"));
    assert_ne!(key("straße"), key("STRASSE"));
    assert_eq!(key("周八é"), key("周八É"));
    let domain = |domain: &str| Account::new("u", "p", domain, "").unwrap().key().to_vec();
    assert_ne!(domain("corp"), domain("CORP"), "the domain as it is written");
    assert!(Account::new(&"n".repeat(4097), "p", "", "").is_none());
}

/// By Python: hashlib.md5(bytes(16) + struct.pack("<I", 53) + b"tls-server-end-point:" + bytes(32)).
#[test]
fn the_channel_binding_is_of_the_certificates_hash() {
    assert_eq!(hex_encode(&channel_bindings(Some(&[0; 32]))), "c9ec5cb29e8f57f7ee6429cde733efeb");
    assert_eq!(channel_bindings(None), [0; 16]);
    assert_eq!(Drawn { client_challenge: [0; 8], unix_ms: 0 }.filetime(), 116_444_736_000_000_000_u64.to_le_bytes());
}

fn user(name: &str) -> Context {
    let mut context = Context::default();
    context.user.username = name.into();
    context.user.password = "123456".into();
    context
}

fn reply(status: u16, fields: &[&str]) -> Reply {
    let headers: HeaderMap =
        fields.iter().map(|it| (WWW_AUTHENTICATE, http::HeaderValue::from_bytes(it.as_bytes()).unwrap())).collect();
    Reply { status, headers, body: bytes::Bytes::new(), timings: Timings::default() }
}

/// What the scheme does after `rounds` answers; the first two requests are probes.
fn after(
    scheme: &dyn Scheme,
    name: &str,
    (reply, rounds): (&Reply, u32),
    end_point: Option<&[u8]>,
) -> Result<Option<Signature>, SignError> {
    let context = user(name);
    let mut request: Prepared = form("GET", URL, &[]).render(&context, None).unwrap();
    let server = ServerReply { reply, probe: rounds < 2, rounds, repeatable: false, end_point };
    with_ports(&context, &Fixed::at(NOW), |ports| scheme.again(&mut request, server, ports).now_or_never().unwrap())
}

fn message(hex: &str) -> String {
    base64_encode(&hex_decode(hex).unwrap())
}

#[test]
fn a_probe_then_negotiate_then_the_answer() {
    let plan = form("GET", URL, &[]);
    let scheme = scheme(AUTH, &plan).unwrap();
    assert!(scheme.authenticates_connection());
    let (request, signature) = sign(&*scheme, &plan, &user("zhangsan"), &Fixed::at(NOW)).unwrap();
    assert!(signature.probe && signature.added.is_empty() && !signature.continues);
    assert!(request.headers.iter().all(|(name, _)| name != "authorization"));

    let negotiate = format!("NTLM {}", base64_encode(&NEGOTIATE_MESSAGE));
    assert_eq!(negotiate, "NTLM TlRMTVNTUAABAAAABYIIAAAAAAAgAAAAAAAAACAAAAA=");
    for (offered, expected) in [
        (vec!["Negotiate", "NTLM"], negotiate.clone()),
        (vec!["Basic realm=x, ntlm"], negotiate.replace("NTLM ", "ntlm ")),
        (vec!["Negotiate"], negotiate.replace("NTLM ", "Negotiate ")),
    ] {
        let signature = after(&*scheme, "zhangsan", (&reply(401, &offered), 0), None).unwrap().unwrap();
        assert_eq!(added(&signature, "authorization"), expected);
        assert!(signature.probe && !signature.continues, "nothing of the user is in it");
    }

    let challenge = reply(401, &[&format!("NTLM {}", message(TIMED))]);
    let signature = after(&*scheme, "zhangsan", (&challenge, 1), None).unwrap().unwrap();
    assert_eq!(added(&signature, "authorization"), format!("NTLM {TIMED_ANSWER}"));
    assert!(signature.continues && !signature.probe, "over the connection that was challenged");
    for status in [401, 403, 200] {
        assert!(after(&*scheme, "zhangsan", (&reply(status, &["NTLM"]), 2), None).unwrap().is_none(), "it stands");
    }
}

/// By a second implementation (Python: hmac, hashlib, struct; MD4 of pyspnego) of MS-NLMP section 3.3.2 and 3.1.5.1.2.
const TIMED_ANSWER: &str = "TlRMTVNTUAADAAAAGAAYAHAAAACcAJwAiAAAAAgACABYAAAAEAAQAGAAAAAAAAAAcAAAAAAAAAAkAQAABYKIAAAAAAAAAAAAuw/A6Lm0phBVU7g81eJ3PUMATwBSAFAAegBoAGEAbgBnAHMAYQBuAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAACqjF6bZMmeeacoNVgkIOgMBAQAAAAAAAIDASFgoPdoBAAECAwQFBgcAAAAAAgAIAEMATwBSAFAAAQAGAEQAQwAxAAcACACAwEhYKD3aAQYABAACAAAACgAQAAAAAAAAAAAAAAAAAAAAAAAJACYASABUAFQAUAAvADQAYQAuAGUAeABhAG0AcABsAGUALgBjAG8AbQAAAAAAAAAAAA==";

/// Over TLS with a workstation; and of a server without a clock, which gets both responses and no integrity code.
#[test]
fn what_the_answer_says_besides() {
    let plan = form("GET", URL, &[]);
    let bare = |signature: &Signature| {
        let value = added(signature, "authorization");
        hex_encode(&crate::crypto::encoding::base64_decode(value.split_once(' ').unwrap().1).unwrap())
    };
    let timed = reply(401, &[&format!("Negotiate {}", message(TIMED))]);
    let with_workstation = scheme(&AUTH.replace("CORP }", "CORP, workstation: WS1 }"), &plan).unwrap();
    let signature = after(&*with_workstation, "zhangsan", (&timed, 1), Some(&[0; 32])).unwrap().unwrap();
    assert!(added(&signature, "authorization").starts_with("Negotiate "));
    assert_eq!(bare(&signature), OVER_TLS);
    let untimed = reply(401, &[&format!("NTLM {}", message(UNTIMED))]);
    let own = scheme(AUTH, &plan).unwrap();
    let signature = after(&*own, "zhangsan", (&untimed, 1), None).unwrap().unwrap();
    assert_eq!(bare(&signature), UNTIMED_ANSWER);
    // A domain in front of the name, where the file has none.
    let split = scheme(&AUTH.replace(", domain: CORP", ""), &plan).unwrap();
    assert_eq!(bare(&after(&*split, "CORP\\zhangsan", (&untimed, 1), None).unwrap().unwrap()), UNTIMED_ANSWER);
}

const OVER_TLS: &str = "4e544c4d535350000300000018001800760000009c009c008e000000080008005800000010001000600000000600060070000000000000002a01000005828800000000000000000025be2d2d1c7d630b90d7a2e7b6e39f9943004f00520050007a00680061006e006700730061006e00570053003100000000000000000000000000000000000000000000000000af16a757e50d4dc2e7fbd42f3a7d0bc0010100000000000080c04858283dda010001020304050607000000000200080043004f0052005000010006004400430031000700080080c04858283dda0106000400020000000a001000c9ec5cb29e8f57f7ee6429cde733efeb0900260048005400540050002f00340061002e006500780061006d0070006c0065002e0063006f006d000000000000000000";
const UNTIMED_ANSWER: &str = "4e544c4d535350000300000018001800700000007e007e008800000008000800580000001000100060000000000000007000000000000000060100000582880000000000000000000000000000000000000000000000000043004f00520050007a00680061006e006700730061006e00beeac1ec7447f2d70a536fd658fec50f00010203040506073bf694455903e9499db657f110f26131010100000000000080c04858283dda010001020304050607000000000200080043004f00520050000a001000000000000000000000000000000000000900260048005400540050002f00340061002e006500780061006d0070006c0065002e0063006f006d000000000000000000";

#[test]
fn what_is_no_challenge_says_nothing_of_the_user() {
    let plan = form("GET", URL, &[]);
    let scheme = scheme(AUTH, &plan).unwrap();
    let refused = |status, fields: &[&str], rounds| match after(&*scheme, "u", (&reply(status, fields), rounds), None) {
        Err(SignError::Unavailable(cause, why)) => (cause, why),
        other => panic!("{status} {fields:?}: {other:?}"),
    };
    for rounds in [0, 1] {
        for (status, cause) in
            [(200, Cause::UnexpectedReply), (403, Cause::UnexpectedReply), (503, Cause::UpstreamError)]
        {
            let (found, why) = refused(status, &["NTLM"], rounds);
            assert_eq!(found, cause);
            assert!(why.contains("asked for no NTLM"), "{why}");
        }
    }
    for (fields, why) in [
        (vec![], "no WWW-Authenticate"),
        (vec!["Basic realm=x", "Digest realm=x, nonce=y"], "it asks for Basic, Digest, not for NTLM"),
        (vec!["Basic realm=\"x"], "malformed"),
    ] {
        let (cause, said) = refused(401, &fields, 0);
        assert_eq!(cause, Cause::UnexpectedReply);
        assert!(said.contains(why) || said.replace("the server asks", "it asks").contains(why), "{said}");
    }
    for fields in [vec!["NTLM"], vec!["Basic realm=x"], vec![]] {
        assert!(refused(401, &fields, 1).1.contains("took no notice"), "{fields:?}");
    }
    for broken in ["NTLM !!!", "NTLM TlRM"] {
        let (cause, _) = refused(401, &[broken], 1);
        assert_eq!(cause, Cause::UnexpectedReply);
    }
}

/// Every cut and every flipped length of a good challenge is refused or read, and nothing panics.
#[test]
fn malformed_challenges() {
    let good = hex_decode(TIMED).unwrap();
    Challenge::parse(&good).unwrap();
    for end in 0..good.len() {
        assert!(Challenge::parse(&good[..end]).is_err(), "{end}");
    }
    for at in 0..good.len() {
        for value in [0, 0x7f, 0xff] {
            let mut changed = good.clone();
            changed[at] = value;
            let _ = Challenge::parse(&changed);
        }
    }
    let with = |at: usize, value: u8| {
        let mut changed = good.clone();
        changed[at] = value;
        Challenge::parse(&changed).unwrap_err()
    };
    assert_eq!(with(0, b'X'), Unusable::NoChallenge);
    assert_eq!(with(8, 3), Unusable::NoChallenge);
    assert_eq!(with(20, 0), Unusable::Flags, "no Unicode");
    assert_eq!(with(44, 0xff), Unusable::Short, "TargetInfo behind the end");
    assert_eq!(with(40, 4), Unusable::TargetInfo, "a pair that is cut, and no end");
    assert_eq!(with(76, 7), Unusable::TargetInfo, "a time of six bytes");
}

#[test]
fn what_is_refused_at_load_or_before_anything_is_sent() {
    let with = form("POST", URL, &[("p", "{{user.userPassword}}")]);
    assert_eq!(scheme(AUTH, &with).unwrap_err(), ["auth-probe"]);
    let plan = form("GET", URL, &[]);
    let compiled = scheme(AUTH, &plan).unwrap();
    match sign(&*compiled, &plan, &user(&"n".repeat(5000)), &Fixed::at(NOW)) {
        Err(SignError::Render(error)) => assert!(error.to_string().contains("longer than NTLM"), "{error}"),
        other => panic!("{other:?}"),
    }
    let split = scheme(&AUTH.replace(", domain: CORP", ""), &plan).unwrap();
    for nobody in ["\\", "CORP\\"] {
        match sign(&*split, &plan, &user(nobody), &Fixed::at(NOW)) {
            Err(SignError::Render(error)) => assert!(error.to_string().contains("no user name"), "{error}"),
            other => panic!("{other:?}"),
        }
    }
}
