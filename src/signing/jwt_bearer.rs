//! A token for an assertion that this service signs (RFC 7523 section 2.1), kept like those of `oauth2`.

use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::assertion::{AssertionSigner, Claims, JwtAlgorithm};
use super::oauth2::own_text;
use super::token::{Fields, TokenRequest, TokenScheme};
use super::{Compile, Scheme, SchemeConfig, ServerReply, SignError, Signature, Signing, SigningPorts, token};
use crate::document::to_json;
use crate::reading::record::record;
use crate::reading::{Dict, OneOrMany, Spanned, Text, TimeSpan, Tree};
use crate::request::{Prepared, RequestPlan};
use crate::secret::Secret;
use crate::template::{Place, Template};

record! {
    /// A token for a signed assertion (RFC 7523 section 2.1), cached like those of `oauth2`.
    pub struct JwtBearer as "jwt_bearer" {
        /// The token endpoint.
        token_url: Text,
        /// The private key, PEM, or the shared secret with HS256.
        key: Text,
        /// RS256 PS256 ES256 EdDSA HS256; RS256 when left out.
        algorithm: Option<Spanned<JwtAlgorithm>>,
        /// The key's identifier, for the header.
        key_id: Option<Text>,
        /// The claim `iss`.
        issuer: Text,
        /// The claim `sub`; the issuer when left out.
        subject: Option<Text>,
        /// The claim `aud`; the token endpoint when left out.
        audience: Option<OneOrMany<Text>>,
        /// How long the assertion lives; 5m when left out.
        expires_in: Option<Spanned<TimeSpan>>,
        /// Further claims, without holes.
        claims: Dict<Tree>,
        /// The scope asked for.
        scope: Option<Text>,
    }
}

const GRANT: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Servers take five minutes and seldom more than an hour (Google).
const USUAL_LIFE: u64 = 300;
const LONGEST_LIFE: u64 = 3600;

/// Claims that the scheme makes itself.
const OWN: [&str; 6] = ["iss", "sub", "aud", "jti", "iat", "exp"];

impl SchemeConfig for JwtBearer {
    fn compile(&self, compile: &mut Compile<'_>) -> Option<Box<dyn Scheme>> {
        let token_url = compile.own_endpoint(&self.token_url);
        let key = compile.own_template(&self.key, Place::Plain);
        let issuer = compile.own_template(&self.issuer, Place::Plain);
        let mut audience = Vec::new();
        for text in self.audience.iter().flat_map(|all| all.iter()) {
            audience.push(compile.own_template(text, Place::Plain)?);
        }
        let mut optional = |text: &Option<Text>| text.as_ref().map(|text| compile.own_template(text, Place::Plain));
        let (key_id, subject, scope) = (optional(&self.key_id), optional(&self.subject), optional(&self.scope));
        let lives = self.lives(compile);
        let claims = self.claims(compile);
        Some(Box::new(JwtBearerPlan {
            token_url: token_url?,
            key: key?,
            signer: AssertionSigner::new(self.algorithm.as_ref().map_or(JwtAlgorithm::Rs256, |it| it.value)),
            issuer: issuer?,
            audience,
            key_id: key_id.map_or(Some(None), |it| it.map(Some))?,
            subject: subject.map_or(Some(None), |it| it.map(Some))?,
            scope: scope.map_or(Some(None), |it| it.map(Some))?,
            lives: lives?,
            claims: claims?,
        }))
    }
}

impl JwtBearer {
    fn lives(&self, compile: &mut Compile<'_>) -> Option<u64> {
        let Some(written) = &self.expires_in else { return Some(USUAL_LIFE) };
        let seconds = written.value.0.as_secs();
        if (1..=LONGEST_LIFE).contains(&seconds) {
            return Some(seconds);
        }
        compile.error("out-of-range", &written.span, "an assertion lives from 1s to 1h", "5m is usual");
        None
    }

