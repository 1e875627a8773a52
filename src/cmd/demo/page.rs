//! The login page of the demo: a password, and one connector for each kind of challenge.

use std::net::Ipv4Addr;
use std::sync::Arc;

use anyhow::Context as _;
use arc_swap::ArcSwapOption;
use doorward::attempt::App;
use doorward::clock::{Ambient as _, System};
use doorward::config::{Address, Config, LoginPage, SessionRules, SignIn, SubjectForm};
use doorward::http::listen::Listener;
use doorward::http::{Server, listen};
use doorward::lang::Lang;
use doorward::secret::Secret;
use doorward::session::Sessions;
use doorward::sign_in::{self, Front};
use tokio::sync::watch::Receiver;

/// What the page offers.
const OFFERED: [&str; 7] =
    ["foura-json-md5", "sms-code", "totp", "push-confirm", "captcha-ask", "password-renewal", "dingtalk-code"];

/// The page, before there is a daemon behind it.
pub struct DemoPage {
    sign_in: SignIn,
    listeners: Vec<Listener>,
    pub sessions: Arc<Sessions>,
}

impl DemoPage {
    /// On a port of its own.
    pub async fn open() -> anyhow::Result<Self> {
        let loopback = vec![Address::Tcp((Ipv4Addr::LOCALHOST, 0).into())];
        let listeners = listen::open(&Config { listen: loopback, ..Config::default() }).await?;
        let address = listeners.iter().find_map(Listener::address).context("the login page has no address")?;
        let mut key = [0; 32];
        System.fill(&mut key);
        let page = LoginPage {
            url: format!("http://{address}/").parse()?,
            listen: Vec::new(),
            proxies: Vec::new(),
            name: "Doorward demo".to_owned(),
            languages: vec![Lang::English, Lang::Chinese],
            labels: Vec::new(),
        };
        let sign_in = SignIn {
            keys: vec![Secret::new(hex::encode(key))],
            connectors: OFFERED.map(str::to_owned).to_vec(),
            subject: SubjectForm::WithConnector,
            session: SessionRules::default(),
            page: Some(page),
            signing: None,
        };
        let sessions = Arc::new(Sessions::new(&sign_in, Arc::new(System))?);
        Ok(Self { sign_in, listeners, sessions })
    }

    /// Serves it until `stopped`; where it is.
    pub fn serve(self, app: &Arc<App>, stopped: Receiver<bool>) -> anyhow::Result<String> {
        let page = self.sign_in.page.clone().context("the demo's page is missing")?;
        let url = page.url.to_string();
        let front = Arc::new(Front::new(Arc::clone(app), self.sessions, &self.sign_in, page)?);
        let server = Server::new(sign_in::served(&front), Arc::new(ArcSwapOption::empty()), stopped);
        tokio::spawn(server.run(self.listeners, std::future::ready(())));
        Ok(format!("{url}login"))
    }
}
