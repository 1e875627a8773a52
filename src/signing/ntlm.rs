//! NTLM over HTTP (MS-NLMP, MS-NTHT): NTLMv2 alone.
//!
//! Three requests over one connection. The first carries nothing of NTLM and brings the list of schemes; the second carries the
//! message NEGOTIATE and brings the server's challenge; the third carries the answer. What an NTLM server authenticates is the connection, so it
//! belongs to this login alone and is closed with it (`upstream::OwnConnection`). A server that asks for nothing has seen no
//! credential, so its reply is never judged.

mod av_pairs;
mod messages;
mod response;
mod unusable;

use http::header::AUTHORIZATION;
use zeroize::Zeroizing;

use self::messages::{Authenticate, Challenge, NEGOTIATE_MESSAGE};
use self::response::{Account, Drawn};
use self::unusable::Unusable;
use super::target::add_header;
use super::www_authenticate::{self, challenges};
use super::{Compile, Scheme, SchemeConfig, ServerReply, SignError, Signature, Signing, SigningPorts, unasked};
use crate::crypto::encoding::{base64_decode, base64_encode};
use crate::reading::Text;
use crate::reading::record::record;
use crate::request::Prepared;
use crate::template::{Charset, Place, RenderError, Template};
use crate::verdict::Cause;

record! {
    /// NTLM (MS-NLMP): NTLMv2, over a connection that serves one login.
    pub struct Ntlm as "ntlm" {
        /// The user name: `zhangsan`, or `zhangsan@corp.example.com` without a domain.
        username: Text,
        /// The password.
        password: Text,
        /// The domain; when left out, what stands before the backslash in a name such as `CORP\zhangsan`, else none.
        domain: Option<Text>,
        /// The name of the client that the server's log shows; none when left out.
        workstation: Option<Text>,
    }
}

impl SchemeConfig for Ntlm {
    fn compile(&self, compile: &mut Compile<'_>) -> Option<Box<dyn Scheme>> {
        let username = compile.template(&self.username, Place::Plain);
        let password = compile.template(&self.password, Place::Plain);
        let mut optional = |text: &Option<Text>| text.as_ref().map(|text| compile.template(text, Place::Plain));
        let (domain, workstation) = (optional(&self.domain), optional(&self.workstation));
        let beside = compile.credential_in_request();
        if let Some(variable) = &beside {
            let message = format!(
                "`{variable}` stands in the request, which goes out before the server is asked for its challenge"
            );
            compile.error("auth-probe", compile.at, message, "leave the password to `auth`");
        }
        let plan = NtlmPlan {
            username: username?,
            password: password?,
            domain: domain.map_or(Some(None), |it| it.map(Some))?,
            workstation: workstation.map_or(Some(None), |it| it.map(Some))?,
        };
        beside.is_none().then(|| Box::new(plan) as Box<dyn Scheme>)
    }
}

#[derive(Debug)]
struct NtlmPlan {
    username: Template,
    password: Template,
    domain: Option<Template>,
    workstation: Option<Template>,
}

/// The names of the schemes that carry an NTLM message, the better one first: behind `Negotiate` a server may want Kerberos alone.
const CARRIERS: [&str; 2] = ["NTLM", "Negotiate"];

impl NtlmPlan {
    fn account(&self, ports: &SigningPorts<'_>) -> Result<Account, RenderError> {
        let text = |template: &Template| {
            let bytes = template.render(Place::Plain, ports.context, Charset::UTF_8)?;
            match str::from_utf8(&bytes) {
                Ok(text) => Ok(Zeroizing::new(text.to_owned())),
                Err(_) => Err(RenderError::Unfit { what: "a value of `auth` is no text".to_owned() }),
            }
        };
        let (mut username, password) = (text(&self.username)?, text(&self.password)?);
        let mut domain = self.domain.as_ref().map(text).transpose()?;
        if domain.is_none()
            && let Some((before, after)) = username.split_once('\\')
        {
            (domain, username) = (Some(Zeroizing::new(before.to_owned())), Zeroizing::new(after.to_owned()));
        }
        // Without a name it would be the login of an anonymous user, which servers may let in.
        if username.is_empty() {
            return Err(RenderError::FromUser { what: "there is no user name for NTLM".to_owned() });
        }
        let workstation = self.workstation.as_ref().map(text).transpose()?;
        Account::new(
            &username,
            &password,
            domain.as_ref().map_or("", |it| it),
            workstation.as_ref().map_or("", |it| it),
        )
        .ok_or_else(|| RenderError::FromUser {
            what: "a name or the password is longer than NTLM can carry".to_owned(),
        })
    }

