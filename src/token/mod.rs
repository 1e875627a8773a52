//! Tokens that Doorward gives out itself.
//!
//! Signed ones (RFC 7515, RFC 7519, RFC 9068) are for programs that verify them alone, by the JWK Set of [`SigningKeys`]. Opaque
//! ones ([`opaque`]) only Doorward reads: a MAC proves that it made them before anything is looked up.
//!
//! Nothing here decides that a user is signed in. Who calls it holds a session, and a session exists only by an accept.

pub mod access;
mod key_file;
pub mod opaque;
mod signing_keys;

pub use key_file::{KeyAlgorithm, KeyFileError, NewKey};
pub use signing_keys::{KeyUse, SigningKeyError, SigningKeys, TokenError, WrittenKey};
