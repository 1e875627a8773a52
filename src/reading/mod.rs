//! How a file that a person wrote becomes structs: one definition makes the struct, its reader and its JSON Schema.
//!
//! Every mistake is told with its place, unknown keys are refused, and numbers keep what was typed. It knows no
//! file format of Doorward's; connectors and the daemon's configuration are both read with it.

pub(crate) mod amount;
pub(crate) mod read;
pub(crate) mod record;
pub(crate) mod scalar;
pub(crate) mod shape;
pub(crate) mod tree;
pub(crate) mod union;
pub(crate) mod word;

pub use amount::{ByteSize, TimeSpan};
pub use read::{FromNode, Keyed, Keys, MapReader, Place, read_keyed, schema_of_keys, wrong_kind};
pub use scalar::{Constant, Parameter, Spanned, Text};
pub use shape::{Dict, Flat, NonEmpty, OneOrMany};
pub use tree::{Tree, TreeValue};
pub use word::Word;
