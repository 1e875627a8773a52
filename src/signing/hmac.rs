//! A signature over a text that the connector lays out: AppID and HMAC, `md5(appid + time + nonce + secret)`, WeChat Pay v3.
//!
//! The parts of the request are those that will be sent, byte for byte: the path and the query percent-encoded, the body
//! as it goes over the wire.

use std::collections::BTreeSet;

use url::Position;

use super::rsa_key::RsaKey;
use super::signature_algorithm::{Output, SignatureAlgorithm};
use super::target::{Target, TargetPlan};
use super::{Compile, Scheme, SchemeConfig, SignError, Signature, Signing, SigningPorts};
use crate::context::{Context, SignedPart, SignedWord, Variable};
use crate::crypto::digest::{Algorithm, digest};
use crate::crypto::encoding::hex_encode;
use crate::crypto::sm2::SignatureForm;
use crate::reading::record::{record, words};
use crate::reading::{Spanned, Text};
use crate::request::Prepared;
use crate::secret::Secret;
use crate::template::{Charset, Place, RenderError, Template};

record! {
    /// An HMAC, a hash or an RSA signature over a text that this connector lays out.
    pub struct Hmac as "hmac" {
        /// An HMAC (md5 sha1 sha256 sha384 sha512 sm3), the hash of the text alone (hash_md5 …), rsa_sha256 or sm2_sm3.
        algorithm: Spanned<HmacAlgorithm>,
        /// The key; with rsa_sha256 and sm2_sm3 a private key as PEM. Left out with a hash alone, whose secret stands in `canonical`.
        key: Option<Text>,
        /// The text that is signed: a template that may name `request.method request.host request.path request.query
        /// request.sorted_query request.body request.body_md5 request.body_sha256 request.headers.x` too.
        canonical: Text,
        /// How the signature is written; hex when left out, base64 with a private key.
        output: Option<Spanned<Output>>,
        /// What is written there, `{{request.signature}}` in it; the signature alone when left out.
        value: Option<Text>,
        /// Where the signature goes.
        into: Target,
    }
}

words! {
    /// What makes the signature.
    pub enum HmacAlgorithm as "an algorithm" {
        /// HMAC with MD5 (RFC 1321)
        Md5 = "md5",
        /// HMAC with SHA-1 (FIPS 180-4)
        Sha1 = "sha1",
        /// HMAC with SHA-256 (FIPS 180-4)
        Sha256 = "sha256",
        /// HMAC with SHA-384 (FIPS 180-4)
        Sha384 = "sha384",
        /// HMAC with SHA-512 (FIPS 180-4)
        Sha512 = "sha512",
        /// HMAC with SM3 (GB/T 32905-2016)
        Sm3 = "sm3",
        /// MD5 of the text
        HashMd5 = "hash_md5",
        /// SHA-1 of the text
        HashSha1 = "hash_sha1",
        /// SHA-256 of the text
        HashSha256 = "hash_sha256",
        /// SHA-512 of the text
        HashSha512 = "hash_sha512",
        /// SM3 of the text
        HashSm3 = "hash_sm3",
        /// RSASSA-PKCS1-v1_5 with SHA-256
        RsaSha256 = "rsa_sha256",
        /// SM2 with SM3 (GB/T 32918.2), in DER
        Sm2Sm3 = "sm2_sm3",
        /// SM2 with SM3, r and s alone
        Sm2Sm3Plain = "sm2_sm3_plain",
    }
}

impl HmacAlgorithm {
    fn compiled(self) -> SignatureAlgorithm {
        match self {
            Self::Md5 => SignatureAlgorithm::Hmac(Algorithm::Md5),
            Self::Sha1 => SignatureAlgorithm::Hmac(Algorithm::Sha1),
            Self::Sha256 => SignatureAlgorithm::Hmac(Algorithm::Sha256),
            Self::Sha384 => SignatureAlgorithm::Hmac(Algorithm::Sha384),
            Self::Sha512 => SignatureAlgorithm::Hmac(Algorithm::Sha512),
            Self::Sm3 => SignatureAlgorithm::Hmac(Algorithm::Sm3),
            Self::HashMd5 => SignatureAlgorithm::Hash(Algorithm::Md5),
            Self::HashSha1 => SignatureAlgorithm::Hash(Algorithm::Sha1),
            Self::HashSha256 => SignatureAlgorithm::Hash(Algorithm::Sha256),
            Self::HashSha512 => SignatureAlgorithm::Hash(Algorithm::Sha512),
            Self::HashSm3 => SignatureAlgorithm::Hash(Algorithm::Sm3),
            Self::RsaSha256 => SignatureAlgorithm::Rsa(RsaKey::default()),
            Self::Sm2Sm3 => SignatureAlgorithm::Sm2(SignatureForm::Asn1),
            Self::Sm2Sm3Plain => SignatureAlgorithm::Sm2(SignatureForm::Plain),
        }
    }
}

