//! Sessions: what an accept leaves behind. A session records that an accept happened, and when; it repeats no verdict, and nothing
//! is asked again with an old password.
//!
//! # The rules
//!
//! - `Sessions::open` takes the grant out of an accept: one login opens one session, and nothing else opens any.
//! - A session is over at its absolute end, when it was not used for the idle time, when it was ended, and when its user was
//!   kicked after its login *began*. Kicks are times that are never lowered (`not_before`), so that nothing hangs on a list.
//! - Tokens (`token`) name a grant; each look reads the grant, the session and the not-before times together.
//! - Of a grant's refresh tokens the newest is good once; its successor is the same for all who refresh at that moment; an older
//!   one ends the session, because somebody has a copy (`rotation`).
//!
//! Sessions are in this process: a restart ends them all.

mod fault;
mod issued;
mod memory;
mod not_before;
mod record;
mod rotation;
mod sessions;
mod signer;
#[cfg(test)]
mod tests;

pub use fault::OpenFault;
pub use issued::{ActiveSession, IssuedSession, OpenSession};
pub use record::SessionId;
pub use sessions::{NewSession, SessionCounts, Sessions, SessionsError};
