//! What all pages use.

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use url::Url;

use super::browser::{Browser, CookieNames};
use super::steps::Steps;
use crate::attempt::{App, Caller};
use crate::clock::{Ambient, System};
use crate::config::{Client, LoginPage, Scope, SignIn};
use crate::lang::Lang;
use crate::secret::Secret;
use crate::session::Sessions;
use crate::token::opaque::{MacKeys, MacKeysError};

/// The client that the page is, in log, audit and metrics. No configured client may have this name.
pub(super) const CLIENT: &str = crate::config::PAGE_CLIENT;

/// The login page.
pub struct Front {
    pub(super) app: Arc<App>,
    pub(super) caller: Arc<Caller>,
    pub(super) sessions: Arc<Sessions>,
    pub(super) page: LoginPage,
    /// The connectors that it offers.
    pub(super) connectors: Vec<Offered>,
    pub(super) cookies: CookieNames,
    pub(super) steps: Steps,
    pub(super) ambient: &'static dyn Ambient,
}

/// A connector that users may log in by.
#[derive(Debug, Clone)]
pub(super) struct Offered {
    pub id: String,
    pub label: String,
}

impl Front {
    /// The page that `sign_in` describes.
    pub fn new(app: Arc<App>, sessions: Arc<Sessions>, config: &SignIn, page: LoginPage) -> Result<Self, MacKeysError> {
        let client = Client {
            name: CLIENT.to_owned(),
            scopes: vec![Scope::Authenticate, Scope::Sessions],
            connectors: Some(config.connectors.clone()),
            ..Client::default()
        };
        let caller = Caller::inner(client, app.limits().connector_reply_memory);
        let label =
            |id: &String| page.labels.iter().find(|(known, _)| known == id).map_or(id, |(_, label)| label).clone();
        let connectors = config.connectors.iter().map(|id| Offered { id: id.clone(), label: label(id) }).collect();
        let steps = Steps::new(MacKeys::of(&config.keys)?);
        Ok(Self {
            app,
            caller,
            sessions,
            cookies: CookieNames::of(&page.url),
            connectors,
            steps,
            page,
            ambient: &System,
        })
    }

    pub(super) fn now_ms(&self) -> u64 {
        self.ambient.unix_ms()
    }

    pub(super) fn browser(&self, headers: &HeaderMap) -> Browser {
        self.cookies.read(headers)
    }

    /// A browser's secret, and the cookie of one that has none yet.
    pub(super) fn known(&self, secret: Option<Secret>) -> (Secret, Vec<HeaderValue>) {
        if let Some(secret) = secret {
            return (secret, Vec::new());
        }
        let (secret, cookie) = self.cookies.draw(self.ambient);
        (secret, vec![cookie])
    }

    pub(super) fn url(&self) -> &Url {
        &self.page.url
    }

    /// What the user chose on the page; else what the browser says; else the first of the configuration.
    pub(super) fn language(&self, chosen: &str, headers: &HeaderMap) -> Lang {
        let offered = |word: &str| self.page.languages.iter().copied().find(|lang| lang.as_str() == word);
        if let Some(lang) = offered(chosen) {
            return lang;
        }
        let accepted = headers.get(http::header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        // In the order that it is written: browsers write the first one first (RFC 9110 section 12.5.4).
        let words =
            accepted.unwrap_or_default().split(',').map(|part| part.split(';').next().unwrap_or_default().trim());
        let by_base = |word: &str| {
            let base = word.split('-').next().unwrap_or_default();
            self.page.languages.iter().copied().find(|lang| lang.as_str().split('-').next() == Some(base))
        };
        let first = self.page.languages.first().copied().unwrap_or(Lang::English);
        words.filter(|word| !word.is_empty()).find_map(by_base).unwrap_or(first)
    }
}
