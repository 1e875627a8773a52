//! The target of a redirect that was no answer, for the explain line. Doorward does not follow it: an administrator
//! needs to know which URL to write instead.
//!
//! Origin and path are shown, never the query. A path segment that holds a value of the login, or one that is too long
//! for a name and may be a ticket, is replaced.

use http::header::LOCATION;
use url::Url;

use super::conceal;
use super::state::Run;
use super::stop::{Ending, Stop};
use crate::connector::Step;
use crate::mask::MASK;
use crate::request::RequestPlan;
use crate::upstream::Reply;

/// A longer origin or path is not shown: cut, it could end within a credential, which would then not be found and
/// hidden.
const MAX_PATH: usize = 120;

/// Segments of paths that people name are shorter; tickets and ids of sessions are longer.
const MAX_SEGMENT: usize = 24;

/// Appends the redirect's target to an undecided reply's line.
pub(super) fn append(mut stop: Stop, target: Option<String>) -> Stop {
    if matches!(stop.ending, Ending::Unavailable(_))
        && let Some(target) = target
    {
        stop.explain.push_str("; ");
        stop.explain.push_str(&target);
    }
    stop
}

/// `it leads to …`, and what to write when only a slash, the scheme or the host differs. `None` for a reply that leads
/// nowhere.
pub(super) fn describe(step: &Step, run: &Run<'_>, reply: &Reply, asked: &Url) -> Option<String> {
    if !(300..400).contains(&reply.status) {
        return None;
    }
    let mut fields = reply.headers.get_all(LOCATION).iter();
    let location = fields.next()?;
    let target = std::str::from_utf8(location.as_bytes()).ok().and_then(|text| asked.join(text.trim()).ok());
    let target = target.filter(|url| matches!(url.scheme(), "http" | "https") && fields.next().is_none());
    let Some(target) = target else { return Some("it leads to no address of HTTP".to_owned()) };
    let origin = origin_of(&target);
    let elsewhere = Some(origin.as_str()).filter(|origin| *origin != origin_of(asked));
    let secret = |words: &str| conceal::repeats(step, run, words);
    if elsewhere.is_some_and(secret) {
        return Some("it leads to an address whose name repeats something secret".to_owned());
    }
    let path = path_of(&target, &sent_segments(step.request.as_ref()?, run), &secret);
    let there =
        if origin.len() > MAX_PATH { "an address with a long name".to_owned() } else { format!("{origin}{path}") };
    Some(format!("it leads to {there}{}", advice(asked, &target)))
}

fn origin_of(url: &Url) -> String {
    url.origin().ascii_serialization()
}

fn advice(asked: &Url, target: &Url) -> String {
    let slash = match (asked.path(), target.path()) {
        (from, to) if from == to => "",
        (from, to) if to.strip_suffix('/') == Some(from) => "with a slash at its end",
        (from, to) if from.strip_suffix('/') == Some(to) => "without the slash at its end",
        _ => return ", and Doorward follows no redirect".to_owned(),
    };
    let (from, to) = (origin_of(asked), origin_of(target));
    match (from == to, slash) {
        (true, "") => ", the same address again".to_owned(),
        (true, slash) => format!(", the same address {slash}: write it so under `url`"),
        (false, _) if to.len() > MAX_PATH => String::new(),
        (false, "") => format!(", the same path: write {to} in place of {from}"),
        (false, slash) => format!(", the same path {slash}: write it so under `url`, and {to} in place of {from}"),
    }
}

/// The path without parameters of segments (`;jsessionid=…`). What is left is percent-encoded, so it has no control
/// characters.
fn path_of(target: &Url, sent: &PathHoles, secret: &dyn Fn(&str) -> bool) -> String {
    let whole = String::from_utf8_lossy(&percent_decoded(target.path())).replace('/', "");
    let repeats = secret(&whole);
    let repeated = |decoded: &[u8]| repeats && secret(&String::from_utf8_lossy(decoded));
    // What no segment repeats by itself is cut by a slash.
    let cut = repeats && !whole_segments(target).iter().any(|decoded| repeated(decoded));
    if matches!(sent, PathHoles::Unknown) || cut || target.path().len() > MAX_PATH {
        return if target.path() == "/" { "/".to_owned() } else { "/…".to_owned() };
    }
    let shown = |segment: &str| {
        let name = segment.split(';').next().unwrap_or(segment).to_owned();
        let decoded = percent_decoded(&name);
        if sent.has(&decoded) {
            "‹value›".to_owned()
        } else if repeated(&decoded) {
            MASK.to_owned()
        } else if name.len() > MAX_SEGMENT {
            "…".to_owned()
        } else {
            name
        }
    };
    target.path().split('/').map(shown).collect::<Vec<_>>().join("/")
}

