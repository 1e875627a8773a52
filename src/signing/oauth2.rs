//! A token of the service's own by OAuth 2.0: client credentials (RFC 6749 section 4.4) or a refresh token (section 6).
//!
//! The token is nobody's: user data here is a load error. It is kept (`token`), and asked for again before it expires, and once when
//! a helper's request is refused with 401.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::assertion::{AssertionSigner, Claims, JwtAlgorithm};
use super::token::{Fields, TokenRequest, TokenScheme};
use super::{Compile, Scheme, SchemeConfig, ServerReply, SignError, Signature, Signing, SigningPorts, token};
use crate::reading::record::{record, words};
use crate::reading::{Spanned, Text};
use crate::request::{Prepared, RequestPlan};
use crate::secret::Secret;
use crate::template::{Charset, Place, RenderError, Template};

record! {
    /// A token of the service's own by OAuth 2.0 (RFC 6749), cached, refreshed before it expires.
    pub struct Oauth2 as "oauth2" {
        /// The token endpoint.
        token_url: Text,
        /// `client_credentials` (when left out) or `refresh`.
        grant: Option<Spanned<Grant>>,
        /// The client's identifier.
        client_id: Text,
        /// The client's secret.
        client_secret: Option<Text>,
        /// How the client proves itself; basic when left out.
        client_auth: Option<Spanned<ClientAuth>>,
        /// With `grant: refresh`: the refresh token.
        refresh_token: Option<Text>,
        /// With `client_auth: private_key_jwt`: the private key, PEM.
        private_key: Option<Text>,
        /// With `client_auth: private_key_jwt`: the key's identifier, for the header of the assertion.
        key_id: Option<Text>,
        /// With an assertion: its claim `aud`; the token endpoint when left out. Some servers want their issuer.
        assertion_audience: Option<Text>,
        /// The scope asked for.
        scope: Option<Text>,
        /// The audience asked for.
        audience: Option<Text>,
    }
}

words! {
    /// A grant of OAuth 2.0.
    pub enum Grant as "a grant" {
        /// RFC 6749 section 4.4
        ClientCredentials = "client_credentials",
        /// RFC 6749 section 6
        Refresh = "refresh",
    }
}

words! {
    /// How a client proves itself to a token endpoint.
    pub enum ClientAuth as "a client authentication" {
        /// HTTP Basic, form-urlencoded as RFC 6749 section 2.3.1 says.
        Basic = "basic",
        /// HTTP Basic as many servers want it.
        BasicRaw = "basic_raw",
        /// In the form.
        Form = "form",
        /// RFC 7523 with the client's secret.
        ClientSecretJwt = "client_secret_jwt",
        /// RFC 7523 with a private key.
        PrivateKeyJwt = "private_key_jwt",
    }
}

/// RFC 7523 section 2.2
const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Seconds that a client's assertion lives: for one request.
const ASSERTION_LIFE: u64 = 60;

impl SchemeConfig for Oauth2 {
    fn compile(&self, compile: &mut Compile<'_>) -> Option<Box<dyn Scheme>> {
        let token_url = compile.own_endpoint(&self.token_url);
        let client_id = compile.own_template(&self.client_id, Place::Plain);
        let auth = self.client_auth.as_ref().map_or(ClientAuth::Basic, |auth| auth.value);
        let key = self.key(auth, compile);
        let fits = self.refresh_token_fits(compile);
        let mut optional = |text: &Option<Text>| text.as_ref().map(|text| compile.own_template(text, Place::Plain));
        let (key_id, scope, audience) = (optional(&self.key_id), optional(&self.scope), optional(&self.audience));
        let (assertion_audience, refresh_token) = (optional(&self.assertion_audience), optional(&self.refresh_token));
        if !fits {
            return None;
        }
        let algorithm = if auth == ClientAuth::PrivateKeyJwt { JwtAlgorithm::Rs256 } else { JwtAlgorithm::Hs256 };
        Some(Box::new(Oauth2Plan {
            token_url: token_url?,
            client_id: client_id?,
            auth,
            key: key?,
            signer: AssertionSigner::new(algorithm),
            refresh_token: refresh_token.map_or(Some(None), |it| it.map(Some))?,
            key_id: key_id.map_or(Some(None), |it| it.map(Some))?,
            assertion_audience: assertion_audience.map_or(Some(None), |it| it.map(Some))?,
            scope: scope.map_or(Some(None), |it| it.map(Some))?,
            audience: audience.map_or(Some(None), |it| it.map(Some))?,
        }))
    }
}

impl Oauth2 {
    /// What the client proves itself with: its secret or its private key.
    fn key(&self, auth: ClientAuth, compile: &mut Compile<'_>) -> Option<Template> {
        let (wanted, other, help) = if auth == ClientAuth::PrivateKeyJwt {
            (&self.private_key, &self.client_secret, "private_key_jwt takes a `private_key` and no `client_secret`")
        } else {
            (
                &self.client_secret,
                &self.private_key,
                "this way takes a `client_secret`; a `private_key` is for private_key_jwt",
            )
        };
        if let (Some(wanted), None) = (wanted, other) {
            return compile.own_template(wanted, Place::Plain);
        }
        let span = self.client_auth.as_ref().map_or(&self.client_id.span, |auth| &auth.span);
        compile.error("auth-key", span, "what the client proves itself with does not fit `client_auth`", help);
        None
    }

