//! Side questions: constant answers that no login and no verdict is in.

use http::{HeaderValue, StatusCode, header};

use super::Check;
use super::looks::value;
use crate::document::to_json;
use crate::door::look::{ConsoleAnswer, Reading, SeenReply};
use crate::door::plan::{Also, AskedAt, ConstantReply, Question};
use crate::door::raw::question::RawQuestion;
use crate::door::raw::{AskBody, RawAlso};
use crate::reading::{Constant, Tree, TreeValue};
use crate::request::ReplyParts;

impl Check<'_> {
    pub(super) fn also(&mut self, reading: &Reading, main: &AskedAt) -> Option<Vec<Also>> {
        let mut all: Vec<Option<Also>> = Vec::new();
        let mut places: Vec<AskedAt> = vec![main.clone()];
        for raw in &self.raw.also {
            let also = self.one(raw);
            if let Some(also) = &also {
                if places.iter().any(|known| known.overlaps(&also.at)) {
                    let help = "give each question a path of its own";
                    self.wrong("door-path", &raw.at.place.span, "another question of this door is asked here", help);
                }
                places.push(also.at.clone());
                for reply in std::iter::once(&also.yes).chain(&also.no) {
                    self.may_accept(reading, raw, reply);
                }
            }
            all.push(also);
        }
        all.into_iter().collect()
    }

    fn one(&mut self, raw: &RawAlso) -> Option<Also> {
        let at = self.at(&raw.at);
        let body = raw.at.body.as_ref().map_or(AskBody::None, |body| body.value);
        let when = raw.when.as_ref().map_or(Some(Question::All(Vec::new())), |raw| self.question(raw, body));
        let status = raw.status.as_ref().map_or(Some(200), |status| u16::try_from(status.value).ok());
        let status = status.and_then(|status| StatusCode::from_u16(status).ok()).filter(|it| it.as_u16() >= 200);
        if status.is_none() {
            let span = raw.place.key("status").clone();
            self.wrong("bad-status", &span, "this is no status of a reply", "a final status is 200 to 599");
        }
        let parts = match (&raw.text, &raw.json) {
            (Some(text), None) => text_parts(&text.text),
            (None, Some(tree)) => json_parts(tree),
            (None, None) => Some(ReplyParts::default()),
            (Some(_), Some(_)) => None,
        };
        let no = raw.r#else.as_ref().map(|text| text_parts(&text.text));
        if parts.is_none() || no.as_ref().is_some_and(Option::is_none) {
            let help = "write one of `text` and `json`, without {{holes}}";
            self.wrong("door-body", &raw.place.span, "the answer to a side question is constant", help);
        }
        let status = status?;
        let no = match no {
            Some(parts) => Some(ConstantReply { status, parts: parts? }),
            None => None,
        };
        Some(Also { at: at?, when: when?, yes: ConstantReply { status, parts: parts? }, no })
    }

    fn question(&mut self, raw: &RawQuestion, body: AskBody) -> Option<Question> {
        Some(match raw {
            RawQuestion::All(terms) => {
                let terms: Vec<Option<Question>> = terms.iter().map(|term| self.question(term, body)).collect();
                Question::All(terms.into_iter().collect::<Option<_>>()?)
            }
            RawQuestion::OneOf(source, words) => {
                let words: Vec<Option<String>> = words.iter().map(|word| self.word(word)).collect();
                Question::OneOf(self.source(source, body)?, words.into_iter().collect::<Option<_>>()?)
            }
            RawQuestion::StartsWith(source, start) => {
                Question::StartsWith(self.source(source, body)?, start.text.clone())
            }
        })
    }

    fn word(&mut self, constant: &Constant) -> Option<String> {
        let word = value(constant).scalar_text().map(str::to_owned);
        if word.is_none() {
            self.wrong("bad-operand", constant.span(), "a value of the request is a text", "write the text in quotes");
        }
        word
    }

    /// A console that asks its main question on this path, by a mistake of its configuration, would let everybody in.
    fn may_accept(&mut self, reading: &Reading, raw: &RawAlso, reply: &ConstantReply) {
        let seen = SeenReply::new(reply.status.as_u16(), &reply.parts, reading, false);
        let accepts = reading.answer(reading.judge(&seen)) == ConsoleAnswer::Accepts;
        if accepts && !self.acknowledged("also_accepts") {
            let message = format!("{} would take this answer for an accept", reading.name);
            let help = "a request with a password is refused there; say that the answer is meant: acknowledge: { also_accepts: why }";
            self.wrong("door-also", &raw.place.span, message, help);
        }
    }
}

fn text_parts(text: &str) -> Option<ReplyParts> {
    let content_type = (header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    (!text.contains("{{")).then(|| ReplyParts { headers: vec![content_type], body: text.to_owned().into() })
}

fn json_parts(tree: &Tree) -> Option<ReplyParts> {
    fn has_hole(tree: &Tree) -> bool {
        match &tree.value {
            TreeValue::Text(text) => text.text.contains("{{"),
            TreeValue::List(items) => items.iter().any(has_hole),
            TreeValue::Object(members) => members.iter().any(|(_, member)| has_hole(member)),
            TreeValue::Null | TreeValue::Bool(_) | TreeValue::Number(_) => false,
        }
    }
    let content_type = (header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    (!has_hole(tree)).then(|| ReplyParts { headers: vec![content_type], body: to_json(&tree.to_value()).into() })
}
