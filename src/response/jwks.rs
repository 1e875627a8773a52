//! JWK Sets (RFC 7517), and the one of a connector as it is kept for a while.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use crate::crypto::jws::{Algorithm, VerifyingKey};
use crate::document::{Value, from_json_within};
use crate::verdict::Cause;

/// Keys of a set at most. Servers have two or three.
const MAX_KEYS: usize = 100;

/// What a set may be large on the wire, and as a document.
const MAX_BYTES: usize = 256 << 10;
const MAX_DOCUMENT: usize = 4 << 20;

/// How long a set is good. A key that a server withdraws is believed no longer than this.
const FRESH: Duration = Duration::from_mins(10);

/// How soon an unknown key asks for the set again: a token with a made-up key must not make a request each.
const AGAIN: Duration = Duration::from_secs(30);

/// How soon a set that could not be had is asked for again.
const AFTER_FAILURE: Duration = Duration::from_secs(3);

/// A server that says nothing for so long counts as one that cannot be asked. A login with less time left learns nothing about it.
pub const PATIENCE: Duration = Duration::from_secs(2);

/// A key of a set.
#[derive(Debug, Clone)]
pub struct Jwk {
    pub kid: Option<String>,
    alg: Option<String>,
    pub key: VerifyingKey,
}

impl Jwk {
    /// Whether it verifies by this algorithm, and says no other one.
    pub fn is_for(&self, alg: &str, algorithm: Algorithm) -> bool {
        self.key.fits(algorithm) && self.alg.as_deref().is_none_or(|own| own == alg)
    }
}

/// The keys in the body of a reply. Keys that are not for signatures, or of kinds that are not used here, are passed over.
pub fn read(body: &[u8]) -> Result<Vec<Jwk>, &'static str> {
    if body.len() > MAX_BYTES {
        return Err("it is larger than 256 KiB");
    }
    let document = from_json_within(body, MAX_DOCUMENT).map_err(|_| "it is no readable JSON")?;
    let Some(Value::Array(keys)) = document.get("keys") else { return Err("it has no list `keys`") };
    if keys.len() > MAX_KEYS {
        return Err("it has more than 100 keys");
    }
    let text = |jwk: &Value, name: &str| match jwk.get(name) {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let signs = |jwk: &&Value| text(jwk, "use").is_none_or(|used| used == "sig");
    let read =
        |jwk: &Value| VerifyingKey::of_jwk(jwk).map(|key| Jwk { kid: text(jwk, "kid"), alg: text(jwk, "alg"), key });
    let keys: Vec<Jwk> = keys.iter().filter(signs).filter_map(read).collect();
    // It would stand in for the keys that the server has, for as long as a set is kept.
    if keys.is_empty() { Err("it has no key that signs by an algorithm that is known here") } else { Ok(keys) }
}

/// The sets of one connector: one for each node that has a set of its own.
#[derive(Debug, Default)]
pub struct JwksCaches(Mutex<Vec<(Option<Url>, Arc<JwksCache>)>>);

impl JwksCaches {
    /// The set of `node`; `None` where the file has no nodes. There are as many as the file names.
    pub fn of(&self, node: Option<&Url>) -> Arc<JwksCache> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, cache)) = all.iter().find(|(known, _)| known.as_ref() == node) {
            return Arc::clone(cache);
        }
        let cache = Arc::<JwksCache>::default();
        all.push((node.cloned(), Arc::clone(&cache)));
        cache
    }
}

/// A set as it is kept, shared by the logins of a connector. Nothing of a user is in it.
#[derive(Debug, Default)]
pub struct JwksCache {
    kept: Mutex<Kept>,
    /// One request at a time.
    pub flight: tokio::sync::Mutex<()>,
}

#[derive(Debug, Default)]
struct Kept {
    keys: Option<(Arc<[Jwk]>, Instant)>,
    asked: Option<Instant>,
    failed: Option<(KeysFault, Instant)>,
}

/// What a login wants of the set.
#[derive(Debug, Clone, Copy)]
pub enum WantedKeys<'w> {
    /// The key of this identifier; any, for a token that names none.
    Key(Option<&'w str>),
    /// Other keys than these, of which none made its token's signature: a server may replace a key under its old name.
    Newer(&'w Arc<[Jwk]>),
}

/// Why a set cannot be had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeysFault {
    pub cause: Cause,
    pub explain: String,
}

/// What the cache says about a key.
#[derive(Debug, Clone)]
pub enum Cached {
    /// These keys; the one that was asked for may not be among them.
    Keys(Arc<[Jwk]>),
    /// The server could not be asked a moment ago.
    Failed(KeysFault),
    /// Ask the server.
    Ask,
}

impl JwksCache {
    /// What there is of what is wanted.
    pub fn look_up(&self, wanted: WantedKeys<'_>, now: Instant) -> Cached {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let within = |since: Instant, span: Duration| now.saturating_duration_since(since) < span;
        if let Some((keys, since)) = kept.keys.as_ref().filter(|(_, since)| within(*since, FRESH)) {
            let there = match wanted {
                WantedKeys::Key(kid) => kid.is_none_or(|kid| keys.iter().any(|key| key.kid.as_deref() == Some(kid))),
                WantedKeys::Newer(old) => !Arc::ptr_eq(old, keys),
            };
            if there || within(kept.asked.unwrap_or(*since), AGAIN) {
                return Cached::Keys(Arc::clone(keys));
            }
        }
        match &kept.failed {
            Some((fault, since)) if within(*since, AFTER_FAILURE) => Cached::Failed(fault.clone()),
            _ => Cached::Ask,
        }
    }

