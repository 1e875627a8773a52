//! The guard against a made-up clock.

use super::*;

mod rates;

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
        self.guard.enter(&AttemptKey { client: "console", connector: "demo", username, client_ip }, self.now)
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
        ("straße", "2001:db8:1:3::", true),
        ("straße", "2001:db8:2::", false),
        ("straße", "10.0.0.1", false),
        ("straße", "", false),
    ] {
        assert_eq!(bench.wait_of(name, ip).is_some(), same, "{name} {ip}");
    }
    let client_ip = "2001:db8:1:2::".parse().ok();
    let attempt = AttemptKey { client: "console", connector: "other", username: "straße", client_ip };
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
    assert_eq!(burst.len(), 4, "as many as one after the other, before the first has failed");
    for ticket in burst {
        ticket.close(Outcome::Failed, bench.now);
    }
    assert_eq!(bench.wait_of("alice", ""), Some((1, "user")));
    bench.now += Duration::from_secs(1);
    let one = bench.try_as("alice", "");
    assert!(one.is_ok());
    assert_eq!(bench.wait_of("alice", ""), Some((1, "user")));
}

/// What a burst may have in flight is what may fail; of one account little, of an address four times its failures.
#[test]
fn a_burst_of_names_at_one_address_is_bounded_from_the_first() {
    let bench = Bench::new(|rules| rules.client_ip_failures = 9);
    let burst: Vec<_> = (0..100).filter_map(|n| bench.try_as(&format!("user{n}"), "10.0.0.1").ok()).collect();
    assert_eq!(burst.len(), 40);
    for ticket in burst {
        ticket.close(Outcome::Failed, bench.now);
    }
    assert_eq!(bench.wait_of("alice", "10.0.0.1"), Some((60, "client_ip")));
}

#[test]
fn spellings_share_one_count() {
    let bench = Bench::new(|_| {});
    for name in ["alice", "ALICE", "a\u{200b}lice", "ａlice", " alice", "al\u{ad}ice"] {
        bench.fail(name, "");
    }
    assert_eq!(bench.wait_of("álice", ""), Some((1, "user")));
    assert_eq!(bench.wait_of("bob", ""), None);
}

/// All that a console without addresses lets through at one connector; elsewhere and later there is room.
#[test]
fn without_an_address_client_and_connector_are_bounded() {
    let mut bench = Bench::new(|rules| rules.client_failures = 60);
    for n in 0..60 {
        bench.fail(&format!("user{n}"), "");
    }
    assert_eq!(bench.wait_of("alice", ""), Some((1, "client")));
    assert_eq!(bench.wait_of("alice", "10.0.0.1"), None);
    let other = AttemptKey { client: "console", connector: "other", username: "alice", client_ip: None };
    assert!(bench.guard.enter(&other, bench.now).is_ok());
    bench.now += Duration::from_secs(1);
    for _ in 0..100 {
        // An accepted login does not use it up.
        bench.try_as("alice", "").unwrap().close(Outcome::Succeeded, bench.now);
    }
    bench.fail("bob", "");
    assert_eq!(bench.wait_of("alice", ""), Some((1, "client")), "one a second");
}

#[test]
fn a_site_of_ipv6_has_few_times_the_guesses_of_an_address() {
    let bench = Bench::new(|rules| {
        rules.user_failures = 0;
        rules.client_ip_failures = 4;
    });
    let failed = (0..1000).take_while(|n| {
        let ticket = bench.try_as(&format!("user{n}"), &format!("2001:db8:1:{n:x}::1"));
        ticket.map(|ticket| ticket.close(Outcome::Failed, bench.now)).is_ok()
    });
    assert_eq!(failed.count(), 17);
    assert_eq!(bench.wait_of("alice", "2001:db8:2::1"), None);
    // One account has one count in all of it.
    bench.fail("alice", "2001:db8:3:1::1");
    assert_eq!(bench.wait_of("alice", "2001:db8:3:2::1"), Some((1, "user")));
}

/// An outage that answers with a page: a hundred people try three times each, all at once.
#[test]
fn an_outage_locks_no_office() {
    let bench = Bench::new(|_| {});
    for _ in 0..3 {
        let tickets: Vec<_> = (0..100).map(|n| bench.try_as(&format!("user{n}"), "10.0.0.1").unwrap()).collect();
        for ticket in tickets {
            ticket.close(Outcome::Unreadable, bench.now);
        }
    }
    for n in 0..100 {
        assert!(bench.try_as(&format!("user{n}"), "10.0.0.1").is_ok(), "user{n}");
    }
    // One account is guessed at no more for that: its own bound holds.
    for _ in 0..3 {
        bench.try_as("user0", "10.0.0.1").unwrap().close(Outcome::Unreadable, bench.now);
    }
    assert_eq!(bench.wait_of("user0", "10.0.0.1"), Some((1, "user")));
}

/// Whoever keeps on guessing keeps a name waiting where no address is sent; when they stop, the last wait is all that
/// is left.
#[test]
fn a_victim_waits_no_longer_than_the_last_wait() {
    let mut bench = Bench::new(|_| {});
    for _ in 0..100 {
        while let Some((wait, _)) = bench.wait_of("alice", "") {
            bench.now += Duration::from_secs(wait);
        }
        bench.fail("alice", "");
    }
    bench.now += Duration::from_mins(1);
    bench.try_as("alice", "").unwrap().close(Outcome::Succeeded, bench.now);
    assert_eq!(bench.wait_of("alice", ""), None);
    // Where addresses are sent they meet nothing at all.
    for _ in 0..6 {
        bench.fail("bob", "10.0.0.1");
    }
    assert_eq!(bench.wait_of("bob", "10.0.0.2"), None);
}

/// A place in flight is not pushed out by names that failed once.
#[test]
fn an_attempt_in_flight_weighs_as_a_failure() {
    let bench = Bench::new(|rules| {
        rules.entries = 8;
        rules.user_failures = 2;
        rules.client_failures = 100_000;
    });
    let held: Vec<_> = (0..3).map(|_| bench.try_as("alice", "").unwrap()).collect();
    for n in 0..1000 {
        bench.fail(&format!("user{n}"), "");
    }
    assert_eq!(bench.wait_of("alice", ""), Some((1, "user")));
    drop(held);
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
