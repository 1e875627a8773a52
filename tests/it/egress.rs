//! The operator's bound: every spelling of an address and of a name meets one decision, and what it allows is dialled.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use doorward::upstream::{
    Client, ClientError, Egress, EgressRules, Origin, Refused, Reply, SendFault, TransportConfig,
};
use doorward::verdict::Cause;
use tokio::time::Instant;
use url::Url;

use crate::support::fault_server::FaultServer;
use crate::support::lookup::Answers;
use crate::support::post;

fn rules(allow: &[&str], deny: &[&str]) -> EgressRules {
    let own = |rules: &[&str]| rules.iter().map(|rule| (*rule).to_owned()).collect();
    EgressRules { allow: own(allow), deny: own(deny), ..EgressRules::default() }
}

fn egress(allow: &[&str], deny: &[&str]) -> Egress {
    Egress::new(&rules(allow, deny)).unwrap()
}

fn permits(egress: &Egress, addr: &str) -> Result<IpAddr, Refused> {
    egress.permits("4a.example.com", addr.parse().unwrap())
}

#[test]
fn private_and_public_networks_are_open_by_default() {
    let egress = Egress::default();
    for addr in [
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "100.64.0.1",
        "8.8.8.8",
        "fd12::1",
        "2400:3200::1",
        "64:ff9b::a01:203",
    ] {
        assert_eq!(permits(&egress, addr), Ok(addr.parse().unwrap()), "{addr}");
    }
    // What is dialled is the canonical form.
    assert_eq!(permits(&egress, "::ffff:10.1.2.3"), Ok("10.1.2.3".parse().unwrap()));
}

#[test]
fn some_addresses_are_never_dialled_in_any_disguise() {
    let everything = EgressRules { allow_loopback: true, ..rules(&["0.0.0.0/0", "::/0", "4a.example.com"], &[]) };
    for egress in [Egress::default(), Egress::new(&everything).unwrap()] {
        for addr in [
            "169.254.169.254",
            "169.254.0.1",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "::ffff:0:169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::1",
            "2002:a9fe:a9fe::1",
            "2001:0:a9fe:a9fe::1",
            "2001:0:808:808::5601:5601",
            "fd12::5efe:a9fe:a9fe",
            "fe80::1",
            "febf::1",
            "ff02::1",
            "224.0.0.1",
            "239.255.255.255",
            "255.255.255.255",
            "240.0.0.1",
            "0.0.0.0",
            "0.1.2.3",
            "::",
            "::ffff:0.0.0.0",
            "100.100.100.200",
            "::ffff:100.100.100.200",
            "168.63.129.16",
            "192.0.0.192",
            "fd00:ec2::254",
            "fd20:ce::254",
        ] {
            assert!(matches!(permits(&egress, addr), Err(Refused::Never { .. })), "{addr}");
        }
    }
}

#[test]
fn loopback_needs_a_rule_that_means_loopback() {
    let disguises =
        ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "::127.0.0.1"];
    for egress in [Egress::default(), egress(&["0.0.0.0/0", "::/0", "64::/16", "4a.example.com"], &[])] {
        for addr in disguises {
            assert!(matches!(permits(&egress, addr), Err(Refused::Loopback { .. })), "{addr}");
        }
    }
    let allowed = EgressRules { allow_loopback: true, ..EgressRules::default() };
    for addr in disguises {
        assert!(permits(&Egress::new(&allowed).unwrap(), addr).is_ok(), "{addr}");
    }
    let listed = egress(&["127.0.0.0/8", "::1"], &[]);
    assert!(permits(&listed, "127.0.0.1").is_ok() && permits(&listed, "::1").is_ok());
    assert!(permits(&egress(&["127.0.0.2"], &[]), "127.0.0.1").is_err());
}

