//! "Did you mean": the known word nearest to one that is not known.

use strsim::damerau_levenshtein;

/// Longer words are no slips of the finger, and comparing costs the product of both lengths.
const MAX_WORD: usize = 64;

/// Many words begin with the same two or three letters.
const MIN_BEGINNING: usize = 4;

/// The word of `known` that `word` was probably meant to be: the same but for case, `-` and `_`, or a few slips
/// away (one in short words, a third of the letters in long ones), or the beginning of it; `None` when nothing is near.
pub fn did_you_mean<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    if word.is_empty() || word.len() > MAX_WORD {
        return None;
    }
    let plain = bare(word);
    let slips_allowed = (word.chars().count() / 3).max(1);
    known
        .filter(|candidate| *candidate != word)
        .filter_map(|candidate| {
            let other = bare(candidate);
            let slips = match () {
                () if other == plain => 0,
                () if plain.len() >= MIN_BEGINNING && other.starts_with(&plain) => slips_allowed,
                () => damerau_levenshtein(&plain, &other),
            };
            (slips <= slips_allowed && slips < other.chars().count()).then_some((slips, candidate))
        })
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate.to_owned())
}

/// The word that a help asks for: `did you mean `url`?` is how every place that suggests one says it.
pub fn suggested(help: &str) -> Option<&str> {
    help.strip_prefix("did you mean `")?.strip_suffix("`?")
}

/// What people confuse taken away: case and the way words are joined.
fn bare(word: &str) -> String {
    word.chars().filter(|c| !matches!(c, '-' | '_' | ' ')).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn slips_are_seen_and_strangers_are_not() {
        let known = ["username", "user_fields", "url", "query", "json", "in"];
        let nearest = |word: &str| did_you_mean(word, known.iter().copied());
        assert_eq!(nearest("usrename").as_deref(), Some("username"));
        assert_eq!(nearest("userName").as_deref(), Some("username"));
        assert_eq!(nearest("user-fields").as_deref(), Some("user_fields"));
        assert_eq!(nearest("uri").as_deref(), Some("url"));
        assert_eq!(nearest("jsn").as_deref(), Some("json"));
        assert_eq!(nearest("user_fi").as_deref(), Some("user_fields"));
        assert_eq!(nearest("us"), None);
        assert_eq!(nearest("password"), None);
        assert_eq!(nearest("x"), None);
        assert_eq!(nearest(&"u".repeat(10_000)), None);
    }
}
