//! Cookies of an upstream: which of them a login keeps, where they go back to, and which the user's browser gets.
//!
//! Reading one `Set-Cookie` is `response::set_cookie`'s, because sources read it too. A jar belongs to one login and
//! is lost with it: no cookie of one user is ever sent for another. Time comes in by argument.

mod delivery;
mod jar;
mod rules;
mod suffix;

pub use delivery::{CookiePlan, DeliveryPlan, deliver, folded, is_browser_name};
pub use jar::{Dropped, Jar, MAX_COOKIES, MAX_JAR_BYTES};
pub use rules::Refusal;
pub use suffix::registrable_domain;

pub use crate::response::set_cookie::{MAX_SET_COOKIES, NoCookie, SameSite, SetCookie, parse_date};

#[cfg(test)]
mod tests;
