//! How a request authenticates itself towards the upstream: the stage between rendering and sending.
//!
//! A scheme is one file: the form that people write, what it compiles to, and how it signs. It gets the request as it will go
//! out, with its final method, URL, headers and body, adds to it and changes nothing that is there. What it adds is reported, so
//! that the trace shows it and the redactor hides it. A scheme keeps no user's data and logs nothing.
//!
//! # How to add a scheme
//!
//! 1. `signing/<scheme>.rs`: the written form by `record!`; [`SchemeConfig::compile`] makes the plan from it and reports every mistake
//!    through [`Compile`]; [`Scheme`] on the plan signs. `basic.rs` is the shortest example.
//! 2. One line in [`Auth`] below: the key, its description, the form. Reader, schema and compiler follow from it.
//! 3. Where the signature goes is [`target::Target`]: a header, the query, the form, the JSON or the XML body. It checks at load that the
//!    request has such a body and no field of that name, and adds the field to the bytes. Sign what [`Prepared`] holds *before* the
//!    field is added, or add the other fields (a nonce, a time) first and sign then.
//! 4. A scheme that must see a challenge first (Digest) says so by [`Signature::probe`] and answers in [`Scheme::again`]; one whose
//!    server proves itself in its reply leaves a [`ServerProof`]; one that authenticates the connection says so
//!    ([`Scheme::authenticates_connection`], NTLM); one that needs a token asks for it by `token::TokenRequest`, which keeps it in [`SigningPorts::tokens`] (of one revision of one connector), with
//!    one request in flight, and lists its request under [`Scheme::requests`], whose origins the client may then dial. Such a token is the
//!    service's own: use [`Compile::own_template`] and [`Compile::own_endpoint`], which refuse user data.
//! 5. Random values and times come from [`SigningPorts::ambient`] and `context.step`, never from elsewhere: golden cases fix both. Each call
//!    of `sign` draws anew, because another node or another try is another request.
//! 6. Tests with the official vectors beside the code; a golden case in `connectors/`; the section in the documents; the line
//!    in docs/contract.md section 7 and in docs/connectors.md; `make schema`; CHANGELOG.md.

mod assertion;
mod aws_sigv4;
mod basic;
mod bearer;
mod compile;
mod digest;
mod fields;
mod hmac;
mod jwt_bearer;
mod ntlm;
mod oauth1;
mod oauth2;
mod rsa_key;
mod signature_algorithm;
mod sorted_sign;
pub mod target;
mod token;
#[cfg(test)]
mod trial;
mod www_authenticate;

pub use assertion::JwtAlgorithm;
pub use compile::Compile;
pub use token::TokenStore;

use futures_util::future::BoxFuture;
use std::collections::BTreeSet;
use std::fmt::Debug;

use tokio::time::Instant;

use crate::clock::Ambient;
use crate::context::{Context, Variable};
use crate::reading::record::one_of;
use crate::request::{Prepared, RequestPlan};
use crate::secret::Secret;
use crate::template::{RenderError, Template};
use crate::upstream::{Exchange, Reply, SendFault};
use crate::verdict::Cause;

