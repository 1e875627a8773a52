//! The key `auth` of a draft: what `-u` and its sisters, or a header Authorization, come to.
//!
//! A signature of the command is good for that command alone, so it is never taken over: the scheme makes its own, from secrets that
//! the person fills in.

use anyhow::{Result, bail};
use base64::Engine as _;

use super::curl::{Curl, Scheme};
use super::holes::Holes;
use super::yaml::quoted;

/// How the request of a command authenticates itself.
#[derive(Debug, PartialEq, Eq)]
pub enum Auth {
    /// By a name and a password: `basic`, `digest`, `ntlm`.
    Password { scheme: &'static str, name: String },
    /// AWS Signature Version 4.
    Aws(Aws),
    /// OAuth 1.0a, with a token or without one.
    Oauth1 { method: String, token: bool },
    /// `--oauth2-bearer`.
    Bearer,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Aws {
    access_key: String,
    region: String,
    service: String,
    session_token: bool,
}

/// What the options of the command say.
pub fn of_options(curl: &Curl) -> Result<Option<Auth>> {
    if curl.bearer.is_some() {
        return Ok(Some(Auth::Bearer));
    }
    let Some((name, _)) = &curl.basic else { return Ok(None) };
    Ok(Some(match &curl.scheme {
        Scheme::Basic => Auth::Password { scheme: "basic", name: name.clone() },
        Scheme::Digest => Auth::Password { scheme: "digest", name: name.clone() },
        Scheme::Ntlm => Auth::Password { scheme: "ntlm", name: name.clone() },
        Scheme::AwsSigv4(provider) => Auth::Aws(aws_option(provider, name, curl)?),
    }))
}

/// `--aws-sigv4 "aws:amz:region:service"` (man page of curl 8); what it leaves out stands in the host's name.
fn aws_option(provider: &str, access_key: &str, curl: &Curl) -> Result<Aws> {
    let mut parts = provider.split(':');
    if !parts.next().is_some_and(|first| first.eq_ignore_ascii_case("aws")) {
        bail!(
            "curl signs for another provider than aws (--aws-sigv4), and a connector cannot: aws_sigv4 is that of AWS"
        );
    }
    let mut host = curl.origin.rsplit('/').next().unwrap_or_default().split('.');
    let (of_host, region_of_host) = (host.next(), host.next());
    let region = parts.nth(1).or(region_of_host.filter(|_| curl.origin.contains(".amazonaws.com")));
    let service = parts.next().or(of_host.filter(|_| curl.origin.contains(".amazonaws.com")));
    let (Some(region), Some(service)) = (region, service) else {
        bail!("write region and service behind --aws-sigv4, as aws:amz:REGION:SERVICE");
    };
    let session_token = curl.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("x-amz-security-token"));
    Ok(Aws { access_key: access_key.to_owned(), region: region.to_owned(), service: service.to_owned(), session_token })
}

/// What the value of a header Authorization is, if it is one that a scheme makes.
pub fn of_header(value: &str, curl: &Curl) -> Option<Auth> {
    let (scheme, rest) = value.split_once(' ')?;
    match scheme.to_ascii_lowercase().as_str() {
        "basic" => Some(Auth::Password { scheme: "basic", name: name_of_basic(rest)? }),
        "digest" => Some(Auth::Password { scheme: "digest", name: parameter(rest, "username")? }),
        "oauth" => {
            let method = parameter(rest, "oauth_signature_method")?.to_ascii_uppercase();
            // RSA-SHA1 signs with a private key, for which a draft has no stand-in.
            let known = ["HMAC-SHA1", "HMAC-SHA256", "PLAINTEXT"].contains(&method.as_str());
            known.then(|| Auth::Oauth1 { method, token: parameter(rest, "oauth_token").is_some() })
        }
        "aws4-hmac-sha256" => {
            // Credential=KEY/DATE/REGION/SERVICE/aws4_request
            let scope = rest.split(',').find_map(|part| part.trim().strip_prefix("Credential="))?;
            let [access_key, _, region, service, "aws4_request"] = scope.split('/').collect::<Vec<_>>()[..] else {
                return None;
            };
            let token = curl.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("x-amz-security-token"));
            let [access_key, region, service] = [access_key, region, service].map(str::to_owned);
            Some(Auth::Aws(Aws { access_key, region, service, session_token: token }))
        }
        _ => None,
    }
}

