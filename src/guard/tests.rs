//! The guard against a made-up clock.

use super::*;

struct Bench {
    guard: Arc<Guard>,
    now: Instant,
}

impl Bench {
    fn new(change: impl FnOnce(&mut config::Guard)) -> Self {
        let mut rules = config::Guard::default();
        change(&mut rules);
        Self { guard: Arc::new(Guard::new(rules)), now: Instant::now() }
    }

    fn try_as(&self, username: &str, ip: &str) -> Result<Ticket, Refusal> {
        let client_ip = (!ip.is_empty()).then(|| ip.parse().unwrap());
        self.guard.enter(&Attempt { connector: "demo", username, client_ip }, self.now)
    }

    fn fail(&self, username: &str, ip: &str) {
        self.try_as(username, ip).unwrap().close(Outcome::Failed, self.now);
    }

    fn wait_of(&self, username: &str, ip: &str) -> Option<(u64, &'static str)> {
        self.try_as(username, ip).err().map(|refusal| (refusal.retry_after.as_secs(), refusal.by))
    }
}

#[test]
fn waits_grow_and_the_last_repeats() {
    let mut bench = Bench::new(|_| {});
    for _ in 0..5 {
        bench.fail("alice", "10.0.0.1");
    }
    for wait in [1, 3, 5, 10, 30, 60, 60, 60] {
        bench.fail("alice", "10.0.0.1");
        assert_eq!(bench.wait_of("alice", "10.0.0.1"), Some((wait, "user")));
        bench.now += Duration::from_secs(wait);
    }
    assert_eq!(bench.wait_of("alice", "10.0.0.1"), None);
}

#[test]
fn a_refused_attempt_does_not_lengthen_the_wait() {
    let mut bench = Bench::new(|rules| rules.user_failures = 0);
    bench.fail("alice", "");
    for _ in 0..10_000 {
        assert_eq!(bench.wait_of("alice", ""), Some((1, "user")));
    }
    bench.now += Duration::from_secs(1);
    assert_eq!(bench.wait_of("alice", ""), None);
}

#[test]
fn the_key_is_connector_name_and_network() {
    let bench = Bench::new(|rules| rules.user_failures = 0);
    bench.fail(" Straße ", "2001:db8:1:2:3::4");
    for (name, ip, same) in [
        ("STRASSE", "2001:db8:1:2:ffff::1", true),
        ("straße", "2001:db8:1:2::", true),
        ("strasse2", "2001:db8:1:2::", false),
        ("straße", "2001:db8:1:3::", false),
        ("straße", "10.0.0.1", false),
        ("straße", "", false),
    ] {
        assert_eq!(bench.wait_of(name, ip).is_some(), same, "{name} {ip}");
    }
    let attempt = Attempt { connector: "other", username: "straße", client_ip: "2001:db8:1:2::".parse().ok() };
    assert!(bench.guard.enter(&attempt, bench.now).is_ok());
    bench.fail("bob", "::ffff:10.0.0.9");
    assert!(bench.wait_of("bob", "10.0.0.9").is_some());
}

#[test]
fn success_resets_the_user_and_not_the_address() {
    let bench = Bench::new(|rules| {
        rules.user_failures = 2;
        rules.client_ip_failures = 3;
    });
    for _ in 0..2 {
        bench.fail("alice", "10.0.0.1");
    }
    bench.try_as("alice", "10.0.0.1").unwrap().close(Outcome::Succeeded, bench.now);
    bench.fail("alice", "10.0.0.1");
    bench.fail("mallory", "10.0.0.1");
    assert_eq!(bench.wait_of("alice", "10.0.0.1"), Some((1, "client_ip")));
    assert_eq!(bench.wait_of("alice", "10.0.0.2"), None);
}

#[test]
fn neither_a_challenge_nor_a_dropped_attempt_counts() {
    let bench = Bench::new(|rules| rules.user_failures = 1);
    bench.fail("alice", "");
    for _ in 0..100 {
        bench.try_as("alice", "").unwrap().close(Outcome::Neutral, bench.now);
        drop(bench.try_as("alice", "").unwrap());
    }
    assert_eq!(bench.wait_of("alice", ""), None);
    bench.fail("alice", "");
    assert_eq!(bench.wait_of("alice", ""), Some((1, "user")));
}

#[test]
fn parallel_guesses_gain_nothing() {
    let mut bench = Bench::new(|rules| {
        rules.user_failures = 3;
        rules.parallel = 8;
    });
    let burst: Vec<_> = (0..100).filter_map(|_| bench.try_as("alice", "").ok()).collect();
    assert_eq!(burst.len(), 8);
    for ticket in burst {
        ticket.close(Outcome::Failed, bench.now);
    }
    // Eight failures at once: five over the free three.
    assert_eq!(bench.wait_of("alice", ""), Some((30, "user")));
    bench.now += Duration::from_secs(30);
    let one = bench.try_as("alice", "");
    assert!(one.is_ok());
    assert_eq!(bench.wait_of("alice", ""), Some((1, "user")));
}

#[test]
fn failures_are_forgotten() {
    let mut bench = Bench::new(|rules| rules.user_failures = 1);
    bench.fail("alice", "");
    bench.now += Duration::from_mins(16);
    bench.fail("alice", "");
    assert_eq!(bench.wait_of("alice", ""), None);
}

#[test]
fn a_flood_of_names_neither_grows_the_table_nor_frees_the_guilty() {
    let bench = Bench::new(|rules| {
        rules.entries = 64;
        rules.user_failures = 0;
    });
    bench.fail("alice", "");
    bench.try_as("alice", "").unwrap_err();
    let attempt = |name: &str| bench.try_as(name, "").map(|ticket| ticket.close(Outcome::Neutral, bench.now));
    for index in 0..10_000 {
        let _ = attempt(&format!("user{index}"));
    }
    assert!(bench.guard.table.len() <= 64);
    assert_eq!(bench.wait_of("alice", ""), Some((1, "user")));
    for index in 0..10_000 {
        bench.try_as(&format!("user{index}"), "").map(|ticket| ticket.close(Outcome::Failed, bench.now)).ok();
    }
    assert_eq!(bench.guard.table.len(), 64);
}

#[test]
fn switched_off_it_lets_everybody_in() {
    let bench = Bench::new(|rules| rules.enabled = false);
    for _ in 0..1000 {
        bench.fail("alice", "10.0.0.1");
    }
    assert_eq!(bench.guard.table.len(), 0);
}

fn quota(user: u32, client_ip: u32, per: u64) -> SendQuota {
    let sends = config::Sends { user, client_ip, per: Duration::from_secs(per) };
    SendQuota::new(&config::Guard { sends, ..config::Guard::default() })
}

fn code<'a>(username: &'a str, ip: &str) -> Attempt<'a> {
    Attempt { connector: "demo", username, client_ip: ip.parse().ok() }
}

/// Five at once, then one every two minutes: never more than five in any time without a pause, and the wait that is told
/// is the wait that helps.
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
    for (who, ip, expected) in [
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
        assert_eq!(quota.take(&code(who, ip), now).map_err(|refusal| refusal.by), expected, "{who} {ip}");
    }
    let elsewhere = Attempt { connector: "other", ..code("dave", "") };
    assert_eq!(quota.take(&elsewhere, now), Ok(()));
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
