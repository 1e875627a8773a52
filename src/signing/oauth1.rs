//! OAuth 1.0a (RFC 5849): a signature over method, URL and parameters, in the header Authorization.
//!
//! Two-legged without a token, three-legged with one; `callback` and `verifier` are for the two requests that get it.

mod base;

use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

use self::base::{Parameters, base_string};
use super::target::add_header;
use super::{Compile, Scheme, SchemeConfig, SignError, Signature, Signing, SigningPorts, fields};
use crate::crypto::digest::Algorithm;
use crate::crypto::encoding::{base64_encode, hex_encode};
use crate::crypto::hmac::hmac;
use crate::crypto::random::Random;
use crate::crypto::rsa_sha1::rsa_sha1;
use crate::percent;
use crate::reading::record::{record, words};
use crate::reading::{Spanned, Text};
use crate::request::{BodyKind, Prepared};
use crate::secret::Secret;
use crate::template::{Charset, Place, Template};

record! {
    /// OAuth 1.0a (RFC 5849).
    pub struct Oauth1 as "oauth1" {
        /// The client's identifier.
        consumer_key: Text,
        /// The client's secret, or its RSA key.
        consumer_secret: Text,
        /// The token.
        token: Option<Text>,
        /// The token's secret.
        token_secret: Option<Text>,
        /// For the request of temporary credentials: where the browser comes back to, or `oob`.
        callback: Option<Text>,
        /// For the request of the token: what the browser brought back.
        verifier: Option<Text>,
        /// The signature method; HMAC-SHA1 when left out.
        method: Option<Spanned<Oauth1Method>>,
        /// The realm of the header.
        realm: Option<Text>,
    }
}

words! {
    /// A signature method of OAuth 1.0a.
    pub enum Oauth1Method as "a signature method" {
        /// RFC 5849 section 3.4.2
        HmacSha1 = "HMAC-SHA1",
        /// As deployed with SHA-256
        HmacSha256 = "HMAC-SHA256",
        /// RFC 5849 section 3.4.3
        RsaSha1 = "RSA-SHA1",
        /// RFC 5849 section 3.4.4
        Plaintext = "PLAINTEXT",
    }
}

/// 128 bits.
const NONCE_BYTES: usize = 16;

impl SchemeConfig for Oauth1 {
    fn compile(&self, compile: &mut Compile<'_>) -> Option<Box<dyn Scheme>> {
        let method = self.method.as_ref().map_or(Oauth1Method::HmacSha1, |method| method.value);
        let consumer_key = compile.template(&self.consumer_key, Place::Plain);
        let consumer_secret = if method == Oauth1Method::RsaSha1 {
            compile.own_template(&self.consumer_secret, Place::Plain)
        } else {
            compile.template(&self.consumer_secret, Place::Plain)
        };
        if let (Some(secret), true) = (&self.token_secret, method == Oauth1Method::RsaSha1) {
            compile.error("auth-key", &secret.span, "RSA-SHA1 signs without the token's secret", "leave it out");
            return None;
        }
        let mut sent = Vec::new();
        for (name, text) in
            [("oauth_token", &self.token), ("oauth_callback", &self.callback), ("oauth_verifier", &self.verifier)]
        {
            if let Some(text) = text {
                sent.push((name, compile.template(text, Place::Plain)?));
            }
        }
        let token_secret = match &self.token_secret {
            Some(text) => Some(compile.template(text, Place::Plain)?),
            None => None,
        };
        let realm = match &self.realm {
            Some(text) => Some(realm(text, compile)?),
            None => None,
        };
        let form = matches!(compile.request?.body_kind(), Some(BodyKind::Form | BodyKind::FormFrom));
        Some(Box::new(Oauth1Plan {
            method,
            consumer_key: consumer_key?,
            consumer_secret: consumer_secret?,
            token_secret,
            sent,
            realm,
            form,
        }))
    }
}

