//! HTTP Digest (RFC 7616, and RFC 2069 where a server names no qop).
//!
//! The request goes out once without credentials; the challenge that comes back is answered, and once more when it says that the
//! nonce was too old. A server that asks for nothing has seen no credential, so its reply is never judged.

mod answer;
mod challenge;

use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

use self::answer::Answer;
use self::challenge::{DigestChallenge, strongest};
use super::target::add_header_bytes;
use super::{Compile, Heard, Scheme, SignError, Signature, Signing, SigningPorts, Written};
use crate::crypto::encoding::hex_encode;
use crate::reading::Text;
use crate::reading::record::record;
use crate::request::Prepared;
use crate::secret::Secret;
use crate::template::{Charset, Place, RenderError, Template};
use crate::verdict::Cause;

/// 128 bits, as servers draw their nonces.
const CNONCE_BYTES: usize = 16;

record! {
    /// HTTP Digest (RFC 7616): MD5, SHA-256, SHA-512-256, -sess, auth, auth-int, stale, userhash; RFC 2069 without qop.
    pub struct Digest as "digest" {
        /// The user name; no colon.
        username: Text,
        /// The password.
        password: Text,
        /// The charset of both, where the server names none; utf-8 when left out.
        charset: Option<Text>,
    }
}

impl Written for Digest {
    fn compile(&self, compile: &mut Compile<'_>) -> Option<Box<dyn Scheme>> {
        let username = compile.template(&self.username, Place::BasicUser);
        let password = compile.template(&self.password, Place::BasicPassword);
        let charset = compile.charset(self.charset.as_ref());
        let beside = compile.credential_in_request();
        if let Some(variable) = &beside {
            let message = format!(
                "`{variable}` stands in the request, which goes out before the server is asked for its challenge"
            );
            let help =
                "leave the password to `auth`; a server that wants it in the body as well asks for it in another step";
            compile.error("auth-probe", compile.at, message, help);
        }
        let plan = DigestPlan { username: username?, password: password?, charset: charset? };
        beside.is_none().then(|| Box::new(plan) as Box<dyn Scheme>)
    }
}

#[derive(Debug)]
struct DigestPlan {
    username: Template,
    password: Template,
    charset: Charset,
}

struct Credential {
    username: Zeroizing<Vec<u8>>,
    password: Zeroizing<Vec<u8>>,
}

impl DigestPlan {
    fn credential(&self, charset: Charset, ports: &SigningPorts<'_>) -> Result<Credential, RenderError> {
        let username = self.username.render(Place::BasicUser, ports.context, charset)?;
        let password = self.password.render(Place::BasicPassword, ports.context, charset)?;
        Ok(Credential { username, password })
    }

    fn answer(
        &self,
        request: &mut Prepared,
        heard: Heard<'_>,
        ports: &SigningPorts<'_>,
    ) -> Result<Option<Signature>, SignError> {
        let status = heard.reply.status;
        let found = strongest(&heard.reply.headers);
        if !heard.probe {
            let stale = found.ok().filter(|challenge| status == 401 && challenge.stale);
            return stale.map(|challenge| self.respond(&challenge, request, ports)).transpose();
        }
        if status != 401 {
            let cause = if status >= 500 { Cause::UpstreamError } else { Cause::UnexpectedReply };
            let what = format!(
                "the server answered HTTP {status} before it was given a credential: it asked for no Digest, so this says nothing"
            );
            return Err(SignError::Unavailable(cause, what));
        }
        let challenge = found.map_err(|why| {
            SignError::Unavailable(Cause::UnexpectedReply, format!("the server's challenge cannot be answered: {why}"))
        })?;
        self.respond(&challenge, request, ports).map(Some)
    }

    fn respond(
        &self,
        challenge: &DigestChallenge,
        request: &mut Prepared,
        ports: &SigningPorts<'_>,
    ) -> Result<Signature, SignError> {
        let charset = if challenge.utf8 { Charset::UTF_8 } else { self.charset };
        let credential = self.credential(charset, ports)?;
        let mut drawn = [0; CNONCE_BYTES];
        ports.ambient.fill(&mut drawn);
        let mut uri = request.url.path().to_owned();
        if let Some(query) = request.url.query() {
            uri.push('?');
            uri.push_str(query);
        }
        let method = request.method.clone();
        let body = request.body.clone().unwrap_or_default();
        let answer = Answer {
            challenge,
            username: &credential.username,
            password: &credential.password,
            method: method.as_str(),
            uri: &uri,
            body: &body,
            cnonce: &hex_encode(&drawn),
        };
        let response = answer.response();
        let added = add_header_bytes(request, AUTHORIZATION, &answer.header(&response))?;
        Ok(Signature { hidden: vec![Secret::new(response)], ..Signature::of(added) })
    }
}

impl Scheme for DigestPlan {
    fn templates(&self) -> Vec<&Template> {
        vec![&self.username, &self.password]
    }

    fn sign<'a>(&'a self, _: &'a mut Prepared, ports: &'a SigningPorts<'a>) -> Signing<'a, Signature> {
        // What the place cannot carry is refused before anything is sent.
        let fits = self.credential(self.charset, ports);
        let probe = Signature { probe: true, ..Signature::default() };
        Box::pin(std::future::ready(fits.map(|_| probe).map_err(SignError::from)))
    }

    fn again<'a>(
        &'a self,
        request: &'a mut Prepared,
        heard: Heard<'a>,
        ports: &'a SigningPorts<'a>,
    ) -> Signing<'a, Option<Signature>> {
        Box::pin(std::future::ready(self.answer(request, heard, ports)))
    }
}

#[cfg(test)]
mod tests;
