//! Golden cases of a door: the request as a console sends it, the verdict as a connector gives it, and what must come of both.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::answer::DoorReply;
use super::draft::RequestDraft;
use super::look::ConsoleAnswer;
use super::plan::Door;
use super::raw::AskBody;
use super::raw::case::{ConsoleWord, RawAsked, RawCase, RawExpectedLogin, RawExpectedReply, RawVerdict};
use super::read::{AskedRound, Credentials, RoundStep, Unasked};
use super::source::{AskedContent, AskedRequest};
use super::values::{Accepted, AskedNames, Said};
use crate::document::{from_json, to_json};
use crate::percent;
use crate::secret::Secret;
use crate::verdict::{
    Challenge, ChallengeError, ChallengeField, Mapped, Misconfigured, Reason, Reject, Unavailable, Verdict,
};

/// The id of every challenge in a case.
const SAMPLE_ID: &str = "sample-challenge";

/// What came of a case.
struct Played {
    read: Result<AskedRound, Unasked>,
    reply: DoorReply,
}

impl Door {
    /// Every way in which `case` came out otherwise than it expects.
    pub fn differences(&self, case: &RawCase) -> Vec<String> {
        match self.play(case) {
            Err(why) => vec![why],
            Ok(played) => {
                let mut found = Vec::new();
                if let Some(expected) = &case.expect.login {
                    login(expected, &played.read, &mut found);
                }
                if let Some(expected) = &case.expect.reply {
                    reply(expected, &played.reply, &mut found);
                }
                if let Some(word) = case.expect.console.as_ref().map(|word| word.value) {
                    console(word, self.heard(&played.reply), &mut found);
                }
                found
            }
        }
    }

    fn play(&self, case: &RawCase) -> Result<Played, String> {
        let request = Written::of(&case.ask, self.at.body)?;
        let content = AskedContent::read(self.at.body, request.body.as_bytes());
        let read = content
            .map_err(Unasked::from)
            .and_then(|body| self.read(&AskedRequest { query: Some(&request.query), headers: &request.headers, body }));
        let username = read.as_ref().map_or_else(|_| String::new(), |round| round.username.clone());
        let names = AskedNames {
            username,
            request_id: "00000000-0000-4000-8000-000000000000".to_owned(),
            token: "0".repeat(32),
        };
        let reply = match (&read, &case.verdict) {
            (Err(why), None) => self.reply_without_verdict(why.kind(), &names),
            (Err(why), Some(_)) => {
                return Err(format!("the request comes to no login: it is {}", why.kind()));
            }
            (Ok(AskedRound { step: RoundStep::AsksForPassword(label), .. }), None) => {
                self.password_question(label, &names)
            }
            (Ok(_), None) => return Err("the request comes to a login, and the case has no `verdict`".to_owned()),
            (Ok(round), Some(verdict)) => self.reply_to_case(round, verdict, &names),
        };
        Ok(Played { read, reply })
    }

    fn reply_to_case(&self, round: &AskedRound, verdict: &RawVerdict, names: &AskedNames) -> DoorReply {
        match verdict {
            RawVerdict::Accept(raw) => {
                let attributes = raw.attributes.iter().map(|(name, tree)| (name.value.clone(), tree.to_value()));
                let extension = raw.extension.as_ref().map(crate::reading::Tree::to_value);
                let mapped = Mapped { extension, attributes: attributes.collect(), ..Mapped::default() };
                let accepted = Accepted {
                    subject: &raw.subject.text,
                    named: raw.named.unwrap_or(true),
                    mapped: &mapped,
                    cookies: Vec::new(),
                    connector: "sample",
                };
                match self.accepts(accepted, names, false).map_err(|instead| instead.verdict) {
                    Ok(reply) => reply,
                    Err(Verdict::Reject(reject)) => self.reply_to(&Said::Reject(&reject), names),
                    Err(Verdict::Misconfigured(why)) => self.reply_to(&Said::Misconfigured(&why), names),
                    Err(_) => self.reply_without_verdict(super::plan::ReplyKind::Misconfigured, names),
                }
            }
            RawVerdict::Reject(raw) => {
                let text = |text: &Option<crate::reading::Text>| text.as_ref().map(|text| text.text.clone());
                let mapped = Mapped {
                    error_message: text(&raw.message),
                    error_code: text(&raw.error_code),
                    ..Mapped::default()
                };
                self.reply_to(&Said::Reject(&Reject { mapped, ..Reject::because(raw.reason.value) }), names)
            }
            RawVerdict::Challenge(raw) => {
                let challenge = challenge(raw);
                match self.asks_or_refuses(&challenge, has_answer(round)) {
                    Some(reject) => self.reply_to(&Said::Reject(&reject), names),
                    None => self.reply_to(&Said::Challenge(&challenge), names),
                }
            }
            RawVerdict::Unavailable(raw) => {
                self.reply_to(&Said::Unavailable(Unavailable::from(raw.cause.value)), names)
            }
            RawVerdict::Misconfigured(raw) => {
                self.reply_to(&Said::Misconfigured(&Misconfigured { what: raw.what.text.clone() }), names)
            }
        }
    }
}

