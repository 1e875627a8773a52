//! The clients and the audit trail, checked.

use std::collections::BTreeSet;

use super::check::Check;
use super::raw::{self, RawAudit, RawCertificate, RawClient, RawScope};
use super::{Audit, CertificateRule, Client, Scope, TokenHash, UserName, WhenFull};
use crate::reading::Text;

/// The key of keyed user names: as long as makes guessing hopeless (128 bits).
const MIN_KEY: usize = 16;

/// What examples/doorward.yaml has where a hash belongs.
const PLACEHOLDER: &str = "sha256:PUT-A-HASH-HERE";

/// What it had there once: the hashes of `test`, `test2` and `test3`, so that anyone who guessed these tokens was let in.
const PUBLIC: [&str; 3] = [
    "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "sha256:60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752",
    "sha256:fd61a03af4f77d870fc21e05e7e80678095c92d808cfb3b5c279ee04c74aca13",
];

impl Check<'_> {
    pub(super) fn clients(&mut self, raw: &[RawClient]) -> Vec<Client> {
        let mut names = BTreeSet::new();
        let mut tokens = BTreeSet::new();
        let mut clients = Vec::new();
        for client in raw {
            if !names.insert(client.name.as_str()) {
                self.wrong("same-name", &client.name.span, "two clients have this name", "give each its own");
            }
            for token in client.token.iter().flat_map(|tokens| tokens.iter()) {
                if token.as_str() != PLACEHOLDER && !tokens.insert(token.as_str()) {
                    let help = "draw one for each client: doorward token new";
                    self.wrong("same-token", &token.span, "this token is given twice", help);
                }
            }
            clients.push(self.client(client));
        }
        clients
    }

    fn client(&mut self, raw: &RawClient) -> Client {
        // It stands in every log line and in a metric's label.
        let fits = |name: &str| (1..=64).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_graphic());
        if !fits(raw.name.as_str()) {
            let help = "1 to 64 visible ASCII characters without spaces";
            self.wrong("client-name", &raw.name.span, "this is no name for a client", help);
        }
        if raw.token.is_none() && raw.certificate.is_none() {
            let help = "add token: with a hash from `doorward token new`, or certificate:";
            self.wrong("no-credential", &raw.place.span, "this client has nothing to show", help);
        }
        if let Some(door) = raw.scopes.iter().find(|scope| scope.value == RawScope::Door && raw.scopes.len() > 1) {
            let message = "the scope `door` stands alone";
            let help = "a console's key is often in its configuration or in a URL: give the door a client of its own";
            self.wrong("door-scope", &door.span, message, help);
        }
        Client {
            name: raw.name.text.clone(),
            tokens: raw.token.iter().flat_map(|tokens| tokens.iter()).filter_map(|token| self.token(token)).collect(),
            certificate: raw.certificate.as_ref().map(|rule| self.certificate(rule)),
            scopes: raw.scopes.iter().map(|scope| scope_of(scope.value)).collect(),
            connectors: raw.connectors.as_ref().map(|ids| ids.iter().map(|id| self.connector_id(id)).collect()),
            max_in_flight: raw.max_in_flight.as_ref().map(|most| self.count(Some(most), 1, 100_000, 1)),
        }
    }

    fn token(&mut self, text: &Text) -> Option<TokenHash> {
        let hash = TokenHash::parse(text.as_str());
        if text.as_str() == PLACEHOLDER || hash.is_some_and(|hash| PUBLIC.contains(&hash.to_string().as_str())) {
            let message = "this is the example's: either no token fits it, or it is public";
            let help = "run `doorward token new`; its line `hash:` goes here, its line `token:` to the client";
            self.wrong("sample-token", &text.span, message, help);
            return None;
        }
        if hash.is_none() {
            // What stands there may be the token itself: it is not quoted.
            let message = "this is no hash of a token";
            self.wrong("token-hash", &text.span, message, "write the line `hash:` of `doorward token new`: sha256:…");
        }
        hash
    }

    fn certificate(&mut self, raw: &RawCertificate) -> CertificateRule {
        match raw {
            RawCertificate::Dns(name) => CertificateRule::Dns(name.text.clone()),
            RawCertificate::Uri(uri) => CertificateRule::Uri(uri.text.clone()),
            RawCertificate::Sha256(hash) => {
                if hash.as_str().len() != 64 || !hash.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()) {
                    let help = "openssl x509 -in client.pem -outform der | sha256sum";
                    self.wrong("certificate-hash", &hash.span, "this is no SHA-256 in hex", help);
                }
                CertificateRule::Sha256(hash.text.clone())
            }
        }
    }

    pub(super) fn connector_id(&mut self, id: &Text) -> String {
        let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if id.as_str().is_empty() || !id.as_str().bytes().all(fits) {
            let help = "the name of a connector file without its extension: small letters, digits and -";
            self.wrong("connector-id", &id.span, "this is no id of a connector", help);
        }
        id.text.clone()
    }

    pub(super) fn audit(&mut self, raw: &RawAudit) -> Option<Audit> {
        let keyed = raw.user_name.as_ref().is_some_and(|form| form.value == raw::RawUserName::Hmac);
        let user_name = match (&raw.hmac_key, keyed) {
            (Some(key), true) => {
                let key = self.secret(key)?;
                if key.expose().len() < MIN_KEY {
                    let help = "make one: openssl rand -hex 32";
                    self.wrong("short-key", raw.place.key("hmac_key"), "the key has less than 16 bytes", help);
                }
                UserName::Hmac(key)
            }
            (None, true) => {
                let help = "add hmac_key: { file: audit.key }";
                self.wrong("missing-key", raw.place.key("user_name"), "`user_name: hmac` needs a key", help);
                return None;
            }
            (Some(_), false) => {
                let help = "set user_name: hmac, or leave it out";
                self.wrong("unused-key", raw.place.key("hmac_key"), "only `user_name: hmac` uses this", help);
                UserName::Clear
            }
            (None, false) => UserName::Clear,
        };
        Some(Audit {
            file: self.path(&raw.file),
            max_size: self.bytes(
                raw.max_size.as_ref().map(|size| (size.value.0, &size.span)),
                64 << 10,
                100 << 30,
                100 << 20,
            ),
            keep: u32::try_from(self.count(raw.keep.as_ref(), 0, 1000, 10)).unwrap_or(10),
            user_name,
            when_full: match raw.when_full.as_ref().map(|policy| policy.value) {
                Some(raw::RawWhenFull::Refuse) => WhenFull::Refuse,
                Some(raw::RawWhenFull::Continue) | None => WhenFull::Continue,
            },
        })
    }
}

fn scope_of(raw: RawScope) -> Scope {
    match raw {
        RawScope::Authenticate => Scope::Authenticate,
        RawScope::Test => Scope::Test,
        RawScope::Read => Scope::Read,
        RawScope::Reload => Scope::Reload,
        RawScope::Sessions => Scope::Sessions,
        RawScope::Door => Scope::Door,
    }
}
