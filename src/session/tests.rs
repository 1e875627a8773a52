//! What makes, keeps and ends a session, at any time of day.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use super::memory::MAX_SESSIONS;
use super::*;
use crate::clock::{Ambient, System};
use crate::config::{SessionRules, SignIn, SubjectForm};
use crate::secret::Secret;
use crate::verdict::{Accept, Cause, FactorOutcome, Ledger, Mapped, Otherwise, Reason, Rules, Truth, judge_factor};

const START: u64 = 1_800_000_000_000;

/// A clock that tests set.
struct Clock(AtomicU64);

impl Ambient for Clock {
    fn unix_ms(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }

    fn fill(&self, bytes: &mut [u8]) {
        System.fill(bytes);
    }
}

struct Lab {
    clock: Arc<Clock>,
    sessions: Arc<Sessions>,
}

impl Lab {
    fn new() -> Self {
        Self::with(10)
    }

    fn with(per_user: usize) -> Self {
        let clock = Arc::new(Clock(AtomicU64::new(START)));
        let config = SignIn {
            keys: vec![Secret::new("ab".repeat(32))],
            connectors: vec!["corp".to_owned(), "other".to_owned()],
            subject: SubjectForm::WithConnector,
            session: SessionRules { per_user, ..SessionRules::default() },
            page: None,
            signing: None,
        };
        let sessions = Arc::new(Sessions::new(&config, Arc::clone(&clock) as _).unwrap());
        Self { clock, sessions }
    }

    fn pass(&self, time: Duration) {
        self.clock.0.fetch_add(u64::try_from(time.as_millis()).unwrap(), Ordering::SeqCst);
    }

    fn open(&self, user: &str) -> IssuedSession {
        self.open_at(user, self.sessions.now_ms()).unwrap()
    }

    fn open_at(&self, user: &str, begun_ms: u64) -> Result<IssuedSession, OpenFault> {
        self.sessions.open(&mut accept(user, true), &new(begun_ms))
    }

    fn is_good(&self, session: &IssuedSession) -> bool {
        self.sessions.verify(session.access.expose()).is_some()
    }

    fn refresh(&self, session: &IssuedSession) -> Option<IssuedSession> {
        self.sessions.refresh(session.refresh.expose(), "console")
    }
}

fn new(begun_ms: u64) -> NewSession<'static> {
    NewSession { connector: "corp", client: "console", begun_ms, typed_name: false }
}

/// Of a factor that was true.
fn accept(user: &str, named: bool) -> Accept {
    struct True;
    impl Rules for True {
        fn reject_rows(&self) -> usize {
            0
        }
        fn reject(&self, _: usize) -> Truth {
            Truth::False
        }
        fn reject_reason(&self, _: usize) -> Reason {
            Reason::Other
        }
        fn unavailable(&self) -> Truth {
            Truth::False
        }
        fn more(&self) -> Truth {
            Truth::False
        }
        fn pending(&self) -> Truth {
            Truth::False
        }
        fn success(&self) -> Option<Truth> {
            Some(Truth::True)
        }
        fn replied_ok(&self) -> Truth {
            Truth::True
        }
        fn otherwise(&self) -> Otherwise {
            Otherwise::Unavailable
        }
        fn doubt(&self) -> Cause {
            Cause::UnexpectedReply
        }
    }
    let mut ledger = Ledger::default();
    match judge_factor(&True) {
        FactorOutcome::Success(proof) => ledger.factor(proof),
        FactorOutcome::More(_) | FactorOutcome::Denied(_) => unreachable!("the rules above deny nothing"),
    }
    let mut accept = Accept::new(ledger.close().unwrap(), user.to_owned(), Mapped::default());
    accept.named = named;
    accept
}

/// Invariant 1: of one accept there is one session.
#[test]
fn an_accept_opens_one_session_and_no_second() {
    let lab = Lab::new();
    let mut accept = accept("zhangsan", true);
    assert!(lab.sessions.open(&mut accept, &new(START)).is_ok());
    assert_eq!(lab.sessions.open(&mut accept, &new(START)).unwrap_err(), OpenFault::Used);
}

/// Section 12, rule 2.
#[test]
fn a_name_that_the_upstream_did_not_say_makes_no_session() {
    let lab = Lab::new();
    let mut unnamed = accept("zhangsan", false);
    assert_eq!(lab.sessions.open(&mut unnamed, &new(START)).unwrap_err(), OpenFault::Unnamed);
    let acknowledged = NewSession { typed_name: true, ..new(START) };
    assert!(lab.sessions.open(&mut unnamed, &acknowledged).is_ok());
}