fn name_of_basic(encoded: &str) -> Option<String> {
    let bytes = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let text = String::from_utf8(bytes).ok()?;
    text.split_once(':').map(|(name, _)| name.to_owned())
}

/// The value of a parameter; a comma in a quoted one would cut it, which the names that are asked for never have.
fn parameter(rest: &str, name: &str) -> Option<String> {
    let of =
        |part: &str| part.trim().strip_prefix(name)?.strip_prefix('=').map(|value| value.trim_matches('"').to_owned());
    rest.split(',').find_map(of)
}

/// What a server of HTTP Digest says first.
const DIGEST: &str = r#"{ status: 401, headers: { WWW-Authenticate: 'Digest realm="r", qop="auth", nonce="n"' } }, "#;

/// And one of NTLM: its scheme, then a challenge (MS-NLMP section 2.2.1.2).
const NTLM: &str = "{ status: 401, headers: { WWW-Authenticate: NTLM } }, { status: 401, headers: { WWW-Authenticate: NTLM \
                    TlRMTVNTUAACAAAACAAIADgAAAAFgokAASNFZ4mrze8AAAAAAAAAACYAJgBAAAAAAAAAAAAAAABDAE8AUgBQAAIACABDAE8AUgBQAAEABgBEAEMAMQAHAAgAgMBIWCg92gEAAAAA } }, ";

impl Auth {
    /// The replies of a golden case before the one that is judged, and how many requests there are with that one.
    pub fn asked_first(&self) -> (&'static str, usize) {
        match self {
            Self::Password { scheme: "digest", .. } => (DIGEST, 2),
            Self::Password { scheme: "ntlm", .. } => (NTLM, 3),
            _ => ("", 1),
        }
    }

    /// Whether it makes this header itself.
    pub fn makes(&self, header: &str) -> bool {
        matches!(self, Self::Aws(_)) && ["x-amz-date", "x-amz-security-token", "x-amz-content-sha256"].contains(&header)
    }

    /// The line of YAML.
    pub fn line(&self, holes: &mut Holes) -> String {
        let written = match self {
            Self::Password { scheme, name } => {
                let (name, password) = pair(name, "basic_password", holes);
                format!("{scheme}: {{ username: {}, password: {} }}", quoted(&name), quoted(&password))
            }
            Self::Aws(aws) => {
                let (key, secret) = pair(&aws.access_key, "aws_secret_key", holes);
                let key = if key.starts_with("{{") { key } else { holes.secret("aws_access_key") };
                let token = if aws.session_token {
                    format!(", session_token: {}", quoted(&holes.secret("aws_session_token")))
                } else {
                    String::new()
                };
                format!(
                    "aws_sigv4: {{ access_key: {}, secret_key: {}{token}, region: {}, service: {} }}",
                    quoted(&key),
                    quoted(&secret),
                    quoted(&aws.region),
                    quoted(&aws.service)
                )
            }
            Self::Oauth1 { method, token } => {
                holes.notes.push(
                    "the command was signed by OAuth 1.0a; it does not hold the secrets by which, so fill them in: docs/schemes.md, oauth1"
                        .to_owned(),
                );
                let mut keys = vec!["consumer_key", "consumer_secret"];
                keys.extend(token.then_some(["token", "token_secret"]).into_iter().flatten());
                let keys =
                    keys.iter().map(|key| format!("{key}: {}, ", quoted(&holes.secret(&format!("oauth_{key}")))));
                format!("oauth1: {{ {}method: {method} }}", keys.collect::<String>())
            }
            Self::Bearer => {
                holes.notes.push(
                    "a bearer token is good for a while only; where it is the service's own, let auth.oauth2 get it: docs/schemes.md"
                        .to_owned(),
                );
                format!("bearer: {{ token: {} }}", quoted(&holes.secret("bearer_token")))
            }
        };
        format!("      auth: {{ {written} }}\n")
    }
}

/// Name and password are the user's when nothing else of the request is, else the service's own.
fn pair(name: &str, secret: &str, holes: &mut Holes) -> (String, String) {
    if holes.password {
        return (holes.fill("basic name", name), holes.secret(secret));
    }
    holes.username = true;
    holes.password = true;
    ("{{user.username}}".to_owned(), "{{user.userPassword}}".to_owned())
}
