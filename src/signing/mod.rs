//! How a request authenticates itself towards the upstream: a stage between rendering and sending.
//!
//! It adds to a prepared request and changes nothing that is there. Schemes that compute over the whole request
//! (digest, hmac, AWS, OAuth) will be siblings of `basic`.

use std::collections::BTreeSet;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::AUTHORIZATION;

use crate::context::{Context, Variable};
use crate::request::Prepared;
use crate::template::{Charset, Place, RenderError, Template};

/// A compiled `request.auth`.
#[derive(Debug)]
pub enum AuthPlan {
    /// HTTP Basic (RFC 7617).
    Basic {
        /// The user name; no colon may come into it.
        username: Template,
        /// The password.
        password: Template,
        /// The charset of both; UTF-8 unless the server is older than RFC 7617.
        charset: Charset,
    },
    /// A bearer token (RFC 6750 section 2.1).
    Bearer {
        /// The token.
        token: Template,
    },
}

impl AuthPlan {
    /// Every variable that it reads.
    pub fn variables(&self) -> BTreeSet<Variable> {
        let templates = match self {
            Self::Basic { username, password, .. } => vec![username, password],
            Self::Bearer { token } => vec![token],
        };
        templates.into_iter().flat_map(Template::variables).cloned().collect()
    }

    /// Adds the header.
    pub fn sign(&self, request: &mut Prepared, context: &Context) -> Result<(), RenderError> {
        let value = match self {
            Self::Basic { username, password, charset } => {
                let mut pair = username.render(Place::BasicUser, context, *charset)?;
                pair.push(b':');
                pair.extend_from_slice(&password.render(Place::BasicPassword, context, *charset)?);
                format!("Basic {}", STANDARD.encode(&*pair)).into_bytes()
            }
            Self::Bearer { token } => {
                let token = token.render(Place::Header, context, Charset::UTF_8)?;
                [b"Bearer ".as_slice(), &token].concat()
            }
        };
        let unfit = |_| RenderError::Unfit { what: "the credentials of `auth` do not fit into a header".to_owned() };
        let mut value = HeaderValue::try_from(value).map_err(unfit)?;
        value.set_sensitive(true);
        request.headers.push((AUTHORIZATION, value));
        Ok(())
    }
}
