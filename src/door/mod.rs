//! Doors: consoles that exist ask, each in its own way, and hear the reply that they understand.
//!
//! A door is the mirror image of a connector: a file says where in a console's request the login stands, and which reply means which
//! verdict there. What a console makes of a reply is its *reading*. [`check`] proves each reply by it before a door loads, and
//! `answer` reads the reply once more before it is sent. The order of one request is in [`serve`]. It calls `attempt` and knows
//! nothing of the API.

pub mod answer;
pub mod check;
pub mod draft;
pub mod golden;
mod inline;
pub mod live;
pub mod load;
pub mod look;
pub mod network;
mod no_login;
pub mod plan;
pub mod raw;
pub mod read;
mod round;
mod rules;
mod schema;
pub mod serve;
pub mod source;
mod trial;
pub mod values;

pub use schema::{schema, schema_text};