/// The registry: what stands under `auth` in a file, and what compiles it.
macro_rules! schemes {
    ( $( $(#[doc = $doc:literal])* $key:ident: $variant:ident($form:ty), )* ) => {
        one_of! {
            /// How a request itself is authenticated.
            pub enum Auth as "an auth" {
                $( $(#[doc = $doc])* $key: $variant($form), )*
            }
        }

        impl Auth {
            fn config(&self) -> &dyn SchemeConfig {
                match self { $( Self::$variant(form) => form, )* }
            }
        }
    };
}

schemes! {
    /// HTTP Basic (RFC 7617).
    basic: Basic(basic::Basic),
    /// HTTP Digest (RFC 7616).
    digest: Digest(digest::Digest),
    /// NTLM (MS-NLMP), NTLMv2 over a connection that serves one login.
    ntlm: Ntlm(ntlm::Ntlm),
    /// A bearer token (RFC 6750).
    bearer: Bearer(bearer::Bearer),
    /// An HMAC, a hash or an RSA signature over a text that this connector lays out.
    hmac: Hmac(hmac::Hmac),
    /// A signature over the sorted parameters, as WeChat Pay does.
    sorted_sign: SortedSign(sorted_sign::SortedSign),
    /// AWS Signature Version 4.
    aws_sigv4: AwsSigv4(aws_sigv4::AwsSigv4),
    /// OAuth 1.0a (RFC 5849).
    oauth1: Oauth1(oauth1::Oauth1),
    /// A token of the service's own by OAuth 2.0 (RFC 6749); never a user's.
    oauth2: Oauth2(oauth2::Oauth2),
    /// A token for a signed assertion (RFC 7523).
    jwt_bearer: JwtBearer(jwt_bearer::JwtBearer),
}

impl Auth {
    /// The plan; `None` after a mistake, which has been noted.
    pub fn compile(&self, compile: &mut Compile<'_>) -> Option<Box<dyn Scheme>> {
        self.config().compile(compile)
    }

    /// Whether it writes the header `Authorization`, which the file must then leave out.
    pub fn writes_authorization(&self) -> bool {
        self.config().writes_authorization()
    }
}

/// The form of a scheme that people write.
pub trait SchemeConfig {
    /// Checks it and makes the plan.
    fn compile(&self, compile: &mut Compile<'_>) -> Option<Box<dyn Scheme>>;

    /// Whether it writes the header `Authorization`.
    fn writes_authorization(&self) -> bool {
        true
    }
}

/// A compiled scheme. Immutable but for a token that it may keep.
pub trait Scheme: Debug + Send + Sync {
    /// The templates that it renders: their variables belong to the step, their user data makes the step a factor.
    fn templates(&self) -> Vec<&Template>;

    /// Whether it authenticates the connection (NTLM): then all requests of a step go over one, which serves this login alone.
    fn authenticates_connection(&self) -> bool {
        false
    }

    /// Requests that it sends by itself, for a token.
    fn requests(&self) -> Vec<&RequestPlan> {
        Vec::new()
    }

    /// Signs: adds to `request` and tells what it added.
    fn sign<'a>(&'a self, request: &'a mut Prepared, ports: &'a SigningPorts<'a>) -> Signing<'a, Signature>;

    /// Looks at the reply to a request that it signed, and signs once more when the server asks for that (a challenge, a token
    /// that is no longer good). `request` is unsigned again. `None`: the reply stands.
    fn again<'a>(
        &'a self,
        _request: &'a mut Prepared,
        _server: ServerReply<'a>,
        _ports: &'a SigningPorts<'a>,
    ) -> Signing<'a, Option<Signature>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// Every variable that it reads.
    fn variables(&self) -> BTreeSet<Variable> {
        let own = self.templates().into_iter().flat_map(Template::variables).cloned();
        own.chain(self.requests().into_iter().flat_map(RequestPlan::variables)).collect()
    }
}

/// What a scheme gives, now or when a token is there.
pub type Signing<'a, T> = BoxFuture<'a, Result<T, SignError>>;

/// What a scheme may use of the world.
pub struct SigningPorts<'a> {
    /// The variables of the login. `context.step` is drawn anew for each step.
    pub context: &'a Context,
    /// Clock and randomness.
    pub ambient: &'a dyn Ambient,
    /// The upstream, for tokens.
    pub exchange: &'a dyn Exchange,
    /// When the login ends.
    pub deadline: Instant,
    /// The tokens that serve all logins of this connector, or this login alone.
    pub tokens: &'a TokenStore,
}

/// A reply to a request that a scheme signed.
#[derive(Clone, Copy)]
pub struct ServerReply<'a> {
    /// The reply.
    pub reply: &'a Reply,
    /// Whether the request was a probe (see [`Signature::probe`]): the reply then says nothing of any credential.
    pub probe: bool,
    /// How often the scheme has signed this request again so far.
    pub rounds: u32,
    /// Whether the request may be written once more although the server has read it: it carries no user's credential and sends
    /// no code.
    pub repeatable: bool,
    /// The hash of the server's certificate (tls-server-end-point, RFC 5929), of a connection that the scheme authenticates.
    pub end_point: Option<&'a [u8]>,
}

/// A probe whose reply asks for nothing: the server has seen no credential, so the reply says nothing of any.
fn unasked(status: u16, scheme: &str) -> SignError {
    let cause = if status >= 500 { Cause::UpstreamError } else { Cause::UnexpectedReply };
    let what = format!(
        "the server answered HTTP {status} before it was given a credential: it asked for no {scheme}, so this says nothing"
    );
    SignError::Unavailable(cause, what)
}

/// What a scheme added to a request.
#[derive(Debug, Default)]
pub struct Signature {
    /// In the order of the request.
    pub added: Vec<Addition>,
    /// Whether this request only asks for a challenge, with nothing computed from the scheme's credentials in it. A scheme that
    /// probes must refuse at load what would carry the user's credential besides.
    pub probe: bool,
    /// Whether it answers what the server said on this connection, so that no other one will do.
    pub continues: bool,
    /// What was computed from a credential and stands within what was added.
    pub hidden: Vec<Secret>,
    /// What the reply must prove, where the scheme authenticates the server, too.
    pub proof: Option<Box<dyn ServerProof>>,
}

impl Signature {
    /// Of a first request that only asks for a challenge. `fits`: what the answer to it will carry, where that can be carried; else
    /// nothing is sent at all.
    fn probe_if<T>(fits: Result<T, RenderError>) -> Result<Self, SignError> {
        fits?;
        Ok(Self { probe: true, ..Self::default() })
    }
}

/// What the reply to one signed request must prove of the server, for the reply to be judged.
pub trait ServerProof: Debug + Send + Sync {
    /// `reply` stands: it is not answered by another signature.
    fn check(&self, reply: &Reply) -> Result<(), SignError>;
}

impl Signature {
    /// With one addition.
    pub fn of(added: Addition) -> Self {
        Self { added: vec![added], ..Self::default() }
    }
}

/// One field that a scheme added.
#[derive(Debug)]
pub struct Addition {
    /// `header`, `query`, `form`, `json` or `xml`.
    pub place: &'static str,
    /// Its name.
    pub name: String,
    /// Its value before the encoding of its place.
    pub value: Secret,
}

impl Addition {
    /// What of it must not be seen: of a header like `Basic …` what follows the name of the scheme.
    pub fn credentials(&self) -> &str {
        // Looked for, to be hidden.
        let value = self.value.expose();
        match value.split_once(' ') {
            Some((_, credentials)) if self.place == "header" => credentials,
            _ => value,
        }
    }
}

/// Why a request could not be signed. Names no value.
#[derive(Debug, thiserror::Error)]
pub enum SignError {
    /// A template of the scheme.
    #[error(transparent)]
    Render(#[from] RenderError),
    /// The server that gives tokens.
    #[error("{1}")]
    Unavailable(Cause, String),
    /// The connector: a key that is none, a token request that is refused.
    #[error("{0}")]
    Misconfigured(String),
}

impl From<SendFault> for SignError {
    fn from(fault: SendFault) -> Self {
        Self::Unavailable(fault.cause, fault.explain)
    }
}