    /// Keeps what the server said.
    pub fn keep(&self, result: Result<Arc<[Jwk]>, KeysFault>, now: Instant) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.asked = Some(now);
        match result {
            Ok(keys) => {
                kept.keys = Some((keys, now));
                kept.failed = None;
            }
            Err(fault) => kept.failed = Some((fault, now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","kid":"a"}"#;

    #[test]
    fn keys_that_are_not_for_signatures_are_passed_over() {
        let oct = r#"{"kty":"oct","k":"c2VjcmV0","kid":"b"}"#;
        let encrypts = KEY.replace("\"kid\"", "\"use\":\"enc\",\"kid\"");
        let keys = read(format!("{{\"keys\":[{oct},{encrypts},{KEY},7]}}").as_bytes()).unwrap();
        assert_eq!(keys.iter().map(|key| key.kid.as_deref()).collect::<Vec<_>>(), [Some("a")]);
        let other = KEY.replace("\"kid\"", "\"alg\":\"Ed448\",\"kid\"");
        let keys = read(format!("{{\"keys\":[{other}]}}").as_bytes()).unwrap();
        assert!(!keys[0].is_for("EdDSA", Algorithm::EdDsa) && !keys[0].is_for("Ed448", Algorithm::Es256));
    }

    fn down() -> KeysFault {
        KeysFault { cause: Cause::Connect, explain: "down".to_owned() }
    }

    #[test]
    fn what_is_no_set_is_refused() {
        let many = format!("{{\"keys\":[{}]}}", vec![KEY; 101].join(","));
        let large = format!("{{\"x\":\"{}\",\"keys\":[]}}", "x".repeat(MAX_BYTES));
        for body in [
            "",
            "[]",
            "{}",
            "{\"keys\":{}}",
            "<html>",
            "{\"keys\":[],\"keys\":[]}",
            "{\"keys\":[]}",
            "{\"keys\":[{},null,1]}",
            &many,
            &large,
        ] {
            assert!(read(body.as_bytes()).is_err(), "{}", &body[..body.len().min(40)]);
        }
    }

    #[test]
    fn an_unknown_key_asks_again_and_not_each_time() {
        let cache = JwksCache::default();
        let keys: Arc<[Jwk]> = read(format!("{{\"keys\":[{KEY}]}}").as_bytes()).unwrap().into();
        let asks = |kid: Option<&str>, now: Instant| matches!(cache.look_up(WantedKeys::Key(kid), now), Cached::Ask);
        let start = Instant::now();
        assert!(asks(Some("a"), start));
        cache.keep(Ok(Arc::clone(&keys)), start);
        assert!(!asks(Some("a"), start) && !asks(None, start) && !asks(Some("b"), start), "it was asked for just now");
        let later = start + AGAIN;
        assert!(!asks(Some("a"), later) && !asks(None, later) && asks(Some("b"), later));
        cache.keep(Ok(keys), later);
        assert!(!asks(Some("b"), later), "once in a while");
        let old = later + FRESH;
        assert!(asks(Some("a"), old), "a set is not good for ever");
        cache.keep(Err(down()), old);
        assert!(
            matches!(cache.look_up(WantedKeys::Key(Some("a")), old), Cached::Failed(_)),
            "nor asked for by every login"
        );
        assert!(asks(Some("a"), old + AFTER_FAILURE));
    }

    /// A server that replaced its key and kept the name, or has no names.
    #[test]
    fn keys_that_do_not_verify_ask_again_and_not_each_time() {
        let cache = JwksCache::default();
        let set = || -> Arc<[Jwk]> { read(format!("{{\"keys\":[{KEY}]}}").as_bytes()).unwrap().into() };
        let (old, new, start) = (set(), set(), Instant::now());
        cache.keep(Ok(Arc::clone(&old)), start);
        assert!(
            matches!(cache.look_up(WantedKeys::Newer(&old), start), Cached::Keys(keys) if Arc::ptr_eq(&keys, &old))
        );
        let later = start + AGAIN;
        assert!(matches!(cache.look_up(WantedKeys::Newer(&old), later), Cached::Ask));
        cache.keep(Ok(Arc::clone(&new)), later);
        assert!(
            matches!(cache.look_up(WantedKeys::Newer(&old), later), Cached::Keys(keys) if Arc::ptr_eq(&keys, &new))
        );
        assert!(
            matches!(cache.look_up(WantedKeys::Newer(&new), later), Cached::Keys(keys) if Arc::ptr_eq(&keys, &new))
        );
        // A refresh that failed takes nothing away.
        let failed = later + AGAIN;
        cache.keep(Err(down()), failed);
        assert!(matches!(cache.look_up(WantedKeys::Key(Some("a")), failed), Cached::Keys(_)));
        assert!(
            matches!(cache.look_up(WantedKeys::Newer(&new), failed), Cached::Keys(_)),
            "and is not tried each time"
        );
    }

    #[test]
    fn each_node_has_its_own_set() {
        let caches = JwksCaches::default();
        let [a, b] = ["https://a.example.com", "https://b.example.com"].map(|node| node.parse::<Url>().unwrap());
        assert!(Arc::ptr_eq(&caches.of(Some(&a)), &caches.of(Some(&a))));
        assert!(!Arc::ptr_eq(&caches.of(Some(&a)), &caches.of(Some(&b))));
        assert!(!Arc::ptr_eq(&caches.of(None), &caches.of(Some(&b))));
    }
}
