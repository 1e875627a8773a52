//! How a file that a person wrote becomes structs: one definition makes the struct, its reader and its JSON Schema.
//!
//! Every mistake is reported with its place, unknown keys are refused, and numbers keep what was typed. It knows no
//! file format of Doorward's; connectors and the daemon's configuration are both read with it.
//!
//! # How to add a key
//!
//! 1. Write it into the `record!` of its map (`connector/raw/*.rs`, `config/raw.rs`), with a doc comment: that becomes the
//!    description in the schema. The type says the rest:
//!    - `Option<T>` may be left out; `Vec<T>` and [`Dict`] are empty then; any other type is required.
//!    - [`Text`] has a place for each of its parts (templates); [`Parameter`] is text that may look like a number;
//!      [`Spanned`] gives a place to `bool`, `u32`, [`TimeSpan`], [`ByteSize`] and words.
//!    - An enum of words is `words!`; one of several keys is `one_of!`; keys shared by maps are a `keys!` struct in [`Flat`].
//!    - A word or a map (`format: json`, `format: { pairs: … }`) is a [`FromNode`] of its own, beside its `definition!`.
//!    - `r#type` is the key `type`; `field as "key"` is a key that is no Rust name.
//! 2. Use it where the file is checked (`connector/check`, `config/check.rs`); the compiler names no unused key, so
//!    `tests/golden/connectors/every-key.yaml` must have it, or `the_sample_of_every_key_has_every_key` fails.
//! 3. Add a case of each mistake to `tests/golden/check/*.cases`, and a line to the page of docs/ that teaches its map.
//! 4. `make schema` writes the schema.

pub(crate) mod amount;
pub(crate) mod read;
pub(crate) mod record;
pub(crate) mod scalar;
pub(crate) mod shape;
pub(crate) mod tree;
pub(crate) mod union;
pub(crate) mod word;

pub use amount::{ByteSize, Ratio, TimeSpan};
pub use read::{FromNode, Keyed, Keys, MapReader, MapSpans, read_keyed, schema_of_keys, wrong_kind};
pub use scalar::{Constant, Parameter, Spanned, Text};
pub use shape::{Dict, Flat, NonEmpty, OneOrMany};
pub use tree::{Tree, TreeValue};
pub use word::Word;