    /// With `grant: refresh` there is one, and otherwise none.
    fn refresh_token_fits(&self, compile: &mut Compile<'_>) -> bool {
        let refresh = self.grant.as_ref().filter(|grant| grant.value == Grant::Refresh);
        let (span, message, help) = match (refresh, &self.refresh_token) {
            (Some(_), Some(_)) | (None, None) => return true,
            (Some(grant), None) => {
                (&grant.span, "a refresh needs a `refresh_token`", "write refresh_token: \"{{secret.…}}\"")
            }
            (None, Some(text)) => {
                (&text.span, "a `refresh_token` is for `grant: refresh`", "write grant: refresh, or leave it out")
            }
        };
        compile.error("auth-key", span, message, help);
        false
    }
}

#[derive(Debug)]
struct Oauth2Plan {
    token_url: RequestPlan,
    client_id: Template,
    auth: ClientAuth,
    /// The client's secret, or its private key.
    key: Template,
    signer: AssertionSigner,
    refresh_token: Option<Template>,
    key_id: Option<Template>,
    assertion_audience: Option<Template>,
    scope: Option<Template>,
    audience: Option<Template>,
}

/// A text that a token request is made of.
pub(super) fn own_text(template: &Template, ports: &SigningPorts<'_>) -> Result<Zeroizing<String>, SignError> {
    let bytes = template.render(Place::Plain, ports.context, Charset::UTF_8)?;
    let text =
        str::from_utf8(&bytes).map_err(|_| RenderError::Unfit { what: "a value of `auth` is no text".to_owned() })?;
    Ok(Zeroizing::new(text.to_owned()))
}

impl TokenScheme for Oauth2Plan {
    fn token_request(&self, ports: &SigningPorts<'_>) -> Result<TokenRequest, SignError> {
        let mut request = TokenRequest::to(&self.token_url, ports)?;
        let (id, key) = (own_text(&self.client_id, ports)?, own_text(&self.key, ports)?);
        let grant = if self.refresh_token.is_some() { "refresh_token" } else { "client_credentials" };
        request.fields.push(("grant_type", Zeroizing::new(grant.to_owned())));
        for (name, template) in [("scope", &self.scope), ("audience", &self.audience)] {
            if let Some(template) = template {
                request.fields.push((name, own_text(template, ports)?));
            }
        }
        let basic = |id: &str, key: &str| {
            Zeroizing::new(format!("Basic {}", STANDARD.encode(Zeroizing::new(format!("{id}:{key}")).as_bytes())))
        };
        match self.auth {
            ClientAuth::Basic => request.authorization = Some(basic(&form_encoded(&id), &form_encoded(&key))),
            ClientAuth::BasicRaw => request.authorization = Some(basic(&id, &key)),
            ClientAuth::Form => request.fields.extend([("client_id", id), ("client_secret", key)]),
            ClientAuth::ClientSecretJwt | ClientAuth::PrivateKeyJwt => {
                request
                    .fields
                    .extend([("client_id", id), ("client_assertion_type", Zeroizing::new(ASSERTION_TYPE.to_owned()))]);
                request.also.push(Zeroizing::new(key.as_bytes().to_vec()));
            }
        }
        if let Some(template) = &self.refresh_token {
            request.also.push(Zeroizing::new(own_text(template, ports)?.as_bytes().to_vec()));
        }
        if let Some(template) = &self.assertion_audience {
            request.also.push(Zeroizing::new(own_text(template, ports)?.as_bytes().to_vec()));
        }
        Ok(request)
    }

    fn fresh_fields(&self, newest: Option<&Secret>, ports: &SigningPorts<'_>) -> Result<Fields, SignError> {
        let mut fields = Fields::new();
        if let Some(template) = &self.refresh_token {
            let token = match newest {
                // A server that gives a new refresh token takes the old one back (RFC 9700 section 4.14).
                Some(newest) => Zeroizing::new(newest.expose().to_owned()),
                None => own_text(template, ports)?,
            };
            fields.push(("refresh_token", token));
        }
        if matches!(self.auth, ClientAuth::ClientSecretJwt | ClientAuth::PrivateKeyJwt) {
            let (id, key) = (own_text(&self.client_id, ports)?, own_text(&self.key, ports)?);
            let audience = match &self.assertion_audience {
                Some(template) => own_text(template, ports)?.as_str().to_owned(),
                None => self.token_url.render(ports.context, None)?.url.to_string(),
            };
            let key_id = self.key_id.as_ref().map(|template| own_text(template, ports)).transpose()?;
            let claims = Claims {
                issuer: &id,
                subject: &id,
                audience: &[audience],
                lives: ASSERTION_LIFE,
                more: &serde_json::Map::new(),
            };
            let key_id = key_id.as_ref().map(|it| it.as_str());
            fields.push(("client_assertion", self.signer.sign(key.as_bytes(), key_id, &claims, ports.ambient)?));
        }
        Ok(fields)
    }
}

/// application/x-www-form-urlencoded (RFC 6749 appendix B).
fn form_encoded(text: &str) -> Zeroizing<String> {
    Zeroizing::new(url::form_urlencoded::byte_serialize(text.as_bytes()).collect())
}

impl Scheme for Oauth2Plan {
    fn templates(&self) -> Vec<&Template> {
        let Self { client_id, key, refresh_token, key_id, assertion_audience, scope, audience, .. } = self;
        [client_id, key]
            .into_iter()
            .chain(refresh_token)
            .chain(key_id)
            .chain(assertion_audience)
            .chain(scope)
            .chain(audience)
            .collect()
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
pub(super) mod tests;
