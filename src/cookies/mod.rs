//! Cookies of an upstream. Reading `Set-Cookie` is `response::set_cookie`'s, because sources read it too; which
//! cookie goes where is for the jar here.

pub use crate::response::set_cookie::{MAX_SET_COOKIES, SameSite, SetCookie, parse_date};
