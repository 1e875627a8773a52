//! Reads a curl command line: which request would curl send?
//!
//! Knows the options with which login requests are written (man page of curl 8). An option that changes the request and
//! is not known is an error, never ignored; one that changes only what curl shows is dropped. Nothing here knows which
//! part is a password.

use anyhow::{Context as _, Result, bail};
use url::Url;

use super::{cmdline, options, shell};

/// The request that a curl command sends.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Curl {
    /// `-X`, or what follows from the rest.
    pub method: String,
    /// Scheme, host and port.
    pub origin: String,
    /// The path, still percent-encoded.
    pub path: String,
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// `-H` and the options that set a header.
    pub headers: Vec<(String, String)>,
    /// `-b` and Cookie headers.
    pub cookies: Vec<(String, String)>,
    /// `-u`, or user and password in the URL.
    pub basic: Option<(String, String)>,
    /// How these go out.
    pub scheme: Scheme,
    /// `--oauth2-bearer`.
    pub bearer: Option<String>,
    /// What is sent.
    pub body: Body,
    /// What a person should know about options that have no counterpart.
    pub notes: Vec<String>,
}

/// How `-u` goes out.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Scheme {
    /// HTTP Basic.
    #[default]
    Basic,
    /// `--digest`.
    Digest,
    /// `--ntlm`.
    Ntlm,
    /// `--aws-sigv4`, with its value.
    AwsSigv4(String),
}

/// A request body.
#[derive(Debug, Default, PartialEq, Eq)]
pub enum Body {
    /// None.
    #[default]
    None,
    /// `-d` and its sisters, joined.
    Data(String),
    /// `-F`: name, value, Content-Type.
    Parts(Vec<(String, String, Option<String>)>),
}

/// What was collected before the parts are put together.
#[derive(Default)]
pub(super) struct Reading {
    curl: Curl,
    method: Option<String>,
    url: Option<String>,
    data: Vec<String>,
    data_in_query: bool,
    head: bool,
    /// A way to authenticate that a connector does not have.
    scheme: Option<String>,
}

/// Reads `command`.
pub fn parse(command: &str) -> Result<Curl> {
    let words = if cmdline::is_windows(command) { cmdline::words(command)? } else { shell::words(command)? };
    let mut words = words.into_iter();
    match words.next() {
        Some(program) if program == "curl" || program.ends_with("/curl") || program == "curl.exe" => {}
        _ => bail!("the command does not begin with curl"),
    }
    let mut reading = Reading::default();
    while let Some(word) = words.next() {
        if !word.starts_with('-') || word == "-" {
            reading.set_url(word)?;
            continue;
        }
        for (option, attached) in options::split(&word) {
            if reading.flag(&option) {
                continue;
            }
            if !options::takes_value(&option) {
                bail!("curl's option {option} is not known here; leave it out if the request works without it");
            }
            let value = attached.or_else(|| words.next());
            reading.option(&option, value.with_context(|| format!("curl's option {option} has no value"))?)?;
        }
    }
    reading.finish()
}

impl Reading {
    /// An option without a value.
    pub(super) fn flag(&mut self, word: &str) -> bool {
        let note = match word {
            "-G" | "--get" => {
                self.data_in_query = true;
                return true;
            }
            "-I" | "--head" => {
                self.head = true;
                return true;
            }
            "-k" | "--insecure" => {
                "curl did not check the certificate (-k). Doorward always does: give transport.tls.ca_file, or \
                 pin_sha256 with what `doorward pin URL` prints."
            }
            "-L" | "--location" => {
                "curl followed redirects (-L). Doorward follows none: write a rule on the status and the Location \
                 header, or a second step."
            }
            "--digest" => {
                self.curl.scheme = Scheme::Digest;
                return true;
            }
            "--ntlm" => {
                self.curl.scheme = Scheme::Ntlm;
                return true;
            }
            "--negotiate" => {
                self.scheme = Some(word.to_owned());
                return true;
            }
            "--anyauth" => {
                "curl asked the server how to authenticate (--anyauth). The connector uses Basic: look at the server's \
                 WWW-Authenticate whether it takes that, or wants `digest`; see request.auth."
            }
            "--basic" => return true,
            _ => return options::is_quiet(word),
        };
        self.curl.notes.push(note.to_owned());
        true
    }

    /// An option with a value.
    pub(super) fn option(&mut self, word: &str, value: String) -> Result<()> {
        match word {
            "-X" | "--request" => self.method = Some(value),
            "--url" => self.set_url(value)?,
            "-H" | "--header" => self.header(&value)?,
            "-A" | "--user-agent" => self.set_header("User-Agent", &value),
            "-e" | "--referer" => self.set_header("Referer", &value),
            "--oauth2-bearer" => self.curl.bearer = Some(value),
            "--aws-sigv4" => self.curl.scheme = Scheme::AwsSigv4(value),
            "-u" | "--user" => self.curl.basic = Some(name_and_password(&value)),
            "-b" | "--cookie" => self.cookies(&value)?,
            "-d" | "--data" | "--data-ascii" | "--data-binary" => {
                no_file(word, &value)?;
                self.data.push(value);
            }
            "--data-raw" => self.data.push(value),
            "--data-urlencode" => self.data.push(urlencoded(&value)?),
            "--json" => {
                no_file(word, &value)?;
                self.set_header("Content-Type", "application/json");
                self.set_header("Accept", "application/json");
                // Several --json are one text; the others are joined with &.
                let before = self.data.pop().unwrap_or_default();
                self.data.push(before + &value);
            }
            "-F" | "--form" => self.part(&value, true)?,
            "--form-string" => self.part(&value, false)?,
            _ => self.surroundings(word, &value),
        }
        Ok(())
    }

