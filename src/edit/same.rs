//! Whether a changed text is the old tree with the new part in it.

use crate::yaml::{Node, NodeValue};

/// The same values in the same style, wherever they stand.
pub(super) fn same(a: &Node, b: &Node) -> bool {
    like(a, b, &|a, b| same(a, b))
}

/// All the same but for a last entry `key` in the map that was `target`.
pub(super) fn with_key(before: &Node, after: &Node, target: &Node, key: &str) -> bool {
    if is(before, target) {
        let (NodeValue::Map(old), NodeValue::Map(new)) = (&before.value, &after.value) else { return false };
        let Some((added, kept)) = new.split_last() else { return false };
        let kept_same = kept.iter().zip(old).all(|(a, b)| a.key == b.key && same(&a.value, &b.value));
        return added.key == key && kept.len() == old.len() && kept_same;
    }
    like(before, after, &|a, b| with_key(a, b, target, key))
}

/// All the same but for a last item in the list that was `target`.
pub(super) fn with_item(before: &Node, after: &Node, target: &Node) -> bool {
    if is(before, target) {
        let (NodeValue::List(old), NodeValue::List(new)) = (&before.value, &after.value) else { return false };
        let Some((_, kept)) = new.split_last() else { return false };
        return kept.len() == old.len() && kept.iter().zip(old).all(|(a, b)| same(a, b));
    }
    like(before, after, &|a, b| with_item(a, b, target))
}

/// All the same but for the entry or item that stood at `at` in what was `target`.
pub(super) fn without(before: &Node, after: &Node, target: &Node, at: usize) -> bool {
    if is(before, target) {
        return match (&before.value, &after.value) {
            (NodeValue::Map(old), NodeValue::Map(new)) => {
                let kept: Vec<_> = old.iter().enumerate().filter(|(n, _)| *n != at).collect();
                kept.len() == new.len()
                    && kept.iter().zip(new).all(|((_, a), b)| a.key == b.key && same(&a.value, &b.value))
            }
            (NodeValue::List(old), NodeValue::List(new)) => {
                let kept: Vec<_> = old.iter().enumerate().filter(|(n, _)| *n != at).collect();
                kept.len() == new.len() && kept.iter().zip(new).all(|((_, a), b)| same(a, b))
            }
            _ => false,
        };
    }
    like(before, after, &|a, b| without(a, b, target, at))
}

/// All the same but for the name of a key, before and after, in what was `target`.
pub(super) fn renamed(before: &Node, after: &Node, target: &Node, names: (&str, &str)) -> bool {
    if is(before, target) {
        let (NodeValue::Map(old), NodeValue::Map(new)) = (&before.value, &after.value) else { return false };
        let named = |key: &str| if key == names.0 { names.1.to_owned() } else { key.to_owned() };
        return old.len() == new.len()
            && old.iter().zip(new).all(|(a, b)| named(&a.key) == b.key && same(&a.value, &b.value));
    }
    like(before, after, &|a, b| renamed(a, b, target, names))
}

/// All the same but for what was `target`.
pub(super) fn elsewhere(before: &Node, after: &Node, target: &Node) -> bool {
    is(before, target) || like(before, after, &|a, b| elsewhere(a, b, target))
}

/// Nodes of one tree are told by their place.
fn is(node: &Node, target: &Node) -> bool {
    node.span == target.span && std::mem::discriminant(&node.value) == std::mem::discriminant(&target.value)
}

fn like(a: &Node, b: &Node, below: &dyn Fn(&Node, &Node) -> bool) -> bool {
    match (&a.value, &b.value) {
        (NodeValue::Scalar(a), NodeValue::Scalar(b)) => a.text == b.text && a.style == b.style,
        (NodeValue::List(a), NodeValue::List(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| below(a, b)),
        (NodeValue::Map(a), NodeValue::Map(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.key == b.key && below(&a.value, &b.value))
        }
        _ => false,
    }
}
