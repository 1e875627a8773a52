//! Which client a call comes from: a name in the configuration, whatever it showed to prove it.
//!
//! Comparison looks at every token of every client and takes constant time. A client that declares both a token and a
//! certificate must show both.

use std::sync::Arc;

use subtle::{Choice, ConstantTimeEq as _};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::door_rules::DoorRules;
use super::outcome::{Mode, TooManyCalls};
use super::unread_replies::UnreadReplies;
use crate::config::{Certificate, Client, Scope, TokenHash};

/// A client and its open calls.
#[derive(Debug)]
pub struct Caller {
    /// What the configuration says.
    pub client: Client,
    calls: Option<Arc<Semaphore>>,
    /// Replies that it has not read yet.
    pub(crate) unread: UnreadReplies,
}

/// A place among the caller's open calls, given back when dropped.
pub(super) struct CallPermit {
    /// `None` when the client has no bound.
    _permit: Option<OwnedSemaphorePermit>,
}

impl Caller {
    /// A client that is a part of the daemon: it shows nothing, and no call of others is taken for its own.
    pub(crate) fn inner(client: Client, max_unread: usize) -> Arc<Self> {
        Arc::new(Self { client, calls: None, unread: UnreadReplies::new(max_unread) })
    }

    /// A place among this client's open calls. None is free while it does not read its replies.
    pub(super) fn enter(&self) -> Result<CallPermit, TooManyCalls> {
        if self.unread.is_full() {
            return Err(TooManyCalls);
        }
        let permit = self.calls.as_ref().map(|calls| Arc::clone(calls).try_acquire_owned()).transpose();
        permit.map(|permit| CallPermit { _permit: permit }).map_err(|_| TooManyCalls)
    }

    pub(crate) fn may_use(&self, connector: &str) -> bool {
        self.client.may_use(connector)
    }

    /// The owner of challenges that this caller opens: an answer is taken only from the owner that the challenge was opened
    /// for. A send test's is another owner, or its answer would finish a login that the audit trail calls a test; and so is each door
    /// in each revision. No client name holds a space.
    pub(super) fn challenge_owner(&self, mode: Mode, rules: Option<&dyn DoorRules>) -> String {
        let client = &self.client.name;
        match (rules, mode) {
            (Some(rules), _) => format!("door {client} {} {}", rules.door(), rules.revision()),
            (None, Mode::Login) => client.clone(),
            (None, Mode::Test | Mode::DryRun) => format!("test {client}"),
        }
    }
}

/// All clients.
#[derive(Debug, Default)]
pub struct Callers {
    all: Vec<Arc<Caller>>,
    /// No more than one of them may have users logged in.
    one_logs_in: bool,
}

impl Callers {
    /// The clients of the configuration, and how many bytes of replies each may leave unread.
    pub fn new(clients: Vec<Client>, max_unread: usize) -> Self {
        Self::default().followed_by(clients, max_unread)
    }

    /// The clients after a reload. One that stays keeps what it has open, so that a reload is no way around its bounds.
    pub(super) fn followed_by(&self, clients: Vec<Client>, max_unread: usize) -> Self {
        let known = |client: Client| {
            let before = self.all.iter().find(|caller| caller.client.name == client.name);
            let same = before.filter(|caller| caller.client.max_in_flight == client.max_in_flight);
            let calls = match same {
                Some(caller) => caller.calls.clone(),
                None => client.max_in_flight.map(|max| Arc::new(Semaphore::new(max))),
            };
            let unread = before.map(|caller| caller.unread.bounded_by(max_unread));
            Arc::new(Caller { client, calls, unread: unread.unwrap_or_else(|| UnreadReplies::new(max_unread)) })
        };
        let logs_in = |client: &&Client| {
            client.scopes.iter().any(|it| matches!(it, Scope::Authenticate | Scope::Test | Scope::Door))
        };
        let one_logs_in = clients.iter().filter(logs_in).count() <= 1;
        Self { all: clients.into_iter().map(known).collect(), one_logs_in }
    }

    /// Whether no more than one client may have users logged in.
    pub(crate) fn one_logs_in(&self) -> bool {
        self.one_logs_in
    }

    /// What the configuration says of each.
    pub(super) fn clients(&self) -> Vec<Client> {
        self.all.iter().map(|caller| caller.client.clone()).collect()
    }

    /// The client of this name, who has shown nothing.
    pub(crate) fn named(&self, name: &str) -> Option<Arc<Caller>> {
        self.all.iter().find(|caller| caller.client.name == name).cloned()
    }

    /// Finds the client behind a call. A call with a token belongs to that token's client or to none; a call without one is the
    /// first client without tokens whose certificate rule holds.
    pub fn identify(&self, token: Option<&str>, certificate: Option<&Certificate>) -> Option<Arc<Caller>> {
        let certified = |caller: &Client| match (&caller.certificate, certificate) {
            (None, _) => true,
            (Some(rule), Some(certificate)) => rule.matches(certificate),
            (Some(_), None) => false,
        };
        let found = match token {
            Some(token) => self.by_token(token).filter(|caller| certified(&caller.client)),
            None => self.all.iter().find(|caller| {
                caller.client.tokens.is_empty() && caller.client.certificate.is_some() && certified(&caller.client)
            }),
        };
        found.cloned()
    }

    /// Compares with every token of every client, so that time says nothing about which one came near.
    fn by_token(&self, token: &str) -> Option<&Arc<Caller>> {
        let hash = TokenHash::of(token);
        let mut found = None;
        for caller in &self.all {
            let mut hit = Choice::from(0);
            for known in &caller.client.tokens {
                hit |= known.ct_eq(&hash);
            }
            if hit.into() {
                found = Some(caller);
            }
        }
        found
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::CertificateRule;

    fn caller(name: &str, token: Option<&str>, certificate: Option<CertificateRule>) -> Client {
        Client {
            name: name.to_owned(),
            tokens: token.map(TokenHash::of).into_iter().collect(),
            certificate,
            scopes: vec![Scope::Authenticate],
            connectors: None,
            max_in_flight: None,
        }
    }

    #[test]
    fn a_client_shows_all_that_it_declares() {
        let dns = |name: &str| Some(CertificateRule::Dns(name.to_owned()));
        let clients = vec![
            caller("token", Some("t1"), None),
            caller("both", Some("t2"), dns("gw.example.com")),
            caller("certificate", None, dns("sdk.example.com")),
            caller("nothing", None, None),
        ];
        let callers = Callers::new(clients, usize::MAX);
        let gateway = Certificate { dns: vec!["GW.example.com".to_owned()], ..Certificate::default() };
        let sdk = Certificate { dns: vec!["sdk.example.com".to_owned()], ..Certificate::default() };
        for (token, certificate, expected) in [
            (Some("t1"), None, Some("token")),
            (Some("t1"), Some(&sdk), Some("token")),
            (Some("t2"), None, None),
            (Some("t2"), Some(&sdk), None),
            (Some("t2"), Some(&gateway), Some("both")),
            (None, Some(&sdk), Some("certificate")),
            (None, Some(&gateway), None),
            (Some("wrong"), Some(&sdk), None),
            (None, None, None),
        ] {
            let found = callers.identify(token, certificate);
            assert_eq!(found.as_ref().map(|caller| caller.client.name.as_str()), expected, "{token:?} {certificate:?}");
        }
    }
}
