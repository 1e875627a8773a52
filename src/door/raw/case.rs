//! A golden case of a door, as it was written.

use crate::reading::record::{one_of, record, words};
use crate::reading::{Dict, Parameter, Spanned, Text, Tree};
use crate::verdict::{Cause, Reason};

record! {
    /// A golden case: what the console asks, the verdict, and what must come of it. `doorward check` runs it; nobody is asked.
    pub struct RawCase as "a test" {
        /// What it shows.
        name: Text,
        /// The request, but for the console's own credential.
        ask: RawAsked,
        /// The verdict; left out where the request must come to no login.
        verdict: Option<RawVerdict>,
        /// What must come of it; what is left out is not compared.
        expect: RawExpected,
    }
}

record! {
    /// A console's request.
    pub struct RawAsked as "the key `ask`" {
        /// Parameters of the query.
        query: Dict<Parameter>,
        /// Headers.
        headers: Dict<Parameter>,
        /// Cookies.
        cookies: Dict<Parameter>,
        /// HTTP Basic.
        basic: Option<RawPair>,
        /// A body that is a form.
        form: Option<Dict<Parameter>>,
        /// A body of JSON.
        json: Option<Tree>,
        /// A body of XML.
        xml: Option<Text>,
        /// A body that is a text.
        text: Option<Text>,
    }
}

record! {
    /// Both halves of HTTP Basic.
    pub struct RawPair as "the key `basic`" {
        /// Before the colon.
        username: Text,
        /// Behind it.
        password: Text,
    }
}

one_of! {
    /// What the connector says.
    pub enum RawVerdict as "a verdict" {
        /// The user is who they say they are.
        accept: Accept(RawAccept),
        /// The user is refused.
        reject: Reject(RawReject),
        /// More is wanted.
        challenge: Challenge(RawChallenged),
        /// Undetermined.
        unavailable: Unavailable(RawUnavailable),
        /// Set up wrong.
        misconfigured: Misconfigured(RawMisconfigured),
    }
}

record! {
    /// An accept.
    pub struct RawAccept as "an accept" {
        /// The account that the upstream authenticated.
        subject: Text,
        /// Whether the upstream said it; true when left out.
        named: Option<bool>,
        /// Mapped attributes.
        attributes: Dict<Tree>,
        /// Mapped data.
        extension: Option<Tree>,
    }
}

record! {
    /// A reject.
    pub struct RawReject as "a reject" {
        /// Why.
        reason: Spanned<Reason>,
        /// The mapped message.
        message: Option<Text>,
        /// The mapped code.
        error_code: Option<Text>,
    }
}

record! {
    /// A challenge. Its id is `sample-challenge`.
    pub struct RawChallenged as "a challenge" {
        /// What is asked for; `sms` when left out.
        r#type: Option<Text>,
        /// The message to the user.
        message: Option<Text>,
        /// What the user fills in.
        fields: Vec<RawField>,
        /// A picture.
        image: Option<Text>,
        /// Why the last answer did not do.
        error_message: Option<Text>,
    }
}

record! {
    /// What the user fills in.
    pub struct RawField as "a field" {
        /// Its name.
        name: Text,
        /// What the user sees beside it.
        label: Option<Text>,
        /// Whether what is typed may be seen; false when left out.
        echo: Option<bool>,
    }
}

record! {
    /// Trouble.
    pub struct RawUnavailable as "an unavailable" {
        /// Its cause.
        cause: Spanned<Cause>,
    }
}

record! {
    /// A mistake of whoever set it up.
    pub struct RawMisconfigured as "a misconfigured" {
        /// What is wrong.
        what: Text,
    }
}

record! {
    /// What must come of a request.
    pub struct RawExpected as "an expectation" {
        /// What is read of it.
        login: Option<RawExpectedLogin>,
        /// The reply.
        reply: Option<RawExpectedReply>,
        /// What the console makes of it.
        console: Option<Spanned<ConsoleWord>>,
    }
}

record! {
    /// What is read of a request.
    pub struct RawExpectedLogin as "an expected login" {
        /// The user name.
        username: Option<Text>,
        /// The password.
        password: Option<Text>,
        /// The answer to a question.
        answer: Option<Text>,
        /// The id of the challenge that is answered.
        challenge: Option<Text>,
        /// The console's id of the conversation.
        conversation: Option<Text>,
        /// The address of the user's device; `""`: none.
        client_ip: Option<Text>,
        /// Attributes; those not named are not compared.
        attributes: Dict<Text>,
    }
}

record! {
    /// A reply.
    pub struct RawExpectedReply as "an expected reply" {
        /// The status.
        status: Option<Spanned<u32>>,
        /// Headers; those not named are not compared. `""`: it is not there.
        headers: Dict<Parameter>,
        /// The whole body as JSON.
        json: Option<Tree>,
        /// The whole body as text.
        text: Option<Parameter>,
    }
}

words! {
    /// What a console makes of a reply.
    pub enum ConsoleWord as "what a console makes of a reply" {
        /// It lets the user in.
        Accepts = "accepts",
        /// It refuses, also because of trouble.
        Refuses = "refuses",
        /// It asks the user.
        Asks = "asks",
    }
}
