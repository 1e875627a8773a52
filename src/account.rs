//! Which user names count as one account, and which addresses as one network: the keys of failure counts, and nothing
//! else.
//!
//! Directories compare names after RFC 4518 (LDAP string preparation): width and case are folded, invisible characters
//! dropped, blanks squeezed. Many databases also ignore accents and strokes, and treat digits of all scripts and both
//! kana as equal (the first level of Unicode's collation). If the guard counted spellings, each spelling of a name
//! would give an attacker a fresh count. No name is sent, compared or shown in the folded form. Two accounts that
//! differ only in what is folded share a count.

use std::borrow::Cow;
use std::net::{IpAddr, Ipv6Addr};

use icu_normalizer::DecomposingNormalizerBorrowed;
use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;
use icu_properties::props::{DefaultIgnorableCodePoint, GeneralCategory};
use icu_properties::{CodePointMapData, CodePointSetData};

/// Longest user name that is accepted, in characters. No directory has longer ones (Active Directory: 20 and 256), and
/// every line of log and audit holds one.
pub const MAX_NAME_CHARACTERS: usize = 256;

/// Shown as the name when a packed user name cannot be read, because all of its text may be secret.
pub const UNREADABLE: &str = "‹unreadable›";

/// Longest packed user name that is accepted, in bytes.
pub const MAX_PACKED_BYTES: usize = 8 * 1024;

/// A name as log and audit show it: cut at the limit, with `…` at the end. A login with such a name is refused.
pub fn bounded(name: &str) -> Cow<'_, str> {
    // Every character has a byte, so most names need no counting.
    if name.len() <= MAX_NAME_CHARACTERS {
        return Cow::Borrowed(name);
    }
    match name.char_indices().nth(MAX_NAME_CHARACTERS) {
        None => Cow::Borrowed(name),
        Some(_) => Cow::Owned(name.chars().take(MAX_NAME_CHARACTERS - 1).chain(['…']).collect()),
    }
}

/// Digits of a telephone number with its country (E.164 has 15, and two zeros may stand before them).
const TELEPHONE_DIGITS: std::ops::RangeInclusive<usize> = 8..=17;

/// The last digits, which all spellings of a number share: with and without the country, with and without a leading
/// zero.
const COUNTED_DIGITS: usize = 8;

/// The folded form of a name, the key of its failure counts, sent codes and open challenges. Folding is idempotent.
pub fn folded(name: &str) -> String {
    let folded = if name.is_ascii() {
        squeezed(name.chars().filter(|c| !c.is_control() || c.is_whitespace()).map(|c| c.to_ascii_lowercase()))
    } else {
        let decomposed = DecomposingNormalizerBorrowed::new_nfkd().normalize_iter(name.chars());
        // Lower, upper, lower: `ẞ` becomes `ß`, and `ß` becomes `SS`.
        squeezed(
            decomposed
                .filter(|c| is_seen(*c))
                .flat_map(char::to_lowercase)
                .map(plain)
                .flat_map(char::to_uppercase)
                .flat_map(char::to_lowercase)
                .filter(|c| is_seen(*c)),
        )
    };
    telephone(&folded).unwrap_or(folded)
}

/// The part of an address that one user cannot change: an IPv4 address, the /64 of an IPv6 one.
pub fn network(address: IpAddr) -> IpAddr {
    prefix(address, 4)
}

/// The part of an address that one customer of a provider cannot change: an IPv4 address, the /48 of an IPv6 one (RFC
/// 6177).
pub fn site(address: IpAddr) -> IpAddr {
    prefix(address, 3)
}

fn prefix(address: IpAddr, groups: usize) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let mut segments = v6.segments();
            segments[groups..].fill(0);
            IpAddr::V6(Ipv6Addr::from(segments))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

/// Only stretches an Arabic word, so it is dropped.
const TATWEEL: char = '\u{640}';

/// Letters with a stroke, which normalization does not decompose, and the letters that databases treat as equal.
const STROKES: [(char, char); 12] = [
    ('ø', 'o'),
    ('đ', 'd'),
    ('ł', 'l'),
    ('ħ', 'h'),
    ('ŧ', 't'),
    ('ƶ', 'z'),
    ('ƀ', 'b'),
    ('ǥ', 'g'),
    ('ɨ', 'i'),
    ('ɍ', 'r'),
    ('ɏ', 'y'),
    ('ⱥ', 'a'),
];

/// The representative of all characters that compare as equal to `c`.
fn plain(c: char) -> char {
    match c {
        _ if c.is_ascii() => c,
        'ァ'..='ヶ' => char::from_u32(u32::from(c) - 0x60).unwrap_or(c),
        _ => {
            let stroke = STROKES.iter().find(|(with, _)| *with == c).map(|(_, without)| *without);
            stroke.or_else(|| digit(c)).unwrap_or(c)
        }
    }
}

/// The ASCII digit for a digit of any script; each script has its ten in a row.
fn digit(c: char) -> Option<char> {
    let is_digit = |c: char| CodePointMapData::<GeneralCategory>::new().get(c) == GeneralCategory::DecimalNumber;
    let before = |back: &u32| char::from_u32(u32::from(c) - back).is_some_and(is_digit);
    let value = (1..=9).take_while(before).last().unwrap_or(0);
    is_digit(c).then(|| char::from_digit(value, 10)).flatten()
}

/// False for characters that comparison ignores: controls, zero-width characters, soft hyphen, combining marks.
fn is_seen(c: char) -> bool {
    if c.is_whitespace() {
        return true;
    }
    let category = CodePointMapData::<GeneralCategory>::new().get(c);
    !matches!(category, GeneralCategory::Control | GeneralCategory::Format | GeneralCategory::EnclosingMark)
        && c != TATWEEL
        && !CodePointSetData::new::<DefaultIgnorableCodePoint>().contains(c)
        && CanonicalCombiningClassMapBorrowed::new().get_u8(c) == 0
}

