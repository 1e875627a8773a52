//! Protocols of more than one request: second factors, forced renewals, pages with forms, tickets, tokens of apps.
//!
//! Each keeps what such servers keep between two requests (whose login is open, which code was sent, until when) and is
//! as strict about it: a ticket is its user's, a code is good once and for a time, wrong answers are counted.

mod app_tokens;
mod aws;
mod captcha;
mod cas;
mod digest;
mod dingtalk;
mod implicit;
mod intranet;
mod ntlm;
mod oauth1;
mod oidc;
mod open;
mod otp;
pub(super) mod phone;
mod picture;
mod public_keys;
mod push;
mod renewal;
mod sealed;
mod signed;
mod sms;
mod spring;
mod srun;
mod tickets;
mod tokens;
mod totp;
mod wecom;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use axum::Router;

use super::Server;
use super::people::PEOPLE;
use app_tokens::AppTokens;

pub(super) use captcha::Captchas;
pub use phone::Phone;

/// What the demo server takes for the secrets of applications.
pub(super) const OPEN_CLIENT_SECRET: &str = open::CLIENT.1;
pub(super) const APP_HMAC_KEY: &str = signed::APP.1;
pub(super) const SPRING_SECRET: &str = tokens::SPRING.1;
pub(super) const SEALED_KEY: &str = sealed::APP.1;
pub(super) const PAY_KEY: &str = signed::PAY.1;
pub(super) const HR_KEY: &str = signed::HR_KEY;
pub(super) const AWS_SECRET: &str = aws::KEY.1;
pub(super) const OAUTH1_SECRET: &str = oauth1::CONSUMER.1;
pub(super) const OIDC_SECRET: &str = oidc::CLIENT.1;
pub(super) const WECOM_CORP_SECRET: &str = wecom::CORP.1;
pub(super) const DINGTALK_APP_SECRET: &str = dingtalk::APP.1;

/// What the server keeps between the requests of a login.
pub(super) struct Flows {
    messages: phone::Messages,
    authenticators: totp::Authenticators,
    sms: sms::Sessions,
    otp: otp::Sessions,
    pub(super) push: push::Sessions,
    pub(super) renewal: renewal::Sessions,
    pub(super) captchas: Captchas,
    intranet: intranet::Sessions,
    cas: cas::Sessions,
    digest: digest::Sessions,
    ntlm: ntlm::Sessions,
    oauth1: oauth1::Sessions,
    oidc: oidc::Sessions,
    open: open::Sessions,
    wecom: AppTokens,
    signed: signed::Sessions,
    public_keys: public_keys::Sessions,
    signer: tokens::Signer,
    spring: spring::Sessions,
    srun: srun::Sessions,
    dingtalk: AppTokens,
}

impl Flows {
    /// Without any login in progress.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub(super) fn new() -> Result<Self, getrandom::Error> {
        Ok(Self {
            messages: phone::Messages::default(),
            authenticators: totp::Authenticators::new()?,
            sms: sms::Sessions::new(),
            otp: otp::Sessions::new(),
            push: push::Sessions::new(),
            renewal: renewal::Sessions::new()?,
            captchas: Captchas::new(),
            intranet: intranet::Sessions::new(),
            cas: cas::Sessions::new(),
            digest: digest::Sessions::new(),
            ntlm: ntlm::Sessions::new(),
            oauth1: oauth1::Sessions::new(),
            oidc: oidc::Sessions::new(),
            open: open::Sessions::new(),
            wecom: AppTokens::new(),
            signed: signed::Sessions::new(),
            public_keys: public_keys::Sessions::new()?,
            signer: tokens::Signer::new()?,
            spring: spring::Sessions::new(),
            srun: srun::Sessions::new(),
            dingtalk: AppTokens::new(),
        })
    }

    /// Forgets the tokens of all applications, as a server does that is started again.
    pub(super) fn forget_apps(&self) {
        self.open.apps.forget();
        self.wecom.forget();
        self.dingtalk.forget();
    }
}

pub(super) fn routes() -> Router<Arc<Server>> {
    Router::new()
        .merge(phone::routes())
        .merge(sms::routes())
        .merge(otp::routes())
        .merge(push::routes())
        .merge(renewal::routes())
        .merge(captcha::routes())
        .merge(intranet::routes())
        .merge(cas::routes())
        .merge(aws::routes())
        .merge(digest::routes())
        .merge(implicit::routes())
        .merge(ntlm::routes())
        .merge(oauth1::routes())
        .merge(oidc::routes())
        .merge(open::routes())
        .merge(wecom::routes())
        .merge(public_keys::routes())
        .merge(sealed::routes())
        .merge(signed::routes())
        .merge(tokens::routes())
        .merge(spring::routes())
        .merge(srun::routes())
        .merge(dingtalk::routes())
}

/// Whether the user has enrolled a telephone as a second factor. The last of [`PEOPLE`] has not: servers accept such
/// users with the password alone.
fn enrolled(login: &str) -> bool {
    PEOPLE[..PEOPLE.len() - 1].iter().any(|person| person.login == login)
}

/// Six random digits.
fn six_digits() -> String {
    let mut bytes = [0; 4];
    // Without randomness there would be no secrets, and so no server.
    let drawn = getrandom::fill(&mut bytes).map(|()| u32::from_le_bytes(bytes)).unwrap_or_default();
    format!("{:06}", drawn % 1_000_000)
}
