//! The login page, for those who have no console: a user's browser asks, `attempt` decides, and an accept leaves a session behind
//! whose cookie the browser keeps.
//!
//! # The way of a login
//!
//! ```text
//! GET /login ─▶ form ─▶ POST /login ─▶ attempt ─┬─▶ accept: a new session, its cookie, GET /
//!                                               ├─▶ challenge: POST /login/answer, or GET /login/wait, /login/return ─▶ attempt
//!                                               └─▶ reject, unavailable, misconfigured: said in the user's language
//! ```
//!
//! - Each form is a **step**: good once, for ten minutes, in the browser that it was made for (`steps`). A challenge's id never reaches
//!   the browser.
//! - A POST counts only from a page of this very origin (`guard`), whatever cookies come with it.
//! - Every page works without a script; there is none.
//! - Whatever is said has a text in each language (`lang/`); nothing of a user or an upstream is markup (askama escapes).

mod answer;
mod browser;
mod fields;
mod form;
mod front;
mod guard;
mod home;
mod keys;
mod login;
mod outcome;
mod page;
mod peer;
mod router;
mod steps;

pub use front::Front;
pub use router::served;
