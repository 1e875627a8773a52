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
