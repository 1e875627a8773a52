//! What a plan makes of a jar.

use http::header::{HeaderMap, HeaderValue, SET_COOKIE};
use url::Url;

use super::*;
use crate::response::set_cookie::SetCookie;

/// 2023-11-14T22:13:20Z
const NOW: i64 = 1_700_000_000;

fn jar(fields: &[&str]) -> Jar {
    let mut jar = Jar::default();
    for field in fields {
        let headers = HeaderMap::from_iter([(SET_COOKIE, HeaderValue::from_bytes(field.as_bytes()).unwrap())]);
        let dropped = jar.store(&headers, &Url::parse("https://4a.example.com/cas/login").unwrap(), NOW);
        assert!(dropped.is_empty(), "{dropped:?}");
    }
    jar
}

fn cookie(from: &str, name: &str) -> CookiePlan {
    CookiePlan { from: from.to_owned(), name: name.to_owned(), secure: true, http_only: true, same_site: SameSite::Lax }
}

fn plan(cookies: Vec<CookiePlan>) -> DeliveryPlan {
    DeliveryPlan { domains: vec!["corp.example.com".to_owned()], cookies, all: None }
}

fn fields(delivery: &Delivery) -> Vec<&str> {
    delivery.cookies.iter().map(|cookie| cookie.set_cookie.expose()).collect()
}

#[test]
fn names_domains_and_attributes_are_the_plans_and_the_value_is_the_upstreams() {
    let jar = jar(&[
        "JSESSIONID=j1; Path=/cas; Domain=example.com; SameSite=None; Secure",
        "token=t=1&u=2; HttpOnly",
        "other=x",
    ]);
    let mut token = cookie("token", "sso_token");
    (token.http_only, token.same_site) = (false, SameSite::Strict);
    let mut plan = plan(vec![cookie("JSESSIONID", "JSESSIONID"), token]);
    plan.domains.push("example.org".to_owned());
    let delivery = deliver(&plan, &jar, NOW);
    assert_eq!(
        fields(&delivery),
        [
            "JSESSIONID=j1; Domain=corp.example.com; Path=/; Secure; HttpOnly; SameSite=Lax",
            "JSESSIONID=j1; Domain=example.org; Path=/; Secure; HttpOnly; SameSite=Lax",
            "sso_token=t=1&u=2; Domain=corp.example.com; Path=/; Secure; SameSite=Strict",
            "sso_token=t=1&u=2; Domain=example.org; Path=/; Secure; SameSite=Strict",
        ]
    );
    assert_eq!(delivery.withheld, []);
    assert!(!format!("{delivery:?}").contains("t=1"), "a value is not in the debug text");
}

#[test]
fn exceptions_from_the_defaults() {
    let mut open = cookie("a", "a");
    (open.secure, open.http_only) = (false, false);
    let mut framed = cookie("a", "b");
    framed.same_site = SameSite::None;
    assert_eq!(
        fields(&deliver(&plan(vec![open, framed]), &jar(&["a=1"]), NOW)),
        [
            "a=1; Domain=corp.example.com; Path=/; SameSite=Lax",
            "b=1; Domain=corp.example.com; Path=/; Secure; HttpOnly; SameSite=None",
        ]
    );
}

#[test]
fn its_end_is_carried_over() {
    let jar =
        jar(&["a=1; Max-Age=60", "b=1; Expires=Tue, 14 Nov 2023 23:13:20 GMT", "c=1", "d=1; Max-Age=999999999999"]);
    let plan = plan(["a", "b", "c", "d"].map(|name| cookie(name, name)).into());
    let delivery = deliver(&plan, &jar, NOW + 10);
    let ends: Vec<&str> = fields(&delivery)
        .into_iter()
        .map(|field| field.strip_suffix("; Secure; HttpOnly; SameSite=Lax").unwrap().split_once("Path=/").unwrap().1)
        .collect();
    assert_eq!(
        ends,
        [
            "; Max-Age=50; Expires=Tue, 14 Nov 2023 22:14:20 GMT",
            "; Max-Age=3590; Expires=Tue, 14 Nov 2023 23:13:20 GMT",
            "",
            "; Max-Age=34559990; Expires=Wed, 18 Dec 2024 22:13:20 GMT",
        ]
    );
    assert_eq!(delivery.cookies[0].expires, Some(NOW + 60));
    let later = deliver(&plan, &jar, NOW + 60);
    assert_eq!(later.withheld, [WithheldCookie { name: "a".to_owned(), why: Withheld::NotSet }]);
}

#[test]
fn what_the_upstream_did_not_set_or_took_away_is_named() {
    let jar = jar(&["gone=1", "gone=; Max-Age=0", "SID=1"]);
    let delivery = deliver(&plan(vec![cookie("gone", "gone"), cookie("sid", "sid")]), &jar, NOW);
    assert_eq!(delivery.cookies, []);
    let lines: Vec<String> =
        delivery.withheld.iter().map(|WithheldCookie { name, why }| format!("{name}: {why}")).collect();
    assert_eq!(
        lines,
        ["gone: the upstream did not set it, or took it away", "sid: the upstream did not set it, or took it away"]
    );
}

