//! The session that a caller wants of a login: asked for at its beginning, remembered in the sealed challenge, opened by its
//! accept and before its audit line, so that what is written is what the caller hears.

use zeroize::Zeroizing;

use super::App;
use super::connectors::ConnectorSummary;
use crate::flow::report::Report;
use crate::session::{IssuedSession, NewSession, OpenFault, Sessions};
use crate::verdict::{Cause, Misconfigured, Reason, Reject, Unavailable, Verdict};

/// A session is wanted of a login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SessionWish {
    /// Milliseconds since 1970 when the first attempt began: a kick since then ends what comes of it.
    begun_ms: u64,
}

/// No state of a login begins with it: those are JSON.
const MARK: u8 = 1;

const PREFIX_BYTES: usize = 1 + 8;

impl SessionWish {
    /// Of a login that begins now; `None` where no sessions are kept.
    pub(super) fn now(app: &App) -> Option<Self> {
        app.sessions.as_ref().map(|sessions| Self { begun_ms: sessions.now_ms() })
    }

    /// What is sealed of a login that waits: its state, and the wish before it.
    pub(super) fn sealed_with(self, state: &[u8]) -> Zeroizing<Vec<u8>> {
        let mut bytes = Zeroizing::new(Vec::with_capacity(PREFIX_BYTES + state.len()));
        bytes.push(MARK);
        bytes.extend_from_slice(&self.begun_ms.to_be_bytes());
        bytes.extend_from_slice(state);
        bytes
    }

    /// The wish of a login that waits, if there is one, and its state.
    pub(super) fn of(sealed: &[u8]) -> (Option<Self>, &[u8]) {
        let told = sealed.strip_prefix(&[MARK]).and_then(<[u8]>::split_first_chunk::<8>);
        match told {
            Some((begun, state)) => (Some(Self { begun_ms: u64::from_be_bytes(*begun) }), state),
            None => (None, sealed),
        }
    }

    /// Opens the session of an accept. What comes back is what the caller may hear: where no session can be opened, that.
    pub(super) fn open(
        self,
        sessions: &Sessions,
        about: &ConnectorSummary,
        client: &str,
        mut report: Report,
    ) -> (Report, Option<IssuedSession>) {
        let Verdict::Accept(accept) = &mut report.verdict else { return (report, None) };
        let (connector, typed_name) = (about.id.as_str(), about.facts.typed_name);
        let new = NewSession { connector, client, begun_ms: self.begun_ms, typed_name };
        match sessions.open(accept, &new) {
            Ok(session) => {
                tracing::info!(
                    request_id = report.request_id,
                    client,
                    connector,
                    session = session.id.to_string(),
                    "session opened"
                );
                (report, Some(session))
            }
            Err(why) => {
                (Report { verdict: verdict_of(why), explain: format!("the login succeeded; {why}"), ..report }, None)
            }
        }
    }
}

fn verdict_of(why: OpenFault) -> Verdict {
    match why {
        OpenFault::Unnamed | OpenFault::LongName | OpenFault::Used => {
            Verdict::Misconfigured(Misconfigured { what: format!("the login succeeded; {why}") })
        }
        OpenFault::Kicked => Verdict::Reject(Reject::because(Reason::DeniedByPolicy)),
        OpenFault::Full => Verdict::Unavailable(Unavailable::from(Cause::Overloaded)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_is_read_from_what_was_sealed_and_from_nothing_else() {
        let wish = SessionWish { begun_ms: 7 };
        let sealed = wish.sealed_with(b"{}");
        assert_eq!(SessionWish::of(&sealed), (Some(wish), b"{}".as_slice()));
        for none in [b"{\"format\":3}".as_slice(), b"", &[MARK], &[MARK, 0, 0]] {
            assert_eq!(SessionWish::of(none), (None, none));
        }
    }
}
