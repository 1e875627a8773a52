//! HTTP Digest (RFC 7616, and RFC 2069 where a server names no qop).
//!
//! The request goes out once without credentials; the challenge that comes back is answered, and once more when it says that the
//! nonce was too old. A server that asks for nothing has seen no credential, so its reply is never judged.

mod answer;
mod challenge;
mod server_proof;

use http::header::{ACCEPT_ENCODING, AUTHORIZATION, HeaderValue};
use zeroize::Zeroizing;

use self::answer::Answer;
use self::challenge::{DigestChallenge, Quality, strongest};
use self::server_proof::RspAuth;
use super::target::add_header_bytes;
use super::{Compile, Scheme, SchemeConfig, ServerReply, SignError, Signature, Signing, SigningPorts, unasked};
use crate::crypto::encoding::hex_encode;
use crate::reading::record::record;
use crate::reading::{Spanned, Text};
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
        /// Whether a success must carry the server's own proof that it knows the password (Authentication-Info: rspauth); false
        /// when left out. Where the server sends one, it is always checked.
        require_rspauth: Option<Spanned<bool>>,
    }
}

impl SchemeConfig for Digest {
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
        let require_rspauth = self.require_rspauth.as_ref().is_some_and(|it| it.value);
        let plan = DigestPlan { username: username?, password: password?, charset: charset?, require_rspauth };
        beside.is_none().then(|| Box::new(plan) as Box<dyn Scheme>)
    }
}

#[derive(Debug)]
struct DigestPlan {
    username: Template,
    password: Template,
    charset: Charset,
    require_rspauth: bool,
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
        server: ServerReply<'_>,
        ports: &SigningPorts<'_>,
    ) -> Result<Option<Signature>, SignError> {
        let status = server.reply.status;
        let found = strongest(&server.reply.headers);
        if !server.probe {
            let stale = found.ok().filter(|challenge| status == 401 && challenge.stale);
            return stale.map(|challenge| self.respond(&challenge, request, ports)).transpose();
        }
        if status != 401 {
            return Err(unasked(status, "Digest"));
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
        let keyed = answer.keyed();
        let response = answer.response(&keyed);
        let added = add_header_bytes(request, AUTHORIZATION, &answer.header(&response))?;
        // The server's proof is over its body as it is encoded; here only the decoded one is there.
        if challenge.quality == Quality::AuthInt && request.headers.iter().all(|(name, _)| name != ACCEPT_ENCODING) {
            request.headers.push((ACCEPT_ENCODING, HeaderValue::from_static("identity")));
        }
        let proof = RspAuth { keyed, uri, required: self.require_rspauth };
        Ok(Signature { hidden: vec![Secret::new(response)], proof: Some(Box::new(proof)), ..Signature::of(added) })
    }
}

impl Scheme for DigestPlan {
    fn templates(&self) -> Vec<&Template> {
        vec![&self.username, &self.password]
    }

    fn sign<'a>(&'a self, _: &'a mut Prepared, ports: &'a SigningPorts<'a>) -> Signing<'a, Signature> {
        Box::pin(std::future::ready(Signature::probe_if(self.credential(self.charset, ports))))
    }

    fn again<'a>(
        &'a self,
        request: &'a mut Prepared,
        server: ServerReply<'a>,
        ports: &'a SigningPorts<'a>,
    ) -> Signing<'a, Option<Signature>> {
        Box::pin(std::future::ready(self.answer(request, server, ports)))
    }
}

#[cfg(test)]
mod tests;
