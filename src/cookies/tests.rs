//! One test a rule of the jar.

use http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use proptest::prelude::*;
use url::Url;

use super::*;

const NOW: i64 = 1_700_000_000;

fn headers(fields: &[&str]) -> HeaderMap {
    fields.iter().map(|field| (SET_COOKIE, HeaderValue::from_bytes(field.as_bytes()).unwrap())).collect()
}

/// What `fields` from `url` leave behind, and what was not kept.
fn set(jar: &mut Jar, url: &str, fields: &[&str]) -> Vec<String> {
    let dropped = jar.store(&headers(fields), &Url::parse(url).unwrap(), NOW);
    dropped.into_iter().map(|dropped| format!("{}: {}", dropped.name, dropped.why)).collect()
}

fn sent_at(jar: &Jar, url: &str, now: i64) -> String {
    let url = Url::parse(url).unwrap();
    let pairs = jar.for_request(&url, now).into_iter().map(|(name, value)| format!("{name}={}", value.expose()));
    pairs.collect::<Vec<_>>().join("; ")
}

fn sent(jar: &Jar, url: &str) -> String {
    sent_at(jar, url, NOW)
}

/// A jar with what `fields` from `url` leave in it; nothing of it may be refused.
fn jar(url: &str, fields: &[&str]) -> Jar {
    let mut jar = Jar::default();
    assert_eq!(set(&mut jar, url, fields), [""; 0]);
    jar
}

/// The one reason why `field` from `url` is not kept.
fn refused(url: &str, field: &str) -> Refusal {
    let mut jar = Jar::default();
    let dropped = jar.store(&headers(&[field]), &Url::parse(url).unwrap(), NOW);
    assert!(jar.is_empty(), "{field}");
    let [dropped] = <[_; 1]>::try_from(dropped).unwrap();
    dropped.why
}

#[test]
fn without_a_domain_only_the_very_host_gets_it_back() {
    let jar = jar("https://4a.example.com/login", &["sid=1"]);
    assert_eq!(sent(&jar, "https://4a.example.com/api"), "sid=1");
    // Port and case are nothing to a cookie.
    assert_eq!(sent(&jar, "https://4A.Example.COM:8443/api"), "sid=1");
    for other in
        ["https://sub.4a.example.com/", "https://example.com/", "https://4a.example.com./", "https://x4a.example.com/"]
    {
        assert_eq!(sent(&jar, other), "", "{other}");
    }
}

#[test]
fn with_a_domain_all_of_it_gets_it_and_nobody_else() {
    let jar = jar("https://4a.corp.example.com/", &["sid=1; Domain=.CORP.example.com"]);
    for inside in ["https://corp.example.com/", "https://app.corp.example.com/", "https://a.b.corp.example.com/"] {
        assert_eq!(sent(&jar, inside), "sid=1", "{inside}");
    }
    for outside in ["https://example.com/", "https://xcorp.example.com/", "https://corp.example.com.evil.net/"] {
        assert_eq!(sent(&jar, outside), "", "{outside}");
    }
}

#[test]
fn no_host_sets_a_cookie_for_another() {
    for domain in
        ["other.example.com", "sub.4a.example.com", "evil.net", "a.example.com", "xample.com", "4a.example.com:443"]
    {
        let why = refused("https://4a.example.com/", &format!("sid=1; Domain={domain}"));
        assert_eq!(why, Refusal::Foreign { domain: domain.to_owned() });
    }
}

#[test]
fn no_cookie_is_for_everybody() {
    for (host, domain) in [
        ("4a.example.com", "com"),
        ("4a.example.com.cn", "com.cn"),
        ("4a.example.com.cn", ".com.cn"),
        ("me.github.io", "github.io"),
        ("4a.corp", "corp"),
        // Dots that are no part of a name.
        ("4a.example.com.", "com."),
        ("4a.example.com.", "example.com."),
        ("4a.example.com", "..com"),
        ("4a.example.com", "example..com"),
        ("4a.example.com", "example.com."),
        ("xn--55qx5d.cn", "cn"),
        ("4a.xn--55qx5d.cn", "xn--55qx5d.cn"),
    ] {
        let why = refused(&format!("https://{host}/"), &format!("sid=1; Domain={domain}"));
        assert!(matches!(why, Refusal::PublicSuffix { .. }), "{host} {domain}: {why}");
    }
    let why = refused("https://公司.cn/", "sid=1; Domain=公司.cn");
    assert_eq!(why, Refusal::DomainNotAscii);
}

#[test]
fn a_host_that_is_a_public_suffix_may_name_itself() {
    for host in ["localhost", "github.io", "4a"] {
        let jar = jar(&format!("https://{host}/"), &[&format!("sid=1; Domain={host}")]);
        assert_eq!(sent(&jar, &format!("https://{host}/")), "sid=1");
        assert_eq!(sent(&jar, &format!("https://sub.{host}/")), "");
    }
}

