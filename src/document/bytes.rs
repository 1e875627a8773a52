//! What a value takes in memory, which is not what it took on the wire: `{"a":{}}` is nine bytes there and half a kilobyte here.

use super::{Object, Value};

/// What an allocation costs beside its bytes: the allocator's header, and rounding up to its classes.
const ALLOCATION: usize = 16;

/// A member of an object beside what its name and value point to: hash, name, value.
const MEMBER: usize = size_of::<u64>() + size_of::<String>() + size_of::<Value>();

/// A place of an object's table: an index, and its control byte.
const SLOT: usize = size_of::<usize>() + 1;

/// Control bytes after a table's end.
const TABLE_END: usize = 16;

impl Value {
    /// Bytes of memory, room that was allocated and is not used included. Visits every node.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.outside()
    }

    /// What it points to.
    fn outside(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) => 0,
            Self::Number(number) => allocated(number.as_str().len()),
            Self::Text(text) => allocated(text.capacity()),
            Self::Array(items) => {
                allocated(items.capacity() * size_of::<Self>()) + items.iter().map(Self::outside).sum::<usize>()
            }
            Self::Object(object) => outside_of(object),
        }
    }

    /// Whether its JSON text has at most `left` bytes, as far as a quick look tells: it counts what no text of it can do without, and
    /// stops when that is too much. What is left is left in `left`.
    pub fn may_fit(&self, left: &mut usize) -> bool {
        let mut spend = |bytes: usize| match left.checked_sub(bytes) {
            Some(rest) => {
                *left = rest;
                true
            }
            None => false,
        };
        match self {
            Self::Null | Self::Bool(_) => spend(4),
            Self::Number(number) => spend(number.as_str().len()),
            Self::Text(text) => spend(text.len() + 2),
            Self::Array(items) => spend(1 + items.len()) && items.iter().all(|item| item.may_fit(left)),
            Self::Object(object) => {
                let names: usize = object.keys().map(|name| name.len() + 4).sum();
                spend(1 + names) && object.values().all(|value| value.may_fit(left))
            }
        }
    }
}

/// Bytes of memory of an object that stands where it is (`env`, the attributes of a user).
pub fn object_bytes(object: &Object) -> usize {
    outside_of(object)
}

fn outside_of(object: &Object) -> usize {
    let room = object.capacity();
    if room == 0 {
        return 0;
    }
    // Seven of eight places of a table are used, and their number is a power of two.
    let places = (room * 8 / 7).max(room + 1).next_power_of_two();
    let table = allocated(places * SLOT + TABLE_END) + allocated(room * MEMBER);
    table + object.iter().map(|(name, value)| allocated(name.capacity()) + value.outside()).sum::<usize>()
}

fn allocated(bytes: usize) -> usize {
    if bytes == 0 { 0 } else { bytes + ALLOCATION }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::from_json;

    #[test]
    fn small_nodes_cost_many_times_their_text() {
        let text = format!("[{}{{}}]", r#"{"a":{}},"#.repeat(1000));
        let bytes = from_json(text.as_bytes()).unwrap().bytes();
        assert!(bytes > 40 * text.len(), "{bytes} of {}", text.len());
        assert!(bytes < 80 * text.len(), "{bytes} of {}", text.len());
        let long = from_json(format!("\"{}\"", "x".repeat(100_000)).as_bytes()).unwrap();
        assert!((100_000..110_000).contains(&long.bytes()));
        assert_eq!(Value::Null.bytes(), size_of::<Value>());
    }

    #[test]
    fn a_quick_look_never_says_no_to_what_fits() {
        for text in [r#"{"a":[1,2,{"b":"c"}],"d":null}"#, "[]", "true", "12", r#""text""#, r#"{"":{"":""}}"#] {
            let value = from_json(text.as_bytes()).unwrap();
            let mut left = text.len();
            assert!(value.may_fit(&mut left), "{text}");
            assert!(!value.may_fit(&mut 0), "{text}");
        }
    }
}