/// Trims blanks at both ends and collapses runs of them into one.
fn squeezed(characters: impl Iterator<Item = char>) -> String {
    let mut text = String::new();
    let mut blank = false;
    for c in characters {
        if c.is_whitespace() {
            blank = !text.is_empty();
        } else {
            if std::mem::take(&mut blank) {
                text.push(' ');
            }
            text.push(c);
        }
    }
    text
}

/// The digits that are counted of a telephone number; `None` if the text is anything else.
fn telephone(text: &str) -> Option<String> {
    // Anything that people and programs write between the digits, but no letter.
    if text.chars().any(|c| c.is_alphabetic() || (c.is_numeric() && !c.is_ascii_digit())) {
        return None;
    }
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    TELEPHONE_DIGITS.contains(&digits.len()).then(|| digits[digits.len() - COUNTED_DIGITS..].to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_spellings_of_one_account_are_one() {
        for (name, spellings) in [
            (
                "alice",
                &[
                    " Alice ",
                    "ALICE",
                    "a\u{ad}lice",
                    "al\u{200b}ice",
                    "\u{feff}alice",
                    "ali\u{200d}ce",
                    "ali\u{2060}ce",
                    "ａｌｉｃｅ",
                    "alice\u{fe0f}",
                    "a\u{e0041}lice",
                    "ali\u{3164}ce",
                    "\u{202e}alice",
                    "álice",
                    "a\u{301}lice",
                    "alice\t",
                    "al\u{1}ice",
                    "ⓐlice",
                    "\u{3000}alice",
                    "ali\u{34f}ce",
                    "ali\u{180e}ce",
                ][..],
            ),
            ("zhang san", &["Zhang  San", "zhang\u{a0}san", "zhang\u{2003}\tsan ", "ｚhang\u{3000}san"]),
            ("strasse", &["Straße", "STRASSE", "straẞe"]),
            ("istanbul", &["İstanbul", "ISTANBUL", "ıstanbul"]),
            ("σωκρατησ", &["Σωκράτης", "ΣΩΚΡΆΤΗΣ"]),
            ("张三", &["张三", " 张\u{200b}三"]),
            (
                "13800138000",
                &[
                    "+86 138-0013-8000",
                    "008613800138000",
                    "１３８００１３８０００",
                    "(138) 0013.8000",
                    "+86\u{2011}13800138000",
                ],
            ),
        ] {
            for spelling in spellings {
                assert_eq!(folded(spelling), folded(name), "{spelling:?}");
            }
        }
    }

    /// What databases compare as the same at the first level of Unicode's collation, and numbers in any dress.
    #[test]
    fn what_a_collation_drops_makes_no_new_account() {
        for (name, spellings) in [
            ("eve7", &["e\u{20dd}v\u{20dd}\u{20dd}e7", "e\u{489}ve7", "eve\u{667}", "eve\u{9ed}", "eve７"][..]),
            ("dolhtz", &["đøłħŧƶ", "ĐØŁĦŦƵ", "do\u{338}lhtz"]),
            ("かなヴ", &["カナヴ", "ｶﾅｳﾞ", "かなゔ"]),
            ("محمد", &["مح\u{640}مد", "محـــمد"]),
            (
                "13800138000",
                &[
                    "138,0013,8000",
                    "138_0013_8000",
                    "138*0013#8000;",
                    "+86:138 0013 8000",
                    "١٣٨٠٠١٣٨٠٠٠",
                    "138·0013·8000",
                    "１３８００１３８０００",
                ],
            ),
        ] {
            for spelling in spellings {
                assert_eq!(folded(spelling), folded(name), "{spelling:?}");
            }
        }
    }

    #[test]
    fn a_name_that_is_too_long_is_cut_where_it_is_written() {
        for (name, written) in [
            ("é".repeat(256), "é".repeat(256)),
            ("é".repeat(257), "é".repeat(255) + "…"),
            ("x".repeat(60_000), "x".repeat(255) + "…"),
            (String::new(), String::new()),
        ] {
            assert_eq!(bounded(&name), written);
        }
    }

    #[test]
    fn different_accounts_stay_different() {
        let names = [
            "alice",
            "alice2",
            "a lice",
            "al-ice",
            "alice@example.com",
            "13800138000",
            "13800138001",
            "张三",
            "张四",
            "1234567",
            "01234567x",
            "110101199003070011",
            "110101199003070012",
            "",
        ];
        for (index, one) in names.iter().enumerate() {
            for other in &names[index + 1..] {
                assert_ne!(folded(one), folded(other), "{one} {other}");
            }
        }
    }

    #[test]
    fn addresses_fold_to_what_one_cannot_change() {
        for (address, network, site) in [
            ("10.0.0.1", "10.0.0.1", "10.0.0.1"),
            ("::ffff:10.0.0.1", "10.0.0.1", "10.0.0.1"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::", "2001:db8:1::"),
        ] {
            let address: IpAddr = address.parse().unwrap();
            assert_eq!(
                (super::network(address).to_string(), super::site(address).to_string()),
                (network.into(), site.into())
            );
        }
    }

    proptest! {
        #[test]
        fn folding_twice_is_folding_once(name in "\\PC{0,20}|[ -~]{0,20}|[+0-9 ()-]{0,24}") {
            let once = folded(&name);
            prop_assert_eq!(folded(&once), once);
        }
    }
}