/// LemonLDAP::NG sends `domain=.127.0.0.1`.
#[test]
fn an_address_names_itself_and_is_in_no_domain() {
    let jar = jar("http://127.0.0.1:18082/", &["lemonldap=4f90; domain=.127.0.0.1; path=/; HttpOnly=1; SameSite=Lax"]);
    assert_eq!(sent(&jar, "http://127.0.0.1:18085/x"), "lemonldap=4f90");
    assert_eq!(sent(&jar, "http://127.0.0.2/"), "");
    for (url, domain) in [("http://10.0.0.1/", "0.0.1"), ("http://10.0.0.1/", "10.0.0.2"), ("http://[::1]/", "::1")] {
        let why = refused(url, &format!("a=1; Domain={domain}"));
        assert!(matches!(why, Refusal::Foreign { .. } | Refusal::PublicSuffix { .. }), "{domain}: {why}");
    }
    assert_eq!(sent(&self::jar("http://[::1]/", &["a=1; Domain=[::1]"]), "http://[::1]:8080/"), "a=1");
}

#[test]
fn paths() {
    let jar = jar(
        "https://4a.example.com/cas/login?x=/y",
        &["default=1", "root=1; Path=/", "app=1; Path=/app", "odd=1; Path=x"],
    );
    for (path, wanted) in [
        ("/cas", "default=1; odd=1; root=1"),
        ("/cas/", "default=1; odd=1; root=1"),
        ("/cas/x", "default=1; odd=1; root=1"),
        ("/casual", "root=1"),
        ("/app", "app=1; root=1"),
        ("/app/x", "app=1; root=1"),
        ("/application", "root=1"),
        ("/APP", "root=1"),
        ("/", "root=1"),
    ] {
        assert_eq!(sent(&jar, &format!("https://4a.example.com{path}")), wanted, "{path}");
    }
    let at_root = self::jar("https://4a.example.com/login", &["a=1"]);
    assert_eq!(sent(&at_root, "https://4a.example.com/other"), "a=1");
}

#[test]
fn the_longest_path_goes_first_then_the_oldest() {
    let fields = ["a=1; Path=/", "b=1; Path=/x/y", "c=1; Path=/", "d=1; Path=/x", "a=2; Path=/"];
    let jar = jar("https://4a.example.com/", &fields);
    assert_eq!(sent(&jar, "https://4a.example.com/x/y/z"), "b=1; d=1; a=2; c=1");
}

#[test]
fn what_is_one_cookie_and_what_is_two() {
    let url = "https://4a.example.com/";
    for (fields, wanted) in [
        (vec!["a=1", "a=2"], "a=2"),
        (vec!["a=1", "A=2"], "a=1; A=2"),
        (vec!["a=1", "a=2; Path=/x"], "a=2; a=1"),
        (vec!["a=1", "a=2; Domain=4a.example.com"], "a=1; a=2"),
        (vec!["a=1; Domain=example.com", "a=2; Domain=.example.com"], "a=2"),
    ] {
        assert_eq!(sent(&jar(url, &fields), "https://4a.example.com/x"), wanted, "{fields:?}");
    }
}

#[test]
fn a_cookie_lives_until_its_time_and_not_longer() {
    let url = "https://4a.example.com/";
    let jar = jar(url, &["session=1", "short=1; Max-Age=60", "date=1; Expires=Tue, 14 Nov 2023 22:14:20 GMT"]);
    assert_eq!(sent_at(&jar, url, NOW + 59), "session=1; short=1; date=1");
    assert_eq!(sent_at(&jar, url, NOW + 60), "session=1");
    let both = self::jar(url, &["a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60"]);
    assert_eq!(sent(&both, url), "a=1", "Max-Age goes before Expires");
    let longest = self::jar(url, &["a=1; Max-Age=99999999999999999999"]);
    assert_eq!(longest.cookies[0].expires, Some(NOW + 400 * 86_400));
}

/// As django-cas-server does: two spaces after the name of the field, `warn=""` in the past.
#[test]
fn a_server_takes_its_cookies_away() {
    let url = "https://4a.example.com/cas/login";
    let mut jar = jar(url, &["  warn=\"x\"; Path=/", "  sid=1; Path=/; HttpOnly", "other=1; Path=/cas"]);
    let over = ["  warn=\"\"; expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=0; Path=/", "sid=; Max-Age=-1; Path=/"];
    assert_eq!(set(&mut jar, url, &over), [""; 0]);
    assert_eq!(sent(&jar, url), "other=1");
    // Of another path it is another cookie, and ending what is not there is no fault.
    assert_eq!(set(&mut jar, url, &["other=; Max-Age=0; Path=/", "never=; Max-Age=0"]), [""; 0]);
    assert_eq!(sent(&jar, url), "other=1");
}

