use http::header::{HeaderMap, HeaderValue};

use super::*;
use crate::context::Variable;
use crate::document::{Path, from_json};
use crate::pattern::Pattern;
use crate::response::source::{CapturePattern, Source};
use crate::response::{Decoding, decode};
use crate::template::{Language, Template};

fn field(path: &str) -> ValueSource {
    ValueSource::Reply(Source::Field(Path::parse(path).unwrap()))
}

fn leaf(source: ValueSource, operator: Operator) -> Condition {
    let test = Test::Compare(source, operator);
    Condition::Leaf(Box::new(Leaf { test, text: String::new(), literal: true }))
}

fn literal(json: &str) -> Operand {
    Operand::Literal(crate::document::from_json(json.as_bytes()).unwrap())
}

/// The truth of `operator` on the field `a` of a JSON reply.
fn on(body: &str, operator: Operator) -> Truth {
    hold(body, &leaf(field("a"), operator), Absent::Unknown)
}

fn hold(body: &str, condition: &Condition, absent: Absent) -> Truth {
    let decoded = decode(&Decoding::default(), Some("application/json"), body.as_bytes());
    let headers = HeaderMap::new();
    let view = ReplyView::new(200, &headers, &decoded, 0);
    condition.holds(Facts { context: &Context::default(), reply: Some(&view), claims: None }, absent)
}