fn whole_segments(target: &Url) -> Vec<Vec<u8>> {
    target.path().split('/').map(percent_decoded).collect()
}

fn percent_decoded(segment: &str) -> Vec<u8> {
    crate::crypto::encoding::url_decode(segment).unwrap_or_else(|_| segment.as_bytes().to_vec())
}

/// The segments of the request's own path that the file does not write.
enum PathHoles {
    Segments(Vec<Vec<u8>>),
    /// The whole path came from elsewhere.
    Unknown,
}

impl PathHoles {
    /// Whether a decoded segment holds one of them.
    fn has(&self, segment: &[u8]) -> bool {
        let Self::Segments(values) = self else { return true };
        values.iter().any(|value| !value.is_empty() && segment.windows(value.len()).any(|part| part == value))
    }
}

fn sent_segments(plan: &RequestPlan, run: &Run<'_>) -> PathHoles {
    let node = run.node(plan);
    let Ok(parts) = plan.shape(&run.context, node.as_ref()) else { return PathHoles::Unknown };
    let mut values = Vec::new();
    for part in parts.iter().filter(|part| part.place == "path" && !part.variables.is_empty()) {
        if part.name == "url" {
            return PathHoles::Unknown;
        }
        // Compared with what comes back, so that it is not shown.
        values.push(percent_decoded(&String::from_utf8_lossy(part.reveal())));
    }
    PathHoles::Segments(values)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn what_to_write() {
        let asked = url("http://4a.example.com/api/login?p=x");
        for (location, wanted) in [
            ("/api/login/", ", the same address with a slash at its end: write it so under `url`"),
            ("login/?p=x", ", the same address with a slash at its end: write it so under `url`"),
            ("", ", the same address again"),
            (
                "https://4a.example.com/api/login",
                ", the same path: write https://4a.example.com in place of http://4a.example.com",
            ),
            (
                "http://4a.example.com:8080/api/login",
                ", the same path: write http://4a.example.com:8080 in place of http://4a.example.com",
            ),
            (
                "//sso.example.com/api/login/",
                ", the same path with a slash at its end: write it so under `url`, and http://sso.example.com in place of http://4a.example.com",
            ),
            ("/login", ", and Doorward follows no redirect"),
        ] {
            assert_eq!(advice(&asked, &asked.join(location).unwrap()), wanted, "{location}");
        }
        let slashed = url("https://x/a/");
        assert!(advice(&slashed, &url("https://x/a")).contains("without the slash at its end"));
    }

    #[test]
    fn a_path_shows_no_value_and_no_ticket() {
        let sent = PathHoles::Segments(vec![b"hunter2".to_vec(), "李四".as_bytes().to_vec()]);
        let long = format!("/{}", "a/".repeat(100));
        for (path, wanted) in [
            ("/api/login/", "/api/login/"),
            ("/api/login;jsessionid=8f14e45f/x", "/api/login/x"),
            ("/users/hunter2/", "/users/‹value›/"),
            ("/users/%68unter2!", "/users/‹value›"),
            ("/users/李四", "/users/‹value›"),
            ("/e/my%63anary/x", "/e/‹secret›/x"),
            ("/e/can/ary/x", "/…"),
            ("/t/ST-1-aaaaaaaaaaaaaaaaaaaaaaaaaa-cas/x", "/t/…/x"),
            ("/a\u{1}b", "/a%01b"),
            (&long, "/…"),
        ] {
            let target = url("https://user:secret@x.example/").join(path).unwrap();
            assert_eq!(path_of(&target, &sent, &|words: &str| words.contains("canary")), wanted, "{path}");
            assert_eq!(origin_of(&target), "https://x.example");
        }
        assert_eq!(path_of(&url("https://x/a/b"), &PathHoles::Unknown, &|_| false), "/…");
    }
}