fn realm(text: &Text, compile: &mut Compile<'_>) -> Option<String> {
    let realm = compile.literal(text, Place::Header)?;
    if realm.contains(['"', '\\']) {
        let help = "write one without quotes and backslashes";
        compile.error("auth-value", &text.span, "a realm stands between quotes", help);
        return None;
    }
    Some(realm)
}

#[derive(Debug)]
struct Oauth1Plan {
    method: Oauth1Method,
    consumer_key: Template,
    consumer_secret: Template,
    token_secret: Option<Template>,
    /// Further parameters, by name.
    sent: Vec<(&'static str, Template)>,
    realm: Option<String>,
    /// Whether the body is a form, whose fields are signed.
    form: bool,
}

impl Oauth1Plan {
    fn add(&self, request: &mut Prepared, ports: &SigningPorts<'_>) -> Result<Signature, SignError> {
        let value = |template: &Template| template.render(Place::Plain, ports.context, Charset::UTF_8);
        let mut own = Parameters::default();
        own.add("oauth_consumer_key", &value(&self.consumer_key)?);
        for (name, template) in &self.sent {
            own.add(name, &value(template)?);
        }
        own.add("oauth_signature_method", self.method.as_str().as_bytes());
        let mut drawn = [0; NONCE_BYTES];
        ports.ambient.fill(&mut drawn);
        own.add("oauth_timestamp", (ports.ambient.unix_ms() / 1000).to_string().as_bytes());
        own.add("oauth_nonce", hex_encode(&drawn).as_bytes());
        own.add("oauth_version", b"1.0");
        let mut signed = own.clone();
        signed.take(&fields::query(request)?);
        if self.form {
            signed.take(&fields::body(request, Some(BodyKind::Form))?);
        }
        let text = base_string(request.method.as_str(), &request.url, &signed);
        let token_secret = self.token_secret.as_ref().map(value).transpose()?.unwrap_or_default();
        let signature = self.signature(&value(&self.consumer_secret)?, &token_secret, &text, ports)?;
        own.add("oauth_signature", signature.as_bytes());
        let header = own.header(self.realm.as_deref());
        let added = add_header(request, AUTHORIZATION, &header)?;
        let hidden = [signature.as_str(), &percent::encode(signature.as_bytes())].map(Secret::new);
        Ok(Signature { hidden: hidden.to_vec(), ..Signature::of(added) })
    }

    fn signature(
        &self,
        consumer_secret: &[u8],
        token_secret: &[u8],
        text: &[u8],
        ports: &SigningPorts<'_>,
    ) -> Result<Zeroizing<String>, SignError> {
        let key = Zeroizing::new(format!("{}&{}", percent::encode(consumer_secret), percent::encode(token_secret)));
        let bytes = match self.method {
            Oauth1Method::Plaintext => return Ok(key),
            Oauth1Method::HmacSha1 => hmac(Algorithm::Sha1, key.as_bytes(), text),
            Oauth1Method::HmacSha256 => hmac(Algorithm::Sha256, key.as_bytes(), text),
            Oauth1Method::RsaSha1 => {
                let mut draw = |bytes: &mut [u8]| ports.ambient.fill(bytes);
                rsa_sha1(consumer_secret, text, &mut Random(&mut draw))
                    .map_err(|error| SignError::Misconfigured(format!("the consumer_secret of `auth`: {error}")))?
            }
        };
        Ok(Zeroizing::new(base64_encode(&bytes)))
    }
}

impl Scheme for Oauth1Plan {
    fn templates(&self) -> Vec<&Template> {
        let sent = self.sent.iter().map(|(_, template)| template);
        [&self.consumer_key, &self.consumer_secret].into_iter().chain(&self.token_secret).chain(sent).collect()
    }

    fn sign<'a>(&'a self, request: &'a mut Prepared, ports: &'a SigningPorts<'a>) -> Signing<'a, Signature> {
        Box::pin(std::future::ready(self.add(request, ports)))
    }
}

#[cfg(test)]
mod tests;
