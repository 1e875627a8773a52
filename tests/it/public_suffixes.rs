//! The test vectors of the public suffix list: which part of a name somebody can own.

use doorward::cookies::registrable_domain;
use url::Host;

use crate::support::corpora;

#[test]
fn every_vector_of_the_list() {
    let Some(path) = corpora::path("psl/test_psl.txt") else { return };
    let mut run = 0;
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let Some(arguments) = line.strip_prefix("checkPublicSuffix(").and_then(|rest| rest.strip_suffix(");")) else {
            continue;
        };
        let (name, wanted) = arguments.split_once(", ").unwrap();
        let (Some(name), wanted) = (text(name), text(wanted)) else { continue };
        assert_eq!(registrable_domain(&name).map(str::to_owned), wanted, "{line}");
        run += 1;
    }
    assert!(run > 70, "{run}");
}

/// What stands between the quotes, as a URL has a host: lower case, in ASCII.
fn text(argument: &str) -> Option<String> {
    let name = argument.strip_prefix('\'')?.strip_suffix('\'')?;
    // A leading dot is part of some vectors, and no host's.
    Some(Host::parse(name).map_or_else(|_| name.to_owned(), |host| host.to_string()))
}
