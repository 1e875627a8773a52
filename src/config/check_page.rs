//! The login page, checked.

use ipnet::IpNet;
use url::Url;

use super::check::Check;
use super::raw::{Daemon, RawLang, RawLoginPage, RawSignIn};
use super::{Address, Config, LoginPage, PAGE_CLIENT};
use crate::lang::Lang;
use crate::reading::Text;
use crate::upstream::Origin;

impl Check<'_> {
    pub(super) fn login_page(&mut self, raw: &RawLoginPage, sign_in: &RawSignIn) -> Option<LoginPage> {
        let url = self.page_url(&raw.url);
        let listen: Vec<Address> = raw.listen.iter().filter_map(|text| self.parsed("listen-address", text)).collect();
        let proxies = raw.proxies.iter().filter_map(|text| self.network(text)).collect();
        let language = |word: RawLang| match word {
            RawLang::Chinese => Lang::Chinese,
            RawLang::English => Lang::English,
        };
        let languages = raw.languages.as_ref().map(|all| all.iter().map(|word| language(word.value)).collect());
        let label = |text: &Text| text.text.clone();
        Some(LoginPage {
            url: url?,
            listen,
            proxies,
            name: raw.name.as_ref().map_or_else(|| "Doorward".to_owned(), label),
            languages: languages.unwrap_or_else(|| vec![Lang::Chinese, Lang::English]),
            labels: sign_in
                .connectors
                .iter()
                .filter_map(|connector| Some((connector.id.text.clone(), label(connector.label.as_ref()?))))
                .collect(),
        })
    }

    /// Cookies and the check of a form's origin hang on it, so it is never taken from a request.
    fn page_url(&mut self, text: &Text) -> Option<Url> {
        let url = Url::parse(text.as_str()).ok().filter(|url| {
            let local = Origin::of(url).is_ok_and(|origin| origin.host().is_loopback());
            let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
            (url.scheme() == "https" || (url.scheme() == "http" && local)) && plain && url.path() == "/"
        });
        if url.is_none() {
            let help = "write https://sso.corp.example.com; http:// on loopback alone, no path";
            self.wrong("bad-url", &text.span, "this is no address of a login page", help);
        }
        url
    }

    fn network(&mut self, text: &Text) -> Option<IpNet> {
        let parsed = text.as_str().parse::<IpNet>().ok();
        let parsed = parsed.or_else(|| text.as_str().parse::<std::net::IpAddr>().ok().map(IpNet::from));
        if parsed.is_none() {
            let help = "write 10.0.0.7, 10.0.0.0/24 or fd00::/64";
            self.wrong("proxy-address", &text.span, "this is no address and no network", help);
        }
        parsed
    }

    /// What the page may not share with others.
    pub(super) fn beside_the_page(&mut self, raw: &Daemon, config: &Config) {
        let page = raw.sign_in.as_ref().and_then(|sign_in| sign_in.page.as_ref());
        if page.is_none() {
            return;
        }
        for client in raw.clients.iter().filter(|client| client.name.as_str() == PAGE_CLIENT) {
            let help = "give the client another name";
            self.wrong("same-name", &client.name.span, "this is the name of the login page in log and audit", help);
        }
        let parse = |text: &Text| text.as_str().parse::<Address>().ok();
        for text in page.iter().flat_map(|page| page.listen.iter()) {
            let Some(address) = parse(text) else { continue };
            let fixed = !matches!(&address, Address::Tcp(socket) if socket.port() == 0);
            if fixed && config.listen.contains(&address) {
                let help = "give the page an address of its own";
                self.wrong("shared-address", &text.span, "this is an address of the API", help);
            }
            if !address.is_local() && config.tls.is_none() && !config.insecure_listen {
                let help = "add tls: with cert_file and key_file, or listen on 127.0.0.1 behind a proxy with TLS";
                self.wrong("clear-text", &text.span, "passwords would cross the network in clear", help);
            }
        }
    }
}
