//! The second layer of redaction: searches what is shown for known credential values in their usual encodings.
//!
//! The first layer is the allow-list of `trace`, which redacts by place; a text is never shown because nothing was
//! found in it here. This layer catches what an upstream echoes in a message that a connector passes on.

use std::collections::HashSet;
use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use zeroize::Zeroizing;

use crate::context::User;
use crate::crypto::digest::{Algorithm, digest};
use crate::document::Value;
use crate::percent;
use crate::secret::Secret;

/// Shown instead of a value.
pub const MASK: &str = "‹secret›";

/// The encodings of longer values are not searched for: no upstream echoes such a password encoded, and thirty
/// encodings of it would take megabytes.
const MAX_ENCODED: usize = 4096;

/// Shorter values are not searched for. They are common in ordinary text, and masking every "123" would reveal the
/// password.
const MIN_LENGTH: usize = 4;

/// Values computed from a credential that are shorter than this are not searched for: they may be ordinary words
/// (`env.type` is `login`).
pub const DERIVED: usize = 8;

/// The shortest number that may be a token. Shorter ones are codes and counts.
pub const NUMBER: usize = 6;

/// A text with this many characters of a secret in a row counts as repeating it.
const RUN: usize = 6;

/// The shortest spelling of a digest: MD5 in base64url without padding.
const MIN_DIGEST: usize = 22;

/// The secret texts of one login.
#[derive(Clone, Default)]
pub struct Mask {
    values: Vec<Secret>,
    /// Encodings without digests. Computed when something is about to be shown, so that a login that waits for its
    /// upstream does not hold thirty encodings of every credential.
    plain: OnceLock<Needles>,
    /// Encodings and digests. Computed when a text is about to be shown that could hold a digest: few do, and five
    /// digests of every credential would be a good part of the cost of a login.
    all: OnceLock<Needles>,
}

/// Longest first, so that a match inside a longer one does not cut it.
type Needles = Vec<Zeroizing<String>>;

impl Mask {
    /// The credentials of `user` and whatever else is secret in this login (answers, connector secrets).
    pub fn new<'a>(user: &'a User, others: impl IntoIterator<Item = &'a Secret>) -> Self {
        let own = std::iter::once(&user.password).chain(user.fields.values());
        let values = own.chain(others).filter(|value| value.expose().chars().count() >= MIN_LENGTH).cloned().collect();
        Self { values, ..Self::default() }
    }

    /// Adds secret texts, such as the user's answers.
    pub fn add<'a>(&mut self, more: impl IntoIterator<Item = &'a Secret>) {
        self.values.extend(more.into_iter().filter(|value| value.expose().chars().count() >= MIN_LENGTH).cloned());
        (self.plain, self.all) = Default::default();
    }

    /// What to search `text` for.
    fn needles(&self, text: &str) -> &Needles {
        let make = |digests: bool| {
            let spelt = self.values.iter().flat_map(|value| {
                let digests = if digests { digests_of(value.expose()) } else { Vec::new() };
                spellings(value.expose()).into_iter().chain(digests)
            });
            let mut needles: Needles = spelt.map(Zeroizing::new).collect();
            needles.sort_by_key(|needle| std::cmp::Reverse(needle.len()));
            needles.dedup();
            needles
        };
        if longest_word(text) < MIN_DIGEST {
            self.plain.get_or_init(|| make(false))
        } else {
            self.all.get_or_init(|| make(true))
        }
    }

    /// What to search `text` for when no encoding of a credential fits into a word of it: the credentials that do, longest
    /// first. `None` when an encoding may fit. Nearly every line of explanation is such a text, and to make a dozen
    /// encodings for it would be a tenth of what a login computes.
    fn unencoded(&self, text: &str) -> Option<Vec<&str>> {
        let longest = longest_word(text);
        if longest >= MIN_DIGEST {
            return None;
        }
        let mut fitting = Vec::new();
        for value in self.values.iter().map(Secret::expose) {
            // Nothing escapes these, so every spelling is one word: the value, or one as long or longer.
            if !value.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) {
                return None;
            }
            if value.len() > longest {
                continue;
            }
            let in_either_case = value.len() >= DERIVED && value.bytes().all(|byte| byte.is_ascii_hexdigit());
            if in_either_case || (value.len() * 4).div_ceil(3) <= longest {
                return None;
            }
            fitting.push(value);
        }
        fitting.sort_by_key(|value| std::cmp::Reverse(value.len()));
        Some(fitting)
    }

    /// `text` with every known spelling of every credential masked.
    pub fn hide(&self, text: &str) -> String {
        let mut shown = text.to_owned();
        if text.len() < MIN_LENGTH {
            return shown;
        }
        let mut hide = |needle: &str| {
            if shown.contains(needle) {
                shown = shown.replace(needle, MASK);
            }
        };
        match self.unencoded(text) {
            Some(values) => values.into_iter().for_each(&mut hide),
            None => self.needles(text).iter().for_each(|needle| hide(needle)),
        }
        shown
    }

    /// Whether `text` and a credential, or one of `more`, share a run of six characters (all of it, if one is shorter);
    /// white space is ignored, case and width are folded. For texts that are shown only if they surely hold no part of
    /// a secret.
    pub fn repeats<'s>(&'s self, text: &str, more: impl IntoIterator<Item = &'s str>) -> bool {
        let mut text = folded(text);
        if text.contains(&'%') {
            let decoded = percent::decode_leniently(text.iter().collect::<String>().as_bytes());
            text.extend(folded(&String::from_utf8_lossy(&decoded)));
        }
        let runs: HashSet<&[char]> = text.windows(RUN).collect();
        let repeats = |secret: &str| {
            let secret = folded(secret);
            let (short, long) = if secret.len() < text.len() { (&secret, &text) } else { (&text, &secret) };
            if short.len() < RUN {
                return short.len() >= MIN_LENGTH && long.windows(short.len()).any(|run| run == short.as_slice());
            }
            secret.windows(RUN).any(|run| runs.contains(run))
        };
        more.into_iter().any(repeats)
            || self.values.iter().any(|value| {
                let value = value.expose();
                repeats(value) || spellings(value).iter().chain(&digests_of(value)).any(|spelt| repeats(spelt))
            })
    }

    /// Whether `text` holds a known spelling of a credential.
    pub fn finds(&self, text: &str) -> bool {
        text.len() >= MIN_LENGTH && self.needles(text).iter().any(|needle| text.contains(needle.as_str()))
    }
}