#[test]
fn allow_and_deny() {
    let by_network = egress(&["10.0.0.0/8"], &["10.6.0.0/16"]);
    assert!(permits(&by_network, "10.1.2.3").is_ok());
    assert!(permits(&by_network, "::ffff:10.1.2.3").is_ok());
    assert!(permits(&by_network, "64:ff9b::10.1.2.3").is_ok());
    assert_eq!(permits(&by_network, "10.6.2.3"), Err(Refused::DeniedAddr { addr: "10.6.2.3".parse().unwrap() }));
    assert!(matches!(permits(&by_network, "64:ff9b::10.6.2.3"), Err(Refused::DeniedAddr { .. })));
    assert!(matches!(permits(&by_network, "11.1.2.3"), Err(Refused::NotAllowed { .. })));
    assert!(matches!(permits(&by_network, "fd12::1"), Err(Refused::NotAllowed { .. })));
    let by_name = egress(&["4A.Example.COM."], &[]);
    assert!(permits(&by_name, "11.1.2.3").is_ok());
    assert!(by_name.permits("evil4a.example.com", "11.1.2.3".parse().unwrap()).is_err());
    let below = egress(&["*.example.com"], &["bad.example.com"]);
    assert!(permits(&below, "11.1.2.3").is_ok());
    for host in ["example.com", "bad.example.com", "xexample.com", "BAD.example.com."] {
        assert!(below.permits(host, "11.1.2.3".parse().unwrap()).is_err(), "{host}");
    }
}

#[test]
fn a_name_is_one_name_in_every_spelling() {
    let egress = egress(&[], &["统一.example.com"]);
    let addr = "10.1.2.3".parse().unwrap();
    for host in [
        "统一.example.com",
        "xn--4gq540j.example.com",
        "XN--4GQ540J.Example.Com",
        "xn--4gq540j.example.com.",
        "统一。example.com",
    ] {
        assert!(matches!(egress.permits(host, addr), Err(Refused::DeniedName { .. })), "{host}");
    }
    assert!(egress.permits("a..", addr).is_err());
}

#[test]
fn rules_that_cannot_be_read_say_so() {
    for rule in ["10.0.0.1/8", "10.0.0.0/33", "10/8", "::/129", "a b", "", "*.10.0.0.1", "http://x"] {
        let error = Egress::new(&rules(&[rule], &[])).unwrap_err();
        assert!(error.to_string().contains(&format!("\"{rule}\"")), "{error}");
    }
    let proxies = EgressRules { proxies: vec!["https://proxy:1".to_owned()], ..EgressRules::default() };
    assert!(Egress::new(&proxies).is_err());
}

#[test]
fn literals_and_overrides_are_checked_when_the_client_is_built() {
    let build = |url: &str, config: TransportConfig| {
        Client::new(&config, Egress::default().into(), &[Origin::parse(url).unwrap()]).err()
    };
    for url in [
        "http://127.1",
        "http://0x7f.1",
        "http://2130706433",
        "http://017700000001",
        "http://127.0.0.1.",
        "http://[::1]",
        "http://[::ffff:169.254.169.254]",
        "http://[64:ff9b::a9fe:a9fe]",
        "http://[2002:a9fe:a9fe::]",
        "http://169.254.169.254",
        "http://0",
    ] {
        assert!(matches!(build(url, TransportConfig::default()), Some(ClientError::Egress { .. })), "{url}");
    }
    let resolve = [("4A.example.com.".to_owned(), "169.254.169.254".parse().unwrap())].into();
    let overridden = TransportConfig { resolve, ..TransportConfig::default() };
    assert!(matches!(build("http://4a.example.com", overridden), Some(ClientError::Egress { .. })));
    assert!(build("http://10.1.2.3", TransportConfig::default()).is_none());
}

async fn ask(client: &Client, url: &Url) -> Result<Reply, SendFault> {
    client.send(&post(url, "password=hunter2"), Instant::now() + Duration::from_secs(8)).await
}

/// A client that may dial 127.0.0.1 and no other loopback address.
fn asking(url: &Url, answers: &Arc<Answers>, config: &TransportConfig) -> Client {
    let egress = egress(&["127.0.0.1", "10.0.0.0/8"], &[]);
    Client::with_lookup(config, egress.into(), &[Origin::of(url).unwrap()], Arc::clone(answers) as _).unwrap()
}