/// mod_auth_form puts a form into its cookie, others JSON.
#[test]
fn a_value_goes_back_as_it_came() {
    let url = "https://4a.example.com/";
    for value in
        ["iam+realm-user=bob&iam+realm-pw=bob+pw", "{\"a\":[1,\"x\"]}", "\"quoted\"", "a=b==", "中文", "a b", ""]
    {
        assert_eq!(sent(&jar(url, &[&format!("  s={value};path=/;HttpOnly")]), url), format!("s={value}"));
    }
}

#[test]
fn secure_cookies_go_over_https_and_come_over_https() {
    let jar = jar("https://4a.example.com/", &["sid=1; Secure", "b=1"]);
    assert_eq!(sent(&jar, "https://4a.example.com/"), "sid=1; b=1");
    assert_eq!(sent(&jar, "http://4a.example.com/"), "b=1");
    assert_eq!(refused("http://4a.example.com/", "sid=1; Secure"), Refusal::SecureInClear);
    for near in ["http://127.0.0.1:8080/", "http://127.8.0.1/", "http://[::1]/", "http://localhost:8080/"] {
        assert_eq!(sent(&self::jar(near, &["__Host-sid=1; Secure; Path=/"]), near), "__Host-sid=1", "{near}");
    }
    for far in ["http://128.0.0.1/", "http://localhost.example.com/", "http://[::ffff:127.0.0.1]/"] {
        assert_eq!(refused(far, "sid=1; Secure"), Refusal::SecureInClear, "{far}");
    }
}

#[test]
fn nobody_on_the_line_replaces_or_hides_a_secure_cookie() {
    let mut jar = jar("https://4a.example.com/", &["sid=right; Secure; Domain=example.com; Path=/app"]);
    let clear = "http://4a.example.com/";
    for field in [
        "sid=evil; Domain=example.com; Path=/app",
        "sid=evil; Path=/app",
        "sid=evil; Path=/app/deeper",
        "sid=; Max-Age=0; Domain=example.com; Path=/app",
    ] {
        let why = "sid: it came over plain HTTP and would hide a Secure cookie of the same name";
        assert_eq!(set(&mut jar, clear, &[field]), [why], "{field}");
    }
    assert_eq!(set(&mut jar, clear, &["sid=other; Path=/elsewhere", "b=1; Path=/app"]), [""; 0]);
    assert_eq!(sent(&jar, "https://4a.example.com/app/deeper"), "sid=right; b=1");
}

#[test]
fn what_a_prefix_promises() {
    let url = "https://4a.example.com/";
    for field in [
        "__Secure-a=1; Secure",
        "__Secure-a=1; Secure; Domain=example.com; Path=/x",
        "__Host-a=1; Secure; Path=/",
        "__HOST-a=1; Secure; Path=/",
        "__Hostile=1",
    ] {
        assert_eq!(set(&mut Jar::default(), url, &[field]), [""; 0], "{field}");
    }
    for (field, why) in [
        ("__Secure-a=1", Refusal::SecurePrefix),
        ("__sEcURE-a=1", Refusal::SecurePrefix),
        ("__Host-a=1; Path=/", Refusal::HostPrefix),
        ("__Host-a=1; Secure", Refusal::HostPrefix),
        ("__Host-a=1; Secure; Path=/x", Refusal::HostPrefix),
        ("__Host-a=1; Secure; Path=/; Domain=4a.example.com", Refusal::HostPrefix),
        ("__host-a=1; Secure; Path=/; Domain=example.com", Refusal::HostPrefix),
        // Without a name its value could be read as a name with a prefix.
        ("=__Host-a=1", Refusal::Unreadable(NoCookie::Nameless)),
    ] {
        assert_eq!(refused(url, field), why, "{field}");
    }
}

#[test]
fn ten_thousand_fields_leave_fifty_cookies_and_one_line() {
    let fields: Vec<String> = (0..10_000).map(|n| format!("c{n}=1")).collect();
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let mut jar = Jar::default();
    let dropped = set(&mut jar, "https://4a.example.com/", &fields);
    assert_eq!(dropped, [": 9950 fields were not read, because the reply sets too many cookies"]);
    assert_eq!(jar.cookies.len(), MAX_COOKIES);
}

#[test]
fn a_full_jar_keeps_what_it_has() {
    let url = "https://4a.example.com/";
    let fields: Vec<String> = (0..MAX_COOKIES).map(|n| format!("c{n}=1; Max-Age=60")).collect();
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let mut jar = jar(url, &fields);
    assert_eq!(set(&mut jar, url, &["new=1", "c7=2; Max-Age=60"]), ["new: the jar is full"]);
    assert!(sent(&jar, url).starts_with("c0=1; ") && sent(&jar, url).contains("; c7=2; "));
    // What is over makes room.
    let dropped = jar.store(&headers(&["new=1"]), &Url::parse(url).unwrap(), NOW + 60);
    assert!(dropped.is_empty());
    assert_eq!(sent_at(&jar, url, NOW + 60), "new=1");
}

