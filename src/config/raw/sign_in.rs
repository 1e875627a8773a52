//! `sign_in` of doorward.yaml as it was written.

use super::SecretFrom;
use crate::reading::record::{read_as_word, record, words};
use crate::reading::{NonEmpty, OneOrMany, Spanned, Text, TimeSpan};
use crate::token::KeyUse;

record! {
    /// Sessions that logins leave behind.
    pub struct RawSignIn as "the key `sign_in`" {
        /// One or two keys, 64 hex digits: the first makes tokens, both verify them.
        keys: NonEmpty<SecretFrom>,
        /// The connectors whose logins may open sessions.
        connectors: NonEmpty<RawSignInConnector>,
        /// The login page; none when left out.
        page: Option<RawLoginPage>,
        /// Keys by which access tokens are signed, so that others verify them alone; opaque tokens when left out.
        signing: Option<RawSigning>,
        /// How users are named.
        identity: Option<RawIdentity>,
        /// How long sessions last.
        session: Option<RawSession>,
        /// What is known and wanted, each with its reason.
        acknowledge: Option<RawSignInAcknowledge>,
    }
}

record! {
    /// A connector whose logins may open sessions.
    pub struct RawSignInConnector as "a connector of `sign_in`" {
        /// Its id.
        id: Text,
        /// Its name on the login page; the id when left out.
        label: Option<Text>,
    }
}

record! {
    /// The login page.
    pub struct RawLoginPage as "the key `page`" {
        /// Its address as browsers know it: https, or http on loopback.
        url: Text,
        /// Where to listen for it; not an address of the API.
        listen: OneOrMany<Text>,
        /// Proxies in front of it, whose X-Forwarded-For counts: addresses and CIDRs.
        proxies: Vec<Text>,
        /// The name above it; `Doorward` when left out.
        name: Option<Text>,
        /// `zh-CN`, `en`: the first for browsers that say neither; both when left out.
        languages: Option<OneOrMany<Spanned<RawLang>>>,
    }
}

words! {
    /// A language of the login page.
    pub enum RawLang as "a language" {
        /// Simplified Chinese.
        Chinese = "zh-CN",
        /// English.
        English = "en",
    }
}

record! {
    /// How users are named.
    pub struct RawIdentity as "the key `identity`" {
        /// `plain` (the default with one connector): as the upstream does; `with_connector` (with several): `corp-4a:zhangsan`.
        subject: Option<Spanned<RawSubject>>,
    }
}

words! {
    /// How a subject is written.
    pub enum RawSubject as "a form of subjects" {
        /// As the upstream names it.
        Plain = "plain",
        /// With the connector's id before it.
        WithConnector = "with_connector",
    }
}

record! {
    /// How long sessions last.
    pub struct RawSession as "the key `session`" {
        /// A session that is not used for so long ends; 30m when left out.
        idle: Option<Spanned<TimeSpan>>,
        /// A session ends then, whatever is done; 10h when left out.
        absolute: Option<Spanned<TimeSpan>>,
        /// Sessions of one user; one more ends the oldest. 10 when left out.
        per_user: Option<Spanned<u32>>,
        /// How long an access token is good; 5m when left out.
        access_token: Option<Spanned<TimeSpan>>,
    }
}

record! {
    /// What is known and wanted.
    pub struct RawSignInAcknowledge as "the key `acknowledge`" {
        /// Why a name means the same person at each of several connectors.
        shared_names: Option<Text>,
    }
}

record! {
    /// Access tokens that others verify alone (RFC 9068).
    pub struct RawSigning as "the key `signing`" {
        /// `iss` of the tokens: an https address that is this installation's, such as that of the login page.
        issuer: Text,
        /// `aud` of the tokens: who may take them.
        audience: OneOrMany<Text>,
        /// The keys, of which one signs.
        keys: NonEmpty<RawSigningKey>,
    }
}

record! {
    /// A key that signs, signed or will sign.
    pub struct RawSigningKey as "a signing key" {
        /// Its file, as `doorward key new` writes it.
        file: Text,
        /// `sign`; `next`: published only; `old`: published until its tokens have ended.
        r#use: Spanned<KeyUse>,
        /// When an `old` key is published no more (RFC 3339).
        until: Option<Text>,
    }
}

read_as_word! { KeyUse as "a use of a key" }