    /// Options about the way to the server.
    fn surroundings(&mut self, word: &str, value: &str) {
        let note = match word {
            "--cacert" => format!("curl trusted the CA of {value}: give it as transport.tls.ca_file."),
            "-x" | "--proxy" => "curl used a proxy: see transport.proxy.".to_owned(),
            "--resolve" => "the curl command names the server's address: see transport.resolve.".to_owned(),
            "-m" | "--max-time" | "--connect-timeout" => {
                format!("curl's {word} was {value} seconds: see transport.timeout.")
            }
            "-E" | "--cert" | "--key" => {
                "curl used a client certificate: see transport.tls.client_cert_file.".to_owned()
            }
            _ => return, // a quiet one
        };
        self.curl.notes.push(note);
    }

    pub(super) fn set_url(&mut self, value: String) -> Result<()> {
        if self.url.replace(value).is_some() {
            bail!("the curl command has two URLs; one request is a connector's step");
        }
        Ok(())
    }

    pub(super) fn set_header(&mut self, name: &str, value: &str) {
        self.curl.headers.push((name.to_owned(), value.to_owned()));
    }

    pub(super) fn header(&mut self, written: &str) -> Result<()> {
        if written.starts_with('@') {
            bail!("curl reads headers from a file here; write them out");
        }
        let Some((name, value)) = written.split_once(':') else {
            // `X-Empty;` sends an empty header.
            if let Some(name) = written.strip_suffix(';') {
                self.set_header(name, "");
                return Ok(());
            }
            bail!("a header of the curl command has no colon");
        };
        let (name, value) = (name.trim(), value.trim());
        if name.eq_ignore_ascii_case("cookie") {
            return self.cookies(value);
        }
        if !value.is_empty() {
            self.set_header(name, value); // `Accept:` takes one of curl's own away
        }
        Ok(())
    }

    /// One cookie.
    pub(super) fn cookie(&mut self, name: &str, value: &str) {
        self.curl.cookies.push((name.to_owned(), value.to_owned()));
    }

    fn cookies(&mut self, written: &str) -> Result<()> {
        if !written.contains('=') {
            bail!("curl reads cookies from a file here; write them out as name=value");
        }
        for pair in written.split(';').map(str::trim).filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').context("a cookie of the curl command is not name=value")?;
            self.cookie(name, value);
        }
        Ok(())
    }

    fn part(&mut self, written: &str, special: bool) -> Result<()> {
        let (name, value) = written.split_once('=').context("a part (-F) of the curl command is not name=value")?;
        let (value, content_type) = match value.split_once(";type=") {
            Some((value, content_type)) if special => (value, Some(content_type.to_owned())),
            _ => (value, None),
        };
        if special && value.starts_with(['@', '<']) {
            bail!("curl sends the file of the part `{name}`; a connector cannot");
        }
        let value = value.to_owned();
        match &mut self.curl.body {
            Body::Parts(parts) => parts.push((name.to_owned(), value, content_type)),
            body => *body = Body::Parts(vec![(name.to_owned(), value, content_type)]),
        }
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Curl> {
        let written = self.url.context("the curl command has no URL")?;
        // curl takes a URL without a scheme as http.
        let written = if written.contains("://") { written } else { format!("http://{written}") };
        let url = Url::parse(&written).context("the URL of the curl command cannot be read")?;
        if !matches!(url.scheme(), "http" | "https") {
            bail!("the URL of the curl command is not http or https");
        }
        let mut curl = self.curl;
        // Sent as Basic instead, the password would go in clear to a server that did not ask for it.
        if let Some(scheme) = self.scheme.filter(|_| curl.basic.is_some()) {
            bail!(
                "curl authenticates with {scheme}, which a connector of this version cannot; if the server takes Basic as \
                 well, leave the option out"
            );
        }
        curl.origin = url.origin().ascii_serialization();
        url.path().clone_into(&mut curl.path);
        curl.query = url.query_pairs().into_owned().collect();
        if !url.username().is_empty() && curl.basic.is_none() {
            curl.basic = Some((decoded(url.username()), decoded(url.password().unwrap_or_default())));
        }
        if !self.data.is_empty() {
            let data = self.data.join("&");
            if self.data_in_query {
                curl.query.extend(url::form_urlencoded::parse(data.as_bytes()).into_owned());
            } else if matches!(curl.body, Body::Parts(_)) {
                bail!("the curl command has both -d and -F");
            } else {
                curl.body = Body::Data(data);
            }
        }
        let implied = match curl.body {
            _ if self.head => "HEAD",
            Body::None => "GET",
            _ => "POST",
        };
        curl.method = self.method.take().unwrap_or_else(|| implied.to_owned()).to_ascii_uppercase();
        Ok(curl)
    }
}

fn decoded(text: &str) -> String {
    url::form_urlencoded::parse(format!("x={}", text.replace('+', "%2B")).as_bytes())
        .next()
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

fn name_and_password(written: &str) -> (String, String) {
    let (name, password) = written.split_once(':').unwrap_or((written, ""));
    (name.to_owned(), password.to_owned())
}

fn no_file(word: &str, value: &str) -> Result<()> {
    if value.starts_with('@') {
        bail!("curl reads the body from a file here; write its content behind {word}");
    }
    Ok(())
}

/// `--data-urlencode`: `content`, `=content`, `name=content`.
fn urlencoded(written: &str) -> Result<String> {
    let encode = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    match written.split_once('=') {
        Some(("", content)) => Ok(encode(content)),
        Some((name, content)) if !name.contains('@') => Ok(format!("{name}={}", encode(content))),
        None if !written.contains('@') => Ok(encode(written)),
        _ => bail!("curl reads the data from a file here; write --data-urlencode name=content"),
    }
}
