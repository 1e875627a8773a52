//! The studio: a page in which an administrator writes, checks and tests connectors (`doorward studio DIR`).
//!
//! The YAML text is the only model: the page sends texts, and everything that is said about one comes from the same loader,
//! flow and trace as on the command line. Three rules keep it from becoming a way to steal secrets:
//!
//! - Who may call: the session that a one-time link opened (`access`), from the page's own origin (`gate`).
//! - What may be touched: connector files of one directory, by id, opened beneath its handle (`folder`).
//! - What a text may name: a draft that names a host, a file, a variable or a secret which the saved file does not name
//!   (`trust`) reads none of them and sends nothing until it is saved.

mod access;
mod cards;
mod change;
mod check;
mod complete;
mod cursor;
mod earlier;
mod folder;
mod gate;
mod graph;
mod history;
mod import;
mod imported;
mod known;
mod last_reply;
mod listed;
mod listing;
mod pages;
mod positions;
mod problems;
mod propose;
mod record;
mod recording;
mod router;
mod rules;
mod runs;
mod save;
mod send_test;
mod session;
mod state;
mod trust;
mod under_test;
mod workshop;

pub use access::LinkError;
pub use folder::Folder;
pub use imported::{ImportCandidate, ImportRow, ImportWanted, Imported};
pub use router::served;
pub use state::{Studio, StudioError};
pub use workshop::{Importer, Surroundings, Variables};
