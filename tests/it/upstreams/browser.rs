//! A user's browser in a login by redirects: it keeps cookies, follows redirects within a site, and stops where it is sent to another.

use std::collections::HashMap;

use http::Method;
use reqwest::Url;
use reqwest::redirect::Policy;

pub struct Browser {
    client: reqwest::Client,
    /// By name alone: of two pages of one login the later one's counts.
    cookies: HashMap<String, String>,
}

/// Where the browser is.
pub enum Page {
    /// At a page of the site.
    At(Url, String),
    /// Sent elsewhere, with these arguments.
    Sent(HashMap<String, String>),
}

impl Browser {
    #[expect(clippy::disallowed_methods, reason = "a browser of the tests, which follows redirects itself")]
    pub fn new() -> Self {
        // There may be one already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().redirect(Policy::none()).build().unwrap();
        Self { client, cookies: HashMap::new() }
    }

    pub async fn open(&mut self, url: Url) -> Page {
        self.go(Method::GET, url, None).await
    }

    pub async fn submit(&mut self, url: Url, fields: &[(&str, &str)]) -> Page {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        self.go(Method::POST, url, Some(form)).await
    }

    async fn go(&mut self, mut method: Method, mut url: Url, mut form: Option<String>) -> Page {
        let site = url.origin();
        for _ in 0..10 {
            let cookies: Vec<String> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let mut request = self.client.request(method, url.clone()).header("cookie", cookies.join("; "));
            if let Some(form) = form.take() {
                request = request.header("content-type", "application/x-www-form-urlencoded").body(form);
            }
            let reply = request.send().await.unwrap();
            for set in reply.headers().get_all("set-cookie") {
                let (name, value) = set.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
                if value.is_empty() {
                    self.cookies.remove(name);
                } else {
                    self.cookies.insert(name.to_owned(), value.to_owned());
                }
            }
            let Some(to) = reply.headers().get("location") else {
                return Page::At(url, reply.text().await.unwrap());
            };
            url = url.join(to.to_str().unwrap()).unwrap();
            if url.origin() != site {
                return Page::Sent(url.query_pairs().into_owned().collect());
            }
            method = Method::GET;
        }
        panic!("redirects without end");
    }
}