    fn answer(
        &self,
        request: &mut Prepared,
        server: ServerReply<'_>,
        ports: &SigningPorts<'_>,
    ) -> Result<Option<Signature>, SignError> {
        match (server.probe, server.rounds) {
            (true, 0) => negotiate(request, server).map(Some),
            (true, _) => self.authenticate(request, server, ports).map(Some),
            // The answer was given; a 401 says that it was wrong.
            (false, _) => Ok(None),
        }
    }

    fn authenticate(
        &self,
        request: &mut Prepared,
        server: ServerReply<'_>,
        ports: &SigningPorts<'_>,
    ) -> Result<Signature, SignError> {
        if server.reply.status != 401 {
            return Err(unasked(server.reply.status, "NTLM"));
        }
        let found = challenges(&server.reply.headers);
        let with_token = |name: &&str| found.named(name).and_then(|it| Some((it.scheme.clone(), it.token.clone()?)));
        let Some((carrier, token)) = CARRIERS.iter().find_map(with_token) else {
            let why = "the server took no notice of the NTLM message NEGOTIATE: its 401 has no challenge. A proxy in between that \
                       shares connections breaks NTLM";
            return Err(unexpected(why));
        };
        let challenge_message = base64_decode(&token).map_err(|_| unusable(Unusable::Base64))?;
        let challenge = Challenge::parse(&challenge_message).map_err(unusable)?;
        let mut client_challenge = [0; 8];
        ports.ambient.fill(&mut client_challenge);
        let drawn = Drawn { client_challenge, unix_ms: ports.ambient.unix_ms() };
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let account = self.account(ports)?;
        let answer =
            Authenticate { challenge: &challenge, account: &account, host: &host, end_point: server.end_point };
        let message = answer.message(&drawn, &challenge_message);
        let value = Zeroizing::new(format!("{carrier} {}", base64_encode(&message)));
        let added = add_header(request, AUTHORIZATION, &value)?;
        Ok(Signature { continues: true, ..Signature::of(added) })
    }
}

/// The second request, after the server has named its schemes.
fn negotiate(request: &mut Prepared, server: ServerReply<'_>) -> Result<Signature, SignError> {
    if server.reply.status != 401 {
        return Err(unasked(server.reply.status, "NTLM"));
    }
    let found = challenges(&server.reply.headers);
    let Some(carrier) = CARRIERS.iter().find_map(|name| found.named(name)) else {
        return Err(unexpected(&no_carrier(&found)));
    };
    let added =
        add_header(request, AUTHORIZATION, &format!("{} {}", carrier.scheme, base64_encode(&NEGOTIATE_MESSAGE)))?;
    Ok(Signature { probe: true, ..Signature::of(added) })
}

fn no_carrier(found: &www_authenticate::Challenges) -> String {
    match (&found.malformed, found.schemes().as_slice()) {
        (Some(why), []) => format!("the server's 401 has a WWW-Authenticate that cannot be read: {why}"),
        (None, []) => "the server's 401 has no WWW-Authenticate that says how".to_owned(),
        (_, names) => format!("the server asks for {}, not for NTLM: see request.auth", names.join(", ")),
    }
}

fn unusable(why: Unusable) -> SignError {
    unexpected(&format!("the server's NTLM challenge cannot be answered: {why}"))
}

fn unexpected(what: &str) -> SignError {
    SignError::Unavailable(Cause::UnexpectedReply, what.to_owned())
}

impl Scheme for NtlmPlan {
    fn templates(&self) -> Vec<&Template> {
        [&self.username, &self.password].into_iter().chain(&self.domain).chain(&self.workstation).collect()
    }

    fn authenticates_connection(&self) -> bool {
        true
    }

    fn sign<'a>(&'a self, _: &'a mut Prepared, ports: &'a SigningPorts<'a>) -> Signing<'a, Signature> {
        Box::pin(std::future::ready(Signature::probe_if(self.account(ports))))
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
