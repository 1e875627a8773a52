//! A golden case of a send test, without what the upstream said about a person: every text and number has a stand-in, unless the
//! connector's own rules spell it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Number, json};

use super::last_reply::{StepReply, TestedLogin};
use crate::document::Value;
use crate::edit::{flow, member, quoted};
use crate::yaml::{Node, NodeValue};

/// The user of a recorded case.
const USER: &str = "zhangsan";

/// Why a test cannot become a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoCase {
    #[error("send a test first; what it brings can then be recorded")]
    NothingSent,
    #[error("a login with an answered challenge is not recorded yet; write the case by hand")]
    Answered,
    #[error("only replies that are JSON or a form, and that no script has changed, are recorded for now")]
    Format,
}

/// The case as lines of YAML, the first without its dash.
pub(super) fn case(tested: &TestedLogin, name: &str, root: &Node) -> Result<Vec<String>, NoCase> {
    if tested.answered || tested.verdict == "challenge" {
        return Err(NoCase::Answered);
    }
    if tested.replies.is_empty() {
        return Err(NoCase::NothingSent);
    }
    let mut stand_ins = StandIns::of(root, &tested.username);
    let replies: Vec<String> =
        tested.replies.iter().map(|reply| self::reply(reply, &mut stand_ins)).collect::<Result<_, _>>()?;
    let password = if tested.verdict == "accept" { "right" } else { "wrong" };
    let detail = match (tested.verdict, &tested.detail) {
        ("reject", Some(reason)) => format!(", reason: {reason}"),
        ("unavailable", Some(cause)) => format!(", cause: {cause}"),
        _ => String::new(),
    };
    let mut lines = vec![
        format!("name: {}", quoted(name)),
        format!("user: {{ username: {USER}, userPassword: {password} }}"),
        "replies:".to_owned(),
    ];
    lines.extend(replies.into_iter().map(|reply| format!("  - {reply}")));
    lines.push(format!("expect: {{ verdict: {}{detail} }}", tested.verdict));
    Ok(lines)
}

fn reply(reply: &StepReply, stand_ins: &mut StandIns) -> Result<String, NoCase> {
    let body = match (reply.read_as.as_str(), &reply.document) {
        _ if reply.preprocessed => return Err(NoCase::Format),
        ("JSON", Some(document)) => format!("json: {}", flow(&stand_ins.value(document))),
        ("a form", Some(document)) => format!("form: {}", flow(&stand_ins.value(document))),
        _ => return Err(NoCase::Format),
    };
    let status = if reply.status == 200 { String::new() } else { format!("status: {}, ", reply.status) };
    Ok(format!("{{ {status}{body} }}"))
}

/// What stands for texts, numbers and names of the upstream; equal ones have equal stand-ins.
struct StandIns {
    user: String,
    /// Texts and numbers that the connector's steps spell.
    literals: BTreeSet<String>,
    /// Names that its paths are made of.
    names: BTreeSet<String>,
    texts: BTreeMap<String, String>,
    keys: BTreeMap<String, String>,
    numbers: BTreeMap<String, String>,
}

impl StandIns {
    fn of(root: &Node, user: &str) -> Self {
        let mut literals = BTreeSet::new();
        if let Some(steps) = member(root, "steps") {
            collect(steps, &mut literals);
        }
        let word = |c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-'));
        let names = literals.iter().flat_map(|text| text.split(word)).map(str::to_owned).collect();
        let (texts, keys, numbers) = Default::default();
        Self { user: user.to_owned(), literals, names, texts, keys, numbers }
    }

    /// The depth of a document is bounded by its decoder.
    fn value(&mut self, value: &Value) -> serde_json::Value {
        match value {
            Value::Null => serde_json::Value::Null,
            Value::Bool(yes) => json!(yes),
            Value::Number(number) => self.number(number.as_str()),
            Value::Text(text) => self.text(text).into(),
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(members) => {
                let members: Map<_, _> =
                    members.iter().map(|(name, member)| (self.key(name), self.value(member))).collect();
                members.into()
            }
        }
    }

