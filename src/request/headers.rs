//! Header fields and cookies: names are literal, values are visible ASCII, framing is not the file's to write.

use http::{HeaderName, HeaderValue};

use crate::context::Context;
use crate::template::{Charset, Hole, Line, Mistake, Place, RenderError};

use super::reader::{FileText, Pairs, Reader};

/// What connection and framing are made of (RFC 9110 section 7.6.1, RFC 9112 section 6): the client's, because a
/// second opinion about them is request smuggling.
const RESERVED: [&str; 15] = [
    "host",
    "content-length",
    "transfer-encoding",
    "content-encoding",
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "http2-settings",
    "cookie",
];

/// A compiled header field.
#[derive(Debug, Clone)]
pub(super) struct HeaderPlan {
    pub(super) name: HeaderName,
    /// The name as it goes out over HTTP/1.1 and as people read it.
    pub(super) written: String,
    pub(super) value: ValuePlan,
}

/// A header's value: ready when it is literal.
#[derive(Debug, Clone)]
pub(super) enum ValuePlan {
    Ready(HeaderValue),
    Line(Line),
}

impl ValuePlan {
    pub(super) fn render(&self, context: &Context, charset: Charset) -> Result<HeaderValue, RenderError> {
        match self {
            Self::Ready(value) => Ok(value.clone()),
            Self::Line(line) => {
                let mut bytes = Vec::with_capacity(line.size_hint());
                line.render(context, charset, &mut bytes)?;
                let unfit = |_| RenderError::Unfit { what: "a header's value is not one".into() };
                let mut value = HeaderValue::try_from(bytes).map_err(unfit)?;
                // Keeps it out of the client's debug output and of HTTP/2's compression table.
                value.set_sensitive(true);
                Ok(value)
            }
        }
    }

    /// Whether a literal names another charset than this as a parameter.
    pub(super) fn contradicts(&self, charset: Charset) -> bool {
        let Self::Ready(value) = self else { return false };
        let text = String::from_utf8_lossy(value.as_bytes()).to_ascii_lowercase();
        let label = text.split_once("charset=").and_then(|(_, label)| label.split(';').next());
        label.is_some_and(|label| Charset::parse(label.trim().trim_matches('"')) != Some(charset))
    }

    pub(super) fn holes(&self) -> impl Iterator<Item = &Hole> {
        match self {
            Self::Ready(_) => None,
            Self::Line(line) => Some(line),
        }
        .into_iter()
        .flat_map(Line::holes)
    }

    fn compile(written: FileText<'_>, place: Place, reader: &mut Reader<'_>) -> Option<Self> {
        let template = reader.template(written);
        let mut mistakes = Vec::new();
        let line = Line::compile(&template, place, Charset::UTF_8, &mut mistakes);
        let sound = mistakes.is_empty();
        if !sound && place == Place::Header {
            const ADVICE: &str = "a header carries visible ASCII; other text needs `urlencode`, `base64` or `encode`";
            for mistake in &mut mistakes {
                mistake.help.push(ADVICE.into());
            }
        }
        reader.refuse_all(written, mistakes);
        reader.uses(written, &line);
        match line.literal() {
            Some(bytes) if sound => HeaderValue::from_bytes(bytes).ok().map(Self::Ready),
            _ => Some(Self::Line(line)),
        }
    }
}

pub(super) fn compile(pairs: &Pairs<'_>, reader: &mut Reader<'_>) -> Vec<HeaderPlan> {
    let mut plans: Vec<HeaderPlan> = Vec::with_capacity(pairs.len());
    for (written, value) in pairs {
        let value = ValuePlan::compile(*value, Place::Header, reader);
        let Some((name, written)) = header_name(*written, &plans, reader) else { continue };
        plans.extend(value.map(|value| HeaderPlan { name, written, value }));
    }
    plans
}

/// The name, and how it was written.
fn header_name(written: FileText<'_>, before: &[HeaderPlan], reader: &mut Reader<'_>) -> Option<(HeaderName, String)> {
    let count = reader.refused;
    let text = reader.literal(written, "a header's name");
    if reader.refused > count {
        return None;
    }
    let refuse = |message: String| Mistake::new("header", written.range(), message);
    // As the file writes it: a setting may hold a secret of the environment.
    let shown = &written.text;
    let Ok(name) = HeaderName::from_bytes(text.as_bytes()) else {
        reader.refuse(written, refuse(format!("`{shown}` is no header name")));
        return None;
    };
    if RESERVED.contains(&name.as_str()) {
        let help = match name.as_str() {
            "cookie" => "write it under `cookies:`",
            "host" => "it follows the URL",
            _ => "the HTTP client writes it",
        };
        reader.refuse(written, refuse(format!("the header `{shown}` cannot be set")).help(help));
        return None;
    }
    if before.iter().any(|plan| plan.name == name) {
        reader.refuse(written, refuse(format!("the header `{shown}` is there already")));
        return None;
    }
    Some((name, text))
}

/// A compiled cookie.
#[derive(Debug, Clone)]
pub(super) struct CookiePlan {
    pub(super) name: String,
    pub(super) value: ValuePlan,
}

pub(super) fn compile_cookies(pairs: &Pairs<'_>, reader: &mut Reader<'_>) -> Vec<CookiePlan> {
    let mut plans: Vec<CookiePlan> = Vec::with_capacity(pairs.len());
    for (written, value) in pairs {
        let value = ValuePlan::compile(*value, Place::CookieValue, reader);
        let count = reader.refused;
        let name = reader.literal(*written, "a cookie's name");
        if reader.refused > count {
            continue;
        }
        refuse_cookie_name(&name, *written, &plans, reader);
        plans.extend(value.map(|value| CookiePlan { name, value }));
    }
    plans
}

fn refuse_cookie_name(name: &str, written: FileText<'_>, before: &[CookiePlan], reader: &mut Reader<'_>) {
    let refuse = |message: String| Mistake::new("cookie", written.range(), message);
    let shown = &written.text;
    // RFC 6265 section 4.1.1: a cookie's name is a token, and so is a header's.
    if HeaderName::from_bytes(name.as_bytes()).is_err() {
        reader.refuse(written, refuse(format!("`{shown}` is no cookie name")));
    } else if before.iter().any(|plan| plan.name == name) {
        reader.refuse(written, refuse(format!("the cookie `{shown}` is there already")));
    }
}
