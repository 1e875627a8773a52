//! Cookie delivery beside the console that a daemon serves: its domain and its own cookies.

use doorward::connector::check::Console;
use doorward::diagnostic::{Style, render};
use url::Url;

use super::loader;

/// What a daemon with this console says of a connector that delivers.
async fn load(console: impl Into<Option<Console>>, delivery: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("corp.yaml");
    let connector = format!(
        "version: 1\ncookie_delivery: {delivery}\nsteps:\n  - name: login\n    request: {{ method: POST, url: \
         \"https://4a.example.com/login\", body: {{ form: {{ u: \"{{{{user.username}}}}\", p: \"{{{{user.userPassword}}}}\" }} }} }}\n    \
         response: {{ success: {{ field: code, equals: 200 }} }}\n"
    );
    std::fs::write(&path, connector).unwrap();
    let mut loader = loader();
    loader.console = console.into();
    let outcome = loader.load(&[path]).await.pop().unwrap();
    assert_eq!(outcome.live.is_some(), outcome.diagnostics.is_empty());
    render(&outcome.diagnostics, Style::Plain)
}

fn console(url: &str) -> Console {
    let reserved_cookies = vec!["console_session".to_owned(), "SID".to_owned()];
    Console { public_url: Some(Url::parse(url).unwrap()), reserved_cookies }
}

#[tokio::test(flavor = "multi_thread")]
async fn cookies_go_to_the_consoles_own_domain_only() {
    let delivery = "{ domains: [ .corp.example.com ], cookies: [ a ] }";
    for url in [
        "https://console.corp.example.com",
        "https://CORP.example.com:8443/login",
        "https://other.example.com",
        "https://example.com",
        "http://console.example.com",
    ] {
        assert_eq!(load(console(url), delivery).await, "", "{url}");
    }
    for (url, words) in [
        ("https://console.example.net", "allows example.net and what is below it"),
        ("https://console.example.com.cn", "allows example.com.cn and what is below it"),
        ("https://xample.com", "allows xample.com and what is below it"),
        ("https://10.0.0.1", "allows nothing: https://10.0.0.1/ has no domain"),
        ("https://[::1]:8443", "allows nothing"),
        ("https://console", "allows nothing"),
        ("https://example.com.", "allows nothing"),
    ] {
        let told = load(console(url), delivery).await;
        assert!(
            told.contains("`.corp.example.com` is not a domain of the console's") && told.contains(words),
            "{told}"
        );
    }
    // Two customers of one registry are not one owner.
    let told = load(console("https://console.github.io"), "{ domains: [ evil.github.io ], cookies: [ a ] }").await;
    assert!(told.contains("cookie-domain-foreign"), "{told}");
    let told = load(console("https://门户.公司.cn"), "{ domains: [ 应用.公司.cn ], cookies: [ a ] }").await;
    assert!(told.contains("allows xn--"), "{told}");
    assert_eq!(load(console("https://门户.公司.公司.cn"), "{ domains: [ .公司.公司.cn ], cookies: [ a ] }").await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_public_url_a_daemon_delivers_nothing_and_a_command_asks_for_none() {
    let delivery = "{ domains: [ .corp.example.com ], cookies: [ SID ] }";
    let told = load(Console::default(), delivery).await;
    assert!(told.contains("error[no-public-url]: cookie_delivery needs `public_url`"), "{told}");
    assert!(told.contains("corp.yaml:2:1"), "{told}");
    assert_eq!(load(None, delivery).await, "");
}

/// Servers that read names carelessly take more than one spelling for the console's session.
#[tokio::test(flavor = "multi_thread")]
async fn the_consoles_own_cookies_are_not_overwritten() {
    let url = "https://console.corp.example.com";
    for name in ["console_session", "Console_Session", "console.session", "SID", "sid", "{ name: x, as: Sid }"] {
        let told = load(console(url), &format!("{{ domains: .corp.example.com, cookies: [ {name} ] }}")).await;
        assert!(
            told.contains("error[cookie-reserved]") && told.contains("is a cookie of the console's own"),
            "{name}: {told}"
        );
    }
    for name in ["console_session2", "{ name: SID, as: app_sid }", "console-session"] {
        let told = load(console(url), &format!("{{ domains: .corp.example.com, cookies: [ {name} ] }}")).await;
        assert_eq!(told, "", "{name}");
    }
}

/// `all` is to be acknowledged; the console's own stay its own.
#[tokio::test(flavor = "multi_thread")]
async fn all_cookies_are_handed_over_when_the_file_says_why() {
    let delivery = "{ domains: .corp.example.com, cookies: all }";
    let told = load(console("https://console.corp.example.com"), delivery).await;
    assert!(told.contains("error[all-cookies]") && told.contains("acknowledge: { all_cookies: why }"), "{told}");
    let waived = format!("{delivery}\nacknowledge: {{ all_cookies: the portal's own pages want them }}");
    assert_eq!(load(console("https://console.corp.example.com"), &waived).await, "");
}