impl SchemeConfig for Hmac {
    fn compile(&self, compile: &mut Compile<'_>) -> Option<Box<dyn Scheme>> {
        let algorithm = self.algorithm.value.compiled();
        let hashes = matches!(algorithm, SignatureAlgorithm::Hash(_));
        let key = match &self.key {
            Some(key) if hashes => {
                compile.error("auth-key", &key.span, "a hash has no key", "put the secret into `canonical`");
                return None;
            }
            Some(key) if algorithm.has_private_key() => Some(compile.own_template(key, Place::Plain)?),
            Some(key) => Some(compile.template(key, Place::Plain)?),
            None if hashes => None,
            None => {
                let help = "write key: \"{{secret.…}}\", or take a hash such as hash_md5";
                compile.error("auth-key", &self.algorithm.span, "this algorithm takes a key", help);
                return None;
            }
        };
        let canonical = compile.template(&self.canonical, Place::Signed);
        let into = self.into.compile(compile);
        let value = self.value.as_ref().map(|value| {
            let template = compile.template(value, Place::Signed)?;
            names_signature(&template, value, compile).then_some(template)
        });
        let (canonical, into) = (canonical?, into?);
        let value = match value {
            Some(value) => Some(value?),
            None => None,
        };
        known_parts(&canonical, &self.canonical, compile)?;
        let usual = if algorithm.has_private_key() { Output::Base64 } else { Output::Hex };
        let output = self.output.as_ref().map_or(usual, |output| output.value);
        Some(Box::new(HmacPlan { algorithm, key, canonical, output, value, into }))
    }

    fn writes_authorization(&self) -> bool {
        false
    }
}

/// `value` that leaves the signature out would send none.
fn names_signature(value: &Template, at: &Text, compile: &mut Compile<'_>) -> bool {
    let signature = Variable::Signed(SignedPart::Word(SignedWord::Signature));
    let names = value.variables().any(|variable| *variable == signature);
    let other = value.variables().find(|variable| matches!(variable, Variable::Signed(_)) && **variable != signature);
    if let Some(other) = other {
        let message = format!("`{other}` stands in `canonical` only");
        compile.error(
            "auth-value",
            &at.span,
            message,
            "`value` is what is sent: request.signature and what is beside it",
        );
    } else if !names {
        let help = "write {{request.signature}} in it, or leave `value` out";
        compile.error("auth-value", &at.span, "`value` does not name the signature", help);
    }
    names && other.is_none()
}

/// What `canonical` reads of the request must be in it.
fn known_parts(canonical: &Template, at: &Text, compile: &mut Compile<'_>) -> Option<()> {
    for hole in canonical.holes() {
        let span = at.span_of(hole.range.clone());
        for part in hole.variables().filter_map(signed_part) {
            let (message, help) = match part {
                SignedPart::Header(name) if !has_header(compile, name) => (
                    format!("the request has no header `{name}`"),
                    "write it under `headers`; the host is request.host",
                ),
                SignedPart::Word(SignedWord::Signature) => {
                    ("the signature cannot be in what is signed".to_owned(), "use it in `value`")
                }
                SignedPart::Word(SignedWord::Body) if compile.request.is_some_and(|it| !it.charset().is_utf8()) => {
                    ("the body is no UTF-8, so it is no text here".to_owned(), "sign request.body_sha256 or body_md5")
                }
                _ => continue,
            };
            compile.error("auth-canonical", &span, message, help);
            return None;
        }
    }
    Some(())
}

fn has_header(compile: &Compile<'_>, name: &str) -> bool {
    let name = http::HeaderName::from_bytes(name.as_bytes());
    // A request with mistakes of its own is not there; they are reported already.
    compile.request.is_none_or(|request| name.is_ok_and(|name| request.has_header(&name)))
}

