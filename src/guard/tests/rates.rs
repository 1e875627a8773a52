//! Codes, utility calls and audit lines against a made-up clock.

use tokio::time::Instant;

use super::super::*;
use crate::flow::CodeSend;

fn quota(user: u32, client_ip: u32, per: u64) -> SendQuota {
    let sends = config::Sends { user, client_ip, per: Duration::from_secs(per) };
    SendQuota::new(&config::Guard { sends, ..config::Guard::default() })
}

fn code<'a>(account: &'a str, ip: &str) -> CodeSend<'a> {
    CodeSend { connector: "demo", account, client_ip: ip.parse().ok() }
}

/// Five at once, then one every two minutes: never more than five in any time without a pause, and the wait that is
/// reported is the wait that helps.
#[test]
fn codes_beyond_the_quota_wait_as_long_as_they_are_told() {
    let quota = quota(5, 100, 600);
    let mut now = Instant::now();
    let (alice, refused) = (code(" Alice ", "10.0.0.1"), |wait: u64| {
        Err(Refusal { retry_after: Duration::from_secs(wait), by: "sends_user" })
    });
    for _ in 0..5 {
        assert_eq!(quota.take(&alice, now), Ok(()));
    }
    assert_eq!(quota.take(&code("ALICE", "10.0.0.1"), now), refused(120));
    now += Duration::from_secs(50);
    assert_eq!(quota.take(&alice, now), refused(70), "what was refused did not count");
    now += Duration::from_secs(70);
    assert_eq!(quota.take(&alice, now), Ok(()));
    assert_eq!(quota.take(&alice, now), refused(120));
    now += Duration::from_mins(10);
    for _ in 0..5 {
        assert_eq!(quota.take(&alice, now), Ok(()), "after the whole period all is as in the beginning");
    }
    assert_eq!(quota.take(&alice, now), refused(120));
}

#[test]
fn codes_are_counted_by_account_and_more_widely_by_address() {
    let quota = quota(2, 3, 60);
    let now = Instant::now();
    for (receiver, ip, expected) in [
        ("alice", "10.0.0.1", Ok(())),
        ("alice", "10.0.0.1", Ok(())),
        ("alice", "10.0.0.1", Err("sends_user")),
        // The refused one took nothing from what the address has.
        ("bob", "10.0.0.1", Ok(())),
        ("carol", "10.0.0.1", Err("sends_client_ip")),
        ("carol", "10.0.0.2", Ok(())),
        ("alice", "10.0.0.2", Ok(())),
        ("dave", "", Ok(())),
        ("dave", "", Ok(())),
        ("dave", "", Err("sends_user")),
    ] {
        assert_eq!(quota.take(&code(receiver, ip), now).map_err(|refusal| refusal.by), expected, "{receiver} {ip}");
    }
    let elsewhere = CodeSend { connector: "other", ..code("dave", "") };
    assert_eq!(quota.take(&elsewhere, now), Ok(()));
}

#[test]
fn the_spellings_of_a_number_are_one_number_and_what_was_not_sent_does_not_count() {
    let quota = quota(3, 100, 600);
    let now = Instant::now();
    for number in ["13800138000", "+86 138-0013-8000", "008613800138000"] {
        assert_eq!(quota.take(&code(number, ""), now), Ok(()));
    }
    assert!(quota.take(&code("１３８ 00138000", ""), now).is_err());
    quota.give_back(&code("+8613800138000", ""));
    assert_eq!(quota.take(&code("13800138000", ""), now), Ok(()));
    assert!(quota.take(&code("13800138000", ""), now).is_err());
}

#[test]
fn a_flood_of_names_neither_grows_the_quota_nor_frees_who_asked_most() {
    let sends = config::Sends { user: 3, client_ip: 1_000_000, per: Duration::from_mins(10) };
    let quota = SendQuota::new(&config::Guard { sends, entries: 64, ..config::Guard::default() });
    let now = Instant::now();
    for _ in 0..3 {
        quota.take(&code("alice", ""), now).unwrap();
    }
    for index in 0..10_000 {
        quota.take(&code(&format!("user{index}"), ""), now).unwrap();
    }
    assert!(quota.entries() <= 64);
    quota.take(&code("alice", ""), now).unwrap_err();
}

#[test]
fn without_a_guard_the_upstreams_count_alone() {
    let sends = config::Sends { user: 1, client_ip: 1, per: Duration::from_mins(10) };
    let utilities = config::Utilities { client: 1, connector: 1, client_ip: 1, per: Duration::from_mins(1) };
    let rules = config::Guard { enabled: false, sends, utilities, ..config::Guard::default() };
    let (quota, rate, now) = (SendQuota::new(&rules), UtilityRate::new(&rules), Instant::now());
    for _ in 0..10 {
        assert_eq!(quota.take(&code("alice", "10.0.0.1"), now), Ok(()));
        let call = UtilityUse { client: "console", connector: "captcha", client_ip: "10.0.0.1".parse().ok() };
        assert_eq!(rate.take(&call, now), Ok(()));
    }
}

/// What one device is refused takes nothing from its client and its connector.
#[test]
fn utility_calls_are_bounded_by_device_client_and_connector() {
    let utilities = config::Utilities { client: 4, connector: 3, client_ip: 2, per: Duration::from_mins(1) };
    let rate = UtilityRate::new(&config::Guard { utilities, ..config::Guard::default() });
    let now = Instant::now();
    for (client, connector, ip, expected) in [
        ("a", "captcha", "10.0.0.1", Ok(())),
        ("a", "captcha", "10.0.0.1", Ok(())),
        ("a", "captcha", "10.0.0.1", Err("utility_client_ip")),
        ("a", "captcha", "10.0.0.1", Err("utility_client_ip")),
        ("a", "captcha", "10.0.0.2", Ok(())),
        ("b", "captcha", "", Err("utility_connector")),
        ("b", "version", "", Ok(())),
        ("a", "version", "", Ok(())),
        ("a", "version", "", Err("utility_client")),
    ] {
        let call = UtilityUse { client, connector, client_ip: ip.parse().ok() };
        assert_eq!(rate.take(&call, now).map_err(|refusal| refusal.by), expected, "{client} {connector} {ip}");
    }
}

/// Beyond its rate a caller's lines are left out, and the next one says how many.
#[test]
fn lines_about_nothing_are_bounded_by_caller() {
    let lines = AuditLineRate::new(&config::Guard::default());
    let mut now = Instant::now();
    let ip = |text: &str| text.parse().ok();
    let written = (0..1000).filter(|_| lines.admit("console", "demo", ip("10.0.0.1"), now).is_some()).count();
    assert_eq!(written, 120);
    assert_eq!(lines.admit("console", "demo", ip("10.0.0.2"), now), Some(0), "another caller");
    assert_eq!(lines.admit("console", "demo", None, now), Some(0));
    now += Duration::from_secs(1);
    assert_eq!(lines.admit("console", "demo", ip("10.0.0.1"), now), Some(880));
    assert_eq!(lines.admit("console", "demo", ip("10.0.0.1"), now), Some(0));
    assert_eq!(lines.admit("console", "demo", ip("10.0.0.1"), now), None, "two a second");
}
