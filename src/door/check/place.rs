//! Where a console asks, who it is, and where the values stand.

use std::collections::BTreeSet;

use http::{HeaderName, Method};

use super::Check;
use crate::document::Path;
use crate::door::network::Network;
use crate::door::plan::{AskedAt, LoginSources};
use crate::door::raw::source::{AddressForm, BasicHalf, RawPart, RawRequestSource};
use crate::door::raw::{AskBody, AskMethod, RawAt};
use crate::door::source::{RequestPart, RequestSource};
use crate::reading::Text;

/// The daemon's own pages; nothing of a door stands there or below.
const OWN: [&str; 6] = ["/v1", "/healthz", "/readyz", "/metrics", "/openapi.json", "/.doorward"];

impl Check<'_> {
    pub(super) fn at(&mut self, raw: &RawAt) -> Option<AskedAt> {
        let path = &raw.path.text;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/-_.~".contains(&byte);
        let segments = || path.split('/').skip(1);
        let odd = |segment: &str| segment.is_empty() || segment == "." || segment == "..";
        if !path.starts_with('/') || !path.bytes().all(plain) || segments().any(odd) {
            let message = format!("`{path}` cannot be the path of a door");
            let help = "write /door/name: letters, digits, - _ . ~ between single slashes, as it stands in the request";
            self.wrong("door-path", &raw.path.span, message, help);
            return None;
        }
        let is_own = |own: &&str| path.strip_prefix(*own).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if let Some(own) = OWN.iter().find(|own| is_own(own)) {
            self.wrong("door-path", &raw.path.span, format!("`{own}` is the daemon's own"), "write /door/name");
        }
        let any = raw.any_method.unwrap_or(false);
        if let (true, Some(method)) = (any, &raw.method) {
            let help = "keep one of `method` and `any_method`";
            self.wrong("door-path", &method.span, "a door takes one method or any", help);
        }
        let body = raw.body.as_ref().map_or(AskBody::None, |body| body.value);
        let method = match raw.method.as_ref().map(|method| method.value) {
            None | Some(AskMethod::Get) => Method::GET,
            Some(AskMethod::Post) => Method::POST,
            Some(AskMethod::Put) => Method::PUT,
            Some(AskMethod::Head) => Method::HEAD,
        };
        if let (false, Some(body)) = (any || matches!(method, Method::POST | Method::PUT), &raw.body)
            && body.value != AskBody::None
        {
            let help = "write method: POST";
            self.wrong("door-path", &body.span, format!("{method} brings no body"), help);
        }
        Some(AskedAt { path: path.clone(), below: raw.below.unwrap_or(false), method: (!any).then_some(method), body })
    }

    /// The caller's token and the user's login. They must not be one value: whoever may ask would log in, or the reverse.
    pub(super) fn sources(&mut self) -> (Option<RequestSource>, Option<LoginSources>) {
        let raw = self.raw;
        let body = raw.at.body.as_ref().map_or(AskBody::None, |body| body.value);
        let token = raw.caller.token.as_ref().and_then(|raw| self.source(raw, body));
        let username = self.source(&raw.login.username, body);
        let password = raw.login.password.as_ref().map(|raw| self.source(raw, body));
        let client_ip = raw.login.client_ip.as_ref().map(|raw| self.source(raw, body));
        let mut attributes = Vec::new();
        for (name, source) in raw.login.attributes.iter() {
            attributes.extend(self.source(source, body).map(|source| (name.value.clone(), source)));
        }
        self.same_credential(token.as_ref(), &[username.as_ref(), password.as_ref().and_then(Option::as_ref)]);
        self.in_url();
        let login = username.map(|username| LoginSources {
            username,
            password: password.flatten(),
            client_ip: client_ip.flatten(),
            attributes,
        });
        (token, login)
    }

    /// `of_user`: where the user's name, password and answers stand.
    pub(super) fn same_credential(&mut self, token: Option<&RequestSource>, of_user: &[Option<&RequestSource>]) {
        let Some((token, raw)) = token.zip(self.raw.caller.token.as_ref()) else { return };
        let half = |source: &RequestSource| matches!(source.part, RequestPart::Basic(_));
        let basic = matches!(token.part, RequestPart::Basic(BasicHalf::Password));
        if of_user.iter().flatten().any(|source| source.part == token.part || (basic && half(source))) {
            let message = "the console's own credential stands where the user's does";
            let help = "a user who knows a password could then be the console: give the console a header of its own";
            self.wrong("door-same-credential", &raw.span, message, help);
        }
    }

    /// A URL is written into logs by everything on the way.
    fn in_url(&mut self) {
        let in_query = |source: &RawRequestSource| matches!(source.part, RawPart::Query(_));
        let password = self.raw.login.password.as_ref().filter(|source| in_query(source));
        if let Some(source) = password.filter(|_| !self.acknowledged("credential_in_url")) {
            let message = "the password stands in the URL, which servers and proxies log";
            let help = "take it from a header or the body, or say why not: acknowledge: { credential_in_url: why }";
            self.wrong("credential-in-url", &source.span, message, help);
        }
        let token = self.raw.caller.token.as_ref().filter(|source| in_query(source));
        if let Some(source) = token.filter(|_| !self.acknowledged("token_in_url")) {
            let message = "the console's token stands in the URL, which servers and proxies log";
            let help = "take it from a header, or say why not: acknowledge: { token_in_url: why }";
            self.wrong("credential-in-url", &source.span, message, help);
        }
    }

    pub(super) fn source(&mut self, raw: &RawRequestSource, body: AskBody) -> Option<RequestSource> {
        let part = match &raw.part {
            RawPart::Field(name) => self.field(name, body)?,
            RawPart::Query(name) => RequestPart::Query(name.text.clone()),
            RawPart::Cookie(name) => RequestPart::Cookie(name.text.clone()),
            RawPart::Basic(half) => RequestPart::Basic(half.value),
            RawPart::Header(name) => {
                let header = HeaderName::from_bytes(name.text.as_bytes()).ok();
                if header.is_none() {
                    let message = format!("`{}` is no name of a header", name.text);
                    self.wrong("door-source", &name.span, message, "letters, digits and -");
                }
                RequestPart::Header(header?)
            }
        };
        if let Some(hop) = raw.hop.as_ref().filter(|hop| hop.value == 0) {
            let help = "1 is the item that the nearest proxy wrote";
            self.wrong("door-source", &hop.span, "items are counted from 1", help);
        }
        let hop = raw.hop.as_ref().and_then(|hop| usize::try_from(hop.value).ok());
        let host_port = raw.form.as_ref().is_some_and(|form| form.value == AddressForm::HostPort);
        Some(RequestSource { part, undo: raw.decode.iter().map(|it| it.value).collect(), hop, host_port })
    }

    fn field(&mut self, name: &Text, body: AskBody) -> Option<RequestPart> {
        match body {
            AskBody::Form => Some(RequestPart::Form(name.text.clone())),
            AskBody::Text if name.text != "text" && !name.text.starts_with("lines[") => {
                let help = "write text, which is all of it, or lines[0], its first line";
                self.wrong("door-source", &name.span, format!("a text has no field `{}`", name.text), help);
                None
            }
            AskBody::Json | AskBody::Xml | AskBody::Text => {
                let path = Path::parse(&name.text).ok().filter(|path| !path.filters());
                if path.is_none() {
                    let help = "write code, data.user or list[0].x; quote odd names: \"User-Name\".value[0]";
                    self.wrong("door-source", &name.span, format!("`{}` is no path to one field", name.text), help);
                }
                path.map(RequestPart::Document)
            }
            AskBody::None => {
                let help = "write at.body: json, form, xml or text, or take it from a header, the query or basic";
                self.wrong("door-source", &name.span, "this request has no body to take a field of", help);
                None
            }
        }
    }

    /// Whether addresses alone say who asks.
    pub(super) fn network_only(&self) -> bool {
        let caller = &self.raw.caller;
        caller.token.is_none() && !caller.from.is_empty() && self.acknowledged("network_only")
    }

    /// Where the console asks from.
    pub(super) fn networks(&mut self) -> Vec<Network> {
        let mut networks = Vec::new();
        for text in &self.raw.caller.from {
            match text.text.parse::<Network>() {
                Ok(network) if network.is_everything() && self.network_only() => {
                    let help = "name the console's own network, or give it a token";
                    self.wrong("door-network", &text.span, "everybody could ask here, with nothing to show", help);
                }
                Ok(network) => networks.push(network),
                Err(()) => {
                    let help = "write 10.0.0.0/8, 2001:db8::/32 or one address";
                    self.wrong("door-network", &text.span, format!("`{}` is no network", text.text), help);
                }
            }
        }
        networks
    }

    /// The client of doorward.yaml must be one that may ask through doors.
    pub(super) fn client(&mut self) {
        let Some(clients) = self.context.clients else { return };
        let (name, span) = (self.raw.caller.client.text.clone(), self.raw.caller.client.span.clone());
        let Some(client) = clients.iter().find(|client| client.name == name) else {
            let known: BTreeSet<&str> = clients.iter().map(|client| client.name.as_str()).collect();
            let known = known.into_iter().collect::<Vec<_>>().join(" ");
            let help = format!("add it to doorward.yaml with scopes: [ door ]; clients there: {known}");
            return self.wrong("door-caller", &span, format!("there is no client `{name}`"), &help);
        };
        if !client.scopes.contains(&crate::config::Scope::Door) {
            let help = "give the door a client of its own, with scopes: [ door ]";
            self.wrong("door-caller", &span, format!("the client `{name}` has not the scope `door`"), help);
        }
        if self.network_only() {
            return;
        }
        if self.raw.caller.token.is_some() == client.tokens.is_empty() {
            let (message, help) = if client.tokens.is_empty() {
                ("this client shows a certificate and no token", "take `caller.token` away")
            } else {
                (
                    "this client shows a token, and the door does not say where it stands",
                    "add caller.token: { header: X-Door-Key }",
                )
            };
            self.wrong("door-caller", &span, message, help);
        }
    }
}
