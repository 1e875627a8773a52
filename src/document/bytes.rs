//! The size of a value in memory. It differs from its size on the wire: `{"a":{}}` is nine bytes there and half a
//! kilobyte here.

use super::{Object, Value};

/// Overhead of an allocation: the allocator's header, and rounding up to a size class.
const ALLOCATION: usize = 16;

/// An entry of an object without what its name and value point to: hash, name, value.
const MEMBER: usize = size_of::<u64>() + size_of::<String>() + size_of::<Value>();

/// A slot of an object's hash table: an index and its control byte.
const SLOT: usize = size_of::<usize>() + 1;

/// Control bytes after a table's end.
const TABLE_END: usize = 16;

impl Value {
    /// Bytes of memory, including capacity that is allocated and unused. Visits every node.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.outside()
    }

    /// Bytes of memory outside of the value itself.
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

    /// A quick lower bound: false when its JSON text certainly has more than `left` bytes. Subtracts the bytes it
    /// counts from `left`, and stops as soon as there are too many.
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

/// Bytes of memory of an object that is part of another struct (`env`, the attributes of a user).
pub fn object_bytes(object: &Object) -> usize {
    outside_of(object)
}

fn outside_of(object: &Object) -> usize {
    let room = object.capacity();
    if room == 0 {
        return 0;
    }
    // A table uses seven of eight slots, and their number is a power of two.
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