fn signed_part(variable: &Variable) -> Option<&SignedPart> {
    match variable {
        Variable::Signed(part) => Some(part),
        _ => None,
    }
}

#[derive(Debug)]
struct HmacPlan {
    algorithm: SignatureAlgorithm,
    key: Option<Template>,
    canonical: Template,
    output: Output,
    value: Option<Template>,
    into: TargetPlan,
}

impl HmacPlan {
    fn add(&self, request: &mut Prepared, ports: &SigningPorts<'_>) -> Result<Signature, SignError> {
        let key = self.key.as_ref().map(|key| key.render(Place::Plain, ports.context, Charset::UTF_8)).transpose()?;
        let mut context = ports.context.clone();
        let parts: BTreeSet<&SignedPart> = self.canonical.variables().filter_map(signed_part).collect();
        for part in parts {
            context.signed.insert(part.clone(), part_of(request, part)?);
        }
        let text = self.canonical.render(Place::Signed, &context, Charset::UTF_8)?;
        let signature = self.output.write(&self.algorithm.sign(key.as_deref().map_or(&[], Vec::as_slice), &text)?);
        let value = self.value(signature, context)?;
        // The target encodes it.
        Ok(Signature::of(self.into.put(request, value.expose())?))
    }

    fn value(&self, signature: String, mut context: Context) -> Result<Secret, SignError> {
        let Some(value) = &self.value else { return Ok(Secret::new(signature)) };
        context.signed.insert(SignedPart::Word(SignedWord::Signature), Secret::new(signature));
        let place = if matches!(self.into, TargetPlan::Header(_)) { Place::Header } else { Place::Plain };
        let bytes = value.render(place, &context, Charset::UTF_8)?;
        let text = str::from_utf8(&bytes)
            .map_err(|_| RenderError::Unfit { what: "the `value` of `auth` is no text".to_owned() })?;
        Ok(Secret::new(text))
    }
}

/// A part of the request as it goes over the wire.
fn part_of(request: &Prepared, part: &SignedPart) -> Result<Secret, SignError> {
    let url = &request.url;
    let body = request.body.as_deref().unwrap_or_default();
    let no_text = |what: String| SignError::Render(RenderError::Unfit { what });
    Ok(match part {
        SignedPart::Header(name) => {
            let found = request.headers.iter().find(|(known, _)| known.as_str() == name);
            let (_, value) = found.ok_or_else(|| no_text(format!("the request has no header `{name}` to sign")))?;
            let text = str::from_utf8(value.as_bytes());
            Secret::new(text.map_err(|_| no_text(format!("the header `{name}` is no text to sign")))?)
        }
        SignedPart::Word(word) => match word {
            SignedWord::Method => Secret::new(request.method.as_str()),
            SignedWord::Host => Secret::new(&url[Position::BeforeHost..Position::AfterPort]),
            SignedWord::Path => Secret::new(url.path()),
            SignedWord::Query => Secret::new(url.query().unwrap_or_default()),
            SignedWord::SortedQuery => {
                let mut pairs: Vec<&str> = url.query().unwrap_or_default().split('&').collect();
                pairs.sort_unstable();
                Secret::new(pairs.join("&"))
            }
            SignedWord::Body => {
                Secret::new(str::from_utf8(body).map_err(|_| no_text("the body is no text to sign".to_owned()))?)
            }
            SignedWord::BodyMd5 => Secret::new(hex_encode(&digest(Algorithm::Md5, body))),
            SignedWord::BodySha256 => Secret::new(hex_encode(&digest(Algorithm::Sha256, body))),
            // Refused at load.
            SignedWord::Signature => return Err(no_text("the signature cannot be in what is signed".to_owned())),
        },
    })
}

impl Scheme for HmacPlan {
    fn templates(&self) -> Vec<&Template> {
        self.key.iter().chain([&self.canonical]).chain(&self.value).collect()
    }

    fn sign<'a>(&'a self, request: &'a mut Prepared, ports: &'a SigningPorts<'a>) -> Signing<'a, Signature> {
        Box::pin(std::future::ready(self.add(request, ports)))
    }
}

#[cfg(test)]
mod tests;
