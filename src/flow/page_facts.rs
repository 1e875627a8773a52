//! The forms and link bases of a reply that requests of later steps need.

use url::Url;

use super::explain;
use crate::connector::Step;
use crate::context::PageFacts;
use crate::response::Decoded;

/// A longer base is ignored: with it every link would be too long.
const MAX_BASE_BYTES: usize = 8 * 1024;

/// Those of the reply to `asked`. A missing form fails only the step that needs it, so it is stored as the text of that
/// error.
pub(super) fn of_reply(step: &Step, decoded: &Decoded, asked: &Url) -> PageFacts {
    let wanted = &step.response.decoding.wanted;
    let mut facts = PageFacts::default();
    if wanted.links {
        facts.url = Some(asked.to_string());
        // A base that is no address is passed over, as browsers do (WHATWG HTML 4.2.3).
        let base = decoded.page.base().and_then(|href| asked.join(href).ok());
        let base = base.filter(|base| base.has_host() && base.as_str().len() <= MAX_BASE_BYTES);
        facts.base = base.map(String::from);
    }
    for css in &wanted.forms {
        let form = match decoded.page.form(css) {
            Some(Ok(form)) => Ok(form.clone()),
            Some(Err(why)) => Err(format!("the page of step {} {why}", step.name)),
            None => {
                let (step, css, is) = (&step.name, css.as_str(), explain::read_as(decoded));
                Err(format!("the reply of step {step} has no form {css}: it is {is}"))
            }
        };
        facts.forms.insert(css.as_str().to_owned(), form);
    }
    facts
}