    fn claims(&self, compile: &mut Compile<'_>) -> Option<Map<String, Value>> {
        let mut claims = Map::new();
        for (name, tree) in self.claims.iter() {
            let text = to_json(&tree.to_value());
            let refused = if OWN.contains(&name.value.as_str()) {
                Some(("this claim has a key of its own, or is made for each assertion", "leave it out here"))
            } else if text.contains("{{") {
                Some(("further claims have no holes", "write the value out"))
            } else {
                None
            };
            if let Some((message, help)) = refused {
                compile.error("auth-value", &name.span, message, help);
                return None;
            }
            // Written by `to_json`, so it is read.
            claims.insert(name.value.clone(), serde_json::from_str(&text).unwrap_or_default());
        }
        Some(claims)
    }
}

#[derive(Debug)]
struct JwtBearerPlan {
    token_url: RequestPlan,
    key: Template,
    signer: AssertionSigner,
    issuer: Template,
    audience: Vec<Template>,
    key_id: Option<Template>,
    subject: Option<Template>,
    scope: Option<Template>,
    /// Seconds.
    lives: u64,
    claims: Map<String, Value>,
}

impl TokenScheme for JwtBearerPlan {
    fn token_request(&self, ports: &SigningPorts<'_>) -> Result<TokenRequest, SignError> {
        let mut request = TokenRequest::to(&self.token_url, ports)?;
        request.fields.push(("grant_type", Zeroizing::new(GRANT.to_owned())));
        if let Some(scope) = &self.scope {
            request.fields.push(("scope", own_text(scope, ports)?));
        }
        for template in [Some(&self.key), Some(&self.issuer), self.subject.as_ref(), self.key_id.as_ref()]
            .into_iter()
            .flatten()
            .chain(&self.audience)
        {
            request.also.push(Zeroizing::new(own_text(template, ports)?.as_bytes().to_vec()));
        }
        request.also.push(Zeroizing::new(Value::Object(self.claims.clone()).to_string().into_bytes()));
        Ok(request)
    }

    fn fresh_fields(&self, _: Option<&Secret>, ports: &SigningPorts<'_>) -> Result<Fields, SignError> {
        Ok(vec![("assertion", self.assertion(ports)?)])
    }
}

impl JwtBearerPlan {
    fn assertion(&self, ports: &SigningPorts<'_>) -> Result<Zeroizing<String>, SignError> {
        let issuer = own_text(&self.issuer, ports)?;
        let subject = self.subject.as_ref().map(|template| own_text(template, ports)).transpose()?;
        let key_id = self.key_id.as_ref().map(|template| own_text(template, ports)).transpose()?;
        let mut audience = Vec::new();
        for template in &self.audience {
            audience.push(own_text(template, ports)?.as_str().to_owned());
        }
        if audience.is_empty() {
            audience.push(self.token_url.render(ports.context, None)?.url.to_string());
        }
        let claims = Claims {
            issuer: &issuer,
            subject: subject.as_ref().unwrap_or(&issuer),
            audience: &audience,
            lives: self.lives,
            more: &self.claims,
        };
        let key = own_text(&self.key, ports)?;
        self.signer.sign(key.as_bytes(), key_id.as_ref().map(|it| it.as_str()), &claims, ports.ambient)
    }
}

impl Scheme for JwtBearerPlan {
    fn templates(&self) -> Vec<&Template> {
        let Self { key, issuer, key_id, subject, scope, audience, .. } = self;
        [key, issuer].into_iter().chain(key_id).chain(subject).chain(scope).chain(audience).collect()
    }

    fn requests(&self) -> Vec<&RequestPlan> {
        vec![&self.token_url]
    }

    fn sign<'a>(&'a self, request: &'a mut Prepared, ports: &'a SigningPorts<'a>) -> Signing<'a, Signature> {
        Box::pin(token::sign(self, request, ports))
    }

    fn again<'a>(
        &'a self,
        request: &'a mut Prepared,
        server: ServerReply<'a>,
        ports: &'a SigningPorts<'a>,
    ) -> Signing<'a, Option<Signature>> {
        Box::pin(token::sign_again(self, request, server, ports))
    }
}

#[cfg(test)]
mod tests;
