//! What a reply sets a cookie to.

use std::borrow::Cow;

use http::header::{HeaderMap, SET_COOKIE};

use super::Found;
use crate::document::Value;
use crate::response::set_cookie::{MAX_SET_COOKIES, SetCookie};

/// The cookie of this name. Of one name, domain and path the last counts, as in a browser; of what is left, those
/// that the reply does not end. Two such with different values are unknown.
pub(super) fn read<'a>(headers: &HeaderMap, name: &str, now: i64) -> Found<'a> {
    let mut cookies: Vec<SetCookie> = Vec::new();
    let fields = headers.get_all(SET_COOKIE);
    if fields.iter().count() > MAX_SET_COOKIES {
        return Found::unknown("the reply sets too many cookies");
    }
    for field in fields {
        if let Ok(cookie) = SetCookie::parse(field.as_bytes(), now)
            && cookie.name == name
        {
            cookies.retain(|earlier| (&earlier.domain, &earlier.path) != (&cookie.domain, &cookie.path));
            cookies.push(cookie);
        }
    }
    let (over, alive): (Vec<_>, Vec<_>) = cookies.into_iter().partition(|cookie| cookie.is_expired(now));
    let expired = alive.is_empty();
    let mut values = if expired { over } else { alive }.into_iter().map(|cookie| cookie.value);
    match values.next() {
        None => Found::Absent,
        Some(first) if values.any(|other| other != first) => {
            Found::unknown("the reply sets the cookie more than once, to different values")
        }
        Some(first) if expired => Found::Expired(Cow::Owned(Value::Text(first))),
        Some(first) => Found::text(first),
    }
}