/// Collects the texts of `value` that are too long for a word, and the numbers that are too long for a code.
pub fn telling<'v>(value: &'v Value, into: &mut Vec<&'v str>) {
    match value {
        Value::Text(text) if text.chars().count() >= DERIVED => into.push(text),
        Value::Number(number) if number.as_str().len() >= NUMBER => into.push(number.as_str()),
        Value::Array(items) => items.iter().for_each(|item| telling(item, into)),
        Value::Object(members) => members.values().for_each(|member| telling(member, into)),
        _ => {}
    }
}

/// A text for comparison: without white space and invisible characters, in lower case, full width as half width.
fn folded(text: &str) -> Vec<char> {
    let narrow = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    };
    let seen =
        |c: &char| !c.is_whitespace() && !matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}');
    text.chars().filter(seen).map(narrow).flat_map(char::to_lowercase).collect()
}

/// The longest run of characters that digests consist of, in hex and both alphabets of base64.
fn longest_word(text: &str) -> usize {
    let part = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'-' | b'_' | b'=');
    text.as_bytes().split(|byte| !part(byte)).map(<[u8]>::len).max().unwrap_or(0)
}

/// The usual encodings of a credential; most passwords have few that differ.
fn spellings(value: &str) -> Vec<String> {
    let bytes = value.as_bytes();
    let mut all = vec![value.to_owned()];
    if bytes.len() > MAX_ENCODED {
        return all;
    }
    // No syntax escapes these.
    if !bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_')) {
        all.extend(escaped(value));
    }
    let base64 = STANDARD.encode(bytes);
    if base64.contains(['+', '/']) {
        all.extend([URL_SAFE.encode(bytes), URL_SAFE_NO_PAD.encode(bytes)]);
    }
    if base64.ends_with('=') {
        all.push(STANDARD_NO_PAD.encode(bytes));
    }
    let hex = hex::encode(bytes);
    all.extend([base64, hex.to_uppercase(), hex]);
    // Hex digests, which servers write in either case.
    if bytes.len() >= DERIVED && bytes.iter().all(u8::is_ascii_hexdigit) {
        all.extend([value.to_ascii_uppercase(), value.to_ascii_lowercase()]);
    }
    all.retain(|spelling| spelling.len() >= MIN_LENGTH);
    all
}

/// A credential as forms, URLs, JSON, XML and pages write it.
fn escaped(value: &str) -> [String; 5] {
    let form: String = url::form_urlencoded::byte_serialize(value.as_bytes()).collect();
    let percent = percent::encode(value.as_bytes());
    let json = crate::document::to_json(&value.into());
    let json = json.trim_matches('"').to_owned();
    let xml = value.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;");
    // The title of a page is shown with its white space folded.
    let folded = value.split_whitespace().collect::<Vec<_>>().join(" ");
    [form, percent, json, xml, folded]
}

