//! The text that OAuth 1.0a signs (RFC 5849 section 3.4.1), and the header that carries the parameters (section 3.5.1).

use url::Url;
use zeroize::Zeroizing;

use crate::percent;
use crate::signing::fields::Field;

/// Names and values, percent-encoded.
#[derive(Default, Clone)]
pub(super) struct Parameters(Vec<(String, Zeroizing<String>)>);

impl Parameters {
    pub(super) fn add(&mut self, name: &str, value: &[u8]) {
        self.0.push((percent::encode(name.as_bytes()), Zeroizing::new(percent::encode(value))));
    }

    /// Adds decoded fields of the query or of a form.
    pub(super) fn take(&mut self, fields: &[Field]) {
        let encoded = |bytes: &[u8]| Zeroizing::new(percent::encode(bytes));
        self.0.extend(fields.iter().map(|field| (percent::encode(&field.name), encoded(&field.value))));
    }

    /// In the order of names and values (section 3.4.1.3.2).
    fn normalized(&self) -> Zeroizing<String> {
        let mut pairs: Vec<(&str, &str)> = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        pairs.sort_unstable();
        let size: usize = pairs.iter().map(|(name, value)| name.len() + value.len() + 2).sum();
        // In full at once: a buffer that grows leaves a copy of the password behind.
        let mut text = Zeroizing::new(String::with_capacity(size));
        for (index, (name, value)) in pairs.into_iter().enumerate() {
            text.push_str(if index > 0 { "&" } else { "" });
            text.push_str(name);
            text.push('=');
            text.push_str(value);
        }
        text
    }

    /// The value of the header Authorization.
    pub(super) fn header(&self, realm: Option<&str>) -> Zeroizing<String> {
        let realm = realm.map(|realm| format!("realm=\"{realm}\""));
        let pairs = self.0.iter().map(|(name, value)| format!("{name}=\"{}\"", value.as_str()));
        Zeroizing::new(format!("OAuth {}", realm.into_iter().chain(pairs).collect::<Vec<_>>().join(", ")))
    }
}

/// `METHOD&url&parameters`; the port of the scheme is left out (section 3.4.1.2).
pub(super) fn base_string(method: &str, url: &Url, parameters: &Parameters) -> Zeroizing<Vec<u8>> {
    let at = format!("{}{}", url.origin().ascii_serialization(), url.path());
    let normalized = Zeroizing::new(percent::encode(parameters.normalized().as_bytes()));
    Zeroizing::new(
        [method.as_bytes(), b"&", percent::encode(at.as_bytes()).as_bytes(), b"&", normalized.as_bytes()].concat(),
    )
}
