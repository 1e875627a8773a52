//! Every verdict with hostile words in it, and what the console makes of the reply: beside the proof, which knows holes and no values.

use super::answer::DoorReply;
use super::draft::HOSTILE;
use super::look::ConsoleAnswer;
use super::plan::{Door, ReplyKind};
use super::values::{Accepted, AskedNames, Said};
use crate::document::Value;
use crate::verdict::{Cause, Challenge, ChallengeField, Mapped, Misconfigured, Reason, Reject, Unavailable};

impl Door {
    /// Replies that the console would take for something else than they say; none of a door that was proved.
    pub fn strays(&self) -> Vec<String> {
        let mut found = Vec::new();
        for text in HOSTILE {
            self.with_words(text, &mut found);
        }
        for cause in Cause::ALL {
            let reply = self.reply_to(&Said::Unavailable(Unavailable::from(*cause)), &AskedNames::default());
            self.look_at(&reply, ReplyKind::Unavailable, cause.as_str(), &mut found);
        }
        for kind in [ReplyKind::Anonymous, ReplyKind::Malformed, ReplyKind::Stranger] {
            let reply = self.reply_without_verdict(kind, &AskedNames::default());
            self.look_at(&reply, kind, "", &mut found);
        }
        found
    }

    fn with_words(&self, text: &str, found: &mut Vec<String>) {
        let names = AskedNames { username: text.to_owned(), request_id: "r".to_owned(), token: "t".to_owned() };
        let value = || Value::from(text);
        let wanted = self.replies.of(ReplyKind::Accept).iter().flat_map(|row| row.plan.uses());
        let mut attributes = Vec::new();
        for name in wanted.flat_map(|used| used.hole.variables()).map(ToString::to_string) {
            attributes.extend(name.strip_prefix("accept.attributes.").map(|name| (name.to_owned(), value())));
        }
        let mapped = Mapped {
            error_code: Some(text.to_owned()),
            error_message: Some(text.to_owned()),
            extension: Some(value()),
            attributes,
        };
        let said = text.to_owned();
        let accepted = Accepted { subject: text, named: true, mapped: &mapped, cookies: vec![text], connector: "c" };
        // One that cannot be written is refused before, and never another accept.
        if let Ok(reply) = self.accepts(accepted, &names, false) {
            self.look_at(&reply, ReplyKind::Accept, text, found);
        }
        for reason in Reason::ALL {
            let reject = Reject { mapped: mapped.clone(), ..Reject::because(*reason) };
            let reply = self.reply_to(&Said::Reject(&reject), &names);
            self.look_at(&reply, ReplyKind::Reject, &format!("{reason} {text}"), found);
        }
        let reply = self.reply_to(&Said::Challenge(&challenge(text)), &names);
        self.look_at(&reply, ReplyKind::Challenge, text, found);
        let reply = self.reply_to(&Said::Misconfigured(&Misconfigured { what: said }), &names);
        self.look_at(&reply, ReplyKind::Misconfigured, text, found);
    }

    fn look_at(&self, reply: &DoorReply, kind: ReplyKind, words: &str, found: &mut Vec<String>) {
        let is_meant = match (kind, self.heard(reply)) {
            (ReplyKind::Accept, answer) => answer == ConsoleAnswer::Accepts,
            (ReplyKind::Challenge, ConsoleAnswer::Asks) => self.challenge.carried.is_some(),
            (_, answer) => answer == ConsoleAnswer::Refuses,
        };
        if !is_meant {
            found.push(format!("the reply for {kind} with {words:?}"));
        }
    }
}

fn challenge(text: &str) -> Challenge {
    let said = Some(text.to_owned());
    Challenge {
        id: "c2FtcGxl".to_owned(),
        kind: "sms".to_owned(),
        message: said.clone(),
        fields: vec![ChallengeField { name: "code".to_owned(), label: said.clone(), echo: true, pattern: None }],
        url: said.clone(),
        returns: Vec::new(),
        image: said,
        expires_in: std::time::Duration::from_mins(1),
        attempts_left: 1,
        resend_after: None,
        poll_after: None,
        error: None,
    }
}
