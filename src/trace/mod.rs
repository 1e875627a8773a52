//! A run as a send test shows it: every stage, with values only where an allow-list lets them be seen.
//!
//! A pure function of a `Report`. What may be shown is decided by where a value stands (docs/contract.md section 6, "Shown
//! by allow-list"), never by searching for secrets; a search for known credentials goes over the rest as a second layer of
//! redaction. Masking happens once, when a [`Trace`] is built; the JSON and the rows are both made of it. The command line's
//! `--reveal` is the only way to see the rest.

mod delivery;
mod human;
mod masked;
mod outline;
mod redactor;
mod request;
mod row;
mod rows;
mod stage;
mod summary;
mod verdict;

pub use human::human;
pub use masked::Trace;
pub use redactor::View;
pub use row::{Cell, Columns, Row, Tone, harmless};
pub use summary::Summary;