    fn text(&mut self, text: &str) -> String {
        if text == self.user && !text.is_empty() {
            return USER.to_owned();
        }
        if text.is_empty() || self.literals.contains(text) {
            return text.to_owned();
        }
        let next = self.texts.len() + 1;
        self.texts.entry(text.to_owned()).or_insert_with(|| format!("s{next}")).clone()
    }

    fn key(&mut self, name: &str) -> String {
        if self.names.contains(name) {
            return name.to_owned();
        }
        let next = self.keys.len() + 1;
        self.keys.entry(name.to_owned()).or_insert_with(|| format!("k{next}")).clone()
    }

    /// Another number of as many digits.
    fn number(&mut self, digits: &str) -> serde_json::Value {
        let made = if self.literals.contains(digits) {
            digits.to_owned()
        } else if let Some(known) = self.numbers.get(digits) {
            known.clone()
        } else {
            let length = u32::try_from(digits.len().min(15)).unwrap_or(1);
            let first = 10_u64.pow(length - 1);
            let taken = |number: &String| {
                number == digits || self.literals.contains(number) || self.numbers.values().any(|known| known == number)
            };
            let mut free = (first..).map(|number| number.to_string()).filter(|number| !taken(number));
            let made = free.next().unwrap_or_default();
            self.numbers.insert(digits.to_owned(), made.clone());
            made
        };
        made.parse::<Number>().map_or(serde_json::Value::Null, serde_json::Value::Number)
    }
}

fn collect(node: &Node, literals: &mut BTreeSet<String>) {
    match &node.value {
        NodeValue::Scalar(scalar) => {
            literals.insert(scalar.text.clone());
        }
        NodeValue::List(items) => items.iter().for_each(|item| collect(item, literals)),
        NodeValue::Map(entries) => entries.iter().for_each(|entry| collect(&entry.value, literals)),
        NodeValue::Broken => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::from_json;
    use crate::edit::EditableText;

    const TEXT: &str = "steps:\n  - name: login\n    response: { reject: [ { when: { field: code, equals: 500 }, reason: other } ], \
                        success: { all: [ { field: code, equals: 0 }, { field: data.state, equals: OK } ] }, identity: data.login }\n";

    fn tested(json: &str) -> TestedLogin {
        let reply = StepReply::made_up("login", 401, from_json(json.as_bytes()).unwrap());
        TestedLogin {
            connector: "a".to_owned(),
            username: "wangwu".to_owned(),
            verdict: "reject",
            detail: Some("invalid_credentials".to_owned()),
            answered: false,
            replies: vec![reply],
        }
    }

    #[test]
    fn only_what_rules_spell_is_kept() {
        let json = r#"{"code":500,"data":{"login":"wangwu","state":"OK","token":"canary-token","phone":13812345678,"again":"canary-token",
                       "card":4},"message":"wangwu, hello","ok":true,"none":null,"list":[13812345678]}"#;
        let text = EditableText::read(TEXT).unwrap();
        let lines = case(&tested(json), "a \"case\"", text.root()).unwrap();
        assert_eq!(
            lines,
            [
                r#"name: "a \"case\"""#,
                "user: { username: zhangsan, userPassword: wrong }",
                "replies:",
                r#"  - { status: 401, json: { code: 500, data: { login: "zhangsan", state: "OK", k1: "s1", k2: 10000000000, k3: "s1", k4: 1 }, k5: "s2", k6: true, k7: null, k8: [10000000000] } }"#,
                "expect: { verdict: reject, reason: invalid_credentials }",
            ]
        );
    }

    #[test]
    fn what_cannot_be_recorded_says_why() {
        let text = EditableText::read(TEXT).unwrap();
        let changed = |change: &dyn Fn(&mut TestedLogin)| {
            let mut tested = tested("{}");
            change(&mut tested);
            case(&tested, "x", text.root()).unwrap_err()
        };
        assert_eq!(changed(&|it| it.replies.clear()), NoCase::NothingSent);
        assert_eq!(changed(&|it| it.answered = true), NoCase::Answered);
        assert_eq!(changed(&|it| it.replies[0].preprocessed = true), NoCase::Format);
        assert_eq!(changed(&|it| "an HTML page".clone_into(&mut it.replies[0].read_as)), NoCase::Format);
    }
}
