//! Sessions, checked.

use std::collections::BTreeSet;

use super::check::Check;
use super::raw::{RawSession, RawSignIn, RawSubject};
use super::{SessionRules, SignIn, State, SubjectForm};
use crate::reading::{Spanned, TimeSpan};
use crate::secret::Secret;

impl Check<'_> {
    pub(super) fn sign_in(&mut self, raw: &RawSignIn, state: &State) -> SignIn {
        if let State::Redis { .. } = state {
            let message =
                "sessions are kept in one daemon, and `state: redis` is for several: another one would not know them";
            let help = "keep state: memory and one daemon, or leave sign_in out";
            self.wrong("sessions-of-one", &raw.place.span, message, help);
        }
        let keys: Vec<Secret> = raw.keys.iter().filter_map(|key| self.aead_key(key, &raw.place)).collect();
        if raw.keys.len() > 2 {
            let help = "two, while one replaces the other";
            self.wrong("state-keys", raw.place.key("keys"), "more than two keys are given", help);
        }
        let mut connectors = BTreeSet::new();
        for connector in raw.connectors.iter() {
            let id = self.connector_id(&connector.id);
            if !connectors.insert(id) {
                self.wrong("same-name", &connector.id.span, "this connector stands here twice", "write it once");
            }
        }
        SignIn {
            subject: self.subject(raw, connectors.len()),
            keys,
            connectors: connectors.into_iter().collect(),
            session: raw.session.as_ref().map(|session| self.session(session)).unwrap_or_default(),
            page: raw.page.as_ref().and_then(|page| self.login_page(page, raw)),
            signing: raw.signing.as_ref().and_then(|signing| self.signing(signing)),
        }
    }

    /// Two people of two servers may have one name.
    fn subject(&mut self, raw: &RawSignIn, connectors: usize) -> SubjectForm {
        let written = raw.identity.as_ref().and_then(|identity| identity.subject.as_ref());
        let acknowledged = raw.acknowledge.as_ref().is_some_and(|it| it.shared_names.is_some());
        match written {
            Some(subject) if subject.value == RawSubject::Plain => {
                if connectors > 1 && !acknowledged {
                    let message = "with several connectors a plain name may be two people";
                    let help = "write with_connector, or acknowledge: { shared_names: why they are one person }";
                    self.wrong("shared-names", &subject.span, message, help);
                }
                SubjectForm::Plain
            }
            Some(_) => SubjectForm::WithConnector,
            None if connectors > 1 => SubjectForm::WithConnector,
            None => SubjectForm::Plain,
        }
    }

    fn session(&mut self, raw: &RawSession) -> SessionRules {
        const DAY: u64 = 24 * 3_600_000;
        let usual = SessionRules::default();
        let given = |span: &Option<Spanned<TimeSpan>>| span.as_ref().map(|span| (span.value.0, span.span.clone()));
        let mut time = |span, least, most, usual| {
            let span = given(span);
            self.span(span.as_ref().map(|(value, at)| (*value, at)), least, most, usual)
        };
        let idle = time(&raw.idle, 10_000, DAY, usual.idle);
        let absolute = time(&raw.absolute, 60_000, 30 * DAY, usual.absolute);
        let access_token = time(&raw.access_token, 10_000, 3_600_000, usual.access_token);
        if let Some(written) = raw.idle.as_ref().filter(|_| idle > absolute) {
            let help = "write an idle time that is at most the absolute one";
            self.wrong("out-of-range", &written.span, "a session is over before it was idle for so long", help);
        }
        SessionRules {
            idle,
            absolute,
            per_user: self.count(raw.per_user.as_ref(), 1, 1000, usual.per_user),
            access_token,
        }
    }
}
