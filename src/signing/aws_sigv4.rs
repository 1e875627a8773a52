//! AWS Signature Version 4, in a header (AWS General Reference, "Create a signed AWS API request").
//!
//! Signed are the method, path, query, body, the host and every header but those that proxies change.

mod canonical;

use http::HeaderName;
use http::header::{AUTHORIZATION, HOST};
use jiff::Timestamp;
use url::Position;
use zeroize::Zeroizing;

use self::canonical::{Canonical, PathRule, SignedHeaders};
use super::target::add_header;
use super::{Addition, Compile, Scheme, SchemeConfig, SignError, Signature, Signing, SigningPorts};
use crate::crypto::digest::{Algorithm, digest};
use crate::crypto::encoding::hex_encode;
use crate::crypto::hmac::hmac;
use crate::reading::Text;
use crate::reading::record::record;
use crate::request::Prepared;
use crate::secret::Secret;
use crate::template::{Charset, Place, RenderError, Template};

record! {
    /// AWS Signature Version 4.
    pub struct AwsSigv4 as "aws_sigv4" {
        /// The access key id.
        access_key: Text,
        /// The secret access key.
        secret_key: Text,
        /// The session token of temporary credentials.
        session_token: Option<Text>,
        /// The region, such as `cn-north-1`.
        region: Text,
        /// The service, such as `execute-api`.
        service: Text,
    }
}

/// The one service that signs its paths as they are sent, and wants the hash of the body in a header.
const S3: &str = "s3";

/// Headers that are not signed: proxies change them, or they are added later.
const UNSIGNED: [&str; 9] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "cookie",
    "expect",
    "transfer-encoding",
    "user-agent",
    "x-amzn-trace-id",
];

impl SchemeConfig for AwsSigv4 {
    fn compile(&self, compile: &mut Compile<'_>) -> Option<Box<dyn Scheme>> {
        let access_key = compile.template(&self.access_key, Place::ScopeWord);
        let secret_key = compile.template(&self.secret_key, Place::Plain);
        let session_token = self.session_token.as_ref().map(|text| compile.template(text, Place::Header));
        let region = compile.own_template(&self.region, Place::ScopeWord);
        let service = compile.own_template(&self.service, Place::ScopeWord);
        for name in ["x-amz-date", "x-amz-security-token", "x-amz-content-sha256"] {
            if compile.request.is_some_and(|request| request.has_header(&HeaderName::from_static(name))) {
                compile.error(
                    "auth-target",
                    compile.at,
                    format!("the request has the header `{name}` already"),
                    "`aws_sigv4` writes it",
                );
                return None;
            }
        }
        let session_token = match session_token {
            Some(token) => Some(token?),
            None => None,
        };
        Some(Box::new(Sigv4Plan {
            access_key: access_key?,
            secret_key: secret_key?,
            session_token,
            region: region?,
            service: service?,
        }))
    }
}

#[derive(Debug)]
struct Sigv4Plan {
    access_key: Template,
    secret_key: Template,
    session_token: Option<Template>,
    region: Template,
    service: Template,
}

impl Sigv4Plan {
    fn add(&self, request: &mut Prepared, ports: &SigningPorts<'_>) -> Result<Signature, SignError> {
        let text = |template: &Template, place| text(template, place, ports);
        let (access_key, region) = (text(&self.access_key, Place::ScopeWord)?, text(&self.region, Place::ScopeWord)?);
        let service = text(&self.service, Place::ScopeWord)?;
        let secret_key = self.secret_key.render(Place::Plain, ports.context, Charset::UTF_8)?;
        let time = at(ports.ambient.unix_ms())?;
        let body_hash = hex_encode(&digest(Algorithm::Sha256, request.body.as_deref().unwrap_or_default()));
        let mut added = vec![add(request, "x-amz-date", &time)?];
        if let Some(token) = &self.session_token {
            added.push(add(request, "x-amz-security-token", &text(token, Place::Header)?)?);
        }
        if service.as_str() == S3 {
            added.push(add(request, "x-amz-content-sha256", &body_hash)?);
        }
        let headers = signed_headers(request);
        let canonical = Canonical {
            method: request.method.as_str(),
            path: request.url.path(),
            query: request.url.query().unwrap_or_default(),
            headers: &headers,
            body_hash: &body_hash,
            rule: if service.as_str() == S3 { PathRule::AsSent } else { PathRule::Normalized },
        };
        let scope = format!("{}/{}/{}/aws4_request", &time[..8], region.as_str(), service.as_str());
        let signature = signature(&secret_key, &time, &scope, &canonical.request());
        let value = Zeroizing::new(format!(
            "AWS4-HMAC-SHA256 Credential={}/{scope}, SignedHeaders={}, Signature={signature}",
            access_key.as_str(),
            headers.names()
        ));
        added.push(add_header(request, AUTHORIZATION, &value)?);
        Ok(Signature { added, hidden: vec![Secret::new(signature)], ..Signature::default() })
    }
}

fn text(template: &Template, place: Place, ports: &SigningPorts<'_>) -> Result<Zeroizing<String>, SignError> {
    let bytes = template.render(place, ports.context, Charset::UTF_8)?;
    let text = str::from_utf8(&bytes);
    Ok(Zeroizing::new(
        text.map_err(|_| RenderError::Unfit { what: "a value of `auth` is no text".to_owned() })?.to_owned(),
    ))
}

fn add(request: &mut Prepared, name: &'static str, value: &str) -> Result<Addition, SignError> {
    Ok(add_header(request, HeaderName::from_static(name), value)?)
}

/// `20150830T123600Z`
fn at(unix_ms: u64) -> Result<String, SignError> {
    let time = i64::try_from(unix_ms).ok().and_then(|ms| Timestamp::from_millisecond(ms).ok());
    let time = time.ok_or_else(|| SignError::Misconfigured("the clock shows no time that can be signed".to_owned()))?;
    Ok(time.strftime("%Y%m%dT%H%M%SZ").to_string())
}

fn signed_headers(request: &Prepared) -> SignedHeaders {
    let mut headers = SignedHeaders::default();
    headers.add(HOST.as_str(), request.url[Position::BeforeHost..Position::AfterPort].as_bytes());
    for (name, value) in request.headers.iter().filter(|(name, _)| !UNSIGNED.contains(&name.as_str())) {
        headers.add(name.as_str(), value.as_bytes());
    }
    headers
}

/// Over a canonical request.
fn signature(secret_key: &[u8], time: &str, scope: &str, canonical: &[u8]) -> String {
    let hashed = hex_encode(&digest(Algorithm::Sha256, canonical));
    let text = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{hashed}");
    let mut key = Zeroizing::new([b"AWS4", secret_key].concat());
    for part in scope.split('/') {
        key = Zeroizing::new(hmac(Algorithm::Sha256, &key, part.as_bytes()));
    }
    hex_encode(&hmac(Algorithm::Sha256, &key, text.as_bytes()))
}

impl Scheme for Sigv4Plan {
    fn templates(&self) -> Vec<&Template> {
        let Self { access_key, secret_key, session_token, region, service } = self;
        [access_key, secret_key, region, service].into_iter().chain(session_token).collect()
    }

    fn sign<'a>(&'a self, request: &'a mut Prepared, ports: &'a SigningPorts<'a>) -> Signing<'a, Signature> {
        Box::pin(std::future::ready(self.add(request, ports)))
    }
}

#[cfg(test)]
mod tests;
