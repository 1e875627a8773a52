//! The macros that make a struct, its reader and its schema from one definition, so that they cannot disagree.

/// A struct whose fields are the keys of a map. `r#in` is the key `in`; `a_b as "aB"` is the key `aB`. The doc comment of a field is its description in the
/// schema; whether a key is required is decided by the field's type ([`super::FromNode::absent`]). Every struct gets
/// `place`, where it and its keys stand.
macro_rules! keys {
    (
        $(#[doc = $doc:literal])*
        pub struct $name:ident as $what:literal {
            $( $(#[doc = $field_doc:literal])* $field:ident $(as $key:literal)?: $type:ty, )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub struct $name {
            /// Where it and its keys stand.
            pub place: $crate::reading::MapSpans,
            $( $(#[doc = $field_doc])* pub $field: $type, )*
        }

        impl $crate::reading::Keyed for $name {
            const WHAT: &'static str = $what;

            fn take_keys(
                map: &mut $crate::reading::MapReader<'_>,
                diagnostics: &mut $crate::diagnostic::Diagnostics,
            ) -> Option<Self> {
                $( let $field = <$type as $crate::reading::FromNode>::take(
                    $crate::reading::record::key(&[$($key,)? stringify!($field)]), map, diagnostics,
                ); )*
                Some(Self { place: map.place(), $( $field: $field?, )* })
            }

            fn describe_keys(
                object: &mut $crate::reading::Keys,
                generator: &mut schemars::SchemaGenerator,
            ) {
                $( <$type as $crate::reading::FromNode>::describe(
                    $crate::reading::record::key(&[$($key,)? stringify!($field)]),
                    &$crate::reading::record::doc(&[$($field_doc),*]),
                    object,
                    generator,
                ); )*
            }
        }

        impl $name {
            /// The doc comment, for the schema.
            #[allow(dead_code, reason = "some are read only as a part of another map")]
            pub(crate) fn doc() -> String {
                $crate::reading::record::doc(&[$($doc),*])
            }
        }
    };
}

/// [`keys!`] for a struct that is a whole map and nothing else.
macro_rules! record {
    ( $(#[doc = $doc:literal])* pub struct $name:ident $($rest:tt)* ) => {
        $crate::reading::record::keys! { $(#[doc = $doc])* pub struct $name $($rest)* }
        $crate::reading::record::whole_map! { $name }
    };
}

/// Reads a [`super::Keyed`] type with a method `doc` from a whole map, and gives it a definition in the schema.
macro_rules! whole_map {
    ($name:ident) => {
        impl $crate::reading::FromNode for $name {
            fn read(node: &$crate::yaml::Node, diagnostics: &mut $crate::diagnostic::Diagnostics) -> Option<Self> {
                $crate::reading::read_keyed(node, diagnostics)
            }

            fn schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                generator.subschema_for::<Self>()
            }
        }

        $crate::reading::record::definition! {
            $name: |generator| $crate::reading::schema_of_keys::<$name>(&$name::doc(), generator)
        }
    };
}

/// Names a type in the schema's `$defs`, which also is what lets types contain themselves.
macro_rules! definition {
    ($name:ident: |$generator:ident| $schema:expr) => {
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn schema_id() -> std::borrow::Cow<'static, str> {
                concat!(module_path!(), "::", stringify!($name)).into()
            }

            fn json_schema($generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $schema
            }
        }
    };
}

/// An enum that is a map with exactly one of several keys.
macro_rules! one_of {
    (
        $(#[doc = $doc:literal])*
        pub enum $name:ident as $what:literal {
            $( $(#[doc = $variant_doc:literal])* $key:ident: $variant:ident($type:ty), )*
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Debug, Clone, PartialEq)]
        pub enum $name {
            $( $(#[doc = $variant_doc])* $variant($type), )*
        }

        impl $crate::reading::Keyed for $name {
            const WHAT: &'static str = $what;

            fn take_keys(
                map: &mut $crate::reading::MapReader<'_>,
                diagnostics: &mut $crate::diagnostic::Diagnostics,
            ) -> Option<Self> {
                let keys = [$( $crate::reading::record::key(&[stringify!($key)]), )*];
                let chosen = $crate::reading::union::choose(map, &keys, diagnostics)?;
                $( if chosen.key == $crate::reading::record::key(&[stringify!($key)]) {
                    return <$type as $crate::reading::FromNode>::read(&chosen.value, diagnostics).map(Self::$variant);
                } )*
                None
            }

            fn describe_keys(
                object: &mut $crate::reading::Keys,
                generator: &mut schemars::SchemaGenerator,
            ) {
                $( <$type as $crate::reading::FromNode>::describe(
                    $crate::reading::record::key(&[stringify!($key)]),
                    &$crate::reading::record::doc(&[$($variant_doc),*]),
                    object,
                    generator,
                ); )*
                let keys = [$( $crate::reading::record::key(&[stringify!($key)]), )*];
                $crate::reading::union::exactly_one(object, &keys);
            }
        }

        impl $name {
            /// The key that was written.
            pub fn key(&self) -> &'static str {
                match self { $( Self::$variant(_) => $crate::reading::record::key(&[stringify!($key)]), )* }
            }

            /// The doc comment, for the schema.
            pub(crate) fn doc() -> String {
                $crate::reading::record::doc(&[$($doc),*])
            }
        }

        $crate::reading::record::whole_map! { $name }
    };
}

/// An enum that is written as one word of a file. Its words are those of [`crate::words::words`].
macro_rules! words {
    (
        $(#[$doc:meta])*
        pub enum $name:ident as $what:literal {
            $( $(#[$variant_doc:meta])* $variant:ident = $word:literal, )*
        }
    ) => {
        $crate::words::words! {
            $(#[$doc])*
            pub enum $name { $( $(#[$variant_doc])* $variant = $word, )* }
        }

        $crate::reading::record::read_as_word! { $name as $what }
    };
}

/// Reads an enum of words, also one that a lower module defines, from a node; `$what` names it in messages. Without it the
/// type has its own [`super::Word`].
macro_rules! read_as_word {
    ($name:ident as $what:literal) => {
        impl $crate::reading::Word for $name {
            const WHAT: &'static str = $what;
            const ALL: &'static [Self] = Self::ALL;

            fn word(self) -> &'static str {
                self.as_str()
            }
        }

        $crate::reading::record::read_as_word! { $name }
    };
    ($name:ident) => {
        impl $crate::reading::FromNode for $name {
            fn read(node: &$crate::yaml::Node, diagnostics: &mut $crate::diagnostic::Diagnostics) -> Option<Self> {
                $crate::reading::word::read_word(node, diagnostics)
            }

            fn schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                $crate::reading::word::word_schema::<Self>()
            }
        }
    };
}

pub(crate) use {definition, keys, one_of, read_as_word, record, whole_map, words};

/// The key of a field, from the key written beside it, if there is one, and its name: `r#in` is `in`.
pub fn key(names: &[&'static str]) -> &'static str {
    names.first().map_or("", |name| name.strip_prefix("r#").unwrap_or(name))
}

/// The lines of a doc comment as one text.
pub fn doc(lines: &[&str]) -> String {
    let trimmed: Vec<&str> = lines.iter().map(|line| line.trim()).collect();
    trimmed.join(" ").trim().to_owned()
}