/// The page before the login is under `/cas`, the application under `/app`.
#[test]
fn of_several_of_one_name_the_last_that_was_set_goes() {
    let plan = plan(vec![cookie("sid", "sid")]);
    let first = "sid=page; Path=/cas";
    for (fields, value, withheld) in [
        (vec![first, "sid=login; Path=/app"], "login", 1),
        (vec![first, "sid=other; Path=/app", "sid=again; Path=/cas"], "again", 1),
        (vec![first, "sid=page; Path=/"], "page", 0),
        (vec![first, "sid=login; Path=/app", "sid=; Max-Age=0; Path=/app"], "page", 0),
    ] {
        let delivery = deliver(&plan, &jar(&fields), NOW);
        assert_eq!(delivery.cookies[0].value.expose(), value, "{fields:?}");
        assert_eq!(delivery.withheld.len(), withheld, "{fields:?}");
        assert!(delivery.withheld.iter().all(|cookie| cookie.why == Withheld::Replaced));
    }
}

/// A jar that came back from where state is kept holds what it says, not what a parser let through.
fn jar_of(value: &str) -> Jar {
    let cookie = serde_json::json!({ "name": "sid", "value": value, "domain": "x", "host_only": true, "path": "/",
        "secure": true, "expires": null, "set": 1 });
    serde_json::from_value(serde_json::json!({ "cookies": [cookie], "sets": 1 })).unwrap()
}

#[test]
fn a_value_that_could_be_more_than_a_value_is_withheld() {
    for value in ["a; Domain=evil.net", "a\r\nSet-Cookie: b=c", "a\nb", "a\0b", "a\tb", "a\u{7f}", "中文", " a", "a "]
    {
        let delivery = deliver(&plan(vec![cookie("sid", "sid")]), &jar_of(value), NOW);
        assert_eq!(delivery.cookies, [], "{value:?}");
        assert_eq!(delivery.withheld[0].why, Withheld::Unfit, "{value:?}");
    }
}

#[test]
fn what_is_delivered_reads_back_as_what_was_meant() {
    for value in [
        "",
        "a",
        "a=b==",
        "\"quoted, with comma\"",
        "{\"a\":[1,\"x\"]}",
        "iam+realm-user=bob&pw=b+c",
        "a\\b",
        "%3B%0D%0A",
    ] {
        let delivery = deliver(&plan(vec![cookie("sid", "sid")]), &jar_of(value), NOW);
        let read = SetCookie::parse(delivery.cookies[0].set_cookie.expose().as_bytes(), NOW).unwrap();
        assert_eq!((read.name.as_str(), read.value.as_str()), ("sid", value));
        assert_eq!((read.domain.as_deref(), read.path.as_deref()), (Some("corp.example.com"), Some("/")));
        assert!(read.secure && read.http_only && read.same_site == Some(SameSite::Lax));
    }
}

#[test]
fn a_longer_name_may_be_too_long() {
    let value = "x".repeat(MAX_PAIR - 3);
    let fits = deliver(&plan(vec![cookie("sid", "sid")]), &jar_of(&value), NOW);
    assert_eq!((fits.cookies.len(), fits.withheld.len()), (1, 0));
    let longer = deliver(&plan(vec![cookie("sid", "session")]), &jar_of(&value), NOW);
    assert_eq!((longer.cookies.len(), longer.withheld[0].why), (0, Withheld::TooLong));
}

/// `cookies: all`: what the upstream set, but for the console's own, whatever way their names are spelled, and what no browser takes.
#[test]
fn all_of_them_but_the_consoles_own() {
    let jar = jar(&[
        "JSESSIONID=j1; Path=/cas",
        "JSESSIONID=j2; Path=/",
        "Console.Session=x",
        "SSO=s1",
        "gone=1; Max-Age=0",
        "__Host-a=1; Path=/; Secure",
        "a[0]=1",
    ]);
    let reserved = ["console_session".to_owned()].into();
    let plan = DeliveryPlan { all: Some(reserved), ..plan(Vec::new()) };
    let delivery = deliver(&plan, &jar, NOW);
    assert_eq!(
        fields(&delivery),
        [
            "JSESSIONID=j2; Domain=corp.example.com; Path=/; Secure; HttpOnly; SameSite=Lax",
            "SSO=s1; Domain=corp.example.com; Path=/; Secure; HttpOnly; SameSite=Lax",
        ]
    );
    let mut why: Vec<(&str, Withheld)> = delivery.withheld.iter().map(|one| (one.name.as_str(), one.why)).collect();
    why.sort_by_key(|(name, _)| *name);
    assert_eq!(
        why,
        [
            ("Console.Session", Withheld::Reserved),
            ("JSESSIONID", Withheld::Replaced),
            ("__Host-a", Withheld::BadName),
            ("a[0]", Withheld::BadName),
        ]
    );
}

#[test]
fn no_more_than_browsers_keep() {
    let fields: Vec<String> = (0..30).map(|n| format!("c{n}=1")).collect();
    let jar = jar(&fields.iter().map(String::as_str).collect::<Vec<_>>());
    let mut plan = DeliveryPlan { all: Some(BTreeSet::new()), ..plan(Vec::new()) };
    plan.domains.push("example.org".to_owned());
    let delivery = deliver(&plan, &jar, NOW);
    assert_eq!((delivery.cookies.len(), delivery.withheld.len()), (MAX_COOKIES, 5));
    assert!(delivery.withheld.iter().all(|cookie| cookie.why == Withheld::TooMany));
}