fn at(server: &FaultServer) -> Url {
    Url::parse(&format!("http://4A.Example.com.:{}/", server.addr.port())).unwrap()
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

#[tokio::test]
async fn of_a_mixed_answer_only_the_allowed_address_is_dialled() {
    let server = FaultServer::always(OK).await;
    // 127.0.0.2 would reach nobody here and 169.254.169.254 nobody ever; neither is tried.
    let answers = Answers::of(&[&["169.254.169.254", "127.0.0.2", "127.0.0.1"]]);
    let client = asking(&at(&server), &answers, &TransportConfig::default());
    assert_eq!(ask(&client, &at(&server)).await.unwrap().status, 200);
    assert_eq!(answers.asked(), ["4a.example.com"]);
}

#[tokio::test]
async fn an_answer_that_changes_is_judged_each_time() {
    let server = FaultServer::always(OK).await;
    let answers = Answers::of(&[&["127.0.0.1"], &["169.254.169.254"], &["127.0.0.2"], &["127.0.0.1"]]);
    let fresh = TransportConfig { keep_alive: Duration::ZERO, ..TransportConfig::default() };
    let client = asking(&at(&server), &answers, &fresh);
    assert!(ask(&client, &at(&server)).await.is_ok());
    for why in ["169.254.169.254 is a link-local address, which is never dialled", "127.0.0.2 is a loopback address"] {
        let fault = ask(&client, &at(&server)).await.unwrap_err();
        assert_eq!((fault.cause, fault.written), (Cause::Connect, false));
        assert!(fault.explain.contains(why), "{}", fault.explain);
    }
    assert!(ask(&client, &at(&server)).await.is_ok());
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn names_that_do_not_resolve() {
    let server = FaultServer::always(OK).await;
    for (answers, explain) in [
        (Answers::of(&[&[]]), "the name 4a.example.com has no address"),
        (Answers::of(&[]), "the name 4a.example.com could not be resolved"),
        (Answers::silent(), "the name 4a.example.com was not resolved within 200 ms: no DNS server answered"),
    ] {
        let config = TransportConfig { connect_timeout: Duration::from_millis(200), ..TransportConfig::default() };
        let fault = ask(&asking(&at(&server), &answers, &config), &at(&server)).await.unwrap_err();
        assert_eq!((fault.cause, fault.written), (Cause::Dns, false), "{}", fault.explain);
        assert!(fault.explain.contains(explain), "\"{}\" lacks \"{explain}\"", fault.explain);
    }
}

#[tokio::test]
async fn many_logins_ask_for_a_name_once() {
    let server = FaultServer::always(OK).await;
    let answers = Answers::silent();
    let config = TransportConfig { connect_timeout: Duration::from_millis(200), ..TransportConfig::default() };
    let url = at(&server);
    let client = asking(&url, &answers, &config);
    let logins = (0..20).map(|_| ask(&client, &url));
    assert!(futures_util::future::join_all(logins).await.iter().all(Result::is_err));
    assert_eq!(answers.asked().len(), 1);
}

#[tokio::test]
async fn another_origin_is_never_asked() {
    let server = FaultServer::always(OK).await;
    let answers = Answers::of(&[&["127.0.0.1"]]);
    let client = asking(&at(&server), &answers, &TransportConfig::default());
    for other in ["https://4a.example.com", "http://4a.example.com", "http://127.0.0.1", "http://evil.example.com"] {
        let mut url = Url::parse(other).unwrap();
        if other.starts_with("https") {
            url.set_port(Some(server.addr.port())).unwrap();
        }
        let fault = ask(&client, &url).await.unwrap_err();
        assert!(fault.explain.contains("an origin that the connector does not name"), "{}", fault.explain);
    }
    assert_eq!((server.connections(), answers.asked().len()), (0, 0));
}