/// The usual digests of a credential, as they are usually written.
fn digests_of(value: &str) -> Vec<String> {
    if value.len() > MAX_ENCODED {
        return Vec::new();
    }
    let algorithms = [Algorithm::Md5, Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512, Algorithm::Sm3];
    let spelt = algorithms.into_iter().flat_map(|algorithm| {
        let sum = digest(algorithm, value.as_bytes());
        let hex = hex::encode(&sum);
        [hex.to_uppercase(), hex, STANDARD.encode(&sum), URL_SAFE_NO_PAD.encode(&sum)]
    });
    spelt.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_usual_spelling_is_hidden() {
        let user = User { password: Secret::new("Pa\"ss wörd"), ..User::default() };
        let mask = Mask::new(&user, [&Secret::new("tok-9")]);
        for text in [
            "bad password Pa\"ss wörd!",
            "Pa%22ss+w%C3%B6rd",
            "Pa%22ss%20w%C3%B6rd",
            r#"{"p":"Pa\"ss wörd"}"#,
            "<p>Pa&quot;ss wörd</p>",
            "UGEic3Mgd8O2cmQ=",
            "506122737320 77c3b67264".replace(' ', "").as_str(),
            "token tok-9",
        ] {
            assert!(mask.hide(text).contains(MASK), "{text}");
        }
        assert_eq!(mask.hide("user name or password is wrong"), "user name or password is wrong");
    }

    /// Digests are looked for only in texts that could hold one; wherever one stands, it is such a text.
    #[test]
    fn a_digest_is_hidden_wherever_it_stands() {
        let mask = Mask::new(&User { password: Secret::new("123456"), ..User::default() }, []);
        let digests = digests_of("123456");
        assert!(digests.contains(&"e10adc3949ba59abbe56e057f20f883e".to_owned()));
        assert_eq!(digests.iter().map(String::len).min(), Some(MIN_DIGEST));
        for digest in digests {
            for text in [digest.clone(), format!("md5={digest};"), format!("密{digest}码"), format!("a{digest}b")] {
                assert!(mask.hide(&text).contains(MASK) && mask.finds(&text), "{text}");
            }
        }
    }

    /// The short way finds what the long one finds, whatever stands beside or within a word.
    #[test]
    fn without_encodings_the_same_is_hidden() {
        let pieces = [
            "login",
            " ",
            "equals",
            "abc-d",
            "ABC-D",
            "YWJjLWQ",
            "6162632d64",
            "deadbeef",
            "DEADBEEF",
            "3a4b",
            "(",
            "p w",
        ];
        let mask = |secrets: &[&str]| {
            let secrets: Vec<Secret> = secrets.iter().map(|text| Secret::new(*text)).collect();
            Mask::new(&User::default(), &secrets)
        };
        let masks = [
            mask(&["abc-d"]),
            mask(&["deadbeef"]),
            mask(&["abc-d", "e10adc3949ba59abbe56e057f20f883e", "bc-d"]),
            mask(&["3a4b", "p w"]),
            mask(&[]),
        ];
        let mut short = 0;
        for first in pieces {
            for second in pieces {
                for third in pieces {
                    let text = format!("{first}{second}{third}");
                    for mask in &masks {
                        let mut long = text.clone();
                        for needle in mask.needles(&text) {
                            long = long.replace(needle.as_str(), MASK);
                        }
                        assert_eq!(mask.hide(&text), if text.len() < MIN_LENGTH { text.clone() } else { long });
                        short += usize::from(mask.unencoded(&text).is_some());
                    }
                }
            }
        }
        assert!(short > 1000, "the short way was hardly taken: {short}");
    }

    #[test]
    fn short_values_are_left_alone() {
        let user = User { password: Secret::new("123"), ..User::default() };
        assert_eq!(Mask::new(&user, []).hide("code 123"), "code 123");
    }

    /// Thirty spellings of a password of 64 KiB would be megabytes; itself it is hidden all the same.
    #[test]
    fn a_long_value_is_hidden_as_it_is() {
        let long = "p&ss".repeat(16_000);
        let user = User { password: Secret::new(long.as_str()), ..User::default() };
        let mask = Mask::new(&user, []);
        assert_eq!(mask.hide(&format!("bad {long}!")), format!("bad {MASK}!"));
        assert_eq!(mask.needles(&long).len(), 1);
    }

    #[test]
    fn a_text_that_repeats_a_part_of_a_secret_is_told() {
        let user = User { password: Secret::new("Canary-Passw0rd-密码"), ..User::default() };
        let mask = Mask::new(&user, [&Secret::new("k3y!")]);
        let sum = hex::encode(digest(Algorithm::Md5, "Canary-Passw0rd-密码".as_bytes()));
        for text in [
            "no canary-",
            "CANARY - PASS",
            "ＰＡＳＳｗ０ｒｄ",
            "w0rd-密码 !",
            "bad k3y!",
            "0rd-",
            "100%, %43%41narY",
            "x TOKEN-77 y",
            &sum[8..20],
        ] {
            assert!(mask.repeats(text, ["token-7788"]), "{text}");
        }
        for text in ["Sign in", "统一身份认证平台", "", "401 Unauthorized"] {
            assert!(!mask.repeats(text, ["token-7788"]), "{text}");
        }
    }

    #[test]
    fn hex_is_hidden_in_either_case() {
        let mask = Mask::new(&User::default(), [&Secret::new("E10ADC3949ba59ab")]);
        assert_eq!(mask.hide("e10adc3949ba59ab E10ADC3949BA59AB"), format!("{MASK} {MASK}"));
    }

    /// A page's title reaches us with its white space folded.
    #[test]
    fn folded_white_space_hides_too() {
        let user = User { password: Secret::new("correct  horse\tbattery"), ..User::default() };
        assert_eq!(Mask::new(&user, []).hide("denied correct horse battery"), format!("denied {MASK}"));
    }
}
