//! A bearer token (RFC 6750 section 2.1).

use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

use super::target::add_header;
use super::{Compile, Scheme, SchemeConfig, SignError, Signature, Signing, SigningPorts};
use crate::reading::Text;
use crate::reading::record::record;
use crate::request::Prepared;
use crate::template::{Charset, Place, RenderError, Template};

record! {
    /// A bearer token (RFC 6750).
    pub struct Bearer as "bearer" {
        /// The token.
        token: Text,
    }
}

impl SchemeConfig for Bearer {
    fn compile(&self, compile: &mut Compile<'_>) -> Option<Box<dyn Scheme>> {
        Some(Box::new(BearerPlan { token: compile.template(&self.token, Place::Header)? }))
    }
}

#[derive(Debug)]
struct BearerPlan {
    token: Template,
}

impl BearerPlan {
    fn header(&self, request: &mut Prepared, ports: &SigningPorts<'_>) -> Result<Signature, SignError> {
        let token = self.token.render(Place::Header, ports.context, Charset::UTF_8)?;
        // Only a filter such as `encode` makes other bytes, and no token has them.
        let token = str::from_utf8(&token)
            .map_err(|_| RenderError::Unfit { what: "the token of `auth` is no text".to_owned() })?;
        let value = Zeroizing::new(format!("Bearer {token}"));
        Ok(Signature::of(add_header(request, AUTHORIZATION, &value)?))
    }
}

impl Scheme for BearerPlan {
    fn templates(&self) -> Vec<&Template> {
        vec![&self.token]
    }

    fn sign<'a>(&'a self, request: &'a mut Prepared, ports: &'a SigningPorts<'a>) -> Signing<'a, Signature> {
        Box::pin(std::future::ready(self.header(request, ports)))
    }
}