/// Invariant 3.
#[test]
fn each_login_has_secrets_of_its_own_and_a_public_name_opens_nothing() {
    let lab = Lab::new();
    let (one, two) = (lab.open("zhangsan"), lab.open("zhangsan"));
    let texts: BTreeSet<String> = [&one, &two]
        .iter()
        .flat_map(|it| [it.id.to_string(), it.access.expose().to_owned(), it.refresh.expose().to_owned()])
        .collect();
    assert_eq!(texts.len(), 6);
    for text in [one.id.to_string(), one.refresh.expose().to_owned(), String::new()] {
        assert!(lab.sessions.verify(&text).is_none(), "{text}");
    }
    let active = lab.sessions.verify(one.access.expose()).unwrap();
    assert_eq!((active.subject.as_str(), active.connector.as_str()), ("corp:zhangsan", "corp"));
    assert_eq!((active.client.as_str(), active.id, active.authenticated_ms), ("console", one.id, START));
}

#[test]
fn a_session_ends_when_it_is_idle_and_at_its_absolute_end_whatever_is_done() {
    let rules = SessionRules::default();
    let lab = Lab::new();
    let idle = lab.open("zhangsan");
    lab.pass(rules.idle + Duration::from_millis(1));
    assert!(lab.refresh(&idle).is_none());

    let mut used = lab.open("zhangsan");
    let mut refreshed = 0;
    let began = lab.sessions.now_ms();
    while let Some(next) = lab.refresh(&used) {
        assert!(lab.is_good(&next));
        (used, refreshed) = (next, refreshed + 1);
        lab.pass(rules.idle / 2);
    }
    let lived = lab.sessions.now_ms() - began;
    assert_eq!(u128::from(lived), rules.absolute.as_millis(), "after {refreshed} refreshes");
    assert!(!lab.is_good(&used));
}

#[test]
fn an_access_token_is_good_for_its_minutes() {
    let rules = SessionRules::default();
    let lab = Lab::new();
    let session = lab.open("zhangsan");
    assert_eq!(session.access_for, rules.access_token);
    lab.pass(rules.access_token.saturating_sub(Duration::from_millis(1)));
    assert!(lab.is_good(&session));
    lab.pass(Duration::from_millis(1));
    assert!(!lab.is_good(&session));
    assert!(lab.is_good(&lab.refresh(&session).unwrap()));
}

/// Invariant 12: also what is spelled otherwise, and also a login that began before and ends after.
#[test]
fn a_kick_ends_what_the_user_began_before_it_and_nothing_else() {
    let lab = Lab::new();
    let (kicked, other) = (lab.open("ZhangSan"), lab.open("lisi"));
    let begun = lab.sessions.now_ms();
    lab.pass(Duration::from_secs(1));
    let time = lab.sessions.kick("corp", " zhangsan ");
    assert_eq!(time, lab.sessions.now_ms());
    assert!(!lab.is_good(&kicked) && lab.refresh(&kicked).is_none());
    assert!(lab.is_good(&other));
    assert_eq!(lab.open_at("zhangsan", begun).unwrap_err(), OpenFault::Kicked, "its first attempt was before");
    assert_eq!(lab.open_at("zhangsan", time).unwrap_err(), OpenFault::Kicked, "in the very millisecond");
    lab.pass(Duration::from_millis(1));
    assert!(lab.is_good(&lab.open("zhangsan")));
    // A user of that name of another server is another user.
    let again = lab.open("zhangsan");
    lab.sessions.kick("other", "zhangsan");
    assert!(lab.is_good(&again));
    lab.sessions.kick_all();
    assert!(!lab.is_good(&again) && !lab.is_good(&other));
    assert_eq!(lab.sessions.counts().open, 0);
}

/// A clock that was set back lowers no not-before time.
#[test]
fn a_kick_is_never_taken_back() {
    let lab = Lab::new();
    let session = lab.open("zhangsan");
    let time = lab.sessions.kick("corp", "zhangsan");
    lab.clock.0.store(START - 60_000, Ordering::SeqCst);
    assert_eq!(lab.sessions.kick("corp", "zhangsan"), time);
    assert!(!lab.is_good(&session));
    assert_eq!(lab.open_at("zhangsan", lab.sessions.now_ms()).unwrap_err(), OpenFault::Kicked);
}

