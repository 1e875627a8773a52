//! A pause in a login that asks the user for more.

use super::amount::TimeSpan;
use super::record::{record, words};
use super::scalar::{Spanned, Text};

record! {
    /// A pause that asks the user for more. Its holes see earlier steps.
    pub struct Ask as "an ask" {
        /// What is asked for.
        r#type: Spanned<AskType>,
        /// The message to the user; may hold holes.
        message: Option<Text>,
        /// What the user fills in; the answers are `answer.<name>`.
        fields: Vec<AskField>,
        /// Where the user goes (redirect, push, token_https); may hold holes.
        url: Option<Text>,
        /// With type redirect: what the page sends back, as it names it. `[code, state]` when left out; `[ticket]`, `[oauth_token,
        /// oauth_verifier]`, `[id_token, state]`.
        answers: Vec<Text>,
        /// A picture to show (captcha, QR code): a data or https URL; may hold holes.
        image: Option<Text>,
        /// How long an answer may take; 5m when left out, at most 10m.
        expires_in: Option<Spanned<TimeSpan>>,
        /// How many answers may be tried; 3 when left out.
        attempts: Option<Spanned<u32>>,
        /// Sending the code once more.
        resend: Option<Resend>,
        /// For push: how long the console waits between two polls.
        poll_after: Option<Spanned<TimeSpan>>,
    }
}

words! {
    /// What is asked for.
    pub enum AskType as "a type of ask" {
        /// A code sent to a telephone or a mailbox.
        Sms = "sms",
        /// A code of an authenticator app (RFC 6238).
        Totp = "totp",
        /// A token fetched over HTTPS.
        TokenHttps = "token_https",
        /// The text in a picture.
        Captcha = "captcha",
        /// A confirmation on another device.
        Push = "push",
        /// A login at another page that comes back with `answers`.
        Redirect = "redirect",
        /// A new password.
        RenewPassword = "renew_password",
        /// Anything else.
        Custom = "custom",
    }
}

record! {
    /// One thing that the user fills in.
    pub struct AskField as "a field" {
        /// The name of the answer.
        name: Text,
        /// What the user sees beside it.
        label: Option<Text>,
        /// Whether what is typed may be seen; false when left out.
        echo: Option<Spanned<bool>>,
        /// A regular expression that the whole answer must match before anything is sent.
        pattern: Option<Text>,
    }
}

record! {
    /// Sending the code once more.
    pub struct Resend as "a resend" {
        /// The step that sends it.
        step: Text,
        /// How long the user must wait before.
        after: Option<Spanned<TimeSpan>>,
        /// How often.
        max: Option<Spanned<u32>>,
    }
}
