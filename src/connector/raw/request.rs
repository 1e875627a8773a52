//! What a step sends, and how the request itself is authenticated.

use crate::request::raw;
use crate::signing::Auth;

use super::record::record;
use super::shape::Flat;

record! {
    /// What is sent.
    pub struct Request as "a request" {
        /// All keys but `auth`.
        sent: Flat<raw::Request>,
        /// How the request itself is authenticated.
        auth: Option<Auth>,
    }
}
