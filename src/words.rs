//! An enum each of whose members is one word, written once: the word of a file, of the API, of a metric's label.
//!
//! A macro and not strum: the words are contracts and stand here as literals, where strum derives them from the names of the
//! members, so that renaming a member would rename a key of the API.

/// Makes the enum, `ALL` of its members in order, `as_str`, `parse` and `Display`.
macro_rules! words {
    (
        $(#[$doc:meta])*
        $vis:vis enum $name:ident {
            $( $(#[$member_doc:meta])* $member:ident = $word:literal, )*
        }
    ) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        $vis enum $name { $( $(#[$member_doc])* $member, )* }

        impl $name {
            /// Every member, in order.
            pub const ALL: &'static [Self] = &[$( Self::$member, )*];

            /// Its word.
            pub fn as_str(self) -> &'static str {
                match self { $( Self::$member => $word, )* }
            }

            /// The member with this word.
            pub fn parse(word: &str) -> Option<Self> {
                match word { $( $word => Some(Self::$member), )* _ => None }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

pub(crate) use words;
