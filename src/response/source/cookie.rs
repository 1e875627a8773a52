//! What a reply sets a cookie to.

use std::borrow::Cow;

use http::header::SET_COOKIE;

use super::{ReplyView, SourceValue, Void};
use crate::document::Value;
use crate::response::set_cookie::{MAX_SET_COOKIES, SetCookie};

/// The cookie of this name. Of one name, domain and path the last counts, as in a browser; of what is left, those
/// that the reply does not end. Two such with different values are unknown.
pub(super) fn read<'a>(reply: &ReplyView<'_>, name: &str) -> SourceValue<'a> {
    let mut cookies: Vec<SetCookie> = Vec::new();
    let fields = reply.headers.get_all(SET_COOKIE);
    if fields.iter().count() > MAX_SET_COOKIES {
        return SourceValue::unknown("the reply sets too many cookies");
    }
    for field in fields {
        if let Ok(cookie) = SetCookie::parse(field.as_bytes(), reply.now)
            && cookie.name == name
        {
            cookies.retain(|earlier| (&earlier.domain, &earlier.path) != (&cookie.domain, &cookie.path));
            cookies.push(cookie);
        }
    }
    let (over, alive): (Vec<_>, Vec<_>) = cookies.into_iter().partition(|cookie| cookie.is_expired(reply.now));
    let deleted = alive.is_empty();
    let foreign = reply.host.is_some_and(|host| alive.iter().all(|cookie| cookie.is_foreign_to(host)));
    let mut values = if deleted { over } else { alive }.into_iter().map(|cookie| cookie.value);
    let Some(first) = values.next() else { return SourceValue::Absent };
    if values.any(|other| other != first) {
        return SourceValue::unknown("the reply sets the cookie more than once, to different values");
    }
    let void = match (deleted, foreign) {
        (true, _) => Some(Void::Deleted),
        (false, true) => Some(Void::Foreign),
        (false, false) => first.is_empty().then_some(Void::Empty),
    };
    match void {
        Some(why) => SourceValue::Void(Cow::Owned(Value::Text(first)), why),
        None => SourceValue::text(first),
    }
}
