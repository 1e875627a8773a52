//! The names of curl's options (man page of curl 8): which take a value, which change nothing that a connector says.
//!
//! An option that is in none of the lists is refused by `curl`; here it is only not known.

/// Without a value; they change what curl shows or how it talks, not what it asks.
const QUIET: &str = "-s --silent -S --show-error -v --verbose -i --include --show-headers -f --fail --fail-with-body \
                     -# --progress-bar -N --no-buffer --compressed -g --globoff -j --http1.1 --http2 -4 -6 -O --path-as-is";

/// With a value, and as quiet.
const QUIET_VALUES: &str =
    "-o --output -w --write-out -c --cookie-jar -D --dump-header --stderr --trace --trace-ascii --retry";

/// With a value that matters.
const VALUES: &str = "-X --request -H --header -d --data --data-ascii --data-raw --data-binary --data-urlencode --json \
                      -F --form --form-string -u --user -b --cookie --url -A --user-agent -e --referer -m --max-time \
                      --connect-timeout --cacert -x --proxy --resolve --oauth2-bearer --aws-sigv4 -E --cert --key";

/// Whether `option` stands alone and changes nothing here.
pub fn is_quiet(option: &str) -> bool {
    listed(QUIET, option)
}

/// Whether a value follows `option`.
pub fn takes_value(option: &str) -> bool {
    listed(VALUES, option) || listed(QUIET_VALUES, option)
}

/// The options of one word, the last with the value that is written to it: `-sXPOST` is `-s` and `-X` with `POST`.
pub fn split(word: &str) -> Vec<(String, Option<String>)> {
    let mut options = Vec::new();
    if word.starts_with("--") {
        options.push((word.to_owned(), None));
        return options;
    }
    for (at, letter) in word.char_indices().skip(1) {
        let option = format!("-{letter}");
        let rest = &word[at + letter.len_utf8()..];
        if takes_value(&option) {
            options.push((option, Some(rest.to_owned()).filter(|rest| !rest.is_empty())));
            break;
        }
        options.push((option, None));
    }
    options
}

fn listed(list: &str, option: &str) -> bool {
    list.split_whitespace().any(|known| known == option)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn short_options_share_a_word() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(split("-sSXPOST"), [("-s".into(), None), ("-S".into(), None), ("-X".into(), some("POST"))]);
        assert_eq!(split("-d"), [("-d".to_owned(), None)]);
        assert_eq!(split("-Hé: ü"), [("-H".to_owned(), some("é: ü"))]);
        assert_eq!(split("--data-raw"), [("--data-raw".to_owned(), None)]);
        assert_eq!(split(&format!("-{}", "s".repeat(100_000))).len(), 100_000);
    }
}
