//! The server's own response, `rspauth` in the header Authentication-Info (RFC 7616 section 3.5): only who knows the password can
//! compute it, so a reply that has it is the server's.

use http::header::{CONTENT_ENCODING, HeaderMap, HeaderName};

use super::answer::Keyed;
use super::challenge::Quality;
use crate::signing::www_authenticate::{Malformed, parameters};
use crate::signing::{ServerProof, SignError};
use crate::upstream::Reply;
use crate::verdict::Cause;

const AUTHENTICATION_INFO: HeaderName = HeaderName::from_static("authentication-info");

/// What the reply to an answer is checked with.
pub(super) struct RspAuth {
    pub keyed: Keyed,
    /// As the client sent it.
    pub uri: String,
    /// Whether a success without `rspauth` is refused.
    pub required: bool,
}

impl std::fmt::Debug for RspAuth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RspAuth(‹secret›, required: {})", self.required)
    }
}

impl ServerProof for RspAuth {
    fn check(&self, reply: &Reply) -> Result<(), SignError> {
        // Who refuses the answer need not know the password.
        if reply.status == 401 {
            return Ok(());
        }
        let wrong = |what: String| Err(SignError::Unavailable(Cause::UnexpectedReply, what));
        let sent = match sent(&reply.headers) {
            Ok(sent) => sent,
            Err(why) => {
                return wrong(format!("the server's proof of itself (Authentication-Info) cannot be read: {why}"));
            }
        };
        let Some(sent) = sent else {
            return if self.required && (200..400).contains(&reply.status) {
                wrong(
                    "the reply has no Authentication-Info with rspauth, which `require_rspauth` wants: the server did \
                       not prove that it knows the password"
                        .to_owned(),
                )
            } else {
                Ok(())
            };
        };
        if self.keyed.quality == Quality::AuthInt && reply.headers.contains_key(CONTENT_ENCODING) {
            return wrong(
                "the server's proof of itself (rspauth with qop auth-int) is over a compressed body, although none was asked \
                 for: it cannot be checked"
                    .to_owned(),
            );
        }
        let expected = self.keyed.response("", &self.uri, &reply.body);
        if sent.eq_ignore_ascii_case(expected.as_bytes()) {
            return Ok(());
        }
        wrong(
            "the server's proof of itself (rspauth in Authentication-Info) is wrong: it does not know the password, or something \
             between changed the reply"
                .to_owned(),
        )
    }
}

/// The parameter `rspauth`. Fields are one list (RFC 9110 section 5.3).
fn sent(headers: &HeaderMap) -> Result<Option<Vec<u8>>, Malformed> {
    let fields: Vec<&[u8]> = headers.get_all(AUTHENTICATION_INFO).iter().map(http::HeaderValue::as_bytes).collect();
    let all = parameters(&fields.join(&b", "[..]))?;
    Ok(all.into_iter().find(|it| it.name == "rspauth").map(|it| it.value))
}
