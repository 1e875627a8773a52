//! What people and programs are told of a rule that holds by what its leaves do not say.

use super::upstream::Upstream;
use super::{BY_ID, LOGIN, place, send_test};

/// A rule with a `not` and with alternatives is true while leaves of it are false: the rule has a line of its own then.
#[tokio::test]
async fn a_rule_that_differs_from_its_leaves_says_its_own_truth() {
    let upstream = Upstream::start().await;
    let written = "success: { all: [ { field: code, equals: 200 }, { field: result.token, exists: true } ] }";
    let success = "success: { all: [ { field: code, equals: 200 }, { not: { field: code, equals: 500 } } ] }";
    let place = place(&LOGIN.replace("BASE", &upstream.origin).replace(written, success));
    let done = send_test(place.path(), &BY_ID, "right").await;
    let told: Vec<&str> = done.out.lines().skip_while(|line| !line.starts_with("  success")).take(3).collect();
    assert_eq!(
        told,
        [
            "  success        true",
            "               > true   field \"code\" equals 200  it is 200",
            "               > false  field \"code\" equals 500  it is 200",
        ],
        "{}",
        done.out
    );
    let json = send_test(place.path(), &[&BY_ID[..], &["--json"]].concat(), "right").await.json();
    let rule = &json["trace"][0]["rules"][1];
    assert_eq!((&rule["rule"], &rule["truth"]), (&"success".into(), &"true".into()));
    assert_eq!(json["explain"], "login: field \"code\" equals 200 (it is 200) (HTTP 200)");
}

/// What decided stands in the line, be it under `not`.
#[tokio::test]
async fn explain_names_the_leaf_under_not() {
    let upstream = Upstream::start().await;
    let written = "success: { all: [ { field: code, equals: 200 }, { field: result.token, exists: true } ] }";
    let success = "success: { all: [ { field: code, equals: 200 }, { not: { field: result.level, equals: 3 } } ] }";
    let place = place(&LOGIN.replace("BASE", &upstream.origin).replace(written, success));
    let done = send_test(place.path(), &[&BY_ID[..], &["--json"]].concat(), "right").await.json();
    assert_eq!(
        done["explain"],
        "login: no rule is true: `success` does not hold and no `reject` row fits: under `not`: field \"result.level\" equals 3 (it is 3) \
         (HTTP 200); error_code: \"200\"; error_message: \"登录成功\""
    );
}