#[test]
fn a_jar_has_a_size() {
    let url = "https://4a.example.com/";
    let big = "x".repeat(4000);
    let fields: Vec<String> = (0..9).map(|n| format!("c{n}={big}")).collect();
    let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
    let mut jar = Jar::default();
    assert_eq!(set(&mut jar, url, &fields), ["c8: the jar is full"]);
    let size: usize = sent(&jar, url).len();
    assert!(size < MAX_JAR_BYTES);
    assert_eq!(set(&mut jar, url, &[&format!("c={}", "x".repeat(4096))]).len(), 1, "longer than a cookie may be");
}

#[test]
fn a_jar_survives_being_put_away_and_shows_itself_to_nobody() {
    let url = "https://4a.example.com/x/y";
    let before = jar(url, &["a=hunter2; Secure; Max-Age=60", "b=hunter3; Domain=example.com; Path=/"]);
    assert!(!format!("{before:?}").contains("hunter"));
    let text = serde_json::to_string(&before).unwrap();
    let after: Jar = serde_json::from_str(&text).unwrap();
    assert_eq!(sent(&after, url), "a=hunter2; b=hunter3");
    assert_eq!(sent(&after, "https://other.example.com/x/"), "b=hunter3");
    assert_eq!(sent_at(&after, url, NOW + 60), "b=hunter3");
}

/// Pieces of fields, so that random ones come near to what rules look at.
fn field() -> impl Strategy<Value = String> {
    let name = prop_oneof![Just("sid"), Just("__Host-a"), Just("__secure-b"), Just(""), Just("n a")];
    let domain = prop_oneof![
        Just(""),
        Just("; Domain=example.com"),
        Just("; Domain=.4a.example.com"),
        Just("; Domain=com"),
        Just("; Domain=evil.net"),
        Just("; Domain=a.example.com."),
        Just("; Domain=10.0.0.1"),
        Just("; Domain=0.0.1"),
        Just("; Domain="),
        Just("; domain=公司.cn"),
    ];
    let path = prop_oneof![Just(""), Just("; Path=/"), Just("; Path=/x/y"), Just("; path=x")];
    let rest = prop_oneof![
        Just(""),
        Just("; Secure"),
        Just("; Max-Age=60"),
        Just("; Max-Age=0"),
        Just("; Secure; Max-Age=60")
    ];
    (name, "[ -~]{0,8}", domain, path, rest)
        .prop_map(|(name, value, domain, path, rest)| format!("{name}={value}{domain}{path}{rest}"))
}

const HOSTS: [&str; 6] = ["4a.example.com", "a.example.com", "example.com", "10.0.0.1", "evil.net", "localhost"];

proptest! {
    /// Whatever a host sets: hosts of another owner never get it, TLS is not left, no name breaks its promise.
    #[test]
    fn nothing_that_a_host_sets_reaches_another_owner(
        sets in prop::collection::vec((0..HOSTS.len(), any::<bool>(), prop::collection::vec(field(), 1..8)), 1..6),
    ) {
        let mut jar = Jar::default();
        let url = |host: usize, tls: bool| Url::parse(&format!("http{}://{}/x/y", if tls { "s" } else { "" }, HOSTS[host])).unwrap();
        for (host, tls, fields) in &sets {
            let fields: Vec<String> = fields.iter().map(|field| field.replacen('=', &format!("={host}."), 1)).collect();
            let fields: Vec<&str> = fields.iter().map(String::as_str).collect();
            let _ = jar.store(&headers(&fields), &url(*host, *tls), NOW);
        }
        prop_assert!(jar.cookies.len() <= MAX_COOKIES);
        for (to, host) in HOSTS.iter().enumerate() {
            for (name, value) in jar.for_request(&url(to, true), NOW) {
                // The host that set it stands before the point.
                let from: usize = value.expose().split('.').next().unwrap().parse().unwrap();
                let own = from == to;
                let same_owner = registrable_domain(HOSTS[from]).is_some() && registrable_domain(HOSTS[from]) == registrable_domain(host);
                prop_assert!(own || (same_owner && !name.to_ascii_lowercase().starts_with("__host-")), "{name} of {} to {host}", HOSTS[from]);
            }
            for (name, _) in jar.for_request(&url(to, false), NOW) {
                prop_assert!(!name.starts_with("__") || *host == "localhost", "{name} in clear to {host}");
            }
        }
    }
}
