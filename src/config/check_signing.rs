//! Keys that sign access tokens, checked.

use jiff::Timestamp;
use url::Url;

use super::Signing;
use super::check::Check;
use super::raw::{RawSigning, RawSigningKey, SecretFrom};
use crate::reading::Text;
use crate::token::{SigningKeyError, SigningKeys, WrittenKey};
use crate::upstream::Origin;

impl Check<'_> {
    pub(super) fn signing(&mut self, raw: &RawSigning) -> Option<Signing> {
        let issuer = self.issuer(&raw.issuer);
        let keys: Vec<Option<WrittenKey>> = raw.keys.iter().map(|key| self.signing_key(key)).collect();
        let keys: Vec<WrittenKey> = keys.into_iter().collect::<Option<_>>()?;
        if let Err(why) = SigningKeys::read(&keys) {
            let at = match why {
                SigningKeyError::NoKey { at }
                | SigningKeyError::Twice { at }
                | SigningKeyError::TwoSign { at, .. }
                | SigningKeyError::UntilOfAnother { at } => raw.keys.get(at).map(|key| &key.file.span),
                SigningKeyError::NoneSigns => None,
            };
            let at = at.cloned().unwrap_or_else(|| raw.place.key("keys").clone());
            self.wrong("signing-key", &at, &why.to_string(), "doorward key new --file keys/one.pem");
            return None;
        }
        let audience = raw.audience.iter().map(|text| text.text.clone()).collect();
        Some(Signing { issuer: issuer?, audience, keys })
    }

    fn signing_key(&mut self, raw: &RawSigningKey) -> Option<WrittenKey> {
        let until_ms = match &raw.until {
            None => None,
            Some(text) => Some(self.time(text)?),
        };
        let pem = self.secret(&SecretFrom::File(raw.file.clone()))?;
        Some(WrittenKey { pem, key_use: raw.r#use.value, until_ms })
    }

    fn time(&mut self, text: &Text) -> Option<u64> {
        let time = text.as_str().parse::<Timestamp>().ok().and_then(|time| u64::try_from(time.as_millisecond()).ok());
        if time.is_none() {
            self.wrong("signing-until", &text.span, "this is no time", "write 2027-01-31T00:00:00Z, in quotes");
        }
        time
    }

    /// Verifiers compare it byte for byte, so it is kept as it is written.
    fn issuer(&mut self, text: &Text) -> Option<String> {
        let url = Url::parse(text.as_str()).ok().filter(|url| {
            let local = Origin::of(url).is_ok_and(|origin| origin.host().is_loopback());
            let plain = url.username().is_empty() && url.query().is_none() && url.fragment().is_none();
            (url.scheme() == "https" || (url.scheme() == "http" && local)) && plain
        });
        if url.is_none() {
            let help = "write an https address of your own, without query: https://sso.corp.example.com";
            self.wrong("bad-url", &text.span, "this is no issuer of tokens", help);
        }
        url.map(|_| text.text.clone())
    }
}