#[test]
fn of_a_users_sessions_beyond_the_bound_the_oldest_ends() {
    let lab = Lab::with(2);
    let sessions: Vec<IssuedSession> = (0..3).map(|_| lab.open("zhangsan")).collect();
    let other = lab.open("lisi");
    let good: Vec<bool> = sessions.iter().map(|session| lab.is_good(session)).collect();
    assert_eq!((good, lab.is_good(&other)), (vec![false, true, true], true));
    assert_eq!(lab.sessions.counts().ended["crowded"], 1);
}

/// Invariant 9, in this process.
#[test]
fn a_used_refresh_token_ends_its_session() {
    let lab = Lab::new();
    let first = lab.open("zhangsan");
    let second = lab.refresh(&first).unwrap();
    // A lost reply, within the grace.
    lab.pass(Duration::from_secs(5));
    let again = lab.refresh(&first).unwrap();
    assert_eq!(again.refresh.expose(), second.refresh.expose());
    assert_eq!(again.access.expose(), second.access.expose());
    lab.pass(Duration::from_secs(6));
    assert!(lab.refresh(&first).is_none());
    assert!(!lab.is_good(&second) && lab.refresh(&second).is_none(), "whoever has the copy");
    assert_eq!(lab.sessions.counts().ended["reused"], 1);
}

#[test]
fn a_refresh_token_two_generations_old_ends_its_session_within_the_grace_too() {
    let lab = Lab::new();
    let first = lab.open("zhangsan");
    let third = lab.refresh(&lab.refresh(&first).unwrap()).unwrap();
    assert!(lab.refresh(&first).is_none());
    assert!(!lab.is_good(&third));
}

/// Invariant 4: parallel refreshes get the same successor.
#[test]
fn a_hundred_refreshes_at_once_get_one_successor() {
    let lab = Lab::new();
    let session = lab.open("zhangsan");
    let barrier = Arc::new(Barrier::new(100));
    let threads: Vec<_> = (0..100)
        .map(|_| {
            let (sessions, barrier) = (Arc::clone(&lab.sessions), Arc::clone(&barrier));
            let refresh = session.refresh.clone();
            std::thread::spawn(move || {
                barrier.wait();
                sessions.refresh(refresh.expose(), "console").unwrap()
            })
        })
        .collect();
    let pairs: BTreeSet<(String, String)> = threads
        .into_iter()
        .map(|thread| thread.join().unwrap())
        .map(|next| (next.access.expose().to_owned(), next.refresh.expose().to_owned()))
        .collect();
    assert_eq!(pairs.len(), 1);
}

/// And does not end it either: a stolen token must not be a means to sign somebody out.
#[test]
fn another_client_s_refresh_token_is_no_good() {
    let lab = Lab::new();
    let session = lab.open("zhangsan");
    assert!(lab.sessions.refresh(session.refresh.expose(), "gateway").is_none());
    let next = lab.refresh(&session).unwrap();
    lab.pass(Duration::from_mins(1));
    assert!(lab.sessions.refresh(session.refresh.expose(), "gateway").is_none());
    assert!(lab.is_good(&next));
}

#[test]
fn an_ended_session_is_over_for_all_its_tokens() {
    let lab = Lab::new();
    let session = lab.open("zhangsan");
    assert_eq!(lab.sessions.connector_of(&session.id).as_deref(), Some("corp"));
    assert!(lab.sessions.end(&session.id) && !lab.sessions.end(&session.id));
    assert!(!lab.is_good(&session) && lab.refresh(&session).is_none());
    assert_eq!(lab.sessions.connector_of(&session.id), None);
}

/// Invariant 22: nobody makes the daemon grow without end, not even with a password.
#[test]
fn sessions_and_kicks_have_a_bound() {
    let lab = Lab::with(usize::MAX);
    for user in 0..MAX_SESSIONS {
        lab.open(&format!("u{user}x"));
    }
    assert_eq!(lab.open_at("onemore", lab.sessions.now_ms()).unwrap_err(), OpenFault::Full);
    lab.pass(SessionRules::default().idle * 2);
    lab.open("onemore");
    assert_eq!(lab.sessions.counts().open, 1);
    for user in 0..10_000 {
        lab.sessions.kick("corp", &format!("u{user}x"));
    }
    lab.pass(SessionRules::default().absolute * 2);
    lab.sessions.kick("corp", "last");
    assert_eq!(lab.sessions.not_before(), 1);
}