fn has_answer(round: &AskedRound) -> bool {
    matches!(&round.step, RoundStep::Begins(Credentials { answer: Some(_), .. }))
}

fn challenge(raw: &super::raw::case::RawChallenged) -> Challenge {
    let text = |text: &Option<crate::reading::Text>| text.as_ref().map(|text| text.text.clone());
    let field = |raw: &super::raw::case::RawField| ChallengeField {
        name: raw.name.text.clone(),
        label: text(&raw.label),
        echo: raw.echo.unwrap_or(false),
        pattern: None,
    };
    let error = |message| ChallengeError { reason: Reason::MfaFailed, error_code: None, error_message: Some(message) };
    Challenge {
        id: SAMPLE_ID.to_owned(),
        kind: text(&raw.r#type).unwrap_or_else(|| "sms".to_owned()),
        message: text(&raw.message),
        fields: raw.fields.iter().map(field).collect(),
        url: None,
        returns: Vec::new(),
        image: text(&raw.image),
        expires_in: std::time::Duration::from_mins(5),
        attempts_left: 3,
        resend_after: None,
        poll_after: None,
        error: text(&raw.error_message).map(error),
    }
}

/// The request of a case, as it goes over the wire.
struct Written {
    query: String,
    headers: HeaderMap,
    body: String,
}

impl Written {
    fn of(raw: &RawAsked, form: AskBody) -> Result<Self, String> {
        let pairs = |dict: &crate::reading::Dict<crate::reading::Parameter>| {
            let coded = |text: &str| percent::encode(text.as_bytes());
            let one = |(name, value): &(crate::reading::Spanned<String>, crate::reading::Parameter)| {
                format!("{}={}", coded(&name.value), coded(&value.text))
            };
            dict.0.iter().map(one).collect::<Vec<_>>().join("&")
        };
        let mut draft = RequestDraft::default();
        draft.basic(raw.basic.as_ref().map(|pair| (pair.username.text.as_str(), pair.password.text.as_str())));
        let mut headers = draft.headers();
        for (name, value) in raw.headers.iter() {
            let header =
                HeaderName::from_bytes(name.value.as_bytes()).map_err(|_| format!("`{}` is no header", name.value))?;
            let value = HeaderValue::from_bytes(value.text.as_bytes())
                .map_err(|_| format!("the header `{}` cannot hold that", name.value))?;
            headers.append(header, value);
        }
        for (name, value) in raw.cookies.iter() {
            let cookie = HeaderValue::from_bytes(format!("{}={}", name.value, value.text).as_bytes());
            headers.append(
                http::header::COOKIE,
                cookie.map_err(|_| format!("the cookie `{}` cannot hold that", name.value))?,
            );
        }
        let (written, body) = match (&raw.form, &raw.json, &raw.xml, &raw.text) {
            (Some(fields), None, None, None) => (AskBody::Form, pairs(fields)),
            (None, Some(tree), None, None) => (AskBody::Json, to_json(&tree.to_value())),
            (None, None, Some(xml), None) => (AskBody::Xml, xml.text.clone()),
            (None, None, None, Some(text)) => (AskBody::Text, text.text.clone()),
            (None, None, None, None) => (AskBody::None, String::new()),
            _ => return Err("a request has one body".to_owned()),
        };
        if written != form && written != AskBody::None {
            return Err(format!("the body is {written}, and at.body says {form}"));
        }
        Ok(Self { query: pairs(&raw.query), headers, body })
    }
}

fn login(expected: &RawExpectedLogin, read: &Result<AskedRound, Unasked>, found: &mut Vec<String>) {
    let round = match read {
        Ok(round) => round,
        Err(why) => return found.push(format!("nothing is read: the request is {}", why.kind())),
    };
    let (mut password, mut answer, mut challenge) = (None, None, None);
    match &round.step {
        RoundStep::Begins(credentials) => {
            password = Some(credentials.password.expose());
            answer = credentials.answer.as_ref().map(Secret::expose);
        }
        RoundStep::Answers { id, answer: typed } => (challenge, answer) = (Some(id.as_str()), Some(typed.expose())),
        RoundStep::GoesOn(typed) => answer = Some(typed.expose()),
        RoundStep::AsksForPassword(_) => {}
    }
    let address = round.client_ip.map(|address| address.to_string()).unwrap_or_default();
    let mut one = |what: &str, wanted: &Option<crate::reading::Text>, is: Option<&str>| {
        if let Some(wanted) = wanted.as_ref().filter(|wanted| Some(wanted.text.as_str()) != is) {
            found.push(format!("{what} is {is:?}, not {:?}", wanted.text));
        }
    };
    one("the user name", &expected.username, Some(&round.username));
    one("the password", &expected.password, password);
    one("the answer", &expected.answer, answer);
    one("the challenge", &expected.challenge, challenge);
    one("the conversation", &expected.conversation, round.conversation.as_deref());
    one("the address", &expected.client_ip, Some(&address));
    for (name, wanted) in expected.attributes.iter() {
        let is = round.attributes.iter().find(|(known, _)| *known == name.value).map(|(_, value)| value.as_str());
        one(&format!("the attribute {}", name.value), &Some(wanted.clone()), is);
    }
}

fn reply(expected: &RawExpectedReply, reply: &DoorReply, found: &mut Vec<String>) {
    let status = u32::from(reply.status.as_u16());
    if let Some(wanted) = expected.status.as_ref().filter(|wanted| wanted.value != status) {
        found.push(format!("the status is {status}, not {}", wanted.value));
    }
    for (name, wanted) in expected.headers.iter() {
        let of_name = |(header, _): &&(HeaderName, HeaderValue)| header.as_str().eq_ignore_ascii_case(&name.value);
        let is = reply
            .parts
            .headers
            .iter()
            .find(of_name)
            .map_or(String::new(), |(_, value)| String::from_utf8_lossy(value.as_bytes()).into_owned());
        if is != wanted.text {
            found.push(format!("the header {} is {is:?}, not {:?}", name.value, wanted.text));
        }
    }
    let text = String::from_utf8_lossy(&reply.parts.body);
    if let Some(wanted) = &expected.json {
        let wanted = wanted.to_value();
        if from_json(&reply.parts.body).ok().as_ref() != Some(&wanted) {
            found.push(format!("the body is {text}, not {}", to_json(&wanted)));
        }
    }
    if let Some(wanted) = expected.text.as_ref().filter(|wanted| wanted.text != text) {
        found.push(format!("the body is {text:?}, not {:?}", wanted.text));
    }
}

fn console(word: ConsoleWord, answer: ConsoleAnswer, found: &mut Vec<String>) {
    let is = match answer {
        ConsoleAnswer::Accepts => Some(ConsoleWord::Accepts),
        ConsoleAnswer::Refuses => Some(ConsoleWord::Refuses),
        ConsoleAnswer::Asks => Some(ConsoleWord::Asks),
        ConsoleAnswer::LeavesOpen | ConsoleAnswer::Unsure => None,
    };
    if is != Some(word) {
        let is = is.map_or("does something else", ConsoleWord::as_str);
        found.push(format!("the console {is}; expected: {word}"));
    }
}