#[test]
fn every_operator_on_every_kind_of_value() {
    use Operator as O;
    use Truth::{False, True, Unknown};
    let equals = |json: &str| O::Equals(literal(json));
    let gt = |json: &str| O::Ordered(Order::Greater, literal(json));
    for (body, operator, expected) in [
        (r#"{"a":200}"#, equals("200"), True),
        (r#"{"a":200.0}"#, equals("2e2"), True),
        (r#"{"a":"200"}"#, equals("200"), True),
        (r#"{"a":200}"#, equals(r#""200""#), True),
        (r#"{"a":"0200"}"#, equals("200"), False),
        (r#"{"a":"200 "}"#, equals("200"), False),
        (r#"{"a":true}"#, equals("true"), True),
        (r#"{"a":"true"}"#, equals("true"), True),
        (r#"{"a":9007199254740993}"#, equals("9007199254740992"), False),
        (r#"{"a":null}"#, equals("null"), True),
        (r#"{"a":null}"#, equals("0"), False),
        (r#"{"a":0}"#, equals("null"), False),
        (r#"{"a":{}}"#, equals("200"), Unknown),
        (r#"{"a":[200]}"#, equals("200"), Unknown),
        (r#"{"b":200}"#, equals("200"), Unknown),
        (r##"{"a":{"#text":"200"}}"##, equals("200"), Unknown),
        (r#"{"a":2}"#, O::In(vec![literal("1"), literal("2")]), True),
        (r#"{"a":3}"#, O::In(vec![literal("1"), literal("2")]), False),
        (r#"{"a":"token ok"}"#, O::Contains(literal(r#""ok""#)), True),
        (r#"{"a":["x","admin"]}"#, O::Contains(literal(r#""admin""#)), True),
        (r#"{"a":["x"]}"#, O::Contains(literal(r#""admin""#)), False),
        (r#"{"a":null}"#, O::Contains(literal(r#""ok""#)), Unknown),
        (r#"{"a":"x"}"#, O::Contains(literal(r#""""#)), Unknown),
        (r#"{"a":"OK done"}"#, O::StartsWith(literal(r#""OK""#)), True),
        (r#"{"a":"not OK"}"#, O::StartsWith(literal(r#""OK""#)), False),
        (r#"{"a":"ab12"}"#, O::Matches(Pattern::parse("^[a-z]+[0-9]+$").unwrap()), True),
        (r#"{"a":{}}"#, O::Matches(Pattern::parse(".").unwrap()), Unknown),
        (r#"{"a":""}"#, O::Exists(true), False),
        (r#"{"a":null}"#, O::Exists(true), False),
        (r#"{"a":0}"#, O::Exists(true), True),
        (r#"{"a":false}"#, O::Exists(true), True),
        (r#"{"b":0}"#, O::Exists(true), False),
        (r#"{"b":0}"#, O::Exists(false), True),
        ("<html>", O::Exists(false), Unknown),
        (r#"{"a":0}"#, O::HasValue(true), False),
        (r#"{"a":-0.00e9}"#, O::HasValue(true), False),
        (r#"{"a":0.01}"#, O::HasValue(true), True),
        (r#"{"a":false}"#, O::HasValue(true), False),
        (r#"{"a":true}"#, O::HasValue(true), True),
        (r#"{"a":null}"#, O::HasValue(true), False),
        (r#"{"a":""}"#, O::HasValue(true), False),
        (r#"{"a":" \t\n\u3000"}"#, O::HasValue(true), False),
        (r#"{"a":"False"}"#, O::HasValue(true), False),
        (r#"{"a":" 0 "}"#, O::HasValue(true), False),
        (r#"{"a":"0e51"}"#, O::HasValue(true), True),
        (r#"{"a":"0000"}"#, O::HasValue(true), True),
        (r#"{"a":"tok"}"#, O::HasValue(true), True),
        (r#"{"a":[]}"#, O::HasValue(true), False),
        (r#"{"a":[null]}"#, O::HasValue(true), True),
        (r#"{"a":{}}"#, O::HasValue(true), False),
        (r#"{"a":{"b":null}}"#, O::HasValue(true), True),
        (r#"{"b":1}"#, O::HasValue(true), False),
        (r#"{"b":1}"#, O::HasValue(false), True),
        (r#"{"a":0}"#, O::HasValue(false), True),
        ("<html>", O::HasValue(true), Unknown),
        ("<html>", O::HasValue(false), Unknown),
        (r#"{"a":5}"#, gt("4.99"), True),
        (r#"{"a":"5"}"#, gt("5"), False),
        (r#"{"a":"5x"}"#, gt("4"), Unknown),
        (r#"{"a":true}"#, gt("0"), Unknown),
        (r#"{"a":null}"#, gt("0"), Unknown),
        (r#"{"a":1}"#, O::Ordered(Order::LessOrEqual, literal("1.0")), True),
    ] {
        let text = format!("{body} {operator:?}");
        assert_eq!(on(body, operator), expected, "{text}");
    }
}

#[test]
fn an_element_has_a_value_when_it_has_text_or_children() {
    for (body, expected) in [
        ("<r><a>t1</a></r>", Truth::True),
        ("<r><a n='1'>t1</a></r>", Truth::True),
        ("<r><a n='1'/></r>", Truth::False),
        ("<r><a n='1'>false</a></r>", Truth::False),
        ("<r><a><b/></a></r>", Truth::True),
        ("<r><a/></r>", Truth::False),
        ("<r/>", Truth::False),
    ] {
        let decoded = decode(&Decoding::default(), Some("application/xml"), body.as_bytes());
        let headers = HeaderMap::new();
        let view = ReplyView::new(200, &headers, &decoded, 0);
        let facts = Facts { context: &Context::default(), reply: Some(&view), claims: None };
        assert_eq!(leaf(field("r.a"), Operator::HasValue(true)).holds(facts, Absent::Unknown), expected, "{body}");
    }
}

/// A cookie that is deleted, empty or of another domain may speak against a login and never for one.
#[test]
fn a_void_cookie_grants_nothing_and_still_denies() {
    use Operator as O;
    use Truth::{False, True, Unknown};
    let equals = || O::Equals(literal(r#""1""#));
    for (field, operator, granting, denying) in [
        ("sid=1", equals(), True, True),
        ("sid=1; Max-Age=0", equals(), Unknown, True),
        ("sid=1; Max-Age=0", O::HasValue(true), False, False),
        ("sid=1; Max-Age=0", O::Exists(false), True, True),
        ("sid=", O::Exists(true), False, False),
        ("sid=", O::HasValue(true), False, False),
        ("sid=", equals(), Unknown, False),
        ("sid=", O::Matches(Pattern::parse("").unwrap()), Unknown, True),
        ("sid=1; Domain=evil.net", equals(), Unknown, True),
        ("sid=1; Domain=evil.net", O::Exists(true), Unknown, True),
        ("sid=1; Domain=evil.net", O::Exists(false), Unknown, False),
        ("sid=1; Domain=evil.net", O::HasValue(true), Unknown, True),
    ] {
        let decoded = decode(&Decoding::default(), None, b"{}");
        let headers = HeaderMap::from_iter([(http::header::SET_COOKIE, HeaderValue::from_static(field))]);
        let view = ReplyView::new(200, &headers, &decoded, 0).from_host(Some("4a.example.com"));
        let facts = Facts { context: &Context::default(), reply: Some(&view), claims: None };
        let name = format!("{field} {operator:?}");
        let condition = leaf(ValueSource::Reply(Source::Cookie("sid".to_owned())), operator);
        assert_eq!(condition.holds(facts, Absent::Unknown), granting, "{name}");
        assert_eq!(condition.holds(facts, Absent::False), denying, "{name}");
    }
}

#[test]
fn beyond_2xx_only_a_way_that_names_the_status_grants() {
    use Truth::{False, True, Unknown};
    let status = |named: &[u16]| {
        Condition::Leaf(Box::new(Leaf { test: Test::Status(named.to_vec()), text: String::new(), literal: true }))
    };
    let not = |term| Condition::Not(Box::new(term));
    let is = |path: &str| leaf(field(path), Operator::Equals(literal("0")));
    let (all, any) = (Condition::All, Condition::Any);
    for (condition, at) in [
        (is("yes"), [True, False, False]),
        (all(vec![not(status(&[500])), is("yes")]), [True, False, False]),
        (not(not(all(vec![status(&[302]), is("yes")]))), [False, False, False]),
        (all(vec![status(&[302]), is("yes")]), [False, True, False]),
        (all(vec![status(&[302]), is("no")]), [False, False, False]),
        (all(vec![status(&[302]), is("missing")]), [False, Unknown, False]),
        (any(vec![all(vec![status(&[302]), is("no")]), is("yes")]), [True, False, False]),
        (any(vec![all(vec![status(&[302]), is("yes")]), is("no")]), [False, True, False]),
        (any(vec![all(vec![status(&[302]), is("missing")]), is("yes")]), [True, Unknown, False]),
        (all(vec![any(vec![status(&[302]), is("yes")]), is("yes")]), [True, True, False]),
        (all(vec![any(vec![status(&[200, 401]), is("no")]), is("yes")]), [True, False, True]),
        (all(vec![is("yes"), all(vec![status(&[302]), is("yes")])]), [False, True, False]),
    ] {
        let decoded = decode(&Decoding::default(), Some("application/json"), br#"{"yes":0,"no":1}"#);
        let headers = HeaderMap::new();
        let text = format!("{condition:?}");
        let success = Some(condition);
        let otherwise = crate::verdict::Otherwise::Reject(crate::verdict::Reason::InvalidCredentials);
        let rules = StepRules {
            reject: Vec::new(),
            unavailable: None,
            more: None,
            pending: None,
            success,
            otherwise,
            declared: false,
        };
        let asked = [200, 302, 401].map(|code| {
            let view = ReplyView::new(code, &headers, &decoded, 0);
            let facts = Facts { context: &Context::default(), reply: Some(&view), claims: None };
            crate::verdict::Rules::success(&Judging::new(&rules, facts)).unwrap()
        });
        // 302 says nothing by itself: what no way that names it is true of is no "no" either.
        let at = [at[0], if at[1] == False { Unknown } else { at[1] }, at[2]];
        assert_eq!(asked, at, "{text}");
    }
}

#[test]
fn not_over_a_missing_field_is_unknown() {
    let not = Condition::Not(Box::new(leaf(field("code"), Operator::Equals(literal("500")))));
    for body in ["{}", "<html>login</html>", "[]", "null", ""] {
        assert_eq!(hold(body, &not, Absent::Unknown), Truth::Unknown, "{body}");
        // The reject mode, where an absent field is false, ends at a `not`.
        assert_eq!(hold(body, &not, Absent::False), Truth::Unknown, "{body}");
    }
}

#[test]
fn a_reject_leaf_without_its_field_is_false_but_not_on_an_unreadable_reply() {
    let row = leaf(field("code"), Operator::Equals(literal("500")));
    assert_eq!(hold("{}", &row, Absent::False), Truth::False);
    assert_eq!(hold("<html>", &row, Absent::False), Truth::Unknown);
}

#[test]
fn a_header_that_occurs_twice_is_unknown() {
    let source = || ValueSource::Reply(Source::Header { name: "x-auth".parse().unwrap(), query: None });
    let condition = leaf(source(), Operator::Equals(literal(r#""ok""#)));
    let decoded = decode(&Decoding::default(), None, b"{}");
    for (values, expected) in
        [(vec!["ok"], Truth::True), (vec!["no"], Truth::False), (vec!["ok", "ok"], Truth::Unknown)]
    {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append("x-auth", HeaderValue::from_static(value));
        }
        let view = ReplyView::new(200, &headers, &decoded, 0);
        let facts = Facts { context: &Context::default(), reply: Some(&view), claims: None };
        assert_eq!(condition.holds(facts, Absent::Unknown), expected);
    }
}

#[test]
fn an_operand_with_holes_is_rendered_once_and_an_empty_one_is_unknown() {
    let mut context = Context::default();
    let decoded = decode(&Decoding::default(), None, br#"{"a":"{{user.userPassword}}"}"#);
    let headers = HeaderMap::new();
    let view = ReplyView::new(200, &headers, &decoded, 0);
    let operand = || Operand::Template(Template::parse("{{user.username}}", &Language::default()).unwrap());
    let condition = leaf(field("a"), Operator::Equals(operand()));
    for (name, expected) in [("zhangsan", Truth::False), ("{{user.userPassword}}", Truth::True), ("", Truth::Unknown)] {
        name.clone_into(&mut context.user.username);
        let facts = Facts { context: &context, reply: Some(&view), claims: None };
        assert_eq!(condition.holds(facts, Absent::Unknown), expected, "{name}");
    }
}

#[test]
fn a_variable_without_a_value_is_unknown() {
    let variable = Variable::parse("steps.login.outcome").unwrap();
    let condition = leaf(ValueSource::Variable(variable), Operator::Equals(literal(r#""more""#)));
    assert_eq!(hold("{}", &condition, Absent::Unknown), Truth::Unknown);
}

#[test]
fn what_patterns_may_not_read_any_more_is_unknown_and_says_why() {
    let context = Context::default();
    let decoded = decode(&Decoding::default(), None, br#"{"a":"ab"}"#);
    let headers = HeaderMap::new();
    let view = ReplyView::new(200, &headers, &decoded, 0);
    let facts = Facts { context: &context, reply: Some(&view), claims: None };
    let matches = leaf(field("a"), Operator::Matches(Pattern::parse("^ab$").unwrap()));
    let group = leaf(ValueSource::Reply(Source::Regex(CapturePattern::parse("(ab)").unwrap())), Operator::Exists(true));
    let filter = leaf(field("$[?@=='ab']"), Operator::Exists(true));
    for condition in [&matches, &group, &filter] {
        assert_eq!(condition.holds(facts, Absent::False), Truth::True);
    }
    assert!(!context.work.spend(u64::MAX));
    let plain = leaf(field("a"), Operator::Exists(true));
    assert_eq!(plain.holds(facts, Absent::False), Truth::True);
    for condition in [&matches, &group, &filter] {
        let mut because = None;
        let truth = condition.evaluate(facts, Absent::False, &mut |seen| because = seen.because);
        assert_eq!(truth, Truth::Unknown);
        assert!(because.is_some_and(|because| because.contains("read")), "it says why");
    }
}

#[test]
fn of_several_nodes_that_fit_a_filter_nothing_is_known() {
    let context = Context::default();
    let text = br#"{"roles":[{"n":"a","on":1},{"n":"b","on":1},{"n":"c","on":0}]}"#;
    let claims = from_json(text).unwrap();
    let decoded = decode(&Decoding::default(), None, text);
    let headers = HeaderMap::new();
    let view = ReplyView::new(200, &headers, &decoded, 0);
    let facts = Facts { context: &context, reply: Some(&view), claims: Some(&claims) };
    let exists = |source, wanted| leaf(source, Operator::Exists(wanted));
    for (path, there) in [
        ("$.roles[?@.on==1].n", Truth::Unknown),
        ("$.roles[?@.on==0].n", Truth::True),
        ("$.roles[?@.on==2].n", Truth::False),
    ] {
        for source in [field, |path: &str| ValueSource::Claim(Path::parse(path).unwrap())] {
            assert_eq!(exists(source(path), true).holds(facts, Absent::False), there, "{path}");
            assert_eq!(exists(source(path), false).holds(facts, Absent::False), !there, "{path}");
        }
    }
    let mut because = None;
    exists(field("$.roles[?@.on==1].n"), true).evaluate(facts, Absent::False, &mut |seen| because = seen.because);
    let wanted = "does not tell field \"$.roles[?@.on==1].n\" (more than one node fits the filter)";
    assert_eq!(because.as_deref(), Some(wanted));
}
