//! Header fields, and parameters of a URL in one (`Location`).

use http::HeaderName;
use http::header::HeaderMap;

use super::SourceValue;
use crate::document::{Gaps, MembersError, from_form};

/// The value of the one field of this name.
pub(super) fn whole<'a>(headers: &HeaderMap, name: &HeaderName) -> SourceValue<'a> {
    match only(headers, name) {
        Ok(Some(text)) => SourceValue::text(text),
        Ok(None) => SourceValue::Absent,
        Err(why) => SourceValue::unknown(why),
    }
}

/// One parameter of the query of the URL in the field; relative URLs have queries, too.
pub(super) fn parameter<'a>(headers: &HeaderMap, name: &HeaderName, parameter: &str) -> SourceValue<'a> {
    let url = match only(headers, name) {
        Ok(Some(url)) => url,
        Ok(None) => return SourceValue::Absent,
        Err(why) => return SourceValue::unknown(why),
    };
    let before_fragment = url.split('#').next().unwrap_or(url);
    let Some((_, query)) = before_fragment.split_once('?') else {
        return SourceValue::Absent;
    };
    match from_form(query.as_bytes(), encoding_rs::UTF_8, Gaps::Allow) {
        Ok(mut members) => members.swap_remove(parameter).map_or(SourceValue::Absent, SourceValue::text),
        Err(MembersError::Repeated) => {
            SourceValue::unknown("a parameter of the URL in the header occurs more than once")
        }
        Err(_) => SourceValue::unknown("the query of the URL in the header cannot be read"),
    }
}

/// An error when the field occurs twice (which one would count?) or is not UTF-8.
fn only<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Result<Option<&'h str>, &'static str> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (None, _) => Ok(None),
        (Some(value), None) => std::str::from_utf8(value.as_bytes()).map(Some).map_err(|_| "the header is not text"),
        (Some(_), Some(_)) => Err("the header occurs more than once"),
    }
}
