//! HTTP Basic (RFC 7617).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

use super::target::add_header;
use super::{Compile, Scheme, SchemeConfig, SignError, Signature, Signing, SigningPorts};
use crate::reading::Text;
use crate::reading::record::record;
use crate::request::Prepared;
use crate::template::{Charset, Place, Template};

record! {
    /// HTTP Basic (RFC 7617).
    pub struct Basic as "basic" {
        /// The user name; no colon.
        username: Text,
        /// The password.
        password: Text,
        /// The charset of both; utf-8 when left out.
        charset: Option<Text>,
    }
}

impl SchemeConfig for Basic {
    fn compile(&self, compile: &mut Compile<'_>) -> Option<Box<dyn Scheme>> {
        let username = compile.template(&self.username, Place::BasicUser);
        let password = compile.template(&self.password, Place::BasicPassword);
        let charset = compile.charset(self.charset.as_ref());
        Some(Box::new(BasicPlan { username: username?, password: password?, charset: charset? }))
    }
}

#[derive(Debug)]
struct BasicPlan {
    /// No colon may come into it.
    username: Template,
    password: Template,
    /// UTF-8 unless the server is older than RFC 7617.
    charset: Charset,
}

impl BasicPlan {
    fn header(&self, request: &mut Prepared, ports: &SigningPorts<'_>) -> Result<Signature, SignError> {
        let mut pair = self.username.render(Place::BasicUser, ports.context, self.charset)?;
        pair.push(b':');
        // In full at once: a buffer that grows leaves a copy of the password behind.
        let password = self.password.render(Place::BasicPassword, ports.context, self.charset)?;
        let pair = Zeroizing::new([pair.as_slice(), &password].concat());
        let value = Zeroizing::new(format!("Basic {}", STANDARD.encode(&*pair)));
        Ok(Signature::of(add_header(request, AUTHORIZATION, &value)?))
    }
}

impl Scheme for BasicPlan {
    fn templates(&self) -> Vec<&Template> {
        vec![&self.username, &self.password]
    }

    fn sign<'a>(&'a self, request: &'a mut Prepared, ports: &'a SigningPorts<'a>) -> Signing<'a, Signature> {
        Box::pin(std::future::ready(self.header(request, ports)))
    }
}
