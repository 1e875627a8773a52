//! Cookies that an upstream sets: reading `Set-Cookie`.
//!
//! Knows the syntax and the clock's part of RFC 6265bis (draft-ietf-httpbis-rfc6265bis-20), nothing of origins: which
//! cookie goes where is a jar's to decide.

mod date;
mod set_cookie;

pub use date::parse_date;
pub use set_cookie::{MAX_SET_COOKIES, SameSite, SetCookie};
